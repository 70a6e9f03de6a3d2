-- doctor.lua: what this process can see, and how to see more.

local core = require "portinfo.core"
local escape = require "portinfo.escape"
local origin = require "portinfo.origin"
local pin_of = require "portinfo.pin"
local predicate = require "portinfo.predicate"
local render = require "portinfo.render"

local M = {}

-- Bits of capabilities(7) that decide what we see or may do, and what lacks without; `probe`:
-- the pinned probe makes up for it.
local capabilities = {
  {name = "CAP_SYS_PTRACE", bit = 19, sight = true, probe = true,
   without = "descriptors of other users' processes stay unseen"},
  {name = "CAP_DAC_READ_SEARCH", bit = 2, sight = true,
   without = "folders of other users' processes stay unseen"},
  {name = "CAP_NET_ADMIN", bit = 12, sight = true, without = "marks of sockets stay unseen"},
  {name = "CAP_NET_BIND_SERVICE", bit = 10, without = "free and why find privileged ports barred"},
  {name = "CAP_SYS_ADMIN", bit = 21, without = "other network namespaces cannot be entered"},
}

-- A file of procfs as text, or nil.
local function read(proc, name)
  local file <close> = io.open(("%s/%s"):format(proc or "/proc", name))
  return file and file:read "a"
end

