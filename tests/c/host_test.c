/* host_test.c: what this host does with ports, and readings out of text tables,
 * over a procfs of the tests' own. */
#include "procroot.h"

#include "core/snapshot.h"
#include "os/linux/host.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* ---- Lists of ports ----------------------------------------------------- */

static bool has(const uint8_t *bits, unsigned port) {
  return bits[port / 8] >> port % 8 & 1;
}

static void a_list_of_ports_sets_a_bit_each(void **state) {
  (void)state;
  static const struct {
    const char *list;
    unsigned count, in, out;
  } table[] = {
      {"", 0, 0, 1},
      {"\n", 0, 0, 1},
      {"8080\n", 1, 8080, 8081},
      {"8080,9148-9150\n", 4, 9149, 9151},
      {"0", 1, 0, 1},
      {"0-65535", 65536, 65535, 65536},
      {"65535", 1, 65535, 65534},
      {"1,1,1-2", 2, 2, 3},
      {"7-7", 1, 7, 8},
  };
  for (size_t i = 0; i < LENGTH(table); i++) {
    uint8_t bits[8193] = {0};
    unsigned n = 0;
    assert_true(pi__host_parse_ports(table[i].list, bits));
    for (unsigned port = 0; port < 65536; port++) n += has(bits, port);
    assert_int_equal(table[i].count, n);
    if (n > 0) assert_true(has(bits, table[i].in));
    assert_false(has(bits, table[i].out));
  }
}

static void a_malformed_list_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {
      "x",       "80x",    "80-",
      "-80",     "80,,81", ",80",
      "90-80",   "65536",  "99999999999999",
      "1-65536", "1-2-3",  "80 81",
      " 80",     "80;81",
  };
  for (size_t i = 0; i < LENGTH(bad); i++) {
    uint8_t bits[8192] = {0};
    if (pi__host_parse_ports(bad[i], bits)) fail_msg("taken: %s", bad[i]);
  }
}

/* ---- The host ----------------------------------------------------------- */

static pi_host host_of_root(void) {
  pi_host host;
  pi_error err = {0};
  memset(&host, 0xff, sizeof host);
  if (pi_host_read(procroot, &host, &err) != 0) fail_msg("%s", err.text);
  return host;
}

static void a_host_is_what_its_sysctls_say(void **state) {
  (void)state;
  procroot_text("sys/net/ipv4/ip_local_port_range", "1024\t65535\n");
  procroot_text("sys/net/ipv4/ip_unprivileged_port_start", "80\n");
  procroot_text("sys/net/ipv4/ip_local_reserved_ports", "8080,9000-9001\n");
  procroot_text("self/ns/net", "");
  pi_host host = host_of_root();
  struct stat st;
  assert_int_equal(0, stat(procroot_path("self/ns/net"), &st));
  assert_true(host.ephemeral_known && host.unprivileged_known);
  assert_true(host.reserved_known);
  assert_int_equal(1024, host.ephemeral_first);
  assert_int_equal(65535, host.ephemeral_last);
  assert_int_equal(80, host.unprivileged_start);
  assert_true(pi_host_reserves(&host, 8080));
  assert_true(pi_host_reserves(&host, 9001));
  assert_false(pi_host_reserves(&host, 9002));
  assert_true(host.netns == st.st_ino);
}

static void what_cannot_be_read_of_a_host_is_not_known(void **state) {
  (void)state;
  pi_host host = host_of_root();
  assert_false(host.ephemeral_known);
  assert_false(host.unprivileged_known);
  assert_false(host.reserved_known);
  assert_int_equal(0, host.netns);
  static const char *const bad[] = {
      "", "x", "32768", "32768 x", "70000 80000", "-1 5", "60999 32768"};
  procroot_text("sys/net/ipv4/ip_unprivileged_port_start", "x\n");
  procroot_text("sys/net/ipv4/ip_local_reserved_ports", "80-\n");
  for (size_t i = 0; i < LENGTH(bad); i++) {
    procroot_text("sys/net/ipv4/ip_local_port_range", bad[i]);
    host = host_of_root();
    assert_false(host.ephemeral_known);
    assert_false(host.unprivileged_known);
    assert_false(host.reserved_known);
  }
}

