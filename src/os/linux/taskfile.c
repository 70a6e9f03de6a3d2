/* taskfile.c: a stream of records, out of the pinned probe or of a program that
 * is loaded for it. */
#include "taskfile.h"
#include "bpf/loader.h"
#include "pin.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* The kernel gives half of it at a time; the rest is room for a record that a
 * read cut in two. */
enum { BUFFER = 64 * 1024 };

struct pi__taskfile {
  int fd;
  size_t used; /* bytes read and not yet walked */
  char buffer[BUFFER];
};

unsigned pi__taskfile_ways(const char *folder) {
  unsigned ways = 0;
  if (pi__pin_readable(folder)) ways |= PI__TASKFILE_PINNED;
  if (pi__bpf_built_in() && pi__bpf_permitted(NULL) == 0) {
    ways |= PI__TASKFILE_LOADED;
  }
  return ways;
}

/* ---- Reading ------------------------------------------------------------ */

/* Reads more; *ended: there is none. */
static int fill(pi__taskfile *t, const pi__reading *reading, bool *ended,
                pi_error *err) {
  for (;;) {
    if (reading != NULL && pi__interrupted(reading)) {
      return pi__fail(err, PI_ECANCELED, 0, "interrupted");
    }
    ssize_t n = read(t->fd, t->buffer + t->used, sizeof t->buffer - t->used);
    *ended = n == 0;
    if (n > 0) t->used += (size_t)n;
    if (n >= 0) return 0;
    // EAGAIN: a million descriptors without a socket; it goes on behind them
    if (errno != EINTR && errno != EAGAIN) {
      return pi__fail(err, PI_EOS, errno, "BPF iterator: %s", strerror(errno));
    }
  }
}

static int walk(pi__taskfile *t, pi__record_visit visit, void *arg,
                pi_error *err) {
  size_t used;
  int rc = pi__record_walk(t->buffer, t->used, &used, visit, arg, err);
  t->used -= used;
  memmove(t->buffer, t->buffer + used, t->used);
  return rc;
}

int pi__taskfile_read(pi__taskfile *t, const pi__reading *reading,
                      pi__record_visit visit, void *arg, pi_error *err) {
  bool ended = false;
  int rc = walk(t, visit, arg, err);  // what opening it read
  while (rc == 0 && !ended) {
    rc = fill(t, reading, &ended, err);
    if (rc == 0) rc = walk(t, visit, arg, err);
  }
  if (rc != 0 || t->used == 0) return rc;
  return pi__fail(err, PI_EREPLY, 0, "BPF iterator: it ends within a record");
}

/* ---- Opening ------------------------------------------------------------ */

/* Reads the first records of a probe: are they of our version? */
static int check_version(pi__taskfile *t, pi_error *err) {
  bool ended;
  pi__record r;
  int rc = fill(t, NULL, &ended, err);
  if (rc != 0 || t->used < sizeof r) return rc;
  memcpy(&r, t->buffer, sizeof r);
  if (r.version == PI__RECORD_VERSION && r.size == sizeof r) return 0;
  return pi__fail(err, PI_EUNSUPPORTED, 0,
                  "the pinned probe is of version %u, where %u is read: it has "
                  "to be installed again",
                  r.version, PI__RECORD_VERSION);
}

static int open_pinned(pi__taskfile *t, const char *folder, pi_error *err) {
  int rc = pi__pin_open(folder, &t->fd, err);
  if (rc != 0) return rc;
  rc = check_version(t, err);
  if (rc == 0) return 0;
  close(t->fd);
  t->used = 0;
  return rc;
}

/* Says why neither way served; a probe that is not there is no reason. */
static int refuse(unsigned ways, const pi_error *probe, const pi_error *load,
                  pi_error *err) {
  if (!(ways & PI__TASKFILE_LOADED)) {
    return pi__fail(err, probe->code, probe->os, "%s", probe->text);
  }
  if (!(ways & PI__TASKFILE_PINNED) || probe->os == ENOENT ||
      load->code == PI_ENOMEM) {
    return pi__fail(err, load->code, load->os, "%s", load->text);
  }
  return pi__fail(err, load->code, load->os, "%.120s; %.120s", probe->text,
                  load->text);
}

static int open_stream(pi__taskfile *t, const char *folder, unsigned ways,
                       bool *pinned, pi_error *err) {
  pi_error probe = {0}, load = {0};
  *pinned = true;
  if (ways & PI__TASKFILE_PINNED && open_pinned(t, folder, &probe) == 0) {
    return 0;
  }
  *pinned = false;
  if (ways & PI__TASKFILE_LOADED && pi__bpf_open(&t->fd, &load) == 0) return 0;
  return refuse(ways, &probe, &load, err);
}

int pi__taskfile_open(const char *folder, unsigned ways, pi__taskfile **ret,
                      bool *pinned, pi_error *err) {
  pi__taskfile *t = pi__realloc(NULL, sizeof *t);
  if (t == NULL) return pi__nomem(err);
  t->used = 0;
  int rc = open_stream(t, folder, ways, pinned, err);
  if (rc != 0) {
    pi__realloc(t, 0);
    return rc;
  }
  *ret = t;
  return 0;
}

void pi__taskfile_close(pi__taskfile *t) {
  if (t == NULL) return;
  close(t->fd);
  pi__realloc(t, 0);
}

int pi__taskfile_tell(const pi__reading *reading, pi__record_visit visit,
                      void *arg, bool *pinned, pi_error *err) {
  pi__taskfile *t;
  int rc = pi__taskfile_open(PI_PIN_FOLDER,
                             PI__TASKFILE_PINNED | PI__TASKFILE_LOADED, &t,
                             pinned, err);
  if (rc != 0) return rc;
  rc = pi__taskfile_read(t, reading, visit, arg, err);
  pi__taskfile_close(t);
  return rc;
}
