-- duration.lua: lengths of time as people write them: 500ms, 30s, 2m, 1.5h, 1m30s.

local M = {}

local seconds = {ms = 0.001, s = 1, sec = 1, m = 60, min = 60, h = 3600, d = 86400}
local most = 365 * 86400 -- beyond, somebody slipped

local function fail(text)
  return nil, ("'%s' is no length of time: write 500ms, 30s, 2m or 1.5h"):format(text)
end

-- Seconds, of a text or of a number that already is; or nil and what would be right.
function M.parse(value)
  if type(value) == "number" then
    if value >= 0 and value <= most then return value end
    return fail(tostring(value))
  end
  if type(value) ~= "string" then
    return nil, ("a length of time is a number of seconds or a text such as 30s, not a %s")
      :format(type(value))
  end
  local total, rest, smallest = 0, value:lower(), math.huge
  if rest:find "^%d+$" or rest:find "^%d*%.%d+$" then rest = rest .. "s" end
  repeat
    local number, unit, behind = rest:match "^(%d*%.?%d+) ?(%l+)(.*)$"
    local scale = unit and seconds[unit]
    -- 1m30s, not 30s1m, and not 1m2m
    if not scale or scale >= smallest then return fail(value) end
    total, rest, smallest = total + tonumber(number) * scale, behind, scale
  until rest == ""
  if total > most then return nil, ("'%s' is longer than a year"):format(value) end
  return total
end

-- Seconds as a person would say them.
function M.text(length)
  if length < 1 then return ("%.0f ms"):format(length * 1000) end
  return ("%.14g s"):format(length)
end

return M
