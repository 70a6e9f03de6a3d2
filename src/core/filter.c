/* filter.c: builds filters: sets of values and their combinations. */
#include "filter.h"
#include "schema.h"

#include <string.h>

/* Far above what the parser lets through, to bound whoever builds by hand. */
enum { DEEPEST = 1024 };

pi_filter *pi__node_new(pi__node node, pi_field field) {
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

/* ---- Leaves ------------------------------------------------------------- */

int pi_filter_in(pi_field field, const pi_operand *values, size_t n,
                 pi_filter **ret, pi_error *err) {
  if (n == 0) {
    return pi__fail(err, PI_EINVAL, 0, "%s: an empty set matches nothing",
                    pi_field_describe(field)->name);
  }
  pi_filter *f = pi__node_new(PI__NODE_IN, field);
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
  pi_filter *f = pi__node_new(PI__NODE_HAS, field);
  if (f == NULL) return pi__nomem(err);
  *ret = f;
  return 0;
}

int pi_filter_known(pi_field field, pi_filter **ret, pi_error *err) {
  pi_filter *f = pi__node_new(PI__NODE_KNOWN, field);
  if (f == NULL) return pi__nomem(err);
  *ret = f;
  return 0;
}

/* ---- Combinations ------------------------------------------------------- */

/* A node with `f` as its only kid, if it is none itself; takes f over. */
static pi_filter *gather(pi__node node, pi_filter *f, pi_error *err) {
  if (f->node == node) return f;
  pi_filter *whole = pi__node_new(node, 0);
  if (whole == NULL) {
    pi__nomem(err);
  } else if (kid_add(whole, f, err) == 0) {
    return whole;
  }
  pi_filter_free(whole);
  pi_filter_free(f);
  return NULL;
}

/* Moves the kids of `from` behind those of `to`, and ends it. */
static int merge(pi_filter *to, pi_filter *from, pi_error *err) {
  int rc = 0;
  size_t moved = 0;
  while (rc == 0 && moved < from->kid_count) {
    rc = kid_add(to, from->kids[moved], err);
    if (rc == 0) moved++;
  }
  memmove(from->kids, from->kids + moved,
          (from->kid_count - moved) * sizeof *from->kids);
  from->kid_count -= moved;
  pi_filter_free(from);
  return rc;
}

/* Alike combinations become one node: the tree stays shallow. */
static int combine(pi__node node, pi_filter *a, pi_filter *b, pi_filter **ret,
                   pi_error *err) {
  if (a == NULL || b == NULL) {
    pi_filter_free(a);
    pi_filter_free(b);
    return err != NULL && err->code != 0 ? err->code : PI_EINVAL;
  }
  if (a->node == PI__NODE_ALL || b->node == PI__NODE_ALL) {
    // `all` adds nothing to an `and`, and leaves nothing to an `or`
    bool keep_a = (a->node == PI__NODE_ALL) == (node == PI__NODE_OR);
    pi_filter_free(keep_a ? b : a);
    *ret = keep_a ? a : b;
    return 0;
  }
  pi_error trouble = {0};
  a = gather(node, a, &trouble);
  if (a != NULL) b = gather(node, b, &trouble);
  if (a != NULL && b != NULL && merge(a, b, &trouble) == 0) {
    *ret = a;
    return 0;
  }
  pi_filter_free(a);
  if (a == NULL) pi_filter_free(b);
  if (err != NULL) *err = trouble;
  return trouble.code;
}

int pi_filter_and(pi_filter *a, pi_filter *b, pi_filter **ret, pi_error *err) {
  return combine(PI__NODE_AND, a, b, ret, err);
}

int pi_filter_or(pi_filter *a, pi_filter *b, pi_filter **ret, pi_error *err) {
  return combine(PI__NODE_OR, a, b, ret, err);
}

int pi_filter_not(pi_filter *a, pi_filter **ret, pi_error *err) {
  if (a == NULL) return err != NULL && err->code != 0 ? err->code : PI_EINVAL;
  pi_filter *f = pi__node_new(PI__NODE_NOT, 0);
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
  pi_filter *f = pi__node_new(filter->node, filter->field);
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
  if (f->node == PI__NODE_HAS || f->node == PI__NODE_IN ||
      f->node == PI__NODE_KNOWN) {
    groups = pi_field_describe(f->field)->group;
  }
  for (size_t i = 0; i < f->kid_count; i++) {
    groups |= pi_filter_groups(f->kids[i]);
  }
  return groups;
}
