/* notify_test.c: the kernel's notices of ended sockets, from bytes. */
#include "test.h"

#include "os/linux/notify.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

typedef struct bytes {
  _Alignas(8) char data[4096];
  size_t length;
} bytes;

/* Adds a notice: 10.0.0.1:lport to 10.0.0.2:rport. */
static struct nlmsghdr *add_notice(bytes *b, uint8_t protocol, uint16_t lport,
                                   uint16_t rport, uint32_t cookie) {
  struct inet_diag_msg m = {.idiag_family = AF_INET, .idiag_state = 7};
  struct nlattr a = {.nla_len = sizeof a + 1, .nla_type = INET_DIAG_PROTOCOL};
  struct nlmsghdr *h = (void *)(b->data + b->length);
  m.id.idiag_sport = htons(lport);
  m.id.idiag_dport = htons(rport);
  m.id.idiag_src[0] = htonl(0x0a000001);
  m.id.idiag_dst[0] = htonl(0x0a000002);
  m.id.idiag_if = 3;
  m.id.idiag_cookie[0] = cookie;
  *h = (struct nlmsghdr){.nlmsg_type = SOCK_DIAG_BY_FAMILY};
  h->nlmsg_len = (uint32_t)(NLMSG_HDRLEN + sizeof m + sizeof a + 4);
  memcpy((char *)h + NLMSG_HDRLEN, &m, sizeof m);
  memcpy((char *)h + NLMSG_HDRLEN + sizeof m, &a, sizeof a);
  ((uint8_t *)h)[NLMSG_HDRLEN + sizeof m + sizeof a] = protocol;
  b->length += h->nlmsg_len;
  return h;
}

static struct inet_diag_msg *message_of(struct nlmsghdr *h) {
  return (void *)((char *)h + NLMSG_HDRLEN);
}

static struct {
  pi__row rows[8];
  size_t count;
} seen;

static int see(void *arg, const pi__row *row, pi_error *err) {
  (void)err;
  if (arg != NULL) return PI_ENOMEM;
  assert_true(seen.count < LENGTH(seen.rows));
  seen.rows[seen.count++] = *row;
  return 0;
}

static uint64_t walk(const bytes *b) {
  uint64_t unclear = 0;
  seen.count = 0;
  assert_int_equal(
      0, pi__notify_walk(b->data, b->length, see, NULL, &unclear, NULL));
  return unclear;
}

static void a_notice_tells_ends_and_cookie(void **state) {
  (void)state;
  bytes b = {.length = 0};
  add_notice(&b, IPPROTO_TCP, 80, 40000, 7);
  add_notice(&b, IPPROTO_UDP, 53, 0, 8);
  assert_int_equal(0, walk(&b));
  assert_int_equal(2, seen.count);
  const pi__row *r = &seen.rows[0];
  pi_address from = address_of("10.0.0.1"), to = address_of("10.0.0.2");
  assert_int_equal(PI_PROTO_TCP, r->proto);
  assert_int_equal(PI_FAMILY_4, r->family);
  assert_int_equal(80, r->lport);
  assert_int_equal(40000, r->rport);
  assert_memory_equal(&from, &r->laddr, sizeof from);
  assert_memory_equal(&to, &r->raddr, sizeof to);
  assert_int_equal(7, r->cookie);
  assert_int_equal(PI_UNKNOWN, r->iface_sight);  // it has no reading for a name
  assert_int_equal(PI_UNKNOWN, r->uid_sight);
  assert_int_equal(PI_PROTO_UDP, seen.rows[1].proto);
  assert_int_equal(PI_STATE_UNCONNECTED, seen.rows[1].state);
}

static void foreign_messages_are_counted_and_passed_over(void **state) {
  (void)state;
  bytes b = {.length = 0};
  add_notice(&b, IPPROTO_TCP, 1, 2, 3)->nlmsg_type = NLMSG_NOOP;
  add_notice(&b, IPPROTO_SCTP, 1, 2, 4);
  message_of(add_notice(&b, IPPROTO_TCP, 1, 2, 5))->idiag_family = AF_UNIX;
  message_of(add_notice(&b, IPPROTO_UDP, 1, 2, 6))->idiag_state = 10;
  add_notice(&b, IPPROTO_TCP, 1, 2, 0);  // nothing to know it by
  add_notice(&b, IPPROTO_TCP, 9, 2, 7);
  assert_int_equal(5, walk(&b));
  assert_int_equal(1, seen.count);
  assert_int_equal(9, seen.rows[0].lport);
}

/* An attribute that is too short for its value, or runs past the end. */
static void an_attribute_that_lies_is_none(void **state) {
  (void)state;
  for (unsigned length = 0; length < 64; length++) {
    bytes b = {.length = 0};
    struct nlmsghdr *h = add_notice(&b, IPPROTO_TCP, 1, 2, 3);
    struct nlattr *a = (void *)(message_of(h) + 1);
    a->nla_len = (uint16_t)length;
    bool fits = length >= sizeof *a + 1 && length <= sizeof *a + 4;
    assert_int_equal(!fits, walk(&b));
    assert_int_equal(fits, seen.count);
  }
}

static void a_notice_that_is_cut_is_counted(void **state) {
  (void)state;
  bytes whole = {.length = 0};
  add_notice(&whole, IPPROTO_TCP, 80, 1, 1);
  size_t first = whole.length;
  add_notice(&whole, IPPROTO_TCP, 81, 1, 2);
  for (size_t length = 1; length < whole.length; length++) {
    // bytes of their own, so that a look behind them is found out
    bytes *b = malloc(sizeof *b);
    memcpy(b->data, whole.data, length);
    memset(b->data + length, 0xa5, sizeof b->data - length);
    b->length = length;
    uint64_t unclear = walk(b);
    assert_int_equal(length >= first, seen.count);
    assert_int_equal(length != first, unclear);
    free(b);
  }
}

static void whoever_visits_may_stop(void **state) {
  (void)state;
  bytes b = {.length = 0};
  uint64_t unclear = 0;
  add_notice(&b, IPPROTO_TCP, 80, 1, 1);
  assert_int_equal(PI_ENOMEM,
                   pi__notify_walk(b.data, b.length, see, &b, &unclear, NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_notice_tells_ends_and_cookie),
      cmocka_unit_test(foreign_messages_are_counted_and_passed_over),
      cmocka_unit_test(an_attribute_that_lies_is_none),
      cmocka_unit_test(a_notice_that_is_cut_is_counted),
      cmocka_unit_test(whoever_visits_may_stop),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
