/* json_test.c: the reader of one line of JSON: what it takes, what it refuses,
 * and that texts come out as they were meant. */
#include "test.h"

#include "core/json.h"

/* Copied to a block of its own size, so that no byte beyond it can be read. */
static char *line_of(const char *text, size_t length) {
  char *line = malloc(length + 1);
  assert_non_null(line);
  line = realloc(line, length > 0 ? length : 1);
  memcpy(line, text, length);
  return line;
}

/* What is wrong with a line; NULL if nothing is. */
static const char *wrong_with(const char *text, size_t length) {
  char *line = line_of(text, length);
  pi__json j = pi__json_of(line, length);
  bool good = pi__json_skip(&j) && pi__json_done(&j);
  assert_true(good == (j.wrong == NULL));
  free(line);
  return j.wrong;
}

static void any_value_is_read_over(void **state) {
  (void)state;
  static const char *const good[] = {
      "0",
      "-0",
      "12.50e+3",
      "1E9",
      "true",
      " false ",
      "null",
      "\"\"",
      "[]",
      "{}",
      "[[],[{}],0]",
      "{\"a\":{\"b\":[1,2,{\"c\":null}]},\"d\":\"\"}",
      "\t[ 1 , 2 ]\r\n",
      "{\"\":0}",
      "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]",
  };
  for (size_t i = 0; i < LENGTH(good); i++) {
    const char *wrong = wrong_with(good[i], strlen(good[i]));
    if (wrong != NULL) fail_msg("%s: %s", good[i], wrong);
    for (size_t n = 1; n < strlen(good[i]); n++) wrong_with(good[i], n);
  }
}

static void what_is_no_json_is_told(void **state) {
  (void)state;
  static const struct {
    const char *text, *wrong;
  } table[] = {
      {"", "a value is missing"},
      {"[1,]", "a value is missing"},
      {"[,1]", "a value is missing"},
      {"[1 2]", "a comma is missing"},
      {"{\"a\" 1}", "a colon is missing"},
      {"{a:1}", "a key is missing"},
      {"{\"a\":1,}", "a key is missing"},
      {"{1:2}", "a key is missing"},
      {"[1}", "a comma is missing"},
      {"[", "a value is missing"},
      {"{\"a\":[}", "a value is missing"},
      {"]", "a value is missing"},
      {"1 2", "more than one value"},
      {"01", "a leading zero"},
      {"-", "not a number"},
      {"1.", "not a number"},
      {"1e", "not a number"},
      {"+1", "a value is missing"},
      {"tru", "not a value"},
      {"nul", "not a value"},
      {"NaN", "a value is missing"},
      {"\"a", "a text without an end"},
      {"\"a\\", "a text without an end"},
      {"\"\\x41\"", "no such escape"},
      {"\"\\u12g4\"", "\\u needs four hex digits"},
      {"\"\\u12", "\\u needs four hex digits"},
      {"\"\\ud800\"", "half a surrogate"},
      {"\"\\udc00\\ud800\"", "half a surrogate"},
      {"\"\\ud800\\u0041\"", "half a surrogate"},
      {"\"\x01\"", "a control character in a text"},
      {"\"\xff\"", "a byte that is not UTF-8"},
      {"\"\xc0\x80\"", "a byte that is not UTF-8"},
      {"\"\xed\xa0\x80\"", "a byte that is not UTF-8"},
      {"\"\xe2\x82\"", "a byte that is not UTF-8"},
      {"[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", "nested too deep"},
  };
  for (size_t i = 0; i < LENGTH(table); i++) {
    const char *wrong = wrong_with(table[i].text, strlen(table[i].text));
    if (wrong == NULL) fail_msg("%s is taken", table[i].text);
    assert_string_equal(table[i].wrong, wrong);
  }
  assert_string_equal("a control character in a text",
                      wrong_with("\"a\0b\"", 5));
  assert_string_equal("a value is missing", wrong_with("\0", 1));
}

