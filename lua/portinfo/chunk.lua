-- chunk.lua: code that a person typed: compiled, run, and its value shown.

local escape = require "portinfo.escape"
local pointed = require "portinfo.pointed"
local query = require "portinfo.query"
local render = require "portinfo.render"

local M = {}

-- Did the code end too early? A quoted string does not go on in a next line,
-- unless a backslash says so.
local function ends_early(message, code)
  if message:find "unfinished string near <eof>$" then
    return code:find "\\z?%s*$" ~= nil
  end
  return message:sub(-5) == "<eof>"
end

-- Did Lua's reader stumble over the very first of the code?
local function at_once(message, code)
  local token = message:match " near '(.+)'$"
  return token ~= nil and code:match "^%s*(.*)$":sub(1, #token) == token
end

-- A function of the code, as an expression if it is one. On failure nil, the
-- message, and whether more lines could complete it.
function M.compile(code, name, env)
  local chunk, as_expression = load("return " .. code, name, "t", env)
  if chunk then return chunk end
  local message
  chunk, message = load(code, name, "t", env)
  if chunk then return chunk end
  if ends_early(as_expression, code) then return nil, as_expression, true end
  -- no statement begins like that: it was meant as an expression
  if at_once(message, code) then message = as_expression end
  return nil, message, ends_early(message, code)
end

local function is_row(value)
  local meta = type(value) == "userdata" and debug.getmetatable(value)
  return meta and meta.__name == "portinfo.row"
end

-- Strings keep their lines and tabs, and lose what would steer a terminal.
local function safe_lines(text)
  return (text:gsub("[^\n\t]+", escape))
end

-- tostring for what may hold anything: a failing __tostring fails for itself alone.
local function text_of(value)
  local ok, text = pcall(tostring, value)
  return ok and text or ("%s whose __tostring fails"):format(type(value))
end

local function by_name(a, b) return text_of(a) < text_of(b) end

-- Keys in an order that holds for all of them: numbers first, then by name.
local function sorted_keys(value)
  local keys = {}
  for key in next, value do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    local x, y = type(a) == "number", type(b) == "number"
    if x ~= y then return x end
    if x then return a < b end
    return by_name(a, b)
  end)
  return keys
end

-- A value on one line; a table inside a table is only hinted at.
local function short(value, deep)
  if type(value) == "string" then return '"' .. escape(value) .. '"' end
  if type(value) ~= "table" or getmetatable(value) ~= nil then
    return safe_lines(text_of(value))
  end
  if deep then return next(value) == nil and "{}" or "{...}" end
  local parts = {}
  for _, key in ipairs(sorted_keys(value)) do
    if #parts == 12 then
      parts[13] = "..."
      break
    end
    local name = math.type(key) == "integer" and "" or escape(text_of(key)) .. " = "
    parts[#parts + 1] = name .. short(value[key], true)
  end
  return "{" .. table.concat(parts, ", ") .. "}"
end

local most_entries = 100

-- The entries of a plain table, a line each.
local function show_table(value)
  local keys, out = sorted_keys(value), {}
  for i = 1, math.min(#keys, most_entries) do
    out[i] = ("%s: %s\n"):format(escape(text_of(keys[i])), short(value[keys[i]]))
  end
  if #keys > most_entries then
    out[#out + 1] = ("... and %d more\n"):format(#keys - most_entries)
  end
  return #keys == 0 and "{}\n" or table.concat(out)
end

-- Every field of a row, read if it was not yet.
local function show_row(row, options)
  local layout = {now = os.time()}
  for name, option in pairs(options or {}) do layout[name] = option end
  return render.record(row, layout)
end

-- A value as people want to see it. Options are those of query:text.
function M.show(value, options)
  if query.is_query(value) then
    local text, message = value:text(options)
    if not text then error(message, 0) end
    return text
  end
  if is_row(value) then return show_row(value, options) end
  if type(value) == "table" and getmetatable(value) == nil then
    return show_table(value)
  end
  local text = safe_lines(text_of(value))
  return text:sub(-1) == "\n" and text or text .. "\n"
end

-- A print that a hostile name cannot steer.
function M.print(...)
  local parts = table.pack(...)
  for i = 1, parts.n do parts[i] = safe_lines(tostring(parts[i])) end
  io.stdout:write(table.concat(parts, "\t", 1, parts.n), "\n")
end

-- ---- Mistakes --------------------------------------------------------------------

-- The message of an error, whatever it is.
function M.message(err)
  local meta = debug.getmetatable(err)
  local speaks = type(err) == "string" or type(err) == "number"
    or type(meta) == "table" and meta.__tostring ~= nil
  local ok, text = pcall(tostring, err)
  if speaks and ok then return safe_lines(text) end
  return ("an error without a message: a %s value"):format(type(err))
end

-- Where the n-th line of the code begins and ends.
local function bounds_of_line(code, n)
  local first = 1
  for _ = 2, n do
    local newline = code:find("\n", first, true)
    if not newline then return nil end
    first = newline + 1
  end
  return first, (code:find("\n", first, true) or #code + 1) - 1
end

-- Where Lua's reader stumbled over the token: the text up to it is refused for the
-- same reason, and up to an earlier one like it is not.
local function stumbled_at(code, name, refusal, token, first, last)
  local from = first
  for _ = 1, 50 do -- each look reads the code again
    local at = code:find(token, from, true)
    if not at or at > last then return nil end
    local read = code:sub(1, at + #token - 1)
    -- as a statement, as an expression, as a string that its line ends
    for _, text in ipairs{read, "return " .. read, read .. "\n"} do
      if select(2, load(text, name, "t")) == refusal then return at end
    end
    from = at + 1
  end
end

-- The only place of a name in a line.
local function only_place(code, word, first, last)
  local pattern = "%f[%w_]" .. word .. "%f[^%w_]"
  local line = code:sub(first, last)
  local at, stop = line:find(pattern)
  if at and not line:find(pattern, stop + 1) then return first + at - 1 end
end

-- The token or the name that a message is about, as its first byte and its length.
local function place_of(message, code, name, first, last)
  local token = message:match " near '(.+)'$"
  if token then
    return stumbled_at(code, name, message, token, first, last), #token
  end
  if message:find " near <eof>$" then return last + 1, 1 end
  local word = message:match "%(%l+ '([%a_][%w_]*)'%)$"
    or message:match "no %l+ '([%a_][%w_]*)'" or message:match "unknown %l+ '([%a_][%w_]*)'"
  if word then return only_place(code, word, first, last), #word end
end

-- A mistake in a long text is told without a caret: finding it takes too long.
local longest_pointed = 65536

-- The message of an error, and the line of the code that it names, with a caret under
-- what it is about. `code` is what was compiled under `name`; nil if that is not known.
function M.explain(err, code, name)
  local text = M.message(err)
  local raw = type(err) == "string" and err or text
  local prefix = name and name:sub(2) .. ":"
  if not code or #code > longest_pointed or raw:find("\n", 1, true)
    or raw:sub(1, #prefix) ~= prefix then
    return text
  end
  local first, last = bounds_of_line(code, math.tointeger(raw:match("^%d+", #prefix + 1)) or 0)
  if not first then return text end
  local visible = code:gsub("[\t\r]", " ")
  local at, length = place_of(raw, code, name, first, last)
  if at then return pointed(visible, text, at, length) end
  local line = visible:sub(first, math.min(last, first + 79)):gsub("^ +", "")
  if line == visible then return text end -- it is all that was typed
  return ("%s\n  %s"):format(text, escape(line))
end

return M
