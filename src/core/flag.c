/* flag.c: the words of a filter that stand alone: flags, and the ends of
 * connections. */
#include "filter.h"
#include "schema.h"

#include <string.h>

/* `field` is one of the words whose indices are the bits of `set`. */
static pi_filter *words(pi_field field, unsigned set, pi_error *err) {
  pi_filter *f = pi__node_new(PI__NODE_IN, field);
  if (f == NULL) {
    pi__nomem(err);
    return NULL;
  }
  for (unsigned i = 0; set >> i != 0; i++) {
    if (!(set >> i & 1)) continue;
    pi__member m = {.kind = PI__SPAN, .first = i, .last = i};
    if (pi__member_add(f, &m, err) != 0) {
      pi_filter_free(f);
      return NULL;
    }
  }
  return f;
}

static pi_filter *both(pi_filter *a, pi_filter *b, pi_error *err) {
  pi_filter *f = NULL;
  pi_filter_and(a, b, &f, err);
  return f;
}

static pi_filter *either(pi_filter *a, pi_filter *b, pi_error *err) {
  pi_filter *f = NULL;
  pi_filter_or(a, b, &f, err);
  return f;
}

static pi_filter *flag_all(pi_error *err) {
  pi_filter *f = pi__node_new(PI__NODE_ALL, 0);
  if (f == NULL) pi__nomem(err);
  return f;
}

/* State listen, or a UDP service. The protocol stands before the role, so that
 * a TCP socket of unknown role is a no and not an unknown. */
static pi_filter *flag_listening(pi_error *err) {
  const unsigned udp = 1u << PI_PROTO_UDP | 1u << PI_PROTO_UDPLITE;
  pi_filter *service = both(words(PI_PROTO, udp, err),
                            words(PI_ROLE, 1u << PI_ROLE_SERVICE, err), err);
  return either(words(PI_STATE, 1u << PI_STATE_LISTEN, err), service, err);
}

static pi_filter *flag_exposed(pi_error *err) {
  pi_filter *loopback = words(PI_EXPOSURE, 1u << PI_EXPOSURE_LOOPBACK, err);
  pi_filter *elsewhere = NULL;
  pi_filter_not(loopback, &elsewhere, err);
  return both(flag_listening(err), elsewhere, err);
}

static pi_filter *flag_risky(pi_error *err) {
  pi_filter *f = NULL;
  pi_filter_has(PI_RISK, &f, err);
  return f;
}

static pi_filter *flag_ipv4(pi_error *err) {
  return words(PI_FAMILIES, 1u << PI_FAMILIES_4 | 1u << PI_FAMILIES_BOTH, err);
}

static pi_filter *flag_ipv6(pi_error *err) {
  return words(PI_FAMILIES, 1u << PI_FAMILIES_6 | 1u << PI_FAMILIES_BOTH, err);
}

static pi_filter *flag_system(pi_error *err) {
  return words(PI_RANGE, 1u << PI_RANGE_SYSTEM, err);
}

static pi_filter *flag_user(pi_error *err) {
  return words(PI_RANGE, 1u << PI_RANGE_USER, err);
}

static pi_filter *flag_dynamic(pi_error *err) {
  return words(PI_RANGE, 1u << PI_RANGE_DYNAMIC, err);
}

static const struct flag {
  const char *word;
  pi_filter *(*make)(pi_error *err);
} made_flags[] = {
    {"all", flag_all},
    {"listening", flag_listening},
    {"exposed", flag_exposed},
    {"risky", flag_risky},
    {"ipv4", flag_ipv4},
    {"ipv6", flag_ipv6},
    {"system-port", flag_system},
    {"user-port", flag_user},
    {"dynamic-port", flag_dynamic},
};

/* The fields whose words are flags, where they name one thing only. */
static const pi_field flag_fields[] = {PI_PROTO, PI_STATE, PI_ROLE,
                                       PI_EXPOSURE};

static const char *field_word(pi_field field, unsigned i) {
  const char *const *list = pi_field_describe(field)->words;
  while (*list != NULL && i > 0) {
    list++;
    i--;
  }
  return *list;
}

