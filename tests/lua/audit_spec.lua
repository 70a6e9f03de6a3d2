-- audit_spec.lua: what rules say of sockets, and what of a mistake in them.

local audit = require "portinfo.audit"
local fake = require "fake"
local pi = require "portinfo"
local trial = require "trial"

local options, judge, verdict, refuses = trial.options, trial.judge, trial.verdict, trial.refuses

-- ---- Verdicts --------------------------------------------------------------------

describe("a rule with where", function()
  it("passes where nothing is found", function()
    assert.same({"pass", "", 0}, {verdict{where = "listening lport = 25"}})
  end)

  it("fails with what is found", function()
    assert.same({"fail", "22 8080", 0}, {verdict{where = "tcp exposed lport in {22, 8080, 5432}"}})
  end)

  it("takes a filter of any spelling", function()
    assert.equal("22", select(2, verdict{where = {"listening", lport = {22, 25}}}))
    assert.equal("22", select(2, verdict{where = pi.p "listening" & pi.p "lport = 22"}))
  end)

  it("is inconclusive where an owner decides and is not seen", function()
    assert.same({"inconclusive", "", 1}, {verdict{where = "listening process = telnetd"}})
    assert.equal(3, select(2, judge{where = "listening process = telnetd"}).status)
  end)

  it("fails where something is found and something else cannot be told", function()
    assert.same({"fail", "22", 1}, {verdict{where = "listening process = sshd"}})
  end)

  it("is inconclusive where a table could not be read", function()
    local at = options()
    assert(os.execute(("rm %s/net/tcp && mkdir %s/net/tcp"):format(at.proc, at.proc)))
    local report = assert(pi.audit({
      {id = "a", where = "listening tcp lport = 25"},
      {id = "b", where = "listening udp lport = 25"},
      {id = "c", must_listen = "tcp :25"},
    }, at))
    assert.equal("inconclusive", report.rules[1].verdict)
    assert.matches("tcp over ipv4", report.rules[1].unseen[1])
    assert.equal("pass", report.rules[2].verdict)
    assert.equal("inconclusive", report.rules[3].verdict)
  end)
end)

