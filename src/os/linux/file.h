/* file.h: reading files of procfs. What stands in place of one and is no file,
 * a pipe or a device that would keep us waiting or never end, is refused. */
#ifndef PI_OS_LINUX_FILE_H
#define PI_OS_LINUX_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Reads up to `size` - 1 bytes of a file below `dir` (AT_FDCWD as for openat)
 * and a NUL behind them. Returns how many, or -1 with errno. */
ssize_t pi__file_read(int dir, const char *path, char *buffer, size_t size);

/* Writes where a file of the network namespace stands that this thread is in:
 * procfs's own `net` is that of our first thread. */
void pi__net_path(const char *proc, const char *name, char path[4096]);

/* A file line by line. */
typedef struct pi__lines {
  int fd;
  int os;         /* what ended it, if that was no end; else 0 */
  size_t at, end; /* of the buffer: what is not yet told */
  bool cut;       /* the rest of the line before is still to be passed over */
  char buffer[4096];
} pi__lines;

/* False, with errno: it cannot be opened. Else end with pi__lines_close. */
bool pi__lines_open(pi__lines *lines, const char *path);
void pi__lines_close(pi__lines *lines);

/* The next line, without its newline and with a NUL behind it, until the one
 * after it is asked for; NULL at the end. One that is longer than the buffer is
 * told as its beginning, and *cut; so is one that the file ends in. */
const char *pi__lines_next(pi__lines *lines, bool *cut);

#endif
