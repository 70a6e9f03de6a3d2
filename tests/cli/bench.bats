#!/usr/bin/env bats
# bench.bats: what `make bench` measures with: the load is what it says, and
# every row is measured and told. How fast, no test asks.

load helpers/live

setup() {
  live_setup
  export BUILD
  LOAD=$BUILD/bench/load
}

teardown() {
  exec 9>&-
  [ -z "${STARTED-}" ] || kill "$STARTED" 2>/dev/null || true
}

need_namespace() {
  [ "$(id -u)" = 0 ] || skip "network namespaces need root"
  unshare -n true 2>/dev/null || skip "network namespaces are not permitted"
}

says_ready() { grep -qx ready "$T/said" || ! kill -0 "$STARTED" 2>/dev/null; }

# open_load PROCESSES CONNECTIONS DESCRIPTORS
open_load() {
  mkfifo "$T/end"
  "$LOAD" "$@" <"$T/end" >"$T/said" 2>"$T/words" 3>&- 4>&- &
  STARTED=$!
  exec 9>"$T/end"
  poll says_ready
  grep -qx ready "$T/said" || {
    cat "$T/words"
    return 1
  }
}

children() { cat "/proc/$STARTED/task/$STARTED/children"; }

# How many TCP sockets of the load are in a state (the kernel's number)?
in_state() { awk -v s="$1" '$4 == s { n++ } END { print n + 0 }' "/proc/$STARTED/net/tcp"; }

gone() {
  local pid
  for pid in "$@"; do ! kill -0 "$pid" 2>/dev/null || return 1; done
}

# ---- The load ----------------------------------------------------------------

