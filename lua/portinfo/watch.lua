-- watch.lua: what becomes of the sockets that a query gives: reading after reading,
-- and what the kernel tells between them.
--
-- An event is a table {event =, time =} and beside it the fields of its row:
--   present   it was there at the first reading
--   appear    it is there, or satisfies the filter, and did or was not before
--   change    `changed` names the fields, and `before` is the row as it was
--   vanish    it is gone, or no longer satisfies the filter: the row as it was
--   brief     it came and went between two readings: the kernel told when it ended

local core = require "portinfo.core"
local duration = require "portinfo.duration"
local json = require "portinfo.json"
local misuse = require "portinfo.misuse"
local query = require "portinfo.query"
local render = require "portinfo.render"
local run = require "portinfo.run"
local saved = require "portinfo.saved"
local sight = require "portinfo.sight"

local M = {}

-- Milliseconds between two readings at least, whatever ends; and not more often than
-- that a reading takes a fifth of the time.
local least_gap, rest_for_work = 100, 4

-- So many readings in a row that tell less than the one before are not compared with it: what
-- they lack may still be there. Further ones are: then this is what there is to see.
local most_doubted = 5

-- A wait is cut into pieces, between which Lua can be interrupted.
local longest_wait = 1000

local marks = {present = " ", appear = "+", vanish = "-", change = "~", brief = "*"}
M.marks = marks

-- ---- Events ----------------------------------------------------------------------

local Event = {__name = "portinfo.event"}

function Event.__index(event, name)
  if name == "before" or name == "changed" then return nil end -- of changes alone
  return rawget(event, "row")[name]
end

function Event.__pairs(event)
  return coroutine.wrap(function()
    for name, value in next, event do
      if name ~= "row" then coroutine.yield(name, value) end
    end
    for name, value in pairs(rawget(event, "row")) do coroutine.yield(name, value) end
  end)
end

-- One line about an event, as `portinfo diff` prints it.
function Event.__tostring(event)
  local mark = marks[rawget(event, "event")]
  return ("%s %s"):format(mark, saved.describe(event.row, rawget(event, "before"),
    rawget(event, "changed")))
end

-- Where an event's row stands, for what is made of whole selections.
local function add_events(list, kind, time, rows, before, fields)
  for i = 1, rows and #rows or 0 do
    list[#list + 1] = {event = kind, time = time, rows = rows, at = i, before = before,
                       changed = fields and fields[i]}
  end
end

-- The event that a place stands for.
local function event_at(place)
  return setmetatable({
    event = place.event, time = place.time, row = place.rows:row(place.at),
    before = place.before and place.before:row(place.at), changed = place.changed,
  }, Event)
end

M.event_at = event_at

-- ---- Readings --------------------------------------------------------------------

local Watch = {}
Watch.__index = Watch

local function close_if_any(reading)
  if reading then reading:close() end
end

-- What of the sockets that ended between readings the query wants.
function Watch:read_ended(ended)
  if not ended then return nil end
  local selection, message, errno = run.query(query.asking(self.query, ended))
  if not selection then return nil, message, errno end
  self.told.brief = self.told.brief + #selection
  self.told.undecided = self.told.undecided + selection:undecided()
  return selection
end

-- Is a source short that told all to the reading before?
function Watch:doubts(short)
  if self.doubted == most_doubted then return false end
  for name in pairs(short) do
    if not self.short[name] then return true end
  end
  return false
end

-- Takes a reading that tells no less than the one before; false, if this one does; or nil,
-- message, errno.
function Watch:take()
  self.started = core.ticks()
  local last = self.last
  local snapshot, message, errno = run.take(self.query, self.groups,
    last and last.selection:snapshot())
  if not snapshot then return nil, message, errno end
  local short = sight.short_sources(snapshot:quality())
  if self:doubts(short) then
    self.doubted, self.told.doubted = self.doubted + 1, self.told.doubted + 1
    snapshot:close()
    self.cost = core.ticks() - self.started
    return false
  end
  self.doubted, self.short = 0, short
  if next(short) then self.told.short = self.told.short + 1 end
  return snapshot
