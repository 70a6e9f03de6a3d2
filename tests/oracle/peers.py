"""peers.py: what other programs tell of sockets, in one form.

A row is a dict: proto, family, state, laddr, lport, raddr, rport (None: there is none);
inode (0: none), uid, rxq, txq, cookie, iface; and `holders`, a set of (pid, fd), as far as
the program tells them. Addresses are as portinfo writes them: v4-mapped ones as IPv4.
"""
import ipaddress
import json
import os
import re
import socket
import struct
import subprocess

NO_PEER = ("listen", "closed", "unconnected")

# include/net/tcp_states.h
STATES = ["", "established", "syn-sent", "syn-received", "fin-wait-1", "fin-wait-2",
          "time-wait", "closed", "close-wait", "last-ack", "listen", "closing", "syn-received"]

# as ss, netstat, lsof and psutil call them
NAMES = {"ESTAB": "established", "ESTABLISHED": "established", "LISTEN": "listen",
         "UNCONN": "closed", "CLOSE": "closed", "CLOSED": "closed", "SYN-RECV": "syn-received",
         "FIN-WAIT1": "fin-wait-1", "FIN-WAIT2": "fin-wait-2", "": "unconnected",
         "NONE": "unconnected", "1": "established", "7": "unconnected"}


def state_of(proto, text):
    text = text.replace("_", "-")
    state = NAMES.get(text, text.lower())
    if proto in ("udp", "udplite", "raw"):
        return "connected" if state == "established" else "unconnected"
    return state


def plain(text):
    address = ipaddress.ip_address(text.split("%")[0])
    if address.version == 6 and address.ipv4_mapped:
        address = address.ipv4_mapped
    return str(address)


def without_peer(row):
    if row["state"] in NO_PEER:
        row["raddr"] = row["rport"] = None
    return row


