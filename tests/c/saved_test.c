/* saved_test.c: readings that were saved come back as they were, and files that
 * are no such readings are refused by line. */
#include "script.h"
#include "saved.h"

static int reset(void **state) {
  (void)state;
  script_reset();
  return 0;
}

/* ---- A reading with something of everything ----------------------------- */

static void make_world(void) {
  script_row *ssh = script_socket(PI_STATE_LISTEN, "0.0.0.0", 22);
  script_row *web = script_socket(PI_STATE_LISTEN, "::", 443);
  web->row.v6only = true;
  web->row.v6only_sight = PI_KNOWN;
  web->iface = "wlan\xff\n0";
  script_row *in =
      script_peer(PI_STATE_ESTABLISHED, "10.0.0.5", 22, "203.0.113.7", 50000);
  in->row.cookie = UINT64_MAX;
  in->row.mark = 7;
  in->row.mark_sight = PI_KNOWN;
  in->row.rxq = UINT32_MAX;
  script_row *out =
      script_peer(PI_STATE_ESTABLISHED, "10.0.0.5", 40000, "198.51.100.1", 443);
  out->autobound = true;
  out->row.cookie = 0;
  out->row.uid_sight = PI_UNKNOWN;
  out->row.txq_sight = PI_EMPTY;
  script_row *left =
      script_peer(PI_STATE_TIME_WAIT, "10.0.0.5", 40001, "198.51.100.1", 80);
  left->row.inode = 0;
  script_socket(PI_STATE_UNCONNECTED, "127.0.0.1", 53);
  script_socket(PI_STATE_UNCONNECTED, "fe80::1", 546)->dead = true;
  script_peer(PI_STATE_CONNECTED, "10.0.0.5", 40002, "192.0.2.1", 53)
      ->autobound = true;
  unsigned init = script_process_add(1, "systemd");
  unsigned a = script_process_add(700, "sshd");
  unsigned b = script_process_add(701, "evil\"\\\xff\x1b[31m");
  unsigned c = script_process_add(702, "nul");
  script.processes[c].comm = "a\0b";
  script.processes[c].length = 3;
  script.processes[a].uid = 0;
  script.processes[a].user = "root";
  script.processes[a].exe = "/usr/sbin/sshd";
  script.processes[a].cmdline = "";  // known to be empty
  script.processes[a].cgroup = "/system.slice/ssh.service";
  script.processes[a].ppid = 1;
  script.processes[a].started = 1700000000;
  script.processes[b].user = "\xc3\xa9ve\xe2\x80\xae";
  script.processes[b].exe = "/tmp/\xff\xfe (deleted)";
  script.processes[b].cmdline = "x\ty\nz \xf0\x9f\x98\x80";
  script_hold(ssh, init, 30);
  script_hold(ssh, a, 3);
  script_hold(ssh, a, 4);
  script_hold(ssh, b, 2147483647);
  script_hold(web, b, 0);
  script_hold(in, a, 5);
  script_hold(out, c, 6);
  script.quality.unreadable = 3;
  script.quality.vanished = 2;
  script.quality.nested = true;
  script.host.unprivileged_known = true;
  script.host.unprivileged_start = 80;
  script.host.reserved_known = true;
  script.host.reserved[0] = 1;            // port 0
  script.host.reserved[8080 / 8] = 0x0f;  // 8080 to 8083
  script.host.reserved[8191] = 0x80;      // port 65535
}

static void assert_same_value(const pi_value *a, const pi_value *b,
                              const char *name) {
  if (a->sight != b->sight || a->number != b->number ||
      a->length != b->length || a->type != b->type) {
    fail_msg("%s came back different", name);
  }
  assert_memory_equal(&a->address, &b->address, sizeof a->address);
  if (a->text != NULL) assert_memory_equal(a->text, b->text, a->length);
}

