/* reading_test.c: rows and texts on their way into columns, and groups added to
 * a snapshot on demand, through the seam that platforms use. */
#include "script.h"

static int reset(void **state) {
  (void)state;
  script_reset();
  return 0;
}

/* ---- Columns ------------------------------------------------------------ */

static void keeps_what_a_row_says(void **state) {
  (void)state;
  script_row *r =
      script_peer(PI_STATE_ESTABLISHED, "10.0.0.1", 65535, "2.3.4.5", 443);
  r->row.family = PI_FAMILY_6;
  r->row.inode = UINT64_C(0x1234567890);
  r->row.cookie = UINT64_C(0xfedcba9876543210);
  r->row.uid = UINT32_MAX;
  r->row.rxq = 0x80000000;
  r->row.txq = 7;
  r->row.mark = 0xdeadbeef;
  r->row.mark_sight = PI_KNOWN;
  r->row.v6only = true;
  r->row.v6only_sight = PI_KNOWN;
  r->iface = "eth0";
  pi_snapshot *s = script_take(0);
  assert_int_equal(1, pi_snapshot_count(s));
  assert_int_equal(PI_GROUP_SOCKET, pi_snapshot_groups(s));
  assert_string_equal("tcp", text_of(s, 0, PI_PROTO, 0));
  assert_string_equal("ipv6", text_of(s, 0, PI_FAMILY, 0));
  assert_string_equal("established", text_of(s, 0, PI_STATE, 0));
  assert_int_equal(65535, number_of(s, 0, PI_LPORT));
  assert_int_equal(443, number_of(s, 0, PI_RPORT));
  pi_address a = address_of("2.3.4.5");
  pi_value v = pi_snapshot_value(s, 0, PI_RADDR, 0);
  assert_memory_equal(&a, &v.address, sizeof a);
  assert_int_equal(UINT64_C(0x1234567890), number_of(s, 0, PI_INODE));
  assert_true(number_of(s, 0, PI_COOKIE) == UINT64_C(0xfedcba9876543210));
  assert_int_equal(UINT32_MAX, number_of(s, 0, PI_UID));
  assert_int_equal(0x80000000, number_of(s, 0, PI_RXQ));
  assert_int_equal(7, number_of(s, 0, PI_TXQ));
  assert_int_equal(0xdeadbeef, number_of(s, 0, PI_MARK));
  assert_int_equal(1, number_of(s, 0, PI_V6ONLY));
  assert_int_equal(4026531840, number_of(s, 0, PI_NETNS));
  assert_string_equal("eth0", text_of(s, 0, PI_IFACE, 0));
  pi_snapshot_free(s);
}

/* What a source could not see is never a nought. */
static void keeps_apart_empty_unknown_and_nought(void **state) {
  (void)state;
  script_row *r = script_socket(PI_STATE_LISTEN, "0.0.0.0", 0);
  r->row.inode = r->row.cookie = 0;
  r->row.uid = 0;
  r = script_peer(PI_STATE_TIME_WAIT, "1.1.1.1", 1, "2.2.2.2", 0);
  r->row.uid_sight = PI_EMPTY;
  r->row.iface_sight = r->row.txq_sight = PI_UNKNOWN;
  r->row.v6only_sight = PI_UNKNOWN;
  script.host.netns = 0;
  pi_snapshot *s = script_take(0);
  assert_int_equal(PI_EMPTY, sight_of(s, 0, PI_RADDR));
  assert_int_equal(PI_EMPTY, sight_of(s, 0, PI_RPORT));
  assert_int_equal(PI_EMPTY, sight_of(s, 0, PI_INODE));
  assert_int_equal(PI_UNKNOWN, sight_of(s, 0, PI_COOKIE));
  assert_int_equal(PI_EMPTY, sight_of(s, 0, PI_IFACE));
  assert_int_equal(PI_UNKNOWN, sight_of(s, 0, PI_NETNS));
  assert_int_equal(PI_UNKNOWN, sight_of(s, 0, PI_MARK));
  assert_int_equal(0, number_of(s, 0, PI_UID));
  assert_int_equal(PI_EMPTY, sight_of(s, 0, PI_LPORT));
  assert_int_equal(0, number_of(s, 1, PI_RPORT));
  assert_int_equal(PI_EMPTY, sight_of(s, 1, PI_UID));
  assert_int_equal(PI_UNKNOWN, sight_of(s, 1, PI_IFACE));
  assert_int_equal(PI_UNKNOWN, sight_of(s, 1, PI_TXQ));
  assert_int_equal(PI_UNKNOWN, sight_of(s, 1, PI_V6ONLY));
  assert_int_equal(0, number_of(s, 0, PI_TXQ));
  pi_snapshot_free(s);
}

