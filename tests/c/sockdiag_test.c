/* sockdiag_test.c: what sock_diag's messages mean, made by hand and recorded
 * from a kernel (tests/fixtures/record.c says how, and what it opened). */
#include "test.h"

#include "core/snapshot.h"
#include "os/linux/sockdiag.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

static pi_snapshot *reading;

static int setup(void **state) {
  (void)state;
  reading = pi__realloc(NULL, sizeof(pi__reading));
  assert_non_null(reading);
  memset(reading, 0, sizeof *reading);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  pi_snapshot_free(reading);
  return 0;
}

typedef struct message {
  struct nlmsghdr h;
  struct inet_diag_msg m;
  char attributes[64];
} message;

static message made(uint8_t family, uint8_t kernel_state) {
  message x;
  memset(&x, 0, sizeof x);
  x.h.nlmsg_len = sizeof x.h + sizeof x.m;
  x.h.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  x.m.idiag_family = family;
  x.m.idiag_state = kernel_state;
  x.m.id.idiag_sport = htons(8080);
  x.m.id.idiag_dport = htons(443);
  x.m.id.idiag_cookie[0] = 0x89abcdef;
  x.m.id.idiag_cookie[1] = 0x01234567;
  x.m.idiag_inode = 4711;
  x.m.idiag_uid = 1000;
  return x;
}

static void attribute(message *x, uint16_t type, const void *payload,
                      size_t length) {
  struct nlattr a = {(uint16_t)(sizeof a + length), type};
  char *at = (char *)x + NLMSG_ALIGN(x->h.nlmsg_len);
  memcpy(at, &a, sizeof a);
  memcpy(at + sizeof a, payload, length);
  x->h.nlmsg_len = NLMSG_ALIGN(x->h.nlmsg_len) + a.nla_len;
  assert_true(x->h.nlmsg_len <= sizeof *x);
}

/* Reads a copy that is as long as it says. */
static bool read_asked(const pi__sockdiag_query *query, const message *x,
                       pi__row *row) {
  pi__ifaces ifaces = {.reading = (pi__reading *)reading};
  char *copy = malloc(x->h.nlmsg_len);
  assert_non_null(copy);
  memcpy(copy, x, x->h.nlmsg_len);
  pi_error err = {0};
  bool ok = pi__sockdiag_read(&ifaces, query, (const void *)copy, row, &err);
  free(copy);
  return ok;
}

static bool read_copy(pi_proto proto, pi_family family, const message *x,
                      pi__row *row) {
  pi__sockdiag_query query = {
      .proto = proto, .family = family, .states = 0xffff};
  return read_asked(&query, x, row);
}

static void byte_orders_become_ours(void **state) {
  (void)state;
  message x = made(AF_INET, 1);
  pi__row row;
  inet_pton(AF_INET, "10.1.2.3", x.m.id.idiag_src);
  inet_pton(AF_INET, "8.7.6.5", x.m.id.idiag_dst);
  x.m.id.idiag_src[1] = 0xffffffff;  // behind an IPv4 address stands anything
  x.m.idiag_rqueue = 3;
  x.m.idiag_wqueue = 0x80000001;
  assert_true(read_copy(PI_PROTO_TCP, PI_FAMILY_4, &x, &row));
  pi_address a = address_of("10.1.2.3"), b = address_of("8.7.6.5");
  assert_memory_equal(&a, &row.laddr, sizeof a);
  assert_memory_equal(&b, &row.raddr, sizeof b);
  assert_int_equal(8080, row.lport);
  assert_int_equal(443, row.rport);
  assert_true(row.cookie == UINT64_C(0x0123456789abcdef));
  assert_int_equal(4711, row.inode);
  assert_int_equal(1000, row.uid);
  assert_int_equal(3, row.rxq);
  assert_int_equal(0x80000001, row.txq);
  assert_int_equal(PI_FAMILY_4, row.family);
  assert_int_equal(PI_PROTO_TCP, row.proto);
  assert_int_equal(PI_UNKNOWN, row.mark_sight);
  assert_int_equal(PI_EMPTY, row.v6only_sight);
  assert_int_equal(PI_EMPTY, row.iface_sight);
  x = made(AF_INET6, 1);
  inet_pton(AF_INET6, "::ffff:127.0.0.1", x.m.id.idiag_src);
  inet_pton(AF_INET6, "2001:db8::1", x.m.id.idiag_dst);
  assert_true(read_copy(PI_PROTO_TCP, PI_FAMILY_6, &x, &row));
  a = address_of("127.0.0.1");
  b = address_of("2001:db8::1");
  assert_memory_equal(&a, &row.laddr, sizeof a);
  assert_memory_equal(&b, &row.raddr, sizeof b);
  assert_int_equal(PI_FAMILY_6, row.family);
}

