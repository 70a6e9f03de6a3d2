/* derive.c: what follows from a socket's own facts: role, reach, exposure, and
 * the port by which its service is known. */
#include "snapshot.h"

#include <stdlib.h>
#include <string.h>

static pi_exposure exposure_v4(const uint8_t *b) {
  if (b[0] == 127) return PI_EXPOSURE_LOOPBACK;
  if ((b[0] | b[1] | b[2] | b[3]) == 0) return PI_EXPOSURE_WILDCARD;
  if (b[0] == 169 && b[1] == 254) return PI_EXPOSURE_LINK_LOCAL;
  if (b[0] == 10 || (b[0] == 192 && b[1] == 168)) return PI_EXPOSURE_PRIVATE;
  if (b[0] == 172 && (b[1] & 0xf0) == 16) return PI_EXPOSURE_PRIVATE;
  // RFC 6598: shared between a carrier and its customers, not routed globally
  if (b[0] == 100 && (b[1] & 0xc0) == 64) return PI_EXPOSURE_PRIVATE;
  if ((b[0] & 0xf0) == 224) return PI_EXPOSURE_MULTICAST;
  // RFC 919: the limited broadcast address is never forwarded
  if ((b[0] & b[1] & b[2] & b[3]) == 255) return PI_EXPOSURE_LINK_LOCAL;
  return PI_EXPOSURE_PUBLIC;
}

static pi_exposure exposure_v6(const uint8_t *b) {
  static const uint8_t zero[15];
  if (memcmp(b, zero, 15) == 0) {
    if (b[15] == 0) return PI_EXPOSURE_WILDCARD;
    if (b[15] == 1) return PI_EXPOSURE_LOOPBACK;
  }
  if (b[0] == 0xfe && (b[1] & 0xc0) == 0x80) return PI_EXPOSURE_LINK_LOCAL;
  if (b[0] == 0xfe && (b[1] & 0xc0) == 0xc0) return PI_EXPOSURE_PRIVATE;
  if ((b[0] & 0xfe) == 0xfc) return PI_EXPOSURE_PRIVATE;
  if (b[0] == 0xff) return PI_EXPOSURE_MULTICAST;
  return PI_EXPOSURE_PUBLIC;
}

static bool iface_is_lo(const pi_snapshot *s, size_t row) {
  if (pi__cell_sight(s, row, PI_IFACE) != PI_KNOWN) return false;
  const pi__string *name =
      pi__string_at(s, (uint32_t)pi__cell(s, row, PI_IFACE));
  return name != NULL && strcmp(name->bytes, "lo") == 0;
}

static pi_exposure row_exposure(const pi_snapshot *s, size_t row) {
  const pi_address *a = pi__cell_address(s, row, PI_LADDR);
  pi_exposure e =
      pi_address_is_v4(a) ? exposure_v4(a->bytes + 12) : exposure_v6(a->bytes);
  if (e == PI_EXPOSURE_WILDCARD && iface_is_lo(s, row)) {
    return PI_EXPOSURE_LOOPBACK;
  }
  return e;
}

static bool is_any_v6(const pi_address *a) {
  static const pi_address any;
  return memcmp(a, &any, sizeof any) == 0;
}

static bool is_any_v4(const pi_address *a) {
  static const uint8_t zero[4];
  return pi_address_is_v4(a) && memcmp(a->bytes + 12, zero, 4) == 0;
}

static int set_families(pi_snapshot *s, size_t row, pi_error *err) {
  const pi_address *a = pi__cell_address(s, row, PI_LADDR);
  pi_families families = pi_address_is_v4(a) ? PI_FAMILIES_4 : PI_FAMILIES_6;
  if (is_any_v6(a)) {
    pi_sight sight = pi__cell_sight(s, row, PI_V6ONLY);
    if (sight == PI_UNKNOWN) {
      return pi__sight_set(s, row, PI_FAMILIES, PI_UNKNOWN, err);
    }
    if (sight == PI_KNOWN && !pi__cell(s, row, PI_V6ONLY)) {
      families = PI_FAMILIES_BOTH;
    }
  }
  pi__cell_set(s, row, PI_FAMILIES, families);
  return 0;
}

/* ---- Listeners, to tell inbound from outbound --------------------------- */

typedef struct listeners {
  uint32_t *rows;  /* of listeners, sorted by local port */
  uint32_t *first; /* per port, 65537: the run of that port */
} listeners;

static bool is_listener(const pi_snapshot *s, size_t row) {
  return pi__cell(s, row, PI_STATE) == PI_STATE_LISTEN;
}

static void listeners_deinit(listeners *l) {
  l->rows = pi__realloc(l->rows, 0);
  l->first = pi__realloc(l->first, 0);
}

