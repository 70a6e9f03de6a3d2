/* filter.c: builds filters: sets of values, flags, and their combinations. */
#include "filter.h"
#include "schema.h"

#include <string.h>

enum { DEEPEST = 256 };

static pi_filter *node_new(pi__node node, pi_field field) {
  pi_filter *f = pi__realloc(NULL, sizeof *f);
  if (f == NULL) return NULL;
  memset(f, 0, sizeof *f);
  f->node = node;
  f->field = field;
  f->depth = 1;
  return f;
}

void pi_filter_free(pi_filter *f) {
  if (f == NULL) return;
  for (size_t i = 0; i < f->count; i++) pi__realloc(f->members[i].text, 0);
  for (size_t i = 0; i < f->kid_count; i++) pi_filter_free(f->kids[i]);
  pi__realloc(f->members, 0);
  pi__realloc(f->kids, 0);
  pi__realloc(f, 0);
}

int pi__member_add(pi_filter *f, const pi__member *member, pi_error *err) {
  int rc = pi__reserve(&f->members, &f->capacity, f->count + 1,
                       sizeof *f->members, err);
  if (rc != 0) return rc;
  pi__member m = *member;
  if (m.text != NULL) {
    m.text = pi__realloc(NULL, m.length + 1);
    if (m.text == NULL) return pi__nomem(err);
    memcpy(m.text, member->text, m.length);
    m.text[m.length] = '\0';
  }
  f->members[f->count++] = m;
  return 0;
}

static int kid_add(pi_filter *f, pi_filter *kid, pi_error *err) {
  if (kid->depth >= DEEPEST) {
    return pi__fail(err, PI_EINVAL, 0, "a filter nested deeper than %d levels",
                    DEEPEST);
  }
  int rc = pi__reserve(&f->kids, &f->kid_capacity, f->kid_count + 1,
                       sizeof(pi_filter *), err);
  if (rc != 0) return rc;
  f->kids[f->kid_count++] = kid;
  if (kid->depth + 1 > f->depth) f->depth = kid->depth + 1;
  return 0;
}

/* ---- Leaves ------------------------------------------------------------------- */

int pi_filter_in(pi_field field, const pi_operand *values, size_t n,
                 pi_filter **ret, pi_error *err) {
  if (n == 0) {
    return pi__fail(err, PI_EINVAL, 0, "%s: an empty set matches nothing",
                    pi_field_describe(field)->name);
  }
  pi_filter *f = node_new(PI__NODE_IN, field);
  if (f == NULL) return pi__nomem(err);
  for (size_t i = 0; i < n; i++) {
    int rc = pi__operand_read(f, &values[i], err);
    if (rc != 0) {
      pi_filter_free(f);
      return rc;
    }
  }
  *ret = f;
  return 0;
}

int pi_filter_has(pi_field field, pi_filter **ret, pi_error *err) {
  pi_filter *f = node_new(PI__NODE_HAS, field);
  if (f == NULL) return pi__nomem(err);
  *ret = f;
  return 0;
}

/* ---- Combinations --------------------------------------------------------------- */

static int combine(pi__node node, pi_filter *a, pi_filter *b, pi_filter **ret,
                   pi_error *err) {
  pi_filter *f = NULL;
  if (a == NULL || b == NULL) {
    pi_filter_free(a);
    pi_filter_free(b);
    return err != NULL && err->code != 0 ? err->code : PI_EINVAL;
  }
  if (a->node == node) {  // side by side in one node: the tree stays shallow
    int rc = kid_add(a, b, err);
    if (rc == 0) {
      *ret = a;
      return 0;
    }
    pi_filter_free(a);
    pi_filter_free(b);
    return rc;
  }
  f = node_new(node, 0);
  int rc = f == NULL ? pi__nomem(err) : kid_add(f, a, err);
  if (rc == 0) {
    a = NULL;  // the node's now
    rc = kid_add(f, b, err);
  }
  if (rc == 0) {
    *ret = f;
    return 0;
  }
  pi_filter_free(f);
  pi_filter_free(a);
  pi_filter_free(b);
  return rc;
}

int pi_filter_and(pi_filter *a, pi_filter *b, pi_filter **ret, pi_error *err) {
  return combine(PI__NODE_AND, a, b, ret, err);
}

int pi_filter_or(pi_filter *a, pi_filter *b, pi_filter **ret, pi_error *err) {
  return combine(PI__NODE_OR, a, b, ret, err);
}

int pi_filter_not(pi_filter *a, pi_filter **ret, pi_error *err) {
  if (a == NULL) return err != NULL && err->code != 0 ? err->code : PI_EINVAL;
  pi_filter *f = node_new(PI__NODE_NOT, 0);
  int rc = f == NULL ? pi__nomem(err) : kid_add(f, a, err);
  if (rc != 0) {
    pi_filter_free(f);
    pi_filter_free(a);
    return rc;
  }
  *ret = f;
  return 0;
}

int pi_filter_copy(const pi_filter *filter, pi_filter **ret, pi_error *err) {
  pi_filter *f = node_new(filter->node, filter->field);
  if (f == NULL) return pi__nomem(err);
  int rc = 0;
  for (size_t i = 0; rc == 0 && i < filter->count; i++) {
    rc = pi__member_add(f, &filter->members[i], err);
  }
  for (size_t i = 0; rc == 0 && i < filter->kid_count; i++) {
    pi_filter *kid = NULL;
    rc = pi_filter_copy(filter->kids[i], &kid, err);
    if (rc == 0) rc = kid_add(f, kid, err);
    if (rc != 0) pi_filter_free(kid);
  }
  if (rc != 0) {
    pi_filter_free(f);
    return rc;
  }
  *ret = f;
  return 0;
}

