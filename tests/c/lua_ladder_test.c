/* lua_ladder_test.c: the binding, with every allocation from the k-th on
 * failing, Lua's and the library's together, k = 0, 1, 2 ... until the task
 * succeeds. One failure is not enough, as Lua collects and tries again. At
 * every step the error must be one of memory, and closing the state must leave
 * nothing behind. Besides, each task runs while Lua collects at every chance
 * that it has, so that what is not held is gone at once.
 *
 * Every function of the binding is called by some task: a hook notes them, and
 * a function that was forgotten fails the last test.
 *
 * Links the binding's objects and Lua's archive, beside what every test links.
 */
#include "procroot.h"
#include "starve.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "bind/module.h"

/* ---- The world ---------------------------------------------------------- */

static int make_world(void **state) {
  (void)state;
  char tables[1024];
  procroot_make();
  procroot_process(100, "a(b)c)d)e", 100);
  procroot_details(100);
  procroot_process(1, "init", 1);
  size_t n = procroot_line(tables, sizeof tables, "0100007F:0050",
                           "00000000:0000", "0A", 0, 5001);
  n += procroot_line(tables + n, sizeof tables - n, "0100007F:9C41",
                     "0100007F:0050", "01", 1000, 5002);
  procroot_line(tables + n, sizeof tables - n, "0100007F:9C42", "0100007F:0050",
                "06", 0, 0);
  procroot_text("net/tcp", tables);
  procroot_text("net/dev", "");
  procroot_text("sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
  procroot_text("sys/net/ipv4/ip_local_reserved_ports", "8080,9000-9003\n");
  procroot_hold(100, 3, 5001);
  procroot_hold(100, 4, 5002);
  procroot_hold(1, 9, 5001);
  return 0;
}

static int end_world(void **state) {
  (void)state;
  procroot_remove();
  return 0;
}

/* ---- The ladder --------------------------------------------------------- */

/* One heap, one counter. A block that shrinks stays where it is: Lua relies on
 * that this cannot fail. */
static void *allocate(void *ud, void *block, size_t old, size_t size) {
  (void)ud;
  if (block != NULL && size > 0 && size <= old) return block;
  return starve_resize(block, size);
}

static const char prelude[] =
    "local core, proc, sink = ...\n"
    "local function take(groups, filter)\n"
    "  return assert(core.take{groups = groups, filter = filter, proc = proc,\n"
    "                          backend = 'proc'})\n"
    "end\n";

static const struct {
  const char *name, *code;
} tasks[] = {
    {"facts",
     "local p = core.port(443)\n"
     "assert(p.range == 'system' and p.names[1].name == 'https')\n"
     "assert(#core.port(161, 'udp').names > 0)\n"
     "assert(core.name(22, 'tcp') == 'ssh' and not core.name(60323, 'tcp'))\n"
     "local records, uses = core.service 'elasticsearch'\n"
     "assert(#uses > 0)\n"
     "assert(#core.search('http', 5) == 5)\n"
     "assert(#core.services('http', 3) == 3)\n"
     "assert(#core.ephemeral() > 0)\n"
     "assert(core.nearest('listenin', {'listening', 'tcp'}) == 'listening')\n"},
    {"schema",
     "assert(core.fields()[1].name == 'proto' and #core.flags() > 30)\n"},
    {"predicates", "local p = assert(core.predicate_parse 'exposed')\n"
                   "local q = assert(core.predicate_in('lport', {80, 'https',\n"
                   "  {first = 8000, last = 8100}, 'ephemeral'}))\n"
                   "local r = core.predicate_has 'pid'\n"
                   "local all = ~(p & q) | r | q\n"
                   "assert(#all:groups() == 3)\n"
                   "local none, why = core.predicate_parse 'lisening'\n"
                   "assert(none == nil)\n"
                   "if why == 'out of memory' then error(why) end\n"
                   "assert(why:find 'listening', why)\n"},
    {"readings", "local f = assert(core.predicate_parse 'tcp')\n"
                 "local s <close> = take({'derived'}, f)\n"
                 "assert(#s == 3 and tostring(s) == 'reading of 3 sockets')\n"
                 "assert(s:complete{'owner', 'process'})\n"
                 "assert(s:quality().processes == 2)\n"
                 // unknown without memory for the list
                 "assert(#(s:host().reserved or '12345') == 5)\n"
                 "assert(core.host(proc).ephemeral_first == 32768)\n"
                 "assert(core.snapshot_class().take == nil)\n"},
    {"selections",
     "local s = take()\n"
     "local f = assert(core.predicate_in('process', {'a*'}))\n"
     "local sel = assert(s:pick(f))\n"
     "assert(#sel == 2 and sel:undecided() == 0 and sel:snapshot() == s)\n"
     "assert(assert(sel:sort()) == sel and sel:row(3) == nil)\n"
     "assert(sel:undecided_row(1) == nil)\n"
     "local all = assert(s:pick())\n"
     "assert(#all == 3)\n"
     "s:close()\n"
     "assert(not pcall(sel.row, sel, 1))\n"},
    {"saved readings",
     "local sel = assert(take():pick())\n"
     "local file <close> = assert(io.tmpfile())\n"
     "local ok, why = sel:save(file, 'all')\n"
     "if not ok then error(why) end\n"
     "file:seek 'set'\n"
     "local s <close> = assert(core.load(file))\n"
     "assert(#s == 3 and s:loaded() and s:filter() == 'all')\n"
     "local d = assert(sel:diff(assert(s:pick())))\n"
     "assert(#d.added + #d.removed + #d.after == 0)\n"},
    {"watching", "local w <close> = assert(core.watcher{proc = proc})\n"
                 "local a = take{'owner'}\n"
                 "local met, why = w:meet(a)\n"
                 "if met == nil then error(why) end\n"
                 "assert(w:wait(0, 0) == 'time' and not w:hearing().heard)\n"
                 "local b = assert(core.take{groups = {'owner'}, proc = proc,\n"
                 "  backend = 'proc', previous = a})\n"
                 "assert(b:quality().recalls == 1 and core.ticks() > 0)\n"},
    {"rows", "local s = take()\n"
             "local row = assert(s:pick()):row(1)\n"
             "s = nil\n"
             "assert(row.lport == 80 and row.laddr == '127.0.0.1')\n"
             "assert(row.service[1] == 'http' and row.role == 'listener')\n"
             "assert(row.process == 'a(b)c)d)e' and #row.holders == 2)\n"
             "assert(row.cmdline == 'true --really' and row.started)\n"
             "local n = 0\n"
             "for name, value in pairs(row) do n = n + 1 end\n"
             "assert(n > 25)\n"
             "assert(row ~= assert(take():pick()):row(1))\n"
             "assert(tostring(row):find 'pid 100')\n"
             "assert(core.row_namespace(row) == nil)\n"},
    {"probes",
     "assert(core.sleep(0) and core.clock() > 0)\n"
     "assert(core.address '::ffff:1.2.3.4' == '1.2.3.4')\n"
     "local options = {reuseaddr = true}\n"
     "local ok, why, os, what = core.try_bind('udp', '192.0.2.1', 9, options)\n"
     "assert(not ok and math.type(os) == 'integer', why)\n"
     "assert(what == 'no-address' or what == 'permission', why)\n"},
    {"misuse", "local row = assert(take():pick()):row(1)\n"
               "local ok, why = pcall(function() return row.lprot end)\n"
               "assert(not ok)\n"
               "if why:find 'memory' then error(why, 0) end\n"
               "assert(why:find \"did you mean 'lport'\", why)\n"
               "ok, why = pcall(core.take, {groups = {'nonsense'}})\n"
               "assert(not ok)\n"
               "if why:find 'memory' then error(why, 0) end\n"
               "assert(why:find 'nonsense', why)\n"},
    {"text",
     "local sel = assert(take():pick())\n"
     "local fields = {'lport', 'process', 'holders', 'service', 'cmdline'}\n"
     "for _, format in ipairs{'tsv', 'csv', 'json', 'ndjson'} do\n"
     "  local text = assert(sel:text(format, fields))\n"
     "  assert(text:find('a(b)c)d)e', 1, true), text)\n"
     "end\n"
     "assert(sel:write(sink, 'json', fields))\n"},
    {"shapes",
     "local s = take{'derived', 'owner'}\n"
     "assert(not s:closed() and #s:namespaces() == 1)\n"
     "local sel = assert(s:pick())\n"
     "assert(assert(sel:sort_by{'-lport', 'count'}):row(1).lport > 80)\n"
     "assert(sel:unknown_owners().permission == nil)\n"
     "local seen = 0\n"
     "assert(sel:sift(function(row)\n"
     "  seen = seen + row.rxq + 1\n"
     "  return row.lport ~= 80 and 'yes' or nil\n"
     "end))\n"
     "assert(seen == 3 and #sel == 2 and sel:undecided() == 1)\n"
     "assert(sel:undecided_row(1).lport == 80 and #sel:turn() == 1)\n"
     "local all = assert(assert(s:pick()):tally{'proto'})\n"
     "assert(#all == 1 and all:tally_at(1) == 3)\n"
     "assert(#assert(assert(s:pick()):distinct{'proto'}):limit(5) == 1)\n"
     "s:close()\n"
     "assert(s:closed())\n"},
    {"tests", "local row = assert(take():pick()):row(1)\n"
              "local p = assert(core.predicate_parse 'process = a* and exe')\n"
              "assert(p:test(row) == true, 'undecided')\n"
              "assert(p:text() == 'process = a* and exe')\n"
              "assert(not pcall(function() row.lport = 1 end))\n"
              "local list = assert(core.template '{lport} {user}')\n"
              "assert(#list == 2, #list)\n"
              "local none, why, at = core.template '{lprot}'\n"
              "if why == 'out of memory' then error(why) end\n"
              "assert(not none and at == 2, why)\n"},
    {"plans",
     "local p = core.plan(assert(core.predicate_parse\n"
     "  'tcp and lport = 80 and exposed and process = a*'))\n"
     "assert(p.pushed and p.pushed:find 'lport = 80', 'no text')\n"
     "assert(#p.dumps > 0 and #p.groups > 0)\n"
     "for _, part in ipairs(p.parts) do assert(part.text, 'no text') end\n"
     "local l = core.look{proc = proc, backend = 'proc'}\n"
     "assert(l.by == 'proc' and #l.why > 0)\n"},
    {"bounds",
     "local ok, sum = core.bounded(60, function(n)\n"
     "  local co = coroutine.wrap(function() return core.port(n).number end)\n"
     "  return co() + 1\n"
     "end, 22)\n"
     "if not ok then error(sum, 0) end\n"
     "assert(sum == 23)\n"},
    {"coroutines",  // one that is closed while it holds a reading, one that is
                    // not
     "local function walk()\n"
     "  local s <close> = take{'owner'}\n"
     "  local w <close> = assert(core.watcher{proc = proc})\n"
     "  for i = 1, #s do coroutine.yield(assert(s:pick()):row(i)) end\n"
     "end\n"
     "local left, closed = coroutine.create(walk), coroutine.create(walk)\n"
     "for _, co in ipairs{left, closed} do\n"
     "  local ok, row = coroutine.resume(co)\n"
     "  if not ok then error(row, 0) end\n"
     "  assert(row.lport == 80)\n"
     "end\n"
     "local ok, why = coroutine.close(closed)\n"
     "if not ok then error(why, 0) end\n"},
    {"finalizers",  // that meet readings when these may be gone already
     "local s = take()\n"
     "local sel = assert(s:pick())\n"
     "local met = setmetatable({s, sel, sel:row(1)}, {__gc = function(t)\n"
     "  pcall(function() return #t[1] + #t[2] + t[3].lport end)\n"
     "  t[1]:close()\n"
     "  pcall(function() return t[3].cmdline end)\n"
     "end})\n"
     "s, sel, met = nil, nil, nil\n"
     "collectgarbage()\n"},
    {"files", "local path = proc .. '/reading'\n"
              "local ok, why = assert(take():pick()):save(path)\n"
              "if not ok then error(why, 0) end\n"
              "ok, why = core.replace(path, 'text')\n"
              "if not ok then error(why, 0) end\n"
              "local file <close> = assert(io.open(path))\n"
              "assert(file:read 'a' == 'text')\n"
              "ok, why = core.replace(proc .. '/none/reading', 'text')\n"
              "assert(not ok)\n"
              "if why:find 'memory' then error(why, 0) end\n"
              "assert(why:find 'No such file', why)\n"},
    {"the probe",
     "local function heed(ok, why)\n"
     "  if not ok and why:find 'memory' then error(why, 0) end\n"
     "  return ok\n"
     "end\n"
     "assert(not heed(core.pin_install 'portinfo-no-such-group'))\n"
     "assert(heed(core.pin_status()).ours)\n"},
};

/* What no task may call, or no hook can see, and why. */
static const char *const uncalled[] = {
    "__gc",       /* no hook runs in it; closing a state calls them all */
    "pin_remove", /* it would take the probe of this machine away */
};

/* ---- Who was called ------------------------------------------------------ */

static struct {
  lua_CFunction list[256];
  size_t count;
} called;

static bool was_called(lua_CFunction f) {
  for (size_t i = 0; i < called.count; i++) {
    if (called.list[i] == f) return true;
  }
  return false;
}

static void note_call(lua_State *L, lua_Debug *ar) {
  lua_getinfo(L, "f", ar);
  lua_CFunction f = lua_tocfunction(L, -1);
  lua_pop(L, 1);
  if (f == NULL || was_called(f)) return;
  assert_true(called.count < LENGTH(called.list));
  called.list[called.count++] = f;
}

static bool is_uncalled(const char *name) {
  for (size_t i = 0; i < LENGTH(uncalled); i++) {
    if (strcmp(name, uncalled[i]) == 0) return true;
  }
  return false;
}

/* Tells of the functions in the table on top that no task called. */
static size_t count_uncalled(lua_State *L, const char *where) {
  size_t n = 0;
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    lua_CFunction f = lua_tocfunction(L, -1);
    if (f == NULL || lua_type(L, -2) != LUA_TSTRING) continue;
    const char *name = lua_tostring(L, -2);
    if (was_called(f) || is_uncalled(name)) continue;
    print_message("           %s.%s is in no task\n", where, name);
    n++;
  }
  return n;
}

