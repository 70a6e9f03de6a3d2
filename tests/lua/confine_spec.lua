-- Files of rules get what they need, and no way to what they are not given.

local confine = require "portinfo.confine"
local fake = require "fake"

local above = fake.folder()
local folder = above .. "/rules"
assert(os.execute(("mkdir %s"):format(folder)))

-- What the source gives, run as a file of rules in the folder; the name of the file in what
-- is wrong is its last part.
local function run(source, trust)
  local value, message = confine.run({name = folder .. "/rules.lua", text = source}, 2, trust)
  return value, type(message) == "string" and message:gsub("^.*/rules%.lua", "rules.lua") or message
end

describe("a file of rules", function()
  it("has facts, filters and values", function()
    assert.equal("ssh", (run [[return pi.port(22).names[1].name]]))
    assert.equal("lport = 22", run [[return pi.p("lport = 22"):text()]])
    assert.equal(3, run [[return #table.pack(1, 2, 3)]])
    assert.equal("B", run [[return ("b"):upper()]])
    assert.equal("number", run [[return type(os.time())]])
    assert.is_true(run [[return require "portinfo" == pi]])
  end)

  it("requires files of its folder, once", function()
    fake.write(folder .. "/lib.lua", "count = (count or 0) + 1; return {n = count}")
    assert.equal(1, run [[return require("lib").n]])
    assert.equal(1, run [[require "lib"; return require("lib").n]])
  end)

  it("gets its own copy of the rules that are built in", function()
    assert.equal("changed", run [[
      local pack = require "portinfo.rules"
      pack[1].id = "changed"
      return pack[1].id]])
    assert.not_equal("changed", require("portinfo.rules")[1].id)
  end)

  it("may begin with a byte order mark, and with #!", function()
    assert.equal(1, run "\xef\xbb\xbfreturn 1")
    assert.equal(2, run "#!/usr/bin/env portinfo\r\nreturn 2")
  end)

  it("tells where it is wrong", function()
    assert.matches("^rules.lua:2: ", select(2, run "\nreturn = 1"))
    assert.matches("^rules.lua:3: ", select(2, run "\n\nerror 'x'"))
  end)

  it("is stopped where it does not end", function()
    assert.matches("rules.lua:1: it took more than 2 s", select(2, run "while true do end"))
    -- also where a function of ours was at work for it
    assert.matches("^rules.lua:1: it took more",
      select(2, run 'local r = require while true do r "portinfo" r "portinfo" end'))
  end)
end)

-- ---- Escapes ---------------------------------------------------------------------

-- Each returns something if it gets out.
local escapes = {
  ["os.execute"] = [[return os.execute]],
  ["os.remove, os.exit and os.getenv"] = [[return os.remove or os.exit or os.getenv or os.tmpname]],
  ["io"] = [[return io]],
  ["debug"] = [[return debug]],
  ["package"] = [[return package]],
  ["load"] = [[return load or loadstring]],
  ["loadfile and dofile"] = [[return loadfile or dofile]],
  ["string.dump, for byte code"] = [[return string.dump]],
  ["collectgarbage"] = [[return collectgarbage]],
  ["warn"] = [[return warn]],
  ["byte code as a library"] = [[return require "binary"]],
  ["a library by an absolute path"] = [[return require "/etc/passwd"]],
  ["a library above the folder"] = [[return require "../lib" or require "..lib"]],
  ["a library above the folder, by dots"] = [[return require "...lib"]],
  ["a library of the system"] = [[return require "cjson"]],
  ["io by require"] = [[return require "io"]],
  ["debug by require"] = [[return require "debug"]],
  ["_G by require"] = [[return require("_G")]],
  ["the module's core by require"] = [[return require "portinfo.core"]],
  ["our own files by require"] = [[return require "portinfo.confine"]],
  ["the terminal by require"] = [[return require "portinfo.terminal"]],
  ["sockets, which would be another reading"] = [[return pi.sockets or pi.snapshot or pi.load]],
  ["files by the module"] = [[return pi.audit or pi.free or pi.why or pi.watch]],
  ["the metatable of strings"] = [[return getmetatable("")]],
  ["the table of strings, to change it"] = [[return getmetatable("").__index]],
  ["the metatable of predicates"] = [[local m = getmetatable(pi.p "tcp") return m]],
  ["what predicates are, by their __index"] = [[return pi.p("tcp").__index]],
  ["what predicates are, by their finalizer"] = [[return pi.p("tcp").__gc]],
  ["the metatable of ranges"] = [[return getmetatable(pi.range(1, 2))]],
  ["what ranges are, by their __index"] = [[return pi.range(1, 2).__index]],
  ["a finalizer by a range"] = [[
    return pcall(function() getmetatable(pi.range(1, 2)).__gc = print end) or nil]],
  ["the environment of others by _G"] = [[return _G.io or _G._G.io or _G._ENV]],
  ["the environment by _ENV"] = [[return _ENV.debug or _ENV.package]],
  ["upvalues by coroutines"] = [[return coroutine.wrap(function() return io end)()]],
  ["a finalizer"] = [[return setmetatable({}, {__gc = function() end})]],
  ["a traceback by xpcall"] = [[
    return xpcall(function() return debug.traceback() end, function() return nil end) or nil]],
  ["a global of ours by setmetatable on _G"] = [[
    setmetatable(_G, {__index = function(_, name) return rawget(_G, name) end})
    return io]],
  ["a library through __index of require's table"] = [[
    local name = setmetatable({}, {__tostring = function() return "io" end})
    return require(name)]],
}

describe("a file of rules does not get", function()
  fake.write(folder .. "/binary.lua", string.dump(function() return 1 end))
  fake.write(above .. "/lib.lua", "return 1")
  local n = 0
  for name, source in pairs(escapes) do
    n = n + 1
    it(name, function()
      local value = run(source)
      assert(not value, name)
    end)
  end
  assert(n >= 25)

  it("to change what others see", function()
    run [[string.format = nil; table.concat = nil; pi.port = nil; math.floor = nil; return 1]]
    assert.is_function(string.format)
    assert.is_function(table.concat)
    assert.is_function(require("portinfo").port)
    assert.equal("1", run [[return string.format("%d", 1)]])
    assert.equal("x", run [[return ("x"):format()]])
  end)

  it("to write to standard output", function()
    assert.equal("", fake.printed(function() run [[print "\27[31m"; return 1]] end))
  end)

  -- Whatever a value of ours leads to, by its members or its metatable, is no table that
  -- another environment gets, too.
  it("to share a table with another file", function()
    local function reached(env)
      local seen, open = {}, {env}
      while #open > 0 do
        local value = table.remove(open)
        if type(value) == "table" and not seen[value] then
          seen[value] = true
          for key, member in next, value do
            open[#open + 1], open[#open + 2] = key, member
          end
          open[#open + 1] = env.getmetatable(value)
        elseif type(value) == "userdata" then
          open[#open + 1] = env.getmetatable(value)
          local ok, index = pcall(function() return value.__index end)
          open[#open + 1] = ok and index or nil
        end
      end
      return seen
    end
    local function filled()
      local env = confine.environment(folder)
      env.values = {
        env.pi.p "tcp", env.pi.range(1, 2), env.pi.port(22), env.pi.service "ssh",
        env.pi.search("ssh", 3), env.require "portinfo.rules", env.require "portinfo",
      }
      return reached(env)
    end
    local one, count = filled(), 0
    for value in pairs(filled()) do
      count = count + 1
      assert.is_nil(one[value])
    end
    assert(count > 50)
  end)

  it("past its time by the handler of xpcall", function()
    assert.matches("took more than 2 s", select(2, run [[
      local function loop() while true do end end
      return xpcall(loop, loop)]]))
    assert.equal("no!", run [[
      return (select(2, xpcall(error, function(m) return m .. "!" end, "no")))]])
  end)

  it("byte code", function()
    local code = string.dump(assert(load "return 1"))
    assert.matches("byte code", select(2, run(code)))
  end)
end)

describe("a file of rules that is trusted", function()
  it("has all of Lua, and the files of its folder", function()
    assert.is_true((run([[return io ~= nil and debug ~= nil and pi.sockets ~= nil]], true)))
    assert.is_true((run([[return require("string") == string]], true)))
    fake.write(folder .. "/own.lua", "return {n = 7}")
    assert.equal(7, (run([[return require("own").n]], true)))
  end)

  it("leaves no globals behind", function()
    run([[left = 1; return 1]], true)
    assert.is_nil(rawget(_G, "left"))
  end)
end)
