/* registry_test.c: the knowledge half of portinfo.h.
 *
 * The traps of the registry one by one, then every port and transport against
 * a plain reading of the text tables (in $DATA, else data/).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "portinfo.h"

enum { TCP = PI_TRANSPORT_TCP, UDP = PI_TRANSPORT_UDP };
enum { SCTP = PI_TRANSPORT_SCTP, DCCP = PI_TRANSPORT_DCCP };

/* ---- A plain reading of the tables -------------------------------------- */

enum { ROWS = 20000, CELLS = 16 };

typedef struct naive {
  char *bytes;
  char *cells[ROWS][CELLS];
  unsigned first[ROWS], last[ROWS], transports[ROWS];
  size_t count;
} naive;

static char *read_all(const char *name) {
  const char *folder = getenv("DATA");
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder ? folder : "data", name);
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  char *bytes = calloc(1, 1 << 22);
  assert_non_null(bytes);
  assert_true(fread(bytes, 1, (1 << 22) - 1, file) > 0);
  fclose(file);
  return bytes;
}

static unsigned transports_of(const char *cell) {
  return (strstr(cell, "tcp") ? TCP : 0U) | (strstr(cell, "udp") ? UDP : 0U) |
         (strstr(cell, "sctp") ? SCTP : 0U) |
         (strstr(cell, "dccp") ? DCCP : 0U);
}

/* Rows with a range only; `range` is the column of the first port. */
static naive *naive_read(const char *name, size_t range) {
  naive *n = calloc(1, sizeof *n);
  assert_non_null(n);
  n->bytes = read_all(name);
  bool header = true;
  for (char *line = n->bytes, *end; (end = strchr(line, '\n'));
       line = end + 1) {
    *end = '\0';
    if (*line == '#') continue;
    bool skip = header;
    header = false;
    if (skip) continue;
    size_t count = 0;
    for (char *cell = line; cell; count++) {
      n->cells[n->count][count] = cell;
      cell = strchr(cell, '\t');
      if (cell) *cell++ = '\0';
    }
    char **cells = n->cells[n->count];
    if (*cells[range] == '\0') continue;
    n->first[n->count] = (unsigned)atoi(cells[range]);
    n->last[n->count] = (unsigned)atoi(cells[range + (count > 1)]);
    if (count > 2) n->transports[n->count] = transports_of(cells[range + 2]);
    n->count++;
  }
  return n;
}

static void naive_free(naive *n) {
  free(n->bytes);
  free(n);
}

static bool naive_is(const naive *n, size_t row, const char *status) {
  return strcmp(n->cells[row][3], status) == 0;
}

/* The rows that hold a port, in the order of the table. */
static size_t naive_at(const naive *n, unsigned port, size_t *rows) {
  size_t count = 0;
  for (size_t i = 0; i < n->count && n->first[i] <= port; i++)
    if (n->last[i] >= port) rows[count++] = i;
  return count;
}

/* Takes out rows that call a port free which another row assigns. */
static size_t naive_drop(const naive *n, size_t *rows, size_t count) {
  bool assigned = false;
  size_t kept = 0;
  for (size_t i = 0; i < count; i++)
    assigned |= naive_is(n, rows[i], "assigned");
  for (size_t i = 0; i < count; i++) {
    bool is_free = naive_is(n, rows[i], "unassigned");
    if (assigned && is_free && n->transports[rows[i]] == 0) continue;
    rows[kept++] = rows[i];
  }
  return kept;
}

static const char *const STATUS[] = {[PI_STATUS_UNASSIGNED] = "unassigned",
                                     [PI_STATUS_ASSIGNED] = "assigned",
                                     [PI_STATUS_RESERVED] = "reserved",
                                     [PI_STATUS_DEASSIGNED] = "de-assigned",
                                     [PI_STATUS_GENERIC] = "generic",
                                     [PI_STATUS_DYNAMIC] = "dynamic"};

