/* proctable.c: any bytes at all, as a table of /proc/net.
 *
 * Every line behind the heading is a row that can be used, or is counted. It
 * makes no difference in what pieces the file is read; of a file that ends
 * early the rows are the first ones; and a row is the same again when it is
 * written as the kernel writes it and read once more.
 *
 * An input is a byte for the table, two for where it ends early, and its text.
 */
#include "fuzz.h"

#include "os/linux/proctable.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- A file of our own --------------------------------------------------- */

static const char proc[] = "/nowhere/fuzz";

static struct file {
  int fd;       /* of all inputs, one after the other */
  size_t piece; /* at most so many bytes at once */
} file = {.piece = SIZE_MAX};

static void fill_file(const char *bytes, size_t length) {
  if (file.fd == 0) file.fd = memfd_create("table", MFD_CLOEXEC);
  must(ftruncate(file.fd, 0) == 0);
  must(pwrite(file.fd, bytes, length, 0) == (ssize_t)length);
}

int openat(int dir, const char *path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  mode_t mode = flags & O_CREAT ? va_arg(list, mode_t) : 0;
  va_end(list);
  if (strncmp(path, proc, sizeof proc - 1) == 0) {
    lseek(file.fd, 0, SEEK_SET);
    return fcntl(file.fd, F_DUPFD_CLOEXEC, 0);
  }
  return (int)syscall(SYS_openat, dir, path, flags, mode);
}

ssize_t read(int fd, void *buffer, size_t size) {
  return syscall(SYS_read, fd, buffer, size < file.piece ? size : file.piece);
}

/* ---- Rows ---------------------------------------------------------------- */

enum { MOST_ROWS = 512 };

typedef struct rows {
  pi_proto proto;
  pi_family family;
  pi__row list[MOST_ROWS];
  size_t count, skipped;
} rows;

static void is_a_row(const rows *r, const pi__row *row) {
  must(row->proto == r->proto && row->family == r->family);
  bool datagram = row->proto != PI_PROTO_TCP;
  must(row->state <= PI_STATE_UNCONNECTED);
  must(datagram == (row->state >= PI_STATE_CONNECTED));
  must(row->family == PI_FAMILY_6 || pi_address_is_v4(&row->laddr));
  must(row->uid_sight <= PI_UNKNOWN && row->txq_sight <= PI_UNKNOWN);
  must(row->v6only_sight != PI_KNOWN && row->mark_sight == PI_UNKNOWN);
  must(row->cookie == 0 && row->info == NULL);
}

static size_t put_end(char *text, size_t size, const pi__row *row,
                      const pi_address *address, uint16_t port) {
  uint32_t words[4];
  int n = 0;
  memcpy(words, address->bytes, sizeof words);
  for (int i = row->family == PI_FAMILY_4 ? 3 : 0; i < 4; i++) {
    n += snprintf(text + n, size - (size_t)n, "%08X", words[i]);
  }
  n += snprintf(text + n, size - (size_t)n, ":%04X ", port);
  return (size_t)n;
}

/* As get_tcp4_sock and those beside it write it (net/ipv4/tcp_ipv4.c). */
static void is_the_same_again(const pi__row *row) {
  char line[512];
  pi__row again;
  unsigned state = (unsigned)row->state + 1;
  if (row->state == PI_STATE_CONNECTED) state = 1;
  if (row->state == PI_STATE_UNCONNECTED) state = 7;
  size_t n = (size_t)snprintf(line, sizeof line, "%4d: ", 1);
  n += put_end(line + n, sizeof line - n, row, &row->laddr, row->lport);
  n += put_end(line + n, sizeof line - n, row, &row->raddr, row->rport);
  n +=
      (size_t)snprintf(line + n, sizeof line - n,
                       "%02X %08X:%08X %02X:%08X %08X %5u %8d %" PRIu64, state,
                       row->txq, row->rxq, 0u, 0u, 0u, row->uid, 0, row->inode);
  char *copy = copy_of(line, n);
  must(pi__proctable_line(row->proto, row->family, copy, n, &again));
  must(memcmp(row, &again, sizeof again) == 0);
  free(copy);
}

static int see(void *arg, const pi__row *row, pi_error *err) {
  rows *r = arg;
  (void)err;
  is_a_row(r, row);
  is_the_same_again(row);
  // nor are the two of a pair taken for each other
  pi__row other = *row;
  other.txq = ~row->rxq;
  other.rport = (uint16_t)~row->lport;
  is_the_same_again(&other);
  must(r->count < MOST_ROWS);
  r->list[r->count++] = *row;
  return 0;
}

static void read_in_pieces(rows *r, const char *bytes, size_t length,
                           size_t piece) {
  const pi__want want = {.proc = proc};
  fill_file(bytes, length);
  file.piece = piece;
  r->count = r->skipped = 0;
  must(pi__proctable_read(&want, r->proto, r->family, UINT16_MAX, see, r,
                          &r->skipped, NULL) == 0);
}

static void begin_the_same(const rows *whole, const rows *part) {
  must(part->count <= whole->count);
  must(memcmp(whole->list, part->list, part->count * sizeof *part->list) == 0);
}

static size_t lines_in(const char *bytes, size_t length) {
  size_t n = length > 0 && bytes[length - 1] != '\n';
  for (size_t i = 0; i < length; i++) n += bytes[i] == '\n';
  return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const pi_proto protos[] = {PI_PROTO_TCP, PI_PROTO_UDP,
                                    PI_PROTO_UDPLITE, PI_PROTO_RAW};
  static rows whole, part;
  input in = {data, size};
  uint8_t table = take_byte(&in);
  size_t cut = (size_t)take_byte(&in) << 8;
  cut |= take_byte(&in);
  whole.proto = part.proto = protos[table % LENGTH(protos)];
  whole.family = part.family = table & 4 ? PI_FAMILY_6 : PI_FAMILY_4;
  char *text = copy_of(in.at, in.left);
  read_in_pieces(&whole, text, in.left, SIZE_MAX);
  size_t lines = lines_in(text, in.left), told = whole.count + whole.skipped;
  must(told <= lines && told + 1 >= lines);
  read_in_pieces(&part, text, in.left, 1 + cut % 61);
  must(part.count == whole.count && part.skipped == whole.skipped);
  begin_the_same(&whole, &part);
  read_in_pieces(&part, text, in.left == 0 ? 0 : cut % in.left, SIZE_MAX);
  begin_the_same(&whole, &part);
  free(text);
  return 0;
}
