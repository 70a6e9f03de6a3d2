/* process.c: what the process is, before anything of ours runs. */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/capability.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

int process_fill_descriptors(void) {
  for (int fd = 0; fd <= 2; fd++) {
    if (fcntl(fd, F_GETFD) >= 0) continue;
    // becomes the lowest one that is free; the wrong way round, to stay useless
    if (open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0) return errno;
  }
  return 0;
}

#ifdef __linux__

/* Did the program's file give us more than whoever started it has? */
static bool is_raised(void) {
  return getauxval(AT_SECURE) != 0;
}

/* Ambient ones are no gift of the file, but the wish of who started it. */
static int drop_capabilities(void) {
  struct __user_cap_header_struct header = {.version =
                                                _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct kept[_LINUX_CAPABILITY_U32S_3] = {0};
  for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++) {
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) != 1) continue;
    kept[CAP_TO_INDEX(cap)].effective |= CAP_TO_MASK(cap);
    kept[CAP_TO_INDEX(cap)].permitted |= CAP_TO_MASK(cap);
    kept[CAP_TO_INDEX(cap)].inheritable |= CAP_TO_MASK(cap);
  }
  return syscall(SYS_capset, &header, kept) == 0 ? 0 : errno;
}

#else

static bool is_raised(void) {
  return geteuid() != getuid() || getegid() != getgid();
}

static int drop_capabilities(void) {
  return 0;
}

#endif

int process_drop_privileges(void) {
  if (!is_raised()) return 0;
  uid_t uid = getuid();
  gid_t gid = getgid();
  // the group first: it takes the user's right to change it
  if (setregid(gid, gid) != 0 || setreuid(uid, uid) != 0) return errno;
  return uid == 0 ? 0 : drop_capabilities();
}
