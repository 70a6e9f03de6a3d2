/* absent.c: a build without the iterator (BPF=0). */
#include "loader.h"

bool pi__bpf_built_in(void) {
  return false;
}

static int refuse(pi_error *err) {
  return pi__fail(err, PI_EUNSUPPORTED, 0,
                  "the BPF program is not built in (make BPF=1)");
}

int pi__bpf_load(int *link, pi_error *err) {
  (void)link;
  return refuse(err);
}

int pi__bpf_stream(int link, int *fd, pi_error *err) {
  (void)link;
  (void)fd;
  return refuse(err);
}

int pi__bpf_pin(const char *path, pi_error *err) {
  (void)path;
  return refuse(err);
}
