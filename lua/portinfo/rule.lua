-- rule.lua: what a rule of an audit is. A rule that somebody wrote, a table, is checked
-- here once, and becomes one whose filters are built:
--
--   id severity title help reference tags evidence message check   as written, or a default
--   form      "where", "only", "must_not_listen" or "must_listen"
--   scope     the predicate of the rows that it is about
--   allow     a list of entries, none of which a row may fit to be a finding
--   must      of must_listen: a list of entries, each of which some row must fit
--   baseline  it is judged with a baseline only
--   place     where its check is
--
-- An entry is {predicate, text, reason, expires}.

local core = require "portinfo.core"
local entry = require "portinfo.entry"
local predicate = require "portinfo.predicate"
local schema = require "portinfo.schema"

local M = {}

local ranks = {note = 1, warning = 2, error = 3}

-- How grave a severity is, from 1; nil: there is no such.
function M.rank(severity) return ranks[severity] end

-- ---- Complaints ------------------------------------------------------------------

-- What is wrong with a rule: raised here, and told by whoever knows the file. `word` is
-- what to look for there, below the `id` of the rule, if that is known; `again`: where
-- that id comes last; or `place`, which is known.
local Complaint = {__name = "portinfo.complaint"}

function Complaint.__tostring(c)
  local text = c.id and ("rule '%s': %s"):format(c.id, c.text) or c.text
  return c.place and ("%s: %s"):format(c.place, text) or text
end

function M.is_complaint(err) return getmetatable(err) == Complaint end

function M.complaint(spec) return setmetatable(spec, Complaint) end

function M.complain(id, word, format, ...)
  local text = select("#", ...) > 0 and format:format(...) or format
  error(M.complaint{id = id, word = word, text = text})
end

local complain = M.complain

-- ---- Members ---------------------------------------------------------------------

local keys = {
  "id", "severity", "title", "where", "allow", "check", "message", "help", "tags",
  "reference", "evidence", "must_listen", "must_not_listen", "only", "baseline",
}

local forms = {"must_listen", "must_not_listen", "only"}

-- Does this look like a rule, and not like a list or a pack of such?
function M.is_rule(value)
  for _, key in ipairs{"where", "check", table.unpack(forms)} do
    if rawget(value, key) ~= nil then return true end
  end
  for _, key in ipairs{"id", "severity", "title", "message", "help"} do
    if type(rawget(value, key)) == "string" then return true end
  end
  return false
end

-- The members of a table as they are, whatever its metatable would say.
function M.plain(value)
  local copy = {}
  for key, member in next, value do copy[key] = member end
  return copy
end

-- A key of a table that is none of the known ones, and what to say of it; nil if there is
-- none.
function M.unknown_member(value, known, what)
  local set = {}
  for _, name in ipairs(known) do set[name] = true end
  for key in next, value do
    if not set[key] then
      local text = tostring(key)
      local near = core.nearest(text, known)
      return text, ("%s has no member '%s'%s"):format(what, text,
        near and (": did you mean '%s'?"):format(near) or "")
    end
  end
end

local function check_keys(raw, id)
  local key, message = M.unknown_member(raw, keys, "a rule")
  if key then complain(id, key, "%s", message) end
end

local function check_id(id, raw)
  if type(id) ~= "string" then
    local word = type(raw.title) == "string" and raw.title or type(raw.where) == "string"
      and raw.where or nil
    complain(nil, word, "a rule needs an id, a text such as \"no-telnet\"")
  end
  if not id:find "^%w[%w._-]*$" or #id > 64 then
    complain(nil, id, "an id has letters, digits, - _ and ., at most 64, not '%s'", id)
  end
  return id
end

local function check_severity(severity, id)
  if severity == nil then return "warning" end
  if not ranks[severity] then
    complain(id, tostring(severity), "severities are note, warning and error, not %s",
      type(severity) == "string" and "'" .. severity .. "'" or "a " .. type(severity))
  end
  return severity
end

local function check_text(raw, key, id, default)
  local value = raw[key]
  if value == nil then return default end
  if type(value) ~= "string" then complain(id, key, "%s is a text, not a %s", key, type(value)) end
  return value
end

-- A plain copy of a list.
local function check_list(value, key, id)
  if type(value) ~= "table" then
    complain(id, key, "%s is a list, not a %s", key, type(value))
  end
  value = M.plain(value)
  for at in pairs(value) do
    if math.type(at) ~= "integer" or at < 1 or at > #value then
      complain(id, tostring(at), "%s is a list: it has no '%s'", key, tostring(at))
    end
  end
  return value
