/* netlink_test.c: walking datagrams that nobody vouches for. Every buffer is as
 * long as its bytes, so that a checker sees what is read behind them. */
#include "test.h"

#include "os/linux/netlink.h"

#include <errno.h>
#include <limits.h>

typedef struct bytes {
  _Alignas(8) char at[8192];
  size_t used;
} bytes;

/* Adds a message with a payload and the padding behind it. */
static void add(bytes *b, uint16_t type, uint16_t flags, uint32_t sequence,
                const void *payload, size_t length) {
  struct nlmsghdr h = {
      .nlmsg_len = (uint32_t)(sizeof h + length),
      .nlmsg_type = type,
      .nlmsg_flags = flags,
      .nlmsg_seq = sequence,
  };
  memcpy(b->at + b->used, &h, sizeof h);
  if (length > 0) memcpy(b->at + b->used + sizeof h, payload, length);
  b->used += NLMSG_ALIGN(sizeof h + length);
  assert_true(b->used < sizeof b->at);
}

static void add_code(bytes *b, uint16_t type, int code) {
  add(b, type, 0, 1, &code, sizeof code);
}

static char *exact(const void *at, size_t length) {
  char *copy = malloc(length > 0 ? length : 1);
  assert_non_null(copy);
  memcpy(copy, at, length);
  return copy;
}

enum { MESSAGE = 20, SEQUENCE = 1 };

typedef struct seen {
  size_t count;
  uint32_t lengths[64];
  int refuse; /* what the visitor returns */
} seen;

static int see(void *arg, const struct nlmsghdr *h, pi_error *err) {
  seen *s = arg;
  (void)err;
  assert_true(s->count < LENGTH(s->lengths));
  s->lengths[s->count++] = h->nlmsg_len;
  return s->refuse;
}

static int walk(const bytes *b, pi__dump *dump, seen *s, pi_error *err) {
  char *copy = exact(b->at, b->used);
  *dump = (pi__dump){.visit = see, .arg = s, .sequence = SEQUENCE};
  int rc = pi__netlink_walk(dump, copy, b->used, err);
  free(copy);
  return rc;
}

/* ---- Messages ----------------------------------------------------------- */

static void steps_from_message_to_message(void **state) {
  (void)state;
  bytes b = {.used = 0};
  add(&b, MESSAGE, 0, 1, "abcde", 5);  // padded to eight
  add(&b, MESSAGE, 0, 1, NULL, 0);
  add(&b, MESSAGE, 0, 1, "xyz", 3);
  char *copy = exact(b.at, b.used - 1);  // the last one without its padding
  const char *p = copy, *end = copy + b.used - 1;
  const struct nlmsghdr *h = pi__netlink_next(&p, end);
  assert_ptr_equal(copy, h);
  assert_int_equal(21, h->nlmsg_len);
  assert_ptr_equal(copy + 24, p);
  h = pi__netlink_next(&p, end);
  assert_int_equal(16, h->nlmsg_len);
  h = pi__netlink_next(&p, end);
  assert_int_equal(19, h->nlmsg_len);
  assert_ptr_equal(end, p);
  assert_null(pi__netlink_next(&p, end));
  assert_ptr_equal(end, p);
  free(copy);
}

static void a_short_tail_is_no_message(void **state) {
  (void)state;
  bytes b = {.used = 0};
  add(&b, MESSAGE, 0, 1, "abcd", 4);
  for (size_t n = 0; n < 20; n++) {
    char *copy = exact(b.at, n);
    const char *p = copy;
    assert_null(pi__netlink_next(&p, copy + n));
    assert_ptr_equal(copy, p);
    free(copy);
  }
}

static void a_length_that_lies_is_no_message(void **state) {
  (void)state;
  static const uint32_t lengths[] = {
      0, 1, 15, 21, 4096, UINT32_MAX, UINT32_MAX - 3, 0x80000000};
  bytes b = {.used = 0};
  add(&b, MESSAGE, 0, 1, "abcd", 4);
  for (size_t i = 0; i < LENGTH(lengths); i++) {
    char *copy = exact(b.at, 20);
    memcpy(copy, &lengths[i], 4);
    const char *p = copy;
    assert_null(pi__netlink_next(&p, copy + 20));
    assert_ptr_equal(copy, p);
    free(copy);
  }
}