static void reads_this_host(void **state) {
  (void)state;
  pi_host host;
  pi_error err;
  if (access("/proc/sys/net/ipv4/ip_local_port_range", R_OK) != 0) {
    skip_because("no sysctls of the network here");
  }
  assert_int_equal(0, pi_host_read(NULL, &host, &err));
  assert_true(host.ephemeral_known);
  assert_true(host.ephemeral_first < host.ephemeral_last);
}

/* ---- Readings out of tables --------------------------------------------- */

static const char heading[] =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when "
    "retrnsmt   uid  timeout inode\n";

/* `count` lines of listeners with inodes from 5001 on, each `times` over. */
static void write_table(const char *name, unsigned count, unsigned times,
                        const char *more) {
  static char text[65536];
  size_t n = 0;
  n += (size_t)snprintf(text, sizeof text, "%s", heading);
  for (unsigned i = 0; i < count * times; i++) {
    char local[32];
    snprintf(local, sizeof local, "00000000:%04X", 80 + i % count);
    n += procroot_line(text + n, sizeof text - n, local, "00000000:0000", "0A",
                       1000, 5001 + i % count);
  }
  snprintf(text + n, sizeof text - n, "%s", more);
  procroot_text(name, text);
}

static int take(unsigned groups, pi_snapshot **s, pi_error *err) {
  pi_options options = {
      .groups = groups, .backend = PI_BACKEND_PROC, .proc = procroot};
  return pi_snapshot_take(&options, s, err);
}

static pi_snapshot *taken(unsigned groups) {
  pi_snapshot *s = NULL;
  pi_error err = {0};
  if (take(groups, &s, &err) != 0) fail_msg("%s", err.text);
  return s;
}

static void lines_met_twice_and_odd_ones_are_no_rows(void **state) {
  (void)state;
  procroot_text("net/dev", "");
  write_table("net/tcp", 20, 3,
              "\n"
              "garbage\n"
              "   9: 0100007F:1F90 0000\n"
              "   9: 0100007F:1F90 00000000:0000 0D 00000000:00000000 "
              "00:00000000 00000000 0 0 9999 1\n"
              "   9: 0100007F:1F90 00000000:0000 0A 00000000:00000000 "
              "00:00000000 00000000 0 0");
  pi_snapshot *s = taken(0);
  assert_int_equal(20, pi_snapshot_count(s));
  // what could not be read may have been sockets, and that is told
  assert_true(pi_snapshot_quality(s)->sources[PI_PROTO_TCP][0].partial);
  for (size_t i = 0; i < 20; i++) {
    assert_int_equal(80 + i, pi_snapshot_value(s, i, PI_LPORT, 0).number);
    assert_int_equal(5001 + i, pi_snapshot_value(s, i, PI_INODE, 0).number);
    assert_int_equal(PI_UNKNOWN, pi_snapshot_value(s, i, PI_COOKIE, 0).sight);
    assert_int_equal(PI_UNKNOWN, pi_snapshot_value(s, i, PI_TXQ, 0).sight);
    assert_int_equal(PI_UNKNOWN, pi_snapshot_value(s, i, PI_NETNS, 0).sight);
  }
  pi_snapshot_free(s);
}

/* So many bytes at once, at most; 0: any. */
static size_t piece;

ssize_t read(int fd, void *buffer, size_t size) {
  if (piece > 0 && size > piece) size = piece;
  return syscall(SYS_read, fd, buffer, size);
}

static void a_table_may_come_in_pieces(void **state) {
  (void)state;
  procroot_text("net/dev", "");
  write_table("net/tcp", 200, 1, "");
  piece = 7;
  pi_snapshot *s = taken(0);
  piece = 0;
  assert_int_equal(200, pi_snapshot_count(s));
  assert_false(pi_snapshot_quality(s)->sources[PI_PROTO_TCP][0].partial);
  for (size_t i = 0; i < 200; i++) {
    assert_int_equal(80 + i, pi_snapshot_value(s, i, PI_LPORT, 0).number);
  }
  pi_snapshot_free(s);
}

