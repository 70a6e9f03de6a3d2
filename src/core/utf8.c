/* utf8.c: strict decoding: no overlong forms, surrogates or stray bytes. */
#include "utf8.h"

static size_t sequence_length(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xc2) return 0;
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf5 ? 4 : 0;
}

size_t pi__utf8_read(const char *text, size_t length, uint32_t *point) {
  static const uint8_t lead_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  uint8_t lead = (uint8_t)text[0];
  size_t n = sequence_length(lead);
  if (n == 0 || n > length) return 0;
  uint32_t c = lead & lead_bits[n];
  for (size_t i = 1; i < n; i++) {
    uint8_t byte = (uint8_t)text[i];
    if ((byte & 0xc0) != 0x80) return 0;
    c = c << 6 | (byte & 0x3f);
  }
  if (n == 3 && (c < 0x800 || (c >= 0xd800 && c <= 0xdfff))) return 0;
  if (n == 4 && (c < 0x10000 || c > 0x10ffff)) return 0;
  *point = c;
  return n;
}
