#!/usr/bin/env bats
# netns.bats: other network namespaces: which are found, what they are called, and
# what is said of those that stay closed.

load helpers/live
load helpers/users

setup() {
  live_setup
  [ "$(id -u)" -eq 0 ] || skip "to make network namespaces takes root"
  unshare -n true 2>/dev/null || skip "network namespaces are not permitted"
  NAME=portinfo-test-$$
  PIDS=()
}

teardown() {
  for pid in "${PIDS[@]}"; do kill "$pid" 2>/dev/null || true; done
  ip netns delete "$NAME" 2>/dev/null || true
  drop_users
}

# Listens on a port in a namespace that `enter...` goes to.
listen_in() { # listen_in PORT ENTER...
  local port=$1
  shift
  "$@" python3 -c '
import socket, sys, time
s = socket.socket()
s.bind(("0.0.0.0", int(sys.argv[1])))
s.listen()
print("up", flush=True)
time.sleep(60)' "$port" >"$T/up" 3>&- &
  PIDS+=($!)
  poll grep -q up "$T/up"
  rm "$T/up"
}

named() {
  ip netns add "$NAME" 2>/dev/null || skip "named network namespaces are not permitted"
}

ls_tsv() { "$PORTINFO" ls -q --no-header --format tsv "$@"; }

@test "a namespace by its name, its path, and a process in it" {
  named
  listen_in 4711 ip netns exec "$NAME"
  for how in "$NAME" "/run/netns/$NAME" "${PIDS[0]}" "pid:${PIDS[0]}" \
    "/proc/${PIDS[0]}/ns/net"; do
    ls_tsv --netns "$how" --columns lport,pid listening >"$T/rows"
    echo "$how"
    [ "$(cat "$T/rows")" = "4711	${PIDS[0]}" ]
  done
  [ -z "$(ls_tsv :4711)" ] # not ours
}

@test "lines of pages, audits and differences name the namespace where there are several" {
  named
  "$PORTINFO" save --netns all "$T/before" 2>/dev/null
  listen_in 5900 ip netns exec "$NAME"
  line="tcp listen 0.0.0.0:5900 in netns $NAME, python3 (pid ${PIDS[0]})"
  "$PORTINFO" --netns all 5900/tcp >"$T/page"
  grep -q "^Now  *tcp 0.0.0.0:5900 listening in netns $NAME, python3" "$T/page"
  run "$PORTINFO" audit --netns all --format json
  grep -qF "$line" <<<"$output"
  run "$PORTINFO" diff --netns all --format table "$T/before"
  echo "$output"
  grep -qxF "+ $line" <<<"$output"
  "$PORTINFO" --netns "$NAME" 5900/tcp >"$T/page" # of one alone: nothing to tell apart
  grep -q "^Now  *tcp 0.0.0.0:5900 listening, python3" "$T/page"
}

@test "the same tuple in two namespaces is two rows, each with its own name" {
  named
  listen_in 4712 ip netns exec "$NAME"
  listen_in 4712 unshare -n
  ls_tsv --netns all --columns netns_name,laddr,lport,pid :4712 | sort >"$T/rows"
  printf '%s\t0.0.0.0\t4712\t%s\n' "$NAME" "${PIDS[0]}" "pid:${PIDS[1]}" "${PIDS[1]}" |
    sort | diff - "$T/rows"
  [ "$(ls_tsv --netns all --columns netns :4712 | sort -u | wc -l)" -eq 2 ]
  run "$PORTINFO" ls --netns all --format table --width 120 :4712
  [[ ${lines[0]} == NETNS* ]]
  # a single one says no more than it is asked
  run "$PORTINFO" ls --netns "$NAME" --format table --width 120 :4712
  [[ ${lines[0]} != *NETNS* ]]
}

