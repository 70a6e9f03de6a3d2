/* watch_test.c: what a watcher makes of readings and of what is told between
 * them; both come from a script. */
#include "script.h"

/* ---- The script: notices, and a clock that goes on when it is asked ------ */

struct pi__notices {
  int open;
};

static struct {
  struct pi__notices notices;
  pi__row rows[MANY];
  size_t count, given;
  uint64_t clock;
  pi_wake wakes[8]; /* what waiting meets, one after the other */
  size_t wake_count, woken;
  unsigned waited; /* milliseconds that the last one was to wait */
} told;

int pi__notices_open(const pi__want *want, pi__notices **ret,
                     pi_hearing *hearing, pi_error *err) {
  (void)want;
  (void)err;
  hearing->heard = true;
  told.notices.open++;
  *ret = &told.notices;
  return 0;
}

void pi__notices_close(pi__notices *n) {
  n->open--;
}

pi_wake pi__notices_wait(pi__notices *n, unsigned ms, int output) {
  (void)n;
  (void)output;
  told.waited = ms;
  if (told.woken < told.wake_count) {
    told.clock += 10;
    return told.wakes[told.woken++];
  }
  told.clock += ms;
  return PI_WAKE_TIME;
}

int pi__notices_read(pi__notices *n,
                     int (*visit)(void *arg, const pi__row *row, pi_error *err),
                     void *arg, pi_hearing *hearing, bool *more,
                     pi_error *err) {
  (void)n;
  (void)hearing;
  *more = false;
  while (told.given < told.count) {
    int rc = visit(arg, &told.rows[told.given++], err);
    if (rc != 0) return rc;
  }
  return 0;
}

uint64_t pi__ticks(void) {
  return told.clock;
}

/* ---- Tools ------------------------------------------------------------- */

static void tell(const pi__row *row) {
  assert_true(told.count < LENGTH(told.rows));
  told.rows[told.count] = *row;
  told.rows[told.count++].state = PI_STATE_CLOSED;
}

/* An end that no reading met. */
static void tell_of(uint64_t cookie, uint16_t lport, uint16_t rport) {
  pi__row row = {
      .proto = PI_PROTO_TCP,
      .cookie = cookie,
      .lport = lport,
      .rport = rport,
      .laddr = address_of("10.0.0.1"),
      .raddr = address_of(rport != 0 ? "10.0.0.2" : "0.0.0.0"),
      .uid_sight = PI_UNKNOWN,
  };
  tell(&row);
}

static void wakes(pi_wake wake) {
  assert_true(told.wake_count < LENGTH(told.wakes));
  told.wakes[told.wake_count++] = wake;
}

static pi_watcher *begin(const char *filter) {
  pi_watcher *w = NULL;
  pi_filter *f = NULL;
  pi_error err = {0};
  script_reset();
  memset(&told, 0, sizeof told);
  if (filter != NULL) {
    assert_int_equal(0, pi_filter_parse(filter, strlen(filter), &f, NULL));
  }
  pi_options options = {.filter = f};
  if (pi_watcher_new(&options, &w, &err) != 0) fail_msg("%s", err.text);
  pi_filter_free(f);
  return w;
}

static void end(pi_watcher *w) {
  pi_watcher_free(w);
  assert_int_equal(0, told.notices.open);
}

/* Takes the script's reading and tells the watcher: what nothing else tells. */
static pi_snapshot *meet(pi_watcher *w) {
  pi_snapshot *latest = script_take(0), *ended = (pi_snapshot *)&told;
  pi_error err = {0};
  if (pi_watcher_meet(w, latest, &ended, &err) != 0) fail_msg("%s", err.text);
  pi_snapshot_free(latest);
  return ended;
}

static int wait_for(pi_watcher *w, unsigned least, unsigned most) {
  pi_error err = {0};
  int rc = pi_watcher_wait(w, least, most, -1, &err);
  if (rc < 0) fail_msg("%s", err.text);
  return rc;
}

/* ---- Claims ------------------------------------------------------------- */

