-- explain.lua: tells the plan of a query, and what became of it when it was run.

local core = require "portinfo.core"
local escape = require "portinfo.escape"
local units = require "portinfo.units"
local width = require "portinfo.width"

local M = {}

-- ---- Data ------------------------------------------------------------------------

-- The protocols that are asked for without a look at what the host has.
local is_common = {tcp = true, udp = true}

-- What each group of fields costs, in the order of reading.
local steps = {"socket", "derived", "tcp_info", "owner", "process"}

local function has(list, name)
  for _, item in ipairs(list) do
    if item == name then return true end
  end
  return false
end

-- Steps that were run, with their times.
local function ran_steps(quality, tested)
  local list = {}
  for _, name in ipairs(steps) do
    local us = quality[name .. "_us"]
    if us and (us > 0 or name == "socket") then
      list[#list + 1] = {
        name = name, us = us, processes = name == "owner" and quality.processes or nil,
      }
    end
  end
  list[#list + 1] = {name = "tests", us = tested}
  return list
end

-- The plan: {filter, dumps, pushed, parts, functions, groups, shown, look}. `shown`: groups
-- that what is to be shown needs; `look`: how holders would be looked for, if at all.
function M.plan(predicate, functions, shown, options)
  local plan = core.plan(predicate)
  plan.filter = predicate:text()
  plan.functions = functions
  plan.shown = {}
  for _, group in ipairs(shown) do
    if group ~= "socket" and not has(plan.groups, group) then
      plan.shown[#plan.shown + 1] = group
    end
  end
  if has(plan.groups, "owner") or has(plan.groups, "process") or has(plan.shown, "owner")
    or has(plan.shown, "process") then
    plan.look = core.look(options)
  end
  plan.netns = options.netns
  return plan
end

-- Of a reading that is there already, nothing is asked of the kernel.
function M.keep(plan)
  plan.kept, plan.dumps, plan.pushed, plan.look, plan.netns = true, {}, nil, nil, nil
  for _, part in ipairs(plan.parts) do
    part.place, part.obstacle, part.why = "here", nil, nil
  end
end

-- Adds what became of it: the selection, what run.query said of it, and the time of
-- it all in seconds.
function M.add_run(plan, selection, about, seconds)
  local quality = selection:snapshot():quality()
  local us = math.floor(seconds * 1e6)
  local read = 0
  for _, name in ipairs(steps) do read = read + (quality[name .. "_us"] or 0) end
  plan.run = {
    read = #selection:snapshot(), rows = #selection, total = about.total,
    undecided = selection:undecided(), us = us,
    steps = ran_steps(quality, math.max(us - read, 0)), sources = quality.sources,
  }
end

-- ---- Text ------------------------------------------------------------------------

local function item(name, text)
  return ("%-8s %s\n"):format(name, width.wrap(text, 71, 9))
end

-- All states that a socket of the protocol may have.
local function states_of(proto)
  return core.plan(core.predicate_in("proto", {proto})).dumps[1].states
end

-- The states that are asked for, or those that are not, whatever is shorter.
local function states_text(dump)
  local left_out = {}
  for _, state in ipairs(states_of(dump.proto)) do
    if not has(dump.states, state) then left_out[#left_out + 1] = state end
  end
  if #left_out == 0 then return "all states" end
  if #left_out < #dump.states then return "all states but " .. table.concat(left_out, ", ") end
  return table.concat(dump.states, ", ")
end

-- The protocols that are asked for, each with its states, in the order of the plan.
local function asked_protocols(plan)
  local list, families = {}, {}
  for _, dump in ipairs(plan.dumps) do
    if not families[dump.proto] then
      families[dump.proto] = {}
      list[#list + 1] = {name = dump.proto, states = states_text(dump)}
    end
    table.insert(families[dump.proto], dump.family)
  end
  return list, #list > 0 and table.concat(families[list[1].name], " and ")
end

-- A line for each protocol that every host has, as its families are asked for the same;
-- those of the others that are asked for the same share one.
local function dump_lines(plan)
  local out, shared = {}, {}
  local protocols, families = asked_protocols(plan)
  for _, proto in ipairs(protocols) do
    local line = shared[proto.states]
    if line and not is_common[proto.name] then
      line[#line + 1] = proto.name
    else
      line = {proto.name, states = proto.states}
      if not is_common[proto.name] then shared[proto.states] = line end
      out[#out + 1] = line
    end
  end
  for i, line in ipairs(out) do
    local where = is_common[line[1]] and "" or " where there are such sockets"
    out[i] = item(i == 1 and "read" or "", ("%s, %s%s: %s"):format(table.concat(line, ", "),
      families, where, line.states))
  end
  if #out == 0 then
    out[1] = item("read", plan.kept and "nothing: a reading that is kept is asked"
      or "nothing: no socket can satisfy it")
  end
  return table.concat(out)
end

local function named(text)
  return text and escape(text) or "a test that has no text"
end

local function part_line(part)
  if not part.why then return named(part.text) end
  local why = part.obstacle and ("%s: %s"):format(escape(part.obstacle), part.why) or part.why
  local lead = part.place == "both" and "in part" or "not in the kernel"
  return ("%s: %s (%s)"):format(named(part.text), lead, why)
end

local costs = {
  derived = "derived: which ports the kernel chose, what follows from a row",
  tcp_info = "tcp_info: asks the kernel what each connection tells of itself",
  owner = "owner: who holds the sockets",
  process = "process: what is known of the holders",
}

local function group_lines(plan)
  local out = {}
  for _, group in ipairs(plan.groups) do
    if costs[group] then
      out[#out + 1] = item(#out == 0 and "then" or "", costs[group] .. ", if a row depends on it")
    end
  end
  for _, group in ipairs(plan.shown) do
    if costs[group] then
      out[#out + 1] = item(#out == 0 and "then" or "", costs[group] .. ", to show it")
    end
  end
  return table.concat(out)
end

local looks = {
  proc = "by the descriptors of all processes in procfs", bpf = "by a BPF iterator",
  none = "in no way",
}

local function look_line(look)
  local how = look.pinned and "by the pinned BPF iterator" or looks[look.by]
  return item("owners", ("%s: %s"):format(how, escape(look.why)))
end

local function time(us)
  if us < 10000 then return ("%.2f ms"):format(us / 1000) end
  return ("%.0f ms"):format(us / 1000)
end

local function source_text(source)
  local text = ("%s %s by %s: %s"):format(source.proto, source.family, source.backend,
    units.plural(source.rows, "row"))
  if source.retries > 0 then text = text .. (", read again %d times"):format(source.retries) end
  return text
end

local function run_lines(run)
  local out = {}
  for _, source in ipairs(run.sources) do
    if not source.absent then -- what a host lacks, it need not read
      out[#out + 1] = item(#out == 0 and "sources" or "", source_text(source))
    end
  end
  for i, step in ipairs(run.steps) do
    local what = step.processes and (" (%s)"):format(units.plural(step.processes,
      "process", "processes")) or ""
    local told = ("%9s %s%s"):format(time(step.us), step.name, what)
    out[#out + 1] = item(i == 1 and "took" or "", told)
  end
  out[#out + 1] = item("", ("%9s in all"):format(time(run.us)))
  out[#out + 1] = item("gave", ("%s of %d read; %d undecided"):format(
    units.plural(run.total, "row"), run.read, run.undecided))
  return table.concat(out)
end

-- The plan as text.
function M.text(plan)
  local out = {item("filter", plan.filter == "" and "none: every socket" or named(plan.filter))}
  out[#out + 1] = dump_lines(plan)
  if plan.netns and plan.netns ~= "own" then
    out[#out + 1] = item("in", plan.netns == "all"
      and "every network namespace that can be found, by BPF too where it can be had"
      or "network namespace " .. escape(plan.netns))
  end
  if not plan.kept then
    out[#out + 1] = item("kernel", plan.pushed and escape(plan.pushed)
      or "tests nothing more before it copies a socket")
  end
  local lead = "here"
  for _, part in ipairs(plan.parts) do
    if part.place ~= "kernel" and part.place ~= "asked" then
      out[#out + 1] = item(lead, part_line(part))
      lead = ""
    end
  end
  if plan.functions > 0 then
    out[#out + 1] = item(lead, units.plural(plan.functions, "function") .. " in Lua, asked last")
  end
  out[#out + 1] = group_lines(plan)
  if plan.look then out[#out + 1] = look_line(plan.look) end
  if plan.run then out[#out + 1] = run_lines(plan.run) end
  return table.concat(out)
end

return M
