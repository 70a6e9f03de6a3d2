-- Random predicates: their three spellings select the same rows, and those that a
-- naive model selects, which knows nothing of how it is really done.

local fake = require "fake"
local pi = require "portinfo"

local zero, one = ("0"):rep(32), ("0"):rep(31) .. "1"

local processes = {
  {pid = 42, name = "sshd", fds = {[3] = 1, [4] = 3}, uid = 0, exe = "/usr/sbin/sshd"},
  {pid = 43, name = "web", fds = {[3] = 2, [5] = 9}, uid = 1, exe = "/opt/web"},
  {pid = 44, name = "web", fds = {[7] = 2}, uid = 2},
  {pid = 45, name = "and", fds = {[3] = 6}, uid = 7},
  {pid = 46, name = "shy", closed = true},
}

local snap = assert(pi.snapshot(nil, fake.options{
  tcp = {
    {"0.0.0.0:22", state = "listen", inode = 1},
    {"127.0.0.1:8080", state = "listen", inode = 2, uid = 1, rxq = 5},
    {"10.0.0.5:22", "10.0.0.9:51000", state = "established", inode = 3, rxq = 5000},
    {"172.16.0.1:40001", "172.100.0.1:443", state = "established", inode = 4, uid = 5},
    {"10.0.0.5:22", "10.0.0.9:51001", state = "time-wait"},
    {"10.0.0.5:443", "192.168.1.1:25565", state = "fin-wait-1"},
    {"127.0.0.1:25", "127.0.0.1:60000", state = "close-wait", inode = 9},
    {"10.0.0.5:50123", "8.8.8.8:53", state = "syn-sent", inode = 10},
  },
  tcp6 = {
    {"[" .. zero .. "]:631", state = "listen", inode = 5},
    {"[" .. one .. "]:8080", "[" .. one .. "]:40002", state = "established", inode = 11},
    {"[00000000000000000000FFFF0A000005]:80", "[00000000000000000000FFFF0A000009]:40003",
     state = "established", inode = 12},
  },
  udp = {
    {"0.0.0.0:53", state = "unconnected", inode = 6},
    {"0.0.0.0:45000", state = "unconnected", inode = 7},
    {"127.0.0.1:45001", "127.0.0.1:53", state = "connected", inode = 8},
  },
  processes = processes,
}))

-- ---- The model -------------------------------------------------------------------

