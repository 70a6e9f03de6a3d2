/* sockdiag.c: sock_diag(7): a socket's facts out of an inet_diag_msg. Here the
 * kernel's byte orders, state numbers and v4 addresses become ours. */
#include "sockdiag.h"
#include "parts.h"
#include "tcpinfo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>

/* Of net/tcp_states.h, which is not for programs; 12 is a half-open socket that
 * is dumped as SYN_RECV, 13 (since 6.8) one that is bound and nothing else. */
enum {
  TCP_CLOSED = 7,
  TCP_LISTENING = 10,
  TCP_LAST = 11,
  TCP_BOUND_INACTIVE = 13
};

enum { UDP_CONNECTED = 1, UDP_UNCONNECTED = 7 };

/* Of an association of SCTP (net/sctp/constants.h), in words of TCP: what was
 * asked for and not yet answered, and who shut down first. Half-open ones are
 * kept by nobody, and the last acknowledgement ends both sides. An endpoint is
 * told with a state of TCP. */
static const pi_state sctp_states[] = {
    PI_STATE_CLOSED,      PI_STATE_SYN_SENT,   /* COOKIE_WAIT */
    PI_STATE_SYN_SENT,                         /* COOKIE_ECHOED */
    PI_STATE_ESTABLISHED, PI_STATE_FIN_WAIT_1, /* SHUTDOWN_PENDING */
    PI_STATE_FIN_WAIT_2,                       /* SHUTDOWN_SENT */
    PI_STATE_CLOSE_WAIT,                       /* SHUTDOWN_RECEIVED */
    PI_STATE_LAST_ACK,                         /* SHUTDOWN_ACK_SENT */
};

static const uint16_t ip_protocols[PI_PROTOS] = {
    [PI_PROTO_TCP] = IPPROTO_TCP,
    [PI_PROTO_UDP] = IPPROTO_UDP,
    [PI_PROTO_UDPLITE] = IPPROTO_UDPLITE,
    [PI_PROTO_SCTP] = IPPROTO_SCTP,
    [PI_PROTO_MPTCP] = 262, /* IPPROTO_MPTCP of linux/in.h since 5.6 */
    [PI_PROTO_RAW] = IPPROTO_RAW,
};

bool pi__sockdiag_tests(pi_proto proto) {
  return proto == PI_PROTO_TCP || proto == PI_PROTO_UDP ||
         proto == PI_PROTO_UDPLITE;
}

static bool is_datagram(pi_proto proto) {
  return proto == PI_PROTO_UDP || proto == PI_PROTO_UDPLITE ||
         proto == PI_PROTO_RAW;
}

/* ---- Requests ----------------------------------------------------------- */

/* Endpoints are asked for by LISTEN and CLOSE, associations by any other. */
static uint32_t sctp_request(uint16_t states) {
  const uint32_t listen = 1u << PI_STATE_LISTEN, closed = 1u << PI_STATE_CLOSED;
  const uint32_t endpoints = (listen | closed) << 1;  // theirs count from 1
  uint32_t bits = ((uint32_t)states << 1) & endpoints;
  if (states & ~(listen | closed)) {
    bits |= ((1u << (TCP_LAST + 1)) - 1) & ~endpoints;
  }
  return bits;
}

static uint32_t kernel_states(const pi__sockdiag_query *query) {
  if (query->proto == PI_PROTO_SCTP) return sctp_request(query->states);
  if (is_datagram(query->proto)) {
    uint32_t bits = 0;
    if (query->states >> PI_STATE_CONNECTED & 1) bits |= 1u << UDP_CONNECTED;
    if (query->states >> PI_STATE_UNCONNECTED & 1) {
      bits |= 1u << UDP_UNCONNECTED;
    }
    return bits;
  }
  uint32_t bits = (uint32_t)query->states << 1;  // theirs count from 1
  bits &= (1u << (TCP_LAST + 1)) - 1;
  if (query->states >> PI_STATE_CLOSED & 1) bits |= 1u << TCP_BOUND_INACTIVE;
  return bits;
}

/* Either body, the attribute of a large protocol behind the newer one. */
enum {
  BODY_MOST = sizeof(struct inet_diag_req) > sizeof(struct inet_diag_req_v2) + 8
                  ? sizeof(struct inet_diag_req)
                  : sizeof(struct inet_diag_req_v2) + 8
};

typedef struct request {
  struct nlmsghdr header;
  char rest[BODY_MOST + sizeof(struct nlattr) + PI__BYTECODE_SIZE];
} request;

/* A protocol beyond a byte goes into an attribute (since 5.9). An older kernel
 * passes over that, and refuses the 0 that stands in the byte. */
