/* proctable_test.c: lines of /proc/net/{tcp,tcp6,udp,udp6}, as kernels wrote
 * them and as none would. */
#include "procroot.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "os/linux/proctable.h"

static bool read_line(pi_proto proto, pi_family family, const char *line,
                      pi__row *row) {
  size_t length = strlen(line);
  char *copy = malloc(length > 0 ? length : 1);  // no NUL behind it
  assert_non_null(copy);
  memcpy(copy, line, length);
  bool ok = pi__proctable_line(proto, family, copy, length, row);
  free(copy);
  return ok;
}

/* The word of an address as this host's kernel prints it. */
static const char *word_of(const char *quad) {
  static char text[9];
  uint32_t word;
  assert_int_equal(1, inet_pton(AF_INET, quad, &word));
  snprintf(text, sizeof text, "%08X", word);
  return text;
}

/* A line of IPv4: local end 127.0.0.1:8080. */
static const char *line_of(const char *state, const char *queues,
                           const char *uid, const char *inode) {
  static char line[512];
  snprintf(line, sizeof line,
           "   3: %s:1F90 00000000:0000 %s %s 00:00000000 00000000 %5s        "
           "0 %s 1 ffff8881 100 0 0 10 0      ",
           word_of("127.0.0.1"), state, queues, uid, inode);
  return line;
}

static const char *const queues = "00000007:00000005";

static void reads_a_listener(void **state) {
  (void)state;
  pi__row row;
  assert_true(read_line(PI_PROTO_TCP, PI_FAMILY_4,
                        line_of("0A", "00000000:00000002", "1000", "4711"),
                        &row));
  pi_address a = address_of("127.0.0.1"), none = address_of("0.0.0.0");
  assert_int_equal(PI_STATE_LISTEN, row.state);
  assert_memory_equal(&a, &row.laddr, sizeof a);
  assert_memory_equal(&none, &row.raddr, sizeof a);
  assert_int_equal(8080, row.lport);
  assert_int_equal(0, row.rport);
  assert_int_equal(2, row.rxq);
  assert_int_equal(PI_UNKNOWN, row.txq_sight);  // its limit is not told
  assert_int_equal(1000, row.uid);
  assert_int_equal(PI_KNOWN, row.uid_sight);
  assert_int_equal(4711, row.inode);
  assert_int_equal(0, row.cookie);
  assert_int_equal(PI_UNKNOWN, row.iface_sight);
  assert_int_equal(PI_UNKNOWN, row.mark_sight);
  assert_int_equal(PI_EMPTY, row.v6only_sight);
}

static void reads_queues_in_their_order(void **state) {
  (void)state;
  pi__row row;
  assert_true(read_line(PI_PROTO_TCP, PI_FAMILY_4,
                        line_of("01", "000000AB:80000001", "0", "5"), &row));
  assert_int_equal(0xab, row.txq);
  assert_int_equal(PI_KNOWN, row.txq_sight);
  assert_int_equal(0x80000001, row.rxq);
}

static void reads_ipv6_word_by_word(void **state) {
  (void)state;
  if (htonl(1) == 1) skip_because("the lines are of a little-endian kernel");
  pi__row row;
  assert_true(read_line(
      PI_PROTO_TCP, PI_FAMILY_6,
      "   0: B80D0120000000006745230101000000:01BB "
      "0000000000000000FFFF00000100007F:C001 01 00000000:00000000 00:00000000 "
      "00000000  1000        0 99 1 0 20 4 30 10 -1",
      &row));
  pi_address a = address_of("2001:db8::123:4567:0:1");
  pi_address b = address_of("127.0.0.1");
  assert_memory_equal(&a, &row.laddr, sizeof a);
  assert_memory_equal(&b, &row.raddr, sizeof b);
  assert_int_equal(443, row.lport);
  assert_int_equal(49153, row.rport);
  assert_int_equal(PI_FAMILY_6, row.family);
}