/* A line that does not end, as it is too long or the file ends in it, is none:
 * its number may be cut, and what follows is no line of its own. */
static void a_line_that_is_cut_is_no_row(void **state) {
  (void)state;
  static const char row[] =
      "   9: 0100007F:1F90 00000000:0000 0A 00000000:00000000 "
      "00:00000000 00000000 0 0 9999";
  static char text[16384];
  procroot_text("net/dev", "");
  for (size_t before = 0; before < 9000; before += 271) {
    memset(text, ' ', before);  // a column of its own, and a row behind it
    text[0] = 'x';
    snprintf(text + before, sizeof text - before, "%s 1\n", row);
    write_table("net/tcp", 2, 1, text);
    pi_snapshot *s = taken(0);
    assert_int_equal(before == 0 ? 3 : 2, pi_snapshot_count(s));
    assert_int_equal(before > 0,
                     pi_snapshot_quality(s)->sources[PI_PROTO_TCP][0].partial);
    pi_snapshot_free(s);
  }
  write_table("net/tcp", 2, 1, row);
  pi_snapshot *s = taken(0);
  assert_int_equal(2, pi_snapshot_count(s));
  assert_true(pi_snapshot_quality(s)->sources[PI_PROTO_TCP][0].partial);
  pi_snapshot_free(s);
}

/* Nothing that would keep us waiting, or that never ends. */
static void what_is_no_table_is_not_read(void **state) {
  (void)state;
  static const char *const kinds[] = {"pipe", "device", "zeros", "lines"};
  for (size_t kind = 0; kind < LENGTH(kinds); kind++) {
    procroot_remove();
    procroot_make();
    procroot_text("net/dev", "");
    write_table("net/tcp", 2, 1, "");
    char path[512];
    snprintf(path, sizeof path, "%s", procroot_path("net/tcp6"));
    switch (kind) {
    case 0: assert_int_equal(0, mkfifo(path, 0644)); break;
    case 1: procroot_link("net/tcp6", "/dev/zero"); break;
    case 2:
      procroot_text("net/tcp6", "heading\n");
      assert_int_equal(0, truncate(path, (off_t)1 << 40));
      break;
    default: {
      FILE *file = fopen(path, "w");
      for (int n = 0; n < 100000; n++) fputs("odd\n", file);
      fclose(file);
    }
    }
    pi_snapshot *s = taken(0);
    const pi_quality *q = pi_snapshot_quality(s);
    const struct pi_source *tcp6 = &q->sources[PI_PROTO_TCP][PI_FAMILY_6];
    assert_int_equal(2, pi_snapshot_count(s));
    assert_int_equal(PI_BACKEND_NONE, tcp6->backend);
    assert_false(tcp6->absent);
    static const int errnos[] = {EINVAL, EINVAL, EFBIG, EBADMSG};
    assert_int_equal(errnos[kind], tcp6->os);
    pi_snapshot_free(s);
  }
}

/* Newer kernels may have columns behind the inode, and more of a heading. */
static void a_table_may_have_more_columns(void **state) {
  (void)state;
  char line[512];
  size_t n = (size_t)snprintf(line, sizeof line,
                              "  sl  local_address and much that is new\n");
  n += procroot_line(line + n, sizeof line - n, "0100007F:1F90",
                     "00000000:0000", "0A", 1000, 5001);
  snprintf(line + n - 1, sizeof line - n + 1, " 77 new:er columns\n");
  procroot_text("net/dev", "");
  procroot_text("net/tcp", line);
  pi_snapshot *s = taken(0);
  assert_int_equal(1, pi_snapshot_count(s));
  assert_int_equal(5001, pi_snapshot_value(s, 0, PI_INODE, 0).number);
  assert_false(pi_snapshot_quality(s)->sources[PI_PROTO_TCP][0].partial);
  pi_snapshot_free(s);
}