static void attributes_are_stepped_over_like_messages(void **state) {
  (void)state;
  struct {
    struct nlattr a;
    char text[8];
    struct nlattr b;
    struct nlattr c;
    char byte;
  } __attribute__((packed)) attributes = {{9, 1}, "fiver", {4, 2}, {5, 3}, 'x'};
  char *copy = exact(&attributes, sizeof attributes);
  const char *p = copy, *end = copy + sizeof attributes;
  assert_int_equal(1, pi__netlink_attribute(&p, end)->nla_type);
  assert_int_equal(2, pi__netlink_attribute(&p, end)->nla_type);
  const struct nlattr *last = pi__netlink_attribute(&p, end);
  assert_int_equal(3, last->nla_type);
  assert_ptr_equal(end, p);
  assert_null(pi__netlink_attribute(&p, end));
  free(copy);
  static const uint16_t lengths[] = {0, 1, 3, 9, 0x8000, 0xffff};
  for (size_t i = 0; i < LENGTH(lengths); i++) {
    struct nlattr a[2] = {{lengths[i], 1}, {0, 0}};
    copy = exact(a, sizeof a);
    p = copy;
    assert_null(pi__netlink_attribute(&p, copy + sizeof a));
    assert_ptr_equal(copy, p);
    free(copy);
  }
}

/* ---- Datagrams ---------------------------------------------------------- */

static void visits_messages_until_done(void **state) {
  (void)state;
  bytes b = {.used = 0};
  pi__dump dump;
  seen s = {0};
  add(&b, MESSAGE, 0, 1, "a", 1);
  add(&b, MESSAGE, 0, 1, "ab", 2);
  assert_int_equal(0, walk(&b, &dump, &s, NULL));
  assert_int_equal(2, s.count);
  assert_false(dump.done);
  add_code(&b, NLMSG_DONE, 0);
  add(&b, MESSAGE, 0, 1, "behind the end", 14);
  s.count = 0;
  assert_int_equal(0, walk(&b, &dump, &s, NULL));
  assert_int_equal(2, s.count);
  assert_true(dump.done);
  assert_false(dump.interrupted);
}

static void answers_to_older_requests_are_left_out(void **state) {
  (void)state;
  bytes b = {.used = 0};
  pi__dump dump;
  seen s = {0};
  int refusal = -ENOENT;
  add(&b, MESSAGE, NLM_F_DUMP_INTR, 0, "a", 1);
  add(&b, NLMSG_ERROR, 0, 2, &refusal, sizeof refusal);
  add(&b, NLMSG_DONE, 0, UINT32_MAX, NULL, 0);
  add(&b, MESSAGE, 0, 1, "ab", 2);
  assert_int_equal(0, walk(&b, &dump, &s, NULL));
  assert_int_equal(1, s.count);
  assert_int_equal(18, s.lengths[0]);
  assert_false(dump.done);
  assert_false(dump.interrupted);
}

static void a_refusal_is_told_with_its_errno(void **state) {
  (void)state;
  static const int codes[] = {ENOENT, EPERM, EOPNOTSUPP, EINVAL, 4095};
  for (size_t i = 0; i < LENGTH(codes); i++) {
    for (int done = 0; done < 2; done++) {
      bytes b = {.used = 0};
      pi__dump dump;
      seen s = {0};
      pi_error err = {0};
      add(&b, MESSAGE, 0, 1, "a", 1);
      add_code(&b, done ? NLMSG_DONE : NLMSG_ERROR, -codes[i]);
      add(&b, MESSAGE, 0, 1, "a", 1);
      assert_int_equal(PI_EOS, walk(&b, &dump, &s, &err));
      assert_int_equal(PI_EOS, err.code);
      assert_int_equal(codes[i], err.os);
      assert_says(err.text, "sock_diag");
      assert_int_equal(1, s.count);
      assert_int_equal(PI_EOS, walk(&b, &dump, &s, NULL));
    }
  }
}

static void an_error_of_nought_is_an_acknowledgement(void **state) {
  (void)state;
  bytes b = {.used = 0};
  pi__dump dump;
  seen s = {0};
  add_code(&b, NLMSG_ERROR, 0);
  add_code(&b, NLMSG_ERROR, 22);        // none of the kernel's are positive
  add(&b, NLMSG_ERROR, 0, 1, "ab", 2);  // too short for any
  add(&b, NLMSG_NOOP, 0, 1, NULL, 0);
  add(&b, MESSAGE, 0, 1, "a", 1);
  add(&b, NLMSG_DONE, 0, 1, NULL, 0);  // without a code
  assert_int_equal(0, walk(&b, &dump, &s, NULL));
  assert_int_equal(1, s.count);
  assert_true(dump.done);
}

