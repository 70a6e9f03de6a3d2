/* owners_test.c: sockets joined to the processes that hold them, and why there
 * is none. */
#include "script.h"

static int reset(void **state) {
  (void)state;
  script_reset();
  return 0;
}

static void assert_holder(const pi_snapshot *s, size_t row, unsigned i,
                          uint32_t pid, int fd, const char *process) {
  pi_holder h;
  assert_true(pi_snapshot_holder(s, row, i, &h));
  assert_int_equal(pid, h.pid);
  assert_int_equal(fd, h.fd);
  assert_int_equal(strlen(process), h.length);
  assert_memory_equal(process, h.process, h.length);
}

static void the_main_holder_is_the_lowest_and_init_the_last(void **state) {
  (void)state;
  script_row *r = script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  script_row *alone = script_socket(PI_STATE_LISTEN, "0.0.0.0", 81);
  unsigned old = script_process_add(300, "old"),
           init = script_process_add(1, "init"),
           young = script_process_add(20, "young");
  script_hold(r, old, 3);
  script_hold(r, init, 40);
  script_hold(r, young, 9);
  script_hold(r, young, 5);
  script_hold(alone, init, 41);
  pi_snapshot *s = script_take(PI_GROUP_OWNER);
  assert_int_equal(4, number_of(s, 0, PI_HOLDERS));
  assert_holder(s, 0, 0, 20, 5, "young");
  assert_holder(s, 0, 1, 20, 9, "young");
  assert_holder(s, 0, 2, 300, 3, "old");
  assert_holder(s, 0, 3, 1, 40, "init");
  pi_holder h;
  assert_false(pi_snapshot_holder(s, 0, 4, &h));
  assert_int_equal(20, number_of(s, 0, PI_PID));
  assert_string_equal("young", text_of(s, 0, PI_PROCESS, 0));
  assert_string_equal("init", text_of(s, 0, PI_PROCESS, 3));
  assert_string_equal("-", text_of(s, 0, PI_PROCESS, 4));
  assert_holder(s, 1, 0, 1, 41, "init");
  assert_false(pi_snapshot_holder(s, 1, 1, &h));
  assert_string_equal("known", text_of(s, 0, PI_OWNER, 0));
  assert_int_equal(PI_EMPTY, sight_of(s, 0, PI_WHY));
  pi_snapshot_free(s);
}

/* Two looks, of a process and of its threads, find the same descriptor. */
static void the_same_fact_twice_is_kept_once(void **state) {
  (void)state;
  script_row *r = script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  script_row *next = script_socket(PI_STATE_LISTEN, "0.0.0.0", 81);
  unsigned a = script_process_add(10, "twice"),
           b = script_process_add(10, "twice"),
           c = script_process_add(11, "other");
  script_hold(r, a, 3);
  script_hold(r, c, 3);
  script_hold(r, b, 3);
  script_hold(r, b, 4);
  script_hold(next, b, 5);
  script_hold(next, a, 5);
  pi_snapshot *s = script_take(PI_GROUP_OWNER);
  assert_int_equal(3, number_of(s, 0, PI_HOLDERS));
  assert_holder(s, 0, 0, 10, 3, "twice");
  assert_holder(s, 0, 1, 10, 4, "twice");
  assert_holder(s, 0, 2, 11, 3, "other");
  assert_int_equal(1, number_of(s, 1, PI_HOLDERS));
  assert_holder(s, 1, 0, 10, 5, "twice");
  pi_snapshot_free(s);
}

static void holders_go_to_their_own_rows(void **state) {
  (void)state;
  unsigned p = script_process_add(10, "many");
  for (int i = 0; i < 200; i++) {
    script_row *r =
        script_socket(PI_STATE_LISTEN, "0.0.0.0", (uint16_t)(i + 1));
    r->row.inode = (uint64_t)(i + 1) << 20;  // far apart, and alike below
    if (i % 3 != 1) script_hold(r, p, i);
  }
  script.holdings[script.holding_count++] = (script_holding){77, p, 999};
  pi_snapshot *s = script_take(PI_GROUP_OWNER);
  for (size_t i = 0; i < 200; i++) {
    pi_holder h;
    bool held = pi_snapshot_holder(s, i, 0, &h);
    assert_int_equal(i % 3 != 1, held);
    if (held) assert_int_equal(i, h.fd);
    assert_false(pi_snapshot_holder(s, i, 1, &h));
  }
  pi_snapshot_free(s);
}

