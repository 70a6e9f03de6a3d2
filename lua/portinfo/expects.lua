-- expects.lua: what may stand next in a filter: fields, flags, operators, the values
-- of a field. The grammar is that of portinfo-filter(7), read forgivingly: what is
-- wrong further to the left is for the parser to say.

local core = require "portinfo.core"
local escape = require "portinfo.escape"
local schema = require "portinfo.schema"

local M = {}

-- ---- Candidates --------------------------------------------------------------------

-- How many names of services are offered at most.
local most_services = 500

-- Adds those words of a list that begin with `prefix`; case is ignored.
local function add(found, prefix, list)
  prefix = prefix:lower()
  for _, word in ipairs(list) do
    if word:sub(1, #prefix):lower() == prefix then found[#found + 1] = word end
  end
end

M.add = add

-- Each candidate once, numbers first, then by name.
function M.sorted(found)
  local list, seen = {}, {}
  for _, text in ipairs(found) do
    if not seen[text] then
      seen[text] = true
      list[#list + 1] = text
    end
  end
  table.sort(list, function(a, b)
    local x, y = tonumber(a), tonumber(b)
    if x and y then return x < y end
    if x or y then return x ~= nil end
    return a < b
  end)
  return list
end

-- Adds names of services. There are too many to offer them all, and digits are rather
-- a port.
function M.add_services(found, prefix)
  if not prefix:find "%D" then return end
  for _, name in ipairs(core.services(prefix, most_services)) do found[#found + 1] = name end
end

-- Adds live ports, each behind `head`.
function M.add_ports(found, prefix, sources, head)
  for _, port in ipairs(sources.ports and sources.ports() or {}) do
    if tostring(port):sub(1, #prefix) == prefix then
      found[#found + 1] = (head or "") .. port
    end
  end
end

-- Adds names of live processes as `spell` writes them; it returns nil for one that it
-- cannot. What a terminal should not see is never offered.
function M.add_processes(found, prefix, sources, spell)
  for _, name in ipairs(sources.processes and sources.processes() or {}) do
    if name:sub(1, #prefix) == prefix and name ~= "" and escape(name) == name then
      found[#found + 1] = spell(name)
    end
  end
end

-- The kind of values that a field has, and its words; nil if there is no such field.
function M.values_of(name)
  local side = schema.pairs[name]
  local field = schema.find(side and side[1] or name)
  if not field then return nil end
  if name == "process" or name == "service" then return name end
  return field.type, field.words
end

local every_test = {}
for _, name in ipairs(schema.names) do every_test[#every_test + 1] = name end
for name in pairs(schema.pairs) do every_test[#every_test + 1] = name end
M.fields = table.move(every_test, 1, #every_test, 1, {})
for _, flag in ipairs(core.flags()) do
  -- a field of the same name wins
  if not schema.by_name[flag] then every_test[#every_test + 1] = flag end
end
every_test[#every_test + 1] = "not"
every_test[#every_test + 1] = "known"

local named_ports = {"ephemeral", "reserved", "privileged"}
local ordered = {port = true, number = true, time = true}
local symbols, ordered_symbols = {"=", "!="}, {"<", "<=", ">", ">="}
local worded, ordered_words = {"eq", "ne"}, {"lt", "le", "gt", "ge"}

-- ---- States ------------------------------------------------------------------------

-- What is offered in each state, for the word that has been begun.
local offer = {}

function offer.test(at, found, prefix)
  local endpoint, digits = prefix:match "^(.*:)(%d*)$"
  -- only an address, or nothing, may stand before the colon
  if endpoint and core.predicate_parse(endpoint .. "1") then
    return M.add_ports(found, digits, at.sources, endpoint)
  end
  add(found, prefix, every_test)
end

function offer.after(at, found, prefix)
  add(found, prefix, {"and", "or"})
  if at.depth > 0 and prefix == "" then found[#found + 1] = ")" end
  offer.test(at, found, prefix)
end

-- Behind a field: operators; with a letter typed also another test, as a field may
-- stand alone.
function offer.field(at, found, prefix)
  local kind = M.values_of(at.field)
  if not at.shell then
    add(found, prefix, symbols)
    if ordered[kind] then add(found, prefix, ordered_symbols) end
  else
    add(found, prefix, {"="})
    add(found, prefix, worded)
    if ordered[kind] then add(found, prefix, ordered_words) end
  end
  add(found, prefix, {"in", "not", "and", "or"})
  if prefix ~= "" then offer.test(at, found, prefix) end
end

function offer.negated(at, found, prefix)
  add(found, prefix, {"in"})
  offer.test(at, found, prefix)
end

function offer.known(_, found, prefix) add(found, prefix, M.fields) end

local special = "[%s(){},'\"=!<>&|*?%[]"

-- A name as the word of a filter, in quotes where it needs them. On a command line
-- only names that no shell reads in its own way.
local function spell_for(at)
  return function(name)
    if at.command and name:find "[^A-Za-z0-9_./@+-]" then return nil end
    local outer = at.outer
    if outer and (name:find(outer, 1, true) or name:find("\\", 1, true)) then return nil end
    if at.quote then return not name:find(at.quote, 1, true) and name or nil end
    if not name:find(special) then return name end
    for _, quote in ipairs{"'", '"'} do
      if quote ~= outer and not name:find(quote, 1, true) then return quote .. name .. quote end
    end
    return nil
  end
end

function offer.value(at, found, prefix)
  local kind, words = M.values_of(at.field)
  if words then
    add(found, prefix, words)
  elseif kind == "bool" then
    add(found, prefix, {"yes", "no"})
  elseif kind == "port" then
    local colon, rest = prefix:match "^(:?)(.*)$"
    M.add_ports(found, rest, at.sources, colon)
    add(found, prefix, named_ports)
    M.add_services(found, prefix)
  elseif kind == "service" then
    M.add_services(found, prefix)
  elseif kind == "process" then
    M.add_processes(found, prefix, at.sources, spell_for(at))
  end
end

function offer.set(at, found, prefix)
  if prefix == "" and not at.shell then found[1] = "{" end
end

offer.values = offer.value

function offer.valued(at, found, prefix)
  if prefix == "" and not at.shell then found[1], found[2] = ",", "}" end
end

-- Which state a complete token leads to. Words where a test may start:
local comparisons = {eq = true, ne = true, lt = true, le = true, gt = true, ge = true}

local function test_word(at, word)
  local lower = word:lower()
  if lower == "and" or lower == "or" or lower == "not" then return "test" end
  if lower == "known" then return "known" end
  if M.values_of(lower) then
    at.field = lower
    return "field"
  end
  return "after"
end

local word_in = {
  test = test_word,
  after = test_word,
  known = function() return "after" end,
  value = function() return "after" end,
  set = function() return "after" end,
  values = function() return "valued" end,
  valued = function() return "valued" end,
}

function word_in.field(at, word)
  local lower = word:lower()
  if comparisons[lower] then return "value" end
  if lower == "in" then return "set" end
  if lower == "not" then return "negated" end
  return test_word(at, word)
end

function word_in.negated(at, word)
  return word:lower() == "in" and "set" or test_word(at, word)
end

local function mark_in(at, mark)
  if mark == "(" then
    at.depth = at.depth + 1
    return "test"
  elseif mark == ")" then
    at.depth = math.max(at.depth - 1, 0)
    return "after"
  elseif mark == "{" then
    return "values"
  elseif mark == "}" then
    return "after"
  elseif mark == "," then
    return at.state == "valued" and "values" or at.state
  elseif mark:find "[=<>]" then
    return at.state == "field" and "value" or at.state
  end
  return "test" -- ! && ||
end

local word_pattern = "^[^%s(){},'\"=!<>&|]+"
local marks = {"^==", "^!=", "^<=", "^>=", "^&&", "^||", "^[(){},=!<>&|]"}

local function find_mark(text, i)
  for _, pattern in ipairs(marks) do
    local _, last = text:find(pattern, i)
    if last then return last end
  end
  return i
end

-- Reads all that is complete; returns where the word begins that is not, which may be
-- behind the end.
local function read(at, text)
  local i = 1
  while true do
    i = text:match("^%s*()", i)
    if i > #text then return i end
    local _, last = text:find(word_pattern, i)
    local quote = text:match("^['\"]", i)
    if last then
      if last == #text then return i end
      at.state = word_in[at.state](at, text:sub(i, last))
    elseif quote then
      last = text:find(quote, i + 1, true)
      if not last then
        at.quote = quote
        return i + 1
      end
      at.state = word_in[at.state](at, "")
    else
      last = find_mark(text, i)
      at.state = mark_in(at, text:sub(i, last))
    end
    i = last + 1
  end
end

-- What may follow the text of a filter: a list of candidates, each of which replaces
-- the text from the byte that is returned as well. `sources` gives live ports and
-- processes (complete.lua). Options: `outer`, the quote that the filter stands in;
-- `command`: it is an argument of a command, and without `outer` has no quotes.
function M.at(text, sources, options)
  local at = {
    state = "test", depth = 0, sources = sources,
    outer = options and options.outer, command = options and options.command,
  }
  at.shell = at.command and not at.outer -- which takes < > and braces for itself
  local start = read(at, text)
  local found = {}
  -- quotes hold values, and nothing else
  if not at.quote or at.state == "value" or at.state == "values" then
    offer[at.state](at, found, text:sub(start))
  end
  return found, start
end

-- Ids of rules that are built in, and their tags.
function M.add_rules(found, prefix, with_tags)
  local names, seen = with_tags and {"builtin"} or {}, {}
  for _, rule in ipairs(require "portinfo.rules") do
    names[#names + 1] = rule.id
    for _, tag in ipairs(with_tags and rule.tags or {}) do
      if not seen[tag] then names[#names + 1] = tag end
      seen[tag] = true
    end
  end
  M.add(found, prefix, names)
end

return M