static void assert_same_rows(const pi_snapshot *s, const pi_snapshot *t) {
  assert_int_equal(pi_snapshot_count(s), pi_snapshot_count(t));
  assert_int_equal(pi_snapshot_groups(s), pi_snapshot_groups(t));
  for (size_t row = 0; row < pi_snapshot_count(s); row++) {
    for (int f = 0; f < PI_FIELD_COUNT; f++) {
      for (unsigned i = 0; i < 6; i++) {
        pi_value a = pi_snapshot_value(s, row, (pi_field)f, i);
        pi_value b = pi_snapshot_value(t, row, (pi_field)f, i);
        assert_same_value(&a, &b, pi_field_describe((pi_field)f)->name);
      }
    }
    pi_holder a, b;
    for (unsigned i = 0; pi_snapshot_holder(s, row, i, &a); i++) {
      assert_true(pi_snapshot_holder(t, row, i, &b));
      assert_true(a.pid == b.pid && a.fd == b.fd && a.length == b.length);
      assert_memory_equal(a.process, b.process, a.length);
    }
  }
}

static void everything_comes_back_as_it_was(void **state) {
  (void)state;
  make_world();
  pi_snapshot *s = script_take(PI_GROUPS);
  for (int i = 0; i < PI_SOURCES; i++) {
    s->quality.sources[i / 2][i % 2].wanted = true;
  }
  // by blocks of any size
  for (size_t block = 0; block < 40; block++) {
    saved f = saved_of(s, "known pid");
    f.block = block;
    pi_snapshot *t = saved_reload(&f);
    assert_same_rows(s, t);
    assert_memory_equal(pi_snapshot_host(s), pi_snapshot_host(t),
                        sizeof(pi_host));
    assert_memory_equal(pi_snapshot_quality(s), pi_snapshot_quality(t),
                        sizeof(pi_quality));
    assert_string_equal("known pid", pi_snapshot_filter(t));
    assert_true(pi_snapshot_loaded(t) && !pi_snapshot_loaded(s));
    // saved once more it is the same file
    saved again = saved_of(t, pi_snapshot_filter(t));
    assert_int_equal(f.length, again.length);
    assert_memory_equal(f.bytes, again.bytes, f.length);
    saved_free(&again);
    saved_free(&f);
    pi_snapshot_free(t);
  }
  pi_snapshot_free(s);
}

static void a_quality_with_everything_comes_back(void **state) {
  (void)state;
  script_socket(PI_STATE_LISTEN, "127.0.0.1", 80);
  pi_snapshot *s = script_take(PI_GROUPS);
  pi_quality *q = pi__reading_quality((pi__reading *)s);
  memset(q, 0, sizeof *q);
  q->sources[0][0] = (struct pi_source){.backend = PI_BACKEND_NETLINK,
                                        .retries = 3,
                                        .parts = 4,
                                        .partial = true,
                                        .wanted = true,
                                        .joint = true,
                                        .autobound = true,
                                        .rows = 12345678};
  q->sources[0][1] = (struct pi_source){
      .backend = PI_BACKEND_PROC, .os = 13, .wanted = true, .no_bound = true};
  q->sources[1][0] = (struct pi_source){
      .backend = PI_BACKEND_NONE, .os = 2, .wanted = true, .absent = true};
  q->sources[1][1] =
      (struct pi_source){.backend = PI_BACKEND_BPF, .wanted = true};
  q->namespaces = 11;
  q->closed = 12;
  q->untold = 13;
  q->outside = 14;
  q->unlisted = true;
  q->owners_by = PI_BACKEND_BPF;
  q->pinned = true;
  snprintf(q->obstacle, sizeof q->obstacle, "not \"permitted\"\n");
  q->sources[PI_PROTO_SCTP][1] = (struct pi_source){
      .backend = PI_BACKEND_NONE, .os = 2, .wanted = true, .untold = true};
  q->processes = SIZE_MAX;
  q->unreadable = 1;
  q->vanished = 2;
  q->recalls = 7;
  q->hidden = q->nested = q->owners_unseen = true;
  for (size_t i = 0; i < LENGTH(q->unknown); i++) q->unknown[i] = i;
  q->socket_us = UINT64_MAX;
  q->derived_us = 1;
  q->owner_us = 2;
  q->process_us = 3;
  q->tcp_info_us = 4;
  q->taken = -5;
  q->completed = INT64_C(253402300799);
  saved f = saved_of(s, NULL);
  pi_snapshot *t = saved_reload(&f);
  assert_memory_equal(q, pi_snapshot_quality(t), sizeof *q);
  assert_null(pi_snapshot_filter(t));
  saved_free(&f);
  pi_snapshot_free(t);
  pi_snapshot_free(s);
}

