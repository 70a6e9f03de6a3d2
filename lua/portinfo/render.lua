-- render.lua: tables for people. Machines get theirs from core's emit.

local escape = require "portinfo.escape"
local schema = require "portinfo.schema"

local M = {}

-- What the table shows, so what it needs to be read.
M.groups = {"derived", "owner", "process"}

local unknown, empty = "?", "-"

-- A name that its owner chose; one that would look blank is put in quotes.
function M.name(text)
  local blank = text == "" or text:find "^ " or text:find " $"
  return blank and '"' .. escape(text) .. '"' or escape(text)
end

-- A cell: unknown and empty look different, and nothing is left blank.
local function cell(value)
  if value == nil then return unknown end
  if value == false then return empty end
  if type(value) == "table" then
    return escape(value[1]) .. (#value > 1 and " +" .. #value - 1 or "")
  end
  return M.name(tostring(value))
end

-- ADDRESS:PORT; behind the address the device that the socket is bound to, or the
-- scope of the address.
local function endpoint(address, port, iface)
  if not address then return cell(address) end
  if iface then address = address .. "%" .. escape(iface) end
  if address:find(":", 1, true) then address = "[" .. address .. "]" end
  return ("%s:%d"):format(address, port)
end

M.endpoint = endpoint

-- How many processes hold the socket; one may do so by several descriptors.
function M.processes(row)
  local pids, n = {}, 0
  for _, h in ipairs(row.holders or {}) do
    if not pids[h.pid] then n = n + 1 end
    pids[h.pid] = true
  end
  return n
end

local function holder(row)
  local name, others = cell(row.process), M.processes(row) - 1
  return others > 0 and ("%s +%d"):format(name, others) or name
end

-- The users that hold it, the main holder's first.
local function users(row)
  local seen, others = {[row.user or unknown] = true}, 0
  for _, h in ipairs(row.holders or {}) do
    local user = h.user or unknown
    if not seen[user] then others = others + 1 end
    seen[user] = true
  end
  return others > 0 and ("%s +%d"):format(cell(row.user), others) or cell(row.user)
end

-- In the order of the screen. `drop`: which go first when the screen is narrow;
-- `shrink`: the least width that a column may be cut to.
local columns = {
  {title = "PROTO", get = function(r) return r.proto end},
  {title = "STATE", drop = 6, get = function(r) return cell(r.state) end},
  {title = "LOCAL", get = function(r) return endpoint(r.laddr, r.lport, r.iface) end},
  {title = "REMOTE", get = function(r)
    local scope = r.raddr and r.raddr:find "^fe[89ab]" and r.iface
    return endpoint(r.raddr, r.rport, scope)
  end},
  {title = "ROLE", drop = 2, get = function(r) return cell(r.role) end},
  {title = "EXPOSURE", drop = 3, get = function(r) return cell(r.exposure) end},
  {title = "SERVICE", drop = 4, shrink = 8, get = function(r) return cell(r.service) end},
  {title = "PID", right = true, get = function(r) return cell(r.pid) end},
  {title = "PROCESS", shrink = 15, get = holder},
  {title = "USER", drop = 5, shrink = 6, get = users},
}

local function width(text) return utf8.len(text) or #text end

local function cut(text, room)
  if width(text) <= room then return text end
  return text:sub(1, utf8.offset(text, room) - 1) .. "…"
end

-- A column of cells, and how wide it would like to be.
local function make_column(column, rows)
  local made = {
    title = column.title, right = column.right,
    drop = column.drop, shrink = column.shrink, width = width(column.title),
  }
  for i, row in ipairs(rows) do
    made[i] = column.get(row, i)
    made.width = math.max(made.width, width(made[i]))
  end
  made.natural = made.width
  return made
end

-- Does a column say the same nothing for every row?
local function is_idle(column)
  for i = 1, #column do
    if column[i] ~= empty then return false end
  end
  return #column > 0
end

local function total_width(list)
  local total = 2 * (#list - 1)
  for _, column in ipairs(list) do total = total + column.width end
  return total
end

-- Shrinks the widest column that may; false when none can.
local function shrink_widest(list, excess)
  local widest
  for _, column in ipairs(list) do
    local can = column.shrink and column.width > math.max(column.shrink, #column.title)
    if can and (not widest or column.width > widest.width) then widest = column end
  end
  if not widest then return false end
  local least = math.max(widest.shrink, #widest.title)
  widest.width = math.max(least, widest.width - excess)
  return true
end

-- Takes out the column that is needed least; its title, or nil when all are.
local function drop_least(list)
  local at
  for i, column in ipairs(list) do
    if column.drop and (not at or column.drop < list[at].drop) then at = i end
  end
  return at and table.remove(list, at).title
end

local function fit(list, room)
  local dropped = {}
  while total_width(list) > room do
    if not shrink_widest(list, total_width(list) - room) then
      local title = drop_least(list)
      if not title then break end
      dropped[#dropped + 1] = title
    end
  end
  -- what the last column to go left over goes to those that were cut
  for _, column in ipairs(list) do
    local spare = math.max(room - total_width(list), 0)
    column.width = math.min(column.natural, column.width + spare)
  end
  return dropped
end

local function line(list, get)
  local parts = {}
  for i, column in ipairs(list) do
    local text = cut(get(column), column.width)
    local pad = (" "):rep(column.width - width(text))
    parts[i] = column.right and pad .. text or text .. pad
  end
  return (table.concat(parts, "  "):gsub(" +$", "")) .. "\n"
end

local reasons = {
  permission = "for lack of permission", hidden = "as procfs hides processes",
  vanished = "as the holder ended meanwhile",
  ["other-pid-namespace"] = "as another pid namespace may hold it",
}

local function plural(n, one, many)
  return ("%d %s"):format(n, n == 1 and one or many or one .. "s")
end

-- How the sources of a reading fell short.
local function source_lines(quality, lines)
  for _, source in ipairs(quality.sources) do
    local what = source.proto .. " over " .. source.family
    if source.backend == "none" and not source.absent then
      lines[#lines + 1] = ("%s could not be read: %s"):format(what, source.error)
    elseif source.backend == "proc" and source.error then -- asked for, it has none
      lines[#lines + 1] = ("%s was read from the proc table%s (sock_diag: %s)"):format(what,
        source.no_bound and ", which lacks bound sockets" or "", source.error)
    end
    if source.partial then
      lines[#lines + 1] = what .. " could not be read whole: rows may be missing"
    end
  end
end

local function owner_line(reason, n, quality)
  local said = ("%s unknown %s"):format(plural(n, "owner"), reasons[reason] or reason)
  if reason ~= "permission" or quality.unreadable == 0 then return said end
  return ("%s: %s could not be read"):format(said,
    plural(quality.unreadable, "process", "processes"))
end

-- What could not be seen of the selected rows, a line for each reason. `owners`:
-- how many are unknown, by reason, if it is not these rows that count.
function M.blind_spots(selection, owners)
  local lines, quality = {}, selection:snapshot():quality()
  source_lines(quality, lines)
  if not quality.processes then return lines end -- owners were not asked for
  if quality.owners_unseen then
    lines[#lines + 1] = "no process could be looked at: procfs is not there"
    return lines
  end
  local counts, order = owners or selection:unknown_owners(), {}
  for reason in pairs(counts) do order[#order + 1] = reason end
  table.sort(order)
  for _, reason in ipairs(order) do
    lines[#lines + 1] = owner_line(reason, counts[reason], quality)
  end
  return lines
end

-- Are there sockets that the sources of this reading may not have told?
function M.misses_rows(selection)
  for _, source in ipairs(selection:snapshot():quality().sources) do
    if source.partial or source.no_bound
      or source.backend == "none" and not source.absent then
      return true
    end
  end
  return false
end

-- Why rows could not be decided, in one line.
function M.undecided(selection)
  local quality = selection:snapshot():quality()
  local reason = ""
  if quality.owners_unseen then
    reason = ": no process could be looked at"
  elseif (quality.unreadable or 0) > 0 then
    reason = (": %s could not be read"):format(
      plural(quality.unreadable, "process", "processes"))
  end
  return plural(selection:undecided(), "row") .. " undecided" .. reason
end

local numeric = {port = true, number = true, time = true}

-- A column for a field that was asked for by name.
local function field_column(name)
  local field = schema.by_name[name]
  return {
    title = name:upper(), right = numeric[field.type],
    shrink = field.type == "text" and 8 or nil,
    get = function(row)
      return cell(field.type == "holders" and M.holders(row) or row[name])
    end,
  }
end

-- All holders as one text, as in TSV.
function M.holders(row)
  if not row.holders then return row.holders end
  local list = {}
  for i, h in ipairs(row.holders) do
    list[i] = ("%d/%d/%s"):format(h.pid, h.fd, h.process)
  end
  return table.concat(list, ", ")
end

-- How often a row stands there, of a tally.
local function count_column(selection)
  return {title = "COUNT", right = true, get = function(_, i)
    return tostring(selection:tally_at(i))
  end}
end

local function columns_of(selection, layout)
  if not layout.fields then return columns end
  local list = layout.what == "tally" and {count_column(selection)} or {}
  for _, name in ipairs(layout.fields) do list[#list + 1] = field_column(name) end
  return list
end

-- The rows as a table, in their order, and the lines of its footer. `layout`: width
-- (of the screen; nil: any), fields (nil: what people ask first), what (tally or
-- distinct). `about`: total and unknown, as query.run gives them.
function M.table(selection, layout, about)
  local rows = {}
  for i = 1, #selection do rows[i] = selection:row(i) end
  local list = {}
  for _, column in ipairs(columns_of(selection, layout)) do
    local made = make_column(column, rows)
    if not (column.title == "REMOTE" and is_idle(made)) then list[#list + 1] = made end
  end
  local dropped = layout.width and fit(list, layout.width) or {}
  local out = {}
  if #rows > 0 and layout.header ~= false then
    out[1] = line(list, function(column) return column.title end)
  end
  for i = 1, #rows do
    out[#out + 1] = line(list, function(column) return column[i] end)
  end
  return table.concat(out), M.footer(selection, layout.what, about, dropped)
end

-- "3 sockets", "10 of 240 sockets", "4 values of 240 sockets"
local function how_many(selection, what, total)
  if what then return ("%s of %s"):format(plural(#selection, "value"), plural(total, "socket")) end
  if total > #selection then return ("%d of %s"):format(#selection, plural(total, "socket")) end
  return plural(#selection, "socket")
end

-- How long ago, in the largest unit of which there are two at least.
local function ago(seconds)
  if seconds < 0 then return "ahead of this clock" end
  for _, unit in ipairs{{"day", 86400}, {"hour", 3600}, {"minute", 60}} do
    if seconds >= 2 * unit[2] then return plural(seconds // unit[2], unit[1]) .. " ago" end
  end
  return plural(seconds, "second") .. " ago"
end

-- When a reading that was loaded was read, and what it was asked for; nil of others.
function M.read_when(snapshot)
  if not snapshot:loaded() then return nil end
  local taken, filter = snapshot:quality().taken, snapshot:filter()
  return ("read %s, %s%s"):format(os.date("%F %T", taken), ago(os.time() - taken),
    filter and ", asked for: " .. escape(filter) or "")
end

-- How many rows, what was left out and what could not be seen: a list of lines.
function M.footer(selection, what, about, dropped)
  local parts = {how_many(selection, what, about.total)}
  parts[#parts + 1] = M.read_when(selection:snapshot())
  if selection:undecided() > 0 then parts[#parts + 1] = M.undecided(selection) end
  if #dropped > 0 then
    parts[#parts + 1] = "no room for " .. table.concat(dropped, ", ")
  end
  local lines = M.blind_spots(selection, about.unknown)
  table.insert(lines, 1, table.concat(parts, "; "))
  return lines
end

-- Lines of at most `room` columns, each but the first led by `indent` spaces.
function M.wrap(text, room, indent)
  local lines, current = {}, nil
  for word in text:gmatch "%S+" do
    if not current then
      current = word
    elseif width(current) + 1 + width(word) <= room then
      current = current .. " " .. word
    else
      lines[#lines + 1] = current
      current = word
    end
  end
  lines[#lines + 1] = current
  return table.concat(lines, "\n" .. (" "):rep(indent))
end

M.plural = plural
return M
