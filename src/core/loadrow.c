/* loadrow.c: a line of a saved reading into the columns of a snapshot. */
#include "load.h"

#include <string.h>

/* ---- Room --------------------------------------------------------------- */

/* Makes *array `width` bytes for each of `to` items, those from `from` on
 * zeroed. */
static int grow(void *array, size_t from, size_t to, size_t width,
                pi_error *err) {
  void *block;
  memcpy(&block, array, sizeof block);  // any object pointer, as pi__reserve
  char *grown = pi__realloc(block, to * width);
  if (grown == NULL) return pi__nomem(err);
  memcpy(array, &grown, sizeof grown);
  memset(grown + from * width, 0, (to - from) * width);
  return 0;
}

static int grow_column(pi_snapshot *s, pi_field field, size_t to,
                       pi_error *err) {
  pi__column *column = &s->columns[field];
  size_t from = s->capacity;
  int rc = grow(&column->cells, from, to, pi__width(field), err);
  if (rc != 0 || column->sight == NULL) return rc;
  return grow(&column->sight, from, to, 1, err);
}

/* Makes room for a row in every column of the groups that were read. A cell
 * that a row does not fill stays zero, and its sight tells. */
static int reserve(pi__loader *l) {
  pi_snapshot *s = l->s;
  if (s->count < s->capacity) return 0;
  size_t from = s->capacity, to = from + from / 2 + 256;
  if (to >= PI__NO_ROW) return pi__nomem(l->err);
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < l->column_count; i++) {
    rc = grow_column(s, l->columns[i], to, l->err);
  }
  if (rc == 0 && s->groups & PI_GROUP_DERIVED) {
    rc = grow(&s->service_port, from, to, sizeof *s->service_port, l->err);
    if (rc == 0) rc = grow(&s->service_sight, from, to, 1, l->err);
  }
  if (rc == 0 && s->groups & PI_GROUP_OWNER) {
    // a run more than rows, as each ends where the next begins
    rc = grow(&s->first_holding, from == 0 ? 0 : from + 1, to + 1,
              sizeof *s->first_holding, l->err);
  }
  if (rc == 0) s->capacity = to;
  return rc;
}

/* ---- Cells -------------------------------------------------------------- */

/* Texts that stand in columns. */
enum { IFACE, CONGESTION, CELL_TEXTS };

static const pi_field cell_texts[CELL_TEXTS] = {PI_IFACE, PI_CONGESTION};

typedef struct row {
  uint64_t seen; /* fields that came, a bit each */
  uint64_t unknown;
  bool has_unknown;
  struct text {
    bool has, has_bytes;
    pi__span shown, bytes;
  } texts[CELL_TEXTS];
} row;

static const char *field_name(pi_field field) {
  return pi_field_describe(field)->name;
}

static int load_address(pi__loader *l, pi_field field) {
  pi_address *cells = l->s->columns[field].cells;
  pi__span span;
  int rc = pi__load_text(l, field_name(field), &span);
  if (rc != 0) return rc;
  if (pi_address_parse(span.text, span.length, &cells[l->s->count])) return 0;
  return pi__load_fail(l, "%s: %.*s is no address", field_name(field),
                       span.length > 60 ? 60 : (int)span.length, span.text);
}

static int load_cookie(pi__loader *l, uint64_t *ret) {
  pi__span span;
  int rc = pi__load_text(l, "cookie", &span);
  if (rc != 0) return rc;
  // written as a text, as JSON's numbers do not keep 64 bits; read as a number
  pi__json digits = pi__json_of(span.text, span.length), line = l->json;
  l->json = digits;
  rc = pi__load_number(l, "cookie", UINT64_MAX, ret);
  bool done = rc != 0 || pi__json_done(&l->json);
  l->json = line;
  return done ? rc : pi__load_fail(l, "cookie: not a number");
}

static int load_number(pi__loader *l, pi_field field, uint64_t *ret) {
  const pi_field_info *info = pi_field_describe(field);
  if (field == PI_COOKIE) return load_cookie(l, ret);
  if (info->type == PI_TYPE_PORT) {
    return pi__load_number(l, info->name, UINT16_MAX, ret);
  }
  bool small = pi__width(field) == 4;
  return pi__load_number(l, info->name, small ? UINT32_MAX : UINT64_MAX, ret);
}

