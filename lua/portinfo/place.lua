-- place.lua: where a socket may want to be bound: a protocol and an address, or all
-- of them; and which other sockets are in its way there.

local core = require "portinfo.core"
local origin = require "portinfo.origin"
local predicate = require "portinfo.predicate"
local query = require "portinfo.query"

local M = {}

-- The place {proto, address, family}, or nil and what would be right. `address` nil, like
-- ::, is all there are of both families: what a server gets that asks for no address.
function M.new(proto, address)
  proto = proto or "tcp"
  if proto ~= "tcp" and proto ~= "udp" then
    return nil, ("a port is tried with tcp or udp, not %s"):format(tostring(proto))
  end
  if address == nil then return {proto = proto} end
  local spelt, family = nil, nil
  if type(address) == "string" then spelt, family = core.address(address) end
  if not spelt then
    return nil, ("'%s' is no address: write 127.0.0.1 or ::1"):format(tostring(address))
  end
  if spelt:find "^fe[89ab]" then
    return nil, ("%s is good on one link alone: try the port on ::"):format(spelt)
  end
  return {proto = proto, address = spelt ~= "::" and spelt or nil, family = family}
end

-- "tcp port 80", "udp port 53 on 127.0.0.1"
function M.text(place, port)
  local text = ("%s port %d"):format(place.proto, port)
  return place.address and text .. " on " .. place.address or text
end

-- The filter of the addresses that overlap: itself, and the wildcards of its family; ::
-- is also IPv4's unless the socket is of IPv6 alone.
local function overlapping(place)
  local address = place.address
  if not address then return "all" end
  if address == "0.0.0.0" then return "laddr = 0.0.0.0/0 or laddr = :: and not v6only" end
  if place.family == "ipv4" then
    return ("laddr in {%s, 0.0.0.0} or laddr = :: and not v6only"):format(address)
  end
  return ("laddr in {%s, ::}"):format(address)
end

-- A query of the sockets that bar the place from ports first to last: every socket there
-- that was bound, whatever became of it since. A connection that is still being made is
-- its listener's matter.
function M.occupants(place, first, last, options)
  local filter = predicate.build(("proto = %s and lport in {%d..%d} and (%s) and not state = "
    .. "syn-received"):format(place.proto, first, last, overlapping(place)))
  return query.new(filter, origin(options))
end

-- Tries to bind: true, or nil, message, errno, meaning (see core.try_bind). `how`:
-- reuseaddr, reuseport.
function M.try(place, port, how)
  return core.try_bind(place.proto, place.address, port, how)
end

-- May we bind a port below unprivileged_start? nil if we cannot tell.
local CAP_NET_BIND_SERVICE = 10

function M.has_capability(bit)
  local file <close> = io.open "/proc/self/status"
  local mask = file and file:read("a"):match "CapEff:%s*(%x+)"
  mask = mask and math.tointeger(tonumber(mask, 16))
  if not mask then return nil end
  return mask >> bit & 1 == 1
end

-- Is the port permitted to us? nil if we cannot tell.
function M.is_permitted(host, port)
  if not host.unprivileged_start then return nil end
  return port >= host.unprivileged_start or M.has_capability(CAP_NET_BIND_SERVICE)
end

return M
