-- portinfo: what a port is, who holds it, should it be so.
--
--   local pi = require "portinfo"
--   for row in pi.listening():each() do print(row.lport, row.process) end
--
-- Misuse raises at the caller's line; the system's refusal is nil, message,
-- errno. In a row, nil means unknown and false means known to be empty.

local core = require "portinfo.core"
local duration = require "portinfo.duration"
local later = require "portinfo.later"
local misuse = require "portinfo.misuse"
local origin = require "portinfo.origin"
local predicate = require "portinfo.predicate"
local query = require "portinfo.query"
local range = require "portinfo.range"
local run = require "portinfo.run"

local audit, confine, rules, ruleset = later "audit", later "confine", later "rule", later "ruleset"
local free, page, place = later "free", later "page", later "place"
local reasons, relation, saved, wait = later "why", later "relation", later "saved", later "wait"

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
-- registry order; each use has its `relation` to them (relation.lua); `host` is
-- what this host does with it.
function pi.port(port, transport)
  local facts = core.port(check_port(port, "pi.port"), check_transport(transport))
  for _, use in ipairs(facts.uses) do relation.add(use) end
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
  if most ~= nil and (math.type(most) ~= "integer" or most < 0) then
    misuse("pi.search(word, most): how many, as a whole number from 0")
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

-- ---- Options ---------------------------------------------------------------------

local backends = {auto = true, netlink = true, proc = true, bpf = true}

local check = {}

function check.backend(backend)
  if not backends[backend] then
    misuse("backends are auto, netlink, proc and bpf, not %s", tostring(backend))
  end
end

function check.proc(proc)
  if type(proc) ~= "string" then
    misuse("proc is where procfs is mounted: a string, not a %s", type(proc))
  end
end

function check.netns(netns)
  if math.type(netns) == "integer" and netns > 0 then return tostring(netns) end
  if type(netns) == "string" and netns ~= "" and not netns:find "\0" then return netns end
  misuse "netns is own, all, a name, a path, or the number of a process"
end

function check.width(width)
  if math.type(width) ~= "integer" or width < 20 then
    misuse("width is a number of columns, at least 20")
  end
end

check.transport = check_transport

-- Of a length of time, its seconds.
local function check_duration(name)
  return function(value)
    local length, message = duration.parse(value)
    if not length then misuse("%s: %s", name, message) end
    return length
  end
end

check.timeout, check.hold = check_duration "timeout", check_duration "hold"

local function check_switch(name)
  return function(value)
    if type(value) ~= "boolean" then misuse("%s is true or false", name) end
    return value
  end
end

check.gone, check.probe = check_switch "gone", check_switch "probe"

function check.count(count)
  if math.type(count) ~= "integer" or count < 1 or count > 65535 then
    misuse("count is how many, from 1 to 65535")
  end
  return count
end

-- A port to bind, or a range of such.
function check.port(port)
  local bounds = range.is_range(port) and port or {first = port, last = port}
  if math.type(bounds.first) ~= "integer" or bounds.first < 1 or bounds.last > 65535 then
    misuse("port is one to bind, from 1 to 65535, or a pi.range of such")
  end
  return port
end

check.proto, check.address = function() end, function() end -- by place.new

-- Where to bind, as the options tell.
local function check_place(options)
  local where, message = place.new(options.proto, options.address)
  if not where then misuse("%s", message) end
  return where
end

-- A copy of the options, whose names must be in `names`.
local function check_options(options, names)
  if options == nil then return {} end
  if type(options) ~= "table" then
    misuse("options are a table, not a %s", type(options))
  end
  local copy = {}
  for name, value in pairs(options) do
    if not names[name] or name == "text" then
      misuse("unknown option '%s': there are %s", tostring(name), names.text)
    end
    local meant = check[name](value)
    if meant == nil then meant = value end
    copy[name] = meant
  end
  return copy
end

local reading = {backend = true, proc = true, netns = true, text = "backend, proc and netns"}
local showing = {
  backend = true, proc = true, netns = true, transport = true, width = true,
  text = "transport, width, backend, proc and netns",
}

-- The page of a port, as text. Options: transport, width, and those of pi.sockets.
function pi.page(port, options)
  options = check_options(options, showing)
  return page.text(page.data(check_port(port, "pi.page"), options), options)
end

-- ---- Sockets ---------------------------------------------------------------------

