/* script.h: a platform of the tests' own. It implements pi__collect by a
 * script: what sockets there are, which the kernel bound, who holds them, and
 * which group fails. The archive's own stays out, as the linker has found one
 * by then. */
#ifndef PI_TESTS_SCRIPT_H
#define PI_TESTS_SCRIPT_H

#include "test.h"

#include "core/snapshot.h"

typedef struct script_row {
  pi__row row;
  const char *iface;         /* NULL: none */
  bool autobound;            /* the kernel chose its port, and says so */
  bool dead;                 /* closed when the scan was over */
  const pi__figure *figures; /* PI__FIGURES of them; NULL: not told */
  const char *congestion;    /* likewise */
} script_row;

typedef struct script_process {
  uint32_t pid, uid;
  const char *comm;
  size_t length; /* of comm; 0: as strlen says */
  /* "" for known to be empty, NULL for unknown */
  const char *user, *exe, *cmdline, *cgroup, *container_name, *via;
  uint32_t ppid;   /* 0: unknown */
  int64_t started; /* 0: unknown */
  uint64_t start;
} script_process;

typedef struct script_holding {
  uint64_t inode;
  unsigned process; /* which of the processes */
  int fd;
} script_holding;

static struct script {
  script_row rows[MANY * 32];
  size_t count;
  script_process processes[64];
  size_t process_count;
  script_holding holdings[MANY];
  size_t holding_count;
  pi_host host;
  pi_host others[4]; /* of further namespaces, whose rows say so */
  size_t other_count;
  pi_quality quality;   /* the owner scan's part of it */
  bool tells_autobound; /* every source does */
  unsigned failing;     /* PI_GROUP_* that fail half-way */
  unsigned looks;       /* at processes: what was taken over needs none */
  unsigned marks;       /* sources that were asked who chose the ports */
  unsigned details;     /* processes that were read */
  unsigned calls[PI_GROUPS + 1];
  unsigned order[64]; /* the groups, as they were asked for */
  size_t asked;
} script;

static inline void script_reset(void) {
  memset(&script, 0, sizeof script);
  script.tells_autobound = true;
  script.host.ephemeral_known = true;
  script.host.ephemeral_first = 32768;
  script.host.ephemeral_last = 60999;
  script.host.netns = 4026531840;
}

/* Adds a TCP socket of IPv4; what else it is, the caller sets. */
static inline script_row *script_socket(pi_state state, const char *laddr,
                                        uint16_t lport) {
  assert_true(script.count < LENGTH(script.rows));
  script_row *r = &script.rows[script.count++];
  bool udp = state >= PI_STATE_CONNECTED;
  pi_address a = address_of(laddr);
  bool v4 = pi_address_is_v4(&a);
  r->row = (pi__row){
      .proto = udp ? PI_PROTO_UDP : PI_PROTO_TCP,
      .family = v4 ? PI_FAMILY_4 : PI_FAMILY_6,
      .state = state,
      .laddr = a,
      .raddr = address_of(v4 ? "0.0.0.0" : "::"),
      .lport = lport,
      .inode = 1000 + script.count,
      .cookie = script.count,
      .uid = 1000,
      .uid_sight = PI_KNOWN,
      .iface_sight = PI_EMPTY,
      .v6only_sight = PI_EMPTY,
      .mark_sight = PI_UNKNOWN,
  };
  return r;
}

static inline script_row *script_peer(pi_state state, const char *laddr,
                                      uint16_t lport, const char *raddr,
                                      uint16_t rport) {
  script_row *r = script_socket(state, laddr, lport);
  r->row.raddr = address_of(raddr);
  r->row.rport = rport;
  return r;
}

static inline unsigned script_process_add(uint32_t pid, const char *comm) {
  assert_true(script.process_count < LENGTH(script.processes));
  script.processes[script.process_count] =
      (script_process){.pid = pid, .uid = 1000, .comm = comm};
  return (unsigned)script.process_count++;
}

static inline void script_hold(const script_row *r, unsigned process, int fd) {
  assert_true(script.holding_count < LENGTH(script.holdings));
  script.holdings[script.holding_count++] =
      (script_holding){r->row.inode, process, fd};
}

