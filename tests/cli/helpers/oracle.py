#!/usr/bin/env python3
"""oracle.py: opens sockets and tells what they are, as JSON lines.

    oracle.py [--here] SCENE...

Each scene is a process that opens its sockets and tells what the kernel says of
them to whoever holds them: names, inode, cookie, flags; and what follows by the
rules of portinfo.h. A value of null means that there is no such thing, "?" that
it cannot be known. What is not named is not claimed. A last line
{"ready": true, ...} follows; the sockets stay until standard input ends.

The sockets are opened in a network namespace of their own where that is
permitted ("apart": true), so that there is nothing else in it.
"""
import array
import ctypes
import fcntl
import ipaddress
import json
import os
import platform
import pwd
import select
import signal
import socket
import struct
import sys
import threading
import time

SO_PROTOCOL, SO_DOMAIN, SO_COOKIE = 38, 39, 57
IP_BIND_ADDRESS_NO_PORT, IP_LOCAL_PORT_RANGE, TCP_ULP = 24, 51, 31
CLONE_FILES, CLONE_NEWUSER, CLONE_NEWNET = 0x400, 0x10000000, 0x40000000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NAME = 1, 4, 15
PATIENCE = 20  # seconds that a state may take to be reached

libc = ctypes.CDLL(None, use_errno=True)

STATES = ["", "established", "syn-sent", "syn-received", "fin-wait-1",
          "fin-wait-2", "time-wait", "closed", "close-wait", "last-ack",
          "listen", "closing"]
EMPTY_PEER = ("listen", "closed", "unconnected")


class Skip(Exception):
    """The scene cannot be had here."""


# ---- What the kernel says of a socket ------------------------------------------

def plain(text):
    """An address as portinfo writes it: v4-mapped as IPv4, no scope."""
    address = ipaddress.ip_address(text.split("%")[0])
    if address.version == 6 and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)


def client_range():
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        first, last = map(int, file.read().split())
    return first, last


def rfc6335_range(port):
    return "system" if port < 1024 else "user" if port < 49152 else "dynamic"


def exposure(laddr, iface):
    address = ipaddress.ip_address(laddr)
    if address.is_loopback:
        return "loopback"
    if address.is_unspecified:
        return "loopback" if iface == "lo" else "wildcard"
    if address.is_multicast:
        return "multicast"
    return "public"


def tcp_state(sock):
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
    return STATES[info[0]]


def has_peer(sock):
    try:
        sock.getpeername()
        return True
    except OSError:
        return False


def by_port(row):
    """What follows from address and port alone."""
    first, last = client_range()
    row["range"] = rfc6335_range(row["lport"])
    row["ephemeral"] = first <= row["lport"] <= last
    row["exposure"] = exposure(row["laddr"], row.get("iface"))
    row["netns"] = os.stat("/proc/thread-self/ns/net").st_ino
    return row


def reach(row):
    if ipaddress.ip_address(row["laddr"]).version == 4:
        return "4"
    return "4+6" if row["laddr"] == "::" and row["v6only"] is False else "6"


def facts(sock, **claims):
    """One row: what the kernel tells its holder, and the scene's own claims."""
    udp = sock.getsockopt(socket.SOL_SOCKET, SO_PROTOCOL) == socket.IPPROTO_UDP
    six = sock.getsockopt(socket.SOL_SOCKET, SO_DOMAIN) == socket.AF_INET6
    stat = os.fstat(sock.fileno())
    row = {
        "proto": "udp" if udp else "tcp",
        "family": "ipv6" if six else "ipv4",
        "laddr": plain(sock.getsockname()[0]),
        "lport": sock.getsockname()[1],
        "inode": stat.st_ino,
        "uid": stat.st_uid,
        "cookie": str(struct.unpack("=Q", sock.getsockopt(
            socket.SOL_SOCKET, SO_COOKIE, 8))[0]),
        "iface": None,
        "raddr": None, "rport": None, "v6only": None,
    }
    if udp:
        row["state"] = "connected" if has_peer(sock) else "unconnected"
    else:
        row["state"] = tcp_state(sock)
    if row["state"] not in EMPTY_PEER:
        row["raddr"] = plain(sock.getpeername()[0])
        row["rport"] = sock.getpeername()[1]
    elif six:
        row["v6only"] = bool(sock.getsockopt(socket.IPPROTO_IPV6,
                                             socket.IPV6_V6ONLY))
    device = sock.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16)
    if device.strip(b"\0"):
        row["iface"] = device.strip(b"\0").decode()
    row["families"] = reach(row)
    row["owner"], row["why"] = "known", None
    row["holders"] = [[os.getpid(), sock.fileno()]]
    row.update(claims)
    return by_port(with_process(row))