-- What pi.who takes: a port, a service name, a range, or a list of these.
local function check_who(port, name)
  if type(port) == "number" then return check_port(port, name) end
  if type(port) ~= "string" and type(port) ~= "table" then
    misuse("%s takes a port or a service name, not a %s", name, type(port))
  end
  return port
end

-- A query for the sockets that `spec` selects: a table, a string of the filter
-- language, a predicate, or nothing for all. Options: `backend` ("auto", "netlink", "proc", "bpf"),
-- `proc`, where procfs is mounted, and `netns`, whose network namespaces: "own", "all", the
-- name of one, a path with a slash in it, or the number of a process.
function pi.sockets(spec, options)
  return query.new(spec, check_options(options, reading))
end

-- The same for what listens: TCP listeners and UDP services.
function pi.listening(spec, options)
  return query.new("listening", check_options(options, reading)):where(spec)
end

-- The same for sockets with this local port: a number or a service name.
function pi.who(port, options)
  return query.new({lport = check_who(port, "pi.who")}, check_options(options, reading))
end

local waiting = {
  timeout = true, hold = true, gone = true, backend = true, proc = true, netns = true,
  text = "timeout, hold, gone, backend, proc and netns",
}

-- Waits until there are sockets that `spec` selects, and gives a list of them. Options:
-- `timeout` (false is returned when it is over; without one the wait is endless), `hold`
-- (they must be there at every look for so long), `gone` (waits until there are none, for
-- sure, and gives an empty list); lengths are seconds, or text such as "500ms"; and those
-- of pi.sockets. nil and why, if at the timeout it could not be told; on refusal nil,
-- message, errno.
function pi.wait(spec, options)
  options = check_options(options, waiting)
  local q = query.new(spec, origin(options))
  if wait.is_futile(q) then misuse("pi.wait: no socket can ever satisfy this") end
  local selection, status, message, errno = wait.run(q, options)
  if not selection then
    if status == "timeout" then return false end
    return nil, message, errno
  end
  local rows = {}
  for i = 1, #selection do rows[i] = selection:row(i) end
  return rows
end

local freeing = {
  port = true, count = true, proto = true, address = true, probe = true,
  backend = true, proc = true,
  text = "port, count, proto, address, probe, backend and proc",
}

-- Ports that can be bound now: a list, and a list of remarks about it; or nil, message,
-- errno. Each was bound for a moment without SO_REUSEADDR, to prove it. Options: `port` (a
-- number: this one, or the next above; a pi.range: those of it that no client is handed
-- and IANA did not assign come first; nothing: any from 1024), `count` (1), `proto` ("tcp"
-- or "udp"), `address` (nothing: all), `probe` (false: nothing is bound, the tables are
-- believed), and those of pi.sockets.
function pi.free(options)
  options = check_options(options, freeing)
  local spec = free.range(options.port)
  spec.place, spec.count = check_place(options), options.count or 1
  spec.probe = options.probe ~= false
  spec.backend, spec.proc = options.backend, options.proc
  return free.find(spec)
end

local asking = {
  proto = true, address = true, probe = true, backend = true, proc = true,
  text = "proto, address, probe, backend and proc",
}

-- Why a port cannot be bound, or that it can: {verdict = "bindable", "blocked" or "unknown",
-- reason, evidence = {{kind, text, bars, row}}, fixes = {text}, unseen = {text}, probe =
-- {ok, message, errno, reuseaddr, reuseport}, port, proto, address, permitted, reserved,
-- ephemeral}, the likely culprit first, and tostring of it; or nil, message, errno. `bars`:
-- it is in the way (nil: perhaps). Options as for pi.free, but port and count.
function pi.why(port, options)
  if check_port(port, "pi.why") == 0 then misuse("pi.why: 0 is no port to bind") end
  options = check_options(options, asking)
  return reasons.data{
    port = math.tointeger(port), place = check_place(options), probe = options.probe ~= false,
    backend = options.backend, proc = options.proc,
  }
end

-- Iterates over what becomes of the sockets that `spec` selects, reading after reading:
-- for event in pi.watch(":8080", {interval = 0.5}) do print(event) end. Events are present,
-- appear, vanish, change and brief; see query:watch. Options: interval, count,
-- until_empty, settle, and those of pi.sockets.
function pi.watch(spec, options)
  local of_reading, of_watch = {}, {}
  if options ~= nil and type(options) ~= "table" then
    misuse("options are a table, not a %s", type(options))
  end
  for name, value in pairs(options or {}) do
    local to = reading[name] and name ~= "text" and of_reading or of_watch
    to[name] = value
  end
  return query.new(spec, check_options(of_reading, reading)):watch(of_watch)
