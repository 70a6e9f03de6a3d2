/* classify.c: what it costs to classify a port: its range, IANA's word and
 * its name. Prints the nanoseconds of processor time for one port and
 * transport, the median of nine turns through all ports in mixed order. */
#include "portinfo.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PORTS = 65536, TURNS = 9, STEP = 40503 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static unsigned classify(uint16_t port, unsigned transport) {
  const char *name = pi_port_name(port, transport, 0);
  return (unsigned)pi_port_range(port) +
         (unsigned)pi_port_status(port, transport) + (name != NULL);
}

static double turn(unsigned *sum) {
  double start = now();
  uint16_t port = 0;
  for (int i = 0; i < PORTS; i++) {
    port = (uint16_t)(port + STEP);  // odd, so every port has its turn
    *sum += classify(port, PI_TRANSPORT_TCP);
    *sum += classify(port, PI_TRANSPORT_UDP);
  }
  return (now() - start) / (2 * PORTS);
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(void) {
  double ns[TURNS];
  unsigned sum = 0;  // used, so that nothing is left out
  for (int i = 0; i < TURNS; i++) ns[i] = turn(&sum);
  qsort(ns, TURNS, sizeof *ns, by_size);
  printf("%.2f\n", ns[TURNS / 2]);
  return sum == 0;
}