static void a_host_that_tells_nothing_comes_back(void **state) {
  (void)state;
  memset(&script.host, 0, sizeof script.host);
  pi_snapshot *s = script_take(PI_GROUPS);
  saved f = saved_of(s, NULL);
  pi_snapshot *t = saved_reload(&f);
  assert_int_equal(0, pi_snapshot_count(t));
  assert_memory_equal(&script.host, pi_snapshot_host(t), sizeof(pi_host));
  saved_free(&f);
  pi_snapshot_free(t);
  pi_snapshot_free(s);
}

/* Saving completes first, so a refusal writes nothing. */
static void saving_reads_what_is_missing_before_it_writes(void **state) {
  (void)state;
  make_world();
  pi_snapshot *s = script_take(0);
  saved f = {0};
  pi_error err = {0};
  script.failing = PI_GROUP_PROCESS;
  assert_int_equal(PI_EOS,
                   pi_snapshot_save(s, NULL, NULL, saved_take, &f, &err));
  assert_int_equal(0, f.length);
  script.failing = 0;
  f = saved_of(s, NULL);
  assert_int_equal(PI_GROUPS_USUAL, pi_snapshot_groups(s));
  assert_int_equal(0, script.calls[PI_GROUP_TCP_INFO]);  // unasked
  saved_free(&f);
  pi_snapshot_free(s);
}

static int refuse(void *arg, const char *bytes, size_t length) {
  (void)arg;
  (void)bytes;
  (void)length;
  return 28;
}

static ptrdiff_t broken(void *arg, char *buffer, size_t size) {
  (void)arg;
  (void)buffer;
  (void)size;
  return -5;
}

static bool yes(void) {
  return true;
}

static void trouble_beyond_the_file_is_handed_on(void **state) {
  (void)state;
  make_world();
  pi_snapshot *s = script_take(PI_GROUPS), *t = NULL;
  pi_error err = {0};
  assert_int_equal(28, pi_snapshot_save(s, NULL, NULL, refuse, NULL, &err));
  saved f = saved_of(s, NULL);
  assert_int_equal(PI_EOS, pi_snapshot_load(broken, NULL, NULL, &t, &err));
  assert_int_equal(5, err.os);
  assert_int_equal(PI_ECANCELED,
                   pi_snapshot_load(saved_give, &f, yes, &t, &err));
  assert_null(t);
  assert_int_equal(PI_EOS, pi_snapshot_load(broken, NULL, NULL, &t, NULL));
  saved_free(&f);
  pi_snapshot_free(s);
}

/* ---- Files that are no readings ----------------------------------------- */

/* Loading the text must fail, and say this. */
static void assert_refused(const char *text, size_t length, const char *says) {
  saved f = {0};
  pi_error err = {0};
  saved_take(&f, text, length);
  if (saved_load(&f, &err) != NULL) fail_msg("taken: %s", text);
  assert_int_equal(PI_EREPLY, err.code);
  assert_int_equal(0, strncmp(err.text, "line ", 5));
  assert_says(err.text, says);
  saved_free(&f);
}

#define HEAD                                                                   \
  "{\"portinfo\":\"reading\",\"v\":1,\"fields\":[\"proto\",\"family\","        \
  "\"state\",\"laddr\",\"lport\",\"raddr\",\"rport\",\"iface\",\"cookie\","    \
  "\"v6only\",\"uid\",\"role\",\"autobound\",\"owner\",\"why\",\"holders\","   \
  "\"user\",\"ppid\",\"later\"],\"rows\":1,\"host\":{},"                       \
  "\"quality\":{\"taken\":1}}\n"
#define SOCKET                                                                 \
  "{\"v\":1,\"proto\":\"tcp\",\"family\":\"ipv4\",\"state\":\"listen\","       \
  "\"laddr\":\"10.0.0.1\",\"lport\":80"
#define NOBODY ",\"owner\":\"none\",\"why\":\"unheld\""

