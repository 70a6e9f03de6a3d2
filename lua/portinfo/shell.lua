-- shell.lua: the REPL: reads a chunk, runs it, shows its values.

local chunk = require "portinfo.chunk"
local core = require "portinfo.core"
local render = require "portinfo.render"
local schema = require "portinfo.schema"
local screen = require "portinfo.screen"
local terminal = require "portinfo.terminal"

local M = {}

local help = [[
Lua, with the module as `pi`; a value is shown, a query runs and prints a table.

  pi.listening()                 what listens, and who holds it
  pi.sockets "established :443"  words side by side, as for portinfo ls
  pi.sockets{lport = {80, 443}}  fields and values
  pi.who(8080)                   who has this local port
  =pi.page(22)                   what a port is
  for r in pi.listening():each() do print(r.lport, r.process) end

  .help [fields|flags]           this, the fields of a row, the words of a filter
  .quit                          leave (as Ctrl-D)
  _                              the last value
Ctrl-C clears the line or stops what runs.
]]

-- ---- Dot commands -----------------------------------------------------------------

local commands = {}

function commands.quit() return "quit" end

local topics = {}

function topics.fields()
  local out = {}
  for _, field in ipairs(schema.fields) do
    out[#out + 1] = ("%-10s %-8s %s\n"):format(field.name, field.group,
      render.wrap(field.meaning, 58, 20))
  end
  return table.concat(out)
end

function topics.flags()
  return render.wrap(table.concat(core.flags(), " "), 78, 0) .. "\n"
end

function commands.help(topic)
  if topic == "" then return io.stdout:write(help) end
  local show = topics[topic]
  if show then return io.stdout:write(show()) end
  io.stderr:write(("no help on '%s': there are fields and flags\n"):format(topic))
end

local function run_command(line)
  local name, argument = line:match "^%.(%w*)%s*(.-)%s*$"
  local command = commands[name]
  if command then return command(argument) end
  local near = core.nearest(name or "", {"help", "quit"})
  io.stderr:write(("unknown command %s%s\n"):format(line:match "^%S+",
    near and ": did you mean ." .. near .. "?" or "; see .help"))
end

-- ---- Chunks -----------------------------------------------------------------------

-- Reads lines until they make a chunk, or cannot any more. nil at the end of the
-- input, false if interrupted.
local function read_chunk(env)
  local line = terminal.read "portinfo> "
  if not line then return line end
  if line:match "^%s*%." then return line, line end
  local code = line
  while true do
    local source = code:gsub("^%s*=", "")
    local compiled, message, unfinished = chunk.compile(source, "=chunk", env)
    if compiled or not unfinished or source:match "^%s*$" then
      return code, compiled, message
    end
    line = terminal.read "      ..> "
    if line == false then return false end
    if line == nil then return code, nil, message end
    code = code .. "\n" .. line
  end
end

local function show_values(env, values)
  if values.n == 0 then return end
  env._ = values[1]
  local view = screen.view{}
  view.width = view.width or 80
  for i = 1, values.n do io.stdout:write(chunk.show(values[i], view)) end
end

local function complain(err, interrupted)
  if not interrupted then return io.stderr:write(chunk.message(err), "\n") end
  -- a terminal has echoed ^C, and stays behind it
  io.stderr:write(terminal.is_terminal(2) and "\n" or "", "interrupted\n")
end

-- ---- History ----------------------------------------------------------------------

local function history_path()
  local state = os.getenv "XDG_STATE_HOME"
  if state and state:sub(1, 1) == "/" then return state .. "/portinfo/history" end
  local home = os.getenv "HOME"
  if home and home:sub(1, 1) == "/" then
    return home .. "/.local/state/portinfo/history"
  end
end

-- Where history is kept; nil if it is not.
local kept

-- Loads it or appends to it. What goes wrong is told once, and then there is none.
local function history(act)
  if not kept then return end
  local ok, message = act(kept)
  if ok then return end
  io.stderr:write(message, "\n")
  kept = nil
end

-- ---- Completion --------------------------------------------------------------------

-- Tab: loaded at the first one, so that a prompt does not wait for it.
local function set_completer(env)
  local sources
  terminal.set_completer(function(line, cursor)
    if not sources then
      sources = require "portinfo.live".sources(pcall) -- Tab has its own bound
      sources.commands, sources.topics = commands, topics
    end
    return require "portinfo.complete".at(line, cursor, env, sources)
  end)
end

-- ---- The loop ----------------------------------------------------------------------

-- Reads a chunk and runs it. True when the session is over.
local function turn(env)
  local code, compiled, message = read_chunk(env)
  if code == nil then return true end
  if code == false or code:match "^%s*$" then return false end
  terminal.remember(code)
  history(terminal.append_history) -- a session may also end with its window
  if code:match "^%s*%." then
    return run_command(code:match "^%s*(.*)") == "quit"
  elseif not compiled then
    complain(message)
  else
    show_values(env, table.pack(compiled()))
  end
  return false
end

-- Runs until the input ends; `env` is where chunks live.
function M.run(env)
  kept = history_path()
  env.print = chunk.print
  history(terminal.load_history)
  set_completer(env)
  io.stdout:write(("portinfo %s, registry of %s. Try pi.listening() or .help\n")
    :format(core.version, core.registry_date))
  repeat
    local ok, interrupted, result = terminal.call(turn, env)
    if not ok then complain(result, interrupted) end
    io.stdout:flush()
  until ok and result
  return 0
end

return M
