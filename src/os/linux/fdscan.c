/* fdscan.c: /proc/PID/fd/N is a link to "socket:[INODE]" for a socket.
 *
 * A scan is a list of pids that workers take numbers from; each keeps what it
 * finds to itself, and the results are put together at the end. Everything
 * about a process is read below the handle of its fd directory: when the pid is
 * used again the handle still means the old process, and reading gives an
 * error, so a socket is never given to a newcomer.
 */
#include "fdscan.h"
#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/kcmp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
  MOST_WORKERS = 8,
  PIDS_PER_WORKER =
      32, /* fewer, and starting a thread costs more than it saves */
  LISTING = 32 * 1024, /* bytes of directory read at once */
};

typedef struct found {
  uint64_t inode;
  uint32_t process; /* index in the worker's `processes` */
  int fd;
} found;

typedef struct finder {
  uint32_t pid, uid;
  pi__stat stat;
} finder;

typedef struct scan {
  const char *proc;
  const pi__reading *reading;
  bool threads_too;
  uint32_t *pids;
  size_t pid_count, pid_capacity;
  atomic_size_t next;
  atomic_bool stop;
} scan;

typedef struct worker {
  scan *scan;
  pthread_t thread;
  bool started;
  char *listing;
  found *founds;
  size_t found_count, found_capacity;
  finder *finders;
  size_t finder_count, finder_capacity;
  size_t unreadable, vanished;
  pi_error err; /* code 0: none */
} worker;

/* ---- What keeps us from looking ------------------------------------------ */

/* Whoever ended meanwhile took its sockets along. */
static bool has_ended(int os) {
  return os == ENOENT || os == ESRCH;
}

/* It is we who lack something, and the process has nothing to do with it: then
 * nothing can be said of whoever was not looked at. */
static bool is_want(worker *w, int os) {
  if (os != EMFILE && os != ENFILE && os != ENOMEM) return false;
  pi__fail(&w->err, PI_EOS, os, "looking at processes: %s", strerror(os));
  return true;
}

/* ---- Listing directories of numbers ------------------------------------- */

/* Pids and descriptors are both below 2^31. */
static bool parse_number(const char *name, uint32_t *ret) {
  uint32_t n = 0;
  if (*name == '\0') return false;
  for (; *name != '\0'; name++) {
    if (*name < '0' || *name > '9' || n > INT_MAX / 10) return false;
    n = n * 10 + (uint32_t)(*name - '0');
  }
  if (n > INT_MAX) return false;
  *ret = n;
  return true;
}

/* Calls `each` for every entry that is a number, until it returns non-zero.
 * PI_EOS, with errno: the directory cannot be read. */
static int list_numbers(int dir, char *buffer,
                        int (*each)(void *arg, uint32_t n), void *arg) {
  for (;;) {
    long got = syscall(SYS_getdents64, dir, buffer, LISTING);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return PI_EOS;
    if (got == 0) return 0;
    for (long at = 0; at < got;) {
      const struct dirent64 *entry = (const void *)(buffer + at);
      uint32_t n;
      at += entry->d_reclen;
      if (!parse_number(entry->d_name, &n)) continue;
      int rc = each(arg, n);
      if (rc != 0) return rc;
    }
  }
}

typedef struct pid_list {
  scan *scan;
  pi_error *err;
} pid_list;

static int add_pid(void *arg, uint32_t pid) {
  pid_list *list = arg;
  scan *s = list->scan;
  int rc = pi__reserve(&s->pids, &s->pid_capacity, s->pid_count + 1,
                       sizeof *s->pids, list->err);
  if (rc == 0) s->pids[s->pid_count++] = pid;
  return rc;
}

static int list_pids(scan *s, pi_error *err) {
  int dir = open(s->proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0) {
    return pi__fail(err, PI_EOS, errno, "%s: %s", s->proc, strerror(errno));
  }
  char *buffer = pi__realloc(NULL, LISTING);
  pid_list list = {s, err};
  int rc = buffer == NULL ? pi__nomem(err)
                          : list_numbers(dir, buffer, add_pid, &list);
  if (rc == PI_EOS) {
    pi__fail(err, PI_EOS, errno, "%s: %s", s->proc, strerror(errno));
  }
  pi__realloc(buffer, 0);
  close(dir);
  return rc;
}

/* ---- One table of descriptors ------------------------------------------- */

typedef struct table {
  worker *worker;
  uint32_t pid;
  int dir;
  const char *up; /* from `dir` to the folder of the process */
  bool known;     /* the process is the last of worker->finders */
  bool denied, gone;
} table;

/* The inode in "socket:[123]", which has 32 bits (net/socket.c, sock_alloc); 0
 * if the text is something else. */