/* In how many of the flag fields is this a word? */
static unsigned meanings(const char *word, size_t length) {
  unsigned n = 0;
  for (size_t k = 0; k < sizeof flag_fields / sizeof *flag_fields; k++) {
    n += pi__word_find(flag_fields[k], word, length) >= 0;
  }
  // UDP with a peer has this state and this role: one thing by two names
  if (pi__same_word("connected", word, length)) n = 1;
  return n;
}

static bool is_flag(const char *word) {
  // bare `listen`: TCP alone or UDP too? `listening` and `state = listen` say
  if (strcmp(word, "listen") == 0) return false;
  // `service` alone is the field: has the port a name?
  return meanings(word, strlen(word)) == 1 &&
         pi_field_find(word, strlen(word)) < 0;
}

const char *pi_filter_flag(unsigned i) {
  unsigned n = sizeof made_flags / sizeof *made_flags;
  if (i < n) return made_flags[i].word;
  i -= n;
  for (size_t k = 0; k < sizeof flag_fields / sizeof *flag_fields; k++) {
    const char *word;
    for (unsigned w = 0; (word = field_word(flag_fields[k], w)) != NULL; w++) {
      if (flag_fields[k] == PI_ROLE && w == PI_ROLE_CONNECTED) continue;
      if (is_flag(word) && i-- == 0) return word;
    }
  }
  return NULL;
}

static pi_filter *made_flag(const char *word, size_t length, bool *found,
                            pi_error *err) {
  for (size_t i = 0; i < sizeof made_flags / sizeof *made_flags; i++) {
    if (!pi__same_word(made_flags[i].word, word, length)) continue;
    *found = true;
    return made_flags[i].make(err);
  }
  *found = false;
  return NULL;
}

pi_filter *pi__flag(const char *word, size_t length, pi_error *err) {
  bool found;
  pi_filter *f = made_flag(word, length, &found, err);
  if (found || pi__same_word("listen", word, length)) return f;
  if (meanings(word, length) != 1) return NULL;
  for (size_t k = 0; k < sizeof flag_fields / sizeof *flag_fields; k++) {
    int at = pi__word_find(flag_fields[k], word, length);
    if (at >= 0) return words(flag_fields[k], 1u << at, err);
  }
  return NULL;
}

/* ---- Endpoints: `:PORTS` and `ADDRESS:PORTS` ---------------------------- */

static pi_filter *one(pi_field field, const char *text, size_t length,
                      pi_error *err) {
  pi_operand o = {.kind = PI_OPERAND_TEXT, .text = text, .length = length};
  pi_filter *f = NULL;
  pi_filter_in(field, &o, 1, &f, err);
  return f;
}

typedef struct endpoint {
  const char *address, *port;
  size_t address_length, port_length; /* no address: 0 */
} endpoint;

static bool is_word_start(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
         (c >= 'A' && c <= 'Z');
}

/* `::1` is none: after the colon stands a letter or digit, before it nothing,
 * an IPv4 address, or an IPv6 address in brackets. */
static bool endpoint_split(const char *word, size_t length, endpoint *ret) {
  size_t colon = length;
  while (colon > 0 && word[colon - 1] != ':') colon--;
  if (colon == 0 || colon == length || !is_word_start(word[colon])) {
    return false;
  }
  *ret = (endpoint){word, word + colon, colon - 1, length - colon};
  if (ret->address_length == 0) return true;
  if (word[0] == '[' && word[colon - 2] == ']' && ret->address_length > 2) {
    ret->address++;
    ret->address_length -= 2;
    return true;
  }
  return memchr(word, ':', ret->address_length) == NULL &&
         memchr(word, '.', ret->address_length) != NULL;
}

static pi_filter *side(const endpoint *e, pi_field address, pi_field port,
                       pi_error *err) {
  pi_filter *p = one(port, e->port, e->port_length, err);
  if (e->address_length == 0) return p;
  return both(one(address, e->address, e->address_length, err), p, err);
}

pi_filter *pi__endpoint(const char *word, size_t length, pi_error *err) {
  endpoint e;
  if (!endpoint_split(word, length, &e)) return NULL;
  pi_filter *local = side(&e, PI_LADDR, PI_LPORT, err);
  if (local == NULL) return NULL;
  return either(local, side(&e, PI_RADDR, PI_RPORT, err), err);
}
