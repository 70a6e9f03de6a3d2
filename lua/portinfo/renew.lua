-- renew.lua: writes a baseline anew: what is found now, and of what was there what somebody
-- wrote, and what was not judged.

local audit = require "portinfo.audit"
local baseline = require "portinfo.baseline"
local call = require "portinfo.call"
local confine = require "portinfo.confine"
local core = require "portinfo.core"
local jury = require "portinfo.jury"
local terminal = require "portinfo.terminal"
local units = require "portinfo.units"

local mistake, remark = call.mistake, call.remark
local plural = units.plural

local M = {}

local no_such_file = 2 -- ENOENT

-- The baseline that is there already, as a source, and what it holds; or nil and nothing.
function M.before(path)
  if path == "-" then return nil, {} end
  if terminal.is_special(path) then mistake("cannot write %s: not a plain file", path) end
  local source, message, errno = confine.read(path)
  if not source and errno == no_such_file then return nil, {} end
  if not source then mistake("%s", message) end
  local held, trouble = jury.parse(source, baseline.check)
  if not held then mistake("%s: it is there, and is left as it is: %s", path, trouble) end
  return source, held
end

-- ---- Remarks ---------------------------------------------------------------------

local function count_expired(merged, today)
  local n = 0
  for _, entries in pairs(merged) do
    for _, one in ipairs(entries) do
      if type(one) == "table" and one.expires and one.expires < today then n = n + 1 end
    end
  end
  return n
end

-- Sockets whose programs could not be seen.
local function count_weak(report)
  local n = 0
  for _, result in ipairs(report.rules) do
    for _, finding in ipairs(result.findings) do
      if type(finding.key) == "table" and finding.key.uid then n = n + 1 end
    end
  end
  return n
end

-- Rules of the file that were not judged, or broke.
local function count_left(before, judged)
  local n = 0
  for id in pairs(before) do
    if not judged[id] then n = n + 1 end
  end
  return n
end

local function remarks(name, count, expired, weak, left)
  local lines = {("%s holds %s"):format(name, plural(count, "entry", "entries"))}
  if expired > 0 then
    lines[#lines + 1] = ("%s expired: what it held is told until somebody edits it"):format(
      plural(expired, "entry", "entries"))
  end
  if weak > 0 then
    lines[#lines + 1] = ("the programs of %s could not be seen: entries have the user alone, and "
      .. "hold any program of theirs"):format(plural(weak, "socket"))
  end
  if left > 0 then
    lines[#lines + 1] = ("entries of %s that were not judged stay"):format(plural(left, "rule"))
  end
  return lines
end

local function tell_rules(report, options)
  for _, result in ipairs(report.rules) do
    if result.verdict == "error" then
      call.say("rule '%s': %s", result.id, result.message)
    elseif #result.undecided + #result.unseen > 0 then
      remark(options, {("rule '%s' cannot decide all: what it may find is not held"):format(
        result.id)})
    end
  end
end

-- ---- Writing ---------------------------------------------------------------------

-- Judging takes its time: what somebody wrote meanwhile, or put there, is not lost.
local function check_unchanged(path, source)
  local now, message, errno = confine.read(path)
  if not now and errno ~= no_such_file then mistake("%s", message) end
  if (now and now.text) ~= (source and source.text) then
    mistake("%s: it has changed since it was read, and is left as it is: try again", path)
  end
end

-- Writes what a report found, beside what was there `before`, which `source` held; the
-- exit status.
function M.write(path, source, before, report, options)
  local judged = {}
  for _, result in ipairs(report.rules) do
    judged[result.id] = result.verdict ~= "error" or nil
  end
  local merged = baseline.merge(audit.entries(report), before, judged)
  local text, count = baseline.text(merged)
  if path == "-" then
    call.write(text)
  else
    check_unchanged(path, source)
    local ok, message = core.replace(path, text)
    if not ok then mistake("cannot write %s", message) end
  end
  remark(options, remarks(path == "-" and "it" or path, count,
    count_expired(merged, os.date("%Y-%m-%d", report.taken)), count_weak(report),
    count_left(before, judged)))
  tell_rules(report, options)
  return report.counts.error > 0 and 2 or 0
end

return M
