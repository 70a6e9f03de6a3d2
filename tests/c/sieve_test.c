/* sieve_test.c: a filter asked of blocks of rows says what it says of each of
 * them; and both say what a plain reading of the values says. */
#include "filters.h"
#include "script.h"

#include "core/sieve.h"

static int reset(void **state) {
  (void)state;
  script_reset();
  return 0;
}

static bool one_in(unsigned n, uint64_t *seed) {
  return next_number(seed) % n == 0;
}

#define ANY_OF(pool, seed) ((pool)[next_number(seed) % LENGTH(pool)])

/* ---- Readings with everything unknown and empty somewhere --------------- */

static const char *const v4_pool[] = {
    "127.0.0.1", "10.0.0.5",    "10.255.255.255",  "0.0.0.0",
    "11.0.0.0",  "192.168.1.1", "255.255.255.255", "172.16.0.1"};
/* The last two are the neighbours of ::ffff:0.0.0.0/96. */
static const char *const v6_pool[] = {
    "::",          "::1",         "fe80::5",
    "2001:db8::9", "2001:db8::a", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "ff02::1",     "::1:0:0:0",   "::fffe:ffff:ffff"};
static const uint16_t port_pool[] = {0,    22,   53,    80,    443,   444,
                                     1023, 1024, 8080,  32768, 40000, 60999,
                                     3306, 5432, 61000, 65535};
static const char *const iface_pool[] = {"lo", "eth0", "eth1", "wlan0", "br-a"};

static uint8_t any_sight(uint64_t *seed) {
  return (uint8_t)(next_number(seed) % 3);
}

static void add_row(uint64_t *seed) {
  bool six = one_in(2, seed);
  pi_state state = (pi_state)(next_number(seed) % 13);
  script_row *r =
      script_socket(state, six ? ANY_OF(v6_pool, seed) : ANY_OF(v4_pool, seed),
                    ANY_OF(port_pool, seed));
  r->row.raddr =
      address_of(six ? ANY_OF(v6_pool, seed) : ANY_OF(v4_pool, seed));
  r->row.rport = ANY_OF(port_pool, seed);
  r->row.uid = (uint32_t)(next_number(seed) % 4) * 500;
  r->row.uid_sight = one_in(4, seed) ? PI_UNKNOWN : PI_KNOWN;
  r->row.rxq = (uint32_t)(next_number(seed) % 3) * 2048;
  r->row.txq = one_in(2, seed) ? UINT32_MAX : 7;
  r->row.txq_sight = any_sight(seed);
  r->row.mark = (uint32_t)(next_number(seed) % 3);
  r->row.mark_sight = any_sight(seed);
  r->row.v6only = one_in(2, seed);
  r->row.v6only_sight = any_sight(seed);
  r->row.iface_sight = one_in(2, seed) ? PI_UNKNOWN : PI_EMPTY;
  if (one_in(2, seed)) r->iface = ANY_OF(iface_pool, seed);
  r->autobound = one_in(2, seed);
  r->dead = one_in(5, seed);
  if (one_in(5, seed))
    r->row.inode = 0;
  else if (one_in(5, seed))
    r->row.cookie = 0;
}

static void add_holders(uint64_t *seed) {
  static const char *const texts[] = {NULL, "", "root", "/bin/sh", "alice"};
  static const char *const comms[] = {"nginx", "sshd", "a*b", "nginx: worker"};
  for (unsigned i = 0; i < 20; i++) {
    unsigned at = script_process_add(1 + i, ANY_OF(comms, seed));
    script_process *p = &script.processes[at];
    p->uid = (uint32_t)(next_number(seed) % 4) * 500;
    p->user = ANY_OF(texts, seed);
    p->exe = ANY_OF(texts, seed);
    p->cmdline = ANY_OF(texts, seed);
    p->cgroup = ANY_OF(texts, seed);
    p->ppid = (uint32_t)(next_number(seed) % 3);
    p->started = (int64_t)(next_number(seed) % 3) * 1000;
  }
  for (int i = 0; script.count > 0 && i < 150; i++) {
    const script_row *r = &script.rows[next_number(seed) % script.count];
    if (r->row.inode == 0) continue;
    script_hold(r, (unsigned)(next_number(seed) % 20), i);
  }
}