static size_t put_protocol(char *to, uint32_t protocol) {
  const struct nlattr attribute = {
      .nla_len = sizeof attribute + sizeof protocol,
      .nla_type = INET_DIAG_REQ_PROTOCOL,
  };
  if (protocol <= UINT8_MAX) return 0;
  memcpy(to, &attribute, sizeof attribute);
  memcpy(to + sizeof attribute, &protocol, sizeof protocol);
  return attribute.nla_len;
}

static uint8_t extensions(const pi__sockdiag_query *query) {
  return query->figures ? (uint8_t)pi__tcpinfo_extensions() : 0;
}

/* The request of Linux 2.6 knows no family and so gets both, for one walk over
 * the kernel's table, which is shared by them. It is answered for TCP alone. */
static size_t put_body(request *r, const pi__sockdiag_query *query) {
  if (query->both) {
    struct inet_diag_req body = {.idiag_ext = extensions(query),
                                 .idiag_states = kernel_states(query)};
    r->header.nlmsg_type = TCPDIAG_GETSOCK;
    memcpy(r->rest, &body, sizeof body);
    return sizeof body;
  }
  const uint16_t protocol = ip_protocols[query->proto];
  struct inet_diag_req_v2 body = {
      .sdiag_family = query->family == PI_FAMILY_4 ? AF_INET : AF_INET6,
      .sdiag_protocol = protocol <= UINT8_MAX ? (uint8_t)protocol : 0,
      .idiag_ext = extensions(query),
      .idiag_states = kernel_states(query),
  };
  r->header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  memcpy(r->rest, &body, sizeof body);
  return sizeof body + put_protocol(r->rest + sizeof body, protocol);
}

static void request_init(request *r, const pi_host *host,
                         const pi__sockdiag_query *query) {
  struct nlattr attribute = {.nla_type = INET_DIAG_REQ_BYTECODE};
  memset(&r->header, 0, sizeof r->header);
  size_t used = put_body(r, query);
  size_t length =
      pi__bytecode(host, query->steps, query->step_count, query->choice,
                   r->rest + used + sizeof attribute);
  if (length > 0) {
    attribute.nla_len = (uint16_t)(sizeof attribute + length);
    memcpy(r->rest + used, &attribute, sizeof attribute);
    used += attribute.nla_len;
  }
  r->header.nlmsg_len = (uint32_t)(offsetof(request, rest) + used);
  r->header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
}

/* ---- Answers ------------------------------------------------------------ */

bool pi__kernel_state(pi_proto proto, uint8_t kernel, pi_state *ret) {
  if (is_datagram(proto)) {
    *ret = kernel == UDP_CONNECTED ? PI_STATE_CONNECTED : PI_STATE_UNCONNECTED;
    return kernel == UDP_CONNECTED || kernel == UDP_UNCONNECTED;
  }
  if (kernel == TCP_LAST + 1)
    *ret = PI_STATE_SYN_RECEIVED;
  else if (kernel == TCP_BOUND_INACTIVE)
    *ret = PI_STATE_CLOSED;
  else
    *ret = (pi_state)(kernel - 1);
  return kernel >= 1 && kernel <= TCP_BOUND_INACTIVE;
}

void pi__kernel_address(pi_family family, const void *from, pi_address *ret) {
  if (family == PI_FAMILY_6) {
    memcpy(ret->bytes, from, 16);
    return;
  }
  memset(ret->bytes, 0, 10);
  memset(ret->bytes + 10, 0xff, 2);
  memcpy(ret->bytes + 12, from, 4);
}

/* Whom the socket was made for. Half-open and time-wait sockets belong to no
 * user, and a socket without a file has uid 0 on older kernels. */
static void read_uid(const struct inet_diag_msg *m, pi__row *row) {
  row->uid = m->idiag_uid;
  row->uid_sight = PI_KNOWN;
  if (m->idiag_inode != 0) return;
  bool none =
      row->state == PI_STATE_TIME_WAIT || row->state == PI_STATE_SYN_RECEIVED;
  if (none)
    row->uid_sight = PI_EMPTY;
  else if (m->idiag_uid == 0)
    row->uid_sight = PI_UNKNOWN;
}

static void read_attributes(const struct nlmsghdr *h, pi__row *row) {
  const char *p = (const char *)h + NLMSG_HDRLEN +
                  NLMSG_ALIGN(sizeof(struct inet_diag_msg));
  const char *end = (const char *)h + h->nlmsg_len;
  const struct nlattr *a;
  while (p < end && (a = pi__netlink_attribute(&p, end)) != NULL) {
    const char *payload = (const char *)a + sizeof *a;
    size_t length = a->nla_len - sizeof *a;
    switch (a->nla_type & NLA_TYPE_MASK) {
    case INET_DIAG_SKV6ONLY:
      if (length < 1) break;
      row->v6only = *payload != 0;
      row->v6only_sight = PI_KNOWN;
      break;
    case INET_DIAG_MARK:
      if (length < sizeof row->mark) break;
      memcpy(&row->mark, payload, sizeof row->mark);
      row->mark_sight = PI_KNOWN;
      break;
    default: break;  // what we do not know, we skip
    }
  }
}

