/* portinfo.h: what a port is, who holds it.
 *
 * The public C API, whole. Two halves that meet in a row's `service`:
 * knowledge (what the registries say of a port; constant, no state) and
 * snapshots (the sockets of this machine, read once, then immutable).
 *
 * Conventions. A function that can fail returns 0, or a negative PI_E* after
 * describing the step in its trailing `err`; results go to `ret`, which a
 * failure leaves alone. `_new`, `_take` and `_select` make objects that their
 * `_free` ends; `_free(NULL)` does nothing. Strings are borrowed: those of the
 * knowledge half live for ever, those of a snapshot as long as it does.
 * Nothing here prints, and nothing keeps hidden state, so different objects may
 * be used by different threads at once; one object by one thread at a time.
 */
#ifndef PORTINFO_H
#define PORTINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) && !defined(_WIN32)
#define PI_API __attribute__((visibility("default")))
#else
#define PI_API
#endif

#define PI_VERSION "0.1.0"

/* ---- Errors ------------------------------------------------------------- */

enum {
  PI_ENOMEM = -1,       /* out of memory */
  PI_EINVAL = -2,       /* the caller's mistake; the text says what is right */
  PI_EOS = -3,          /* the system refused; `os` is its errno */
  PI_EREPLY = -4,       /* the system, or a file, said something malformed */
  PI_ECANCELED = -5,    /* the caller's `interrupted` said stop */
  PI_EUNSUPPORTED = -6, /* this build knows no way to do it here */
};

/* A plain value: nothing to free. `text` is a sentence without a final dot; it
 * may quote what it complains of, so escape it before a terminal sees it. */
typedef struct pi_error {
  int code;          /* PI_E* */
  int os;            /* errno, when the system refused; else 0 */
  size_t at, length; /* of a filter: the bytes that are meant; else 0 */
  char text[248];
} pi_error;

/* ---- Knowledge: ports and services -------------------------------------- */

/* Transports of the registry (RFC 6335, section 5), as a set of bits. */
enum {
  PI_TRANSPORT_TCP = 1,
  PI_TRANSPORT_UDP = 2,
  PI_TRANSPORT_SCTP = 4,
  PI_TRANSPORT_DCCP = 8,
  PI_TRANSPORTS = 15,
};

/* RFC 6335, section 6. */
typedef enum pi_range {
  PI_RANGE_SYSTEM,  /* 0-1023 */
  PI_RANGE_USER,    /* 1024-49151 */
  PI_RANGE_DYNAMIC, /* 49152-65535 */
} pi_range;

/* IANA's word on one port and transport. */
typedef enum pi_status {
  PI_STATUS_UNASSIGNED, /* free, or never listed */
  PI_STATUS_ASSIGNED,   /* in force, with a service name */
  PI_STATUS_RESERVED,   /* held back by IANA */
  PI_STATUS_DEASSIGNED, /* was assigned, then taken back */
  PI_STATUS_GENERIC,    /* for "any private ..." use, without a name */
  PI_STATUS_DYNAMIC,    /* 49152 and up: never assigned, by rule */
} pi_status;

/* One record of the registry: a line that IANA wrote. Texts that the registry
 * does not give are "". Dates are YYYY-MM-DD or YYYY-MM. */
typedef struct pi_record {
  bool has_port;        /* false: a service name without a port */
  uint16_t first, last; /* inclusive; meaningless without a port */
  uint8_t transports;   /* PI_TRANSPORT_* bits; 0: the registry gives none */
  pi_status status;
  const char *name; /* service name, as registered */
  const char *description;
  const char *assignee; /* a person or an organisation */
  const char *registered, *modified;
  const char *references; /* "RFC9110; RFC7230" */
  const char *alias_of;   /* the name that replaces this old spelling */
  const char *note;
  const char *unauthorized; /* IANA's remark that others use the port */
} pi_record;

/* Software that is known to choose a port, whatever the registry says. */
typedef struct pi_use {
  uint16_t first, last;
  uint8_t transports;
  const char *id;       /* short handle: "elasticsearch" */
  const char *software; /* "Elasticsearch" */
  const char *category; /* "data-store" */
  const char *use;      /* what the port is for, one sentence */
  const char *evidence; /* how we know: list, page, usage ... none */
  const char *source;   /* where to look it up */
} pi_use;

/* Why a service should not be reachable from untrusted networks. */
typedef struct pi_risk {
  uint16_t first, last;
  uint8_t transports;
  const char *id;
  const char *service;
  const char *risk; /* the class: cleartext, no-auth, remote-admin ... */
  const char *why;  /* one sentence */
  const char *source;
} pi_risk;

/* The range from which a system takes client ports unless told otherwise. */
typedef struct pi_ephemeral {
  const char *system, *versions;
  uint16_t first, last;
  uint8_t transports;
  const char *setting; /* where an administrator changes it */
  const char *note, *source;
} pi_ephemeral;

/* The range that a port lies in (RFC 6335, section 6). */
PI_API pi_range pi_port_range(uint16_t port);

/* IANA's word on a port for one transport (a single PI_TRANSPORT_* bit).
 * Where records disagree, an assignment wins over every other state. O(1). */
PI_API pi_status pi_port_status(uint16_t port, unsigned transport);

/* The i-th service name of a port for a transport, in registry order, or NULL
 * past the end. Only assigned records have names. O(1) for i = 0. */
PI_API const char *pi_port_name(uint16_t port, unsigned transport, unsigned i);

/* The i-th fact about a port, in registry order; false past the end, and *ret
 * is then left alone. `transports` keeps records, uses and risks of these
 * transports (and records that name none); PI_TRANSPORTS keeps all. */
PI_API bool pi_port_record(uint16_t port, unsigned transports, unsigned i,
                           pi_record *ret);
PI_API bool pi_port_use(uint16_t port, unsigned transports, unsigned i,
                        pi_use *ret);
PI_API bool pi_port_risk(uint16_t port, unsigned transports, unsigned i,
                         pi_risk *ret);

/* Do web browsers refuse http: and https: URLs with this port (WHATWG Fetch,
 * "bad port")? Every entry is TCP. */
PI_API bool pi_port_blocked(uint16_t port);

