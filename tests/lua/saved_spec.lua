-- Readings that are saved, loaded and compared.

local core = require "portinfo.core"
local fake = require "fake"
local pi = require "portinfo"
local schema = require "portinfo.schema"

local spec = {
  host = {reserved = "8080,9000-9002"},
  tcp = {
    {"0.0.0.0:22", state = "listen", inode = 1},
    {"127.0.0.1:8080", state = "listen", inode = 2, uid = 1000},
    {"10.0.0.1:22", "10.0.0.9:50000", state = "established", inode = 3},
    {"10.0.0.1:40000", "10.0.0.9:443", state = "established", inode = 4, uid = 1000},
    {"10.0.0.1:40001", "10.0.0.9:443", state = "time-wait"},
    {"0.0.0.0:23", state = "listen", inode = 9, uid = 5},
  },
  tcp6 = {{"[" .. ("0"):rep(32) .. "]:443", state = "listen", inode = 5}},
  udp = {{"0.0.0.0:53", state = "unconnected", inode = 6}},
  processes = {
    {pid = 1, name = "init", fds = {[9] = 1}},
    {pid = 42, name = "sshd", fds = {[3] = 1, [4] = 3}, exe = "/usr/sbin/sshd",
     cmdline = "sshd -D", cgroup = "/system.slice/ssh.service"},
    {pid = 43, name = "e\27[31m\xff", fds = {[3] = 2, [7] = 5}, uid = 1000},
    {pid = 44, name = "curl", fds = {[5] = 4}, uid = 1000, cmdline = "curl -v",
     cgroup = "/docker/" .. ("0123456789abcdef"):rep(4) .. "/init.scope"},
    {pid = 45, name = "secret", closed = true},
  },
}

local function file() return fake.folder() .. "/reading" end

local opened = {}

