/* registry.c: what the tables of generate.c say of a port or a name.
 *
 * Everything is constant, so all of it may be asked by any thread. A port's
 * facts are one list (registry.h); names are found by halving.
 */
#include "registry.h"

#include <string.h>

static const uint16_t *facts_of(uint16_t port) {
  return &pi__facts[pi__port_facts[port]];
}

static unsigned count_of(const uint16_t *facts, unsigned shift) {
  return facts[0] >> shift & PI__FACTS_MASK;
}

static const uint16_t *records_of(const uint16_t *facts) {
  return facts + PI__FACTS_FIRST;
}

static const uint16_t *uses_of(const uint16_t *facts) {
  return records_of(facts) + count_of(facts, PI__FACTS_RECORDS);
}

static const uint16_t *risks_of(const uint16_t *facts) {
  return uses_of(facts) + count_of(facts, PI__FACTS_USES);
}

/* Does a row that names these transports, or none, answer a question about
 * those wanted? */
static bool concerns(uint8_t transports, unsigned wanted) {
  return transports == 0 || (transports & wanted) != 0;
}

/* ---- Ports -------------------------------------------------------------- */

pi_range pi_port_range(uint16_t port) {
  return (pi_range)((port >= 1024) + (port >= 49152));  // nothing to guess
}

pi_status pi_port_status(uint16_t port, unsigned transport) {
  unsigned i = transport / 2 - transport / 8;  // of the bits 1 2 4 8
  unsigned statuses = facts_of(port)[1] >> i * PI__FACTS_STATUS_BITS;
  return (pi_status)(statuses & ((1u << PI__FACTS_STATUS_BITS) - 1));
}

const char *pi_port_name(uint16_t port, unsigned transport, unsigned i) {
  const uint16_t *facts = facts_of(port), *records = records_of(facts);
  for (unsigned k = 0; k < count_of(facts, PI__FACTS_RECORDS); k++) {
    const pi__record_row *row = &pi__records[records[k]];
    if (row->status != PI_STATUS_ASSIGNED) continue;
    if (concerns(row->transports, transport) && i-- == 0)
      return pi__string(row->name);
  }
  return NULL;
}

bool pi_port_record(uint16_t port, unsigned transports, unsigned i,
                    pi_record *ret) {
  const uint16_t *facts = facts_of(port), *records = records_of(facts);
  for (unsigned k = 0; k < count_of(facts, PI__FACTS_RECORDS); k++) {
    if (!concerns(pi__records[records[k]].transports, transports)) continue;
    if (i-- > 0) continue;
    pi__record_at(records[k], ret);
    return true;
  }
  return false;
}

bool pi_port_use(uint16_t port, unsigned transports, unsigned i, pi_use *ret) {
  const uint16_t *facts = facts_of(port), *uses = uses_of(facts);
  for (unsigned k = 0; k < count_of(facts, PI__FACTS_USES); k++) {
    if (!concerns(pi__uses[uses[k]].transports, transports)) continue;
    if (i-- > 0) continue;
    pi__use_at(uses[k], ret);
    return true;
  }
  return false;
}

bool pi_port_risk(uint16_t port, unsigned transports, unsigned i,
                  pi_risk *ret) {
  const uint16_t *facts = facts_of(port), *risks = risks_of(facts);
  for (unsigned k = 0; k < count_of(facts, PI__FACTS_RISKS); k++) {
    const pi__risk_row *row = &pi__risks[risks[k]];
    if (!concerns(row->transports, transports) || i-- > 0) continue;
    *ret = (pi_risk){.first = row->first,
                     .last = row->last,
                     .transports = row->transports,
                     .id = pi__string(row->id),
                     .service = pi__string(row->service),
                     .risk = pi__string(row->risk),
                     .why = pi__string(row->why),
                     .source = pi__string(row->source)};
    return true;
  }
  return false;
}

bool pi_port_blocked(uint16_t port) {
  return (facts_of(port)[0] & PI__FACTS_BLOCKED) != 0;
}

/* ---- Names -------------------------------------------------------------- */

/* How a name in lower case stands to a word of any case: below 0, 0 or above,
 * looking at the bytes of the word alone. */
static int compare(const char *name, const char *word, size_t length) {
  for (size_t i = 0; i < length; i++) {
    int order = (unsigned char)name[i] - pi__lower(word[i]);
    // a NUL in the word is equal to the name's end, but goes on behind it
    if (order != 0 || name[i] == '\0') return order ? order : -1;
  }
  return 0;
}

size_t pi_service_count(void) {
  return pi__name_count;
}

const char *pi_service_at(size_t i) {
  return i < pi__name_count ? pi__string(pi__names[i].name) : NULL;
}

size_t pi_service_lower_bound(const char *prefix, size_t length) {
  size_t low = 0, high = pi__name_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (compare(pi__string(pi__names[middle].name), prefix, length) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

bool pi_service_record(const char *name, size_t length, unsigned i,
                       pi_record *ret) {
  size_t at = pi_service_lower_bound(name, length);
  if (at == pi__name_count) return false;
  const char *found = pi__string(pi__names[at].name);
  if (compare(found, name, length) != 0 || found[length] != '\0') return false;
  unsigned first = pi__names[at].records;
  if (i >= pi__names[at + 1].records - first) return false;
  pi__record_at(pi__name_records[first + i], ret);
  return true;
}

bool pi_service_use(const char *id, size_t length, unsigned i, pi_use *ret) {
  for (size_t k = 0; k < pi__use_count; k++) {
    const char *own = pi__string(pi__uses[k].id);
    if (strlen(own) != length || compare(own, id, length) != 0) continue;
    if (i-- > 0) continue;
    pi__use_at(k, ret);
    return true;
  }
  return false;
}

/* ---- The rest ----------------------------------------------------------- */

bool pi_ephemeral_range(unsigned i, pi_ephemeral *ret) {
  if (i >= pi__ephemeral_count) return false;
  const pi__ephemeral_row *row = &pi__ephemerals[i];
  *ret = (pi_ephemeral){.system = pi__string(row->system),
                        .versions = pi__string(row->versions),
                        .first = row->first,
                        .last = row->last,
                        .transports = row->transports,
                        .setting = pi__string(row->setting),
                        .note = pi__string(row->note),
                        .source = pi__string(row->source)};
  return true;
}

const char *pi_registry_date(void) {
  return pi__string(pi__date);
}

void pi__record_at(size_t i, pi_record *ret) {
  const pi__record_row *row = &pi__records[i];
  *ret = (pi_record){.has_port = i < pi__records_with_port,
                     .first = row->first,
                     .last = row->last,
                     .transports = row->transports,
                     .status = (pi_status)row->status,
                     .name = pi__string(row->name),
                     .description = pi__string(row->description),
                     .assignee = pi__string(row->assignee),
                     .registered = pi__string(row->registered),
                     .modified = pi__string(row->modified),
                     .references = pi__string(row->references),
                     .alias_of = pi__string(row->alias_of),
                     .note = pi__string(row->note),
                     .unauthorized = pi__string(row->unauthorized)};
}

void pi__use_at(size_t i, pi_use *ret) {
  const pi__use_row *row = &pi__uses[i];
  *ret = (pi_use){.first = row->first,
                  .last = row->last,
                  .transports = row->transports,
                  .id = pi__string(row->id),
                  .software = pi__string(row->software),
                  .category = pi__string(row->category),
                  .use = pi__string(row->use),
                  .evidence = pi__string(row->evidence),
                  .source = pi__string(row->source)};
}
