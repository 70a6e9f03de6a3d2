/* spell.c: a filter as text of its own language, which means the same again. */
#include "filter.h"
#include "utf8.h"

#include <stdio.h>
#include <string.h>

typedef struct speller {
  pi_sink sink;
  void *arg;
  int rc; /* once not 0, nothing more is written */
  pi_error *err;
} speller;

static void put(speller *s, const char *bytes, size_t length) {
  if (s->rc == 0) s->rc = s->sink(s->arg, bytes, length);
}

static void put_string(speller *s, const char *text) {
  put(s, text, strlen(text));
}

static void put_span(speller *s, uint64_t first, uint64_t last) {
  char text[48];
  if (first == last)
    snprintf(text, sizeof text, "%llu", (unsigned long long)first);
  else
    snprintf(text, sizeof text, "%llu..%llu", (unsigned long long)first,
             (unsigned long long)last);
  put_string(s, text);
}

/* ---- Values ------------------------------------------------------------- */

static void put_address(speller *s, const pi_address *address) {
  char text[PI_ADDRESS_TEXT];
  put(s, text, pi_address_format(address, text));
}

static void put_block(speller *s, const pi__member *m) {
  bool v4 = pi_address_is_v4(&m->low);
  int prefix = pi__block_prefix(m);
  put_address(s, &m->low);
  if (prefix == 128) return;
  if (prefix < 0) {
    put_string(s, "..");
    put_address(s, &m->high);
    return;
  }
  char text[16];
  snprintf(text, sizeof text, "/%d", v4 ? prefix - 96 : prefix);
  put_string(s, text);
}

static bool is_utf8(const pi__member *m) {
  uint32_t point;
  for (size_t i = 0; i < m->length;) {
    size_t n = pi__utf8_read(m->text + i, m->length - i, &point);
    if (n == 0) return false;
    i += n;
  }
  return true;
}

static bool has_any(const pi__member *m, const char *bytes) {
  for (size_t i = 0; i < m->length; i++) {
    if (m->text[i] == '\0' || strchr(bytes, m->text[i]) != NULL) return true;
  }
  return false;
}

/* Quotes know no escapes, and a glob stands unquoted: a filter that was built
 * from values may hold what no text says. NULL: no way. */
static const char *quote_for(const pi__member *m) {
  static const char apart[] = " \t\n(){},'\"=!<>&|";
  bool word = m->length > 0 && !has_any(m, apart);
  if (!is_utf8(m) || has_any(m, "")) return NULL;
  if (m->kind == PI__GLOB) return word ? "" : NULL;
  if (word && !has_any(m, "*?[")) return "";
  if (!has_any(m, "'")) return "'";
  return has_any(m, "\"") ? NULL : "\"";
}

static void put_text(speller *s, const pi__member *m) {
  const char *quote = quote_for(m);
  if (quote == NULL && s->rc == 0) {
    s->rc = pi__fail(s->err, PI_EINVAL, 0,
                     "the filter language has no way to write this text");
  }
  if (s->rc != 0) return;
  put_string(s, quote);
  put(s, m->text, m->length);
  put_string(s, quote);
}

static void put_spanned(speller *s, pi_field field, const pi__member *m) {
  const pi_field_info *info = pi_field_describe(field);
  if (info->type == PI_TYPE_BOOL) {
    put_string(s, m->first != 0 ? "yes" : "no");
    return;
  }
  if (info->type != PI_TYPE_WORD) {
    put_span(s, m->first, m->last);
    return;
  }
  for (uint64_t i = m->first; i <= m->last; i++) {
    if (i > m->first) put_string(s, ", ");
    put_string(s, info->words[i]);
  }
}

static void put_member(speller *s, pi_field field, const pi__member *m) {
  switch (m->kind) {
  case PI__SPAN: put_spanned(s, field, m); break;
  case PI__BLOCK: put_block(s, m); break;
  case PI__LITERAL:
  case PI__GLOB: put_text(s, m); break;
  case PI__EPHEMERAL: put_string(s, "ephemeral"); break;
  case PI__RESERVED: put_string(s, "reserved"); break;
  case PI__PRIVILEGED: put_string(s, "privileged"); break;
  }
}

