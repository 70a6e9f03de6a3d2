/* process_test.c: what /proc/PID says, with names that mean harm. */
#include "procroot.h"

#include "core/snapshot.h"
#include "os/linux/process.h"

#define REST " S 7 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 123456789012 9 9\n"

static bool parse(const char *text, pi__stat *stat) {
  return pi__stat_parse(text, strlen(text), stat);
}

static void a_name_may_hold_anything(void **state) {
  (void)state;
  static const char *const names[] = {
      "sh",
      "a(b)c)d)e",
      ")",
      "(",
      "",
      ") R 1",
      "x) S 9 9 9 9 9 9 9",
      "a b",
      "a\nb",
      "\x1b[31m",
      "\xff\xfe",
      "(((",
      ")))",
      "(sd-pam)",
      "fifteen bytes 1",
      "a kernel thread's name may be as long as sixty-three bytes, yes",
  };
  for (size_t i = 0; i < LENGTH(names); i++) {
    char text[512];
    pi__stat stat;
    snprintf(text, sizeof text, "10 (%s)" REST, names[i]);
    if (!parse(text, &stat)) fail_msg("refused: %s", names[i]);
    assert_int_equal(strlen(names[i]), stat.comm_length);
    assert_memory_equal(names[i], stat.comm, stat.comm_length + 1);
    assert_int_equal(7, stat.ppid);
    assert_int_equal(4194560, stat.flags);
    assert_true(stat.start == UINT64_C(123456789012));
    assert_false(pi__stat_is_kernel_thread(&stat));
  }
  assert_int_equal(63, strlen(names[LENGTH(names) - 1]));
}

static void a_name_that_is_too_long_is_refused(void **state) {
  (void)state;
  char text[1024];
  pi__stat stat;
  snprintf(text, sizeof text, "10 (%0*d)" REST, 64, 0);
  assert_false(parse(text, &stat));
  snprintf(text, sizeof text, "10 (%0*d)" REST, 500, 0);
  assert_false(parse(text, &stat));
}

static void what_is_no_stat_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "10",
      "10 sh" REST,
      "10 (sh" REST,
      "10 sh)" REST,
      ")(" REST,
      "10 (sh)",
      "10 (sh) S",
      "10 (sh) S 7 1 1 0 -1 4194560",
      "10 (sh) S x 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 5 9",
      "10 (sh) S 7 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0",
  };
  for (size_t i = 0; i < LENGTH(bad); i++) {
    pi__stat stat;
    if (parse(bad[i], &stat)) fail_msg("taken: %s", bad[i]);
  }
}

static void kernel_threads_are_known_by_their_flag(void **state) {
  (void)state;
  pi__stat stat;
  assert_true(
      parse("2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 "
            "5 9",
            &stat));
  assert_true(pi__stat_is_kernel_thread(&stat));
}

/* ---- Details, over a procfs of our own ---------------------------------- */

static pi_snapshot *reading_of(uint32_t pid, uint64_t start) {
  pi_snapshot *s = pi__realloc(NULL, sizeof(pi__reading));
  uint32_t number;
  assert_non_null(s);
  memset(s, 0, sizeof *s);
  assert_int_equal(0, pi__reading_process((pi__reading *)s, pid, 0, start, "x",
                                          1, &number, NULL));
  return s;
}

static const pi__process *details(pi_snapshot *s) {
  pi_error err = {0};
  if (pi__process_details(procroot, (pi__reading *)s, &err) != 0) {
    fail_msg("%s", err.text);
  }
  return pi__reading_process_at((pi__reading *)s, 0);
}

static void assert_text(const pi_snapshot *s, const char *text, uint32_t number,
                        uint8_t sight) {
  assert_int_equal(PI_KNOWN, sight);
  assert_string_equal(text, pi__string_at(s, number)->bytes);
}

