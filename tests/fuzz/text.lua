-- text.lua: any bytes at all, as text that is shown: escaped, measured, cut, wrapped, put
-- into a cell and into JSON.
--
-- What is shown is UTF-8 without controls, whatever it was made of. Of a text that is cut or
-- wrapped every character is there, and no line is wider than its room. JSON is JSON.
--
-- An input is how much room there is, in a byte, and the text.

local is_json = ... -- by the grammar, in C

local cell = require "portinfo.cell"
local escape = require "portinfo.escape"
local json = require "portinfo.json"
local width = require "portinfo.width"

local function is_shown(text)
  assert(utf8.len(text))
  for _, c in utf8.codes(text) do
    assert(c >= 0x20 and (c < 0x7f or c >= 0xa0), c)
    assert(c < 0x200b or c > 0x200f and (c < 0x2028 or c > 0x202e), c)
  end
end

local function is_escaped(text)
  local shown, plain = escape(text), escape(text, true)
  is_shown(shown)
  assert(not plain:find "[^ -~]")
  assert(escape(shown) == shown)
  is_shown(cell.name(text))
  assert(cell.name(text) ~= "" and not width.joins(cell.name(text)))
  return shown
end

local function is_cut(text, room)
  local first, rest = width.split(text, room)
  assert(first .. rest == text and width.of(first) <= room)
  assert(width.of(first) + width.of(rest) == width.of(text))
  assert(rest == "" or not width.joins(rest))
  local short = width.cut(text, room, "~")
  assert(width.of(short) <= math.max(room, 1))
end

-- A word that is too long stays whole, unless it may be broken.
local function is_wrapped(text, room)
  for _, breaking in ipairs{false, true} do
    local wrapped = width.wrap(text, room, 2, breaking)
    assert(wrapped:gsub("%s+", "") == text:gsub("%s+", ""))
    for line in (wrapped .. "\n"):gmatch " *([^\n]*)\n" do
      local whole = not breaking and not line:find "%s"
      assert(whole or width.of(line) <= room, line)
    end
  end
end

local function is_in_json(text)
  local written = json.encode{text = text, [text] = {text, {}, true, 1}}
  assert(is_json(written), written)
  assert(not written:find "[\0-\31\127]" and not written:find "\xc2[\x80-\x9f]")
end

return function(input)
  local room, text = 1 + (input:byte() or 0) % 40, input:sub(2)
  local shown = is_escaped(text)
  is_cut(shown, room)
  is_wrapped(shown, room + 1) -- what is wide has room for one
  is_in_json(text)
end
