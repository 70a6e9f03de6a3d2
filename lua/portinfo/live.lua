-- live.lua: ports and processes of this moment, for completion: read through the
-- library, and kept for a short while.

local core = require "portinfo.core"

local M = {}

-- For how many seconds an answer is good enough.
local fresh = 2

-- The different values of one field, of the rows that a filter selects.
local function values(filter, field, ask)
  local predicate = core.predicate_parse(filter)
  ask.filter = predicate
  local snapshot <close> = core.take(ask)
  local selection = snapshot and snapshot:pick(predicate)
  if not selection or not selection:distinct{field} then return {} end
  local list = {}
  for i = 1, #selection do
    local value = selection:row(i)[field]
    if value then list[#list + 1] = value end
  end
  table.sort(list)
  return list
end

-- The names of network namespaces.
local function namespaces()
  local filter = core.predicate_parse "listening tcp"
  local snapshot <close> = core.take{
    filter = filter, groups = {"derived"}, netns = "all", backend = "netlink",
  }
  local list = {}
  for _, space in ipairs(snapshot and snapshot:namespaces() or {}) do
    list[#list + 1] = space.name
  end
  table.sort(list)
  return list
end

-- A function that answers as `read` did lately. A reading that is stopped, for it took
-- too long, counts as one that found nothing.
local function remembered(within, read, quick)
  local list, time
  return function()
    local now = core.clock()
    if time and now >= time and now - time < fresh then return list end
    list, time = {}, now
    local ok, found = within(read, quick)
    if ok then list = found end
    time = core.clock()
    return list
  end
end

-- Sources for complete.at. `within` calls a function for a bounded time, as pcall; its
-- second argument says that the function is quick, unless the machine is busy.
function M.sources(within)
  return {
    ports = remembered(within, function() return values("listening", "lport", {}) end, true),
    processes = remembered(within, function()
      return values("", "process", {groups = {"owner"}})
    end),
    namespaces = remembered(within, namespaces, true),
  }
end

return M
