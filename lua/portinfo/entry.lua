-- entry.lua: entries of rules and baselines as Lua, as somebody would write them: filters
-- as tables or text, with a reason and a day.

local predicate = require "portinfo.predicate"
local range = require "portinfo.range"

local M = {}

-- The filter of an entry that is a table: without what people added to it.
function M.bare(entry)
  local bare = {}
  for name, value in next, entry do bare[name] = value end
  bare.reason, bare.expires = nil, nil
  return bare
end

local order = {
  "proto", "exposure", "lport", "protocol", "ephemeral", "unit", "exe", "process", "user", "uid",
  "owner", "absent", "reason", "expires",
}
local placed = {}
for i, name in ipairs(order) do placed[name] = i end

-- A Lua string that shows every byte which is not plain.
function M.quote(text)
  return '"' .. text:gsub('[%c"\\\x7f-\xff]', function(c)
    return (c == '"' or c == "\\") and "\\" .. c or ("\\x%02x"):format(c:byte())
  end) .. '"'
end

local text_of

-- Entries are finite and flat enough: predicate.build has been through them.
local function list_text(list)
  local parts = {}
  for i, member in ipairs(list) do parts[i] = text_of(member) end
  return table.concat(parts, ", ")
end

local function names_of(entry)
  local names = {}
  for name in next, entry do
    if type(name) == "string" then names[#names + 1] = name end
  end
  table.sort(names, function(a, b)
    local x, y = placed[a] or 100, placed[b] or 100
    if x ~= y then return x < y end
    return a < b
  end)
  return names
end

local reserved = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or
  repeat return then true until while]]):gmatch "%l+" do
  reserved[word] = true
end

-- As a key of a table.
function M.key(name)
  if name:find "^[%a_][%w_]*$" and not reserved[name] then return name end
  return "[" .. M.quote(name) .. "]"
end

-- A value in one line, the members of a table always in the same order.
function text_of(value)
  if type(value) == "string" then return M.quote(value) end
  if range.is_range(value) then return ("pi.range(%d, %d)"):format(value.first, value.last) end
  if predicate.is_predicate(value) then return M.quote(value:text() or "?") end
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  if #value > 0 then parts[1] = list_text(value) end
  for _, name in ipairs(names_of(value)) do
    parts[#parts + 1] = ("%s = %s"):format(M.key(name), text_of(value[name]))
  end
  return "{" .. table.concat(parts, ", ") .. "}"
end

-- An entry as it was written.
M.text = text_of

-- An entry without values that are more than plain: ranges and predicates as text.
function M.plain(value)
  if range.is_range(value) then return tostring(value) end
  if predicate.is_predicate(value) then return (assert(value:text())) end
  if type(value) ~= "table" then return value end
  local copy = {}
  for key, member in next, value do copy[key] = M.plain(member) end
  return copy
end

-- The same without what people added, and filters of text as they are: for reports.
function M.filter_text(entry)
  if type(entry) == "string" then return entry end
  if type(entry) ~= "table" or range.is_range(entry) then return text_of(entry) end
  local bare = M.bare(entry)
  if #bare == 1 and next(bare, 1) == nil and type(bare[1]) == "string" then return bare[1] end
  return text_of(bare)
end

return M
