#!/bin/sh
# run.sh: runs the suites, shows what failed and what was skipped, and counts.
#
#   tests/run.sh [arrows|c|lua|cli...]     default: all of them
set -u
cd "$(dirname "$0")/.." || exit 2
export BUILD="${BUILD:-build}"
LUA="${LUA:-lua5.4}"
export LUA
tap=$BUILD/tap
mkdir -p "$tap"
passed=0 failed=0 skipped=0

# suite NAME COMMAND...: runs a command that prints TAP
suite() {
  name=$1
  shift
  out=$tap/$name.tap
  "$@" >"$out" 2>"$out.err" </dev/null
  status=$?
  skips=$(grep -Eic '^ok .*# *skip' "$out")
  good=$(($(grep -c '^ok' "$out") - skips))
  bad=$(grep -c '^not ok' "$out")
  # a suite that dies, or runs nothing, has failed
  if [ "$bad" -eq 0 ] && { [ "$status" -ne 0 ] || [ $((good + skips)) -eq 0 ]; }; then
    bad=1
  fi
  passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + skips))
  printf '%-6s %-28s %4d ok' "$([ "$bad" -eq 0 ] && echo PASS || echo FAIL)" "$name" "$good"
  [ "$skips" -eq 0 ] || printf ', %d skipped' "$skips"
  [ "$bad" -eq 0 ] || printf ', %d failed' "$bad"
  echo
  grep -Ei '^ok .*# *skip' "$out" | sed 's/^ok [0-9]* *-* */       skipped: /'
  [ "$bad" -eq 0 ] || sed 's/^/       | /' "$out" "$out.err"
}

c_suites() {
  for program in "$BUILD"/tests/*_test; do
    CMOCKA_MESSAGE_OUTPUT=TAP suite "$(basename "$program")" "$program"
  done
}

run_busted() {
  # a module built with the sanitizers needs their library in the interpreter
  env ${ASAN_LIB:+LD_PRELOAD="$ASAN_LIB" ASAN_OPTIONS=detect_leaks=0} \
    LUA_PATH="lua/?.lua;lua/?/init.lua;tests/lua/?.lua;;" \
    LUA_CPATH="$BUILD/module/?.so;;" busted --lua="$LUA" -o TAP "$1"
}

lua_suites() {
  for spec in tests/lua/*_spec.lua; do
    suite "$(basename "$spec" .lua)" run_busted "$spec"
  done
}

cli_suites() {
  for file in tests/cli/*.bats; do
    suite "$(basename "$file")" bats --tap "$file"
  done
}

[ $# -gt 0 ] || set -- arrows c lua cli
for kind in "$@"; do
  case $kind in
    arrows) suite arrows tests/arrows.sh ;;
    c) c_suites ;;
    lua) lua_suites ;;
    cli) cli_suites ;;
    *) echo "run.sh: no such suites: $kind" >&2; exit 2 ;;
  esac
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