/* Whoever has no number in our user namespace goes by the same one. */
static void a_user_without_a_number_here_is_unknown(void **state) {
  (void)state;
  static const struct {
    const char *map; /* of our user namespace; NULL: not to be read */
    unsigned uid;
    pi_sight sight;
  } table[] = {
      {"         0          0 4294967295\n", 65534, PI_KNOWN},
      {NULL, 65534, PI_KNOWN},
      {"", 65534, PI_UNKNOWN},  // not written yet: nobody has one
      {"         0      65534          1\n", 65534, PI_UNKNOWN},
      {"         0      65534          1\n", 65533, PI_KNOWN},
      {"         0     100000      65536\n", 65534, PI_UNKNOWN},
      {"0 0 1\n1 100000 4294967294\n", 65534, PI_KNOWN},
  };
  procroot_text("net/dev", "");
  for (size_t i = 0; i < LENGTH(table); i++) {
    char line[512] = "heading\n";
    size_t n = strlen(line);
    procroot_line(line + n, sizeof line - n, "00000000:0050", "00000000:0000",
                  "0A", table[i].uid, 5001);
    procroot_text("net/tcp", line);
    unlink(procroot_path("self/uid_map"));
    if (table[i].map != NULL) procroot_text("self/uid_map", table[i].map);
    pi_snapshot *s = taken(0);
    assert_int_equal(1, pi_snapshot_count(s));
    assert_int_equal(table[i].sight, pi_snapshot_value(s, 0, PI_UID, 0).sight);
    pi_snapshot_free(s);
  }
}

static void a_family_without_a_table_is_absent(void **state) {
  (void)state;
  procroot_text("net/dev", "");
  write_table("net/tcp", 2, 1, "");
  write_table("net/udp", 0, 0, "");
  pi_snapshot *s = taken(0);
  const pi_quality *q = pi_snapshot_quality(s);
  assert_int_equal(2, pi_snapshot_count(s));
  const struct pi_source *tcp = q->sources[PI_PROTO_TCP];
  const struct pi_source *udp = q->sources[PI_PROTO_UDP];
  assert_int_equal(PI_BACKEND_PROC, tcp[PI_FAMILY_4].backend);
  assert_int_equal(2, tcp[PI_FAMILY_4].rows);
  assert_false(tcp[PI_FAMILY_4].absent);
  assert_false(tcp[PI_FAMILY_4].partial);
  assert_int_equal(0, tcp[PI_FAMILY_4].os);
  assert_int_equal(PI_BACKEND_PROC, udp[PI_FAMILY_4].backend);
  assert_int_equal(0, udp[PI_FAMILY_4].rows);
  assert_true(tcp[PI_FAMILY_6].absent && udp[PI_FAMILY_6].absent);
  assert_int_equal(PI_BACKEND_NONE, tcp[PI_FAMILY_6].backend);
  assert_true(tcp[PI_FAMILY_6].wanted);
  pi_snapshot_free(s);
}

static void a_table_that_cannot_be_read_is_not_absent(void **state) {
  (void)state;
  procroot_text("net/dev", "");
  write_table("net/tcp", 2, 1, "");
  procroot_path("net/tcp6/.");  // a folder: it opens, and gives no bytes
  pi_snapshot *s = taken(0);
  const pi_quality *q = pi_snapshot_quality(s);
  const struct pi_source *tcp6 = &q->sources[PI_PROTO_TCP][PI_FAMILY_6];
  assert_int_equal(2, pi_snapshot_count(s));
  assert_false(tcp6->absent);
  assert_int_equal(PI_BACKEND_NONE, tcp6->backend);
  assert_int_equal(EISDIR, tcp6->os);
  pi_snapshot_free(s);
}

