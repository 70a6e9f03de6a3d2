/* collect.c: Linux' answer to core's one question. sock_diag per protocol and
 * family, the proc table where that refuses, and a note of which it was. */
#include "file.h"
#include "holders.h"
#include "host.h"
#include "netns.h"
#include "parts.h"
#include "process.h"
#include "proctable.h"
#include "protocols.h"
#include "sockdiag.h"
#include "taskrows.h"
#include "tcpinfo.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST_RETRIES = 3 };

typedef int (*row_visit)(void *arg, const pi__row *row, pi_error *err);

/* One protocol and family of one reading, or TCP of both. */
typedef struct source {
  const pi__want *want;
  pi__reading *reading;
  pi__sockdiag_query query;
  struct pi_source *note;
} source;

static bool source_at(const pi__want *want, pi__reading *reading, int i,
                      source *ret) {
  pi_proto proto = (pi_proto)(i / 2);
  pi_family family = (pi_family)(i % 2);
  struct pi_source *note = pi__reading_source(reading, proto, family);
  *ret = (source){
      .want = want,
      .reading = reading,
      .query = {.proto = proto,
                .family = family,
                .states = want->states[proto],
                .steps = want->steps,
                .step_count = pi__sockdiag_tests(proto) ? want->step_count : 0},
      .note = note,
  };
  return want->families[family] && want->states[proto] != 0;
}

/* The same for one that has been read, to be asked again in the way that served
 * then. */
static bool source_again(const pi__want *want, pi__reading *reading, int i,
                         source *ret) {
  if (!source_at(want, reading, i, ret)) return false;
  ret->query.both = ret->note->joint;
  ret->query.parts = ret->note->parts;
  return !ret->note->joint || ret->query.family == PI_FAMILY_4;
}

/* What is noted of a source that is both families is noted of each, but for how
 * many rows it gave. */
static void share_note(const source *s) {
  if (!s->query.both) return;
  struct pi_source *other =
      pi__reading_source(s->reading, s->query.proto, PI_FAMILY_6);
  size_t rows = other->rows;
  *other = *s->note;
  other->rows = rows;
}

/* Can more be asked of it by sock_diag? */
static bool asks_sock_diag(const source *s) {
  return s->note->backend == PI_BACKEND_NETLINK ||
         s->note->backend == PI_BACKEND_BPF;
}

/* Does a refusal concern the whole reading, or this way of asking alone? */
static bool is_final(int rc) {
  return rc == PI_ENOMEM || rc == PI_ECANCELED;
}

/* ---- Sockets ------------------------------------------------------------ */

static int add_row(void *arg, const pi__row *row, pi_error *err) {
  return pi__reading_row(arg, row, err);
}

/* Connections are counted before they are asked for; listeners alone, or what
 * passes a test, are taken for few. */
static int prepare(source *s, pi_error *err) {
  enum { MOST_EXPECTED = 1 << 18 };  // beyond, let them come
  const pi__sockdiag_query *query = &s->query;
  const uint16_t listen = 1u << PI_STATE_LISTEN;
  s->query.parts = 1;
  if ((query->states & ~listen) == 0 || query->step_count > 0) return 0;
  size_t sockets =
      pi__parts_sockets(s->want->proc, query->proto, query->family);
  if (query->both) {
    sockets += pi__parts_sockets(s->want->proc, query->proto, PI_FAMILY_6);
  }
  s->query.parts = pi__parts_count(sockets);
  if (sockets > MOST_EXPECTED) sockets = MOST_EXPECTED;
  return pi__reading_expect(s->reading, sockets, err);
}

/* A dump that the kernel calls inconsistent is asked for again; the last one is
 * kept, and marked. */
static int read_netlink(source *s, pi_error *err) {
  size_t before = pi__reading_rows(s->reading);
  int rc = prepare(s, err);
  if (rc != 0) return rc;
  for (unsigned retries = 0;; retries++) {
    bool interrupted;
    size_t skipped;
    rc = pi__sockdiag_dump(s->reading, &s->query, add_row, s->reading,
                           &interrupted, &skipped, err);
    if (rc == 0) {
      s->note->backend = PI_BACKEND_NETLINK;
      s->note->retries = retries;
      s->note->parts = s->query.parts;
      s->note->joint = s->query.both;
      s->note->partial = interrupted || skipped > 0;
      if (!interrupted || retries == MOST_RETRIES) return 0;
    }
    pi__reading_rewind(s->reading, before);
    if (rc != 0) return rc;
  }
}

