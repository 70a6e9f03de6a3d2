/* bytecode.c: compiles tests to the code of net/ipv4/inet_diag.c. Every
 * operation jumps forward: by `yes` to the one behind it, by `no` to wherever
 * the failure is decided. At the end of the code a socket is taken; four bytes
 * past it, it is not. */
#include "bytecode.h"

#include <string.h>
#include <sys/socket.h>

typedef struct inet_diag_bc_op operation;

enum { ONE = sizeof(operation), PAST = 4 };

/* Code that stands behind all code before it. */
typedef struct fragment {
  size_t start, length;
} fragment;

typedef struct compiler {
  char *code;
  size_t length;
  fragment stack[PI__MOST_STEPS + 1];
  size_t depth;
} compiler;

static operation read_op(const char *at) {
  operation op;
  memcpy(&op, at, sizeof op);
  return op;
}

static void write_op(char *at, unsigned code, size_t yes, size_t no) {
  operation op = {(uint8_t)code, (uint8_t)yes, (uint16_t)no};
  memcpy(at, &op, sizeof op);
}

static void push(compiler *c, size_t start) {
  c->stack[c->depth++] = (fragment){start, c->length - start};
}

/* Moves every failure of a fragment on, over `by` bytes that come behind it. */
static void extend(compiler *c, const fragment *f, size_t by) {
  for (size_t at = 0; at < f->length;) {
    char *place = c->code + f->start + at;
    operation op = read_op(place);
    if (op.no == f->length - at + PAST) {
      write_op(place, op.code, op.yes, op.no + by);
    }
    at += op.yes;
  }
}

/* ---- Tests -------------------------------------------------------------- */

/* A bound of a port: the number stands in an operation of its own. */
static void put_bound(compiler *c, unsigned code, uint16_t port) {
  char *at = c->code + c->length;
  write_op(at, code, 2 * ONE, 2 * ONE + PAST);
  write_op(at + ONE, 0, 0, port);
  c->length += 2 * ONE;
}

static void put_port(compiler *c, const pi__step *step, unsigned least,
                     unsigned most) {
  size_t start = c->length;
  put_bound(c, least, step->first);
  fragment lower = {start, 2 * ONE};
  put_bound(c, most, step->last);
  extend(c, &lower, 2 * ONE);
  push(c, start);
}

static void put_address(compiler *c, const pi__step *step, unsigned code) {
  bool v4 = step->prefix >= 96 && pi_address_is_v4(&step->address);
  size_t bytes = v4 ? 4 : 16, start = c->length;
  struct inet_diag_hostcond condition = {
      .family = v4 ? AF_INET : AF_INET6,
      .prefix_len = (uint8_t)(v4 ? step->prefix - 96 : step->prefix),
      .port = -1,
  };
  size_t length = ONE + sizeof condition + bytes;
  char *at = c->code + start;
  write_op(at, code, length, length + PAST);
  memcpy(at + ONE, &condition, sizeof condition);
  memcpy(at + ONE + sizeof condition, step->address.bytes + 16 - bytes, bytes);
  c->length += length;
  push(c, start);
}

static void put_auto(compiler *c) {
  write_op(c->code + c->length, INET_DIAG_BC_AUTO, ONE, ONE + PAST);
  c->length += ONE;
  push(c, c->length - ONE);
}

/* ---- Combinations ------------------------------------------------------- */

/* What fails before a jump lands behind it; what passes is carried past the
 * end. */
static void negate(compiler *c) {
  fragment *f = &c->stack[c->depth - 1];
  write_op(c->code + c->length, INET_DIAG_BC_JMP, ONE, ONE + PAST);
  c->length += ONE;
  f->length += ONE;
}

static void join(compiler *c, bool both) {
  fragment *b = &c->stack[--c->depth];
  fragment *a = &c->stack[c->depth - 1];
  if (both) {
    extend(c, a, b->length);
    a->length += b->length;
    return;
  }
  // a jump between the two takes what passed the first over the second; what
  // failed lands behind the jump
  char *second = c->code + b->start;
  memmove(second + ONE, second, b->length);
  write_op(second, INET_DIAG_BC_JMP, ONE, ONE + b->length);
  c->length += ONE;
  a->length += ONE + b->length;
}

static void put_step(compiler *c, const pi__step *step) {
  switch (step->op) {
  case PI__STEP_LPORT:
    put_port(c, step, INET_DIAG_BC_S_GE, INET_DIAG_BC_S_LE);
    break;
  case PI__STEP_RPORT:
    put_port(c, step, INET_DIAG_BC_D_GE, INET_DIAG_BC_D_LE);
    break;
  case PI__STEP_LADDR: put_address(c, step, INET_DIAG_BC_S_COND); break;
  case PI__STEP_RADDR: put_address(c, step, INET_DIAG_BC_D_COND); break;
  case PI__STEP_AND: join(c, true); break;
  case PI__STEP_OR: join(c, false); break;
  case PI__STEP_NOT: negate(c); break;
  }
}

size_t pi__bytecode(const pi__step *steps, size_t count, pi__port_choice choice,
                    char code[PI__BYTECODE_SIZE]) {
  compiler c = {.code = code};
  for (size_t i = 0; i < count; i++) put_step(&c, &steps[i]);
  if (choice == PI__CHOICE_ANY) return c.length;
  put_auto(&c);
  if (choice == PI__CHOICE_PROCESS) negate(&c);
  if (count > 0) join(&c, true);
  return c.length;
}
