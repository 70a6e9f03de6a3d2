-- baseline_spec.lua: findings that are known, in files that people read and edit.

local audit = require "portinfo.audit"
local baseline = require "portinfo.baseline"
local fake = require "fake"
local trial = require "trial"

local judge, verdict, refuses, spec = trial.judge, trial.verdict, trial.refuses, trial.spec

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

  -- it was loaded by then, in a bounded time; nobody bounds what a metatable would run
  it("is data, whatever its metatables would do", function()
    local trap = "setmetatable(%s, {__index = ran, __len = ran, __pairs = ran, __tostring = ran})"
    local function check(text)
      text = text:gsub("@(%b{})", function(value) return trap:format(value) end)
      return baseline.check{
        name = "x.lua", text = "local function ran() error 'ran' end return " .. text,
      }
    end
    local entry = {lport = 22}
    assert.same({x = {entry}}, check "{baseline = 1, x = {{lport = 22}}}")
    assert.same({x = {entry}}, check "@{baseline = 1, x = {{lport = 22}}}")
    assert.same({x = {entry}}, check "{baseline = 1, x = @{{lport = 22}}}")
    assert.same({x = {entry}}, check "{baseline = 1, x = {@{lport = 22}}}")
    assert.same({x = {{lport = {22}}}}, check "{baseline = 1, x = {{lport = @{22}}}}")
    assert.same({x = {{absent = {}}}}, check "{baseline = 1, x = {{absent = @{}}}}")
    for _, text in ipairs{"@{}", "{baseline = @{}}", "{baseline = 1, [@{}] = {}}"} do
      local held, message = check(text)
      assert.is_nil(held)
      assert.matches("^x.lua:1: ", message)
      assert.is_nil(message:find("ran", 1, true))
    end
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
      [":1: its tables are too large or too deep"] =
        "local t = {}\nt[0] = t\nreturn {baseline = 1, x = t}",
      [":1: its tables are too"] = "local t = {}\nfor _ = 1, 60 do t = {t, t} end\n"
        .. "return {baseline = 1, x = t}",
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
