-- jury.lua: judges rules in other processes, whose time and memory are bounded.
--
-- A foreman loads the rules, takes the reading that they need, and lets jurors judge: each
-- is a copy of it, has rules and reading as they are there, and tells verdicts until it is
-- through. A rule that uses up its time or memory ends its juror, and costs itself alone: the
-- next juror judges the rest. Whoever waits for the foreman runs nothing of the rules.

local audit = require "portinfo.audit"
local judge = require "portinfo.judge"
local later = require "portinfo.later"
local rule = require "portinfo.rule"
local ruleset = require "portinfo.ruleset"
local terminal = require "portinfo.terminal"
local wire = require "portinfo.wire"

local sight = later "sight"

local M = {}

-- Bytes of memory beyond what there is when rules are loaded, or judged.
local memory = 512 << 20

-- How long a rule may keep us waiting: it may be the machine that is busy, so this is
-- far more than its processor time.
local patience = 60

-- What a foreman may need besides, to read all sockets and their owners.
local reading_time = 600

-- ---- Processes -------------------------------------------------------------------

-- Calls work(send); an error of it is a complaint.
local function attempt(work, send)
  local ok, err = pcall(work, send)
  if not ok then send(wire.encode{complaint = ruleset.message_of(err)}) end
end

-- Runs work(send) in another process, and calls take(message, bytes) for each of its
-- messages, until that returns something: this; or nil and how the process ended.
-- wait(): for how many seconds the next message may be waited for.
local function listen(work, wait, take)
  local child <close>, message = terminal.fork(function(send) attempt(work, send) end)
  if not child then error(message, 0) end
  while true do
    local bytes, how, detail = child:receive(wait())
    if how == "interrupted" then error "interrupted" end
    if not bytes then return nil, how, detail end
    local value = wire.decode(bytes)
    if type(value) ~= "table" then return nil, "exit" end
    local done = take(value, bytes)
    if done ~= nil then return done end
  end
end

local function short() return patience end

local endings = {
  time = function(seconds) return ("it took more than %g s of processor time"):format(seconds) end,
  late = function() return ("it did not end in %d s"):format(patience) end,
  signal = function(_, name) return "its process was killed: " .. name end,
}

local function ending(seconds, how, detail)
  return endings[how] and endings[how](seconds, detail) or "its process ended too early"
end

-- ---- A juror ---------------------------------------------------------------------

-- The result of a rule that did not come to a verdict of its own.
local function failed(message)
  return {verdict = "error", message = message, findings = {}, undecided = {}, unseen = {}}
end

-- Can it use up what there is? Filters and texts cannot.
local function is_risky(one) return one.check ~= nil or type(one.message) == "function" end

-- How many results wait to be told with others.
local most_waiting = 64

-- Judges from the rule `first` on. Results are told many at once, as {results = by number};
-- but {at = i} is said before a rule that may be its last, and its result behind it, so that
-- nobody else is blamed. `careful`: of each, as one is the last for sure.
local function judge_from(rules, first, about, careful, send)
  local seconds, waiting, n = math.ceil(about.seconds), {}, 0
  local function tell()
    if n > 0 then send(wire.encode{results = waiting}) end
    waiting, n = {}, 0
  end
  terminal.limit(seconds, memory)
  for i = first, #rules do
    if i > first then terminal.limit(seconds) end
    local alone = careful or is_risky(rules[i])
    if alone then
      tell()
      send(wire.encode{at = i})
    end
    local ok, result = pcall(judge.judge, rules[i], about)
    if not ok and rule.is_complaint(result) then
      return send(wire.encode{complaint = tostring(result)})
    end
    if not ok then result = failed(ruleset.message_of(result, rules[i].place)) end
    if result.lacks then
      tell()
      return send(wire.encode{lacks = i})
    end
    waiting[i], n = result, n + 1
    if alone or n == most_waiting then tell() end
    -- what a rule that broke left behind is no place to judge others in
    if result.verdict == "error" then break end
  end
  tell()
end

-- ---- The foreman -----------------------------------------------------------------

-- Lets one juror judge from the rule `first` on, and passes on its results as they are.
-- Which rule is next, and "owners" if these are to be read before, or "careful" if the
-- juror ended at a rule that is not known; or nil and a complaint.
local function judge_some(rules, first, about, careful, send)
  local at, told, lacks, complaint = nil, first - 1, nil, nil
  local _, how, detail = listen(function(to) judge_from(rules, first, about, careful, to) end,
    short, function(message, bytes)
      complaint, lacks, at = message.complaint, message.lacks, message.at or at
      for i in pairs(message.results or {}) do told = math.max(told, i) end
      if message.results then send(bytes) end
      if complaint or lacks then return true end
    end)
  if complaint then return nil, complaint end
  if lacks then return lacks, "owners" end
  if how == "end" and told >= first then return told + 1 end
  local last = told + 1
  if at ~= last and not careful then return last, "careful" end
  local message, place = ending(about.seconds, how, detail), rules[last].place
  local result = failed(place and ("%s: %s"):format(place, message) or message)
  send(wire.encode{results = {[last] = result}})
  return last + 1
end

local function judge_all(rules, about, send)
  local first, careful = 1, false
  while first <= #rules do
    local next_one, detail = judge_some(rules, first, about, careful, send)
    if not next_one then return nil, detail end
    if detail == "owners" then
      local ok, message = audit.read_owners(about)
      if not ok then return nil, message end
    end
    first, careful = next_one, detail == "careful"
  end
  return true
