/* core.c: opens the module portinfo.core. */
#include "bind.h"

#if defined(__GNUC__)
__attribute__((visibility("default")))
#endif
int luaopen_portinfo_core(lua_State *L) {
  luaL_checkversion(L);
  lua_newtable(L);
  pi__set_text(L, "version", pi_version());
  pi__set_text(L, "registry_date", pi_registry_date());
  pi__open_bounded(L);
  pi__open_clock(L);
  pi__open_facts(L);
  pi__open_predicate(L);
  pi__open_pin(L);
  pi__open_plan(L);
  pi__open_probe(L);
  pi__open_snapshot(L);
  pi__open_selection(L);
  pi__open_bulk(L);
  pi__open_row(L);
  pi__open_saved(L);
  pi__open_watcher(L);
  return 1;
}
