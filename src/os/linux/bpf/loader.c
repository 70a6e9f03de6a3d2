/* loader.c: libbpf fits the program to the running kernel and loads it. The
 * library is opened for that moment alone, so that a binary runs without it;
 * what stays is a descriptor or a pin, which need no library.
 */
#include "loader.h"
#include "object.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <bpf/bpf.h>
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
  X(bpf_program__attach_iter)                                                  \
  X(bpf_link__fd)                                                              \
  X(bpf_link__destroy)                                                         \
  X(bpf_obj_pin)

typedef struct library {
  void *handle;
#define MEMBER(name) __typeof__(name) *name;
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
                    "libbpf is not installed (libbpf.so.1)");
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

typedef struct load {
  library lib;
  struct bpf_object *object;
  struct bpf_link *link;
  char *log;
} load;

static int refuse(const load *l, const char *step, int os, pi_error *err) {
  struct utsname host;
  if (uname(&host) != 0) host.release[0] = '\0';
  pi__bpf_refusal refusal = {
      .step = step,
      .os = os < 0 ? -os : os,
      .log = l->log,
      .release = host.release,
      .types = access("/sys/kernel/btf/vmlinux", R_OK) == 0,
  };
  return pi__bpf_refuse(&refusal, err);
}

/* An older libbpf hides an error in the pointer; a newer one gives NULL. */
static int error_of(const load *l, const void *pointer) {
  long rc = l->lib.libbpf_get_error(pointer);
  return rc != 0 ? (int)rc : pointer == NULL ? -EINVAL : 0;
}

static int attach(load *l, pi_error *err) {
  struct bpf_object_open_opts options = {
      .sz = sizeof options,
      .object_name = "portinfo",
      .kernel_log_buf = l->log,
      .kernel_log_size = LOG_SIZE,
  };
  struct bpf_object *object = l->lib.bpf_object__open_mem(
      pi__bpf_object, pi__bpf_object_size, &options);
  int rc = error_of(l, object);
  if (rc != 0) return refuse(l, "opening the BPF program", rc, err);
  l->object = object;
  rc = l->lib.bpf_object__load(object);
  if (rc != 0) return refuse(l, "loading the BPF program", rc, err);
  struct bpf_program *program = l->lib.bpf_object__next_program(object, NULL);
  struct bpf_link *link = l->lib.bpf_program__attach_iter(program, NULL);
  rc = error_of(l, link);
  if (rc != 0) return refuse(l, "attaching the BPF iterator", rc, err);
  l->link = link;
  return 0;
}

static int attach_quietly(load *l, pi_error *err) {
  // libbpf prints for the whole program: whoever else uses it gets its own back
  libbpf_print_fn_t print = l->lib.libbpf_set_print(NULL);
  int rc = attach(l, err);
  l->lib.libbpf_set_print(print);
  return rc;
}

/* Loads; `use` keeps what it wants of the link. */
static int with_link(int (*use)(const load *l, void *arg, pi_error *err),
                     void *arg, pi_error *err) {
  load l = {.log = pi__realloc(NULL, LOG_SIZE)};
  if (l.log == NULL) return pi__nomem(err);
  l.log[0] = '\0';
  int rc = pi__bpf_permitted(err);
  if (rc == 0) rc = library_open(&l.lib, err);
  if (rc == 0) rc = attach_quietly(&l, err);
  if (rc == 0) rc = use(&l, arg, err);
  if (l.link != NULL) l.lib.bpf_link__destroy(l.link);
  if (l.object != NULL) l.lib.bpf_object__close(l.object);
  // nothing of it is left behind: no thread, no handler, no memory
  if (l.lib.handle != NULL) dlclose(l.lib.handle);
  pi__realloc(l.log, 0);
  return rc;
}

/* The link outlives the library. */
static int use_link(const load *l, void *arg, pi_error *err) {
  int *ret = arg;
  int fd = fcntl(l->lib.bpf_link__fd(l->link), F_DUPFD_CLOEXEC, 0);
  if (fd < 0) return refuse(l, "keeping the BPF iterator", errno, err);
  *ret = fd;
  return 0;
}

static int use_pin(const load *l, void *arg, pi_error *err) {
  int rc = l->lib.bpf_obj_pin(l->lib.bpf_link__fd(l->link), arg);
  return rc == 0 ? 0 : refuse(l, "pinning the BPF iterator", errno, err);
}

/* ---- What others call --------------------------------------------------- */

bool pi__bpf_built_in(void) {
  return true;
}

int pi__bpf_load(int *link, pi_error *err) {
  return with_link(use_link, link, err);
}

int pi__bpf_stream(int link, int *fd, pi_error *err) {
  union bpf_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.iter_create.link_fd = (uint32_t)link;
  long got = syscall(SYS_bpf, BPF_ITER_CREATE, &attr, sizeof attr);
  if (got < 0) {
    return pi__fail(err, PI_EOS, errno, "opening the BPF iterator: %s",
                    strerror(errno));
  }
  *fd = (int)got;
  return 0;
}

int pi__bpf_pin(const char *path, pi_error *err) {
  return with_link(use_pin, (void *)(uintptr_t)path, err);
}
