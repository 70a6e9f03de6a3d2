-- pager.lua: a text that does not fit the screen goes to a pager: $PAGER, or less. Under
-- sudo and its like it is less alone, which then starts nothing and opens nothing: who was
-- given this command was not given a shell.

local escape = require "portinfo.escape"
local terminal = require "portinfo.terminal"

-- Set `off` and nothing is paged.
local M = {off = false}

-- The exit status that says that there is no such program. An assignment before the
-- program is the shell's business; so is whatever it quotes.
local missing = 127
local script = [[
set -f; set -- %s; set +f
case $1 in *=*) ;; *) command -v "$1" >/dev/null || exit 127 ;; esac
LESS="${LESS-FRX}" LV="${LV--c}"; export LESS LV
%s]]

-- What says that somebody else's rights were lent to whoever sits there.
local lenders = {"SUDO_UID", "DOAS_USER", "PKEXEC_UID"}

local function is_lent()
  for _, name in ipairs(lenders) do
    if os.getenv(name) then return true end
  end
  return false
end

-- Is a text to be paged, if it is long? Not where the pager itself could not work.
function M.wanted()
  local name = os.getenv "TERM"
  return not M.off and terminal.is_terminal(1) and name ~= nil and name ~= "dumb"
    and os.getenv "PAGER" ~= ""
end

-- Lines of the screen that a line of text takes; colours take none.
local function height_of(line, width)
  local plain = line:gsub("\27%[[%d;]*m", "")
  return math.max(1, (((utf8.len(plain) or #plain) + width - 1) // width))
end

-- Does it fit, with a line left for the next prompt?
local function fits(text)
  local width, room = terminal.width() or 80, (terminal.height() or 24) - 1
  for line in text:gmatch "([^\n]*)\n" do
    room = room - height_of(line, width)
    if room < 0 then return false end
  end
  return true
end

-- Shows the text in a pager, if it is too long for the screen; false when it is still
-- to be written.
function M.show(text)
  if not M.wanted() or fits(text) then return false end
  local lent = is_lent()
  local asked = not lent and os.getenv "PAGER" or nil
  local name = asked or "less"
  local secure = lent and "export LESSSECURE=1; unset LESS LESSOPEN LESSCLOSE\n" or ""
  local status = terminal.page(secure .. script:format(name, name), text)
  if status ~= missing then return status ~= nil end
  M.off = true
  if asked then
    io.stderr:write(("no pager: there is no program '%s' (PAGER)\n"):format(escape(name)))
  end
  return false
end

return M
