-- cli.lua: the command: what its first word means, Lua that it runs, and its exit status.

local call = require "portinfo.call"
local core = require "portinfo.core"
local later = require "portinfo.later"
local options_of = require "portinfo.options"
local terminal = require "portinfo.terminal"
local verbs = require "portinfo.verbs"

local chunk, screen = later "chunk", later "screen"
local mistake, write = call.mistake, call.write

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
       portinfo audit [--baseline FILE] [--fail-on SEVERITY] [RULES...]
                                         what is open and should not be; --list,
                                         --describe RULE, --write-baseline FILE,
                                         --test FILE, --trust
       portinfo watch [--interval TIME] [--count N] [--until-empty] [--settle TIME] [FILTER]
                                         what comes, goes and changes
       portinfo search WORD              the registry and what software uses
       portinfo doctor                   what can be seen from here, and how to see more
       portinfo probe install [--group NAME] | status | remove
                                         lets a group see everybody's sockets
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
         --netns own|all|NAME|PATH|PID             network namespaces (own)
         --backend netlink|proc|bpf   --proc FOLDER   --from FILE (a saved reading)
         --strict   -q (no remarks)   -i (a prompt after the script)
         --no-pager   --no-rc (the prompt's rc.lua)   --help   --version
exit status: 0 found or shown, 1 nothing, for sure, 2 error, 3 undecided
]]

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
      valued = options_of.valued, switches = options_of.switches, verbs = verbs,
      transports = options_of.transports, words = options_of.words, special = options_of.special,
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

local function run_verb(name, words, options)
  return require("portinfo." .. verbs[name])[name](words, options)
end

local function dispatch(options, words)
  if options.no_pager then require "portinfo.pager".off = true end
  if options.help then return write(usage) or 0 end
  if options.version then return write(version()) or 0 end
  if options.code and (options.netns or options.from) then
    mistake '-e is Lua, which says where to ask: pi.sockets(spec, {netns = "all"}), pi.load(file)'
  end
  if options.code then
    _G.arg = {[0] = "-e", table.unpack(words)}
    local status = 0
    for _, code in ipairs(options.code) do
      if status == 0 then status = evaluate(code, words, options) end
    end
    return options.interactive and repl(options) or status
  end
  local first = words[1]
  local verb = options_of.special[options.format]
  if verb and first ~= verb then
    mistake("--format %s is for portinfo %s", options.format, verb)
  end
  if first == nil then
    if options.interactive or terminal.is_terminal(0) then return repl(options) end
    return run_file(words, nil)
  end
  if first == "help" then return write(usage) or 0 end
  if verbs[first] then return run_verb(first, {table.unpack(words, 2)}, options) end
  if is_endpoint(first) then return run_verb("ls", words, options) end
  if options_of.is_script(first) then
    local status = run_file(words, first)
    return options.interactive and repl(options) or status
  end
  return run_verb("port", words, options)
end

local function main(args)
  if args[1] == "--complete" then return print_completions(args) end
  local options, words = options_of.parse(args)
  return dispatch(options, words)
end

-- A monitoring system shows one line, also of a call that is wrong.
local function wants_plugin(args)
  for i, word in ipairs(args) do
    if word == "--format=nagios" or word == "nagios" and args[i - 1] == "--format" then
      return args[1] == "audit"
    end
  end
end

-- main(arg) -> exit status
return function(args)
  local ok, result = xpcall(main, function(err)
    if getmetatable(err) == call.Mistake then return err end
    if terminal.interrupted() then return 130 end
    return err
  end, args)
  if ok then return result or 0 end
  if terminal.interrupted() or result == 130 then return 130 end
  if wants_plugin(args) and getmetatable(result) == call.Mistake then
    local line, status = require "portinfo.report.nagios".unknown(result.text)
    write(line)
    return status
  end
  call.complain(result)
  return 2
end
