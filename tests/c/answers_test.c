/* answers_test.c: readings out of sock_diag, whose kernel is this program: it
 * has socket(2), sendto(2) and recvmsg(2) of its own, so that every request is
 * answered with what a test wrote down.
 *
 * | what comes                             | what is made of it              |
 * |----------------------------------------|---------------------------------|
 * | DUMP_INTR, OVERRUN, ENOBUFS, MSG_TRUNC | asked for thrice, then partial  |
 * | EINTR                                  | received again, or an end       |
 * | another sequence, another sender       | no answer, passed over          |
 * | a message too short, of another kind   | no row, and partial             |
 * | attributes unknown or too short        | passed over, values unknown     |
 * | a socket twice                         | one row, as told last           |
 * | an errno, in NLMSG_DONE too; EOF       | none of it is kept: the proc    |
 * | a length that lies; silence            | table, with a note; without     |
 * | what is of no use, without end         | one an error                    |
 * | both families refused at once          | each is asked for by itself     |
 */
#include "procroot.h"

#include "filters.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

/* One answer to recvmsg(2). */
typedef struct datagram {
  int os;         /* not 0: a refusal */
  unsigned again; /* how often more it comes */
  uint32_t from;
  int flags;
  size_t used;
  char bytes[1024];
} datagram;

static struct kernel {
  datagram answers[32];
  size_t count, told, requests;
  datagram *endless; /* comes again and again after those; NULL: nothing does */
  size_t again;
  int no_socket, no_request; /* errnos; 0: there is */
} kernel;

// glibc takes any address here, by a union
#ifdef __GLIBC__
typedef __CONST_SOCKADDR_ARG any_address;
#else
typedef const struct sockaddr *any_address;
#endif

/* ---- What the library calls ---------------------------------------------- */

int socket(int domain, int type, int protocol) {
  (void)type;
  (void)protocol;
  if (domain != AF_NETLINK) {
    errno = EAFNOSUPPORT;
    return -1;
  }
  if (kernel.no_socket != 0) {
    errno = kernel.no_socket;
    return -1;
  }
  return open("/dev/null", O_RDWR | O_CLOEXEC);
}

ssize_t sendto(int fd, const void *bytes, size_t length, int flags,
               any_address to, socklen_t size) {
  (void)fd;
  (void)bytes;
  (void)flags;
  (void)to;
  (void)size;
  kernel.requests++;
  errno = kernel.no_request;
  return kernel.no_request != 0 ? -1 : (ssize_t)length;
}

static const datagram *next_answer(void) {
  if (kernel.told < kernel.count) {
    datagram *d = &kernel.answers[kernel.told];
    kernel.told += d->again == 0;
    d->again -= d->again > 0;
    return d;
  }
  assert_non_null(kernel.endless);
  assert_true(++kernel.again < 5000000);  // or nothing ends it
  return kernel.endless;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
  (void)fd;
  (void)flags;
  const datagram *d = next_answer();
  if (d->os != 0) {
    errno = d->os;
    return -1;
  }
  struct sockaddr_nl from = {.nl_family = AF_NETLINK, .nl_pid = d->from};
  memcpy(message->msg_name, &from, sizeof from);
  assert_true(d->used <= message->msg_iov->iov_len);
  memcpy(message->msg_iov->iov_base, d->bytes, d->used);
  message->msg_flags = d->flags;
  return (ssize_t)d->used;
}

/* ---- What is written down ------------------------------------------------ */

static datagram *answer(void) {
  assert_true(kernel.count < LENGTH(kernel.answers));
  return &kernel.answers[kernel.count++];
}

static void put(datagram *d, uint16_t type, uint16_t flags, uint32_t sequence,
                const void *payload, size_t length) {
  struct nlmsghdr h = {.nlmsg_len = (uint32_t)(sizeof h + length),
                       .nlmsg_type = type,
                       .nlmsg_flags = flags,
                       .nlmsg_seq = sequence};
  assert_true(d->used + sizeof h + length <= sizeof d->bytes);
  memcpy(d->bytes + d->used, &h, sizeof h);
  memcpy(d->bytes + d->used + sizeof h, payload, length);
  d->used += NLMSG_ALIGN(sizeof h + length);
}

