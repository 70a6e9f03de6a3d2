/* pager.c: gives a text to a pager, and outlives what happens there. */
#include "terminal.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include <lauxlib.h>

/* While somebody reads, Ctrl-C is the pager's, and a pager that was left early
 * is no error. */
static int l_page(lua_State *L) {
  size_t length;
  const char *command = luaL_checkstring(L, 1);
  const char *text = luaL_checklstring(L, 2, &length);
  fflush(stdout);
  FILE *pager = popen(command, "w");  // it inherits what signals do, so first
  if (pager == NULL) return luaL_fileresult(L, 0, "pager");
  struct sigaction ignore, pipe, interrupt;
  memset(&ignore, 0, sizeof ignore);
  ignore.sa_handler = SIG_IGN;
  sigemptyset(&ignore.sa_mask);
  sigaction(SIGPIPE, &ignore, &pipe);
  sigaction(SIGINT, &ignore, &interrupt);
  fwrite(text, 1, length, pager);
  int status = pclose(pager);
  sigaction(SIGINT, &interrupt, NULL);
  sigaction(SIGPIPE, &pipe, NULL);
  if (status < 0) return luaL_fileresult(L, 0, "pager");
  lua_pushinteger(L, WIFEXITED(status) ? WEXITSTATUS(status) : -1);
  return 1;
}

void terminal_add_pager(lua_State *L) {
  lua_pushcfunction(L, l_page);
  lua_setfield(L, -2, "page");
}
