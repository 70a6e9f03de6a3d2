#!/usr/bin/env bats
# bpf.bats: what the BPF iterator tells beside sock_diag and procfs, over sockets of
# several network namespaces, and what is said where it cannot be had.

load helpers/live
load helpers/users

setup() {
  live_setup
  A=pi-bpf-a-$$ B=pi-bpf-b-$$
  PIDS=()
}

teardown() {
  for pid in "${PIDS[@]}"; do kill "$pid" 2>/dev/null || true; done
  ip netns delete "$A" 2>/dev/null || true
  ip netns delete "$B" 2>/dev/null || true
  drop_users
}

need_bpf() {
  [ "$(id -u)" -eq 0 ] || skip "to load a BPF program takes root"
  "$PORTINFO" ls --backend bpf -q >/dev/null 2>"$T/why" || [ $? -eq 1 ] || skip "$(cat "$T/why")"
}

# Sockets of every kind in a namespace: listener (shared with a child, and a second
# descriptor), not yet accepted and accepted connections, one that is closing, UDP of all
# kinds, IPv6 alone, a mark, a device, a thread with a table of its own.
scene() { # scene ENTER...
  "$@" python3 "$HELPERS/bpfscene.py" >"$T/up" 3>&- &
  PIDS+=($!)
  poll grep -q up "$T/up"
  rm "$T/up"
}

scenes() {
  ip netns add "$A" 2>/dev/null || skip "named network namespaces are not permitted"
  ip netns add "$B"
  scene ip netns exec "$A"
  scene ip netns exec "$B"
  scene unshare -n
}

SOCKET=proto,family,state,laddr,lport,raddr,rport,iface,inode,cookie,uid,netns,rxq,txq,v6only,mark
REST=role,families,exposure,autobound,owner,why,holders,user,holder_netns

rows_by() { # rows_by BACKEND FILTER...: of the scenes' namespaces
  local backend=$1
  shift
  "$PORTINFO" ls -q --no-header --netns all --backend "$backend" --columns "$SOCKET,$REST" "$@" |
    grep -E "	($SPACES)	" | sort
}

spaces() { # their inodes, as a pattern
  local pid
  SPACES=
  for pid in "${PIDS[@]}"; do
    SPACES+=${SPACES:+|}$(readlink "/proc/$pid/ns/net" | tr -dc 0-9)
  done
}

@test "the iterator tells the same sockets and holders as sock_diag and procfs" {
  need_bpf
  scenes
  spaces
  rows_by netlink >"$T/one"
  rows_by bpf "lport" >"$T/other"
  [ "$(wc -l <"$T/one")" -ge 39 ]
  diff "$T/one" "$T/other"
  for state in closed listen time-wait fin-wait close-wait established connected not-yet-accepted; do
    grep -q "$state" "$T/one" || { echo "there is no $state"; false; }
  done
}

@test "owners alone by the iterator are those of procfs" {
  need_bpf
  scenes
  spaces
  rows_by netlink >"$T/one"
  "$PORTINFO" probe status >/dev/null 2>&1 && skip "a probe is pinned here"
  unshare -m sh -c 'mount -t tmpfs none /run && mkdir /run/netns && exec "$@"' sh \
    bash -c '"$1" probe install -q >/dev/null 2>&1 || "$1" probe install >/dev/null
      "$1" explain --run --netns all pid = 1 | grep "^owners"
      "$1" ls -q --no-header --netns all --columns "$2"; "$1" probe remove >/dev/null' \
    bash "$PORTINFO" "$SOCKET,$REST" >"$T/all"
  grep -q '^owners   by the pinned BPF iterator' "$T/all"
  grep -E "	($SPACES)	" "$T/all" | sort | diff "$T/one" -
}

@test "sockets without a port are seen by the iterator alone" {
  need_bpf
  scenes
  spaces
  [ "$(rows_by netlink "not lport" | wc -l)" -eq 0 ]
  [ "$(rows_by auto "not lport" | wc -l)" -eq 0 ]
  [ "$(rows_by bpf "not lport proto = udp" | wc -l)" -eq 3 ]
  [ "$(rows_by bpf "not lport proto = tcp state = closed" | wc -l)" -eq 3 ]
}

@test "what processes of another pid namespace hold is there, by whomever it is told" {
  need_bpf
  unshare -p -f --mount-proc true 2>/dev/null || skip "pid namespaces are not permitted"
  scene unshare -n
  for backend in netlink bpf; do
    nsenter -t "${PIDS[0]}" -n unshare -p -f --mount-proc "$PORTINFO" ls -q --no-header \
      --backend "$backend" --columns state,lport,raddr,rport,owner tcp lport | sort >"$T/$backend"
  done
  diff "$T/netlink" "$T/bpf"
  grep -q '^established' "$T/bpf"
}

