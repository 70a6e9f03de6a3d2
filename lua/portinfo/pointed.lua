-- pointed.lua: a mistake in a text, with its line and a caret under what is meant.

local escape = require "portinfo.escape"

-- `first` (from 1; 0: nothing in particular) and `length` are bytes of the text.
return function(text, message, first, length)
  message = escape(message)
  if first == 0 then return message end
  local start = (text:sub(1, first - 1):match ".*\n()") or 1
  local stop = (text:find("\n", first, true) or #text + 1) - 1
  if stop - start > 76 then
    start, stop = math.max(start, first - 40), math.min(stop, first + 39)
  end
  local shown = escape(text:sub(start, stop))
  local before = utf8.len(escape(text:sub(start, first - 1)))
  local under = utf8.len(escape(text:sub(first, math.min(stop, first + length - 1))))
  return ("%s\n  %s\n  %s%s"):format(message, shown, (" "):rep(before),
    ("^"):rep(math.max(under, 1)))
end
