-- query.lua: lazy questions. A query is a plan of what to read; every result
-- method takes a fresh reading, or asks the one it was made from.
--
-- Its parts, none of which ever changes:
--   predicate, tests   what must hold of a row: in C, and asked last, in Lua
--   turned             it asks for the rows that these leave undecided
--   order, most        keys to sort the rows by; how many to keep
--   fields             those that were selected to be shown
--   groups             what is to be read ahead, as a set
--   group              {how = "tally" or "distinct", fields, order, most}: what
--                      becomes of the rows
--   options            backend and proc, or the snapshot to ask

local core = require "portinfo.core"
local later = require "portinfo.later"
local misuse = require "portinfo.misuse"
local pointed = require "portinfo.pointed"
local predicate = require "portinfo.predicate"
local run = require "portinfo.run"
local schema = require "portinfo.schema"

local explain, render = later "explain", later "render" -- programs do without

local Query = {}
local methods = {}
Query.__name = "portinfo.query"

local method_names

function Query.__index(_, name)
  local method = methods[name]
  if method then return method end
  local near = type(name) == "string" and core.nearest(name, method_names)
  if near then
    misuse("a query has no method '%s': did you mean '%s'?", name, near)
  end
  misuse("a query has no method '%s'", tostring(name))
end

function Query.__newindex() misuse("a query cannot be changed") end

function Query.__len() misuse("a query has no length: ask its :count()") end

local M = {}

function M.is_query(value) return debug.getmetatable(value) == Query end

local function check_self(self)
  if not M.is_query(self) then
    misuse("a query's methods are called with a colon, as in query:all()")
  end
end

-- The query with some parts changed.
local function derive(self, changes)
  local parts = {}
  for name, value in next, self do parts[name] = value end
  for name, value in pairs(changes) do parts[name] = value end
  return setmetatable(parts, Query)
end

local function build(spec)
  local built, tests = predicate.build(spec)
  if not built then misuse(tests) end
  return built, tests
end

-- The rows for which `spec` holds. Options: backend, proc, netns (see pi.sockets), and
-- `snapshot`, a reading to ask instead of the kernel.
function M.new(spec, options)
  local built, tests = build(spec)
  return setmetatable({predicate = built, tests = tests, options = options}, Query)
end

-- ---- Shape -----------------------------------------------------------------------

-- Builders of rows come before what makes something else of them.
local function check_rows(self, method)
  check_self(self)
  local group = rawget(self, "group")
  if group then misuse("query:%s comes before :%s", method, group.how) end
end

