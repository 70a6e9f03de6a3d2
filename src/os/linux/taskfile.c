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

/* EAGAIN: a million descriptors without a socket; it goes on behind them. So
 * often they are more than any system has. */
enum { MOST_IN_VAIN = 4096 };

struct pi__taskfile {
  const char *folder; /* of the probe */
  int link;           /* to a program of our own; -1: the probe is read */
  int fd;             /* of a stream; -1: the next reading opens one */
  size_t used;        /* bytes read and not yet walked */
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
  for (unsigned in_vain = 0;; in_vain++) {
    if (reading != NULL && pi__interrupted(reading)) {
      return pi__fail(err, PI_ECANCELED, 0, "interrupted");
    }
    ssize_t n = read(t->fd, t->buffer + t->used, sizeof t->buffer - t->used);
    *ended = n == 0;
    if (n > 0) t->used += (size_t)n;
    if (n >= 0) return 0;
    bool again = errno == EINTR || errno == EAGAIN;
    if (!again || in_vain == MOST_IN_VAIN) {
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

static void end_stream(pi__taskfile *t) {
  if (t->fd >= 0) close(t->fd);
  t->fd = -1;
  t->used = 0;
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

static int open_pinned(pi__taskfile *t, pi_error *err) {
  int rc = pi__pin_open(t->folder, &t->fd, err);
  if (rc != 0) return rc;
  rc = check_version(t, err);
  if (rc != 0) end_stream(t);
  return rc;
}

static int open_loaded(pi__taskfile *t, pi_error *err) {
  int rc = pi__bpf_load(&t->link, err);
  return rc != 0 ? rc : pi__bpf_stream(t->link, &t->fd, err);
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

static int open_first(pi__taskfile *t, unsigned ways, bool *pinned,
                      pi_error *err) {
  pi_error probe = {0}, load = {0};
  *pinned = true;
  if (ways & PI__TASKFILE_PINNED && open_pinned(t, &probe) == 0) {
    return 0;
  }
  *pinned = false;
  if (ways & PI__TASKFILE_LOADED && open_loaded(t, &load) == 0) return 0;
  return refuse(ways, &probe, &load, err);
}

int pi__taskfile_open(const char *folder, unsigned ways, pi__taskfile **ret,
                      bool *pinned, pi_error *err) {
  pi__taskfile *t = pi__realloc(NULL, sizeof *t);
  if (t == NULL) return pi__nomem(err);
  t->folder = folder;
  t->link = t->fd = -1;
  t->used = 0;
  int rc = open_first(t, ways, pinned, err);
  if (rc != 0) {
    pi__taskfile_close(t);
    return rc;
  }
  *ret = t;
  return 0;
}

void pi__taskfile_close(pi__taskfile *t) {
  if (t == NULL) return;
  end_stream(t);
  if (t->link >= 0) close(t->link);
  pi__realloc(t, 0);
}

/* ---- All of it ----------------------------------------------------------- */

static int open_next(pi__taskfile *t, pi_error *err) {
  if (t->fd >= 0) return 0;
  return t->link >= 0 ? pi__bpf_stream(t->link, &t->fd, err)
                      : open_pinned(t, err);
}

int pi__taskfile_read(pi__taskfile *t, const pi__reading *reading,
                      pi__record_visit visit, void *arg, pi_error *err) {
  bool ended = false;
  int rc = open_next(t, err);
  if (rc == 0) rc = walk(t, visit, arg, err);  // what opening it read
  while (rc == 0 && !ended) {
    rc = fill(t, reading, &ended, err);
    if (rc == 0) rc = walk(t, visit, arg, err);
  }
  bool cut = t->used > 0;
  end_stream(t);
  if (rc != 0 || !cut) return rc;
  return pi__fail(err, PI_EREPLY, 0, "BPF iterator: it ends within a record");
}
