/* generate.c: makes the constant tables of registry.h from the text tables.
 *
 *   generate REGISTRY DEFACTO RISKY BLOCKED EPHEMERAL > tables.c
 *
 * Runs on the machine that builds, before anything else of portinfo is there.
 * Nothing is written before all five tables are read and found good.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry.h"
#include "table.h"

enum {
  MAX_TEXTS = 65535, /* pi__text */
  MAX_POOL = 4 << 20,
  MAX_FACTS = 65535, /* pi__port_facts */
  MAX_EPHEMERALS = 64,
  MAX_NAME = 15, /* RFC 6335, section 5.1 */
  SLOTS = 1 << 17,
};

typedef struct named {
  const char *name; /* in lower case */
  pi__text text;
  uint16_t record;
} named;

typedef struct registry {
  char pool[MAX_POOL];
  uint32_t texts[MAX_TEXTS + 1]; /* where each begins in the pool */
  size_t pool_size;
  uint16_t slots[SLOTS]; /* text numbers by hash; 0: free */
  size_t text_count;
  pi__record_row records[PI__MAX_RECORDS];
  size_t record_count, with_port;
  pi__use_row uses[PI__MAX_USES];
  size_t use_count;
  pi__risk_row risks[PI__MAX_RISKS];
  size_t risk_count;
  pi__ephemeral_row ephemerals[MAX_EPHEMERALS];
  size_t ephemeral_count;
  bool blocked[PI__PORTS];
  uint16_t port_facts[PI__PORTS], facts[MAX_FACTS];
  size_t fact_count;
  named named[PI__MAX_RECORDS];
  size_t named_count;
  pi__name_row names[PI__MAX_RECORDS + 1];
  uint16_t name_records[PI__MAX_RECORDS];
  size_t name_count;
  pi__text date;
} registry;

/* ---- Texts -------------------------------------------------------------- */

static uint32_t hash(const char *text) {
  uint32_t h = 2166136261U;  // FNV-1a
  for (; *text; text++) h = (h ^ (unsigned char)*text) * 16777619U;
  return h;
}

static const char *text_at(const registry *r, pi__text text) {
  return r->pool + r->texts[text];
}

/* Puts a text at the end of the pool and returns its number. */
static pi__text append(registry *r, const table *t, const char *text) {
  size_t size = strlen(text) + 1;
  if (r->text_count > MAX_TEXTS)
    table_fail(t, "too many texts, at most %d can be numbered", MAX_TEXTS);
  if (size > MAX_POOL - r->pool_size)
    table_fail(t, "too much text, at most %d bytes are kept", MAX_POOL);
  memcpy(r->pool + r->pool_size, text, size);
  r->texts[r->text_count] = (uint32_t)r->pool_size;
  r->pool_size += size;
  return (pi__text)r->text_count++;
}

/* The number of a text, the same for equal ones. */
static pi__text intern(registry *r, const table *t, const char *text) {
  if (*text == '\0') return 0;
  uint32_t slot = hash(text) % SLOTS;
  for (; r->slots[slot]; slot = (slot + 1) % SLOTS)
    if (strcmp(text_at(r, r->slots[slot]), text) == 0) return r->slots[slot];
  return r->slots[slot] = append(r, t, text);
}

/* The number of a name in lower case. */
static pi__text intern_lower(registry *r, const table *t, const char *name) {
  char lower[MAX_NAME + 1];
  size_t length = strlen(name);
  for (size_t i = 0; i <= length; i++) lower[i] = (char)pi__lower(name[i]);
  return intern(r, t, lower);
}

/* ---- Reading ------------------------------------------------------------ */

static void check_room(const table *t, size_t count, size_t most) {
  if (count == most) table_fail(t, "too many rows, at most %zu are kept", most);
}

static void check_given(const table *t, const char *cell, const char *what) {
  if (*cell == '\0') table_fail(t, "no %s, every row needs one", what);
}

static void check_order(const table *t, uint16_t before, uint16_t first) {
  if (first < before)
    table_fail(t, "port %u below port %u, rows go by their first port",
               (unsigned)first, (unsigned)before);
}

static uint8_t status(const table *t, const char *cell) {
  static const char *const names[] = {[PI_STATUS_UNASSIGNED] = "unassigned",
                                      [PI_STATUS_ASSIGNED] = "assigned",
                                      [PI_STATUS_RESERVED] = "reserved",
                                      [PI_STATUS_DEASSIGNED] = "de-assigned",
                                      [PI_STATUS_GENERIC] = "generic"};
  for (uint8_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(cell, names[i]) == 0) return i;
  table_fail(t,
             "status \"%s\", wanted assigned, reserved, unassigned, "
             "de-assigned or generic",
             cell);
}

