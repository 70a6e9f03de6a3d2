/* operand.c: reads one value of a filter as its field's type wants it. */
#include "filter.h"
#include "schema.h"

#include <string.h>

typedef struct slice {
  const char *text;
  size_t length;
} slice;

static int fail(pi_field field, slice s, const char *what, pi_error *err) {
  int n = s.length > 60 ? 60 : (int)s.length;
  return pi__fail(err, PI_EINVAL, 0, "%s: \"%.*s\" %s",
                  pi_field_describe(field)->name, n, s.text, what);
}

/* A decimal number, digits only; false if it is none or does not fit. */
static bool decimal(slice s, uint64_t *ret) {
  uint64_t n = 0;
  if (s.length == 0) return false;
  for (size_t i = 0; i < s.length; i++) {
    if (s.text[i] < '0' || s.text[i] > '9') return false;
    unsigned digit = (unsigned)(s.text[i] - '0');
    if (n > (UINT64_MAX - digit) / 10) return false;
    n = n * 10 + digit;
  }
  *ret = n;
  return true;
}

static bool hexadecimal(slice s, uint64_t *ret) {
  uint64_t n = 0;
  if (s.length < 3 || s.length > 18) return false;
  if (s.text[0] != '0' || (s.text[1] | 32) != 'x') return false;
  for (size_t i = 2; i < s.length; i++) {
    char c = s.text[i];
    unsigned digit;
    if (c >= '0' && c <= '9')
      digit = (unsigned)(c - '0');
    else if ((c | 32) >= 'a' && (c | 32) <= 'f')
      digit = (unsigned)((c | 32) - 'a') + 10;
    else
      return false;
    n = n << 4 | digit;
  }
  *ret = n;
  return true;
}

/* Cuts `a..b`; false if there is no "..". */
static bool cut_range(slice s, const char *between, slice *a, slice *b) {
  size_t n = strlen(between);
  for (size_t i = 1; i + n < s.length; i++) {
    if (memcmp(s.text + i, between, n) != 0) continue;
    *a = (slice){s.text, i};
    *b = (slice){s.text + i + n, s.length - i - n};
    return true;
  }
  return false;
}

static int add_span(pi_filter *f, uint64_t first, uint64_t last,
                    pi_error *err) {
  pi__member m = {.kind = PI__SPAN, .first = first, .last = last};
  return pi__member_add(f, &m, err);
}

/* ---- Ports -------------------------------------------------------------- */

static int add_ports(pi_filter *f, slice s, uint64_t first, uint64_t last,
                     pi_error *err) {
  if (first > 65535 || last > 65535) {
    return fail(f->field, s, "is too large: ports end at 65535", err);
  }
  if (first > last) {
    return fail(f->field, s, "runs backwards: write the lower port first", err);
  }
  return add_span(f, first, last, err);
}

/* Adds ports of a service, which may have them for several transports. */
static int add_once(pi_filter *f, size_t from, uint64_t first, uint64_t last,
                    pi_error *err) {
  for (size_t i = from; i < f->count; i++) {
    if (f->members[i].first == first && f->members[i].last == last) return 0;
  }
  return add_span(f, first, last, err);
}

static bool add_service(pi_filter *f, slice s, int *rc, pi_error *err) {
  const size_t from = f->count;
  pi_record record;
  bool found = false;
  for (unsigned i = 0; pi_service_record(s.text, s.length, i, &record); i++) {
    if (!record.has_port || record.status != PI_STATUS_ASSIGNED) continue;
    found = true;
    *rc = add_once(f, from, record.first, record.last, err);
    if (*rc != 0) return true;
  }
  if (found) return true;
  pi_use use;
  for (unsigned i = 0; pi_service_use(s.text, s.length, i, &use); i++) {
    found = true;
    *rc = add_once(f, from, use.first, use.last, err);
    if (*rc != 0) return true;
  }
  return found;
}

