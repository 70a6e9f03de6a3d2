/* taskfile.bpf.c: the kernel walks the descriptors of every task and asks this
 * program about each: is it an internet socket? Then a record tells of it.
 *
 * The structs below name what is used of the kernel's; where it lies is filled
 * in when the program is loaded (CO-RE). Whatever a kernel may be built without
 * is asked for by bpf_core_field_exists, which leaves a bit out of `known`.
 * Needs Linux 5.11, for bpf_sock_from_file.
 *
 * For each struct that an access begins at, whoever fits the program goes
 * through all types of the kernel (libbpf at each load, the kernel at the
 * first): so accesses begin at few of them, and what lies within another is
 * reached from there.
 */
#include <stdint.h>

typedef uint8_t __u8;
typedef uint16_t __u16, __be16;
typedef uint32_t __u32, __be32, __wsum;
typedef uint64_t __u64;
typedef int32_t __s32;
typedef int64_t __s64;
typedef __u32 u32;
typedef __u64 u64;

// what these headers take from linux/bpf.h is named by the four types above
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#include "record.h"

enum { INET = 2, INET6 = 10 };  // AF_* of linux/socket.h
enum { DGRAM = 2, RAW = 3 };    // SOCK_* of linux/net.h
enum { TCP = 6, UDP = 17, UDPLITE = 136, MPTCP = 262 };
enum { LISTEN = 10 };        // of net/tcp_states.h
enum { BINDPORT_LOCK = 8 };  // SOCK_BINDPORT_LOCK of net/sock.h

#pragma clang attribute push(__attribute__((preserve_access_index)),           \
                             apply_to = record)

typedef struct {
  int counter;
} atomic_t;

typedef struct {
  atomic_t refs;
} refcount_t;

typedef struct {
  uint32_t val;
} kuid_t;

struct ns_common {
  unsigned inum;
};

struct net {
  struct ns_common ns;
};

struct nsproxy {
  struct net *net_ns;
};

struct upid {
  int nr;  // in front, where it is read without an access of its own
  struct pid_namespace *ns;
};

struct pid {
  unsigned level;
  struct upid numbers[1];
};

struct cred {
  kuid_t euid;
};

struct task_struct {
  struct task_struct *group_leader;
  const struct cred *real_cred;
  struct nsproxy *nsproxy;
  struct pid *thread_pid;
  u64 start_boottime;
  int tgid;
  char comm[16];
};

struct inode {
  unsigned long i_ino;
};

struct file {
  struct inode *f_inode;
};

struct in6_addr {
  union {
    uint32_t u6_addr32[4];
  } in6_u;
};

struct sock_common {
  uint32_t skc_daddr, skc_rcv_saddr;
  __be16 skc_dport;
  uint16_t skc_num;
  uint16_t skc_family;
  volatile unsigned char skc_state;
  unsigned char skc_ipv6only : 1;
  int skc_bound_dev_if;
  struct {
    struct net *net;
  } skc_net;
  struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};

struct sock {
  struct sock_common __sk_common;
  struct {
    atomic_t rmem_alloc;
  } sk_backlog;
  refcount_t sk_wmem_alloc;
  uint32_t sk_ack_backlog, sk_max_ack_backlog;
  uint32_t sk_mark;
  kuid_t sk_uid;
  unsigned char sk_userlocks : 4;
  uint16_t sk_type, sk_protocol;
};

// as net/sock.h names them; one pass less than through sock_common
#define sk_family       __sk_common.skc_family
#define sk_state        __sk_common.skc_state
#define sk_num          __sk_common.skc_num
#define sk_dport        __sk_common.skc_dport
#define sk_daddr        __sk_common.skc_daddr
#define sk_rcv_saddr    __sk_common.skc_rcv_saddr
#define sk_v6_daddr     __sk_common.skc_v6_daddr
#define sk_v6_rcv_saddr __sk_common.skc_v6_rcv_saddr
#define sk_bound_dev_if __sk_common.skc_bound_dev_if
#define sk_ipv6only     __sk_common.skc_ipv6only
#define sk_net          __sk_common.skc_net

struct socket {
  struct sock *sk;
};

