-- rehearsal.lua: rules tried on saved readings, with the verdicts that they should come
-- to. A file of cases returns
--
--   return {
--     rules = {"bastion.lua"},            -- as words of portinfo audit; nothing: builtin
--     cases = {
--       {name = "as installed", reading = "good.ndjson", expect = {["only-ssh"] = "pass"}},
--       {name = "a stray server", reading = "bad.ndjson",
--        expect = {["only-ssh"] = {verdict = "fail", findings = 1}}},
--     },
--   }
--
-- Names of files are found from its folder. The result is TAP 14.

local audit = require "portinfo.audit"
local call = require "portinfo.call"
local confine = require "portinfo.confine"
local escape = require "portinfo.escape"
local jury = require "portinfo.jury"
local json = require "portinfo.json"
local rule = require "portinfo.rule"
local ruleset = require "portinfo.ruleset"
local verdicts = require "portinfo.report.verdicts"

local mistake, write = call.mistake, call.write

local M = {}

-- ---- The file --------------------------------------------------------------------

local is_verdict = {pass = true, fail = true, inconclusive = true, error = true}

-- What a case expects of a rule: {verdict, findings}; or nil and what is wrong.
local function expectation(id, value)
  if type(value) == "string" then value = {verdict = value} end
  if type(id) ~= "string" or type(value) ~= "table" or not is_verdict[value.verdict] then
    return nil, ("expect: '%s' is to be pass, fail, inconclusive or error"):format(tostring(id))
  end
  local _, wrong = rule.unknown_member(value, {"verdict", "findings"},
    ("expect: what '%s' is"):format(id))
  if wrong then return nil, wrong end
  if value.findings ~= nil and math.type(value.findings) ~= "integer" then
    return nil, ("expect: findings of '%s' are a number"):format(id)
  end
  return {verdict = value.verdict, findings = value.findings}
end

local function check_case(case, i)
  if type(case) ~= "table" or type(case.reading) ~= "string" then
    return nil, ("case %d: it needs reading, the name of a saved one"):format(i)
  end
  local _, wrong = rule.unknown_member(case, {"name", "reading", "baseline", "expect"}, "a case")
  if wrong then return nil, ("case %d: %s"):format(i, wrong) end
  if type(case.expect) ~= "table" or next(case.expect) == nil then
    return nil, ("case %d: it needs expect, verdicts by the ids of rules"):format(i)
  end
  local made = {name = tostring(case.name or case.reading), reading = case.reading, expect = {}}
  for id, value in pairs(case.expect) do
    local expected, message = expectation(id, value)
    if not expected then return nil, ("case %d: %s"):format(i, message) end
    made.expect[id] = expected
  end
  if case.baseline ~= nil then made.baseline = tostring(case.baseline) end
  return made
end

local function check_words(words)
  if words == nil then return {} end
  if type(words) == "string" then return {words} end
  if type(words) ~= "table" then return nil end
  local list = {}
  for i, word in ipairs(words) do list[i] = tostring(word) end
  return list
end

-- The plain data of a file of cases; or nil and what is wrong.
local function parse(source)
  local value, message = confine.run(source, ruleset.load_seconds)
  if value == nil then
    return nil, message and ruleset.message_of(message, source.name)
      or source.name .. ": it returns nothing"
  end
  local words = type(value) == "table" and check_words(value.rules)
  if not words or type(value.cases) ~= "table" or #value.cases == 0 then
    return nil, source.name .. ": it needs cases, a list of such, and may have rules, names of "
      .. "files, ids or tags"
  end
  local _, wrong = rule.unknown_member(value, {"rules", "cases"}, "it")
  if wrong then return nil, ("%s: %s"):format(source.name, wrong) end
  local cases = {}
  for i, case in ipairs(value.cases) do
    local made, trouble = check_case(case, i)
    if not made then return nil, ("%s: %s"):format(source.name, trouble) end
    cases[i] = made
  end
  return {words = words, cases = cases}
