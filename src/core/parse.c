/* parse.c: the filter language, by recursive descent. What a word means depends
 * on where it stands, what a value means on its field; so the parser asks for
 * words and values one at a time, and nothing is reserved.
 *
 *   or := and {("or"|"||") and}      and := not {["and"|"&&"] not}
 *   not := ("not"|"!") not | "(" or ")" | test
 */
#include "filter.h"
#include "schema.h"
#include "utf8.h"

#include <string.h>

enum {
  LONGEST = 1024 * 1024, /* bytes of a filter */
  DEEPEST = 256,         /* levels of ( and not: bounds our stack */
  SHOWN = 40,            /* bytes of somebody's word in a message */
};

typedef enum kind {
  END,
  WORD,
  QUOTED,
  OPEN,
  CLOSE,
  SET_OPEN,
  SET_CLOSE,
  COMMA,
  EQUAL,     /* = == */
  DIFFERENT, /* != */
  LESS,
  LESS_EQUAL,
  GREATER,
  GREATER_EQUAL,
  BANG,
  AND,
  OR,
  STRAY, /* a single & or |, or a quote that never ends */
} kind;

typedef struct token {
  kind kind;
  const char *text; /* of QUOTED: between the quotes */
  size_t length;
  size_t at, end; /* bytes of the filter */
} token;

typedef struct parser {
  const char *text;
  size_t length;
  size_t next;     /* behind `token` */
  token token;     /* the current one */
  size_t last_end; /* of the token before it */
  unsigned depth;
  pi_error *err;
  /* the field that stood alone, or was compared, just before: for hints */
  token field, value;
  bool compared;
} parser;

/* ---- Tokens ------------------------------------------------------------- */

static bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n';
}

static bool ends_word(char c) {
  return is_space(c) || strchr("(){},'\"=!<>&|", c) != NULL;
}

static token make_token(const parser *p, kind what, size_t at, size_t length) {
  return (token){what, p->text + at, length, at, at + length};
}

/* An operator of one or two characters at `at`. */
static token take_operator(const parser *p, size_t at) {
  static const struct {
    char text[3];
    kind kind;
  } operators[] = {
      {"==", EQUAL},         {"!=", DIFFERENT}, {"<=", LESS_EQUAL},
      {">=", GREATER_EQUAL}, {"&&", AND},       {"||", OR},
      {"=", EQUAL},          {"<", LESS},       {">", GREATER},
      {"!", BANG},           {"(", OPEN},       {")", CLOSE},
      {"{", SET_OPEN},       {"}", SET_CLOSE},  {",", COMMA},
  };
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
    size_t n = strlen(operators[i].text);
    if (p->length - at < n) continue;
    if (memcmp(p->text + at, operators[i].text, n) == 0) {
      return make_token(p, operators[i].kind, at, n);
    }
  }
  return make_token(p, STRAY, at, 1);
}

static token take_quoted(const parser *p, size_t at) {
  const char *close = memchr(p->text + at + 1, p->text[at], p->length - at - 1);
  if (close == NULL) return make_token(p, STRAY, at, p->length - at);
  size_t length = (size_t)(close - p->text) - at - 1;
  return (token){QUOTED, p->text + at + 1, length, at, at + length + 2};
}

static token read_token(const parser *p, size_t at) {
  while (at < p->length && is_space(p->text[at])) at++;
  if (at == p->length) return make_token(p, END, at, 0);
  char c = p->text[at];
  if (c == '\'' || c == '"') return take_quoted(p, at);
  if (ends_word(c)) return take_operator(p, at);
  size_t end = at;
  while (end < p->length && !ends_word(p->text[end])) end++;
  return make_token(p, WORD, at, end - at);
}

static void advance(parser *p) {
  p->last_end = p->token.end;
  p->token = read_token(p, p->next);
  p->next = p->token.end;
}

static token peek(const parser *p) {
  return read_token(p, p->next);
}

static bool is_word(const token *t, const char *word) {
  return t->kind == WORD && pi__same_word(word, t->text, t->length);
}

/* ---- Complaints --------------------------------------------------------- */

static int shown(const token *t) {
  return t->length > SHOWN ? SHOWN : (int)t->length;
}

/* Notes where in the filter the mistake is that *p->err tells. */
static pi_filter *point(parser *p, const token *t) {
  p->err->at = t->at;
  p->err->length = t->end - t->at;
  return NULL;
}

