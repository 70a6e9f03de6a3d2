-- verb_audit.lua: audit, which judges what is open by rules.

local audit = require "portinfo.audit"
local call = require "portinfo.call"
local confine = require "portinfo.confine"
local core = require "portinfo.core"
local jury = require "portinfo.jury"
local later = require "portinfo.later"
local ruleset = require "portinfo.ruleset"
local screen = require "portinfo.screen"
local units = require "portinfo.units"

local rule_text = later "report.rule"
local nagios, rehearsal, renew = later "report.nagios", later "rehearsal", later "renew"
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

local function describe_rule(rules, id)
  local ids = {}
  for i, one in ipairs(rules) do
    ids[i] = one.id
    if one.id == id then return write(rule_text.whole(one, screen.view{})) end
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
  if options.describe then
    describe_rule(rules, options.describe)
    return 0
  end
  local format = call.output_format(options, "tsv")
  if not rule_text[format] then
    mistake("a list of rules comes as a table, tsv or json, not %s", format)
  end
  write(rule_text[format](rules, screen.view(options), options.bare))
  return 0
end

local function show_report(report, format, options)
  local status = show(report, format, options)
  remark(options, report.remarks)
  if report.idle > 0 then
    remark(options, {("%s of %s hold nothing now"):format(
      units.plural(report.idle, "entry", "entries"), options.baseline)})
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

function M.audit(words, options)
  check_call(words, options)
  if options.test then return rehearsal.run(options.test, options, sources_of) end
  if options.list or options.describe then return tell_rules(words, options) end
  local format = check_format(options)
  check_words(words, options)
  local job = job_of(words, options)
  if not options.write_baseline then return show_report(run(job), format, options) end
  local before
  job.baseline, before = renew.before(options.write_baseline)
  job.writing = true
  return renew.write(options.write_baseline, job.baseline, before, run(job), options)
end

-- The report on what words name, as a text; for the prompt.
function M.text(words)
  local ok, result = pcall(function()
    return require "portinfo.report.text"(run(job_of(words, {})), screen.view{})
  end)
  if ok then return result end
  error(getmetatable(result) == call.Mistake and result.text or result, 0)
end

return M
