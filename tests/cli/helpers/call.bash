# call.bash: for tests that call the command, and look at all that it said.

call_setup() {
  cd "$BATS_TEST_DIRNAME/../.." || return 1
  PORTINFO=$PWD/${BUILD:-build}/portinfo
  [[ ${BUILD:-build} != /* ]] || PORTINFO=$BUILD/portinfo
  T=$BATS_TEST_TMPDIR
  export HOME=$T XDG_STATE_HOME=$T/state LC_ALL=C.UTF-8
  unset LUA_INIT LUA_INIT_5_4 LUA_PATH LUA_PATH_5_4 LUA_CPATH LUA_CPATH_5_4
}

# Sets status, out and err.
call() {
  status=0
  "$PORTINFO" "$@" >"$T/out" 2>"$T/err" </dev/null || status=$?
  out=$(<"$T/out") err=$(<"$T/err")
  echo "status $status, out: ${out:0:600}, err: $err"
}

# The same with a folder of the test's for procfs.
fake() { call --backend proc --proc "$PROC" "$@"; }

# The call must end with 2, print nothing, and complain in the one line
# `portinfo: ...WORDS...`.
refuses() {
  local words=$1
  shift
  call "$@"
  [ "$status" -eq 2 ]
  [ ! -s "$T/out" ]
  [ "$(wc -l <"$T/err")" -eq 1 ]
  [[ $err == "portinfo: "*"$words"* ]]
}

has_python() { command -v python3 >/dev/null || skip "no python3 here"; }