end

check.fail_on = function(severity)
  if not rules.rank(severity) then misuse("fail_on is note, warning or error") end
  return severity
end

check.trust = check_switch "trust"

function check.snapshot(snapshot)
  if debug.getmetatable(snapshot) ~= core.snapshot_class() then
    misuse("snapshot is a reading, of pi.snapshot or pi.load, not a %s", type(snapshot))
  end
  if snapshot:closed() then misuse("this reading is closed") end
  return snapshot
end

function check.baseline(path)
  if type(path) ~= "string" then misuse("baseline is the name of a file") end
  return path
end

function check.seconds(value)
  if type(value) ~= "number" or not (value > 0 and value <= 86400) then
    misuse("seconds is how much processor time a rule may take, above 0")
  end
  return value
end

local judging = {
  fail_on = true, baseline = true, trust = true, seconds = true, snapshot = true,
  backend = true, proc = true, netns = true,
  text = "fail_on, baseline, trust, seconds, snapshot, backend, proc and netns",
}

-- What pi.audit takes for rules, as sources of ruleset.load; or nil, message, errno.
local function rule_sources(spec)
  if spec == nil then return ruleset.sources{} end
  if type(spec) == "string" then return ruleset.sources{spec} end
  if type(spec) ~= "table" then
    misuse("rules are tables, or names of files, ids or tags, not a %s", type(spec))
  end
  if type(spec[1]) ~= "string" then return {{value = spec}} end
  for i, word in ipairs(spec) do
    if type(word) ~= "string" then misuse("a list of names: number %d is a %s", i, type(word)) end
  end
  return ruleset.sources(spec)
end

local Report = {__name = "portinfo.report"}

function Report.__tostring(report) return require "portinfo.report.text"(report, {}) end

-- Judges what is open by rules: a report {rules = {{id, verdict, findings, undecided, unseen,
-- message, severity, title, ...}}, counts, findings, status, fail_on, taken, sockets}, and
-- tostring of it; or nil, message, errno. `rules`: a rule, a list or a pack of such; the name
-- of a file, or an id or a tag of what is built in; a list of such; nothing: all that is built
-- in. Options: `fail_on` ("note", "warning" or "error") decides the status (0 pass, 1 found,
-- 2 a rule broke, 3 cannot tell); `baseline`, a file of what is known; `snapshot`, a reading to
-- judge; `trust`, files may use all of Lua; `seconds` (2) of processor time for a rule; and
-- those of pi.sockets. Rules are judged in this process: that time is watched between two
-- instructions of Lua alone, and memory not at all (report.contained is false); the command has
-- processes for it.
function pi.audit(spec, options)
  options = check_options(options, judging)
  local sources, message, errno = rule_sources(spec)
  if not sources then return nil, message, errno end
  local list, complaint = ruleset.load(sources, options.trust)
  if not list then misuse("%s", complaint) end
  if options.baseline then
    local source, trouble, number = confine.read(options.baseline)
    if not source then return nil, trouble, number end
    local held, wrong = audit.held(source)
    if not held then misuse("%s", wrong) end
    options.held = held
  end
  if options.snapshot then
    local asked, wrong = audit.asked_of(options.snapshot)
    if asked == false then return nil, wrong end
    options.asked = asked
  end
  local ok, report, trouble, number = pcall(audit.run, list, options)
  if not ok then
    if rules.is_complaint(report) then misuse("%s", tostring(report)) end
    error(report, 0)
  end
  if not report then return nil, trouble, number end
  report.contained = false
  return setmetatable(report, Report)
end

-- A predicate value, to be combined with & | and ~.
function pi.p(spec)
  local built, tests = predicate.build(spec)
  if not built then misuse(tests) end
  if #tests > 0 then misuse("a function is no part of a predicate: give it to query:where") end
  return built
end

-- ---- Readings ---------------------------------------------------------------------