/* ---- Tests -------------------------------------------------------------- */

static bool is_set(const pi_filter *f) {
  if (f->count == 0) return false;
  bool several_words = pi_field_describe(f->field)->type == PI_TYPE_WORD &&
                       f->members[0].kind == PI__SPAN &&
                       f->members[0].first < f->members[0].last;
  return f->count > 1 || several_words;
}

/* A comparison, as pi__compare makes it: without an end, or without a member.
 */
static bool put_comparison(speller *s, const char *name, const pi_filter *f) {
  const pi__member *m = f->members;
  if (f->count > 1 || (f->count == 1 && m->kind != PI__SPAN)) return false;
  if (f->count == 1 && m->last != UINT64_MAX) return false;
  put_string(s, name);
  if (f->count == 0) {
    put_string(s, " < 0");
    return true;
  }
  // `> 65535` may be written, a bound of 65536 not
  bool above = m->first > 0;
  put_string(s, above ? " > " : " >= ");
  put_span(s, m->first - above, m->first - above);
  return true;
}

static void put_in(speller *s, const char *name, const pi_filter *f) {
  bool set = is_set(f);
  if (put_comparison(s, name, f)) return;
  put_string(s, name);
  put_string(s, set ? " in {" : " = ");
  for (size_t i = 0; i < f->count; i++) {
    if (i > 0) put_string(s, ", ");
    put_member(s, f->field, &f->members[i]);
  }
  if (set) put_string(s, "}");
}

static bool same_member(const pi__member *a, const pi__member *b) {
  return a->kind == b->kind && a->first == b->first && a->last == b->last &&
         memcmp(&a->low, &b->low, sizeof a->low) == 0 &&
         memcmp(&a->high, &b->high, sizeof a->high) == 0;
}

/* What either side may satisfy: the name of both, or NULL. */
static const char *pair_name(const pi_filter *f) {
  if (f->node != PI__NODE_OR || f->kid_count != 2) return NULL;
  const pi_filter *a = f->kids[0], *b = f->kids[1];
  if (a->node != PI__NODE_IN || b->node != PI__NODE_IN) return NULL;
  if (a->count != b->count) return NULL;
  for (size_t i = 0; i < a->count; i++) {
    if (!same_member(&a->members[i], &b->members[i])) return NULL;
  }
  if (a->field == PI_LPORT && b->field == PI_RPORT) return "port";
  if (a->field == PI_LADDR && b->field == PI_RADDR) return "addr";
  return NULL;
}

static void put_filter(speller *s, const pi_filter *f);

/* A part of a combination: what itself combines stands in parentheses. */
static void put_part(speller *s, const pi_filter *f) {
  bool combines = (f->node == PI__NODE_AND || f->node == PI__NODE_OR) &&
                  pair_name(f) == NULL;
  if (combines) put_string(s, "(");
  put_filter(s, f);
  if (combines) put_string(s, ")");
}

static void put_filter(speller *s, const pi_filter *f) {
  const char *name = pi_field_describe(f->field)->name, *pair = pair_name(f);
  switch (f->node) {
  case PI__NODE_ALL: put_string(s, "all"); return;
  case PI__NODE_KNOWN: put_string(s, "known ");  // fall through
  case PI__NODE_HAS: put_string(s, name); return;
  case PI__NODE_IN: put_in(s, name, f); return;
  case PI__NODE_NOT:
    put_string(s, "not ");
    put_part(s, f->kids[0]);
    return;
  case PI__NODE_AND:
  case PI__NODE_OR: break;
  }
  if (pair != NULL) {
    put_in(s, pair, f->kids[0]);
    return;
  }
  for (size_t i = 0; i < f->kid_count; i++) {
    if (i > 0) put_string(s, f->node == PI__NODE_AND ? " and " : " or ");
    put_part(s, f->kids[i]);
  }
}

int pi_filter_write(const pi_filter *filter, pi_sink sink, void *arg,
                    pi_error *err) {
  speller s = {.sink = sink, .arg = arg, .err = err};
  if (filter->node != PI__NODE_ALL) put_filter(&s, filter);
  return s.rc;
}
