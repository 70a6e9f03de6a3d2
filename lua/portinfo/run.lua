-- run.lua: from a query, whose parts query.lua names, to the selection that answers it.

local core = require "portinfo.core"
local misuse = require "portinfo.misuse"
local origin = require "portinfo.origin"
local schema = require "portinfo.schema"

local M = {}

-- The groups that the query wants read ahead, as a list.
function M.ahead(query)
  local groups = {}
  for name in pairs(rawget(query, "groups") or {}) do groups[#groups + 1] = name end
  return groups
end

-- A reading for the query, which may take over what an earlier one knows; or nil,
-- message, errno.
function M.take(query, groups, previous)
  local ask = origin(rawget(query, "options"))
  ask.filter, ask.groups, ask.previous = rawget(query, "predicate"), groups, previous
  return core.take(ask)
end

-- Whoever tells what happens to its sockets between two readings.
function M.watcher(query)
  local ask = origin(rawget(query, "options"))
  ask.filter = rawget(query, "predicate")
  return core.watcher(ask)
end

-- Each step of a run gives true, or nil, message, errno.

local function read_groups(selection, groups)
  if not groups or #groups == 0 or #selection == 0 then return true end
  return selection:snapshot():complete(groups)
end

local function order_fields(order)
  local names = {}
  for _, key in ipairs(order) do
    local name = key:gsub("^%-", "")
    if name ~= "count" then names[#names + 1] = name end
  end
  return names
end

-- Sorts and cuts the rows, or what became of them.
local function arrange(selection, stage)
  local order, most = rawget(stage, "order"), rawget(stage, "most")
  if order then
    local ok, message, errno = read_groups(selection, schema.groups_of(order_fields(order)))
    if ok then ok, message, errno = selection:sort_by(order) end
    if not ok then return nil, message, errno end
  end
  if most then selection:limit(most) end
  return true
end

local function make_groups(selection, group)
  local ok, message, errno = read_groups(selection, schema.groups_of(group.fields))
  if ok then ok, message, errno = selection[group.how](selection, group.fields) end
  if not ok then return nil, message, errno end
  return arrange(selection, group)
end

local function reading_of(query)
  local snapshot = rawget(query, "options").snapshot
  if not snapshot then return M.take(query) end
  if snapshot:closed() then misuse("this reading is closed") end
  return snapshot
end

local function select_of(query)
  local snapshot, trouble, errno = reading_of(query)
  if not snapshot then return nil, trouble, errno end
  local selection, message, number = snapshot:pick(rawget(query, "predicate"))
  if not selection then return nil, message, number end
  for _, test in ipairs(rawget(query, "tests")) do
    local ok, why, code = selection:sift(test)
    if not ok then return nil, why, code end
  end
  if rawget(query, "turned") then selection:turn() end
  return selection
end

-- The selection that answers, of a fresh reading unless there is a kept one, and
-- what is to be said of it: {total = rows before a limit, unknown = owners that are
-- unknown, by reason}; or nil, message, errno. `groups` are read as well; `readable`
-- sorts as people read, if nothing else was asked for.
function M.query(query, groups, readable)
  local selection, trouble, number = select_of(query)
  if not selection then return nil, trouble, number end
  local about, group = {total = #selection}, rawget(query, "group")
  if readable and not rawget(query, "order") then selection:sort() end
  local ok, message, errno = arrange(selection, query)
  -- what an answer without rows would show is not worth reading
  if ok then ok, message, errno = read_groups(selection, groups) end
  if ok then ok, message, errno = read_groups(selection, M.ahead(query)) end
  if not ok then return nil, message, errno end
  about.unknown = selection:unknown_owners()
  if group then
    ok, message, errno = make_groups(selection, group)
    if not ok then return nil, message, errno end
  end
  return selection, about
end

-- What `answer` makes of the selection. A reading that was taken for the answer
-- alone, and of which no row is handed out, ends with it.
function M.ask(query, groups, answer, readable)
  local selection, about, errno = M.query(query, groups, readable)
  if not selection then return nil, about, errno end
  local kept = rawget(query, "options").snapshot
  local _ <close> = not kept and selection:snapshot() or nil
  return answer(selection, about)
end

-- The selection, of which rows are handed out. Lua counts a reading as a few bytes,
-- whatever its size, so its collector is told what became of them.
function M.rows(query)
  local selection, message, errno = M.query(query)
  if not selection then return nil, message, errno end
  if not rawget(query, "options").snapshot then
    collectgarbage("step", 1 + #selection:snapshot() // 8)
  end
  return selection
end

-- What is handed out for the i-th row: itself, or what it stands for.
function M.result(query, selection, i)
  local row, group = selection:row(i), rawget(query, "group")
  if not row or not group then return row end
  local made = {count = group.how == "tally" and selection:tally_at(i) or nil}
  for _, name in ipairs(group.fields) do made[name] = row[name] end
  return made
end

return M