static void details_are_read_below_the_process(void **state) {
  (void)state;
  procroot_process(10, "true", 500);
  procroot_details(10);
  pi_snapshot *s = reading_of(10, 500);
  const pi__process *p = details(s);
  assert_text(s, "/usr/bin/true", p->exe, p->exe_sight);
  assert_text(s, "true --really", p->cmdline, p->cmdline_sight);
  assert_text(s, "/system.slice/true.service", p->cgroup, p->cgroup_sight);
  // the effective user; a number where the database has no name
  assert_text(s, "4294000000", p->user, p->user_sight);
  assert_int_equal(7, p->ppid);
  assert_int_equal(PI_KNOWN, p->ppid_sight);
  assert_int_equal(1700000000 + 500 / sysconf(_SC_CLK_TCK), p->started);
  pi_snapshot_free(s);
}

/* The pid was used again: nothing of the newcomer is told of the old one. */
static void a_newcomer_is_not_taken_for_the_one_found(void **state) {
  (void)state;
  procroot_process(10, "true", 501);
  procroot_details(10);
  pi_snapshot *s = reading_of(10, 500);
  const pi__process *p = details(s);
  assert_int_equal(PI_UNKNOWN, p->exe_sight);
  assert_int_equal(PI_UNKNOWN, p->cmdline_sight);
  assert_int_equal(PI_UNKNOWN, p->user_sight);
  assert_int_equal(PI_UNKNOWN, p->ppid_sight);
  assert_int_equal(PI_UNKNOWN, p->started_sight);
  pi_snapshot_free(s);
}

static void a_process_that_ended_has_unknown_details(void **state) {
  (void)state;
  pi_snapshot *s = reading_of(11, 500);
  const pi__process *p = details(s);
  assert_int_equal(PI_UNKNOWN, p->exe_sight);
  assert_int_equal(PI_UNKNOWN, p->cgroup_sight);
  pi_snapshot_free(s);
}

static void arguments_are_whole_however_long(void **state) {
  (void)state;
  enum { LONG = 500 * 1000 };
  procroot_process(10, "true", 500);
  char *text = malloc(LONG);
  assert_non_null(text);
  for (size_t i = 0; i < LONG; i++) text[i] = i % 100 == 99 ? '\0' : 'x';
  procroot_write("10/cmdline", text, LONG);
  pi_snapshot *s = reading_of(10, 500);
  const pi__process *p = details(s);
  assert_int_equal(PI_KNOWN, p->cmdline_sight);
  const pi__string *got = pi__string_at(s, p->cmdline);
  assert_int_equal(LONG - 1, got->length);
  for (size_t i = 0; i < LONG - 1; i++) {
    if (got->bytes[i] != (i % 100 == 99 ? ' ' : 'x')) fail_msg("at %zu", i);
  }
  free(text);
  pi_snapshot_free(s);
}

/* What a process wrote over its arguments need not end. */
static void arguments_may_be_rewritten(void **state) {
  (void)state;
  static const char text[] = "nginx: worker process \x1b[2J";
  procroot_process(10, "true", 500);
  procroot_write("10/cmdline", text, strlen(text));
  pi_snapshot *s = reading_of(10, 500);
  const pi__process *p = details(s);
  assert_text(s, text, p->cmdline, p->cmdline_sight);
  pi_snapshot_free(s);
}

static void empty_and_unknown_stay_apart(void **state) {
  (void)state;
  procroot_process(10, "kworker", 500);
  procroot_text("10/stat", "10 (kworker) S 2 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 "
                           "20 0 1 0 500 9\n");
  procroot_write("10/cmdline", "\0\0", 2);
  procroot_text("10/status", "Name:\tx\n");
  pi_snapshot *s = reading_of(10, 500);
  const pi__process *p = details(s);
  assert_int_equal(PI_EMPTY, p->exe_sight);       // no link: a kernel thread
  assert_int_equal(PI_EMPTY, p->cmdline_sight);   // nothing but ends
  assert_int_equal(PI_UNKNOWN, p->cgroup_sight);  // no such file
  assert_int_equal(PI_UNKNOWN, p->user_sight);
  assert_int_equal(PI_UNKNOWN, p->started_sight);  // no time of boot
  assert_int_equal(PI_KNOWN, p->ppid_sight);
  pi_snapshot_free(s);
}

#define ID    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define STATE "var/lib/docker/containers/" ID "/config.v2.json"

