/* template_test.c: lines of the user's own. */
#include "filters.h"
#include "script.h"

static int reset(void **state) {
  (void)state;
  script_reset();
  return 0;
}

typedef struct text {
  char bytes[4096];
  size_t length;
} text;

static int append(void *arg, const char *bytes, size_t length) {
  text *t = arg;
  if (t->length + length >= sizeof t->bytes) return 1;
  memcpy(t->bytes + t->length, bytes, length);
  t->length += length;
  t->bytes[t->length] = '\0';
  return 0;
}

static pi_template *parse(const char *source) {
  pi_template *t = NULL;
  pi_error err = {0};
  if (pi_template_parse(source, strlen(source), &t, &err) != 0) {
    fail_msg("%s: %s", source, err.text);
  }
  return t;
}

static text written(pi_snapshot *s, const char *source, unsigned flags) {
  text t = {.length = 0};
  pi_selection *sel = NULL;
  pi_template *tpl = parse(source);
  assert_int_equal(0, pi_snapshot_select(s, NULL, &sel, NULL));
  assert_int_equal(0, pi_emit_template(s, sel, tpl, flags, append, &t, NULL));
  pi_selection_free(sel);
  pi_template_free(tpl);
  return t;
}

static void fields_stand_in_text(void **state) {
  static const struct {
    const char *source, *text;
  } table[] = {
      {"", "\n\n"},
      {"x", "x\nx\n"},
      {"{lport}", "80\n443\n"},
      {"{LPORT}{dport}", "80\n4439\n"},
      {"{state}:{raddr}", "listen:\nestablished:10.0.0.2\n"},
      {"{{{lport}}}", "{80}\n{443}\n"},
      {"a\\tb\\n\\r\\\\{count}", "a\tb\n\r\\1\na\tb\n\r\\1\n"},
      {"{mark}", "?\n?\n"},
      {"\xc3\xa9{proto}", "\xc3\xa9tcp\n\xc3\xa9tcp\n"},
  };
  (void)state;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  script_peer(PI_STATE_ESTABLISHED, "10.0.0.1", 443, "10.0.0.2", 9);
  pi_snapshot *s = script_take(0);
  for (size_t i = 0; i < LENGTH(table); i++) {
    text t = written(s, table[i].source, 0);
    assert_string_equal(table[i].text, t.bytes);
  }
  text t = written(s, "{lport}", PI_EMIT_NUL);
  assert_int_equal(7, t.length);
  assert_memory_equal("80\000443", t.bytes, 7);
  pi_snapshot_free(s);
}

static void groups_are_those_of_its_fields(void **state) {
  (void)state;
  static const struct {
    const char *source;
    unsigned groups;
  } table[] = {
      {"{count}", 0},
      {"{lport}", PI_GROUP_SOCKET},
      {"{role}{exe}", PI_GROUP_DERIVED | PI_GROUP_PROCESS},
  };
  for (size_t i = 0; i < LENGTH(table); i++) {
    pi_template *t = parse(table[i].source);
    assert_int_equal(table[i].groups, pi_template_groups(t));
    pi_template_free(t);
  }
}

static void mistakes_are_pointed_at(void **state) {
  static const struct {
    const char *source, *says;
    size_t at, length;
  } table[] = {
      {"a{lprt}", "is no field: did you mean {lport}?", 2, 4},
      {"{}", "is no field", 1, 0},
      {"{zzzzzzzzzzzzzzzz}", "is no field", 1, 16},
      {"ab{lport", "has no }", 2, 6},
      {"{", "has no }", 0, 1},
      {"}", "ends no field", 0, 1},
      {"{lport}}", "ends no field", 7, 1},
      {"a\\q", "is no escape", 1, 2},
      {"a\\", "is no escape", 1, 1},
  };
  (void)state;
  for (size_t i = 0; i < LENGTH(table); i++) {
    pi_template *t = NULL;
    pi_error err = {0};
    size_t n = strlen(table[i].source);
    assert_int_equal(PI_EINVAL,
                     pi_template_parse(table[i].source, n, &t, &err));
    assert_null(t);
    assert_non_null(strstr(err.text, table[i].says));
    assert_int_equal(table[i].at, err.at);
    assert_int_equal(table[i].length, err.length);
  }
  pi_template *t = NULL;
  assert_int_equal(PI_EINVAL, pi_template_parse("\\\0", 2, &t, NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(fields_stand_in_text, reset),
      cmocka_unit_test(groups_are_those_of_its_fields),
      cmocka_unit_test(mistakes_are_pointed_at),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