/* A socket on this port. */
static void put_socket(datagram *d, uint16_t port, uint16_t flags,
                       uint32_t sequence) {
  struct inet_diag_msg m = {.idiag_family = AF_INET, .idiag_state = 7};
  m.id.idiag_sport = htons(port);
  m.id.idiag_cookie[0] = port;
  m.idiag_inode = port;
  put(d, SOCK_DIAG_BY_FAMILY, flags, sequence, &m, sizeof m);
}

/* That datagram is the last one, and comes for ever. */
static void repeat(datagram *d) {
  kernel.endless = d;
  kernel.count--;
}

static void put_done(datagram *d, int code) {
  put(d, NLMSG_DONE, 0, 1, &code, sizeof code);
}

/* A dump of one socket in one datagram. */
static datagram *whole_dump(uint16_t port, uint16_t flags) {
  datagram *d = answer();
  put_socket(d, port, flags, 1);
  put_done(d, 0);
  return d;
}

/* ---- What comes of it ---------------------------------------------------- */

static int reset(void **state) {
  (void)state;
  memset(&kernel, 0, sizeof kernel);
  procroot_make();
  procroot_text("net/dev", "");
  return 0;
}

/* A proc table beside the answers, with a socket on port 5000. */
static void have_table(void) {
  char text[512] = "heading\n";
  size_t n = strlen(text);
  procroot_line(text + n, sizeof text - n, "00000000:1388", "00000000:0000",
                "07", 0, 77);
  procroot_text("net/udp", text);
}

static int take_only(const char *filter, pi_backend backend, pi_snapshot **s,
                     pi_error *err) {
  pi_filter *f = word(filter);
  pi_options options = {.filter = f, .backend = backend, .proc = procroot};
  int rc = pi_snapshot_take(&options, s, err);
  pi_filter_free(f);
  return rc;
}

static int take(pi_backend backend, pi_snapshot **s, pi_error *err) {
  return take_only("udp and family = ipv4", backend, s, err);
}

static pi_snapshot *taken(pi_backend backend) {
  pi_snapshot *s = NULL;
  pi_error err = {0};
  if (take(backend, &s, &err) != 0) fail_msg("%s", err.text);
  assert_int_equal(kernel.count, kernel.told);
  return s;
}

static const struct pi_source *source(const pi_snapshot *s) {
  return &pi_snapshot_quality(s)->sources[PI_PROTO_UDP][PI_FAMILY_4];
}

static void assert_ports(const pi_snapshot *s, size_t count,
                         const uint16_t *ports) {
  assert_int_equal(count, pi_snapshot_count(s));
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(ports[i], pi_snapshot_value(s, i, PI_LPORT, 0).number);
  }
}

static void assert_port(const pi_snapshot *s, uint16_t port) {
  assert_ports(s, 1, &port);
}

static void a_disturbed_dump_is_asked_for_again(void **state) {
  (void)state;
  whole_dump(1001, NLM_F_DUMP_INTR);
  answer()->os = ENOBUFS;  // some were lost, the rest still comes
  whole_dump(1002, 0);
  whole_dump(1003, 0)->flags = MSG_TRUNC;
  whole_dump(1004, 0);
  pi_snapshot *s = taken(PI_BACKEND_NETLINK);
  assert_port(s, 1004);  // and nothing of what went before
  assert_int_equal(4, kernel.requests);
  assert_int_equal(3, source(s)->retries);
  assert_false(source(s)->partial);
  pi_snapshot_free(s);
}

static void one_that_is_disturbed_each_time_is_kept_as_partial(void **state) {
  (void)state;
  for (uint16_t i = 1; i <= 4; i++) {
    whole_dump((uint16_t)(1000 + i), NLM_F_DUMP_INTR);
  }
  pi_snapshot *s = taken(PI_BACKEND_NETLINK);
  assert_port(s, 1004);
  assert_int_equal(4, kernel.requests);
  assert_int_equal(3, source(s)->retries);
  assert_true(source(s)->partial);
  pi_snapshot_free(s);
}

/* Whoever may send to our port is not the kernel, whatever it claims. */
static void what_others_send_is_no_answer(void **state) {
  (void)state;
  whole_dump(6666, NLM_F_DUMP_INTR)->from = 4711;
  *answer() = (datagram){.from = 4711, .flags = MSG_TRUNC};  // nor if it is cut
  put(answer(), NLMSG_ERROR, 0, 0, &(int){-EPERM}, sizeof(int));  // older
  datagram *d = answer();
  put_socket(d, 6667, 0, 2);  // of a request that nobody made
  put_socket(d, 1001, 0, 1);
  put_done(d, 0);
  pi_snapshot *s = taken(PI_BACKEND_NETLINK);
  assert_port(s, 1001);
  assert_int_equal(1, kernel.requests);
  assert_false(source(s)->partial);
  pi_snapshot_free(s);
}