describe("an allow list", function()
  it("takes findings away", function()
    assert.same({"fail", "8080", 0}, {verdict{
      where = "exposed tcp lport in {22, 8080}", allow = {{lport = 22, process = "sshd"}},
    }})
    assert.equal("pass", (verdict{
      where = "exposed lport in {22, 8080}", allow = {"lport = 22", {lport = {8080, 8081}}},
    }))
  end)

  it("matches by port, block, exposure, process, exe and user", function()
    for _, entry in ipairs{
      {lport = pi.range(5000, 6000)}, {laddr = "127.0.0.0/8"}, {exposure = "loopback"},
      {process = "post*"}, {exe = "/usr/bin/*"}, "uid = 1000",
    } do
      assert.equal("pass", (verdict{where = "lport = 5432", allow = {entry}}))
    end
  end)

  it("cannot tell where its owner cannot be seen", function()
    assert.same({"inconclusive", "", 1},
      {verdict{where = "listening lport = 23", allow = {{process = "telnetd"}}}})
  end)

  it("tells an entry that matches nothing, as a note that fails no rule", function()
    local result, report = judge{
      where = "exposed lport = 22",
      allow = {{lport = 22}, {lport = 99, reason = "gone"}},
    }
    assert.equal("pass", result.verdict)
    assert.equal(1, #result.findings)
    assert.equal("allow", result.findings[1].kind)
    assert.equal("note", result.findings[1].severity)
    assert.matches("gone", result.findings[1].what)
    assert.equal(0, report.status)
    assert.equal(1, select(2, judge({
      where = "exposed lport = 22", allow = {{lport = 22}, {lport = 99}},
    }, {fail_on = "note"})).status)
  end)

  it("lets an entry that expired allow nothing, and tells it", function()
    local result = judge{
      where = "exposed lport = 22", allow = {{lport = 22, expires = "2020-02-29"}},
    }
    assert.equal("fail", result.verdict)
    assert.equal("note", result.findings[2].severity)
    assert.matches("expired on 2020%-02%-29", result.findings[2].message)
  end)

  it("holds on the day itself", function()
    assert.equal("pass", (verdict{
      where = "exposed lport = 22", allow = {{lport = 22, expires = os.date "%Y-%m-%d"}},
    }))
  end)
end)

describe("a check", function()
  it("finds, passes, and cannot tell", function()
    assert.equal("22", select(2, verdict{
      where = "exposed tcp", check = function(row) return row.lport == 22 end,
    }))
    assert.equal("pass", (verdict{where = "exposed", check = function() end}))
    assert.same({"inconclusive", "", 1},
      {verdict{where = "lport = 5432", check = function() return nil end}})
  end)

  it("decides rows that the filter could not", function()
    assert.equal("pass", (verdict{
      where = "listening lport = 23 process = telnetd", check = function() return false end,
    }))
    assert.equal("inconclusive", (verdict{
      where = "listening lport = 23 process = telnetd", check = function() return true end,
    }))
  end)

  it("sees all rows, and remembers", function()
    local seen, kept
    judge{where = "exposed tcp", check = function(_, context)
      seen = #context.rows
      context.n = (context.n or 0) + 1
      kept = context.n
      assert.equal("number", type(context.now))
      return false
    end}
    assert.equal(4, seen)
    assert.equal(4, kept)
  end)

  it("gives what it found to the message", function()
    local result = judge{
      where = "lport = 5432", check = function() return true, {n = 7} end,
      message = function(row, detail) return row.process .. detail.n end,
    }
    assert.equal("postgres7", result.findings[1].message)
  end)

  it("that raises is an error of its rule, with the place, and the others are judged", function()
    local report = assert(pi.audit({
      {id = "a", where = "listening", check = function(row) return row.nonsense end},
      {id = "b", where = "listening", check = function() error{} end},
      {id = "c", where = "lport = 22"},
    }, options()))
    assert.matches("audit_spec.lua:%d+: a row has no field", report.rules[1].message)
    assert.matches("^[^:]*audit_spec.lua:%d+: an error that is no text", report.rules[2].message)
    assert.equal("error", report.rules[1].verdict)
    assert.equal("fail", report.rules[3].verdict)
    assert.equal(2, report.status)
    assert.is_false(report.contained)
  end)

  it("that does not end is stopped", function()
    for _, check in ipairs{
      function() while true do end end,
      function() while true do pcall(function() while true do end end) end end,
      function() coroutine.wrap(function() while true do end end)() end,
      function()
        local x <close> = setmetatable({}, {__close = function() while true do end end})
        return x and nil
      end,
    } do
      local result = judge({where = "lport = 22", check = check}, {seconds = 0.05})
      assert.equal("error", result.verdict)
      assert.matches("more than 0.05 s", result.message)
    end
  end)
end)

describe("a message", function()
  it("is a text, a template, or the title", function()
    local function message(rule)
      rule.where = "lport = 5432"
      return judge(rule).findings[1].message
    end
    assert.equal("so", message{message = "so"})
    assert.equal("postgres on 5432", message{message = "{process} on {lport}"})
    assert.equal("T", message{title = "T"})
    assert.equal("x", message{})
  end)

  it("of a template fits the row, whatever the check leaves out", function()
    local result = judge{
      where = "exposed tcp", message = "{lport}",
      check = function(row) return row.lport > 400 end,
    }
    for _, finding in ipairs(result.findings) do
      assert.equal(tostring(finding.row.lport), finding.message)
    end
    assert.equal(2, #result.findings)
  end)

  it("of a function that gives nothing is the title", function()
    local result = judge{where = "lport = 5432", title = "T", message = function() end}
    assert.equal("T", result.findings[1].message)
  end)

  it("is what the check says besides, where there is no other", function()
    local result = judge{where = "lport = 5432", check = function() return true, "so it is" end}
    assert.equal("so it is", result.findings[1].message)
  end)

  it("that is no text ends the run", function()
    refuses("message gives a text, not a table",
      {id = "x", where = "listening", message = function() return {} end})
  end)
end)

describe("a form", function()
  it("must_listen", function()
    assert.equal("pass", (verdict{must_listen = "tcp :22"}))
    assert.equal("pass", (verdict{must_listen = {"tcp :22", {lport = 5432}}}))
    local result = judge{must_listen = {"tcp :22", "tcp :25"}}
    assert.equal("fail", result.verdict)
    assert.equal("absent", result.findings[1].kind)
    assert.same({absent = "tcp :25"}, result.findings[1].key)
    assert.equal("inconclusive", (verdict{must_listen = {{lport = 23, process = "telnetd"}}}))
  end)

  it("must_not_listen", function()
    assert.equal("pass", (verdict{must_not_listen = "tcp :25"}))
    assert.same({"fail", "22 23", 0}, {verdict{must_not_listen = {"tcp :22", {lport = 23}}}})
    -- a connection of port 22 does not listen
    assert.equal("pass", (verdict{must_not_listen = "lport = 22 established"}))
  end)

  it("only", function()
    assert.same({"fail", "53 443", 0}, {verdict{only = {
      {lport = {22, 23}}, "exposure = loopback", {lport = 8080, reason = "the application"},
    }}} and {"fail", "53 443", 0})
    assert.same({"fail", "443", 0}, {verdict{
      where = "listening tcp", only = {{lport = {22, 23, 8080}}, "exposure = loopback"},
    }})
    assert.equal("inconclusive", (verdict{where = "lport = 23", only = {{process = "t"}}}))
  end)
end)

-- ---- Mistakes --------------------------------------------------------------------

describe("a rule that is none is refused", function()
  local function cycle()
    local list = {}
    list[1] = list
    return list
  end

  for words, rule in pairs{
    ["a rule needs an id"] = {where = "listening"},
    ["it needs where, or one of"] = {id = "x"},
    ["no member 'sevrity': did you mean 'severity'?"] = {id = "x", where = "tcp", sevrity = 1},
    ["severities are note, warning and error, not 'high'"] =
      {id = "x", where = "tcp", severity = "high"},
    ["unknown field \"lporrt\": did you mean \"lport\"?"] = {id = "x", where = "lporrt = 5"},
    ["expires is a day such as \"2027-06-30\", not '2027-13-01'"] =
      {id = "x", where = "tcp", allow = {{lport = 1, expires = "2027-13-01"}}},
    ["expires is a day such as \"2027-06-30\", not '2027-02-29'"] =
      {id = "x", where = "tcp", allow = {{lport = 1, expires = "2027-02-29"}}},
    ["expires is a day such as \"2027-06-30\", not '20270630'"] =
      {id = "x", where = "tcp", allow = {{lport = 1, expires = 20270630}}},
    ["an entry without a field fits everything"] =
      {id = "x", where = "tcp", allow = {{reason = "all"}}},
    ["allow: a filter nested deeper"] = {id = "x", where = "tcp", allow = {cycle()}},
    ["an id has letters"] = {id = "a b", where = "tcp"},
    ["message: "] = {id = "x", where = "tcp", message = "{lprt}"},
    ["message is a text or a function"] = {id = "x", where = "tcp", message = 5},
    ["check is a function"] = {id = "x", where = "tcp", check = "x"},
    ["where is a filter: give a function as check"] = {id = "x", where = function() end},
    ["where has a function in it"] = {id = "x", where = {"tcp", function() end}},
    ["must_listen: the message is a text"] = {id = "x", must_listen = "tcp", message = "{lport}"},
    ["must_listen takes neither"] = {id = "x", must_listen = "tcp", allow = {"tcp"}},
    ["must_listen takes no expires"] =
      {id = "x", must_listen = {{lport = 22, expires = "2020-01-01"}}},
    ["must_not_listen takes no expires"] =
      {id = "x", must_not_listen = {{lport = 22, expires = "2020-01-01"}}},
    ["are two rules"] = {id = "x", must_listen = "tcp", only = {}},
    ["evidence: unknown field 'exee'"] = {id = "x", where = "tcp", evidence = {"exee"}},
    ["tags is a list"] = {id = "x", where = "tcp", tags = "a"},
    ["there are two of this id"] = {{id = "x", where = "tcp"}, {id = "x", where = "udp"}},
    ["a list of rules that holds itself"] = cycle(),
    ["the keys of a pack are ids"] = {[3] = {id = "x", where = "tcp"}},
    ["rules are tables, not a number"] = {5},
    ["there is no rule in it"] = {},
  } do
    it(words, function() refuses(words, rule) end)
  end

  it("with 10,000 entries", function()
    local allow = {}
    for i = 1, 10000 do allow[i] = {lport = i} end
    refuses("at most 4096", {id = "x", where = "tcp", allow = allow})
    allow = table.move(allow, 1, 4096, 1, {})
    assert.equal("pass", (verdict{where = "lport = 22", allow = allow}))
  end)

  it("in options", function()
    refuses("unknown option 'fail'", {id = "x", where = "tcp"}, {fail = 1})
    refuses("fail_on is", {id = "x", where = "tcp"}, {fail_on = "high"})
    refuses("seconds is", {id = "x", where = "tcp"}, {seconds = -1})
    refuses("rules are tables, or names of files", 5)
    refuses("number 2 is a table", {"exposed-login", {id = "x", where = "tcp"}})
  end)
end)

describe("rules", function()
  it("come as a rule, a list, a pack, and lists of such", function()
    local report = assert(pi.audit({
      {id = "a", where = "lport = 1"},
      {{id = "b", where = "lport = 1"}, {c = {where = "lport = 1"}, d = {where = "lport = 2"}}},
      e = {where = "lport = 3"},
    }, options()))
    local ids = {}
    for i, result in ipairs(report.rules) do ids[i] = result.id end
    assert.equal("a b c d e", table.concat(ids, " "))
  end)

  it("come from files, whose lines are told", function()
    local path = fake.folder() .. "/rules.lua"
    fake.write(path, 'return {\n  {id = "a", where = "listening"},\n  {id = "b"},\n}\n')
    refuses(path .. ":3: rule 'b': it needs where", path)
    fake.write(path, 'return {id = "a", where = "lport = 22 listening"}')
    assert.equal(1, #assert(pi.audit(path, options())).rules[1].findings)
    assert.equal(1, #assert(pi.audit({path}, options())).rules[1].findings)
    assert.is_nil((pi.audit(path .. "x", options())))
  end)

  it("judge a reading that is kept", function()
    local snap <close> = assert(pi.snapshot(nil, options()))
    local report = assert(pi.audit({
      {id = "a", where = "lport = 22 listening"}, {id = "b", where = "lport = 23 listening"},
    }, {snapshot = snap}))
    assert.equal(#snap, report.sockets)
    assert.equal(snap:quality().taken, report.taken)
    assert.is_false(snap:closed())
  end)

  it("of which none finds anything look at no process", function()
    local about = assert(audit.read({{scope = pi.p "lport = 1", groups = {"socket"}}}, options()))
    assert.is_nil(about.snapshot:quality().processes)
    about.snapshot:close()
    about = assert(audit.read({
      {scope = pi.p "lport = 1 process = x", groups = {"socket", "owner"}},
    }, options()))
    assert.is_nil(about.snapshot:quality().processes)
    about.snapshot:close()
  end)

  it("call each function once for a row, though owners are read for it", function()
    local n = 0
    judge{where = "exposed tcp lport in {22, 8080}", check = function()
      n = n + 1
      return true
    end}
    assert.equal(2, n)
  end)

  it("that are built in are judged by id and tag", function()
    assert.equal(1, #assert(pi.audit("exposed-login", options())).rules)
    assert.equal(2, #assert(pi.audit({"exposed-login", "reserved-port"}, options())).rules)
    assert.equal(3, #assert(pi.audit("reliability", options())).rules)
    local report, message = pi.audit("reliabilty", options())
    assert.is_nil(report)
    assert.matches("did you mean 'reliability'", message)
  end)

  it("that are built in are judged where none are named", function()
    local report = assert(pi.audit(nil, options()))
    assert.equal(#require "portinfo.rules" - 1, #report.rules) -- one needs a baseline
    assert.matches("rules: ", tostring(report))
  end)
end)

describe("a saved reading", function()
  local function saved(filter)
    local snap <close> = assert(pi.snapshot(filter, options()))
    local path = fake.folder() .. "/reading"
    assert(snap:save(path))
    return assert(pi.load(path))
  end

  it("gives the same verdicts", function()
    local snap <close> = saved()
    for _, where in ipairs{"exposed", "listening process = sshd", "lport = 25", "risky"} do
      assert.same({verdict{where = where}}, {verdict({where = where}, {snapshot = snap})})
    end
  end)

  it("that was asked for less passes no rule about more", function()
    local snap <close> = saved "listening"
    local function of(where) return (verdict({where = where}, {snapshot = snap})) end
    assert.equal("inconclusive", of "established lport = 25")
    assert.equal("pass", of "listening lport = 25")
    assert.equal("inconclusive", of "lport = 25")
    assert.equal("fail", of "lport = 22")
  end)
end)

describe("a reading that does not say what it is", function()
  local function reading(head)
    local path = fake.folder() .. "/reading"
    local file <close> = assert(io.open "tests/rules/good.ndjson")
    local text = file:read "a"
    fake.write(path, head(text))
    return assert(pi.load(path))
  end

  it("is refused where its filter cannot be read", function()
    local snap <close> = reading(function(text)
      return (text:gsub('"host"', '"filter":"tcp frobnicate = 7","host"', 1))
    end)
    local report, message = pi.audit({id = "x", where = "tcp"}, {snapshot = snap})
    assert.is_nil(report)
    assert.matches("frobnicate", message)
  end)

  it("passes nothing where a source is missing", function()
    local snap <close> = reading(function(text)
      return (text:gsub('"sources":%b[]', '"sources":[]', 1))
    end)
    local report = assert(pi.audit({id = "x", where = "tcp lport = 1"}, {snapshot = snap}))
    assert.equal("inconclusive", report.rules[1].verdict)
    assert.matches("was not read", report.rules[1].unseen[1])
  end)
end)

describe("a table that is more than it seems", function()
  it("is read as it is", function()
    local meta = {
      __index = function() error "read" end, __pairs = function() error "gone through" end,
      __len = function() error "counted" end,
    }
    local report = assert(pi.audit(setmetatable({
      setmetatable({id = "x", where = "lport = 22 listening",
                    allow = setmetatable({setmetatable({lport = 1}, meta)}, meta)}, meta),
    }, meta), options()))
    assert.equal("fail", report.rules[1].verdict)
  end)
end)

describe("a long message", function()
  it("is cut", function()
    local result = judge{where = "lport = 5432", message = function() return ("x"):rep(1e6) end}
    assert.equal(4096, #result.findings[1].message)
  end)
end)