static void a_socket_without_a_file_says_how_it_came_to_that(void **state) {
  (void)state;
  static const struct {
    pi_state state;
    const char *why;
  } table[] = {
      {PI_STATE_TIME_WAIT, "time-wait"},
      {PI_STATE_SYN_RECEIVED, "not-yet-accepted"},
      {PI_STATE_ESTABLISHED, "not-yet-accepted"},
      {PI_STATE_CLOSE_WAIT, "not-yet-accepted"},
      {PI_STATE_FIN_WAIT_1, "orphan"},
      {PI_STATE_FIN_WAIT_2, "orphan"},
      {PI_STATE_LAST_ACK, "orphan"},
      {PI_STATE_CLOSING, "orphan"},
      {PI_STATE_SYN_SENT, "orphan"},
  };
  // whatever was closed to us, these are held by nobody
  script.quality.unreadable = 5;
  script.quality.hidden = script.quality.nested = true;
  script.quality.owners_unseen = true;
  for (size_t i = 0; i < LENGTH(table); i++) {
    script_peer(table[i].state, "1.1.1.1", 80, "2.2.2.2", 9)->row.inode = 0;
  }
  pi_snapshot *s = script_take(PI_GROUP_OWNER);
  for (size_t i = 0; i < LENGTH(table); i++) {
    assert_string_equal("none", text_of(s, i, PI_OWNER, 0));
    assert_string_equal(table[i].why, text_of(s, i, PI_WHY, 0));
    assert_int_equal(PI_EMPTY, sight_of(s, i, PI_PID));
    assert_int_equal(PI_EMPTY, sight_of(s, i, PI_HOLDERS));
  }
  static const size_t none[9];
  assert_memory_equal(none, pi_snapshot_quality(s)->unknown, sizeof none);
  pi_snapshot_free(s);
}

/* One socket with a file that nobody was seen to hold, one that was closed
 * while we looked, and one held. */
static void assert_why(const pi_quality *quality, const char *unheld,
                       const char *dead) {
  script_reset();
  script.quality = *quality;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 81)->dead = true;
  script_row *r = script_socket(PI_STATE_LISTEN, "0.0.0.0", 82);
  script_hold(r, script_process_add(10, "nginx"), 3);
  pi_snapshot *s = script_take(PI_GROUP_OWNER);
  const pi_quality *q = pi_snapshot_quality(s);
  bool sure = strcmp(unheld, "unheld") == 0;
  assert_string_equal(unheld, text_of(s, 0, PI_WHY, 0));
  assert_string_equal(sure ? "none" : "unknown", text_of(s, 0, PI_OWNER, 0));
  assert_int_equal(sure ? PI_EMPTY : PI_UNKNOWN, sight_of(s, 0, PI_PID));
  assert_int_equal(sure ? PI_EMPTY : PI_UNKNOWN, sight_of(s, 0, PI_HOLDERS));
  assert_int_equal(sure ? PI_EMPTY : PI_UNKNOWN, sight_of(s, 0, PI_PROCESS));
  assert_string_equal(dead, text_of(s, 1, PI_WHY, 0));
  assert_string_equal("unknown", text_of(s, 1, PI_OWNER, 0));
  assert_string_equal("known", text_of(s, 2, PI_OWNER, 0));
  size_t counted = 0;
  for (int i = 0; i < 9; i++) counted += q->unknown[i];
  assert_int_equal(sure ? 1 : 2, counted);
  int at = (int)pi_snapshot_value(s, 0, PI_WHY, 0).number;
  if (!sure) assert_true(q->unknown[at] > 0);
  pi_snapshot_free(s);
}

