/* diff.c: what became of the sockets of one reading in another. Rows are paired
 * by what names a socket best; what is left over came or went. */
#include "selection.h"

#include <string.h>

#define NONE UINT32_MAX

/* One side: rows that are compared, by their place in the selection. */
typedef struct side {
  const pi_snapshot *s;
  const pi_selection *sel;
  size_t count;
  uint32_t *mate; /* place on the other side, or NONE */
} side;

static size_t row_at(const side *x, size_t place) {
  return pi_selection_at(x->sel, place);
}

/* ---- Pairs -------------------------------------------------------------- */

/* What a socket is known by, the best first. */
typedef enum name { BY_COOKIE, BY_INODE, BY_ENDS } name;

/* 0 where there is none. */
static uint64_t number_of(const side *x, size_t place, pi_field field) {
  pi_value v = pi_snapshot_value(x->s, row_at(x, place), field, 0);
  return v.sight == PI_KNOWN ? v.number : 0;
}

static uint64_t mix(uint64_t h, uint64_t v) {
  h = (h ^ v) * UINT64_C(0xff51afd7ed558ccd);
  return h ^ h >> 32;
}

static uint64_t mix_address(uint64_t h, const pi_address *address) {
  uint64_t words[2];
  memcpy(words, address->bytes, sizeof words);
  return mix(mix(h, words[0]), words[1]);
}

/* The far address; where there is no peer a kernel's own way to write "none" is
 * not compared. */
static const pi_address *peer_of(const pi_snapshot *s, size_t row) {
  static const pi_address none;
  bool has_peer = pi__cell_sight(s, row, PI_RPORT) == PI_KNOWN;
  return has_peer ? pi__cell_address(s, row, PI_RADDR) : &none;
}

/* Is it one of several associations that one socket may have? */
static bool has_siblings(const side *x, size_t place) {
  return pi__cell(x->s, row_at(x, place), PI_PROTO) == PI_PROTO_SCTP;
}

static bool has_name(const side *x, size_t place, name by) {
  if (by == BY_COOKIE) return number_of(x, place, PI_COOKIE) != 0;
  if (by == BY_INODE) return number_of(x, place, PI_INODE) != 0;
  return true;
}

static uint64_t hash_of(const side *x, size_t place, name by) {
  size_t row = row_at(x, place);
  uint64_t h =
      mix(pi__cell(x->s, row, PI_PROTO), pi__cell(x->s, row, PI_FAMILY));
  if (by == BY_ENDS) {
    h = mix_address(h, pi__cell_address(x->s, row, PI_LADDR));
    h = mix_address(h, peer_of(x->s, row));
    return mix(h, pi__cell(x->s, row, PI_LPORT) << 16 |
                      pi__cell(x->s, row, PI_RPORT));
  }
  h = mix(h, number_of(x, place, PI_NETNS));
  if (has_siblings(x, place)) h = mix_address(h, peer_of(x->s, row));
  return mix(h, number_of(x, place, by == BY_COOKIE ? PI_COOKIE : PI_INODE));
}

static bool same_ends(const pi_snapshot *s, size_t row, const pi_snapshot *t,
                      size_t other) {
  return pi__cell(s, row, PI_LPORT) == pi__cell(t, other, PI_LPORT) &&
         pi__cell(s, row, PI_RPORT) == pi__cell(t, other, PI_RPORT) &&
         memcmp(pi__cell_address(s, row, PI_LADDR),
                pi__cell_address(t, other, PI_LADDR),
                sizeof(pi_address)) == 0 &&
         memcmp(peer_of(s, row), peer_of(t, other), sizeof(pi_address)) == 0;
}

/* Have both a number that names them, and not the same? */
static bool differ(const side *x, size_t i, const side *y, size_t k,
                   pi_field field) {
  uint64_t a = number_of(x, i, field), b = number_of(y, k, field);
  return a != 0 && b != 0 && a != b;
}

/* Are two rows of one namespace, where there are several? It is another inode
 * after each restart, and keeps its name. */