static void a_code_that_is_no_errno_is_still_a_refusal(void **state) {
  (void)state;
  bytes b = {.used = 0};
  pi__dump dump;
  seen s = {0};
  pi_error err = {0};
  add_code(&b, NLMSG_ERROR, INT_MIN);
  assert_int_equal(PI_EOS, walk(&b, &dump, &s, &err));
  assert_true(err.os > 0);
}

static void a_dump_may_say_that_it_was_disturbed(void **state) {
  (void)state;
  for (int kind = 0; kind < 3; kind++) {
    bytes b = {.used = 0};
    pi__dump dump;
    seen s = {0};
    add(&b, MESSAGE, kind == 0 ? NLM_F_DUMP_INTR : 0, 1, "a", 1);
    if (kind == 1) add(&b, NLMSG_OVERRUN, 0, 1, NULL, 0);
    add(&b, NLMSG_DONE, kind == 2 ? NLM_F_DUMP_INTR : 0, 1, NULL, 0);
    assert_int_equal(0, walk(&b, &dump, &s, NULL));
    assert_true(dump.interrupted);
    assert_true(dump.done);
    assert_int_equal(1, s.count);
  }
}

static void a_visitor_may_end_the_walk(void **state) {
  (void)state;
  bytes b = {.used = 0};
  pi__dump dump;
  seen s = {.refuse = PI_ENOMEM};
  add(&b, MESSAGE, 0, 1, "a", 1);
  add(&b, MESSAGE, 0, 1, "b", 1);
  assert_int_equal(PI_ENOMEM, walk(&b, &dump, &s, NULL));
  assert_int_equal(1, s.count);
}

/* What cannot be walked hides the rest of the sockets: that is no success. */
static void a_datagram_that_ends_in_no_message_is_malformed(void **state) {
  (void)state;
  bytes b = {.used = 0};
  pi__dump dump;
  seen s = {0};
  pi_error err = {0};
  add(&b, MESSAGE, 0, 1, "abcd", 4);
  add(&b, MESSAGE, 0, 1, "abcd", 4);
  for (size_t n = 21; n < 40; n++) {
    b.used = n;
    assert_int_equal(PI_EREPLY, walk(&b, &dump, &s, &err));
    assert_int_equal(PI_EREPLY, err.code);
    assert_says(err.text, "sock_diag");
  }
  uint32_t zero = 0;
  b.used = 40;
  memcpy(b.at + 20, &zero, 4);
  assert_int_equal(PI_EREPLY, walk(&b, &dump, &s, &err));
  // behind the end nothing matters
  b.used = 0;
  add(&b, NLMSG_DONE, 0, 1, NULL, 0);
  memset(b.at + b.used, 0xff, 7);
  b.used += 7;
  assert_int_equal(0, walk(&b, &dump, &s, &err));
  assert_true(dump.done);
}

static void any_bytes_are_walked_without_harm(void **state) {
  (void)state;
  uint64_t seed = 0xd1a6;
  for (int round = 0; round < 20000; round++) {
    bytes b = {.used = 0};
    pi__dump dump;
    seen s = {0};
    pi_error err;
    for (int i = 0; i < 4; i++) {
      static const uint16_t types[] = {MESSAGE, NLMSG_ERROR, NLMSG_DONE,
                                       NLMSG_NOOP, NLMSG_OVERRUN};
      add(&b, types[next_number(&seed) % 5], 0, 1, "payload",
          next_number(&seed) % 8);
    }
    for (int i = 0; i < 3; i++) {
      b.at[next_number(&seed) % b.used] = (char)next_number(&seed);
    }
    b.used -= next_number(&seed) % 8;
    walk(&b, &dump, &s, &err);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(steps_from_message_to_message),
      cmocka_unit_test(a_short_tail_is_no_message),
      cmocka_unit_test(a_length_that_lies_is_no_message),
      cmocka_unit_test(attributes_are_stepped_over_like_messages),
      cmocka_unit_test(visits_messages_until_done),
      cmocka_unit_test(answers_to_older_requests_are_left_out),
      cmocka_unit_test(a_refusal_is_told_with_its_errno),
      cmocka_unit_test(an_error_of_nought_is_an_acknowledgement),
      cmocka_unit_test(a_code_that_is_no_errno_is_still_a_refusal),
      cmocka_unit_test(a_dump_may_say_that_it_was_disturbed),
      cmocka_unit_test(a_visitor_may_end_the_walk),
      cmocka_unit_test(a_datagram_that_ends_in_no_message_is_malformed),
      cmocka_unit_test(any_bytes_are_walked_without_harm),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