static int run(lua_State *L) {
  // chunk, sink -> chunk, core, proc, sink
  luaL_requiref(L, "portinfo.core", luaopen_portinfo_core, 0);
  lua_pushstring(L, procroot);
  lua_pushvalue(L, 2);
  lua_remove(L, 2);
  lua_call(L, 3, 0);
  return 0;
}

/* Puts the task and a sink for it on the stack, with memory to do so. */
static lua_State *state_new(const char *code) {
  lua_State *L = lua_newstate(allocate, NULL);
  assert_non_null(L);
  luaL_openlibs(L);
  lua_pushcfunction(L, run);
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  luaL_addstring(&b, prelude);
  luaL_addstring(&b, code);
  luaL_pushresult(&b);
  if (luaL_loadstring(L, lua_tostring(L, -1)) != LUA_OK) {
    fail_msg("%s", lua_tostring(L, -1));
  }
  lua_remove(L, -2);
  lua_getglobal(L, "io");
  lua_getfield(L, -1, "open");
  lua_pushliteral(L, "/dev/null");
  lua_pushliteral(L, "w");
  lua_call(L, 2, 1);
  lua_remove(L, -2);
  return L;
}

/* Is it what an error of memory says, in Lua's words or ours? */
static bool of_memory(const char *message) {
  return strstr(message, "not enough memory") != NULL ||
         strstr(message, "out of memory") != NULL;
}

