/* taskfile_test.c: the iterator beside sock_diag, on sockets of our own, in
 * network namespaces that are left when the program ends. */
#include "test.h"

#include "core/snapshot.h"
#include "os/linux/bpf/loader.h"
#include "os/linux/process.h"
#include "os/linux/sockdiag.h"
#include "os/linux/taskfile.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PORT = 27431 };

static pi_snapshot *reading;

static int setup(void **state) {
  (void)state;
  return pi_snapshot_take(NULL, &reading, NULL);
}

static int teardown(void **state) {
  (void)state;
  pi_snapshot_free(reading);
  return 0;
}

static void need_bpf(void) {
  pi_error err;
  pi__taskfile *t;
  bool pinned;
  int rc =
      pi__taskfile_open("/nonexistent", PI__TASKFILE_LOADED, &t, &pinned, &err);
  if (rc != 0) skip_because("%s", err.text);
  assert_false(pinned);
  pi__taskfile_close(t);
}

/* ---- A stream, kept whole ----------------------------------------------- */

typedef struct records {
  pi__record *list;
  size_t count, capacity;
} records;

static int keep(void *arg, const pi__record *r, pi_error *err) {
  records *all = arg;
  int rc =
      pi__reserve(&all->list, &all->capacity, all->count + 1, sizeof *r, err);
  if (rc == 0) all->list[all->count++] = *r;
  return rc;
}

static records read_records(void) {
  records all = {0};
  pi_error err;
  pi__taskfile *t;
  bool pinned;
  int rc = pi__taskfile_open(NULL, PI__TASKFILE_LOADED, &t, &pinned, &err);
  if (rc != 0) fail_msg("%s", err.text);
  rc = pi__taskfile_read(t, (pi__reading *)reading, keep, &all, &err);
  if (rc != 0) fail_msg("%s", err.text);
  pi__taskfile_close(t);
  return all;
}

static void records_free(records *all) {
  pi__realloc(all->list, 0);
}

/* The record of a process' descriptor, or NULL. */
static const pi__record *record_of(const records *all, pid_t pid, int fd) {
  for (size_t i = 0; i < all->count; i++) {
    const pi__record *r = &all->list[i];
    if (r->pid == (uint32_t)pid && r->fd == (uint32_t)fd) return r;
  }
  return NULL;
}

static const pi__record *must_hold(const records *all, pid_t pid, int fd) {
  const pi__record *r = record_of(all, pid, fd);
  if (r == NULL) fail_msg("nothing is told of %d/%d", (int)pid, fd);
  return r;
}

static uint64_t inode_of(const char *path) {
  struct stat st;
  assert_int_equal(0, stat(path, &st));
  return st.st_ino;
}

/* ---- Sockets ------------------------------------------------------------ */

static void raise_loopback(void) {
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  assert_int_equal(0, ioctl(fd, SIOCSIFFLAGS, &request));
  close(fd);
}

static void enter_namespace(void) {
  assert_int_equal(0, unshare(CLONE_NEWNET));
  raise_loopback();
}

static struct sockaddr_in at_loopback(uint16_t port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return a;
}

static int bound(int type, uint16_t port) {
  struct sockaddr_in a = at_loopback(port);
  int fd = socket(AF_INET, type, 0);
  assert_int_equal(0, bind(fd, (void *)&a, sizeof a));
  return fd;
}

static int bound6(int type, uint16_t port, int v6only) {
  struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  int fd = socket(AF_INET6, type, 0);
  assert_int_equal(
      0, setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof v6only));
  assert_int_equal(0, bind(fd, (void *)&a, sizeof a));
  return fd;
}

