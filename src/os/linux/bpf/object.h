/* object.h: the compiled taskfile.bpf.c inside the library. */
#ifndef PI_OS_LINUX_BPF_OBJECT_H
#define PI_OS_LINUX_BPF_OBJECT_H

#include <stddef.h>

extern const unsigned char pi__bpf_object[];
extern const size_t pi__bpf_object_size;

#endif
