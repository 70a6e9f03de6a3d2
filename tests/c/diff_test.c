/* diff_test.c: which sockets of two readings are the same, and what of them is
 * different. */
#include "script.h"
#include "saved.h"

static int reset(void **state) {
  (void)state;
  script_reset();
  return 0;
}

static pi_diff compared(pi_snapshot *a, pi_snapshot *b) {
  pi_diff d;
  pi_error err = {0};
  if (pi_snapshot_diff(a, NULL, b, NULL, &d, &err) != 0) {
    fail_msg("%s", err.text);
  }
  return d;
}

/* How many were added and removed, and in what the rest differ. */
static void assert_differ(pi_snapshot *a, pi_snapshot *b, size_t added,
                          size_t removed, uint64_t fields) {
  pi_diff d = compared(a, b);
  assert_int_equal(added, pi_selection_count(d.added));
  assert_int_equal(removed, pi_selection_count(d.removed));
  size_t n = pi_selection_count(d.before);
  assert_int_equal(n, pi_selection_count(d.after));
  assert_int_equal(fields != 0, n);
  if (n > 0) assert_int_equal(fields, d.fields[0]);
  pi_diff_deinit(&d);
  assert_null(d.added);
}

#define BIT(field) (UINT64_C(1) << (field))

/* The script's first row, changed by `change`, before and after. */
static void assert_change(void (*change)(script_row *), size_t added,
                          size_t removed, uint64_t fields) {
  pi_snapshot *a = script_take(0);
  change(&script.rows[0]);
  pi_snapshot *b = script_take(0);
  assert_differ(a, b, added, removed, fields);
  assert_differ(b, a, removed, added, fields);
  assert_differ(a, a, 0, 0, 0);
  // it is the same with one of them, or both, out of a file
  saved f = saved_of(a, NULL), g = saved_of(b, NULL);
  pi_snapshot *c = saved_reload(&f), *d = saved_reload(&g);
  assert_differ(c, b, added, removed, fields);
  assert_differ(a, d, added, removed, fields);
  assert_differ(c, d, added, removed, fields);
  saved_free(&f);
  saved_free(&g);
  pi_snapshot_free(a);
  pi_snapshot_free(b);
  pi_snapshot_free(c);
  pi_snapshot_free(d);
}

static void nothing(script_row *r) {
  (void)r;
}

static void queues(script_row *r) {
  r->row.rxq = 5;
  r->row.mark_sight = PI_KNOWN;
}

static void ends(script_row *r) {
  r->row.state = PI_STATE_CLOSE_WAIT;
}

static void connects(script_row *r) {
  r->row.state = PI_STATE_CONNECTED;
  r->row.raddr = address_of("192.0.2.9");
  r->row.rport = 53;
}

static void moves(script_row *r) {
  r->row.laddr = address_of("10.0.0.9");
}

static void has_another_port(script_row *r) {
  r->row.lport++;
}

static void is_new(script_row *r) {
  r->row.cookie = 77;
}

static void of_other_proto(script_row *r) {
  r->row.proto = PI_PROTO_UDP;
}

static void sockets_are_known_by_their_cookies(void **state) {
  (void)state;
  script_peer(PI_STATE_ESTABLISHED, "10.0.0.1", 22, "192.0.2.1", 9);
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 22);
  assert_change(nothing, 0, 0, 0);
  script_reset();
  script_peer(PI_STATE_ESTABLISHED, "10.0.0.1", 22, "192.0.2.1", 9);
  assert_change(queues, 0, 0, 0);
  assert_change(ends, 0, 0, BIT(PI_STATE));
  assert_change(is_new, 1, 1, 0);
  assert_change(of_other_proto, 1, 1, 0);  // a number used again
  script_reset();
  script_socket(PI_STATE_LISTEN, "10.0.0.1", 22);
  assert_change(moves, 0, 0, BIT(PI_LADDR));
  assert_change(has_another_port, 1, 1, 0);  // of a machine begun anew
  script_reset();
  script_socket(PI_STATE_UNCONNECTED, "10.0.0.1", 40000)->autobound = true;
  assert_change(connects, 0, 0,
                BIT(PI_STATE) | BIT(PI_RADDR) | BIT(PI_RPORT) | BIT(PI_ROLE));
}

static void no_cookie(script_row *r) {
  r->row.cookie = 0;
}

static void no_cookie_and_other_inode(script_row *r) {
  r->row.cookie = 0;
  r->row.inode = 4711;
}

