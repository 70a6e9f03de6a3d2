/* proctable.h: the text tables of sockets under /proc/net. */
#ifndef PI_OS_LINUX_PROCTABLE_H
#define PI_OS_LINUX_PROCTABLE_H

#include "../../core/collect.h"

/* Is there such a table of this protocol? MPTCP has none, and those of SCTP
 * have another form. */
bool pi__proctable_has(pi_proto proto);

/* Reads one line (without its newline); false if it is none of a socket. */
bool pi__proctable_line(pi_proto proto, pi_family family, const char *line,
                        size_t length, pi__row *row);

/* Visits every socket of one table in one of `states` (bits of pi_state).
 * *skipped: lines behind the heading that could not be read. */
int pi__proctable_read(const pi__want *want, pi_proto proto, pi_family family,
                       uint16_t states,
                       int (*visit)(void *arg, const pi__row *row,
                                    pi_error *err),
                       void *arg, size_t *skipped, pi_error *err);

#endif
