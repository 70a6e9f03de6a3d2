/* tcpinfo_test.c: attributes of whatever length, and what they become. */
#include "test.h"

#include "core/snapshot.h"
#include "os/linux/tcpinfo.h"

#include <linux/inet_diag.h>
#include <linux/tcp.h>

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

/* Reads one attribute from a block that ends where it ends. */
static pi__tcp_info info_of(pi_proto proto, uint16_t type, const void *payload,
                            size_t length) {
  struct nlattr a = {(uint16_t)(sizeof a + length), type};
  pi__tcp_info info;
  pi_error err = {0};
  char *copy = malloc(sizeof a + length);
  assert_non_null(copy);
  memcpy(copy, &a, sizeof a);
  if (length > 0) memcpy(copy + sizeof a, payload, length);
  assert_int_equal(0, pi__tcpinfo_read((pi__reading *)reading, proto, copy,
                                       copy + sizeof a + length, &info, &err));
  free(copy);
  return info;
}

static const pi__figure *figure(const pi__tcp_info *info, pi_field field) {
  return &info->figures[field - PI_RTT];
}

static void expect(const pi__tcp_info *info, pi_field field, uint64_t number) {
  assert_int_equal(PI_KNOWN, figure(info, field)->sight);
  assert_int_equal(number, figure(info, field)->number);
}

static struct tcp_info sample(void) {
  struct tcp_info t;
  memset(&t, 0xee, sizeof t);
  t.tcpi_rtt = 36;
  t.tcpi_retrans = 1;  // under way, not in all
  t.tcpi_total_retrans = 7;
  t.tcpi_snd_cwnd = 10;
  t.tcpi_bytes_sent = UINT64_C(5000000000);
  t.tcpi_bytes_received = 3;
  t.tcpi_last_data_sent = 900;
  t.tcpi_last_data_recv = 400;
  return t;
}

static void figures_are_those_of_the_kernel(void **state) {
  (void)state;
  struct tcp_info t = sample();
  pi__tcp_info info = info_of(PI_PROTO_TCP, INET_DIAG_INFO, &t, sizeof t);
  expect(&info, PI_RTT, 36);
  expect(&info, PI_RETRANS, 7);
  expect(&info, PI_CWND, 10);
  expect(&info, PI_BYTES_SENT, UINT64_C(5000000000));
  expect(&info, PI_BYTES_RECEIVED, 3);
  expect(&info, PI_IDLE, 400);
  assert_int_equal(PI_EMPTY, info.congestion_sight);
  t.tcpi_last_data_sent = 20;
  t.tcpi_rtt = 0;
  info = info_of(PI_PROTO_TCP, INET_DIAG_INFO, &t, sizeof t);
  expect(&info, PI_IDLE, 20);
  assert_int_equal(PI_EMPTY, figure(&info, PI_RTT)->sight);
}

/* An older kernel's struct ends earlier, a newer one's later. */
static void a_member_is_there_if_the_attribute_reaches_behind_it(void **state) {
  (void)state;
  static const struct {
    pi_field field;
    size_t end;
  } members[] = {
      {PI_IDLE, offsetof(struct tcp_info, tcpi_last_data_recv) + 4},
      {PI_RTT, offsetof(struct tcp_info, tcpi_rtt) + 4},
      {PI_CWND, offsetof(struct tcp_info, tcpi_snd_cwnd) + 4},
      {PI_RETRANS, offsetof(struct tcp_info, tcpi_total_retrans) + 4},
      {PI_BYTES_RECEIVED, offsetof(struct tcp_info, tcpi_bytes_received) + 8},
      {PI_BYTES_SENT, offsetof(struct tcp_info, tcpi_bytes_sent) + 8},
  };
  char bytes[sizeof(struct tcp_info) + 100];
  struct tcp_info t = sample();
  memset(bytes, 0x55, sizeof bytes);
  memcpy(bytes, &t, sizeof t);
  for (size_t length = 0; length <= sizeof bytes; length++) {
    pi__tcp_info info = info_of(PI_PROTO_TCP, INET_DIAG_INFO, bytes, length);
    for (size_t i = 0; i < LENGTH(members); i++) {
      assert_int_equal(length >= members[i].end ? PI_KNOWN : PI_UNKNOWN,
                       figure(&info, members[i].field)->sight);
    }
  }
}

/* linux/mptcp.h: bytes_sent at 56, bytes_received at 64, times at 84 and 88. */
static void mptcp_has_figures_of_its_own(void **state) {
  (void)state;
  char bytes[96] = {0};
  uint64_t sent = 1000, received = 2000;
  uint32_t last_sent = 50, last_received = 60;
  memcpy(bytes + 56, &sent, 8);
  memcpy(bytes + 64, &received, 8);
  memcpy(bytes + 84, &last_sent, 4);
  memcpy(bytes + 88, &last_received, 4);
  pi__tcp_info info = info_of(PI_PROTO_MPTCP, INET_DIAG_INFO, bytes, 96);
  expect(&info, PI_BYTES_SENT, 1000);
  expect(&info, PI_BYTES_RECEIVED, 2000);
  expect(&info, PI_IDLE, 50);
  assert_int_equal(PI_EMPTY, figure(&info, PI_RTT)->sight);
  info = info_of(PI_PROTO_MPTCP, INET_DIAG_INFO, bytes, 80);
  expect(&info, PI_BYTES_RECEIVED, 2000);
  assert_int_equal(PI_UNKNOWN, figure(&info, PI_IDLE)->sight);
}

static void an_algorithm_ends_with_its_attribute(void **state) {
  (void)state;
  pi__tcp_info info = info_of(PI_PROTO_TCP, INET_DIAG_CONG, "cubic", 6);
  assert_int_equal(PI_KNOWN, info.congestion_sight);
  assert_string_equal("cubic", pi__string_at(reading, info.congestion)->bytes);
  info = info_of(PI_PROTO_TCP, INET_DIAG_CONG, "bbrx", 3);  // without a NUL
  assert_string_equal("bbr", pi__string_at(reading, info.congestion)->bytes);
  assert_int_equal(PI_EMPTY, figure(&info, PI_RTT)->sight);  // none came
}

static void whatever_the_bytes_are_nothing_breaks(void **state) {
  (void)state;
  uint32_t seed = 1;
  for (int i = 0; i < 20000; i++) {
    char bytes[80];
    size_t length = (size_t)i % sizeof bytes;
    char *copy = malloc(length + 1);
    assert_non_null(copy);
    for (size_t k = 0; k < length; k++) {
      seed = seed * 1664525 + 1013904223;
      copy[k] = (char)(seed >> 24);
    }
    // lengths and types that are near to sense get further
    if (length > 4) copy[1] = copy[3] = 0;
    if (length > 4 && i % 2) copy[2] = INET_DIAG_INFO;
    pi__tcp_info info;
    pi_error err = {0};
    assert_int_equal(0, pi__tcpinfo_read((pi__reading *)reading, PI_PROTO_TCP,
                                         copy, copy + length, &info, &err));
    free(copy);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(figures_are_those_of_the_kernel),
      cmocka_unit_test(a_member_is_there_if_the_attribute_reaches_behind_it),
      cmocka_unit_test(mptcp_has_figures_of_its_own),
      cmocka_unit_test(an_algorithm_ends_with_its_attribute),
      cmocka_unit_test(whatever_the_bytes_are_nothing_breaks),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
