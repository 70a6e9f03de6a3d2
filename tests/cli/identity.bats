#!/usr/bin/env bats
# identity.bats: who the holders of sockets are: users, units, containers, namespaces.

load helpers/live

setup() { live_setup; }

teardown() {
  close_scene
  [ -z "${PORT-}" ] || stop_program
  [ -z "${GROUP-}" ] || drop_group
}

# ---- Users ----------------------------------------------------------------------

@test "a user is looked up once, however many holders" {
  open_scene fork3 reuseport3 pair4
  need_apart
  need_strace
  inside strace -f -qq -e trace=%file -o "$T/trace" \
    "$PORTINFO" ls --format tsv --no-header --columns user >"$T/users"
  [ "$(sort -u "$T/users")" = "$(inside id -un)" ]
  [ "$(wc -l <"$T/users")" -gt 3 ]
  [ "$(grep -c '"/etc/passwd"' "$T/trace")" -eq 1 ]
}

# Runs the rest where root's entry in the database has so many bytes.
with_long_entry() {
  printf 'root:x:0:0:%0*d:/root:/bin/sh\n' "$1" 0 >"$T/passwd"
  shift
  inside unshare -m sh -c 'mount --bind "$0" /etc/passwd && exec "$@"' "$T/passwd" "$@"
}

@test "of a user with an endless entry the number is told" {
  [ "$(id -u)" = 0 ] || skip "only root can put a database in place"
  open_scene tcp4
  with_long_entry 9 true 2>/dev/null || skip "a mount is not permitted"
  [ "$(with_long_entry 200000 "$PORTINFO" ls --format '{user}' :"$(told 0 lport)")" = root ]
  [ "$(with_long_entry 2000000 "$PORTINFO" ls --format '{user}' :"$(told 0 lport)")" = 0 ]
}

@test "a socket's user who has no number in our user namespace is unknown" {
  open_scene tcp4
  need_rows
  inside unshare -U true 2>/dev/null || skip "a user namespace is not permitted"
  local backend
  for backend in netlink proc; do
    inside unshare -U "$PORTINFO" ls ":$(told 0 lport)" -q --backend $backend --format json \
      --columns lport,uid >"$T/rows"
    cat "$T/rows"
    grep -q '"unknown":\["uid"\]' "$T/rows"
  done
}

# ---- Several holders --------------------------------------------------------------

need_pid_namespace() {
  unshare -pfn --mount-proc true 2>/dev/null || skip "a pid namespace is not permitted"
}

# The rows of $T/out behind the pids, and whether they are what is claimed of them.
judge() {
  cat "$T/out"
  python3 - "$T/out" "$1" <<'X'
import json, sys
pids, *rows = open(sys.argv[1]).read().splitlines()
first, *children = map(int, pids.split())
row, = json.loads("".join(rows))
holders = [h["pid"] for h in row["holders"]]
assert eval(sys.argv[2]), (first, children, row)
X
}

@test "init holds a socket with its service, which is the main holder" {
  need_pid_namespace
  unshare -pfn --mount-proc python3 "$HELPERS/generations.py" 1 \
    "$PORTINFO" ls --format json >"$T/out"
  judge 'first == 1 and row["pid"] == children[0] and holders == [children[0], 1]'
  # and alone, as long as nobody asked for the service
  unshare -pfn --mount-proc python3 "$HELPERS/generations.py" 0 \
    "$PORTINFO" ls --format json >"$T/out"
  judge 'row["pid"] == 1 and holders == [1] and row["owner"] == "known"'
}

@test "a supervisor, its old and its new generation are all shown" {
  need_pid_namespace
  # below a shell, so that the supervisor is not init
  unshare -pfn --mount-proc sh -c '"$@"; exit $?' - \
    python3 "$HELPERS/generations.py" 2 "$PORTINFO" ls --format json >"$T/out"
  judge 'first != 1 and row["pid"] == first and holders == [first, *children]'
}

# ---- Namespaces -------------------------------------------------------------------

@test "a holder that lives elsewhere shows both namespaces" {
  open_scene moved passed_away tcp4
  need_apart
  agrees
  python3 - "$T/rows" <<'X'
import json, sys
rows = json.load(open(sys.argv[1]))
assert len(rows) == 3, rows
assert len({r["netns"] for r in rows}) == 1, rows
assert len({r["holder_netns"] for r in rows}) == 3, rows
X
  inside "$PORTINFO" ls "holder_netns = $(told 0 holder_netns)" --format '{pid}' >"$T/pid"
  [ "$(cat "$T/pid")" = "$(told 0 pid)" ]
}

# ---- Programs ---------------------------------------------------------------------

# Starts a program that listens, by this name and with these arguments; its PORT.
start_program() {
  local program=$T/$1
  shift
  "${CC:-cc}" "$HELPERS/forward.c" -o "$program" 2>/dev/null || skip "there is no C compiler"
  mkfifo "$T/hold"
  "$program" "$@" <"$T/hold" >"$T/port" 3>&- &
  exec 8>"$T/hold"
  poll test -s "$T/port"
  PORT=$(cat "$T/port")
}

stop_program() {
  exec 8>&-
  wait
  PORT=
}

# What is told of the program's listener.
of_program() {
  "$PORTINFO" ls ":$PORT" listening -q --no-header --format tsv --columns "$1"
}

@test "the name of a process is cut by the kernel, that of its program is not" {
  start_program sixteen-and-more
  of_program process,exe >"$T/told"
  stop_program
  [ "$(cat "$T/told")" = "sixteen-and-mor	$(realpath "$T")/sixteen-and-more" ]
}