static void states_become_ours(void **state) {
  (void)state;
  static const int tcp[16] = {
      -1,
      PI_STATE_ESTABLISHED,
      PI_STATE_SYN_SENT,
      PI_STATE_SYN_RECEIVED,
      PI_STATE_FIN_WAIT_1,
      PI_STATE_FIN_WAIT_2,
      PI_STATE_TIME_WAIT,
      PI_STATE_CLOSED,
      PI_STATE_CLOSE_WAIT,
      PI_STATE_LAST_ACK,
      PI_STATE_LISTEN,
      PI_STATE_CLOSING,
      PI_STATE_SYN_RECEIVED,  // 12, NEW_SYN_RECV
      PI_STATE_CLOSED,        // 13, BOUND_INACTIVE
      -1,
      -1,
  };
  for (int i = 0; i < 256; i++) {
    message x = made(AF_INET, (uint8_t)i);
    pi__row row;
    bool ok = read_copy(PI_PROTO_TCP, PI_FAMILY_4, &x, &row);
    int wanted = i < 16 ? tcp[i] : -1;
    assert_int_equal(wanted >= 0, ok);
    if (ok) assert_int_equal(wanted, row.state);
    ok = read_copy(PI_PROTO_UDP, PI_FAMILY_4, &x, &row);
    assert_int_equal(i == 1 || i == 7, ok);
    if (i == 1) assert_int_equal(PI_STATE_CONNECTED, row.state);
    if (i == 7) assert_int_equal(PI_STATE_UNCONNECTED, row.state);
  }
}

static void only_a_socket_with_a_file_surely_has_a_user(void **state) {
  (void)state;
  static const struct {
    uint8_t kernel_state;
    uint32_t inode, uid;
    pi_sight sight;
  } table[] = {
      {6, 0, 0, PI_EMPTY},  // time-wait
      {3, 0, 0, PI_EMPTY},  // half open
      {12, 0, 0, PI_EMPTY},
      {1, 0, 0, PI_UNKNOWN},  // not yet accepted, or orphan
      {4, 0, 0, PI_UNKNOWN},
      {4, 0, 1000, PI_KNOWN},
      {10, 5, 0, PI_KNOWN},  // root's own
  };
  for (size_t i = 0; i < LENGTH(table); i++) {
    message x = made(AF_INET, table[i].kernel_state);
    pi__row row;
    x.m.idiag_inode = table[i].inode;
    x.m.idiag_uid = table[i].uid;
    assert_true(read_copy(PI_PROTO_TCP, PI_FAMILY_4, &x, &row));
    assert_int_equal(table[i].sight, row.uid_sight);
    assert_int_equal(table[i].inode, row.inode);
  }
}

static void v6only_matters_where_packets_are_awaited(void **state) {
  (void)state;
  for (uint8_t i = 1; i <= 13; i++) {
    message x = made(AF_INET6, i);
    pi__row row;
    bool wanted = i == 7 || i == 10 || i == 13;
    assert_true(read_copy(PI_PROTO_TCP, PI_FAMILY_6, &x, &row));
    assert_int_equal(wanted ? PI_UNKNOWN : PI_EMPTY, row.v6only_sight);
  }
  for (uint8_t only = 0; only < 2; only++) {
    message x = made(AF_INET6, 10);
    pi__row row;
    attribute(&x, INET_DIAG_SKV6ONLY, &only, 1);
    assert_true(read_copy(PI_PROTO_TCP, PI_FAMILY_6, &x, &row));
    assert_int_equal(PI_KNOWN, row.v6only_sight);
    assert_int_equal(only, row.v6only);
  }
}

