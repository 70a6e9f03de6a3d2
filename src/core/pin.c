/* pin.c: the probe has one place, so that whoever reads knows where to look. */
#include "collect.h"

int pi_pin_install(const char *group, pi_error *err) {
  return pi__pin_install(PI_PIN_FOLDER, group, err);
}

int pi_pin_remove(bool *removed, pi_error *err) {
  return pi__pin_remove(PI_PIN_FOLDER, removed, err);
}

int pi_pin_status(pi_pin *ret, pi_error *err) {
  return pi__pin_status(PI_PIN_FOLDER, ret, err);
}
