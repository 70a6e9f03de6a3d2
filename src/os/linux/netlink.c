/* netlink.c: netlink as a transport: datagrams, messages, attributes. What the
 * messages mean is sockdiag.c's business. Every length is checked before the
 * bytes behind it are read. */
#include "netlink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* Dumps come in datagrams of up to 32 KiB (NLMSG_GOODSIZE and the size of the
 * last read); room for more costs nothing and saves a retry. */
enum { BUFFER = 64 * 1024 };

enum { MOST_ERRNO = 4095 };

/* What no kernel does, and we do not wait for for ever: so many times nothing
 * that helps us, so many seconds of silence, so many sockets in a dump. The
 * dump is made while we ask for it, so what is not there at once is not to
 * come. */
enum { MOST_IN_VAIN = 1000, MOST_SECONDS = 5, MOST_MESSAGES = 1 << 26 };

/* Messages and attributes both start at multiples of four; the last one may
 * lack its padding. */
static size_t step(size_t length, size_t left) {
  size_t aligned = (length + 3) & ~(size_t)3;
  return aligned < left ? aligned : left;
}

const struct nlmsghdr *pi__netlink_next(const char **p, const char *end) {
  const struct nlmsghdr *h = (const void *)*p;
  size_t left = (size_t)(end - *p);
  if (left < sizeof *h || h->nlmsg_len < sizeof *h || h->nlmsg_len > left) {
    return NULL;  // a short tail is not a message
  }
  *p += step(h->nlmsg_len, left);
  return h;
}

const struct nlattr *pi__netlink_attribute(const char **p, const char *end) {
  const struct nlattr *a = (const void *)*p;
  size_t left = (size_t)(end - *p);
  if (left < sizeof *a || a->nla_len < sizeof *a || a->nla_len > left) {
    return NULL;
  }
  *p += step(a->nla_len, left);
  return a;
}

/* The errno that a NLMSG_ERROR or NLMSG_DONE carries, 0 if none; include/linux/
 * err.h has none beyond MOST_ERRNO. */
static int carried_errno(const struct nlmsghdr *h) {
  int code;
  if (h->nlmsg_len < NLMSG_HDRLEN + sizeof code) return 0;
  memcpy(&code, (const char *)h + NLMSG_HDRLEN, sizeof code);
  if (code >= 0) return 0;
  return code < -MOST_ERRNO ? EBADMSG : -code;
}

static int refused(int os, pi_error *err) {
  return pi__fail(err, PI_EOS, os, "sock_diag: %s", strerror(os));
}

int pi__netlink_walk(pi__dump *dump, const char *bytes, size_t length,
                     pi_error *err) {
  const char *p = bytes, *end = bytes + length;
  const struct nlmsghdr *h;
  while (!dump->done && (h = pi__netlink_next(&p, end)) != NULL) {
    if (h->nlmsg_seq != dump->sequence) continue;  // of an older request
    if (h->nlmsg_flags & NLM_F_DUMP_INTR) dump->interrupted = true;
    int os = 0;
    switch (h->nlmsg_type) {
    case NLMSG_NOOP: continue;
    case NLMSG_OVERRUN: dump->interrupted = true; continue;
    case NLMSG_ERROR:
      os = carried_errno(h);  // 0 is an acknowledgement
      if (os != 0) return refused(os, err);
      continue;
    case NLMSG_DONE:
      os = carried_errno(h);  // a dump can fail at its end as well
      if (os != 0) return refused(os, err);
      dump->done = true;
      return 0;
    default: break;
    }
    if (dump->messages++ == MOST_MESSAGES) {
      return pi__fail(err, PI_EREPLY, 0, "sock_diag: an answer without end");
    }
    int rc = dump->visit(dump->arg, h, err);
    if (rc != 0) return rc;
  }
  if (dump->done || p == end) return 0;
  return pi__fail(err, PI_EREPLY, 0, "sock_diag: a malformed answer");
}