static int fail_service(pi_filter *f, slice s, pi_error *err) {
  pi_record record;
  if (pi_service_record(s.text, s.length, 0, &record)) {
    return fail(f->field, s, "is a service name without a port", err);
  }
  const char *near = NULL;
  size_t at = pi_service_lower_bound(s.text, s.length > 0 ? 1 : 0);
  // names that begin with the same letter: enough for a hint
  const char *names[1024];
  size_t n = 0;
  while (n < 1024 && at + n < pi_service_count()) {
    names[n] = pi_service_at(at + n);
    n++;
  }
  near = pi_nearest(s.text, s.length, names, n);
  if (near == NULL) {
    return fail(f->field, s,
                "is no port: write a number 0-65535, 8000..8100 or a service "
                "name",
                err);
  }
  int length = s.length > 60 ? 60 : (int)s.length;
  return pi__fail(err, PI_EINVAL, 0,
                  "%s: unknown service \"%.*s\": did you mean \"%s\"?",
                  pi_field_describe(f->field)->name, length, s.text, near);
}

static int read_port(pi_filter *f, slice s, pi_error *err) {
  slice whole = s, a, b;
  uint64_t first, last;
  int rc = 0;
  if (s.length > 1 && s.text[0] == ':') s = (slice){s.text + 1, s.length - 1};
  if (decimal(s, &first)) return add_ports(f, whole, first, first, err);
  if (cut_range(s, "..", &a, &b) || cut_range(s, "-", &a, &b)) {
    if (decimal(a, &first) && decimal(b, &last)) {
      return add_ports(f, whole, first, last, err);
    }
  }
  static const struct {
    const char *word;
    pi__kind kind;
  } live[] = {{"ephemeral", PI__EPHEMERAL},
              {"reserved", PI__RESERVED},
              {"privileged", PI__PRIVILEGED}};
  for (size_t i = 0; i < sizeof live / sizeof *live; i++) {
    if (!pi__same_word(live[i].word, s.text, s.length)) continue;
    pi__member m;
    memset(&m, 0, sizeof m);
    m.kind = live[i].kind;
    return pi__member_add(f, &m, err);
  }
  if (add_service(f, s, &rc, err)) return rc;
  return fail_service(f, s, err);
}

/* ---- Addresses ---------------------------------------------------------- */

/* Bits from `prefix` on are cleared in *low and set in *high. */
static void spread(pi__member *m, unsigned prefix) {
  for (unsigned i = 0; i < 16; i++) {
    unsigned keep = prefix <= i * 8 ? 0 : prefix - i * 8;
    uint8_t mask = keep >= 8 ? 0xff : (uint8_t)(0xff00u >> keep);
    m->high.bytes[i] = (uint8_t)(m->low.bytes[i] | (uint8_t)~mask);
    m->low.bytes[i] &= mask;
  }
}

int pi__block_prefix(const pi__member *m) {
  unsigned prefix = 0;
  while (prefix < 128) {
    unsigned bit = 0x80u >> prefix % 8;
    if ((m->low.bytes[prefix / 8] ^ m->high.bytes[prefix / 8]) & bit) break;
    prefix++;
  }
  for (unsigned i = prefix; i < 128; i++) {
    unsigned bit = 0x80u >> i % 8;
    if (m->low.bytes[i / 8] & bit || !(m->high.bytes[i / 8] & bit)) return -1;
  }
  return (int)prefix;
}

/* `172.16/12` is 172.16.0.0/12: missing parts of a block are zero. */
static bool parse_network(slice s, pi_address *ret) {
  char text[PI_ADDRESS_TEXT];
  if (pi_address_parse(s.text, s.length, ret)) return true;
  if (s.length == 0 || s.length + 6 >= sizeof text) return false;
  if (memchr(s.text, ':', s.length) != NULL) return false;
  memcpy(text, s.text, s.length);
  size_t length = s.length;
  for (int i = 0; i < 3; i++) {
    text[length++] = '.';
    text[length++] = '0';
    if (pi_address_parse(text, length, ret)) return true;
  }
  return false;
}

