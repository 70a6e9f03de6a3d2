-- Readings that are kept.

local fake = require "fake"
local pi = require "portinfo"

local spec = {
  host = {ports = "40000\t50000", start = 80, reserved = "8080,9000-9002"},
  tcp = {
    {"0.0.0.0:22", state = "listen", inode = 1},
    {"0.0.0.0:23", state = "listen", inode = 2},
    {"0.0.0.0:24", state = "time-wait"},
  },
  udp6 = false,
  processes = {
    {pid = 42, name = "sshd", fds = {[3] = 1}},
    {pid = 43, name = "secret", closed = true},
  },
}

describe("a reading", function()
  it("is closed at the end of its block", function()
    local kept
    do
      local snap <close> = assert(pi.snapshot(nil, fake.options(spec)))
      kept = snap
      assert.is_false(snap:closed())
    end
    assert.is_true(kept:closed())
  end)

  it("may be closed twice", function()
    local snap = assert(pi.snapshot(nil, fake.options(spec)))
    snap:close()
    snap:close()
    assert.equal("reading (closed)", tostring(snap))
  end)

  it("tells how many sockets it has", function()
    local snap <close> = assert(pi.snapshot(nil, fake.options(spec)))
    assert.equal(3, #snap)
    assert.equal("reading of 3 sockets", tostring(snap))
  end)

  it("is asked as a query of all its sockets is", function()
    local snap <close> = assert(pi.snapshot("listening", fake.options(spec)))
    assert.same({2, 0}, {snap:count()})
    assert.equal(23, snap:where{lport = 23}:first().lport)
    assert.same({{count = 2, state = "listen"}}, snap:tally "state":all())
    assert.equal("23\n22\n", snap:sort "-lport":format "{lport}")
    assert.has_error(function() snap.where() end,
                     "a reading's methods are called with a colon, as in snap:sockets()")
  end)

  it("tells what the host does with ports", function()
    local snap <close> = assert(pi.snapshot(nil, fake.options(spec)))
    local host = snap:host()
    assert.equal(40000, host.ephemeral_first)
    assert.equal(50000, host.ephemeral_last)
    assert.equal(80, host.unprivileged_start)
    assert.same({8080, 9000, 9001, 9002}, host.reserved)
  end)

  it("leaves out what the host does not tell", function()
    local own = fake.options(spec)
    assert(os.execute(("rm -r %s/sys"):format(own.proc)))
    local snap <close> = assert(pi.snapshot(nil, own))
    local host = snap:host()
    assert.is_nil(host.ephemeral_first)
    assert.is_nil(host.unprivileged_start)
    assert.is_nil(host.reserved)
  end)
end)

describe("its quality", function()
  it("names the source of each protocol and family", function()
    local snap <close> = assert(pi.snapshot(nil, fake.options(spec)))
    local sources = {}
    for _, s in ipairs(snap:quality().sources) do
      sources[s.proto .. " " .. s.family] = s
    end
    assert.equal("proc", sources["tcp ipv4"].backend)
    assert.equal(3, sources["tcp ipv4"].rows)
    assert.is_true(sources["udp ipv6"].absent)
    assert.is_false(sources["udp ipv4"].absent)
  end)

  it("leaves out sources that the filter did not need", function()
    local snap <close> = assert(pi.snapshot("udp", fake.options(spec)))
    for _, s in ipairs(snap:quality().sources) do assert.equal("udp", s.proto) end
  end)

  it("counts processes only once they were looked at", function()
    local snap <close> = assert(pi.snapshot(nil, fake.options(spec)))
    assert.is_nil(snap:quality().processes)
    local _ = snap:sockets():first().process
    local quality = snap:quality()
    assert.equal(2, quality.processes)
    assert.equal(1, quality.unreadable)
    assert.same({permission = 1}, quality.unknown)
    assert.is_truthy(quality.completed)
  end)

  it("says when no process could be looked at", function()
    local own = fake.options{tcp = spec.tcp}
    local snap <close> = assert(pi.snapshot(nil, own))
    local _ = snap:sockets():first().process
    assert.is_true(snap:quality().owners_unseen)
  end)

  it("tells when it was taken", function()
    local before = os.time()
    local snap <close> = assert(pi.snapshot(nil, fake.options(spec)))
    local taken = snap:quality().taken
    assert.is_true(before <= taken and taken <= os.time())
  end)
end)