local function identity()
  local status = read(nil, "self/status")
  if not status then return {held = {}, missing = {}} end
  local mask = status:match "CapEff:%s*(%x+)"
  local effective = mask and math.tointeger(tonumber(mask, 16))
  local held, missing = {}, {}
  for _, capability in ipairs(capabilities) do
    local has = effective and effective >> capability.bit & 1 == 1
    local list = has and held or missing
    list[#list + 1] = capability
  end
  return {
    uid = math.tointeger(tonumber(status:match "Uid:%s*%d+%s+(%d+)")),
    held = held, missing = missing,
  }
end

local function names(list)
  local out = {}
  for i, capability in ipairs(list) do out[i] = capability.name end
  return out
end

-- "first" or "nested": a user namespace that maps every user to itself is the first, in
-- which capabilities count everywhere.
local function user_namespace()
  local map = read(nil, "self/uid_map")
  if not map then return nil end
  return map:find "^%s*0%s+0%s+4294967295%s*$" and "first" or "nested"
end

-- The hidepid option that procfs is mounted with, or nil; the last mount is seen.
local function hidepid(proc)
  local mounts, found = read(nil, "self/mounts"), nil
  for point, options in (mounts or ""):gmatch "[^ \n]+ ([^ \n]+) proc ([^ \n]+)" do
    if point == (proc or "/proc") then found = options:match "hidepid=([%w]+)" end
  end
  return found ~= "0" and found ~= "off" and found or nil
end

local ways = {"netlink", "proc", "bpf"}

-- Whether each way to read sockets works here: {netlink =, proc =, bpf =: true, or why not}.
local function backends(proc, probe_serves)
  local listening, works = predicate.build "listening", {bpf = probe_serves}
  for _, backend in ipairs(ways) do
    if works[backend] then goto continue end
    local snapshot <close>, message = core.take{
      filter = listening, backend = backend, proc = proc, groups = {},
    }
    works[backend] = snapshot ~= nil or message
    ::continue::
  end
  return works
end

-- Do we see holders by the pinned probe? It tells of this machine's own procfs alone.
local function does_serve(pin, proc)
  return pin ~= nil and pin_of.usable(pin) and core.look{backend = "auto", proc = proc}.pinned
end

-- What the probe could do for us, or nil. Root is told of it where it can be had; others
-- where they are blind.
local function probe_advice(pin, blind, uid)
  if not pin then return nil end
  if pin.installed then
    local obstacle = uid ~= 0 and pin_of.obstacle(pin)
    return obstacle and "a probe is installed at " .. pin.folder .. ", but " .. obstacle or nil
  end
  if pin.built_in and (blind or uid == 0) then
    return "a group can be let see everybody's sockets without root: sudo portinfo probe install "
      .. "--group NAME"
  end
end

-- What would show more, a line each, with the command that does it where there is one.
local function advice(data, me)
  local list, quality = {}, data.quality
  local function add(format, ...) list[#list + 1] = format:format(...) end
  local blind = false
  for _, capability in ipairs(me.missing) do
    if not (capability.probe and data.probe_serves) then
      add("%s is missing: %s", capability.name, capability.without)
      blind = blind or capability.sight
    end
  end
  list[#list + 1] = probe_advice(data.probe, blind, me.uid)
  if blind and me.uid ~= 0 and not data.probe_serves then
    add("to see more: sudo portinfo doctor")
  elseif quality and quality.unreadable > 0 then
    add("some processes hold capabilities that we do not, or a security module protects them; "
      .. "start portinfo with a full set (outside of a container) to see what they hold")
  end
  if data.user_namespace == "nested" and #me.held > 0 then
    add("capabilities of a nested user namespace open no process outside of it")
  end
  if quality and quality.hidden then
    add("procfs hides processes of others: sudo mount -o remount,hidepid=0 %s",
        data.proc or "/proc")
  end
  if data.pid_namespace == "nested" then
    add("processes outside of this pid namespace may hold sockets of this network namespace: ask "
      .. "from the host, or start the container with --pid=host --cap-add=SYS_PTRACE")
  end
  if data.backends.netlink ~= true and data.backends.proc == true then
    add("sock_diag would tell more than the proc tables: sudo modprobe -a inet_diag tcp_diag "
      .. "udp_diag, unless it is a sandbox that refuses it")
  end
  return list
end

-- Everything as data: {version, registry_date, uid, held, missing, user_namespace,
-- pid_namespace, hidepid, backends, probe, probe_serves, host, sockets, quality, blind_spots,
-- advice}. Options: backend, proc, netns (see pi.sockets).
function M.data(options)
  options = options or {}
  local me = identity()
  local data = {
    version = core.version, registry_date = core.registry_date,
    uid = me.uid, held = names(me.held), missing = names(me.missing),
    host = core.host(options.proc) or {}, proc = options.proc,
    user_namespace = user_namespace(), hidepid = hidepid(options.proc),
  }
  data.probe, data.probe_error = core.pin_status()
  data.probe_serves = does_serve(data.probe, options.proc)
  data.backends = backends(options.proc, data.probe_serves)
  if data.host.reserved then data.host.reserved = #data.host.reserved end
  local ask = origin(options)
  ask.groups = {"derived", "owner", "process"}
  local snapshot <close>, message = core.take(ask)
  if snapshot then
    data.sockets, data.quality = #snapshot, snapshot:quality()
    data.blind_spots = render.blind_spots(snapshot:pick())
    if not data.quality.owners_unseen then
      data.pid_namespace = data.quality.nested and "nested" or "first"
    end
  else
    data.error = message
  end
  data.advice = advice(data, me)
  return data
end

local function milliseconds(us) return ("%.1f ms"):format(us / 1000) end

-- A name and its value on one line.
local function item(name, value)
  return ("%-18s %s\n"):format(name, render.wrap(tostring(value), 61, 19))
end

local function host_lines(host)
  local out = {}
  if host.ephemeral_first then
    out[#out + 1] = item("client range", ("%d-%d"):format(host.ephemeral_first,
                                                          host.ephemeral_last))
  end
  if host.reserved then
    out[#out + 1] = item("reserved ports", render.plural(host.reserved, "port"))
  end
  if host.unprivileged_start then
    out[#out + 1] = item("unprivileged from", host.unprivileged_start)
  end
  if host.netns then out[#out + 1] = item("network namespace", host.netns) end
  return table.concat(out)
end

-- Protocols whose absence is worth a word.
local is_expected = {tcp = true, udp = true}

local function source_lines(quality)
  local out = {}
  for _, source in ipairs(quality.sources) do
    if source.absent and not is_expected[source.proto] then goto continue end
    local detail = ("%s, %s"):format(source.backend, render.plural(source.rows, "socket"))
    if source.absent then detail = "not on this host" end
    if source.error and not source.absent then detail = detail .. " (" .. source.error .. ")" end
    if source.backend == "netlink" and not source.autobound then
      detail = detail .. "; does not tell who chose a port"
    end
    out[#out + 1] = item(source.proto .. " over " .. source.family, detail)
    ::continue::
  end
  return table.concat(out)
end

local function advice_lines(data)
  local out = {}
  for _, line in ipairs(data.advice) do out[#out + 1] = item("advice", line) end
  return table.concat(out)
end

local function probe_text(data)
  local pin = data.probe
  if not pin then return "not usable: " .. escape(data.probe_error) end
  if pin.closed then return "cannot tell: the folder is root's alone" end
  if not pin.installed then return "not installed" end
  return pin_of.usable(pin) and "usable" or "installed, not for us"
end

-- Where we stand, and by what ways we can look.
local function stand_lines(data)
  local out = {}
  if data.user_namespace or data.pid_namespace then
    out[1] = item("namespaces", ("user: %s, pid: %s"):format(data.user_namespace or "unknown",
                                                             data.pid_namespace or "unknown"))
  end
  if data.hidepid then out[#out + 1] = item("hidepid", data.hidepid) end
  for _, name in ipairs(ways) do
    local works = data.backends[name]
    out[#out + 1] = item(name, works == true and "usable" or "not usable: " .. escape(works))
  end
  out[#out + 1] = item("probe", probe_text(data))
  return table.concat(out)
end

-- The same as text for people.
function M.text(data)
  local out = {
    item("portinfo", ("%s, registry of %s"):format(data.version, data.registry_date)),
    item("user id", data.uid or "unknown"),
    item("capabilities", #data.held > 0 and table.concat(data.held, " ") or "none that matter"),
    host_lines(data.host), stand_lines(data),
  }
  if data.error then
    out[#out + 1] = item("sockets", escape(data.error))
    out[#out + 1] = advice_lines(data)
    return table.concat(out)
  end
  local q = data.quality
  out[#out + 1] = source_lines(q)
  out[#out + 1] = item("processes", ("%d, %d of them unreadable"):format(q.processes, q.unreadable))
  out[#out + 1] = item("time", ("sockets %s, derived %s, owners %s, processes %s"):format(
    milliseconds(q.socket_us), milliseconds(q.derived_us), milliseconds(q.owner_us),
    milliseconds(q.process_us)))
  local blind = data.blind_spots
  out[#out + 1] = item("unseen", #blind == 0 and "nothing" or blind[1])
  for i = 2, #blind do out[#out + 1] = item("", blind[i]) end
  out[#out + 1] = advice_lines(data)
  return table.concat(out)
end

return M
