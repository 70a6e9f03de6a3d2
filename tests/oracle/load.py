#!/usr/bin/env python3
"""load.py: sockets that are seldom met, in the network namespace where it is started.

Beside those of tests/cli/helpers/oracle.py, of which it wants nothing told. Each is
opened by a process of its own; what the kernel does not let be is said, and left out.
Prints `ready`, and ends when its input does.
"""
import array
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

IP_FREEBIND, IPV6_FREEBIND, TCP_FASTOPEN = 15, 78, 23
UDPLITE, MPTCP, ICMP, ICMPV6 = 136, 262, 1, 58
CLONE_NEWPID, CLONE_NEWNET = 0x20000000, 0x40000000
PR_SET_PDEATHSIG = 1

libc = ctypes.CDLL(None, use_errno=True)
kept = []


def keep(*sockets):
    kept.extend(sockets)
    return sockets[0]


def tcp(family=socket.AF_INET, protocol=0):
    return keep(socket.socket(family, socket.SOCK_STREAM, protocol))


def udp(family=socket.AF_INET, protocol=0):
    return keep(socket.socket(family, socket.SOCK_DGRAM, protocol))


def six(sock, only):
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
    return sock


def listening(sock, address, backlog=8):
    sock.bind(address)
    sock.listen(backlog)
    return sock


def meet(server, client):
    """Connects, and accepts it."""
    client.connect(server.getsockname())
    return keep(server.accept()[0])


# ---- Scenes ----------------------------------------------------------------


def scopes():
    """Addresses that mean something on one device only."""
    lo = socket.if_nametoindex("lo")
    for words in (["fe80::77/64"], ["198.51.100.7/32"]):
        subprocess.run(["ip", "address", "add", *words, "dev", "lo", "nodad"], check=False,
                       stderr=subprocess.DEVNULL)
    server = listening(tcp(socket.AF_INET6), ("fe80::77", 7301, 0, lo))
    meet(server, tcp(socket.AF_INET6))
    udp(socket.AF_INET6).bind(("fe80::77", 7302, 0, lo))
    udp(socket.AF_INET6).bind(("ff02::fb", 7303, 0, lo))
    udp(socket.AF_INET6).connect(("fe80::77", 7302, 0, lo))


def families():
    """One port, in as many ways as there are."""
    listening(six(tcp(socket.AF_INET6), 1), ("::", 7310))
    listening(tcp(), ("0.0.0.0", 7310))
    listening(six(tcp(socket.AF_INET6), 0), ("::", 7311))
    server = listening(six(tcp(socket.AF_INET6), 0), ("::ffff:127.0.0.1", 7312))
    meet(server, six(tcp(socket.AF_INET6), 0))
    sender = six(udp(socket.AF_INET6), 0)
    sender.connect(("::ffff:127.0.0.1", 7313))
    six(udp(socket.AF_INET6), 0).bind(("::ffff:0.0.0.0", 7314))


def groups():
    """One address and port, several sockets."""
    for _ in range(3):
        for sock in tcp(), udp():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            sock.bind(("127.0.0.1", 7320))
            if sock.type == socket.SOCK_STREAM:
                sock.listen()
    for _ in range(2):
        sock = udp()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("224.0.0.251", 7321))


