/* filter.c: any bytes at all, read as a filter.
 *
 * What is refused is refused well: a sentence, about bytes that are there. What
 * is taken means the same however it is asked: itself or its copy, row by row
 * or as a selection, of a reading that is complete or was planned for it; and
 * the same again when it is written and read once more.
 */
#include "fuzz.h"

#include "../c/script.h"

#include "core/plan.h"

/* ---- A reading with something of everything ----------------------------- */

static pi_snapshot *all;

static void add_connections(void) {
  script_row *r =
      script_peer(PI_STATE_ESTABLISHED, "10.0.0.5", 443, "10.1.2.3", 40000);
  r->iface = "eth0";
  r->row.iface_sight = PI_KNOWN;
  script_hold(r, 0, 7);
  script_hold(r, 1, 8);
  r = script_peer(PI_STATE_ESTABLISHED, "10.0.0.5", 50000, "192.0.2.1", 22);
  r->autobound = true;
  r->row.family = PI_FAMILY_6;  // v4-mapped, as the kernel said
  r->row.rxq = 4096;
  script_hold(r, 2, 3);
  script_peer(PI_STATE_TIME_WAIT, "127.0.0.1", 40001, "127.0.0.1", 443)
      ->row.inode = 0;
  script_peer(PI_STATE_CLOSE_WAIT, "2001:db8::1", 8080, "2001:db8::2", 65535);
  script_peer(PI_STATE_CONNECTED, "fe80::1", 53, "fe80::2", 5353)->iface = "lo";
}

static void add_others(void) {
  script_hold(script_socket(PI_STATE_LISTEN, "0.0.0.0", 80), 0, 4);
  script_row *r = script_socket(PI_STATE_LISTEN, "::", 443);
  r->row.v6only_sight = PI_UNKNOWN;
  r->row.mark = 7;
  r->row.mark_sight = PI_KNOWN;
  script_hold(r, 1, 5);
  script_socket(PI_STATE_LISTEN, "172.100.0.1", 6379)->row.uid_sight =
      PI_UNKNOWN;
  script_socket(PI_STATE_CLOSED, "::1", 0);
  script_hold(script_socket(PI_STATE_UNCONNECTED, "0.0.0.0", 53), 2, 6);
  script_socket(PI_STATE_UNCONNECTED, "224.0.0.251", 5353)->autobound = true;
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  // a claim that fails is a crash to the fuzzer, with a trace
  setenv("CMOCKA_TEST_ABORT", "1", 1);
  script_reset();
  script_process_add(10, "nginx");
  script_process_add(11, "nginx\xff*");
  script_process_add(12, "and");
  script.processes[0].user = "root";
  script.processes[0].exe = "/usr/sbin/nginx";
  script.processes[0].cmdline = "nginx: master process";
  script.processes[0].started = 1700000000;
  script.processes[1].cgroup = "";
  script.quality.unreadable = 1;
  script.host.reserved[443 / 8] |= 1u << 443 % 8;
  script.host.reserved_known = true;
  add_connections();
  add_others();
  all = script_take(PI_GROUPS);
  return 0;
}

/* ---- Refused ------------------------------------------------------------ */

/* Is a byte of a message one that no terminal minds, or one that was quoted? */
static bool may_say(char c, const char *text, size_t length) {
  if ((unsigned char)c >= 0x20 && c != 0x7f) return true;
  return memchr(text, c, length) != NULL;
}

static void is_refused_well(const pi_error *err, const char *text,
                            size_t length) {
  assert_true(err->code == PI_EINVAL || err->code == PI_ENOMEM);
  assert_true(err->at <= length && err->length <= length - err->at);
  size_t said = strnlen(err->text, sizeof err->text);
  assert_in_range(said, 1, sizeof err->text - 1);
  for (size_t i = 0; i < said; i++) {
    assert_true(may_say(err->text[i], text, length));
  }
}

/* ---- Taken -------------------------------------------------------------- */

/* The steps are a program that leaves one answer. */
static void is_a_program(const pi__want *want) {
  size_t depth = 0;
  assert_true(want->step_count <= PI__MOST_STEPS);
  for (size_t i = 0; i < want->step_count; i++) {
    switch (want->steps[i].op) {
    case PI__STEP_AND:
    case PI__STEP_OR: assert_true(depth-- >= 2); break;
    case PI__STEP_NOT: assert_true(depth >= 1); break;
    default: depth++;
    }
  }
  assert_int_equal(want->step_count > 0, depth);
}

/* A row that is not surely false is among those that are asked for. */
static void is_asked_for(const pi__want *want, size_t row) {
  uint64_t proto = number_of(all, row, PI_PROTO);
  assert_true(want->states[proto] & 1u << number_of(all, row, PI_STATE));
  assert_true(want->families[number_of(all, row, PI_FAMILY)]);
}

/* A selection has the rows that the test calls true, and the undecided ones
 * apart, each in order. */
