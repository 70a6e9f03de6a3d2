-- output.lua: a value as the prompt prints it. Queries print as the mode says: a table,
-- a line for each field, a bulk format, or a template.

local chunk = require "portinfo.chunk"
local core = require "portinfo.core"
local escape = require "portinfo.escape"
local pointed = require "portinfo.pointed"
local query = require "portinfo.query"
local render = require "portinfo.render"
local run = require "portinfo.run"
local schema = require "portinfo.schema"

local M = {}

M.modes = {"table", "line", "tsv", "csv", "json", "ndjson"}

local is_mode = {}
for _, name in ipairs(M.modes) do is_mode[name] = true end

-- True if there is such a mode, or nil and what to say.
function M.check(mode)
  if is_mode[mode] then return true end
  if mode:find("{", 1, true) then
    local groups, message, first, length = core.template(mode)
    if groups then return true end
    return nil, pointed(mode, message, first, length)
  end
  local near = core.nearest(mode, M.modes)
  return nil, ("no mode '%s': %s"):format(escape(mode), near and "did you mean " .. near .. "?"
    or "there are " .. table.concat(M.modes, ", ") .. ", or a template with fields such as {lport}")
end

-- Bulk formats escape what their readers could not take; a terminal takes less.
local function safe(text)
  if not text:find "[^\n\t -~]" then return text end
  return (text:gsub("[^\n\t]+", escape))
end

-- What is to be said of the answer, as below a table.
local function remarks(selection, about)
  local lines = render.blind_spots(selection, about.unknown)
  if selection:undecided() > 0 then lines[#lines + 1] = render.undecided(selection) end
  lines[#lines + 1] = render.read_when(selection:snapshot())
  return #lines > 0 and "(" .. table.concat(lines, ")\n(") .. ")\n" or ""
end

local function query_text(q, mode)
  local template = mode:find("{", 1, true)
  local names = query.shown_fields(q)
  local groups = template and core.template(mode) or schema.groups_of(names)
  local selection, about = run.query(q, groups)
  if not selection then error(about, 0) end
  local kept = rawget(q, "options").snapshot
  local _ <close> = not kept and selection:snapshot() or nil -- read for this alone
  local text, message = selection:text(mode, not template and names or nil)
  if not text then error(message, 0) end
  return safe(text) .. remarks(selection, about)
end

-- The text of a value; options are those of query:text. A reading that is refused
-- raises without a place.
function M.text(value, mode, options)
  if mode == "line" or mode == "table" or not query.is_query(value) then
    options.format = mode == "line" and "line" or nil
    return chunk.show(value, options)
  end
  return query_text(value, mode)
end

return M