end

local function check_tags(tags, id)
  tags = check_list(tags or {}, "tags", id)
  for _, tag in ipairs(tags) do
    if type(tag) ~= "string" then complain(id, "tags", "a tag is a text, not a %s", type(tag)) end
  end
  return tags
end

local function check_evidence(evidence, id)
  local names = {}
  for i, name in ipairs(check_list(evidence or {}, "evidence", id)) do
    local field, message = schema.find(name)
    if not field then complain(id, tostring(name), "evidence: %s", message) end
    names[i] = field.name
  end
  return names
end

-- A text, a template or a function.
local function check_message(message, id)
  local kind = type(message)
  if message == nil or kind == "function" then return message end
  if kind ~= "string" then
    complain(id, "message", "message is a text or a function, not a %s", kind)
  end
  if message:find("{", 1, true) then
    local groups, trouble = core.template(message)
    if not groups then complain(id, message:match "[^\n]*", "message: %s", trouble) end
  end
  return message
end

-- ---- Filters and entries ---------------------------------------------------------

-- The first line of what predicate.build complains of: a caret under it has no place in
-- one line.
local function first_line(message) return message:match "^[^\n]*" end

-- A filter's word that can be looked for in a file.
local function word_of(spec)
  if type(spec) == "string" then return spec end
  if type(spec) ~= "table" then return nil end
  for _, part in ipairs(spec) do
    if type(part) == "string" then return part end
  end
end

local function build(spec, what, id)
  if type(spec) == "function" then
    complain(id, what, "%s is a filter: give a function as check", what)
  end
  local built, tests = predicate.build(spec)
  if not built then
    local message = first_line(tests)
    complain(id, message:match "'([%w_.-]+)'" or word_of(spec), "%s: %s", what, message)
  end
  if #tests > 0 then complain(id, what, "%s has a function in it: give it as check", what) end
  return built
end

-- "2027-06-30", a day of the calendar; it is the last on which an entry holds.
local function check_day(text, id)
  local year, month, day = tostring(text):match "^(%d%d%d%d)%-(%d%d)%-(%d%d)$"
  local t = year and os.date("*t", os.time{year = year, month = month, day = day, hour = 12})
  if type(text) ~= "string" or not t or t.month ~= tonumber(month) or t.day ~= tonumber(day) then
    complain(id, tostring(text), "expires is a day such as \"2027-06-30\", not '%s'",
      tostring(text))
  end
  return text
end

local most_entries = 4096

-- One entry: a filter of any spelling; a table may also have a reason and a day.
local function entry_of(raw, what, id)
  if type(raw) ~= "table" then
    local built = build(raw, what, id)
    return {predicate = built, text = entry.filter_text(raw)}
  end
  raw = M.plain(raw)
  local spec = entry.bare(raw)
  if next(spec) == nil then
    complain(id, raw.reason or what, "%s: an entry without a field fits everything", what)
  end
  if raw.reason ~= nil and type(raw.reason) ~= "string" then
    complain(id, "reason", "%s: reason is a text, not a %s", what, type(raw.reason))
  end
  local built = build(spec, what, id)
  return {
    predicate = built, text = entry.filter_text(raw), reason = raw.reason,
    expires = raw.expires ~= nil and check_day(raw.expires, id) or nil,
  }
end

-- Is it one entry, and not a list of such? A table with a field in it is one.
local function is_entry(raw)
  if type(raw) ~= "table" then return true end
  for key in next, raw do
    if type(key) == "string" then return true end
  end
  return false
end