static int read_table(source *s, pi_error *err) {
  size_t before = pi__reading_rows(s->reading), skipped;
  int rc =
      pi__proctable_read(s->want, s->query.proto, s->query.family,
                         s->query.states, add_row, s->reading, &skipped, err);
  if (rc != 0) {
    pi__reading_rewind(s->reading, before);
    return rc;
  }
  s->note->backend = PI_BACKEND_PROC;
  s->note->partial = skipped > 0;
  s->note->no_bound = s->query.proto == PI_PROTO_TCP &&
                      (s->query.states >> PI_STATE_CLOSED & 1);
  return 0;
}

static bool has_proc_net(const char *proc) {
  char path[4096];
  pi__net_path(proc, "dev", path);
  return access(path, F_OK) == 0;
}

/* Reads one source as well as it can be; its refusal is a note, not a
 * failure. */
static int read_source(source *s, pi_error *err) {
  pi_backend wish = s->want->backend;
  s->note->wanted = true;
  s->note->backend = PI_BACKEND_NONE;
  int rc = PI_EOS;
  if (wish != PI_BACKEND_PROC) {
    rc = read_netlink(s, err);
    if (rc == 0 || is_final(rc)) return rc;
    s->note->os = err->os != 0 ? err->os : EBADMSG;
  }
  if (wish != PI_BACKEND_NETLINK &&
      (wish == PI_BACKEND_PROC || pi__proctable_has(s->query.proto))) {
    pi_error refused = *err, table = {0};
    rc = read_table(s, &table);
    *err = table;
    if (rc == 0 || is_final(rc)) return rc;
    if (s->note->os != 0) {
      pi__fail(err, table.code, table.os, "%s; %s", refused.text, table.text);
    }
    // no such table although there are others: no such family on this host
    if (err->os == ENOENT && has_proc_net(s->want->proc))
      s->note->absent = true;
    if (s->note->os == 0) s->note->os = err->os;
  }
  return 0;
}

/* Both families of TCP by one request; *done if that served. A refusal says
 * nothing: each is then asked for by itself. */
static int read_joint(const pi__want *want, pi__reading *reading, bool *done,
                      pi_error *err) {
  source s;
  *done = false;
  if (!source_at(want, reading, 0, &s) || !want->families[PI_FAMILY_6] ||
      want->backend == PI_BACKEND_PROC) {
    return 0;
  }
  s.query.both = true;
  int rc = read_netlink(&s, err);
  if (rc != 0) return is_final(rc) ? rc : 0;
  s.note->wanted = true;
  share_note(&s);
  *done = true;
  return 0;
}

/* Protocols that a host may lack, and mostly has no sockets of. */
static bool is_rare(pi_proto proto) {
  return proto != PI_PROTO_TCP && proto != PI_PROTO_UDP;
}

static bool wants_rare(const pi__want *want) {
  for (int i = 0; i < PI_PROTOS; i++) {
    if (is_rare((pi_proto)i) && want->states[i] != 0) return true;
  }
  return false;
}

/* One of them is asked for where the kernel counts sockets of it. */
static int read_rare(source *s, const pi__protocols *protocols, pi_error *err) {
  switch (protocols->of[s->query.proto][s->query.family]) {
  case PI__PRESENT: return read_source(s, err);
  case PI__UNTOLD:
    s->note->os = protocols->os;
    s->note->untold = true;
    pi__fail(err, PI_EOS, protocols->os, "%s/net/protocols: %s", s->want->proc,
             strerror(protocols->os));
    break;
  case PI__ABSENT: s->note->absent = true; break;
  }
  s->note->wanted = true;
  s->note->backend = PI_BACKEND_NONE;
  return 0;
}

/* *first: why the first source that nobody serves is not served. */
static int read_sources(const pi__want *want, pi__reading *reading,
                        pi_error *first, pi_error *err) {
  bool joint;
  int rc = read_joint(want, reading, &joint, err);
  pi__protocols protocols;
  if (wants_rare(want)) pi__protocols_read(want->proc, &protocols);
  for (int i = joint ? 2 : 0; rc == 0 && i < PI_SOURCES; i++) {
    source s;
    pi_error trouble = {0};
    if (!source_at(want, reading, i, &s)) continue;
    rc = is_rare(s.query.proto) ? read_rare(&s, &protocols, &trouble)
                                : read_source(&s, &trouble);
    if (rc != 0) *err = trouble;
    if (s.note->backend == PI_BACKEND_NONE && first->code == 0) {
      *first = trouble;
    }
  }
  return rc;
}

