-- record.lua: one row as lines of `field: value`, in the groups of the schema.

local cell = require "portinfo.cell"
local schema = require "portinfo.schema"
local style = require "portinfo.style"
local units = require "portinfo.units"
local width = require "portinfo.width"

local M = {}

-- Where values begin, and how much of one a screen gets.
local indent, longest = 14, 1000

-- A field that a loaded reading does not have fails, and is left out.
local function get(row, field, layout)
  local ok, text, meaning = pcall(cell.of, row, field, layout)
  if ok then return text, meaning end
  if not tostring(text):find "not in this reading" then error(text, 0) end
  return nil
end

-- More than a cell of a table has room for.
local longer = {}

function longer.several(value, layout)
  local list = {}
  for i, member in ipairs(value) do list[i] = cell.name(member, layout.ascii) end
  return table.concat(list, ", ")
end

function longer.time(value, layout)
  return ("%s (%s)"):format(os.date("%F %T", value), units.ago(layout.now - value))
end

local queue = {rxq = " (accept queue)", txq = " (limit of the accept queue)"}

local function text_of(row, field, layout)
  local text, meaning = get(row, field, layout)
  local value = text and row[field.name]
  if not value then return text, meaning end
  if type(value) == "table" and field.type == "text" then
    return longer.several(value, layout), meaning
  elseif field.type == "time" then
    return longer.time(value, layout), meaning
  elseif queue[field.name] and row.state == "listen" then
    return text .. queue[field.name], meaning
  end
  return text, meaning
end

-- A value in the columns that are left of the screen, which may be several lines; all
-- of it in one where there is no screen.
local function fold(text, meaning, layout)
  local lines, room = {text}, math.max((layout.width or 0) - indent, 2)
  if layout.width then text = width.cut(text, longest, layout.ascii and "~" or "…") end
  while layout.width and width.of(text) > room do
    lines[#lines], text = width.split(text, room)
    lines[#lines + 1] = text
  end
  lines[#lines] = text
  for i, line in ipairs(lines) do
    lines[i] = layout.color and style.paint(line, meaning) or line
  end
  return table.concat(lines, "\n" .. (" "):rep(indent))
end

local function item(name, text) return ("  %-11s %s\n"):format(name .. ":", text) end

local function heading(text, layout)
  return (layout.color and style.paint(text, "heading") or text) .. "\n"
end

-- The row's fields with these names (nil: all), each led by its name. `layout`: width,
-- ascii, color and now, as render.lua has them.
function M.of(row, names, layout)
  local out, group = {}, nil
  for _, name in ipairs(names or schema.names) do
    local field = schema.by_name[name]
    local text, meaning = text_of(row, field, layout)
    if text and field.group ~= group then
      group = field.group
      out[#out + 1] = heading(group, layout)
    end
    if text then out[#out + 1] = item(name, fold(text, meaning, layout)) end
  end
  return table.concat(out)
end

-- How often a row stands there, of a tally.
function M.count(n, layout)
  return heading("tally", layout) .. item("count", units.count(n))
end

return M
