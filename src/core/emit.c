/* emit.c: rows as the bytes of the bulk formats, in blocks. */
#include "emit.h"
#include "selection.h"
#include "utf8.h"

#include <string.h>

enum { BLOCK = 64 * 1024 };

typedef pi__writer writer;

static void flush(writer *w) {
  if (w->rc == 0 && w->used > 0) w->rc = w->sink(w->arg, w->block, w->used);
  w->used = 0;
}

static void put(writer *w, const char *bytes, size_t length) {
  if (length < BLOCK - w->used) {
    memcpy(w->block + w->used, bytes, length);
    w->used += length;
    return;
  }
  while (length > 0) {
    size_t n = BLOCK - w->used < length ? BLOCK - w->used : length;
    memcpy(w->block + w->used, bytes, n);
    w->used += n;
    bytes += n;
    length -= n;
    if (w->used == BLOCK) flush(w);
  }
}

static void put_char(writer *w, char c) {
  w->block[w->used++] = c;
  if (w->used == BLOCK) flush(w);
}

static void put_string(writer *w, const char *s) {
  put(w, s, strlen(s));
}

static void put_number(writer *w, uint64_t n) {
  char digits[20];
  size_t i = sizeof digits;
  do {
    digits[--i] = (char)('0' + n % 10);
    n /= 10;
  } while (n != 0);
  put(w, digits + i, sizeof digits - i);
}

static void put_hex(writer *w, uint8_t byte) {
  static const char hex[] = "0123456789abcdef";
  put_char(w, hex[byte >> 4]);
  put_char(w, hex[byte & 15]);
}

static void put_escape(writer *w, uint8_t byte) {
  put_string(w, "\\x");
  put_hex(w, byte);
}

static void put_address(writer *w, const pi_address *address) {
  char text[PI_ADDRESS_TEXT];
  put(w, text, pi_address_format(address, text));
}

/* ---- Cells: TSV and CSV ------------------------------------------------- */

static bool is_control(uint32_t point) {
  return point < 0x20 || (point >= 0x7f && point < 0xa0);
}

static void put_cell_char(writer *w, char c, const char *special) {
  if (c == '\t')
    put_string(w, "\\t");
  else if (c == '\n')
    put_string(w, "\\n");
  else if (c == '\r')
    put_string(w, "\\r");
  else if (strchr(special, c) != NULL && c != '\0')
    put_escape(w, (uint8_t)c);
  else if (c == '\\')
    put_string(w, "\\\\");
  else if (is_control((uint8_t)c))
    put_escape(w, (uint8_t)c);
  else
    put_char(w, c);
}

/* How many bytes from here stand for themselves, whatever comes behind. */
static size_t plain_run(const char *text, size_t length, const char *special) {
  size_t n = 0;
  while (n < length && text[n] >= 0x20 && text[n] < 0x7f && text[n] != '\\' &&
         (*special == '\0' || strchr(special, text[n]) == NULL)) {
    n++;
  }
  return n;
}

/* Text without control or malformed bytes; those in `special` as \xHH too. */
static void put_cell_text(writer *w, const char *text, size_t length,
                          const char *special) {
  uint32_t point;
  for (size_t i = 0; i < length;) {
    size_t run = plain_run(text + i, length - i, special);
    put(w, text + i, run);
    i += run;
    if (i == length) return;
    size_t n = pi__utf8_read(text + i, length - i, &point);
    if (n == 1) {
      put_cell_char(w, text[i], special);
    } else if (n == 0 || is_control(point)) {
      for (size_t k = 0; k < (n == 0 ? 1 : n); k++) {
        put_escape(w, (uint8_t)text[i + k]);
      }
    } else {
      put(w, text + i, n);
    }
    i += n == 0 ? 1 : n;
  }
}

static void put_cell_holders(writer *w, const pi_snapshot *s, size_t row) {
  pi_holder h;
  for (unsigned i = 0; pi_snapshot_holder(s, row, i, &h); i++) {
    if (i > 0) put_char(w, ',');
    put_number(w, h.pid);
    put_char(w, '/');
    put_number(w, (uint64_t)h.fd);
    put_char(w, '/');
    put_cell_text(w, h.process, h.length, ",/\\\"");
  }
}

/* The field's members, as text or in one list? Names of a port are facts side
 * by side; a holder's fields are shown of the main one, and `holders` has
 * all. */
static bool is_list(pi_field field) {
  const pi_field_info *info = pi_field_describe(field);
  return info->several && info->group == PI_GROUP_DERIVED;
}

/* Of a text, or of a holder's number. */
static void put_cell_value(writer *w, const pi_value *v, const char *special) {
  if (v->type != PI_TYPE_TEXT) put_number(w, v->number);
  // a lone ? means unknown, so a text that is one is spelled out
  else if (v->length == 1 && v->text[0] == '?')
    put_string(w, "\\x3f");
  else
    put_cell_text(w, v->text, v->length, special);
}

