-- wire.lua: plain values as bytes, for a message between two processes. What is read
-- is not trusted: it can be nothing but values, and a broken message is an error.

local M = {}

local deepest = 32

local encode

local function encode_table(value, depth, out)
  if depth > deepest then error "wire: nested too deep" end
  out[#out + 1] = "{"
  for key, member in next, value do
    encode(key, depth + 1, out)
    encode(member, depth + 1, out)
  end
  out[#out + 1] = "}"
end

function encode(value, depth, out)
  local kind = type(value)
  if kind == "string" then
    out[#out + 1] = "s" .. string.pack("<s4", value)
  elseif math.type(value) == "integer" then
    out[#out + 1] = "i" .. string.pack("<i8", value)
  elseif kind == "number" then
    out[#out + 1] = "d" .. string.pack("<d", value)
  elseif kind == "boolean" then
    out[#out + 1] = value and "t" or "f"
  elseif kind == "table" then
    encode_table(value, depth, out)
  else
    error("wire: a " .. kind .. " is no plain value")
  end
end

-- The bytes of a string, a number, a boolean, or a table of such without metatables.
function M.encode(value)
  local out = {}
  encode(value, 1, out)
  return table.concat(out)
end

local decode

local formats = {s = "<s4", i = "<i8", d = "<d"}

local function decode_table(bytes, at, depth)
  if depth > deepest then error "wire: nested too deep" end
  local value = {}
  while bytes:byte(at) ~= 125 do -- "}"
    local key, member
    key, at = decode(bytes, at, depth + 1)
    member, at = decode(bytes, at, depth + 1)
    if key ~= key then error "wire: a key that is no number" end
    value[key] = member
  end
  return value, at + 1
end

function decode(bytes, at, depth)
  local tag = bytes:sub(at, at)
  if formats[tag] then return string.unpack(formats[tag], bytes, at + 1) end
  if tag == "t" or tag == "f" then return tag == "t", at + 1 end
  if tag == "{" then return decode_table(bytes, at + 1, depth) end
  error "wire: a broken message"
end

-- The value, or nil if the bytes are none.
function M.decode(bytes)
  local ok, value, at = pcall(decode, bytes, 1, 1)
  if ok and at == #bytes + 1 then return value end
  return nil
end

return M