static void attributes_unknown_short_or_broken_are_passed_over(void **state) {
  (void)state;
  uint32_t mark = 0xdeadbeef;
  uint8_t yes = 1;
  message x = made(AF_INET6, 10);
  pi__row row;
  attribute(&x, 0x3ff, "whatever", 7);  // unknown, and of an odd length
  attribute(&x, INET_DIAG_MARK | NLA_F_NESTED, &mark, sizeof mark);
  attribute(&x, INET_DIAG_SKV6ONLY, &yes, 1);
  assert_true(read_copy(PI_PROTO_TCP, PI_FAMILY_6, &x, &row));
  assert_int_equal(PI_KNOWN, row.mark_sight);
  assert_int_equal(0xdeadbeef, row.mark);
  assert_int_equal(PI_KNOWN, row.v6only_sight);
  x = made(AF_INET6, 10);
  attribute(&x, INET_DIAG_MARK, &mark, 3);
  attribute(&x, INET_DIAG_SKV6ONLY, &yes, 0);
  assert_true(read_copy(PI_PROTO_TCP, PI_FAMILY_6, &x, &row));
  assert_int_equal(PI_UNKNOWN, row.mark_sight);
  assert_int_equal(PI_UNKNOWN, row.v6only_sight);
  static const uint16_t lengths[] = {0, 3, 9, 0xffff};
  for (size_t i = 0; i < LENGTH(lengths); i++) {
    x = made(AF_INET6, 10);
    attribute(&x, INET_DIAG_MARK, &mark, sizeof mark);
    memcpy(x.attributes, &lengths[i], 2);
    assert_true(read_copy(PI_PROTO_TCP, PI_FAMILY_6, &x, &row));
    assert_int_equal(PI_UNKNOWN, row.mark_sight);
    assert_int_equal(8080, row.lport);
  }
}

static void refuses_what_was_not_asked_for(void **state) {
  (void)state;
  message x = made(AF_INET, 10);
  pi__row row;
  assert_true(read_copy(PI_PROTO_TCP, PI_FAMILY_4, &x, &row));
  assert_false(read_copy(PI_PROTO_TCP, PI_FAMILY_6, &x, &row));
  x.m.idiag_family = AF_UNIX;
  assert_false(read_copy(PI_PROTO_TCP, PI_FAMILY_4, &x, &row));
  x = made(AF_INET, 10);
  x.h.nlmsg_type = TCPDIAG_GETSOCK;
  assert_false(read_copy(PI_PROTO_TCP, PI_FAMILY_4, &x, &row));
  for (uint32_t n = sizeof x.h; n < sizeof x.h + sizeof x.m; n++) {
    x = made(AF_INET, 10);
    x.h.nlmsg_len = n;
    assert_false(read_copy(PI_PROTO_TCP, PI_FAMILY_4, &x, &row));
  }
}

/* What was asked for without a family is answered with that request's type. */
static void both_families_may_come_by_one_request(void **state) {
  (void)state;
  pi__sockdiag_query query = {
      .proto = PI_PROTO_TCP, .both = true, .states = 0xffff};
  pi__row row;
  for (int family = 0; family < 2; family++) {
    message x = made(family == PI_FAMILY_6 ? AF_INET6 : AF_INET, 10);
    assert_false(read_asked(&query, &x, &row));
    x.h.nlmsg_type = TCPDIAG_GETSOCK;
    assert_true(read_asked(&query, &x, &row));
    assert_int_equal(family, row.family);
    assert_int_equal(family == PI_FAMILY_4, pi_address_is_v4(&row.laddr));
  }
  message x = made(AF_UNIX, 10);
  x.h.nlmsg_type = TCPDIAG_GETSOCK;
  assert_false(read_asked(&query, &x, &row));
}

static void a_device_is_called_by_its_name_or_number(void **state) {
  (void)state;
  message x = made(AF_INET, 10);
  pi__row row;
  x.m.id.idiag_if = 0x7fffffff;
  assert_true(read_copy(PI_PROTO_TCP, PI_FAMILY_4, &x, &row));
  assert_int_equal(PI_KNOWN, row.iface_sight);
  assert_string_equal("if2147483647", pi__string_at(reading, row.iface)->bytes);
  x.m.id.idiag_if = 1;
  assert_true(read_copy(PI_PROTO_TCP, PI_FAMILY_4, &x, &row));
  assert_string_equal("lo", pi__string_at(reading, row.iface)->bytes);
}

/* One that lies 64 further takes the place of the first and is not mistaken
 * for it. */
