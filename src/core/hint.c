/* hint.c: what a filter that cannot be read was probably meant to say. */
#include "token.h"
#include "schema.h"

#include <string.h>

enum { SHOWN = 40 };  // bytes of somebody's word in a message

static int shown(const pi__token *t) {
  return t->length > SHOWN ? SHOWN : (int)t->length;
}

/* Notes where in the filter the mistake is that *p->err tells. */
pi_filter *pi__complain_at(pi__parser *p, const pi__token *t) {
  p->err->at = t->at;
  p->err->length = t->end - t->at;
  return NULL;
}

pi_filter *pi__complain(pi__parser *p, const pi__token *t, const char *what) {
  if (t->kind == END) {
    pi__fail(p->err, PI_EINVAL, 0, "%s at the end", what);
  } else {
    pi__fail(p->err, PI_EINVAL, 0, "\"%.*s\": %s", shown(t), t->text, what);
  }
  return pi__complain_at(p, t);
}

/* ---- Words that are none: what was meant -------------------------------- */

static bool all_digits(const pi__token *t) {
  for (size_t i = 0; i < t->length; i++) {
    if (t->text[i] < '0' || t->text[i] > '9') return false;
  }
  return t->length > 0;
}

static bool is_address(const pi__token *t) {
  pi_address address;
  size_t n = t->length;
  const char *slash = memchr(t->text, '/', n);
  if (slash != NULL) n = (size_t)(slash - t->text);
  return pi_address_parse(t->text, n, &address);
}

/* `::1:443`, `fe80::1:22`: an address to a machine, an endpoint to a person. */
static bool complain_address(pi__parser *p, const pi__token *t) {
  const char *colon = NULL;
  for (size_t i = 0; i < t->length; i++) {
    if (t->text[i] == ':') colon = t->text + i;
  }
  size_t before = colon == NULL ? 0 : (size_t)(colon - t->text);
  pi_address address;
  if (before > 2 && memchr(t->text, '/', t->length) == NULL &&
      memchr(t->text, ':', before) != NULL &&
      pi_address_parse(t->text, before, &address)) {
    pi__fail(p->err, PI_EINVAL, 0,
             "\"%.*s\" is an address: write addr = %.*s, or for the endpoint "
             "[%.*s]%.*s",
             shown(t), t->text, shown(t), t->text, (int)before, t->text,
             (int)(t->length - before), colon);
    return true;
  }
  if (!is_address(t)) return false;
  pi__fail(p->err, PI_EINVAL, 0, "\"%.*s\" is an address: write addr = %.*s",
           shown(t), t->text, shown(t), t->text);
  return true;
}

/* A state and a role of one name. */
static bool complain_ambiguous(pi__parser *p, const pi__token *t) {
  if (pi__token_is(t, "listen")) {
    pi__fail(p->err, PI_EINVAL, 0,
             "\"listen\" alone is TCP's state: write \"listening\" (UDP "
             "services too) or \"state = listen\"");
    return true;
  }
  if (pi__word_find(PI_STATE, t->text, t->length) < 0 ||
      pi__word_find(PI_ROLE, t->text, t->length) < 0) {
    return false;
  }
  pi__fail(p->err, PI_EINVAL, 0,
           "\"%.*s\" is a state and a role: write state = %.*s or role = %.*s",
           shown(t), t->text, shown(t), t->text, shown(t), t->text);
  return true;
}

/* What follows a field as if it were its value. */
static bool complain_value(pi__parser *p, const pi__token *t) {
  if (p->field.kind != WORD) return false;
  if (p->compared && p->value.kind == WORD && p->value.end == p->last_end) {
    pi__fail(p->err, PI_EINVAL, 0,
             "\"%.*s\": for several values write {%.*s, %.*s}, and quote it in "
             "a shell",
             shown(t), t->text, shown(&p->value), p->value.text, shown(t),
             t->text);
    return true;
  }
  if (p->compared || p->field.end != p->last_end) return false;
  if (t->text[0] == '~') {
    pi__token next = t->length > 1 ? *t : pi__token_peek(p);
    size_t skip = t->length > 1 ? 1 : 0;
    pi__fail(p->err, PI_EINVAL, 0, "there is no \"~\": write %.*s = %.*s*",
             shown(&p->field), p->field.text,
             (int)(next.length - skip > SHOWN ? SHOWN : next.length - skip),
             next.text + skip);
    return true;
  }
  pi__fail(p->err, PI_EINVAL, 0,
           "\"%.*s\" is neither a field nor a word: write %.*s = %.*s",
           shown(t), t->text, shown(&p->field), p->field.text, shown(t),
           t->text);
  return true;
}