def with_process(row):
    """Who the main holder is, from the holders."""
    if not row["holders"]:
        for name in ("holders", "pid", "process", "user", "ppid"):
            row[name] = None
        return row
    row["holders"] = sorted(row["holders"])
    pid = row["pid"] = row["holders"][0][0]
    if "process" not in row:
        with open("/proc/%d/comm" % pid, "rb") as file:
            row["process"] = file.read()[:-1].decode()
    with open("/proc/%d/status" % pid, "rb") as file:
        status = file.read().split(b"\nUid:")[1].split()
    try:
        row["user"] = pwd.getpwuid(int(status[1])).pw_name
    except KeyError:
        row["user"] = str(int(status[1]))
    return row


def unheld(proto, family, state, here, there, **claims):
    """A row of a socket that no descriptor refers to: known by its ends."""
    row = {
        "proto": proto, "family": family, "state": state,
        "laddr": plain(here[0]), "lport": here[1],
        "raddr": plain(there[0]), "rport": there[1],
        "inode": None, "owner": "none", "holders": [], "v6only": None,
        "iface": None,
    }
    row["families"] = reach(row)
    row.update(claims)
    return by_port(with_process(row))


def until(reached):
    """Polls; states that another stack has to be told of take a moment."""
    end = time.monotonic() + PATIENCE
    while not reached():
        if time.monotonic() > end:
            raise RuntimeError("a state was not reached")
        time.sleep(0.01)


# ---- Making sockets -------------------------------------------------------------

FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
ANY = {4: "0.0.0.0", 6: "::"}
LOOPBACK = {4: "127.0.0.1", 6: "::1"}


def make(kind, version, options=()):
    if version == 6 and not socket.has_ipv6:
        raise Skip("there is no IPv6")
    try:
        sock = socket.socket(FAMILIES[version], kind)
    except OSError as error:
        raise Skip("no socket of IPv%d: %s" % (version, error))
    for level, name, value in options:
        sock.setsockopt(level, name, value)
    return sock


def choose(sock, address, inside=False):
    """Binds to a port that we choose, outside the client range or inside."""
    first, last = client_range()
    start = first + 1000 if inside else 20000
    for port in range(start, start + 2000):
        if not inside and first <= port <= last:
            continue
        try:
            sock.bind((address, port))
            return port
        except OSError as error:
            if error.errno not in (98, 13):
                raise Skip("cannot bind %s: %s" % (address, error))
    raise Skip("no port is free")


def v6only(value):
    return (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, value)


REUSEPORT = (socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)


def listener(version=4, address=None, options=(), backlog=5):
    sock = make(socket.SOCK_STREAM, version, options)
    choose(sock, address or LOOPBACK[version])
    sock.listen(backlog)
    return sock


def listening(sock, **claims):
    return facts(sock, autobound=False, role="listener", **claims)


def child(run):
    """A process that runs, and then waits like the others. Gives its pid."""
    pid = os.fork()
    if pid == 0:
        behave(run)
    return pid


def behave(run):
    """Runs in a new process, and stays until the oracle ends."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    try:
        run()
        while True:
            signal.pause()
    finally:
        os._exit(1)


def told(run):
    """Runs in a new process; gives what it returned."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)

        def tell():
            try:
                text = json.dumps(run())
            except Skip as skip:
                text = json.dumps({"skip": str(skip)})
            except Exception as error:  # the parent must not wait for ever
                text = json.dumps({"error": repr(error)})
            os.write(writer, text.encode() + b"\n")
            os.close(writer)
        behave(tell)
    os.close(writer)
    with os.fdopen(reader) as file:
        answer = json.loads(file.readline() or '{"error": "it died"}')
    if isinstance(answer, dict) and "skip" in answer:
        raise Skip(answer["skip"])
    if isinstance(answer, dict) and "error" in answer:
        raise RuntimeError(answer["error"])
    return answer


