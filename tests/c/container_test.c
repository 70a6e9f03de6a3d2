/* container_test.c: names of containers out of state files, which are here what
 * the test says. */
#include "starve.h"

#include "core/snapshot.h"

#define ID    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OTHER "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

#define DOCKER "var/lib/docker/containers/" ID "/config.v2.json"
#define PODMAN "var/lib/containers/storage/overlay-containers/containers.json"
#define VOLATILE                                                               \
  "var/lib/containers/storage/overlay-containers/volatile-containers.json"
#define TASK(namespace)                                                        \
  "run/containerd/io.containerd.runtime.v2.task/" namespace "/" ID             \
                                                            "/config.json"
#define CRIO                                                                   \
  "run/containers/storage/overlay-containers/" ID "/userdata/config.json"

/* ---- Files ----------------------------------------------------------------
 */

typedef struct file {
  const char *path, *text;
} file;

static struct {
  const file *files;
  size_t count;
  unsigned asked; /* how often for any */
  char bytes[4096];
} root;

static bool read_state(void *arg, const char *path, char **bytes,
                       size_t *length) {
  (void)arg;
  root.asked++;
  for (size_t i = 0; i < root.count; i++) {
    if (strcmp(root.files[i].path, path) != 0) continue;
    *length = strlen(root.files[i].text);
    assert_true(*length < sizeof root.bytes);
    memcpy(root.bytes, root.files[i].text, *length);
    *bytes = root.bytes;
    return true;
  }
  return false;
}

/* ---- Processes --------------------------------------------------------------
 */

static pi_snapshot *reading_new(void) {
  pi_snapshot *s = pi__realloc(NULL, sizeof(pi__reading));
  assert_non_null(s);
  memset(s, 0, sizeof *s);
  return s;
}

static void add(pi_snapshot *s, const char *cgroup) {
  uint32_t number;
  pi__reading *reading = (pi__reading *)s;
  assert_int_equal(
      0, pi__reading_process(reading, 7, 0, 1, "x", 1, &number, NULL));
  if (cgroup == NULL) return;
  pi__process *p = pi__reading_process_at(reading, number);
  assert_int_equal(
      0, pi__reading_cgroup(reading, p, cgroup, strlen(cgroup), NULL));
}

static void name_all(pi_snapshot *s) {
  assert_int_equal(
      0, pi__reading_name_containers((pi__reading *)s, read_state, NULL, NULL));
}

/* What the i-th process' container is called; NULL: unknown, "": it is none. */
static const char *name(const pi_snapshot *s, size_t i) {
  const pi__process *p = &s->processes[i];
  if (p->container_name_sight == PI_UNKNOWN) return NULL;
  if (p->container_name_sight == PI_EMPTY) return "";
  return pi__string_at(s, p->container_name)->bytes;
}

static void expect(const char *expected, const char *cgroup, const char *path,
                   const char *text) {
  const file one = {path, text};
  root.files = &one;
  root.count = 1;
  pi_snapshot *s = reading_new();
  add(s, cgroup);
  name_all(s);
  const char *found = name(s, 0);
  if (expected == NULL) {
    if (found != NULL) fail_msg("%s: %s", text, found);
  } else {
    if (found == NULL) fail_msg("%s: %s says nothing", path, text);
    assert_string_equal(expected, found);
  }
  pi_snapshot_free(s);
}

/* ---- What runtimes write
 * ------------------------------------------------------ */

static void docker(void **state) {
  (void)state;
  static const char group[] = "/docker/" ID;
  expect("web", group, DOCKER,
         "{\"StreamConfig\":{},\"State\":{\"Running\":true,\"Pid\":4127,"
         "\"Health\":null},\"ID\":\"" ID
         "\",\"Created\":\"2026-01-02T03:04:05Z\""
         ",\"Args\":[],\"Config\":{\"Name\":\"no\",\"Env\":[\"Name=no\"]},"
         "\"Name\":\"/web\",\"RestartCount\":0}\n");
  expect("web", "/system.slice/docker-" ID ".scope", DOCKER,
         "{\"Name\":\"/web\"}");
  expect("a/b", group, DOCKER, "{\"Name\":\"/a/b\"}");
  expect("web", group, DOCKER, "{\"Name\":\"web\"}");
  expect("\x1b[31m\n\"", group, DOCKER, "{\"Name\":\"/\\u001b[31m\\n\\\"\"}");
}

