-- Queries: built from parts, run when a result is asked for.

local fake = require "fake"
local pi = require "portinfo"

local has_cjson, cjson = pcall(require, "cjson")

local spec = {
  tcp = {
    {"0.0.0.0:22", state = "listen", inode = 1},
    {"127.0.0.1:8080", state = "listen", inode = 2},
    {"10.0.0.5:22", "10.0.0.9:51000", state = "established", inode = 3},
  },
  processes = {
    {pid = 42, name = "sshd", fds = {[3] = 1}},
    {pid = 43, name = 'a,"b"\t\n\27', fds = {[3] = 2}},
  },
}
local options = fake.options(spec)
local denied = fake.options{
  tcp = {{"0.0.0.0:22", state = "listen", inode = 1}},
  processes = {{pid = 42, name = "sshd", closed = true}},
}
local nowhere = {backend = "proc", proc = "/nonexistent"}

local function written(query, ...)
  local path = fake.folder() .. "/out"
  local file = assert(io.open(path, "wb"))
  assert.is_true(query:write(file, ...))
  file:close()
  local again <close> = assert(io.open(path, "rb"))
  return again:read "a"
end

describe("building a query", function()
  it("reads nothing", function()
    assert.is_truthy(pi.sockets("listening", nowhere):where "tcp")
  end)

  it("leaves the query that it was made from as it was", function()
    local all = pi.sockets(nil, options)
    local udp = all:where "udp"
    assert.equal(3, (all:count()))
    assert.equal(0, (udp:count()))
  end)

  it("narrows further with each where", function()
    local q = pi.sockets(nil, options):where "listening":where{lport = 22}
    assert.equal(1, (q:count()))
    assert.equal(1, (pi.sockets(nil, options):where(pi.p ":8080"):count()))
    assert.equal(3, (pi.sockets(nil, options):where():count()))
  end)

  it("takes what it needs from its arguments, which may change later", function()
    local filter, own = {lport = {22}}, {backend = "proc", proc = options.proc}
    local q = pi.sockets(filter, own)
    filter.lport[1], own.proc = 9, "/nonexistent"
    assert.equal(2, (q:count()))
  end)

  it("gives a value that says what it is", function()
    assert.equal("portinfo query; :print() runs it", tostring(pi.sockets()))
  end)
end)

describe("running a query", function()
  it("takes a fresh reading each time", function()
    local own = fake.options{tcp = {}}
    local q = pi.sockets("tcp", own)
    assert.equal(0, (q:count()))
    local table_of = fake.options{tcp = {{"10.0.0.1:1", state = "listen"}}}.proc .. "/net/tcp"
    assert(os.execute(("cp %s %s/net/tcp"):format(table_of, own.proc)))
    assert.equal(1, (q:count()))
  end)

  it("takes none when it was made from a reading", function()
    local snap <close> = assert(pi.snapshot(nil, fake.options(spec)))
    local q = snap:sockets "listening"
    assert.is_true(q:first() == q:first())
  end)
end)

