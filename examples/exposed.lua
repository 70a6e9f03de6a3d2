-- exposed.lua: risky services that can be reached from outside of this machine.
--
--   portinfo examples/exposed.lua
--
-- Ends with 0 when there are none, 1 when there are some, 3 when it cannot tell.

local pi = require "portinfo"

-- A process may call itself anything, and a terminal obeys some of it.
local function plain(name) return (name:gsub("[^ -~]", "?")) end

local snap <close> = assert(pi.snapshot "listening")
local exposed = snap:sockets "exposed risky"
local rows = assert(exposed:all())

for _, row in ipairs(rows) do
  -- nil is unknown, false is nobody
  local holder = row.process and plain(row.process)
    or row.process == nil and "an unseen process" or "nobody"
  print(("%s %s:%d is reachable (%s), held by %s: %s"):format(row.proto, row.laddr,
    row.lport, row.exposure, holder, table.concat(row.risk, ", ")))
end

local _, undecided = exposed:count()
local unseen = undecided > 0
for _, source in ipairs(snap:quality().sources) do
  if source.backend == "none" and not source.absent then unseen = true end
end
os.exit(#rows > 0 and 1 or unseen and 3 or 0, true)
