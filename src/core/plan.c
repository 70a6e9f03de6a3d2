/* plan.c: what a filter lets us leave unread. A set of kinds of row, a kind
 * being protocol, state and family, is widened wherever the filter speaks of
 * something else: the reading may hold too much, never too little. */
#include "plan.h"
#include "filter.h"

#include <string.h>

typedef struct kinds {
  uint16_t states[2]; /* per pi_proto, bits of pi_state */
  bool families[2];
} kinds;

static const uint16_t udp_states =
    1u << PI_STATE_CONNECTED | 1u << PI_STATE_UNCONNECTED;
static const uint16_t tcp_states = (1u << PI_STATE_CONNECTED) - 1;

static kinds kinds_all(void) {
  return (kinds){{tcp_states, udp_states}, {true, true}};
}

static bool has_word(const pi_filter *f, uint64_t word) {
  for (size_t i = 0; i < f->count; i++) {
    if (f->members[i].first <= word && word <= f->members[i].last) return true;
  }
  return false;
}

static kinds kinds_in(const pi_filter *f) {
  kinds k = kinds_all();
  for (unsigned i = 0; i < 2; i++) {
    if (f->field == PI_PROTO && !has_word(f, i)) k.states[i] = 0;
    if (f->field == PI_FAMILY && !has_word(f, i)) k.families[i] = false;
  }
  if (f->field != PI_STATE) return k;
  for (unsigned state = 0; state <= PI_STATE_UNCONNECTED; state++) {
    uint16_t bit = (uint16_t)(1u << state);
    if (has_word(f, state)) continue;
    k.states[PI_PROTO_TCP] &= (uint16_t)~bit;
    k.states[PI_PROTO_UDP] &= (uint16_t)~bit;
  }
  return k;
}

static void meet(kinds *a, const kinds *b) {
  for (int i = 0; i < 2; i++) {
    a->states[i] &= b->states[i];
    a->families[i] = a->families[i] && b->families[i];
  }
}

static void join(kinds *a, const kinds *b) {
  for (int i = 0; i < 2; i++) {
    a->states[i] |= b->states[i];
    a->families[i] = a->families[i] || b->families[i];
  }
}

static kinds kinds_of(const pi_filter *f) {
  kinds k = kinds_all();
  if (f->node == PI__NODE_IN) return kinds_in(f);
  if (f->node == PI__NODE_OR) memset(&k, 0, sizeof k);
  if (f->node != PI__NODE_AND && f->node != PI__NODE_OR) return k;
  for (size_t i = 0; i < f->kid_count; i++) {
    kinds kid = kinds_of(f->kids[i]);
    if (f->node == PI__NODE_AND)
      meet(&k, &kid);
    else
      join(&k, &kid);
  }
  return k;
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
  case PI_LPORT: step->op = PI__STEP_LPORT; break;
  case PI_RPORT: step->op = PI__STEP_RPORT; break;
  case PI_LADDR: step->op = PI__STEP_LADDR; break;
  case PI_RADDR: step->op = PI__STEP_RADDR; break;
  default: return false;
  }
  if (m->kind == PI__SPAN) {
    if (m->first > 65535) return false;
    step->first = (uint16_t)m->first;
    step->last = (uint16_t)(m->last > 65535 ? 65535 : m->last);
    return true;
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
  switch (f->node) {
  case PI__NODE_IN: return emit_set(p, f);
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

void pi__plan(const pi_filter *filter, pi__want *want) {
  kinds k = filter != NULL ? kinds_of(filter) : kinds_all();
  // a connection is inbound if somebody listens there; asking for listeners
  // alone is nearly free (their hash table is small)
  if (k.states[PI_PROTO_TCP] != 0) {
    k.states[PI_PROTO_TCP] |= 1u << PI_STATE_LISTEN;
  }
  memcpy(want->states, k.states, sizeof want->states);
  memcpy(want->families, k.families, sizeof want->families);
  plan_steps(filter, want);
}