end

-- Takes the next reading: {time, selection, places (of its events)}; false, if it cannot be
-- compared with the one before; or nil, message, errno. What that had is only needed for
-- events.
function Watch:read()
  local last = self.last
  local snapshot, message, errno = self:take()
  if not snapshot then return snapshot, message, errno end
  local selection, about, number = run.query(query.asking(self.query, snapshot), self.groups,
                                             self.readable)
  if not selection then return nil, about, number end
  local ended, why, code = self.watcher:meet(snapshot)
  if ended == nil then return nil, why, code end
  local reading = {
    time = snapshot:quality().taken, selection = selection, about = about, places = {},
    ended = ended, first = last == nil,
  }
  local ok, trouble, status = self:compare(last, reading)
  if not ok then return nil, trouble, status end
  self.last, self.cost = reading, core.ticks() - self.started
  self.told.readings = self.told.readings + 1
  return reading
end

function Watch:compare(last, reading)
  local places, time, now = reading.places, reading.time, reading.selection
  local brief, why, code = self:read_ended(reading.ended)
  if not brief and why then return nil, why, code end
  if not last then
    add_events(places, "present", time, now)
  else
    local found, message, errno = last.selection:diff(now)
    if not found then return nil, message, errno end
    add_events(places, "vanish", time, found.removed)
    add_events(places, "change", time, found.after, found.before, found.fields)
    add_events(places, "appear", time, found.added)
    self.told.changes = self.told.changes + #places
  end
  add_events(places, "brief", time, brief)
  return true
end

-- Releases what the last reading but one held; for who keeps no row of it.
function Watch:release(reading)
  close_if_any(reading and reading.ended)
  if reading and reading ~= self.last then reading.selection:snapshot():close() end
end

-- ---- How long --------------------------------------------------------------------

-- Is there nothing left that the query could give?
local function is_empty(reading)
  local quality = reading.selection:snapshot():quality()
  return #reading.selection == 0 and reading.selection:undecided() == 0
    and not sight.misses_namespaces(quality) and not next(sight.short_sources(quality))
end

-- Waits for the time of the next reading: true; false, when whoever reads our output
-- has left; or nil, message, errno.
function Watch:rest()
  local due = self.started + self.interval
  if self.settle and self.last and not (self.until_empty and not is_empty(self.last)) then
    due = math.min(due, self.quiet_since + self.settle)
  end
  local gap = math.min(self.interval, math.max(least_gap, rest_for_work * self.cost))
  while true do
    local now = core.ticks()
    if now >= due then return true end
    local wake, message, errno = self.watcher:wait(
      math.max(self.started + gap - now, 0), math.min(due - now, longest_wait), self.output)
    if not wake then return nil, message, errno end
    if wake == "left" then return false end
    if wake == "ended" then return true end
    if wake == "signal" and self.signal then self.signal() end
  end
end

-- Why this reading is the last, or nil. Cuts off events that are too many.
function Watch:ending(reading)
  local now, quiet = core.ticks(), reading.first and 0 or #reading.places
  if self.until_empty and not is_empty(reading) then quiet = 1 end
  if quiet > 0 or reading.first then self.quiet_since = now end
  if self.count and not reading.first then
    self.left = self.left - #reading.places
    if self.left <= 0 then
      for i = #reading.places, #reading.places + self.left + 1, -1 do
        reading.places[i] = nil
      end
      return "count"
    end
  end
  local long = not self.settle or now - self.quiet_since >= self.settle
  if self.until_empty then return is_empty(reading) and long and "empty" or nil end
  return self.settle and long and "settled" or nil
end