end

-- Loads rules and a baseline: both may be somebody's code.
local function load_all(job, send)
  terminal.limit(math.ceil(job.seconds), memory)
  local rules, message = ruleset.load(job.sources, job.trust, function(source)
    terminal.limit(math.ceil(job.seconds)) -- a time for each, and memory for all of them
    send(wire.encode{loading = source.name or "the rules that are built in"})
  end)
  if not rules then return nil, message end
  local held
  if job.baseline then
    terminal.limit(math.ceil(job.seconds))
    send(wire.encode{loading = job.baseline.name})
    held, message = audit.held(job.baseline, job.writing)
    if not held then return nil, message end
  end
  rules = audit.pertinent(rules, held ~= nil or job.writing or job.only_load)
  if #rules == 0 then return nil, "there is no rule to judge without --baseline FILE" end
  return rules, held
end

local function entries_text(entries)
  local list = {}
  for i, entry in ipairs(entries or {}) do
    list[i] = {text = entry.text, reason = entry.reason, expires = entry.expires}
  end
  return list
end

-- What whoever waits, and whoever reads it, must know of the rules.
local function describe_all(rules, whole)
  local list = {}
  for i, one in ipairs(rules) do
    list[i] = audit.describe(one, {})
    if whole then
      list[i].scope = one.scope:text()
      list[i].allow, list[i].must = entries_text(one.allow), entries_text(one.must)
      list[i].message = type(one.message) == "string" and one.message or nil
    end
  end
  return list
end

local function host_name()
  local file <close> = io.open "/proc/sys/kernel/hostname"
  return file and file:read "l"
end

-- Takes the reading and has it judged: true, or nil and why not.
local function judge_now(job, rules, held, send)
  local needs = {}
  for i, one in ipairs(rules) do needs[i] = rule.needs(one) end
  terminal.limit() -- our own work is not bounded as theirs
  local about, message = audit.read(needs, job)
  if not about then return nil, message end
  about.held, about.seconds = held, job.seconds
  local ok, complaint = judge_all(rules, about, send)
  if not ok then return nil, complaint end
  local snapshot = about.snapshot
  local selection = snapshot:pick()
  local remarks = sight.blind_spots(selection)
  local partial = #remarks > 0
  for _, line in ipairs(partial and sight.remedies(selection) or {}) do
    remarks[#remarks + 1] = line
  end
  remarks[#remarks + 1] = sight.read_when(snapshot)
  send(wire.encode{
    done = true, taken = snapshot:quality().taken, sockets = #snapshot, remarks = remarks,
    partial = partial, host = not snapshot:loaded() and host_name() or nil,
  })
  return true
end

local function lead(job, send)
  collectgarbage "generational" -- what rules are made of stays to the end
  local rules, held = load_all(job, send)
  if not rules then return send(wire.encode{complaint = held}) end
  send(wire.encode{rules = describe_all(rules, job.only_load)})
  if job.only_load then return end
  local ok, message = judge_now(job, rules, held, send)
  if not ok then send(wire.encode{complaint = message}) end
end

-- ---- Whoever waits ---------------------------------------------------------------

-- What a foreman tells: {rules, results, taken, sockets, host, remarks, partial}; or nil and
-- a complaint.
local function follow(job)
  local found, loading = {results = {}}, "the rules"
  -- once the rules are known, all sockets and their owners may have to be read
  local function wait() return found.rules and reading_time or patience end
  local done, how, detail = listen(function(send) lead(job, send) end, wait, function(message)
    loading = message.loading or loading
    found.rules = found.rules or message.rules
    found.complaint = message.complaint
    for i, result in pairs(message.results or {}) do
      found.results[i] = audit.describe(found.rules[i], result)
    end
    if message.done then
      for name, value in pairs(message) do found[name] = value end
    end
    if found.complaint or message.done or job.only_load and found.rules then return true end
  end)
  if found.complaint then return nil, found.complaint end
  if done then return found end
  local message = ending(job.seconds, how, detail)
  return nil, found.rules and message or ("%s: not loaded: %s"):format(loading, message)
end

-- What the rules of a job {sources, trust, seconds} are, those for a baseline included: a
-- list of descriptions with scope, allow, must and message as text; or nil and a complaint.
function M.describe(job)
  job.only_load = true
  local found, complaint = follow(job)
  return found and found.rules, complaint
end

-- Judges the rules of a job, which also has what audit.read takes, fail_on, and `baseline`,
-- a source: the report, with remarks on what was not seen (`partial`: there was such); or
-- nil and a complaint. `writing`: what is found is to go to that baseline.
function M.run(job)
  local found, complaint = follow(job)
  if not found then return nil, complaint end
  local report = audit.report(found.results, found, job.fail_on)
  report.remarks, report.partial, report.contained = found.remarks, found.partial, true
  return report
end

-- What a file that returns plain data says: a table; or nil and what is wrong. `check`:
-- baseline.parse, or its like.
function M.parse(source, check)
  local seconds = 2
  local found, how, detail = listen(function(send)
    terminal.limit(seconds, memory)
    local value, complaint = check(source)
    local ok, bytes = pcall(wire.encode, {value = value, complaint = complaint})
    send(ok and bytes or wire.encode{complaint = ("%s: %s"):format(source.name, bytes)})
  end, short, function(message) return message end)
  if found then return found.value, found.complaint end
  return nil, ("%s: %s"):format(source.name, ending(seconds, how, detail))
end

return M
