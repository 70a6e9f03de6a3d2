/* derive_test.c: role, reach, exposure and service port, out of a socket's own
 * facts. */
#include "script.h"

static int reset(void **state) {
  (void)state;
  script_reset();
  return 0;
}

static const char *role(const pi_snapshot *s, size_t row) {
  return text_of(s, row, PI_ROLE, 0);
}

/* ---- Role --------------------------------------------------------------- */

static void a_role_follows_from_state_and_who_chose_the_port(void **state) {
  (void)state;
  static const struct {
    pi_state state;
    const char *chosen, *autobound;
  } table[] = {
      {PI_STATE_LISTEN, "listener", "listener"},
      {PI_STATE_CLOSED, "bound", "bound"},
      {PI_STATE_SYN_SENT, "outbound", "outbound"},
      {PI_STATE_SYN_RECEIVED, "inbound", "inbound"},
      {PI_STATE_ESTABLISHED, "outbound", "outbound"},
      {PI_STATE_CLOSE_WAIT, "outbound", "outbound"},
      {PI_STATE_FIN_WAIT_1, "closing", "closing"},
      {PI_STATE_FIN_WAIT_2, "closing", "closing"},
      {PI_STATE_CLOSING, "closing", "closing"},
      {PI_STATE_LAST_ACK, "closing", "closing"},
      {PI_STATE_TIME_WAIT, "closing", "closing"},
      {PI_STATE_CONNECTED, "connected", "connected"},
      {PI_STATE_UNCONNECTED, "service", "client"},
  };
  for (size_t i = 0; i < 2 * LENGTH(table); i++) {
    uint16_t port = (uint16_t)(40000 + i);
    script_peer(table[i / 2].state, "1.1.1.1", port, "2.2.2.2", 443)
        ->autobound = i % 2 != 0;
  }
  pi_snapshot *s = script_take(PI_GROUP_DERIVED);
  for (size_t i = 0; i < 2 * LENGTH(table); i++) {
    assert_string_equal(i % 2 ? table[i / 2].autobound : table[i / 2].chosen,
                        role(s, i));
  }
  pi_snapshot_free(s);
}

/* The kernel takes the mark of a chosen port from every socket that it accepts
 * for a listener, so that what has the mark was connected by its process. */
static void a_chosen_port_of_a_connection_is_no_listeners(void **state) {
  (void)state;
  script_socket(PI_STATE_LISTEN, "1.1.1.1", 700);
  script_peer(PI_STATE_ESTABLISHED, "1.1.1.1", 700, "2.2.2.2", 2049);
  script_peer(PI_STATE_ESTABLISHED, "1.1.1.1", 700, "2.2.2.2", 5)->autobound =
      true;
  script_peer(PI_STATE_ESTABLISHED, "1.1.1.1", 701, "2.2.2.2", 5)->autobound =
      true;
  pi_snapshot *s = script_take(PI_GROUP_DERIVED);
  assert_string_equal("outbound", role(s, 1));
  assert_string_equal("inbound", role(s, 2));
  assert_string_equal("inbound", role(s, 3));  // its listener is gone
  for (size_t i = 1; i < 4; i++) {
    assert_int_equal(0, number_of(s, i, PI_AUTOBOUND));
  }
  pi_snapshot_free(s);
}

static void nobody_knows_who_chose_the_port_of_half_a_socket(void **state) {
  (void)state;
  script_peer(PI_STATE_TIME_WAIT, "1.1.1.1", 40000, "2.2.2.2", 1);
  script_peer(PI_STATE_SYN_RECEIVED, "1.1.1.1", 40001, "2.2.2.2", 1);
  script_peer(PI_STATE_FIN_WAIT_2, "1.1.1.1", 40002, "2.2.2.2", 1);
  script_peer(PI_STATE_SYN_SENT, "1.1.1.1", 40003, "2.2.2.2", 1)->autobound =
      true;
  pi_snapshot *s = script_take(PI_GROUP_DERIVED);
  assert_int_equal(PI_UNKNOWN, sight_of(s, 0, PI_AUTOBOUND));
  assert_int_equal(PI_UNKNOWN, sight_of(s, 1, PI_AUTOBOUND));
  assert_int_equal(0, number_of(s, 2, PI_AUTOBOUND));
  assert_int_equal(1, number_of(s, 3, PI_AUTOBOUND));
  pi_snapshot_free(s);
}

