-- prometheus.lua: the report of an audit for the textfile collector of Prometheus' node
-- exporter. Labels are rules, severities and verdicts: never what a host can choose.

local function label(text) return (text:gsub('[\\"]', "\\%0"):gsub("\n", "\\n")) end

local verdicts = {"pass", "fail", "inconclusive", "error"}

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
  sample = add(out, "findings", "What a rule found, notes about its allow list included.")
  for _, result in ipairs(report.rules) do
    sample(('rule="%s",severity="%s"'):format(label(result.id), result.severity),
      #result.findings)
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
