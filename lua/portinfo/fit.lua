-- fit.lua: columns made to fit a screen. A column has a title, a width (at first its
-- natural one), a rank (the highest goes first, of the same rank the rightmost) and,
-- if it may be cut, the least width it is cut to.

local between = 2 -- spaces

local function total_width(list)
  local total = between * (#list - 1)
  for _, column in ipairs(list) do total = total + column.width end
  return total
end

-- Shrinks the widest column that may; false when none can.
local function shrink_widest(list, excess)
  local widest
  for _, column in ipairs(list) do
    local can = column.least and column.width > column.least
    if can and (not widest or column.width > widest.width) then widest = column end
  end
  if not widest then return false end
  widest.width = math.max(widest.least, widest.width - excess)
  return true
end

-- Takes out the column that is needed least, but the last one; its title, or nil.
local function drop_least(list)
  local at = 1
  for i, column in ipairs(list) do
    if column.rank >= list[at].rank then at = i end
  end
  return #list > 1 and table.remove(list, at).title or nil
end

-- Gives the columns their widths; those that have no room are taken out of the list.
-- Returns their titles.
return function(list, room)
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
  if #list == 1 then list[1].width = math.min(list[1].width, room) end
  return dropped
end