struct tcp_sock {
  uint32_t rcv_nxt, copied_seq, write_seq, snd_una;
};

struct udp_sock {
  int forward_deficit;
};

#pragma clang attribute pop

// what the kernel hands over lies alike in all of them (its __bpf_md_ptr)
struct bpf_iter_meta {
  struct seq_file *seq;
};

struct bpf_iter__task_file {
  struct bpf_iter_meta *meta;
  struct task_struct *task;
  u32 fd __attribute__((aligned(8)));
  struct file *file;
};

/* The type of a helper's body, which is there if the kernel lets iterators make
 * cookies (5.12). */
typedef u64 (*btf_bpf_get_socket_ptr_cookie)(struct sock *);

/* ---- Who holds it ------------------------------------------------------- */

/* The iterator visits what the reader's pid namespace shows, so that there is a
 * number for it. */
static uint32_t number_of(struct task_struct *leader) {
  struct task_struct *reader = bpf_get_current_task_btf();
  unsigned level = reader->thread_pid->level;
  if (level == 0) return (uint32_t)leader->tgid;
  struct upid *numbers = leader->thread_pid->numbers;
  int number = 0;
  bpf_probe_read_kernel(&number, sizeof number, &numbers[level]);
  return (uint32_t)number;
}

/* A thread has a name of its own, and may have its own namespace. */
static void put_holder(struct pi__record *r, struct task_struct *task) {
  struct task_struct *leader = task->group_leader;
  r->pid = number_of(leader);
  r->start = leader->start_boottime;
  r->euid = leader->real_cred->euid.val;
  bpf_core_read(r->comm, sizeof r->comm, &leader->comm);
  // one that is about to end has no namespaces any more: reads give 0
  r->holder_netns = task->nsproxy->net_ns->ns.inum;
}

/* ---- What it is --------------------------------------------------------- */

static void put_addresses(struct pi__record *r, struct sock *sk) {
  uint32_t *local = (uint32_t *)r->laddr, *remote = (uint32_t *)r->raddr;
  if (r->family == INET) {
    local[0] = sk->sk_rcv_saddr;
    remote[0] = sk->sk_daddr;
  } else if (bpf_core_field_exists(sk->sk_v6_daddr)) {
    local[0] = sk->sk_v6_rcv_saddr.in6_u.u6_addr32[0];
    local[1] = sk->sk_v6_rcv_saddr.in6_u.u6_addr32[1];
    local[2] = sk->sk_v6_rcv_saddr.in6_u.u6_addr32[2];
    local[3] = sk->sk_v6_rcv_saddr.in6_u.u6_addr32[3];
    remote[0] = sk->sk_v6_daddr.in6_u.u6_addr32[0];
    remote[1] = sk->sk_v6_daddr.in6_u.u6_addr32[1];
    remote[2] = sk->sk_v6_daddr.in6_u.u6_addr32[2];
    remote[3] = sk->sk_v6_daddr.in6_u.u6_addr32[3];
  }
}

static void put_names(struct pi__record *r, struct sock *sk) {
  r->type = (uint8_t)sk->sk_type;
  r->protocol = sk->sk_protocol;
  r->state = sk->sk_state;
  r->lport = sk->sk_num;
  r->rport = bpf_ntohs(sk->sk_dport);
  r->iface = (uint32_t)sk->sk_bound_dev_if;
  put_addresses(r, sk);
  if (bpf_core_field_exists(sk->sk_net.net)) {
    r->netns = sk->sk_net.net->ns.inum;
  }
  if (bpf_core_type_exists(btf_bpf_get_socket_ptr_cookie)) {
    r->cookie = bpf_get_socket_cookie(sk);
  }
}

