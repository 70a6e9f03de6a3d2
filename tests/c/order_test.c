/* order_test.c: selections sorted by fields, cut, counted and tested further.
 */
#include "filters.h"
#include "script.h"

static int reset(void **state) {
  (void)state;
  script_reset();
  return 0;
}

static pi_snapshot *snapshot;

static pi_selection *everything(void) {
  pi_selection *sel = NULL;
  assert_int_equal(0, pi_snapshot_select(snapshot, NULL, &sel, NULL));
  return sel;
}

static void take(void) {
  snapshot = script_take(0);
}

static void end(pi_selection *sel) {
  pi_selection_free(sel);
  pi_snapshot_free(snapshot);
}

static uint64_t number_at(const pi_selection *sel, size_t i, pi_field field) {
  size_t row = pi_selection_at(sel, i);
  return pi_snapshot_value(snapshot, row, field, 0).number;
}

static void assert_rows(const pi_selection *sel, const size_t *rows, size_t n) {
  assert_int_equal(n, pi_selection_count(sel));
  for (size_t i = 0; i < n; i++) {
    assert_int_equal(rows[i], pi_selection_at(sel, i));
  }
}

static void several_keys(void **state) {
  static const pi_order keys[] = {{PI_RXQ, true}, {PI_LPORT, false}};
  static const size_t sorted[] = {3, 1, 0, 2, 4};
  static const struct {
    uint16_t port;
    uint32_t rxq;
  } rows[] = {{300, 5}, {200, 5}, {100, 0}, {50, 7}, {100, 0}};
  (void)state;
  for (size_t i = 0; i < 5; i++) {
    script_socket(PI_STATE_LISTEN, "0.0.0.0", rows[i].port)->row.rxq =
        rows[i].rxq;
  }
  take();
  pi_selection *sel = everything();
  assert_int_equal(0, pi_selection_sort_by(snapshot, sel, keys, 2, NULL));
  assert_rows(sel, sorted, 5);
  end(sel);
}

/* What is not there stands last, and what is unknown behind it, upwards and
 * downwards. */
static void nothing_and_unknown_come_last(void **state) {
  static const size_t up[] = {2, 0, 3, 1}, down[] = {0, 2, 3, 1};
  (void)state;
  for (unsigned i = 0; i < 4; i++) {
    script_row *r =
        script_socket(PI_STATE_LISTEN, "0.0.0.0", (uint16_t)(i + 1));
    r->row.mark = 9 - i;
    r->row.mark_sight = i == 1 ? PI_UNKNOWN : i == 3 ? PI_EMPTY : PI_KNOWN;
  }
  take();
  pi_selection *sel = everything();
  pi_order key = {PI_MARK, false};
  assert_int_equal(0, pi_selection_sort_by(snapshot, sel, &key, 1, NULL));
  assert_rows(sel, up, 4);
  key.down = true;
  assert_int_equal(0, pi_selection_sort_by(snapshot, sel, &key, 1, NULL));
  assert_rows(sel, down, 4);
  end(sel);
}

static void addresses_and_texts_have_an_order(void **state) {
  static const size_t by_address[] = {1, 0, 2}, by_iface[] = {2, 0, 1};
  (void)state;
  script_socket(PI_STATE_LISTEN, "10.0.0.10", 1);
  script_socket(PI_STATE_LISTEN, "10.0.0.9", 2);
  script_socket(PI_STATE_LISTEN, "10.0.1.1", 3);
  script.rows[0].iface = "lo";
  script.rows[1].iface = "lo0";
  script.rows[2].iface = "eth0";
  take();
  pi_selection *sel = everything();
  pi_order key = {PI_LADDR, false};
  assert_int_equal(0, pi_selection_sort_by(snapshot, sel, &key, 1, NULL));
  assert_rows(sel, by_address, 3);
  key.field = PI_IFACE;
  assert_int_equal(0, pi_selection_sort_by(snapshot, sel, &key, 1, NULL));
  assert_rows(sel, by_iface, 3);
  end(sel);
}