unsigned pi_filter_groups(const pi_filter *f) {
  unsigned groups = 0;
  if (f->node == PI__NODE_HAS || f->node == PI__NODE_IN) {
    groups = pi_field_describe(f->field)->group;
  }
  for (size_t i = 0; i < f->kid_count; i++) {
    groups |= pi_filter_groups(f->kids[i]);
  }
  return groups;
}

/* ---- Flags ------------------------------------------------------------------------ */

/* `field` is one of the words whose indices are the bits of `set`. */
static pi_filter *words(pi_field field, unsigned set, pi_error *err) {
  pi_filter *f = node_new(PI__NODE_IN, field);
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
  pi_filter *f = node_new(PI__NODE_ALL, 0);
  if (f == NULL) pi__nomem(err);
  return f;
}

/* State listen, or a UDP service. The protocol stands before the role, so that
 * a TCP socket of unknown role is a no and not an unknown. */
static pi_filter *flag_listening(pi_error *err) {
  pi_filter *service =
      both(words(PI_PROTO, 1u << PI_PROTO_UDP, err),
           words(PI_ROLE, 1u << PI_ROLE_SERVICE, err), err);
  return either(words(PI_STATE, 1u << PI_STATE_LISTEN, err), service, err);
}

static pi_filter *flag_exposed(pi_error *err) {
  pi_filter *loopback =
      words(PI_EXPOSURE, 1u << PI_EXPOSURE_LOOPBACK, err);
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
    {"all", flag_all},           {"listening", flag_listening},
    {"exposed", flag_exposed},   {"risky", flag_risky},
    {"ipv4", flag_ipv4},         {"ipv6", flag_ipv6},
    {"system-port", flag_system}, {"user-port", flag_user},
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

static int keep(pi_filter *f, pi_filter **ret, pi_error *err) {
  if (f == NULL) return err->code;
  *ret = f;
  return 0;
}

/* ---- Endpoints: `:PORTS` and `ADDRESS:PORTS` ----------------------------------------- */

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

static pi_filter *endpoint_filter(const endpoint *e, pi_error *err) {
  pi_filter *local = side(e, PI_LADDR, PI_LPORT, err);
  if (local == NULL) return NULL;
  return either(local, side(e, PI_RADDR, PI_RPORT, err), err);
}

/* ---- Words that are none ------------------------------------------------------------- */

static bool all_digits(const char *word, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if (word[i] < '0' || word[i] > '9') return false;
  }
  return length > 0;
}

static int fail_word(const char *word, size_t length, pi_error *err) {
  int n = length > 60 ? 60 : (int)length;
  pi_address address;
  if (pi__same_word("listen", word, length)) {
    return pi__fail(err, PI_EINVAL, 0,
                    "\"listen\" alone is TCP's state: write \"listening\" (UDP "
                    "services too) or \"listening tcp\"");
  }
  if (all_digits(word, length)) {
    return pi__fail(err, PI_EINVAL, 0, "\"%.*s\": write \":%.*s\" for a port",
                    n, word, n, word);
  }
  if (pi_address_parse(word, length, &address)) {
    return pi__fail(err, PI_EINVAL, 0,
                    "\"%.*s\" is an address: write ADDRESS:PORT, with an IPv6 "
                    "address in [ ]",
                    n, word);
  }
  const char *flags[64];
  size_t count = 0;
  while (count < 64 && pi_filter_flag((unsigned)count) != NULL) {
    flags[count] = pi_filter_flag((unsigned)count);
    count++;
  }
  const char *near = pi_nearest(word, length, flags, count);
  if (near != NULL) {
    return pi__fail(err, PI_EINVAL, 0,
                    "unknown word \"%.*s\": did you mean \"%s\"?", n, word,
                    near);
  }
  return pi__fail(err, PI_EINVAL, 0,
                  "unknown word \"%.*s\": use flags such as listening, tcp, udp, "
                  "established, exposed, or :PORT",
                  n, word);
}

int pi_filter_word(const char *word, size_t length, pi_filter **ret,
                   pi_error *err) {
  pi_error local;
  if (err == NULL) err = &local;
  int field = pi_field_find(word, length);
  if (field >= 0) return pi_filter_has((pi_field)field, ret, err);
  for (size_t i = 0; i < sizeof made_flags / sizeof *made_flags; i++) {
    if (pi__same_word(made_flags[i].word, word, length)) {
      return keep(made_flags[i].make(err), ret, err);
    }
  }
  bool bare_listen = pi__same_word("listen", word, length);
  if (!bare_listen && meanings(word, length) == 1) {
    for (size_t k = 0; k < sizeof flag_fields / sizeof *flag_fields; k++) {
      int at = pi__word_find(flag_fields[k], word, length);
      if (at < 0) continue;
      return keep(words(flag_fields[k], 1u << at, err), ret, err);
    }
  }
  if (!bare_listen && meanings(word, length) > 1) {
    return pi__fail(err, PI_EINVAL, 0,
                    "\"%.*s\" is a state and a role: say which, as in "
                    "{state = \"%.*s\"}",
                    (int)length, word, (int)length, word);
  }
  endpoint e;
  if (endpoint_split(word, length, &e)) {
    return keep(endpoint_filter(&e, err), ret, err);
  }
  return fail_word(word, length, err);
}