static void no_tables_at_all_is_an_error_that_names_them(void **state) {
  (void)state;
  pi_snapshot *s = (pi_snapshot *)procroot, *before = s;
  pi_error err = {0};
  assert_int_equal(PI_EOS, take(0, &s, &err));
  assert_ptr_equal(before, s);
  assert_int_equal(ENOENT, err.os);
  assert_says(err.text, procroot);
  assert_says(err.text, "net/tcp");
}

static void a_filter_leaves_out_what_it_excludes(void **state) {
  (void)state;
  procroot_text("net/dev", "");
  write_table("net/tcp", 2, 1,
              "   9: 0100007F:1F90 0100007F:0050 01 00000000:00000000 "
              "00:00000000 00000000 0 0 9999 1\n");
  write_table("net/udp", 0, 0, "");
  pi_filter *f = NULL;
  pi_operand o = {.kind = PI_OPERAND_TEXT, .text = "listen", .length = 6};
  assert_int_equal(0, pi_filter_in(PI_STATE, &o, 1, &f, NULL));
  pi_options options = {
      .filter = f, .backend = PI_BACKEND_PROC, .proc = procroot};
  pi_snapshot *s = NULL;
  assert_int_equal(0, pi_snapshot_take(&options, &s, NULL));
  pi_filter_free(f);  // the snapshot needs it no more
  assert_int_equal(2, pi_snapshot_count(s));
  const pi_quality *q = pi_snapshot_quality(s);
  assert_false(q->sources[PI_PROTO_UDP][PI_FAMILY_4].wanted);
  assert_int_equal(PI_BACKEND_AUTO,
                   q->sources[PI_PROTO_UDP][PI_FAMILY_4].backend);
  pi_snapshot_free(s);
}

/* ---- Owners out of descriptors ------------------------------------------ */

static void descriptors_of_all_processes_are_looked_at(void **state) {
  (void)state;
  procroot_text("net/dev", "");
  write_table("net/tcp", 4, 1, "");
  for (unsigned pid = 2; pid < 150; pid++) {
    procroot_process(pid, "idle", 1);
  }
  procroot_link("2/fd/0", "/dev/null");
  procroot_process(1, "init", 1);
  procroot_hold(1, 3, 5001);
  procroot_hold(77, 4, 5001);
  procroot_hold(130, 5, 5001);
  procroot_hold(130, 6, 5002);
  procroot_hold(130, 7, 424242);
  procroot_link("130/fd/8", "socket:[5003");
  procroot_link("130/fd/9", "socket:[x5003]");
  procroot_link("130/fd/10", "pipe:[5003]");
  procroot_text("self/mounts", "");
  pi_snapshot *s = taken(PI_GROUP_OWNER);
  static const uint32_t pids[] = {77, 130, 1};
  static const int fds[] = {4, 5, 3};
  pi_holder h;
  for (unsigned i = 0; i < 3; i++) {
    assert_true(pi_snapshot_holder(s, 0, i, &h));
    assert_int_equal(pids[i], h.pid);
    assert_int_equal(fds[i], h.fd);
  }
  assert_false(pi_snapshot_holder(s, 0, 3, &h));
  assert_true(pi_snapshot_holder(s, 1, 0, &h));
  assert_int_equal(130, h.pid);
  assert_string_equal("unheld", pi_snapshot_value(s, 2, PI_WHY, 0).text);
  const pi_quality *q = pi_snapshot_quality(s);
  assert_int_equal(149, q->processes);
  assert_int_equal(0, q->unreadable);
  assert_false(q->owners_unseen);
  pi_snapshot_free(s);
}

static void a_procfs_without_processes_shows_no_owners(void **state) {
  (void)state;
  procroot_text("net/dev", "");
  write_table("net/tcp", 1, 1, "");
  pi_snapshot *s = taken(PI_GROUP_OWNER);
  assert_true(pi_snapshot_quality(s)->owners_unseen);
  assert_string_equal("unknown", pi_snapshot_value(s, 0, PI_OWNER, 0).text);
  pi_snapshot_free(s);
}