static void compare_status(const naive *n, unsigned port, unsigned transport,
                           const size_t *rows, size_t count) {
  const char *wanted = NULL, *whole = NULL;
  unsigned named = 0;
  for (size_t i = 0; i < count; i++) {
    const char *status = n->cells[rows[i]][3];
    unsigned own = n->transports[rows[i]];
    if (own != 0 && !(own & transport)) continue;
    if (strcmp(status, "assigned") == 0) {
      const char *name = pi_port_name((uint16_t)port, transport, named++);
      assert_non_null(name);
      assert_string_equal(name, n->cells[rows[i]][4]);
      continue;
    }
    if (own != 0 && !wanted) wanted = status;
    if (own == 0 && !whole) whole = status;
  }
  assert_null(pi_port_name((uint16_t)port, transport, named));
  if (!wanted) wanted = whole ? whole : "unassigned";
  if (named > 0) wanted = "assigned";
  if (port >= 49152) wanted = "dynamic";
  pi_status status = pi_port_status((uint16_t)port, transport);
  assert_string_equal(STATUS[status], wanted);
}

static void compare_records(const naive *n, unsigned port, unsigned transports,
                            const size_t *rows, size_t count) {
  pi_record r;
  unsigned k = 0;
  for (size_t i = 0; i < count; i++) {
    char *const *cells = n->cells[rows[i]];
    unsigned own = n->transports[rows[i]];
    if (own != 0 && !(own & transports)) continue;
    assert_true(pi_port_record((uint16_t)port, transports, k++, &r));
    assert_true(r.has_port);
    assert_int_equal(r.first, n->first[rows[i]]);
    assert_int_equal(r.last, n->last[rows[i]]);
    assert_int_equal(r.transports, own);
    const char *const texts[] = {STATUS[r.status], r.name,       r.description,
                                 r.assignee,       r.registered, r.modified,
                                 r.references,     r.alias_of,   r.note,
                                 r.unauthorized};
    for (size_t c = 0; c < sizeof texts / sizeof *texts; c++)
      assert_string_equal(texts[c], cells[3 + c]);
  }
  assert_false(pi_port_record((uint16_t)port, transports, k, &r));
}

static void every_port_says_what_the_table_says(void **state) {
  (void)state;
  naive *n = naive_read("registry.tsv", 0);
  size_t rows[64];
  for (unsigned port = 0; port < 65536; port++) {
    size_t count = naive_at(n, port, rows);
    count = naive_drop(n, rows, count);
    for (unsigned bit = 1; bit <= PI_TRANSPORTS; bit <<= 1) {
      compare_status(n, port, bit, rows, count);
      compare_records(n, port, bit, rows, count);
    }
    compare_records(n, port, PI_TRANSPORTS, rows, count);
  }
  naive_free(n);
}

static void every_port_has_its_uses_and_risks(void **state) {
  (void)state;
  naive *uses = naive_read("defacto.tsv", 0);
  naive *risks = naive_read("risky.tsv", 0);
  size_t rows[64];
  pi_use use;
  pi_risk risk;
  for (unsigned port = 0; port < 65536; port++) {
    size_t count = naive_at(uses, port, rows);
    for (unsigned i = 0; i < count; i++) {
      char *const *cells = uses->cells[rows[i]];
      assert_true(pi_port_use((uint16_t)port, PI_TRANSPORTS, i, &use));
      assert_string_equal(use.id, cells[3]);
      assert_string_equal(use.software, cells[4]);
      assert_string_equal(use.source, cells[8]);
      assert_int_equal(use.transports, uses->transports[rows[i]]);
    }
    assert_false(
        pi_port_use((uint16_t)port, PI_TRANSPORTS, (unsigned)count, &use));
    count = naive_at(risks, port, rows);
    for (unsigned i = 0; i < count; i++) {
      char *const *cells = risks->cells[rows[i]];
      assert_true(pi_port_risk((uint16_t)port, PI_TRANSPORTS, i, &risk));
      assert_string_equal(risk.id, cells[3]);
      assert_string_equal(risk.risk, cells[5]);
      assert_string_equal(risk.why, cells[6]);
    }
    assert_false(
        pi_port_risk((uint16_t)port, PI_TRANSPORTS, (unsigned)count, &risk));
  }
  naive_free(uses);
  naive_free(risks);
}