/* The kernel chooses inside the client range only. */
static void where_no_source_tells_the_client_range_does(void **state) {
  (void)state;
  script.tells_autobound = false;
  static const uint16_t ports[] = {32767, 32768, 60999, 61000};
  for (size_t i = 0; i < 4; i++) {
    script_socket(PI_STATE_UNCONNECTED, "1.1.1.1", ports[i]);
  }
  script_peer(PI_STATE_ESTABLISHED, "1.1.1.1", 40000, "2.2.2.2", 443);
  script_peer(PI_STATE_ESTABLISHED, "1.1.1.1", 8080, "2.2.2.2", 443);
  script_socket(PI_STATE_LISTEN, "1.1.1.1", 50000);
  script_peer(PI_STATE_ESTABLISHED, "1.1.1.1", 50000, "2.2.2.2", 443);
  pi_snapshot *s = script_take(PI_GROUP_DERIVED);
  static const char *const roles[] = {"service", "?", "?",        "service",
                                      "?",       "?", "listener", "inbound"};
  for (size_t i = 0; i < LENGTH(roles); i++) {
    assert_string_equal(roles[i], role(s, i));
  }
  assert_int_equal(0, number_of(s, 0, PI_AUTOBOUND));
  assert_int_equal(PI_UNKNOWN, sight_of(s, 1, PI_AUTOBOUND));
  assert_int_equal(PI_UNKNOWN, sight_of(s, 7, PI_AUTOBOUND));
  pi_snapshot_free(s);
}

static void
without_a_client_range_everything_rests_on_the_sources(void **state) {
  (void)state;
  script.tells_autobound = false;
  script.host.ephemeral_known = false;
  script_socket(PI_STATE_UNCONNECTED, "1.1.1.1", 53);
  pi_snapshot *s = script_take(PI_GROUP_DERIVED);
  assert_string_equal("?", role(s, 0));
  assert_int_equal(PI_UNKNOWN, sight_of(s, 0, PI_AUTOBOUND));
  assert_int_equal(PI_UNKNOWN, sight_of(s, 0, PI_EPHEMERAL));
  pi_snapshot_free(s);
}

/* Every socket below has an autobound port inside the client range, so that
 * only a listener that accepts there makes it inbound. */
static const char *role_beside(const char *at, const char *device, bool udp,
                               const char *laddr, pi_family family,
                               const char *scope) {
  static char answer[16];
  script_reset();
  script_row *l =
      script_socket(udp ? PI_STATE_UNCONNECTED : PI_STATE_LISTEN, at, 40000);
  l->iface = device;
  // texts of many devices between the two, so that equal ones need not share
  for (int i = 0; i < 12; i++) {
    static char names[12][16];
    snprintf(names[i], sizeof names[i], "veth%d", i);
    script_socket(PI_STATE_LISTEN, "9.9.9.9", (uint16_t)(i + 1))->iface =
        names[i];
  }
  script_row *r = script_peer(PI_STATE_ESTABLISHED, laddr, 40000, laddr, 5);
  r->row.family = family;
  r->iface = scope;
  r->autobound = true;
  pi_snapshot *s = script_take(PI_GROUP_DERIVED);
  snprintf(answer, sizeof answer, "%s", role(s, script.count - 1));
  pi_snapshot_free(s);
  return answer;
}

