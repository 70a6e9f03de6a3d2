#!/usr/bin/env bats
# acceptance.bats: the twelve cases that tell most with least, each whole in itself, in
# a network namespace of its own. EDGE-CASES.md has the list.

load helpers/live
load helpers/users

setup() {
  live_setup
  PIDS=()
}

teardown() {
  for pid in "${PIDS[@]}"; do kill "$pid" 2>/dev/null || true; done
  close_scene
  drop_users
  [ -z "${RULES-}" ] || rm -f "$RULES"
}

# Rows as TSV without a heading: tsv COLUMNS FILTER...
tsv() {
  local columns=$1
  shift
  inside "$PORTINFO" ls -q --no-header --format tsv --columns "$columns" "$@"
}

# Runs a Python program until the test ends; its pid is added to PIDS.
start() { # start PROGRAM ENTER...
  local program=$1
  shift
  "$@" python3 -c "import socket, time
$program
print('up', flush=True)
time.sleep(60)" >"$T/up" 3>&- 9>&- &
  PIDS+=($!)
  poll grep -q up "$T/up"
  rm "$T/up"
}

need_strace() {
  command -v strace >/dev/null || skip "there is no strace"
  inside strace -o /dev/null true 2>/dev/null || skip "strace is not permitted"
  # a sanitized build cannot look for leaks while traced
  export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
}

# Runs portinfo while the kernel fails calls: with_failing CALL:error=E:when=N WORD...
with_failing() {
  local inject=$1
  shift
  inside strace -f -qq -o /dev/null -e trace="${inject%%:*}" -e inject="$inject" \
    "$PORTINFO" "$@"
}

# What a Python program says of the claims of the oracle, and the rows of $T/rows.
judge() {
  python3 -c "import json, sys
claims = [c for c in map(json.loads, open(sys.argv[1])) if 'proto' in c]
rows = json.load(open(sys.argv[2]))
$1" "$ORACLE" "$T/rows"
}

# A rule against listeners, in RULES, which anybody may read.
rule() { # rule FILTER
  RULES=${RULES:-$(mktemp "${TMPDIR:-/tmp}/portinfo.XXXXXX.lua")}
  echo "return {id = 'x', severity = 'error', where = 'listening $1'}" >"$RULES"
  chmod 644 "$RULES"
}

@test "1 dual-stack, IPv6 alone and IPv4 on one port" {
  open_scene same_port
  need_rows
  agrees
  need_apart
  [ "$(tsv families ":$(told 0 lport)" | sort | tr '\n' ' ')" = "4 4+6 6 " ]
}

@test "2 a port that is shared is several rows, a socket that is shared is one" {
  open_scene reuseport3 fork3
  need_rows
  agrees
  [ "$(tsv inode ":$(told 0 lport)" | sort -u | wc -l)" -eq 3 ]
  [ "$(tsv pid ":$(told 0 lport)" | sort -u | wc -l)" -eq 3 ]
  tsv holders ":$(told 3 lport)" >"$T/holders"
  [ "$(wc -l <"$T/holders")" -eq 1 ]
  [ "$(tr ',' '\n' <"$T/holders" | wc -l)" -eq 3 ]
}

@test "3 UDP: services, clients and connected ones, and none that listens" {
  open_scene udp_outside udp_inside udp_client udp_connected
  need_rows
  agrees
  need_apart
  [ "$(tsv role udp | sort -u | tr '\n' ' ')" = "client connected service " ]
  run inside "$PORTINFO" ls udp state = listen
  [ "$status" -eq 1 ]
  start 'kept = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)' "${INSIDE[@]}"
  [ -z "$(tsv proto "udp and pid = ${PIDS[0]}")" ] # unbound
  inside "$PORTINFO" ls -q --backend bpf >/dev/null 2>"$T/why" ||
    skip "all but what is unbound: $(cat "$T/why")"
  tsv role,lport,rport --backend bpf "udp and pid = ${PIDS[0]}" >"$T/rows"
  cat "$T/rows"
  [ "$(wc -l <"$T/rows")" -eq 1 ]
  ! grep -E 'service|[1-9]' "$T/rows"
}

