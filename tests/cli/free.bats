#!/usr/bin/env bats
# free.bats: portinfo free, among sockets that are in the way.

load helpers/live
load helpers/users

setup() {
  live_setup
  open_scene "${SCENES:-tcp4}" udp_outside
  need_apart
}

teardown() {
  close_scene
  drop_users
}

# Sets status and leaves $T/out and $T/err.
frees() {
  status=0
  inside "$PORTINFO" free "$@" >"$T/out" 2>"$T/err" </dev/null || status=$?
  echo "status $status, out: $(<"$T/out"), err: $(<"$T/err")"
}

# Binds what was found, to all addresses of IPv4 as a check of our own.
bindable() {
  inside python3 -c '
import socket, sys
kind = getattr(socket, sys.argv[1])
kept = []
for port in sys.argv[2:]:
    kept.append(socket.socket(socket.AF_INET, kind))
    kept[-1].bind(("0.0.0.0", int(port)))' "$@"
}

@test "free gives a port that can be bound" {
  frees
  [ "$status" -eq 0 ]
  bindable SOCK_STREAM "$(<"$T/out")"
  frees --count 20
  [ "$(sort -u "$T/out" | wc -l)" -eq 20 ]
  bindable SOCK_STREAM $(<"$T/out")
}

@test "so it does for an ordinary user, who has no port below 1024" {
  as_user free >"$T/out"
  bindable SOCK_STREAM "$(<"$T/out")"
  [ "$(id -u)" = 0 ] || return 0
  as_user free 1000 >"$T/out" 2>"$T/err"
  [ "$(<"$T/out")" -ge 1024 ]
  grep -q "1000 is not permitted: ports below 1024 need CAP_NET_BIND_SERVICE" "$T/err"
  status=0
  as_user free 80-90 >"$T/out" 2>"$T/err" || status=$?
  [ "$status" -eq 1 ]
  [ ! -s "$T/out" ]
}

@test "free steps over what is in use, on that address and protocol" {
  port=$(told 0 lport)
  frees "$port"
  [ "$(<"$T/out")" -gt "$port" ]
  grep -q "tcp port $port is in use" "$T/err"
  frees "$port" --addr 127.0.0.2
  [ "$(<"$T/out")" = "$port" ]
  frees 40000 --udp
  [ "$(<"$T/out")" = 40000 ]
  frees "$(told 1 lport)" --udp
  [ "$(<"$T/out")" -gt "$(told 1 lport)" ]
  frees "$port-$port"
  [ "$status" -eq 1 ]
  [ ! -s "$T/out" ]
}

@test "free without an attempt believes the tables" {
  port=$(told 0 lport)
  frees "$port" --no-probe
  [ "$status" -eq 0 ]
  [ "$(<"$T/out")" -gt "$port" ]
  command -v strace >/dev/null || skip "there is no strace"
  inside strace -o /dev/null true 2>/dev/null || skip "strace is not permitted"
  export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
  inside strace -f -qq -e trace=bind -o "$T/trace" "$PORTINFO" free --no-probe >"$T/out"
  ! grep sin_port "$T/trace" || false
  inside strace -f -qq -e trace=bind,listen -o "$T/trace" "$PORTINFO" free >"$T/out"
  grep -q "sin6*_port=htons($(<"$T/out"))" "$T/trace"
  ! grep listen "$T/trace"
}
@test "another binder may be quicker: the next port is given" {
  # the tables are read from a folder that knows of nobody
  mkdir -p "$T/proc/net"
  touch "$T/proc/net/"{dev,tcp,tcp6,udp,udp6}
  port=$(told 0 lport)
  frees "$port" --backend proc --proc "$T/proc"
  [ "$status" -eq 0 ]
  [ "$(<"$T/out")" -gt "$port" ]
  bindable SOCK_STREAM "$(<"$T/out")"
}

@test "among binders that race for the same ports each is given one" {
  inside python3 -c '
import socket, subprocess, sys
kept = []
calls = [subprocess.Popen([sys.argv[1], "free", "-q", "20000-20063"], stdout=subprocess.PIPE)
         for _ in range(8)]
for port in range(20000, 20064, 2):
    kept.append(socket.socket())
    try:
        kept[-1].bind(("", port))
    except OSError:
        pass  # one of them is trying it
for call in calls:
    out, _ = call.communicate(timeout=60)
    assert call.returncode == 0, call.returncode
    assert 20000 <= int(out) <= 20063, out' "$PORTINFO"
}

@test "free tells ports as JSON" {
  frees 30000 --count 2 --format json
  [ "$(<"$T/out")" = "[30000,30001]" ]
  frees 65535 --count 2 --format json
  [ "$status" -eq 1 ]
  [ "$(<"$T/out")" = "[65535]" ]
}

@test "a reader that left is none of its errors" {
  inside "$PORTINFO" free --count 50000 --no-probe 2>"$T/err" | head -n 1 >"$T/out"
  [ -s "$T/out" ]
}

@test "mistakes get one line" {
  refuses() {
    words=$1
    shift
    frees "$@"
    [ "$status" -eq 2 ]
    [ ! -s "$T/out" ]
    [ "$(wc -l <"$T/err")" -eq 1 ]
    grep -q "^portinfo: .*$words" "$T/err"
  }
  refuses "'70000' is no port: ports are 0 to 65535" 70000
  refuses "9000-8000 runs backwards: write 8000-9000" 9000-8000
  refuses "9000..8000 runs backwards" 9000..8000
  refuses "--count: how many, from 1, not '-1'" --count -1
  refuses "--count: how many" --count 0
  refuses "0 is no port to bind" 0
  refuses "'3000x' is no port and no range: write 3000 or 8000-8100" 3000x
  refuses "'-5' is no port" -5
  refuses "one port or range" 3000 3001
  refuses "'nowhere' is no address" --addr nowhere
  refuses "192.0.2.1: bind: Cannot assign requested address" 3000 --addr 192.0.2.1
  refuses "free prints a port a line, or --format json, not csv" --format csv
  refuses "free asks what can be bound now" --from x
}
