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
  pi__want want;
  bool (*interrupted)(void);

  size_t count, capacity;
  pi__column columns[PI_FIELD_COUNT];
  uint16_t *service_port; /* of the derived group */
  uint8_t *service_sight;
  pi__index identity; /* rows by cookie, or by tuple and inode; while reading */
  uint8_t *marked;    /* pi__mark of who chose the port; while reading */

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

  pi_host host;
  pi_quality quality;
};

struct pi__reading {
  struct pi_snapshot snapshot; /* a reading is a snapshot that may be written */
};

/* Bytes of a cell, 0 for a field that is computed. */
size_t pi__width(pi_field field);

uint64_t pi__cell(const pi_snapshot *s, size_t row, pi_field field);
const pi_address *pi__cell_address(const pi_snapshot *s, size_t row,
                                   pi_field field);
pi_sight pi__cell_sight(const pi_snapshot *s, size_t row, pi_field field);
void pi__cell_set(pi_snapshot *s, size_t row, pi_field field, uint64_t value);

/* Allocates a column of the present rows, zeroed. */
int pi__column_add(pi_snapshot *s, pi_field field, pi_error *err);
void pi__column_drop(pi_snapshot *s, pi_field field);
int pi__sight_set(pi_snapshot *s, size_t row, pi_field field, pi_sight sight,
                  pi_error *err);

int pi__index_init(pi__index *index, size_t expected, pi_error *err);
void pi__index_deinit(pi__index *index);
size_t pi__index_slot(const pi__index *index, uint64_t key);

/* The derived group (derive.c) and the owners' join (owners.c). */
int pi__derive(pi_snapshot *s, pi_error *err);
int pi__owners_begin(pi_snapshot *s, pi_error *err);
int pi__owners_join(pi_snapshot *s, pi_error *err);
void pi__owners_end(pi_snapshot *s);

const pi__string *pi__string_at(const pi_snapshot *s, uint32_t text);

#endif
