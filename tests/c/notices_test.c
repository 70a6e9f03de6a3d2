/* notices_test.c: a watcher whose kernel is this program, which tells of ended
 * sockets what a test wants.
 *
 * | what comes                    | what is made of it                       |
 * |-------------------------------|------------------------------------------|
 * | ENOBUFS, also for ever        | counted as lost; the wait ends in time   |
 * | another sender                | passed over                              |
 * | a notice that is cut, or none | counted as unclear                       |
 * | EAGAIN, EINTR                 | there is none now                        |
 * | another errno                 | the kernel is heard no more: told        |
 */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// glibc takes any address here, by a union
#ifdef __GLIBC__
typedef __CONST_SOCKADDR_ARG any_address;
#else
typedef const struct sockaddr *any_address;
#endif

static struct {
  int os;           /* what recvmsg(2) says; 0: there is a notice */
  uint32_t from;    /* who sends it */
  size_t length;    /* bytes of it that arrive; 0: all */
  unsigned notices; /* that come, before EAGAIN */
  size_t received;
} kernel;

/* ---- What the library calls ---------------------------------------------- */

int socket(int domain, int type, int protocol) {
  (void)type;
  (void)protocol;
  assert_int_equal(AF_NETLINK, domain);
  return open("/dev/null", O_RDWR | O_CLOEXEC);
}

int bind(int fd, any_address address, socklen_t size) {
  (void)fd;
  (void)address;
  (void)size;
  return 0;
}

int poll(struct pollfd *files, nfds_t count, int ms) {
  assert_true(count > 0);
  if (files[0].fd >= 0) {
    files[0].revents = kernel.os == ENOBUFS ? POLLERR : POLLIN;
    return 1;
  }
  struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
  nanosleep(&t, NULL);
  return 0;
}

static size_t put_notice(char *to) {
  struct inet_diag_msg m = {.idiag_family = AF_INET, .idiag_state = 7};
  struct nlattr a = {.nla_len = sizeof a + 1, .nla_type = INET_DIAG_PROTOCOL};
  struct nlmsghdr h = {.nlmsg_type = SOCK_DIAG_BY_FAMILY,
                       .nlmsg_len = NLMSG_HDRLEN + sizeof m + sizeof a + 4};
  m.id.idiag_sport = htons(4242);
  m.id.idiag_cookie[0] = 7;
  memset(to, 0, h.nlmsg_len);
  memcpy(to, &h, sizeof h);
  memcpy(to + NLMSG_HDRLEN, &m, sizeof m);
  memcpy(to + NLMSG_HDRLEN + sizeof m, &a, sizeof a);
  to[NLMSG_HDRLEN + sizeof m + sizeof a] = IPPROTO_UDP;
  return h.nlmsg_len;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags) {
  (void)fd;
  (void)flags;
  assert_true(kernel.received++ < 50000000);  // or nothing ends it
  errno = kernel.os;
  if (kernel.os != 0) return -1;
  errno = EAGAIN;
  if (kernel.notices == 0) return -1;
  kernel.notices--;
  struct sockaddr_nl from = {.nl_family = AF_NETLINK, .nl_pid = kernel.from};
  memcpy(message->msg_name, &from, sizeof from);
  size_t length = put_notice(message->msg_iov->iov_base);
  return (ssize_t)(kernel.length > 0 ? kernel.length : length);
}

/* ---- What comes of it -----------------------------------------------------
 */

static pi_watcher *watcher_new(void) {
  pi_watcher *w = NULL;
  pi_error err = {0};
  memset(&kernel, 0, sizeof kernel);
  int rc = pi_watcher_new(NULL, &w, &err);
  if (rc != 0) fail_msg("%s", err.text);
  assert_true(pi_watcher_hearing(w)->heard);
  return w;
}

static void losses_without_end_are_counted_until_it_is_time(void **state) {
  (void)state;
  pi_watcher *w = watcher_new();
  kernel.os = ENOBUFS;
  assert_int_equal(PI_WAKE_TIME, pi_watcher_wait(w, 0, 20, -1, NULL));
  const pi_hearing *heard = pi_watcher_hearing(w);
  assert_true(heard->heard);
  assert_true(heard->lost > 0);
  assert_int_equal(0, heard->told);
  pi_watcher_free(w);
}

static void what_is_no_notice_is_counted_or_passed_over(void **state) {
  (void)state;
  pi_watcher *w = watcher_new();
  const pi_hearing *heard = pi_watcher_hearing(w);
  kernel.notices = 300;
  kernel.from = 4711;
  assert_int_equal(PI_WAKE_TIME, pi_watcher_wait(w, 0, 20, -1, NULL));
  assert_int_equal(0, heard->told + heard->unclear + heard->lost);
  kernel.notices = 300;
  kernel.from = 0;
  kernel.length = 40;
  assert_int_equal(PI_WAKE_TIME, pi_watcher_wait(w, 0, 20, -1, NULL));
  assert_int_equal(300, heard->unclear);
  kernel.notices = 300;
  kernel.length = 0;
  assert_int_equal(PI_WAKE_TIME, pi_watcher_wait(w, 0, 20, -1, NULL));
  assert_int_equal(300, heard->told);
  assert_int_equal(300, heard->unclear);
  assert_int_equal(0, heard->lost);
  pi_watcher_free(w);
}

static void a_kernel_that_fails_is_heard_no_more(void **state) {
  (void)state;
  static const int errnos[] = {EIO, ENOMEM, EBADF};
  for (size_t i = 0; i < LENGTH(errnos); i++) {
    pi_watcher *w = watcher_new();
    kernel.os = errnos[i];
    assert_int_equal(PI_WAKE_TIME, pi_watcher_wait(w, 0, 20, -1, NULL));
    assert_false(pi_watcher_hearing(w)->heard);
    assert_int_equal(errnos[i], pi_watcher_hearing(w)->os);
    assert_int_equal(1, kernel.received);
    pi_watcher_free(w);
  }
}

static void a_signal_is_no_failure(void **state) {
  (void)state;
  static const int errnos[] = {EINTR, EAGAIN};
  for (size_t i = 0; i < LENGTH(errnos); i++) {
    pi_watcher *w = watcher_new();
    kernel.os = errnos[i];
    assert_int_equal(PI_WAKE_TIME, pi_watcher_wait(w, 0, 20, -1, NULL));
    assert_true(pi_watcher_hearing(w)->heard);
    pi_watcher_free(w);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(losses_without_end_are_counted_until_it_is_time),
      cmocka_unit_test(what_is_no_notice_is_counted_or_passed_over),
      cmocka_unit_test(a_kernel_that_fails_is_heard_no_more),
      cmocka_unit_test(a_signal_is_no_failure),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