/* The i-th record of a service name (case is ignored: RFC 6335, section 5.1),
 * by port, those without a port last; false past the end. */
PI_API bool pi_service_record(const char *name, size_t length, unsigned i,
                              pi_record *ret);

/* The i-th de-facto use with this id (case is ignored), by port. */
PI_API bool pi_service_use(const char *id, size_t length, unsigned i,
                           pi_use *ret);

/* All distinct service names, lower case, sorted by byte: how many, the i-th,
 * and the first one that is not less than `prefix` (for prefix search). */
PI_API size_t pi_service_count(void);
PI_API const char *pi_service_at(size_t i);
PI_API size_t pi_service_lower_bound(const char *prefix, size_t length);

/* How well a word matches. */
typedef enum pi_match {
  PI_MATCH_EXACT,       /* the name, or the id of a use, is the word */
  PI_MATCH_PREFIX,      /* it begins with the word */
  PI_MATCH_WORD,        /* the word stands in the name or description */
  PI_MATCH_DESCRIPTION, /* it is part of the name or description */
} pi_match;

/* A hit of a search: a record, or a use (then `is_use`). */
typedef struct pi_hit {
  pi_match match;
  bool is_use;
  pi_record record; /* unless is_use */
  pi_use use;       /* if is_use */
} pi_hit;

/* Searches names, descriptions, and the ids, software and purposes of uses for
 * a word, case ignored (ASCII). Calls `visit` for every hit, best match first,
 * then by port; a non-zero result of `visit` ends the search and is
 * returned. */
PI_API int pi_search(const char *word, size_t length,
                     int (*visit)(void *arg, const pi_hit *hit), void *arg);

/* The i-th system's default range of client ports; false past the end. */
PI_API bool pi_ephemeral_range(unsigned i, pi_ephemeral *ret);

/* Date of the registry data, YYYY-MM-DD. */
PI_API const char *pi_registry_date(void);

/* ---- Schema: the fields of a row ---------------------------------------- */

/* Which work a field costs. A snapshot reads groups on demand, each once. */
enum {
  PI_GROUP_SOCKET = 1,   /* in the dump itself */
  PI_GROUP_DERIVED = 2,  /* computed; asks the kernel which ports it chose */
  PI_GROUP_TCP_INFO = 4, /* asks for more of every connection */
  PI_GROUP_OWNER = 8,    /* walks the descriptors of all processes */
  PI_GROUP_PROCESS = 16, /* reads the processes that hold a socket */
  PI_GROUPS = 31,
  PI_GROUPS_USUAL = PI_GROUPS & ~PI_GROUP_TCP_INFO, /* not on request alone */
};

typedef enum pi_type {
  PI_TYPE_PORT,    /* 0-65535, host byte order */
  PI_TYPE_ADDRESS, /* pi_address */
  PI_TYPE_WORD,    /* one of pi_field_info.words */
  PI_TYPE_TEXT,    /* bytes from the system or the registry: never trusted */
  PI_TYPE_NUMBER,
  PI_TYPE_BOOL,
  PI_TYPE_TIME,    /* seconds since 1970-01-01 UTC */
  PI_TYPE_HOLDERS, /* see pi_snapshot_holder */
} pi_type;

/* The schema: X(ID, name, type, group, several, priority, unit, meaning).
 * `several`: the field has members (pi_snapshot_value's `i`). `priority`: which
 * columns a narrow table keeps, 1 first, 0 only on request. Everything that
 * lists fields (columns, Lua, filters, headings, help) comes from here. */
