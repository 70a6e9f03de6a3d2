/* match_test.c: what a filter says of a row: globs, three values, many members.
 */
#include "filters.h"
#include "script.h"

#include "core/filter.h"

static int reset(void **state) {
  (void)state;
  script_reset();
  return 0;
}

/* ---- Globs -------------------------------------------------------------- */

static bool glob(const char *g, const char *text, bool fold) {
  return pi__glob(g, strlen(g), text, strlen(text), fold);
}

static void a_glob_matches_the_whole_text(void **state) {
  (void)state;
  static const struct {
    const char *glob, *text;
    bool match;
  } table[] = {
      {"nginx*", "nginx", true},
      {"nginx*", "nginx: worker", true},
      {"nginx*", "xnginx", false},
      {"*", "", true},
      {"*", "anything", true},
      {"**", "", true},
      {"?", "", false},
      {"?", "a", true},
      {"?", "ab", false},
      {"?", "\xc3\xa9", true},
      {"?", "\xff", true},
      {"??", "\xff\xff", true},
      {"?", "\xe2\x82", false},
      {"a?c", "abc", true},
      {"a?c",
       "a\xe2\x82\xac"
       "c",
       true},
      {"a*c", "abcabc", true},
      {"a*c", "abcab", false},
      {"*b*", "abc", true},
      {"*abc", "ababc", true},
      {"a*b*c", "a-b-c", true},
      {"a*b*c", "acb", false},
      {"[*]", "*", true},
      {"[*]", "x", false},
      {"[?]x", "?x", true},
      {"[[]", "[", true},
      {"[]]", "]", true},
      {"a[*]", "a*", true},
      {"a[*]", "ab", false},
      {"[ab]", "[ab]", true},
      {"[ab]", "a", false},
      {"[", "[", true},
      {"[a", "[a", true},
      {"", "", true},
      {"", "a", false},
      {"abc", "ABC", false},
      {"a*b", "a\nb", true},
      {"*a", "aaaaaaaaab", false},
      {"*\xc3\xa9*", "caf\xc3\xa9s", true},
      // a star ends where a character does
      {"*???", "\xf0\x9f\x98\x80", false},
      {"*?", "\xf0\x9f\x98\x80", true},
      {"*\xa9", "\xc3\xa9", false},
      {"\xc3?", "\xc3\xa9", false},
      {"*\xa9", "x\xa9", true},
  };
  for (size_t i = 0; i < LENGTH(table); i++) {
    if (glob(table[i].glob, table[i].text, false) != table[i].match) {
      fail_msg("%s and %s", table[i].glob, table[i].text);
    }
  }
  assert_true(glob("HTTP*", "http-alt", true));
  assert_false(glob("HTTP*", "http-alt", false));
  assert_true(pi__glob("a*c", 3, "a\0c", 3, false));
  assert_false(pi__glob("a*c", 3, "a\0cd", 4, false));
}

/* Backtracking into every star would take longer than anybody has. */
static void a_pathological_glob_ends(void **state) {
  (void)state;
  enum { STARS = 200, TEXT = 20000 };
  char *g = malloc(2 * STARS + 2), *text = malloc(TEXT + 1);
  assert_non_null(g);
  assert_non_null(text);
  for (int i = 0; i < STARS; i++) memcpy(g + 2 * i, "*a", 2);
  strcpy(g + 2 * STARS, "b");
  memset(text, 'a', TEXT);
  text[TEXT] = '\0';
  assert_false(glob(g, text, false));
  text[TEXT - 1] = 'b';
  assert_true(glob(g, text, false));
  free(g);
  free(text);
}

static void texts_are_literal_but_for_globs(void **state) {
  (void)state;
  unsigned p = script_process_add(10, "a*b");
  script_hold(script_socket(PI_STATE_LISTEN, "0.0.0.0", 80), p, 3);
  script_hold(script_socket(PI_STATE_LISTEN, "0.0.0.0", 443),
              script_process_add(11, "axxb"), 3);
  pi_snapshot *s = script_take(PI_GROUP_OWNER | PI_GROUP_DERIVED);
  assert_is(s, 0, PI_PROCESS, "a*b", true);
  assert_is(s, 1, PI_PROCESS, "a*b", true);
  assert_is(s, 0, PI_PROCESS, "a[*]b", true);
  assert_is(s, 1, PI_PROCESS, "a[*]b", false);
  assert_is(s, 1, PI_PROCESS, "AXXB", false);
  assert_is(s, 1, PI_PROCESS, "axx", false);
  assert_is(s, 1, PI_PROCESS, "axxbc", false);
  assert_is(s, 0, PI_SERVICE, "HTTP", true);
  assert_is(s, 0, PI_SERVICE, "H*", true);
  assert_is(s, 1, PI_SERVICE, "http", false);
  pi_operand o = {.kind = PI_OPERAND_TEXT, .text = "a*b\0", .length = 4};
  pi_filter *f = NULL;
  assert_int_equal(0, pi_filter_in(PI_PROCESS, &o, 1, &f, NULL));
  assert_int_equal(PI_FALSE, test(f, s, 0));
  pi_snapshot_free(s);
}

