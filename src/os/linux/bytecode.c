/* bytecode.c: compiles tests to the code of net/ipv4/inet_diag.c. Every
 * operation jumps forward: by `yes` to the one behind it, by `no` to wherever
 * the failure is decided. At the end of the code a socket is taken; four bytes
 * past it, it is not. */
#include "bytecode.h"
#include "iface.h"

#include <string.h>
#include <sys/socket.h>

typedef struct inet_diag_bc_op operation;

enum { ONE = sizeof(operation), PAST = 4 };

/* Code that stands behind all code before it. */
typedef struct fragment {
  size_t start, length;
} fragment;

typedef struct compiler {
  const pi_host *host;
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

static void put_range(compiler *c, bool local, unsigned first, unsigned last) {
  size_t start = c->length;
  put_bound(c, local ? INET_DIAG_BC_S_GE : INET_DIAG_BC_D_GE, (uint16_t)first);
  fragment lower = {start, 2 * ONE};
  put_bound(c, local ? INET_DIAG_BC_S_LE : INET_DIAG_BC_D_LE, (uint16_t)last);
  extend(c, &lower, 2 * ONE);
  push(c, start);
}

/* What passes every socket, as every port is one of these. */
static void put_anything(compiler *c) {
  put_range(c, true, 0, 65535);
}

static void put_ports(compiler *c, const pi__step *step, bool local) {
  const pi_host *host = c->host;
  uint32_t start = host->unprivileged_start;
  switch (step->ports) {
  case PI__PORTS_GIVEN: put_range(c, local, step->first, step->last); return;
  case PI__PORTS_EPHEMERAL:
    if (!host->ephemeral_known) break;
    put_range(c, local, host->ephemeral_first, host->ephemeral_last);
    return;
  case PI__PORTS_PRIVILEGED:
    if (!host->unprivileged_known || start == 0 || start > 65535) break;
    put_range(c, local, 0, start - 1);
    return;
  }
  put_anything(c);
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

/* Kernel and core speak of the same field: the device that the socket is bound
 * to, of half-open and time-wait sockets too. */
static void put_device(compiler *c, const pi__step *step) {
  uint32_t index = pi__iface_index(step->name);
  const size_t length = ONE + sizeof index;
  size_t start = c->length;
  if (index == 0) {
    put_anything(c);
    return;
  }
  write_op(c->code + start, INET_DIAG_BC_DEV_COND, length, length + PAST);
  memcpy(c->code + start + ONE, &index, sizeof index);
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
  case PI__STEP_LPORT: put_ports(c, step, true); break;
  case PI__STEP_RPORT: put_ports(c, step, false); break;
  case PI__STEP_LADDR: put_address(c, step, INET_DIAG_BC_S_COND); break;
  case PI__STEP_RADDR: put_address(c, step, INET_DIAG_BC_D_COND); break;
  case PI__STEP_IFACE: put_device(c, step); break;
  case PI__STEP_AND: join(c, true); break;
  case PI__STEP_OR: join(c, false); break;
  case PI__STEP_NOT: negate(c); break;
  }
}

size_t pi__bytecode(const pi_host *host, const pi__step *steps, size_t count,
                    pi__port_choice choice, char code[PI__BYTECODE_SIZE]) {
  compiler c = {.host = host, .code = code};
  for (size_t i = 0; i < count; i++) put_step(&c, &steps[i]);
  if (choice == PI__CHOICE_ANY) return c.length;
  put_auto(&c);
  if (choice == PI__CHOICE_PROCESS) negate(&c);
  if (count > 0) join(&c, true);
  return c.length;
}
