/* process.c: any bytes at all, as what /proc/PID says of a process, and as the
 * files in which runtimes name their containers.
 *
 * Any name survives its stat line. What is inferred from a control group lies
 * within its path. Arguments and paths are kept as they are, whatever they are,
 * and a reading with such a process is the same when it is saved and loaded.
 *
 * An input is a byte for the file, and its text; that of a container is behind
 * a control group of another byte's choice.
 */
#include "kept.h"

#include "core/cgroup.h"
#include "core/snapshot.h"
#include "os/linux/process.h"

/* ---- The process --------------------------------------------------------- */

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

/* What is known of it; a NULL is not. */
static struct process {
  const char *comm, *cgroup, *arguments, *state;
  size_t comm_length, cgroup_length, arguments_length, state_length;
} process;

static bool read_state(void *arg, const char *path, char **bytes,
                       size_t *length) {
  char **scratch = arg;
  must(strlen(path) > 0 && path[0] != '/' && strstr(path, "..") == NULL);
  if (process.state == NULL) return false;
  free(*scratch);
  *bytes = *scratch = copy_of(process.state, process.state_length);
  *length = process.state_length;
  return true;
}

static int tell_details(pi__reading *reading, pi_error *err) {
  pi__process *p = pi__reading_process_at(reading, 0);
  char *scratch = NULL;
  int rc = 0;
  if (process.cgroup != NULL) {
    rc = pi__reading_cgroup(reading, p, process.cgroup, process.cgroup_length,
                            err);
  }
  if (rc == 0 && process.arguments != NULL) {
    scratch = copy_of(process.arguments, process.arguments_length);
    rc = pi__reading_arguments(reading, p, scratch, process.arguments_length,
                               err);
  }
  if (rc == 0)
    rc = pi__reading_name_containers(reading, read_state, &scratch, err);
  free(scratch);
  return rc;
}

static int tell_socket(pi__reading *reading, pi_error *err) {
  pi__row row = {.proto = PI_PROTO_TCP,
                 .state = PI_STATE_LISTEN,
                 .lport = 443,
                 .inode = 1,
                 .iface_sight = PI_EMPTY,
                 .v6only_sight = PI_EMPTY,
                 .mark_sight = PI_UNKNOWN};
  must(pi_address_parse("127.0.0.1", 9, &row.laddr));
  must(pi_address_parse("0.0.0.0", 7, &row.raddr));
  pi__reading_host(reading)->netns = 4026531840;
  return pi__reading_row(reading, &row, err);
}

static int tell_holder(pi__reading *reading, pi_error *err) {
  uint32_t number;
  int rc = pi__reading_process(reading, 42, 0, 7, process.comm,
                               process.comm_length, &number, err);
  return rc != 0 ? rc : pi__reading_holder(reading, 1, number, 3, err);
}

/* A listener whose holder is the process. */
int pi__collect(const pi__want *want, pi__reading *reading, pi_host *host,
                pi_error *err) {
  (void)host;
  switch (want->groups) {
  case PI_GROUP_SOCKET: return tell_socket(reading, err);
  case PI_GROUP_OWNER: return tell_holder(reading, err);
  case PI_GROUP_PROCESS: return tell_details(reading, err);
  default: return 0;
  }
}

static pi_snapshot *take(void) {
  pi_snapshot *s = NULL;
  pi_options options = {.groups = PI_GROUP_SOCKET | PI_GROUP_PROCESS};
  must(pi_snapshot_take(&options, &s, NULL) == 0);
  is_kept(s);
  return s;
}

/* The field is these bytes; what may lack is known to be empty if there are
 * none. */
static void is_text(const pi_snapshot *s, pi_field field, const char *bytes,
                    size_t length) {
  bool may_lack = field != PI_PROCESS;  // a name may have no bytes
  pi_value v = pi_snapshot_value(s, 0, field, 0);
  must(v.sight == (length == 0 && may_lack ? PI_EMPTY : PI_KNOWN));
  must(v.length == length);
  must(length == 0 || memcmp(v.text, bytes, length) == 0);
}

/* ---- stat ---------------------------------------------------------------- */

static void stat_is_read(const char *text, size_t length) {
  pi__stat stat;
  char *copy = text_of_bytes(text, length);
  if (pi__stat_parse(copy, length, &stat)) {
    const char *open = memchr(copy, '(', length);
    must(stat.comm_length < sizeof stat.comm);
    must(stat.comm[stat.comm_length] == '\0');
    must(memcmp(open + 1, stat.comm, stat.comm_length) == 0);
    must(open[1 + stat.comm_length] == ')');
    must(strchr(open + 1 + stat.comm_length + 1, ')') == NULL ||
         memchr(copy, '\0', length) != NULL);
  }
  free(copy);
}

