/* watch.c: what the kernel tells between readings: which sockets ended. Those
 * of the latest reading are a reason to read again; those that no reading had
 * are kept as rows, of which little is known. */
#include "plan.h"
#include "snapshot.h"

#include <string.h>
#include <time.h>

/* Sockets by cookie; not those in time-wait, whose end is behind them. */
typedef struct crowd {
  uint64_t *cookies;
  uint8_t *told; /* its end has been told */
  size_t count;
  pi__index index;
} crowd;

struct pi_watcher {
  pi__want want;
  bool (*interrupted)(void);
  pi__notices *notices;
  crowd latest;  /* of the latest reading */
  crowd missing; /* readings have them no more, but their end was not told */
  pi__row *ended;
  size_t ended_count, ended_capacity;
  bool due; /* a socket of the latest reading ended */
  pi_hearing hearing;
};

enum {
  MOST_ENDED = 65536, /* are kept between readings; more: it is time for one */
  MOST_MISSING = 65536, /* what only left the filter is not told for long */
};

/* ---- Crowds ------------------------------------------------------------- */

static void crowd_deinit(crowd *c) {
  c->cookies = pi__realloc(c->cookies, 0);
  c->told = pi__realloc(c->told, 0);
  pi__index_deinit(&c->index);
  c->count = 0;
}

/* Room for `most` sockets. */
static int crowd_init(crowd *c, size_t most, pi_error *err) {
  memset(c, 0, sizeof *c);
  c->cookies = pi__realloc(NULL, (most + 1) * sizeof *c->cookies);
  c->told = pi__realloc(NULL, most + 1);
  int rc = c->cookies == NULL || c->told == NULL
               ? pi__nomem(err)
               : pi__index_init(&c->index, most, err);
  if (rc != 0) crowd_deinit(c);
  return rc;
}

/* The slot of a cookie: taken by it, or free for it. */
static uint32_t *crowd_slot(const crowd *c, uint64_t cookie) {
  size_t slot = pi__index_slot(&c->index, cookie);
  for (;; slot = (slot + 1) & c->index.mask) {
    uint32_t *at = &c->index.rows[slot];
    if (*at == PI__NO_ROW || c->cookies[*at] == cookie) return at;
  }
}

static bool crowd_has(const crowd *c, uint64_t cookie) {
  return c->count > 0 && *crowd_slot(c, cookie) != PI__NO_ROW;
}

static void crowd_add(crowd *c, uint64_t cookie) {
  uint32_t *at = crowd_slot(c, cookie);
  if (*at != PI__NO_ROW) return;
  c->cookies[c->count] = cookie;
  c->told[c->count] = 0;
  *at = (uint32_t)c->count++;
}

/* Notes that the end of a socket was told; false if it is none of these. */
static bool crowd_tell(crowd *c, uint64_t cookie) {
  if (!crowd_has(c, cookie)) return false;
  c->told[*crowd_slot(c, cookie)] = 1;
  return true;
}

static int crowd_of(crowd *c, const pi_snapshot *s, pi_error *err) {
  int rc = crowd_init(c, s->count, err);
  for (size_t row = 0; rc == 0 && row < s->count; row++) {
    uint64_t cookie = pi__cell(s, row, PI_COOKIE);
    bool waits = pi__cell(s, row, PI_STATE) == PI_STATE_TIME_WAIT;
    if (cookie != 0 && !waits) crowd_add(c, cookie);
  }
  return rc;
}

static size_t crowd_untold(const crowd *c, const crowd *except) {
  size_t n = 0;
  for (size_t i = 0; i < c->count; i++) {
    n += !c->told[i] && !crowd_has(except, c->cookies[i]);
  }
  return n;
}

/* Adds those of `c` whose end is still to be told, but for the first `skip`. */
static void add_untold(crowd *to, const crowd *c, const crowd *except,
                       size_t *skip) {
  for (size_t i = 0; i < c->count; i++) {
    if (c->told[i] || crowd_has(except, c->cookies[i])) continue;
    if (*skip > 0)
      --*skip;
    else
      crowd_add(to, c->cookies[i]);
  }
}

/* Those that were missing and those that are now, the oldest forgotten first.
 */