describe("results:", function()
  local q = pi.sockets("listening", options)
  local none = pi.sockets("udp", options)

  it("each iterates over rows", function()
    local ports = {}
    for row in q:each() do ports[#ports + 1] = row.lport end
    assert.same({22, 8080}, ports)
    for _ in none:each() do error "there is none" end
  end)

  it("all is a list", function()
    assert.equal(2, #q:all())
    assert.same({}, none:all())
  end)

  it("first is a row or nil", function()
    assert.equal(22, q:first().lport)
    assert.is_nil(none:first())
  end)

  it("count is how many, and how many are undecided", function()
    assert.same({2, 0}, {q:count()})
    assert.same({0, 1}, {pi.sockets({process = "sshd"}, denied):count()})
  end)

  it("any is true, false, or nil and the reason", function()
    assert.is_true(q:any())
    assert.is_false(none:any())
    local any, why = pi.sockets({process = "sshd"}, denied):any()
    assert.is_nil(any)
    assert.equal("1 row undecided: 1 process could not be read", why)
  end)

  it("what is not true and what is not false are both undecided", function()
    local known = pi.p{process = "sshd"}
    assert.same({0, 1}, {pi.sockets(~known, denied):count()})
    assert.same({1, 0}, {pi.sockets(known | pi.p "tcp", denied):count()})
    assert.same({0, 0}, {pi.sockets(known & pi.p "udp", denied):count()})
  end)

  it("text is a table and its remarks", function()
    local text = q:text()
    assert.is_truthy(text:find("^PROTO  STATE   LOCAL"))
    assert.is_truthy(text:find("\n(2 sockets)\n", 1, true))
    assert.is_truthy(none:text():find("^%(0 sockets%)\n"))
  end)

  it("print prints the same", function()
    local printed = fake.printed(function() assert.is_true(q:print{width = 80}) end)
    assert.equal(q:text{width = 80}, printed)
  end)
end)

describe("bulk formats:", function()
  local q = pi.sockets("listening", options)
  local fields = {"proto", "lport", "rport", "process", "mark"}

  it("TSV has a heading, ? for unknown, nothing for empty, escapes", function()
    assert.equal("proto\tlport\trport\tprocess\tmark\n"
      .. "tcp\t22\t\tsshd\t?\n"
      .. 'tcp\t8080\t\ta,"b"\\t\\n\\x1b\t?\n', q:tsv(fields))
  end)

  it("CSV quotes text, and spells quotes in it like other special bytes", function()
    assert.equal('proto,lport,rport,process,mark\n'
      .. 'tcp,22,,"sshd",?\n'
      .. [[tcp,8080,,"a,\x22b\x22\t\n\x1b",?]] .. "\n", q:csv(fields))
  end)

  it("NDJSON is one object a line, with what is unknown named", function()
    local lines = {}
    for line in q:ndjson(fields):gmatch "[^\n]+" do lines[#lines + 1] = line end
    assert.equal(2, #lines)
    assert.equal('{"v":1,"proto":"tcp","lport":22,"process":"sshd","unknown":["mark"]}',
                 lines[1])
  end)

  it("JSON is one array that a JSON reader takes", function()
    if not has_cjson then return pending "no cjson here" end
    local rows = cjson.decode(q:json())
    assert.equal(2, #rows)
    assert.equal('a,"b"\t\n\27', rows[2].process)
    assert.same({}, cjson.decode(pi.sockets("udp", options):json()))
  end)

  it("without names of fields all of them are written, but those of tcp_info", function()
    local heading = q:tsv():match "^[^\n]*"
    for _, field in ipairs(require "portinfo.schema".fields) do
      local there = ("\t" .. heading .. "\t"):find("\t" .. field.name .. "\t", 1, true)
      assert.equal(field.group ~= "tcp_info", there ~= nil, field.name)
    end
  end)

  it("fields may be named as other tools do", function()
    assert.equal("lport\trport\n", q:tsv{"sport", "dport"}:sub(1, 12))
  end)

  it("write streams the same bytes to a file", function()
    for _, format in ipairs{"tsv", "csv", "json", "ndjson"} do
      assert.equal(q[format](q, fields), written(q, format, fields))
    end
  end)

  it("write reports a full disk", function()
    local full = io.open("/dev/full", "w")
    if not full then return pending "no /dev/full here" end
    local ok, message, errno = q:write(full, "tsv")
    full:close()
    assert.is_nil(ok)
    assert.is_truthy(message)
    assert.equal(28, errno)
  end)
end)

describe("the system's refusal", function()
  local q = pi.sockets(nil, nowhere)

  it("is nil, message, errno", function()
    for _, name in ipairs{"all", "first", "count", "any", "json", "ndjson", "tsv", "csv",
                          "text", "print"} do
      local result, message, errno = q[name](q)
      assert.is_nil(result)
      assert.is_truthy(message:find("cannot read sockets: /nonexistent/net/tcp", 1, true))
      assert.equal(2, errno)
    end
    assert.is_nil(q:write(io.stdout, "tsv"))
  end)
end)
