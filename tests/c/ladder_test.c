/* ladder_test.c: every function that allocates, with every allocation from the
 * k-th on failing, k = 0, 1, 2 ... until it succeeds. Each step must say
 * PI_ENOMEM, leave its result alone, and leave nothing behind. */
#include "procroot.h"
#include "saved.h"
#include "starve.h"

#include "os/linux/taskfile.h"

#include <arpa/inet.h>
#include <sys/socket.h>

static const char untouched[1];

/* ---- Sockets of our own, held by a process of our own making ------------ */

enum { HOLDER = 4242 };

static void hold(int fd) {
  struct stat st;
  assert_int_equal(0, fstat(fd, &st));
  procroot_hold(HOLDER, fd, st.st_ino);
}

static void open_sockets(void) {
  struct sockaddr_in a = {.sin_family = AF_INET};
  socklen_t length = sizeof a;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  int client = socket(AF_INET, SOCK_STREAM, 0);
  int udp = socket(AF_INET, SOCK_DGRAM, 0);
  assert_int_equal(0, bind(listener, (void *)&a, sizeof a));
  assert_int_equal(0, listen(listener, 5));
  assert_int_equal(0, getsockname(listener, (void *)&a, &length));
  // without a loopback device there are listeners only
  bool connected = connect(client, (void *)&a, sizeof a) == 0;
  assert_int_equal(0, bind(udp, (void *)&a, sizeof a));
  hold(listener);
  if (connected) hold(client);
  hold(udp);
  struct sockaddr_in6 b = {.sin6_family = AF_INET6};
  int six = socket(AF_INET6, SOCK_STREAM, 0);
  if (six >= 0 && bind(six, (void *)&b, sizeof b) == 0 && listen(six, 5) == 0) {
    hold(six);
  }
}

