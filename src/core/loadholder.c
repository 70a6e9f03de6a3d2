/* loadholder.c: the holders in a line of a saved reading into the holdings and
 * processes of a snapshot. */
#include "load.h"

#include <limits.h>
#include <string.h>

/* Texts of a holder, and the field that each is. */
enum { COMM, USER, EXE, CMDLINE, CGROUP, CONTAINER_NAME, VIA, TEXTS };

static const pi_field text_fields[TEXTS] = {
    PI_PROCESS, PI_USER,           PI_EXE, PI_CMDLINE,
    PI_CGROUP,  PI_CONTAINER_NAME, PI_VIA};

typedef struct holder {
  uint32_t pid, uid, ppid;
  uint64_t fd, netns;
  int64_t started;
  uint64_t unknown;
  pi__span texts[TEXTS], bytes[TEXTS];
} holder;

static int load_fd(pi__loader *l, const char *name, void *to) {
  return pi__load_number(l, name, INT_MAX, to);
}

enum {
  KEY_PID,
  KEY_FD,
  KEY_TEXT, /* two for each text: as shown, and its bytes */
  KEY_UID = KEY_TEXT + 2 * TEXTS,
  KEY_PPID,
  KEY_STARTED,
  KEY_NETNS,
  KEY_UNKNOWN,
  KEYS
};

#define TEXT_KEYS(name, i)                                                     \
  {name, pi__load_text, offsetof(holder, texts) + (i) * sizeof(pi__span)}, {   \
    name "_b64", pi__load_base64,                                              \
        offsetof(holder, bytes) + (i) * sizeof(pi__span)                       \
  }

static const pi__key holder_keys[KEYS] = {
    {"pid", pi__load_u32, offsetof(holder, pid)},
    {"fd", load_fd, offsetof(holder, fd)},
    TEXT_KEYS("process", COMM),
    TEXT_KEYS("user", USER),
    TEXT_KEYS("exe", EXE),
    TEXT_KEYS("cmdline", CMDLINE),
    TEXT_KEYS("cgroup", CGROUP),
    TEXT_KEYS("container_name", CONTAINER_NAME),
    TEXT_KEYS("via", VIA),
    {"uid", pi__load_u32, offsetof(holder, uid)},
    {"ppid", pi__load_u32, offsetof(holder, ppid)},
    {"started", pi__load_time, offsetof(holder, started)},
    {"holder_netns", pi__load_u64, offsetof(holder, netns)},
    {"unknown", pi__load_fields, offsetof(holder, unknown)},
};

static bool has(uint64_t seen, unsigned key) {
  return seen >> key & 1;
}

/* A process as it would be stored, its texts still in the line. */
typedef struct draft {
  pi__process process;
  pi__span texts[TEXTS];
} draft;

static uint8_t holder_sight(const pi__loader *l, const holder *h,
                            pi_field field, bool there) {
  if (there) return PI_KNOWN;
  bool unknown = !(l->fields & PI__BIT(field)) || h->unknown & PI__BIT(field);
  return unknown ? PI_UNKNOWN : PI_EMPTY;
}

static int check_holder(const pi__loader *l, const holder *h, uint64_t seen) {
  if (!has(seen, KEY_PID)) return pi__load_fail(l, "holders: pid is missing");
  if (!has(seen, KEY_FD)) return pi__load_fail(l, "holders: fd is missing");
  if (!has(seen, KEY_TEXT)) {
    return pi__load_fail(l, "holders: process is missing");
  }
  const struct {
    unsigned key;
    pi_field field;
  } others[] = {{KEY_TEXT + 2 * USER, PI_USER},
                {KEY_TEXT + 2 * EXE, PI_EXE},
                {KEY_TEXT + 2 * CMDLINE, PI_CMDLINE},
                {KEY_TEXT + 2 * CGROUP, PI_CGROUP},
                {KEY_TEXT + 2 * CONTAINER_NAME, PI_CONTAINER_NAME},
                {KEY_TEXT + 2 * VIA, PI_VIA},
                {KEY_PPID, PI_PPID},
                {KEY_STARTED, PI_STARTED},
                {KEY_NETNS, PI_HOLDER_NETNS}};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    if (!has(seen, others[i].key)) continue;
    if (!(h->unknown & PI__BIT(others[i].field))) continue;
    return pi__load_fail(l, "holders: %s: known and unknown",
                         pi_field_describe(others[i].field)->name);
  }
  return 0;
}