/* A field's name before an operator, misspelt. */
static bool complain_field(pi__parser *p, const pi__token *t) {
  pi__token next = pi__token_peek(p);
  pi__lexeme op = pi__token_operator(&next);
  bool compares =
      (op >= EQUAL && op <= GREATER_EQUAL) || pi__token_is(&next, "in");
  if (!compares) return false;
  const char *names[PI_FIELD_COUNT + 2];
  for (int f = 0; f < PI_FIELD_COUNT; f++) {
    names[f] = pi_field_describe((pi_field)f)->name;
  }
  names[PI_FIELD_COUNT] = "port";
  names[PI_FIELD_COUNT + 1] = "addr";
  const char *near = pi_nearest(t->text, t->length, names, PI_FIELD_COUNT + 2);
  pi__fail(p->err, PI_EINVAL, 0, "unknown field \"%.*s\"%s%s%s", shown(t),
           t->text, near == NULL ? "" : ": did you mean \"",
           near == NULL ? "" : near, near == NULL ? "" : "\"?");
  return true;
}

static const char *nearest_word(const pi__token *t) {
  const char *names[PI_FIELD_COUNT + 64];
  size_t n = 0;
  const char *flag;
  for (unsigned i = 0; n < 64 && (flag = pi_filter_flag(i)) != NULL; i++) {
    names[n++] = flag;
  }
  for (int f = 0; f < PI_FIELD_COUNT; f++) {
    names[n++] = pi_field_describe((pi_field)f)->name;
  }
  return pi_nearest(t->text, t->length, names, n);
}

pi_filter *pi__complain_comma(pi__parser *p, const pi__token *t) {
  pi__token next = pi__token_peek(p);
  bool state = pi__word_find(PI_STATE, t->text, t->length) >= 0;
  pi__fail(p->err, PI_EINVAL, 0,
           "\",\" is for sets: write %s in {%.*s, %.*s}, and quote it in a "
           "shell",
           state ? "state" : "proto", shown(t), t->text, shown(&next),
           next.text);
  return pi__complain_at(p, &p->token);
}

pi_filter *pi__complain_side(pi__parser *p, const pi__token *t,
                             pi_field field) {
  const char *side = field == PI_RPORT || field == PI_RADDR ? "r" : "l";
  size_t port = t->length;
  while (t->text[port - 1] != ':') port--;
  if (port == 1) {
    pi__fail(p->err, PI_EINVAL, 0,
             "\"%.*s\" alone means either side: write %sport = %.*s", shown(t),
             t->text, side, shown(t) - 1, t->text + 1);
  } else {
    pi__fail(p->err, PI_EINVAL, 0,
             "\"%.*s\" alone means either side: write %saddr = %.*s and "
             "%sport = %.*s",
             shown(t), t->text, side, (int)port - 1, t->text, side,
             (int)(t->length - port), t->text + port);
  }
  return pi__complain_at(p, t);
}

pi_filter *pi__complain_values(pi__parser *p) {
  pi__token next = pi__token_peek(p);
  pi__fail(p->err, PI_EINVAL, 0,
           "\",\" is for sets: write {%.*s, %.*s}, and quote it in a shell",
           shown(&p->value), p->value.text, shown(&next), next.text);
  return pi__complain_at(p, &p->token);
}

pi_filter *pi__complain_word(pi__parser *p, const pi__token *t) {
  if (complain_field(p, t) || complain_ambiguous(p, t))
    return pi__complain_at(p, t);
  const char *near = nearest_word(t);
  if (near != NULL) {
    pi__fail(p->err, PI_EINVAL, 0,
             "unknown word \"%.*s\": did you mean \"%s\"?", shown(t), t->text,
             near);
  } else if (complain_value(p, t) || complain_address(p, t)) {
    return pi__complain_at(p, t);
  } else if (all_digits(t)) {
    pi__fail(p->err, PI_EINVAL, 0,
             "\"%.*s\" alone: for a port write :%.*s or lport = %.*s", shown(t),
             t->text, shown(t), t->text, shown(t), t->text);
  } else if (t->length > 2 && memcmp(t->text, "*:", 2) == 0) {
    pi__fail(p->err, PI_EINVAL, 0, "\"%.*s\": write wildcard %.*s", shown(t),
             t->text, shown(t) - 1, t->text + 1);
  } else {
    pi__fail(p->err, PI_EINVAL, 0,
             "\"%.*s\" is neither a field nor a word: for a process write "
             "process = %.*s",
             shown(t), t->text, shown(t), t->text);
  }
  return pi__complain_at(p, t);
}
