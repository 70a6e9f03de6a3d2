-- screen.lua: what the screen at hand can show, for the renderer, which asks nobody.

local style = require "portinfo.style"
local terminal = require "portinfo.terminal"

local M = {}

-- Is text of UTF-8 here? The first variable that is set tells, as for every program.
local function is_utf8()
  for _, name in ipairs{"LC_ALL", "LC_CTYPE", "LANG"} do
    local value = os.getenv(name)
    if value and value ~= "" then return value:lower():find "utf%-?8" ~= nil end
  end
  return false
end

-- What query:text and page.text take: width and rows (nil where no terminal is the
-- output), color, ascii. Options: width and color, of the command line.
function M.view(options)
  local is_terminal = terminal.is_terminal(1)
  return {
    width = options.width or is_terminal and terminal.width() or nil,
    rows = is_terminal and terminal.height() or nil,
    color = style.wanted(options.color, os.getenv, is_terminal),
    ascii = not is_utf8(),
  }
end

return M
