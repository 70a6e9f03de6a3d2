/* template.c: rows in a form of the user's own: text with {fields} in it. */
#include "emit.h"
#include "schema.h"

#include <string.h>

typedef struct piece {
  enum { TEXT, FIELD, COUNT } kind;
  pi_field field;
  size_t start, length; /* TEXT: of the template's text */
} piece;

struct pi_template {
  char *text; /* what stands between the fields, one after the other */
  size_t used;
  piece *pieces;
  size_t count, capacity;
};

/* ---- Reading ------------------------------------------------------------- */

/* The text under way, and where in it we are. */
typedef struct reader {
  const char *text;
  size_t length, at;
  pi_template *made;
  pi_error *err;
} reader;

static int complain(reader *r, size_t at, size_t length, const char *what) {
  int n = length > 60 ? 60 : (int)length;
  int rc = pi__fail(r->err, PI_EINVAL, 0, "\"%.*s\" %s", n, r->text + at, what);
  if (r->err != NULL) {
    r->err->at = at;
    r->err->length = length;
  }
  return rc;
}

static int add_piece(reader *r, const piece *p) {
  pi_template *t = r->made;
  int rc = pi__reserve(&t->pieces, &t->capacity, t->count + 1,
                       sizeof *t->pieces, r->err);
  if (rc == 0) t->pieces[t->count++] = *p;
  return rc;
}

static int add_char(reader *r, char c) {
  pi_template *t = r->made;
  piece *last = t->count > 0 ? &t->pieces[t->count - 1] : NULL;
  if (last == NULL || last->kind != TEXT) {
    piece fresh = {.kind = TEXT, .start = t->used};
    int rc = add_piece(r, &fresh);
    if (rc != 0) return rc;
    last = &t->pieces[t->count - 1];
  }
  t->text[t->used++] = c;
  last->length++;
  return 0;
}

static int complain_name(reader *r, const char *name, size_t length) {
  const char *names[PI_FIELD_COUNT];
  char what[80] = "is no field";
  for (int f = 0; f < PI_FIELD_COUNT; f++) {
    names[f] = pi_field_describe((pi_field)f)->name;
  }
  const char *near = pi_nearest(name, length, names, PI_FIELD_COUNT);
  if (near != NULL && strlen(near) < 40) {
    strcpy(what, "is no field: did you mean {");
    strcat(strcat(what, near), "}?");
  }
  return complain(r, (size_t)(name - r->text), length, what);
}

/* {field}, or {{ for a brace; `at` is behind the first. */
static int read_field(reader *r) {
  const char *name = r->text + r->at;
  if (r->at < r->length && *name == '{') {
    r->at++;
    return add_char(r, '{');
  }
  const char *end = memchr(name, '}', r->length - r->at);
  if (end == NULL) {
    return complain(r, r->at - 1, r->length - r->at + 1,
                    "has no }: for a brace itself write {{");
  }
  size_t length = (size_t)(end - name);
  r->at += length + 1;
  if (pi__same_word("count", name, length)) {
    return add_piece(r, &(piece){.kind = COUNT});
  }
  int field = pi_field_find(name, length);
  if (field < 0) return complain_name(r, name, length);
  return add_piece(r, &(piece){.kind = FIELD, .field = (pi_field)field});
}

static int read_escape(reader *r) {
  static const char letters[] = "tnr\\", bytes[] = "\t\n\r\\";
  const char *c = NULL;
  if (r->at < r->length && r->text[r->at] != '\0') {
    c = strchr(letters, r->text[r->at]);
  }
  if (c == NULL) {
    return complain(r, r->at - 1, r->at < r->length ? 2 : 1,
                    "is no escape: there are \\t \\n \\r \\\\");
  }
  r->at++;
  return add_char(r, bytes[c - letters]);
}

static int read_piece(reader *r) {
  char c = r->text[r->at++];
  switch (c) {
  case '{': return read_field(r);
  case '\\': return read_escape(r);
  case '}':
    if (r->at == r->length || r->text[r->at] != '}') {
      return complain(r, r->at - 1, 1, "ends no field: for a brace write }}");
    }
    r->at++;
    return add_char(r, c);
  default: return add_char(r, c);
  }
}

int pi_template_parse(const char *text, size_t length, pi_template **ret,
                      pi_error *err) {
  pi_template *t = pi__realloc(NULL, sizeof *t);
  if (t == NULL) return pi__nomem(err);
  memset(t, 0, sizeof *t);
  reader r = {.text = text, .length = length, .made = t, .err = err};
  t->text = pi__realloc(NULL, length + 1);
  int rc = t->text == NULL ? pi__nomem(err) : 0;
  while (rc == 0 && r.at < length) rc = read_piece(&r);
  if (rc != 0) {
    pi_template_free(t);
    return rc;
  }
  *ret = t;
  return 0;
}

void pi_template_free(pi_template *t) {
  if (t == NULL) return;
  pi__realloc(t->text, 0);
  pi__realloc(t->pieces, 0);
  pi__realloc(t, 0);
}

unsigned pi_template_groups(const pi_template *t) {
  unsigned groups = 0;
  for (size_t i = 0; i < t->count; i++) {
    if (t->pieces[i].kind != FIELD) continue;
    groups |= pi_field_describe(t->pieces[i].field)->group;
  }
  return groups;
}

/* ---- Writing ------------------------------------------------------------- */

static void put_line(pi__writer *w, const pi_template *t, const pi_snapshot *s,
                     const pi_selection *sel, size_t i) {
  size_t row = pi_selection_at(sel, i);
  for (size_t k = 0; k < t->count; k++) {
    const piece *p = &t->pieces[k];
    switch (p->kind) {
    case TEXT: pi__put(w, t->text + p->start, p->length); break;
    case FIELD: pi__put_cell(w, s, row, p->field); break;
    case COUNT: pi__put_number(w, pi_selection_tally_at(sel, i)); break;
    }
  }
}

int pi_emit_template(const pi_snapshot *s, const pi_selection *sel,
                     const pi_template *t, unsigned flags, pi_sink sink,
                     void *arg, pi_error *err) {
  const char end = flags & PI_EMIT_NUL ? '\0' : '\n';
  pi__writer w;
  int rc = pi__writer_init(&w, sink, arg, err);
  if (rc != 0) return rc;
  for (size_t i = 0; i < pi_selection_count(sel) && w.rc == 0; i++) {
    if (i % 1024 == 0 && s->interrupted != NULL && s->interrupted()) {
      w.rc = pi__fail(err, PI_ECANCELED, 0, "interrupted");
      break;
    }
    put_line(&w, t, s, sel, i);
    pi__put(&w, &end, 1);
  }
  return pi__writer_end(&w);
}
