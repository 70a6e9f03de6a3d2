/* explain.c: tells a plan: what is asked of the kernel, which part of a filter
 * it tests before it copies a socket, and why it leaves the rest to us. */
#include "filter.h"
#include "plan.h"

#include <stdio.h>
#include <string.h>

void pi_plan_read(const pi_filter *filter, pi_plan *ret) {
  pi__want want;
  pi__plan(filter, &want);
  memcpy(ret->states, want.states, sizeof ret->states);
  memcpy(ret->families, want.families, sizeof ret->families);
  ret->groups = filter != NULL ? pi_filter_groups(filter) : 0;
}

/* ---- What the kernel tests ---------------------------------------------- */

static pi_operand word_operand(const char *text) {
  return (pi_operand){
      .kind = PI_OPERAND_LITERAL, .text = text, .length = strlen(text)};
}

static int port_filter(pi_field field, const pi__step *step, pi_filter **ret,
                       pi_error *err) {
  pi_operand o = {
      .kind = PI_OPERAND_RANGE, .first = step->first, .last = step->last};
  if (step->ports == PI__PORTS_EPHEMERAL) o = word_operand("ephemeral");
  if (step->ports == PI__PORTS_PRIVILEGED) o = word_operand("privileged");
  return pi_filter_in(field, &o, 1, ret, err);
}

static int device_filter(const pi__step *step, pi_filter **ret, pi_error *err) {
  pi_operand o = word_operand(step->name);
  return pi_filter_in(PI_IFACE, &o, 1, ret, err);
}

static int address_filter(pi_field field, const pi__step *step, pi_filter **ret,
                          pi_error *err) {
  char text[PI_ADDRESS_TEXT + 8];
  bool v4 = pi_address_is_v4(&step->address);
  size_t n = pi_address_format(&step->address, text);
  n += (size_t)snprintf(text + n, 8, "/%u",
                        (v4 ? step->prefix - 96 : step->prefix) % 1000);
  text[n] = '\0';
  pi_operand o = word_operand(text);
  return pi_filter_in(field, &o, 1, ret, err);
}

/* Filters that wait for what combines them. */
typedef struct stack {
  pi_filter *items[PI__MOST_STEPS];
  size_t count;
} stack;

static pi_filter *pop(stack *s) {
  return s->count > 0 ? s->items[--s->count] : NULL;
}

static int filter_of(stack *s, const pi__step *step, pi_filter **ret,
                     pi_error *err) {
  pi_filter *second;
  switch (step->op) {
  case PI__STEP_LPORT: return port_filter(PI_LPORT, step, ret, err);
  case PI__STEP_RPORT: return port_filter(PI_RPORT, step, ret, err);
  case PI__STEP_LADDR: return address_filter(PI_LADDR, step, ret, err);
  case PI__STEP_RADDR: return address_filter(PI_RADDR, step, ret, err);
  case PI__STEP_IFACE: return device_filter(step, ret, err);
  case PI__STEP_NOT: return pi_filter_not(pop(s), ret, err);
  case PI__STEP_AND:
    second = pop(s);
    return pi_filter_and(pop(s), second, ret, err);
  case PI__STEP_OR:
    second = pop(s);
    return pi_filter_or(pop(s), second, ret, err);
  }
  return PI_EINVAL;
}

int pi_plan_pushed(const pi_filter *filter, pi_filter **ret, pi_error *err) {
  pi__want want;
  stack s = {.count = 0};
  int rc = 0;
  pi__plan(filter, &want);
  for (size_t i = 0; rc == 0 && i < want.step_count; i++) {
    pi_filter *f = NULL;
    rc = filter_of(&s, &want.steps[i], &f, err);
    if (rc == 0) s.items[s.count++] = f;
  }
  if (rc == 0) *ret = pop(&s);
  while (s.count > 0) pi_filter_free(pop(&s));
  return rc;
}

/* ---- And what it does not ----------------------------------------------- */

/* Does what is asked for depend on this part? */
static bool is_narrower(const pi__want *want) {
  pi__want all;
  pi__plan(NULL, &all);
  return memcmp(want->states, all.states, sizeof all.states) != 0 ||
         memcmp(want->families, all.families, sizeof all.families) != 0;
}

/* Of these fields, and of whether there is a peer, the kind of a row tells. */
static bool is_asked_for(const pi_filter *f) {
  if (f->node == PI__NODE_NOT) return is_asked_for(f->kids[0]);
  if (f->node == PI__NODE_HAS) {
    return f->field == PI_RADDR || f->field == PI_RPORT ||
           f->field == PI_PROTOCOL;
  }
  return f->node == PI__NODE_IN &&
         (f->field == PI_PROTO || f->field == PI_STATE ||
          f->field == PI_FAMILY);
}

static const char *reason_of(const pi_filter *f) {
  if (f->node == PI__NODE_KNOWN) return "asks about our sight";
  switch (pi_field_describe(f->field)->group) {
  case PI_GROUP_OWNER:
  case PI_GROUP_PROCESS: return "no dump tells of processes";
  case PI_GROUP_TCP_INFO: return "the kernel tells it, and tests nothing of it";
  case PI_GROUP_DERIVED: return "follows from the row, here";
  default: break;
  }
  if (f->count > PI__MOST_STEPS / 2) return "a set too large for the kernel";
  return "no test of the kernel's says it";
}

/* The first test in it that the kernel cannot make. */
static const pi_filter *obstacle(const pi_filter *f) {
  pi__want want;
  if (f->kid_count == 0) {
    pi__plan(f, &want);
    return want.step_count > 0 || is_asked_for(f) ? NULL : f;
  }
  for (size_t i = 0; i < f->kid_count; i++) {
    const pi_filter *found = obstacle(f->kids[i]);
    if (found != NULL) return found;
  }
  return NULL;
}

static void part_of(const pi_filter *f, pi_part *part) {
  pi__want want;
  pi__plan(f, &want);
  const pi_filter *found = obstacle(f);
  *part = (pi_part){.filter = f, .place = PI_PLACE_HERE};
  if (want.step_count > 0)
    part->place = pi__plan_exact(f) ? PI_PLACE_KERNEL : PI_PLACE_BOTH;
  else if (is_asked_for(f))
    part->place = PI_PLACE_ASKED;
  else if (is_narrower(&want))
    part->place = PI_PLACE_BOTH;
  if (part->place == PI_PLACE_KERNEL || part->place == PI_PLACE_ASKED) return;
  part->obstacle = found;
  part->why = found != NULL ? reason_of(found)
                            : "the kernel's test of it lets more pass";
}

bool pi_plan_part(const pi_filter *filter, size_t i, pi_part *ret) {
  bool and = filter->node == PI__NODE_AND;
  size_t n = filter->node == PI__NODE_ALL ? 0 : and? filter->kid_count : 1;
  if (i >= n) return false;
  part_of(and? filter->kids[i] : filter, ret);
  return true;
}