static void has_a_peer_only_where_the_state_has_one(void **state) {
  (void)state;
  static const bool wanted[] = {
      [PI_STATE_ESTABLISHED] = true,  [PI_STATE_SYN_SENT] = true,
      [PI_STATE_SYN_RECEIVED] = true, [PI_STATE_FIN_WAIT_1] = true,
      [PI_STATE_FIN_WAIT_2] = true,   [PI_STATE_TIME_WAIT] = true,
      [PI_STATE_CLOSED] = false,      [PI_STATE_CLOSE_WAIT] = true,
      [PI_STATE_LAST_ACK] = true,     [PI_STATE_LISTEN] = false,
      [PI_STATE_CLOSING] = true,      [PI_STATE_CONNECTED] = true,
      [PI_STATE_UNCONNECTED] = false,
  };
  for (int i = 0; i <= PI_STATE_UNCONNECTED; i++) {
    script_peer((pi_state)i, "1.1.1.1", 80, "2.2.2.2", 99);
  }
  pi_snapshot *s = script_take(0);
  for (size_t i = 0; i <= PI_STATE_UNCONNECTED; i++) {
    pi_sight sight = wanted[i] ? PI_KNOWN : PI_EMPTY;
    assert_int_equal(sight, sight_of(s, i, PI_RADDR));
    assert_int_equal(sight, sight_of(s, i, PI_RPORT));
  }
  pi_snapshot_free(s);
}

static void keeps_thousands_of_rows_and_their_sights(void **state) {
  (void)state;
  enum { ROWS = 8000 };
  for (unsigned i = 0; i < ROWS; i++) {
    script_row *r =
        script_socket(PI_STATE_LISTEN, "0.0.0.0", (uint16_t)(i + 1));
    r->row.rxq = i * 3;
    if (i % 7 == 3) r->row.uid_sight = PI_UNKNOWN;
    if (i == ROWS - 1) r->row.mark_sight = PI_KNOWN;
  }
  pi_snapshot *s = script_take(0);
  assert_int_equal(ROWS, pi_snapshot_count(s));
  for (unsigned i = 0; i < ROWS; i++) {
    assert_int_equal(i + 1, number_of(s, i, PI_LPORT));
    assert_int_equal(i * 3, number_of(s, i, PI_RXQ));
    assert_int_equal(i % 7 == 3 ? PI_UNKNOWN : PI_KNOWN,
                     sight_of(s, i, PI_UID));
    assert_int_equal(i == ROWS - 1 ? PI_KNOWN : PI_UNKNOWN,
                     sight_of(s, i, PI_MARK));
  }
  pi_snapshot_free(s);
}

static void
is_unknown_past_the_last_row_and_empty_past_the_last_member(void **state) {
  (void)state;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  pi_snapshot *s = script_take(0);
  assert_int_equal(PI_UNKNOWN, sight_of(s, 1, PI_LPORT));
  assert_int_equal(PI_EMPTY, pi_snapshot_value(s, 0, PI_LPORT, 1).sight);
  assert_int_equal(PI_UNKNOWN, sight_of(s, 0, PI_ROLE));
  assert_int_equal(PI_UNKNOWN, sight_of(s, 0, PI_SERVICE));
  assert_int_equal(PI_UNKNOWN, sight_of(s, 0, PI_PID));
  assert_int_equal(PI_UNKNOWN, sight_of(s, 0, PI_EXE));
  pi_holder h;
  assert_false(pi_snapshot_holder(s, 0, 0, &h));
  pi_snapshot_free(s);
}

