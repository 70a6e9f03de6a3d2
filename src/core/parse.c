/* parse.c: the filter language, by recursive descent. What a word means depends
 * on where it stands, what a value means on its field; so the parser asks for
 * words and values one at a time, and nothing is reserved.
 *
 *   or := and {("or"|"||") and}      and := not {["and"|"&&"] not}
 *   not := ("not"|"!") not | "(" or ")" | test
 */
#include "schema.h"
#include "token.h"
#include "utf8.h"

#include <string.h>

enum {
  LONGEST = 1024 * 1024, /* bytes of a filter */
  DEEPEST = 256,         /* levels of ( and not: bounds our stack */
};

/* Looks for what is no token anywhere, before anything is made of the
 * others. */
static bool find_stray(pi__parser *p) {
  pi__token t = pi__token_read(p, 0);
  while (t.kind != END && t.kind != STRAY) t = pi__token_read(p, t.end);
  if (t.kind == END) return false;
  const char *what = "a quote that is never closed";
  if (t.text[0] == '&') what = "a single \"&\": write && or and";
  if (t.text[0] == '|') what = "a single \"|\": write || or or";
  pi__fail(p->err, PI_EINVAL, 0, "%s", what);
  pi__complain_at(p, &t);
  return true;
}

/* ---- Values ------------------------------------------------------------- */

static bool is_value(const pi__token *t) {
  return t->kind == WORD || t->kind == QUOTED;
}

static pi_operand operand_of(const pi__token *t) {
  return (pi_operand){
      .kind = t->kind == QUOTED ? PI_OPERAND_LITERAL : PI_OPERAND_TEXT,
      .text = t->text,
      .length = t->length,
  };
}

/* Adds one value to every set (one for each side that the field means). */
static bool add_value(pi__parser *p, pi_filter **sets, size_t n) {
  pi_operand o = operand_of(&p->token);
  for (size_t i = 0; i < n; i++) {
    if (pi__operand_read(sets[i], &o, p->err) == 0) continue;
    pi__complain_at(p, &p->token);
    return false;
  }
  return true;
}

/* { VALUE {, VALUE} [,] } */
static bool parse_set(pi__parser *p, pi_filter **sets, size_t n) {
  pi__token open = p->token;
  pi__token_next(p);
  if (p->token.kind == SET_CLOSE) {
    pi__fail(p->err, PI_EINVAL, 0, "an empty set matches nothing");
    open.end = p->token.end;
    pi__complain_at(p, &open);
    return false;
  }
  for (;;) {
    if (!is_value(&p->token)) {
      pi__complain(p, &p->token, "a value is missing");
      return false;
    }
    if (!add_value(p, sets, n)) return false;
    pi__token_next(p);
    if (p->token.kind == COMMA) {
      pi__token_next(p);
      if (p->token.kind != SET_CLOSE) continue;
    }
    if (p->token.kind == SET_CLOSE) break;
    pi__complain(p, &p->token,
                 "a set needs , between values and } behind them");
    return false;
  }
  pi__token_next(p);
  return true;
}

static bool parse_values(pi__parser *p, pi_filter **sets, size_t n) {
  if (p->token.kind == SET_OPEN) return parse_set(p, sets, n);
  if (!is_value(&p->token)) {
    pi__complain(p, &p->token, "a value is missing");
    return false;
  }
  p->value = p->token;
  if (!add_value(p, sets, n)) return false;
  pi__token_next(p);
  if (p->token.kind != COMMA) return true;
  pi__complain_values(p);
  return false;
}

/* ---- Tests of a field --------------------------------------------------- */

typedef struct sides {
  pi_field fields[2];
  size_t count;
} sides;

static pi_filter *join_sides(pi__parser *p, pi_filter **made, size_t n) {
  if (n == 1 || made[0] == NULL) return made[0];
  pi_filter *f = NULL;
  pi_filter_or(made[0], made[1], &f, p->err);
  return f;
}

