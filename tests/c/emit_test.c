/* emit_test.c: rows as bytes, with text from people who mean harm. JSON is read
 * back by a strict reader of its grammar (RFC 8259). */
#include "script.h"

#include "core/utf8.h"

static int reset(void **state) {
  (void)state;
  script_reset();
  return 0;
}

/* ---- Taking the bytes --------------------------------------------------- */

typedef struct taken {
  char *bytes;
  size_t used, blocks, largest;
  size_t most; /* refuse what goes beyond; 0: never */
} taken;

static int take(void *arg, const char *bytes, size_t length) {
  taken *t = arg;
  if (t->most != 0 && t->used + length > t->most) return 28;
  t->bytes = realloc(t->bytes, t->used + length + 1);
  assert_non_null(t->bytes);
  memcpy(t->bytes + t->used, bytes, length);
  t->used += length;
  t->bytes[t->used] = '\0';
  t->blocks++;
  if (length > t->largest) t->largest = length;
  return 0;
}

static taken emitted(pi_snapshot *s, pi_format format, const pi_field *fields,
                     size_t n) {
  taken t = {0};
  pi_selection *sel = NULL;
  pi_error err = {0};
  assert_int_equal(0, pi_snapshot_select(s, NULL, &sel, &err));
  assert_int_equal(0, pi_emit(s, sel, format, 0, fields, n, take, &t, &err));
  assert_int_equal(t.used, strlen(t.bytes));
  pi_selection_free(sel);
  return t;
}

static void assert_emits(pi_snapshot *s, pi_format format,
                         const pi_field *fields, size_t n, const char *text) {
  taken t = emitted(s, format, fields, n);
  assert_string_equal(text, t.bytes);
  free(t.bytes);
}

/* ---- A strict reader of JSON -------------------------------------------- */

/* Each gives what stands behind the value, or NULL. */
static const char *json_value(const char *p);

static const char *json_string(const char *p) {
  if (*p++ != '"') return NULL;
  while (*p != '"') {
    uint32_t point;
    if ((unsigned char)*p < 0x20) return NULL;
    if (*p == '\\') {
      p++;
      if (*p == 'u') {
        for (int i = 0; i < 4; i++) {
          p++;
          if (*p == '\0' || strchr("0123456789abcdefABCDEF", *p) == NULL) {
            return NULL;
          }
        }
        p++;
      } else if (*p != '\0' && strchr("\"\\/bfnrt", *p) != NULL) {
        p++;
      } else {
        return NULL;
      }
      continue;
    }
    size_t n = pi__utf8_read(p, strnlen(p, 4), &point);
    if (n == 0) return NULL;
    p += n;
  }
  return p + 1;
}

static const char *json_number(const char *p) {
  if (*p == '0') return p + 1;
  const char *start = p;
  while (*p >= '0' && *p <= '9') p++;
  return p > start ? p : NULL;
}

static const char *json_space(const char *p) {
  return p == NULL ? NULL : p + strspn(p, " \t\r\n");
}

static const char *json_members(const char *p, char end, bool keys) {
  p = json_space(p + 1);
  if (*p == end) return p + 1;
  for (;;) {
    if (keys) {
      p = json_space(json_string(p));
      if (p == NULL || *p++ != ':') return NULL;
      p = json_space(p);
    }
    p = json_space(json_value(p));
    if (p == NULL) return NULL;
    if (*p == end) return p + 1;
    if (*p++ != ',') return NULL;
    p = json_space(p);
  }
}

static const char *json_value(const char *p) {
  if (p == NULL) return NULL;
  if (*p == '{') return json_members(p, '}', true);
  if (*p == '[') return json_members(p, ']', false);
  if (*p == '"') return json_string(p);
  if (strncmp(p, "true", 4) == 0) return p + 4;
  if (strncmp(p, "false", 5) == 0) return p + 5;
  return json_number(p);
}

static void assert_json(const char *text) {
  const char *end = json_space(json_value(json_space(text)));
  if (end == NULL || *end != '\0') fail_msg("no JSON: %s", text);
}

