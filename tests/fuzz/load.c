/* load.c: any bytes at all, read as a saved reading.
 *
 * What is refused is refused by its line. What is taken answers questions, can
 * be shown, is the same when it is saved and loaded again, and differs from
 * itself in nothing.
 */
#include "kept.h"

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
    is_kept(s);
  }
  pi_snapshot_free(s);
  saved_free(&f);
  return 0;
}
