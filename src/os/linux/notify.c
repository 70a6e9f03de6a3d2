/* notify.c: the multicast groups of sock_diag(7), in which the kernel tells of
 * every socket that it frees (net/core/sock_diag.c; since Linux 4.3, for
 * everybody). Its words come later than the end, in no order, and get lost if
 * we are slow; then it counts how many. */
#include "notify.h"

#include <errno.h>
#include <limits.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  NOTICE = 16 * 1024, /* one is 400 bytes, and a datagram has one */
  QUEUE = 8 << 20,    /* what may wait for us, if we are permitted so much */
  READ_AT_ONCE = 256, /* datagrams */
  MEMINFO_DROPS = 8,  /* SK_MEMINFO_DROPS of linux/sock_diag.h since 4.7 */
  MEMINFO_MOST = 16,
};

struct pi__notices {
  int fd; /* -1: the kernel does not tell */
  char buffer[NOTICE];
};

/* ---- What is told ------------------------------------------------------- */

/* A notice is a sock_diag answer with the protocol in an attribute, as nobody
 * asked for one. */
static bool read_proto(const struct nlmsghdr *h, pi_proto *ret) {
  const char *p = (const char *)h + NLMSG_HDRLEN +
                  NLMSG_ALIGN(sizeof(struct inet_diag_msg));
  const char *end = (const char *)h + h->nlmsg_len;
  const struct nlattr *a;
  while (p < end && (a = pi__netlink_attribute(&p, end)) != NULL) {
    const uint8_t *payload = (const uint8_t *)a + sizeof *a;
    if ((a->nla_type & NLA_TYPE_MASK) != INET_DIAG_PROTOCOL) continue;
    if (a->nla_len < sizeof *a + 1) return false;
    *ret = *payload == IPPROTO_UDP ? PI_PROTO_UDP : PI_PROTO_TCP;
    return *payload == IPPROTO_UDP || *payload == IPPROTO_TCP;
  }
  return false;
}

static bool read_notice(const struct nlmsghdr *h, pi__row *row) {
  struct inet_diag_msg m;
  pi__sockdiag_query query = {0};
  if (h->nlmsg_len < NLMSG_HDRLEN + sizeof m || !read_proto(h, &query.proto)) {
    return false;
  }
  memcpy(&m, (const char *)h + NLMSG_HDRLEN, sizeof m);
  query.family = m.idiag_family == AF_INET6 ? PI_FAMILY_6 : PI_FAMILY_4;
  return pi__sockdiag_read(NULL, &query, h, row, NULL) && row->cookie != 0;
}

int pi__notify_walk(const char *bytes, size_t length, pi__sockdiag_visit visit,
                    void *arg, uint64_t *unclear, pi_error *err) {
  const char *p = bytes, *end = bytes + length;
  const struct nlmsghdr *h;
  while ((h = pi__netlink_next(&p, end)) != NULL) {
    pi__row row;
    if (!read_notice(h, &row)) {
      ++*unclear;
      continue;
    }
    int rc = visit(arg, &row, err);
    if (rc != 0) return rc;
  }
  *unclear += p != end;
  return 0;
}

/* ---- Listening ---------------------------------------------------------- */

static uint32_t group_of(const pi__want *want, pi_proto proto,
                         pi_family family) {
  // of other protocols the kernel tells nobody (sock_diag_destroy_group)
  static const int groups[PI_PROTOS][2] = {
      [PI_PROTO_TCP] = {SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET6_TCP_DESTROY},
      [PI_PROTO_UDP] = {SKNLGRP_INET_UDP_DESTROY, SKNLGRP_INET6_UDP_DESTROY},
  };
  if (groups[proto][family] == 0) return 0;
  if (want->states[proto] == 0 || !want->families[family]) return 0;
  return 1u << (groups[proto][family] - 1);
}

/* The descriptor, or a negative errno. */
static int listen_to(uint32_t groups) {
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd < 0) return -errno;
  int size = QUEUE;
  // beyond the limit of the host only with CAP_NET_ADMIN; else up to it
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0) {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  }
  if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0) {
    return fd;
  }
  int os = errno;
  close(fd);
  return -os;
}

