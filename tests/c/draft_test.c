/* draft_test.c: a file is written whole or not at all. The calls that lead
 * there are our own, so that each can fail:
 *
 * | what fails                        | what becomes of it                    |
 * |-----------------------------------|---------------------------------------|
 * | opening file, folder or draft     | a refusal; nothing was done           |
 * | a write (full disk, quota)        | the errno; the file as it was         |
 * | mode, bytes or name on the disk   | a refusal; the file as it was         |
 * | its owner                         | the writer's, closed to a group       |
 * | the folder on the disk            | a refusal; the new file is there      |
 * | us, in the middle                 | the file as it was                    |
 */
#include "test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
  const char *call; /* that fails; NULL: none */
  unsigned skip;    /* how often it succeeds before */
  int os;
  bool nameless; /* can a file be made without a name? */
} fault;

static bool fails(const char *call) {
  if (fault.call == NULL || strcmp(fault.call, call) != 0) return false;
  if (fault.skip-- > 0) return false;
  fault.call = NULL;
  errno = fault.os;
  return true;
}

/* ---- What the library calls ---------------------------------------------- */

int openat(int dir, const char *path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
  va_end(args);
  if (!fault.nameless && (flags & O_TMPFILE) == O_TMPFILE) {
    errno = EOPNOTSUPP;
    return -1;
  }
  if (fails("openat")) return -1;
  return (int)syscall(SYS_openat, dir, path, flags, mode);
}

ssize_t write(int fd, const void *bytes, size_t length) {
  if (fails("write")) return -1;
  return syscall(SYS_write, fd, bytes, length > 3 ? 3 : length);
}

int fsync(int fd) {
  return fails("fsync") ? -1 : (int)syscall(SYS_fsync, fd);
}

int fchmod(int fd, mode_t mode) {
  return fails("fchmod") ? -1 : (int)syscall(SYS_fchmod, fd, mode);
}

int fchown(int fd, uid_t uid, gid_t gid) {
  return fails("fchown") ? -1 : (int)syscall(SYS_fchown, fd, uid, gid);
}

int linkat(int from, const char *old, int to, const char *new, int flags) {
  if (fails("linkat")) return -1;
  return (int)syscall(SYS_linkat, from, old, to, new, flags);
}

int renameat(int from, const char *old, int to, const char *new) {
  if (fails("renameat")) return -1;
  return (int)syscall(SYS_renameat2, from, old, to, new, 0);
}

/* ---- A folder of our own ------------------------------------------------- */

static char folder[64];

static int make_folder(void **state) {
  (void)state;
  memset(&fault, 0, sizeof fault);
  fault.nameless = true;
  umask(022);
  strcpy(folder, "/tmp/portinfo-draft-XXXXXX");
  assert_non_null(mkdtemp(folder));
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  char command[128];
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return system(command);
}

static const char *at(const char *name) {
  static char paths[4][512];
  static unsigned next;
  char *path = paths[next++ % LENGTH(paths)];
  snprintf(path, sizeof paths[0], "%s/%s", folder, name);
  return path;
}

static void put(const char *name, const char *text, mode_t mode) {
  FILE *file = fopen(at(name), "w");
  assert_non_null(file);
  fputs(text, file);
  fclose(file);
  assert_int_equal(0, chmod(at(name), mode));
}

static void assert_holds(const char *name, const char *text) {
  char found[512] = "";
  FILE *file = fopen(at(name), "r");
  assert_non_null(file);
  size_t n = fread(found, 1, sizeof found - 1, file);
  fclose(file);
  found[n] = '\0';
  assert_string_equal(text, found);
}

static void assert_mode(const char *name, mode_t mode) {
  struct stat st;
  assert_int_equal(0, lstat(at(name), &st));
  assert_int_equal(mode, st.st_mode & 07777);
}

/* So many names are in the folder, and none of a draft. */
static void assert_names(unsigned count) {
  unsigned n = 0;
  DIR *dir = opendir(folder);
  assert_non_null(dir);
  for (const struct dirent *e; (e = readdir(dir)) != NULL;) {
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
    assert_null(strstr(e->d_name, "portinfo"));
    n++;
  }
  closedir(dir);
  assert_int_equal(count, n);
}

static unsigned open_descriptors(void) {
  unsigned n = 0;
  for (int fd = 0; fd < 256; fd++) n += fcntl(fd, F_GETFD) >= 0;
  return n;
}

/* ---- The tests ----------------------------------------------------------- */

/* Writes a text in two parts; 0, an errno of writing, or what was refused. */
static int write_whole(const char *path, bool plain, const char *text,
                       pi_error *err) {
  pi_draft *d = (pi_draft *)folder;  // never to be freed
  size_t half = strlen(text) / 2;
  int rc = pi_draft_open(path, plain, &d, err);
  if (rc != 0) {
    assert_ptr_equal(folder, d);
    return rc;
  }
  rc = pi_draft_write(d, text, half);
  if (rc == 0) rc = pi_draft_write(d, text + half, strlen(text) - half);
  if (rc == 0) rc = pi_draft_commit(d, err);
  pi_draft_free(d);
  return rc;
}