@test "4 names that mean harm: valid JSON, tame on a terminal, every byte kept" {
  # a(b)c)d)e, an escape sequence, and bytes that are not UTF-8
  open_scene named:612862296329642965 named:1b5b33316d726564071b5d named:fffe80c0af
  need_rows
  inside "$PORTINFO" ls listening --format json >"$T/rows"
  judge '
import base64
for claim in claims:
    row, = [r for r in rows if r["cookie"] == claim["cookie"]]
    name = (base64.b64decode(row["process_b64"]) if "process_b64" in row
            else row["process"].encode())
    assert name == bytes.fromhex(claim["process"]), row'
  need_apart
  for format in table line; do
    inside "$PORTINFO" ls listening --format $format >"$T/screen"
    grep -q '\\x1b\[31mred' "$T/screen"
    [ "$(LC_ALL=C tr -d '\n' <"$T/screen" | LC_ALL=C tr -dc '\001-\037\177\377' | wc -c)" -eq 0 ]
  done
}

@test "5 a listener whose holder is closed to us: unknown, inconclusive, no failure" {
  local port scene=tcp4
  [ "$(id -u)" = 0 ] || scene=secret
  open_scene $scene
  need_rows
  port=$(told 0 lport)
  [ "$(as_user ls ":$port" -q --no-header --format tsv --columns owner,why,pid)" = \
    "unknown	permission	?" ]
  rule "lport = $port"
  run as_user audit "$RULES"
  [ "$status" -eq 1 ]
  rule "lport = $port process = python3*"
  run as_user audit "$RULES"
  [ "$status" -eq 3 ]
  [[ $output == *"unclear x"* ]]
}

@test "6 TIME_WAIT and half-open connections belong to nobody, and that is known" {
  open_scene time_wait syn_received
  need_rows
  agrees
  judge '
for state, why in ("time-wait", "time-wait"), ("syn-received", "not-yet-accepted"):
    some = [r for r in rows if r["state"] == state]
    assert some, state
    for row in some:
        assert (row["owner"], row["why"]) == ("none", why), row
        assert "pid" not in row.get("unknown", []), row'
}

@test "7 one tuple in two namespaces, and a holder that lives in another than its socket" {
  [ "$(id -u)" = 0 ] || skip "to look into other network namespaces takes root"
  unshare -n true 2>/dev/null || skip "network namespaces are not permitted"
  local listen='s = socket.socket(); s.bind(("0.0.0.0", 47311)); s.listen()'
  start "$listen" unshare -n
  start "$listen" unshare -n
  start 'import ctypes, os
libc = ctypes.CDLL(None)
home = os.open("/proc/self/ns/net", os.O_RDONLY)
assert libc.setns(os.open("/proc/'"${PIDS[1]}"'/ns/net", os.O_RDONLY), 0) == 0
s = socket.socket(); s.bind(("127.0.0.1", 47312)); s.listen()
assert libc.setns(home, 0) == 0'
  local here there also
  here=$(readlink /proc/self/ns/net | tr -dc 0-9)
  there=$(readlink "/proc/${PIDS[0]}/ns/net" | tr -dc 0-9)
  also=$(readlink "/proc/${PIDS[1]}/ns/net" | tr -dc 0-9)
  tsv netns,laddr,pid --netns all listening :47311 | sort >"$T/rows"
  printf '%s\t0.0.0.0\t%s\n' "$there" "${PIDS[0]}" "$also" "${PIDS[1]}" | sort |
    diff - "$T/rows"
  [ "$(tsv netns,holder_netns,pid --netns all :47312)" = "$also	$here	${PIDS[2]}" ]
}

@test "8 a port is no prefix of another, nor a block one of a text" {
  open_scene tcp4
  need_apart
  # 15: IP_FREEBIND, for addresses that are not ours
  start 'kept = []
for host, port in ("172.100.0.1", 25565), ("172.16.0.1", 25566):
    kept.append(socket.socket())
    kept[-1].setsockopt(0, 15, 1)
    kept[-1].bind((host, port))
    kept[-1].listen()' "${INSIDE[@]}"
  run inside "$PORTINFO" ls :25
  [ "$status" -eq 1 ]
  [ "$(tsv laddr :25565)" = 172.100.0.1 ]
  [ "$(tsv laddr laddr = 172.16/12)" = 172.16.0.1 ]
  [ "$(tsv laddr laddr = 172.100/16)" = 172.100.0.1 ]
}