static bool same_home(const pi_snapshot *a, size_t row, const pi_snapshot *b,
                      size_t other) {
  if (pi__one_host(a) && pi__one_host(b)) return true;
  const pi__netns *x = pi__row_netns(a, row), *y = pi__row_netns(b, other);
  const pi__string *s = pi__string_at(a, x->name);
  const pi__string *t = pi__string_at(b, y->name);
  if (s == NULL || t == NULL) return x->host.netns == y->host.netns;
  return s->length == t->length && memcmp(s->bytes, t->bytes, s->length) == 0;
}

/* A worse name only tells where a better one is missing. Numbers begin anew
 * when a machine does, but a socket keeps its local port. A service is at the
 * same ends; where several are, as in a group of SO_REUSEPORT, the one that is
 * the same socket as well comes first. */
static bool is_same(const side *x, size_t i, const side *y, size_t k, name by,
                    pi_key key) {
  size_t row = row_at(x, i), other = row_at(y, k);
  if (pi__cell(x->s, row, PI_PROTO) != pi__cell(y->s, other, PI_PROTO) ||
      pi__cell(x->s, row, PI_FAMILY) != pi__cell(y->s, other, PI_FAMILY) ||
      pi__cell(x->s, row, PI_LPORT) != pi__cell(y->s, other, PI_LPORT)) {
    return false;
  }
  if (key == PI_KEY_SERVICE) {
    if (!same_ends(x->s, row, y->s, other)) return false;
    if (!same_home(x->s, row, y->s, other)) return false;
    if (by == BY_ENDS) return true;
  }
  if (by == BY_ENDS) {
    return !differ(x, i, y, k, PI_COOKIE) && !differ(x, i, y, k, PI_INODE) &&
           !differ(x, i, y, k, PI_NETNS) && same_ends(x->s, row, y->s, other);
  }
  if (number_of(x, i, PI_NETNS) != number_of(y, k, PI_NETNS)) return false;
  if (has_siblings(x, i) && !same_ends(x->s, row, y->s, other)) return false;
  if (by == BY_INODE && differ(x, i, y, k, PI_COOKIE)) return false;
  pi_field field = by == BY_COOKIE ? PI_COOKIE : PI_INODE;
  return number_of(x, i, field) == number_of(y, k, field);
}

/* Unpaired rows of one side by the hash of a name, in chains. */
typedef struct table {
  uint32_t *heads, *next;
  size_t mask;
} table;

static void table_deinit(table *t) {
  t->heads = pi__realloc(t->heads, 0);
  t->next = pi__realloc(t->next, 0);
}

static int table_init(table *t, size_t count, pi_error *err) {
  size_t slots = 64;
  while (slots < count) slots *= 2;
  t->mask = slots - 1;
  t->heads = pi__realloc(NULL, slots * sizeof *t->heads);
  t->next = pi__realloc(NULL, (count + 1) * sizeof *t->next);
  if (t->heads != NULL && t->next != NULL) return 0;
  table_deinit(t);
  return pi__nomem(err);
}

static void table_fill(table *t, const side *x, name by) {
  for (size_t i = 0; i <= t->mask; i++) t->heads[i] = NONE;
  for (size_t i = x->count; i-- > 0;) {  // so that chains begin with the first
    if (x->mate[i] != NONE || !has_name(x, i, by)) continue;
    uint32_t *head = &t->heads[hash_of(x, i, by) & t->mask];
    t->next[i] = *head;
    *head = (uint32_t)i;
  }
}

/* Takes the first row that is the same out of its chain; NONE if none is. Only
 * files made for it have chains that are long and fruitless. */
static uint32_t table_take(table *t, const side *x, const side *y, size_t k,
                           name by, pi_key key) {
  enum { MOST_STEPS = 4096 };
  uint32_t *link = &t->heads[hash_of(y, k, by) & t->mask];
  for (int step = 0; *link != NONE && step < MOST_STEPS; step++) {
    uint32_t i = *link;
    if (!is_same(x, i, y, k, by, key)) {
      link = &t->next[i];
      continue;
    }
    *link = t->next[i];
    return i;
  }
  return NONE;
}

