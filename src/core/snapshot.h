/* snapshot.h: what a snapshot is made of; core's own.
 *
 * Columns: one array per stored field, allocated together, and beside it an
 * array of pi_sight that exists once some cell is not known. Fields without a
 * column are computed from others: names from the service port, holders' fields
 * from the list of holders.
 */
#ifndef PI_CORE_SNAPSHOT_H
#define PI_CORE_SNAPSHOT_H

#include "collect.h"

typedef struct pi__column {
  void *cells;    /* `width` bytes each; NULL: computed or not yet read */
  uint8_t *sight; /* pi_sight; NULL: all known */
} pi__column;

typedef struct pi__string {
  uint32_t length;
  char bytes[]; /* and a NUL */
} pi__string;

typedef struct pi__holding {
  uint64_t inode;
  uint32_t order; /* the pid, or more than any pid: where it stands in a run */
  uint32_t process;
  int fd;
} pi__holding;

/* Open addressing from a 64-bit key to row numbers; equal keys stand in a run
 * of probes. */
typedef struct pi__index {
  uint32_t *rows; /* PI__NO_ROW: free */
  size_t mask;    /* slots - 1; a power of two minus one */
  size_t used;
} pi__index;

#define PI__NO_ROW UINT32_MAX

typedef enum pi__mark {
  PI__MARK_NONE, /* its process chose, as far as was told */
  PI__MARK_AUTOBOUND,
  PI__MARK_DOUBT, /* it may have been gone when the kernel was asked */
} pi__mark;

struct pi_snapshot {
  unsigned groups;
  bool loaded;  /* from a saved reading: no group can be added */
  char *filter; /* the text of what that was asked for; NULL: everything */
  pi__want want;
  bool (*interrupted)(void);

  const pi_snapshot *before; /* to take over from; while reading */
  uint32_t *earlier;         /* the row in it, or PI__NO_ROW; likewise */

  size_t count, capacity;
  pi__column columns[PI_FIELD_COUNT];
  uint16_t *service_port; /* of the derived group */
  uint8_t *service_sight;
  pi__index identity; /* rows by cookie, or by tuple and inode; while reading */
  uint8_t *told;      /* pi__port_choice; NULL: no source told at once */
  uint8_t *marked;    /* pi__mark of who chose the port; of the derived group */

  const pi__string **texts;
  size_t text_count, text_capacity;

  pi__index inodes; /* rows by inode; while looking for owners */
  uint8_t *held;    /* rows somebody holds; while looking for owners */
  uint8_t *alive;   /* rows met again after the scan */
  pi__holding *holdings;
  size_t holding_count, holding_capacity;
  uint32_t *first_holding; /* count + 1: the run of each row, main first */
  pi__process *processes;
  size_t process_count, process_capacity;

  pi__netns first, *others; /* namespaces */
  size_t other_count, other_capacity;
  pi__index netnses; /* the others by inode */
  size_t turned;     /* to which of them, the first being 0; while reading */
  pi_quality quality;
};

struct pi__reading {
  struct pi_snapshot snapshot; /* a reading is a snapshot that may be written */
};

enum {
  PI__WIDTH_WORD = 1,
  PI__WIDTH_BOOL = 1,
  PI__WIDTH_PORT = 2,
  PI__WIDTH_NUMBER = 8,
  PI__WIDTH_ADDRESS = sizeof(pi_address),
  PI__WIDTH_TEXT = 0,
  PI__WIDTH_TIME = 0,
  PI__WIDTH_HOLDERS = 0,
};

/* Numbers that fit less than others, and texts that stand in columns, by their
 * number. */
#define PI__IS_SMALL(field)                                                    \
  ((field) == PI_UID || (field) == PI_RXQ || (field) == PI_TXQ ||              \
   (field) == PI_MARK || (field) == PI_IFACE || (field) == PI_CONGESTION)

/* Numbers that others tell: the holders, the local port of a raw socket. */
#define PI__IS_TOLD(field)                                                     \
  ((field) == PI_PID || (field) == PI_PPID || (field) == PI_HOLDER_NETNS ||    \
   (field) == PI_PROTOCOL)

/* Bytes of a cell, 0 for a field that is computed. Like the cells themselves
 * it is read at every row: one look into a table, and nothing where the field
 * is a constant. */
