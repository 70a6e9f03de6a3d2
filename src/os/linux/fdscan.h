/* fdscan.h: who holds which socket, from the descriptors of all processes. */
#ifndef PI_OS_LINUX_FDSCAN_H
#define PI_OS_LINUX_FDSCAN_H

#include "../../core/collect.h"

/* Looks at every process, in threads, and adds every holder of a socket in the
 * reading. With `threads_too`, looks only for sockets that nobody is known to
 * hold, also in the tables of threads that do not share their process's. */
int pi__fdscan(const char *proc, pi__reading *reading, bool threads_too,
               pi_error *err);

#endif
