#!/usr/bin/env bats
# sight.bats: what is looked at, what is said when it cannot be seen, and what
# is made of hostile and moving things.

load helpers/live

setup() { live_setup; }

teardown() {
  close_scene
  [ -z "${SHARED-}" ] || rm -rf "$SHARED"
}

ls_json() { inside "$PORTINFO" ls --format json "$@"; }

# A value of the only row of a JSON file: row FILE NAME; "-" where it has none.
row() {
  python3 -c '
import json, sys
rows = json.load(open(sys.argv[1]))
assert len(rows) == 1, rows
print(rows[0].get(sys.argv[2], "-"))' "$1" "$2"
}

# ---- What is looked at --------------------------------------------------------

# Runs portinfo, and leaves in $T/trace what it opened.
traced() {
  inside strace -f -qq -e trace=%file -o "$T/trace" "$PORTINFO" "$@"
}

looks_at_no_process() { ! grep '"/proc/[0-9]' "$T/trace"; }

@test "without a field of owners no process is looked at" {
  open_scene fork3 pair4 udp_client
  need_rows
  need_strace
  traced ls --format tsv --columns proto,lport >"$T/rows"
  grep -q "$(told 0 lport)" "$T/rows"
  looks_at_no_process
  traced ls listening --format json \
    --columns proto,state,role,exposure,service,families,autobound >"$T/rows"
  looks_at_no_process
  traced ls ":$(told 0 lport)" --format ndjson --columns uid,inode >"$T/rows"
  looks_at_no_process
}

@test "with such a field every process is looked at" {
  open_scene tcp4
  need_rows
  need_strace
  traced ls --backend netlink --format tsv --columns lport,pid >"$T/rows"
  grep -q "\"/proc/$(told 0 pid)/fd\"" "$T/trace"
  ! grep -q "\"/proc/$(told 0 pid)/\(exe\|cmdline\|status\)\"" "$T/trace"
}

@test "for a filter that finds nothing no process is looked at" {
  open_scene udp_outside
  need_apart
  need_strace
  run traced ls :1
  [ "$status" -eq 1 ]
  looks_at_no_process
}

@test "the page of a port without sockets looks at no process" {
  open_scene tcp4
  need_apart
  need_strace
  traced 60323 >"$T/page"
  grep -q "no socket on it" "$T/page"
  looks_at_no_process
  traced "$(told 0 lport)" >"$T/page"
  grep -q "pid $(told 0 pid)" "$T/page"
}

# The folder of the first holder was opened once for all rows, or twice where
# somebody had to be looked for again; not once a row.
once_for_all() {
  local n
  n=$(grep -c "\"/proc/$(told 0 pid)$1\"" "$T/trace")
  [ "$n" -ge 1 ]
  [ "$n" -le 2 ]
}

@test "in Lua a field completes its group once for all rows" {
  open_scene fork3 tcp4_any twice pair4 udp_outside
  need_apart
  need_strace
  traced -e 'for row in pi.sockets():each() do assert(row.lport) end'
  looks_at_no_process
  traced -e 'for row in pi.sockets(nil, {backend = "netlink"}):each() do
    assert(row.pid and row.process and row.owner and row.holders)
  end'
  once_for_all /fd
  traced -e 'for row in pi.sockets(nil, {backend = "netlink"}):each() do
    assert(row.user and row.exe and row.pid and row.cmdline and row.started)
  end'
  once_for_all /fd
  once_for_all ""
}

# ---- What may not be seen --------------------------------------------------------

# A listener in $ORACLE whose process is closed to whoever calls VIEW, which is
# portinfo: another user's or, to an ordinary user, one that closed itself.
open_blind_scene() {
  VIEW=("$PORTINFO")
  if [ "$(id -u)" != 0 ]; then
    open_scene secret "$@"
    return
  fi
  command -v setpriv >/dev/null || skip "there is no setpriv"
  SHARED=$(mktemp -d "${TMPDIR:-/tmp}/portinfo.XXXXXX")
  chmod 755 "$SHARED"
  cp "$PORTINFO" "$SHARED/portinfo"
  VIEW=(setpriv --reuid=65534 --regid=65534 --clear-groups "$SHARED/portinfo")
  open_scene tcp4 "$@"
}

