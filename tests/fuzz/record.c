/* record.c: any bytes at all, as the iterator's stream gives them.
 *
 * They come in pieces, as reads do: whatever the pieces, the same records are
 * visited, and the same foreign one ends it. Each row can be used.
 */
#include "fuzz.h"

#include "core/collect.h"
#include "os/linux/taskfile.h"

typedef struct seen {
  size_t count;
  uint64_t sum; /* of what was read */
} seen;

static int see(void *arg, const pi__record *r, pi_error *err) {
  seen *s = arg;
  pi__row row;
  bool autobound;
  (void)err;
  s->count++;
  s->sum = s->sum * 31 + r->inode + r->pid;
  must(pi__record_comm(r) <= sizeof r->comm);
  must(pi__record_autobound(r, &autobound) <= PI_UNKNOWN);
  if (!pi__record_row(r, &row)) return 0;
  must(row.proto < PI_PROTOS && row.proto != PI_PROTO_SCTP);
  must(row.state <= PI_STATE_UNCONNECTED);
  must(row.family <= PI_FAMILY_6 && row.rxq_sight <= PI_UNKNOWN);
  return 0;
}

/* Walks in pieces of so many bytes; what one leaves stands before the next. */
static int walk(const char *bytes, size_t size, size_t piece, seen *s) {
  size_t start = 0, used;
  for (size_t end = 0; end < size;) {
    end = size - end < piece ? size : end + piece;
    int rc = pi__record_walk(bytes + start, end - start, &used, see, s, NULL);
    must(used <= end - start && used % sizeof(pi__record) == 0);
    if (rc != 0) return rc;
    start += used;
    must(end - start < sizeof(pi__record));
  }
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  seen whole = {0}, parts = {0};
  int rc = walk((const char *)data, size, size + 1, &whole);
  must(rc == 0 || rc == PI_EREPLY);
  must(walk((const char *)data, size, 1 + size % 200, &parts) == rc);
  must(whole.count == parts.count && whole.sum == parts.sum);
  must(whole.count <= size / sizeof(pi__record));
  return 0;
}
