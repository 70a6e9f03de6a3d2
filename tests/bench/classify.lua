-- classify.lua: what a script pays to learn the service of a row, in
-- nanoseconds; the median of nine turns over the listeners of this machine.
local pi = require "portinfo"

local least, turns = 200000, 9
local rows = pi.listening "tcp":all()
if #rows == 0 then
  io.stderr:write "classify.lua: nothing listens here\n"
  os.exit(2)
end

local function turn()
  local times = least // #rows + 1
  local start = os.clock()
  for _ = 1, times do
    for i = 1, #rows do
      local _ = rows[i].service
    end
  end
  return (os.clock() - start) * 1e9 / (times * #rows)
end

local ns = {}
for i = 1, turns do
  ns[i] = turn()
end
table.sort(ns)
print(("%.0f"):format(ns[turns // 2 + 1]))