/* ---- As the iterator tells them ----------------------------------------- */

/* Connections of which none of their sockets is told: nobody has accepted them
 * yet. */
static bool has_waiting(const pi__taskrows *rows, uint64_t netns) {
  enum { LISTEN = 10 };  // net/tcp_states.h
  for (size_t i = pi__taskrows_first(rows, netns);
       i < rows->count && rows->records[i].netns == netns; i++) {
    const pi__record *r = &rows->records[i];
    if (r->state == LISTEN && r->protocol == IPPROTO_TCP && r->rxq > 0) {
      return true;
    }
  }
  return false;
}

/* States in which there may be sockets that no descriptor leads to, as they
 * have none, or as the kernel, or an io_uring, holds them; the last are looked
 * for where few are in the way. */
static uint16_t states_untold(const source *s, const pi__taskrows *rows) {
  if (s->query.proto == PI_PROTO_UDP) return s->query.states;
  unsigned states = 1u << PI_STATE_LISTEN | 1u << PI_STATE_SYN_RECEIVED |
                    1u << PI_STATE_FIN_WAIT_1 | 1u << PI_STATE_FIN_WAIT_2 |
                    1u << PI_STATE_TIME_WAIT | 1u << PI_STATE_LAST_ACK |
                    1u << PI_STATE_CLOSING;
  if (has_waiting(rows, pi__reading_host(s->reading)->netns)) {
    states |= 1u << PI_STATE_ESTABLISHED | 1u << PI_STATE_CLOSE_WAIT;
  }
  return (uint16_t)(s->query.states & states);
}

/* Asks sock_diag for them; what it refuses leaves the source partial. */
static int read_untold(source *s, const pi__taskrows *rows, pi_error *err) {
  bool interrupted = false;
  size_t skipped = 0;
  s->query.states = states_untold(s, rows);
  int rc = pi__sockdiag_dump(s->reading, &s->query, add_row, s->reading,
                             &interrupted, &skipped, err);
  s->note->partial = rc != 0 || interrupted || skipped > 0;
  if (rc == 0 || is_final(rc)) return rc;
  s->note->os = err->os;
  return 0;
}

static int read_told(const pi__want *want, pi__reading *reading,
                     const pi__taskrows *rows, pi_error *err) {
  pi__ifaces ifaces = {.reading = reading};
  pi__protocols protocols;
  int rc = pi__taskrows_add(rows, want, reading, &ifaces, true, err);
  if (wants_rare(want)) pi__protocols_read(want->proc, &protocols);
  for (int i = 0; rc == 0 && i < PI_SOURCES; i++) {
    source s;
    if (!source_at(want, reading, i, &s)) continue;
    if (is_rare(s.query.proto)) {
      rc = read_rare(&s, &protocols, err);
      continue;
    }
    s.note->wanted = true;
    s.note->backend = PI_BACKEND_BPF;
    rc = read_untold(&s, rows, err);
  }
  return rc;
}

/* ---- All of a namespace -------------------------------------------------- */

/* Those of the namespace that we are in; `rows`: as the iterator tells them, if
 * they are to come from it. */
static int read_here(const pi__want *want, pi__reading *reading, void *rows,
                     pi_error *err) {
  pi_error first = {0}, trouble = {0};
  size_t wanted = 0, served = 0, before = pi__reading_rows(reading);
  pi__host_fill(want->proc, pi__reading_host(reading));
  int rc = rows != NULL ? read_told(want, reading, rows, &trouble)
                        : read_sources(want, reading, &first, &trouble);
  if (rc != 0) {
    if (err != NULL) *err = trouble;
    return rc;
  }
  for (int i = 0; i < PI_SOURCES; i++) {
    source s;
    if (!source_at(want, reading, i, &s)) continue;
    if (is_rare(s.query.proto) && s.note->absent) continue;
    s.note->rows =
        pi__reading_count(reading, before, s.query.proto, s.query.family);
    wanted++;
    served += s.note->backend != PI_BACKEND_NONE || s.note->absent;
  }
  // of several namespaces the notes of each tell
  bool several = pi__reading_netns_count(reading) > 1;
  if (wanted == 0 || served > 0 || several) return 0;
  return pi__fail(err, PI_EOS, first.os, "cannot read sockets: %s", first.text);
}

/* The iterator sees into namespaces that we may not enter, and those that only
 * a descriptor keeps. Without it they stay closed, or unknown. */
