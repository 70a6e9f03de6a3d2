/* probe.c: is an address and port ours to bind? bind(2) knows: it looks at
 * every socket, also at those that no table tells of, at permissions and at
 * what a security module thinks. What is bound is closed at once. */
#include "../../core/collect.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct place {
  struct sockaddr_storage address;
  socklen_t length;
  int family;
} place;

static place place_v4(const pi_address *address, uint16_t port) {
  place p = {.length = sizeof(struct sockaddr_in), .family = AF_INET};
  struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (address != NULL) memcpy(&in.sin_addr, address->bytes + 12, 4);
  memcpy(&p.address, &in, sizeof in);
  return p;
}

static place place_v6(const pi_address *address, uint16_t port) {
  place p = {.length = sizeof(struct sockaddr_in6), .family = AF_INET6};
  struct sockaddr_in6 in = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
  if (address != NULL) memcpy(&in.sin6_addr, address->bytes, 16);
  memcpy(&p.address, &in, sizeof in);
  return p;
}

static bool set(int fd, int level, int option, int value) {
  return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

/* `step`: what failed. */
static bool prepare(int fd, const place *p, const pi_probe *probe,
                    const char **step) {
  *step = "setsockopt";
  // :: is both families whatever net.ipv6.bindv6only says
  if (p->family == AF_INET6 && !set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0)) {
    return false;
  }
  if (probe->reuseaddr && !set(fd, SOL_SOCKET, SO_REUSEADDR, 1)) return false;
  if (probe->reuseport && !set(fd, SOL_SOCKET, SO_REUSEPORT, 1)) return false;
  *step = "bind";
  return bind(fd, (const struct sockaddr *)&p->address, p->length) == 0;
}

/* 0 or an errno. */
static int try_place(const place *p, const pi_probe *probe, const char **step) {
  int type = probe->proto == PI_PROTO_UDP ? SOCK_DGRAM : SOCK_STREAM;
  *step = "socket";
  int fd = socket(p->family, type | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  int os = prepare(fd, p, probe, step) ? 0 : errno;
  close(fd);
  return os;
}

static bool is_any(const pi_address *address) {
  static const pi_address any;
  return address == NULL || memcmp(address, &any, sizeof any) == 0;
}

int pi__probe(const pi_probe *probe, pi_error *err) {
  const char *step;
  bool four = probe->address != NULL && pi_address_is_v4(probe->address);
  place p = four ? place_v4(probe->address, probe->port)
                 : place_v6(probe->address, probe->port);
  int os = try_place(&p, probe, &step);
  // a host without IPv6: all its addresses are of IPv4
  if (os == EAFNOSUPPORT && is_any(probe->address)) {
    p = place_v4(NULL, probe->port);
    os = try_place(&p, probe, &step);
  }
  if (os == 0) return 0;
  return pi__fail(err, PI_EOS, os, "%s: %s", step, strerror(os));
}
