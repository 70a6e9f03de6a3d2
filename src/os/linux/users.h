/* users.h: the names of users, each looked up once a reading. */
#ifndef PI_OS_LINUX_USERS_H
#define PI_OS_LINUX_USERS_H

#include "../../core/collect.h"

#include <sys/types.h>

typedef struct pi__user {
  uid_t uid;
  uint32_t name; /* pi__reading_text */
} pi__user;

/* All zero is an empty table. */
typedef struct pi__users {
  pi__user *known;
  size_t count, capacity;
  char *entry; /* scratch for what the database says of one */
  size_t size;
} pi__users;

void pi__users_deinit(pi__users *users);

/* The name of a user, or the number where the database has none; 0 if it could
 * not be asked. */
int pi__users_name(pi__users *users, pi__reading *reading, uid_t uid,
                   uint32_t *ret, pi_error *err);

/* By this number the kernel calls all users who have none in our user namespace
 * (user_namespaces(7); the default of kernel.overflowuid). */
enum { PI__OVERFLOW_UID = 65534 };

/* Has every user a number in our user namespace? So it is said where that
 * cannot be read. */
bool pi__users_are_mapped(const char *proc);

#endif
