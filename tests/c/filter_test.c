/* filter_test.c: what a filter may say, what its words and values mean, and
 * whose memory it is. */
#include "filters.h"
#include "script.h"

static int reset(void **state) {
  (void)state;
  script_reset();
  return 0;
}

static pi_operand number_operand(uint64_t n) {
  return (pi_operand){.kind = PI_OPERAND_NUMBER, .first = n};
}

/* ---- Making filters, or failing to -------------------------------------- */

static void assert_refused_word(const char *text, const char *what,
                                const char *right) {
  pi_filter *f = (pi_filter *)&script;
  pi_error err = {0};
  int rc = pi_filter_parse(text, strlen(text), &f, &err);
  if (rc != PI_EINVAL) fail_msg("\"%s\" is taken", text);
  assert_ptr_equal(&script, f);
  assert_int_equal(PI_EINVAL, err.code);
  assert_int_equal(0, err.os);
  assert_says(err.text, what);
  assert_says(err.text, right);
  assert_null(strchr(err.text, '\n'));
  assert_int_equal(PI_EINVAL, pi_filter_parse(text, strlen(text), &f, NULL));
}

static void assert_refused(pi_field field, const char *value,
                           const char *right) {
  pi_filter *f = (pi_filter *)&script;
  pi_error err = {0};
  pi_operand o = text_operand(value);
  int rc = pi_filter_in(field, &o, 1, &f, &err);
  if (rc != PI_EINVAL) {
    fail_msg("%s = \"%s\" is taken", pi_field_describe(field)->name, value);
  }
  assert_ptr_equal(&script, f);
  assert_says(err.text, pi_field_describe(field)->name);
  if (strlen(value) < 40) assert_says(err.text, value);
  assert_says(err.text, right);
  assert_int_equal(PI_EINVAL, pi_filter_in(field, &o, 1, &f, NULL));
}

static void errors_of_words_name_what_and_what_would_be_right(void **state) {
  (void)state;
  assert_refused_word("listen", "listen", "\"listening\"");
  assert_refused_word("LISTEN", "TCP", "\"listening\"");
  assert_refused_word("8080", "8080", ":8080 or");
  assert_refused_word("nginx", "nginx", "process = nginx");
  assert_refused_word("establishd", "establishd", "\"established\"");
  assert_refused_word("closing", "state and a role",
                      "state = closing or role = closing");
  assert_refused_word("10.0.0.1", "10.0.0.1", "addr = 10.0.0.1");
  assert_refused_word("::1", "is an address", "addr = ::1");
  assert_refused_word(":", "\":\"", "neither");
  assert_refused_word("*:8080", "*:8080", "wildcard :8080");
  assert_refused_word(":70000", "70000", "65535");
  assert_refused_word(":nosuchservicename", "nosuchservicename", "0-65535");
  assert_refused_word(":htpp", "htpp", "did you mean");
  assert_refused_word("[::g]:80", "::g", "::1");
  assert_refused_word("10.0.0:80", "10.0.0", "10.0.0.5");
  assert_refused_word("10.0.0.0/33:80", "10.0.0.0/33", "/32");
  char longest[5000];
  memset(longest, 'x', sizeof longest);
  longest[sizeof longest - 1] = '\0';
  assert_refused_word(longest, "xxxx", "neither");
}

