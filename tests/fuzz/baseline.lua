-- baseline.lua: any bytes at all as a baseline, and in one.
--
-- Text is data or is refused in words, and touches nothing outside of itself. Findings with
-- any text in them are the same when the baseline with them is written and read again, and
-- it is written in the same way.
--
-- An input is a byte that chooses: the text of a baseline, or texts of an entry, each ended
-- by a newline.

local baseline = require "portinfo.baseline"
local escape = require "portinfo.escape"
local ruleset = require "portinfo.ruleset"

ruleset.load_seconds = 0.05 -- seconds are too long where thousands of files are loaded

-- ---- Claims ---------------------------------------------------------------------------

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for key, value in next, a do
    if not same(value, b[key]) then return false end
  end
  for key in next, b do
    if a[key] == nil then return false end
  end
  return true
end

local function count(set)
  local n = 0
  for _ in next, set do n = n + 1 end
  return n
end

local globals, strings, libraries = count(_G), count(string), count(package.loaded)

local function is_untouched()
  assert(count(_G) == globals and count(string) == strings)
  assert(debug.getmetatable("").__index == string and getmetatable(_G) == nil)
  assert(count(package.loaded) >= libraries)
end

local function is_data_or_refused(text)
  local held, message = baseline.check{name = "known.lua", text = text}
  is_untouched()
  if held then
    local again = assert(baseline.check{name = "known.lua", text = (baseline.text(held))})
    assert(baseline.text(again) == baseline.text(held))
  else
    assert(type(message) == "string" and message:find "^known.lua:", message)
  end
end

local names = {"exe", "user", "unit", "process", "reason"}

local function is_kept(text)
  local entry, n, id = {proto = "tcp", exposure = "wildcard", lport = #text}, 0, nil
  for part in text:gmatch "[^\n]*" do
    n = n + 1
    if names[n] then entry[names[n]] = part else id = part end
  end
  local held = {[id or "rule"] = {entry}}
  local written = baseline.text(held)
  local head = select(2, written:gsub("\n", ""))
  assert(not written:find "[^\n -~]" and head == 9)
  local read, message = baseline.parse{name = "known.lua", text = written}
  assert(read, message)
  assert(same(read, held), written)
  assert(baseline.text(read) == written)
  assert(escape(written:gsub("\n", " ")) == written:gsub("\n", " "))
end

return function(input)
  local text = input:sub(2)
  if (input:byte() or 0) % 2 == 0 then is_data_or_refused(text) else is_kept(text) end
end