#define PI_FIELDS(X)                                                           \
  X(PROTO, proto, WORD, SOCKET, 0, 3, "", "transport protocol")                \
  X(FAMILY, family, WORD, SOCKET, 0, 0, "",                                    \
    "address family, as the kernel said")                                      \
  X(STATE, state, WORD, SOCKET, 0, 5, "",                                      \
    "RFC 9293 state; UDP: connected or unconnected")                           \
  X(LADDR, laddr, ADDRESS, SOCKET, 0, 1, "",                                   \
    "local address, v4-mapped normalised to IPv4")                             \
  X(LPORT, lport, PORT, SOCKET, 0, 1, "", "local port; empty for raw")         \
  X(RADDR, raddr, ADDRESS, SOCKET, 0, 4, "",                                   \
    "remote address; empty when not connected")                                \
  X(RPORT, rport, PORT, SOCKET, 0, 4, "",                                      \
    "remote port; empty when not connected")                                   \
  X(IFACE, iface, TEXT, SOCKET, 0, 0, "",                                      \
    "bound device, or scope of a link-local address")                          \
  X(INODE, inode, NUMBER, SOCKET, 0, 0, "",                                    \
    "inode in the socket file system; empty when no file is left")             \
  X(COOKIE, cookie, NUMBER, SOCKET, 0, 0, "",                                  \
    "the kernel's identity of the socket, unique until restart")               \
  X(UID, uid, NUMBER, SOCKET, 0, 0, "",                                        \
    "user id that the socket was made with")                                   \
  X(NETNS, netns, NUMBER, SOCKET, 0, 0, "",                                    \
    "network namespace (inode of its nsfs file)")                              \
  X(RXQ, rxq, NUMBER, SOCKET, 0, 0, "B",                                       \
    "bytes not yet read; of a listener: connections not yet accepted")         \
  X(TXQ, txq, NUMBER, SOCKET, 0, 0, "B",                                       \
    "bytes not yet acknowledged; of a listener: limit of rxq")                 \
  X(V6ONLY, v6only, BOOL, SOCKET, 0, 0, "",                                    \
    "IPV6_V6ONLY of a listening or unconnected IPv6 socket")                   \
  X(MARK, mark, NUMBER, SOCKET, 0, 0, "",                                      \
    "SO_MARK; readable with CAP_NET_ADMIN")                                    \
  X(PROTOCOL, protocol, NUMBER, SOCKET, 0, 0, "",                              \
    "number of a raw socket's IP protocol; empty for others")                  \
  X(AUTOBOUND, autobound, BOOL, DERIVED, 0, 0, "",                             \
    "the kernel chose the local port")                                         \
  X(ROLE, role, WORD, DERIVED, 0, 9, "", "what the socket is for")             \
  X(FAMILIES, families, WORD, DERIVED, 0, 0, "",                               \
    "IP versions it can be reached by")                                        \
  X(EXPOSURE, exposure, WORD, DERIVED, 0, 8, "",                               \
    "how far the local address reaches")                                       \
  X(RANGE, range, WORD, DERIVED, 0, 0, "", "RFC 6335 range of the local port") \
  X(EPHEMERAL, ephemeral, BOOL, DERIVED, 0, 0, "",                             \
    "the local port lies in the namespace's client range")                     \
  X(NETNS_NAME, netns_name, TEXT, DERIVED, 0, 0, "",                           \
    "the namespace's name, else a container or process that lives in it")      \
  X(SERVICE, service, TEXT, DERIVED, 1, 7, "",                                 \
    "IANA's names of the service port")                                        \
  X(USE, use, TEXT, DERIVED, 1, 0, "",                                         \
    "software known to use the service port")                                  \
  X(RISK, risk, TEXT, DERIVED, 1, 0, "",                                       \
    "classes of risk of the service port")                                     \
  X(RTT, rtt, NUMBER, TCP_INFO, 0, 0, "us",                                    \
    "smoothed round-trip time; empty before the first answer")                 \
  X(RETRANS, retrans, NUMBER, TCP_INFO, 0, 0, "",                              \
    "segments that were sent again, in all")                                   \
  X(CWND, cwnd, NUMBER, TCP_INFO, 0, 0, "",                                    \
    "congestion window of the sender, in segments")                            \
  X(BYTES_SENT, bytes_sent, NUMBER, TCP_INFO, 0, 0, "B",                       \
    "data sent so far, with what was sent again")                              \
  X(BYTES_RECEIVED, bytes_received, NUMBER, TCP_INFO, 0, 0, "B",               \
    "data received so far")                                                    \
  X(IDLE, idle, NUMBER, TCP_INFO, 0, 0, "ms",                                  \
    "since data was sent or received for the last time")                       \
  X(CONGESTION, congestion, TEXT, TCP_INFO, 0, 0, "",                          \
    "algorithm of congestion control")                                         \
  X(OWNER, owner, WORD, OWNER, 0, 0, "", "is it known who holds the socket")   \
  X(WHY, why, WORD, OWNER, 0, 0, "", "reason of an owner none or unknown")     \
  X(PID, pid, NUMBER, OWNER, 1, 3, "",                                         \
    "process that holds it; the main one: lowest, not 1")                      \
  X(PROCESS, process, TEXT, OWNER, 1, 2, "",                                   \
    "its name (comm, at most 15 bytes)")                                       \
  X(HOLDERS, holders, HOLDERS, OWNER, 0, 0, "",                                \
    "all: pid, descriptor, process")                                           \
  X(USER, user, TEXT, PROCESS, 1, 6, "",                                       \
    "user that the holder runs as (effective)")                                \
  X(EXE, exe, TEXT, PROCESS, 1, 0, "", "path of the holder's executable")      \
  X(CMDLINE, cmdline, TEXT, PROCESS, 1, 0, "",                                 \
    "the holder's arguments, joined by spaces")                                \
  X(PPID, ppid, NUMBER, PROCESS, 1, 0, "", "the holder's parent")              \
  X(STARTED, started, TIME, PROCESS, 1, 0, "", "when the holder was started")  \
  X(CGROUP, cgroup, TEXT, PROCESS, 1, 0, "", "the holder's control group")     \
  X(UNIT, unit, TEXT, PROCESS, 1, 0, "",                                       \
    "systemd's unit of the holder, by its control group")                      \
  X(CONTAINER, container, TEXT, PROCESS, 1, 0, "",                             \
    "runtime and id of the holder's container, by its control group")          \
  X(CONTAINER_NAME, container_name, TEXT, PROCESS, 1, 0, "",                   \
    "name of the holder's container, by its runtime's state files")            \
  X(VIA, via, TEXT, PROCESS, 1, 0, "",                                         \
    "where the holder, a docker-proxy, forwards to, by its arguments")         \
  X(HOLDER_NETNS, holder_netns, NUMBER, PROCESS, 1, 0, "",                     \
    "network namespace that the holder lives in")

typedef enum pi_field {
#define PI_X(ID, ...) PI_##ID,
  PI_FIELDS(PI_X)
#undef PI_X
      PI_FIELD_COUNT
} pi_field;

typedef struct pi_field_info {
  const char *name;
  pi_type type;
  unsigned group; /* one PI_GROUP_* bit */
  bool several;
  int priority;
  const char *unit; /* "B", "us", "ms" or "" */
  const char *meaning;
  const char *const *words; /* PI_TYPE_WORD: its words, NULL-terminated */
} pi_field_info;

/* Never NULL for a field below PI_FIELD_COUNT. */
PI_API const pi_field_info *pi_field_describe(pi_field field);

/* The field with this name (case ignored, also dport dst sport src), or -1. */
PI_API int pi_field_find(const char *name, size_t length);

/* "socket", "derived" ... for one PI_GROUP_* bit. */
PI_API const char *pi_group_name(unsigned group);