static void inbound_is_what_a_listener_accepted(void **state) {
  (void)state;
  const pi_family V4 = PI_FAMILY_4, V6 = PI_FAMILY_6;
  const struct {
    const char *at, *device, *laddr;
    pi_family family;
    const char *scope;
    bool inbound;
  } table[] = {
      {"1.1.1.1", NULL, "1.1.1.1", V4, NULL, true},
      {"1.1.1.1", NULL, "1.1.1.2", V4, NULL, false},
      {"0.0.0.0", NULL, "1.1.1.1", V4, NULL, true},
      {"0.0.0.0", NULL, "2001:db8::1", V6, NULL, false},
      // an IPv4 child of a dual-stack listener stays of family 6
      {"::", NULL, "1.1.1.1", V6, NULL, true},
      {"0.0.0.0", NULL, "1.1.1.1", V6, NULL, false},
      {"::", NULL, "2001:db8::1", V6, NULL, true},
      {"::", NULL, "1.1.1.1", V4, NULL, false},
      {"::1", NULL, "::1", V6, NULL, true},
      {"::1", NULL, "::2", V6, NULL, false},
      {"0.0.0.0", "eth0", "1.1.1.1", V4, "eth1", false},
      {"0.0.0.0", "eth0", "1.1.1.1", V4, NULL, false},
      {"::", NULL, "fe80::1", V6, "eth0", true},
  };
  for (size_t i = 0; i < LENGTH(table); i++) {
    const char *got =
        role_beside(table[i].at, table[i].device, false, table[i].laddr,
                    table[i].family, table[i].scope);
    if (strcmp(got, table[i].inbound ? "inbound" : "outbound") != 0) {
      fail_msg("line %zu is %s", i, got);
    }
  }
}

static void a_device_is_the_same_by_its_name(void **state) {
  (void)state;
  assert_string_equal("inbound", role_beside("0.0.0.0", "eth0", false,
                                             "1.1.1.1", PI_FAMILY_4, "eth0"));
  assert_string_equal("inbound", role_beside("1.1.1.1", "eth0", false,
                                             "1.1.1.1", PI_FAMILY_4, "eth0"));
}

/* A socket of IPv6 may be bound to all of IPv4 alone (::ffff:0.0.0.0). */
static void a_mapped_wildcard_accepts_children_of_family_6(void **state) {
  (void)state;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 40000)->row.family = PI_FAMILY_6;
  for (int i = 0; i < 2; i++) {
    script_row *r =
        script_peer(PI_STATE_ESTABLISHED, "1.1.1.1", 40000, "2.2.2.2", 5);
    r->row.family = i == 0 ? PI_FAMILY_6 : PI_FAMILY_4;
    r->autobound = true;
  }
  pi_snapshot *s = script_take(PI_GROUP_DERIVED);
  assert_string_equal("inbound", role(s, 1));
  assert_string_equal("outbound", role(s, 2));
  pi_snapshot_free(s);
}

static void only_tcp_listeners_accept(void **state) {
  (void)state;
  assert_string_equal("outbound", role_beside("0.0.0.0", NULL, true, "1.1.1.1",
                                              PI_FAMILY_4, NULL));
}

static void listeners_are_found_at_both_ends_of_the_ports(void **state) {
  (void)state;
  static const uint16_t ports[] = {1, 2, 65534, 65535};
  for (size_t i = 0; i < 4; i++) {
    script_socket(PI_STATE_LISTEN, "0.0.0.0", ports[i]);
  }
  for (size_t i = 0; i < 4; i++) {
    script_peer(PI_STATE_ESTABLISHED, "1.1.1.1", ports[i], "2.2.2.2", 9)
        ->autobound = true;
  }
  script_peer(PI_STATE_ESTABLISHED, "1.1.1.1", 65533, "2.2.2.2", 9);
  pi_snapshot *s = script_take(PI_GROUP_DERIVED);
  for (size_t i = 4; i < 8; i++) assert_string_equal("inbound", role(s, i));
  assert_string_equal("outbound", role(s, 8));
  pi_snapshot_free(s);
}

/* ---- Exposure, families, range ------------------------------------------ */