static int make_world(void **state) {
  (void)state;
  char tables[1024];
  procroot_make();
  procroot_process(HOLDER, "a(b)c)d)e", 100);
  procroot_details(HOLDER);
  for (unsigned pid = 100; pid < 170; pid++) {  // enough for two workers
    procroot_process(pid, "idle", 1);
  }
  open_sockets();
  size_t n = procroot_line(tables, sizeof tables, "0100007F:0050",
                           "00000000:0000", "0A", 0, 5001);
  procroot_line(tables + n, sizeof tables - n, "0100007F:9C41", "0100007F:0050",
                "01", 1000, 5002);
  procroot_text("net/tcp", tables);
  procroot_line(tables, sizeof tables, "00000000:0035", "00000000:0000", "07",
                0, 5003);
  procroot_text("net/udp", tables);
  procroot_text("net/dev", "");
  // so many that they are asked for in parts
  procroot_text("net/sockstat", "TCP: inuse 500000 orphan 0 tw 0\n");
  procroot_text("sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
  procroot_text("sys/net/ipv4/ip_local_reserved_ports", "8080\n");
  procroot_hold(HOLDER, 100, 5001);
  procroot_hold(HOLDER, 101, 5002);
  procroot_hold(100, 3, 5001);
  return 0;
}

static int end_world(void **state) {
  (void)state;
  procroot_remove();
  return 0;
}

/* ---- The ladder --------------------------------------------------------- */

typedef int (*task)(void *arg, pi_error *err);

/* Tells at how many allocations the task succeeded. */
static long climb(task run, void *arg) {
  for (long k = 0; k < 100000; k++) {
    pi_error err = {0};
    long before = atomic_load(&starve.alive);
    atomic_store(&starve.left, k);
    atomic_store(&starve.asked, 0);
    int rc = run(arg, &err);
    atomic_store(&starve.left, STARVE_NEVER);
    assert_int_equal(before, atomic_load(&starve.alive));
    if (rc == 0) {
      assert_int_equal(0, atomic_load(&starve.asked));
      return k;
    }
    if (rc != PI_ENOMEM) fail_msg("step %ld: %d, %s", k, rc, err.text);
    assert_int_equal(PI_ENOMEM, err.code);
    assert_string_equal("out of memory", err.text);
  }
  fail_msg("the ladder does not end");
  return 0;
}

static int take_all(void *arg, pi_error *err) {
  pi_snapshot *s = (pi_snapshot *)untouched;
  int rc = pi_snapshot_take(arg, &s, err);
  if (rc == 0)
    pi_snapshot_free(s);
  else
    assert_ptr_equal(untouched, s);
  return rc;
}

static void taking_a_snapshot(void **state) {
  (void)state;
  for (int backend = 0; backend < 2; backend++) {
    pi_options options = {
        .groups = PI_GROUPS,
        .proc = procroot,
        .backend = backend == 0 ? PI_BACKEND_AUTO : PI_BACKEND_PROC,
    };
    assert_true(climb(take_all, &options) > 30);
    options.groups = 0;
    assert_true(climb(take_all, &options) > 5);
  }
}

static pi_snapshot *taken(unsigned groups, pi_backend backend) {
  pi_snapshot *s = NULL;
  pi_error err = {0};
  pi_options options = {.groups = groups, .proc = procroot, .backend = backend};
  if (pi_snapshot_take(&options, &s, &err) != 0) fail_msg("%s", err.text);
  return s;
}

/* Sockets of a proc table are known again, and all of their holders. */
static void taking_a_snapshot_after_another(void **state) {
  (void)state;
  pi_snapshot *previous = taken(PI_GROUPS, PI_BACKEND_PROC), *s = NULL;
  pi_options options = {
      .groups = PI_GROUPS,
      .proc = procroot,
      .backend = PI_BACKEND_PROC,
      .previous = previous,
  };
  assert_true(climb(take_all, &options) > 30);
  assert_int_equal(0, pi_snapshot_take(&options, &s, NULL));
  assert_int_equal(1, pi_snapshot_quality(s)->recalls);
  pi_snapshot_free(s);
  pi_snapshot_free(previous);
}

typedef struct completing {
  unsigned before, groups;
} completing;

static int complete(void *arg, pi_error *err) {
  const completing *c = arg;
  long left = atomic_exchange(&starve.left, STARVE_NEVER);
  pi_snapshot *s = taken(c->before, PI_BACKEND_PROC);
  pi_quality quality = *pi_snapshot_quality(s);
  atomic_store(&starve.left, left);
  atomic_store(&starve.asked, 0);
  int rc = pi_snapshot_complete(s, c->groups, err);
  if (rc != 0) {
    assert_int_equal(c->before | PI_GROUP_SOCKET, pi_snapshot_groups(s));
    assert_memory_equal(&quality, pi_snapshot_quality(s), sizeof quality);
    atomic_store(&starve.left, STARVE_NEVER);
    assert_int_equal(0, pi_snapshot_complete(s, c->groups, err));
  }
  // asked again it is as if nothing had happened
  assert_int_equal(3, pi_snapshot_count(s));
  if (c->groups & PI_GROUP_DERIVED) {
    assert_string_equal("http", pi_snapshot_value(s, 0, PI_SERVICE, 0).text);
  }
  if (c->groups & PI_GROUP_OWNER) {
    assert_int_equal(2, pi_snapshot_value(s, 0, PI_HOLDERS, 0).number);
    assert_int_equal(100, pi_snapshot_value(s, 0, PI_PID, 0).number);
    assert_int_equal(HOLDER, pi_snapshot_value(s, 0, PI_PID, 1).number);
  }
  if (c->groups & PI_GROUP_PROCESS) {
    assert_string_equal("true --really",
                        pi_snapshot_value(s, 0, PI_CMDLINE, 1).text);
  }
  pi_snapshot_free(s);
  return rc;
}

static void completing_a_snapshot(void **state) {
  (void)state;
  static const completing table[] = {
      {0, PI_GROUP_DERIVED},
      {0, PI_GROUP_OWNER},
      {PI_GROUP_OWNER, PI_GROUP_PROCESS | PI_GROUP_OWNER},
      {0, PI_GROUPS},
      {PI_GROUP_DERIVED, PI_GROUPS},
  };
  for (size_t i = 0; i < LENGTH(table); i++) {
    assert_true(climb(complete, (void *)&table[i]) > 1);
  }
}

/* A dump that failed is taken back also when memory has ended: its rows would
 * stand in the way of those from another source. */
static void taking_rows_back(void **state) {
  (void)state;
  pi_snapshot *s = taken(0, PI_BACKEND_PROC);
  pi__reading *r = (pi__reading *)s;
  pi__row row = {.state = PI_STATE_LISTEN, .inode = 9};
  for (int i = 0; i < 50; i++) {
    row.lport = (uint16_t)i;
    assert_int_equal(0, pi__reading_row(r, &row, NULL));
  }
  atomic_store(&starve.left, 0);
  pi__reading_rewind(r, 3);
  for (int i = 0; i < 50; i++) {
    row.lport = (uint16_t)i;
    assert_int_equal(0, pi__reading_row(r, &row, NULL));
    assert_int_equal(4 + i, pi__reading_rows(r));
  }
  atomic_store(&starve.left, STARVE_NEVER);
  pi_snapshot_free(s);
}

/* ---- Filters ------------------------------------------------------------ */

static int word(const char *text, pi_filter **ret, pi_error *err) {
  return pi_filter_parse(text, strlen(text), ret, err);
}

/* A tree of every kind of node and member. */
static int build(pi_filter **ret, pi_error *err) {
  static const pi_operand ports[] = {
      {.kind = PI_OPERAND_TEXT, .text = "https", .length = 5},
      {.kind = PI_OPERAND_TEXT, .text = "elasticsearch", .length = 13},
      {.kind = PI_OPERAND_TEXT, .text = "ephemeral", .length = 9},
      {.kind = PI_OPERAND_NUMBER, .first = 80},
  };
  static const pi_operand names[] = {
      {.kind = PI_OPERAND_TEXT, .text = "a*", .length = 2},
      {.kind = PI_OPERAND_TEXT, .text = "sshd", .length = 4},
  };
  pi_filter *a = NULL, *b = NULL, *c = NULL, *f = NULL;
  int rc = pi_filter_in(PI_LPORT, ports, 4, &a, err);
  if (rc == 0) rc = pi_filter_in(PI_PROCESS, names, 2, &b, err);
  rc = pi_filter_or(a, b, &f, err);  // takes over what there is
  if (rc != 0) return rc;
  rc = word("exposed", &c, err);
  a = NULL;
  if (rc == 0) rc = pi_filter_not(c, &a, err);
  rc = pi_filter_or(f, a, &f, err);
  if (rc != 0) return rc;
  for (int i = 0; i < 20; i++) {  // side by side, until the node grows
    a = NULL;
    word(i % 2 ? "[::1]:443" : "10.0.0.0/8:80", &a, err);
    rc = pi_filter_or(f, a, &f, err);
    if (rc != 0) return rc;
  }
  *ret = f;
  return 0;
}

static int build_and_copy(void *arg, pi_error *err) {
  (void)arg;
  pi_filter *f = NULL, *copy = (pi_filter *)untouched;
  int rc = build(&f, err);
  if (rc != 0) return rc;
  rc = pi_filter_copy(f, &copy, err);
  if (rc == 0)
    pi_filter_free(copy);
  else
    assert_ptr_equal(untouched, copy);
  pi_filter_free(f);
  return rc;
}

static int every_flag(void *arg, pi_error *err) {
  const char *flag = arg;
  pi_filter *f = (pi_filter *)untouched;
  int rc = word(flag, &f, err);
  if (rc == 0)
    pi_filter_free(f);
  else
    assert_ptr_equal(untouched, f);
  return rc;
}

static void building_filters(void **state) {
  (void)state;
  assert_true(climb(build_and_copy, NULL) > 100);
  const char *flag;
  for (unsigned i = 0; (flag = pi_filter_flag(i)) != NULL; i++) {
    assert_true(climb(every_flag, (void *)(uintptr_t)flag) > 0);
  }
  assert_true(climb(every_flag, "1.2.3.4:ssh") > 4);
}

/* ---- What takes no memory ------------------------------------------------ */

static int see_hit(void *arg, const pi_hit *hit) {
  (void)hit;
  ++*(size_t *)arg;
  return 0;
}

static void ask_of_ports(void) {
  pi_record record;
  pi_use use;
  pi_risk risk;
  pi_ephemeral ephemeral;
  size_t hits = 0;
  assert_int_equal(PI_RANGE_SYSTEM, pi_port_range(443));
  assert_int_equal(PI_STATUS_ASSIGNED, pi_port_status(443, PI_TRANSPORT_TCP));
  assert_string_equal("https", pi_port_name(443, PI_TRANSPORT_TCP, 0));
  assert_true(pi_port_record(443, PI_TRANSPORT_TCP, 0, &record));
  assert_true(pi_port_use(9200, PI_TRANSPORT_TCP, 0, &use));
  assert_true(pi_port_risk(23, PI_TRANSPORT_TCP, 0, &risk));
  assert_true(pi_port_blocked(22));
  assert_true(pi_service_record("https", 5, 0, &record));
  assert_true(pi_service_use("elasticsearch", 13, 0, &use));
  size_t at = pi_service_lower_bound("https", 5);
  assert_true(at < pi_service_count());
  assert_string_equal("https", pi_service_at(at));
  assert_int_equal(0, pi_search("http", 4, see_hit, &hits));
  assert_true(hits > 0);
  assert_true(pi_ephemeral_range(0, &ephemeral));
  assert_non_null(pi_registry_date());
  assert_non_null(pi_version());
}

static void ask_of_words(void) {
  static const char *const words[] = {"listen", "tcp"};
  char text[PI_ADDRESS_TEXT];
  pi_address a;
  assert_true(pi_address_parse("127.0.0.1", 9, &a));
  assert_true(pi_address_is_v4(&a));
  assert_int_equal(9, pi_address_format(&a, text));
  assert_int_equal(PI_LPORT, pi_field_find("lport", 5));
  assert_string_equal("lport", pi_field_describe(PI_LPORT)->name);
  assert_string_equal("owner", pi_group_name(PI_GROUP_OWNER));
  assert_string_equal("listen", pi_nearest("lisen", 5, words, 2));
}

static void ask_of_a_reading(pi_snapshot *s, pi_selection *sel,
                             const pi_filter *f) {
  pi_holder holder;
  pi_namespace ns;
  pi_plan plan;
  pi_part part;
  pi_look look;
  const pi_options options = {.proc = procroot, .backend = PI_BACKEND_PROC};
  assert_true(pi_snapshot_holder(s, 0, 0, &holder));
  assert_true(pi_host_reserves(pi_snapshot_host(s), 8080));
  assert_true(pi_snapshot_namespace(s, 0, &ns));
  assert_false(pi_snapshot_loaded(s));
  assert_null(pi_snapshot_filter(s));
  assert_int_equal(PI_TRUE, pi_filter_test(f, s, 0));
  assert_int_equal(PI_GROUP_OWNER, pi_filter_groups(f) & PI_GROUP_OWNER);
  // proc tables tell no mark
  assert_int_equal(1, pi_selection_undecided_count(sel));
  assert_int_equal(2, pi_selection_undecided_at(sel, 0));
  assert_false(pi_selection_tallied(sel));
  assert_int_equal(1, pi_selection_tally_at(sel, 0));
  pi_selection_limit(sel, 100);
  pi_plan_read(f, &plan);
  assert_true(pi_plan_part(f, 0, &part));
  pi_plan_look(&options, &look);
  assert_int_equal(PI_BACKEND_PROC, look.backend);
  assert_true(pi_watcher_ticks() > 0);
}

/* No step of the ladder is needed for these, so none of them can fail for it.
 */
static void asking_takes_no_memory(void **state) {
  (void)state;
  pi_snapshot *s = taken(PI_GROUPS, PI_BACKEND_PROC);
  pi_selection *sel = NULL;
  pi_filter *f = NULL;
  pi_error err;
  assert_int_equal(0, word("process and tcp or mark = 7", &f, &err));
  assert_int_equal(0, pi_snapshot_select(s, f, &sel, &err));
  long before = atomic_load(&starve.alive);
  atomic_store(&starve.asked, 0);
  atomic_store(&starve.left, 0);
  ask_of_ports();
  ask_of_words();
  ask_of_a_reading(s, sel, f);
  const pi_probe probe = {.proto = PI_PROTO_UDP, .port = 0};
  pi_port_try(&probe, &err);
  atomic_store(&starve.left, STARVE_NEVER);
  assert_int_equal(0, atomic_load(&starve.asked));
  assert_int_equal(before, atomic_load(&starve.alive));
  pi_filter_free(f);
  pi_selection_free(sel);
  pi_snapshot_free(s);
}

/* ---- Selections and bytes ----------------------------------------------- */

static int select_and_sort(void *arg, pi_error *err) {
  const pi_filter *f = arg;
  long left = atomic_exchange(&starve.left, STARVE_NEVER);
  pi_snapshot *s = taken(0, PI_BACKEND_PROC);
  atomic_store(&starve.left, left);
  pi_selection *sel = (pi_selection *)untouched;
  int rc = pi_snapshot_select(s, f, &sel, err);
  if (rc != 0) {
    assert_ptr_equal(untouched, sel);
  } else {
    assert_int_equal(3, pi_selection_count(sel));
    size_t first = pi_selection_at(sel, 0), second = pi_selection_at(sel, 1);
    rc = pi_selection_sort(s, sel, err);
    if (rc != 0) {  // it stays in the order it had
      assert_int_equal(first, pi_selection_at(sel, 0));
      assert_int_equal(second, pi_selection_at(sel, 1));
    }
    pi_selection_free(sel);
  }
  pi_snapshot_free(s);
  return rc;
}

static void selecting_rows(void **state) {
  (void)state;
  pi_filter *a = NULL, *b = NULL, *f = NULL;
  assert_true(climb(select_and_sort, NULL) > 1);
  // true of every row, but undecided until its processes are read
  assert_int_equal(0, word("exe", &a, NULL));
  assert_int_equal(0, word("exe", &b, NULL));
  assert_int_equal(0, pi_filter_not(b, &b, NULL));
  assert_int_equal(0, pi_filter_or(a, b, &f, NULL));
  assert_true(climb(select_and_sort, f) > 10);
  pi_filter_free(f);
  // sets, blocks and texts, each of which needs memory of its own; undecided
  // until the exposure is known
  static const char sets[] =
      "not (lport not in {1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31,33,35} "
      "and laddr in {0.0.0.0/0, ::/0} and iface != x* and service != x* and "
      "exposure = multicast)";
  assert_int_equal(0, pi_filter_parse(sets, strlen(sets), &f, NULL));
  assert_true(climb(select_and_sort, f) > 30);
  pi_filter_free(f);
}

static int tally_and_narrow(void *arg, pi_error *err) {
  static const pi_field fields[] = {PI_STATE, PI_LADDR, PI_IFACE};
  static const pi_order keys[] = {{PI_LADDR, true}, {-1, false}};
  pi_snapshot *s = arg;
  pi_selection *sel = NULL;
  uint8_t truths[4096] = {PI_UNDECIDED};
  int rc = pi_snapshot_select(s, NULL, &sel, err);
  if (rc != 0) return rc;
  assert_true(pi_selection_count(sel) < sizeof truths);
  rc = pi_selection_narrow(sel, truths, err);
  pi_selection_turn(sel);
  if (rc == 0) rc = pi_selection_tally(s, sel, fields, 3, err);
  if (rc == 0) rc = pi_selection_sort_by(s, sel, keys, 2, err);
  if (rc == 0) rc = pi_selection_distinct(s, sel, fields, 1, err);
  pi_selection_free(sel);
  return rc;
}

static void shaping_a_selection(void **state) {
  (void)state;
  pi_snapshot *s = taken(PI_GROUPS, PI_BACKEND_PROC);
  assert_true(climb(tally_and_narrow, s) > 5);
  pi_snapshot_free(s);
}

static int count_bytes(void *arg, const char *bytes, size_t length) {
  (void)bytes;
  *(size_t *)arg += length;
  return 0;
}

typedef struct emitting {
  pi_snapshot *snapshot;
  pi_selection *selection;
  pi_format format;
} emitting;

static int emit(void *arg, pi_error *err) {
  const emitting *e = arg;
  pi_field fields[PI_FIELD_COUNT];
  size_t bytes = 0;
  for (int f = 0; f < PI_FIELD_COUNT; f++) fields[f] = (pi_field)f;
  int rc = pi_emit(e->snapshot, e->selection, e->format, 0, fields,
                   PI_FIELD_COUNT, count_bytes, &bytes, err);
  assert_int_equal(rc == 0, bytes > 0);
  return rc;
}

static int emit_template(void *arg, pi_error *err) {
  static const char text[] = "{lport}\\t{holders} {{{count}}} {state}{proto}";
  const emitting *e = arg;
  pi_template *t = NULL;
  size_t bytes = 0;
  int rc = pi_template_parse(text, sizeof text - 1, &t, err);
  if (rc != 0) return rc;
  assert_true(pi_template_groups(t) & PI_GROUP_OWNER);
  rc = pi_emit_template(e->snapshot, e->selection, t, 0, count_bytes, &bytes,
                        err);
  pi_template_free(t);
  return rc;
}

static void writing_rows(void **state) {
  (void)state;
  emitting e = {.snapshot = taken(PI_GROUPS, PI_BACKEND_PROC)};
  assert_int_equal(0, pi_snapshot_select(e.snapshot, NULL, &e.selection, NULL));
  for (int format = PI_TSV; format <= PI_NDJSON; format++) {
    e.format = (pi_format)format;
    assert_int_equal(1, climb(emit, &e));
  }
  assert_true(climb(emit_template, &e) > 3);
  pi_selection_free(e.selection);
  pi_snapshot_free(e.snapshot);
}

/* ---- Files, filters as text, the probe ----------------------------------- */

static int keep_file(void *arg, pi_error *err) {
  pi_draft *d = (pi_draft *)untouched;
  int rc = pi_draft_open(arg, true, &d, err);
  if (rc != 0) {
    assert_ptr_equal(untouched, d);
    return rc;
  }
  assert_int_equal(0, pi_draft_write(d, "text", 4));
  rc = pi_draft_commit(d, err);
  pi_draft_free(d);
  return rc;
}

static void writing_a_file(void **state) {
  (void)state;
  assert_true(climb(keep_file, (void *)(uintptr_t)procroot_path("file")) > 0);
}

/* What the filter says, and what of it the kernel is asked. */
static int spell(void *arg, pi_error *err) {
  (void)arg;
  pi_filter *a = NULL, *b = NULL, *f = NULL, *pushed = NULL;
  size_t bytes = 0;
  pi_filter_has(PI_EXE, &a, err);
  int rc = pi_filter_known(PI_USER, &b, err);
  if (a == NULL || rc != 0) rc = PI_ENOMEM;
  rc = pi_filter_and(a, b, &f, err);
  if (rc != 0) return rc;
  a = NULL;
  word("lport = 80", &a, err);
  rc = pi_filter_and(f, a, &f, err);
  if (rc != 0) return rc;
  rc = pi_filter_write(f, count_bytes, &bytes, err);
  if (rc == 0) rc = pi_plan_pushed(f, &pushed, err);
  assert_true(rc != 0 || (bytes > 0 && pushed != NULL));
  pi_filter_free(pushed);
  pi_filter_free(f);
  return rc;
}

static void spelling_a_filter(void **state) {
  (void)state;
  assert_true(climb(spell, NULL) > 4);
}

/* A group that nobody has is looked for, and then nothing is installed. */
static int ask_probe(void *arg, pi_error *err) {
  (void)arg;
  pi_pin pin;
  int rc = pi_pin_status(&pin, err);
  if (rc == PI_ENOMEM) return rc;
  rc = pi_pin_install("portinfo-no-such-group", err);
  assert_int_not_equal(0, rc);
  return rc == PI_ENOMEM ? rc : 0;
}

static void asking_for_the_probe(void **state) {
  (void)state;
  bool removed;
  climb(ask_probe, NULL);
  // to root it would take away that of this machine
  if (geteuid() == 0) return;
  assert_int_equal(PI_EOS, pi_pin_remove(&removed, NULL));
}

/* ---- Saved readings ----------------------------------------------------- */

static int save(void *arg, pi_error *err) {
  size_t bytes = 0;
  int rc = pi_snapshot_save(arg, NULL, NULL, count_bytes, &bytes, err);
  assert_int_equal(rc == 0, bytes > 0);
  return rc;
}

static int load(void *arg, pi_error *err) {
  saved *f = arg;
  pi_snapshot *s = (pi_snapshot *)untouched;
  f->at = 0;
  int rc = pi_snapshot_load(saved_give, f, NULL, &s, err);
  if (rc == 0)
    pi_snapshot_free(s);
  else
    assert_ptr_equal(untouched, s);
  return rc;
}

typedef struct comparing {
  pi_snapshot *one, *other;
  pi_selection *nothing;
} comparing;

static int diff(void *arg, pi_error *err) {
  const comparing *c = arg;
  pi_diff d;
  int rc = pi_snapshot_diff(c->one, NULL, c->other, c->nothing, &d, err);
  if (rc != 0) return rc;
  assert_int_equal(3, pi_selection_count(d.removed));
  pi_diff_deinit(&d);
  rc = pi_snapshot_diff_by(c->one, NULL, c->other, c->nothing, PI_KEY_SERVICE,
                           &d, err);
  if (rc == 0) pi_diff_deinit(&d);
  return rc;
}

static void keeping_readings(void **state) {
  (void)state;
  pi_snapshot *s = taken(PI_GROUPS, PI_BACKEND_PROC);
  assert_true(climb(save, s) > 1);
  saved f = saved_of(s, "all");
  assert_true(climb(load, &f) > 30);
  comparing c = {.one = s, .other = saved_reload(&f)};
  pi_filter *none = NULL;
  assert_int_equal(0, word("not all", &none, NULL));
  assert_int_equal(0, pi_snapshot_select(c.other, none, &c.nothing, NULL));
  assert_true(climb(diff, &c) > 8);
  pi_filter_free(none);
  pi_selection_free(c.nothing);
  pi_snapshot_free(c.other);
  pi_snapshot_free(s);
  saved_free(&f);
}

/* A watcher that meets two readings, with a socket that ends between them. */
static int watch(void *arg, pi_error *err) {
  pi_watcher *w = (pi_watcher *)untouched;
  pi_snapshot *ended = NULL;
  int rc = pi_watcher_new(NULL, &w, err);
  if (rc != 0) {
    assert_ptr_equal(untouched, w);
    return rc;
  }
  rc = pi_watcher_meet(w, arg, &ended, err);
  if (rc == 0) {
    struct sockaddr_in a = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(0, bind(fd, (void *)&a, sizeof a));
    close(fd);
    rc = pi_watcher_wait(w, 0, 20, -1, err);
    assert_true(pi_watcher_hearing(w)->lost == 0);
  }
  pi_snapshot_free(ended);
  ended = (pi_snapshot *)untouched;
  if (rc >= 0) rc = pi_watcher_meet(w, arg, &ended, err);
  if (rc == 0)
    pi_snapshot_free(ended);
  else
    assert_ptr_equal(untouched, ended);
  pi_watcher_free(w);
  return rc;
}

static void watching_sockets(void **state) {
  (void)state;
  pi_snapshot *s = taken(PI_GROUPS, PI_BACKEND_PROC);
  assert_true(climb(watch, s) >= 6);
  pi_snapshot_free(s);
}

/* What cannot be kept of the host stays not known; it never fails for that. */
static void reading_the_host(void **state) {
  (void)state;
  pi_host host;
  for (long k = 0; k < 2; k++) {
    atomic_store(&starve.left, k);
    int rc = pi_host_read(procroot, &host, NULL);
    atomic_store(&starve.left, STARVE_NEVER);
    assert_int_equal(0, rc);
    assert_int_equal(0, atomic_load(&starve.alive));
    assert_true(host.ephemeral_known);
    assert_true(host.reserved_known == (k == 1));
    assert_true(pi_host_reserves(&host, 8080) == (k == 1));
  }
}

/* ---- The iterator ------------------------------------------------------- */

static int count_record(void *arg, const pi__record *record, pi_error *err) {
  (void)record;
  (void)err;
  ++*(size_t *)arg;
  return 0;
}

static int stream(void *arg, pi_error *err) {
  pi__taskfile *t = (pi__taskfile *)untouched;
  size_t count = 0;
  bool pinned;
  int rc =
      pi__taskfile_open("/nonexistent", *(unsigned *)arg, &t, &pinned, err);
  if (rc != 0) {
    assert_ptr_equal(untouched, t);
    return rc;
  }
  rc = pi__taskfile_read(t, NULL, count_record, &count, err);
  assert_true(rc != 0 || count > 0);  // the world's own
  pi__taskfile_close(t);
  return rc;
}

static void reading_a_stream(void **state) {
  (void)state;
  pi_error err;
  unsigned ways = PI__TASKFILE_LOADED | PI__TASKFILE_PINNED;
  if (stream(&ways, &err) != 0) skip_because("%s", err.text);
  assert_true(climb(stream, &ways) > 1);
}

int main(void) {
  atomic_store(&starve.left, STARVE_NEVER);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(taking_a_snapshot),
      cmocka_unit_test(taking_a_snapshot_after_another),
      cmocka_unit_test(completing_a_snapshot),
      cmocka_unit_test(taking_rows_back),
      cmocka_unit_test(asking_takes_no_memory),
      cmocka_unit_test(writing_a_file),
      cmocka_unit_test(spelling_a_filter),
      cmocka_unit_test(asking_for_the_probe),
      cmocka_unit_test(building_filters),
      cmocka_unit_test(selecting_rows),
      cmocka_unit_test(shaping_a_selection),
      cmocka_unit_test(writing_rows),
      cmocka_unit_test(keeping_readings),
      cmocka_unit_test(watching_sockets),
      cmocka_unit_test(reading_the_host),
      cmocka_unit_test(reading_a_stream),
  };
  return cmocka_run_group_tests(tests, make_world, end_world);
}
