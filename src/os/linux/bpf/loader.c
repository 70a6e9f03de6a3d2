/* loader.c: loads the program with its types, so that the kernel itself fits it
 * to its own (5.17). That takes some 5 ms; an older kernel leaves the fitting
 * to libbpf, which takes 30. bpf(2).
 */
#include "loader.h"
#include "image.h"
#include "libbpf.h"
#include "object.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* BPF_PROG_LOAD's part of union bpf_attr, with what 5.17 added: the header that
 * this is compiled with may be older than the kernel that it runs on. */
typedef struct program_attr {
  uint32_t prog_type, insn_cnt;
  uint64_t insns, license;
  uint32_t log_level, log_size;
  uint64_t log_buf;
  uint32_t kern_version, prog_flags;
  char prog_name[16];
  uint32_t prog_ifindex, expected_attach_type;
  uint32_t prog_btf_fd, func_info_rec_size;
  uint64_t func_info;
  uint32_t func_info_cnt, line_info_rec_size;
  uint64_t line_info;
  uint32_t line_info_cnt, attach_btf_id, attach_btf_obj_fd, core_relo_cnt;
  uint64_t fd_array, core_relos;
  uint32_t core_relo_rec_size, padding;
} program_attr;

static int bpf(int command, void *attr, size_t size) {
  return (int)syscall(SYS_bpf, command, attr, size);
}

/* EAGAIN: the verifier gave way to a signal. */
static int load_program(program_attr *attr) {
  int fd = -1;
  for (int tries = 0; tries < 5; tries++) {
    fd = bpf(BPF_PROG_LOAD, attr, sizeof *attr);
    if (fd >= 0 || errno != EAGAIN) break;
  }
  return fd;
}

static uint64_t pointer(const void *p) {
  return (uintptr_t)p;
}

/* ---- The kernel's types -------------------------------------------------- */

/* Reads a file of so many bytes whole; returns 0 or an errno. */
static int read_whole(int fd, unsigned char *bytes, size_t size) {
  for (size_t used = 0; used < size;) {
    ssize_t n = read(fd, bytes + used, size - used);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? errno : EIO;
    used += (size_t)n;
  }
  return 0;
}

/* The number of the function whose arguments the program gets. */
static int find_iterator(uint32_t *id, pi_error *err) {
  static const char step[] = "reading the kernel's types";
  struct stat st;
  unsigned char *types = NULL;
  int fd = open(PI__KERNEL_TYPES, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &st) != 0) {
    int os = errno;
    if (fd >= 0) close(fd);
    return pi__bpf_refused(step, os, "", err);
  }
  size_t size = (size_t)st.st_size;
  types = pi__realloc(NULL, size + 1);
  int os = types == NULL ? ENOMEM : read_whole(fd, types, size);
  close(fd);
  *id = os == 0 ? pi__btf_function(types, size, "bpf_iter_task_file") : 0;
  if (os == 0 && *id == 0) os = ESRCH;
  int rc = 0;
  if (types == NULL) {
    rc = pi__nomem(err);
  } else if (os != 0) {
    rc = pi__bpf_refused(step, os, "", err);
  }
  pi__realloc(types, 0);
  return rc;
}

/* ---- The program --------------------------------------------------------- */

/* Asks again for what the verifier has to say. */
static int refuse_program(program_attr *attr, int os, pi_error *err) {
  enum { LOG_SIZE = 64 * 1024 };  // it says the rest to nobody
  char *log = pi__realloc(NULL, LOG_SIZE);
  if (log == NULL) return pi__nomem(err);
  log[0] = '\0';
  attr->log_level = 1;
  attr->log_size = LOG_SIZE;
  attr->log_buf = pointer(log);
  int fd = load_program(attr);
  if (fd >= 0) close(fd);
  log[LOG_SIZE - 1] = '\0';
  int rc = pi__bpf_refused("loading the BPF program", os, log, err);
  pi__realloc(log, 0);
  return rc;
}