static void heads_are_checked(void **state) {
  (void)state;
  static const struct {
    const char *text, *says;
  } table[] = {
      {"", "line 1: the file is empty"},
      {"\n", "line 1: not a reading of portinfo"},
      {"hello\n", "line 1: not a reading of portinfo"},
      {"proto\tfamily\n", "line 1: not a reading of portinfo"},
      {"\x7f"
       "ELF\x02\x01\x01",
       "line 1: not a reading of portinfo"},
      {"[]\n", "line 1: not a reading of portinfo"},
      {"{}\n", "line 1: not a reading of portinfo"},
      {"{\"a\":\n", "line 1: not a reading of portinfo"},
      {"{\"portinfo\":\"audit\",\"v\":1}\n", "line 1: not a reading"},
      {"{\"portinfo\":1}\n", "line 1: not a reading"},
      {"{", "line 1: the file ends in the middle of the head"},
      {"{\"v\":1,\"lport\":80}\n",
       "line 1: a row without a head; portinfo save writes one"},
      {"\xef\xbb\xbf{}\n", "line 1: begins with a byte order mark"},
      {"{\"portinfo\":\"reading\",\"v\":2,\"x\":[]}\n",
       "line 1: format 2, written by a newer portinfo; this one reads 1"},
      {"{\"portinfo\":\"reading\",\"v\":0}\n", "line 1: there is no format 0"},
      {"{\"portinfo\":\"reading\",\"v\":\"1\"}\n", "line 1: v: not a number"},
      {"{\"portinfo\":\"reading\"}\n", "line 1: v is missing"},
      {"{\"portinfo\":\"reading\",\"v\":1}\n", "line 1: fields is missing"},
      {"{\"portinfo\":\"reading\",\"portinfo\":\"reading\"}\n",
       "line 1: portinfo: comes twice"},
      {"{\"portinfo\":\"reading\",\"v\":1}{}\n",
       "line 1: not JSON at byte 29: more than one value"},
      {"{\"portinfo\":\"reading\",\"v\":1,\"fields\":[\"proto\"],\"rows\":0,"
       "\"host\":{},\"quality\":{\"taken\":1}}\n",
       "line 1: fields: family is missing"},
      {"{\"portinfo\":\"reading\",\"v\":1,\"fields\":{}}\n",
       "line 1: fields: not a list of fields"},
      {"{\"portinfo\":\"reading\",\"rows\":-1}\n",
       "line 1: rows: -1 is out of range"},
      {"{\"portinfo\":\"reading\",\"rows\":18446744073709551616}\n",
       "line 1: rows: 18446744073709551616 is out of range"},
      {"{\"portinfo\":\"reading\",\"rows\":1.5}\n",
       "line 1: rows: 1.5 is no whole number"},
      {"{\"portinfo\":\"reading\",\"filter\":\"a\\u0000b\"}\n",
       "line 1: v is missing"},
      {"{\"portinfo\":\"reading\",\"host\":[]}\n",
       "line 1: host: not an object"},
      {"{\"portinfo\":\"reading\",\"host\":{\"ephemeral\":[5,4]}}\n",
       "line 1: ephemeral: [5,4] runs backwards"},
      {"{\"portinfo\":\"reading\",\"host\":{\"ephemeral\":[5]}}\n",
       "line 1: ephemeral: a range has two ends"},
      {"{\"portinfo\":\"reading\",\"host\":{\"ephemeral\":[1,2,3]}}\n",
       "line 1: ephemeral: a range has two ends"},
      {"{\"portinfo\":\"reading\",\"host\":{\"reserved\":[[1,65536]]}}\n",
       "line 1: reserved: 65536 is no port"},
      {"{\"portinfo\":\"reading\",\"host\":{\"reserved\":[[1,9],[5,6]]}}\n",
       "line 1: reserved: port 5 is out of order"},
      {"{\"portinfo\":\"reading\",\"host\":{\"unprivileged_start\":65537}}\n",
       "line 1: unprivileged_start: 65537 is out of range"},
      {"{\"portinfo\":\"reading\",\"quality\":{}}\n",
       "line 1: quality: taken is missing"},
      {"{\"portinfo\":\"reading\",\"quality\":{\"taken\":1e9}}\n",
       "line 1: taken: 1e9 is no whole number"},
      {"{\"portinfo\":\"reading\",\"quality\":{\"taken\":253402300800}}"
       "\n",
       "line 1: taken: 253402300800 is out of range"},
      {"{\"portinfo\":\"reading\",\"quality\":{\"sources\":[{}]}}\n",
       "line 1: sources: proto, family or backend is missing"},
      {"{\"portinfo\":\"reading\",\"quality\":{\"sources\":[{\"proto\":\"x\"}]}"
       "}\n",
       "line 1: proto: x is none of its words"},
      {"{\"portinfo\":\"reading\",\"quality\":{\"hidden\":1}}\n",
       "line 1: hidden: not true or false"},
      {"{\"portinfo\":\"reading\",\"quality\":{\"unknown\":{\"permission\":"
       "\"\"}}}\n",
       "line 1: permission: not a number"},
  };
  for (size_t i = 0; i < LENGTH(table); i++) {
    assert_refused(table[i].text, strlen(table[i].text), table[i].says);
  }
  char text[] = HEAD;
  memcpy(strstr(text, "holders"), "HOLDERS", 7);  // words are exact
  saved f = {0};
  saved_take(&f, text, strlen(text));
  pi_error err = {0};
  assert_null(saved_load(&f, &err));
  assert_says(err.text, "line 2: the head promises 1 rows, 0 are here");
  saved_free(&f);
}