-- The next reading, after the time that is due: with `ending`, if it is the last. nil and
-- "left", when whoever reads our output has; or nil, message, errno.
function Watch:next()
  local reading, message, errno
  repeat
    if self.started then
      local ok, why, code = self:rest()
      if ok == false then return nil, "left" end
      if not ok then return nil, why, code end
    end
    reading, message, errno = self:read()
    if reading == nil then return nil, message, errno end
  until reading
  reading.ending = self:ending(reading)
  return reading
end

-- What has been told so far, and by whom: {readings, doubted, short, changes, brief,
-- undecided} counts,
-- and `hearing`: whether the kernel tells of ends, how many, and how many were lost.
function Watch:quality()
  local copy = {hearing = self.watcher:hearing()}
  for name, n in pairs(self.told) do copy[name] = n end
  return copy
end

function Watch:close() self.watcher:close() end

Watch.__close = Watch.close

-- ---- For callers -----------------------------------------------------------------

local function check_duration(options, name, default)
  local value = options[name]
  if value == nil then return default end
  local seconds, message = duration.parse(value)
  if not seconds then misuse("%s: %s", name, message) end
  local ms = math.ceil(seconds * 1000)
  if ms == 0 then misuse("%s: a time above 0, such as 500ms", name) end
  return ms
end

local known = {
  interval = true, count = true, until_empty = true, settle = true,
  text = "interval, count, until_empty and settle",
}

local function check_options(options)
  if options == nil then return {} end
  if type(options) ~= "table" then misuse("options are a table, not a %s", type(options)) end
  for name in pairs(options) do
    if not known[name] or name == "text" then
      misuse("unknown option '%s': there are %s", tostring(name), known.text)
    end
  end
  local count = options.count
  if count ~= nil and (math.type(count) ~= "integer" or count < 1) then
    misuse("count: how many events, as a whole number from 1")
  end
  return options
end

