-- shell.lua: the REPL: reads a chunk, runs it, shows its values.

local core = require "portinfo.core"
local escape = require "portinfo.escape"
local later = require "portinfo.later"
local terminal = require "portinfo.terminal"

local chunk, output, pager = later "chunk", later "output", later "pager"
local rc, screen, words = later "rc", later "screen", later "words"

local M = {}

-- Is this a dot command? A number may begin with a dot, too.
local function is_word(text) return text:find "^%s*%.[^%d%s]" ~= nil end

-- As Lua's own prompt once did: =VALUE shows it.
local function lua_of(text) return (text:gsub("^%s*=", "")) end

-- ---- Values -----------------------------------------------------------------------

-- Values as text. `rows`: how many of a table there is room for, where nobody can
-- look at the rest.
local function text_of(session, values, rows)
  local view, parts = screen.view{}, {}
  view.width, view.rows = view.width or 80, rows
  for i = 1, values.n do parts[i] = output.text(values[i], session.mode, view) end
  return table.concat(parts)
end

local function write(text)
  if not pager.show(text) then io.stdout:write(text) end
end

local function show(session, values)
  local text = text_of(session, values, not pager.wanted() and terminal.height() or nil)
  -- what somebody takes to read it is no time of the chunk
  session.took = session.started and core.clock() - session.started
  write(text)
end

-- Remembers what a chunk gave.
local function keep(session, values)
  if values.n == 0 then return end
  session.env.__, session.env._ = session.env._, values[1]
  session.values = values
end

-- ---- Errors -----------------------------------------------------------------------

-- The text of a chunk is kept, as an error in a function of it may come later.
local most_sources = 200

local function add_source(session, source)
  session.count = session.count + 1
  local name = "=chunk " .. session.count
  session.sources[name] = source
  session.sources["=chunk " .. session.count - most_sources] = nil
  return name
end

local function complain(session, err)
  session.env._err = err
  local name = type(err) == "string" and err:match "^chunk %d+"
  name = name and "=" .. name
  io.stderr:write(chunk.explain(err, session.sources[name], name), "\n")
end

-- ---- Chunks -----------------------------------------------------------------------

local function is_finished(text)
  if is_word(text) or not text:find "%S" then return true end
  local compiled, _, unfinished = chunk.compile(lua_of(text), "=chunk")
  return compiled ~= nil or not unfinished
end

-- Reads a chunk, in one buffer or, without such an editor, line by line. nil at the
-- end of the input, false if interrupted.
local function read_chunk(session)
  local text = terminal.read("portinfo> ", is_finished, session.prepare)
  while text and not is_finished(text) do
    local line = terminal.read "      ..> "
    if line == false then return false end
    if line == nil then return text end -- its mistake is that it ends
    text = text .. "\n" .. line
  end
  return text
end

local function run_chunk(session, text)
  local source = lua_of(text)
  local name = add_source(session, source)
  local compiled, message = chunk.compile(source, name, session.env)
  if not compiled then return complain(session, message) end
  local values = table.pack(compiled())
  keep(session, values)
  show(session, values)
end

-- ---- History ----------------------------------------------------------------------

-- A file of ours: below the folder of a variable, or else below the home folder.
local function path_of(variable, default, name)
  local folder = os.getenv(variable)
  if folder and folder:sub(1, 1) == "/" then return folder .. "/portinfo/" .. name end
  local home = os.getenv "HOME"
  if home and home:sub(1, 1) == "/" then
    return ("%s/%s/portinfo/%s"):format(home, default, name)
  end
end

-- Where history is kept; nil if it is not.
local kept

-- Loads it or appends to it. What goes wrong is told once, and then there is none.
local function history(act)
  if not kept then return end
  local ok, message = act(kept)
  if ok then return end
  io.stderr:write(escape(message), "\n")
  kept = nil
end

-- ---- Keys --------------------------------------------------------------------------

local function guard_keys()
  local path, why = terminal.guard_keys()
  if path then io.stderr:write(escape(("%s is not read: %s"):format(path, why)), "\n") end
end

-- ---- Completion --------------------------------------------------------------------

-- Tab: loaded at the first one, so that a prompt does not wait for it.
local function set_completer(session)
  local sources
  terminal.set_completer(function(line, cursor)
    session.prepare()
    sources = sources or require "portinfo.live".sources(pcall) -- Tab has its own bound
    return require "portinfo.complete".at(line, cursor, session.env, sources)
  end)
end

-- ---- What is kept -------------------------------------------------------------------

-- What nobody would look for again.
local longest_kept = 65536

local function remember(text)
  if #text > longest_kept or text:find("\0", 1, true) then return end
  terminal.remember((text:gsub("%s+$", "")))
  history(terminal.append_history) -- a session may also end with its window
end

-- ---- The loop ----------------------------------------------------------------------

-- Reads a chunk and runs it. True when the session is over.
local function turn(session)
  session.started, session.took = nil, nil
  local text = read_chunk(session)
  session.prepare()
  if text == nil then return true end
  if text == false or not text:find "%S" then return false end
  remember(text)
  if is_word(text) then return words.run(session, text) == "quit" end
  session.started = core.clock()
  run_chunk(session, text)
  return false
end

-- How a chunk ended, if not as it should.
local function report(session, err, interrupted)
  if not interrupted then return complain(session, err) end
  -- a terminal has echoed ^C, and stays behind it
  io.stderr:write(terminal.is_terminal(2) and "\n" or "", "interrupted\n")
end

local function tell_time(session)
  if not session.timer or not session.started then return end
  local took = session.took or core.clock() - session.started
  io.stdout:write(("(%.3f ms)\n"):format(took * 1000))
end

-- What words.lua knows of a session, and prepare(), which loads what chunks need: a
-- person who sees a prompt does not wait for it.
local function new_session(environment)
  local session = {mode = "table", count = 0, sources = {}, write = write}
  function session.prepare()
    if session.env then return end
    session.env = environment()
    session.env.print = chunk.print
  end
  function session.show(values) show(session, values) end
  function session.text_of(values, rows) return text_of(session, values, rows) end
  function session.keep(values) keep(session, values) end
  function session.add_source(text) return add_source(session, text) end
  return session
end

-- Runs until the input ends; environment() makes where chunks live. Options: no_rc.
function M.run(environment, options)
  local session = new_session(environment)
  kept = path_of("XDG_STATE_HOME", ".local/state", "history")
  history(terminal.load_history)
  guard_keys()
  set_completer(session)
  local path = not options.no_rc and path_of("XDG_CONFIG_HOME", ".config", "rc.lua")
  local code, why = false, nil
  if path then code, why = terminal.read_own(path) end
  if code ~= false then
    session.prepare()
    rc.run(path, code, why, session.env)
  end
  io.stdout:write(("portinfo %s, registry of %s. Try pi.listening() or .help\n")
    :format(core.version, core.registry_date))
  repeat
    local ok, interrupted, result = terminal.call(turn, session)
    if not ok then report(session, result, interrupted) end
    tell_time(session)
    io.stdout:flush()
  until ok and result
  return 0
end

return M
