-- rules.lua: every verdict there is, in words that break what does not escape them.

local where = "lport = 23"

return {
  {
    id = "hostile", severity = "error", title = "a <b> & \"c\" # d \27[31m | \1 \xff ]]> \u{202e}",
    where = "lport = 22", evidence = {"exe"}, message = "{process}\n{exe} {{x}} %s",
    help = "x\27[0m & <y>", tags = {"<&>", "\xff"}, reference = "https://example.com/?a=b&c=<d>",
  },
  {id = "quiet", where = "lport = 1"},
  {id = "low", severity = "note", where = where},
  {id = "broken", where = where, check = function(row) return row.nothing end},
  {id = "open", where = where, check = function() return nil end},
  {id = "absent", must_listen = "tcp :1"},
  {id = "stale", where = where, allow = {
    {lport = 23, reason = "<&\27>"}, {lport = 24, reason = "]]>"},
    {lport = 25, expires = "2020-01-01"},
  }},
}
