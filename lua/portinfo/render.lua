-- render.lua: what people see of rows: a table that fits the screen, with a footer that
-- says what is not in it, or a record for each. Machines get theirs from core's emit.
--
-- It asks nobody: what it has to know of the screen is in `layout`, all of it optional:
--   width    columns that a line may take
--   rows     lines of the screen: a table much longer is cut
--   more     what shows the rows that were cut, for the footer
--   ascii    the terminal is not of UTF-8
--   color    meanings get colours
--   now      the time of the clock
-- and of the question: fields (nil: what people ask first), what (tally or distinct),
-- header (false: none).

local cell = require "portinfo.cell"
local escape = require "portinfo.escape"
local fit = require "portinfo.fit"
local record = require "portinfo.record"
local schema = require "portinfo.schema"
local sight = require "portinfo.sight"
local style = require "portinfo.style"
local units = require "portinfo.units"
local width = require "portinfo.width"

local M = {}

-- What the table shows, so what it needs to be read.
M.groups = {"derived", "owner", "process"}

-- ---- Columns ---------------------------------------------------------------------

local numeric = {port = true, number = true, time = true}
local shrinking = {text = true, holders = true}

-- The least width of a column that may be cut; that of process is comm's.
local least, least_of = 8, {process = 15}

-- A column of one field.
local function of_field(name)
  local field = schema.by_name[name]
  return {
    title = name:upper(), field = field, get = cell.of, right = numeric[field.type],
    rank = field.priority == 0 and math.huge or field.priority,
    least = shrinking[field.type] and (least_of[name] or least) or nil,
  }
end

-- What a column shows that people did not ask for by name; false: another has it.
local composed = {
  laddr = {title = "LOCAL", get = cell.here}, lport = false,
  raddr = {title = "REMOTE", get = cell.there, only_used = true}, rport = false,
  process = {get = cell.holder}, user = {get = cell.users},
}

