/* notify.h: what sock_diag tells unasked: a socket has ended. */
#ifndef PI_OS_LINUX_NOTIFY_H
#define PI_OS_LINUX_NOTIFY_H

#include "sockdiag.h"

/* Visits the sockets of one datagram; what is no word of a TCP or UDP socket's
 * end, or ends in the middle of one, is counted in *unclear. */
int pi__notify_walk(const char *bytes, size_t length, pi__sockdiag_visit visit,
                    void *arg, uint64_t *unclear, pi_error *err);

#endif