static void podman(void **state) {
  (void)state;
  static const char group[] = "/machine.slice/libpod-" ID ".scope/container";
  static const char list[] =
      "[{\"id\":\"" OTHER "\",\"names\":[\"other\"],\"image\":\"x\"},"
      "{\"id\":\"" ID "\",\"names\":[\"db\",\"alias\"],\"metadata\":"
      "\"{\\\"name\\\":\\\"no\\\"}\",\"flags\":{\"a\":[1,{}]}}]";
  expect("db", group, PODMAN, list);
  expect("db", group, VOLATILE, list);
  expect(NULL, group, PODMAN, "[]");
  expect(NULL, group, PODMAN, "[{\"id\":\"" OTHER "\",\"names\":[\"x\"]}]");
  expect(NULL, group, PODMAN, "[{\"id\":\"" ID "\"}]");
  expect(NULL, group, PODMAN, "[{\"id\":\"" ID "\",\"names\":[]}]");
  // the first 12 digits are the same
  expect(NULL, group, PODMAN, "[{\"id\":\"0123456789ab\",\"names\":[\"x\"]}]");
  expect(NULL, group, PODMAN,
         "[{\"id\":\"" ID "\",\"names\":[\"x\"]},"
         "{\"id\":\"" ID "\",\"names\":[\"y\"]}]");
}

static void kubernetes(void **state) {
  (void)state;
  static const char containerd[] =
      "/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope";
  static const char crio[] = "/kubepods.slice/crio-" ID ".scope";
  static const char plain[] = "/kubepods/besteffort/pod1-2/" ID;
  static const char bundle[] =
      "{\"ociVersion\":\"1.1.0\",\"process\":{\"env\":[\"annotations\"]},"
      "\"annotations\":{\"io.kubernetes.cri.container-name\":\"app\","
      "\"io.kubernetes.cri.container-type\":\"container\","
      "\"io.kubernetes.cri.sandbox-name\":\"web-0\","
      "\"io.kubernetes.cri.sandbox-namespace\":\"prod\"},\"linux\":{}}";
  static const char by_crio[] =
      "{\"annotations\":{\"io.kubernetes.container.name\":\"app\","
      "\"io.kubernetes.pod.name\":\"web-0\","
      "\"io.kubernetes.pod.namespace\":\"prod\","
      "\"io.kubernetes.cri.container-name\":\"a pod may annotate this\"}}";
  expect("prod/web-0/app", containerd, TASK("k8s.io"), bundle);
  expect("prod/web-0/app", plain, TASK("k8s.io"), bundle);
  expect("prod/web-0/app", crio, CRIO, by_crio);
  expect("prod/web-0/app", plain, CRIO, by_crio);
  expect("k8s_app_web-0", plain, DOCKER, "{\"Name\":\"/k8s_app_web-0\"}");
  // the pod's own container, and older versions, which tell less
  expect("prod/web-0", containerd, TASK("k8s.io"),
         "{\"annotations\":{\"io.kubernetes.cri.sandbox-name\":\"web-0\","
         "\"io.kubernetes.cri.sandbox-namespace\":\"prod\"}}");
  expect("app", containerd, TASK("k8s.io"),
         "{\"annotations\":{\"io.kubernetes.cri.container-name\":\"app\"}}");
  expect("app", containerd, TASK("k8s.io"),
         "{\"annotations\":{\"io.kubernetes.cri.container-name\":\"app\","
         "\"io.kubernetes.cri.sandbox-name\":\"web-0\"}}");
  expect(NULL, containerd, TASK("k8s.io"),
         "{\"annotations\":{\"io.kubernetes.cri.sandbox-name\":\"web-0\"}}");
  expect(NULL, containerd, TASK("k8s.io"), "{\"annotations\":{}}");
  expect(NULL, containerd, TASK("k8s.io"), "{\"process\":{}}");
  expect(NULL, containerd, TASK("default"), bundle);
}

static void others(void **state) {
  (void)state;
  expect("web", "/system.slice/nerdctl-" ID ".scope", TASK("default"),
         "{\"annotations\":{\"nerdctl/name\":\"web\"}}");
  expect("web", "/lxc.payload.web/system.slice/nginx.service", "none", "");
  expect(NULL, "/ecs/task/" ID, "none", "");
  expect("", "/system.slice/ssh.service", "none", "");
  expect("", "/", "none", "");
  expect(NULL, NULL, "none", "");  // its control group is unknown
}

/* ---- What is not there, or not as it should be
 * --------------------------------- */

static void malformed(void **state) {
  (void)state;
  static const char *const bad[] = {
      "",
      "{}",
      "[]",
      "null",
      "{\"Name\":null}",
      "{\"Name\":5}",
      "{\"Name\":[\"/web\"]}",
      "{\"Name\":\"\"}",
      "{\"Name\":\"/\"}",
      "{\"name\":\"/web\"}",
      "{\"Name\":\"/web\"",
      "{\"Name\":\"/web\",",
      "{\"Name\":\"/web\"} x",
      "{\"Name\":\"/web\",\"Name\":\"/other\"}",
      "{\"Name\":\"/web",
      "{\"Name\":\"/w\x80"
      "b\"}",
      "{\"Name\":\"/web\",\"x\":[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]}",
      "{\"Name\":\"/web\",\"x\":tru}",
  };
  for (size_t i = 0; i < LENGTH(bad); i++) {
    expect(NULL, "/docker/" ID, DOCKER, bad[i]);
  }
  expect(NULL, "/docker/" ID,
         "var/lib/docker/containers/0123456789ab/"
         "config.v2.json",
         "{\"Name\":\"/web\"}");
}

