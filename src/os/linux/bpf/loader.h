/* loader.h: how the iterator gets into the kernel. loader.c does it; absent.c
 * stands for it in a build without. */
#ifndef PI_OS_LINUX_BPF_LOADER_H
#define PI_OS_LINUX_BPF_LOADER_H

#include "../../../core/collect.h"

bool pi__bpf_built_in(void);

/* Loads the iterator, which *link (the caller's, to be closed) keeps alive.
 * Takes some 5 ms, and 30 where libbpf has to fit it. */
int pi__bpf_load(int *link, pi_error *err);

/* Opens a stream of its records (the caller's, to be closed). */
int pi__bpf_stream(int link, int *fd, pi_error *err);

/* Loads the iterator and pins it at a path on a BPF file system, where each
 * open gives a new stream. */
int pi__bpf_pin(const char *path, pi_error *err);

/* Are the capabilities held that loading takes? Otherwise says which. */
int pi__bpf_permitted(pi_error *err);

/* Where a kernel tells its types. */
#define PI__KERNEL_TYPES "/sys/kernel/btf/vmlinux"

/* What there is to say of a kernel that did not take the program. */
typedef struct pi__bpf_refusal {
  const char *step;    /* at which it was refused */
  int os;              /* errno */
  const char *log;     /* of the verifier; "": none */
  const char *release; /* of uname(2) */
  bool types;          /* the kernel tells its types (BTF) */
} pi__bpf_refusal;

/* Puts the reason, as one line, into *err and returns its code. */
int pi__bpf_refuse(const pi__bpf_refusal *refusal, pi_error *err);

/* The same, of the kernel that runs. */
int pi__bpf_refused(const char *step, int os, const char *log, pi_error *err);

#endif
