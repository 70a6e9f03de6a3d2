/* refuse.c: runs a command for which socket(AF_NETLINK, ...) fails.
 *
 *   refuse ERRNO COMMAND [ARG...]
 *
 * As sandboxes do it, with a seccomp filter.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(field)                                                            \
  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define RETURN(value)       BPF_STMT(BPF_RET | BPF_K, value)

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: refuse ERRNO COMMAND [ARG...]\n");
    return 125;
  }
  unsigned number = (unsigned)atoi(argv[1]) & SECCOMP_RET_DATA;
  struct sock_filter code[] = {
      LOAD(nr),
      UNLESS(__NR_socket, 3),
      LOAD(args[0]),
      UNLESS(AF_NETLINK, 1),  // its low half, little-endian
      RETURN(SECCOMP_RET_ERRNO | number),
      RETURN(SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    perror("refuse");
    return 126;
  }
  execvp(argv[2], argv + 2);
  perror(argv[2]);
  return 127;
}
