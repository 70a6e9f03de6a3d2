/* address_test.c: addresses as text and back, against RFC 5952's own examples
 * and the C library's reading of the same texts. */
#include "test.h"

#include <arpa/inet.h>
#include <sys/socket.h>

static const char *format(const char *text) {
  static char buffer[PI_ADDRESS_TEXT];
  pi_address a = address_of(text);
  size_t length = pi_address_format(&a, buffer);
  assert_int_equal(length, strlen(buffer));
  return buffer;
}

static void writes_one_spelling_of_each_address(void **state) {
  (void)state;
  static const char *const pairs[][2] = {
      {"0.0.0.0", "0.0.0.0"},
      {"255.255.255.255", "255.255.255.255"},
      {"10.100.7.80", "10.100.7.80"},
      {"0:0:0:0:0:0:0:0", "::"},
      {"0:0:0:0:0:0:0:1", "::1"},
      {"1:0:0:0:0:0:0:0", "1::"},
      // RFC 5952, 4.1: leading zeros go
      {"2001:0db8::0001", "2001:db8::1"},
      // 4.2.1: shortened as much as possible
      {"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},
      // 4.2.2: one word of zeros is none to shorten
      {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
      {"0:1:2:3:4:5:6:7", "0:1:2:3:4:5:6:7"},
      {"1:2:3:4:5:6:7:0", "1:2:3:4:5:6:7:0"},
      // 4.2.3: the longest run, and the first of equals
      {"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
      {"0:0:1:0:0:0:2:3", "0:0:1::2:3"},
      // 4.3: lower case
      {"2001:DB8::ABCD", "2001:db8::abcd"},
      {"fe80::", "fe80::"},
      {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"},
      {"f000:e00:d0:c:f000:e00:d0:c", "f000:e00:d0:c:f000:e00:d0:c"},
      {"1000:200:30:4::", "1000:200:30:4::"},
      // v4-mapped is IPv4, however it was written
      {"::ffff:127.0.0.1", "127.0.0.1"},
      {"::FFFF:7f00:1", "127.0.0.1"},
      {"0:0:0:0:0:ffff:0:0", "0.0.0.0"},
      // what only looks mapped is not
      {"::fffe:127.0.0.1", "::fffe:7f00:1"},
      {"::127.0.0.1", "::7f00:1"},
      {"1::ffff:127.0.0.1", "1::ffff:7f00:1"},
      {"::ffff:0:0:0", "::ffff:0:0:0"},
  };
  for (size_t i = 0; i < LENGTH(pairs); i++) {
    assert_string_equal(pairs[i][1], format(pairs[i][0]));
  }
}

static void fits_the_longest_text(void **state) {
  (void)state;
  pi_address a;
  char text[PI_ADDRESS_TEXT + 1];
  memset(&a, 0xff, sizeof a);
  memset(text, '#', sizeof text);
  assert_int_equal(39, pi_address_format(&a, text));
  assert_int_equal('\0', text[39]);
  assert_int_equal('#', text[40]);
}

static void knows_ipv4_by_its_prefix(void **state) {
  (void)state;
  static const char *const v4[] = {"0.0.0.0", "::ffff:1.2.3.4", "127.0.0.1"};
  static const char *const v6[] = {"::", "::1", "::1.2.3.4", "64:ff9b::1.2.3.4",
                                   "1::ffff:1.2.3.4"};
  for (size_t i = 0; i < LENGTH(v4); i++) {
    pi_address a = address_of(v4[i]);
    assert_true(pi_address_is_v4(&a));
  }
  for (size_t i = 0; i < LENGTH(v6); i++) {
    pi_address a = address_of(v6[i]);
    assert_false(pi_address_is_v4(&a));
  }
}

static const char *const accepted[] = {
    "::",
    "::1",
    "1::",
    "1::8",
    "1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8",
    "1::3:4:5:6:7:8",
    "1:2:3:4:5:6::8",
    "1:2:3:4:5::7:8",
    "fe80::1",
    "FE80::A:b",
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "0000:0000:0000:0000:0000:0000:0000:0000",
    "::1.2.3.4",
    "::ffff:255.255.255.255",
    "1:2:3:4:5:6:1.2.3.4",
    "1:2:3:4:5::1.2.3.4",
    "1::1.2.3.4",
    "::5:6:1.2.3.4",
};

static const char *const refused[] = {
    "",
    ":",
    ":::",
    "::::",
    "1",
    "1:",
    ":1",
    "::1:",
    ":1::",
    "1:::2",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8:",
    ":1:2:3:4:5:6:7:8",
    "1::2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7:8::",
    "::1:2:3:4:5:6:7:8",
    "12345::",
    "::00001",
    "g::",
    "::g",
    "1::-1",
    "+1::",
    "::1 ",
    " ::1",
    "::1%lo",
    "[::1]",
    "::1/64",
    "::1.2.3",
    "::1.2.3.4.5",
    "::1.2.3.256",
    "::01.2.3.4",
    "::1.2.3.4:5",
    "::1.2.3.4::",
    "1.2.3.4::",
    "::1.2.3.4%1",
    "1:2:3:4:5:6:7:1.2.3.4",
    "1:2:3:4:5:6::1.2.3.4",
    "1:2:3:4:5:1.2.3.4",
    "::.1.2.3",
    "::1..2.3",
    "::a.b.c.d",
    "::1.2.3.a",
    "::0x1",
};

static const char *const v4_refused[] = {
    "1",          "1.2",      "1.2.3",     "1.2.3.4.5",  "1.2.3.",
    ".1.2.3",     "1..2.3",   "1.2.3.4.",  "256.0.0.0",  "0.0.0.256",
    "1000.0.0.0", "01.2.3.4", "1.2.3.04",  "00.0.0.0",   "1.2.3.4 ",
    " 1.2.3.4",   "-1.2.3.4", "+1.2.3.4",  "0x7f.0.0.1", "1.2.3.a",
    "1,2,3,4",    "127.1",    "1.2.3.4/8", "1.2.3.4:80", "4294967297.0.0.1",
};

static void reads_what_the_c_library_reads(void **state) {
  (void)state;
  uint8_t theirs[16];
  for (size_t i = 0; i < LENGTH(accepted); i++) {
    pi_address a = address_of(accepted[i]);
    assert_int_equal(1, inet_pton(AF_INET6, accepted[i], theirs));
    assert_memory_equal(theirs, a.bytes, 16);
  }
}

static void refuses_what_is_no_address(void **state) {
  (void)state;
  pi_address a, before;
  memset(&before, 0x5a, sizeof before);
  a = before;
  for (size_t i = 0; i < LENGTH(refused) + LENGTH(v4_refused); i++) {
    const char *text =
        i < LENGTH(refused) ? refused[i] : v4_refused[i - LENGTH(refused)];
    if (pi_address_parse(text, strlen(text), &a)) fail_msg("read %s", text);
    assert_memory_equal(&before, &a, sizeof a);
  }
}

/* The text is given by its length: nothing behind it is read, and a NUL inside
 * it is no end. */
static void reads_exactly_its_length(void **state) {
  (void)state;
  pi_address a, b = address_of("1.2.3.4");
  assert_true(pi_address_parse("1.2.3.45", 7, &a));
  assert_memory_equal(&a, &b, sizeof a);
  assert_false(pi_address_parse("1.2.3.4\0", 8, &a));
  assert_false(pi_address_parse("::1\0", 4, &a));
  assert_true(pi_address_parse("::12", 3, &a));
  b = address_of("::1");
  assert_memory_equal(&a, &b, sizeof a);
  char *exact = malloc(39);
  assert_non_null(exact);
  memcpy(exact, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 39);
  for (size_t n = 0; n < 39; n++) pi_address_parse(exact, n, &a);
  assert_true(pi_address_parse(exact, 39, &a));
  free(exact);
}

static void refuses_all_that_is_too_long(void **state) {
  (void)state;
  pi_address a;
  char text[4096];
  memset(text, '0', sizeof text);
  assert_false(pi_address_parse(text, sizeof text, &a));
  text[1] = ':';
  assert_false(pi_address_parse(text, sizeof text, &a));
  for (size_t i = 0; i < sizeof text; i++) text[i] = i % 2 ? ':' : '1';
  assert_false(pi_address_parse(text, sizeof text - 1, &a));
  for (size_t i = 0; i < sizeof text; i++) text[i] = i % 2 ? '.' : '1';
  assert_false(pi_address_parse(text, sizeof text - 1, &a));
}

/* One spelling per address, so words are zero often: else `::` never comes. */
static void agrees_with_the_c_library_on_any_address(void **state) {
  (void)state;
  uint64_t seed = 0x5eed;
  for (int round = 0; round < 20000; round++) {
    pi_address a, back;
    char ours[PI_ADDRESS_TEXT], theirs[INET6_ADDRSTRLEN];
    uint64_t zero = next_number(&seed) >> 32;
    for (int word = 0; word < 8; word++) {
      uint64_t n = next_number(&seed) >> 40;
      if (zero >> (2 * word) & 1) n = 0;
      if ((zero >> (2 * word) & 3) == 2) n &= 0xf;
      a.bytes[2 * word] = (uint8_t)(n >> 8);
      a.bytes[2 * word + 1] = (uint8_t)n;
    }
    size_t length = pi_address_format(&a, ours);
    assert_true(pi_address_parse(ours, length, &back));
    assert_memory_equal(&a, &back, sizeof a);
    assert_int_equal(1, inet_pton(AF_INET6, ours, back.bytes));
    assert_memory_equal(&a, &back, sizeof a);
    assert_non_null(inet_ntop(AF_INET6, a.bytes, theirs, sizeof theirs));
    // it spells ::/96 with a quad, which RFC 5952 leaves open
    if (strchr(theirs, '.') == NULL) assert_string_equal(theirs, ours);
  }
}

static void agrees_with_the_c_library_on_any_quad(void **state) {
  (void)state;
  uint64_t seed = 0xfeed;
  for (int round = 0; round < 20000; round++) {
    char theirs[INET_ADDRSTRLEN], ours[PI_ADDRESS_TEXT];
    uint32_t quad = (uint32_t)(next_number(&seed) >> 32);
    assert_non_null(inet_ntop(AF_INET, &quad, theirs, sizeof theirs));
    pi_address a = address_of(theirs);
    assert_true(pi_address_is_v4(&a));
    assert_memory_equal(&quad, a.bytes + 12, 4);
    pi_address_format(&a, ours);
    assert_string_equal(theirs, ours);
  }
}

/* Texts of the letters that addresses are made of: ours and the C library's
 * reader take the same ones. */
static void agrees_with_the_c_library_on_any_text(void **state) {
  (void)state;
  uint64_t seed = 0xbeef;
  size_t read = 0;
  for (int round = 0; round < 400000; round++) {
    char text[24];
    pi_address a, b;
    size_t length = 2 + next_number(&seed) % 10;
    for (size_t i = 0; i < length; i++) {
      text[i] = "::::10f.a"[next_number(&seed) % 9];
    }
    text[length] = '\0';
    if (strchr(text, ':') == NULL) continue;
    bool ours = pi_address_parse(text, length, &a);
    bool theirs = inet_pton(AF_INET6, text, b.bytes) == 1;
    if (ours != theirs) fail_msg("%s: %d, they say %d", text, ours, theirs);
    if (ours) assert_memory_equal(&a, &b, sizeof a);
    read += ours;
  }
  assert_true(read > 1000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(writes_one_spelling_of_each_address),
      cmocka_unit_test(fits_the_longest_text),
      cmocka_unit_test(knows_ipv4_by_its_prefix),
      cmocka_unit_test(reads_what_the_c_library_reads),
      cmocka_unit_test(refuses_what_is_no_address),
      cmocka_unit_test(reads_exactly_its_length),
      cmocka_unit_test(refuses_all_that_is_too_long),
      cmocka_unit_test(agrees_with_the_c_library_on_any_address),
      cmocka_unit_test(agrees_with_the_c_library_on_any_quad),
      cmocka_unit_test(agrees_with_the_c_library_on_any_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