-- A reading of what the processes of `own` (spec) hold, and the same out of a file.
local function both(asked, own)
  local a = assert(pi.snapshot(asked, fake.options(own or spec)))
  local path = file()
  assert(a:save(path))
  local b = assert(pi.load(path))
  table.move({a, b}, 1, 2, #opened + 1, opened)
  return a, b, path
end

after_each(function()
  for _, snapshot in ipairs(opened) do snapshot:close() end
  opened = {}
end)

-- Rows as text, and how many are undecided.
local function answer(snapshot, filter)
  local q = snapshot:sockets(filter)
  return assert(q:ndjson()) .. select(2, assert(q:count())) .. assert(q:undecided():ndjson())
end

describe("a loaded reading", function()
  it("answers every question as the one that was saved", function()
    local a, b = both()
    assert.equal(8, #b)
    for _, filter in ipairs{
      "", "listening", "tcp", "udp", "role = inbound", "exposed", ":22", "port < 1024",
      "process", "not process", "process = sshd", "process != sshd", "process = 'init'",
      "pid = 1", "pid != 1", "pid in {1, 44}", "user", "user = root", "user != root",
      "exe", "not exe", "exe = /usr/*", "cmdline = 'curl -v'", "cmdline != 'curl -v'",
      "cgroup = *ssh*", "unit = ssh.service", "not unit", "container = docker:*", "not container",
      "known unit", "ppid = 1", "started > 1700000000", "known process",
      "not known process", "known exe", "owner = known", "owner = none", "owner = unknown",
      "why = permission", "why = time-wait", "lport = reserved", "lport = ephemeral",
      "lport = privileged", "service = ssh", "use", "risk", "families = 4+6", "ipv6",
      "autobound", "not autobound", "v6only", "known v6only", "uid = 1000", "mark", "inode",
      "raddr", "raddr = 10.0.0.0/8", "not (process = curl or user = root)",
    } do
      assert.equal(answer(a, filter), answer(b, filter), filter)
    end
  end)

  it("knows units and containers by the control groups", function()
    local _, b = both()
    local function port(filter) return b:sockets(filter):first().lport end
    assert.equal(22, port "listening unit = ssh.service")
    local row = b:sockets("container"):first()
    assert.equal("docker:0123456789ab", row.container)
    assert.equal("init.scope", row.unit)
    assert.equal(40000, row.lport)
  end)

  it("keeps what cannot be told from anything else: names, ways and namespaces", function()
    local id = ("0123456789abcdef"):rep(4)
    local own = {
      tcp = {
        {"0.0.0.0:80", state = "listen", inode = 1}, {"0.0.0.0:81", state = "listen", inode = 2},
        {"0.0.0.0:82", state = "listen", inode = 3},
      },
      processes = {
        {pid = 50, name = "docker-proxy", fds = {[4] = 1}, exe = "/usr/bin/docker-proxy",
         cmdline = "x -container-ip fd00::2 -container-port 80", netns = 77},
        {pid = 51, name = "nginx", fds = {[4] = 2}, cgroup = "/docker/" .. id},
        {pid = 52, name = "docker-proxy", fds = {[4] = 3}, cmdline = "x -container-port 80",
         cgroup = "/docker/" .. id:reverse(), netns = 77},
      },
      files = {
        ["var/lib/docker/containers/" .. id .. "/config.v2.json"] = [[{"Name":"/web\u001b"}]],
      },
    }
    local a, b = both(nil, own)
    for _, filter in ipairs{
      "via = '[fd00::2]:80'", "not via", "known via", "container_name = web*",
      "not container_name", "known container_name", "holder_netns = 77", "known holder_netns",
    } do
      assert.equal(answer(a, filter), answer(b, filter), filter)
    end
    local proxy, nginx, odd = table.unpack(b:sockets{}:sort "lport":all())
    assert.same({"[fd00::2]:80", false, 77}, {proxy.via, proxy.container_name, proxy.holder_netns})
    assert.same({false, "web\27", nil}, {nginx.via, nginx.container_name, nginx.holder_netns})
    assert.same({[3] = 77}, {odd.via, odd.container_name, odd.holder_netns})
  end)

  it("has every field of every row, and all holders", function()
    local a, b = both()
    local rows, others = a:sockets():all(), b:sockets():all()
    for i, row in ipairs(rows) do
      for _, name in ipairs(schema.usual_names) do assert.same(row[name], others[i][name], name) end
    end
    assert.same({42, 1}, {others[1].holders[1].pid, others[1].holders[2].pid})
    assert.equal("e\27[31m\xff", others[2].process)
  end)

  it("has the quality and the host of the one that was saved", function()
    local a, b = both()
    assert.same(a:quality(), b:quality())
    assert.same(a:host(), b:host())
  end)

  it("is sorted, counted and shown like any other", function()
    local a, b = both()
    local function shown(snapshot)
      local text = snapshot:listening():text():gsub("; read [^)]*", "")
      return (text:gsub("%(portinfo doctor[^\n]*\n", "")) -- of no use to a reading that is kept
    end
    assert.equal(shown(a), shown(b))
    assert.equal(5, (b:listening():count()))
    assert.equal(42, b:who("ssh"):first().pid)
    assert.is_true(b:loaded())
    assert.is_false(a:loaded())
  end)

  it("says in its footer when it was read", function()
    local _, b = both("tcp")
    local text = b:sockets():text()
    assert.truthy(text:find("read " .. os.date("%F %T", b:quality().taken), 1, true))
    assert.truthy(text:find ", %d+ seconds? ago, asked for: proto = tcp")
  end)

  it("names the field of a group that it lacks", function()
    local path = file()
    fake.write(path, '{"portinfo":"reading","v":1,"fields":["proto","family","state","laddr",'
      .. '"lport"],"rows":1,"host":{},"quality":{"taken":1}}\n{"v":1,"proto":"tcp",'
      .. '"family":"ipv4","state":"listen","laddr":"127.0.0.1","lport":80}\n')
    local snap <close> = assert(pi.load(path))
    local row = snap:sockets():first()
    assert.equal(80, row.lport)
    local ok, message = pcall(function() return row.cmdline end)
    assert.is_false(ok)
    assert.truthy(message:find("cmdline: not in this reading", 1, true))
    local none, why = snap:sockets("process = x"):all()
    assert.is_nil(none)
    assert.equal("not in this reading", why)
  end)
end)

describe("saving", function()
  it("keeps what was asked for, and says so", function()
    local _, b = both("listening")
    assert.equal(5, #b)
    assert.equal(5, b:sockets():count())
    local again <close> = assert(pi.snapshot(b:filter(), fake.options(spec)))
    assert.equal(5, again:sockets():count())
    local _, all = both()
    assert.is_nil(all:filter())
  end)

  it("keeps the filter of any spelling", function()
    local _, b = both{lport = {22, pi.range(1, 5)}, pi.p "tcp"}
    assert.is_true(pi.p(b:filter()) ~= nil)
    assert.equal(2, #b)
  end)

  it("of a loaded reading gives the same file", function()
    local _, b, path = both("tcp")
    local other = file()
    assert(b:save(other))
    local f, g = assert(io.open(path)), assert(io.open(other))
    assert.equal(f:read "a", g:read "a")
  end)

  it("leaves an old file as it is when the reading is refused", function()
    local path, own = file(), fake.options(spec)
    fake.write(path, "old")
    local snap <close> = assert(pi.snapshot(nil, own))
    local complete = core.snapshot_class().complete
    core.snapshot_class().complete = function() return nil, "refused", 5 end
    local ok, message, errno = snap:save(path)
    core.snapshot_class().complete = complete
    assert.same({nil, "refused", 5}, {ok, message, errno})
    local f <close> = assert(io.open(path))
    assert.equal("old", f:read "a")
  end)

  it("tells where it cannot write", function()
    local a <close> = assert(pi.snapshot(nil, fake.options(spec)))
    local ok, message, errno = a:save "/nonexistent/reading"
    assert.is_nil(ok)
    assert.equal("/nonexistent/reading: No such file or directory", message)
    assert.equal(2, errno)
    if not io.open "/dev/full" then return end
    ok, message, errno = a:save "/dev/full"
    assert.is_nil(ok)
    assert.equal("/dev/full: No space left on device", message)
    assert.equal(28, errno)
  end)

  it("refuses what has no filter to write down", function()
    local q = pi.sockets(function() return true end, fake.options(spec))
    local snap <close> = assert(q:snapshot())
    local ok, message = pcall(function() return snap:save(file()) end)
    assert.is_false(ok)
    assert.truthy(message:find("no filter that a file could name", 1, true))
  end)
end)

describe("a file that is no reading", function()
  local function refused(text, message)
    local path = file()
    fake.write(path, text)
    local snap, why, errno = pi.load(path)
    assert.is_nil(snap)
    assert.equal(path .. ": " .. message, why)
    assert.is_nil(errno)
  end

  it("is told by its line", function()
    refused("", "line 1: the file is empty")
    refused("hello\n", "line 1: not a reading of portinfo")
    refused('{"portinfo":"reading","v":9}\n',
      "line 1: format 9, written by a newer portinfo; this one reads 1")
    local a, _, path = both()
    local f <close> = assert(io.open(path))
    local text = f:read "a"
    refused(text:sub(1, -2), "line 9: the file ends in the middle of a row")
    refused(text:gsub("[^\n]*\n$", ""), "line 9: the head promises 8 rows, 7 are here")
    refused(text .. text, "line 10: the head promises 8 rows, here is more")
    refused(a:sockets():ndjson(), "line 1: a row without a head; portinfo save writes one")
  end)

  it("is told by its name where it cannot be opened", function()
    local snap, message, errno = pi.load "/nonexistent"
    assert.is_nil(snap)
    assert.equal("/nonexistent: No such file or directory", message)
    assert.equal(2, errno)
    snap, message, errno = pi.load "/"
    assert.is_nil(snap)
    assert.equal("/: Is a directory", message)
    assert.equal(21, errno)
  end)
end)

describe("a diff", function()
  local later = {
    host = spec.host, udp = spec.udp, tcp6 = spec.tcp6,
    tcp = {
      {"0.0.0.0:22", state = "listen", inode = 1},
      {"127.0.0.1:8080", state = "listen", inode = 2, uid = 1000},
      {"10.0.0.1:22", "10.0.0.9:50000", state = "close-wait", inode = 3},
      {"0.0.0.0:23", state = "listen", inode = 9, uid = 5},
      {"0.0.0.0:8081", state = "listen", inode = 10},
    },
    processes = {
      {pid = 42, name = "sshd", fds = {[3] = 1, [4] = 3}},
      {pid = 50, name = "new\27[2J", fds = {[3] = 2, [4] = 10}, uid = 1000},
      {pid = 43, name = "e\27[31m\xff", fds = {[7] = 5}, uid = 1000},
      {pid = 45, name = "secret", closed = true},
    },
  }

  it("tells what came, went and changed, live and out of files", function()
    local a, b = both()
    local c, d = both(nil, later)
    local texts = {}
    for _, pair in ipairs{{a, c}, {a, d}, {b, c}, {b, d}} do
      local diff = assert(pair[1]:diff(pair[2]))
      assert.equal(1, #diff.added)
      assert.equal(8081, diff.added[1].lport)
      assert.equal(2, #diff.removed)
      assert.same({40000, 40001}, {diff.removed[1].lport, diff.removed[2].lport})
      assert.equal(3, #diff.changed)
      local by_port = {}
      for _, change in ipairs(diff.changed) do
        assert.equal(change.before.inode, change.after.inode)
        by_port[change.after.lport .. " " .. change.after.state] = change.fields
      end
      assert.same({["22 listen"] = {"pid", "process"}, ["8080 listen"] = {"pid", "process"},
                   ["22 close-wait"] = {"state"}}, by_port)
      texts[tostring(diff)] = true
    end
    -- the same words, whatever they were read from
    local text = next(texts)
    assert.is_nil(next(texts, text))
    assert.truthy(text:find("+ tcp listen 0.0.0.0:8081, new\\x1b[2J (pid 50)\n", 1, true))
    assert.truthy(text:find("- tcp established 10.0.0.1:40000 with 10.0.0.9:443, curl (pid 44)\n",
      1, true))
    assert.truthy(text:find("~ tcp close-wait 10.0.0.1:22 with 10.0.0.9:50000, sshd (pid 42): "
      .. "state established -> close-wait\n", 1, true))
    assert.truthy(text:find("pid 42,1 -> 42, process sshd,init -> sshd\n", 1, true))
    assert.falsy(text:find "[\0-\9\11-\31\127-\255]")
  end)

  it("by the key of services tells a restart as a change", function()
    local function reading(inode, pid)
      return assert(pi.snapshot(nil, fake.options{
        tcp = {{"0.0.0.0:80", state = "listen", inode = inode}},
        processes = {{pid = pid, name = "web", fds = {[3] = inode}}},
      }))
    end
    local a <close> = reading(1, 10)
    local b <close> = reading(2, 20)
    local diff = a:diff(b)
    assert.same({1, 1, 0}, {#diff.added, #diff.removed, #diff.changed})
    assert.equal(tostring(diff), tostring(a:diff(b, {key = "socket"})))
    assert.equal("~ tcp listen 0.0.0.0:80, web (pid 20): pid 10 -> 20\n",
                 tostring(a:diff(b, {key = "service"})))
  end)

  it("of a reading and itself is empty", function()
    local a, b = both()
    for _, other in ipairs{a, b} do
      local diff = a:diff(other)
      assert.same({0, 0, 0}, {#diff.added, #diff.removed, #diff.changed})
      assert.equal("", tostring(diff))
    end
  end)

  it("compares what the readings were asked for, and no more", function()
    local a <close> = assert(pi.snapshot("listening tcp", fake.options(spec)))
    local b <close> = assert(pi.snapshot(":22", fake.options(spec)))
    local diff = a:diff(b)
    assert.equal(1, #diff.added)
    assert.equal(3, #diff.removed)
  end)

  it("can be used when one of the readings is of another host", function()
    local a <close> = assert(pi.snapshot(nil, fake.options(spec)))
    local b <close> = assert(pi.snapshot(nil, fake.options{tcp = {
      {"10.9.9.9:1", state = "listen", inode = 77}}}))
    local diff = a:diff(b)
    assert.same({1, 8}, {#diff.added, #diff.removed})
  end)
end)

describe("pi.diff", function()
  it("takes readings, and the names of saved ones", function()
    local a, b, path = both "tcp"
    assert.equal("", tostring(assert(pi.diff(a, b))))
    assert.equal("", tostring(assert(pi.diff(path, a, {key = "service"}))))
    local nothing, message, errno = pi.diff(path, "/nonexistent")
    assert.is_nil(nothing)
    assert.matches("No such file", message)
    assert.equal(2, errno)
  end)

  it("compares with now, asked for the same", function()
    local a = both "lport = 22"
    local diff = assert(pi.diff(a))
    assert.equal(2, #diff.removed) -- of another world
    for _, row in ipairs(diff.added) do assert.equal(22, row.lport) end
  end)
end)

describe("misuse", function()
  local here = debug.getinfo(1, "S").short_src

  local function blames(f, what)
    local ok, message = pcall(f)
    assert.is_false(ok)
    local start = ("%s:%d: "):format(here, debug.getinfo(f, "S").linedefined)
    assert.equal(start, message:sub(1, #start))
    assert.truthy(message:find(what, 1, true), message)
  end

  it("is told at the caller's line", function()
    local snap <close> = assert(pi.snapshot(nil, fake.options(spec)))
    local closed = assert(pi.snapshot(nil, fake.options(spec)))
    closed:close()
    blames(function() pi.load() end, "pi.load takes the name of a file, not a nil")
    blames(function() pi.load(io.stdin) end, "the name of a file, not a userdata")
    blames(function() snap:save() end, "snapshot:save takes the name of a file")
    blames(function() snap.save("x") end, "with a colon, as in snap:save(path)")
    blames(function() closed:save("x") end, "this reading is closed")
    blames(function() snap:diff() end, "takes another reading, not a nil")
    blames(function() pi.diff(5) end, "pi.diff takes readings, or the names of saved ones")
    blames(function() pi.diff(snap, {}) end, "not a table")
    blames(function() snap:diff("x") end, "takes another reading, not a string")
    blames(function() snap.diff("x", snap) end, "with a colon")
    blames(function() snap:diff(snap, {key = "name"}) end, "keys are socket and service, not name")
    blames(function() snap:diff(snap, {keys = "x"}) end, "unknown option 'keys': there are key")
    blames(function() snap:diff(closed) end, "this reading is closed")
    blames(function() closed:diff(snap) end, "this reading is closed")
    blames(function() closed:loaded() end, "this reading is closed")
  end)
end)
