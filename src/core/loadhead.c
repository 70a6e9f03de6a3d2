/* loadhead.c: the first line of a saved reading: which fields, how many rows,
 * of which host, and how well it was seen. */
#include "load.h"

#include <limits.h>
#include <string.h>

typedef struct head {
  pi__span kind, filter, filter_bytes;
  uint64_t fields, rows;
} head;

/* ---- The host ----------------------------------------------------------- */

/* Reads [first, last]. */
static int load_span(pi__loader *l, const char *name, uint16_t span[2]) {
  if (!pi__json_enter(&l->json, '[')) {
    return pi__load_unfit(l, name, "a range, as in [1,2]");
  }
  size_t n = 0;
  for (; pi__json_element(&l->json, n == 0); n++) {
    if (n == 2) return pi__load_fail(l, "%s: a range has two ends", name);
    int rc = pi__load_port(l, name, &span[n]);
    if (rc != 0) return rc;
  }
  if (l->json.wrong != NULL) return pi__load_unfit(l, name, "");
  if (n < 2) return pi__load_fail(l, "%s: a range has two ends", name);
  if (span[0] <= span[1]) return 0;
  return pi__load_fail(l, "%s: [%u,%u] runs backwards", name, (unsigned)span[0],
                       (unsigned)span[1]);
}

static int load_ephemeral(pi__loader *l, const char *name, void *to) {
  pi_host *host = to;
  uint16_t span[2];
  int rc = load_span(l, name, span);
  if (rc != 0) return rc;
  host->ephemeral_known = true;
  host->ephemeral_first = span[0];
  host->ephemeral_last = span[1];
  return 0;
}

static int load_unprivileged(pi__loader *l, const char *name, void *to) {
  pi_host *host = to;
  uint64_t start = 0;
  int rc = pi__load_number(l, name, 65536, &start);  // 65536: none is
  if (rc != 0) return rc;
  host->unprivileged_known = true;
  host->unprivileged_start = (uint32_t)start;
  return 0;
}

static int load_reserved(pi__loader *l, const char *name, void *to) {
  pi_host *host = to;
  if (!pi__json_enter(&l->json, '[')) {
    return pi__load_unfit(l, name, "a list of ranges");
  }
  unsigned next = 0;  // in order, so that a long list costs no more than it is
  for (bool first = true; pi__json_element(&l->json, first); first = false) {
    uint16_t span[2];
    int rc = load_span(l, name, span);
    if (rc != 0) return rc;
    if (span[0] < next) {
      return pi__load_fail(l, "%s: port %u is out of order", name,
                           (unsigned)span[0]);
    }
    for (unsigned port = span[0]; port <= span[1]; port++) {
      host->reserved[port / 8] |= (uint8_t)(1u << port % 8);
    }
    next = span[1] + 1u;
  }
  host->reserved_known = true;
  return l->json.wrong == NULL ? 0 : pi__load_unfit(l, name, "");
}

typedef struct netns {
  pi_host host;
  pi__span name, name_bytes;
} netns;

static int load_netns(pi__loader *l, const char *name, pi__netns *to) {
  enum { NETNS, EPHEMERAL, UNPRIVILEGED, RESERVED, NAME, NAME_BYTES };
  static const pi__key keys[] = {
      [NETNS] = {"netns", pi__load_u64, offsetof(netns, host.netns)},
      [EPHEMERAL] = {"ephemeral", load_ephemeral, 0},
      [UNPRIVILEGED] = {"unprivileged_start", load_unprivileged, 0},
      [RESERVED] = {"reserved", load_reserved, 0},
      [NAME] = {"name", pi__load_text, offsetof(netns, name)},
      [NAME_BYTES] = {"name_b64", pi__load_base64, offsetof(netns, name_bytes)},
  };
  netns from;
  uint64_t seen;
  memset(&from, 0, sizeof from);
  int rc =
      pi__load_object(l, name, keys, sizeof keys / sizeof *keys, &from, &seen);
  if (rc != 0) return rc;
  to->host = from.host;
  to->name_sight = from.host.netns == 0 ? PI_UNKNOWN : PI_EMPTY;
  if (!(seen >> NAME & 1)) return 0;
  const pi__span *text = seen >> NAME_BYTES & 1 ? &from.name_bytes : &from.name;
  to->name_sight = PI_KNOWN;
  return pi__reading_text((pi__reading *)l->s, text->text, text->length,
                          &to->name, l->err);
}

