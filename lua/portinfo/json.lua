-- json.lua: writes Lua values as JSON (RFC 8259). Rows are core's business; this
-- is for pages, searches and the doctor.

local M = {}

local Raw = {}

-- Text that is JSON already.
function M.raw(text) return setmetatable({text = text}, Raw) end

local names = {
  ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f",
  ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t",
}

local function escape_ascii(c)
  return names[c] or ("\\u%04x"):format(c:byte())
end

-- Bytes that are not UTF-8 become U+FFFD.
function M.to_utf8(text)
  if utf8.len(text) then return text end
  local parts, i = {}, 1
  while i <= #text do
    local _, bad = utf8.len(text, i)
    parts[#parts + 1] = text:sub(i, (bad or #text + 1) - 1)
    if bad then parts[#parts + 1] = "\u{fffd}" end
    i = (bad or #text) + 1
  end
  return table.concat(parts)
end

local function string(text)
  text = M.to_utf8(text):gsub('[\0-\31\127"\\]', escape_ascii)
  -- C1 controls are legal in JSON, but not for the terminal it is shown on
  return '"' .. text:gsub("\xc2[\x80-\x9f]", function(c)
    return ("\\u00%02x"):format(c:byte(-1))
  end) .. '"'
end

local encode

local function array(list)
  local parts = {}
  for i, value in ipairs(list) do parts[i] = encode(value) end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function object(map)
  local keys, parts = {}, {}
  for key in pairs(map) do keys[#keys + 1] = key end
  table.sort(keys)
  for i, key in ipairs(keys) do
    parts[i] = string(key) .. ":" .. encode(map[key])
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

-- A table with a first element, or an empty one, is an array.
function encode(value)
  local kind = type(value)
  if kind == "string" then return string(value) end
  if kind == "number" or kind == "boolean" then return tostring(value) end
  if value == nil then return "null" end
  if getmetatable(value) == Raw then return value.text end
  if value[1] ~= nil or next(value) == nil then return array(value) end
  return object(value)
end

M.encode = encode
return M