static int read_unentered(const pi__want *want, pi__reading *reading,
                          pi__taskrows *rows, pi_error *err) {
  pi_error refused;
  if (rows->records == NULL) {
    if (want->backend != PI_BACKEND_AUTO || !pi__holders_see_all(want))
      return 0;
    int rc = pi__taskrows_read(rows, reading, &refused);
    if (rc != 0 && is_final(rc)) *err = refused;
    if (rc != 0) return is_final(rc) ? rc : 0;
  }
  return pi__taskrows_rest(rows, want, reading, err);
}

static int read_namespaces(const pi__want *want, pi__reading *reading,
                           pi__taskrows *rows, pi_error *err) {
  pi_error refusal = {0};
  bool told = want->backend == PI_BACKEND_BPF;
  int rc = told ? pi__taskrows_read(rows, reading, err) : 0;
  if (rc == 0) {
    rc = pi__netns_each(want, reading, read_here, told ? rows : NULL, &refusal,
                        err);
  }
  if (rc == 0 && pi__netns_incomplete(want, reading)) {
    rc = read_unentered(want, reading, rows, err);
  }
  if (rc != 0 || pi__netns_any(reading)) return rc;
  *err = refusal;
  return refusal.code;
}

static int read_sockets(const pi__want *want, pi__reading *reading,
                        pi_error *err) {
  pi__taskrows rows = {0};
  pi_error local;
  if (err == NULL) err = &local;
  int rc = pi__netns_list(want, reading, err);
  if (rc == 0) rc = read_namespaces(want, reading, &rows, err);
  pi__taskrows_deinit(&rows);
  return rc;
}

/* ---- Which ports the kernel chose --------------------------------------- */

static int mark_autobound(void *arg, const pi__row *row, pi_error *err) {
  (void)err;
  pi__reading_autobound(arg, row);
  return 0;
}

static int mark_chosen(void *arg, const pi__row *row, pi_error *err) {
  (void)err;
  pi__reading_chosen(arg, row);
  return 0;
}

/* *whole: every socket was told of, so that the absence of one means something.
 */
static int dump_marks(source *s, row_visit mark, bool *whole, pi_error *err) {
  bool interrupted;
  size_t skipped;
  int rc = pi__sockdiag_dump(s->reading, &s->query, mark, s->reading,
                             &interrupted, &skipped, err);
  *whole = rc == 0 && !interrupted && skipped == 0;
  return rc;
}

/* Which ports the kernel chose, and where that is no proof of the contrary for
 * the rest, which ones it did not: a socket may be gone since it was read. */
static int read_marks(source *s, pi_error *err) {
  bool whole, doubt;
  s->query.choice = PI__CHOICE_KERNEL;
  int rc = dump_marks(s, mark_autobound, &whole, err);
  s->note->autobound = whole;
  share_note(s);
  if (!whole) return rc;
  doubt = pi__reading_doubt(s->reading, s->query.proto, s->query.family);
  if (s->query.both &&
      pi__reading_doubt(s->reading, s->query.proto, PI_FAMILY_6)) {
    doubt = true;
  }
  if (!doubt) return 0;
  s->query.choice = PI__CHOICE_PROCESS;
  return dump_marks(s, mark_chosen, &whole, err);
}

/* A socket keeps its port as it got it. */
static bool recall_marks(source *s) {
  const pi__sockdiag_query *q = &s->query;
  if (!pi__reading_recall_marks(s->reading, q->proto, q->family)) return false;
  if (q->both && !pi__reading_recall_marks(s->reading, q->proto, PI_FAMILY_6)) {
    return false;
  }
  s->note->autobound = true;
  share_note(s);
  return true;
}

static int read_autobound(const pi__want *want, pi__reading *reading, void *arg,
                          pi_error *err) {
  (void)arg;
  for (int i = 0; i < PI_SOURCES; i++) {
    source s;
    pi_error trouble = {0};
    if (!source_again(want, reading, i, &s)) continue;
    if (!asks_sock_diag(&s)) continue;
    if (!pi__sockdiag_tests(s.query.proto)) continue;
    if (recall_marks(&s)) continue;
    int rc = read_marks(&s, &trouble);
    if (!is_final(rc)) continue;  // an older kernel's refusal: stays unknown
    if (err != NULL) *err = trouble;
    return rc;
  }
  return 0;
}

static int read_derived(const pi__want *want, pi__reading *reading,
                        pi_error *err) {
  pi_error refusal;
  int rc = pi__netns_each(want, reading, read_autobound, NULL, &refusal, err);
  return rc != 0 ? rc : pi__netns_name(want, reading, err);
}

