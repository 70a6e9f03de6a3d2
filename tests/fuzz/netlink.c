/* netlink.c: any datagrams at all, as answers of sock_diag and as its notices.
 *
 * This program is the kernel: socket(2), bind(2), sendto(2) and recvmsg(2) are
 * its own. Whatever comes, a row can be used; what others send changes nothing;
 * and it makes no difference in how many datagrams the same messages come.
 *
 * An input is a byte for what is asked, and datagrams: how it comes (a byte of
 * the flags below), its length in 4 bytes, the bytes.
 */
#include "fuzz.h"

#include "core/snapshot.h"
#include "os/linux/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sys/socket.h>

enum { FOREIGN = 1, CUT = 2, LOST = 4, DISTURBED = 8 };

/* How an input is told: as it is, without what is not the kernel's, or with a
 * datagram for each message. */
typedef enum manner { AS_IT_IS, KERNEL_ALONE, ONE_BY_ONE } manner;

static struct kernel {
  input in;
  manner manner;
  input rest; /* ONE_BY_ONE: of the datagram under way */
  bool done;
  bool quiet; /* was asked for a datagram, and had none */
} kernel;

// glibc takes any address here, by a union
#ifdef __GLIBC__
typedef __CONST_SOCKADDR_ARG any_address;
#else
typedef const struct sockaddr *any_address;
#endif

/* ---- What the library calls ---------------------------------------------- */

int socket(int domain, int type, int protocol) {
  (void)domain, (void)type, (void)protocol;
  return open("/dev/null", O_RDWR | O_CLOEXEC);
}

int bind(int fd, any_address to, socklen_t size) {
  (void)fd, (void)to, (void)size;
  return 0;
}

ssize_t sendto(int fd, const void *bytes, size_t length, int flags,
               any_address to, socklen_t size) {
  (void)fd, (void)bytes, (void)flags, (void)to, (void)size;
  return (ssize_t)length;
}

char *if_indextoname(unsigned index, char *name) {
  return index == 1 ? strcpy(name, "lo") : NULL;
}

typedef struct datagram {
  unsigned how;
  const uint8_t *bytes;
  size_t length;
} datagram;

static bool next_of_input(datagram *d) {
  uint32_t length = 0;
  if (kernel.in.left <= sizeof length) return false;
  d->how = take_byte(&kernel.in);
  memcpy(&length, kernel.in.at, sizeof length);
  kernel.in.at += sizeof length;
  kernel.in.left -= sizeof length;
  d->length = length < kernel.in.left ? length : kernel.in.left;
  d->bytes = kernel.in.at;
  kernel.in.at += d->length;
  kernel.in.left -= d->length;
  return true;
}

/* The first message of what is left of a datagram, or all of it. */
static size_t first_message(const input *in) {
  uint32_t length;
  if (in->left < sizeof(struct nlmsghdr)) return in->left;
  memcpy(&length, in->at, sizeof length);
  if (length < sizeof(struct nlmsghdr) || length > in->left) return in->left;
  size_t aligned = NLMSG_ALIGN((size_t)length);
  return aligned < in->left ? aligned : in->left;
}

static bool is_foreign(const datagram *d) {
  return (d->how & (FOREIGN | LOST | DISTURBED)) == FOREIGN;
}

static bool next_datagram(datagram *d) {
  if (kernel.rest.left > 0) {
    *d = (datagram){0, kernel.rest.at, first_message(&kernel.rest)};
    kernel.rest.at += d->length;
    kernel.rest.left -= d->length;
    return true;
  }
  do {
    if (!next_of_input(d)) return false;
  } while (kernel.manner != AS_IT_IS && is_foreign(d));
  bool whole = d->how & (CUT | LOST | DISTURBED) || d->length == 0;
  if (kernel.manner != ONE_BY_ONE || whole) return true;
  kernel.rest = (input){d->bytes, d->length};
  return next_datagram(d);
}

/* Behind the last one the kernel is done, or has nothing to tell. */
static ssize_t end_of_dump(struct msghdr *message) {
  const struct nlmsghdr h = {
      .nlmsg_len = sizeof h, .nlmsg_type = NLMSG_DONE, .nlmsg_seq = 1};
  if (kernel.done) {
    kernel.quiet = true;
    errno = EAGAIN;
    return -1;
  }
  kernel.done = true;
  memcpy(message->msg_iov->iov_base, &h, sizeof h);
  return sizeof h;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
  (void)fd, (void)flags;
  struct sockaddr_nl from = {.nl_family = AF_NETLINK};
  datagram d;
  message->msg_flags = 0;
  memcpy(message->msg_name, &from, sizeof from);
  if (!next_datagram(&d)) return end_of_dump(message);
  if (d.how & (LOST | DISTURBED)) {
    errno = d.how & LOST ? ENOBUFS : EINTR;
    return -1;
  }
  from.nl_pid = is_foreign(&d) ? 4711 : 0;
  memcpy(message->msg_name, &from, sizeof from);
  size_t room = message->msg_iov->iov_len;
  bool cut = d.how & CUT || d.length > room;
  size_t length = d.length < room ? d.length : room;
  memcpy(message->msg_iov->iov_base, d.bytes, length);
  if (cut) message->msg_flags = MSG_TRUNC;
  return (ssize_t)length;
}

static void tell(input in, manner manner) {
  kernel = (struct kernel){.in = in, .manner = manner};
}

/* ---- What comes of it ---------------------------------------------------- */

typedef struct seen {
  int rc, os;
  bool interrupted;
  size_t skipped, rows;
  uint64_t unclear, sum;
} seen;

