/* netns.c: the network namespaces of a reading. A host's ranges, and how well
 * its sockets were seen, are of each. */
#include "cgroup.h"
#include "snapshot.h"

#include <stdio.h>
#include <string.h>

pi__netns *pi__netns_at(pi_snapshot *s, size_t i) {
  return i == 0 ? &s->first : &s->others[i - 1];
}

bool pi_snapshot_namespace(const pi_snapshot *s, size_t i, pi_namespace *ret) {
  if (i > s->other_count) return false;
  const pi__netns *n = i == 0 ? &s->first : &s->others[i - 1];
  const pi__string *name = pi__string_at(s, n->name);
  *ret = (pi_namespace){.host = &n->host, .closed = n->closed};
  if (name == NULL) return true;
  ret->name = name->bytes;
  ret->length = name->length;
  return true;
}

const pi__netns *pi__netns_find(const pi_snapshot *s, uint64_t inode) {
  if (s->first.host.netns == inode) return &s->first;
  if (s->netnses.rows == NULL) return NULL;
  size_t slot = pi__index_slot(&s->netnses, inode);
  for (;; slot = (slot + 1) & s->netnses.mask) {
    uint32_t i = s->netnses.rows[slot];
    if (i == PI__NO_ROW) return NULL;
    if (s->others[i].host.netns == inode) return &s->others[i];
  }
}

const pi__netns *pi__row_netns(const pi_snapshot *s, size_t row) {
  if (s->other_count == 0) return &s->first;
  const pi__netns *found = pi__netns_find(s, pi__cell(s, row, PI_NETNS));
  return found != NULL ? found : &s->first;
}

/* ---- While the platform reads -------------------------------------------- */

static void index_put(pi_snapshot *s, size_t i) {
  size_t slot = pi__index_slot(&s->netnses, s->others[i].host.netns);
  while (s->netnses.rows[slot] != PI__NO_ROW)
    slot = (slot + 1) & s->netnses.mask;
  s->netnses.rows[slot] = (uint32_t)i;
}

/* Makes room in the index for one more. */
static int index_reserve(pi_snapshot *s, pi_error *err) {
  pi__index fresh;
  size_t n = s->other_count + 1;
  if (s->netnses.rows != NULL && n * 2 <= s->netnses.mask) return 0;
  int rc = pi__index_init(&fresh, n * 2, err);
  if (rc != 0) return rc;
  pi__index_deinit(&s->netnses);
  s->netnses = fresh;
  for (size_t i = 0; i < s->other_count; i++) index_put(s, i);
  return 0;
}

int pi__reading_netns_add(pi__reading *reading, uint64_t inode, pi_error *err) {
  pi_snapshot *s = &reading->snapshot;
  int rc = pi__reserve(&s->others, &s->other_capacity, s->other_count + 1,
                       sizeof *s->others, err);
  if (rc == 0) rc = index_reserve(s, err);
  if (rc != 0) return rc;
  pi__netns *added = &s->others[s->other_count];
  memset(added, 0, sizeof *added);
  added->host.netns = inode;
  index_put(s, s->other_count++);
  s->turned = s->other_count;
  return 0;
}

size_t pi__reading_netns_count(const pi__reading *reading) {
  return reading->snapshot.other_count + 1;
}

pi__netns *pi__reading_netns_turn(pi__reading *reading, size_t i) {
  reading->snapshot.turned = i;
  return pi__netns_at(&reading->snapshot, i);
}

pi__netns *pi__reading_netns_seek(pi__reading *reading, uint64_t inode) {
  pi_snapshot *s = &reading->snapshot;
  const pi__netns *found = pi__netns_find(s, inode);
  if (found == NULL) return NULL;
  s->turned = found == &s->first ? 0 : (size_t)(found - s->others) + 1;
  return pi__netns_at(s, s->turned);
}

pi_host *pi__reading_host(pi__reading *reading) {
  pi_snapshot *s = &reading->snapshot;
  return &pi__netns_at(s, s->turned)->host;
}

struct pi_source *pi__reading_source(pi__reading *reading, pi_proto proto,
                                     pi_family family) {
  pi_snapshot *s = &reading->snapshot;
  return &pi__netns_at(s, s->turned)->sources[proto][family];
}

int pi__reading_netns_home(pi__reading *reading, pi__netns *netns,
                           const char *cgroup, size_t length, pi_error *err) {
  char text[32];
  pi__container container;
  netns->name_sight = PI_KNOWN;
  if (pi__cgroup_container(cgroup, length, &container)) {
    return pi__container_text(reading, &container, &netns->name, err);
  }
  int n = snprintf(text, sizeof text, "pid:%u", (unsigned)netns->pid);
  return pi__reading_text(reading, text, (size_t)n, &netns->name, err);
}

/* ---- All of them as one -------------------------------------------------- */

/* One that was not served leaves the whole partial. */
static void source_sum(struct pi_source *to, const struct pi_source *from) {
  bool served = from->backend != PI_BACKEND_NONE;
  if (!from->wanted || (to->wanted && !served && from->absent)) return;
  if (!to->wanted || (to->absent && !from->absent)) {
    *to = *from;
    return;
  }
  bool was_served = to->backend != PI_BACKEND_NONE;
  to->partial = to->partial || from->partial || served != was_served;
  if (served && (!was_served || from->backend == PI_BACKEND_PROC)) {
    to->backend = from->backend;
  }
  if (to->os == 0) to->os = from->os;
  if (to->parts < from->parts) to->parts = from->parts;
  to->retries += from->retries;
  to->untold = to->untold || from->untold;
  to->no_bound = to->no_bound || from->no_bound;
  to->joint = to->joint && from->joint;
  to->autobound = to->autobound && from->autobound;
  to->rows += from->rows;
}

void pi__netns_sum(pi_snapshot *s) {
  pi_quality *q = &s->quality;
  memset(q->sources, 0, sizeof q->sources);
  q->namespaces = q->closed = q->outside = 0;
  for (size_t i = 0; i <= s->other_count; i++) {
    const pi__netns *n = pi__netns_at(s, i);
    q->closed += n->closed;
    if (n->closed || n->gone) continue;
    q->namespaces++;
    q->outside += n->outside;
    for (int k = 0; k < PI_SOURCES; k++) {
      source_sum(&q->sources[k / 2][k % 2], &n->sources[k / 2][k % 2]);
    }
  }
}
