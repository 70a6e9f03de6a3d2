-- baseline.lua: findings that are held to be known, in a file that people read and edit.
-- It returns a table of entries, as those of `allow`, for each rule:
--
--   return {
--     baseline = 1,
--     ["new-listener"] = {
--       {proto = "tcp", exposure = "wildcard", lport = 22, exe = "/usr/sbin/sshd",
--        user = "root", reason = "how we get in", expires = "2027-06-30"},
--     },
--   }
--
-- What an entry is made of survives restarts: no process, inode or remote port.

local confine = require "portinfo.confine"
local rule = require "portinfo.rule"

local M = {}

-- ---- Entries ---------------------------------------------------------------------

-- What is not in a reading is as unknown as what could not be seen.
local function get(row, name)
  local ok, value = pcall(function() return row[name] end)
  if ok then return value end
  return nil
end

-- Text for a filter, in which * ? [ would mean more than themselves.
local function literal(text) return (text:gsub("[%*%?%[]", "[%0]")) end

-- A program that was replaced while it runs is the same after its restart.
local function program(exe)
  local path = exe:gsub(" %(deleted%)$", "")
  return literal(path)
end

-- Who holds it, by what lasts longest of what is seen.
local function add_holder(entry, row)
  local exe, process, user = get(row, "exe"), get(row, "process"), get(row, "user")
  if get(row, "owner") == "none" then
    entry.owner = "none"
  elseif exe then
    entry.exe, entry.user = program(exe), user and literal(user) or nil
  elseif process then
    entry.process, entry.user = literal(process), user and literal(user) or nil
  else
    entry.uid = row.uid or nil
  end
end

-- The entry that a row fits today and after its restart. A port that the kernel chose is
-- another one then.
function M.entry(row)
  local entry = {proto = row.proto, exposure = row.exposure or nil}
  if row.ephemeral and row.autobound ~= false then
    entry.ephemeral = true
  else
    entry.lport = row.lport
  end
  add_holder(entry, row)
  return entry
end

-- ---- Text ------------------------------------------------------------------------

local order = {
  "proto", "exposure", "lport", "ephemeral", "exe", "process", "user", "uid", "owner", "absent",
  "reason", "expires",
}
local placed = {}
for i, name in ipairs(order) do placed[name] = i end

-- A Lua string that shows every byte which is not plain.
local function quote(text)
  return '"' .. text:gsub('[%c"\\\x80-\xff]', function(c)
    return (c == '"' or c == "\\") and "\\" .. c or ("\\x%02x"):format(c:byte())
  end) .. '"'
end

local function value_text(value)
  if type(value) == "string" then return quote(value) end
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for i, member in ipairs(value) do parts[i] = value_text(member) end
  return "{" .. table.concat(parts, ", ") .. "}"
end

local function is_name(text) return text:find "^[%a_][%w_]*$" ~= nil end

-- An entry in one line, its members always in the same order.
function M.text_of(entry)
  local names, parts = {}, {}
  for name in pairs(entry) do
    if type(name) == "string" then names[#names + 1] = name end
  end
  table.sort(names, function(a, b)
    local x, y = placed[a] or 100, placed[b] or 100
    if x ~= y then return x < y end
    return a < b
  end)
  for _, member in ipairs(entry) do parts[#parts + 1] = value_text(member) end
  for _, name in ipairs(names) do
    local key = is_name(name) and name or "[" .. quote(name) .. "]"
    parts[#parts + 1] = ("%s = %s"):format(key, value_text(entry[name]))
  end
  return "{" .. table.concat(parts, ", ") .. "}"
end

-- The same without what people added: two entries of one key are one.
function M.key_of(entry)
  local bare = {}
  for name, value in pairs(entry) do
    if name ~= "reason" and name ~= "expires" then bare[name] = value end
  end
  return M.text_of(bare)
end

local head = [[
-- What portinfo audit found, and is held to be known: portinfo audit --baseline FILE
-- reports only what is not in here. An entry is a filter; it may have a reason, and the
-- last day on which it holds: {..., reason = "why it may be", expires = "2027-06-30"}.
return {
  baseline = 1,
]]

-- Of each port once, ports by their number.
local function sorted(entries)
  local list, seen = {}, {}
  for _, entry in ipairs(entries) do
    local key = M.key_of(entry)
    if not seen[key] then
      seen[key] = true
      list[#list + 1] = {
        text = M.text_of(entry), key = key, proto = tostring(entry.proto or "~"),
        lport = math.type(entry.lport) == "integer" and entry.lport or 65536,
      }
    end
  end
  table.sort(list, function(a, b)
    if a.lport ~= b.lport then return a.lport < b.lport end
    if a.proto ~= b.proto then return a.proto < b.proto end
    return a.key < b.key
  end)
  return list
end

-- The file for {id = {entry...}}, and how many entries it has.
function M.text(held)
  local ids, out, count = {}, {head}, 0
  for id, entries in pairs(held) do
    if #entries > 0 then ids[#ids + 1] = id end
  end
  table.sort(ids)
  for _, id in ipairs(ids) do
    out[#out + 1] = ("  [%s] = {\n"):format(quote(id))
    for _, entry in ipairs(sorted(held[id])) do
      out[#out + 1] = ("    %s,\n"):format(entry.text)
      count = count + 1
    end
    out[#out + 1] = "  },\n"
  end
  out[#out + 1] = "}\n"
  return table.concat(out), count
end

-- ---- Files -----------------------------------------------------------------------

local function complain(source, word, format, ...)
  local text = source.text
  local at = word and text:find(word, 1, true) or 1
  local line = select(2, text:sub(1, at):gsub("\n", "\n")) + 1
  return nil, ("%s:%d: %s"):format(source.name, line, format:format(...))
end

local function check(value, source)
  if type(value) ~= "table" or value.baseline == nil then
    return complain(source, nil, "this is no baseline: it does not say baseline = 1")
  end
  if value.baseline ~= 1 then
    return complain(source, "baseline", "a baseline of version %s: this program knows 1",
      tostring(value.baseline))
  end
  local held = {}
  for id, entries in pairs(value) do
    if id ~= "baseline" then
      if type(id) ~= "string" or type(entries) ~= "table" then
        return complain(source, tostring(id), "a baseline has a list of entries for each rule, "
          .. "not '%s'", tostring(id))
      end
      held[id] = entries
    end
  end
  return held
end

-- What a source {name, text} holds: {id = {entry...}} as written; or nil and what is wrong.
function M.parse(source)
  local value, message = confine.run(source.text, source.name, confine.environment ".", 2)
  if value == nil then
    return nil, type(message) == "string" and message:match "^[^\n]*"
      or source.name .. ": it returns nothing"
  end
  return check(value, source)
end

-- A program whose file was replaced while it runs still fits.
local function widen(entry)
  if type(entry) ~= "table" or type(entry.exe) ~= "string" then return entry end
  local copy = {}
  for name, value in pairs(entry) do copy[name] = value end
  copy.exe = {entry.exe, entry.exe .. " (deleted)"}
  return copy
end

-- Entries of rules, ready to be tested: {id = {entries}} of rule.lua, where `absent` ones
-- have a text alone; or nil and what is wrong.
function M.build(held, source)
  local built = {}
  for id, entries in pairs(held) do
    local filters, absent = {}, {}
    for _, entry in ipairs(entries) do
      if type(entry) == "table" and entry.absent then
        absent[tostring(entry.absent)] = true
      else
        filters[#filters + 1] = widen(entry)
      end
    end
    local ok, list = pcall(rule.entries_of, filters, "baseline", id)
    if not ok then
      if not rule.is_complaint(list) then error(list, 0) end
      return complain(source, list.word, "%s", tostring(list))
    end
    built[id] = {entries = list, absent = absent}
  end
  return built
end

-- Adds entries that somebody gave a reason or a day to what was found now.
function M.merge(found, before)
  for id, entries in pairs(before) do
    local list, at = found[id] or {}, {}
    for i, entry in ipairs(list) do at[M.key_of(entry)] = i end
    for _, entry in ipairs(entries) do
      if type(entry) == "table" and (entry.reason or entry.expires) then
        list[at[M.key_of(entry)] or #list + 1] = entry
      end
    end
    found[id] = list
  end
  return found
end

return M
