-- complete_spec.lua: what Tab offers where, and that asking never runs code.

local complete = require "portinfo.complete"
local core = require "portinfo.core"
local expects = require "portinfo.expects"
local pi = require "portinfo"
local query = require "portinfo.query"
local schema = require "portinfo.schema"
local types = require "portinfo.types"

local sources = {
  ports = function() return {22, 80, 8080} end,
  processes = function()
    return {"nginx", "sshd", "tmux: server", "it's", 'a"b', "star*", "back\\slash",
            "\27[31mred", "new\nline", "\u{202e}right"}
  end,
  commands = {help = true, save = true, mode = true, watch = true, explain = true,
              timer = true, quit = true},
  topics = {fields = true, flags = true},
}

local class = {__index = {greet = function() end, name = "x"}}

local env = {
  pi = pi, string = string, io = io, assert = package.loaded._G.assert,
  require = require, ipairs = ipairs,
  print = print,
  q = pi.sockets(), p = pi.p "tcp",
  plain = {alpha = 1, beta = {gamma = {delta = 1}}, run = function() end, ["a key"] = 1,
           ["\27[0m"] = 1, ["end"] = 1, [1] = {inner = 1}},
  object = setmetatable({own = 1}, class),
  text = "text",
}

-- Candidates for a line whose cursor is at the @, and the line before them.
local function at(line)
  local cursor = line:find("@", 1, true) - 1
  line = line:sub(1, cursor) .. line:sub(cursor + 2)
  local found, start = complete.at(line, cursor, env, sources)
  return found, line:sub(1, start - 1)
end

