/* parts_test.c: a dump in parts is the same dump: no socket is in two of them,
 * none is in no part, and whatever happens to one happens to all. */
#include "procroot.h"

#include "os/linux/parts.h"

#include <arpa/inet.h>
#include <sys/socket.h>

static int make_root(void **state) {
  (void)state;
  procroot_make();
  return 0;
}

static int remove_root(void **state) {
  (void)state;
  procroot_remove();
  return 0;
}

/* ---- How many ----------------------------------------------------------- */

static void counts_what_procfs_says(void **state) {
  (void)state;
  assert_int_equal(0, pi__parts_sockets(procroot, PI_PROTO_TCP, PI_FAMILY_4));
  procroot_text("net/sockstat",
                "sockets: used 230\n"
                "TCP: inuse 108027 orphan 3 tw 44 alloc 108030 mem 5\n"
                "UDP: inuse 7 mem 2\nUDPLITE: inuse 1\nRAW: inuse 0\n");
  procroot_text("net/sockstat6", "TCP6: inuse 12\nUDP6: inuse 3\n");
  const char *p = procroot;
  assert_int_equal(108071, pi__parts_sockets(p, PI_PROTO_TCP, PI_FAMILY_4));
  assert_int_equal(12, pi__parts_sockets(p, PI_PROTO_TCP, PI_FAMILY_6));
  assert_int_equal(7, pi__parts_sockets(p, PI_PROTO_UDP, PI_FAMILY_4));
  assert_int_equal(3, pi__parts_sockets(p, PI_PROTO_UDP, PI_FAMILY_6));
  procroot_text("net/sockstat", "TCP:\nUDP: inuse\nTCP");
  assert_int_equal(0, pi__parts_sockets(p, PI_PROTO_TCP, PI_FAMILY_4));
  assert_int_equal(0, pi__parts_sockets(p, PI_PROTO_UDP, PI_FAMILY_4));
}

static void few_sockets_are_not_parted(void **state) {
  (void)state;
  assert_int_equal(1, pi__parts_count(0));
  assert_int_equal(1, pi__parts_count(1000));
  unsigned n = pi__parts_count(SIZE_MAX);
  assert_true(n >= 1 && n <= PI__MOST_PARTS);
}

/* ---- Which rows --------------------------------------------------------- */

static bool step_holds(const pi__step *step, unsigned lport, unsigned rport) {
  unsigned port = step->op == PI__STEP_LPORT ? lport : rport;
  return port >= step->first && port <= step->last;
}

static bool in_part(const pi__step *steps, size_t n, unsigned lport,
                    unsigned rport) {
  bool stack[PI__PART_STEPS];
  size_t depth = 0;
  for (size_t i = 0; i < n; i++) {
    switch (steps[i].op) {
    case PI__STEP_AND:
      depth--;
      stack[depth - 1] = stack[depth - 1] && stack[depth];
      break;
    case PI__STEP_OR:
      depth--;
      stack[depth - 1] = stack[depth - 1] || stack[depth];
      break;
    default: stack[depth++] = step_holds(&steps[i], lport, rport);
    }
  }
  assert_int_equal(1, depth);
  return stack[0];
}

static pi_host host_of(uint16_t first, uint16_t last) {
  static pi_host host;
  host.ephemeral_known = true;
  host.ephemeral_first = first;
  host.ephemeral_last = last;
  return host;
}

/* How many parts have this socket? */
static unsigned parts_with(const pi_host *host, unsigned parts, unsigned lport,
                           unsigned rport) {
  unsigned found = 0;
  for (unsigned i = 0; i < parts; i++) {
    pi__step steps[PI__PART_STEPS];
    size_t n = pi__parts_steps(host, i, parts, steps);
    found += in_part(steps, n, lport, rport);
  }
  return found;
}

static void every_socket_is_in_one_part(void **state) {
  (void)state;
  static const uint16_t ranges[][2] = {
      {32768, 60999}, {1, 65535}, {1024, 65535}, {65535, 65535}, {1, 1},
      {40000, 40001}, {0, 0},     {5000, 4000},  {0, 65535}};
  uint64_t seed = 3;
  for (size_t r = 0; r < LENGTH(ranges); r++) {
    pi_host host = host_of(ranges[r][0], ranges[r][1]);
    for (int i = 0; i < 4000; i++) {
      // half of the ports near an edge, where a part ends
      unsigned lport = (unsigned)(next_number(&seed) % 65536);
      unsigned rport = (unsigned)(next_number(&seed) % 65536);
      if (i % 2 == 0) lport = (ranges[r][i / 2 % 2] + i % 5 - 2) & 65535;
      if (i % 3 == 0) rport = (ranges[r][i / 3 % 2] + i % 7 - 3) & 65535;
      if (i % 11 == 0) rport = 0;
      unsigned parts = 2 + (unsigned)i % (PI__MOST_PARTS - 1);
      if (parts_with(&host, parts, lport, rport) != 1) {
        fail_msg("%u %u of %u to %u is not in one of %u parts", lport, rport,
                 ranges[r][0], ranges[r][1], parts);
      }
    }
  }
}

/* A server's connections have one local port, a client's one remote port. */
static void both_ends_of_connections_part_evenly(void **state) {
  (void)state;
  pi_host host = host_of(32768, 60999);
  for (unsigned parts = 2; parts <= PI__MOST_PARTS; parts++) {
    for (unsigned i = 0; i < parts; i++) {
      pi__step steps[PI__PART_STEPS];
      size_t n = pi__parts_steps(&host, i, parts, steps), in = 0, out = 0;
      for (unsigned port = 32768; port <= 60999; port++) {
        in += in_part(steps, n, 443, port);
        out += in_part(steps, n, port, 443);
      }
      size_t share = 28232 / parts;
      assert_true(in >= share - 1 && in <= share + 1);
      assert_int_equal(in, out);
    }
  }
}