/* A counting sort: two passes, whatever the number of listeners. */
static int listeners_init(listeners *l, const pi_snapshot *s, pi_error *err) {
  enum { PORTS = 65536 };
  size_t n = 0;
  for (size_t i = 0; i < s->count; i++) n += is_listener(s, i);
  *l = (listeners){
      .rows = pi__realloc(NULL, (n + 1) * sizeof *l->rows),
      .first = pi__realloc(NULL, (PORTS + 2) * sizeof *l->first),
  };
  if (l->rows == NULL || l->first == NULL) {
    listeners_deinit(l);
    return pi__nomem(err);
  }
  memset(l->first, 0, (PORTS + 2) * sizeof *l->first);
  for (size_t i = 0; i < s->count; i++) {
    if (is_listener(s, i)) l->first[pi__cell(s, i, PI_LPORT) + 2]++;
  }
  for (size_t p = 2; p < PORTS + 2; p++) l->first[p] += l->first[p - 1];
  for (size_t i = 0; i < s->count; i++) {
    if (!is_listener(s, i)) continue;
    l->rows[l->first[pi__cell(s, i, PI_LPORT) + 1]++] = (uint32_t)i;
  }
  return 0;
}

/* Are two rows of one device? Equal texts need not share a number. */
static bool same_iface(const pi_snapshot *s, size_t a, size_t b) {
  uint64_t x = pi__cell(s, a, PI_IFACE), y = pi__cell(s, b, PI_IFACE);
  if (x == y || x == 0 || y == 0) return x == y;
  return strcmp(pi__string_at(s, (uint32_t)x)->bytes,
                pi__string_at(s, (uint32_t)y)->bytes) == 0;
}

/* Would this listener have accepted a connection to this row's local end? Its
 * children are of its own family, those of IPv4 clients as well. */
static bool accepts(const pi_snapshot *s, size_t listener, size_t row) {
  if (pi__cell(s, listener, PI_PROTO) != pi__cell(s, row, PI_PROTO) ||
      pi__cell(s, listener, PI_FAMILY) != pi__cell(s, row, PI_FAMILY) ||
      pi__cell(s, listener, PI_NETNS) != pi__cell(s, row, PI_NETNS)) {
    return false;
  }
  if (pi__cell(s, listener, PI_IFACE) != 0 && !same_iface(s, listener, row)) {
    return false;  // bound to another device
  }
  const pi_address *at = pi__cell_address(s, listener, PI_LADDR);
  const pi_address *a = pi__cell_address(s, row, PI_LADDR);
  if (memcmp(at, a, sizeof *a) == 0 || is_any_v6(at)) return true;
  return is_any_v4(at) && pi_address_is_v4(a);
}

/* The listener that a row came from, or PI__NO_ROW. */
static uint32_t find_listener(const pi_snapshot *s, const listeners *l,
                              size_t row) {
  size_t port = pi__cell(s, row, PI_LPORT);
  for (uint32_t i = l->first[port]; i < l->first[port + 1]; i++) {
    if (accepts(s, l->rows[i], row)) return l->rows[i];
  }
  return PI__NO_ROW;
}

/* ---- Who chose the port ------------------------------------------------- */

/* Time-wait and half-open sockets are no full sockets: the kernel keeps no
 * trace of how their port was chosen (net/ipv4/inet_diag.c, sk_fullsock). */
static bool is_full(pi_state state) {
  return state != PI_STATE_TIME_WAIT && state != PI_STATE_SYN_RECEIVED;
}

static bool is_connection(pi_state state) {
  return state != PI_STATE_LISTEN && state != PI_STATE_CLOSED &&
         state != PI_STATE_SYN_SENT && state != PI_STATE_CONNECTED &&
         state != PI_STATE_UNCONNECTED;
}

void pi__marks_begin(pi_snapshot *s) {
  memset(s->marked, PI__MARK_NONE, s->count);
  for (size_t row = 0; s->told != NULL && row < s->count; row++) {
    if (s->told[row] == PI__CHOICE_KERNEL) s->marked[row] = PI__MARK_AUTOBOUND;
  }
}

/* Did the kernel tell who chose the port of this socket? */
static bool is_told(const pi_snapshot *s, size_t row) {
  pi_proto proto = (pi_proto)pi__cell(s, row, PI_PROTO);
  pi_family family = (pi_family)pi__cell(s, row, PI_FAMILY);
  return pi__row_netns(s, row)->sources[proto][family].autobound &&
         s->marked[row] != PI__MARK_DOUBT;
}

/* Did its process choose the port, for sure? An accepted socket has no such
 * mark, whatever its listener has: the kernel drops it from children
 * (SOCK_BINDPORT_LOCK in net/core/sock.c, sk_clone_lock). */
