-- complete.lua: what may stand at the cursor of a line of Lua, or of a dot command.
--
-- No code of the user ever runs for it: tables are read raw (rawget and next), and
-- what a call would return is told by types.lua. What cannot be known offers nothing.
--
--   at(line, cursor, env, sources) -> candidates, start
--
-- `cursor` is how many bytes stand before it; each candidate replaces the bytes from
-- `start` to the cursor. Where a file is to be named, candidates are "files". `env` is
-- where chunks live. `sources`, all optional: ports() and processes(), lists of what
-- there is now; commands, a table whose keys are the dot commands; topics, those of
-- .help.

local escape = require "portinfo.escape"
local expects = require "portinfo.expects"
local lex = require "portinfo.lex"
local schema = require "portinfo.schema"
local types = require "portinfo.types"

local M = {}

-- A line that is longer is not typed by a person.
local longest_line = 65536

-- How many keys of a table are looked at, and how many tables deep __index leads.
local most_keys, most_parents = 100000, 8

-- How often the types of names are followed.
local most_steps = 2000

-- ---- Things -------------------------------------------------------------------------

-- What an expression is, as far as it is known: {value = v}, or {type = name of a
-- type}, or {spec = {RESULT, ARGUMENT...}}, a function; `type` and `value` may stand
-- together. nil: not known.

local function class_of(value)
  local meta = debug.getmetatable(value)
  local class = type(meta) == "table" and rawget(meta, "__name")
  return type(class) == "string" and types.of_class[class] or nil
end

local function thing_of(value)
  if value == nil then return nil end
  local kind = type(value)
  if kind == "string" then return {type = "string"} end
  if kind ~= "table" and kind ~= "userdata" then return {value = value} end
  local module = rawget(package.loaded, "portinfo")
  local is_module = module ~= nil and rawequal(value, module)
  return {value = value, type = is_module and "pi" or class_of(value)}
end

local function typed(entry)
  if type(entry) == "table" then return {spec = entry} end
  return entry and {type = entry} or nil
end

-- Raw access, and on to the table that __index is.
local function parent_of(value)
  local meta = debug.getmetatable(value)
  local index = type(meta) == "table" and rawget(meta, "__index")
  return type(index) == "table" and index or nil
end

local function raw(value, key)
  for _ = 1, most_parents do
    if type(value) == "table" then
      local found = rawget(value, key)
      if found ~= nil then return found end
    end
    value = parent_of(value)
    if value == nil then return nil end
  end
  return nil
end

local function member(thing, name)
  if not thing then return nil end
  local kind = types[thing.type]
  local entry = kind and (kind.fields and kind.fields[name]
    or kind.methods and kind.methods[name])
  if entry then return typed(entry) end
  if thing.value ~= nil then return thing_of(raw(thing.value, name)) end
  return nil
end

local function element(thing, key)
  local kind = thing and types[thing.type]
  if kind and kind.element then return {type = kind.element} end
  if thing and thing.value ~= nil and key ~= nil then
    return thing_of(raw(thing.value, key))
  end
  return nil
end

-- ---- Expressions --------------------------------------------------------------------

-- `p` is what lex made of the text, and the environment.

local resolve, resolve_at

local function is_name(token)
  return token ~= nil and token.kind == "name" and not lex.keywords[token.text]
end

local function is(token, text)
  return token ~= nil and token.text == text and token.kind ~= "string"
end

-- May a call or an index follow the token?
local function ends_expression(token)
  return is_name(token) or is(token, ")") or is(token, "]")
end

-- The last token of the expression of names, calls and indices that begins at the
-- j-th; nil if it is another one, or part of one.
local function extent(p, j)
  local tokens = p.tokens
  local last
  if is_name(tokens[j]) then
    last = j
  elseif is(tokens[j], "(") then
    last = p.match[j]
  else
    return tokens[j] and tokens[j].kind == "string" and j or nil
  end
  while last do
    local after = tokens[last + 1]
    if (is(after, ".") or is(after, ":")) and is_name(tokens[last + 2]) then
      last = last + 2
    elseif is(after, "(") or is(after, "[") or is(after, "{") then
      last = p.match[last + 1]
    elseif after and after.kind == "string" then
      last = last + 1
    else
      return not (after and lex.binary[after.text]) and last or nil
    end
  end
  return nil
