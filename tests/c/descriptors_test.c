/* descriptors_test.c: readings when descriptors or threads run out. Every way
 * to a descriptor is this program's own, and fails from the k-th call on, or
 * that one alone, k = 0, 1, 2 ... until the reading is whole. Then it
 *
 * - is refused, with that errno; or
 * - lacks the rows of a source, with that errno noted of the source; or
 * - lacks values, which are unknown, and never others than there are. Of owners
 *   the quality says that not all could be looked at, and why.
 *
 * No socket is said to be unheld that is not, and no descriptor is left open.
 */
#include "procroot.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <pwd.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* ---- Descriptors that run out -------------------------------------------- */

static struct {
  atomic_long left; /* calls that succeed before */
  bool alone;       /* only the one after them fails */
  int os;
  atomic_bool met;
  atomic_bool no_folders; /* opendir(3) fails, and nothing else */
  atomic_long threads;    /* that can be made */
} starve;

enum { NEVER = 1 << 30 };

static bool refused(void) {
  long left = atomic_fetch_sub(&starve.left, 1);
  if (left > 0 || (starve.alone && left < 0)) return false;
  atomic_store(&starve.met, true);
  errno = starve.os;
  return true;
}

int openat(int dir, const char *path, int flags, ...) {
  if (refused()) return -1;
  return (int)syscall(SYS_openat, dir, path, flags, 0);
}

int open(const char *path, int flags, ...) {
  if (refused()) return -1;
  return (int)syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
}

int socket(int domain, int type, int protocol) {
  if (refused()) return -1;
  return (int)syscall(SYS_socket, domain, type, protocol);
}

DIR *opendir(const char *path) {
  if (starve.no_folders) {
    errno = EMFILE;
    return NULL;
  }
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return fd < 0 ? NULL : fdopendir(fd);
}

char *if_indextoname(unsigned index, char name[IF_NAMESIZE]) {
  struct ifreq request = {.ifr_ifindex = (int)index};
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return NULL;
  int rc = ioctl(fd, SIOCGIFNAME, &request);
  close(fd);
  errno = ENXIO;
  return rc != 0 ? NULL : strcpy(name, request.ifr_name);
}

int getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size,
               struct passwd **found) {
  *found = NULL;
  if (refused()) return errno;
  snprintf(buffer, size, "user-%u", (unsigned)uid);
  entry->pw_name = buffer;
  *found = entry;
  return 0;
}

typedef int create(pthread_t *thread, const pthread_attr_t *attributes,
                   void *(*run)(void *), void *arg);

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                   void *(*run)(void *), void *arg) {
  create *real = NULL;
  if (atomic_fetch_sub(&starve.threads, 1) <= 0) return EAGAIN;
  *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
  return real(thread, attributes, run, arg);
}

static void feed(void) {
  atomic_store(&starve.left, NEVER);
  atomic_store(&starve.threads, NEVER);
  atomic_store(&starve.met, false);
  atomic_store(&starve.no_folders, false);
}

static unsigned open_descriptors(void) {
  unsigned n = 0;
  for (int fd = 0; fd < 256; fd++) n += fcntl(fd, F_GETFD) >= 0;
  return n;
}

/* ---- Worlds ---------------------------------------------------------------
 */

/* A socket of a process, one of a thread that has a table of its own, one of
 * nobody, and so many processes that two workers look at them. */
