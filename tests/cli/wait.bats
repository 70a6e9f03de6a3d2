#!/usr/bin/env bats
# wait.bats: portinfo wait, with services that come, go, flap, or never come.

load helpers/live
load helpers/users

setup() {
  live_setup
  open_scene tcp4
  need_apart
}

teardown() {
  [ -z "${SERVICE-}" ] || kill "$SERVICE" 2>/dev/null || true
  close_scene
  drop_users
}

# Runs Python inside, in the background, with `server(port)` defined.
service() {
  "${INSIDE[@]}" python3 -c "
import socket, time
def server(port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(('127.0.0.1', port))
    sock.listen()
    return sock
$1" 3>&- 4>&- 9>&- &
  SERVICE=$!
}

# Sets status and leaves $T/out and $T/err.
waits() {
  status=0
  inside "$PORTINFO" wait "$@" >"$T/out" 2>"$T/err" </dev/null || status=$?
  echo "status $status, out: $(<"$T/out"), err: $(<"$T/err")"
}

@test "wait ends with the row of a service that comes later" {
  service 'time.sleep(0.3); s = server(5432); time.sleep(60)'
  waits listening :5432 --timeout 30s --format '{lport} {process}'
  [ "$status" -eq 0 ]
  [ "$(<"$T/out")" = "5432 python3" ]
  [ ! -s "$T/err" ]
}

@test "so it does for an ordinary user" {
  service 'time.sleep(0.3); s = server(5432); time.sleep(60)'
  as_user wait listening :5432 --timeout 30s --format '{lport} {state}' >"$T/out"
  [ "$(<"$T/out")" = "5432 listen" ]
}

@test "wait ends with 1 when the service never comes" {
  waits listening :5432 --timeout 200ms
  [ "$status" -eq 1 ]
  [ ! -s "$T/out" ]
  [ "$(<"$T/err")" = "portinfo: timed out after 200 ms" ]
  waits listening :5432 --timeout 0 -q
  [ "$status" -eq 1 ]
  [ ! -s "$T/err" ]
}

@test "a service that flaps does not hold, one that stays does" {
  service 'while True:
    s = server(5432); time.sleep(0.2); s.close(); time.sleep(0.2)'
  waits listening :5432 --timeout 30s
  [ "$status" -eq 0 ]
  waits listening :5432 --for 10s --timeout 1500ms
  [ "$status" -eq 1 ]
  kill "$SERVICE"
  service 's = server(5433); time.sleep(60)'
  waits listening :5433 --for 300ms --timeout 30s
  [ "$status" -eq 0 ]
}

@test "wait --gone ends when the last one is gone, and prints nothing" {
  service 's = server(5432); time.sleep(0.5); s.close(); time.sleep(60)'
  waits listening :5432 --timeout 30s
  [ "$status" -eq 0 ]
  waits listening :5432 --gone --timeout 30s
  [ "$status" -eq 0 ]
  [ ! -s "$T/out" ]
  waits listening ":$(told 0 lport)" --gone --timeout 100ms
  [ "$status" -eq 1 ]
}

@test "wait ends with 3 when it cannot tell" {
  [ "$(id -u)" = 0 ] || skip "another user's process is needed"
  status=0
  as_user wait listening "process = nothing*" --timeout 200ms 2>"$T/err" || status=$?
  [ "$status" -eq 3 ]
  grep -q "cannot tell: .*undecided" "$T/err"
  status=0
  as_user wait "process = nothing*" --gone --timeout 200ms 2>"$T/err" || status=$?
  [ "$status" -eq 3 ]
}

@test "an interrupt ends wait" {
  # not by a function, whose shell alone the signal would end
  "${INSIDE[@]}" "$PORTINFO" wait :1 >"$T/out" 2>"$T/err" 3>&- 4>&- 9>&- &
  SERVICE=$!
  sleep 0.3
  kill -TERM "$SERVICE"
  status=0
  wait "$SERVICE" || status=$?
  [ "$status" -eq 143 ]
  # bash has what it starts in the background ignore SIGINT
  status=0
  inside python3 -c '
import signal, subprocess, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
child = subprocess.Popen(sys.argv[1:])
time.sleep(0.5)
child.send_signal(signal.SIGINT)
sys.exit(child.wait())' "$PORTINFO" wait :1 2>"$T/err" || status=$?
  [ "$status" -eq 130 ]
  [ ! -s "$T/err" ]
}

@test "mistakes get one line" {
  refuses() {
    words=$1
    shift
    waits "$@"
    [ "$status" -eq 2 ]
    [ ! -s "$T/out" ]
    [ "$(wc -l <"$T/err")" -eq 1 ]
    grep -q "^portinfo: .*$words" "$T/err"
  }
  refuses "--timeout: '5x' is no length of time: write 500ms, 30s" :80 --timeout 5x
  refuses "--for: '-1s'" :80 --for -1s
  refuses "--timeout needs a value" :80 --timeout
  refuses "no socket can ever satisfy 'tcp and udp'" tcp and udp
  refuses "no socket can ever satisfy" udp state = listen --gone
  refuses "name what to wait for"
  refuses "wait looks at the kernel's sockets: --from is for ls" :80 --from x
  waits listning
  [ "$status" -eq 2 ]
  grep -q 'did you mean "listening"' "$T/err"
}