static void browsers_block_what_the_table_lists(void **state) {
  (void)state;
  naive *n = naive_read("blocked.tsv", 0);
  size_t rows[4];
  for (unsigned port = 0; port < 65536; port++)
    assert_int_equal(pi_port_blocked((uint16_t)port),
                     naive_at(n, port, rows) > 0);
  naive_free(n);
}

/* ---- Ranges and states -------------------------------------------------- */

static void ranges_meet_at_their_bounds(void **state) {
  (void)state;
  assert_int_equal(pi_port_range(0), PI_RANGE_SYSTEM);
  assert_int_equal(pi_port_range(1023), PI_RANGE_SYSTEM);
  assert_int_equal(pi_port_range(1024), PI_RANGE_USER);
  assert_int_equal(pi_port_range(49151), PI_RANGE_USER);
  assert_int_equal(pi_port_range(49152), PI_RANGE_DYNAMIC);
  assert_int_equal(pi_port_range(65535), PI_RANGE_DYNAMIC);
}

static void the_edges_are_reserved(void **state) {
  (void)state;
  static const uint16_t edges[] = {0, 1023, 1024, 49151};
  for (size_t i = 0; i < sizeof edges / sizeof *edges; i++) {
    assert_int_equal(pi_port_status(edges[i], TCP), PI_STATUS_RESERVED);
    assert_null(pi_port_name(edges[i], TCP, 0));
  }
}

static void dynamic_ports_have_no_record(void **state) {
  (void)state;
  pi_record r;
  for (unsigned port = 49152; port < 65536; port++) {
    assert_int_equal(pi_port_status((uint16_t)port, UDP), PI_STATUS_DYNAMIC);
    assert_null(pi_port_name((uint16_t)port, TCP, 0));
    assert_false(pi_port_record((uint16_t)port, PI_TRANSPORTS, 0, &r));
  }
}

static void states_are_told_apart(void **state) {
  (void)state;
  assert_int_equal(pi_port_status(22, TCP), PI_STATUS_ASSIGNED);
  assert_int_equal(pi_port_status(4, TCP), PI_STATUS_UNASSIGNED);
  assert_int_equal(pi_port_status(15, TCP), PI_STATUS_UNASSIGNED);  // [was …]
  assert_int_equal(pi_port_status(114, TCP), PI_STATUS_UNASSIGNED);
  assert_int_equal(pi_port_status(2825, TCP), PI_STATUS_UNASSIGNED);
  assert_int_equal(pi_port_status(2, TCP), PI_STATUS_RESERVED);
  assert_int_equal(pi_port_status(1109, TCP), PI_STATUS_RESERVED);
  assert_int_equal(pi_port_status(24, UDP), PI_STATUS_GENERIC);
  assert_int_equal(pi_port_status(87, TCP), PI_STATUS_GENERIC);
  assert_int_equal(pi_port_status(585, TCP), PI_STATUS_DEASSIGNED);
  assert_int_equal(pi_port_status(1783, TCP), PI_STATUS_DEASSIGNED);
  assert_int_equal(pi_port_status(9006, UDP), PI_STATUS_DEASSIGNED);
}

static void a_state_is_of_one_transport(void **state) {
  (void)state;
  assert_int_equal(pi_port_status(14001, TCP), PI_STATUS_ASSIGNED);
  assert_string_equal(pi_port_name(14001, TCP, 0), "sua");
  assert_int_equal(pi_port_status(14001, UDP), PI_STATUS_DEASSIGNED);
  assert_null(pi_port_name(14001, UDP, 0));  // its record keeps the name
  assert_int_equal(pi_port_status(22, DCCP), PI_STATUS_UNASSIGNED);
  assert_int_equal(pi_port_status(6665, TCP), PI_STATUS_ASSIGNED);
  assert_int_equal(pi_port_status(6665, UDP), PI_STATUS_RESERVED);
}

static void an_assignment_drops_the_row_that_contradicts_it(void **state) {
  (void)state;
  static const uint16_t ports[] = {7775, 7997};
  for (size_t i = 0; i < 2; i++) {
    pi_record r;
    assert_int_equal(pi_port_status(ports[i], TCP), PI_STATUS_ASSIGNED);
    assert_int_equal(pi_port_status(ports[i], UDP), PI_STATUS_RESERVED);
    for (unsigned k = 0; pi_port_record(ports[i], PI_TRANSPORTS, k, &r); k++)
      assert_int_not_equal(r.status, PI_STATUS_UNASSIGNED);
  }
}

