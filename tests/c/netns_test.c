/* netns_test.c: readings of several network namespaces, through the seam: what
 * is of one is never taken for another's. */
#include "script.h"

#include "saved.h"

static const uint64_t HERE = 4026531840, THERE = 4026532001;

static int reset(void **state) {
  (void)state;
  script_reset();
  script.others[0] = script.host;
  script.others[0].netns = THERE;
  script.others[0].ephemeral_first = 10000;
  script.others[0].ephemeral_last = 20000;
  script.other_count = 1;
  return 0;
}

/* The script's latest row, moved there. */
static script_row *there(script_row *r) {
  r->row.netns = THERE;
  return r;
}

static size_t count_of(pi_snapshot *s, const char *text) {
  pi_filter *f = NULL;
  pi_selection *sel = NULL;
  pi_error err = {0};
  if (pi_filter_parse(text, strlen(text), &f, &err) != 0)
    fail_msg("%s", err.text);
  if (pi_snapshot_select(s, f, &sel, &err) != 0) fail_msg("%s", err.text);
  size_t n = pi_selection_count(sel);
  pi_selection_free(sel);
  pi_filter_free(f);
  return n;
}

static void one_tuple_in_two_namespaces_is_two_rows(void **state) {
  (void)state;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  there(script_socket(PI_STATE_LISTEN, "0.0.0.0", 80));
  // neither inode nor cookie, as from a table: by the tuple
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 81);
  there(script_socket(PI_STATE_LISTEN, "0.0.0.0", 81));
  script.rows[2].row.cookie = script.rows[3].row.cookie = 0;
  script.rows[2].row.inode = script.rows[3].row.inode = 0;
  // and before cookies were given out for all together
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 82)->row.cookie = 7;
  there(script_socket(PI_STATE_LISTEN, "0.0.0.0", 82))->row.cookie = 7;
  pi_snapshot *s = script_take(0);
  assert_int_equal(6, pi_snapshot_count(s));
  for (size_t i = 0; i < 6; i++) {
    assert_int_equal(i % 2 ? THERE : HERE, number_of(s, i, PI_NETNS));
  }
  pi_snapshot_free(s);
}

static void the_same_socket_twice_is_one_row(void **state) {
  (void)state;
  there(script_socket(PI_STATE_LISTEN, "0.0.0.0", 80));
  script_row *again = there(script_socket(PI_STATE_CLOSED, "0.0.0.0", 80));
  again->row.cookie = script.rows[0].row.cookie;
  pi_snapshot *s = script_take(0);
  assert_int_equal(1, pi_snapshot_count(s));
  assert_string_equal("closed", text_of(s, 0, PI_STATE, 0));
  pi_snapshot_free(s);
}

static void a_listener_accepts_in_its_own_namespace(void **state) {
  (void)state;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 40000)->autobound = true;
  script_peer(PI_STATE_ESTABLISHED, "10.0.0.1", 40000, "10.0.0.2", 5)
      ->autobound = true;
  there(script_peer(PI_STATE_ESTABLISHED, "10.0.0.1", 40000, "10.0.0.2", 5));
  pi_snapshot *s = script_take(PI_GROUP_DERIVED);
  assert_string_equal("inbound", text_of(s, 1, PI_ROLE, 0));
  // there nobody was asked who chose the port
  assert_int_equal(PI_UNKNOWN, sight_of(s, 2, PI_ROLE));
  pi_snapshot_free(s);
}

static void the_client_range_is_that_of_the_namespace(void **state) {
  (void)state;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 15000);
  there(script_socket(PI_STATE_LISTEN, "0.0.0.0", 15000));
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 40000);
  there(script_socket(PI_STATE_LISTEN, "0.0.0.0", 40000));
  pi_snapshot *s = script_take(PI_GROUP_DERIVED);
  for (size_t i = 0; i < 4; i++) {
    assert_int_equal(i == 1 || i == 2, number_of(s, i, PI_EPHEMERAL));
  }
  assert_int_equal(2, count_of(s, "lport in {ephemeral}"));
  assert_int_equal(2, count_of(s, "ephemeral"));
  assert_int_equal(1, count_of(s, "ephemeral and netns = 4026532001"));
  pi_snapshot_free(s);
}

