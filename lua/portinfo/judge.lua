-- judge.lua: what a rule (rule.lua) says of a reading: a verdict, and plain data that
-- tells why.
--
--   {verdict = "pass" | "fail" | "inconclusive" | "error",
--    findings = {{kind, severity, what, message, row, key}...},
--    undecided = {{what, row}...}, unseen = {text...}, reason = why rows are undecided,
--    idle = how many entries of the baseline hold nothing, message = text of an error}
--
-- Kinds of findings: "socket" (a row that should not be), "absent" (must_listen), and
-- "allow" (an entry that expired or never matches: a note, which fails no rule).

local baseline = require "portinfo.baseline"
local core = require "portinfo.core"
local predicate = require "portinfo.predicate"
local rule_module = require "portinfo.rule"
local ruleset = require "portinfo.ruleset"
local saved = require "portinfo.saved"
local schema = require "portinfo.schema"
local sight = require "portinfo.sight"
local unseen = require "portinfo.unseen"

local M = {}

-- ---- Entries ---------------------------------------------------------------------

local function is_expired(entry, today) return entry.expires ~= nil and entry.expires < today end

-- Predicates of what a row may be: entries that hold today.
local function allowed(rule, case)
  local list = {}
  for _, entries in ipairs{rule.allow, case.held.entries} do
    for _, entry in ipairs(entries) do
      if not is_expired(entry, case.today) then list[#list + 1] = entry.predicate end
    end
  end
  return list
end

local function with_reason(entry)
  return entry.reason and ("%s (%s)"):format(entry.text, entry.reason) or entry.text
end

-- Does the entry fit no row at all of those that the rule is about?
local function is_idle(entry, rule, case)
  if case.nothing then return true end
  local fits = assert(case.snapshot:pick(assert(predicate.both(rule.scope, entry.predicate))))
  return #fits == 0 and fits:undecided() == 0
end

-- Entries that somebody should look at again.
local function add_notes(rule, case, findings)
  local function note(entry, message)
    findings[#findings + 1] = {
      kind = "allow", severity = "note", what = with_reason(entry), message = message,
      key = entry.text,
    }
  end
  local list = rule.form == "only" and "only" or "the allow list"
  for _, entry in ipairs(rule.allow) do
    if is_expired(entry, case.today) then
      note(entry, ("this entry of %s expired on %s"):format(list, entry.expires))
    elseif #case.unseen == 0 and is_idle(entry, rule, case) then
      note(entry, ("this entry of %s matches nothing"):format(list))
    end
  end
  for _, entry in ipairs(case.held.entries) do
    if is_expired(entry, case.today) then
      note(entry, "this entry of the baseline expired on " .. entry.expires)
    end
  end
end

-- How many entries of the baseline hold nothing.
local function count_idle(rule, case)
  local n = 0
  for _, entry in ipairs(case.held.entries) do
    if is_idle(entry, rule, case) then n = n + 1 end
  end
  return n
end

-- ---- Rows ------------------------------------------------------------------------

-- What of a row is told with a finding, where it was read.
local shown = {
  "proto", "family", "state", "laddr", "lport", "raddr", "rport", "iface", "netns", "uid", "role",
  "families", "exposure", "ephemeral", "autobound", "service", "use", "risk", "rxq", "txq",
  "owner", "why", "pid", "process", "user", "exe", "unit", "container",
}

local function get(row, name) return row[name] end

local function evidence(rule, row, groups)
  local told, unknown = {}, {}
  local function add(name)
    if not groups[schema.by_name[name].group] or told[name] ~= nil then return end
    local there, value = pcall(get, row, name)
    if not there then return end -- not in a reading that was loaded
    if value == nil then unknown[#unknown + 1] = name end
    if value then told[name] = value end
    if value == false and schema.by_name[name].type == "bool" then told[name] = false end
  end
  for _, name in ipairs(shown) do add(name) end
  for _, name in ipairs(rule.evidence) do add(name) end
  if #unknown > 0 then told.unknown = unknown end
  return told
end

-- What a function says of a row: nothing is no, nil is unknown.
local function check(rule, row, context)
  if not rule.check then return true end
  local answer = table.pack(rule.check(row, context))
  if answer.n == 0 then return false end
  if answer[1] == nil then return nil end
  return answer[1] and true or false, answer[2]
end

-- Rows of a selection by a template, in its order.
local function by_template(rule, selection)
  local texts = {}
  local text = assert(selection:text(rule.message, nil, {nul = true}))
  for part in text:gmatch "([^\0]*)\0" do texts[#texts + 1] = part end
  return texts
end

-- What a function says of a row; nothing is the title.
local function message_by(rule, row, detail)
  local message = rule.message(row, detail)
  if message == nil then return rule.title end
  if type(message) ~= "string" then
    error(rule_module.complaint{
      id = rule.id, place = rule_module.place_of(rule.message),
      text = ("message gives a text, not a %s"):format(type(message)),
    })
  end
  return message
end

-- Goes through the selected rows or the undecided ones: calls found(row, i, detail) for
-- those that the check finds, and open(row) for those that it cannot decide.
local function sift(rule, context, selection, found, open)
  for i = 1, #selection do
    local row = selection:row(i)
    local truth, detail = check(rule, row, context)
    if truth then found(row, i, detail) end
    if truth == nil then open(row) end
  end
  for i = 1, selection:undecided() do
    local row = selection:undecided_row(i)
    if check(rule, row, context) ~= false then open(row) end
  end
end

-- What functions are given besides a row: the rows that `where` selects, when the
-- reading was taken, and room for what a rule wants to remember between two calls.
local function context_of(rule, case)
  local context = {now = case.now}
  return setmetatable(context, {__index = function(_, name)
    if name ~= "rows" then return nil end
    local selection, rows = assert(case.snapshot:pick(rule.scope)), {}
    for i = 1, #selection do rows[i] = selection:row(i) end
    context.rows = rows
    return rows
  end})
end

-- ---- Verdicts --------------------------------------------------------------------

-- Rows that are told need to be described, whoever holds them. A reading that was loaded
-- has what it has.
local function describable(case)
  local q = case.snapshot:quality()
  return case.snapshot:loaded() or q.processes ~= nil and q.process_us ~= nil
    and case.groups.owner and case.groups.process
end

-- The rows that the rule is about and no entry allows. `case.nothing`: there are none that
-- it is about.
local function candidates(rule, case)
  local selection = assert(case.snapshot:pick(rule.scope))
  case.nothing = #selection == 0 and selection:undecided() == 0
  local barred = allowed(rule, case)
  if case.nothing or #barred == 0 then return selection end
  local rest = assert(predicate.both(rule.scope, ~rule_module.any_of(barred)))
  return assert(case.snapshot:pick(rest))
end

-- What to say of each hit: by a text, a template, a function, the check, or the title.
local function teller(rule, selection)
  local message = rule.message
  if type(message) == "function" then
    return function(hit) return message_by(rule, hit.row, hit.detail) end
  elseif message and message:find("{", 1, true) then
    local texts = by_template(rule, selection)
    return function(hit) return texts[hit.i] end
  end
  return function(hit)
    return message or type(hit.detail) == "string" and hit.detail or rule.title
  end
end

local function judge_rows(rule, case, result)
  local selection = candidates(rule, case)
  -- a function is to be called once for each row
  local asks = rule.check and #selection + selection:undecided() > 0
  if asks and not describable(case) then
    result.lacks = true
    return
  end
  local hits, opens = {}, {}
  selection:sort()
  sift(rule, context_of(rule, case), selection,
    function(row, i, detail) hits[#hits + 1] = {row = row, i = i, detail = detail} end,
    function(row) opens[#opens + 1] = row end)
  if #hits + #opens == 0 then return end
  if not describable(case) then
    result.lacks = true
    return
  end
  local tell = #hits > 0 and teller(rule, selection)
  for _, hit in ipairs(hits) do
    result.findings[#result.findings + 1] = {
      kind = "socket", severity = rule.severity, what = saved.describe(hit.row),
      message = tell(hit):sub(1, ruleset.longest_message),
      row = evidence(rule, hit.row, case.groups),
      key = baseline.entry(hit.row),
    }
  end
  for i, row in ipairs(opens) do
    result.undecided[i] = {what = saved.describe(row), row = evidence(rule, row, case.groups)}
  end
  if selection:undecided() > 0 and #opens > 0 then result.reason = sight.obstacle(case.snapshot) end
end

local function judge_absence(rule, case, result)
  for _, entry in ipairs(rule.must) do
    if not case.held.absent[entry.text] then
      local both = assert(predicate.both(rule.scope, entry.predicate))
      local there = assert(case.snapshot:pick(both))
      if #there == 0 and (there:undecided() > 0 or #case.unseen > 0) then
        result.undecided[#result.undecided + 1] = {what = "whether this listens: " .. entry.text}
      elseif #there == 0 then
        result.findings[#result.findings + 1] = {
          kind = "absent", severity = rule.severity, what = "nothing listens: " .. entry.text,
          message = rule.message or rule.title,
          key = {absent = entry.text},
        }
      end
    end
  end
end

local function verdict_of(result)
  for _, finding in ipairs(result.findings) do
    if finding.kind ~= "allow" then return "fail" end
  end
  return (#result.undecided > 0 or #result.unseen > 0) and "inconclusive" or "pass"
end

local nothing_held = {entries = {}, absent = {}}

local function judge(rule, case)
  local result = {id = rule.id, findings = {}, undecided = {}, unseen = case.unseen}
  if rule.must then judge_absence(rule, case, result) else judge_rows(rule, case, result) end
  if result.lacks then return result end
  add_notes(rule, case, result.findings)
  result.idle = count_idle(rule, case)
  result.verdict = verdict_of(result)
  return result
end

-- The result, as above, or {lacks = true}: there is something to tell of rows whose
-- owners were not read. `about`: {snapshot, groups = set of those that were read, asked =
-- predicate or nil, held = entries of a baseline by rule, seconds = its time}. Raises a
-- complaint if the rule is none.
function M.judge(rule, about)
  local quality = about.snapshot:quality()
  local now = quality.taken
  local case = {
    snapshot = about.snapshot, groups = about.groups, now = now,
    today = os.date("%Y-%m-%d", now), held = about.held and about.held[rule.id] or nothing_held,
    unseen = unseen(rule, quality, about.asked),
  }
  local ok, result, over = core.bounded(about.seconds, judge, rule, case)
  if ok then return result end
  if rule_module.is_complaint(result) then error(result, 0) end
  local message = over and ("it took more than %g s of processor time"):format(about.seconds)
    or ruleset.message_of(result, rule.place)
  if over and type(result) == "string" then
    local place = result:match "^(.-:%d+): "
    if place then message = place .. ": " .. message end
  end
  return {
    id = rule.id, verdict = "error", message = message, findings = {}, undecided = {}, unseen = {},
  }
end

return M