/* ---- Identity ----------------------------------------------------------- */

/* A dump may meet a socket twice while the kernel's tables move. */
static void a_socket_met_twice_is_one_row_as_it_was_last(void **state) {
  (void)state;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 22);
  script_row *r = script_peer(PI_STATE_SYN_SENT, "1.1.1.1", 5, "2.2.2.2", 6);
  r->row.cookie = 77;
  r->row.inode = 5;
  r = script_peer(PI_STATE_TIME_WAIT, "1.1.1.1", 5, "2.2.2.2", 6);
  r->row.cookie = 77;
  r->row.inode = 0;
  r->row.uid_sight = PI_EMPTY;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 23);
  pi_snapshot *s = script_take(0);
  assert_int_equal(3, pi_snapshot_count(s));
  assert_string_equal("time-wait", text_of(s, 1, PI_STATE, 0));
  assert_int_equal(PI_EMPTY, sight_of(s, 1, PI_UID));
  assert_int_equal(PI_EMPTY, sight_of(s, 1, PI_INODE));
  assert_int_equal(23, number_of(s, 2, PI_LPORT));
  pi_snapshot_free(s);
}

static void a_row_that_takes_a_place_brings_its_own_sights(void **state) {
  (void)state;
  for (int i = 0; i < 2; i++) {
    script_row *r = script_socket(PI_STATE_LISTEN, "0.0.0.0", 22);
    r->row.cookie = 9;
    r->row.uid_sight = i == 0 ? PI_UNKNOWN : PI_KNOWN;
    r->row.mark_sight = i == 0 ? PI_KNOWN : PI_UNKNOWN;
  }
  pi_snapshot *s = script_take(0);
  assert_int_equal(1, pi_snapshot_count(s));
  assert_int_equal(PI_KNOWN, sight_of(s, 0, PI_UID));
  assert_int_equal(PI_UNKNOWN, sight_of(s, 0, PI_MARK));
  pi_snapshot_free(s);
}

/* SO_REUSEPORT: one tuple, several sockets. */
static void sockets_that_share_a_port_stay_apart(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  for (int i = 0; i < 3; i++) {  // from a table that knows no cookies
    script_socket(PI_STATE_LISTEN, "0.0.0.0", 81)->row.cookie = 0;
  }
  pi_snapshot *s = script_take(0);
  assert_int_equal(6, pi_snapshot_count(s));
  pi_snapshot_free(s);
}

/* Text tables repeat lines under churn; inode and tuple are all they give. */
static void a_line_met_twice_is_one_row(void **state) {
  (void)state;
  for (int i = 0; i < 2; i++) {
    script_row *r = script_peer(PI_STATE_TIME_WAIT, "1.1.1.1", 5, "2.2.2.2", 6);
    r->row.cookie = r->row.inode = 0;
    r = script_peer(PI_STATE_TIME_WAIT, "1.1.1.1", 6, "2.2.2.2", 5);
    r->row.cookie = r->row.inode = 0;
    r = script_socket(PI_STATE_UNCONNECTED, "1.1.1.1", 5);
    r->row.cookie = 0;
    r->row.inode = 9;
  }
  pi_snapshot *s = script_take(0);
  assert_int_equal(3, pi_snapshot_count(s));
  pi_snapshot_free(s);
}