@test "a namespace that no process lives in" {
  named
  # it stays as long as its socket does, whose holder has left it
  python3 -c '
import ctypes, os, socket, sys, time
libc = ctypes.CDLL(None, use_errno=True)
home = os.open("/proc/self/ns/net", os.O_RDONLY)
there = os.open("/run/netns/" + sys.argv[1], os.O_RDONLY)
assert libc.setns(there, 0) == 0
s = socket.socket()
s.bind(("0.0.0.0", 4713))
s.listen()
assert libc.setns(home, 0) == 0
print("up", flush=True)
time.sleep(60)' "$NAME" >"$T/up" 3>&- &
  PIDS+=($!)
  poll grep -q up "$T/up"
  [ "$(ls_tsv --netns all --columns netns_name,pid :4713)" = "$NAME	${PIDS[0]}" ]
}

@test "what is said of a port is of the namespace that was asked for" {
  named
  ip netns exec "$NAME" sh -c 'echo "10000 20000" >/proc/sys/net/ipv4/ip_local_port_range'
  listen_in 15000 ip netns exec "$NAME"
  "$PORTINFO" 15000 --netns "$NAME" >"$T/page"
  grep -q "inside the client range 10000-20000" "$T/page"
  grep -q "pid ${PIDS[0]}" "$T/page"
  [ "$(ls_tsv --netns all --columns ephemeral :15000)" = yes ]
  [ "$(ls_tsv --netns all --columns lport 'lport in {ephemeral}' :15000)" = 15000 ]
}

@test "a device is called as in its own namespace, and by its number when it is gone" {
  named
  # its number has another name here, or none
  ip -n "$NAME" link add pi-one index 7 type bridge 2>/dev/null ||
    skip "no device can be made here"
  ip -n "$NAME" address add fe80::7/64 dev pi-one nodad
  ip -n "$NAME" link set pi-one up
  ip netns exec "$NAME" python3 -c '
import socket, time
kept = [socket.socket(), socket.socket(socket.AF_INET6)]
kept[0].setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"pi-one")
kept[0].bind(("0.0.0.0", 4717))
kept[1].bind(("fe80::7", 4717, 0, 7))
for s in kept: s.listen()
print("up", flush=True)
time.sleep(60)' >"$T/up" 3>&- &
  PIDS+=($!)
  poll grep -q up "$T/up"
  devices() { ls_tsv --netns "$1" --columns laddr,iface :4717 | sort | tr '\t\n' ' '; }
  [ "$(devices "$NAME")" = "0.0.0.0 pi-one fe80::7 pi-one " ]
  [ "$(devices all)" = "0.0.0.0 pi-one fe80::7 pi-one " ]
  [ "$(ls_tsv --netns "$NAME" --columns iface lport = 4717 iface = pi-one | wc -l)" -eq 2 ]
  ip -n "$NAME" link set pi-one down
  ip -n "$NAME" link set pi-one name pi-two
  [ "$(devices "$NAME")" = "0.0.0.0 pi-two fe80::7 pi-two " ]
  ip -n "$NAME" link delete pi-two
  [ "$(devices "$NAME")" = "0.0.0.0 if7 fe80::7 if7 " ]
}

