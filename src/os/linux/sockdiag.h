/* sockdiag.h: what sock_diag's messages say of sockets. */
#ifndef PI_OS_LINUX_SOCKDIAG_H
#define PI_OS_LINUX_SOCKDIAG_H

#include "bytecode.h"
#include "iface.h"
#include "netlink.h"

/* What one dump asks for. */
typedef struct pi__sockdiag_query {
  pi_proto proto;
  pi_family family;
  bool both; /* of TCP alone: both families at once, whatever `family` says */
  uint16_t states; /* bits of pi_state */
  pi__port_choice choice;
  const pi__step *steps; /* tests in postfix order; see pi__sockdiag_tests */
  size_t step_count;     /* 0: none */
  bool figures;          /* rows come with their `info` */
  unsigned parts; /* 2 or more, without steps: asked in so many threads */
} pi__sockdiag_query;

/* What the kernel's own numbers mean, wherever they are met: a state, false if
 * the protocol has none such; an address of 4 or 16 bytes; and whether a socket
 * in such a state tells IPV6_V6ONLY. */
bool pi__kernel_state(pi_proto proto, uint8_t kernel, pi_state *ret);
void pi__kernel_address(pi_family family, const void *from, pi_address *ret);
bool pi__has_v6only(const pi__row *row);

typedef int (*pi__sockdiag_visit)(void *arg, const pi__row *row, pi_error *err);

/* Does the kernel run bytecode over the sockets of this protocol? Of raw ones
 * it would take the protocol for a port, of SCTP's it tests none, and what
 * MPTCP keeps of its ports is not what it compares. */
bool pi__sockdiag_tests(pi_proto proto);

/* Is this message a row? Of SCTP the kernel tells of an endpoint for the sake
 * of its associations, too: they are the rows, and an endpoint is one that
 * listens, or is bound and nothing else. */
bool pi__sockdiag_is_row(const pi__sockdiag_query *query,
                         const struct nlmsghdr *message);

/* Reads one message into *row. False: it is too short, or of another kind than
 * asked for. Without `ifaces` devices stay unknown. */
bool pi__sockdiag_read(pi__ifaces *ifaces, const pi__sockdiag_query *query,
                       const struct nlmsghdr *message, pi__row *row,
                       pi_error *err);

/* Visits every socket that passes the steps. Of TCP, where connections are
 * asked for as well, listeners need not pass. *interrupted: the kernel says the
 * dump is inconsistent; *skipped: messages that could not be read. `visit` may
 * be called in another thread, but by one at a time. */
int pi__sockdiag_dump(pi__reading *reading, const pi__sockdiag_query *query,
                      pi__sockdiag_visit visit, void *arg, bool *interrupted,
                      size_t *skipped, pi_error *err);

#endif
