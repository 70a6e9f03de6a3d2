-- saved.lua: readings in files, and what changed between two of them, in words.

local core = require "portinfo.core"
local cell = require "portinfo.later" "cell"
local json = require "portinfo.json"
local render = require "portinfo.later" "render"
local run = require "portinfo.run"
local schema = require "portinfo.schema"

local M = {}

-- ---- Files -----------------------------------------------------------------------

-- The reading that an open file holds, or nil, message, errno; `name` is the file's.
function M.read(file, name)
  local snapshot, message, errno = core.load(file)
  if snapshot then return snapshot end
  return nil, ("%s: %s"):format(name, message), errno
end

function M.load(path)
  local file <close>, message, errno = io.open(path, "rb")
  if not file then return nil, message, errno end
  return M.read(file, path)
end

-- The text of what a query asks for, nil for everything; or false and why there is
-- none.
function M.filter_of(q)
  local kept = rawget(q, "options").snapshot
  if kept and kept:loaded() then return kept:filter() end
  if #rawget(q, "tests") > 0 or rawget(q, "turned") then
    return false, "what a function picked, or what stayed undecided, has no filter that "
      .. "a file could name"
  end
  local text, message = rawget(q, "predicate"):text()
  if not text then return false, message end
  return text ~= "" and text ~= "all" and text or nil
end

-- Everything known of the rows of a query, which may come from a kept reading: a
-- selection, or nil, message, errno.
function M.complete(q)
  local selection, message, errno = run.query(q)
  if not selection then return nil, message, errno end
  local snapshot = selection:snapshot()
  if snapshot:loaded() then return selection end
  local ok, trouble, number = snapshot:complete(schema.usual_groups)
  if not ok then return nil, trouble, number end
  return selection
end

-- Writes a selection to an open file: true, or nil, message, errno.
function M.write(selection, filter, file, name)
  local ok, message, errno = selection:save(file, filter)
  if ok then return true end
  return nil, ("%s: %s"):format(name, message), errno
end

-- The same to the file of this name, which stays as it was if anything fails.
function M.save(selection, filter, path)
  return selection:save(path, filter)
end

-- ---- Differences, for people -----------------------------------------------------

-- What is not in a reading is as unknown as what could not be seen.
local function get(row, name)
  local ok, value = pcall(function() return row[name] end)
  if ok then return value end
  return nil
end

local most_holders = 8

