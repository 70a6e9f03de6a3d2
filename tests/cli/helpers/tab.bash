# tab.bash: for tests that press Tab on a terminal of 80 columns and 40 lines.

setup() {
  cd "$BATS_TEST_DIRNAME/../.." || return 1
  PORTINFO=$PWD/${BUILD:-build}/portinfo
  [[ ${BUILD:-build} != /* ]] || PORTINFO=$BUILD/portinfo
  T=$BATS_TEST_TMPDIR
  export HOME=$T XDG_STATE_HOME=$T/state LC_ALL=C.UTF-8 TMUX_TMPDIR=$T
  export SHELL=$BASH
  unset LUA_INIT LUA_INIT_5_4 LUA_PATH LUA_CPATH INPUTRC TMUX
}

teardown() {
  if [ -n "$SERVER" ]; then tmux -L "$SERVER" kill-server 2>/dev/null || true; fi
  if [ -n "$LISTENER" ]; then kill "$LISTENER" 2>/dev/null || true; fi
}

# Starts the command in a new terminal.
start() {
  command -v tmux >/dev/null || skip "no tmux here"
  SERVER=portinfo
  tmux -L "$SERVER" -f /dev/null new-session -d -x 80 -y 40 "env TERM=xterm $*; exec cat" 3>&-
}

screen() { tmux -L "$SERVER" capture-pane -J -p -S - -E - | sed 's/ *$//'; }

# Polls, at most 20 seconds.
until_true() {
  local i
  for ((i = 0; i < 200; i++)); do
    if "$@"; then return 0; fi
    sleep 0.1
  done
  screen | grep -v '^$'
  return 1
}

ends_with() { [ "$(screen | grep -v '^$' | tail -n 1)" = "$1" ]; }
has() { screen | grep -qE -- "$1"; }
shows() { until_true ends_with "$1"; }
sees() { until_true has "$1"; }

keys() { tmux -L "$SERVER" send-keys "$@"; }

# Types, presses Tab, and waits for the line.
completes() {
  keys -l -- "$1"
  keys Tab
  shows "$2"
}

# Listens on a port of 127.0.0.1 under a name, and tells the port.
listen() {
  command -v python3 >/dev/null || skip "no python3 here"
  mkfifo "$T/news"
  python3 -c '
import socket, sys, time
open("/proc/self/comm", "w").write(sys.argv[1])
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen()
print(s.getsockname()[1], flush=True)
time.sleep(300)' "$1" >"$T/news" 3>&- &
  LISTENER=$!
  read -r PORT <"$T/news"
}