static void rows_are_checked(void **state) {
  (void)state;
  static const struct {
    const char *row, *says;
  } table[] = {
      {"", "row: not an object"},
      {"{}", "proto is missing"},
      {"[]", "row: not an object"},
      {SOCKET "}", "owner is missing"},
      {SOCKET NOBODY "", "not JSON at byte"},
      {SOCKET NOBODY "} {}", "more than one value"},
      {SOCKET NOBODY ",\"lport\":81}", "lport: comes twice"},
      {SOCKET NOBODY ",\"unknown\":[\"lport\"]}", "lport: known and unknown"},
      {SOCKET NOBODY ",\"unknown\":[],\"unknown\":[]}", "unknown: comes twice"},
      {SOCKET NOBODY ",\"unknown\":{}}", "unknown: not a list of fields"},
      {SOCKET NOBODY ",\"unknown\":[1]}", "unknown: not a text"},
      {SOCKET NOBODY ",\"v\":1,\"v\":2}", "v: not 1, as the head"},
      {SOCKET NOBODY ",\"rport\":70000}", "rport: 70000 is no port"},
      {SOCKET NOBODY ",\"rport\":-1}", "rport: -1 is no port"},
      {SOCKET NOBODY ",\"rport\":\"80\"}", "rport: not a number"},
      {SOCKET NOBODY ",\"rport\":80}",
       "raddr and rport: one without the other"},
      {SOCKET NOBODY ",\"raddr\":\"10.0.0\"}", "raddr: 10.0.0 is no address"},
      {SOCKET NOBODY ",\"raddr\":\"::1%lo\"}", "raddr: ::1%lo is no address"},
      {SOCKET NOBODY ",\"raddr\":1}", "raddr: not a text"},
      {SOCKET NOBODY ",\"uid\":4294967296}", "uid: 4294967296 is out of range"},
      {SOCKET NOBODY ",\"cookie\":1}", "cookie: not a text"},
      {SOCKET NOBODY ",\"cookie\":\"1x\"}", "cookie: not a number"},
      {SOCKET NOBODY ",\"cookie\":\"\"}", "cookie: not a number"},
      {SOCKET NOBODY ",\"cookie\":\"18446744073709551616\"}",
       "cookie: 18446744073709551616 is out of range"},
      {SOCKET NOBODY ",\"v6only\":1}", "v6only: not true or false"},
      {SOCKET NOBODY ",\"iface\":\"a\xff\"}", "not JSON at byte"},
      {SOCKET NOBODY ",\"iface\":\"a\",\"iface_b64\":\"YQ\"}",
       "iface_b64: not base64"},
      {SOCKET NOBODY ",\"role\":\"king\"}", "role: king is none of its words"},
      {SOCKET NOBODY ",\"role\":\"Listener\"}", "none of its words"},
      {SOCKET ",\"owner\":\"known\"}", "owner: known, without holders"},
      {SOCKET ",\"owner\":\"none\"}", "why: does not fit the owner"},
      {SOCKET ",\"owner\":\"none\",\"why\":\"permission\"}",
       "why: does not fit the owner"},
      {SOCKET ",\"owner\":\"unknown\",\"why\":\"unheld\"}",
       "why: does not fit the owner"},
      {SOCKET NOBODY ",\"holders\":[{\"pid\":1,\"fd\":1,\"process\":\"x\"}]}",
       "owner: not known, with holders"},
      {SOCKET ",\"holders\":{}}", "holders: not a list"},
      {SOCKET ",\"holders\":[1]}", "holders: not an object"},
      {SOCKET ",\"holders\":[{}]}", "holders: pid is missing"},
      {SOCKET ",\"holders\":[{\"pid\":1}]}", "holders: fd is missing"},
      {SOCKET ",\"holders\":[{\"pid\":1,\"fd\":1}]}",
       "holders: process is missing"},
      {SOCKET ",\"holders\":[{\"pid\":1,\"fd\":2147483648}]}",
       "fd: 2147483648 is out of range"},
      {SOCKET ",\"holders\":[{\"pid\":1,\"fd\":-1}]}", "fd: -1 is out of"},
      {SOCKET ",\"holders\":[{\"pid\":1,\"pid\":1}]}", "pid: comes twice"},
      {SOCKET ",\"holders\":[{\"pid\":1,\"fd\":1,\"process\":\"x\","
              "\"user\":\"u\",\"unknown\":[\"user\"]}]}",
       "holders: user: known and unknown"},
      {SOCKET NOBODY ",\"x\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}",
       "nested too deep"},
  };
  for (size_t i = 0; i < LENGTH(table); i++) {
    char text[2048], says[256];
    int n = snprintf(text, sizeof text, HEAD "%s\n", table[i].row);
    snprintf(says, sizeof says, "line 2: %s", table[i].says);
    // where the place in the line does not matter, the words do
    bool exact = strncmp(table[i].says, "not", 3) != 0;
    assert_refused(text, (size_t)n, exact ? table[i].says : says);
  }
  assert_refused(HEAD SOCKET NOBODY "}\n\n", strlen(HEAD SOCKET NOBODY "}\n\n"),
                 "line 3: the head promises 1 rows, here is more");
  assert_refused(HEAD "{\"v\":1\0}\n", strlen(HEAD) + 9, "line 2: not JSON");
}