@test "the owner of a closed process is unknown, for permission" {
  open_blind_scene time_wait
  need_rows
  port=$(told 0 lport)
  inside "${VIEW[@]}" ls ":$port" --format json >"$T/rows" 2>"$T/words"
  [ "$(row "$T/rows" owner)" = unknown ]
  [ "$(row "$T/rows" why)" = permission ]
  [ "$(row "$T/rows" inode)" = "$(told 0 inode)" ]
  [ "$(row "$T/rows" uid)" = "$(told 0 uid)" ]
  for field in pid process holders user exe cmdline ppid started cgroup unit container \
    container_name via holder_netns; do
    [ "$(row "$T/rows" $field)" = - ]
    [[ $(row "$T/rows" unknown) == *"'$field'"* ]]
  done
  cat "$T/words"
  [ "$(wc -l <"$T/words")" -eq 1 ]
  grep -q "1 owner unknown for lack of permission: .* could not be read" "$T/words"
  # those that have none have none for sure
  inside "${VIEW[@]}" ls time-wait --format tsv --columns owner,why >"$T/rows"
  grep -q "^none	time-wait$" "$T/rows"
  ! grep unknown "$T/rows"
}

@test "other formats tell what is unknown too" {
  open_blind_scene
  need_rows
  port=$(told 0 lport)
  inside "${VIEW[@]}" ls ":$port" --format tsv --columns lport,pid,holders,why \
    -q >"$T/rows"
  [ "$(tail -n 1 "$T/rows")" = "$(printf '%s\t?\t?\tpermission' "$port")" ]
  inside "${VIEW[@]}" ls ":$port" --format table >"$T/rows" 2>"$T/words"
  grep -q " ? *? *?$" "$T/rows"
  grep -q "for lack of permission" "$T/words"
  inside "${VIEW[@]}" "$port" >"$T/page"
  tr -s ' \n' ' ' <"$T/page" | grep -q "holder unknown (permission)"
  tr -s ' \n' ' ' <"$T/page" | grep -q "1 owner unknown for lack of permission"
}

@test "strictly, an unseen owner is status 3, where it was asked for" {
  open_blind_scene
  need_rows
  port=$(told 0 lport)
  run inside "${VIEW[@]}" ls ":$port"
  [ "$status" -eq 0 ]
  run inside "${VIEW[@]}" ls ":$port" --strict
  [ "$status" -eq 3 ]
  run inside "${VIEW[@]}" ls ":$port" --strict --format tsv --columns lport,uid
  [ "$status" -eq 0 ]
  run inside "${VIEW[@]}" "$port"
  [ "$status" -eq 0 ]
  run inside "${VIEW[@]}" "$port" --strict
  [ "$status" -eq 3 ]
}

@test "what depends on an unseen owner is undecided, not absent" {
  open_blind_scene
  need_rows
  port=$(told 0 lport)
  run inside "${VIEW[@]}" ls ":$port" pid
  echo "$output"
  [ "$status" -eq 3 ]
  [[ $output == *"1 row undecided"* ]]
  run inside "${VIEW[@]}" ls ":$port" owner
  [ "$status" -eq 0 ]
  run inside "${VIEW[@]}" ls ":$port and process != sshd"
  [ "$status" -eq 3 ]
  run inside "${VIEW[@]}" ls ":$port and not process"
  [ "$status" -eq 3 ]
  # what asks about our sight is never unknown
  run inside "${VIEW[@]}" ls ":$port and not known process"
  [ "$status" -eq 0 ]
  run inside "${VIEW[@]}" ls ":$port and known process"
  [ "$status" -eq 1 ]
  run inside "${VIEW[@]}" ls ":$port and owner = unknown and why = permission"
  [ "$status" -eq 0 ]
}

@test "threads of a closed process do not count as processes" {
  [ "$(id -u)" = 0 ] || skip "only root can open what others may not see"
  unshare -fpn --mount-proc true 2>/dev/null ||
    skip "a pid namespace is not permitted"
  open_blind_scene
  cat >"$T/count" <<'X'
    mkfifo "$T/hold"
    python3 "$HELPERS/oracle.py" --here many_threads <"$T/hold" >"$T/told" &
    exec 8>"$T/hold"
    for ((i = 0; i < 200; i++)); do
      grep -q ready "$T/told" && break
      sleep 0.05
    done
    # this shell, the oracle, and its scene
    "$@" ls --format tsv 2>&1 >/dev/null
X
  run env T="$T" HELPERS="$HELPERS" \
    unshare -fpn --mount-proc bash "$T/count" "${VIEW[@]}" 3>&-
  echo "$output"
  [[ $output == *": 3 processes could not be read"* ]]
}

