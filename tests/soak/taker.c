/* taker.c: the library in a process that lives long, by two threads at once.
 *
 *   taker SECONDS < COOKIES
 *
 * Each thread takes readings, one after the other, by every way there is, all
 * groups of them; asks a filter of each, compares it with the one before, saves
 * it and frees it. Sockets with these cookies are in each reading once. Between
 * rounds, when no thread runs, everything has been given back: the heap in use
 * is noted then. A line of JSON tells what each round cost, and the last one
 * what was done; complaints go to standard error.
 */
#include "portinfo.h"

#include <dirent.h>
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS = 2, READINGS = 4, MOST_CANARIES = 256 };

static uint64_t canaries[MOST_CANARIES];
static size_t canary_count;
static atomic_ullong complaints, readings, rows, retries, partials;

#define COMPLAIN(...)                                                          \
  (atomic_fetch_add(&complaints, 1) < 20 ? fprintf(stderr, "taker: "),         \
   fprintf(stderr, __VA_ARGS__)          : 0)

/* ---- One reading -------------------------------------------------------- */

static bool is_whole(const pi_snapshot *s) {
  const pi_quality *q = pi_snapshot_quality(s);
  for (int i = 0; i < PI_PROTOS * 2; i++) {
    const struct pi_source *source = &q->sources[i / 2][i % 2];
    bool silent = source->backend == PI_BACKEND_NONE && !source->absent;
    if (source->wanted && (source->partial || silent)) return false;
  }
  return true;
}

static void count_flags(const pi_snapshot *s) {
  const pi_quality *q = pi_snapshot_quality(s);
  for (int i = 0; i < PI_PROTOS * 2; i++) {
    atomic_fetch_add(&retries, q->sources[i / 2][i % 2].retries);
  }
  atomic_fetch_add(&partials, !is_whole(s));
}

static uint64_t cookie_of(const pi_snapshot *s, size_t row) {
  return pi_snapshot_value(s, row, PI_COOKIE, 0).number;
}

static size_t count(const pi_snapshot *s, uint64_t cookie) {
  size_t n = 0;
  for (size_t row = 0; row < pi_snapshot_count(s); row++) {
    n += cookie_of(s, row) == cookie;
  }
  return n;
}

static bool is_canary(uint64_t cookie) {
  for (size_t i = 0; i < canary_count; i++) {
    if (canaries[i] == cookie) return true;
  }
  return false;
}

static void check_canaries(const pi_snapshot *s, const char *way) {
  bool whole = is_whole(s);
  for (size_t i = 0; i < canary_count; i++) {
    size_t n = count(s, canaries[i]);
    if (n == 1 || (n == 0 && !whole)) continue;
    COMPLAIN("%s: socket %" PRIu64 ": %zu times\n", way, canaries[i], n);
  }
}

/* Nothing becomes of a canary between two whole readings. */
static void check_changes(pi_snapshot *before, pi_snapshot *s) {
  pi_diff d;
  pi_error err;
  if (pi_snapshot_diff(before, NULL, s, NULL, &d, &err) != 0) {
    COMPLAIN("diff: %s\n", err.text);
    return;
  }
  for (size_t i = 0; i < pi_selection_count(d.removed); i++) {
    uint64_t cookie = cookie_of(before, pi_selection_at(d.removed, i));
    if (is_canary(cookie)) COMPLAIN("diff: %" PRIu64 " went\n", cookie);
  }
  for (size_t i = 0; i < pi_selection_count(d.after); i++) {
    uint64_t cookie = cookie_of(s, pi_selection_at(d.after, i));
    if (is_canary(cookie)) COMPLAIN("diff: %" PRIu64 " changed\n", cookie);
  }
  pi_diff_deinit(&d);
}

static int swallow(void *arg, const char *bytes, size_t length) {
  (void)bytes;
  *(size_t *)arg += length;
  return 0;
}

static void ask(pi_snapshot *s, const pi_filter *filter) {
  pi_error err;
  pi_selection *found;
  size_t saved = 0;
  if (pi_snapshot_select(s, filter, &found, &err) != 0) {
    COMPLAIN("select: %s\n", err.text);
    return;
  }
  if (pi_snapshot_save(s, found, NULL, swallow, &saved, &err) != 0) {
    COMPLAIN("save: %s\n", err.text);
  }
  pi_selection_free(found);
}

