#!/usr/bin/env bats
# starvation.bats: the command where descriptors, stack, system calls or the disk
# run out: what it shows is so, and what it could not see is told.

load helpers/live

setup() { live_setup; }

teardown() { close_scene; }

build_refuse() {
  REFUSE=$T/refuse
  "${CC:-cc}" -std=c11 -D_GNU_SOURCE "$HELPERS/refuse.c" -o "$REFUSE" 2>/dev/null ||
    skip "there is no C compiler"
  "$REFUSE" 1 true 2>/dev/null || skip "seccomp is not permitted"
}

unsanitized() {
  ! grep -q __asan_init "$PORTINFO" || skip "a sanitized build needs $1"
}

# A folder that looks like /proc, with many listeners and a process.
make_proc() {
  mkdir -p "$T/proc/net" "$T/proc/42/fd"
  touch "$T/proc/net/dev" "$T/proc/net/protocols" "$T/proc/net/tcp6" "$T/proc/net/udp" \
    "$T/proc/net/udp6"
  awk 'BEGIN {
    print "heading"
    for (i = 1; i <= 20000; i++)
      printf "%d: %08X:%04X 00000000:0000 0A 0:0 00:0 0 0 0 %d 1\n", i, i, i, i
  }' >"$T/proc/net/tcp"
  echo "42 (many) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0" >"$T/proc/42/stat"
  FAKE=(--backend proc --proc "$T/proc")
}

# The rows in $T/rows, which came with exit status $1: what they say is what the oracle
# says, or unknown. Only an error has no rows.
is_honest() {
  python3 - "$ORACLE" "$T/rows" "$1" <<'X'
import json, sys
claims = {c["inode"]: c for c in map(json.loads, open(sys.argv[1])) if c.get("inode")}
text, status = open(sys.argv[2]).read(), int(sys.argv[3])
assert status in (0, 2), status
assert (status == 2) == (text == ""), (status, text)
for row in json.loads(text or "[]"):
    claim = claims[row["inode"]]
    assert row["owner"] in ("known", "unknown"), row
    assert row["owner"] == "unknown" or row["pid"] == claim["pid"], row
    assert row["lport"] == claim["lport"] and row["state"] == claim["state"], row
X
}

# ---- Descriptors -------------------------------------------------------------------

@test "with few descriptors an owner is known or unknown, never none" {
  open_scene tcp4 fork3 udp_outside
  need_apart
  unsanitized "descriptors of its own"
  local n told=0
  for n in 4 5 6 7 8 9 10 12 16; do
    status=0
    inside bash -c 'ulimit -n "$1"; shift; exec "$@"' - "$n" "$PORTINFO" ls --format json \
      listening --backend netlink >"$T/rows" 2>"$T/words" 3>&- 9>&- || status=$?
    echo "$n: $status: $(<"$T/words")"
    [ "$status" -ne 127 ] || continue # the loader had too few
    is_honest "$status"
    ! grep -q "Too many open files" "$T/words" || told=$((told + 1))
  done
  [ "$told" -gt 0 ]
}

# ---- Stack -------------------------------------------------------------------------

small() { bash -c 'ulimit -s 256 && exec "$@"' - "$@"; }

@test "on a stack of 256 KB everything works, or says that it is too deep" {
  unsanitized "a larger stack"
  make_proc
  run small "$PORTINFO" ls "${FAKE[@]}" -q --format tsv --columns lport,owner
  [ "$status" -eq 0 ]
  [ "${#lines[@]}" -eq 20001 ]
  [[ ${lines[1]} == *$'\tnone' ]]
  run small "$PORTINFO" ls "${FAKE[@]}" -q --format table --limit 3
  [ "$status" -eq 0 ]
  # a filter as long and as deep as filters may be, and one that is deeper
  local long deep i
  long=$(seq -s, 1 20000)
  run small "$PORTINFO" ls "${FAKE[@]}" -q --format tsv "lport in {$long}"
  [ "$status" -eq 0 ]
  for deep in 50 5000; do
    run small "$PORTINFO" ls "${FAKE[@]}" -q --tally state \
      "$(printf '(%.0s' $(seq $deep))tcp$(printf ')%.0s' $(seq $deep))"
    echo "$deep: $status: ${output:0:200}"
    [ "$status" -eq 0 ] || { [ "$status" -eq 2 ] && [[ $output == *deep* ]]; }
  done
  [ "$status" -eq 2 ]
  # Lua that recurses, and its parser
  run small "$PORTINFO" -e 'local function f() return 1 + f() end; return f()'
  [ "$status" -eq 2 ]
  [[ $output == *"stack overflow"* ]]
  run small "$PORTINFO" -e 'local s = string.rep("(", 1000); return load("return " .. s)'
  [ "$status" -eq 0 ]
  [[ $output == *"levels"* || $output == *"overflow"* ]]
  # readings kept, asked again and judged; threads have a small stack then as well
  run small "$PORTINFO" "${FAKE[@]}" -q save "$T/a"
  [ "$status" -eq 0 ]
  run small "$PORTINFO" ls --from "$T/a" -q --tally state --no-header
  [ "$status" -eq 0 ]
  [[ $output == *20000* ]]
  run small "$PORTINFO" audit --from tests/rules/good.ndjson
  [ "$status" -eq 0 ]
  { head -c 100000 /dev/zero | tr '\0' '['; } >"$T/deep"
  run small "$PORTINFO" ls --from "$T/deep"
  [ "$status" -eq 2 ]
  run small "$PORTINFO" 443
  [ "$status" -eq 0 ]
  if [ "$(id -u)" = 0 ]; then
    run small "$PORTINFO" ls --netns all -q --tally netns
    [ "$status" -eq 0 ] || [ "$status" -eq 1 ]
  fi
}