static pi_filter *wrong(parser *p, const token *t, const char *what) {
  if (t->kind == END) {
    pi__fail(p->err, PI_EINVAL, 0, "%s at the end", what);
  } else {
    pi__fail(p->err, PI_EINVAL, 0, "\"%.*s\": %s", shown(t), t->text, what);
  }
  return point(p, t);
}

/* Looks for what is no token anywhere, before anything is made of the
 * others. */
static bool find_stray(parser *p) {
  token t = read_token(p, 0);
  while (t.kind != END && t.kind != STRAY) t = read_token(p, t.end);
  if (t.kind == END) return false;
  const char *what = "a quote that is never closed";
  if (t.text[0] == '&') what = "a single \"&\": write && or and";
  if (t.text[0] == '|') what = "a single \"|\": write || or or";
  pi__fail(p->err, PI_EINVAL, 0, "%s", what);
  point(p, &t);
  return true;
}

/* ---- Values ------------------------------------------------------------- */

static bool is_value(const token *t) {
  return t->kind == WORD || t->kind == QUOTED;
}

static pi_operand operand_of(const token *t) {
  return (pi_operand){
      .kind = t->kind == QUOTED ? PI_OPERAND_LITERAL : PI_OPERAND_TEXT,
      .text = t->text,
      .length = t->length,
  };
}

/* Adds one value to every set (one for each side that the field means). */
static bool add_value(parser *p, pi_filter **sets, size_t n) {
  pi_operand o = operand_of(&p->token);
  for (size_t i = 0; i < n; i++) {
    if (pi__operand_read(sets[i], &o, p->err) == 0) continue;
    point(p, &p->token);
    return false;
  }
  return true;
}

/* { VALUE {, VALUE} [,] } */
static bool parse_set(parser *p, pi_filter **sets, size_t n) {
  token open = p->token;
  advance(p);
  if (p->token.kind == SET_CLOSE) {
    pi__fail(p->err, PI_EINVAL, 0, "an empty set matches nothing");
    open.end = p->token.end;
    point(p, &open);
    return false;
  }
  for (;;) {
    if (!is_value(&p->token)) {
      wrong(p, &p->token, "a value is missing");
      return false;
    }
    if (!add_value(p, sets, n)) return false;
    advance(p);
    if (p->token.kind == COMMA) {
      advance(p);
      if (p->token.kind != SET_CLOSE) continue;
    }
    if (p->token.kind == SET_CLOSE) break;
    wrong(p, &p->token, "a set needs , between values and } behind them");
    return false;
  }
  advance(p);
  return true;
}

static bool parse_values(parser *p, pi_filter **sets, size_t n) {
  if (p->token.kind == SET_OPEN) return parse_set(p, sets, n);
  if (!is_value(&p->token)) {
    wrong(p, &p->token, "a value is missing");
    return false;
  }
  p->value = p->token;
  if (!add_value(p, sets, n)) return false;
  advance(p);
  if (p->token.kind != COMMA) return true;
  token next = peek(p);
  pi__fail(p->err, PI_EINVAL, 0,
           "\",\" is for sets: write {%.*s, %.*s}, and quote it in a shell",
           shown(&p->value), p->value.text, shown(&next), next.text);
  point(p, &p->token);
  return false;
}

/* ---- Tests of a field --------------------------------------------------- */

typedef struct sides {
  pi_field fields[2];
  size_t count;
} sides;

static pi_filter *join_sides(parser *p, pi_filter **made, size_t n) {
  if (n == 1 || made[0] == NULL) return made[0];
  pi_filter *f = NULL;
  pi_filter_or(made[0], made[1], &f, p->err);
  return f;
}

static pi_filter *negate(parser *p, pi_filter *f) {
  pi_filter *not = NULL;
  if (f == NULL) return NULL;
  pi_filter_not(f, &not, p->err);
  return not ;
}

