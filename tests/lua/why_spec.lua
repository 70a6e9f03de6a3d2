-- Why a port cannot be bound, by tables out of folders that look like /proc.

local fake = require "fake"
local pi = require "portinfo"

local function why(spec, port, options)
  local given = fake.options(spec)
  given.probe = false
  for name, value in pairs(options or {}) do given[name] = value end
  return assert(pi.why(port, given))
end

local function kinds(answer)
  local list = {}
  for i, piece in ipairs(answer.evidence) do list[i] = piece.kind end
  return table.concat(list, " ")
end

local busy = {
  tcp = {
    {"127.0.0.1:8000", "127.0.0.1:5000", state = "time-wait"},
    {"127.0.0.1:8000", "127.0.0.1:5001", state = "fin-wait-2", inode = 0},
    {"127.0.0.1:8000", "127.0.0.1:5002", state = "established", inode = 12},
    {"0.0.0.0:8000", state = "listen", inode = 11, uid = 54321},
    {"127.0.0.1:8000", "127.0.0.1:5003", state = "syn-received"},
    {"127.0.0.1:40000", "127.0.0.1:80", state = "established", inode = 13},
  },
  processes = {
    {pid = 42, name = "nginx", fds = {[3] = 11, [4] = 12},
     cgroup = "/system.slice/nginx.service"},
  },
}

describe("pi.why", function()
  it("tells the likely culprit first, then what else is in the way", function()
    local answer = why(busy, 8000)
    assert.equal("blocked", answer.verdict)
    assert.equal("tcp port 8000 cannot be bound: nginx (pid 42) is on it", answer.reason)
    assert.equal("listener connection closing time-wait reuseport", kinds(answer))
    assert.equal(11, answer.evidence[1].row.inode)
    assert.is_true(answer.evidence[1].bars)
    assert.equal("stop nginx (pid 42), unit nginx.service", answer.fixes[1])
    assert.is_nil(answer.probe)
  end)

  it("says so in text, the verdict in the first line", function()
    local text = tostring(why(busy, 8000))
    assert.equal("tcp port 8000 cannot be bound: nginx (pid 42) is on it", text:match "^[^\n]*")
    assert.truthy(text:find("  listener   0.0.0.0:8000: nginx (pid 42)", 1, true), text)
  end)

  it("tells connections that began on it", function()
    local answer = why(busy, 40000)
    assert.equal("client ephemeral", kinds(answer))
    assert.equal("tcp port 40000 cannot be bound: a socket that nobody holds any more is on it "
      .. "(established)", answer.reason)
  end)

  it("cannot tell of what the tables lack", function()
    local answer = why(busy, 9000)
    assert.equal("unknown", answer.verdict)
    assert.truthy(table.concat(answer.unseen, " "):find("bound and nothing else", 1, true))
  end)

  it("believes an attempt more than the tables", function()
    local answer = why({tcp = {}}, 9009, {probe = true, address = "192.0.2.1"})
    assert.equal("blocked", answer.verdict)
    assert.equal("address probe", kinds(answer))
    assert.equal("no-address", answer.probe.meaning)
  end)

  it("raises at misuse", function()
    local function says(what, ...)
      local ok, message = pcall(pi.why, ...)
      assert.is_false(ok)
      assert.truthy(message:find(what, 1, true), message)
    end
    says("pi.why: 0 is no port to bind", 0)
    says("a port is a whole number from 0 to 65535, not http", "http")
    says("a port is tried with tcp or udp, not sctp", 80, {proto = "sctp"})
    says("'x' is no address", 80, {address = "x"})
    says("unknown option 'count'", 80, {count = 1})
  end)

  it("gives the system's refusal", function()
    local none, message = pi.why(80, {probe = false, backend = "proc", proc = "/nonexistent"})
    assert.is_nil(none)
    assert.truthy(message:find "cannot read sockets")
  end)
end)
