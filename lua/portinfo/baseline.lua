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
local entry = require "portinfo.entry"
local range = require "portinfo.range"
local rule = require "portinfo.rule"
local ruleset = require "portinfo.ruleset"

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
local function add_holder(made, row)
  local exe, process, user = get(row, "exe"), get(row, "process"), get(row, "user")
  local unit = get(row, "unit")
  if get(row, "owner") == "none" then
    made.owner = "none"
  elseif unit and unit:find "%.service$" then
    -- other units are called after a session or a container, and not the same again
    made.unit, made.user = literal(unit), user and literal(user) or nil
  elseif exe then
    made.exe, made.user = program(exe), user and literal(user) or nil
  elseif process then
    made.process, made.user = literal(process), user and literal(user) or nil
  else
    -- of whom nothing is known, nothing else may be held
    made.uid = row.uid or nil
    made.owner = not made.uid and "unknown" or nil
  end
end

-- The entry that a row fits today and after its restart. A port that the kernel chose is
-- another one then.
function M.entry(row)
  local made = {proto = row.proto, exposure = row.exposure or nil}
  if row.ephemeral and row.autobound ~= false then
    made.ephemeral = true
  else
    made.lport, made.protocol = row.lport or nil, row.protocol or nil
  end
  add_holder(made, row)
  return made
end

-- ---- Text ------------------------------------------------------------------------

local head = [[
-- What portinfo audit found, and is held to be known: portinfo audit --baseline FILE
-- reports only what is not in here. An entry is a filter; it may have a reason, and the
-- last day on which it holds: {..., reason = "why it may be", expires = "2027-06-30"}.
return {
  baseline = 1,
]]

-- Each filter once, ports by their number. The first of several stays: it may have a reason.
local function sorted(entries)
  local list, seen = {}, {}
  for _, one in ipairs(entries) do
    local key = entry.filter_text(one)
    if not seen[key] then
      seen[key] = true
      local port = type(one) == "table" and math.tointeger(one.lport)
      list[#list + 1] = {
        text = entry.text(one), key = key, lport = port or 65536,
        proto = tostring(type(one) == "table" and one.proto or "~"),
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
    out[#out + 1] = ("  %s = {\n"):format(entry.key(id))
    for _, one in ipairs(sorted(held[id])) do
      out[#out + 1] = ("    %s,\n"):format(one.text)
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
      held[id] = rule.is_entry(entries) and {entries} or entries
    end
  end
  return held
end

-- A copy of a value without metatables: what those do is not watched any more. It is a tree,
-- whatever holds what; `room` counts the members that it may still have, and is below 0 where
-- that is too few, as for a table within itself.
local deepest, most_members = 8, 500000

local function plain(value, depth, room)
  if type(value) ~= "table" or range.is_range(value) then return value end
  local copy = {}
  if depth > deepest then room.left = -1 end
  for key, member in next, value do
    room.left = room.left - 1
    if room.left < 0 then break end
    copy[plain(key, depth + 1, room)] = plain(member, depth + 1, room)
  end
  return copy
end

-- What a source {name, text} holds: {id = {entry...}} as written; or nil and what is wrong.
function M.parse(source)
  local value, message = confine.run(source, ruleset.load_seconds)
  if value ~= nil then
    local room = {left = most_members}
    local copy = plain(value, 1, room)
    if room.left >= 0 then return check(copy, source) end
    return complain(source, nil, "its tables are too large or too deep for a baseline, "
      .. "or hold themselves")
  end
  return nil, message and ruleset.message_of(message, source.name)
    or source.name .. ": it returns nothing"
end

-- A program whose file was replaced while it runs still fits.
local function widen(one)
  if type(one) ~= "table" or type(one.exe) ~= "string" then return one end
  local copy = rule.plain(one)
  copy.exe = {one.exe, one.exe .. " (deleted)"}
  return copy
end

-- The filters among entries, and the texts of `absent` ones.
local function part(entries)
  local filters, absent = {}, {}
  for _, one in ipairs(entries) do
    if type(one) == "table" and one.absent then
      absent[tostring(one.absent)] = true
    else
      filters[#filters + 1] = widen(one)
    end
  end
  return filters, absent
end

local function is_kept(one)
  return type(one) == "table" and (one.reason ~= nil or one.expires ~= nil)
end

-- Entries that somebody gave a reason or a day, which then does not count: what they
-- hold is not to be written a second time.
function M.kept(held)
  local kept = {}
  for id, entries in pairs(held) do
    local list = {}
    for _, one in ipairs(entries) do
      if is_kept(one) then
        list[#list + 1] = entry.bare(one)
      end
    end
    kept[id] = list
  end
  return kept
end

-- Entries ready to be tested: {id = {entries = those of rule.lua, absent = set of texts}};
-- or nil and what is wrong.
function M.build(held, source)
  local built = {}
  for id, entries in pairs(held) do
    local filters, absent = part(entries)
    local ok, list = pcall(rule.entries_of, filters, "baseline", id)
    if not ok then
      if not rule.is_complaint(list) then error(list, 0) end
      return complain(source, list.word, "%s", tostring(list))
    end
    local n = 0
    for _, one in ipairs(entries) do -- as they were written
      if not (type(one) == "table" and one.absent) then
        n = n + 1
        list[n].text = entry.filter_text(one)
      end
    end
    built[id] = {entries = list, absent = absent}
  end
  return built
end

-- The entries of a source as plain data, if all of them can be tested; or nil and what is
-- wrong.
function M.check(source)
  local held, message = M.parse(source)
  if not held then return nil, message end
  local built, trouble = M.build(held, source)
  if not built then return nil, trouble end
  return entry.plain(held)
end

-- What is to be in a file: what was found now, what somebody gave a reason or a day
-- before, and all that was there of rules that were not `judged`, a set.
function M.merge(found, before, judged)
  local merged = {}
  for id, entries in pairs(before) do
    merged[id] = {}
    for _, one in ipairs(entries) do
      if is_kept(one) or not judged[id] then table.insert(merged[id], one) end
    end
  end
  for id, entries in pairs(found) do
    merged[id] = merged[id] or {}
    table.move(entries, 1, #entries, #merged[id] + 1, merged[id])
  end
  return merged
end

return M
