/* refusal.c: why a kernel does not take the program, in one line. */
#include "loader.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

// of linux/capability.h, whose older versions lack them
enum { SYS_ADMIN = 21, PERFMON = 38, BPF = 39 };

static bool holds(const struct __user_cap_data_struct sets[2], unsigned bit) {
  return sets[bit / 32].effective >> bit % 32 & 1;
}

int pi__bpf_permitted(pi_error *err) {
  struct __user_cap_header_struct header = {.version =
                                                _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct sets[2] = {{0}};
  syscall(SYS_capget, &header, sets);
  if (holds(sets, SYS_ADMIN)) return 0;
  if (holds(sets, BPF) && holds(sets, PERFMON)) return 0;
  return pi__fail(err, PI_EOS, EPERM,
                  "to load a BPF program takes CAP_BPF and CAP_PERFMON, or "
                  "CAP_SYS_ADMIN");
}

/* What a kernel of this release lacks, or NULL. It is asked after a refusal
 * only: distributions bring what is newer to kernels that are older. */
static const char *lacks(const char *release) {
  unsigned major, minor;
  if (sscanf(release, "%u.%u", &major, &minor) != 2) return NULL;
  if (major < 5 || (major == 5 && minor < 8)) {
    return "the iterator task_file comes with 5.8";
  }
  if (major == 5 && minor < 11) return "bpf_sock_from_file comes with 5.11";
  return NULL;
}

static bool begins(const char *line, size_t length, const char *with) {
  return length >= strlen(with) && memcmp(line, with, strlen(with)) == 0;
}

/* The last line that is a complaint; behind it the verifier counts. */
static const char *last_line(const char *log, size_t *length) {
  const char *found = log;
  *length = 0;
  while (*log != '\0') {
    size_t n = strcspn(log, "\n");
    if (n > 0 && !begins(log, n, "processed ")) {
      found = log;
      *length = n;
    }
    log += n + (log[n] == '\n');
  }
  return found;
}

static int blame_verifier(const pi__bpf_refusal *r, pi_error *err) {
  size_t length;
  const char *line = last_line(r->log, &length);
  char text[160];
  if (length >= sizeof text) length = sizeof text - 1;
  for (size_t i = 0; i < length; i++) {
    bool plain = line[i] >= ' ' && line[i] <= '~';
    text[i] = plain ? line[i] : '?';
  }
  text[length] = '\0';
  return pi__fail(err, PI_EOS, r->os, "the verifier refuses the program: %s",
                  text);
}

int pi__bpf_refuse(const pi__bpf_refusal *r, pi_error *err) {
  const char *missing = lacks(r->release);
  if (missing != NULL) {
    return pi__fail(err, PI_EUNSUPPORTED, r->os, "Linux %.64s is too old: %s",
                    r->release, missing);
  }
  if (!r->types) {
    return pi__fail(err, PI_EUNSUPPORTED, r->os,
                    "this kernel does not tell its types "
                    "(CONFIG_DEBUG_INFO_BTF, " PI__KERNEL_TYPES ")");
  }
  if (r->log[strspn(r->log, "\n")] != '\0') return blame_verifier(r, err);
  return pi__fail(err, PI_EOS, r->os, "%s: %s", r->step, strerror(r->os));
}

int pi__bpf_refused(const char *step, int os, const char *log, pi_error *err) {
  struct utsname host;
  if (uname(&host) != 0) host.release[0] = '\0';
  pi__bpf_refusal refusal = {
      .step = step,
      .os = os,
      .log = log,
      .release = host.release,
      .types = access(PI__KERNEL_TYPES, R_OK) == 0,
  };
  return pi__bpf_refuse(&refusal, err);
}
