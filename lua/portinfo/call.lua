-- call.lua: what every verb of the command does alike: complain, print, say how well
-- it could see, and open what it is asked about.

local escape = require "portinfo.escape"
local later = require "portinfo.later"
local origin = require "portinfo.origin"
local terminal = require "portinfo.terminal"

local chunk, pager, saved, sight = later "chunk", later "pager", later "saved", later "sight"

local M = {}

-- A mistake in the call: caught in main, one line and exit 2.
M.Mistake = {}

function M.mistake(format, ...)
  error(setmetatable({text = format:format(...)}, M.Mistake))
end

-- In a filter or a template: the message has lines of its own, safe already.
function M.shown_mistake(message)
  error(setmetatable({text = message, shown = true}, M.Mistake))
end

function M.say(format, ...)
  io.stderr:write("portinfo: ", escape(format:format(...)), "\n")
end

function M.complain(err)
  if getmetatable(err) ~= M.Mistake then
    M.say("%s", chunk.message(err))
  elseif err.shown then
    io.stderr:write("portinfo: ", err.text, "\n")
  else
    M.say("%s", err.text)
  end
end

-- ---- Output ----------------------------------------------------------------------

-- The format asked for, or what suits where the output goes.
function M.output_format(options, piped)
  return options.format or (terminal.is_terminal(1) and "table" or piped)
end

-- A full disk is an error; a reader that left is none.
function M.check_written(ok, message, errno)
  if not ok and errno ~= 32 then M.mistake("cannot write: %s", message) end
end

-- What comes bit by bit, or paints the screen, goes there as it is.
function M.put(text)
  local ok, message, errno = io.stdout:write(text)
  if ok then ok, message, errno = io.stdout:flush() end
  M.check_written(ok, message, errno)
end

-- A full disk is an error; a reader that left is none. On a terminal, what is longer
-- than the screen goes to a pager.
function M.write(text)
  if not (terminal.is_terminal(1) and pager.show(text)) then M.put(text) end
end

function M.remark(options, lines)
  if options.quiet then return end
  for _, text in ipairs(lines) do M.say("%s", text) end
end

-- ---- Saved readings --------------------------------------------------------------

-- The reading in a file; - is standard input.
function M.load_reading(name)
  local snapshot, message
  if name == "-" then
    snapshot, message = saved.read(io.stdin, "standard input")
  else
    snapshot, message = saved.load(name)
  end
  if not snapshot then M.mistake("%s", message) end
  return snapshot
end

-- What to ask: the kernel, or the saved reading that --from names.
function M.source_of(options)
  if not options.from then return origin(options) end
  if options.backend or options.proc or options.netns then
    M.mistake "--from asks a file: --backend, --netns and --proc are for asking the kernel"
  end
  return {snapshot = M.load_reading(options.from)}
end

-- ---- Sight -----------------------------------------------------------------------

-- Was something that the answer rests on not seen?
function M.is_partial(selection, about)
  return selection:undecided() > 0 or #sight.blind_spots(selection, about.unknown) > 0
end

return M
