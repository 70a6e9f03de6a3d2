-- refresh.lua: rebuilds data/registry.tsv from IANA's own XML.
--
--   lua5.4 src/registry/refresh.lua [--force] [--figures] [FROM [OUT]]
--
-- FROM is a file or a URL (fetched with curl or wget), by default IANA's; OUT
-- the table, by default data/registry.tsv. A table that is there is replaced
-- only if the new one is as good: not older, and without a loss of names that
-- IANA would not cause; --force takes it all the same. --figures prints counts
-- of IANA's records as they were before any were joined.
-- Plain Lua 5.4. Exits with 0, or with 2 and one line about what is wrong.

local here = arg and arg[0] and arg[0]:match "^(.*/)" or ""
local records = dofile(here .. "records.lua")
local xml = dofile(here .. "xml.lua")

local REGISTRY = "service-names-port-numbers"
local PLACE = "https://www.iana.org/assignments/" .. REGISTRY .. "/"
local FROM = PLACE .. REGISTRY .. ".xml"
local OUT = "data/registry.tsv"
local LEAST_RECORDS = 14000
local MOST_LOSS = 0.02
local MAX_NAME = 15  -- RFC 6335, section 5.1
local SHOWN = 12     -- names told of those that came or went

local TRANSPORTS = { tcp = true, udp = true, sctp = true, dccp = true }

local Trouble = {}

local function fail(message, ...)
  error(setmetatable({ message = message:format(...) }, Trouble))
end

-- ---- Fetching ---------------------------------------------------------------

local function quote(word) return "'" .. word:gsub("'", "'\\''") .. "'" end

local function read_file(path)
  local file <close>, message = io.open(path, "rb")
  if not file then fail("%s", message) end
  local text
  text, message = file:read "a"
  if not text then fail("%s: %s", path, message) end
  return text
end

local FETCHERS = {
  { "curl", "curl -fsL --max-time 300 -o %s -- %s" },
  { "wget", "wget -q -T 300 -O %s -- %s" },
}

local function fetch(url)
  for _, fetcher in ipairs(FETCHERS) do
    local name, command = fetcher[1], fetcher[2]
    if os.execute("command -v " .. name .. " >/dev/null 2>&1") then
      local path = os.tmpname()
      local _ <close> = setmetatable({}, {
        __close = function() os.remove(path) end,
      })
      local fetched, _, code =
        os.execute(command:format(quote(path), quote(url)))
      if not fetched then
        fail("%s: %s could not fetch it (exit status %d)", url, name, code)
      end
      return read_file(path)
    end
  end
  fail("%s: neither curl nor wget is here; fetch it, and name the file", url)
end

local function load(from)
  if from:find "^https?://" then return fetch(from) end
  return read_file(from)
end

-- ---- Reading ----------------------------------------------------------------

-- People and organisations by id. An id is all that is known of a few.
local function people_of(root)
  local people = {}
  for _, person in ipairs(xml.child(root, "people") or {}) do
    local id = type(person) == "table" and person.attributes.id
    if id then
      local name = records.clean(xml.text(xml.child(person, "name")))
      local org = records.clean(xml.text(xml.child(person, "org")))
      people[id] = name ~= "" and name or org ~= "" and org or nil
    end
  end
  return people
end

local function person_name(people, id)
  return people[id] or records.clean((id:gsub("_%d+$", ""):gsub("_", " ")))
end

-- How a reference reads: as IANA words it, or by its kind. A footnote and a
-- person are none: "".
local function reference(xref)
  local kind, data = xref.attributes.type, xref.attributes.data or ""
  local words = records.clean(xml.text(xref))
  if kind == "uri" then return records.clean(words .. " <" .. data .. ">") end
  if kind == "text" and words == "n/a" then return "" end
  if words ~= "" and kind ~= "person" then return words end
  if kind == "rfc" then return data:upper() end
  return kind == "draft" and data or ""
end

local function plain(element, people)
  return xml.text(element, function(child)
    if child.name == "br" then return " " end
    if child.name == "paragraph" then return " " .. plain(child, people) end
    if child.name ~= "xref" then return nil end
    local kind, data = child.attributes.type, child.attributes.data or ""
    if kind == "person" then return person_name(people, data) end
    return kind == "uri" and data or reference(child)
  end)
end