static inline size_t pi__width(pi_field field) {
#define PI__X(ID, name, type, ...)                                             \
  PI__IS_SMALL(PI_##ID) ? 4 : PI__IS_TOLD(PI_##ID) ? 0 : PI__WIDTH_##type,
  static const uint8_t widths[PI_FIELD_COUNT] = {PI_FIELDS(PI__X)};
#undef PI__X
  return widths[field];
}

static inline uint64_t pi__cell(const pi_snapshot *s, size_t row,
                                pi_field field) {
  const void *cells = s->columns[field].cells;
  switch (pi__width(field)) {
  case 1: return ((const uint8_t *)cells)[row];
  case 2: return ((const uint16_t *)cells)[row];
  case 4: return ((const uint32_t *)cells)[row];
  default: return ((const uint64_t *)cells)[row];
  }
}

static inline void pi__cell_set(pi_snapshot *s, size_t row, pi_field field,
                                uint64_t value) {
  void *cells = s->columns[field].cells;
  switch (pi__width(field)) {
  case 1: ((uint8_t *)cells)[row] = (uint8_t)value; break;
  case 2: ((uint16_t *)cells)[row] = (uint16_t)value; break;
  case 4: ((uint32_t *)cells)[row] = (uint32_t)value; break;
  default: ((uint64_t *)cells)[row] = value; break;
  }
}

static inline const pi_address *pi__cell_address(const pi_snapshot *s,
                                                 size_t row, pi_field field) {
  return (const pi_address *)s->columns[field].cells + row;
}

static inline pi_sight pi__cell_sight(const pi_snapshot *s, size_t row,
                                      pi_field field) {
  const uint8_t *sight = s->columns[field].sight;
  return sight == NULL ? PI_KNOWN : (pi_sight)sight[row];
}

/* Namespaces (netns.c): that of a row, the one with this inode (NULL: there is
 * none), the i-th; and the sum of what is said of their sources. */
const pi__netns *pi__row_netns(const pi_snapshot *s, size_t row);
const pi__netns *pi__netns_find(const pi_snapshot *s, uint64_t inode);
pi__netns *pi__netns_at(pi_snapshot *s, size_t i);
void pi__netns_sum(pi_snapshot *s);

/* Do all rows have the same host? */
static inline bool pi__one_host(const pi_snapshot *s) {
  return s->other_count == 0;
}

/* Allocates a column of the present rows, zeroed. */
int pi__column_add(pi_snapshot *s, pi_field field, pi_error *err);
void pi__column_drop(pi_snapshot *s, pi_field field);
int pi__sight_set(pi_snapshot *s, size_t row, pi_field field, pi_sight sight,
                  pi_error *err);

int pi__index_init(pi__index *index, size_t expected, pi_error *err);
void pi__index_deinit(pi__index *index);
size_t pi__index_slot(const pi__index *index, uint64_t key);

/* The row of a reading that is this socket, or PI__NO_ROW; its index, which is
 * dropped when it has served, made anew (reading.c). */
uint32_t pi__reading_find(pi_snapshot *s, const pi__row *row);
int pi__reading_index(pi_snapshot *s, pi_error *err);

/* Columns of the group tcp_info, nothing told yet (tcpinfo.c). */
int pi__tcp_info_begin(pi_snapshot *s, pi_error *err);

/* The derived group (derive.c) and the owners' join (owners.c). */
void pi__marks_begin(pi_snapshot *s); /* by what sources told at once */
int pi__derive(pi_snapshot *s, pi_error *err);
void pi__derive_service(pi_snapshot *s, size_t row); /* from role and ports */
int pi__owners_begin(pi_snapshot *s, pi_error *err);
int pi__owners_join(pi_snapshot *s, pi_error *err);
void pi__owners_end(pi_snapshot *s);

/* Keeps a container as the text RUNTIME:ID (owners.c). */
struct pi__container;
int pi__container_text(pi__reading *reading,
                       const struct pi__container *container, uint32_t *ret,
                       pi_error *err);

/* What is taken over from an earlier reading (recall.c), which may be of
 * something else: then nothing is. */
int pi__recall_begin(pi_snapshot *s, const pi_snapshot *before, pi_error *err);
void pi__recall_end(pi_snapshot *s);

/* Names of pi_backend in saved readings, NULL at the end (save.c). */
extern const char *const pi__backend_words[];

const pi__string *pi__string_at(const pi_snapshot *s, uint32_t text);

#endif