static void a_dump_comes_in_many_messages_and_datagrams(void **state) {
  (void)state;
  static const uint16_t ports[] = {1001, 1002, 1003, 1004};
  datagram *d = answer();
  put_socket(d, 1001, 0, 1);
  put_socket(d, 1002, 0, 1);
  answer()->os = EINTR;
  put_socket(answer(), 1003, 0, 1);
  d = answer();
  put_socket(d, 1004, 0, 1);
  put_done(d, 0);
  pi_snapshot *s = taken(PI_BACKEND_NETLINK);
  assert_ports(s, 4, ports);
  assert_false(source(s)->partial);
  pi_snapshot_free(s);
}

static void a_message_that_says_nothing_makes_it_partial(void **state) {
  (void)state;
  datagram *d = answer();
  put(d, SOCK_DIAG_BY_FAMILY, 0, 1, "short", 5);
  put_socket(d, 1001, 0, 1);
  put_done(d, 0);
  pi_snapshot *s = taken(PI_BACKEND_NETLINK);
  assert_port(s, 1001);
  assert_true(source(s)->partial);
  pi_snapshot_free(s);
}

/* What goes wrong after the first rows leaves none of them behind. */
static void a_dump_that_fails_gives_way_to_the_table(void **state) {
  (void)state;
  static const struct {
    int code;     /* of NLMSG_DONE; 0: the datagram is malformed */
    int received; /* what recvmsg(2) says afterwards; 0: nothing */
    int os;       /* that is noted */
  } table[] = {
      {-EPERM, 0, EPERM},   {-EOPNOTSUPP, 0, EOPNOTSUPP},
      {-EINVAL, 0, EINVAL}, {0, 0, EBADMSG},
      {1, EIO, EIO},
  };
  have_table();
  for (size_t i = 0; i < LENGTH(table); i++) {
    memset(&kernel, 0, sizeof kernel);
    datagram *d = answer();
    put_socket(d, 1001, 0, 1);
    if (table[i].code < 0) put_done(d, table[i].code);
    if (table[i].code == 0) d->used += 7;
    if (table[i].received != 0) answer()->os = table[i].received;
    pi_snapshot *s = taken(PI_BACKEND_AUTO);
    assert_port(s, 5000);
    assert_int_equal(PI_BACKEND_PROC, source(s)->backend);
    assert_int_equal(table[i].os, source(s)->os);
    pi_snapshot_free(s);
  }
}

/* ---- What does not end -------------------------------------------------- */

/* Nothing of the dump is there, and the note has this errno. */
static void assert_given_up(int os) {
  pi_snapshot *s = taken(PI_BACKEND_AUTO);
  assert_port(s, 5000);
  assert_int_equal(PI_BACKEND_PROC, source(s)->backend);
  assert_int_equal(os, source(s)->os);
  assert_int_equal(1, kernel.requests);
  pi_snapshot_free(s);
}

static void what_helps_nobody_is_not_received_for_ever(void **state) {
  (void)state;
  have_table();
  for (int kind = 0; kind < 5; kind++) {
    memset(&kernel, 0, sizeof kernel);
    put_socket(answer(), 1001, 0, 1);
    datagram *d = answer();
    switch (kind) {
    case 0: d->os = ENOBUFS; break;
    case 1: d->os = EINTR; break;
    case 2: put_socket(d, 1002, 0, 2); break;  // of an older request
    case 3: put(d, NLMSG_NOOP, 0, 1, "", 0); break;
    default: put_socket(d, 1002, 0, 1); d->from = 4711;
    }
    repeat(d);
    assert_given_up(EBADMSG);
    assert_in_range(kernel.again, 100, 10000);
  }
}

/* A dump may be slow to get to its next socket: that is no reason to end it. */
static void in_vain_is_counted_from_the_last_socket(void **state) {
  (void)state;
  static const uint16_t ports[] = {1001, 1002, 1003};
  for (int i = 0; i < 3; i++) {
    answer()->os = EINTR;
    kernel.answers[kernel.count - 1].again = 600;
    put_socket(answer(), ports[i], 0, 1);
  }
  put_done(answer(), 0);
  pi_snapshot *s = taken(PI_BACKEND_NETLINK);
  assert_ports(s, 3, ports);
  assert_false(source(s)->partial);
  pi_snapshot_free(s);
}

