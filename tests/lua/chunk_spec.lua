-- What a person typed, and what they get to see of its values.

local chunk = require "portinfo.chunk"
local fake = require "fake"
local pi = require "portinfo"

local broken = setmetatable({}, {__tostring = function() error "boom" end})

local function shows(expected, value) assert.equal(expected, chunk.show(value)) end

describe("compile", function()
  local function value_of(code) return chunk.compile(code, "=test", {})() end

  it("takes an expression", function() assert.equal(2, value_of "1 + 1") end)

  it("takes several", function()
    assert.same({1, 2}, {chunk.compile("1, 2", "=test", {})()})
  end)

  it("takes statements", function() assert.equal(3, value_of "local x = 3 return x") end)

  it("says when more lines could complete it", function()
    for _, code in ipairs{"for i = 1, 2 do", "f(", "x =", "[[long", "if a then", "1 +",
                          "function f()", "--[[ a comment", "pi.p 'tcp' &", "'a\\"} do
      local compiled, _, unfinished = chunk.compile(code, "=test", {})
      assert.is_nil(compiled)
      assert.is_true(unfinished)
    end
  end)

  it("says when nothing could", function()
    for _, code in ipairs{"x = = 1", "end", "'open", "1 1"} do
      local compiled, message, unfinished = chunk.compile(code, "=test", {})
      assert.is_nil(compiled)
      assert.equal("test:1:", message:sub(1, 7))
      assert.is_false(unfinished)
    end
  end)

  it("refuses byte code", function()
    local _, message = chunk.compile(string.dump(function() end), "=test", {})
    assert.is_truthy(message)
  end)
end)

describe("show", function()
  it("ends each value's text with one newline", function()
    shows("nil\n", nil)
    shows("5\n", 5)
    shows("text\n", "text")
    shows("text\n", "text\n")
  end)

  it("keeps the lines and tabs of a string, and no other control", function()
    shows("a\tb\nc\\x1b[31m\n", "a\tb\nc\27[31m")
  end)

  it("shows a table by sorted keys, a line each", function()
    shows("1: 10\n2: \"x\"\na: true\nb: {1, 2}\n", {10, "x", b = {1, 2}, a = true})
    shows("{}\n", {})
  end)

  it("shows hostile keys and values safely", function()
    shows('k\\x1b: "v\\u{009b}"\n', {["k\27"] = "v\u{9b}"})
    shows('1: {"\\x1b"}\n', {{"\27"}})
  end)

  it("does not follow a table into itself", function()
    local loop = {}
    loop[1] = loop
    shows("1: {{...}}\n", loop)
  end)

  it("cuts a long table and says so", function()
    local long = {}
    for i = 1, 250 do long[i] = i end
    assert.is_truthy(chunk.show(long):find("\n100: 100\n... and 150 more\n$"))
  end)

  it("asks an object how it wants to be shown", function()
    shows("me\\x1b\n", setmetatable({}, {__tostring = function() return "me\27" end}))
    shows("1..2\n", pi.range(1, 2))
  end)

  it("survives a __tostring that raises, wherever it is", function()
    local said = "table whose __tostring fails"
    shows(said .. "\n", broken)
    shows("1: " .. said .. "\n", {broken})
    shows(said .. ": 1\n", {[broken] = 1})
  end)

  it("shows a row field by field, unknown and empty apart", function()
    local options = fake.options{
      tcp = {{"127.0.0.1:80", state = "listen", inode = 9}},
      processes = {{pid = 7, name = "a\27b", fds = {[3] = 9, [4] = 9}}},
    }
    local row = pi.sockets("all", options):first()
    assert.equal("a\27b", row.process) -- asked for: the group is read
    local text = chunk.show(row)
    for _, line in ipairs{"lport: 80", "rport: -", "mark: ?", "process: a\\x1bb",
                          "holders: 7/3/a\\x1bb, 7/4/a\\x1bb"} do
      assert.is_truthy(text:gsub("(\n  %g+:) +", "%1 "):find("  " .. line .. "\n", 1, true), line)
    end
  end)

  it("leaves out what a saved reading does not have", function()
    local path = fake.folder() .. "/reading"
    fake.write(path, '{"portinfo":"reading","v":1,"fields":["proto","family","state","laddr",'
      .. '"lport"],"rows":1,"host":{},"quality":{"taken":1}}\n{"v":1,"proto":"tcp",'
      .. '"family":"ipv4","state":"listen","laddr":"127.0.0.1","lport":80}\n')
    local text = chunk.show(pi.load(path):sockets():first(), {color = true})
    assert.matches("lport: +80\n", text)
    assert.is_nil(text:find("cmdline", 1, true))
  end)

  it("raises for a row whose reading is closed", function()
    local snap = pi.snapshot(nil, fake.options{tcp = {{"127.0.0.1:80", state = "listen"}}})
    local row = snap:sockets():first()
    snap:close()
    assert.is_false((pcall(chunk.show, row)))
  end)

  it("runs a query and shows its table", function()
    local q = pi.sockets(nil, fake.options{tcp = {{"127.0.0.1:80", state = "listen"}}})
    assert.is_truthy(chunk.show(q):find("tcp +listen +127.0.0.1:80"))
  end)

  it("raises a query's refusal without a place, as no code of anybody's is wrong", function()
    local q = pi.sockets(nil, {backend = "proc", proc = "/nonexistent"})
    local ok, message = pcall(chunk.show, q)
    assert.is_false(ok)
    assert.equal("cannot read sockets: ", message:sub(1, 21))
  end)
end)

