-- Lua values as JSON.

local json = require "portinfo.json"

local has_cjson, cjson = pcall(require, "cjson")

local function writes(expected, value) assert.equal(expected, json.encode(value)) end

describe("json", function()
  it("writes plain values", function()
    writes("null", nil)
    writes("true", true)
    writes("8080", 8080)
    writes('"ssh"', "ssh")
  end)

  it("writes lists in order and objects by sorted keys", function()
    writes('[1,2,"x"]', {1, 2, "x"})
    writes('{"a":1,"b":[true]}', {b = {true}, a = 1})
  end)

  it("writes an empty table as a list", function() writes("[]", {}) end)

  it("escapes what JSON wants escaped", function()
    writes([["a\"b\\c\n\t\r\b\f"]], 'a"b\\c\n\t\r\b\f')
    writes([["\u0000\u001b\u007f"]], "\0\27\127")
  end)

  it("escapes C1 controls, which a terminal would obey", function()
    writes([["\u009b31m"]], "\u{9b}31m")
    writes([["\u0080\u009f"]], "\u{80}\u{9f}")
  end)

  it("keeps other text as UTF-8", function() writes('"größe 🐘"', "größe 🐘") end)

  it("shows bytes that are not UTF-8 as U+FFFD", function()
    writes('"\u{fffd}"', "\xff")
    writes('"a\u{fffd}b"', "a\xc3b")
    writes('"\u{fffd}\u{fffd}"', "\xe2\x82")
  end)

  it("keeps raw JSON as it is", function()
    writes('{"now":[{"lport":1}]}', {now = json.raw '[{"lport":1}]'})
  end)

  it("is read back by a JSON reader as it was", function()
    if not has_cjson then return pending "no cjson here" end
    local value = {
      text = 'q"\\\n\u{9b}ä🐘\0', list = {1, 2, {x = true}}, n = 65535, f = false,
    }
    assert.same(value, cjson.decode(json.encode(value)))
  end)

  it("is valid whatever the bytes", function()
    if not has_cjson then return pending "no cjson here" end
    math.randomseed(7)
    for _ = 1, 500 do
      local bytes = {}
      for i = 1, math.random(0, 16) do bytes[i] = string.char(math.random(0, 255)) end
      local text = json.encode{table.concat(bytes)}
      assert.is_truthy(utf8.len(text))
      assert.is_nil(text:find "%c")
      assert.equal("string", type(cjson.decode(text)[1]))
    end
  end)
end)
