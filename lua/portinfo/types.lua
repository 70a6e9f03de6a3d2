-- types.lua: what the module's functions take and return, for completion.
--
-- A type has `fields` (after a dot), `methods` (after a colon) and `element` (of a
-- list, or of a loop over what it iterates). A name leads to the name of a type, or
-- of a function to {RESULT, ARGUMENT...}. Types that have no entry here, such as
-- number and true, have nothing to offer.
--
-- Arguments: filter (any spelling), fields, keys (to sort by) and reads (fields or
-- groups), which all may be repeated; port, service, range, transport, format, file;
-- reading, showing, waiting, watching, freeing, asking and judging (tables of options); any.

local schema = require "portinfo.schema"

local M = {}

M.pi = {
  fields = {
    _VERSION = "string", registry_date = "string",
    port = {"facts", "port", "transport"},
    service = {"service", "service"},
    search = {"hits", "any", "any"},
    range = {"range", "range", "any"},
    page = {"string", "port", "showing"},
    sockets = {"query", "filter", "reading"},
    listening = {"query", "filter", "reading"},
    who = {"query", "port", "reading"},
    wait = {"rows", "filter", "waiting"},
    free = {"list", "freeing"},
    why = {"reasons", "port", "asking"},
    audit = {"report", "file", "judging"},
    p = {"predicate", "filter"},
    snapshot = {"snapshot", "filter", "reading"},
    load = {"snapshot", "file"},
    watch = {"events", "filter", "watching"},
    diff = {"diff", "file", "file", "any"},
  },
}

M.query = {
  methods = {
    where = {"query", "filter"}, reject = {"query", "filter"}, undecided = {"query"},
    select = {"query", "fields"}, with = {"query", "reads"}, sort = {"query", "keys"},
    limit = {"query", "any"}, tally = {"query", "fields"}, distinct = {"query", "fields"},
    each = {"rows"}, all = {"rows"}, first = {"row"},
    count = {"number"}, any = {"boolean"}, snapshot = {"snapshot"},
    json = {"string", "fields"}, ndjson = {"string", "fields"},
    tsv = {"string", "fields"}, csv = {"string", "fields"}, format = {"string", "template"},
    write = {"boolean", "any", "format", "fields"},
    text = {"string", "any"}, print = {"boolean", "any"}, explain = {"plan", "any"},
    watch = {"events", "watching"},
  },
}

M.snapshot = {
  methods = {
    sockets = {"query", "filter"}, listening = {"query", "filter"}, who = {"query", "port"},
    save = {"boolean", "file"}, diff = {"diff", "any"},
    close = {"nothing"}, closed = {"boolean"}, complete = {"boolean", "any"},
    quality = {"quality"}, host = {"host"}, loaded = {"boolean"}, filter = {"string"},
    pick = {"selection", "any"}, namespaces = {"namespaces"},
  },
}

-- every question to a query is one to a reading, too
for name, spec in pairs(M.query.methods) do
  if name ~= "snapshot" then
    M.snapshot.methods[name] = M.snapshot.methods[name] or spec
  end
end

local texts = {word = true, text = true, address = true}

M.row = {fields = {}}
for _, field in ipairs(schema.fields) do
  M.row.fields[field.name] = texts[field.type] and "string" or field.type
end
M.rows = {element = "row"}

M.holders = {element = "holder"}
M.holder = {fields = {pid = "number", fd = "number", process = "string"}}

M.predicate = {
  methods = {groups = {"list"}, text = {"string"}, test = {"boolean", "any"}},
}

M.diff = {fields = {added = "rows", removed = "rows", changed = "changes"}}
M.changes = {element = "change"}
M.change = {fields = {before = "row", after = "row", fields = "list"}}

M.reasons = {
  fields = {
    verdict = "string", reason = "string", evidence = "evidence", fixes = "fixes",
    unseen = "fixes", probe = "any", port = "port", proto = "string", address = "string",
    permitted = "boolean", reserved = "boolean", ephemeral = "boolean",
    flags = "any", selection = "any",
  },
}
M.evidence = {element = "piece"}
M.piece = {fields = {kind = "string", text = "string", bars = "boolean", row = "row"}}
M.fixes = {element = "fix"}
M.fix = {fields = {text = "string"}}

