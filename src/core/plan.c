/* plan.c: what a filter lets us leave unread. A kind of row is its protocol,
 * family and state, which are always known of it. Of every part of a filter we
 * tell the kinds that may hold rows it does not deny, and those of which it is
 * true without exception, which is what its negation leaves out. The reading
 * may hold too much, never too little.
 *
 * Raw sockets are apart: what has no port is in a reading only if the filter
 * names it. */
#include "plan.h"
#include "filter.h"

#include <string.h>

/* A set of kinds, bits of pi_state per pi_proto and pi_family. */
typedef struct kinds {
  uint16_t states[PI_PROTOS][2];
} kinds;

typedef struct scope {
  kinds may, must;
} scope;

enum {
  UDP_STATES = 1u << PI_STATE_CONNECTED | 1u << PI_STATE_UNCONNECTED,
  TCP_STATES = (1u << PI_STATE_CONNECTED) - 1,
  // what an association of SCTP may be, in words of TCP, and an endpoint
  SCTP_STATES =
      TCP_STATES & ~(1u << PI_STATE_SYN_RECEIVED | 1u << PI_STATE_TIME_WAIT |
                     1u << PI_STATE_CLOSING),
  PEERLESS_STATES = 1u << PI_STATE_LISTEN | 1u << PI_STATE_CLOSED |
                    1u << PI_STATE_UNCONNECTED,
};

static const kinds no_kinds;
static const kinds all_kinds = {{
    [PI_PROTO_TCP] = {TCP_STATES, TCP_STATES},
    [PI_PROTO_UDP] = {UDP_STATES, UDP_STATES},
    [PI_PROTO_UDPLITE] = {UDP_STATES, UDP_STATES},
    [PI_PROTO_SCTP] = {SCTP_STATES, SCTP_STATES},
    [PI_PROTO_MPTCP] = {TCP_STATES, TCP_STATES},
    [PI_PROTO_RAW] = {UDP_STATES, UDP_STATES},
}};
static const kinds raw_kinds = {{[PI_PROTO_RAW] = {UDP_STATES, UDP_STATES}}};

static bool has_word(const pi_filter *f, uint64_t word) {
  for (size_t i = 0; i < f->count; i++) {
    if (f->members[i].first <= word && word <= f->members[i].last) return true;
  }
  return false;
}

/* Keeps the kinds that have one of the words. */
static kinds kinds_in(const pi_filter *f) {
  kinds k = all_kinds;
  uint16_t states = 0;
  for (unsigned state = 0; state <= PI_STATE_UNCONNECTED; state++) {
    if (has_word(f, state)) states |= (uint16_t)(1u << state);
  }
  for (unsigned i = 0; i < PI_SOURCES; i++) {
    uint16_t *at = &k.states[i / 2][i % 2];
    if (f->field == PI_PROTO && !has_word(f, i / 2)) *at = 0;
    if (f->field == PI_FAMILY && !has_word(f, i % 2)) *at = 0;
    if (f->field == PI_STATE) *at &= states;
  }
  return k;
}

static kinds kinds_with_peer(void) {
  kinds k = all_kinds;
  for (int i = 0; i < PI_SOURCES; i++) {
    k.states[i / 2][i % 2] &= (uint16_t)~PEERLESS_STATES;
  }
  return k;
}

static kinds without(const kinds *from, const kinds *what) {
  kinds k = *from;
  for (int i = 0; i < PI_SOURCES; i++) {
    k.states[i / 2][i % 2] &= (uint16_t)~what->states[i / 2][i % 2];
  }
  return k;
}

static void meet(kinds *a, const kinds *b) {
  for (int i = 0; i < PI_SOURCES; i++)
    a->states[i / 2][i % 2] &= b->states[i / 2][i % 2];
}

static void join(kinds *a, const kinds *b) {
  for (int i = 0; i < PI_SOURCES; i++)
    a->states[i / 2][i % 2] |= b->states[i / 2][i % 2];
}

/* Whether there is a peer follows from the state; what it is does not. A number
 * of a protocol is what raw sockets have. */
static scope scope_of_leaf(const pi_filter *f) {
  scope s = {all_kinds, no_kinds};
  bool kind =
      f->field == PI_PROTO || f->field == PI_FAMILY || f->field == PI_STATE;
  bool peer = f->field == PI_RPORT || f->field == PI_RADDR;
  if (f->node == PI__NODE_ALL) return (scope){all_kinds, all_kinds};
  if (kind) s.must = s.may = f->node == PI__NODE_IN ? kinds_in(f) : all_kinds;
  bool raw = f->field == PI_PROTOCOL;
  if ((!peer && !raw) || f->node == PI__NODE_KNOWN) return s;
  s.may = raw ? raw_kinds : kinds_with_peer();
  if (f->node == PI__NODE_HAS) s.must = s.may;
  return s;
}

