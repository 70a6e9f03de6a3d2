/* collect.h: the seam between core and the kernels.
 *
 * A platform (src/os/NAME) sees this header and no other of core's. It calls
 * the functions below to hand over what it found and implements pi__collect,
 * pi__probe, and what tells of sockets between two readings. Values cross in
 * host byte order, with states named; what could not be seen is said, never
 * guessed.
 */
#ifndef PI_CORE_COLLECT_H
#define PI_CORE_COLLECT_H

#include "../portinfo.h"

/* ---- Tools: memory and errors, the only ones for core and os ------------ */

/* As realloc; a size of 0 frees and gives NULL. The single door to the heap, in
 * an object file of its own: a test that starves us defines its own. */
void *pi__realloc(void *block, size_t size);

/* Makes room for `need` items of `size` bytes in *array, whose capacity is
 * *capacity items; grows by half at least. */
int pi__reserve(void *array, size_t *capacity, size_t need, size_t size,
                pi_error *err);

/* Fills *err (which may be NULL) and returns `code`. */
#if defined(__GNUC__)
__attribute__((format(printf, 4, 5)))
#endif
int pi__fail(pi_error *err, int code, int os, const char *format, ...);

/* Here, so that who reads a caller's file alone sees that it is never 0. */
static inline int pi__nomem(pi_error *err) {
  pi__fail(err, PI_ENOMEM, 0, "out of memory");
  return PI_ENOMEM;
}

/* ---- What a platform hands over ----------------------------------------- */

typedef struct pi__reading pi__reading; /* a snapshot in the making */
typedef struct pi__tcp_info pi__tcp_info;

/* Who chose a local port. */
typedef enum pi__port_choice {
  PI__CHOICE_ANY, /* not told, or not asked for */
  PI__CHOICE_KERNEL,
  PI__CHOICE_PROCESS,
} pi__port_choice;

/* One socket. */
typedef struct pi__row {
  pi_proto proto;
  pi_family family; /* as the kernel said, v4-mapped or not */
  pi_state state;
  pi_address laddr, raddr; /* IPv4 v4-mapped; raddr of an unconnected: zero */
  uint16_t lport, rport;   /* raw: the IP protocol, and nothing */
  uint32_t iface;          /* pi__reading_text of the bound device; 0: none */
  uint64_t inode;          /* 0: no file */
  uint64_t cookie; /* 0: unknown; SCTP: associations of a socket share it */
  uint64_t netns;  /* inode of its namespace; 0: that which is being read */
  uint32_t uid, rxq, txq, mark;
  uint8_t uid_sight, iface_sight, rxq_sight, txq_sight, v6only_sight,
      mark_sight; /* pi_sight */
  bool v6only;
  uint8_t choice;           /* pi__port_choice, if the source tells at once */
  const pi__tcp_info *info; /* where it was asked for, during the visit */
} pi__row;

/* Adds a row. A row of a socket that is already there replaces it: a dump may
 * meet a socket twice while the kernel's tables move. */
int pi__reading_row(pi__reading *reading, const pi__row *row, pi_error *err);

/* Makes room for about so many more rows at once; more may come, or fewer. */
int pi__reading_expect(pi__reading *reading, size_t rows, pi_error *err);

/* The number of rows, and a return to an earlier number, which cannot fail. */
size_t pi__reading_rows(const pi__reading *reading);
void pi__reading_rewind(pi__reading *reading, size_t rows);

/* How many of them, from one on, are of this protocol and family. */
size_t pi__reading_count(const pi__reading *reading, size_t from,
                         pi_proto proto, pi_family family);

/* A network namespace of a reading: there is one, and there may be others. What
 * is said above and below of rows without a namespace, of the host, of sources
 * and of who chose a port is about the one that is being read: the first, until
 * told otherwise. */
typedef struct pi__netns {
  uint32_t path;      /* pi__reading_text: where to enter it; 0: we are there */
  uint32_t pid;       /* of a process that lives there; 0: none was met */
  uint32_t name;      /* pi__reading_text */
  uint8_t name_sight; /* pi_sight */
  bool closed;        /* we may not enter it */
  bool gone;          /* it was no longer there */
  bool outside;       /* read from outside, as nothing leads into it for us */
  struct pi_source sources[PI_PROTOS][2]; /* [pi_proto][pi_family] */
  pi_host host;                           /* its inode as well */
} pi__netns;

/* Adds a namespace, and turns to it. */
int pi__reading_netns_add(pi__reading *reading, uint64_t inode, pi_error *err);

/* How many there are; turning to the i-th, and to the one with this inode (NULL
 * if there is none). What they return is good until one is added. */
size_t pi__reading_netns_count(const pi__reading *reading);
pi__netns *pi__reading_netns_turn(pi__reading *reading, size_t i);
pi__netns *pi__reading_netns_seek(pi__reading *reading, uint64_t inode);