static void selects_what_it_says(const pi_filter *f, const pi__want *want) {
  pi_selection *selection = NULL;
  assert_int_equal(0, pi_snapshot_select(all, f, &selection, NULL));
  size_t yes = 0, open = 0;
  for (size_t row = 0; row < pi_snapshot_count(all); row++) {
    pi_truth t = pi_filter_test(f, all, row);
    if (t == PI_FALSE) continue;
    is_asked_for(want, row);
    size_t at = t == PI_TRUE ? pi_selection_at(selection, yes++)
                             : pi_selection_undecided_at(selection, open++);
    assert_int_equal(row, at);
  }
  assert_int_equal(yes, pi_selection_count(selection));
  assert_int_equal(open, pi_selection_undecided_count(selection));
  pi_selection_free(selection);
}

/* ---- Written and explained ---------------------------------------------- */

typedef struct text {
  char *bytes;
  size_t length, capacity;
} text;

static int add_bytes(void *arg, const char *bytes, size_t length) {
  text *t = arg;
  int rc =
      pi__reserve(&t->bytes, &t->capacity, t->length + length + 1, 1, NULL);
  if (rc != 0) return rc;
  memcpy(t->bytes + t->length, bytes, length);
  t->length += length;
  return 0;
}

static text written(const pi_filter *f) {
  text t = {0};
  pi_error err = {0};
  assert_int_equal(0, add_bytes(&t, "", 0));  // every row is "", not NULL
  if (pi_filter_write(f, add_bytes, &t, &err) != 0) fail_msg("%s", err.text);
  return t;
}

static void mean_the_same(const pi_filter *a, const pi_filter *b) {
  for (size_t row = 0; row < pi_snapshot_count(all); row++) {
    assert_int_equal(pi_filter_test(a, all, row), pi_filter_test(b, all, row));
  }
}

/* What is written means the same when it is read again, and is written so. */
static void is_written_as_it_means(const pi_filter *f) {
  text once = written(f);
  pi_filter *again = NULL;
  pi_error err = {0};
  if (pi_filter_parse(once.bytes, once.length, &again, &err) != 0) {
    fail_msg("%.*s: %s", (int)once.length, once.bytes, err.text);
  }
  mean_the_same(f, again);
  text twice = written(again);
  assert_int_equal(once.length, twice.length);
  assert_memory_equal(once.bytes, twice.bytes, once.length);
  pi_filter_free(again);
  pi__realloc(once.bytes, 0);
  pi__realloc(twice.bytes, 0);
}

/* The parts of a plan must all hold, and the kernel's loses no row. */
static void is_explained(const pi_filter *f) {
  pi_filter *pushed = NULL;
  assert_int_equal(0, pi_plan_pushed(f, &pushed, NULL));
  for (size_t row = 0; row < pi_snapshot_count(all); row++) {
    pi_truth whole = pi_filter_test(f, all, row);
    if (pushed != NULL && whole != PI_FALSE) {
      assert_int_not_equal(PI_FALSE, pi_filter_test(pushed, all, row));
    }
    pi_truth least = PI_TRUE;
    pi_part part;
    for (size_t i = 0; pi_plan_part(f, i, &part); i++) {
      pi_truth t = pi_filter_test(part.filter, all, row);
      if (t == PI_FALSE || least == PI_TRUE) least = t;
      if (least == PI_FALSE) break;
    }
    assert_int_equal(whole, least);
  }
  pi_filter_free(pushed);
}

/* A reading made for the filter, completed as it needs, answers the same. */
static void answers_when_planned(const pi_filter *f) {
  pi_options options = {.filter = f};
  pi_snapshot *planned = NULL;
  pi_selection *a = NULL, *b = NULL;
  assert_int_equal(0, pi_snapshot_take(&options, &planned, NULL));
  assert_int_equal(0, pi_snapshot_select(all, f, &a, NULL));
  assert_int_equal(0, pi_snapshot_select(planned, f, &b, NULL));
  assert_int_equal(pi_selection_count(a), pi_selection_count(b));
  assert_int_equal(pi_selection_undecided_count(a),
                   pi_selection_undecided_count(b));
  pi_selection_free(a);
  pi_selection_free(b);
  pi_snapshot_free(planned);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *text = copy_of(data, size);
  pi_filter *f = NULL, *copy = NULL;
  pi_error err = {0};
  if (pi_filter_parse(text, size, &f, &err) != 0) {
    assert_null(f);
    is_refused_well(&err, text, size);
    free(text);
    return 0;
  }
  free(text);  // a filter keeps nothing of its text
  assert_int_equal(0, pi_filter_copy(f, &copy, &err));
  assert_int_equal(pi_filter_groups(f), pi_filter_groups(copy));
  pi__want want = {0};
  pi__plan(f, &want);
  is_a_program(&want);
  selects_what_it_says(f, &want);
  pi_filter_free(f);
  selects_what_it_says(copy, &want);
  answers_when_planned(copy);
  is_written_as_it_means(copy);
  is_explained(copy);
  pi_filter_free(copy);
  return 0;
}
