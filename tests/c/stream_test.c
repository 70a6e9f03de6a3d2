/* stream_test.c: the iterator's stream, as a read(2) of this program's own
 * gives it. The pinned probe is ours as well.
 *
 * | what comes                        | what is made of it                   |
 * |-----------------------------------|--------------------------------------|
 * | records in pieces of any size     | each record once                     |
 * | EINTR, EAGAIN                     | it goes on, or ends if that is asked |
 * | EAGAIN for ever, another errno    | a refusal: owners are by procfs, and |
 * | another version, half a record    | why is told                          |
 */
#include "test.h"

#include "os/linux/pin.h"
#include "os/linux/taskfile.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { RECORDS = 1000, FOR_EVER = 1 << 30 };

static struct {
  char bytes[(RECORDS + 1) * sizeof(pi__record)];
  size_t length, at;
  size_t piece;      /* bytes that a read gives, at most */
  size_t refuse_at;  /* where reads fail, */
  unsigned refusals; /* so often, */
  int os;            /* with this errno */
  int fd;            /* of the stream; -1: none is open */
  size_t reads;
} stream;

static int reset(void **state) {
  (void)state;
  memset(&stream, 0, sizeof stream);
  stream.fd = -1;
  stream.piece = sizeof stream.bytes;
  for (uint32_t i = 0; i < RECORDS; i++) {
    pi__record r = {.version = PI__RECORD_VERSION, .size = sizeof r};
    r.pid = i + 1;
    memcpy(stream.bytes + i * sizeof r, &r, sizeof r);
  }
  stream.length = RECORDS * sizeof(pi__record);
  return 0;
}

/* ---- What the library calls ---------------------------------------------- */

int pi__pin_open(const char *folder, int *fd, pi_error *err) {
  (void)folder;
  (void)err;
  *fd = stream.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  stream.at = 0;
  return 0;
}

bool pi__pin_readable(const char *folder) {
  (void)folder;
  return true;
}

static ssize_t read_stream(void *buffer, size_t size) {
  assert_true(stream.reads++ < 100000);  // or nothing ends it
  size_t n = stream.length - stream.at;
  if (n > stream.piece) n = stream.piece;
  if (n > size) n = size;
  if (stream.refusals > 0 && stream.at >= stream.refuse_at) {
    stream.refusals--;
    errno = stream.os;
    return -1;
  }
  memcpy(buffer, stream.bytes + stream.at, n);
  stream.at += n;
  return (ssize_t)n;
}

ssize_t read(int fd, void *buffer, size_t size) {
  if (fd == stream.fd) return read_stream(buffer, size);
  return syscall(SYS_read, fd, buffer, size);
}

/* The scan that follows may get its number. */
int close(int fd) {
  if (fd == stream.fd) stream.fd = -1;
  return (int)syscall(SYS_close, fd);
}

/* ---- What is visited ------------------------------------------------------
 */

/* Counts the records, which have to come in their order. */
static int count(void *arg, const pi__record *r, pi_error *err) {
  (void)err;
  size_t *n = arg;
  assert_int_equal(++*n, r->pid);
  return 0;
}

static int read_all(size_t *n, pi_error *err) {
  pi__taskfile *t;
  bool pinned;
  *n = 0;
  int rc = pi__taskfile_open("", PI__TASKFILE_PINNED, &t, &pinned, err);
  if (rc != 0) return rc;
  rc = pi__taskfile_read(t, NULL, count, n, err);
  pi__taskfile_close(t);
  return rc;
}

static void assert_whole(void) {
  pi_error err = {0};
  size_t n;
  if (read_all(&n, &err) != 0) fail_msg("%s", err.text);
  assert_int_equal(RECORDS, n);
}

static void records_come_in_pieces(void **state) {
  (void)state;
  static const size_t pieces[] = {7, sizeof(pi__record) - 1,
                                  sizeof(pi__record) + 1, 4096, 65536};
  for (size_t i = 0; i < LENGTH(pieces); i++) {
    stream.piece = pieces[i];
    stream.reads = 0;
    assert_whole();
  }
}

static void an_interruption_is_no_end(void **state) {
  (void)state;
  static const int errnos[] = {EINTR, EAGAIN};
  for (size_t i = 0; i < 2 * LENGTH(errnos); i++) {
    stream.piece = 4096;
    stream.refuse_at = i % 2 ? 0 : 50000;
    stream.refusals = 1000;
    stream.os = errnos[i / 2];
    assert_whole();
    assert_int_equal(0, stream.refusals);
  }
}

