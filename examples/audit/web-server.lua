-- web-server.lua: a web server with an application behind it.

local places = require "places"

return {
  {
    id = "web-is-up", severity = "error", title = "The web server does not listen",
    must_listen = {"tcp :80", "tcp :443"}, help = "systemctl status nginx",
  }, {
    id = "web-is-nginx", severity = "error",
    title = "Something else than nginx has the ports of the web",
    where = "listening tcp lport in {80, 443} and process != nginx",
    help = "portinfo why 443 tells how it got there.",
  }, {
    id = "web-only", severity = "error", title = "More than the web and ssh can be reached",
    where = "exposed",
    only = {
      {"tcp", lport = {80, 443}, reason = "the web"},
      {"udp", lport = 443, reason = "QUIC"},
      {places.inside, lport = 22, reason = "administration, from inside alone"},
      {places.inside, lport = 9100, process = "node_exporter", reason = "monitoring",
       expires = "2026-12-31"},
    },
  }, {
    id = "app-is-local", severity = "error",
    title = "The application can be reached past the web server",
    where = "exposed process = {gunicorn, node, php-fpm*}",
    help = "Bind it to 127.0.0.1 or to a Unix socket.",
  }, {
    id = "backlog", severity = "warning", title = "Requests wait to be accepted",
    where = "state = listen lport in {80, 443} rxq > 0", evidence = {"rxq", "txq"},
    check = function(row) return row.rxq >= row.txq / 2 end,
    message = "{rxq} of {txq}",
  },
}