static void no_inode(script_row *r) {
  r->row.cookie = r->row.inode = 0;
}

static void no_inode_and_moves(script_row *r) {
  r->row.cookie = r->row.inode = 0;
  r->row.rport++;
}

static void without_cookies_by_inodes_and_ends(void **state) {
  (void)state;
  static void (*const same[])(script_row *) = {no_cookie, no_inode};
  static void (*const other[])(script_row *) = {no_cookie_and_other_inode,
                                                no_inode_and_moves};
  for (size_t i = 0; i < LENGTH(same); i++) {
    script_reset();
    script_peer(PI_STATE_TIME_WAIT, "10.0.0.1", 22, "192.0.2.1", 9);
    assert_change(same[i], 0, 0, 0);
    script_reset();
    script_peer(PI_STATE_TIME_WAIT, "10.0.0.1", 22, "192.0.2.1", 9);
    assert_change(other[i], 1, 1, 0);
  }
}

static void other_namespaces_have_other_sockets(void **state) {
  (void)state;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 22);
  pi_snapshot *a = script_take(0);
  script.host.netns++;
  pi_snapshot *b = script_take(0);
  assert_differ(a, b, 1, 1, 0);
  pi_snapshot_free(a);
  pi_snapshot_free(b);
}

/* Sockets with the same ends (SO_REUSEPORT) are paired one to one. */
static void equal_sockets_are_paired_once(void **state) {
  (void)state;
  for (int i = 0; i < 5; i++) {
    script_row *r = script_socket(PI_STATE_LISTEN, "0.0.0.0", 53);
    r->row.cookie = 0;
    r->row.inode = 100 + (uint64_t)i;
  }
  pi_snapshot *a = script_take(0);
  script.count = 3;
  pi_snapshot *b = script_take(0);
  assert_differ(a, b, 0, 2, 0);
  assert_differ(b, a, 2, 0, 0);
  pi_snapshot_free(a);
  pi_snapshot_free(b);
}

/* By the key of services a restart, which makes all sockets anew, is no end. */
static void a_service_outlives_its_sockets(void **state) {
  (void)state;
  pi_diff d;
  for (unsigned i = 0; i < 3; i++) {  // two of them are a group
    script_row *r = script_socket(PI_STATE_LISTEN, "0.0.0.0", i < 2 ? 53 : 80);
    r->row.cookie = 100 + i;
    r->row.inode = 200 + i;
    script_hold(r, script_process_add(10 + i, "old"), 3);
  }
  pi_snapshot *a = script_take(PI_GROUP_OWNER);
  // of the group one stays, and comes last; the other service is restarted
  script_row first = script.rows[0];
  script.rows[0] = script.rows[1];
  script.rows[1] = first;
  script.rows[1].row.cookie = 301;
  script.rows[1].row.inode = 401;
  script.rows[2].row.cookie = 302;
  script.rows[2].row.inode = 402;
  script.holding_count = 0;
  script_hold(&script.rows[0], 1, 3);
  for (unsigned i = 1; i < 3; i++) {
    script_hold(&script.rows[i], script_process_add(20 + i, "new"), 3);
  }
  script_socket(PI_STATE_LISTEN, "127.0.0.1", 80);
  pi_snapshot *b = script_take(PI_GROUP_OWNER);
  assert_differ(a, b, 3, 2, 0);
  assert_int_equal(
      0, pi_snapshot_diff_by(a, NULL, b, NULL, PI_KEY_SERVICE, &d, NULL));
  assert_int_equal(1, pi_selection_count(d.added));
  assert_int_equal(0, pi_selection_count(d.removed));
  assert_int_equal(2, pi_selection_count(d.after));
  for (size_t i = 0; i < 2; i++) {
    assert_int_equal(BIT(PI_PID) | BIT(PI_PROCESS), d.fields[i]);
    assert_int_not_equal(101,
                         number_of(a, pi_selection_at(d.before, i), PI_COOKIE));
  }
  pi_diff_deinit(&d);
  pi_snapshot_free(a);
  pi_snapshot_free(b);
}

/* ---- Holders ------------------------------------------------------------ */

static uint64_t difference(pi_snapshot *a, pi_snapshot *b) {
  pi_diff d = compared(a, b);
  uint64_t fields = pi_selection_count(d.after) > 0 ? d.fields[0] : 0;
  pi_diff_deinit(&d);
  return fields;
}

