/* owners.c: joins sockets to the processes that hold them, by inode, and says
 * why where there is none. */
#include "cgroup.h"
#include "proxy.h"
#include "snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- While the platform looks ------------------------------------------- */

int pi__owners_begin(pi_snapshot *s, pi_error *err) {
  pi__owners_end(s);
  s->held = pi__realloc(NULL, s->count + 1);
  s->alive = pi__realloc(NULL, s->count + 1);
  if (s->held == NULL || s->alive == NULL) return pi__nomem(err);
  memset(s->held, 0, s->count + 1);
  memset(s->alive, 0, s->count + 1);
  int rc = pi__index_init(&s->inodes, s->count, err);
  if (rc != 0) return rc;
  for (size_t i = 0; i < s->count; i++) {
    uint64_t inode = pi__cell(s, i, PI_INODE);
    if (inode == 0) continue;
    size_t slot = pi__index_slot(&s->inodes, inode);
    while (s->inodes.rows[slot] != PI__NO_ROW)
      slot = (slot + 1) & s->inodes.mask;
    s->inodes.rows[slot] = (uint32_t)i;
  }
  return 0;
}

void pi__owners_end(pi_snapshot *s) {
  s->held = pi__realloc(s->held, 0);
  s->alive = pi__realloc(s->alive, 0);
  pi__index_deinit(&s->inodes);
}

/* The next row with this inode at or after *slot; PI__NO_ROW if there is none.
 * *slot moves on. */
static uint32_t next_row(const pi_snapshot *s, uint64_t inode, size_t *slot) {
  for (;;) {
    uint32_t row = s->inodes.rows[*slot];
    if (row == PI__NO_ROW) return row;
    *slot = (*slot + 1) & s->inodes.mask;
    if (pi__cell(s, row, PI_INODE) == inode) return row;
  }
}

bool pi__reading_wants(const pi__reading *reading, uint64_t inode,
                       bool unheld) {
  const pi_snapshot *s = &reading->snapshot;
  size_t slot = pi__index_slot(&s->inodes, inode);
  uint32_t row = next_row(s, inode, &slot);
  return row != PI__NO_ROW && !(unheld && s->held[row]);
}

int pi__reading_process(pi__reading *reading, uint32_t pid, uint32_t uid,
                        uint64_t start, const char *comm, size_t length,
                        uint32_t *ret, pi_error *err) {
  pi_snapshot *s = &reading->snapshot;
  int rc = pi__reserve(&s->processes, &s->process_capacity,
                       s->process_count + 1, sizeof *s->processes, err);
  if (rc != 0) return rc;
  pi__process p = {.pid = pid, .uid = uid, .start = start};
  rc = pi__reading_text(reading, comm, length, &p.comm, err);
  if (rc != 0) return rc;
  p.user_sight = p.exe_sight = p.cmdline_sight = PI_UNKNOWN;
  p.cgroup_sight = p.ppid_sight = p.started_sight = PI_UNKNOWN;
  p.container_name_sight = p.via_sight = p.netns_sight = PI_UNKNOWN;
  *ret = (uint32_t)s->process_count;
  s->processes[s->process_count++] = p;
  return 0;
}

int pi__container_text(pi__reading *reading, const pi__container *container,
                       uint32_t *ret, pi_error *err) {
  size_t runtime = strlen(container->runtime);
  size_t id = pi__container_shown(container);
  char *text = pi__realloc(NULL, runtime + 1 + id);
  if (text == NULL) return pi__nomem(err);
  memcpy(text, container->runtime, runtime);
  text[runtime] = ':';
  memcpy(text + runtime + 1, container->id, id);
  int rc = pi__reading_text(reading, text, runtime + 1 + id, ret, err);
  pi__realloc(text, 0);
  return rc;
}

int pi__reading_cgroup(pi__reading *reading, pi__process *process,
                       const char *path, size_t length, pi_error *err) {
  pi__container container;
  process->cgroup_sight = length > 0 ? PI_KNOWN : PI_EMPTY;
  if (length == 0) return 0;
  if (pi__cgroup_container(path, length, &container)) {
    int rc = pi__container_text(reading, &container, &process->container, err);
    if (rc != 0) return rc;
  }
  return pi__reading_text(reading, path, length, &process->cgroup, err);
}

static bool is_proxy(const pi_snapshot *s, const pi__process *p) {
  const pi__string *exe = NULL, *comm = pi__string_at(s, p->comm);
  if (p->exe_sight == PI_KNOWN) exe = pi__string_at(s, p->exe);
  return pi__proxy_is(exe != NULL ? exe->bytes : NULL,
                      exe != NULL ? exe->length : 0, comm->bytes, comm->length);
}