static pi_snapshot *load_row(const char *row) {
  char text[2048];
  saved f = {0};
  int n = snprintf(text, sizeof text, HEAD "%s\n", row);
  saved_take(&f, text, (size_t)n);
  pi_snapshot *s = saved_reload(&f);
  saved_free(&f);
  return s;
}

/* What a newer portinfo adds, and what another tool makes of spaces and order,
 * is no mistake. */
static void what_is_not_known_is_read_over(void **state) {
  (void)state;
  pi_snapshot *s = load_row(
      "{ \"later\" : [ { } , null , -1.5e3 ] , \"owner\" : \"known\" ,"
      "\"holders\":[{\"process\":\"a\",\"fd\":3,\"later\":{},\"pid\":7}],"
      "\"laddr\":\"::ffff:10.0.0.1\",\"unknown\":[\"later\",\"role\"],"
      "\"lport\":80,\"state\":\"listen\",\"family\":\"ipv4\","
      "\"service\":[\"not\",\"read\"],\"proto\":\"tcp\"}\r");
  assert_int_equal(80, number_of(s, 0, PI_LPORT));
  assert_int_equal(PI_UNKNOWN, sight_of(s, 0, PI_ROLE));
  assert_string_equal("http", text_of(s, 0, PI_SERVICE, 0));
  assert_int_equal(7, number_of(s, 0, PI_PID));
  assert_string_equal("-", text_of(s, 0, PI_USER, 0));
  assert_int_equal(PI_EMPTY, sight_of(s, 0, PI_COOKIE));
  // of these fields the head says nothing
  assert_int_equal(PI_UNKNOWN, sight_of(s, 0, PI_INODE));
  assert_int_equal(PI_UNKNOWN, sight_of(s, 0, PI_EXE));
  pi_value v = pi_snapshot_value(s, 0, PI_LADDR, 0);
  assert_true(pi_address_is_v4(&v.address));
  pi_snapshot_free(s);
}

