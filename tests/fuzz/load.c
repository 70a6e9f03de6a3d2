/* load.c: any bytes at all, read as a saved reading.
 *
 * What is refused is refused by its line. What is taken answers questions, can
 * be shown, is the same when it is saved and loaded again, and differs from
 * itself in nothing.
 */
#include "fuzz.h"

#include "../c/saved.h"

static void ask(pi_snapshot *s) {
  static const char *const filters[] = {
      "listening and process = ssh* or user != root",
      "known exe and port = ephemeral or not cgroup",
      "exposed or iface = lo or service = http",
  };
  for (size_t i = 0; i < LENGTH(filters); i++) {
    pi_filter *f = NULL;
    pi_selection *sel = NULL;
    must(pi_filter_parse(filters[i], strlen(filters[i]), &f, NULL) == 0);
    int rc = pi_snapshot_select(s, f, &sel, NULL);
    must(rc == 0 || rc == PI_EUNSUPPORTED);
    if (rc == 0) must(pi_selection_sort(s, sel, NULL) == 0);
    pi_selection_free(sel);
    pi_filter_free(f);
  }
}

/* All of it, in every format; the last is what is compared. */
static saved shown(pi_snapshot *s) {
  pi_field fields[PI_FIELD_COUNT];
  pi_selection *all = NULL;
  saved f = {0};
  for (int i = 0; i < PI_FIELD_COUNT; i++) fields[i] = (pi_field)i;
  must(pi_snapshot_select(s, NULL, &all, NULL) == 0);
  for (int format = PI_TSV; format <= PI_NDJSON; format++) {
    f.length = 0;
    must(pi_emit(s, all, (pi_format)format, 0, fields, PI_FIELD_COUNT,
                 saved_take, &f, NULL) == 0);
  }
  pi_selection_free(all);
  return f;
}

static bool same_bytes(const saved *a, const saved *b) {
  return a->length == b->length &&
         (a->length == 0 || memcmp(a->bytes, b->bytes, a->length) == 0);
}

static void keep(pi_snapshot *s) {
  saved f = {0};
  pi_snapshot *t = NULL;
  pi_diff d;
  const char *filter = pi_snapshot_filter(s);
  must(pi_snapshot_save(s, NULL, filter, saved_take, &f, NULL) == 0);
  must(pi_snapshot_load(saved_give, &f, NULL, &t, NULL) == 0);
  saved a = shown(s), b = shown(t);
  must(same_bytes(&a, &b));
  must(pi_snapshot_diff(s, NULL, t, NULL, &d, NULL) == 0);
  must(pi_selection_count(d.added) == pi_selection_count(d.removed));
  pi_diff_deinit(&d);
  saved_free(&a);
  saved_free(&b);
  saved_free(&f);
  pi_snapshot_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  saved f = {.length = size, .block = size % 3 == 0 ? 7 : 0};
  pi_snapshot *s = NULL;
  pi_error err = {0};
  f.bytes = malloc(size + 1);
  if (f.bytes == NULL) return 0;
  memcpy(f.bytes, data, size);
  int rc = pi_snapshot_load(saved_give, &f, NULL, &s, &err);
  if (rc != 0) {
    must(rc == PI_EREPLY && err.code == rc && s == NULL);
    must(strncmp(err.text, "line ", 5) == 0);
    must(strlen(err.text) < sizeof err.text);
  } else {
    ask(s);
    keep(s);
  }
  pi_snapshot_free(s);
  saved_free(&f);
  return 0;
}