/* A cell that stands in a column and is no text is written as it stands there:
 * most are, and a million values are not made for it. False: it is another. */
static bool put_stored(writer *w, const pi_snapshot *s, size_t row,
                       pi_field field) {
  const pi_field_info *info = pi_field_describe(field);
  if (info->type == PI_TYPE_TEXT || pi__width(field) == 0 ||
      !(s->groups & info->group)) {
    return false;
  }
  pi_sight sight = pi__cell_sight(s, row, field);
  if (sight == PI_UNKNOWN) put_char(w, '?');
  if (sight != PI_KNOWN) return true;
  if (info->type == PI_TYPE_ADDRESS) {
    put_address(w, pi__cell_address(s, row, field));
    return true;
  }
  uint64_t cell = pi__cell(s, row, field);
  switch (info->type) {
  case PI_TYPE_WORD: put_string(w, info->words[cell]); break;
  case PI_TYPE_BOOL: put_string(w, cell ? "yes" : "no"); break;
  default: put_number(w, cell); break;
  }
  return true;
}

static void put_cell(writer *w, const pi_snapshot *s, size_t row,
                     pi_field field, const char *special) {
  if (put_stored(w, s, row, field)) return;
  pi_value v = pi_snapshot_value(s, row, field, 0);
  if (v.sight == PI_UNKNOWN) put_char(w, '?');
  if (v.sight != PI_KNOWN) return;
  if (field == PI_HOLDERS) {
    put_cell_holders(w, s, row);
    return;
  }
  put_cell_value(w, &v, special);
  for (unsigned i = 1; is_list(field); i++) {
    v = pi_snapshot_value(s, row, field, i);
    if (v.sight != PI_KNOWN) return;
    put_char(w, ',');
    put_cell_value(w, &v, special);
  }
}

/* Only these fields can hold a comma, so only they are quoted (RFC 4180); their
 * quotes are escaped like other bytes that would break a cell. */
static bool csv_quoted(pi_field field) {
  const pi_field_info *info = pi_field_describe(field);
  return info->type == PI_TYPE_TEXT || info->type == PI_TYPE_HOLDERS;
}

static void put_separated(writer *w, const pi_snapshot *s, size_t row,
                          const pi_field *fields, size_t n, bool csv) {
  for (size_t i = 0; i < n; i++) {
    bool quoted = csv && csv_quoted(fields[i]);
    if (i > 0) put_char(w, csv ? ',' : '\t');
    if (quoted) put_char(w, '"');
    put_cell(w, s, row, fields[i], csv ? "\"" : "");
    if (quoted) put_char(w, '"');
  }
}

static void put_header(writer *w, const pi_field *fields, size_t n, bool csv) {
  for (size_t i = 0; i < n; i++) {
    if (i > 0) put_char(w, csv ? ',' : '\t');
    put_string(w, pi_field_describe(fields[i])->name);
  }
}

/* ---- JSON (RFC 8259) ---------------------------------------------------- */

/* Returns false if the text held malformed bytes, shown as U+FFFD. */
static bool put_json_text(writer *w, const char *text, size_t length) {
  bool exact = true;
  uint32_t point;
  put_char(w, '"');
  for (size_t i = 0; i < length;) {
    size_t n = pi__utf8_read(text + i, length - i, &point);
    if (n == 0) {
      exact = false;
      put_string(w, "\xef\xbf\xbd");
      i++;
      continue;
    }
    if (point < 0x20 || point == 0x7f) {
      put_string(w, "\\u00");
      put_hex(w, (uint8_t)point);
    } else if (point == '"' || point == '\\') {
      put_char(w, '\\');
      put_char(w, (char)point);
    } else if (n == 2 && point < 0xa0) {  // C1: legal, but not for a terminal
      put_string(w, "\\u00");
      put_hex(w, (uint8_t)point);
    } else {
      put(w, text + i, n);
    }
    i += n;
  }
  put_char(w, '"');
  return exact;
}

static void put_base64(writer *w, const char *text, size_t length) {
  static const char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  put_char(w, '"');
  for (size_t i = 0; i < length; i += 3) {
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; k++) {
      bits = bits << 8 | (i + k < length ? (uint8_t)text[i + k] : 0u);
    }
    put_char(w, digits[bits >> 18]);
    put_char(w, digits[bits >> 12 & 63]);
    put_char(w, i + 1 < length ? digits[bits >> 6 & 63] : '=');
    put_char(w, i + 2 < length ? digits[bits & 63] : '=');
  }
  put_char(w, '"');
}

static void put_key(writer *w, const char *name, const char *suffix) {
  put_string(w, ",\"");
  put_string(w, name);
  put_string(w, suffix);
  put_string(w, "\":");
}

