/* taskrows.h: the iterator's records as rows, a network namespace at a time. */
#ifndef PI_OS_LINUX_TASKROWS_H
#define PI_OS_LINUX_TASKROWS_H

#include "taskfile.h"

typedef struct pi__taskrows {
  pi__record *records; /* by namespace and inode */
  size_t count, capacity;
} pi__taskrows;

/* Reads all there are, of every namespace. */
int pi__taskrows_read(pi__taskrows *rows, const pi__reading *reading,
                      pi_error *err);
void pi__taskrows_deinit(pi__taskrows *rows);

/* Adds the wanted ones of the namespace that we are in, and which is being
 * read, also those without a port. */
int pi__taskrows_here(const pi__taskrows *rows, const pi__want *want,
                      pi__reading *reading, pi_error *err);

/* Is a row of this namespace, as somebody else tells it, of a socket that is
 * among them, and without a cookie by which the two would be one? */
bool pi__taskrows_tell(const pi__taskrows *rows, uint64_t netns,
                       const pi__row *row);

/* Adds the rows of namespaces that could not be entered, and where all are
 * wanted also of those that nothing but a descriptor leads to. There are only
 * sockets with a descriptor among them. */
int pi__taskrows_rest(const pi__taskrows *rows, const pi__want *want,
                      pi__reading *reading, pi_error *err);

#endif
