/* ended_test.c: processes that end while they are read, and newcomers that get
 * their numbers. The openat(2) of this program lets something happen behind
 * whoever opens a file. */
#include "procroot.h"

#include "core/snapshot.h"
#include "os/linux/process.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* ---- What happens while a file is being opened --------------------------- */

static struct {
  const char *name;
  void (*happen)(void); /* NULL: it has */
} event;

int openat(int dir, const char *path, int flags, ...) {
  int fd = (int)syscall(SYS_openat, dir, path, flags, 0);
  const char *slash = strrchr(path, '/');
  const char *name = slash != NULL ? slash + 1 : path;
  void (*happen)(void) = event.happen;
  if (fd >= 0 && happen != NULL && strcmp(name, event.name) == 0) {
    event.happen = NULL;
    happen();
  }
  return fd;
}

/* The file says `content` to whoever opens it, and then `happen` runs. */
static void expect_reader(const char *name, const char *content,
                          void (*happen)(void)) {
  procroot_text(name, content);
  event.name = strrchr(name, '/') + 1;
  event.happen = happen;
}

static void assert_was_read(void) {
  assert_null(event.happen);
}

static void end_10(void) {
  unlink(procroot_path("10/stat"));
  unlink(procroot_path("10/status"));
}

/* With the same start, even: two processes within a tick. */
static void replace_10(void) {
  char old[512];
  snprintf(old, sizeof old, "%s/old", procroot);
  assert_int_equal(0, rename(procroot_path("10"), old));
  procroot_process(10, "newcomer", 500);
  procroot_link("10/exe", "/usr/bin/newcomer");
  procroot_text("10/cmdline", "newcomer");
  procroot_text("10/cgroup", "0::/newcomer.service\n");
  procroot_text("10/status", "Name:\tnewcomer\nUid:\t0\t4294000001\t0\t0\n");
}

/* ---- Details --------------------------------------------------------------
 */

static pi_snapshot *reading_of_10(void) {
  pi_snapshot *s = pi__realloc(NULL, sizeof(pi__reading));
  uint32_t number;
  assert_non_null(s);
  memset(s, 0, sizeof *s);
  assert_int_equal(0, pi__reading_process((pi__reading *)s, 10, 0, 500, "true",
                                          4, &number, NULL));
  return s;
}

static const pi__process *details(pi_snapshot *s) {
  assert_int_equal(0, pi__process_details(procroot, (pi__reading *)s, NULL));
  return pi__reading_process_at((pi__reading *)s, 0);
}

/* The folder of an ended process says root. */
static void the_user_is_of_one_that_is_there_afterwards(void **state) {
  (void)state;
  procroot_process(10, "true", 500);
  procroot_details(10);
  expect_reader("10/status", "Uid:\t0\t0\t0\t0\n", end_10);
  pi_snapshot *s = reading_of_10();
  const pi__process *p = details(s);
  assert_was_read();
  assert_int_equal(PI_UNKNOWN, p->user_sight);
  assert_int_equal(PI_UNKNOWN, p->exe_sight);
  // what was seen before stays
  assert_int_equal(10, p->pid);
  assert_string_equal("true", pi__string_at(s, p->comm)->bytes);
  pi_snapshot_free(s);
}

static void a_newcomer_gives_nothing_to_the_one_being_read(void **state) {
  (void)state;
  procroot_process(10, "true", 500);
  procroot_details(10);
  expect_reader("10/status", "Name:\tx\nUid:\t0\t4294000000\t0\t0\n",
                replace_10);
  pi_snapshot *s = reading_of_10();
  const pi__process *p = details(s);
  assert_was_read();
  assert_string_equal("4294000000", pi__string_at(s, p->user)->bytes);
  assert_string_equal("/usr/bin/true", pi__string_at(s, p->exe)->bytes);
  assert_string_equal("true --really", pi__string_at(s, p->cmdline)->bytes);
  assert_string_equal("/system.slice/true.service",
                      pi__string_at(s, p->cgroup)->bytes);
  pi_snapshot_free(s);
}

