/* template.c: any bytes at all, as a template of --format.
 *
 * What is refused is refused by a sentence about bytes that are there. What is
 * taken gives for each row its own text with cells in it, and what stands in a
 * cell ends no line: there are as many as the template says.
 */
#include "kept.h"

#include "../c/script.h"

static pi_snapshot *all;
static pi_selection *rows;

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  setenv("CMOCKA_TEST_ABORT", "1", 1);
  script_reset();
  unsigned hostile = script_process_add(7, "a\nb\t\x1b[31m\xff\xc2\x85");
  script.processes[hostile].cmdline = "x\r\ny";
  script_hold(script_socket(PI_STATE_LISTEN, "0.0.0.0", 443), hostile, 3);
  script_peer(PI_STATE_TIME_WAIT, "::1", 443, "::1", 40000)->row.inode = 0;
  all = script_take(PI_GROUPS);
  must(pi_snapshot_select(all, NULL, &rows, NULL) == 0);
  return 0;
}

static void is_refused_well(const pi_error *err, size_t length) {
  must(err->code == PI_EINVAL);
  must(err->at <= length && err->length <= length - err->at);
  size_t said = strnlen(err->text, sizeof err->text);
  must(said > 0 && said < sizeof err->text);
}

/* The control bytes that a template itself has, and brings in by an escape. */
static size_t controls(const char *text, size_t length) {
  size_t n = 0;
  bool escaped = false;
  for (size_t i = 0; i < length; i++) {
    unsigned char c = (unsigned char)text[i];
    n += c < 0x20 || c == 0x7f;
    n += escaped && (c == 'n' || c == 't' || c == 'r');
    escaped = c == '\\' && !escaped;
  }
  return n;
}

static size_t controls_in(const saved *f) {
  size_t n = 0;
  for (size_t i = 0; i < f->length; i++) {
    unsigned char c = (unsigned char)f->bytes[i];
    n += c < 0x20 || c == 0x7f;
  }
  return n;
}

static void is_written(const pi_template *t, const char *text, size_t length) {
  saved newlines = {0}, nuls = {0};
  must(pi_emit_template(all, rows, t, 0, saved_take, &newlines, NULL) == 0);
  must(pi_emit_template(all, rows, t, PI_EMIT_NUL, saved_take, &nuls, NULL) ==
       0);
  must(newlines.length == nuls.length);
  must(newlines.bytes[newlines.length - 1] == '\n');
  must(nuls.bytes[nuls.length - 1] == '\0');
  size_t count = pi_selection_count(rows);
  must(controls_in(&newlines) == count * (1 + controls(text, length)));
  saved_free(&newlines);
  saved_free(&nuls);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  pi_template *t = NULL;
  pi_error err = {0};
  char *text = copy_of(data, size);
  if (pi_template_parse(text, size, &t, &err) != 0) {
    must(t == NULL);
    is_refused_well(&err, size);
  } else {
    unsigned groups = pi_template_groups(t);
    must((groups & ~(unsigned)PI_GROUPS) == 0);
    is_written(t, text, size);
  }
  pi_template_free(t);
  free(text);
  return 0;
}