/* `kind` decides what the host tells, and what was read. */
static pi_snapshot *reading_of(size_t rows, unsigned kind, uint64_t *seed) {
  static const unsigned groups[] = {PI_GROUPS, PI_GROUPS, PI_GROUP_DERIVED, 0,
                                    PI_GROUP_OWNER};
  script_reset();
  script.tells_autobound = kind % 2 == 0;
  script.quality.unreadable = kind % 3 == 0;
  script.host.ephemeral_known = kind != 1;
  script.host.unprivileged_known = kind != 2;
  script.host.unprivileged_start = kind == 3 ? 0 : 1024;
  script.host.reserved_known = kind != 4;
  script.host.netns = kind == 1 ? 0 : 4026531840;
  for (size_t i = 0; i < LENGTH(port_pool); i += 3) {
    script.host.reserved[port_pool[i] / 8] |= (uint8_t)(1u << port_pool[i] % 8);
  }
  for (size_t i = 0; i < rows; i++) add_row(seed);
  add_holders(seed);
  pi_snapshot *s = script_take(groups[kind % LENGTH(groups)]);
  assert_int_equal(rows, pi_snapshot_count(s));
  return s;
}

/* ---- Filters at random -------------------------------------------------- */

typedef struct text {
  char bytes[32768];
  size_t length;
} text;

static void put(text *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  t->length += (size_t)vsnprintf(t->bytes + t->length,
                                 sizeof t->bytes - t->length, format, args);
  va_end(args);
  assert_true(t->length < sizeof t->bytes);
}

static void put_number(text *t, pi_field field, uint64_t *seed) {
  static const uint64_t numbers[] = {
      0, 1, 2, 5, 7, 12, 500, 1000, 1010, 2048, 4294967295, 4026531840};
  uint64_t a = ANY_OF(numbers, seed), b = a + next_number(seed) % 3000;
  if (field == PI_LPORT || field == PI_RPORT) {
    a = ANY_OF(port_pool, seed);
    b = a + next_number(seed) % (65536 - a);
  }
  put(t, one_in(2, seed) ? "%ju" : "%ju..%ju", (uintmax_t)a, (uintmax_t)b);
}

static void put_port(text *t, pi_field field, uint64_t *seed) {
  static const char *const others[] = {"ephemeral", "reserved", "privileged",
                                       "https",     "ssh",      "domain"};
  if (one_in(3, seed))
    put(t, "%s", ANY_OF(others, seed));
  else
    put_number(t, field, seed);
}

static void put_address(text *t, uint64_t *seed) {
  bool six = one_in(2, seed);
  const char *a = six ? ANY_OF(v6_pool, seed) : ANY_OF(v4_pool, seed);
  const char *b =
      one_in(2, seed) ? ANY_OF(v6_pool, seed) : ANY_OF(v4_pool, seed);
  pi_address low = address_of(a), high = address_of(b);
  switch (next_number(seed) % 3) {
  case 0: put(t, "%s", a); break;
  case 1:
    put(t, "%s/%ju", a, (uintmax_t)(next_number(seed) % (six ? 129 : 33)));
    break;
  default:
    if (memcmp(&low, &high, sizeof low) > 0) {
      const char *other = a;
      a = b;
      b = other;
    }
    put(t, "%s..%s", a, b);
  }
}

static void put_value(text *t, pi_field field, uint64_t *seed) {
  static const char *const texts[] = {
      "eth0",  "eth*",  "*",         "lo",    "nginx", "'a*b'",
      "s?hd",  "root",  "*sh*",      "''",    "https", "HTTP*",
      "mysql", "post*", "cleartext", "alice", "no-au*"};
  const pi_field_info *info = pi_field_describe(field);
  size_t words = 0;
  switch (info->type) {
  case PI_TYPE_PORT: put_port(t, field, seed); break;
  case PI_TYPE_ADDRESS: put_address(t, seed); break;
  case PI_TYPE_WORD:
    while (info->words[words] != NULL) words++;
    put(t, "%s", info->words[next_number(seed) % words]);
    break;
  case PI_TYPE_BOOL: put(t, one_in(2, seed) ? "yes" : "no"); break;
  case PI_TYPE_TEXT: put(t, "%s", ANY_OF(texts, seed)); break;
  default: put_number(t, field, seed);
  }
}