static void the_reader_of_json_is_strict(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",         "{",         "[1,]",     "{\"a\"}",    "\"\x01\"",
      "\"\xff\"", "\"\\x41\"", "{a:1}",    "[1 2]",      "\"a",
      "01x",      "nul",       "{\"a\":}", "\"\\u12g4\""};
  for (size_t i = 0; i < LENGTH(bad); i++) {
    const char *end = json_space(json_value(bad[i]));
    assert_true(end == NULL || *end != '\0');
  }
  assert_json(
      " [ {\"a\" : [1,2,true], \"b\":\"\\u00ff\\n\xc3\xa9\"}, {} , []]\n");
}

/* ---- Plain rows --------------------------------------------------------- */

static const pi_field plain[] = {PI_PROTO, PI_LADDR,  PI_LPORT,  PI_RADDR,
                                 PI_RPORT, PI_COOKIE, PI_V6ONLY, PI_MARK};

static pi_snapshot *plain_rows(void) {
  script_row *r = script_socket(PI_STATE_LISTEN, "::", 80);
  r->row.v6only = true;
  r->row.v6only_sight = PI_KNOWN;
  r->row.cookie = UINT64_MAX;
  script_peer(PI_STATE_CONNECTED, "10.0.0.1", 53, "fe80::1", 65535)
      ->row.cookie = 0;
  return script_take(0);
}

static void tsv_has_a_heading_and_a_mark_for_the_unknown(void **state) {
  (void)state;
  pi_snapshot *s = plain_rows();
  assert_emits(s, PI_TSV, plain, LENGTH(plain),
               "proto\tladdr\tlport\traddr\trport\tcookie\tv6only\tmark\n"
               "tcp\t::\t80\t\t\t18446744073709551615\tyes\t?\n"
               "udp\t10.0.0.1\t53\tfe80::1\t65535\t?\t\t?\n");
  pi_snapshot_free(s);
}

static void csv_is_the_same_with_commas(void **state) {
  (void)state;
  pi_snapshot *s = plain_rows();
  assert_emits(s, PI_CSV, plain, LENGTH(plain),
               "proto,laddr,lport,raddr,rport,cookie,v6only,mark\n"
               "tcp,::,80,,,18446744073709551615,yes,?\n"
               "udp,10.0.0.1,53,fe80::1,65535,?,,?\n");
  pi_snapshot_free(s);
}

/* Empty and unknown keys are left out, and the unknown ones listed. */
static void json_lists_what_is_unknown(void **state) {
  (void)state;
  pi_snapshot *s = plain_rows();
  static const char first[] =
      "{\"v\":1,\"proto\":\"tcp\",\"laddr\":\"::\",\"lport\":80,"
      "\"cookie\":\"18446744073709551615\",\"v6only\":true,"
      "\"unknown\":[\"mark\"]}";
  static const char second[] =
      "{\"v\":1,\"proto\":\"udp\",\"laddr\":\"10.0.0.1\",\"lport\":53,"
      "\"raddr\":\"fe80::1\",\"rport\":65535,"
      "\"unknown\":[\"cookie\",\"mark\"]}";
  char text[1024];
  snprintf(text, sizeof text, "[\n%s,\n%s\n]\n", first, second);
  assert_json(text);
  assert_emits(s, PI_JSON, plain, LENGTH(plain), text);
  snprintf(text, sizeof text, "%s\n%s\n", first, second);
  assert_emits(s, PI_NDJSON, plain, LENGTH(plain), text);
  assert_emits(s, PI_NDJSON, plain, 0, "{\"v\":1}\n{\"v\":1}\n");
  pi_snapshot_free(s);
}

static void no_rows_are_an_empty_list(void **state) {
  (void)state;
  pi_snapshot *s = script_take(0);
  assert_emits(s, PI_JSON, plain, 1, "[]\n");
  assert_emits(s, PI_TSV, plain, 1, "proto\n");
  assert_emits(s, PI_CSV, plain, 2, "proto,laddr\n");
  taken t = {0};
  pi_selection *sel = NULL;
  assert_int_equal(0, pi_snapshot_select(s, NULL, &sel, NULL));
  assert_int_equal(0, pi_emit(s, sel, PI_NDJSON, 0, plain, 1, take, &t, NULL));
  assert_int_equal(0, t.blocks);
  pi_selection_free(sel);
  pi_snapshot_free(s);
}

static void names_of_a_port_are_a_list(void **state) {
  (void)state;
  static const pi_field fields[] = {PI_LPORT, PI_SERVICE};
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 60323);
  pi_snapshot *s = script_take(PI_GROUP_DERIVED);
  char cell[256] = "", list[256] = "", text[1024];
  const char *name;
  for (unsigned i = 0; (name = pi_port_name(80, PI_TRANSPORT_TCP, i)); i++) {
    strcat(strcat(cell, i > 0 ? "," : ""), name);
    strcat(strcat(strcat(list, i > 0 ? ",\"" : "\""), name), "\"");
  }
  assert_non_null(strchr(cell, ','));
  snprintf(text, sizeof text, "lport\tservice\n80\t%s\n60323\t\n", cell);
  assert_emits(s, PI_TSV, fields, 2, text);
  snprintf(text, sizeof text, "lport,service\n80,\"%s\"\n60323,\"\"\n", cell);
  assert_emits(s, PI_CSV, fields, 2, text);
  snprintf(text, sizeof text,
           "{\"v\":1,\"lport\":80,\"service\":[%s]}\n"
           "{\"v\":1,\"lport\":60323}\n",
           list);
  assert_emits(s, PI_NDJSON, fields, 2, text);
  pi_snapshot_free(s);
}