/* Names the container of process 10 in the folder `proc` of the root. */
static void assert_named(const char *expected) {
  char proc[128];
  snprintf(proc, sizeof proc, "%s/proc", procroot);
  pi_snapshot *s = reading_of(10, 500);
  assert_int_equal(0, pi__process_details(proc, (pi__reading *)s, NULL));
  const pi__process *p = pi__reading_process_at((pi__reading *)s, 0);
  if (expected == NULL) {
    assert_int_equal(PI_UNKNOWN, p->container_name_sight);
  } else {
    assert_text(s, expected, p->container_name, p->container_name_sight);
  }
  pi_snapshot_free(s);
}

static void state_files_stand_beside_procfs(void **state) {
  (void)state;
  enum { LARGE = 2 * 1024 * 1024 };
  procroot_text("proc/10/stat", "10 (x) S 7 1 1 0 -1 4194560 1 2 3 4 5 6 7 8 "
                                "20 0 1 0 500 9 9\n");
  procroot_text("proc/10/cgroup", "0::/docker/" ID "\n");
  assert_named(NULL);
  procroot_text(STATE, "{\"Name\":\"/web\"}");
  assert_named("web");
  // more than is read of a file: not even its beginning counts
  char *large = malloc(LARGE);
  assert_non_null(large);
  memset(large, ' ', LARGE);
  memcpy(large, "{\"Name\":\"/web\"}", strlen("{\"Name\":\"/web\"}"));
  procroot_write(STATE, large, 4096);
  assert_named("web");
  large[LARGE - 1] = '!';
  procroot_write(STATE, large, LARGE);
  assert_named(NULL);
  free(large);
  unlink(procroot_path(STATE));
  procroot_path(STATE "/.");
  assert_named(NULL);  // a folder
}

/* The network namespace as the kernel spells it, or nothing. */
static void a_namespace_is_its_inode(void **state) {
  (void)state;
  static const struct {
    const char *link;
    uint64_t inode; /* 0: unknown */
  } table[] = {
      {"net:[4026531833]", 4026531833},
      {"net:[18446744073709551615]", UINT64_MAX},
      {"pid:[4026531833]", 0},
      {"net:[]", 0},
      {"net:[x]", 0},
      {"/dev/null", 0},
      {NULL, 0},
  };
  procroot_process(10, "x", 500);
  procroot_path("10/ns/.");
  for (size_t i = 0; i < LENGTH(table); i++) {
    unlink(procroot_path("10/ns/net"));
    if (table[i].link != NULL) procroot_link("10/ns/net", table[i].link);
    pi_snapshot *s = reading_of(10, 500);
    const pi__process *p = details(s);
    bool known = table[i].inode != 0;
    assert_int_equal(known ? PI_KNOWN : PI_UNKNOWN, p->netns_sight);
    if (known) assert_true(p->netns == table[i].inode);
    pi_snapshot_free(s);
  }
}

static void a_proxy_is_known_by_its_program(void **state) {
  (void)state;
  static const char arguments[] =
      "docker-proxy\0-container-ip\0fd00::2\0-container-port\0"
      "80";
  procroot_process(10, "docker-proxy", 500);
  procroot_write("10/cmdline", arguments, sizeof arguments);
  pi_snapshot *s = reading_of(10, 500);
  const pi__process *p = details(s);
  assert_int_equal(PI_EMPTY, p->via_sight);  // it is called x
  pi_snapshot_free(s);
  procroot_link("10/exe", "/usr/bin/docker-proxy");
  s = reading_of(10, 500);
  p = details(s);
  assert_text(s, "[fd00::2]:80", p->via, p->via_sight);
  assert_text(s, "docker-proxy -container-ip fd00::2 -container-port 80",
              p->cmdline, p->cmdline_sight);
  pi_snapshot_free(s);
  procroot_write("10/cmdline", arguments, sizeof arguments - 1);
  s = reading_of(10, 500);
  assert_int_equal(PI_UNKNOWN, details(s)->via_sight);
  pi_snapshot_free(s);
}

