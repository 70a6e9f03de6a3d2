-- watch_spec.lua: events out of readings of a proc folder that changes between them.

local core = require "portinfo.core"
local fake = require "fake"
local pi = require "portinfo"
local watch = require "portinfo.watch"

local web = {"127.0.0.1:8080", state = "listen", inode = 11}
local peer = {"10.0.0.1:40000", "10.0.0.2:443", state = "established", inode = 12}
local processes = {{pid = 42, name = "web", fds = {[3] = 11, [4] = 12}}}

local function options_for(root, more)
  local options = {backend = "proc", proc = root, interval = 0.001}
  for name, value in pairs(more or {}) do options[name] = value end
  return options
end

-- What each event of a watch says, while `steps` happen before each reading but the
-- first; it ends with them.
local function watched(spec, root, steps)
  local said = {}
  local w = assert(watch.new(pi.sockets(spec, {backend = "proc", proc = root}),
                             {interval = 0.001}))
  for i = 0, #steps do
    if i > 0 then fake.write_tables(root, steps[i]) end
    for _, place in ipairs(assert(w:next()).places) do
      local event = watch.event_at(place)
      said[#said + 1] = ("%s %s %s"):format(event.event, event.state, event.lport)
    end
  end
  w:close()
  return said
end

describe("a watch", function()
  after_each(function() collectgarbage() end)
  teardown(fake.remove_all)

  it("tells what is there, and then what comes and goes", function()
    local root = fake.proc{tcp = {web}, processes = processes}
    assert.same({
      "present listen 8080", "appear established 40000", "vanish listen 8080",
    }, watched(nil, root, {{tcp = {web, peer}}, {tcp = {peer}}, {tcp = {peer}}}))
  end)

  it("tells a change, and what it was", function()
    local root = fake.proc{tcp = {web, peer}, processes = processes}
    local closing = {peer[1], peer[2], state = "close-wait", inode = 12}
    local seen = {}
    for event in pi.watch(nil, options_for(root, {count = 1})) do
      seen[#seen + 1] = event
      if #seen == 2 then fake.write_tables(root, {tcp = {web, closing}}) end
    end
    local event = seen[3]
    assert.equal("change", event.event)
    assert.same({"state"}, event.changed)
    assert.equal("established", event.before.state)
    assert.equal("close-wait", event.state)
    assert.equal("~ tcp close-wait 10.0.0.1:40000 with 10.0.0.2:443, web (pid 42): "
      .. "state established -> close-wait", tostring(event))
    assert.equal(3, #seen)
  end)

  -- Events of a watch whose readings are of these tables of TCP, one after the other; a
  -- string is a table as it stands. The watch is stepped so often.
  local function watched_tables(spec, steps, tables, options)
    local root, said, n = fake.proc{processes = processes}, {}, 0
    local w = assert(watch.new(pi.sockets(spec, {backend = "proc", proc = root}),
                               options or {interval = 0.001}))
    local take = core.take
    core.take = function(...)
      n = n + 1
      local step = tables[math.min(n, #tables)]
      if type(step) == "string" then
        fake.write(root .. "/net/tcp", step)
      else
        fake.write_tables(root, {tcp = step})
      end
      return take(...)
    end
    finally(function()
      core.take = take
      w:close()
    end)
    local reading
    for _ = 1, steps do
      reading = assert(w:next())
      for _, place in ipairs(reading.places) do
        local event = watch.event_at(place)
        said[#said + 1] = ("%s %s"):format(event.event, event.lport)
      end
    end
    return said, w, reading
  end

  local cut = "  sl  local_address rem_address   st tx_queue rx_queue ...\n   0: cut short\n"

  it("takes nothing for gone that a reading lacks which is not whole", function()
    local said, w = watched_tables(nil, 3, {{web}, cut, cut, {web}, {web, peer}})
    assert.same({"present 8080", "appear 40000"}, said)
    assert.same({3, 2, 0}, {w:quality().readings, w:quality().doubted, w:quality().short})
    assert.truthy(watch.remarks(w)[2]:find("2 readings told less than the one before", 1, true))
  end)

  it("begins with a reading that is whole", function()
    assert.same({"present 8080"}, (watched_tables(nil, 2, {cut, {web}})))
  end)

  it("takes a source as it is, if it is never whole", function()
    local said, w = watched_tables(nil, 3, {{web}, cut})
    assert.same({"present 8080", "vanish 8080"}, said)
    assert.same({3, 5, 2}, {w:quality().readings, w:quality().doubted, w:quality().short})
    assert.is_true(watch.is_partial(w))
  end)

  it("is not empty where a source is not whole", function()
    local _, _, reading = watched_tables(":8080", 1, {cut}, {interval = 0.001, until_empty = true})
    assert.is_nil(reading.ending)
    _, _, reading = watched_tables(":8080", 1, {{}}, {interval = 0.001, until_empty = true})
    assert.equal("empty", reading.ending)
  end)

  it("takes a port that is used again for another socket", function()
    local root = fake.proc{tcp = {web}, processes = processes}
    local again = {web[1], state = "listen", inode = 99}
    assert.same({"present listen 8080", "vanish listen 8080", "appear listen 8080"},
      watched(nil, root, {{tcp = {again}}}))
  end)

  it("tells of what begins or ceases to satisfy the filter", function()
    local root = fake.proc{tcp = {peer}, processes = processes}
    local closing = {peer[1], peer[2], state = "close-wait", inode = 12}
    assert.same({"appear close-wait 40000", "vanish close-wait 40000"},
      watched("state = close-wait", root, {{tcp = {closing}}, {tcp = {peer}}}))
  end)

  it("asks functions, too", function()
    local root = fake.proc{tcp = {web, peer}}
    local said = {}
    local q = pi.sockets(function(s) return s.lport == 8080 end, {backend = "proc", proc = root})
    for event in q:watch{interval = 0.001, settle = 0.002} do said[#said + 1] = event.lport end
    assert.same({8080}, said)
  end)

  it("ends when there is none left, for sure", function()
    local root = fake.proc{tcp = {web}}
    local said = {}
    for event in pi.watch(":8080", options_for(root, {until_empty = true})) do
      said[#said + 1] = event.event
      fake.write_tables(root, {tcp = {peer}})
    end
    assert.same({"present", "vanish"}, said)
    for _ in pi.watch(":9", options_for(root, {until_empty = true})) do said[3] = "none" end
    assert.is_nil(said[3])
  end)

  it("ends when nothing has happened for a while", function()
    local root = fake.proc{tcp = {web}}
    local n = 0
    for _ in pi.watch(nil, options_for(root, {settle = "2ms"})) do n = n + 1 end
    assert.equal(1, n)
  end)

  it("ends after so many events, exactly", function()
    local root = fake.proc{}
    local n = 0
    local q = pi.sockets(nil, {backend = "proc", proc = root})
    local w = assert(watch.new(q, {interval = 0.001, count = 1}))
    assert.equal(0, #w:next().places)
    fake.write_tables(root, {tcp = {web, peer}})
    local reading = w:next()
    assert.same({1, "count"}, {#reading.places, reading.ending})
    w:close()
    assert.equal(0, n)
  end)

  it("ends with the loop", function()
    local root = fake.proc{tcp = {web, peer}}
    local n = 0
    for _ in pi.watch(nil, options_for(root)) do
      n = n + 1
      if n == 2 then break end
    end
    assert.equal(2, n)
  end)

  it("has the fields of its row, and a row's word on others", function()
    local root = fake.proc{tcp = {web}, processes = processes}
    for event in pi.watch(nil, options_for(root, {settle = 0.001})) do
      assert.equal("web", event.process)
      assert.equal(event.row.lport, event.lport)
      assert.is_nil(event.before)
      assert.is_nil(event.changed)
      local names = {}
      for name, value in pairs(event) do names[name] = value end
      assert.equal("present", names.event)
      assert.equal(8080, names.lport)
      assert.has_error(function() return event.lprt end,
        "a row has no field 'lprt': did you mean 'lport'?")
    end
  end)

  it("makes lines for programs, with what it was", function()
    local root = fake.proc{tcp = {peer}, processes = processes}
    local names = {"lport", "state"}
    local w = assert(watch.new(pi.sockets(nil, {backend = "proc", proc = root}),
                               {interval = 0.001}))
    local first = w:next()
    local time = first.time
    assert.same({('{"v":1,"event":"present","time":%d,"lport":40000,"state":"established"}')
      :format(time)}, watch.lines(first, "ndjson", names))
    assert.same({"present\t" .. time .. "\t40000\testablished"}, watch.lines(first, "tsv", names))
    assert.equal("event,time,lport,state\n", watch.header("csv", names))
    fake.write_tables(root, {tcp = {{peer[1], peer[2], state = "closing", inode = 12}}})
    local line = watch.lines(w:next(), "ndjson", names)[1]
    assert.truthy(line:find('"event":"change","time":%d+,"changed":%["state","role"%],'
      .. '"was":{"role":"outbound","state":"established"},"lport":40000,"state":"closing"}')
      or line:find('"changed":%["state".*"was":{.*"state":"established"}'), line)
    w:close()
  end)

  it("says what it was told, and by whom", function()
    local root = fake.proc{tcp = {web}}
    local w = assert(watch.new(pi.sockets(nil, {backend = "proc", proc = root}),
                               {interval = 0.001}))
    w:next()
    w:next()
    assert.same({
      "2 readings told of 0 changes",
      "the kernel was not asked which sockets end: those that came and went between two "
        .. "readings are not counted",
    }, watch.remarks(w))
    assert.is_true(watch.is_partial(w))
    w:close()
  end)

  it("is misused at the caller's line", function()
    local function says(part, f, ...)
      local ok, message = pcall(f, ...)
      assert.is_false(ok)
      assert.truthy(message:find(part, 1, true), message)
      assert.truthy(message:find "watch_spec", message)
    end
    for _, case in ipairs{
      {{interval = 0}, "interval: a time above 0"},
      {{interval = "5x"}, "'5x' is no length of time"},
      {{interval = -1}, "'-1' is no length of time"}, {{count = 0}, "count: how many events"},
      {{count = 1.5}, "count: how many events"}, {{settle = {}}, "settle: a length of time"},
      {{intervall = 1}, "unknown option 'intervall'"}, {5, "options are a table"},
    } do
      says(case[2], function() pi.watch(nil, case[1]) end)
    end
    says("without :tally", function() pi.sockets():tally("state"):watch() end)
    says("called with a colon", function() pi.sockets().watch() end)
    local root = fake.proc{}
    local snap <close> = assert(pi.snapshot(nil, {backend = "proc", proc = root}))
    says("does not change", function() snap:watch() end)
  end)
end)
