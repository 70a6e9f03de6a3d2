-- cis-mail.lua: "Ensure mail transfer agents are configured for local-only mode", of the CIS
-- benchmarks for Linux, as Wazuh publishes it for its Security Configuration Assessment:
--
--   not c:ss -lntu -> r::25\s|:465\s|:587\s && r:\s+127\.0\.0\.\d+:|\s+\[::1\]:
--
-- There it is a pattern over the text of ss, which takes for an address what stands in
-- another column, knows 127.0.0.0/24 and not the rest of 127.0.0.0/8, and passes where ss
-- is not installed. Here it is what was meant.

return {
  id = "cis-mail-local-only", severity = "error",
  title = "A mail transfer agent can be reached from other machines",
  where = "exposed tcp lport in {25, 465, 587}",
  message = "{process} listens on {laddr}:{lport}",
  help = "postconf -e inet_interfaces=loopback-only && systemctl restart postfix; for exim, "
    .. "dc_local_interfaces='127.0.0.1 ; ::1'.",
  reference = "CIS Benchmarks for Linux, services, mail transfer agents",
  tags = {"cis", "mail"},
}