-- {line, candidates}: all of them, separated by "; ". With `has`, these are among
-- them; with `lacks`, these are not. `behind`: what stands before the candidates.
local rows = {
  -- globals, names and keywords
  {"pi@", "pi"}, {"pri@", "print"}, {"=pri@", "print"}, {"  pl@", "plain"},
  {"x = stri@", "string"}, {"@", has = "pi; print", lacks = "end"},
  {"whi@", "while"}, {"x@", ""}, {"local total = 1 print(tot@", "total"},
  {"local st@", ""}, {"function st@", ""}, {"for i@", ""}, {"goto p@", ""},
  {"pri@nt(1)", "print"}, {"-- pi@", ""}, {"--[[ pi@", ""}, {"12@", ""},
  {"pi.sockets{} ..pla@", "plain"},
  -- fields of tables
  {"plain.@", "alpha; beta; run"}, {"plain.al@", "alpha", behind = "plain."},
  {"plain:@", "run"}, {"plain.beta.@", "gamma"}, {"plain.beta.gamma.d@", "delta"},
  {"plain . beta . @", "gamma"}, {"plain[1].@", "inner"}, {'plain["beta"].@', "gamma"},
  {"plain['a@", "a key; alpha"}, {'plain["@', has = "a key", lacks = "\27[0m"},
  {"plain.nothing.@", ""}, {"(plain).al@", "alpha"}, {"print(plain.al@", "alpha"},
  {"object.@", "greet; name; own"}, {"object:@", "greet"}, {"text:up@", "upper"},
  {"('x'):rep@", "rep"}, {"io.stdout:wr@", "write"}, {"string.forma@", "format"},
  {"plain.alpha.@", ""}, {"unheard.@", ""}, {"a..@", has = "pi"},
  -- along a chain
  {"pi.so@", "sockets", behind = "pi."}, {"pi.@", has = "port; registry_date; who"},
  {"pi:so@", "sockets"}, {"pi.sockets():@", has = "all; where; print", lacks = "sockets"},
  {"pi.sockets(f(x), {1}):wh@", "where"}, {"pi.sockets{state = 'x'}:wh@", "where"},
  {"pi.sockets 'tcp':sel@", "select"}, {"pi.sockets [[tcp]]:sel@", "select"},
  {"pi.sockets():where('tcp'):sort('pid'):lim@", "limit"},
  {"pi.sockets():first().lp@", "lport"}, {"pi.sockets():all()[1].lp@", "lport"},
  {"pi.sockets():first().process:up@", "upper"}, {"pi.sockets():first():@", ""},
  {"pi.sockets():first().holders[1].@", "fd; pid; process"},
  {"pi.port(443).@", has = "names; uses; host", lacks = "sockets"},
  {"pi.port(443).names[1].des@", "description"}, {"pi.port(443).host.ephemeral_@",
   "ephemeral_first; ephemeral_last"}, {"pi.service('ssh').@", "records; uses"},
  {"pi.search('x')[1].ma@", "match"}, {"pi.range(1, 2).@", "first; last"},
  {"pi.p('tcp'):@", "groups; test; text"}, {"pi.snapshot():who@", "who"},
  {"pi.snapshot():diff(x).@", "added; changed; removed"},
  {"pi.snapshot():diff(x).changed[1].before.lp@", "lport"},
  {"pi.listening():explain().@", has = "dumps; filter"}, {"pi.page(1):up@", "upper"},
  {"pi.nothing():@", ""}, {"pi.sockets.@", ""}, {"q:wh@", "where"}, {"q.wh@", ""},
  {"p:te@", "test; text"}, {"assert(pi.snapshot()):sav@", "save"},
  {"require 'portinfo'.who@", "who"}, {"(pi.sockets() or x):wh@", ""},
  -- names with a known value
  {"local a = pi.sockets() a:wh@", "where"}, {"b = pi.sockets(); b:wh@", "where"},
  {"local s <close> = assert(pi.snapshot()) s:sa@", "save"},
  {"local a = pi.sockets() local a = a:first() a.lp@", "lport"},
  {"local q = 1 q:@", ""}, {"local q q:@", ""}, {"local a = q .. q a:@", ""},
  {"for row in q:each() do row.lp@", "lport"}, {"for r in pi.listening():each() do r.pr@",
   "process; proto; protocol"}, {"for _, r in ipairs(q:all()) do r.lp@", "lport"},
  {"q:where(function(s) return s.rx@", "rxq"}, {"q:where{function(s) return s.rx@", "rxq"},
  {"f(function(s) return s.@", ""}, {"local m = require 'portinfo' m.who@", "who"},
  -- tables that are filters
  {"pi.sockets{st@", "started; state", behind = "pi.sockets{"},
  {"pi.sockets({lpo@", "lport"}, {"q:where{@", has = "state; port; addr", lacks = "pi"},
  {"q:where{tcp, lpo@", "lport"}, {"q:where{x = 1; lpo@", "lport"},
  {"pi.snapshot{lpo@", "lport"}, {"pi.snapshot():where{lpo@", "lport"},
  {"f{lpo@", ""}, {"pi.sockets{{lpo@", "lport"}, {"pi.sockets{plai@", "plain"},
  {"pi.sockets{state = @", has = '"listen"; "time-wait"', lacks = "pi"},
  {"pi.sockets{state = li@", '"listen"'}, {"pi.sockets{state = 'li@", "listen"},
  {"pi.sockets{state = {'closed', 'li@", "listen"}, {"pi.sockets{state = pla@", "plain"},
  {"pi.sockets{proto = 'u@", "udp; udplite"}, {"pi.sockets{state = [[li@", "listen"},
  {"pi.sockets{lport = @", "22; 80; 8080"}, {"pi.sockets{lport = 8@", "80; 8080"},
  {"pi.sockets{lport = {22, 8@", "80; 8080"}, {"pi.sockets{lport = pi.ra@", "range"},
  {"pi.sockets{lport = 'https-@", "https-wmap"},
  {"pi.sockets{lport = 'eph@", has = "ephemeral"}, {"pi.sockets{port = 8@", "80; 8080"},
  {"pi.sockets{v6only = @", "false; true"}, {"pi.sockets{role = 'in@", "inbound"},
  {"pi.sockets{process = @", '"it\'s"; "nginx"; "sshd"; "tmux: server"'},
  {"pi.sockets{process = 't@", "tmux: server"}, {"pi.sockets{process = 'it@", ""},
  {"pi.sockets{x.state = 'li@", ""}, {"pi.sockets{unheard = 'li@", ""},
  -- filters in strings
  {"pi.sockets 'lis@", "listener; listening", behind = "pi.sockets '"},
  {"pi.sockets('tcp and exp@", "exposed; exposure", behind = "pi.sockets('tcp and "},
  {"q:where[[tcp and state = li@", "listen"}, {"q:where{'expos@", "exposed; exposure"},
  {"pi.p 'kno@", "known"}, {"pi.p 'known proc@", "process"},
  {"pi.p 'state @", "!=; =; and; in; not; or"},
  {"pi.p 'lport @", "!=; <; <=; =; >; >=; and; in; not; or"},
  {"pi.p 'lport not @", has = "in; tcp"}, {"pi.p 'lport in @", "{"},
  {"pi.p 'lport in {@", has = "22; 80; 8080; ephemeral"}, {"pi.p 'lport in {22, 8@", "80; 8080"},
  {"pi.p 'lport in {22 @", ",; }"}, {"pi.p 'STATE = LI@", "listen"},
  {"pi.p 'state eq li@", "listen"}, {"pi.p 'not exp@", "exposed; exposure"},
  {"pi.p '(tcp or sct@", "sctp"}, {"pi.p '(tcp @", has = "and; or; ); state", lacks = "("},
  {"pi.p 'tcp @", has = "and; or; state", lacks = ")"}, {"pi.p ':@", ":22; :80; :8080"},
  {"pi.p '10.0.0.1:8@", "10.0.0.1:80; 10.0.0.1:8080"}, {"pi.p 'x:@", ""}, {"pi.p '::1:@", ""},
  {"pi.p '10.0.0.1:8@", "10.0.0.1:80; 10.0.0.1:8080"}, {"pi.p 'tcp !lis@", "listener; listening"},
  {"pi.p 'v6only = @", "no; yes"}, {"pi.p 'state = listen stat@", "state"},
  {"pi.p 'process = @", 'nginx; sshd; "star*"; "tmux: server"'},
  {'pi.p "process = @', "nginx; sshd; 'star*'; 'tmux: server'"},
  {'pi.p "process = \'t@', "tmux: server"}, {"pi.p 'process = ng@ and tcp'", "nginx"},
  {"pi.p 'sport = 8@", "80; 8080"}, {"pi.p 'service = https-w@", "https-wmap"},
  {"pi.p 'process = \"ng@", "nginx"}, {"print('lis@", ""}, {"pi.p 'tcp' .. 'lis@", ""},
  -- other arguments
  {"pi.who(@", "22; 80; 8080"}, {"pi.who(8@", "80; 8080"}, {"pi.who(plai@", "plain"},
  {"pi.who 'https-w@", "https-wmap"}, {"pi.port(2@", "22"}, {"pi.port(80, @",
   '"dccp"; "sctp"; "tcp"; "udp"'}, {"pi.port(80, 'u@", "udp"},
  {"pi.sockets(nil, {@", "backend; netns; proc"}, {"pi.sockets(nil, {netns = 'a@", "all"},
  {"pi.sockets(nil, {backend = 'ne@", "netlink"},
  {"pi.page(80, {transport = @", '"dccp"; "sctp"; "tcp"; "udp"'},
  {"pi.wait({lpo@", "lport"}, {"pi.wait('tcp', {time@", "timeout"},
  {"pi.free{co@", "count"}, {"pi.free{proto = @", '"tcp"; "udp"'},
  {"pi.why(80).ver@", "verdict"}, {"pi.why(80).evidence[1].row.lp@", "lport"},
  {"pi.wait('tcp')[1].lp@", "lport"},
  {"pi.range('eph@", "ephemeral"}, {"pi.service('https-w@", "https-wmap"},
  {"q:select('lp@", "lport"}, {"q:select('pid', 'lp@", "lport"}, {"q:select{'lp@", "lport"},
  {"q:select(lp@", '"lport"'}, {"q:sort('-rx@", "-rxq"}, {"q:with('own@", "owner"},
  {"q:tally('stat@", "state"}, {"q:write(f, 'nd@", "ndjson"}, {"q:json{'lp@", "lport"},
  {"q:format('{lp@", "lport", behind = "q:format('{"}, {"q:format('{lport} p@", ""},
  -- dot commands
  {".@", "explain; help; mode; quit; save; timer; watch"}, {".he@", "help", behind = "."},
  {"  .q@", "quit"}, {".help @", "fields; flags"}, {".help fl@", "flags"}, {".nosuch @", ""},
  {".mode nd@", "ndjson"}, {".timer @", "off; on"}, {".quit @", ""},
  {".explain pi.so@", "sockets"}, {".watch 2 pi.listening():wh@", "where"},
}