static int read_block(pi_filter *f, slice whole, slice s, size_t slash,
                      pi_error *err) {
  pi__member m = {.kind = PI__BLOCK};
  uint64_t prefix;
  slice bits = {s.text + slash + 1, s.length - slash - 1};
  if (!parse_network((slice){s.text, slash}, &m.low) ||
      !decimal(bits, &prefix)) {
    return fail(f->field, whole, "is no address block: write 10.0.0.0/8", err);
  }
  // a mapped block in the spelling of IPv6 counts its bits as IPv6 does
  bool v4 = memchr(s.text, ':', slash) == NULL;
  if (prefix > (v4 ? 32 : 128)) {
    return fail(f->field, whole,
                v4 ? "is no block: an IPv4 prefix ends at /32"
                   : "is no block: an IPv6 prefix ends at /128",
                err);
  }
  spread(&m, (unsigned)prefix + (v4 ? 96 : 0));
  return pi__member_add(f, &m, err);
}

static int read_address(pi_filter *f, slice s, pi_error *err) {
  slice whole = s, a, b;
  pi__member m = {.kind = PI__BLOCK};
  if (s.length > 2 && s.text[0] == '[' && s.text[s.length - 1] == ']') {
    s = (slice){s.text + 1, s.length - 2};
  }
  const char *slash = memchr(s.text, '/', s.length);
  if (slash != NULL) {
    return read_block(f, whole, s, (size_t)(slash - s.text), err);
  }
  if (cut_range(s, "..", &a, &b)) {
    bool read = pi_address_parse(a.text, a.length, &m.low) &&
                pi_address_parse(b.text, b.length, &m.high);
    if (read && memcmp(&m.low, &m.high, sizeof m.low) > 0) {
      return fail(f->field, whole, "runs backwards", err);
    }
    if (read) return pi__member_add(f, &m, err);
  }
  const char *scope = memchr(s.text, '%', s.length);
  if (scope != NULL) {
    int n = (int)(s.length - (size_t)(scope - s.text)) - 1;
    return pi__fail(err, PI_EINVAL, 0,
                    "%s: a scope is a test of its own: write %s = %.*s and "
                    "iface = %.*s",
                    pi_field_describe(f->field)->name,
                    pi_field_describe(f->field)->name,
                    (int)(scope - s.text) > 46 ? 46 : (int)(scope - s.text),
                    s.text, n > 40 ? 40 : n, scope + 1);
  }
  if (!pi_address_parse(s.text, s.length, &m.low)) {
    return fail(f->field, whole,
                "is no address: write 10.0.0.5, 10.0.0.0/8, ::1 or fe80::/10",
                err);
  }
  m.high = m.low;
  return pi__member_add(f, &m, err);
}

/* ---- Words, yes/no, numbers, text --------------------------------------- */

static int read_word(pi_filter *f, slice s, pi_error *err) {
  int at = pi__word_find(f->field, s.text, s.length);
  if (at >= 0) return add_span(f, (uint64_t)at, (uint64_t)at, err);
  const char *const *words = pi_field_describe(f->field)->words;
  size_t n = 0;
  while (words[n] != NULL) n++;
  const char *near = pi_nearest(s.text, s.length, words, n);
  char list[160] = "";
  size_t used = 0;
  for (size_t i = 0; near == NULL && i < n; i++) {
    size_t need = strlen(words[i]);
    if (used + need + 3 > sizeof list) break;
    if (i > 0) list[used++] = ' ';
    memcpy(list + used, words[i], need + 1);
    used += need;
  }
  int length = s.length > 40 ? 40 : (int)s.length;
  const char *name = pi_field_describe(f->field)->name;
  if (near == NULL) {
    return pi__fail(err, PI_EINVAL, 0, "%s: \"%.*s\" is none of: %s", name,
                    length, s.text, list);
  }
  return pi__fail(err, PI_EINVAL, 0, "%s: \"%.*s\": did you mean \"%s\"?", name,
                  length, s.text, near);
}

