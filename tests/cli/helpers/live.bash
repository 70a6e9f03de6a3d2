# live.bash: for tests that open sockets and look for them again.
#
# open_scene SCENE...   starts oracle.py; $ORACLE holds what it said, and
#                       `inside` runs commands where its sockets are
# close_scene           ends it

live_setup() {
  export PAGER= # which would wait for a key
  cd "$BATS_TEST_DIRNAME/../.." || return 1
  BUILD=$(cd "${BUILD:-build}" && pwd) || return 1
  PORTINFO=$BUILD/portinfo
  HELPERS=$BATS_TEST_DIRNAME/helpers
  T=$BATS_TEST_TMPDIR
  ORACLE=$T/oracle
  INSIDE=()
  command -v python3 >/dev/null || skip "there is no python3"
}

inside() { "${INSIDE[@]}" "$@"; }

# Waits until the command succeeds, ten seconds at most.
poll() {
  local i
  for ((i = 0; i < 200; i++)); do
    "$@" && return 0
    sleep 0.05
  done
  echo "in vain: $*"
  return 1
}

is_ready() {
  grep -q '"ready": true' "$ORACLE" || ! kill -0 "$SCENE" 2>/dev/null
}

open_scene() {
  mkfifo "$T/end"
  # nothing of bats' own may stay open in what we start
  python3 "$HELPERS/oracle.py" "$@" <"$T/end" >"$ORACLE" 2>"$T/oracle.err" \
    3>&- 4>&- &
  SCENE=$!
  exec 9>"$T/end"
  poll is_ready
  grep -q '"ready": true' "$ORACLE" || {
    cat "$T/oracle.err"
    return 1
  }
  APART=
  if grep -q '"apart": true' "$ORACLE"; then
    APART=yes
    INSIDE=(nsenter -t "$SCENE" -n)
    [ "$(id -u)" = 0 ] || INSIDE=(nsenter -t "$SCENE" -U --preserve-credentials -n)
    inside true 2>/dev/null || skip "nsenter is not permitted"
  fi
  grep '"skip"' "$ORACLE" | sed 's/^/# not opened: /' >&3 || true
}

close_scene() {
  [ -n "${SCENE-}" ] || return 0
  exec 9>&-
  wait "$SCENE" 2>/dev/null || true
  SCENE=
}

# A value that the oracle told of its N-th row: told N NAME
told() {
  python3 -c '
import json, sys
rows = [r for r in map(json.loads, open(sys.argv[1])) if "proto" in r]
print(rows[int(sys.argv[2])][sys.argv[3]])' "$ORACLE" "$1" "$2"
}

# Skips, with a reason, unless the oracle could open something.
need_rows() {
  grep -q '"proto"' "$ORACLE" && return 0
  skip "$(sed -n 's/.*"reason": "\(.*\)".*/\1/p' "$ORACLE" | head -n 1)"
}

need_apart() {
  [ -n "$APART" ] || skip "a network namespace of our own is not permitted"
}

# ls in JSON, into $T/rows, compared with the oracle.
agrees() {
  inside "$PORTINFO" ls --format json "$@" >"$T/rows" 2>"$T/words"
  python3 "$HELPERS/compare.py" oracle "$ORACLE" "$T/rows" "${PROC-}"
}

# A sanitized build cannot look for leaks while traced.
leave_leaks() {
  export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
}

need_strace() {
  command -v strace >/dev/null || skip "there is no strace"
  inside strace -o /dev/null true 2>/dev/null || skip "strace is not permitted"
  leave_leaks
}