-- The first person among the children of an element, by name.
local function first_person(element, people)
  for _, child in ipairs(element or {}) do
    if type(child) == "table" and child.name == "xref"
      and child.attributes.type == "person" then
      return person_name(people, child.attributes.data or "")
    end
  end
end

local function references_of(element)
  local list = {}
  for _, child in ipairs(element) do
    if type(child) == "table" and child.name == "xref" then
      local text = reference(child)
      if text ~= "" then list[#list + 1] = text end
    end
  end
  return records.clean(table.concat(list, "; "))
end

local function range_of(number)
  if number == "" then return "", "" end
  local first, last = number:match "^(%d+)%-?(%d*)$"
  if last == "" then last = first end
  first, last = math.tointeger(first), math.tointeger(last)
  if not first or not last or first > last or last > 65535 then
    fail("port number \"%s\", expected 0-65535 or a range of them", number)
  end
  return tostring(first), tostring(last)
end

local function record_of(element, people)
  local function cell(name)
    return records.clean(plain(xml.child(element, name) or {}, people))
  end
  -- a reference to a character puts any white space into an attribute
  local function date(name)
    return records.clean(element.attributes[name] or "")
  end
  local first, last = range_of(cell "number")
  local name, note = cell "name", cell "note"
  if #name > MAX_NAME or name:find "[^ -~]" then
    fail("service name \"%s\", expected at most %d ASCII characters", name,
      MAX_NAME)
  end
  local text = plain(xml.child(element, "description") or {}, people)
  local description = records.description(text)
  local record = records.new {
    first = first, last = last, transports = cell "protocol",
    status = records.status(name, description),
    name = name, description = description,
    assignee = first_person(xml.child(element, "assignee"), people)
      or first_person(element, people),
    registered = date "date",
    modified = date "updated",
    references = references_of(element),
    alias_of = records.alias_of(note), note = note,
    unauthorized = cell "unauthorized",
  }
  record.is_range = cell "number":find("-", 1, true)  -- "4748-4748" is one
  return record
end

-- The registry of the file: its records as listed, and its date.
local function read_registry(text, from)
  if text == "" then fail("%s: empty", from) end
  local head = text:sub(1, 200):lower()
  if head:find "^%s*<!doctype html" or head:find "^%s*<html" then
    fail("%s: a web page, expected the registry's XML", from)
  end
  if not utf8.len(text) then fail("%s: not UTF-8", from) end
  local root, message = xml.parse(text)
  if not root then fail("%s: not well-formed XML: %s", from, message) end
  if root.name ~= "registry" or root.attributes.id ~= REGISTRY then
    fail("%s: not the registry \"%s\"", from, REGISTRY)
  end
  local date = records.clean(xml.text(xml.child(root, "updated")))
  if not date:find "^%d%d%d%d%-%d%d%-%d%d$" then
    fail("%s: no date in <updated>", from)
  end
  local people, list = people_of(root), {}
  for _, child in ipairs(root) do
    if type(child) == "table" and child.name == "record" then
      list[#list + 1] = record_of(child, people)
    end
  end
  if #list < LEAST_RECORDS then
    fail("%s: %d records, expected at least %d", from, #list, LEAST_RECORDS)
  end
  return list, date
end

-- ---- Judging ----------------------------------------------------------------

-- What portinfo can keep: no transport that it does not know, and a name for
-- everything that has no port.
local function usable(list)
  local kept = {}
  for _, record in ipairs(list) do
    local known = record.transports == "" or TRANSPORTS[record.transports]
    if known and (record.first ~= "" or record.name ~= "") then
      kept[#kept + 1] = record
    end
  end
  return kept
end

local function fact(r, transport)
  if r.first == "" then return r.name .. " without a port" end
  local range = r.first == r.last and r.first or r.first .. "-" .. r.last
  return ("%s/%s %s"):format(range, transport, r.name)
end

-- What names stand where, by merged records: as a set, with its size.
local function facts_of(list)
  local facts, count = {}, 0
  for _, r in ipairs(list) do
    for transport in (r.name ~= "" and r.transports or ""):gmatch "%a+" do
      local told = fact(r, transport)
      if not facts[told] then count = count + 1 end
      facts[told] = true
    end
  end
  return facts, count
end

-- What is in `a` and not in `b`, sorted by port.
local function missing(a, b)
  local list = {}
  for told in pairs(a) do
    if not b[told] then list[#list + 1] = told end
  end
  table.sort(list, function(x, y)
    local p = tonumber(x:match "^(%d+)[/-]") or 65536
    local q = tonumber(y:match "^(%d+)[/-]") or 65536
    if p ~= q then return p < q end
    return x < y
  end)
  return list
end

local function tell(verb, list)
  local shown = table.concat(list, ", ", 1, math.min(#list, SHOWN))
  local more = #list > SHOWN and ", ..." or ""
  print(("%s: %d%s%s"):format(verb, #list, #list > 0 and ": " or "",
    shown .. more))
end

-- Compares with the table that is there; refuses a worse one.
local function compare(out, list, date, force)
  local file = io.open(out, "rb")
  if not file then return end  -- nothing to lose
  file:close()
  local old, old_date = records.read(out)
  if not old then fail("%s; move it away to make a new one", old_date) end
  if date < old_date and not force then
    fail("the registry of %s is older than the table of %s; "
      .. "FORCE=1 (--force) takes it all the same", date, old_date)
  end
  local before, count = facts_of(old)
  local now = facts_of(list)
  local came, went = missing(now, before), missing(before, now)
  if #went > count * MOST_LOSS and not force then
    fail("%d of %d names would go, more than %g %%; FORCE=1 (--force) takes it "
      .. "all the same", #went, count, MOST_LOSS * 100)
  end
  print(("date: %s, was %s"):format(date, old_date))
  tell("came", came)
  tell("went", went)
end

local function print_figures(list)
  local count = setmetatable({}, { __index = function() return 0 end })
  local function add(figure) count[figure] = count[figure] + 1 end
  for _, r in ipairs(list) do
    add "records"
    if r.first ~= "" then
      add "with-port"
      add(r.transports == "" and "no-transport" or r.transports)
      if r.is_range then add "ranges" end
      if r.name ~= "" then add "named-with-port" end
    end
  end
  for _, figure in ipairs {
    "records", "with-port", "tcp", "udp", "sctp", "dccp", "no-transport",
    "ranges", "named-with-port",
  } do
    print(("%s %d"):format(figure, count[figure]))
  end
end

-- ---- Writing ----------------------------------------------------------------

-- Writes beside the table and renames, so that there is a whole one always.
local function replace(out, text)
  local new = out .. ".new"
  local file, message = io.open(new, "wb")
  if not file then fail("%s", message) end
  local written, why = file:write(text)
  local closed, cause = file:close()
  local done, reason = written and closed, why or cause
  if done then done, reason = os.rename(new, out) end
  if done then return end
  os.remove(new)
  fail("%s: not written: %s", out, reason or "unknown cause")
end

local function options(words)
  local o = { from = FROM, out = OUT }
  local places = { "from", "out" }
  for _, word in ipairs(words) do
    local flag = word:match "^%-%-(%a+)$"
    if flag == "force" or flag == "figures" then
      o[flag] = true
    elseif word:find "^%-" or #places == 0 then
      fail("usage: refresh.lua [--force] [--figures] [FROM [OUT]]")
    else
      o[table.remove(places, 1)] = word
    end
  end
  return o
end

local function main(words)
  local o = options(words)
  local listed, date = read_registry(load(o.from), o.from)
  if o.figures then print_figures(listed) end  -- merging joins transports
  local merged = records.merge(usable(listed))
  compare(o.out, merged, date, o.force)
  replace(o.out, records.format({
    "IANA Service Name and Transport Protocol Port Number Registry",
    "date: " .. date,
    "source: IANA, " .. FROM,
    "licence: CC0-1.0 (https://www.iana.org/help/licensing-terms)",
    "made by: src/registry/refresh.lua",
  }, merged))
  print(("%s: %d rows of %d records, dated %s"):format(o.out, #merged, #listed,
    date))
end

os.setlocale "C"  -- names are sorted and matched by byte, as in the generator
local good, trouble = pcall(main, { ... })
if not good then
  local told = getmetatable(trouble) == Trouble and trouble.message
    or "unexpected trouble: " .. tostring(trouble)
  -- it may cite the file: one line of it, and nothing for the terminal
  told = told:sub(1, 300):gsub("%c", "?")
  io.stderr:write("refresh: ", told, "\n")
  os.exit(2)
end