static int load_host(pi__loader *l, const char *name, void *to) {
  (void)to;
  return load_netns(l, name, &l->s->first);
}

static int load_namespaces(pi__loader *l, const char *name, void *to) {
  pi__reading *reading = (pi__reading *)l->s;
  (void)to;
  if (!pi__json_enter(&l->json, '[')) {
    return pi__load_unfit(l, name, "a list of namespaces");
  }
  for (bool first = true; pi__json_element(&l->json, first); first = false) {
    pi__netns from = {0};
    int rc = load_netns(l, name, &from);
    if (rc == 0) rc = pi__reading_netns_add(reading, from.host.netns, l->err);
    if (rc != 0) return rc;
    *pi__reading_netns_turn(reading, l->s->other_count) = from;
  }
  return l->json.wrong == NULL ? 0 : pi__load_unfit(l, name, "");
}

/* ---- The quality -------------------------------------------------------- */

typedef struct source {
  uint64_t proto, family;
  struct pi_source note;
} source;

static int load_proto(pi__loader *l, const char *name, void *to) {
  return pi__load_word(l, name, pi_field_describe(PI_PROTO)->words, to);
}

static int load_family(pi__loader *l, const char *name, void *to) {
  return pi__load_word(l, name, pi_field_describe(PI_FAMILY)->words, to);
}

static int load_backend(pi__loader *l, const char *name, void *to) {
  uint64_t backend = 0;
  int rc = pi__load_word(l, name, pi__backend_words, &backend);
  *(pi_backend *)to = (pi_backend)backend;
  return rc;
}

static int load_errno(pi__loader *l, const char *name, void *to) {
  uint64_t n = 0;
  int rc = pi__load_number(l, name, INT_MAX, &n);
  *(int *)to = (int)n;
  return rc;
}

static int load_unsigned(pi__loader *l, const char *name, void *to) {
  uint32_t n = 0;
  int rc = pi__load_u32(l, name, &n);
  *(unsigned *)to = n;
  return rc;
}

static int load_source(pi__loader *l, pi_quality *q) {
#define AT(member) offsetof(source, note.member)
  static const pi__key keys[] = {
      {"proto", load_proto, offsetof(source, proto)},
      {"family", load_family, offsetof(source, family)},
      {"backend", load_backend, AT(backend)},
      {"rows", pi__load_size, AT(rows)},
      {"retries", load_unsigned, AT(retries)},
      {"parts", load_unsigned, AT(parts)},
      {"errno", load_errno, AT(os)},
      {"partial", pi__load_bool, AT(partial)},
      {"absent", pi__load_bool, AT(absent)},
      {"untold", pi__load_bool, AT(untold)},
      {"no_bound", pi__load_bool, AT(no_bound)},
      {"joint", pi__load_bool, AT(joint)},
      {"autobound", pi__load_bool, AT(autobound)},
  };
#undef AT
  source from;
  uint64_t seen;
  memset(&from, 0, sizeof from);
  int rc = pi__load_object(l, "sources", keys, sizeof keys / sizeof *keys,
                           &from, &seen);
  if (rc != 0) return rc;
  if ((seen & 7) != 7) {
    return pi__load_fail(l, "sources: proto, family or backend is missing");
  }
  struct pi_source *note = &q->sources[from.proto][from.family];
  if (note->wanted) return pi__load_fail(l, "sources: one comes twice");
  from.note.wanted = true;
  *note = from.note;
  return 0;
}

static int load_sources(pi__loader *l, const char *name, void *to) {
  if (!pi__json_enter(&l->json, '[')) {
    return pi__load_unfit(l, name, "a list of sources");
  }
  for (bool first = true; pi__json_element(&l->json, first); first = false) {
    int rc = load_source(l, to);
    if (rc != 0) return rc;
  }
  return l->json.wrong == NULL ? 0 : pi__load_unfit(l, name, "");
}

