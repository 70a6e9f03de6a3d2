-- Rows: nil is unknown, false is known to be empty.

local fake = require "fake"
local pi = require "portinfo"

local spec = {
  tcp = {
    {"0.0.0.0:22", state = "listen", inode = 1, uid = 7},
    {"10.0.0.5:22", "10.0.0.9:51000", state = "established", inode = 3, rxq = 5, txq = 6},
    {"10.0.0.5:22", "10.0.0.9:51001", state = "time-wait"},
  },
  tcp6 = {
    {"[00000000000000000000ffff0a000005]:22", "[00000000000000000000ffff0a000009]:52000",
     state = "established", inode = 4},
  },
  processes = {
    {pid = 1, name = "init", fds = {[9] = 1}},
    {pid = 42, name = "ss)h d", fds = {[3] = 1, [4] = 3}, ppid = 9, exe = "/bin/x (deleted)",
     cmdline = "x -D", cgroup = "/s.slice", start = 500, netns = 4026532000},
  },
}

local function rows(filter) return pi.sockets(filter, fake.options(spec)):all() end

local function names(row)
  local set = {}
  for name in pairs(row) do set[name] = true end
  return set
end

describe("a row", function()
  it("has what the table says", function()
    local row = rows{raddr = "10.0.0.9", rport = 51000}[1]
    assert.equal("tcp", row.proto)
    assert.equal("established", row.state)
    assert.equal("10.0.0.5", row.laddr)
    assert.equal(22, row.lport)
    assert.equal("10.0.0.9", row.raddr)
    assert.equal(51000, row.rport)
    assert.equal(5, row.rxq)
    assert.equal(6, row.txq)
    assert.equal("inbound", row.role)
    assert.same({"ssh"}, row.service)
  end)

  it("has false where there is nothing, and nil where it was not seen", function()
    local row = rows "listening"[1]
    assert.is_false(row.rport)
    assert.is_false(row.raddr)
    assert.is_false(row.v6only)
    assert.is_nil(row.mark)
    assert.is_nil(row.cookie)
  end)

  it("normalises mapped addresses, and keeps the family", function()
    local row = rows{rport = 52000}[1]
    assert.equal("10.0.0.5", row.laddr)
    assert.equal("ipv6", row.family)
  end)

  it("knows all of its holders, the main one not being the first process", function()
    local row = rows "listening"[1]
    assert.equal("known", row.owner)
    assert.equal(42, row.pid)
    assert.equal("ss)h d", row.process)
    assert.same({{pid = 42, fd = 3, process = "ss)h d"}, {pid = 1, fd = 9, process = "init"}},
                row.holders)
    assert.is_false(row.why)
  end)

  it("knows its main holder's details", function()
    local row = rows{rport = 51000}[1]
    assert.equal(9, row.ppid)
    assert.equal("/bin/x (deleted)", row.exe)
    assert.equal("x -D", row.cmdline)
    assert.equal("/s.slice", row.cgroup)
    assert.equal("s.slice", row.unit)
    assert.is_false(row.container)
    assert.is_false(row.container_name)
    assert.is_false(row.via)
    assert.equal(4026532000, row.holder_netns)
    assert.is_true(row.started >= 1700000000)
  end)

  it("of a socket that was activated is the service's, and init's as well", function()
    local options = fake.options{
      tcp = {
        {"0.0.0.0:80", state = "listen", inode = 1}, {"0.0.0.0:81", state = "listen", inode = 2},
      },
      processes = {
        {pid = 1, name = "systemd", fds = {[9] = 1, [10] = 2}, cgroup = "/init.scope"},
        {pid = 300, name = "web", fds = {[3] = 1}, cgroup = "/system.slice/web.service"},
      },
    }
    local shared, idle = table.unpack(pi.sockets({}, options):sort "lport":all())
    assert.same({300, "web.service", 2}, {shared.pid, shared.unit, #shared.holders})
    assert.same({1, "init.scope", 1}, {idle.pid, idle.unit, #idle.holders})
    assert.equal(2, pi.sockets("unit = init.scope", options):count())
    assert.equal(1, pi.sockets("unit = web.service", options):count())
  end)

  it("without holder says why", function()
    local row = rows "time-wait"[1]
    assert.equal("none", row.owner)
    assert.equal("time-wait", row.why)
    assert.is_false(row.pid)
    assert.is_false(row.holders)
    assert.is_false(row.user)
  end)

  it("whose holder could not be seen says that it is unknown", function()
    local row = pi.sockets(nil, fake.options{
      tcp = {{"0.0.0.0:22", state = "listen", inode = 1}},
      processes = {{pid = 42, name = "sshd", closed = true}},
    }):first()
    assert.equal("unknown", row.owner)
    assert.equal("permission", row.why)
    assert.is_nil(row.pid)
    assert.is_nil(row.process)
    assert.is_nil(row.holders)
    assert.is_nil(row.user)
  end)
end)

describe("pairs", function()
  it("yields what was read, and no more", function()
    local row = rows "tcp"[1]
    local before = names(row)
    assert.is_true(before.lport)
    assert.is_nil(before.process)
    assert.is_nil(before.user)
    local _ = row.process -- asking reads its group
    local after = names(row)
    assert.is_true(after.process)
    assert.is_true(after.holders)
    assert.is_nil(after.user)
  end)

  it("completes a group once for every row of the reading", function()
    local all = rows "tcp"
    local _ = all[1].role
    assert.is_true(names(all[2]).role)
  end)

  it("yields a field that is unknown, with nil", function()
    local seen = false
    for name, value in pairs(rows "listening"[1]) do
      if name == "mark" then seen = value == nil end
    end
    assert.is_true(seen)
  end)
end)

describe("as one line", function()
  it("a listener is its local end", function()
    assert.equal("tcp 0.0.0.0:22 listen", tostring(rows "listening"[1]))
  end)

  it("a connection is both ends", function()
    assert.equal("tcp 10.0.0.5:22 -> 10.0.0.9:51000 established",
                 tostring(rows{rport = 51000}[1]))
  end)

  it("a holder that was read is named, safely", function()
    local row = pi.sockets(nil, fake.options{
      tcp6 = {{"[00000000000000000000000000000001]:631", state = "listen", inode = 1}},
      processes = {{pid = 8, name = "c\27[2J\xff", fds = {[3] = 1}}},
    }):first()
    local _ = row.process
    assert.equal([[tcp [::1]:631 listen c\x1b[2J\xff (pid 8)]], tostring(row))
  end)

  it("a row of a closed reading says so", function()
    local snap = assert(pi.snapshot(nil, fake.options(spec)))
    local row = snap:sockets():first()
    snap:close()
    assert.equal("row of a closed reading", tostring(row))
  end)
end)

describe("equality", function()
  it("is of the same row of the same reading", function()
    local snap <close> = assert(pi.snapshot(nil, fake.options(spec)))
    local a, b = snap:sockets():all(), snap:sockets():all()
    assert.is_true(a[1] == b[1])
    assert.is_false(a[1] == a[2])
    assert.is_false(a[1] == rows()[1])
  end)
end)

describe("a row's reading", function()
  it("lives as long as the row", function()
    local row = pi.sockets("listening", fake.options(spec)):first()
    collectgarbage()
    collectgarbage()
    assert.equal(22, row.lport)
    assert.equal("ss)h d", row.process)
  end)

  it("is collected with it", function()
    local weak = setmetatable({rows "tcp"[1]}, {__mode = "v"})
    collectgarbage()
    collectgarbage()
    assert.is_nil(weak[1])
  end)
end)
