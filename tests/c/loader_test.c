/* loader_test.c: how the program gets into a kernel, whichever fits it; and its
 * object and the kernel's types, cut anywhere. */
#include "test.h"

#include "os/linux/bpf/image.h"
#include "os/linux/bpf/loader.h"
#include "os/linux/bpf/object.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <sys/syscall.h>
#include <unistd.h>

// a build without the program has no object
#pragma weak pi__bpf_object
#pragma weak pi__bpf_object_size

/* ---- The kernel's part ----------------------------------------------------
 */

/* bpf(2) of a kernel before 5.17, which knows nothing that stands behind
 * fd_array; what is not refused goes on to the one that runs. */
static struct {
  bool old;
  unsigned signals; /* so often the verifier gives way to one */
  unsigned refused, loaded;
} kernel;

enum { FD_ARRAY_END = 128 };

static bool is_too_big(const void *attr, size_t size) {
  static const char none[256];
  return size > FD_ARRAY_END &&
         memcmp((const char *)attr + FD_ARRAY_END, none, size - FD_ARRAY_END);
}

long syscall(long number, ...) {
  long (*next)(long, ...);
  void *found = dlsym(RTLD_NEXT, "syscall");
  memcpy(&next, &found, sizeof next);
  va_list list;
  va_start(list, number);
  long a[6];
  for (size_t i = 0; i < LENGTH(a); i++) a[i] = va_arg(list, long);
  va_end(list);
  if (number == SYS_bpf && a[0] == BPF_PROG_LOAD) {
    if (kernel.old && is_too_big((const void *)a[1], (size_t)a[2])) {
      kernel.refused++;
      errno = E2BIG;
      return -1;
    }
    if (kernel.signals > 0) {
      kernel.signals--;
      errno = EAGAIN;
      return -1;
    }
    kernel.loaded++;
  }
  return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static int load(pi_error *err) {
  int link, stream;
  if (!pi__bpf_built_in()) skip_because("the BPF program is not built in");
  if (pi__bpf_permitted(err) != 0) skip_because("%s", err->text);
  int rc = pi__bpf_load(&link, err);
  if (rc != 0) return rc;
  assert_int_equal(0, pi__bpf_stream(link, &stream, err));
  assert_int_equal(0, close(stream));
  assert_int_equal(0, close(link));
  return 0;
}

static int make_new(void **state) {
  (void)state;
  memset(&kernel, 0, sizeof kernel);
  return 0;
}

static int make_old(void **state) {
  make_new(state);
  kernel.old = true;
  return 0;
}

static void the_kernel_fits_it(void **state) {
  (void)state;
  pi_error err;
  if (load(&err) != 0) skip_because("%s", err.text);
  assert_int_equal(1, kernel.loaded);
}

static void what_a_signal_interrupts_is_begun_again(void **state) {
  (void)state;
  pi_error err;
  if (load(&err) != 0) skip_because("%s", err.text);
  kernel.signals = 3;
  assert_int_equal(0, load(&err));
  kernel.signals = 1000;
  assert_int_equal(PI_EOS, load(&err));
  assert_int_equal(EAGAIN, err.os);
}

static void libbpf_fits_it_to_an_older_kernel(void **state) {
  (void)state;
  pi_error err;
  int rc = load(&err);
  if (kernel.refused == 0) skip_because("%s", rc != 0 ? err.text : "");
  assert_int_equal(1, kernel.refused);
  if (rc != 0) {
    assert_int_equal(PI_EUNSUPPORTED, rc);
    assert_says(err.text, "libbpf is not installed");
  }
}

/* ---- The object -----------------------------------------------------------
 */

/* A copy that ends where its block ends, so that a byte behind it is not ours.
 */
static unsigned char *copy_of(const unsigned char *bytes, size_t size) {
  unsigned char *copy = malloc(size > 0 ? size : 1);
  assert_non_null(copy);
  memcpy(copy, bytes, size);
  return copy;
}

static void assert_within(const unsigned char *bytes, size_t size,
                          const unsigned char *object, size_t whole) {
  assert_true(bytes >= object && bytes + size <= object + whole);
}

/* Looks for the parts in a copy, where they are within it or not found. */
static void look_in(const unsigned char *copy, size_t size) {
  pi__bpf_image i;
  if (!pi__bpf_image_find(copy, size, &i)) return;
  assert_within(i.code.bytes, i.code.size, copy, size);
  assert_within(i.license.bytes, i.license.size, copy, size);
  assert_within(i.types.bytes, i.types.size, copy, size);
  assert_within(i.functions.bytes, (size_t)i.functions.size * i.functions.count,
                copy, size);
  assert_within(i.relocations.bytes,
                (size_t)i.relocations.size * i.relocations.count, copy, size);
  pi__btf_function(i.types.bytes, i.types.size, "portinfo");
}

static void its_parts_are_found(void **state) {
  (void)state;
  pi__bpf_image image;
  if (!pi__bpf_built_in()) skip_because("the BPF program is not built in");
  assert_true(pi__bpf_image_find(pi__bpf_object, pi__bpf_object_size, &image));
  assert_int_equal(0, image.code.size % sizeof(struct bpf_insn));
  assert_string_equal("Dual MIT/GPL", (const char *)image.license.bytes);
  assert_int_equal(1, image.functions.count);
  assert_true(image.relocations.count > 0);
  assert_int_not_equal(
      0, pi__btf_function(image.types.bytes, image.types.size, "portinfo"));
}

static void an_object_that_is_cut_does_no_harm(void **state) {
  (void)state;
  if (!pi__bpf_built_in()) skip_because("the BPF program is not built in");
  for (size_t size = 0; size < pi__bpf_object_size; size++) {
    unsigned char *cut = copy_of(pi__bpf_object, size);
    look_in(cut, size);
    free(cut);
  }
}

static void an_object_of_other_bytes_does_no_harm(void **state) {
  (void)state;
  uint64_t random = 1;
  if (!pi__bpf_built_in()) skip_because("the BPF program is not built in");
  for (size_t i = 0; i < 20000; i++) {
    unsigned char *other = copy_of(pi__bpf_object, pi__bpf_object_size);
    for (size_t k = 0; k < 4; k++) {
      other[next_number(&random) % pi__bpf_object_size] =
          (unsigned char)next_number(&random);
    }
    look_in(other, pi__bpf_object_size);
    free(other);
  }
}

/* ---- Types ----------------------------------------------------------------
 */

/* Types, and the words that follow them, one behind the other. */
typedef struct btf {
  struct btf_header head;
  uint32_t words[32];
  char names[16];
} btf;

enum { KIND_DECL_TAG = 17, KIND_ENUM64 = 19, KIND_OF_NEXT_YEAR = 30 };

static void add(btf *b, uint32_t name, uint32_t kind, uint32_t members,
                size_t follow) {
  size_t at = b->head.type_len / sizeof *b->words;
  b->words[at] = name;
  b->words[at + 1] = kind << 24 | members;
  b->head.type_len += (uint32_t)(sizeof(struct btf_type) + follow);
  assert_true(b->head.type_len <= sizeof b->words);
}

static btf make_types(void) {
  btf b = {.head = {.magic = BTF_MAGIC,
                    .version = BTF_VERSION,
                    .hdr_len = sizeof b.head,
                    .str_off = sizeof b.words,
                    .str_len = sizeof b.names},
           .names = "\0first\0second"};
  add(&b, 0, KIND_ENUM64, 2, 24);
  add(&b, 7, BTF_KIND_INT, 0, 4);
  add(&b, 0, KIND_DECL_TAG, 0, 4);
  add(&b, 7, BTF_KIND_FUNC, 0, 0);
  return b;
}

static uint32_t number_in(const btf *b, size_t size, const char *name) {
  unsigned char *copy = copy_of((const void *)b, size);
  uint32_t id = pi__btf_function(copy, size, name);
  free(copy);
  return id;
}

static void a_function_is_found_among_types(void **state) {
  (void)state;
  btf b = make_types();
  assert_int_equal(4, number_in(&b, sizeof b, "second"));
  assert_int_equal(0, number_in(&b, sizeof b, "first"));
  assert_int_equal(0, number_in(&b, sizeof b, "secon"));
  for (size_t size = 0; size < sizeof b; size++) {
    assert_int_equal(0, number_in(&b, size, "second"));
  }
}

static void types_of_an_unknown_kind_end_it(void **state) {
  (void)state;
  btf b = make_types();
  add(&b, 0, KIND_OF_NEXT_YEAR, 0, 0);
  add(&b, 1, BTF_KIND_FUNC, 0, 0);
  assert_int_equal(4, number_in(&b, sizeof b, "second"));
  assert_int_equal(0, number_in(&b, sizeof b, "first"));
  b = make_types();
  b.head.magic++;
  assert_int_equal(0, number_in(&b, sizeof b, "second"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(the_kernel_fits_it, make_new),
      cmocka_unit_test_setup(what_a_signal_interrupts_is_begun_again, make_new),
      cmocka_unit_test_setup(libbpf_fits_it_to_an_older_kernel, make_old),
      cmocka_unit_test(its_parts_are_found),
      cmocka_unit_test(an_object_that_is_cut_does_no_harm),
      cmocka_unit_test(an_object_of_other_bytes_does_no_harm),
      cmocka_unit_test(a_function_is_found_among_types),
      cmocka_unit_test(types_of_an_unknown_kind_end_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