static void put_json_text_member(writer *w, const char *name, const char *text,
                                 size_t length) {
  put_key(w, name, "");
  if (put_json_text(w, text, length)) return;
  put_key(w, name, "_b64");
  put_base64(w, text, length);
}

static void put_json_value(writer *w, pi_field field, const pi_value *v) {
  const char *name = pi_field_describe(field)->name;
  if (v->type == PI_TYPE_TEXT || v->type == PI_TYPE_WORD) {
    put_json_text_member(w, name, v->text, v->length);
    return;
  }
  put_key(w, name, "");
  switch (v->type) {
  case PI_TYPE_BOOL: put_string(w, v->number ? "true" : "false"); break;
  case PI_TYPE_ADDRESS:
    put_char(w, '"');
    put_address(w, &v->address);
    put_char(w, '"');
    break;
  case PI_TYPE_TIME:
    if ((int64_t)v->number < 0) put_char(w, '-');
    put_number(w, (int64_t)v->number < 0 ? 0 - v->number : v->number);
    break;
  default:
    // a cookie has 64 bits, more than a JSON reader's number keeps
    if (field == PI_COOKIE) put_char(w, '"');
    put_number(w, v->number);
    if (field == PI_COOKIE) put_char(w, '"');
    break;
  }
}

/* What else is known of a holder, for a reading that is kept. */
static void put_json_process(writer *w, const pi_snapshot *s, size_t row,
                             unsigned i) {
  const pi__holding *h = &s->holdings[s->first_holding[row] + i];
  const pi__process *p = &s->processes[h->process];
  bool any = false;
  put_key(w, "uid", "");
  put_number(w, p->uid);
  for (int f = 0; f < PI_FIELD_COUNT; f++) {
    const pi_field_info *info = pi_field_describe((pi_field)f);
    if (!(s->groups & info->group & PI_GROUP_PROCESS)) continue;
    pi_value v = pi_snapshot_value(s, row, (pi_field)f, i);
    if (v.sight == PI_KNOWN) put_json_value(w, (pi_field)f, &v);
  }
  for (int f = 0; f < PI_FIELD_COUNT; f++) {
    const pi_field_info *info = pi_field_describe((pi_field)f);
    if (!(s->groups & info->group & PI_GROUP_PROCESS)) continue;
    pi_value v = pi_snapshot_value(s, row, (pi_field)f, i);
    if (v.sight != PI_UNKNOWN) continue;
    put_string(w, any ? ",\"" : ",\"unknown\":[\"");
    put_string(w, info->name);
    put_char(w, '"');
    any = true;
  }
  if (any) put_char(w, ']');
}

static void put_json_holders(writer *w, const pi_snapshot *s, size_t row) {
  pi_holder h;
  put_string(w, ",\"holders\":[");
  for (unsigned i = 0; pi_snapshot_holder(s, row, i, &h); i++) {
    put_string(w, i > 0 ? ",{\"pid\":" : "{\"pid\":");
    put_number(w, h.pid);
    put_string(w, ",\"fd\":");
    put_number(w, (uint64_t)h.fd);
    put_json_text_member(w, "process", h.process, h.length);
    pi_value user = pi_snapshot_value(s, row, PI_USER, i);
    if (w->whole) {
      put_json_process(w, s, row, i);
    } else if (user.sight == PI_KNOWN) {
      put_json_text_member(w, "user", user.text, user.length);
    }
    put_char(w, '}');
  }
  put_char(w, ']');
}

static void put_json_list(writer *w, const pi_snapshot *s, size_t row,
                          pi_field field) {
  put_key(w, pi_field_describe(field)->name, "");
  put_char(w, '[');
  for (unsigned i = 0;; i++) {
    pi_value v = pi_snapshot_value(s, row, field, i);
    if (v.sight != PI_KNOWN) break;
    if (i > 0) put_char(w, ',');
    put_json_text(w, v.text, v.length);
  }
  put_char(w, ']');
}

static void put_json_unknown(writer *w, const pi_snapshot *s, size_t row,
                             const pi_field *fields, size_t n) {
  bool any = false;
  for (size_t i = 0; i < n; i++) {
    if (pi_snapshot_value(s, row, fields[i], 0).sight != PI_UNKNOWN) continue;
    put_string(w, any ? ",\"" : ",\"unknown\":[\"");
    put_string(w, pi_field_describe(fields[i])->name);
    put_char(w, '"');
    any = true;
  }
  if (any) put_char(w, ']');
}