@test "a load has the sockets and descriptors that were asked for, and no others" {
  need_namespace
  open_load 3 5 4
  [ "$(in_state 0A)" = 3 ]
  [ "$(in_state 01)" = 30 ]
  [ "$(grep -c : "/proc/$STARTED/net/tcp")" = 33 ]
  awk '$4 == "0A" { print $2 }' "/proc/$STARTED/net/tcp" | sort >"$T/listeners"
  printf '%s:1388\n' 0101007F 0102007F 0103007F | diff - "$T/listeners"
  read -r -a pids <<<"$(children)"
  [ ${#pids[@]} = 3 ]
  for pid in "${pids[@]}"; do
    find "/proc/$pid/fd" -type l -printf '%l\n' >"$T/fds"
    [ "$(grep -c '^socket:' "$T/fds")" = 11 ]
    [ "$(grep -c '^/dev/null$' "$T/fds")" = 4 ]
  done
  exec 9>&-
  wait "$STARTED"
  gone "${pids[@]}"
}

@test "a load that is killed takes its processes along" {
  need_namespace
  open_load 2 1 0
  read -r -a pids <<<"$(children)"
  [ ${#pids[@]} = 2 ]
  kill -9 "$STARTED"
  poll gone "${pids[@]}"
}

@test "a load says what cannot be had" {
  run bash -c "ulimit -n 64; exec '$LOAD' 1 100 1 </dev/null"
  [ "$status" -eq 2 ]
  [ "${#lines[@]}" = 1 ]
  [[ $output == *"need 217 in a process, the hard limit is 64"* ]]
  run "$LOAD" many 1 1 </dev/null
  [ "$status" -eq 2 ]
  [ "$output" = 'load: "many": a number from 1 to 30000 is wanted' ]
}

# ---- The script --------------------------------------------------------------

tiny() { SCALE=0.002 RUNS=1 tests/bench/run "$@" 3>&- 4>&-; }

@test "every row is measured beside its peer, and written between the markers" {
  need_namespace
  printf '%s\n' above '<!-- bench: begin -->' old '<!-- bench: end -->' below >"$T/readme"
  run tiny --readme "$T/readme"
  echo "$output"
  [ "$status" -eq 0 ]
  sed -n '1p;$p' "$T/readme" | diff - <(printf '%s\n' above below)
  ! grep -qx old "$T/readme"
  [[ $output == *"many sockets: 243 TCP sockets"* ]]
  while read -r work; do
    echo "# $work"
    grep -q "^| $work | [0-9]" "$T/readme"
  done <<'EOS'
all TCP sockets counted by state
the same as TSV
the same with all owners, fd scan
listeners among them
listeners with owners, many processes, fd scan
a reading with owners after another, 10 k sockets
peak memory, all TCP sockets with owners
`portinfo 443`, held by nobody, whole process
the prompt on a terminal
classify a port, C: range, status, name
classify a port, Lua: `row.service`
EOS
  grep -q '^| a typed filter over 1 M rows' "$T/readme"
}

@test "owners by BPF are measured, or it says why not" {
  need_namespace
  run tiny
  echo "$output"
  [ "$status" -eq 0 ]
  # so few are not worth it, unless others here have more
  local row='^listeners with owners, many processes, BPF +'
  if [[ $output == *"(listeners, owners, loaded: left out, as "* ]]; then
    grep -Eq "$row- +ss -Htlnp +- +0.12 +-\$" <<<"$output"
  else
    grep -Eq "$row[0-9.]+ ms +ss -Htlnp: " <<<"$output"
  fi
  if "$BUILD/tests/records" >/dev/null 2>&1; then
    grep -Eq '^the same with all owners, BPF pinned +[0-9.]+ ms +ss -tanp: ' <<<"$output"
    grep -Eq '^listeners with owners, many processes, BPF pinned +[0-9.]+ ms ' <<<"$output"
  else
    [[ $output == *"(owners, pinned: left out, as "* ]]
  fi
}

@test "the sweep measures both ways over every shape, and tells what is chosen" {
  need_namespace
  printf '%s\n' above '<!-- sweep: begin -->' old '<!-- sweep: end -->' below >"$T/readme"
  SCALE=0.01 RUNS=1 run tests/bench/sweep --readme "$T/readme" 3>&- 4>&-
  echo "$output"
  [ "$status" -eq 0 ]
  sed -n '1p;$p' "$T/readme" | diff - <(printf '%s\n' above below)
  [ "$(grep -Ec '^[0-9]+ +[0-9]+ +(one|all) sockets? +[0-9,]+ +[0-9.,]+ ms ' <<<"$output")" = 30 ]
  [[ $output == *"(the two ways do not cross here)"* || $output == *" is faster at up to "* ]]
  [ "$(grep -Ec '^\| [0-9]+ \| [0-9]+ \| one socket \| ' "$T/readme")" = 15 ]
  ! grep -q 'all sockets' "$T/readme"
  if "$BUILD/tests/records" >/dev/null 2>&1; then
    measured='( +[0-9.,]+ ms){3}( +(fd scan|BPF)){2}$'
    [ "$(grep -Ec "^[0-9]+ +[0-9]+ +(one|all) sockets? +[0-9,]+$measured" <<<"$output")" = 30 ]
  else
    [[ $output == *"(BPF cannot be loaded here: left out)"* ]]
  fi
}

# only NAME...: a PATH with nothing but these, and what the script itself needs
only() {
  mkdir "$T/bin"
  ln -s "$(python3 -c 'import sys; print(sys.executable)')" "$T/bin/python3"
  for name in true "$@"; do ln -s "$(type -P "$name")" "$T/bin/$name"; done
}

@test "a peer that is missing is left out, with a remark" {
  need_namespace
  only
  PATH=$T/bin run tiny
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == *"(ss -tan is not installed: left out)"* ]]
  [[ $output == *"(lsof -nP -iTCP is not installed: left out)"* ]]
  [[ $output == *"(owners, pinned: left out, as unshare is not installed)"* ]]
  grep -Eq '^all TCP sockets counted by state +[0-9.]+ ms +bare dump: ' <<<"$output"
  grep -Eq '^the same as TSV +- +ss -Htan +- ' <<<"$output"
}

@test "a peer that fails, or does other work, gives no figure" {
  need_namespace
  only sh
  printf '%s\n' '#!/bin/sh' '[ "$1" != -Htan ] || { echo broken >&2; exit 3; }' >"$T/bin/ss"
  chmod +x "$T/bin/ss"
  PATH=$T/bin run tiny
  echo "$output"
  [ "$status" -eq 1 ]
  [[ $output == *"(ss -Htan failed: broken)"* ]]
  [[ $output == *"(owners shows 243 rows, ss -tanp 0: not the same work)"* ]]
  ! grep -q 'ss -tanp: ' <<<"$output"
}

# The processes of a session: the sixth word of stat, whose second is a name.
session() {
  sed -n 's/^\([0-9]*\) (\(.*\)) . [0-9-]* [0-9-]* \([0-9-]*\) .*/\3 \1 \2/p' /proc/[0-9]*/stat \
    2>/dev/null | grep "^$1 "
}

runs() { session "$1" | grep -q " $2\$"; }

none_of() { ! session "$1"; }

@test "stopped half-way, it leaves nothing behind" {
  need_namespace
  SCALE=0.05 RUNS=1000 setsid tests/bench/run >"$T/out" 2>"$T/err" 3>&- 4>&- &
  STARTED=$!
  poll runs "$STARTED" ss
  kill -TERM "$STARTED"
  status=0
  wait "$STARTED" || status=$?
  [ "$status" -eq 143 ]
  poll none_of "$STARTED"
}

@test "without root it says so in a line" {
  command -v setpriv >/dev/null || skip "there is no setpriv"
  if [ "$(id -u)" = 0 ]; then
    run setpriv --reuid=65534 --regid=65534 --clear-groups -- tests/bench/run
  else
    run tests/bench/run
  fi
  [ "$status" -eq 2 ]
  [ "$output" = "bench: network namespaces of our own need root: run this as root" ]
}

@test "numbers that are none are refused" {
  RUNS=none run tests/bench/run
  [ "$status" -eq 2 ]
  [ "$output" = "bench: RUNS=none: a number above 0 is wanted" ]
}
