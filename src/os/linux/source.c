/* source.c: sock_diag per protocol and family, the proc table where that
 * refuses, and a note of which it was. */
#include "source.h"
#include "file.h"
#include "parts.h"
#include "proctable.h"
#include "users.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST_RETRIES = 3 };

bool pi__source_at(const pi__want *want, pi__reading *reading, int i,
                   pi__source *ret) {
  pi_proto proto = (pi_proto)(i / 2);
  pi_family family = (pi_family)(i % 2);
  struct pi_source *note = pi__reading_source(reading, proto, family);
  *ret = (pi__source){
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

void pi__source_share(const pi__source *s) {
  if (!s->query.both) return;
  struct pi_source *other =
      pi__reading_source(s->reading, s->query.proto, PI_FAMILY_6);
  size_t rows = other->rows;
  *other = *s->note;
  other->rows = rows;
}

bool pi__source_has_more(const pi__source *s) {
  return s->note->backend == PI_BACKEND_NETLINK;
}

/* ---- Sockets ------------------------------------------------------------ */

/* Does the number of its user stand for anybody who has none here? */
static bool has_nobodys_number(pi__source *s, const pi__row *row) {
  if (row->uid_sight != PI_KNOWN || row->uid != PI__OVERFLOW_UID) return false;
  if (!s->users_asked) s->users_mapped = pi__users_are_mapped(s->want->proc);
  s->users_asked = true;
  return !s->users_mapped;
}

static bool is_told(const pi__source *s, const pi__row *row) {
  return s->told != NULL &&
         pi__taskrows_tell(s->told, pi__reading_host(s->reading)->netns, row);
}

static int add_row(void *arg, const pi__row *row, pi_error *err) {
  pi__source *s = arg;
  if (is_told(s, row)) return 0;
  if (!has_nobodys_number(s, row)) return pi__reading_row(s->reading, row, err);
  pi__row copy = *row;
  copy.uid_sight = PI_UNKNOWN;
  return pi__reading_row(s->reading, &copy, err);
}

/* Connections are counted before they are asked for; listeners alone, or what
 * passes a test, are taken for few. */
static int prepare(pi__source *s, pi_error *err) {
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
static int read_netlink(pi__source *s, pi_error *err) {
  size_t before = pi__reading_rows(s->reading);
  int rc = prepare(s, err);
  if (rc != 0) return rc;
  for (unsigned retries = 0;; retries++) {
    bool interrupted;
    size_t skipped;
    rc = pi__sockdiag_dump(s->reading, &s->query, add_row, s, &interrupted,
                           &skipped, err);
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

static int read_table(pi__source *s, pi_error *err) {
  size_t before = pi__reading_rows(s->reading), skipped;
  int rc = pi__proctable_read(s->want, s->query.proto, s->query.family,
                              s->query.states, add_row, s, &skipped, err);
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

/* What is noted of a refusal. */
static int errno_of(const pi_error *err) {
  return err->os != 0 ? err->os : EBADMSG;
}

static int read_present(pi__source *s, pi_error *err) {
  pi_backend wish = s->want->backend;
  int rc = PI_EOS;
  if (wish != PI_BACKEND_PROC) {
    rc = read_netlink(s, err);
    if (rc == 0 || pi__is_final(rc)) return rc;
    s->note->os = errno_of(err);
  }
  if (wish != PI_BACKEND_NETLINK &&
      (wish == PI_BACKEND_PROC || pi__proctable_has(s->query.proto))) {
    pi_error refused = *err, table = {0};
    rc = read_table(s, &table);
    *err = table;
    if (rc == 0 || pi__is_final(rc)) return rc;
    if (s->note->os != 0) {
      pi__fail(err, table.code, table.os, "%s; %s", refused.text, table.text);
    }
    // no such table although there are others: no such family on this host
    if (err->os == ENOENT && has_proc_net(s->want->proc))
      s->note->absent = true;
    if (s->note->os == 0) s->note->os = errno_of(err);
  }
  return 0;
}

/* Both families of TCP by one request; *done if that served. A refusal says
 * nothing: each is then asked for by itself. */
static int read_joint(const pi__want *want, pi__reading *reading,
                      const pi__taskrows *told, bool *done, pi_error *err) {
  pi__source s;
  *done = false;
  if (!pi__source_at(want, reading, 0, &s) || !want->families[PI_FAMILY_6] ||
      want->backend == PI_BACKEND_PROC) {
    return 0;
  }
  s.query.both = true;
  s.told = told;
  int rc = read_netlink(&s, err);
  if (rc != 0) return pi__is_final(rc) ? rc : 0;
  s.note->wanted = true;
  pi__source_share(&s);
  *done = true;
  return 0;
}

/* ---- Those that there are ------------------------------------------------ */

static bool is_rare(pi_proto proto) {
  return proto != PI_PROTO_TCP && proto != PI_PROTO_UDP;
}

bool pi__source_is_rare(const pi__source *s) {
  return is_rare(s->query.proto);
}

void pi__sources_find(const pi__want *want, pi__protocols *protocols) {
  bool any = false;
  for (int i = 0; i < PI_PROTOS; i++) {
    any = any || (is_rare((pi_proto)i) && want->states[i] != 0);
    protocols->of[i][0] = protocols->of[i][1] = PI__PRESENT;
  }
  if (any) pi__protocols_read(want->proc, protocols);
}

int pi__source_read(pi__source *s, const pi__protocols *protocols,
                    pi_error *err) {
  s->note->wanted = true;
  s->note->backend = PI_BACKEND_NONE;
  switch (protocols->of[s->query.proto][s->query.family]) {
  case PI__PRESENT: return read_present(s, err);
  case PI__UNTOLD:
    s->note->os = protocols->os;
    s->note->untold = true;
    pi__fail(err, PI_EOS, protocols->os, "%s/net/protocols: %s", s->want->proc,
             strerror(protocols->os));
    break;
  case PI__ABSENT: s->note->absent = true; break;
  }
  return 0;
}

int pi__sources_read(const pi__want *want, pi__reading *reading,
                     const pi__taskrows *told, pi_error *first, pi_error *err) {
  bool joint;
  pi__protocols protocols;
  int rc = read_joint(want, reading, told, &joint, err);
  pi__sources_find(want, &protocols);
  for (int i = joint ? 2 : 0; rc == 0 && i < PI_SOURCES; i++) {
    pi__source s;
    pi_error trouble = {0};
    if (!pi__source_at(want, reading, i, &s)) continue;
    s.told = told;
    rc = pi__source_read(&s, &protocols, &trouble);
    if (rc != 0) *err = trouble;
    if (s.note->backend == PI_BACKEND_NONE && first->code == 0) {
      *first = trouble;
    }
  }
  return rc;
}

/* ---- Once more ----------------------------------------------------------- */

int pi__source_visit(pi__source *s, pi__sockdiag_visit visit, bool *whole,
                     pi_error *err) {
  bool interrupted = false;
  size_t skipped = 0;
  int rc = pi__sockdiag_dump(s->reading, &s->query, visit, s->reading,
                             &interrupted, &skipped, err);
  *whole = rc == 0 && !interrupted && skipped == 0;
  return rc;
}

/* The i-th, to be asked in the way that served when it was read. */
static bool source_again(const pi__want *want, pi__reading *reading, int i,
                         pi__source *ret) {
  if (!pi__source_at(want, reading, i, ret)) return false;
  ret->query.both = ret->note->joint;
  ret->query.parts = ret->note->parts;
  return !ret->note->joint || ret->query.family == PI_FAMILY_4;
}

int pi__sources_again(const pi__want *want, pi__reading *reading,
                      int (*ask)(pi__source *s, pi_error *err), pi_error *err) {
  for (int i = 0; i < PI_SOURCES; i++) {
    pi__source s;
    pi_error trouble = {0};
    if (!source_again(want, reading, i, &s)) continue;
    int rc = ask(&s, &trouble);
    if (!pi__is_final(rc)) continue;
    if (err != NULL) *err = trouble;
    return rc;
  }
  return 0;
}