/* ---- Hostile text ------------------------------------------------------- */

typedef struct hostile {
  const char *comm;
  const char *tsv, *csv; /* of the cell; csv without its quotes, NULL: as tsv */
  const char *holder;    /* in a holders' cell; NULL: as tsv */
  const char *json;      /* after "process": */
} hostile;

static const hostile hostiles[] = {
    {"a(b)c)d)e", "a(b)c)d)e", NULL, NULL, "\"a(b)c)d)e\""},
    {"\x1b[31mred", "\\x1b[31mred", NULL, NULL, "\"\\u001b[31mred\""},
    {"a\nb", "a\\nb", NULL, NULL, "\"a\\u000ab\""},
    {"a\tb", "a\\tb", NULL, NULL, "\"a\\u0009b\""},
    {"a\rb", "a\\rb", NULL, NULL, "\"a\\u000db\""},
    {"a\\b", "a\\\\b", NULL, "a\\x5cb", "\"a\\\\b\""},
    {"a\\nb", "a\\\\nb", NULL, "a\\x5cnb", "\"a\\\\nb\""},
    {"a\"b", "a\"b", "a\\x22b", "a\\x22b", "\"a\\\"b\""},
    {"\"", "\"", "\\x22", "\\x22", "\"\\\"\""},
    {"a,b/c", "a,b/c", NULL, "a\\x2cb\\x2fc", "\"a,b/c\""},
    {"?", "\\x3f", NULL, "?", "\"?\""},
    {"??", "??", NULL, NULL, "\"??\""},
    {"\x7f", "\\x7f", NULL, NULL, "\"\\u007f\""},
    {"\x01", "\\x01", NULL, NULL, "\"\\u0001\""},
    {"\xc2\x9b"
     "31m",
     "\\xc2\\x9b31m", NULL, NULL, "\"\\u009b31m\""},
    {"\xc2\xa0", "\xc2\xa0", NULL, NULL, "\"\xc2\xa0\""},
    {"caf\xc3\xa9", "caf\xc3\xa9", NULL, NULL, "\"caf\xc3\xa9\""},
    {"\xf0\x9f\x90\xa7", "\xf0\x9f\x90\xa7", NULL, NULL,
     "\"\xf0\x9f\x90\xa7\""},
    {"\xff", "\\xff", NULL, NULL, "\"\xef\xbf\xbd\",\"process_b64\":\"/w==\""},
    {"\x9b"
     "31m",
     "\\x9b31m", NULL, NULL,
     "\"\xef\xbf\xbd"
     "31m\",\"process_b64\":\"mzMxbQ==\""},
    {"a\xff\xfe"
     "b",
     "a\\xff\\xfeb", NULL, NULL,
     "\"a\xef\xbf\xbd\xef\xbf\xbd"
     "b\",\"process_b64\":\"Yf/+Yg==\""},
    {"caf\xc3", "caf\\xc3", NULL, NULL,
     "\"caf\xef\xbf\xbd\",\"process_b64\":\"Y2Fmww==\""},
    {"ab\xff", "ab\\xff", NULL, NULL,
     "\"ab\xef\xbf\xbd\",\"process_b64\":\"YWL/\""},
    {"abc\xff\xff", "abc\\xff\\xff", NULL, NULL,
     "\"abc\xef\xbf\xbd\xef\xbf\xbd\",\"process_b64\":\"YWJj//8=\""},
    {"\xed\xa0\x80", "\\xed\\xa0\\x80", NULL, NULL,
     "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\",\"process_b64\":\"7aCA\""},
    {"\xef\xbf\xbd", "\xef\xbf\xbd", NULL, NULL, "\"\xef\xbf\xbd\""},
    {"=1+1", "=1+1", NULL, NULL, "\"=1+1\""},
};

