/* holders.c: two ways lead from sockets to who holds them: the descriptors of
 * all processes, as links in procfs (fdscan.c), and the BPF iterator over the
 * same (taskfile.c), which sees what procfs hides, too. The pinned one costs
 * nothing to begin; one that must be loaded first pays from some descriptors
 * on. */
#include "holders.h"
#include "fdscan.h"
#include "bpf/loader.h"
#include "file.h"
#include "host.h"
#include "source.h"
#include "taskfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* To look at so many descriptors takes some four times as long as to load the
 * iterator; what is loaded into a kernel is met by others, too, and by their
 * logs, so that less is not worth it. A process takes as long as some
 * descriptors: its folder is opened and listed, and whoever holds a socket is
 * looked up. `make bench SWEEP=1` measures it. */
enum { WORTH_LOADING = 10000, PROCESS = 10 };

/* ---- Which way ----------------------------------------------------------- */

/* Open files of the whole system (sysctl fs.file-nr, proc_sys_fs(5)): many
 * descriptors may share one, and few do. */
static uint64_t open_files(const char *proc) {
  char path[4096], text[128];
  snprintf(path, sizeof path, "%s/sys/fs/file-nr", proc);
  if (pi__file_read(AT_FDCWD, path, text, sizeof text) < 0) return 0;
  return strtoull(text, NULL, 10);
}

/* Of the whole system: procfs counts them as links of its root. */
static uint64_t process_count(const char *proc) {
  struct stat root;
  return stat(proc, &root) == 0 ? root.st_nlink : 0;
}

/* The iterator tells of this kernel and of our pid namespace, whatever procfs
 * we were given. */
static unsigned ways_of(const pi__want *want) {
  bool real = strcmp(want->proc, "/proc") == 0 && pi__host_numbers(want->proc);
  return real ? pi__taskfile_ways(PI_PIN_FOLDER) : 0;
}

bool pi__holders_see_all(const pi__want *want) {
  return ways_of(want) != 0;
}

static void why_not_load(char text[160]) {
  pi_error err = {.text = "procfs is of another place than the iterator"};
  if (pi__bpf_built_in())
    pi__bpf_permitted(&err);
  else
    pi__bpf_load(NULL, &err);
  snprintf(text, 160, "%.159s", err.text);
}

static void choose(unsigned ways, pi_look *look) {
  look->backend = PI_BACKEND_BPF;
  look->pinned = ways & PI__TASKFILE_PINNED;
  if (look->pinned) {
    snprintf(look->why, sizeof look->why, "the probe is pinned");
    return;
  }
  bool worth = look->files + PROCESS * look->processes >= WORTH_LOADING;
  if (!(ways & PI__TASKFILE_LOADED) || !worth) {
    look->backend = PI_BACKEND_PROC;
  }
  if (!(ways & PI__TASKFILE_LOADED)) {
    why_not_load(look->why);
    return;
  }
  snprintf(look->why, sizeof look->why,
           "%s files and processes are %s loading BPF for",
           worth ? "so many" : "so few", worth ? "worth" : "not worth");
}

void pi__look(const pi__want *want, pi_look *look) {
  memset(look, 0, sizeof *look);
  look->files = open_files(want->proc);
  look->processes = process_count(want->proc);
  unsigned ways = ways_of(want);
  switch (want->backend) {
  case PI_BACKEND_AUTO: choose(ways, look); return;
  case PI_BACKEND_BPF:
    look->backend = PI_BACKEND_BPF;
    look->pinned = ways & PI__TASKFILE_PINNED;
    break;
  default: look->backend = PI_BACKEND_PROC;
  }
  snprintf(look->why, sizeof look->why, "it was asked for");
}

/* ---- By the iterator ----------------------------------------------------- */

typedef struct join {
  pi__reading *reading;
  bool again;
  int64_t offset;
  bool any; /* the latest record was of process `number` */
  uint32_t pid, number;
} join;

/* Adds the process, with where it lives, which procfs tells few of. */
static int add_process(join *j, const pi__record *r, pi_error *err) {
  int rc = pi__reading_process(j->reading, r->pid, r->euid,
                               pi__record_start(r, j->offset), r->comm,
                               pi__record_comm(r), &j->number, err);
  if (rc != 0) return rc;
  pi__process *p = pi__reading_process_at(j->reading, j->number);
  p->netns = r->holder_netns;
  p->netns_sight = r->holder_netns != 0 ? PI_KNOWN : PI_UNKNOWN;
  j->any = true;
  j->pid = r->pid;
  return 0;
}

static int add_holder(void *arg, const pi__record *r, pi_error *err) {
  join *j = arg;
  if (!pi__reading_wants(j->reading, r->inode, j->again)) return 0;
  int rc = 0;
  if (!j->any || j->pid != r->pid) rc = add_process(j, r, err);
  if (rc != 0) return rc;
  return pi__reading_holder(j->reading, r->inode, j->number, (int)r->fd, err);
}

/* Sockets that nobody was seen to hold are looked for once more: one may have
 * gone from a process that was yet to come to one that had been. */
static int look_twice(pi__taskfile *t, join *j, pi_error *err) {
  int rc = pi__taskfile_read(t, j->reading, add_holder, j, err);
  if (rc != 0 || pi__reading_unheld(j->reading) == 0) return rc;
  j->again = true;
  return pi__taskfile_read(t, j->reading, add_holder, j, err);
}

static int read_by_bpf(const pi__want *want, pi__reading *reading,
                       pi_error *err) {
  pi_quality *q = pi__reading_quality(reading);
  join j = {.reading = reading, .offset = pi__boot_offset(want->proc)};
  pi__taskfile *t;
  bool pinned;
  int rc = pi__taskfile_open(PI_PIN_FOLDER,
                             PI__TASKFILE_PINNED | PI__TASKFILE_LOADED, &t,
                             &pinned, err);
  if (rc != 0) return rc;
  rc = look_twice(t, &j, err);
  pi__taskfile_close(t);
  if (rc != 0) return rc;
  q->owners_by = PI_BACKEND_BPF;
  q->pinned = pinned;
  q->processes = pi__reading_processes(reading);
  q->unreadable = q->vanished = 0;
  q->hidden = false;  // procfs alone hides
  return 0;
}

/* ---- By either ----------------------------------------------------------- */

/* The second look also takes in threads with descriptors of their own. */
static int read_by_procfs(const pi__want *want, pi__reading *reading,
                          pi_error *err) {
  int rc = pi__fdscan(want->proc, reading, false, err);
  if (rc == 0) pi__reading_quality(reading)->owners_by = PI_BACKEND_PROC;
  if (rc != 0 || pi__reading_unheld(reading) == 0) return rc;
  return pi__fdscan(want->proc, reading, true, err);
}

int pi__holders_read(const pi__want *want, pi__reading *reading,
                     pi_error *err) {
  pi_quality *q = pi__reading_quality(reading);
  pi_error trouble = {0};
  pi_look look;
  pi__look(want, &look);
  if (look.backend != PI_BACKEND_BPF) {
    return read_by_procfs(want, reading, err);
  }
  int rc = read_by_bpf(want, reading, &trouble);
  if (rc == 0 || pi__is_final(rc) || want->backend == PI_BACKEND_BPF) {
    if (rc != 0) *err = trouble;
    return rc;
  }
  pi__reading_forget_holders(reading);
  snprintf(q->obstacle, sizeof q->obstacle, "%.159s", trouble.text);
  return read_by_procfs(want, reading, err);
}
