-- Nothing from outside steers a terminal: random bytes in all that a process or a saved
-- reading can name, at many widths, in every form that people get to see.

local chunk = require "portinfo.chunk"
local fake = require "fake"
local pi = require "portinfo"
local width_of = require "portinfo.width".of

-- What a terminal takes for more than a letter: C0 but the newline, DEL, C1 as UTF-8,
-- and bytes that are no character at all.
local function is_hostile(text)
  return not utf8.len(text) or text:find "[\0-\9\11-\31\127]" or text:find "\xc2[\x80-\x9f]"
end

local ours = {["1"] = true, ["2"] = true, ["31"] = true, ["32"] = true, ["33"] = true}

-- The text without our own sequences, all of which must end.
local function without_colours(text)
  return (text:gsub("\27%[(%d+)m([^\27\n]*)\27%[0m", function(code, inside)
    assert.is_truthy(ours[code])
    return inside
  end))
end

local pieces = {"\27[2J", "\27]0;x\7", "\xc2\x9b31m", "\xff", "\xe2\x82", "\u{202e}", "\u{200d}",
                "\u{301}", "家", "🐘", "\u{fe0f}", "\r", "\t", "\127", " ", "\\x1b", "a", "b", "%s"}

-- Neither ends a name in a file of a proc folder.
local function random_text(most)
  local parts = {}
  for i = 1, math.random(0, most) do
    local piece = math.random(2) == 1 and pieces[math.random(#pieces)]
      or string.char(math.random(1, 255))
    parts[i] = piece:gsub("[\n)]", "x")
  end
  return table.concat(parts)
end

local function random_host()
  local spec = {tcp = {}, processes = {}}
  for i = 1, 6 do
    spec.tcp[i] = {"0.0.0.0:" .. math.random(65535), state = "listen", inode = i}
    spec.processes[i] = {
      pid = 100 + i, name = random_text(5):sub(1, 15), cmdline = random_text(60), fds = {[3] = i},
      cgroup = "/" .. random_text(8), exe = "/" .. random_text(8):gsub("/", "_"),
    }
  end
  return fake.options(spec)
end

local fields = {"process", "cmdline", "exe", "cgroup", "holders", "lport", "user"}

-- What a query shows in every form, as {form, text, width}.
local function each_form(q, width)
  local forms = {}
  for _, color in ipairs{false, true} do
    for _, ascii in ipairs{false, true} do
      local screen = {width = width, color = color, ascii = ascii}
      local record = {width = width, color = color, ascii = ascii, format = "line"}
      for name, shape in pairs{whole = q, fields = q:select(fields), tally = q:tally "process"} do
        forms[#forms + 1] = {name, shape:text(screen), ascii = ascii}
        forms[#forms + 1] = {name .. " record", shape:text(record), ascii = ascii}
      end
      forms[#forms + 1] = {"row", chunk.show(q:first(), screen), ascii = ascii}
    end
  end
  return forms
end

local function check(q, width)
  for _, form in ipairs(each_form(q, width)) do
    local text = without_colours(form[2])
    if is_hostile(text) then error(("%s at %d columns: %q"):format(form[1], width, form[2])) end
    if form.ascii then assert.is_nil(text:find "[\x80-\xff]") end
    for line in text:gmatch "[^\n]+" do
      if width_of(line) > width then assert.equal(width, ("%s: %s"):format(form[1], line)) end
    end
  end
end

describe("no control byte but ours gets out", function()
  it("of names that processes chose", function()
    local seed = tonumber(os.getenv "SEED") or 20261123
    math.randomseed(seed)
    for _ = 1, 8 do
      local q = pi.sockets(nil, random_host())
      for _, width in ipairs{20, 33, 40, 80, 120, 200} do check(q, width) end
    end
  end)

  it("of names in a saved reading, devices among them", function()
    math.randomseed(7)
    local path = fake.folder() .. "/reading"
    local q = pi.sockets(nil, fake.options{tcp = {{"0.0.0.0:22", state = "listen", inode = 1}}})
    assert(q:snapshot():save(path))
    local file <close> = assert(io.open(path))
    local saved = file:read "a"
    for _, name in ipairs{[[\u001b[2J]], [[\u009b31m]], [[\u202e]], [[家\u0301]], [[\u0000]]} do
      local known = saved:gsub('"unknown":%["iface",', '"unknown":[')
      local changed, n = known:gsub('"lport":22', '"lport":22,"iface":"' .. name .. '"')
      assert.equal(1, n)
      fake.write(path, changed)
      assert(pi.load(path))
      for _, width in ipairs{20, 40, 80} do check(pi.load(path):sockets(), width) end
    end
  end)
end)
