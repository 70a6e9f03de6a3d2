/* pin.h: the pinned probe as a file. */
#ifndef PI_OS_LINUX_PIN_H
#define PI_OS_LINUX_PIN_H

#include "../../core/collect.h"

/* Opens a stream of the probe in `folder`, if both are of root's making alone.
 * err->os is ENOENT where there is none, EACCES where it is not for us. */
int pi__pin_open(const char *folder, int *fd, pi_error *err);

/* The same without opening it: is it there, and may we? */
bool pi__pin_readable(const char *folder);

#endif