static void a_range_answers_for_every_port_in_it(void **state) {
  (void)state;
  pi_record r;
  assert_string_equal(pi_port_name(6000, TCP, 0), "x11");
  assert_string_equal(pi_port_name(6063, UDP, 0), "x11");
  assert_null(pi_port_name(6063, SCTP, 0));
  assert_true(pi_port_record(6032, TCP, 0, &r));
  assert_int_equal(r.first, 6000);
  assert_int_equal(r.last, 6063);
}

static void a_record_without_transport_answers_for_all(void **state) {
  (void)state;
  pi_record r;
  assert_true(pi_port_record(4200, DCCP, 0, &r));
  assert_int_equal(r.transports, 0);
  assert_string_equal(r.name, "vrml-multi-use");
  for (unsigned bit = 1; bit <= PI_TRANSPORTS; bit <<= 1) {
    assert_int_equal(pi_port_status(4299, bit), PI_STATUS_ASSIGNED);
    assert_string_equal(pi_port_name(6400, bit, 0), "boe-cms");
  }
}

/* ---- Names -------------------------------------------------------------- */

static void names_keep_the_order_of_the_registry(void **state) {
  (void)state;
  assert_string_equal(pi_port_name(80, TCP, 0), "http");
  assert_string_equal(pi_port_name(80, TCP, 1), "www");
  assert_string_equal(pi_port_name(80, TCP, 2), "www-http");
  assert_null(pi_port_name(80, TCP, 3));
  assert_null(pi_port_name(80, TCP, UINT32_MAX));
  assert_string_equal(pi_port_name(80, SCTP, 0), "http");
  assert_null(pi_port_name(80, SCTP, 1));
  assert_string_equal(pi_port_name(465, TCP, 0), "urd");
  assert_string_equal(pi_port_name(465, TCP, 1), "submissions");
  assert_string_equal(pi_port_name(465, UDP, 0), "igmpv3lite");
  assert_string_equal(pi_port_name(3938, UDP, 0), "dbcontrol-agent");
  assert_string_equal(pi_port_name(999, UDP, 0), "applix");
}

static void old_spellings_name_their_replacement(void **state) {
  (void)state;
  pi_record r;
  assert_true(pi_service_record("WHOIS++", 7, 0, &r));
  assert_int_equal(r.first, 63);
  assert_string_equal(r.alias_of, "whoispp");
  assert_true(pi_service_record("whoispp", 7, 0, &r));
  assert_string_equal(r.alias_of, "");
  assert_string_equal(r.description, "whois++");  // without the remark
}

static void case_is_ignored(void **state) {
  (void)state;
  pi_record r;
  pi_use use;
  assert_true(pi_service_record("SsH", 3, 0, &r));
  assert_int_equal(r.first, 22);
  assert_string_equal(r.name, "ssh");
  assert_true(pi_service_record("ethernet-ip-1", 13, 0, &r));
  assert_string_equal(r.name, "EtherNet-IP-1");  // as registered
  assert_true(pi_service_use("ELASTICSEARCH", 13, 0, &use));
  assert_int_equal(use.first, 9200);
}

static void a_name_must_match_whole(void **state) {
  (void)state;
  pi_record r = {.first = 7};
  assert_true(pi_service_record("sshx", 3, 0, &r));  // length counts
  r.first = 7;
  assert_false(pi_service_record("ss", 2, 0, &r));
  assert_false(pi_service_record("ssh ", 4, 0, &r));
  assert_false(pi_service_record("ssh\0", 4, 0, &r));
  assert_false(pi_service_record("", 0, 0, &r));
  assert_false(pi_service_record("no-such-service", 15, 0, &r));
  assert_false(pi_service_record("\xC4\xB0", 2, 0, &r));
  assert_int_equal(r.first, 7);  // left alone
}

