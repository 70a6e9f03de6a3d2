"""ssfilter.py PORTINFO: filters that ss can express as well, asked of both.

ss of these versions does not ask for sockets that are bound and nothing else, and has
its own opinion of half-open ones, so both are left out.
"""
import ipaddress
import subprocess
import sys

PORTINFO = sys.argv[1]


def run(*argv):
    return subprocess.run(argv, capture_output=True, text=True).stdout


def address(text):
    """An address as we normalise it; * and a scope or device are dropped."""
    text = text.strip("[]").split("%")[0].strip("[]")
    if text == "*":
        return "::"
    found = ipaddress.ip_address(text)
    return str(getattr(found, "ipv4_mapped", None) or found)


def end(text):
    host, _, port = text.rpartition(":")
    return address(host), "0" if port == "*" else port


def ours(filter):
    rows = run(PORTINFO, "ls", "-q", "--no-header", "--columns", "laddr,lport,raddr,rport",
               "tcp and not state = {closed, syn-received} and (%s)" % filter)
    found = set()
    for row in rows.splitlines():
        laddr, lport, raddr, rport = row.split("\t")
        found.add((address(laddr), lport, address(raddr) if raddr else "", rport or "0"))
    return found


def theirs(*filter):
    found = set()
    for row in run("ss", "-tanH", *filter).splitlines():
        words = row.split()
        if words[0].isdigit():  # of a single state it does not say which
            words.insert(0, filter[1].upper())
        state, _, _, local, peer = words[:5]
        host, port = end(peer)
        if state != "SYN-RECV":
            # what has no peer shows a wildcard, whatever the family
            found.add(end(local) + ("" if state.startswith("LISTEN") else host, port))
    return found


def pairs(ports):
    a, b = ports[0], ports[len(ports) // 2]
    yield "all", ()
    for port in ports:
        yield "lport = %s" % port, ("sport = :%s" % port,)
        yield "rport = %s" % port, ("dport = :%s" % port,)
    yield "lport >= %s" % b, ("sport ge :%s" % b,)
    yield "lport <= %s" % b, ("sport le :%s" % b,)
    yield "lport in {%s, %s}" % (a, b), ("sport = :%s or sport = :%s" % (a, b),)
    yield "not lport = %s" % a, ("not sport = :%s" % a,)
    yield "laddr = 127.0.0.0/8", ("src 127.0.0.0/8",)
    yield "laddr = 127.0.0.1 and lport = %s" % a, ("src 127.0.0.1:%s" % a,)
    yield "laddr = ::1", ("src [::1]",)
    yield "raddr = 127.0.0.1", ("dst 127.0.0.1",)
    yield "established", ("state", "established")
    yield "state = listen", ("state", "listening")
    yield "time-wait", ("state", "time-wait")
    yield "established and (lport = %s or rport = %s)" % (a, a), (
        "state", "established", "( sport = :%s or dport = :%s )" % (a, a))


def main():
    sockets = ours("all")
    ports = sorted({row[1] for row in sockets} | {row[3] for row in sockets} - {"0"}, key=int)
    asked = found = 0
    for filter, expression in pairs(ports):
        mine, its = ours(filter), theirs(*expression)
        if mine != its:
            sys.exit("%s and ss %s differ: only here %s, only there %s" % (
                filter, " ".join(expression), sorted(mine - its), sorted(its - mine)))
        asked, found = asked + 1, found + (len(mine) > 0)
    print("%d filters, %d of them found something" % (asked, found))
    if found < 12:
        sys.exit("too few found something")


main()