static void a_kernel_that_falls_silent_is_not_waited_for(void **state) {
  (void)state;
  have_table();
  whole_dump(1001, 0)->used -= 20;  // the end is lost with what did not fit
  kernel.answers[0].flags = MSG_TRUNC;
  answer()->os = EAGAIN;  // as SO_RCVTIMEO has it
  assert_given_up(ETIMEDOUT);
}

static void an_answer_without_end_is_none(void **state) {
  (void)state;
  have_table();
  datagram *d = answer();
  while (d->used + 20 < sizeof d->bytes) {
    put(d, SOCK_DIAG_BY_FAMILY, 0, 1, "", 1);
  }
  repeat(d);
  assert_given_up(EBADMSG);
}

static int until_interrupted;

static bool interrupt(void) {
  return until_interrupted-- <= 0;
}

static void whoever_waits_may_stop(void **state) {
  (void)state;
  have_table();
  for (int n = 0; n < 20; n++) {
    memset(&kernel, 0, sizeof kernel);
    datagram *d = answer();
    d->os = EINTR;
    repeat(d);
    until_interrupted = n;
    pi_snapshot *s = NULL;
    pi_error err = {0};
    pi_options options = {.backend = PI_BACKEND_NETLINK,
                          .proc = procroot,
                          .interrupted = interrupt};
    assert_int_equal(PI_ECANCELED, pi_snapshot_take(&options, &s, &err));
    assert_true(kernel.again <= (size_t)n);
    assert_null(s);
  }
}

/* ---- What is no row ----------------------------------------------------- */

static void a_socket_told_twice_is_one_row(void **state) {
  (void)state;
  static const uint16_t ports[] = {1001, 1002};
  datagram *d = answer();
  put_socket(d, 1001, 0, 1);
  put_socket(d, 1002, 0, 1);
  put_socket(answer(), 1001, 0, 1);
  put_done(answer(), 0);
  pi_snapshot *s = taken(PI_BACKEND_NETLINK);
  assert_ports(s, 2, ports);
  assert_int_equal(2, source(s)->rows);
  assert_false(source(s)->partial);
  pi_snapshot_free(s);
}

static void what_was_not_asked_for_is_no_row(void **state) {
  (void)state;
  for (int kind = 0; kind < 4; kind++) {
    memset(&kernel, 0, sizeof kernel);
    struct inet_diag_msg m = {.idiag_family = AF_INET, .idiag_state = 7};
    uint16_t type = SOCK_DIAG_BY_FAMILY;
    switch (kind) {
    case 0: m.idiag_family = AF_INET6; break;
    case 1: m.idiag_family = AF_UNIX; break;
    case 2: m.idiag_state = 200; break;
    default: type = 77;
    }
    m.id.idiag_sport = htons(6666);
    datagram *d = answer();
    put(d, type, 0, 1, &m, sizeof m);
    put_socket(d, 1001, 0, 1);
    put_done(d, 0);
    pi_snapshot *s = taken(PI_BACKEND_NETLINK);
    assert_port(s, 1001);
    assert_true(source(s)->partial);
    pi_snapshot_free(s);
  }
}

static void a_datagram_that_is_cut_each_time_is_partial(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++) {
    datagram *d = answer();
    put_socket(d, 1001, 0, 1);
    put_socket(d, 1002, 0, 1);
    d->used -= 30;
    d->flags = MSG_TRUNC;
    put_done(answer(), 0);
  }
  pi_snapshot *s = taken(PI_BACKEND_NETLINK);
  assert_port(s, 1001);
  assert_int_equal(3, source(s)->retries);
  assert_true(source(s)->partial);
  pi_snapshot_free(s);
}

/* ---- What is refused ---------------------------------------------------- */

static void where_nothing_can_be_asked_the_table_serves(void **state) {
  (void)state;
  static const int errnos[] = {EMFILE, ENFILE,       EPERM,          EACCES,
                               ENOMEM, EAFNOSUPPORT, EPROTONOSUPPORT};
  have_table();
  for (size_t i = 0; i < 2 * LENGTH(errnos); i++) {
    memset(&kernel, 0, sizeof kernel);
    int os = errnos[i / 2];
    *(i % 2 ? &kernel.no_socket : &kernel.no_request) = os;
    pi_snapshot *s = taken(PI_BACKEND_AUTO);
    assert_port(s, 5000);
    assert_int_equal(PI_BACKEND_PROC, source(s)->backend);
    assert_int_equal(os, source(s)->os);
    pi_snapshot_free(s);
  }
}

