/* recall_test.c: what a reading takes over from the one before, and when it
 * looks for itself. */
#include "script.h"

static pi_snapshot *take_after(const pi_snapshot *previous, unsigned groups) {
  pi_snapshot *s = NULL;
  pi_error err = {0};
  pi_options options = {.groups = groups, .previous = previous};
  if (pi_snapshot_take(&options, &s, &err) != 0) fail_msg("%s", err.text);
  return s;
}

/* A listener of 10 (and of 11, which shares it), a connection of 11, and one
 * that nobody is seen to hold. */
static pi_snapshot *first_reading(unsigned groups) {
  script_reset();
  script_row *web = script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  script_row *peer =
      script_peer(PI_STATE_ESTABLISHED, "10.0.0.1", 40000, "10.0.0.2", 443);
  peer->autobound = true;
  script_socket(PI_STATE_LISTEN, "127.0.0.1", 631);
  unsigned ten = script_process_add(10, "web");
  unsigned eleven = script_process_add(11, "worker");
  script.processes[ten].exe = "/bin/web";
  script.processes[ten].container_name = "shop";
  script.processes[eleven].via = "10.0.0.7:80";
  script_hold(web, ten, 3);
  script_hold(web, eleven, 3);
  script_hold(peer, eleven, 4);
  script.quality.unreadable = 2;
  pi_snapshot *s = take_after(NULL, groups);
  assert_int_equal(1, script.looks);
  return s;
}

/* Takes a reading after `s`, which it frees; `looks`: was a look needed? */
static pi_snapshot *next_reading(pi_snapshot *s, bool looks) {
  unsigned before = script.looks;
  pi_snapshot *t = take_after(s, pi_snapshot_groups(s));
  pi_snapshot_free(s);
  assert_int_equal(looks, script.looks - before);
  return t;
}

static void holders_of_what_is_still_there_are_taken_over(void **state) {
  (void)state;
  pi_snapshot *s = next_reading(first_reading(PI_GROUPS), false);
  assert_int_equal(1, pi_snapshot_quality(s)->recalls);
  assert_int_equal(2, number_of(s, 0, PI_HOLDERS));
  assert_int_equal(10, number_of(s, 0, PI_PID));
  assert_string_equal("worker", text_of(s, 0, PI_PROCESS, 1));
  assert_int_equal(11, number_of(s, 1, PI_PID));
  // why nobody was seen stays what it was, and how many were not read
  assert_string_equal("permission", text_of(s, 2, PI_WHY, 0));
  assert_int_equal(2, pi_snapshot_quality(s)->unreadable);
  assert_int_equal(2, pi_snapshot_quality(s)->processes);
  assert_int_equal(1, pi_snapshot_quality(s)->unknown[PI_WHY_PERMISSION]);
  pi_snapshot_free(s);
}

static void details_come_along(void **state) {
  (void)state;
  pi_snapshot *s = next_reading(first_reading(PI_GROUPS), false);
  assert_int_equal(2, script.details);
  assert_string_equal("/bin/web", text_of(s, 0, PI_EXE, 0));
  assert_string_equal("shop", text_of(s, 0, PI_CONTAINER_NAME, 0));
  assert_string_equal("10.0.0.7:80", text_of(s, 0, PI_VIA, 1));
  pi_snapshot_free(s);
  // and are read where they were not
  s = first_reading(PI_GROUP_OWNER);
  pi_snapshot *t = take_after(s, PI_GROUPS);
  assert_int_equal(2, script.details);
  assert_string_equal("/bin/web", text_of(t, 0, PI_EXE, 0));
  pi_snapshot_free(t);
  pi_snapshot_free(s);
}

static void a_new_socket_needs_a_look(void **state) {
  (void)state;
  pi_snapshot *s = first_reading(PI_GROUP_OWNER);
  script_hold(script_socket(PI_STATE_LISTEN, "0.0.0.0", 81), 0, 9);
  s = next_reading(s, true);
  assert_int_equal(10, number_of(s, 3, PI_PID));
  assert_int_equal(0, pi_snapshot_quality(s)->recalls);
  // one without a file has no holder to look for
  script_peer(PI_STATE_TIME_WAIT, "10.0.0.1", 80, "10.0.0.3", 1)->row.inode = 0;
  s = next_reading(s, false);
  assert_string_equal("time-wait", text_of(s, 4, PI_WHY, 0));
  pi_snapshot_free(s);
}

static void one_that_was_accepted_is_new(void **state) {
  (void)state;
  pi_snapshot *s = first_reading(PI_GROUP_OWNER);
  script_row *r =
      script_peer(PI_STATE_ESTABLISHED, "10.0.0.1", 80, "10.0.0.9", 4000);
  uint64_t inode = r->row.inode;
  r->row.inode = 0;
  s = next_reading(s, false);
  assert_string_equal("not-yet-accepted", text_of(s, 3, PI_WHY, 0));
  r->row.inode = inode;
  script_hold(r, 0, 8);
  s = next_reading(s, true);
  assert_int_equal(10, number_of(s, 3, PI_PID));
  pi_snapshot_free(s);
}

static void a_number_that_is_used_again_is_another_socket(void **state) {
  (void)state;
  pi_snapshot *s = first_reading(PI_GROUP_OWNER);
  script.rows[0].row.cookie = 77;  // the inode is the same
  s = next_reading(s, true);
  script.rows[0].row.cookie = 0;  // a proc table tells none
  script.rows[1].row.cookie = 0;
  s = next_reading(s, true);
  s = next_reading(s, false);
  script.rows[0].row.lport = 8080;
  pi_snapshot_free(next_reading(s, true));
}