static void exposure_is_how_far_the_address_reaches(void **state) {
  (void)state;
  static const char *const table[][2] = {
      {"0.0.0.0", "wildcard"},
      {"::", "wildcard"},
      {"127.0.0.1", "loopback"},
      {"127.255.255.255", "loopback"},
      {"126.255.255.255", "public"},
      {"128.0.0.0", "public"},
      {"::1", "loopback"},
      {"::2", "public"},
      {"::ffff:127.3.4.5", "loopback"},
      {"10.0.0.0", "private"},
      {"10.255.255.255", "private"},
      {"9.255.255.255", "public"},
      {"11.0.0.0", "public"},
      {"172.16.0.0", "private"},
      {"172.31.255.255", "private"},
      {"172.15.255.255", "public"},
      {"172.32.0.0", "public"},
      {"172.100.0.1", "public"},
      {"192.168.0.1", "private"},
      {"192.167.0.1", "public"},
      {"192.169.0.1", "public"},
      {"100.64.0.0", "private"},
      {"100.127.255.255", "private"},
      {"100.63.255.255", "public"},
      {"100.128.0.0", "public"},
      {"169.254.0.1", "link-local"},
      {"169.253.0.1", "public"},
      {"224.0.0.1", "multicast"},
      {"239.255.255.255", "multicast"},
      {"223.255.255.255", "public"},
      {"255.255.255.255", "link-local"},
      {"8.8.8.8", "public"},
      {"0.0.0.1", "public"},
      {"fe80::1", "link-local"},
      {"febf::1", "link-local"},
      {"fe7f::1", "public"},
      {"fec0::1", "private"},
      {"fc00::1", "private"},
      {"fdff::1", "private"},
      {"fbff::1", "public"},
      {"ff02::fb", "multicast"},
      {"ff00::", "multicast"},
      {"2001:db8::1", "public"},
      {"::127.0.0.1", "public"},
      {"1::", "public"},
  };
  for (size_t i = 0; i < LENGTH(table); i++) {
    script_socket(PI_STATE_LISTEN, table[i][0], 80);
  }
  pi_snapshot *s = script_take(PI_GROUP_DERIVED);
  for (size_t i = 0; i < LENGTH(table); i++) {
    const char *got = text_of(s, i, PI_EXPOSURE, 0);
    if (strcmp(got, table[i][1]) != 0) fail_msg("%s is %s", table[i][0], got);
  }
  pi_snapshot_free(s);
}

static void a_wildcard_bound_to_lo_reaches_no_further(void **state) {
  (void)state;
  static const char *const devices[] = {"lo", "lo1", "l", "eth0"};
  for (size_t i = 0; i < 4; i++) {
    script_socket(PI_STATE_LISTEN, i % 2 ? "0.0.0.0" : "::", 80)->iface =
        devices[i];
  }
  script_socket(PI_STATE_LISTEN, "8.8.8.8", 80)->iface = "lo";
  pi_snapshot *s = script_take(PI_GROUP_DERIVED);
  assert_string_equal("loopback", text_of(s, 0, PI_EXPOSURE, 0));
  assert_string_equal("wildcard", text_of(s, 1, PI_EXPOSURE, 0));
  assert_string_equal("wildcard", text_of(s, 2, PI_EXPOSURE, 0));
  assert_string_equal("wildcard", text_of(s, 3, PI_EXPOSURE, 0));
  assert_string_equal("public", text_of(s, 4, PI_EXPOSURE, 0));
  pi_snapshot_free(s);
}

static void three_wildcards_are_three_things(void **state) {
  (void)state;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  for (int i = 0; i < 3; i++) {
    script_row *r = script_socket(PI_STATE_LISTEN, "::", 80);
    r->row.v6only = i == 0;
    r->row.v6only_sight = i == 2 ? PI_UNKNOWN : PI_KNOWN;
  }
  script_socket(PI_STATE_LISTEN, "::1", 80)->row.v6only_sight = PI_KNOWN;
  script_socket(PI_STATE_LISTEN, "1.1.1.1", 80)->row.family = PI_FAMILY_6;
  pi_snapshot *s = script_take(PI_GROUP_DERIVED);
  static const char *const wanted[] = {"4", "6", "4+6", "?", "6", "4"};
  for (size_t i = 0; i < LENGTH(wanted); i++) {
    assert_string_equal(wanted[i], text_of(s, i, PI_FAMILIES, 0));
  }
  pi_snapshot_free(s);
}

/* As the iterator shows them: neither bound nor connected. */
static void what_is_not_bound_is_nowhere(void **state) {
  (void)state;
  script_socket(PI_STATE_CLOSED, "0.0.0.0", 0);
  script_socket(PI_STATE_UNCONNECTED, "::", 0);
  pi_snapshot *s = script_take(PI_GROUP_DERIVED);
  static const pi_field fields[] = {PI_LADDR,     PI_LPORT,    PI_ROLE,
                                    PI_EXPOSURE,  PI_FAMILIES, PI_RANGE,
                                    PI_EPHEMERAL, PI_SERVICE,  PI_AUTOBOUND,
                                    PI_RADDR,     PI_RPORT};
  for (size_t row = 0; row < 2; row++) {
    for (size_t i = 0; i < LENGTH(fields); i++) {
      assert_int_equal(PI_EMPTY, sight_of(s, row, fields[i]));
    }
  }
  pi_snapshot_free(s);
}

