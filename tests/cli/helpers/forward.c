/* forward.c: listens on 127.0.0.1 and says where, whatever its arguments are;
 * to be called docker-proxy. */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void) {
  struct sockaddr_in a = {.sin_family = AF_INET};
  socklen_t length = sizeof a;
  char end;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(fd, (void *)&a, sizeof a) != 0 || listen(fd, 5) != 0) return 1;
  if (getsockname(fd, (void *)&a, &length) != 0) return 1;
  printf("%d\n", ntohs(a.sin_port));
  fflush(stdout);
  return read(0, &end, 1) < 0;
}