static int side_init(side *x, const pi_snapshot *s, const pi_selection *sel,
                     pi_error *err) {
  x->s = s;
  x->sel = sel;
  x->count = pi_selection_count(sel);
  x->mate = pi__realloc(NULL, (x->count + 1) * sizeof *x->mate);
  if (x->mate == NULL) return pi__nomem(err);
  for (size_t i = 0; i < x->count; i++) x->mate[i] = NONE;
  return 0;
}

static int pair(side *x, side *y, pi_key key, pi_error *err) {
  table t;
  int rc = table_init(&t, x->count, err);
  if (rc != 0) return rc;
  for (name by = BY_COOKIE; by <= BY_ENDS; by++) {
    table_fill(&t, x, by);
    for (size_t k = 0; k < y->count; k++) {
      if (y->mate[k] != NONE || !has_name(y, k, by)) continue;
      uint32_t i = table_take(&t, x, y, k, by, key);
      if (i == NONE) continue;
      x->mate[i] = (uint32_t)k;
      y->mate[k] = i;
    }
  }
  table_deinit(&t);
  return 0;
}

/* ---- Differences -------------------------------------------------------- */

static bool same_value(const pi_value *a, const pi_value *b) {
  if (a->sight == PI_UNKNOWN || b->sight == PI_UNKNOWN) return true;
  if (a->sight != b->sight) return false;
  if (a->sight == PI_EMPTY) return true;
  return a->number == b->number &&
         memcmp(&a->address, &b->address, sizeof a->address) == 0;
}

/* The next holder that is unlike the one before it, in pid or in name: one may
 * hold a socket by several descriptors, and many may share a name. */
static bool next_holder(const pi_snapshot *s, size_t row, bool names,
                        unsigned *i, pi_holder *h) {
  pi_holder before = *h;
  bool first = *i == 0;
  while (pi_snapshot_holder(s, row, (*i)++, h)) {
    if (first || (!names && h->pid != before.pid)) return true;
    if (names && (h->length != before.length ||
                  memcmp(h->process, before.process, h->length) != 0)) {
      return true;
    }
  }
  return false;
}

static bool same_holders(const pi_snapshot *s, size_t row, const pi_snapshot *t,
                         size_t other, bool names) {
  pi_holder a = {0}, b = {0};
  unsigned i = 0, k = 0;
  for (;;) {
    bool more = next_holder(s, row, names, &i, &a);
    if (next_holder(t, other, names, &k, &b) != more) return false;
    if (!more) return true;
    if (!names && a.pid != b.pid) return false;
    if (names &&
        (a.length != b.length || memcmp(a.process, b.process, a.length) != 0)) {
      return false;
    }
  }
}

/* Is it known on both sides who holds it, or that nobody does? */
static bool owners_seen(const pi_snapshot *s, size_t row, const pi_snapshot *t,
                        size_t other) {
  pi_value a = pi_snapshot_value(s, row, PI_OWNER, 0);
  pi_value b = pi_snapshot_value(t, other, PI_OWNER, 0);
  return a.sight == PI_KNOWN && a.number != PI_OWNER_UNKNOWN &&
         b.sight == PI_KNOWN && b.number != PI_OWNER_UNKNOWN;
}

/* In which fields a row and what it became differ. */
static uint64_t differences(const pi_snapshot *s, size_t row,
                            const pi_snapshot *t, size_t other) {
  static const pi_field compared[] = {PI_STATE, PI_LADDR, PI_RADDR, PI_RPORT,
                                      PI_ROLE};
  uint64_t fields = 0;
  for (size_t i = 0; i < sizeof compared / sizeof *compared; i++) {
    pi_value a = pi_snapshot_value(s, row, compared[i], 0);
    pi_value b = pi_snapshot_value(t, other, compared[i], 0);
    if (!same_value(&a, &b)) fields |= UINT64_C(1) << compared[i];
  }
  if (!owners_seen(s, row, t, other)) return fields;
  if (pi__cell(s, row, PI_OWNER) != pi__cell(t, other, PI_OWNER)) {
    fields |= UINT64_C(1) << PI_OWNER;
  }
  if (!same_holders(s, row, t, other, false)) fields |= UINT64_C(1) << PI_PID;
  if (!same_holders(s, row, t, other, true)) {
    fields |= UINT64_C(1) << PI_PROCESS;
  }
  return fields;
}

