-- completion.lua: any bytes at all as a line of the prompt, and the cursor anywhere in it.
--
-- Nothing is run, and nothing fails. What is offered goes on from what was typed, is fit
-- for a terminal, and comes once; what stands behind the cursor makes no difference. The
-- tokens of a line are pieces of it, in order.
--
-- An input is where the cursor stands, in two bytes, and the line.

local complete = require "portinfo.complete"
local escape = require "portinfo.escape"
local expects = require "portinfo.expects"
local lex = require "portinfo.lex"
local pi = require "portinfo"

-- ---- What there is to complete --------------------------------------------------------

local sources = {
  ports = function() return {22, 80, 8080} end,
  processes = function()
    return {"nginx", "tmux: server", "it's", 'a"b', "star*", "back\\slash", "\27[31mred",
            "new\nline", "\u{202e}right", "\xff"}
  end,
}

local trap = setmetatable({}, {__name = "trap"})
for _, event in ipairs{"index", "newindex", "call", "len", "pairs", "tostring", "eq"} do
  getmetatable(trap)["__" .. event] = function() error("ran __" .. event) end
end

local env = {
  pi = pi, string = string, io = io, assert = assert, require = require, ipairs = ipairs,
  q = pi.sockets(), p = pi.p "tcp", text = "text", trap = trap,
  plain = {alpha = 1, beta = {gamma = {delta = 1}}, run = function() error "ran" end,
           ["a key"] = 1, ["\27[0m"] = 1, ["end"] = 1, [1] = {inner = 1}},
}
env._G = env

-- ---- Claims ---------------------------------------------------------------------------

local function is_piece(text, token, from)
  assert(token.first >= from and token.last >= token.first and token.last <= #text)
  assert(text:sub(token.first, token.last) == token.text)
end

local function tokens_are_pieces(text)
  local p = lex.read(text)
  local from = 1
  for i, token in ipairs(p.tokens) do
    is_piece(text, token, from)
    from = token.last + 1
    local other = p.match[i]
    assert(not other or p.match[other] == i and other ~= i)
    assert((p.around[i] or 0) < i)
  end
  assert(not p.open or p.open.first >= from and p.open.first <= #text + 1)
end

-- Does a candidate begin with what was typed? A text may get its quotes with it.
local function goes_on(candidate, typed)
  local bare = candidate:gsub("^['\"]", "")
  local n = #typed
  return candidate:sub(1, n):lower() == typed:lower() or bare:sub(1, n):lower() == typed:lower()
end

local function is_good(found, start, line, cursor)
  assert(math.type(start) == "integer" and start >= 1 and start <= cursor + 1, start)
  if found == "files" then return end
  local typed, seen = line:sub(start, cursor), {}
  for _, candidate in ipairs(found) do
    assert(not seen[candidate] and escape(candidate) == candidate, candidate)
    assert(goes_on(candidate, typed), candidate)
    seen[candidate] = true
  end
end

local function same(a, b)
  return a == b or table.concat(a, "\n") == table.concat(b, "\n")
end

local function at(line, cursor)
  local found, start = complete.at(line, cursor, env, sources)
  is_good(found, start, line, cursor)
  local again, start_again = complete.at(line:sub(1, cursor), cursor, env, sources)
  assert(start == start_again and same(found, again))
end

-- The language of filters by itself, as a shell's completion asks for it.
local options = {{}, {outer = "'"}, {outer = '"'}, {command = true}, {command = true, outer = "'"}}

local function in_filters(text, option)
  local found, start = expects.at(text, sources, option)
  is_good(expects.sorted(found), start, text, #text)
end

return function(input)
  if #input < 2 then return end
  local where, line = string.unpack("<I2", input), input:sub(3)
  tokens_are_pieces(line)
  at(line, where % (#line + 1))
  in_filters(line, options[1 + where % #options])
end
