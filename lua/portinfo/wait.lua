-- wait.lua: looks again and again until a filter holds.

local core = require "portinfo.core"
local render = require "portinfo.later" "render"
local run = require "portinfo.run"

local M = {}

-- Seconds between two looks: soon at first, seldom for what takes long. While the
-- filter has to hold on, what is away for a moment should be noticed.
local first_pause, longest_pause, watchful_pause = 0.01, 0.25, 0.05

-- Is there no row that the query could ever give?
function M.is_futile(q)
  local plan = core.plan(rawget(q, "predicate"))
  return #plan.dumps == 0
end

-- What a look says of the query, true, false, or nil and why it cannot be told.
local function verdict(selection, about, gone)
  if about.total > 0 then return not gone end
  if selection:undecided() > 0 then return nil, render.undecided(selection) end
  if render.misses_rows(selection) then
    return nil, render.blind_spots(selection)[1] or "the proc tables lack bound sockets"
  end
  return gone or false
end

-- Sleeps, but not beyond the end, nor beyond the moment that has to be reached.
local function nap(pause, deadline, goal)
  local now = core.clock()
  pause = math.min(pause, (deadline or math.huge) - now, (goal or math.huge) - now)
  core.sleep(math.max(pause, 0))
end

-- Reads what is to be shown of the rows that ended the waiting.
local function finish(selection, about, groups)
  if groups and #selection > 0 then
    local ok, message, errno = selection:snapshot():complete(groups)
    if not ok then return nil, "refused", message, errno end
  end
  about.unknown = selection:unknown_owners()
  return selection, about
end

-- Waits until the query gives a row (gone: gives none, for sure), and has done so at
-- every look for `hold` seconds: the last selection, and what run.query said of it. Or
-- nil and "timeout", when `timeout` seconds are over; "unknown" and why, when at the end
-- it could not be told; "refused", message, errno. Options: timeout, hold, gone; groups
-- and readable as for run.query; doubt(why), called at the first look that cannot tell.
function M.run(q, options)
  local start, hold = core.clock(), options.hold or 0
  local deadline = options.timeout and start + options.timeout
  local pause, since, doubt = first_pause, nil, options.doubt
  while true do
    local selection, about, errno = run.query(q, nil, options.readable)
    if not selection then return nil, "refused", about, errno end
    local now = core.clock()
    local holds, why = verdict(selection, about, options.gone)
    since = holds and (since or now) or nil
    if since and now - since >= hold then return finish(selection, about, options.groups) end
    selection:snapshot():close()
    if holds == nil and doubt then doubt = doubt(why) end
    if deadline and now >= deadline then
      return nil, holds == nil and "unknown" or "timeout", why
    end
    nap(since and math.min(pause, watchful_pause) or pause, deadline, since and since + hold)
    pause = math.min(pause * 1.5, longest_pause)
  end
end

return M