-- A watch of a query; or nil, message, errno. Options: `interval` (time between
-- readings, 1 s; times are seconds, or text such as "500ms"), `count` (ends after so many
-- events, present ones aside), `until_empty` (ends when there is no such socket, for
-- sure), `settle` (ends when there was no event for so long; with until_empty: when it
-- has been empty for so long). `asked`: groups to be read too (names), readable order,
-- output (a descriptor whose reader may leave), signal (called when one came).
function M.new(q, options, asked)
  options, asked = check_options(options), asked or {}
  local group = rawget(q, "group")
  if group then misuse("a watch is of sockets: query:watch goes without :%s", group.how) end
  if rawget(q, "options").snapshot then misuse("a reading that is kept does not change") end
  local groups = {"derived", "owner"}
  for _, name in ipairs(asked.groups or {}) do groups[#groups + 1] = name end
  local watcher, message, errno = run.watcher(q)
  if not watcher then return nil, message, errno end
  return setmetatable({
    query = q, watcher = watcher, groups = groups, readable = asked.readable,
    output = asked.output, signal = asked.signal,
    interval = check_duration(options, "interval", 1000),
    settle = check_duration(options, "settle"),
    until_empty = options.until_empty, count = options.count, left = options.count,
    cost = 0, quiet_since = core.ticks(), doubted = 0, short = {},
    told = {readings = 0, doubted = 0, short = 0, changes = 0, brief = 0, undecided = 0},
  }, Watch)
end

-- Iterates over the events of a query: for event in M.events(q) do ... end. The control
-- variable is the event; the watch ends with the loop.
function M.events(q, options)
  local groups = {}
  for name in pairs(rawget(q, "groups") or {}) do groups[#groups + 1] = name end
  local watch, message = M.new(q, options, {groups = groups})
  if not watch then misuse(message) end
  local reading, at, over = nil, 0, false
  local function step()
    while true do
      at = at + 1
      if reading and reading.places[at] then return event_at(reading.places[at]) end
      if over then return nil end
      local trouble
      reading, trouble = watch:next()
      if not reading then misuse(trouble) end
      at, over = 0, reading.ending ~= nil
      -- Lua counts a reading as a few bytes: its collector is told what became of it
      collectgarbage("step", 1 + #reading.selection // 8)
    end
  end
  return step, nil, nil, watch
end

-- ---- In words --------------------------------------------------------------------

-- What the kernel told between readings, or why it did not.
local function hearing_line(told)
  local heard = told.hearing
  if heard.error then
    return ("the kernel does not tell of sockets that end (%s): those that came and went "
      .. "between two readings are not counted"):format(heard.error)
  elseif not heard.heard then
    return "the kernel was not asked which sockets end: those that came and went between "
      .. "two readings are not counted"
  end
  return ("the kernel told of %s, of which %d no reading met"):format(
    render.plural(heard.told, "socket that ended", "sockets that ended"), told.brief)
end

-- What a watch saw, by whom, and what it may have missed: a list of lines.
function M.remarks(watch)
  local told, lines = watch:quality(), {}
  lines[1] = ("%s told of %s"):format(render.plural(told.readings, "reading"),
                                      render.plural(told.changes, "change"))
  if told.doubted > 0 then
    lines[#lines + 1] = ("%s less than the one before, and left out"):format(
      render.plural(told.doubted, "reading told", "readings told"))
  end
  if told.short > 0 then
    lines[#lines + 1] = ("%s not whole: what is there may have been taken for gone"):format(
      render.plural(told.short, "reading was", "readings were"))
  end
  lines[#lines + 1] = hearing_line(told)
  local missed = told.hearing.lost + told.hearing.unclear
  if missed > 0 then
    lines[#lines + 1] = ("%s lost, as they came too fast: sockets that came and went may "
      .. "not all be counted"):format(render.plural(missed, "notice was", "notices were"))
  end
  if told.undecided > 0 then
    lines[#lines + 1] = ("%s undecided, of which too little is known"):format(
      render.plural(told.undecided, "ended socket"))
  end
  return lines
end

-- Was there something that it could not see?
function M.is_partial(watch)
  local told = watch:quality()
  return not told.hearing.heard or told.hearing.lost + told.hearing.unclear > 0
    or told.short > 0
    or told.undecided > 0
end

-- ---- For programs ----------------------------------------------------------------

local form = {}

-- The former values of what changed.
local function was(event)
  local values = {}
  for _, name in ipairs(event.changed) do
    local value = event.before[name]
    if value ~= nil and value ~= false then values[name] = value end
  end
  return next(values) and json.encode(values) or "{}"
end

function form.ndjson(line, place)
  local members = ('{"v":1,"event":"%s","time":%d'):format(place.event, place.time)
  if place.changed then
    members = ('%s,"changed":%s,"was":%s'):format(members, json.encode(place.changed),
                                                  was(event_at(place)))
  end
  return members .. line:sub(#'{"v":1' + 1)
end

function form.tsv(line, place) return ("%s\t%d\t%s"):format(place.event, place.time, line) end

function form.csv(line, place) return ("%s,%d,%s"):format(place.event, place.time, line) end

-- The first line of tsv and csv, "" for ndjson.
function M.header(format, names)
  if format == "ndjson" then return "" end
  local comma = format == "tsv" and "\t" or ","
  return table.concat({"event", "time", table.unpack(names)}, comma) .. "\n"
end

-- The events of a reading as lines of ndjson, tsv or csv, with these fields; or nil,
-- message.
function M.lines(reading, format, names)
  local out, texts = {}, {}
  for i, place in ipairs(reading.places) do
    local lines = texts[place.rows]
    if not lines then
      local text, message = place.rows:text(format, names, {header = false})
      if not text then return nil, message end
      lines = saved.split(text)
      texts[place.rows] = lines
    end
    out[i] = form[format](lines[place.at], place)
  end
  return out
end

return M