/* What a word's value.number means: the index in pi_field_info.words. */
typedef enum pi_proto {
  PI_PROTO_TCP,
  PI_PROTO_UDP,
  PI_PROTO_UDPLITE, /* RFC 3828 */
  PI_PROTO_SCTP,    /* RFC 9260: an endpoint, or an association of one */
  PI_PROTO_MPTCP,   /* RFC 8684; its subflows are rows of TCP */
  PI_PROTO_RAW,     /* without ports; read only where a filter names it */
} pi_proto;
typedef enum pi_family { PI_FAMILY_4, PI_FAMILY_6 } pi_family;
enum { PI_PROTOS = PI_PROTO_RAW + 1, PI_SOURCES = 2 * PI_PROTOS };
typedef enum pi_state {
  PI_STATE_ESTABLISHED, /* in the order of Linux' net/tcp_states.h */
  PI_STATE_SYN_SENT,
  PI_STATE_SYN_RECEIVED,
  PI_STATE_FIN_WAIT_1,
  PI_STATE_FIN_WAIT_2,
  PI_STATE_TIME_WAIT,
  PI_STATE_CLOSED, /* bound, but neither listening nor connected */
  PI_STATE_CLOSE_WAIT,
  PI_STATE_LAST_ACK,
  PI_STATE_LISTEN,
  PI_STATE_CLOSING,
  PI_STATE_CONNECTED,   /* UDP, UDP-Lite, raw */
  PI_STATE_UNCONNECTED, /* likewise */
} pi_state;
typedef enum pi_role {
  PI_ROLE_LISTENER,
  PI_ROLE_SERVICE, /* UDP or UDP-Lite on a port that its process chose */
  PI_ROLE_INBOUND,
  PI_ROLE_OUTBOUND,
  PI_ROLE_CONNECTED, /* UDP with a peer */
  PI_ROLE_CLIENT,    /* UDP on a port that the kernel chose */
  PI_ROLE_BOUND,
  PI_ROLE_CLOSING, /* the local process is done with it */
} pi_role;
typedef enum pi_exposure {
  PI_EXPOSURE_LOOPBACK,
  PI_EXPOSURE_LINK_LOCAL,
  PI_EXPOSURE_PRIVATE,
  PI_EXPOSURE_PUBLIC,
  PI_EXPOSURE_MULTICAST,
  PI_EXPOSURE_WILDCARD,
} pi_exposure;
typedef enum pi_families {
  PI_FAMILIES_4,
  PI_FAMILIES_6,
  PI_FAMILIES_BOTH,
} pi_families;
typedef enum pi_owner {
  PI_OWNER_KNOWN,
  PI_OWNER_NONE,
  PI_OWNER_UNKNOWN,
} pi_owner;
typedef enum pi_why {
  PI_WHY_TIME_WAIT,        /* none: outlives its process */
  PI_WHY_ORPHAN,           /* none: closed by its process, still finishing */
  PI_WHY_NOT_YET_ACCEPTED, /* none: waits in a listener's queue */
  PI_WHY_UNHELD,           /* none: a complete look found nobody */
  PI_WHY_KERNEL,           /* none: proved to be the kernel's own */
  PI_WHY_PERMISSION,       /* unknown: some process could not be read */
  PI_WHY_HIDDEN,           /* unknown: proc hides processes (hidepid) */
  PI_WHY_VANISHED,         /* unknown: the holder ended while we looked */
  PI_WHY_OTHER_PID_NS,     /* unknown: may be held outside our pid namespace */
} pi_why;

/* ---- Addresses ---------------------------------------------------------- */

/* An IPv6 address in network order; IPv4 is held v4-mapped (RFC 4291, section
 * 2.5.5.2), so that equal addresses are equal bytes. */
typedef struct pi_address {
  uint8_t bytes[16];
} pi_address;

enum { PI_ADDRESS_TEXT = 46 }; /* the longest text, with its NUL */

PI_API bool pi_address_is_v4(const pi_address *address);

/* Writes RFC 5952 text (IPv4 as dotted quad) and its NUL; returns its
 * length. */
PI_API size_t pi_address_format(const pi_address *address,
                                char text[PI_ADDRESS_TEXT]);

/* Reads one IPv4 (four decimal parts) or IPv6 address, without brackets or
 * scope; false if the text is anything else. */
PI_API bool pi_address_parse(const char *text, size_t length, pi_address *ret);

/* ---- Filters ------------------------------------------------------------ */

/* A test of a row: true, false or unknown. Immutable. */
typedef struct pi_filter pi_filter;
typedef struct pi_snapshot pi_snapshot;

typedef enum pi_truth { PI_FALSE, PI_TRUE, PI_UNDECIDED } pi_truth;

/* One value that a field may have. A text is read as the field's type wants:
 * a service name, an address or CIDR block, a word, a glob. */
typedef struct pi_operand {
  enum {
    PI_OPERAND_TEXT,    /* one unquoted word: globs, service names ... */
    PI_OPERAND_LITERAL, /* quoted text: every character is itself */
    PI_OPERAND_NUMBER,
    PI_OPERAND_RANGE
  } kind;
  const char *text; /* PI_OPERAND_TEXT, PI_OPERAND_LITERAL */
  size_t length;
  uint64_t first, last; /* PI_OPERAND_NUMBER (first), PI_OPERAND_RANGE */
} pi_operand;

/* `field` has (for several: one of its members has) one of `n` values. An empty
 * set is a mistake. Release with pi_filter_free. */
PI_API int pi_filter_in(pi_field field, const pi_operand *values, size_t n,
                        pi_filter **ret, pi_error *err);

/* `field` has a value; of a yes/no field: it is yes. */
PI_API int pi_filter_has(pi_field field, pi_filter **ret, pi_error *err);

/* Can we tell whether `field` has a value, and which? Never undecided. */
PI_API int pi_filter_known(pi_field field, pi_filter **ret, pi_error *err);

/* A filter in its own language (portinfo-filter(7)): tests of fields such as
 * `lport in {80, 8000..8100}`, flags such as `listening`, `:PORTS`, `and`,
 * `or`, `not`, parentheses. At most 1 MiB and 256 levels deep. A mistake tells
 * its bytes in *err, and what would be right. */
PI_API int pi_filter_parse(const char *text, size_t length, pi_filter **ret,
                           pi_error *err);

/* Combinations take their operands over, also when they fail; an operand that
 * is NULL (the failed result of another) makes them fail with *err as it is. */
PI_API int pi_filter_and(pi_filter *a, pi_filter *b, pi_filter **ret,
                         pi_error *err);
PI_API int pi_filter_or(pi_filter *a, pi_filter *b, pi_filter **ret,
                        pi_error *err);
PI_API int pi_filter_not(pi_filter *a, pi_filter **ret, pi_error *err);

PI_API int pi_filter_copy(const pi_filter *filter, pi_filter **ret,
                          pi_error *err);
PI_API void pi_filter_free(pi_filter *filter);

/* Takes `length` bytes; non-zero stops the writing. */
typedef int (*pi_sink)(void *arg, const char *bytes, size_t length);

/* Writes a filter to `sink` in its own language; parsed, the text means the
 * same again. Every row is "". Returns 0, what `sink` returned, or PI_EINVAL
 * for text that the language cannot quote, which only a value can hold. */
