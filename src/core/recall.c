/* recall.c: what a reading need not ask again, as the one before it was told:
 * who holds a socket, and who chose its port. A socket is the same by its
 * cookie (without one by inode and ends), and a holder by pid, start time and
 * name. Nothing is taken over unless all that is needed can be: a look at the
 * processes that must be had anyway finds more. */
#include "snapshot.h"

#include <string.h>

/* After so many readings in a row the processes are looked at again: one may
 * have given a descriptor away, or closed one of several. */
enum { MOST_RECALLS = 9 };

static uint64_t key_of(const pi_snapshot *s, size_t row) {
  uint64_t cookie = pi__cell(s, row, PI_COOKIE);
  return cookie != 0 ? cookie : pi__cell(s, row, PI_INODE);
}

/* The inode as well: a connection gets one when it is accepted. */
static bool is_same(const pi_snapshot *a, size_t i, const pi_snapshot *b,
                    size_t k) {
  static const pi_field fields[] = {PI_COOKIE, PI_INODE, PI_NETNS, PI_PROTO,
                                    PI_FAMILY, PI_LPORT, PI_RPORT};
  for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
    if (pi__cell(a, i, fields[f]) != pi__cell(b, k, fields[f])) return false;
  }
  return true;
}

static void index_fill(pi__index *index, const pi_snapshot *s) {
  for (size_t row = 0; row < s->count; row++) {
    uint64_t key = key_of(s, row);
    if (key == 0) continue;
    size_t slot = pi__index_slot(index, key);
    while (index->rows[slot] != PI__NO_ROW) slot = (slot + 1) & index->mask;
    index->rows[slot] = (uint32_t)row;
  }
}

static uint32_t find(const pi__index *index, const pi_snapshot *before,
                     const pi_snapshot *s, size_t row) {
  uint64_t key = key_of(s, row);
  if (key == 0) return PI__NO_ROW;
  size_t slot = pi__index_slot(index, key);
  for (;; slot = (slot + 1) & index->mask) {
    uint32_t at = index->rows[slot];
    if (at == PI__NO_ROW || is_same(before, at, s, row)) return at;
  }
}

/* Of the same namespaces, in the same procfs? */
static bool same_wish(const pi_snapshot *a, const pi_snapshot *b) {
  return a->first.host.netns == b->first.host.netns &&
         strcmp(a->want.netns, b->want.netns) == 0 &&
         strcmp(a->want.proc, b->want.proc) == 0;
}

int pi__recall_begin(pi_snapshot *s, const pi_snapshot *before, pi_error *err) {
  pi__index index = {0};
  bool fits = !before->loaded && same_wish(before, s);
  if (!fits) return 0;
  s->earlier = pi__realloc(NULL, (s->count + 1) * sizeof *s->earlier);
  if (s->earlier == NULL) return pi__nomem(err);
  int rc = pi__index_init(&index, before->count, err);
  if (rc != 0) return rc;
  index_fill(&index, before);
  for (size_t row = 0; row < s->count; row++) {
    s->earlier[row] = find(&index, before, s, row);
  }
  pi__index_deinit(&index);
  s->before = before;
  return 0;
}

void pi__recall_end(pi_snapshot *s) {
  s->earlier = pi__realloc(s->earlier, 0);
  s->before = NULL;
}

/* ---- Who chose the port ------------------------------------------------- */

/* Time-wait and half-open sockets have no mark. */
static bool has_mark(const pi_snapshot *s, size_t row) {
  uint64_t state = pi__cell(s, row, PI_STATE);
  return state != PI_STATE_TIME_WAIT && state != PI_STATE_SYN_RECEIVED;
}

/* Is it a row of the namespace being read? */
static bool is_of(const pi_snapshot *s, size_t row, uint64_t netns,
                  pi_proto proto, pi_family family) {
  return pi__cell(s, row, PI_NETNS) == netns &&
         pi__cell(s, row, PI_PROTO) == proto &&
         pi__cell(s, row, PI_FAMILY) == family;
}

bool pi__reading_recall_marks(pi__reading *reading, pi_proto proto,
                              pi_family family) {
  pi_snapshot *s = &reading->snapshot;
  const pi_snapshot *before = s->before;
  const uint64_t netns = pi__reading_host(reading)->netns;
  if (before == NULL || before->marked == NULL) return false;
  const pi__netns *then = pi__netns_find(before, netns);
  if (then == NULL || !then->sources[proto][family].autobound) return false;
  for (size_t row = 0; row < s->count; row++) {
    uint32_t at = s->earlier[row];
    if (!is_of(s, row, netns, proto, family) || !has_mark(s, row)) continue;
    bool known = at != PI__NO_ROW && has_mark(before, at) &&
                 before->marked[at] != PI__MARK_DOUBT;
    if (!known) return false;
  }
  for (size_t row = 0; row < s->count; row++) {
    if (!is_of(s, row, netns, proto, family) || !has_mark(s, row)) continue;
    s->marked[row] = before->marked[s->earlier[row]];
  }
  return true;
}

/* ---- Who holds it ------------------------------------------------------- */

typedef enum fate { UNASKED, STAYED, ENDED } fate;

typedef struct recall {
  pi__reading *reading;
  pi__same_process same;
  void *arg;
  uint8_t *fates;    /* of each process of the reading before */
  uint32_t *numbers; /* what it is in this one */
} recall;