static void errors_of_values_name_what_and_what_would_be_right(void **state) {
  (void)state;
  assert_refused(PI_LPORT, "70000", "65535");
  assert_refused(PI_LPORT, "18446744073709551696", "0-65535");  // 80 + 2^64
  assert_refused(PI_LPORT, "8000..7000", "backwards");
  assert_refused(PI_LPORT, "8000..", "8000..8100");
  assert_refused(PI_LPORT, "..80", "8000..8100");
  assert_refused(PI_LPORT, "80..90..100", "8000..8100");
  assert_refused(PI_LPORT, "80..70000", "65535");
  assert_refused(PI_LPORT, "-1", "0-65535");
  assert_refused(PI_LPORT, "", "0-65535");
  assert_refused(PI_LPORT, ":", "0-65535");
  assert_refused(PI_LPORT, "8 0", "0-65535");
  assert_refused(PI_LADDR, "10.1", "10.0.0.5");
  assert_refused(PI_LADDR, "10.0.0.0/33", "/32");
  assert_refused(PI_LADDR, "::/129", "/128");
  assert_refused(PI_LADDR, "10.0.0.0/", "10.0.0.0/8");
  assert_refused(PI_LADDR, "/8", "10.0.0.0/8");
  assert_refused(PI_LADDR, "10/8/8", "10.0.0.0/8");
  assert_refused(PI_LADDR, "10.0.0.0/-8", "10.0.0.0/8");
  assert_refused(PI_LADDR, "10.0.0.9..10.0.0.1", "backwards");
  assert_refused(PI_LADDR, "1.2.3.4..", "10.0.0.5");
  assert_refused(PI_LADDR, "", "10.0.0.5");
  assert_refused(PI_STATE, "estblished", "\"established\"");
  assert_refused(PI_STATE, "nonsense", "established");
  assert_refused(PI_PROTO, "icmpv6", "tcp udp");
  assert_refused(PI_AUTOBOUND, "maybe", "yes nor no");
  assert_refused(PI_UID, "root", "user = NAME");
  assert_refused(PI_PID, "x", "5..10");
  assert_refused(PI_PID, "9..5", "backwards");
  assert_refused(PI_PID, "0x10", "5..10");
  assert_refused(PI_RXQ, "k", "5..10");
  assert_refused(PI_RXQ, "18446744073709551615k", "5..10");
  assert_refused(PI_PID, "5k", "5..10");
  assert_refused(PI_HOLDERS, "1", "pid or process");
  char longest[5000];
  memset(longest, '9', sizeof longest);
  longest[sizeof longest - 1] = '\0';
  assert_refused(PI_LADDR, longest, "10.0.0.5");
  assert_refused(PI_LPORT, longest, "0-65535");
  assert_refused(PI_STATE, longest, "none of");
}

static void refuses_numbers_where_there_are_none(void **state) {
  (void)state;
  static const struct {
    pi_field field;
    pi_operand o;
    const char *says;
  } table[] = {
      {PI_LPORT, {.kind = PI_OPERAND_NUMBER, .first = 65536}, "65535"},
      {PI_LPORT,
       {.kind = PI_OPERAND_RANGE, .first = 1, .last = 65536},
       "65535"},
      {PI_PID, {.kind = PI_OPERAND_RANGE, .first = 2, .last = 1}, "backwards"},
      {PI_PROCESS, {.kind = PI_OPERAND_NUMBER, .first = 5}, "string"},
      {PI_STATE, {.kind = PI_OPERAND_NUMBER, .first = 5}, "string"},
      {PI_LADDR, {.kind = PI_OPERAND_NUMBER, .first = 5}, "string"},
  };
  for (size_t i = 0; i < LENGTH(table); i++) {
    pi_filter *f = NULL;
    pi_error err = {0};
    assert_int_equal(PI_EINVAL,
                     pi_filter_in(table[i].field, &table[i].o, 1, &f, &err));
    assert_null(f);
    assert_says(err.text, table[i].says);
    assert_says(err.text, pi_field_describe(table[i].field)->name);
  }
  pi_filter *f = NULL;
  pi_error err = {0};
  assert_int_equal(PI_EINVAL, pi_filter_in(PI_LPORT, NULL, 0, &f, &err));
  assert_says(err.text, "empty set");
}

/* ---- Words and flags ---------------------------------------------------- */

static void every_flag_is_a_word_and_no_field(void **state) {
  (void)state;
  unsigned n = 0;
  const char *flag;
  for (; (flag = pi_filter_flag(n)) != NULL; n++) {
    pi_filter_free(word(flag));
    assert_int_equal(-1, pi_field_find(flag, strlen(flag)));
    for (unsigned i = 0; i < n; i++) {
      assert_string_not_equal(flag, pi_filter_flag(i));
    }
  }
  assert_true(n > 30);
}

