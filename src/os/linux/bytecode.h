/* bytecode.h: what inet_diag tests for us before it copies a socket. */
#ifndef PI_OS_LINUX_BYTECODE_H
#define PI_OS_LINUX_BYTECODE_H

#include "../../core/collect.h"

#include <linux/inet_diag.h>

/* Room for PI__MOST_STEPS and the mark of a chosen port. */
enum { PI__BYTECODE_SIZE = PI__MOST_STEPS * 32 + 32 };

/* Writes the code of steps (in postfix order; none: everything passes) and of
 * whose port is of this choice; returns its length in bytes, a multiple of
 * four, 0 for no test. `code` is aligned as a uint32_t. */
size_t pi__bytecode(const pi_host *host, const pi__step *steps, size_t count,
                    pi__port_choice choice, char code[PI__BYTECODE_SIZE]);

#endif
