/* protocols_test.c: which protocols a host has, which of them a filter asks
 * for, and what is a row of each. */
#include "filters.h"
#include "saved.h"
#include "script.h"

#include "os/linux/protocols.h"

#include <errno.h>

static const char table[] =
    "protocol  size sockets  memory press maxhdr  slab module     cl co\n"
    "MPTCPv6   2064      0       0   no       0   yes  kernel      y  y\n"
    "RAWv6     1344      1      -1   NI       0   yes  kernel      y  y\n"
    "UDPLITEv6 1472     12       0   NI       0   yes  kernel      y  y\n"
    "UDP-Lite  1344      0       0   NI       0   yes  kernel      y  y\n"
    "MPTCP     1936      3       0   no       0   yes  kernel      y  y\n"
    "RAW       1152      0      -1   NI       0   yes  kernel      y  y";

static void a_protocol_is_there_if_its_sockets_are_counted(void **state) {
  (void)state;
  static const pi__presence expected[PI_PROTOS][2] = {
      [PI_PROTO_TCP] = {PI__PRESENT, PI__PRESENT},
      [PI_PROTO_UDP] = {PI__PRESENT, PI__PRESENT},
      [PI_PROTO_UDPLITE] = {PI__ABSENT, PI__PRESENT},
      [PI_PROTO_SCTP] = {PI__ABSENT, PI__ABSENT},
      [PI_PROTO_MPTCP] = {PI__PRESENT, PI__ABSENT},
      [PI_PROTO_RAW] = {PI__ABSENT, PI__PRESENT},
  };
  pi__protocols p;
  pi__protocols_parse(table, true, &p);
  for (int i = 0; i < PI_SOURCES; i++) {
    assert_int_equal(expected[i / 2][i % 2], p.of[i / 2][i % 2]);
  }
  pi__protocols_parse(table, false, &p);  // before Linux 6.3
  assert_int_equal(PI__PRESENT, p.of[PI_PROTO_MPTCP][PI_FAMILY_6]);
  pi__protocols_parse("", false, &p);
  assert_int_equal(PI__ABSENT, p.of[PI_PROTO_MPTCP][PI_FAMILY_6]);
}

static void without_the_table_nothing_is_told(void **state) {
  (void)state;
  pi__protocols p;
  pi__protocols_read("/nowhere", &p);
  assert_int_equal(ENOENT, p.os);
  assert_int_equal(PI__UNTOLD, p.of[PI_PROTO_SCTP][PI_FAMILY_4]);
  assert_int_equal(PI__PRESENT, p.of[PI_PROTO_TCP][PI_FAMILY_4]);
}

/* The protocols that a reading for the filter asks for, by their numbers. */
static unsigned asked(const char *text) {
  pi_plan plan;
  pi_filter *f = word(text);
  pi_plan_read(f, &plan);
  pi_filter_free(f);
  unsigned set = 0;
  for (int i = 0; i < PI_PROTOS; i++)
    if (plan.states[i] != 0) set |= 1u << i;
  return set;
}

static const unsigned TCP = 1u << PI_PROTO_TCP, RAW = 1u << PI_PROTO_RAW,
                      ALL = (1u << PI_PROTOS) - 1;

static void raw_sockets_are_read_where_they_are_named(void **state) {
  (void)state;
  const struct {
    const char *filter;
    unsigned protocols;
  } cases[] = {
      {"all", ALL & ~RAW},
      {"not tcp", ALL & ~TCP & ~RAW},
      {"proto != tcp", ALL & ~TCP & ~RAW},
      {"not raw", ALL & ~RAW},
      {"unconnected or pid = 1", ALL & ~RAW},
      {"known protocol", ALL & ~RAW},
      {"not protocol = 1", ALL & ~RAW},
      {"raw", RAW},
      {"proto = raw", RAW},
      {"proto in {tcp, raw}", TCP | RAW},
      {"raw or tcp", TCP | RAW},
      {"not not raw", RAW},
      {"not (not raw and not tcp)", TCP | RAW},
      {"protocol = 1", RAW},
      {"protocol", RAW},
      {"raw listener", RAW},
      {"raw tcp", 0},
  };
  for (size_t i = 0; i < LENGTH(cases); i++) {
    if (asked(cases[i].filter) != cases[i].protocols) {
      fail_msg("%s: %x", cases[i].filter, asked(cases[i].filter));
    }
  }
}

