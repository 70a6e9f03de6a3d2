/* iface.h: names of network devices. */
#ifndef PI_OS_LINUX_IFACE_H
#define PI_OS_LINUX_IFACE_H

#include "../../core/collect.h"

/* The text of a device's name, "ifN" if there is none by this index (gone, or
 * in another namespace). */
int pi__iface_name(pi__reading *reading, uint32_t index, uint32_t *ret,
                   pi_error *err);

#endif
