/* embedded.h: the Lua files inside the binary. */
#ifndef PI_REPL_EMBEDDED_H
#define PI_REPL_EMBEDDED_H

#include <stddef.h>

extern const struct embedded {
  const char *module; /* as for require; NULL ends the list */
  const char *chunk;  /* chunk name */
  const char *source;
  size_t length;
} embedded[];

#endif
