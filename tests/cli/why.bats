#!/usr/bin/env bats
# why.bats: portinfo why, with each way of being blocked built in earnest.

load helpers/live
load helpers/users

setup() { live_setup; }

teardown() {
  [ -z "${SERVICE-}" ] || kill "$SERVICE" 2>/dev/null || true
  close_scene
  drop_users
}

scene() {
  open_scene "$@"
  need_rows
  need_apart
}

# Sets status and leaves $T/out and $T/err.
whys() {
  status=0
  inside "$PORTINFO" why "$@" >"$T/out" 2>"$T/err" </dev/null || status=$?
  echo "status $status"
  cat "$T/out" "$T/err"
}

user_whys() {
  status=0
  as_user why "$@" >"$T/out" 2>"$T/err" </dev/null || status=$?
  echo "status $status"
  cat "$T/out" "$T/err"
}

# Words on lines, however they were wrapped.
says() { tr -s ' \n' ' ' <"$T/out" | grep -q -e "$1"; }

verdict() { head -n 1 "$T/out" | grep -q "$1"; }

# Runs Python inside until it says that it is ready; it stays.
service() {
  inside python3 -c "
import socket, sys, time
def tcp(address, *options):
    sock = socket.socket(socket.AF_INET6 if ':' in address[0] else socket.AF_INET)
    for option in options:
        sock.setsockopt(socket.SOL_SOCKET, option, 1)
    sock.bind(address)
    return sock
$1
print('ready', flush=True)
time.sleep(60)" >"$T/service" 2>"$T/service.err" 3>&- 4>&- 9>&- &
  SERVICE=$!
  poll grep -q ready "$T/service" || { cat "$T/service.err"; return 1; }
}

@test "a port that nobody has can be bound" {
  scene tcp4
  whys 5000
  [ "$status" -eq 0 ]
  verdict "^tcp port 5000 can be bound$"
  says "probe bind without SO_REUSEADDR succeeds"
  whys 5000 --no-probe
  [ "$status" -eq 0 ]
  ! says probe || false
  user_whys mysql
  [ "$status" -eq 0 ]
  verdict "^tcp port 3306 can be bound$"
}

@test "a listener on an address bars that, and the wildcards" {
  scene tcp4
  port=$(told 0 lport)
  for where in "" "--addr 127.0.0.1" "--addr 0.0.0.0" "--addr ::" "--no-probe"; do
    whys "$port" $where
    [ "$status" -eq 1 ]
    verdict "^tcp port $port.* cannot be bound: python3 (pid $(told 0 pid)) is on it$"
    says "listener 127.0.0.1:$port: python3 (pid $(told 0 pid)), user "
    says "to get it stop python3 (pid $(told 0 pid))"
  done
  for where in 127.0.0.2 ::1; do
    whys "$port" --addr "$where"
    [ "$status" -eq 0 ]
    whys "$port" --addr "$where" --no-probe
    [ "$status" -eq 0 ]
  done
  whys "$port/udp"
  [ "$status" -eq 0 ]
}

@test "a wildcard of IPv6 bars IPv4 unless it is of IPv6 alone" {
  scene tcp6_only tcp6_dual
  whys "$(told 0 lport)" --addr 127.0.0.1
  [ "$status" -eq 0 ]
  whys "$(told 0 lport)" --addr 127.0.0.1 --no-probe
  [ "$status" -eq 0 ]
  whys "$(told 0 lport)"
  [ "$status" -eq 1 ]
  says "listener \[::\]:$(told 0 lport), IPv6 alone: python3"
  whys "$(told 1 lport)" --addr 127.0.0.1
  [ "$status" -eq 1 ]
  says "listener \[::\]:$(told 1 lport): python3"
  whys "$(told 1 lport)" --addr ::ffff:127.0.0.1 --no-probe
  [ "$status" -eq 1 ]
}

@test "a table that does not tell of IPv6 alone leaves it to the attempt" {
  scene tcp6_only tcp6_dual
  local only dual
  only=$(told 0 lport) dual=$(told 1 lport)
  whys "$dual" --addr 127.0.0.1 --backend proc
  [ "$status" -eq 1 ]
  verdict "python3 (pid $(told 1 pid)) is on it$"
  says "listener \[::\]:$dual, of IPv4 too unless it is of IPv6 alone, which is not known: python3"
  ! says "in no table" || false
  whys "$only" --addr 127.0.0.1 --backend proc
  [ "$status" -eq 0 ]
  for port in "$only" "$dual"; do
    whys "$port" --addr 127.0.0.1 --backend proc --no-probe
    [ "$status" -eq 3 ]
  done
}

@test "where only IPv4 is in the way, a socket of IPv6 alone passes" {
  scene tcp4_any
  whys "$(told 0 lport)"
  [ "$status" -eq 1 ]
  says "a socket of IPv6 alone (IPV6_V6ONLY) meets none of these"
  whys "$(told 0 lport)" --addr ::1
  [ "$status" -eq 0 ]
}

