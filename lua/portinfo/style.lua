-- style.lua: colour by what a text means. The sequences written here are the only ones
-- that a terminal gets from us: text from outside is escaped before.

local M = {}

-- Select Graphic Rendition (ECMA-48, 8.3.117), of the eight colours that a person's
-- theme knows.
local palette = {
  heading = "1", -- bold
  label = "1",
  unknown = "2", -- faint
  fading = "2", -- a socket that its process is done with
  listening = "32", -- green
  exposed = "33", -- yellow: listening, and reachable from elsewhere
  risk = "31", -- red: that, and its service is known for trouble
}

-- The text in the colour of its meaning; without one, as it is.
function M.paint(text, meaning)
  local code = palette[meaning]
  return code and ("\27[%sm%s\27[0m"):format(code, text) or text
end

-- What is to be had with `choice` (always, never, else auto), the variables of the
-- environment by a function, and whether the output is a terminal.
function M.wanted(choice, getenv, is_terminal)
  if choice == "always" or choice == "never" then return choice == "always" end
  local function set(name)
    local value = getenv(name)
    return value ~= nil and value ~= ""
  end
  if set "NO_COLOR" then return false end -- no-color.org
  if set "CLICOLOR_FORCE" and getenv "CLICOLOR_FORCE" ~= "0" then return true end
  return is_terminal and set "TERM" and getenv "TERM" ~= "dumb"
end

return M
