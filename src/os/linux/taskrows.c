/* taskrows.c: sockets as the iterator tells them. One that several descriptors
 * lead to is told several times, and is one row by its cookie; so it is with
 * what sock_diag tells of it. */
#include "taskrows.h"
#include "iface.h"
#include "pin.h"

#include <stdlib.h>
#include <string.h>

/* ---- All of them --------------------------------------------------------- */

static int keep(void *arg, const pi__record *r, pi_error *err) {
  pi__taskrows *rows = arg;
  int rc = pi__reserve(&rows->records, &rows->capacity, rows->count + 1,
                       sizeof *rows->records, err);
  if (rc == 0) rows->records[rows->count++] = *r;
  return rc;
}

static int by_netns(const void *a, const void *b) {
  const pi__record *x = a, *y = b;
  if (x->netns != y->netns) return x->netns < y->netns ? -1 : 1;
  return (x->inode > y->inode) - (x->inode < y->inode);
}

int pi__taskrows_read(pi__taskrows *rows, const pi__reading *reading,
                      pi_error *err) {
  pi__taskfile *t;
  bool pinned;
  int rc = pi__taskfile_open(PI_PIN_FOLDER,
                             PI__TASKFILE_PINNED | PI__TASKFILE_LOADED, &t,
                             &pinned, err);
  if (rc != 0) return rc;
  rc = pi__taskfile_read(t, reading, keep, rows, err);
  pi__taskfile_close(t);
  if (rc == 0 && rows->count > 1) {
    qsort(rows->records, rows->count, sizeof *rows->records, by_netns);
  }
  return rc;
}

void pi__taskrows_deinit(pi__taskrows *rows) {
  rows->records = pi__realloc(rows->records, 0);
  rows->count = rows->capacity = 0;
}

/* Of a namespace, from this inode on. */
static size_t first_from(const pi__taskrows *rows, uint64_t netns,
                         uint64_t inode) {
  size_t low = 0, high = rows->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    const pi__record *r = &rows->records[middle];
    if (r->netns < netns || (r->netns == netns && r->inode < inode))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

static size_t first_of(const pi__taskrows *rows, uint64_t netns) {
  return first_from(rows, netns, 0);
}

bool pi__taskrows_tell(const pi__taskrows *rows, uint64_t netns,
                       const pi__row *row) {
  if (row->inode == 0) return false;
  for (size_t i = first_from(rows, netns, row->inode); i < rows->count; i++) {
    const pi__record *r = &rows->records[i];
    pi__row told;
    if (r->netns != netns || r->inode != row->inode) return false;
    // a subflow of MPTCP has the inode of the whole
    if (!pi__record_row(r, &told) || told.proto != row->proto) continue;
    return told.cookie == 0 || row->cookie == 0;
  }
  return false;
}

/* ---- Those of one namespace ---------------------------------------------- */

static bool is_wanted(const pi__want *want, const pi__row *row, bool unbound) {
  if (row->lport == 0 && !unbound) return false;
  return want->families[row->family] &&
         (want->states[row->proto] >> row->state & 1);
}

static uint8_t choice_of(const pi__record *r) {
  bool autobound;
  if (pi__record_autobound(r, &autobound) != PI_KNOWN) return PI__CHOICE_ANY;
  return autobound ? PI__CHOICE_KERNEL : PI__CHOICE_PROCESS;
}

static int add_row(const pi__record *r, pi__row *row, pi__reading *reading,
                   pi__ifaces *ifaces, pi_error *err) {
  int rc = 0;
  row->netns = r->netns;
  row->choice = choice_of(r);
  if (r->iface != 0 && ifaces != NULL) {
    rc = pi__iface_name(ifaces, r->iface, &row->iface, err);
    row->iface_sight = row->iface != 0 ? PI_KNOWN : PI_UNKNOWN;
  }
  return rc != 0 ? rc : pi__reading_row(reading, row, err);
}

static int add_rows(const pi__taskrows *rows, const pi__want *want,
                    pi__reading *reading, pi__ifaces *ifaces, bool unbound,
                    pi_error *err) {
  const uint64_t netns = pi__reading_host(reading)->netns;
  int rc = 0;
  for (size_t i = first_of(rows, netns);
       rc == 0 && i < rows->count && rows->records[i].netns == netns; i++) {
    pi__row row;
    const pi__record *r = &rows->records[i];
    if (!pi__record_row(r, &row) || !is_wanted(want, &row, unbound)) continue;
    rc = add_row(r, &row, reading, ifaces, err);
  }
  return rc;
}

int pi__taskrows_here(const pi__taskrows *rows, const pi__want *want,
                      pi__reading *reading, pi_error *err) {
  pi__ifaces ifaces = {.reading = reading};
  return add_rows(rows, want, reading, &ifaces, true, err);
}

/* ---- Those of namespaces where we are not -------------------------------- */

static void note_sources(const pi__want *want, pi__reading *reading,
                         size_t before) {
  for (int i = 0; i < PI_SOURCES; i++) {
    pi_proto proto = (pi_proto)(i / 2);
    pi_family family = (pi_family)(i % 2);
    if (!want->families[family] || want->states[proto] == 0) continue;
    *pi__reading_source(reading, proto, family) = (struct pi_source){
        .wanted = true,
        .backend = PI_BACKEND_BPF,
        .autobound = true,
        .rows = pi__reading_count(reading, before, proto, family),
    };
  }
}

/* A process that holds a socket there, and lives there itself. */
static uint32_t resident(const pi__taskrows *rows, uint64_t netns) {
  for (size_t i = first_of(rows, netns);
       i < rows->count && rows->records[i].netns == netns; i++) {
    if (rows->records[i].holder_netns == netns) return rows->records[i].pid;
  }
  return 0;
}

/* The one being read. */
static int add_from_outside(const pi__taskrows *rows, const pi__want *want,
                            pi__reading *reading, pi_error *err) {
  const uint64_t netns = pi__reading_host(reading)->netns;
  pi__netns *n = pi__reading_netns_seek(reading, netns);
  n->outside = true;
  n->closed = false;
  if (n->pid == 0) n->pid = resident(rows, netns);
  size_t before = pi__reading_rows(reading);
  bool unbound = want->backend == PI_BACKEND_BPF;
  int rc = add_rows(rows, want, reading, NULL, unbound, err);
  if (rc == 0) note_sources(want, reading, before);
  return rc;
}

static int add_unlisted(const pi__taskrows *rows, const pi__want *want,
                        pi__reading *reading, pi_error *err) {
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < rows->count;) {
    uint64_t netns = rows->records[i].netns;
    if (netns != 0 && pi__reading_netns_seek(reading, netns) == NULL) {
      rc = pi__reading_netns_add(reading, netns, err);
      if (rc == 0) rc = add_from_outside(rows, want, reading, err);
    }
    i = first_of(rows, netns + 1);
  }
  return rc;
}

int pi__taskrows_rest(const pi__taskrows *rows, const pi__want *want,
                      pi__reading *reading, pi_error *err) {
  size_t listed = pi__reading_netns_count(reading);
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < listed; i++) {
    if (!pi__reading_netns_turn(reading, i)->closed) continue;
    rc = add_from_outside(rows, want, reading, err);
  }
  if (rc == 0 && strcmp(want->netns, "all") == 0) {
    rc = add_unlisted(rows, want, reading, err);
  }
  return rc;
}
