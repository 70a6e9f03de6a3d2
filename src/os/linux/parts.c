/* parts.c: a large dump in parts. The kernel answers one netlink socket in one
 * thread, and most of the time of a reading is that thread's, so that two of
 * them take little more than half as long. Bytecode tells their rows apart.
 *
 * Walking the table costs once more for each part, whatever it then lets pass;
 * that is why a few sockets are not parted. */
#include "parts.h"
#include "file.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SOCKETS_PER_PART = 4096 };

/* ---- How many ----------------------------------------------------------- */

/* The number behind ` NAME ` in a line of sockstat. */
static size_t named_number(const char *line, const char *name) {
  const char *end = line + strcspn(line, "\n");
  const char *at = strstr(line, name);
  return at == NULL || at > end ? 0 : strtoull(at + strlen(name), NULL, 10);
}

size_t pi__parts_sockets(const char *proc, pi_proto proto, pi_family family) {
  static const char *const names[PI_PROTOS][2] = {
      [PI_PROTO_TCP] = {"TCP: ", "TCP6: "},
      [PI_PROTO_UDP] = {"UDP: ", "UDP6: "},
  };
  char path[4096], text[4096];
  if (names[proto][family] == NULL) return 0;  // of others there are few
  pi__net_path(proc, family == PI_FAMILY_6 ? "sockstat6" : "sockstat", path);
  if (pi__file_read(AT_FDCWD, path, text, sizeof text) < 0) return 0;
  const char *line = strstr(text, names[proto][family]);
  if (line == NULL) return 0;
  return named_number(line, " inuse ") + named_number(line, " tw ");
}

static unsigned cores(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    return (unsigned)CPU_COUNT(&set);
  }
  long n = sysconf(_SC_NPROCESSORS_ONLN);  // more than a set has room for
  return n < 1 ? 1 : (unsigned)n;
}

unsigned pi__parts_count(size_t sockets) {
  if (sockets < 2 * SOCKETS_PER_PART) return 1;
  size_t most = sockets / SOCKETS_PER_PART;
  unsigned n = cores();
  if (n > PI__MOST_PARTS) n = PI__MOST_PARTS;
  return n > most ? (unsigned)most : n;
}

/* ---- Which rows --------------------------------------------------------- */

static pi__step ports(unsigned side, unsigned first, unsigned last) {
  pi__step step = {0};
  step.op = side;
  step.first = (uint16_t)first;
  step.last = (uint16_t)last;
  return step;
}

static pi__step operation(unsigned op) {
  pi__step step = {0};
  step.op = op;
  return step;
}

/* Of every connection one port was taken from the client range: the local one
 * of a client, the remote one of a server, whose local ports are all the same.
 * The range is cut into equal pieces, and what lies below or above it goes with
 * the first and the last: part i has the sockets whose client port lies from
 * edge(i) to edge(i + 1) - 1. */
static unsigned edge(const pi_host *host, unsigned i, unsigned parts) {
  unsigned first = host->ephemeral_first, last = host->ephemeral_last;
  if (i == 0) return 0;
  return i == parts ? 65536 : first + (last + 1 - first) * i / parts;
}

size_t pi__parts_steps(const pi_host *host, unsigned i, unsigned parts,
                       pi__step steps[PI__PART_STEPS]) {
  pi_host usual = {.ephemeral_first = 32768, .ephemeral_last = 60999};
  if (!host->ephemeral_known || host->ephemeral_first == 0 ||
      host->ephemeral_first > host->ephemeral_last) {
    host = &usual;
  }
  unsigned client = host->ephemeral_first;
  unsigned from = edge(host, i, parts), to = edge(host, i + 1, parts) - 1;
  steps[0] = ports(PI__STEP_LPORT, from > client ? from : client, to);
  steps[1] = ports(PI__STEP_LPORT, 0, client - 1);
  steps[2] = ports(PI__STEP_RPORT, from, to);
  steps[3] = operation(PI__STEP_AND);
  steps[4] = operation(PI__STEP_OR);
  return PI__PART_STEPS;
}

/* ---- At once ------------------------------------------------------------ */

typedef struct crew {
  unsigned parts;
  int (*run)(void *arg, unsigned part, pi_error *err);
  void *arg;
  atomic_uint next;
  atomic_bool *stop;
  pthread_mutex_t lock; /* of the two below */
  int rc;
  pi_error err;
} crew;

static void fail(crew *c, int rc, const pi_error *err) {
  pthread_mutex_lock(&c->lock);
  if (c->rc == 0) {
    c->rc = rc;
    c->err = *err;
  }
  pthread_mutex_unlock(&c->lock);
  atomic_store(c->stop, true);
}

static void *work(void *arg) {
  crew *c = arg;
  for (;;) {
    unsigned part = atomic_fetch_add(&c->next, 1);
    if (part >= c->parts || atomic_load(c->stop)) return NULL;
    pi_error err = {0};
    int rc = c->run(c->arg, part, &err);
    if (rc != 0) fail(c, rc, &err);
  }
}

int pi__parts_run(unsigned parts,
                  int (*run)(void *arg, unsigned part, pi_error *err),
                  void *arg, atomic_bool *stop, pi_error *err) {
  crew c = {.parts = parts, .run = run, .arg = arg, .stop = stop};
  pthread_t threads[PI__MOST_PARTS];
  unsigned started = 0;
  pthread_mutex_init(&c.lock, NULL);
  while (started < parts - 1 &&
         pthread_create(&threads[started], NULL, work, &c) == 0) {
    started++;
  }
  work(&c);
  while (started > 0) pthread_join(threads[--started], NULL);
  pthread_mutex_destroy(&c.lock);
  if (c.rc != 0 && err != NULL) *err = c.err;
  return c.rc;
}