static void every_part_of_a_tuple_tells_sockets_apart(void **state) {
  (void)state;
  static const char *const a = "1.1.1.1", *const b = "2.2.2.2";
  script_peer(PI_STATE_ESTABLISHED, a, 1, b, 2);
  script_peer(PI_STATE_ESTABLISHED, b, 1, a, 2);
  script_peer(PI_STATE_ESTABLISHED, a, 2, b, 1);
  script_peer(PI_STATE_ESTABLISHED, a, 1, a, 2);
  script_peer(PI_STATE_ESTABLISHED, b, 1, b, 2);
  script_peer(PI_STATE_ESTABLISHED, a, 1, b, 2)->row.family = PI_FAMILY_6;
  script_peer(PI_STATE_CONNECTED, a, 1, b, 2);
  for (size_t i = 0; i < script.count; i++) {
    script.rows[i].row.cookie = 0;
    script.rows[i].row.inode = 5;
  }
  script_peer(PI_STATE_ESTABLISHED, a, 1, b, 2)->row.cookie = 0;
  pi_snapshot *s = script_take(0);
  assert_int_equal(8, pi_snapshot_count(s));
  pi_snapshot_free(s);
}

/* Thousands that differ in one part alone, so that many meet in the index. */
static void each_part_of_a_tuple_is_compared(void **state) {
  (void)state;
  for (int part = 0; part < 5; part++) {
    script_reset();
    for (unsigned i = 0; i < 4000; i++) {
      script_row *r =
          script_peer(PI_STATE_TIME_WAIT, "1.1.0.0", 5, "2.2.0.0", 6);
      r->row.cookie = r->row.inode = 0;
      switch (part) {
      case 0: r->row.lport = (uint16_t)i; break;
      case 1: r->row.rport = (uint16_t)i; break;
      case 2: r->row.inode = i; break;
      case 3: memcpy(r->row.laddr.bytes + 12, &i, sizeof i); break;
      default: memcpy(r->row.raddr.bytes + 12, &i, sizeof i);
      }
    }
    pi_snapshot *s = script_take(0);
    assert_int_equal(4000, pi_snapshot_count(s));
    pi_snapshot_free(s);
  }
}

/* Cookies in order, and with the low or high bits of all alike. */
static void every_cookie_is_told_apart(void **state) {
  (void)state;
  static const unsigned shifts[] = {0, 4, 12, 20, 44};
  for (size_t shift = 0; shift < LENGTH(shifts); shift++) {
    script_reset();
    for (uint64_t i = 0; i < 8000; i++) {
      script_row *r = script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
      r->row.cookie = (i % 4000 + 1) << shifts[shift];
      r->row.rxq = (uint32_t)i;
    }
    pi_snapshot *s = script_take(0);
    assert_int_equal(4000, pi_snapshot_count(s));
    for (size_t i = 0; i < 4000; i++) {
      assert_int_equal((i + 1) << shifts[shift], number_of(s, i, PI_COOKIE));
      assert_int_equal(4000 + i, number_of(s, i, PI_RXQ));
    }
    pi_snapshot_free(s);
  }
}

static void room_that_was_made_need_not_be_used(void **state) {
  (void)state;
  pi_snapshot *s = script_take(0);
  pi__reading *r = (pi__reading *)s;
  for (int i = 0; i < 300; i++) script_socket(PI_STATE_LISTEN, "1.1.1.1", 80);
  assert_int_equal(0, pi__reading_expect(r, 100, NULL));
  for (size_t i = 0; i < script.count; i++) {
    if (i == 50) assert_int_equal(0, pi__reading_expect(r, 5000, NULL));
    if (i == 60) assert_int_equal(0, pi__reading_expect(r, 0, NULL));
    assert_int_equal(0, pi__reading_row(r, &script.rows[i].row, NULL));
  }
  assert_int_equal(300, pi__reading_rows(r));
  for (size_t i = 0; i < script.count; i++) {
    assert_int_equal(0, pi__reading_row(r, &script.rows[i].row, NULL));
  }
  assert_int_equal(300, pi__reading_rows(r));
  assert_int_equal(300, pi__reading_count(r, 0, PI_PROTO_TCP, PI_FAMILY_4));
  assert_int_equal(0, pi__reading_count(r, 0, PI_PROTO_TCP, PI_FAMILY_6));
  assert_int_equal(0, pi__reading_count(r, 0, PI_PROTO_UDP, PI_FAMILY_4));
  pi_snapshot_free(s);
}