static void words_of_ones_are_an_address(void **state) {
  (void)state;
  pi__row row;
  assert_true(read_line(
      PI_PROTO_UDP, PI_FAMILY_6,
      "   0: FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF:FFFF "
      "00000000FFFFFFFF00000000FFFFFFFF:0001 07 00000000:00000000 00:00000000 "
      "00000000     0        0 99 1",
      &row));
  pi_address a = address_of("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  pi_address b = address_of("::ffff:ffff:0:0:ffff:ffff");
  assert_memory_equal(&a, &row.laddr, sizeof a);
  assert_memory_equal(&b, &row.raddr, sizeof b);
  assert_int_equal(65535, row.lport);
}

static void v6only_is_never_told(void **state) {
  (void)state;
  static const char form[] =
      "   0: 00000000000000000000000000000000:0050 "
      "00000000000000000000000000000000:0000 %s 00000000:00000000 00:00000000 "
      "00000000     0        0 99 1";
  static const struct {
    pi_proto proto;
    const char *state;
    pi_sight sight;
  } table[] = {
      {PI_PROTO_TCP, "0A", PI_UNKNOWN},
      {PI_PROTO_TCP, "01", PI_EMPTY},
      {PI_PROTO_UDP, "07", PI_UNKNOWN},
      {PI_PROTO_UDP, "01", PI_EMPTY},
  };
  for (size_t i = 0; i < LENGTH(table); i++) {
    char line[512];
    pi__row row;
    snprintf(line, sizeof line, form, table[i].state);
    assert_true(read_line(table[i].proto, PI_FAMILY_6, line, &row));
    assert_int_equal(table[i].sight, row.v6only_sight);
  }
}

static void reads_every_state(void **state) {
  (void)state;
  for (unsigned i = 0; i < 256; i++) {
    char text[8];
    pi__row row;
    snprintf(text, sizeof text, "%02X", i);
    bool ok = read_line(PI_PROTO_TCP, PI_FAMILY_4,
                        line_of(text, queues, "0", "5"), &row);
    assert_int_equal(i >= 1 && i <= 12, ok);
    if (ok) {
      assert_int_equal(i == 12 ? PI_STATE_SYN_RECEIVED : i - 1, row.state);
    }
    ok = read_line(PI_PROTO_UDP, PI_FAMILY_4, line_of(text, queues, "0", "5"),
                   &row);
    assert_int_equal(i == 1 || i == 7, ok);
    if (ok) {
      assert_int_equal(i == 1 ? PI_STATE_CONNECTED : PI_STATE_UNCONNECTED,
                       row.state);
    }
  }
}

static void a_socket_without_a_file_has_no_sure_user(void **state) {
  (void)state;
  static const struct {
    const char *state, *uid, *inode;
    pi_sight sight;
  } table[] = {
      {"06", "0", "0", PI_EMPTY},  {"03", "0", "0", PI_EMPTY},
      {"0C", "0", "0", PI_EMPTY},  {"01", "0", "0", PI_UNKNOWN},
      {"04", "12", "0", PI_KNOWN}, {"0A", "0", "7", PI_KNOWN},
  };
  for (size_t i = 0; i < LENGTH(table); i++) {
    pi__row row;
    assert_true(read_line(
        PI_PROTO_TCP, PI_FAMILY_4,
        line_of(table[i].state, queues, table[i].uid, table[i].inode), &row));
    assert_int_equal(table[i].sight, row.uid_sight);
  }
}

static void numbers_that_do_not_fit_are_refused(void **state) {
  (void)state;
  pi__row row;
  assert_true(read_line(
      PI_PROTO_TCP, PI_FAMILY_4,
      line_of("01", queues, "4294967295", "18446744073709551615"), &row));
  assert_int_equal(UINT32_MAX, row.uid);
  assert_true(row.inode == UINT64_MAX);
  static const char *const bad[][3] = {
      {queues, "1", "18446744073709551616"},
      {queues, "1", "99999999999999999999999999"},
      {queues, "4294967296", "5"},  // is not root
      {"100000000:00000000", "1", "5"},
      {"00000000:100000000", "1", "5"},
      {"00000000:10000000000000000", "1", "5"},
  };
  for (size_t i = 0; i < LENGTH(bad); i++) {
    if (read_line(PI_PROTO_TCP, PI_FAMILY_4,
                  line_of("01", bad[i][0], bad[i][1], bad[i][2]), &row)) {
      fail_msg("line %zu is taken", i);
    }
  }
}

static void what_is_no_line_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when "
      "retrnsmt   uid  timeout inode",
      "   0: 0100007F:1F90",
      "   0: 0100007:1F90 00000000:0000 0A 00000000:00000000 00:00000000 "
      "00000000 0 0 5 1",
      "   0: 0100007F1:1F90 00000000:0000 0A 00000000:00000000 00:00000000 "
      "00000000 0 0 5 1",
      "   0: 0100007F:10000 00000000:0000 0A 00000000:00000000 00:00000000 "
      "00000000 0 0 5 1",
      "   0: 0100007F 00000000:0000 0A 00000000:00000000 00:00000000 00000000 "
      "0 0 5 1",
      "   0: 0100007G:1F90 00000000:0000 0A 00000000:00000000 00:00000000 "
      "00000000 0 0 5 1",
      "   x: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 "
      "00000000 0 0 5 1",
      "   0: 0100007F:1F90 00000000:0000 0A 00000000 00:00000000 00000000 0 0 "
      "5 1",
      "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 "
      "00000000 root 0 5 1",
      "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 "
      "00000000 0 0",
      "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 "
      "00000000 0 0 -5 1",
  };
  for (size_t i = 0; i < LENGTH(bad); i++) {
    pi__row row;
    if (read_line(PI_PROTO_TCP, PI_FAMILY_4, bad[i], &row)) {
      fail_msg("taken: %s", bad[i]);
    }
  }
  pi__row row;
  assert_false(read_line(PI_PROTO_TCP, PI_FAMILY_6,
                         line_of("0A", queues, "0", "5"), &row));
}

