/* token.h: the words of a filter, and where the parser stands among them. */
#ifndef PI_CORE_TOKEN_H
#define PI_CORE_TOKEN_H

#include "filter.h"

typedef enum pi__lexeme {
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
} pi__lexeme;

typedef struct pi__token {
  pi__lexeme kind;
  const char *text; /* of QUOTED: between the quotes */
  size_t length;
  size_t at, end; /* bytes of the filter */
} pi__token;

typedef struct pi__parser {
  const char *text;
  size_t length;
  size_t next;     /* behind `token` */
  pi__token token; /* the current one */
  size_t last_end; /* of the token before it */
  unsigned depth;
  pi_error *err;
  /* the field that stood alone, or was compared, just before: for hints */
  pi__token field, value;
  bool compared;
} pi__parser;

/* The token that begins at or behind `at`. */
pi__token pi__token_read(const pi__parser *p, size_t at);

/* Goes on to the next token; looks at it without going on. */
void pi__token_next(pi__parser *p);
pi__token pi__token_peek(const pi__parser *p);

/* Is it this word (lower case), unquoted? */
bool pi__token_is(const pi__token *t, const char *word);

/* The operator that a token is, also in words (eq ne lt le gt ge), or its kind.
 */
pi__lexeme pi__token_operator(const pi__token *t);

/* ---- Complaints -----------------------------------------------------------
 */

/* All return NULL, with the mistake and its bytes in *p->err. */

pi_filter *pi__complain(pi__parser *p, const pi__token *t, const char *what);

/* Only notes which bytes are meant by the error that is there. */
pi_filter *pi__complain_at(pi__parser *p, const pi__token *t);

/* Of a word that is neither a field nor a flag: what was probably meant. */
pi_filter *pi__complain_word(pi__parser *p, const pi__token *t);

/* Of the comma behind the word `t`. */
pi_filter *pi__complain_comma(pi__parser *p, const pi__token *t);

/* Of an endpoint `t` right behind a field of a port or an address. */
pi_filter *pi__complain_side(pi__parser *p, const pi__token *t, pi_field field);

/* Of two values where one belongs: the token behind p->value's comma. */
pi_filter *pi__complain_values(pi__parser *p);

#endif
