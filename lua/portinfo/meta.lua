-- meta.lua: the fields and functions as definitions for editors (LuaCATS, as
-- lua-language-server reads it): they complete scripts, with what the prompt's
-- help says.

local core = require "portinfo.core"
local docs = require "portinfo.docs"
local glossary = require "portinfo.glossary"
local help = require "portinfo.help"
local schema = require "portinfo.schema"
local shapes = require "portinfo.shapes"

local M = {}

local function quoted(words)
  local list = {}
  for i, word in ipairs(words) do list[i] = ("%q"):format(word) end
  return table.concat(list, "|")
end

-- ---- Aliases ---------------------------------------------------------------------

-- A union, with what each word of it means.
local function union(name, words, meanings)
  local out = {("---@alias portinfo.%s"):format(name)}
  for _, word in ipairs(words) do
    local meaning = meanings and meanings[word]
    out[#out + 1] = ("---| %q%s"):format(word, meaning and " # " .. meaning or "")
  end
  return table.concat(out, "\n")
end

local function aliases()
  local out = {}
  for _, field in ipairs(schema.fields) do
    if field.words then
      out[#out + 1] = union("word." .. field.name, field.words, glossary.words[field.name])
    end
  end
  out[#out + 1] = union("field", schema.names)
  out[#out + 1] = union("group", schema.groups, glossary.groups)
  local flags = {}
  for _, flag in ipairs(core.flags()) do flags[flag] = help.flag_meaning(flag) end
  out[#out + 1] = union("flag", core.flags(), flags)
  out[#out + 1] = union("transport", {"tcp", "udp", "sctp", "dccp"})
  out[#out + 1] = union("severity", {"note", "warning", "error"})
  out[#out + 1] = union("format", {"tsv", "csv", "json", "ndjson"})
  out[#out + 1] = union("range_name", {"system", "user", "dynamic", "ephemeral", "privileged"})
  out[#out + 1] = union("status", {"assigned", "unassigned", "reserved", "de-assigned",
                                   "generic", "dynamic"})
  out[#out + 1] = "---@alias portinfo.spec portinfo.flag|string|portinfo.where"
    .. "|portinfo.predicate|fun(row: portinfo.row): boolean?"
  return out
end

-- ---- Classes ---------------------------------------------------------------------

-- What a row gives of a field, by its type; nil and false beside it.
local given = {
  port = "integer", address = "string", text = "string", number = "integer",
  bool = "boolean", time = "integer", holders = "portinfo.holder[]",
}

-- Always told of every row.
local sure = {
  proto = true, family = true, state = true, laddr = true,
  owner = true,
}

local function type_in_row(field)
  local kind = field.words and "portinfo.word." .. field.name or given[field.type]
  if field.several and field.group == "derived" then kind = kind .. "[]" end
  if sure[field.name] then return kind end
  return kind .. (field.type == "bool" and "|nil" or "|false|nil")
end

-- What a filter's table takes for it: a value, a list of them, true or false.
local function type_in_filter(field)
  local value = "string"
  if field.words then value = quoted(field.words) end
  if field.type == "bool" then return "boolean" end
  if field.type == "holders" then return "boolean" end
  if given[field.type] == "integer" then value = "integer|string|portinfo.range" end
  return ("%s|(%s)[]|boolean"):format(value, value)
end

local function class(name, summary, members)
  local out = {("---%s\n---@class %s"):format(summary, name)}
  for _, member in ipairs(members) do
    out[#out + 1] = ("---@field %s %s %s"):format(member[1], member[2], member[3] or "")
  end
  return (table.concat(out, "\n"):gsub(" +%f[\n\0]", ""))
end

local function row()
  local members = {}
  for i, field in ipairs(schema.fields) do
    members[i] = {field.name, type_in_row(field), field.meaning}
  end
  return class("portinfo.row", "One socket. nil: unknown; false: known to be empty.", members)
end

local function filter()
  local members = {{"[integer]", "portinfo.spec", "that must hold as well"}}
  local function add(name, field, meaning)
    members[#members + 1] = {name .. "?", type_in_filter(field), meaning}
  end
  for _, field in ipairs(schema.fields) do add(field.name, field, field.meaning) end
  for _, name in ipairs{"port", "addr"} do
    local sides = schema.pairs[name]
    add(name, schema.by_name[sides[1]], ("%s or %s"):format(sides[1], sides[2]))
  end
  return class("portinfo.where", "A filter as a table, all of which must hold.", members)
end

-- ---- Functions -------------------------------------------------------------------

local function say(out, text)
  for line in (text .. "\n"):gmatch "(.-)\n" do out[#out + 1] = "---" .. line end
end

local function add_returns(out, entry)
  if not entry.gives then return end
  local kind = entry.gives
  if entry.refuses then kind = kind:gsub("%??$", "?") end
  out[#out + 1] = "---@return " .. kind
  if entry.second then
    out[#out + 1] = ("---@return %s"):format(entry.refuses and entry.second .. "|string?"
      or entry.second)
  end
  if entry.refuses then
    if not entry.second then out[#out + 1] = "---@return string? message" end
    out[#out + 1] = "---@return integer? errno"
  end
end

-- One function of the table or class that is called `of` here; `by` is . or :
local function definition(of, by, entry)
  local out, names = {}, {}
  say(out, entry.summary)
  if entry.text then say(out, "\n" .. entry.text) end
  say(out, "```lua\n" .. entry.example .. "\n```")
  for i, parameter in ipairs(entry.takes) do
    out[#out + 1] = ("---@param %s %s %s"):format(table.unpack(parameter))
    names[i] = parameter[1]:gsub("%?$", "")
  end
  add_returns(out, entry)
  out[#out + 1] = ("function %s%s%s(%s) end"):format(of, by, entry.name,
                                                     table.concat(names, ", "))
  return table.concat(out, "\n")
end

local function object(out, name, summary, entries, head)
  out[#out + 1] = ("---%s\n---@class portinfo.%s%s\nlocal %s = {}"):format(
    summary, name, head or "", name)
  for _, entry in ipairs(entries) do out[#out + 1] = definition(name, ":", entry) end
end

-- A reading takes the methods of a query, too, but for the one that makes it.
local function methods_of_reading()
  local own, list = {}, {}
  for i, entry in ipairs(docs.reading) do
    own[entry.name] = true
    list[i] = entry
  end
  for _, entry in ipairs(docs.query) do
    if not own[entry.name] and entry.name ~= "snapshot" then list[#list + 1] = entry end
  end
  return list
end

-- The whole file.
function M.text()
  local out = {("---@meta portinfo\n-- portinfo %s: made by portinfo schema --format luacats.")
    :format(core.version)}
  table.move(aliases(), 1, 100, #out + 1, out)
  out[#out + 1] = row()
  out[#out + 1] = filter()
  for _, entry in ipairs(shapes) do
    out[#out + 1] = class(entry[1], entry[2], entry[3])
  end
  object(out, "predicate", "A filter as a value.", docs.predicate,
    "\n---@operator band(portinfo.predicate): portinfo.predicate"
    .. "\n---@operator bor(portinfo.predicate): portinfo.predicate"
    .. "\n---@operator bnot: portinfo.predicate")
  object(out, "query", "A lazy question; it never changes, its methods make new ones.",
    docs.query)
  object(out, "reading", "A reading that is kept; # counts its rows.", methods_of_reading(),
    "\n---@operator len: integer")
  out[#out + 1] = "---@class portinfo\n---@field _VERSION string of portinfo\n"
    .. "---@field registry_date string of IANA's registry\nlocal portinfo = {}"
  for _, entry in ipairs(docs.functions) do
    out[#out + 1] = definition("portinfo", ".", entry)
  end
  out[#out + 1] = "---The module, which is there at the prompt and in -e.\n"
    .. "pi = portinfo"
  out[#out + 1] = "return portinfo"
  return table.concat(out, "\n\n") .. "\n"
end

return M