static void who_ended_holds_nothing(void **state) {
  (void)state;
  pi_snapshot *s = first_reading(PI_GROUP_OWNER);
  script.processes[0].pid = 12;  // 11 still has what they shared
  s = next_reading(s, false);
  assert_int_equal(1, number_of(s, 0, PI_HOLDERS));
  assert_int_equal(11, number_of(s, 0, PI_PID));
  // a newcomer of the same number, and one that became another program
  script.processes[1].start = 5;
  s = next_reading(s, true);
  script.processes[1].comm = "sh";
  s = next_reading(s, true);
  assert_string_equal("sh", text_of(s, 1, PI_PROCESS, 0));
  pi_snapshot_free(s);
}

static void doubt_is_looked_at_again(void **state) {
  (void)state;
  pi_snapshot *s = first_reading(PI_GROUP_OWNER);
  script.rows[2].dead = true;
  pi_snapshot_free(s);
  s = take_after(NULL, PI_GROUP_OWNER);
  assert_string_equal("vanished", text_of(s, 2, PI_WHY, 0));
  pi_snapshot_free(next_reading(s, true));
  script.quality.owners_unseen = true;
  s = take_after(NULL, PI_GROUP_OWNER);
  pi_snapshot_free(next_reading(s, true));
}

static void every_tenth_reading_looks_again(void **state) {
  (void)state;
  pi_snapshot *s = first_reading(PI_GROUP_OWNER);
  for (int turn = 0; turn < 3; turn++) {
    for (int i = 0; i < 9; i++) s = next_reading(s, false);
    s = next_reading(s, true);
  }
  pi_snapshot_free(s);
}

static void who_chose_a_port_is_taken_over(void **state) {
  (void)state;
  pi_snapshot *s = first_reading(PI_GROUP_DERIVED | PI_GROUP_OWNER);
  assert_int_equal(6, script.marks);
  script.marks = 0;
  s = next_reading(s, false);
  assert_int_equal(0, script.marks);
  assert_int_equal(1, number_of(s, 1, PI_AUTOBOUND));
  assert_string_equal("outbound", text_of(s, 1, PI_ROLE, 0));
  assert_int_equal(0, number_of(s, 0, PI_AUTOBOUND));
  // a new one is asked for, with those of its protocol and family
  script_peer(PI_STATE_ESTABLISHED, "10.0.0.1", 40001, "10.0.0.2", 443)
      ->autobound = true;
  s = next_reading(s, true);
  assert_int_equal(1, script.marks);
  assert_string_equal("outbound", text_of(s, 3, PI_ROLE, 0));
  pi_snapshot_free(s);
}

static void a_half_open_socket_has_no_mark_yet(void **state) {
  (void)state;
  pi_snapshot *s = first_reading(PI_GROUP_DERIVED | PI_GROUP_OWNER);
  script_row *r =
      script_peer(PI_STATE_SYN_RECEIVED, "10.0.0.1", 80, "10.0.0.9", 4000);
  r->row.inode = 0;
  script.marks = 0;
  s = next_reading(s, false);
  assert_int_equal(0, script.marks);
  r->row.state = PI_STATE_ESTABLISHED;
  s = next_reading(s, false);
  assert_int_equal(1, script.marks);
  pi_snapshot_free(s);
}

static void another_namespace_tells_nothing(void **state) {
  (void)state;
  pi_snapshot *s = first_reading(PI_GROUP_OWNER);
  script.host.netns++;
  s = next_reading(s, true);
  pi_snapshot *other = NULL;
  pi_options options = {
      .groups = PI_GROUP_OWNER, .previous = s, .proc = "/elsewhere"};
  assert_int_equal(0, pi_snapshot_take(&options, &other, NULL));
  assert_int_equal(3, script.looks);
  pi_snapshot_free(other);
  pi_snapshot_free(s);
}

static void a_reading_without_owners_tells_none(void **state) {
  (void)state;
  pi_snapshot *s = first_reading(PI_GROUP_OWNER), *bare = script_take(0);
  pi_snapshot *t = take_after(bare, PI_GROUPS);
  assert_int_equal(2, script.looks);
  pi_snapshot_free(t);
  pi_snapshot_free(bare);
  // what is completed later is looked for
  bare = take_after(s, 0);
  pi_snapshot_free(s);
  assert_int_equal(0, pi_snapshot_complete(bare, PI_GROUPS, NULL));
  assert_int_equal(3, script.looks);
  pi_snapshot_free(bare);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(holders_of_what_is_still_there_are_taken_over),
      cmocka_unit_test(details_come_along),
      cmocka_unit_test(a_new_socket_needs_a_look),
      cmocka_unit_test(one_that_was_accepted_is_new),
      cmocka_unit_test(a_number_that_is_used_again_is_another_socket),
      cmocka_unit_test(who_ended_holds_nothing),
      cmocka_unit_test(doubt_is_looked_at_again),
      cmocka_unit_test(every_tenth_reading_looks_again),
      cmocka_unit_test(who_chose_a_port_is_taken_over),
      cmocka_unit_test(a_half_open_socket_has_no_mark_yet),
      cmocka_unit_test(another_namespace_tells_nothing),
      cmocka_unit_test(a_reading_without_owners_tells_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
