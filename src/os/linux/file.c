/* file.c: procfs gives a file in pieces of its own choosing, so reading goes on
 * until it ends. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

void pi__net_path(const char *proc, const char *name, char path[4096]) {
  snprintf(path, 4096, "%s/thread-self/net/%s", proc, name);
  if (access(path, F_OK) == 0) return;
  snprintf(path, 4096, "%s/net/%s", proc, name);
}

ssize_t pi__file_read(int dir, const char *path, char *buffer, size_t size) {
  int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  size_t used = 0;
  while (used < size - 1) {
    ssize_t n = read(fd, buffer + used, size - 1 - used);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      int os = errno;
      close(fd);
      errno = os;
      return -1;
    }
    if (n == 0) break;
    used += (size_t)n;
  }
  close(fd);
  buffer[used] = '\0';
  return (ssize_t)used;
}
