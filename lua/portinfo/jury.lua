-- jury.lua: judges rules in another process, which has the reading as it is here, and
-- whose time and memory are bounded. A rule that uses up its own costs itself alone: a
-- new process judges the rest.

local audit = require "portinfo.audit"
local core = require "portinfo.core"
local rule = require "portinfo.rule"
local ruleset = require "portinfo.ruleset"
local terminal = require "portinfo.terminal"
local wire = require "portinfo.wire"

local M = {}

-- Bytes of memory beyond what the reading takes.
local memory = 512 << 20

-- How long a rule may keep us waiting: it may be the machine that is busy, so this is
-- far more than its processor time.
local patience = 60

-- ---- In the child ----------------------------------------------------------------

local function speaker(send)
  return function(message) send(wire.encode(message)) end
end

-- Loads rules, and a baseline's entries: both may be somebody's code.
local function load_all(job, begin)
  local rules, message = ruleset.load(job.sources, job.trust, begin)
  if not rules then return nil, message end
  local held
  if job.baseline then
    held, message = audit.held(job.baseline)
    if not held then return nil, message end
  end
  return audit.pertinent(rules, held ~= nil or job.all), held
end

-- What the parent must know to take the reading.
local function tell_rules(job, say)
  local rules, message = load_all(job, function(source)
    terminal.limit(math.ceil(job.seconds), memory)
    say{loading = source.name or "the rules that are built in"}
  end)
  if not rules then return say{complaint = message} end
  local list = {}
  for i, one in ipairs(rules) do
    local scope, groups = rule.needs(one)
    list[i] = audit.describe(one)
    list[i].scope, list[i].groups = scope:text() or "all", groups
  end
  say{rules = list}
end

local function judge_from(job, first, about, say)
  terminal.limit(math.ceil(job.seconds) * #job.sources, memory)
  local rules, held = load_all(job)
  if not rules then return say{complaint = held} end
  about.held, about.seconds = held, job.seconds
  for i = first, #rules do
    terminal.limit(math.ceil(job.seconds) + 1, memory)
    say{begin = i, id = rules[i].id}
    local ok, result = pcall(audit.judge, rules[i], about)
    if not ok then return say{complaint = tostring(result)} end
    say{at = i, result = result}
    if result.lacks then return end
  end
end

-- ---- In the parent ---------------------------------------------------------------

-- Runs work(say) in a child and calls take(message) for each of its messages, until that
-- returns something: this; or nil and how the child ended.
local function listen(work, take)
  local child <close>, message = terminal.fork(function(send) work(speaker(send)) end)
  if not child then error(message, 0) end
  while true do
    local bytes, how, detail = child:receive(patience)
    if how == "interrupted" then error "interrupted" end
    if not bytes then return nil, how, detail end
    local value = wire.decode(bytes)
    if type(value) ~= "table" then return nil, "exit" end
    local done = take(value)
    if done ~= nil then return done end
  end
end

local endings = {
  time = function(job) return ("it took more than %g s of processor time"):format(job.seconds) end,
  late = function() return ("it did not end in %d s"):format(patience) end,
  signal = function(_, name) return "its process was killed: " .. name end,
}

local function ending(job, how, detail)
  return endings[how] and endings[how](job, detail) or "its process ended too early"
end

-- What a file that returns plain data says: a table; or nil and what is wrong. `check`:
-- baseline.parse, or its like.
function M.parse(source, check)
  local told, how, detail = listen(function(say)
    terminal.limit(2, memory)
    local value, complaint = check(source)
    local ok, trouble = pcall(say, {value = value, complaint = complaint})
    if not ok then say{complaint = ("%s: %s"):format(source.name, trouble)} end
  end, function(message) return message end)
  if told then return told.value, told.complaint end
  return nil, ("%s: %s"):format(source.name, ending({seconds = 2}, how, detail))
end

-- What the rules are: a list of descriptions with scope (a text) and groups; or nil and
-- a complaint.
function M.load(job)
  local loading = "the rules"
  local told, how, detail = listen(function(say) tell_rules(job, say) end, function(message)
    if not message.loading then return message end
    loading = message.loading
  end)
  if told then return told.rules, told.complaint end
  return nil, ("%s: not loaded: %s"):format(loading, ending(job, how, detail))
end

local function failed(one, message)
  if one.place then message = ("%s: %s"):format(one.place, message) end
  local result = {verdict = "error", message = message, findings = {}, undecided = {}, unseen = {}}
  for name, value in pairs(one) do result[name] = value end
  return result
end

-- Judges from the rule `first` on, in one child. Which rule is next, or nil and a complaint;
-- true if owners are to be read before that one.
local function judge_some(job, rules, first, about, results)
  local at, complaint, lacks = first, nil, false
  local _, how, detail = listen(function(say) judge_from(job, first, about, say) end,
    function(message)
      if message.complaint then
        complaint = message.complaint
        return true
      end
      at = message.begin or at
      if not rules[at] or message.begin and rules[at].id ~= message.id then
        complaint = "the rules were others when they were loaded again"
        return true
      end
      local result = message.result
      if type(result) == "table" then
        if result.lacks then
          lacks = true
          return true
        end
        results[message.at] = result
      end
    end)
  if complaint then return nil, complaint end
  if lacks then return at, true end
  if how == "end" then return #rules + 1 end
  results[at] = failed(rules[at], ending(job, how, detail))
  return at + 1
end

-- Judges them all: the report; or nil and a message. `job`: {sources, trust, baseline =
-- source or nil, all = judge what a baseline is for as well, seconds}, `rules`: of M.load.
function M.run(job, rules, options)
  local needs = {}
  for i, one in ipairs(rules) do
    local scope = core.predicate_parse(one.scope) or core.predicate_parse "all"
    needs[i] = {scope = scope, groups = one.groups}
    one.scope, one.groups = nil, nil
  end
  local about, message = audit.read(needs, options)
  if not about then return nil, message end
  local results, first = {}, 1
  while first <= #rules do
    local next_one, detail = judge_some(job, rules, first, about, results)
    if not next_one then return nil, detail end
    if detail then
      local ok, trouble = audit.read_owners(about)
      if not ok then return nil, trouble end
    end
    first = next_one
  end
  return audit.report(results, about.snapshot, options.fail_on), about.snapshot
end

return M
