/* reading.c: rows and texts on their way into columns. A row goes in once, by
 * its identity: the cookie, or where the source gives none the tuple and
 * inode. */
#include "snapshot.h"

#include <string.h>

static uint64_t mix(uint64_t h, uint64_t v) {
  h ^= v;
  h *= UINT64_C(0xff51afd7ed558ccd);
  return h ^ h >> 32;
}

static uint64_t identity(const pi__row *row) {
  uint64_t words[4];
  memcpy(words, row->laddr.bytes, 16);
  memcpy(words + 2, row->raddr.bytes, 16);
  uint64_t h = (uint64_t)row->proto << 1 | (uint64_t)row->family;
  for (int i = 0; i < 4; i++) h = mix(h, words[i]);
  h = mix(h, (uint64_t)row->lport << 16 | row->rport);
  return mix(h, row->inode);
}

static uint64_t row_netns(pi_snapshot *s, const pi__row *row) {
  // index_fill sets no more of a row than what tells it from others
  // cppcheck-suppress ctuuninitvar
  return row->netns != 0 ? row->netns : pi__netns_at(s, s->turned)->host.netns;
}

/* Where to look for a row first. The kernel gives cookies out by counting, when
 * it first tells of a socket, so that those of one dump come nearly in order:
 * sixteen that follow each other share a cache line of the index, and the lines
 * are spread. */
static size_t first_slot(const pi__index *index, const pi__row *row) {
  uint64_t cookie = row->cookie;
  if (cookie == 0) return pi__index_slot(index, identity(row));
  size_t line = pi__index_slot(index, cookie >> 4);
  return (line << 4 | (cookie & 15)) & index->mask;
}

static void row_load(const pi_snapshot *s, size_t at, pi__row *row) {
  *row = (pi__row){
      .proto = (pi_proto)pi__cell(s, at, PI_PROTO),
      .family = (pi_family)pi__cell(s, at, PI_FAMILY),
      .laddr = *pi__cell_address(s, at, PI_LADDR),
      .raddr = *pi__cell_address(s, at, PI_RADDR),
      .lport = (uint16_t)pi__cell(s, at, PI_LPORT),
      .rport = (uint16_t)pi__cell(s, at, PI_RPORT),
      .inode = pi__cell(s, at, PI_INODE),
      .cookie = pi__cell(s, at, PI_COOKIE),
      .netns = pi__cell(s, at, PI_NETNS),
  };
}

/* By what tells apart those without a cookie, and the associations of an SCTP
 * socket, which have one together. */
static bool same_socket(const pi__row *a, const pi__row *b) {
  return a->proto == b->proto && a->family == b->family &&
         a->lport == b->lport && a->rport == b->rport && a->inode == b->inode &&
         memcmp(&a->laddr, &b->laddr, sizeof a->laddr) == 0 &&
         memcmp(&a->raddr, &b->raddr, sizeof a->raddr) == 0;
}

/* Of two with the same cookie, or none. */
static bool is_at(const pi_snapshot *s, size_t at, const pi__row *row) {
  pi__row there;
  if (row->cookie != 0 && row->proto != PI_PROTO_SCTP) return true;
  row_load(s, at, &there);
  return same_socket(&there, row);
}

/* The slot of a row's socket: taken by it, or free for it. */
static uint32_t *find_slot(pi_snapshot *s, const pi__row *row) {
  const uint64_t netns = row_netns(s, row);
  size_t slot = first_slot(&s->identity, row);
  for (;; slot = (slot + 1) & s->identity.mask) {
    uint32_t *at = &s->identity.rows[slot];
    if (*at == PI__NO_ROW) return at;
    if (pi__cell(s, *at, PI_COOKIE) != row->cookie) continue;
    if (pi__cell(s, *at, PI_NETNS) != netns) continue;
    if (is_at(s, *at, row)) return at;
  }
}

/* Puts the present rows into an index without any. */
static void index_fill(pi_snapshot *s) {
  s->identity.used = 0;
  for (size_t i = 0; i < s->count; i++) {
    pi__row row;
    row.cookie = pi__cell(s, i, PI_COOKIE);
    row.netns = pi__cell(s, i, PI_NETNS);
    row.proto = (pi_proto)pi__cell(s, i, PI_PROTO);
    if (row.cookie == 0 || row.proto == PI_PROTO_SCTP) row_load(s, i, &row);
    uint32_t *slot = find_slot(s, &row);
    if (*slot == PI__NO_ROW) s->identity.used++;
    *slot = (uint32_t)i;
  }
}

/* Rebuilds the index over the present rows with room for `expected`. */
static int reindex(pi_snapshot *s, size_t expected, pi_error *err) {
  pi__index fresh;
  int rc = pi__index_init(&fresh, expected, err);
  if (rc != 0) return rc;
  pi__index_deinit(&s->identity);
  s->identity = fresh;
  index_fill(s);
  return 0;
}

static int grow_block(void **block, size_t size, pi_error *err) {
  void *grown = pi__realloc(*block, size);
  if (grown == NULL) return pi__nomem(err);
  *block = grown;
  return 0;
}

