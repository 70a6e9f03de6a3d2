/* bare.c: what one sock_diag dump costs at least: every TCP socket of both
 * families asked for, every byte received by one thread, none looked at but the
 * end. Prints microseconds and bytes; what other readings are measured by. */
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 64 * 1024 };

static _Noreturn void fail(const char *what) {
  perror(what);
  exit(1);
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* A datagram whose first message is the end, or the refusal, is the last. */
static size_t dump(int fd, unsigned char family, char *buffer) {
  struct {
    struct nlmsghdr header;
    struct inet_diag_req_v2 body;
  } request = {
      .header = {.nlmsg_len = sizeof request,
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
      .body = {.sdiag_family = family,
               .sdiag_protocol = IPPROTO_TCP,
               .idiag_states = ~0u},
  };
  size_t total = 0;
  if (send(fd, &request, sizeof request, 0) < 0) fail("bare: send");
  for (;;) {
    ssize_t n = recv(fd, buffer, BUFFER, 0);
    const struct nlmsghdr *first = (const void *)buffer;
    if (n < 0 && errno == EINTR) continue;
    if (n < (ssize_t)sizeof *first) fail("bare: recv");
    if (first->nlmsg_type == NLMSG_DONE) return total;
    if (first->nlmsg_type == NLMSG_ERROR) {
      fputs("bare: the kernel refuses\n", stderr);
      exit(1);
    }
    total += (size_t)n;
  }
}

int main(void) {
  char *buffer = malloc(BUFFER);
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (buffer == NULL || fd < 0) fail("bare: socket");
  double start = now();
  size_t bytes = dump(fd, AF_INET, buffer);
  bytes += dump(fd, AF_INET6, buffer);
  printf("%.0f %zu\n", now() - start, bytes);
  close(fd);
  free(buffer);
  return 0;
}
