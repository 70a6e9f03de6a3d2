-- wire_spec.lua: plain values as bytes, and bytes that are none.

local wire = require "portinfo.wire"

describe("a message", function()
  it("has the values that were sent", function()
    local value = {1, "x", {a = true, [2] = 1.5}, b = false, s = "\0\xff", n = math.mininteger}
    assert.same(value, wire.decode(wire.encode(value)))
  end)

  it("that is broken is none", function()
    local bytes = wire.encode{1, {"two"}, x = true}
    for i = 0, #bytes - 1 do assert.is_nil(wire.decode(bytes:sub(1, i))) end
    assert.is_nil(wire.decode(bytes .. "t"))
    assert.is_nil(wire.decode(("{"):rep(1000)))
    for i = 1, #bytes do
      wire.decode(bytes:sub(1, i - 1) .. "\xff" .. bytes:sub(i + 1)) -- and raises nothing
    end
  end)

  it("cannot hold what is no plain value", function()
    assert.is_false(pcall(wire.encode, {print}))
    local cycle = {}
    cycle[1] = cycle
    assert.is_false(pcall(wire.encode, cycle))
  end)
end)