-- A reading that is kept: local snap <close> = assert(pi.snapshot()). It answers for
-- the sockets that `spec` selects (nothing: all); groups of fields are read on
-- demand, each once. Options as for pi.sockets.
function pi.snapshot(spec, options)
  return query.new(spec, check_options(options, reading)):snapshot()
end

local Snapshot = core.snapshot_class()

local function check_snapshot(snapshot, method)
  if debug.getmetatable(snapshot) ~= Snapshot then
    misuse("a reading's methods are called with a colon, as in snap:%s", method)
  end
end

-- A query of a kept reading: what it was asked for, and `spec`.
local function ask(snapshot, spec)
  check_snapshot(snapshot, "sockets()")
  return query.of(snapshot):where(spec)
end

function Snapshot:sockets(spec) return ask(self, spec) end

function Snapshot:listening(spec) return ask(self, "listening"):where(spec) end

function Snapshot:who(port)
  return ask(self, {lport = check_who(port, "snapshot:who")})
end

-- And every method of a query, as of all its sockets: snap:where{...}:print().
for _, name in ipairs(query.method_names) do
  if name ~= "snapshot" then
    Snapshot[name] = function(self, ...)
      local q = ask(self)
      return q[name](q, ...)
    end
  end
end

local function check_path(path, name)
  if type(path) ~= "string" then
    misuse("%s takes the name of a file, not a %s", name, type(path))
  end
end

-- The reading that a file holds, which Snapshot:save or portinfo save wrote, on this
-- machine or another; or nil, message, errno. It answers as one that was taken; what
-- was not saved raises when it is read.
function pi.load(path)
  check_path(path, "pi.load")
  return saved.load(path)
end

-- Saves what the reading was asked for, with all that can be known of it, which is
-- read first: true, or nil, message, errno.
function Snapshot:save(path)
  check_snapshot(self, "save(path)")
  check_path(path, "snapshot:save")
  if self:closed() then misuse("this reading is closed") end
  local q = query.of(self)
  local filter, why = saved.filter_of(q)
  if filter == false then misuse("snapshot:save: %s", why) end
  local selection, message, errno = saved.complete(q)
  if not selection then return nil, message, errno end
  return saved.save(selection, filter, path)
end

local keys = {socket = true, service = true}

function check.key(key)
  if not keys[key] then misuse("keys are socket and service, not %s", tostring(key)) end
end

local comparing = {key = true, text = "key"}

-- What became of the sockets in another reading, taken later or loaded: {added =
-- {rows}, removed = {rows}, changed = {{before = row, after = row, fields = {names}}}},
-- and tostring of it, lines of + - ~; or nil, message, errno. Owners that were not
-- read are read now. Options: `key`, by which a row of one is the same as one of the other:
-- "socket" (the kernel's own identity), or "service" (protocol, family and both ends, so
-- that a restarted service is a change of its holders).
function Snapshot:diff(other, options)
  check_snapshot(self, "diff(other)")
  local key = check_options(options, comparing).key
  if debug.getmetatable(other) ~= Snapshot then
    misuse("snapshot:diff takes another reading, not a %s", type(other))
  end
  if self:closed() or other:closed() then misuse("this reading is closed") end
  local of_one, message, errno = run.query(query.of(self), nil, true)
  if not of_one then return nil, message, errno end
  local of_other, trouble, number = run.query(query.of(other), nil, true)
  if not of_other then return nil, trouble, number end
  local found, why, code = of_one:diff(of_other, key)
  if not found then return nil, why, code end
  return saved.diff_rows(found)
end

-- A reading, or that of a saved file; nil, message, errno.
local function open_reading(value)
  if type(value) == "string" then return saved.load(value) end
  if debug.getmetatable(value) == Snapshot then return value end
  misuse("pi.diff takes readings, or the names of saved ones, not a %s", type(value))
end

-- What became of the sockets of one reading in another, as Snapshot:diff tells; each is a
-- reading or the name of a saved one, and without the other it is what is there now,
-- asked with the filter of the first. Options as there.
function pi.diff(one, other, options)
  local a, message, errno = open_reading(one)
  if not a then return nil, message, errno end
  local b, trouble, number
  if other == nil then
    local filter, why = saved.filter_of(query.of(a))
    if filter == false then misuse("pi.diff: %s", why) end
    b, trouble, number = pi.snapshot(filter)
  else
    b, trouble, number = open_reading(other)
  end
  if not b then return nil, trouble, number end
  return a:diff(b, options)
end

return pi