static void the_states_of_a_protocol_are_those_it_has(void **state) {
  (void)state;
  const unsigned datagram = 1u << PI_PROTO_UDP | 1u << PI_PROTO_UDPLITE | RAW;
  assert_int_equal(datagram & ~RAW, asked("unconnected"));
  assert_int_equal(ALL & ~datagram, asked("established"));
  assert_int_equal(TCP | 1u << PI_PROTO_MPTCP, asked("time-wait"));
}

static script_row *script_raw(uint16_t protocol) {
  script_row *r = script_socket(PI_STATE_UNCONNECTED, "0.0.0.0", protocol);
  r->row.proto = PI_PROTO_RAW;
  return r;
}

static script_row *script_association(const char *far, uint16_t port) {
  script_row *r =
      script_peer(PI_STATE_ESTABLISHED, "10.0.0.1", 2905, far, port);
  r->row.proto = PI_PROTO_SCTP;
  r->row.cookie = 900;
  r->row.inode = 901;
  return r;
}

static void make_world(void) {
  script_reset();
  script_raw(1);
  script_socket(PI_STATE_LISTEN, "10.0.0.1", 2905)->row.proto = PI_PROTO_SCTP;
  script_association("10.0.0.2", 2905);
  script_association("10.0.0.3", 2905);
  script_socket(PI_STATE_UNCONNECTED, "0.0.0.0", 53)->row.proto =
      PI_PROTO_UDPLITE;
}

static void check_world(const pi_snapshot *s) {
  assert_int_equal(5, pi_snapshot_count(s));
  static const pi_field portless[] = {PI_LPORT,     PI_RPORT,     PI_ROLE,
                                      PI_RANGE,     PI_EPHEMERAL, PI_USE,
                                      PI_AUTOBOUND, PI_SERVICE,   PI_RISK};
  for (size_t i = 0; i < LENGTH(portless); i++) {
    assert_int_equal(PI_EMPTY, sight_of(s, 0, portless[i]));
  }
  assert_int_equal(1, number_of(s, 0, PI_PROTOCOL));
  assert_string_equal("wildcard", text_of(s, 0, PI_EXPOSURE, 0));
  for (size_t row = 1; row < 5; row++) {
    assert_int_equal(PI_EMPTY, sight_of(s, row, PI_PROTOCOL));
  }
  assert_string_equal("listener", text_of(s, 1, PI_ROLE, 0));
  assert_string_equal("m3ua", text_of(s, 1, PI_SERVICE, 0));
  assert_string_equal("inbound", text_of(s, 2, PI_ROLE, 0));
  assert_int_equal(900, number_of(s, 2, PI_COOKIE));
  assert_int_equal(900, number_of(s, 3, PI_COOKIE));
  assert_string_equal("service", text_of(s, 4, PI_ROLE, 0));
  assert_string_equal("domain", text_of(s, 4, PI_SERVICE, 0));
}

static void each_protocol_has_rows_of_its_own_kind(void **state) {
  (void)state;
  make_world();
  pi_snapshot *s = script_take(PI_GROUPS);
  check_world(s);
  pi_snapshot_free(s);
}

static void they_come_back_from_a_file(void **state) {
  (void)state;
  make_world();
  pi_snapshot *s = script_take(PI_GROUPS);
  saved f = saved_of(s, NULL);
  pi_snapshot *t = saved_reload(&f);
  check_world(t);
  pi_snapshot_free(t);
  saved_free(&f);
  pi_snapshot_free(s);
}

static void associations_of_one_socket_are_told_apart(void **state) {
  (void)state;
  pi_diff d;
  pi_error err = {0};
  make_world();
  pi_snapshot *s = script_take(0);
  // the first of two ends, and the second changes
  script.rows[3].row.state = PI_STATE_CLOSE_WAIT;
  script.rows[2] = script.rows[3];
  script.rows[3] = script.rows[4];
  script.count--;
  pi_snapshot *t = script_take(0);
  assert_int_equal(0, pi_snapshot_diff(s, NULL, t, NULL, &d, &err));
  assert_int_equal(0, pi_selection_count(d.added));
  assert_int_equal(1, pi_selection_count(d.removed));
  assert_int_equal(2, pi_selection_at(d.removed, 0));
  assert_int_equal(1, pi_selection_count(d.after));
  assert_int_equal(2, pi_selection_at(d.after, 0));
  pi_diff_deinit(&d);
  pi_snapshot_free(t);
  pi_snapshot_free(s);
}