kept = []  # sockets that a scene leaves open


def keep(*sockets):
    kept.extend(sockets)
    return sockets[0]


def pair(version, at=None, options=()):
    """A listener, and both ends of a connection to it."""
    server = listener(version, at, options)
    address = server.getsockname()[:2]
    client = make(socket.SOCK_STREAM, version)
    client.connect((LOOPBACK[version] if at else address[0], address[1]))
    accepted, _ = server.accept()
    keep(server, client, accepted)
    return server, client, accepted


# ---- Scenes: TCP ----------------------------------------------------------------

def tcp4():
    return [listening(keep(listener(4)), rxq=0, txq=5)]


def tcp4_any():
    return [listening(keep(listener(4, "0.0.0.0")))]


def tcp6_only():
    return [listening(keep(listener(6, "::", [v6only(1)])))]


def tcp6_dual():
    return [listening(keep(listener(6, "::", [v6only(0)])))]


def same_port():
    """IPv4, IPv6 alone and both, on one port: three sockets."""
    four = listener(4, "0.0.0.0", [REUSEPORT])
    rows, port = [listening(keep(four))], four.getsockname()[1]
    for only in (1, 0):
        sock = make(socket.SOCK_STREAM, 6, [REUSEPORT, v6only(only)])
        sock.bind(("::", port))
        sock.listen(5)
        rows.append(listening(keep(sock)))
    return rows


def reuseport3():
    """One port, three sockets, three processes."""
    first = listener(4, None, [REUSEPORT])
    name = first.getsockname()

    def other():
        first.close()
        sock = make(socket.SOCK_STREAM, 4, [REUSEPORT])
        sock.bind(name)
        sock.listen(5)
        return listening(keep(sock))
    return [listening(keep(first)), told(other), told(other)]


def fork3():
    """One socket, three processes."""
    sock = keep(listener())
    fd = sock.fileno()
    pids = [os.getpid(), child(lambda: None), child(lambda: None)]
    return [listening(sock, holders=[[pid, fd] for pid in pids])]


def twice():
    """One socket, one process, two descriptors."""
    sock = keep(listener())
    other = os.dup(sock.fileno())
    return [listening(sock, holders=[[os.getpid(), sock.fileno()],
                                     [os.getpid(), other]])]


def both_ends(version, at=None, options=()):
    server, client, accepted = pair(version, at, options)
    return [listening(server),
            facts(client, autobound=True, role="outbound"),
            facts(accepted, autobound=False, role="inbound")]


def pair4():
    return both_ends(4)


def pair6():
    return both_ends(6)


def pair_any4():
    return both_ends(4, "0.0.0.0")


def pair_mapped():
    """An IPv4 client of a listener on :: that takes both."""
    server = listener(6, "::", [v6only(0)])
    client = make(socket.SOCK_STREAM, 4)
    client.connect(("127.0.0.1", server.getsockname()[1]))
    accepted, _ = server.accept()
    keep(server, client, accepted)
    return [listening(server),
            facts(client, autobound=True, role="outbound"),
            facts(accepted, autobound=False, role="inbound")]


def pair_mapped_any():
    """The same with a listener on ::ffff:0.0.0.0, inside the client range."""
    server = make(socket.SOCK_STREAM, 6, [v6only(0)])
    choose(server, "::ffff:0.0.0.0", inside=True)
    server.listen(5)
    client = make(socket.SOCK_STREAM, 4)
    client.connect(("127.0.0.1", server.getsockname()[1]))
    accepted, _ = server.accept()
    keep(server, client, accepted)
    return [listening(server),
            facts(client, autobound=True, role="outbound"),
            facts(accepted, autobound=False, role="inbound")]


def listen_autobound():
    """listen() without bind(): the kernel chooses the port; its children are
    inbound all the same."""
    server = make(socket.SOCK_STREAM, 4)
    server.listen(5)
    client = make(socket.SOCK_STREAM, 4)
    client.connect(("127.0.0.1", server.getsockname()[1]))
    accepted, _ = server.accept()
    keep(server, client, accepted)
    return [facts(server, role="listener", autobound=True),
            facts(client, autobound=True, role="outbound"),
            facts(accepted, autobound=True, role="inbound")]