static pi_filter *parse_membership(parser *p, const sides *s) {
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

static pi_filter *parse_order(parser *p, const sides *s, pi__order order) {
  pi_filter *made[2] = {NULL, NULL};
  if (!is_value(&p->token)) return wrong(p, &p->token, "a number is missing");
  p->value = p->token;
  pi_operand o = operand_of(&p->token);
  for (size_t i = 0; i < s->count; i++) {
    made[i] = pi__compare(s->fields[i], order, &o, p->err);
    if (made[i] != NULL) continue;
    pi_filter_free(made[0]);
    return point(p, &p->token);
  }
  advance(p);
  return join_sides(p, made, s->count);
}

/* For shells, where < writes a file. */
static kind worded(const token *t) {
  static const struct {
    const char *word;
    kind kind;
  } words[] = {{"eq", EQUAL},      {"ne", DIFFERENT}, {"lt", LESS},
               {"le", LESS_EQUAL}, {"gt", GREATER},   {"ge", GREATER_EQUAL}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (is_word(t, words[i].word)) return words[i].kind;
  }
  return t->kind;
}

static pi_filter *parse_alone(parser *p, const sides *s) {
  pi_filter *made[2] = {NULL, NULL};
  for (size_t i = 0; i < s->count; i++) {
    if (pi_filter_has(s->fields[i], &made[i], p->err) == 0) continue;
    pi_filter_free(made[0]);
    return NULL;
  }
  return join_sides(p, made, s->count);
}

static pi_filter *parse_field(parser *p, const sides *s) {
  p->field = p->token;
  advance(p);
  token first = p->token;
  kind op = worded(&first);
  token behind = peek(p);
  p->compared = true;
  if (is_word(&first, "not") && is_word(&behind, "in")) {
    advance(p);
    advance(p);
    return negate(p, parse_membership(p, s));
  }
  if (op == WORD && !is_word(&first, "in")) op = END;
  switch (op) {
  case WORD: /* in */
  case EQUAL: advance(p); return parse_membership(p, s);
  case DIFFERENT: advance(p); return negate(p, parse_membership(p, s));
  case LESS: advance(p); return parse_order(p, s, PI__LESS);
  case LESS_EQUAL: advance(p); return parse_order(p, s, PI__LESS_EQUAL);
  case GREATER: advance(p); return parse_order(p, s, PI__GREATER);
  case GREATER_EQUAL: advance(p); return parse_order(p, s, PI__GREATER_EQUAL);
  default: p->compared = false; return parse_alone(p, s);
  }
}

/* known FIELD */
static pi_filter *parse_known(parser *p) {
  sides s;
  advance(p);
  s.count = p->token.kind != WORD
                ? 0
                : pi__fields_find(p->token.text, p->token.length, s.fields);
  if (s.count == 0) return wrong(p, &p->token, "\"known\" needs a field");
  advance(p);
  pi_filter *f = NULL;
  if (pi_filter_known(s.fields[0], &f, p->err) != 0) return NULL;
  if (s.count == 1) return f;
  pi_filter *g = NULL, *both = NULL;
  pi_filter_known(s.fields[1], &g, p->err);
  pi_filter_and(f, g, &both, p->err);
  return both;
}

/* ---- Words that are none: what was meant -------------------------------- */

static bool all_digits(const token *t) {
  for (size_t i = 0; i < t->length; i++) {
    if (t->text[i] < '0' || t->text[i] > '9') return false;
  }
  return t->length > 0;
}

static bool is_address(const token *t) {
  pi_address address;
  size_t n = t->length;
  const char *slash = memchr(t->text, '/', n);
  if (slash != NULL) n = (size_t)(slash - t->text);
  return pi_address_parse(t->text, n, &address);
}

/* `::1:443`, `fe80::1:22`: an address to a machine, an endpoint to a person. */
static bool complain_address(parser *p, const token *t) {
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
static bool complain_ambiguous(parser *p, const token *t) {
  if (is_word(t, "listen")) {
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
static bool complain_value(parser *p, const token *t) {
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
    token next = t->length > 1 ? *t : peek(p);
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
static bool complain_field(parser *p, const token *t) {
  token next = peek(p);
  kind op = worded(&next);
  bool compares = (op >= EQUAL && op <= GREATER_EQUAL) || is_word(&next, "in");
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

static const char *nearest_word(const token *t) {
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

static void complain_comma(parser *p, const token *t) {
  token next = peek(p);
  pi_field field = PI_PROTO;
  bool state = pi__word_find(PI_STATE, t->text, t->length) >= 0;
  if (state) field = PI_STATE;
  pi__fail(p->err, PI_EINVAL, 0,
           "\",\" is for sets: write %s in {%.*s, %.*s}, and quote it in a "
           "shell",
           pi_field_describe(field)->name, shown(t), t->text, shown(&next),
           next.text);
}

static pi_filter *wrong_word(parser *p, const token *t) {
  if (complain_field(p, t) || complain_ambiguous(p, t)) return point(p, t);
  const char *near = nearest_word(t);
  if (near != NULL) {
    pi__fail(p->err, PI_EINVAL, 0,
             "unknown word \"%.*s\": did you mean \"%s\"?", shown(t), t->text,
             near);
  } else if (complain_value(p, t) || complain_address(p, t)) {
    return point(p, t);
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
  return point(p, t);
}

/* ---- Tests, not, and, or ------------------------------------------------ */

static pi_filter *parse_or(parser *p);

static pi_filter *parse_test(parser *p) {
  token t = p->token;
  sides s;
  if (t.kind == QUOTED) {
    return wrong(p, &t, "a quoted text is a value: write FIELD = 'text'");
  }
  if (t.kind == COMMA) return wrong(p, &t, "is only for sets, as in {80, 443}");
  bool joins = is_word(&t, "and") || is_word(&t, "or") || is_word(&t, "in");
  if (t.kind != WORD || joins) return wrong(p, &t, "a test is missing");
  if (is_word(&t, "known")) return parse_known(p);
  s.count = pi__fields_find(t.text, t.length, s.fields);
  if (s.count > 0) return parse_field(p, &s);
  p->err->code = 0;
  pi_filter *f = pi__flag(t.text, t.length, p->err);
  if (f == NULL && p->err->code == 0)
    f = pi__endpoint(t.text, t.length, p->err);
  if (f == NULL && p->err->code != 0) return point(p, &t);
  if (f == NULL) return wrong_word(p, &t);
  advance(p);
  p->field.kind = END;
  if (p->token.kind != COMMA) return f;
  pi_filter_free(f);
  complain_comma(p, &t);
  return point(p, &p->token);
}

static pi_filter *too_deep(parser *p) {
  pi__fail(p->err, PI_EINVAL, 0, "deeper than %d levels", DEEPEST);
  return point(p, &p->token);
}

static pi_filter *parse_not(parser *p) {
  if (p->token.kind == BANG || is_word(&p->token, "not")) {
    if (++p->depth > DEEPEST) return too_deep(p);
    advance(p);
    pi_filter *f = negate(p, parse_not(p));
    p->depth--;
    return f;
  }
  if (p->token.kind != OPEN) return parse_test(p);
  if (++p->depth > DEEPEST) return too_deep(p);
  token open = p->token;
  advance(p);
  pi_filter *f = parse_or(p);
  p->depth--;
  if (f == NULL) return NULL;
  if (p->token.kind != CLOSE) {
    pi_filter_free(f);
    if (p->token.kind != END) {
      return wrong(p, &p->token, "expected a test, and, or, or )");
    }
    pi__fail(p->err, PI_EINVAL, 0, "a ( that is never closed");
    return point(p, &open);
  }
  advance(p);
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

static bool starts_test(const token *t) {
  if (t->kind == WORD) return !is_word(t, "or") && !is_word(t, "and");
  return t->kind == QUOTED || t->kind == OPEN || t->kind == BANG;
}

static pi_filter *parse_and(parser *p, neighbours *first) {
  size_t chain = p->token.at;
  pi_filter *f = parse_not(p);
  while (f != NULL) {
    if (p->token.kind == AND || is_word(&p->token, "and")) {
      advance(p);
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
static pi_filter *wrong_neighbours(parser *p, const neighbours *n, size_t start,
                                   size_t end) {
  const char *s = p->text;
  int left = (int)(n->left_end - n->chain), right = (int)(end - n->right);
  if (end - start > 3 * SHOWN) {
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

static pi_filter *parse_or(parser *p) {
  neighbours first = {0};
  size_t start = p->token.at;
  bool several = false;
  pi_filter *f = parse_and(p, &first);
  while (f != NULL && (p->token.kind == OR || is_word(&p->token, "or"))) {
    several = true;
    advance(p);
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
  pi_error local;
  if (err == NULL) err = &local;
  *err = (pi_error){0};
  int rc = check_text(text, length, err);
  if (rc != 0) return rc;
  parser p = {.text = text, .length = length, .err = err};
  if (find_stray(&p)) return err->code;
  advance(&p);
  if (p.token.kind == END) {  // nothing said: every row
    *ret = pi__node_new(PI__NODE_ALL, 0);
    return *ret == NULL ? pi__nomem(err) : 0;
  }
  pi_filter *f = parse_or(&p);
  if (f != NULL && p.token.kind != END) {
    pi_filter_free(f);
    f = wrong(&p, &p.token,
              p.token.kind == CLOSE ? "nothing is open here"
                                    : "expected a test, and, or");
  }
  if (f == NULL) return err->code;
  *ret = f;
  return 0;
}
