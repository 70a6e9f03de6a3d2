/* iface.c: a socket's device, by index in the dump, by name for everybody. */
#include "iface.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

/* A thousand sockets of one device, and its name costs a socket of our own and
 * a call: it is asked for once. */
int pi__iface_name(pi__ifaces *ifaces, uint32_t index, uint32_t *ret,
                   pi_error *err) {
  const size_t places = sizeof ifaces->known / sizeof *ifaces->known;
  const size_t place = index % places;
  *ret = ifaces->known[place].text;
  if (ifaces->known[place].index == index) return 0;
  *ret = 0;
  char name[IF_NAMESIZE + 16];
  if (if_indextoname(index, name) == NULL) {
    // to ask takes a socket, which we may not get
    if (errno != ENXIO) return 0;
    snprintf(name, sizeof name, "if%u", (unsigned)index);
  }
  int rc = pi__reading_text(ifaces->reading, name, strlen(name), ret, err);
  if (rc != 0) return rc;
  ifaces->known[place].index = index;
  ifaces->known[place].text = *ret;
  return 0;
}

uint32_t pi__iface_index(const char *name) {
  // by this name a device goes that has none, and then it is another one
  bool numbered = strncmp(name, "if", 2) == 0 && name[2] != '\0' &&
                  name[2 + strspn(name + 2, "0123456789")] == '\0';
  return numbered ? 0 : if_nametoindex(name);
}