/* ---- Three values ------------------------------------------------------- */

/* Row 0 has a mark, row 1 has none that we could see, row 2 has no uid at
 * all. */
static pi_snapshot *three_values(void) {
  script_row *r = script_socket(PI_STATE_LISTEN, "0.0.0.0", 1);
  r->row.mark = 5;
  r->row.mark_sight = PI_KNOWN;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 2);
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 3)->row.mark_sight = PI_EMPTY;
  return script_take(0);
}

static void a_test_of_known_empty_and_unknown(void **state) {
  (void)state;
  pi_snapshot *s = three_values();
  static const pi_truth equal[] = {PI_TRUE, PI_UNDECIDED, PI_FALSE};
  static const pi_truth other[] = {PI_FALSE, PI_UNDECIDED, PI_FALSE};
  static const pi_truth unequal[] = {PI_FALSE, PI_UNDECIDED, PI_TRUE};
  for (size_t row = 0; row < 3; row++) {
    assert_int_equal(equal[row], test(is(PI_MARK, "5"), s, row));
    assert_int_equal(other[row], test(is(PI_MARK, "6"), s, row));
    assert_int_equal(unequal[row], test(not(is(PI_MARK, "5")), s, row));
    assert_int_equal(equal[row], test(word("mark"), s, row));
    assert_int_equal(unequal[row], test(not(word("mark")), s, row));
  }
  pi_snapshot_free(s);
}

static pi_filter *truth(pi_truth t) {
  if (t == PI_UNDECIDED) return is(PI_MARK, "5");
  return t == PI_TRUE ? word("all") : not(word("all"));
}

static void and_or_and_not_follow_kleene(void **state) {
  (void)state;
  pi_snapshot *s = three_values();
  enum { F = PI_FALSE, T = PI_TRUE, U = PI_UNDECIDED };
  static const int ands[3][3] = {{F, F, F}, {F, T, U}, {F, U, U}};
  static const int ors[3][3] = {{F, T, U}, {T, T, T}, {U, T, U}};
  static const int nots[3] = {T, F, U};
  for (int a = 0; a < 3; a++) {
    pi_filter *f = not(truth((pi_truth)a));
    assert_int_equal(nots[a], test(f, s, 1));
    for (int b = 0; b < 3; b++) {
      pi_filter *x = both(truth((pi_truth)a), truth((pi_truth)b));
      assert_int_equal(ands[a][b], test(x, s, 1));
      x = either(truth((pi_truth)a), truth((pi_truth)b));
      assert_int_equal(ors[a][b], test(x, s, 1));
      for (int c = 0; c < 3; c++) {
        x = both(both(truth((pi_truth)a), truth((pi_truth)b)),
                 truth((pi_truth)c));
        assert_int_equal(ands[ands[a][b]][c], test(x, s, 1));
        x = either(truth((pi_truth)a),
                   either(truth((pi_truth)b), truth((pi_truth)c)));
        assert_int_equal(ors[a][ors[b][c]], test(x, s, 1));
        x = both(truth((pi_truth)a),
                 not(either(truth((pi_truth)b), truth((pi_truth)c))));
        assert_int_equal(ands[a][nots[ors[b][c]]], test(x, s, 1));
      }
    }
  }
  pi_snapshot_free(s);
}

static void a_group_that_was_not_read_decides_nothing(void **state) {
  (void)state;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  pi_snapshot *s = script_take(0);
  assert_int_equal(PI_UNDECIDED, test(is(PI_PROCESS, "x"), s, 0));
  assert_int_equal(PI_UNDECIDED, test(not(is(PI_EXE, "x")), s, 0));
  assert_int_equal(PI_UNDECIDED, test(word("pid"), s, 0));
  assert_int_equal(PI_UNDECIDED, test(word("exposed"), s, 0));
  assert_int_equal(PI_UNDECIDED, test(word("risky"), s, 0));
  assert_int_equal(PI_TRUE, test(word("listening"), s, 0));
  assert_int_equal(PI_TRUE, test(word("ephemeral"), s, 0) == PI_UNDECIDED);
  pi_snapshot_free(s);
}

/* ---- Any member --------------------------------------------------------- */

/* Three holders: one whose executable we could not see, one without (a kernel
 * thread), and one with. */
static pi_snapshot *three_holders(const char *a, const char *b, const char *c) {
  const char *exes[] = {a, b, c};
  script_row *r = script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  for (unsigned i = 0; i < 3; i++) {
    unsigned p = script_process_add(10 + i, "x");
    script.processes[p].exe = exes[i];
    script_hold(r, p, 3);
  }
  return script_take(PI_GROUP_PROCESS);
}

static void any_member_is_enough(void **state) {
  (void)state;
  pi_snapshot *s = three_holders("/bin/a", "/bin/b", "/bin/c");
  assert_is(s, 0, PI_EXE, "/bin/a", true);
  assert_is(s, 0, PI_EXE, "/bin/b", true);
  assert_is(s, 0, PI_EXE, "/bin/c", true);
  assert_is(s, 0, PI_EXE, "/bin/d", false);
  assert_is(s, 0, PI_PID, "12", true);
  assert_is(s, 0, PI_PID, "13..20", false);
  assert_int_equal(PI_FALSE, test(not(is(PI_EXE, "/bin/c")), s, 0));
  pi_snapshot_free(s);
}