/* ---- Rewind, by hand ---------------------------------------------------- */

static void a_rewound_dump_leaves_nothing(void **state) {
  (void)state;
  struct pi__reading r;
  memset(&r, 0, sizeof r);
  pi_error err = {0};
  for (int i = 0; i < 600; i++) script_socket(PI_STATE_LISTEN, "1.1.1.1", 80);
  for (int i = 0; i < 300; i++) {
    assert_int_equal(0, pi__reading_row(&r, &script.rows[i].row, &err));
  }
  for (int round = 0; round < 3; round++) {
    for (int i = 300; i < 600; i++) {
      script.rows[i].row.rxq = (uint32_t)round;
      assert_int_equal(0, pi__reading_row(&r, &script.rows[i].row, &err));
    }
    assert_int_equal(600, pi__reading_rows(&r));
    pi__reading_rewind(&r, 300);
    assert_int_equal(300, pi__reading_rows(&r));
    // what stayed is still known, what went is not
    script.rows[7].row.rxq = 70;
    assert_int_equal(0, pi__reading_row(&r, &script.rows[7].row, &err));
    assert_int_equal(300, pi__reading_rows(&r));
    assert_int_equal(70, pi__cell(&r.snapshot, 7, PI_RXQ));
  }
  assert_int_equal(0, pi__reading_row(&r, &script.rows[599].row, &err));
  assert_int_equal(301, pi__reading_rows(&r));
  assert_int_equal(2, pi__cell(&r.snapshot, 300, PI_RXQ));
  pi__reading_rewind(&r, 0);
  assert_int_equal(0, pi__reading_row(&r, &script.rows[7].row, &err));
  assert_int_equal(1, pi__reading_rows(&r));
  pi__index_deinit(&r.snapshot.identity);
  for (int f = 0; f < PI_FIELD_COUNT; f++) {
    pi__column_drop(&r.snapshot, (pi_field)f);
  }
}

static void texts_are_kept_byte_by_byte(void **state) {
  (void)state;
  static const char odd[] = "a\0b\xff\n";
  pi_snapshot *s = script_take(0);
  pi__reading *r = (pi__reading *)s;
  uint32_t a, b, c, empty;
  assert_int_equal(0, pi__reading_text(r, odd, 5, &a, NULL));
  assert_int_equal(0, pi__reading_text(r, odd, 4, &b, NULL));
  assert_int_equal(0, pi__reading_text(r, odd, 5, &c, NULL));
  assert_int_equal(0, pi__reading_text(r, odd, 0, &empty, NULL));
  assert_int_not_equal(a, b);
  assert_int_equal(a, c);
  assert_int_equal(5, pi__string_at(s, a)->length);
  assert_memory_equal(odd, pi__string_at(s, a)->bytes, 6);
  assert_int_equal(4, pi__string_at(s, b)->length);
  assert_int_equal(0, pi__string_at(s, empty)->length);
  assert_null(pi__string_at(s, 0));
  for (int i = 0; i < 1000; i++) {
    char text[16];
    uint32_t n;
    int length = snprintf(text, sizeof text, "text %d", i);
    assert_int_equal(0, pi__reading_text(r, text, (size_t)length, &n, NULL));
    assert_string_equal(text, pi__string_at(s, n)->bytes);
  }
  assert_memory_equal(odd, pi__string_at(s, a)->bytes, 6);
  pi_snapshot_free(s);
}

/* ---- Groups on demand --------------------------------------------------- */

static void reads_only_sockets_unless_asked(void **state) {
  (void)state;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  pi_snapshot *s = script_take(0);
  assert_int_equal(1, script.asked);
  assert_int_equal(PI_GROUP_SOCKET, script.order[0]);
  assert_int_equal(0, pi_snapshot_quality(s)->completed);
  assert_true(pi_snapshot_quality(s)->taken > 1700000000);
  pi_snapshot_free(s);
}