static pi_filter *negate(pi__parser *p, pi_filter *f) {
  pi_filter *not = NULL;
  if (f == NULL) return NULL;
  pi_filter_not(f, &not, p->err);
  return not ;
}

static pi_filter *parse_membership(pi__parser *p, const sides *s) {
  pi_filter *sets[2] = {NULL, NULL};
  for (size_t i = 0; i < s->count; i++) {
    sets[i] = pi__node_new(PI__NODE_IN, s->fields[i]);
    if (sets[i] == NULL) pi__nomem(p->err);
  }
  bool ok = sets[0] != NULL && (s->count == 1 || sets[1] != NULL) &&
            parse_values(p, sets, s->count);
  if (ok) return join_sides(p, sets, s->count);
  pi_filter_free(sets[0]);
  pi_filter_free(sets[1]);
  return NULL;
}

static pi_filter *parse_order(pi__parser *p, const sides *s, pi__order order) {
  pi_filter *made[2] = {NULL, NULL};
  if (!is_value(&p->token))
    return pi__complain(p, &p->token, "a number is missing");
  p->value = p->token;
  pi_operand o = operand_of(&p->token);
  for (size_t i = 0; i < s->count; i++) {
    made[i] = pi__compare(s->fields[i], order, &o, p->err);
    if (made[i] != NULL) continue;
    pi_filter_free(made[0]);
    return pi__complain_at(p, &p->token);
  }
  pi__token_next(p);
  return join_sides(p, made, s->count);
}

/* `dst :443`, as other tools say it, would be two tests here: is there a remote
 * address, and is either port 443. */
static bool is_foreign(pi__parser *p, const sides *s) {
  pi_type type = pi_field_describe(s->fields[0])->type;
  if (type != PI_TYPE_PORT && type != PI_TYPE_ADDRESS) return false;
  if (p->token.kind != WORD) return false;
  pi_filter *endpoint = pi__endpoint(p->token.text, p->token.length, p->err);
  bool foreign = endpoint != NULL || p->err->code != 0;
  pi_filter_free(endpoint);
  return foreign;
}

static pi_filter *parse_alone(pi__parser *p, const sides *s) {
  pi_filter *made[2] = {NULL, NULL};
  if (is_foreign(p, s)) return pi__complain_side(p, &p->token, s->fields[0]);
  for (size_t i = 0; i < s->count; i++) {
    if (pi_filter_has(s->fields[i], &made[i], p->err) == 0) continue;
    pi_filter_free(made[0]);
    return NULL;
  }
  return join_sides(p, made, s->count);
}

static pi_filter *parse_field(pi__parser *p, const sides *s) {
  p->field = p->token;
  pi__token_next(p);
  pi__token first = p->token;
  pi__lexeme op = pi__token_operator(&first);
  pi__token behind = pi__token_peek(p);
  p->compared = true;
  if (pi__token_is(&first, "not") && pi__token_is(&behind, "in")) {
    pi__token_next(p);
    pi__token_next(p);
    return negate(p, parse_membership(p, s));
  }
  if (op == WORD && !pi__token_is(&first, "in")) op = END;
  switch (op) {
  case WORD: /* in */
  case EQUAL: pi__token_next(p); return parse_membership(p, s);
  case DIFFERENT: pi__token_next(p); return negate(p, parse_membership(p, s));
  case LESS: pi__token_next(p); return parse_order(p, s, PI__LESS);
  case LESS_EQUAL: pi__token_next(p); return parse_order(p, s, PI__LESS_EQUAL);
  case GREATER: pi__token_next(p); return parse_order(p, s, PI__GREATER);
  case GREATER_EQUAL:
    pi__token_next(p);
    return parse_order(p, s, PI__GREATER_EQUAL);
  default: p->compared = false; return parse_alone(p, s);
  }
}

