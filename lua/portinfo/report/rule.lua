-- rule.lua: what rules say of themselves: a list of them as a table, TSV or JSON, and one
-- whole, for people.

local escape = require "portinfo.escape"
local json = require "portinfo.json"
local width = require "portinfo.width"

local M = {}

-- Columns of the list: the title is wrapped into what is left of the screen.
local lead = 32

function M.table(rules, view)
  local out, room = {}, math.max((view.width or 80) - lead, 20)
  for i, one in ipairs(rules) do
    out[i] = ("%-22s %-8s %s\n"):format(one.id, one.severity,
      width.wrap(escape(one.title, view.ascii), room, lead))
  end
  return table.concat(out)
end

M.text = M.table

function M.tsv(rules, _, bare)
  local out = {not bare and "id\tseverity\ttags\ttitle\n" or nil}
  for _, one in ipairs(rules) do
    out[#out + 1] = ("%s\t%s\t%s\t%s\n"):format(one.id, one.severity,
      escape(table.concat(one.tags, ",")), escape(one.title))
  end
  return table.concat(out)
end

function M.json(rules)
  local lines = {}
  for i, one in ipairs(rules) do lines[i] = json.encode(one) end
  return "[\n" .. table.concat(lines, ",\n") .. "\n]\n"
end

local forms = {
  must_listen = "each of these must listen", only = "nothing else may listen",
  must_not_listen = "none of these may listen",
}

local function entry_text(entry)
  local text = entry.text
  if entry.reason then text = ("%s (%s)"):format(text, entry.reason) end
  return entry.expires and ("%s until %s"):format(text, entry.expires) or text
end

function M.whole(one, view)
  local out, room = {}, math.min(view.width or 80, 100) - 10
  local function add(name, text)
    if not text or text == "" then return end
    out[#out + 1] = ("%-9s %s\n"):format(name, width.wrap(escape(text, view.ascii), room, 10))
  end
  local function add_list(name, entries)
    for i, entry in ipairs(entries) do add(i == 1 and name or "", entry_text(entry)) end
  end
  add("Rule", one.id)
  add("Title", one.title)
  add("Severity", one.severity)
  add("Tags", table.concat(one.tags, " "))
  add("Form", forms[one.form])
  add("About", one.scope)
  add_list("Must", one.must)
  add_list(one.form == "only" and "Only" or "Allowed", one.allow)
  add("Check", one.place and "a function at " .. one.place)
  add("Evidence", table.concat(one.evidence, " "))
  add("Message", one.message)
  add("To do", one.help)
  add("See", one.reference)
  add("From", one.source)
  return table.concat(out)
end

return M