static void put_json_row(writer *w, const pi_snapshot *s, size_t row,
                         const pi_field *fields, size_t n) {
  bool unknown = false;
  for (size_t i = 0; i < n; i++) {
    pi_value v = pi_snapshot_value(s, row, fields[i], 0);
    unknown = unknown || v.sight == PI_UNKNOWN;
    if (v.sight != PI_KNOWN) continue;
    if (fields[i] == PI_HOLDERS)
      put_json_holders(w, s, row);
    else if (is_list(fields[i]))
      put_json_list(w, s, row, fields[i]);
    else
      put_json_value(w, fields[i], &v);
  }
  if (unknown) put_json_unknown(w, s, row, fields, n);
}

/* ---- The whole ---------------------------------------------------------- */

/* What is written, and how. */
typedef struct page {
  const pi_snapshot *snapshot;
  const pi_selection *selection;
  pi_format format;
  char end; /* of a line */
  const pi_field *fields;
  size_t n;
} page;

static bool is_separated(const page *p) {
  return p->format == PI_TSV || p->format == PI_CSV;
}

static void put_headings(writer *w, const page *p) {
  bool csv = p->format == PI_CSV;
  if (pi_selection_tallied(p->selection)) {
    put_string(w, csv ? "count," : "count\t");
  }
  put_header(w, p->fields, p->n, csv);
  put_char(w, p->end);
}

static void put_line(writer *w, const page *p, size_t i) {
  size_t row = pi_selection_at(p->selection, i);
  bool csv = p->format == PI_CSV;
  if (pi_selection_tallied(p->selection)) {
    put_number(w, pi_selection_tally_at(p->selection, i));
    put_char(w, csv ? ',' : '\t');
  }
  put_separated(w, p->snapshot, row, p->fields, p->n, csv);
  put_char(w, p->end);
}

static void put_object(writer *w, const page *p, size_t i) {
  size_t row = pi_selection_at(p->selection, i);
  if (p->format == PI_JSON) put_string(w, i > 0 ? ",\n" : "[\n");
  put_string(w, "{\"v\":1");
  if (pi_selection_tallied(p->selection)) {
    put_key(w, "count", "");
    put_number(w, pi_selection_tally_at(p->selection, i));
  }
  put_json_row(w, p->snapshot, row, p->fields, p->n);
  put_char(w, '}');
  if (p->format == PI_NDJSON) put_char(w, p->end);
}

static void put_rows(writer *w, const page *p, pi_error *err) {
  size_t count = pi_selection_count(p->selection);
  const pi_snapshot *s = p->snapshot;
  for (size_t i = 0; i < count && w->rc == 0; i++) {
    if (i % 1024 == 0 && s->interrupted != NULL && s->interrupted()) {
      w->rc = pi__fail(err, PI_ECANCELED, 0, "interrupted");
      return;
    }
    if (is_separated(p))
      put_line(w, p, i);
    else
      put_object(w, p, i);
  }
  if (p->format == PI_JSON) put_string(w, count > 0 ? "\n]\n" : "[]\n");
}

int pi_emit(const pi_snapshot *s, const pi_selection *sel, pi_format format,
            unsigned flags, const pi_field *fields, size_t n, pi_sink sink,
            void *arg, pi_error *err) {
  page p = {s, sel, format, flags & PI_EMIT_NUL ? '\0' : '\n', fields, n};
  writer w;
  int rc = pi__writer_init(&w, sink, arg, err);
  if (rc != 0) return rc;
  if (is_separated(&p) && !(flags & PI_EMIT_NO_HEADER)) put_headings(&w, &p);
  put_rows(&w, &p, err);
  return pi__writer_end(&w);
}

/* ---- For save.c and template.c ------------------------------------------ */

int pi__writer_init(pi__writer *w, pi_sink sink, void *arg, pi_error *err) {
  *w =
      (pi__writer){.sink = sink, .arg = arg, .block = pi__realloc(NULL, BLOCK)};
  return w->block == NULL ? pi__nomem(err) : 0;
}

int pi__writer_end(pi__writer *w) {
  flush(w);
  w->block = pi__realloc(w->block, 0);
  return w->rc;
}

void pi__put(pi__writer *w, const char *bytes, size_t length) {
  put(w, bytes, length);
}

void pi__put_cell(pi__writer *w, const pi_snapshot *s, size_t row,
                  pi_field field) {
  put_cell(w, s, row, field, "");
}

void pi__put_string(pi__writer *w, const char *s) {
  put_string(w, s);
}

void pi__put_number(pi__writer *w, uint64_t n) {
  put_number(w, n);
}

void pi__put_text_member(pi__writer *w, const char *name, const char *text) {
  put_json_text_member(w, name, text, strlen(text));
}

void pi__put_ndjson_rows(pi__writer *w, const pi_snapshot *s,
                         const pi_selection *sel, const pi_field *fields,
                         size_t n, pi_error *err) {
  page p = {s, sel, PI_NDJSON, '\n', fields, n};
  w->whole = true;
  put_rows(w, &p, err);
}
