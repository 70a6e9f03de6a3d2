-- glossary.lua: what is said of rows: their fields, the words of these, groups and flags;
-- data alone, for the prompt (help.lua) and editors (meta.lua).

local M = {}

-- What the groups of fields cost.
M.groups = {
  socket = "come with the sockets",
  derived = "follow from a socket; cheap",
  tcp_info = "are asked of every connection, by who names them",
  owner = "need a look at the descriptors of all processes",
  process = "need a look at the processes that hold a socket",
}

-- A filter for each field.
M.fields = {
  port = "port < 1024", addr = "addr = fe80::/10",
  proto = "proto = udp", family = "family = ipv6", state = "state in {established, time-wait}",
  laddr = "laddr = 10.0.0.0/8", lport = "lport in {80, 443, 8000..8100}",
  raddr = "raddr and raddr != 127.0.0.0/8", rport = "rport = https", iface = "iface = eth*",
  inode = "not inode", cookie = "cookie = 4711", uid = "uid >= 1000", netns = "netns = 4026531833",
  netns_name = "netns_name = web*",
  rxq = "established rxq > 64k", txq = "txq > 1M", v6only = "v6only", mark = "mark = 0x10",
  protocol = "protocol = 1",
  autobound = "not autobound", role = "role = inbound", families = "families = 4+6",
  exposure = "exposure in {public, wildcard}", range = "listening range = dynamic",
  ephemeral = "listening ephemeral", service = "service = ssh", use = "use = smtps",
  risk = "exposed risk = data-store", owner = "owner = unknown", why = "why = permission",
  pid = "pid = 812", process = "process = nginx*", holders = "holders", user = "user = root",
  exe = "exe = '/usr/bin/python3*'", cmdline = "cmdline = *--debug*", ppid = "ppid = 1",
  started = "started > 1750000000", cgroup = "cgroup = */docker*",
  rtt = "rtt > 50ms", retrans = "retrans > 100", cwnd = "established cwnd < 10",
  bytes_sent = "bytes_sent > 1G", bytes_received = "bytes_received > 1G",
  idle = "established idle > 2h", congestion = "congestion = bbr",
  unit = "exposed unit = nginx.service", container = "listening container = docker:*",
  container_name = "container_name = web*", via = "listening via = 172.17.*",
  holder_netns = "holder_netns != 4026531833",
}

-- What the words of fields mean.
M.words = {
  proto = {
    tcp = "Transmission Control Protocol", udp = "User Datagram Protocol",
    udplite = "UDP-Lite (RFC 3828)", sctp = "Stream Control Transmission Protocol",
    mptcp = "Multipath TCP; its subflows are of tcp", raw = "raw IP; read only where it is named",
  },
  family = {ipv4 = "a socket of IPv4", ipv6 = "a socket of IPv6"},
  state = {
    established = "connected, data may flow",
    ["syn-sent"] = "asked for a connection, no answer yet",
    ["syn-received"] = "was asked for a connection, and answered",
    ["fin-wait-1"] = "closed here, not yet acknowledged",
    ["fin-wait-2"] = "closed here, waiting for the other side to close",
    ["time-wait"] = "closed by both; late segments are waited for",
    closed = "not connected: new, or bound alone",
    ["close-wait"] = "the other side closed, the program here did not",
    ["last-ack"] = "both closed, the last acknowledgement is missing",
    listen = "waits for connections",
    closing = "both closed at once, an acknowledgement is missing",
    connected = "UDP, UDP-Lite or raw, with a peer",
    unconnected = "the same without a peer",
  },
  role = {
    listener = "TCP, MPTCP or SCTP that waits for connections",
    service = "UDP or UDP-Lite without a peer whose process chose the port",
    inbound = "a connection that was accepted here",
    outbound = "a connection that was made from here",
    connected = "UDP or UDP-Lite with a peer",
    client = "UDP or UDP-Lite without a peer whose port the kernel chose",
    bound = "a port and no connection, of TCP, MPTCP or SCTP",
    closing = "a connection that is ending",
  },
  families = {["4"] = "IPv4", ["6"] = "IPv6", ["4+6"] = "both"},
  exposure = {
    loopback = "this machine alone", ["link-local"] = "the machines on the same link",
    private = "an address of a private network", public = "an address of the Internet",
    multicast = "a group of machines", wildcard = "every address of this machine",
  },
  range = {
    system = "0-1023", user = "1024-49151", dynamic = "49152-65535",
  },
  owner = {
    known = "at least one process was found", none = "nobody holds it, for sure",
    unknown = "it cannot be told",
  },
  why = {
    ["time-wait"] = "none: the connection outlives its file",
    orphan = "none: its process closed it, the kernel finishes it",
    ["not-yet-accepted"] = "none: it still waits in its listener's queue",
    unheld = "none: everybody was looked at, nobody has it",
    kernel = "none: it is the kernel's own",
    permission = "unknown: processes were there that may not be looked into",
    hidden = "unknown: procfs hides the processes of others",
    vanished = "unknown: its process ended while we looked",
    ["other-pid-namespace"] = "unknown: its process may be outside of what is seen here",
  },
}

-- Flags that are no word of a field.
M.flags = {
  all = "every socket that is read",
  listening = "a listener, or a UDP or UDP-Lite socket whose process chose its port",
  exposed = "listening, and not on loopback",
  risky = "the service port is known to be risky",
  ipv4 = "can be reached by IPv4", ipv6 = "can be reached by IPv6",
  ["system-port"] = "range = system", ["user-port"] = "range = user",
  ["dynamic-port"] = "range = dynamic",
}

return M