M.report = {
  fields = {
    rules = "results", status = "number", counts = "any", findings = "any", fail_on = "string",
    taken = "number", sockets = "number", contained = "boolean", version = "string",
  },
}
M.results = {element = "result"}

M.facts = {
  fields = {
    number = "number", range = "string", blocked = "boolean", status = "transports",
    names = "records", records = "records", uses = "uses", risks = "risks",
    host = "port_on_host",
  },
}
M.service = {fields = {records = "records", uses = "uses"}}
M.transports = {
  fields = {tcp = "string", udp = "string", sctp = "string", dccp = "string"},
}

local function fields(names)
  local set = {}
  for name in names:gmatch "%S+" do set[name] = "any" end
  return {fields = set}
end

M.records = {element = "record"}
M.record = fields [[first last transports status name description assignee registered
  modified references alias_of note unauthorized]]
M.uses = {element = "use"}
M.use = fields "first last transports id software category use evidence source relation iana"
M.risks = {element = "a_risk"}
M.a_risk = fields "first last transports id service risk why source"
M.hits = {element = "hit"}
M.hit = fields "match kind"
for _, other in ipairs{"record", "use"} do
  for name in pairs(M[other].fields) do M.hit.fields[name] = "any" end
end
M.range = fields "first last"
M.port_on_host = fields [[ephemeral ephemeral_first ephemeral_last reserved privileged
  unprivileged_start]]
M.host = fields "netns ephemeral_first ephemeral_last reserved unprivileged_start"
M.namespaces = {element = "namespace"}
M.namespace = fields "netns name closed"
M.quality = fields [[processes unreadable vanished hidden nested owners_unseen owners_errno
  owners_error owners_by pinned obstacle sources namespaces closed outside unlisted untold
  unknown socket_us derived_us tcp_info_us owner_us process_us taken completed recalls]]
M.result = fields [[id severity title help reference tags source form verdict findings undecided
  unseen reason message evidence place]]
M.result.fields.findings = "findings"
M.findings = {element = "finding"}
M.finding = fields "kind severity what message row key"
M.events = {element = "event"}
M.event = fields "event time"
M.plan = fields "filter functions groups shown parts dumps look netns"

-- Which type a value of the module is, by the name of its metatable.
M.of_class = {
  ["portinfo.query"] = "query", ["portinfo.snapshot"] = "snapshot",
  ["portinfo.row"] = "row", ["portinfo.predicate"] = "predicate",
  ["portinfo.range"] = "range", ["portinfo.diff"] = "diff",
  ["portinfo.report"] = "report",
}

-- What may be repeated as the last argument.
M.repeated = {fields = true, keys = true, reads = true}

-- What the keys of a table of options are, and what their values are.
M.options = {
  reading = {backend = "backend", proc = "file", netns = "netns"},
  showing = {
    backend = "backend", proc = "file", netns = "netns", transport = "transport", width = "any",
  },
  waiting = {
    backend = "backend", proc = "file", netns = "netns", timeout = "any", hold = "any",
    gone = "any",
  },
  freeing = {
    backend = "backend", proc = "file", port = "port", count = "any", proto = "bound",
    address = "any", probe = "any",
  },
  watching = {
    backend = "backend", proc = "file", netns = "netns", interval = "any", count = "any",
    until_empty = "any", settle = "any",
  },
  judging = {
    backend = "backend", proc = "file", netns = "netns", fail_on = "severity",
    baseline = "file", snapshot = "any", trust = "any", seconds = "any",
  },
  asking = {
    backend = "backend", proc = "file", proto = "bound", address = "any", probe = "any",
  },
}

-- The words that an argument, or an option, is one of.
M.words = {
  host_ports = {"ephemeral", "reserved", "privileged"},
  backend = {"auto", "netlink", "proc", "bpf"},
  netns = {"own", "all"},
  transport = {"tcp", "udp", "sctp", "dccp"},
  bound = {"tcp", "udp"},
  severity = {"note", "warning", "error"},
  format = {"tsv", "csv", "json", "ndjson"},
  range = {"system", "user", "dynamic", "ephemeral", "privileged"},
}

return M
