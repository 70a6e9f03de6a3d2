-- options.lua: splits what the command is given into options and words.

local call = require "portinfo.call"
local core = require "portinfo.core"
local later = require "portinfo.later"

local duration, schema = later "duration", later "schema"
local mistake = call.mistake

local M = {}

local formats = {table = true, line = true, tsv = true, csv = true, json = true, ndjson = true}
-- those of one verb alone
local special = {
  luacats = "schema", text = "audit", tap = "audit", junit = "audit", sarif = "audit",
  nagios = "audit", prometheus = "audit",
}
local colors = {auto = true, always = true, never = true}
local backends = {auto = true, netlink = true, proc = true, bpf = true}
local identities = {socket = true, service = true}
local severities = {note = true, warning = true, error = true}

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

local function check_netns(text)
  if text ~= "" then return text end
  mistake "--netns: own, all, a name, a path with a slash in it, or the number of a process"
end

-- A format by name, or a template, which has fields in it.
local function check_format(text)
  if special[text] then return text end -- the verb is known later, see dispatch
  if not text:find("{", 1, true) then
    if formats[text] then return text end
    mistake("--format: '%s' is no format: table, line, tsv, csv, json, ndjson and templates are "
      .. "for sockets; text, tap, junit, sarif, nagios and prometheus for audit", text)
  end
  local groups, message, first, length = core.template(text)
  if groups then return text end
  call.shown_mistake("--format: " .. require "portinfo.pointed"(text, message, first, length))
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
  ["--netns"] = {"netns", check_netns},
  ["--proc"] = {"proc", keep},
  ["--from"] = {"from", keep},
  ["--key"] = {"key", one_of("--key", identities)},
  ["--count"] = {"count", check_count},
  ["--addr"] = {"address", keep},
  ["--timeout"] = {"timeout", time_of "--timeout"},
  ["--for"] = {"hold", time_of "--for"},
  ["--interval"] = {"interval", pause_of "--interval"},
  ["--settle"] = {"settle", pause_of "--settle"},
  ["--fail-on"] = {"fail_on", one_of("--fail-on", severities)},
  ["--baseline"] = {"baseline", keep},
  ["--write-baseline"] = {"write_baseline", keep},
  ["--describe"] = {"describe", keep},
  ["--test"] = {"test", keep},
  ["--group"] = {"group", keep},
  ["-e"] = {"code", keep, several = true},
}

local switches = {
  ["--undecided"] = "undecided", ["--no-header"] = "bare", ["-0"] = "nul",
  ["--run"] = "run", ["--gone"] = "gone", ["--udp"] = "udp", ["--no-probe"] = "unproved",
  ["--until-empty"] = "until_empty", ["--list"] = "list", ["--trust"] = "trust",
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

M.transports = {tcp = true, udp = true, sctp = true, dccp = true}

-- What contains a slash or ends in .lua is a script; 443/udp is a port, and so is
-- 443/upd.
function M.is_script(word)
  local name, transport = word:match "^([%w._-]+)/(%a*)$"
  if name and (name:find "^%d+$" or M.transports[transport:lower()]) then return false end
  return word:find("/", 1, true) ~= nil or word:find "%.lua$" ~= nil
end

-- Splits the arguments into options and words. What follows a script, or --, is
-- taken as it is.
function M.parse(args)
  local options, words, i = {}, {}, 1
  while i <= #args do
    local word = args[i]
    local name, value = word:match "^(%-%-[%l-]+)=(.*)$"
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
      if #words == 1 and M.is_script(word) then
        table.move(args, i + 1, #args, 2, words)
        break
      end
    end
    i = i + 1
  end
  return options, words
end

-- What there is, for completion.
M.valued, M.switches = valued, switches
M.words = {
  ["--format"] = formats, ["--backend"] = backends, ["--color"] = colors,
  ["--key"] = identities, ["--fail-on"] = severities,
}
M.special = special

return M