PI_API int pi_filter_write(const pi_filter *filter, pi_sink sink, void *arg,
                           pi_error *err);

/* The groups whose fields it tests, as PI_GROUP_* bits. */
PI_API unsigned pi_filter_groups(const pi_filter *filter);

/* What the filter says of one row. The groups that it needs must have been
 * read; a field of a group that was not is unknown. */
PI_API pi_truth pi_filter_test(const pi_filter *filter,
                               const pi_snapshot *snapshot, size_t row);

/* The i-th flag of the filter language, or NULL. */
PI_API const char *pi_filter_flag(unsigned i);

/* ---- Plans -------------------------------------------------------------- */

/* What a reading for a filter asks of the system. */
typedef struct pi_plan {
  uint16_t states[PI_PROTOS]; /* bits of pi_state; 0: it is left out */
  bool families[2];           /* per pi_family */
  unsigned groups; /* PI_GROUP_* that the filter tests, if a row needs them */
} pi_plan;

/* `filter` may be NULL: everything is read. */
PI_API void pi_plan_read(const pi_filter *filter, pi_plan *ret);

/* The largest part of a filter that the kernel can test before it copies a
 * socket: all rows for which the filter is true pass, others may. *ret is NULL
 * if nothing is tested, else to be freed. */
PI_API int pi_plan_pushed(const pi_filter *filter, pi_filter **ret,
                          pi_error *err);

/* Where a part of a filter is tested. */
typedef enum pi_place {
  PI_PLACE_ASKED,  /* nothing else is asked for */
  PI_PLACE_KERNEL, /* the kernel tests it */
  PI_PLACE_BOTH,   /* the kernel tests less than it says, and we the rest */
  PI_PLACE_HERE,   /* we do */
} pi_place;

typedef struct pi_part {
  const pi_filter *filter; /* of the whole one, and as long as it */
  pi_place place;
  const pi_filter *obstacle; /* the test in it that the kernel cannot make */
  const char *why;           /* not all in the kernel; or NULL */
} pi_part;

/* The i-th of the tests that must all hold; false past the last. */
PI_API bool pi_plan_part(const pi_filter *filter, size_t i, pi_part *ret);

/* ---- Snapshots ---------------------------------------------------------- */

/* A pi_snapshot is the sockets of one moment (as near as the kernel allows:
 * every protocol and family is a dump of its own). Rows never change; a group
 * of fields that was not read is added on demand. */

typedef enum pi_backend {
  PI_BACKEND_AUTO,
  PI_BACKEND_NETLINK, /* Linux sock_diag */
  PI_BACKEND_PROC,    /* the text tables under /proc/net */
  PI_BACKEND_NONE,    /* could not be read at all */
  PI_BACKEND_BPF,     /* Linux BPF: the descriptors of all tasks, in one pass */
} pi_backend;

/* With the backend BPF, sockets that no descriptor leads to still come from
 * sock_diag, and those that have no port are there as well; it is an error if
 * the kernel refuses it. */

/* All zero (or NULL) reads the sockets of every protocol, fields of the socket
 * group. */
typedef struct pi_options {
  unsigned groups;         /* PI_GROUP_* to read now */
  const pi_filter *filter; /* rows that it excludes need not be there */
  pi_backend backend;      /* force one: AUTO falls back, and says so */
  const char *proc;        /* where procfs is mounted; NULL: "/proc" */
  /* Network namespaces to read: "own" (or NULL), "all" that can be found, the
   * name of one in /run/netns, a path with a slash in it (what is mounted
   * there, or a /proc/PID/ns/net), or the number of a process. Others than our
   * own need CAP_SYS_ADMIN: a thread of its own enters them, the caller stays
   * where it is. Of all those that stay closed to us are counted; a single one
   * that does is PI_EOS. */
  const char *netns;
  bool (*interrupted)(void); /* asked now and then, from several threads at
                                once; true: stop with PI_ECANCELED */
  /* An earlier reading or NULL: of sockets that are still there, holders that
   * are still the same processes are taken over, with their details, and so is
   * who chose the port, if that spares the look at all processes. Every tenth
   * reading in a row looks again all the same: a descriptor may have gone to
   * another process. For the groups to read now; need not outlive the call. */
  const pi_snapshot *previous;
} pi_options;

/* How holders of sockets would be looked for now. */
typedef struct pi_look {
  pi_backend backend; /* PROC: descriptors in procfs; BPF; NONE: no way */
  bool pinned;        /* BPF: by the pinned probe, at no price to begin */
  uint64_t files;     /* open in the whole system; 0: not known */
  uint64_t processes; /* of the whole system, about; 0: not known */
  char why[160];      /* this way, and not the other */
} pi_look;

/* Looks at nobody. `opt` may be NULL. */
PI_API void pi_plan_look(const pi_options *opt, pi_look *ret);

/* Reads a snapshot; release with pi_snapshot_free. `opt` may be NULL; what it
 * points to must live until the snapshot ends, the filter excepted. */
PI_API int pi_snapshot_take(const pi_options *opt, pi_snapshot **ret,
                            pi_error *err);
PI_API void pi_snapshot_free(pi_snapshot *snapshot);

/* Reads the groups that are missing, for every row. On failure the snapshot is
 * as it was. */
PI_API int pi_snapshot_complete(pi_snapshot *snapshot, unsigned groups,
                                pi_error *err);

PI_API size_t pi_snapshot_count(const pi_snapshot *snapshot);
PI_API unsigned pi_snapshot_groups(const pi_snapshot *snapshot);

typedef enum pi_sight {
  PI_KNOWN,
  PI_EMPTY,   /* known that there is no such thing: rport of a listener */
  PI_UNKNOWN, /* could not be seen */
} pi_sight;

typedef struct pi_value {
  pi_sight sight; /* the rest is set when PI_KNOWN */
  pi_type type;
  uint64_t number; /* PORT NUMBER BOOL TIME; WORD: index; HOLDERS: how many */
  pi_address address;
  const char *text; /* WORD and TEXT; `length` bytes, may hold any byte */
  size_t length;
} pi_value;

/* The value of a field, or of its i-th member; PI_EMPTY past the last member.
 * Member 0 of a holder's field is the main holder's. The field's group must
 * have been read (pi_snapshot_groups), else the value is PI_UNKNOWN. */
