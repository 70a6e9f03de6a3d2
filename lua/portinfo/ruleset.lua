-- ruleset.lua: the rules of an audit, from files and from those that are built in. A
-- source is {name, text} of a file, {builtin = {id...}}, or {value} that a program made.

local core = require "portinfo.core"
local confine = require "portinfo.confine"
local rule = require "portinfo.rule"

local M = {}

-- How much processor time a file may take to say what its rules are.
M.load_seconds = 2

-- ---- Places ----------------------------------------------------------------------

local function line_at(text, at)
  local line = 1
  for _ in text:sub(1, at - 1):gmatch "\n" do line = line + 1 end
  return line
end

local function escape_pattern(word) return (word:gsub("%W", "%%%0")) end

-- Where a word stands by itself, from `from` on; nil if nowhere.
local function find_word(text, word, from)
  local lead = word:find "^%w" and "%f[%w_]" or ""
  local trail = word:find "%w$" and "%f[^%w_]" or ""
  return text:find(lead .. escape_pattern(word) .. trail, from)
end

-- Where a pattern matches, the first time or the last.
local function find_match(text, pattern, last)
  local found
  for at in text:gmatch(pattern) do
    if not last then return at end
    found = at
  end
  return found
end

-- Where the rule of this id is: its text in quotes, or a key of a pack.
local function find_id(text, id, last)
  local word = escape_pattern(id)
  return find_match(text, "[\"']()" .. word .. "[\"']", last)
    or find_match(text, "%f[%w_]()" .. word .. "%s*=", last)
end

-- The line of a file that a complaint is about, as well as its text tells.
local function line_of(complaint, text)
  local id_at = complaint.id and find_id(text, complaint.id, complaint.again)
  local word = complaint.word
  local at = word and (find_word(text, word, id_at or 1) or find_word(text, word, 1))
  return line_at(text, at or id_at or text:find "%f[%w]return%f[%W]" or 1)
end

local function located(complaint, source)
  if not source.text then return tostring(complaint) end
  return ("%s:%d: %s"):format(source.name, line_of(complaint, source.text), tostring(complaint))
end

-- ---- Lists and packs --------------------------------------------------------------

-- Adds the rules of a value: a rule, a list, or a pack, whose keys are ids. `open`: the
-- tables around it.
local function add(value, id, open, found)
  if type(value) ~= "table" then
    rule.complain(nil, id, "rules are tables, not a %s%s", type(value),
      id and (": '%s'"):format(id) or "")
  end
  if open[value] then rule.complain(nil, id, "a list of rules that holds itself") end
  if rule.is_rule(value) then
    found[#found + 1] = rule.new(value, id)
    return
  end
  open[value] = true
  local list = value
  value = rule.plain(value)
  for _, member in ipairs(value) do add(member, nil, open, found) end
  local names = {}
  for key in pairs(value) do
    if type(key) == "string" then
      names[#names + 1] = key
    elseif math.type(key) ~= "integer" or key < 1 or key > #value then
      rule.complain(nil, tostring(key), "the keys of a pack are ids, not %s", tostring(key))
    end
  end
  table.sort(names)
  for _, name in ipairs(names) do add(value[name], name, open, found) end
  open[list] = nil
end

-- ---- Sources ---------------------------------------------------------------------

local function is_file(word) return word:find("/", 1, true) ~= nil or word:find "%.lua$" ~= nil end

-- Ids of rules that are built in and fit a word: an id, a tag, or builtin; or nil and
-- what to say.
local function built_in(word)
  local ids, names = {}, {"builtin"}
  for _, one in ipairs(require "portinfo.rules") do
    local fits = word == "builtin" or word == one.id
    names[#names + 1] = one.id
    for _, tag in ipairs(one.tags) do
      fits = fits or word == tag
      names[#names + 1] = tag
    end
    if fits then ids[#ids + 1] = one.id end
  end
  if #ids > 0 then return ids end
  local near = core.nearest(word, names)
  return nil, ("no rule '%s': %s"):format(word, near and ("did you mean '%s'?"):format(near)
    or "give a file, such as ./rules.lua, or an id or a tag of portinfo audit --list")
end

-- Adds what a word names to the sources; nil, message, errno if it names nothing.
local function add_word(word, folder, sources, own)
  if is_file(word) then
    local path = folder and word:sub(1, 1) ~= "/" and folder .. "/" .. word or word
    local source, message, errno = confine.read(path)
    sources[#sources + 1] = source
    return source, message, errno
  end
  local ids, message = built_in(word)
  for _, id in ipairs(ids or {}) do
    if not own[id] then own.builtin[#own.builtin + 1] = id end
    own[id] = true
  end
  return ids, message
end

-- The sources that words name: files, which contain a slash or end in .lua, found from
-- `folder`; ids and tags of what is built in. No word is all that. nil, message, errno if
-- one names nothing.
function M.sources(words, folder)
  local sources, own = {}, {builtin = {}}
  for _, word in ipairs(#words > 0 and words or {"builtin"}) do
    local ok, message, errno = add_word(word, folder, sources, own)
    if not ok then return nil, message, errno end
  end
  if #own.builtin > 0 then table.insert(sources, 1, {builtin = own.builtin}) end
  return sources
end

local function value_of(source, trust)
  if source.value then return source.value end
  if source.builtin then
    local list = {}
    for i, id in ipairs(source.builtin) do list[i] = require("portinfo.rules")[id] end
    return list
  end
  local value, message = confine.run(source, M.load_seconds, trust)
  if value == nil then
    return nil, message or ("%s:1: it returns no rule: end it with return"):format(source.name)
  end
  return value
end

-- What nobody would read on.
M.longest_message = 4096

-- What to tell of an error in somebody's code, in one line.
function M.message_of(err, name)
  if type(err) ~= "string" and type(err) ~= "number" then
    local ok, text = core.bounded(0.1, tostring, err)
    err = ok and type(err) == "table" and getmetatable(err) and text
      or ("an error that is no text but a %s"):format(type(err))
  end
  local text = tostring(err):sub(1, M.longest_message):gsub("[\r\n].*", "")
  if name and not text:find ":%d+:" then text = name .. ": " .. text end
  return text
end

local function rules_of(source, trust)
  local value, message = value_of(source, trust)
  if value == nil then return nil, M.message_of(message, source.name) end
  local found = {}
  local ok, err = pcall(add, value, nil, {}, found)
  if ok and #found == 0 then ok, err = false, rule.complaint{text = "there is no rule in it"} end
  if ok then return found end
  if rule.is_complaint(err) then return nil, located(err, source) end
  return nil, M.message_of(err, source.name)
end

-- Two rules may not have one id: what to tell of the second.
local function duplicate(id, source, before)
  if source == before then
    return located(rule.complaint{id = id, again = true, text = "there are two of this id"}, source)
  end
  return located(rule.complaint{
    id = id, text = "there is another of this id in " .. (before.name or "what is built in"),
  }, source)
end

-- The rules of all sources, in their order; or nil and what is wrong, in one line. Each
-- has its `source`. `trust`: files may use all of Lua. `begin(source)` is called before
-- each.
function M.load(sources, trust, begin)
  local rules, owners = {}, {}
  for _, source in ipairs(sources) do
    if begin then begin(source) end
    local found, message = rules_of(source, trust)
    if not found then return nil, message end
    for _, one in ipairs(found) do
      local before = owners[one.id]
      if before then return nil, duplicate(one.id, source, before) end
      owners[one.id], one.source = source, source.name
      rules[#rules + 1] = one
    end
  end
  return rules
end

return M
