/* record_test.c: what the iterator's records mean, made by hand; and what is
 * said of a kernel that takes no such program. */
#include "test.h"

#include "os/linux/bpf/loader.h"
#include "os/linux/taskfile.h"

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

/* A UDP service of IPv4. */
static pi__record made(void) {
  return (pi__record){
      .version = PI__RECORD_VERSION,
      .size = sizeof(pi__record),
      .protocol = IPPROTO_UDP,
      .family = AF_INET,
      .type = SOCK_DGRAM,
      .inode = 7,
      .cookie = 9,
      .uid = 33,
      .mark = 5,
      .rxq = 11,
      .txq = 12,
      .lport = 53,
      .state = 7,
      .known = PI__RECORD_UID | PI__RECORD_MARK | PI__RECORD_QUEUES |
               PI__RECORD_V6ONLY | PI__RECORD_CHOSEN,
      .laddr = {10, 0, 0, 1, 99},  // what is behind the four is not looked at
      .comm = "named",
  };
}

/* ---- Walking ------------------------------------------------------------ */

typedef struct seen {
  unsigned count;
  uint64_t last; /* inode */
} seen;

static int see(void *arg, const pi__record *r, pi_error *err) {
  seen *s = arg;
  s->count++;
  s->last = r->inode;
  return r->inode == 666 ? pi__fail(err, PI_ENOMEM, 0, "enough") : 0;
}

static void whole_records_are_visited_and_the_rest_is_left(void **state) {
  (void)state;
  char bytes[3 * sizeof(pi__record) + 1];
  for (uint64_t i = 0; i < 3; i++) {
    pi__record r = made();
    r.inode = 100 + i;
    memcpy(bytes + 1 + i * sizeof r, &r, sizeof r);
  }
  for (size_t length = 0; length < sizeof bytes; length++) {
    seen s = {0};
    size_t used, whole = length / sizeof(pi__record);
    // at an odd address, as bytes lie where they lie
    assert_int_equal(0,
                     pi__record_walk(bytes + 1, length, &used, see, &s, NULL));
    assert_int_equal(whole, s.count);
    assert_int_equal(whole * sizeof(pi__record), used);
    if (whole > 0) assert_int_equal(99 + whole, s.last);
  }
}

static void walked_to_a_foreign_one(const pi__record *foreign) {
  pi__record both[2] = {made(), *foreign};
  seen s = {0};
  size_t used;
  pi_error err = {0};
  int rc = pi__record_walk((char *)both, sizeof both, &used, see, &s, &err);
  assert_int_equal(PI_EREPLY, rc);
  assert_int_equal(1, s.count);
  assert_int_equal(sizeof *both, used);
  assert_says(err.text, "records are not ours: version ");
}

static void a_foreign_record_is_not_read(void **state) {
  (void)state;
  pi__record r = made();
  r.version++;
  walked_to_a_foreign_one(&r);
  r = made();
  r.size--;
  walked_to_a_foreign_one(&r);
  memset(&r, 0, sizeof r);
  walked_to_a_foreign_one(&r);
}

static void a_visit_that_fails_ends_the_walk(void **state) {
  (void)state;
  pi__record three[3] = {made(), made(), made()};
  seen s = {0};
  size_t used;
  pi_error err = {0};
  three[1].inode = 666;
  int rc = pi__record_walk((char *)three, sizeof three, &used, see, &s, &err);
  assert_int_equal(PI_ENOMEM, rc);
  assert_string_equal("enough", err.text);
  assert_int_equal(2, s.count);
}

/* ---- Rows --------------------------------------------------------------- */

static void a_record_is_a_row(void **state) {
  (void)state;
  pi__record r = made();
  pi__row row;
  assert_true(pi__record_row(&r, &row));
  pi_address expected = address_of("10.0.0.1"), any = address_of("0.0.0.0");
  assert_int_equal(PI_PROTO_UDP, row.proto);
  assert_int_equal(PI_FAMILY_4, row.family);
  assert_int_equal(PI_STATE_UNCONNECTED, row.state);
  assert_memory_equal(&expected, &row.laddr, sizeof expected);
  assert_memory_equal(&any, &row.raddr, sizeof any);
  assert_int_equal(53, row.lport);
  assert_int_equal(7, row.inode);
  assert_int_equal(9, row.cookie);
  assert_int_equal(33, row.uid);
  assert_int_equal(11, row.rxq);
  assert_int_equal(12, row.txq);
  assert_int_equal(5, row.mark);
  assert_int_equal(PI_KNOWN, row.uid_sight);
  assert_int_equal(PI_KNOWN, row.rxq_sight);
  assert_int_equal(PI_KNOWN, row.txq_sight);
  assert_int_equal(PI_KNOWN, row.mark_sight);
  assert_int_equal(PI_EMPTY, row.v6only_sight);
  assert_int_equal(PI_EMPTY, row.iface_sight);
}

