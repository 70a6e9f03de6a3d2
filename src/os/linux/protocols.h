/* protocols.h: which protocols a network namespace has sockets of. */
#ifndef PI_OS_LINUX_PROTOCOLS_H
#define PI_OS_LINUX_PROTOCOLS_H

#include "../../core/collect.h"

/* Are there sockets of a protocol and family, by the kernel's own count? */
typedef enum pi__presence {
  PI__ABSENT,  /* the kernel has no such protocol, or counts no socket */
  PI__PRESENT, /* it counts some, or it does not count these */
  PI__UNTOLD,  /* the table could not be read */
} pi__presence;

typedef struct pi__protocols {
  pi__presence of[PI_PROTOS][2];
  int os; /* errno, where it was not told */
} pi__protocols;

/* Reads /proc/net/protocols. TCP and UDP are always PI__PRESENT: whoever has an
 * IP stack has them. */
void pi__protocols_read(const char *proc, pi__protocols *ret);

/* The same from the text of the table. `counts_mptcp`: 0 sockets of MPTCP means
 * that there are none. */
void pi__protocols_parse(const char *text, bool counts_mptcp,
                         pi__protocols *ret);

#endif
