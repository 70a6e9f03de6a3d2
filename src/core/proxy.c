/* proxy.c: docker-proxy (moby, cmd/docker-proxy) accepts for a container. Its
 * flags are those of Go's package flag: `-name value`, `-name=value`, one dash
 * or two, and the last of a name counts. */
#include "proxy.h"

#include <string.h>

typedef struct word {
  const char *text;
  size_t length;
} word;

static bool is(word w, const char *text) {
  return w.length == strlen(text) && memcmp(w.text, text, w.length) == 0;
}

bool pi__proxy_is(const char *exe, size_t exe_length, const char *comm,
                  size_t comm_length) {
  static const char replaced[] = " (deleted)";
  const size_t mark = sizeof replaced - 1;
  word name = {comm, comm_length};
  // a name of the kernel's has 15 bytes at most
  if (exe == NULL)
    return is(name, "docker-proxy") || is(name, "rootlesskit-doc");
  if (exe_length > mark &&
      memcmp(exe + exe_length - mark, replaced, mark) == 0) {
    exe_length -= mark;
  }
  size_t start = exe_length;
  while (start > 0 && exe[start - 1] != '/') start--;
  name = (word){exe + start, exe_length - start};
  return is(name, "docker-proxy") || is(name, "rootlesskit-docker-proxy");
}

/* ---- Arguments ----------------------------------------------------------- */

/* Takes the next argument; false behind the last, or if it has no end. */
static bool take(const char **at, const char *end, word *ret) {
  const char *nul = memchr(*at, '\0', (size_t)(end - *at));
  if (nul == NULL) return false;
  *ret = (word){*at, (size_t)(nul - *at)};
  *at = nul + 1;
  return true;
}

enum { PROTO, HOST_IP, HOST_PORT, CONTAINER_IP, CONTAINER_PORT, VALUES };

static const char *const value_flags[VALUES] = {
    "proto", "host-ip", "host-port", "container-ip", "container-port"};
static const char *const switches[] = {"use-listen-fd", "v", "version"};

static int find(word name, const char *const *names, int n) {
  for (int i = 0; i < n; i++) {
    if (is(name, names[i])) return i;
  }
  return -1;
}

/* Cuts a flag's dashes off, and what stands behind `=`; false: it is no flag,
 * and ends them. */
static bool split(word argument, word *name, word *value) {
  size_t dashes = 0;
  while (dashes < 2 && dashes < argument.length &&
         argument.text[dashes] == '-') {
    dashes++;
  }
  if (dashes == 0 || dashes == argument.length) return false;
  *name = (word){argument.text + dashes, argument.length - dashes};
  *value = (word){NULL, 0};
  const char *equals = memchr(name->text, '=', name->length);
  if (equals == NULL) return true;
  *value = (word){equals + 1,
                  (size_t)(argument.text + argument.length - equals) - 1};
  name->length = (size_t)(equals - name->text);
  return true;
}

/* Reads all flags; false if it would have refused them. */
static bool read_flags(const char *at, const char *end, word values[VALUES]) {
  word argument, name, value;
  if (!take(&at, end, &argument)) return false;  // the program's own name
  while (at < end) {
    if (!take(&at, end, &argument)) return false;
    if (!split(argument, &name, &value)) return true;
    if (find(name, switches, sizeof switches / sizeof *switches) >= 0) continue;
    int flag = find(name, value_flags, VALUES);
    if (flag < 0) return false;
    if (value.text == NULL && !take(&at, end, &value)) return false;
    values[flag] = value;
  }
  return true;
}

static bool read_port(word w, uint16_t *ret) {
  unsigned n = 0;
  if (w.length == 0 || w.length > 5) return false;
  for (size_t i = 0; i < w.length; i++) {
    if (w.text[i] < '0' || w.text[i] > '9') return false;
    n = n * 10 + (unsigned)(w.text[i] - '0');
  }
  *ret = (uint16_t)n;
  return n > 0 && n <= 65535;
}

bool pi__proxy_target(const char *arguments, size_t length, pi_address *address,
                      uint16_t *port) {
  static const char *const protocols[] = {"tcp", "udp", "sctp"};
  word values[VALUES] = {[PROTO] = {"tcp", 3}};
  if (length == 0 || !read_flags(arguments, arguments + length, values)) {
    return false;
  }
  word ip = values[CONTAINER_IP];
  return find(values[PROTO], protocols, 3) >= 0 && ip.text != NULL &&
         pi_address_parse(ip.text, ip.length, address) &&
         values[CONTAINER_PORT].text != NULL &&
         read_port(values[CONTAINER_PORT], port);
}