static scope scope_of(const pi_filter *f) {
  bool both = f->node == PI__NODE_AND;
  if (f->node == PI__NODE_NOT) {
    scope kid = scope_of(f->kids[0]);
    return (scope){without(&all_kinds, &kid.must),
                   without(&all_kinds, &kid.may)};
  }
  if (!both && f->node != PI__NODE_OR) return scope_of_leaf(f);
  scope s = {both ? all_kinds : no_kinds, both ? all_kinds : no_kinds};
  for (size_t i = 0; i < f->kid_count; i++) {
    scope kid = scope_of(f->kids[i]);
    (both ? meet : join)(&s.may, &kid.may);
    (both ? meet : join)(&s.must, &kid.must);
  }
  return s;
}

/* ---- Steps for the kernel ----------------------------------------------- */

/* The largest relaxation of a filter that a kernel can test: what it cannot
 * express counts as true, so `and` drops it, `or` needs both sides, and `not`
 * only goes over what is exact. */

/* A program under way. */
typedef struct program {
  pi__step *steps;
  size_t count;
  bool full;
} program;

static void emit(program *p, const pi__step *step) {
  if (p->count == PI__MOST_STEPS) p->full = true;
  if (!p->full) p->steps[p->count++] = *step;
}

static void emit_op(program *p, unsigned op) {
  pi__step step = {0};
  step.op = op;
  emit(p, &step);
}

/* A device by its name; a longer one there is not. */
static bool device_step(const pi__member *m, pi__step *step) {
  if (m->kind != PI__LITERAL || m->length >= sizeof step->name ||
      memchr(m->text, '\0', m->length) != NULL) {
    return false;
  }
  memcpy(step->name, m->text, m->length);
  return true;
}

/* Ports from first to last, or those that this host will tell. */
static bool port_step(const pi__member *m, pi__step *step) {
  switch (m->kind) {
  case PI__SPAN:
    if (m->first > 65535) return false;
    step->first = (uint16_t)m->first;
    step->last = (uint16_t)(m->last > 65535 ? 65535 : m->last);
    return true;
  case PI__EPHEMERAL: step->ports = PI__PORTS_EPHEMERAL; return true;
  case PI__PRIVILEGED: step->ports = PI__PORTS_PRIVILEGED; return true;
  default: return false;
  }
}

/* The words of RFC 6335, in the order of pi_range. */
static void range_step(const pi__member *m, pi__step *step) {
  static const uint16_t edges[][2] = {{0, 1023}, {1024, 49151}, {49152, 65535}};
  step->op = PI__STEP_LPORT;
  step->first = edges[m->first][0];
  step->last = edges[m->last][1];
}

/* Does a block of IPv6 take in the mapped addresses? To a kernel those of a
 * socket of family 6 are in it, to us they are IPv4. */
static bool holds_mapped(const pi__member *m) {
  static const pi_address mapped = {
      {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}};
  return !pi_address_is_v4(&m->low) &&
         memcmp(&m->low, &mapped, sizeof mapped) <= 0 &&
         memcmp(&m->high, &mapped, sizeof mapped) >= 0;
}

static bool step_of(pi_field field, const pi__member *m, pi__step *step) {
  *step = (pi__step){0};
  switch (field) {
  case PI_LPORT: step->op = PI__STEP_LPORT; return port_step(m, step);
  case PI_RPORT: step->op = PI__STEP_RPORT; return port_step(m, step);
  case PI_RANGE: range_step(m, step); return true;
  case PI_IFACE: step->op = PI__STEP_IFACE; return device_step(m, step);
  case PI_LADDR: step->op = PI__STEP_LADDR; break;
  case PI_RADDR: step->op = PI__STEP_RADDR; break;
  default: return false;
  }
  if (m->kind != PI__BLOCK || holds_mapped(m)) return false;
  step->address = m->low;
  int prefix = pi__block_prefix(m);
  step->prefix = prefix > 0 ? (unsigned)prefix : 0;
  return prefix > 0;
}

/* Emits a set as alternatives; false if one of them is beyond a kernel. */
static bool emit_set(program *p, const pi_filter *f) {
  pi__step step;
  for (size_t i = 0; i < f->count; i++) {
    if (!step_of(f->field, &f->members[i], &step)) return false;
    emit(p, &step);
    if (i > 0) emit_op(p, PI__STEP_OR);
  }
  return f->count > 0;
}