static void connect6(int fd, uint16_t port) {
  struct sockaddr_in6 a = {.sin6_family = AF_INET6,
                           .sin6_port = htons(port),
                           .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  assert_int_equal(0, connect(fd, (void *)&a, sizeof a));
}

static int listening(uint16_t port) {
  int fd = bound(SOCK_STREAM, port);
  assert_int_equal(0, listen(fd, 5));
  return fd;
}

static int connected(int type, uint16_t port) {
  struct sockaddr_in a = at_loopback(port);
  int fd = socket(AF_INET, type, 0);
  assert_int_equal(0, connect(fd, (void *)&a, sizeof a));
  return fd;
}

static int accepted(int listener) {
  int fd = accept(listener, NULL, NULL);
  assert_true(fd >= 0);
  return fd;
}

/* Writes until the other end, which does not read, takes no more. */
static void fill_up(int fd) {
  static const char bytes[4096];
  while (send(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0) {
  }
  assert_int_equal(EAGAIN, errno);
}

static void set_number(int fd, int level, int option, int value) {
  assert_int_equal(0, setsockopt(fd, level, option, &value, sizeof value));
}

/* One of everything that sock_diag tells of; and it tells of all these. */
static size_t open_scene(void) {
  int listener = listening(PORT);
  int busy = connected(SOCK_STREAM, PORT), lazy = accepted(listener);
  fill_up(busy);
  assert_true(lazy >= 0);
  connected(SOCK_STREAM, PORT);  // waits to be accepted
  int gone = connected(SOCK_STREAM, PORT);
  shutdown(gone, SHUT_WR);
  bound(SOCK_STREAM, PORT + 1);
  listening(0);
  listen(bound6(SOCK_STREAM, PORT + 2, 1), 5);
  listen(bound6(SOCK_STREAM, PORT + 3, 0), 5);
  int full = bound(SOCK_DGRAM, PORT), client = connected(SOCK_DGRAM, PORT);
  char byte;
  for (int i = 0; i < 3; i++) assert_int_equal(1, send(client, "a", 1, 0));
  assert_int_equal(1, recv(full, &byte, 1, 0));  // lent until more are read
  set_number(full, SOL_SOCKET, SO_MARK, 4711);
  int six = bound6(SOCK_DGRAM, PORT + 2, 1);
  assert_int_equal(0, setsockopt(six, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
  connect6(bound6(SOCK_DGRAM, PORT + 4, 0), PORT + 2);
  assert_int_equal(0, seteuid(65534));
  bound(SOCK_DGRAM, 0);
  assert_int_equal(0, seteuid(0));
  return 13;
}

/* ---- sock_diag's rows --------------------------------------------------- */

typedef struct rows {
  pi__row list[64];
  bool autobound[64];
  size_t count;
} rows;

static int keep_row(void *arg, const pi__row *row, pi_error *err) {
  rows *all = arg;
  (void)err;
  if (row->inode == 0) return 0;  // of those nobody has a descriptor
  assert_true(all->count < LENGTH(all->list));
  all->list[all->count++] = *row;
  return 0;
}

static int mark_row(void *arg, const pi__row *row, pi_error *err) {
  rows *all = arg;
  (void)err;
  for (size_t i = 0; i < all->count; i++) {
    if (all->list[i].inode == row->inode) all->autobound[i] = true;
  }
  return 0;
}

static void dump(rows *all, pi__port_choice choice, pi__sockdiag_visit visit) {
  for (int i = 0; i < 4; i++) {
    pi__sockdiag_query query = {
        .proto = (pi_proto)(i / 2),
        .family = (pi_family)(i % 2),
        .states = 0xffff,
        .choice = choice,
    };
    bool interrupted;
    size_t skipped;
    pi_error err;
    int rc = pi__sockdiag_dump((pi__reading *)reading, &query, visit, all,
                               &interrupted, &skipped, &err);
    if (rc != 0) fail_msg("%s", err.text);
  }
}

static int by_inode(const void *a, const void *b) {
  const pi__row *x = a, *y = b;
  return (x->inode > y->inode) - (x->inode < y->inode);
}

static rows read_rows(void) {
  rows all;
  memset(&all, 0, sizeof all);
  dump(&all, PI__CHOICE_ANY, keep_row);
  qsort(all.list, all.count, sizeof *all.list, by_inode);
  dump(&all, PI__CHOICE_KERNEL, mark_row);
  return all;
}

static void assert_same_row(const pi__row *a, const pi__row *b) {
  assert_int_equal(a->proto, b->proto);
  assert_int_equal(a->family, b->family);
  assert_int_equal(a->state, b->state);
  assert_memory_equal(&a->laddr, &b->laddr, sizeof a->laddr);
  assert_memory_equal(&a->raddr, &b->raddr, sizeof a->raddr);
  assert_int_equal(a->lport, b->lport);
  assert_int_equal(a->rport, b->rport);
  assert_int_equal(a->inode, b->inode);
  assert_int_equal(a->cookie, b->cookie);
  assert_int_equal(a->uid, b->uid);
  assert_int_equal(a->uid_sight, b->uid_sight);
  assert_int_equal(a->rxq, b->rxq);
  assert_int_equal(a->rxq_sight, b->rxq_sight);
  assert_int_equal(a->txq, b->txq);
  assert_int_equal(a->txq_sight, b->txq_sight);
  assert_int_equal(a->mark, b->mark);
  assert_int_equal(a->mark_sight, b->mark_sight);
  assert_int_equal(a->v6only, b->v6only);
  assert_int_equal(a->v6only_sight, b->v6only_sight);
  assert_int_equal(a->iface_sight == PI_EMPTY, b->iface_sight == PI_EMPTY);
}

/* Of the rows that a record tells of, how many. */
static size_t compare(const rows *diag, const records *all) {
  size_t met = 0;
  for (size_t i = 0; i < diag->count; i++) {
    const pi__record *r = NULL;
    for (size_t k = 0; k < all->count; k++) {
      if (all->list[k].inode == diag->list[i].inode) r = &all->list[k];
    }
    if (r == NULL) fail_msg("port %u is in no record", diag->list[i].lport);
    pi__row row;
    bool autobound;
    assert_true(pi__record_row(r, &row));
    assert_same_row(&diag->list[i], &row);
    assert_int_equal(PI_KNOWN, pi__record_autobound(r, &autobound));
    assert_int_equal(diag->autobound[i], autobound);
    met++;
  }
  return met;
}

static void rows_are_what_sock_diag_says(void **state) {
  (void)state;
  need_bpf();
  enter_namespace();
  size_t opened = open_scene();
  // until nothing moved meanwhile: what is on its way changes the queues
  for (;;) {
    rows before = read_rows();
    records all = read_records();
    rows after = read_rows();
    bool still = memcmp(&before, &after, sizeof before) == 0;
    if (still) assert_int_equal(before.count, compare(&before, &all));
    if (still) assert_in_range(before.count, opened, LENGTH(before.list));
    records_free(&all);
    if (still) break;
  }
}

/* ---- Who holds them ----------------------------------------------------- */

/* Runs `work` in a child, which then stays; what it returned comes by a pipe.
 */
typedef struct child {
  pid_t pid;
  int told;
} child;

static child start_child(int (*work)(void *arg), void *arg) {
  int told[2];
  assert_int_equal(0, pipe(told));
  child c = {.pid = fork(), .told = told[0]};
  assert_true(c.pid >= 0);
  if (c.pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int number = work(arg);
    if (write(told[1], &number, sizeof number) == sizeof number) pause();
    _exit(1);
  }
  close(told[1]);
  return c;
}

static int told_by(const child *c) {
  int number = -1;
  assert_int_equal(sizeof number, read(c->told, &number, sizeof number));
  return number;
}

static void end_child(const child *c) {
  close(c->told);
  kill(c->pid, SIGKILL);
  assert_int_equal(c->pid, waitpid(c->pid, NULL, 0));
}

static void pass(int through, int fd) {
  char byte = 'x', control[CMSG_SPACE(sizeof fd)] = {0};
  struct iovec part = {&byte, 1};
  struct msghdr m = {.msg_iov = &part,
                     .msg_iovlen = 1,
                     .msg_control = control,
                     .msg_controllen = sizeof control};
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(c), &fd, sizeof fd);
  assert_int_equal(1, sendmsg(through, &m, 0));
}

/* The descriptor that comes through the socket *arg. */
static int take_over(void *arg) {
  int fd = -1;
  char byte, control[CMSG_SPACE(sizeof fd)];
  struct iovec part = {&byte, 1};
  struct msghdr m = {.msg_iov = &part,
                     .msg_iovlen = 1,
                     .msg_control = control,
                     .msg_controllen = sizeof control};
  if (recvmsg(*(int *)arg, &m, 0) != 1) return -1;
  memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
  return fd;
}

static int inherit(void *arg) {
  return *(int *)arg;
}

static void all_holders_of_a_socket_are_told(void **state) {
  (void)state;
  need_bpf();
  enter_namespace();
  int through[2];
  assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM, 0, through));
  child taker = start_child(take_over, &through[1]);
  int fd = listening(PORT), twin = dup(fd);
  child heir = start_child(inherit, &fd);
  pass(through[0], fd);
  int taken = told_by(&taker);
  assert_int_equal(fd, told_by(&heir));
  records all = read_records();
  const pi__record *r = must_hold(&all, getpid(), fd);
  assert_int_equal(PORT, r->lport);
  assert_int_equal(r->inode, must_hold(&all, getpid(), twin)->inode);
  assert_int_equal(r->inode, must_hold(&all, heir.pid, fd)->inode);
  assert_int_equal(r->inode, must_hold(&all, heir.pid, twin)->inode);
  assert_int_equal(r->inode, must_hold(&all, taker.pid, taken)->inode);
  assert_null(record_of(&all, taker.pid, twin + 100));
  size_t holders = 0;
  for (size_t i = 0; i < all.count; i++)
    holders += all.list[i].inode == r->inode;
  assert_int_equal(5, holders);
  records_free(&all);
  end_child(&heir);
  end_child(&taker);
}

/* ---- A thread with a table and a namespace of its own ------------------- */

typedef struct loner {
  pthread_barrier_t stands, ends;
  int fd; /* -1: a table of its own is not to be had */
} loner;

static void *live_apart(void *arg) {
  loner *l = arg;
  prctl(PR_SET_NAME, "loner");
  l->fd = -1;
  if (unshare(CLONE_FILES) == 0) {
    l->fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (unshare(CLONE_NEWNET) != 0) l->fd = -1;
  }
  pthread_barrier_wait(&l->stands);
  pthread_barrier_wait(&l->ends);
  if (l->fd >= 0) close(l->fd);
  return NULL;
}

static void a_threads_own_descriptors_are_its_process(void **state) {
  (void)state;
  need_bpf();
  enter_namespace();
  loner l;
  pthread_t thread;
  pi__stat stat;
  prctl(PR_SET_NAME, "a(b) \033[31m\n");
  pthread_barrier_init(&l.stands, NULL, 2);
  pthread_barrier_init(&l.ends, NULL, 2);
  assert_int_equal(0, pthread_create(&thread, NULL, live_apart, &l));
  pthread_barrier_wait(&l.stands);
  records all = read_records();
  assert_true(pi__stat_read(AT_FDCWD, "/proc/self/stat", &stat));
  pthread_barrier_wait(&l.ends);
  pthread_join(thread, NULL);
  assert_true(l.fd >= 0);
  const pi__record *r = must_hold(&all, getpid(), l.fd);
  assert_int_equal(stat.comm_length, pi__record_comm(r));
  assert_memory_equal(stat.comm, r->comm, stat.comm_length);
  assert_int_equal(stat.start, pi__record_start(r, pi__boot_offset("/proc")));
  assert_int_equal(0, r->euid);
  // an unbound one, which no table tells of
  assert_int_equal(0, r->lport);
  assert_int_equal(SOCK_DGRAM, r->type);
  assert_int_equal(inode_of("/proc/self/ns/net"), r->netns);
  assert_true(r->holder_netns != 0 && r->holder_netns != r->netns);
  records_free(&all);
}

/* ---- Namespaces --------------------------------------------------------- */

static int listen_apart(void *arg) {
  (void)arg;
  enter_namespace();
  return listening(PORT);
}

static void one_pass_sees_every_network_namespace(void **state) {
  (void)state;
  need_bpf();
  child children[3];
  uint32_t netns[3];
  for (int i = 0; i < 3; i++) children[i] = start_child(listen_apart, NULL);
  int fds[3];
  for (int i = 0; i < 3; i++) fds[i] = told_by(&children[i]);
  records all = read_records();
  for (int i = 0; i < 3; i++) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/net", (int)children[i].pid);
    const pi__record *r = must_hold(&all, children[i].pid, fds[i]);
    netns[i] = r->netns;
    assert_int_equal(PORT, r->lport);
    assert_int_equal(inode_of(path), r->netns);
    assert_int_equal(r->netns, r->holder_netns);
  }
  assert_true(netns[0] != netns[1] && netns[1] != netns[2] &&
              netns[0] != netns[2]);
  records_free(&all);
  for (int i = 0; i < 3; i++) end_child(&children[i]);
}

