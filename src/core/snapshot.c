/* snapshot.c: takes snapshots, adds groups to them, and ends them. */
#include "snapshot.h"
#include "plan.h"

#include <string.h>
#include <time.h>

static uint64_t now_us(void) {
  struct timespec t;
  if (timespec_get(&t, TIME_UTC) == 0) return 0;
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Takes a group back that was read half. Texts stay until the end. */
static void group_drop(pi_snapshot *s, unsigned group) {
  for (int f = 0; f < PI_FIELD_COUNT; f++) {
    if (pi_field_describe((pi_field)f)->group == group) {
      pi__column_drop(s, (pi_field)f);
    }
  }
  if (group == PI_GROUP_DERIVED) {
    s->marked = pi__realloc(s->marked, 0);
    s->service_port = pi__realloc(s->service_port, 0);
    s->service_sight = pi__realloc(s->service_sight, 0);
  }
  if (group == PI_GROUP_OWNER) {
    s->holdings = pi__realloc(s->holdings, 0);
    s->first_holding = pi__realloc(s->first_holding, 0);
    s->processes = pi__realloc(s->processes, 0);
    s->holding_count = s->holding_capacity = 0;
    s->process_count = s->process_capacity = 0;
  }
}

static void groups_drop(pi_snapshot *s, unsigned groups) {
  for (unsigned group = 1; group <= PI_GROUPS; group <<= 1) {
    if (groups & group) group_drop(s, group);
  }
  s->groups &= ~groups;
}

/* What only the reading of a group needs. */
static void scratch_drop(pi_snapshot *s) {
  pi__owners_end(s);
}

static int group_collect(pi_snapshot *s, unsigned group, pi_error *err) {
  pi__want want = s->want;
  want.groups = group;
  int rc = pi__collect(&want, (pi__reading *)s, &s->first.host, err);
  s->turned = 0;
  return rc;
}

static int read_derived(pi_snapshot *s, pi_error *err) {
  s->marked = pi__realloc(NULL, s->count + 1);
  if (s->marked == NULL) return pi__nomem(err);
  pi__marks_begin(s);
  int rc = group_collect(s, PI_GROUP_DERIVED, err);
  if (rc != 0) return rc;
  pi__netns_sum(s);
  return pi__derive(s, err);
}

static int read_sockets(pi_snapshot *s, pi_error *err) {
  int rc = group_collect(s, PI_GROUP_SOCKET, err);
  if (rc == 0) pi__netns_sum(s);
  return rc;
}

static int read_owners(pi_snapshot *s, pi_error *err) {
  int rc = pi__owners_begin(s, err);
  if (rc != 0) return rc;
  rc = group_collect(s, PI_GROUP_OWNER, err);
  if (rc != 0) return rc;
  return pi__owners_join(s, err);
}

static int read_tcp_info(pi_snapshot *s, pi_error *err) {
  int rc = pi__tcp_info_begin(s, err);
  return rc != 0 ? rc : group_collect(s, PI_GROUP_TCP_INFO, err);
}

static int read_group(pi_snapshot *s, unsigned group, pi_error *err) {
  switch (group) {
  case PI_GROUP_SOCKET: return read_sockets(s, err);
  case PI_GROUP_DERIVED: return read_derived(s, err);
  case PI_GROUP_TCP_INFO: return read_tcp_info(s, err);
  case PI_GROUP_OWNER: return read_owners(s, err);
  default: return group_collect(s, group, err);
  }
}

static uint64_t *group_clock(pi_snapshot *s, unsigned group) {
  switch (group) {
  case PI_GROUP_SOCKET: return &s->quality.socket_us;
  case PI_GROUP_DERIVED: return &s->quality.derived_us;
  case PI_GROUP_TCP_INFO: return &s->quality.tcp_info_us;
  case PI_GROUP_OWNER: return &s->quality.owner_us;
  default: return &s->quality.process_us;
  }
}

static int add_group(pi_snapshot *s, unsigned group, pi_error *err) {
  if (s->groups & group) return 0;
  uint64_t start = now_us();
  int rc = read_group(s, group, err);
  scratch_drop(s);
  if (rc != 0) {
    group_drop(s, group);
    return rc;
  }
  uint64_t end = now_us();
  *group_clock(s, group) =
      end > start ? end - start : 0;  // clocks are set back
  s->groups |= group;
  return 0;
}

int pi_snapshot_complete(pi_snapshot *s, unsigned groups, pi_error *err) {
  // the processes to read are those that hold a socket
  if (groups & PI_GROUP_PROCESS) groups |= PI_GROUP_OWNER;
  if ((groups & ~s->groups) == 0) return 0;
  if (s->loaded) {
    return pi__fail(err, PI_EUNSUPPORTED, 0, "not in this reading");
  }
  const unsigned before = s->groups;
  const pi_quality quality = s->quality;
  for (unsigned group = 1; group <= groups; group <<= 1) {
    if (!(groups & group)) continue;
    int rc = add_group(s, group, err);
    if (rc == 0) continue;
    groups_drop(s, s->groups & ~before);
    s->quality = quality;
    return rc;
  }
  // the index is only good for finding rows that a later group tells of
  if (s->groups & PI_GROUP_DERIVED) pi__index_deinit(&s->identity);
  s->quality.completed = (int64_t)time(NULL);
  return 0;
}

/* All of what an option says but the filter. */
static void want_source(const pi_options *opt, pi__want *want) {
  want->backend = opt->backend;
  want->proc = opt->proc != NULL ? opt->proc : "/proc";
  want->netns = opt->netns != NULL ? opt->netns : "own";
}

void pi_plan_look(const pi_options *opt, pi_look *ret) {
  static const pi_options defaults;
  pi__want want = {0};
  want_source(opt != NULL ? opt : &defaults, &want);
  pi__look(&want, ret);
}

int pi_snapshot_take(const pi_options *opt, pi_snapshot **ret, pi_error *err) {
  static const pi_options defaults;
  if (opt == NULL) opt = &defaults;
  pi_snapshot *s = pi__realloc(NULL, sizeof(pi__reading));
  if (s == NULL) return pi__nomem(err);
  memset(s, 0, sizeof *s);
  s->interrupted = opt->interrupted;
  want_source(opt, &s->want);
  pi__plan(opt->filter, &s->want);
  s->quality.taken = (int64_t)time(NULL);
  int rc = pi_snapshot_complete(s, PI_GROUP_SOCKET, err);
  if (rc == 0 && opt->previous != NULL) {
    rc = pi__recall_begin(s, opt->previous, err);
  }
  if (rc == 0) rc = pi_snapshot_complete(s, opt->groups, err);
  pi__recall_end(s);
  s->quality.completed = 0;
  if (rc != 0) {
    pi_snapshot_free(s);
    return rc;
  }
  *ret = s;
  return 0;
}

void pi_snapshot_free(pi_snapshot *s) {
  if (s == NULL) return;
  scratch_drop(s);
  pi__recall_end(s);
  pi__index_deinit(&s->identity);
  groups_drop(s, PI_GROUPS);
  for (size_t i = 0; i < s->text_count; i++) {
    pi__realloc((void *)s->texts[i], 0);
  }
  pi__realloc(s->texts, 0);
  pi__realloc(s->told, 0);
  pi__realloc(s->others, 0);
  pi__index_deinit(&s->netnses);
  pi__realloc(s->filter, 0);
  pi__realloc(s, 0);
}

size_t pi_snapshot_count(const pi_snapshot *s) {
  return s->count;
}
unsigned pi_snapshot_groups(const pi_snapshot *s) {
  return s->groups;
}
bool pi_snapshot_loaded(const pi_snapshot *s) {
  return s->loaded;
}
const char *pi_snapshot_filter(const pi_snapshot *s) {
  return s->filter;
}
const pi_host *pi_snapshot_host(const pi_snapshot *s) {
  return &s->first.host;
}

const pi_quality *pi_snapshot_quality(const pi_snapshot *s) {
  return &s->quality;
}

int pi_host_read(const char *proc, pi_host *ret, pi_error *err) {
  pi__want want = {.proc = proc != NULL ? proc : "/proc"};
  pi_host host;
  memset(&host, 0, sizeof host);
  int rc = pi__collect(&want, NULL, &host, err);
  if (rc != 0) return rc;
  *ret = host;
  return 0;
}

bool pi_host_reserves(const pi_host *host, uint16_t port) {
  return host->reserved[port / 8] >> (port % 8) & 1;
}

int pi_port_try(const pi_probe *probe, pi_error *err) {
  if (probe->port != 0) return pi__probe(probe, err);
  return pi__fail(err, PI_EINVAL, 0, "port 0 is no port to bind to");
}

const char *pi_version(void) {
  return PI_VERSION;
}