def listener_gone():
    """Without its listener a connection is inbound unless the kernel chose."""
    server, client, accepted = pair(4)
    server.close()
    return [facts(client, autobound=True, role="outbound"),
            facts(accepted, autobound=False, role="inbound")]


def outbound_bound():
    """A client that chose its own port: it keeps the mark of that, which the
    kernel takes from every socket that it accepts for a listener."""
    server = keep(listener())
    rows = [listening(server)]
    for inside in (False, True):
        client = make(socket.SOCK_STREAM, 4)
        choose(client, "127.0.0.1", inside)
        client.connect(server.getsockname())
        accepted, _ = server.accept()
        keep(client, accepted)
        rows += [facts(client, autobound=False, role="outbound"),
                 facts(accepted, autobound=False, role="inbound")]
    return rows


def outbound_bind0():
    """Bound to an address, the port left to the kernel, at once or later."""
    server = keep(listener())
    rows = [listening(server)]
    for options in ((), [(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)]):
        client = make(socket.SOCK_STREAM, 4, options)
        client.bind(("127.0.0.1", 0))
        client.connect(server.getsockname())
        accepted, _ = server.accept()
        keep(client, accepted)
        rows += [facts(client, autobound=True, role="outbound"),
                 facts(accepted, autobound=False, role="inbound")]
    return rows


def range_of_its_own():
    """Clients for which the kernel chooses from a part of the client range."""
    first = client_range()[0] + 700
    server = keep(listener())
    client, sender = make(socket.SOCK_STREAM, 4), datagram()
    for sock in (client, sender):
        try:
            sock.setsockopt(socket.IPPROTO_IP, IP_LOCAL_PORT_RANGE,
                            struct.pack("=I", first + 50 << 16 | first))
        except OSError as error:
            raise Skip("IP_LOCAL_PORT_RANGE: %s" % error)
    client.connect(server.getsockname())
    accepted, _ = server.accept()
    keep(client, accepted)
    sender.bind(("127.0.0.1", 0))
    for sock in (client, sender):
        assert first <= sock.getsockname()[1] <= first + 50, sock
    return [listening(server),
            facts(client, autobound=True, role="outbound"),
            facts(accepted, autobound=False, role="inbound"),
            facts(sender, autobound=True, role="client")]


def ktls():
    """A connection that the kernel encrypts is one of TCP."""
    rows = both_ends(4)
    try:
        kept[-1].setsockopt(socket.IPPROTO_TCP, TCP_ULP, b"tls")
    except OSError as error:
        raise Skip("TCP_ULP tls: %s" % error)
    return rows


def unaccepted():
    """A connection that waits in its listener's queue."""
    server = keep(listener())
    client = keep(make(socket.SOCK_STREAM, 4))
    client.connect(server.getsockname())
    until(lambda: select.select([server], [], [], 0)[0])
    return [listening(server, rxq=1, txq=5),
            facts(client, autobound=True, role="outbound"),
            unheld("tcp", "ipv4", "established", server.getsockname(),
                   client.getsockname(), why="not-yet-accepted",
                   role="inbound", autobound=False)]


def syn_received():
    """Half open: the listener waits for data before it takes a connection."""
    server = keep(listener(4, None, [
        (socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 200)]))
    client = keep(make(socket.SOCK_STREAM, 4))
    client.connect(server.getsockname())
    return [listening(server, rxq=0),
            facts(client, autobound=True, role="outbound"),
            unheld("tcp", "ipv4", "syn-received", server.getsockname(),
                   client.getsockname(), why="not-yet-accepted",
                   role="inbound", autobound="?", uid=None)]


def syn_sent():
    """A client that a full queue does not answer."""
    server = keep(listener(4, None, (), 0))
    first = keep(make(socket.SOCK_STREAM, 4))
    first.connect(server.getsockname())
    until(lambda: select.select([server], [], [], 0)[0])
    client = keep(make(socket.SOCK_STREAM, 4))
    client.setblocking(False)
    client.connect_ex(server.getsockname())
    peer = server.getsockname()
    row = facts(Half(client, peer), autobound=True, role="outbound")
    if row["state"] != "syn-sent":
        raise Skip("the kernel answered for a full queue")
    return [listening(server, rxq=1, txq=0),
            facts(first, autobound=True, role="outbound"), row,
            unheld("tcp", "ipv4", "established", server.getsockname(),
                   first.getsockname(), why="not-yet-accepted",
                   role="inbound", autobound=False)]


