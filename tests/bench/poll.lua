-- poll.lua: what a watch pays for a reading with owners and details: alone, and after
-- another of the same sockets. Milliseconds, the medians of TURNS turns (arg[1]), taken
-- in turn, and how many sockets there were; separated by tabs.
local core = require "portinfo.core"

local turns = math.tointeger(tonumber(arg[1])) or 7
local groups = {"derived", "owner", "process"}

local function median(list)
  table.sort(list)
  return list[#list // 2 + 1]
end

-- The milliseconds of a reading, how many looks its owners are from, and its rows.
local function reading(previous)
  local start = core.clock()
  local snapshot <close> = assert(core.take{groups = groups, previous = previous})
  local ms = (core.clock() - start) * 1e3
  return ms, snapshot:quality().recalls, #snapshot
end

local before <close> = assert(core.take{groups = groups})
local cold, warm, rows = {}, {}, 0
for i = 1, turns do
  local recalls
  cold[i] = reading()
  warm[i], recalls, rows = reading(before)
  if recalls == 0 then
    io.stderr:write "poll.lua: sockets came or went meanwhile\n"
    os.exit(2)
  end
end
print(("%.3f\t%.3f\t%d"):format(median(cold), median(warm), rows))
