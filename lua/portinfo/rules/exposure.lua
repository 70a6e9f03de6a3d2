-- exposure: services that are dangerous where others can reach them. What is risky about
-- a port is in the table of risks, by its number: the service behind it may be another.

local core = require "portinfo.core"

-- Why the table of risks has the port of this row, for one of some classes.
local function reason(classes)
  local wanted = {}
  for _, class in ipairs(classes) do wanted[class] = true end
  return function(row)
    for _, risk in ipairs(core.port(row.lport, row.proto).risks) do
      if wanted[risk.risk] then
        return ("port %d is that of %s: %s"):format(row.lport, risk.service, risk.why)
      end
    end
    return ("port %d is in the table of risks"):format(row.lport)
  end
end

local function filter(classes) return "exposed risk in {" .. table.concat(classes, ", ") .. "}" end

local control = {"mgmt-api", "remote-code", "debug", "ics"}
local admin = {"remote-admin", "lateral-movement", "rogue-service", "open-proxy", "weak-crypto"}
local abuse = {"abuse", "info-leak"}

-- Remote shells and logins without encryption.
local shells = "{23, 2323, 512, 513, 514}"

return {
  {
    id = "exposed-data-store", severity = "error", tags = {"exposure", "security"},
    title = "A data store can be reached from other machines",
    where = "exposed risk = data-store", message = reason{"data-store"},
    help = "Bind it to 127.0.0.1 and ::1, or to an address of a network that only its clients are "
      .. "in; demand passwords and TLS; else a firewall has to keep everybody else out, and an "
      .. "allow entry can say so.",
    reference = "https://cwe.mitre.org/data/definitions/668.html",
  }, {
    id = "cleartext-admin", severity = "error", tags = {"exposure", "security"},
    title = "A remote shell without encryption can be reached from other machines",
    where = "exposed tcp risk = cleartext lport in " .. shells, message = reason{"cleartext"},
    help = "Stop and disable it, and use ssh: who listens on the network reads the password and "
      .. "everything after it.",
    reference = "https://cwe.mitre.org/data/definitions/319.html",
  }, {
    id = "cleartext-login", severity = "warning", tags = {"exposure", "security"},
    title = "A service that takes passwords without encryption can be reached",
    where = "exposed risk = cleartext lport not in " .. shells, message = reason{"cleartext"},
    help = "Use the port of its TLS form, or demand STARTTLS before the login; then allow the port "
      .. "with that reason.",
    reference = "RFC 8314",
  }, {
    id = "exposed-control", severity = "warning", tags = {"exposure", "security"},
    title = "An interface that controls a program or a machine can be reached",
    where = filter(control), message = reason(control),
    help = "Bind it to 127.0.0.1 and come to it through ssh -L or a proxy that asks for a login. "
      .. "Ports such as 8080 serve other things, too: allow what is meant to be public.",
    reference = "https://cwe.mitre.org/data/definitions/749.html",
  }, {
    id = "exposed-no-auth", severity = "warning", tags = {"exposure", "security"},
    title = "A service that usually asks for no login can be reached",
    where = "exposed risk = no-auth", message = reason{"no-auth"},
    help = "Bind it to 127.0.0.1, or let a firewall admit those alone who need it.",
    reference = "https://cwe.mitre.org/data/definitions/306.html",
  }, {
    id = "exposed-remote-admin", severity = "warning", tags = {"exposure", "security"},
    title = "A way to administer or to enter this machine can be reached",
    where = filter(admin), message = reason(admin),
    help = "Let a VPN or a firewall admit the administrators' networks alone, and allow the port "
      .. "with that reason.",
    reference = "https://cwe.mitre.org/data/definitions/284.html",
  }, {
    -- mDNS answers its own link alone (RFC 6762, section 11)
    id = "open-reflector", severity = "warning", tags = {"exposure", "security"},
    title = "A service that attackers use to amplify floods can be reached by UDP",
    where = "exposed udp risk = amplification lport != 5353",
    message = reason{"amplification"},
    help = "Answer the networks that you serve alone: by the address it is bound to, by its own "
      .. "access list, or by a firewall. Then allow it with that reason.",
    reference = "BCP 38; https://www.cisa.gov/news-events/alerts/2014/01/17/"
      .. "udp-based-amplification-attacks",
  }, {
    id = "exposed-login", severity = "note", tags = {"exposure", "security"},
    title = "A login that the whole network may try can be reached",
    where = "exposed risk = brute-force", message = reason{"brute-force"},
    help = "Keys instead of passwords, and a firewall that limits who may try. If that is so, "
      .. "allow it with that reason.",
    reference = "https://cwe.mitre.org/data/definitions/307.html",
  }, {
    id = "exposed-abusable", severity = "note", tags = {"exposure", "security"},
    title = "A service that tells too much, or that others abuse, can be reached",
    where = filter(abuse), message = reason(abuse),
    help = "See that a mail server relays for nobody, and that nothing answers whom it need not.",
    reference = "RFC 5068",
  }, {
    id = "malware-port", severity = "warning", tags = {"security"},
    title = "Something listens on a port that malware is known to use",
    where = "listening risk = malware", message = reason{"malware"},
    help = "Find out what the process is: portinfo ls :PORT --columns pid,exe,cmdline,user. Most "
      .. "such ports have honest uses, too; allow it if this is one.",
    reference = "https://attack.mitre.org/techniques/T1571/",
  },
}
