/* host.c: the sysctls of net.ipv4 (ip-sysctl.rst), of the reader's network
 * namespace, and the mount options of procfs (proc(5), hidepid). */
#include "host.h"
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static ssize_t read_below(const char *proc, const char *name, char *buffer,
                          size_t size) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", proc, name);
  return pi__file_read(AT_FDCWD, path, buffer, size);
}

static const char *take_port(const char *p, unsigned *ret) {
  unsigned n = 0;
  const char *start = p;
  while (*p >= '0' && *p <= '9' && n <= 65535)
    n = n * 10 + (unsigned)(*p++ - '0');
  *ret = n;
  return p > start && n <= 65535 ? p : NULL;
}

bool pi__host_parse_ports(const char *p, uint8_t bits[8192]) {
  while (*p != '\0' && *p != '\n') {
    unsigned first, last;
    p = take_port(p, &first);
    if (p == NULL) return false;
    last = first;
    if (*p == '-') p = take_port(p + 1, &last);
    if (p == NULL || last < first) return false;
    for (unsigned port = first; port <= last; port++) {
      bits[port / 8] |= (uint8_t)(1u << port % 8);
    }
    if (*p == ',') p++;
  }
  return true;
}

static void fill_ephemeral(const char *proc, pi_host *host) {
  char text[64];
  unsigned first, last;
  if (read_below(proc, "sys/net/ipv4/ip_local_port_range", text, sizeof text) <
      0) {
    return;
  }
  const char *p = take_port(text, &first);
  if (p == NULL) return;
  p = take_port(p + strspn(p, " \t"), &last);
  if (p == NULL || first > last) return;
  host->ephemeral_first = (uint16_t)first;
  host->ephemeral_last = (uint16_t)last;
  host->ephemeral_known = true;
}

static void fill_unprivileged(const char *proc, pi_host *host) {
  char text[64];
  unsigned start;
  if (read_below(proc, "sys/net/ipv4/ip_unprivileged_port_start", text,
                 sizeof text) < 0) {
    return;
  }
  if (take_port(text, &start) == NULL) return;
  host->unprivileged_start = start;
  host->unprivileged_known = true;
}

/* The list can be as long as 32768 single ports. */
static void fill_reserved(const char *proc, pi_host *host) {
  enum { LONGEST = 256 * 1024 };
  char *text = pi__realloc(NULL, LONGEST);
  if (text == NULL) return;
  if (read_below(proc, "sys/net/ipv4/ip_local_reserved_ports", text, LONGEST) >=
      0) {
    host->reserved_known = pi__host_parse_ports(text, host->reserved);
  }
  pi__realloc(text, 0);
}

static uint64_t namespace_inode(const char *proc, const char *name) {
  char path[4096];
  struct stat st;
  snprintf(path, sizeof path, "%s/self/ns/%s", proc, name);
  return stat(path, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

uint64_t pi__host_netns(const char *proc) {
  char path[4096];
  struct stat st;
  snprintf(path, sizeof path, "%s/thread-self/ns/net", proc);
  if (stat(path, &st) == 0) return (uint64_t)st.st_ino;
  return namespace_inode(proc, "net");
}

void pi__host_fill(const char *proc, pi_host *host) {
  memset(host, 0, sizeof *host);
  host->netns = pi__host_netns(proc);
  fill_ephemeral(proc, host);
  fill_unprivileged(proc, host);
  fill_reserved(proc, host);
}

/* ---- How far we see ----------------------------------------------------- */

/* Inodes of the namespaces that a system starts with
 * (include/linux/proc_ns.h). */
#define FIRST_USER_NS UINT64_C(0xEFFFFFFD)
#define FIRST_PID_NS  UINT64_C(0xEFFFFFFC)

static bool in_group(gid_t gid) {
  gid_t groups[256];
  if (getegid() == gid) return true;
  int n = getgroups(256, groups);
  for (int i = 0; i < n; i++) {
    if (groups[i] == gid) return true;
  }
  return false;
}

static bool has_ptrace(const char *proc) {
  enum { CAP_SYS_PTRACE_BIT = 19 };
  char text[4096];
  if (read_below(proc, "self/status", text, sizeof text) < 0) return false;
  const char *line = strstr(text, "\nCapEff:");
  if (line == NULL) return false;
  return strtoull(line + 8, NULL, 16) >> CAP_SYS_PTRACE_BIT & 1;
}

/* Do these mount options hide the processes of others? hidepid 1 shows them but
 * closes them, which we meet as permission. */
static bool options_hide(const char *options) {
  const char *hidepid = strstr(options, "hidepid=");
  const char *gid = strstr(options, "gid=");
  if (hidepid == NULL) return false;
  hidepid += strlen("hidepid=");
  if (*hidepid == '4' || strncmp(hidepid, "ptraceable", 10) == 0) return true;
  if (*hidepid != '2' && strncmp(hidepid, "invisible", 9) != 0) return false;
  return gid == NULL || !in_group((gid_t)strtoul(gid + 4, NULL, 10));
}

/* Is this mount point the folder, however many slashes end its name? */
static bool is_mount_of(const char *point, const char *proc) {
  size_t n = strlen(proc);
  while (n > 1 && proc[n - 1] == '/') n--;
  return strncmp(point, proc, n) == 0 && point[n] == '\0';
}

/* What the mounts say; that they cannot be read, or not all of them, means that
 * processes may be hidden. */
static bool mounts_hide(const char *proc, pi__lines *lines) {
  bool hidden = false, cut;
  for (const char *line; (line = pi__lines_next(lines, &cut)) != NULL;) {
    char point[2048], type[64], options[1024];
    if (sscanf(line, "%*s %2047s %63s %1023s", point, type, options) != 3) {
      if (cut) return true;
      continue;
    }
    // the last mount on a point is the one that is seen
    if (strcmp(type, "proc") == 0 && is_mount_of(point, proc)) {
      hidden = cut || options_hide(options);
    }
  }
  return hidden || lines->os != 0;
}

static bool is_hidden(const char *proc) {
  char path[4096];
  pi__lines lines;
  snprintf(path, sizeof path, "%s/self/mounts", proc);
  if (!pi__lines_open(&lines, path)) return errno != ENOENT;
  bool hidden = mounts_hide(proc, &lines);
  pi__lines_close(&lines);
  // the root of a user namespace has the capability there alone
  bool first = namespace_inode(proc, "user") == FIRST_USER_NS;
  return hidden && !(first && has_ptrace(proc));
}

static bool is_procfs(const char *proc) {
  struct statfs fs;
  return statfs(proc, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

bool pi__host_numbers(const char *proc) {
  char text[4096];
  if (read_below(proc, "self/status", text, sizeof text) < 0) return false;
  const char *line = strstr(text, "\nNSpid:");
  // one number, as seen from there, and one for each namespace further in
  unsigned there, here;
  return line != NULL && sscanf(line, "\nNSpid: %u %u", &there, &here) == 1;
}

void pi__host_sight(const char *proc, pi_quality *quality) {
  uint64_t ours = namespace_inode(proc, "pid");
  // one that lacks us shows processes of a pid namespace that is not ours
  quality->nested = ours != 0 ? ours != FIRST_PID_NS : is_procfs(proc);
  quality->hidden = is_hidden(proc);
}