static void a_group_that_was_not_saved_is_not_there(void **state) {
  (void)state;
  static const char text[] =
      "{\"portinfo\":\"reading\",\"v\":1,\"fields\":[\"proto\",\"family\","
      "\"state\",\"laddr\",\"lport\"],\"rows\":1,\"host\":{},"
      "\"quality\":{\"taken\":1}}\n" SOCKET "}\n";
  saved f = {0};
  saved_take(&f, text, strlen(text));
  pi_snapshot *s = saved_reload(&f);
  pi_error err = {0};
  assert_int_equal(PI_GROUP_SOCKET, pi_snapshot_groups(s));
  assert_int_equal(0, pi_snapshot_complete(s, PI_GROUP_SOCKET, &err));
  assert_int_equal(PI_EUNSUPPORTED,
                   pi_snapshot_complete(s, PI_GROUP_PROCESS, &err));
  assert_string_equal("not in this reading", err.text);
  saved again = saved_of(s, NULL);
  pi_snapshot *t = saved_reload(&again);
  assert_same_rows(s, t);
  pi_snapshot_free(t);
  saved_free(&again);
  saved_free(&f);
  pi_snapshot_free(s);
}

/* ---- Files that were hurt ----------------------------------------------- */

static saved world_saved(void) {
  make_world();
  pi_snapshot *s = script_take(PI_GROUPS);
  saved f = saved_of(s, "tcp or udp");
  pi_snapshot_free(s);
  return f;
}

static void every_cut_is_found_out(void **state) {
  (void)state;
  saved f = world_saved();
  const size_t whole = f.length;
  uint64_t line = 1;
  for (size_t cut = 0; cut < whole; cut++) {
    // a block of its own, so that no byte behind the cut can be read
    saved part = {.bytes = malloc(cut + 1), .length = cut};
    pi_error err = {0};
    char begins[32];
    memcpy(part.bytes, f.bytes, cut);
    if (saved_load(&part, &err) != NULL) fail_msg("cut at %zu is taken", cut);
    snprintf(begins, sizeof begins, "line %llu: ", (unsigned long long)line);
    assert_int_equal(0, strncmp(begins, err.text, strlen(begins)));
    if (f.bytes[cut] == '\n') line++;
    saved_free(&part);
  }
  saved_free(&f);
}

/* Whatever loads can be asked, shown and saved. */
static void use(pi_snapshot *s) {
  static const char *const filters[] = {
      "listening and process = ssh* or user != root",
      "known exe and rport = ephemeral or not cgroup",
  };
  for (size_t i = 0; i < LENGTH(filters); i++) {
    pi_filter *filter = NULL;
    pi_selection *sel = NULL;
    assert_int_equal(
        0, pi_filter_parse(filters[i], strlen(filters[i]), &filter, NULL));
    if (pi_snapshot_select(s, filter, &sel, NULL) == 0) {
      assert_int_equal(0, pi_selection_sort(s, sel, NULL));
      pi_selection_free(sel);
    }
    pi_filter_free(filter);
  }
  saved again = saved_of(s, pi_snapshot_filter(s));
  pi_snapshot *t = saved_reload(&again);
  assert_same_rows(s, t);
  saved_free(&again);
  pi_snapshot_free(t);
}

static void spoil(saved *f, uint64_t *seed) {
  static const char bytes[] = "\0\n\r\"\\{}[]:,0123456789ue-. \xff\xc3\xed\x80";
  size_t at = (size_t)(next_number(seed) % f->length);
  size_t n = 1 + (size_t)(next_number(seed) % 24);
  if (n > f->length - at) n = f->length - at;
  switch (next_number(seed) % 4) {
  case 0: f->bytes[at] = (char)next_number(seed); break;
  case 1: f->bytes[at] = bytes[next_number(seed) % (sizeof bytes - 1)]; break;
  case 2:  // take some out
    memmove(f->bytes + at, f->bytes + at + n, f->length - at - n);
    f->length -= n;
    break;
  default: {  // put some there twice
    char copy[32];
    memcpy(copy, f->bytes + at, n);
    saved_take(f, copy, n);
    memmove(f->bytes + at + n, f->bytes + at, f->length - n - at);
    memcpy(f->bytes + at, copy, n);
  }
  }
}

