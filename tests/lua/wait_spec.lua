-- Waiting for sockets, with folders that look like /proc.

local core = require "portinfo.core"
local fake = require "fake"
local pi = require "portinfo"

local web = {
  tcp = {{"127.0.0.1:8080", state = "listen", inode = 11}},
  processes = {{pid = 42, name = "web", fds = {[3] = 11}}},
}

local function options(spec, more)
  local given = fake.options(spec)
  for name, value in pairs(more) do given[name] = value end
  return given
end

describe("pi.wait", function()
  it("gives the rows of what is there already", function()
    local rows = assert(pi.wait("listening and :8080", options(web, {timeout = "10s"})))
    assert.equal(1, #rows)
    assert.equal("web", rows[1].process)
  end)

  it("gives false when the time is over, at the first look if there is none", function()
    assert.is_false(pi.wait("listening :81", options(web, {timeout = 0})))
    assert.is_false(pi.wait("listening :81", options(web, {timeout = "30ms"})))
    assert.is_false(pi.wait(":8080", options(web, {timeout = "30ms", gone = true})))
    assert.is_false(pi.wait(":8080", options(web, {timeout = "30ms", hold = "10m"})))
  end)

  it("waits for what is gone", function()
    assert.same({}, pi.wait("listening :81", options(web, {timeout = "10s", gone = true})))
  end)

  it("gives nil and why when it cannot be told at the end", function()
    local blind = {
      tcp = web.tcp, processes = {{pid = 42, name = "web", closed = true}},
    }
    local rows, why = pi.wait("process = web", options(blind, {timeout = 0}))
    assert.is_nil(rows)
    assert.equal("1 row undecided: 1 process could not be read", why)
    rows, why = pi.wait("process = web", options(blind, {timeout = 0, gone = true}))
    assert.is_nil(rows)
    assert.equal("1 row undecided: 1 process could not be read", why)
    rows, why = pi.wait(":8081", options(web, {timeout = 0, gone = true}))
    assert.is_nil(rows)
    assert.equal("the proc tables lack bound sockets", why)
    rows, why = pi.wait("listening", options({udp = false, tcp = {}}, {timeout = 0, gone = true}))
    assert.same({}, rows, why) -- a family that this host does not have
  end)

  it("sees what comes while it waits", function()
    local given = options({tcp = {}}, {timeout = "20s"})
    local table_of = fake.proc(web) .. "/net/tcp"
    assert(os.execute(("(sleep 0.2; cat %s >%s/net/tcp) &"):format(table_of, given.proc)))
    local rows = assert(pi.wait("listening and :8080", given))
    assert.equal(8080, rows[1].lport)
  end)

  it("gives the system's refusal", function()
    local rows, message = pi.wait(":80", {backend = "proc", proc = "/nonexistent", timeout = 0})
    assert.is_nil(rows)
    assert.truthy(message:find "cannot read sockets")
  end)

  it("raises for what can never be, and for misuse", function()
    assert.has_error(function() pi.wait("tcp and udp") end)
    local function says(what, ...)
      local ok, message = pcall(pi.wait, ...)
      assert.is_false(ok)
      assert.truthy(message:find(what, 1, true), message)
    end
    says("no socket can ever satisfy this", "tcp and udp", {timeout = 1})
    says("timeout: '5x' is no length of time", ":80", {timeout = "5x"})
    says("hold: '-1'", ":80", {hold = -1})
    says("gone is true or false", ":80", {gone = 1})
    says("unknown option 'tiemout'", ":80", {tiemout = 1})
  end)
end)

describe("core.sleep", function()
  it("sleeps, and takes seconds alone", function()
    local before = core.clock()
    assert.is_true(core.sleep(0.01))
    assert.is_true(core.clock() >= before + 0.01)
    for _, bad in ipairs{-1, 4000, 0 / 0, "x", math.huge} do
      assert.is_false(pcall(core.sleep, bad), tostring(bad))
    end
  end)
end)
