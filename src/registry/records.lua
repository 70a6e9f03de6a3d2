-- records.lua: the records of the registry, as data/registry.tsv keeps them.
--
-- A record is a table of strings named by M.columns; a record without a port
-- has first and last "". While records are collected, `transports` holds one
-- transport or ""; M.merge joins records that differ in nothing else.
-- Used by data/join.lua and by refresh.lua.

local M = {}

M.columns = {
  "first", "last", "transports", "status", "name", "description", "assignee",
  "registered", "modified", "references", "alias_of", "note", "unauthorized",
}

local TRANSPORTS = { "tcp", "udp", "sctp", "dccp" }

-- The registry hides mail addresses as user&host or user@host.
local ADDRESS = "[%w%._%-+]+[@&][%w%-]+%.[%w%.%-]*%w"

-- Text as it is kept: no mail address, no control character, one space for any
-- white space.
function M.clean(text)
  text = text:gsub("<%s*" .. ADDRESS .. "%s*>", ""):gsub(ADDRESS, "")
  text = text:gsub("%s+", " "):gsub("[\0-\31\127]", "")
  text = text:gsub("\xC2[\x80-\x9F]", "")
  return (text:gsub("^ ", ""):gsub(" $", ""))
end

-- "An alias to" and "a replacement for" come in pairs; the alias keeps the
-- fact in a column of its own, and the replacement needs no remark.
local REPLACEMENT =
  "%s*IANA assigned this well%-formed service name as a replacement for .*$"

function M.description(text)
  return M.clean((text:gsub(REPLACEMENT, "")))
end

function M.alias_of(note)
  return note:match('This entry is an alias to "([^"]+)"') or ""
end

-- The words that IANA used for each state when a port has no service name.
local STATES = {
  { "^%(?unassigned", "unassigned" },
  { "^possibly used", "unassigned" },
  { "^reserved", "reserved" },
  { "^iana reserved", "reserved" },
  { "^any private", "generic" },
  { "^de%-?registered", "de-assigned" },
  { "^removed", "de-assigned" },
  { "^deprecated", "de-assigned" },
  { "^de%-?com", "de-assigned" },
}

function M.status(name, description)
  local text = description:lower()
  -- 14001/udp kept its name when it was taken back
  if name ~= "" then
    return text:find "^de%-?registered" and "de-assigned" or "assigned"
  end
  for _, state in ipairs(STATES) do
    if text:find(state[1]) then return state[2] end
  end
  return "reserved"  -- never call a port free without a word for it
end

-- A new record; what `fields` leaves out is "".
function M.new(fields)
  local record = {}
  for _, column in ipairs(M.columns) do
    record[column] = fields[column] or ""
  end
  return record
end

local function key(record)
  local cells = {}
  for i, column in ipairs(M.columns) do
    cells[i] = column == "transports" and "" or record[column]
  end
  return table.concat(cells, "\t")
end

local function join_transports(set)
  local list = {}
  for _, transport in ipairs(TRANSPORTS) do
    if set[transport] then list[#list + 1] = transport end
  end
  return #list > 0 and table.concat(list, ",") or "any"
end

-- Joins records that differ in transport alone, and sorts them: by first, by
-- last, then as the registry has them; names without a port last, by name.
function M.merge(records)
  local merged, order, sets = {}, {}, {}
  local row_of, latest = {}, {}
  for _, record in ipairs(records) do
    local transport = record.transports
    -- "any" is a fact of its own and joins no named transport
    local k = key(record) .. (transport == "" and "\tany" or "")
    local place = record.first .. "-" .. record.last .. "/" .. transport
    local row = row_of[k]
    -- joining a row that stands before the latest of this transport would turn
    -- the order of its names round
    if not row or order[row] < (latest[place] or 0) then
      row = record
      row_of[k] = row
      merged[#merged + 1] = row
      order[row] = #merged
      sets[row] = {}
    end
    sets[row][transport] = true
    latest[place] = order[row]
  end
  for _, record in ipairs(merged) do
    record.transports = join_transports(sets[record])
  end

  local function rank(record)
    return tonumber(record.first) or 65536, tonumber(record.last) or 65536
  end
  table.sort(merged, function(a, b)
    local a1, a2 = rank(a)
    local b1, b2 = rank(b)
    if a1 ~= b1 then return a1 < b1 end
    if a2 ~= b2 then return a2 < b2 end
    if a1 == 65536 and a.name ~= b.name then return a.name < b.name end
    return order[a] < order[b]
  end)
  return merged
end

-- The records as text, below the lines of `preamble`.
function M.format(preamble, records)
  local lines = {}
  for _, line in ipairs(preamble) do lines[#lines + 1] = "# " .. line end
  lines[#lines + 1] = table.concat(M.columns, "\t")
  for _, record in ipairs(records) do
    local cells = {}
    for i, column in ipairs(M.columns) do cells[i] = record[column] end
    lines[#lines + 1] = table.concat(cells, "\t")
  end
  lines[#lines + 1] = ""
  return table.concat(lines, "\n")
end

-- Reads what M.format wrote: the records and the date of the preamble.
-- Returns nil and a message for anything else.
function M.read(path)
  local file <close>, message = io.open(path, "rb")
  if not file then return nil, message end
  local date, header
  local records = {}
  for line in file:lines() do
    if line:find "^#" then
      date = date or line:match "^# date: (%d%d%d%d%-%d%d%-%d%d)$"
    elseif not header then
      header = line
      if header ~= table.concat(M.columns, "\t") then
        return nil, path .. ": not a table of the registry"
      end
    else
      local record, i = {}, 0
      for cell in (line .. "\t"):gmatch "([^\t]*)\t" do
        i = i + 1
        if M.columns[i] then record[M.columns[i]] = cell end
      end
      if i ~= #M.columns then
        return nil, ("%s: a row of %d columns"):format(path, i)
      end
      records[#records + 1] = record
    end
  end
  if not header or not date then
    return nil, path .. ": no header or no date"
  end
  return records, date
end

return M