/* Tells after how many allocations none was refused. */
static long climb(const char *name, const char *code, bool alone) {
  for (long k = 0; k < 100000; k++) {
    assert_int_equal(0, atomic_load(&starve.alive));
    lua_State *L = state_new(code);
    // Lua gives an object up whose finalizer it has no memory to call
    lua_gc(L, LUA_GCSTOP);
    starve.alone = alone;
    atomic_store(&starve.asked, 0);
    atomic_store(&starve.left, k);
    int status = lua_pcall(L, 2, 0, 0);
    atomic_store(&starve.left, STARVE_NEVER);
    if (status != LUA_OK) {
      const char *message = lua_tostring(L, -1);
      if (message == NULL || !of_memory(message)) {
        fail_msg("%s, step %ld: %s", name, k, message ? message : "nothing");
      }
    }
    lua_close(L);
    assert_int_equal(0, atomic_load(&starve.alive));
    if (atomic_load(&starve.asked) == 0) return k;
  }
  fail_msg("%s: the ladder does not end", name);
  return 0;
}

/* Runs a task once, with memory. */
static void run_task(lua_State *L, const char *name) {
  if (lua_pcall(L, 2, 0, 0) != LUA_OK) {
    fail_msg("%s: %s", name, lua_tostring(L, -1));
  }
}

