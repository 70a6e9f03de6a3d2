/* lua_ladder_test.c: the binding, with every allocation from the k-th on
 * failing, Lua's and the library's together, k = 0, 1, 2 ... until the task
 * succeeds. One failure is not enough, as Lua collects and tries again. At
 * every step the error must be one of memory, and closing the state must leave
 * nothing behind.
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
                 "assert(#s:host().reserved == 5)\n"
                 "assert(core.host(proc).ephemeral_first == 32768)\n"
                 "assert(core.snapshot_class().take == nil)\n"},
    {"selections",
     "local s = take()\n"
     "local f = assert(core.predicate_in('process', {'a*'}))\n"
     "local sel = assert(s:pick(f))\n"
     "assert(#sel == 2 and sel:undecided() == 0 and sel:snapshot() == s)\n"
     "assert(sel:sort() == sel and sel:row(3) == nil)\n"
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
             "assert(row == row)\n"
             "assert(tostring(row):find 'pid 100')\n"},
    {"probes",
     "assert(core.sleep(0) and core.clock() > 0)\n"
     "assert(core.address '::ffff:1.2.3.4' == '1.2.3.4')\n"
     "local options = {reuseaddr = true}\n"
     "local ok, why, os, what = core.try_bind('udp', '192.0.2.1', 9, options)\n"
     "assert(not ok and math.type(os) == 'integer', why)\n"
     "assert(what == 'no-address' or what == 'permission', why)\n"},
    {"misuse", "local row = take():pick():row(1)\n"
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
};

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

static long climb(const char *name, const char *code) {
  for (long k = 0; k < 100000; k++) {
    assert_int_equal(0, atomic_load(&starve.alive));
    lua_State *L = state_new(code);
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
    if (status == LUA_OK) return k;
  }
  fail_msg("%s: the ladder does not end", name);
  return 0;
}

static void every_task_survives_the_end_of_memory(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(tasks); i++) {
    long steps = climb(tasks[i].name, tasks[i].code);
    print_message("           %s: %ld steps\n", tasks[i].name, steps);
    assert_true(steps > 50);
  }
}

int main(void) {
  atomic_store(&starve.left, STARVE_NEVER);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_task_survives_the_end_of_memory),
  };
  return cmocka_run_group_tests(tests, make_world, end_world);
}