@test "9 without IPv6, without udp_diag, without netlink there is an answer, and a note" {
  open_scene tcp4 pair4 udp_client
  need_apart
  need_strace
  # the socket of IPv6 among them stays when IPv6 goes
  inside sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6' 2>/dev/null ||
    skip "IPv6 cannot be disabled"
  agrees
  [ ! -s "$T/words" ]
  # the first request is of TCP, the others of UDP
  with_failing sendto:error=ENOENT:when=2+ ls 'tcp or udp' --format json >"$T/rows" 2>"$T/words"
  judge 'assert len(rows) == len(claims)'
  grep -q "udp over ipv4 was read from the proc table (sock_diag: No such file" "$T/words"
  ! grep "tcp over" "$T/words"
  with_failing socket:error=EPERM:when=1+ ls --format json >"$T/rows" 2>"$T/words"
  judge 'assert len(rows) == len(claims)'
  grep -q "tcp over ipv4 was read from the proc table" "$T/words"
  run with_failing socket:error=EPERM:when=1+ ls --backend netlink
  [ "$status" -eq 2 ]
}

@test "10 who asks for no owner opens nothing below a process" {
  open_scene fork3 pair4 udp_client
  need_rows
  need_strace
  inside strace -f -qq -e trace=%file -o "$T/trace" "$PORTINFO" ls --format tsv \
    --columns proto,state,laddr,lport,raddr,rport,role,service,uid,inode >"$T/rows"
  grep -q "$(told 0 lport)" "$T/rows"
  ! grep '"/proc/[0-9]' "$T/trace"
  # the same trace shows it where an owner is asked for
  inside strace -f -qq -e trace=%file -o "$T/trace" "$PORTINFO" ls --backend netlink \
    --format tsv --columns lport,pid >"$T/rows"
  grep -q "\"/proc/$(told 0 pid)/fd\"" "$T/trace"
}

@test "11 under churn nothing is told twice, what stays is told, what is cut is called so" {
  open_scene churn:1000
  need_apart
  for i in 0 1 2 3 4 5 6 7 8 9; do
    inside "$PORTINFO" ls --format ndjson >"$T/rows.$i" 2>/dev/null
    grep -q "\"cookie\":\"$(told 0 cookie)\"" "$T/rows.$i"
  done
  python3 "$HELPERS/compare.py" once "$T"/rows.*
  need_strace
  # datagrams are lost in each attempt
  with_failing recvmsg:error=ENOBUFS:when=1+2 ls tcp --format ndjson >"$T/cut" 2>"$T/words"
  cat "$T/words"
  python3 "$HELPERS/compare.py" once "$T/cut"
  grep -q "tcp over ipv4 could not be read whole" "$T/words"
}

@test "12 a service that restarts is nothing new to its baseline" {
  open_scene udp_client
  need_apart
  local serve='s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", 25567)); s.listen()' first
  start "$serve" "${INSIDE[@]}"
  rule tcp
  run inside "$PORTINFO" audit "$RULES" --write-baseline "$T/known.lua"
  [ "$status" -eq 0 ]
  first=$(tsv pid,cookie :25567)
  kill "${PIDS[0]}"
  wait "${PIDS[0]}" || true
  start "$serve" "${INSIDE[@]}"
  [ "$(tsv pid,cookie :25567)" != "$first" ]
  run inside "$PORTINFO" audit "$RULES" --baseline "$T/known.lua" --format json
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == *'"findings":{"error":0,"note":0,"warning":0}'* ]]
  # another service is news
  start "${serve/25567/25568}" "${INSIDE[@]}"
  run inside "$PORTINFO" audit "$RULES" --baseline "$T/known.lua"
  [ "$status" -eq 1 ]
  [[ $output == *25568* && $output != *25567* ]]
}
