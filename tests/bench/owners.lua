-- owners.lua: what it costs to find the owners of all sockets: owners.lua TURNS BACKEND
-- prints the median of TURNS turns in milliseconds, and by what they were found.
local core = require "portinfo.core"

local turns, backend = math.tointeger(tonumber(arg[1])), arg[2]
local times, by = {}, nil
for i = 1, turns do
  local snapshot <close> = assert(core.take{groups = {"socket"}, backend = backend})
  assert(snapshot:complete{"owner"})
  local quality = snapshot:quality()
  times[i] = quality.owner_us / 1e3
  by = quality.pinned and "pinned" or quality.owners_by
end
table.sort(times)
print(("%.3f\t%s"):format(times[#times // 2 + 1], by))
