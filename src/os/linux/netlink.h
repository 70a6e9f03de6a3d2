/* netlink.h: asks the kernel over netlink and walks what it answers. */
#ifndef PI_OS_LINUX_NETLINK_H
#define PI_OS_LINUX_NETLINK_H

#include "../../core/collect.h"

#include <linux/netlink.h>
#include <pthread.h>
#include <stdatomic.h>

/* Takes one message of a dump; non-zero ends the dump and is returned. */
typedef int (*pi__netlink_visit)(void *arg, const struct nlmsghdr *message,
                                 pi_error *err);

typedef struct pi__dump {
  const pi__reading *reading; /* whose `interrupted` is asked */
  pi__netlink_visit visit;
  void *arg;
  pthread_mutex_t *lock;   /* held while a datagram is walked; NULL: none */
  const atomic_bool *stop; /* ends the dump early; NULL: nobody does */
  uint32_t sequence;       /* of the request */
  size_t messages;         /* that were visited */
  bool interrupted;        /* the tables moved while the kernel walked them */
  bool done;
} pi__dump;

/* The message at *p, which then points behind it; NULL if what is left is none
 * (a short tail, or a length that runs past the end). */
const struct nlmsghdr *pi__netlink_next(const char **p, const char *end);

/* The attribute at *p, likewise. */
const struct nlattr *pi__netlink_attribute(const char **p, const char *end);

/* Walks one datagram of an answer. 0: go on, or all came, if dump->done. The
 * kernel's refusal is PI_EOS with its errno; PI_EREPLY: it ends in what is no
 * message. */
int pi__netlink_walk(pi__dump *dump, const char *bytes, size_t length,
                     pi_error *err);

/* Sends a request of NETLINK_SOCK_DIAG (its header's sequence is filled in) and
 * walks the whole answer. */
int pi__netlink_dump(pi__dump *dump, struct nlmsghdr *request, pi_error *err);

#endif
