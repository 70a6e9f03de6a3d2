-- verb_save.lua: save, which keeps a reading, and diff, which compares two.

local call = require "portinfo.call"
local origin = require "portinfo.origin"
local predicate = require "portinfo.predicate"
local query = require "portinfo.query"
local render = require "portinfo.render"
local saved = require "portinfo.saved"
local schema = require "portinfo.schema"

local mistake, write, remark = call.mistake, call.write, call.remark
local is_partial, load_reading = call.is_partial, call.load_reading

local M = {}

-- A filter's query of the kernel, for what is kept or compared.
local function query_now(text, options)
  local filter, message = predicate.build(text)
  if not filter then call.shown_mistake(message) end
  return query.new(filter, origin(options))
end

local function complete(q)
  local selection, message = saved.complete(q)
  if not selection then mistake("%s", message) end
  return selection
end

function M.save(words, options)
  if options.from then mistake "--from is for ls and pages: a saved reading is kept already" end
  if options.format or options.columns then
    mistake "a reading is saved whole, in a format of its own: --format and --columns are for ls"
  end
  local name = words[1]
  if not name then mistake "name a file, as in portinfo save now.ndjson" end
  local q = query_now(table.concat(words, " ", 2), options)
  local selection, filter = complete(q), saved.filter_of(q)
  local ok, message, errno
  if name == "-" then
    ok, message, errno = saved.write(selection, filter, io.stdout, "standard output")
  else
    ok, message, errno = saved.save(selection, filter, name)
  end
  if not ok and errno ~= 32 then mistake("cannot write %s", message) end
  local lines = render.blind_spots(selection)
  if selection:undecided() > 0 then lines[#lines + 1] = render.undecided(selection) end
  table.insert(lines, 1, ("saved %s"):format(render.plural(#selection, "socket")))
  remark(options, lines)
  return options.strict and is_partial(selection, {}) and 3 or 0
end

local function write_diff(found, options)
  local format = call.output_format(options, "tsv")
  if format == "table" and options.columns then
    if options.format then mistake "--columns goes with --format tsv, csv, json or ndjson" end
    format = "tsv"
  end
  if format == "line" or not require "portinfo.options".words["--format"][format] then
    mistake("what changed comes as a table, tsv, csv, json or ndjson, not %s", format)
  end
  if format == "table" then return write(saved.diff_text(saved.diff_rows(found))) end
  local text, message = saved.diff_bulk(found, format, options.columns or schema.usual_names,
                                        not options.bare)
  if not text then mistake("%s", message) end
  write(text)
end

function M.diff(words, options)
  if options.from then mistake "--from is for ls and pages: diff takes the files as words" end
  if #words == 0 or #words > 2 then
    mistake "diff takes one saved reading, to compare with now, or two"
  end
  if #words == 2 and (options.backend or options.proc or options.netns) then
    mistake("--backend, --netns and --proc are for asking the kernel: "
      .. "two files are read as they are")
  end
  if #words == 2 and words[1] == "-" and words[2] == "-" then
    mistake "standard input holds one reading, not two"
  end
  local one = load_reading(words[1])
  local found, selections = saved.compare(query.new(nil, {snapshot = one}), words[2]
    and query.new(nil, {snapshot = load_reading(words[2])})
    or query_now(one:filter(), options), options.key)
  if not found then mistake("%s", selections) end
  write_diff(found, options)
  remark(options, saved.compare_remarks({words[1], words[2] or "now"}, selections))
  local partial = is_partial(selections[1], {}) or is_partial(selections[2], {})
  if options.strict and partial then return 3 end
  local same = #found.added == 0 and #found.removed == 0 and #found.after == 0
  return same and 0 or 1
end

return M
