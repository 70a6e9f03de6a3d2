-- What a search found, in each of its forms.

local core = require "portinfo.core"
local search = require "portinfo.search"

local has_cjson, cjson = pcall(require, "cjson")

local hits = {
  {kind = "record", match = "exact", first = 6379, last = 6379, transports = {"tcp"},
   status = "assigned", name = "redis", description = "An advanced key-value cache and store"},
  {kind = "record", match = "word", first = 6000, last = 6063, transports = {"tcp", "udp"},
   status = "assigned", name = "x11"},
  {kind = "record", match = "word", transports = {}, status = "assigned", name = "portless"},
  {kind = "use", match = "exact", first = 26379, last = 26379, transports = {"tcp"},
   id = "redis", software = "Redis Sentinel", use = "coordination"},
}

describe("a search as a table", function()
  it("has a heading, and a line for each hit", function()
    assert.equal(
      "PORT       TRANSPORT  NAME      STATUS    DESCRIPTION\n"
      .. "6379       tcp        redis     assigned  An advanced key-value cache and store\n"
      .. "6000-6063  tcp,udp    x11       assigned  -\n"
      .. "-          -          portless  assigned  -\n"
      .. "26379      tcp        redis     used      Redis Sentinel: coordination\n",
      search.table(hits))
  end)

  it("is empty without hits", function() assert.equal("", search.table{}) end)

  it("fits the screen, and shows where it was cut", function()
    for _, word in ipairs{"http", "redis", "mail", "é"} do
      for _, width in ipairs{60, 80, 120} do
        for line in search.table(core.search(word), {width = width}):gmatch "[^\n]+" do
          local fixed = line:find "%S+ +%S+ +%S+ +%S+ +"
          assert.is_truthy(fixed)
          assert.is_true(utf8.len(line) <= width)
        end
      end
    end
    assert.is_truthy(search.table(hits, {width = 60}):find("…\n", 1, true))
  end)
end)

describe("a search as TSV", function()
  it("has five cells a line", function()
    for line in search.tsv(core.search "http"):gmatch "[^\n]+" do
      assert.equal(4, select(2, line:gsub("\t", "")))
    end
  end)

  it("has its heading even without hits", function()
    assert.equal("port\ttransport\tname\tstatus\tdescription\n", search.tsv{})
  end)
end)

describe("a search as JSON", function()
  it("is an array, empty without hits", function()
    assert.equal("[]\n", search.json{})
  end)

  it("is read by a JSON reader", function()
    if not has_cjson then return pending "no cjson here" end
    local found = cjson.decode(search.json(core.search "redis"))
    assert.equal("redis", found[1].name)
    assert.equal(1, found[1].v)
    assert.equal(6379, found[1].first)
  end)
end)