PI_API pi_value pi_snapshot_value(const pi_snapshot *snapshot, size_t row,
                                  pi_field field, unsigned i);

typedef struct pi_holder {
  uint32_t pid;
  int fd;
  const char *process; /* comm, `length` bytes, may hold any byte */
  size_t length;
} pi_holder;

/* The i-th holder of a row, the main one first; false past the last. What else
 * is known of it are the i-th members of user, exe, cmdline ... */
PI_API bool pi_snapshot_holder(const pi_snapshot *snapshot, size_t row,
                               unsigned i, pi_holder *ret);

/* What this host does with ports; of the namespace that was read. */
typedef struct pi_host {
  bool ephemeral_known, unprivileged_known, reserved_known;
  uint16_t ephemeral_first, ephemeral_last; /* ip_local_port_range */
  uint32_t unprivileged_start; /* ports below need CAP_NET_BIND_SERVICE */
  uint64_t netns;              /* inode of the namespace; 0: unknown */
  uint8_t reserved[8192];      /* ip_local_reserved_ports, a bit a port */
} pi_host;

PI_API const pi_host *pi_snapshot_host(const pi_snapshot *snapshot);

/* A network namespace that was to be read. */
typedef struct pi_namespace {
  const pi_host *host; /* of it; host->netns is its inode, 0: unknown */
  bool closed;         /* we may not enter it: none of its sockets is there */
  const char *name;    /* as field netns_name; NULL: none, or not known; the
                          derived group must have been read */
  size_t length;
} pi_namespace;

/* The i-th, our own first if it was; false past the last. */
PI_API bool pi_snapshot_namespace(const pi_snapshot *snapshot, size_t i,
                                  pi_namespace *ret);

/* Reads the facts about this host alone, no sockets. */
PI_API int pi_host_read(const char *proc, pi_host *ret, pi_error *err);

PI_API bool pi_host_reserves(const pi_host *host, uint16_t port);

/* A place to bind a socket to. */
typedef struct pi_probe {
  pi_proto proto;
  uint16_t port;             /* not 0, which would be any */
  const pi_address *address; /* NULL or ::, all there are, of both families */
  bool reuseaddr, reuseport; /* with SO_REUSEADDR, SO_REUSEPORT */
} pi_probe;

/* Could we bind there now? Binds a socket and closes it at once: it never
 * listens, so nobody can connect to it, but for that moment another process
 * that wants the port meets us, and a UDP socket with `reuseport` may take a
 * datagram from the others of its group. Returns 0 if so; PI_EOS if not, with
 * the errno in err->os, of which EADDRINUSE is the most usual; PI_EINVAL for
 * port 0. */
PI_API int pi_port_try(const pi_probe *probe, pi_error *err);

/* ---- The pinned probe --------------------------------------------------- */

/* Linux can keep a program that tells of every process' sockets, for whoever
 * may read its file: then neither root nor capabilities are needed to see who
 * holds what. Root installs it, in a BPF file system of its own. */
#define PI_PIN_FOLDER "/run/portinfo"

/* Installs the probe, or replaces the one that is there. Members of `group`
 * (NULL: root alone) may read it, and see all sockets of all network
 * namespaces, with the process, its user and name. Its program is loaded with
 * the capabilities of the caller, who has to be root. Nothing is done to a
 * folder or file system that another made: that is PI_EINVAL. */
PI_API int pi_pin_install(const char *group, pi_error *err);

/* Takes away probe, file system and folder; *removed: there was one. */
PI_API int pi_pin_remove(bool *removed, pi_error *err);

typedef struct pi_pin {
  bool built_in;    /* could this build install it? */
  bool closed;      /* to us: whether it is installed cannot be told */
  bool installed;   /* the rest is set if so */
  bool readable;    /* by us: it can be opened */
  bool shared;      /* with a group */
  uint32_t gid;     /* which one */
  char group[64];   /* its name, or its number */
  unsigned version; /* of its records; 0: not seen */
  unsigned ours;    /* which version this build reads; always set */
} pi_pin;

/* Looks for the probe. PI_EINVAL: something else is in its place. */
PI_API int pi_pin_status(pi_pin *ret, pi_error *err);

/* ---- Quality ------------------------------------------------------------ */

/* How good the reading is. */
typedef struct pi_quality {
  struct pi_source {
    pi_backend backend; /* which one served; NONE: see os */
    int os;             /* why the better one did not: its errno, or 0 */
    unsigned retries;   /* of dumps that the kernel called inconsistent */
    unsigned parts;     /* that it was asked for in, each by a thread */
    bool partial;       /* inconsistent after all, or not all of it readable */
    bool wanted;        /* false: the filter did not need it */
    bool absent;        /* this host has no such protocol or family, or by its
                           own count no socket of it */
    bool untold;        /* it was not asked, as no count could be read */
    bool no_bound;      /* it has no sockets that are bound and nothing else */
    bool joint;         /* both families came by one request */
    bool autobound;     /* it also told which ports the kernel chose */
    size_t rows;
  } sources[PI_PROTOS][2]; /* [pi_proto][pi_family] */
  size_t namespaces;       /* network namespaces whose sockets were read */
  size_t closed;           /* further ones, which we may not enter */
  size_t outside; /* of those read, by BPF alone: what no descriptor leads to
                     is missing */
  bool unlisted; /* others there may be, of processes that are hidden from us */
  size_t untold; /* processes that did not tell which is theirs */
  size_t processes;     /* looked at for owners */
  size_t unreadable;    /* of them, those that permission closed to us */
  size_t vanished;      /* of them, those that ended while we looked */
  bool hidden;          /* proc hides other users' processes (hidepid) */
  bool nested;          /* in a pid namespace below the first: others unseen */
  bool owners_unseen;   /* not all processes could be looked at, */
  int owners_os;        /* for this errno; 0: no usable procfs */
  pi_backend owners_by; /* PROC (descriptors in procfs) or BPF; 0: unread */
  bool pinned;          /* BPF: by the probe that is pinned */
  char obstacle[160];   /* why BPF did not tell, though it was tried; or "" */
  size_t unknown[9];    /* rows whose owner is unknown, by pi_why */
  uint64_t socket_us, derived_us, tcp_info_us, owner_us,
      process_us;    /* time by step */
  unsigned recalls;  /* readings since the look that the owners are from */
  int64_t taken;     /* when, seconds since 1970 */
  int64_t completed; /* when the last group was added later; 0: never */
} pi_quality;

