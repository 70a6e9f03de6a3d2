/* registry.h: the shape of the constant tables that generate.c makes of data/,
 * and what the files of this folder share.
 *
 * The tables hold numbers only, no pointers: nothing is relocated when the
 * library is loaded, and all processes share the same pages.
 */
#ifndef PI_REGISTRY_H
#define PI_REGISTRY_H

#include "../portinfo.h"

/* Bounds that the generator keeps, so that readers may size their arrays. */
enum {
  PI__MAX_RECORDS = 16384,
  PI__MAX_USES = 2048,
  PI__MAX_RISKS = 2048,
  PI__PORTS = 65536,
};

/* The number of a text; 0 is "". */
typedef uint16_t pi__text;

typedef struct pi__record_row {
  uint16_t first, last; /* 0 without a port */
  pi__text name, description, assignee, registered, modified, references,
      alias_of, note, unauthorized;
  uint8_t transports, status;
} pi__record_row;

typedef struct pi__use_row {
  uint16_t first, last;
  pi__text id, software, category, use, evidence, source;
  uint8_t transports;
} pi__use_row;

typedef struct pi__risk_row {
  uint16_t first, last;
  pi__text id, service, risk, why, source;
  uint8_t transports;
} pi__risk_row;

typedef struct pi__ephemeral_row {
  uint16_t first, last;
  pi__text system, versions, setting, note, source;
  uint8_t transports;
} pi__ephemeral_row;

/* A distinct name in lower case; the numbers of its records begin at
 * pi__name_records[records] and end where those of the next name begin. */
typedef struct pi__name_row {
  pi__text name;
  uint16_t records;
} pi__name_row;

/* Text t begins at pi__pool[pi__texts[t]] and ends with a NUL. */
extern const unsigned char pi__pool[];
extern const uint32_t pi__texts[];

/* By first, last and registry order; those without a port last, by name. */
extern const pi__record_row pi__records[];
extern const uint16_t pi__record_count, pi__records_with_port;

/* By first. */
extern const pi__use_row pi__uses[];
extern const pi__risk_row pi__risks[];
extern const uint16_t pi__use_count, pi__risk_count;

/* As in data/ephemeral.tsv. */
extern const pi__ephemeral_row pi__ephemerals[];
extern const uint16_t pi__ephemeral_count;

/* Sorted by byte; one row more than there are names ends the last list. */
extern const pi__name_row pi__names[];
extern const uint16_t pi__name_records[];
extern const uint16_t pi__name_count;

extern const pi__text pi__date;

/* All that is said of a port p: pi__facts[pi__port_facts[p]] is a head that
 * counts, behind it stands the pi_status of each transport, and then the
 * numbers of so many records, uses and risks. Neighbours of which the same is
 * said share one list. */
extern const uint16_t pi__port_facts[PI__PORTS];
extern const uint16_t pi__facts[];

enum {
  PI__FACTS_RECORDS = 0, /* shift of each count, 5 bits wide, in the head */
  PI__FACTS_USES = 5,
  PI__FACTS_RISKS = 10,
  PI__FACTS_MASK = 31,
  PI__FACTS_BLOCKED = 1 << 15,
  PI__FACTS_FIRST = 2,       /* where the records begin */
  PI__FACTS_STATUS_BITS = 3, /* for each transport, that of bit 0 first */
};

/* A text by its number. */
static inline const char *pi__string(pi__text text) {
  return (const char *)(pi__pool + pi__texts[text]);
}

/* ASCII whatever the locale says. */
static inline unsigned char pi__lower(char c) {
  unsigned char byte = (unsigned char)c;
  return byte >= 'A' && byte <= 'Z' ? (unsigned char)(byte + 32) : byte;
}

/* Rows of the tables as the API hands them out. */
void pi__record_at(size_t i, pi_record *ret);
void pi__use_at(size_t i, pi_use *ret);

#endif