def output(words, prefix=()):
    """What a command prints; of psutil and lsof a complaint is no failure."""
    return subprocess.run([*prefix, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          check=False, text=True, errors="replace").stdout


# ---- portinfo ----------------------------------------------------------------------

FIELDS = ("proto,family,state,laddr,lport,raddr,rport,iface,inode,cookie,uid,rxq,txq,netns,"
          "v6only,protocol,owner,why,holders")


def portinfo(program, prefix=(), options=("--backend", "netlink")):
    """All sockets, raw ones with their protocol for a port, as the others have it."""
    words = [program, "ls", "--format", "ndjson", "--columns", FIELDS]
    ways = options if "netlink" not in options else ()  # raw_diag is seldom there
    text = output([*words, *options], prefix) + output([*words, "raw", *ways], prefix)
    rows = []
    for row in map(json.loads, text.splitlines()):
        told = {name: row.get(name) for name in FIELDS.split(",")}
        told.update(inode=row.get("inode", 0), cookie=int(row.get("cookie", 0)),
                    holders={(h["pid"], h["fd"]) for h in row.get("holders", [])})
        if told["proto"] == "raw":
            # a proc table does not tell the last three
            told.update(lport=told["protocol"], rport=None, cookie=0, iface=None, v6only=None)
        rows.append(told)
    return rows


# ---- The tables of the kernel --------------------------------------------------------


def table_end(text):
    address, port = text.split(":")
    words = [int(address[i:i + 8], 16) for i in range(0, len(address), 8)]
    return plain(str(ipaddress.ip_address(struct.pack(f"={len(words)}I", *words)))), int(port, 16)


def tables(prefix=()):
    rows = []
    for proto in "tcp", "udp", "udplite", "raw":
        for family in "ipv4", "ipv6":
            name = proto + ("6" if family == "ipv6" else "")
            for line in output(["cat", f"/proc/net/{name}"], prefix).splitlines()[1:]:
                words = line.split()
                (laddr, lport), (raddr, rport) = map(table_end, words[1:3])
                state = STATES[int(words[3], 16)]
                if proto != "tcp":
                    state = "connected" if state == "established" else "unconnected"
                txq, rxq = (int(word, 16) for word in words[4].split(":"))
                rows.append(without_peer({
                    "proto": proto, "family": family, "state": state, "laddr": laddr,
                    "lport": lport, "raddr": raddr, "rport": rport if proto != "raw" else None,
                    "uid": int(words[7]), "inode": int(words[9]), "rxq": rxq, "txq": txq}))
    return rows


# ---- ss ------------------------------------------------------------------------------


def ss_end(text):
    """Address, device, port and family, as in *:80, [fe80::1]%lo:80 and 0.0.0.0%lo:80."""
    address, _, port = text.rpartition(":")
    address, _, device = address.partition("%")
    device = device.rstrip("]")
    family = "ipv6" if "[" in address or address == "*" else "ipv4"
    address = address.strip("[]")
    return (plain("::" if address == "*" else address), int(port) if port != "*" else None,
            device or None, family)


def ss(prefix=()):
    rows = []
    for line in output(["ss", "-tuwMnaepOH"], prefix).splitlines():
        words = line.split()
        proto = words[0]
        laddr, lport, device, family = ss_end(words[4])
        raddr, rport, _, _ = ss_end(words[5])
        number = {name: int(value, base) for name, value, base in (
            (name, match.group(1), base) for name, match, base in (
                ("inode", re.search(r" ino:(\d+)", line), 10),
                ("uid", re.search(r" uid:(\d+)", line), 10),
                ("v6only", re.search(r" v6only:(\d)", line), 10),
                ("cookie", re.search(r" sk:([0-9a-f]+)", line), 16)) if match)}
        rows.append(without_peer({
            "proto": proto, "family": family, "state": state_of(proto, words[1]),
            "laddr": laddr, "lport": lport, "raddr": raddr, "rport": rport, "iface": device,
            "rxq": int(words[2]), "txq": int(words[3]), "inode": number.get("inode", 0),
            "v6only": {0: False, 1: True}.get(number.get("v6only")),
            "cookie": number.get("cookie", 0), "uid": number.get("uid", 0),
            "holders": {(int(pid), int(fd)) for pid, fd in re.findall(r"pid=(\d+),fd=(\d+)", line)},
        }))
    return rows


# ---- netstat -------------------------------------------------------------------------

NETSTAT_PROTOS = {"udpl": "udplite"}


def netstat_end(text):
    address, _, port = text.rpartition(":")
    return plain(address), int(port) if port != "*" else None


def netstat(prefix=()):
    rows = []
    for line in output(["netstat", "-tuUwaneWp"], prefix).splitlines():
        match = re.match(r"(tcp|udpl?|raw)(6?) +(\d+) +(\d+) +(\S+) +(\S+) +(?:([A-Z]\w+|[17]) +)?"
                         r"(\d+) +(\d+) +(?:(\d+)/|-)", line)
        if not match:
            continue
        proto = NETSTAT_PROTOS.get(match.group(1), match.group(1))
        laddr, lport = netstat_end(match.group(5))
        raddr, rport = netstat_end(match.group(6))
        rows.append(without_peer({
            "proto": proto, "family": "ipv6" if match.group(2) else "ipv4",
            "state": state_of(proto, match.group(7) or ""), "laddr": laddr, "lport": lport,
            "raddr": raddr, "rport": rport, "uid": int(match.group(8)),
            "inode": int(match.group(9)), "rxq": int(match.group(3)), "txq": int(match.group(4)),
            "pid": int(match.group(10)) if match.group(10) else None}))
    return rows


# ---- lsof, lsfd ----------------------------------------------------------------------


def gathered(descriptors):
    """Descriptors as sockets, each with all its holders."""
    sockets = {}
    for row in descriptors:
        one = sockets.setdefault((row["inode"], row["proto"]), row)
        one["holders"] |= row["holders"]
    return list(sockets.values())


def lsof_end(text, family):
    """It writes * for both wildcards."""
    address, _, port = text.rpartition(":")
    if address == "*":
        address = "::" if family == "ipv6" else "0.0.0.0"
    return plain(address.strip("[]")), int(port) if port != "*" else None


def lsof_row(pid, one):
    """None for what is no socket, or has no name."""
    if "d" not in one or not one["f"].isdecimal() or ":" not in one.get("n", ""):
        return None
    proto, family = one["P"].lower(), one["t"].lower()
    local, _, remote = one["n"].partition("->")
    laddr, lport = lsof_end(local, family)
    raddr, rport = lsof_end(remote, family) if remote else (None, None)
    state = one.get("state", "established" if remote else "")
    return {"proto": proto, "family": family, "inode": int(one["d"]), "laddr": laddr,
            "lport": lport, "raddr": raddr, "rport": rport, "state": state_of(proto, state),
            "holders": {(pid, int(one["f"]))}}


def lsof(prefix=()):
    """A letter and a value a line; p and f begin a process and a descriptor."""
    rows, pid, one = [], None, {}
    for line in output(["lsof", "-nP", "-i", "-F", "pfntPTd"], prefix).splitlines() + ["p0"]:
        key, value = line[0], line[1:]
        if key in "pf" and one:
            rows.append(lsof_row(pid, one))
            one = {}
        if key == "p":
            pid = int(value)
        elif key == "T" and value.startswith("ST="):
            one["state"] = value[3:]
        elif key != "T":
            one[key] = value
    return gathered(row for row in rows if row)


LSFD_PROTOS = {"TCP": "tcp", "TCPV6": "tcp", "UDP": "udp", "UDPV6": "udp", "RAW": "raw",
               "RAWV6": "raw", "UDP-LITE": "udplite", "UDPLITEV6": "udplite", "MPTCP": "mptcp",
               "MPTCPV6": "mptcp"}


def lsfd(prefix=()):
    rows = []
    words = ["lsfd", "-rn", "-o", "PID,FD,INODE,PROTONAME", "-Q", "TYPE == 'SOCK'"]
    for line in output(words, prefix).splitlines():
        match = re.match(r"(\d+) (\d+) (\d+) (\S+)$", line)
        proto = match and LSFD_PROTOS.get(match.group(4).upper())
        if proto:
            rows.append({"proto": proto, "inode": int(match.group(3)),
                         "holders": {(int(match.group(1)), int(match.group(2)))}})
    return gathered(rows)


# ---- psutil --------------------------------------------------------------------------

PSUTIL = """
import json, psutil
print(json.dumps([(c.family, c.type, list(c.laddr), list(c.raddr), c.status, c.pid, c.fd)
                  for c in psutil.net_connections("inet")]))
"""


def psutil(python, prefix=()):
    rows = []
    for family, kind, local, remote, status, pid, fd in json.loads(
            output([python, "-c", PSUTIL], prefix)):
        proto = "tcp" if kind == socket.SOCK_STREAM else "udp"
        state = state_of(proto, status)
        if proto == "udp":
            state = "connected" if remote else "unconnected"
        local, remote = local or [None, None], remote or [None, None]
        rows.append(without_peer({
            "proto": proto, "family": "ipv6" if family == socket.AF_INET6 else "ipv4",
            "state": state, "laddr": local[0] and plain(local[0]), "lport": local[1],
            "raddr": remote[0] and plain(remote[0]), "rport": remote[1],
            "holders": {(pid, fd)} if pid else set()}))
    return rows


def python_with_psutil():
    for python in "python3", "/usr/bin/python3":
        if subprocess.call([python, "-c", "import psutil"], stderr=subprocess.DEVNULL) == 0:
            return python
    return None


def installed(program):
    return any(os.access(f"{folder}/{program}", os.X_OK)
               for folder in os.environ["PATH"].split(":"))