static void a_name_lists_its_ports_and_then_none(void **state) {
  (void)state;
  pi_record r;
  unsigned before = 0, i = 0;
  for (; pi_service_record("http", 4, i, &r); i++) {
    assert_true(r.first >= before);
    before = r.first;
  }
  assert_true(i >= 2);
  assert_false(pi_service_record("http", 4, UINT32_MAX, &r));
  assert_true(pi_service_record("airplay", 7, 0, &r));
  assert_false(r.has_port);
}

static void names_are_sorted_lower_case_and_found(void **state) {
  (void)state;
  size_t count = pi_service_count();
  assert_true(count > 7000);
  assert_null(pi_service_at(count));
  assert_null(pi_service_at(SIZE_MAX));
  for (size_t i = 0; i < count; i++) {
    const char *name = pi_service_at(i);
    size_t length = strlen(name);
    pi_record r;
    if (i > 0) assert_true(strcmp(pi_service_at(i - 1), name) < 0);
    for (const char *c = name; *c; c++) assert_false(*c >= 'A' && *c <= 'Z');
    assert_int_equal(pi_service_lower_bound(name, length), i);
    assert_true(pi_service_record(name, length, 0, &r));
  }
}

static void a_prefix_finds_its_first_name(void **state) {
  (void)state;
  assert_int_equal(pi_service_lower_bound("", 0), 0);
  assert_int_equal(pi_service_lower_bound("\xFF", 1), pi_service_count());
  size_t at = pi_service_lower_bound("HTTP", 4);
  assert_string_equal(pi_service_at(at), "http");
  assert_string_equal(pi_service_at(pi_service_lower_bound("postgres", 8)),
                      "postgresql");
  assert_true(strncmp(pi_service_at(at - 1), "http", 4) < 0);
}

/* ---- Uses, risks, client ranges ----------------------------------------- */

static void uses_and_risks_keep_to_their_transports(void **state) {
  (void)state;
  pi_use use;
  pi_risk risk;
  assert_true(pi_port_use(9200, TCP, 0, &use));
  assert_string_equal(use.id, "elasticsearch");
  assert_false(pi_port_use(9200, UDP, 0, &use));
  assert_true(pi_port_risk(23, TCP, 0, &risk));
  assert_string_equal(risk.risk, "cleartext");
  assert_false(pi_port_risk(23, UDP, 0, &risk));
  assert_false(pi_port_use(9200, TCP, UINT32_MAX, &use));
}

static void browsers_refuse_the_mail_port(void **state) {
  (void)state;
  assert_true(pi_port_blocked(25));
  assert_true(pi_port_blocked(6000));
  assert_true(pi_port_blocked(10080));
  assert_false(pi_port_blocked(80));
  assert_false(pi_port_blocked(65535));
}

static void systems_have_client_ranges(void **state) {
  (void)state;
  pi_ephemeral e;
  unsigned i = 0;
  bool linux_found = false;
  for (; pi_ephemeral_range(i, &e); i++) {
    assert_true(e.first <= e.last);
    linux_found |=
        strcmp(e.system, "Linux") == 0 && e.first == 32768 && e.last == 60999;
  }
  assert_true(linux_found);
  assert_false(pi_ephemeral_range(UINT32_MAX, &e));
}

static void the_registry_has_a_date(void **state) {
  (void)state;
  unsigned year, month, day;
  assert_int_equal(strlen(pi_registry_date()), 10);
  assert_int_equal(
      sscanf(pi_registry_date(), "%4u-%2u-%2u", &year, &month, &day), 3);
  assert_true(year >= 2026 && month <= 12 && day <= 31);
}

/* ---- Search ------------------------------------------------------------- */

typedef struct hits {
  pi_hit all[4096];
  size_t count, stop;
} hits;

static int keep(void *arg, const pi_hit *hit) {
  hits *h = arg;
  h->all[h->count++] = *hit;
  return h->count == h->stop ? 42 : 0;
}

static unsigned port_of(const pi_hit *hit) {
  if (hit->is_use) return hit->use.first;
  return hit->record.has_port ? hit->record.first : 65536;
}

static hits *search(const char *word, size_t length) {
  hits *h = calloc(1, sizeof *h);
  assert_non_null(h);
  assert_int_equal(pi_search(word, length, keep, h), 0);
  return h;
}