/* Runs `work` in a child of a child, which the first left `flags` behind for.
 */
static int run_inside(int flags, const char *offsets, int (*work)(void *arg)) {
  pid_t pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    int status = 1;
    if (unshare(flags) != 0) _exit(77);
    if (offsets != NULL) {
      int fd = open("/proc/self/timens_offsets", O_WRONLY);
      if (write(fd, offsets, strlen(offsets)) < 0) _exit(78);
    }
    pid_t inner = fork();
    if (inner == 0) _exit(work(NULL));
    if (waitpid(inner, &status, 0) != inner) _exit(79);
    _exit(WEXITSTATUS(status));
  }
  int status;
  assert_int_equal(pid, waitpid(pid, &status, 0));
  return WEXITSTATUS(status);
}

/* The first process of a pid namespace sees itself alone, as number 1. */
static int count_from_within(void *arg) {
  (void)arg;
  int fd = bound(SOCK_DGRAM, 0);
  records all = read_records();
  for (size_t i = 0; i < all.count; i++) {
    if (all.list[i].pid != 1) return 2;
  }
  return record_of(&all, 1, fd) == NULL ? 3 : 0;
}

static void pids_are_those_of_the_readers_namespace(void **state) {
  (void)state;
  need_bpf();
  assert_int_equal(0, run_inside(CLONE_NEWPID, NULL, count_from_within));
}