static void a_hidden_procfs_leaves_owners_open(void **state) {
  (void)state;
  static const struct {
    const char *options;
    bool hidden;
  } table[] = {
      {"rw,relatime", false},
      {"rw,hidepid=2", true},
      {"rw,hidepid=invisible", true},
      {"rw,hidepid=1", false},
      {"rw,hidepid=ptraceable", true},
      {"rw,hidepid=4", true},
      {"rw,gid=4294900000,hidepid=2", true},
  };
  procroot_text("net/dev", "");
  write_table("net/tcp", 1, 1, "");
  procroot_process(10, "idle", 1);
  for (size_t i = 0; i < LENGTH(table); i++) {
    char mounts[512];
    snprintf(mounts, sizeof mounts,
             "proc /elsewhere proc rw,hidepid=2 0 0\nproc %s proc %s 0 0\n",
             procroot, table[i].options);
    procroot_text("self/mounts", mounts);
    procroot_text("self/status", "Name:\tx\nCapEff:\t0000000000000000\n");
    pi_snapshot *s = taken(PI_GROUP_OWNER);
    assert_int_equal(table[i].hidden, pi_snapshot_quality(s)->hidden);
    assert_string_equal(table[i].hidden ? "hidden" : "unheld",
                        pi_snapshot_value(s, 0, PI_WHY, 0).text);
    pi_snapshot_free(s);
  }
}

/* The capability to trace reaches everybody from the first user namespace, and
 * nobody outside from another one. */
static void who_may_trace_all_sees_all(void **state) {
  (void)state;
  char mounts[512], link[512];
  struct stat ns;
  procroot_text("net/dev", "");
  write_table("net/tcp", 1, 1, "");
  snprintf(mounts, sizeof mounts, "proc %s proc rw,hidepid=2 0 0\n", procroot);
  procroot_text("self/mounts", mounts);
  procroot_text("self/status", "Name:\tx\nCapEff:\t0000000000080000\n");
  procroot_text("self/ns/net", "");
  pi_snapshot *s = taken(PI_GROUP_OWNER);
  assert_true(pi_snapshot_quality(s)->hidden);  // whose namespace, nobody says
  pi_snapshot_free(s);
  snprintf(link, sizeof link, "%s/self/ns/user", procroot);
  assert_int_equal(0, symlink("/proc/self/ns/user", link));
  if (stat(link, &ns) != 0) skip_because("no namespaces here");
  s = taken(PI_GROUP_OWNER);
  assert_int_equal(ns.st_ino != 0xEFFFFFFD, pi_snapshot_quality(s)->hidden);
  pi_snapshot_free(s);
}

/* Runs as an ordinary user, in a process of its own, as root reads
 * everything. */
static int as_nobody(int (*run)(void)) {
  fflush(NULL);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(99);
    _exit(run());
  }
  int status;
  assert_int_equal(child, waitpid(child, &status, 0));
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static int count_unreadable(void) {
  pi_snapshot *s = NULL;
  if (take(PI_GROUP_OWNER, &s, NULL) != 0) return 90;
  const pi_quality *q = pi_snapshot_quality(s);
  bool permission =
      pi_snapshot_value(s, 0, PI_WHY, 0).number == PI_WHY_PERMISSION;
  int n = permission && q->processes == 4 ? (int)q->unreadable : 91;
  pi_snapshot_free(s);
  return n;
}

/* Its threads' tables are as closed as its own: one process, one count. */
static void a_process_that_is_closed_to_us_counts_once(void **state) {
  (void)state;
  static const char *const closed[] = {
      "20/fd", "20/task/20/fd", "20/task/21/fd", "20/task/22/fd", "30/fd"};
  procroot_text("net/dev", "");
  write_table("net/tcp", 1, 1, "");
  procroot_process(10, "open", 1);
  procroot_process(20, "closed", 1);
  procroot_process(30, "closed", 1);
  procroot_process(40, "thread", 1);
  procroot_path("20/task/20/fd/.");
  procroot_path("20/task/21/fd/.");
  procroot_path("20/task/22/fd/.");
  procroot_path("30/task/30/fd/.");
  // a kernel thread's table is closed as well, and does not matter
  procroot_text("40/stat", "40 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 "
                           "20 0 1 0 5 9\n");
  assert_int_equal(0, chmod(procroot_path("40/fd"), 0));
  for (size_t i = 0; i < LENGTH(closed); i++) {
    assert_int_equal(0, chmod(procroot_path(closed[i]), 0));
  }
  int n = as_nobody(count_unreadable);
  if (n == 99) skip_because("cannot become an ordinary user here");
  assert_int_equal(2, n);
}

