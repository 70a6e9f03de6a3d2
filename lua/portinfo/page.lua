-- page.lua: everything about one port on one page.

local cell = require "portinfo.cell"
local core = require "portinfo.core"
local escape = require "portinfo.escape"
local origin = require "portinfo.origin"
local relation = require "portinfo.relation"
local sight = require "portinfo.sight"
local units = require "portinfo.units"
local width = require "portinfo.width"

local M = {}

local plural = units.plural

-- ---- Data -----------------------------------------------------------------------

local function contains(list, number)
  for _, n in ipairs(list) do
    if n == number then return true end
  end
  return false
end

-- What a host does with a port; unknown facts are nil.
local function port_on_host(port, host)
  local facts = {
    ephemeral_first = host.ephemeral_first,
    ephemeral_last = host.ephemeral_last,
    unprivileged_start = host.unprivileged_start,
  }
  if host.ephemeral_first then
    facts.ephemeral = port >= host.ephemeral_first and port <= host.ephemeral_last
  end
  if host.reserved then facts.reserved = contains(host.reserved, port) end
  if host.unprivileged_start then facts.privileged = port < host.unprivileged_start end
  return facts
end

-- What this host does with a port; the host whose procfs is at `proc` (/proc).
function M.host_facts(port, proc)
  return port_on_host(port, core.host(proc) or {})
end

-- Sockets with the port on this side; processes are looked at only if there are
-- any. Returns the selection, or nil and why there is none.
local function read_now(port, options)
  local transport = options.transport
  local wanted = core.predicate_in("lport", {port})
  if transport == "dccp" then
    return nil, ("sockets of %s are not read"):format(transport)
  elseif transport then
    wanted = wanted & core.predicate_in("proto", {transport})
  end
  local snapshot, message = options.snapshot, nil
  if not snapshot then
    local ask = origin(options)
    ask.filter = wanted
    snapshot, message = core.take(ask)
  end
  if not snapshot then return nil, message end
  local selection, trouble = snapshot:pick(wanted)
  if not selection then return nil, trouble end
  if #selection > 0 then
    local done, why = snapshot:complete{"derived", "owner", "process"}
    if not done then return nil, why end
  end
  return selection:sort()
end

-- The page as data. Options: transport, backend, proc and netns, or `snapshot`, a reading
-- to ask; for tests `host` and `now` (false: do not look at sockets).
function M.data(port, options)
  local data = core.port(port, options.transport)
  data.transport = options.transport
  for _, use in ipairs(data.uses) do relation.add(use) end
  if options.now ~= false then
    data.now, data.unseen = read_now(port, options)
  end
  local host = options.host or options.snapshot and options.snapshot:host()
  -- of another namespace only a reading tells
  if options.netns and data.now then host = data.now:snapshot():host() end
  data.host = host and port_on_host(port, host) or M.host_facts(port, options.proc)
  return data
end

-- ---- Words -----------------------------------------------------------------------

local range_texts = {
  system = "System Ports 0-1023 (RFC 6335, section 6): assigned by IETF Review "
    .. "or IESG Approval, for services of the whole Internet.",
  user = "User Ports 1024-49151 (RFC 6335, section 6): assigned to whoever "
    .. "applies, by IETF Review, IESG Approval or Expert Review.",
  dynamic = "Dynamic Ports 49152-65535 (RFC 6335, section 6): never assigned, "
    .. "free for temporary and private use, so that every machine can open "
    .. "outgoing connections without asking anyone.",
}

local function join(list) return table.concat(list, ", ") end

local function span(record)
  if record.first == record.last then return "" end
  return ("%d-%d "):format(record.first, record.last)
end

local function transports_of(record)
  if #record.transports == 0 then return "no transport given" end
  return join(record.transports)
end