static void put_refusal(int code) {
  put(answer(), NLMSG_ERROR, 0, 1, &code, sizeof code);
}

/* TCP of both families is one request, if that is answered. */
static void both_families_refused_are_asked_for_apart(void **state) {
  (void)state;
  put_refusal(-EINVAL);
  struct inet_diag_msg m = {.idiag_family = AF_INET, .idiag_state = 10};
  m.id.idiag_sport = htons(1001);
  datagram *d = answer();
  put(d, SOCK_DIAG_BY_FAMILY, 0, 1, &m, sizeof m);
  put_done(d, 0);
  put_refusal(-ENOENT);
  pi_snapshot *s = NULL;
  pi_error err = {0};
  int rc = take_only("tcp and listening", PI_BACKEND_NETLINK, &s, &err);
  if (rc != 0) fail_msg("%s", err.text);
  assert_int_equal(3, kernel.requests);
  assert_port(s, 1001);
  const struct pi_source *tcp = pi_snapshot_quality(s)->sources[PI_PROTO_TCP];
  assert_int_equal(PI_BACKEND_NETLINK, tcp[PI_FAMILY_4].backend);
  assert_int_equal(PI_BACKEND_NONE, tcp[PI_FAMILY_6].backend);
  assert_int_equal(ENOENT, tcp[PI_FAMILY_6].os);
  pi_snapshot_free(s);
}

static void without_a_table_a_dump_that_fails_is_an_error(void **state) {
  (void)state;
  pi_snapshot *s = NULL;
  pi_error err = {0};
  datagram *d = answer();
  put_socket(d, 1001, 0, 1);
  put_done(d, -EPERM);
  assert_int_equal(PI_EOS, take(PI_BACKEND_NETLINK, &s, &err));
  assert_null(s);
  assert_int_equal(EPERM, err.os);
}

/* EINVAL is what a kernel says that lacks an instruction of our tests. */
static void a_kernel_without_our_code_gives_all_and_we_test(void **state) {
  (void)state;
  static const char filter[] = "udp and family = ipv4 and lport = 1002";
  int refusal = -EINVAL;
  put(answer(), NLMSG_ERROR, 0, 1, &refusal, sizeof refusal);
  datagram *d = answer();
  put_socket(d, 1001, 0, 1);
  put_socket(d, 1002, 0, 1);
  put_done(d, 0);
  pi_snapshot *s = NULL;
  pi_error err = {0};
  int rc = take_only(filter, PI_BACKEND_NETLINK, &s, &err);
  if (rc != 0) fail_msg("%s", err.text);
  assert_int_equal(2, kernel.requests);
  size_t found = 0;
  for (size_t i = 0; i < pi_snapshot_count(s); i++) {
    bool wanted = pi_snapshot_value(s, i, PI_LPORT, 0).number == 1002;
    assert_int_equal(wanted, test(word(filter), s, i) == PI_TRUE);
    found += wanted;
  }
  assert_int_equal(1, found);
  assert_int_equal(PI_BACKEND_NETLINK, source(s)->backend);
  pi_snapshot_free(s);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, reset, procroot_teardown)
  const struct CMUnitTest tests[] = {
      T(a_disturbed_dump_is_asked_for_again),
      T(one_that_is_disturbed_each_time_is_kept_as_partial),
      T(what_others_send_is_no_answer),
      T(a_dump_comes_in_many_messages_and_datagrams),
      T(a_message_that_says_nothing_makes_it_partial),
      T(a_dump_that_fails_gives_way_to_the_table),
      T(what_helps_nobody_is_not_received_for_ever),
      T(in_vain_is_counted_from_the_last_socket),
      T(a_kernel_that_falls_silent_is_not_waited_for),
      T(an_answer_without_end_is_none),
      T(whoever_waits_may_stop),
      T(a_socket_told_twice_is_one_row),
      T(what_was_not_asked_for_is_no_row),
      T(a_datagram_that_is_cut_each_time_is_partial),
      T(where_nothing_can_be_asked_the_table_serves),
      T(both_families_refused_are_asked_for_apart),
      T(without_a_table_a_dump_that_fails_is_an_error),
      T(a_kernel_without_our_code_gives_all_and_we_test),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