static int note_via(pi__reading *reading, pi__process *p, const char *bytes,
                    size_t length, pi_error *err) {
  char host[PI_ADDRESS_TEXT], text[PI_ADDRESS_TEXT + 16];
  pi_address address;
  uint16_t port;
  p->via_sight = PI_EMPTY;
  if (!is_proxy(&reading->snapshot, p)) return 0;
  p->via_sight = PI_UNKNOWN;
  if (!pi__proxy_target(bytes, length, &address, &port)) return 0;
  p->via_sight = PI_KNOWN;
  pi_address_format(&address, host);
  const char *form = pi_address_is_v4(&address) ? "%s:%u" : "[%s]:%u";
  int n = snprintf(text, sizeof text, form, host, (unsigned)port);
  return pi__reading_text(reading, text, (size_t)n, &p->via, err);
}

int pi__reading_arguments(pi__reading *reading, pi__process *process,
                          char *bytes, size_t length, pi_error *err) {
  int rc = note_via(reading, process, bytes, length, err);
  while (length > 0 && bytes[length - 1] == '\0') length--;
  for (size_t i = 0; i < length; i++) {
    if (bytes[i] == '\0') bytes[i] = ' ';
  }
  process->cmdline_sight = length > 0 ? PI_KNOWN : PI_EMPTY;
  if (rc != 0 || length == 0) return rc;
  return pi__reading_text(reading, bytes, length, &process->cmdline, err);
}

int pi__reading_holder(pi__reading *reading, uint64_t inode, uint32_t process,
                       int fd, pi_error *err) {
  pi_snapshot *s = &reading->snapshot;
  int rc = pi__reserve(&s->holdings, &s->holding_capacity, s->holding_count + 1,
                       sizeof *s->holdings, err);
  if (rc != 0) return rc;
  // init goes last: it holds activated sockets for the service that uses them
  uint32_t pid = s->processes[process].pid;
  uint32_t order = pid == 1 ? UINT32_MAX : pid;
  s->holdings[s->holding_count++] = (pi__holding){inode, order, process, fd};
  size_t slot = pi__index_slot(&s->inodes, inode);
  for (uint32_t row; (row = next_row(s, inode, &slot)) != PI__NO_ROW;) {
    s->held[row] = 1;
  }
  return 0;
}

void pi__reading_forget_holders(pi__reading *reading) {
  pi_snapshot *s = &reading->snapshot;
  s->process_count = s->holding_count = 0;
  memset(s->held, 0, s->count + 1);
}

size_t pi__reading_unheld(pi__reading *reading) {
  const pi_snapshot *s = &reading->snapshot;
  size_t n = 0;
  for (size_t i = 0; i < s->count; i++) {
    n += pi__cell(s, i, PI_INODE) != 0 && !s->held[i];
  }
  return n;
}

void pi__reading_alive(pi__reading *reading, uint64_t inode) {
  pi_snapshot *s = &reading->snapshot;
  if (inode == 0) return;
  size_t slot = pi__index_slot(&s->inodes, inode);
  for (uint32_t row; (row = next_row(s, inode, &slot)) != PI__NO_ROW;) {
    s->alive[row] = 1;
  }
}

size_t pi__reading_processes(const pi__reading *reading) {
  return reading->snapshot.process_count;
}

pi__process *pi__reading_process_at(pi__reading *reading, size_t i) {
  return &reading->snapshot.processes[i];
}

/* ---- The join ----------------------------------------------------------- */

/* Counts the holders of each row and turns the counts into where its run starts
 * (a counting sort, as rows are small numbers). */
static size_t runs_lay(const pi_snapshot *s, uint32_t *first) {
  size_t total = 0;
  memset(first, 0, (s->count + 1) * sizeof *first);
  for (size_t i = 0; i < s->holding_count; i++) {
    uint64_t inode = s->holdings[i].inode;
    size_t slot = pi__index_slot(&s->inodes, inode);
    for (uint32_t row; (row = next_row(s, inode, &slot)) != PI__NO_ROW;) {
      first[row]++;
    }
  }
  for (size_t row = 0; row <= s->count; row++) {
    uint32_t n = row < s->count ? first[row] : 0;
    first[row] = (uint32_t)total;
    total += n;
  }
  return total;
}