static void the_line_of_the_unified_hierarchy_comes_first(void **state) {
  (void)state;
  static const char *const table[][2] = {
      {"0::/a\n", "/a"},
      {"12:cpu:/x\n1:name=systemd:/y\n0::/a b\n", "/a b"},
      // hybrid: the unified one is there, and is the root
      {"12:cpu:/x\n1:name=systemd:/y\n0::/\n", "/y"},
      {"12:cpu,cpuacct:/x\n1:name=systemd:/y\n", "/y"},
      {"12:cpu,cpuacct:/x\n3:pids:/z\n", "/x"},
      {"0::/last line without end", "/last line without end"},
      {"0::/evil\xff\x1b\n", "/evil\xff\x1b"},
      {"0::/\n", "/"},
      // a path may look like the line that is looked for
      {"3:pids:/x:name=systemd:/fake\n1:name=systemd:/y\n", "/y"},
      {"3:pids:/0::/fake\n2:name=systemd:/a:b\n", "/a:b"},
      {"10::/x\n", "/x"},
      {"3:name=systemd-not:/x\n1:name=systemd:/y\n", "/y"},
  };
  for (size_t i = 0; i < LENGTH(table); i++) {
    procroot_process(10, "x", 500);
    procroot_text("10/cgroup", table[i][0]);
    pi_snapshot *s = reading_of(10, 500);
    const pi__process *p = details(s);
    assert_text(s, table[i][1], p->cgroup, p->cgroup_sight);
    pi_snapshot_free(s);
  }
  static const char *const none[] = {"", "\n", "nonsense\n", "1:x\n"};
  for (size_t i = 0; i < LENGTH(none); i++) {
    procroot_text("10/cgroup", none[i]);
    pi_snapshot *s = reading_of(10, 500);
    assert_int_equal(PI_EMPTY, details(s)->cgroup_sight);
    pi_snapshot_free(s);
  }
}

/* The kernel has room for 4096 bytes, and cuts what is longer. */
static void a_path_that_may_be_cut_is_unknown(void **state) {
  (void)state;
  static const struct {
    size_t length;
    pi_sight sight;
  } table[] = {{4000, PI_KNOWN}, {4094, PI_KNOWN}, {4095, PI_UNKNOWN}};
  procroot_process(10, "x", 500);
  for (size_t i = 0; i < LENGTH(table); i++) {
    static const char unit[] = "/a.service";
    char text[5000] = "0::";
    size_t end = 3 + table[i].length;
    memset(text + 3, 'x', table[i].length);
    for (size_t at = 3; at < end; at += 100) text[at] = '/';
    memcpy(text + end - strlen(unit), unit, strlen(unit));
    strcpy(text + end, "\n");
    procroot_text("10/cgroup", text);
    pi_snapshot *s = reading_of(10, 500);
    const pi__process *p = details(s);
    assert_int_equal(table[i].sight, p->cgroup_sight);
    if (p->cgroup_sight == PI_KNOWN) {
      assert_int_equal(table[i].length, pi__string_at(s, p->cgroup)->length);
    }
    assert_int_equal(table[i].sight == PI_KNOWN ? PI_EMPTY : PI_UNKNOWN,
                     p->container_name_sight);
    pi_snapshot_free(s);
  }
}

int main(void) {
#define T(name)                                                                \
  cmocka_unit_test_setup_teardown(name, procroot_setup, procroot_teardown)
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_name_may_hold_anything),
      cmocka_unit_test(a_name_that_is_too_long_is_refused),
      cmocka_unit_test(what_is_no_stat_is_refused),
      cmocka_unit_test(kernel_threads_are_known_by_their_flag),
      T(details_are_read_below_the_process),
      T(a_newcomer_is_not_taken_for_the_one_found),
      T(a_process_that_ended_has_unknown_details),
      T(arguments_are_whole_however_long),
      T(arguments_may_be_rewritten),
      T(empty_and_unknown_stay_apart),
      T(state_files_stand_beside_procfs),
      T(a_namespace_is_its_inode),
      T(a_proxy_is_known_by_its_program),
      T(the_line_of_the_unified_hierarchy_comes_first),
      T(a_path_that_may_be_cut_is_unknown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