static inline int script_fail(unsigned group, pi_error *err) {
  return pi__fail(err, PI_EOS, 5, "the %s group failed", pi_group_name(group));
}

static inline int script_namespaces(pi__reading *reading, pi_error *err) {
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < script.other_count; i++) {
    rc = pi__reading_netns_add(reading, script.others[i].netns, err);
    if (rc == 0) *pi__reading_host(reading) = script.others[i];
  }
  pi__reading_netns_turn(reading, 0);
  return rc;
}

static inline int script_sockets(pi__reading *reading, pi_error *err) {
  *pi__reading_host(reading) = script.host;
  int rc = script_namespaces(reading, err);
  if (rc != 0) return rc;
  for (size_t i = 0; i < script.count; i++) {
    script_row *r = &script.rows[i];
    if (r->iface != NULL) {
      rc = pi__reading_text(reading, r->iface, strlen(r->iface), &r->row.iface,
                            err);
      if (rc != 0) return rc;
      r->row.iface_sight = PI_KNOWN;
    }
    rc = pi__reading_row(reading, &r->row, err);
    if (rc != 0) return rc;
  }
  return 0;
}

static inline void script_derived(pi__reading *reading) {
  for (int i = 0; i < 2 * PI_PROTO_SCTP; i++) {  // others never tell
    pi__reading_source(reading, (pi_proto)(i / 2), (pi_family)(i % 2))
        ->autobound = script.tells_autobound;
    if (!pi__reading_recall_marks(reading, (pi_proto)(i / 2),
                                  (pi_family)(i % 2))) {
      script.marks++;
    }
  }
  for (size_t i = 0; i < script.count; i++) {
    if (!script.rows[i].autobound || script.marks == 0) continue;
    pi__reading_autobound(reading, &script.rows[i].row);
  }
}

static inline bool script_same(void *arg, uint32_t pid, uint64_t start,
                               const char *comm, size_t length) {
  (void)arg;
  for (size_t i = 0; i < script.process_count; i++) {
    const script_process *p = &script.processes[i];
    if (p->pid == pid) {
      return p->start == start && strlen(p->comm) == length &&
             memcmp(p->comm, comm, length) == 0;
    }
  }
  return false;
}

static inline int script_owners(pi__reading *reading, pi_error *err) {
  pi_quality *q = pi__reading_quality(reading);
  bool recalled;
  int done =
      pi__reading_recall_holders(reading, script_same, NULL, &recalled, err);
  if (done != 0 || recalled) return done;
  script.looks++;
  const pi_quality *ours = &script.quality;
  q->processes = script.process_count;
  q->unreadable = ours->unreadable;
  q->vanished = ours->vanished;
  q->hidden = ours->hidden;
  q->nested = ours->nested;
  q->owners_unseen = ours->owners_unseen;
  uint32_t numbers[LENGTH(script.processes)];
  for (size_t i = 0; i < script.process_count; i++) {
    const script_process *p = &script.processes[i];
    size_t length = p->length != 0 ? p->length : strlen(p->comm);
    int rc = pi__reading_process(reading, p->pid, p->uid, p->start, p->comm,
                                 length, &numbers[i], err);
    if (rc != 0) return rc;
  }
  for (size_t i = 0; i < script.holding_count; i++) {
    const script_holding *h = &script.holdings[i];
    int rc =
        pi__reading_holder(reading, h->inode, numbers[h->process], h->fd, err);
    if (rc != 0) return rc;
  }
  for (size_t i = 0; i < script.count; i++) {
    if (script.rows[i].dead) continue;
    pi__reading_alive(reading, script.rows[i].row.inode);
  }
  return 0;
}

static inline int script_text(pi__reading *reading, const char *text,
                              uint32_t *ret, uint8_t *sight, pi_error *err) {
  *sight = text == NULL ? PI_UNKNOWN : *text == '\0' ? PI_EMPTY : PI_KNOWN;
  if (*sight != PI_KNOWN) return 0;
  return pi__reading_text(reading, text, strlen(text), ret, err);
}