static void all_holders_are_compared(void **state) {
  (void)state;
  script_row *r = script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  unsigned a = script_process_add(10, "nginx");
  unsigned b = script_process_add(11, "nginx");
  unsigned c = script_process_add(12, "caddy");
  pi_snapshot *nobody = script_take(PI_GROUP_OWNER);
  script_hold(r, a, 3);
  pi_snapshot *one = script_take(PI_GROUP_OWNER);
  script_hold(r, a, 4);
  pi_snapshot *twice = script_take(PI_GROUP_OWNER);
  script_hold(r, b, 3);
  pi_snapshot *two = script_take(PI_GROUP_OWNER);
  script_hold(r, c, 3);
  pi_snapshot *three = script_take(PI_GROUP_OWNER);
  script.holding_count = 0;
  script.quality.unreadable = 1;
  pi_snapshot *unseen = script_take(PI_GROUP_OWNER);
  assert_int_equal(BIT(PI_OWNER) | BIT(PI_PID) | BIT(PI_PROCESS),
                   difference(nobody, one));
  assert_int_equal(0, difference(one, twice));  // one more descriptor
  assert_int_equal(BIT(PI_PID), difference(twice, two));
  assert_int_equal(BIT(PI_PID) | BIT(PI_PROCESS), difference(two, three));
  assert_int_equal(BIT(PI_PID) | BIT(PI_PROCESS), difference(three, two));
  // what cannot be seen has not changed
  assert_int_equal(0, difference(three, unseen));
  assert_int_equal(0, difference(unseen, nobody));
  pi_snapshot *all[] = {nobody, one, twice, two, three, unseen};
  for (size_t i = 0; i < LENGTH(all); i++) pi_snapshot_free(all[i]);
}

static void only_selected_rows_are_compared(void **state) {
  (void)state;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 22);
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  pi_snapshot *a = script_take(0);
  pi_filter *f = NULL;
  pi_selection *some = NULL;
  pi_diff d;
  assert_int_equal(0, pi_filter_parse(":80", 3, &f, NULL));
  assert_int_equal(0, pi_snapshot_select(a, f, &some, NULL));
  assert_int_equal(0, pi_snapshot_diff(a, NULL, a, some, &d, NULL));
  assert_int_equal(0, pi_selection_count(d.added));
  assert_int_equal(1, pi_selection_count(d.removed));
  assert_int_equal(22, number_of(a, pi_selection_at(d.removed, 0), PI_LPORT));
  pi_diff_deinit(&d);
  pi_selection_free(some);
  pi_filter_free(f);
  pi_snapshot_free(a);
}

static void a_refusal_leaves_no_result(void **state) {
  (void)state;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 22);
  pi_snapshot *a = script_take(0), *b = script_take(0);
  pi_diff d, before;
  pi_error err = {0};
  memset(&d, 7, sizeof d);
  before = d;
  script.failing = PI_GROUP_OWNER;
  assert_int_equal(PI_EOS, pi_snapshot_diff(a, NULL, b, NULL, &d, &err));
  assert_memory_equal(&before, &d, sizeof d);
  pi_snapshot_free(a);
  pi_snapshot_free(b);
}

/* In any order, however many. */
static void many_sockets_are_paired(void **state) {
  (void)state;
  enum { N = 8000 };
  for (unsigned i = 0; i < N; i++) {
    script_socket(PI_STATE_LISTEN, "127.0.0.1", (uint16_t)(i + 1))->row.cookie =
        1000 + i;
  }
  pi_snapshot *a = script_take(0);
  for (unsigned i = 0; i < N / 2; i++) {
    script_row r = script.rows[i];
    script.rows[i] = script.rows[N - 1 - i];
    script.rows[N - 1 - i] = r;
  }
  script.rows[5].row.cookie = 1;
  pi_snapshot *b = script_take(0);
  assert_differ(a, b, 1, 1, 0);
  pi_snapshot_free(a);
  pi_snapshot_free(b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(sockets_are_known_by_their_cookies, reset),
      cmocka_unit_test_setup(without_cookies_by_inodes_and_ends, reset),
      cmocka_unit_test_setup(other_namespaces_have_other_sockets, reset),
      cmocka_unit_test_setup(equal_sockets_are_paired_once, reset),
      cmocka_unit_test_setup(a_service_outlives_its_sockets, reset),
      cmocka_unit_test_setup(all_holders_are_compared, reset),
      cmocka_unit_test_setup(only_selected_rows_are_compared, reset),
      cmocka_unit_test_setup(a_refusal_leaves_no_result, reset),
      cmocka_unit_test_setup(many_sockets_are_paired, reset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