/* A line cut anywhere before its inode is none, and nothing is read behind
 * it. */
static void a_line_cut_short_is_none(void **state) {
  (void)state;
  char line[512];
  strcpy(line, line_of("0A", queues, "0", "4711"));
  size_t end = (size_t)(strstr(line, "4711") - line);
  for (size_t n = 0; n < strlen(line); n++) {
    char *copy = malloc(n > 0 ? n : 1);
    pi__row row;
    assert_non_null(copy);
    memcpy(copy, line, n);
    assert_int_equal(
        n > end, pi__proctable_line(PI_PROTO_TCP, PI_FAMILY_4, copy, n, &row));
    free(copy);
  }
}

/* ---- Files --------------------------------------------------------------- */

typedef struct rows {
  size_t count, skipped;
  uint64_t inode; /* of the last */
} rows;

static int see(void *arg, const pi__row *row, pi_error *err) {
  rows *r = arg;
  (void)err;
  r->count++;
  r->inode = row->inode;
  return 0;
}

static rows read_file(const char *bytes, size_t length) {
  const pi__want want = {.proc = procroot};
  rows r = {0};
  procroot_write("net/tcp", bytes, length);
  assert_int_equal(0,
                   pi__proctable_read(&want, PI_PROTO_TCP, PI_FAMILY_4,
                                      UINT16_MAX, see, &r, &r.skipped, NULL));
  return r;
}

/* Of 4711 cut short the rest would be the inode of another socket. */
static void a_last_line_without_its_end_is_counted_and_no_row(void **state) {
  (void)state;
  char text[1024];
  int first = snprintf(text, sizeof text, "heading\n%s\n",
                       line_of("0A", queues, "0", "17"));
  int n = first + snprintf(text + first, sizeof text - (size_t)first, "%s\n",
                           line_of("0A", queues, "0", "4711"));
  for (int length = first; length <= n; length++) {
    rows r = read_file(text, (size_t)length);
    assert_int_equal(length == n ? 2 : 1, r.count);
    assert_int_equal(length == n ? 4711 : 17, r.inode);
    assert_int_equal(length > first && length < n, r.skipped);
  }
}

static void the_rest_of_a_long_line_is_no_line(void **state) {
  (void)state;
  for (size_t before = 900; before < 1100; before++) {
    char text[2048] = "heading\n";
    char *p = text + strlen(text);
    memset(p, 'x', before);
    strcpy(p + before, line_of("0A", queues, "0", "4711"));
    strcat(p, "\n");
    rows r = read_file(text, strlen(text));
    assert_int_equal(0, r.count);
    assert_int_equal(1, r.skipped);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_a_listener),
      cmocka_unit_test(reads_queues_in_their_order),
      cmocka_unit_test(reads_ipv6_word_by_word),
      cmocka_unit_test(words_of_ones_are_an_address),
      cmocka_unit_test(v6only_is_never_told),
      cmocka_unit_test(reads_every_state),
      cmocka_unit_test(a_socket_without_a_file_has_no_sure_user),
      cmocka_unit_test(numbers_that_do_not_fit_are_refused),
      cmocka_unit_test(what_is_no_line_is_refused),
      cmocka_unit_test(a_line_cut_short_is_none),
      cmocka_unit_test(a_last_line_without_its_end_is_counted_and_no_row),
      cmocka_unit_test(the_rest_of_a_long_line_is_no_line),
  };
  return cmocka_run_group_tests(tests, procroot_setup, procroot_teardown);
}
