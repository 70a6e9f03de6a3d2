-- Tables for people: they fit the screen, and say what is not in them.

local fake = require "fake"
local pi = require "portinfo"
local render = require "portinfo.render"

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

  it("puts a name that would look blank in quotes", function()
    for _, name in ipairs{"", " ", "x "} do
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
  local kept = {PROTO = true, LOCAL = true, REMOTE = true, PID = true, PROCESS = true}

  local function only_kept(heading)
    for title in heading:gmatch "%S+" do
      if not kept[title] then return false end
    end
    return true
  end

  for _, width in ipairs{20, 40, 60, 80, 100, 120, 160, 200} do
    it(("of %d columns is not exceeded while a column can go"):format(width), function()
      for _, filter in ipairs{"all", "listening", "established", "time-wait"} do
        local t = table_lines(text(width, filter))
        for _, line in ipairs(t) do
          assert.is_true(utf8.len(line) <= width or only_kept(t[1]))
        end
      end
    end)
  end

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

  it("keeps protocol, addresses and holder to the last", function()
    local heading = table_lines(text(20))[1]
    for title in pairs(kept) do has(heading, title) end
  end)

  it("cuts long names visibly", function()
    local long = fake.options{
      tcp = {{"0.0.0.0:22", state = "listen", inode = 1}},
      processes = {
        {pid = 42, name = "a-name-of-15-by", fds = {[3] = 1}},
        {pid = 43, name = "a-name-of-15-by", fds = {[3] = 1}},
      },
    }
    local t = pi.sockets(nil, long):text{width = 30}
    has(t, "a-name-of-15-b…\n")
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