/* A folder that may be listed, and whose links may not be read, hides as much
 * as one that may not be listed; a file there that is no link hides nothing. */
static void links_that_are_closed_to_us_count_their_process(void **state) {
  (void)state;
  procroot_text("net/dev", "");
  write_table("net/tcp", 1, 1, "");
  for (unsigned pid = 10; pid <= 40; pid += 10) {
    procroot_process(pid, "idle", 1);
  }
  procroot_hold(10, 3, 5001);
  procroot_text("20/fd/3", "");
  assert_int_equal(0, chmod(procroot_path("10/fd"), 0444));
  int n = as_nobody(count_unreadable);
  if (n == 99) skip_because("cannot become an ordinary user here");
  assert_int_equal(1, n);
}

static int fail_to_list(void) {
  char path[128];
  pi_snapshot *s = NULL;
  pi_error err = {0};
  snprintf(path, sizeof path, "%s/gone", procroot);
  if (mkdir(path, 0755) != 0) return 80;
  int dir = open(path, O_RDONLY | O_DIRECTORY);
  if (dir < 0 || rmdir(path) != 0) return 81;
  snprintf(path, sizeof path, "/proc/self/fd/%d", dir);
  pi_options options = {.groups = PI_GROUP_OWNER, .proc = path};
  int rc = pi_snapshot_take(&options, &s, &err);
  if (rc == PI_EOS) return 82;  // no sock_diag here
  if (rc != 0) return 83;
  bool unseen = pi_snapshot_quality(s)->owners_unseen;
  pi_snapshot_free(s);
  return unseen ? 0 : 84;
}

/* A folder that was removed can be opened and not read: that is no want of
 * memory. */
static void a_procfs_that_cannot_be_listed_shows_no_owners(void **state) {
  (void)state;
  if (access("/proc/self/fd", X_OK) != 0) skip_because("no procfs here");
  int n = fail_to_list();
  if (n == 82) skip_because("no sock_diag here");
  assert_int_equal(0, n);
}

int main(void) {
#define T(name)                                                                \
  cmocka_unit_test_setup_teardown(name, procroot_setup, procroot_teardown)
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_list_of_ports_sets_a_bit_each),
      cmocka_unit_test(a_malformed_list_is_refused),
      T(a_host_is_what_its_sysctls_say),
      T(what_cannot_be_read_of_a_host_is_not_known),
      cmocka_unit_test(reads_this_host),
      T(lines_met_twice_and_odd_ones_are_no_rows),
      T(a_table_may_come_in_pieces),
      T(a_line_that_is_cut_is_no_row),
      T(what_is_no_table_is_not_read),
      T(a_table_may_have_more_columns),
      T(a_user_without_a_number_here_is_unknown),
      T(a_family_without_a_table_is_absent),
      T(a_table_that_cannot_be_read_is_not_absent),
      T(no_tables_at_all_is_an_error_that_names_them),
      T(a_filter_leaves_out_what_it_excludes),
      T(descriptors_of_all_processes_are_looked_at),
      T(a_procfs_without_processes_shows_no_owners),
      T(a_hidden_procfs_leaves_owners_open),
      T(who_may_trace_all_sees_all),
      T(a_process_that_is_closed_to_us_counts_once),
      T(links_that_are_closed_to_us_count_their_process),
      T(a_procfs_that_cannot_be_listed_shows_no_owners),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
