/* tcpinfo.c: INET_DIAG_INFO and INET_DIAG_CONG. The struct of the former grows
 * with the kernel, so each member is looked for by its place: it is there if
 * the attribute is long enough. */
#include "tcpinfo.h"

#include <linux/inet_diag.h>
#include <linux/tcp.h>
#include <string.h>

unsigned pi__tcpinfo_extensions(void) {
  return 1u << (INET_DIAG_INFO - 1) | 1u << (INET_DIAG_CONG - 1);
}

bool pi__tcpinfo_has(pi_proto proto) {
  return proto == PI_PROTO_TCP || proto == PI_PROTO_MPTCP;
}

uint16_t pi__tcpinfo_states(void) {
  return 1u << PI_STATE_ESTABLISHED | 1u << PI_STATE_SYN_SENT |
         1u << PI_STATE_FIN_WAIT_1 | 1u << PI_STATE_FIN_WAIT_2 |
         1u << PI_STATE_CLOSE_WAIT | 1u << PI_STATE_LAST_ACK |
         1u << PI_STATE_CLOSING;
}

/* Where a number stands; 4 or 8 bytes, 0: nowhere. `last` is another time, the
 * less of the two counts: PI_IDLE is that of the latest data. */
typedef struct place {
  uint16_t at, size, last;
} place;

#define AT(member, size)                                                       \
  { offsetof(struct tcp_info, member), size, 0 }

static const place tcp_places[PI__FIGURES] = {
    [PI_RTT - PI_RTT] = AT(tcpi_rtt, 4),
    [PI_RETRANS - PI_RTT] = AT(tcpi_total_retrans, 4),
    [PI_CWND - PI_RTT] = AT(tcpi_snd_cwnd, 4),
    [PI_BYTES_SENT - PI_RTT] = AT(tcpi_bytes_sent, 8),
    [PI_BYTES_RECEIVED - PI_RTT] = AT(tcpi_bytes_received, 8),
    [PI_IDLE - PI_RTT] = {offsetof(struct tcp_info, tcpi_last_data_sent), 4,
                          offsetof(struct tcp_info, tcpi_last_data_recv)},
};

#undef AT

/* Of struct mptcp_info (linux/mptcp.h): bytes since 6.5, times since 6.11,
 * later than many a header. The rest is of its subflows, which are rows of TCP.
 */
static const place mptcp_places[PI__FIGURES] = {
    [PI_BYTES_SENT - PI_RTT] = {56, 8, 0},
    [PI_BYTES_RECEIVED - PI_RTT] = {64, 8, 0},
    [PI_IDLE - PI_RTT] = {84, 4, 88},
};

static bool read_number(const char *payload, size_t length, size_t at,
                        size_t size, uint64_t *ret) {
  uint32_t half;
  if (length < at + size) return false;
  if (size == sizeof *ret) {
    memcpy(ret, payload + at, sizeof *ret);
    return true;
  }
  memcpy(&half, payload + at, sizeof half);
  *ret = half;
  return true;
}

static pi__figure read_figure(const char *payload, size_t length,
                              const place *p) {
  pi__figure f = {0, PI_EMPTY};
  uint64_t last;
  if (p->size == 0) return f;
  f.sight = PI_UNKNOWN;
  if (!read_number(payload, length, p->at, p->size, &f.number)) return f;
  if (p->last != 0) {
    if (!read_number(payload, length, p->last, p->size, &last)) return f;
    if (last < f.number) f.number = last;
  }
  f.sight = PI_KNOWN;
  return f;
}

static void read_figures(pi_proto proto, const char *payload, size_t length,
                         pi__tcp_info *ret) {
  const place *places = proto == PI_PROTO_MPTCP ? mptcp_places : tcp_places;
  for (int i = 0; i < PI__FIGURES; i++) {
    ret->figures[i] = read_figure(payload, length, &places[i]);
  }
  // no answer has come yet whose time could be taken
  pi__figure *rtt = &ret->figures[PI_RTT - PI_RTT];
  if (rtt->sight == PI_KNOWN && rtt->number == 0) rtt->sight = PI_EMPTY;
}

int pi__tcpinfo_read(pi__reading *reading, pi_proto proto, const char *p,
                     const char *end, pi__tcp_info *ret, pi_error *err) {
  const struct nlattr *a;
  int rc = 0;
  memset(ret, 0, sizeof *ret);
  for (int i = 0; i < PI__FIGURES; i++) ret->figures[i].sight = PI_EMPTY;
  ret->congestion_sight = PI_EMPTY;
  while (rc == 0 && p < end && (a = pi__netlink_attribute(&p, end)) != NULL) {
    const char *payload = (const char *)a + sizeof *a;
    size_t length = a->nla_len - sizeof *a;
    switch (a->nla_type & NLA_TYPE_MASK) {
    case INET_DIAG_INFO: read_figures(proto, payload, length, ret); break;
    case INET_DIAG_CONG:
      rc = pi__reading_text(reading, payload, strnlen(payload, length),
                            &ret->congestion, err);
      ret->congestion_sight = PI_KNOWN;
      break;
    default: break;
    }
  }
  return rc;
}