/* Makes room for so many rows in every column of the socket group. */
static int grow(pi_snapshot *s, size_t capacity, pi_error *err) {
  if (capacity >= PI__NO_ROW) return pi__nomem(err);
  for (int f = 0; f < PI_FIELD_COUNT; f++) {
    pi__column *column = &s->columns[f];
    if (pi_field_describe((pi_field)f)->group != PI_GROUP_SOCKET) continue;
    size_t width = pi__width((pi_field)f);
    if (width == 0) continue;
    int rc = grow_block(&column->cells, capacity * width, err);
    if (rc != 0) return rc;
    if (column->sight == NULL) continue;
    void *sight = column->sight;
    rc = grow_block(&sight, capacity, err);
    if (rc != 0) return rc;
    column->sight = sight;
    memset(column->sight + s->count, PI_KNOWN, capacity - s->count);
  }
  if (s->told != NULL) {
    void *told = s->told;
    int rc = grow_block(&told, capacity, err);
    if (rc != 0) return rc;
    s->told = told;
  }
  s->capacity = capacity;
  return 0;
}

/* Keeps who chose the port, if somebody's source tells. */
static bool put_choice(pi_snapshot *s, size_t at, unsigned choice) {
  bool again = at < s->count;  // what was told of it stays
  if (choice == PI__CHOICE_ANY && (s->told == NULL || again)) return true;
  if (s->told == NULL) {
    s->told = pi__realloc(NULL, s->capacity);
    if (s->told == NULL) return false;
    memset(s->told, PI__CHOICE_ANY, s->count);
  }
  s->told[at] = (uint8_t)choice;
  return true;
}

/* Has the socket a peer, so that remote address and port mean something? */
static bool has_peer(const pi__row *row) {
  return row->state != PI_STATE_LISTEN && row->state != PI_STATE_CLOSED &&
         row->state != PI_STATE_UNCONNECTED;
}

/* False: memory ended. */
static inline bool put_sight(pi_snapshot *s, size_t at, pi_field field,
                             unsigned sight) {
  uint8_t *sights = s->columns[field].sight;
  if (sights == NULL) {
    return sight == PI_KNOWN ||
           pi__sight_set(s, at, field, (pi_sight)sight, NULL) == 0;
  }
  sights[at] = (uint8_t)sight;
  return true;
}

static void put_cells(pi_snapshot *s, size_t at, const pi__row *row) {
  ((pi_address *)s->columns[PI_LADDR].cells)[at] = row->laddr;
  ((pi_address *)s->columns[PI_RADDR].cells)[at] = row->raddr;
  pi__cell_set(s, at, PI_PROTO, row->proto);
  pi__cell_set(s, at, PI_FAMILY, row->family);
  pi__cell_set(s, at, PI_STATE, row->state);
  pi__cell_set(s, at, PI_LPORT, row->lport);
  pi__cell_set(s, at, PI_RPORT, row->rport);
  pi__cell_set(s, at, PI_IFACE, row->iface);
  pi__cell_set(s, at, PI_INODE, row->inode);
  pi__cell_set(s, at, PI_COOKIE, row->cookie);
  pi__cell_set(s, at, PI_UID, row->uid);
  pi__cell_set(s, at, PI_RXQ, row->rxq);
  pi__cell_set(s, at, PI_TXQ, row->txq);
  pi__cell_set(s, at, PI_V6ONLY, row->v6only);
  pi__cell_set(s, at, PI_MARK, row->mark);
}

/* A line a field, no loop over them: this runs for every socket there is. */
static int row_store(pi_snapshot *s, size_t at, const pi__row *row,
                     pi_error *err) {
  bool raw = row->proto == PI_PROTO_RAW;
  bool unbound = row->lport == 0 && !raw;  // 0 is no port
  unsigned peer = has_peer(row) ? PI_KNOWN : PI_EMPTY;
  unsigned inode = row->inode != 0 ? PI_KNOWN : PI_EMPTY;
  unsigned cookie = row->cookie != 0 ? PI_KNOWN : PI_UNKNOWN;
  uint64_t netns = row_netns(s, row);
  put_cells(s, at, row);
  pi__cell_set(s, at, PI_NETNS, netns);
  bool kept =
      put_sight(s, at, PI_RADDR, peer) &&
      put_sight(s, at, PI_RPORT, raw ? PI_EMPTY : peer) &&
      put_sight(s, at, PI_LPORT, raw || unbound ? PI_EMPTY : PI_KNOWN) &&
      put_sight(s, at, PI_LADDR, unbound ? PI_EMPTY : PI_KNOWN) &&
      put_sight(s, at, PI_IFACE, row->iface_sight) &&
      put_sight(s, at, PI_INODE, inode) &&
      put_sight(s, at, PI_COOKIE, cookie) &&
      put_sight(s, at, PI_UID, row->uid_sight) &&
      put_sight(s, at, PI_NETNS, netns != 0 ? PI_KNOWN : PI_UNKNOWN) &&
      put_sight(s, at, PI_RXQ, row->rxq_sight) &&
      put_sight(s, at, PI_TXQ, row->txq_sight) &&
      put_sight(s, at, PI_V6ONLY, row->v6only_sight) &&
      put_sight(s, at, PI_MARK, row->mark_sight) &&
      put_choice(s, at, row->choice);
  return kept ? 0 : pi__nomem(err);
}

