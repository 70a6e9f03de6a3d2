/* tcpinfo.h: what a connection tells of itself in the attributes of sock_diag.
 */
#ifndef PI_OS_LINUX_TCPINFO_H
#define PI_OS_LINUX_TCPINFO_H

#include "netlink.h"

/* The kinds of INET_DIAG_* attributes to be asked for, as bits of idiag_ext. */
unsigned pi__tcpinfo_extensions(void);

/* Has a socket like this such figures? Others of these protocols do not: what
 * waits, and what the kernel keeps as less than a socket. */
bool pi__tcpinfo_has(pi_proto proto);
uint16_t pi__tcpinfo_states(void);

/* Reads the attributes from `p` to `end` into *ret. What the kernel is too old
 * to tell is unknown, what such a socket does not have is empty. */
int pi__tcpinfo_read(pi__reading *reading, pi_proto proto, const char *p,
                     const char *end, pi__tcp_info *ret, pi_error *err);

#endif