-- The fields of the schema that have a priority, in its order.
local function columns_for_people()
  local list = {}
  for _, field in ipairs(schema.fields) do
    if field.priority > 0 and composed[field.name] ~= false then
      local column = of_field(field.name)
      for key, value in pairs(composed[field.name] or {}) do column[key] = value end
      list[#list + 1] = column
    end
  end
  return list
end

-- How often a row stands there, of a tally.
local function count_column(selection)
  return {title = "COUNT", right = true, rank = 0, get = function(_, _, _, i)
    return units.count(selection:tally_at(i))
  end}
end

-- Where rows are of several namespaces, which is as much to know as the local end.
local function netns_column()
  local column = of_field "netns_name"
  column.title, column.rank = "NETNS", 1
  return column
end

local function columns_of(selection, layout)
  if not layout.fields then
    local list = columns_for_people()
    if selection:snapshot():quality().namespaces > 1 then
      table.insert(list, 1, netns_column())
    end
    return list
  end
  local list = layout.what == "tally" and {count_column(selection)} or {}
  for _, name in ipairs(layout.fields) do list[#list + 1] = of_field(name) end
  return list
end

-- Its cells, what they mean, and how wide it would like to be.
local function fill(column, rows, layout)
  local natural, meanings = width.of(column.title), {}
  for i, row in ipairs(rows) do
    local text, meaning = column.get(row, column.field, layout, i)
    natural = math.max(natural, width.of(text))
    column[i], meanings[i] = text, layout.color and meaning or nil
  end
  column.meanings, column.natural, column.width = meanings, natural, natural
  column.least = column.least and math.max(column.least, #column.title)
end

-- Does a column say the same nothing for every row?
local function is_idle(column)
  for i = 1, #column do
    if column[i] ~= "-" then return false end
  end
  return #column > 0
end

-- ---- Lines -----------------------------------------------------------------------

-- The i-th line of the table, 0 is the heading. Nothing follows the last cell.
local function line(list, i, layout)
  local parts, mark = {}, layout.ascii and "~" or "…"
  for k, column in ipairs(list) do
    local text = width.cut(i == 0 and column.title or column[i], column.width, mark)
    local pad = (" "):rep(column.width - width.of(text))
    local meaning = i == 0 and "heading" or column.meanings[i]
    if layout.color and meaning then text = style.paint(text, meaning) end
    if column.right then
      text = pad .. text
    elseif k < #list then
      text = text .. pad
    end
    parts[k] = text
  end
  return table.concat(parts, "  ") .. "\n"
end

-- How many of n rows are shown: all, up to one and a half screens; of more what one
-- screen holds, with heading, footer and the next prompt.
local function how_many(n, screen)
  if not screen or n <= screen * 3 // 2 then return n end
  return math.max(screen - 4, 1)
end

-- The rows as a table, in their order, and its footer, both as text. `about`: total and
-- unknown, as run.query gives them, and the seconds it took, if they are to be told.
function M.table(selection, layout, about)
  local rows, list = {}, {}
  for i = 1, how_many(#selection, layout.rows) do rows[i] = selection:row(i) end
  for _, column in ipairs(columns_of(selection, layout)) do
    fill(column, rows, layout)
    if not (column.only_used and is_idle(column)) then list[#list + 1] = column end
  end
  local dropped = #rows > 0 and layout.width and fit(list, layout.width) or {}
  local out = {}
  if #rows > 0 and layout.header ~= false then out[1] = line(list, 0, layout) end
  for i = 1, #rows do out[#out + 1] = line(list, i, layout) end
  return table.concat(out), M.footer(selection, layout, about, #rows, dropped)
end

-- One row as a record, with all that there is.
M.record = record.whole

-- Every row as a record, with a blank line between two, given to `put` in parts.
function M.records(selection, layout, put)
  for i = 1, #selection do
    if i > 1 then put "\n" end
    local row, count = selection:row(i), layout.what == "tally" and selection:tally_at(i)
    put(layout.fields and record.fields(row, layout.fields, count, layout)
      or record.whole(row, layout))
  end
end

-- ---- The footer ------------------------------------------------------------------

-- "3 sockets", "10 of 240 sockets", "4 values of 240 sockets", "20 of 240 sockets shown"
local function told(selection, layout, total, shown)
  local n, sockets = #selection, units.plural(total, "socket")
  local text = sockets
  if layout.what then
    text = ("%s of %s"):format(units.plural(n, "value"), sockets)
  elseif total > n then
    text = ("%s of %s"):format(units.count(n), sockets)
  end
  if shown == n then return text end
  return ("%s of %s shown"):format(units.count(shown), text)
end

-- How many rows, what was left out, what could not be seen and what would show it: each
-- remark in brackets, on lines that fit the screen.
function M.footer(selection, layout, about, shown, dropped)
  local parts = {told(selection, layout, about.total, shown)}
  if shown < #selection then parts[#parts + 1] = layout.more end
  if about.seconds then parts[#parts + 1] = units.duration(about.seconds) end
  parts[#parts + 1] = sight.read_when(selection:snapshot(), layout.now)
  if selection:undecided() > 0 then parts[#parts + 1] = sight.undecided(selection) end
  if #dropped > 0 then
    parts[#parts + 1] = "no room for " .. table.concat(dropped, ", ")
  end
  local lines = {table.concat(parts, "; ")}
  for _, list in ipairs{sight.blind_spots(selection, about.unknown),
                        sight.remedies(selection, about.unknown)} do
    table.move(list, 1, #list, #lines + 1, lines)
  end
  for i, text in ipairs(lines) do
    text = "(" .. (layout.ascii and escape(text, true) or text) .. ")"
    lines[i] = layout.width and width.wrap(text, layout.width - 1, 1, true) or text
  end
  return table.concat(lines, "\n") .. "\n"
end

-- ---- Its parts, under one name ---------------------------------------------------

M.name, M.endpoint, M.processes = cell.name, cell.endpoint, cell.processes
M.blind_spots, M.misses_rows = sight.blind_spots, sight.misses_rows
M.undecided, M.read_when = sight.undecided, sight.read_when
M.wrap, M.plural = width.wrap, units.plural

return M
