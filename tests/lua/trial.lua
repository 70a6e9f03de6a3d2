-- trial.lua: rules judged over sockets that are made up, for the specs about audits.

local fake = require "fake"
local pi = require "portinfo"
local assert = require "luassert"

local any6 = "[" .. ("0"):rep(32) .. "]"

local M = {}

-- Sockets of some programs, one of which cannot be looked into.
M.spec = {
  tcp = {
    {"0.0.0.0:22", state = "listen", inode = 1},
    {"127.0.0.1:5432", state = "listen", inode = 2, uid = 1000},
    {"0.0.0.0:8080", state = "listen", inode = 3},
    {"0.0.0.0:23", state = "listen", inode = 9, uid = 5}, -- whose owner is not seen
    {"10.0.0.1:22", "10.0.0.9:50000", state = "established", inode = 4},
    {"10.0.0.1:40001", "10.0.0.9:443", state = "time-wait"},
  },
  tcp6 = {{any6 .. ":443", state = "listen", inode = 5}},
  udp = {{"0.0.0.0:53", state = "unconnected", inode = 6}},
  processes = {
    {pid = 42, name = "sshd", fds = {[3] = 1, [4] = 4}, exe = "/usr/sbin/sshd"},
    {pid = 43, name = "postgres", fds = {[3] = 2}, uid = 1000, exe = "/usr/bin/postgres"},
    {pid = 44, name = "web*", fds = {[3] = 3, [4] = 5}, exe = "/opt/web/bin/w?b"},
    {pid = 46, name = "named", fds = {[3] = 6}, exe = "/usr/sbin/named"},
    {pid = 45, name = "secret", closed = true},
  },
}

-- What pi.audit takes to judge these, or others.
function M.options(more, own)
  local list = fake.options(own or M.spec)
  for name, value in pairs(more or {}) do list[name] = value end
  return list
end

-- The result of one rule.
function M.judge(rule, more, own)
  rule.id = rule.id or "x"
  local report = assert(pi.audit(rule, M.options(more, own)))
  assert.equal(1, #report.rules)
  return report.rules[1], report
end

-- Its verdict and the local ports of its findings.
function M.verdict(rule, more, own)
  local result = M.judge(rule, more, own)
  local ports = {}
  for _, finding in ipairs(result.findings) do
    if finding.kind == "socket" then ports[#ports + 1] = finding.row.lport end
  end
  table.sort(ports)
  return result.verdict, table.concat(ports, " "), #result.undecided
end

-- Are the rules refused with these words?
function M.refuses(words, rules, more)
  local ok, err = pcall(pi.audit, rules, M.options(more))
  assert.is_false(ok)
  assert(tostring(err):find(words, 1, true), tostring(err))
end

return M