@test "one's own processes are seen beside closed ones" {
  open_blind_scene
  need_rows
  [ "$(id -u)" = 0 ] || skip "only root can be two users"
  inside "${VIEW[@]}" -e '
    for row in pi.sockets():each() do
      assert(row.owner == "unknown" and row.pid == nil)
    end'
}

# ---- Namespaces and procfs ---------------------------------------------------------

need_unshare() {
  inside unshare "$@" true 2>/dev/null ||
    skip "unshare $* is not permitted"
}

@test "a process of another pid namespace is not seen, and that is told" {
  open_scene tcp4
  need_apart
  need_unshare -fp --mount-proc
  inside unshare -fp --mount-proc "$PORTINFO" ls --format json \
    >"$T/rows" 2>"$T/words"
  [ "$(row "$T/rows" owner)" = unknown ]
  [ "$(row "$T/rows" why)" = other-pid-namespace ]
  grep -q "another pid namespace may hold it" "$T/words"
}

@test "with the outer procfs, processes of the outer namespace are seen" {
  open_scene fork3 thread_table
  need_apart
  need_unshare -fp
  inside unshare -fp "$PORTINFO" ls --format json >"$T/rows"
  python3 "$HELPERS/compare.py" oracle "$ORACLE" "$T/rows"
}

need_hidepid() {
  [ "$(id -u)" = 0 ] || skip "only root can hide processes"
  # before, the option was the whole pid namespace's
  python3 -c '
import platform, sys
release = platform.release().split(".")
sys.exit((int(release[0]), int(release[1])) < (5, 8))' ||
    skip "before Linux 5.8 hidepid would reach out of this test"
  inside unshare -m mount -t proc -o hidepid=2 proc /proc 2>/dev/null ||
    skip "procfs cannot be mounted"
}

HIDE='mount -t proc -o hidepid=2 proc /proc && exec "$@"'

@test "hidden processes are told as hidden" {
  open_blind_scene
  need_apart
  need_hidepid
  inside unshare -m sh -c "$HIDE" - "${VIEW[@]}" ls --format json \
    >"$T/rows" 2>"$T/words"
  [ "$(row "$T/rows" owner)" = unknown ]
  [ "$(row "$T/rows" why)" = hidden ]
  grep -q "1 owner unknown as procfs hides processes" "$T/words"
  run inside unshare -m sh -c "$HIDE" - "${VIEW[@]}" ls --strict
  [ "$status" -eq 3 ]
  # to root nothing is hidden
  inside unshare -m sh -c "$HIDE" - "$PORTINFO" ls --format json >"$T/rows"
  python3 "$HELPERS/compare.py" oracle "$ORACLE" "$T/rows"
}

@test "hidden processes stay hidden to the root of a user namespace" {
  open_blind_scene
  need_apart
  need_hidepid
  setpriv --reuid=65534 --regid=65534 --clear-groups unshare -r true \
    2>/dev/null || skip "a user namespace is not permitted"
  program=${VIEW[-1]}
  inside unshare -m sh -c "$HIDE" - "${VIEW[@]:0:4}" unshare -r "$program" \
    ls --format json >"$T/rows" 2>"$T/words"
  cat "$T/rows"
  [ "$(row "$T/rows" owner)" = unknown ]
  [ "$(row "$T/rows" why)" = hidden ]
}

# Runs the rest without procfs: no_procfs tmpfs|umount COMMAND...
no_procfs() {
  local how='mount -t tmpfs none /proc'
  [ "$1" = tmpfs ] || how='umount -l /proc'
  shift
  inside unshare -m sh -c "$how && exec \"\$@\"" - "$@"
}