static void flags_mean_what_they_say(void **state) {
  (void)state;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 23);               // 0
  script_socket(PI_STATE_LISTEN, "127.0.0.1", 60323);          // 1
  script_row *r = script_socket(PI_STATE_LISTEN, "::", 8080);  // 2
  r->row.v6only_sight = PI_KNOWN;
  script_socket(PI_STATE_UNCONNECTED, "10.0.0.1", 53);  // 3
  script_socket(PI_STATE_UNCONNECTED, "0.0.0.0", 40000)->autobound = true;
  script_peer(PI_STATE_ESTABLISHED, "10.0.0.1", 40001, "1.1.1.1", 443)
      ->autobound = true;  // 5
  script_peer(PI_STATE_TIME_WAIT, "10.0.0.1", 23, "1.1.1.1", 40000);
  script_peer(PI_STATE_CONNECTED, "fe80::1", 55555, "fe80::2", 53)->autobound =
      true;
  pi_snapshot *s = script_take(PI_GROUP_DERIVED);
  static const struct {
    const char *word;
    const char *rows; /* of 01234567 */
  } table[] = {
      {"all", "01234567"},
      {"tcp", "01256"},
      {"UDP", "347"},
      {"listening", "0123"},
      {"exposed", "023"},
      {"established", "5"},
      {"estab", "5"},
      {"time-wait", "6"},
      {"TIME_WAIT", "6"},
      {"loopback", "1"},
      {"wildcard", "024"},
      {"private", "356"},
      {"link-local", "7"},
      {"public", ""},
      {"ipv4", "0123456"},
      {"ipv6", "27"},
      {"system-port", "036"},
      {"user-port", "245"},
      {"dynamic-port", "17"},
      {"listener", "012"},
      {"client", "4"},
      {"outbound", "5"},
      {"connected", "7"},
      {"unconnected", "34"},
      {"service", "0234567"},
      {"autobound", "457"},
      {"rport", "567"},
      {"dport", "567"},
      {"v6only", ""},
      {"ephemeral", "1457"},
      {":23", "06"},
      {":53", "37"},
      {":40000", "46"},
      {":40000..40001", "456"},
      {":40000-40001", "456"},
      {":https", "5"},
      {":HTTPS", "5"},
      {"10.0.0.1:53", "3"},
      {"10.0.0.1:40000", ""},
      {"1.1.1.1:40000", "6"},
      {"10.0.0.0/8:40001", "5"},
      {"[fe80::1]:53", ""},
      {"[fe80::2]:53", "7"},
      {"[fe80::/10]:1..65535", "7"},
      {"[10.0.0.1]:53", "3"},
      {":2", ""},
      {":5", ""},
      {":ephemeral", "14567"},
  };
  for (size_t i = 0; i < LENGTH(table); i++) {
    for (size_t row = 0; row < 8; row++) {
      bool wanted = strchr(table[i].rows, (int)('0' + row)) != NULL;
      pi_truth t = test(word(table[i].word), s, row);
      // autobound of half a socket is nobody's knowledge
      if (row == 6 && strcmp(table[i].word, "autobound") == 0) {
        assert_int_equal(PI_UNDECIDED, t);
        continue;
      }
      if (t != (wanted ? PI_TRUE : PI_FALSE)) {
        fail_msg("%s of row %zu is %d", table[i].word, row, t);
      }
    }
  }
  pi_snapshot_free(s);
}

/* ":25" does not find 25565, nor ":2556". */
static void an_endpoint_is_no_prefix(void **state) {
  (void)state;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 25565);
  pi_snapshot *s = script_take(0);
  assert_int_equal(PI_FALSE, test(word(":25"), s, 0));
  assert_int_equal(PI_FALSE, test(word(":2556"), s, 0));
  assert_int_equal(PI_TRUE, test(word(":25565"), s, 0));
  pi_snapshot_free(s);
}

static void brackets_without_an_address_are_no_endpoint(void **state) {
  (void)state;
  assert_refused_word("[]:443", "[]:443", "neither");
  assert_refused_word("[:443", "[:443", "neither");
  assert_refused_word("]:443", "]:443", "neither");
  assert_refused_word("::1:443", "::1:443", "[::1]:443");
}

/* A TCP socket of unknown role is no listener, for sure. */
static void listening_is_undecided_of_udp_alone(void **state) {
  (void)state;
  script.tells_autobound = false;
  script_peer(PI_STATE_ESTABLISHED, "1.1.1.1", 40000, "2.2.2.2", 443);
  script_socket(PI_STATE_UNCONNECTED, "1.1.1.1", 40000);
  script_socket(PI_STATE_UNCONNECTED, "127.0.0.1", 40000);
  pi_snapshot *s = script_take(PI_GROUP_DERIVED);
  assert_int_equal(PI_FALSE, test(word("listening"), s, 0));
  assert_int_equal(PI_UNDECIDED, test(word("listening"), s, 1));
  assert_int_equal(PI_UNDECIDED, test(word("exposed"), s, 1));
  assert_int_equal(PI_FALSE, test(word("exposed"), s, 2));
  pi_snapshot_free(s);
}

/* ---- Values ------------------------------------------------------------- */