static int crowd_missing(crowd *ret, const pi_watcher *w, const crowd *now,
                         pi_error *err) {
  size_t n = crowd_untold(&w->missing, now) + crowd_untold(&w->latest, now);
  size_t skip = n > MOST_MISSING ? n - MOST_MISSING : 0;
  int rc = crowd_init(ret, n - skip, err);
  if (rc != 0) return rc;
  add_untold(ret, &w->missing, now, &skip);
  add_untold(ret, &w->latest, now, &skip);
  return 0;
}

/* ---- Ends --------------------------------------------------------------- */

/* May the filter want it? Only connections have a far end; those that never had
 * one, and those that lost it when they were reset, look alike. */
static bool is_wanted(const pi_watcher *w, const pi__row *row) {
  const uint16_t apart = 1u << PI_STATE_LISTEN | 1u << PI_STATE_CLOSED |
                         1u << PI_STATE_UNCONNECTED;
  uint16_t states = w->want.states[row->proto];
  if (!w->want.families[row->family] || states == 0) return false;
  return row->rport == 0 || (states & ~apart) != 0;
}

static int take_end(void *arg, const pi__row *row, pi_error *err) {
  pi_watcher *w = arg;
  w->hearing.told++;
  if (crowd_tell(&w->latest, row->cookie)) {
    w->due = true;
    return 0;
  }
  if (crowd_tell(&w->missing, row->cookie)) return 0;   // readings tell of it
  if (row->lport == 0 || !is_wanted(w, row)) return 0;  // never had a port
  int rc = pi__reserve(&w->ended, &w->ended_capacity, w->ended_count + 1,
                       sizeof *w->ended, err);
  if (rc == 0) w->ended[w->ended_count++] = *row;
  return rc;
}

/* Takes what has been told, as much as there is room for. */
static int hear(pi_watcher *w, pi_error *err) {
  bool more = true;
  int rc = 0;
  while (rc == 0 && more && w->ended_count < MOST_ENDED) {
    rc = pi__notices_read(w->notices, take_end, w, &w->hearing, &more, err);
  }
  return rc;
}

/* ---- What no reading had ------------------------------------------------ */

/* A time-wait socket has a cookie of its own if its socket had none yet: it is
 * known by its ends. */
static bool same_ends(const pi_snapshot *s, size_t at, const pi__row *row) {
  return pi__cell(s, at, PI_STATE) == PI_STATE_TIME_WAIT &&
         pi__cell(s, at, PI_RPORT) == row->rport &&
         memcmp(pi__cell_address(s, at, PI_LADDR), &row->laddr,
                sizeof row->laddr) == 0 &&
         memcmp(pi__cell_address(s, at, PI_RADDR), &row->raddr,
                sizeof row->raddr) == 0;
}

/* The time-wait rows of a reading by local port. */
static int waits_init(pi__index *index, const pi_snapshot *s, pi_error *err) {
  size_t n = 0;
  for (size_t row = 0; row < s->count; row++) {
    n += pi__cell(s, row, PI_STATE) == PI_STATE_TIME_WAIT;
  }
  int rc = pi__index_init(index, n, err);
  for (size_t row = 0; rc == 0 && row < s->count; row++) {
    if (pi__cell(s, row, PI_STATE) != PI_STATE_TIME_WAIT) continue;
    uint64_t ports =
        pi__cell(s, row, PI_LPORT) << 16 | pi__cell(s, row, PI_RPORT);
    size_t slot = pi__index_slot(index, ports);
    while (index->rows[slot] != PI__NO_ROW) slot = (slot + 1) & index->mask;
    index->rows[slot] = (uint32_t)row;
  }
  return rc;
}

static bool is_waiting(const pi__index *index, const pi_snapshot *s,
                       const pi__row *row) {
  uint64_t ports = (uint64_t)row->lport << 16 | row->rport;
  size_t slot = pi__index_slot(index, ports);
  for (uint32_t at; (at = index->rows[slot]) != PI__NO_ROW;
       slot = (slot + 1) & index->mask) {
    if (pi__cell(s, at, PI_LPORT) == row->lport && same_ends(s, at, row)) {
      return true;
    }
  }
  return false;
}