local function narrow(self, built, tests)
  local both, trouble = predicate.both(rawget(self, "predicate"), built)
  if not both then misuse(trouble) end
  local all = table.move(rawget(self, "tests"), 1, #rawget(self, "tests"), 1, {})
  return derive(self, {
    predicate = both, tests = table.move(tests, 1, #tests, #all + 1, all),
  })
end

-- Narrows: rows for which `spec` holds as well. A function takes a row and is asked
-- last: it returns true, false, or nil for unknown.
function methods:where(spec)
  check_rows(self, "where")
  return narrow(self, build(spec))
end

-- Narrows: rows for which `spec` does not hold.
function methods:reject(spec)
  check_rows(self, "reject")
  local built, tests = build(spec)
  if #tests == 0 then return narrow(self, ~built, {}) end
  return narrow(self, build(), {predicate.negation(built, tests)})
end

-- The rows that the query cannot decide about, for want of sight.
function methods:undecided()
  check_rows(self, "undecided")
  return derive(self, {turned = not rawget(self, "turned")})
end

-- The arguments as a list, which the first of them may be.
local function list_of(...)
  local first = ...
  return type(first) == "table" and first or {...}
end

local function field_names(...)
  local names = {}
  for i, name in ipairs(list_of(...)) do
    local field, message = schema.find(name)
    if not field then misuse(message) end
    if names[field.name] then misuse("field '%s' is named twice", field.name) end
    names[i], names[field.name] = field.name, true
  end
  if #names == 0 then misuse("name at least one field") end
  return names
end

-- The fields that tables and bulk formats show: select("lport", "process").
function methods:select(...)
  check_rows(self, "select")
  return derive(self, {fields = field_names(...)})
end

-- Asks ahead: groups ("process") or fields ("exe") to be read with the rows.
function methods:with(...)
  check_rows(self, "with")
  local groups = {}
  for name in pairs(rawget(self, "groups") or {}) do groups[name] = true end
  for _, name in ipairs(list_of(...)) do
    local group = schema.is_group(name) and name
    if not group then
      local field, message = schema.find(name)
      if not field then misuse(message) end
      group = field.group
    end
    groups[group] = true
  end
  return derive(self, {groups = groups})
end

-- One key of a sort, with its "-" for downwards; `fields`: those there are.
local function check_key(key, fields)
  if type(key) ~= "string" then
    misuse("a key to sort by is a field's name, not a %s", type(key))
  end
  local down, name = key:match "^(%-?)(.*)$"
  if fields and name == "count" and fields.count then return key end
  local field, message = schema.find(name)
  if not field then misuse(message) end
  if fields and not fields[field.name] then
    misuse("'%s' is none of what there is to sort by: %s", field.name,
           table.concat(fields, ", "))
  end
  return down .. field.name
end

-- Changes the last stage: what the rows become, or the rows.
local function shape(self, changes)
  local group = rawget(self, "group")
  if not group then return derive(self, changes) end
  local copy = {}
  for name, value in pairs(group) do copy[name] = value end
  for name, value in pairs(changes) do copy[name] = value end
  return derive(self, {group = copy})
end

-- Sorts by fields, "-rxq" downwards; what is empty or unknown comes last. After a
-- tally also by "count". The last sort counts.
function methods:sort(...)
  check_self(self)
  local group = rawget(self, "group")
  local fields
  if group then
    fields = table.move(group.fields, 1, #group.fields, 1, {})
    for _, name in ipairs(group.fields) do fields[name] = true end
    if group.how == "tally" then fields[#fields + 1], fields.count = "count", true end
  end
  local keys = {}
  for i, key in ipairs(list_of(...)) do
    keys[i] = check_key(key, fields)
  end
  if #keys == 0 then misuse("name at least one field to sort by") end
  return shape(self, {order = keys})
end

-- Keeps the first n.
function methods:limit(n)
  check_self(self)
  if math.type(n) ~= "integer" or n < 0 then
    misuse("query:limit takes how many, as a whole number from 0")
  end
  local stage = rawget(self, "group") or self
  return shape(self, {most = math.min(n, rawget(stage, "most") or n)})
end

-- Counts the rows by their values of some fields, the most frequent first: results
-- are then tables {count =, FIELD =}.
function methods:tally(...)
  check_rows(self, "tally")
  return derive(self, {group = {how = "tally", fields = field_names(...)}})
end

-- The different values of some fields: results are then tables {FIELD =}.
function methods:distinct(...)
  check_rows(self, "distinct")
  return derive(self, {group = {how = "distinct", fields = field_names(...)}})
end

-- ---- Readings -------------------------------------------------------------------

-- What readings were asked for: what is beyond it they cannot answer.
local asked = setmetatable({}, {__mode = "k"})

-- The same question, of a reading.
function M.asking(self, snapshot) return derive(self, {options = {snapshot = snapshot}}) end

-- The reading of a query, kept, to be asked further questions; or nil, message,
-- errno. It answers for the rows that the query's filter selects.
function methods:snapshot()
  check_self(self)
  if rawget(self, "options").snapshot then
    misuse("this query asks a reading that is kept already")
  end
  local snapshot, message, errno = run.take(self, run.ahead(self))
  if not snapshot then return nil, message, errno end
  asked[snapshot] = {
    predicate = rawget(self, "predicate"), tests = rawget(self, "tests"),
    turned = rawget(self, "turned"), options = {snapshot = snapshot},
  }
  return snapshot
end

-- A query of all that a kept reading answers for.
function M.of(snapshot)
  local parts = asked[snapshot]
  return parts and setmetatable(parts, Query) or M.new(nil, {snapshot = snapshot})
end

-- ---- Results ---------------------------------------------------------------------

-- Iterates over the rows: for row in query:each() do ... end. A reading that was
-- taken for it ends with the loop, however that is left; rows end with it.
function methods:each()
  check_self(self)
  local selection, message = run.rows(self)
  if not selection then misuse(message) end
  local snapshot, i = selection:snapshot(), 0
  local function step()
    if snapshot:closed() then misuse("this reading is closed") end
    i = i + 1
    return run.result(self, selection, i)
  end
  return step, nil, nil, not rawget(self, "options").snapshot and snapshot or nil
end

-- A list of all rows, or nil, message, errno.
function methods:all()
  check_self(self)
  local selection, message, errno = run.rows(self)
  if not selection then return nil, message, errno end
  local rows = {}
  for i = 1, #selection do rows[i] = run.result(self, selection, i) end
  return rows
end

-- The first row, or nil; on refusal nil, message, errno.
function methods:first()
  check_self(self)
  local selection, message, errno = run.rows(self)
  if not selection then return nil, message, errno end
  return run.result(self, selection, 1)
end

-- How many rows there are, and how many could not be decided; or nil, message,
-- errno.
function methods:count()
  check_self(self)
  return run.ask(self, nil, function(selection)
    return #selection, selection:undecided()
  end)
end

-- Is there a row? true, false, or nil and the reason.
function methods:any()
  check_self(self)
  return run.ask(self, nil, function(selection)
    if #selection > 0 then return true end
    if selection:undecided() == 0 then return false end
    return nil, render.undecided(selection)
  end)
end

-- The fields that a bulk format shows: those named now, or those selected before,
-- or the whole schema.
local function shown_fields(self, fields)
  local group = rawget(self, "group")
  if group then
    if fields ~= nil then misuse("a %s has its own fields", group.how) end
    return group.fields
  end
  if fields == nil then return rawget(self, "fields") or schema.usual_names end
  if type(fields) ~= "table" then
    misuse("fields are a list of names, not a %s", type(fields))
  end
  return field_names(fields)
end

M.shown_fields = shown_fields

-- The rows as one string of a bulk format, with the named fields or all; or nil,
-- message, errno.
local function text(self, format, fields)
  check_self(self)
  local names = shown_fields(self, fields)
  return run.ask(self, schema.groups_of(names), function(selection)
    return selection:text(format, names)
  end)
end

function methods:json(fields) return text(self, "json", fields) end
function methods:ndjson(fields) return text(self, "ndjson", fields) end
function methods:tsv(fields) return text(self, "tsv", fields) end
function methods:csv(fields) return text(self, "csv", fields) end

-- The groups that a template needs.
local function check_template(template)
  if type(template) ~= "string" or not template:find("{", 1, true) then
    misuse("a template is a text with fields in it, such as {lport}")
  end
  local groups, message, first, length = core.template(template)
  if not groups then misuse("%s", pointed(template, message, first, length)) end
  return groups
end

-- A line for each row: text with fields in it, as "{lport} {process}". {count} is how
-- many a tallied row stands for, {{ and }} are braces, and there are \t \n \r \\.
function methods:format(template)
  check_self(self)
  return run.ask(self, check_template(template), function(selection)
    return selection:text(template)
  end)
end

local bulk = {tsv = true, csv = true, json = true, ndjson = true}

-- Streams the rows to an open file, in a bulk format or by a template; true, or nil,
-- message, errno.
function methods:write(file, format, fields)
  check_self(self)
  if io.type(file) ~= "file" then
    misuse("query:write(file, format[, fields]) takes an open file")
  end
  if type(format) == "string" and format:find("{", 1, true) then
    return run.ask(self, check_template(format), function(selection)
      return selection:write(file, format)
    end)
  end
  if not bulk[format] then misuse("formats are tsv, csv, json, ndjson or a template") end
  local names = shown_fields(self, fields)
  return run.ask(self, schema.groups_of(names), function(selection)
    return selection:write(file, format, names)
  end)
end

-- What a table can be told of the screen, and how to check it.
local shapes = {
  width = "COLUMNS", rows = "LINES", ascii = "boolean", color = "boolean",
  timer = "boolean", format = "table or line", more = "string",
}

local function is_shape(name, value)
  local kind = shapes[name]
  if name == "width" or name == "rows" then
    return math.type(value) == "integer" and value >= 1
  elseif name == "format" then
    return value == "table" or value == "line"
  end
  return type(value) == kind
end

local function check_shape(options)
  if options == nil then return {} end
  if type(options) ~= "table" then misuse("query:text and query:print take {width = COLUMNS}") end
  for name, value in pairs(options) do
    if not shapes[name] then
      misuse("query:text and query:print have no option '%s': they take {width = COLUMNS}, "
        .. "rows, color, ascii, timer and format", tostring(name))
    elseif not is_shape(name, value) then
      misuse("query:text and query:print take {%s = %s}", name, shapes[name])
    end
  end
  return options
end

-- How a table is to show what the query gives: a layout as render.lua has it, of what
-- is known of the screen. A limit of its own is not cut to the screen.
function M.layout(self, screen)
  local group = rawget(self, "group")
  local layout = {now = os.time()}
  for name, value in pairs(screen or {}) do layout[name] = value end
  layout.what = group and group.how
  layout.fields = group and group.fields or rawget(self, "fields")
  if rawget(group or self, "most") then layout.rows = nil end
  return layout
end

-- The groups that its table needs, or its records.
function M.shown_groups(self, format)
  local fields = M.layout(self).fields
  if format == "line" and not fields then return schema.usual_groups end
  return fields and schema.groups_of(fields) or render.groups
end

-- The records, and the footer that a table would have.
local function records(selection, layout, about)
  local out = {}
  render.records(selection, layout, function(part) out[#out + 1] = part end)
  if #selection > 0 then out[#out + 1] = "\n" end
  out[#out + 1] = render.footer(selection, layout, about, #selection, {})
  return table.concat(out)
end

-- The table for people, as a string; or nil, message, errno. Options: width (columns)
-- and rows (lines) of the screen, color, ascii (for a terminal that is not of UTF-8),
-- timer (tells how long it took), format (line: a record for each row).
function methods:text(options)
  check_self(self)
  local screen, start = check_shape(options), core.clock()
  local layout = M.layout(self, screen)
  layout.more = layout.more or ":limit shows more"
  return run.ask(self, M.shown_groups(self, screen.format), function(selection, about)
    if screen.timer then about.seconds = core.clock() - start end
    if screen.format == "line" then return records(selection, layout, about) end
    local shown, footer = render.table(selection, layout, about)
    return shown .. footer
  end, not layout.what)
end

-- Prints the table for people.
function methods:print(options)
  local shown, message, errno = self:text(options)
  if not shown then return nil, message, errno end
  io.stdout:write(shown)
  return true
end

-- Watches: for event in query:watch() do print(event) end. An event has `event`, `time`
-- and the fields of its row; options: interval, count, until_empty, settle (watch.lua).
function methods:watch(options)
  check_self(self)
  return require "portinfo.watch".events(self, options)
end

local Plan = {__name = "portinfo.plan"}

function Plan.__tostring(plan) return explain.text(plan) end

-- The plan of the query, to be printed or looked into: what is asked of the kernel,
-- what it tests, what is tested here and why, and which groups are read. With {run =
-- true} the query is run, and its rows and the time of each step are told as well; or
-- nil, message, errno.
function methods:explain(options)
  check_self(self)
  local groups, asks = M.shown_groups(self), rawget(self, "options")
  local plan = explain.plan(rawget(self, "predicate"), #rawget(self, "tests"), groups, asks)
  if asks.snapshot then explain.keep(plan) end
  setmetatable(plan, Plan)
  if not options or not options.run then return plan end
  local start = core.clock()
  return run.ask(self, groups, function(selection, about)
    explain.add_run(plan, selection, about, core.clock() - start)
    return plan
  end)
end

function Query.__tostring() return "portinfo query; :print() runs it" end

method_names = {}
for name in pairs(methods) do method_names[#method_names + 1] = name end
table.sort(method_names)
M.method_names = method_names

return M
