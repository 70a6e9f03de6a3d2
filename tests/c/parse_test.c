/* parse_test.c: the filter language: what its sentences say of rows, and where
 * and how it complains. */
#include "script.h"

/* ---- Seven rows --------------------------------------------------------- */

static void hold(const script_row *row, uint32_t pid, const char *name) {
  script_hold(row, script_process_add(pid, name), 3);
}

/* Row 6 is held by somebody whom we may not see. */
static pi_snapshot *rows(void) {
  script_reset();
  hold(script_socket(PI_STATE_LISTEN, "0.0.0.0", 80), 10, "nginx");
  hold(script_socket(PI_STATE_LISTEN, "::1", 443), 11, "nginx*");
  script_row *r =
      script_peer(PI_STATE_ESTABLISHED, "10.0.0.5", 443, "10.1.2.3", 40000);
  r->autobound = true;
  hold(r, 10, "nginx");
  script_peer(PI_STATE_TIME_WAIT, "127.0.0.1", 40001, "127.0.0.1", 443)
      ->row.inode = 0;
  hold(script_socket(PI_STATE_UNCONNECTED, "0.0.0.0", 53), 12, "listen");
  hold(script_socket(PI_STATE_LISTEN, "172.16.5.5", 25565), 13, "and");
  script_socket(PI_STATE_LISTEN, "172.100.0.1", 8080);
  script.quality.unreadable = 1;
  return script_take(PI_GROUPS);
}

/* What a filter says of the rows: T, F or ? each. */
static const char *say(const pi_snapshot *s, const char *text, size_t length) {
  static char answer[16];
  pi_filter *f = NULL;
  pi_error err;
  if (pi_filter_parse(text, length, &f, &err) != 0) {
    fail_msg("%s: %s", text, err.text);
  }
  size_t n = pi_snapshot_count(s);
  for (size_t i = 0; i < n; i++) {
    answer[i] = "FT?"[pi_filter_test(f, s, i)];
  }
  answer[n] = '\0';
  pi_filter_free(f);
  return answer;
}

static void sentences_mean_what_they_say(void **state) {
  (void)state;
  static const struct {
    const char *text, *answer;
  } table[] = {
      {"", "TTTTTTT"},
      {"listening :http", "TFFFFFF"},
      {"lport = {domain, :443, 8000..8100, ephemeral}", "FTTTTFT"},
      {"lport in {domain, 443,}", "FTTFTFF"},
      {":25", "FFFFFFF"},
      {":25565", "FFFFFTF"},
      {":443", "FTTTFFF"},
      {"10.0.0.5:443", "FFTFFFF"},
      {"127.0.0.1:443", "FFFTFFF"},
      {"[::1]:443", "FTFFFFF"},
      {"laddr = 172.16/12", "FFFFFTF"},
      {"laddr = 172.16.0.0..172.16.5.5", "FFFFFTF"},
      {"raddr != 10.0.0.0/8", "TTFTTTT"},
      {"raddr and raddr != 10.0.0.0/8", "FFFTFFF"},
      {"port != 443", "TFFFTTT"},
      {"port < 1024", "TTTTTFF"},
      {"dport = 443", "FFFTFFF"},
      {"process = listen", "FFFFTF?"},
      {"process = and", "FFFFFT?"},
      {"process = nginx*", "TTTFFF?"},
      {"process = 'nginx*'", "FTFFFF?"},
      {"process = \"nginx\"", "TFTFFF?"},
      {"process = n?inx", "TFTFFF?"},
      {"process = *[*]", "FTFFFF?"},
      {"process = 5", "FFFFFF?"},
      {"process != nginx", "FTFTTT?"},
      {"process not in {nginx, listen}", "FTFTFT?"},
      {"process", "TTTFTT?"},
      {"not process", "FFFTFF?"},
      {"known process", "TTTTTTF"},
      {"not known process", "FFFFFFT"},
      {"owner = unknown", "FFFFFFT"},
      {"lport not in {80}", "FTTTTTT"},
      {"lport not tcp", "FFFFTFF"},
      {"state established", "FFTFFFF"},
      {"state = LISTENING", "TTFFFTT"},
      {"STATE = Time_Wait", "FFFTFFF"},
      {"role = closing", "FFFTFFF"},
      {"lport gt 8080", "FFFTFTF"},
      {"lport > http", "FTTTFTT"},
      {"lport >= 8080 lport <= 25565", "FFFFFTT"},
      {"lport < 0", "FFFFFFF"},
      {"rport < 0", "FFFFFFF"},
      {"lport ge 0", "TTTTTTT"},
      {"!tcp lport!=80", "FFFFTFF"},
      {"not not tcp", "TTTTFTT"},
      {"tcp && :80 || udp && :53", "TFFFTFF"},
      {"tcp and :80 or udp and :53", "TFFFTFF"},
      {"(tcp or udp) :53", "FFFFTFF"},
      {"tcp or (udp and :53)", "TTTTTTT"},
      {"NOT (Listening OR Established)", "FFFTFFF"},
      {"(process = x) or :53", "FFFFTF?"},
      {"(process = x) and :53", "FFFFFFF"},
      {"ephemeral = yes", "FFFTFFF"},
      {"ephemeral", "FFFTFFF"},
      {"exposed", "TFFFTTT"},
      {"lport eq 80 or lport ne 80", "TTTTTTT"},
      {"pid in 10..11", "TTTFFF?"},
      {"\ttcp\n:80 ", "TFFFFFF"},
  };
  pi_snapshot *s = rows();
  for (size_t i = 0; i < LENGTH(table); i++) {
    const char *answer = say(s, table[i].text, strlen(table[i].text));
    if (strcmp(answer, table[i].answer) != 0) {
      fail_msg("\"%s\" says %s, not %s", table[i].text, answer,
               table[i].answer);
    }
  }
  pi_snapshot_free(s);
}

