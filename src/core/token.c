/* token.c: cuts a filter into words, quoted text and operators. */
#include "token.h"
#include "schema.h"

#include <string.h>

static bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n';
}

static bool ends_word(char c) {
  return is_space(c) || strchr("(){},'\"=!<>&|", c) != NULL;
}

static pi__token make_token(const pi__parser *p, pi__lexeme what, size_t at,
                            size_t length) {
  return (pi__token){what, p->text + at, length, at, at + length};
}

/* An operator of one or two characters at `at`. */
static pi__token take_operator(const pi__parser *p, size_t at) {
  static const struct {
    char text[3];
    pi__lexeme kind;
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

static pi__token take_quoted(const pi__parser *p, size_t at) {
  const char *close = memchr(p->text + at + 1, p->text[at], p->length - at - 1);
  if (close == NULL) return make_token(p, STRAY, at, p->length - at);
  size_t length = (size_t)(close - p->text) - at - 1;
  return (pi__token){QUOTED, p->text + at + 1, length, at, at + length + 2};
}

pi__token pi__token_read(const pi__parser *p, size_t at) {
  while (at < p->length && is_space(p->text[at])) at++;
  if (at == p->length) return make_token(p, END, at, 0);
  char c = p->text[at];
  if (c == '\'' || c == '"') return take_quoted(p, at);
  if (ends_word(c)) return take_operator(p, at);
  size_t end = at;
  while (end < p->length && !ends_word(p->text[end])) end++;
  return make_token(p, WORD, at, end - at);
}

void pi__token_next(pi__parser *p) {
  p->last_end = p->token.end;
  p->token = pi__token_read(p, p->next);
  p->next = p->token.end;
}

pi__token pi__token_peek(const pi__parser *p) {
  return pi__token_read(p, p->next);
}

bool pi__token_is(const pi__token *t, const char *word) {
  return t->kind == WORD && pi__same_word(word, t->text, t->length);
}

/* For shells, where < writes a file. */
pi__lexeme pi__token_operator(const pi__token *t) {
  static const struct {
    const char *word;
    pi__lexeme kind;
  } words[] = {{"eq", EQUAL},      {"ne", DIFFERENT}, {"lt", LESS},
               {"le", LESS_EQUAL}, {"gt", GREATER},   {"ge", GREATER_EQUAL}};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (pi__token_is(t, words[i].word)) return words[i].kind;
  }
  return t->kind;
}
