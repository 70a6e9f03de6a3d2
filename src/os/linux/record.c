/* record.c: what the iterator's records say. They come from the kernel, but by
 * a program that may be of another version than we are: none is taken for ours
 * unless its header says so. */
#include "file.h"
#include "sockdiag.h"
#include "taskfile.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int pi__record_walk(const char *bytes, size_t length, size_t *used,
                    pi__record_visit visit, void *arg, pi_error *err) {
  pi__record r;
  for (*used = 0; length - *used >= sizeof r; *used += sizeof r) {
    memcpy(&r, bytes + *used, sizeof r);  // the bytes may lie anywhere
    if (r.version != PI__RECORD_VERSION || r.size != sizeof r) {
      return pi__fail(err, PI_EREPLY, 0,
                      "the iterator's records are not ours: version %u of %u "
                      "bytes",
                      r.version, r.size);
    }
    int rc = visit(arg, &r, err);
    if (rc != 0) return rc;
  }
  return 0;
}

static bool read_proto(const pi__record *r, pi_proto *ret) {
  static const struct {
    uint8_t type;
    uint16_t protocol;
    pi_proto proto;
  } list[] = {
      {SOCK_STREAM, IPPROTO_TCP, PI_PROTO_TCP},
      {SOCK_DGRAM, IPPROTO_UDP, PI_PROTO_UDP},
      {SOCK_DGRAM, IPPROTO_UDPLITE, PI_PROTO_UDPLITE},
      {SOCK_STREAM, IPPROTO_MPTCP, PI_PROTO_MPTCP},
  };
  *ret = PI_PROTO_RAW;
  if (r->type == SOCK_RAW) return true;
  for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
    if (r->type != list[i].type || r->protocol != list[i].protocol) continue;
    *ret = list[i].proto;
    return true;
  }
  return false;  // SCTP: a socket of it may have many associations
}

static uint8_t sight_of(const pi__record *r, unsigned bit) {
  return r->known & bit ? PI_KNOWN : PI_UNKNOWN;
}

static void read_options(const pi__record *r, pi__row *row) {
  row->uid = r->uid;
  row->uid_sight = sight_of(r, PI__RECORD_UID);
  row->mark = r->mark;
  row->mark_sight = sight_of(r, PI__RECORD_MARK);
  row->iface_sight = r->iface == 0 ? PI_EMPTY : PI_UNKNOWN;
  row->v6only_sight = PI_EMPTY;
  if (!pi__has_v6only(row)) return;
  row->v6only = r->flags & PI__RECORD_IS_V6ONLY;
  row->v6only_sight = sight_of(r, PI__RECORD_V6ONLY);
}

bool pi__record_row(const pi__record *r, pi__row *row) {
  memset(row, 0, sizeof *row);
  if (r->family != AF_INET && r->family != AF_INET6) return false;
  row->family = r->family == AF_INET6 ? PI_FAMILY_6 : PI_FAMILY_4;
  if (!read_proto(r, &row->proto)) return false;
  if (!pi__kernel_state(row->proto, r->state, &row->state)) return false;
  pi__kernel_address(row->family, r->laddr, &row->laddr);
  pi__kernel_address(row->family, r->raddr, &row->raddr);
  row->lport = r->lport;
  row->rport = r->rport;
  row->inode = r->inode;
  row->cookie = r->cookie;
  row->rxq = r->rxq;
  row->txq = r->txq;
  row->rxq_sight = row->txq_sight = sight_of(r, PI__RECORD_QUEUES);
  read_options(r, row);
  return true;
}

pi_sight pi__record_autobound(const pi__record *r, bool *ret) {
  *ret = !(r->flags & PI__RECORD_IS_CHOSEN);
  return r->lport == 0 ? PI_EMPTY : (pi_sight)sight_of(r, PI__RECORD_CHOSEN);
}

size_t pi__record_comm(const pi__record *r) {
  return strnlen(r->comm, sizeof r->comm);
}

/* ---- When processes started --------------------------------------------- */

enum { SECOND = 1000000000 };

uint64_t pi__record_start(const pi__record *r, int64_t offset) {
  long ticks = sysconf(_SC_CLK_TCK);  // fs/proc/array.c: nsec_to_clock_t
  if (ticks <= 0) return 0;
  return (r->start + (uint64_t)offset) / (uint64_t)(SECOND / ticks);
}

int64_t pi__boot_offset_parse(const char *text) {
  const char *line = strstr(text, "boottime");
  long long seconds, ns;
  if (line == NULL || sscanf(line, "boottime %lld %lld", &seconds, &ns) != 2) {
    return 0;
  }
  return (int64_t)(seconds * SECOND + ns);
}

int64_t pi__boot_offset(const char *proc) {
  char path[4096], text[256];
  snprintf(path, sizeof path, "%s/self/timens_offsets", proc);
  if (pi__file_read(AT_FDCWD, path, text, sizeof text) < 0) return 0;
  return pi__boot_offset_parse(text);
}
