/* module.h: the Lua module portinfo.core, for programs that embed it. */
#ifndef PI_BIND_MODULE_H
#define PI_BIND_MODULE_H

#include <stdbool.h>

#include <lua.h>

/* [-0, +1, em] Opens portinfo.core and leaves its table on the stack. */
int luaopen_portinfo_core(lua_State *L);

/* [-0, +0, m] Makes readings ask `interrupted` now and then and stop when it
 * says so. It is called from several threads at once. */
void pi_bind_interrupt(lua_State *L, bool (*interrupted)(void));

#endif
