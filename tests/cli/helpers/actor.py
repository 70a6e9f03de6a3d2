"""actor.py: opens and closes sockets on 127.0.0.1 as it is told, a line at a time, and
answers each with `ok` or a number.

  listen PORT          keep PORT        a connection to it, both ends of it kept
  shut PORT            its client says no more
  drop PORT            closes what was kept or listens there
  udp PORT
  churn PORT RATE SECONDS   connects and resets so often; answers how many
"""
import socket
import struct
import sys
import time

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: no time-wait on either side
kept = {}


def listen(port):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", port))
    s.listen(64)
    kept.setdefault(port, []).append(s)
    return s


def connect(port):
    listener = kept[port][0]
    client = socket.create_connection(("127.0.0.1", port))
    return client, listener.accept()[0]


def reset(pair):
    client, server = pair
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    client.close()
    server.close()


def keep(port):
    kept[port] += connect(port)


def shut(port):
    """The client of the last connection says no more: the server has to close."""
    kept[port][-2].shutdown(socket.SHUT_WR)


def drop(port):
    sockets = kept.pop(port)
    for s in reversed(sockets):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        s.close()


def udp(port):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", port))
    kept.setdefault(port, []).append(s)


def churn(port, rate, seconds):
    start, n = time.monotonic(), 0
    while n < rate * seconds:
        reset(connect(port))
        n += 1
        ahead = start + n / rate - time.monotonic()
        if ahead > 0:
            time.sleep(ahead)
    return n


COMMANDS = {"listen": listen, "keep": keep, "shut": shut, "drop": drop,
            "udp": udp, "churn": churn}
for line in sys.stdin:
    name, *numbers = line.split()
    answer = COMMANDS[name](*map(int, numbers))
    print(answer if isinstance(answer, int) else "ok", flush=True)
