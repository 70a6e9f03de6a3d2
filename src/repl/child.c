/* child.c: Lua code in a process of its own, which has what we have, can be
 * bounded and killed, and tells us what it found in messages. */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lauxlib.h>

#define CHILD "portinfo.child"

enum { LONGEST_MESSAGE = 512 << 20 };

typedef struct child {
  pid_t pid; /* 0: reaped */
  int fd;    /* its messages; -1: closed */
} child;

/* ---- In the child -------------------------------------------------------- */

/* 0, or an errno. */
static int write_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t n = write(fd, bytes, length);
    if (n < 0 && errno != EINTR) return errno;
    if (n < 0) continue;
    bytes += n;
    length -= (size_t)n;
  }
  return 0;
}

/* send(text): a length of four bytes, and the text. */
static int l_send(lua_State *L) {
  size_t length;
  const char *text = luaL_checklstring(L, 1, &length);
  luaL_argcheck(L, length <= LONGEST_MESSAGE, 1, "a message too long");
  int fd = (int)lua_tointeger(L, lua_upvalueindex(1));
  uint32_t header = (uint32_t)length;
  int rc = write_all(fd, (const char *)&header, sizeof header);
  if (rc == 0) rc = write_all(fd, text, length);
  return rc == 0 ? 0 : luaL_error(L, "send: %s", strerror(rc));
}

/* Runs the function on top and never returns. What it prints must not get into
 * what the parent prints. */
static void run_child(lua_State *L, int fd) {
  dup2(2, 1);
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // nobody would wait for us
#endif
  lua_pushinteger(L, fd);
  lua_pushcclosure(L, l_send, 1);
  bool ok = lua_pcall(L, 1, 0, 0) == LUA_OK;  // who waits tells of it
  fflush(stdout);
  _exit(ok ? 0 : 1);
}

/* The bytes of address space in use, 0 where the system does not tell. */
static rlim_t address_space(void) {
  FILE *file = fopen("/proc/self/statm", "r");
  unsigned long pages = 0;
  if (file == NULL) return 0;
  if (fscanf(file, "%lu", &pages) != 1) pages = 0;
  fclose(file);
  return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* The time used, in whole seconds, those begun included. */
static rlim_t time_spent(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec + 1);
}

/* The limit at `most`, or at what cannot be raised. */
static struct rlimit cap(struct rlimit limit, rlim_t most) {
  bool fits = limit.rlim_max == RLIM_INFINITY || most < limit.rlim_max;
  limit.rlim_cur = fits ? most : limit.rlim_max;
  return limit;
}

/* What cannot be bounded is not run. */
static void refuse_limit(lua_State *L, const char *name) {
  lua_pushfstring(L, "rules cannot be bounded: %s: %s", name, strerror(errno));
  lua_error(L);
}

static void bound_time(lua_State *L, rlim_t most) {
  struct rlimit limit = {0};
  int rc = getrlimit(RLIMIT_CPU, &limit);
  limit = cap(limit, most);
  if (rc == 0) rc = setrlimit(RLIMIT_CPU, &limit);
  if (rc != 0) refuse_limit(L, "RLIMIT_CPU");
}

static void bound_memory(lua_State *L, rlim_t most) {
  struct rlimit limit = {0};
  int rc = getrlimit(RLIMIT_AS, &limit);
  limit = cap(limit, most);
  if (rc == 0) rc = setrlimit(RLIMIT_AS, &limit);
  if (rc != 0) refuse_limit(L, "RLIMIT_AS");
}

/* limit([seconds[, bytes]]): this process may use so much processor time from
 * now on, and so much memory beyond what it has; when the time is over it is
 * killed, whatever it does. Without seconds neither is bounded; without bytes
 * memory stays as it is. */
static int l_limit(lua_State *L) {
  lua_Integer seconds = luaL_optinteger(L, 1, 0);
  lua_Integer bytes = luaL_optinteger(L, 2, 0);
  luaL_argcheck(L, seconds >= 0 && seconds <= 86400, 1, "not 0 to 86400");
  luaL_argcheck(L, bytes >= 0, 2, "below 0");
  struct rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  if (seconds == 0) {
    bound_time(L, RLIM_INFINITY);
    bound_memory(L, RLIM_INFINITY);
    return 0;
  }
  bound_time(L, time_spent() + (rlim_t)seconds);
  rlim_t has = bytes > 0 ? address_space() : 0;
  if (has > 0) bound_memory(L, has + (rlim_t)bytes);
  return 0;
}

/* ---- In the parent ------------------------------------------------------- */

/* Waits for the end of a child that closed its pipe or was killed: its status,
 * or -1 where nobody knows it. */
