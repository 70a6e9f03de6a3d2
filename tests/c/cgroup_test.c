/* Units and containers out of paths of control groups. */
#include "test.h"

#include "core/cgroup.h"

#include <stdlib.h>

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void expect_unit(const char *unit, const char *path) {
  const char *found = "";
  size_t length = 0;
  bool is = pi__cgroup_unit(path, strlen(path), &found, &length);
  assert_int_equal(unit != NULL, is);
  if (unit == NULL) return;
  assert_int_equal(strlen(unit), length);
  assert_memory_equal(unit, found, length);
}

static void units(void **state) {
  (void)state;
  expect_unit("ssh.service", "/system.slice/ssh.service");
  expect_unit("postgresql@15-main.service",
              "/system.slice/system-postgresql.slice/"
              "postgresql@15-main.service");
  expect_unit("session-3.scope", "/user.slice/user-1000.slice/session-3.scope");
  expect_unit("app-firefox.scope",
              "/user.slice/user-1000.slice/user@1000.service/app.slice/"
              "app-firefox.scope");
  expect_unit("init.scope", "/init.scope");
  expect_unit("system.slice", "/system.slice");
  // what a service makes below itself is its own
  expect_unit("foo.service", "/system.slice/foo.service/payload/x");
  expect_unit("_x.service", "/system.slice/__x.service");
  expect_unit(NULL, "/");
  expect_unit(NULL, "");
  expect_unit(NULL, "/docker/" ID);
  expect_unit(NULL, "/.service");
  expect_unit(NULL, "/a.services");
}

/* As RUNTIME:ID, with as much of the id as is shown; "": none. */
static void expect_container(const char *container, const char *path) {
  char text[512] = "";
  pi__container found;
  if (pi__cgroup_container(path, strlen(path), &found)) {
    snprintf(text, sizeof text, "%s:%.*s", found.runtime,
             (int)pi__container_shown(&found), found.id);
    bool named = strcmp(found.runtime, "lxc") == 0;
    assert_int_equal(named ? strlen(text + 4) : 64, found.length);
  }
  assert_string_equal(container, text);
}

static void containers(void **state) {
  (void)state;
  expect_container("docker:0123456789ab", "/docker/" ID);
  expect_container("docker:0123456789ab", "/docker/" ID "/init.scope");
  expect_container("docker:0123456789ab", "/system.slice/docker-" ID ".scope");
  expect_container("containerd:0123456789ab",
                   "/kubepods.slice/kubepods-burstable.slice/"
                   "kubepods-burstable-pod1.slice/cri-containerd-" ID ".scope");
  expect_container("containerd:0123456789ab",
                   "/system.slice/containerd.service/"
                   "kubepods-besteffort-pod1.slice:cri-containerd:" ID);
  expect_container("kubernetes:0123456789ab",
                   "/kubepods/besteffort/pod1-2/" ID);
  expect_container("cri-o:0123456789ab",
                   "/kubepods.slice/kubepods-pod1.slice/crio-" ID ".scope");
  expect_container("podman:0123456789ab",
                   "/machine.slice/libpod-" ID ".scope/container");
  expect_container("podman:0123456789ab",
                   "/user.slice/user-1000.slice/user@1000.service/user.slice/"
                   "libpod-" ID ".scope");
  expect_container("lxc:web", "/lxc.payload.web/system.slice/nginx.service");
  expect_container("lxc:web", "/lxc/web");
  expect_container("lxc:web", "/lxc/web/init.scope");
  // what watches over a container is not in it
  expect_container("", "/machine.slice/libpod-conmon-" ID ".scope");
  expect_container("", "/lxc.monitor.web");
  expect_container("", "/system.slice/docker.service");
  expect_container("", "/system.slice/docker-1234.scope");
  expect_container("", "/user.slice/docker-" ID "x.scope");
  expect_container("", "/" ID);
  expect_container("", "/");
  expect_container("", "");
}

/* What is nested belongs to the innermost. */
static void nested(void **state) {
  (void)state;
  static const char other[] =
      "/docker/"
      "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";
  char path[512];
  snprintf(path, sizeof path, "%s/docker/" ID, other);
  expect_container("docker:0123456789ab", path);
  snprintf(path, sizeof path, "%s/kubelet.slice/cri-containerd-" ID ".scope",
           other);
  expect_container("containerd:0123456789ab", path);
  expect_unit("cri-containerd-" ID ".scope", path);
  // a systemd in a container has units of its own
  expect_container("docker:0123456789ab",
                   "/docker/" ID "/system.slice/nginx.service");
  expect_unit("nginx.service", "/docker/" ID "/system.slice/nginx.service");
  expect_unit("app-x.service",
              "/user.slice/user-1000.slice/user@1000.service/app.slice/"
              "app-x.service");
  expect_unit("user@1000.service",
              "/user.slice/user-1000.slice/user@1000.service/init");
}

/* The kernel's mark of a removed group is no part of its name. */
static void removed(void **state) {
  (void)state;
  expect_unit("ssh.service", "/system.slice/ssh.service (deleted)");
  expect_container("docker:0123456789ab", "/docker/" ID " (deleted)");
  expect_container("lxc:web", "/lxc.payload.web (deleted)");
  expect_container("podman:0123456789ab",
                   "/machine.slice/libpod-" ID ".scope (deleted)");
  expect_unit(NULL, " (deleted)");
  expect_unit("x.slice", "/x.slice/y (deleted) (deleted)");
}

/* Who may make a group may call it anything, and as long as the kernel takes.
 */
static void hostile(void **state) {
  (void)state;
  pi__container found;
  const char *unit;
  size_t length, n = 4000;
  char *path = malloc(n);
  assert_non_null(path);
  memset(path, 'a', n);
  memcpy(path, "/lxc.payload.", strlen("/lxc.payload."));
  assert_true(pi__cgroup_container(path, n, &found));
  assert_int_equal(n - strlen("/lxc.payload."), found.length);
  assert_int_equal(found.length, pi__container_shown(&found));
  memset(path, '/', n);
  assert_false(pi__cgroup_container(path, n, &found));
  assert_false(pi__cgroup_unit(path, n, &unit, &length));
  // a name with a newline is one name, and no line of another file
  expect_unit("a\nb.service", "/x.slice/a\nb.service");
  for (size_t i = 0; i < n; i++) path[i] = "/\n\0:.lxcdocker-"[i % 15];
  (void)pi__cgroup_container(path, n, &found);
  (void)pi__cgroup_unit(path, n, &unit, &length);
  free(path);
}

/* The last of very many parts counts, wherever it is. */
static void deep(void **state) {
  (void)state;
  char path[4096];
  size_t used = 0;
  while (used < 3900) {
    used += (size_t)snprintf(path + used, sizeof path - used, "/a.slice");
  }
  snprintf(path + used, sizeof path - used, "/docker-" ID ".scope/b.service/c");
  expect_container("docker:0123456789ab", path);
  expect_unit("b.service", path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(units),   cmocka_unit_test(containers),
      cmocka_unit_test(nested),  cmocka_unit_test(removed),
      cmocka_unit_test(hostile), cmocka_unit_test(deep),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