-- A list of entries; one alone is a list, too.
local function entries_of(raw, what, id)
  if raw == nil then return {} end
  raw = check_list(is_entry(raw) and {raw} or raw, what, id)
  if #raw > most_entries then
    complain(id, what, "%s has %d entries, at most %d are taken: one entry can name many "
      .. "ports, as in {lport = {80, 443, pi.range(8000, 8100)}}", what, #raw, most_entries)
  end
  local list = {}
  for i, one in ipairs(raw) do list[i] = entry_of(one, what, id) end
  return list
end

M.entries_of, M.is_entry = entries_of, is_entry

-- One of several: built in halves, so that it does not get deep.
function M.any_of(predicates, first, last)
  first, last = first or 1, last or #predicates
  if first == last then return predicates[first] end
  local middle = (first + last) // 2
  return M.any_of(predicates, first, middle) | M.any_of(predicates, middle + 1, last)
end

-- ---- Forms -----------------------------------------------------------------------

local function form_of(raw, id)
  local found
  for _, form in ipairs(forms) do
    if raw[form] ~= nil then
      if found then complain(id, form, "%s and %s are two rules", found, form) end
      found = form
    end
  end
  if not found and raw.where == nil then
    complain(id, nil, "it needs where, or one of must_listen, must_not_listen and only")
  end
  return found or "where"
end

local shape = {}

function shape.where(rule, raw)
  rule.scope = build(raw.where, "where", rule.id)
end

-- The rows that the other forms are about.
local function scope_of(rule, raw)
  if raw.where == nil then return build("listening", "where", rule.id) end
  return build(raw.where, "where", rule.id)
end

-- Of what must or must not listen nothing is allowed for a while.
local function check_lasting(entries, what, id)
  for _, one in ipairs(entries) do
    if one.expires then
      complain(id, one.expires, "%s takes no expires: allow and only do", what)
    end
  end
end

function shape.must_listen(rule, raw)
  rule.scope = scope_of(rule, raw)
  if raw.check ~= nil or raw.allow ~= nil then
    complain(rule.id, raw.check and "check" or "allow", "must_listen takes neither check nor allow")
  end
  local message = raw.message
  if message ~= nil and (type(message) ~= "string" or message:find("{", 1, true)) then
    complain(rule.id, "message", "must_listen: the message is a text: there is no row to tell of")
  end
  rule.must = entries_of(raw.must_listen, "must_listen", rule.id)
  check_lasting(rule.must, "must_listen", rule.id)
  if #rule.must == 0 then complain(rule.id, "must_listen", "must_listen: name what must listen") end
end

function shape.must_not_listen(rule, raw)
  local entries = entries_of(raw.must_not_listen, "must_not_listen", rule.id)
  if #entries == 0 then
    complain(rule.id, "must_not_listen", "must_not_listen: name what must not listen")
  end
  check_lasting(entries, "must_not_listen", rule.id)
  local predicates = {}
  for i, one in ipairs(entries) do predicates[i] = one.predicate end
  rule.scope = assert(predicate.both(scope_of(rule, raw), M.any_of(predicates)))
end

function shape.only(rule, raw)
  rule.scope = scope_of(rule, raw)
  if raw.allow ~= nil then complain(rule.id, "allow", "only is a list of what is allowed") end
  rule.allow = entries_of(raw.only, "only", rule.id)
end

-- Where a function of a rule is.
local function place_of(f)
  local info = debug.getinfo(f, "S")
  return ("%s:%d"):format(info.short_src, info.linedefined)
end

M.place_of = place_of

-- The rule that a table describes; raises a complaint. `id`: what it is called where it
-- has none of its own.
function M.new(raw, id)
  raw = M.plain(raw)
  id = check_id(raw.id ~= nil and raw.id or id, raw)
  check_keys(raw, id)
  if raw.check ~= nil and type(raw.check) ~= "function" then
    complain(id, "check", "check is a function, not a %s", type(raw.check))
  end
  local form = form_of(raw, id)
  local rule = {
    id = id, form = form, severity = check_severity(raw.severity, id),
    title = check_text(raw, "title", id, id), help = check_text(raw, "help", id),
    reference = check_text(raw, "reference", id), tags = check_tags(raw.tags, id),
    evidence = check_evidence(raw.evidence, id), message = check_message(raw.message, id),
    check = raw.check, place = raw.check and place_of(raw.check) or nil,
    baseline = raw.baseline == true,
  }
  rule.allow = entries_of(raw.allow, "allow", id)
  shape[form](rule, raw)
  return rule
end

-- ---- Needs -----------------------------------------------------------------------

-- What a reading for the rule must hold: {scope = a predicate, groups = those that its
-- filters and its evidence test or show}.
function M.needs(rule)
  local groups, list = {}, {}
  local function add(names)
    for _, name in ipairs(names) do groups[name] = true end
  end
  for _, one in ipairs(rule.allow) do add(one.predicate:groups()) end
  for _, one in ipairs(rule.must or {}) do add(one.predicate:groups()) end
  add(schema.groups_of(rule.evidence))
  add(rule.scope:groups())
  if type(rule.message) == "string" and rule.message:find("{", 1, true) then
    add(core.template(rule.message))
  end
  for _, name in ipairs(schema.groups) do
    if groups[name] then list[#list + 1] = name end
  end
  return {scope = rule.scope, groups = list}
end

return M
