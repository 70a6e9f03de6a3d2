-- audit.lua: an audit of 200 rules, beside the reading that it takes.
--
--   portinfo tests/bench/audit.lua RUNS
--
-- Prints the medians of both in milliseconds, and how many sockets were read. The rules are about listeners and
-- connections, so that every TCP socket is read.

local audit = require "portinfo.audit"
local core = require "portinfo.core"
local jury = require "portinfo.jury"
local rule = require "portinfo.rule"
local ruleset = require "portinfo.ruleset"

local wheres = {
  "listening tcp exposed lport = %d", "established rport = %d", "inbound lport = %d",
  "tcp lport = %d and not laddr = 127.0.0.0/8", "time-wait lport = %d",
  "established raddr = 10.%d.0.0/16", "tcp rxq > %dk", "outbound exposure = public rport = %d",
}

local rules = {"return {"}
for i = 1, 200 do
  local where = wheres[i % #wheres + 1]:format(i)
  rules[#rules + 1] = ("{id = 'rule-%d', where = '%s', allow = {{lport = %d, laddr = '192.0.2.1'}}},")
    :format(i, where, i + 1000)
end
rules[#rules + 1] = "}"

local job = {
  sources = {{name = "rules.lua", text = table.concat(rules, "\n")}}, seconds = audit.seconds,
}

local function median(list)
  table.sort(list)
  return list[#list // 2 + 1]
end

local needs = {}
for i, one in ipairs(assert(ruleset.load(job.sources))) do needs[i] = rule.needs(one) end

local reading, whole, sockets = {}, {}, 0
for i = 1, tonumber(arg[1]) or 7 do
  local start = core.clock()
  local about = assert(audit.read(needs, {}))
  reading[i] = (core.clock() - start) * 1e3
  about.snapshot:close()
  start = core.clock()
  local report = assert(jury.run(job))
  whole[i] = (core.clock() - start) * 1e3
  assert(#report.rules == 200 and report.counts.error == 0)
  sockets = report.sockets
end
print(("%.3f\t%.3f\t%d"):format(median(reading), median(whole), sockets))