/* ---- What connections tell of themselves -------------------------------- */

static int keep_figures(void *arg, const pi__row *row, pi_error *err) {
  (void)err;
  pi__reading_tcp_info(arg, row);
  return 0;
}

static int read_figures(const pi__want *want, pi__reading *reading, void *arg,
                        pi_error *err) {
  (void)arg;
  for (int i = 0; i < PI_SOURCES; i++) {
    source s;
    bool interrupted;
    size_t skipped;
    pi_error trouble = {0};
    if (!source_again(want, reading, i, &s)) continue;
    if (!asks_sock_diag(&s)) continue;
    if (!pi__tcpinfo_has(s.query.proto)) continue;
    s.query.figures = true;
    s.query.states &= pi__tcpinfo_states();
    int rc = pi__sockdiag_dump(reading, &s.query, keep_figures, reading,
                               &interrupted, &skipped, &trouble);
    if (!is_final(rc)) continue;  // what was not told stays unknown
    if (err != NULL) *err = trouble;
    return rc;
  }
  return 0;
}

/* ---- Owners ------------------------------------------------------------- */

static int mark_alive(void *arg, const pi__row *row, pi_error *err) {
  (void)err;
  pi__reading_alive(arg, row->inode);
  return 0;
}

/* Which sockets are still there now that the scan is over? One that nobody
 * holds may have been closed meanwhile. */
static int read_alive(const pi__want *want, pi__reading *reading, void *arg,
                      pi_error *err) {
  (void)arg;
  for (int i = 0; i < PI_SOURCES; i++) {
    source s;
    bool interrupted;
    size_t skipped;
    pi_error trouble = {0};
    int rc = 0;
    if (!source_again(want, reading, i, &s)) continue;
    if (asks_sock_diag(&s)) {
      rc = pi__sockdiag_dump(reading, &s.query, mark_alive, reading,
                             &interrupted, &skipped, &trouble);
    } else if (s.note->backend == PI_BACKEND_PROC) {
      rc = pi__proctable_read(want, s.query.proto, s.query.family,
                              s.query.states, mark_alive, reading, &skipped,
                              &trouble);
    }
    if (!is_final(rc)) continue;
    if (err != NULL) *err = trouble;
    return rc;
  }
  return 0;
}

static int read_owners(const pi__want *want, pi__reading *reading,
                       pi_error *err) {
  pi_error trouble = {0}, refusal;
  pi_quality *q = pi__reading_quality(reading);
  bool recalled = false;
  int rc = pi__reading_recall_holders(reading, pi__process_same,
                                      (void *)want->proc, &recalled, err);
  if (rc != 0 || recalled) return rc;
  pi__host_sight(want->proc, q);
  rc = pi__holders_read(want, reading, false, &trouble);
  if (rc == 0 && pi__reading_unheld(reading) > 0) {
    rc = pi__holders_read(want, reading, true, &trouble);
    // last, so that whoever ended while we looked took its sockets along
    if (rc == 0) {
      rc = pi__netns_each(want, reading, read_alive, NULL, &refusal, &trouble);
    }
  }
  if (rc == 0 && q->owners_by == PI_BACKEND_BPF) return 0;
  if (rc == 0) {
    // a procfs that shows no process at all, not even us, is none
    q->owners_unseen = q->processes == 0;
    return 0;
  }
  if (is_final(rc) || want->backend == PI_BACKEND_BPF) {
    if (err != NULL) *err = trouble;
    return rc;
  }
  q->owners_unseen = true;
  return 0;
}

int pi__collect(const pi__want *want, pi__reading *reading, pi_host *host,
                pi_error *err) {
  if (reading == NULL) {
    pi__host_fill(want->proc, host);
    return 0;
  }
  int rc = 0;
  if (want->groups & PI_GROUP_SOCKET) rc = read_sockets(want, reading, err);
  if (rc == 0 && want->groups & PI_GROUP_DERIVED) {
    rc = read_derived(want, reading, err);
  }
  if (rc == 0 && want->groups & PI_GROUP_TCP_INFO) {
    pi_error refusal;
    rc = pi__netns_each(want, reading, read_figures, NULL, &refusal, err);
  }
  if (rc == 0 && want->groups & PI_GROUP_OWNER) {
    rc = read_owners(want, reading, err);
  }
  if (rc == 0 && want->groups & PI_GROUP_PROCESS) {
    rc = pi__process_details(want->proc, reading, err);
  }
  return rc;
}
