-- bastion.lua: a host that people pass through by ssh, and nothing else.

local places = require "places"

return {
  {
    id = "nothing-but-ssh", severity = "error",
    title = "A bastion offers something besides ssh",
    only = {
      {lport = 22, exe = "/usr/sbin/sshd", reason = "what it is for"},
      {places.here, reason = "not to be reached from elsewhere"},
      {proto = "udp", lport = 68, process = "dhclient", reason = "its own address"},
    },
    message = "{process} of {user}",
    help = "Stop and disable it; if it has to be, say so here.",
  }, {
    id = "ssh-is-there", severity = "error", title = "Nobody can pass through",
    must_listen = "tcp :22", help = "systemctl status ssh",
  }, {
    id = "ssh-goes-inwards", severity = "warning",
    title = "A session on the bastion goes out to the Internet",
    -- who passes through goes to machines inside
    where = "outbound process = ssh and not raddr = 10.0.0.0/8",
    message = "{user} is connected with {raddr}",
  },
}
