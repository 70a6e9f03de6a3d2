/* trust.h: who can have put a file where it is. */
#ifndef PI_REPL_TRUST_H
#define PI_REPL_TRUST_H

#include <sys/stat.h>

/* Why somebody else can have written what is in this file, or NULL. */
const char *trust_why_not_file(const struct stat *st);

/* Why somebody else can have chosen what this absolute path leads to, or NULL:
 * it, and each folder and link on the way, and behind links, is ours or root's,
 * and others cannot write to it. What is not there yet is nobody's. */
const char *trust_why_not_path(const char *path);

#endif
