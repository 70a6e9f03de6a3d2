/* collect.c: a kernel that we know no way to ask. It compiles anywhere; what is
 * known of ports works, and a reading says why it cannot be had. */
#include "../../core/collect.h"

#include <stdio.h>
#include <string.h>

int pi__collect(const pi__want *want, pi__reading *reading, pi_host *host,
                pi_error *err) {
  if (reading == NULL) {
    memset(host, 0, sizeof *host);
    return 0;
  }
  if (!(want->groups & PI_GROUP_SOCKET)) return 0;
  return pi__fail(err, PI_EUNSUPPORTED, 0,
                  "this build cannot read the sockets of this system; ports "
                  "and services can still be asked about");
}

void pi__look(const pi__want *want, pi_look *ret) {
  (void)want;
  memset(ret, 0, sizeof *ret);
  ret->backend = PI_BACKEND_NONE;
  snprintf(ret->why, sizeof ret->why, "this build cannot look at processes");
}

int pi__notices_open(const pi__want *want, pi__notices **ret,
                     pi_hearing *hearing, pi_error *err) {
  (void)want;
  (void)ret;
  (void)hearing;
  return pi__fail(err, PI_EUNSUPPORTED, 0,
                  "this build cannot watch the sockets of this system");
}

void pi__notices_close(pi__notices *notices) {
  (void)notices;
}

pi_wake pi__notices_wait(pi__notices *notices, unsigned ms, int output) {
  (void)notices;
  (void)ms;
  (void)output;
  return PI_WAKE_LEFT;
}

int pi__notices_read(pi__notices *notices,
                     int (*visit)(void *arg, const pi__row *row, pi_error *err),
                     void *arg, pi_hearing *hearing, bool *more,
                     pi_error *err) {
  (void)notices;
  (void)visit;
  (void)arg;
  (void)hearing;
  (void)err;
  *more = false;
  return 0;
}

uint64_t pi__ticks(void) {
  return 0;
}