static bool is_chosen(const pi_snapshot *s, size_t row) {
  return is_told(s, row) && s->marked[row] == PI__MARK_NONE;
}

/* Is the port where the kernel never chooses one? */
static bool is_outside(const pi_snapshot *s, size_t row) {
  uint64_t port = pi__cell(s, row, PI_LPORT);
  const pi_host *host = &pi__row_netns(s, row)->host;
  return host->ephemeral_known &&
         (port < host->ephemeral_first || port > host->ephemeral_last);
}

/* Does it matter whether this row was there still when the kernel was asked? Of
 * connections it calls all autobound but those that were bound first. */
static bool is_doubtful(const pi_snapshot *s, size_t row) {
  pi_state state = (pi_state)pi__cell(s, row, PI_STATE);
  if (s->marked[row] != PI__MARK_NONE || !is_full(state)) return false;
  return is_connection(state) || !is_outside(s, row);
}

bool pi__reading_doubt(pi__reading *reading, pi_proto proto, pi_family family) {
  pi_snapshot *s = &reading->snapshot;
  const uint64_t netns = pi__reading_host(reading)->netns;
  bool any = false;
  for (size_t row = 0; row < s->count; row++) {
    if (pi__cell(s, row, PI_NETNS) != netns) continue;
    if (pi__cell(s, row, PI_PROTO) != proto) continue;
    if (pi__cell(s, row, PI_FAMILY) != family) continue;
    if (!is_doubtful(s, row)) continue;
    s->marked[row] = PI__MARK_DOUBT;
    any = true;
  }
  return any;
}

static pi_truth autobound(const pi_snapshot *s, uint32_t listener, size_t row) {
  pi_state state = (pi_state)pi__cell(s, row, PI_STATE);
  if (!is_full(state)) return PI_UNDECIDED;
  if (is_chosen(s, row)) return PI_FALSE;
  // an accepted socket has its port from its listener
  if (listener != PI__NO_ROW) return autobound(s, PI__NO_ROW, listener);
  bool accepted = is_connection(state) && is_outside(s, row);
  if (is_told(s, row)) return accepted ? PI_FALSE : PI_TRUE;
  return is_outside(s, row) ? PI_FALSE : PI_UNDECIDED;
}

static int set_autobound(pi_snapshot *s, uint32_t listener, size_t row,
                         pi_error *err) {
  pi_truth truth = autobound(s, listener, row);
  if (truth == PI_UNDECIDED) {
    return pi__sight_set(s, row, PI_AUTOBOUND, PI_UNKNOWN, err);
  }
  pi__cell_set(s, row, PI_AUTOBOUND, truth == PI_TRUE);
  return 0;
}

/* ---- Role --------------------------------------------------------------- */

static const int role_unknown = -1;

/* `yes` or `no` by who chose the port, or unknown. */
static int by_autobound(const pi_snapshot *s, size_t row, pi_role yes,
                        pi_role no) {
  if (pi__cell_sight(s, row, PI_AUTOBOUND) != PI_KNOWN) return role_unknown;
  return (int)(pi__cell(s, row, PI_AUTOBOUND) ? yes : no);
}

static int row_role(const pi_snapshot *s, uint32_t listener, size_t row) {
  switch ((pi_state)pi__cell(s, row, PI_STATE)) {
  case PI_STATE_LISTEN: return PI_ROLE_LISTENER;
  case PI_STATE_CLOSED: return PI_ROLE_BOUND;
  case PI_STATE_CONNECTED: return PI_ROLE_CONNECTED;
  case PI_STATE_UNCONNECTED:
    return by_autobound(s, row, PI_ROLE_CLIENT, PI_ROLE_SERVICE);
  case PI_STATE_SYN_SENT: return PI_ROLE_OUTBOUND;
  case PI_STATE_SYN_RECEIVED: return PI_ROLE_INBOUND;
  case PI_STATE_ESTABLISHED:
  case PI_STATE_CLOSE_WAIT:
    if (is_chosen(s, row)) return PI_ROLE_OUTBOUND;  // bound, then connected
    if (listener != PI__NO_ROW) return PI_ROLE_INBOUND;
    // untold, it may have been accepted by a listener that is gone, or not
    if (!is_told(s, row)) return role_unknown;
    return by_autobound(s, row, PI_ROLE_OUTBOUND, PI_ROLE_INBOUND);
  default: return PI_ROLE_CLOSING;
  }
}

