-- record.lua: one row as lines of `field: value`, in the groups of the schema.

local cell = require "portinfo.cell"
local schema = require "portinfo.schema"
local style = require "portinfo.style"
local units = require "portinfo.units"
local width = require "portinfo.width"

local M = {}

-- Where values begin, behind the longest name, and how much of one a screen gets: columns.
local lead, longest = 0, 1000
for _, field in ipairs(schema.fields) do lead = math.max(lead, #field.name + 2) end

-- A field that a loaded reading does not have fails, and is left out.
local function get(row, field, layout)
  local ok, text, meaning = pcall(cell.of, row, field, layout)
  if ok then return text, meaning end
  if not tostring(text):find "not in this reading" then error(text, 0) end
  return nil
end

-- A record has room for more than a table.
local longer = {}

function longer.text(_, value, layout)
  if type(value) == "string" then return cell.name(value, layout.ascii) end
  local list = {}
  for i, member in ipairs(value) do list[i] = cell.name(member, layout.ascii) end
  return table.concat(list, ", ")
end

function longer.time(_, value, layout)
  return ("%s (%s)"):format(os.date("%F %T", value), units.ago(layout.now - value))
end

local queues = {rxq = "accept queue", txq = "limit of the accept queue"}

function longer.number(text, value, _, field, row)
  if field.unit ~= "B" then return text end
  if row.state == "listen" then return ("%s (%s)"):format(text, queues[field.name]) end
  return value >= 1024 and ("%s (%s bytes)"):format(text, units.count(value)) or text
end

local function text_of(row, field, layout)
  local text, meaning = get(row, field, layout)
  local value, more = text and row[field.name], longer[field.type]
  if not value or not more then return text, meaning end
  return more(text, value, layout, field, row), meaning
end

-- A line's worth of a text that is longer, up to a space if there is one, and the rest.
local function split_line(text, room)
  local first, rest = width.split(text, room)
  local words, word = first:match "^(.*%S) ([^ ]*)$"
  if rest:sub(1, 1) == " " then return first, rest:sub(2) end
  if words then return words, word .. rest end
  return first, rest
end

-- A value in the columns that are left of the screen, which may be several lines; all
-- of it in one where there is no screen. `margin`: columns before the name.
local function fold(text, meaning, layout, margin)
  if layout.width then text = width.cut(text, longest, layout.ascii and "~" or "…") end
  local lines, indent = {}, margin + lead
  local room = layout.width and math.max(layout.width - indent, 2) or math.huge
  while width.of(text) > room do
    lines[#lines + 1], text = split_line(text, room)
  end
  lines[#lines + 1] = text
  for i, line in ipairs(lines) do
    lines[i] = layout.color and style.paint(line, meaning) or line
  end
  return table.concat(lines, "\n" .. (" "):rep(indent))
end

local function item(name, text)
  return ("%-" .. lead .. "s%s\n"):format(name .. ":", text)
end

-- The fields of a row that are usual, and those that were read on request.
local function fields_of(row)
  local list, read = {}, {}
  for name in pairs(row) do read[name] = true end
  for _, field in ipairs(schema.fields) do
    if read[field.name] or schema.is_usual(field) then list[#list + 1] = field end
  end
  return list
end

-- All that there is of a row, in the groups of the schema. `layout`: width, ascii,
-- color and now, as render.lua has them.
function M.whole(row, layout)
  local out, group = {}, nil
  for _, field in ipairs(fields_of(row)) do
    local text, meaning = text_of(row, field, layout)
    if text and field.group ~= group then
      group = field.group
      out[#out + 1] = (layout.color and style.paint(group, "heading") or group) .. "\n"
    end
    if text then out[#out + 1] = "  " .. item(field.name, fold(text, meaning, layout, 2)) end
  end
  return table.concat(out)
end

-- The fields with these names, in their order; led by how often the row stands there,
-- of a tally.
function M.fields(row, names, count, layout)
  local out = {count and item("count", units.count(count)) or nil}
  for _, name in ipairs(names) do
    local text, meaning = text_of(row, schema.by_name[name], layout)
    out[#out + 1] = item(name, fold(text or "?", meaning, layout, 0))
  end
  return table.concat(out)
end

return M