static uint64_t parse_link(const char *text, ssize_t length) {
  static const char prefix[] = "socket:[";
  const ssize_t start = sizeof prefix - 1;
  if (length < start + 2 || memcmp(text, prefix, (size_t)start) != 0) return 0;
  uint64_t n = 0;
  for (ssize_t i = start; i < length - 1; i++) {
    if (text[i] < '0' || text[i] > '9' || n > UINT32_MAX) return 0;
    n = n * 10 + (uint64_t)(text[i] - '0');
  }
  return text[length - 1] == ']' ? n : 0;
}

/* Notes who has this table, at the first socket that matters. */
static int identify(table *t) {
  worker *w = t->worker;
  char path[32];
  struct stat st;
  finder f = {.pid = t->pid};
  snprintf(path, sizeof path, "%s/stat", t->up);
  errno = 0;
  bool has_uid = pi__process_uid(t->dir, t->up, &f.uid);
  if (!has_uid && is_want(w, errno)) return -1;
  if (fstat(t->dir, &st) != 0 || !pi__stat_read(t->dir, path, &f.stat)) {
    t->gone = !is_want(w, errno);
    return -1;
  }
  if (!has_uid) f.uid = st.st_uid;
  int rc = pi__reserve(&w->finders, &w->finder_capacity, w->finder_count + 1,
                       sizeof *w->finders, &w->err);
  if (rc != 0) return rc;
  w->finders[w->finder_count++] = f;
  t->known = true;
  return 0;
}

static int look_at_fd(void *arg, uint32_t fd) {
  table *t = arg;
  worker *w = t->worker;
  char name[16], text[64];
  snprintf(name, sizeof name, "%u", (unsigned)fd);
  ssize_t n = readlinkat(t->dir, name, text, sizeof text);
  if (n < 0) {
    // one that was closed meanwhile is no loss, nor is what is no link, but
    // one that is kept from us is
    if (is_want(w, errno)) return -1;
    if (!has_ended(errno) && errno != EINVAL) t->denied = true;
    return 0;
  }
  uint64_t inode = parse_link(text, n);
  if (inode == 0) return 0;
  scan *s = w->scan;
  if (!pi__reading_wants(s->reading, inode, s->threads_too)) return 0;
  if (!t->known && identify(t) != 0) return -1;
  int rc = pi__reserve(&w->founds, &w->found_capacity, w->found_count + 1,
                       sizeof *w->founds, &w->err);
  if (rc != 0) return rc;
  uint32_t process = (uint32_t)w->finder_count - 1;
  w->founds[w->found_count++] = (found){inode, process, (int)fd};
  return 0;
}

/* Counts a process whose table stays closed to us; kernel threads have none
 * that matters. */
static void count_unreadable(worker *w, uint32_t pid) {
  char path[4096];
  pi__stat stat;
  snprintf(path, sizeof path, "%s/%u/stat", w->scan->proc, (unsigned)pid);
  if (pi__stat_read(AT_FDCWD, path, &stat) &&
      pi__stat_is_kernel_thread(&stat)) {
    return;
  }
  w->unreadable++;
}

typedef enum sight { SEEN, GONE, DENIED } sight;

static sight look_at_table(worker *w, uint32_t pid, const char *path,
                           const char *up) {
  int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0) return !is_want(w, errno) && has_ended(errno) ? GONE : DENIED;
  table t = {.worker = w, .pid = pid, .dir = dir, .up = up};
  int rc = list_numbers(dir, w->listing, look_at_fd, &t);
  if (rc == PI_EOS && w->err.code == 0 && !is_want(w, errno)) {
    if (has_ended(errno))
      t.gone = true;
    else
      t.denied = true;
  }
  close(dir);
  return t.denied ? DENIED : t.gone ? GONE : SEEN;
}

/* ---- Processes and their threads ---------------------------------------- */

typedef struct tasks {
  worker *worker;
  uint32_t pid;
  bool denied;
} tasks;

/* Do two tasks share their table? Where we may not ask, or where procfs may
 * number them otherwise than our own kernel calls do, they count as apart. */
static bool shares_table(const scan *s, uint32_t a, uint32_t b) {
  if (strcmp(s->proc, "/proc") != 0) return false;
  return syscall(SYS_kcmp, a, b, KCMP_FILES, 0, 0) == 0;
}

static int look_at_task(void *arg, uint32_t tid) {
  tasks *t = arg;
  char path[4096];
  if (tid == t->pid || shares_table(t->worker->scan, t->pid, tid)) return 0;
  snprintf(path, sizeof path, "%s/%u/task/%u/fd", t->worker->scan->proc,
           (unsigned)t->pid, (unsigned)tid);
  char *listing = t->worker->listing;
  t->worker->listing = listing + LISTING;  // ours is still being walked
  sight got = look_at_table(t->worker, t->pid, path, "../../..");
  if (got == DENIED) t->denied = true;
  t->worker->listing = listing;
  return t->worker->err.code;
}

