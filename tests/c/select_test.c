/* select_test.c: the rows that a filter picks, what it reads for that, and the
 * order that people read them in. */
#include "filters.h"
#include "script.h"

static int reset(void **state) {
  (void)state;
  script_reset();
  return 0;
}

/* Selects, and ends the filter. */
static pi_selection *select_by(pi_snapshot *s, pi_filter *f) {
  pi_selection *sel = NULL;
  pi_error err = {0};
  if (pi_snapshot_select(s, f, &sel, &err) != 0) fail_msg("%s", err.text);
  pi_filter_free(f);
  return sel;
}

static void true_rows_and_undecided_ones_stay_apart(void **state) {
  (void)state;
  for (int i = 0; i < 3000; i++) {
    script_row *r = script_socket(PI_STATE_LISTEN, "0.0.0.0", (uint16_t)i);
    r->row.mark = (uint32_t)(i % 2);
    r->row.mark_sight = i % 3 == 0 ? PI_UNKNOWN : PI_KNOWN;
  }
  pi_snapshot *s = script_take(0);
  pi_selection *sel = select_by(s, is(PI_MARK, "1"));
  size_t sure = 0, open = 0;
  for (size_t i = 0; i < 3000; i++) {
    if (i % 3 == 0) {
      assert_int_equal(i, pi_selection_undecided_at(sel, open++));
    } else if (i % 2 == 1) {
      assert_int_equal(i, pi_selection_at(sel, sure++));
    }
  }
  assert_int_equal(sure, pi_selection_count(sel));
  assert_int_equal(open, pi_selection_undecided_count(sel));
  pi_selection_free(sel);
  sel = select_by(s, NULL);
  assert_int_equal(3000, pi_selection_count(sel));
  assert_int_equal(0, pi_selection_undecided_count(sel));
  pi_selection_free(sel);
  pi_snapshot_free(s);
}

static void owners_are_read_only_if_a_row_depends_on_them(void **state) {
  (void)state;
  script_hold(script_socket(PI_STATE_LISTEN, "0.0.0.0", 80),
              script_process_add(10, "nginx"), 3);
  pi_snapshot *s = script_take(0);
  pi_selection *sel =
      select_by(s, both(is(PI_LPORT, "443"), is(PI_PROCESS, "nginx")));
  assert_int_equal(0, pi_selection_count(sel));
  assert_int_equal(0, script.calls[PI_GROUP_OWNER]);
  pi_selection_free(sel);
  // the same with the dear test first
  sel = select_by(s, both(is(PI_PROCESS, "nginx"), is(PI_LPORT, "443")));
  assert_int_equal(0, script.calls[PI_GROUP_OWNER]);
  pi_selection_free(sel);
  sel = select_by(s, both(is(PI_PROCESS, "nginx"), is(PI_LPORT, "80")));
  assert_int_equal(1, pi_selection_count(sel));
  assert_int_equal(1, script.calls[PI_GROUP_OWNER]);
  assert_int_equal(0, script.calls[PI_GROUP_PROCESS]);
  assert_int_equal(0, script.calls[PI_GROUP_DERIVED]);
  pi_selection_free(sel);
  // an owner that rules a row out saves the look at its process
  sel = select_by(s, both(is(PI_EXE, "/bin/x"), is(PI_PROCESS, "sshd")));
  assert_int_equal(0, script.calls[PI_GROUP_PROCESS]);
  pi_selection_free(sel);
  sel = select_by(s, is(PI_EXE, "/bin/x"));
  assert_int_equal(1, script.calls[PI_GROUP_PROCESS]);
  assert_int_equal(1, pi_selection_undecided_count(sel));
  pi_selection_free(sel);
  pi_snapshot_free(s);
}