static int make_world(void **state) {
  (void)state;
  char tables[2048];
  feed();
  procroot_make();
  for (unsigned pid = 100; pid < 140; pid++) procroot_process(pid, "idle", 1);
  procroot_process(20, "holder", 100);
  procroot_details(20);
  size_t n = (size_t)snprintf(tables, sizeof tables, "heading\n");
  for (unsigned i = 0; i < 4; i++) {
    n += procroot_line(tables + n, sizeof tables - n, "0100007F:0050",
                       "00000000:0000", "0A", 65534, 5001 + i);
  }
  procroot_text("net/tcp", tables);
  procroot_text("net/udp", "heading\n");
  procroot_text("net/dev", "");
  procroot_text("self/uid_map", "0 0 1000\n");
  procroot_text("sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
  procroot_text("sys/net/ipv4/ip_local_reserved_ports", "80\n");
  procroot_text("sys/net/ipv4/ip_unprivileged_port_start", "1024\n");
  procroot_hold(20, 3, 5001);
  procroot_hold(100, 3, 5001);
  procroot_hold(139, 3, 5002);
  procroot_link("20/task/21/fd/5", "socket:[5003]");
  procroot_process(21, "thread", 1);  // what `up` leads to is its process
  return 0;
}

static int end_world(void **state) {
  (void)state;
  feed();
  procroot_remove();
  return 0;
}

static void hide_processes(void) {
  char line[256];
  snprintf(line, sizeof line, "proc %s proc rw,hidepid=2 0 0\n", procroot);
  procroot_text("self/mounts", line);
}

/* ---- What a reading may be ------------------------------------------------
 */

static bool same_value(const pi_value *a, const pi_value *b) {
  if (a->sight != b->sight) return false;
  if (a->sight != PI_KNOWN) return true;
  return a->number == b->number && a->length == b->length &&
         memcmp(&a->address, &b->address, sizeof a->address) == 0 &&
         (a->length == 0 || memcmp(a->text, b->text, a->length) == 0);
}

static size_t row_of(const pi_snapshot *s, uint64_t inode) {
  for (size_t row = 0; row < pi_snapshot_count(s); row++) {
    if (pi_snapshot_value(s, row, PI_INODE, 0).number == inode) return row;
  }
  fail_msg("nobody has a socket with the inode %llu",
           (unsigned long long)inode);
  return 0;
}

static void assert_no_other_value(const pi_snapshot *s, size_t row,
                                  const pi_snapshot *whole, size_t as) {
  pi_value iface = pi_snapshot_value(s, row, PI_IFACE, 0);
  for (int f = 0; f < PI_FIELD_COUNT; f++) {
    const char *name = pi_field_describe((pi_field)f)->name;
    for (unsigned i = 0; i < 3; i++) {
      pi_value a = pi_snapshot_value(s, row, (pi_field)f, i);
      pi_value b = pi_snapshot_value(whole, as, (pi_field)f, i);
      // why an owner is unknown depends on what was not seen
      if (a.sight == PI_UNKNOWN || f == PI_OWNER || f == PI_WHY) continue;
      // as in proc tables, which know no device: a wildcard counts as one
      if (f == PI_EXPOSURE && iface.sight == PI_UNKNOWN) continue;
      if (!same_value(&a, &b)) fail_msg("%s is another one: %s", name, a.text);
    }
  }
}

/* Nobody is said to have no owner, or another one. */
static void assert_owner(const pi_snapshot *s, size_t row,
                         const pi_snapshot *whole, size_t as) {
  const pi_quality *q = pi_snapshot_quality(s);
  pi_value a = pi_snapshot_value(s, row, PI_OWNER, 0);
  pi_value b = pi_snapshot_value(whole, as, PI_OWNER, 0);
  pi_value why = pi_snapshot_value(s, row, PI_WHY, 0);
  pi_value why_whole = pi_snapshot_value(whole, as, PI_WHY, 0);
  if (same_value(&a, &b) && same_value(&why, &why_whole)) return;
  assert_int_equal(PI_OWNER_UNKNOWN, a.number);
  if (!q->owners_unseen) {
    // the mounts could not be read, which tell whether procfs hides
    assert_true(q->hidden);
    assert_int_equal(PI_WHY_HIDDEN, why.number);
    return;
  }
  assert_int_equal(starve.os, q->owners_os);
  assert_int_equal(PI_WHY_PERMISSION, why.number);
}

static void assert_rows_are_told(const pi_snapshot *s,
                                 const pi_snapshot *whole) {
  const pi_quality *q = pi_snapshot_quality(s), *w = pi_snapshot_quality(whole);
  for (int i = 0; i < PI_PROTOS * 2; i++) {
    const struct pi_source *a = &q->sources[i / 2][i % 2];
    const struct pi_source *b = &w->sources[i / 2][i % 2];
    if (a->backend == b->backend && a->rows == b->rows) continue;
    assert_int_equal(starve.os, a->os);
    assert_true(a->untold || a->backend != b->backend);
    assert_false(a->absent);
  }
}

static void assert_honest(const pi_snapshot *s, const pi_snapshot *whole) {
  assert_rows_are_told(s, whole);
  for (size_t row = 0; row < pi_snapshot_count(s); row++) {
    uint64_t inode = pi_snapshot_value(s, row, PI_INODE, 0).number;
    size_t as = row_of(whole, inode);
    assert_no_other_value(s, row, whole, as);
    if (pi_snapshot_groups(s) & PI_GROUP_OWNER) {
      assert_owner(s, row, whole, as);
    }
  }
}

static int take(const pi_options *options, pi_snapshot **s, pi_error *err) {
  int rc = pi_snapshot_take(options, s, err);
  feed();
  return rc;
}

static pi_snapshot *taken(const pi_options *options) {
  pi_snapshot *s = NULL;
  pi_error err = {0};
  if (take(options, &s, &err) != 0) fail_msg("%s", err.text);
  return s;
}

/* Tells after how many calls nothing was missing. */
static long climb(const pi_options *options, bool alone, int os) {
  pi_snapshot *whole = taken(options);
  unsigned before = open_descriptors();
  for (long k = 0; k < 10000; k++) {
    pi_snapshot *s = NULL;
    pi_error err = {0};
    starve.alone = alone;
    starve.os = os;
    atomic_store(&starve.left, k);
    int rc = pi_snapshot_take(options, &s, &err);
    bool met = atomic_load(&starve.met);
    feed();
    assert_int_equal(before, open_descriptors());
    if (rc != 0) {
      assert_true(met);
      assert_int_equal(PI_EOS, rc);
      assert_int_equal(os, err.os);
      assert_null(s);
      continue;
    }
    assert_honest(s, whole);
    pi_snapshot_free(s);
    if (met) continue;
    pi_snapshot_free(whole);
    return k;
  }
  fail_msg("the ladder does not end");
  return 0;
}

/* ---- The tests ------------------------------------------------------------
 */

static void whoever_runs_out_of_descriptors_says_so(void **state) {
  (void)state;
  static const int errnos[] = {EMFILE, ENFILE, ENOMEM};
  pi_options options = {
      .groups = PI_GROUPS, .proc = procroot, .backend = PI_BACKEND_PROC};
  for (size_t i = 0; i < LENGTH(errnos); i++) {
    assert_true(climb(&options, false, errnos[i]) > 100);
    assert_true(climb(&options, true, errnos[i]) > 100);
  }
}

static void what_may_be_hidden_is_not_unheld(void **state) {
  (void)state;
  pi_options options = {
      .groups = PI_GROUP_OWNER, .proc = procroot, .backend = PI_BACKEND_PROC};
  hide_processes();
  // to root nothing is hidden, unless it is so in a user namespace alone
  procroot_text("self/status", "Name:\tx\nCapEff:\t0000000000000000\n");
  pi_snapshot *s = taken(&options);
  assert_string_equal("hidden",
                      pi_snapshot_value(s, row_of(s, 5004), PI_WHY, 0).text);
  pi_snapshot_free(s);
  assert_true(climb(&options, false, EMFILE) > 50);
  assert_true(climb(&options, true, EMFILE) > 50);
}

/* Sockets of a namespace of our own, by sock_diag. */
static void enter_namespace(void) {
  struct ifreq up = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
  if (unshare(CLONE_NEWNET) != 0) skip_because("no network namespaces for us");
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  assert_int_equal(0, ioctl(fd, SIOCSIFFLAGS, &up));
  close(fd);
}

static int listening(int family) {
  struct sockaddr_storage a = {.ss_family = (sa_family_t)family};
  int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_true(fd >= 0);
  setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
  assert_int_equal(0, bind(fd, (struct sockaddr *)&a, sizeof a));
  assert_int_equal(0, listen(fd, 1));
  return fd;
}

static void devices_and_dumps_take_descriptors_too(void **state) {
  (void)state;
  enter_namespace();
  int four = listening(AF_INET), six = listening(AF_INET6);
  pi_options options = {.groups = PI_GROUP_SOCKET | PI_GROUP_DERIVED |
                                  PI_GROUP_TCP_INFO};
  pi_snapshot *s = taken(&options);
  assert_int_equal(2, pi_snapshot_count(s));
  assert_string_equal("lo", pi_snapshot_value(s, 0, PI_IFACE, 0).text);
  pi_snapshot_free(s);
  assert_true(climb(&options, false, EMFILE) > 8);
  assert_true(climb(&options, true, EMFILE) > 8);
  close(four);
  close(six);
}

static void namespaces_that_cannot_be_listed_may_be_there(void **state) {
  (void)state;
  pi_options options = {
      .groups = PI_GROUP_DERIVED, .proc = procroot, .netns = "all"};
  options.backend = PI_BACKEND_PROC;
  pi_snapshot *s = taken(&options);
  bool nested = pi_snapshot_quality(s)->nested;
  assert_int_equal(nested, pi_snapshot_quality(s)->unlisted);
  pi_snapshot_free(s);
  atomic_store(&starve.no_folders, true);
  s = taken(&options);
  assert_true(pi_snapshot_quality(s)->unlisted);
  assert_int_equal(PI_UNKNOWN, pi_snapshot_value(s, 0, PI_NETNS_NAME, 0).sight);
  pi_snapshot_free(s);
}

/* ---- Threads --------------------------------------------------------------
 */

static void without_threads_one_does_it_all(void **state) {
  (void)state;
  pi_options options = {
      .groups = PI_GROUPS, .proc = procroot, .backend = PI_BACKEND_PROC};
  pi_snapshot *whole = taken(&options);
  for (long threads = 0; threads < 4; threads++) {
    atomic_store(&starve.threads, threads);
    pi_snapshot *s = taken(&options);
    assert_int_equal(4, pi_snapshot_count(s));
    assert_false(pi_snapshot_quality(s)->owners_unseen);
    assert_honest(s, whole);
    for (size_t row = 0; row < 4; row++) {
      pi_value a = pi_snapshot_value(s, row, PI_WHY, 0);
      pi_value b = pi_snapshot_value(whole, row, PI_WHY, 0);
      assert_true(same_value(&a, &b));
    }
    pi_snapshot_free(s);
  }
  pi_snapshot_free(whole);
}

/* It takes a thread of ours to enter another one. */
static void without_threads_no_namespace_is_entered(void **state) {
  (void)state;
  char path[64];
  struct stat st;
  enter_namespace();
  snprintf(path, sizeof path, "/proc/%d/ns/net", (int)getppid());
  if (stat(path, &st) != 0) skip_because("%s is not for us", path);
  // but for the iterator, which sees into it from outside
  pi_options options = {.netns = path, .backend = PI_BACKEND_NETLINK};
  pi_snapshot *s = NULL;
  pi_error err = {0};
  atomic_store(&starve.threads, 0);
  assert_int_equal(PI_EOS, take(&options, &s, &err));
  assert_int_equal(EAGAIN, err.os);
  assert_says(err.text, path);
  assert_null(s);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, make_world, end_world)
  const struct CMUnitTest tests[] = {
      T(whoever_runs_out_of_descriptors_says_so),
      T(what_may_be_hidden_is_not_unheld),
      T(devices_and_dumps_take_descriptors_too),
      T(namespaces_that_cannot_be_listed_may_be_there),
      T(without_threads_one_does_it_all),
      T(without_threads_no_namespace_is_entered),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
