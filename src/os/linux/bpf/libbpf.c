/* libbpf.c: Linux before 5.17 takes a program only when somebody has fitted it
 * to its types. The library is opened for that moment alone, so that a binary
 * runs without it; what stays is a descriptor, which needs no library.
 */
#include "libbpf.h"
#include "loader.h"
#include "object.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <bpf/libbpf.h>

enum {
  LOG_SIZE = 64 * 1024
};  // of the verifier, which says the rest to nobody

/* ---- The library -------------------------------------------------------- */

#define FUNCTIONS(X)                                                           \
  X(libbpf_set_print)                                                          \
  X(libbpf_get_error)                                                          \
  X(bpf_object__open_mem)                                                      \
  X(bpf_object__load)                                                          \
  X(bpf_object__next_program)                                                  \
  X(bpf_object__close)                                                         \
  X(bpf_program__fd)

typedef struct library {
  void *handle;
#define MEMBER(name) __typeof__(name) *name;  // NOLINT: parentheses declare too
  FUNCTIONS(MEMBER)
#undef MEMBER
} library;

static bool find(void *handle, const char *name, void *to) {
  void *function = dlsym(handle, name);
  memcpy(to, &function,
         sizeof function);  // C has no cast from one to the other
  return function != NULL;
}

static int library_open(library *lib, pi_error *err) {
  lib->handle = dlopen("libbpf.so.1", RTLD_NOW | RTLD_LOCAL);
  if (lib->handle == NULL) {
    lib->handle = dlopen("libbpf.so.0", RTLD_NOW | RTLD_LOCAL);
  }
  if (lib->handle == NULL) {
    return pi__fail(err, PI_EUNSUPPORTED, 0,
                    "libbpf is not installed (libbpf.so.1), which Linux before "
                    "5.17 needs");
  }
#define FIND(name)                                                             \
  if (!find(lib->handle, #name, &lib->name)) {                                 \
    return pi__fail(err, PI_EUNSUPPORTED, 0, "libbpf is too old: no " #name);  \
  }
  FUNCTIONS(FIND)
#undef FIND
  return 0;
}

/* ---- The program -------------------------------------------------------- */

/* An older libbpf hides an error in the pointer; a newer one gives NULL. */
static int error_of(const library *lib, const void *pointer) {
  long rc = lib->libbpf_get_error(pointer);
  return rc != 0 ? (int)-rc : pointer == NULL ? EINVAL : 0;
}

static int load(const library *lib, struct bpf_object *object, const char *log,
                int *ret, pi_error *err) {
  static const char step[] = "loading the BPF program";
  int rc = lib->bpf_object__load(object);
  if (rc != 0) return pi__bpf_refused(step, rc < 0 ? -rc : rc, log, err);
  int fd = lib->bpf_program__fd(lib->bpf_object__next_program(object, NULL));
  fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return pi__bpf_refused(step, errno, "", err);
  *ret = fd;
  return 0;
}

static int open_and_load(const library *lib, char *log, int *ret,
                         pi_error *err) {
  struct bpf_object_open_opts options = {
      .sz = sizeof options,
      .object_name = "portinfo",
      .kernel_log_buf = log,
      .kernel_log_size = LOG_SIZE,
  };
  struct bpf_object *object =
      lib->bpf_object__open_mem(pi__bpf_object, pi__bpf_object_size, &options);
  int os = error_of(lib, object);
  if (os != 0) {
    return pi__bpf_refused("opening the BPF program", os, "", err);
  }
  int rc = load(lib, object, log, ret, err);
  lib->bpf_object__close(object);
  return rc;
}

static int load_quietly(const library *lib, int *ret, pi_error *err) {
  char *log = pi__realloc(NULL, LOG_SIZE);
  if (log == NULL) return pi__nomem(err);
  log[0] = '\0';
  // libbpf prints for the whole program: whoever else uses it gets its own back
  libbpf_print_fn_t print = lib->libbpf_set_print(NULL);
  int rc = open_and_load(lib, log, ret, err);
  lib->libbpf_set_print(print);
  pi__realloc(log, 0);
  return rc;
}

int pi__libbpf_load(int *program, pi_error *err) {
  library lib = {0};
  int rc = library_open(&lib, err);
  if (rc == 0) rc = load_quietly(&lib, program, err);
  // nothing of it is left behind: no thread, no handler, no memory
  if (lib.handle != NULL) dlclose(lib.handle);
  return rc;
}