static inline int script_details(pi__reading *reading, pi_error *err) {
  for (size_t i = 0; i < pi__reading_processes(reading); i++) {
    const script_process *from = &script.processes[i];
    pi__process *to = pi__reading_process_at(reading, i);
    if (to->detailed) continue;
    script.details++;
    to->ppid = from->ppid;
    to->ppid_sight = from->ppid != 0 ? PI_KNOWN : PI_UNKNOWN;
    to->started = from->started;
    to->started_sight = from->started != 0 ? PI_KNOWN : PI_UNKNOWN;
    int rc = script_text(reading, from->user, &to->user, &to->user_sight, err);
    if (rc == 0) {
      rc = script_text(reading, from->exe, &to->exe, &to->exe_sight, err);
    }
    if (rc == 0) {
      rc = script_text(reading, from->cmdline, &to->cmdline, &to->cmdline_sight,
                       err);
    }
    if (rc == 0) {
      rc = script_text(reading, from->cgroup, &to->cgroup, &to->cgroup_sight,
                       err);
    }
    if (rc == 0) {
      rc = script_text(reading, from->container_name, &to->container_name,
                       &to->container_name_sight, err);
    }
    if (rc == 0) {
      rc = script_text(reading, from->via, &to->via, &to->via_sight, err);
    }
    if (rc != 0) return rc;
  }
  return 0;
}

static inline int script_tcp_info(pi__reading *reading, pi_error *err) {
  for (size_t i = 0; i < script.count; i++) {
    const script_row *r = &script.rows[i];
    pi__row row = r->row;
    pi__tcp_info info = {.congestion_sight = PI_EMPTY};
    if (r->figures == NULL) continue;
    memcpy(info.figures, r->figures, sizeof info.figures);
    if (r->congestion != NULL) {
      int rc = pi__reading_text(reading, r->congestion, strlen(r->congestion),
                                &info.congestion, err);
      if (rc != 0) return rc;
      info.congestion_sight = PI_KNOWN;
    }
    row.info = &info;
    pi__reading_tcp_info(reading, &row);
  }
  return 0;
}

int pi__collect(const pi__want *want, pi__reading *reading, pi_host *host,
                pi_error *err) {
  if (reading == NULL) {
    *host = script.host;
    return 0;
  }
  unsigned group = want->groups;
  assert_true(group != 0 && (group & (group - 1)) == 0);
  script.calls[group]++;
  if (script.asked < LENGTH(script.order)) script.order[script.asked++] = group;
  int rc = 0;
  if (group == PI_GROUP_SOCKET) rc = script_sockets(reading, err);
  if (group == PI_GROUP_DERIVED) script_derived(reading);
  if (group == PI_GROUP_TCP_INFO) rc = script_tcp_info(reading, err);
  if (group == PI_GROUP_OWNER) rc = script_owners(reading, err);
  if (group == PI_GROUP_PROCESS) rc = script_details(reading, err);
  if (rc == 0 && script.failing & group) return script_fail(group, err);
  return rc;
}

/* The script as a snapshot. */
static inline pi_snapshot *script_take(unsigned groups) {
  pi_snapshot *s = NULL;
  pi_error err = {0};
  pi_options options = {.groups = groups};
  if (pi_snapshot_take(&options, &s, &err) != 0) fail_msg("%s", err.text);
  return s;
}

/* ---- What a snapshot says, for short ------------------------------------ */

static inline pi_sight sight_of(const pi_snapshot *s, size_t row, pi_field f) {
  return pi_snapshot_value(s, row, f, 0).sight;
}

static inline uint64_t number_of(const pi_snapshot *s, size_t row, pi_field f) {
  pi_value v = pi_snapshot_value(s, row, f, 0);
  if (v.sight != PI_KNOWN) {
    fail_msg("row %zu: %s is not known", row, pi_field_describe(f)->name);
  }
  return v.number;
}

/* A member as text: "?" unknown, "-" empty. */
static inline const char *text_of(const pi_snapshot *s, size_t row, pi_field f,
                                  unsigned i) {
  pi_value v = pi_snapshot_value(s, row, f, i);
  if (v.sight == PI_UNKNOWN) return "?";
  return v.sight == PI_EMPTY ? "-" : v.text;
}

#endif