/* ---- Complaints --------------------------------------------------------- */

static int refuse(const char *text, size_t length, pi_error *err) {
  pi_filter *f = (pi_filter *)&script;
  int rc = pi_filter_parse(text, length, &f, err);
  assert_ptr_equal(&script, f);
  return rc;
}

static void mistakes_are_pointed_at_and_told(void **state) {
  (void)state;
  static const struct {
    const char *text, *under, *says;
  } table[] = {
      {"tcp or udp :53", ":53", "(tcp or udp) :53, or tcp or (udp and :53)"},
      {"udp :53 or tcp", ":53", "udp (:53 or tcp), or (udp and :53) or tcp"},
      {"all (tcp or udp :53)", ":53", "(tcp or udp) :53"},
      {"lport = 80, 443", ",", "{80, 443}"},
      {"lport in 80 443", "443", "{80, 443}"},
      {"::1", "::1", "addr = ::1"},
      {"tcp ::1:443", "::1:443", "[::1]:443"},
      {"*:8080", "*:8080", "wildcard :8080"},
      {"8080", "8080", ":8080 or lport = 8080"},
      {"10.0.0.0/8", "10.0.0.0/8", "addr = 10.0.0.0/8"},
      {"nginx", "nginx", "process = nginx"},
      {"process nginx", "nginx", "process = nginx"},
      {"user www-data", "www-data", "user = www-data"},
      {"laddr = 10.1", "10.1", "no address"},
      {"dst :443", ":443", "rport = 443"},
      {"sport :ssh", ":ssh", "lport = ssh"},
      {"raddr 10.0.0.5:443", "10.0.0.5:443",
       "raddr = 10.0.0.5 and rport = 443"},
      {"raddr = fe80::1%eth0", "fe80::1%eth0", "iface = eth0"},
      {"lport = 1password", "1password", "without a port"},
      {"closing", "closing", "state = closing or role = closing"},
      {"tcp listen", "listen", "listening"},
      {"lport > 8000..8100", "8000..8100", "one number"},
      {"lport > x11", "x11", "one number"},
      {"process < 5", "5", "compare ports and numbers"},
      {"lport = 8000..7000", "8000..7000", "backwards"},
      {":70000", ":70000", "65535"},
      {"laddr = 10.0.0.0/33", "10.0.0.0/33", "/32"},
      {"lport = {}", "{}", "empty set"},
      {"lport = { 80 443 }", "443", ","},
      {"lport = {80", "", "}"},
      {"uid = root", "root", "user = NAME"},
      {"tcp,udp", ",", "proto in {tcp, udp}"},
      {"process ~ nginx", "~", "process = nginx*"},
      {"process ~nginx", "~nginx", "process = nginx*"},
      {"tcp and", "", "a test is missing at the end"},
      {"tcp or", "", "a test is missing"},
      {"and tcp", "and", "a test is missing"},
      {"not", "", "a test is missing"},
      {"()", ")", "a test is missing"},
      {"a | b", "|", "||"},
      {"tcp & udp", "&", "&&"},
      {"lport =", "", "a value is missing"},
      {"lport = (80)", "(", "a value is missing"},
      {"prot = tcp", "prot", "\"proto\""},
      {"sate in {listen}", "sate", "\"state\""},
      {"listning", "listning", "\"listening\""},
      {"tcp and listning", "listning", "\"listening\""},
      {"state = listning", "listning", "listen"},
      {"lport = htttp", "htttp", "\"http\""},
      {"known", "", "needs a field"},
      {"known tcp", "tcp", "needs a field"},
      {"(tcp", "(", "never closed"},
      {"tcp)", ")", "nothing is open"},
      {"process = 'x", "'x", "never closed"},
      {"'tcp'", "'tcp'", "FIELD = "},
      {"holders = 5", "5", "pid or process"},
      {"ephemeral = maybe", "maybe", "yes nor no"},
  };
  for (size_t i = 0; i < LENGTH(table); i++) {
    const char *text = table[i].text;
    pi_error err;
    if (refuse(text, strlen(text), &err) != PI_EINVAL) {
      fail_msg("\"%s\" is taken", text);
    }
    assert_says(err.text, table[i].says);
    if (err.length != strlen(table[i].under) ||
        memcmp(text + err.at, table[i].under, err.length) != 0) {
      fail_msg("\"%s\" points at \"%.*s\"", text, (int)err.length,
               text + err.at);
    }
  }
}