static void a_tally_counts_all_rows_once(void **state) {
  size_t counts[7] = {0};
  (void)state;
  for (unsigned i = 0; i < 1000; i++) {
    unsigned value = i * i % 7;
    script_socket(PI_STATE_LISTEN, "0.0.0.0", (uint16_t)i)->row.mark = value;
    script.rows[i].row.mark_sight = value == 2 ? PI_UNKNOWN : PI_KNOWN;
    counts[value]++;
  }
  take();
  pi_selection *sel = everything();
  const pi_field mark = PI_MARK;
  assert_false(pi_selection_tallied(sel));
  assert_int_equal(0, pi_selection_tally(snapshot, sel, &mark, 1, NULL));
  assert_true(pi_selection_tallied(sel));
  assert_int_equal(4, pi_selection_count(sel));  // squares modulo 7
  uint64_t before = UINT64_MAX;
  for (size_t i = 0; i < 4; i++) {
    size_t row = pi_selection_at(sel, i);
    pi_value v = pi_snapshot_value(snapshot, row, PI_MARK, 0);
    size_t value = v.sight == PI_UNKNOWN ? 2 : (size_t)v.number;
    assert_int_equal(counts[value], pi_selection_tally_at(sel, i));
    assert_true(pi_selection_tally_at(sel, i) <= before);
    before = pi_selection_tally_at(sel, i);
  }
  const pi_order key = {-1, false};
  assert_int_equal(0, pi_selection_sort_by(snapshot, sel, &key, 1, NULL));
  for (size_t i = 1; i < 4; i++) {
    assert_true(pi_selection_tally_at(sel, i - 1) <=
                pi_selection_tally_at(sel, i));
  }
  end(sel);
}

static void distinct_keeps_the_first_of_each(void **state) {
  static const size_t first[] = {0, 1, 3};
  static const pi_field fields[] = {PI_LPORT, PI_LADDR};
  (void)state;
  script_socket(PI_STATE_LISTEN, "10.0.0.1", 80);
  script_socket(PI_STATE_LISTEN, "10.0.0.2", 80);
  script_socket(PI_STATE_LISTEN, "10.0.0.1", 80);
  script_socket(PI_STATE_LISTEN, "10.0.0.1", 81);
  take();
  pi_selection *sel = everything();
  assert_int_equal(0, pi_selection_distinct(snapshot, sel, fields, 2, NULL));
  assert_rows(sel, first, 3);
  assert_false(pi_selection_tallied(sel));
  assert_int_equal(1, pi_selection_tally_at(sel, 0));
  end(sel);
}

static void a_limit_keeps_the_first(void **state) {
  (void)state;
  for (unsigned i = 0; i < 5; i++) {
    script_socket(PI_STATE_LISTEN, "0.0.0.0", (uint16_t)i);
  }
  take();
  pi_selection *sel = everything();
  pi_selection_limit(sel, 7);
  assert_int_equal(5, pi_selection_count(sel));
  pi_selection_limit(sel, 2);
  assert_int_equal(2, pi_selection_count(sel));
  assert_int_equal(1, number_at(sel, 1, PI_LPORT));
  pi_selection_limit(sel, 0);
  assert_int_equal(0, pi_selection_count(sel));
  end(sel);
}

/* A further test is Kleene's `and`. */
static void a_further_test_narrows(void **state) {
  static const uint8_t truths[] = {PI_TRUE, PI_FALSE, PI_UNDECIDED,
                                   PI_TRUE, PI_FALSE, PI_UNDECIDED};
  static const size_t sure[] = {0}, open[] = {2, 3, 5};
  (void)state;
  for (unsigned i = 0; i < 6; i++) {
    script_row *r =
        script_socket(PI_STATE_LISTEN, "0.0.0.0", (uint16_t)(i + 1));
    r->row.mark_sight = i >= 3 ? PI_UNKNOWN : PI_KNOWN;
    r->row.mark = 1;
  }
  take();
  pi_filter *f = is(PI_MARK, "1");
  pi_selection *sel = NULL;
  assert_int_equal(0, pi_snapshot_select(snapshot, f, &sel, NULL));
  pi_filter_free(f);
  assert_int_equal(0, pi_selection_narrow(sel, truths, NULL));
  assert_rows(sel, sure, 1);
  pi_selection_turn(sel);
  assert_rows(sel, open, 3);
  assert_int_equal(1, pi_selection_undecided_count(sel));
  end(sel);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(several_keys, reset),
      cmocka_unit_test_setup(nothing_and_unknown_come_last, reset),
      cmocka_unit_test_setup(addresses_and_texts_have_an_order, reset),
      cmocka_unit_test_setup(a_tally_counts_all_rows_once, reset),
      cmocka_unit_test_setup(distinct_keeps_the_first_of_each, reset),
      cmocka_unit_test_setup(a_limit_keeps_the_first, reset),
      cmocka_unit_test_setup(a_further_test_narrows, reset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