/* Rows go by first, last; then come those without a port, by name. */
static void check_record_order(const table *t, const registry *r,
                               const pi__record_row *row, bool has_port) {
  if (r->record_count == 0) return;
  const pi__record_row *before = &r->records[r->record_count - 1];
  bool had_port = r->record_count == r->with_port;
  if (has_port && !had_port)
    table_fail(t, "a port below names without a port, which come last");
  if (has_port) check_order(t, before->first, row->first);
  if (has_port && before->first == row->first && before->last > row->last)
    table_fail(t, "last port %u below %u, rows of a port go by the last one",
               (unsigned)row->last, (unsigned)before->last);
  if (!has_port && !had_port &&
      strcmp(text_at(r, before->name), text_at(r, row->name)) > 0)
    table_fail(t, "\"%s\" below \"%s\", names without a port are sorted",
               text_at(r, row->name), text_at(r, before->name));
}

static void check_name(const table *t, const pi__record_row *row,
                       const char *name, bool has_port) {
  bool assigned = row->status == PI_STATUS_ASSIGNED;
  if (strlen(name) > MAX_NAME)
    table_fail(t, "service name \"%s\" of %zu bytes, at most %d are allowed",
               name, strlen(name), MAX_NAME);
  if ((assigned || !has_port) && *name == '\0')
    table_fail(t, "no service name, an assigned row needs one");
  if (!has_port && !assigned)
    table_fail(t, "a name without a port, its status must be assigned");
}

static void read_record(registry *r, const table *t, char **cells) {
  bool has_port = *cells[0] || *cells[1];
  uint16_t range[2] = {0, 0};
  check_room(t, r->record_count, PI__MAX_RECORDS);
  if (has_port) table_range(t, cells, range);
  pi__record_row row = {.first = range[0],
                        .last = range[1],
                        .transports = table_transports(t, cells[2]),
                        .status = status(t, cells[3])};
  check_name(t, &row, cells[4], has_port);
  table_check_date(t, cells[7]);
  table_check_date(t, cells[8]);
  pi__text *const fields[] = {
      &row.name,       &row.description, &row.assignee,
      &row.registered, &row.modified,    &row.references,
      &row.alias_of,   &row.note,        &row.unauthorized};
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
    *fields[i] = intern(r, t, cells[4 + i]);
  check_record_order(t, r, &row, has_port);
  r->records[r->record_count++] = row;
  if (has_port) r->with_port = r->record_count;
}

static void read_registry(registry *r, table *t, const char *path) {
  char *cells[TABLE_COLUMNS];
  table_init(t, path,
             "first last transports status name description assignee "
             "registered modified references alias_of note unauthorized");
  if (!t->date || strlen(t->date) != 10)
    table_fail(t, "no date, wanted a line \"# date: YYYY-MM-DD\" above");
  r->date = intern(r, t, t->date);
  while (table_next(t, cells)) read_record(r, t, cells);
  table_deinit(t);
}

static void read_uses(registry *r, const char *path) {
  table t;
  char *cells[TABLE_COLUMNS];
  uint16_t before = 0, range[2];
  table_init(&t, path,
             "first last transports id software category use evidence source");
  while (table_next(&t, cells)) {
    check_room(&t, r->use_count, PI__MAX_USES);
    table_range(&t, cells, range);
    check_order(&t, before, range[0]);
    check_given(&t, cells[3], "id");
    check_given(&t, cells[4], "software");
    before = range[0];
    r->uses[r->use_count++] =
        (pi__use_row){.first = range[0],
                      .last = range[1],
                      .transports = table_transports(&t, cells[2]),
                      .id = intern(r, &t, cells[3]),
                      .software = intern(r, &t, cells[4]),
                      .category = intern(r, &t, cells[5]),
                      .use = intern(r, &t, cells[6]),
                      .evidence = intern(r, &t, cells[7]),
                      .source = intern(r, &t, cells[8])};
  }
  table_deinit(&t);
}

