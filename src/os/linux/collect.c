/* collect.c: Linux' answer to core's one question: the sockets of the wanted
 * namespaces, and what is asked of them afterwards, group by group. */
#include "holders.h"
#include "host.h"
#include "netns.h"
#include "process.h"
#include "proctable.h"
#include "source.h"
#include "taskrows.h"
#include "tcpinfo.h"

#include <errno.h>

/* ---- All of a namespace -------------------------------------------------- */

/* Those of the namespace that we are in; `rows`: as the iterator tells them, if
 * it is to tell them, too. */
static int read_here(const pi__want *want, pi__reading *reading, void *rows,
                     pi_error *err) {
  pi_error first = {0}, trouble = {0};
  size_t wanted = 0, served = 0, before = pi__reading_rows(reading);
  pi__host_fill(want->proc, pi__reading_host(reading));
  int rc = 0;
  if (rows != NULL) rc = pi__taskrows_here(rows, want, reading, &trouble);
  // what no descriptor leads to, sock_diag alone tells
  if (rc == 0) rc = pi__sources_read(want, reading, rows, &first, &trouble);
  if (rc != 0) {
    if (err != NULL) *err = trouble;
    return rc;
  }
  for (int i = 0; i < PI_SOURCES; i++) {
    pi__source s;
    if (!pi__source_at(want, reading, i, &s)) continue;
    if (pi__source_is_rare(&s) && s.note->absent) continue;
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
    if (rc != 0 && pi__is_final(rc)) *err = refused;
    if (rc != 0) return pi__is_final(rc) ? rc : 0;
  }
  pi_quality *q = pi__reading_quality(reading);
  q->unlisted = q->unlisted && q->nested;  // procfs alone hides
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

/* Which ports the kernel chose, and where that is no proof of the contrary for
 * the rest, which ones it did not: a socket may be gone since it was read. */
static int read_marks(pi__source *s, pi_error *err) {
  bool whole, doubt;
  s->query.choice = PI__CHOICE_KERNEL;
  int rc = pi__source_visit(s, mark_autobound, &whole, err);
  s->note->autobound = whole;
  pi__source_share(s);
  if (!whole) return rc;
  doubt = pi__reading_doubt(s->reading, s->query.proto, s->query.family);
  if (s->query.both &&
      pi__reading_doubt(s->reading, s->query.proto, PI_FAMILY_6)) {
    doubt = true;
  }
  if (!doubt) return 0;
  s->query.choice = PI__CHOICE_PROCESS;
  return pi__source_visit(s, mark_chosen, &whole, err);
}

/* A socket keeps its port as it got it. */
static bool recall_marks(pi__source *s) {
  const pi__sockdiag_query *q = &s->query;
  if (!pi__reading_recall_marks(s->reading, q->proto, q->family)) return false;
  if (q->both && !pi__reading_recall_marks(s->reading, q->proto, PI_FAMILY_6)) {
    return false;
  }
  s->note->autobound = true;
  pi__source_share(s);
  return true;
}

static int read_choices(pi__source *s, pi_error *err) {
  if (!pi__source_has_more(s) || !pi__sockdiag_tests(s->query.proto)) return 0;
  return recall_marks(s) ? 0 : read_marks(s, err);
}

static int read_autobound(const pi__want *want, pi__reading *reading, void *arg,
                          pi_error *err) {
  (void)arg;  // an older kernel's refusal: stays unknown
  return pi__sources_again(want, reading, read_choices, err);
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

static int ask_figures(pi__source *s, pi_error *err) {
  bool whole;  // what was not told stays unknown
  if (!pi__source_has_more(s) || !pi__tcpinfo_has(s->query.proto)) return 0;
  s->query.figures = true;
  s->query.states &= pi__tcpinfo_states();
  return pi__source_visit(s, keep_figures, &whole, err);
}

static int read_figures(const pi__want *want, pi__reading *reading, void *arg,
                        pi_error *err) {
  (void)arg;
  return pi__sources_again(want, reading, ask_figures, err);
}

/* ---- Owners ------------------------------------------------------------- */

static int mark_alive(void *arg, const pi__row *row, pi_error *err) {
  (void)err;
  pi__reading_alive(arg, row->inode);
  return 0;
}

static int visit_again(pi__source *s, pi_error *err) {
  bool whole;
  size_t skipped;
  if (pi__source_has_more(s)) {
    return pi__source_visit(s, mark_alive, &whole, err);
  }
  if (s->note->backend != PI_BACKEND_PROC) return 0;
  return pi__proctable_read(s->want, s->query.proto, s->query.family,
                            s->query.states, mark_alive, s->reading, &skipped,
                            err);
}

/* What a table that cannot be read again would have told is in doubt. */
static int ask_alive(pi__source *s, pi_error *err) {
  pi_quality *q = pi__reading_quality(s->reading);
  int rc = visit_again(s, err);
  if (rc != 0) q->owners_unseen = true;
  if (rc != 0) q->owners_os = err->os;
  return rc;
}

/* Which sockets are still there now that the scan is over? One that nobody
 * holds may have been closed meanwhile. */
static int read_alive(const pi__want *want, pi__reading *reading, void *arg,
                      pi_error *err) {
  (void)arg;
  return pi__sources_again(want, reading, ask_alive, err);
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
  rc = pi__holders_read(want, reading, &trouble);
  if (rc == 0 && pi__reading_unheld(reading) > 0) {
    // last, so that whoever ended while we looked took its sockets along
    rc = pi__netns_each(want, reading, read_alive, NULL, &refusal, &trouble);
  }
  if (rc == 0 && q->owners_by == PI_BACKEND_BPF) return 0;
  if (rc == 0) {
    // a procfs that shows no process at all, not even us, is none
    if (q->processes == 0) q->owners_unseen = true;
    return 0;
  }
  if (pi__is_final(rc) || want->backend == PI_BACKEND_BPF) {
    if (err != NULL) *err = trouble;
    return rc;
  }
  q->owners_unseen = true;
  q->owners_os = trouble.os == ENOENT ? 0 : trouble.os;
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
