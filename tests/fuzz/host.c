/* host.c: any bytes at all, as the files of procfs that tell of the host: the
 * sysctls of net.ipv4, which protocols there are, how many sockets, and which
 * users have a number here.
 *
 * What is no port is not known, nor is a range that runs backwards. A list of
 * ports, written out, is read as it was, and the parts of a dump have each port
 * once.
 *
 * An input is a byte for the file, and its text.
 */
#include "fuzz.h"

#include "../c/procroot.h"

#include "os/linux/host.h"
#include "os/linux/parts.h"
#include "os/linux/protocols.h"
#include "os/linux/users.h"

/* ---- Ports ----------------------------------------------------------------
 */

static bool has(const uint8_t bits[8192], unsigned port) {
  return bits[port / 8] >> port % 8 & 1;
}

/* As net/core/sysctl's proc_do_large_bitmap writes it. */
static void write_ports(const uint8_t bits[8192], char *text) {
  for (unsigned first = 0, last; first <= 65535; first = last + 1) {
    last = first;
    if (!has(bits, first)) continue;
    while (last < 65535 && has(bits, last + 1)) last++;
    text += sprintf(text, first == last ? "%u," : "%u-%u,", first, last);
  }
  *text = '\0';
}

static void as_ports(const char *text) {
  static uint8_t bits[8192], again[8192];
  static char list[512 * 1024];
  memset(bits, 0, sizeof bits);
  if (!pi__host_parse_ports(text, bits)) return;
  write_ports(bits, list);
  memset(again, 0, sizeof again);
  must(pi__host_parse_ports(list, again));
  must(memcmp(bits, again, sizeof bits) == 0);
}

/* Do the parts follow each other over all remote ports? One may have none. */
static void is_parted(const pi_host *host, unsigned parts) {
  pi__step steps[PI__PART_STEPS];
  unsigned next = 0;
  for (unsigned i = 0; i < parts; i++) {
    must(pi__parts_steps(host, i, parts, steps) == PI__PART_STEPS);
    const pi__step *local = &steps[0], *remote = &steps[2];
    must(remote->first == next && remote->last + 1u >= next);
    must(local->last == remote->last && local->first >= remote->first);
    next = remote->last + 1u;
  }
  must(next == 65536);
}

static void as_range(const char *text) {
  pi_host host;
  procroot_text("sys/net/ipv4/ip_local_port_range", text);
  pi__host_fill(procroot, &host);
  must(!host.ephemeral_known || host.ephemeral_first <= host.ephemeral_last);
  for (unsigned parts = 2; parts <= PI__MOST_PARTS; parts++) {
    is_parted(&host, parts);
  }
}

static void as_start(const char *text) {
  pi_host host;
  procroot_text("sys/net/ipv4/ip_unprivileged_port_start", text);
  pi__host_fill(procroot, &host);
  must(!host.unprivileged_known || host.unprivileged_start <= 65536);
}

/* ---- Tables ---------------------------------------------------------------
 */

static void as_protocols(const char *text) {
  pi__protocols p;
  pi__protocols_parse(text, true, &p);
  for (int i = 0; i < PI_SOURCES; i++) {
    pi__presence presence = p.of[i / 2][i % 2];
    must(presence == PI__PRESENT || presence == PI__ABSENT);
    must(i / 2 > PI_PROTO_UDP || presence == PI__PRESENT);
  }
}

static void as_counts(const char *text) {
  procroot_text("net/sockstat", text);
  size_t n = pi__parts_sockets(procroot, PI_PROTO_TCP, PI_FAMILY_4);
  unsigned parts = pi__parts_count(n);
  must(parts >= 1 && parts <= PI__MOST_PARTS);
  must(pi__parts_sockets(procroot, PI_PROTO_RAW, PI_FAMILY_4) == 0);
}

static void as_users(const char *text) {
  procroot_text("self/uid_map", text);
  pi__users_are_mapped(procroot);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
  (void)argc, (void)argv;
  setenv("CMOCKA_TEST_ABORT", "1", 1);
  procroot_make();
  atexit(procroot_remove);
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static void (*const files[])(const char *) = {
      as_ports, as_range, as_start, as_protocols, as_counts, as_users};
  input in = {data, size};
  uint8_t file = take_byte(&in);
  char *text = text_of_bytes(in.at, in.left);
  files[file % LENGTH(files)](text);
  free(text);
  return 0;
}
