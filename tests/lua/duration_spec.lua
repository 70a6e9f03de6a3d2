-- Lengths of time, as people write them.

local duration = require "portinfo.duration"

local function close_to(wanted, text)
  local seconds = assert(duration.parse(text))
  assert.is_true(math.abs(seconds - wanted) < 1e-9, text)
end

describe("a length of time", function()
  it("has a unit, or is of seconds", function()
    close_to(0.5, "500ms")
    close_to(30, "30s")
    close_to(120, "2m")
    close_to(5400, "1.5h")
    close_to(7, "7")
    close_to(0.25, ".25")
    close_to(86400, "1d")
    close_to(120, "2min")
    close_to(30, "30 S")
    close_to(0, "0")
    close_to(3, 3)
  end)

  it("has parts, from the largest unit down", function()
    close_to(90, "1m30s")
    close_to(5430.5, "1h30m30s500ms")
    assert.is_nil(duration.parse "30s1m")
    assert.is_nil(duration.parse "1m2m")
  end)

  it("is nothing else, and the message says what would be", function()
    for _, text in ipairs{"5x", "", "s", "-1s", "1e3", "0x10", "inf", "nan", "1..5s", "1s2",
                          "5 s s", "1,5h", "five", "1s\n"} do
      local none, message = duration.parse(text)
      assert.is_nil(none, text)
      assert.truthy(message:find("write 500ms, 30s, 2m or 1.5h", 1, true), text)
    end
    assert.is_nil(duration.parse(-1))
    assert.is_nil(duration.parse(0 / 0))
    assert.is_nil(duration.parse(math.huge))
    assert.is_nil(duration.parse "400d")
    assert.is_nil((duration.parse(("9"):rep(400))))
    assert.equal("a length of time is a number of seconds or a text such as 30s, not a table",
                 select(2, duration.parse{}))
  end)

  it("is told as a person would", function()
    assert.equal("300 ms", duration.text(0.3))
    assert.equal("1.5 s", duration.text(1.5))
    assert.equal("30 s", duration.text(30))
  end)
end)
