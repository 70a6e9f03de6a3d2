-- The module as its users call it.

local core = require "portinfo.core"
local fake = require "fake"
local pi = require "portinfo"

local function host()
  return fake.options{
    tcp = {
      {"0.0.0.0:22", state = "listen", inode = 1},
      {"127.0.0.1:8080", state = "listen", inode = 2},
      {"10.0.0.5:22", "10.0.0.9:51000", state = "established", inode = 3},
    },
    udp = {{"0.0.0.0:53", state = "unconnected", inode = 4}},
  }
end

local function ports(rows)
  local list = {}
  for i, row in ipairs(rows) do list[i] = row.lport end
  table.sort(list)
  return list
end

describe("pi.port", function()
  it("tells range, status and names of a port", function()
    local facts = pi.port(22)
    assert.equal(22, facts.number)
    assert.equal("system", facts.range)
    assert.equal("assigned", facts.status.tcp)
    assert.equal("ssh", facts.names[1].name)
    assert.is_true(facts.blocked)
  end)

  it("keeps one transport's records when one is named", function()
    for _, record in ipairs(pi.port(22, "sctp").records) do
      assert.same({"sctp"}, record.transports)
    end
  end)

  it("knows software that the registry does not", function()
    local found
    for _, use in ipairs(pi.port(9200).uses) do found = found or use.id == "elasticsearch" end
    assert.is_true(found)
  end)

  it("tells what this host does with it", function()
    local facts, own = pi.port(40000), core.host() or {}
    if not own.ephemeral_first then return pending "this host tells no client range" end
    assert.equal(own.ephemeral_first <= 40000 and 40000 <= own.ephemeral_last,
                 facts.host.ephemeral)
  end)

  it("takes a whole float, as Lua's numbers do", function()
    assert.equal(80, pi.port(80.0).number)
  end)
end)