static void read_risks(registry *r, const char *path) {
  table t;
  char *cells[TABLE_COLUMNS];
  uint16_t before = 0, range[2];
  table_init(&t, path,
             "first last transports id service risk why checked source");
  while (table_next(&t, cells)) {
    check_room(&t, r->risk_count, PI__MAX_RISKS);
    table_range(&t, cells, range);
    check_order(&t, before, range[0]);
    check_given(&t, cells[3], "id");
    check_given(&t, cells[5], "risk");
    before = range[0];
    r->risks[r->risk_count++] =
        (pi__risk_row){.first = range[0],
                       .last = range[1],
                       .transports = table_transports(&t, cells[2]),
                       .id = intern(r, &t, cells[3]),
                       .service = intern(r, &t, cells[4]),
                       .risk = intern(r, &t, cells[5]),
                       .why = intern(r, &t, cells[6]),
                       .source = intern(r, &t, cells[8])};
  }
  table_deinit(&t);
}

static void read_blocked(registry *r, const char *path) {
  table t;
  char *cells[TABLE_COLUMNS];
  uint16_t before = 0;
  table_init(&t, path, "port");
  while (table_next(&t, cells)) {
    uint16_t port = table_port(&t, cells[0]);
    check_order(&t, before, port);
    if (r->blocked[port]) table_fail(&t, "port %u twice", (unsigned)port);
    r->blocked[port] = true;
    before = port;
  }
  table_deinit(&t);
}

static void read_ephemerals(registry *r, const char *path) {
  table t;
  char *cells[TABLE_COLUMNS];
  uint16_t range[2];
  table_init(&t, path,
             "system versions first last transports setting note source "
             "checked");
  while (table_next(&t, cells)) {
    check_room(&t, r->ephemeral_count, MAX_EPHEMERALS);
    check_given(&t, cells[0], "system");
    table_range(&t, cells + 2, range);
    r->ephemerals[r->ephemeral_count++] =
        (pi__ephemeral_row){.system = intern(r, &t, cells[0]),
                            .versions = intern(r, &t, cells[1]),
                            .first = range[0],
                            .last = range[1],
                            .transports = table_transports(&t, cells[4]),
                            .setting = intern(r, &t, cells[5]),
                            .note = intern(r, &t, cells[6]),
                            .source = intern(r, &t, cells[7])};
  }
  table_deinit(&t);
}

/* ---- Names, facts ------------------------------------------------------- */

static int by_name(const void *a, const void *b) {
  const named *x = a, *y = b;
  int order = strcmp(x->name, y->name);
  return order ? order : x->record - y->record;
}

static void collect_names(registry *r, const table *t) {
  for (size_t i = 0; i < r->record_count; i++) {
    if (r->records[i].name == 0) continue;
    pi__text text = intern_lower(r, t, text_at(r, r->records[i].name));
    r->named[r->named_count++] = (named){text_at(r, text), text, (uint16_t)i};
  }
  qsort(r->named, r->named_count, sizeof *r->named, by_name);
  for (size_t i = 0; i < r->named_count; i++) {
    const named *n = &r->named[i];
    r->name_records[i] = n->record;
    if (i > 0 && n[-1].text == n->text) continue;
    r->names[r->name_count++] = (pi__name_row){n->text, (uint16_t)i};
  }
  r->names[r->name_count] = (pi__name_row){0, (uint16_t)r->named_count};
}

/* The rows of a table that hold a port, while the ports are gone through in
 * order. Every row begins with its range, whatever else it has. */
typedef struct holders {
  const void *table;
  size_t stride, size, next;
  uint16_t rows[PI__FACTS_MASK]; /* numbers, in the order of the table */
  size_t count;
} holders;

static const uint16_t *range_at(const holders *h, size_t row) {
  return (const void *)((const char *)h->table + row * h->stride);
}

/* Goes on to a port: rows that ended leave, rows that begin join. */
static void holders_move(holders *h, const table *t, unsigned port) {
  size_t kept = 0;
  for (size_t i = 0; i < h->count; i++)
    if (range_at(h, h->rows[i])[1] >= port) h->rows[kept++] = h->rows[i];
  h->count = kept;
  for (; h->next < h->size && range_at(h, h->next)[0] == port; h->next++) {
    if (h->count == PI__FACTS_MASK)
      table_fail(t, "more than %d rows hold port %u", PI__FACTS_MASK, port);
    h->rows[h->count++] = (uint16_t)h->next;
  }
}

static void add_fact(registry *r, const table *t, uint16_t fact) {
  if (r->fact_count == MAX_FACTS)
    table_fail(t, "too many facts, at most %d can be kept", MAX_FACTS);
  r->facts[r->fact_count++] = fact;
}

/* Ends the list that began at `start`: it is `port`'s own, or that of the port
 * before if it says the same. */
