-- verdicts.lua: what the formats for programs share: what a result comes to, and its
-- findings and doubts in lines.

local rule = require "portinfo.rule"

local M = {}

-- What a harness should make of a result: "passed", "failed", "tolerated" (findings, all
-- below the severity that fails a run), "doubtful" or "broken".
function M.outcome(result, fail_on)
  if result.verdict == "error" then return "broken" end
  for _, finding in ipairs(result.findings) do
    if rule.rank(finding.severity) >= rule.rank(fail_on) then return "failed" end
  end
  if result.verdict == "inconclusive" then return "doubtful" end
  return result.verdict == "pass" and "passed" or "tolerated"
end

-- A finding in one line.
function M.line(finding)
  return ("%s: %s"):format(finding.what, finding.message)
end

function M.finding_lines(result)
  local lines = {}
  for i, finding in ipairs(result.findings) do lines[i] = M.line(finding) end
  return lines
end

-- Why it cannot be decided.
function M.doubt_lines(result)
  local lines = {}
  for i, row in ipairs(result.undecided) do lines[i] = row.what end
  if result.reason then lines[#lines + 1] = result.reason end
  for _, line in ipairs(result.unseen) do lines[#lines + 1] = line end
  return lines
end

return M
