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

void pi__plan(const pi_filter *filter, pi__want *want) {
  kinds k = filter != NULL ? kinds_of(filter) : kinds_all();
  // a connection is inbound if somebody listens there; asking for listeners
  // alone is nearly free (their hash table is small)
  if (k.states[PI_PROTO_TCP] != 0) {
    k.states[PI_PROTO_TCP] |= 1u << PI_STATE_LISTEN;
  }
  // an IPv4 connection may belong to an IPv6 listener
  if (k.families[PI_FAMILY_4]) k.families[PI_FAMILY_6] = true;
  memcpy(want->states, k.states, sizeof want->states);
  memcpy(want->families, k.families, sizeof want->families);
}
