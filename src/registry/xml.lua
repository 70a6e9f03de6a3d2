-- xml.lua: reads an XML document, as much of XML as IANA's registries use.
--
-- M.parse(text) gives the root element, or nil and what is wrong. An element
-- is a table: `name`, `attributes`, and its children as a list of elements and
-- strings. Elements must nest; a document type is refused, so that nothing in
-- the file can name another file or grow while it is read.

local M = {}

local ENTITIES = { amp = "&", lt = "<", gt = ">", quot = '"', apos = "'" }

local Trouble = {}

local function fail(at, text, message, ...)
  local _, line = text:sub(1, at):gsub("\n", "")
  local told = ("line %d: "):format(line + 1) .. message:format(...)
  error(setmetatable({ message = told }, Trouble))
end

-- What may stand in a document, and so be referred to: Char of XML 1.0.
local function is_char(code)
  return code == 9 or code == 10 or code == 13 or code >= 0x20 and code < 0xD800
    or code >= 0xE000 and code < 0xFFFE or code >= 0x10000 and code <= 0x10FFFF
end

-- The character of a reference by number; one of many digits is none, and does
-- not fit a number of ours.
local function character(name)
  local decimal = name:match "^#0*(%d+)$"
  local hexadecimal = name:match "^#x0*(%x+)$"
  local digits = decimal or hexadecimal
  if not digits or #digits > 7 then return nil end
  local code = tonumber(digits, decimal and 10 or 16)
  return is_char(code) and utf8.char(code) or nil
end

local function decode(piece, at, text)
  if not piece:find("&", 1, true) then return piece end
  return (piece:gsub("&([^;&%s<]*);?", function(name)
    return ENTITIES[name] or character(name)
      or fail(at, text, "unknown entity &%s;", name)
  end))
end

-- The attributes in the inside of a tag.
local function attributes(inside, at, text)
  local found = {}
  if inside == "" then return found end
  local rest = inside:gsub("([%w_:%-%.]+)%s*=%s*([\"'])(.-)%2",
    function(name, _, value)
      found[name] = decode(value, at, text)
      return ""
    end)
  if rest:find "%S" then fail(at, text, "malformed tag <%s", inside) end
  return found
end

-- What may stand where a "<" is: how it begins and how it ends.
local SPECIAL = {
  { "<!--", "-->" },
  { "<![CDATA[", "]]>", is_text = true },
  { "<?", "?>" },
}

-- Goes past a comment and the like: the place behind it, and its text.
local function special(text, at)
  for _, kind in ipairs(SPECIAL) do
    if text:sub(at, at + #kind[1] - 1) == kind[1] then
      local from, to = text:find(kind[2], at + #kind[1], true)
      if not from then fail(at, text, "%s without an end", kind[1]) end
      return to + 1, kind.is_text and text:sub(at + #kind[1], from - 1)
    end
  end
end

-- Reads the tag at `at` into `stack`; returns the place behind it.
local function tag(text, at, stack)
  local from, to, slash, name, inside, empty =
    text:find("^<(/?)([%a_][%w_:%-%.]*)([^<>]-)(/?)>", at)
  if not from then fail(at, text, "no tag, or one without an end") end
  local top = stack[#stack]
  if slash == "/" then
    if top.name ~= name then
      fail(at, text, "</%s> where </%s> belongs", name, top.name or "nothing")
    end
    stack[#stack] = nil
    return to + 1
  end
  local element = { name = name, attributes = attributes(inside, at, text) }
  top[#top + 1] = element
  if empty == "" then stack[#stack + 1] = element end
  return to + 1
end

local function read(text)
  local document = {}
  local control = text:find "[\0-\8\11\12\14-\31]"
  if control then fail(control, text, "a control byte") end
  local stack = { document }
  local at = text:find "^\xEF\xBB\xBF" and 4 or 1  -- a byte order mark
  while at <= #text do
    local top = stack[#stack]
    local open = text:find("<", at, true) or #text + 1
    if open > at then
      top[#top + 1] = decode(text:sub(at, open - 1), at, text)
    end
    if open > #text then break end
    local behind, data = special(text, open)
    if data then top[#top + 1] = data end
    at = behind or tag(text, open, stack)
  end
  local top = stack[#stack]
  if top ~= document then fail(#text, text, "<%s> has no end", top.name) end
  return document
end

function M.parse(text)
  local good, document = pcall(read, text)
  if not good then
    if getmetatable(document) ~= Trouble then error(document, 0) end
    return nil, document.message
  end
  local root
  for _, child in ipairs(document) do
    if type(child) == "table" then
      if root then return nil, "two root elements" end
      root = child
    elseif child:find "%S" then
      return nil, "text outside the root element"
    end
  end
  if not root then return nil, "no element" end
  return root
end

-- The first child element of this name.
function M.child(element, name)
  for _, child in ipairs(element) do
    if type(child) == "table" and child.name == name then return child end
  end
end

-- All text inside an element. `replace(element)` may give a text that stands
-- for an element and all that is in it.
function M.text(element, replace)
  local pieces = {}
  for i, child in ipairs(element or {}) do
    pieces[i] = type(child) == "string" and child
      or replace and replace(child) or M.text(child, replace)
  end
  return table.concat(pieces)
end

return M
