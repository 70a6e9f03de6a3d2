/* churn.c: a machine that does not stand still.
 *
 *   churn CONNECTS FORKS NAMESPACES
 *
 * Opens and closes so many connections a second, forks so many processes, and
 * makes so many network namespaces, where it is started. Half of the namespaces
 * get a name below /run/netns, so that has to be a folder of its caller's own.
 * When standard input ends, so does it, and prints as JSON how many of each
 * there were. Needs root; what goes wrong is said in one line, exit status 2.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTORS = 2, MOST_CHILDREN = 16, MOST_WORKERS = CONNECTORS + 2 };

/* What was done, counted by whoever did it. */
typedef struct counts {
  atomic_ullong connects, forks, namespaces;
} counts;

static counts *done;

static _Noreturn void fail(const char *what) {
  fprintf(stderr, "churn: %s: %s\n", what, strerror(errno));
  exit(2);
}

/* ---- Time --------------------------------------------------------------- */

/* So many turns a second: sleeps as long as it is ahead, and does not run after
 * what it missed. */
typedef struct pace {
  double rate;
  struct timespec next;
} pace;

static pace pace_of(double rate) {
  pace p = {.rate = rate};
  clock_gettime(CLOCK_MONOTONIC, &p.next);
  return p;
}

static void keep_pace(pace *p) {
  struct timespec now;
  const long long second = 1000000000;
  long long step = (long long)((double)second / p->rate) + p->next.tv_nsec;
  p->next.tv_sec += step / second;
  p->next.tv_nsec = step % second;
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (now.tv_sec > p->next.tv_sec + 1) {
    p->next = now;  // it was held up
    return;
  }
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &p->next, NULL);
}

static void doze(long ms) {
  nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

/* ---- Connections -------------------------------------------------------- */

typedef union name {
  struct sockaddr any;
  struct sockaddr_in four;
  struct sockaddr_in6 six;
} name;

/* Listens on loopback of a family; its name goes to *at. */
static int listener(int family, name *at) {
  socklen_t length = sizeof *at;
  memset(at, 0, sizeof *at);
  at->any.sa_family = (sa_family_t)family;
  if (family == AF_INET6)
    at->six.sin6_addr = in6addr_loopback;
  else
    at->four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, &at->any, sizeof *at) != 0 || listen(fd, 64) != 0 ||
      getsockname(fd, &at->any, &length) != 0) {
    fail("listener");
  }
  return fd;
}

static int client(int kind, const name *at) {
  int fd = socket(at->any.sa_family, kind | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, &at->any, sizeof *at) != 0) fail("connect");
  return fd;
}

/* So that it leaves nothing behind: no time-wait. */
static void reset_at_close(int fd) {
  struct linger none = {.l_onoff = 1};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
}

/* Most connections are reset; some end in time-wait, and some processes have a
 * socket of UDP for a moment. */
static void connect_for_ever(double rate) {
  enum { TIME_WAITS = 8, DATAGRAMS = 16 };
  name four, six;
  int listen4 = listener(AF_INET, &four), listen6 = listener(AF_INET6, &six);
  pace p = pace_of(rate);
  for (unsigned n = 0;; n++) {
    bool is_six = n & 1;
    int fd = client(SOCK_STREAM, is_six ? &six : &four);
    int accepted = accept(is_six ? listen6 : listen4, NULL, NULL);
    if (accepted < 0) fail("accept");
    if (n % TIME_WAITS != 0) reset_at_close(fd);
    close(fd);
    close(accepted);
    if (n % DATAGRAMS == 0) close(client(SOCK_DGRAM, is_six ? &six : &four));
    atomic_fetch_add(&done->connects, 1);
    keep_pace(&p);
  }
}

/* ---- Processes ---------------------------------------------------------- */

/* Ends one that has lived long enough, once there are as many as may be. */
static void reap(unsigned *children) {
  if (*children == MOST_CHILDREN && wait(NULL) > 0) --*children;
  while (waitpid(-1, NULL, WNOHANG) > 0) --*children;
}

