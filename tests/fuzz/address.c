/* address.c: any bytes at all, as an address and as the value of a filter.
 *
 * What is an address to inet_pton(3) is one here, with the same bytes, and what
 * is one here is one there. What was written is read as it was. A block of a
 * filter has the addresses that begin as it does, and no others.
 *
 * An input is an address of 16 bytes, and a text.
 */
#include "fuzz.h"

#include "../c/script.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <sys/socket.h>

/* ---- Texts --------------------------------------------------------------- */

/* What the C library takes it for. */
static bool by_the_library(const char *text, pi_address *ret) {
  static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
  if (strchr(text, ':') != NULL) {
    return inet_pton(AF_INET6, text, ret->bytes) == 1;
  }
  memcpy(ret->bytes, mapped, sizeof mapped);
  return inet_pton(AF_INET, text, ret->bytes + sizeof mapped) == 1;
}

static bool is_same(const pi_address *a, const pi_address *b) {
  return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static void is_read_as_written(const pi_address *a) {
  char text[PI_ADDRESS_TEXT], others[INET6_ADDRSTRLEN];
  pi_address again;
  size_t length = pi_address_format(a, text);
  must(length == strlen(text) && length < sizeof text);
  for (size_t i = 0; i < length; i++) must(!isupper((unsigned char)text[i]));
  must(pi_address_parse(text, length, &again) && is_same(a, &again));
  // the library writes IPv4 into some that RFC 5952 does not call IPv4
  must(inet_ntop(AF_INET6, a->bytes, others, sizeof others) != NULL);
  must(strchr(others, '.') != NULL || strcmp(text, others) == 0);
}

static void is_taken_as_elsewhere(const char *text, size_t length) {
  pi_address ours, theirs;
  bool taken = pi_address_parse(text, length, &ours);
  if (taken) is_read_as_written(&ours);
  if (memchr(text, '\0', length) != NULL) {
    must(!taken);
    return;
  }
  char *ended = text_of_bytes(text, length);
  must(by_the_library(ended, &theirs) == taken);
  must(!taken || is_same(&ours, &theirs));
  free(ended);
}

/* ---- Blocks -------------------------------------------------------------- */

/* ADDRESS or ADDRESS/BITS; false if it is neither, or written in a short form.
 * *bits are of 128. */
static bool read_block(char *text, pi_address *ret, unsigned *bits) {
  char *slash = strchr(text, '/'), *end;
  if (slash != NULL) *slash = '\0';
  if (!by_the_library(text, ret)) return false;
  unsigned offset = strchr(text, ':') == NULL ? 96 : 0;
  *bits = 128;
  if (slash == NULL) return true;
  size_t digits = strspn(slash + 1, "0123456789");
  if (digits == 0 || digits > 3 || slash[1 + digits] != '\0') return false;
  *bits = offset + (unsigned)strtoul(slash + 1, &end, 10);
  return *bits <= 128;
}

/* Has it the block's first bits, and is of the block's family? IPv4 is only
 * mapped into IPv6. */
static bool belongs(const pi_address *a, const pi_address *block,
                    unsigned bits) {
  pi_address network = *block;
  for (unsigned i = 0; i < 128; i++) {
    uint8_t bit = (uint8_t)(0x80 >> i % 8);
    if (i >= bits) network.bytes[i / 8] &= (uint8_t)~bit;
    if (i < bits && (a->bytes[i / 8] ^ block->bytes[i / 8]) & bit) return false;
  }
  return pi_address_is_v4(a) == pi_address_is_v4(&network);
}

/* The address of the only socket there is, tested with a block. */
static bool is_within(const pi_filter *f, const pi_address *a) {
  script.count = 0;
  script_row *r = script_socket(PI_STATE_LISTEN, "::", 1);
  r->row.laddr = *a;
  r->row.family = pi_address_is_v4(a) ? PI_FAMILY_4 : PI_FAMILY_6;
  pi_snapshot *s = script_take(PI_GROUP_SOCKET);
  pi_truth t = pi_filter_test(f, s, 0);
  pi_snapshot_free(s);
  must(t != PI_UNDECIDED);
  return t == PI_TRUE;
}

static void has_it_or_not(const pi_filter *f, const pi_address *a,
                          const pi_address *block, unsigned bits) {
  must(is_within(f, a) == belongs(a, block, bits));
}

/* The address as it is, and with a bit turned on either side of the edge. */
static void has_its_edges(const pi_filter *f, const pi_address *block,
                          unsigned bits) {
  has_it_or_not(f, block, block, bits);
  for (unsigned i = bits > 0 ? bits - 1 : 0; i <= bits && i < 128; i++) {
    pi_address a = *block;
    a.bytes[i / 8] ^= (uint8_t)(0x80 >> i % 8);
    has_it_or_not(f, &a, block, bits);
  }
}

static void is_tested_as_elsewhere(const char *text, size_t length,
                                   const pi_address *any) {
  pi_address block;
  unsigned bits;
  pi_filter *f = NULL;
  if (length > 64 || memchr(text, '\0', length) != NULL) return;
  char filter[128];
  int n = snprintf(filter, sizeof filter, "laddr = %.*s", (int)length, text);
  char *ended = text_of_bytes(text, length);
  if (read_block(ended, &block, &bits)) {
    must(pi_filter_parse(filter, (size_t)n, &f, NULL) == 0);
    has_it_or_not(f, any, &block, bits);
    has_its_edges(f, &block, bits);
    pi_filter_free(f);
  }
  free(ended);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  setenv("CMOCKA_TEST_ABORT", "1", 1);
  script_reset();
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  pi_address any;
  if (size < sizeof any.bytes) return 0;
  memcpy(any.bytes, data, sizeof any.bytes);
  is_read_as_written(&any);
  size_t length = size - sizeof any.bytes;
  char *text = copy_of(data + sizeof any.bytes, length);
  is_taken_as_elsewhere(text, length);
  is_tested_as_elsewhere(text, length, &any);
  free(text);
  return 0;
}