/* *program: its descriptor, or -1 where this kernel fits none. */
static int load_with(const pi__bpf_image *image, int types, int *program,
                     pi_error *err) {
  program_attr attr;
  memset(&attr, 0, sizeof attr);
  int rc = find_iterator(&attr.attach_btf_id, err);
  if (rc != 0) return rc;
  attr.prog_type = BPF_PROG_TYPE_TRACING;
  attr.expected_attach_type = BPF_TRACE_ITER;
  attr.insn_cnt = (uint32_t)(image->code.size / sizeof(struct bpf_insn));
  attr.insns = pointer(image->code.bytes);
  attr.license = pointer(image->license.bytes);
  strcpy(attr.prog_name, "portinfo");
  attr.prog_btf_fd = (uint32_t)types;
  attr.func_info_rec_size = image->functions.size;
  attr.func_info = pointer(image->functions.bytes);
  attr.func_info_cnt = image->functions.count;
  attr.core_relo_cnt = image->relocations.count;
  attr.core_relos = pointer(image->relocations.bytes);
  attr.core_relo_rec_size = image->relocations.size;
  *program = load_program(&attr);
  // E2BIG: it does not know of relocations
  if (*program >= 0 || errno == E2BIG) return 0;
  return refuse_program(&attr, errno, err);
}

static int load_types(pi__bpf_part part, int *types, pi_error *err) {
  union bpf_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.btf = pointer(part.bytes);
  attr.btf_size = (uint32_t)part.size;
  *types = bpf(BPF_BTF_LOAD, &attr, sizeof attr);
  if (*types >= 0) return 0;
  return pi__bpf_refused("loading the BPF program's types", errno, "", err);
}

static int load(int *program, pi_error *err) {
  pi__bpf_image image;
  int types;
  if (!pi__bpf_image_find(pi__bpf_object, pi__bpf_object_size, &image)) {
    return pi__bpf_refused("opening the BPF program", EINVAL, "", err);
  }
  int rc = load_types(image.types, &types, err);
  if (rc != 0) return rc;
  rc = load_with(&image, types, program, err);
  close(types);
  return rc;
}

/* ---- What others call ---------------------------------------------------- */

bool pi__bpf_built_in(void) {
  return true;
}

int pi__bpf_load(int *link, pi_error *err) {
  int program = -1;
  int rc = pi__bpf_permitted(err);
  if (rc == 0) rc = load(&program, err);
  if (rc == 0 && program < 0) rc = pi__libbpf_load(&program, err);
  if (rc != 0) return rc;
  union bpf_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.link_create.prog_fd = (uint32_t)program;
  attr.link_create.attach_type = BPF_TRACE_ITER;
  int fd = bpf(BPF_LINK_CREATE, &attr, sizeof attr);
  if (fd < 0)
    rc = pi__bpf_refused("attaching the BPF iterator", errno, "", err);
  close(program);  // the link holds it
  if (rc == 0) *link = fd;
  return rc;
}

int pi__bpf_stream(int link, int *fd, pi_error *err) {
  union bpf_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.iter_create.link_fd = (uint32_t)link;
  int got = bpf(BPF_ITER_CREATE, &attr, sizeof attr);
  if (got < 0) {
    return pi__fail(err, PI_EOS, errno, "opening the BPF iterator: %s",
                    strerror(errno));
  }
  *fd = got;
  return 0;
}

int pi__bpf_pin(const char *path, pi_error *err) {
  int link;
  int rc = pi__bpf_load(&link, err);
  if (rc != 0) return rc;
  union bpf_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.pathname = pointer(path);
  attr.bpf_fd = (uint32_t)link;
  if (bpf(BPF_OBJ_PIN, &attr, sizeof attr) != 0) {
    rc = pi__bpf_refused("pinning the BPF iterator", errno, "", err);
  }
  close(link);
  return rc;
}