static void what_a_kernel_does_not_tell_stays_unknown(void **state) {
  (void)state;
  pi__record r = made();
  pi__row row;
  bool autobound;
  r.family = AF_INET6;
  r.known = 0;
  r.cookie = 0;
  r.iface = 2;  // whose name is another namespace's matter
  assert_true(pi__record_row(&r, &row));
  assert_int_equal(PI_UNKNOWN, row.uid_sight);
  assert_int_equal(PI_UNKNOWN, row.rxq_sight);
  assert_int_equal(PI_UNKNOWN, row.txq_sight);
  assert_int_equal(PI_UNKNOWN, row.mark_sight);
  assert_int_equal(PI_UNKNOWN, row.v6only_sight);
  assert_int_equal(PI_UNKNOWN, row.iface_sight);
  assert_int_equal(0, row.cookie);
  assert_int_equal(PI_UNKNOWN, pi__record_autobound(&r, &autobound));
}

static void who_chose_the_port(void **state) {
  (void)state;
  pi__record r = made();
  bool autobound;
  assert_int_equal(PI_KNOWN, pi__record_autobound(&r, &autobound));
  assert_true(autobound);
  r.flags = PI__RECORD_IS_CHOSEN;
  assert_int_equal(PI_KNOWN, pi__record_autobound(&r, &autobound));
  assert_false(autobound);
  r.lport = 0;
  assert_int_equal(PI_EMPTY, pi__record_autobound(&r, &autobound));
}

static void what_has_no_row_is_told_apart(void **state) {
  (void)state;
  pi__row row;
  static const struct {
    uint8_t family, type, state;
    uint16_t protocol;
    bool is_row;
  } table[] = {
      {AF_INET, SOCK_STREAM, 1, IPPROTO_TCP, true},
      {AF_INET6, SOCK_STREAM, 10, IPPROTO_TCP, true},
      {AF_INET6, SOCK_DGRAM, 1, IPPROTO_UDP, true},
      {AF_UNIX, SOCK_STREAM, 1, IPPROTO_TCP, false},
      {AF_INET, SOCK_RAW, 7, IPPROTO_TCP, true},
      {AF_INET, SOCK_RAW, 7, IPPROTO_ICMP, true},
      {AF_INET, SOCK_DGRAM, 7, IPPROTO_UDPLITE, true},
      {AF_INET6, SOCK_STREAM, 10, 256 + IPPROTO_TCP, true},
      {AF_INET, SOCK_STREAM, 1, IPPROTO_SCTP, false},
      {AF_INET, SOCK_DGRAM, 7, IPPROTO_ICMP, false},
      {AF_INET, SOCK_STREAM, 0, IPPROTO_TCP, false},
      {AF_INET, SOCK_STREAM, 14, IPPROTO_TCP, false},
      {AF_INET, SOCK_DGRAM, 10, IPPROTO_UDP, false},
      {AF_INET, SOCK_STREAM, 1, 512 + IPPROTO_TCP, false},
  };
  for (size_t i = 0; i < LENGTH(table); i++) {
    pi__record r = made();
    r.family = table[i].family;
    r.type = table[i].type;
    r.state = table[i].state;
    r.protocol = table[i].protocol;
    if (pi__record_row(&r, &row) != table[i].is_row) fail_msg("row %zu", i);
  }
}

static void a_name_needs_no_nul(void **state) {
  (void)state;
  pi__record r = made();
  assert_int_equal(5, pi__record_comm(&r));
  memset(r.comm, 'x', sizeof r.comm);
  assert_int_equal(sizeof r.comm, pi__record_comm(&r));
}

/* ---- Starts ------------------------------------------------------------- */