/* Every file that ends too early is one that says nothing. */
static void cut_anywhere(void **state) {
  (void)state;
  static const struct {
    const char *cgroup, *path, *text;
  } whole[] = {
      {"/docker/" ID, DOCKER, "{\"Name\":\"/web\",\"x\":[1,{\"y\":null}]}"},
      {"/machine.slice/libpod-" ID ".scope", PODMAN,
       "[{\"names\":[\"db\",\"b\"],\"id\":\"" ID "\"}]"},
      {"/system.slice/nerdctl-" ID ".scope", TASK("default"),
       "{\"annotations\":{\"nerdctl/name\":\"web\"},\"x\":1}"},
  };
  for (size_t i = 0; i < LENGTH(whole); i++) {
    size_t n = strlen(whole[i].text);
    for (size_t k = 0; k < n; k++) {
      char text[512];
      memcpy(text, whole[i].text, k);
      text[k] = '\0';
      expect(NULL, whole[i].cgroup, whole[i].path, text);
    }
    const file one = {whole[i].path, whole[i].text};
    root.files = &one;
    pi_snapshot *s = reading_new();
    add(s, whole[i].cgroup);
    name_all(s);
    assert_non_null(name(s, 0));
    pi_snapshot_free(s);
  }
}

/* ---- Many processes
 * --------------------------------------------------------------- */

static const file two[] = {
    {DOCKER, "{\"Name\":\"/web\"}"},
    {PODMAN, "[{\"id\":\"" OTHER "\",\"names\":[\"db\"]}]"},
};

static void each_container_is_asked_about_once(void **state) {
  (void)state;
  root.files = two;
  root.count = LENGTH(two);
  root.asked = 0;
  pi_snapshot *s = reading_new();
  for (int i = 0; i < 100; i++) {
    add(s, "/docker/" ID);
    add(s, "/system.slice/docker-" ID ".scope/init.scope");
    add(s, "/docker/" OTHER);
    add(s, "/machine.slice/libpod-" OTHER ".scope");
    add(s, "/system.slice");
  }
  name_all(s);
  assert_int_equal(3, root.asked);
  for (size_t i = 0; i < 500; i += 5) {
    assert_string_equal("web", name(s, i));
    assert_string_equal("web", name(s, i + 1));
    assert_null(name(s, i + 2));
    assert_string_equal("db", name(s, i + 3));
    assert_string_equal("", name(s, i + 4));
  }
  pi_snapshot_free(s);
}

static void what_was_taken_over_is_not_asked_again(void **state) {
  (void)state;
  root.files = two;
  root.count = LENGTH(two);
  root.asked = 0;
  pi_snapshot *s = reading_new();
  add(s, "/docker/" ID);
  s->processes[0].detailed = true;
  name_all(s);
  assert_int_equal(0, root.asked);
  pi_snapshot_free(s);
}

/* Wherever memory ends, it is said, and nothing is left behind. */
static void without_memory(void **state) {
  (void)state;
  root.files = two;
  root.count = LENGTH(two);
  for (long k = 0, rc = PI_ENOMEM; rc != 0; k++) {
    long before = atomic_load(&starve.alive);
    pi_snapshot *s = reading_new();
    add(s, "/docker/" ID);
    add(s, "/machine.slice/libpod-" OTHER ".scope");
    add(s, "/lxc/a");
    pi_error err = {0};
    atomic_store(&starve.left, k);
    rc = pi__reading_name_containers((pi__reading *)s, read_state, NULL, &err);
    atomic_store(&starve.left, STARVE_NEVER);
    assert_int_equal(rc, err.code);
    assert_true(rc == 0 || rc == PI_ENOMEM);
    if (rc == 0) assert_true(k >= 3);
    pi_snapshot_free(s);
    assert_int_equal(before, atomic_load(&starve.alive));
  }
}

int main(void) {
  atomic_store(&starve.left, STARVE_NEVER);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(docker),
      cmocka_unit_test(podman),
      cmocka_unit_test(kubernetes),
      cmocka_unit_test(others),
      cmocka_unit_test(malformed),
      cmocka_unit_test(cut_anywhere),
      cmocka_unit_test(each_container_is_asked_about_once),
      cmocka_unit_test(what_was_taken_over_is_not_asked_again),
      cmocka_unit_test(without_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
