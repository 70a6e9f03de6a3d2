-- units.lua: numbers, bytes and times as people read them. Machines get them as they are.

local M = {}

-- 1234567 as 1,234,567
function M.count(n)
  local digits = ("%d"):format(n)
  local lead = #digits % 3
  local text = digits:sub(1, lead) .. digits:sub(lead + 1):gsub("%d%d%d", ",%0")
  return (text:gsub("^,", ""))
end

-- "1 socket", "1,234 sockets"
function M.plural(n, one, many)
  return M.count(n) .. " " .. (n == 1 and one or many or one .. "s")
end

-- In units of 1,024, to two digits at least: 999, 1.5K, 12K, 3.4M.
function M.bytes(n)
  if n < 1024 then return ("%d"):format(n) end
  local size = n / 1024
  for unit in ("KMGTPE"):gmatch "." do
    if size < 9.95 then return ("%.1f%s"):format(size, unit) end
    if size < 1023.5 then return ("%.0f%s"):format(size, unit) end
    size = size / 1024
  end
end

-- In the largest unit of which there are two at least: the unit, or nil of seconds.
local spans = {{"day", "d", 86400}, {"hour", "h", 3600}, {"minute", "m", 60}, {"second", "s", 1}}

local function largest(seconds)
  for _, span in ipairs(spans) do
    if seconds >= 2 * span[3] then return span end
  end
  return spans[#spans]
end

-- How long ago, in words.
function M.ago(seconds)
  if seconds < 0 then return "ahead of this clock" end
  local span = largest(seconds)
  return M.plural(seconds // span[3], span[1]) .. " ago"
end

-- How long ago, for a cell: 3h ago.
function M.short_ago(seconds)
  if seconds < 0 then return "ahead" end
  local span = largest(seconds)
  return ("%d%s ago"):format(seconds // span[3], span[2])
end

-- How long something has lasted: 320 us, 12 ms, 3.1 s, 2 h.
function M.lasting(seconds)
  local span = largest(seconds)
  if seconds < 0.001 then return ("%.0f us"):format(seconds * 1e6) end
  if span[3] == 1 then return M.duration(seconds) end
  return ("%d %s"):format(seconds // span[3], span[2])
end

-- A time that something took: 0.4 ms, 12 ms, 3.1 s.
function M.duration(seconds)
  local ms = seconds * 1000
  if ms < 9.95 then return ("%.1f ms"):format(ms) end
  if ms < 999.5 then return ("%.0f ms"):format(ms) end
  return ("%.1f s"):format(seconds)
end

return M