static void put_options(struct pi__record *r, struct sock *sk) {
  if (bpf_core_field_exists(sk->sk_uid)) {
    r->uid = sk->sk_uid.val;
    r->known |= PI__RECORD_UID;
  }
  if (bpf_core_field_exists(sk->sk_mark)) {
    r->mark = sk->sk_mark;
    r->known |= PI__RECORD_MARK;
  }
  if (bpf_core_field_exists(sk->sk_ipv6only)) {
    if (BPF_CORE_READ_BITFIELD(sk, sk_ipv6only)) {
      r->flags |= PI__RECORD_IS_V6ONLY;
    }
    r->known |= PI__RECORD_V6ONLY;
  }
  if (bpf_core_field_exists(sk->sk_userlocks)) {
    // what the bytecode INET_DIAG_BC_AUTO asks
    if (BPF_CORE_READ_BITFIELD(sk, sk_userlocks) & BINDPORT_LOCK) {
      r->flags |= PI__RECORD_IS_CHOSEN;
    }
    r->known |= PI__RECORD_CHOSEN;
  }
}

/* ---- What waits in it --------------------------------------------------- */

static void put_accepted(struct pi__record *r, struct sock *sk) {
  if (!bpf_core_field_exists(sk->sk_max_ack_backlog)) return;
  r->rxq = sk->sk_ack_backlog;
  r->txq = sk->sk_max_ack_backlog;
  r->known |= PI__RECORD_QUEUES;
}

/* tcp_diag_get_info. */
static void put_tcp(struct pi__record *r, struct sock *sk) {
  struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);
  if (!tcp || !bpf_core_field_exists(tcp->copied_seq)) return;
  int unread = (int)(tcp->rcv_nxt - tcp->copied_seq);
  r->rxq = unread > 0 ? (uint32_t)unread : 0;  // no lock: one may be ahead
  r->txq = tcp->write_seq - tcp->snd_una;
  r->known |= PI__RECORD_QUEUES;
}

/* udp_diag_get_info: without what a reader took and did not yet give back. Raw
 * and MPTCP sockets lend nothing, and are told of alike. */
static void put_memory(struct pi__record *r, struct sock *sk) {
  int lent = 0;
  if (!bpf_core_field_exists(sk->sk_wmem_alloc)) return;
  if (r->type == DGRAM && (r->protocol == UDP || r->protocol == UDPLITE)) {
    struct udp_sock *udp = (void *)sk;
    if (!bpf_core_field_exists(udp->forward_deficit)) return;
    bpf_core_read(&lent, sizeof lent, &udp->forward_deficit);
  }
  r->rxq = (uint32_t)(sk->sk_backlog.rmem_alloc.counter - lent);
  r->txq = (uint32_t)(sk->sk_wmem_alloc.refs.counter - 1);
  r->known |= PI__RECORD_QUEUES;
}

/* What stays unknown: SCTP counts in its associations, and the backlog of MPTCP
 * is that of a subflow. */
static void put_queues(struct pi__record *r, struct sock *sk) {
  _Bool listens = r->state == LISTEN;
  if (r->type == DGRAM || r->type == RAW) {
    put_memory(r, sk);
  } else if (r->protocol == MPTCP) {
    if (!listens) put_memory(r, sk);
  } else if (listens) {
    put_accepted(r, sk);
  } else if (r->protocol == TCP) {
    put_tcp(r, sk);
  }
}

/* ---- The iterator ------------------------------------------------------- */

SEC("iter/task_file")
int portinfo(struct bpf_iter__task_file *ctx) {
  struct task_struct *task = ctx->task;
  struct file *file = ctx->file;
  if (!task || !file) return 0;
  struct socket *socket = bpf_sock_from_file(file);
  if (!socket) return 0;
  struct sock *sk = socket->sk;
  if (!sk) return 0;
  uint16_t family = sk->sk_family;
  if (family != INET && family != INET6) return 0;
  struct pi__record r = {
      .version = PI__RECORD_VERSION,
      .size = sizeof r,
      .family = (uint8_t)family,
      .inode = file->f_inode->i_ino,
      .fd = ctx->fd,
  };
  put_holder(&r, task);
  put_names(&r, sk);
  put_options(&r, sk);
  put_queues(&r, sk);
  // what no longer fits comes first in the next buffer
  bpf_seq_write(ctx->meta->seq, &r, sizeof r);
  return 0;
}

// a variable would need its size filled in among the types before they load
__asm__(".pushsection license, \"aw\"\n"
        ".asciz \"Dual MIT/GPL\"\n"
        ".popsection");