static void what_no_reading_met_is_told(void **state) {
  (void)state;
  pi_watcher *w = begin(NULL);
  script_socket(PI_STATE_LISTEN, "10.0.0.1", 80);
  assert_null(meet(w));
  tell_of(500, 80, 40000);
  tell_of(501, 0, 0);  // never had a port
  pi_snapshot *s = meet(w);
  assert_int_equal(1, pi_snapshot_count(s));
  assert_int_equal(80, number_of(s, 0, PI_LPORT));
  assert_int_equal(40000, number_of(s, 0, PI_RPORT));
  assert_int_equal(500, number_of(s, 0, PI_COOKIE));
  assert_string_equal("private", text_of(s, 0, PI_EXPOSURE, 0));
  assert_string_equal("unknown", text_of(s, 0, PI_OWNER, 0));
  assert_string_equal("vanished", text_of(s, 0, PI_WHY, 0));
  static const pi_field unknown[] = {PI_STATE, PI_ROLE, PI_INODE, PI_SERVICE,
                                     PI_UID,   PI_PID,  PI_EXE,   PI_HOLDERS};
  for (size_t i = 0; i < LENGTH(unknown); i++) {
    assert_int_equal(PI_UNKNOWN, sight_of(s, 0, unknown[i]));
  }
  assert_int_equal(PI_GROUPS_USUAL, pi_snapshot_groups(s));
  pi_snapshot_free(s);
  assert_null(meet(w));  // and once
  assert_int_equal(2, pi_watcher_hearing(w)->told);
  end(w);
}

static void one_that_was_reset_has_lost_its_far_end(void **state) {
  (void)state;
  pi_watcher *w = begin(NULL);
  assert_null(meet(w));
  tell_of(500, 40000, 0);
  told.rows[0].laddr = address_of("0.0.0.0");
  tell_of(501, 80, 0);  // a listener, perhaps: this it did bind
  pi_snapshot *s = meet(w);
  assert_int_equal(PI_UNKNOWN, sight_of(s, 0, PI_RPORT));
  assert_int_equal(PI_UNKNOWN, sight_of(s, 0, PI_LADDR));
  assert_int_equal(PI_UNKNOWN, sight_of(s, 0, PI_EXPOSURE));
  assert_int_equal(PI_UNKNOWN, sight_of(s, 1, PI_RPORT));
  assert_int_equal(PI_KNOWN, sight_of(s, 1, PI_LADDR));
  pi_snapshot_free(s);
  end(w);
}

static void what_a_reading_met_is_told_by_readings(void **state) {
  (void)state;
  pi_watcher *w = begin(NULL);
  pi__row gone = script_socket(PI_STATE_LISTEN, "10.0.0.1", 80)->row;
  pi__row late = script_socket(PI_STATE_LISTEN, "10.0.0.1", 81)->row;
  assert_null(meet(w));
  tell(&gone);
  script.count = 0;
  assert_null(meet(w));
  for (int i = 0; i < 5; i++) assert_null(meet(w));
  tell(&late);  // its word comes long behind the reading that misses it
  assert_null(meet(w));
  tell(&late);  // and that was that: a cookie is given once
  pi_snapshot *s = meet(w);
  assert_int_equal(1, pi_snapshot_count(s));
  pi_snapshot_free(s);
  end(w);
}

/* A socket in time-wait has another cookie than its socket had, or the same. */
static void time_wait_is_what_became_of_it(void **state) {
  (void)state;
  pi_watcher *w = begin(NULL);
  assert_null(meet(w));
  tell_of(500, 80, 40000);
  tell_of(501, 80, 40001);
  script_peer(PI_STATE_TIME_WAIT, "10.0.0.1", 80, "10.0.0.2", 40000)
      ->row.cookie = 900;
  pi_snapshot *s = meet(w);
  assert_int_equal(1, pi_snapshot_count(s));
  assert_int_equal(40001, number_of(s, 0, PI_RPORT));
  pi_snapshot_free(s);
  end(w);
}

static void the_end_of_one_that_was_met_is_a_reason_to_read(void **state) {
  (void)state;
  pi_watcher *w = begin(NULL);
  pi__row row = script_socket(PI_STATE_LISTEN, "10.0.0.1", 80)->row;
  assert_null(meet(w));
  assert_int_equal(PI_WAKE_TIME, wait_for(w, 100, 1000));
  tell_of(500, 80, 1);  // of one that was not met: it can wait
  wakes(PI_WAKE_ENDED);
  assert_int_equal(PI_WAKE_TIME, wait_for(w, 100, 1000));
  tell(&row);
  wakes(PI_WAKE_ENDED);
  uint64_t start = told.clock;
  assert_int_equal(PI_WAKE_ENDED, wait_for(w, 100, 1000));
  assert_int_equal(100, told.clock - start);  // though it came after 10
  // it stays a reason until it was read
  assert_int_equal(PI_WAKE_ENDED, wait_for(w, 0, 1000));
  script.count = 0;
  pi_snapshot_free(meet(w));
  assert_int_equal(PI_WAKE_TIME, wait_for(w, 0, 1000));
  end(w);
}