/* A source that says at once who chose the port need not be asked again. */
static void what_was_told_at_once_is_kept(void **state) {
  (void)state;
  script_row *a = script_socket(PI_STATE_UNCONNECTED, "127.0.0.1", 40000);
  script_row *b = script_socket(PI_STATE_UNCONNECTED, "127.0.0.1", 40001);
  script_row *again = script_socket(PI_STATE_UNCONNECTED, "127.0.0.1", 40000);
  a->row.choice = PI__CHOICE_KERNEL;
  b->row.choice = PI__CHOICE_PROCESS;
  again->row.cookie = a->row.cookie;  // met a second time, by another source
  pi_snapshot *s = script_take(PI_GROUP_DERIVED);
  assert_int_equal(2, pi_snapshot_count(s));
  assert_string_equal("client", role(s, 0));
  assert_string_equal("service", role(s, 1));
  pi_snapshot_free(s);
}

static void ranges_end_where_they_do(void **state) {
  (void)state;
  static const struct {
    uint16_t port;
    const char *range;
    int ephemeral;
  } table[] = {
      {1, "system", 0},      {1023, "system", 0},   {1024, "user", 0},
      {32767, "user", 0},    {32768, "user", 1},    {49151, "user", 1},
      {49152, "dynamic", 1}, {60999, "dynamic", 1}, {61000, "dynamic", 0},
      {65535, "dynamic", 0},
  };
  for (size_t i = 0; i < LENGTH(table); i++) {
    script_socket(PI_STATE_LISTEN, "1.1.1.1", table[i].port);
  }
  pi_snapshot *s = script_take(PI_GROUP_DERIVED);
  for (size_t i = 0; i < LENGTH(table); i++) {
    assert_string_equal(table[i].range, text_of(s, i, PI_RANGE, 0));
    assert_int_equal(table[i].ephemeral, number_of(s, i, PI_EPHEMERAL));
  }
  pi_snapshot_free(s);
}

/* ---- The service port --------------------------------------------------- */

static void a_service_is_known_by_the_port_of_its_server(void **state) {
  (void)state;
  script_socket(PI_STATE_LISTEN, "1.1.1.1", 22);
  script_peer(PI_STATE_ESTABLISHED, "1.1.1.1", 22, "2.2.2.2", 443)->autobound =
      true;
  script_peer(PI_STATE_ESTABLISHED, "1.1.1.1", 40000, "2.2.2.2", 443)
      ->autobound = true;
  script_peer(PI_STATE_SYN_SENT, "1.1.1.1", 1024, "2.2.2.2", 22);
  script_peer(PI_STATE_CONNECTED, "1.1.1.1", 40001, "2.2.2.2", 53)->autobound =
      true;
  script_peer(PI_STATE_CONNECTED, "1.1.1.1", 53, "2.2.2.2", 123);
  script_peer(PI_STATE_UNCONNECTED, "1.1.1.1", 123, "2.2.2.2", 53);
  script_socket(PI_STATE_LISTEN, "1.1.1.1", 60323);
  pi_snapshot *s = script_take(PI_GROUP_DERIVED);
  static const char *const names[] = {"ssh",    "ssh",    "https", "ssh",
                                      "domain", "domain", "ntp",   "-"};
  for (size_t i = 0; i < LENGTH(names); i++) {
    assert_string_equal(names[i], text_of(s, i, PI_SERVICE, 0));
  }
  pi_snapshot_free(s);
}

