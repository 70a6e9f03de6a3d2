/* iface.h: names of network devices. */
#ifndef PI_OS_LINUX_IFACE_H
#define PI_OS_LINUX_IFACE_H

#include "../../core/collect.h"

/* Names that were asked for, by the low bits of their index. All zero but for
 * the reading, it knows none. */
typedef struct pi__ifaces {
  pi__reading *reading;
  struct {
    uint32_t index, text;
  } known[64];
} pi__ifaces;

/* The text of a device's name, "ifN" if there is none by this index (gone, or
 * in another namespace); 0 if it could not be asked for. */
int pi__iface_name(pi__ifaces *ifaces, uint32_t index, uint32_t *ret,
                   pi_error *err);

/* The index of the device that pi__iface_name calls so; 0 if that is not for
 * sure. */
uint32_t pi__iface_index(const char *name);

#endif