end

function resolve_at(p, j)
  local last = extent(p, j)
  return last and resolve(p, last)
end

-- What a call gives; `o` is the token behind the function.
local function call(p, thing, o)
  if not thing then return nil end
  if thing.spec then return {type = thing.spec[1]} end
  local argument = is(p.tokens[o], "(") and o + 1 or o
  if rawequal(thing.value, assert) then return resolve_at(p, argument) end
  if rawequal(thing.value, require) then
    local name = p.tokens[argument]
    return name and name.kind == "string" and thing_of(rawget(package.loaded, name.value)) or nil
  end
  return nil
end

-- The element that a loop over the expression after `in` gives its i-th name.
local function looped(p, j, i)
  for _ = 1, 8 do
    if not is(p.tokens[j], "in") then j = j + 1 end
  end
  if not is(p.tokens[j], "in") then return nil end
  local first = p.tokens[j + 1]
  if i == 2 and is(first, "ipairs") and is(p.tokens[j + 2], "(") then
    return element(resolve_at(p, j + 3))
  end
  return i == 1 and element(resolve_at(p, j + 1)) or nil
end

local filtering

-- The position behind the = that gives the name at i its value, or nil.
local function assigned(p, i)
  local tokens, after = p.tokens, i + 1
  if is(tokens[i - 1], "local") and is(tokens[after], "<") then after = after + 3 end
  if not is(tokens[after], "=") then return nil end
  local before = tokens[i - 1]
  if is(before, ".") or is(before, ":") or is(before, ",") then return nil end
  local around = p.around[i]
  return not (around and is(tokens[around], "{")) and after + 1 or nil
end

-- If the name at i is declared there, and means that for the n-th token, a function
-- that tells what it is.
local function declares(p, i, n)
  local tokens = p.tokens
  local one, two, three = tokens[i - 1], tokens[i - 2], tokens[i - 3]
  if is(one, "for") then return function() return looped(p, i, 1) end end
  if is(one, ",") and is(three, "for") then return function() return looped(p, i, 2) end end
  if is(one, "(") and is(two, "function") then
    return function() return filtering(p, i - 2) and {type = "row"} or nil end
  end
  local value = assigned(p, i)
  if value then
    -- the value itself, as in local q = q:all(), knows an older one
    if n <= (extent(p, value) or 0) then return nil end
    return function() return resolve_at(p, value) end
  end
  return is(one, "local") and function() end or nil
end

-- The variable that is named by the n-th token: declared before it, or a global.
local function variable(p, n)
  local name = p.tokens[n].text
  for i = n - 1, 1, -1 do
    p.steps = p.steps + 1
    if p.steps > 10 * most_steps then return nil end
    if is_name(p.tokens[i]) and p.tokens[i].text == name then
      local tell = declares(p, i, n)
      if tell then return tell() end
    end
  end
  return thing_of(raw(p.env, name))
end

-- The key in brackets, if it is a plain one.
local function plain_key(p, open, close)
  local token = p.tokens[open + 1]
  if close ~= open + 2 then return nil end
  if token.kind == "string" then return token.value end
  return token.kind == "number" and tonumber(token.text) or nil
end

-- What the expression is that ends with the m-th token.
function resolve(p, m)
  local token = p.tokens[m]
  p.steps, p.depth = p.steps + 1, p.depth + 1
  if not token or p.steps > most_steps or p.depth > 100 then
    p.depth = p.depth - 1
    return nil
  end
  local o, thing = p.match[m], nil
  if is_name(token) then
    local sign = p.tokens[m - 1]
    if is(sign, ".") or is(sign, ":") then
      thing = member(resolve(p, m - 2), token.text)
    else
      thing = variable(p, m)
    end
  elseif token.kind == "string" then
    local called = ends_expression(p.tokens[m - 1])
    thing = called and call(p, resolve(p, m - 1), m) or not called and {type = "string"} or nil
  elseif o and o < m and ends_expression(p.tokens[o - 1]) then
    local base = resolve(p, o - 1)
    thing = is(token, "]") and element(base, plain_key(p, o, m)) or call(p, base, o)
  elseif o and o < m and is(token, ")") and extent(p, o + 1) == m - 1 then
    thing = resolve(p, m - 1)
  end
  p.depth = p.depth - 1
  return thing
