/* image.c: clang writes a program as an ELF object, with its types in .BTF and,
 * in .BTF.ext, its functions and what depends on the running kernel's types.
 * Elf64 and the byte order of the host, whatever the host. Formats: elf(5),
 * Documentation/bpf/btf.rst.
 */
#include "image.h"

#include <elf.h>
#include <linux/btf.h>
#include <string.h>

/* Copies what lies at an offset; false: it does not lie within. */
static bool take(pi__bpf_part from, size_t offset, void *to, size_t size) {
  if (offset > from.size || size > from.size - offset) return false;
  memcpy(to, from.bytes + offset, size);
  return true;
}

static bool cut(pi__bpf_part from, size_t offset, size_t size,
                pi__bpf_part *part) {
  if (offset > from.size || size > from.size - offset) return false;
  *part = (pi__bpf_part){from.bytes + offset, size};
  return true;
}

/* The text at an offset, which a NUL ends; NULL: there is none. */
static const char *text_at(pi__bpf_part from, size_t offset) {
  if (offset >= from.size) return NULL;
  const unsigned char *text = from.bytes + offset;
  bool ends = memchr(text, '\0', from.size - offset) != NULL;
  return ends ? (const char *)text : NULL;
}

/* ---- Sections ------------------------------------------------------------ */

typedef struct object {
  pi__bpf_part all;
  Elf64_Ehdr head;
  pi__bpf_part names;
} object;

static bool section_at(const object *o, unsigned i, Elf64_Shdr *section) {
  return take(o->all, o->head.e_shoff + i * sizeof *section, section,
              sizeof *section);
}

static bool object_open(object *o, const unsigned char *bytes, size_t size) {
  Elf64_Shdr names;
  o->all = (pi__bpf_part){bytes, size};
  return take(o->all, 0, &o->head, sizeof o->head) &&
         memcmp(o->head.e_ident, ELFMAG, SELFMAG) == 0 &&
         section_at(o, o->head.e_shstrndx, &names) &&
         cut(o->all, names.sh_offset, names.sh_size, &o->names);
}

static bool find(const object *o, const char *name, pi__bpf_part *part) {
  Elf64_Shdr section;
  for (unsigned i = 0; i < o->head.e_shnum; i++) {
    if (!section_at(o, i, &section)) return false;
    const char *called = text_at(o->names, section.sh_name);
    if (called == NULL || strcmp(called, name) != 0) continue;
    return cut(o->all, section.sh_offset, section.sh_size, part);
  }
  return false;
}

/* ---- .BTF.ext ------------------------------------------------------------ */

/* struct btf_ext_header, which no header of the kernel's interface has. */
typedef struct extension {
  uint16_t magic;
  uint8_t version, flags;
  uint32_t head_size;
  uint32_t functions_at, functions_size;
  uint32_t lines_at, lines_size;
  uint32_t relocations_at, relocations_size;
} extension;

/* Those of the first section, which is the only one: all of the program is one
 * function. */
static bool records_at(pi__bpf_part ext, size_t offset,
                       pi__bpf_records *records) {
  struct {
    uint32_t size, section, count;
  } head;
  pi__bpf_part part;
  if (!take(ext, offset, &head, sizeof head)) return false;
  if (!cut(ext, offset + sizeof head, (size_t)head.size * head.count, &part)) {
    return false;
  }
  *records = (pi__bpf_records){part.bytes, head.size, head.count};
  return true;
}

static bool extension_open(pi__bpf_part ext, pi__bpf_image *image) {
  extension e;
  return take(ext, 0, &e, sizeof e) &&
         records_at(ext, e.head_size + e.functions_at, &image->functions) &&
         records_at(ext, e.head_size + e.relocations_at, &image->relocations);
}

bool pi__bpf_image_find(const unsigned char *bytes, size_t size,
                        pi__bpf_image *image) {
  object o;
  pi__bpf_part ext;
  return object_open(&o, bytes, size) &&
         find(&o, "iter/task_file", &image->code) &&
         find(&o, "license", &image->license) &&
         text_at(image->license, 0) != NULL &&
         find(&o, ".BTF", &image->types) && find(&o, ".BTF.ext", &ext) &&
         extension_open(ext, image);
}

/* ---- Types --------------------------------------------------------------- */

/* What follows a type: so many bytes, and so many for each of its members. */
static const struct {
  uint8_t bytes, each;
} kinds[] = {
    [BTF_KIND_INT] = {4, 0},
    [BTF_KIND_PTR] = {0, 0},
    [BTF_KIND_ARRAY] = {12, 0},
    [BTF_KIND_STRUCT] = {0, 12},
    [BTF_KIND_UNION] = {0, 12},
    [BTF_KIND_ENUM] = {0, 8},
    [BTF_KIND_FUNC_PROTO] = {0, 8},
    [BTF_KIND_VAR] = {4, 0},
    [BTF_KIND_DATASEC] = {0, 12},
    [17] = {4, 0},   // BTF_KIND_DECL_TAG (5.16)
    [19] = {0, 12},  // BTF_KIND_ENUM64 (6.0)
};

uint32_t pi__btf_function(const unsigned char *bytes, size_t size,
                          const char *name) {
  struct btf_header head;
  struct btf_type type;
  pi__bpf_part all = {bytes, size}, types, names;
  if (!take(all, 0, &head, sizeof head) || head.magic != BTF_MAGIC ||
      !cut(all, (size_t)head.hdr_len + head.type_off, head.type_len, &types) ||
      !cut(all, (size_t)head.hdr_len + head.str_off, head.str_len, &names)) {
    return 0;
  }
  size_t at = 0;
  for (uint32_t id = 1; take(types, at, &type, sizeof type); id++) {
    unsigned kind = BTF_INFO_KIND(type.info);
    if (kind >= sizeof kinds / sizeof *kinds) return 0;
    if (kind == BTF_KIND_FUNC) {
      const char *called = text_at(names, type.name_off);
      if (called != NULL && strcmp(called, name) == 0) return id;
    }
    at += sizeof type + kinds[kind].bytes +
          (size_t)kinds[kind].each * BTF_INFO_VLEN(type.info);
  }
  return 0;
}
