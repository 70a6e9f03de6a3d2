/* Where a docker-proxy forwards to, by its own arguments. */
#include "test.h"

#include "core/proxy.h"

/* The arguments stand behind each other, NULs included. */
#define ARGUMENTS(text) text, sizeof text

static const struct {
  const char *arguments;
  size_t length;
  const char *via; /* NULL: they do not say */
} table[] = {
    // as dockerd starts it
    {ARGUMENTS("/usr/bin/docker-proxy\0-proto\0tcp\0-host-ip\0"
               "0.0.0.0\0-host-port\0"
               "8080\0-container-ip\0"
               "172.17.0.2\0-container-port\0"
               "80\0-use-listen-fd"),
     "172.17.0.2:80"},
    {ARGUMENTS("x\0--container-ip=fd00::2\0--container-port=65535\0-proto=udp"),
     "[fd00::2]:65535"},
    {ARGUMENTS("x\0-container-ip\0::ffff:10.0.0.1\0-container-port\0"
               "1"),
     "10.0.0.1:1"},
    {ARGUMENTS("x\0-use-listen-fd\0-container-ip\0"
               "10.0.0.1\0--container-port\0"
               "0080"),
     "10.0.0.1:80"},
    {ARGUMENTS("x\0-use-listen-fd=true\0-container-ip=10.0.0.1\0"
               "-container-port=80\0-proto\0sctp"),
     "10.0.0.1:80"},
    // the last of a name counts
    {ARGUMENTS("x\0-container-ip=10.0.0.1\0-container-port=80\0"
               "-container-ip=10.0.0.2"),
     "10.0.0.2:80"},
    // what is no flag ends them
    {ARGUMENTS("x\0-container-ip=10.0.0.1\0-container-port=80\0y\0"
               "-container-ip=10.0.0.2"),
     "10.0.0.1:80"},
    {ARGUMENTS("x\0-container-ip=10.0.0.1\0-container-port=80\0--\0"
               "-container-ip=10.0.0.2"),
     "10.0.0.1:80"},
    {ARGUMENTS("x\0-container-ip=10.0.0.1\0-container-port=80\0-\0-what"),
     "10.0.0.1:80"},
    // a space is none between arguments
    {ARGUMENTS("x\0-host-ip\0"
               "0.0.0.0 -container-ip 10.0.0.1 -container-port 80"),
     NULL},
    {ARGUMENTS("x\0-container-ip 10.0.0.1\0-container-port=80"), NULL},
    {ARGUMENTS("x\0-container-ip=10.0.0.1 \0-container-port=80"), NULL},
    // a value may look like a flag
    {ARGUMENTS("x\0-host-ip\0-container-ip\0"
               "10.0.0.1\0-container-port\0"
               "80"),
     NULL},
    {ARGUMENTS("x\0-container-port=80"), NULL},
    {ARGUMENTS("x\0-container-ip=10.0.0.1"), NULL},
    {ARGUMENTS("x\0-container-ip=10.0.0.1\0-container-port"), NULL},
    {ARGUMENTS("x\0-container-ip=10.0.0.1\0-container-port="), NULL},
    {ARGUMENTS("x\0-container-ip=10.0.0.1\0-container-port=0"), NULL},
    {ARGUMENTS("x\0-container-ip=10.0.0.1\0-container-port=65536"), NULL},
    {ARGUMENTS("x\0-container-ip=10.0.0.1\0-container-port=4294967376"), NULL},
    {ARGUMENTS("x\0-container-ip=10.0.0.1\0-container-port=+80"), NULL},
    {ARGUMENTS("x\0-container-ip=10.0.0\0-container-port=80"), NULL},
    {ARGUMENTS("x\0-container-ip=[fd00::2]\0-container-port=80"), NULL},
    {ARGUMENTS("x\0-container-ip=\0-container-port=80"), NULL},
    {ARGUMENTS("x\0-container-ip=web\0-container-port=80"), NULL},
    // flags that it does not know, or of another form
    {ARGUMENTS("x\0-container-ip=10.0.0.1\0-container-port=80\0-other=1"),
     NULL},
    {ARGUMENTS("x\0---container-ip=10.0.0.1\0-container-port=80"), NULL},
    {ARGUMENTS("x\0-=\0-container-ip=10.0.0.1\0-container-port=80"), NULL},
    {ARGUMENTS("x\0-proto=icmp\0-container-ip=10.0.0.1\0-container-port=80"),
     NULL},
    {ARGUMENTS("-container-ip=10.0.0.1\0-container-port=80"), NULL},
    {ARGUMENTS(""), NULL},
    {"", 0, NULL},
};

static char text_of[PI_ADDRESS_TEXT + 16];

static const char *via(const char *arguments, size_t length) {
  char host[PI_ADDRESS_TEXT];
  pi_address address;
  uint16_t port;
  if (!pi__proxy_target(arguments, length, &address, &port)) return NULL;
  pi_address_format(&address, host);
  snprintf(text_of, sizeof text_of,
           pi_address_is_v4(&address) ? "%s:%u" : "[%s]:%u", host,
           (unsigned)port);
  return text_of;
}

static void what_arguments_say(void **state) {
  (void)state;
  for (size_t i = 0; i < LENGTH(table); i++) {
    const char *found = via(table[i].arguments, table[i].length);
    if (table[i].via == NULL) {
      if (found != NULL) fail_msg("%zu: %s", i, found);
    } else {
      if (found == NULL) fail_msg("%zu: not found", i);
      assert_string_equal(table[i].via, found);
    }
  }
}

/* What was cut says nothing that is not whole: no argument without its end
 * counts, and nothing behind the end is read. */
static void arguments_that_are_cut(void **state) {
  (void)state;
  static const char whole[] = "x\0-container-ip=10.0.0.1\0-container-port=8080";
  for (size_t n = 0; n < sizeof whole; n++) {
    char *copy = malloc(n + 1);
    assert_non_null(copy);
    memcpy(copy, whole, n);
    assert_null(via(copy, n));
    free(copy);
  }
  assert_string_equal("10.0.0.1:8080", via(whole, sizeof whole));
}

static bool is_proxy(const char *exe, const char *comm) {
  return pi__proxy_is(exe, exe == NULL ? 0 : strlen(exe), comm, strlen(comm));
}

static void who_is_one(void **state) {
  (void)state;
  assert_true(is_proxy("/usr/bin/docker-proxy", "docker-proxy"));
  assert_true(is_proxy("/usr/bin/docker-proxy (deleted)", "docker-proxy"));
  assert_true(is_proxy("/home/a b/rootlesskit-docker-proxy", "x"));
  assert_true(is_proxy(NULL, "docker-proxy"));
  assert_true(is_proxy(NULL, "rootlesskit-doc"));
  assert_true(is_proxy("docker-proxy", ""));
  // anybody may take the name
  assert_false(is_proxy("/usr/bin/python3.11", "docker-proxy"));
  assert_false(is_proxy("/usr/bin/docker-proxy/x", "docker-proxy"));
  assert_false(is_proxy("/usr/bin/docker-proxy2", "docker-proxy"));
  assert_false(is_proxy(" (deleted)", "docker-proxy"));
  assert_false(is_proxy("", "docker-proxy"));
  assert_false(is_proxy(NULL, "docker-proxy2"));
  assert_false(is_proxy(NULL, ""));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_arguments_say),
      cmocka_unit_test(arguments_that_are_cut),
      cmocka_unit_test(who_is_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
