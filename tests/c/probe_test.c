/* probe_test.c: what pi_port_try says beside sockets of our own. */
#include "test.h"

#include "portinfo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* A listener on this address, with an option or 0; its port, or skips. */
static int open_listener(const char *text, int v6only, uint16_t *port) {
  struct sockaddr_in6 a = {.sin6_family = AF_INET6};
  socklen_t length = sizeof a;
  int fd = socket(AF_INET6, SOCK_STREAM, 0);
  assert_int_equal(1, inet_pton(AF_INET6, text, &a.sin6_addr));
  if (fd < 0) skip();
  setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof v6only);
  if (bind(fd, (void *)&a, sizeof a) != 0 || listen(fd, 1) != 0) skip();
  assert_int_equal(0, getsockname(fd, (void *)&a, &length));
  *port = ntohs(a.sin6_port);
  return fd;
}

/* 0, or the errno of the refusal. */
static int attempt(const char *text, uint16_t port) {
  pi_address address;
  pi_error err = {0};
  pi_probe probe = {.proto = PI_PROTO_TCP, .port = port};
  if (text != NULL) {
    assert_true(pi_address_parse(text, strlen(text), &address));
    probe.address = &address;
  }
  int rc = pi_port_try(&probe, &err);
  assert_int_equal(rc == 0 ? 0 : PI_EOS, rc);
  return err.os;
}

static void a_listener_bars_the_addresses_that_it_overlaps(void **state) {
  (void)state;
  uint16_t port;
  int fd = open_listener("::ffff:127.0.0.1", 0, &port);
  assert_int_equal(EADDRINUSE, attempt("127.0.0.1", port));
  assert_int_equal(EADDRINUSE, attempt("0.0.0.0", port));
  assert_int_equal(EADDRINUSE, attempt("::", port));
  assert_int_equal(EADDRINUSE, attempt(NULL, port));
  assert_int_equal(0, attempt("127.0.0.2", port));
  assert_int_equal(0, attempt("::1", port));
  close(fd);
  assert_int_equal(0, attempt(NULL, port));
}

static void one_of_ipv6_alone_leaves_ipv4(void **state) {
  (void)state;
  uint16_t port;
  int fd = open_listener("::", 1, &port);
  assert_int_equal(EADDRINUSE, attempt("::", port));
  assert_int_equal(EADDRINUSE, attempt("::1", port));
  assert_int_equal(0, attempt("127.0.0.1", port));
  assert_int_equal(0, attempt("0.0.0.0", port));
  close(fd);
}

static void what_is_tried_leaves_nothing_behind(void **state) {
  (void)state;
  uint16_t port;
  close(open_listener("::1", 0, &port));
  for (int i = 0; i < 100; i++) assert_int_equal(0, attempt("::1", port));
  int fd = dup(0);
  assert_true(fd >= 0 && fd < 20);
  close(fd);
}

static void a_refusal_says_why(void **state) {
  (void)state;
  pi_error err = {0};
  pi_address address;
  pi_probe probe = {.proto = PI_PROTO_UDP, .port = 0};
  assert_int_equal(PI_EINVAL, pi_port_try(&probe, &err));
  assert_string_equal("port 0 is no port to bind to", err.text);
  assert_true(pi_address_parse("192.0.2.1", 9, &address));
  probe.port = 50000;
  probe.address = &address;
  assert_int_equal(PI_EOS, pi_port_try(&probe, &err));
  assert_int_equal(EADDRNOTAVAIL, err.os);
  assert_string_equal("bind: Cannot assign requested address", err.text);
  assert_int_equal(PI_EOS, pi_port_try(&probe, NULL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_listener_bars_the_addresses_that_it_overlaps),
      cmocka_unit_test(one_of_ipv6_alone_leaves_ipv4),
      cmocka_unit_test(what_is_tried_leaves_nothing_behind),
      cmocka_unit_test(a_refusal_says_why),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
