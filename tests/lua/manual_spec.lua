-- manual_spec.lua: the documents name everything that there is, and their examples
-- are true.

local core = require "portinfo.core"
local docs = require "portinfo.docs"
local glossary = require "portinfo.glossary"
local fake = require "fake"
local help = require "portinfo.help"
local pi = require "portinfo"
local predicate = require "portinfo.predicate"
local query = require "portinfo.query"
local schema = require "portinfo.schema"
local shapes = require "portinfo.shapes"

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local pages = {"man/portinfo.1", "man/portinfo.3lua", "man/portinfo-filter.7",
               "man/portinfo-audit.7"}

-- What a line of a page shows, without the escapes of roff.
local function plain(line)
  return (line:gsub("\\&", ""):gsub("\\%(aq", "'"):gsub("\\%(dq", '"'):gsub("\\e", "\\"))
end

-- Does it have this, and behind it a space or the end of a line?
local function has_word(text, word)
  return text:find(word .. " ", 1, true) or text:find(word .. "\n", 1, true)
end

-- The part of a page below a heading.
local function section(page, name)
  return assert(page:match("\n%.Sh " .. name .. "\n(.-)%f[\n\0]\n?%.Sh ")
    or page:match("\n%.Sh " .. name .. "\n(.*)$"), name)
end