static void hostile_names_stay_in_their_cell(void **state) {
  (void)state;
  static const pi_field fields[] = {PI_PROCESS, PI_HOLDERS};
  for (size_t i = 0; i < LENGTH(hostiles); i++) {
    const hostile *h = &hostiles[i];
    char text[1024];
    script_reset();
    script_hold(script_socket(PI_STATE_LISTEN, "0.0.0.0", 80),
                script_process_add(10, h->comm), 3);
    pi_snapshot *s = script_take(PI_GROUP_OWNER);
    const char *holder = h->holder ? h->holder : h->tsv;
    if (strcmp(h->comm, "?") == 0) holder = "?";
    snprintf(text, sizeof text, "process\tholders\n%s\t10/3/%s\n", h->tsv,
             holder);
    assert_emits(s, PI_TSV, fields, 2, text);
    snprintf(text, sizeof text, "process,holders\n\"%s\",\"10/3/%s\"\n",
             h->csv ? h->csv : h->tsv, holder);
    assert_emits(s, PI_CSV, fields, 2, text);
    snprintf(text, sizeof text,
             "{\"v\":1,\"process\":%s,\"holders\":[{\"pid\":10,\"fd\":3,"
             "\"process\":%s}]}\n",
             h->json, h->json);
    assert_json(text);
    assert_emits(s, PI_NDJSON, fields, 2, text);
    pi_snapshot_free(s);
  }
}

/* Every byte, alone and between letters: a cell is one line of printable UTF-8,
 * and JSON is JSON. */
static void no_byte_breaks_out(void **state) {
  (void)state;
  static const pi_field fields[] = {PI_PROCESS, PI_HOLDERS};
  script_row *r = script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  for (int byte = 0; byte < 256; byte++) {
    char comm[] = {'a', (char)byte, 'z', (char)byte};
    script.process_count = script.holding_count = 0;
    script_hold(r, script_process_add(10, comm), 3);
    script.processes[0].length = sizeof comm;
    pi_snapshot *s = script_take(PI_GROUP_OWNER);
    for (int format = PI_TSV; format <= PI_NDJSON; format++) {
      taken t = emitted(s, (pi_format)format, fields, 2);
      size_t lines = 0;
      for (size_t i = 0; i < t.used;) {
        uint32_t point;
        size_t n = pi__utf8_read(t.bytes + i, t.used - i, &point);
        assert_true(n > 0);
        lines += point == '\n';
        bool control = point < 0x20 || (point >= 0x7f && point < 0xa0);
        assert_true(!control || point == '\n' ||
                    (point == '\t' && format == PI_TSV));
        i += n;
      }
      static const size_t wanted[] = {2, 2, 3, 1};
      assert_int_equal(wanted[format], lines);
      if (format >= PI_JSON) assert_json(t.bytes);
      if (format == PI_CSV) {
        size_t quotes = 0;
        for (size_t i = 0; i < t.used; i++) quotes += t.bytes[i] == '"';
        assert_int_equal(4, quotes);
      }
      free(t.bytes);
    }
    pi_snapshot_free(s);
  }
}

