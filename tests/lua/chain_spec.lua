-- The shape of a query: what its rows are, in which order, how many, and what
-- becomes of them.

local fake = require "fake"
local pi = require "portinfo"

local spec = {
  tcp = {
    {"0.0.0.0:22", state = "listen", inode = 1},
    {"127.0.0.1:8080", state = "listen", inode = 2},
    {"10.0.0.5:22", "10.0.0.9:51000", state = "established", inode = 3},
    {"10.0.0.5:22", "10.0.0.9:51001", state = "established", inode = 4},
    {"10.0.0.5:40001", "10.9.9.9:443", state = "established", inode = 5},
    {"10.0.0.5:22", "10.0.0.9:51002", state = "time-wait"},
  },
  processes = {
    {pid = 42, name = "sshd", fds = {[3] = 1, [4] = 3}},
    {pid = 43, name = "web", fds = {[3] = 2}},
    {pid = 44, name = "shy", closed = true},
  },
}
local options = fake.options(spec)
local all = pi.sockets(nil, options)

-- A field of the rows of a query, as one string.
local function list(query, field)
  local out = {}
  for row in query:each() do out[#out + 1] = tostring(row[field]) end
  return table.concat(out, " ")
end

describe("where with a function", function()
  it("keeps rows for which it is true", function()
    assert.equal("8080 40001", list(all:where(function(s) return s.lport > 1000 end), "lport"))
    assert.equal("40001", list(all:where{"established", function(s) return s.lport ~= 22 end},
                               "lport"))
  end)

  it("is asked last, of the rows that are left, and of the undecided ones", function()
    local asked = {}
    local q = all:where(function(s) asked[#asked + 1] = s.lport return true end)
      :where{process = "web"}
    assert.same({1, 2}, {q:count()})
    table.sort(asked)
    assert.same({22, 8080, 40001}, asked)
  end)

  it("counts nil as unknown, and nothing as no", function()
    assert.same({0, 6}, {all:where(function() return nil end):count()})
    assert.same({0, 0}, {all:where(function() end):count()})
    assert.same({6, 0}, {all:where(function() return 0 end):count()})
    assert.same({2, 2}, {all:where(function(s)
      if s.process == nil then return nil end
      return s.process == "sshd"
    end):count()})
  end)

  it("combines with what is undecided as Kleene does", function()
    local open = all:where{process = "nobody"} -- two rows are open
    assert.same({0, 2}, {open:count()})
    assert.same({0, 0}, {open:where(function() return false end):count()})
    assert.same({0, 2}, {open:where(function() return nil end):count()})
    assert.same({0, 2}, {open:where(function() return true end):count()})
  end)

  it("raises its own error, with its own line", function()
    local line = debug.getinfo(1, "l").currentline + 1
    local q = all:where(function(s) return s.mark + 1 > 0 end)
    local ok, message = pcall(q.count, q)
    assert.is_false(ok)
    assert.equal(("%s:%d: attempt to perform arithmetic on a nil value (field 'mark')")
      :format(debug.getinfo(1, "S").short_src, line), message)
    local _, own = pcall(function() all:where(function() error({}) end):all() end)
    assert.is_table(own)
  end)

  it("is no part of a predicate", function()
    assert.has_error(function() pi.p(print) end,
                     "a function is no part of a predicate: give it to query:where")
  end)
end)

describe("reject", function()
  it("is where not", function()
    assert.equal("8080 40001", list(all:reject{lport = 22}, "lport"))
    assert.same({all:where "not process = sshd":count()}, {all:reject{process = "sshd"}:count()})
  end)

  it("turns functions as well, but what they do not know", function()
    assert.equal("8080", list(all:reject(function(s) return s.lport ~= 8080 end), "lport"))
    assert.same({0, 6}, {all:reject(function() return nil end):count()})
    assert.same({6, 0}, {all:reject(function() end):count()})
    -- not (established and ...): listeners are out of the question
    local q = all:reject{"established", function(s) return s.lport == 22 end}
    assert.equal("22 8080 40001 22", list(q, "lport"))
  end)
end)

describe("undecided", function()
  it("asks for the rows that are open", function()
    local open = all:where{process = "nobody"}:undecided()
    assert.equal("51001 443", list(open, "rport"))
    assert.same({0, 2}, {open:undecided():count()})
  end)
end)

describe("sort", function()
  it("goes by fields, up or down", function()
    assert.equal("22 22 22 22 8080 40001", list(all:sort "lport", "lport"))
    assert.equal("40001 8080 22 22 22 22", list(all:sort "-lport", "lport"))
    assert.equal("443 51000 51001 51002 false false",
                 list(all:sort("-lport", "rport"):sort("rport"), "rport"))
  end)

  it("takes several, or a list", function()
    assert.equal("51002 51001 51000 443 false false",
                 list(all:sort{"-rport", "lport"}, "rport"))
    assert.equal("established established established time-wait listen listen",
                 list(all:sort("state", "-rport"), "state"))
  end)

  it("leaves the unknown at the end", function()
    assert.equal("web sshd sshd false nil nil", list(all:sort "-process", "process"))
  end)
end)

describe("limit", function()
  it("keeps the first ones", function()
    assert.equal("22 8080", list(all:limit(2), "lport"))
    assert.equal("40001", list(all:sort "-lport":limit(1), "lport"))
    assert.equal(0, (all:limit(0):count()))
    assert.equal(1, (all:limit(1):limit(5):count()))
    assert.equal(6, (all:limit(100):count()))
  end)

  it("is told in the footer", function()
    assert.matches("%(2 of 6 sockets%)", all:limit(2):text())
  end)
end)

describe("tally", function()
  it("counts rows by their values, the most frequent first", function()
    assert.same({
      {count = 3, state = "established"}, {count = 2, state = "listen"},
      {count = 1, state = "time-wait"},
    }, all:tally "state":all())
    assert.same({count = 2, state = "established", lport = 22, raddr = "10.0.0.9"},
                all:tally("state", "lport", "raddr"):first())
  end)

  it("has a place for what is empty, and for what is unknown", function()
    local counts = {}
    for group in all:tally "process":each() do
      counts[tostring(group.process)] = group.count
    end
    assert.same({sshd = 2, web = 1, ["false"] = 1, ["nil"] = 2}, counts)
  end)

  it("is sorted and cut by itself", function()
    assert.same({{count = 1, state = "time-wait"}, {count = 2, state = "listen"}},
                all:tally "state":sort "count":limit(2):all())
    assert.same({{count = 3, state = "established"}}, all:tally "state":sort "state":limit(1):all())
    assert.same({{count = 2, state = "listen"}}, all:limit(2):tally "state":all())
  end)

  it("comes in every format", function()
    local q = all:tally "state":limit(1)
    assert.equal("count\tstate\n3\testablished\n", q:tsv())
    assert.equal('{"v":1,"count":3,"state":"established"}\n', q:ndjson())
    assert.equal("COUNT  STATE\n    3  established\n(1 value of 6 sockets)\n", q:text())
    assert.same({1, 0}, {q:count()})
  end)

  it("tells of the owners that it could not see", function()
    assert.matches("2 owners unknown for lack of permission", all:tally "process":text())
  end)
end)

describe("distinct", function()
  it("gives each value once", function()
    assert.same({{lport = 22}, {lport = 8080}, {lport = 40001}}, all:distinct "lport":all())
    assert.equal("lport\n22\n8080\n40001\n", all:distinct "lport":tsv())
    assert.same({{lport = 40001}}, all:distinct{"lport"}:sort "-lport":limit(1):all())
  end)
end)

describe("select", function()
  it("names what is shown", function()
    assert.equal("lport\n22\n", all:limit(1):select "lport":tsv())
    assert.equal("proto\n", all:limit(0):select "lport":tsv{"proto"})
    assert.equal("LPORT  PROCESS\n   22  sshd\n(1 of 6 sockets)\n",
                 all:limit(1):select("lport", "process"):text())
  end)
end)

describe("format", function()
  it("gives a line for each row", function()
    assert.equal("22\tlisten {-}\n8080\tlisten {-}\n",
                 all:where "listening":format "{lport}\\t{state} {{-}}")
    assert.equal("3 x established\n", all:tally "state":limit(1):format "{count} x {state}")
    assert.equal("", all:limit(0):format "{lport}")
  end)

  it("shows what is unknown or empty as TSV does", function()
    assert.equal("?/\n", all:limit(1):format "{mark}/{rport}")
  end)

  it("reads what it needs", function()
    assert.equal("sshd 42\n", all:limit(1):format "{process} {pid}")
  end)

  it("may be written to a file", function()
    local path = fake.folder() .. "/out"
    local file = assert(io.open(path, "wb"))
    assert.is_true(all:limit(2):write(file, "<{lport}>"))
    file:close()
    local again <close> = assert(io.open(path))
    assert.equal("<22>\n<8080>\n", again:read "a")
  end)
end)

describe("with", function()
  it("reads ahead", function()
    local snap <close> = assert(all:with("exe", "owner"):snapshot())
    assert.is_truthy(snap:quality().processes)
    local bare <close> = assert(all:snapshot())
    assert.is_nil(bare:quality().processes)
    for row in all:with "process":each() do
      local seen = false
      for name in pairs(row) do seen = seen or name == "exe" end
      assert.is_true(seen)
    end
  end)
end)

describe("snapshot", function()
  it("answers for what the query selects", function()
    local snap <close> = assert(all:where{lport = 22, function(s) return s.raddr end}:snapshot())
    assert.equal(3, (snap:sockets():count()))
    assert.equal(2, (snap:sockets "established":count()))
  end)
end)

describe("each", function()
  it("closes its reading however the loop ends", function()
    local kept
    for row in all:each() do kept = row break end -- luacheck: ignore 512
    assert.has_error(function() return kept.lport end)
    pcall(function() for row in all:each() do kept = row error "x" end end)
    assert.has_error(function() return kept.lport end)
    for row in all:each() do kept = row end
    assert.has_error(function() return kept.lport end)
  end)

  it("leaves a reading that is kept", function()
    local snap <close> = assert(pi.snapshot(nil, options))
    local kept
    for row in snap:sockets():each() do kept = row break end -- luacheck: ignore 512
    assert.equal(22, kept.lport)
  end)
end)

describe("misuse of a shape", function()
  local function says(what, f)
    local ok, message = pcall(f)
    assert.is_false(ok)
    assert.matches(what, message, 1, true)
    assert.matches("^tests/lua/chain_spec.lua:%d+: ", message)
  end

  it("is told", function()
    says("did you mean 'lport'?", function() all:sort "lprt" end)
    says("name at least one field to sort by", function() all:sort() end)
    says("a key to sort by is a field's name, not a number", function() all:sort(5) end)
    says("a whole number from 0", function() all:limit(-1) end)
    says("a whole number from 0", function() all:limit "5" end)
    says("name at least one field", function() all:tally() end)
    says("'lport' is named twice", function() all:distinct("lport", "lport") end)
    says("query:where comes before :tally", function() all:tally "state":where "tcp" end)
    says("query:tally comes before :distinct", function() all:distinct "state":tally "state" end)
    says("none of what there is to sort by: state, count",
         function() all:tally "state":sort "lport" end)
    says("a tally has its own fields", function() all:tally "state":json{"lport"} end)
    says("unknown field 'xyz'", function() all:with "xyz" end)
    says("a text with fields in it", function() all:format "lport" end)
    says('"lprt" is no field: did you mean {lport}?\n  a {lprt}\n     ^^^^',
         function() all:format "a {lprt}" end)
    says("kept already", function()
      local snap <close> = assert(pi.snapshot(nil, options))
      snap:sockets():snapshot()
    end)
  end)
end)