static void share_facts(registry *r, size_t start, unsigned port) {
  size_t length = r->fact_count - start;
  r->port_facts[port] = (uint16_t)start;
  if (port == 0) return;
  size_t before = r->port_facts[port - 1];
  if (before + length > start || memcmp(&r->facts[before], &r->facts[start],
                                        length * sizeof *r->facts) != 0)
    return;
  r->port_facts[port] = (uint16_t)before;
  r->fact_count = start;
}

static size_t add_rows(registry *r, const table *t, const holders *h) {
  for (size_t i = 0; i < h->count; i++) add_fact(r, t, h->rows[i]);
  return h->count;
}

/* Records, without those that call the port free for no transport in
 * particular while another assigns it: IANA lists 7748-7776 and 7983-7997 so,
 * and later assigned 7775 and 7997. */
static size_t add_records(registry *r, const table *t, const holders *h) {
  bool is_assigned = false;
  size_t count = 0;
  for (size_t i = 0; i < h->count; i++)
    is_assigned |= r->records[h->rows[i]].status == PI_STATUS_ASSIGNED;
  for (size_t i = 0; i < h->count; i++) {
    const pi__record_row *row = &r->records[h->rows[i]];
    bool is_free = row->status == PI_STATUS_UNASSIGNED && row->transports == 0;
    if (is_free && is_assigned) continue;
    add_fact(r, t, h->rows[i]);
    count++;
  }
  return count;
}

/* IANA's word on a port for a transport: an assignment above all, then what is
 * said of this transport, then what is said of the port as such. */
static unsigned status_for(const registry *r, const uint16_t *records,
                           size_t count, unsigned transport) {
  const pi__record_row *best = NULL;
  for (size_t i = 0; i < count; i++) {
    const pi__record_row *row = &r->records[records[i]];
    if (row->transports != 0 && !(row->transports & transport)) continue;
    if (row->status == PI_STATUS_ASSIGNED) return PI_STATUS_ASSIGNED;
    if (!best || (best->transports == 0 && row->transports != 0)) best = row;
  }
  return best ? best->status : PI_STATUS_UNASSIGNED;
}

static uint16_t statuses(const registry *r, const uint16_t *records,
                         size_t count, unsigned port) {
  unsigned all = 0;
  for (unsigned i = 0; 1u << i <= PI_TRANSPORTS; i++) {
    unsigned status = port >= 49152  // RFC 6335, section 6, whatever is listed
                          ? PI_STATUS_DYNAMIC
                          : status_for(r, records, count, 1u << i);
    all |= status << i * PI__FACTS_STATUS_BITS;
  }
  return (uint16_t)all;
}

static void collect_facts(registry *r, const table *t) {
  holders all[] = {
      {.table = r->records, .stride = sizeof *r->records, .size = r->with_port},
      {.table = r->uses, .stride = sizeof *r->uses, .size = r->use_count},
      {.table = r->risks, .stride = sizeof *r->risks, .size = r->risk_count}};
  for (unsigned port = 0; port < PI__PORTS; port++) {
    size_t start = r->fact_count;
    for (size_t i = 0; i < 3; i++) holders_move(&all[i], t, port);
    add_fact(r, t, 0);  // the head, which counts what follows
    add_fact(r, t, 0);  // and the statuses
    size_t records = add_records(r, t, &all[0]);
    size_t uses = add_rows(r, t, &all[1]);
    size_t risks = add_rows(r, t, &all[2]);
    r->facts[start] =
        (uint16_t)(records << PI__FACTS_RECORDS | uses << PI__FACTS_USES |
                   risks << PI__FACTS_RISKS |
                   (r->blocked[port] ? PI__FACTS_BLOCKED : 0U));
    r->facts[start + 1] =
        statuses(r, &r->facts[start + PI__FACTS_FIRST], records, port);
    share_facts(r, start, port);
  }
}

/* ---- Writing ------------------------------------------------------------ */

static void write_numbers(const char *declaration, const uint16_t *numbers,
                          size_t count) {
  printf("\nconst %s = {", declaration);
  for (size_t i = 0; i < count; i++)
    printf("%s%u,", i % 16 ? "" : "\n", (unsigned)numbers[i]);
  printf("};\n");
}

static void write_count(const char *name, size_t count) {
  printf("\nconst uint16_t %s = %zu;\n", name, count);
}

