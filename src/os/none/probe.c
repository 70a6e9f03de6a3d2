/* probe.c: a kernel at which we know no way to try a port. */
#include "../../core/collect.h"

int pi__probe(const pi_probe *probe, pi_error *err) {
  (void)probe;
  return pi__fail(err, PI_EUNSUPPORTED, 0,
                  "this build cannot try to bind a port on this system");
}
