-- owners.lua: how many sockets each user and process has, most first.
--
--   portinfo examples/owners.lua             all sockets
--   portinfo examples/owners.lua established tcp

local pi = require "portinfo"

-- A process may call itself anything, and a terminal obeys some of it.
local function plain(name) return (name:gsub("[^ -~]", "?")) end

local counts, owners = {}, {}
for row in pi.sockets(table.concat(arg, " ")):each() do
  local owner
  if row.owner == "known" then
    owner = ("%s\t%s"):format(row.user or "?", plain(row.process))
  else
    owner = ("-\t(%s: %s)"):format(row.owner, row.why)
  end
  if not counts[owner] then owners[#owners + 1] = owner end
  counts[owner] = (counts[owner] or 0) + 1
end

table.sort(owners, function(a, b)
  if counts[a] ~= counts[b] then return counts[a] > counts[b] end
  return a < b
end)
for _, owner in ipairs(owners) do print(("%d\t%s"):format(counts[owner], owner)) end
