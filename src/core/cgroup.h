/* cgroup.h: what the path of a control group tells of a process. */
#ifndef PI_CORE_CGROUP_H
#define PI_CORE_CGROUP_H

#include <stdbool.h>
#include <stddef.h>

/* The unit of systemd that the path belongs to: the innermost of its parts that
 * is named as a unit is (systemd.unit(5)), within `path`; false if none is. */
bool pi__cgroup_unit(const char *path, size_t length, const char **ret,
                     size_t *ret_length);

/* A container, by its runtime (a constant) and what that calls it: an id of 64
 * digits, or a name of LXC, within the path. */
typedef struct pi__container {
  const char *runtime;
  const char *id;
  size_t length;
} pi__container;

/* The container that the path belongs to, the innermost; false if to none. */
bool pi__cgroup_container(const char *path, size_t length, pi__container *ret);

/* How much of its id the runtimes show: 12 digits, or the whole name. */
size_t pi__container_shown(const pi__container *container);

#endif
