-- predicate.lua: makes one predicate value out of every spelling: a string of
-- the filter language, a table, or a predicate. Functions among them stay apart, as
-- tests for later. Mistakes are returned, not raised.

local core = require "portinfo.core"
local pointed = require "portinfo.pointed"
local range = require "portinfo.range"
local schema = require "portinfo.schema"

local M = {}

local build

function M.is_predicate(value)
  return type(value) == "userdata" and debug.getmetatable(value) ~= nil
    and debug.getmetatable(value).__name == "portinfo.predicate"
end

-- Both must hold; nil and why, where that is too deep.
function M.both(a, b)
  local ok, result = pcall(function() return a & b end)
  if ok then return result end
  return nil, (tostring(result):gsub("^[^:]*:%d+: ", ""))
end

-- All of a list must hold; an empty one always does.
local function all_of(list)
  local result
  for _, predicate in ipairs(list) do
    if not result then
      result = predicate
    else
      local message
      result, message = M.both(result, predicate)
      if not result then return nil, message end
    end
  end
  return result or core.predicate_parse ""
end

local function parse(text)
  local built, message, first, length = core.predicate_parse(text)
  if built then return built end
  return nil, pointed(text, message, first, length)
end

local function operand(field, value)
  local kind = type(value)
  if kind == "string" or range.is_range(value) then return value end
  if kind == "number" then
    local whole = math.tointeger(value)
    if not whole or whole < 0 then
      return nil, ("%s: %s is not a whole number from 0"):format(field, value)
    end
    return whole
  end
  if kind == "boolean" then return value and "yes" or "no" end
  return nil, ("%s: a value is a string, a number or pi.range, not a %s")
    :format(field, kind)
end

local most_values = 1000000

-- The field is one of the values; of `port` and `addr`, either side's.
local function among(field, values)
  if #values > most_values then
    return nil, ("%s: a list has at most %d values"):format(field, most_values)
  end
  for key in pairs(values) do
    if math.type(key) ~= "integer" or key < 1 or key > #values then
      return nil, ("%s: a list of values has no key '%s'"):format(field, tostring(key))
    end
  end
  local sides = schema.pairs[field]
  if sides then
    local a, message = among(sides[1], values)
    if not a then return nil, message end
    local b, other = among(sides[2], values)
    if not b then return nil, other end
    return a | b
  end
  local operands = {}
  for i, value in ipairs(values) do
    local one, message = operand(field, value)
    if one == nil then return nil, message end
    operands[i] = one
  end
  return core.predicate_in(field, operands)
end

local function has(field)
  local sides = schema.pairs[field]
  if sides then return core.predicate_has(sides[1]) | core.predicate_has(sides[2]) end
  return core.predicate_has(field)
end

local flags = {}
for _, word in ipairs(core.flags()) do flags[word] = true end

-- {f = v}: a value, a list of them, or true and false for the field alone.
local function field_test(name, value)
  if not schema.pairs[name] then
    local field, message = schema.find(name)
    if not field and flags[name] then
      return nil, ("'%s' is a flag, not a field: write {\"%s\"}"):format(name, name)
    end
    if not field then return nil, message end
    name = field.name
  end
  if value == true then return has(name) end
  if value == false then return ~has(name) end
  if type(value) == "table" and not range.is_range(value) then
    return among(name, value)
  end
  return among(name, {value})
end

-- Fields in order of their names, so that the same table always gives the same
-- tree and the same complaint.
local function fields(spec)
  local names = {}
  for key in pairs(spec) do
    if type(key) == "string" then
      names[#names + 1] = key
    elseif math.type(key) ~= "integer" or key < 1 or key > #spec then
      return nil, ("a filter's keys are fields, not %s"):format(tostring(key))
    end
  end
  table.sort(names)
  return names
end

local function from_table(spec, depth, tests)
  local list = {}
  local names, message = fields(spec)
  if not names then return nil, message end
  for _, name in ipairs(names) do
    local predicate, complaint = field_test(name, spec[name])
    if not predicate then return nil, complaint end
    list[#list + 1] = predicate
  end
  for _, entry in ipairs(spec) do
    local predicate, complaint = build(entry, depth + 1, tests)
    if not predicate then return nil, complaint end
    list[#list + 1] = predicate
  end
  return all_of(list)
end

function build(spec, depth, tests)
  if depth > 256 then return nil, "a filter nested deeper than 256 levels" end
  if spec == nil then return core.predicate_parse "" end
  if type(spec) == "string" then return parse(spec) end
  if M.is_predicate(spec) then return spec end
  if type(spec) == "table" then return from_table(spec, depth, tests) end
  if type(spec) == "function" then
    tests[#tests + 1] = spec
    return core.predicate_parse ""
  end
  return nil, ("a filter is a string, a table, a predicate or a function, not a %s")
    :format(type(spec))
end

-- M.build(spec) -> predicate and the list of its functions, or nil and what is wrong
function M.build(spec)
  local tests = {}
  local built, message = build(spec, 0, tests)
  if not built then return nil, message end
  return built, tests
end

-- What a function says of a row: nothing is no, nil is unknown.
local function say(test, row)
  local answer = table.pack(test(row))
  if answer.n == 0 then return false end
  if answer[1] == nil then return nil end
  return answer[1] and true or false
end

-- A test that holds where `built` and `tests` do not all hold.
function M.negation(built, tests)
  return function(row)
    local open = false
    local truth = built:test(row)
    for i = 0, #tests do
      if i > 0 then truth = say(tests[i], row) end
      if truth == false then return true end
      open = open or truth == nil
    end
    if open then return nil end
    return false
  end
end

return M
