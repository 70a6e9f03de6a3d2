-- rule.lua: what a rule says of itself, for people.

local escape = require "portinfo.escape"
local width = require "portinfo.width"

return function(one, view)
  local out, room = {}, math.min(view.width or 80, 100) - 10
  local function add(name, text)
    if not text or text == "" then return end
    out[#out + 1] = ("%-9s %s\n"):format(name, width.wrap(escape(text, view.ascii), room, 10))
  end
  add("Rule", one.id)
  add("Title", one.title)
  add("Severity", one.severity)
  add("Tags", table.concat(one.tags, " "))
  add("About", one.scope)
  local forms = {
    must_listen = "something must listen", only = "nothing else may listen",
    must_not_listen = "none of these may listen",
  }
  add("Form", forms[one.form])
  add("To do", one.help)
  add("See", one.reference)
  add("From", one.source)
  return table.concat(out)
end
