-- Tables for people: they fit the screen, and say what is not in them.

local fake = require "fake"
local pi = require "portinfo"
local render = require "portinfo.render"
local width_of = require "portinfo.width".of

local options = fake.options{
  tcp = {
    {"0.0.0.0:22", state = "listen", inode = 1},
    {"127.0.0.1:8080", state = "listen", inode = 2},
    {"192.168.100.200:40001", "203.0.113.250:51000", state = "established", inode = 3},
    {"10.0.0.5:22", "10.0.0.9:51001", state = "time-wait"},
  },
  tcp6 = {
    {"[20010db8000000000000000000000001]:443", "[20010db8ffffffffffffffffffffffff]:60000",
     state = "established", inode = 5},
  },
  udp = {{"0.0.0.0:40000", state = "unconnected", inode = 6}},
  udp6 = false,
  processes = {
    {pid = 42, name = "sshd", fds = {[3] = 1}},
    {pid = 43, name = "sshd", fds = {[3] = 1, [4] = 1}},
    {pid = 44, name = "evil\27[2J\u{202e}", fds = {[3] = 2}, uid = 4000000000},
    {pid = 45, name = "größe\u{9b}\xff", fds = {[3] = 3, [4] = 5}},
    {pid = 46, name = "secret", closed = true},
  },
}

local function text(width, filter) return pi.sockets(filter, options):text{width = width} end

