# pty.bash: for tests of the prompt on a terminal, of 80 columns and 24 lines unless
# SIZE says otherwise ("-x 40 -y 12").

setup() {
  command -v tmux >/dev/null || skip "no tmux here"
  cd "$BATS_TEST_DIRNAME/../.." || return 1
  PORTINFO=$PWD/${BUILD:-build}/portinfo
  [[ ${BUILD:-build} != /* ]] || PORTINFO=$BUILD/portinfo
  T=$BATS_TEST_TMPDIR
  HISTORY=$T/state/portinfo/history
  export HOME=$T XDG_STATE_HOME=$T/state LC_ALL=C.UTF-8 TMUX_TMPDIR=$T
  export SHELL=$BASH # which outlives Ctrl-C; an account may have none to log in with
  unset LUA_INIT LUA_INIT_5_4 LUA_PATH LUA_CPATH INPUTRC TMUX PAGER LESS XDG_CONFIG_HOME
}

teardown() { stop; }

# A server that was told to end may still take calls: each session has its own.
stop() {
  if [ -n "$SERVER" ]; then tmux -L "$SERVER" kill-server 2>/dev/null || true; fi
}

# Starts the command in a new terminal, with further settings of env, and waits for
# its prompt. When it ends, its status is shown.
start() {
  stop
  SESSIONS=$((${SESSIONS:-0} + 1))
  SERVER=portinfo$SESSIONS
  tmux -L "$SERVER" -f /dev/null new-session -d ${SIZE:--x 80 -y 24} \
    "env $* TERM=${TERMINAL:-xterm} $PORTINFO $ARGUMENTS; echo status \$?; exec cat" 3>&-
  sees 'Try pi.listening() or .help'
  prompts
}

screen() { tmux -L "$SERVER" capture-pane -J -p -S - -E - | sed 's/ *$//'; }

# Polls, at most a minute: a build that counts its lines takes its time.
until_true() {
  local i
  for ((i = 0; i < 600; i++)); do
    if "$@"; then return 0; fi
    sleep 0.1
  done
  screen | grep -v '^$'
  return 1
}

has() { screen | grep -qF -- "$1"; }
shows_line() { tmux -L "$SERVER" capture-pane -p | sed 's/ *$//' | grep -qxF -- "$1"; }
has_line() { screen | grep -qxF -- "$1"; }
waits() { [ "$(screen | grep -v '^$' | tail -n 1)" = "${1:-portinfo>}" ]; }

wide() { screen | grep -qE '^.{81}'; }
lacks() { ! "$@"; }

sees() { until_true has "$1"; }
sees_line() { until_true has_line "$1"; }
prompts() { until_true waits "$@"; }

keys() { tmux -L "$SERVER" send-keys "$@"; }

# Types a line and Enter.
type_line() {
  keys -l -- "$1"
  keys Enter
}

# The session takes further lines.
goes_on() {
  prompts
  COUNT=$((${COUNT:-0} + 1))
  type_line "'alive ' .. $COUNT"
  sees_line "alive $COUNT"
}

# Ends the session as a person does.
leave() {
  prompts
  keys C-d
  sees_line 'status 0'
}

# The shell of the terminal stays, and takes our words.
start_shell() {
  stop
  SESSIONS=$((${SESSIONS:-0} + 1))
  SERVER=portinfo$SESSIONS
  tmux -L "$SERVER" -f /dev/null new-session -d -x 80 -y 24 \
    "env TERM=xterm PS1='sh: ' bash --norc --noprofile --noediting" 3>&-
  prompts sh:
}
