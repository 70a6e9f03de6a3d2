-- who.lua: every process that holds a local port, a line each.
--
--   portinfo examples/who.lua 443
--   portinfo examples/who.lua https
--
-- Ends with 0 when somebody was found, 1 when nobody holds it, 3 when that could
-- not be seen.

local pi = require "portinfo"

local port = tonumber(arg[1]) or arg[1]
if not port then
  io.stderr:write "usage: who.lua PORT|SERVICE\n"
  os.exit(2)
end

local status, unseen = 1, false
for row in pi.who(port):each() do
  local _ = row.user -- reads the processes, so that each holder has its user
  if row.owner == "unknown" then unseen = true end
  for _, holder in ipairs(row.holders or {}) do
    status = 0
    print(("%s\tpid %d\tfd %d\t%s"):format(tostring(row), holder.pid, holder.fd,
      holder.user or "?"))
  end
end
if status == 1 and unseen then status = 3 end
os.exit(status, true)
