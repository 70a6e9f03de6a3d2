/* schema.h: words and fields by name, for core's readers of text. */
#ifndef PI_CORE_SCHEMA_H
#define PI_CORE_SCHEMA_H

#include "../portinfo.h"

/* Is `text` this lower-case word, case ignored and `_` as `-`? */
bool pi__same_word(const char *word, const char *text, size_t length);

/* The index of a word in the list of a PI_TYPE_WORD field, or -1. Takes the
 * spellings of ss as well. */
int pi__word_find(pi_field field, const char *text, size_t length);

/* The fields that a name means: one, or both sides of `port` and `addr`.
 * Returns how many, 0 for no field. */
size_t pi__fields_find(const char *name, size_t length, pi_field fields[2]);

#endif
