/* spell_test.c: a filter's text means the filter. */
#include "filters.h"

typedef struct text {
  char bytes[512];
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

static text spelled(pi_filter *f) {
  text t = {.length = 0};
  pi_error err = {0};
  assert_int_equal(0, pi_filter_write(f, append, &t, &err));
  pi_filter_free(f);
  return t;
}

static void test_texts(void **state) {
  static const struct {
    const char *filter, *text;
  } table[] = {
      {"", ""},
      {"all", ""},
      {"tcp", "proto = tcp"},
      {"tcp :80", "proto = tcp and port = 80"},
      {"lport = {ssh, 8000-8100, ephemeral}",
       "lport in {22, 8000..8100, ephemeral}"},
      {"lport in {reserved}", "lport = reserved"},
      {"lport > 1024", "lport > 1024"},
      {"lport <= 1024", "lport = 0..1024"},
      {"lport < 0", "lport < 0"},
      {"lport > 65535", "lport > 65535"},
      {"lport >= 0", "lport >= 0"},
      {"rxq > 4k", "rxq > 4096"},
      {"addr = 10.0.0.5/8", "addr = 10.0.0.0/8"},
      {"raddr != 172.16/12", "not raddr = 172.16.0.0/12"},
      {"laddr = 10.0.0.1..10.0.0.9", "laddr = 10.0.0.1..10.0.0.9"},
      {"laddr = 0.0.0.0/0 or laddr = ::/0",
       "laddr = 0.0.0.0/0 or laddr = ::/0"},
      {"[fe80::1]:443", "(laddr = fe80::1 and lport = 443) or (raddr = "
                        "fe80::1 and rport = 443)"},
      {"process = nginx", "process = nginx"},
      {"process = nginx*", "process = nginx*"},
      {"process = 'nginx*'", "process = 'nginx*'"},
      {"process = \"it's\"", "process = \"it's\""},
      {"process = ''", "process = ''"},
      {"state = {listen, time_wait}", "state in {listen, time-wait}"},
      {"not known pid and v6only", "not known pid and v6only"},
      {"v6only = no", "v6only = no"},
      {"(not tcp or udp) and not (tcp udp)",
       "(not proto = tcp or proto = udp) and not (proto = tcp and proto = "
       "udp)"},
      {"not not tcp", "not not proto = tcp"},
  };
  (void)state;
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    text once = spelled(word(table[i].filter));
    assert_string_equal(table[i].text, once.bytes);
    text twice = spelled(word(once.bytes));
    assert_string_equal(once.bytes, twice.bytes);
  }
}

/* Values may hold what quotes cannot. */
static void test_what_no_text_says(void **state) {
  static const pi_operand values[] = {
      {.kind = PI_OPERAND_LITERAL, .text = "a'b\"c", .length = 5},
      {.kind = PI_OPERAND_LITERAL, .text = "a\0b", .length = 3},
      {.kind = PI_OPERAND_LITERAL, .text = "\xff", .length = 1},
      {.kind = PI_OPERAND_TEXT, .text = "a b*", .length = 4},
  };
  (void)state;
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    pi_filter *f = NULL;
    pi_error err = {0};
    text t = {.length = 0};
    assert_int_equal(0, pi_filter_in(PI_PROCESS, &values[i], 1, &f, &err));
    assert_int_equal(PI_EINVAL, pi_filter_write(f, append, &t, &err));
    assert_int_equal(PI_EINVAL, err.code);
    pi_filter_free(f);
  }
}

static void test_a_sink_may_stop_it(void **state) {
  pi_filter *f =
      word("process = aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
  text t = {.length = sizeof t.bytes - 8};
  (void)state;
  assert_int_equal(1, pi_filter_write(f, append, &t, NULL));
  pi_filter_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_texts),
      cmocka_unit_test(test_what_no_text_says),
      cmocka_unit_test(test_a_sink_may_stop_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
