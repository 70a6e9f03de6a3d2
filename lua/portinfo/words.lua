-- words.lua: the dot commands of the prompt.
--
-- A session, as they know it: {env, mode, timer, values = the last ones, write(text),
-- show(values), text_of(values, rows), keep(values), add_source(text) -> chunk name}.

local core = require "portinfo.core"
local escape = require "portinfo.escape"
local output = require "portinfo.output"
local predicate = require "portinfo.predicate"
local query = require "portinfo.query"
local render = require "portinfo.render"
local saved = require "portinfo.saved"
local schema = require "portinfo.schema"
local terminal = require "portinfo.terminal"

local M = {}

local overview = [[
Lua, with the module as pi; a value is shown, a query runs and prints a table.
  pi.listening()                 what listens, and who holds it
  pi.sockets "established :443"  words side by side, as for portinfo ls
  pi.who(8080)  =pi.page(22)     who has this local port, what a port is
_ __ _err: the last value, the one before, the last error.
Enter runs a chunk that is complete. Ctrl-C clears the line or stops what runs.
  .help [TOPIC]            this, or of a topic: fields, flags
  .fields  .apropos WORD   the fields of a row, those that have to do with it
  .mode [FORMAT]           how queries print: table line tsv csv json ndjson, or
                           a template such as {lport} {process}
  .timer on|off            the time of each chunk
  .last                    the last value again; a query is asked again
  .explain QUERY           what it asks of the kernel, and what it does not
  .save FILE [QUERY]       keeps a reading
  .open FILE               loads one, as the variable reading
  .diff A [B]              what changed between two, or since then
  .audit [RULES]           what is open and should not be
  .watch [SECONDS] QUERY   shows it again and again, until Ctrl-C
  .quit                    leave (as Ctrl-D)
A QUERY is Lua, or a filter as for portinfo ls.
]]

-- What a person gave wrongly, or the system refused: one line.
local function fail(format, ...) error(format:format(...), 0) end

-- The entries of help.lua, where it is.
local function manual()
  local ok, help = pcall(require, "portinfo.help")
  return ok and help or nil
end

-- ---- Arguments -------------------------------------------------------------------