static void put_set(text *t, pi_field field, uint64_t *seed) {
  uint64_t n = one_in(8, seed) ? 60 : 1 + next_number(seed) % 6;
  put(t, one_in(4, seed) ? " not in {" : " in {");
  for (uint64_t i = 0; i < n; i++) {
    put_value(t, field, seed);
    put(t, i + 1 < n ? ", " : "}");
  }
}

static void put_order(text *t, pi_field field, uint64_t *seed) {
  static const char *const orders[] = {"<", "<=", ">", ">="};
  uint64_t n = one_in(3, seed) ? 0 : next_number(seed) % 65536;
  (void)field;
  put(t, " %s %ju", ANY_OF(orders, seed), (uintmax_t)n);
}

static void put_leaf(text *t, uint64_t *seed) {
  if (one_in(6, seed)) {
    unsigned flags = 0;
    while (pi_filter_flag(flags) != NULL) flags++;
    put(t, "%s", pi_filter_flag((unsigned)(next_number(seed) % flags)));
    return;
  }
  pi_field field = (pi_field)(next_number(seed) % PI_FIELD_COUNT);
  const pi_field_info *info = pi_field_describe(field);
  bool ordered = info->type == PI_TYPE_PORT || info->type == PI_TYPE_NUMBER ||
                 info->type == PI_TYPE_TIME;
  uint64_t kind = next_number(seed) % 6;
  if (info->type == PI_TYPE_HOLDERS && kind > 1) kind = 0;
  put(t, kind == 0 ? "known %s" : "%s", info->name);
  if (kind < 2) return;
  if (kind == 2 && ordered) {
    put_order(t, field, seed);
  } else if (kind == 3) {
    put(t, one_in(2, seed) ? " = " : " != ");
    put_value(t, field, seed);
  } else {
    put_set(t, field, seed);
  }
}

static void put_filter(text *t, unsigned depth, uint64_t *seed) {
  uint64_t kind = depth == 0 ? 0 : next_number(seed) % 5;
  if (kind == 0) {
    put_leaf(t, seed);
    return;
  }
  if (kind == 1) {
    put(t, "not (");
    put_filter(t, depth - 1, seed);
    put(t, ")");
    return;
  }
  uint64_t n = 2 + next_number(seed) % 3;
  for (uint64_t i = 0; i < n; i++) {
    put(t, i == 0 ? "(" : kind < 4 ? ") and (" : ") or (");
    put_filter(t, depth - 1, seed);
  }
  put(t, ")");
}

/* ---- Block by block, as row by row --------------------------------------- */

static int level_of(pi_truth truth) {
  return truth == PI_TRUE ? PI__YES : truth == PI_FALSE ? PI__NO : PI__OPEN;
}

/* Counts how often each level was met. */
static void assert_agree(const pi_filter *f, const char *what,
                         const pi_snapshot *s, size_t met[3]) {
  pi__sieve *sieve;
  assert_int_equal(0, pi__sieve_new(f, s, &sieve, NULL));
  const uint8_t *levels = NULL;
  for (size_t row = 0; row < s->count; row++) {
    size_t in = row % PI__BLOCK_ROWS, left = s->count - row;
    if (in == 0) {
      levels = pi__sieve_levels(sieve, row,
                                left < PI__BLOCK_ROWS ? left : PI__BLOCK_ROWS);
    }
    int level = level_of(pi_filter_test(f, s, row));
    if (levels[in] != level) {
      fail_msg("%s: row %zu is %d, not %d", what, row, levels[in], level);
    }
    met[level]++;
  }
  pi__sieve_free(sieve);
}

static void random_filters_agree_on_every_row(void **state) {
  (void)state;
  static const struct {
    size_t rows;
    int filters; /* for each kind of reading */
  } turns[] = {{0, 20},     {1, 200},    {40, 1200}, {1023, 180},
               {1024, 180}, {1025, 180}, {3000, 60}};
  uint64_t seed = 11;
  size_t met[3] = {0};
  for (size_t i = 0; i < LENGTH(turns); i++) {
    for (unsigned kind = 0; kind < 5; kind++) {
      pi_snapshot *s = reading_of(turns[i].rows, kind, &seed);
      for (int k = 0; k < turns[i].filters; k++) {
        static text t;
        t.length = 0;
        put_filter(&t, (unsigned)(k % 5), &seed);
        pi_filter *f = word(t.bytes);
        assert_agree(f, t.bytes, s, met);
        pi_filter_free(f);
      }
      pi_snapshot_free(s);
    }
  }
  // else there was nothing to be wrong about
  for (int i = 0; i < 3; i++) assert_true(met[i] > 100000);
}

