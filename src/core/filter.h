/* filter.h: the tree that every spelling of a filter becomes. */
#ifndef PI_CORE_FILTER_H
#define PI_CORE_FILTER_H

#include "collect.h"

typedef enum pi__node {
  PI__NODE_ALL,   /* true of every row */
  PI__NODE_HAS,   /* the field has a value; of a yes/no field: it is yes */
  PI__NODE_KNOWN, /* it can be seen, or seen that there is none */
  PI__NODE_IN,    /* the field, or a member of it, is one of a set */
  PI__NODE_AND,
  PI__NODE_OR,
  PI__NODE_NOT,
} pi__node;

typedef enum pi__kind {
  PI__SPAN,       /* numbers, ports, times; words and yes/no by index */
  PI__BLOCK,      /* addresses from low to high */
  PI__LITERAL,    /* text */
  PI__GLOB,       /* text with * ? [x] */
  PI__EPHEMERAL,  /* ports of the namespace's client range */
  PI__RESERVED,   /* its ip_local_reserved_ports */
  PI__PRIVILEGED, /* below its ip_unprivileged_port_start */
} pi__kind;

typedef enum pi__order {
  PI__LESS,
  PI__LESS_EQUAL,
  PI__GREATER,
  PI__GREATER_EQUAL,
} pi__order;

/* One value of a set. */
typedef struct pi__member {
  pi__kind kind;
  uint64_t first, last;
  pi_address low, high;
  char *text;
  size_t length;
} pi__member;

struct pi_filter {
  pi__node node;
  unsigned depth;
  pi_field field;
  pi__member *members; /* PI__NODE_IN */
  size_t count, capacity;
  pi_filter **kids; /* AND, OR: two or more; NOT: one */
  size_t kid_count, kid_capacity;
};

/* A node without members or kids; NULL when memory ends. */
pi_filter *pi__node_new(pi__node node, pi_field field);

/* The flag with this name; NULL if there is none, or on failure (err->code). */
pi_filter *pi__flag(const char *word, size_t length, pi_error *err);

/* `:PORTS` or `ADDRESS:PORTS`; NULL if the word is neither, or on failure. */
pi_filter *pi__endpoint(const char *word, size_t length, pi_error *err);

/* Compares a port or number field with one value; NULL on failure. */
pi_filter *pi__compare(pi_field field, pi__order order, const pi_operand *value,
                       pi_error *err);

/* Reads one value as `field` wants it and appends what it means to `filter`,
 * which is a PI__NODE_IN: a service name may be several ports. */
int pi__operand_read(pi_filter *filter, const pi_operand *operand,
                     pi_error *err);

int pi__member_add(pi_filter *filter, const pi__member *member, pi_error *err);

/* The bits in which all addresses of a PI__BLOCK agree, if that is all that
 * they have in common; else -1. */
int pi__block_prefix(const pi__member *block);

/* Does a text match a glob: `*` any run, `?` one character, `[x]` that x? */
bool pi__glob(const char *glob, size_t glob_length, const char *text,
              size_t length, bool fold);

/* Are `length` bytes the same, or with `fold` the same but for ASCII case? */
bool pi__same_text(const char *a, const char *b, size_t length, bool fold);

#endif