static void a_holder_without_a_value_hides_no_other(void **state) {
  (void)state;
  pi_snapshot *s = three_holders("/bin/a", "", "/bin/c");
  assert_is(s, 0, PI_EXE, "/bin/c", true);
  assert_is(s, 0, PI_EXE, "/bin/d", false);
  pi_snapshot_free(s);
  script_reset();
  s = three_holders("", "", "/bin/c");
  assert_is(s, 0, PI_EXE, "/bin/c", true);
  assert_int_equal(PI_TRUE, test(word("exe"), s, 0));
  pi_snapshot_free(s);
  script_reset();
  s = three_holders("", "", "");
  assert_is(s, 0, PI_EXE, "/bin/c", false);
  assert_int_equal(PI_FALSE, test(word("exe"), s, 0));
  pi_snapshot_free(s);
}

static void a_holder_of_unknown_value_leaves_it_open(void **state) {
  (void)state;
  pi_snapshot *s = three_holders(NULL, "", "/bin/c");
  assert_is(s, 0, PI_EXE, "/bin/c", true);
  assert_int_equal(PI_UNDECIDED, test(is(PI_EXE, "/bin/d"), s, 0));
  assert_int_equal(PI_TRUE, test(word("exe"), s, 0));
  pi_snapshot_free(s);
  script_reset();
  s = three_holders("/bin/a", NULL, "");
  assert_is(s, 0, PI_EXE, "/bin/a", true);
  assert_int_equal(PI_UNDECIDED, test(is(PI_EXE, "/bin/d"), s, 0));
  pi_snapshot_free(s);
  script_reset();
  s = three_holders("", NULL, "");
  assert_int_equal(PI_UNDECIDED, test(word("exe"), s, 0));
  pi_snapshot_free(s);
}

/* Holders that we did not see may be others than those we saw. */
static void holders_not_seen_leave_any_open(void **state) {
  (void)state;
  static const struct {
    pi_quality quality;
    uint32_t holder_uid;
    pi_truth other; /* process = other */
  } table[] = {
      {{.unreadable = 0}, 7, PI_FALSE},
      {{.unreadable = 1}, 7, PI_UNDECIDED},
      {{.hidden = true}, 7, PI_UNDECIDED},
      {{.nested = true}, 7, PI_UNDECIDED},
      // a socket whose own user's process was seen is taken for fully seen
      {{.unreadable = 1}, 1000, PI_FALSE},
  };
  for (size_t i = 0; i < LENGTH(table); i++) {
    script_reset();
    script.quality = table[i].quality;
    script_row *r = script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
    unsigned p = script_process_add(10, "nginx");
    script.processes[p].uid = table[i].holder_uid;
    script_hold(r, p, 3);
    r = script_socket(PI_STATE_LISTEN, "0.0.0.0", 81);
    r->row.uid_sight = PI_UNKNOWN;
    script_hold(r, p, 4);
    script_peer(PI_STATE_TIME_WAIT, "1.1.1.1", 80, "2.2.2.2", 9)->row.inode = 0;
    script_socket(PI_STATE_LISTEN, "0.0.0.0", 82);
    pi_snapshot *s = script_take(PI_GROUP_OWNER);
    bool blind = table[i].quality.unreadable || table[i].quality.hidden ||
                 table[i].quality.nested;
    assert_int_equal(PI_TRUE, test(is(PI_PROCESS, "nginx"), s, 0));
    assert_int_equal(table[i].other, test(is(PI_PROCESS, "other"), s, 0));
    assert_int_equal(blind ? PI_UNDECIDED : PI_FALSE,
                     test(is(PI_PROCESS, "other"), s, 1));
    assert_int_equal(PI_TRUE, test(not(is(PI_PROCESS, "other")), s, 2));
    assert_int_equal(blind ? PI_UNDECIDED : PI_TRUE,
                     test(not(is(PI_PROCESS, "other")), s, 3));
    assert_int_equal(PI_TRUE, test(word("pid"), s, 0));
    assert_int_equal(blind ? PI_UNDECIDED : PI_FALSE, test(word("pid"), s, 3));
    // owner and why are always known
    assert_int_equal(blind ? PI_TRUE : PI_FALSE,
                     test(is(PI_OWNER, "unknown"), s, 3));
    pi_snapshot_free(s);
  }
}

int main(void) {
#define T(name) cmocka_unit_test_setup(name, reset)
  const struct CMUnitTest tests[] = {
      T(a_glob_matches_the_whole_text),
      T(a_pathological_glob_ends),
      T(texts_are_literal_but_for_globs),
      T(a_test_of_known_empty_and_unknown),
      T(and_or_and_not_follow_kleene),
      T(a_group_that_was_not_read_decides_nothing),
      T(any_member_is_enough),
      T(a_holder_without_a_value_hides_no_other),
      T(a_holder_of_unknown_value_leaves_it_open),
      T(holders_not_seen_leave_any_open),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
