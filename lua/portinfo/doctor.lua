-- doctor.lua: what this process can see, and how to see more.

local core = require "portinfo.core"
local render = require "portinfo.render"

local M = {}

-- Bits of capabilities(7) that decide what we see.
local capabilities = {
  {name = "CAP_SYS_PTRACE", bit = 19, for_what = "descriptors of other users' processes"},
  {name = "CAP_DAC_READ_SEARCH", bit = 2, for_what = "folders of other users' processes"},
  {name = "CAP_NET_ADMIN", bit = 12, for_what = "marks of sockets"},
}

local function read_status()
  local file = io.open "/proc/self/status"
  if not file then return nil end
  local text = file:read "a"
  file:close()
  return text
end

local function identity()
  local status = read_status()
  if not status then return {} end
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

-- Everything as data: {version, registry_date, uid, held, missing, host,
-- sockets, quality, advice}. Options: backend, proc (see pi.sockets).
function M.data(options)
  options = options or {}
  local me = identity()
  local data = {
    version = core.version, registry_date = core.registry_date,
    uid = me.uid, held = names(me.held or {}), missing = names(me.missing or {}),
    host = core.host(options.proc) or {}, advice = {},
  }
  if data.host.reserved then data.host.reserved = #data.host.reserved end
  local snapshot, message = core.take{
    groups = {"derived", "owner", "process"},
    backend = options.backend, proc = options.proc,
  }
  if not snapshot then
    data.error = message
    return data
  end
  local everything = snapshot:pick()
  data.sockets = #snapshot
  data.quality = snapshot:quality()
  data.blind_spots = render.blind_spots(everything)
  for _, capability in ipairs(me.missing or {}) do
    data.advice[#data.advice + 1] = ("%s is missing: %s stay unseen"):format(
      capability.name, capability.for_what)
  end
  if me.uid ~= 0 and #data.advice > 0 then
    data.advice[#data.advice + 1] = "to see more: sudo portinfo doctor"
  elseif data.quality.unreadable > 0 then
    data.advice[#data.advice + 1] = "some processes hold capabilities that we do not, "
      .. "or a security module protects them; start portinfo with a full set "
      .. "(outside of a container) to see what they hold"
  end
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

local function source_lines(quality)
  local out = {}
  for _, source in ipairs(quality.sources) do
    local detail = ("%s, %s"):format(source.backend, render.plural(source.rows, "socket"))
    if source.absent then detail = "not on this host" end
    if source.error and not source.absent then detail = detail .. " (" .. source.error .. ")" end
    if source.backend == "netlink" and not source.autobound then
      detail = detail .. "; does not tell who chose a port"
    end
    out[#out + 1] = item(source.proto .. " over " .. source.family, detail)
  end
  return table.concat(out)
end

-- The same as text for people.
function M.text(data)
  local out = {
    item("portinfo", ("%s, registry of %s"):format(data.version, data.registry_date)),
    item("user id", data.uid or "unknown"),
    item("capabilities", #data.held > 0 and table.concat(data.held, " ") or "none that matter"),
    host_lines(data.host),
  }
  if data.error then
    out[#out + 1] = item("sockets", data.error)
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
  for _, line in ipairs(data.advice) do out[#out + 1] = item("advice", line) end
  return table.concat(out)
end

return M