/* The port by which the service is known: the far one of a client. */
static void set_service_port(pi_snapshot *s, size_t row, int role) {
  pi_field port = PI_LPORT;
  pi_sight sight = PI_KNOWN;
  if (role == PI_ROLE_OUTBOUND) port = PI_RPORT;
  if (role == role_unknown && pi__cell_sight(s, row, PI_RPORT) == PI_KNOWN) {
    sight = PI_UNKNOWN;
  }
  if (role == PI_ROLE_CONNECTED) {
    if (pi__cell_sight(s, row, PI_AUTOBOUND) != PI_KNOWN) sight = PI_UNKNOWN;
    if (pi__cell(s, row, PI_AUTOBOUND)) port = PI_RPORT;
  }
  s->service_port[row] = (uint16_t)pi__cell(s, row, port);
  s->service_sight[row] = (uint8_t)sight;
}

void pi__derive_service(pi_snapshot *s, size_t row) {
  if (pi__cell(s, row, PI_PROTO) == PI_PROTO_RAW) {
    s->service_sight[row] = PI_EMPTY;
    return;
  }
  bool known = pi__cell_sight(s, row, PI_ROLE) == PI_KNOWN;
  int role = known ? (int)pi__cell(s, row, PI_ROLE) : role_unknown;
  set_service_port(s, row, role);
}

/* What has no port has none of what follows from one, and a socket that is not
 * bound is not reached at all. */
static int set_portless(pi_snapshot *s, size_t row, pi_error *err) {
  static const pi_field fields[] = {PI_EXPOSURE,  PI_FAMILIES,  PI_RANGE,
                                    PI_EPHEMERAL, PI_AUTOBOUND, PI_ROLE};
  bool raw = pi__cell(s, row, PI_PROTO) == PI_PROTO_RAW;
  int rc = 0;
  for (size_t i = raw ? 2 : 0; rc == 0 && i < sizeof fields / sizeof *fields;
       i++) {
    rc = pi__sight_set(s, row, fields[i], PI_EMPTY, err);
  }
  s->service_sight[row] = PI_EMPTY;
  return rc;
}

static int set_row(pi_snapshot *s, const listeners *l, size_t row,
                   pi_error *err) {
  uint16_t port = (uint16_t)pi__cell(s, row, PI_LPORT);
  pi__cell_set(s, row, PI_EXPOSURE, row_exposure(s, row));
  int rc = set_families(s, row, err);
  if (rc != 0) return rc;
  if (pi__cell_sight(s, row, PI_LPORT) == PI_EMPTY) {
    return set_portless(s, row, err);
  }
  pi__cell_set(s, row, PI_RANGE, pi_port_range(port));
  const pi_host *host = &pi__row_netns(s, row)->host;
  if (host->ephemeral_known) {
    pi__cell_set(s, row, PI_EPHEMERAL,
                 port >= host->ephemeral_first && port <= host->ephemeral_last);
  } else {
    rc = pi__sight_set(s, row, PI_EPHEMERAL, PI_UNKNOWN, err);
    if (rc != 0) return rc;
  }
  uint32_t listener = PI__NO_ROW;
  if (is_connection((pi_state)pi__cell(s, row, PI_STATE))) {
    listener = find_listener(s, l, row);
  }
  rc = set_autobound(s, listener, row, err);
  if (rc != 0) return rc;
  int role = row_role(s, listener, row);
  if (role == role_unknown) {
    rc = pi__sight_set(s, row, PI_ROLE, PI_UNKNOWN, err);
    if (rc != 0) return rc;
  } else {
    pi__cell_set(s, row, PI_ROLE, (uint64_t)role);
  }
  set_service_port(s, row, role);
  return 0;
}

static int add_columns(pi_snapshot *s, pi_error *err) {
  for (int f = 0; f < PI_FIELD_COUNT; f++) {
    if (pi_field_describe((pi_field)f)->group != PI_GROUP_DERIVED) continue;
    if (pi__width((pi_field)f) == 0) continue;
    int rc = pi__column_add(s, (pi_field)f, err);
    if (rc != 0) return rc;
  }
  size_t n = s->count + 1;  // never zero, which would free
  if (s->service_port == NULL) {
    s->service_port = pi__realloc(NULL, n * sizeof *s->service_port);
  }
  if (s->service_sight == NULL) s->service_sight = pi__realloc(NULL, n);
  if (s->service_port == NULL || s->service_sight == NULL) {
    return pi__nomem(err);
  }
  return 0;
}

int pi__derive(pi_snapshot *s, pi_error *err) {
  listeners l;
  int rc = add_columns(s, err);
  if (rc != 0) return rc;
  rc = listeners_init(&l, s, err);
  if (rc != 0) return rc;
  for (size_t row = 0; rc == 0 && row < s->count; row++) {
    rc = set_row(s, &l, row, err);
  }
  listeners_deinit(&l);
  return rc;
}
