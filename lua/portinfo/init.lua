-- portinfo: what a port is, who holds it, should it be so.
--
--   local pi = require "portinfo"
--   for row in pi.listening():each() do print(row.lport, row.process) end
--
-- Misuse raises at the caller's line; the system's refusal is nil, message,
-- errno. In a row, nil means unknown and false means known to be empty.

local core = require "portinfo.core"
local misuse = require "portinfo.misuse"
local page = require "portinfo.page"
local predicate = require "portinfo.predicate"
local query = require "portinfo.query"
local range = require "portinfo.range"

local pi = {
  _VERSION = core.version,
  registry_date = core.registry_date,
}

-- ---- Facts ---------------------------------------------------------------------

local function check_port(port, name)
  local number = math.tointeger(port)
  if type(port) ~= "number" or not number or number < 0 or number > 65535 then
    misuse("%s: a port is a whole number from 0 to 65535, not %s", name,
           tostring(port))
  end
  return number
end

local transports = {tcp = true, udp = true, sctp = true, dccp = true}

local function check_transport(transport)
  if transport ~= nil and not transports[transport] then
    misuse("transports are tcp, udp, sctp and dccp, not %s", tostring(transport))
  end
  return transport
end

-- What is known of a port, of all transports or one: {number, range, status,
-- names, records, uses, risks, blocked, host}. `names` are the assigned records in
-- registry order; `host` is what this host does with it.
function pi.port(port, transport)
  local facts = core.port(check_port(port, "pi.port"), check_transport(transport))
  facts.host = page.host_facts(facts.number)
  return facts
end

-- The records and the de-facto uses of a service name, {records, uses}; nil if
-- nobody knows it.
function pi.service(name)
  if type(name) ~= "string" then
    misuse("pi.service takes a service name, not a %s", type(name))
  end
  local records, uses = core.service(name)
  if #records == 0 and #uses == 0 then return nil end
  return {records = records, uses = uses}
end

-- Records and uses that a word finds, best first; at most `most` (1000).
function pi.search(word, most)
  if type(word) ~= "string" or word == "" then
    misuse("pi.search takes a word")
  end
  return core.search(word, most)
end

local named_ranges = {
  system = function() return 0, 1023 end,
  user = function() return 1024, 49151 end,
  dynamic = function() return 49152, 65535 end,
  ephemeral = function(host) return host.ephemeral_first, host.ephemeral_last end,
  privileged = function(host)
    return 0, host.unprivileged_start and host.unprivileged_start - 1
  end,
}

-- pi.range(a, b): numbers from a to b. pi.range(name): system, user, dynamic
-- (RFC 6335), or this host's ephemeral and privileged; nil if that is unknown.
function pi.range(first, last)
  if type(first) ~= "string" then return range.new(first, last) end
  local named = named_ranges[first]
  if not named then
    misuse("ranges are system, user, dynamic, ephemeral and privileged, not %s",
           first)
  end
  local a, b = named(core.host() or {})
  if not a or not b then return nil, "this host does not tell" end
  if b < a then return nil, "this host has no such ports" end
  return range.new(a, b)
end

-- The page of a port, as text. Options: transport, width.
function pi.page(port, options)
  options = options or {}
  check_transport(options.transport)
  return page.text(page.data(check_port(port, "pi.page"), options), options)
end

-- ---- Sockets ---------------------------------------------------------------------

local option_names = {backend = true, proc = true}
local backends = {auto = true, netlink = true, proc = true}

local function check_options(options)
  for name in pairs(options or {}) do
    if not option_names[name] then
      misuse("unknown option '%s': there are backend and proc", tostring(name))
    end
  end
  local backend = options and options.backend
  if backend and not backends[backend] then
    misuse("backends are auto, netlink and proc, not %s", tostring(backend))
  end
  return options or {}
end

-- A query for the sockets that `spec` selects: a table, a string of words, a
-- predicate, or nothing for all. Options: `backend` ("auto", "netlink", "proc")
-- and `proc`, where procfs is mounted.
function pi.sockets(spec, options)
  return query.new(spec, check_options(options))
end

-- The same for what listens: TCP listeners and UDP services.
function pi.listening(spec, options)
  return query.new("listening", check_options(options)):where(spec)
end

-- The same for sockets with this local port: a number or a service name.
function pi.who(port, options)
  if type(port) == "number" then check_port(port, "pi.who") end
  return query.new({lport = port}, check_options(options))
end

-- A predicate value, to be combined with & | and ~.
function pi.p(spec)
  local built, message = predicate.build(spec)
  if not built then misuse(message) end
  return built
end

-- ---- Readings ---------------------------------------------------------------------

-- A reading that is kept: local snap <close> = assert(pi.snapshot()). Reads the
-- sockets that `spec` selects (nothing: all), other groups of fields on demand.
function pi.snapshot(spec, options)
  local built, message = predicate.build(spec)
  if not built then misuse(message) end
  options = check_options(options)
  return core.take{
    filter = built, backend = options.backend, proc = options.proc,
  }
end

local Snapshot = core.snapshot_class()

-- Queries of a kept reading.
function Snapshot:sockets(spec) return query.new(spec, {snapshot = self}) end

function Snapshot:listening(spec)
  return query.new("listening", {snapshot = self}):where(spec)
end

function Snapshot:who(port)
  if type(port) == "number" then check_port(port, "snapshot:who") end
  return query.new({lport = port}, {snapshot = self})
end

return pi