static void holders_stand_side_by_side(void **state) {
  (void)state;
  static const pi_field fields[] = {PI_PID, PI_HOLDERS};
  script_row *r = script_socket(PI_STATE_LISTEN, "0.0.0.0", 80);
  script_hold(r, script_process_add(20, "b"), 4);
  script_hold(r, script_process_add(10, "a,9/9/x"), 3);
  script_peer(PI_STATE_TIME_WAIT, "1.1.1.1", 80, "2.2.2.2", 5)->row.inode = 0;
  script.quality.unreadable = 1;
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 81);
  pi_snapshot *s = script_take(PI_GROUP_OWNER);
  assert_emits(s, PI_TSV, fields, 2,
               "pid\tholders\n"
               "10\t10/3/a\\x2c9\\x2f9\\x2fx,20/4/b\n"
               "\t\n"
               "?\t?\n");
  assert_emits(s, PI_NDJSON, fields, 2,
               "{\"v\":1,\"pid\":10,\"holders\":[{\"pid\":10,\"fd\":3,"
               "\"process\":\"a,9/9/x\"},{\"pid\":20,\"fd\":4,"
               "\"process\":\"b\"}]}\n"
               "{\"v\":1}\n"
               "{\"v\":1,\"unknown\":[\"pid\",\"holders\"]}\n");
  pi_snapshot_free(s);
}

/* ---- Blocks ------------------------------------------------------------- */

static char *long_text(size_t length) {
  char *text = malloc(length + 1);
  assert_non_null(text);
  for (size_t i = 0; i < length; i++) text[i] = (char)('a' + i % 26);
  text[length] = '\0';
  return text;
}

static void a_row_may_be_larger_than_a_block(void **state) {
  (void)state;
  static const pi_field fields[] = {PI_CMDLINE};
  // around one block and around two, byte by byte: escapes meet the edge too
  for (size_t length = 65500; length < 65560; length++) {
    script_reset();
    char *text = long_text(length);
    text[length - 3] = '\x1b';
    text[length - 9] = '"';
    unsigned p = script_process_add(10, "x");
    script.processes[p].cmdline = text;
    script_hold(script_socket(PI_STATE_LISTEN, "0.0.0.0", 80), p, 3);
    pi_snapshot *s = script_take(PI_GROUP_PROCESS);
    taken t = emitted(s, PI_NDJSON, fields, 1);
    assert_json(t.bytes);
    assert_int_equal(t.used,
                     strlen("{\"v\":1,\"cmdline\":\"\"}\n") + length + 6);
    assert_true(t.largest <= 65536);
    assert_int_equal((t.used + 65535) / 65536, t.blocks);
    assert_memory_equal(t.bytes + 18, text, length - 9);
    free(t.bytes);
    t = emitted(s, PI_TSV, fields, 1);
    assert_int_equal(t.used, strlen("cmdline\n\n") + length + 3);
    assert_memory_equal(t.bytes + 8, text, length - 3);
    free(t.bytes);
    pi_snapshot_free(s);
    free(text);
  }
}

static void many_rows_come_in_full_blocks(void **state) {
  (void)state;
  for (int i = 0; i < 8000; i++) {
    script_socket(PI_STATE_LISTEN, "0.0.0.0", (uint16_t)i);
  }
  pi_snapshot *s = script_take(0);
  taken t = emitted(s, PI_JSON, plain, LENGTH(plain));
  assert_json(t.bytes);
  assert_int_equal(65536, t.largest);
  assert_int_equal((t.used + 65535) / 65536, t.blocks);
  assert_true(t.blocks > 8);
  free(t.bytes);
  pi_snapshot_free(s);
}

static void a_sink_that_refuses_ends_the_writing(void **state) {
  (void)state;
  for (int i = 0; i < 8000; i++) {
    script_socket(PI_STATE_LISTEN, "0.0.0.0", (uint16_t)i);
  }
  pi_snapshot *s = script_take(0);
  pi_selection *sel = NULL;
  assert_int_equal(0, pi_snapshot_select(s, NULL, &sel, NULL));
  for (int format = PI_TSV; format <= PI_NDJSON; format++) {
    for (size_t most = 1; most < 200000; most += 65536) {
      taken t = {.most = most};
      pi_error err = {.code = 7};
      assert_int_equal(28, pi_emit(s, sel, (pi_format)format, 0, plain,
                                   LENGTH(plain), take, &t, &err));
      assert_int_equal(most / 65536, t.blocks);
      assert_int_equal(7, err.code);
      free(t.bytes);
    }
  }
  pi_selection_free(sel);
  pi_snapshot_free(s);
}

