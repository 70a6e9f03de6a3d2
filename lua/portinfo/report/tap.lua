-- tap.lua: the report of an audit as TAP 14 (testanything.org): a test for each rule. A
-- rule that cannot be decided is not ok; one whose findings are below --fail-on is TODO,
-- so that a harness agrees with the exit status.

local escape = require "portinfo.escape"
local json = require "portinfo.json"
local verdicts = require "portinfo.report.verdicts"

-- In a description # begins a directive.
local function describe(result)
  local text = ("%s: %s"):format(result.id, result.title)
  return (escape(text):gsub("[\\#]", "\\%0"))
end

-- JSON is YAML.
local function add_list(out, name, lines)
  if #lines == 0 then return end
  out[#out + 1] = ("  %s:\n"):format(name)
  for _, line in ipairs(lines) do out[#out + 1] = ("    - %s\n"):format(json.encode(line)) end
end

local function add_details(out, result)
  if result.verdict == "pass" and #result.findings == 0 then return end
  out[#out + 1] = ("  ---\n  verdict: %s\n  severity: %s\n"):format(result.verdict,
    result.severity)
  if result.message then
    out[#out + 1] = ("  message: %s\n"):format(json.encode(result.message))
  end
  add_list(out, "findings", verdicts.finding_lines(result))
  add_list(out, "undecided", verdicts.doubt_lines(result))
  out[#out + 1] = "  ...\n"
end

return function(report)
  local out = {"TAP version 14\n", ("1..%d\n"):format(#report.rules)}
  for i, result in ipairs(report.rules) do
    local outcome = verdicts.outcome(result, report.fail_on)
    local good = outcome == "passed"
    out[#out + 1] = ("%s %d - %s%s\n"):format(good and "ok" or "not ok", i, describe(result),
      outcome == "tolerated" and (" # TODO below --fail-on " .. report.fail_on) or "")
    add_details(out, result)
  end
  return table.concat(out)
end