/* Every field in every kind of test, alone: what `and` and `or` would hide. */
static void every_field_agrees_alone(void **state) {
  (void)state;
  uint64_t seed = 5;
  size_t met[3] = {0};
  for (unsigned kind = 0; kind < 5; kind++) {
    pi_snapshot *s = reading_of(300, kind, &seed);
    for (int i = 0; i < PI_FIELD_COUNT * 12; i++) {
      pi_field field = (pi_field)(i / 12);
      const pi_field_info *info = pi_field_describe(field);
      static text t;
      t.length = 0;
      put(&t, i % 12 == 0 ? "known %s" : "%s", info->name);
      if (i % 12 > 1 && info->type == PI_TYPE_HOLDERS) continue;
      if (i % 12 > 1) put_set(&t, field, &seed);
      pi_filter *f = word(t.bytes);
      assert_agree(f, t.bytes, s, met);
      pi_filter_free(f);
    }
    pi_snapshot_free(s);
  }
}

static void selections_are_in_the_order_of_rows(void **state) {
  (void)state;
  static const size_t sizes[] = {0, 1, 1023, 1024, 1025, 3000};
  static const char *const filters[] = {
      "",         "not all",    "mark = 1",          "not known mark",
      "rxq > 2k", "iface = e*", "txq and not v6only"};
  uint64_t seed = 3;
  for (size_t i = 0; i < LENGTH(sizes); i++) {
    pi_snapshot *s = reading_of(sizes[i], 0, &seed);
    for (size_t k = 0; k <= LENGTH(filters); k++) {
      pi_filter *f = k < LENGTH(filters) ? word(filters[k]) : NULL;
      pi_selection *sel = NULL;
      size_t sure = 0, open = 0;
      assert_int_equal(0, pi_snapshot_select(s, f, &sel, NULL));
      for (size_t row = 0; row < sizes[i]; row++) {
        pi_truth truth = f == NULL ? PI_TRUE : pi_filter_test(f, s, row);
        if (truth == PI_TRUE) {
          assert_int_equal(row, pi_selection_at(sel, sure++));
        } else if (truth == PI_UNDECIDED) {
          assert_int_equal(row, pi_selection_undecided_at(sel, open++));
        }
      }
      assert_int_equal(sure, pi_selection_count(sel));
      assert_int_equal(open, pi_selection_undecided_count(sel));
      pi_selection_free(sel);
      pi_filter_free(f);
    }
    pi_snapshot_free(s);
  }
}

/* Deeper than the language lets through, and wider than a block. */
static void deep_and_wide_filters_agree(void **state) {
  (void)state;
  uint64_t seed = 9;
  size_t met[3] = {0};
  pi_snapshot *s = reading_of(1100, 0, &seed);
  pi_filter *deep = is(PI_MARK, "1");
  for (int i = 0; i < 330; i++) {
    deep = not(deep);
    deep = i % 2 ? both(deep, is(PI_TXQ, "7")) : either(deep, word("v6only"));
  }
  assert_agree(deep, "deep", s, met);
  pi_filter *wide = is(PI_MARK, "1");
  for (int i = 0; i < 3000; i++) {
    static text t;
    t.length = 0;
    put_leaf(&t, &seed);
    wide = both(wide, either(word(t.bytes), is(PI_RXQ, "2048")));
  }
  assert_agree(wide, "wide", s, met);
  pi_filter_free(deep);
  pi_filter_free(wide);
  pi_snapshot_free(s);
}

/* ---- As a plain reading of the values ------------------------------------ */

/* One field of every row, by what the model says of it. */
static void assert_model(const pi_snapshot *s, const char *filter,
                         pi_truth (*model)(size_t row)) {
  pi_filter *f = word(filter);
  pi__sieve *sieve;
  assert_int_equal(0, pi__sieve_new(f, s, &sieve, NULL));
  for (size_t row = 0; row < s->count; row++) {
    uint8_t level = *pi__sieve_levels(sieve, row, 1);
    if (level != level_of(model(row))) {
      fail_msg("%s: row %zu is %d", filter, row, level);
    }
  }
  pi__sieve_free(sieve);
  pi_filter_free(f);
}