/* Afterwards first[row] is where the run of the row ends. */
static void runs_fill(const pi_snapshot *s, uint32_t *first,
                      pi__holding *sorted) {
  for (size_t i = 0; i < s->holding_count; i++) {
    uint64_t inode = s->holdings[i].inode;
    size_t slot = pi__index_slot(&s->inodes, inode);
    for (uint32_t row; (row = next_row(s, inode, &slot)) != PI__NO_ROW;) {
      sorted[first[row]++] = s->holdings[i];
    }
  }
}

static int by_order(const void *a, const void *b) {
  const pi__holding *x = a, *y = b;
  if (x->order != y->order) return x->order < y->order ? -1 : 1;
  return (x->fd > y->fd) - (x->fd < y->fd);
}

/* Sorts a run, main holder first, and drops what two looks both found. */
static uint32_t run_tidy(pi__holding *run, uint32_t n) {
  if (n < 2) return n;
  qsort(run, n, sizeof *run, by_order);
  uint32_t kept = 1;
  for (uint32_t i = 1; i < n; i++) {
    if (by_order(&run[i], &run[kept - 1]) != 0) run[kept++] = run[i];
  }
  return kept;
}

static void runs_tidy(const pi_snapshot *s, uint32_t *first,
                      pi__holding *sorted) {
  uint32_t from = 0, to = 0;
  for (size_t row = 0; row < s->count; row++) {
    uint32_t n = first[row] - from;
    uint32_t kept = run_tidy(sorted + from, n);
    memmove(sorted + to, sorted + from, kept * sizeof *sorted);
    from += n;
    first[row] = to;
    to += kept;
  }
  first[s->count] = to;
}

/* ---- Why there is no owner ---------------------------------------------- */

/* A socket without a file: its state tells how it came to that. */
static pi_why why_no_file(pi_state state) {
  switch (state) {
  case PI_STATE_TIME_WAIT: return PI_WHY_TIME_WAIT;
  case PI_STATE_SYN_RECEIVED:
  case PI_STATE_ESTABLISHED:
  case PI_STATE_CLOSE_WAIT: return PI_WHY_NOT_YET_ACCEPTED;
  default: return PI_WHY_ORPHAN;
  }
}

/* A socket with a file that nobody was seen to hold: was our look complete? */
static pi_why why_unheld(const pi_snapshot *s, size_t row) {
  const pi_quality *q = &s->quality;
  if (q->owners_unseen) return PI_WHY_PERMISSION;
  if (!s->alive[row]) return PI_WHY_VANISHED;
  if (q->unreadable > 0) return PI_WHY_PERMISSION;
  if (q->hidden) return PI_WHY_HIDDEN;
  if (q->nested) return PI_WHY_OTHER_PID_NS;
  return PI_WHY_UNHELD;
}

static int set_owner(pi_snapshot *s, size_t row, pi_error *err) {
  if (s->first_holding[row] != s->first_holding[row + 1]) {
    pi__cell_set(s, row, PI_OWNER, PI_OWNER_KNOWN);
    return pi__sight_set(s, row, PI_WHY, PI_EMPTY, err);
  }
  pi_state state = (pi_state)pi__cell(s, row, PI_STATE);
  bool file = pi__cell_sight(s, row, PI_INODE) == PI_KNOWN;
  pi_why why = file ? why_unheld(s, row) : why_no_file(state);
  bool unknown = why >= PI_WHY_PERMISSION;
  pi__cell_set(s, row, PI_OWNER, unknown ? PI_OWNER_UNKNOWN : PI_OWNER_NONE);
  pi__cell_set(s, row, PI_WHY, why);
  if (unknown) s->quality.unknown[why]++;
  return 0;
}

int pi__owners_join(pi_snapshot *s, pi_error *err) {
  uint32_t *first = pi__realloc(NULL, (s->count + 1) * sizeof *first);
  if (first == NULL) return pi__nomem(err);
  s->first_holding = first;
  size_t total = runs_lay(s, first);
  pi__holding *sorted = pi__realloc(NULL, (total + 1) * sizeof *sorted);
  if (sorted == NULL) return pi__nomem(err);
  runs_fill(s, first, sorted);
  runs_tidy(s, first, sorted);
  pi__realloc(s->holdings, 0);
  s->holdings = sorted;
  s->holding_count = first[s->count];
  s->holding_capacity = total + 1;

  int rc = pi__column_add(s, PI_OWNER, err);
  if (rc == 0) rc = pi__column_add(s, PI_WHY, err);
  memset(s->quality.unknown, 0, sizeof s->quality.unknown);
  for (size_t row = 0; rc == 0 && row < s->count; row++) {
    rc = set_owner(s, row, err);
  }
  return rc;
}
