-- verb_watch.lua: watch, which tells what comes, goes and changes.

local board = require "portinfo.board"
local call = require "portinfo.call"
local core = require "portinfo.core"
local escape = require "portinfo.escape"
local list = require "portinfo.verb_ls"
local query = require "portinfo.query"
local render = require "portinfo.render"
local schema = require "portinfo.schema"
local screen = require "portinfo.screen"
local terminal = require "portinfo.terminal"
local watch = require "portinfo.watch"

local mistake, put, remark = call.mistake, call.put, call.remark
local is_partial = call.is_partial

local M = {}

-- What a watch shows of its readings: show(reading), over() when there are no more.
local view = {}

-- Lines for programs, each reading's as soon as it is there.
local function bulk_view(format, names)
  return function(_, options)
    if not options.bare then put(watch.header(format, names)) end
    return {over = function() end, show = function(reading)
      local lines, message = watch.lines(reading, format, names)
      if not lines then mistake("%s", message) end
      if #lines > 0 then put(table.concat(lines, "\n") .. "\n") end
    end}
  end
end

-- Lines for people, of whom none has a terminal.
function view.log()
  return {over = function() end, show = function(reading)
    local lines = {}
    for i, at in ipairs(reading.places) do
      lines[i] = ("%s %s\n"):format(os.date("%T", at.time), tostring(watch.event_at(at)))
    end
    put(table.concat(lines))
  end}
end

-- A screen of its own, painted anew; lines that are too long are cut there, not
-- wrapped. In the end the last state stays.
function view.board(q, options, words)
  local layout = query.layout(q, {ascii = screen.view(options).ascii})
  local painted = board.new(escape(table.concat(words, " ")), layout)
  local function paint()
    local lines = painted:lines(options.width or terminal.width() or 80,
                                terminal.height() or 24)
    put("\27[H" .. table.concat(lines, "\27[K\r\n") .. "\27[K\27[J")
  end
  put "\27[?1049h\27[?25l\27[?7l"
  return {
    show = function(reading)
      painted:note(reading)
      paint()
    end,
    signal = function() if painted.reading then paint() end end,
    over = function(last)
      put "\27[?7h\27[?25h\27[?1049l"
      if not last then return end
      local whole = query.layout(q, screen.view(options))
      whole.rows = nil
      put((render.table(last.selection, whole, last.about)))
      remark(options, {render.plural(#last.selection, "socket")})
    end,
  }
end

local function view_of(options, names)
  local format = call.output_format(options, "ndjson")
  if format == "ndjson" or format == "tsv" or format == "csv" then
    return bulk_view(format, names), names
  elseif format ~= "table" then
    mistake("a watch comes as a table, ndjson, tsv or csv, not %s", format)
  end
  local dumb = os.getenv "TERM" == nil or os.getenv "TERM" == "dumb"
  return terminal.is_terminal(1) and not dumb and view.board or view.log
end

local function run_watch(watched, shown)
  local former, reading, message
  repeat
    former = reading
    reading, message = watched:next()
    if message == "left" then return end
    if not reading then mistake("%s", message) end
    shown.show(reading)
    -- a board shows what is gone, and its rows live as long as they are shown
    if shown.signal then
      collectgarbage("step", 1 + #reading.selection // 8)
    else
      watched:release(former)
    end
  until reading.ending
end

-- What was seen and by whom, and what was not.
local function watch_remarks(watched, options)
  local lines, last = watch.remarks(watched), watched.last
  if last then
    for _, line in ipairs(render.blind_spots(last.selection)) do lines[#lines + 1] = line end
    if last.selection:undecided() > 0 then
      lines[#lines + 1] = render.undecided(last.selection)
    end
  end
  remark(options, lines)
  local partial = watch.is_partial(watched) or last and is_partial(last.selection, {})
  return options.strict and partial and 3 or 0
end

function M.watch(words, options)
  if options.from then mistake "--from is for ls and pages: a saved reading does not change" end
  for _, name in ipairs{"tally", "distinct", "undecided", "limit"} do
    if options[name] then mistake("--%s is for ls: a watch is of all sockets of a filter", name) end
  end
  local q = list.query(words, options)
  if #core.plan(rawget(q, "predicate")).dumps == 0 then
    mistake("no socket can ever satisfy '%s': see portinfo explain", table.concat(words, " "))
  end
  local make, names = view_of(options, options.columns or schema.usual_names)
  local groups = names and schema.groups_of(names) or query.shown_groups(q)
  local watched, message = watch.new(q, {
    interval = options.interval, count = options.count, until_empty = options.until_empty,
    settle = options.settle,
  }, {groups = groups, readable = not names, output = 1})
  if not watched then mistake("%s", message) end
  terminal.heed()
  local shown = make(q, options, words)
  watched.signal = shown.signal
  local ok, interrupted, trouble = terminal.call(run_watch, watched, shown)
  shown.over(watched.last)
  if not ok and not interrupted then error(trouble, 0) end
  local status = watch_remarks(watched, options)
  return interrupted and 130 or status
end

return M
