/* cgroup.h: what the path of a control group tells of a process. */
#ifndef PI_CORE_CGROUP_H
#define PI_CORE_CGROUP_H

#include <stdbool.h>
#include <stddef.h>

enum { PI__CONTAINER_TEXT = 96 };

/* The unit of systemd that the path belongs to: the innermost of its parts that
 * is named as a unit is (systemd.unit(5)), within `path`; false if none is. */
bool pi__cgroup_unit(const char *path, size_t length, const char **ret,
                     size_t *ret_length);

/* RUNTIME:ID of the container that the path belongs to, with the first 12
 * digits of an id, as the runtimes show it, or RUNTIME:NAME of LXC; how long it
 * is, 0 if it is of none. */
size_t pi__cgroup_container(const char *path, size_t length,
                            char ret[PI__CONTAINER_TEXT]);

#endif
