/* file.h: reading small files of procfs. */
#ifndef PI_OS_LINUX_FILE_H
#define PI_OS_LINUX_FILE_H

#include <stddef.h>
#include <sys/types.h>

/* Reads up to `size` - 1 bytes of a file below `dir` (AT_FDCWD as for openat)
 * and a NUL behind them. Returns how many, or -1 with errno. */
ssize_t pi__file_read(int dir, const char *path, char *buffer, size_t size);

/* Writes where a file of the network namespace stands that this thread is in:
 * procfs's own `net` is that of our first thread. */
void pi__net_path(const char *proc, const char *name, char path[4096]);

#endif
