-- The examples run, and end as their headings say.

local fake = require "fake"

local build = os.getenv "BUILD" or "build"

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

-- Runs an example on the sockets of a fake proc folder: what it prints on both
-- streams, and its exit status.
local function run(example, spec, ...)
  local path = fake.folder() .. "/prelude.lua"
  fake.write(path, ([[
    local pi = require "portinfo"
    local options = {backend = "proc", proc = %q}
    for _, name in ipairs{"sockets", "listening", "who", "snapshot"} do
      local original = pi[name]
      pi[name] = function(filter) return original(filter, options) end
    end
  ]]):format(type(spec) == "string" and spec or fake.proc(spec)))
  local words = {}
  for i, word in ipairs{...} do words[i] = quote(word) end
  local pipe = assert(io.popen(("LUA_INIT=@%s LUA_PATH='lua/?.lua;lua/?/init.lua' "
    .. "LUA_CPATH='%s/module/?.so' lua5.4 examples/%s.lua %s 2>&1"):format(
    path, build, example, table.concat(words, " "))))
  local text = pipe:read "a"
  local _, _, status = pipe:close()
  return text, status
end

local host = {
  tcp = {
    {"0.0.0.0:6379", state = "listen", inode = 1},
    {"127.0.0.1:22", state = "listen", inode = 2},
    {"10.0.0.5:22", "10.0.0.9:50000", state = "established", inode = 3},
    {"10.0.0.5:22", "10.0.0.9:50001", state = "time-wait"},
  },
  processes = {
    {pid = 42, name = "redis-server", fds = {[6] = 1}},
    {pid = 43, name = "sshd", fds = {[3] = 2, [4] = 3}},
    {pid = 44, name = "sshd", fds = {[3] = 2}},
  },
}
local denied = {
  tcp = {{"0.0.0.0:22", state = "listen", inode = 1}},
  processes = {{pid = 42, name = "sshd", closed = true}},
}

describe("exposed.lua", function()
  it("names what can be reached, and ends with 1", function()
    local text, status = run("exposed", host)
    local start = "tcp 0.0.0.0:6379 is reachable (wildcard), held by redis-server: "
    assert.equal(start, text:sub(1, #start))
    assert.equal(1, status)
  end)

  it("ends with 0 where there is nothing", function()
    assert.same({"", 0}, {run("exposed", {tcp = {{"127.0.0.1:6379", state = "listen"}}})})
  end)

  it("ends with 3 where it could not see", function()
    local root = fake.proc{udp6 = false}
    assert(os.execute(("rm %s/net/udp && mkdir %s/net/udp"):format(root, root)))
    assert.same({"", 3}, {run("exposed", root)})
  end)
end)

describe("who.lua", function()
  it("names every holder", function()
    local text, status = run("who", host, "22")
    assert.equal(0, status)
    local row = "tcp 127.0.0.1:22 listen sshd (pid 43)"
    assert.is_truthy(text:find(row .. "\tpid 43\tfd 3\troot\n", 1, true))
    assert.is_truthy(text:find("\tpid 44\tfd 3\troot\n", 1, true))
  end)

  it("takes a service name", function()
    assert.equal(0, (select(2, run("who", host, "ssh"))))
  end)

  it("ends with 1 where nobody is, with 3 where somebody unseen may be", function()
    assert.same({"", 1}, {run("who", host, "9")})
    assert.same({"", 3}, {run("who", denied, "22")})
  end)

  it("ends with 2 without a port", function()
    assert.same({"usage: who.lua PORT|SERVICE\n", 2}, {run("who", host)})
  end)
end)

describe("owners.lua", function()
  it("counts, most first", function()
    assert.same({"2\troot\tsshd\n1\t-\t(none: time-wait)\n1\troot\tredis-server\n", 0},
                {run("owners", host)})
  end)

  it("takes the words of a filter", function()
    assert.same({"1\troot\tsshd\n", 0}, {run("owners", host, "established", "tcp")})
  end)

  it("tells what it could not see", function()
    assert.same({"1\t-\t(unknown: permission)\n", 0}, {run("owners", denied)})
  end)
end)

describe("a hostile name", function()
  it("is printed as plain text", function()
    local evil = {
      tcp = {{"0.0.0.0:6379", state = "listen", inode = 1}},
      processes = {{pid = 42, name = "\27[2J\n", fds = {[6] = 1}}},
    }
    for example, words in pairs{exposed = "", who = "6379", owners = "", check_port = "6379"} do
      local text = run(example, evil, words, example == "check_port" and "x" or nil)
      assert.is_truthy(text:find "%[2J")
      assert.is_nil(text:gsub("[\n\t]", ""):find "%c")
    end
  end)
end)

describe("check_port.lua", function()
  local function says(text, status, ...) assert.same({text, status}, {run("check_port", ...)}) end

  it("is OK", function()
    says("PORT OK - somebody listens on 22\n", 0, host, "22")
    says("PORT OK - sshd listens on 22\n", 0, host, "22", "sshd")
  end)

  it("is CRITICAL", function()
    says("PORT CRITICAL - nobody listens on 9\n", 2, host, "9")
    says("PORT CRITICAL - sshd listens on 22, not nginx\n", 2, host, "22", "nginx")
  end)

  it("is UNKNOWN", function()
    says("PORT UNKNOWN - 1 row undecided: 1 process could not be read\n", 3, denied, "22", "sshd")
    says("PORT UNKNOWN - usage: check_port.lua PORT [PROCESS]\n", 3, host)
    local text, status = run("check_port", "/nonexistent", "22")
    assert.is_truthy(text:find "^PORT UNKNOWN %- cannot read sockets: ")
    assert.equal(3, status)
  end)
end)

describe("listeners.c", function()
  it("builds, and runs", function()
    local cc = os.getenv "CC" or "cc"
    if not os.execute(("command -v %s >/dev/null"):format(cc)) then
      return pending "no C compiler here"
    end
    local program = fake.folder() .. "/listeners"
    local flags = os.getenv "CFLAGS" or ""
    assert(os.execute(("%s -std=c11 -Isrc examples/listeners.c %s/libportinfo.a %s -pthread -o %s")
      :format(cc, build, flags, program)))
    local child <close>, port = fake.listener()
    local pipe <close> = assert(io.popen(program))
    local text = pipe:read "a"
    if not child then return pending "no python3 here" end
    assert.is_truthy(text:find(("tcp 127.0.0.1 port %d: %%d+ %%(python3"):format(port)))
  end)
end)
