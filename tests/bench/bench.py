"""bench.py: what the programs that measure share: loads of sockets (load.c), and how
their figures are told."""
import contextlib
import ctypes
import datetime
import glob
import os
import platform
import resource
import signal
import subprocess
import sys

HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HERE = "tests/bench"
BUILD = os.path.abspath(os.path.join(HOME, os.environ.get("BUILD", "build")))
OURS = f"{BUILD}/portinfo"


def end(words):
    print(f"bench: {words}", file=sys.stderr)
    sys.exit(2)


def positive(name, default, kind):
    text = os.environ.get(name, "") or default
    try:
        value = kind(text)
    except ValueError:
        value = 0
    if not 0 < value <= 1000:
        end(f"{name}={text}: a number above 0 is wanted")
    return value


RUNS = positive("RUNS", "7", int)
SCALE = positive("SCALE", "1", float)

# ---- Loads -----------------------------------------------------------------


class Load:
    """Processes with a listener each, so many connections to it, and descriptors besides."""

    def __init__(self, processes, connections, descriptors, commands=()):
        self.shape = processes, connections, descriptors
        self.commands = commands

    def sockets(self):
        processes, connections, _ = self.shape
        return processes * (1 + 2 * connections)


def scaled(n):
    return max(1, round(n * SCALE))


@contextlib.contextmanager
def within(process, kind):
    """Is in a namespace of that process for the while."""
    libc = ctypes.CDLL(None, use_errno=True)
    folder = os.getcwd()  # another mount namespace has its own
    with open(f"/proc/self/ns/{kind}", encoding="ascii") as home, \
            open(f"/proc/{process.pid}/ns/{kind}", encoding="ascii") as away:
        if libc.setns(away.fileno(), 0) != 0:
            end(f"setns: {os.strerror(ctypes.get_errno())}")
        try:
            yield
        finally:
            libc.setns(home.fileno(), 0)
            os.chdir(folder)


@contextlib.contextmanager
def inside(load):
    """Opens a load, and is in its network namespace for the while."""
    words = [f"{BUILD}/bench/load", *map(str, load.shape)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        if process.stdout.readline() != b"ready\n":
            end("the load cannot be had here")
        with within(process, "net"):
            yield
    finally:
        process.stdin.close()  # the load ends with it
        process.stdout.close()
        process.wait()


# ---- The probe -------------------------------------------------------------

INSTALL = """mount -t tmpfs -o mode=755 none /run && "$0" probe install >&2 || exit
echo ready
exec cat"""


class Probe:
    """A pinned probe in a mount namespace of its own, or why there can be none."""

    def __init__(self):
        self.process, self.refusal = None, None

    def __enter__(self):
        words = ["unshare", "-m", "sh", "-c", INSTALL, OURS]
        try:
            self.process = subprocess.Popen(words, stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        except FileNotFoundError:
            self.refusal = "unshare is not installed"
        else:
            if self.process.stdout.readline() != b"ready\n":
                lines = self.process.stderr.read().decode(errors="replace").splitlines()
                self.refusal = lines[-1] if lines else "it cannot be installed"
        return self

    def seen(self):
        """For the while, the probe is there."""
        return within(self.process, "mnt")

    def __exit__(self, *_):
        if self.process:
            self.process.communicate()  # its namespace, and the probe, end with it


def count_descriptors():
    """All processes of the machine and what they hold: what an fd scan walks."""
    processes = descriptors = 0
    for folder in glob.iglob("/proc/[0-9]*/fd"):
        with contextlib.suppress(OSError):
            descriptors += len(os.listdir(folder))
            processes += 1
    return processes, descriptors


def output_of(*words):
    """What a program of ours that measures itself prints; None if it fails."""
    answer = subprocess.run(words, stdout=subprocess.PIPE, text=True, cwd=HOME, check=False)
    return answer.stdout if answer.returncode == 0 else None


# ---- Saying it -------------------------------------------------------------


def shown(value, unit):
    if value is None:
        return "-"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}"


def day_and_machine():
    kernel = ".".join(platform.release().split(".")[:2])
    return (f"{datetime.date.today()}, {len(os.sched_getaffinity(0))} cores, "
            f"{platform.system()} {kernel}.")


def as_text(headings, lines, remarks):
    rows = [headings, *lines]
    widths = [max(len(row[i]) for row in rows) for i in range(len(headings))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
    for words in remarks:
        print(f"({words})")


def as_markdown(headings, lines, remarks):
    text = []
    for row in (headings, ["---"] * len(headings), *lines):
        cells = [cell.replace("|", "\\|") for cell in row]
        text.append("| " + " | ".join(cells) + " |")
    if remarks:
        words = "; ".join(remarks)
        text += ["", words[0].upper() + words[1:] + "."]
    return "\n".join(text)


def write_readme(path, name, text):
    """Between the markers of that name."""
    begin, finish = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    with open(path, encoding="utf-8") as file:
        before, found, rest = file.read().partition(begin)
    _, closed, after = rest.partition(finish)
    if not found or not closed:
        end(f"{path}: there is no {begin} ... {finish}")
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(f"{before}{begin}\n{text}\n{finish}{after}")
    os.replace(path + ".new", path)


# ---- Programs --------------------------------------------------------------


def check_place(*programs):
    if os.geteuid() != 0:
        end("network namespaces of our own need root: run this as root")
    for program in (OURS, f"{BUILD}/bench/load", *programs):
        if not os.path.exists(program):
            end(f"{program} is not there: make bench builds it")


def run(name, main, *programs):
    """main(file), where the file is that of --readme, or None, gives the exit status."""
    arguments = sys.argv[1:]
    if arguments and (arguments[0] != "--readme" or len(arguments) != 2):
        end(f"usage: {HERE}/{name} [--readme FILE]")
    check_place(*programs)
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, lambda number, _: sys.exit(128 + number))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        sys.exit(main(arguments[1] if arguments else None))
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        sys.exit(130)