/* A collection runs with each object that is made, the finalizers, too. */
static void every_task_survives_collections(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(tasks); i++) {
    lua_State *L = state_new(tasks[i].code);
    lua_gc(L, LUA_GCINC, 1, 1000, 4);
    lua_gc(L, LUA_GCSTEP, 0);
    run_task(L, tasks[i].name);
    lua_close(L);
    assert_int_equal(0, atomic_load(&starve.alive));
  }
}

static void every_function_is_in_a_task(void **state) {
  (void)state;
  static const char *const classes[] = {
      "portinfo.snapshot",  "portinfo.selection", "portinfo.row",
      "portinfo.predicate", "portinfo.watcher",
  };
  for (size_t i = 0; i < LENGTH(tasks); i++) {
    lua_State *L = state_new(tasks[i].code);
    lua_sethook(L, note_call, LUA_MASKCALL, 0);
    run_task(L, tasks[i].name);
    lua_close(L);
  }
  lua_State *L = state_new("");
  luaL_requiref(L, "portinfo.core", luaopen_portinfo_core, 0);
  size_t n = count_uncalled(L, "core");
  for (size_t i = 0; i < LENGTH(classes); i++) {
    luaL_getmetatable(L, classes[i]);
    assert_int_equal(LUA_TTABLE, lua_type(L, -1));
    n += count_uncalled(L, classes[i]);
    lua_getfield(L, -1, "__index");
    if (lua_istable(L, -1)) n += count_uncalled(L, classes[i]);
  }
  lua_close(L);
  assert_int_equal(0, n);
}

static void every_task_survives_the_end_of_memory(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(tasks); i++) {
    climb(tasks[i].name, tasks[i].code, true);
    long steps = climb(tasks[i].name, tasks[i].code, false);
    print_message("           %s: %ld steps\n", tasks[i].name, steps);
    assert_true(steps > 50);
  }
}

int main(void) {
  atomic_store(&starve.left, STARVE_NEVER);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_task_survives_the_end_of_memory),
      cmocka_unit_test(every_task_survives_collections),
      cmocka_unit_test(every_function_is_in_a_task),
  };
  return cmocka_run_group_tests(tests, make_world, end_world);
}
