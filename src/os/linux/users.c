/* users.c: getpwuid_r(3) reads the whole database, or asks a directory over the
 * network, so that it is not asked for each of a thousand processes. */
#include "users.h"
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

/* A longer entry is taken for a broken one. */
enum { LONGEST_ENTRY = 1024 * 1024 };

void pi__users_deinit(pi__users *users) {
  pi__realloc(users->known, 0);
  pi__realloc(users->entry, 0);
}

/* Did we fail to ask, so that the database may well have a name? */
static bool was_not_asked(int os) {
  return os == EMFILE || os == ENFILE || os == ENOMEM || os == EIO ||
         os == EINTR;
}

/* *ret is NULL where the database has no name; *told: it is known whether. */
static int look_up(pi__users *users, uid_t uid, const char **ret, bool *told,
                   pi_error *err) {
  struct passwd entry, *found = NULL;
  *ret = NULL;
  *told = true;
  for (size_t need = 1024; need <= LONGEST_ENTRY; need *= 2) {
    int rc = pi__reserve(&users->entry, &users->size, need, 1, err);
    if (rc != 0) return rc;
    int os = getpwuid_r(uid, &entry, users->entry, users->size, &found);
    if (os == ERANGE) continue;
    if (os == 0 && found != NULL) *ret = entry.pw_name;
    *told = !was_not_asked(os);
    break;
  }
  return 0;
}

int pi__users_name(pi__users *users, pi__reading *reading, uid_t uid,
                   uint32_t *ret, pi_error *err) {
  char number[16];
  const char *name;
  bool told;
  *ret = 0;
  for (size_t i = 0; i < users->count; i++) {
    if (users->known[i].uid != uid) continue;
    *ret = users->known[i].name;
    return 0;
  }
  int rc = look_up(users, uid, &name, &told, err);
  if (rc == 0 && !told) return 0;
  if (rc == 0) {
    rc = pi__reserve(&users->known, &users->capacity, users->count + 1,
                     sizeof *users->known, err);
  }
  if (rc != 0) return rc;
  snprintf(number, sizeof number, "%u", (unsigned)uid);
  if (name == NULL || *name == '\0') name = number;
  rc = pi__reading_text(reading, name, strlen(name), ret, err);
  if (rc == 0) users->known[users->count++] = (pi__user){uid, *ret};
  return rc;
}

bool pi__users_are_mapped(const char *proc) {
  char path[4096], text[4096];
  unsigned long long mapped = 0, length;
  int read;
  snprintf(path, sizeof path, "%s/self/uid_map", proc);
  if (pi__file_read(AT_FDCWD, path, text, sizeof text) < 0) {
    return errno == ENOENT;  // a kernel without user namespaces
  }
  // each line: the first one here, the first one outside, how many
  for (const char *p = text; sscanf(p, "%*u %*u %llu%n", &length, &read) == 1;
       p += read) {
    mapped += length;
  }
  return mapped >= UINT32_MAX;
}
