/* protocols.c: /proc/net/protocols (net/core/sock.c, proto_seq_printf): a line
 * for each protocol that is registered, with how many sockets of it the network
 * namespace has. To ask sock_diag for a protocol that the kernel lacks makes it
 * look for a module, so this is read before. */
#include "protocols.h"
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

static const char *const names[PI_PROTOS][2] = {
    [PI_PROTO_UDPLITE] = {"UDP-Lite", "UDPLITEv6"},
    [PI_PROTO_SCTP] = {"SCTP", "SCTPv6"},
    [PI_PROTO_MPTCP] = {"MPTCP", "MPTCPv6"},
    [PI_PROTO_RAW] = {"RAW", "RAWv6"},
};

static void fill(pi__protocols *p, pi__presence presence) {
  for (int i = 0; i < PI_SOURCES; i++) {
    bool named = names[i / 2][i % 2] != NULL;
    p->of[i / 2][i % 2] = named ? presence : PI__PRESENT;
  }
}

/* The number of sockets in a line of this protocol, behind name and size. */
static bool read_line(const char *line, const char *name, long *sockets) {
  size_t length = strlen(name);
  char *end;
  if (strncmp(line, name, length) != 0 || line[length] != ' ') return false;
  strtol(line + length, &end, 10);
  *sockets = strtol(end, NULL, 10);
  return true;
}

static pi__presence find(const char *text, const char *name, bool counted) {
  long sockets;
  for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
    line += *line == '\n';
    if (!read_line(line, name, &sockets)) continue;
    return sockets != 0 || !counted ? PI__PRESENT : PI__ABSENT;
  }
  return PI__ABSENT;
}

void pi__protocols_parse(const char *text, bool counts_mptcp,
                         pi__protocols *ret) {
  memset(ret, 0, sizeof *ret);
  fill(ret, PI__ABSENT);
  for (int i = 0; i < PI_SOURCES; i++) {
    const char *name = names[i / 2][i % 2];
    if (name == NULL) continue;
    bool counted = i / 2 != PI_PROTO_MPTCP || counts_mptcp;
    ret->of[i / 2][i % 2] = find(text, name, counted);
  }
}

/* Before Linux 6.3 (c558246ee73e) the table said 0 of MPTCP, always. */
static bool counts_mptcp(void) {
  struct utsname name;
  unsigned major, minor;
  if (uname(&name) != 0) return false;
  if (sscanf(name.release, "%u.%u", &major, &minor) != 2) return false;
  return major > 6 || (major == 6 && minor >= 3);
}

void pi__protocols_read(const char *proc, pi__protocols *ret) {
  char path[4096], text[16384];
  pi__net_path(proc, "protocols", path);
  ssize_t n = pi__file_read(AT_FDCWD, path, text, sizeof text);
  bool whole = n >= 0 && n < (ssize_t)sizeof text - 1;
  if (whole) {
    pi__protocols_parse(text, counts_mptcp(), ret);
    return;
  }
  memset(ret, 0, sizeof *ret);
  ret->os = n < 0 ? errno : EFBIG;
  fill(ret, PI__UNTOLD);
}
