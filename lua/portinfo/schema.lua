-- schema.lua: the fields of a row, by name and by group, and what is near a
-- misspelt one. All from the one list in portinfo.h.

local core = require "portinfo.core"

local M = {fields = core.fields(), by_name = {}, names = {}}

-- The order in which they are read.
M.groups = {"socket", "derived", "tcp_info", "owner", "process"}

-- Those that are read where everything is asked for: tcp_info is for who names it.
M.usual_groups = {"socket", "derived", "owner", "process"}
M.usual_names = {}

function M.is_usual(field) return field.group ~= "tcp_info" end

for i, field in ipairs(M.fields) do
  M.by_name[field.name] = field
  M.names[i] = field.name
  if M.is_usual(field) then table.insert(M.usual_names, field.name) end
end

function M.is_group(name)
  for _, group in ipairs(M.groups) do
    if group == name then return true end
  end
  return false
end

-- Both sides at once, in filters alone.
M.pairs = {port = {"lport", "rport"}, addr = {"laddr", "raddr"}}

-- As other tools call them.
M.aliases = {sport = "lport", dport = "rport", src = "laddr", dst = "raddr"}

-- The field with this name, or nil and what to say.
function M.find(name)
  if type(name) ~= "string" then
    return nil, ("a field has a name, not a %s"):format(type(name))
  end
  local field = M.by_name[M.aliases[name] or name]
  if field then return field end
  local near = core.nearest(name, M.names)
  if near then
    return nil, ("unknown field '%s': did you mean '%s'?"):format(name, near)
  end
  return nil, ("unknown field '%s'"):format(name)
end

-- The groups that a list of field names needs, as names.
function M.groups_of(names)
  local set, list = {}, {}
  for _, name in ipairs(names) do set[M.by_name[name].group] = true end
  for _, group in ipairs(M.groups) do
    if set[group] then list[#list + 1] = group end
  end
  return list
end

return M