/* Names a namespace after the process that lives in it, or after the container
 * that this one's control group tells of. */
int pi__reading_netns_home(pi__reading *reading, pi__netns *netns,
                           const char *cgroup, size_t length, pi_error *err);

/* Of the one being read. */
pi_host *pi__reading_host(pi__reading *reading);
struct pi_source *pi__reading_source(pi__reading *reading, pi_proto proto,
                                     pi_family family);

/* Says that the kernel chose the local port of this row's socket. */
void pi__reading_autobound(pi__reading *reading, const pi__row *row);

/* After the autobound ones: doubts the others, as they may have been closed
 * before the kernel was asked, and says whether there are any for whom it
 * matters. pi__reading_chosen takes the doubt from a row again: its process
 * chose. */
bool pi__reading_doubt(pi__reading *reading, pi_proto proto, pi_family family);
void pi__reading_chosen(pi__reading *reading, const pi__row *row);

/* Figures of a connection, of the fields from PI_RTT to PI_IDLE, and its
 * algorithm. */
enum { PI__FIGURES = PI_IDLE - PI_RTT + 1 };

typedef struct pi__figure {
  uint64_t number;
  uint8_t sight; /* pi_sight */
} pi__figure;

struct pi__tcp_info {
  pi__figure figures[PI__FIGURES];
  uint32_t congestion; /* pi__reading_text */
  uint8_t congestion_sight;
};

/* Keeps the `info` of this row's socket. */
void pi__reading_tcp_info(pi__reading *reading, const pi__row *row);

/* Keeps a text as long as the reading lives. Equal texts may share. */
int pi__reading_text(pi__reading *reading, const char *bytes, size_t length,
                     uint32_t *ret, pi_error *err);

/* What was kept, with a NUL behind it; NULL for 0. */
const char *pi__reading_text_at(const pi__reading *reading, uint32_t text);

pi_quality *pi__reading_quality(pi__reading *reading);

/* Has the caller asked to stop? Callable from any thread. */
bool pi__interrupted(const pi__reading *reading);

/* Is a socket with this inode in the reading, and not yet known to be held (or
 * held at all, when `unheld` is false)? Callable from any thread, as long as
 * none adds. */
bool pi__reading_wants(const pi__reading *reading, uint64_t inode, bool unheld);

/* Adds a process that holds a socket, *ret is its number. `start` is what the
 * kernel says to tell apart processes of one pid, in any unit; `uid` is whom it
 * runs as. */
int pi__reading_process(pi__reading *reading, uint32_t pid, uint32_t uid,
                        uint64_t start, const char *comm, size_t length,
                        uint32_t *ret, pi_error *err);

/* Adds: process number `process` holds the socket with this inode as `fd`. The
 * same fact twice is kept once. */
int pi__reading_holder(pi__reading *reading, uint64_t inode, uint32_t process,
                       int fd, pi_error *err);

/* Takes back what was said of holders, by who was refused afterwards. */
void pi__reading_forget_holders(pi__reading *reading);

/* Are there rows with an inode that nobody is known to hold, and did a look at
 * the tables after the scan still meet this one? */
size_t pi__reading_unheld(pi__reading *reading);
void pi__reading_alive(pi__reading *reading, uint64_t inode);

/* What an earlier reading, if the caller gave one, was told already. Who chose
 * the ports of this source's sockets: true if that is known of all of them. */
bool pi__reading_recall_marks(pi__reading *reading, pi_proto proto,
                              pi_family family);

/* Is this process still there, and the same? */
typedef bool (*pi__same_process)(void *arg, uint32_t pid, uint64_t start,
                                 const char *comm, size_t length);

/* The holders of all sockets; *ret is false, and nothing was taken over, if one
 * of them is new, or all who held it have ended. */
int pi__reading_recall_holders(pi__reading *reading, pi__same_process same,
                               void *arg, bool *ret, pi_error *err);

/* The processes added, for the details of PI_GROUP_PROCESS. */
typedef struct pi__process {
  uint32_t pid, uid;
  uint64_t start;
  uint32_t comm; /* pi__reading_text */
  uint32_t user, exe, cmdline, cgroup;
  uint32_t container; /* out of cgroup, 0: none; whose sight it shares */
  uint32_t container_name, via;
  uint32_t ppid;
  uint64_t netns; /* inode of the nsfs file of where it lives */
  int64_t started;
  uint8_t user_sight, exe_sight, cmdline_sight, cgroup_sight, ppid_sight,
      started_sight, container_name_sight, via_sight, netns_sight; /* pi_sight
                                                                    */
  bool detailed; /* taken over with its details: no need to read them */
} pi__process;

/* Notes the control group of a process, and what follows from it. */
int pi__reading_cgroup(pi__reading *reading, pi__process *process,
                       const char *path, size_t length, pi_error *err);