is_blind_without_procfs() {
  open_scene pair4 time_wait udp_outside
  need_apart
  need_unshare -m
  no_procfs "$1" true 2>/dev/null || skip "procfs cannot be taken away"
  ! grep -q __asan_init "$PORTINFO" || skip "a sanitized build needs procfs"
  no_procfs "$1" "$PORTINFO" ls --format json >"$T/rows" 2>"$T/words"
  cat "$T/words"
  [ "$(wc -l <"$T/words")" -eq 2 ]
  grep -q "no process could be looked at" "$T/words"
  grep -q "whether there are sockets of udplite, sctp, mptcp was not told: " "$T/words"
  python3 - "$ORACLE" "$T/rows" <<'X'
import json, sys
claims = [c for c in map(json.loads, open(sys.argv[1])) if "proto" in c]
rows = json.load(open(sys.argv[2]))
assert len(rows) == len(claims), rows
for c in claims:
    row, = [r for r in rows if all(r.get(k) == c.get(k) for k in
            ("proto", "state", "laddr", "lport", "raddr", "rport", "inode"))]
    assert row["owner"] == ("unknown" if c["inode"] else "none"), row
    assert "pid" not in row and "netns" in row["unknown"], row
    assert ("pid" in row["unknown"]) == (c["inode"] is not None), row
X
  run no_procfs "$1" "$PORTINFO" ls --strict
  [ "$status" -eq 3 ]
  run no_procfs "$1" "$PORTINFO" ls --strict --format tsv --columns proto,lport
  [ "$status" -eq 3 ]
  run no_procfs "$1" "$PORTINFO" ls --strict --format tsv --columns proto,lport tcp or udp
  [ "$status" -eq 0 ]
  run no_procfs "$1" "$PORTINFO" "$(told 0 lport)"
  [ "$status" -eq 0 ]
  [[ $output == *"holder unknown"* ]]
  run no_procfs "$1" "$PORTINFO" doctor
  [ "$status" -eq 0 ]
}

@test "an empty folder instead of procfs" { is_blind_without_procfs tmpfs; }

@test "no procfs at all" { is_blind_without_procfs umount; }

# ---- Backends ----------------------------------------------------------------------

# The program that refuses netlink, in REFUSE.
build_refuse() {
  REFUSE=$T/refuse
  "${CC:-cc}" -std=c11 -D_GNU_SOURCE "$HELPERS/refuse.c" -o "$REFUSE" \
    2>/dev/null || skip "there is no C compiler"
  "$REFUSE" 1 true 2>/dev/null || skip "seccomp is not permitted"
}

SCENES=(tcp4 tcp6_dual reuseport3 pair4 pair_mapped unaccepted time_wait
  udp_outside udp_inside udp_client udp_connected)

@test "where netlink is refused the proc tables serve" {
  open_scene "${SCENES[@]}"
  need_rows
  build_refuse
  for errno in 1 13 93; do
    inside "$REFUSE" $errno "$PORTINFO" ls --format json >"$T/rows" 2>"$T/words"
    python3 "$HELPERS/compare.py" oracle "$ORACLE" "$T/rows" proc
    cat "$T/words"
    for family in ipv4 ipv6; do
      grep -q "tcp over $family was read from the proc table, which lacks bound sockets (sock_diag: " "$T/words"
      grep -q "udp over $family was read from the proc table (sock_diag: " "$T/words"
    done
  done
  grep -q "Protocol not supported" "$T/words"
  run inside "$REFUSE" 1 "$PORTINFO" ls --strict --format tsv --columns proto
  [ "$status" -eq 3 ]
  run inside "$REFUSE" 1 "$PORTINFO" ls -q --format tsv
  [ "$status" -eq 0 ]
  [[ $output != *"proc table"* ]]
}

@test "netlink asked for and refused is an error" {
  build_refuse
  run inside "$REFUSE" 1 "$PORTINFO" ls --backend netlink
  echo "$output"
  [ "$status" -eq 2 ]
  [ "${#lines[@]}" -eq 1 ]
  [[ $output == *"Operation not permitted"* ]]
}

