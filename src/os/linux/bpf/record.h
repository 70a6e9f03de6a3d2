/* record.h: what the iterator tells of one descriptor of one socket. Shared by
 * the program in the kernel and by whoever reads its stream.
 *
 * A probe stays pinned while the programs that read it are replaced, so each
 * record begins with its version and size: whatever changes below takes the
 * next version. Numbers are in host byte order; addresses are as the kernel has
 * them, those of IPv4 in the first four bytes.
 */
#ifndef PI_OS_LINUX_BPF_RECORD_H
#define PI_OS_LINUX_BPF_RECORD_H

#include <stdint.h>

#ifndef PI__RECORD_VERSION  // a test makes a probe of another one
#define PI__RECORD_VERSION 1
#endif

/* Bits of `known`: what this kernel has, each by its field. */
enum {
  PI__RECORD_UID = 1,
  PI__RECORD_MARK = 2,
  PI__RECORD_QUEUES = 4,
  PI__RECORD_V6ONLY = 8,
  PI__RECORD_CHOSEN = 16,
};

/* Bits of `flags`. */
enum {
  PI__RECORD_IS_V6ONLY = 1, /* IPV6_V6ONLY */
  PI__RECORD_IS_CHOSEN = 2, /* a process chose the port: SOCK_BINDPORT_LOCK */
};

/* 128 bytes, of which the kernel's buffer of 32 KiB holds a whole number. */
typedef struct pi__record {
  uint16_t version, size;
  uint16_t protocol;     /* IPPROTO_* */
  uint8_t family;        /* AF_INET or AF_INET6 */
  uint8_t type;          /* SOCK_* */
  uint64_t inode;        /* of the socket file system */
  uint64_t cookie;       /* 0: unknown */
  uint64_t start;        /* of the process, in ns after boot */
  uint32_t netns;        /* of the socket, inode of its nsfs file; 0: unknown */
  uint32_t holder_netns; /* of the task that holds it; 0: unknown */
  uint32_t pid; /* of the process, in the pid namespace of whoever reads */
  uint32_t fd;
  uint32_t euid; /* of the process, as the first user namespace counts */
  uint32_t uid;  /* that the socket was made with, likewise */
  uint32_t mark;
  uint32_t iface;        /* index of the bound device; 0: none */
  uint32_t rxq, txq;     /* as inet_diag tells them */
  uint16_t lport, rport; /* lport 0: not bound */
  uint8_t state;         /* TCP_* of net/tcp_states.h */
  uint8_t known, flags;
  uint8_t spare;
  uint8_t laddr[16], raddr[16];
  char comm[16]; /* of the process; raw bytes, then NUL */
} pi__record;

#endif
