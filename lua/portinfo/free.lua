-- free.lua: ports that can be bound now.

local core = require "portinfo.core"
local place = require "portinfo.place"
local render = require "portinfo.later" "render"
local run = require "portinfo.run"

local M = {}

local last_port = 65535

-- What is known before a port is tried: {taken =, doubtful =, reserved =: sets of
-- ports; host =, missed = why not all sockets are known}; or nil, message, errno.
local function survey(spec, first, last)
  local known = {taken = {}, doubtful = {}, reserved = {}, host = core.host(spec.proc) or {}}
  for _, port in ipairs(known.host.reserved or {}) do known.reserved[port] = true end
  local selection, message, errno = run.query(place.occupants(spec.place, first, last, spec))
  if not selection then
    if not spec.probe then return nil, message, errno end
    known.missed = message
    return known
  end
  local _ <close> = selection:snapshot()
  for i = 1, #selection do known.taken[selection:row(i).lport] = true end
  for i = 1, selection:undecided() do known.doubtful[selection:undecided_row(i).lport] = true end
  if render.misses_rows(selection) then
    known.missed = render.blind_spots(selection)[1] or "the proc tables lack bound sockets"
  end
  return known
end

-- Why a port is not to be had, nil if it is. What only the system knows is asked last.
local function obstacle(spec, known, port)
  if known.reserved[port] then return "reserved (ip_local_reserved_ports)" end
  if place.is_permitted(known.host, port) == false then
    return ("not permitted: ports below %d need CAP_NET_BIND_SERVICE"):format(
      known.host.unprivileged_start)
  end
  if known.taken[port] then return "in use" end
  if not spec.probe then return known.doubtful[port] and "perhaps in use" or nil end
  local ok, message, errno, meaning = place.try(spec.place, port)
  if ok then return nil end
  if meaning == "in-use" then return "in use" end
  if meaning == "permission" then return ("not permitted (%s)"):format(message) end
  return nil, message, errno
end

-- ---- Preferences -----------------------------------------------------------------

local function is_client_port(host, port)
  return host.ephemeral_first ~= nil and port >= host.ephemeral_first
    and port <= host.ephemeral_last
end

-- How unwelcome a port is: 1 IANA assigned it, 2 a client may take it, 3 both.
local function score(spec, host, port)
  return (core.name(port, spec.place.proto) and 1 or 0) + (is_client_port(host, port) and 2 or 0)
end

local function compromise(spec, host, port)
  local words = {}
  local name = core.name(port, spec.place.proto)
  if name then words[1] = ("IANA assigned it (%s)"):format(name) end
  if is_client_port(host, port) then
    words[#words + 1] = ("it lies in the client range %d-%d, from which the kernel may hand it out")
      :format(host.ephemeral_first, host.ephemeral_last)
  end
  return ("%d: %s"):format(port, table.concat(words, "; "))
end

local most_compromises = 3

-- What was not to be had as it is preferred, a line each, or one for many.
local function compromises(spec, host, ports)
  local lines = {}
  for _, port in ipairs(ports) do
    if score(spec, host, port) > 0 then lines[#lines + 1] = compromise(spec, host, port) end
  end
  if #lines <= most_compromises then return lines end
  return {("%d of %d are assigned by IANA, or lie in the client range"):format(#lines, #ports)}
end

-- Iterates over the ports of a range in the order that they are wanted: from the
-- first up if it was asked for, else the most welcome first, beginning anywhere if
-- nothing was asked for, so that two who ask at once seldom get the same.
local function candidates(spec, known, first, last)
  return coroutine.wrap(function()
    if spec.upwards then
      for port = first, last do coroutine.yield(port) end
      return
    end
    local size = last - first + 1
    local start = spec.anywhere and math.random(0, size - 1) or 0
    for unwelcome = 0, 3 do
      for i = 0, size - 1 do
        local port = first + (start + i) % size
        if score(spec, known.host, port) == unwelcome then coroutine.yield(port) end
      end
    end
  end)
end

-- ---- Finding ---------------------------------------------------------------------

-- What is to be said of the ports that were found.
local function notes_of(spec, known, found, why_not_first)
  local notes = {partial = not spec.probe and known.missed ~= nil}
  if why_not_first then
    notes[1] = ("%s is %s"):format(place.text(spec.place, spec.first), why_not_first)
  end
  -- who names a port knows it
  local chosen = spec.upwards and not why_not_first and {table.unpack(found, 2)} or found
  for _, line in ipairs(compromises(spec, known.host, chosen)) do notes[#notes + 1] = line end
  if notes.partial then notes[#notes + 1] = "not tried, and " .. known.missed end
  return notes
end

-- Ports that can be bound now, `count` at most, and what is to be said of them: a list of
-- lines, with `partial` if sockets were unseen and nothing was tried; or nil, message,
-- errno. The spec: place, count, probe (try to bind), first and last of a range, upwards
-- (in order, whatever the port), anywhere (begin at any); backend, proc.
function M.find(spec)
  local known, message, errno = survey(spec, spec.first, spec.last)
  if not known then return nil, message, errno end
  local found, why_not_first = {}, nil
  for port in candidates(spec, known, spec.first, spec.last) do
    local why, trouble, number = obstacle(spec, known, port)
    if trouble then
      return nil, ("%s: %s"):format(place.text(spec.place, port), trouble), number
    end
    if not why then found[#found + 1] = port end
    if why and spec.upwards and port == spec.first then why_not_first = why end
    if #found == spec.count then break end
  end
  return found, notes_of(spec, known, found, why_not_first)
end

-- The range that a port, a range or nothing asks for, as parts of a spec.
function M.range(port)
  if port == nil then return {first = 1024, last = last_port, anywhere = true} end
  if type(port) == "table" then return {first = port.first, last = port.last} end
  return {first = port, last = last_port, upwards = true}
end

return M