@test "the caller stays where it is" {
  named
  listen_in 4714 ip netns exec "$NAME"
  run "$PORTINFO" -e '
    local function here()
      local out = {}
      for task in io.popen "ls /proc/$PPID/task":lines() do out[#out + 1] = task end
      local link <close> = io.popen "readlink /proc/$PPID/ns/net"
      return link:read "a" .. #out
    end
    pi.sockets(":1", {netns = "all"}):all() -- a sanitizer begins a thread of its own, once
    local before = here()
    local n = #pi.sockets(":4714", {netns = "all"}):all()
    assert(n == 1, n)
    assert(here() == before)'
  [ "$status" -eq 0 ]
}

@test "one that may not be entered is counted, and one alone is an error" {
  named
  INSIDE=()
  listen_in 4715 ip netns exec "$NAME"
  run as_user ls --netns all :4715
  [ "$status" -eq 3 ]
  [[ $output == *"could not be entered: rows are missing"* ]]
  [[ $output == *"the network namespace of"* ]]
  run as_user ls --netns "$NAME" :4715
  [ "$status" -eq 2 ]
  [[ $output == *"network namespace /run/netns/$NAME: Operation not permitted" ]]
}

@test "an audit of namespaces that stay closed is inconclusive" {
  named
  INSIDE=()
  # one that all of the own namespace pass
  echo 'return {id = "none", where = "lport = 4717"}' >"$T/rule.lua"
  chmod 755 "$T" && chmod 644 "$T/rule.lua"
  SHARED=
  run "$PORTINFO" audit "$T/rule.lua"
  [ "$status" -eq 0 ] || { echo "$output"; false; }
  as_user --version >/dev/null # makes the folder
  cp "$T/rule.lua" "$SHARED"
  run as_user audit --netns all "$SHARED/rule.lua"
  [ "$status" -eq 3 ]
  [[ $output == *"could not be entered"* ]]
}

@test "a watch does not end for what is in a namespace that stays closed" {
  named
  INSIDE=()
  listen_in 4718 ip netns exec "$NAME"
  as_user --version >/dev/null # makes the folder
  setpriv --reuid=65534 --regid=65534 --clear-groups timeout 2 "$SHARED/portinfo" \
    watch --netns all --interval 100ms --until-empty lport = 4718 >"$T/out" 2>"$T/err" || status=$?
  [ "$status" -eq 124 ] || { cat "$T/err"; false; }
}

@test "a service of one namespace does not become that of another" {
  named
  listen_in 4719 ip netns exec "$NAME"
  "$PORTINFO" save -q "$T/one" --netns all lport = 4719
  kill "${PIDS[0]}"
  listen_in 4719 unshare -n
  "$PORTINFO" save -q "$T/other" --netns all lport = 4719
  "$PORTINFO" diff -q --key service --format tsv --no-header "$T/one" "$T/other" >"$T/diff" || true
  [ "$(wc -l <"$T/diff")" -eq 2 ]
  grep -q '^removed' "$T/diff"
  grep -q '^added' "$T/diff"
}

@test "processes that procfs hides leave the namespaces in doubt" {
  unshare -m sh -c 'mount -t proc -o hidepid=2 proc /proc' 2>/dev/null ||
    skip "hidepid is not permitted"
  INSIDE=()
  as_user --version >/dev/null
  run unshare -m sh -c 'mount -t proc -o hidepid=2 proc /proc &&
    exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"' sh \
    "$SHARED/portinfo" ls --netns all lport = 4720
  [ "$status" -eq 3 ]
  [[ $output == *"may be hidden from us"* ]]
}

@test "what is no namespace is told in a line" {
  local what
  for what in no-such-name /etc/passwd /no/such/path 99999999 /proc/self/ns/pid; do
    run "$PORTINFO" ls --netns "$what"
    [ "$status" -eq 2 ]
    [ "${#lines[@]}" -eq 1 ]
    [[ $output == *"${what#/proc}"* ]]
    run "$PORTINFO" 22 --netns "$what"
    [ "$status" -eq 2 ]
    run "$PORTINFO" doctor --netns "$what"
    [ "$status" -eq 2 ]
  done
  run "$PORTINFO" ls --netns ''
  [ "$status" -eq 2 ]
  run "$PORTINFO" why 80 --netns "$NAME"
  [ "$status" -eq 2 ]
  [[ $output == *"ip netns exec"* ]]
}

@test "a name with control bytes stays harmless" {
  local name
  name=$(printf 'portinfo\033[31m-%d' $$)
  named
  mkdir -p /run/netns
  touch "/run/netns/$name"
  mount --bind "/run/netns/$NAME" "/run/netns/$name" ||
    { rm "/run/netns/$name"; skip "mounting is not permitted"; }
  ip netns delete "$NAME"
  listen_in 4716 nsenter --net="/run/netns/$name"
  run "$PORTINFO" ls --netns all --format table --columns netns_name,lport :4716
  umount "/run/netns/$name"
  rm "/run/netns/$name"
  [[ $output == *'\x1b[31m'* ]]
  [[ $output != *$'\033'* ]]
}

@test "Tab offers the names" {
  named
  run "$PORTINFO" --complete bash -- portinfo ls --netns "${NAME%??}"
  [[ $output == *"$NAME"* ]]
  run "$PORTINFO" --complete bash -- portinfo ls --netns a
  [[ $output == *all* ]]
}
