-- audit.lua: one reading for all rules of a run, and the report of their verdicts:
--
--   {rules = {result...}, counts = {pass, fail, inconclusive, error},
--    findings = {note, warning, error}, fail_on, status, taken, sockets, host, idle, contained}
--
-- `idle`: how many entries of the baseline hold nothing.
--
-- A result is what judge.lua gives, with what the rule says of itself: severity, title,
-- help, reference, tags, source, evidence, place (of its check).

local baseline = require "portinfo.baseline"
local core = require "portinfo.core"
local judge = require "portinfo.judge"
local origin = require "portinfo.origin"
local query = require "portinfo.query"
local rule = require "portinfo.rule"

local M = {}

-- How much processor time a rule may take.
M.seconds = 2

-- ---- The reading -----------------------------------------------------------------

-- Groups of fields that the rules need, as a set and a list.
local function groups_of(needs)
  local set, list = {}, {}
  for _, need in ipairs(needs) do
    for _, name in ipairs(need.groups) do set[name] = true end
  end
  -- who holds what is found will be told: the processes, once their descriptors are known
  if set.owner then set.process = true end
  for name in pairs(set) do list[#list + 1] = name end
  return set, list
end

local function union_of(needs)
  local scopes, seen = {}, {}
  for _, need in ipairs(needs) do
    local text = need.scope:text()
    if not text or not seen[text] then scopes[#scopes + 1] = need.scope end
    if text then seen[text] = true end
  end
  return #scopes > 0 and rule.any_of(scopes) or core.predicate_parse "not all"
end

-- Is there no row at all that a rule would look at? Then owners need not be read.
local function concerns_none(snapshot, union)
  local selection = snapshot:pick(union)
  return selection and #selection == 0 and selection:undecided() == 0
end

-- One reading for all: {snapshot, groups, asked}, see judge.lua; or nil, message, errno.
-- `needs`: a list of {scope, groups}. Options: backend, proc, netns, or snapshot and `asked`,
-- what it was asked for.
function M.read(needs, options)
  local set, list = groups_of(needs)
  if options.snapshot then
    if not options.snapshot:loaded() then
      local ok, message, errno = options.snapshot:complete(list)
      if not ok then return nil, message, errno end
    else
      set.owner, set.process, set.derived = true, true, true
    end
    set.socket = true
    return {snapshot = options.snapshot, groups = set, asked = options.asked}
  end
  local union = union_of(needs)
  local ask = origin(options)
  ask.filter = union
  local snapshot, message, errno = core.take(ask)
  if not snapshot then return nil, message, errno end
  -- what follows from a row is cheap where it is wanted, and not for all of them
  local ahead = {}
  if set.owner and not concerns_none(snapshot, union) then ahead = {"owner", "process"} end
  set = {socket = true, derived = true, owner = #ahead > 0, process = #ahead > 0}
  local ok, trouble, number = snapshot:complete(ahead)
  if not ok then return nil, trouble, number end
  return {snapshot = snapshot, groups = set}
end

-- Reads who holds the rows that are to be told: true, or nil, message, errno.
function M.read_owners(about)
  local ok, message, errno = about.snapshot:complete{"owner", "process"}
  if not ok then return nil, message, errno end
  about.groups.owner, about.groups.process = true, true
  return true
end

-- ---- The report ------------------------------------------------------------------

local described = {
  "id", "severity", "title", "help", "reference", "tags", "source", "form", "evidence", "place",
}

-- Adds what a rule says of itself to a table of plain data.
function M.describe(one, to)
  for _, name in ipairs(described) do to[name] = one[name] end
  return to
end

local function status_of(report)
  if report.counts.error > 0 then return 2 end
  for severity, count in pairs(report.findings) do
    if count > 0 and rule.rank(severity) >= rule.rank(report.fail_on) then return 1 end
  end
  return report.counts.inconclusive > 0 and 3 or 0
end

-- The report of results, which have the rules' descriptions, of a reading {taken, sockets}.
function M.report(results, reading, fail_on)
  local report = {
    rules = results, counts = {pass = 0, fail = 0, inconclusive = 0, error = 0},
    findings = {note = 0, warning = 0, error = 0}, fail_on = fail_on or "warning",
    taken = reading.taken, sockets = reading.sockets, host = reading.host,
    version = core.version, idle = 0,
  }
  for _, result in ipairs(results) do
    report.counts[result.verdict] = report.counts[result.verdict] + 1
    report.idle = report.idle + (result.idle or 0)
    for _, finding in ipairs(result.findings) do
      report.findings[finding.severity] = report.findings[finding.severity] + 1
    end
  end
  report.status = status_of(report)
  return report
end

-- Entries that would hold all that was found, for a baseline: {id = {entry...}}.
function M.entries(report)
  local held = {}
  for _, result in ipairs(report.rules) do
    for _, finding in ipairs(result.findings) do
      if finding.kind ~= "allow" then
        held[result.id] = held[result.id] or {}
        table.insert(held[result.id], finding.key)
      end
    end
  end
  return held
end

-- ---- In this process ---------------------------------------------------------------

-- Those to be judged: some have no meaning without a baseline.
function M.pertinent(rules, with_baseline)
  local list = {}
  for _, one in ipairs(rules) do
    if with_baseline or not one.baseline then list[#list + 1] = one end
  end
  return list
end

-- The result of one rule, described. `about` as of M.read, with held and seconds.
function M.judge(one, about)
  return M.describe(one, judge.judge(one, about))
end

local function judge_all(rules, about)
  local results = {}
  for i, one in ipairs(rules) do
    results[i] = M.judge(one, about)
    if results[i].lacks then
      local ok, message, errno = M.read_owners(about)
      if not ok then return nil, message, errno end
      results[i] = M.judge(one, about)
    end
  end
  return results
end

-- Judges rules here and now: the report; or nil, message, errno. Raises complaints about
-- rules. `rules`: of ruleset.load. Options: those of M.read; fail_on; seconds; `held`: a
-- baseline as baseline.build gives it.
function M.run(rules, options)
  local needs = {}
  rules = M.pertinent(rules, options.held ~= nil)
  for i, one in ipairs(rules) do needs[i] = rule.needs(one) end
  local about, message, errno = M.read(needs, options)
  if not about then return nil, message, errno end
  local _ <close> = not options.snapshot and about.snapshot or nil
  about.held, about.seconds = options.held, options.seconds or M.seconds
  local results, trouble, number = judge_all(rules, about)
  if not results then return nil, trouble, number end
  local snapshot = about.snapshot
  return M.report(results, {taken = snapshot:quality().taken, sockets = #snapshot},
    options.fail_on)
end

-- What a kept reading was asked for: a predicate, or nil for everything; or false and a
-- message where that cannot be told.
function M.asked_of(snapshot)
  if not snapshot:loaded() then return rawget(query.of(snapshot), "predicate") end
  local filter = snapshot:filter()
  if not filter then return nil end
  local asked, message = core.predicate_parse(filter)
  if asked then return asked end
  return false, ("the reading was asked for %s, which means nothing here: %s"):format(filter,
    message)
end

-- What a baseline's source holds, ready to be tested; or nil and what is wrong. `kept`:
-- only entries with a reason or a day, whenever that is.
function M.held(source, kept)
  local entries, message = baseline.parse(source)
  if not entries then return nil, message end
  return baseline.build(kept and baseline.kept(entries) or entries, source)
end

return M