static void texts_are_decoded_in_place(void **state) {
  (void)state;
  static const struct {
    const char *json, *text;
    size_t length;
  } table[] = {
      {"\"\"", "", 0},
      {"\"plain\"", "plain", 5},
      {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8},
      {"\"a\\u0000b\"", "a\0b", 3},
      {"\"\\u00e9\\u20AC\\ud83d\\ude00\"",
       "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9},
      {"\"\\udbff\\udfff\"", "\xf4\x8f\xbf\xbf", 4},
      {"\"\xc3\xa9\\n\xf0\x9f\x98\x80!\"", "\xc3\xa9\n\xf0\x9f\x98\x80!", 8},
  };
  for (size_t i = 0; i < LENGTH(table); i++) {
    size_t length = strlen(table[i].json);
    char *line = line_of(table[i].json, length);
    pi__json j = pi__json_of(line, length);
    pi__span span;
    assert_true(pi__json_text(&j, &span) && pi__json_done(&j));
    assert_int_equal(table[i].length, span.length);
    assert_memory_equal(table[i].text, span.text, span.length);
    free(line);
  }
}

static void members_come_one_by_one(void **state) {
  (void)state;
  char line[] = "{\"a\":[1,-2.5],\"b\":true,\"c\":{\"x\":{}},\"d\":\"e\"}";
  pi__json j = pi__json_of(line, strlen(line));
  pi__span key, number;
  bool yes = false;
  assert_true(pi__json_next(&j) == '{' && !pi__json_enter(&j, '['));
  assert_true(pi__json_enter(&j, '{'));
  assert_true(pi__json_member(&j, true, &key) && *key.text == 'a');
  assert_false(pi__json_text(&j, &key));  // asked for something else: no harm
  assert_true(pi__json_enter(&j, '[') && pi__json_element(&j, true));
  assert_true(pi__json_number(&j, &number) && number.length == 1);
  assert_true(pi__json_element(&j, false) && pi__json_number(&j, &number));
  assert_memory_equal("-2.5", number.text, number.length);
  assert_false(pi__json_element(&j, false));
  assert_true(pi__json_member(&j, false, &key) && pi__json_bool(&j, &yes));
  assert_true(yes);
  assert_true(pi__json_member(&j, false, &key) && pi__json_skip(&j));
  assert_true(pi__json_member(&j, false, &key) && pi__json_text(&j, &key));
  assert_false(pi__json_member(&j, false, &key));
  assert_true(pi__json_done(&j) && j.depth == 0);
}

static void base64_is_strict(void **state) {
  (void)state;
  static const struct {
    const char *text, *bytes;
    int length; /* -1: refused */
  } table[] = {
      {"", "", 0},
      {"Zg==", "f", 1},
      {"Zm8=", "fo", 2},
      {"Zm9v", "foo", 3},
      {"//79", "\xff\xfe\xfd", 3},
      {"AAAA", "\0\0\0", 3},
      {"Zg", "", -1},
      {"Zg=", "", -1},
      {"Zh==", "", -1},
      {"Zm9=", "", -1},
      {"Z===", "", -1},
      {"====", "", -1},
      {"Zg==Zg==", "", -1},
      {"Zm9 ", "", -1},
      {"Zm-_", "", -1},
  };
  for (size_t i = 0; i < LENGTH(table); i++) {
    pi__span span = {line_of(table[i].text, strlen(table[i].text)),
                     strlen(table[i].text)};
    char *line = span.text;
    assert_true(pi__base64_decode(&span) == (table[i].length >= 0));
    if (table[i].length >= 0) {
      assert_int_equal(table[i].length, span.length);
      assert_memory_equal(table[i].bytes, span.text, span.length);
    }
    free(line);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_value_is_read_over),
      cmocka_unit_test(what_is_no_json_is_told),
      cmocka_unit_test(texts_are_decoded_in_place),
      cmocka_unit_test(members_come_one_by_one),
      cmocka_unit_test(base64_is_strict),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
