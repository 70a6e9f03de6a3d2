-- text.lua: the report of an audit for people: what is wrong, worst first, and what to do.

local escape = require "portinfo.escape"
local style = require "portinfo.style"
local units = require "portinfo.units"
local verdicts_of = require "portinfo.report.verdicts"
local width = require "portinfo.width"

local most_told = 10 -- of a rule: the rest is for programs

-- Groups in their order: what they are called, and which results they have.
local groups = {
  {name = "broken", meaning = "risk", has = function(r) return r.verdict == "error" end},
}
for _, severity in ipairs{"error", "warning", "note"} do
  local meanings = {error = "risk", warning = "exposed", note = "label"}
  groups[#groups + 1] = {
    name = severity, meaning = meanings[severity],
    has = function(r)
      return r.verdict == "fail" and r.severity == severity
        or severity == "note" and r.verdict ~= "fail" and r.verdict ~= "error" and #r.findings > 0
    end,
  }
end
groups[#groups + 1] = {
  name = "unclear", meaning = "unknown", has = function(r) return r.verdict == "inconclusive" end,
}

-- ---- Lines -----------------------------------------------------------------------

local Page = {}
Page.__index = Page

-- Adds a text of several lines, wrapped, with its first word in a colour.
function Page:add(indent, text, lead, meaning)
  local safe = escape(text, self.ascii)
  local room = self.width - indent
  local first = lead and lead .. " " .. safe or safe
  local wrapped = width.wrap(first, math.max(room, 20), indent)
  if lead and self.color then
    wrapped = style.paint(lead, meaning) .. wrapped:sub(#lead + 1)
  end
  self[#self + 1] = (" "):rep(indent) .. wrapped .. "\n"
end

function Page:head(group, result)
  local name = ("%-8s"):format(group.name)
  local line = escape(result.id, self.ascii)
  self[#self + 1] = (self.color and style.paint(name, group.meaning) or name)
    .. (self.color and style.paint(line, "heading") or line) .. "\n"
  self:add(8, result.title)
end

-- ---- Results ---------------------------------------------------------------------

local evidence_of_own = {pid = true, process = true, laddr = true, lport = true, holders = true}

-- Values of the rule's own evidence that the line before does not tell.
local function evidence_text(result, finding)
  local parts = {}
  for _, name in ipairs(result.evidence or {}) do
    local value = finding.row and finding.row[name]
    if value ~= nil and not evidence_of_own[name] and type(value) ~= "table" then
      parts[#parts + 1] = ("%s %s"):format(name, tostring(value))
    end
  end
  return table.concat(parts, ", ")
end

local function add_findings(page, result)
  local last
  for i, finding in ipairs(result.findings) do
    if i > most_told then break end
    if finding.kind == "allow" then
      page:add(8, ("%s: %s"):format(finding.message, finding.what), "note:", "label")
    else
      page:add(8, finding.what)
      if finding.message ~= last and finding.message ~= result.title then
        page:add(10, finding.message)
      end
      last = finding.message
    end
    local more = evidence_text(result, finding)
    if more ~= "" then page:add(10, more) end
  end
  if #result.findings > most_told then
    page:add(8, ("and %s more (--format json has them all)"):format(
      units.count(#result.findings - most_told)))
  end
end

local function add_undecided(page, result)
  for i, row in ipairs(result.undecided) do
    if i > most_told then break end
    page:add(8, row.what, "?", "unknown")
  end
  if #result.undecided > most_told then
    page:add(8, ("and %s more"):format(units.count(#result.undecided - most_told)), "?", "unknown")
  end
  if result.reason then page:add(8, "cannot tell: " .. result.reason) end
  for _, line in ipairs(result.unseen) do page:add(8, "cannot tell: " .. line) end
end

local function add_result(page, group, result)
  page:head(group, result)
  if result.message then page:add(8, result.message) end
  add_findings(page, result)
  if group.name ~= "note" or result.verdict == "fail" then add_undecided(page, result) end
  if result.help and result.verdict == "fail" then
    page:add(8, result.help, "To do:", "label")
    if result.reference then page:add(8, result.reference, "See:", "label") end
  end
  page[#page + 1] = "\n"
end

-- ---- Summary ---------------------------------------------------------------------

local function counted(parts, n, one, many)
  if n > 0 then parts[#parts + 1] = units.plural(n, one, many) end
end

local function fails(report)
  for _, result in ipairs(report.rules) do
    if verdicts_of.outcome(result, report.fail_on) == "failed" then return true end
  end
  return false
end

local function summary(report)
  local found, c = {}, report.counts
  counted(found, report.findings.error, "error")
  counted(found, report.findings.warning, "warning")
  counted(found, report.findings.note, "note")
  local verdicts = {("%d passed"):format(c.pass)}
  if c.fail > 0 then verdicts[#verdicts + 1] = ("%d failed"):format(c.fail) end
  if c.inconclusive > 0 then
    verdicts[#verdicts + 1] = ("%d cannot be told"):format(c.inconclusive)
  end
  if c.error > 0 then verdicts[#verdicts + 1] = ("%d broken"):format(c.error) end
  local tolerated = #found > 0 and not fails(report)
    and (", below --fail-on " .. report.fail_on) or ""
  return ("%s: %s. Found: %s%s"):format(units.plural(#report.rules, "rule"),
    table.concat(verdicts, ", "), #found > 0 and table.concat(found, ", ") or "nothing", tolerated)
end

-- view: width, color, ascii of the screen.
return function(report, view)
  local page = setmetatable({
    width = math.min(view.width or 80, 100), color = view.color, ascii = view.ascii,
  }, Page)
  for _, group in ipairs(groups) do
    for _, result in ipairs(report.rules) do
      if group.has(result) then add_result(page, group, result) end
    end
  end
  page:add(0, summary(report))
  return table.concat(page)
end
