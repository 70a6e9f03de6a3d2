/* groups.h: names and numbers of groups. */
#ifndef PI_OS_LINUX_GROUPS_H
#define PI_OS_LINUX_GROUPS_H

#include "../../core/collect.h"

#include <sys/types.h>

/* PI_EINVAL where there is no such group, PI_EOS where it cannot be told. */
int pi__group_find(const char *name, gid_t *ret, pi_error *err);

/* Its name, or its number where none can be had. */
void pi__group_name(gid_t gid, char *text, size_t size);

#endif