static void whatever_the_bytes_are_nothing_breaks(void **state) {
  (void)state;
  uint64_t seed = 20261123;
  size_t taken = 0;
  saved f = world_saved();
  for (int round = 0; round < 20000; round++) {
    saved hurt = {0};
    pi_error err = {0};
    saved_take(&hurt, f.bytes, f.length);
    for (uint64_t n = next_number(&seed) % 3; n < 3 && hurt.length > 0; n++) {
      spoil(&hurt, &seed);
    }
    hurt.block = round % 7 == 0 ? 100 : 0;
    pi_snapshot *s = saved_load(&hurt, &err);
    if (s != NULL) {
      taken++;
      use(s);
    } else {
      assert_int_equal(PI_EREPLY, err.code);
      assert_int_equal(0, strncmp(err.text, "line ", 5));
    }
    pi_snapshot_free(s);
    saved_free(&hurt);
  }
  assert_true(taken > 100);  // so both ways were walked
  saved_free(&f);
}

/* Many processes and rows, one of them long. */
static void large_readings_come_back(void **state) {
  (void)state;
  enum { LONG = 1000000 };
  char *cmdline = malloc(LONG + 1);
  memset(cmdline, '\n', LONG);  // six bytes each in the file
  cmdline[LONG] = '\0';
  for (unsigned i = 0; i < 60; i++) {
    unsigned p = script_process_add(100 + i / 2, "same");
    script.processes[p].cmdline = i == 30 ? cmdline : "x";
    script.processes[p].ppid = i + 1;
  }
  for (unsigned i = 0; i < 4000; i++) {
    script_row *r =
        script_socket(PI_STATE_LISTEN, "127.0.0.1", (uint16_t)(i + 1));
    if (i < 200) script_hold(r, i % 60, (int)i);
  }
  pi_snapshot *s = script_take(PI_GROUPS);
  saved f = saved_of(s, NULL);
  assert_true(f.length > 6 * LONG);
  pi_snapshot *t = saved_reload(&f);
  assert_same_rows(s, t);
  // a process that holds many sockets is kept once
  assert_int_equal(60, t->process_count);
  pi_snapshot_free(s);
  pi_snapshot_free(t);
  saved_free(&f);
  free(cmdline);
}

static ptrdiff_t endless(void *arg, char *buffer, size_t size) {
  size_t *given = arg;
  memset(buffer, ' ', size);
  if (*given == 0) *buffer = '{';
  *given += size;
  return (ptrdiff_t)size;
}

static void a_line_without_end_is_not_read_for_ever(void **state) {
  (void)state;
  pi_snapshot *s = NULL;
  pi_error err = {0};
  size_t given = 0;
  assert_int_equal(PI_EREPLY,
                   pi_snapshot_load(endless, &given, NULL, &s, &err));
  assert_string_equal("line 1: longer than 64 MiB", err.text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(everything_comes_back_as_it_was, reset),
      cmocka_unit_test_setup(a_quality_with_everything_comes_back, reset),
      cmocka_unit_test_setup(a_host_that_tells_nothing_comes_back, reset),
      cmocka_unit_test_setup(saving_reads_what_is_missing_before_it_writes,
                             reset),
      cmocka_unit_test_setup(trouble_beyond_the_file_is_handed_on, reset),
      cmocka_unit_test_setup(heads_are_checked, reset),
      cmocka_unit_test_setup(rows_are_checked, reset),
      cmocka_unit_test_setup(what_is_not_known_is_read_over, reset),
      cmocka_unit_test_setup(a_group_that_was_not_saved_is_not_there, reset),
      cmocka_unit_test_setup(every_cut_is_found_out, reset),
      cmocka_unit_test_setup(whatever_the_bytes_are_nothing_breaks, reset),
      cmocka_unit_test_setup(large_readings_come_back, reset),
      cmocka_unit_test_setup(a_line_without_end_is_not_read_for_ever, reset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