static int read_bool(pi_filter *f, slice s, pi_error *err) {
  static const char *const words[] = {"no", "false", "yes", "true"};
  for (unsigned i = 0; i < 4; i++) {
    if (pi__same_word(words[i], s.text, s.length)) {
      return add_span(f, i / 2, i / 2, err);
    }
  }
  return fail(f->field, s, "is neither yes nor no", err);
}

typedef struct scale {
  const char *unit; /* of the field */
  const char *suffix;
  uint64_t times;
} scale;

/* Sizes are binary, as in sysctl and ss. */
static const scale scales[] = {
    {"B", "k", 1 << 10},
    {"B", "K", 1 << 10},
    {"B", "M", 1 << 20},
    {"B", "G", 1 << 30},
    {"us", "us", 1},
    {"us", "ms", 1000},
    {"us", "s", 1000000},
    {"us", "m", 60000000},
    {"us", "h", UINT64_C(3600000000)},
    {"us", "d", UINT64_C(86400000000)},
    {"ms", "ms", 1},
    {"ms", "s", 1000},
    {"ms", "m", 60000},
    {"ms", "h", 3600000},
    {"ms", "d", 86400000},
};

static bool ends_with(slice s, const char *suffix) {
  size_t n = strlen(suffix);
  return s.length > n && memcmp(s.text + s.length - n, suffix, n) == 0 &&
         s.text[s.length - n - 1] >= '0' && s.text[s.length - n - 1] <= '9';
}

/* Takes the letters of a size or a time off the end: how much they mean. */
static uint64_t cut_scale(pi_field field, slice *s) {
  const char *unit = pi_field_describe(field)->unit;
  for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
    if (strcmp(scales[i].unit, unit) != 0) continue;
    if (!ends_with(*s, scales[i].suffix)) continue;
    s->length -= strlen(scales[i].suffix);
    return scales[i].times;
  }
  return 1;
}

static bool read_quantity(pi_field field, slice s, uint64_t *ret) {
  if (field == PI_MARK && hexadecimal(s, ret)) return true;
  uint64_t times = cut_scale(field, &s);
  if (!decimal(s, ret) || *ret > UINT64_MAX / times) return false;
  *ret *= times;
  return true;
}

static int read_number(pi_filter *f, slice s, pi_error *err) {
  slice a = s, b = s;
  uint64_t first, last;
  cut_range(s, "..", &a, &b);
  if (!read_quantity(f->field, a, &first) ||
      !read_quantity(f->field, b, &last)) {
    if (f->field == PI_UID) {
      return fail(f->field, s, "is no number: for a name write user = NAME",
                  err);
    }
    return fail(f->field, s, "is no number: write 5 or 5..10", err);
  }
  if (first > last) return fail(f->field, s, "runs backwards", err);
  return add_span(f, first, last, err);
}

static int read_text(pi_filter *f, slice s, pi_error *err) {
  pi__member m;
  memset(&m, 0, sizeof m);
  m.kind = PI__LITERAL;
  m.text = (char *)s.text;  // copied before it is kept
  m.length = s.length;
  for (size_t i = 0; i < s.length; i++) {
    if (strchr("*?[", s.text[i]) != NULL && s.text[i] != '\0') {
      m.kind = PI__GLOB;
    }
  }
  return pi__member_add(f, &m, err);
}

/* ---- Operands ----------------------------------------------------------- */

static const char *kind_of(pi_type type) {
  switch (type) {
  case PI_TYPE_TEXT: return "text";
  case PI_TYPE_ADDRESS: return "an address";
  case PI_TYPE_BOOL: return "yes or no";
  case PI_TYPE_HOLDERS: return "a list";
  default: return "a word";
  }
}

static int read_numeric(pi_filter *f, const pi_operand *o, pi_error *err) {
  const pi_field_info *info = pi_field_describe(f->field);
  uint64_t last = o->kind == PI_OPERAND_RANGE ? o->last : o->first;
  switch (info->type) {
  case PI_TYPE_PORT:
    if (o->first > 65535 || last > 65535) {
      return pi__fail(err, PI_EINVAL, 0, "%s: ports are 0 to 65535",
                      info->name);
    }
    break;
  case PI_TYPE_NUMBER:
  case PI_TYPE_TIME: break;
  default:
    return pi__fail(err, PI_EINVAL, 0, "%s is %s, not a number: write a string",
                    info->name, kind_of(info->type));
  }
  if (o->first > last) {
    return pi__fail(err, PI_EINVAL, 0, "%s: the range runs backwards",
                    info->name);
  }
  return add_span(f, o->first, last, err);
}