class Half:
    """A socket whose peer is known to us and not yet to getpeername."""

    def __init__(self, sock, peer):
        self.sock, self.peer = sock, peer

    def getpeername(self):
        return self.peer

    def __getattr__(self, name):
        return getattr(self.sock, name)


def time_wait():
    """What remains of an end that closed first."""
    server, client, accepted = pair(4)
    here, there = client.getsockname(), client.getpeername()
    client.close()
    accepted.recv(1)
    accepted.close()
    return [listening(server),
            unheld("tcp", "ipv4", "time-wait", here, there, why="time-wait",
                   role="closing", autobound="?", uid=None)]


def close_wait():
    """One end is closed, and its process done with it; the other is open."""
    server, client, accepted = pair(4)
    here, there = client.getsockname(), client.getpeername()
    client.close()
    until(lambda: tcp_state(accepted) == "close-wait")
    return [listening(server),
            facts(accepted, autobound=False, role="inbound"),
            unheld("tcp", "ipv4", "fin-wait-2", here, there, why="orphan",
                   role="closing", autobound=True)]


def close_wait_outbound():
    """The far end is closed: an outbound connection in close-wait."""
    server, client, accepted = pair(4)
    here, there = accepted.getsockname(), accepted.getpeername()
    accepted.close()
    until(lambda: tcp_state(client) == "close-wait")
    return [listening(server),
            facts(client, autobound=True, role="outbound"),
            unheld("tcp", "ipv4", "fin-wait-2", here, there, why="orphan",
                   role="closing", autobound=False)]


def half_closed():
    """shutdown(), not close(): the process still holds it."""
    server, client, accepted = pair(4)
    client.shutdown(socket.SHUT_WR)
    until(lambda: tcp_state(client) == "fin-wait-2")
    return [listening(server),
            facts(client, autobound=True, role="closing"),
            facts(accepted, autobound=False, role="inbound")]


def kernel_at_least(*wanted):
    numbers = platform.release().split("-")[0].split(".")[:2]
    return tuple(map(int, numbers)) >= wanted


def bound():
    """Bound, and nothing else."""
    if not kernel_at_least(6, 8):
        raise Skip("bound sockets are in no table before Linux 6.8")
    rows = []
    for version in (4, 6):
        sock = keep(make(socket.SOCK_STREAM, version))
        choose(sock, LOOPBACK[version])
        rows.append(facts(sock, autobound=False, role="bound"))
    sock = keep(make(socket.SOCK_STREAM, 4))
    sock.bind(("127.0.0.1", 0))
    rows.append(facts(sock, autobound=True, role="bound"))
    return rows


def lo_device():
    """Everywhere, but by way of lo alone."""
    sock = make(socket.SOCK_STREAM, 4)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
    except OSError as error:
        raise Skip("SO_BINDTODEVICE: %s" % error)
    choose(sock, "0.0.0.0")
    sock.listen(5)
    client = make(socket.SOCK_STREAM, 4)
    client.connect(("127.0.0.1", sock.getsockname()[1]))
    accepted, _ = sock.accept()
    keep(sock, client, accepted)
    return [listening(sock),
            facts(client, autobound=True, role="outbound"),
            facts(accepted, autobound=False, role="inbound")]


def lo_device_time_wait():
    """What remains of a client that was bound to device lo."""
    server = make(socket.SOCK_STREAM, 4)
    choose(server, "127.0.0.1")
    server.listen(5)
    client = make(socket.SOCK_STREAM, 4)
    try:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
    except OSError as error:
        raise Skip("SO_BINDTODEVICE: %s" % error)
    client.connect(server.getsockname())
    accepted, _ = server.accept()
    here, there = client.getsockname(), client.getpeername()
    client.close()
    accepted.recv(1)
    accepted.close()
    keep(server)
    return [listening(server),
            unheld("tcp", "ipv4", "time-wait", here, there, why="time-wait",
                   role="closing", autobound="?", uid=None, iface="lo")]


# ---- Scenes: UDP ----------------------------------------------------------------

def datagram(version=4, **options):
    return keep(make(socket.SOCK_DGRAM, version, **options))


