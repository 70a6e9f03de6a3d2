-- rc.lua: a person's own file of Lua, run before the first prompt.

local chunk = require "portinfo.chunk"
local escape = require "portinfo.escape"
local terminal = require "portinfo.terminal"

local M = {}

local function complain(text) io.stderr:write(text, "\n") end

-- Runs the text of the file in `env`; without it (`why`: somebody else could have
-- written it, it cannot be read) nothing is run. What goes wrong is told in one line.
function M.run(path, code, why, env)
  if not code then return complain(("%s is not run: %s"):format(escape(path), why)) end
  local compiled, message = load(code, "@" .. path, "t", env)
  if not compiled then return complain(chunk.message(message)) end
  local ok, interrupted, err = terminal.call(compiled)
  if interrupted then
    complain(escape(path) .. ": interrupted")
  elseif not ok then
    complain(chunk.message(err))
  end
end

return M
