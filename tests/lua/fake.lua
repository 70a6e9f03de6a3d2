-- fake.lua: folders that look like /proc, and processes that hold a socket.
--
--   local root = fake.proc{
--     tcp = {{"127.0.0.1:8080", state = "listen", inode = 11}},
--     processes = {{pid = 42, name = "web", fds = {[3] = 11}}},
--   }
--   pi.sockets(nil, {backend = "proc", proc = root})

local fake = {}

local folders = {}

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function run(format, ...)
  local words = {...}
  for i, word in ipairs(words) do words[i] = quote(tostring(word)) end
  assert(os.execute(format:format(table.unpack(words))))
end

local function capture(command)
  local pipe <close> = assert(io.popen(command))
  return pipe:read "a":gsub("\n$", "")
end

local function write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
end

function fake.folder()
  local path = capture "mktemp -d"
  folders[#folders + 1] = path
  return path
end

function fake.remove_all()
  for _, path in ipairs(folders) do run("rm -rf -- %s", path) end
end

fake.write = write

-- Compares a text with tests/golden/NAME.txt; UPDATE_GOLDEN=1 writes it anew.
function fake.matches(name, text)
  local path = "tests/golden/" .. name .. ".txt"
  if os.getenv "UPDATE_GOLDEN" then write(path, text) end
  local file <close> = assert(io.open(path, "rb"))
  require "luassert".equal(file:read "a", text)
end

-- What `f` writes to io.stdout.
function fake.printed(f)
  local path = fake.folder() .. "/out"
  local stdout, out = io.stdout, assert(io.open(path, "wb"))
  rawset(io, "stdout", out)
  local ok, err = pcall(f)
  rawset(io, "stdout", stdout)
  out:close()
  assert(ok, err)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

-- ---- Tables of sockets -----------------------------------------------------------

-- include/net/tcp_states.h
local states = {
  established = 1, ["syn-sent"] = 2, ["syn-received"] = 3, ["fin-wait-1"] = 4,
  ["fin-wait-2"] = 5, ["time-wait"] = 6, unconnected = 7, closed = 7,
  ["close-wait"] = 8, ["last-ack"] = 9, listen = 10, closing = 11, connected = 1,
}

-- Words of host order, as the kernel prints them (here: little-endian hosts and
-- big-endian ones alike).
local function hex_words(bytes)
  return (bytes:gsub("....", function(word)
    return ("%08X"):format(string.unpack("=I4", word))
  end))
end

-- "127.0.0.1:80" or "[32 hex digits]:80"
local function endpoint(text)
  local six, port = text:match "^%[(%x+)%]:(%d+)$"
  if six then
    local bytes = six:gsub("%x%x", function(h) return string.char(tonumber(h, 16)) end)
    return ("%s:%04X"):format(hex_words(bytes), port)
  end
  local a, b, c, d, p = text:match "^(%d+)%.(%d+)%.(%d+)%.(%d+):(%d+)$"
  return ("%s:%04X"):format(hex_words(string.char(a, b, c, d)), p)
end

-- {local[, remote], state=, inode=, uid=, rxq=, txq=}
local function row(i, socket, any)
  return ("%4d: %s %s %02X %08X:%08X 00:00000000 00000000 %5d        0 %d 1 0\n"):format(
    i - 1, endpoint(socket[1]), endpoint(socket[2] or any), states[socket.state],
    socket.txq or 0, socket.rxq or 0, socket.uid or 0, socket.inode or 0)
end

local function write_table(root, name, sockets)
  local out = {"  sl  local_address rem_address   st tx_queue rx_queue ...\n"}
  local any = name:find "6" and "[" .. ("0"):rep(32) .. "]:0" or "0.0.0.0:0"
  for i, socket in ipairs(sockets) do out[i + 1] = row(i, socket, any) end
  write(root .. "/net/" .. name, table.concat(out))
end

-- Writes tables of a folder anew.
function fake.write_tables(root, spec)
  for name, sockets in pairs(spec) do write_table(root, name, sockets) end
end

-- ---- Processes --------------------------------------------------------------------

-- {pid =, name =, fds = {[number] = inode}, or closed = true; uid, ppid, exe,
-- cmdline, cgroup, start, netns}; without exe, unless closed, it is the kernel's
local function write_process(root, process)
  local PF_RANDOMIZE, PF_KTHREAD = 0x00400000, 0x00200000
  local flags = (process.exe or process.closed) and PF_RANDOMIZE or PF_KTHREAD
  local folder = ("%s/%d"):format(root, process.pid)
  run("mkdir -p %s", folder)
  write(folder .. "/stat", ("%d (%s) S %d 1 1 0 -1 %d 0 0 0 0 0 0 0 0 20 0 1 0 %d 0 0\n")
    :format(process.pid, process.name, process.ppid or 1, flags, process.start or 100))
  local uid = process.uid or 0
  write(folder .. "/status", ("Name:\tx\nUid:\t%d\t%d\t%d\t%d\n"):format(uid, uid, uid, uid))
  write(folder .. "/cmdline", (process.cmdline or process.name):gsub(" ", "\0") .. "\0")
  write(folder .. "/cgroup", "0::" .. (process.cgroup or "/") .. "\n")
  if process.exe then run("ln -s %s %s", process.exe, folder .. "/exe") end
  if process.netns then
    run("mkdir %s", folder .. "/ns")
    run("ln -s %s %s", ("net:[%d]"):format(process.netns), folder .. "/ns/net")
  end
  if process.closed then
    -- opening it as a folder fails for everybody, root included
    return write(folder .. "/fd", "")
  end
  run("mkdir %s", folder .. "/fd")
  for fd, inode in pairs(process.fds or {}) do
    run("ln -s %s %s", ("socket:[%d]"):format(inode), ("%s/fd/%d"):format(folder, fd))
  end
end

-- ---- The whole ---------------------------------------------------------------------

local sysctl = "/sys/net/ipv4/"

-- As net/core/sock.c prints it; `counts`: sockets of each, others have none.
local function write_protocols(root, counts)
  local out = {"protocol  size sockets  memory press maxhdr  slab module     cl co di ac\n"}
  for _, name in ipairs{"RAWv6", "UDPLITEv6", "UDPv6", "TCPv6", "UDP-Lite", "RAW", "UDP", "TCP"} do
    out[#out + 1] = ("%-9s 1344 %6d       0   NI       0   yes  kernel      y  y  y  n\n")
      :format(name, counts[name] or 0)
  end
  write(root .. "/net/protocols", table.concat(out))
end

-- A folder with tables `tcp tcp6 udp udp6` (absent: empty; false: no such file) and
-- `udplite udplite6 raw raw6` (absent: none), `protocols` (sockets of each by the kernel's
-- count; absent: as the tables have it; false: no such file), `processes`, and `host` (ports
-- = "32768 60999", start = 1024, reserved = ""); beside it, `files` of the host (path = text).
function fake.proc(spec)
  local top = fake.folder()
  local root = top .. "/proc"
  for path, text in pairs(spec.files or {}) do
    run("mkdir -p %s", top .. "/" .. path:match "^(.*)/")
    write(top .. "/" .. path, text)
  end
  run("mkdir -p %s %s", root .. "/net", root .. sysctl)
  write(root .. "/net/dev", "")
  for _, name in ipairs{"tcp", "tcp6", "udp", "udp6"} do
    if spec[name] ~= false then write_table(root, name, spec[name] or {}) end
  end
  local counts = {}
  for name, table_name in pairs{
    ["UDP-Lite"] = "udplite", UDPLITEv6 = "udplite6", RAW = "raw", RAWv6 = "raw6",
  } do
    if spec[table_name] then
      write_table(root, table_name, spec[table_name])
      counts[name] = #spec[table_name]
    end
  end
  if spec.protocols ~= false then write_protocols(root, spec.protocols or counts) end
  for _, process in ipairs(spec.processes or {}) do write_process(root, process) end
  local host = spec.host or {}
  write(root .. sysctl .. "ip_local_port_range", (host.ports or "32768\t60999") .. "\n")
  write(root .. sysctl .. "ip_unprivileged_port_start", (host.start or 1024) .. "\n")
  write(root .. sysctl .. "ip_local_reserved_ports", (host.reserved or "") .. "\n")
  write(root .. "/stat", "cpu 0\nbtime 1700000000\n")
  return root
end

-- Options for pi.sockets and its like that read such a folder.
function fake.options(spec)
  return {backend = "proc", proc = fake.proc(spec)}
end

-- ---- A real socket ------------------------------------------------------------------

local listener = [[
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
s.bind(("127.0.0.1", 0))
s.listen()
print(s.getsockname()[1], flush=True)
sys.stdin.read()
]]

-- Starts a process that listens on 127.0.0.1 until the result is closed; nil
-- without python3. Returns the handle and the port.
function fake.listener()
  if not os.execute "command -v python3 >/dev/null" then return nil end
  local news = fake.folder() .. "/news"
  run("mkfifo %s", news)
  local child = io.popen(("python3 -c %s >%s"):format(quote(listener), quote(news)), "w")
  local file <close> = assert(io.open(news))
  return child, math.tointeger(file:read "n")
end

return fake