static void reads_each_group_once_and_those_it_rests_on_first(void **state) {
  (void)state;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  pi_snapshot *s = script_take(PI_GROUP_PROCESS);
  assert_int_equal(3, script.asked);
  assert_int_equal(PI_GROUP_SOCKET, script.order[0]);
  assert_int_equal(PI_GROUP_OWNER, script.order[1]);
  assert_int_equal(PI_GROUP_PROCESS, script.order[2]);
  pi_error err;
  for (int i = 0; i < 2; i++) {
    assert_int_equal(0, pi_snapshot_complete(s, PI_GROUPS, &err));
  }
  assert_int_equal(5, script.asked);
  assert_int_equal(PI_GROUP_DERIVED, script.order[3]);
  assert_int_equal(PI_GROUP_TCP_INFO, script.order[4]);
  assert_int_equal(PI_GROUPS, pi_snapshot_groups(s));
  assert_true(pi_snapshot_quality(s)->completed > 1700000000);
  pi_snapshot_free(s);
}

static void a_reading_of_no_sockets_completes(void **state) {
  (void)state;
  script_process_add(10, "idle");
  pi_snapshot *s = script_take(0);
  pi_error err;
  pi_selection *sel;
  pi_filter *f;
  assert_int_equal(0, pi_snapshot_count(s));
  assert_int_equal(0, pi_snapshot_complete(s, PI_GROUPS, &err));
  assert_int_equal(0, pi_filter_has(PI_EXE, &f, &err));
  assert_int_equal(0, pi_snapshot_select(s, f, &sel, &err));
  assert_int_equal(0, pi_selection_count(sel));
  assert_int_equal(0, pi_selection_sort(s, sel, &err));
  pi_selection_free(sel);
  pi_filter_free(f);
  pi_snapshot_free(s);
}

static void a_take_that_fails_gives_nothing(void **state) {
  (void)state;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  for (unsigned group = 1; group <= PI_GROUPS; group <<= 1) {
    pi_snapshot *s = (pi_snapshot *)&script, *before = s;
    pi_options options = {.groups = PI_GROUPS};
    pi_error err;
    script.failing = group;
    assert_int_equal(PI_EOS, pi_snapshot_take(&options, &s, &err));
    assert_ptr_equal(before, s);
    assert_int_equal(PI_EOS, err.code);
    assert_int_equal(5, err.os);
    assert_says(err.text, pi_group_name(group));
    assert_int_equal(PI_EOS, pi_snapshot_take(&options, &s, NULL));
  }
}

static void a_group_that_fails_leaves_the_snapshot_as_it_was(void **state) {
  (void)state;
  script_row *r = script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  unsigned p = script_process_add(10, "nginx");
  script.processes[p].exe = "/usr/sbin/nginx";
  script_hold(r, p, 3);
  r = script_peer(PI_STATE_ESTABLISHED, "1.1.1.1", 40000, "2.2.2.2", 443);
  r->autobound = true;
  script.quality.unreadable = 3;
  for (unsigned group = 2; group <= PI_GROUPS; group <<= 1) {
    pi_snapshot *s = script_take(0);
    pi_quality before = *pi_snapshot_quality(s);
    pi_error err;
    script.failing = group;
    assert_int_equal(PI_EOS, pi_snapshot_complete(s, PI_GROUPS, &err));
    assert_says(err.text, pi_group_name(group));
    assert_int_equal(PI_GROUP_SOCKET, pi_snapshot_groups(s));
    assert_memory_equal(&before, pi_snapshot_quality(s), sizeof before);
    assert_int_equal(PI_UNKNOWN, sight_of(s, 0, PI_ROLE));
    assert_int_equal(PI_UNKNOWN, sight_of(s, 0, PI_PID));
    assert_int_equal(PI_UNKNOWN, sight_of(s, 0, PI_EXE));
    // and it can be asked again
    script.failing = 0;
    assert_int_equal(0, pi_snapshot_complete(s, PI_GROUPS, &err));
    assert_int_equal(PI_GROUPS, pi_snapshot_groups(s));
    assert_string_equal("listener", text_of(s, 0, PI_ROLE, 0));
    assert_string_equal("outbound", text_of(s, 1, PI_ROLE, 0));
    assert_int_equal(10, number_of(s, 0, PI_PID));
    assert_string_equal("/usr/sbin/nginx", text_of(s, 0, PI_EXE, 0));
    assert_string_equal("-", text_of(s, 0, PI_EXE, 1));
    pi_snapshot_free(s);
  }
}