static int load_cell_text(pi__loader *l, pi_field field, row *r) {
  struct text *text = &r->texts[field == PI_IFACE ? IFACE : CONGESTION];
  text->has = true;
  return pi__load_text(l, field_name(field), &text->shown);
}

static int load_cell(pi__loader *l, pi_field field, row *r) {
  const pi_field_info *info = pi_field_describe(field);
  uint64_t value = 0;
  bool yes = false;
  int rc;
  switch (info->type) {
  case PI_TYPE_ADDRESS: return load_address(l, field);
  case PI_TYPE_TEXT: return load_cell_text(l, field, r);
  case PI_TYPE_WORD:
    rc = pi__load_word(l, info->name, info->words, &value);
    break;
  case PI_TYPE_BOOL:
    rc = pi__load_bool(l, info->name, &yes);
    value = yes;
    break;
  default: rc = load_number(l, field, &value); break;
  }
  if (rc == 0) pi__cell_set(l->s, l->s->count, field, value);
  return rc;
}

/* Of a raw socket alone, which has it where others have a port. */
static int load_protocol(pi__loader *l) {
  uint64_t number = 0;
  int rc = pi__load_number(l, "protocol", UINT8_MAX, &number);
  if (rc == 0) pi__cell_set(l->s, l->s->count, PI_LPORT, number);
  return rc;
}

static int load_field(pi__loader *l, pi_field field, row *r) {
  if (r->seen & PI__BIT(field)) {
    return pi__load_fail(l, "%s: comes twice", field_name(field));
  }
  r->seen |= PI__BIT(field);
  if (l->fields & PI__BIT(field)) {
    if (field == PI_HOLDERS) return pi__load_holders(l);
    if (field == PI_PROTOCOL) return load_protocol(l);
    if (pi__width(field) != 0) return load_cell(l, field, r);
  }
  // computed again, told by the holders, or not promised by the head
  return pi__json_skip(&l->json) ? 0 : pi__load_unfit(l, field_name(field), "");
}

static int load_version(pi__loader *l) {
  uint64_t v = 0;
  int rc = pi__load_u64(l, "v", &v);
  if (rc != 0 || v == 1) return rc;
  return pi__load_fail(l, "v: not 1, as the head");
}

/* Members that are no fields. */
static int load_other(pi__loader *l, const pi__span *name, row *r) {
  static const char *const byte_names[CELL_TEXTS] = {"iface_b64",
                                                     "congestion_b64"};
  if (pi__span_is(name, "v")) return load_version(l);
  if (pi__span_is(name, "unknown")) {
    if (r->has_unknown) return pi__load_fail(l, "unknown: comes twice");
    r->has_unknown = true;
    return pi__load_fields(l, "unknown", &r->unknown);
  }
  for (int i = 0; i < CELL_TEXTS; i++) {
    if (!pi__span_is(name, byte_names[i])) continue;
    if (r->texts[i].has_bytes) {
      return pi__load_fail(l, "%s: comes twice", byte_names[i]);
    }
    r->texts[i].has_bytes = true;
    return pi__load_base64(l, byte_names[i], &r->texts[i].bytes);
  }
  return pi__json_skip(&l->json) ? 0 : pi__load_unfit(l, "row", "");
}

static int load_members(pi__loader *l, row *r) {
  pi__span name;
  unsigned from = 0;
  if (!pi__json_enter(&l->json, '{')) {
    return pi__load_unfit(l, "row", "an object");
  }
  for (bool first = true; pi__json_member(&l->json, first, &name);
       first = false) {
    unsigned field = pi__load_field_find(&name, from);
    bool found = field < PI_FIELD_COUNT;
    int rc =
        found ? load_field(l, (pi_field)field, r) : load_other(l, &name, r);
    if (rc != 0) return rc;
    if (found) from = field + 1;
  }
  return pi__json_done(&l->json) ? 0 : pi__load_unfit(l, "row", "");
}

/* ---- What must fit together --------------------------------------------- */

static pi_sight row_sight(const pi__loader *l, const row *r, pi_field field) {
  if (!(l->fields & PI__BIT(field))) return PI_UNKNOWN;
  if (r->seen & PI__BIT(field)) return PI_KNOWN;
  return r->unknown & PI__BIT(field) ? PI_UNKNOWN : PI_EMPTY;
}