/* Notes its arguments, each ended by a NUL, and what follows from them; after
 * the executable. Writes over them. */
int pi__reading_arguments(pi__reading *reading, pi__process *process,
                          char *bytes, size_t length, pi_error *err);

/* Reads a file whose path is below the root of the system; false if it is not
 * there, too long or not for us. *bytes may be written to, until the next
 * call. */
typedef bool (*pi__state_reader)(void *arg, const char *path, char **bytes,
                                 size_t *length);

/* Names the containers of all processes, each asked about once; after their
 * control groups. */
int pi__reading_name_containers(pi__reading *reading, pi__state_reader read,
                                void *arg, pi_error *err);

size_t pi__reading_processes(const pi__reading *reading);
pi__process *pi__reading_process_at(pi__reading *reading, size_t i);

/* ---- What a platform implements ----------------------------------------- */

/* A test that the kernel may make for us, in postfix order: a row that fails
 * need not be handed over. Core tests again, so a platform may ignore them; and
 * what it cannot tell counts as true: ports of the host and devices, that is,
 * which never stand below a PI__STEP_NOT. */
typedef struct pi__step {
  enum {
    PI__STEP_LPORT, /* the local port is one of `ports` */
    PI__STEP_RPORT, /* the remote one is; 0 where there is none */
    PI__STEP_LADDR, /* the local address begins with `prefix` bits of address */
    PI__STEP_RADDR,
    PI__STEP_IFACE, /* it is bound to the device called `name` */
    PI__STEP_AND,   /* of the two results before it */
    PI__STEP_OR,
    PI__STEP_NOT, /* of the one before it */
  } op;
  enum {
    PI__PORTS_GIVEN,      /* from first to last */
    PI__PORTS_EPHEMERAL,  /* the host's client range */
    PI__PORTS_PRIVILEGED, /* those below its unprivileged_start */
  } ports;
  uint16_t first, last;
  pi_address address; /* a block of IPv4 is v4-mapped, its prefix 96 or more */
  unsigned prefix;
  char name[16];
} pi__step;

enum { PI__MOST_STEPS = 64 };

typedef struct pi__want {
  unsigned groups;            /* PI_GROUP_* to read now */
  uint16_t states[PI_PROTOS]; /* bits of pi_state; 0: leave it out */
  bool families[2];           /* per pi_family */
  /* What rows must pass, listeners excepted if connections are wanted too: it
   * takes all of them to know who was accepted. */
  pi__step steps[PI__MOST_STEPS];
  size_t step_count;  /* 0: everything passes */
  pi_backend backend; /* AUTO: the best that works */
  const char *proc;   /* mount point of procfs, never NULL */
  const char *netns;  /* as in pi_options */
} pi__want;

/* Reads what `want` says into the reading, in the order of PI_GROUP_*; each
 * group comes once, and never before those it rests on. Always fills in the
 * host when it reads sockets. What one source refuses is a note in the quality
 * record; it fails only if nothing at all can be read, memory ends or the
 * caller asked to stop. `reading` may be NULL when only the host (a copy in
 * *host) is wanted, with groups 0. */
int pi__collect(const pi__want *want, pi__reading *reading, pi_host *host,
                pi_error *err);

/* Says how it would look for holders, as pi_plan_look promises. */
void pi__look(const pi__want *want, pi_look *ret);

/* Binds as pi_port_try promises, for a port other than 0. */
int pi__probe(const pi_probe *probe, pi_error *err);

/* The pinned probe in this folder, as pi_pin_* promise. */
int pi__pin_install(const char *folder, const char *group, pi_error *err);
int pi__pin_status(const char *folder, pi_pin *ret, pi_error *err);
int pi__pin_remove(const char *folder, bool *removed, pi_error *err);

/* ---- Between two readings ----------------------------------------------- */

/* What the kernel tells of ended sockets, unasked. */
typedef struct pi__notices pi__notices;

/* Listens for the protocols and families that `want` reads. Where the kernel
 * does not tell, the result can still be waited with, and *hearing says why. */
int pi__notices_open(const pi__want *want, pi__notices **ret,
                     pi_hearing *hearing, pi_error *err);
void pi__notices_close(pi__notices *notices);

/* Waits so many milliseconds for news (PI_WAKE_ENDED), for a signal, or for the
 * reader of the descriptor `output` to leave (-1: there is none). */
pi_wake pi__notices_wait(pi__notices *notices, unsigned ms, int output);

/* Visits some sockets that have ended, as far as rows still tell of them;
 * *more: there may be others. Counts what was lost in *hearing. */
int pi__notices_read(pi__notices *notices,
                     int (*visit)(void *arg, const pi__row *row, pi_error *err),
                     void *arg, pi_hearing *hearing, bool *more, pi_error *err);

/* Milliseconds of a clock that nobody sets. */
uint64_t pi__ticks(void);

#endif
