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

local function is_file(word) return word:find("/", 1, true) ~= nil or word:find "%.lua$" ~= nil end

-- Ids of rules that are built in and fit a word: an id, a tag, or builtin.
local function built_in(word)
  local ids, names = {}, {"builtin"}
  for _, one in ipairs(require "portinfo.rules") do
    local fits = word == "builtin" or word == one.id
    names[#names + 1] = one.id
    for _, tag in ipairs(one.tags) do
      fits = fits or word == tag
      names[#names + 1] = tag
    end
    if fits then ids[#ids + 1] = one.id end
  end
  if #ids > 0 then return ids end
  local near = core.nearest(word, names)
  mistake("no rule '%s': %s", word, near and ("did you mean '%s'?"):format(near)
    or "give a file, such as ./rules.lua, or an id or a tag of portinfo audit --list")
end

-- The sources that words name; nothing names all that is built in. Files are found from
-- `folder`.
function M.sources(words, folder)
  local sources, own, seen = {}, {builtin = {}}, {}
  for _, word in ipairs(#words > 0 and words or {"builtin"}) do
    if is_file(word) then
      local path = folder and word:sub(1, 1) ~= "/" and folder .. "/" .. word or word
      sources[#sources + 1] = read_source(path)
    else
      for _, id in ipairs(built_in(word)) do
        if not seen[id] then own.builtin[#own.builtin + 1] = id end
        seen[id] = true
      end
    end
  end
  if #own.builtin > 0 then table.insert(sources, 1, own) end
  return sources
end

-- ---- What rules there are --------------------------------------------------------

local function list_rules(rules, options)
  local format = options.format or (require "portinfo.terminal".is_terminal(1) and "text" or "tsv")
  if format == "json" then
    local lines = {}
    for i, one in ipairs(rules) do lines[i] = json.encode(one) end
    return write("[\n" .. table.concat(lines, ",\n") .. "\n]\n")
  end
  local out = {}
  if format == "tsv" then
    if not options.bare then out[1] = "id\tseverity\ttitle\n" end
    for _, one in ipairs(rules) do
      out[#out + 1] = ("%s\t%s\t%s\n"):format(one.id, one.severity, escape(one.title))
    end
  elseif format == "text" or format == "table" then
    for _, one in ipairs(rules) do
      out[#out + 1] = ("%-22s %-8s %s\n"):format(one.id, one.severity, escape(one.title))
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

-- What a baseline that is there already holds, for the sake of its reasons.
local function entries_before(path)
  local source = path ~= "-" and confine.read(path)
  if not source then return {} end
  local held, message = jury.parse(source, baseline.parse)
  if not held then
    mistake("%s: it is there, and is left as it is: %s", path, message)
  end
  return held
end

-- Whole or not at all: what was there stays until the new one is.
local function write_file(path, text)
  local draft = path .. ".new"
  local file, message = io.open(draft, "wb")
  if not file then mistake("cannot write %s", message) end
  local ok, trouble = file:write(text)
  local closed, why = file:close()
  if ok and closed then ok, trouble = os.rename(draft, path) end
  if ok and closed then return end
  os.remove(draft)
  mistake("cannot write %s: %s", path, trouble or why)
end

local function write_baseline(path, before, report, options)
  local text, count = baseline.text(baseline.merge(audit.entries(report), before))
  if path == "-" then write(text) else write_file(path, text) end
  remark(options, {("%s holds %s"):format(path == "-" and "it" or path,
    count == 1 and "1 entry" or count .. " entries")})
  for _, result in ipairs(report.rules) do
    if result.verdict == "error" then
      call.say("rule '%s': %s", result.id, result.message)
    elseif result.verdict == "inconclusive" then
      remark(options, {("rule '%s' cannot be decided, so what it may find is not held"):format(
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

-- What is to be judged: the kernel's sockets, or a reading that was saved.
local function job_of(words, options)
  local job = call.source_of(options)
  if job.snapshot then job.asked = audit.asked_of(job.snapshot) end
  job.sources, job.trust, job.seconds = M.sources(words), options.trust, audit.seconds
  job.baseline = options.baseline and read_source(options.baseline)
  job.all = options.write_baseline ~= nil
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
    sources = M.sources(words), trust = options.trust, seconds = audit.seconds, all = true,
  }
  if not rules then mistake("%s", message) end
  if options.list then list_rules(rules, options) else describe_rule(rules, options.describe) end
  return 0
end

local function act(words, options)
  check_call(words, options)
  if options.test then return rehearsal.run(options.test, options, M.sources) end
  if options.list or options.describe then return tell_rules(words, options) end
  local format = check_format(options)
  local before = options.write_baseline and entries_before(options.write_baseline)
  local report = run(job_of(words, options))
  if before then return write_baseline(options.write_baseline, before, report, options) end
  local status = show(report, format, options)
  remark(options, report.remarks)
  for _, result in ipairs(report.rules) do
    if result.verdict == "error" and format ~= "text" then
      call.say("rule '%s': %s", result.id, result.message)
    end
  end
  return status
end

-- The report on what words name, as a text; for the prompt.
function M.text(words)
  local ok, result = pcall(function()
    return require "portinfo.report.text"(run(job_of(words, {})), screen.view{})
  end)
  if ok then return result end
  error(getmetatable(result) == call.Mistake and result.text or result, 0)
end

-- A monitoring system shows one line, also where there is no report.
function M.audit(words, options)
  if options.format ~= "nagios" then return act(words, options) end
  local ok, result = pcall(act, words, options)
  if ok then return result end
  if require "portinfo.terminal".interrupted() then error(result, 0) end
  local text = getmetatable(result) == call.Mistake and result.text or ruleset.message_of(result)
  local line, status = nagios.unknown(text)
  write(line)
  return status
end

return M