/* Keeps the ends that the latest reading, before which some of them came, has
 * not. */
static int ends_sift(pi_watcher *w, const pi_snapshot *s, pi_error *err) {
  pi__index waits = {0};
  int rc = waits_init(&waits, s, err);
  if (rc != 0) return rc;
  size_t kept = 0;
  for (size_t i = 0; i < w->ended_count; i++) {
    const pi__row *row = &w->ended[i];
    if (is_waiting(&waits, s, row)) continue;
    w->ended[kept++] = *row;
  }
  w->ended_count = kept;
  pi__index_deinit(&waits);
  return 0;
}

/* ---- A reading of them -------------------------------------------------- */

static int set_unknown(pi_snapshot *s, size_t row, const pi_field *fields,
                       size_t n, pi_error *err) {
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < n; i++) {
    rc = pi__sight_set(s, row, fields[i], PI_UNKNOWN, err);
  }
  return rc;
}

#define SET_UNKNOWN(s, row, fields, err)                                       \
  set_unknown(s, row, fields, sizeof(fields) / sizeof *(fields), err)

/* What an ended socket no longer tells. A TCP socket is always closed by then,
 * and one that was reset has lost its far end, and the address it did not bind
 * (net/ipv4/tcp.c, tcp_disconnect). */
static int forget(pi_snapshot *s, size_t row, pi_error *err) {
  static const pi_field always[] = {PI_INODE, PI_RXQ, PI_TXQ};
  static const pi_field tcp[] = {PI_STATE, PI_ROLE};
  static const pi_field reset[] = {PI_RADDR, PI_RPORT};
  static const pi_field unbound[] = {PI_LADDR, PI_EXPOSURE, PI_FAMILIES};
  int rc = SET_UNKNOWN(s, row, always, err);
  if (rc != 0 || pi__cell(s, row, PI_PROTO) != PI_PROTO_TCP) return rc;
  rc = SET_UNKNOWN(s, row, tcp, err);
  s->service_sight[row] = PI_UNKNOWN;
  if (rc != 0 || pi__cell(s, row, PI_RPORT) != 0) return rc;
  rc = SET_UNKNOWN(s, row, reset, err);
  bool any = pi__cell(s, row, PI_EXPOSURE) == PI_EXPOSURE_WILDCARD;
  return rc == 0 && any ? SET_UNKNOWN(s, row, unbound, err) : rc;
}

static int add_ends(const pi_watcher *w, pi_snapshot *s, pi_error *err) {
  int rc = pi__reading_expect((pi__reading *)s, w->ended_count, err);
  for (size_t i = 0; rc == 0 && i < w->ended_count; i++) {
    pi__row row = w->ended[i];
    if (row.proto == PI_PROTO_TCP && row.rport != 0) {
      row.state = PI_STATE_ESTABLISHED;  // so that it has a far end
    }
    rc = pi__reading_row((pi__reading *)s, &row, err);
  }
  s->groups = PI_GROUP_SOCKET;
  return rc;
}

/* Nobody was seen to hold them. */
static int add_owners(pi_snapshot *s, pi_error *err) {
  int rc = pi__owners_begin(s, err);
  if (rc == 0) rc = pi__owners_join(s, err);
  pi__owners_end(s);
  for (size_t row = 0; rc == 0 && row < s->count; row++) {
    pi__cell_set(s, row, PI_OWNER, PI_OWNER_UNKNOWN);
    pi__cell_set(s, row, PI_WHY, PI_WHY_VANISHED);
  }
  memset(s->quality.unknown, 0, sizeof s->quality.unknown);
  s->quality.unknown[PI_WHY_VANISHED] = s->count;
  s->groups |= PI_GROUP_OWNER | PI_GROUP_PROCESS;
  return rc;
}

static int add_derived(pi_snapshot *s, pi_error *err) {
  s->marked = pi__realloc(NULL, s->count + 1);
  if (s->marked == NULL) return pi__nomem(err);
  memset(s->marked, PI__MARK_DOUBT, s->count + 1);
  int rc = pi__derive(s, err);
  s->groups |= PI_GROUP_DERIVED;
  for (size_t row = 0; rc == 0 && row < s->count; row++) {
    rc = forget(s, row, err);
  }
  return rc;
}