static void where_the_role_is_unknown_so_is_the_service(void **state) {
  (void)state;
  script.tells_autobound = false;
  script_peer(PI_STATE_ESTABLISHED, "1.1.1.1", 40000, "2.2.2.2", 443);
  script_peer(PI_STATE_CONNECTED, "1.1.1.1", 40000, "2.2.2.2", 53);
  script_socket(PI_STATE_UNCONNECTED, "1.1.1.1", 40000);
  script_peer(PI_STATE_TIME_WAIT, "1.1.1.1", 22, "2.2.2.2", 40000);
  pi_snapshot *s = script_take(PI_GROUP_DERIVED);
  static const pi_field fields[] = {PI_SERVICE, PI_USE, PI_RISK};
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(PI_UNKNOWN, sight_of(s, 0, fields[i]));
    assert_int_equal(PI_UNKNOWN, sight_of(s, 1, fields[i]));
    // both ends of a socket without a peer are its own
    assert_int_not_equal(PI_UNKNOWN, sight_of(s, 2, fields[i]));
  }
  assert_string_equal("ssh", text_of(s, 3, PI_SERVICE, 0));
  pi_snapshot_free(s);
}

static void names_uses_and_risks_are_of_the_transport(void **state) {
  (void)state;
  script_socket(PI_STATE_LISTEN, "1.1.1.1", 80);
  script_socket(PI_STATE_LISTEN, "1.1.1.1", 9200);
  script_socket(PI_STATE_LISTEN, "1.1.1.1", 23);
  script_socket(PI_STATE_LISTEN, "1.1.1.1", 514);
  script_socket(PI_STATE_UNCONNECTED, "1.1.1.1", 514);
  pi_snapshot *s = script_take(PI_GROUP_DERIVED);
  assert_string_equal("http", text_of(s, 0, PI_SERVICE, 0));
  for (unsigned i = 0; i < 3; i++) {
    const char *name = pi_port_name(80, PI_TRANSPORT_TCP, i);
    assert_string_equal(name ? name : "-", text_of(s, 0, PI_SERVICE, i));
  }
  assert_string_equal("elasticsearch", text_of(s, 1, PI_USE, 0));
  assert_string_equal("shell", text_of(s, 3, PI_SERVICE, 0));
  assert_string_equal("syslog", text_of(s, 4, PI_SERVICE, 0));
  // classes of risk, each once
  assert_int_equal(PI_KNOWN, sight_of(s, 2, PI_RISK));
  for (unsigned i = 0; *text_of(s, 2, PI_RISK, i) != '-'; i++) {
    for (unsigned k = 0; k < i; k++) {
      assert_string_not_equal(text_of(s, 2, PI_RISK, i),
                              text_of(s, 2, PI_RISK, k));
    }
  }
  pi_snapshot_free(s);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(a_role_follows_from_state_and_who_chose_the_port,
                             reset),
      cmocka_unit_test_setup(a_chosen_port_of_a_connection_is_no_listeners,
                             reset),
      cmocka_unit_test_setup(nobody_knows_who_chose_the_port_of_half_a_socket,
                             reset),
      cmocka_unit_test_setup(where_no_source_tells_the_client_range_does,
                             reset),
      cmocka_unit_test_setup(
          without_a_client_range_everything_rests_on_the_sources, reset),
      cmocka_unit_test_setup(inbound_is_what_a_listener_accepted, reset),
      cmocka_unit_test_setup(a_device_is_the_same_by_its_name, reset),
      cmocka_unit_test_setup(a_mapped_wildcard_accepts_children_of_family_6,
                             reset),
      cmocka_unit_test_setup(only_tcp_listeners_accept, reset),
      cmocka_unit_test_setup(listeners_are_found_at_both_ends_of_the_ports,
                             reset),
      cmocka_unit_test_setup(exposure_is_how_far_the_address_reaches, reset),
      cmocka_unit_test_setup(a_wildcard_bound_to_lo_reaches_no_further, reset),
      cmocka_unit_test_setup(three_wildcards_are_three_things, reset),
      cmocka_unit_test_setup(what_is_not_bound_is_nowhere, reset),
      cmocka_unit_test_setup(what_was_told_at_once_is_kept, reset),
      cmocka_unit_test_setup(ranges_end_where_they_do, reset),
      cmocka_unit_test_setup(a_service_is_known_by_the_port_of_its_server,
                             reset),
      cmocka_unit_test_setup(where_the_role_is_unknown_so_is_the_service,
                             reset),
      cmocka_unit_test_setup(names_uses_and_risks_are_of_the_transport, reset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
