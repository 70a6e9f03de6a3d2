/* proxy.h: programs that forward to another address, as their arguments say. */
#ifndef PI_CORE_PROXY_H
#define PI_CORE_PROXY_H

#include "collect.h"

/* Is a process a docker-proxy? By its executable, or where that is not known
 * (NULL) by its name. */
bool pi__proxy_is(const char *exe, size_t exe_length, const char *comm,
                  size_t comm_length);

/* Where it forwards to, out of its arguments, each ended by a NUL; false if
 * they do not say so, or are none of docker-proxy's. */
bool pi__proxy_target(const char *arguments, size_t length, pi_address *address,
                      uint16_t *port);

#endif