/* Bytes are numbers here: C compilers need not take a string this long. */
static void write_texts(const registry *r) {
  printf("\nconst unsigned char pi__pool[] = {");
  for (size_t i = 0; i < r->pool_size; i++)
    printf("%s%u,", i % 20 ? "" : "\n", (unsigned)(unsigned char)r->pool[i]);
  printf("};\n\nconst uint32_t pi__texts[] = {");
  for (size_t i = 0; i < r->text_count; i++)
    printf("%s%lu,", i % 12 ? "" : "\n", (unsigned long)r->texts[i]);
  printf("};\n");
}

static void write_records(const registry *r) {
  printf("\nconst pi__record_row pi__records[] = {\n");
  for (size_t i = 0; i < r->record_count; i++) {
    const pi__record_row *w = &r->records[i];
    printf("{%u,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u,%u},\n", w->first, w->last,
           w->name, w->description, w->assignee, w->registered, w->modified,
           w->references, w->alias_of, w->note, w->unauthorized, w->transports,
           w->status);
  }
  printf("{0}};\n");  // C11 has no empty arrays
  write_count("pi__record_count", r->record_count);
  write_count("pi__records_with_port", r->with_port);
}

static void write_uses(const registry *r) {
  printf("\nconst pi__use_row pi__uses[] = {\n");
  for (size_t i = 0; i < r->use_count; i++) {
    const pi__use_row *w = &r->uses[i];
    printf("{%u,%u,%u,%u,%u,%u,%u,%u,%u},\n", w->first, w->last, w->id,
           w->software, w->category, w->use, w->evidence, w->source,
           w->transports);
  }
  printf("{0}};\n");
  write_count("pi__use_count", r->use_count);
}

static void write_risks(const registry *r) {
  printf("\nconst pi__risk_row pi__risks[] = {\n");
  for (size_t i = 0; i < r->risk_count; i++) {
    const pi__risk_row *w = &r->risks[i];
    printf("{%u,%u,%u,%u,%u,%u,%u,%u},\n", w->first, w->last, w->id, w->service,
           w->risk, w->why, w->source, w->transports);
  }
  printf("{0}};\n");
  write_count("pi__risk_count", r->risk_count);
}

static void write_ephemerals(const registry *r) {
  printf("\nconst pi__ephemeral_row pi__ephemerals[] = {\n");
  for (size_t i = 0; i < r->ephemeral_count; i++) {
    const pi__ephemeral_row *w = &r->ephemerals[i];
    printf("{%u,%u,%u,%u,%u,%u,%u,%u},\n", w->first, w->last, w->system,
           w->versions, w->setting, w->note, w->source, w->transports);
  }
  printf("{0}};\n");
  write_count("pi__ephemeral_count", r->ephemeral_count);
}

static void write_names(const registry *r) {
  printf("\nconst pi__name_row pi__names[] = {\n");
  for (size_t i = 0; i <= r->name_count; i++)
    printf("{%u,%u},\n", r->names[i].name, r->names[i].records);
  printf("};\n");
  write_numbers("uint16_t pi__name_records[]", r->name_records,
                r->named_count ? r->named_count : 1);
  write_count("pi__name_count", r->name_count);
}

static int write_tables(const registry *r) {
  printf("/* Made by src/registry/generate.c of the tables in data/. */\n"
         "#include \"registry/registry.h\"\n");
  write_texts(r);
  write_records(r);
  write_uses(r);
  write_risks(r);
  write_ephemerals(r);
  write_names(r);
  write_numbers("uint16_t pi__port_facts[PI__PORTS]", r->port_facts, PI__PORTS);
  write_numbers("uint16_t pi__facts[]", r->facts, r->fact_count);
  printf("\nconst pi__text pi__date = %u;\n", r->date);
  if (fflush(stdout) == 0 && !ferror(stdout)) return 0;
  fprintf(stderr, "generate: the tables cannot be written\n");
  return 1;
}

int main(int argc, char **argv) {
  if (argc != 6) {
    fprintf(stderr,
            "usage: generate REGISTRY DEFACTO RISKY BLOCKED EPHEMERAL\n");
    return 1;
  }
  registry *r = calloc(1, sizeof *r);
  table t = {.path = argv[1]};
  if (!r) {
    fprintf(stderr, "generate: out of memory\n");
    return 1;
  }
  append(r, &t, "");
  read_registry(r, &t, argv[1]);
  read_uses(r, argv[2]);
  read_risks(r, argv[3]);
  read_blocked(r, argv[4]);
  read_ephemerals(r, argv[5]);
  collect_names(r, &t);
  collect_facts(r, &t);
  int result = write_tables(r);
  free(r);
  return result;
}
