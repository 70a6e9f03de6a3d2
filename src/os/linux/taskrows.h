/* taskrows.h: the iterator's records as rows, a network namespace at a time. */
#ifndef PI_OS_LINUX_TASKROWS_H
#define PI_OS_LINUX_TASKROWS_H

#include "iface.h"
#include "taskfile.h"

typedef struct pi__taskrows {
  pi__record *records; /* by namespace, the oldest first */
  size_t count, capacity;
} pi__taskrows;

/* Reads all there are, of every namespace. */
int pi__taskrows_read(pi__taskrows *rows, const pi__reading *reading,
                      pi_error *err);
void pi__taskrows_deinit(pi__taskrows *rows);

/* The number of the first record of this namespace, or of a later one. */
size_t pi__taskrows_first(const pi__taskrows *rows, uint64_t netns);

/* Adds the wanted ones of the namespace that is being read. `ifaces`: names of
 * its devices, NULL where we are not in it. Sockets without a port are there
 * only if `unbound`. */
int pi__taskrows_add(const pi__taskrows *rows, const pi__want *want,
                     pi__reading *reading, pi__ifaces *ifaces, bool unbound,
                     pi_error *err);

/* Adds the rows of namespaces that could not be entered, and where all are
 * wanted also of those that nothing but a descriptor leads to. There are only
 * sockets with a descriptor among them, so these sources are partial. */
int pi__taskrows_rest(const pi__taskrows *rows, const pi__want *want,
                      pi__reading *reading, pi_error *err);

#endif