@test "a namespace that only a descriptor keeps is seen by the iterator" {
  need_bpf
  python3 -c '
import ctypes, os, socket, time
libc = ctypes.CDLL(None, use_errno=True)
home = os.open("/proc/self/ns/net", os.O_RDONLY)
assert libc.unshare(0x40000000) == 0
s = socket.socket()
s.bind(("0.0.0.0", 4799))
s.listen()
assert libc.setns(home, 0) == 0
print("up", flush=True)
time.sleep(60)' >"$T/up" 3>&- &
  PIDS+=($!)
  poll grep -q up "$T/up"
  "$PORTINFO" ls -q --no-header --netns all --columns pid,owner,role :4799 >"$T/rows"
  [ "$(cat "$T/rows")" = "${PIDS[0]}	known	listener" ]
  # sock_diag has no way in
  [ -z "$("$PORTINFO" ls -q --no-header --netns all --backend netlink :4799)" ]
}

@test "where it cannot be had the reason is a line, and the rest works" {
  [ "$(id -u)" -eq 0 ] || INSIDE=()
  run as_user ls --backend bpf
  [ "$status" -eq 2 ]
  [ "${#lines[@]}" -eq 1 ]
  [[ $output == *BPF* ]]
  run as_user explain pid = 1
  [ "$status" -eq 0 ]
  [[ $output == *"owners   by the descriptors of all processes in procfs: "* ]]
}

# So many open files that the iterator is worth loading.
many_files() {
  python3 -c '
import os, time
os.fork()
kept = [os.open("/dev/null", os.O_RDONLY) for _ in range(16000)]
print("up", flush=True)
parent = os.getppid()
while os.getppid() == parent:
    time.sleep(0.1)' >"$T/up" 3>&- &
  PIDS+=($!)
  both_up() { [ "$(wc -l <"$T/up")" -eq 2 ]; }
  poll both_up
  rm "$T/up"
}

@test "a kernel that refuses bpf costs no row and no owner, and is noted" {
  need_bpf
  cc -o "$T/refuse" "$HELPERS/refuse.c" 2>/dev/null || skip "there is no compiler"
  "$T/refuse" bpf 1 true || skip "seccomp is not permitted"
  many_files
  scene unshare -n
  local code='
    local s = pi.snapshot("listening", {netns = arg[1]})
    s:complete{"owner"}
    local q = s:quality()
    print(q.owners_by, q.obstacle or "none", s:sockets("lport = 8000"):first().pid)'
  [ "$("$PORTINFO" -e "$code" "${PIDS[1]}")" = "bpf	none	${PIDS[1]}" ]
  "$T/refuse" bpf 1 "$PORTINFO" -e "$code" "${PIDS[1]}" >"$T/out"
  grep -q "^proc	.*BPF.*	${PIDS[1]}\$" "$T/out" || { cat "$T/out"; false; }
  run "$T/refuse" bpf 1 "$PORTINFO" ls --backend bpf
  [ "$status" -eq 2 ]
  [ "${#lines[@]}" -eq 1 ]
}

@test "where netlink is refused no socket is told twice, by the iterator and by a table" {
  need_bpf
  cc -o "$T/refuse" "$HELPERS/refuse.c" 2>/dev/null || skip "there is no compiler"
  "$T/refuse" 1 true || skip "seccomp is not permitted"
  scene unshare -n
  nsenter -t "${PIDS[0]}" -n "$T/refuse" 1 "$PORTINFO" ls 'inode > 0' --backend bpf \
    --no-header --columns inode,lport,cookie 2>"$T/words" >"$T/rows"
  cat "$T/rows" "$T/words"
  grep -q "	8000	[1-9]" "$T/rows"
  grep -q "tcp over ipv4 was read from the proc table" "$T/words"
  [ -z "$(cut -f 1 "$T/rows" | sort | uniq -d)" ]
}

@test "a namespace that may not be entered is read by the iterator, and is partial" {
  need_bpf
  cc -o "$T/refuse" "$HELPERS/refuse.c" 2>/dev/null || skip "there is no compiler"
  "$T/refuse" setns 1 true || skip "seccomp is not permitted"
  scene unshare -n
  "$T/refuse" setns 1 "$PORTINFO" ls --no-header --netns "${PIDS[0]}" --columns lport,role,pid \
    :8000 role = listener >"$T/rows" 2>"$T/words"
  cat "$T/rows" "$T/words"
  [ "$(<"$T/rows")" = "8000	listener	${PIDS[0]}" ]
  grep -q "1 network namespace read from outside" "$T/words"
  run "$T/refuse" setns 1 "$PORTINFO" ls --netns "${PIDS[0]}" --backend netlink
  [ "$status" -eq 2 ]
  [[ $output == *"Operation not permitted"* ]]
}
