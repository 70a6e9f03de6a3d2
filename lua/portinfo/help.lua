-- help.lua: explains whatever a person can call or type: functions and methods,
-- fields, flags and the words of fields, and the commands of the prompt. What it
-- says comes from docs.lua, glossary.lua and the schema.

local core = require "portinfo.core"
local docs = require "portinfo.docs"
local glossary = require "portinfo.glossary"
local render = require "portinfo.render"
local schema = require "portinfo.schema"

local M = {entries = {}}

-- What a type is called at the prompt: portinfo.query is a query.
local function plain(type_name)
  return (type_name:gsub("portinfo%.", ""):gsub("%?$", ""))
end

-- pi.sockets(spec?, options?) -> query
local function signature(title, entry)
  local names = {}
  for i, parameter in ipairs(entry.takes) do names[i] = parameter[1] end
  local text = ("%s(%s)"):format(title, table.concat(names, ", "))
  if not entry.gives then return text end
  text = ("%s -> %s"):format(text, plain(entry.gives))
  return entry.second and ("%s, %s"):format(text, plain(entry.second)) or text
end

local function add(kind, name, title, entry)
  M.entries[#M.entries + 1] = {
    kind = kind, name = name, title = title, summary = entry.summary,
    signature = entry.signature, text = entry.text, example = entry.example,
    details = entry.details,
  }
end

local function add_callable(kind, prefix, list)
  for _, entry in ipairs(list) do
    local title, details = prefix .. entry.name, {}
    for i, parameter in ipairs(entry.takes) do
      details[i] = {parameter[1], parameter[3]}
    end
    local text = entry.text
    if entry.refuses then
      text = (text and text .. " " or "") .. "The system's refusal is nil, message, errno."
    end
    add(kind, entry.name, title, {
      summary = entry.summary, signature = signature(title, entry), text = text,
      example = entry.example, details = details,
    })
  end
end

-- An example of a filter, as the prompt asks it; a filter has quotes of one kind.
local function asked(filter)
  local quote = filter:find("'", 1, true) and '"' or "'"
  return ("pi.sockets %s%s%s"):format(quote, filter, quote)
end

local kinds_of_values = {
  port = "a port", address = "an address", word = "a word", text = "text",
  number = "a number", bool = "yes or no", time = "a time, in seconds since 1970",
  holders = "a list",
}