static void a_device_is_asked_for_its_name_once(void **state) {
  (void)state;
  pi__ifaces ifaces = {.reading = (pi__reading *)reading};
  const uint32_t far = 0x7fffff00;
  uint32_t first, again, other;
  assert_int_equal(0, pi__iface_name(&ifaces, far, &first, NULL));
  for (int i = 0; i < 20; i++) {  // past the texts that a reading shares
    uint32_t text;
    char name[24];
    snprintf(name, sizeof name, "text %d", i);
    assert_int_equal(0, pi__reading_text((pi__reading *)reading, name,
                                         strlen(name), &text, NULL));
  }
  assert_int_equal(0, pi__iface_name(&ifaces, far, &again, NULL));
  assert_int_equal(first, again);
  assert_int_equal(0, pi__iface_name(&ifaces, far + 64, &other, NULL));
  assert_string_equal("if2147483456", pi__string_at(reading, other)->bytes);
  assert_int_equal(0, pi__iface_name(&ifaces, far, &again, NULL));
  assert_string_equal("if2147483392", pi__string_at(reading, again)->bytes);
}

/* ---- A kernel's own answers --------------------------------------------- */

typedef struct recording {
  char bytes[8192];
  size_t used;
} recording;

/* The datagrams of a fixture, end to end, as they have no tails. */
static recording recorded(const char *name) {
  recording r = {.used = 0};
  char path[256];
  uint32_t length;
  snprintf(path, sizeof path, "tests/fixtures/%s.nl", name);
  FILE *file = fopen(path, "rb");
  if (file == NULL) fail_msg("%s is not there: run from the root", path);
  while (fread(&length, sizeof length, 1, file) == 1) {
    assert_true(length < sizeof r.bytes - r.used);
    assert_int_equal(length, fread(r.bytes + r.used, 1, length, file));
    r.used += length;
  }
  fclose(file);
  assert_true(r.used > 0);
  return r;
}

typedef struct rows {
  pi__sockdiag_query query;
  pi__row row[16];
  size_t count, skipped;
} rows;

static int take_row(void *arg, const struct nlmsghdr *h, pi_error *err) {
  rows *r = arg;
  pi__ifaces ifaces = {.reading = (pi__reading *)reading};
  pi__row row;
  if (!pi__sockdiag_read(&ifaces, &r->query, h, &row, err)) {
    r->skipped++;
    return 0;
  }
  assert_true(r->count < LENGTH(r->row));
  r->row[r->count++] = row;
  return 0;
}

static int walk(rows *r, const char *bytes, size_t length, bool *done) {
  pi__dump dump = {.visit = take_row, .arg = r, .sequence = 1};
  pi_error err;
  int rc = pi__netlink_walk(&dump, bytes, length, &err);
  *done = dump.done;
  assert_false(dump.interrupted);
  return rc;
}

static rows read_recording(const char *name, pi_proto proto, pi_family family) {
  recording r = recorded(name);
  rows got = {.query = {.proto = proto, .family = family}};
  bool done;
  char *copy = malloc(r.used);
  assert_non_null(copy);
  memcpy(copy, r.bytes, r.used);
  assert_int_equal(0, walk(&got, copy, r.used, &done));
  free(copy);
  assert_true(done);
  assert_int_equal(0, got.skipped);
  return got;
}

static void assert_row(const pi__row *row, pi_state kind, const char *laddr,
                       uint16_t lport, const char *raddr, uint16_t rport) {
  pi_address l = address_of(laddr), r = address_of(raddr);
  assert_int_equal(kind, row->state);
  assert_memory_equal(&l, &row->laddr, sizeof l);
  assert_memory_equal(&r, &row->raddr, sizeof r);
  assert_int_equal(lport, row->lport);
  assert_int_equal(rport, row->rport);
  assert_true(row->cookie != 0);
}

static void skip_elsewhere(void) {
  uint16_t one = 1;
  if (*(const uint8_t *)&one != 1) {
    skip_because("the recordings are of a little-endian kernel");
  }
}