static int reap(child *c) {
  int status = 0;
  pid_t pid;
  do {
    pid = waitpid(c->pid, &status, 0);
  } while (pid < 0 && errno == EINTR);
  c->pid = 0;
  return pid < 0 ? -1 : status;
}

static int child_close(lua_State *L) {
  child *c = luaL_checkudata(L, 1, CHILD);
  if (c->fd >= 0) close(c->fd);
  c->fd = -1;
  if (c->pid > 0) {
    kill(c->pid, SIGKILL);
    reap(c);
  }
  return 0;
}

/* fork(f) -> child, in which f(send) runs; or nil, message, errno. */
static int l_fork(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  child *c = lua_newuserdatauv(L, sizeof *c, 0);
  c->pid = 0;
  c->fd = -1;
  luaL_setmetatable(L, CHILD);
  int ends[2];
  if (pipe(ends) != 0) return luaL_fileresult(L, 0, "pipe");
  fcntl(ends[0], F_SETFD, FD_CLOEXEC);  // not for programs that are started
  fcntl(ends[1], F_SETFD, FD_CLOEXEC);
  signal(SIGCHLD, SIG_DFL);  // who started us may not care, but we do
  fflush(stdout);            // or what is in its buffer is written twice
  fflush(stderr);
  pid_t pid = fork();
  if (pid < 0) {
    int why = errno;
    close(ends[0]);
    close(ends[1]);
    errno = why;
    return luaL_fileresult(L, 0, "fork");
  }
  if (pid == 0) {
    close(ends[0]);
    lua_pushvalue(L, 1);
    run_child(L, ends[1]);
  }
  close(ends[1]);
  c->pid = pid;
  c->fd = ends[0];
  return 1;
}

/* Is there something to read? 1, 0 when the time is over, or -1 when we are
 * interrupted. */
static int await(int fd, int64_t end) {
  for (;;) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    if (terminal_interrupted()) return -1;
    int64_t left = end - terminal_now_ms();
    int n = poll(&p, 1, left > 0 ? (int)left : 0);
    if (n > 0) return 1;
    if (n == 0) return 0;
  }
}

typedef enum arrival { ARRIVED, ENDED, LATE, INTERRUPTED } arrival;

/* So many bytes, or none any more. */
static arrival read_all(int fd, void *to, size_t length, int64_t end) {
  for (size_t got = 0; got < length;) {
    int ready = await(fd, end);
    if (ready <= 0) return ready == 0 ? LATE : INTERRUPTED;
    ssize_t n = read(fd, (char *)to + got, length - got);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return ENDED;
    got += (size_t)n;
  }
  return ARRIVED;
}

/* [-0, +n, m] What is known of a message that did not arrive. */
static int push_absence(lua_State *L, child *c, arrival how) {
  if (how != ENDED) {
    lua_pushboolean(L, 0);
    lua_pushstring(L, how == LATE ? "late" : "interrupted");
    return 2;
  }
  int status = c->pid > 0 ? reap(c) : -1;
  luaL_pushfail(L);
  if (status != -1 && WIFSIGNALED(status)) {
    int number = WTERMSIG(status);
    lua_pushstring(L, number == SIGXCPU ? "time" : "signal");
    lua_pushstring(L, strsignal(number));
    return 3;
  }
  lua_pushstring(L, status == 0 ? "end" : "exit");
  return 2;
}

/* child:receive(seconds) -> the next message; false and "late" or
 * "interrupted"; nil when no more will come, and how it ended: "end" as it
 * should, "exit", "time" (it used up its processor time), or "signal" and
 * which. */
static int child_receive(lua_State *L) {
  child *c = luaL_checkudata(L, 1, CHILD);
  lua_Number seconds = luaL_checknumber(L, 2);
  luaL_argcheck(L, seconds >= 0 && seconds <= 86400, 2, "not 0 to 86400");
  luaL_argcheck(L, c->fd >= 0, 1, "this child is closed");
  int64_t end = terminal_now_ms() + (int64_t)(seconds * 1000);
  uint32_t length = 0;
  arrival how = read_all(c->fd, &length, sizeof length, end);
  if (how == ARRIVED && length > LONGEST_MESSAGE) how = ENDED;
  if (how != ARRIVED) return push_absence(L, c, how);
  void *text = lua_newuserdatauv(L, length + 1, 0);
  how = read_all(c->fd, text, length, end);
  if (how != ARRIVED) return push_absence(L, c, how);
  lua_pushlstring(L, text, length);
  return 1;
}

void terminal_add_child(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"receive", child_receive}, {"close", child_close}, {"__gc", child_close},
      {"__close", child_close},   {NULL, NULL},
  };
  static const luaL_Reg functions[] = {
      {"fork", l_fork},
      {"limit", l_limit},
      {NULL, NULL},
  };
  luaL_newmetatable(L, CHILD);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index"); /* meta.__index = meta */
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
