/* registry_figures.c: counts over the look-up, one "figure number" a line, for
 * comparison with what is known of a registry. */
#include <stdio.h>
#include <string.h>

#include "portinfo.h"

enum { DYNAMIC = 49152, ANY = 1 << 8 };

/* The transports for which a record gives a port a name, as bits; ANY where it
 * names no transport. A name that was taken back counts: 14001/udp. */
static unsigned named(unsigned port) {
  pi_record r;
  unsigned set = 0;
  for (unsigned i = 0; pi_port_record((uint16_t)port, PI_TRANSPORTS, i, &r);
       i++)
    if (*r.name) set |= r.transports ? r.transports : ANY;
  return set;
}

static void print_ports(const char *figure, unsigned set) {
  unsigned count = 0;
  for (unsigned port = 0; port < DYNAMIC; port++)
    count += (named(port) & set) != 0;
  printf("%s %u\n", figure, count);
}

static void print_shared_places(void) {
  unsigned count = 0;
  for (unsigned port = 0; port < DYNAMIC; port++)
    for (unsigned bit = 1; bit <= PI_TRANSPORTS; bit <<= 1)
      count += pi_port_name((uint16_t)port, bit, 1) != NULL;
  printf("places-with-two-names %u\n", count);
}

static void print_names(void) {
  size_t with_port = 0, longest = 0, count = pi_service_count();
  for (size_t i = 0; i < count; i++) {
    const char *name = pi_service_at(i);
    pi_record r;
    size_t length = strlen(name);
    if (length > longest) longest = length;
    // those without a port come last, so the first tells
    with_port += pi_service_record(name, length, 0, &r) && r.has_port;
  }
  printf("names %zu\nnames-with-port %zu\nlongest-name %zu\n", count, with_port,
         longest);
}

int main(void) {
  print_ports("named-tcp", PI_TRANSPORT_TCP);
  print_ports("named-udp", PI_TRANSPORT_UDP);
  print_ports("named-sctp", PI_TRANSPORT_SCTP);
  print_ports("named-dccp", PI_TRANSPORT_DCCP);
  print_ports("named", PI_TRANSPORTS | ANY);
  print_shared_places();
  print_names();
  return 0;
}