static int ends_read(const pi_watcher *w, const pi_snapshot *latest,
                     pi_snapshot **ret, pi_error *err) {
  pi_snapshot *s = pi__realloc(NULL, sizeof(pi__reading));
  if (s == NULL) return pi__nomem(err);
  memset(s, 0, sizeof *s);
  s->want = w->want;
  s->interrupted = w->interrupted;
  s->first.host = latest->first.host;
  s->quality.taken = (int64_t)time(NULL);
  int rc = add_ends(w, s, err);
  if (rc == 0) rc = add_owners(s, err);
  if (rc == 0) rc = add_derived(s, err);
  if (rc == 0)
    *ret = s;
  else
    pi_snapshot_free(s);
  return rc;
}

/* ---- The watcher -------------------------------------------------------- */

int pi_watcher_new(const pi_options *opt, pi_watcher **ret, pi_error *err) {
  static const pi_options defaults;
  if (opt == NULL) opt = &defaults;
  pi_watcher *w = pi__realloc(NULL, sizeof *w);
  if (w == NULL) return pi__nomem(err);
  memset(w, 0, sizeof *w);
  w->interrupted = opt->interrupted;
  w->want.backend = opt->backend;
  w->want.proc = opt->proc != NULL ? opt->proc : "/proc";
  w->want.netns = opt->netns != NULL ? opt->netns : "own";
  pi__plan(opt->filter, &w->want);
  int rc = pi__notices_open(&w->want, &w->notices, &w->hearing, err);
  if (rc == 0)
    *ret = w;
  else
    pi_watcher_free(w);
  return rc;
}

void pi_watcher_free(pi_watcher *w) {
  if (w == NULL) return;
  if (w->notices != NULL) pi__notices_close(w->notices);
  crowd_deinit(&w->latest);
  crowd_deinit(&w->missing);
  pi__realloc(w->ended, 0);
  pi__realloc(w, 0);
}

const pi_hearing *pi_watcher_hearing(const pi_watcher *w) {
  return &w->hearing;
}

uint64_t pi_watcher_ticks(void) {
  return pi__ticks();
}

int pi_watcher_meet(pi_watcher *w, const pi_snapshot *latest, pi_snapshot **ret,
                    pi_error *err) {
  crowd now, missing;
  int rc = crowd_of(&now, latest, err);
  if (rc != 0) return rc;
  rc = crowd_missing(&missing, w, &now, err);
  if (rc != 0) {
    crowd_deinit(&now);
    return rc;
  }
  crowd_deinit(&w->latest);
  crowd_deinit(&w->missing);
  w->latest = now;
  w->missing = missing;
  w->due = false;
  rc = hear(w, err);  // of those that ended while we read, and since
  if (rc == 0) rc = ends_sift(w, latest, err);
  if (rc != 0) return rc;
  pi_snapshot *s = NULL;
  if (w->ended_count > 0) rc = ends_read(w, latest, &s, err);
  if (rc != 0) return rc;
  w->ended_count = 0;
  *ret = s;
  return 0;
}

int pi_watcher_wait(pi_watcher *w, unsigned least, unsigned most, int output,
                    pi_error *err) {
  const uint64_t start = pi__ticks();
  for (;;) {
    uint64_t passed = pi__ticks() - start;
    if (w->interrupted != NULL && w->interrupted()) {
      return pi__fail(err, PI_ECANCELED, 0, "interrupted");
    }
    if (w->ended_count >= MOST_ENDED) return PI_WAKE_ENDED;
    if (w->due && passed >= least) return PI_WAKE_ENDED;
    if (passed >= most) return PI_WAKE_TIME;
    uint64_t until = w->due && least < most ? least : most;
    pi_wake wake =
        pi__notices_wait(w->notices, (unsigned)(until - passed), output);
    if (wake == PI_WAKE_LEFT || wake == PI_WAKE_SIGNAL) return (int)wake;
    if (wake != PI_WAKE_ENDED) continue;
    int rc = hear(w, err);
    if (rc != 0) return rc;
  }
}