local function add_field(field)
  local parts = {kinds_of_values[field.type]}
  if field.unit then parts[1] = ("%s (%s)"):format(parts[1], field.unit) end
  if field.several then parts[#parts + 1] = "possibly several" end
  parts[#parts + 1] = ("of the %s fields, which %s"):format(field.group,
    glossary.groups[field.group])
  local details
  if field.words then
    details = {}
    for i, word in ipairs(field.words) do details[i] = {word, glossary.words[field.name][word]} end
  end
  add("field", field.name, field.name, {
    summary = field.meaning, text = table.concat(parts, ", ") .. ".",
    example = asked(glossary.fields[field.name]), details = details,
  })
end

local function add_sides(name, sides)
  add("field", name, name, {
    summary = ("%s or %s, in filters"):format(sides[1], sides[2]),
    example = asked(glossary.fields[name]),
  })
end

-- The fields whose words are flags, too.
local flag_fields = {"proto", "state", "role", "exposure"}

-- What a flag means.
function M.flag_meaning(flag)
  if glossary.flags[flag] then return glossary.flags[flag] end
  for _, name in ipairs(flag_fields) do
    local meaning = glossary.words[name][flag]
    if meaning then return ("%s = %s: %s"):format(name, flag, meaning) end
  end
end

add_callable("function", "pi.", docs.functions)
add_callable("query", "query:", docs.query)
add_callable("reading", "reading:", docs.reading)
add_callable("predicate", "predicate:", docs.predicate)
for _, entry in ipairs(docs.operators) do add("operator", entry.name, entry.title, entry) end
for _, field in ipairs(schema.fields) do add_field(field) end
for _, name in ipairs{"port", "addr"} do add_sides(name, schema.pairs[name]) end
for _, flag in ipairs(core.flags()) do
  add("flag", flag, flag, {summary = M.flag_meaning(flag), example = asked(flag)})
end
for _, entry in ipairs(docs.commands) do
  add("command", entry.name, "." .. entry.name, {
    summary = entry.summary, example = entry.example,
    signature = ("." .. entry.name .. " " .. entry.takes):gsub(" $", ""),
  })
end

-- ---- Look-ups --------------------------------------------------------------------

-- The entries that a name means, in any of its spellings: where, :where,
-- query:where, pi.sockets, .help; a field also by another tool's name.
function M.find(name)
  local found = {}
  local key = name:lower():gsub("%(.*$", ""):gsub("^snapshot:", "reading:")
  local bare = key:gsub("^:", "")
  bare = schema.aliases[bare] or bare
  for _, entry in ipairs(M.entries) do
    if entry.title == key or entry.name == bare then found[#found + 1] = entry end
  end
  if #found > 0 then return found end
  for _, entry in ipairs(M.entries) do -- a word of a field: orphan
    for _, detail in ipairs(entry.kind == "field" and entry.details or {}) do
      if detail[1] == bare then found[#found + 1] = entry end
    end
  end
  return found
end

-- Entries that have a word in their name, before those that have it in what is said
-- of them.
function M.apropos(word)
  local named, told = {}, {}
  word = word:lower()
  for _, entry in ipairs(M.entries) do
    local said = entry.summary .. " " .. (entry.text or "")
    for _, detail in ipairs(entry.details or {}) do
      said = ("%s %s %s"):format(said, detail[1], detail[2])
    end
    if entry.title:find(word, 1, true) then
      named[#named + 1] = entry
    elseif said:lower():find(word, 1, true) then
      told[#told + 1] = entry
    end
  end
  return table.move(told, 1, #told, #named + 1, named)
end

-- ---- Text ------------------------------------------------------------------------

local lead = 18

-- A name and what it is, side by side; `width` columns (80), of which the name has
-- `room` (18).
local function line(name, meaning, width, room)
  room = room or lead
  local text = render.wrap(meaning, math.max((width or 80) - room - 4, 20), room + 3)
  return ("  %-" .. room .. "s %s\n"):format(name, text)
end

-- The line of an entry in a list.
function M.line(entry, width) return line(entry.title, entry.summary, width) end

local function paragraph(text, width)
  return "  " .. render.wrap(text, math.max((width or 80) - 4, 20), 2) .. "\n"
end

local function describe(entry, width)
  local out = {("%s\n"):format(entry.signature or entry.title)}
  out[2] = paragraph(entry.summary, width)
  if entry.text then out[#out + 1] = paragraph(entry.text, width) end
  for _, detail in ipairs(entry.details or {}) do
    out[#out + 1] = line(detail[1], detail[2], width)
  end
  if entry.example then
    out[#out + 1] = "\n    " .. entry.example:gsub("\n", "\n    ") .. "\n"
  end
  return table.concat(out)
end

-- What lists entries of a kind, by the words that ask for it.
local sections = {
  {"pi", "function", "functions of the module", "functions"},
  {"query", "query", "methods of a query", "queries"},
  {"reading", "reading", "methods of a reading, besides those of a query", "snapshot"},
  {"predicate", "predicate", "methods of a predicate, besides & | ~", "predicates"},
  {"operators", "operator", "what rows, readings and predicates do besides", "rows"},
  {"fields", "field", "fields of a row, in filters, columns and Lua", "field"},
  {"flags", "flag", "words that are a filter by themselves", "filters"},
  {"commands", "command", "commands of the prompt", "dot"},
}

local function section_text(section, width)
  local out = {section[3] .. ":\n"}
  for _, entry in ipairs(M.entries) do
    if entry.kind == section[2] then out[#out + 1] = M.line(entry, width) end
  end
  return table.concat(out)
end

local function overview(width)
  local out = {render.wrap("Lua, with the module as pi; a value is shown, a query runs and "
    .. "prints a table.", width or 80, 0) .. "\n\n"}
  for _, example in ipairs{"pi.listening()", "pi.sockets 'established :443'",
                           "pi.who(8080)", "pi.page(22)"} do
    local name = example:match "^pi%.(%l+)"
    out[#out + 1] = line(example, M.find("pi." .. name)[1].summary, width, 29)
  end
  out[#out + 1] = "\n" .. render.wrap("_ and __ are the last values, _err the last error. "
    .. "Ctrl-C clears the line or stops what runs. Lines with a dot:", width or 80, 0) .. "\n"
  for _, entry in ipairs(M.entries) do
    if entry.kind == "command" then
      out[#out + 1] = line(entry.signature, entry.summary, width, 24)
    end
  end
  out[#out + 1] = "\nA TOPIC is a name, as query:where, or one of these:\n"
  for _, section in ipairs(sections) do
    if section[2] ~= "command" then out[#out + 1] = line(section[1], section[3], width, 24) end
  end
  return table.concat(out)
end

-- What there is to say of a topic, in lines of `width` columns (80); without one,
-- what topics there are. nil and a message if nobody knows it.
function M.topic(name, width)
  if name == nil or name == "" then return overview(width) end
  local out, key = {}, name:lower()
  for _, section in ipairs(sections) do
    if key == section[1] or key == section[4] then
      out[#out + 1] = section_text(section, width)
    end
  end
  local listed = #out > 0 -- as .fields does, and need not be told of it
  for _, entry in ipairs(M.find(name)) do
    if not listed or entry.kind ~= "command" then out[#out + 1] = describe(entry, width) end
  end
  if #out > 0 then return table.concat(out, "\n") end
  local names = {}
  for i, entry in ipairs(M.entries) do names[i] = entry.name end
  local near = core.nearest(key:gsub("^[.:]", ""), names)
  return nil, ("nothing is known of '%s'%s"):format(name, near
    and ": did you mean '" .. near .. "'?" or "; try .apropos")
end

return M