static void one_that_ends_while_we_read_is_a_reason_too(void **state) {
  (void)state;
  pi_watcher *w = begin(NULL);
  pi__row row = script_socket(PI_STATE_LISTEN, "10.0.0.1", 80)->row;
  assert_null(meet(w));
  tell(&row);  // and the reading still has it
  assert_null(meet(w));
  assert_int_equal(PI_WAKE_ENDED, wait_for(w, 0, 1000));
  end(w);
}

static void waiting_ends_for_signals_and_readers_that_leave(void **state) {
  (void)state;
  pi_watcher *w = begin(NULL);
  wakes(PI_WAKE_SIGNAL);
  assert_int_equal(PI_WAKE_SIGNAL, wait_for(w, 0, 1000));
  wakes(PI_WAKE_LEFT);
  assert_int_equal(PI_WAKE_LEFT, wait_for(w, 0, 1000));
  assert_int_equal(PI_WAKE_TIME, wait_for(w, 0, 0));
  end(w);
}

static bool stop(void) {
  return true;
}

static void waiting_ends_when_it_is_told_to(void **state) {
  (void)state;
  pi_watcher *w = begin(NULL), *stopped = NULL;
  pi_options options = {.interrupted = stop};
  pi_error err = {0};
  assert_int_equal(0, pi_watcher_new(&options, &stopped, &err));
  assert_int_equal(PI_ECANCELED, pi_watcher_wait(stopped, 0, 1000, -1, &err));
  pi_watcher_free(stopped);
  end(w);
}

/* Connections are none of a filter that listeners alone can pass. */
static void ends_that_the_filter_cannot_want_are_left_out(void **state) {
  (void)state;
  pi_watcher *w = begin("listening tcp");
  assert_null(meet(w));
  tell_of(500, 80, 40000);
  tell_of(501, 81, 0);
  pi_snapshot *s = meet(w);
  assert_int_equal(1, pi_snapshot_count(s));
  assert_int_equal(81, number_of(s, 0, PI_LPORT));
  pi_snapshot_free(s);
  end(w);
}

static void a_filter_is_undecided_about_what_they_lost(void **state) {
  (void)state;
  pi_watcher *w = begin(NULL);
  assert_null(meet(w));
  tell_of(500, 80, 40000);
  pi_snapshot *s = meet(w);
  static const struct {
    const char *filter;
    size_t sure, undecided;
  } table[] = {{":80", 1, 0},
               {":81", 0, 0},
               {"established :80", 0, 1},
               {"process = x", 0, 1},
               {"raddr = 10.0.0.2", 1, 0}};
  for (size_t i = 0; i < LENGTH(table); i++) {
    pi_filter *f = NULL;
    pi_selection *sel = NULL;
    assert_int_equal(
        0, pi_filter_parse(table[i].filter, strlen(table[i].filter), &f, NULL));
    assert_int_equal(0, pi_snapshot_select(s, f, &sel, NULL));
    assert_int_equal(table[i].sure, pi_selection_count(sel));
    assert_int_equal(table[i].undecided, pi_selection_undecided_count(sel));
    pi_selection_free(sel);
    pi_filter_free(f);
  }
  pi_snapshot_free(s);
  end(w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_no_reading_met_is_told),
      cmocka_unit_test(one_that_was_reset_has_lost_its_far_end),
      cmocka_unit_test(what_a_reading_met_is_told_by_readings),
      cmocka_unit_test(time_wait_is_what_became_of_it),
      cmocka_unit_test(the_end_of_one_that_was_met_is_a_reason_to_read),
      cmocka_unit_test(one_that_ends_while_we_read_is_a_reason_too),
      cmocka_unit_test(waiting_ends_for_signals_and_readers_that_leave),
      cmocka_unit_test(waiting_ends_when_it_is_told_to),
      cmocka_unit_test(ends_that_the_filter_cannot_want_are_left_out),
      cmocka_unit_test(a_filter_is_undecided_about_what_they_lost),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