describe("pi.service", function()
  it("finds records and uses, case ignored", function()
    assert.equal(443, pi.service("HTTPS").records[1].first)
    assert.is_true(#pi.service("elasticsearch").uses > 0)
  end)

  it("is nil for a name that nobody knows", function()
    assert.is_nil(pi.service "no-such-service")
  end)
end)

describe("pi.search", function()
  it("puts exact hits first", function()
    local hits = pi.search "redis"
    assert.equal("exact", hits[1].match)
    assert.is_true(#hits > 0)
  end)

  it("gives at most as many as asked for", function()
    assert.equal(3, #pi.search("http", 3))
    assert.equal(0, #pi.search("http", 0))
  end)

  it("gives an empty list when nothing is found", function()
    assert.same({}, pi.search "zzzzzzqq")
  end)
end)

describe("pi.range", function()
  it("holds both ends", function()
    local r = pi.range(8000, 8100)
    assert.equal(8000, r.first)
    assert.equal(8100, r.last)
    assert.equal("8000..8100", tostring(r))
  end)

  it("equals a range of the same numbers", function()
    assert.is_true(pi.range(1, 2) == pi.range(1, 2))
    assert.is_false(pi.range(1, 2) == pi.range(1, 3))
  end)

  it("knows the ranges of RFC 6335 by name", function()
    assert.equal("0..1023", tostring(pi.range "system"))
    assert.equal("1024..49151", tostring(pi.range "user"))
    assert.equal("49152..65535", tostring(pi.range "dynamic"))
  end)

  it("knows this host's ranges, or says that it does not", function()
    for _, name in ipairs{"ephemeral", "privileged"} do
      local r, why = pi.range(name)
      if r then assert.is_true(r.first <= r.last) else assert.equal("string", type(why)) end
    end
  end)
end)

describe("pi.page", function()
  it("is the text of a port's page", function()
    local text = pi.page(443)
    assert.equal("443     https", text:sub(1, 13))
    assert.equal("\n", text:sub(-1))
  end)

  it("tells of one transport when one is named", function()
    assert.is_nil(pi.page(53, {transport = "tcp", backend = "proc",
                               proc = fake.proc{}}):find("domain, udp", 1, true))
  end)

  it("reads the host and the sockets of the procfs that is named", function()
    local root = fake.proc{
      host = {ports = "50000 50100", start = 80, reserved = "22"},
      tcp = {{"0.0.0.0:22", state = "listen", inode = 1}},
      processes = {{pid = 42, name = "sshd", fds = {[3] = 1}}},
    }
    local text = pi.page(22, {backend = "proc", proc = root, width = 200})
    assert.is_truthy(text:find("outside the client range 50000-50100", 1, true))
    assert.is_truthy(text:find("reserved (ip_local_reserved_ports)", 1, true))
    assert.is_truthy(text:find("(below 80)", 1, true))
    assert.is_truthy(text:find("tcp 0.0.0.0:22 listening, sshd (pid 42, root", 1, true))
  end)
end)

describe("pi.sockets", function()
  it("is all of them without a filter", function()
    assert.same({22, 22, 53, 8080}, ports(pi.sockets(nil, host()):all()))
  end)

  it("takes words, a table or a predicate", function()
    local o = host()
    assert.same({22, 8080}, ports(pi.sockets("listening tcp", o):all()))
    assert.same({22, 8080}, ports(pi.sockets({state = "listen"}, o):all()))
    assert.same({22, 8080}, ports(pi.sockets(pi.p "listening" & pi.p "tcp", o):all()))
  end)
end)

describe("pi.listening", function()
  it("is TCP listeners and UDP services", function()
    assert.same({22, 53, 8080}, ports(pi.listening(nil, host()):all()))
  end)

  it("narrows", function()
    assert.same({53}, ports(pi.listening("udp", host()):all()))
  end)
end)

describe("pi.who", function()
  it("takes a port, a service name, a range or a list of them", function()
    local o = host()
    assert.same({8080}, ports(pi.who(8080, o):all()))
    assert.same({22, 22}, ports(pi.who("ssh", o):all()))
    assert.same({8080}, ports(pi.who(pi.range(8000, 9000), o):all()))
    assert.same({53, 8080}, ports(pi.who({"domain", 8080}, o):all()))
  end)

  it("is about the local side alone", function()
    assert.same({}, ports(pi.who(51000, host()):all()))
  end)

  it("finds a socket of this machine and its process", function()
    local child <close>, port = fake.listener()
    if not child then return pending "no python3 here" end
    local row = pi.who(port):first()
    assert.equal("listen", row.state)
    assert.equal("127.0.0.1", row.laddr)
    assert.equal("python3", row.process:sub(1, 7))
  end)
end)

describe("pi.snapshot", function()
  it("keeps one reading for many questions", function()
    local snap <close> = assert(pi.snapshot(nil, host()))
    assert.equal(4, #snap)
    assert.same({22, 53, 8080}, ports(snap:listening():all()))
    assert.same({22, 22}, ports(snap:who(22):all()))
    assert.same({53}, ports(snap:sockets("udp"):all()))
  end)

  it("answers for what its filter selects, and for nothing else", function()
    local snap <close> = assert(pi.snapshot("udp", host()))
    assert.same({53}, ports(snap:sockets():all()))
    assert.equal(0, snap:sockets("tcp"):count())
    assert.equal(0, snap:who(22):count())
  end)

  it("reads only what its filter selects", function()
    local snap <close> = assert(pi.snapshot("udp", host()))
    assert.equal(1, #snap)
  end)

  it("is refused as nil, message, errno", function()
    local snap, message, errno = pi.snapshot(nil, {backend = "proc", proc = "/nonexistent"})
    assert.is_nil(snap)
    assert.is_truthy(message:find("/nonexistent", 1, true))
    assert.equal(2, errno)
  end)
end)

it("tells its version and the registry's date", function()
  assert.is_truthy(pi._VERSION:find "^%d+%.%d+%.%d+$")
  assert.is_truthy(pi.registry_date:find "^%d%d%d%d%-%d%d%-%d%d$")
end)
