/* refuse.c: runs a command for which a system call fails.
 *
 *   refuse [CALL] ERRNO COMMAND [ARG...]
 *
 * CALL is one of the list below; without it, it is socket(AF_NETLINK, ...). As
 * sandboxes do it, with a seccomp filter.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD(field)                                                            \
  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define UNLESS(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip)
#define RETURN(value)       BPF_STMT(BPF_RET | BPF_K, value)

static const struct {
  const char *name;
  unsigned number;
} calls[] = {
    {"bpf", __NR_bpf},       {"setns", __NR_setns},
    {"kcmp", __NR_kcmp},     {"prlimit", __NR_prlimit64},
    {"clone3", __NR_clone3}, {"getrandom", __NR_getrandom},
    {"linkat", __NR_linkat}, {"sched_getaffinity", __NR_sched_getaffinity},
};

/* The number of a call; 0: the word names none. */
static unsigned number_of(const char *word) {
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    if (strcmp(word, calls[i].name) == 0) return calls[i].number;
  }
  return 0;
}

static int install(struct sock_filter *code, size_t n) {
  struct sock_fprog program = {(unsigned short)n, code};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0;
}

static int refuse_netlink(unsigned error) {
  struct sock_filter code[] = {
      LOAD(nr),
      UNLESS(__NR_socket, 3),
      LOAD(args[0]),
      UNLESS(AF_NETLINK, 1),  // its low half, little-endian
      RETURN(SECCOMP_RET_ERRNO | error),
      RETURN(SECCOMP_RET_ALLOW),
  };
  return install(code, sizeof code / sizeof *code);
}

static int refuse_call(unsigned number, unsigned error) {
  struct sock_filter code[] = {
      LOAD(nr),
      UNLESS(number, 1),
      RETURN(SECCOMP_RET_ERRNO | error),
      RETURN(SECCOMP_RET_ALLOW),
  };
  return install(code, sizeof code / sizeof *code);
}

int main(int argc, char **argv) {
  unsigned call = argc > 1 ? number_of(argv[1]) : 0;
  char **words = argv + (call != 0);
  if (argc - (call != 0) < 3) {
    fprintf(stderr, "usage: refuse [CALL] ERRNO COMMAND [ARG...]\n");
    return 125;
  }
  unsigned error = (unsigned)atoi(words[1]) & SECCOMP_RET_DATA;
  if ((call != 0 ? refuse_call(call, error) : refuse_netlink(error)) != 0) {
    perror("refuse");
    return 126;
  }
  execvp(words[2], words + 2);
  perror(words[2]);
  return 127;
}