@test "both refused are an error" {
  build_refuse
  mkdir "$T/proc"
  run inside "$REFUSE" 1 "$PORTINFO" ls --proc "$T/proc"
  echo "$output"
  [ "$status" -eq 2 ]
  [ "${#lines[@]}" -eq 1 ]
  [[ $output == "portinfo: cannot read sockets: sock_diag: Operation not permitted; "* ]]
  [[ $output == *"/net/tcp: No such file or directory" ]]
  # a page has more to tell than sockets
  run inside "$REFUSE" 1 "$PORTINFO" --proc "$T/proc" 443
  [ "$status" -eq 0 ]
  [[ $output == *"not seen: cannot read sockets"* ]]
  run inside "$REFUSE" 1 "$PORTINFO" --proc "$T/proc" 443 --strict
  [ "$status" -eq 3 ]
}

@test "an interrupted or overrun dump is read again" {
  open_scene "${SCENES[@]}"
  need_apart
  need_strace
  for inject in recvmsg:error=EINTR:when=1 recvmsg:error=ENOBUFS:when=1 \
    sendto:error=EINTR:when=1; do
    inside strace -f -qq -o /dev/null -e trace=sendto,recvmsg -e "inject=$inject" \
      "$PORTINFO" ls --format json >"$T/rows"
    python3 "$HELPERS/compare.py" oracle "$ORACLE" "$T/rows"
  done
}

@test "one family's refusal costs that family alone" {
  open_scene "${SCENES[@]}"
  need_apart
  need_strace
  # TCP of both families is one request, UDP one for each
  inside strace -f -qq -o /dev/null -e trace=sendto \
    -e inject=sendto:error=ENOENT:when=2 \
    "$PORTINFO" ls --format json >"$T/rows" 2>"$T/words"
  cat "$T/words"
  [ "$(grep -c "was read from the proc table" "$T/words")" -eq 1 ]
  grep -q "udp over ipv4 was read from the proc table (sock_diag: No such file" \
    "$T/words"
  python3 - "$ORACLE" "$T/rows" <<'X'
import json, sys
claims = [c for c in map(json.loads, open(sys.argv[1])) if "proto" in c]
rows = json.load(open(sys.argv[2]))
assert len(rows) == len(claims)
for row in rows:
    assert ("cookie" in row) == (row["proto"] == "tcp" or row["family"] == "ipv6")
X
}

@test "with IPv6 disabled there is IPv4" {
  open_scene pair4 udp_outside
  need_apart
  inside sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6' 2>/dev/null ||
    skip "IPv6 cannot be disabled"
  inside "$PORTINFO" ls --format json >"$T/rows" 2>"$T/words"
  python3 "$HELPERS/compare.py" oracle "$ORACLE" "$T/rows"
  [ ! -s "$T/words" ]
}

@test "a host without tables of IPv6 has none, and that is no gap" {
  open_scene pair4 udp_outside udp_client
  need_apart
  grep -q '"family": "ipv6"' "$ORACLE" && sed -i '/"family": "ipv6"/d' "$ORACLE"
  mkdir -p "$T/proc/net" "$T/proc/sys/net/ipv4"
  for name in tcp udp dev; do
    inside cat "/proc/net/$name" >"$T/proc/net/$name"
  done
  for name in ip_local_port_range ip_local_reserved_ports \
    ip_unprivileged_port_start; do
    inside cat "/proc/sys/net/ipv4/$name" >"$T/proc/sys/net/ipv4/$name"
  done
  inside sh -c 'for p in /proc/[0-9]* /proc/self; do ln -s "$p" "$1"; done' - "$T/proc"
  ln -s /proc/stat "$T/proc"
  inside "$PORTINFO" ls --backend proc --proc "$T/proc" --format json \
    >"$T/rows" 2>"$T/words"
  python3 "$HELPERS/compare.py" oracle "$ORACLE" "$T/rows" proc
  cat "$T/words"
  ! grep "ipv6" "$T/words"
}

# ---- Hostile names --------------------------------------------------------------------

# Names that have to come out as they are, in hexadecimal.
NAMES=(
  612862296329642965         # a(b)c)d)e
  2920522031203129           # ") R 1 1)": what a careless reader takes for a state
  1b5b33316d726564071b5d     # colours, bell, start of a title
  610a62                     # a newline
  6109625c74                 # a tab, and what looks like one
  fffe80c0af                 # no UTF-8
  c29b33316d                 # C1: CSI
  e280ae6b6f                 # right-to-left override
  5c7831622c2f223f           # \x1b,/"?
  3f                         # a lone ?
)

