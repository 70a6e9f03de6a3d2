/* embedded.h: the Lua files inside the binary. */
#ifndef PI_REPL_EMBEDDED_H
#define PI_REPL_EMBEDDED_H

#include <stddef.h>

extern const struct embedded {
  const char *module; /* as for require; NULL ends the list */
  const char *name;   /* chunk name */
  const char *chunk;  /* compiled, or as text: what lua_load takes */
  size_t length;
} embedded[];

#endif