static void depth_is_bounded(void **state) {
  (void)state;
  char text[3 * 300 + 8];
  pi_error err;
  for (int levels = 256; levels <= 257; levels++) {
    size_t n = (size_t)levels;
    memset(text, '(', n);
    memcpy(text + n, "tcp", 3);
    memset(text + n + 3, ')', n);
    pi_filter *f = NULL;
    int rc = pi_filter_parse(text, 2 * n + 3, &f, &err);
    assert_int_equal(levels == 256 ? 0 : PI_EINVAL, rc);
    pi_filter_free(f);
  }
  assert_says(err.text, "256");
  assert_int_equal(256, err.at);
  memset(text, '!', sizeof text);
  assert_int_equal(PI_EINVAL, refuse(text, sizeof text, &err));
}

static char *repeat(const char *part, size_t times, size_t *length) {
  size_t n = strlen(part);
  char *text = malloc(n * times + 1);
  for (size_t i = 0; i < times; i++) memcpy(text + i * n, part, n);
  text[n * times] = '\0';
  *length = n * times;
  return text;
}

static void size_is_bounded_and_breadth_is_not_depth(void **state) {
  (void)state;
  static const struct {
    const char *part;
    size_t times;
    int rc;
  } table[] = {
      {"(", 102400, PI_EINVAL},
      {"not ", 50000, PI_EINVAL},
      {"tcp ", 100000, 0},
      {"tcp or ", 100000, PI_EINVAL},
      {" ", 1024 * 1024, 0},
      {" ", 1024 * 1024 + 1, PI_EINVAL},
      {"lport = ", 100000, PI_EINVAL},
      {"{", 100000, PI_EINVAL},
      {"'", 99999, PI_EINVAL},
  };
  for (size_t i = 0; i < LENGTH(table); i++) {
    size_t length;
    pi_error err;
    pi_filter *f = NULL;
    char *text = repeat(table[i].part, table[i].times, &length);
    assert_int_equal(table[i].rc, pi_filter_parse(text, length, &f, &err));
    pi_filter_free(f);
    free(text);
  }
}

static void a_set_may_have_ten_thousand_members(void **state) {
  (void)state;
  char *text = malloc(16 + 10000 * 6);
  size_t n = (size_t)sprintf(text, "lport in {");
  for (int i = 0; i < 10000; i++) n += (size_t)sprintf(text + n, "%d,", i * 2);
  n += (size_t)sprintf(text + n, "}");
  pi_snapshot *s = rows();
  assert_string_equal("TFFFFFT", say(s, text, n));  // the even ones below 20000
  pi_snapshot_free(s);
  free(text);
}

static void text_is_utf8_without_nul(void **state) {
  (void)state;
  pi_error err;
  assert_int_equal(PI_EINVAL, refuse("tcp\0udp", 7, &err));
  assert_int_equal(3, err.at);
  assert_says(err.text, "NUL");
  assert_int_equal(PI_EINVAL, refuse("process = \xff", 11, &err));
  assert_int_equal(10, err.at);
  assert_says(err.text, "UTF-8");
  pi_snapshot *s = rows();
  assert_string_equal("FFFFFF?", say(s, "process = \xc3\xa9", 12));
  pi_snapshot_free(s);
}

/* Whatever the bytes, a filter or a complaint that points into them. */
static void any_bytes_are_a_filter_or_a_complaint(void **state) {
  (void)state;
  static const char *const parts[] = {
      "tcp", "lport", "=",   "!=",  "{",       "}",      "(",     ")",
      ",",   "80",    "and", "or",  "not",     "in",     "known", "'",
      "\"",  " ",     " ",   ":53", "process", "nginx*", "<",     ">=",
      "!",   "&&",    "|",   "::1", "8000..9", "\xff",   "~",     "state"};
  uint64_t seed = 42;
  for (int i = 0; i < 20000; i++) {
    char text[256];
    size_t n = 0;
    for (uint64_t k = next_number(&seed) % 12; k > 0; k--) {
      const char *part = parts[next_number(&seed) % LENGTH(parts)];
      n += (size_t)sprintf(text + n, "%s", part);
      if (next_number(&seed) % 2) text[n++] = ' ';
    }
    pi_filter *f = NULL;
    pi_error err;
    int rc = pi_filter_parse(text, n, &f, &err);
    pi_filter_free(f);
    if (rc == 0) continue;
    assert_int_equal(PI_EINVAL, rc);
    assert_true(err.text[0] != '\0');
    assert_true(err.at <= n && err.length <= n - err.at);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sentences_mean_what_they_say),
      cmocka_unit_test(mistakes_are_pointed_at_and_told),
      cmocka_unit_test(depth_is_bounded),
      cmocka_unit_test(size_is_bounded_and_breadth_is_not_depth),
      cmocka_unit_test(a_set_may_have_ten_thousand_members),
      cmocka_unit_test(text_is_utf8_without_nul),
      cmocka_unit_test(any_bytes_are_a_filter_or_a_complaint),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
