/* address.c: addresses as text (RFC 5952, RFC 4291 section 2.2) and back. */
#include "../portinfo.h"

#include <string.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool pi_address_is_v4(const pi_address *address) {
  return memcmp(address->bytes, mapped, sizeof mapped) == 0;
}

static char *put_decimal(char *p, unsigned n) {
  if (n >= 100) *p++ = (char)('0' + n / 100);
  if (n >= 10) *p++ = (char)('0' + n / 10 % 10);
  *p++ = (char)('0' + n % 10);
  return p;
}

static char *put_quad(char *p, const uint8_t *bytes) {
  for (int i = 0; i < 4; i++) {
    if (i > 0) *p++ = '.';
    p = put_decimal(p, bytes[i]);
  }
  return p;
}

static char *put_hex(char *p, unsigned n) {
  bool leading = true;
  for (int shift = 12; shift >= 0; shift -= 4) {
    unsigned digit = n >> shift & 15;
    if (digit == 0 && leading && shift > 0) continue;
    leading = false;
    *p++ = "0123456789abcdef"[digit];
  }
  return p;
}

/* The longest run of two or more zero words, the first of equals. */
static int longest_zeros(const unsigned words[8], int *length) {
  int best = -1;
  *length = 1;
  for (int i = 0; i < 8;) {
    int run = 0;
    while (i + run < 8 && words[i + run] == 0) run++;
    if (run > *length) {
      best = i;
      *length = run;
    }
    i += run > 0 ? run : 1;
  }
  return best;
}

static char *put_v6(char *p, const uint8_t *bytes) {
  unsigned words[8];
  for (int i = 0; i < 8; i++) {
    words[i] = (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
  }
  int length;
  int zeros = longest_zeros(words, &length);
  for (int i = 0; i < 8; i++) {
    if (i == zeros) {
      *p++ = ':';
      *p++ = ':';
      i += length - 1;
      continue;
    }
    if (i > 0 && p[-1] != ':') *p++ = ':';
    p = put_hex(p, words[i]);
  }
  return p;
}

size_t pi_address_format(const pi_address *address,
                         char text[PI_ADDRESS_TEXT]) {
  char *end = pi_address_is_v4(address) ? put_quad(text, address->bytes + 12)
                                        : put_v6(text, address->bytes);
  *end = '\0';
  return (size_t)(end - text);
}

/* Reads four decimal parts without leading zeros, which some read as octal. */
static bool parse_quad(const char *text, size_t length, uint8_t bytes[4]) {
  size_t at = 0;
  for (int part = 0; part < 4; part++) {
    if (part > 0 && (at >= length || text[at++] != '.')) return false;
    size_t start = at;
    unsigned n = 0;
    while (at < length && text[at] >= '0' && text[at] <= '9' && at < start + 3)
      n = n * 10 + (unsigned)(text[at++] - '0');
    if (at == start || n > 255) return false;
    if (at > start + 1 && text[start] == '0') return false;
    bytes[part] = (uint8_t)n;
  }
  return at == length;
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* One group of up to four hex digits at *at; false if there is none. */
static bool parse_group(const char *text, size_t length, size_t *at,
                        uint8_t bytes[2]) {
  unsigned n = 0;
  size_t start = *at;
  while (*at < length && hex_digit(text[*at]) >= 0) {
    if (*at - start == 4) return false;
    n = n << 4 | (unsigned)hex_digit(text[(*at)++]);
  }
  bytes[0] = (uint8_t)(n >> 8);
  bytes[1] = (uint8_t)(n & 255);
  return *at > start;
}

/* Is what starts here a dotted quad rather than a group of hex digits? */
static bool quad_starts(const char *text, size_t length, size_t at) {
  while (at < length && text[at] >= '0' && text[at] <= '9') at++;
  return at < length && text[at] == '.';
}

static bool parse_v6(const char *text, size_t length, uint8_t bytes[16]) {
  uint8_t buffer[16] = {0};
  size_t at = 0, filled = 0, gap = SIZE_MAX;
  if (length >= 2 && text[0] == ':' && text[1] == ':') {
    gap = 0;
    at = 2;
  }
  while (at < length) {
    if (quad_starts(text, length, at)) {
      if (filled > 12) return false;
      if (!parse_quad(text + at, length - at, buffer + filled)) return false;
      filled += 4;
      at = length;
      break;
    }
    if (filled > 14) return false;
    if (!parse_group(text, length, &at, buffer + filled)) return false;
    filled += 2;
    if (at == length) break;
    if (text[at++] != ':' || at == length) return false;
    if (text[at] != ':') continue;
    if (gap != SIZE_MAX) return false;
    gap = filled;
    at++;
  }
  if (gap == SIZE_MAX ? filled != 16 : filled > 14) return false;
  memset(bytes, 0, 16);
  if (gap == SIZE_MAX) gap = filled;
  memcpy(bytes, buffer, gap);
  memcpy(bytes + 16 - (filled - gap), buffer + gap, filled - gap);
  return true;
}

bool pi_address_parse(const char *text, size_t length, pi_address *ret) {
  uint8_t bytes[16];
  if (memchr(text, ':', length) != NULL) {
    if (!parse_v6(text, length, bytes)) return false;
  } else {
    memcpy(bytes, mapped, sizeof mapped);
    if (!parse_quad(text, length, bytes + 12)) return false;
  }
  memcpy(ret->bytes, bytes, sizeof bytes);
  return true;
}
