-- rules.lua: 200 rules about listeners and connections, for which every TCP socket has to
-- be read; they find little, and what they find fails nothing.

local wheres = {
  "listening tcp exposed lport = %d", "established rport = %d", "inbound lport = %d",
  "tcp lport = %d and not laddr = 127.0.0.0/8", "time-wait lport = %d",
  "established raddr = 10.%d.0.0/16", "tcp rxq > %dk", "outbound exposure = public rport = %d",
}

local rules = {}
for i = 1, 200 do
  rules[i] = {
    id = "rule-" .. i, severity = "note", where = wheres[i % #wheres + 1]:format(i),
    allow = {{lport = i + 1000, laddr = "192.0.2.1"}},
  }
end
return rules
