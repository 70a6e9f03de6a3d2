-- verb_audit.lua: audit, which judges what is open by rules.

local audit = require "portinfo.audit"
local baseline = require "portinfo.baseline"
local call = require "portinfo.call"
local confine = require "portinfo.confine"
local core = require "portinfo.core"
local jury = require "portinfo.jury"
local later = require "portinfo.later"
local ruleset = require "portinfo.ruleset"
local screen = require "portinfo.screen"
local terminal = require "portinfo.terminal"
local units = require "portinfo.units"
local width = require "portinfo.width"

local json, nagios, rehearsal = later "json", later "report.nagios", later "rehearsal"
local escape = require "portinfo.escape"
local mistake, write, remark = call.mistake, call.write, call.remark

local M = {}

-- ---- Which rules -----------------------------------------------------------------

local function read_source(name)
  local source, message = confine.read(name)
  if not source then mistake("%s", message) end
  return source
end

-- The sources that words name, found from `folder`.
local function sources_of(words, folder)
  local sources, message = ruleset.sources(words, folder)
  if not sources then mistake("%s", message) end
  return sources
end

-- ---- What rules there are --------------------------------------------------------

local function list_rules(rules, options)
  local format = options.format or (terminal.is_terminal(1) and "text" or "tsv")
  if format == "json" then
    local lines = {}
    for i, one in ipairs(rules) do lines[i] = json.encode(one) end
    return write("[\n" .. table.concat(lines, ",\n") .. "\n]\n")
  end
  local out = {}
  if format == "tsv" then
    if not options.bare then out[1] = "id\tseverity\ttags\ttitle\n" end
    for _, one in ipairs(rules) do
      out[#out + 1] = ("%s\t%s\t%s\t%s\n"):format(one.id, one.severity,
        escape(table.concat(one.tags, ",")), escape(one.title))
    end
  elseif format == "text" or format == "table" then
    local room = math.max((screen.view(options).width or 80) - 32, 20)
    for _, one in ipairs(rules) do
      out[#out + 1] = ("%-22s %-8s %s\n"):format(one.id, one.severity,
        width.wrap(escape(one.title), room, 32))
    end
  else
    mistake("a list of rules comes as text, tsv or json, not %s", format)
  end
  write(table.concat(out))
end

local function describe_rule(rules, id)
  local ids = {}
  for i, one in ipairs(rules) do
    ids[i] = one.id
    if one.id == id then return write(require "portinfo.report.rule"(one, screen.view{})) end
  end
  local near = core.nearest(id, ids)
  mistake("no rule '%s'%s", id, near and (": did you mean '%s'?"):format(near)
    or ": see portinfo audit --list")
end

-- ---- Reports ---------------------------------------------------------------------

local formats = {text = true, json = true, tap = true, junit = true, sarif = true,
                 prometheus = true, nagios = true}

local function check_format(options)
  local format = options.format or "text"
  if format == "table" then format = "text" end
  if not formats[format] then
    mistake("a report comes as text, json, tap, junit, sarif, nagios or prometheus, not %s", format)
  end
  return format
end

-- Writes the report; the exit status.
local function show(report, format, options)
  if format == "nagios" then
    local line, status = nagios.report(report)
    write(line)
    return status
  end
  write(require("portinfo.report." .. format)(report, screen.view(options)))
  return report.status
end

-- ---- Baselines -------------------------------------------------------------------

-- The baseline that is there already, as a source, and what it holds; or nil and nothing.
local function baseline_before(path)
  if path == "-" then return nil, {} end
  if terminal.is_special(path) then mistake("cannot write %s: not a plain file", path) end
  local source, message, errno = confine.read(path)
  if not source then
    if errno == 2 then return nil, {} end -- ENOENT
    mistake("%s", message)
  end
  local held, trouble = jury.parse(source, baseline.check)
  if not held then mistake("%s: it is there, and is left as it is: %s", path, trouble) end
  return source, held
end

local function count_of(n, one, many) return units.plural(n, one, many) end

