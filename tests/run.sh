#!/bin/sh
# run.sh: runs the suites, a few at a time, shows what failed and what was skipped,
# and counts.
#
#   tests/run.sh [arrows|edge|ladders|c|lua|cli|FILE...]   default: all of them
#   tests/run.sh one SUITE                 a single one, for ourselves
set -u
cd "$(dirname "$0")/.." || exit 2
export BUILD="${BUILD:-build}"
export LUA="${LUA:-lua5.4}"
tap=$BUILD/tap
jobs=${JOBS:-3} # most suites wait for sockets and terminals, not for a core

run_busted() {
  # a module built with the sanitizers needs their library in the interpreter
  env ${ASAN_LIB:+LD_PRELOAD="$ASAN_LIB" ASAN_OPTIONS=detect_leaks=0} \
    LUA_PATH="lua/?.lua;lua/?/init.lua;tests/lua/?.lua;;" \
    LUA_CPATH="$BUILD/module/?.so;;" busted --lua="$LUA" -o TAP "$1"
}

# Prints the TAP of cmocka, which calls a skipped test "not ok", and gives the reason in
# the line before.
run_cmocka() {
  CMOCKA_MESSAGE_OUTPUT=TAP "$1" >"$2"
  status=$?
  awk '/^not ok [0-9]+ # SKIP/ { print "ok", $3, "-", $6, "# skip", reason; next }
    { reason = $0; sub(/^ +/, "", reason); print }' "$2"
  return $status
}

# Runs a file as its name asks; prints TAP.
run_suite() {
  case $1 in
    *.bats) bats --tap "$1" ;;
    *.lua) run_busted "$1" ;;
    *.sh) "$1" ;;
    *) run_cmocka "$1" "$tap/$name.raw" ;;
  esac
}

# Runs one suite, writes its counts and then its report to a file.
one() {
  name=$(basename "$1" .lua)
  out=$tap/$name.tap
  run_suite "$1" >"$out" 2>"$out.err" </dev/null
  status=$?
  skips=$(grep -Eic '^ok .*# *skip' "$out")
  good=$(($(grep -c '^ok' "$out") - skips))
  bad=$(grep -c '^not ok' "$out")
  # a suite that dies, or runs nothing, has failed
  if [ "$bad" -eq 0 ] && { [ "$status" -ne 0 ] || [ $((good + skips)) -eq 0 ]; }; then
    bad=1
  fi
  {
    echo "$good $bad $skips"
    printf '%-6s %-28s %4d ok' "$([ "$bad" -eq 0 ] && echo PASS || echo FAIL)" "$name" "$good"
    [ "$skips" -eq 0 ] || printf ', %d skipped' "$skips"
    [ "$bad" -eq 0 ] || printf ', %d failed' "$bad"
    echo
    grep -Ei '^ok .*# *skip' "$out" | sed 's/^ok [0-9]* *-* */       skipped: /'
    [ "$bad" -eq 0 ] || sed 's/^/       | /' "$out" "$out.err"
  } >"$out.report"
  tail -n +2 "$out.report"
}

list() {
  for kind in "$@"; do
    case $kind in
      arrows | edge | ladders) echo "tests/$kind.sh" ;;
      c) ls "$BUILD"/tests/*_test ;;
      lua) ls tests/lua/*_spec.lua ;;
      cli) ls -S tests/cli/*.bats ;; # the long ones first
      */*) ls "$kind" ;;
      *) echo "run.sh: no such suites: $kind" >&2; return 2 ;;
    esac
  done
}

if [ "${1:-}" = one ]; then
  one "$2"
  exit
fi
rm -rf "$tap"
mkdir -p "$tap"
all=
if [ $# -eq 0 ]; then
  all=yes
  set -- cli arrows edge ladders c lua
fi
suites=$(list "$@") || exit 2
echo "$suites" | xargs -n 1 -P "$jobs" "$0" one
# which tests ran is known at the end, of all of them alone
ran=0
if [ -n "$all" ]; then tests/edge.sh ran || ran=1; fi
cat "$tap"/*.report | awk -v ran=$ran '
  /^[0-9]+ [0-9]+ [0-9]+$/ { good += $1; bad += $2; skipped += $3 }
  END {
    printf "%d passed, %d failed, %d skipped\n", good, bad, skipped
    exit bad > 0 || ran
  }'