bool pi__has_v6only(const pi__row *row) {
  return row->family == PI_FAMILY_6 &&
         (row->state == PI_STATE_LISTEN || row->state == PI_STATE_CLOSED ||
          row->state == PI_STATE_UNCONNECTED);
}

/* The attribute of this type; NULL if there is none. */
static const struct nlattr *find_attribute(const struct nlmsghdr *h,
                                           unsigned type) {
  const char *p = (const char *)h + NLMSG_HDRLEN +
                  NLMSG_ALIGN(sizeof(struct inet_diag_msg));
  const char *end = (const char *)h + h->nlmsg_len;
  const struct nlattr *a;
  while (p < end && (a = pi__netlink_attribute(&p, end)) != NULL) {
    if ((a->nla_type & NLA_TYPE_MASK) == type) return a;
  }
  return NULL;
}

/* An association has a list of its far addresses (net/sctp/diag.c). */
static bool is_association(const struct nlmsghdr *h) {
  return find_attribute(h, INET_DIAG_PEERS) != NULL;
}

bool pi__sockdiag_is_row(const pi__sockdiag_query *query,
                         const struct nlmsghdr *h) {
  struct inet_diag_msg m;
  if (query->proto != PI_PROTO_SCTP || is_association(h)) return true;
  if (h->nlmsg_len < NLMSG_HDRLEN + sizeof m) return true;  // a malformed one
  memcpy(&m, (const char *)h + NLMSG_HDRLEN, sizeof m);
  return m.idiag_state == TCP_LISTENING || m.idiag_state == TCP_CLOSED;
}

static bool read_sctp_state(const struct nlmsghdr *h, uint8_t kernel,
                            pi_state *ret) {
  if (!is_association(h)) return pi__kernel_state(PI_PROTO_SCTP, kernel, ret);
  if (kernel >= sizeof sctp_states / sizeof *sctp_states) return false;
  *ret = sctp_states[kernel];
  return true;
}

/* Is it of a family that was asked for? */
static bool read_family(const pi__sockdiag_query *query, uint8_t kernel,
                        pi_family *ret) {
  *ret = kernel == AF_INET6 ? PI_FAMILY_6 : PI_FAMILY_4;
  if (kernel != AF_INET && kernel != AF_INET6) return false;
  return query->both || *ret == query->family;
}

bool pi__sockdiag_read(pi__ifaces *ifaces, const pi__sockdiag_query *query,
                       const struct nlmsghdr *h, pi__row *row, pi_error *err) {
  struct inet_diag_msg m;
  if (h->nlmsg_type != (query->both ? TCPDIAG_GETSOCK : SOCK_DIAG_BY_FAMILY)) {
    return false;
  }
  if (h->nlmsg_len < NLMSG_HDRLEN + sizeof m) return false;
  memcpy(&m, (const char *)h + NLMSG_HDRLEN, sizeof m);
  memset(row, 0, sizeof *row);
  row->proto = query->proto;
  if (!read_family(query, m.idiag_family, &row->family)) return false;
  bool state = query->proto == PI_PROTO_SCTP
                   ? read_sctp_state(h, m.idiag_state, &row->state)
                   : pi__kernel_state(query->proto, m.idiag_state, &row->state);
  if (!state) return false;
  pi__kernel_address(row->family, m.id.idiag_src, &row->laddr);
  pi__kernel_address(row->family, m.id.idiag_dst, &row->raddr);
  row->lport = ntohs(m.id.idiag_sport);
  row->rport = ntohs(m.id.idiag_dport);
  row->inode = m.idiag_inode;
  row->cookie = (uint64_t)m.id.idiag_cookie[1] << 32 | m.id.idiag_cookie[0];
  row->rxq = m.idiag_rqueue;
  row->txq = m.idiag_wqueue;
  row->v6only_sight = pi__has_v6only(row) ? PI_UNKNOWN : PI_EMPTY;
  row->mark_sight = PI_UNKNOWN;
  read_uid(&m, row);
  read_attributes(h, row);
  row->iface_sight = PI_EMPTY;
  if (m.id.idiag_if == 0) return true;
  row->iface_sight = PI_UNKNOWN;
  if (ifaces == NULL) return true;
  int rc = pi__iface_name(ifaces, m.id.idiag_if, &row->iface, err);
  if (row->iface != 0) row->iface_sight = PI_KNOWN;
  return rc == 0;
}

