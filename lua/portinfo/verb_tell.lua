-- verb_tell.lua: what is known without a question of sockets: search, doctor, schema.

local call = require "portinfo.call"
local core = require "portinfo.core"
local later = require "portinfo.later"
local origin = require "portinfo.origin"

local doctor, glossary, json = later "doctor", later "glossary", later "json"
local meta, schema, screen = later "meta", later "schema", later "screen"
local search = later "search"
local mistake, write, remark = call.mistake, call.write, call.remark

local M = {}

function M.search(words, options)
  if #words == 0 then mistake "name a word to search for, as in portinfo search redis" end
  if options.from then mistake "--from is for ls and pages: a search asks the registry" end
  local hits = core.search(table.concat(words, " "))
  local format = call.output_format(options, "tsv")
  if not search[format] then
    mistake("a search comes as a table, tsv or json, not %s", format)
  end
  write(search[format](hits, screen.view(options)))
  if #hits == 0 then
    remark(options, {("nothing found for '%s'"):format(table.concat(words, " "))})
  end
  return #hits > 0 and 0 or 1
end

function M.doctor(words, options)
  if #words > 0 then mistake("doctor takes no words, not '%s'", words[1]) end
  if options.from then mistake "--from is for ls and pages: the doctor looks at this machine" end
  local data = doctor.data(origin(options))
  if options.netns and data.error then mistake("%s", data.error) end
  if options.format == "json" then
    data.v = 1
    write(json.encode(data) .. "\n")
  elseif options.format == nil or options.format == "table" then
    write(doctor.text(data))
  else
    mistake("doctor comes as text or --format json, not %s", options.format)
  end
  local partial = data.error or #data.blind_spots > 0
  return options.strict and partial and 3 or 0
end

-- The fields, a line each, and what else filters are made of.
local function schema_json()
  local fields, groups = {}, {}
  for i, field in ipairs(schema.fields) do fields[i] = json.encode(field) end
  for i, name in ipairs(schema.groups) do
    groups[i] = {name = name, meaning = glossary.groups[name]}
  end
  return json.encode{
    v = 1, version = core.version, groups = groups, flags = core.flags(),
    aliases = schema.aliases, sides = schema.pairs,
    fields = json.raw("[\n" .. table.concat(fields, ",\n") .. "\n]"),
  } .. "\n"
end

function M.schema(words, options)
  if #words > 0 then mistake("schema takes no words, not '%s'", words[1]) end
  if options.from then mistake "--from is for ls and pages: the schema is of this program" end
  if options.format == "luacats" then
    write(meta.text())
  elseif options.format == nil or options.format == "json" then
    write(schema_json())
  else
    mistake("the schema comes as --format json or luacats, not %s", options.format)
  end
  return 0
end

return M
