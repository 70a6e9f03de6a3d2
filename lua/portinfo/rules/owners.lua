-- owners: who holds what listens.

return {
  {
    id = "unheld-listener", severity = "warning", tags = {"owner", "security"},
    title = "Something listens, and no process holds it",
    where = "listening not process",
    message = "no process has it open: the kernel itself (NFS, WireGuard, VXLAN), or something "
      .. "that hides from /proc",
    help = "See whether a kernel service is configured on this port (wg show, rpcinfo -p, "
      .. "ip -d link). Allow it with that reason; a port that nobody can explain is an incident.",
    reference = "https://attack.mitre.org/techniques/T1014/",
  }, {
    id = "stale-program", severity = "note", tags = {"owner", "security"},
    title = "A service runs a program whose file was replaced or removed",
    where = {"listening", exe = "*(deleted)"}, evidence = {"exe", "user"},
    message = "{process} still runs the old file",
    help = "Restart it, so that the fixes of an upgrade are in force. A file that no package "
      .. "replaced is worth a question: malware removes its own.",
    reference = "https://attack.mitre.org/techniques/T1070/004/",
  },
}
