"""bpfscene.py: sockets of every kind that has one row, opened where it runs, until it is
killed. Prints "up" when they are there."""
import ctypes
import os
import socket
import subprocess
import threading
import time

CLONE_FILES = 0x400
libc = ctypes.CDLL(None, use_errno=True)
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
kept = []


def tcp(address, port, family=socket.AF_INET, **options):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, options.get("only", 0))
    if "device" in options:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, options["device"])
    if "mark" in options:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, options["mark"])
    s.bind((address, port))
    s.listen(options.get("backlog", 7))
    kept.append(s)
    return s


def udp(address, port, family=socket.AF_INET):
    s = socket.socket(family, socket.SOCK_DGRAM)
    if address is not None:
        s.bind((address, port))
    kept.append(s)
    return s


listener = tcp("127.0.0.1", 8000)
tcp("::", 8001, socket.AF_INET6)
tcp("::", 8002, socket.AF_INET6, only=1)
tcp("0.0.0.0", 8003, device=b"lo", mark=77)
chosen = tcp("127.0.0.1", 0)  # by the kernel
kept.append(chosen.dup())

accepted = socket.create_connection(listener.getsockname())
kept += [accepted, listener.accept()[0]]
accepted.send(b"unread")
mapped = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
mapped.connect(("::ffff:127.0.0.1", 8001))
kept += [mapped, kept[1].accept()[0]]
ended = socket.create_connection(listener.getsockname())
other = listener.accept()[0]
ended.close()
other.close()  # time-wait on one side
orphan = socket.create_connection(listener.getsockname())  # fin-wait: its peer stays open
kept.append(listener.accept()[0])
orphan.close()
kept.append(socket.create_connection(listener.getsockname()))  # not yet accepted
bound = socket.socket()
bound.bind(("127.0.0.1", 8004))  # neither listening nor connected
kept.append(bound)
kept.append(socket.socket())  # without a port

udp("127.0.0.1", 5353)
udp("127.0.0.1", 0)
udp("::", 5354, socket.AF_INET6)
udp(None, 0)
connected = udp("127.0.0.1", 5355)
connected.connect(("127.0.0.1", 5353))
client = udp(None, 0)
client.connect(("127.0.0.1", 5353))
connected.send(b"unread")


def alone():
    """A table of descriptors of its own, and a listener that only it holds."""
    assert libc.unshare(CLONE_FILES) == 0
    s = socket.socket()
    s.bind(("127.0.0.1", 8005))
    s.listen()
    apart.set()
    time.sleep(600)


apart = threading.Event()
threading.Thread(target=alone, daemon=True).start()
apart.wait()

child = os.fork()
if child == 0:
    time.sleep(0.2)
    ours, theirs = socket.socketpair()
    # what is passed is held twice by the same process, here
    socket.send_fds(ours, [b"x"], [listener.fileno()])
    kept.append(socket.recv_fds(theirs, 1, 1))
    print("up", flush=True)
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.1)
else:
    time.sleep(600)