/* Every socket has a local port, but for raw ones, which have a protocol. */
static int check_port(const pi__loader *l, const row *r, bool raw) {
  bool port = r->seen & PI__BIT(PI_LPORT);
  bool protocol = r->seen & l->fields & PI__BIT(PI_PROTOCOL);
  if (raw ? !protocol : !port) {
    return pi__load_fail(l, "%s is missing", raw ? "protocol" : "lport");
  }
  if (port && protocol) {
    return pi__load_fail(l, "lport and protocol: one is of raw sockets alone");
  }
  return 0;
}

/* Every socket has these, and the rest of us takes them for known. */
static int check_needed(const pi__loader *l, const row *r) {
  static const pi_field needed[] = {PI_PROTO, PI_FAMILY, PI_STATE, PI_LADDR,
                                    PI_OWNER};
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
    pi_field f = needed[i];
    if (!(l->fields & PI__BIT(f)) || r->seen & PI__BIT(f)) continue;
    return pi__load_fail(l, "%s is missing", field_name(f));
  }
  bool raw = pi__cell(l->s, l->s->count, PI_PROTO) == PI_PROTO_RAW;
  int rc = check_port(l, r, raw);
  if (rc != 0) return rc;
  if (!raw && row_sight(l, r, PI_RADDR) != row_sight(l, r, PI_RPORT)) {
    return pi__load_fail(l, "raddr and rport: one without the other");
  }
  uint64_t both = r->seen & r->unknown & l->fields;
  if (both == 0) return 0;
  for (int f = 0; f < PI_FIELD_COUNT; f++) {
    if (!(both & PI__BIT(f))) continue;
    return pi__load_fail(l, "%s: known and unknown", field_name((pi_field)f));
  }
  return 0;
}

/* Owner, reason and holders say the same thing thrice. */
static int check_owner(const pi__loader *l, const row *r) {
  const pi_snapshot *s = l->s;
  if (!(s->groups & PI_GROUP_OWNER)) return 0;
  uint64_t owner = pi__cell(s, s->count, PI_OWNER);
  bool held = s->holding_count > s->first_holding[s->count];
  if ((owner == PI_OWNER_KNOWN) != held) {
    return pi__load_fail(l, held ? "owner: not known, with holders"
                                 : "owner: known, without holders");
  }
  if (row_sight(l, r, PI_WHY) == PI_UNKNOWN) return 0;
  bool reason = row_sight(l, r, PI_WHY) == PI_KNOWN;
  bool unseen = reason && pi__cell(s, s->count, PI_WHY) >= PI_WHY_PERMISSION;
  if (reason == held || unseen != (owner == PI_OWNER_UNKNOWN)) {
    return pi__load_fail(l, "why: does not fit the owner");
  }
  return 0;
}

static int set_texts(pi__loader *l, const row *r) {
  int rc = 0;
  for (int i = 0; rc == 0 && i < CELL_TEXTS; i++) {
    const struct text *t = &r->texts[i];
    const pi__span *span = t->has_bytes ? &t->bytes : &t->shown;
    uint32_t text = 0;
    if (!t->has) continue;
    rc = pi__reading_text((pi__reading *)l->s, span->text, span->length, &text,
                          l->err);
    if (rc == 0) pi__cell_set(l->s, l->s->count, cell_texts[i], text);
  }
  return rc;
}

static int set_sights(pi__loader *l, const row *r) {
  pi_snapshot *s = l->s;
  for (size_t i = 0; i < l->column_count; i++) {
    pi_field f = l->columns[i];
    int rc = pi__sight_set(s, s->count, f, row_sight(l, r, f), l->err);
    if (rc != 0) return rc;
  }
  return 0;
}

int pi__load_row(pi__loader *l) {
  pi_snapshot *s = l->s;
  row r;
  memset(&r, 0, sizeof r);
  int rc = reserve(l);
  if (rc == 0) rc = load_members(l, &r);
  if (rc == 0) rc = check_needed(l, &r);
  if (rc == 0) rc = check_owner(l, &r);
  if (rc == 0) rc = set_texts(l, &r);
  if (rc == 0) rc = set_sights(l, &r);
  if (rc != 0) return rc;
  if (s->groups & PI_GROUP_DERIVED) pi__derive_service(s, s->count);
  s->count++;
  if (s->groups & PI_GROUP_OWNER) {
    s->first_holding[s->count] = (uint32_t)s->holding_count;
  }
  return 0;
}