@test "a UDP service bars UDP alone" {
  scene udp_outside
  port=$(told 0 lport)
  whys "$port" --udp
  [ "$status" -eq 1 ]
  verdict "^udp port $port cannot be bound: python3 (pid $(told 0 pid)) is on it$"
  says "127.0.0.1:$port: python3"
  says "portinfo free $port --udp"
}

@test "a socket that is bound and nothing else" {
  scene bound
  port=$(told 0 lport)
  whys "$port"
  [ "$status" -eq 1 ]
  verdict "python3 (pid $(told 0 pid)) has bound it$"
  says "127.0.0.1:$port, closed: python3"
}

@test "one that no table tells of: nothing is to be seen, and why" {
  scene bound
  whys "$(told 0 lport)" --backend proc
  [ "$status" -eq 1 ]
  verdict "cannot be bound, and nothing is to be seen on it$"
  says "unseen whoever is there stands in no table that could be read"
  says "sockets that are bound and nothing else are in no proc table"
  whys "$(told 0 lport)" --backend proc --no-probe
  [ "$status" -eq 3 ]
  verdict "may be taken or not: that cannot be told from here$"
}

@test "TIME_WAIT: SO_REUSEADDR helps if both set it" {
  scene tcp4
  service "
server = tcp(('127.0.0.1', 7001), socket.SO_REUSEADDR)
other = tcp(('127.0.0.1', 7002))
for sock in server, other:
    sock.listen()
    client = socket.create_connection(sock.getsockname())
    accepted, _ = sock.accept()
    accepted.close()
    client.recv(1)
    client.close()
    sock.close()"
  whys 7001
  [ "$status" -eq 1 ]
  verdict "connections of the last minute are still in TIME_WAIT on it$"
  says "time-wait 127.0.0.1:7001 with 127.0.0.1:[0-9]*: held by nobody any more"
  says "with it, bind succeeds"
  says "set SO_REUSEADDR before bind: that succeeds now"
  whys 7002
  [ "$status" -eq 1 ]
  says "with it, the same"
  says "SO_REUSEADDR does not help now"
}

@test "half-closed connections, and those that their process left" {
  scene half_closed close_wait
  whys "$(told 1 lport)"
  [ "$status" -eq 1 ]
  verdict "a connection of python3 (pid $(told 1 pid)) is still closing on it$"
  says "closing 127.0.0.1:$(told 1 lport) with 127.0.0.1:$(told 0 lport), fin-wait-2: python3"
  whys "$(told 5 lport)"
  [ "$status" -eq 1 ]
  says "closing .*, fin-wait-2: closed by its process"
  says "wait: the kernel gives up on it"
}

@test "connections that outlive their listener" {
  scene listener_gone
  whys "$(told 1 lport)"
  [ "$status" -eq 1 ]
  verdict "a connection of python3 (pid $(told 1 pid)) is on it$"
  says "connection 127.0.0.1:$(told 1 lport) with "
}