describe("message", function()
  local function says(expected, err) assert.equal(expected, chunk.message(err)) end

  it("is the text of the error, made safe", function()
    says("x:1: no", "x:1: no")
    says("\\x1b[2J", "\27[2J")
    says("5", 5)
    says("mine", setmetatable({}, {__tostring = function() return "mine" end}))
  end)

  it("says of other values what they are", function()
    says("an error without a message: a table value", {})
    says("an error without a message: a nil value", nil)
    says("an error without a message: a table value", broken)
    says("an error without a message: a table value",
         setmetatable({}, {__tostring = function() return {} end}))
  end)
end)

describe("explain", function()
  -- What is said when the code is compiled, or else when it runs.
  local function says(expected, code)
    local compiled, err = chunk.compile(code, "=test", {})
    if compiled then err = select(2, pcall(compiled)) end
    assert.equal(expected, chunk.explain(err, code, "=test"))
  end

  it("puts a caret under the token that Lua's reader stumbled over", function()
    says("test:1: unexpected symbol near '='\n  x = = 1\n      ^", "x = = 1")
    says("test:1: <eof> expected near '1'\n  1 1 \n    ^", "1 1 ")
    says("test:1: unexpected symbol near '}'\n  f{x = }\n        ^", "f{x = }")
    says("test:1: unfinished string near ''open'\n  x = 'open\n      ^^^^^", "x = 'open\n")
  end)

  it("takes what no statement begins like for an expression", function()
    says("test:2: <eof> expected near '}'\n  2,}}\n     ^", "{1,\n2,}}")
  end)

  it("shows the line of the mistake alone", function()
    says("test:3: syntax error near 'nd'\n  nd\n  ^^", "do\n  x = 1 y\nnd\nend")
  end)

  it("puts a caret under the name that an error is about", function()
    says("test:1: attempt to index a nil value (global 'a')\n  return a.b\n         ^",
         "return a.b")
    says("test:2: attempt to call a nil value (field 'f')\n  t.f()\n    ^",
         "t = {}\nt.f()")
  end)

  it("puts a caret under a name of ours that is misspelt", function()
    local code = "\npi.sockets 'all':wehre()"
    local err = "test:2: a query has no method 'wehre': did you mean 'where'?"
    assert.equal(err .. "\n  pi.sockets 'all':wehre()\n                   ^^^^^",
                 chunk.explain(err, code, "=test"))
  end)

  it("shows the line without a caret where the name is there twice", function()
    says("test:2: attempt to index a nil value (global 'a')\n  x = a.a or a", "\nx = a.a or a")
    says("test:1: attempt to index a nil value (global 'a')", "x = a.a or a")
  end)

  it("adds nothing where nothing is known", function()
    assert.equal("test:1: no", chunk.explain("test:1: no", nil, "=test"))
    assert.equal("no", chunk.explain("no", "code", "=test"))
    assert.equal("test:9: no", chunk.explain("test:9: no", "code", "=test"))
    assert.equal("an error without a message: a nil value", chunk.explain(nil, "x", "=test"))
  end)

  it("shows hostile code safely, and tabs as blanks", function()
    says("test:2: unexpected symbol near '<\\27>'\n  x  = \\x1b", "\nx\t = \27")
  end)
end)

describe("print", function()
  local function printed(...)
    local values = table.pack(...)
    return fake.printed(function() chunk.print(table.unpack(values, 1, values.n)) end)
  end

  it("separates by tabs, as Lua's does", function()
    assert.equal("1\tnil\tx\n", printed(1, nil, "x"))
    assert.equal("\n", printed())
  end)

  it("lets no raw control byte out but newline and tab", function()
    assert.equal("a\tb\n\\x1b]0;x\\x07\n", printed "a\tb\n\27]0;x\7")
  end)
end)
