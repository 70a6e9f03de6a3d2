-- reader.lua: asks one question after the other for a long time, in one Lua state, while
-- sockets, processes and namespaces come and go: reader.lua SECONDS DISTURBED CLAIMS...
--
-- CLAIMS are what tests/cli/helpers/oracle.py tells of sockets that stay. Each reading has
-- each of them once, as it is told there, and no socket twice. DISTURBED counts the dumps
-- that were made inconsistent (disturb.c): a reading that may lack rows says so. A line of
-- JSON tells what each round cost, and the last one what was done. Complaints go to
-- standard error.

local cjson = require "cjson"
local core = require "portinfo.core"
local pi = require "portinfo"
local watch = require "portinfo.watch"

local seconds, counter = tonumber(arg[1]), arg[2]

local complaints, most_shown = 0, 20

local function complain(format, ...)
  complaints = complaints + 1
  if complaints <= most_shown then io.stderr:write("reader: ", format:format(...), "\n") end
end

-- ---- Canaries --------------------------------------------------------------------

local canaries, by_cookie, by_inode = {}, {}, {}

-- cjson makes floats of all numbers.
local function tidy(claim)
  for name, value in pairs(claim) do
    if type(value) == "number" then claim[name] = math.tointeger(value) end
  end
end

-- "?" is unknown, null is known to be empty; in a row they are nil and false.
local function add_canary(claim)
  tidy(claim)
  canaries[#canaries + 1] = claim
  by_cookie[claim.cookie], by_inode[claim.inode] = claim, claim
  table.sort(claim.holders, function(a, b)
    return a[1] < b[1] or a[1] == b[1] and a[2] < b[2]
  end)
  for i, holder in ipairs(claim.holders) do
    tidy(holder)
    claim.holders[i] = table.concat(holder, "/")
  end
  claim.holders = table.concat(claim.holders, " ")
end

local home
for i = 3, #arg do
  for line in io.lines(arg[i]) do
    local claim = cjson.decode(line)
    if claim.proto then add_canary(claim) end
    if claim.ready then home = home or math.tointeger(claim.netns) end
  end
end

local function canary_of(row)
  return by_cookie[row.cookie and tostring(row.cookie)] or by_inode[row.inode]
end

local function holders_of(row)
  local list = {}
  for i, holder in ipairs(row.holders or {}) do list[i] = holder.pid .. "/" .. holder.fd end
  return table.concat(list, " ")
end

local compared = {
  "proto", "family", "state", "laddr", "lport", "raddr", "rport", "inode", "uid", "netns",
  "owner", "role", "autobound",
}

-- Complains of what a row says of a canary and is not so; the name of a field that it does
-- not know, if there is one.
local function check_row(what, row, canary)
  local unknown
  for _, name in ipairs(compared) do
    local wanted, told = canary[name], row[name]
    if wanted == cjson.null then wanted = false end
    if wanted == nil or wanted == "?" then goto continue end
    if told == nil then
      unknown = unknown or name
    elseif told ~= wanted then
      complain("%s: port %s: %s is %s, not %s", what, canary.lport, name, told, wanted)
    end
    ::continue::
  end
  local told = holders_of(row)
  if told ~= canary.holders then
    complain("%s: port %s: held by %s, not %s", what, canary.lport, told, canary.holders)
  end
  return unknown
end

-- ---- Readings --------------------------------------------------------------------

local function disturbances()
  local file <close> = assert(io.open(counter, "rb"))
  return (string.unpack("=I8", file:read(8)))
end

local flagged = {retries = 0, partial = 0}

-- How often the sources of a reading were asked again, and whether one was not told whole.
local function doubts(quality)
  local retries, partial = 0, false
  for _, source in ipairs(quality.sources) do
    retries = retries + source.retries
    partial = partial or source.partial
  end
  flagged.retries = flagged.retries + retries
  if partial then flagged.partial = flagged.partial + 1 end
  return retries, partial
end

-- A row without cookie is known by its inode and ends.
local function key_of(row)
  return table.concat({
    row.netns or "?", row.cookie or "", row.inode or "",
    row.cookie and "" or ("%s %s %s %s %s"):format(row.proto, row.laddr, row.lport, row.raddr,
      row.rport),
  }, " ")
end

local rows_read = 0

-- Each socket once, and each canary as it is, in the whole of what was asked for.
local function check(what, snapshot, about, disturbed)
  local _, partial = doubts(snapshot:quality())
  local keys, times = {}, {}
  for row in snapshot:sockets():each() do
    local key, canary = key_of(row), canary_of(row)
    if keys[key] then complain("%s: twice: %s", what, row) end
    keys[key] = true
    if canary then
      times[canary] = (times[canary] or 0) + 1
      local unknown = check_row(what, row, canary)
      if unknown and not (about.blind or disturbed) then
        complain("%s: port %s: %s is unknown", what, canary.lport, unknown)
      end
    end
  end
  rows_read = rows_read + #snapshot
  for _, canary in ipairs(canaries) do
    local n, expected = times[canary] or 0, about.all or canary.netns == home
    if n > 1 or (n == 0 and expected and not partial and canary.state ~= about.without) then
      complain("%s: port %s: seen %d times", what, canary.lport, n)
    end
  end
end

-- A reading of everything, with owners. `about`: `blind`, not all can be known; `without`,
-- a state that is not seen; `all` namespaces.
local function reading(what, options, about)
  options.groups = {"derived", "owner", "process"}
  return function()
    local before = disturbances()
    local snapshot <close> = assert(core.take(options))
    check(what, snapshot, about, disturbances() > before)
  end
end

-- Sockets alone, of which a dump that was disturbed is told each time.
local function flags()
  local before = disturbances()
  local snapshot <close> = assert(core.take{backend = "netlink"})
  local retries, partial = doubts(snapshot:quality())
  local n = disturbances() - before
  if (n > 0) ~= (retries > 0 or partial) then
    complain("flags: %d dumps were disturbed, %d asked again", n, retries)
  end
end

-- ---- Questions -------------------------------------------------------------------

local asked = 0

-- One canary after the other, by a filter that the kernel tests.
local function ask()
  asked = asked + 1
  local canary = canaries[asked % #canaries + 1]
  local spec = ("%s lport = %d state = %s"):format(canary.proto, canary.lport, canary.state)
  local snapshot <close> = assert(pi.sockets(spec, {netns = "all"}):with("owner"):snapshot())
  local _, partial = doubts(snapshot:quality())
  local n = 0
  for row in snapshot:sockets(spec):each() do
    if canary_of(row) == canary then
      n = n + 1
      check_row("ask", row, canary)
    end
  end
  if n ~= 1 and not (n == 0 and partial) then complain("ask: %s: %d rows", spec, n) end
end

-- Each canary is there, and nobody else holds it.
local function rules_of(list)
  local rules = {{id = "there", title = "a canary is away", must_listen = {}}}
  for _, canary in ipairs(list) do
    if canary.state == "listen" and canary.netns == home then
      table.insert(rules[1].must_listen, ("tcp :%d"):format(canary.lport))
    end
    rules[#rules + 1] = {
      id = ("held-%d"):format(#rules), title = "a canary changed hands",
      where = ("inode = %d not pid = %d"):format(canary.inode, canary.pid),
    }
  end
  return rules
end

local rules = rules_of(canaries)
local verdicts = {pass = 0, inconclusive = 0}

local function audit()
  local report = assert(pi.audit(rules))
  for _, rule in ipairs(report.rules) do
    if verdicts[rule.verdict] then
      verdicts[rule.verdict] = verdicts[rule.verdict] + 1
    else
      complain("audit: %s: %s %s", rule.id, rule.verdict,
               rule.message or rule.findings[1].what)
    end
  end
end

-- ---- Watching --------------------------------------------------------------------

-- A watch of everything: nothing ever becomes of a canary. Steps on.
local function watching(what, options)
  local last
  local w = assert(watch.new(pi.sockets("tcp or udp", options), {interval = 0.1}))
  local function step()
    local now = assert(w:next())
    for _, place in ipairs(now.places) do
      local event = watch.event_at(place)
      local canary = event.event ~= "present" and canary_of(event.row)
      if canary then complain("%s: port %s: %s", what, canary.lport, event) end
    end
    w:release(last)
    now.places = nil -- so that what is kept does not depend on how much happened
    last = now
  end
  return step
end

-- ---- What it costs ---------------------------------------------------------------

local function status(name)
  for line in io.lines "/proc/self/status" do
    local number = line:match("^" .. name .. ":%s*(%d+)")
    if number then return math.tointeger(number) end
  end
end

local function descriptors()
  local n = 0
  for fd = 0, 255 do
    local file <close> = io.open("/proc/self/fdinfo/" .. fd)
    if file then n = n + 1 end
  end
  return n
end

-- At a moment when nothing is being read, and what is garbage is gone.
local function sample()
  collectgarbage()
  collectgarbage()
  return {
    heap = math.tointeger(collectgarbage "count" * 1024 // 1), rss = status "VmRSS",
    descriptors = descriptors(), threads = status "Threads",
  }
end

-- ---- The whole -------------------------------------------------------------------

local watch_own = watching("watch", {})
local watch_all = watching("watch all", {netns = "all"})

local turns = {
  {"sock_diag", reading("sock_diag", {backend = "netlink"}, {})},
  {"proc tables", reading("proc tables", {backend = "proc"}, {blind = true, without = "closed"})},
  {"all namespaces", reading("all namespaces", {netns = "all"}, {all = true})},
  {"sockets alone", flags},
  {"filters", ask},
  {"audit", audit},
  {"watch", watch_own},
  {"watch, all namespaces", watch_all},
}
if core.take{backend = "bpf"} then
  table.insert(turns, {"BPF", reading("BPF", {backend = "bpf", netns = "all"}, {all = true})})
end

local done = {}
local start = core.clock()
repeat
  for _, turn in ipairs(turns) do
    turn[2]()
    done[turn[1]] = (done[turn[1]] or 0) + 1
    collectgarbage() -- so that what is garbage of one turn makes no room for the next
  end
  local taken = sample()
  taken.at = core.clock() - start
  print(cjson.encode(taken)) -- and not kept: it would grow
until core.clock() - start >= seconds

print(cjson.encode{
  done = done, rows = rows_read, flagged = flagged,
  disturbed = disturbances(), verdicts = verdicts, canaries = #canaries,
  complaints = complaints,
})