/* Would the kernel say of every row what we say? A missing peer is port 0 and
 * address 0 to it, and to us no value at all. */
static bool is_exact_member(const pi_filter *f, const pi__member *m) {
  static const uint8_t zero[16];
  // what a platform has yet to look up, it may have to take for true
  if (f->field == PI_IFACE || m->kind == PI__EPHEMERAL ||
      m->kind == PI__PRIVILEGED) {
    return false;
  }
  if (f->field == PI_RPORT) return m->first > 0;
  if (f->field != PI_RADDR) return true;
  size_t from = pi_address_is_v4(&m->low) ? 12 : 0;
  return memcmp(m->low.bytes + from, zero, 16 - from) != 0;
}

bool pi__plan_exact(const pi_filter *f) {
  pi__step step;
  for (size_t i = 0; i < f->count; i++) {
    if (!step_of(f->field, &f->members[i], &step)) return false;
    if (!is_exact_member(f, &f->members[i])) return false;
  }
  for (size_t i = 0; i < f->kid_count; i++) {
    if (!pi__plan_exact(f->kids[i])) return false;
  }
  if (f->node == PI__NODE_IN) return f->count > 0;
  return f->node == PI__NODE_AND || f->node == PI__NODE_OR ||
         f->node == PI__NODE_NOT;
}

static bool relax(program *p, const pi_filter *f);

static bool relax_kids(program *p, const pi_filter *f) {
  bool any = false;
  unsigned op = f->node == PI__NODE_AND ? PI__STEP_AND : PI__STEP_OR;
  for (size_t i = 0; i < f->kid_count; i++) {
    size_t before = p->count;
    if (!relax(p, f->kids[i])) {
      p->count = before;
      if (f->node == PI__NODE_OR) return false;
      continue;
    }
    if (any) emit_op(p, op);
    any = true;
  }
  return any;
}

/* Emits a relaxation; false, with anything emitted, if all rows would pass. */
static bool relax(program *p, const pi_filter *f) {
  pi__step step = {.op = PI__STEP_LPORT, .ports = PI__PORTS_EPHEMERAL};
  switch (f->node) {
  case PI__NODE_IN: return emit_set(p, f);
  case PI__NODE_HAS:
    if (f->field != PI_EPHEMERAL) return false;
    emit(p, &step);
    return true;
  case PI__NODE_AND:
  case PI__NODE_OR: return relax_kids(p, f);
  case PI__NODE_NOT:
    if (!pi__plan_exact(f->kids[0]) || !relax(p, f->kids[0])) return false;
    emit_op(p, PI__STEP_NOT);
    return true;
  default: return false;
  }
}

static void plan_steps(const pi_filter *filter, pi__want *want) {
  program p = {.steps = want->steps};
  bool narrows = filter != NULL && relax(&p, filter) && !p.full;
  want->step_count = narrows ? p.count : 0;
}

/* Is there a test that asks for raw sockets, below no `not` or an even number
 * of them? */
static bool names_raw(const pi_filter *f, bool denied) {
  if (f->node == PI__NODE_NOT) return names_raw(f->kids[0], !denied);
  for (size_t i = 0; i < f->kid_count; i++) {
    if (names_raw(f->kids[i], denied)) return true;
  }
  if (denied) return false;
  if (f->node == PI__NODE_HAS) return f->field == PI_PROTOCOL;
  if (f->node != PI__NODE_IN) return false;
  return f->field == PI_PROTOCOL ||
         (f->field == PI_PROTO && has_word(f, PI_PROTO_RAW));
}

static kinds kinds_asked(const pi_filter *filter) {
  kinds k = filter != NULL ? scope_of(filter).may : all_kinds;
  bool raw = filter != NULL && names_raw(filter, false);
  return raw ? k : without(&k, &raw_kinds);
}

void pi__plan(const pi_filter *filter, pi__want *want) {
  kinds k = kinds_asked(filter);
  want->families[PI_FAMILY_4] = want->families[PI_FAMILY_6] = false;
  for (int i = 0; i < PI_PROTOS; i++) {
    want->states[i] = k.states[i][PI_FAMILY_4] | k.states[i][PI_FAMILY_6];
    if (k.states[i][PI_FAMILY_4] != 0) want->families[PI_FAMILY_4] = true;
    if (k.states[i][PI_FAMILY_6] != 0) want->families[PI_FAMILY_6] = true;
    // a connection is inbound if somebody listens there; asking for listeners
    // alone is nearly free (their hash table is small)
    if (want->states[i] & TCP_STATES) want->states[i] |= 1u << PI_STATE_LISTEN;
  }
  plan_steps(filter, want);
}
