/* file.c: procfs gives a file in pieces of its own choosing, so reading goes on
 * until it ends. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A line of a file that is longer than this has no end. */
enum { LONGEST_LINE = 1 << 20 };

void pi__net_path(const char *proc, const char *name, char path[4096]) {
  snprintf(path, 4096, "%s/thread-self/net/%s", proc, name);
  if (access(path, F_OK) == 0) return;
  snprintf(path, 4096, "%s/net/%s", proc, name);
}

static void close_quietly(int fd) {
  int os = errno;
  close(fd);
  errno = os;
}

/* A folder opens, too, and says EISDIR to whom reads it. */
static int open_file(int dir, const char *path) {
  struct stat st;
  int fd = openat(dir, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0) return -1;
  if (fstat(fd, &st) == 0) {
    if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) return fd;
    errno = EINVAL;
  }
  close_quietly(fd);
  return -1;
}

static ssize_t read_some(int fd, char *buffer, size_t size) {
  ssize_t n;
  do {
    n = read(fd, buffer, size);
  } while (n < 0 && errno == EINTR);
  return n;
}

ssize_t pi__file_read(int dir, const char *path, char *buffer, size_t size) {
  int fd = open_file(dir, path);
  if (fd < 0) return -1;
  size_t used = 0;
  ssize_t n = 1;
  while (n > 0 && used < size - 1) {
    n = read_some(fd, buffer + used, size - 1 - used);
    if (n > 0) used += (size_t)n;
  }
  close_quietly(fd);
  if (n < 0) return -1;
  buffer[used] = '\0';
  return (ssize_t)used;
}

/* ---- Line by line ------------------------------------------------------- */

bool pi__lines_open(pi__lines *l, const char *path) {
  l->os = 0;
  l->at = l->end = 0;
  l->cut = false;
  l->fd = open_file(AT_FDCWD, path);
  return l->fd >= 0;
}

void pi__lines_close(pi__lines *l) {
  close(l->fd);
}

/* Reads behind what is there, with a byte to spare; false at the end. */
static bool fill(pi__lines *l) {
  memmove(l->buffer, l->buffer + l->at, l->end - l->at);
  l->end -= l->at;
  l->at = 0;
  size_t room = sizeof l->buffer - 1 - l->end;
  ssize_t n = read_some(l->fd, l->buffer + l->end, room);
  if (n < 0) l->os = errno;
  if (n > 0) l->end += (size_t)n;
  return n > 0;
}

/* The newline that ends the line, or NULL: there is none in the buffer. */
static char *newline(pi__lines *l) {
  return memchr(l->buffer + l->at, '\n', l->end - l->at);
}

/* Passes over the rest of a line whose beginning has been told. */
static bool skip_rest(pi__lines *l) {
  char *end;
  for (size_t skipped = 0; (end = newline(l)) == NULL;) {
    skipped += l->end - l->at;
    l->at = l->end;
    if (skipped > LONGEST_LINE) l->os = EFBIG;
    if (l->os != 0 || !fill(l)) return false;
  }
  l->at = (size_t)(end - l->buffer) + 1;
  return true;
}

const char *pi__lines_next(pi__lines *l, bool *cut) {
  char *end;
  if (l->cut && !skip_rest(l)) return NULL;
  while ((end = newline(l)) == NULL) {
    if (l->end - l->at == sizeof l->buffer - 1 || !fill(l)) break;
  }
  // what comes before an error may be half a line
  if (l->os != 0 || l->at == l->end) return NULL;
  *cut = l->cut = end == NULL;
  const char *line = l->buffer + l->at;
  if (end == NULL) end = l->buffer + l->end;
  *end = '\0';
  l->at = (size_t)(end - l->buffer) + !l->cut;
  return line;
}