-- What stands below the item of a list, up to the next macro, in one line.
local function item(page, head)
  local _, stop = page:find("\n.It " .. head .. "\n", 1, true)
  assert(stop, head)
  local lines = {}
  for line in page:sub(stop + 1):gmatch "([^\n]*)\n" do
    if line:find "^%." then break end
    lines[#lines + 1] = line
  end
  return table.concat(lines, " "):lower()
end

-- The parts that are shown as they stand.
local function literals(page)
  local list = {}
  for text in page:gmatch "\n%.Bd %-literal[^\n]*\n(.-\n)%.Ed" do
    list[#list + 1] = plain(text)
  end
  return list
end

describe("portinfo(1)", function()
  local manual = read "man/portinfo.1"

  it("names every field", function()
    local fields = section(manual, "FIELDS"):gsub("\n", " ")
    for _, name in ipairs(schema.names) do
      assert(has_word(fields .. " ", " " .. name), name)
    end
  end)

  it("names every option and verb of the command", function()
    local options, n = read "lua/portinfo/options.lua", 0
    for _, list in ipairs{"valued", "switches"} do
      for name in options:match("\nlocal " .. list .. " = (%b{})"):gmatch '%["%-(%-?%w[%w-]*)"%]' do
        n = n + 1
        assert(has_word(manual, "Fl " .. name) or has_word(manual, ", " .. name), name)
      end
    end
    assert(n > 18)
    for verb in pairs(require "portinfo.verbs") do
      assert(manual:find("Cm " .. verb, 1, true), verb)
    end
  end)

  it("says of every command of the prompt what the help says", function()
    for _, entry in ipairs(docs.commands) do
      local head = manual:match("\n%.It (Cm %." .. entry.name .. "%f[%s][^\n]*)\n")
      assert.equal(entry.summary:lower(), item(manual, assert(head, entry.name)))
    end
  end)
end)

-- ---- portinfo-filter(7) ----------------------------------------------------------

describe("portinfo-filter(7)", function()
  local manual = read "man/portinfo-filter.7"

  it("says of every field, and of each of its words, what the help says", function()
    local fields, start = section(manual, "FIELDS"), 1
    for _, field in ipairs(schema.fields) do -- in their order, as some are words, too
      start = fields:find("\n.It Cm " .. field.name .. "\n", start, true)
      assert.is_number(start, field.name)
      local here = fields:sub(start)
      assert.equal(field.meaning:lower(), (item(here, "Cm " .. field.name):gsub("[.:]$", "")))
      for _, word in ipairs(field.words or {}) do
        assert.equal(glossary.words[field.name][word]:lower(), item(here, "Cm " .. word))
      end
    end
  end)

  it("names every flag, and tells what those mean that are no word of a field", function()
    local flags = manual:match "\n%.Ss Flags\n(.-)\n%.Sh "
    for _, flag in ipairs(core.flags()) do
      assert(has_word(flags, " " .. flag), flag)
    end
    for _, flag in ipairs{"all", "listening", "exposed", "risky"} do
      assert.equal(glossary.flags[flag]:lower(), item(flags, "Cm " .. flag))
    end
  end)

  it("has examples that the parser takes", function()
    local n = 0
    for line in manual:gmatch "\n%.Dl ([^\n]+)" do
      n = n + 1
      assert(predicate.build(plain(line)))
    end
    assert(n > 50)
  end)

  it("has mistakes that the parser finds, and what it says of them", function()
    local n, advice = 0, 0
    for block in section(manual, "MISTAKES"):gsub("\n%.It Ql ", "\0"):gmatch "%z([^%z]*)" do
      local filter = plain(block:match "^[^\n]+")
      local built, message = predicate.build(filter)
      assert.is_nil(built, filter)
      n = n + 1
      for said in block:gmatch "\n%.Ql ([^\n]+)" do
        said = plain(said):gsub(" [.,]$", "")
        assert(message:find(said, 1, true), filter .. " -> " .. said)
        advice = advice + 1
      end
    end
    assert(n > 20 and advice > 20)
  end)

  it("has filters in Lua that compile and are filters", function()
    for line in section(manual, "FILTERS IN LUA"):match "%.Bd[^\n]*\n(.-)\n%.Ed":gmatch "[^\n]+" do
      local made = assert(load("return " .. plain(line), "=example", "t", {pi = pi}))()
      assert.is_true(query.is_query(made))
    end
  end)

  -- A row of each sort of sight: whose owner is seen, unseen, and none.
  local function sockets()
    return fake.proc{
      tcp = {{"0.0.0.0:22", state = "listen", inode = 1},
             {"0.0.0.0:80", state = "listen", inode = 2, uid = 7},
             {"10.0.0.5:22", "10.0.0.9:50000", state = "time-wait"}},
      processes = {{pid = 42, name = "sshd", fds = {[3] = 1}},
                   {pid = 43, name = "secret", closed = true}},
    }
  end

  it("says what is yes of the unknown and the empty", function()
    local snap <close> = assert(pi.snapshot(nil, {backend = "proc", proc = sockets()}))
    local function ports(filter)
      local list = {}
      for row in snap:sockets(filter):each() do list[#list + 1] = row.lport end
      table.sort(list)
      return table.concat(list, " ")
    end
    assert.equal("22 22", ports "known process")
    assert.equal("80", ports "not known process")
    assert.equal("80", ports "owner = unknown")
    assert.equal("22", ports "process")
    assert.equal("22", ports "process != sshd")
    assert.equal("22", ports "not process")
    assert.equal("22", ports "raddr = 10.0.0.0/8")
    assert.equal("22 80", ports "raddr != 10.0.0.0/8")
    assert.equal("", ports "raddr and raddr != 10.0.0.0/8")
    assert.equal("22 80", ports "not raddr")
  end)

  it("has Kleene's table as it is", function()
    local snap <close> = assert(pi.snapshot(nil, {backend = "proc", proc = sockets()}))
    local row = assert(snap:sockets("lport = 80"):first())
    -- of this row: yes, unknown and no
    local of = {yes = "lport = 80", unknown = "process = x", no = "lport = 81"}
    local said = {[true] = "yes", [false] = "no"}
    local function ask(format, ...)
      return said[pi.p(format:format(...)):test(row)] or "unknown"
    end
    local n = 0
    for a, b, both, either, negated in manual:gmatch
        "\n%.It (%l+) Ta (%l+) Ta (%l+) Ta (%l+) Ta (%l+)%f[\n]" do
      n = n + 1
      assert.equal(both, ask("%s and %s", of[a], of[b]))
      assert.equal(both, ask("%s and %s", of[b], of[a]))
      assert.equal(either, ask("%s or %s", of[a], of[b]))
      assert.equal(either, ask("%s or %s", of[b], of[a]))
      assert.equal(negated, ask("not %s", of[a]))
    end
    assert.equal(6, n)
  end)
end)

-- ---- portinfo(3lua) --------------------------------------------------------------

describe("portinfo(3lua)", function()
  local manual = read "man/portinfo.3lua"

  it("has every function and method", function()
    for _, entry in ipairs(help.entries) do
      local kind = entry.kind
      if kind == "function" or kind == "query" or kind == "reading" or kind == "predicate" then
          assert(has_word(manual, "\n.It Fn " .. entry.title), entry.title)
      end
    end
  end)

  it("has no function or method that is not there", function()
    local titles = {}
    for _, entry in ipairs(help.entries) do titles[entry.title] = true end
    for title in manual:gmatch "\n%.It Fn (%S+)" do assert(titles[title], title) end
    for title in manual:gmatch "Fn (%l+[:.]%l+)" do assert(titles[title], title) end
  end)

  it("names the members of the tables that come and go", function()
    for _, made in ipairs(shapes) do
      if made[1] == "portinfo.record" or made[1] == "portinfo.use" or made[1] == "portinfo.risk"
        or made[1] == "portinfo.host" or made[1] == "portinfo.port_facts" then
        for _, member in ipairs(made[3]) do
          assert(manual:find("%f[%w_]" .. member[1]:gsub("%?$", "") .. "%f[^%w_]"), member[1])
        end
      end
    end
  end)

  it("has examples that run", function()
    local root = fake.proc{
      tcp = {{"0.0.0.0:6379", state = "listen", inode = 1},
             {"10.0.0.5:22", "10.0.0.9:50000", state = "established", inode = 2}},
      processes = {{pid = 42, name = "redis", fds = {[3] = 1}}},
    }
    local module = setmetatable({}, {__index = pi})
    for _, name in ipairs{"sockets", "listening", "who", "snapshot"} do
      module[name] = function(spec) return pi[name](spec, {backend = "proc", proc = root}) end
    end
    local examples = literals(manual)
    assert.equal(7, #examples)
    for _, code in ipairs(examples) do
      local status, out = nil, {}
      local function write(_, ...) table.move({...}, 1, select("#", ...), #out + 1, out) end
      local env = setmetatable({
        pi = module, print = function() end, require = function() return module end,
        io = {write = function(...) write(nil, ...) end, stderr = {write = write}},
        os = {exit = function(code_of_exit) status = code_of_exit end, execute = function() end},
      }, {__index = _G})
      local run = assert(load(code, "=example", "t", env))
      fake.printed(run)
      if code:find "os.exit" then assert.equal(1, status) end
    end
  end)
end)

-- ---- portinfo-audit(7) -----------------------------------------------------------

describe("portinfo-audit(7)", function()
  local manual = read "man/portinfo-audit.7"

  it("tells every rule that is built in, with its severity", function()
    local pack = section(manual, "RULES THAT ARE BUILT IN")
    for _, one in ipairs(require "portinfo.rules") do
      assert(pack:find(("\n.It Cm %s Pq %s\n"):format(one.id, one.severity), 1, true), one.id)
      assert(one.help and one.reference and #one.tags > 0, one.id)
    end
    local n = select(2, pack:gsub("\n%.It Cm ", ""))
    assert.equal(#require "portinfo.rules", n)
  end)

  it("tells every member of a rule, and every format", function()
    local rules = section(manual, "RULES")
    for _, made in ipairs(shapes) do
      if made[1] == "portinfo.rule" then
        for _, member in ipairs(made[3]) do
          assert(rules:find("%f[%w_]" .. member[1]:gsub("%?$", "") .. "%f[^%w_]"), member[1])
        end
      end
    end
    local reports, n = section(manual, "REPORTS"), 0
    local special = read "lua/portinfo/options.lua":match "\nlocal special = (%b{})"
    for format in special:gmatch '(%l+) = "audit"' do
      n = n + 1
      assert(reports:find("\n.It Cm " .. format .. "\n", 1, true), format)
    end
    assert(n > 5 and reports:find("\n.It Cm json\n", 1, true))
  end)

  it("has examples that are rules, a baseline, and cases", function()
    local examples = literals(manual)
    assert.equal(4, #examples)
    local function value(i)
      return assert(load(examples[i], "=example", "t", {pi = pi, require = require}))()
    end
    local report = assert(pi.audit(value(1), fake.options{}))
    assert.equal(4, #report.rules)
    for _, result in ipairs(report.rules) do assert.not_equal("error", result.verdict) end
    local pack = value(2)
    assert.equal("keys only", pack["exposed-login"].allow[1].reason)
    pack["exposed-login"].allow = nil
    local path = fake.folder() .. "/baseline.lua"
    fake.write(path, examples[3])
    assert(pi.audit({id = "x", where = "tcp"}, {
      backend = "proc", proc = fake.proc{}, baseline = path,
    }))
    assert.equal("pass", value(4).cases[1].expect["only-ssh"])
  end)
end)

-- ---- All pages -------------------------------------------------------------------

describe("every page", function()
  local has_mandoc = os.execute "command -v mandoc >/dev/null 2>&1"

  it("is shown whole in 80 columns, without a complaint", function()
    if not has_mandoc then return pending "mandoc is not installed" end
    for _, path in ipairs(pages) do
      local pipe <close> = assert(io.popen(("mandoc -T utf8 -O width=78 %s 2>&1"):format(path)))
      local shown = pipe:read "a"
      -- bold and underlined characters are struck twice
      for line in shown:gsub(utf8.charpattern .. "\b", ""):gmatch "[^\n]+" do
        assert.is_true(utf8.len(line) <= 80, path .. ": " .. line)
      end
      local lint <close> = assert(io.popen(("mandoc -T lint -W warning %s 2>&1"):format(path)))
      assert.equal("", lint:read "a")
    end
  end)

  it("is installed and removed", function()
    local makefile = read "Makefile"
    for _, path in ipairs(pages) do
      assert(makefile:find("install -m 644 " .. path, 1, true), path)
      local name = path:gsub("^man/", "")
      assert(makefile:find("share/man/man" .. name:match "%.(%d)" .. "/" .. name, 1, true), name)
    end
  end)

  it("is referred to by its name", function()
    for _, path in ipairs(pages) do
      for name, number in read(path):gmatch "%.Xr (portinfo%S*) (%S+)" do
        assert.is_string(read(("man/%s.%s"):format(name, number)))
      end
    end
  end)
end)

-- ---- README ----------------------------------------------------------------------

describe("the README", function()
  local readme = read "README.md"

  it("names every public function in C", function()
    local n = 0
    for name in read("src/portinfo.h"):gmatch "\nPI_API [^;(]-([%w_]+)%(" do
      n = n + 1
      assert(readme:find(name, 1, true), name)
    end
    assert(n > 50)
  end)

  it("names every function in Lua, and every method of a query", function()
    for name, value in pairs(pi) do
      if type(value) == "function" then assert(readme:find("pi." .. name, 1, true), name) end
    end
    for _, name in ipairs(query.method_names) do
      assert(readme:find(":" .. name, 1, true), name)
    end
  end)
end)
