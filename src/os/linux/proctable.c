/* proctable.c: /proc/net/{tcp,udp,udplite,raw} and those of IPv6, with a 6
 * (net/ipv4/tcp_ipv4.c, get_tcp4_sock): what serves where sock_diag does not.
 * It knows no cookie, device, mark or V6ONLY, and no limit of an accept queue.
 */
#include "proctable.h"
#include "file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const names[PI_PROTOS] = {
    [PI_PROTO_TCP] = "tcp",
    [PI_PROTO_UDP] = "udp",
    [PI_PROTO_UDPLITE] = "udplite",
    [PI_PROTO_RAW] = "raw",
};

bool pi__proctable_has(pi_proto proto) {
  return names[proto] != NULL;
}

typedef struct cursor {
  const char *at, *end;
} cursor;

static void skip_spaces(cursor *c) {
  while (c->at < c->end && *c->at == ' ') c->at++;
}

static bool skip_char(cursor *c, char wanted) {
  if (c->at == c->end || *c->at != wanted) return false;
  c->at++;
  return true;
}

/* Digits of `base`; false if there are none or too many for 64 bits. */
static bool take_number(cursor *c, unsigned base, uint64_t *ret) {
  const char *start = c->at;
  uint64_t n = 0;
  for (; c->at < c->end; c->at++) {
    char d = *c->at;
    unsigned digit;
    if (d >= '0' && d <= '9')
      digit = (unsigned)(d - '0');
    else if (base == 16 && d >= 'A' && d <= 'F')
      digit = (unsigned)(d - 'A') + 10;
    else
      break;
    if (n > (UINT64_MAX - digit) / base) return false;
    n = n * base + digit;
  }
  *ret = n;
  return c->at > start;
}

static bool skip_field(cursor *c) {
  skip_spaces(c);
  const char *start = c->at;
  while (c->at < c->end && *c->at != ' ') c->at++;
  return c->at > start;
}

/* Addresses stand as 32-bit words of host order, ports as plain numbers. */
static bool take_endpoint(cursor *c, pi_family family, pi_address *address,
                          uint16_t *port) {
  int words = family == PI_FAMILY_4 ? 1 : 4;
  memset(address->bytes, 0, 10);
  memset(address->bytes + 10, 0xff, 2);
  skip_spaces(c);
  for (int i = 0; i < words; i++) {
    uint64_t n;
    cursor word = {c->at, c->at + 8};
    if (c->end - c->at < 8 || !take_number(&word, 16, &n)) return false;
    if (word.at != word.end) return false;
    uint32_t host = (uint32_t)n;
    memcpy(address->bytes + (words == 1 ? 12 : 4 * i), &host, 4);
    c->at += 8;
  }
  uint64_t n;
  if (!skip_char(c, ':') || !take_number(c, 16, &n) || n > 65535) return false;
  *port = (uint16_t)n;
  return true;
}

static bool take_state(cursor *c, pi_proto proto, pi_state *ret) {
  uint64_t n;
  skip_spaces(c);
  if (!take_number(c, 16, &n)) return false;
  if (proto != PI_PROTO_TCP) {
    *ret = n == 1 ? PI_STATE_CONNECTED : PI_STATE_UNCONNECTED;
    return n == 1 || n == 7;
  }
  *ret = n == 12 ? PI_STATE_SYN_RECEIVED : (pi_state)(n - 1);
  return n >= 1 && n <= 12;
}

static bool take_queues(cursor *c, pi__row *row) {
  uint64_t tx, rx;
  skip_spaces(c);
  if (!take_number(c, 16, &tx) || !skip_char(c, ':')) return false;
  if (!take_number(c, 16, &rx)) return false;
  if (tx > UINT32_MAX || rx > UINT32_MAX) return false;
  row->txq = (uint32_t)tx;
  row->rxq = (uint32_t)rx;
  return true;
}

static bool has_v6only(const pi__row *row) {
  return row->family == PI_FAMILY_6 &&
         (row->state == PI_STATE_LISTEN || row->state == PI_STATE_UNCONNECTED);
}

