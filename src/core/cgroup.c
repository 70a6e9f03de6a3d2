/* cgroup.c: units and containers from the paths of control groups. Both are
 * inferred: who may make a control group names it. */
#include "cgroup.h"

#include <string.h>

typedef struct part {
  const char *text;
  size_t length;
} part;

/* The part before `end`, from the last slash on; false before the first. */
static bool part_before(const char *path, size_t end, part *ret) {
  if (end == 0) return false;
  size_t start = end;
  while (start > 0 && path[start - 1] != '/') start--;
  ret->text = path + start;
  ret->length = end - start;
  return true;
}

/* Where the part before this one ends. */
static size_t end_before(const char *path, const part *p) {
  return p->text > path ? (size_t)(p->text - path) - 1 : 0;
}

static bool begins(const part *p, const char *text, part *rest) {
  size_t n = strlen(text);
  if (p->length < n || memcmp(p->text, text, n) != 0) return false;
  rest->text = p->text + n;
  rest->length = p->length - n;
  return true;
}

static bool ends(const part *p, const char *text) {
  size_t n = strlen(text);
  return p->length > n && memcmp(p->text + p->length - n, text, n) == 0;
}

/* Where the path of a group ends that was removed under its process: the kernel
 * adds a mark (cgroup-v2.rst, Processes), which belongs to no name. */
static size_t end_of_name(const char *path, size_t length) {
  static const char mark[] = " (deleted)";
  const size_t n = sizeof mark - 1;
  bool marked = length > n && memcmp(path + length - n, mark, n) == 0;
  return marked ? length - n : length;
}

/* ---- Units --------------------------------------------------------------- */

static bool is_unit(const part *p) {
  static const char *const suffixes[] = {".service", ".scope", ".slice",
                                         ".socket",  ".mount", ".swap"};
  for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
    if (ends(p, suffixes[i])) return true;
  }
  return false;
}

bool pi__cgroup_unit(const char *path, size_t length, const char **ret,
                     size_t *ret_length) {
  part p;
  for (size_t end = end_of_name(path, length); part_before(path, end, &p);
       end = end_before(path, &p)) {
    if (!is_unit(&p)) continue;
    // a name that the kernel would take for its own has a _ before it
    size_t skip = p.text[0] == '_' ? 1 : 0;
    *ret = p.text + skip;
    *ret_length = p.length - skip;
    return true;
  }
  return false;
}

/* ---- Containers ---------------------------------------------------------- */

enum { SHORT_ID = 12, LONG_ID = 64 };

/* How many hexadecimal digits it begins with. */
static size_t digits(const part *p) {
  size_t n = 0;
  while (n < p->length && p->text[n] != '\0' &&
         strchr("0123456789abcdef", p->text[n]) != NULL)
    n++;
  return n;
}

/* An id alone, or as the name of a scope. */
static bool is_id(const part *p) {
  if (digits(p) != LONG_ID) return false;
  size_t scope = LONG_ID + strlen(".scope");
  return p->length == LONG_ID || (p->length == scope && ends(p, ".scope"));
}

static bool put(pi__container *ret, const char *runtime, const char *id,
                size_t length) {
  *ret = (pi__container){runtime, id, length};
  return true;
}

/* Names of scopes, and of groups of the CRI, before the id. */
static const struct {
  const char *before, *runtime;
} named[] = {
    {"docker-", "docker"},   {"cri-containerd-", "containerd"},
    {"nerdctl-", "nerdctl"}, {"crio-", "cri-o"},
    {"libpod-", "podman"},   {"podman-", "podman"},
};

/* Folders in which groups are called by the id alone. */
static const struct {
  const char *folder, *runtime;
} folders[] = {
    {"docker", "docker"},
    {"ecs", "ecs"},
    {"garden", "garden"},
    {"lxc", "lxc"},
};

/* The part as a container that it is by itself; false: it is none. */
static bool by_name(const part *p, pi__container *ret) {
  part rest;
  for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
    if (begins(p, named[i].before, &rest) && is_id(&rest)) {
      return put(ret, named[i].runtime, rest.text, LONG_ID);
    }
  }
  if (begins(p, "lxc.payload.", &rest) && rest.length > 0) {
    return put(ret, "lxc", rest.text, rest.length);
  }
  // containerd with systemd's driver on version 1: SLICE:cri-containerd:ID
  for (size_t i = 0; i + 1 < p->length; i++) {
    rest.text = p->text + i;
    rest.length = p->length - i;
    if (begins(&rest, ":cri-containerd:", &rest) && is_id(&rest)) {
      return put(ret, "containerd", rest.text, LONG_ID);
    }
  }
  return false;
}

/* The part as one by the folder that it is in. */
static bool by_folder(const char *path, const part *p, pi__container *ret) {
  part folder, rest;
  if (p->length == 0) return false;
  for (size_t end = end_before(path, p); part_before(path, end, &folder);
       end = end_before(path, &folder)) {
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
      if (folder.length != strlen(folders[i].folder) ||
          !begins(&folder, folders[i].folder, &rest)) {
        continue;
      }
      if (is_id(p)) return put(ret, folders[i].runtime, p->text, LONG_ID);
      // LXC before 4.0 has names for ids, right below its folder
      bool below = end == end_before(path, p);
      if (strcmp(folders[i].folder, "lxc") == 0 && below) {
        return put(ret, "lxc", p->text, p->length);
      }
    }
    if (begins(&folder, "kubepods", &rest) && is_id(p)) {
      return put(ret, "kubernetes", p->text, LONG_ID);
    }
  }
  return false;
}

bool pi__cgroup_container(const char *path, size_t length, pi__container *ret) {
  part p;
  for (size_t end = end_of_name(path, length); part_before(path, end, &p);
       end = end_before(path, &p)) {
    if (by_name(&p, ret) || by_folder(path, &p, ret)) return true;
  }
  return false;
}

size_t pi__container_shown(const pi__container *container) {
  bool is_name = strcmp(container->runtime, "lxc") == 0;
  return is_name ? container->length : SHORT_ID;
}
