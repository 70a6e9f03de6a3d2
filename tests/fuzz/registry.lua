-- registry.lua: any bytes at all as IANA's XML.
--
-- A document is read or refused in words; one that was read is the same when it is written
-- and read again. `make refresh` of it ends with a table that the generator takes, or with
-- one line that a terminal may see, and leaves the table as it was.
--
-- An input is a document. What has no element is put into a record's description.

local records = dofile "src/registry/records.lua"
local xml = dofile "src/registry/xml.lua"

-- ---- Documents ------------------------------------------------------------------------

local quoted = {["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&#34;"}

local function quote(text) return (text:gsub('[&<>"]', quoted)) end

-- Texts side by side are one text; nothing is told of where one was cut.
local function write(element, out)
  if type(element) == "string" then
    out[#out + 1] = quote(element)
    return
  end
  out[#out + 1] = "<" .. element.name
  local names = {}
  for name in pairs(element.attributes) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    out[#out + 1] = (' %s="%s"'):format(name, quote(element.attributes[name]))
  end
  out[#out + 1] = ">"
  for _, child in ipairs(element) do write(child, out) end
  out[#out + 1] = "</" .. element.name .. ">"
end

local function written(element)
  local out = {}
  write(element, out)
  return table.concat(out)
end

local function is_read_or_refused(text)
  local root, message = xml.parse(text)
  if not root then
    assert(type(message) == "string" and message ~= "")
    return
  end
  local once = written(root)
  local again = assert(xml.parse(once))
  assert(written(again) == once)
end

-- ---- Refreshing -----------------------------------------------------------------------

-- The tool as it is, but that few records are enough and files are in memory.
local source = assert(io.open "src/registry/refresh.lua"):read "a"
local LEAST = "local LEAST_RECORDS = 14000"
assert(source:find(LEAST, 1, true))
local files, told

local function close() end

local function in_memory(path, mode)
  if mode == "wb" then
    return {
      write = function(_, text) files[path] = text return true end,
      close = function() return true end,
    }
  end
  local text = files[path]
  if not text then return nil, path .. ": No such file or directory" end
  return setmetatable({
    read = function() return text end,
    lines = function() return text:gmatch "([^\n]*)\n" end,
    close = close,
  }, {__close = close})
end

local Ended = {}
local env = setmetatable({
  arg = {[0] = "src/registry/refresh.lua"},
  print = function(...) told[#told + 1] = table.concat({...}, "\t") end,
  io = {
    open = in_memory,
    stderr = {write = function(_, ...) told[#told + 1] = table.concat{...} end},
  },
  os = {
    exit = function(status) error(setmetatable({status = status}, Ended), 0) end,
    setlocale = close, remove = function(path) files[path] = nil end,
    rename = function(from, to) files[to], files[from] = files[from], nil return true end,
  },
}, {__index = _G})
function env.dofile(path) return assert(loadfile(path, "t", env))() end
local refresh = assert(load(source:gsub(LEAST, "local LEAST_RECORDS = 1", 1), "=refresh", "t", env))

-- As src/registry/table.c wants a table to be.
local function is_a_table(text)
  assert(utf8.len(text) and not text:find "[\0-\8\11-\31\127]" and text:sub(-1) == "\n")
  assert(not text:find "\xC2[\x80-\x9F]")
  for line in text:gmatch "([^\n]*)\n" do
    if not line:find "^#" then
      local cells = select(2, line:gsub("\t", "")) + 1
      assert(cells == #records.columns, line)
    end
  end
end

local function run(...)
  told = {}
  local ok, trouble = pcall(refresh, ...)
  if ok then return true end
  if getmetatable(trouble) ~= Ended then error(trouble, 0) end
  local text = table.concat(told)
  assert(trouble.status == 2)
  assert(not text:find "^refresh: unexpected trouble", text)
  assert(text:find "^refresh: [^\n]*\n$" and not text:sub(1, -2):find "%c", text)
  return false
end

local function is_refreshed(text)
  files = {from = text}
  if run("from", "out") then
    is_a_table(files.out)
    assert(not files["out.new"])
    local first = files.out
    assert(run("--force", "from", "out") and files.out == first)
  else
    assert(not files.out and not files["out.new"])
  end
end

local frame = [[<registry id="service-names-port-numbers"><updated>2026-01-02</updated>
<record date="2001-02"><name>x</name><protocol>tcp</protocol><number>7</number>
<description>%s</description></record></registry>]]

return function(input)
  is_read_or_refused(input)
  is_refreshed(input:find "<" and input or frame:gsub("%%s", function() return input end))
end