@test "a client that the kernel gave the port" {
  scene pair4
  client=$(python3 -c '
import json, sys
print([r["lport"] for r in map(json.loads, open(sys.argv[1])) if r.get("role") == "outbound"][0])' \
    "$ORACLE")
  whys "$client"
  [ "$status" -eq 1 ]
  verdict "a connection of python3 (pid [0-9]*) began on it$"
  says "client 127.0.0.1:$client with 127.0.0.1:"
  says "add it to net.ipv4.ip_local_reserved_ports"
  says "ephemeral it lies in the client range"
}

@test "a group of SO_REUSEPORT, ours and another user's" {
  [ "$(id -u)" = 0 ] || skip "only root has another user at hand"
  scene reuseport3
  port=$(told 0 lport)
  whys "$port"
  [ "$status" -eq 1 ]
  [ "$(grep -c "127.0.0.1:$port: python3" "$T/out")" -eq 3 ]
  says "reuseport an attempt with SO_REUSEPORT succeeds: .* sockets of uid 0"
  user_whys "$port"
  [ "$status" -eq 1 ]
  verdict "a process of uid 0 is on it$"
  says "3 sockets share 127.0.0.1:$port by SO_REUSEPORT: only sockets of uid 0"
  says "see who holds it: sudo portinfo why $port"
}

@test "another user's listener: its group is not told, its holder not seen" {
  [ "$(id -u)" = 0 ] || skip "only root has another user at hand"
  scene tcp4
  user_whys "$(told 0 lport)"
  [ "$status" -eq 1 ]
  says "of uid 0, its process unknown for lack of permission"
  says "whether it set SO_REUSEPORT no table tells: .* uid 0 may join, and we are uid 65534"
}

@test "a privileged port" {
  [ "$(id -u)" = 0 ] || skip "in a namespace of our own we are permitted"
  scene tcp4
  for how in "" --no-probe; do
    user_whys 80 $how
    [ "$status" -eq 1 ]
    verdict "^tcp port 80 is not permitted to us$"
    says "ports below 1024 need CAP_NET_BIND_SERVICE, which uid 65534 does not hold"
    says "ip_unprivileged_port_start=80"
  done
  whys 80
  [ "$status" -eq 0 ]
  inside sh -c 'echo 80 >/proc/sys/net/ipv4/ip_unprivileged_port_start' || skip "sysctl is closed"
  user_whys 80
  [ "$status" -eq 0 ]
}

@test "a reserved port can be bound, and what it means is said" {
  [ "$(id -u)" = 0 ] || skip "the sysctl is root's"
  scene tcp4
  inside sh -c 'echo 7100 >/proc/sys/net/ipv4/ip_local_reserved_ports' || skip "sysctl is closed"
  whys 7100
  [ "$status" -eq 0 ]
  says "reserved ip_local_reserved_ports names it: .* bars nobody from binding it"
}

@test "an address of another host" {
  scene tcp4
  whys 5000 --addr 192.0.2.1
  [ "$status" -eq 1 ]
  verdict "cannot be bound: this host has no such address$"
  says "ip_nonlocal_bind"
}

@test "another network namespace is no reason" {
  scene tcp4
  port=$(told 0 lport)
  whys "$port"
  [ "$status" -eq 1 ]
  run "$PORTINFO" why "$port" --addr 127.0.0.1
  [ "$status" -eq 0 ]
}

@test "an attempt that contradicts the table is told" {
  scene tcp4
  mkdir -p "$T/proc/net"
  touch "$T/proc/net/"{dev,tcp6,udp,udp6}
  {
    echo "  sl  local_address rem_address   st ..."
    echo "   0: 00000000:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 12 1 0"
  } >"$T/proc/net/tcp"
  whys 5000 --backend proc --proc "$T/proc"
  [ "$status" -eq 0 ]
  says "listener 0.0.0.0:5000"
  says "bind without SO_REUSEADDR succeeds"
  says "unseen the tables tell of a socket in the way, twice"
  whys 5000 --backend proc --proc "$T/proc" --no-probe
  [ "$status" -eq 1 ]
}

@test "the same as JSON" {
  scene tcp4
  whys "$(told 0 lport)" --format json
  [ "$status" -eq 1 ]
  python3 -c '
import json, sys
data = json.load(open(sys.argv[1]))
row = json.loads(open(sys.argv[2]).readline())
assert data["v"] == 1 and data["verdict"] == "blocked" and data["port"] == row["lport"]
first = data["evidence"][0]
assert first["kind"] == "listener" and first["bars"] is True, first
assert first["socket"]["inode"] == row["inode"] and first["socket"]["lport"] == row["lport"]
assert data["probe"]["ok"] is False and data["probe"]["reuseaddr"] is False
assert len(data["fixes"]) > 0' "$T/out" "$ORACLE"
}

@test "of many connections a few are told, and how many more there are" {
  scene tcp4
  service "
server = tcp(('127.0.0.1', 7001))
server.listen(50)
kept = [socket.create_connection(('127.0.0.1', 7001)) for _ in range(20)]
kept += [server.accept()[0] for _ in range(20)]"
  whys 7001
  [ "$status" -eq 1 ]
  [ "$(grep -c "127.0.0.1:7001 with" "$T/out")" -eq 5 ]
  says "and 15 more: connection"
  whys 7001 --format json
  [ "$(grep -o '"socket":' "$T/out" | wc -l)" -eq 21 ]
}

@test "a hostile name reaches no terminal" {
  scene named:1b5d303b78079b41
  whys "$(told 0 lport)"
  [ "$status" -eq 1 ]
  ! grep -q "$(printf '\033\|\007\|\233')" "$T/out" || false
  grep -q '\\x1b\]0;x\\x07\\x9bA' "$T/out"
}

@test "mistakes get one line" {
  scene tcp4
  refuses() {
    words=$1
    shift
    whys "$@"
    [ "$status" -eq 2 ]
    [ ! -s "$T/out" ]
    [ "$(wc -l <"$T/err")" -eq 1 ]
    grep -q "^portinfo: .*$words" "$T/err"
  }
  refuses "0 is no port to bind" 0
  refuses "'70000' is no port" 70000
  refuses "why takes one port or service"
  refuses "why takes one port or service" 80 81
  refuses "neither a verb nor a service: did you mean http" htpt
  refuses "a port is tried with tcp or udp, not sctp" 80/sctp
  refuses "is no address: write 127.0.0.1 or ::1" 80 --addr 1.2.3
  refuses "fe80::1 is good on one link alone" 80 --addr fe80::1
  refuses "'http-alt' is a name of several ports: give one" http-alt
  refuses "why comes as text or --format json, not csv" 80 --format csv
  refuses "why asks what can be bound now" 80 --from x
}