/* ---- The result --------------------------------------------------------- */

_Static_assert(PI_FIELD_COUNT <= 64, "a bit for each field");

static int add_change(pi_diff *d, size_t *room, size_t row, size_t other,
                      uint64_t fields, pi_error *err) {
  size_t n = pi_selection_count(d->after);
  int rc = pi__reserve(&d->fields, room, n + 1, sizeof *d->fields, err);
  if (rc == 0) rc = pi__selection_add(d->before, row, err);
  if (rc == 0) rc = pi__selection_add(d->after, other, err);
  if (rc == 0) d->fields[n] = fields;
  return rc;
}

static int tell(const side *x, const side *y, pi_diff *d, pi_error *err) {
  size_t room = 0;
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < x->count; i++) {
    if (x->mate[i] != NONE) continue;
    rc = pi__selection_add(d->removed, row_at(x, i), err);
  }
  for (size_t k = 0; rc == 0 && k < y->count; k++) {
    size_t other = row_at(y, k);
    if (y->mate[k] == NONE) {
      rc = pi__selection_add(d->added, other, err);
      continue;
    }
    size_t row = row_at(x, y->mate[k]);
    uint64_t fields = differences(x->s, row, y->s, other);
    if (fields != 0) rc = add_change(d, &room, row, other, fields, err);
  }
  return rc;
}

static int compare(const pi_snapshot *s, const pi_selection *of_s,
                   const pi_snapshot *t, const pi_selection *of_t, pi_key key,
                   pi_diff *d, pi_error *err) {
  side x = {0}, y = {0};
  int rc = side_init(&x, s, of_s, err);
  if (rc == 0) rc = side_init(&y, t, of_t, err);
  if (rc == 0) rc = pair(&x, &y, key, err);
  if (rc == 0) rc = pi__selection_new(&d->added, err);
  if (rc == 0) rc = pi__selection_new(&d->removed, err);
  if (rc == 0) rc = pi__selection_new(&d->before, err);
  if (rc == 0) rc = pi__selection_new(&d->after, err);
  if (rc == 0) rc = tell(&x, &y, d, err);
  pi__realloc(x.mate, 0);
  pi__realloc(y.mate, 0);
  return rc;
}

/* What is compared has to be read; of a saved one that is done, or never. */
static int complete(pi_snapshot *s, pi_error *err) {
  if (s->loaded) return 0;
  return pi_snapshot_complete(s, PI_GROUP_DERIVED | PI_GROUP_OWNER, err);
}

int pi_snapshot_diff(pi_snapshot *one, const pi_selection *of_one,
                     pi_snapshot *other, const pi_selection *of_other,
                     pi_diff *ret, pi_error *err) {
  return pi_snapshot_diff_by(one, of_one, other, of_other, PI_KEY_SOCKET, ret,
                             err);
}

int pi_snapshot_diff_by(pi_snapshot *one, const pi_selection *of_one,
                        pi_snapshot *other, const pi_selection *of_other,
                        pi_key key, pi_diff *ret, pi_error *err) {
  pi_selection *all = NULL, *all_other = NULL;
  pi_diff d = {0};
  int rc = complete(one, err);
  if (rc == 0) rc = complete(other, err);
  if (rc == 0 && of_one == NULL) rc = pi_snapshot_select(one, NULL, &all, err);
  if (rc == 0 && of_other == NULL) {
    rc = pi_snapshot_select(other, NULL, &all_other, err);
  }
  if (rc == 0) {
    rc = compare(one, of_one != NULL ? of_one : all, other,
                 of_other != NULL ? of_other : all_other, key, &d, err);
  }
  pi_selection_free(all);
  pi_selection_free(all_other);
  if (rc == 0)
    *ret = d;
  else
    pi_diff_deinit(&d);
  return rc;
}

void pi_diff_deinit(pi_diff *d) {
  pi_selection_free(d->added);
  pi_selection_free(d->removed);
  pi_selection_free(d->before);
  pi_selection_free(d->after);
  pi__realloc(d->fields, 0);
  memset(d, 0, sizeof *d);
}
