-- Numbers, bytes and times as people read them.

local units = require "portinfo.units"

local function gives(name, cases)
  for expected, value in pairs(cases) do assert.equal(expected, units[name](value)) end
end

describe("units", function()
  it("part thousands", function()
    gives("count", {["0"] = 0, ["999"] = 999, ["1,000"] = 1000, ["12,345"] = 12345,
                    ["123,456"] = 123456, ["1,234,567"] = 1234567})
  end)

  it("name one and many", function()
    assert.equal("1 socket", units.plural(1, "socket"))
    assert.equal("1,200 processes", units.plural(1200, "process", "processes"))
  end)

  it("shorten bytes, and never to four digits", function()
    gives("bytes", {["0"] = 0, ["1023"] = 1023, ["1.0K"] = 1024, ["1.5K"] = 1536,
                    ["10K"] = 10200, ["1023K"] = 1023 << 10, ["1.0M"] = (1 << 20) - 1,
                    ["3.0G"] = 3 << 30, ["8.0E"] = math.maxinteger})
  end)

  it("tell how long ago", function()
    gives("short_ago", {["0s ago"] = 0, ["119s ago"] = 119, ["2m ago"] = 120, ["3h ago"] = 10800,
                        ["47h ago"] = 47 * 3600, ["2d ago"] = 48 * 3600, ahead = -1})
    gives("ago", {["1 second ago"] = 1, ["2 hours ago"] = 7200, ["1,000 days ago"] = 86400000,
                  ["ahead of this clock"] = -5})
  end)

  it("tell how long something took", function()
    gives("duration", {["0.4 ms"] = 0.0004, ["12 ms"] = 0.012, ["1.0 s"] = 0.9996, ["61.0 s"] = 61})
  end)
end)
