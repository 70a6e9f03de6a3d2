"""protocols.py: sockets of the rarer protocols, in a network namespace of their own.

Brings the loopback device up, opens what the kernel lets it, and prints a line for each:
`PROTO yes`, or `PROTO` and why not; then `ready`. Ends when its input does."""

import fcntl
import socket
import struct
import sys

LOOPBACK = "127.0.0.1"
PORT = 28751
PROTOCOLS = {"mptcp": 262, "udplite": 136, "sctp": 132}
kept = []


def loopback_up():
    SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 1, 64
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        request = struct.pack("16sh14x", b"lo", IFF_UP | IFF_RUNNING)
        fcntl.ioctl(s, SIOCSIFFLAGS, request)


def stream(protocol):
    """A listener and a connection to it, over which 1000 bytes went."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
    kept.append(listener)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((LOOPBACK, PORT if protocol else PORT + 1))
    listener.listen(5)
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol)
    kept.append(client)
    client.connect(listener.getsockname())
    accepted, _ = listener.accept()
    kept.append(accepted)
    client.sendall(b"x" * 1000)
    left = 1000
    while left > 0:
        left -= len(accepted.recv(left))


def udplite():
    """One on a chosen port, one whose port the kernel chose."""
    for _ in range(2):
        kept.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM, PROTOCOLS["udplite"]))
    kept[-2].bind((LOOPBACK, PORT))
    kept[-1].connect((LOOPBACK, PORT))


def raw():
    kept.append(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))


def attempt(name, action):
    before = len(kept)
    try:
        action()
        print(name, "yes")
    except OSError as trouble:
        while len(kept) > before:
            kept.pop().close()
        print(name, trouble.strerror)


loopback_up()
attempt("tcp", lambda: stream(0))
attempt("mptcp", lambda: stream(PROTOCOLS["mptcp"]))
attempt("sctp", lambda: stream(PROTOCOLS["sctp"]))
attempt("udplite", udplite)
attempt("raw", raw)
print("ready", flush=True)
sys.stdin.read()