local function list(text)
  local out = {}
  for word in (text .. "; "):gmatch "(.-); " do
    if word ~= "" then out[#out + 1] = word end
  end
  return out
end

describe("completion", function()
  for _, row in ipairs(rows) do
    it("of " .. row[1], function()
      local found, before = at(row[1])
      local set = {}
      for _, text in ipairs(found) do set[text] = true end
      if not row.has and not row.lacks then
        local wanted = list(row[2])
        table.sort(wanted)
        table.sort(found)
        assert.same(wanted, found)
      end
      for _, text in ipairs(list(row.has or "")) do assert(set[text], text) end
      for _, text in ipairs(list(row.lacks or "")) do assert.is_nil(set[text], text) end
      if row.behind then assert.equal(row.behind, before) end
    end)
  end

  it("names files where one is to be named", function()
    for _, line in ipairs{"pi.load('a@", "pi.snapshot():save 'x@", ".save @", ".save /tmp/x@",
                          "pi.sockets(nil, {proc = '/p@"} do
      assert.equal("files", (at(line)))
    end
    assert.equal(".save ", select(2, at ".save /tmp/x@"))
  end)

  it("never offers what would steer a terminal", function()
    for _, line in ipairs{"pi.p 'process = @", 'pi.p "process = @', "pi.sockets{process = @",
                          "pi.sockets{process = '@", 'plain["@', 'pi.p "process = \'@'} do
      for _, text in ipairs((at(line))) do
        assert.is_nil(text:find "[%c\u{202e}]", text)
      end
    end
  end)

  it("offers only what the filter language takes", function()
    for _, name in ipairs((at 'pi.p "process = @')) do
      assert(core.predicate_parse("process = " .. name), name)
    end
    for _, word in ipairs((expects.at("", {}))) do
      if word ~= "not" and word ~= "known" then assert(core.predicate_parse(word), word) end
    end
    for _, field in ipairs(schema.fields) do
      for _, word in ipairs((expects.at(field.name .. " = ", {}))) do
        assert(core.predicate_parse(field.name .. " = " .. word), field.name .. " " .. word)
      end
    end
  end)

  it("says nothing of a line that nobody types", function()
    assert.same({}, (complete.at(("x"):rep(1 << 20), 1 << 20, env, sources)))
    assert.same({}, (complete.at(("("):rep(60000), 60000, {}, {})))
    assert.same({}, (complete.at(("a."):rep(30000), 60000, env, sources)))
  end)

  it("works without sources, and of an empty environment", function()
    for _, row in ipairs(rows) do
      local cursor = row[1]:find("@", 1, true) - 1
      complete.at((row[1]:gsub("@", "", 1)), cursor, {})
    end
  end)
end)

-- ---- Types -------------------------------------------------------------------------

local function names_of(set, wanted)
  local names = {}
  for name, value in pairs(set) do
    if not wanted or type(value) == wanted then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

local function public(set)
  local names = {}
  for _, name in ipairs(names_of(set, "function")) do
    if not name:find "^__" then names[#names + 1] = name end
  end
  return names
end

describe("the table of types", function()
  it("has every function of the module, and no other", function()
    local declared = {}
    for name, spec in pairs(types.pi.fields) do
      if type(spec) == "table" then declared[name] = spec end
    end
    assert.same(names_of(pi, "function"), names_of(declared))
    for name, value in pairs(pi) do assert(types.pi.fields[name], name .. type(value)) end
  end)

  it("has every method of a query, a reading and a predicate, and no other", function()
    assert.same(query.method_names, names_of(types.query.methods))
    assert.same(public(core.snapshot_class()), names_of(types.snapshot.methods))
    assert.same(public(debug.getmetatable(pi.p "tcp").__index), names_of(types.predicate.methods))
  end)

  it("has every field of a row, and of what the registry knows", function()
    for _, name in ipairs(schema.names) do assert(types.row.fields[name], name) end
    local facts = pi.port(23)
    assert.same(names_of(facts), names_of(types.facts.fields))
    assert.same(names_of(facts.status), names_of(types.transports.fields))
    assert.same(names_of(pi.service "telnet"), names_of(types.service.fields))
    for name in pairs(pi.why(23, {probe = false}) or {}) do
      assert(types.reasons.fields[name], name)
    end
    local known = {
      {facts.names, "record"}, {facts.risks, "a_risk"}, {pi.port(9200).uses, "use"},
      {pi.search "telnet", "hit"}, {{facts.host}, "port_on_host"},
      {{pi.sockets():explain()}, "plan"}, {{pi.range(1, 2)}, "range"},
    }
    for _, pair in ipairs(known) do
      assert(#pair[1] > 0, pair[2])
      for name in pairs(pair[1][1]) do assert(types[pair[2]].fields[name], name) end
    end
  end)

  it("leads to types that there are, or to plain values", function()
    local plain = {}
    for name in ([[string number boolean any list nothing selection changes bool port
      time]]):gmatch "%S+" do plain[name] = true end
    for _, name in ipairs{"pi", "query", "snapshot", "row", "facts", "predicate", "diff"} do
      for _, set in ipairs{types[name].fields or {}, types[name].methods or {}} do
        for key, entry in pairs(set) do
          local result = type(entry) == "table" and entry[1] or entry
          assert(plain[result] or types[result], name .. "." .. key .. ": " .. result)
        end
      end
    end
  end)

  it("says of a value what the value is", function()
    local fake = require "fake"
    local options = fake.options{
      tcp = {{"127.0.0.1:8080", state = "listen", inode = 11}},
      processes = {{pid = 42, name = "web", fds = {[3] = 11}}},
    }
    local snap <close> = assert(pi.snapshot(nil, options))
    local row = pi.sockets(nil, options):first()
    local values = {
      {pi.sockets(), "where"}, {snap, "save"}, {pi.p "tcp", "test"},
    }
    for _, pair in ipairs(values) do
      local found = complete.at("x:" .. pair[2], 2 + #pair[2], {x = pair[1]}, {})
      assert.same({pair[2]}, found)
    end
    assert.same({"lport"}, (complete.at("x.lpor", 6, {x = row}, {})))
    for name in pairs(row.holders[1]) do assert(types.holder.fields[name], name) end
    local same = snap:diff(snap)
    assert.same(names_of(types.diff.fields), names_of(same))
    for name in pairs(snap:quality()) do assert(types.quality.fields[name], name) end
    for name in pairs(snap:host()) do assert(types.host.fields[name], name) end
  end)
end)

-- ---- No code runs --------------------------------------------------------------------

describe("completion of anything", function()
  -- Whatever touches one of these by other than raw means fails the test.
  local touched

  local function trap(what) return function() touched = what error(what) end end

  local events = {}
  for event in ([[index newindex pairs call tostring len eq lt le concat unm add sub mul div
    mod pow idiv band bor bxor bnot shl shr close name metatable]]):gmatch "%S+" do
    events["__" .. event] = trap(event)
  end

  local function trapped(content) return setmetatable(content or {}, events) end

  local inner = trapped{deep = trapped{deeper = 1}, call = trap "call", alpha = 1}
  local world = trapped{
    a = inner, b = trapped{inner, inner}, f = trap "f", pi = pi, q = pi.sockets(),
    string = string, assert = assert, require = require, ipairs = ipairs, io = io,
    odd = setmetatable({}, {__index = inner, __name = trap "name"}),
    named = setmetatable({}, {__index = trap "index", __name = "portinfo.query"}),
    looping = setmetatable({}, {}), co = coroutine.wrap(trap "co"),
    [trapped()] = 1, [1] = trapped(), [1.5] = 2, [true] = inner,
  }
  debug.getmetatable(rawget(world, "looping")).__index = rawget(world, "looping")
  local quiet = {
    ports = function() return {22, 8080} end,
    processes = function() return {"nginx", "a\27b", "tmux: server"} end,
    commands = {help = trap "help", save = trap "save", watch = trap "watch"},
  }

  local pieces = {}
  for piece in ([[a b f q pi odd named looping co io assert require ipairs string . . . : : (
    ) ( ) { } [ ] , ; = = .. "tcp" ' " [[ ]=] = [==[ -- --[[ local function for in do end if
    then return x y row sockets where each all first port who snapshot select sort explain
    diff deep deeper call state = "listen" lport process known not and or in 22 1e5 0x
    0x7fffffffffffffff nil true <close> \ \" \n .help .save .watch .explain .mode # ~ ~= < >
    'process = ' 'lport in {' "(tcp" ":2 goto :: ... \0 \255 é "state" [1] ["deep"] alpha
    stdout 'portinfo' (function(s) return s. for_r]]):gmatch "%S+" do
    pieces[#pieces + 1] = piece
  end
  pieces[#pieces + 1] = "\n"
  pieces[#pieces + 1] = "\0"
  pieces[#pieces + 1] = "\27[0m"

  local function random_line(random)
    local parts = {}
    for i = 1, random(1, 14) do
      parts[i] = pieces[random(1, #pieces)] .. (random(1, 3) == 1 and " " or "")
    end
    return table.concat(parts)
  end

  -- xorshift: the same lines on every machine
  local function generator(seed)
    local x = seed
    return function(first, last)
      x = x ~ (x << 13)
      x = x ~ (x >> 7)
      x = x ~ (x << 17)
      return first + (x & 0x7fffffff) % (last - first + 1)
    end
  end

  local function check(line, cursor)
    local ok, found, start = pcall(complete.at, line, cursor, world, quiet)
    assert(ok, ("%q at %d: %s"):format(line, cursor, tostring(found)))
    assert(touched == nil, ("%q at %d touched %s"):format(line, cursor, tostring(touched)))
    assert(math.type(start) == "integer" and start >= 1 and start <= cursor + 1,
           ("%q at %d starts at %s"):format(line, cursor, tostring(start)))
    if found == "files" then return end
    for _, text in ipairs(found) do
      assert(type(text) == "string" and not text:find "%c", ("%q"):format(line))
    end
  end

  it("calls no function and no metamethod, and never fails", function()
    local random = generator(0x9e3779b97f4a7c15)
    for _ = 1, tonumber(os.getenv "CASES") or 20000 do
      local line = random_line(random)
      check(line, random(1, 4) == 1 and random(0, #line) or #line)
    end
  end)

  it("nor at any cut of any line above", function()
    for _, row in ipairs(rows) do
      local line = row[1]:gsub("@", "", 1)
      for cursor = 0, #line do check(line, cursor) end
    end
  end)

  it("finds what is raw in a table that is full of traps", function()
    assert.same({"deeper"}, (complete.at("a.deep.", 7, world, quiet)))
    assert.same({"alpha", "call", "deep"}, (complete.at("odd.", 4, world, quiet)))
    assert.same({}, (complete.at("looping.", 8, world, quiet)))
  end)
end)