/* Whatever a process is called, its line tells that and the rest. */
static void a_name_survives(const char *name, size_t length) {
  char line[512];
  pi__stat stat;
  if (length >= sizeof stat.comm || memchr(name, '\0', length) != NULL) return;
  int n = snprintf(line, sizeof line,
                   "42 (%.*s) R 7 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 "
                   "99 9 9\n",
                   (int)length, name);
  must(pi__stat_parse(line, (size_t)n, &stat));
  must(stat.comm_length == length && memcmp(stat.comm, name, length) == 0);
  must(stat.state == 'R' && stat.ppid == 7 && stat.flags == 4194560);
  must(stat.start == 99);
  process = (struct process){.comm = name, .comm_length = length};
  pi_snapshot *s = take();
  is_text(s, PI_PROCESS, name, length);
  pi_snapshot_free(s);
}

static void as_stat(const char *text, size_t length) {
  stat_is_read(text, length);
  a_name_survives(text, length);
}

/* ---- cgroup -------------------------------------------------------------- */

static bool is_within(const char *part, size_t part_length, const char *whole,
                      size_t length) {
  return part >= whole && part + part_length <= whole + length;
}

static void infers_from(const char *path, size_t length) {
  const char *unit;
  size_t unit_length;
  pi__container container;
  char *copy = copy_of(path, length);
  if (pi__cgroup_unit(copy, length, &unit, &unit_length)) {
    must(unit_length > 0 && is_within(unit, unit_length, copy, length));
    must(memchr(unit, '/', unit_length) == NULL);
  }
  if (pi__cgroup_container(copy, length, &container)) {
    must(container.length > 0);
    must(is_within(container.id, container.length, copy, length));
    must(memchr(container.id, '/', container.length) == NULL);
    must(pi__container_shown(&container) <= container.length);
  }
  free(copy);
}

static void as_cgroup(const char *text, size_t length) {
  char *copy = text_of_bytes(text, length);
  process = (struct process){.comm = "x", .comm_length = 1};
  process.cgroup = pi__cgroup_best(copy, &process.cgroup_length);
  must(process.cgroup_length == 0 ||
       is_within(process.cgroup, process.cgroup_length, copy, length));
  must(memchr(process.cgroup, '\n', process.cgroup_length) == NULL);
  infers_from(process.cgroup, process.cgroup_length);
  pi_snapshot *s = take();
  is_text(s, PI_CGROUP, process.cgroup, process.cgroup_length);
  pi_snapshot_free(s);
  free(copy);
}

/* ---- cmdline ------------------------------------------------------------- */

static void as_arguments(const char *text, size_t length) {
  process = (struct process){.comm = "docker-proxy", .comm_length = 12};
  process.arguments = text;
  process.arguments_length = length;
  pi_snapshot *s = take();
  char *plain = copy_of(text, length);
  while (length > 0 && plain[length - 1] == '\0') length--;
  for (size_t i = 0; i < length; i++) {
    if (plain[i] == '\0') plain[i] = ' ';
  }
  is_text(s, PI_CMDLINE, plain, length);
  pi_value via = pi_snapshot_value(s, 0, PI_VIA, 0);
  must(via.sight == PI_KNOWN || via.sight == PI_UNKNOWN);
  must(via.sight != PI_KNOWN || strrchr(via.text, ':') != NULL);
  free(plain);
  pi_snapshot_free(s);
}

/* ---- What runtimes say ----------------------------------------------------
 */

static void as_state(const char *text, size_t length) {
  static const char *const groups[] = {
      "/docker/" ID,
      "/machine.slice/libpod-" ID ".scope",
      "/system.slice/cri-containerd-" ID ".scope",
      "/kubepods/pod1/" ID,
      "/crio-" ID ".scope",
      "/nerdctl-" ID ".scope",
      "/lxc.payload.web",
  };
  if (length == 0) return;
  const char *group = groups[(uint8_t)text[0] % LENGTH(groups)];
  process = (struct process){.comm = "x", .comm_length = 1};
  process.cgroup = group;
  process.cgroup_length = strlen(group);
  process.state = text + 1;
  process.state_length = length - 1;
  pi_snapshot *s = take();
  pi_value name = pi_snapshot_value(s, 0, PI_CONTAINER_NAME, 0);
  must(name.sight == PI_KNOWN || name.sight == PI_UNKNOWN);
  must(name.sight != PI_KNOWN || (name.length > 0 && name.length < 3 + length));
  pi_snapshot_free(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static void (*const files[])(const char *, size_t) = {as_stat, as_cgroup,
                                                        as_arguments, as_state};
  input in = {data, size};
  uint8_t file = take_byte(&in);
  char *text = copy_of(in.at, in.left);
  files[file % LENGTH(files)](text, in.left);
  free(text);
  return 0;
}
