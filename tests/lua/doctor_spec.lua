-- What can be seen from here, as data and as text.

local doctor = require "portinfo.doctor"
local fake = require "fake"

local function has(text, what)
  if not text:find(what, 1, true) then assert.equal(what, text) end
end

local options = fake.options{
  host = {ports = "40000 50000", start = 80, reserved = "1,2,3"},
  tcp = {{"0.0.0.0:22", state = "listen", inode = 1}, {"0.0.0.0:23", state = "listen", inode = 2}},
  udp6 = false,
  processes = {
    {pid = 42, name = "sshd", fds = {[3] = 1}},
    {pid = 43, name = "secret", closed = true},
  },
}

describe("the doctor", function()
  it("looks at this machine", function()
    local data = doctor.data()
    assert.is_truthy(data.version)
    assert.is_truthy(data.registry_date)
    assert.is_true(data.sockets == nil or data.sockets >= 0)
    assert.is_truthy(doctor.text(data):find "^portinfo +%d")
  end)

  it("looks where it is told to", function()
    local data = doctor.data(options)
    assert.equal(2, data.sockets)
    assert.equal(40000, data.host.ephemeral_first)
    assert.equal(3, data.host.reserved)
    assert.same({"1 owner unknown for lack of permission: 1 process could not be read"},
                data.blind_spots)
  end)

  it("says the same in words", function()
    local text = doctor.text(doctor.data(options))
    has(text, "client range       40000-50000\n")
    has(text, "reserved ports     3 ports\n")
    has(text, "unprivileged from  80\n")
    has(text, "tcp over ipv4      proc, 2 sockets")
    has(text, "udp over ipv6      not on this host\n")
    has(text, "processes          2, 1 of them unreadable\n")
    has(text, "unseen             1 owner unknown for lack of permission")
    assert.is_nil(text:find " \n")
  end)

  it("advises when something stays unseen", function()
    assert.is_true(#doctor.data(options).advice > 0)
  end)

  it("tells by which ways sockets can be read", function()
    local data = doctor.data(options)
    assert.is_true(data.backends.proc)
    has(doctor.text(data), "proc               usable\n")
    data = doctor.data{backend = "proc", proc = "/nonexistent"}
    has(data.backends.proc, "cannot read sockets: /nonexistent/net/tcp")
    has(doctor.text(data), "proc               not usable: cannot read sockets")
  end)

  it("tells of every capability whether it is held", function()
    local data = doctor.data(options)
    assert.equal(5, #data.held + #data.missing)
    for _, name in ipairs(data.missing) do
      has(table.concat(data.advice, "\n"), name .. " is missing: ")
    end
  end)

  it("offers the probe to whom it would help", function()
    local core = require "portinfo.core"
    local real = core.pin_status
    local offer = "sudo portinfo probe install --group NAME"
    local function with(pin)
      core.pin_status = function()
        if not pin then return nil, "a \27[31mlink is there" end
        return pin
      end
      local data = doctor.data(options)
      core.pin_status = real
      return doctor.text(data):gsub("%s+", " "), data
    end
    local function pin(given)
      local made = {folder = "/run/portinfo", built_in = true, installed = true, readable = true,
                    ours = 2, version = 2, group = "watchers"}
      for name, value in pairs(given) do made[name] = value end
      return made
    end
    local text, data = with(pin{installed = false})
    has(text, "probe not installed ")
    assert(data.uid == 0 or #data.missing > 0)
    has(text, offer)
    assert.is_nil(with(pin{installed = false, built_in = false}):find(offer, 1, true))
    text = with(pin{})
    has(text, "probe usable ")
    assert.is_nil(text:find(offer, 1, true))
    text, data = with(pin{readable = false})
    has(text, "probe installed, not for us ")
    if data.uid ~= 0 then has(text, "for members of group watchers: sudo usermod -aG watchers") end
    has(with(false), "probe not usable: a \\x1b[31mlink is there ")
  end)

  it("tells why there are no sockets to see", function()
    local data = doctor.data{backend = "proc", proc = "/nonexistent"}
    has(data.error, "cannot read sockets: /nonexistent/net/tcp")
    has(doctor.text(data), "sockets            cannot read sockets: /nonexistent")
  end)
end)
