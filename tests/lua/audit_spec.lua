-- audit_spec.lua: what rules say of sockets, and what of a mistake in them.

local audit = require "portinfo.audit"
local baseline = require "portinfo.baseline"
local fake = require "fake"
local pi = require "portinfo"
local wire = require "portinfo.wire"

local any6 = "[" .. ("0"):rep(32) .. "]"

local spec = {
  tcp = {
    {"0.0.0.0:22", state = "listen", inode = 1},
    {"127.0.0.1:5432", state = "listen", inode = 2, uid = 1000},
    {"0.0.0.0:8080", state = "listen", inode = 3},
    {"0.0.0.0:23", state = "listen", inode = 9, uid = 5}, -- whose owner is not seen
    {"10.0.0.1:22", "10.0.0.9:50000", state = "established", inode = 4},
    {"10.0.0.1:40001", "10.0.0.9:443", state = "time-wait"},
  },
  tcp6 = {{any6 .. ":443", state = "listen", inode = 5}},
  udp = {{"0.0.0.0:53", state = "unconnected", inode = 6}},
  processes = {
    {pid = 42, name = "sshd", fds = {[3] = 1, [4] = 4}, exe = "/usr/sbin/sshd"},
    {pid = 43, name = "postgres", fds = {[3] = 2}, uid = 1000, exe = "/usr/bin/postgres"},
    {pid = 44, name = "web*", fds = {[3] = 3, [4] = 5}, exe = "/opt/web/bin/w?b"},
    {pid = 46, name = "named", fds = {[3] = 6}, exe = "/usr/sbin/named"},
    {pid = 45, name = "secret", closed = true},
  },
}

local function options(more, own)
  local list = fake.options(own or spec)
  for name, value in pairs(more or {}) do list[name] = value end
  return list
end