static int send_request(int fd, const struct nlmsghdr *request, pi_error *err) {
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  for (;;) {
    ssize_t n = sendto(fd, request, request->nlmsg_len, 0,
                       (const struct sockaddr *)&kernel, sizeof kernel);
    if (n >= 0) return 0;
    if (errno != EINTR) {
      return pi__fail(err, PI_EOS, errno, "sock_diag: %s", strerror(errno));
    }
  }
}

/* Receives one datagram of the kernel's; *length 0 if it was somebody
 * else's. */
static int receive(const pi__dump *dump, int fd, char *buffer, size_t *length,
                   bool *cut, pi_error *err) {
  struct sockaddr_nl from = {0};
  struct iovec part = {buffer, BUFFER};
  struct msghdr message = {
      .msg_name = &from,
      .msg_namelen = sizeof from,
      .msg_iov = &part,
      .msg_iovlen = 1,
  };
  bool stop = dump->stop != NULL && atomic_load(dump->stop);
  if (stop || pi__interrupted(dump->reading)) {
    return pi__fail(err, PI_ECANCELED, 0, "interrupted");
  }
  ssize_t n = recvmsg(fd, &message, 0);
  *length = 0;
  if (n < 0 && errno == EINTR) return 0;
  if (n < 0) return refused(errno == EAGAIN ? ETIMEDOUT : errno, err);
  if (from.nl_pid != 0) return 0;  // nothing of it says anything of the dump
  if (n == 0) return pi__fail(err, PI_EREPLY, 0, "sock_diag: an empty answer");
  *cut = (message.msg_flags & MSG_TRUNC) != 0;
  *length = (size_t)n;
  return 0;
}

/* Walks a datagram while no other dump that shares the lock does. */
static int take_turn(pi__dump *dump, const char *bytes, size_t length,
                     pi_error *err) {
  if (dump->lock != NULL) pthread_mutex_lock(dump->lock);
  int rc = pi__netlink_walk(dump, bytes, length, err);
  if (dump->lock != NULL) pthread_mutex_unlock(dump->lock);
  return rc;
}

static int receive_some(pi__dump *dump, int fd, char *buffer, pi_error *err) {
  size_t length = 0;
  bool cut = false;
  int rc = receive(dump, fd, buffer, &length, &cut, err);
  if (rc == PI_EOS && err->os == ENOBUFS) {
    dump->interrupted = true;  // datagrams were lost, the rest still comes
    return 0;
  }
  if (rc != 0) return rc;
  if (cut) dump->interrupted = true;
  rc = take_turn(dump, buffer, length, err);
  return rc == PI_EREPLY && cut ? 0 : rc;  // our buffer ended, not their answer
}

static int receive_all(pi__dump *dump, int fd, char *buffer, pi_error *err) {
  for (unsigned in_vain = 0; !dump->done; in_vain++) {
    const size_t before = dump->messages;
    if (in_vain == MOST_IN_VAIN) {
      return pi__fail(err, PI_EREPLY, 0, "sock_diag: no answer comes");
    }
    int rc = receive_some(dump, fd, buffer, err);
    if (rc != 0) return rc;
    if (dump->messages != before) in_vain = 0;
  }
  return 0;
}

int pi__netlink_dump(pi__dump *dump, struct nlmsghdr *request, pi_error *err) {
  pi_error local;
  if (err == NULL) err = &local;
  dump->sequence = request->nlmsg_seq = 1;
  dump->done = dump->interrupted = false;
  dump->messages = 0;
  // a socket for each dump: whatever ends one early, the next starts clean
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd < 0) {
    return pi__fail(err, PI_EOS, errno, "sock_diag: %s", strerror(errno));
  }
  const struct timeval patience = {.tv_sec = MOST_SECONDS};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  char *buffer = pi__realloc(NULL, BUFFER);
  int rc = buffer == NULL ? pi__nomem(err) : send_request(fd, request, err);
  if (rc == 0) rc = receive_all(dump, fd, buffer, err);
  pi__realloc(buffer, 0);
  close(fd);
  return rc;
}