/* ---- At once ------------------------------------------------------------ */

typedef struct work {
  atomic_uint done[PI__MOST_PARTS];
  atomic_bool stop;
  unsigned failing;
} work;

static int do_part(void *arg, unsigned part, pi_error *err) {
  work *w = arg;
  atomic_fetch_add(&w->done[part], 1);
  if (part == w->failing) return pi__fail(err, PI_EOS, 5, "part %u", part);
  return 0;
}

static void each_part_is_done_once(void **state) {
  (void)state;
  for (unsigned parts = 1; parts <= PI__MOST_PARTS; parts++) {
    work w = {.failing = UINT32_MAX};
    assert_int_equal(0, pi__parts_run(parts, do_part, &w, &w.stop, NULL));
    for (unsigned i = 0; i < PI__MOST_PARTS; i++) {
      assert_int_equal(i < parts, atomic_load(&w.done[i]));
    }
    assert_false(atomic_load(&w.stop));
  }
}

static void the_failure_of_a_part_is_that_of_all(void **state) {
  (void)state;
  for (unsigned failing = 0; failing < PI__MOST_PARTS; failing++) {
    work w = {.failing = failing};
    pi_error err = {0};
    char text[16];
    snprintf(text, sizeof text, "part %u", failing);
    assert_int_equal(PI_EOS,
                     pi__parts_run(PI__MOST_PARTS, do_part, &w, &w.stop, &err));
    assert_string_equal(text, err.text);
    assert_int_equal(5, err.os);
    assert_true(atomic_load(&w.stop));
  }
}

/* ---- A kernel's own answers --------------------------------------------- */

enum { PAIRS = 40 };

static int fds[2 * PAIRS + 1];

/* Connections over loopback, as far as there is one. */
static size_t open_pairs(void) {
  struct sockaddr_in a = {.sin_family = AF_INET};
  socklen_t length = sizeof a;
  size_t n = 0;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  assert_int_equal(0, bind(listener, (void *)&a, sizeof a));
  assert_int_equal(0, listen(listener, PAIRS));
  assert_int_equal(0, getsockname(listener, (void *)&a, &length));
  fds[n++] = listener;
  for (int i = 0; i < PAIRS; i++) {
    int client = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(client, (void *)&a, sizeof a) != 0) {
      close(client);
      break;
    }
    fds[n++] = client;
    fds[n++] = accept(listener, NULL, NULL);
  }
  return n;
}

static size_t ours_in(const pi_snapshot *s, size_t fd_count) {
  size_t found = 0;
  for (size_t i = 0; i < fd_count; i++) {
    struct stat st;
    assert_int_equal(0, fstat(fds[i], &st));
    for (size_t row = 0; row < pi_snapshot_count(s); row++) {
      pi_value v = pi_snapshot_value(s, row, PI_INODE, 0);
      found += v.sight == PI_KNOWN && v.number == st.st_ino;
    }
  }
  return found;
}

/* procfs tells of more sockets than there are, so that few are parted too. */
static void a_dump_in_parts_has_every_socket_once(void **state) {
  (void)state;
  size_t n = open_pairs();
  procroot_text("net/sockstat", "TCP: inuse 500000 orphan 0 tw 0\n");
  pi_options options = {.groups = PI_GROUP_DERIVED, .proc = procroot};
  pi_snapshot *s;
  pi_error err;
  if (pi_snapshot_take(&options, &s, &err) != 0) skip_because("%s", err.text);
  const pi_quality *q = pi_snapshot_quality(s);
  if (q->sources[PI_PROTO_TCP][PI_FAMILY_4].backend != PI_BACKEND_NETLINK) {
    skip_because("sock_diag is not there");
  }
  for (int family = 0; family < 2; family++) {
    const struct pi_source *source = &q->sources[PI_PROTO_TCP][family];
    assert_int_equal(pi__parts_count(500000), source->parts);
    assert_true(source->wanted);
    assert_false(source->partial);
  }
  assert_int_equal(1, q->sources[PI_PROTO_UDP][PI_FAMILY_4].parts);
  assert_int_equal(n, ours_in(s, n));
  pi_snapshot_free(s);
  for (size_t i = 0; i < n; i++) close(fds[i]);
}

static bool says_stop(void) {
  return true;
}

static void a_dump_in_parts_can_be_interrupted(void **state) {
  (void)state;
  procroot_text("net/sockstat", "TCP: inuse 500000 orphan 0 tw 0\n");
  pi_options options = {.proc = procroot, .interrupted = says_stop};
  pi_snapshot *s = NULL;
  pi_error err;
  assert_int_equal(PI_ECANCELED, pi_snapshot_take(&options, &s, &err));
  assert_null(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(counts_what_procfs_says, make_root,
                                      remove_root),
      cmocka_unit_test(few_sockets_are_not_parted),
      cmocka_unit_test(every_socket_is_in_one_part),
      cmocka_unit_test(both_ends_of_connections_part_evenly),
      cmocka_unit_test(each_part_is_done_once),
      cmocka_unit_test(the_failure_of_a_part_is_that_of_all),
      cmocka_unit_test_setup_teardown(a_dump_in_parts_has_every_socket_once,
                                      make_root, remove_root),
      cmocka_unit_test_setup_teardown(a_dump_in_parts_can_be_interrupted,
                                      make_root, remove_root),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