/* How many owners are unknown, by the words of `why`. */
static int load_unknown(pi__loader *l, const char *name, void *to) {
  enum { REASONS = sizeof((pi_quality *)0)->unknown / sizeof(size_t) };
  pi_quality *q = to;
  pi__key keys[REASONS];
  uint64_t seen;
  for (size_t i = 0; i < REASONS; i++) {
    keys[i] = (pi__key){pi_field_describe(PI_WHY)->words[i], pi__load_size,
                        i * sizeof *q->unknown};
  }
  return pi__load_object(l, name, keys, REASONS, q->unknown, &seen);
}

static int load_obstacle(pi__loader *l, const char *name, void *to) {
  pi_quality *q = to;
  pi__span text;
  int rc = pi__load_text(l, name, &text);
  if (rc != 0) return rc;
  size_t n =
      text.length < sizeof q->obstacle ? text.length : sizeof q->obstacle - 1;
  memcpy(q->obstacle, text.text, n);
  return 0;
}

static int load_quality(pi__loader *l, const char *name, void *to) {
#define AT(member) offsetof(pi_quality, member)
  static const pi__key keys[] = {
      {"taken", pi__load_time, AT(taken)},
      {"completed", pi__load_time, AT(completed)},
      {"sources", load_sources, 0},
      {"namespaces", pi__load_size, AT(namespaces)},
      {"closed", pi__load_size, AT(closed)},
      {"outside", pi__load_size, AT(outside)},
      {"unlisted", pi__load_bool, AT(unlisted)},
      {"untold", pi__load_size, AT(untold)},
      {"processes", pi__load_size, AT(processes)},
      {"unreadable", pi__load_size, AT(unreadable)},
      {"vanished", pi__load_size, AT(vanished)},
      {"recalls", load_unsigned, AT(recalls)},
      {"hidden", pi__load_bool, AT(hidden)},
      {"nested", pi__load_bool, AT(nested)},
      {"owners_unseen", pi__load_bool, AT(owners_unseen)},
      {"owners_errno", load_errno, AT(owners_os)},
      {"owners_by", load_backend, AT(owners_by)},
      {"pinned", pi__load_bool, AT(pinned)},
      {"obstacle", load_obstacle, 0},
      {"unknown", load_unknown, 0},
      {"socket_us", pi__load_u64, AT(socket_us)},
      {"derived_us", pi__load_u64, AT(derived_us)},
      {"tcp_info_us", pi__load_u64, AT(tcp_info_us)},
      {"owner_us", pi__load_u64, AT(owner_us)},
      {"process_us", pi__load_u64, AT(process_us)},
  };
#undef AT
  uint64_t seen;
  (void)to;
  int rc = pi__load_object(l, name, keys, sizeof keys / sizeof *keys,
                           &l->s->quality, &seen);
  if (rc != 0 || seen & 1) return rc;
  return pi__load_fail(l, "quality: taken is missing");
}

/* ---- The head ----------------------------------------------------------- */

static int load_version(pi__loader *l, const char *name, void *to) {
  uint64_t v = 0;
  (void)to;
  int rc = pi__load_u64(l, name, &v);
  if (rc != 0 || v == 1) return rc;
  if (v == 0) return pi__load_fail(l, "there is no format 0");
  return pi__load_fail(
      l, "format %llu, written by a newer portinfo; this one reads 1",
      (unsigned long long)v);
}

/* Of a row that stands where the head should. */
static int see_row(pi__loader *l, const char *name, void *to) {
  (void)to;
  return pi__json_skip(&l->json) ? 0 : pi__load_unfit(l, name, "");
}

enum {
  KIND,
  VERSION,
  FIELDS,
  ROWS,
  FILTER,
  FILTER_BYTES,
  HOST,
  NAMESPACES,
  QUALITY,
  LPORT
};