int pi__notices_open(const pi__want *want, pi__notices **ret,
                     pi_hearing *hearing, pi_error *err) {
  pi__notices *n = pi__realloc(NULL, sizeof *n);
  if (n == NULL) return pi__nomem(err);
  n->fd = -1;
  *ret = n;
  uint32_t groups = 0;
  for (int i = 0; i < PI_SOURCES; i++) {
    groups |= group_of(want, (pi_proto)(i / 2), (pi_family)(i % 2));
  }
  bool asked = want->backend != PI_BACKEND_PROC && groups != 0 &&
               strcmp(want->proc, "/proc") == 0 &&
               strcmp(want->netns, "own") == 0;
  if (!asked) return 0;
  int fd = listen_to(groups);
  hearing->heard = fd >= 0;
  if (fd >= 0)
    n->fd = fd;
  else
    hearing->os = -fd;
  return 0;
}

void pi__notices_close(pi__notices *n) {
  if (n->fd >= 0) close(n->fd);
  pi__realloc(n, 0);
}

pi_wake pi__notices_wait(pi__notices *n, unsigned ms, int output) {
  // a negative descriptor is passed over
  struct pollfd files[] = {{.fd = n->fd, .events = POLLIN}, {.fd = output}};
  int rc = poll(files, 2, ms > INT_MAX ? INT_MAX : (int)ms);
  if (rc < 0) return PI_WAKE_SIGNAL;
  if (files[1].revents & (POLLERR | POLLHUP | POLLNVAL)) return PI_WAKE_LEFT;
  return files[0].revents != 0 ? PI_WAKE_ENDED : PI_WAKE_TIME;
}

/* How many notices the kernel had no room for: it says, or at least `once`. */
static void count_lost(int fd, pi_hearing *hearing, bool once) {
  uint32_t info[MEMINFO_MOST];
  socklen_t length = sizeof info;
  bool told = getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &length) == 0 &&
              length > MEMINFO_DROPS * sizeof *info;
  uint64_t lost = told ? info[MEMINFO_DROPS] : hearing->lost + once;
  if (lost > hearing->lost) hearing->lost = lost;
}

/* The kernel tells us no more, and *hearing says so. */
static void stop_hearing(pi__notices *n, int os, pi_hearing *hearing) {
  close(n->fd);
  n->fd = -1;
  hearing->heard = false;
  hearing->os = os;
}

/* The bytes of one datagram of the kernel's; 0: somebody else's, or lost ones;
 * -1: there is none, or there will be none any more. */
static ssize_t receive(pi__notices *n, pi_hearing *hearing) {
  struct sockaddr_nl from = {0};
  struct iovec part = {n->buffer, sizeof n->buffer};
  struct msghdr message = {
      .msg_name = &from,
      .msg_namelen = sizeof from,
      .msg_iov = &part,
      .msg_iovlen = 1,
  };
  ssize_t length = recvmsg(n->fd, &message, MSG_DONTWAIT);
  if (length < 0 && errno == ENOBUFS) {
    count_lost(n->fd, hearing, true);
    return 0;
  }
  if (length < 0) {
    bool later = errno == EAGAIN || errno == EINTR;
    if (!later) stop_hearing(n, errno, hearing);
    return -1;
  }
  return from.nl_pid == 0 ? length : 0;
}

int pi__notices_read(pi__notices *n, pi__sockdiag_visit visit, void *arg,
                     pi_hearing *hearing, bool *more, pi_error *err) {
  bool any = false;
  *more = false;
  for (int i = 0; n->fd >= 0 && i < READ_AT_ONCE; i++) {
    ssize_t length = receive(n, hearing);
    if (length < 0) {
      // after the first that did not fit more of them may have been dropped
      if (hearing->lost > 0) count_lost(n->fd, hearing, false);
      return 0;
    }
    any = any || length > 0;
    int rc = pi__notify_walk(n->buffer, (size_t)length, visit, arg,
                             &hearing->unclear, err);
    if (rc != 0) return rc;
  }
  *more = any;  // losses alone may go on for ever
  return 0;
}

uint64_t pi__ticks(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}