name_scenes() { printf 'named:%s\n' "${NAMES[@]}"; }

@test "hostile names are exact in JSON" {
  mapfile -t scenes < <(name_scenes)
  open_scene "${scenes[@]}" $'--\e]0;title\a\n\xff\t'
  need_rows
  for format in json ndjson; do
    inside "$PORTINFO" ls listening --format $format >"$T/rows"
    python3 - "$ORACLE" "$T/rows" $format <<'X'
import base64, json, sys
claims = {c["cookie"]: c for c in map(json.loads, open(sys.argv[1]))
          if "proto" in c}
text = open(sys.argv[2], "rb").read()
assert not any(b < 32 and b != 10 for b in text), text
text = text.decode("utf-8")
assert not any(0x7f <= ord(c) < 0xa0 for c in text), text
rows = (json.loads(text) if sys.argv[3] == "json"
        else [json.loads(line) for line in text.splitlines()])

def exact(row, name):
    if name + "_b64" in row:
        return base64.b64decode(row[name + "_b64"], validate=True)
    return row[name].encode()

rows = [row for row in rows if row["cookie"] in claims]
assert len(rows) == len(claims)
for row in rows:
    name = bytes.fromhex(claims[row["cookie"]]["process"])
    assert exact(row, "process") == name, (row, name)
    assert exact(row["holders"][0], "process") == name, row
    assert exact(row, "cmdline").endswith(b"--\x1b]0;title\x07\n\xff\t"), row
X
  done
}

@test "hostile names are exact in TSV, a line each" {
  mapfile -t scenes < <(name_scenes)
  open_scene "${scenes[@]}" $'--\e]0;title\a\n\xff\t'
  need_rows
  inside "$PORTINFO" ls listening --format tsv \
    --columns cookie,process,holders,cmdline >"$T/rows"
  python3 - "$ORACLE" "$T/rows" <<'X'
import json, re, sys
claims = {c["cookie"]: c for c in map(json.loads, open(sys.argv[1]))
          if "proto" in c}
text = open(sys.argv[2], "rb").read()
text.decode("utf-8")
PLAIN = {b"t": b"\t", b"n": b"\n", b"r": b"\r", b"\\": b"\\"}

def exact(cell):
    return re.sub(rb"\\(x[0-9a-f]{2}|.)", lambda m: PLAIN.get(m[1]) or
                  bytes.fromhex(m[1][1:].decode()), cell)

lines = [line.split(b"\t") for line in text.split(b"\n")[1:-1]]
assert all(len(line) == 4 for line in lines), lines
lines = [line for line in lines if line[0].decode() in claims]
assert len(lines) == len(claims)
for cookie, process, holders, cmdline in lines:
    name = bytes.fromhex(claims[cookie.decode()]["process"])
    assert exact(process) == name, (process, name)
    assert process != b"?", "a name that reads as unknown"
    pid, fd, holder = holders.split(b"/")
    assert exact(holder) == name and b"," not in holder, holders
    assert exact(cmdline).endswith(b"--\x1b]0;title\x07\n\xff\t"), cmdline
X
}

# Fails if there is anything in a file that a terminal would obey.
is_tame() {
  python3 - "$1" <<'X'
import re, sys, unicodedata
text = open(sys.argv[1], "rb").read().replace(b"\r\n", b"\n").decode("utf-8")
assert text.strip(), "nothing was written"
text = re.sub("\x1b\\[(?:1|2|31|32|33)m([^\x1b\n]*)\x1b\\[0m", r"\1", text)  # our colours
for c in text:
    assert c == "\n" or unicodedata.category(c) not in ("Cc", "Cf"), repr(text)
X
}

