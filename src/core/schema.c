/* schema.c: what the fields are called, and the words they are spelled with. */
#include "schema.h"

#include <string.h>

static const char *const proto_words[] = {"tcp",   "udp", "udplite", "sctp",
                                          "mptcp", "raw", NULL};
static const char *const family_words[] = {"ipv4", "ipv6", NULL};
static const char *const state_words[] = {
    "established", "syn-sent",  "syn-received", "fin-wait-1", "fin-wait-2",
    "time-wait",   "closed",    "close-wait",   "last-ack",   "listen",
    "closing",     "connected", "unconnected",  NULL};
static const char *const role_words[] = {"listener", "service",   "inbound",
                                         "outbound", "connected", "client",
                                         "bound",    "closing",   NULL};
static const char *const families_words[] = {"4", "6", "4+6", NULL};
static const char *const exposure_words[] = {
    "loopback",  "link-local", "private", "public",
    "multicast", "wildcard",   NULL};
static const char *const range_words[] = {"system", "user", "dynamic", NULL};
static const char *const owner_words[] = {"known", "none", "unknown", NULL};
static const char *const why_words[] = {
    "time-wait", "orphan",   "not-yet-accepted",
    "unheld",    "kernel",   "permission",
    "hidden",    "vanished", "other-pid-namespace",
    NULL};

#define WORDS_WORD(name)    name##_words
#define WORDS_PORT(name)    NULL
#define WORDS_ADDRESS(name) NULL
#define WORDS_TEXT(name)    NULL
#define WORDS_NUMBER(name)  NULL
#define WORDS_BOOL(name)    NULL
#define WORDS_TIME(name)    NULL
#define WORDS_HOLDERS(name) NULL

static const pi_field_info infos[PI_FIELD_COUNT] = {
#define X(ID, name, type, group, several, priority, unit, meaning)             \
  {#name,    PI_TYPE_##type, PI_GROUP_##group, several,                        \
   priority, unit,           meaning,          WORDS_##type(name)},
    PI_FIELDS(X)
#undef X
};

const pi_field_info *pi_field_describe(pi_field field) {
  return &infos[field];
}

const char *pi_group_name(unsigned group) {
  switch (group) {
  case PI_GROUP_SOCKET: return "socket";
  case PI_GROUP_DERIVED: return "derived";
  case PI_GROUP_TCP_INFO: return "tcp_info";
  case PI_GROUP_OWNER: return "owner";
  case PI_GROUP_PROCESS: return "process";
  default: return "";
  }
}

/* ASCII alone: the words of a locale must not change what a filter means. */
static char fold(char c) {
  if (c >= 'A' && c <= 'Z') return (char)(c - 'A' + 'a');
  return c;
}

bool pi__same_word(const char *word, const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    char c = fold(text[i]);
    if (word[i] == '\0') return false;
    if (word[i] != c && !(c == '_' && word[i] == '-')) return false;
  }
  return word[length] == '\0';
}

typedef struct alias {
  const char *spelling, *word;
} alias;

static const char *unalias(const alias *list, const char *text, size_t length) {
  for (; list->spelling != NULL; list++) {
    if (pi__same_word(list->spelling, text, length)) return list->word;
  }
  return NULL;
}

int pi_field_find(const char *name, size_t length) {
  static const alias aliases[] = {
      {"sport", "lport"}, {"dport", "rport"}, {"src", "laddr"},
      {"dst", "raddr"},   {NULL, NULL},
  };
  const char *real = unalias(aliases, name, length);
  if (real != NULL) {
    name = real;
    length = strlen(real);
  }
  for (int f = 0; f < PI_FIELD_COUNT; f++) {
    if (pi__same_word(infos[f].name, name, length)) return f;
  }
  return -1;
}

int pi__word_find(pi_field field, const char *text, size_t length) {
  // what ss and netstat print, so that their readers need not learn ours
  static const alias state_aliases[] = {
      {"estab", "established"},
      {"listening", "listen"},
      {"syn-recv", "syn-received"},
      {"syn-rcvd", "syn-received"},
      {"fin-wait1", "fin-wait-1"},
      {"fin-wait2", "fin-wait-2"},
      {"close", "closed"},
      {"unconn", "unconnected"},
      {NULL, NULL},
  };
  static const alias family_aliases[] = {
      {"inet", "ipv4"}, {"inet4", "ipv4"}, {"inet6", "ipv6"},
      {"4", "ipv4"},    {"6", "ipv6"},     {NULL, NULL},
  };
  const char *const *words = infos[field].words;
  for (int i = 0; words[i] != NULL; i++) {
    if (pi__same_word(words[i], text, length)) return i;
  }
  const char *real = NULL;
  if (field == PI_STATE) real = unalias(state_aliases, text, length);
  if (field == PI_FAMILY) real = unalias(family_aliases, text, length);
  if (real == NULL) return -1;
  return pi__word_find(field, real, strlen(real));
}

size_t pi__fields_find(const char *name, size_t length, pi_field fields[2]) {
  int field = pi_field_find(name, length);
  bool port = pi__same_word("port", name, length);
  if (port || pi__same_word("addr", name, length)) {
    fields[0] = port ? PI_LPORT : PI_LADDR;
    fields[1] = port ? PI_RPORT : PI_RADDR;
    return 2;
  }
  fields[0] = (pi_field)field;
  return field >= 0 ? 1 : 0;
}