/* Looks at the tables of threads; false if one was kept from us. */
static bool look_at_tasks(worker *w, uint32_t pid) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%u/task", w->scan->proc, (unsigned)pid);
  int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0) return !is_want(w, errno) && has_ended(errno);
  tasks t = {.worker = w, .pid = pid};
  int rc = list_numbers(dir, w->listing, look_at_task, &t);
  if (rc == PI_EOS && w->err.code == 0 && !is_want(w, errno)) {
    t.denied = t.denied || !has_ended(errno);
  }
  close(dir);
  return !t.denied;
}

static void look_at_process(worker *w, uint32_t pid) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%u/fd", w->scan->proc, (unsigned)pid);
  sight got = look_at_table(w, pid, path, "..");
  bool tasks_too = w->scan->threads_too && w->err.code == 0;
  if (tasks_too && !look_at_tasks(w, pid)) got = DENIED;
  if (got == GONE) w->vanished++;
  if (got == DENIED) count_unreadable(w, pid);
}

static void *work(void *arg) {
  worker *w = arg;
  scan *s = w->scan;
  w->listing = pi__realloc(NULL, 2 * LISTING);
  if (w->listing == NULL) pi__nomem(&w->err);
  while (w->err.code == 0 && !atomic_load(&s->stop)) {
    size_t i = atomic_fetch_add(&s->next, 1);
    if (i >= s->pid_count) break;
    if (pi__interrupted(s->reading)) {
      pi__fail(&w->err, PI_ECANCELED, 0, "interrupted");
      break;
    }
    look_at_process(w, s->pids[i]);
  }
  if (w->err.code != 0) atomic_store(&s->stop, true);
  pi__realloc(w->listing, 0);
  return NULL;
}

/* ---- The scan ----------------------------------------------------------- */

static size_t worker_count(size_t pids) {
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  size_t n = cores < 1 ? 1 : (size_t)cores;
  if (n > MOST_WORKERS) n = MOST_WORKERS;
  if (n > pids / PIDS_PER_WORKER + 1) n = pids / PIDS_PER_WORKER + 1;
  return n;
}

/* Runs the workers, the first one in this thread: where no thread can be made
 * that one does all. */
static void run(worker *workers, size_t n) {
  for (size_t i = 1; i < n; i++) {
    workers[i].started =
        pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0;
  }
  work(&workers[0]);
  for (size_t i = 1; i < n; i++) {
    if (workers[i].started) pthread_join(workers[i].thread, NULL);
  }
}

static int deliver(const worker *w, pi__reading *reading, pi_error *err) {
  uint32_t *numbers =
      pi__realloc(NULL, (w->finder_count + 1) * sizeof *numbers);
  if (numbers == NULL) return pi__nomem(err);
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < w->finder_count; i++) {
    const finder *f = &w->finders[i];
    rc = pi__reading_process(reading, f->pid, f->uid, f->stat.start,
                             f->stat.comm, f->stat.comm_length, &numbers[i],
                             err);
  }
  for (size_t i = 0; rc == 0 && i < w->found_count; i++) {
    const found *f = &w->founds[i];
    rc = pi__reading_holder(reading, f->inode, numbers[f->process], f->fd, err);
  }
  pi__realloc(numbers, 0);
  return rc;
}

static int gather(worker *workers, size_t n, pi__reading *reading,
                  pi_error *err) {
  pi_quality *q = pi__reading_quality(reading);
  size_t unreadable = 0, vanished = 0;
  for (size_t i = 0; i < n; i++) {
    worker *w = &workers[i];
    if (w->err.code != 0) {
      *err = w->err;
      return w->err.code;
    }
    unreadable += w->unreadable;
    vanished += w->vanished;
  }
  for (size_t i = 0; i < n; i++) {
    int rc = deliver(&workers[i], reading, err);
    if (rc != 0) return rc;
  }
  // of two looks the one that saw less tells how much is in doubt
  if (q->unreadable < unreadable) q->unreadable = unreadable;
  if (q->vanished < vanished) q->vanished = vanished;
  return 0;
}

int pi__fdscan(const char *proc, pi__reading *reading, bool threads_too,
               pi_error *err) {
  scan s = {.proc = proc, .reading = reading, .threads_too = threads_too};
  worker workers[MOST_WORKERS];
  memset(workers, 0, sizeof workers);
  int rc = list_pids(&s, err);
  if (rc == 0) {
    size_t n = worker_count(s.pid_count);
    for (size_t i = 0; i < n; i++) workers[i].scan = &s;
    run(workers, n);
    rc = gather(workers, n, reading, err);
    pi__reading_quality(reading)->processes = s.pid_count;
  }
  for (size_t i = 0; i < MOST_WORKERS; i++) {
    pi__realloc(workers[i].founds, 0);
    pi__realloc(workers[i].finders, 0);
  }
  pi__realloc(s.pids, 0);
  return rc;
}
