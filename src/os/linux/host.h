/* host.h: what this host does with ports, and how far procfs lets us see. */
#ifndef PI_OS_LINUX_HOST_H
#define PI_OS_LINUX_HOST_H

#include "../../core/collect.h"

/* Fills in what can be read; what cannot stays not known. */
void pi__host_fill(const char *proc, pi_host *host);

/* Are the numbers that procfs gives processes those of our own pid namespace? A
 * procfs that was mounted further out gives others, and shows more. */
bool pi__host_numbers(const char *proc);

/* The inode of the namespace that this thread is in; 0: not known. */
uint64_t pi__host_netns(const char *proc);

/* Sets quality->hidden and quality->nested. */
void pi__host_sight(const char *proc, pi_quality *quality);

/* Reads a list such as "8080,9148-9150" into a bit a port; false if malformed,
 * with `bits` half set. */
bool pi__host_parse_ports(const char *list, uint8_t bits[8192]);

#endif
