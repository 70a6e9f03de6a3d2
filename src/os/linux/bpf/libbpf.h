/* libbpf.h: fits the program to a kernel that does not do so itself. */
#ifndef PI_OS_LINUX_BPF_LIBBPF_H
#define PI_OS_LINUX_BPF_LIBBPF_H

#include "../../../core/collect.h"

/* Loads the program, whose descriptor is the caller's, to be closed. */
int pi__libbpf_load(int *program, pi_error *err);

#endif