static int read_head(pi__loader *l, head *h, uint64_t *seen) {
  static const pi__key keys[] = {
      [KIND] = {"portinfo", pi__load_text, offsetof(head, kind)},
      [VERSION] = {"v", load_version, 0},
      [FIELDS] = {"fields", pi__load_fields, offsetof(head, fields)},
      [ROWS] = {"rows", pi__load_u64, offsetof(head, rows)},
      [FILTER] = {"filter", pi__load_text, offsetof(head, filter)},
      [FILTER_BYTES] = {"filter_b64", pi__load_base64,
                        offsetof(head, filter_bytes)},
      [HOST] = {"host", load_host, 0},
      [NAMESPACES] = {"namespaces", load_namespaces, 0},
      [QUALITY] = {"quality", load_quality, 0},
      [LPORT] = {"lport", see_row, 0},
  };
  return pi__load_object(l, "head", keys, sizeof keys / sizeof *keys, h, seen);
}

static bool has(uint64_t seen, unsigned key) {
  return seen >> key & 1;
}

/* Whose mistake is it, if the head cannot be read? Not that of a file which
 * never said to be ours. */
static int check_kind(const pi__loader *l, const head *h, uint64_t seen,
                      int rc) {
  bool ours = has(seen, KIND) && pi__span_is(&h->kind, "reading");
  if (rc == PI_ENOMEM || (ours && rc != 0)) return rc;
  if (!ours && rc == 0 && has(seen, LPORT)) {
    return pi__load_fail(l, "a row without a head; portinfo save writes one");
  }
  return ours ? 0 : pi__load_fail(l, "not a reading of portinfo");
}

static int keep_filter(pi__loader *l, const head *h, uint64_t seen) {
  if (!has(seen, FILTER)) return 0;
  const pi__span *from =
      has(seen, FILTER_BYTES) ? &h->filter_bytes : &h->filter;
  if (memchr(from->text, '\0', from->length) != NULL) {
    return pi__load_fail(l, "filter: holds a NUL");
  }
  l->s->filter = pi__realloc(NULL, from->length + 1);
  if (l->s->filter == NULL) return pi__nomem(l->err);
  memcpy(l->s->filter, from->text, from->length);
  l->s->filter[from->length] = '\0';
  return 0;
}

/* A group was read if some field of it was: a newer schema may have more. */
static unsigned groups_of(uint64_t fields) {
  unsigned groups = 0;
  for (int f = 0; f < PI_FIELD_COUNT; f++) {
    if (fields & PI__BIT(f)) groups |= pi_field_describe((pi_field)f)->group;
  }
  return groups;
}

static int check_fields(pi__loader *l) {
  static const pi_field needed[] = {PI_PROTO, PI_FAMILY, PI_STATE, PI_LADDR,
                                    PI_LPORT};
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
    if (l->fields & PI__BIT(needed[i])) continue;
    return pi__load_fail(l, "fields: %s is missing",
                         pi_field_describe(needed[i])->name);
  }
  unsigned groups = groups_of(l->fields);
  if (groups & PI_GROUP_OWNER && !(l->fields & PI__BIT(PI_OWNER))) {
    return pi__load_fail(l, "fields: owner is missing");
  }
  if (groups & PI_GROUP_PROCESS && !(groups & PI_GROUP_OWNER)) {
    return pi__load_fail(l, "fields: processes without owners");
  }
  l->s->groups = groups;
  for (int f = 0; f < PI_FIELD_COUNT; f++) {
    if (!(groups & pi_field_describe((pi_field)f)->group)) continue;
    if (pi__width((pi_field)f) == 0) continue;
    l->columns[l->column_count++] = (pi_field)f;
  }
  return 0;
}

int pi__load_head(pi__loader *l) {
  head h;
  uint64_t seen;
  memset(&h, 0, sizeof h);
  int rc = read_head(l, &h, &seen);
  if (rc == 0 && !pi__json_done(&l->json)) rc = pi__load_unfit(l, "head", "");
  rc = check_kind(l, &h, seen, rc);
  if (rc != 0) return rc;
  static const struct {
    unsigned key;
    const char *name;
  } needed[] = {{VERSION, "v"},
                {FIELDS, "fields"},
                {ROWS, "rows"},
                {HOST, "host"},
                {QUALITY, "quality"}};
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
    if (has(seen, needed[i].key)) continue;
    return pi__load_fail(l, "%s is missing", needed[i].name);
  }
  l->fields = h.fields;
  l->rows = h.rows;
  rc = keep_filter(l, &h, seen);
  return rc != 0 ? rc : check_fields(l);
}