/* Quoted text; what is no text is read as if there were no quotes. */
static int read_literal(pi_filter *f, slice s, pi_error *err) {
  pi__member m;
  memset(&m, 0, sizeof m);
  m.kind = PI__LITERAL;
  m.text = (char *)s.text;  // copied before it is kept
  m.length = s.length;
  return pi__member_add(f, &m, err);
}

int pi__operand_read(pi_filter *f, const pi_operand *o, pi_error *err) {
  pi_type type = pi_field_describe(f->field)->type;
  if (o->kind == PI_OPERAND_NUMBER || o->kind == PI_OPERAND_RANGE) {
    return read_numeric(f, o, err);
  }
  slice s = {o->text, o->length};
  if (o->kind == PI_OPERAND_LITERAL && type == PI_TYPE_TEXT) {
    return read_literal(f, s, err);
  }
  switch (type) {
  case PI_TYPE_PORT: return read_port(f, s, err);
  case PI_TYPE_ADDRESS: return read_address(f, s, err);
  case PI_TYPE_WORD: return read_word(f, s, err);
  case PI_TYPE_BOOL: return read_bool(f, s, err);
  case PI_TYPE_NUMBER:
  case PI_TYPE_TIME: return read_number(f, s, err);
  case PI_TYPE_TEXT: return read_text(f, s, err);
  default:
    return fail(f->field, s, "cannot be compared: test pid or process", err);
  }
}

/* ---- Order -------------------------------------------------------------- */

/* The one number that a value means, as > 80 or > http; false and *err set. */
static bool one_number(pi_filter *f, const pi_operand *o, uint64_t *ret,
                       pi_error *err) {
  pi_type type = pi_field_describe(f->field)->type;
  slice s = {o->text, o->length};
  if (type != PI_TYPE_PORT && type != PI_TYPE_NUMBER && type != PI_TYPE_TIME) {
    fail(f->field, s, "cannot be: < and > compare ports and numbers", err);
    return false;
  }
  if (pi__operand_read(f, o, err) != 0) return false;
  const pi__member *m = &f->members[0];
  for (size_t i = 0; i < f->count; i++) {
    if (f->members[i].kind == PI__SPAN && f->members[i].first == m->first &&
        f->members[i].last == m->first) {
      continue;
    }
    fail(f->field, s, "is not one number, which < and > need", err);
    return false;
  }
  *ret = m->first;
  return true;
}

static bool order_span(pi__order order, uint64_t n, pi__member *m) {
  *m = (pi__member){.kind = PI__SPAN, .first = 0, .last = UINT64_MAX};
  switch (order) {
  case PI__LESS: m->last = n - 1; return n > 0;
  case PI__LESS_EQUAL: m->last = n; return true;
  case PI__GREATER: m->first = n + 1; return n < UINT64_MAX;
  default: m->first = n; return true;
  }
}

pi_filter *pi__compare(pi_field field, pi__order order, const pi_operand *value,
                       pi_error *err) {
  uint64_t n;
  pi__member span;
  pi_filter *read = pi__node_new(PI__NODE_IN, field);
  pi_filter *f = pi__node_new(PI__NODE_IN, field);
  bool ok = read != NULL && f != NULL;
  if (!ok) pi__nomem(err);
  ok = ok && one_number(read, value, &n, err);
  // nothing is below 0: a set without members, false where the field is known
  ok = ok &&
       (!order_span(order, n, &span) || pi__member_add(f, &span, err) == 0);
  pi_filter_free(read);
  if (ok) return f;
  pi_filter_free(f);
  return NULL;
}