/* known FIELD */
static pi_filter *parse_known(pi__parser *p) {
  sides s;
  pi__token_next(p);
  s.count = p->token.kind != WORD
                ? 0
                : pi__fields_find(p->token.text, p->token.length, s.fields);
  if (s.count == 0)
    return pi__complain(p, &p->token, "\"known\" needs a field");
  pi__token_next(p);
  pi_filter *f = NULL;
  if (pi_filter_known(s.fields[0], &f, p->err) != 0) return NULL;
  if (s.count == 1) return f;
  pi_filter *g = NULL, *both = NULL;
  pi_filter_known(s.fields[1], &g, p->err);
  pi_filter_and(f, g, &both, p->err);
  return both;
}

/* ---- Tests, not, and, or ------------------------------------------------ */

static pi_filter *parse_or(pi__parser *p);

static pi_filter *parse_test(pi__parser *p) {
  pi__token t = p->token;
  sides s;
  if (t.kind == QUOTED) {
    return pi__complain(p, &t,
                        "a quoted text is a value: write FIELD = 'text'");
  }
  if (t.kind == COMMA)
    return pi__complain(p, &t, "is only for sets, as in {80, 443}");
  bool joins = pi__token_is(&t, "and") || pi__token_is(&t, "or") ||
               pi__token_is(&t, "in");
  if (t.kind != WORD || joins) return pi__complain(p, &t, "a test is missing");
  if (pi__token_is(&t, "known")) return parse_known(p);
  s.count = pi__fields_find(t.text, t.length, s.fields);
  if (s.count > 0) return parse_field(p, &s);
  p->err->code = 0;
  pi_filter *f = pi__flag(t.text, t.length, p->err);
  if (f == NULL && p->err->code == 0)
    f = pi__endpoint(t.text, t.length, p->err);
  if (f == NULL && p->err->code != 0) return pi__complain_at(p, &t);
  if (f == NULL) return pi__complain_word(p, &t);
  pi__token_next(p);
  p->field.kind = END;
  if (p->token.kind != COMMA) return f;
  pi_filter_free(f);
  return pi__complain_comma(p, &t);
}

static pi_filter *too_deep(pi__parser *p) {
  pi__fail(p->err, PI_EINVAL, 0, "deeper than %d levels", DEEPEST);
  return pi__complain_at(p, &p->token);
}

static pi_filter *parse_not(pi__parser *p) {
  if (p->token.kind == BANG || pi__token_is(&p->token, "not")) {
    if (++p->depth > DEEPEST) return too_deep(p);
    pi__token_next(p);
    pi_filter *f = negate(p, parse_not(p));
    p->depth--;
    return f;
  }
  if (p->token.kind != OPEN) return parse_test(p);
  if (++p->depth > DEEPEST) return too_deep(p);
  pi__token open = p->token;
  pi__token_next(p);
  pi_filter *f = parse_or(p);
  p->depth--;
  if (f == NULL) return NULL;
  if (p->token.kind != CLOSE) {
    pi_filter_free(f);
    if (p->token.kind != END) {
      return pi__complain(p, &p->token, "expected a test, and, or, or )");
    }
    pi__fail(p->err, PI_EINVAL, 0, "a ( that is never closed");
    return pi__complain_at(p, &open);
  }
  pi__token_next(p);
  p->field.kind = END;
  return f;
}

/* Two tests side by side in one chain of `and`. */
typedef struct neighbours {
  bool found;
  size_t chain; /* where the chain begins */
  size_t left_end, right;
  size_t right_end; /* behind the word at `right` */
} neighbours;

static bool starts_test(const pi__token *t) {
  if (t->kind == WORD) return !pi__token_is(t, "or") && !pi__token_is(t, "and");
  return t->kind == QUOTED || t->kind == OPEN || t->kind == BANG;
}

static pi_filter *parse_and(pi__parser *p, neighbours *first) {
  size_t chain = p->token.at;
  pi_filter *f = parse_not(p);
  while (f != NULL) {
    if (p->token.kind == AND || pi__token_is(&p->token, "and")) {
      pi__token_next(p);
    } else if (!starts_test(&p->token)) {
      break;
    } else if (!first->found) {
      *first =
          (neighbours){true, chain, p->last_end, p->token.at, p->token.end};
    }
    pi_filter *g = parse_not(p);
    pi_filter *both = NULL;
    if (g == NULL) {
      pi_filter_free(f);
      return NULL;
    }
    pi_filter_and(f, g, &both, p->err);
    f = both;
  }
  return f;
}

