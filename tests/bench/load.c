/* load.c: a machine full of sockets, to measure with.
 *
 *   load PROCESSES CONNECTIONS DESCRIPTORS
 *
 * Makes a network namespace of its own and in it so many processes, each with a
 * listener on 127.x.y.1:5000, so many connections to it, both ends open, and so
 * many further descriptors of /dev/null. Prints `ready` when all of them stand.
 * Ends, and they with it, when its standard input does; if it is killed they
 * end too. Needs root; what cannot be had is said in one line, exit status 2.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
  PORT = 5000,
  MOST_PROCESSES = 30000,   // each has a number of its own in 127.x.y.1
  OTHERS = 16,              // descriptors that a process has besides
  MOST_CONNECTIONS = 28000  // ports that a kernel has for one peer
};

typedef struct shape {
  unsigned processes, connections, descriptors;
} shape;

/* What a process says when it stands, or why it does not. */
typedef struct report {
  int error;        /* errno, or 0 */
  const char *what; /* shared text: we only ever fork */
} report;

static _Noreturn void fail(const char *what, int error) {
  fprintf(stderr, "load: %s: %s\n", what, strerror(error));
  exit(2);
}

/* ---- One process -------------------------------------------------------- */

static report trouble(const char *what) {
  return (report){errno, what};
}

/* 127.0.1.1 for the first. */
static struct sockaddr_in address_of(unsigned number) {
  uint32_t host = INADDR_LOOPBACK + ((number + 1) << 8);
  return (struct sockaddr_in){.sin_family = AF_INET,
                              .sin_port = htons(PORT),
                              .sin_addr.s_addr = htonl(host)};
}

static report connect_all(int listener, const struct sockaddr_in *a,
                          unsigned connections) {
  for (unsigned i = 0; i < connections; i++) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) return trouble("socket");
    if (connect(fd, (const void *)a, sizeof *a) != 0) return trouble("connect");
    if (accept(listener, NULL, NULL) < 0) return trouble("accept");
  }
  return (report){0};
}

static report open_all(const shape *s, unsigned number) {
  struct sockaddr_in a = address_of(number);
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (listener < 0) return trouble("socket");
  if (bind(listener, (void *)&a, sizeof a) != 0) return trouble("bind");
  if (listen(listener, 16) != 0) return trouble("listen");
  report r = connect_all(listener, &a, s->connections);
  // each a file of its own: the kernel counts files, and we go by that
  for (unsigned i = 0; r.error == 0 && i < s->descriptors; i++) {
    if (open("/dev/null", O_RDONLY) < 0) return trouble("/dev/null");
  }
  return r;
}

/* Opens everything, says so, and stays until nobody holds the other end of
 * `life`. */
static _Noreturn void be(const shape *s, unsigned number, int life, int said) {
  report r = open_all(s, number);
  char byte;
  if (write(said, &r, sizeof r) != sizeof r || r.error != 0) _exit(2);
  close(said);
  while (read(life, &byte, 1) < 0 && errno == EINTR) continue;
  _exit(0);
}

/* ---- All of them -------------------------------------------------------- */

static void raise_lo(void) {
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) != 0) fail("lo", errno);
  close(fd);
}

/* Exits unless this machine allows so many descriptors in a process. */
static void raise_limit(const shape *s) {
  struct rlimit limit;
  rlim_t need = (rlim_t)2 * s->connections + s->descriptors + OTHERS;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) fail("getrlimit", errno);
  if (need > limit.rlim_max) {
    fprintf(stderr,
            "load: %u connections and %u descriptors need %llu in a process, "
            "the hard limit is %llu (ulimit -Hn): take fewer, in more "
            "processes\n",
            s->connections, s->descriptors, (unsigned long long)need,
            (unsigned long long)limit.rlim_max);
    exit(2);
  }
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) fail("setrlimit", errno);
}

/* Forks them; `life` is the pipe whose end ends them. Returns where they say
 * that they stand. */
static int fork_all(const shape *s, const int life[2]) {
  int said[2];
  if (pipe(said) != 0) fail("pipe", errno);
  for (unsigned i = 0; i < s->processes; i++) {
    pid_t pid = fork();
    if (pid < 0) fail("fork", errno);
    if (pid > 0) continue;
    close(life[1]);
    close(said[0]);
    be(s, i, life[0], said[1]);
  }
  close(said[1]);
  return said[0];
}

static void wait_for_all(const shape *s, int said) {
  report r;
  for (unsigned i = 0; i < s->processes; i++) {
    ssize_t n;
    do {
      n = read(said, &r, sizeof r);  // less than PIPE_BUF: whole, or not at all
    } while (n < 0 && errno == EINTR);
    if (n != sizeof r) fail("a process", ECHILD);
    if (r.error != 0) fail(r.what, r.error);
  }
  close(said);
}

static unsigned number_in(const char *text, unsigned least, unsigned most) {
  char *end;
  errno = 0;
  unsigned long n = strtoul(text, &end, 10);
  if (errno == 0 && *end == '\0' && end != text && *text != '-' && n >= least &&
      n <= most) {
    return (unsigned)n;
  }
  fprintf(stderr, "load: \"%s\": a number from %u to %u is wanted\n", text,
          least, most);
  exit(2);
}

int main(int argc, char **argv) {
  if (argc != 4) {
    fputs("usage: load PROCESSES CONNECTIONS DESCRIPTORS\n", stderr);
    return 2;
  }
  shape s = {number_in(argv[1], 1, MOST_PROCESSES),
             number_in(argv[2], 0, MOST_CONNECTIONS),
             number_in(argv[3], 0, 1000000)};
  int life[2];
  char byte[64];
  syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, 0);  // what callers left
  raise_limit(&s);
  if (unshare(CLONE_NEWNET) != 0) fail("a network namespace", errno);
  raise_lo();
  if (pipe(life) != 0) fail("pipe", errno);
  wait_for_all(&s, fork_all(&s, life));
  close(life[0]);
  puts("ready");
  fflush(stdout);
  ssize_t n;
  do {
    n = read(STDIN_FILENO, byte, sizeof byte);
  } while (n > 0 || (n < 0 && errno == EINTR));
  close(life[1]);
  while (wait(NULL) > 0) continue;  // so that nothing is left when we are gone
  return 0;
}
