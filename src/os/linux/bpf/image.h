/* image.h: the parts of the compiled program. */
#ifndef PI_OS_LINUX_BPF_IMAGE_H
#define PI_OS_LINUX_BPF_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A run of bytes, which lies in the object. */
typedef struct pi__bpf_part {
  const unsigned char *bytes;
  size_t size;
} pi__bpf_part;

/* Records of .BTF.ext, of one size. */
typedef struct pi__bpf_records {
  const unsigned char *bytes;
  uint32_t size, count; /* of one, in bytes; of all */
} pi__bpf_records;

typedef struct pi__bpf_image {
  pi__bpf_part code;           /* struct bpf_insn */
  pi__bpf_part license;        /* ends in a NUL */
  pi__bpf_part types;          /* BTF */
  pi__bpf_records functions;   /* struct bpf_func_info */
  pi__bpf_records relocations; /* struct bpf_core_relo */
} pi__bpf_image;

/* Finds them in an ELF object of clang's; false: one is missing, or does not
 * lie within it. */
bool pi__bpf_image_find(const unsigned char *object, size_t size,
                        pi__bpf_image *image);

/* The number of a function among types (BTF); 0: it is not one of them. */
uint32_t pi__btf_function(const unsigned char *types, size_t size,
                          const char *name);

#endif
