-- range.lua: whole numbers from first to last, both included.

local misuse = require "portinfo.misuse"

local M = {}

-- Nobody who has a range may change what ranges are.
local Range = {__name = "portinfo.range", __metatable = false}

function Range.__tostring(r)
  return ("%d..%d"):format(r.first, r.last)
end

function Range.__eq(a, b)
  return a.first == b.first and a.last == b.last
end

function M.is_range(value)
  return debug.getmetatable(value) == Range
end

function M.new(first, last)
  local a, b = math.tointeger(first), math.tointeger(last)
  if not a or not b or a < 0 then
    misuse("pi.range(a, b) takes two whole numbers from 0")
  end
  if a > b then misuse("pi.range(%d, %d) runs backwards", a, b) end
  return setmetatable({first = a, last = b}, Range)
end

return M
