/* spans.c: sets as runs in order: whatever mixture of values, ranges and blocks
 * a filter lists, what is left to ask is whether a number lies in a run. */
#include "spans.h"

#include <stdlib.h>

static pi__wide lesser(pi__wide a, pi__wide b) {
  return pi__wide_less(a, b) ? a : b;
}

static pi__wide greater(pi__wide a, pi__wide b) {
  return pi__wide_less(a, b) ? b : a;
}

/* Does a run that begins at `next` leave no gap behind `last`? */
static bool touches(pi__wide last, pi__wide next) {
  pi__wide successor = {last.high + (last.low == UINT64_MAX), last.low + 1};
  return !pi__wide_less(last, next) ||
         (successor.high == next.high && successor.low == next.low);
}

static int add(pi__spans *spans, pi__wide first, pi__wide last, pi_error *err) {
  if (pi__wide_less(last, first)) return 0;
  pi__span *before = spans->count == 0 ? NULL : &spans->list[spans->count - 1];
  if (before != NULL && !pi__wide_less(first, before->first) &&
      touches(before->last, first)) {  // one after the other needs no room
    before->last = greater(before->last, last);
    return 0;
  }
  int rc = pi__reserve(&spans->list, &spans->capacity, spans->count + 1,
                       sizeof *spans->list, err);
  if (rc == 0) spans->list[spans->count++] = (pi__span){first, last};
  return rc;
}

int pi__spans_add(pi__spans *spans, uint64_t first, uint64_t last,
                  pi_error *err) {
  return add(spans, (pi__wide){0, first}, (pi__wide){0, last}, err);
}

void pi__spans_deinit(pi__spans *spans) {
  spans->list = pi__realloc(spans->list, 0);
  spans->count = spans->capacity = 0;
}

int pi__spans_add_block(pi__spans *spans, const pi_address *low,
                        const pi_address *high, pi_error *err) {
  // RFC 4291, 2.5.5.2: what lies below, in and above ::ffff:0.0.0.0/96
  static const pi__wide below = {0, UINT64_C(0xfffeffffffff)};
  static const pi__wide mapped = {0, UINT64_C(0xffffffffffff)};
  static const pi__wide above = {0, UINT64_C(0x1000000000000)};
  pi__wide first = pi__wide_of(low), last = pi__wide_of(high);
  if (pi_address_is_v4(low))
    return add(spans, first, lesser(last, mapped), err);
  int rc = add(spans, first, lesser(last, below), err);
  return rc != 0 ? rc : add(spans, greater(first, above), last, err);
}

static int by_first(const void *a, const void *b) {
  const pi__span *x = a, *y = b;
  if (pi__wide_less(x->first, y->first)) return -1;
  return pi__wide_less(y->first, x->first);
}

void pi__spans_settle(pi__spans *spans) {
  if (spans->count < 2) return;
  qsort(spans->list, spans->count, sizeof *spans->list, by_first);
  size_t kept = 0;
  for (size_t i = 1; i < spans->count; i++) {
    pi__span *last = &spans->list[kept], *next = &spans->list[i];
    if (touches(last->last, next->first)) {
      last->last = greater(last->last, next->last);
    } else {
      spans->list[++kept] = *next;
    }
  }
  spans->count = kept + 1;
}

bool pi__spans_narrow(const pi__spans *spans) {
  if (spans->count == 0) return true;
  pi__wide last = spans->list[spans->count - 1].last;
  return last.high == 0 && last.low < UINT64_MAX;
}