static void nobody_seen_is_nobody_only_after_a_complete_look(void **state) {
  (void)state;
  assert_why(&(pi_quality){0}, "unheld", "vanished");
  assert_why(&(pi_quality){.vanished = 3}, "unheld", "vanished");
  assert_why(&(pi_quality){.unreadable = 1}, "permission", "vanished");
  assert_why(&(pi_quality){.hidden = true}, "hidden", "vanished");
  assert_why(&(pi_quality){.nested = true}, "other-pid-namespace", "vanished");
  assert_why(&(pi_quality){.unreadable = 1, .hidden = true, .nested = true},
             "permission", "vanished");
  assert_why(&(pi_quality){.hidden = true, .nested = true}, "hidden",
             "vanished");
  assert_why(&(pi_quality){.owners_unseen = true, .nested = true}, "permission",
             "permission");
}

static void the_platform_learns_what_is_still_wanted(void **state) {
  (void)state;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 80)->row.inode = 5;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 81)->row.inode = 6;
  script_socket(PI_STATE_TIME_WAIT, "0.0.0.0", 82)->row.inode = 0;
  pi_snapshot *s = script_take(0);
  pi__reading *r = (pi__reading *)s;
  uint32_t p;
  assert_int_equal(0, pi__owners_begin(s, NULL));
  assert_true(pi__reading_wants(r, 5, false));
  assert_true(pi__reading_wants(r, 5, true));
  assert_false(pi__reading_wants(r, 7, false));
  assert_false(pi__reading_wants(r, 0, false));
  assert_int_equal(2, pi__reading_unheld(r));
  assert_int_equal(0, pi__reading_process(r, 9, 0, 1, "x", 1, &p, NULL));
  assert_int_equal(0, pi__reading_holder(r, 5, p, 3, NULL));
  assert_true(pi__reading_wants(r, 5, false));
  assert_false(pi__reading_wants(r, 5, true));
  assert_true(pi__reading_wants(r, 6, true));
  assert_int_equal(1, pi__reading_unheld(r));
  pi_snapshot_free(s);
}

static void details_are_of_each_holder(void **state) {
  (void)state;
  script_row *r = script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  unsigned a = script_process_add(10, "a"), b = script_process_add(11, "b");
  script.processes[a].exe = "/bin/a";
  script.processes[a].cmdline = "";
  script.processes[a].ppid = 1;
  script.processes[b].user = "alice";
  script.processes[b].cgroup = "/user.slice";
  script.processes[b].started = 1700000000;
  script_hold(r, b, 3);
  script_hold(r, a, 3);
  pi_snapshot *s = script_take(PI_GROUP_PROCESS);
  assert_string_equal("/bin/a", text_of(s, 0, PI_EXE, 0));
  assert_string_equal("?", text_of(s, 0, PI_EXE, 1));
  assert_string_equal("-", text_of(s, 0, PI_EXE, 2));
  assert_string_equal("-", text_of(s, 0, PI_CMDLINE, 0));
  assert_string_equal("?", text_of(s, 0, PI_USER, 0));
  assert_string_equal("alice", text_of(s, 0, PI_USER, 1));
  assert_string_equal("/user.slice", text_of(s, 0, PI_CGROUP, 1));
  assert_int_equal(1, number_of(s, 0, PI_PPID));
  assert_int_equal(PI_UNKNOWN, pi_snapshot_value(s, 0, PI_PPID, 1).sight);
  assert_int_equal(PI_UNKNOWN, sight_of(s, 0, PI_STARTED));
  assert_int_equal(1700000000, pi_snapshot_value(s, 0, PI_STARTED, 1).number);
  pi_snapshot_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(the_main_holder_is_the_lowest_and_init_the_last,
                             reset),
      cmocka_unit_test_setup(the_same_fact_twice_is_kept_once, reset),
      cmocka_unit_test_setup(holders_go_to_their_own_rows, reset),
      cmocka_unit_test_setup(a_socket_without_a_file_says_how_it_came_to_that,
                             reset),
      cmocka_unit_test_setup(nobody_seen_is_nobody_only_after_a_complete_look,
                             reset),
      cmocka_unit_test_setup(the_platform_learns_what_is_still_wanted, reset),
      cmocka_unit_test_setup(details_are_of_each_holder, reset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