/* Neighbours beside an `or`: names both readings of text from `start` to
 * `end`. */
static pi_filter *wrong_neighbours(pi__parser *p, const neighbours *n,
                                   size_t start, size_t end) {
  const char *s = p->text;
  int left = (int)(n->left_end - n->chain), right = (int)(end - n->right);
  if (end - start > 120) {  // too long to be said twice
    pi__fail(p->err, PI_EINVAL, 0,
             "tests side by side beside \"or\": say with ( ) what belongs "
             "together");
  } else if (n->chain > start) {
    pi__fail(p->err, PI_EINVAL, 0,
             "tests side by side beside \"or\": write (%.*s) %.*s, or "
             "%.*s(%.*s and %.*s)",
             (int)(n->left_end - start), s + start, right, s + n->right,
             (int)(n->chain - start), s + start, left, s + n->chain, right,
             s + n->right);
  } else {
    pi__fail(p->err, PI_EINVAL, 0,
             "tests side by side beside \"or\": write %.*s (%.*s), or "
             "(%.*s and %.*s)%.*s",
             left, s + n->chain, right, s + n->right, left, s + n->chain,
             (int)(n->right_end - n->right), s + n->right,
             (int)(end - n->right_end), s + n->right_end);
  }
  p->err->at = n->right;
  p->err->length = n->right_end - n->right;
  return NULL;
}

static pi_filter *parse_or(pi__parser *p) {
  neighbours first = {0};
  size_t start = p->token.at;
  bool several = false;
  pi_filter *f = parse_and(p, &first);
  while (f != NULL && (p->token.kind == OR || pi__token_is(&p->token, "or"))) {
    several = true;
    pi__token_next(p);
    pi_filter *g = parse_and(p, &first);
    pi_filter *any = NULL;
    if (g == NULL) {
      pi_filter_free(f);
      return NULL;
    }
    pi_filter_or(f, g, &any, p->err);
    f = any;
  }
  if (f == NULL || !several || !first.found) return f;
  pi_filter_free(f);
  return wrong_neighbours(p, &first, start, p->last_end);
}

/* ---- The whole ---------------------------------------------------------- */

static int check_text(const char *text, size_t length, pi_error *err) {
  uint32_t c;
  if (length > LONGEST) {
    return pi__fail(err, PI_EINVAL, 0, "a filter is at most 1 MiB long");
  }
  for (size_t i = 0; i < length;) {
    size_t n = pi__utf8_read(text + i, length - i, &c);
    if (n == 0 || c == 0) {
      pi__fail(err, PI_EINVAL, 0, "byte %zu is %s", i + 1,
               n == 0 ? "not UTF-8" : "a NUL");
      err->at = i;
      err->length = 1;
      return PI_EINVAL;
    }
    i += n;
  }
  return 0;
}

int pi_filter_parse(const char *text, size_t length, pi_filter **ret,
                    pi_error *err) {
  if (length == 0) text = "";  // which may be NULL
  pi_error local;
  if (err == NULL) err = &local;
  *err = (pi_error){0};
  int rc = check_text(text, length, err);
  if (rc != 0) return rc;
  pi__parser p = {.text = text, .length = length, .err = err};
  if (find_stray(&p)) return err->code;
  pi__token_next(&p);
  if (p.token.kind == END) {  // nothing said: every row
    pi_filter *all = pi__node_new(PI__NODE_ALL, 0);
    if (all == NULL) return pi__nomem(err);
    *ret = all;
    return 0;
  }
  pi_filter *f = parse_or(&p);
  if (f != NULL && p.token.kind != END) {
    pi_filter_free(f);
    f = pi__complain(&p, &p.token,
                     p.token.kind == CLOSE ? "nothing is open here"
                                           : "expected a test, and, or");
  }
  if (f == NULL) return err->code;
  *ret = f;
  return 0;
}