-- Date and reference of a record, if the registry gives them.
local function provenance(record)
  local parts = {}
  if record.registered then parts[#parts + 1] = "registered " .. record.registered end
  if record.modified then parts[#parts + 1] = "modified " .. record.modified end
  if record.references then parts[#parts + 1] = record.references end
  return #parts > 0 and " (" .. table.concat(parts, "; ") .. ")" or ""
end

-- A sentence ends with one dot, whatever the registry wrote.
local function sentence(text)
  return text:find "[.!?]$" and text or text .. "."
end

local longest_note = 120

-- What the registry notes, without the TXT keys of DNS service discovery, which
-- say nothing of the port. Notes can be pages long; the data has them whole.
local function short_note(note)
  note = note:gsub("Defined TXT keys:.*$", ""):gsub("%s*[%w-]+=<.*$", ""):gsub("%s+$", "")
  if #note <= longest_note then return note end
  return note:sub(1, longest_note):gsub("%s+%S*$", "") .. " ... (cut; --format json has all)"
end

local function describe_record(record)
  local on = span(record) .. transports_of(record)
  local text
  if record.status == "assigned" then
    if record.alias_of then
      return ("%s (%s): old spelling of %s."):format(record.name, on, record.alias_of)
    end
    text = ("%s (%s): %s"):format(record.name, on, record.description or "no description")
  elseif record.status == "generic" then
    text = ("no name (%s): %s"):format(on, record.description or "any private use")
  else
    local status = record.status == "reserved" and "reserved by IANA" or record.status
    if record.name then status = status .. ", once " .. record.name end
    text = #record.transports > 0 and ("%s: %s"):format(on, status)
      or ("%s%s, no transport given"):format(span(record), status)
  end
  text = text .. provenance(record)
  local note = record.note and short_note(record.note) or ""
  if note ~= "" then text = text .. "; " .. note end
  return sentence(text)
end

-- Where only one of TCP and UDP is listed, silence about the other would read as
-- if it were assigned, too.
local function unlisted(data, lines)
  if data.transport then return end
  local listed = {}
  for _, record in ipairs(data.records) do
    if #record.transports == 0 then return end
    for _, transport in ipairs(record.transports) do listed[transport] = true end
  end
  local missing = {}
  for _, transport in ipairs{"tcp", "udp"} do
    if not listed[transport] then missing[#missing + 1] = transport end
  end
  if #missing > 0 then lines[#lines + 1] = join(missing) .. ": not listed." end
end

local function assigned(data)
  if data.range == "dynamic" then return {"nothing, for no transport, by rule."} end
  local lines, remarks = {}, {}
  for _, record in ipairs(data.records) do
    lines[#lines + 1] = describe_record(record)
    local remark = record.unauthorized
    if remark and not remarks[remark] then
      remarks[remark] = true
      lines[#lines + 1] = sentence("IANA remarks: " .. remark)
    end
  end
  if #lines == 0 then
    local of = data.transport and "for " .. data.transport or "for any transport"
    return {("nothing: not listed %s."):format(of)}
  end
  unlisted(data, lines)
  return lines
end

local function uses(data)
  local lines = {}
  for _, use in ipairs(data.uses) do
    local text = ("%s (%s%s): %s"):format(use.software, span(use),
                                          join(use.transports), use.use)
    if use.relation == "other" and use.iana then
      text = text .. "; to IANA it is " .. (use.iana.tcp or use.iana.udp or use.iana.sctp)
    end
    lines[#lines + 1] = text .. "."
  end
  if #lines == 0 then
    lines[1] = #data.names > 0 and "as assigned; no other software is known to choose it."
      or "no software known to choose it."
  end
  return lines
end

local function risks(data)
  local lines = {}
  for _, risk in ipairs(data.risks) do
    lines[#lines + 1] = ("%s (%s, %s): %s."):format(risk.risk, risk.service,
                                                    join(risk.transports), risk.why)
  end
  return lines
end

local function browsers(data)
  local asked = data.transport == nil or data.transport == "tcp"
  if not data.blocked or not asked then return {} end
  return {"refuse http: and https: URLs with it (WHATWG Fetch, bad port)."}
end

local function on_host(data)
  local host, parts = data.host, {}
  if host.ephemeral == nil then
    parts[#parts + 1] = "the client range is not known"
  else
    parts[#parts + 1] = ("%s the client range %d-%d%s"):format(
      host.ephemeral and "inside" or "outside", host.ephemeral_first,
      host.ephemeral_last, host.ephemeral
        and ", so the kernel may hand it to an outgoing connection at any time" or "")
  end
  if host.reserved then
    parts[#parts + 1] = "reserved (ip_local_reserved_ports), so it is handed out to nobody"
  elseif host.reserved == false then
    parts[#parts + 1] = "not reserved here"
  end
  if data.number == 0 then
    parts[#parts + 1] = "cannot be bound: 0 asks the kernel for any free port"
  elseif host.privileged then
    parts[#parts + 1] = ("only root, or CAP_NET_BIND_SERVICE, may bind it (below %d)")
      :format(host.unprivileged_start)
  elseif host.privileged == false then
    parts[#parts + 1] = "any user may bind it"
  end
  return {table.concat(parts, "; ") .. "."}
end

-- ---- Now --------------------------------------------------------------------------

local function clock(time)
  local same_day = os.date("%F", time) == os.date "%F"
  return os.date(same_day and "%H:%M" or "%F %H:%M", time)
end

-- The pids of the holders behind the main one, as long as they fit a line.
local function pids_behind(row)
  local pids, seen = {}, {[row.pid] = true}
  for _, h in ipairs(row.holders) do
    if not seen[h.pid] then pids[#pids + 1] = h.pid end
    seen[h.pid] = true
  end
  if #pids > 8 then return "" end
  return (" (pid %s)"):format(join(pids))
end

local function who(row)
  if row.owner == "known" then
    local facts = {"pid " .. row.pid}
    if row.user then facts[#facts + 1] = escape(row.user) end
    if row.started then facts[#facts + 1] = "started " .. clock(row.started) end
    local via = row.via and " forwards to " .. escape(row.via) or ""
    local others = cell.processes(row) - 1
    return ("%s (%s)%s%s"):format(cell.name(row.process), join(facts), via, others > 0
      and (" and %s%s"):format(plural(others, "more process", "more processes"),
                               pids_behind(row)) or "")
  end
  local verb = row.owner == "none" and "held by nobody" or "holder unknown"
  return ("%s (%s)"):format(verb, row.why)
end

local function is_listening(row)
  return row.state == "listen" or row.role == "service"
end

local function describe_row(row)
  local text = is_listening(row) and "listening" or row.state
  if row.rport then
    text = text .. " with " .. cell.endpoint(row.raddr, row.rport, row.iface)
  end
  local here = cell.endpoint(row.laddr, row.lport, row.iface)
  return ("%s %s %s%s, %s"):format(row.proto, here, text, cell.namespace(row), who(row))
end

local most_rows = 8

-- Does the reading hold every socket there was?
local function saw_all(selection)
  return not sight.misses_rows(selection) and not selection:snapshot():filter()
end

local function now(data)
  if data.now == nil then
    return {data.unseen and "not seen: " .. data.unseen .. "." or "not looked at."}
  end
  local n, lines = #data.now, {}
  for i = 1, math.min(n, most_rows) do
    lines[i] = describe_row(data.now:row(i)) .. "."
  end
  if n == 0 then
    lines[1] = saw_all(data.now) and "no socket on it." or "no socket on it was seen."
  elseif n == 1 and saw_all(data.now) then
    lines[1] = lines[1]:sub(1, -2) .. "; no other socket on it."
  elseif n > most_rows then
    lines[#lines + 1] = ("and %s: portinfo ls lport = %d"):format(
      plural(n - most_rows, "more socket"), data.number)
  end
  for _, blind in ipairs(sight.blind_spots(data.now)) do
    lines[#lines + 1] = blind .. "."
  end
  local when = sight.read_when(data.now:snapshot())
  lines[#lines + 1] = when and "a saved reading, " .. when .. "."
  return lines
end

-- ---- The page ----------------------------------------------------------------------

local status_texts = {generic = "for any private use", reserved = "reserved by IANA"}

local function headline(data)
  local seen, names = {}, {}
  for _, record in ipairs(data.names) do
    if not seen[record.name] and not record.alias_of then
      seen[record.name] = true
      names[#names + 1] = record.name
    end
  end
  if data.range == "dynamic" then return "dynamic port, assigned to nobody" end
  if #names > 0 then
    local first = data.names[1].description
    return join(names) .. (first and " · " .. first or "")
  end
  local statuses = data.transport and {data.status[data.transport]}
    or {data.status.tcp, data.status.udp}
  for _, status in ipairs(statuses) do
    if status ~= "unassigned" then
      return ("%s port, %s"):format(data.range, status_texts[status] or status)
    end
  end
  return data.range .. " port, assigned to nobody"
end

-- What lists it elsewhere, by transport (tcp: also of both).
local tools = {
  tcp = {"Linux ss -tulnp 'sport = :%d'", "macOS lsof -nP -i :%d",
         "Windows Get-NetTCPConnection -LocalPort %d"},
  udp = {"Linux ss -uanp 'sport = :%d'", "macOS lsof -nP -iUDP:%d",
         "Windows Get-NetUDPEndpoint -LocalPort %d"},
  sctp = {"Linux ss -Sanp 'sport = :%d'"},
  dccp = {"Linux ss -danp 'sport = :%d'"},
}

local function by_hand(data)
  local lines = {}
  for i, tool in ipairs(tools[data.transport or "tcp"]) do lines[i] = tool:format(data.number) end
  return lines
end

-- A text for a terminal that is not of UTF-8.
local function plain(text) return escape((text:gsub("·", "-")), true) end

-- The page as text. Options: width (80); ascii, for a terminal that is not of UTF-8.
function M.text(data, options)
  local room = math.max((options.width or 80) - 11, 20)
  local port = data.transport and data.number .. "/" .. data.transport or data.number
  local headed = options.ascii and plain(headline(data)) or headline(data)
  local out = {("%-7s "):format(port)
    .. width.wrap(headed, math.max((options.width or 80) - 8, 20), 8)}
  local function section(label, lines)
    for i, text in ipairs(lines) do
      if options.ascii then text = plain(text) end
      local lead = i == 1 and ("%-11s"):format(label) or (" "):rep(11)
      out[#out + 1] = lead .. width.wrap(text, room, 11)
    end
  end
  section("Range", {range_texts[data.range]})
  section("Assigned", assigned(data))
  section("Used by", uses(data))
  section("Risk", risks(data))
  section("Browsers", browsers(data))
  local loaded = data.now and data.now:snapshot():loaded()
  section(loaded and "That host" or "This host", on_host(data))
  section(loaded and "Then" or "Now", now(data))
  local hands = by_hand(data)
  local together = table.concat(hands, " · ")
  section("By hand", #together <= room + 2 and {together} or hands)
  return table.concat(out, "\n") .. "\n"
end

return M