static void one_that_ended_has_neither_program_nor_arguments(void **state) {
  (void)state;
  static const struct {
    const char *status; /* state, and flags */
    pi_sight exe, cmdline;
  } table[] = {
      {"Z 7 1 1 0 -1 4194560", PI_UNKNOWN, PI_UNKNOWN},
      {"X 7 1 1 0 -1 4194560", PI_UNKNOWN, PI_UNKNOWN},
      // alive: it wiped its arguments out
      {"S 7 1 1 0 -1 4194560", PI_UNKNOWN, PI_EMPTY},
      {"S 0 0 0 0 -1 2129984", PI_EMPTY, PI_EMPTY},  // of the kernel
  };
  for (size_t i = 0; i < LENGTH(table); i++) {
    char text[256];
    snprintf(text, sizeof text,
             "10 (true) %s 1 2 3 4 5 6 7 8 20 0 1 0 500 9 9\n",
             table[i].status);
    procroot_process(10, "true", 500);
    procroot_text("10/stat", text);
    procroot_text("10/cmdline", "");
    pi_snapshot *s = reading_of_10();
    const pi__process *p = details(s);
    assert_int_equal(table[i].exe, p->exe_sight);
    assert_int_equal(table[i].cmdline, p->cmdline_sight);
    assert_int_equal(PI_KNOWN, p->ppid_sight);
    pi_snapshot_free(s);
  }
}

static void a_program_that_is_kept_from_us_is_unknown(void **state) {
  (void)state;
  procroot_process(10, "true", 500);
  procroot_text("10/exe", "no link: EINVAL, as a stand-in for EACCES");
  pi_snapshot *s = reading_of_10();
  assert_int_equal(PI_UNKNOWN, details(s)->exe_sight);
  pi_snapshot_free(s);
}

/* ---- Holders --------------------------------------------------------------
 */

static void who_ends_while_it_is_identified_is_no_holder(void **state) {
  (void)state;
  char line[512];
  procroot_line(line, sizeof line, "0100007F:1F90", "00000000:0000", "0A", 0,
                5001);
  procroot_text("net/tcp", "heading\n");
  FILE *table = fopen(procroot_path("net/tcp"), "a");
  assert_non_null(table);
  fputs(line, table);
  fclose(table);
  procroot_process(10, "true", 500);
  procroot_process(11, "idle", 500);
  procroot_hold(10, 3, 5001);
  expect_reader("10/status", "Uid:\t0\t0\t0\t0\n", end_10);
  pi_options options = {
      .groups = PI_GROUP_OWNER, .backend = PI_BACKEND_PROC, .proc = procroot};
  pi_snapshot *s = NULL;
  assert_int_equal(0, pi_snapshot_take(&options, &s, NULL));
  assert_was_read();
  pi_holder h;
  assert_false(pi_snapshot_holder(s, 0, 0, &h));
  assert_true(pi_snapshot_quality(s)->vanished > 0);
  pi_snapshot_free(s);
}

/* ---- The kernel -----------------------------------------------------------
 */

/* A child with this pid (0: any) that waits to be killed, or -1. */
static pid_t waiting_child(pid_t pid) {
  struct clone_args args = {.exit_signal = SIGCHLD};
  if (pid != 0) {
    args.set_tid = (uintptr_t)&pid;
    args.set_tid_size = 1;
  }
  pid_t child = (pid_t)syscall(SYS_clone3, &args, sizeof args);
  if (child == 0) {
    for (;;) pause();
  }
  return child;
}

static void end_child(pid_t child) {
  kill(child, SIGKILL);
  assert_int_equal(child, waitpid(child, NULL, 0));
}

/* What reading below one handle rests on. */
static void a_folder_never_becomes_that_of_a_newcomer(void **state) {
  (void)state;
  char path[64];
  pi__stat stat;
  pid_t child = waiting_child(0);
  if (child < 0) skip_because("clone3 is not permitted");
  snprintf(path, sizeof path, "/proc/%d", (int)child);
  int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0) skip_because("no procfs here");
  assert_true(pi__stat_read(dir, "stat", &stat));
  end_child(child);
  pid_t newcomer = waiting_child(child);
  bool taken = newcomer < 0 && errno == EEXIST;
  if (newcomer < 0 && !taken) {
    close(dir);
    skip_because("only root may choose a pid");
  }
  assert_true(taken || newcomer == child);
  assert_false(pi__stat_read(dir, "stat", &stat));
  close(dir);
  if (!taken) end_child(newcomer);
}

int main(void) {
#define T(name)                                                                \
  cmocka_unit_test_setup_teardown(name, procroot_setup, procroot_teardown)
  const struct CMUnitTest tests[] = {
      T(the_user_is_of_one_that_is_there_afterwards),
      T(a_newcomer_gives_nothing_to_the_one_being_read),
      T(one_that_ended_has_neither_program_nor_arguments),
      T(a_program_that_is_kept_from_us_is_unknown),
      T(who_ends_while_it_is_identified_is_no_holder),
      cmocka_unit_test(a_folder_never_becomes_that_of_a_newcomer),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