static bool stayed(recall *r, uint32_t process) {
  const pi_snapshot *before = r->reading->snapshot.before;
  if (r->fates[process] == UNASKED) {
    const pi__process *p = &before->processes[process];
    const pi__string *comm = pi__string_at(before, p->comm);
    bool same = r->same(r->arg, p->pid, p->start, comm->bytes, comm->length);
    r->fates[process] = same ? STAYED : ENDED;
  }
  return r->fates[process] == STAYED;
}

/* Is it known who holds the row: someone who still does, or nobody that can be
 * seen? */
static bool is_known(recall *r, size_t row) {
  const pi_snapshot *s = &r->reading->snapshot, *before = s->before;
  if (pi__cell(s, row, PI_INODE) == 0) return true;
  uint32_t at = s->earlier[row];
  if (at == PI__NO_ROW) return false;
  uint32_t first = before->first_holding[at];
  uint32_t end = before->first_holding[at + 1];
  if (first == end) return pi__cell(before, at, PI_WHY) != PI_WHY_VANISHED;
  bool any = false;
  for (uint32_t i = first; i < end; i++) {
    if (stayed(r, before->holdings[i].process)) any = true;
  }
  return any;
}

static int copy_text(recall *r, uint32_t *text, pi_error *err) {
  const pi__string *t = pi__string_at(r->reading->snapshot.before, *text);
  if (t == NULL) return 0;
  return pi__reading_text(r->reading, t->bytes, t->length, text, err);
}

/* With its details, if they were read. */
static int copy_process(recall *r, uint32_t process, pi_error *err) {
  pi_snapshot *s = &r->reading->snapshot;
  const pi_snapshot *before = s->before;
  int rc = pi__reserve(&s->processes, &s->process_capacity,
                       s->process_count + 1, sizeof *s->processes, err);
  if (rc != 0) return rc;
  pi__process p = before->processes[process];
  p.detailed = (before->groups & PI_GROUP_PROCESS) != 0;
  uint32_t *const texts[] = {&p.comm,           &p.user,   &p.exe,
                             &p.cmdline,        &p.cgroup, &p.container,
                             &p.container_name, &p.via};
  for (size_t i = 0; rc == 0 && i < sizeof texts / sizeof *texts; i++) {
    rc = copy_text(r, texts[i], err);
  }
  if (rc != 0) return rc;
  r->numbers[process] = (uint32_t)s->process_count;
  s->processes[s->process_count++] = p;
  return 0;
}

static int copy_holdings(recall *r, size_t row, pi_error *err) {
  const pi_snapshot *s = &r->reading->snapshot, *before = s->before;
  uint32_t at = s->earlier[row];
  int rc = 0;
  for (uint32_t i = before->first_holding[at];
       rc == 0 && i < before->first_holding[at + 1]; i++) {
    const pi__holding *h = &before->holdings[i];
    if (!stayed(r, h->process)) continue;
    rc = pi__reading_holder(r->reading, h->inode, r->numbers[h->process], h->fd,
                            err);
  }
  return rc;
}

static void copy_quality(pi_quality *to, const pi_quality *from) {
  to->processes = from->processes;
  to->unreadable = from->unreadable;
  to->vanished = from->vanished;
  to->hidden = from->hidden;
  to->nested = from->nested;
  to->owners_by = from->owners_by;
  to->pinned = from->pinned;
  memcpy(to->obstacle, from->obstacle, sizeof to->obstacle);
  to->recalls = from->recalls + 1;
}

static int take_over(recall *r, bool *ret, pi_error *err) {
  pi_snapshot *s = &r->reading->snapshot;
  const pi_snapshot *before = s->before;
  for (size_t row = 0; row < s->count; row++) {
    if (!is_known(r, row)) return 0;
  }
  int rc = 0;
  for (uint32_t i = 0; rc == 0 && i < before->process_count; i++) {
    if (r->fates[i] == STAYED) rc = copy_process(r, i, err);
  }
  for (size_t row = 0; rc == 0 && row < s->count; row++) {
    if (pi__cell(s, row, PI_INODE) == 0) continue;
    s->alive[row] = 1;  // it was met by this reading, later than by that look
    rc = copy_holdings(r, row, err);
  }
  if (rc != 0) return rc;
  copy_quality(&s->quality, &before->quality);
  *ret = true;
  return 0;
}

int pi__reading_recall_holders(pi__reading *reading, pi__same_process same,
                               void *arg, bool *ret, pi_error *err) {
  const pi_snapshot *before = reading->snapshot.before;
  *ret = false;
  if (before == NULL || !(before->groups & PI_GROUP_OWNER) ||
      before->quality.owners_unseen ||
      before->quality.recalls >= MOST_RECALLS) {
    return 0;
  }
  size_t n = before->process_count + 1;
  recall r = {.reading = reading, .same = same, .arg = arg};
  r.fates = pi__realloc(NULL, n);
  r.numbers = pi__realloc(NULL, n * sizeof *r.numbers);
  int rc = r.fates == NULL || r.numbers == NULL ? pi__nomem(err) : 0;
  if (rc == 0) {
    memset(r.fates, UNASKED, n);
    rc = take_over(&r, ret, err);
  }
  pi__realloc(r.fates, 0);
  pi__realloc(r.numbers, 0);
  return rc;
}
