-- junit.lua: the report of an audit as JUnit XML, as Jenkins and Ant describe it: a test
-- case for each rule. What cannot be decided is an error: a skipped case would pass.

local json = require "portinfo.json"
local verdicts = require "portinfo.report.verdicts"

local entities = {["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;"}

-- Characters that XML 1.0 has: others, and bytes that are no UTF-8, become U+FFFD.
local function legal(text)
  return (json.to_utf8(text):gsub("[\0-\8\11\12\14-\31\127]", "\u{fffd}")
    :gsub("\xef\xbf[\xbe\xbf]", "\u{fffd}"))
end

local function xml(text) return (legal(text):gsub('[&<>"]', entities)) end

-- An attribute: line breaks in it would be lost.
local function attribute(text) return (xml(text):gsub("[\t\r\n]", " ")) end

local function lines_of(result)
  local lines = verdicts.finding_lines(result)
  for _, line in ipairs(verdicts.doubt_lines(result)) do
    lines[#lines + 1] = "undecided: " .. line
  end
  if result.help and #result.findings > 0 then lines[#lines + 1] = "to do: " .. result.help end
  return table.concat(lines, "\n")
end

local elements = {
  failed = {"failure", function(r) return ("%d found"):format(#r.findings) end},
  doubtful = {"error", function() return "inconclusive" end},
  broken = {"error", function(r) return r.message end},
}

local function case_text(result, outcome)
  local head = ('    <testcase name="%s" classname="portinfo.audit" time="0"'):format(
    attribute(result.id))
  local element = elements[outcome]
  if not element then return head .. "/>\n" end
  return ('%s>\n      <%s message="%s" type="%s">%s</%s>\n    </testcase>\n'):format(head,
    element[1], attribute(("%s: %s"):format(result.title, element[2](result))),
    outcome == "failed" and result.severity or result.verdict, xml(lines_of(result)), element[1])
end

return function(report)
  local cases, failures, errors, tolerated = {}, 0, 0, {}
  for i, result in ipairs(report.rules) do
    local outcome = verdicts.outcome(result, report.fail_on)
    if outcome == "failed" then failures = failures + 1 end
    if outcome == "doubtful" or outcome == "broken" then errors = errors + 1 end
    if outcome == "tolerated" or outcome == "passed" then
      for _, line in ipairs(verdicts.finding_lines(result)) do
        tolerated[#tolerated + 1] = ("%s: %s"):format(result.id, line)
      end
    end
    cases[i] = case_text(result, outcome)
  end
  return ('<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n  <testsuite name="portinfo audit"'
    .. ' tests="%d" failures="%d" errors="%d" time="0" timestamp="%s" hostname="%s" id="0"'
    .. ' package="portinfo">\n    <properties>\n      <property name="fail-on" value="%s"/>\n'
    .. '    </properties>\n%s    <system-out>%s</system-out>\n'
    .. '    <system-err/>\n  </testsuite>\n</testsuites>\n'):format(#report.rules, failures, errors,
    os.date("!%Y-%m-%dT%H:%M:%S", report.taken), attribute(report.host or "localhost"),
    report.fail_on, table.concat(cases),
    xml(table.concat(tolerated, "\n")))
end