static void a_selection_that_fails_gives_nothing(void **state) {
  (void)state;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  pi_snapshot *s = script_take(0);
  pi_selection *sel = (pi_selection *)&script;
  pi_error err = {0};
  pi_filter *f = word("pid");
  script.failing = PI_GROUP_OWNER;
  assert_int_equal(PI_EOS, pi_snapshot_select(s, f, &sel, &err));
  assert_ptr_equal(&script, sel);
  assert_says(err.text, "owner");
  assert_int_equal(PI_GROUP_SOCKET, pi_snapshot_groups(s));
  script.failing = 0;
  assert_int_equal(0, pi_snapshot_select(s, f, &sel, &err));
  pi_selection_free(sel);
  pi_filter_free(f);
  pi_snapshot_free(s);
}

static int patience;
static bool impatient(void) {
  return --patience < 0;
}

static void a_selection_can_be_stopped(void **state) {
  (void)state;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  pi_options options = {.interrupted = impatient};
  pi_snapshot *s = NULL;
  pi_selection *sel = NULL;
  pi_error err = {0};
  patience = 1000;
  assert_int_equal(0, pi_snapshot_take(&options, &s, &err));
  patience = 0;
  assert_int_equal(PI_ECANCELED, pi_snapshot_select(s, NULL, &sel, &err));
  assert_null(sel);
  pi_snapshot_free(s);
}

/* Written in the order that people want, taken in many others. */
static void people_read_listeners_first(void **state) {
  (void)state;
  enum { ROWS = 10 };
  for (int shift = 0; shift < ROWS; shift++) {
    script_reset();
    for (int i = 0; i < ROWS; i++) {
      int at = (i * 7 + shift) % ROWS;
      script_row *r = NULL;
      switch (at) {
      case 0: r = script_socket(PI_STATE_LISTEN, "10.0.0.1", 22); break;
      case 1: r = script_socket(PI_STATE_LISTEN, "10.0.0.2", 22); break;
      case 2: r = script_socket(PI_STATE_LISTEN, "0.0.0.0", 443); break;
      case 3: r = script_socket(PI_STATE_UNCONNECTED, "0.0.0.0", 53); break;
      case 4:
        r = script_peer(PI_STATE_ESTABLISHED, "10.0.0.1", 22, "1.1.1.1", 9);
        break;
      case 5:
        r = script_peer(PI_STATE_ESTABLISHED, "10.0.0.1", 22, "1.1.1.1", 10);
        break;
      case 6:
        r = script_peer(PI_STATE_ESTABLISHED, "10.0.0.1", 22, "1.1.1.2", 8);
        break;
      case 7:
        r = script_peer(PI_STATE_TIME_WAIT, "10.0.0.1", 23, "1.1.1.1", 8);
        break;
      case 8:
        r = script_peer(PI_STATE_CONNECTED, "10.0.0.1", 5, "1.1.1.1", 8);
        break;
      default:
        r = script_socket(PI_STATE_UNCONNECTED, "0.0.0.0", 50000);
        r->autobound = true;
      }
      r->row.uid = (uint32_t)at;
    }
    pi_snapshot *s = script_take(PI_GROUP_DERIVED);
    pi_selection *sel = select_by(s, NULL);
    assert_int_equal(0, pi_selection_sort(s, sel, NULL));
    for (size_t i = 0; i < ROWS; i++) {
      assert_int_equal(i, number_of(s, pi_selection_at(sel, i), PI_UID));
    }
    pi_selection_free(sel);
    pi_snapshot_free(s);
  }
}

static void equal_rows_keep_the_kernels_order(void **state) {
  (void)state;
  for (int i = 0; i < 500; i++) script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  pi_snapshot *s = script_take(0);
  pi_selection *sel = select_by(s, NULL);
  assert_int_equal(0, pi_selection_sort(s, sel, NULL));
  for (size_t i = 0; i < 500; i++) {
    assert_int_equal(i, pi_selection_at(sel, i));
  }
  pi_selection_free(sel);
  pi_snapshot_free(s);
}

int main(void) {
#define T(name) cmocka_unit_test_setup(name, reset)
  const struct CMUnitTest tests[] = {
      T(true_rows_and_undecided_ones_stay_apart),
      T(owners_are_read_only_if_a_row_depends_on_them),
      T(a_selection_that_fails_gives_nothing),
      T(a_selection_can_be_stopped),
      T(people_read_listeners_first),
      T(equal_rows_keep_the_kernels_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
