/* utf8_test.c: well-formed characters and nothing else (RFC 3629, section
 * 4). */
#include "test.h"

#include "core/utf8.h"

/* Writes a code point the plain way, whatever it is. */
static size_t encode(uint32_t c, char *to) {
  if (c < 0x80) {
    to[0] = (char)c;
    return 1;
  }
  size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (size_t i = n; i-- > 1; c >>= 6) to[i] = (char)(0x80 | (c & 0x3f));
  to[0] = (char)(c | (n == 2 ? 0xc0 : n == 3 ? 0xe0 : 0xf0));
  return n;
}

static void reads_every_character(void **state) {
  (void)state;
  for (uint32_t c = 0; c <= 0x10ffff; c++) {
    char text[4];
    uint32_t point = 0;
    size_t n = encode(c, text);
    bool surrogate = c >= 0xd800 && c <= 0xdfff;
    size_t got = pi__utf8_read(text, n, &point);
    assert_int_equal(surrogate ? 0 : n, got);
    if (!surrogate) assert_int_equal(c, point);
  }
}

static void refuses_what_ends_early(void **state) {
  (void)state;
  static const uint32_t points[] = {0x80,   0x7ff,   0x800,
                                    0xffff, 0x10000, 0x10ffff};
  for (size_t i = 0; i < LENGTH(points); i++) {
    char text[4];
    uint32_t point = 7;
    size_t n = encode(points[i], text);
    for (size_t k = 1; k < n; k++) {
      char *exact = malloc(k);  // so that a checker sees a read behind it
      assert_non_null(exact);
      memcpy(exact, text, k);
      assert_int_equal(0, pi__utf8_read(exact, k, &point));
      free(exact);
    }
    assert_int_equal(7, point);
  }
}

static void refuses_malformed_bytes(void **state) {
  (void)state;
  static const char *const texts[] = {
      "\x80",
      "\xbf",
      "\xfe",
      "\xff",  // no lead
      "\xc0\x80",
      "\xc1\xbf",  // overlong, two bytes
      "\xe0\x80\x80",
      "\xe0\x9f\xbf",  // three
      "\xf0\x80\x80\x80",
      "\xf0\x8f\xbf\xbf",  // four
      "\xed\xa0\x80",
      "\xed\xbf\xbf",  // surrogates
      "\xf4\x90\x80\x80",
      "\xf5\x80\x80\x80",  // behind U+10FFFF
      "\xf8\x88\x80\x80\x80",
      "\xfc\x84\x80\x80\x80\x80",
      "\xc3(",
      "\xe2\x82(",
      "\xe2(\xa1",
      "\xf0\x90\x80(",
      "\xf0(\x80\x80",
      "\xc3\xc3",
      "\xe2\x82\xe2",
  };
  for (size_t i = 0; i < LENGTH(texts); i++) {
    uint32_t point = 7;
    assert_int_equal(0, pi__utf8_read(texts[i], strlen(texts[i]), &point));
    assert_int_equal(7, point);
  }
}

/* Exactly the pairs of RFC 3629's table are characters. */
static void takes_exactly_the_pairs_of_the_table(void **state) {
  (void)state;
  for (unsigned a = 0x80; a <= 0xff; a++) {
    for (unsigned b = 0; b <= 0xff; b++) {
      char text[2] = {(char)a, (char)b};
      uint32_t point;
      bool wanted = a >= 0xc2 && a <= 0xdf && b >= 0x80 && b <= 0xbf;
      assert_int_equal(wanted ? 2 : 0, pi__utf8_read(text, 2, &point));
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_every_character),
      cmocka_unit_test(refuses_what_ends_early),
      cmocka_unit_test(refuses_malformed_bytes),
      cmocka_unit_test(takes_exactly_the_pairs_of_the_table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