end

-- ---- Cases -----------------------------------------------------------------------

local function path_of(folder, name)
  return name:sub(1, 1) == "/" and name or ("%s/%s"):format(folder, name)
end

local function read(path)
  local source, message = confine.read(path)
  if not source then mistake("%s", message) end
  return source
end

local function sorted_ids(expect)
  local ids = {}
  for id in pairs(expect) do ids[#ids + 1] = id end
  table.sort(ids)
  return ids
end

-- The results of a case, by the ids of rules.
local function judge(case, job, folder)
  local snapshot <close> = call.load_reading(path_of(folder, case.reading))
  local asked, wrong = audit.asked_of(snapshot)
  if asked == false then mistake("%s: %s", case.reading, wrong) end
  local report, message = jury.run{
    sources = job.sources, trust = job.trust, seconds = audit.seconds, snapshot = snapshot,
    asked = asked,
    baseline = case.baseline and read(path_of(folder, case.baseline)),
  }
  if not report then mistake("%s", message) end
  local by_id = {}
  for _, result in ipairs(report.rules) do by_id[result.id] = result end
  return by_id
end

local function count(result)
  local n = 0
  for _, finding in ipairs(result.findings) do
    if finding.kind ~= "allow" then n = n + 1 end
  end
  return n
end

-- How a result differs from what was expected; nil if it does not.
local function difference(result, expected)
  if not result then return "there is no such rule" end
  if result.verdict ~= expected.verdict then
    return ("it is %s, not %s"):format(result.verdict, expected.verdict)
  end
  if expected.findings and count(result) ~= expected.findings then
    return ("it has %d findings, not %d"):format(count(result), expected.findings)
  end
end

local function details(result)
  local lines = {}
  if result and result.message then lines[1] = result.message end
  for _, line in ipairs(result and verdicts.finding_lines(result) or {}) do
    lines[#lines + 1] = line
  end
  for _, line in ipairs(result and verdicts.doubt_lines(result) or {}) do
    lines[#lines + 1] = line
  end
  return lines
end

local function describe(case, id, expected)
  local text = ("%s: %s is %s"):format(case.name, id, expected.verdict)
  return (escape(text):gsub("[\\#]", "\\%0"))
end

local function add_case(out, n, case, by_id)
  local failed = 0
  for _, id in ipairs(sorted_ids(case.expect)) do
    local expected, result = case.expect[id], by_id[id]
    local wrong = difference(result, expected)
    n = n + 1
    out[#out + 1] = ("%s %d - %s\n"):format(wrong and "not ok" or "ok", n,
      describe(case, id, expected))
    if wrong then
      failed = failed + 1
      out[#out + 1] = ("  ---\n  message: %s\n"):format(json.encode(wrong))
      for i, line in ipairs(details(result)) do
        out[#out + 1] = ("%s    - %s\n"):format(i == 1 and "  seen:\n" or "", json.encode(line))
      end
      out[#out + 1] = "  ...\n"
    end
  end
  return n, failed
end

-- Runs the cases of a file and writes what became of them; the exit status: 0 as
-- expected, 1 not. `sources_of(words, folder)` finds rules.
function M.run(name, options, sources_of)
  if options.format and options.format ~= "tap" then
    mistake("what became of --test comes as tap, not %s", options.format)
  end
  local plan, trouble = jury.parse(read(name), parse)
  if not plan then mistake("%s", trouble) end
  local folder = confine.folder_of(name)
  local job = {sources = sources_of(plan.words, folder), trust = options.trust}
  local out, n, failed = {"TAP version 14\n"}, 0, 0
  for _, case in ipairs(plan.cases) do
    local wrong
    n, wrong = add_case(out, n, case, judge(case, job, folder))
    failed = failed + wrong
  end
  table.insert(out, 2, ("1..%d\n"):format(n))
  write(table.concat(out))
  return failed > 0 and 1 or 0
end

return M