static bool wanted_ports[65536];

static pi_truth port_model(size_t row) {
  return wanted_ports[script.rows[row].row.lport] ? PI_TRUE : PI_FALSE;
}

static pi_truth rport_model(size_t row) {
  const pi__row *r = &script.rows[row].row;
  if (r->state == PI_STATE_LISTEN) return PI_FALSE;
  return wanted_ports[r->rport] ? PI_TRUE : PI_FALSE;
}

static void sets_of_ports_hold_what_they_list(void **state) {
  (void)state;
  uint64_t seed = 21;
  for (int i = 0; i < 2000; i++) {
    bool listens = one_in(3, &seed);
    script_row *r =
        script_socket(listens ? PI_STATE_LISTEN : PI_STATE_ESTABLISHED,
                      "10.0.0.1", (uint16_t)(next_number(&seed) | 1));
    r->row.rport = (uint16_t)next_number(&seed);
  }
  script.rows[0].row.lport = 2;
  script.rows[1].row.lport = 65535;
  pi_snapshot *s = script_take(0);
  static const unsigned sizes[] = {1, 2, 5, 15, 16, 17, 18, 100, 1000};
  for (size_t i = 0; i < LENGTH(sizes); i++) {
    static text l, r;
    memset(wanted_ports, 0, sizeof wanted_ports);
    l.length = r.length = 0;
    put(&l, "lport in {");
    put(&r, "rport in {");
    for (unsigned k = 0; k < sizes[i]; k++) {
      unsigned first = (unsigned)(next_number(&seed) % 65536);
      unsigned last = first + (unsigned)(next_number(&seed) % 40);
      if (k == 0) first = 0;
      if (k == 1 || last > 65535) last = 65535;
      for (unsigned p = first; p <= last; p++) wanted_ports[p] = true;
      put(&l, "%u..%u,", first, last);
      put(&r, "%u-%u,", first, last);
    }
    put(&l, "}");
    put(&r, "}");
    assert_model(s, l.bytes, port_model);
    assert_model(s, r.bytes, rport_model);
  }
  pi_snapshot_free(s);
}

static struct {
  pi_address address;
  unsigned prefix; /* as of IPv6 */
} blocks[64];
static size_t block_count;

static pi_truth block_model(size_t row) {
  const uint8_t *a = script.rows[row].row.laddr.bytes;
  for (size_t i = 0; i < block_count; i++) {
    const uint8_t *b = blocks[i].address.bytes;
    unsigned bit = 0;
    while (bit < blocks[i].prefix &&
           !((a[bit / 8] ^ b[bit / 8]) >> (7 - bit % 8) & 1)) {
      bit++;
    }
    bool same_family = pi_address_is_v4(&script.rows[row].row.laddr) ==
                       pi_address_is_v4(&blocks[i].address);
    if (bit == blocks[i].prefix && same_family) return PI_TRUE;
  }
  return PI_FALSE;
}