static void set_sights(pi__row *row) {
  row->iface_sight = row->mark_sight = PI_UNKNOWN;
  row->v6only_sight = has_v6only(row) ? PI_UNKNOWN : PI_EMPTY;
  row->txq_sight = row->state == PI_STATE_LISTEN ? PI_UNKNOWN : PI_KNOWN;
  row->uid_sight = PI_KNOWN;
  if (row->inode != 0) return;
  bool none =
      row->state == PI_STATE_TIME_WAIT || row->state == PI_STATE_SYN_RECEIVED;
  if (none)
    row->uid_sight = PI_EMPTY;
  else if (row->uid == 0)
    row->uid_sight = PI_UNKNOWN;
}

bool pi__proctable_line(pi_proto proto, pi_family family, const char *line,
                        size_t length, pi__row *row) {
  cursor c = {line, line + length};
  uint64_t n;
  memset(row, 0, sizeof *row);
  row->proto = proto;
  row->family = family;
  skip_spaces(&c);
  if (!take_number(&c, 10, &n) || !skip_char(&c, ':')) return false;
  if (!take_endpoint(&c, family, &row->laddr, &row->lport)) return false;
  if (!take_endpoint(&c, family, &row->raddr, &row->rport)) return false;
  if (!take_state(&c, proto, &row->state)) return false;
  if (!take_queues(&c, row)) return false;
  if (!skip_field(&c) || !skip_field(&c)) return false;  // timer, retransmits
  skip_spaces(&c);
  if (!take_number(&c, 10, &n) || n > UINT32_MAX) return false;
  row->uid = (uint32_t)n;
  if (!skip_field(&c)) return false;  // timeout
  skip_spaces(&c);
  if (!take_number(&c, 10, &row->inode)) return false;
  set_sights(row);
  return true;
}

/* ---- A table ------------------------------------------------------------ */

/* A file with more lines that are none of ours is no such table. */
enum { MOST_ODD = 1 << 16 };

typedef struct reader {
  pi_proto proto;
  pi_family family;
  uint16_t states;
  int (*visit)(void *arg, const pi__row *row, pi_error *err);
  void *arg;
  size_t skipped;
} reader;

static int read_lines(reader *r, pi__lines *lines, pi_error *err) {
  const char *line;
  bool cut;
  int rc = 0;
  for (size_t n = 0; rc == 0; n++) {
    pi__row row;
    if ((line = pi__lines_next(lines, &cut)) == NULL) break;
    if (cut ||
        !pi__proctable_line(r->proto, r->family, line, strlen(line), &row)) {
      r->skipped += n > 0;  // the first is the heading
      if (r->skipped > MOST_ODD) {
        rc = pi__fail(err, PI_EREPLY, 0, "its lines are not those of a table");
      }
    } else if (r->states >> row.state & 1) {
      rc = r->visit(r->arg, &row, err);
    }
  }
  return rc;
}

int pi__proctable_read(const pi__want *want, pi_proto proto, pi_family family,
                       uint16_t states,
                       int (*visit)(void *arg, const pi__row *row,
                                    pi_error *err),
                       void *arg, size_t *skipped, pi_error *err) {
  *skipped = 0;
  char path[4096], name[16];
  if (!pi__proctable_has(proto)) {
    return pi__fail(err, PI_EOS, EOPNOTSUPP, "no proc table tells of it");
  }
  snprintf(name, sizeof name, "%s%s", names[proto],
           family == PI_FAMILY_4 ? "" : "6");
  pi__net_path(want->proc, name, path);
  pi__lines lines;
  if (!pi__lines_open(&lines, path)) {
    return pi__fail(err, PI_EOS, errno, "%s: %s", path, strerror(errno));
  }
  reader r = {proto, family, states, visit, arg, 0};
  int rc = read_lines(&r, &lines, err);
  if (rc == 0 && lines.os != 0) {
    rc = pi__fail(err, PI_EOS, lines.os, "%s: %s", path, strerror(lines.os));
  }
  *skipped = r.skipped;
  pi__lines_close(&lines);
  return rc;
}