static void assert_written(const char *path, const char *text) {
  pi_error err = {0};
  int rc = write_whole(path, false, text, &err);
  if (rc != 0) fail_msg("%s: %d, %s", path, rc, err.text);
}

/* With a draft that has no name until it is whole, and one that has. */
static void each_kind(void (*test)(void)) {
  fault.nameless = true;
  test();
  fault.nameless = false;
  test();
}

static void write_anew(void) {
  umask(027);
  assert_written(at("new"), "a new file");
  assert_holds("new", "a new file");
  assert_mode("new", 0640);
  assert_names(1);
  unlink(at("new"));
}

static void a_new_file_is_as_any_other(void **state) {
  (void)state;
  each_kind(write_anew);
}

static void write_over(void) {
  put("old", "what was there", 0604);
  bool ours = chown(at("old"), 65534, 65533) != 0;
  assert_written(at("old"), "what is there now");
  assert_holds("old", "what is there now");
  assert_mode("old", 0604);
  struct stat st;
  assert_int_equal(0, stat(at("old"), &st));
  assert_int_equal(ours ? geteuid() : 65534, st.st_uid);
  assert_int_equal(ours ? getegid() : 65533, st.st_gid);
  assert_names(1);
  unlink(at("old"));
}

static void what_replaces_a_file_is_like_it(void **state) {
  (void)state;
  each_kind(write_over);
}

static void a_mode_gives_no_other_group_anything(void **state) {
  (void)state;
  if (geteuid() != 0) skip_because("only root can give files away");
  put("old", "", 0664);
  assert_int_equal(0, chown(at("old"), 65534, 65533));
  fault.call = "fchown";
  fault.os = EPERM;
  assert_written(at("old"), "with its group");
  assert_mode("old", 0664);
  pid_t child = fork();
  if (child == 0) {  // who may write to the folder, and to the file as others
    bool made = chmod(folder, 0777) == 0 && chmod(at("old"), 0666) == 0 &&
                setgid(65532) == 0 && setuid(65532) == 0;
    pi_error err;
    _exit(made && write_whole(at("old"), true, "text", &err) == 0 ? 0 : 1);
  }
  int status;
  assert_int_equal(child, waitpid(child, &status, 0));
  assert_int_equal(0, status);
  assert_holds("old", "text");
  assert_mode("old", 0606);
}

static void links_stay_and_lead_to_the_new_file(void **state) {
  (void)state;
  put("target", "old", 0600);
  assert_int_equal(0, symlink("target", at("link")));
  assert_int_equal(0, symlink(at("link"), at("link-of-link")));
  assert_int_equal(0, symlink("nowhere", at("dangling")));
  assert_written(at("link-of-link"), "new");
  assert_holds("target", "new");
  assert_mode("target", 0600);
  assert_written(at("dangling"), "made");
  assert_holds("nowhere", "made");
  assert_mode("nowhere", 0644);
  char text[512];
  assert_int_equal(6, readlink(at("link"), text, sizeof text));
  assert_int_equal(7, readlink(at("dangling"), text, sizeof text));
  assert_names(5);
}

static void a_link_to_nowhere_leads_there_again_after_a_failure(void **state) {
  (void)state;
  pi_error err;
  assert_int_equal(0, symlink("nowhere", at("dangling")));
  fault.call = "write";
  fault.os = ENOSPC;
  assert_int_equal(ENOSPC, write_whole(at("dangling"), false, "text", &err));
  assert_names(1);
}

/* What somebody left in a folder for all, whether or not the kernel would
 * follow it (fs.protected_symlinks). */
static void a_link_of_somebody_else_is_not_followed(void **state) {
  (void)state;
  pi_error err = {0};
  if (geteuid() != 0) skip_because("only root can make links of others");
  put("target", "old", 0600);
  assert_int_equal(0, mkdir(at("all"), 0777));
  assert_int_equal(0, chmod(at("all"), 01777));
  assert_int_equal(0, symlink("../target", at("all/link")));
  assert_int_equal(0, symlink("../nowhere", at("all/dangling")));
  assert_int_equal(0, lchown(at("all/link"), 65534, 65534));
  assert_int_equal(0, lchown(at("all/dangling"), 65534, 65534));
  assert_int_equal(PI_EOS, write_whole(at("all/link"), false, "new", &err));
  assert_int_equal(ELOOP, err.os);
  assert_int_equal(PI_EOS, write_whole(at("all/dangling"), false, "new", &err));
  assert_int_equal(ELOOP, err.os);
  assert_holds("target", "old");
  assert_names(2);
}

static void a_pipe_or_a_device_is_written_in_place(void **state) {
  (void)state;
  pi_error err = {0};
  char found[64] = "";
  int ends[2];
  assert_int_equal(0, pipe(ends));
  assert_written(at("../../dev/null"), "text");
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", ends[1]);
  assert_written(path, "text");
  assert_int_equal(4, read(ends[0], found, sizeof found));
  assert_string_equal("text", found);
  close(ends[0]);
  close(ends[1]);
  assert_int_equal(ENOSPC, write_whole("/dev/full", false, "text", &err));
  assert_int_equal(PI_EOS, write_whole("/dev/null", true, "text", &err));
  assert_string_equal("not a plain file", err.text);
}

