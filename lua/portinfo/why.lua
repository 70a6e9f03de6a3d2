-- why.lua: why a port cannot be bound, or that it can: the verdict, what speaks for it
-- with the likely culprit first, and what would change it.

local core = require "portinfo.core"
local json = require "portinfo.json"
local place = require "portinfo.place"
local render = require "portinfo.later" "render"
local run = require "portinfo.run"
local schema = require "portinfo.schema"

local M = {}

local function add(list, format, ...) list[#list + 1] = format:format(...) end

-- ---- Looking ---------------------------------------------------------------------

-- Tries to bind: {ok, message, errno, meaning}, and where that tells more, would it do
-- with SO_REUSEADDR, or with SO_REUSEPORT? A UDP socket that joins a group takes
-- datagrams from it, so it is not tried.
local function try(spec)
  local probe = {}
  probe.ok, probe.message, probe.errno, probe.meaning = place.try(spec.place, spec.port)
  if probe.meaning == "in-use" and spec.place.proto == "tcp" then
    probe.reuseaddr = place.try(spec.place, spec.port, {reuseaddr = true}) == true
    probe.reuseport = place.try(spec.place, spec.port, {reuseport = true}) == true
  end
  return probe
end

-- What is to be seen: {selection (nil: and then message, errno), probe}.
local function look(spec)
  local seen = {probe = spec.probe and try(spec) or nil}
  seen.selection, seen.message, seen.errno = run.query(
    place.occupants(spec.place, spec.port, spec.port, spec), {"derived", "owner", "process"}, true)
  if not seen.selection then return seen end
  if #seen.selection == 0 and seen.selection:undecided() > 0 then
    local ok, message, errno = seen.selection:snapshot():complete{"derived", "owner", "process"}
    if not ok then seen.selection, seen.message, seen.errno = nil, message, errno end
  end
  return seen
end

-- Do the tables and the attempt tell different stories? Sockets come and go, and the two
-- are not of one moment.
local function is_contradictory(seen)
  local probe = seen.probe
  if not probe or not seen.selection then return false end
  if probe.ok then return #seen.selection > 0 end
  return probe.meaning == "in-use" and #seen.selection + seen.selection:undecided() == 0
end

-- ---- The sockets in the way ------------------------------------------------------

-- In the order of suspicion.
local ranks = {
  permission = 1, address = 2, listener = 3, bound = 4, connection = 5, client = 6,
  closing = 7, ["time-wait"] = 8, reuseport = 9, unseen = 10, probe = 11, reserved = 12,
  ephemeral = 13,
}

local closing = {
  ["fin-wait-1"] = true, ["fin-wait-2"] = true, closing = true, ["last-ack"] = true,
  ["close-wait"] = true,
}

local function kind_of(row)
  if row.state == "listen" or row.role == "service" then return "listener" end
  if row.state == "time-wait" then return "time-wait" end
  if closing[row.state] then return "closing" end
  if row.state == "closed" or row.state == "unconnected" and row.role ~= "client" then
    return "bound"
  end
  return row.role == "inbound" and "connection" or "client"
end

local function name_of(row)
  return ("%s (pid %d)"):format(row.process and render.name(row.process) or "?", row.pid)
end

local nobody = {
  ["time-wait"] = "held by nobody any more", orphan = "closed by its process",
  ["not-yet-accepted"] = "not yet accepted by its listener", unheld = "held by nobody",
  kernel = "the kernel's own",
}

local unknown = {
  permission = "for lack of permission", hidden = "as procfs hides processes",
  vanished = "as the holder ended meanwhile",
  ["other-pid-namespace"] = "as another pid namespace may hold it",
}

local function holder_text(row)
  if row.owner == "known" then
    local more = render.processes(row) - 1
    return ("%s%s%s"):format(name_of(row), row.user and ", user " .. render.name(row.user) or "",
      more > 0 and (", and %s"):format(render.plural(more, "more process", "more processes")) or "")
  end
  if row.owner == "none" then return nobody[row.why] or "held by nobody" end
  return ("of uid %s, its process unknown%s"):format(row.uid or "?",
    unknown[row.why] and " " .. unknown[row.why] or "")
end

local function row_text(row, doubtful)
  local text = render.endpoint(row.laddr, row.lport, row.iface)
  if row.rport then text = text .. " with " .. render.endpoint(row.raddr, row.rport) end
  if row.state ~= "listen" and row.state ~= "unconnected" and row.state ~= "time-wait" then
    text = ("%s, %s"):format(text, row.state)
  end
  if row.v6only and row.laddr == "::" then text = text .. ", IPv6 alone" end
  if doubtful then text = text .. ", of IPv4 too unless it is of IPv6 alone, which is not known" end
  return ("%s: %s"):format(text, holder_text(row))
end

-- A piece of evidence for each row, selected or undecided.
local function row_evidence(selection)
  local list = {}
  for i = 1, #selection do
    local row = selection:row(i)
    list[i] = {kind = kind_of(row), bars = true, text = row_text(row), row = row, at = i}
  end
  for i = 1, selection:undecided() do
    local row = selection:undecided_row(i)
    list[#list + 1] = {kind = kind_of(row), text = row_text(row, true), row = row}
  end
  return list
end

-- ---- What else there is to say ---------------------------------------------------

local function our_uid()
  local file <close> = io.open "/proc/self/status"
  local uid = file and file:read("a"):match "Uid:%s*%d+%s+(%d+)"
  return math.tointeger(tonumber(uid))
end

-- Sockets that listen on one address can only do so as a group of SO_REUSEPORT, of one
-- user; whether a single one would let others in stands in no table.
local function group_evidence(data, rows)
  local probe = data.probe or {}
  local groups, first = {}, nil
  for _, piece in ipairs(rows) do
    local row = piece.row
    if piece.kind == "listener" and piece.bars then
      local key = ("%s %s %s"):format(row.laddr, row.family, row.iface)
      groups[key] = (groups[key] or 0) + 1
      if not first or groups[key] > 1 then first = {row = row, n = groups[key]} end
    end
  end
  if not first then return nil end
  local uid, theirs = our_uid(), first.row.uid
  if probe.reuseport then
    return "an attempt with SO_REUSEPORT succeeds: whoever is there set it, and shares the port "
      .. ("with sockets of uid %s that set it too"):format(theirs or "?")
  end
  if first.n > 1 then
    return ("%d sockets share %s by SO_REUSEPORT: only sockets of uid %s that set it too may join")
      :format(first.n, render.endpoint(first.row.laddr, first.row.lport), theirs or "?")
  end
  if uid and theirs and theirs ~= uid then
    return ("whether it set SO_REUSEPORT no table tells: if so, only sockets of uid %d may join, "
      .. "and we are uid %d"):format(theirs, uid)
  end
end

local function permission_text(data, host)
  if data.permitted == false then
    return ("ports below %d need CAP_NET_BIND_SERVICE, which uid %s does not hold here"):format(
      host.unprivileged_start, our_uid() or "?")
  end
  return ("%s: a security module or a BPF program of our control group refuses, or our "
    .. "capabilities are of a user namespace that does not own this network namespace")
    :format(data.probe.message)
end

local function probe_text(probe)
  if probe.ok then return "bind without SO_REUSEADDR succeeds" end
  local text = ("without SO_REUSEADDR, %s"):format(probe.message)
  if probe.reuseaddr == nil then return text end
  return ("%s; with it, %s"):format(text, probe.reuseaddr and "bind succeeds" or "the same")
end

local function release()
  local file <close> = io.open "/proc/sys/kernel/osrelease"
  local major, minor = (file and file:read "l" or ""):match "^(%d+)%.(%d+)"
  return tonumber(major), tonumber(minor)
end

-- What could be there without being seen.
local function unseen(seen)
  local lines = {}
  if not seen.selection then return {seen.message} end
  for _, line in ipairs(render.blind_spots(seen.selection)) do lines[#lines + 1] = line end
  local major, minor = release()
  local netlink = false
  for _, source in ipairs(seen.selection:snapshot():quality().sources) do
    if source.no_bound then
      lines[#lines + 1] = "sockets that are bound and nothing else are in no proc table"
      break
    end
    netlink = netlink or source.backend == "netlink"
  end
  if netlink and major and (major < 6 or major == 6 and minor < 8) then
    lines[#lines + 1] = "before Linux 6.8 no table tells of sockets that are bound and nothing else"
  end
  return lines
end

-- ---- The verdict -----------------------------------------------------------------

-- Blocked, bindable or unknown, by the attempt if there was one, else by the tables.
local function verdict(data, seen)
  local probe, selection = data.probe, seen.selection
  if probe then return probe.ok and "bindable" or "blocked" end
  if data.permitted == false or #selection > 0 then return "blocked" end
  if selection:undecided() > 0 or render.misses_rows(selection) or data.permitted == nil then
    return "unknown"
  end
  return "bindable"
end

local deeds = {
  listener = "%s is on it", bound = "%s has bound it", connection = "a connection of %s is on it",
  client = "a connection of %s began on it", closing = "a connection of %s is still closing on it",
}

-- The culprit in a few words.
local function reason(data)
  local first = data.evidence[1]
  if data.verdict == "bindable" then return "can be bound" end
  if data.verdict == "unknown" then return "may be taken or not: that cannot be told from here" end
  if not first or first.kind == "probe" or first.kind == "unseen" then
    return "cannot be bound, and nothing is to be seen on it"
  end
  if first.kind == "permission" then return "is not permitted to us" end
  if first.kind == "address" then return "cannot be bound: this host has no such address" end
  if first.kind == "time-wait" then
    return "cannot be bound: connections of the last minute are still in TIME_WAIT on it"
  end
  local row = first.row
  if row.owner == "none" then
    return ("cannot be bound: a socket that nobody holds any more is on it (%s)"):format(row.state)
  end
  local who = row.owner == "known" and name_of(row)
    or ("a process of uid %s"):format(row.uid or "?")
  return "cannot be bound: " .. deeds[first.kind]:format(who)
end

-- ---- What would change it --------------------------------------------------------

-- The systemd unit that a holder is part of.
local function unit_of(row)
  local unit = row.unit
  return unit and unit:find "%.service$" and render.name(unit) or nil
end

-- A fix by kind of evidence, for its first row.
local fixes = {}

function fixes.permission(list, data)
  if data.permitted ~= false then return end
  add(list, "setcap cap_net_bind_service=+ep PROGRAM, or AmbientCapabilities=CAP_NET_BIND_SERVICE "
    .. "in its unit")
  add(list, "sysctl -w net.ipv4.ip_unprivileged_port_start=%d, which permits it to everybody",
      data.port)
end

function fixes.address(list)
  add(list, "give an address of this host, or add this one (ip address add)")
  add(list, "sysctl -w net.ipv4.ip_nonlocal_bind=1 (IPv6: net.ipv6.ip_nonlocal_bind), for an "
    .. "address that is still to come")
end

function fixes.listener(list, data, row)
  if row.owner == "known" then
    local unit = unit_of(row)
    add(list, "stop %s%s", name_of(row), unit and ", unit " .. unit or "")
  elseif row.owner == "unknown" and our_uid() ~= 0 then
    add(list, "see who holds it: sudo portinfo why %d%s", data.port, data.flags)
  end
end

fixes.bound, fixes.connection = fixes.listener, fixes.listener

function fixes.client(list, data, row)
  fixes.listener(list, data, row)
  if row.autobound then
    add(list, "its port was chosen by the kernel; to have it leave %d alone from now on, add it to "
      .. "net.ipv4.ip_local_reserved_ports", data.port)
  end
end

function fixes.closing(list, data, row)
  if row.owner ~= "none" then return fixes.listener(list, data, row) end
  add(list, "wait: the kernel gives up on it after net.ipv4.tcp_fin_timeout, or some minutes")
end

fixes["time-wait"] = function(list)
  add(list, "wait: TIME_WAIT is over after a minute")
end

-- Is every socket in the way of IPv4, so that one of IPv6 alone would pass?
local function all_ipv4(rows)
  for _, piece in ipairs(rows) do
    if piece.row.laddr:find(":", 1, true) then return false end
  end
  return #rows > 0
end

local function add_fixes(data, rows)
  local list, done = data.fixes, {}
  local probe = data.probe or {}
  for _, piece in ipairs(data.evidence) do
    local fix = fixes[piece.kind]
    local key = piece.kind .. " " .. tostring(piece.row and piece.row.pid)
    if fix and not done[key] and #list < 6 then fix(list, data, piece.row) end
    done[key] = true
  end
  if probe.reuseaddr then
    add(list, "set SO_REUSEADDR before bind: that succeeds now")
  elseif probe.reuseaddr == false and (done["time-wait nil"] or done["time-wait false"]) then
    add(list, "SO_REUSEADDR does not help now; against TIME_WAIT it does where the program that "
      .. "was there before set it, too")
  end
  if not data.address and all_ipv4(rows) then
    add(list, "a socket of IPv6 alone (IPV6_V6ONLY) meets none of these")
  end
  if data.evidence[1] and data.evidence[1].kind ~= "address" then
    add(list, "take another port: portinfo free %d%s", data.port, data.flags)
  end
end

-- ---- The whole -------------------------------------------------------------------

local Why = {__name = "portinfo.why"}

-- The options of the command that mean this place.
local function flags_of(where)
  return (where.proto == "udp" and " --udp" or "")
    .. (where.address and " --addr " .. where.address or "")
end

local function add_evidence(data, seen, host)
  local rows = seen.selection and row_evidence(seen.selection) or {}
  local list, probe = data.evidence, data.probe
  table.move(rows, 1, #rows, 1, list)
  local function note(kind, text, bars)
    if text then list[#list + 1] = {kind = kind, text = text, bars = bars or false} end
  end
  local refused = probe and probe.meaning == "permission"
  if refused or data.permitted == false and not (probe and probe.ok) then
    note("permission", permission_text(data, host), true)
  end
  if probe and probe.meaning == "no-address" then
    note("address", ("%s is no address of this host"):format(data.address), true)
  end
  note("reuseport", data.verdict == "blocked" and group_evidence(data, rows) or nil)
  note("probe", probe and probe_text(probe))
  if is_contradictory(seen) then
    note("unseen", probe.ok
      and "the tables tell of a socket in the way, twice: it is a moment's, or the kernel is "
        .. "more liberal than we know"
      or "whoever is there stands in no table that could be read, or was gone at once, twice; "
        .. "sockets of other network namespaces bar nobody here")
  end
  local puzzling = data.verdict == "unknown" or probe and probe.meaning == "in-use" and #rows == 0
  for _, line in ipairs(puzzling and data.unseen or {}) do note("unseen", line) end
  if data.reserved then
    note("reserved", "ip_local_reserved_ports names it: the kernel hands it to no client; that "
      .. "bars nobody from binding it")
  elseif data.ephemeral then
    note("ephemeral", ("it lies in the client range %d-%d: the kernel may hand it to a client "
      .. "before it is bound"):format(host.ephemeral_first, host.ephemeral_last))
  end
  for i, piece in ipairs(list) do piece.order = i end
  table.sort(list, function(a, b)
    if ranks[a.kind] ~= ranks[b.kind] then return ranks[a.kind] < ranks[b.kind] end
    return a.order < b.order
  end)
  for _, piece in ipairs(list) do piece.order = nil end
  return rows
end

local function has_value(list, value)
  for _, item in ipairs(list or {}) do
    if item == value then return true end
  end
  return false
end

-- Why the port of a spec cannot be bound: {port, proto, address, verdict = "bindable",
-- "blocked" or "unknown", reason, probe, evidence = {{kind, text, bars, row}}, fixes, unseen},
-- and tostring of it; or nil, message, errno. The spec: port, place, probe (try to bind);
-- backend, proc.
function M.data(spec)
  local seen = look(spec)
  if is_contradictory(seen) then seen = look(spec) end
  local probe = seen.probe
  if probe and probe.meaning == "other" then
    return nil, ("%s: %s"):format(place.text(spec.place, spec.port), probe.message), probe.errno
  end
  if not seen.selection and not probe then return nil, seen.message, seen.errno end
  local host = core.host(spec.proc) or {}
  local data = {
    port = spec.port, proto = spec.place.proto, address = spec.place.address, probe = probe,
    permitted = place.is_permitted(host, spec.port), reserved = has_value(host.reserved, spec.port),
    ephemeral = host.ephemeral_first and spec.port >= host.ephemeral_first
      and spec.port <= host.ephemeral_last or false,
    evidence = {}, fixes = {}, unseen = unseen(seen), flags = flags_of(spec.place),
    selection = seen.selection,
  }
  data.verdict = verdict(data, seen)
  local rows = add_evidence(data, seen, host)
  data.reason = ("%s %s"):format(place.text(spec.place, spec.port), reason(data))
  if data.verdict ~= "bindable" then add_fixes(data, rows) end
  return setmetatable(data, Why)
end

local most_rows = 5

local function block(out, lead, text)
  out[#out + 1] = ("  %-10s %s\n"):format(lead, render.wrap(text, 67, 13))
end

-- The same as text for people.
function M.text(data)
  local out, counts = {data.reason .. "\n"}, {}
  for _, piece in ipairs(data.evidence) do
    local n = (counts[piece.kind] or 0) + 1
    counts[piece.kind] = n
    if not piece.row or n <= most_rows then block(out, n == 1 and piece.kind or "", piece.text) end
  end
  local left = {}
  for kind, n in pairs(counts) do
    if n > most_rows then left[#left + 1] = ("%d more: %s"):format(n - most_rows, kind) end
  end
  table.sort(left)
  if #left > 0 then block(out, "and", table.concat(left, ", ")) end
  for i, text in ipairs(data.fixes) do block(out, i == 1 and "to get it" or "or", text) end
  return table.concat(out)
end

Why.__tostring = M.text

-- The same as JSON.
function M.json(data)
  local sockets = {}
  if data.selection then
    for line in data.selection:text("ndjson", schema.usual_names):gmatch "[^\n]+" do
      sockets[#sockets + 1] = line
    end
  end
  local evidence = {}
  for i, piece in ipairs(data.evidence) do
    evidence[i] = {
      kind = piece.kind, text = piece.text, bars = piece.bars,
      socket = piece.at and json.raw(sockets[piece.at]) or nil,
    }
  end
  local probe = data.probe
  return json.encode{
    v = 1, port = data.port, proto = data.proto, address = data.address, verdict = data.verdict,
    reason = data.reason, evidence = evidence, fixes = data.fixes, unseen = data.unseen,
    reserved = data.reserved, ephemeral = data.ephemeral, permitted = data.permitted,
    probe = probe and {
      ok = probe.ok or false, message = probe.message, errno = probe.errno,
      reuseaddr = probe.reuseaddr, reuseport = probe.reuseport,
    } or nil,
  }
end

return M
