-- nagios.lua: the report of an audit as a monitoring plugin gives it: one line, and an exit
-- status of 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. Findings count by their severity: an
-- error is critical, a warning is one, a note is neither.

local escape = require "portinfo.escape"
local units = require "portinfo.units"
local verdicts = require "portinfo.report.verdicts"

local longest = 1000 -- of what is told: monitoring systems cut lines, too

local names = {[0] = "OK", "WARNING", "CRITICAL", "UNKNOWN"}

local function status_of(report)
  if report.findings.error > 0 then return 2 end
  if report.findings.warning > 0 then return 1 end
  return report.counts.inconclusive + report.counts.error > 0 and 3 or 0
end

-- The worst that there is to tell; | begins the figures.
local function worst(report)
  local doubt
  for _, severity in ipairs{"error", "warning"} do
    for _, result in ipairs(report.rules) do
      for _, finding in ipairs(result.findings) do
        if finding.severity == severity then
          return ("%s: %s"):format(result.id, verdicts.line(finding))
        end
      end
      if result.verdict == "error" then
        doubt = doubt or ("%s: %s"):format(result.id, result.message)
      end
      if result.verdict == "inconclusive" then
        doubt = doubt or ("%s: cannot tell: %s"):format(result.id,
          table.concat(verdicts.doubt_lines(result), "; "))
      end
    end
  end
  return doubt
end

local M = {}

-- The line of what is no report at all, and its status.
function M.unknown(message)
  return ("PORTINFO UNKNOWN - %s\n"):format(escape(message):gsub("|", "/")), 3
end

function M.report(report)
  local status, c, f = status_of(report), report.counts, report.findings
  local told = worst(report)
  local text = ("%s, %s"):format(units.plural(#report.rules, "rule"),
    units.plural(f.error + f.warning, "finding"))
  if c.inconclusive > 0 then text = text .. (", %d cannot be told"):format(c.inconclusive) end
  if c.error > 0 then text = text .. (", %d broken"):format(c.error) end
  if told then text = ("%s; %s"):format(text, told:sub(1, longest)) end
  return ("PORTINFO %s - %s | errors=%d;;;0 warnings=%d;;;0 notes=%d;;;0 inconclusive=%d;;;0"
    .. " broken=%d;;;0\n"):format(names[status], escape(text):gsub("|", "/"), f.error, f.warning,
    f.note, c.inconclusive, c.error), status
end

return M