static void draft_fill(const pi__loader *l, const holder *h, uint64_t seen,
                       draft *d) {
  memset(d, 0, sizeof *d);
  uint8_t sights[TEXTS];
  for (unsigned i = 0; i < TEXTS; i++) {
    unsigned key = KEY_TEXT + 2 * i;
    sights[i] = holder_sight(l, h, text_fields[i], has(seen, key));
    if (sights[i] != PI_KNOWN) continue;
    d->texts[i] = has(seen, key + 1) ? h->bytes[i] : h->texts[i];
  }
  // no user has the highest number (chown(2)): it matches no socket's
  d->process.uid = has(seen, KEY_UID) ? h->uid : UINT32_MAX;
  d->process.pid = h->pid;
  d->process.ppid = h->ppid;
  d->process.started = h->started;
  d->process.netns = h->netns;
  d->process.user_sight = sights[USER];
  d->process.exe_sight = sights[EXE];
  d->process.cmdline_sight = sights[CMDLINE];
  d->process.cgroup_sight = sights[CGROUP];
  d->process.container_name_sight = sights[CONTAINER_NAME];
  d->process.via_sight = sights[VIA];
  d->process.ppid_sight = holder_sight(l, h, PI_PPID, has(seen, KEY_PPID));
  d->process.started_sight =
      holder_sight(l, h, PI_STARTED, has(seen, KEY_STARTED));
  d->process.netns_sight =
      holder_sight(l, h, PI_HOLDER_NETNS, has(seen, KEY_NETNS));
}

static uint64_t mix(uint64_t h, uint64_t v) {
  h = (h ^ v) * UINT64_C(0xff51afd7ed558ccd);
  return h ^ h >> 32;
}

static uint64_t mix_bytes(uint64_t h, const char *bytes, size_t length) {
  uint64_t word;
  for (; length >= sizeof word; bytes += sizeof word, length -= sizeof word) {
    memcpy(&word, bytes, sizeof word);
    h = mix(h, word);
  }
  for (; length > 0; length--) h = mix(h, (uint8_t)*bytes++);
  return h;
}

static uint64_t draft_hash(const draft *d) {
  const pi__process *p = &d->process;
  uint64_t h = mix(mix(p->pid, p->uid), p->ppid);
  h = mix(mix(h, (uint64_t)p->started), p->netns);
  for (int i = 0; i < TEXTS; i++) {
    h = mix(h, d->texts[i].length);
    h = mix_bytes(h, d->texts[i].text, d->texts[i].length);
  }
  return h;
}

/* Where a process keeps each of its texts. */
static uint32_t *text_place(pi__process *p, int i) {
  uint32_t *const places[TEXTS] = {&p->comm,    &p->user,   &p->exe,
                                   &p->cmdline, &p->cgroup, &p->container_name,
                                   &p->via};
  return places[i];
}

static bool same_process(const pi_snapshot *s, pi__process *p, const draft *d) {
  const pi__process *q = &d->process;
  if (p->pid != q->pid || p->uid != q->uid || p->ppid != q->ppid ||
      p->started != q->started || p->user_sight != q->user_sight ||
      p->exe_sight != q->exe_sight || p->cmdline_sight != q->cmdline_sight ||
      p->cgroup_sight != q->cgroup_sight || p->ppid_sight != q->ppid_sight ||
      p->started_sight != q->started_sight || p->netns != q->netns ||
      p->netns_sight != q->netns_sight || p->via_sight != q->via_sight ||
      p->container_name_sight != q->container_name_sight) {
    return false;
  }
  for (int i = 0; i < TEXTS; i++) {
    const pi__string *text = pi__string_at(s, *text_place(p, i));
    size_t length = text == NULL ? 0 : text->length;
    if (length != d->texts[i].length) return false;
    if (length > 0 && memcmp(text->bytes, d->texts[i].text, length) != 0) {
      return false;
    }
  }
  return true;
}