/* What was read by an earlier call survives a later one that fails. */
static void a_group_that_was_there_stays(void **state) {
  (void)state;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  pi_snapshot *s = script_take(PI_GROUP_DERIVED);
  script.failing = PI_GROUP_PROCESS;
  pi_error err;
  assert_int_equal(PI_EOS, pi_snapshot_complete(s, PI_GROUPS, &err));
  assert_int_equal(PI_GROUP_SOCKET | PI_GROUP_DERIVED, pi_snapshot_groups(s));
  assert_string_equal("listener", text_of(s, 0, PI_ROLE, 0));
  assert_string_equal("http", text_of(s, 0, PI_SERVICE, 0));
  pi_snapshot_free(s);
}

static void ends_nothing_without_complaint(void **state) {
  (void)state;
  pi_snapshot_free(NULL);
  pi_selection_free(NULL);
  pi_filter_free(NULL);
}

static void reads_the_host_without_sockets(void **state) {
  (void)state;
  pi_host host;
  script.host.reserved[1000] = 0x81;
  assert_int_equal(0, pi_host_read(NULL, &host, NULL));
  assert_int_equal(0, script.asked);
  assert_int_equal(60999, host.ephemeral_last);
  assert_true(pi_host_reserves(&host, 8000));
  assert_false(pi_host_reserves(&host, 8001));
  assert_true(pi_host_reserves(&host, 8007));
  assert_false(pi_host_reserves(&host, 65535));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(keeps_what_a_row_says, reset),
      cmocka_unit_test_setup(keeps_apart_empty_unknown_and_nought, reset),
      cmocka_unit_test_setup(has_a_peer_only_where_the_state_has_one, reset),
      cmocka_unit_test_setup(keeps_thousands_of_rows_and_their_sights, reset),
      cmocka_unit_test_setup(
          is_unknown_past_the_last_row_and_empty_past_the_last_member, reset),
      cmocka_unit_test_setup(a_socket_met_twice_is_one_row_as_it_was_last,
                             reset),
      cmocka_unit_test_setup(a_row_that_takes_a_place_brings_its_own_sights,
                             reset),
      cmocka_unit_test_setup(sockets_that_share_a_port_stay_apart, reset),
      cmocka_unit_test_setup(a_line_met_twice_is_one_row, reset),
      cmocka_unit_test_setup(every_part_of_a_tuple_tells_sockets_apart, reset),
      cmocka_unit_test_setup(each_part_of_a_tuple_is_compared, reset),
      cmocka_unit_test_setup(every_cookie_is_told_apart, reset),
      cmocka_unit_test_setup(room_that_was_made_need_not_be_used, reset),
      cmocka_unit_test_setup(a_rewound_dump_leaves_nothing, reset),
      cmocka_unit_test_setup(texts_are_kept_byte_by_byte, reset),
      cmocka_unit_test_setup(reads_only_sockets_unless_asked, reset),
      cmocka_unit_test_setup(reads_each_group_once_and_those_it_rests_on_first,
                             reset),
      cmocka_unit_test_setup(a_reading_of_no_sockets_completes, reset),
      cmocka_unit_test_setup(a_take_that_fails_gives_nothing, reset),
      cmocka_unit_test_setup(a_group_that_fails_leaves_the_snapshot_as_it_was,
                             reset),
      cmocka_unit_test_setup(a_group_that_was_there_stays, reset),
      cmocka_unit_test_setup(ends_nothing_without_complaint, reset),
      cmocka_unit_test_setup(reads_the_host_without_sockets, reset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
