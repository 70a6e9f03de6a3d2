#!/usr/bin/env bats
# sockets.bats: sockets that we open are told as their holders know them.

load helpers/live

setup() { live_setup; }

teardown() { close_scene; }

# Opens scenes, and compares every field of every row, nothing missing, nothing
# twice; then the same from the proc tables, which know less.
is_told() {
  open_scene "$@"
  need_rows
  agrees
  PROC=proc agrees --backend proc
}

# ---- How they were read -----------------------------------------------------------

@test "each source says how many rows it gave, whatever is read afterwards" {
  open_scene tcp4 tcp6_only pair6 udp_outside
  need_apart
  local told
  told=$(inside "$PORTINFO" -e 'local snap = pi.snapshot()
    snap:complete{"derived", "owner"}
    for _, source in ipairs(snap:quality().sources) do
      local rows = snap:sockets{proto = source.proto, family = source.family}:count()
      print(source.rows == rows, source.rows > 0)
    end')
  echo "$told"
  [ "$(grep -c "^true" <<<"$told")" -eq 10 ]
  [ "$(grep -c "true$" <<<"$told")" -ge 3 ]
}

# ---- TCP ----------------------------------------------------------------------

@test "a listener" { is_told tcp4 tcp4_any; }

@test "listeners on IPv6 alone, and on both" { is_told tcp6_only tcp6_dual; }

@test "IPv4, IPv6 alone and both on one port are three sockets" {
  is_told same_port
  inside "$PORTINFO" ls ":$(told 0 lport)" --format tsv --columns families \
    >"$T/rows"
  [ "$(sort "$T/rows" | tr '\n' ' ')" = "4 4+6 6 families " ]
}

@test "the reach of a socket of :: is its own, whatever its namespace gives to new ones" {
  open_scene tcp6_dual tcp6_only
  need_apart
  need_rows
  local value
  for value in 0 1; do
    inside sh -c "echo $value >/proc/sys/net/ipv6/bindv6only" 2>/dev/null ||
      skip "bindv6only cannot be set"
    agrees
    inside python3 -c '
import socket, subprocess, sys
s = socket.socket(socket.AF_INET6)
s.bind(("::", 0)); s.listen()
sys.exit(subprocess.call(sys.argv[1:] + [":%d" % s.getsockname()[1]]))' \
      "$PORTINFO" ls -q --no-header --format tsv --columns families >"$T/$value"
  done
  [ "$(cat "$T/0" "$T/1")" = $'4+6\n6' ]
}

@test "one port of three processes is three sockets" { is_told reuseport3; }

@test "one socket of three processes has three holders" { is_told fork3; }

@test "one socket, two descriptors of one process" { is_told twice; }

@test "both ends of a connection over IPv4" { is_told pair4 pair_any4; }

@test "both ends of a connection over IPv6" { is_told pair6; }

@test "an IPv4 client of a dual-stack listener" { is_told pair_mapped; }

@test "an IPv4 client of a listener on ::ffff:0.0.0.0" { is_told pair_mapped_any; }

@test "a listener whose port the kernel chose" { is_told listen_autobound; }

@test "connections whose listener is gone" { is_told listener_gone; }

@test "a client that chose its own port" { is_told outbound_bound; }

@test "a client that bound itself to port 0" { is_told outbound_bind0; }

@test "clients with a port range of their own" { is_told range_of_its_own; }

@test "a connection that the kernel encrypts" { is_told ktls; }

@test "a connection that is not yet accepted" { is_told unaccepted; }

@test "a connection that is half open" { is_told syn_received; }

@test "a client that nobody answers" { is_told syn_sent; }

@test "time-wait has no owner, and that is known" { is_told time_wait; }

@test "close-wait, and the orphan at the other end" {
  is_told close_wait close_wait_outbound
}

@test "a connection that its process has half closed" { is_told half_closed; }

@test "a socket that is bound and nothing else" {
  open_scene bound
  need_rows
  agrees
}

@test "a listener on every address of device lo alone" { is_told lo_device; }

@test "what remains of a client of device lo" { is_told lo_device_time_wait; }

# ---- UDP ----------------------------------------------------------------------

@test "UDP on a chosen port is a service, in the client range as well" {
  is_told udp_outside udp_inside udp_dual
  need_apart
  [ "$(inside "$PORTINFO" ls listening --format tsv --columns role | sort -u)" \
    = "$(printf 'role\nservice')" ]
}

@test "UDP on a port that the kernel chose is a client" { is_told udp_client; }

@test "UDP with a peer" { is_told udp_connected; }

@test "UDP on a multicast address" { is_told udp_multicast; }

@test "two UDP sockets on one port" { is_told udp_reuseport; }

@test "no UDP socket listens as TCP does" {
  open_scene udp_outside udp_inside udp_client udp_connected
  need_rows
  need_apart
  run inside "$PORTINFO" ls listening tcp
  [ "$status" -eq 1 ]
}

# ---- Holders --------------------------------------------------------------------

@test "a descriptor that was passed to another process" { is_told passed; }

@test "a descriptor that was passed on and closed" { is_told passed_on; }

@test "a thread with descriptors of its own" { is_told thread_table; }

@test "a process whose first thread has ended" { is_told headless; }

@test "a process that became another user" { is_told other_user; }

@test "a process of several threads" { is_told many_threads; }

# ---- All of them ------------------------------------------------------------------

EVERYTHING=(tcp4 tcp4_any tcp6_only tcp6_dual same_port reuseport3 fork3 twice
  pair4 pair_any4 pair6 pair_mapped pair_mapped_any listen_autobound
  listener_gone outbound_bound outbound_bind0 unaccepted syn_received syn_sent
  time_wait close_wait close_wait_outbound half_closed bound lo_device
  udp_outside udp_inside udp_dual udp_multicast udp_client udp_connected
  udp_reuseport passed passed_on thread_table headless many_threads)

@test "everything at once" { is_told "${EVERYTHING[@]}"; }

@test "formats agree with each other" {
  open_scene "${EVERYTHING[@]}"
  need_apart
  inside "$PORTINFO" ls --format json >"$T/json"
  inside "$PORTINFO" ls --format ndjson >"$T/ndjson"
  python3 "$HELPERS/compare.py" formats "$T/ndjson" "$T/json"
  rows=$(wc -l <"$T/ndjson")
  [ "$(inside "$PORTINFO" ls --format tsv | wc -l)" -eq $((rows + 1)) ]
  [ "$(inside "$PORTINFO" ls --format csv | wc -l)" -eq $((rows + 1)) ]
  [ "$(inside "$PORTINFO" ls --format table -q | wc -l)" -eq $((rows + 1)) ]
}

@test "ss tells the same sockets" {
  command -v ss >/dev/null || skip "there is no ss"
  open_scene tcp4 tcp4_any tcp6_only tcp6_dual same_port reuseport3 fork3 twice \
    pair4 pair_any4 pair6 pair_mapped listener_gone outbound_bound unaccepted \
    syn_received time_wait close_wait close_wait_outbound half_closed bound \
    lo_device udp_outside udp_inside udp_dual udp_multicast udp_client \
    udp_connected udp_reuseport passed passed_on
  need_apart
  inside "$PORTINFO" ls --format json >"$T/rows"
  inside ss -tuanpeHO >"$T/ss"
  python3 "$HELPERS/compare.py" ss "$T/ss" "$T/rows"
}

@test "the proc tables tell the same sockets" {
  open_scene "${EVERYTHING[@]}"
  need_apart
  for name in tcp tcp6 udp udp6; do
    echo "$name"
    inside cat "/proc/net/$name"
  done >"$T/tables"
  for backend in netlink proc; do
    inside "$PORTINFO" ls --format json --backend $backend >"$T/rows"
    python3 "$HELPERS/compare.py" table "$T/tables" "$T/rows"
  done
}

# ---- Words that find them ------------------------------------------------------------

@test "a port is found exactly, on either side" {
  open_scene pair4
  need_apart
  port=$(told 0 lport)
  inside "$PORTINFO" ls ":$port" --format tsv --columns lport,rport >"$T/rows"
  [ "$(wc -l <"$T/rows")" -eq 4 ]
  run inside "$PORTINFO" ls ":${port%?}" --format tsv
  [ "$status" -eq 1 ]
}

@test "a page tells who holds the port" {
  open_scene fork3
  need_rows
  run inside "$PORTINFO" "$(told 0 lport)" --width 200
  [ "$status" -eq 0 ]
  [[ $output == *"tcp 127.0.0.1:$(told 0 lport) listening, $(told 0 process) (pid $(told 0 pid)"* ]]
  [[ $output == *"and 2 more processes"* ]]
}
