-- pin.lua: the pinned probe as people are told of it; of what core.pin_status gives.

local escape = require "portinfo.escape"

local M = {}

function M.readers(pin)
  return pin.group and "root and members of group " .. escape(pin.group) or "root alone"
end

-- Why we cannot use what is installed, and what would help; nil if we can.
function M.obstacle(pin)
  local group = pin.group and escape(pin.group)
  if not pin.readable then
    return group
      and ("it is for members of group %s: sudo usermod -aG %s USER, then log in anew"):format(
        group, group)
      or "it is for root alone: sudo portinfo probe install --group NAME"
  end
  if pin.version and pin.version ~= pin.ours then
    return ("this program reads version %d: sudo portinfo probe install%s"):format(
      pin.ours, group and " --group " .. group or "")
  end
end

-- By us: is there one that we can read, for sure?
function M.usable(pin)
  return pin.installed == true and M.obstacle(pin) == nil
end

return M