int pi__reading_expect(pi__reading *reading, size_t rows, pi_error *err) {
  pi_snapshot *s = &reading->snapshot;
  size_t most = s->count + rows;
  int rc = most > s->capacity ? grow(s, most, err) : 0;
  if (rc != 0 || s->identity.mask > 2 * most) return rc;
  return reindex(s, most, err);
}

int pi__reading_row(pi__reading *reading, const pi__row *row, pi_error *err) {
  pi_snapshot *s = &reading->snapshot;
  int rc = 0;
  if (s->count == s->capacity) {
    rc = grow(s, s->capacity + s->capacity / 2 + 256, err);
  }
  if (rc != 0) return rc;
  if (s->identity.rows == NULL || s->identity.used * 2 > s->identity.mask) {
    rc = reindex(s, s->count * 2 + 256, err);
    if (rc != 0) return rc;
  }
  uint32_t *slot = find_slot(s, row);
  if (*slot != PI__NO_ROW) return row_store(s, *slot, row, err);
  rc = row_store(s, s->count, row, err);
  if (rc != 0) return rc;
  *slot = (uint32_t)s->count++;
  s->identity.used++;
  return 0;
}

size_t pi__reading_rows(const pi__reading *reading) {
  return reading->snapshot.count;
}

size_t pi__reading_count(const pi__reading *reading, size_t from,
                         pi_proto proto, pi_family family) {
  const pi_snapshot *s = &reading->snapshot;
  size_t n = 0;
  for (size_t i = from; i < s->count; i++) {
    n += pi__cell(s, i, PI_PROTO) == proto &&
         pi__cell(s, i, PI_FAMILY) == family;
  }
  return n;
}

void pi__reading_rewind(pi__reading *reading, size_t rows) {
  pi_snapshot *s = &reading->snapshot;
  if (rows == s->count) return;
  s->count = rows;
  // in the room it has: taking back must not fail for want of memory
  for (size_t i = 0; i <= s->identity.mask; i++) {
    s->identity.rows[i] = PI__NO_ROW;
  }
  index_fill(s);
}

uint32_t pi__reading_find(pi_snapshot *s, const pi__row *row) {
  return s->identity.rows == NULL ? PI__NO_ROW : *find_slot(s, row);
}

int pi__reading_index(pi_snapshot *s, pi_error *err) {
  return s->identity.rows != NULL ? 0 : reindex(s, s->count, err);
}

void pi__reading_autobound(pi__reading *reading, const pi__row *row) {
  pi_snapshot *s = &reading->snapshot;
  uint32_t at = pi__reading_find(s, row);
  if (at != PI__NO_ROW) s->marked[at] = PI__MARK_AUTOBOUND;
}

void pi__reading_chosen(pi__reading *reading, const pi__row *row) {
  pi_snapshot *s = &reading->snapshot;
  uint32_t at = pi__reading_find(s, row);
  if (at == PI__NO_ROW || s->marked[at] != PI__MARK_DOUBT) return;
  s->marked[at] = PI__MARK_NONE;
}

pi_quality *pi__reading_quality(pi__reading *reading) {
  return &reading->snapshot.quality;
}

bool pi__interrupted(const pi__reading *reading) {
  bool (*interrupted)(void) = reading->snapshot.interrupted;
  return interrupted != NULL && interrupted();
}

static const pi__string *string_new(const char *bytes, size_t length) {
  if (length > UINT32_MAX - 1) return NULL;
  pi__string *string = pi__realloc(NULL, sizeof *string + length + 1);
  if (string == NULL) return NULL;
  string->length = (uint32_t)length;
  memcpy(string->bytes, bytes, length);
  string->bytes[length] = '\0';
  return string;
}

int pi__reading_text(pi__reading *reading, const char *bytes, size_t length,
                     uint32_t *ret, pi_error *err) {
  pi_snapshot *s = &reading->snapshot;
  // the neighbours of a text are often equal to it: threads, workers, devices
  for (size_t i = s->text_count; i > 0 && i + 8 > s->text_count; i--) {
    const pi__string *t = s->texts[i - 1];
    if (t->length != length || memcmp(t->bytes, bytes, length) != 0) continue;
    *ret = (uint32_t)i;
    return 0;
  }
  int rc = pi__reserve(&s->texts, &s->text_capacity, s->text_count + 1,
                       sizeof *s->texts, err);
  if (rc != 0) return rc;
  const pi__string *string = string_new(bytes, length);
  if (string == NULL) return pi__nomem(err);
  s->texts[s->text_count++] = string;
  *ret = (uint32_t)s->text_count;
  return 0;
}

const char *pi__reading_text_at(const pi__reading *reading, uint32_t text) {
  const pi__string *string = pi__string_at(&reading->snapshot, text);
  return string == NULL ? NULL : string->bytes;
}

const pi__string *pi__string_at(const pi_snapshot *s, uint32_t text) {
  return text == 0 ? NULL : s->texts[text - 1];
}