end

-- ---- Slots --------------------------------------------------------------------------

-- What is expected in a place: {kind = one of types.lua's arguments, or "value" of a
-- `field`, or "key" of a `thing`; list = in a table}.

-- What a function takes as its i-th argument.
local function argument(thing, i)
  local spec = thing and thing.spec
  if not spec then return nil end
  local kind = spec[i + 1]
  if not kind and i >= #spec and types.repeated[spec[#spec]] then kind = spec[#spec] end
  return kind and {kind = kind} or nil
end

local slot

-- What the table is for that is opened by the o-th token.
local function table_slot(p, o)
  if ends_expression(p.tokens[o - 1]) then return argument(resolve(p, o - 1), 1) end
  return slot(p, o - 1)
end

-- What stands behind `name =` in a table that is for `of`.
local function value_slot(of, name)
  if not of then return nil end
  if of.kind == "filter" then return {kind = "value", field = name} end
  local options = types.options[of.kind]
  return options and options[name] and {kind = options[name]} or nil
end

-- What is expected behind the n-th token, if a value begins there.
function slot(p, n)
  p.steps = p.steps + 1
  if p.steps > most_steps then return nil end
  local last, o = p.tokens[n], p.around[n + 1]
  local open = o and p.tokens[o]
  if is(open, "(") and (n == o or is(last, ",")) and ends_expression(p.tokens[o - 1]) then
    local i = 1
    for k = o + 1, n do
      if is(p.tokens[k], ",") and p.around[k] == o then i = i + 1 end
    end
    return argument(resolve(p, o - 1), i)
  elseif is(open, "[") and n == o and ends_expression(p.tokens[o - 1]) then
    return {kind = "key", thing = resolve(p, o - 1)}
  elseif not is(open, "{") then
    return nil
  end
  local before = p.tokens[n - 2]
  if is(last, "=") and is_name(p.tokens[n - 1])
    and (n - 2 == o or is(before, ",") or is(before, ";")) then
    return value_slot(table_slot(p, o), p.tokens[n - 1].text)
  end
  if n ~= o and not is(last, ",") and not is(last, ";") then return nil end
  local of = table_slot(p, o)
  return of and {kind = of.kind, field = of.field, list = true} or nil
end

-- Is the function whose keyword is the f-th token an argument that tests rows?
function filtering(p, f)
  local of = slot(p, f - 1)
  return of ~= nil and of.kind == "filter"
end

-- ---- Candidates ---------------------------------------------------------------------

