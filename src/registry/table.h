/* table.h: reads the text tables of data/ for the generator.
 *
 * A table is UTF-8 with LF line ends: lines that begin with "#", a line that
 * names the columns, then rows of cells with a tab between, without quoting.
 * Whatever else a file holds ends the program with status 1 and one line,
 * `file:line: what is wrong, and what would be right`.
 */
#ifndef PI_REGISTRY_TABLE_H
#define PI_REGISTRY_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum { TABLE_COLUMNS = 16, TABLE_CELL = 4095 };

typedef struct table {
  const char *path;
  char *bytes, *next; /* the file, with a NUL behind it; the next line */
  unsigned line;      /* number of the line read last */
  size_t columns;
  char *date; /* of a line "# date: YYYY-MM-DD"; NULL without one */
} table;

/* Reads the file and checks its bytes and its header: `columns` are the names
 * wanted, with a space between. The cells that table_next hands out point into
 * the file's bytes, which table_deinit frees; `path` and `line` stay. */
void table_init(table *t, const char *path, const char *columns);
void table_deinit(table *t);

/* Splits the next row into `cells`; false at the end. */
bool table_next(table *t, char *cells[TABLE_COLUMNS]);

/* Tells what is wrong with the present row, and ends the program. */
_Noreturn void table_fail(const table *t, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/* A cell as a port; a pair of cells as a range; "tcp,udp" as PI_TRANSPORT_*
 * bits, "any" as none of them. */
unsigned short table_port(const table *t, const char *cell);
void table_range(const table *t, char *const cells[2], unsigned short range[2]);
unsigned char table_transports(const table *t, const char *cell);

/* Refuses what is neither "" nor YYYY-MM nor YYYY-MM-DD. */
void table_check_date(const table *t, const char *cell);

#endif
