/* tab.h: completion, for the terminal alone. */
#ifndef PI_REPL_TAB_H
#define PI_REPL_TAB_H

#include <lua.h>

/* From here on readline's hook calls the completer in this state, which must be
 * the one that reads the line. */
void tab_read_for(lua_State *L);

/* set_completer(f), see terminal.h. */
int tab_set_completer(lua_State *L);

#endif
