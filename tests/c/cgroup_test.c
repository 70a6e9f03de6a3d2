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

static void expect_container(const char *container, const char *path) {
  char found[PI__CONTAINER_TEXT];
  size_t length = pi__cgroup_container(path, strlen(path), found);
  assert_int_equal(strlen(container), length);
  if (length > 0) assert_string_equal(container, found);
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

/* Who may make a group may call it anything, and as long as the kernel takes.
 */
static void hostile(void **state) {
  (void)state;
  char found[PI__CONTAINER_TEXT];
  const char *unit;
  size_t length, n = 4000;
  char *path = malloc(n);
  assert_non_null(path);
  memset(path, 'a', n);
  memcpy(path, "/lxc.payload.", strlen("/lxc.payload."));
  assert_int_equal(PI__CONTAINER_TEXT - 1,
                   pi__cgroup_container(path, n, found));
  memset(path, '/', n);
  assert_int_equal(0, pi__cgroup_container(path, n, found));
  assert_false(pi__cgroup_unit(path, n, &unit, &length));
  for (size_t i = 0; i < n; i++) path[i] = "/\n\0:.lxcdocker-"[i % 15];
  (void)pi__cgroup_container(path, n, found);
  (void)pi__cgroup_unit(path, n, &unit, &length);
  free(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(units),
      cmocka_unit_test(containers),
      cmocka_unit_test(hostile),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