def udp_outside():
    rows = []
    for version in (4, 6):
        sock = datagram(version)
        choose(sock, LOOPBACK[version])
        rows.append(facts(sock, autobound=False, role="service"))
    return rows


def udp_inside():
    """A service is one wherever its port lies."""
    sock = datagram()
    choose(sock, "0.0.0.0", inside=True)
    return [facts(sock, autobound=False, role="service")]


def udp_dual():
    rows = []
    for only in (0, 1):
        sock = datagram(6, options=[v6only(only)])
        choose(sock, "::")
        rows.append(facts(sock, autobound=False, role="service"))
    return rows


def udp_multicast():
    sock = datagram()
    choose(sock, "224.0.0.251")
    return [facts(sock, autobound=False, role="service")]


def udp_client():
    """Bound by sendto(), and by bind() to port 0."""
    sent, asked = datagram(), datagram(6)
    sent.sendto(b"x", ("127.0.0.1", 9))
    asked.bind(("::1", 0))
    return [facts(sent, autobound=True, role="client"),
            facts(asked, autobound=True, role="client")]


def udp_connected():
    rows = []
    for version in (4, 6):
        sock = datagram(version)
        sock.connect((LOOPBACK[version], 53))
        rows.append(facts(sock, autobound=True, role="connected",
                          service=["domain"]))
    sock = datagram()
    choose(sock, "127.0.0.1")
    sock.connect(("127.0.0.1", 53))
    rows.append(facts(sock, autobound=False, role="connected"))
    return rows


def udp_reuseport():
    first = datagram(options=[REUSEPORT])
    choose(first, "127.0.0.1")
    second = datagram(options=[REUSEPORT])
    second.bind(first.getsockname())
    return [facts(sock, autobound=False, role="service")
            for sock in (first, second)]


# ---- Scenes: holders ------------------------------------------------------------

def send_fd(channel, fd):
    channel.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                              array.array("i", [fd]))])


def receive_fd(channel):
    _, ancillary, _, _ = channel.recvmsg(1, socket.CMSG_SPACE(4))
    return array.array("i", ancillary[0][2][:4])[0]


def leave():
    """Goes where no other socket is, if that is permitted."""
    return libc.unshare(CLONE_NEWNET) == 0


NO_NAMESPACE = Skip("a network namespace of our own is not permitted")


def namespace(pid):
    return os.stat("/proc/%d/ns/net" % pid).st_ino


def moved():
    """Held by a process that has left the namespace of its socket."""
    row = listening(keep(listener()))
    if not leave():
        raise NO_NAMESPACE
    row["holder_netns"] = namespace(os.getpid())
    return [row]