/* ---- Threads ------------------------------------------------------------ */

static const struct {
  const char *name;
  pi_backend backend;
  const char *netns;
  bool cookies; /* it tells of them */
} ways[] = {
    {"sock_diag", PI_BACKEND_NETLINK, "own", true},
    {"the proc tables", PI_BACKEND_PROC, "own", false},
    {"all namespaces", PI_BACKEND_AUTO, "all", true},
    {"the best way", PI_BACKEND_AUTO, "own", true},
};

static void *take_some(void *arg) {
  const pi_filter *filter = arg;
  pi_snapshot *before = NULL;
  for (size_t i = 0; i < READINGS; i++) {
    pi_error err;
    pi_snapshot *s;
    pi_options o = {.groups = PI_GROUPS & ~(unsigned)PI_GROUP_TCP_INFO,
                    .backend = ways[i].backend,
                    .netns = ways[i].netns,
                    .previous = before};
    if (pi_snapshot_take(&o, &s, &err) != 0) {
      COMPLAIN("%s: %s\n", ways[i].name, err.text);
      continue;
    }
    atomic_fetch_add(&readings, 1);
    atomic_fetch_add(&rows, pi_snapshot_count(s));
    count_flags(s);
    if (ways[i].cookies) check_canaries(s, ways[i].name);
    if (before != NULL && is_whole(before) && is_whole(s) && ways[i].cookies) {
      check_changes(before, s);
    }
    ask(s, filter);
    pi_snapshot_free(before);
    before = s;
  }
  pi_snapshot_free(before);
  return NULL;
}

static void run_round(pi_filter *filter) {
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) {
    if (pthread_create(&threads[i], NULL, take_some, filter) != 0) {
      perror("taker: thread");
      exit(2);
    }
  }
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}

/* ---- What is left ------------------------------------------------------- */

static size_t descriptors(void) {
  size_t n = 0;
  DIR *dir = opendir("/proc/self/fd");
  if (dir == NULL) return 0;
  while (readdir(dir) != NULL) n++;
  closedir(dir);
  return n - 3;  // itself, and the two that every folder has
}

static unsigned long number_in_status(const char *name) {
  char line[256];
  unsigned long n = 0;
  FILE *file = fopen("/proc/self/status", "r");
  if (file == NULL) return 0;
  while (fgets(line, sizeof line, file) != NULL) {
    size_t length = strlen(name);
    if (strncmp(line, name, length) == 0) n = strtoul(line + length, NULL, 10);
  }
  fclose(file);
  return n;
}

static double seconds_since(const struct timespec *start) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)(now.tv_sec - start->tv_sec) +
         (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static void put_sample(double at) {
  printf("{\"at\":%.3f,\"heap\":%zu,\"rss\":%lu,\"threads\":%lu,"
         "\"descriptors\":%zu}\n",
         at, mallinfo2().uordblks, number_in_status("VmRSS:"),
         number_in_status("Threads:"), descriptors());
}

static void read_canaries(void) {
  while (canary_count < MOST_CANARIES &&
         scanf("%" SCNu64, &canaries[canary_count]) == 1) {
    canary_count++;
  }
}

int main(int argc, char **argv) {
  struct timespec start;
  pi_filter *filter;
  pi_error err;
  static const char text[] = "listening or role = inbound";
  double seconds = argc == 2 ? atof(argv[1]) : 0;
  if (seconds <= 0) {
    fputs("usage: taker SECONDS < COOKIES\n", stderr);
    return 2;
  }
  read_canaries();
  if (pi_filter_parse(text, sizeof text - 1, &filter, &err) != 0) return 2;
  clock_gettime(CLOCK_MONOTONIC, &start);
  do {
    run_round(filter);
    put_sample(seconds_since(&start));
  } while (seconds_since(&start) < seconds);
  pi_filter_free(filter);
  printf("{\"readings\":%llu,\"rows\":%llu,\"flagged\":{\"retries\":%llu,"
         "\"partial\":%llu},\"canaries\":%zu,\"complaints\":%llu}\n",
         atomic_load(&readings), atomic_load(&rows), atomic_load(&retries),
         atomic_load(&partials), canary_count, atomic_load(&complaints));
  return 0;
}
