"""pushdown.py PORTINFO: filters at random, asked with the kernel's help and without.

`ls FILTER` leaves to the kernel what it can test; a reading of everything, asked the
same, does not. Both must give the same sockets.
"""
import random
import subprocess
import sys
import tempfile

PORTINFO = sys.argv[1]
FILTERS = 150

LUA = """
local pi = require "portinfo"
local all = assert(pi.snapshot())
for filter in io.lines(arg[1]) do
  local found = {}
  for row in all:sockets(filter):each() do found[#found + 1] = ("%d"):format(row.cookie) end
  print(table.concat(found, " "))
end
"""

FLAGS = ["tcp", "udp", "listening", "established", "role = inbound", "exposed", "loopback",
         "iface = lo", "iface != lo", "iface = l*", "iface = if7", "iface", "ephemeral",
         "system-port", "state != established", "not state = {listen, closed}", "not udp",
         "family = ipv6", "rport", "raddr"]
ADDRESSES = ["127.0.0.0/8", "127.0.0.1", "::1", "::/0", "0.0.0.0/0", "127.0.0.1..127.0.0.9"]


def values():
    """Ports that are there, so that most filters find something."""
    rows = subprocess.run([PORTINFO, "ls", "-q", "--format", "tsv", "--columns", "lport,rport"],
                          capture_output=True, text=True).stdout.split("\n")[1:]
    ports = sorted({port for row in rows for port in row.split("\t") if port})
    sets = ports + ["{%s, %s}" % pair for pair in zip(ports, ports[1:])]
    sets += ["0", "0..1023", "%s..65535" % ports[len(ports) // 2], "ephemeral", "privileged", "domain"]
    return {"lport": sets, "rport": sets, "port": sets,
            "laddr": ADDRESSES, "raddr": ADDRESSES, "addr": ADDRESSES}


def leaf(table):
    if random.random() < 0.15:
        return random.choice(FLAGS)
    field = random.choice(sorted(table))
    operator = random.choice(["=", "!=", "in", "not in"])
    return "%s %s %s" % (field, operator, random.choice(table[field]))


def tree(table, depth):
    kind = random.random()
    if depth == 0 or kind < 0.25:
        return leaf(table)
    if kind < 0.4:
        return "not (%s)" % tree(table, depth - 1)
    return "(%s) %s (%s)" % (tree(table, depth - 1), "and" if kind < 0.7 else "or",
                             tree(table, depth - 1))


def pushed(text):
    done = subprocess.run([PORTINFO, "ls", "-q", "--format", "tsv", "--columns", "cookie", text],
                          capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit("%s: status %d: %s" % (text, done.returncode, done.stderr))
    return sorted(done.stdout.split()[1:])


def unpushed(filters):
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/ask.lua", "w") as script:
            script.write(LUA)
        with open(folder + "/filters", "w") as listing:
            listing.write("\n".join(filters) + "\n")
        done = subprocess.run([PORTINFO, folder + "/ask.lua", folder + "/filters"],
                              capture_output=True, text=True, check=True)
    return [sorted(line.split()) for line in done.stdout.split("\n")[:-1]]


def main():
    random.seed(7)
    table = values()
    filters = [tree(table, 3) for _ in range(FILTERS)]
    answers = unpushed(filters)
    found = 0
    for text, answer in zip(filters, answers):
        found += bool(answer)
        got = pushed(text)
        if got != answer:
            sys.exit("%s: %d sockets with the kernel, %d without" % (text, len(got), len(answer)))
    if len(answers) != FILTERS or found < FILTERS // 3:
        sys.exit("%d filters found something: too few to show much" % found)


main()
