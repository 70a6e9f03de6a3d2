/* emit.h: the writer of emit.c, for those who write in other forms. */
#ifndef PI_CORE_EMIT_H
#define PI_CORE_EMIT_H

#include "snapshot.h"

typedef struct pi__writer {
  pi_sink sink;
  void *arg;
  int rc; /* once not 0, nothing more is written */
  size_t used;
  char *block;
  bool whole; /* holders with all that is known of them */
} pi__writer;

int pi__writer_init(pi__writer *writer, pi_sink sink, void *arg, pi_error *err);
int pi__writer_end(pi__writer *writer); /* writes the rest, gives rc */

void pi__put(pi__writer *writer, const char *bytes, size_t length);
void pi__put_string(pi__writer *writer, const char *string);
void pi__put_number(pi__writer *writer, uint64_t number);

/* A cell as in TSV. */
void pi__put_cell(pi__writer *writer, const pi_snapshot *s, size_t row,
                  pi_field field);

/* `,"name":"text"`, and its bytes where they are not UTF-8. */
void pi__put_text_member(pi__writer *writer, const char *name,
                         const char *text);

/* Rows as lines, their holders whole. */
void pi__put_ndjson_rows(pi__writer *writer, const pi_snapshot *s,
                         const pi_selection *selection, const pi_field *fields,
                         size_t n, pi_error *err);

#endif
