-- What portinfo audit found, and is held to be known: portinfo audit --baseline FILE
-- reports only what is not in here. An entry is a filter; it may have a reason, and the
-- last day on which it holds: {..., reason = "why it may be", expires = "2027-06-30"}.
return {
  baseline = 1,
  ["new-listener"] = {
    {proto = "udp", exposure = "loopback", lport = 53, exe = "/usr/sbin/systemd-resolved", user = "systemd-resolve"},
    {proto = "tcp", exposure = "wildcard", lport = 80, exe = "/usr/sbin/nginx", user = "root"},
    {proto = "tcp", exposure = "loopback", lport = 443, exe = "/usr/sbin/nginx", user = "root"},
    {proto = "tcp", exposure = "wildcard", lport = 443, exe = "/usr/sbin/nginx", user = "root"},
    {proto = "tcp", exposure = "loopback", lport = 631, exe = "/usr/sbin/cupsd", user = "root"},
    {proto = "udp", exposure = "wildcard", lport = 5353, exe = "/usr/sbin/avahi-daemon", user = "avahi"},
    {proto = "tcp", exposure = "loopback", lport = 5432, exe = "/usr/sbin/postgres", user = "postgres"},
    {proto = "tcp", exposure = "loopback", lport = 9998, exe = "/usr/sbin/busyd", user = "root"},
    {proto = "tcp", exposure = "loopback", ephemeral = true, exe = "/usr/sbin/jupyter", user = "alice"},
  },
}