static int compare_starts(void *arg) {
  (void)arg;
  pi__stat stat;
  int fd = bound(SOCK_DGRAM, 0);
  int64_t offset = pi__boot_offset("/proc");
  if (!pi__stat_read(AT_FDCWD, "/proc/self/stat", &stat)) return 2;
  records all = read_records();
  const pi__record *r = record_of(&all, getpid(), fd);
  if (r == NULL || offset != INT64_C(86400000000005)) return 3;
  if (pi__record_start(r, 0) == stat.start) return 4;
  return pi__record_start(r, offset) == stat.start ? 0 : 5;
}

static void starts_are_those_of_our_time_namespace(void **state) {
  (void)state;
  need_bpf();
  int rc =
      run_inside(0x80 /* CLONE_NEWTIME */, "boottime 86400 5", compare_starts);
  if (rc == 77 || rc == 78) skip_because("there are no time namespaces here");
  assert_int_equal(0, rc);
}

/* ---- Ways to it --------------------------------------------------------- */

static bool stop(void) {
  return true;
}

static void a_reading_that_is_to_stop_stops(void **state) {
  (void)state;
  need_bpf();
  pi__taskfile *t;
  bool pinned;
  pi_error err;
  records all = {0};
  reading->interrupted = stop;
  assert_int_equal(
      0, pi__taskfile_open(NULL, PI__TASKFILE_LOADED, &t, &pinned, NULL));
  assert_int_equal(PI_ECANCELED, pi__taskfile_read(t, (pi__reading *)reading,
                                                   keep, &all, &err));
  reading->interrupted = NULL;
  pi__taskfile_close(t);
  records_free(&all);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_are_what_sock_diag_says),
      cmocka_unit_test(all_holders_of_a_socket_are_told),
      cmocka_unit_test(a_threads_own_descriptors_are_its_process),
      cmocka_unit_test(one_pass_sees_every_network_namespace),
      cmocka_unit_test(pids_are_those_of_the_readers_namespace),
      cmocka_unit_test(starts_are_those_of_our_time_namespace),
      cmocka_unit_test(a_reading_that_is_to_stop_stops),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