static void reads_a_recorded_dump_of_tcp(void **state) {
  (void)state;
  skip_elsewhere();
  rows r = read_recording("tcp4", PI_PROTO_TCP, PI_FAMILY_4);
  assert_int_equal(5, r.count);
  assert_row(&r.row[0], PI_STATE_LISTEN, "127.0.0.1", 8080, "0.0.0.0", 0);
  assert_int_equal(0, r.row[0].rxq);
  assert_int_equal(17, r.row[0].txq);
  assert_int_equal(PI_KNOWN, r.row[0].mark_sight);
  assert_int_equal(0x2a, r.row[0].mark);
  assert_int_equal(PI_EMPTY, r.row[0].v6only_sight);
  assert_true(r.row[0].inode != 0);
  assert_row(&r.row[1], PI_STATE_ESTABLISHED, "127.0.0.1", 8080, "127.0.0.1",
             40001);
  assert_int_equal(3, r.row[1].rxq);
  assert_int_equal(0x2a, r.row[1].mark);  // a child's is its listener's
  assert_row(&r.row[2], PI_STATE_ESTABLISHED, "127.0.0.1", 40003, "127.0.0.1",
             9090);
  assert_row(&r.row[3], PI_STATE_ESTABLISHED, "127.0.0.1", 40001, "127.0.0.1",
             8080);
  assert_row(&r.row[4], PI_STATE_TIME_WAIT, "127.0.0.1", 40002, "127.0.0.1",
             8080);
  assert_int_equal(0, r.row[4].inode);
  assert_int_equal(PI_EMPTY, r.row[4].uid_sight);
  assert_int_equal(0, r.row[4].mark);
}

static void reads_a_recorded_dump_of_tcp_over_ipv6(void **state) {
  (void)state;
  skip_elsewhere();
  rows r = read_recording("tcp6", PI_PROTO_TCP, PI_FAMILY_6);
  assert_int_equal(3, r.count);
  assert_row(&r.row[0], PI_STATE_LISTEN, "::1", 9091, "::", 0);
  assert_int_equal(PI_KNOWN, r.row[0].v6only_sight);
  assert_true(r.row[0].v6only);
  assert_row(&r.row[1], PI_STATE_LISTEN, "::", 9090, "::", 0);
  assert_int_equal(PI_KNOWN, r.row[1].v6only_sight);
  assert_false(r.row[1].v6only);
  assert_int_equal(1, r.row[1].rxq);  // waits to be accepted
  assert_int_equal(5, r.row[1].txq);
  assert_row(&r.row[2], PI_STATE_ESTABLISHED, "127.0.0.1", 9090, "127.0.0.1",
             40003);
  assert_true(pi_address_is_v4(&r.row[2].laddr));
  assert_int_equal(0, r.row[2].inode);
  assert_int_equal(PI_UNKNOWN, r.row[2].uid_sight);
}

static void reads_a_recorded_dump_of_udp(void **state) {
  (void)state;
  skip_elsewhere();
  rows r = read_recording("udp4", PI_PROTO_UDP, PI_FAMILY_4);
  assert_int_equal(2, r.count);
  assert_row(&r.row[0], PI_STATE_UNCONNECTED, "0.0.0.0", 5353, "0.0.0.0", 0);
  assert_int_equal(PI_KNOWN, r.row[0].iface_sight);
  assert_string_equal("lo", pi__string_at(reading, r.row[0].iface)->bytes);
  assert_row(&r.row[1], PI_STATE_CONNECTED, "127.0.0.1", 40004, "127.0.0.1",
             5353);
  r = read_recording("udp6", PI_PROTO_UDP, PI_FAMILY_6);
  assert_int_equal(1, r.count);
  assert_row(&r.row[0], PI_STATE_UNCONNECTED, "::1", 123, "::", 0);
  assert_true(r.row[0].v6only);
}

/* Nothing is read behind the cut, no row is half read, and only the whole is
 * taken for one. */
static void a_recording_cut_at_any_byte_does_no_harm(void **state) {
  (void)state;
  static const char *const names[] = {"tcp4", "tcp6", "udp4", "udp6"};
  for (int i = 0; i < 4; i++) {
    pi_proto proto = (pi_proto)(i / 2);
    pi_family family = (pi_family)(i % 2);
    recording r = recorded(names[i]);
    for (size_t n = 0; n <= r.used; n++) {
      rows got = {.query = {.proto = proto, .family = family}};
      bool done;
      char *copy = malloc(n > 0 ? n : 1);
      assert_non_null(copy);
      memcpy(copy, r.bytes, n);
      walk(&got, copy, n, &done);
      free(copy);
      assert_true(done == (n == r.used));
      for (size_t k = 0; k < got.count; k++) {
        assert_true(got.row[k].lport != 0 && got.row[k].cookie != 0);
      }
    }
  }
}

