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

/* ---- Errors ----------------------------------------------------------- */

enum {
  PI_ENOMEM = -1,       /* out of memory */
  PI_EINVAL = -2,       /* the caller's mistake; the text says what is right */
  PI_EOS = -3,          /* the system refused; `os` is its errno */
  PI_EREPLY = -4,       /* the system answered with something malformed */
  PI_ECANCELED = -5,    /* the caller's `interrupted` said stop */
  PI_EUNSUPPORTED = -6, /* this build knows no way to do it here */
};

/* A plain value: nothing to free. `text` is one line, without a final dot. */
typedef struct pi_error {
  int code; /* PI_E* */
  int os;   /* errno, when the system refused; else 0 */
  char text[248];
} pi_error;

/* ---- Knowledge: ports and services ------------------------------------- */

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
  PI_STATUS_UNASSIGNED,  /* free, or never listed */
  PI_STATUS_ASSIGNED,    /* in force, with a service name */
  PI_STATUS_RESERVED,    /* held back by IANA */
  PI_STATUS_DEASSIGNED,  /* was assigned, then taken back */
  PI_STATUS_GENERIC,     /* for "any private ..." use, without a name */
  PI_STATUS_DYNAMIC,     /* 49152 and up: never assigned, by rule */
} pi_status;

/* One record of the registry: a line that IANA wrote. Texts that the registry
 * does not give are "". Dates are YYYY-MM-DD or YYYY-MM. */
typedef struct pi_record {
  bool has_port;       /* false: a service name without a port */
  uint16_t first, last; /* inclusive; meaningless without a port */
  uint8_t transports;  /* PI_TRANSPORT_* bits; 0: the registry gives none */
  pi_status status;
  const char *name;    /* service name, as registered */
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
 * then by port; a non-zero result of `visit` ends the search and is returned. */
PI_API int pi_search(const char *word, size_t length,
                     int (*visit)(void *arg, const pi_hit *hit), void *arg);

/* The i-th system's default range of client ports; false past the end. */
PI_API bool pi_ephemeral_range(unsigned i, pi_ephemeral *ret);

/* Date of the registry data, YYYY-MM-DD. */
PI_API const char *pi_registry_date(void);

#ifdef __cplusplus
}
#endif

#endif