static const pi__figure figures[PI__FIGURES] = {
    {36, PI_KNOWN}, {7, PI_KNOWN},   {10, PI_KNOWN},
    {0, PI_KNOWN},  {0, PI_UNKNOWN}, {400, PI_KNOWN},
};

static void figures_are_those_of_connections(void **state) {
  (void)state;
  script_reset();
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 80)->figures = figures;
  script_row *r =
      script_peer(PI_STATE_ESTABLISHED, "10.0.0.1", 80, "10.0.0.2", 4000);
  r->figures = figures;
  r->congestion = "\xff bbr";
  script_peer(PI_STATE_ESTABLISHED, "10.0.0.1", 80, "10.0.0.2", 4001);
  script_peer(PI_STATE_TIME_WAIT, "10.0.0.1", 80, "10.0.0.2", 4002);
  script_socket(PI_STATE_UNCONNECTED, "0.0.0.0", 53);
  pi_snapshot *taken = script_take(PI_GROUP_TCP_INFO);
  saved f = saved_of(taken, NULL);
  pi_snapshot *loaded = saved_reload(&f);
  const pi_snapshot *both[] = {taken, loaded};
  for (size_t i = 0; i < 2; i++) {
    const pi_snapshot *s = both[i];
    assert_int_equal(PI_EMPTY, sight_of(s, 0, PI_RTT));
    assert_int_equal(36, number_of(s, 1, PI_RTT));
    assert_int_equal(7, number_of(s, 1, PI_RETRANS));
    assert_int_equal(PI_KNOWN, sight_of(s, 1, PI_BYTES_SENT));
    assert_int_equal(PI_UNKNOWN, sight_of(s, 1, PI_BYTES_RECEIVED));
    assert_int_equal(400, number_of(s, 1, PI_IDLE));
    assert_string_equal("\xff bbr", text_of(s, 1, PI_CONGESTION, 0));
    assert_int_equal(PI_UNKNOWN, sight_of(s, 2, PI_RTT));  // not told of
    assert_int_equal(PI_UNKNOWN, sight_of(s, 2, PI_CONGESTION));
    assert_int_equal(PI_EMPTY, sight_of(s, 3, PI_RTT));
    assert_int_equal(PI_EMPTY, sight_of(s, 4, PI_CONGESTION));
  }
  pi_snapshot_free(loaded);
  saved_free(&f);
  pi_snapshot_free(taken);
}

/* After the derived group, which drops the index of rows. */
static void figures_may_come_late(void **state) {
  (void)state;
  pi_error err = {0};
  script_reset();
  script_peer(PI_STATE_ESTABLISHED, "10.0.0.1", 80, "10.0.0.2", 4000)->figures =
      figures;
  pi_snapshot *s = script_take(PI_GROUP_DERIVED);
  assert_int_equal(PI_UNKNOWN, sight_of(s, 0, PI_RTT));
  assert_int_equal(0, pi_snapshot_complete(s, PI_GROUP_TCP_INFO, &err));
  assert_int_equal(36, number_of(s, 0, PI_RTT));
  pi_snapshot_free(s);
}

static void owners_wait_for_figures(void **state) {
  (void)state;
  pi_selection *sel = NULL;
  pi_error err = {0};
  script_reset();
  script_peer(PI_STATE_ESTABLISHED, "10.0.0.1", 80, "10.0.0.2", 4000)->figures =
      figures;
  pi_filter *f = word("rtt > 50ms and process = web");
  pi_snapshot *s = script_take(0);
  assert_int_equal(0, pi_snapshot_select(s, f, &sel, &err));
  assert_int_equal(1, script.calls[PI_GROUP_TCP_INFO]);
  assert_int_equal(0, script.calls[PI_GROUP_OWNER]);
  pi_selection_free(sel);
  pi_snapshot_free(s);
  pi_filter_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_protocol_is_there_if_its_sockets_are_counted),
      cmocka_unit_test(without_the_table_nothing_is_told),
      cmocka_unit_test(raw_sockets_are_read_where_they_are_named),
      cmocka_unit_test(the_states_of_a_protocol_are_those_it_has),
      cmocka_unit_test(each_protocol_has_rows_of_its_own_kind),
      cmocka_unit_test(they_come_back_from_a_file),
      cmocka_unit_test(associations_of_one_socket_are_told_apart),
      cmocka_unit_test(figures_are_those_of_connections),
      cmocka_unit_test(figures_may_come_late),
      cmocka_unit_test(owners_wait_for_figures),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
