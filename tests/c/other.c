/* other.c: puts a probe of another version where it is told to.
 *
 *   other PATH
 *
 * The program that it pins is its own, made from the same source: it comes
 * before the one in the library.
 */
#include <stdio.h>

#include "os/linux/bpf/loader.h"

int main(int argc, char **argv) {
  pi_error err;
  if (argc == 2 && pi__bpf_pin(argv[1], &err) == 0) return 0;
  fprintf(stderr, "other: %s\n", argc == 2 ? err.text : "name a path");
  return 2;
}
