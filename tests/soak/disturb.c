/* disturb.c: a kernel whose dumps are often inconsistent. To be preloaded:
 *
 *   LD_PRELOAD=disturb.so DISTURBED=FILE PROGRAM
 *
 * The sock_diag of Linux has no way to say that a table moved under it, so that
 * churn alone never shows what becomes of such a dump. Here some lose their
 * first datagram, if it is not the only one, and all of their messages carry
 * NLM_F_DUMP_INTR: one alone, and so many in a row that every further attempt
 * fails, too. FILE, of eight bytes, counts them.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* One dump of so many, and one run of so many; four attempts are made for each
 * reading, so that a run leaves no other choice than to call it partial. */
enum { ONE_OF = 8, RUN_LENGTH = 12 };

/* How far the dump of a descriptor has come. */
enum { FRESH, SOUND, DISTURBED };

enum { MOST_DESCRIPTORS = 1024 };

static ssize_t (*receive)(int, struct msghdr *, int);
static _Atomic uint64_t none, *disturbed = &none;
static atomic_uint dumps;
static atomic_uchar states[MOST_DESCRIPTORS];

__attribute__((constructor)) static void find(void) {
  *(void **)&receive = dlsym(RTLD_NEXT, "recvmsg");
  const char *path = getenv("DISTURBED");
  int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void *at =
      mmap(NULL, sizeof *disturbed, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (at != MAP_FAILED) disturbed = at;
}

/* The same each time, and in step with nothing. */
static unsigned scatter(unsigned n) {
  n = (n ^ n >> 16) * 0x7feb352du;
  n = (n ^ n >> 15) * 0x846ca68bu;
  return n ^ n >> 16;
}

static bool is_due(unsigned dump) {
  return scatter(dump) % ONE_OF == 0 ||
         scatter(~(dump / RUN_LENGTH)) % ONE_OF == 0;
}

/* Notes in every message that the table moved; *last: it is the end of a dump
 * of sockets, *any: of such a dump. */
static void mark(char *bytes, ssize_t length, bool spoil, bool *any,
                 bool *last) {
  struct nlmsghdr *h = (void *)bytes;
  unsigned left = (unsigned)length;
  for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
    *last = *last || h->nlmsg_type == NLMSG_DONE;
    *any = *any || *last || h->nlmsg_type == SOCK_DIAG_BY_FAMILY;
    if (spoil) h->nlmsg_flags |= NLM_F_DUMP_INTR;
  }
}

static bool is_netlink(const struct msghdr *m) {
  const struct sockaddr_nl *from = m->msg_name;
  return from != NULL && m->msg_namelen >= sizeof *from &&
         from->nl_family == AF_NETLINK && from->nl_groups == 0;
}

ssize_t recvmsg(int fd, struct msghdr *m, int flags) {
  for (;;) {
    socklen_t room = m->msg_namelen;
    ssize_t n = receive(fd, m, flags);
    if (n <= 0 || fd >= MOST_DESCRIPTORS || !is_netlink(m)) return n;
    bool any = false, last = false, first = states[fd] == FRESH;
    mark(m->msg_iov->iov_base, n, false, &any, &last);
    if (!any) return n;
    if (first)
      states[fd] = is_due(atomic_fetch_add(&dumps, 1)) ? DISTURBED : SOUND;
    bool spoil = states[fd] == DISTURBED;
    if (spoil && first) atomic_fetch_add(disturbed, 1);
    if (last) states[fd] = FRESH;
    if (!spoil) return n;
    mark(m->msg_iov->iov_base, n, true, &any, &last);
    if (!first || last) return n;
    m->msg_namelen = room;  // lost
  }
}
