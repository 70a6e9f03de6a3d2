-- sarif.lua: the report of an audit as SARIF 2.1.0 (OASIS). A socket has no file: its
-- place is a logical location. What cannot be decided is a result of kind "open", and a
-- rule that broke a notification.

local entry = require "portinfo.entry"
local json = require "portinfo.json"

local function raw_list(texts) return json.raw("[" .. table.concat(texts, ",") .. "]") end

local function encode_all(values)
  local texts = {}
  for i, value in ipairs(values) do texts[i] = json.encode(value) end
  return texts
end

local function descriptor(result)
  return json.encode{
    id = result.id, shortDescription = {text = result.title},
    fullDescription = {text = result.title},
    help = result.help and {text = result.help} or nil,
    helpUri = result.reference and result.reference:match "https?://[%w./?=&_%%~:@+,-]+" or nil,
    defaultConfiguration = {level = result.severity},
    properties = {
      tags = raw_list(encode_all(result.tags)), reference = result.reference,
    },
  }
end

-- proto://address:port, of a raw socket raw://address/protocol, which is the same after a restart.
local function place_of(row)
  local address = row.laddr or "?"
  local host = tostring(address):find(":", 1, true) and "[" .. address .. "]" or address
  if not row.lport then return ("%s://%s/%d"):format(row.proto, host, row.protocol) end
  return ("%s://%s:%d"):format(row.proto, host, row.lport)
end

local function locations(row)
  if not row then return nil end
  return {{logicalLocations = {{fullyQualifiedName = place_of(row), kind = "resource"}}}}
end

-- What is the same in every run, however often the service was restarted.
local function fingerprint(result, finding)
  local key = type(finding.key) == "table" and entry.text(finding.key) or finding.key
  return ("%s %s"):format(result.id, key)
end

local function result_text(result, index, finding)
  return json.encode{
    ruleId = result.id, ruleIndex = index, kind = "fail", level = finding.severity,
    message = {text = ("%s: %s"):format(finding.what, finding.message)},
    locations = locations(finding.row),
    partialFingerprints = {["portinfoKey/v1"] = fingerprint(result, finding)},
    properties = finding.row and {row = finding.row} or nil,
  }
end

local function open_text(result, index, what, row)
  return json.encode{
    ruleId = result.id, ruleIndex = index, kind = "open", level = "none",
    message = {text = what}, locations = locations(row),
  }
end

local function add_results(out, result, index)
  for _, finding in ipairs(result.findings) do
    out[#out + 1] = result_text(result, index, finding)
  end
  for _, row in ipairs(result.undecided) do
    out[#out + 1] = open_text(result, index, "cannot tell: " .. row.what, row.row)
  end
  for _, line in ipairs(result.unseen) do
    out[#out + 1] = open_text(result, index, "cannot tell: " .. line)
  end
end

local function notification(result)
  return json.encode{
    level = "error", message = {text = result.message}, associatedRule = {id = result.id},
  }
end

return function(report)
  local rules, results, broken = {}, {}, {}
  for i, result in ipairs(report.rules) do
    rules[i] = descriptor(result)
    add_results(results, result, i - 1)
    if result.verdict == "error" then broken[#broken + 1] = notification(result) end
  end
  local run = {
    tool = {driver = {
      name = "portinfo", semanticVersion = report.version,
      rules = raw_list(rules),
    }},
    invocations = {{
      executionSuccessful = report.counts.error == 0, exitCode = report.status,
      endTimeUtc = os.date("!%Y-%m-%dT%H:%M:%SZ", report.taken),
      toolExecutionNotifications = raw_list(broken),
    }},
    columnKind = "unicodeCodePoints", results = raw_list(results),
  }
  return json.encode{
    ["$schema"] = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"
      .. "sarif-schema-2.1.0.json", version = "2.1.0",
    runs = {run},
  } .. "\n"
end
