-- The page of a port. Whole pages are kept in tests/golden/page-*.txt and compared
-- byte by byte; UPDATE_GOLDEN=1 writes them anew.

local fake = require "fake"
local page = require "portinfo.page"

local matches = fake.matches

local linux = {
  ephemeral_first = 32768, ephemeral_last = 60999, unprivileged_start = 1024, reserved = {},
}

-- The page of a port on a host that is the same everywhere.
local function text_of(port, options, width)
  options = options or {host = linux, now = false}
  options.host = options.host or linux
  return page.text(page.data(port, options), {width = width or 80})
end

-- A section of a page as one line; nil if it is not there.
local function section(text, label)
  local lines, inside = {}, false
  for line in text:gmatch "[^\n]+" do
    if line:sub(1, 1) ~= " " then inside = line:sub(1, #label + 1) == label .. " " end
    if inside then lines[#lines + 1] = line:sub(12) end
  end
  return #lines > 0 and table.concat(lines, " ") or nil
end

local function has(text, what)
  if not (text or ""):find(what, 1, true) then assert.equal(what, text) end
end

local live = {
  tcp = {
    {"127.0.0.1:60323", state = "listen", inode = 1},
    {"10.0.0.5:60323", "10.0.0.9:443", state = "established", inode = 2},
    {"10.0.0.5:60323", "10.0.0.8:443", state = "time-wait"},
  },
  tcp6 = {{"[00000000000000000000000000000001]:60323", state = "listen", inode = 3}},
  udp6 = false,
  processes = {
    {pid = 4127, name = "python3", fds = {[3] = 1, [4] = 1}},
    {pid = 4128, name = "python3", fds = {[3] = 1}},
    {pid = 5000, name = "x\27[2J\u{202e}y", fds = {[9] = 2}},
    {pid = 6000, name = "secret", closed = true},
  },
}

-- Without its start of the host, no time of the clock is on the page.
local function timeless(spec)
  local options = fake.options(spec)
  assert(os.remove(options.proc .. "/stat"))
  return options
end

describe("the golden page of", function()
  for _, port in ipairs{0, 22, 80, 443, 1023, 2376, 8080, 49151, 49152, 60323, 65535} do
    it("port " .. port, function() matches("page-" .. port, text_of(port)) end)
  end

  it("a port with sockets", function()
    matches("page-60323-live", text_of(60323, timeless(live)))
  end)

  it("a port with one socket, on a wide screen", function()
    local options = timeless{
      tcp = {{"127.0.0.1:60323", state = "listen", inode = 1}},
      processes = {{pid = 4127, name = "python3", fds = {[3] = 1}}},
    }
    matches("page-60323-wide", text_of(60323, options, 120))
  end)

  it("a port that is forwarded", function()
    matches("page-60323-forwarded", text_of(60323, timeless{
      tcp = {{"0.0.0.0:60323", state = "listen", inode = 1}},
      processes = {
        {pid = 812, name = "docker-proxy", fds = {[4] = 1}, exe = "/usr/bin/docker-proxy",
         cmdline = "docker-proxy -container-ip 172.17.0.2 -container-port 80"},
      },
    }))
  end)

  it("one transport of a port", function()
    matches("page-53-udp", text_of(53, {transport = "udp", now = false}))
  end)
end)

describe("every page", function()
  local ports = {}
  for port = 0, 65535, 97 do ports[#ports + 1] = port end
  for _, port in ipairs{0, 80, 126, 585, 1023, 1024, 2376, 4502, 5353, 6003, 49151, 65535} do
    ports[#ports + 1] = port
  end

  it("fits the screen", function()
    for _, port in ipairs(ports) do
      for _, width in ipairs{40, 80, 120} do
        for line in text_of(port, nil, width):gmatch "[^\n]+" do
          local longest_word = 0
          for word in line:gmatch "%S+" do longest_word = math.max(longest_word, #word) end
          assert.is_true(utf8.len(line) <= width or longest_word > width - 12)
        end
      end
    end
  end)

  it("has sentences that end in one dot", function()
    for _, port in ipairs(ports) do
      local text = text_of(port)
      assert.is_nil(text:find "%.%.\n")
      for _, label in ipairs{"Range", "Assigned", "Used by", "This host", "Now"} do
        assert.is_truthy(section(text, label):find "[^.]%.$")
      end
    end
  end)

  it("says nothing twice", function()
    for _, port in ipairs(ports) do
      local seen = {}
      for line in text_of(port, nil, 1000):gmatch "[^\n]+" do
        assert.is_nil(seen[line])
        seen[line] = true
      end
    end
  end)

  it("has nothing that steers a terminal", function()
    for _, port in ipairs(ports) do
      assert.is_nil(text_of(port):gsub("\n", ""):find "%c")
    end
  end)
end)

describe("the page", function()
  it("says of a transport that the registry does not list that it is not", function()
    has(section(text_of(2376), "Assigned"), "udp: not listed.")
    has(section(text_of(4502), "Assigned"), "tcp, udp: not listed.")
    has(section(text_of(143), "Assigned"), "udp: reserved by IANA.")
    assert.is_nil(section(text_of(22), "Assigned"):find "not listed")
  end)

  it("of one transport names it, and leaves the others out", function()
    local text = text_of(22, {transport = "dccp", now = false})
    assert.equal("22/dccp system port, assigned to nobody\n", text:match "^[^\n]*\n")
    has(section(text, "Assigned"), "nothing: not listed for dccp.")
    assert.is_nil(section(text, "Browsers"))
  end)

  it("tells IANA's reservation from this host's", function()
    local text = text_of(1023)
    has(text, "1023    system port, reserved by IANA\n")
    has(section(text, "This host"), "not reserved here")
    has(section(text_of(1023, {now = false, host = {reserved = {1023}}}), "This host"),
        "reserved (ip_local_reserved_ports), so it is handed out to nobody")
  end)

  it("does not claim that nobody uses what the registry names", function()
    has(section(text_of(22), "Used by"), "as assigned; no other software is known to choose it.")
    has(section(text_of(4), "Used by"), "no software known to choose it.")
  end)

  it("says what browsers do with it, which only concerns TCP", function()
    has(section(text_of(22), "Browsers"), "refuse http: and https: URLs with it")
    assert.is_nil(section(text_of(22, {transport = "udp", now = false}), "Browsers"))
    assert.is_nil(section(text_of(443), "Browsers"))
  end)

  it("of a host that tells nothing says so", function()
    assert.equal("the client range is not known.",
                 section(text_of(22, {host = {}, now = false}), "This host"))
  end)
end)

describe("now", function()
  it("nobody is on a port without sockets", function()
    local udp = fake.options{}
    udp.transport = "udp"
    assert.equal("no socket on it.", section(text_of(9, udp), "Now"))
    -- a proc table of TCP does not have what is bound and nothing else
    assert.equal("no socket on it was seen.", section(text_of(9, fake.options{}), "Now"))
  end)

  -- what the kernel forwards, by NAT, IPVS or BPF, has no socket here
  it("a port without sockets is not called free, closed or unused", function()
    local udp = fake.options{}
    udp.transport = "udp"
    for _, options in ipairs{udp, fake.options{}} do
      local text = section(text_of(9, options), "Now")
      for _, word in ipairs{"free", "closed", "unused", "available", "nothing"} do
        assert.is_nil(text:find(word, 1, true), text)
      end
    end
  end)

  it("a single socket is the only one", function()
    local one = fake.options{udp = {{"0.0.0.0:9", state = "unconnected"}}}
    one.transport = "udp"
    has(section(text_of(9, one), "Now"), "; no other socket on it.")
  end)

  it("nothing is called the only one when a table could not be read", function()
    local function unread(spec)
      local options = fake.options(spec)
      assert(os.execute(("rm %s/net/udp && mkdir %s/net/udp"):format(options.proc, options.proc)))
      return section(text_of(9, options), "Now")
    end
    has(unread{}, "no socket on it was seen. udp over ipv4 could not be read:")
    assert.is_nil(unread{tcp = {{"0.0.0.0:9", state = "listen"}}}:find "no other socket")
  end)

  it("further processes are counted, not further descriptors", function()
    has(section(text_of(60323, timeless(live)), "Now"),
        "python3 (pid 4127, root) and 1 more process (pid 4128).")
  end)

  it("a long list is cut, and names the command that has the rest", function()
    local many = {}
    for i = 1, 11 do many[i] = {"10.0.0.5:22", "10.0.0.9:" .. 50000 + i, state = "established"} end
    local text = section(text_of(22, fake.options{tcp = many}), "Now")
    has(text, "and 3 more sockets: portinfo ls lport = 22")
  end)

  it("sockets that cannot be read are told apart from none", function()
    local text = text_of(22, {backend = "proc", proc = "/nonexistent"})
    has(section(text, "Now"), "not seen: cannot read sockets: /nonexistent/net/tcp")
    text = text_of(22, fake.options{tcp = {{"0.0.0.0:22", state = "listen"}}})
    assert.is_nil(section(text, "Now"):find "not seen")
  end)

  it("a transport whose sockets are not read is not looked at", function()
    local options = fake.options{tcp = {{"0.0.0.0:22", state = "listen"}}}
    options.transport = "dccp"
    assert.equal("not seen: sockets of dccp are not read.", section(text_of(22, options), "Now"))
  end)
end)
