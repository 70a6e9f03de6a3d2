-- query.lua: lazy questions. A query is a plan of what to read; every result
-- method takes a fresh reading, or asks the one it was made from.

local core = require "portinfo.core"
local misuse = require "portinfo.misuse"
local predicate = require "portinfo.predicate"
local render = require "portinfo.render"
local schema = require "portinfo.schema"

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

local function query(parts)
  return setmetatable(parts, Query)
end

-- The rows for which `spec` holds. Options: backend, proc (see pi.sockets), and
-- `snapshot`, a reading to ask instead of the kernel.
function M.new(spec, options)
  local built, message = predicate.build(spec)
  if not built then misuse(message) end
  return query{predicate = built, options = rawget(options, "options") or options}
end

local function check_self(self)
  if not M.is_query(self) then
    misuse("a query's methods are called with a colon, as in query:all()")
  end
end

-- Narrows: rows for which `spec` holds as well.
function methods:where(spec)
  check_self(self)
  local built, message = predicate.build(spec)
  if not built then misuse(message) end
  local both, trouble = predicate.both(rawget(self, "predicate"), built)
  if not both then misuse(trouble) end
  return query{predicate = both, options = rawget(self, "options")}
end

-- The selection of a fresh reading with these groups, or nil, message, errno.
function M.select(self, groups)
  check_self(self)
  local options, filter = rawget(self, "options"), rawget(self, "predicate")
  local snapshot = options.snapshot
  if not snapshot then
    local message, errno
    snapshot, message, errno = core.take{
      filter = filter, backend = options.backend, proc = options.proc,
    }
    if not snapshot then return nil, message, errno end
  elseif snapshot:closed() then
    misuse("this reading is closed")
  end
  local selection, message, errno = snapshot:select(filter)
  if not selection then return nil, message, errno end
  -- what an answer without rows would show is not worth reading
  if groups and #selection > 0 then
    local done, trouble, number = snapshot:complete(groups)
    if not done then return nil, trouble, number end
  end
  return selection
end

-- What `answer` makes of the selection. A reading that was taken for the answer
-- alone, and of which no row is handed out, ends with it.
local function ask(self, groups, answer)
  local selection, message, errno = M.select(self, groups)
  if not selection then return nil, message, errno end
  local kept = rawget(self, "options").snapshot
  local _ <close> = not kept and selection:snapshot() or nil
  return answer(selection)
end

-- The selection, of which rows are handed out. Lua counts a reading as a few bytes,
-- whatever its size, so its collector is told what became of them.
local function select_rows(self)
  local selection, message, errno = M.select(self)
  if not selection then return nil, message, errno end
  if not rawget(self, "options").snapshot then
    collectgarbage("step", 1 + #selection:snapshot() // 8)
  end
  return selection
end

-- Iterates over the rows: for row in query:each() do ... end
function methods:each()
  local selection, message = select_rows(self)
  if not selection then misuse(message) end
  local snapshot, i = selection:snapshot(), 0
  return function()
    if snapshot:closed() then misuse("this reading is closed") end
    i = i + 1
    return selection:row(i)
  end
end

-- A list of all rows, or nil, message, errno.
function methods:all()
  local selection, message, errno = select_rows(self)
  if not selection then return nil, message, errno end
  local rows = {}
  for i = 1, #selection do rows[i] = selection:row(i) end
  return rows
end

-- The first row, or nil; on refusal nil, message, errno.
function methods:first()
  local selection, message, errno = select_rows(self)
  if not selection then return nil, message, errno end
  return selection:row(1)
end

-- How many rows there are, and how many could not be decided; or nil, message,
-- errno.
function methods:count()
  return ask(self, nil, function(selection)
    return #selection, selection:undecided()
  end)
end

-- Is there a row? true, false, or nil and the reason.
function methods:any()
  return ask(self, nil, function(selection)
    if #selection > 0 then return true end
    if selection:undecided() == 0 then return false end
    return nil, render.undecided(selection)
  end)
end

-- Checks a list of field names; absent, it is the whole schema.
local function field_names(fields)
  if fields == nil then return schema.names end
  if type(fields) ~= "table" then
    misuse("fields are a list of names, not a %s", type(fields))
  end
  local names = {}
  for i, name in ipairs(fields) do
    local field, message = schema.find(name)
    if not field then misuse(message) end
    if names[field.name] then misuse("field '%s' is named twice", field.name) end
    names[i], names[field.name] = field.name, true
  end
  if #names == 0 then misuse("name at least one field") end
  return names
end

-- The rows as one string of a bulk format, with the named fields or all; or nil,
-- message, errno.
local function text(self, format, fields)
  local names = field_names(fields)
  return ask(self, schema.groups_of(names), function(selection)
    return selection:text(format, names)
  end)
end

function methods:json(fields) return text(self, "json", fields) end
function methods:ndjson(fields) return text(self, "ndjson", fields) end
function methods:tsv(fields) return text(self, "tsv", fields) end
function methods:csv(fields) return text(self, "csv", fields) end

-- Streams the rows to an open file; true, or nil, message, errno.
function methods:write(file, format, fields)
  if io.type(file) ~= "file" then
    misuse("query:write(file, format[, fields]) takes an open file")
  end
  local formats = {tsv = true, csv = true, json = true, ndjson = true}
  if not formats[format] then misuse("formats are tsv, csv, json and ndjson") end
  local names = field_names(fields)
  return ask(self, schema.groups_of(names), function(selection)
    return selection:write(file, format, names)
  end)
end

local function check_shape(options)
  if options == nil then return {} end
  local width = type(options) == "table" and (options.width or 80)
  if math.type(width) ~= "integer" or width < 1 then
    misuse("query:text and query:print take {width = COLUMNS}")
  end
  return options
end

-- The table for people, as a string; or nil, message, errno. Options: width.
function methods:text(options)
  options = check_shape(options)
  return ask(self, render.groups, function(selection)
    local shown, footer = render.table(selection, options)
    return ("%s(%s)\n"):format(shown, table.concat(footer, ")\n("))
  end)
end

-- Prints the table for people.
function methods:print(options)
  local shown, message, errno = self:text(options)
  if not shown then return nil, message, errno end
  io.stdout:write(shown)
  return true
end

function Query.__tostring() return "portinfo query; :print() runs it" end

method_names = {}
for name in pairs(methods) do method_names[#method_names + 1] = name end
table.sort(method_names)
M.method_names = method_names

return M