PI_API const pi_quality *pi_snapshot_quality(const pi_snapshot *snapshot);

/* ---- Selections --------------------------------------------------------- */

/* Row numbers of a snapshot, which must outlive it. */
typedef struct pi_selection pi_selection;

/* Selects the rows for which `filter` is true (NULL: all) and keeps those for
 * which it is undecided apart. Groups that it needs are completed if some row
 * depends on them. Release with pi_selection_free. */
PI_API int pi_snapshot_select(pi_snapshot *snapshot, const pi_filter *filter,
                              pi_selection **ret, pi_error *err);
PI_API void pi_selection_free(pi_selection *selection);

PI_API size_t pi_selection_count(const pi_selection *selection);
PI_API size_t pi_selection_at(const pi_selection *selection, size_t i);
PI_API size_t pi_selection_undecided_count(const pi_selection *selection);
PI_API size_t pi_selection_undecided_at(const pi_selection *selection,
                                        size_t i);

/* Puts the rows in the order that people read: listeners and services first,
 * then by protocol, local port, local address, and remote end. */
PI_API int pi_selection_sort(const pi_snapshot *snapshot,
                             pi_selection *selection, pi_error *err);

/* A key to sort by: a field (of several values the first), or -1 for how many
 * rows a row stands for. Rows with a value come first whatever the direction,
 * then those that have none, then those of which it is unknown. */
typedef struct pi_order {
  int field;
  bool down;
} pi_order;

/* Sorts by `n` keys, the first being the weightiest; equal rows stay as they
 * stood. The groups of the fields must have been read. */
PI_API int pi_selection_sort_by(const pi_snapshot *snapshot,
                                pi_selection *selection, const pi_order *keys,
                                size_t n, pi_error *err);

/* Keeps the first `most` rows. */
PI_API void pi_selection_limit(pi_selection *selection, size_t most);

/* Keeps one row of all those that have the same values of `n` fields (of
 * several values the first counts; unknown is a value like others): the first
 * that stands there. A tally also counts them, and puts the most frequent
 * first. The groups of the fields must have been read. On failure the selection
 * is only good for being freed. */
PI_API int pi_selection_distinct(const pi_snapshot *snapshot,
                                 pi_selection *selection,
                                 const pi_field *fields, size_t n,
                                 pi_error *err);
PI_API int pi_selection_tally(const pi_snapshot *snapshot,
                              pi_selection *selection, const pi_field *fields,
                              size_t n, pi_error *err);

/* Was it tallied, and how many rows does the i-th stand for (else 1)? */
PI_API bool pi_selection_tallied(const pi_selection *selection);
PI_API uint64_t pi_selection_tally_at(const pi_selection *selection, size_t i);

/* Selected and undecided rows change places. Not for one that was tallied. */
PI_API void pi_selection_turn(pi_selection *selection);

/* A further test, made by the caller, must hold as well: `truths` has its
 * pi_truth of each selected row, and behind them of each undecided one. */
PI_API int pi_selection_narrow(pi_selection *selection, const uint8_t *truths,
                               pi_error *err);

/* ---- Bulk output -------------------------------------------------------- */

typedef enum pi_format { PI_TSV, PI_CSV, PI_JSON, PI_NDJSON } pi_format;

enum {
  PI_EMIT_NO_HEADER = 1, /* TSV and CSV without a line of names */
  PI_EMIT_NUL = 2,       /* lines end with a NUL byte, for xargs -0 */
};

/* Writes the selected rows with `n` fields to `sink`, in blocks, memory bounded
 * whatever the number of rows; of tallied rows `count` comes first. The groups
 * of the fields must have been read. `flags`: PI_EMIT_* bits. Returns 0, what
 * `sink` returned, or a negative PI_E*. */
PI_API int pi_emit(const pi_snapshot *snapshot, const pi_selection *selection,
                   pi_format format, unsigned flags, const pi_field *fields,
                   size_t n, pi_sink sink, void *arg, pi_error *err);

/* ---- Saved readings ----------------------------------------------------- */

/* A saved reading is NDJSON: a head (fields, number of rows, filter, host,
 * quality), then a row a line as pi_emit writes it, with all that is known of
 * its holders. What was empty and what was unknown stay so. */

/* Writes the selected rows (NULL: all) to `sink`, in blocks, memory bounded
 * whatever the number of rows; groups that were not read are completed first,
 * PI_GROUPS_USUAL of them, before a byte is written. `filter` is the text of
 * what the rows were asked for, NULL for everything. To a file it goes through
 * pi_draft_write. Returns 0, what `sink` returned, or a negative PI_E*. */
PI_API int pi_snapshot_save(pi_snapshot *snapshot,
                            const pi_selection *selection, const char *filter,
                            pi_sink sink, void *arg, pi_error *err);

/* A file that is written whole or not at all: until it is committed, and if
 * anything fails, what was there stays as it was. A file behind a link is
 * replaced where it stands, by one of the same owner, group and mode as far as
 * that is permitted; other hard links keep the old one. The draft needs room in
 * the folder, and the right to make files there. */
typedef struct pi_draft pi_draft;

/* Opens a draft into *ret; release with pi_draft_free. What is no plain file (a
 * pipe, a device) is written in place, as it comes; with `plain` it is refused.
 * A link of another user's but root's is refused, too (ELOOP). The text of a
 * refusal does not name the file. */
PI_API int pi_draft_open(const char *path, bool plain, pi_draft **ret,
                         pi_error *err);

/* A pi_sink whose `arg` is the draft: 0, or an errno. */
PI_API int pi_draft_write(void *draft, const char *bytes, size_t length);

/* Puts it into its place, on the disk, once; nothing is written afterwards. */
PI_API int pi_draft_commit(pi_draft *draft, pi_error *err);

/* Ends it; one that was not committed leaves nothing behind. */
PI_API void pi_draft_free(pi_draft *draft);

/* Puts at most `size` bytes into `buffer`: how many, 0 at the end, or a
 * negative errno. */
