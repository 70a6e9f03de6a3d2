-- help_spec.lua: everything that can be called or typed is explained, by examples
-- that run; and editors are told the same.

local core = require "portinfo.core"
local fake = require "fake"
local help = require "portinfo.help"
local meta = require "portinfo.meta"
local pi = require "portinfo"
local predicate = require "portinfo.predicate"
local query = require "portinfo.query"
local schema = require "portinfo.schema"

local function entry_of(title)
  for _, entry in ipairs(help.entries) do
    if entry.title == title then return entry end
  end
  error("no entry for " .. title)
end

-- Methods that a reading has for others of our files alone.
local internal = {pick = true}

local function methods_of_reading()
  local list, of_query = {}, {}
  for _, name in ipairs(query.method_names) do of_query[name] = name ~= "snapshot" end
  for name in pairs(core.snapshot_class()) do
    if not name:find "^__" and not internal[name] and not of_query[name] then
      list[#list + 1] = name
    end
  end
  return list
end

describe("the help", function()
  it("has an entry for every function of the module", function()
    for name, value in pairs(pi) do
      if type(value) == "function" then entry_of("pi." .. name) end
    end
  end)

  it("has an entry for every method of queries, readings and predicates", function()
    for _, name in ipairs(query.method_names) do entry_of("query:" .. name) end
    local names = methods_of_reading()
    assert.equal(13, #names)
    for _, name in ipairs(names) do entry_of("reading:" .. name) end
    for name in pairs(debug.getmetatable(pi.p "tcp").__index) do
      if not name:find "^__" then entry_of("predicate:" .. name) end
    end
  end)

  it("has an entry for nothing else", function()
    local reading = {}
    for _, name in ipairs(methods_of_reading()) do reading[name] = true end
    for _, entry in ipairs(help.entries) do
      if entry.kind == "function" then assert.is_function(pi[entry.name]) end
      if entry.kind == "query" then assert.is_function(pi.sockets()[entry.name]) end
      if entry.kind == "reading" then assert.is_true(reading[entry.name]) end
    end
  end)

  it("has an entry for every field and its words, and every flag", function()
    for _, field in ipairs(schema.fields) do
      local entry = entry_of(field.name)
      assert.equal(field.meaning, entry.summary)
      assert.equal(#(field.words or {}), #(entry.details or {}))
      for i, word in ipairs(field.words or {}) do
        assert.equal(word, entry.details[i][1])
        assert.is_string(entry.details[i][2], word)
      end
    end
    for _, flag in ipairs(core.flags()) do entry_of(flag) end
  end)

  it("has an entry for every command of the prompt", function()
    for name in ("help fields apropos mode timer last explain save open diff watch quit")
      :gmatch "%l+" do
      local entry = entry_of("." .. name)
      assert.equal("." .. name, entry.example:match "^%S+")
    end
  end)

  it("says each thing in one line, with an example", function()
    for _, entry in ipairs(help.entries) do
      assert.is_true(#entry.summary <= 80, entry.title)
      assert.is_nil(entry.summary:find "\n")
      assert.is_string(entry.example, entry.title)
    end
  end)

  it("has filters that say what flags mean", function()
    for _, flag in ipairs(core.flags()) do
      local words = help.flag_meaning(flag):match "^%l+ = [%l%d-]+"
      if words then assert.equal(pi.p(words):text(), pi.p(flag):text()) end
    end
  end)

  it("shows a topic by any of its names, in the width there is", function()
    for _, name in ipairs{"query:where", ":where", "where", "pi.sockets", "sockets", "lport",
                          "sport", "LISTENING", ".help", "snapshot:save", "orphan", "fields",
                          "flags", "commands", "query", "pi", "row",
                          "operators", "reading", "predicate", ""} do
      for line in assert(help.topic(name, 60)):gmatch "[^\n]+" do
        -- examples are not broken
        assert.is_true(#line <= 60 or line:find "^    %S" ~= nil, line)
      end
    end
    assert.truthy(help.topic("where"):find("query:where(spec?) -> query", 1, true))
  end)

  it("has a suggestion for what is no topic", function()
    assert.same({nil, "nothing is known of 'listning': did you mean 'listening'?"},
                {help.topic "listning"})
    assert.same({nil, "nothing is known of 'xyzzyx'; try .apropos"}, {help.topic "xyzzyx"})
  end)

  it("finds by a word of what is said, names first", function()
    local found = help.apropos "Owner"
    assert.equal("owner", found[1].title)
    assert.is_true(#found > 3)
    assert.same({}, help.apropos "xyzzyx")
    assert.equal("  owner              is it known who holds the socket\n",
                 help.line(found[1]))
  end)
end)

-- ---- Examples --------------------------------------------------------------------

-- The module as the examples know it, asking the sockets of a fake proc folder.
local function environment()
  local options = {backend = "proc", proc = fake.proc{
    tcp = {{"0.0.0.0:22", state = "listen", inode = 1},
           {"127.0.0.1:8080", state = "listen", inode = 2},
           {"10.0.0.5:22", "10.0.0.9:50000", state = "established", inode = 3}},
    udp = {{"0.0.0.0:5353", state = "unconnected", inode = 4}},
    processes = {{pid = 42, name = "sshd", fds = {[3] = 1, [4] = 3}},
                 {pid = 43, name = "web", fds = {[3] = 2}}},
  }}
  local module = setmetatable({}, {__index = pi})
  for _, name in ipairs{"sockets", "listening", "who", "snapshot"} do
    module[name] = function(spec) return pi[name](spec, options) end
  end
  local out = setmetatable({
    write = function(...) return io.stdout:write(...) end,
  }, {__index = io})
  return setmetatable({pi = module, io = out, print = function(value)
    io.stdout:write(tostring(value), "\n")
  end}, {__index = _G})
end

describe("an example", function()
  local env, folder

  setup(function()
    env, folder = environment(), fake.folder()
  end)

  for _, entry in ipairs(help.entries) do
    if entry.kind ~= "command" then
      it("runs: " .. entry.title, function()
        local code = entry.example:gsub('"now%.ndjson"', ("%q"):format(folder .. "/now.ndjson"))
        local run = load("return " .. code, "=example", "t", env)
          or assert(load(code, "=example", "t", env))
        fake.printed(function()
          local value = run()
          if query.is_query(value) then assert(value:count()) end
        end)
      end)
    end
  end
end)

-- ---- Definitions for editors -----------------------------------------------------

describe("the definitions for editors", function()
  local text = meta.text()

  it("load as Lua, and have every function", function()
    local env = {}
    local module = assert(load(text, "=meta", "t", env))()
    for name, value in pairs(pi) do
      if type(value) == "function" then assert.is_function(module[name], name) end
    end
    assert.equal(module, env.pi)
  end)

  -- The lines of a class or an alias.
  local function block(head)
    local at = assert(text:find("\n---@" .. head .. "\n", 1, true), head)
    return text:match("^(.-)\n\n", at) .. "\n"
  end

  it("name every field, in rows and in filters", function()
    local row, where = block "class portinfo.row", block "class portinfo.where"
    local names = block "alias portinfo.field"
    for _, name in ipairs(schema.names) do
      assert.truthy(row:find("\n---@field " .. name .. " ", 1, true), name)
      assert.truthy(where:find("\n---@field " .. name .. "? ", 1, true), name)
      assert.truthy(names:find(("| %q"):format(name), 1, true), name)
    end
  end)

  it("name every flag, and every word of a field with what it means", function()
    local flags = block "alias portinfo.flag"
    for _, flag in ipairs(core.flags()) do
      assert.truthy(flags:find(("---| %q # "):format(flag), 1, true), flag)
    end
    for _, field in ipairs(schema.fields) do
      local words = field.words and block("alias portinfo.word." .. field.name)
      for _, word in ipairs(field.words or {}) do
        assert.truthy(words:find(("---| %q # "):format(word), 1, true), word)
      end
    end
  end)

  it("name every method", function()
    for _, name in ipairs(query.method_names) do
      assert.truthy(text:find("\nfunction query:" .. name .. "(", 1, true), name)
      assert.equal(name ~= "snapshot",
                   text:find("\nfunction reading:" .. name .. "(", 1, true) ~= nil, name)
    end
    for _, name in ipairs(methods_of_reading()) do
      assert.truthy(text:find("\nfunction reading:" .. name .. "(", 1, true), name)
    end
  end)

  it("mean types that they define", function()
    local known = {}
    for name in text:gmatch "\n%-%-%-@%l+ (portinfo[%w_.]*)" do known[name] = true end
    for line in text:gmatch "\n%-%-%-@([^\n]+)" do
      for kind in line:gmatch "portinfo%.[%w_.]+" do assert.is_true(known[kind], kind) end
    end
  end)

  it("call those fields sure that every row tells", function()
    local row = block "class portinfo.row"
    local snap <close> = assert(pi.snapshot(nil, {backend = "proc", proc = fake.proc{
      tcp = {{"0.0.0.0:22", state = "time-wait"}},
      processes = {{pid = 42, name = "x", closed = true}},
    }}))
    local seen = snap:first()
    for name, kind in row:gmatch "@field (%S+) (%S+)" do
      if not kind:find("nil", 1, true) then assert.truthy(seen[name], name) end
    end
  end)
end)

describe("a filter of a field's entry", function()
  it("tests the field", function()
    for _, field in ipairs(schema.fields) do
      local filter = entry_of(field.name).example:match "^pi%.sockets (['\"])(.-)%1$"
      assert.is_string(filter)
      local text = entry_of(field.name).example:match "^pi%.sockets ['\"](.*)['\"]$"
      local built = assert(predicate.build(text))
      assert.truthy(built:text():find(field.name, 1, true), field.name)
    end
  end)
end)