static uint64_t mix(uint64_t sum, const void *bytes, size_t length) {
  const uint8_t *b = bytes;
  for (size_t i = 0; i < length; i++) {
    sum = (sum ^ b[i]) * UINT64_C(0x100000001b3);
  }
  return sum;
}

static void is_a_row(const pi__row *row) {
  must(row->proto < PI_PROTOS && row->family <= PI_FAMILY_6);
  must(row->state <= PI_STATE_UNCONNECTED);
  must(row->uid_sight <= PI_UNKNOWN && row->iface_sight <= PI_UNKNOWN);
  must(row->rxq_sight <= PI_UNKNOWN && row->txq_sight <= PI_UNKNOWN);
  must(row->v6only_sight <= PI_UNKNOWN && row->mark_sight <= PI_UNKNOWN);
  must(row->family == PI_FAMILY_6 || pi_address_is_v4(&row->laddr));
}

static uint64_t sum_of_figures(const pi__tcp_info *info, uint64_t sum) {
  for (int i = 0; i < PI__FIGURES; i++) {
    must(info->figures[i].sight <= PI_UNKNOWN);
    sum = mix(sum, &info->figures[i].number, sizeof info->figures[i].number);
  }
  must(info->congestion_sight <= PI_UNKNOWN);
  return mix(sum, &info->congestion, sizeof info->congestion);
}

typedef struct visitor {
  pi__reading *reading;
  seen *seen;
} visitor;

static int see(void *arg, const pi__row *row, pi_error *err) {
  const visitor *v = arg;
  pi__row plain = *row;
  is_a_row(row);
  v->seen->rows++;
  plain.info = NULL;
  v->seen->sum = mix(v->seen->sum, &plain, sizeof plain);
  if (row->info != NULL) {
    v->seen->sum = sum_of_figures(row->info, v->seen->sum);
  }
  return v->reading == NULL ? 0 : pi__reading_row(v->reading, row, err);
}

/* What the reading under way asks for, and what it is told. */
static pi__sockdiag_query query;
static seen *told;

int pi__collect(const pi__want *want, pi__reading *reading, pi_host *host,
                pi_error *err) {
  (void)want, (void)host;
  visitor v = {reading, told};
  told->rc = pi__sockdiag_dump(reading, &query, see, &v, &told->interrupted,
                               &told->skipped, err);
  told->os = told->rc == PI_EOS ? err->os : 0;
  return told->rc;
}

/* Every cell of a reading, in the widest format. */
static int ignore(void *arg, const char *bytes, size_t length) {
  (void)arg, (void)bytes, (void)length;
  return 0;
}

static void show(const pi_snapshot *s) {
  pi_field fields[PI_FIELD_COUNT];
  pi_selection *all = NULL;
  for (int i = 0; i < PI_FIELD_COUNT; i++) fields[i] = (pi_field)i;
  must(pi_snapshot_select((pi_snapshot *)s, NULL, &all, NULL) == 0);
  must(pi_emit(s, all, PI_NDJSON, 0, fields, PI_FIELD_COUNT, ignore, NULL,
               NULL) == 0);
  pi_selection_free(all);
}

static seen dump(input in, manner manner) {
  seen s = {0};
  pi_snapshot *snapshot = NULL;
  pi_options options = {.groups = PI_GROUP_SOCKET};
  pi_error err = {0};
  told = &s;
  tell(in, manner);
  int rc = pi_snapshot_take(&options, &snapshot, &err);
  must((rc == 0) == (s.rc == 0) && (rc == 0) == (snapshot != NULL));
  must(rc == 0 || rc == PI_EOS || rc == PI_EREPLY);
  if (rc == 0) {
    must(pi_snapshot_count(snapshot) <= s.rows);
    if (manner == AS_IT_IS) show(snapshot);
  }
  pi_snapshot_free(snapshot);
  return s;
}

static seen notices(input in, manner manner) {
  seen s = {0};
  visitor v = {NULL, &s};
  const pi__want want = {.states = {1, 1},
                         .families = {true, true},
                         .proc = "/proc",
                         .netns = "own"};
  pi__notices *n = NULL;
  pi_hearing hearing = {0};
  bool more;
  must(pi__notices_open(&want, &n, &hearing, NULL) == 0 && hearing.heard);
  tell(in, manner);
  kernel.done = true;  // nobody asked, so nothing ends
  // what is of no use, or a signal, ends a call, and not what there is to read
  do {
    must(pi__notices_read(n, see, &v, &hearing, &more, NULL) == 0);
  } while (!kernel.quiet);
  s.unclear = hearing.unclear;
  pi__notices_close(n);
  return s;
}

static void is_the_same(const seen *a, const seen *b) {
  must(a->rc == b->rc && a->os == b->os);
  must(a->rows == b->rows && a->sum == b->sum && a->unclear == b->unclear);
  must(a->skipped == b->skipped && a->interrupted == b->interrupted);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  input in = {data, size};
  uint8_t asked = take_byte(&in);
  query = (pi__sockdiag_query){
      .proto = (pi_proto)(asked % PI_PROTOS),
      .family = asked & 8 ? PI_FAMILY_6 : PI_FAMILY_4,
      .both = asked % PI_PROTOS == PI_PROTO_TCP && asked & 16,
      .states = UINT16_MAX,
      .figures = asked & 32,
  };
  seen (*ask)(input in, manner manner) = asked & 64 ? notices : dump;
  seen whole = ask(in, AS_IT_IS), alone = ask(in, KERNEL_ALONE);
  seen parts = ask(in, ONE_BY_ONE);
  is_the_same(&whole, &alone);
  is_the_same(&whole, &parts);
  return 0;
}
