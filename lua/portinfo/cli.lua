-- cli.lua: the command: its words, options, streams and exit status.

local core = require "portinfo.core"
local escape = require "portinfo.escape"
local later = require "portinfo.later"
local terminal = require "portinfo.terminal"

local board, chunk, docs = later "board", later "chunk", later "docs"
local doctor, duration, free = later "doctor", later "duration", later "free"
local json, meta, page = later "json", later "meta", later "page"
local pager, place = later "pager", later "place"
local predicate, query = later "predicate", later "query"
local reasons, watch = later "why", later "watch"
local render, saved, schema = later "render", later "saved", later "schema"
local screen, search, sight = later "screen", later "search", later "sight"
local wait = later "wait"

local function pointed(...) return require "portinfo.pointed"(...) end

local usage = [[
usage: portinfo                          a Lua prompt (from a pipe: runs a script)
       portinfo PORT|SERVICE[/TRANSPORT]...    the page of a port
       portinfo ls [FILTER]              sockets; tests side by side must all hold:
                                         listening tcp exposed :PORT 'lport < 1024' ...
       portinfo :PORT                    sockets with this port, on either side
       portinfo explain [--run] FILTER   what would be asked of the kernel, and what not
       portinfo wait [--for TIME] [--timeout TIME] [--gone] FILTER
                                         until there are such sockets (or none), as ls
       portinfo free [PORT|RANGE] [--count N] [--udp] [--addr ADDRESS] [--no-probe]
                                         ports that can be bound now: this, or the next
       portinfo why PORT|SERVICE [--udp] [--addr ADDRESS] [--no-probe]
                                         why it cannot be bound, and what would help
       portinfo save FILE [FILTER]       keeps a reading (FILE -: standard output)
       portinfo diff FILE [FILE]         what changed between two, or since then
                                         (--key service: restarts are changes)
       portinfo watch [--interval TIME] [--count N] [--until-empty] [--settle TIME] [FILTER]
                                         what comes, goes and changes
       portinfo search WORD              the registry and what software uses
       portinfo doctor                   what can be seen from here, and how to see more
       portinfo schema                   fields and flags, as JSON (--format luacats:
                                         for editors)
       portinfo -e CODE [ARG...]         runs Lua, shows the value of an expression
       portinfo FILE.lua [ARG...]        runs a Lua script
ls:      --columns FIELD,...   --sort [-]FIELD,...   --limit N   --undecided
         --tally FIELD,... (how often)   --distinct FIELD,...
options: --format table|line|tsv|csv|json|ndjson|'{lport} {process}'
                                           (a table on a terminal, else TSV)
         --no-header   -0 (lines end with NUL)   --width N
         --color auto|always|never
         --backend netlink|proc   --proc FOLDER   --from FILE (a saved reading)
         --strict   -q (no remarks)   -i (a prompt after the script)
         --no-pager   --no-rc (the prompt's rc.lua)   --help   --version
exit status: 0 found or shown, 1 nothing, for sure, 2 error, 3 undecided
]]

-- A mistake in the call: caught in main, one line and exit 2.
local Mistake = {}

local function mistake(format, ...)
  error(setmetatable({text = format:format(...)}, Mistake))
end

-- In a filter or a template: the message has lines of its own, safe already.
local function shown_mistake(message)
  error(setmetatable({text = message, shown = true}, Mistake))
end

local function say(format, ...)
  io.stderr:write("portinfo: ", escape(format:format(...)), "\n")
end

local function complain(err)
  if getmetatable(err) ~= Mistake then
    say("%s", chunk.message(err))
  elseif err.shown then
    io.stderr:write("portinfo: ", err.text, "\n")
  else
    say("%s", err.text)
  end
end

-- ---- Options --------------------------------------------------------------------

local formats = {table = true, line = true, tsv = true, csv = true, json = true, ndjson = true}
local colors = {auto = true, always = true, never = true}
local backends = {auto = true, netlink = true, proc = true}
local identities = {socket = true, service = true}

-- The reader of an option that takes fields, separated by commas.
local function fields_of(option)
  return function(text)
    local names = {}
    for name in text:gmatch "[^,]+" do
      local field, message = schema.find(name)
      if not field then mistake("%s: %s", option, message) end
      if names[field.name] then mistake("%s: '%s' is named twice", option, field.name) end
      names[#names + 1], names[field.name] = field.name, true
    end
    if #names == 0 then mistake("%s: name at least one field", option) end
    return names
  end
end

local function check_sort(text)
  local keys = {}
  for key in text:gmatch "[^,]+" do
    local down, name = key:match "^(%-?)(.*)$"
    local field, message = schema.find(name)
    if not field and name ~= "count" then mistake("--sort: %s", message) end
    keys[#keys + 1] = down .. (field and field.name or name)
  end
  if #keys == 0 then mistake "--sort: name at least one field" end
  return keys
end

local function check_limit(text)
  local most = text:find "^%d+$" and math.tointeger(tonumber(text))
  if not most then mistake("--limit: how many, as a whole number, not '%s'", text) end
  return most
end

local function check_count(text)
  local count = text:find "^%d+$" and math.tointeger(tonumber(text))
  if not count or count < 1 then mistake("--count: how many, from 1, not '%s'", text) end
  return count
end

local function check_width(text)
  local width = math.tointeger(tonumber(text))
  if not width or width < 20 then mistake "--width: a number of columns, at least 20" end
  return width
end

local function one_of(option, set)
  return function(text)
    if set[text] then return text end
    local list = {}
    for name in pairs(set) do list[#list + 1] = name end
    table.sort(list)
    mistake("%s: '%s' is none of %s", option, text, table.concat(list, ", "))
  end
end

-- The reader of an option that takes a length of time.
local function time_of(option)
  return function(text)
    local seconds, message = duration.parse(text)
    if not seconds then mistake("%s: %s", option, message) end
    return seconds
  end
end

-- The same where nothing would be endless.
local function pause_of(option)
  local parse = time_of(option)
  return function(text)
    local seconds = parse(text)
    if seconds < 0.001 then mistake("%s: a time above 0, such as 500ms, not '%s'", option, text) end
    return seconds
  end
end

local function keep(text) return text end

-- A format by name, or a template, which has fields in it.
local function check_format(text)
  if text == "luacats" then return text end -- of the schema alone, see dispatch
  if not text:find("{", 1, true) then return one_of("--format", formats)(text) end
  local groups, message, first, length = core.template(text)
  if groups then return text end
  shown_mistake("--format: " .. pointed(text, message, first, length))
end

local valued = {
  ["--format"] = {"format", check_format},
  ["--columns"] = {"columns", fields_of "--columns"},
  ["--tally"] = {"tally", fields_of "--tally"},
  ["--distinct"] = {"distinct", fields_of "--distinct"},
  ["--sort"] = {"sort", check_sort},
  ["--limit"] = {"limit", check_limit},
  ["--width"] = {"width", check_width},
  ["--color"] = {"color", one_of("--color", colors)},
  ["--backend"] = {"backend", one_of("--backend", backends)},
  ["--proc"] = {"proc", keep},
  ["--from"] = {"from", keep},
  ["--key"] = {"key", one_of("--key", identities)},
  ["--count"] = {"count", check_count},
  ["--addr"] = {"address", keep},
  ["--timeout"] = {"timeout", time_of "--timeout"},
  ["--for"] = {"hold", time_of "--for"},
  ["--interval"] = {"interval", pause_of "--interval"},
  ["--settle"] = {"settle", pause_of "--settle"},
  ["-e"] = {"code", keep, several = true},
}

local switches = {
  ["--undecided"] = "undecided", ["--no-header"] = "bare", ["-0"] = "nul",
  ["--run"] = "run", ["--gone"] = "gone", ["--udp"] = "udp", ["--no-probe"] = "unproved",
  ["--until-empty"] = "until_empty",
  ["--no-pager"] = "no_pager", ["--no-rc"] = "no_rc",
  ["--strict"] = "strict", ["-q"] = "quiet", ["--quiet"] = "quiet",
  ["-i"] = "interactive", ["--help"] = "help", ["-h"] = "help",
  ["--version"] = "version",
}

local function is_socket_tool_option(word)
  return word:find "^%-[tuanplx46]+$" ~= nil
end

local function fail_option(word, words)
  if words[1] == "ls" and is_socket_tool_option(word) then
    mistake("unknown option %s: say it in words, as in portinfo ls listening tcp", word)
  end
  local list = {}
  for name in pairs(valued) do list[#list + 1] = name end
  for name in pairs(switches) do list[#list + 1] = name end
  table.sort(list)
  local near = core.nearest(word:match "^[^=]*", list)
  mistake("unknown option %s%s", word, near and ": did you mean " .. near .. "?"
    or "; see portinfo --help")
end

local transports = {tcp = true, udp = true, sctp = true, dccp = true}

-- What contains a slash or ends in .lua is a script; 443/udp is a port, and so is
-- 443/upd.
local function is_script(word)
  local name, transport = word:match "^([%w._-]+)/(%a*)$"
  if name and (name:find "^%d+$" or transports[transport:lower()]) then return false end
  return word:find("/", 1, true) ~= nil or word:find "%.lua$" ~= nil
end

-- Splits the arguments into options and words. What follows a script, or --, is
-- taken as it is.
local function parse(args)
  local options, words, i = {}, {}, 1
  while i <= #args do
    local word = args[i]
    local name, value = word:match "^(%-%-%l+)=(.*)$"
    local option = valued[name or word]
    if option then
      if not name then
        i = i + 1
        value = args[i]
        if value == nil then mistake("%s needs a value", word) end
      end
      value = option[2](value)
      if option.several then
        options[option[1]] = options[option[1]] or {}
        table.insert(options[option[1]], value)
      else
        options[option[1]] = value
      end
    elseif switches[word] then
      options[switches[word]] = true
    elseif word == "--" then
      table.move(args, i + 1, #args, #words + 1, words)
      break
    elseif word:find "^%-." and not word:find "^%-%d+$" then
      fail_option(word, words)
    else
      words[#words + 1] = word
      if #words == 1 and is_script(word) then
        table.move(args, i + 1, #args, 2, words)
        break
      end
    end
    i = i + 1
  end
  return options, words
end

-- ---- Output ----------------------------------------------------------------------

-- The format asked for, or what suits where the output goes.
local function output_format(options, piped)
  return options.format or (terminal.is_terminal(1) and "table" or piped)
end

-- A full disk is an error; a reader that left is none.
local function check_written(ok, message, errno)
  if not ok and errno ~= 32 then mistake("cannot write: %s", message) end
end

-- What comes bit by bit, or paints the screen, goes there as it is.
local function put(text)
  local ok, message, errno = io.stdout:write(text)
  if ok then ok, message, errno = io.stdout:flush() end
  check_written(ok, message, errno)
end

-- A full disk is an error; a reader that left is none. On a terminal, what is longer
-- than the screen goes to a pager.
local function write(text)
  if not (terminal.is_terminal(1) and pager.show(text)) then put(text) end
end

local function remark(options, lines)
  if options.quiet then return end
  for _, text in ipairs(lines) do say("%s", text) end
end

-- ---- Saved readings --------------------------------------------------------------

-- The reading in a file; - is standard input.
local function load_reading(name)
  local snapshot, message
  if name == "-" then
    snapshot, message = saved.read(io.stdin, "standard input")
  else
    snapshot, message = saved.load(name)
  end
  if not snapshot then mistake("%s", message) end
  return snapshot
end

-- What to ask: the kernel, or the saved reading that --from names.
local function source_of(options)
  if not options.from then return {backend = options.backend, proc = options.proc} end
  if options.backend or options.proc then
    mistake "--from asks a file: --backend and --proc are for asking the kernel"
  end
  return {snapshot = load_reading(options.from)}
end

-- ---- ls --------------------------------------------------------------------------

-- The query that words and options ask.
local function ls_query(words, options)
  local filter, message = predicate.build(table.concat(words, " "))
  if not filter then shown_mistake(message) end
  if options.tally and options.distinct then
    mistake "--tally shows what --distinct would, and how often: take one of them"
  end
  local q = query.new(filter, source_of(options))
  if options.undecided then q = q:undecided() end
  local group = options.tally or options.distinct
  if group and options.columns then
    mistake "--columns is for sockets: a tally has the fields that it counts by"
  end
  if options.columns then q = q:select(options.columns) end
  if options.tally then q = q:tally(options.tally) end
  if options.distinct then q = q:distinct(options.distinct) end
  if options.sort then q = q:sort(options.sort) end
  return options.limit and q:limit(options.limit) or q
end

-- Was something that the answer rests on not seen?
local function is_partial(selection, about)
  return selection:undecided() > 0 or #sight.blind_spots(selection, about.unknown) > 0
end

local function ls_status(selection, about, options)
  if options.undecided then return #selection > 0 and 0 or 1 end
  if options.strict and is_partial(selection, about) then return 3 end
  if #selection > 0 or about.total > 0 then return 0 end
  return (selection:undecided() > 0 or sight.misses_rows(selection)) and 3 or 1
end

local function ls_table(selection, about, layout, options)
  layout.header = not options.bare
  local text, footer = render.table(selection, layout, about)
  write(text)
  if not options.quiet then io.stderr:write(footer) end
end

-- Streams: a reader that left ends it.
local function ls_lines(selection, layout)
  local ok, message, errno = true, nil, nil
  render.records(selection, layout, function(text)
    if ok then ok, message, errno = io.stdout:write(text) end
  end)
  if ok then ok, message, errno = io.stdout:flush() end
  check_written(ok, message, errno)
end

-- What could not be seen, for those who asked for what was; and how much was left out.
local function ls_remarks(selection, about, options)
  local lines = sight.blind_spots(selection, about.unknown)
  if selection:undecided() > 0 and not options.undecided then
    lines[#lines + 1] = sight.undecided(selection)
  end
  lines[#lines + 1] = sight.read_when(selection:snapshot())
  remark(options, lines)
end

-- Lists what `run` makes of the query; its status, if there is no selection.
local function show_rows(q, options, run)
  local format = output_format(options, "tsv")
  local template = format:find("{", 1, true) ~= nil
  if options.nul and format ~= "tsv" and format ~= "ndjson" and not template then
    mistake("-0 goes with tsv, ndjson and templates, not %s", format)
  end
  local layout = query.layout(q, screen.view(options))
  layout.more = "--limit or a pager shows more"
  if pager.wanted() then layout.rows = nil end
  local names = layout.fields or schema.names
  local groups = template and core.template(format)
    or format == "table" and query.shown_groups(q) or schema.groups_of(names)
  local readable = (format == "table" or format == "line") and not layout.what
  local selection, about = run(q, groups, readable)
  if not selection then return about end
  if format == "table" then
    ls_table(selection, about, layout, options)
    return ls_status(selection, about, options)
  end
  if format == "line" then
    ls_lines(selection, layout)
  else
    check_written(selection:write(io.stdout, format, names,
      {header = not options.bare, nul = options.nul}))
  end
  ls_remarks(selection, about, options)
  return ls_status(selection, about, options)
end

local function ls(words, options)
  return show_rows(ls_query(words, options), options, function(...)
    local selection, about = query.run(...)
    if not selection then mistake("%s", about) end
    return selection, about
  end)
end

-- The plan of ls with these words and options.
local function explain(words, options)
  if options.format and options.format ~= "table" and options.format ~= "json" then
    mistake("a plan comes as text or --format json, not %s", options.format)
  end
  if options.from then mistake "--from is for ls and pages: a plan is of asking the kernel" end
  local plan, message = ls_query(words, options):explain{run = options.run}
  if not plan then mistake("%s", message) end
  if options.format ~= "json" then
    write(tostring(plan))
    return 0
  end
  plan.v = 1
  write(json.encode(setmetatable(plan, nil)) .. "\n")
  return 0
end

-- ---- Pages -----------------------------------------------------------------------

local function transport_of(word)
  local name, transport = word:match "^(.-)/(%a*)$"
  if not name then return word end
  transport = transport:lower()
  if not transports[transport] then
    mistake("'%s': transports are tcp, udp, sctp and dccp", word)
  end
  return name, transport
end

local verbs = {}

local function fail_word(word)
  if word:find "^%d+[,-]" then
    mistake("'%s' is no port: name ports side by side, or portinfo ls 'lport in {22, 80..90}'",
            word)
  end
  local list = {}
  for verb in pairs(verbs) do list[#list + 1] = verb end
  table.sort(list)
  local near = core.nearest(word, list)
  if near then near = "portinfo " .. near end
  near = near or core.nearest(word, core.services(word:sub(1, 1):lower()))
  if near then mistake("'%s' is neither a verb nor a service: did you mean %s?", word, near) end
  mistake("'%s' is neither a verb nor a port nor a service; see portinfo --help", word)
end

local function check_number(word)
  local digits = word:gsub("^0+(%d)", "%1")
  local number = #digits <= 5 and math.tointeger(tonumber(digits, 10))
  if not number or number < 0 or number > 65535 then
    mistake("'%s' is no port: ports are 0 to 65535", word)
  end
  return number
end

-- The distinct ports of a service name, those of the registry or else of use.
local function service_ports(name, transport)
  local records, uses = core.service(name)
  local ports, seen, known = {}, {}, #records + #uses > 0
  local function add(list)
    for _, entry in ipairs(list) do
      local fits = transport == nil or #entry.transports == 0
      for _, t in ipairs(entry.transports) do fits = fits or t == transport end
      if fits and entry.first and not seen[entry.first] then
        seen[entry.first] = true
        ports[#ports + 1] = entry.first
      end
    end
  end
  add(records)
  if #ports == 0 then add(uses) end
  return ports, known
end

-- The ports that one argument means, as {port, transport}.
local function ports_of(word)
  local name, transport = transport_of(word)
  if name:find "^%-?%d+$" then return {{check_number(name), transport}} end
  if name:find "^0[xX]%x+$" then
    mistake("'%s' is no port: write it in decimal, %d", name, tonumber(name))
  end
  local ports, known = service_ports(name, transport)
  if not known then fail_word(name) end
  if #ports == 0 then
    mistake("'%s' is a service name without a port%s; see portinfo search %s", name,
            transport and " for " .. transport or "", name)
  end
  for i, port in ipairs(ports) do ports[i] = {port, transport} end
  return ports
end

local function page_json(data)
  local now = data.now
  data.now = now and json.raw(now:text("json", schema.names):gsub("\n$", "")) or nil
  data.v = 1
  return json.encode(data)
end

local function pages(words, options)
  if #words == 0 then mistake "name a port or a service, as in portinfo 443" end
  local format = options.format or "table"
  if format ~= "table" and format ~= "json" then
    mistake("a page comes as text or --format json, not %s", format)
  end
  if options.columns then mistake "--columns is for ls" end
  local list, view = {}, screen.view(options)
  for _, word in ipairs(words) do
    for _, port in ipairs(ports_of(word)) do list[#list + 1] = port end
  end
  local out, status = {}, 0
  local source = source_of(options)
  for i, port in ipairs(list) do
    local data = page.data(port[1], {
      transport = port[2], backend = source.backend, proc = source.proc,
      snapshot = source.snapshot,
    })
    if data.now == nil or is_partial(data.now, {}) then status = options.strict and 3 or 0 end
    out[i] = format == "json" and page_json(data)
      or page.text(data, {width = view.width or 80, ascii = view.ascii})
  end
  write(format == "json" and "[" .. table.concat(out, ",\n") .. "]\n"
    or table.concat(out, "\n"))
  return status
end

-- ---- Verbs -----------------------------------------------------------------------

verbs.ls = ls
verbs.explain = explain
verbs.port = pages

function verbs.wait(words, options)
  if options.from or options.undecided then
    mistake("wait looks at the kernel's sockets: %s is for ls",
      options.from and "--from" or "--undecided")
  end
  if #words == 0 then mistake "name what to wait for, as in portinfo wait listening :5432" end
  local q = ls_query(words, options)
  if wait.is_futile(q) then
    mistake("no socket can ever satisfy '%s': see portinfo explain", table.concat(words, " "))
  end
  local held = false
  local function run(_, groups, readable)
    local selection, about, message = wait.run(q, {
      timeout = options.timeout, hold = options.hold, gone = options.gone,
      groups = groups, readable = readable,
      doubt = not options.timeout and function(why) -- else it would seem to hang
        remark(options, {"cannot tell yet: " .. why})
      end,
    })
    if about == "refused" then mistake("%s", message) end
    held = selection ~= nil
    if held then return selection, about end
    local unknown = about == "unknown"
    remark(options, {unknown and "cannot tell: " .. message
      or "timed out after " .. duration.text(options.timeout)})
    return nil, unknown and 3 or 1
  end
  local status
  if options.gone then status = select(2, run()) else status = show_rows(q, options, run) end
  return held and 0 or status
end

-- Where --udp and --addr want a socket to be bound.
local function place_of(options)
  local where, message = place.new(options.udp and "udp" or "tcp", options.address)
  if not where then mistake("%s", message) end
  return where
end

-- A port that can be bound: 0 asks for any.
local function check_bindable(number)
  if number == 0 then mistake "0 is no port to bind: it asks the kernel for any" end
  return number
end

-- What `free` is asked for: 3000, or 8000-8100, also as 8000..8100.
local function free_range(word)
  if not word then return free.range() end
  local first, last = word:match "^(%d+)%-(%d+)$"
  if not first then first, last = word:match "^(%d+)%.%.(%d+)$" end
  if not first then
    if not word:find "^%-?%d+$" then
      mistake("'%s' is no port and no range: write 3000 or 8000-8100", word)
    end
    return free.range(check_bindable(check_number(word)))
  end
  first, last = check_bindable(check_number(first)), check_number(last)
  if last < first then mistake("%s runs backwards: write %d-%d", word, last, first) end
  return free.range{first = first, last = last}
end

function verbs.free(words, options)
  if options.from then mistake "--from is for ls and pages: free asks what can be bound now" end
  if #words > 1 then mistake("free takes one port or range, not '%s' as well", words[2]) end
  local format = options.format or "tsv"
  if format ~= "tsv" and format ~= "json" then
    mistake("free prints a port a line, or --format json, not %s", format)
  end
  local spec = free_range(words[1])
  spec.place, spec.count, spec.probe = place_of(options), options.count or 1, not options.unproved
  spec.backend, spec.proc = options.backend, options.proc
  local found, notes = free.find(spec)
  if not found then mistake("%s", notes) end
  if format == "json" then
    write(json.encode(found) .. "\n")
  else
    for _, port in ipairs(found) do write(("%d\n"):format(port)) end
  end
  if #found < spec.count then
    notes[#notes + 1] = ("%s free from %d to %d"):format(
      #found == 0 and "no port is" or ("only %d of %d are"):format(#found, spec.count),
      spec.first, spec.last)
  end
  remark(options, notes)
  if notes.partial then return 3 end
  return #found < spec.count and 1 or 0
end

function verbs.why(words, options)
  if options.from then mistake "--from is for ls and pages: why asks what can be bound now" end
  if #words ~= 1 then mistake "why takes one port or service, as in portinfo why 8080" end
  local format = options.format or "table"
  if format ~= "table" and format ~= "json" then
    mistake("why comes as text or --format json, not %s", format)
  end
  local ports = ports_of(words[1])
  if #ports > 1 then
    mistake("'%s' is a name of several ports: give one, such as %d", words[1], ports[1][1])
  end
  local port, transport = ports[1][1], ports[1][2]
  if transport and transport ~= "tcp" and transport ~= "udp" then
    mistake("a port is tried with tcp or udp, not %s", transport)
  end
  local where = place_of{udp = options.udp or transport == "udp", address = options.address}
  local data, message = reasons.data{
    port = check_bindable(port), place = where, probe = not options.unproved,
    backend = options.backend, proc = options.proc,
  }
  if not data then mistake("%s", message) end
  write(format == "json" and reasons.json(data) .. "\n" or reasons.text(data))
  return ({bindable = 0, blocked = 1, unknown = 3})[data.verdict]
end

-- A filter's query of the kernel, for what is kept or compared.
local function query_now(text, options)
  local filter, message = predicate.build(text)
  if not filter then shown_mistake(message) end
  return query.new(filter, {backend = options.backend, proc = options.proc})
end

local function complete(q)
  local selection, message = saved.complete(q)
  if not selection then mistake("%s", message) end
  return selection
end

function verbs.save(words, options)
  if options.from then mistake "--from is for ls and pages: a saved reading is kept already" end
  if options.format or options.columns then
    mistake "a reading is saved whole, in a format of its own: --format and --columns are for ls"
  end
  local name = words[1]
  if not name then mistake "name a file, as in portinfo save now.ndjson" end
  local q = query_now(table.concat(words, " ", 2), options)
  local selection, filter = complete(q), saved.filter_of(q)
  local ok, message, errno
  if name == "-" then
    ok, message, errno = saved.write(selection, filter, io.stdout, "standard output")
  else
    ok, message, errno = saved.save(selection, filter, name)
  end
  if not ok and errno ~= 32 then mistake("cannot write %s", message) end
  local lines = render.blind_spots(selection)
  if selection:undecided() > 0 then lines[#lines + 1] = render.undecided(selection) end
  table.insert(lines, 1, ("saved %s"):format(render.plural(#selection, "socket")))
  remark(options, lines)
  return options.strict and is_partial(selection, {}) and 3 or 0
end

local function write_diff(found, options)
  local format = output_format(options, "tsv")
  if format == "table" and options.columns then
    if options.format then mistake "--columns goes with --format tsv, csv, json or ndjson" end
    format = "tsv"
  end
  if format == "line" or not formats[format] then
    mistake("what changed comes as a table, tsv, csv, json or ndjson, not %s", format)
  end
  if format == "table" then return write(saved.diff_text(saved.diff_rows(found))) end
  local text, message = saved.diff_bulk(found, format, options.columns or schema.names,
                                        not options.bare)
  if not text then mistake("%s", message) end
  write(text)
end

function verbs.diff(words, options)
  if options.from then mistake "--from is for ls and pages: diff takes the files as words" end
  if #words == 0 or #words > 2 then
    mistake "diff takes one saved reading, to compare with now, or two"
  end
  if #words == 2 and (options.backend or options.proc) then
    mistake "--backend and --proc are for asking the kernel: two files are read as they are"
  end
  if #words == 2 and words[1] == "-" and words[2] == "-" then
    mistake "standard input holds one reading, not two"
  end
  local one = load_reading(words[1])
  local found, selections = saved.compare(query.new(nil, {snapshot = one}), words[2]
    and query.new(nil, {snapshot = load_reading(words[2])})
    or query_now(one:filter(), options), options.key)
  if not found then mistake("%s", selections) end
  write_diff(found, options)
  remark(options, saved.compare_remarks({words[1], words[2] or "now"}, selections))
  local partial = is_partial(selections[1], {}) or is_partial(selections[2], {})
  if options.strict and partial then return 3 end
  local same = #found.added == 0 and #found.removed == 0 and #found.after == 0
  return same and 0 or 1
end

-- What a watch shows of its readings: show(reading), over() when there are no more.
local view = {}

-- Lines for programs, each reading's as soon as it is there.
local function bulk_view(format, names)
  return function(_, options)
    if not options.bare then put(watch.header(format, names)) end
    return {over = function() end, show = function(reading)
      local lines, message = watch.lines(reading, format, names)
      if not lines then mistake("%s", message) end
      if #lines > 0 then put(table.concat(lines, "\n") .. "\n") end
    end}
  end
end

-- Lines for people, of whom none has a terminal.
function view.log()
  return {over = function() end, show = function(reading)
    local lines = {}
    for i, at in ipairs(reading.places) do
      lines[i] = ("%s %s\n"):format(os.date("%T", at.time), tostring(watch.event_at(at)))
    end
    put(table.concat(lines))
  end}
end

-- A screen of its own, painted anew; lines that are too long are cut there, not
-- wrapped. In the end the last state stays.
function view.board(q, options, words)
  local layout = query.layout(q, {ascii = screen.view(options).ascii})
  local painted = board.new(escape(table.concat(words, " ")), layout)
  local function paint()
    local lines = painted:lines(options.width or terminal.width() or 80,
                                terminal.height() or 24)
    put("\27[H" .. table.concat(lines, "\27[K\r\n") .. "\27[K\27[J")
  end
  put "\27[?1049h\27[?25l\27[?7l"
  return {
    show = function(reading)
      painted:note(reading)
      paint()
    end,
    signal = function() if painted.reading then paint() end end,
    over = function(last)
      put "\27[?7h\27[?25h\27[?1049l"
      if not last then return end
      local whole = query.layout(q, screen.view(options))
      whole.rows = nil
      put((render.table(last.selection, whole, last.about)))
      remark(options, {render.plural(#last.selection, "socket")})
    end,
  }
end

local function view_of(options, names)
  local format = output_format(options, "ndjson")
  if format == "ndjson" or format == "tsv" or format == "csv" then
    return bulk_view(format, names), names
  elseif format ~= "table" then
    mistake("a watch comes as a table, ndjson, tsv or csv, not %s", format)
  end
  local dumb = os.getenv "TERM" == nil or os.getenv "TERM" == "dumb"
  return terminal.is_terminal(1) and not dumb and view.board or view.log
end

local function run_watch(watched, shown)
  local former, reading, message
  repeat
    former = reading
    reading, message = watched:next()
    if message == "left" then return end
    if not reading then mistake("%s", message) end
    shown.show(reading)
    -- a board shows what is gone, and its rows live as long as they are shown
    if shown.signal then
      collectgarbage("step", 1 + #reading.selection // 8)
    else
      watched:release(former)
    end
  until reading.ending
end

-- What was seen and by whom, and what was not.
local function watch_remarks(watched, options)
  local lines, last = watch.remarks(watched), watched.last
  if last then
    for _, line in ipairs(render.blind_spots(last.selection)) do lines[#lines + 1] = line end
    if last.selection:undecided() > 0 then
      lines[#lines + 1] = render.undecided(last.selection)
    end
  end
  remark(options, lines)
  local partial = watch.is_partial(watched) or last and is_partial(last.selection, {})
  return options.strict and partial and 3 or 0
end

function verbs.watch(words, options)
  if options.from then mistake "--from is for ls and pages: a saved reading does not change" end
  for _, name in ipairs{"tally", "distinct", "undecided", "limit"} do
    if options[name] then mistake("--%s is for ls: a watch is of all sockets of a filter", name) end
  end
  local q = ls_query(words, options)
  if #core.plan(rawget(q, "predicate")).dumps == 0 then
    mistake("no socket can ever satisfy '%s': see portinfo explain", table.concat(words, " "))
  end
  local make, names = view_of(options, options.columns or schema.names)
  local groups = names and schema.groups_of(names) or query.shown_groups(q)
  local watched, message = watch.new(q, {
    interval = options.interval, count = options.count, until_empty = options.until_empty,
    settle = options.settle,
  }, {groups = groups, readable = not names, output = 1})
  if not watched then mistake("%s", message) end
  terminal.heed()
  local shown = make(q, options, words)
  watched.signal = shown.signal
  local ok, interrupted, trouble = terminal.call(run_watch, watched, shown)
  shown.over(watched.last)
  if not ok and not interrupted then error(trouble, 0) end
  local status = watch_remarks(watched, options)
  return interrupted and 130 or status
end

function verbs.search(words, options)
  if #words == 0 then mistake "name a word to search for, as in portinfo search redis" end
  if options.from then mistake "--from is for ls and pages: a search asks the registry" end
  local hits = core.search(table.concat(words, " "))
  local format = output_format(options, "tsv")
  if not search[format] then
    mistake("a search comes as a table, tsv or json, not %s", format)
  end
  write(search[format](hits, screen.view(options)))
  if #hits == 0 then
    remark(options, {("nothing found for '%s'"):format(table.concat(words, " "))})
  end
  return #hits > 0 and 0 or 1
end

function verbs.doctor(words, options)
  if #words > 0 then mistake("doctor takes no words, not '%s'", words[1]) end
  if options.from then mistake "--from is for ls and pages: the doctor looks at this machine" end
  local data = doctor.data{backend = options.backend, proc = options.proc}
  if options.format == "json" then
    data.v = 1
    write(json.encode(data) .. "\n")
  elseif options.format == nil or options.format == "table" then
    write(doctor.text(data))
  else
    mistake("doctor comes as text or --format json, not %s", options.format)
  end
  local partial = data.error or #data.blind_spots > 0
  return options.strict and partial and 3 or 0
end

-- The fields, a line each, and what else filters are made of.
local function schema_json()
  local fields, groups = {}, {}
  for i, field in ipairs(schema.fields) do fields[i] = json.encode(field) end
  for i, name in ipairs(schema.groups) do
    groups[i] = {name = name, meaning = docs.groups[name]}
  end
  return json.encode{
    v = 1, version = core.version, groups = groups, flags = core.flags(),
    aliases = schema.aliases, sides = schema.pairs,
    fields = json.raw("[\n" .. table.concat(fields, ",\n") .. "\n]"),
  } .. "\n"
end

function verbs.schema(words, options)
  if #words > 0 then mistake("schema takes no words, not '%s'", words[1]) end
  if options.from then mistake "--from is for ls and pages: the schema is of this program" end
  if options.format == "luacats" then
    write(meta.text())
  elseif options.format == nil or options.format == "json" then
    write(schema_json())
  else
    mistake("the schema comes as --format json or luacats, not %s", options.format)
  end
  return 0
end

-- ---- Lua --------------------------------------------------------------------------

-- Where chunks of -e and the prompt live: the globals, and the module as `pi`.
local function environment()
  _G.pi = require "portinfo"
  return _G
end

local function repl(options) return require "portinfo.shell".run(environment, options) end

-- Runs a function as a person's code: its results, or nil and the exit status;
-- its error is one line of theirs.
local function run_code(code, ...)
  local values = table.pack(terminal.call(code, ...))
  if values[2] then return nil, 130 end
  if values[1] then return table.pack(table.unpack(values, 3, values.n)) end
  io.stderr:write("portinfo: ", chunk.message(values[3]), "\n")
  return nil, 2
end

-- Runs one chunk of -e; the words of the command are its arguments.
local function evaluate(code, words, options)
  local env = environment()
  env.print = terminal.is_terminal(1) and chunk.print or print
  local compiled, message = chunk.compile(code, "=(-e)", env)
  if not compiled then mistake("%s", message) end
  local values, status = run_code(compiled, table.unpack(words))
  if not values then return status end
  for i = 1, values.n do
    local shown, trouble = run_code(chunk.show, values[i], screen.view(options))
    if not shown then return trouble end
    write(shown[1])
  end
  return 0
end

local function run_file(words, name)
  local compiled, message = loadfile(name)
  if message and message:find "attempt to load a binary chunk" then
    mistake("%s is byte code: give the source", name or "stdin")
  end
  if not compiled then mistake("%s", message) end
  _G.arg = {[0] = words[1] or "-", table.unpack(words, 2)}
  local values, status = run_code(compiled, table.unpack(words, 2))
  return values and 0 or status
end

-- ---- Completion --------------------------------------------------------------------

-- --complete SHELL -- WORD...: prints what the last word may be. A shell asks at every
-- Tab and shows what it is told, so that silence is the answer to any trouble.
local function print_completions(args)
  local ok, list = pcall(function()
    local within = function(f, quick) return terminal.within(quick and 200 or 8, f) end
    return require "portinfo.offer".at(args[2], {table.unpack(args, 4)}, {
      valued = valued, switches = switches, verbs = verbs, transports = transports,
      words = {["--format"] = formats, ["--backend"] = backends, ["--color"] = colors,
               ["--key"] = identities},
    }, require "portinfo.live".sources(within))
  end)
  if ok and #list > 0 then io.stdout:write(table.concat(list, "\n"), "\n") end
  return 0
end

-- ---- Main --------------------------------------------------------------------------

local function version()
  return ("portinfo %s (%s, editor: %s), registry of %s\n"
    .. "sources: MIT%s\n"):format(core.version, _VERSION, terminal.editor,
    core.registry_date, terminal.editor == "GNU readline"
      and "; this binary, linked with GNU readline: GPL-3.0-or-later" or "")
end

local function is_endpoint(word)
  return word:find "^:" ~= nil or word:find "^%[.*%]:" ~= nil
    or word:find "^%d+%.%d+%.%d+%.%d+:" ~= nil
end

local function dispatch(options, words)
  if options.no_pager then require "portinfo.pager".off = true end
  if options.help then return write(usage) or 0 end
  if options.version then return write(version()) or 0 end
  if options.code then
    _G.arg = {[0] = "-e", table.unpack(words)}
    local status = 0
    for _, code in ipairs(options.code) do
      if status == 0 then status = evaluate(code, words, options) end
    end
    return options.interactive and repl(options) or status
  end
  local first = words[1]
  if options.format == "luacats" and first ~= "schema" then
    mistake "--format luacats is for portinfo schema"
  end
  if first == nil then
    if options.interactive or terminal.is_terminal(0) then return repl(options) end
    return run_file(words, nil)
  end
  if first == "help" then return write(usage) or 0 end
  if verbs[first] then return verbs[first]({table.unpack(words, 2)}, options) end
  if is_endpoint(first) then return ls(words, options) end
  if is_script(first) then
    local status = run_file(words, first)
    return options.interactive and repl(options) or status
  end
  return pages(words, options)
end

local function main(args)
  if args[1] == "--complete" then return print_completions(args) end
  local options, words = parse(args)
  return dispatch(options, words)
end

-- main(arg) -> exit status
return function(args)
  local ok, result = xpcall(main, function(err)
    if getmetatable(err) == Mistake then return err end
    if terminal.interrupted() then return 130 end
    return err
  end, args)
  if ok then return result or 0 end
  if terminal.interrupted() or result == 130 then return 130 end
  complain(result)
  return 2
end