-- What is known of each row, read once: nil unknown, false empty.
local rows = {}
for row in snap:sockets():each() do
  local facts = {}
  for _, field in ipairs(require "portinfo.schema".fields) do
    facts[field.name] = row[field.name]
  end
  facts.key = tostring(row) .. tostring(facts.inode)
  rows[#rows + 1] = facts
end

local function kleene_not(a)
  if a == nil then return nil end
  return not a
end

local function kleene_and(a, b)
  if a == false or b == false then return false end
  if a == nil or b == nil then return nil end
  return true
end

local function kleene_or(a, b) return kleene_not(kleene_and(kleene_not(a), kleene_not(b))) end

local by_pid = {}
for _, process in ipairs(processes) do by_pid[process.pid] = process end

local of_holders = {pid = true, process = true, exe = true}

-- A field's members: nil if unknown, {} if there is none. And whether there may be
-- others: some process was closed to us, and nobody seen runs as the socket's user.
local function members(facts, field)
  if not of_holders[field] then
    local value = facts[field]
    if value == nil then return nil end
    if value == false and field ~= "ephemeral" then return {} end
    return type(value) == "table" and value or {value}
  end
  if facts.owner == "unknown" then return nil end
  local list, open = {}, facts.owner == "known"
  for i, holder in ipairs(facts.holders or {}) do
    local process = by_pid[holder.pid]
    list[i] = field == "pid" and holder.pid or field == "process" and holder.process
      or process.exe or nil
    if process.uid == facts.uid then open = false end
  end
  return list, open
end

-- Some member satisfies `test`.
local function some(facts, field, test)
  local list, open = members(facts, field)
  if list == nil then return nil end
  for _, value in pairs(list) do
    if test(value) then return true end
  end
  if open then return nil end
  return false
end

local function bits(address)
  local out = {}
  for part in address:gmatch "%d+" do
    for i = 7, 0, -1 do out[#out + 1] = tonumber(part) >> i & 1 end
  end
  return table.concat(out)
end

-- ---- Random leaves ------------------------------------------------------------------

math.randomseed(20261123)
local random = math.random

local function pick(list) return list[random(#list)] end

-- Leaves are {text =, spec =, model =}. `set`: values as the three see them.
local function among(field, values, test)
  local words, list = {}, {}
  for i, value in ipairs(values) do
    words[i] = type(value) == "table" and ("%d..%d"):format(value[1], value[2]) or tostring(value)
    list[i] = type(value) == "table" and pi.range(value[1], value[2]) or value
  end
  local text = #words == 1 and pick{"%s = %s", "%s == %s", "%s eq %s", "%s in {%s}", "%s={%s,}"}
    or pick{"%s in {%s}", "%s = {%s}"}
  return {
    text = text:format(field, table.concat(words, ",")),
    spec = {[field] = #list == 1 and random(2) == 1 and list[1] or list},
    model = function(facts) return some(facts, field, test) end,
  }
end

local ports = {22, 25, 53, 80, 443, 8080, 25565, 40001, 40002, 51000, 60000, 0, 65535}

local function any_of(values, test)
  return function(value)
    for _, v in ipairs(values) do
      if test(v, value) then return true end
    end
    return false
  end
end

local function in_span(v, value)
  if type(v) == "table" then return v[1] <= value and value <= v[2] end
  return v == value
end

local function port_values()
  local values = {}
  for i = 1, random(3) do
    local a, b = pick(ports), pick(ports)
    values[i] = random(3) == 1 and {math.min(a, b), math.max(a, b)} or a
  end
  return values
end

local leaves = {}

leaves[1] = function()
  local values = port_values()
  return among(pick{"lport", "rport"}, values, any_of(values, in_span))
end

leaves[2] = function() -- either side
  local values = port_values()
  local leaf = among("port", values)
  local test = any_of(values, in_span)
  leaf.model = function(facts)
    return kleene_or(some(facts, "lport", test), some(facts, "rport", test))
  end
  return leaf
end

leaves[3] = function()
  local op, n = pick{"<", "<=", ">", ">=", "lt", "ge"}, pick(ports)
  local field = pick{"lport", "rport", "rxq"}
  local compare = ({
    ["<"] = function(v) return v < n end, lt = function(v) return v < n end,
    ["<="] = function(v) return v <= n end, [">"] = function(v) return v > n end,
    [">="] = function(v) return v >= n end, ge = function(v) return v >= n end,
  })[op]
  local text = ("%s %s %d"):format(field, op, n)
  return {text = text, spec = text, model = function(facts) return some(facts, field, compare) end}
end

local blocks = {"10.0.0.0/8", "172.16/12", "10.0.0.5", "127.0.0.1/8", "0.0.0.0/0", "10.0.0.8/31",
                "8.8.8.8/1"}

leaves[4] = function()
  local block, field = pick(blocks), pick{"laddr", "raddr", "addr"}
  local address, prefix = block:match "^([%d.]+)/?(%d*)$"
  while select(2, address:gsub("%.", "")) < 3 do address = address .. ".0" end
  prefix = tonumber(prefix) or 32
  local wanted = bits(address):sub(1, prefix)
  local function test(value)
    return not value:find ":" and bits(value):sub(1, prefix) == wanted
  end
  local leaf = among(field, {block}, test)
  if field == "addr" then
    leaf.model = function(facts)
      return kleene_or(some(facts, "laddr", test), some(facts, "raddr", test))
    end
  end
  return leaf
end

local words = {
  proto = {"tcp", "udp"}, state = {"listen", "established", "time-wait", "connected"},
  exposure = {"loopback", "private", "wildcard", "public"},
  role = {"listener", "inbound", "outbound", "closing", "client", "service"},
  owner = {"known", "none", "unknown"},
  family = {"ipv4", "ipv6"}, range = {"system", "user", "dynamic"},
  why = {"time-wait", "unheld", "permission"},
}

leaves[5] = function()
  local fields = {}
  for field in pairs(words) do fields[#fields + 1] = field end
  table.sort(fields)
  local field = pick(fields)
  local values = {pick(words[field])}
  local second = pick(words[field])
  if second ~= values[1] then values[2] = second end
  return among(field, values, any_of(values, function(v, value) return v == value end))
end

leaves[6] = function()
  local field, value = pick{"process", "exe"}, pick{"sshd", "web", "w*", "and", "/usr/*", "*d"}
  local pattern = "^" .. value:gsub("[%-.]", "%%%0"):gsub("%*", ".*") .. "$"
  return among(field, {value}, function(v) return v:find(pattern) ~= nil end)
end

leaves[7] = function()
  local values = {}
  for i = 1, random(2) do values[i] = pick{42, 43, 44, 1, {43, 45}} end
  return among("pid", values, any_of(values, in_span))
end

leaves[8] = function() -- the field alone
  local field = pick{"rport", "raddr", "inode", "pid", "exe", "ephemeral", "v6only", "role", "mark"}
  return {
    text = field, spec = {[field] = true},
    model = function(facts)
      return some(facts, field, function(v) return v ~= false end)
    end,
  }
end

leaves[9] = function()
  local field = pick{"mark", "pid", "role", "rport", "cookie", "process"}
  local text = "known " .. field
  return {text = text, spec = text, model = function(facts)
    if of_holders[field] then return facts.owner ~= "unknown" end
    return facts[field] ~= nil
  end}
end

leaves[10] = function() -- a named set of this host
  return among(pick{"lport", "rport"}, {"ephemeral"},
               function(v) return v >= 32768 and v <= 60999 end)
end

-- ---- Random combinations ----------------------------------------------------------

-- {text =, spec =, value =, model =}: a string, a table (with predicates where tables
-- have no way to say it), a predicate, and what it means.
local function make(depth)
  if depth == 0 or random(3) == 1 then
    local leaf = pick(leaves)()
    leaf.value = pi.p(random(2) == 1 and leaf.spec or leaf.text)
    leaf.value = random(2) == 1 and leaf.value or ~~leaf.value
    return leaf
  end
  local a, b = make(depth - 1), make(depth - 1)
  local how = random(3)
  if how == 1 then
    return {
      text = pick{"(%s) and (%s)", "(%s) (%s)", "(%s)&&(%s)"}:format(a.text, b.text),
      spec = {a.spec, b.spec}, value = a.value & b.value,
      model = function(f) return kleene_and(a.model(f), b.model(f)) end,
    }
  elseif how == 2 then
    return {
      text = pick{"(%s) or (%s)", "(%s)||(%s)"}:format(a.text, b.text),
      spec = {pi.p(a.spec) | pi.p(b.spec)}, value = a.value | b.value,
      model = function(f) return kleene_or(a.model(f), b.model(f)) end,
    }
  end
  return {
    text = pick{"not (%s)", "!(%s)", "not(%s)"}:format(a.text),
    spec = {~pi.p(a.spec)}, value = ~a.value,
    model = function(f) return kleene_not(a.model(f)) end,
  }
end

-- What a spelling says of each row: T, F or ?.
local function say(spec)
  local truth = {}
  for row in snap:sockets(spec):each() do truth[tostring(row) .. tostring(row.inode)] = "T" end
  for row in snap:sockets(spec):undecided():each() do
    truth[tostring(row) .. tostring(row.inode)] = "?"
  end
  local out = {}
  for i, facts in ipairs(rows) do out[i] = truth[facts.key] or "F" end
  return table.concat(out)
end

local function model_says(model)
  local out = {}
  for i, facts in ipairs(rows) do
    local truth = model(facts)
    out[i] = truth and "T" or truth == nil and "?" or "F"
  end
  return table.concat(out)
end

-- Fewer where everything takes long, as under valgrind.
local cases = tonumber(os.getenv "CASES") or 10000

describe("random predicates", function()
  it("mean the same as strings, tables and values, and what a model says", function()
    local seen = {}
    for _ = 1, cases do
      local case = make(random(0, 4))
      local text = say(case.text)
      if text ~= model_says(case.model) then
        assert.equal(case.text .. "\n" .. model_says(case.model), case.text .. "\n" .. text)
      end
      if text ~= say(case.spec) or text ~= say(case.value) then
        assert.equal(case.text .. "\n" .. text .. "\n" .. text,
                     case.text .. "\n" .. say(case.spec) .. "\n" .. say(case.value))
      end
      -- and the text that the tree itself is written as
      if random(10) == 1 then assert.equal(text, say(assert(case.value:text()))) end
      seen[text] = true
    end
    local kinds = 0
    for _ in pairs(seen) do kinds = kinds + 1 end
    assert.is_true(kinds > cases // 20, kinds .. " answers are too few to mean anything")
  end)
end)