static void blocks_end_at_their_prefix(void **state) {
  (void)state;
  static const struct {
    const char *address, *block;
    bool in;
  } table[] = {
      {"172.16.0.0", "172.16/12", true},
      {"172.31.255.255", "172.16/12", true},
      {"172.100.0.1", "172.16/12", false},
      {"172.15.255.255", "172.16/12", false},
      {"10.200.0.1", "10.0.0.5/8", true},
      {"10.200.0.1", "10/8", true},
      {"11.0.0.0", "10/8", false},
      {"1.2.3.4", "0/0", true},
      {"2001:db8::1", "0.0.0.0/0", false},
      {"2001:db8::1", "::/0", true},
      {"1.2.3.4", "::/0", false},
      {"1.2.3.4", "1.2.3.4/32", true},
      {"1.2.3.5", "1.2.3.4/32", false},
      {"1.2.3.5", "1.2.3.4/31", true},
      {"10.0.0.1", "::ffff:10.0.0.1", true},
      {"fe80::1", "fe80::/10", true},
      {"febf::1", "fe80::/10", true},
      {"fec0::1", "fe80::/10", false},
      {"2001:db8::1", "2001:db8::1/128", true},
      {"2001:db8::2", "2001:db8::1/128", false},
      {"2001:db8:8000::", "2001:db8::/33", false},
      {"2001:db8:7fff::", "2001:db8::/33", true},
      {"::1", "[::1]", true},
      {"::1", "[::1/128]", true},
      {"10.0.0.5", "10.0.0.5..10.0.0.9", true},
      {"10.0.0.9", "10.0.0.5..10.0.0.9", true},
      {"10.0.0.10", "10.0.0.5..10.0.0.9", false},
      {"255.255.255.255", "255.255.255.255", true},
      {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff::/16", true},
  };
  for (size_t i = 0; i < LENGTH(table); i++) {
    script_socket(PI_STATE_LISTEN, table[i].address, 80);
  }
  pi_snapshot *s = script_take(0);
  for (size_t i = 0; i < LENGTH(table); i++) {
    assert_is(s, i, PI_LADDR, table[i].block, table[i].in);
  }
  pi_snapshot_free(s);
}

static void ports_are_numbers_ranges_names_and_the_hosts_own(void **state) {
  (void)state;
  script.host.unprivileged_known = script.host.reserved_known = true;
  script.host.unprivileged_start = 1024;
  script.host.reserved[8080 / 8] |= 1u << 8080 % 8;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 8080);
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 22);
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 60999);
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 9200);
  pi_snapshot *s = script_take(0);
  assert_is(s, 0, PI_LPORT, "8080", true);
  assert_is(s, 0, PI_LPORT, "08080", true);
  assert_is(s, 0, PI_LPORT, ":8080", true);
  assert_is(s, 0, PI_LPORT, "8080..8080", true);
  assert_is(s, 0, PI_LPORT, "8079..8081", true);
  assert_is(s, 0, PI_LPORT, "8081..9000", false);
  assert_is(s, 0, PI_LPORT, "http-alt", true);
  assert_is(s, 0, PI_LPORT, "reserved", true);
  assert_is(s, 0, PI_LPORT, "privileged", false);
  assert_is(s, 0, PI_LPORT, "ephemeral", false);
  assert_is(s, 1, PI_LPORT, "ssh", true);
  assert_is(s, 1, PI_LPORT, "SSH", true);
  assert_is(s, 1, PI_LPORT, "privileged", true);
  assert_is(s, 1, PI_LPORT, "reserved", false);
  assert_is(s, 2, PI_LPORT, "ephemeral", true);
  assert_is(s, 3, PI_LPORT, "elasticsearch", true);  // a use, not IANA's name
  assert_is(s, 1, PI_LPORT, "elasticsearch", false);
  pi_snapshot_free(s);
  script.host = (pi_host){0};
  s = script_take(0);
  assert_int_equal(PI_UNDECIDED, test(is(PI_LPORT, "ephemeral"), s, 0));
  assert_int_equal(PI_UNDECIDED, test(is(PI_LPORT, "reserved"), s, 0));
  assert_int_equal(PI_UNDECIDED, test(is(PI_LPORT, "privileged"), s, 0));
  pi_operand set[] = {text_operand("ephemeral"), number_operand(8080)};
  pi_filter *f = NULL;
  assert_int_equal(0, pi_filter_in(PI_LPORT, set, 2, &f, NULL));
  assert_int_equal(PI_TRUE, pi_filter_test(f, s, 0));
  assert_int_equal(PI_UNDECIDED, test(f, s, 1));
  pi_snapshot_free(s);
}

