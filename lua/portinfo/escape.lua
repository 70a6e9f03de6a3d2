-- escape.lua: text from outside, made safe for a terminal: control characters
-- (C0, C1, DEL), what changes the direction of text, and what has no width are
-- shown as \xHH or \u{HHHH}; so are bytes that are not UTF-8.

local function is_hostile(c)
  return c < 0x20 or (c >= 0x7f and c < 0xa0) or c == 0xad -- soft hyphen
    or c == 0x61c -- Arabic letter mark
    or (c >= 0x200b and c <= 0x200f) -- zero width, marks of direction
    or (c >= 0x2028 and c <= 0x202e) -- separators, embeddings, overrides
    or (c >= 0x2060 and c <= 0x206f) -- joiners, isolates
    or c == 0xfeff or (c >= 0xfff9 and c <= 0xfffb)
    or (c >= 0xe0000 and c <= 0xe0fff) -- tags
end

local function spell(c)
  if c < 0x80 then return ("\\x%02x"):format(c) end
  return ("\\u{%04x}"):format(c)
end

-- The readable form of a string; plain ASCII comes back as it is. With `ascii` all else
-- is spelled, for a terminal that is not of UTF-8: it may take half a character for a
-- control.
return function(text, ascii)
  if not text:find "[^ -~]" then return text end
  local parts, i = {}, 1
  while i <= #text do
    local stop = select(2, utf8.len(text, i))
    if stop ~= i then
      local last = stop and stop - 1 or #text
      for _, c in utf8.codes(text:sub(i, last)) do
        parts[#parts + 1] = (is_hostile(c) or ascii and c > 0x7e) and spell(c) or utf8.char(c)
      end
      i = last + 1
    else
      parts[#parts + 1] = ("\\x%02x"):format(text:byte(i))
      i = i + 1
    end
  end
  return table.concat(parts)
end
