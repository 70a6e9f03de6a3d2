#!/usr/bin/env python3
"""compare.py: do the rows of portinfo agree with what others know?

    compare.py oracle ORACLE JSON [proc]    with oracle.py, field by field
    compare.py ss OUTPUT JSON               with ss -tuanpeHO, as sets
    compare.py table PROC-NET JSON          with the proc tables, as sets
    compare.py formats NDJSON JSON          two formats with each other
    compare.py once NDJSON...               no socket twice

Prints each disagreement and ends with 1 if there was one. `proc`: the rows were
read with --backend proc, so what no table holds must be unknown.
"""
import ipaddress
import json
import re
import struct
import sys

complaints = 0


def complain(*words):
    global complaints
    complaints += 1
    print(*words)


def read(name):
    with open(name, encoding="utf-8") as file:
        return file.read()


def read_lines(name):
    return [json.loads(line) for line in read(name).splitlines()]


def once(rows):
    """No socket twice, and no key whose value says nothing."""
    cookies = set()
    for row in rows:
        if row.get("v") != 1:
            complain("no version:", row)
        for key, value in row.items():
            if value in (None, "", [], {}):
                complain("an empty key:", key, row)
        for name in row.get("unknown", []):
            if name in row:
                complain("unknown and told:", name, row)
        cookie = row.get("cookie")
        if cookie in cookies:
            complain("twice:", row)
        if cookie:
            cookies.add(cookie)


# ---- The oracle -------------------------------------------------------------------

ENDS = ("proto", "family", "laddr", "lport", "raddr", "rport")


def is_same(claim, row):
    if claim.get("cookie") and row.get("cookie"):
        return claim["cookie"] == row["cookie"]
    if claim.get("inode"):
        return claim["inode"] == row.get("inode")
    return all(claim.get(name) == row.get(name) for name in ENDS)


def in_table(claim, listeners):
    """The claim, of somebody who reads the proc tables."""
    claim = dict(claim)
    waits = claim["state"] in ("listen", "unconnected")
    claim["cookie"] = claim["iface"] = "?"
    if claim["family"] == "ipv6" and waits:
        claim["v6only"] = "?"
    elif claim["state"] == "closed":
        claim["v6only"] = None
    if claim["laddr"] == "::" and claim["v6only"] == "?":
        claim["families"] = "?"
    if claim["laddr"] == "0.0.0.0" and claim["exposure"] == "loopback":
        claim["exposure"] = "wildcard"  # by its device, which is not told
    if claim["state"] == "listen":
        claim["txq"] = "?"
    if claim["autobound"] is not False or claim["ephemeral"]:
        claim["autobound"] = "?"
        if claim["state"] == "unconnected":
            claim["role"] = "?"
    # who connected to whom is told by a listener alone
    if (claim["state"] in ("established", "close-wait")
            and claim["lport"] not in listeners):
        claim["role"] = "?"
    claim.pop("service", None)
    return claim


def holders_of(row):
    return sorted([h["pid"], h["fd"]] for h in row.get("holders", []))


def check_field(claim, row, name):
    wanted = claim[name]
    told = row.get(name)
    unknown = name in row.get("unknown", [])
    where = "%s %s:%s" % (claim["scene"], claim["laddr"], claim["lport"])
    if wanted == "?":
        # where a holder lives procfs may not tell, and the iterator does
        if name == "holder_netns" and told is not None:
            return
        if told is not None or not unknown:
            complain(where, name, "should be unknown, is", told)
    elif unknown:
        complain(where, name, "should be", wanted, "but is unknown")
    elif name == "holders":
        if holders_of(row) != sorted(wanted or []):
            complain(where, "holders should be", wanted, "are", told)
    elif told != wanted:
        complain(where, name, "should be", wanted, "is", told)


NO_FIELDS = ("scene", "server")


def may_be_unknown(claim, name, proc):
    """What privilege, the kernel's age or the table decide."""
    if name == "mark":
        return True
    if name == "uid":
        return claim["inode"] is None
    return proc and name in ("service", "use", "risk")


def agree(claims, rows, apart, proc):
    once(rows)
    left = list(rows)
    listeners = {claim["lport"] for claim in claims
                 if claim["state"] == "listen"}
    for claim in claims:
        if proc:
            if claim["state"] == "closed":
                continue  # in no table
            claim = in_table(claim, listeners)
        found = [row for row in left if is_same(claim, row)]
        if len(found) != 1:
            complain(len(found), "rows instead of one for", claim)
            continue
        row = found[0]
        left.remove(row)
        for name in claim:
            if name not in NO_FIELDS:
                check_field(claim, row, name)
        for name in row.get("unknown", []):
            if claim.get(name) != "?" and not may_be_unknown(claim, name, proc):
                complain(claim["scene"], name, "is unknown without need")
    if apart:
        for row in left:
            complain("nobody opened", row)