def handed_over(closes, leaves=False):
    """A listener that another process was given a descriptor of."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)

    def receiver():
        ours.close()
        left = not leaves or leave()
        return [left, os.getpid(), receive_fd(theirs)]

    # forked before the socket is there, so that only the message carries it
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        behave(lambda: os.write(writer, json.dumps(receiver()).encode()))
    sock = listener()
    send_fd(ours, sock.fileno())
    left, *holder = json.loads(os.read(reader, 100))
    if not left:
        raise NO_NAMESPACE
    holders = [holder] if closes else [holder, [os.getpid(), sock.fileno()]]
    row = listening(sock, holders=holders)
    row["holder_netns"] = namespace(row["pid"])
    if closes:
        sock.close()
    else:
        keep(sock)
    return [row]


def passed():
    return handed_over(closes=False)


def passed_on():
    return handed_over(closes=True)


def passed_away():
    """Held by a process alone that lives in another namespace."""
    return handed_over(closes=True, leaves=True)


def thread_table():
    """A thread with descriptors of its own, which its process does not have."""
    rows, opened = [], threading.Event()

    def run():
        try:
            # the name of a thread is not that of its process
            libc.prctl(PR_SET_NAME, b"a thread's name", 0, 0, 0)
            if libc.unshare(CLONE_FILES) == 0:
                rows.append(listening(keep(listener())))
        finally:
            opened.set()
        while rows:
            signal.pause()
    threading.Thread(target=run, daemon=True).start()
    opened.wait(PATIENCE)
    if not rows:
        raise Skip("a thread cannot have its own descriptors")
    return rows


SYS_EXIT = {"x86_64": 60, "aarch64": 93, "riscv64": 93}


def headless():
    """The first thread has ended, another one holds the socket."""
    number = SYS_EXIT.get(platform.machine())
    if number is None:
        raise Skip("the number of exit is not known for this machine")
    reader, writer = os.pipe()

    def headless_process():
        pid = os.getpid()

        # what a process has by its memory and namespaces ends with that thread
        row = listening(keep(listener()), exe="?", cmdline="?", via="?",
                        holder_netns="?")

        def run():
            def gone():
                with open("/proc/%d/stat" % pid) as file:
                    return file.read().rpartition(")")[2].split()[0] == "Z"
            until(gone)
            os.write(writer, json.dumps(row).encode() + b"\n")
            while True:
                signal.pause()
        threading.Thread(target=run).start()
        libc.syscall(number, 0)
    child(headless_process)
    os.close(writer)
    with os.fdopen(reader) as file:
        return [json.loads(file.readline())]


def other_user():
    """Opened by one user, held by a process that runs as another since."""
    if os.geteuid() != 0:
        raise Skip("only root can become another user")
    sock = keep(listener())
    try:
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
    except OSError as error:
        raise Skip("no other user to become: %s" % error)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    return [listening(sock)]


def many_threads():
    """A process of several threads, all with one table."""
    row = listening(keep(listener()))
    for _ in range(5):
        threading.Thread(target=signal.pause, daemon=True).start()
    return [row]


def secret():
    """A process that closes itself to others of its user, as agents for keys
    do: only privilege sees what it holds."""
    row = listening(keep(listener()))
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    return [row]


def named(hex_name):
    """A listener of a process with this name, in hexadecimal."""
    name = bytes.fromhex(hex_name)
    libc.prctl(PR_SET_NAME, ctypes.c_char_p(name + b"\0"), 0, 0, 0)
    return [listening(keep(listener()), process=hex_name, ppid=os.getppid())]


def churn(text):
    """Connections that open and close, and processes that come and go, about
    this many a second until the end; and a listener that stays."""
    canary = keep(listener())
    server = keep(listener(4, None, (), 128))
    row = listening(canary)

    def connect():
        canary.close()
        pause = 1 / int(text)
        while True:
            with make(socket.SOCK_STREAM, 4) as client:
                client.connect(server.getsockname())
                accepted, _ = server.accept()
                with accepted:
                    datagram = make(socket.SOCK_DGRAM, 4)
                    datagram.connect(("127.0.0.1", 9))
                    datagram.close()
            time.sleep(pause)

    def multiply():
        canary.close()
        while True:
            pid = os.fork()
            if pid == 0:
                try:
                    sock = listener()
                    os.close(sock.detach())
                finally:
                    os._exit(0)
            os.waitpid(pid, 0)

    child(connect)
    child(multiply)
    child(multiply)
    return [dict(row, server=server.getsockname()[1])]


# ---- The oracle -----------------------------------------------------------------

def go_apart():
    """Enters a namespace of our own, as root or as whoever may be it there."""
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWNET) != 0:
        if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
            return False
        for name, text in (("setgroups", "deny"), ("uid_map", "0 %d 1" % uid),
                           ("gid_map", "0 %d 1" % gid)):
            with open("/proc/self/" + name, "w") as file:
                file.write(text)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sH14x", b"lo", 0x1)  # IFF_UP
        fcntl.ioctl(sock, 0x8914, request)  # SIOCSIFFLAGS
    return True


def say(value):
    print(json.dumps(value), flush=True)


def play(scene):
    name, _, argument = scene.partition(":")
    run = globals()[name]
    try:
        rows = told(lambda: run(argument) if argument else run())
    except Skip as skip:
        say({"skip": scene, "reason": str(skip)})
        return
    for row in rows:
        say(dict(row, scene=scene))


def main(arguments):
    # a group of our own, so that the end of it ends all
    os.setpgid(0, 0)
    apart = "--here" not in arguments and go_apart()
    for scene in arguments:
        if not scene.startswith("--"):
            play(scene)
    say({"ready": True, "apart": apart, "pid": os.getpid(),
         "netns": os.stat("/proc/self/ns/net").st_ino})
    try:
        sys.stdin.buffer.read()
    finally:
        os.killpg(0, signal.SIGKILL)


main(sys.argv[1:])