/* As /dev/stdout is, where it was given to us and then removed. */
static void a_file_without_a_name_is_written_in_place(void **state) {
  (void)state;
  char path[64], found[64] = "";
  put("old", "what was there", 0600);
  int fd = open(at("old"), O_RDWR);
  assert_true(fd >= 0);
  unlink(at("old"));
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  assert_written(path, "now");
  assert_int_equal(3, pread(fd, found, sizeof found, 0));
  assert_string_equal("now", found);
  close(fd);
  assert_names(0);
}

static void what_is_no_place_for_a_file_is_refused(void **state) {
  (void)state;
  char longest[NAME_MAX + 8];
  static const struct {
    const char *name;
    int os;
  } table[] = {{"", EISDIR},
               {"none/file", ENOENT},
               {"file/below", ENOTDIR},
               {"none/", ENOENT}};
  put("file", "", 0600);
  for (size_t i = 0; i < LENGTH(table); i++) {
    pi_error err = {0};
    int rc = write_whole(at(table[i].name), true, "text", &err);
    if (rc != PI_EOS) fail_msg("%s: %d", table[i].name, rc);
    assert_int_equal(table[i].os, err.os);
    assert_string_equal(strerror(table[i].os), err.text);
  }
  memset(longest, 'x', NAME_MAX);
  longest[NAME_MAX] = '\0';
  assert_written(at(longest), "text");
  assert_holds(longest, "text");
}

/* Each call fails the first time, the second time ... until none does. */
static void fail_everywhere(void) {
  static const char *const calls[] = {"openat", "write",  "fchmod",
                                      "fsync",  "linkat", "renameat"};
  static const int errnos[] = {ENOSPC, EIO, EDQUOT, EROFS};
  put("old", "what was there", 0600);
  unsigned before = open_descriptors(), failures = 0;
  for (size_t i = 0; i < LENGTH(calls); i++) {
    for (unsigned skip = 0;; skip++) {
      pi_error err = {0};
      int os = errnos[(i + skip) % LENGTH(errnos)];
      fault.call = calls[i];
      fault.skip = skip;
      fault.os = os;
      int rc = write_whole(at("old"), true, "what is new", &err);
      bool met = fault.call == NULL;
      fault.call = NULL;
      assert_int_equal(before, open_descriptors());
      assert_names(1);
      if (!met) break;
      // a nameless draft that cannot be had is no failure, nor is a folder
      // that may not be read
      if (rc == 0) {
        assert_string_equal("openat", calls[i]);
        put("old", "what was there", 0600);
        continue;
      }
      failures++;
      assert_int_equal(os, rc > 0 ? rc : err.os);
      bool in_place = strcmp(calls[i], "fsync") == 0 && skip == 1;
      assert_holds("old", in_place ? "what is new" : "what was there");
      put("old", "what was there", 0600);
    }
    put("old", "what was there", 0600);
  }
  assert_true(failures > 6);
}

static void a_failure_anywhere_leaves_the_old_file(void **state) {
  (void)state;
  each_kind(fail_everywhere);
}

static void a_draft_that_is_not_wanted_leaves_nothing(void **state) {
  (void)state;
  pi_draft *d = NULL;
  put("old", "what was there", 0600);
  for (int named = 0; named < 2; named++) {
    fault.nameless = named == 0;
    assert_int_equal(0, pi_draft_open(at("old"), true, &d, NULL));
    assert_int_equal(0, pi_draft_write(d, "text", 4));
    pi_draft_free(d);
    assert_holds("old", "what was there");
    assert_names(1);
  }
  pi_draft_free(NULL);
}

static bool has_nameless_files(void) {
  int fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

static void who_is_killed_in_the_middle_leaves_nothing(void **state) {
  (void)state;
  if (!has_nameless_files()) skip_because("/tmp has no files without names");
  put("old", "what was there", 0600);
  pid_t child = fork();
  if (child == 0) {
    pi_draft *d;
    pi_draft_open(at("old"), true, &d, NULL);
    pi_draft_write(d, "text", 4);
    raise(SIGKILL);
  }
  int status;
  assert_int_equal(child, waitpid(child, &status, 0));
  assert_true(WIFSIGNALED(status));
  assert_holds("old", "what was there");
  assert_names(1);
}

int main(void) {
#define T(name)                                                                \
  cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
  const struct CMUnitTest tests[] = {
      T(a_new_file_is_as_any_other),
      T(what_replaces_a_file_is_like_it),
      T(a_mode_gives_no_other_group_anything),
      T(links_stay_and_lead_to_the_new_file),
      T(a_link_to_nowhere_leads_there_again_after_a_failure),
      T(a_link_of_somebody_else_is_not_followed),
      T(a_pipe_or_a_device_is_written_in_place),
      T(a_file_without_a_name_is_written_in_place),
      T(what_is_no_place_for_a_file_is_refused),
      T(a_failure_anywhere_leaves_the_old_file),
      T(a_draft_that_is_not_wanted_leaves_nothing),
      T(who_is_killed_in_the_middle_leaves_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