-- The first word, which quotes may hold together, and the rest; nil if there is none.
local function first_word(text)
  local word, rest = text:match [[^(["'].-["'])%s*(.*)$]]
  if word and word:sub(1, 1) == word:sub(-1) then return word:sub(2, -2), rest end
  word, rest = text:match "^(%S+)%s*(.*)$"
  return word, rest
end

-- The name of a file; ~ is the home folder, as in a shell.
local function file_name(word)
  local home = os.getenv "HOME"
  return home and word:gsub("^~/", (home:gsub("%%", "%%%%")) .. "/") or word
end

-- The values of a text: Lua's, or a query if it is a filter. A word that stands for
-- nothing in Lua, such as listening, is one.
local function evaluate(session, text)
  local compiled, trouble = load("return " .. text, session.name, "t", session.env)
  local values, ok
  if compiled then
    values = table.pack(pcall(compiled))
    ok = values[1]
    trouble = values[2]
    if ok and values[2] ~= nil and type(values[2]) ~= "boolean" then
      return table.pack(table.unpack(values, 2, values.n))
    end
  end
  local built, mistake = predicate.build(text)
  if built then return {n = 1, query.new(built, {})} end
  if ok then return table.pack(table.unpack(values, 2, values.n)) end
  error(compiled and trouble or mistake, 0)
end

local function query_of(session, text, what)
  if text == "" then fail("name a query, as in %s pi.listening(), or %s listening", what, what) end
  local value = evaluate(session, text)[1]
  if type(value) == "string" then value = evaluate(session, value)[1] end
  if not query.is_query(value) then
    fail("%s takes a query or a filter, not a %s", what, type(value))
  end
  return value
end

local Snapshot = core.snapshot_class()

-- A reading by the name of a variable, or of a file.
local function reading_of(session, word)
  local value = rawget(session.env, word)
  if debug.getmetatable(value) == Snapshot then return value end
  local snapshot, message = saved.load(file_name(word))
  if not snapshot then fail("%s", message) end
  return snapshot
end

-- ---- The words ---------------------------------------------------------------------

local words = {}

function words.quit() return "quit" end

local function fields()
  local out = {}
  for _, field in ipairs(schema.fields) do
    out[#out + 1] = ("%-10s %-8s %s\n"):format(field.name, field.group,
      render.wrap(field.meaning, 58, 20))
  end
  return table.concat(out)
end

local topics = {
  fields = fields,
  flags = function() return render.wrap(table.concat(core.flags(), " "), 78, 0) .. "\n" end,
}

function words.fields(session) session.write(fields()) end

function words.help(session, topic)
  local help = manual()
  if help then
    local text, message = help.topic(topic, terminal.width())
    if not text then fail("%s", message) end
    return session.write(text)
  end
  if topic == "" then return session.write(overview) end
  if not topics[topic] then fail("no help on '%s': there are fields and flags", escape(topic)) end
  session.write(topics[topic]())
end

-- Without the manual: what the fields mean, and what the registry knows.
local function find_fields(word)
  local out = {}
  for _, field in ipairs(schema.fields) do
    if (field.name .. " " .. field.meaning):lower():find(word, 1, true) then
      out[#out + 1] = ("%-10s %s\n"):format(field.name, field.meaning)
    end
  end
  return out
end

function words.apropos(session, word)
  if word == "" then fail "name a word, as in .apropos queue" end
  local help, out = manual(), {}
  if help then
    for i, entry in ipairs(help.apropos(word)) do out[i] = help.line(entry, terminal.width()) end
  else
    out = find_fields(word:lower())
  end
  if #out == 0 then fail("nothing is said of '%s'", escape(word)) end
  session.write(table.concat(out))
end

function words.mode(session, mode)
  if mode ~= "" then
    local ok, message = output.check(mode)
    if not ok then fail("%s", message) end
    session.mode = mode
  end
  session.write(("queries print as %s\n"):format(escape(session.mode)))
end

function words.timer(session, state)
  if state ~= "" and state ~= "on" and state ~= "off" then
    fail("the timer is on or off, not '%s'", escape(state))
  end
  if state ~= "" then session.timer = state == "on" end
  session.write(("the timer is %s\n"):format(session.timer and "on" or "off"))
end

function words.last(session)
  if session.values then session.show(session.values) end
end

function words.explain(session, text)
  session.write(tostring(query_of(session, text, ".explain"):explain()))
end

function words.save(session, text)
  local name, rest = first_word(text)
  if not name then fail "name a file, as in .save now.ndjson" end
  local value = rest == "" and query.new(nil, {}) or evaluate(session, rest)[1]
  local snapshot, trouble = value, nil
  if query.is_query(value) then snapshot, trouble = value:snapshot() end
  if debug.getmetatable(snapshot) ~= Snapshot then
    fail("%s", trouble or (".save takes a query or a reading, not a %s"):format(type(value)))
  end
  local q, path = query.of(snapshot), file_name(name)
  local filter, why = saved.filter_of(q)
  if filter == false then fail("%s", why) end
  local selection, refused = saved.complete(q)
  if not selection then fail("%s", refused) end
  local ok, message = saved.save(selection, filter, path)
  if not ok then fail("cannot write %s", message) end
  local lines = render.blind_spots(selection)
  table.insert(lines, 1, ("saved %s to %s"):format(render.plural(#selection, "socket"),
                                                  escape(path)))
  session.write(table.concat(lines, "\n") .. "\n")
end

function words.open(session, text)
  local name = first_word(text)
  if not name then fail "name a file that .save or portinfo save wrote" end
  local snapshot, message = saved.load(file_name(name))
  if not snapshot then fail("%s", message) end
  session.env.reading = snapshot
  session.keep{n = 1, snapshot}
  session.write(("reading: %s, %s; ask it as in reading:listening()\n"):format(
    render.plural(#snapshot, "socket"), render.read_when(snapshot)))
end

-- What the reading was asked for, asked now.
local function now_of(q)
  local filter, why = saved.filter_of(q)
  if filter == false then fail("what it asks for cannot be asked again: %s", why) end
  return query.new(filter, {})
end

function words.diff(session, text)
  local a, rest = first_word(text)
  local b, more = first_word(rest or "")
  if not a or more and more ~= "" then
    fail ".diff takes a reading, to compare with now, or two: a file, or the name of a variable"
  end
  local one = query.of(reading_of(session, a))
  local other = b and query.of(reading_of(session, b)) or now_of(one)
  local found, selections = saved.compare(one, other)
  if not found then fail("%s", selections) end
  local shown = saved.diff_text(saved.diff_rows(found))
  local lines = saved.compare_remarks({escape(a), escape(b or "now")}, selections)
  if shown == "" then table.insert(lines, 1, "no difference") end
  if #lines > 0 then shown = ("%s(%s)\n"):format(shown, table.concat(lines, ")\n(")) end
  session.write(shown)
end

function words.audit(session, text)
  local names, name, rest = {}, first_word(text)
  while name do
    names[#names + 1] = file_name(name)
    name, rest = first_word(rest)
  end
  session.write(require "portinfo.verb_audit".text(names))
end

-- ---- Watching ----------------------------------------------------------------------

local function check_pause(text)
  local pause = tonumber(text)
  if not pause or not (pause >= 0.1 and pause <= 86400) then
    fail("every how many seconds: from 0.1 to 86400, not %s", escape(text))
  end
  return pause
end

-- The beginning of a text, as much as the screen has room for.
local function cut(text, room)
  local lines, at, last = 0, 1, 0
  while true do
    local newline = text:find("\n", at, true)
    if not newline then break end
    lines = lines + 1
    if lines == room - 1 then last = newline end
    at = newline + 1
  end
  if lines <= room then return text end
  return text:sub(1, last) .. ("... %s more\n"):format(render.plural(lines - room + 1, "line"))
end

-- One look: the screen is cleared where there is one.
local function look(session, text, pause)
  local height = terminal.is_terminal(1) and terminal.height()
  local shown = session.text_of(evaluate(session, text), height and height - 2)
  local dumb = (os.getenv "TERM" or "dumb") == "dumb"
  local clear = height and not dumb and "\27[H\27[2J" or ""
  if height then shown = cut(shown, math.max(height - 2, 2)) end
  io.stdout:write(clear, ("every %g s, at %s: %s\n"):format(pause, os.date "%T",
    escape(text)), shown)
  io.stdout:flush()
end

function words.watch(session, text)
  local number, expression = text:match "^(%-?[%d.]+)%s+(.+)$"
  local pause = number and check_pause(number) or 2
  expression = number and expression or text
  if expression == "" then fail "name what to watch, as in .watch 1 pi.listening()" end
  -- Ctrl-C ends this alone
  local ok, interrupted, err = terminal.call(function()
    repeat look(session, expression, pause) until not terminal.sleep(pause)
  end)
  if not ok and not interrupted then error(err, 0) end
  io.stdout:write(terminal.is_terminal(1) and "\n" or "")
end

-- ---- Running -----------------------------------------------------------------------

M.names = {}
for name in pairs(words) do M.names[#M.names + 1] = name end
table.sort(M.names)

-- Runs a command; "quit" ends the session. Raises what went wrong.
function M.run(session, text)
  local name, argument = text:match "^%s*%.(%w*)%s*(.-)%s*$"
  local word = words[name]
  if word then
    session.name = session.add_source(argument)
    return word(session, argument)
  end
  local near = core.nearest(name, M.names)
  fail("unknown command %s%s", escape(text:match "%S+"),
    near and ": did you mean ." .. near .. "?" or "; see .help")
end

return M
