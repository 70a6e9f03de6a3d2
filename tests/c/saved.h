/* saved.h: readings as bytes in memory: saved, spoilt and loaded again. */
#ifndef PI_TESTS_SAVED_H
#define PI_TESTS_SAVED_H

#include "test.h"

typedef struct saved {
  char *bytes;
  size_t length, size;
  size_t at, block; /* of reading: how far, and how much at once (0: any) */
} saved;

static inline int saved_take(void *arg, const char *bytes, size_t length) {
  saved *f = arg;
  if (length == 0) return 0;
  if (f->size - f->length < length) {
    f->size = f->size * 2 + length;
    f->bytes = realloc(f->bytes, f->size);
    assert_non_null(f->bytes);
  }
  memcpy(f->bytes + f->length, bytes, length);
  f->length += length;
  return 0;
}

static inline ptrdiff_t saved_give(void *arg, char *buffer, size_t size) {
  saved *f = arg;
  size_t n = f->length - f->at;
  if (n > size) n = size;
  if (f->block != 0 && n > f->block) n = f->block;
  if (n > 0) memcpy(buffer, f->bytes + f->at, n);
  f->at += n;
  return (ptrdiff_t)n;
}

/* Every row of a snapshot, as a file. */
static inline saved saved_of(pi_snapshot *s, const char *filter) {
  saved f = {0};
  pi_error err = {0};
  int rc = pi_snapshot_save(s, NULL, filter, saved_take, &f, &err);
  if (rc != 0) fail_msg("%s", err.text);
  return f;
}

static inline pi_snapshot *saved_load(saved *f, pi_error *err) {
  pi_snapshot *s = NULL;
  f->at = 0;
  int rc = pi_snapshot_load(saved_give, f, NULL, &s, err);
  assert_true((rc == 0) == (s != NULL));
  return s;
}

/* Loads what must be whole. */
static inline pi_snapshot *saved_reload(saved *f) {
  pi_error err = {0};
  pi_snapshot *s = saved_load(f, &err);
  if (s == NULL) fail_msg("%s", err.text);
  return s;
}

static inline void saved_free(saved *f) {
  free(f->bytes);
  memset(f, 0, sizeof *f);
}

#endif
