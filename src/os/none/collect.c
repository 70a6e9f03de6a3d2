/* collect.c: a kernel that we know no way to ask. It compiles anywhere; what is
 * known of ports works, and a reading says why it cannot be had. */
#include "../../core/collect.h"

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
