/* match.c: what a filter says of a row, in Kleene's three values: a test of
 * something unknown is undecided, and `and`, `or`, `not` keep it so only where
 * it matters. */
#include "filter.h"
#include "snapshot.h"

#include <limits.h>
#include <string.h>

static pi_truth of(bool known, bool yes) {
  return !known ? PI_UNDECIDED : yes ? PI_TRUE : PI_FALSE;
}

/* ::/0 is every address of IPv6: IPv4 is only mapped into it. */
static bool in_block(const pi__member *m, const pi_address *address) {
  return memcmp(address, &m->low, sizeof m->low) >= 0 &&
         memcmp(address, &m->high, sizeof m->high) <= 0 &&
         pi_address_is_v4(address) == pi_address_is_v4(&m->low);
}

static pi_truth member_test(const pi__member *m, pi_field field,
                            const pi_value *v, const pi_host *host) {
  // names of the registry are compared without regard to case (RFC 6335, 5.1)
  bool fold = field == PI_SERVICE || field == PI_USE || field == PI_RISK;
  switch (m->kind) {
  case PI__SPAN: return of(true, v->number >= m->first && v->number <= m->last);
  case PI__BLOCK: return of(true, in_block(m, &v->address));
  case PI__LITERAL:
    return of(true, m->length == v->length &&
                        pi__same_text(m->text, v->text, v->length, fold));
  case PI__GLOB:
    return of(true, pi__glob(m->text, m->length, v->text, v->length, fold));
  case PI__EPHEMERAL:
    return of(host->ephemeral_known, v->number >= host->ephemeral_first &&
                                         v->number <= host->ephemeral_last);
  case PI__RESERVED:
    return of(host->reserved_known,
              pi_host_reserves(host, (uint16_t)v->number));
  case PI__PRIVILEGED:
    return of(host->unprivileged_known, v->number < host->unprivileged_start);
  default: return PI_UNDECIDED;
  }
}

static pi_truth value_in(const pi_filter *f, const pi_value *v,
                         const pi_host *host) {
  if (v->sight != PI_KNOWN) return of(v->sight == PI_EMPTY, false);
  pi_truth result = PI_FALSE;
  for (size_t i = 0; i < f->count; i++) {
    pi_truth t = member_test(&f->members[i], f->field, v, host);
    if (t == PI_TRUE) return PI_TRUE;
    if (t == PI_UNDECIDED) result = PI_UNDECIDED;
  }
  return result;
}

/* May there be holders that we did not see? Not if every process was readable;
 * and a socket whose own user's process was seen is taken for fully seen. */
static bool holders_open(const pi_snapshot *s, size_t row) {
  const pi_quality *q = &s->quality;
  if (q->unreadable == 0 && !q->hidden && !q->nested && !q->owners_unseen) {
    return false;
  }
  if (pi__cell_sight(s, row, PI_UID) != PI_KNOWN) return true;
  for (uint32_t i = s->first_holding[row]; i < s->first_holding[row + 1]; i++) {
    const pi__process *p = &s->processes[s->holdings[i].process];
    if (p->uid == pi__cell(s, row, PI_UID)) return false;
  }
  return true;
}

static bool of_holders(pi_field field) {
  const pi_field_info *info = pi_field_describe(field);
  return info->several &&
         (info->group & (PI_GROUP_OWNER | PI_GROUP_PROCESS)) != 0;
}

/* Of a holder's field there are as many members as holders: one may be empty,
 * or unseen, and the next have a value. Names of a port end with the first
 * empty. */
static unsigned most_members(const pi_snapshot *s, size_t row, pi_field field) {
  if (!pi_field_describe(field)->several) return 1;
  if (!of_holders(field)) return UINT_MAX;
  if (!(s->groups & PI_GROUP_OWNER)) return 1;
  uint32_t n = s->first_holding[row + 1] - s->first_holding[row];
  return n == 0 ? 1 : n;
}

static pi_truth value_has(const pi_value *v) {
  if (v->sight != PI_KNOWN) return of(v->sight == PI_EMPTY, false);
  return of(true, v->type != PI_TYPE_BOOL || v->number != 0);
}

static pi_truth test_members(const pi_filter *f, const pi_snapshot *s,
                             size_t row) {
  pi_truth result = PI_FALSE;
  unsigned most = most_members(s, row, f->field);
  const pi_host *host = &pi__row_netns(s, row)->host;
  for (unsigned i = 0; i < most && result != PI_TRUE; i++) {
    pi_value v = pi_snapshot_value(s, row, f->field, i);
    pi_truth t =
        f->node == PI__NODE_HAS ? value_has(&v) : value_in(f, &v, host);
    if (t != PI_FALSE) result = t;
    if (most == UINT_MAX && v.sight != PI_KNOWN) break;
  }
  if (result != PI_FALSE || !of_holders(f->field)) return result;
  bool held = pi__cell(s, row, PI_OWNER) == PI_OWNER_KNOWN;
  return held && holders_open(s, row) ? PI_UNDECIDED : PI_FALSE;
}

/* Can the value be told? Only a group that was not read yet leaves it open. */
static pi_truth test_known(const pi_filter *f, const pi_snapshot *s,
                           size_t row) {
  unsigned group = pi_field_describe(f->field)->group;
  if (!(pi_snapshot_groups(s) & group)) return PI_UNDECIDED;
  pi_value v = pi_snapshot_value(s, row, f->field, 0);
  return of(true, v.sight != PI_UNKNOWN);
}

pi_truth pi_filter_test(const pi_filter *f, const pi_snapshot *s, size_t row) {
  pi_truth result, t;
  switch (f->node) {
  case PI__NODE_HAS:
  case PI__NODE_IN: return test_members(f, s, row);
  case PI__NODE_KNOWN: return test_known(f, s, row);
  case PI__NODE_NOT:
    t = pi_filter_test(f->kids[0], s, row);
    return t == PI_UNDECIDED ? t : of(true, t == PI_FALSE);
  case PI__NODE_AND:
    result = PI_TRUE;
    for (size_t i = 0; i < f->kid_count; i++) {
      t = pi_filter_test(f->kids[i], s, row);
      if (t == PI_FALSE) return PI_FALSE;
      if (t == PI_UNDECIDED) result = t;
    }
    return result;
  case PI__NODE_OR:
    result = PI_FALSE;
    for (size_t i = 0; i < f->kid_count; i++) {
      t = pi_filter_test(f->kids[i], s, row);
      if (t == PI_TRUE) return PI_TRUE;
      if (t == PI_UNDECIDED) result = t;
    }
    return result;
  default: return PI_TRUE;
  }
}