typedef ptrdiff_t (*pi_reader)(void *arg, char *buffer, size_t size);

/* Loads what pi_snapshot_save wrote, on any machine; release with
 * pi_snapshot_free. `interrupted` is as in pi_options. A mistake in the file is
 * PI_EREPLY, and its text begins with "line N: ". What is loaded answers like
 * any snapshot; a group that was not saved cannot be completed
 * (PI_EUNSUPPORTED), and fields unknown to whoever saved are unknown. */
PI_API int pi_snapshot_load(pi_reader read, void *arg,
                            bool (*interrupted)(void), pi_snapshot **ret,
                            pi_error *err);

/* Was it loaded, and what had been asked for: NULL for everything, and for a
 * snapshot that was taken. */
PI_API bool pi_snapshot_loaded(const pi_snapshot *snapshot);
PI_API const char *pi_snapshot_filter(const pi_snapshot *snapshot);

/* What became of the sockets of one reading in another. */
typedef struct pi_diff {
  pi_selection *added;   /* rows of the other */
  pi_selection *removed; /* rows of the one */
  pi_selection *before;  /* rows of the one that are different ... */
  pi_selection *after;   /* ... in the other: the i-th become the i-th */
  uint64_t *fields;      /* in what: a bit (1 << pi_field) for each field */
} pi_diff;

/* Compares the selected rows (NULL: all) of two snapshots, which may be of
 * different hosts. Rows are the same socket by local port, namespace and
 * cookie, where one has no cookie by inode, where one has no inode by protocol,
 * family and both ends. Compared are state, addresses, far port, role, owner,
 * and the pids and names of all holders; what is unknown on either side is no
 * difference. The groups that it needs are completed. End *ret with
 * pi_diff_deinit; a selection that is taken out of it (and NULL put there) is
 * freed as any other. */
PI_API int pi_snapshot_diff(pi_snapshot *one, const pi_selection *of_one,
                            pi_snapshot *other, const pi_selection *of_other,
                            pi_diff *ret, pi_error *err);
PI_API void pi_diff_deinit(pi_diff *diff);

/* What makes a row of one reading and one of the other the same. */
typedef enum pi_key {
  PI_KEY_SOCKET,  /* they are one socket, as pi_snapshot_diff says */
  PI_KEY_SERVICE, /* protocol, family and both ends: a service that was
                     restarted is the same, and its holders are different */
} pi_key;

/* The same by this key. */
PI_API int pi_snapshot_diff_by(pi_snapshot *one, const pi_selection *of_one,
                               pi_snapshot *other, const pi_selection *of_other,
                               pi_key key, pi_diff *ret, pi_error *err);

/* ---- Watching ----------------------------------------------------------- */

/* A pi_watcher hears from the kernel which sockets end between two readings, so
 * that the next reading can be taken at once, and counts those that no reading
 * met. Where the kernel does not tell (pi_hearing) it only waits. */
typedef struct pi_watcher pi_watcher;

typedef struct pi_hearing {
  bool heard;       /* the kernel tells */
  int os;           /* why not: its errno; 0: it was not asked */
  uint64_t told;    /* sockets that it said have ended */
  uint64_t lost;    /* notices that we were too slow for */
  uint64_t unclear; /* notices that could not be understood */
} pi_hearing;

/* Begins to listen; release with pi_watcher_free. `opt` is as for
 * pi_snapshot_take: with a backend other than sock_diag, another procfs or
 * other network namespaces, the kernel is not asked. */
PI_API int pi_watcher_new(const pi_options *opt, pi_watcher **ret,
                          pi_error *err);
PI_API void pi_watcher_free(pi_watcher *watcher);

/* Tells it of the latest reading, to be called after each. *ret is then NULL,
 * or a snapshot (to be freed) of sockets that ended, as was told since the call
 * before, and that no reading met, so that nothing else tells of them. Their
 * owners are unknown, as is what they no longer know themselves, such as the
 * state of TCP. */
PI_API int pi_watcher_meet(pi_watcher *watcher, const pi_snapshot *latest,
                           pi_snapshot **ret, pi_error *err);

typedef enum pi_wake {
  PI_WAKE_TIME,  /* it is time */
  PI_WAKE_ENDED, /* a socket of the latest reading ended, or very many others */
  PI_WAKE_LEFT,  /* whoever read `output` has gone */
  PI_WAKE_SIGNAL, /* a signal was caught */
} pi_wake;

/* Waits `most` milliseconds, or, once `least` have passed, until a socket of
 * the latest reading ends. `output` is a descriptor that is written to, or -1.
 * Returns a pi_wake or a negative PI_E*. */
PI_API int pi_watcher_wait(pi_watcher *watcher, unsigned least, unsigned most,
                           int output, pi_error *err);
PI_API const pi_hearing *pi_watcher_hearing(const pi_watcher *watcher);

/* Milliseconds of a clock that nobody sets, to tell the times of waiting. */
PI_API uint64_t pi_watcher_ticks(void);

/* ---- Templates and words ------------------------------------------------ */

/* A line of text with {fields} in it, `{count}` of tallied rows among them;
 * `{{` and `}}` are braces, and there are \t \n \r \\. Fields are written as in
 * TSV. A mistake tells its bytes in *err. Release with pi_template_free. */
typedef struct pi_template pi_template;
PI_API int pi_template_parse(const char *text, size_t length, pi_template **ret,
                             pi_error *err);
PI_API void pi_template_free(pi_template *tpl);

/* The groups whose fields it shows, as PI_GROUP_* bits. */
PI_API unsigned pi_template_groups(const pi_template *tpl);

/* Writes a line for each selected row, as pi_emit does. */
PI_API int pi_emit_template(const pi_snapshot *snapshot,
                            const pi_selection *selection,
                            const pi_template *tpl, unsigned flags,
                            pi_sink sink, void *arg, pi_error *err);

/* The candidate that a misspelt word most likely means (case ignored, at most
 * two slips), or NULL. For messages. */
PI_API const char *pi_nearest(const char *word, size_t length,
                              const char *const *candidates, size_t n);

/* "0.1.0" */
PI_API const char *pi_version(void);

#ifdef __cplusplus
}
#endif

#endif
