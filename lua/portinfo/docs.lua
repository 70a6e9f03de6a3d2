-- docs.lua: what is said of everything that a person can call or type: data alone,
-- which the prompt shows (help.lua) and editors read (meta.lua).
--
-- An entry has a `name` and a `summary` of one line, and as it needs them:
--   takes     parameters, {name, type, meaning} each; a ? behind what may be left out
--   gives     what it returns, by type; `second`: another value behind it
--   refuses   where the system refuses: nil, message, errno
--   text      more to say
--   example   Lua that compiles and runs; of a dot command, a line for the prompt

local spec = {"spec?", "portinfo.spec", "what must hold: text, table, predicate or function"}
local options = {"options?", "portinfo.options", "which source to read"}
local fields = {"fields?", "portinfo.field[]", "those to show; default: selected ones, or all"}
local names = {"...", "portinfo.field|portinfo.field[]", "names, or a list of them"}
local who = {"port", "integer|string|portinfo.range|(integer|string)[]",
             "a port, a service, a range, or a list"}

local M = {}

-- ---- pi --------------------------------------------------------------------------

M.functions = {
  {
    name = "sockets", takes = {spec, options}, gives = "portinfo.query",
    summary = "a query for the sockets of which a filter holds",
    text = "Without a filter, for all. Nothing is read before a result is asked for. A "
      .. "table is {field = value}, with a value, a list, a range, or true and false for "
      .. "the field alone; list entries are filters of any spelling; all must hold.",
    example = [[pi.sockets{"established", rport = {80, 443}, raddr = "10.0.0.0/8"}:print()]],
  }, {
    name = "listening", takes = {spec, options}, gives = "portinfo.query",
    summary = "a query for what listens, TCP and UDP",
    example = [[for row in pi.listening():each() do print(row.lport, row.process) end]],
  }, {
    name = "who", takes = {who, options}, gives = "portinfo.query",
    summary = "a query for the sockets with this local port",
    example = [[print(pi.who("ssh"):any())]],
  }, {
    name = "snapshot", takes = {spec, options}, gives = "portinfo.reading", refuses = true,
    summary = "a reading that is kept, to be asked more than once",
    text = "It answers for what it was asked for. Rows end with it: keep it as long as "
      .. "them, and close it by <close>, by :close() or by leaving it to the collector.",
    example = [[
local snap <close> = assert(pi.snapshot())
print(#snap, snap:listening():count())]],
  }, {
    name = "load", takes = {{"path", "string", "a file that was saved"}},
    gives = "portinfo.reading", refuses = true,
    summary = "a reading from a file, of this machine or another",
    text = "It answers every filter as it would have then. A field that was not saved "
      .. "raises where it is read.",
    example = [[
local snap = pi.load "now.ndjson"
if snap then print(snap:listening():count()) end]],
  }, {
    name = "diff",
    takes = {{"one", "portinfo.reading|string", "a reading, or the name of a saved one"},
             {"other?", "portinfo.reading|string", "a later one; nothing: now"},
             {"options?", "portinfo.diff_options", "key: what makes sockets the same"}},
    gives = "portinfo.diff", refuses = true,
    summary = "what became of the sockets of one reading in another, or until now",
    text = "As reading:diff; now is asked with the filter of the first.",
    example = [[
local before <close> = assert(pi.snapshot "listening")
print(pi.diff(before))]],
  }, {
    name = "wait", takes = {spec, {"options?", "portinfo.wait_options", "how long, and for what"}},
    gives = "portinfo.row[]|false", refuses = true,
    summary = "waits until there are such sockets, and gives a list of them",
    text = "false: the timeout came first. nil and why: it could not be told.",
    example = [[
local rows = pi.wait("listening :ssh", {timeout = "10ms"})
print(rows and #rows)]],
  }, {
    name = "watch",
    takes = {spec, {"options?", "portinfo.watch_options",
             "interval, count, until_empty, settle, backend, proc, netns"}},
    gives = "fun(): portinfo.event?",
    summary = "iterates over what becomes of sockets: present, appear, vanish, change, brief",
    example = [[for event in pi.watch("listening", {settle = 0.1}) do print(event) end]],
  }, {
    name = "free", takes = {{"options?", "portinfo.free_options", "which ports, and how many"}},
    gives = "integer[]", second = "string[]", refuses = true,
    summary = "ports that can be bound now, and remarks on them",
    text = "Each was bound for a moment, to prove it.",
    example = [[print(pi.free{port = pi.range(20000, 29999)}[1])]],
  }, {
    name = "why",
    takes = {{"port", "integer", "from 1 to 65535"},
             {"options?", "portinfo.place_options", "where it is to be bound"}},
    gives = "portinfo.reasons", refuses = true,
    summary = "why a port cannot be bound, or that it can",
    example = [[print(pi.why(22).verdict)]],
  }, {
    name = "audit",
    takes = {{"rules?", "portinfo.rule|portinfo.rule[]|string|string[]",
              "rules, or names of files of such; nothing: those that are built in"},
             {"options?", "portinfo.audit_options", "what fails it, and what is known"}},
    gives = "portinfo.report", refuses = true,
    summary = "judges what is open by rules: a report, verdict by verdict",
    text = "Rules are judged in this process, which watches their time between two "
      .. "instructions of Lua alone; the command has a process of its own for them. See "
      .. "portinfo-audit(7).",
    example = [[
print(pi.audit{
  id = "no-telnet", severity = "error", must_not_listen = "tcp :23",
  help = "Use ssh.",
})]],
  }, {
    name = "port",
    takes = {{"number", "integer", "from 0 to 65535"},
             {"transport?", "portinfo.transport", "of this one alone"}},
    gives = "portinfo.port_facts", summary = "what is known of a port, without a look at sockets",
    example = [[print(pi.port(443, "tcp").names[1].description)]],
  }, {
    name = "service", takes = {{"name", "string", "case is ignored"}},
    gives = "portinfo.service_facts?",
    summary = "records and uses of a service name; nil if nobody knows it",
    example = [[print(pi.service("ssh").records[1].first)]],
  }, {
    name = "search",
    takes = {{"word", "string", "of a name, a description, a software"},
             {"most?", "integer", "how many at most (1000)"}},
    gives = "portinfo.hit[]", summary = "records and uses that a word finds, best first",
    example = [[
for _, hit in ipairs(pi.search("redis", 5)) do
  print(hit.kind, hit.match, hit.first, hit.name or hit.software)
end]],
  }, {
    name = "range",
    takes = {{"first", "integer|portinfo.range_name", "the first number, or the name of a range"},
             {"last?", "integer", "the last number"}},
    gives = "portinfo.range?", second = "string?",
    summary = "numbers from first to last; or a range by name",
    text = "Names: system (0-1023), user (1024-49151), dynamic (49152-65535), and this "
      .. "host's ephemeral and privileged, which are nil and a message where it does not tell.",
    example = [[
print(pi.range("user"))
print(pi.sockets{lport = {80, pi.range(8000, 8100)}}:count())]],
  }, {
    name = "page",
    takes = {{"number", "integer", "from 0 to 65535"},
             {"options?", "portinfo.page_options", "transport, width, backend, proc, netns"}},
    gives = "string", summary = "the page of a port, as the command prints it",
    example = [[io.write(pi.page(22, {width = 72}))]],
  }, {
    name = "p", takes = {spec}, gives = "portinfo.predicate",
    summary = "a predicate: a filter as a value, to be combined with & | ~",
    example = [[
local mine = pi.p "listening" & ~pi.p{process = "sshd"}
print(pi.sockets(mine):count())]],
  },
}

-- ---- Queries ---------------------------------------------------------------------

M.query = {
  {
    name = "where", takes = {spec}, gives = "portinfo.query",
    summary = "narrows: rows for which this holds as well",
    text = "A function gets a row and is asked last; it returns true, false, or nil for "
      .. "unknown (returning nothing is no).",
    example = [[pi.sockets "established":where(function(s) return s.rxq > 0 end):print()]],
  }, {
    name = "reject", takes = {spec}, gives = "portinfo.query",
    summary = "narrows: rows for which this does not hold",
    example = [[pi.listening():reject{process = {"sshd", "systemd*"}}:print()]],
  }, {
    name = "undecided", takes = {}, gives = "portinfo.query",
    summary = "turns: the rows that the filter cannot decide, for want of sight",
    example = [[pi.sockets{process = "sshd"}:undecided():print()]],
  }, {
    name = "select", takes = {names}, gives = "portinfo.query",
    summary = "the fields that tables and bulk formats show",
    example = [[pi.listening():select("lport", "process", "user"):print()]],
  }, {
    name = "with",
    takes = {{"...", "portinfo.group|portinfo.field|string[]", "groups or fields"}},
    gives = "portinfo.query", summary = "asks ahead: groups or fields are read with the rows",
    example = [[local rows = pi.listening():with("process"):all()]],
  }, {
    name = "sort",
    takes = {{"...", "string|string[]", "fields, with a - before what is to go downwards"}},
    gives = "portinfo.query", summary = "sorts; what is empty or unknown comes last",
    text = "Of several calls the last counts. Behind a tally there is also \"count\".",
    example = [[pi.sockets():sort("-rxq", "lport"):limit(10):print()]],
  }, {
    name = "limit", takes = {{"n", "integer", "how many, from 0"}}, gives = "portinfo.query",
    summary = "keeps the first n",
    example = [[pi.sockets():sort "-txq":limit(5):print()]],
  }, {
    name = "tally", takes = {names}, gives = "portinfo.query",
    summary = "counts rows by the values of fields, the most frequent first",
    text = "Results are tables {count =, FIELD =}. Of a field with several values the "
      .. "first counts.",
    example = [[pi.sockets():tally("proto", "state"):print()]],
  }, {
    name = "distinct", takes = {names}, gives = "portinfo.query",
    summary = "the different values of fields: results are tables {FIELD =}",
    example = [[
for _, seen in ipairs(pi.listening():distinct("process"):all()) do
  print(seen.process)
end]],
  }, {
    name = "each", takes = {}, gives = "fun(): portinfo.row",
    summary = "iterates over the rows",
    text = "The reading that was taken for it ends with the loop, however that is left, "
      .. "and its rows end with it. A refusal raises.",
    example = [[for row in pi.sockets("established"):each() do print(row.raddr, row.rport) end]],
  }, {
    name = "all", takes = {}, gives = "portinfo.row[]", refuses = true,
    summary = "a list of all rows",
    example = [[local rows = assert(pi.listening():all())]],
  }, {
    name = "first", takes = {}, gives = "portinfo.row", refuses = true,
    summary = "the first row, or nil",
    example = [[
local row = pi.who(8080):first()
print(row and row.process)]],
  }, {
    name = "count", takes = {}, gives = "integer", second = "integer", refuses = true,
    summary = "how many rows, and how many that could not be decided",
    example = [[local n, undecided = pi.sockets{process = "nginx*"}:count()]],
  }, {
    name = "any", takes = {}, gives = "boolean?", second = "string?",
    summary = "is there a row? true, false, or nil and why that cannot be told",
    example = [[if pi.who(80):any() == false then print "free" end]],
  }, {
    name = "print", takes = {{"options?", "portinfo.shape", "width: columns of the screen"}},
    gives = "true", refuses = true, summary = "prints the table for people",
    example = [[pi.listening():print{width = 120}]],
  }, {
    name = "text", takes = {{"options?", "portinfo.shape", "width: columns of the screen (80)"}},
    gives = "string", refuses = true, summary = "the table for people, as a string",
    example = [[local shown = pi.listening():text{width = 100}]],
  }, {
    name = "json", takes = {fields}, gives = "string", refuses = true,
    summary = "the rows as one JSON array",
    example = [[io.write(pi.listening():json{"lport", "process"})]],
  }, {
    name = "ndjson", takes = {fields}, gives = "string", refuses = true,
    summary = "the rows as JSON objects, one a line",
    example = [[io.write(pi.sockets():ndjson())]],
  }, {
    name = "tsv", takes = {fields}, gives = "string", refuses = true,
    summary = "the rows separated by tabs, under a line of names",
    example = [[io.write(pi.sockets():tsv{"proto", "lport", "pid"})]],
  }, {
    name = "csv", takes = {fields}, gives = "string", refuses = true,
    summary = "the rows separated by commas, under a line of names",
    example = [[io.write(pi.sockets():csv{"proto", "lport", "pid"})]],
  }, {
    name = "format",
    takes = {{"template", "string", "text with {field}s; {{ and }} are braces"}},
    gives = "string", refuses = true, summary = "a line for each row, by a template",
    example = [[io.write(pi.listening():format "{lport}\t{process}")]],
  }, {
    name = "write",
    takes = {{"file", "file*", "open for writing; stays open"},
             {"format", "portinfo.format|string", "or a template"}, fields},
    gives = "true", refuses = true, summary = "streams the rows to a file",
    example = [[assert(pi.sockets():write(io.stdout, "tsv", {"lport", "state"}))]],
  }, {
    name = "snapshot", takes = {}, gives = "portinfo.reading", refuses = true,
    summary = "the reading of the query, kept",
    example = [[local snap <close> = assert(pi.sockets("tcp"):snapshot())]],
  }, {
    name = "explain",
    takes = {{"options?", "portinfo.explain_options", "run: also run it, and tell the times"}},
    gives = "portinfo.plan", refuses = true,
    summary = "the plan: what is asked of the kernel, and what is tested here",
    example = [[print(pi.sockets("established :443"):explain{run = true})]],
  }, {
    name = "watch",
    takes = {{"options?", "portinfo.watch_options", "interval, count, until_empty, settle"}},
    gives = "fun(): portinfo.event?", summary = "iterates over what becomes of its sockets",
    example = [[for event in pi.listening():watch{settle = 0.1} do print(event) end]],
  },
}

-- ---- Readings --------------------------------------------------------------------

-- A reading also has every method of a query but snapshot, as of all its rows.
M.reading = {
  {
    name = "sockets", takes = {spec}, gives = "portinfo.query",
    summary = "a query of this reading",
    example = [[
local snap <close> = assert(pi.snapshot())
print(snap:sockets{state = "established"}:count())]],
  }, {
    name = "listening", takes = {spec}, gives = "portinfo.query",
    summary = "a query of this reading for what listens",
    example = [[
local snap <close> = assert(pi.snapshot())
snap:listening():print()]],
  }, {
    name = "who", takes = {who}, gives = "portinfo.query",
    summary = "a query of this reading for a local port",
    example = [[
local snap <close> = assert(pi.snapshot())
print(snap:who(22):any())]],
  }, {
    name = "save", takes = {{"path", "string", "is made, or replaced whole"}}, gives = "true",
    refuses = true, summary = "keeps it in a file, with all that can be known of it",
    example = [[
local snap <close> = assert(pi.snapshot())
assert(snap:save "now.ndjson")]],
  }, {
    name = "diff",
    takes = {{"other", "portinfo.reading", "a later one"},
             {"options?", "portinfo.diff_options", "what makes two rows the same socket"}},
    gives = "portinfo.diff", refuses = true,
    summary = "what became of its sockets in another: {added, removed, changed}",
    text = "Compared are state, addresses, ports, role, owner, and pids and names of all "
      .. "holders; what is unknown on either side is no difference.",
    example = [[
local before <close> = assert(pi.snapshot())
local after <close> = assert(pi.snapshot())
print(before:diff(after))]],
  }, {
    name = "quality", takes = {}, gives = "portinfo.quality",
    summary = "how well it was seen: sources, what was unknown and why, times",
    example = [[
local snap <close> = assert(pi.snapshot())
for _, s in ipairs(snap:quality().sources) do print(s.proto, s.family, s.backend) end]],
  }, {
    name = "host", takes = {}, gives = "portinfo.host",
    summary = "what its host does with ports: client range, reserved, privileged",
    example = [[
local snap <close> = assert(pi.snapshot())
print(snap:host().ephemeral_first, snap:host().ephemeral_last)]],
  }, {
    name = "namespaces", takes = {}, gives = "portinfo.namespace[]",
    summary = "the network namespaces that it was asked for, and which stayed closed",
    example = [[
local snap <close> = assert(pi.snapshot(nil, {netns = "all"}))
for _, space in ipairs(snap:namespaces()) do print(space.netns, space.name, space.closed) end]],
  }, {
    name = "complete",
    takes = {{"groups", "portinfo.group[]", "those that are not there yet are read"}},
    gives = "true", refuses = true, summary = "reads groups of fields, each once",
    example = [[
local snap <close> = assert(pi.snapshot())
assert(snap:complete{"owner"})]],
  }, {
    name = "loaded", takes = {}, gives = "boolean", summary = "is it from a file?",
    example = [[
local snap <close> = assert(pi.snapshot())
print(snap:loaded())]],
  }, {
    name = "filter", takes = {}, gives = "string?",
    summary = "what a loaded reading was asked for; nil for everything",
    example = [[
local snap <close> = assert(pi.snapshot())
print(snap:filter())]],
  }, {
    name = "close", takes = {}, gives = nil,
    summary = "ends it; its rows and queries raise from then on",
    example = [[
local snap = assert(pi.snapshot())
snap:close()]],
  }, {
    name = "closed", takes = {}, gives = "boolean", summary = "has it ended?",
    example = [[
local snap = assert(pi.snapshot())
print(snap:closed())
snap:close()]],
  },
}

M.predicate = {
  {
    name = "test", takes = {{"row", "portinfo.row", "of any reading"}}, gives = "boolean?",
    summary = "does it hold of a row? nil: that cannot be told",
    example = [[
local exposed = pi.p "exposed"
for row in pi.sockets():each() do print(exposed:test(row)) end]],
  }, {
    name = "text", takes = {}, gives = "string", refuses = true,
    summary = "the filter in its own language; nil where that has no words for it",
    example = [[print(pi.p({lport = {80, 443}}):text())]],
  }, {
    name = "groups", takes = {}, gives = "portinfo.group[]",
    summary = "the groups of fields that it tests",
    example = [[for _, group in ipairs(pi.p("exposed"):groups()) do print(group) end]],
  },
}

-- What is no method: {title, name, summary, text, example}.
M.operators = {
  {
    title = "row.FIELD", name = "row", summary = "the value of a field of a socket",
    text = "nil: it is unknown; false: it is known to be empty, or no. A field whose group "
      .. "was not read is read then, once for the whole reading. Rows end with their "
      .. "reading; they cannot be changed.",
    example = [[
local row = pi.listening():first()
print(row and row.lport, row and row.process)]],
  }, {
    title = "pairs(row)", name = "pairs",
    summary = "the names and values of the fields that were read",
    example = [[
for row in pi.listening():each() do
  for name, value in pairs(row) do print(name, value) end
end]],
  }, {
    title = "tostring(row)", name = "tostring", summary = "a socket in one line, for people",
    example = [[for row in pi.sockets "established":each() do print(row) end]],
  }, {
    title = "row == row", name = "==", summary = "the same socket of the same reading",
    example = [[
local snap <close> = assert(pi.snapshot())
print(snap:first() == snap:first())]],
  }, {
    title = "#reading", name = "#",
    summary = "how many sockets were read, maybe more than it answers for",
    example = [[
local snap <close> = assert(pi.snapshot())
print(#snap)]],
  }, {
    title = "a & b, a | b, ~a", name = "&",
    summary = "predicates: both hold, either holds, it does not hold",
    example = [[print((pi.p "tcp" & ~pi.p "risky"):text())]],
  },
}

-- ---- The prompt ------------------------------------------------------------------

M.commands = {
  {
    name = "help", takes = "[TOPIC]",
    summary = "explains a function, a field, a flag or a command", example = ".help query:where",
  }, {
    name = "fields", takes = "", summary = "the fields of a row, and what they mean",
    example = ".fields",
  }, {
    name = "apropos", takes = "WORD", summary = "everything whose description has this word",
    example = ".apropos owner",
  }, {
    name = "mode", takes = "[FORMAT]",
    summary = "how queries are shown: table, line, tsv, csv, json, ndjson or a template",
    example = ".mode {lport} {process}",
  }, {
    name = "timer", takes = "[on|off]", summary = "tells the time that each chunk takes",
    example = ".timer on",
  }, {
    name = "last", takes = "",
    summary = "shows the last value again; a query is asked again", example = ".last",
  }, {
    name = "explain", takes = "QUERY", summary = "the plan of a query",
    example = ".explain established :443",
  }, {
    name = "save", takes = "FILE [QUERY]",
    summary = "keeps a reading in a file, of everything or of a query",
    example = ".save morning.ndjson",
  }, {
    name = "open", takes = "FILE", summary = "loads a saved reading, as the variable reading",
    example = ".open morning.ndjson",
  }, {
    name = "diff", takes = "A [B]",
    summary = "what changed between two readings, or since one",
    example = ".diff morning.ndjson",
  }, {
    name = "audit", takes = "[RULES]",
    summary = "judges what is open by rules: files, ids or tags; nothing: all that are built in",
    example = ".audit exposure",
  }, {
    name = "watch", takes = "[SECONDS] EXPR",
    summary = "shows an expression again and again, until Ctrl-C",
    example = ".watch 5 pi.listening()",
  }, {
    name = "quit", takes = "", summary = "leaves, as Ctrl-D does", example = ".quit",
  },
}

return M
