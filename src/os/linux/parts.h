/* parts.h: one dump as several that the kernel can answer side by side. */
#ifndef PI_OS_LINUX_PARTS_H
#define PI_OS_LINUX_PARTS_H

#include "../../core/collect.h"

#include <stdatomic.h>

enum { PI__MOST_PARTS = 4, PI__PART_STEPS = 5 };

/* How many sockets of a protocol and family procfs counts (those of both
 * families in TIME_WAIT stand with IPv4); 0 if it does not tell. */
size_t pi__parts_sockets(const char *proc, pi_proto proto, pi_family family);

/* In how many parts it pays to ask for so many sockets, by the cores that we
 * may run on: 1 to PI__MOST_PARTS. */
unsigned pi__parts_count(size_t sockets);

/* Writes the test for part `i` of `parts`, two at least; returns how many
 * steps. Every socket passes the test of one part exactly. */
size_t pi__parts_steps(const pi_host *host, unsigned i, unsigned parts,
                       pi__step steps[PI__PART_STEPS]);

/* Does parts 0 to `parts` - 1, each by one call of `run`, in as many threads;
 * in fewer where no more can be made. *stop is set once one has failed, for the
 * others to end early; what that one returned is returned, its error in *err.
 */
int pi__parts_run(unsigned parts,
                  int (*run)(void *arg, unsigned part, pi_error *err),
                  void *arg, atomic_bool *stop, pi_error *err);

#endif