@test "a program that was removed is told from one that is called so" {
  start_program "web (deleted)"
  of_program exe >"$T/called"
  rm "$T/web (deleted)"
  of_program exe >"$T/removed"
  stop_program
  [ "$(cat "$T/called")" = "$(realpath "$T")/web (deleted)" ]
  [ "$(cat "$T/removed")" = "$(realpath "$T")/web (deleted) (deleted)" ]
}

@test "of a script the interpreter is the program, the script an argument" {
  command -v python3 >/dev/null || skip "there is no python3"
  open_scene tcp4
  need_rows
  inside "$PORTINFO" ls ":$(told 0 lport)" -q --no-header --format tsv --columns exe,cmdline \
    >"$T/told"
  [ "$(cut -f 1 "$T/told")" = "$(readlink "/proc/$(told 0 pid)/exe")" ]
  [[ $(cut -f 2 "$T/told") == *"$HELPERS/oracle.py tcp4" ]]
}

@test "a socket that the kernel opened for itself has no holder that we know" {
  [ "$(id -u)" = 0 ] || skip "only root can have the kernel open one"
  unshare -n true 2>/dev/null || skip "network namespaces are not permitted"
  run unshare -n sh -c 'ip link set lo up
    ip link add pi-vx type vxlan id 5 dstport 47899 dev lo && ip link set pi-vx up || exit 77
    exec "$@" >"$0"' "$T/rows" \
    "$PORTINFO" ls :47899 -q --format json --columns inode,role,owner,holders
  [ "$status" -ne 77 ] || skip "no vxlan device can be made here: $output"
  [ "$status" -eq 0 ]
  cat "$T/rows"
  python3 - "$T/rows" <<'X'
import json, sys
row, = json.load(open(sys.argv[1]))
assert row["inode"] and row["role"] == "service", row
assert row["owner"] in ("none", "unknown") and "holders" not in row, row
X
}

# ---- docker-proxy -----------------------------------------------------------------

start_proxy() { start_program docker-proxy "$@"; }

@test "docker-proxy says where it forwards to" {
  start_proxy -proto tcp -host-ip 127.0.0.1 -host-port 1 -container-ip fd00::2 \
    -container-port 80
  "$PORTINFO" ls ":$PORT" listening --format '{process} {via}' >"$T/via"
  "$PORTINFO" "$PORT" | tr -s ' \n' ' ' >"$T/page"
  stop_program
  [ "$(cat "$T/via")" = "docker-proxy [fd00::2]:80" ]
  grep -q "docker-proxy (pid [0-9]*, .*) forwards to \[fd00::2\]:80" "$T/page"
}

@test "docker-proxy whose arguments say nothing leaves it unknown" {
  start_proxy -host-ip "0.0.0.0 -container-ip 10.0.0.1 -container-port 80"
  "$PORTINFO" ls ":$PORT" listening --format json --columns via,cmdline >"$T/rows"
  "$PORTINFO" "$PORT" >"$T/page"
  stop_program
  grep -q '"unknown":\["via"\]' "$T/rows"
  grep -q -- '-container-ip 10.0.0.1 -container-port 80' "$T/rows"
  ! grep -q forwards "$T/page"
}

# ---- Control groups ---------------------------------------------------------------

# A group of ours in GROUP, of the unified hierarchy.
make_group() {
  local mount
  mount=$(awk '$3 == "cgroup2" {print $2; exit}' /proc/mounts)
  GROUP=$mount/portinfo-identity-$$
  [ -n "$mount" ] && mkdir "$GROUP" 2>/dev/null && return
  GROUP=
  skip "no control group can be made here"
}

# The group with all below, whose paths may be longer than a path may be.
remove_group() {
  find "$GROUP" -depth -type d -execdir rmdir {} \; 2>/dev/null
  [ ! -e "$GROUP" ]
}

drop_group() {
  close_scene # nobody may be in it
  poll remove_group
  GROUP=
}

of_holder() { inside "$PORTINFO" ls --format json --columns "$1" >"$T/rows"; }

@test "a holder's unit is the innermost of its groups" {
  make_group
  open_scene tcp4
  mkdir -p "$GROUP/user@1000.service/app.slice/app-x.service/inner"
  need_apart
  echo "$(told 0 pid)" >"$GROUP/user@1000.service/app.slice/app-x.service/inner/cgroup.procs" ||
    skip "a process cannot be put into a group here"
  of_holder unit,container,container_name
  cat "$T/rows"
  grep -q '{"v":1,"unit":"app-x.service"}' "$T/rows"
}

@test "a path that the kernel cuts is no path, and no name has a newline" {
  make_group
  open_scene tcp4
  ! mkdir "$GROUP/a
0::b" 2>/dev/null
  need_apart
  python3 - "$GROUP" "$(told 0 pid)" <<'X' || skip "no group so deep can be made here"
import os, sys
os.chdir(sys.argv[1])
for i in range(17):
    name = "docker-" + 64 * "0" + ".scope" + 170 * "x"
    os.mkdir(name)
    os.chdir(name)
with open("cgroup.procs", "w") as file:
    file.write(sys.argv[2])
X
  of_holder cgroup,unit,container,container_name
  cat "$T/rows"
  grep -q '{"v":1,"unknown":\["cgroup","unit","container","container_name"\]}' "$T/rows"
}

# ---- Processes that have ended ----------------------------------------------------

@test "a process without its first thread has a user, and neither program nor arguments" {
  open_scene headless
  need_rows
  inside "$PORTINFO" ls ":$(told 0 lport)" --format json --columns pid,user,exe,cmdline >"$T/rows"
  cat "$T/rows"
  grep -q '"user":"' "$T/rows"
  grep -q '"unknown":\["exe","cmdline"\]' "$T/rows"
}
