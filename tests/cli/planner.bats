#!/usr/bin/env bats
# planner.bats: by which way holders are looked for, where nobody says: by the descriptors
# in procfs while they are few, by BPF where it is worth loading.

load helpers/live

setup() {
  live_setup
  [ "$(id -u)" = 0 ] || skip "to load a BPF program, and a network namespace, need root"
  [ -x "$BUILD/tests/records" ] || skip "the BPF program is not built in"
  "$BUILD/tests/records" >/dev/null 2>"$T/words" || skip "$(cat "$T/words")"
  unshare -n true 2>/dev/null || skip "network namespaces are not permitted"
  case $(plan) in
    "proc "*" are not worth loading BPF for") ;;
    *) skip "here without us: $(plan)" ;;
  esac
}

teardown() {
  exec 9>&-
  [ -z "${STARTED-}" ] || kill "$STARTED" 2>/dev/null || true
}

# What explain tells: by what, how many files and processes, why.
plan() {
  "$PORTINFO" explain --format json process = x | python3 -c '
import json, sys
look = json.load(sys.stdin)["look"]
print(look["by"], look["files"], look["processes"], look["why"])'
}

says_ready() { grep -qx ready "$T/said" || ! kill -0 "$STARTED" 2>/dev/null; }

# open_load PROCESSES CONNECTIONS DESCRIPTORS
open_load() {
  mkfifo "$T/end"
  "$BUILD/bench/load" "$@" <"$T/end" >"$T/said" 2>"$T/words" 3>&- 4>&- &
  STARTED=$!
  exec 9>"$T/end"
  poll says_ready
  grep -qx ready "$T/said" || skip "the load cannot be had here: $(cat "$T/words")"
}

close_load() {
  exec 9>&-
  wait "$STARTED"
  STARTED=
}

owners_by() {
  nsenter -t "$STARTED" -n "$PORTINFO" -e \
    'require("portinfo.core").take{groups = {"socket", "owner"}}:quality().owners_by'
}

# Other suites run beside this one and open files of their own: what depends on how few
# are open on the whole machine is waited for.
back_to_procfs() { [[ $(plan) == "proc "*" are not worth loading BPF for" ]]; }

finds_owners_by() { [ "$(owners_by)" = "$1" ]; }

finds_few_files() {
  read -r by files processes why <<<"$(plan)"
  [ "$files" -lt 10000 ]
}

@test "many open files are worth loading BPF for, and few are not" {
  open_load 1 0 1
  poll finds_owners_by proc
  close_load
  rm "$T/end"
  open_load 3 0 12000
  read -r by files processes why <<<"$(plan)"
  [ "$by" = bpf ]
  [ "$files" -ge 36000 ]
  [ "$why" = "so many files and processes are worth loading BPF for" ]
  [ "$(owners_by)" = bpf ]
  close_load
  poll back_to_procfs
}

@test "so are many processes, whatever they hold" {
  open_load 3000 0 0
  poll finds_few_files
  [ "$by" = bpf ]
  [ "$processes" -ge 3000 ]
  [ "$(owners_by)" = bpf ]
  close_load
}
