-- lex.lua: the tokens of a piece of Lua that may end anywhere, for completion. What is
-- no Lua is read over.

local M = {}

M.keywords = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or
  repeat return then true until while]]):gmatch "%S+" do M.keywords[word] = true end

-- Operators between two expressions.
M.binary = {}
for text in ([[+ - * / // % ^ & | ~ << >> .. < > <= >= == ~= and or]]):gmatch "%S+" do
  M.binary[text] = true
end

local opens = {["("] = ")", ["{"] = "}", ["["] = "]"}
local closes = {[")"] = "(", ["}"] = "{", ["]"] = "["}

-- Blocks, which part what is in them from the brackets around. A `do` belongs to its
-- for or while, a `then` to its if.
local begins_block = {["function"] = true, ["do"] = true, ["if"] = true, ["repeat"] = true}
local ends_block = {["end"] = true, ["until"] = true}

local symbols = {"^%.%.%.", "^%.%.", "^::", "^==", "^~=", "^<=", "^>=", "^//", "^<<", "^>>"}

-- The quoted string at i: its last byte and its value, or nil if it has no end.
local function quoted(text, i)
  local quote, at = text:sub(i, i), i + 1
  while true do
    local stop = text:find("[\\\n" .. quote .. "]", at)
    if not stop then return nil end
    local c = text:sub(stop, stop)
    -- a line's end ends it as well, wrongly
    if c ~= "\\" then return stop, text:sub(i + 1, stop - 1) end
    at = stop + 2
  end
end

-- The long bracket at i: its last byte and its value; false if it has no end, nil if
-- there is none.
local function long(text, i)
  local level = text:match("^%[(=*)%[", i)
  if not level then return nil end
  local first, last = text:find("]" .. level .. "]", i + #level + 2, true)
  if not first then return false end
  return last, text:sub(i + #level + 2, first - 1)
end

local function symbol(text, i)
  for _, pattern in ipairs(symbols) do
    local _, last = text:find(pattern, i)
    if last then return last end
  end
  return i
end

-- Brackets and blocks: p.match, of each bracket the other one; p.around, of each token
-- the opening one that it stands in.
local function nest(p)
  local stack = {}
  for i, token in ipairs(p.tokens) do
    local text = token.kind ~= "string" and token.text or ""
    local top = stack[#stack]
    local inner = top and p.tokens[top].text
    if closes[text] and inner == closes[text] then
      p.match[i], p.match[top] = top, i
      stack[#stack] = nil
    elseif ends_block[text] and begins_block[inner] then
      stack[#stack] = nil
    end
    p.around[i] = stack[#stack]
    if opens[text] or begins_block[text] then stack[#stack + 1] = i end
  end
  p.around[#p.tokens + 1] = stack[#stack]
end

-- {text, tokens, match, around, open}. A token is {kind, text, first, last}: a name, a
-- number, a symbol, or a string with its `value`. `open` is the string or comment that
-- the text ends in: {kind, first = where its content begins, quote}.
function M.read(text)
  local p = {text = text, tokens = {}, match = {}, around = {}}
  local i = 1
  local function take(kind, last, value)
    p.tokens[#p.tokens + 1] =
      {kind = kind, text = text:sub(i, last), first = i, last = last, value = value}
    i = last + 1
  end
  local function leave(kind, first, quote)
    p.open = {kind = kind, first = first, quote = quote}
    i = #text + 1
  end
  while i <= #text do
    local c = text:sub(i, i)
    if c:find "%s" then
      i = text:match("^%s+()", i)
    elseif c:find "[A-Za-z_]" then
      take("name", text:match("^[A-Za-z0-9_]+()", i) - 1)
    elseif c:find "[0-9]" then
      take("number", text:match("^[0-9A-Za-z]+()", i) - 1)
    elseif c == '"' or c == "'" then
      local last, value = quoted(text, i)
      if last then take("string", last, value) else leave("string", i + 1, c) end
    elseif text:find("^%-%-", i) then
      local last = long(text, i + 2)
      if last == nil then last = text:find("\n", i, true) end
      if last then i = last + 1 else leave("comment", i) end
    else
      local last, value = long(text, i)
      if last then
        take("string", last, value)
      elseif last == false then
        leave("string", i + #text:match("^%[=*%[", i), "]")
      else
        take("symbol", symbol(text, i))
      end
    end
  end
  nest(p)
  return p
end

return M