-- The different values of all holders, in their order.
local function of_holders(row, name)
  local list, seen = {}, {}
  for _, holder in ipairs(get(row, "holders") or {}) do
    local value = holder[name]
    if not seen[value] then
      seen[value] = true
      list[#list + 1] = name == "process" and render.name(value) or tostring(value)
    end
  end
  local more = #list - most_holders
  if more > 0 then return table.concat(list, ",", 1, most_holders) .. ",+" .. more end
  return #list > 0 and table.concat(list, ",") or "-"
end

local function value_of(row, name)
  if name == "pid" or name == "process" then return of_holders(row, name) end
  local value = get(row, name)
  if value == nil then return "?" end
  return value == false and "-" or tostring(value)
end

-- What ended before it was met may have lost its address.
local function place_of(row)
  if row.laddr == nil and row.lport then return ("?:%d"):format(row.lport) end
  return render.endpoint(row.laddr, row.lport, row.iface)
end

local function describe(row)
  local text = ("%s %s %s"):format(row.proto, value_of(row, "state"), place_of(row))
  if row.rport then
    text = text .. " with " .. render.endpoint(row.raddr, row.rport)
  end
  text = text .. cell.namespace(row)
  if not get(row, "pid") then return text end
  return ("%s, %s (pid %s)"):format(text, of_holders(row, "process"), of_holders(row, "pid"))
end

-- A row in one line; with what it was `before`, and in which `fields` it differs.
function M.describe(row, before, fields)
  if not before then return describe(row) end
  local parts = {}
  for i, name in ipairs(fields) do
    parts[i] = ("%s %s -> %s"):format(name, value_of(before, name), value_of(row, name))
  end
  return ("%s: %s"):format(describe(row), table.concat(parts, ", "))
end

-- Lines of + - ~ from lists of rows, as Snapshot:diff gives them.
function M.diff_text(diff)
  local out = {}
  for _, row in ipairs(diff.removed) do out[#out + 1] = "- " .. describe(row) .. "\n" end
  for _, row in ipairs(diff.added) do out[#out + 1] = "+ " .. describe(row) .. "\n" end
  for _, change in ipairs(diff.changed) do
    out[#out + 1] = ("~ %s\n"):format(M.describe(change.after, change.before, change.fields))
  end
  return table.concat(out)
end

local Diff = {__name = "portinfo.diff", __tostring = M.diff_text}

local function rows_of(selection)
  local rows = {}
  for i = 1, #selection do rows[i] = selection:row(i) end
  return rows
end

-- The selections of core's diff as lists of rows: {added, removed, changed}.
function M.diff_rows(found)
  local changed = {}
  for i, fields in ipairs(found.fields) do
    changed[i] = {before = found.before:row(i), after = found.after:row(i), fields = fields}
  end
  return setmetatable({
    added = rows_of(found.added), removed = rows_of(found.removed), changed = changed,
  }, Diff)
end

-- Compares what two queries give, socket by socket or by another `key`: core's diff and
-- the two selections; or nil, message, errno.
function M.compare(one, other, key)
  local selections = {}
  for i, q in ipairs{one, other} do
    local selection, message, errno = M.complete(q)
    if not selection then return nil, message, errno end
    selection:sort()
    selections[i] = selection
  end
  local found, message, errno = selections[1]:diff(selections[2], key)
  if not found then return nil, message, errno end
  return found, selections
end

-- What is to be said of the two, by their names: of when they are, what they lack.
function M.compare_remarks(names, selections)
  local lines = {}
  for i, selection in ipairs(selections) do
    local when = render.read_when(selection:snapshot())
    if when then lines[#lines + 1] = ("%s: %s"):format(names[i], when) end
    for _, line in ipairs(render.blind_spots(selection)) do
      lines[#lines + 1] = ("%s: %s"):format(names[i], line)
    end
  end
  local one, other = selections[1]:snapshot(), selections[2]:snapshot()
  if one:loaded() and other:loaded() and one:filter() ~= other:filter() then
    lines[#lines + 1] = "they were asked for different sockets"
  end
  return lines
end

-- ---- Differences, for programs ---------------------------------------------------

-- The lines of a text, each of which ends.
local function split(text)
  local lines = {}
  for line in text:gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
  return lines
end

M.split = split

-- How a line of each format tells what became of its row. In TSV and CSV it is the
-- first column, in JSON a member, which for changes names the fields, too.
local tag = {}

function tag.tsv(line, what) return what .. "\t" .. line end

function tag.csv(line, what) return what .. "," .. line end

function tag.ndjson(line, what, fields)
  local members = ('{"v":1,"change":"%s"'):format(what)
  if fields then members = members .. ',"changed":' .. json.encode(fields) end
  return members .. line:sub(#'{"v":1' + 1)
end

-- The lines of a selection without their heading, or nil, message.
local function lines_of(selection, format, names)
  local text, message = selection:text(format, names, {header = false})
  if not text then return nil, message end
  return split(text)
end

-- The selections of core's diff as tsv, csv, json or ndjson, with the named fields;
-- or nil, message.
function M.diff_bulk(found, format, names, header)
  local form = format == "json" and "ndjson" or format
  local lists = {}
  for _, what in ipairs{"removed", "added", "before", "after"} do
    local lines, message = lines_of(found[what], form, names)
    if not lines then return nil, message end
    lists[what] = lines
  end
  local out = {}
  local function add(line, what, fields) out[#out + 1] = tag[form](line, what, fields) end
  for _, line in ipairs(lists.removed) do add(line, "removed") end
  for _, line in ipairs(lists.added) do add(line, "added") end
  for i, fields in ipairs(found.fields) do
    add(lists.before[i], "before", fields)
    add(lists.after[i], "after", fields)
  end
  if format == "json" then
    return #out > 0 and "[\n" .. table.concat(out, ",\n") .. "\n]\n" or "[]\n"
  end
  if format ~= "ndjson" and header then
    table.insert(out, 1, tag[form](table.concat(names, format == "tsv" and "\t" or ","), "change"))
  end
  return #out > 0 and table.concat(out, "\n") .. "\n" or ""
end

return M