-- What became of the entries, and what somebody should know of them.
local function baseline_remarks(name, report, merged, before, count)
  local lines = {("%s holds %s"):format(name, count_of(count, "entry", "entries"))}
  local today, expired, unseen = os.date("%Y-%m-%d", report.taken), 0, 0
  for _, entries in pairs(merged) do
    for _, one in ipairs(entries) do
      if type(one) == "table" and one.expires and tostring(one.expires) < today then
        expired = expired + 1
      end
    end
  end
  for _, result in ipairs(report.rules) do
    for _, finding in ipairs(result.findings) do
      if type(finding.key) == "table" and finding.key.uid then unseen = unseen + 1 end
    end
  end
  if expired > 0 then
    lines[#lines + 1] = ("%s expired: what it held is told until somebody edits it"):format(
      count_of(expired, "entry", "entries"))
  end
  if unseen > 0 then
    lines[#lines + 1] = ("the programs of %s could not be seen: entries have the user alone, and "
      .. "hold any program of theirs"):format(count_of(unseen, "socket"))
  end
  local others = 0
  for id in pairs(before) do
    local judged = false
    for _, result in ipairs(report.rules) do judged = judged or result.id == id end
    if not judged then others = others + 1 end
  end
  if others > 0 then
    lines[#lines + 1] = ("entries of %s that were not judged stay"):format(count_of(others, "rule"))
  end
  return lines
end

local function write_baseline(path, before, report, options)
  local judged = {}
  for _, result in ipairs(report.rules) do
    judged[result.id] = result.verdict ~= "error" or nil
  end
  local merged = baseline.merge(audit.entries(report), before, judged)
  local text, count = baseline.text(merged)
  if path == "-" then
    write(text)
  else
    local ok, message = terminal.replace(path, text)
    if not ok then mistake("cannot write %s", message) end
  end
  remark(options, baseline_remarks(path == "-" and "it" or path, report, merged, before, count))
  for _, result in ipairs(report.rules) do
    if result.verdict == "error" then
      call.say("rule '%s': %s", result.id, result.message)
    elseif #result.undecided + #result.unseen > 0 then
      remark(options, {("rule '%s' cannot decide all: what it may find is not held"):format(
        result.id)})
    end
  end
  return report.counts.error > 0 and 2 or 0
end

-- ---- The verb --------------------------------------------------------------------

local function check_call(words, options)
  if options.columns or options.sort or options.limit or options.tally or options.undecided then
    mistake "--columns, --sort, --limit, --tally and --undecided are for ls: an audit has reports"
  end
  if options.describe and options.list then mistake "take --list or --describe, not both" end
  if options.test and (#words > 0 or options.from or options.baseline) then
    mistake "--test FILE says itself which rules judge which readings"
  end
  if options.baseline and options.write_baseline then
    mistake "--write-baseline keeps the reasons in a file that is there: --baseline is not needed"
  end
end

-- What a reading was asked for, as audit.read takes it.
local function asked_of(snapshot)
  local asked, message = audit.asked_of(snapshot)
  if asked == false then mistake("%s", message) end
  return asked
end

-- What is to be judged: the kernel's sockets, or a reading that was saved.
local function job_of(words, options)
  local job = call.source_of(options)
  if job.snapshot then job.asked = asked_of(job.snapshot) end
  job.sources, job.trust, job.seconds = sources_of(words), options.trust, audit.seconds
  job.baseline = options.baseline and read_source(options.baseline)
  job.fail_on = options.fail_on
  return job
end

local function run(job)
  local report, message = jury.run(job)
  if not report then mistake("%s", message) end
  return report
end

local function tell_rules(words, options)
  local rules, message = jury.describe{
    sources = sources_of(words), trust = options.trust, seconds = audit.seconds,
  }
  if not rules then mistake("%s", message) end
  if options.list then list_rules(rules, options) else describe_rule(rules, options.describe) end
  return 0
end

local function show_report(report, format, options)
  local status = show(report, format, options)
  remark(options, report.remarks)
  if report.idle > 0 then
    remark(options, {("%s of %s hold nothing now"):format(
      count_of(report.idle, "entry", "entries"), options.baseline)})
  end
  for _, result in ipairs(report.rules) do
    if result.verdict == "error" and format ~= "text" then
      call.say("rule '%s': %s", result.id, result.message)
    end
  end
  return options.strict and status == 0 and report.partial and 3 or status
end

-- Rules that say what is new have nothing to say without a baseline.
local function check_words(words, options)
  if options.baseline or options.write_baseline then return end
  for _, word in ipairs(words) do
    local one = require "portinfo.rules"[word]
    if one and one.baseline then mistake("%s needs --baseline FILE", word) end
  end
end

local function act(words, options)
  check_call(words, options)
  if options.test then return rehearsal.run(options.test, options, sources_of) end
  if options.list or options.describe then return tell_rules(words, options) end
  local format = check_format(options)
  check_words(words, options)
  local job = job_of(words, options)
  if not options.write_baseline then return show_report(run(job), format, options) end
  local source, before = baseline_before(options.write_baseline)
  job.baseline, job.writing = source, true
  return write_baseline(options.write_baseline, before, run(job), options)
end

-- The report on what words name, as a text; for the prompt.
function M.text(words)
  local ok, result = pcall(function()
    return require "portinfo.report.text"(run(job_of(words, {})), screen.view{})
  end)
  if ok then return result end
  error(getmetatable(result) == call.Mistake and result.text or result, 0)
end

function M.audit(words, options) return act(words, options) end

return M
