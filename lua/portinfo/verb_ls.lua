-- verb_ls.lua: ls, which lists sockets, and explain, which tells the plan of it.

local call = require "portinfo.call"
local core = require "portinfo.core"
local later = require "portinfo.later"

local json, pager, predicate = later "json", later "pager", later "predicate"
local query, render, schema = later "query", later "render", later "schema"
local run = later "run"
local screen, sight = later "screen", later "sight"
local mistake, write, remark = call.mistake, call.write, call.remark
local check_written, is_partial = call.check_written, call.is_partial

local M = {}

-- The query that words and options ask.
function M.query(words, options)
  local filter, message = predicate.build(table.concat(words, " "))
  if not filter then call.shown_mistake(message) end
  if options.tally and options.distinct then
    mistake "--tally shows what --distinct would, and how often: take one of them"
  end
  local q = query.new(filter, call.source_of(options))
  if options.undecided then q = q:undecided() end
  local group = options.tally or options.distinct
  if group and options.columns then
    mistake "--columns is for sockets: a tally has the fields that it counts by"
  end
  if options.columns then q = q:select(options.columns) end
  if options.tally then q = q:tally(options.tally) end
  if options.distinct then q = q:distinct(options.distinct) end
  if options.sort then q = q:sort(options.sort) end
  return options.limit and q:limit(options.limit) or q
end

local function ls_status(selection, about, options)
  if options.undecided then return #selection > 0 and 0 or 1 end
  if options.strict and is_partial(selection, about) then return 3 end
  if #selection > 0 or about.total > 0 then return 0 end
  return (selection:undecided() > 0 or sight.misses_rows(selection)) and 3 or 1
end

local function ls_table(selection, about, layout, options)
  layout.header = not options.bare
  local text, footer = render.table(selection, layout, about)
  write(text)
  if not options.quiet then io.stderr:write(footer) end
end

-- Streams: a reader that left ends it.
local function ls_lines(selection, layout)
  local ok, message, errno = true, nil, nil
  render.records(selection, layout, function(text)
    if ok then ok, message, errno = io.stdout:write(text) end
  end)
  if ok then ok, message, errno = io.stdout:flush() end
  check_written(ok, message, errno)
end

-- What could not be seen, for those who asked for what was; and how much was left out.
local function ls_remarks(selection, about, options)
  local lines = sight.blind_spots(selection, about.unknown)
  if selection:undecided() > 0 and not options.undecided then
    lines[#lines + 1] = sight.undecided(selection)
  end
  lines[#lines + 1] = sight.read_when(selection:snapshot())
  remark(options, lines)
end

-- Lists what `ask` makes of the query; its status, if there is no selection.
function M.show_rows(q, options, ask)
  local format = call.output_format(options, "tsv")
  local template = format:find("{", 1, true) ~= nil
  if options.nul and format ~= "tsv" and format ~= "ndjson" and not template then
    mistake("-0 goes with tsv, ndjson and templates, not %s", format)
  end
  local layout = query.layout(q, screen.view(options))
  layout.more = "--limit or a pager shows more"
  if pager.wanted() then layout.rows = nil end
  local names = layout.fields or schema.usual_names
  local groups = template and core.template(format)
    or format == "table" and query.shown_groups(q) or schema.groups_of(names)
  local readable = (format == "table" or format == "line") and not layout.what
  local selection, about = ask(q, groups, readable)
  if not selection then return about end
  if format == "table" then
    ls_table(selection, about, layout, options)
    return ls_status(selection, about, options)
  end
  if format == "line" then
    ls_lines(selection, layout)
  else
    check_written(selection:write(io.stdout, format, names,
      {header = not options.bare, nul = options.nul}))
  end
  ls_remarks(selection, about, options)
  return ls_status(selection, about, options)
end

function M.ls(words, options)
  return M.show_rows(M.query(words, options), options, function(...)
    local selection, about = run.query(...)
    if not selection then mistake("%s", about) end
    return selection, about
  end)
end

-- The plan of ls with these words and options.
function M.explain(words, options)
  if options.format and options.format ~= "table" and options.format ~= "json" then
    mistake("a plan comes as text or --format json, not %s", options.format)
  end
  if options.from then mistake "--from is for ls and pages: a plan is of asking the kernel" end
  local plan, message = M.query(words, options):explain{run = options.run}
  if not plan then mistake("%s", message) end
  if options.format ~= "json" then
    write(tostring(plan))
    return 0
  end
  plan.v = 1
  write(json.encode(setmetatable(plan, nil)) .. "\n")
  return 0
end

return M
