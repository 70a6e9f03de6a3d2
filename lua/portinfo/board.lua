-- board.lua: a watch on the screen: the table as it is, with marks at what changed, and
-- the last events below. It only makes lines; who has a terminal paints them.

local render = require "portinfo.render"
local watch = require "portinfo.watch"

local M = {}

-- For how many readings a mark stays; events that are kept for the log.
local marked_for, most_events = 3, 100

local Board = {}
Board.__index = Board

-- `title`: what is watched, safe to be shown; `layout`: as query.layout gives it.
function M.new(title, layout)
  return setmetatable({title = title, layout = layout, marks = {}, gone = {}, log = {}}, Board)
end

-- A socket is the same by its cookie, whatever became of it since; proc tables tell
-- none.
local function name_of(row) return row.cookie or row.inode or tostring(row) end

local function grow_old(list)
  for key, entry in pairs(list) do
    entry.age = entry.age + 1
    if entry.age > marked_for then list[key] = nil end
  end
end

-- Takes a reading in.
function Board:note(reading)
  grow_old(self.marks)
  grow_old(self.gone)
  self.reading = reading
  for _, place in ipairs(reading.places) do
    local event = watch.event_at(place)
    local kind, mark = event.event, watch.marks[event.event]
    if kind == "vanish" then
      self.gone[name_of(event.row)] = {age = 1, row = event.row}
    elseif kind ~= "present" and kind ~= "brief" then
      self.marks[name_of(event.row)] = {age = 1, mark = mark}
    end
    if kind ~= "present" then
      table.insert(self.log, 1, ("%s %s"):format(os.date("%T", event.time), tostring(event)))
    end
  end
  for i = #self.log, most_events + 1, -1 do self.log[i] = nil end
end

-- The rows that are there and, behind them, those that were just now: what
-- render.table takes for a selection.
local function joined(selection, gone)
  local rows = {}
  for i = 1, #selection do rows[i] = selection:row(i) end
  for _, entry in pairs(gone) do rows[#rows + 1] = entry.row end
  return setmetatable({
    row = function(_, i) return rows[i] end,
    undecided = function() return selection:undecided() end,
    unknown_owners = function() return selection:unknown_owners() end,
    snapshot = function() return selection:snapshot() end,
  }, {__len = function() return #rows end}), rows
end

local function split(text)
  local lines = {}
  for line in text:gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
  return lines
end

function Board:mark_of(row, i)
  if i > #self.reading.selection then return watch.marks.vanish end
  local entry = self.marks[name_of(row)]
  return entry and entry.mark or " "
end

-- Where not even the ends of a connection fit: the least that tells sockets apart.
local narrow, least_fields = 48, {"lport", "state", "process"}

-- The table, `width` wide; its lines begin with a mark.
function Board:table(width)
  local reading, layout = self.reading, {}
  for name, value in pairs(self.layout) do layout[name] = value end
  layout.width = math.max(width - 2, 18)
  if width < narrow and not layout.fields then layout.fields = least_fields end
  local selection, rows = joined(reading.selection, self.gone)
  local lines = split((render.table(selection, layout, reading.about)))
  local out = {}
  for i, line in ipairs(lines) do
    local row = i - (#lines - #rows) -- behind a heading, if there is one
    out[i] = (row > 0 and self:mark_of(rows[row], row) or " ") .. " " .. line
  end
  return out
end

local function cut(line, width, ascii)
  local length = utf8.len(line)
  if not length or length <= width then return line end
  return line:sub(1, utf8.offset(line, width) - 1) .. (ascii and ">" or "…")
end

-- As many of the lines as there is room for, and how many there are besides.
local function some(list, room, what)
  if #list <= room then return list end
  local out = table.move(list, 1, math.max(room - 1, 0), 1, {})
  if room > 0 then out[#out + 1] = ("  and %d more %s"):format(#list - #out, what) end
  return out
end

-- The screen, `height` lines of at most `width` characters.
function Board:lines(width, height)
  local reading = self.reading
  local sum = ("%s, %s"):format(render.plural(#reading.selection, "socket"),
                                os.date("%T", reading.time))
  if reading.selection:undecided() > 0 then
    sum = ("%s, %d undecided"):format(sum, reading.selection:undecided())
  end
  local log_room = math.min(#self.log, math.max(height // 3, 1))
  local out = {sum .. "  " .. self.title, ""}
  local log = some(self.log, log_room, "events")
  local room = math.max(height - #out - (#log > 0 and #log + 1 or 0), 1)
  local body = some(self:table(width), room, "rows")
  table.move(body, 1, #body, #out + 1, out)
  if #log > 0 then
    out[#out + 1] = ""
    table.move(log, 1, #log, #out + 1, out)
  end
  for i = #out, height + 1, -1 do out[i] = nil end
  for i, line in ipairs(out) do out[i] = cut(line, width, self.layout.ascii) end
  return out
end

return M
