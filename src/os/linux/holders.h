/* holders.h: who holds the sockets, by the way that costs least. */
#ifndef PI_OS_LINUX_HOLDERS_H
#define PI_OS_LINUX_HOLDERS_H

#include "../../core/collect.h"

/* Can the iterator be had? It sees all namespaces. */
bool pi__holders_see_all(const pi__want *want);

/* Adds every holder of a socket in the reading. What was done, and why not
 * better, goes into the quality record. */
int pi__holders_read(const pi__want *want, pi__reading *reading, pi_error *err);

#endif
