/* filter.c: what a filter costs over a large reading in memory, in nanoseconds
 * a row and leaf.
 *
 *   build/bench/filter [FILTER...]     default: one of each kind, and some more
 *
 * Prints FILTER, how many leaves it has, and the median of nine selections
 * (processor time). The platform is our own: it makes a million rows out of
 * nothing. */
#include "core/collect.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROWS = 1000000, PROCESSES = 200, TURNS = 9, LARGE_SET = 80 };

/* ---- A reading out of nothing ------------------------------------------- */

/* Numbers that look random and are the same in every run (xorshift64*). */
static uint64_t next_number(uint64_t *state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static pi_address address_v4(uint64_t bits) {
  pi_address a = {{[10] = 0xff, [11] = 0xff}};
  for (int i = 0; i < 4; i++) a.bytes[12 + i] = (uint8_t)(bits >> 8 * i);
  return a;
}

/* A server's sockets: listeners among many connections, some ports favoured. */
static pi__row row_at(size_t i, uint64_t *seed) {
  static const uint16_t favoured[] = {22, 53, 80, 443, 443, 443, 5432, 8080};
  uint64_t n = next_number(seed), m = next_number(seed);
  bool listens = n % 64 == 0, udp = n % 8 == 1;
  pi_state tcp = listens ? PI_STATE_LISTEN : (pi_state)(n >> 8 & 7);
  pi__row row = {
      .proto = udp ? PI_PROTO_UDP : PI_PROTO_TCP,
      .family = n >> 11 & 1 ? PI_FAMILY_6 : PI_FAMILY_4,
      .state = udp ? PI_STATE_UNCONNECTED : tcp,
      .laddr = address_v4(n >> 16 & 0xff000a),
      .raddr = address_v4(m >> 32),
      .lport = n >> 12 & 1 ? (uint16_t)(n >> 40) : favoured[n >> 13 & 7],
      .rport = m & 1 ? (uint16_t)(m >> 16) : favoured[m >> 1 & 7],
      .inode = 1000 + i,
      .cookie = 1 + i,
      .uid = (uint32_t)(m >> 4 & 1023),
      .rxq = (uint32_t)(m >> 14 & 4095),
      .iface_sight = n >> 14 & 1 ? PI_KNOWN : PI_EMPTY,
      .mark_sight = PI_UNKNOWN,
      .v6only_sight = PI_EMPTY,
  };
  return row;
}

static int read_sockets(pi__reading *reading, pi_error *err) {
  static const char *const devices[] = {"lo", "eth0", "eth1", "docker0"};
  uint32_t texts[4];
  uint64_t seed = 1;
  pi_host *host = pi__reading_host(reading);
  host->ephemeral_known = host->unprivileged_known = true;
  host->ephemeral_first = 32768;
  host->ephemeral_last = 60999;
  host->unprivileged_start = 1024;
  host->netns = 1;
  for (size_t i = 0; i < 4; i++) {
    int rc = pi__reading_text(reading, devices[i], strlen(devices[i]),
                              &texts[i], err);
    if (rc != 0) return rc;
  }
  for (size_t i = 0; i < ROWS; i++) {
    pi__row row = row_at(i, &seed);
    if (row.iface_sight == PI_KNOWN) row.iface = texts[i % 4];
    int rc = pi__reading_row(reading, &row, err);
    if (rc != 0) return rc;
  }
  return 0;
}

/* One socket in eight is held. */
static int read_owners(pi__reading *reading, pi_error *err) {
  uint32_t numbers[PROCESSES];
  for (uint32_t i = 0; i < PROCESSES; i++) {
    char name[16];
    int n = snprintf(name, sizeof name, "worker%u", i);
    int rc = pi__reading_process(reading, 100 + i, i, 1, name, (size_t)n,
                                 &numbers[i], err);
    if (rc != 0) return rc;
  }
  for (size_t i = 0; i < ROWS; i += 8) {
    int rc = pi__reading_holder(reading, 1000 + i, numbers[i / 8 % PROCESSES],
                                3, err);
    if (rc != 0) return rc;
  }
  return 0;
}

int pi__collect(const pi__want *want, pi__reading *reading, pi_host *host,
                pi_error *err) {
  (void)host;
  if (want->groups == PI_GROUP_SOCKET) return read_sockets(reading, err);
  if (want->groups == PI_GROUP_OWNER) return read_owners(reading, err);
  return 0;
}

/* ---- The clock ---------------------------------------------------------- */

static void die(const char *what, const pi_error *err) {
  fprintf(stderr, "filter: %s: %s\n", what, err->text);
  exit(2);
}

/* Of the processor, not of the wall: others may be at work here. */
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median_of(pi_snapshot *s, const pi_filter *f) {
  double took[TURNS];
  for (int i = 0; i < TURNS; i++) {
    pi_selection *selection;
    pi_error err;
    double start = now();
    if (pi_snapshot_select(s, f, &selection, &err) != 0) die("select", &err);
    took[i] = now() - start;
    pi_selection_free(selection);
  }
  qsort(took, TURNS, sizeof *took, by_value);
  return took[TURNS / 2];
}

static void measure(pi_snapshot *s, const char *name, const char *text,
                    unsigned leaves) {
  pi_filter *f;
  pi_error err;
  if (pi_filter_parse(text, strlen(text), &f, &err) != 0) die(text, &err);
  printf("%s\t%u\t%.2f\n", name, leaves, median_of(s, f) / ROWS / leaves);
  fflush(stdout);
  pi_filter_free(f);
}

/* `FIELD in {...}` with more values than anybody would write by hand. */
static void measure_large(pi_snapshot *s, const char *field,
                          const char *format) {
  char text[LARGE_SET * 24], name[64];
  size_t n = (size_t)sprintf(text, "%s in {", field);
  for (unsigned i = 0; i < LARGE_SET; i++) {
    n += (size_t)sprintf(text + n, format, i * 3);
    text[n++] = i + 1 < LARGE_SET ? ',' : '}';
  }
  text[n] = '\0';
  sprintf(name, "%s in {%d values}", field, LARGE_SET);
  measure(s, name, text, 1);
}

int main(int argc, char **argv) {
  static const struct {
    const char *text;
    unsigned leaves;
  } list[] = {
      {"", 1},
      {"tcp", 1},
      {"state in {established, time-wait}", 1},
      {"lport = 443", 1},
      {"lport in {22, 80, 443, 8000..8100}", 1},
      {"lport = ephemeral", 1},
      {"lport = privileged", 1},
      {"rport = 443", 1},
      {"rport", 1},
      {"known mark", 1},
      {"mark = 5", 1},
      {"uid = 100", 1},
      {"rxq > 2k", 1},
      {"inode = 5000..100000", 1},
      {"laddr = 10.0.0.0/8", 1},
      {"raddr in {10.0.0.0/8, 172.16/12, 192.168.0.0/16}", 1},
      {"iface = eth*", 1},
      {"autobound", 1},
      {"role = listener", 1},
      {"exposure = public", 1},
      {"service = https", 1},
      {"risky", 1},
      {"use = post*", 1},
      {"owner = known", 1},
      {"process = worker7", 1},
      {"tcp and lport = 443 and laddr = 10.0.0.0/8", 3},
      {"established and (lport = 443 or rport = 443) and uid < 1000", 4},
      {"not (lport = 22 or rport = 22 or mark = 1) and rxq > 100", 4},
      {"tcp and lport in {80, 443, 8000..8100} and not laddr = 10.0.0.0/8 and "
       "rxq > 0 and uid > 10 and raddr = 0.0.0.0/1 and role != listener and "
       "inode > 5000",
       8},
      {"lport = 22 and process = worker7", 2},
  };
  pi_options options = {.groups = PI_GROUPS};
  pi_snapshot *s;
  pi_error err;
  if (pi_snapshot_take(&options, &s, &err) != 0) die("a reading", &err);
  printf("filter\tleaves\tns\n");
  for (int i = 1; i < argc; i++) measure(s, argv[i], argv[i], 1);
  if (argc == 1) {
    printf("(none)\t1\t%.2f\n", median_of(s, NULL) / ROWS);
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
      measure(s, list[i].text, list[i].text, list[i].leaves);
    }
    measure_large(s, "lport", "%u");
    measure_large(s, "uid", "%u");
    measure_large(s, "raddr", "%u.0.0.0/12");
  }
  pi_snapshot_free(s);
  return 0;
}
