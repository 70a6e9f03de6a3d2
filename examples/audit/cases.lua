-- cases.lua: what the rules of this folder say of the readings beside them:
--
--   portinfo audit --test examples/audit/cases.lua

return {
  rules = {
    "bastion.lua", "web-server.lua", "database.lua", "laptop.lua", "kubernetes-node.lua",
    "cis-mail.lua",
  },
  cases = {
    {name = "a bastion", reading = "bastion.ndjson", expect = {
      ["nothing-but-ssh"] = {verdict = "fail", findings = 1}, ["ssh-is-there"] = "pass",
      ["ssh-goes-inwards"] = {verdict = "fail", findings = 1},
    }},
    {name = "a web server", reading = "web-server.ndjson", expect = {
      ["web-is-up"] = "pass", ["web-is-nginx"] = "fail", ["app-is-local"] = "fail",
      ["web-only"] = {verdict = "fail", findings = 1}, backlog = "fail",
    }},
    {name = "a database host", reading = "database.ndjson", expect = {
      ["db-is-up"] = "pass", ["db-inside"] = {verdict = "fail", findings = 1},
      ["db-clients"] = {verdict = "fail", findings = 1},
      ["db-crowded"] = {verdict = "fail", findings = 1},
    }},
    {name = "a laptop", reading = "laptop.ndjson", expect = {
      ["nothing-reachable"] = {verdict = "fail", findings = 2}, ["no-debuggers"] = "fail",
      ["forgotten-servers"] = "fail",
    }},
    {name = "a node", reading = "kubernetes-node.ndjson", expect = {
      ["kubelet-is-up"] = "pass", ["no-read-only-kubelet"] = "fail",
      ["node-only"] = {verdict = "fail", findings = 2}, ["no-control-plane"] = "fail",
    }},
    -- a server of a game on 25565 is no mail server
    {name = "mail", reading = "cis-mail.ndjson", expect = {
      ["cis-mail-local-only"] = {verdict = "fail", findings = 1},
    }},
  },
}
