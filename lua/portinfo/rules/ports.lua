-- ports: numbers that are a bad choice for a service.

local core = require "portinfo.core"

-- Does the registry keep this port for nobody? What it says of the transport, if no name is
-- assigned to it for any.
local function withheld(row)
  local facts = core.port(row.lport)
  if #facts.names > 0 then return false end
  local status = facts.status[row.proto]
  return status == "reserved" or status == "de-assigned", status
end

return {
  {
    -- a port that the kernel chose is no promise to anybody
    id = "ephemeral-listener", severity = "note", tags = {"reliability"},
    title = "A service has chosen a port that the kernel gives to outgoing connections",
    where = "listening ephemeral not autobound lport != reserved",
    message = function(row)
      return ("after a restart an outgoing connection may have port %d, and %s will not start: "
        .. "address already in use"):format(row.lport, row.process or "the service")
    end,
    help = "Move it below the client range, or keep its port out of that: add it to "
      .. "net.ipv4.ip_local_reserved_ports (sysctl).",
    reference = "RFC 6335, section 6",
  }, {
    id = "reserved-port", severity = "note", tags = {"registry"},
    title = "Something listens on a port that IANA keeps for nobody",
    where = "listening not autobound", check = withheld,
    message = function(row, status)
      return ("port %d is %s for %s: it may be given to another service, or mean something else "
        .. "to a firewall"):format(row.lport, status, row.proto)
    end,
    help = "Choose a port that is assigned to the service (portinfo search NAME), or one of "
      .. "49152 to 65535 that is kept out of the client range.",
    reference = "RFC 6335, sections 6 and 8.2",
  },
}