local function lines(t)
  local list = {}
  for line in t:gmatch "[^\n]+" do list[#list + 1] = line end
  return list
end

-- The lines of the table, without the remarks.
local function table_lines(t)
  local list = {}
  for _, line in ipairs(lines(t)) do
    if line:sub(1, 1) ~= "(" then list[#list + 1] = line end
  end
  return list
end

local function has(t, what)
  if not t:find(what, 1, true) then assert.equal(what, t) end
end

describe("a table", function()
  it("has a heading and a line for each socket", function()
    local t = table_lines(text())
    assert.equal(7, #t)
    assert.equal("PROTO", t[1]:sub(1, 5))
  end)

  it("has no heading when there is nothing below", function()
    assert.equal("(0 sockets)", lines(text(80, ":9"))[1])
  end)

  it("puts listeners first, then protocol and port", function()
    local t = table_lines(text())
    assert.is_truthy(t[2]:find("0.0.0.0:22", 1, true))
    assert.is_truthy(t[3]:find("127.0.0.1:8080", 1, true))
  end)

  it("has no blanks: ? is unknown and - is nothing", function()
    local t = text(nil, ":40000")
    assert.is_truthy(t:find "unconnected +0%.0%.0%.0:40000 +%? ") -- role
    t = text(nil, "time-wait")
    assert.is_truthy(t:find " %- +%- +%-\n") -- pid, process, user
  end)

  it("leaves the remote end out when there is none at all", function()
    assert.is_nil(text(nil, "listening"):find "REMOTE")
    has(text(nil, "established"), "REMOTE")
  end)

  it("counts further processes, not further descriptors", function()
    has(text(nil, ":22 listening"), "sshd +1")
  end)

  it("counts further services", function()
    local ipp = fake.options{tcp = {{"0.0.0.0:631", state = "listen"}}}
    has(pi.sockets(nil, ipp):text(), "ipp +1")
  end)

  it("puts IPv6 addresses in brackets", function()
    has(text(), "[2001:db8::1]:443")
  end)

  it("shows hostile names safely", function()
    local t = text()
    has(t, [[evil\x1b[2J\u{202e}]])
    has(t, [[größe\u{009b}\xff]])
    assert.is_nil(t:gsub("\n", ""):find "%c")
  end)

  it("has no spaces at the end of a line", function()
    for width = 20, 200, 20 do assert.is_nil(text(width):find " \n") end
  end)

  it("puts a name that would look blank, unknown or empty in quotes", function()
    for _, name in ipairs{"", " ", "x ", "?", "-"} do
      local own = fake.options{
        tcp = {{"0.0.0.0:22", state = "listen", inode = 1}},
        processes = {{pid = 42, name = name, fds = {[3] = 1}}},
      }
      has(pi.sockets(nil, own):text(), ('  42  "%s"  '):format(name))
      has(pi.page(22, own), ('listening, "%s" (pid 42'):format(name))
    end
  end)

  it("shows a user without a name by number", function()
    has(text(nil, ":8080"), "4000000000")
  end)
end)

describe("a screen", function()
  it("is never exceeded, by rows or remarks", function()
    local named = {"cmdline", "laddr", "process", "raddr", "holders"}
    for width = 20, 200 do
      for _, q in ipairs{pi.sockets(nil, options), pi.sockets("time-wait", options),
                         pi.sockets(nil, options):select(named),
                         pi.sockets(nil, options):tally("service", "laddr")} do
        for _, line in ipairs(lines(q:text{width = width})) do
          if utf8.len(line) > width then assert.equal(width, line) end
        end
      end
    end
  end)

  it("that is narrow is told what was left out", function()
    local t = text(60, "listening")
    local heading = table_lines(t)[1]
    local left_out = t:match "no room for ([%u, ]+)"
    assert.is_truthy(left_out)
    for title in left_out:gmatch "%u+" do assert.is_nil(heading:find(title, 1, true)) end
  end)

  it("that is wide leaves nothing out", function()
    assert.is_nil(text(200):find "no room")
    assert.is_nil(text():find "no room")
  end)

  it("keeps the address to the last, cut if it must be, then the holder", function()
    assert.equal("LOCAL", table_lines(text(20))[1])
    has(text(20), "[2001:db8::1]:443\n")
    assert.equal("LOCAL           PID", table_lines(text(20, "lport in {22, 8080}"))[1])
    assert.equal("LOCAL           PROCESS", table_lines(text(31, "lport in {22, 8080}"))[1])
    has(text(10), "127.0.0.1…\n")
  end)

  it("costs columns that are asked for by name from the right, those of priority last", function()
    local q = pi.sockets(":22", options):select("inode", "lport", "uid", "cgroup", "process")
    has(q:text{width = 20}, "LPORT  UID  PROCESS\n")
    has(q:text{width = 20}, "no room\n for CGROUP, INODE)")
  end)

  it("gets back what went in vain when a wide column went after it", function()
    local q = pi.sockets("established", options)
    assert.equal("PROTO  STATE        LOCAL                  SERVICE  PID  PROCESS            USER",
      table_lines(q:text{width = 80})[1])
  end)

  it("cuts all long texts alike", function()
    local same = fake.options{
      tcp = {{"0.0.0.0:22", state = "listen", inode = 1}},
      processes = {{pid = 42, name = "x", cmdline = ("c"):rep(300), exe = "/" .. ("e"):rep(200),
                    fds = {[3] = 1}}},
    }
    local t = pi.sockets(nil, same):select("cmdline", "exe"):text{width = 62}
    has(t, ("c"):rep(29) .. "…  /" .. ("e"):rep(28) .. "…\n")
  end)

  it("cuts long names visibly, and no address or number", function()
    local long = fake.options{
      tcp = {{"0.0.0.0:22", state = "listen", inode = 1}},
      processes = {
        {pid = 42, name = "a-name-of-15-by", fds = {[3] = 1}},
        {pid = 43, name = "a-name-of-15-by", fds = {[3] = 1}},
      },
    }
    has(pi.sockets(nil, long):text{width = 29}, "0.0.0.0:22  a-name-of-15-by …\n")
    local q = pi.sockets(nil, long):select("inode", "cmdline", "laddr")
    has(q:text{width = 24}, "    1  a-name-…  0.0.0.0\n")
  end)
end)

local many = {processes = {}}
do
  many.tcp = {}
  for i = 1, 1200 do
    many.tcp[i] = {"10.0.0.5:443", ("10.0.0.9:%d"):format(i), state = "established", inode = i}
  end
  many = fake.options(many)
end

describe("a long table", function()
  local function shown(rows, filter, shape)
    local q = pi.sockets(filter, many)
    if shape then q = shape(q) end
    local t = q:text{rows = rows, width = 80}
    return #table_lines(t) - 1, t
  end

  it("is cut to the height of the screen, and says so", function()
    local n, t = shown(44)
    assert.equal(40, n)
    has(t, "(40 of 1,200 sockets shown; :limit shows more; ")
  end)

  it("is whole when it is only slightly longer", function()
    assert.equal(60, (shown(40, "rport = 1..60")))
    assert.equal(36, (shown(40, "rport = 1..61")))
  end)

  it("is whole without a screen, and when a limit was asked for", function()
    assert.equal(1200, (shown(nil)))
    assert.equal(900, (shown(40, nil, function(q) return q:limit(900) end)))
  end)

  it("is cut after it was tallied", function()
    local n, t = shown(40, nil, function(q) return q:tally "rport" end)
    assert.equal(36, n)
    has(t, "(36 of 1,200 values of 1,200 sockets shown; :limit")
  end)
end)

describe("units", function()
  local queues = fake.options{
    tcp = {
      {"10.0.0.5:1", "10.0.0.9:2", state = "established", rxq = 1536, txq = 3 << 20},
      {"10.0.0.5:3", state = "listen", rxq = 1500, txq = 4096},
    },
  }
  local asked = {"lport", "rxq", "txq"}

  it("are of bytes, and not of a listener's connections", function()
    local t = pi.sockets(nil, queues):select(asked):text()
    has(t, "LPORT   RXQ   TXQ\n    3  1500     ?\n    1  1.5K  3.0M\n")
  end)

  it("are for people alone", function()
    assert.equal("lport\trxq\ttxq\n1\t1536\t3145728\n3\t1500\t?\n",
                 pi.sockets(nil, queues):tsv(asked))
  end)

  it("tell times by how long ago they were", function()
    local old = fake.options{
      tcp = {{"0.0.0.0:22", state = "listen", inode = 1}},
      processes = {{pid = 42, name = "sshd", fds = {[3] = 1}}},
    }
    assert.is_truthy(pi.sockets(nil, old):select("lport", "started"):text():find "  22  %d+d ago\n")
  end)

  it("tell how long it took, if that is asked for", function()
    assert.is_truthy(pi.sockets(nil, queues):text{timer = true}:find "%(2 sockets; [%d.]+ m?s%)\n")
    has(pi.sockets(nil, queues):text(), "(2 sockets)\n")
  end)
end)

local function plain(t) return (t:gsub("\27%[[%d;]*m", "")) end

describe("colour", function()
  it("changes no width, and follows the meaning", function()
    for _, width in ipairs{20, 40, 80, 120} do
      local painted = pi.sockets(nil, options):text{width = width, color = true}
      assert.equal(text(width), plain(painted))
    end
    local t = pi.sockets(nil, options):text{color = true}
    has(t, "\27[1mPROTO\27[0m")
    has(t, "\27[32mlisten\27[0m     ")
    has(t, "\27[33mwildcard\27[0m")
    has(t, "\27[2mtime-wait\27[0m")
    has(t, "\27[2m?\27[0m")
    assert.is_nil(t:find("\27[33mloopback", 1, true))
  end)

  it("warns of a risky service that is exposed, not of one that is hidden", function()
    local redis = fake.options{tcp = {{"0.0.0.0:6379", state = "listen"}}}
    local hidden = fake.options{tcp = {{"127.0.0.1:6379", state = "listen"}}}
    has(pi.sockets(nil, redis):text{color = true}, "\27[31mredis\27[0m")
    assert.is_nil(pi.sockets(nil, hidden):text{color = true}:find("\27[31m", 1, true))
  end)

  it("is not there unless it is asked for", function()
    assert.is_nil(text():find "\27")
  end)
end)

describe("wide characters", function()
  local names = {"数据库服务器", "é\u{301}tude", "🐘🐘🐘🐘🐘🐘🐘"}
  local own = {tcp = {}, processes = {}}
  for i, name in ipairs(names) do
    own.tcp[i] = {"0.0.0.0:" .. i, state = "listen", inode = i}
    own.processes[i] = {pid = 40 + i, name = name:sub(1, utf8.offset(name, 5) - 1), fds = {[3] = i},
                        cmdline = name .. name .. name}
  end
  own = fake.options(own)

  it("line up with the others", function()
    local t = table_lines(pi.sockets(nil, own):text())
    local at = t[1]:find("USER", 1, true)
    for i = 2, #t do
      assert.equal(at - 1, width_of(t[i]:match "^(.*  )%S+$"))
    end
  end)

  it("are cut whole, with their marks", function()
    for width = 20, 60 do
      local q = pi.sockets(nil, own):select("lport", "cmdline")
      for _, line in ipairs(table_lines(q:text{width = width})) do
        assert.is_true(width_of(line) <= width)
        assert.is_truthy(utf8.len(line))
      end
    end
  end)

  it("are spelled where the terminal is not of UTF-8, and so are our own marks", function()
    local t = pi.sockets(nil, own):select("cmdline"):text{ascii = true, width = 20}
    has(t, "\\u{6570}")
    has(t, "~\n")
    assert.is_nil(t:find "[\x80-\xff]")
  end)

  it("are quoted when they would join what stands before", function()
    assert.equal('"\u{301}x"', render.name "\u{301}x")
  end)
end)

describe("remarks", function()
  it("count the sockets", function()
    has(text(nil, ":22 listening"), "(1 socket)\n")
    has(text(), "(6 sockets)\n")
  end)

  it("tell undecided rows", function()
    has(text(nil, {process = "nobody", lport = 40000}),
        "(0 sockets; 1 row undecided: 1 process could not be read)")
  end)

  it("tell owners that are unknown, and why", function()
    has(text(), "(1 owner unknown for lack of permission: 1 process could not be read)")
  end)

  it("tell what would show them", function()
    has(text(), "(portinfo doctor tells how to see more)\n")
    assert.is_nil(text(nil, ":22 listening"):find "portinfo doctor")
    local copy = fake.folder() .. "/reading"
    assert(pi.sockets(nil, options):snapshot():save(copy))
    assert.is_nil(pi.load(copy):sockets():text():find "portinfo doctor") -- nothing would
  end)

  it("follow records as well", function()
    local t = pi.sockets(":22 listening", options):select("lport"):text{format = "line"}
    assert.equal("lport:          22\n\n(1 socket)\n", t)
    assert.equal("(0 sockets)\n", pi.sockets(":9", options):text{format = "line"})
  end)

  it("of a file keep to ASCII where the terminal is not of UTF-8", function()
    local copy = fake.folder() .. "/reading"
    assert(pi.sockets("process = größe", options):snapshot():save(copy))
    local t = pi.load(copy):sockets():text{ascii = true}
    has(t, [[asked for: process = gr\u{00f6}\u{00df}e]])
  end)

  it("are wrapped to the screen", function()
    has(text(40), "(1 owner unknown for lack of\n permission: 1 process could not be\n read)\n")
  end)

  it("say nothing about a backend that was asked for", function()
    assert.is_nil(text():find "proc table")
  end)

  it("tell a table that could not be read", function()
    local own = fake.options{tcp6 = false, udp6 = false}
    assert(os.execute(("rm %s/net/udp && mkdir %s/net/udp"):format(own.proc, own.proc)))
    has(pi.sockets(nil, own):text(), "(udp over ipv4 could not be read: ")
  end)

  it("say nothing about what this host has not", function()
    assert.is_nil(text():find "udp over ipv6")
  end)

  it("say that there is no procfs to look at", function()
    local bare = fake.options{tcp = {{"0.0.0.0:22", state = "listen", inode = 1}}}
    has(pi.sockets(nil, bare):text(), "(no process could be looked at: procfs is not there)")
  end)

  it("end with one newline each", function()
    assert.is_truthy(text():find "[^\n]\n$")
  end)
end)

describe("wrap", function()
  it("breaks between words, and indents what follows", function()
    assert.equal("one two\n  three", render.wrap("one two three", 8, 2))
    assert.equal("", render.wrap("", 8, 2))
  end)

  it("leaves a word that is too long whole", function()
    assert.equal("a\nbbbbbbbbbbbb\nc", render.wrap("a bbbbbbbbbbbb c", 4, 0))
  end)

  it("counts characters, not bytes", function()
    assert.equal("ää öö", render.wrap("ää öö", 5, 0))
  end)
end)
