/* source.h: one protocol and family of a network namespace, or TCP of both, and
 * what can be asked of it. */
#ifndef PI_OS_LINUX_SOURCE_H
#define PI_OS_LINUX_SOURCE_H

#include "protocols.h"
#include "sockdiag.h"
#include "taskrows.h"

typedef struct pi__source {
  const pi__want *want;
  pi__reading *reading;
  pi__sockdiag_query query;
  struct pi_source *note;
  const pi__taskrows *told;       /* by the iterator, before; NULL: nothing */
  bool users_asked, users_mapped; /* has each user a number here? */
} pi__source;

/* Does a refusal concern the whole reading, or this way of asking alone? */
static inline bool pi__is_final(int rc) {
  return rc == PI_ENOMEM || rc == PI_ECANCELED;
}

/* The i-th of PI_SOURCES, in the namespace that is being read; false if it is
 * not wanted. */
bool pi__source_at(const pi__want *want, pi__reading *reading, int i,
                   pi__source *ret);

/* Adds its sockets as well as can be; a refusal is noted, and *err tells of it,
 * but only a final one is returned. `protocols`: which there are. */
int pi__source_read(pi__source *s, const pi__protocols *protocols,
                    pi_error *err);

/* The same for all that are wanted, beside what the iterator told (NULL: it did
 * not); *first: why the first source that nobody
 * serves is not served. */
int pi__sources_read(const pi__want *want, pi__reading *reading,
                     const pi__taskrows *told, pi_error *first, pi_error *err);

/* Protocols that a host may lack, and mostly has no sockets of; fills in
 * `protocols` where one of them is wanted. */
bool pi__source_is_rare(const pi__source *s);
void pi__sources_find(const pi__want *want, pi__protocols *protocols);

/* Visits the sockets of a source once more, by sock_diag, as its query says.
 * *whole: every one was told of, so that the absence of one means something. */
int pi__source_visit(pi__source *s, pi__sockdiag_visit visit, bool *whole,
                     pi_error *err);

/* Calls `ask` for all that are wanted and were read, to be asked again in the
 * way that served then. What they refuse is left unknown, unless it is final.
 */
int pi__sources_again(const pi__want *want, pi__reading *reading,
                      int (*ask)(pi__source *s, pi_error *err), pi_error *err);

/* Can more be asked of it by sock_diag? */
bool pi__source_has_more(const pi__source *s);

/* What is noted of a source that is both families is noted of each, but for how
 * many rows it gave. */
void pi__source_share(const pi__source *s);

#endif
