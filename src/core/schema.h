/* schema.h: words and fields by name, for core's readers of text. */
#ifndef PI_CORE_SCHEMA_H
#define PI_CORE_SCHEMA_H

#include "../portinfo.h"

/* The PI_TRANSPORT_* by whose names a protocol's ports are known; 0: none. It
 * is asked of many rows in a loop. */
static inline unsigned pi__transport(pi_proto proto) {
  static const uint8_t transports[PI_PROTOS] = {
      [PI_PROTO_TCP] = PI_TRANSPORT_TCP,
      [PI_PROTO_UDP] = PI_TRANSPORT_UDP,
      // RFC 3828, section 3: a port of UDP is the same service over UDP-Lite
      [PI_PROTO_UDPLITE] = PI_TRANSPORT_UDP,
      [PI_PROTO_SCTP] = PI_TRANSPORT_SCTP,
      // RFC 8684: what offers MPTCP is a connection of TCP first
      [PI_PROTO_MPTCP] = PI_TRANSPORT_TCP,
  };
  return transports[proto];
}

/* Is `text` this lower-case word, case ignored and `_` as `-`? */
bool pi__same_word(const char *word, const char *text, size_t length);

/* The index of a word in the list of a PI_TYPE_WORD field, or -1. Takes the
 * spellings of ss as well. */
int pi__word_find(pi_field field, const char *text, size_t length);

/* The fields that a name means: one, or both sides of `port` and `addr`.
 * Returns how many, 0 for no field. */
size_t pi__fields_find(const char *name, size_t length, pi_field fields[2]);

#endif