static void what_fails_in_the_middle_is_refused(void **state) {
  (void)state;
  static const struct {
    int os;
    unsigned refusals;
  } table[] = {{EIO, 1}, {ENOMEM, 1}, {EAGAIN, FOR_EVER}, {EINTR, FOR_EVER}};
  for (size_t i = 0; i < 2 * LENGTH(table); i++) {
    pi_error err = {0};
    size_t n;
    stream.piece = 4096;
    stream.reads = 0;
    stream.refuse_at = i % 2 ? 0 : 50000;
    stream.refusals = table[i / 2].refusals;
    stream.os = table[i / 2].os;
    assert_int_equal(PI_EOS, read_all(&n, &err));
    assert_int_equal(table[i / 2].os, err.os);
    assert_true(n < RECORDS);
  }
}

static void what_is_none_of_ours_is_refused(void **state) {
  (void)state;
  pi_error err = {0};
  size_t n;
  pi__record other = {.version = PI__RECORD_VERSION + 1, .size = sizeof other};
  stream.length -= 3;  // it ends within a record
  assert_int_equal(PI_EREPLY, read_all(&n, &err));
  assert_int_equal(RECORDS - 1, n);
  memcpy(stream.bytes + 400 * sizeof other, &other, sizeof other);
  assert_int_equal(PI_EREPLY, read_all(&n, &err));
  assert_int_equal(400, n);
}

/* ---- A reading ------------------------------------------------------------
 */

static int listening(void) {
  struct sockaddr_in a = {.sin_family = AF_INET};
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  assert_int_equal(0, bind(fd, (struct sockaddr *)&a, sizeof a));
  assert_int_equal(0, listen(fd, 1));
  return fd;
}

static uint64_t inode_of(int fd) {
  struct stat st;
  assert_int_equal(0, fstat(fd, &st));
  return st.st_ino;
}

/* What the stream tells of the holder before it breaks is not kept. */
static void put_holder(int fd) {
  pi__record r = {.version = PI__RECORD_VERSION, .size = sizeof r};
  r.pid = (uint32_t)getpid();
  r.fd = (uint32_t)fd;
  r.inode = inode_of(fd);
  memcpy(stream.bytes, &r, sizeof r);
}

/* A filter keeps out what it can; sockets of others may be left. */
static size_t row_of(const pi_snapshot *s, uint64_t inode) {
  size_t row = 0;
  while (pi_snapshot_value(s, row, PI_INODE, 0).number != inode) {
    if (++row == pi_snapshot_count(s)) fail_msg("the socket is not there");
  }
  return row;
}

static void owners_are_then_by_procfs(void **state) {
  (void)state;
  int fd = listening();
  pi_filter *f = NULL;
  pi_operand o = {.kind = PI_OPERAND_NUMBER, .first = inode_of(fd)};
  assert_int_equal(0, pi_filter_in(PI_INODE, &o, 1, &f, NULL));
  pi_options options = {.filter = f, .groups = PI_GROUP_OWNER};
  put_holder(fd);
  stream.piece = 4096;
  stream.refuse_at = 50000;
  stream.refusals = 1;
  stream.os = EIO;
  pi_snapshot *s = NULL;
  pi_error err = {0};
  int rc = pi_snapshot_take(&options, &s, &err);
  pi_filter_free(f);
  if (rc != 0) fail_msg("%s", err.text);
  const pi_quality *q = pi_snapshot_quality(s);
  if (q->owners_by == PI_BACKEND_PROC && stream.reads == 0) {
    skip_because("procfs is of another place than this process");
  }
  assert_int_equal(PI_BACKEND_PROC, q->owners_by);
  assert_says(q->obstacle, strerror(EIO));
  size_t row = row_of(s, inode_of(fd));
  assert_int_equal(1, pi_snapshot_value(s, row, PI_HOLDERS, 0).number);
  assert_int_equal(getpid(), pi_snapshot_value(s, row, PI_PID, 0).number);
  assert_string_equal("stream_test",
                      pi_snapshot_value(s, row, PI_PROCESS, 0).text);
  pi_snapshot_free(s);
  close(fd);
}

int main(void) {
#define T(name) cmocka_unit_test_setup(name, reset)
  const struct CMUnitTest tests[] = {
      T(records_come_in_pieces),
      T(an_interruption_is_no_end),
      T(what_fails_in_the_middle_is_refused),
      T(what_is_none_of_ours_is_refused),
      T(owners_are_then_by_procfs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