/* An address a few bits away from another, so that blocks are hit. */
static pi_address address_near(uint64_t *seed) {
  bool six = one_in(2, seed);
  pi_address a =
      address_of(six ? ANY_OF(v6_pool, seed) : ANY_OF(v4_pool, seed));
  for (uint64_t n = next_number(seed) % 4; n > 0; n--) {
    unsigned bit = (unsigned)(next_number(seed) % 128);
    if (!six) bit = 96 + bit % 32;
    a.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  return a;
}

static void blocks_hold_what_begins_like_them(void **state) {
  (void)state;
  uint64_t seed = 31;
  for (int i = 0; i < 1500; i++) {
    script_socket(PI_STATE_LISTEN, "::", 1)->row.laddr = address_near(&seed);
  }
  pi_snapshot *s = script_take(0);
  for (int i = 0; i < 300; i++) {
    static text t;
    t.length = 0;
    block_count = 1 + next_number(&seed) % (i % 3 == 0 ? 60 : 4);
    put(&t, "laddr in {");
    for (size_t k = 0; k < block_count; k++) {
      char name[PI_ADDRESS_TEXT];
      blocks[k].address = address_near(&seed);
      bool v4 = pi_address_is_v4(&blocks[k].address);
      unsigned prefix = (unsigned)(next_number(&seed) % (v4 ? 33 : 129));
      blocks[k].prefix = prefix + (v4 ? 96 : 0);
      pi_address_format(&blocks[k].address, name);
      put(&t, "%s/%u,", name, prefix);
    }
    put(&t, "}");
    assert_model(s, t.bytes, block_model);
  }
  pi_snapshot_free(s);
}

static uint64_t spans[64][2];
static size_t span_count;

static pi_truth number_model(uint64_t n) {
  for (size_t i = 0; i < span_count; i++) {
    if (n >= spans[i][0] && n <= spans[i][1]) return PI_TRUE;
  }
  return PI_FALSE;
}

static pi_truth uid_model(size_t row) {
  const pi__row *r = &script.rows[row].row;
  return r->uid_sight == PI_UNKNOWN ? PI_UNDECIDED : number_model(r->uid);
}

static pi_truth inode_model(size_t row) {
  const pi__row *r = &script.rows[row].row;
  return r->inode == 0 ? PI_FALSE : number_model(r->inode);
}

/* Numbers near the ends of what 32 and 64 bits hold, or spread between. */
static uint64_t number_near(uint64_t *seed) {
  uint64_t n = next_number(seed) % 64;
  switch (next_number(seed) % 4) {
  case 0: return n;
  case 1: return UINT32_MAX - 32 + n;
  case 2: return UINT64_MAX - n;
  default: return next_number(seed) >> next_number(seed) % 64;
  }
}

static void sets_of_numbers_hold_what_they_list(void **state) {
  (void)state;
  uint64_t seed = 41;
  for (int i = 0; i < 1500; i++) {
    script_row *r = script_socket(PI_STATE_LISTEN, "::", 1);
    r->row.inode = number_near(&seed);
    r->row.uid = (uint32_t)number_near(&seed);
    r->row.uid_sight = one_in(9, &seed) ? PI_UNKNOWN : PI_KNOWN;
  }
  pi_snapshot *s = script_take(0);
  for (int i = 0; i < 300; i++) {
    static text u, n;
    u.length = n.length = 0;
    span_count = 1 + next_number(&seed) % (i % 3 == 0 ? 60 : 4);
    put(&u, "uid in {");
    put(&n, "inode in {");
    for (size_t k = 0; k < span_count; k++) {
      uint64_t a = number_near(&seed), b = number_near(&seed);
      if (one_in(2, &seed)) b = a;
      uintmax_t first = spans[k][0] = a < b ? a : b;
      uintmax_t last = spans[k][1] = a < b ? b : a;
      put(&u, "%ju..%ju,", first, last);
      put(&n, "%ju..%ju,", first, last);
    }
    put(&u, "}");
    put(&n, "}");
    assert_model(s, u.bytes, uid_model);
    assert_model(s, n.bytes, inode_model);
  }
  pi_snapshot_free(s);
}

/* Many names, so that answers take each other's place. */
static pi_truth https_model(size_t row) {
  const pi__row *r = &script.rows[row].row;
  unsigned transport =
      r->proto == PI_PROTO_UDP ? PI_TRANSPORT_UDP : PI_TRANSPORT_TCP;
  const char *name;
  for (unsigned i = 0; (name = pi_port_name(r->lport, transport, i)); i++) {
    if (name[0] == 's' || strcmp(name, "https") == 0) return PI_TRUE;
  }
  return PI_FALSE;
}

static pi_truth iface_model(size_t row) {
  const char *name = script.rows[row].iface;
  if (name == NULL) return PI_FALSE;
  return strlen(name) == 4 && name[1] == '7' ? PI_TRUE : PI_FALSE;
}

static void names_are_told_apart(void **state) {
  (void)state;
  static char names[700][8];
  uint64_t seed = 51;
  for (size_t i = 0; i < LENGTH(names); i++) sprintf(names[i], "e%zu", i);
  for (int i = 0; i < 6000; i++) {
    bool udp = one_in(3, &seed);
    script_row *r = script_socket(udp ? PI_STATE_UNCONNECTED : PI_STATE_LISTEN,
                                  "::", (uint16_t)(next_number(&seed) % 9000));
    if (!one_in(4, &seed)) r->iface = ANY_OF(names, &seed);
  }
  pi_snapshot *s = script_take(PI_GROUP_DERIVED);
  assert_model(s, "service in {https, s*}", https_model);
  assert_model(s, "iface = e7??", iface_model);
  pi_snapshot_free(s);
}

/* ---- Levels ---------------------------------------------------------------
 */

static void levels_follow_kleene_at_any_length(void **state) {
  (void)state;
  enum { N = PI__NO, O = PI__OPEN, Y = PI__YES };
  static const int ands[3][3] = {{N, N, N}, {N, O, O}, {N, O, Y}};
  static const int ors[3][3] = {{N, O, Y}, {O, O, Y}, {Y, Y, Y}};
  static const int nots[3] = {Y, O, N};
  uint64_t seed = 61;
  for (size_t n = 0; n < 100; n++) {
    uint8_t a[100], b[100], x[100], y[100], z[100];
    uint32_t rows[101];
    for (size_t i = 0; i < 100; i++) {
      a[i] = (uint8_t)(next_number(&seed) % 3);
      b[i] = (uint8_t)(next_number(&seed) % 3);
    }
    memcpy(x, a, 100);
    memcpy(y, a, 100);
    memcpy(z, a, 100);
    pi__level_and(x, b, n);
    pi__level_or(y, b, n);
    pi__level_not(z, n);
    size_t open = 0;
    for (size_t i = 0; i < 100; i++) {
      assert_int_equal(i < n ? ands[a[i]][b[i]] : a[i], x[i]);
      assert_int_equal(i < n ? ors[a[i]][b[i]] : a[i], y[i]);
      assert_int_equal(i < n ? nots[a[i]] : a[i], z[i]);
      open += i < n && a[i] == O;
    }
    assert_int_equal(open, pi__level_count(a, n, O));
    assert_int_equal(open, pi__level_rows(a, n, O, 7, rows));
    for (size_t i = 0, k = 0; i < n; i++) {
      if (a[i] == O) assert_int_equal(7 + i, rows[k++]);
    }
  }
}

static void only_open_rows_are_asked_further(void **state) {
  (void)state;
  uint8_t open[40], levels[40], still[40];
  for (size_t i = 0; i < 40; i++) {
    open[i] = i % 2 == 0;
    levels[i] = (uint8_t)(i % 3);
  }
  assert_true(pi__level_still(open, levels, PI__NO, still, 40));
  for (size_t i = 0; i < 40; i++) {
    assert_int_equal(i % 2 == 0 && i % 3 != PI__NO, still[i]);
  }
  memset(levels, PI__YES, 40);
  assert_false(pi__level_still(open, levels, PI__YES, still, 40));
  assert_false(pi__level_still(open, levels, PI__NO, still, 0));
}

/* ---- Stopping -------------------------------------------------------------
 */

static int patience;
static bool impatient(void) {
  return --patience < 0;
}

static void a_selection_can_be_stopped_between_blocks(void **state) {
  (void)state;
  for (int i = 0; i < 5000; i++) script_socket(PI_STATE_LISTEN, "::", 80);
  pi_options options = {.interrupted = impatient};
  pi_snapshot *s = NULL;
  pi_filter *f = word("lport = 80");
  patience = 1000;
  assert_int_equal(0, pi_snapshot_take(&options, &s, NULL));
  for (int i = 0; i < 5; i++) {
    pi_selection *sel = NULL;
    pi_error err = {0};
    patience = i;
    assert_int_equal(PI_ECANCELED, pi_snapshot_select(s, f, &sel, &err));
    assert_null(sel);
    assert_says(err.text, "interrupted");
  }
  pi_selection *sel = NULL;
  patience = 5;
  assert_int_equal(0, pi_snapshot_select(s, f, &sel, NULL));
  assert_int_equal(5000, pi_selection_count(sel));
  pi_selection_free(sel);
  pi_filter_free(f);
  pi_snapshot_free(s);
}

int main(void) {
#define T(name) cmocka_unit_test_setup(name, reset)
  const struct CMUnitTest tests[] = {
      T(random_filters_agree_on_every_row),
      T(every_field_agrees_alone),
      T(selections_are_in_the_order_of_rows),
      T(deep_and_wide_filters_agree),
      T(sets_of_ports_hold_what_they_list),
      T(blocks_hold_what_begins_like_them),
      T(sets_of_numbers_hold_what_they_list),
      T(names_are_told_apart),
      T(levels_follow_kleene_at_any_length),
      T(only_open_rows_are_asked_further),
      T(a_selection_can_be_stopped_between_blocks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
