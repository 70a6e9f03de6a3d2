-- laptop.lua: a developer's machine, which is in foreign networks, too.

local places = require "places"

return {
  {
    id = "nothing-reachable", severity = "warning",
    title = "Something on this laptop can be reached by the café",
    where = "exposed",
    allow = {
      {proto = "udp", lport = {5353, 1900}, reason = "finding printers and speakers"},
      {proto = "udp", lport = 68, reason = "its own address"},
      {process = {"syncthing", "kdeconnectd"}, reason = "asks for keys"},
    },
    message = "{process} of {user}",
    help = "Give it 127.0.0.1 to listen on: most servers for development take --host.",
  }, {
    id = "no-debuggers", severity = "error", title = "A debugger waits for connections",
    where = "listening lport in {9222, 9229, 5005, 5678} and not exposure = loopback",
    help = "Who reaches it runs code as you.",
  }, {
    id = "forgotten-servers", severity = "note",
    title = "A server for development runs since more than a day",
    where = {places.here, "listening process = {node, python3, ruby, php, java}"},
    evidence = {"started", "cmdline"},
    check = function(row, context)
      if not row.started then return nil end
      return context.now - row.started > 86400
    end,
    message = "{process} (pid {pid}) on {lport}",
  },
}