/* ---- Dumps -------------------------------------------------------------- */

/* One dump, by however many threads. */
typedef struct walk {
  pi__reading *reading;
  pi__ifaces ifaces;
  const pi__sockdiag_query *query;
  pi__sockdiag_visit visit;
  void *arg;
  size_t skipped;
  pthread_mutex_t *lock; /* of all the above; NULL: there is one thread */
  atomic_bool stop, interrupted;
} walk;

static int visit_figures(walk *w, const struct nlmsghdr *h, pi__row row,
                         pi_error *err) {
  pi__tcp_info info;
  const char *attributes = (const char *)h + NLMSG_HDRLEN +
                           NLMSG_ALIGN(sizeof(struct inet_diag_msg));
  int rc = pi__tcpinfo_read(w->reading, row.proto, attributes,
                            (const char *)h + h->nlmsg_len, &info, err);
  row.info = &info;
  return rc != 0 ? rc : w->visit(w->arg, &row, err);
}

static int visit_message(void *arg, const struct nlmsghdr *h, pi_error *err) {
  walk *w = arg;
  pi__row row;
  pi_error trouble = {0};
  if (w->query->proto == PI_PROTO_SCTP && !pi__sockdiag_is_row(w->query, h)) {
    return 0;
  }
  if (pi__sockdiag_read(&w->ifaces, w->query, h, &row, &trouble)) {
    if (w->query->figures) return visit_figures(w, h, row, err);
    return w->visit(w->arg, &row, err);
  }
  if (trouble.code != 0) {
    *err = trouble;
    return trouble.code;
  }
  w->skipped++;
  return 0;
}

static int dump_some(walk *w, const pi__sockdiag_query *query, pi_error *err) {
  request r;
  pi__dump dump = {
      .reading = w->reading,
      .visit = visit_message,
      .arg = w,
      .lock = w->lock,
      .stop = &w->stop,
  };
  if (query->states == 0) return 0;
  request_init(&r, pi__reading_host(w->reading), query);
  int rc = pi__netlink_dump(&dump, &r.header, err);
  if (dump.interrupted) atomic_store(&w->interrupted, true);
  return rc;
}

/* Listeners are few and in a table of their own; the rest is tested. */
static int dump_tested(walk *w, pi_error *err) {
  const uint16_t listen = 1u << PI_STATE_LISTEN;
  pi__sockdiag_query listeners = *w->query, rest = *w->query;
  if (rest.step_count == 0 || (rest.states & ~listen) == 0) {
    return dump_some(w, w->query, err);
  }
  listeners.states &= listen;
  listeners.step_count = 0;
  rest.states &= (uint16_t)~listen;
  int rc = dump_some(w, &listeners, err);
  return rc != 0 ? rc : dump_some(w, &rest, err);
}

static int dump_part(void *arg, unsigned part, pi_error *err) {
  walk *w = arg;
  pi__sockdiag_query query = *w->query;
  pi__step steps[PI__PART_STEPS];
  query.step_count =
      pi__parts_steps(pi__reading_host(w->reading), part, query.parts, steps);
  query.steps = steps;
  return dump_some(w, &query, err);
}

static int dump_parts(walk *w, pi_error *err) {
  pthread_mutex_t lock;
  pthread_mutex_init(&lock, NULL);
  w->lock = &lock;
  int rc = pi__parts_run(w->query->parts, dump_part, w, &w->stop, err);
  w->lock = NULL;
  pthread_mutex_destroy(&lock);
  atomic_store(&w->stop, false);
  return rc;
}

int pi__sockdiag_dump(pi__reading *reading, const pi__sockdiag_query *query,
                      pi__sockdiag_visit visit, void *arg, bool *interrupted,
                      size_t *skipped, pi_error *err) {
  pi_error local;
  if (err == NULL) err = &local;
  walk w = {.reading = reading,
            .ifaces = {.reading = reading},
            .query = query,
            .visit = visit,
            .arg = arg};
  bool parted = query->parts > 1 && query->step_count == 0;
  int rc = parted ? dump_parts(&w, err) : dump_tested(&w, err);
  if (rc == PI_EOS && err->os == EINVAL && (parted || query->step_count > 0)) {
    // a kernel that does not know our code: then everything passes
    pi__sockdiag_query untested = *query;
    untested.step_count = 0;
    w.query = &untested;
    rc = dump_tested(&w, err);
  }
  *interrupted = atomic_load(&w.interrupted);
  *skipped = w.skipped;
  return rc;
}