static void they_come_back_from_a_file(void **state) {
  (void)state;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 15000);
  there(script_socket(PI_STATE_LISTEN, "0.0.0.0", 15000));
  pi_snapshot *s = script_take(PI_GROUPS);
  pi_error err = {0};
  const char name[] = "we\xffird\n";
  assert_int_equal(0, pi__reading_text((pi__reading *)s, name, sizeof name - 1,
                                       &s->others[0].name, &err));
  s->others[0].name_sight = PI_KNOWN;
  s->first.name_sight = PI_EMPTY;
  saved f = saved_of(s, NULL);
  pi_snapshot *t = saved_reload(&f);
  assert_int_equal(2, pi_snapshot_count(t));
  assert_int_equal(PI_EMPTY, sight_of(t, 0, PI_NETNS_NAME));
  assert_string_equal(name, text_of(t, 1, PI_NETNS_NAME, 0));
  assert_int_equal(1, count_of(t, "lport in {ephemeral}"));
  assert_int_equal(1, count_of(t, "netns_name = w*"));
  saved_free(&f);
  pi_snapshot_free(t);
  pi_snapshot_free(s);
}

/* Of several, one says that it has no IPv6, and another could not be read. */
static void what_is_said_of_all_is_the_worst(void **state) {
  (void)state;
  pi_snapshot *s = script_take(0);
  struct pi_source(*a)[2] = s->first.sources, (*b)[2] = s->others[0].sources;
  a[0][0] = (struct pi_source){
      .wanted = true, .backend = PI_BACKEND_NETLINK, .rows = 3, .retries = 1};
  b[0][0] = (struct pi_source){.wanted = true,
                               .backend = PI_BACKEND_PROC,
                               .os = 2,
                               .rows = 4,
                               .retries = 2,
                               .no_bound = true};
  a[0][1] = (struct pi_source){
      .wanted = true, .backend = PI_BACKEND_NONE, .absent = true};
  b[0][1] = (struct pi_source){.wanted = true, .backend = PI_BACKEND_NETLINK};
  a[1][0] = (struct pi_source){.wanted = true, .backend = PI_BACKEND_NETLINK};
  b[1][0] =
      (struct pi_source){.wanted = true, .backend = PI_BACKEND_NONE, .os = 13};
  pi__netns_sum(s);
  struct pi_source(*sum)[2] = s->quality.sources;
  assert_int_equal(PI_BACKEND_PROC, sum[0][0].backend);
  assert_int_equal(7, sum[0][0].rows);
  assert_int_equal(3, sum[0][0].retries);
  assert_int_equal(2, sum[0][0].os);
  assert_true(sum[0][0].no_bound && !sum[0][0].partial);
  assert_int_equal(PI_BACKEND_NETLINK, sum[0][1].backend);
  assert_false(sum[0][1].absent || sum[0][1].partial);
  assert_true(sum[1][0].partial);
  assert_int_equal(13, sum[1][0].os);
  assert_int_equal(2, s->quality.namespaces);
  s->others[0].closed = true;
  pi__netns_sum(s);
  assert_int_equal(1, s->quality.namespaces);
  assert_int_equal(1, s->quality.closed);
  assert_false(s->quality.sources[1][0].partial);
  pi_snapshot_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(one_tuple_in_two_namespaces_is_two_rows, reset),
      cmocka_unit_test_setup(the_same_socket_twice_is_one_row, reset),
      cmocka_unit_test_setup(a_listener_accepts_in_its_own_namespace, reset),
      cmocka_unit_test_setup(the_client_range_is_that_of_the_namespace, reset),
      cmocka_unit_test_setup(they_come_back_from_a_file, reset),
      cmocka_unit_test_setup(what_is_said_of_all_is_the_worst, reset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
