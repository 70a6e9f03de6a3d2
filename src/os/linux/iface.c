/* iface.c: a socket's device, by index in the dump, by name for everybody. */
#include "iface.h"

#include <net/if.h>
#include <stdio.h>
#include <string.h>

int pi__iface_name(pi__reading *reading, uint32_t index, uint32_t *ret,
                   pi_error *err) {
  char name[IF_NAMESIZE + 16];
  if (if_indextoname(index, name) == NULL) {
    snprintf(name, sizeof name, "if%u", (unsigned)index);
  }
  return pi__reading_text(reading, name, strlen(name), ret, err);
}