static void a_recording_with_any_byte_changed_does_no_harm(void **state) {
  (void)state;
  recording r = recorded("tcp6");
  char *copy = malloc(r.used);
  assert_non_null(copy);
  memcpy(copy, r.bytes, r.used);
  for (size_t i = 0; i < r.used; i++) {
    static const unsigned char bits[] = {0xff, 0x80, 0x01};
    for (size_t k = 0; k < LENGTH(bits); k++) {
      rows got = {.query = {.proto = PI_PROTO_TCP, .family = PI_FAMILY_6}};
      pi__dump dump = {.visit = take_row, .arg = &got, .sequence = 1};
      pi_error err;
      copy[i] = (char)(r.bytes[i] ^ (char)bits[k]);
      pi__netlink_walk(&dump, copy, r.used, &err);
    }
    copy[i] = r.bytes[i];
  }
  free(copy);
}

/* net/sctp/diag.c: an association has a list of far addresses, and states of
 * its own, some of which are numbers of TCP's. */
static void an_association_has_the_states_of_sctp(void **state) {
  (void)state;
  static const int states[] = {
      PI_STATE_CLOSED,      PI_STATE_SYN_SENT,   PI_STATE_SYN_SENT,
      PI_STATE_ESTABLISHED, PI_STATE_FIN_WAIT_1, PI_STATE_FIN_WAIT_2,
      PI_STATE_CLOSE_WAIT,  PI_STATE_LAST_ACK,
  };
  const pi__sockdiag_query query = {
      .proto = PI_PROTO_SCTP, .family = PI_FAMILY_4, .states = 0xffff};
  for (unsigned i = 0; i < 256; i++) {
    message x = made(AF_INET, (uint8_t)i);
    pi__row row;
    attribute(&x, INET_DIAG_PEERS, "0123", 4);
    assert_true(pi__sockdiag_is_row(&query, &x.h));
    assert_int_equal(i < LENGTH(states), read_asked(&query, &x, &row));
    if (i < LENGTH(states)) assert_int_equal(states[i], row.state);
  }
}

static void an_endpoint_is_a_row_if_it_listens_or_is_bound(void **state) {
  (void)state;
  const pi__sockdiag_query query = {
      .proto = PI_PROTO_SCTP, .family = PI_FAMILY_4, .states = 0xffff};
  for (unsigned i = 1; i < 12; i++) {
    message x = made(AF_INET, (uint8_t)i);
    attribute(&x, INET_DIAG_LOCALS, "0123", 4);
    assert_int_equal(i == 7 || i == 10, pi__sockdiag_is_row(&query, &x.h));
  }
  message x = made(AF_INET, 10);
  pi__row row;
  assert_true(read_asked(&query, &x, &row));
  assert_int_equal(PI_STATE_LISTEN, row.state);
  x = made(AF_INET, 7);
  assert_true(read_asked(&query, &x, &row));
  assert_int_equal(PI_STATE_CLOSED, row.state);
  x.h.nlmsg_len -= 1;  // malformed: not passed over in silence
  assert_true(pi__sockdiag_is_row(&query, &x.h));
  assert_false(read_asked(&query, &x, &row));
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(byte_orders_become_ours),
      T(states_become_ours),
      T(an_association_has_the_states_of_sctp),
      T(an_endpoint_is_a_row_if_it_listens_or_is_bound),
      T(only_a_socket_with_a_file_surely_has_a_user),
      T(v6only_matters_where_packets_are_awaited),
      T(attributes_unknown_short_or_broken_are_passed_over),
      T(refuses_what_was_not_asked_for),
      T(both_families_may_come_by_one_request),
      T(a_device_is_called_by_its_name_or_number),
      T(a_device_is_asked_for_its_name_once),
      T(reads_a_recorded_dump_of_tcp),
      T(reads_a_recorded_dump_of_tcp_over_ipv6),
      T(reads_a_recorded_dump_of_udp),
      T(a_recording_cut_at_any_byte_does_no_harm),
      T(a_recording_with_any_byte_changed_does_no_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
