/* records.c: prints what the iterator tells: PID FD NAME PROTOCOL PORT NETNS,
 * a line a descriptor.
 *
 *   records [FOLDER]     by the pinned probe there; alone: by a program that is
 *                        loaded for it
 *
 * Exit status 2: it cannot be had, and why.
 */
#include <stdio.h>

#include "os/linux/taskfile.h"

static int show(void *arg, const pi__record *r, pi_error *err) {
  (void)arg;
  (void)err;
  printf("%u %u ", (unsigned)r->pid, (unsigned)r->fd);
  for (size_t i = 0; i < pi__record_comm(r); i++) {
    char c = r->comm[i];
    putchar(c > ' ' && c <= '~' ? c : '?');  // what others choose
  }
  printf(" %u %u %u\n", r->protocol, r->lport, (unsigned)r->netns);
  return 0;
}

int main(int argc, char **argv) {
  pi__taskfile *stream;
  bool pinned;
  pi_error err;
  unsigned way = argc > 1 ? PI__TASKFILE_PINNED : PI__TASKFILE_LOADED;
  int rc = pi__taskfile_open(argv[1], way, &stream, &pinned, &err);
  if (rc == 0) {
    rc = pi__taskfile_read(stream, NULL, show, NULL, &err);
    pi__taskfile_close(stream);
  }
  if (rc == 0) return 0;
  fprintf(stderr, "records: %s\n", err.text);
  return 2;
}
