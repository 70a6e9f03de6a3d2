-- offer.lua: what the last word of a command line may be, for the completion of shells.
--
--   at(shell, words, vocabulary, sources) -> list of candidates
--
-- `words` are those behind the command's name, the last of them begun; it may be empty.
-- Each candidate stands for the whole of it. "/" alone says that a file is to be named,
-- which shells know best. `vocabulary` is the command's own tables of options and verbs
-- (cli.lua), `sources` as for complete.at.

local core = require "portinfo.core"
local expects = require "portinfo.expects"
local schema = require "portinfo.schema"

local M = {}

local files = {"/"}

local shells = {bash = true, zsh = true, fish = true}

-- What the words behind a verb are, in their order; the last kind is for all further
-- ones.
local kinds = {
  ls = {"filter"}, explain = {"filter"}, port = {"page"}, save = {"file", "filter"},
  diff = {"file", "file", "none"}, search = {"service"}, doctor = {"none"},
  wait = {"filter"}, watch = {"filter"}, free = {"none"}, why = {"page", "none"}, schema = {"none"},
  audit = {"rules"}, probe = {"action", "none"}, help = {"none"},
}

local function keys_of(set)
  local list = {}
  for key in pairs(set) do list[#list + 1] = key end
  return list
end

-- ---- Words -------------------------------------------------------------------------

-- A word as the shell gives it, which may be in quotes or in the first of two: its
-- text and the quote.
local function unquote(word)
  local quote, rest = word:match "^(['\"])(.*)$"
  if not quote then return (word:gsub("\\(.)", "%1")) end
  if rest:sub(-1) == quote then rest = rest:sub(1, -2) end
  return rest, quote
end

local by_kind = {}

-- ---- Values of options ---------------------------------------------------------------

-- The last of a list of fields; the ones before it stay as they are.
local function field_list(names)
  return function(prefix)
    local head, last = prefix:match "^(.-)([^,]*)$"
    local found, out = {}, {}
    expects.add(found, last, names)
    for i, name in ipairs(found) do out[i] = head .. name end
    return out
  end
end

local function sort_keys()
  local names = {}
  for _, name in ipairs(schema.names) do
    names[#names + 1] = name
    names[#names + 1] = "-" .. name
  end
  names[#names + 1], names[#names + 2] = "count", "-count"
  return names
end

local takes_file = {
  ["--from"] = true, ["--proc"] = true, ["--baseline"] = true, ["--write-baseline"] = true,
  ["--test"] = true,
}

-- The formats of a verb that has its own, and JSON; nil of others.
local function formats_of(verb, vocabulary)
  local list
  for format, of in pairs(vocabulary.special) do
    if of == verb then
      list = list or {"json"}
      list[#list + 1] = format
    end
  end
  return list
end

-- Network namespaces by what the option takes: a container is no such name.
local function add_namespaces(found, prefix, sources)
  expects.add(found, prefix, {"all", "own"})
  for _, name in ipairs(sources.namespaces()) do
    if not name:find ":" or name:find "^pid:" then expects.add(found, prefix, {name}) end
  end
end

local function option_value(name, prefix, vocabulary, verb, sources)
  if takes_file[name] then return files end
  if name == "--columns" or name == "--tally" or name == "--distinct" then
    return field_list(schema.names)(prefix)
  end
  if name == "--describe" then
    local ids = {}
    expects.add_rules(ids, prefix, false)
    return ids
  end
  if name == "--netns" then
    local names = {}
    add_namespaces(names, prefix, sources)
    return names
  end
  if name == "--sort" then return field_list(sort_keys())(prefix) end
  local words = vocabulary.words[name]
  local own = name == "--format" and formats_of(verb, vocabulary)
  local found = {}
  expects.add(found, prefix, own or words and keys_of(words) or {})
  return found
end

local function options(prefix, vocabulary, verb, sources)
  local name, value = prefix:match "^(%-%-[%l-]+)=(.*)$"
  local found = {}
  if name then
    if not vocabulary.valued[name] then return found end
    for i, text in ipairs(option_value(name, value, vocabulary, verb, sources)) do
      found[i] = text == "/" and text or name .. "=" .. text
    end
    return found
  end
  expects.add(found, prefix, keys_of(vocabulary.valued))
  expects.add(found, prefix, keys_of(vocabulary.switches))
  return found
end

-- ---- Words in position ---------------------------------------------------------------

function by_kind.none() return {} end

function by_kind.file() return files end

function by_kind.service(prefix)
  local found = {}
  expects.add_services(found, prefix)
  return found
end

-- A port or a service, with a transport behind a slash.
function by_kind.page(prefix, sources, vocabulary)
  local found = {}
  local name, transport = prefix:match "^([%w._-]+)/(%a*)$"
  if not name then
    expects.add_ports(found, prefix, sources)
    expects.add_services(found, prefix)
    return found
  end
  local records, uses = core.service(name)
  if name:find "^%d+$" or #records + #uses > 0 then
    expects.add(found, transport, keys_of(vocabulary.transports))
    for i, text in ipairs(found) do found[i] = name .. "/" .. text end
  end
  return found
end

function by_kind.action(prefix)
  local found = {}
  expects.add(found, prefix, {"install", "status", "remove"})
  return found
end

function by_kind.rules(prefix)
  local found = {}
  expects.add_rules(found, prefix, true)
  return #found == 0 and files or found
end

-- The filter goes on from the words before.
function by_kind.filter(prefix, sources, _, before, quote)
  local head = table.concat(before, " ") .. (#before > 0 and " " or "")
  local found, start =
    expects.at(head .. prefix, sources, {command = true, outer = quote})
  local kept = prefix:sub(1, math.max(start - #head - 1, 0))
  for i, text in ipairs(found) do found[i] = kept .. text end
  return found
end

-- The first word of all decides what the others are.
local function first_word(prefix, sources, vocabulary)
  if prefix:find "^[./~]" then return files end
  if prefix:find("^:") or prefix:find "^%d+%.%d+%.%d+%.%d+:" or prefix:find "^%[.*%]:" then
    return by_kind.filter(prefix, sources, vocabulary, {})
  end
  local found = {}
  expects.add(found, prefix, keys_of(vocabulary.verbs))
  expects.add(found, prefix, {"help"})
  -- services are thousands: what begins as a verb is rather one
  if #found == 0 or prefix == "" or vocabulary.verbs[prefix] then
    local more = by_kind.page(prefix, sources, vocabulary)
    table.move(more, 1, #more, #found + 1, found)
  end
  -- a script is named by its folder, or ends in .lua
  return #found == 0 and files or found
end

-- What the word is whose predecessors are these: a kind, and those of its kind.
local function place(words)
  local verb = words[1]
  local list = kinds[verb]
  if not list then
    local endpoint = verb:find "^:" or verb:find "^%[.*%]:" or verb:find "^%d+%.%d+%.%d+%.%d+:"
    if endpoint then return "filter", words end
    local script = verb:find "%.lua$" or verb:find "^[./]"
    return script and "file" or "page", {}
  end
  local kind = list[math.min(#words, #list)]
  local first = 1
  while list[first] ~= kind do first = first + 1 end
  return kind, {table.unpack(words, first + 1)}
end

-- The words that are no options, and the option that wants the next one for a value.
local function parse(words, vocabulary)
  local plain, wanting, ended = {}, nil, false
  for i = 1, #words - 1 do
    local word = unquote(words[i])
    if wanting then
      wanting = nil
    elseif not ended and word == "--" then
      ended = true
    elseif not ended and vocabulary.valued[word] then
      wanting = word
    elseif ended or not word:find "^%-." then
      plain[#plain + 1] = word
    end
  end
  return plain, wanting, ended
end

-- One line of plain bytes.
local function is_listed(text) return text ~= "" and not text:find "[%c\127-\255]" end

function M.at(shell, words, vocabulary, sources)
  if not shells[shell] or #words == 0 then return {} end
  local prefix, quote = unquote(words[#words])
  local plain, wanting, ended = parse(words, vocabulary)
  local found
  if wanting then
    found = option_value(wanting, prefix, vocabulary, plain[1], sources)
  elseif not ended and prefix:find "^%-" then
    found = options(prefix, vocabulary, plain[1], sources)
  elseif #plain == 0 then
    found = first_word(prefix, sources, vocabulary)
  else
    local kind, before = place(plain)
    found = by_kind[kind](prefix, sources, vocabulary, before, quote)
  end
  local list = {}
  for _, text in ipairs(found) do
    if is_listed(text) then list[#list + 1] = text end
  end
  return expects.sorted(list)
end

return M
