-- Plans: what is asked of the kernel, what it tests, and why not the rest.

local fake = require "fake"
local pi = require "portinfo"

local options = fake.options{
  tcp = {
    {"0.0.0.0:22", state = "listen", inode = 1},
    {"127.0.0.1:8080", state = "listen", inode = 2},
  },
  processes = {{pid = 42, name = "sshd", fds = {[3] = 1}}},
}

local function plan(spec) return pi.sockets(spec, options):explain() end

-- The dumps of a plan, as one string.
local function dumps(spec)
  local out = {}
  for _, d in ipairs(plan(spec).dumps) do
    out[#out + 1] = ("%s/%s:%s"):format(d.proto, d.family:sub(-1), table.concat(d.states, ","))
  end
  return table.concat(out, " ")
end

-- Where each part is tested, as one string.
local function places(spec)
  local out = {}
  for _, part in ipairs(plan(spec).parts) do out[#out + 1] = part.place end
  return table.concat(out, " ")
end

describe("a plan", function()
  it("tells the dumps", function()
    assert.equal("tcp/4:listen tcp/6:listen", dumps "tcp state = listen")
    assert.equal("udp/6:connected,unconnected", dumps "udp family = ipv6")
    assert.equal("", dumps "tcp udp")
    assert.equal("raw/4:unconnected raw/6:unconnected", dumps "raw unconnected")
    local all = dumps()
    assert.matches("^tcp/4:established,.*,closing tcp/6:.* udp/4:", all)
    assert.matches(" udp/6:connected,unconnected udplite/4:.* sctp/4:.* mptcp/6:", all)
  end)

  it("tells what the kernel tests", function()
    assert.equal("lport = 443", plan("lport = 443 process = nginx").pushed)
    assert.equal("rport = 443 and laddr = 10.0.0.0/8",
                 plan("rport = 443 laddr = 10.0.0.0/8").pushed)
    assert.equal("lport = 1 or lport = 3..5", plan("lport in {1, 3..5}").pushed)
    assert.equal("not lport = 22", plan("lport != 22").pushed)
    assert.is_nil(plan("lport = 443 or process = nginx").pushed)
    assert.is_nil(plan().pushed)
  end)

  it("tells where each part is tested, and why not in the kernel", function()
    assert.equal("asked kernel here", places "tcp lport = 443 process = nginx")
    assert.equal("here", places "lport = 443 or pid = 3")
    assert.equal("both", places "listening")
    assert.equal("", places())
    local part = plan("lport = 443 or pid = 3").parts[1]
    assert.equal("pid = 3", part.obstacle)
    assert.equal("no dump tells of processes", part.why)
    assert.equal("follows from the row, here", plan("exposed").parts[2].why)
    assert.equal("asks about our sight", plan("known iface").parts[1].why)
  end)

  it("tells which groups are read, and what for", function()
    assert.same({"owner", "process"}, plan("pid user = root").groups)
    assert.same({"derived"}, plan("pid user = root").shown)
    assert.same({"socket"}, pi.sockets("tcp"):select "lport":explain().groups)
    assert.same({}, pi.sockets("tcp"):select "lport":explain().shown)
  end)

  it("reads nothing", function()
    assert.is_truthy(pi.sockets("tcp", {backend = "proc", proc = "/nonexistent"}):explain())
  end)

  it("is text for people", function()
    local spec = {"tcp :22", process = "a\27b", function() end}
    local text = tostring(pi.sockets(spec, {backend = "netlink"}):explain())
    assert.equal([[
filter   process = a\x1bb and proto = tcp and port = 22
read     tcp, ipv4 and ipv6: all states
kernel   port = 22
here     process = a\x1bb: not in the kernel (no dump tells of processes)
         1 function in Lua, asked last
then     owner: who holds the sockets, if a row depends on it
         derived: which ports the kernel chose, what follows from a row, to show
         it
         process: what is known of the holders, to show it
owners   by the descriptors of all processes in procfs: it was asked for
]], text)
    assert.matches("nothing: no socket can satisfy it", tostring(plan "tcp udp"))
    assert.matches("filter   none: every socket", tostring(plan()))
  end)

  it("asks nothing of the kernel for a reading that is kept", function()
    local snap <close> = assert(pi.snapshot("tcp", options))
    local kept = snap:sockets "lport = 22 process = sshd":explain()
    assert.same({}, kept.dumps)
    assert.is_nil(kept.pushed)
    assert.matches("read     nothing: a reading that is kept is asked\n"
      .. "here     proto = tcp\n         lport = 22\n         process = sshd\n", tostring(kept))
  end)

  it("is told for what has no text", function()
    assert.matches("a test that has no text", tostring(plan{process = "a'b\""}))
  end)
end)

describe("a plan that is run", function()
  it("tells rows and steps", function()
    local run = pi.sockets("process = sshd", options):explain{run = true}.run
    assert.same({2, 1, 1, 0}, {run.read, run.total, run.rows, run.undecided})
    assert.equal("tcp", run.sources[1].proto)
    assert.equal("proc", run.sources[1].backend)
    local names = {}
    for i, step in ipairs(run.steps) do
      names[i] = step.name
      assert.is_true(step.us >= 0)
    end
    assert.equal("socket", names[1])
    assert.equal("tests", names[#names])
  end)

  it("is text as well", function()
    local text = tostring(pi.sockets("process = sshd", options):limit(0):explain{run = true})
    assert.matches("\nsources  tcp ipv4 by proc: 2 rows\n", text)
    assert.matches("\ntook +[%d.]+ ms socket\n", text)
    assert.matches(" ms owner %(1 process%)\n", text)
    assert.matches("\ngave     1 row of 2 read; 0 undecided\n", text)
  end)

  it("gives the system's refusal", function()
    local result, message, errno = pi.sockets(nil, {backend = "proc", proc = "/nonexistent"})
      :explain{run = true}
    assert.is_nil(result)
    assert.matches("cannot read sockets", message)
    assert.equal(2, errno)
  end)
end)

describe("a plan", function()
  -- a stack that grows while C code has parts of it in hand
  it("is the same wherever the stack ends", function()
    local core = require "portinfo.core"
    local p = pi.p "tcp and (lport = 443 or process = nginx*) and not raddr = 10.0.0.0/8"
    local function at(n, ...)
      if n == 0 then return core.plan(p), ... end
      return (at(n - 1, n, ...))
    end
    local expected = core.plan(p)
    for n = 0, 120 do
      assert.same(expected, coroutine.wrap(function() return (at(n)) end)())
    end
  end)
end)
