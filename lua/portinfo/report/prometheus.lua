-- prometheus.lua: the report of an audit for the textfile collector of Prometheus' node
-- exporter. Labels are rules, severities and verdicts: never what a host can choose.

local function label(text) return (text:gsub('[\\"]', "\\%0"):gsub("\n", "\\n")) end

local verdicts = {"pass", "fail", "inconclusive", "error"}

local severities = {"error", "warning", "note"}

local function count_of(result, severity)
  local n = 0
  for _, finding in ipairs(result.findings) do
    if finding.severity == severity then n = n + 1 end
  end
  return n
end

local function add(out, name, help)
  out[#out + 1] = ("# HELP portinfo_audit_%s %s\n# TYPE portinfo_audit_%s gauge\n"):format(name,
    help, name)
  return function(labels, value)
    out[#out + 1] = ("portinfo_audit_%s%s %d\n"):format(name,
      labels ~= "" and "{" .. labels .. "}" or "", value)
  end
end

return function(report)
  local out = {}
  local sample = add(out, "rule_verdict", "1 for the verdict that a rule came to.")
  for _, result in ipairs(report.rules) do
    for _, verdict in ipairs(verdicts) do
      sample(('rule="%s",severity="%s",verdict="%s"'):format(label(result.id), result.severity,
        verdict), result.verdict == verdict and 1 or 0)
    end
  end
  sample = add(out, "findings", "What a rule found; what is wrong with its allow list are notes.")
  for _, result in ipairs(report.rules) do
    for _, severity in ipairs(severities) do
      sample(('rule="%s",severity="%s"'):format(label(result.id), severity),
        count_of(result, severity))
    end
  end
  sample = add(out, "undecided", "Sockets that a rule could not decide about.")
  for _, result in ipairs(report.rules) do
    sample(('rule="%s"'):format(label(result.id)), #result.undecided)
  end
  add(out, "sockets", "Sockets that some rule looked at.")("", report.sockets)
  add(out, "status", "Exit status of the audit: 0 pass, 1 findings, 2 error, 3 inconclusive.")("",
    report.status)
  add(out, "timestamp_seconds", "When the sockets were read, since 1970.")("", report.taken)
  return table.concat(out)
end