static void tallied_rows_say_how_many_they_are(void **state) {
  static const struct {
    pi_format format;
    unsigned flags;
    const char *text;
    size_t length; /* of what holds a NUL */
  } table[] = {
      {PI_TSV, 0, "count\tstate\n2\tlisten\n1\tclosed\n", 0},
      {PI_CSV, 0, "count,state\n2,listen\n1,closed\n", 0},
      {PI_TSV, PI_EMIT_NO_HEADER, "2\tlisten\n1\tclosed\n", 0},
      {PI_TSV, PI_EMIT_NO_HEADER | PI_EMIT_NUL, "2\tlisten\0001\tclosed", 17},
      {PI_NDJSON, 0,
       "{\"v\":1,\"count\":2,\"state\":\"listen\"}\n"
       "{\"v\":1,\"count\":1,\"state\":\"closed\"}\n",
       0},
      {PI_JSON, 0,
       "[\n{\"v\":1,\"count\":2,\"state\":\"listen\"},\n"
       "{\"v\":1,\"count\":1,\"state\":\"closed\"}\n]\n",
       0},
  };
  (void)state;
  const pi_field field = PI_STATE;
  script_socket(PI_STATE_CLOSED, "0.0.0.0", 1);
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 2);
  script_socket(PI_STATE_LISTEN, "0.0.0.0", 3);
  pi_snapshot *s = script_take(0);
  for (size_t i = 0; i < LENGTH(table); i++) {
    taken t = {0};
    pi_selection *sel = NULL;
    assert_int_equal(0, pi_snapshot_select(s, NULL, &sel, NULL));
    assert_int_equal(0, pi_selection_tally(s, sel, &field, 1, NULL));
    assert_int_equal(0, pi_emit(s, sel, table[i].format, table[i].flags, &field,
                                1, take, &t, NULL));
    if (table[i].flags & PI_EMIT_NUL)
      assert_memory_equal(table[i].text, t.bytes, table[i].length + 1);
    else
      assert_string_equal(table[i].text, t.bytes);
    free(t.bytes);
    pi_selection_free(sel);
  }
  pi_snapshot_free(s);
}

static int patience;
static bool impatient(void) {
  return --patience < 0;
}

static void writing_can_be_stopped(void **state) {
  (void)state;
  for (int i = 0; i < 3000; i++) {
    script_socket(PI_STATE_LISTEN, "0.0.0.0", (uint16_t)i);
  }
  pi_options options = {.interrupted = impatient};
  pi_snapshot *s = NULL;
  pi_selection *sel = NULL;
  pi_error err = {0};
  patience = 1000;
  assert_int_equal(0, pi_snapshot_take(&options, &s, &err));
  assert_int_equal(0, pi_snapshot_select(s, NULL, &sel, &err));
  patience = 1;
  taken t = {0};
  assert_int_equal(PI_ECANCELED, pi_emit(s, sel, PI_JSON, 0, plain,
                                         LENGTH(plain), take, &t, &err));
  assert_int_equal(PI_ECANCELED, err.code);
  free(t.bytes);
  pi_selection_free(sel);
  pi_snapshot_free(s);
}

int main(void) {
#define T(name) cmocka_unit_test_setup(name, reset)
  const struct CMUnitTest tests[] = {
      T(the_reader_of_json_is_strict),
      T(tsv_has_a_heading_and_a_mark_for_the_unknown),
      T(csv_is_the_same_with_commas),
      T(json_lists_what_is_unknown),
      T(no_rows_are_an_empty_list),
      T(names_of_a_port_are_a_list),
      T(hostile_names_stay_in_their_cell),
      T(no_byte_breaks_out),
      T(holders_stand_side_by_side),
      T(a_row_may_be_larger_than_a_block),
      T(many_rows_come_in_full_blocks),
      T(a_sink_that_refuses_ends_the_writing),
      T(tallied_rows_say_how_many_they_are),
      T(writing_can_be_stopped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