/* Each holds a socket of its own and one that was handed down to it. */
static void fork_for_ever(double rate) {
  name at;
  int shared = listener(AF_INET, &at);
  pace p = pace_of(rate);
  for (unsigned children = 0;; children++) {
    reap(&children);
    pid_t pid = fork();
    if (pid < 0) fail("fork");
    if (pid == 0) {
      int own = listener(AF_INET, &at);
      doze(20);
      close(own);
      close(shared);
      _exit(0);
    }
    atomic_fetch_add(&done->forks, 1);
    keep_pace(&p);
  }
}

/* ---- Namespaces --------------------------------------------------------- */

/* A name keeps a namespace a while longer than the process that lived there. */
static void name_it(unsigned n, bool there) {
  char path[64];
  snprintf(path, sizeof path, "/run/netns/soak-%u", n);
  if (!there) {
    umount2(path, MNT_DETACH);
    unlink(path);
    return;
  }
  int fd = open(path, O_CREAT | O_RDONLY | O_CLOEXEC, 0444);
  if (fd < 0) fail(path);
  close(fd);
  if (mount("/proc/self/ns/net", path, NULL, MS_BIND, NULL) != 0) fail(path);
}

/* ENOSPC: the kernel has not yet taken down those that are gone. */
static void live_elsewhere(unsigned n) {
  struct sockaddr_in any = {.sin_family = AF_INET};
  if (unshare(CLONE_NEWNET) != 0) {
    if (errno == ENOSPC) _exit(0);
    fail("unshare");
  }
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (fd < 0 || bind(fd, (void *)&any, sizeof any) != 0 || listen(fd, 1) != 0) {
    fail("a listener elsewhere");
  }
  if (n & 1) name_it(n, true);
  atomic_fetch_add(&done->namespaces, 1);
  doze(100);
  _exit(0);
}

static void settle_for_ever(double rate) {
  enum { NAMES = 4 };
  pace p = pace_of(rate);
  unsigned children = 0;
  for (unsigned n = 0;; n++, children++) {
    reap(&children);
    pid_t pid = fork();
    if (pid < 0) fail("fork");
    if (pid == 0) live_elsewhere(n);
    if (n >= NAMES) name_it(n - NAMES, false);
    keep_pace(&p);
  }
}

/* ---- All of it ---------------------------------------------------------- */

static pid_t start(void (*run)(double rate), double rate) {
  pid_t parent = getpid(), pid = fork();
  if (pid < 0) fail("fork");
  if (pid > 0) return pid;
  close(STDIN_FILENO);
  setpgid(0, 0);  // and whoever it forks
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(2);
  run(rate);
  _exit(2);
}

/* False: one of them had ended by itself. */
static bool stop(const pid_t *workers, int n) {
  bool whole = true;
  for (int i = 0; i < n; i++) {
    int status;
    if (waitpid(workers[i], &status, WNOHANG) != 0) whole = false;
    kill(-workers[i], SIGKILL);
    kill(workers[i], SIGKILL);
  }
  while (wait(NULL) > 0) continue;
  return whole;
}

static double rate_of(const char *text) {
  char *end;
  double rate = strtod(text, &end);
  if (end != text && *end == '\0' && rate > 0 && rate < 1e6) return rate;
  fprintf(stderr, "churn: \"%s\": a rate above 0 is wanted\n", text);
  exit(2);
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fputs("usage: churn CONNECTS FORKS NAMESPACES\n", stderr);
    return 2;
  }
  double connects = rate_of(argv[1]), forks = rate_of(argv[2]),
         namespaces = rate_of(argv[3]);
  done = mmap(NULL, sizeof *done, PROT_READ | PROT_WRITE,
              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (done == MAP_FAILED) fail("mmap");
  pid_t workers[MOST_WORKERS];
  int n = 0;
  while (n < CONNECTORS) {
    workers[n++] = start(connect_for_ever, connects / CONNECTORS);
  }
  workers[n++] = start(fork_for_ever, forks);
  workers[n++] = start(settle_for_ever, namespaces);
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) continue;
  bool whole = stop(workers, n);
  printf("{\"connects\":%llu,\"forks\":%llu,\"namespaces\":%llu}\n",
         atomic_load(&done->connects), atomic_load(&done->forks),
         atomic_load(&done->namespaces));
  return whole ? 0 : 2;
}