@test "hostile names are harmless on a terminal" {
  command -v script >/dev/null || skip "there is no script"
  mapfile -t scenes < <(name_scenes)
  open_scene "${scenes[@]}" $'--\e]0;title\a\n\xff\t'
  need_apart
  export SCRIPTED="$PORTINFO ls"
  inside script -qec 'stty cols 200; '"$PORTINFO ls" /dev/null \
    </dev/null >"$T/screen"
  is_tame "$T/screen"
  [ "$(grep -c "^tcp " "$T/screen")" -eq "${#NAMES[@]}" ]
  for ((i = 0; i < ${#NAMES[@]}; i++)); do
    inside "$PORTINFO" "$(told $i lport)" >"$T/page"
    is_tame "$T/page"
    inside script -qec "$PORTINFO $(told $i lport)" /dev/null \
      </dev/null >"$T/page"
    is_tame "$T/page"
  done
}

@test "a process without a name is there" {
  open_scene named:00
  need_apart
  ls_json >"$T/rows"
  [ "$(row "$T/rows" pid)" = "$(told 0 pid)" ]
  [ "$(row "$T/rows" owner)" = known ]
  inside "$PORTINFO" ls --format table >"$T/table" 2>/dev/null
  is_tame "$T/table"
  inside "$PORTINFO" "$(told 0 lport)" >"$T/page"
  is_tame "$T/page"
}

# ---- Moving things ----------------------------------------------------------------------

@test "while sockets and processes come and go, what stays is seen each time" {
  open_scene churn:1000
  need_apart
  for ((i = 0; i < 25; i++)); do
    inside "$PORTINFO" ls --format ndjson >"$T/rows.$i" 2>>"$T/words"
  done
  python3 "$HELPERS/compare.py" once "$T"/rows.*
  sort "$T/words" | uniq -c
  python3 - "$ORACLE" "$T"/rows.* <<'X'
import json, sys
claim, = [c for c in map(json.loads, open(sys.argv[1])) if "proto" in c]
others = 0
for name in sys.argv[2:]:
    rows = [json.loads(line) for line in open(name)]
    canary, = [r for r in rows if r.get("cookie") == claim["cookie"]]
    holders = [[h["pid"], h["fd"]] for h in canary["holders"]]
    assert claim["holders"][0] in holders, canary
    assert canary["pid"] == claim["pid"], canary
    for row in rows:
        others += row is not canary
        if row["state"] == "time-wait":
            assert row["owner"] == "none", row
        # a client is not called a server because it was gone too soon
        if row.get("rport") in (9, claim["server"]):
            assert row.get("autobound") is not False, row
            assert row.get("role") != "inbound", row
        assert row.get("why") != "unheld", row
assert others > 25, "nothing came or went"
X
}

are_read() { [ -e "$T/trace" ] && [ "$(grep -c sendto "$T/trace" 2>/dev/null)" -ge 4 ]; }

@test "who chose the port of a socket that was closed meanwhile is unknown" {
  open_scene udp_connected udp_client udp_inside listener_gone
  need_apart
  need_strace
  # the fifth dump asks which ports the kernel chose
  inside strace -f -qq -o "$T/trace" -e trace=sendto \
    -e inject=sendto:delay_enter=1500000:when=5 \
    "$PORTINFO" ls --format json >"$T/rows" 3>&- 9>&- &
  pid=$!
  poll are_read
  close_scene
  wait $pid
  python3 - "$T/rows" <<'X'
import json, sys
rows = json.load(open(sys.argv[1]))
assert len(rows) == 8, rows
for row in rows:
    outside = not row["ephemeral"]
    assert outside or row.get("autobound") is not False, row
    assert outside or row.get("role") not in ("service", "inbound"), row
    assert not outside or row.get("role") != "outbound", row
    assert row["owner"] != "known" and row["why"] != "unheld", row
X
}

@test "the proc tables give nothing twice while sockets come and go" {
  open_scene churn:1000
  need_apart
  for ((i = 0; i < 10; i++)); do
    inside "$PORTINFO" ls --format json --backend proc >"$T/rows" 2>/dev/null
    python3 - "$ORACLE" "$T/rows" <<'X'
import json, sys
claim, = [c for c in map(json.loads, open(sys.argv[1])) if "proto" in c]
rows = json.load(open(sys.argv[2]))
keys = [tuple(r.get(k) for k in ("proto", "family", "laddr", "lport", "raddr",
                                 "rport", "inode")) for r in rows]
assert len(set(keys)) == len(keys)
canary, = [r for r in rows if r.get("inode") == claim["inode"]]
assert canary["pid"] == claim["pid"], canary
X
  done
}

# ---- Where it is written to ------------------------------------------------------------

@test "a reader that leaves ends us quietly" {
  open_scene pair4 udp_outside
  for format in tsv json ndjson csv table; do
    run bash -c '"$@" 2>"$0" | head -n 1; echo "${PIPESTATUS[0]}"' "$T/words" \
      "${INSIDE[@]}" "$PORTINFO" ls -q --format $format
    [[ ${lines[-1]} == 0 || ${lines[-1]} == 141 ]]
    [ ! -s "$T/words" ]
    run bash -c '"$@" 2>"$0" | true; echo "${PIPESTATUS[0]}"' "$T/words" \
      "${INSIDE[@]}" "$PORTINFO" ls -q --format $format
    [[ ${lines[-1]} == 0 || ${lines[-1]} == 141 ]]
    [ ! -s "$T/words" ]
  done
}

@test "a reader that leaves is no error where SIGPIPE is ignored" {
  open_scene pair4
  run bash -c 'trap "" PIPE; "$@" 2>"$0" | true; echo "${PIPESTATUS[0]}"' \
    "$T/words" "${INSIDE[@]}" "$PORTINFO" ls -q --format tsv
  cat "$T/words"
  [[ ${lines[-1]} == 0 || ${lines[-1]} == 141 ]]
  [ ! -s "$T/words" ]
}

is_one_complaint() {
  cat "$T/words"
  [ "$(wc -l <"$T/words")" -eq 1 ]
  grep -q "^portinfo: cannot write" "$T/words"
}

@test "a full disk is an error" {
  [ -w /dev/full ] || skip "there is no /dev/full"
  open_scene pair4
  for format in tsv json ndjson csv table; do
    run inside bash -c '"$@" >/dev/full 2>"$0"' "$T/words" \
      "$PORTINFO" ls -q --format $format
    [ "$status" -eq 2 ]
    is_one_complaint
  done
  run bash -c '"$@" >/dev/full 2>"$0"' "$T/words" "$PORTINFO" 443
  [ "$status" -eq 2 ]
  is_one_complaint
}

@test "a closed standard output is an error" {
  open_scene pair4
  for format in tsv json ndjson csv table; do
    run inside bash -c '"$@" >&- 2>"$0"' "$T/words" \
      "$PORTINFO" ls -q --format $format
    [ "$status" -eq 2 ]
    is_one_complaint
  done
  run bash -c '"$@" >&- 2>"$0"' "$T/words" "$PORTINFO" 443
  [ "$status" -eq 2 ]
  is_one_complaint
}

# ---- Exit status -----------------------------------------------------------------------

@test "exit status of ls" {
  open_blind_scene
  need_apart
  port=$(told 0 lport)
  run inside "$PORTINFO" ls ":$port"
  [ "$status" -eq 0 ] # a row
  run inside "$PORTINFO" ":$port"
  [ "$status" -eq 0 ]
  run inside "$PORTINFO" ls :1
  [ "$status" -eq 1 ] # none, for sure
  run inside "${VIEW[@]}" ls :1 pid --strict
  [ "$status" -eq 1 ]
  run inside "$PORTINFO" ls :70000
  [ "$status" -eq 2 ] # usage
  run inside "$PORTINFO" ls --backend proc --proc "$T"
  [ "$status" -eq 2 ] # error
  run inside "${VIEW[@]}" ls ":$port" pid
  [ "$status" -eq 3 ] # undecided
  run inside "${VIEW[@]}" ls --strict
  [ "$status" -eq 3 ] # shown, not all seen
}

@test "exit status of a page" {
  open_blind_scene
  need_apart
  port=$(told 0 lport)
  run inside "$PORTINFO" "$port"
  [ "$status" -eq 0 ]
  run inside "$PORTINFO" 60323 --strict
  [ "$status" -eq 0 ]
  run inside "$PORTINFO" 70000
  [ "$status" -eq 2 ]
  run inside "$PORTINFO" no-such-service
  [ "$status" -eq 2 ]
  run inside "${VIEW[@]}" "$port" 60323 --strict
  [ "$status" -eq 3 ]
  run inside "${VIEW[@]}" 60323 "$port" --strict
  [ "$status" -eq 3 ]
  run inside "${VIEW[@]}" 60323 --strict
  [ "$status" -eq 0 ]
}
