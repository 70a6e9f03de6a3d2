/* groups.c: getgrnam_r(3) and getgrgid_r(3) want room for a whole line, and say
 * ERANGE of any group that stands behind a longer one. */
#include "groups.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>

/* A longer line is taken for a broken one. */
enum { LONGEST_LINE = 16 * 1024 * 1024 };

/* A group by its name or, where that is NULL, by its number; its text lives as
 * long as `buffer`. */
typedef struct query {
  const char *name;
  gid_t gid;
  struct group entry;
  char *buffer;
  size_t size;
} query;

static int ask(query *q, struct group **found) {
  return q->name != NULL
             ? getgrnam_r(q->name, &q->entry, q->buffer, q->size, found)
             : getgrgid_r(q->gid, &q->entry, q->buffer, q->size, found);
}

/* *there: the database has it. */
static int look_up(query *q, bool *there, pi_error *err) {
  struct group *found = NULL;
  int os = ERANGE;
  for (size_t need = 1024; os == ERANGE && need <= LONGEST_LINE; need *= 2) {
    int rc = pi__reserve(&q->buffer, &q->size, need, 1, err);
    if (rc != 0) return rc;
    os = ask(q, &found);
  }
  *there = os == 0 && found != NULL;
  // ENOENT, ESRCH: what some databases say of a group that they lack
  if (os == 0 || os == ENOENT || os == ESRCH) return 0;
  return pi__fail(err, PI_EOS, os, "cannot read the groups: %s", strerror(os));
}

int pi__group_find(const char *name, gid_t *ret, pi_error *err) {
  query q = {.name = name};
  bool there;
  int rc = look_up(&q, &there, err);
  if (rc == 0 && !there) {
    rc = pi__fail(err, PI_EINVAL, 0, "there is no group '%.96s'", name);
  }
  if (rc == 0) *ret = q.entry.gr_gid;
  pi__realloc(q.buffer, 0);
  return rc;
}

void pi__group_name(gid_t gid, char *text, size_t size) {
  query q = {.gid = gid};
  bool there;
  if (look_up(&q, &there, NULL) == 0 && there)
    snprintf(text, size, "%s", q.entry.gr_name);
  else
    snprintf(text, size, "%u", (unsigned)gid);
  pi__realloc(q.buffer, 0);
}
