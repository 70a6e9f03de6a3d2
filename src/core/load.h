/* load.h: what the files that load a saved reading share. */
#ifndef PI_CORE_LOAD_H
#define PI_CORE_LOAD_H

#include "json.h"
#include "snapshot.h"

typedef struct pi__loader {
  pi_snapshot *s;
  pi_reader read;
  void *arg;
  pi_error *err;

  char *buffer; /* bytes read and not yet used: from `from` to `to` */
  size_t capacity, from, to;
  bool ended;
  uint64_t line; /* number of the line at hand */
  pi__json json; /* what is left of it */

  uint64_t fields;                  /* those that the head lists, a bit each */
  uint64_t rows;                    /* how many it promises */
  pi_field columns[PI_FIELD_COUNT]; /* of the groups that were read */
  size_t column_count;

  pi__index processes; /* by what is said of them */
  uint64_t *hashes;    /* of each process */
  size_t hash_capacity;
} pi__loader;

#define PI__BIT(field) (UINT64_C(1) << (field))

/* Fails with "line N: " before the text. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
int pi__load_fail(const pi__loader *l, const char *format, ...);

/* Says that `name` is no `kind`, or what is wrong with the JSON. */
int pi__load_unfit(const pi__loader *l, const char *name, const char *kind);

/* Is a span this word? */
bool pi__span_is(const pi__span *span, const char *word);

/* The field with this name, PI_FIELD_COUNT if there is none. They come in the
 * order of the schema, so each is looked for behind the one before. */
unsigned pi__load_field_find(const pi__span *name, unsigned from);

/* A member of an object, by name: how it is read, into which part of what. */
typedef struct pi__key {
  const char *name;
  int (*read)(pi__loader *l, const char *name, void *to);
  size_t offset;
} pi__key;

/* Reads an object: members that are no keys are skipped, a key that comes twice
 * is a mistake. *seen has a bit for each key (at most 64) that came. */
int pi__load_object(pi__loader *l, const char *name, const pi__key *keys,
                    size_t n, void *into, uint64_t *seen);

/* Readers of one value: their `to` is the type of the same name. A span stays
 * good until the next line. */
int pi__load_u64(pi__loader *l, const char *name, void *to);
int pi__load_u32(pi__loader *l, const char *name, void *to);
int pi__load_size(pi__loader *l, const char *name, void *to);
int pi__load_port(pi__loader *l, const char *name, void *to); /* uint16_t */
int pi__load_time(pi__loader *l, const char *name, void *to); /* int64_t */
int pi__load_bool(pi__loader *l, const char *name, void *to);
int pi__load_text(pi__loader *l, const char *name, void *to);   /* pi__span */
int pi__load_base64(pi__loader *l, const char *name, void *to); /* decoded */
int pi__load_fields(pi__loader *l, const char *name, void *to); /* uint64_t */

int pi__load_number(pi__loader *l, const char *name, uint64_t most,
                    uint64_t *ret);
int pi__load_word(pi__loader *l, const char *name, const char *const *words,
                  uint64_t *ret);

/* Reads the line at hand. */
int pi__load_head(pi__loader *l);
int pi__load_row(pi__loader *l);

/* Reads a list of holders within a row. */
int pi__load_holders(pi__loader *l);

#endif
