-- rule.lua: what a rule says of itself, for people.

local escape = require "portinfo.escape"
local width = require "portinfo.width"

local forms = {
  must_listen = "each of these must listen", only = "nothing else may listen",
  must_not_listen = "none of these may listen",
}

local function entry_text(entry)
  local text = entry.text
  if entry.reason then text = ("%s (%s)"):format(text, entry.reason) end
  return entry.expires and ("%s until %s"):format(text, entry.expires) or text
end

return function(one, view)
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