local function begins(text, prefix) return text:sub(1, #prefix) == prefix end

-- Adds the keys of a table that begin with the prefix and are names; `wanted` may ask
-- for values of one type.
local function add_keys(found, value, prefix, wanted, any_text)
  for _ = 1, most_parents do
    local visited = 0
    local key, entry
    if type(value) == "table" then key, entry = next(value) end
    while key ~= nil and visited < most_keys do
      visited = visited + 1
      local fits = type(key) == "string" and begins(key, prefix)
        and (any_text or key:find "^[A-Za-z_][A-Za-z0-9_]*$" and not lex.keywords[key])
      if fits and (not wanted or type(entry) == wanted) then found[#found + 1] = key end
      key, entry = next(value, key)
    end
    value = parent_of(value)
    if value == nil then return end
  end
end

local strings = debug.getmetatable("").__index

local function members(thing, sign, prefix)
  local found = {}
  if not thing then return found end
  if thing.type == "string" and sign == ":" then
    add_keys(found, strings, prefix, "function")
  end
  local kind = types[thing.type]
  local set = kind and (sign == ":" and kind.methods or sign == "." and kind.fields)
  for name in pairs(set or {}) do
    if begins(name, prefix) then found[#found + 1] = name end
  end
  if thing.value ~= nil and (thing.type == nil or thing.type == "pi") then
    add_keys(found, thing.value, prefix, sign == ":" and "function" or nil)
  end
  return found
end

-- Globals, what the text has named before, and keywords.
local function names(p, prefix)
  local found = {}
  add_keys(found, p.env, prefix)
  if prefix == "" then return found end
  for i = 1, #p.tokens do
    local token = p.tokens[i]
    if is_name(token) and begins(token.text, prefix) and #token.text > #prefix
      and declares(p, i, #p.tokens + 1) then
      found[#found + 1] = token.text
    end
  end
  for word in pairs(lex.keywords) do
    if begins(word, prefix) then found[#found + 1] = word end
  end
  return found
end

-- Adds what a string of this slot may be. Each is the whole of it.
local string_of = {}

function string_of.fields(found, prefix) expects.add(found, prefix, schema.names) end

function string_of.keys(found, prefix)
  local down, rest = prefix:match "^(%-?)(.*)$"
  for _, name in ipairs(schema.names) do
    if begins(name, rest) then found[#found + 1] = down .. name end
  end
end

function string_of.reads(found, prefix)
  expects.add(found, prefix, schema.groups)
  expects.add(found, prefix, schema.names)
end

function string_of.port(found, prefix) expects.add_services(found, prefix) end

string_of.service = string_of.port

function string_of.value(found, prefix, of, sources, quote)
  local kind, words = expects.values_of(of.field)
  if words then
    expects.add(found, prefix, words)
  elseif kind == "port" or kind == "service" then
    expects.add_services(found, prefix)
    if kind == "port" then expects.add(found, prefix, types.words.host_ports) end
  elseif kind == "process" then
    -- a string in a table is a word: * ? [ would be patterns
    expects.add_processes(found, prefix, sources, function(name)
      local plain = not name:find("[\\*?[%]]") and not name:find(quote, 1, true)
      return plain and name or nil
    end)
  end
end

function string_of.key(found, prefix, of, _, quote)
  local value = of.thing and of.thing.value
  if type(value) ~= "table" then return end
  local keys = {}
  add_keys(keys, value, prefix, nil, true)
  for _, key in ipairs(keys) do
    local plain = escape(key) == key and not key:find("\\", 1, true)
    if plain and not key:find(quote, 1, true) then found[#found + 1] = key end
  end
end

local function add_strings(found, prefix, of, sources, quote)
  local add = string_of[of.kind]
  if add then return add(found, prefix, of, sources, quote) end
  if types.words[of.kind] then expects.add(found, prefix, types.words[of.kind]) end
end

-- Inside a string. Its escapes are not read: nothing that is offered needs them.
local function in_string(p, sources)
  local open = p.open
  local of = ends_expression(p.tokens[#p.tokens])
    and argument(resolve(p, #p.tokens), 1) or slot(p, #p.tokens)
  if not of then return {}, open.first end
  local text = p.text:sub(open.first)
  if of.kind == "file" then return "files", open.first end
  if of.kind == "template" then
    local brace = text:find "{[A-Za-z0-9_]*$"
    local found = {}
    if brace then expects.add(found, text:sub(brace + 1), schema.names) end
    return found, open.first + (brace or 0)
  end
  if of.kind == "filter" then
    local found, start = expects.at(text, sources, {outer = open.quote})
    return found, open.first + start - 1
  end
  local found = {}
  add_strings(found, text, of, sources, open.quote)
  return found, open.first
end

-- Where a value begins: what fits there, strings with their quotes. False if anything
-- else may.
local function in_slot(found, prefix, of, sources)
  local function add(text)
    if begins(text, prefix) then found[#found + 1] = text end
  end
  local kind = of.kind == "value" and expects.values_of(of.field) or of.kind
  if of.kind == "filter" and of.list then
    for _, name in ipairs(expects.fields) do add(name) end
  elseif types.options[of.kind] and of.list then
    for name in pairs(types.options[of.kind]) do add(name) end
  elseif kind == "port" then
    expects.add_ports(found, prefix, sources)
    return prefix == "" or prefix:find "^%d" ~= nil
  elseif kind == "bool" then
    add "true"
    add "false"
  elseif kind ~= "key" then
    local strs = {}
    -- names of services, of which there are thousands, wait for the quote
    if kind ~= "service" then add_strings(strs, prefix, of, sources, '"') end
    for _, text in ipairs(strs) do found[#found + 1] = '"' .. text .. '"' end
  end
  return #found > 0
end

-- ---- Lua ----------------------------------------------------------------------------

local new_name = {["local"] = true, ["for"] = true, ["function"] = true, ["goto"] = true,
                  ["::"] = true}

local function in_code(text, env, sources)
  local p = lex.read(text)
  p.env, p.steps, p.depth = env, 0, 0
  if p.open and p.open.kind == "comment" then return {}, #text + 1 end
  if p.open then return in_string(p, sources) end
  -- the word that is being typed is no part of what stands before it
  local word = p.tokens[#p.tokens]
  local prefix, start = "", #text + 1
  if word and word.last == #text and (word.kind == "name" or word.kind == "number") then
    prefix, start = word.text, word.first
    p.tokens[#p.tokens] = nil
  end
  local last = p.tokens[#p.tokens]
  if is(last, ".") or is(last, ":") then
    return members(resolve(p, #p.tokens - 1), last.text, prefix), start
  end
  if last and new_name[last.text] and last.kind ~= "string" then return {}, start end
  local found, of = {}, slot(p, #p.tokens)
  if of and in_slot(found, prefix, of, sources) then return found, start end
  if prefix:find "^%d" then return found, start end
  return names(p, prefix), start
end

-- ---- Dot commands -------------------------------------------------------------------

local modes = {"table", "line", "tsv", "csv", "json", "ndjson"}

-- What the commands take; the shell's own table says which there are.
M.commands = {
  help = "topic", fields = "none", apropos = "none", mode = modes, timer = {"on", "off"},
  last = "none", explain = "code", save = "file", open = "file", diff = "file",
  watch = "code", audit = "rules", quit = "none",
}

local function topics(sources)
  local found = {}
  for key, value in pairs(sources.topics or {fields = true, flags = true}) do
    found[#found + 1] = type(key) == "string" and key or value
  end
  return found
end

local function in_command(text, env, sources)
  local name, argument_at = text:match "^%s*%.(%w*)()"
  local found = {}
  if argument_at > #text then
    local known = {}
    for key in pairs(sources.commands or M.commands) do known[#known + 1] = key end
    expects.add(found, name, known)
    return found, argument_at - #name
  end
  local kind = M.commands[name]
  local begin = text:match("^%s*()", argument_at)
  if begin == argument_at or not kind or kind == "none" then return {}, #text + 1 end
  if kind == "code" then
    local candidates, start = in_code(text:sub(begin), env, sources)
    return candidates, start + begin - 1
  end
  if kind == "file" then return "files", begin end
  if kind == "rules" then
    expects.add_rules(found, text:sub(begin), true)
    return #found == 0 and "files" or found, begin
  end
  expects.add(found, text:sub(begin), kind == "topic" and topics(sources) or kind)
  return found, begin
end

function M.at(line, cursor, env, sources)
  sources = sources or {}
  if #line > longest_line then return {}, cursor + 1 end
  local text = line:sub(1, cursor)
  local found, start
  if text:find "^%s*%." then
    found, start = in_command(text, env, sources)
  else
    -- a leading = is the prompt's own
    local code, equals = text:gsub("^(%s*)=", "%1 ")
    found, start = in_code(equals > 0 and code or text, env, sources)
  end
  return found == "files" and found or expects.sorted(found), start
end

return M