static void a_search_tells_the_best_first_and_then_by_port(void **state) {
  (void)state;
  hits *h = search("http", 4);
  assert_true(h->count > 20);
  assert_int_equal(h->all[0].match, PI_MATCH_EXACT);
  assert_string_equal(h->all[0].record.name, "http");
  for (size_t i = 1; i < h->count; i++) {
    const pi_hit *a = &h->all[i - 1], *b = &h->all[i];
    assert_true(a->match <= b->match);
    if (a->match == b->match) assert_true(port_of(a) <= port_of(b));
  }
  free(h);
}

static pi_match match_of(const hits *h, unsigned port) {
  for (size_t i = 0; i < h->count; i++)
    if (port_of(&h->all[i]) == port) return h->all[i].match;
  fail_msg("port %u was not found", port);
  return PI_MATCH_EXACT;
}

static void matches_have_classes(void **state) {
  (void)state;
  hits *h = search("MySQL", 5);
  assert_int_equal(match_of(h, 3306), PI_MATCH_EXACT);
  assert_int_equal(match_of(h, 1186), PI_MATCH_PREFIX);  // mysql-cluster
  assert_int_equal(match_of(h, 9306), PI_MATCH_WORD);  // "… (MySQL listener)"
  free(h);
  h = search("ysq", 3);
  assert_int_equal(match_of(h, 3306), PI_MATCH_DESCRIPTION);
  free(h);
}

static void a_search_finds_uses(void **state) {
  (void)state;
  hits *h = search("elasticsearch", 13);
  bool found = false;
  for (size_t i = 0; i < h->count; i++)
    found |= h->all[i].is_use && h->all[i].match == PI_MATCH_EXACT;
  assert_true(found);
  free(h);
}

static void a_visitor_may_end_the_search(void **state) {
  (void)state;
  hits h = {.stop = 3};
  assert_int_equal(pi_search("http", 4, keep, &h), 42);
  assert_int_equal(h.count, 3);
}

static void a_search_for_nothing_finds_nothing(void **state) {
  (void)state;
  static const char *const words[] = {"", "no such word anywhere", "ssh\0x"};
  static const size_t lengths[] = {0, 21, 5};
  for (size_t i = 0; i < 3; i++) {
    hits *h = search(words[i], lengths[i]);
    assert_int_equal(h->count, 0);
    free(h);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_port_says_what_the_table_says),
      cmocka_unit_test(every_port_has_its_uses_and_risks),
      cmocka_unit_test(browsers_block_what_the_table_lists),
      cmocka_unit_test(ranges_meet_at_their_bounds),
      cmocka_unit_test(the_edges_are_reserved),
      cmocka_unit_test(dynamic_ports_have_no_record),
      cmocka_unit_test(states_are_told_apart),
      cmocka_unit_test(a_state_is_of_one_transport),
      cmocka_unit_test(an_assignment_drops_the_row_that_contradicts_it),
      cmocka_unit_test(a_range_answers_for_every_port_in_it),
      cmocka_unit_test(a_record_without_transport_answers_for_all),
      cmocka_unit_test(names_keep_the_order_of_the_registry),
      cmocka_unit_test(old_spellings_name_their_replacement),
      cmocka_unit_test(case_is_ignored),
      cmocka_unit_test(a_name_must_match_whole),
      cmocka_unit_test(a_name_lists_its_ports_and_then_none),
      cmocka_unit_test(names_are_sorted_lower_case_and_found),
      cmocka_unit_test(a_prefix_finds_its_first_name),
      cmocka_unit_test(uses_and_risks_keep_to_their_transports),
      cmocka_unit_test(browsers_refuse_the_mail_port),
      cmocka_unit_test(systems_have_client_ranges),
      cmocka_unit_test(the_registry_has_a_date),
      cmocka_unit_test(a_search_tells_the_best_first_and_then_by_port),
      cmocka_unit_test(matches_have_classes),
      cmocka_unit_test(a_search_finds_uses),
      cmocka_unit_test(a_visitor_may_end_the_search),
      cmocka_unit_test(a_search_for_nothing_finds_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