def options():
    """Listeners that are not as others."""
    for name, value in (socket.TCP_DEFER_ACCEPT, 30), (TCP_FASTOPEN, 5):
        sock = tcp()
        sock.setsockopt(socket.IPPROTO_TCP, name, value)
        listening(sock, ("127.0.0.1", 0))
    sock = tcp()
    sock.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
    listening(sock, ("203.0.113.9", 7330))
    sock = tcp(socket.AF_INET6)
    sock.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
    listening(sock, ("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 7331))


def devices():
    for sock in tcp(), udp(), six(tcp(socket.AF_INET6), 1):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
        sock.bind(("", 7340))
        if sock.type == socket.SOCK_STREAM:
            sock.listen()


def full():
    """More clients than the queue of a listener holds."""
    server = listening(tcp(), ("127.0.0.1", 7350), 1)
    for _ in range(4):
        client = tcp()
        client.setblocking(False)
        client.connect_ex(server.getsockname())


def ends():
    """Connections of which one end, or both, say no more; none that time ends soon."""
    server = listening(tcp(), ("127.0.0.1", 7360))
    for family in socket.AF_INET, socket.AF_INET6:
        if family == socket.AF_INET6:
            server = listening(six(tcp(family), 0), ("::", 7361))
        client = tcp(family)
        if family == socket.AF_INET:
            accepted = meet(server, client)
        else:
            six(client, 0).connect(("::ffff:127.0.0.1", 7361))
            accepted = keep(server.accept()[0])
        accepted.shutdown(socket.SHUT_WR)  # fin-wait-2, close-wait
        gone = socket.socket()
        gone.connect(("127.0.0.1", server.getsockname()[1]))
        over = server.accept()[0]
        gone.close()
        over.recv(1)
        over.close()  # time-wait
    reset = tcp()
    last = meet(server=listening(tcp(), ("127.0.0.1", 7362)), client=reset)
    last.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, bytes([1, 0, 0, 0, 0, 0, 0, 0]))
    last.close()  # the other end is closed, and still bound to nothing


def queues():
    """Bytes that nobody has read, and clients that nobody has accepted."""
    server = listening(tcp(), ("127.0.0.1", 7370))
    client = tcp()
    accepted = meet(server, client)
    client.sendall(b"x" * 321)
    accepted.sendall(b"y" * 54321)
    for _ in range(3):
        tcp().connect(server.getsockname())
    receiver = udp()
    receiver.bind(("127.0.0.1", 7371))
    for _ in range(3):
        udp().sendto(b"z" * 100, ("127.0.0.1", 7371))


def udplite():
    for family, address in (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"):
        udp(family, UDPLITE).bind((address, 7380))
        udp(family, UDPLITE).connect((address, 7380))


def raw():
    for family, protocol in ((socket.AF_INET, ICMP), (socket.AF_INET, 253),
                             (socket.AF_INET6, ICMPV6)):
        keep(socket.socket(family, socket.SOCK_RAW, protocol))
    sock = keep(socket.socket(socket.AF_INET, socket.SOCK_RAW, ICMP))
    sock.bind(("127.0.0.1", 0))
    sock.connect(("127.0.0.1", 0))


def mptcp():
    for family, address in (socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"):
        server = listening(tcp(family, MPTCP), (address, 7390))
        meet(server, tcp(family, MPTCP))
        meet(server, tcp(family))  # one that falls back


def unbound():
    """In no table; a descriptor leads there."""
    tcp()
    udp()
    udp(socket.AF_INET6)


def bound():
    tcp().bind(("127.0.0.1", 7400))
    six(tcp(socket.AF_INET6), 1).bind(("::", 7401))


def in_flight():
    """A listener that is on its way, in a message that nobody has read."""
    pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    keep(*pair)
    server = listening(socket.socket(), ("127.0.0.1", 7410))
    pair[0].sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                              array.array("i", [server.fileno()]))])
    server.close()


def deleted():
    """Held by a process whose program is no more."""
    folder = tempfile.mkdtemp()
    program = shutil.copy(shutil.which("sleep"), f"{folder}/sleep (deleted)")
    server = listening(tcp(), ("127.0.0.1", 7420))
    subprocess.Popen([program, "1000"], pass_fds=[server.fileno()], preexec_fn=end_with_us)
    shutil.rmtree(folder)


def pid_namespace():
    """Held by a process that is called otherwise where it lives."""
    if libc.unshare(CLONE_NEWPID) != 0:
        raise OSError(ctypes.get_errno(), "a pid namespace")
    if os.fork() == 0:
        end_with_us()
        stay(lambda: listening(tcp(), ("127.0.0.1", 7430)))


def away():
    """Held by a process that has gone to another network namespace."""
    listening(tcp(), ("127.0.0.1", 7440))
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "a network namespace")
    listening(tcp(), ("127.0.0.1", 7441))  # which is not seen from here


SCENES = [scopes, families, groups, options, devices, full, ends, queues, udplite, raw, mptcp,
          unbound, bound, in_flight, deleted, pid_namespace, away]

# ---- All of them -----------------------------------------------------------


def end_with_us():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


# Ends when no process has its other end any more: all of them stand.
stood, said = os.pipe()


def stay(scene):
    """Opens a scene, and keeps it."""
    try:
        scene()
    except OSError as error:
        print(f"load: {scene.__name__}: {error}", file=sys.stderr)
    os.close(said)
    while True:
        signal.pause()


def main():
    for scene in SCENES:
        if os.fork() == 0:
            end_with_us()
            stay(scene)
    os.close(said)
    os.read(stood, 1)
    print("ready", flush=True)
    sys.stdin.read()


main()
