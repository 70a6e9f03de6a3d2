/* taskfile.h: every descriptor of every internet socket that our pid namespace
 * shows, of all network namespaces, as the BPF iterator tells them: a record
 * for each process and descriptor. What nobody holds is not in it.
 */
#ifndef PI_OS_LINUX_TASKFILE_H
#define PI_OS_LINUX_TASKFILE_H

#include "../../core/collect.h"
#include "bpf/record.h"

/* ---- Records ------------------------------------------------------------ */

typedef int (*pi__record_visit)(void *arg, const pi__record *record,
                                pi_error *err);

/* Visits the whole records at the front of a buffer; *used: their bytes. The
 * rest is the beginning of one. PI_EREPLY: they are not ours. */
int pi__record_walk(const char *bytes, size_t length, size_t *used,
                    pi__record_visit visit, void *arg, pi_error *err);

/* A record as a row, but for the device, whose name is one of its own network
 * namespace: unknown if there is one. False: of a protocol or in a state that
 * has no row. */
bool pi__record_row(const pi__record *record, pi__row *row);

/* Did the kernel choose the port (field `autobound`)? */
pi_sight pi__record_autobound(const pi__record *record, bool *ret);

/* The bytes of the name before its NUL. */
size_t pi__record_comm(const pi__record *record);

/* How procfs tells the start of a process, in the time namespace that `offset`
 * (ns, see below) is of. */
uint64_t pi__record_start(const pi__record *record, int64_t offset);

/* What our time namespace adds to the time since boot, in ns; 0 where there are
 * none. */
int64_t pi__boot_offset(const char *proc);

/* The same out of the text of PROC/self/timens_offsets (time_namespaces(7)). */
int64_t pi__boot_offset_parse(const char *text);

/* ---- Streams of them ---------------------------------------------------- */

typedef struct pi__taskfile pi__taskfile;

/* Ways to a stream, as bits. */
enum {
  PI__TASKFILE_PINNED = 1, /* that of the probe: costs nothing */
  PI__TASKFILE_LOADED = 2, /* a program of our own: some 15 ms */
};

/* The ways that look open, without taking one: the probe in `folder` can be
 * read, or the program is built in and we hold the capabilities. */
unsigned pi__taskfile_ways(const char *folder);

/* Opens a stream by the first of these ways that serves; *pinned: by the
 * probe's. `folder` lives as long as it. PI_EUNSUPPORTED or PI_EOS: none does,
 * and the text says why; a probe that is there but not for us is named in it.
 */
int pi__taskfile_open(const char *folder, unsigned ways, pi__taskfile **ret,
                      bool *pinned, pi_error *err);
void pi__taskfile_close(pi__taskfile *stream);

/* Visits what the stream tells, from its begin to its end, each time anew. A
 * thread with descriptors of its own is told of as its process; where the first
 * thread has ended, once for every other. PI_ECANCELED: `reading` (which may be
 * NULL) was to stop. */
int pi__taskfile_read(pi__taskfile *stream, const pi__reading *reading,
                      pi__record_visit visit, void *arg, pi_error *err);

#endif
