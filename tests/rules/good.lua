-- What portinfo audit found, and is held to be known: portinfo audit --baseline FILE
-- reports only what is not in here. An entry is a filter; it may have a reason, and the
-- last day on which it holds: {..., reason = "why it may be", expires = "2027-06-30"}.
return {
  baseline = 1,
  ["new-listener"] = {
    {proto = "udp", exposure = "loopback", lport = 53, unit = "systemd-resolved.service", user = "systemd-resolve"},
    {proto = "tcp", exposure = "wildcard", lport = 80, unit = "nginx.service", user = "root"},
    {proto = "tcp", exposure = "loopback", lport = 443, unit = "nginx.service", user = "root"},
    {proto = "tcp", exposure = "wildcard", lport = 443, unit = "nginx.service", user = "root"},
    {proto = "tcp", exposure = "loopback", lport = 631, unit = "cupsd.service", user = "root"},
    {proto = "udp", exposure = "wildcard", lport = 5353, unit = "avahi-daemon.service", user = "avahi"},
    {proto = "tcp", exposure = "loopback", lport = 5432, unit = "postgres.service", user = "postgres"},
    {proto = "tcp", exposure = "loopback", lport = 9998, unit = "busyd.service", user = "root"},
    {proto = "tcp", exposure = "loopback", ephemeral = true, unit = "jupyter.service", user = "alice"},
  },
}
