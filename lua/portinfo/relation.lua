-- relation.lua: how the use of a port compares with the registry's word on it.

local core = require "portinfo.core"

local M = {}

local function letters(text) return (text:lower():gsub("[^a-z0-9]", "")) end

-- Do two names mean one thing, as far as spelling tells: rmi and rmiregistry?
local function alike(a, b)
  a, b = letters(a), letters(b)
  if #a < 3 or #b < 3 then return a == b end
  return a:find(b, 1, true) ~= nil or b:find(a, 1, true) ~= nil
end

-- Words of a software's name that say nothing about which one it is.
local common = {http = true, https = true, server = true, event = true}

local function is_same(use, name)
  if alike(use.id, name) and not common[name] then return true end
  for word in use.software:lower():gmatch "[%w-]+" do
    if #word > 2 and not common[word] and alike(word, name) then return true end
  end
  return false
end

-- One port and transport: the state, and the names that IANA assigned.
local function compare(use, port, transport)
  local facts = core.port(port, transport)
  local status = facts.status[transport]
  if status ~= "assigned" then return status, status end
  local names, relation = {}, "other"
  for i, record in ipairs(facts.names) do
    names[i] = record.name
    if is_same(use, record.name) then
      relation = "same"
    elseif relation == "other" and record.name:find "%-alt$" then
      relation = "generic"  -- http-alt: an alternative, for whoever wants one
    end
  end
  return relation, table.concat(names, ",")
end

-- Sets use.relation: same (IANA assigned the port to it, by name), other (to
-- something else), unassigned, reserved, de-assigned, generic (for any use of a
-- kind), dynamic, or mixed (differs within the range or between transports); and
-- use.iana, the registry's names or state by transport, of a single port.
function M.add(use)
  local relation, iana = nil, {}
  for port = use.first, use.last do
    for _, transport in ipairs(use.transports) do
      local one, word = compare(use, port, transport)
      iana[transport] = word
      if relation and relation ~= one then relation = "mixed" end
      relation = relation or one
    end
    if relation == "mixed" then break end
  end
  use.relation = relation
  if use.first == use.last then use.iana = iana end
  return use
end

return M