# ---- System calls ------------------------------------------------------------------

@test "calls that a sandbox refuses cost what they would have told, and no more" {
  unsanitized "calls of its own"
  open_scene tcp4 fork3 thread_table
  need_apart
  build_refuse
  for call in bpf setns kcmp clone3 sched_getaffinity; do
    inside "$REFUSE" $call 1 "$PORTINFO" ls --format json >"$T/rows" 2>"$T/words"
    python3 "$HELPERS/compare.py" oracle "$ORACLE" "$T/rows"
    echo "$call: $(<"$T/words")"
    [ ! -s "$T/words" ]
  done
}

@test "rules that cannot be bounded are not run" {
  unsanitized "calls of its own"
  build_refuse
  run "$REFUSE" prlimit 1 "$PORTINFO" audit --from tests/rules/good.ndjson
  echo "$output"
  [ "$status" -eq 2 ]
  [ "$output" = "portinfo: rules cannot be bounded: RLIMIT_CPU: Operation not permitted" ]
}

@test "a procfs that nobody may write to is as good" {
  open_scene tcp4 fork3
  need_apart
  inside unshare -m mount -o remount,bind,ro /proc 2>/dev/null ||
    skip "procfs cannot be mounted anew"
  inside unshare -m sh -c 'mount -o remount,bind,ro /proc && exec "$@"' - \
    "$PORTINFO" ls --format json >"$T/rows"
  python3 "$HELPERS/compare.py" oracle "$ORACLE" "$T/rows"
}

# ---- The disk ----------------------------------------------------------------------

# Runs a script on a disk of 64 KB, in $T/disk, where there is an old file.
on_small_disk() {
  mkdir -p "$T/disk"
  unshare -m true 2>/dev/null || unshare -rm true 2>/dev/null ||
    skip "a mount namespace is not permitted"
  local how=(unshare -m)
  [ "$(id -u)" = 0 ] || how=(unshare -rm)
  run "${how[@]}" bash -ec '
    mount -t tmpfs -o size=64k tmpfs "$1/disk"
    cd "$1/disk"
    echo old >file
    shift
    "$@"' - "$T" "$@"
  echo "$output"
}

fails_and_leaves_the_old() {
  [[ $output == *"cannot write file: No space left on device"* ]]
  [[ $output == *"status 2, names file, holds old"* ]]
}

LEFT='status=0
"$@" || status=$?
echo "status $status, names $(ls -A), holds $(head -c 100 file)"'

@test "a full disk leaves the reading that was there, and nothing beside it" {
  make_proc
  on_small_disk bash -c "$LEFT" - "$PORTINFO" "${FAKE[@]}" -q save file
  fails_and_leaves_the_old
  # and one that fits takes its place
  on_small_disk bash -c "$LEFT" - "$PORTINFO" "${FAKE[@]}" -q save file :7
  [[ $output == *"status 0, names file, holds {\"portinfo\":\"reading\""* ]]
}

@test "a full disk leaves the baseline that was there" {
  cp tests/rules/bad.ndjson "$T/bad"
  on_small_disk bash -c 'echo "return {baseline = 1}" >file
    head -c 64k /dev/zero >filler || true
    '"$LEFT" - "$PORTINFO" audit --from "$T/bad" --write-baseline file
  [[ $output == *"cannot write file: No space left on device"* ]]
  [[ $output == *"status 2, "*"holds return {baseline = 1}"* ]]
}

# Saves while a signal comes, at the N-th call: save_struck SIGNAL CALL N
save_struck() {
  rm -rf "$T/kept"
  mkdir "$T/kept"
  echo old >"$T/kept/file"
  status=0
  strace -f -qq -o /dev/null -e "trace=$2" -e "inject=$2:signal=$1:when=$3" \
    "$PORTINFO" "${FAKE[@]}" -q save "$T/kept/file" 2>"$T/words" || status=$?
  echo "$*: status $status, names $(ls -A "$T/kept"): $(<"$T/words")"
}

# The file is the old one, or the new one to its end.
is_whole() {
  [ "$(cat "$T/kept/file")" = old ] ||
    "$PORTINFO" ls --from "$T/kept/file" -q --limit 1 >"$T/rows"
}

@test "a signal in the middle of saving leaves the old reading, or the new one" {
  need_strace
  make_proc
  local call signal nameless=
  python3 -c 'import os, sys; os.open(sys.argv[1], os.O_TMPFILE | os.O_WRONLY)' "$T" \
    2>/dev/null && nameless=yes
  for signal in SIGINT SIGTERM SIGKILL; do
    for call in write fsync linkat renameat; do
      save_struck $signal $call 1
      is_whole
      [ "$status" -ne 0 ] || [ "$(cat "$T/kept/file")" != old ]
      # once it has its name a draft may stay, for the moment until it takes its place
      [ $call = linkat ] || [ $call = renameat ] || [ -z $nameless ] ||
        [ "$(ls -A "$T/kept")" = file ]
    done
  done
}