static void a_start_is_in_clock_ticks_of_the_time_namespace(void **state) {
  (void)state;
  uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK);
  pi__record r = made();
  r.start = 3 * UINT64_C(1000000000) + 999999999 / ticks;
  assert_int_equal(3 * ticks, pi__record_start(&r, 0));
  assert_int_equal(5 * ticks, pi__record_start(&r, 2000000000));
  assert_int_equal(ticks, pi__record_start(&r, -2000000000));
}

static void what_a_time_namespace_adds(void **state) {
  (void)state;
  assert_int_equal(0, pi__boot_offset_parse("monotonic  5 0\nboottime 0 0\n"));
  assert_int_equal(86400000000007,
                   pi__boot_offset_parse("monotonic           5         0\n"
                                         "boottime        86400         7\n"));
  assert_int_equal(-1000000000, pi__boot_offset_parse("boottime -1 0\n"));
  assert_int_equal(0, pi__boot_offset_parse(""));
  assert_int_equal(0, pi__boot_offset_parse("boottime\n"));
  assert_int_equal(0, pi__boot_offset("/nonexistent"));
}

/* ---- Refusals ----------------------------------------------------------- */

static const char *refused(const char *release, bool types, const char *log,
                           int code) {
  static pi_error err;
  pi__bpf_refusal refusal = {.step = "loading",
                             .os = EPERM,
                             .log = log,
                             .release = release,
                             .types = types};
  assert_int_equal(code, pi__bpf_refuse(&refusal, &err));
  assert_int_equal(code, err.code);
  assert_int_equal(EPERM, err.os);
  return err.text;
}

static void a_kernel_that_takes_no_program_has_a_reason(void **state) {
  (void)state;
  assert_string_equal("Linux 5.4.0-26-generic is too old: the iterator "
                      "task_file comes with 5.8",
                      refused("5.4.0-26-generic", true, "", PI_EUNSUPPORTED));
  assert_string_equal(
      "Linux 5.10.0 is too old: bpf_sock_from_file comes with 5.11",
      refused("5.10.0", true, "unknown func\n", PI_EUNSUPPORTED));
  assert_says(refused("6.1.0", false, "", PI_EUNSUPPORTED),
              "does not tell its types");
  assert_string_equal("loading: Operation not permitted",
                      refused("6.1.0", true, "", PI_EOS));
  assert_string_equal("loading: Operation not permitted",
                      refused("no number", true, "\n", PI_EOS));
}

static void the_verifiers_last_word_is_kept_safe(void **state) {
  (void)state;
  static const char start[] = "the verifier refuses the program: ";
  char expected[256], log[600];
  snprintf(expected, sizeof expected, "%sR1 invalid mem access", start);
  assert_string_equal(
      expected, refused("6.1.0", true,
                        "0: (79) r1\n\nR1 invalid mem access\n"
                        "processed 12 insns (limit 1000000) max_states\n\n",
                        PI_EOS));
  snprintf(expected, sizeof expected, "%sno line's end", start);
  assert_string_equal(expected,
                      refused("6.1.0", true, "a\nno line's end", PI_EOS));
  snprintf(expected, sizeof expected, "%sred?[31m??", start);
  assert_string_equal(expected,
                      refused("6.1.0", true, "red\033[31m\t\xff\n", PI_EOS));
  memset(log, 'y', sizeof log - 1);
  log[sizeof log - 1] = '\0';
  assert_int_equal(strlen(start) + 159,
                   strlen(refused("6.1.0", true, log, PI_EOS)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(whole_records_are_visited_and_the_rest_is_left),
      cmocka_unit_test(a_foreign_record_is_not_read),
      cmocka_unit_test(a_visit_that_fails_ends_the_walk),
      cmocka_unit_test(a_record_is_a_row),
      cmocka_unit_test(what_a_kernel_does_not_tell_stays_unknown),
      cmocka_unit_test(who_chose_the_port),
      cmocka_unit_test(what_has_no_row_is_told_apart),
      cmocka_unit_test(a_name_needs_no_nul),
      cmocka_unit_test(a_start_is_in_clock_ticks_of_the_time_namespace),
      cmocka_unit_test(what_a_time_namespace_adds),
      cmocka_unit_test(a_kernel_that_takes_no_program_has_a_reason),
      cmocka_unit_test(the_verifiers_last_word_is_kept_safe),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
