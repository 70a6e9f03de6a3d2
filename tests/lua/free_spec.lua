-- Ports that can be bound: tables from folders that look like /proc, attempts in earnest.

local core = require "portinfo.core"
local fake = require "fake"
local pi = require "portinfo"

local function free(spec, options)
  local given = fake.options(spec)
  for name, value in pairs(options) do given[name] = value end
  return pi.free(given)
end

-- Believes the tables.
local function believed(spec, options)
  options.probe = false
  return free(spec, options)
end

local busy = {
  tcp = {
    {"127.0.0.1:8000", state = "listen", inode = 11},
    {"0.0.0.0:8001", state = "listen", inode = 12},
    {"127.0.0.1:8003", "127.0.0.1:80", state = "established", inode = 13},
    {"127.0.0.1:8004", "127.0.0.1:80", state = "time-wait"},
    {"127.0.0.1:8005", "127.0.0.1:80", state = "syn-received"},
  },
  udp = {{"0.0.0.0:8002", state = "unconnected", inode = 14}},
}

describe("pi.free", function()
  it("gives the port that was asked for, or the next that nobody has", function()
    assert.same({8002}, (believed(busy, {port = 8000})))
    assert.same({8005}, (believed(busy, {port = 8003})))
    assert.same({8002, 8005, 8006}, (believed(busy, {port = 8000, count = 3})))
    local ports, notes = believed(busy, {port = 8000})
    assert.same({8002}, ports)
    assert.equal("tcp port 8000 is in use", notes[1])
    assert.is_true(notes.partial)
  end)

  it("looks at the protocol and the address alone", function()
    assert.same({8000}, (believed(busy, {port = 8000, proto = "udp"})))
    assert.same({8003}, (believed(busy, {port = 8002, proto = "udp"})))
    assert.same({8000}, (believed(busy, {port = 8000, address = "127.0.0.2"})))
    assert.same({8002}, (believed(busy, {port = 8001, address = "127.0.0.2"})))
    assert.same({8001}, (believed(busy, {port = 8001, address = "::1"})))
    assert.same({8002}, (believed(busy, {port = 8000, address = "0.0.0.0"})))
    assert.same({8002}, (believed(busy, {port = 8000, address = "::ffff:127.0.0.1"})))
  end)

  it("leaves out what is reserved", function()
    local ports, notes = believed({host = {reserved = "9000-9001"}}, {port = 9000})
    assert.same({9002}, ports)
    assert.equal("tcp port 9000 is reserved (ip_local_reserved_ports)", notes[1])
  end)

  it("prefers what no client is handed and IANA did not assign", function()
    local host = {ports = "7000 7009"}
    local range = pi.range(7000, 7028)
    assert.is_nil(core.name(7027, "tcp"))
    assert.equal("irdmi", core.name(8000, "tcp"))
    assert.same({7027}, (believed({host = host}, {port = range})))
    local ports, notes = believed({host = host}, {port = pi.range(7000, 7002), count = 1})
    assert.same({7000}, ports)
    assert.equal("7000: IANA assigned it (afs3-fileserver); it lies in the client range "
      .. "7000-7009, from which the kernel may hand it out", notes[1])
    ports, notes = believed({host = host}, {port = range, count = 29})
    assert.equal(29, #ports)
    assert.truthy(notes[1]:find "of 29 are assigned by IANA, or lie in the client range")
  end)

  it("gives fewer when there are no more", function()
    assert.same({}, (believed(busy, {port = pi.range(8000, 8001)})))
    assert.same({65535}, (believed({}, {port = 65535, count = 4})))
  end)

  it("gives any port of use without a wish", function()
    local ports = believed({}, {count = 50})
    assert.equal(50, #ports)
    for _, port in ipairs(ports) do
      assert.is_true(port >= 1024 and not (port >= 32768 and port <= 60999))
      assert.is_nil(core.name(port, "tcp"))
    end
  end)

  -- the table is what another binder left behind by the time that we bind
  it("takes the next port when another was quicker than it", function()
    local handle, port = fake.listener()
    if not handle then return pending "there is no python3" end
    local ports, notes = free({}, {port = port, address = "127.0.0.1"})
    handle:close()
    assert.equal(1, #ports)
    assert.is_true(ports[1] > port)
    assert.equal(("tcp port %d on 127.0.0.1 is in use"):format(port), notes[1])
    assert.is_false(notes.partial)
  end)

  it("gives the system's refusal", function()
    local none, message, errno = pi.free{port = 4000, address = "192.0.2.1"}
    assert.is_nil(none)
    assert.equal("tcp port 4000 on 192.0.2.1: bind: Cannot assign requested address", message)
    assert.is_true(math.type(errno) == "integer")
    none, message = pi.free{probe = false, backend = "proc", proc = "/nonexistent"}
    assert.is_nil(none)
    assert.truthy(message:find "cannot read sockets")
  end)

  it("raises at misuse", function()
    local function says(what, options)
      local ok, message = pcall(pi.free, options)
      assert.is_false(ok)
      assert.truthy(message:find(what, 1, true), message)
    end
    says("port is one to bind, from 1 to 65535", {port = 0})
    says("port is one to bind, from 1 to 65535", {port = 70000})
    says("port is one to bind, from 1 to 65535", {port = "http"})
    says("port is one to bind, from 1 to 65535", {port = pi.range(0, 5)})
    says("count is how many, from 1 to 65535", {count = 0})
    says("count is how many, from 1 to 65535", {count = 1.5})
    says("a port is tried with tcp or udp, not sctp", {proto = "sctp"})
    says("'x' is no address: write 127.0.0.1 or ::1", {address = "x"})
    says("fe80::1 is good on one link alone", {address = "fe80::1"})
    says("probe is true or false", {probe = 1})
    says("unknown option 'first'", {first = 1})
  end)
end)
