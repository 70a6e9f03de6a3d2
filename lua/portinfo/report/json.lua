-- json.lua: the report of an audit as one JSON object, {"portinfo":"audit","v":1,...}.

local json = require "portinfo.json"

-- A list stays one when it is empty.
local function list(values, encode)
  local parts = {}
  for i, value in ipairs(values) do parts[i] = encode(value) end
  return json.raw("[" .. table.concat(parts, ",") .. "]")
end

local function finding_text(finding)
  return json.encode{
    kind = finding.kind, severity = finding.severity, what = finding.what,
    message = finding.message, row = finding.row, key = finding.key,
  }
end

local function rule_text(result)
  return json.encode{
    id = result.id, title = result.title, severity = result.severity, verdict = result.verdict,
    help = result.help, reference = result.reference, source = result.source,
    tags = list(result.tags, json.encode), message = result.message, reason = result.reason,
    findings = list(result.findings, finding_text),
    undecided = list(result.undecided, json.encode), unseen = list(result.unseen, json.encode),
  }
end

local function rules_text(report)
  local parts = {}
  for i, result in ipairs(report.rules) do parts[i] = rule_text(result) end
  return json.raw("[\n" .. table.concat(parts, ",\n") .. "\n]")
end

return function(report)
  return json.encode{
    portinfo = "audit", v = 1, version = report.version, taken = report.taken, host = report.host,
    sockets = report.sockets, ["fail-on"] = report.fail_on, status = report.status,
    verdicts = report.counts, findings = report.findings, rules = rules_text(report),
  } .. "\n"
end