def oracle(told, json_file, proc=None):
    lines = read_lines(told)
    ready = [line for line in lines if line.get("ready")]
    claims = [line for line in lines if "proto" in line]
    if not ready:
        complain("the oracle is not ready")
        return
    if not claims:
        complain("the oracle claims nothing")
    agree(claims, json.loads(read(json_file)), ready[0]["apart"], proc)


# ---- Other tellers ------------------------------------------------------------------

SS_STATES = {
    "LISTEN": "listen", "ESTAB": "established", "SYN-SENT": "syn-sent",
    "SYN-RECV": "syn-received", "FIN-WAIT-1": "fin-wait-1",
    "FIN-WAIT-2": "fin-wait-2", "TIME-WAIT": "time-wait",
    "CLOSE-WAIT": "close-wait", "LAST-ACK": "last-ack", "CLOSING": "closing",
}


def plain(text):
    address = ipaddress.ip_address(text)
    if address.version == 6 and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)


def endpoint(text):
    """Address and port as ss writes them: *:80, [::1]:80, 0.0.0.0%lo:80."""
    address, _, port = text.rpartition(":")
    address = address.strip("[]").split("%")[0].strip("[]")
    if address == "*":
        address = "::"
    return (plain(address), int(port)) if port != "*" else (None, None)


def ss_row(line):
    words = line.split()
    proto, state = words[0], words[1]
    local, peer = endpoint(words[4]), endpoint(words[5])
    if proto == "udp":
        state = "connected" if state == "ESTAB" else "unconnected"
    else:
        state = SS_STATES[state]
    inode = re.search(r" ino:(\d+)", line)
    cookie = re.search(r" sk:([0-9a-f]+)", line)
    pids = re.findall(r"pid=(\d+),fd=(\d+)", line)
    return (proto, state) + local + peer + (
        int(inode.group(1)) if inode else 0,
        str(int(cookie.group(1), 16)),
        tuple(sorted((int(pid), int(fd)) for pid, fd in pids)))


def our_row(row):
    return (row["proto"], row["state"], row["laddr"], row["lport"],
            row.get("raddr"), row.get("rport"), row.get("inode", 0))


def differ(theirs, ours):
    if not theirs:
        complain("they tell nothing")
    for row in sorted(theirs - ours, key=str):
        complain("not among ours:", row)
    for row in sorted(ours - theirs, key=str):
        complain("not among theirs:", row)


def ss(output, json_file):
    theirs = [ss_row(line) for line in read(output).splitlines()]
    # bound ones are shown by newer versions of ss, when asked
    ours = [our_row(row) + (row["cookie"], tuple(map(tuple, holders_of(row))))
            for row in json.loads(read(json_file)) if row["state"] != "closed"]
    if len(theirs) != len(ours):
        complain(len(theirs), "rows of ss,", len(ours), "of ours")
    differ(set(theirs), set(ours))


def table_address(text):
    words = [text[i:i + 8] for i in range(0, len(text), 8)]
    packed = b"".join(struct.pack("=I", int(word, 16)) for word in words)
    return plain(str(ipaddress.ip_address(packed)))


TABLE_STATES = ["", "established", "syn-sent", "syn-received", "fin-wait-1",
                "fin-wait-2", "time-wait", "closed", "close-wait", "last-ack",
                "listen", "closing", "syn-received"]


def table_row(proto, line):
    words = line.split()
    ends = []
    for text in words[1:3]:
        address, port = text.split(":")
        ends += [table_address(address), int(port, 16)]
    state = int(words[3], 16)
    if proto == "udp":
        name = "connected" if state == 1 else "unconnected"
    else:
        name = TABLE_STATES[state]
    if name in ("listen", "closed", "unconnected"):
        ends[2:] = [None, None]
    return (proto, name) + tuple(ends) + (int(words[9]),)


def table(text, json_file):
    """The tables, one after the other, each after a line with its name."""
    theirs, proto = [], None
    for line in read(text).splitlines():
        if re.match(r"^(tcp|udp)6?$", line):
            proto = line[:3]
        elif re.match(r"^ *\d+:", line):
            theirs.append(table_row(proto, line))
    ours = [our_row(row) for row in json.loads(read(json_file))
            if row["state"] != "closed"]
    if len(theirs) != len(ours):
        complain(len(theirs), "rows of the tables,", len(ours), "of ours")
    differ(set(theirs), set(ours))


def formats(ndjson, json_file):
    def settled(row):
        return json.dumps(row, sort_keys=True)
    differ(set(map(settled, read_lines(ndjson))),
           set(map(settled, json.loads(read(json_file)))))


if __name__ == "__main__":
    commands = {"oracle": oracle, "ss": ss, "table": table, "formats": formats,
                "once": lambda *names: [once(read_lines(name)) for name in names]}
    commands[sys.argv[1]](*sys.argv[2:])
    sys.exit(complaints > 0)
