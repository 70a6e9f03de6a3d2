/* bytecode_test.c: the code that the kernel runs for us says what its steps
 * say, and never leaves out a row that the filter may want. */
#include "script.h"

#include "core/filter.h"
#include "core/plan.h"
#include "os/linux/bytecode.h"

#include <net/if.h>
#include <sys/socket.h>

/* ---- The kernel's side, as net/ipv4/inet_diag.c has it ------------------ */

static struct inet_diag_bc_op op_at(const char *code) {
  struct inet_diag_bc_op op;
  memcpy(&op, code, sizeof op);
  return op;
}

static bool lands_on_an_operation(const char *code, size_t length, size_t at) {
  for (size_t i = 0; i < length; i += op_at(code + i).yes) {
    if (i == at) return true;
  }
  return false;
}

/* inet_diag_bc_audit: would it be taken at all? */
static void assert_audited(const char *code, size_t length) {
  for (size_t at = 0; at < length;) {
    struct inet_diag_bc_op op = op_at(code + at);
    size_t left = length - at;
    assert_true(op.yes >= 4 && op.yes <= left && op.yes % 4 == 0);
    assert_true(op.no >= 4 && op.no <= left + 4 && op.no % 4 == 0);
    if (op.no < left) {
      assert_true(lands_on_an_operation(code, length, at + op.no));
    }
    at += op.yes;
  }
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits) {
  for (unsigned i = 0; i < bits; i++) {
    if ((a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1) return false;
  }
  return true;
}

static bool host_is(const char *at, const pi_address *address, bool family4) {
  struct inet_diag_hostcond c;
  memcpy(&c, at + 4, sizeof c);
  const uint8_t *wanted = (const uint8_t *)at + 4 + sizeof c;
  assert_int_equal(-1, c.port);
  bool v4 = pi_address_is_v4(address);
  if (c.family == AF_INET) {
    return v4 && same_bits(address->bytes + 12, wanted, c.prefix_len);
  }
  return !family4 && same_bits(address->bytes, wanted, c.prefix_len);
}

/* The device that a row is bound to; a row stands in the script. */
static const char *device_of(const pi__row *row) {
  return ((const script_row *)(const void *)row)->iface;
}

static bool device_is(const char *at, const pi__row *row) {
  uint32_t index;
  memcpy(&index, at + 4, sizeof index);
  assert_true(op_at(at).yes == 8 && index != 0);
  return device_of(row) != NULL && if_nametoindex(device_of(row)) == index;
}

static bool holds(const char *at, const pi__row *row, bool autobound) {
  bool family4 = row->family == PI_FAMILY_4;
  uint16_t port = op_at(at + 4).no;
  switch (op_at(at).code) {
  case INET_DIAG_BC_S_GE: return row->lport >= port;
  case INET_DIAG_BC_S_LE: return row->lport <= port;
  case INET_DIAG_BC_D_GE: return row->rport >= port;
  case INET_DIAG_BC_D_LE: return row->rport <= port;
  case INET_DIAG_BC_S_COND: return host_is(at, &row->laddr, family4);
  case INET_DIAG_BC_D_COND: return host_is(at, &row->raddr, family4);
  case INET_DIAG_BC_DEV_COND: return device_is(at, row);
  case INET_DIAG_BC_AUTO: return autobound;
  case INET_DIAG_BC_JMP: return false;
  default: fail_msg("operation %d", op_at(at).code); return false;
  }
}

/* inet_diag_bc_run */
static bool run(const char *code, size_t length, const pi__row *row,
                bool autobound) {
  long left = (long)length;
  while (left > 0) {
    const char *at = code + length - left;
    struct inet_diag_bc_op op = op_at(at);
    left -= holds(at, row, autobound) ? op.yes : op.no;
  }
  return left == 0;
}

/* ---- Steps, run as they are meant --------------------------------------- */

static bool ports_hold(const pi__step *step, uint16_t port) {
  const pi_host *host = &script.host;
  switch (step->ports) {
  case PI__PORTS_EPHEMERAL:
    return !host->ephemeral_known ||
           (port >= host->ephemeral_first && port <= host->ephemeral_last);
  case PI__PORTS_PRIVILEGED:
    return !host->unprivileged_known || port < host->unprivileged_start;
  default: return port >= step->first && port <= step->last;
  }
}

/* What the kernel cannot be asked for certain is true. */
static bool device_holds(const pi__step *step, const pi__row *row) {
  if (strcmp(step->name, "lo") != 0) return true;
  return device_of(row) != NULL && strcmp(device_of(row), "lo") == 0;
}

static bool step_holds(const pi__step *step, const pi__row *row) {
  const pi_address *a = step->op == PI__STEP_LADDR ? &row->laddr : &row->raddr;
  switch (step->op) {
  case PI__STEP_LPORT: return ports_hold(step, row->lport);
  case PI__STEP_RPORT: return ports_hold(step, row->rport);
  case PI__STEP_IFACE: return device_holds(step, row);
  default:
    return pi_address_is_v4(a) == pi_address_is_v4(&step->address) &&
           same_bits(a->bytes, step->address.bytes, step->prefix);
  }
}

static bool steps_hold(const pi__step *steps, size_t n, const pi__row *row) {
  bool stack[PI__MOST_STEPS];
  size_t depth = 0;
  for (size_t i = 0; i < n; i++) {
    switch (steps[i].op) {
    case PI__STEP_AND:
      depth--;
      stack[depth - 1] = stack[depth - 1] && stack[depth];
      break;
    case PI__STEP_OR:
      depth--;
      stack[depth - 1] = stack[depth - 1] || stack[depth];
      break;
    case PI__STEP_NOT: stack[depth - 1] = !stack[depth - 1]; break;
    default: stack[depth++] = step_holds(&steps[i], row);
    }
  }
  assert_int_equal(1, depth);
  return stack[0];
}

/* ---- Rows --------------------------------------------------------------- */

static pi_snapshot *rows(bool known_host) {
  script_reset();
  script.host.ephemeral_known = script.host.unprivileged_known = known_host;
  script.host.unprivileged_start = 1024;
  static const char *const addresses[] = {
      "127.0.0.1", "10.0.0.5", "10.200.0.1", "::1", "fe80::5", "2001:db8::9"};
  static const uint16_t ports[] = {22, 53, 80, 443, 8080, 40000, 65535};
  for (size_t i = 0; i < 6; i++) {
    for (size_t k = 0; k < 7; k++) {
      script_socket(PI_STATE_LISTEN, addresses[i], ports[k]);
      script_peer(PI_STATE_ESTABLISHED, addresses[i], ports[k],
                  addresses[(i + k) % 3 + i / 3 * 3], ports[(i + k) % 7]);
    }
  }
  // of every state, here and there bound to a device
  for (int state = 0; state <= PI_STATE_UNCONNECTED; state++) {
    for (unsigned k = 0; k < 4; k++) {
      bool peer = state != PI_STATE_LISTEN && state != PI_STATE_CLOSED &&
                  state != PI_STATE_UNCONNECTED;
      script_row *r = peer ? script_peer((pi_state)state, addresses[k], 40000,
                                         addresses[k], 443)
                           : script_socket((pi_state)state, addresses[k], 53);
      static const char *const devices[] = {NULL, "lo", "if7", "nowhere9"};
      r->iface = devices[k];
    }
  }
  // clients of a listener for both families: IPv4 in a socket of family 6
  script_peer(PI_STATE_ESTABLISHED, "10.0.0.5", 443, "10.200.0.1", 40000)
      ->row.family = PI_FAMILY_6;
  return script_take(PI_GROUPS);
}

/* ---- Filters at random -------------------------------------------------- */

static size_t put_leaf(char *at, uint64_t *seed) {
  static const char *const leaves[] = {"lport = 443",
                                       "lport in {22, 80..8080}",
                                       "lport < 100",
                                       "lport = 0..65535",
                                       "lport > 65535",
                                       "rport = 443",
                                       "rport = 0",
                                       "rport = 0..80",
                                       "rport >= 8080",
                                       "laddr = 10.0.0.0/8",
                                       "laddr = 127.0.0.1",
                                       "laddr = ::1",
                                       "laddr = ::/0",
                                       "laddr = fe80::/10",
                                       "raddr = 0.0.0.0/0",
                                       "raddr = 10.200.0.1",
                                       "raddr = ::/0",
                                       "raddr = ::1..::9",
                                       "laddr = 10.0.0.5..10.200.0.1",
                                       ":443",
                                       "port = 53",
                                       "addr = 10.0.0.0/8",
                                       "listening",
                                       "established",
                                       "process = x",
                                       "lport = ephemeral",
                                       "role = inbound",
                                       "rport",
                                       "known lport",
                                       "iface = lo",
                                       "iface = 'nowhere9'",
                                       "iface = if7",
                                       "iface = l*",
                                       "iface",
                                       "lport = privileged",
                                       "rport = privileged",
                                       "ephemeral",
                                       "system-port",
                                       "user-port",
                                       "raddr",
                                       "known rport",
                                       "tcp",
                                       "udp",
                                       "state = time-wait",
                                       "state in {closed, connected}",
                                       "state",
                                       "family = ipv6",
                                       "all",
                                       "inbound"};
  const char *leaf = leaves[next_number(seed) % LENGTH(leaves)];
  return (size_t)sprintf(at, "%s", leaf);
}

static size_t put_filter(char *at, unsigned depth, uint64_t *seed) {
  uint64_t kind = depth == 0 ? 0 : next_number(seed) % 4;
  if (kind == 0) return put_leaf(at, seed);
  size_t n = (size_t)sprintf(at, kind == 1 ? "not (" : "(");
  n += put_filter(at + n, depth - 1, seed);
  n += (size_t)sprintf(at + n, ")");
  if (kind == 1) return n;
  n += (size_t)sprintf(at + n, kind == 2 ? " and (" : " or (");
  n += put_filter(at + n, depth - 1, seed);
  return n + (size_t)sprintf(at + n, ")");
}

static bool is_wanted(const pi__want *want, const pi__row *row) {
  return (want->states[row->proto] >> row->state & 1) &&
         want->families[row->family];
}

static void assert_covers(const char *text, const pi_snapshot *s,
                          size_t *narrowed) {
  pi_filter *f = NULL;
  pi__want want = {0};
  uint32_t code[PI__BYTECODE_SIZE / 4];
  assert_int_equal(0, pi_filter_parse(text, strlen(text), &f, NULL));
  pi__plan(f, &want);
  *narrowed += want.step_count > 0;
  for (int choice = 0; choice < 3; choice++) {
    size_t length = pi__bytecode(&script.host, want.steps, want.step_count,
                                 (pi__port_choice)choice, (char *)code);
    assert_audited((const char *)code, length);
    for (size_t i = 0; i < s->count; i++) {
      const pi__row *row = &script.rows[i].row;
      bool passes =
          want.step_count == 0 || steps_hold(want.steps, want.step_count, row);
      bool chosen = i % 2 == 0;
      bool fits =
          choice == PI__CHOICE_ANY || (choice == PI__CHOICE_KERNEL) == !chosen;
      if (run((const char *)code, length, row, !chosen) != (passes && fits)) {
        fail_msg("%s: the code says otherwise of row %zu", text, i);
      }
      bool maybe = pi_filter_test(f, s, i) != PI_FALSE;
      if (maybe && !(passes && is_wanted(&want, row))) {
        fail_msg("%s: row %zu is left out", text, i);
      }
    }
  }
  pi_filter_free(f);
}

static void a_plan_leaves_no_possible_row_out(void **state) {
  (void)state;
  uint64_t seed = 7;
  size_t narrowed = 0;
  for (int host = 0; host < 2; host++) {
    pi_snapshot *s = rows(host == 1);
    for (int i = 0; i < 3000; i++) {
      char text[4096];
      put_filter(text, (unsigned)(i % 5), &seed);
      assert_covers(text, s, &narrowed);
    }
    pi_snapshot_free(s);
  }
  assert_true(narrowed > 1000);  // else there was nothing to be wrong about
}

/* ---- What is asked, exactly --------------------------------------------- */

static size_t steps_of(const char *text, pi__want *want) {
  pi_filter *f = NULL;
  memset(want, 0, sizeof *want);
  assert_int_equal(0, pi_filter_parse(text, strlen(text), &f, NULL));
  pi__plan(f, want);
  pi_filter_free(f);
  return want->step_count;
}

static void what_the_kernel_cannot_say_counts_as_true(void **state) {
  (void)state;
  pi__want want;
  assert_int_equal(1, steps_of("lport = 443", &want));
  assert_int_equal(1, steps_of("lport = 443 and process = x", &want));
  assert_int_equal(0, steps_of("lport = 443 or process = x", &want));
  assert_int_equal(3, steps_of(":443", &want));
  assert_int_equal(2, steps_of("lport != 443", &want));
  assert_int_equal(0, steps_of("not (lport = 443 and process = x)", &want));
  assert_int_equal(2, steps_of("rport != 443", &want));
  assert_int_equal(0, steps_of("rport not in 0..443", &want));
  assert_int_equal(2, steps_of("raddr != 10.0.0.0/8", &want));
  assert_int_equal(0, steps_of("raddr != 0.0.0.0/0", &want));
  assert_int_equal(1, steps_of("lport = ephemeral", &want));
  assert_int_equal(1, steps_of("ephemeral", &want));
  assert_int_equal(0, steps_of("not lport = ephemeral", &want));
  assert_int_equal(0, steps_of("lport = reserved", &want));
  assert_int_equal(1, steps_of("system-port", &want));
  assert_int_equal(2, steps_of("not system-port", &want));
  assert_int_equal(1, steps_of("iface = lo", &want));
  assert_string_equal("lo", want.steps[0].name);
  assert_int_equal(3, steps_of("rport = 443 and iface = \"lo\"", &want));
  assert_int_equal(1, steps_of("rport = 443 and iface = e*", &want));
  assert_int_equal(0, steps_of("iface != lo", &want));
  assert_int_equal(0, steps_of("iface = abcdefghijklmnop", &want));
  assert_int_equal(1, steps_of("iface = abcdefghijklmno", &want));
  assert_int_equal(0, steps_of("mark = 5", &want));
  assert_int_equal(0, steps_of("laddr = 10.0.0.1..10.0.0.9", &want));
  assert_int_equal(1, steps_of("laddr = 10.0.0.0..10.0.0.255", &want));
  assert_int_equal(0, steps_of("", &want));
}

static void a_long_set_is_not_pushed_rather_than_cut(void **state) {
  (void)state;
  char text[2048];
  pi__want want;
  size_t n = (size_t)sprintf(text, "lport in {");
  for (int i = 1; i <= 100; i++) n += (size_t)sprintf(text + n, "%d,", i * 3);
  sprintf(text + n, "}");
  assert_int_equal(0, steps_of(text, &want));
}

static void only_kinds_that_may_match_are_read(void **state) {
  (void)state;
  pi__want want;
  steps_of("listening tcp", &want);
  assert_int_equal(1u << PI_STATE_LISTEN, want.states[PI_PROTO_TCP]);
  assert_int_equal(0, want.states[PI_PROTO_UDP]);
  steps_of("udp", &want);
  assert_int_equal(0, want.states[PI_PROTO_TCP]);
  steps_of("state = time-wait", &want);
  assert_int_equal(1u << PI_STATE_TIME_WAIT | 1u << PI_STATE_LISTEN,
                   want.states[PI_PROTO_TCP]);
}

/* Protocol, family and state are always known, so their negations are too. */
static void a_negation_is_read_no_further_than_it_goes(void **state) {
  (void)state;
  const unsigned listen = 1u << PI_STATE_LISTEN;
  pi__want want;
  steps_of("not tcp", &want);
  assert_int_equal(0, want.states[PI_PROTO_TCP]);
  assert_true(want.states[PI_PROTO_UDP] != 0);
  steps_of("tcp and state != established", &want);
  assert_int_equal(0, want.states[PI_PROTO_TCP] & 1u << PI_STATE_ESTABLISHED);
  assert_true(want.states[PI_PROTO_TCP] & 1u << PI_STATE_TIME_WAIT);
  steps_of("tcp and not (state = established or lport = 5)", &want);
  assert_int_equal(0, want.states[PI_PROTO_TCP] & 1u << PI_STATE_ESTABLISHED);
  steps_of("tcp and not (established and lport = 5)", &want);
  assert_true(want.states[PI_PROTO_TCP] & 1u << PI_STATE_ESTABLISHED);
  steps_of("not family = ipv4", &want);
  assert_false(want.families[PI_FAMILY_4]);
  assert_true(want.families[PI_FAMILY_6]);
  steps_of("not not (tcp and listening)", &want);
  assert_int_equal(listen, want.states[PI_PROTO_TCP]);
  assert_int_equal(0, want.states[PI_PROTO_UDP]);
  // of a pair of negations each takes away what the other one has
  steps_of("not (tcp and family = ipv4)", &want);
  assert_true(want.states[PI_PROTO_TCP] != 0 && want.families[PI_FAMILY_4]);
  steps_of("not all", &want);
  assert_int_equal(0, want.states[PI_PROTO_TCP] | want.states[PI_PROTO_UDP]);
}

/* Bound sockets are in a table of their own that takes long to walk. */
static void a_far_port_is_looked_for_where_there_is_a_peer(void **state) {
  (void)state;
  const unsigned closed = 1u << PI_STATE_CLOSED;
  const unsigned unconnected = 1u << PI_STATE_UNCONNECTED;
  pi__want want;
  static const char *const with[] = {"rport = 443", "raddr = ::1", "rport",
                                     "rport = 443 and iface = lo"};
  for (size_t i = 0; i < LENGTH(with); i++) {
    steps_of(with[i], &want);
    assert_int_equal(0, want.states[PI_PROTO_TCP] & closed);
    assert_int_equal(0, want.states[PI_PROTO_UDP] & unconnected);
    assert_true(want.states[PI_PROTO_TCP] & 1u << PI_STATE_ESTABLISHED);
  }
  static const char *const without[] = {"rport != 443", "not rport", "port = 5",
                                        "known rport", "not raddr = ::1"};
  for (size_t i = 0; i < LENGTH(without); i++) {
    steps_of(without[i], &want);
    assert_true(want.states[PI_PROTO_TCP] & closed);
    assert_true(want.states[PI_PROTO_UDP] & unconnected);
  }
  steps_of("not rport", &want);
  assert_int_equal(closed | 1u << PI_STATE_LISTEN, want.states[PI_PROTO_TCP]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_plan_leaves_no_possible_row_out),
      cmocka_unit_test(what_the_kernel_cannot_say_counts_as_true),
      cmocka_unit_test(a_long_set_is_not_pushed_rather_than_cut),
      cmocka_unit_test(only_kinds_that_may_match_are_read),
      cmocka_unit_test(a_negation_is_read_no_further_than_it_goes),
      cmocka_unit_test(a_far_port_is_looked_for_where_there_is_a_peer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