static void
numbers_have_ranges_units_and_of_marks_sixteen_digits(void **state) {
  (void)state;
  script_row *r = script_peer(PI_STATE_ESTABLISHED, "1.1.1.1", 1, "1.1.1.2", 2);
  r->row.rxq = 2048;
  r->row.mark = 0xabcd;
  r->row.mark_sight = PI_KNOWN;
  pi_snapshot *s = script_take(0);
  assert_is(s, 0, PI_RXQ, "2048", true);
  assert_is(s, 0, PI_RXQ, "2k", true);
  assert_is(s, 0, PI_RXQ, "2K", true);
  assert_is(s, 0, PI_RXQ, "1k..3k", true);
  assert_is(s, 0, PI_RXQ, "1M", false);
  assert_is(s, 0, PI_RXQ, "1k..1G", true);
  assert_is(s, 0, PI_MARK, "0xABcd", true);
  assert_is(s, 0, PI_MARK, "43981", true);
  assert_is(s, 0, PI_MARK, "0xa..0xffff", true);
  assert_is(s, 0, PI_UID, "1000", true);
  assert_is(s, 0, PI_UID, "0..999", false);
  assert_is(s, 0, PI_UID, "18446744073709551615", false);
  pi_snapshot_free(s);
}

static void a_word_knows_the_spellings_of_other_tools(void **state) {
  (void)state;
  static const pi_state states[] = {PI_STATE_ESTABLISHED, PI_STATE_SYN_RECEIVED,
                                    PI_STATE_FIN_WAIT_1,  PI_STATE_FIN_WAIT_2,
                                    PI_STATE_CLOSED,      PI_STATE_LISTEN,
                                    PI_STATE_UNCONNECTED, PI_STATE_TIME_WAIT};
  static const char *const spellings[][3] = {
      {"ESTAB", "established", "Established"},
      {"SYN-RECV", "syn_rcvd", "syn-received"},
      {"FIN-WAIT-1", "fin_wait1", "fin-wait1"},
      {"FIN_WAIT_2", "fin_wait2", "fin-wait-2"},
      {"close", "closed", "CLOSED"},
      {"LISTEN", "LISTENING", "listen"},
      {"UNCONN", "unconnected", "unconn"},
      {"TIME_WAIT", "time-wait", "Time_Wait"},
  };
  for (size_t i = 0; i < LENGTH(states); i++) {
    script_peer(states[i], "1.1.1.1", 1, "1.1.1.2", 2);
  }
  pi_snapshot *s = script_take(0);
  for (size_t i = 0; i < LENGTH(states); i++) {
    for (size_t k = 0; k < 3; k++) {
      for (size_t row = 0; row < LENGTH(states); row++) {
        assert_is(s, row, PI_STATE, spellings[i][k], row == i);
      }
    }
  }
  assert_is(s, 0, PI_FAMILY, "inet", true);
  assert_is(s, 0, PI_FAMILY, "4", true);
  assert_is(s, 0, PI_FAMILY, "inet6", false);
  pi_snapshot_free(s);
}

/* ---- Trees -------------------------------------------------------------- */

static void a_tree_is_at_most_1024_levels_deep(void **state) {
  (void)state;
  pi_filter *f = word("all");
  for (int i = 1; i < 1024; i++) f = not(f);
  pi_filter *copy = NULL, *deeper = NULL;
  pi_error err = {0};
  assert_int_equal(0, pi_filter_copy(f, &copy, &err));
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  pi_snapshot *s = script_take(0);
  assert_int_equal(PI_FALSE, test(copy, s, 0));
  pi_snapshot_free(s);
  assert_int_equal(PI_EINVAL, pi_filter_not(f, &deeper, &err));  // f is gone
  assert_null(deeper);
  assert_says(err.text, "1024");
  f = word("all");
  for (int i = 1; i < 1024; i++) f = not(f);
  assert_int_equal(PI_EINVAL, pi_filter_and(word("tcp"), f, &deeper, &err));
  f = word("all");
  for (int i = 1; i < 1024; i++) f = not(f);
  assert_int_equal(PI_EINVAL, pi_filter_or(f, word("tcp"), &deeper, &err));
  assert_null(deeper);
}