-- The result of one rule.
local function judge(rule, more, own)
  rule.id = rule.id or "x"
  local report = assert(pi.audit(rule, options(more, own)))
  assert.equal(1, #report.rules)
  return report.rules[1], report
end

-- Its verdict and the local ports of its findings.
local function verdict(rule, more, own)
  local result = judge(rule, more, own)
  local ports = {}
  for _, finding in ipairs(result.findings) do
    if finding.kind == "socket" then ports[#ports + 1] = finding.row.lport end
  end
  table.sort(ports)
  return result.verdict, table.concat(ports, " "), #result.undecided
end

local function refuses(words, rules, more)
  local ok, err = pcall(pi.audit, rules, options(more))
  assert.is_false(ok)
  assert(tostring(err):find(words, 1, true), tostring(err))
end

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

-- ---- Baselines -------------------------------------------------------------------

describe("a baseline", function()
  local rule = {id = "x", where = "listening"}

  local function write(report)
    local path = fake.folder() .. "/baseline.lua"
    local text = baseline.text(audit.entries(report))
    fake.write(path, text)
    return path, text
  end

  it("holds what was found", function()
    local _, report = judge(rule)
    local path, text = write(report)
    assert.matches('exe = "/usr/sbin/sshd"', text)
    assert.matches('exe = "/opt/web/bin/w%[%?%]b"', text)
    assert.matches('lport = 23, uid = 5}', text)
    assert.is_nil(text:find("pid", 1, true))
    assert.is_nil(text:find("inode", 1, true))
    local result, again = judge(rule, {baseline = path})
    assert.same({}, result.findings)
    assert.equal("pass", result.verdict)
    assert.equal(0, again.status)
  end)

  it("is sorted, and the same every time", function()
    local _, report = judge(rule)
    local _, text = write(report)
    local ports = {}
    for port in text:gmatch "lport = (%d+)" do ports[#ports + 1] = tonumber(port) end
    local sorted = table.move(ports, 1, #ports, 1, {})
    table.sort(sorted)
    assert.same(sorted, ports)
    assert.equal(text, select(2, write(select(2, judge(rule)))))
  end)

  it("does not hold another program, user or place", function()
    local _, report = judge(rule)
    local path = write(report)
    local own = {tcp = spec.tcp, tcp6 = spec.tcp6, udp = spec.udp, processes = {}}
    for i, process in ipairs(spec.processes) do own.processes[i] = process end
    own.processes[1] = {pid = 42, name = "sshd", fds = {[3] = 1}, exe = "/tmp/sshd"}
    assert.equal("22", select(2, verdict(rule, {baseline = path}, own)))
  end)

  it("holds a program whose file was replaced meanwhile", function()
    local _, report = judge(rule)
    local path = write(report)
    local own = {tcp = {spec.tcp[1]}, processes = {
      {pid = 99, name = "sshd", fds = {[7] = 1}, exe = "/usr/sbin/sshd (deleted)"},
    }}
    assert.equal("pass", (verdict(rule, {baseline = path}, own)))
  end)

  it("holds services of systemd by their unit, others by their program", function()
    local row = {proto = "tcp", exposure = "wildcard", lport = 22, ephemeral = false,
                 owner = "known", process = "sshd", exe = "/usr/sbin/sshd", user = "root",
                 unit = "ssh.service"}
    assert.same({proto = "tcp", exposure = "wildcard", lport = 22, unit = "ssh.service",
                 user = "root"}, baseline.entry(row))
    row.unit = "session-3.scope"
    assert.equal("/usr/sbin/sshd", baseline.entry(row).exe)
    assert.is_nil(baseline.entry(row).unit)
  end)

  it("holds ports that the kernel chose, whichever they are", function()
    local row = {proto = "tcp", exposure = "loopback", lport = 40123, ephemeral = true,
                 autobound = true, owner = "known", process = "app", exe = "/app", user = "u"}
    assert.same({proto = "tcp", exposure = "loopback", ephemeral = true, exe = "/app", user = "u"},
      baseline.entry(row))
    row.autobound = false
    assert.equal(40123, baseline.entry(row).lport)
  end)

  it("says what is wrong with it, and where", function()
    local path = fake.folder() .. "/baseline.lua"
    for words, text in pairs{
      [":1: this is no baseline"] = "return {}",
      [":2: a baseline of version 2"] = "return {\n baseline = 2}",
      [":3: rule 'x': baseline: unknown field 'lporrt'"] =
        'return {\nbaseline = 1,\n x = {{lporrt = 1}}}',
      [":3: rule 'x': expires is a day"] =
        'return {\nbaseline = 1,\n x = {{lport = 1, expires = "2027-13-01"}}}',
      [":2: unexpected symbol"] = "return {\n= 1}",
    } do
      fake.write(path, text)
      refuses(path .. words, rule, {baseline = path})
    end
  end)

  it("tells entries that expired, and no others", function()
    local path = fake.folder() .. "/baseline.lua"
    fake.write(path, [[return {baseline = 1, x = {
      {lport = 22, expires = "2020-01-01"}, {lport = 9999},
    }}]])
    local result = judge({where = "exposed lport = 22"}, {baseline = path})
    assert.equal(2, #result.findings)
    assert.equal("fail", result.verdict)
  end)

  it("holds what must listen and does not", function()
    local missing = {id = "m", must_listen = "tcp :25"}
    local path = write(select(2, judge(missing)))
    assert.equal("pass", (verdict(missing, {baseline = path})))
  end)

  it("keeps what somebody wrote, and what was not judged, when it is written again", function()
    local found = {x = {{lport = 80}}}
    local before = {
      x = {{lport = 22, reason = "ours"}, {lport = 99, expires = "2030-01-01"}, {lport = 98}},
      y = {{lport = 97}, "lport = 96"}, z = {{lport = 95}},
    }
    local text = baseline.text(baseline.merge(found, before, {x = true, z = true}))
    assert.matches('{lport = 22, reason = "ours"}', text)
    assert.matches('{lport = 99, expires = "2030%-01%-01"}', text)
    assert.matches("{lport = 80}", text)
    assert.matches("{lport = 97}", text)
    assert.matches('"lport = 96"', text)
    assert.is_nil(text:find "98")
    assert.is_nil(text:find "95")
  end)

  it("lets kept entries hold what they hold, so that it is not written twice", function()
    local path = fake.folder() .. "/baseline.lua"
    fake.write(path, [[return {baseline = 1, x = {
      {lport = {22, 23}, reason = "wider", expires = "2020-01-01"}, {lport = 53},
    }}]])
    local source = {name = path, text = assert(io.open(path)):read "a"}
    local held = assert(audit.held(source, true))
    assert.equal(1, #held.x.entries)
    assert.is_nil(held.x.entries[1].expires)
  end)

  it("is written so that it can be read again", function()
    local path = fake.folder() .. "/baseline.lua"
    fake.write(path, [[return {baseline = 1, ["end"] = {
      {lport = pi.range(1, 65535), reason = "x"}, {pi.p "lport = 22", reason = "y"},
    }}]])
    local source = {name = path, text = assert(io.open(path)):read "a"}
    local before = assert(baseline.check(source))
    fake.write(path, (baseline.text(baseline.merge({}, before, {}))))
    local again = assert(audit.held{name = path, text = assert(io.open(path)):read "a"})
    local texts = {}
    for i, one in ipairs(again["end"].entries) do texts[i] = one.predicate:text() end
    table.sort(texts)
    assert.same({"lport = 1..65535", "lport = 22"}, texts)
    fake.write(path, [[return {baseline = 1, x = {{["end"] = 3, reason = "x"}}}]])
    local _, message = baseline.check{name = path, text = assert(io.open(path)):read "a"}
    assert.matches("unknown field 'end'", message)
  end)

  it("may hold one entry without a list around it", function()
    local path = fake.folder() .. "/baseline.lua"
    fake.write(path, "return {baseline = 1, x = {lport = 22}}")
    assert.equal("pass", (verdict({where = "exposed lport = 22"}, {baseline = path})))
  end)

  it("writes names that nobody can break out of", function()
    local text = baseline.text{x = {{exe = 'a"\n\\]]\27\xff'}}}
    local value = assert(load(text, "=b", "t", {}))()
    assert.equal('a"\n\\]]\27\xff', value.x[1].exe)
    assert.is_nil(text:find("[\27\xff]"))
  end)
end)

-- ---- Messages between processes --------------------------------------------------

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
