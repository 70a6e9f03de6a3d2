/* pin.c: a kernel that keeps no such program. */
#include "../../core/collect.h"

#include <string.h>

static int refuse(pi_error *err) {
  return pi__fail(err, PI_EUNSUPPORTED, 0,
                  "this build knows no probe for this system");
}

int pi__pin_install(const char *folder, const char *group, pi_error *err) {
  (void)folder;
  (void)group;
  return refuse(err);
}

int pi__pin_remove(const char *folder, bool *removed, pi_error *err) {
  (void)folder;
  (void)removed;
  return refuse(err);
}

int pi__pin_status(const char *folder, pi_pin *ret, pi_error *err) {
  (void)folder;
  (void)err;
  memset(ret, 0, sizeof *ret);
  return 0;
}