static void side_by_side_is_not_deeper(void **state) {
  (void)state;
  pi_filter *all = word("tcp"), *any = word("udp");
  for (int i = 0; i < 5000; i++) {
    all = both(all, word("tcp"));
    any = either(any, i == 4998 ? word("all") : word("udp"));
  }
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  pi_snapshot *s = script_take(0);
  pi_filter *copy = NULL;
  assert_int_equal(0, pi_filter_copy(any, &copy, NULL));
  assert_int_equal(PI_TRUE, test(all, s, 0));
  assert_int_equal(PI_TRUE, test(any, s, 0));
  assert_int_equal(PI_TRUE, test(copy, s, 0));
  pi_snapshot_free(s);
}

/* What a combination was given is its own, also when it fails; a leak checker
 * sees to the rest. */
static void a_failed_operand_makes_the_whole_fail_with_its_error(void **state) {
  (void)state;
  pi_filter *f = (pi_filter *)&script;
  pi_error err = {.code = PI_ENOMEM, .text = "of the operand"};
  assert_int_equal(PI_ENOMEM, pi_filter_and(word("tcp"), NULL, &f, &err));
  assert_int_equal(PI_ENOMEM, pi_filter_or(NULL, word("tcp"), &f, &err));
  assert_int_equal(PI_ENOMEM, pi_filter_and(NULL, NULL, &f, &err));
  assert_int_equal(PI_ENOMEM, pi_filter_not(NULL, &f, &err));
  assert_string_equal("of the operand", err.text);
  assert_int_equal(PI_EINVAL, pi_filter_and(word("tcp"), NULL, &f, NULL));
  assert_int_equal(PI_EINVAL, pi_filter_not(NULL, &f, NULL));
  assert_ptr_equal(&script, f);
}

static void a_copy_outlives_its_original(void **state) {
  (void)state;
  script_hold(script_socket(PI_STATE_LISTEN, "0.0.0.0", 80),
              script_process_add(10, "nginx"), 3);
  pi_snapshot *s = script_take(PI_GROUP_OWNER);
  char text[] = "ng*";
  pi_filter *f = both(is(PI_PROCESS, text), not(is(PI_LADDR, "10/8")));
  memset(text, 'x', 3);  // a filter keeps no text of the caller's
  pi_filter *copy = NULL;
  assert_int_equal(0, pi_filter_copy(f, &copy, NULL));
  assert_int_equal(PI_GROUP_OWNER | PI_GROUP_SOCKET, pi_filter_groups(copy));
  assert_int_equal(PI_TRUE, test(f, s, 0));
  assert_int_equal(PI_TRUE, test(copy, s, 0));
  pi_snapshot_free(s);
}

static void a_filter_names_the_groups_it_tests(void **state) {
  (void)state;
  static const struct {
    const char *word;
    unsigned groups;
  } table[] = {
      {"all", 0},
      {"tcp", PI_GROUP_SOCKET},
      {":80", PI_GROUP_SOCKET},
      {"listening", PI_GROUP_SOCKET | PI_GROUP_DERIVED},
      {"pid", PI_GROUP_OWNER},
      {"exe", PI_GROUP_PROCESS},
  };
  for (size_t i = 0; i < LENGTH(table); i++) {
    pi_filter *f = not(word(table[i].word));
    assert_int_equal(table[i].groups, pi_filter_groups(f));
    pi_filter_free(f);
  }
}

int main(void) {
#define T(name) cmocka_unit_test_setup(name, reset)
  const struct CMUnitTest tests[] = {
      T(errors_of_words_name_what_and_what_would_be_right),
      T(errors_of_values_name_what_and_what_would_be_right),
      T(refuses_numbers_where_there_are_none),
      T(every_flag_is_a_word_and_no_field),
      T(flags_mean_what_they_say),
      T(an_endpoint_is_no_prefix),
      T(brackets_without_an_address_are_no_endpoint),
      T(listening_is_undecided_of_udp_alone),
      T(blocks_end_at_their_prefix),
      T(ports_are_numbers_ranges_names_and_the_hosts_own),
      T(numbers_have_ranges_units_and_of_marks_sixteen_digits),
      T(a_word_knows_the_spellings_of_other_tools),
      T(a_tree_is_at_most_1024_levels_deep),
      T(side_by_side_is_not_deeper),
      T(a_failed_operand_makes_the_whole_fail_with_its_error),
      T(a_copy_outlives_its_original),
      T(a_filter_names_the_groups_it_tests),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