static int process_add(pi__loader *l, draft *d, uint32_t *ret) {
  pi_snapshot *s = l->s;
  for (int i = 0; i < TEXTS; i++) {
    if (d->texts[i].text == NULL || i == CGROUP) continue;
    int rc =
        pi__reading_text((pi__reading *)s, d->texts[i].text, d->texts[i].length,
                         text_place(&d->process, i), l->err);
    if (rc != 0) return rc;
  }
  const pi__span *cgroup = &d->texts[CGROUP];
  int rc = 0;
  if (cgroup->text != NULL) {
    rc = pi__reading_cgroup((pi__reading *)s, &d->process, cgroup->text,
                            cgroup->length, l->err);
  }
  if (rc != 0) return rc;
  rc = pi__reserve(&s->processes, &s->process_capacity, s->process_count + 1,
                   sizeof *s->processes, l->err);
  if (rc != 0) return rc;
  *ret = (uint32_t)s->process_count;
  s->processes[s->process_count++] = d->process;
  return 0;
}

/* More entries than this in the way of a process are no accident: it may be
 * there twice, but a file must not take for ever. */
enum { MOST_STEPS = 64 };

/* Puts a process into the index, if there is a place near enough. */
static void index_put(pi__loader *l, uint32_t process) {
  size_t at = pi__index_slot(&l->processes, l->hashes[process]);
  for (int steps = 0; steps < MOST_STEPS; steps++) {
    uint32_t *slot =
        &l->processes.rows[(at + (size_t)steps) & l->processes.mask];
    if (*slot != PI__NO_ROW) continue;
    *slot = process;
    return;
  }
}

/* The process that is like this; PI__NO_ROW if there is none. */
static uint32_t index_find(const pi__loader *l, const draft *d, uint64_t hash) {
  size_t at = pi__index_slot(&l->processes, hash);
  for (int steps = 0; steps < MOST_STEPS; steps++) {
    uint32_t i = l->processes.rows[(at + (size_t)steps) & l->processes.mask];
    if (i == PI__NO_ROW) return i;
    if (l->hashes[i] != hash) continue;
    if (same_process(l->s, &l->s->processes[i], d)) return i;
  }
  return PI__NO_ROW;
}

/* Makes room in the index for one process more. */
static int index_reserve(pi__loader *l) {
  size_t n = l->s->process_count;
  int rc = pi__reserve(&l->hashes, &l->hash_capacity, n + 1, sizeof *l->hashes,
                       l->err);
  if (rc != 0 || (l->processes.rows != NULL && n * 2 < l->processes.mask)) {
    return rc;
  }
  pi__index_deinit(&l->processes);
  rc = pi__index_init(&l->processes, n * 2 + 64, l->err);
  for (size_t i = 0; rc == 0 && i < n; i++) index_put(l, (uint32_t)i);
  return rc;
}

/* The number of the process, which many rows may name. */
static int process_number(pi__loader *l, draft *d, uint32_t *ret) {
  int rc = index_reserve(l);
  if (rc != 0) return rc;
  uint64_t hash = draft_hash(d);
  *ret = index_find(l, d, hash);
  if (*ret != PI__NO_ROW) return 0;
  rc = process_add(l, d, ret);
  if (rc != 0) return rc;
  l->hashes[*ret] = hash;
  index_put(l, *ret);
  return 0;
}

static int load_holder(pi__loader *l) {
  pi_snapshot *s = l->s;
  holder h;
  uint64_t seen;
  draft d;
  memset(&h, 0, sizeof h);
  int rc = pi__load_object(l, "holders", holder_keys, KEYS, &h, &seen);
  if (rc == 0) rc = check_holder(l, &h, seen);
  if (rc == 0 && s->holding_count >= UINT32_MAX) rc = pi__nomem(l->err);
  if (rc != 0) return rc;
  draft_fill(l, &h, seen, &d);
  rc = pi__reserve(&s->holdings, &s->holding_capacity, s->holding_count + 1,
                   sizeof *s->holdings, l->err);
  if (rc != 0) return rc;
  pi__holding *holding = &s->holdings[s->holding_count];
  *holding = (pi__holding){.order = h.pid, .fd = (int)h.fd};
  rc = process_number(l, &d, &holding->process);
  if (rc == 0) s->holding_count++;
  return rc;
}

int pi__load_holders(pi__loader *l) {
  if (!pi__json_enter(&l->json, '[')) {
    return pi__load_unfit(l, "holders", "a list");
  }
  for (bool first = true; pi__json_element(&l->json, first); first = false) {
    int rc = load_holder(l);
    if (rc != 0) return rc;
  }
  return l->json.wrong == NULL ? 0 : pi__load_unfit(l, "holders", "");
}
