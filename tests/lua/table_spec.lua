-- Whole screens, kept in tests/golden/table-*.txt and record-*.txt and compared byte by
-- byte; UPDATE_GOLDEN=1 writes them anew. Colours are spelled there.

local fake = require "fake"
local pi = require "portinfo"

-- Names of all kinds: long, hostile, wide, with marks of their own, and of nobody.
local spec = {
  tcp = {
    {"0.0.0.0:22", state = "listen", inode = 1},
    {"127.0.0.1:5432", state = "listen", inode = 2, rxq = 3},
    {"0.0.0.0:6379", state = "listen", inode = 3},
    {"0.0.0.0:631", state = "listen", inode = 4},
    {"192.168.100.200:40001", "203.0.113.250:51000", state = "established", inode = 5,
     rxq = 1536, txq = 5 << 20},
    {"10.0.0.5:22", "10.0.0.9:51001", state = "time-wait"},
    {"10.0.0.5:22", "10.0.0.9:51002", state = "close-wait", inode = 99},
  },
  tcp6 = {
    {"[00000000000000000000000000000000]:443", state = "listen", inode = 6},
    {"[20010db8000000000000000000000001]:443", "[20010db8ffffffffffffffffffffffff]:60000",
     state = "established", inode = 6},
  },
  udp = {{"0.0.0.0:40000", state = "unconnected", inode = 7}},
  udp6 = false,
  processes = {
    {pid = 812, name = "sshd", fds = {[3] = 1}, exe = "/usr/sbin/sshd",
     cmdline = "/usr/sbin/sshd -D -o ListenAddress=0.0.0.0"},
    {pid = 813, name = "sshd", fds = {[3] = 1, [4] = 1}},
    {pid = 900, name = "数据库", fds = {[3] = 2}, uid = 4000000000, cmdline = ("数据 "):rep(30)},
    {pid = 31337, name = "evil\27[2J\u{202e}", fds = {[3] = 3}, uid = 4000000001},
    {pid = 1200, name = "cafe\u{301} 🐘", fds = {[3] = 4}},
    {pid = 1201, name = "größe\u{9b}\xff", fds = {[3] = 5, [4] = 6}},
    {pid = 4194304, name = "a-name-of-15-by", fds = {[3] = 7}, cmdline = ("x"):rep(1500)},
    {pid = 5000, name = "secret", closed = true},
  },
}

local options = fake.options(spec)
assert(os.remove(options.proc .. "/stat")) -- no time of the clock

local function sockets(filter) return pi.sockets(filter, options) end

local function matches(name, query, screen)
  fake.matches(name, (query:text(screen):gsub("\27", "<ESC>")))
end

describe("the golden table", function()
  for _, width in ipairs{40, 80, 120, 200} do
    local screen = {width = width}

    it(("of all sockets, %d columns"):format(width), function()
      matches("table-" .. width, sockets(), screen)
    end)

    it(("of listeners, %d columns"):format(width), function()
      matches("table-listening-" .. width, sockets "listening", screen)
    end)

    it(("of fields that were asked for, %d columns"):format(width), function()
      matches("table-fields-" .. width,
        sockets():select("lport", "rxq", "txq", "cmdline", "process", "laddr", "holders", "v6only",
                         "risk", "exe"), screen)
    end)
  end

  it("in colour", function() matches("table-color", sockets(), {width = 120, color = true}) end)

  it("in ASCII", function() matches("table-ascii", sockets(), {width = 80, ascii = true}) end)

  it("of a tally", function()
    matches("table-tally", sockets():tally("state", "exposure"), {width = 40, color = true})
  end)

  it("that is cut to the screen", function()
    matches("table-rows", sockets(), {width = 80, rows = 6})
  end)

  it("of what cannot be decided", function()
    matches("table-undecided", sockets "process = secret", {width = 40})
  end)
end)

describe("the golden record", function()
  for _, width in ipairs{40, 80} do
    it(("of a listener and of a connection, %d columns"):format(width), function()
      matches("record-" .. width, sockets "lport in {5432, 40001}",
              {width = width, format = "line"})
    end)
  end

  it("in colour", function()
    matches("record-color", sockets ":6379", {format = "line", color = true})
  end)

  it("in ASCII", function()
    matches("record-ascii", sockets ":631", {format = "line", width = 80, ascii = true})
  end)

  it("of some fields", function()
    matches("record-fields", sockets():select("process", "lport", "service"), {format = "line"})
  end)

  it("of a tally", function()
    matches("record-tally", sockets():tally "state", {format = "line"})
  end)

  it("of a value without end", function()
    matches("record-long", sockets(":40000"):select("cmdline"), {format = "line", width = 80})
  end)
end)
