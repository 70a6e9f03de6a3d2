-- fit.lua: columns made to fit a screen. A column has a title, a width (at first its
-- natural one), a rank (the highest goes first, of the same rank the rightmost) and,
-- if it may be cut, the least width it is cut to.

local between = 2 -- spaces

local function total_width(list)
  local total = between * (#list - 1)
  for _, column in ipairs(list) do total = total + column.width end
  return total
end

-- Shrinks the widest column that may, to the width of the next; false when none can.
local function shrink_widest(list, excess)
  local widest, next_width = nil, 0
  for _, column in ipairs(list) do
    if column.least and column.width > column.least then
      if not widest or column.width > widest.width then
        widest, next_width = column, widest and widest.width or 0
      else
        next_width = math.max(next_width, column.width)
      end
    end
  end
  if not widest then return false end
  local step = math.max(math.min(excess, widest.width - next_width), 1)
  widest.width = math.max(widest.least, widest.width - step)
  return true
end

-- Takes out the column that is needed least; nil when it is the last one.
local function drop_least(list)
  local at = 1
  for i, column in ipairs(list) do
    if column.rank >= list[at].rank then at = i end
  end
  return #list > 1 and table.remove(list, at) or nil
end

-- Puts a column back where it was, among those that stand there still.
local function restore(list, column)
  local at = 1
  while list[at] and list[at].place < column.place do at = at + 1 end
  table.insert(list, at, column)
end

-- What the last column to go left over is for those that went before it, if that is
-- enough for one, and for those that were cut.
local function use_spare(list, dropped, room)
  for i = #dropped, 1, -1 do
    local column = dropped[i]
    if total_width(list) + between + column.width <= room then
      restore(list, table.remove(dropped, i))
    end
  end
  for _, column in ipairs(list) do
    local spare = math.max(room - total_width(list), 0)
    column.width = math.min(column.natural, column.width + spare)
  end
end

-- Gives the columns their widths; those that have no room are taken out of the list.
-- Returns their titles.
return function(list, room)
  local dropped, titles = {}, {}
  for i, column in ipairs(list) do column.place = i end
  while total_width(list) > room do
    if not shrink_widest(list, total_width(list) - room) then
      local column = drop_least(list)
      if not column then break end
      dropped[#dropped + 1] = column
    end
  end
  use_spare(list, dropped, room)
  if #list == 1 then list[1].width = math.min(list[1].width, room) end
  for i, column in ipairs(dropped) do titles[i] = column.title end
  return titles
end
