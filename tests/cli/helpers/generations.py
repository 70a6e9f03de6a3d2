"""generations.py: holds a listener together with children, and runs a command while
they do.

    generations.py N COMMAND...

Prints its own pid and those of N children, and then what the command prints.
"""
import os
import signal
import socket
import subprocess
import sys

sock = socket.socket()
sock.bind(("127.0.0.1", 0))
sock.listen()
children = []
for _ in range(int(sys.argv[1])):
    pid = os.fork()
    if pid == 0:
        while True:
            signal.pause()
    children.append(pid)
print(os.getpid(), *children, flush=True)
try:
    status = subprocess.call(sys.argv[2:], close_fds=True)
finally:
    for pid in children:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
sys.exit(status)
