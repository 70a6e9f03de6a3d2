/* utf8.h: characters in bytes that nobody vouches for. */
#ifndef PI_CORE_UTF8_H
#define PI_CORE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of the well-formed character (RFC 3629) at `text`, its code point in
 * *point; 0 where there is none. `length` is at least 1. */
size_t pi__utf8_read(const char *text, size_t length, uint32_t *point);

#endif
