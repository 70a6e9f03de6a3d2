#!/usr/bin/env bats
# repl.bats: the prompt, on a terminal of 80 columns and 24 lines.

load helpers/pty

@test "it greets, and prompts" {
  start
  has 'portinfo 0.'
  has 'registry of 20'
  waits
}

@test "it shows values of expressions, and remembers the last as _" {
  start
  type_line '1 + 1'
  sees_line 2
  type_line '_ * 21'
  sees_line 42
  type_line '"a", nil, true'
  sees_line nil
  sees_line true
  type_line '=7 + 1'
  sees_line 8
  type_line 'local x = 1'
  prompts
  goes_on
}

@test "it shows a query as a table that fits the screen, with its remarks" {
  start
  type_line "pi.listening()"
  until_true eval 'screen | grep -q "^([0-9]* socket"'
  lacks wide
  goes_on
}

@test "an unfinished chunk goes on in the next line, until it is complete" {
  start
  type_line 'for i = 1, 2 do'
  type_line 'print("line", i)'
  type_line 'end'
  sees 'line    2'
  type_line '1 +'
  type_line '41'
  sees_line 42
  goes_on
}

@test "a mistake is one line, without frames of ours" {
  start
  type_line 'x = = 1'
  sees_line "chunk 1:1: unexpected symbol near '='"
  type_line 'local function f() error "deep" end f()'
  sees_line 'chunk 2:1: deep'
  type_line "pi.sockets{lprt = 1}"
  sees "unknown field 'lprt': did you mean 'lport'?"
  type_line "'open"
  sees 'unfinished string'
  type_line 'error{}'
  sees_line 'an error without a message: a table value'
  type_line 'error(setmetatable({}, {__tostring = function() error "no" end}))'
  type_line 'setmetatable({}, {__tostring = function() error "no" end})'
  sees_line 'table whose __tostring fails'
  lacks has 'traceback'
  lacks has '.lua:'
  goes_on
}

@test "Ctrl-D leaves" {
  start
  leave
}

@test "Ctrl-C clears the line" {
  start
  keys -l 'error "never run"'
  sees 'never run"'
  keys C-c
  prompts
  type_line '"fresh"'
  sees_line fresh
  lacks has ": never run"
  leave
}

@test "Ctrl-C gives up an unfinished chunk" {
  start
  type_line 'for i = 1, 2 do'
  keys C-c
  goes_on
  leave
}

@test "Ctrl-C stops what runs, whatever it is, and never the session" {
  start
  for code in \
    'while true do end' \
    'while true do pcall(function() end) end' \
    'while true do pcall(function() while true do end end) end' \
    'coroutine.wrap(function() while true do end end)()' \
    'coroutine.wrap(function() while true do pcall(error) end end)()' \
    'while true do pi.search "http" end' \
    'while true do pcall(pi.sockets().count, pi.sockets()) end'; do
    keys C-l
    tmux -L "$SERVER" clear-history
    prompts
    type_line "print 'there' $code"
    sees_line there
    keys C-c
    sees_line interrupted
    goes_on
  done
  leave
}

@test "Ctrl-C twice, quickly, is no more than once" {
  start
  for i in 1 2 3; do
    keys C-l
    prompts
    type_line "print('there', $i) while true do pcall(error) end"
    sees "there   $i"
    keys C-c C-c C-c
    goes_on
  done
  keys C-c C-c
  goes_on
  leave
}

@test "a signal at the prompt ends the session, and leaves the terminal as it was" {
  for name in TERM HUP QUIT; do
    start_shell
    # no prompt of a shell in between, which would mend the terminal
    printf '%s\n' 'ulimit -c 0' "sh -c 'echo \$\$ >$T/pid; exec $PORTINFO'" 'stty -a' >"$T/run"
    type_line "sh $T/run"
    prompts
    keys -l 'left'
    sees 'portinfo> left'
    kill -"$name" "$(<"$T/pid")"
    sees 'icanon'
    has ' echo '
    lacks has '-icanon'
  done
}

@test "Ctrl-Z stops the session, and fg shows the line again" {
  start_shell
  type_line "$PORTINFO"
  prompts
  keys -l '"kept" .. 1'
  sees '"kept" .. 1'
  keys C-z
  sees Stopped
  keys C-l
  type_line 'clear; stty -a | grep -o " icanon"; fg'
  prompts 'portinfo> "kept" .. 1'
  has_line ' icanon'
  keys -l ' + 1'
  prompts 'portinfo> "kept" .. 1 + 1'
  keys Enter
  sees_line kept2
  goes_on
}

@test "history is kept, chunk by chunk, in a file of ours alone" {
  start
  type_line 'for i = 1, 2 do'
  type_line 'print("seen", i)'
  type_line 'end'
  sees 'seen    2'
  leave
  [ -f "$HISTORY" ]
  [ "$(stat -c %a "$HISTORY")" = 600 ]
  [ "$(stat -c %a "$T/state/portinfo")" = 700 ]
  start
  keys Up
  sees 'print("seen", i)'
  keys Enter
  sees 'seen    2'
  leave
}

@test "two sessions at once keep the history of both" {
  start
  type_line '"one"'
  sees_line one
  local first=$SERVER
  SERVER=
  start
  type_line '"two"'
  sees_line two
  OTHER=$SERVER
  SERVER=$first
  type_line '"three"'
  sees_line three
  leave
  tmux -L "$OTHER" kill-server
  [ "$(grep -v '^#' "$HISTORY" | tr '\n' ' ')" = '"one" "two" "three" ' ]
}

@test "a long history loses its oldest chunks when it is loaded" {
  mkdir -p "$T/state/portinfo"
  for ((i = 1; i <= 2010; i++)); do printf '#%s\n"n%s"\n' "$i" "$i"; done >"$HISTORY"
  start
  leave
  [ "$(grep -c '"n' "$HISTORY")" -eq 2000 ]
  lacks grep -q '"n10"' "$HISTORY"
  grep -q '"n11"' "$HISTORY"
}

@test "history is below HOME when nothing else is said" {
  start -u XDG_STATE_HOME
  type_line '"kept"'
  sees_line kept
  leave
  grep -q '"kept"' "$T/.local/state/portinfo/history"
}

@test "without a HOME there is no history, and no complaint" {
  start -u XDG_STATE_HOME -u HOME
  goes_on
  leave
  lacks has history
}

@test "a history that is a folder is told once, and not touched" {
  mkdir -p "$HISTORY"
  start
  goes_on
  leave
  [ "$(screen | grep -c "history is not kept: $HISTORY: not a file of ours")" -eq 1 ]
  [ -d "$HISTORY" ]
}

@test "a history that is a link is not followed" {
  mkdir -p "$T/state/portinfo"
  echo precious >"$T/precious"
  ln -s "$T/precious" "$HISTORY"
  start
  goes_on
  leave
  [ "$(screen | grep -c "history is not kept: $HISTORY: not a file of ours")" -eq 1 ]
  [ "$(<"$T/precious")" = precious ]
}

@test "a history that cannot be written is told once, and the session ends well" {
  echo "no folder" >"$T/state"
  start
  goes_on
  goes_on
  leave
  [ "$(screen | grep -c "history is not kept: $HISTORY: Not a directory")" -eq 1 ]
}

@test "history outlives a session that ends in the middle" {
  start
  type_line 'os.exit(3)'
  sees_line 'status 3'
  grep -q 'os.exit(3)' "$HISTORY"
}

@test "a dumb terminal will do" {
  TERMINAL=dumb start
  type_line '6 * 7'
  sees_line 42
  type_line 'for i = 1, 2 do print("dumb", i)'
  prompts '      ..>'
  type_line 'end'
  sees_line 'dumb    2'
  type_line 'f('
  prompts '      ..>'
  keys C-c
  goes_on
  type_line 'pi.search "http"'
  goes_on # nothing is paged
  leave
}

@test "-e and a script may come before the prompt" {
  ARGUMENTS="-i -e before=5" start
  type_line 'before + 1'
  sees_line 6
  leave
}

@test "a hostile process name reaches the screen as text alone" {
  local proc=$T/proc rest="00000000:00000000 00:00000000 00000000"
  mkdir -p "$proc/net" "$proc/42/fd"
  printf 'x\n   0: 00000000:0016 00000000:0000 0A %s 0 0 11 1 0\n' "$rest" >"$proc/net/tcp"
  touch "$proc/net/dev" "$proc/net/protocols" "$proc/net/tcp6" "$proc/net/udp" "$proc/net/udp6"
  printf '42 (\033]0;OWN\007\033[2J) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0\n' \
    >"$proc/42/stat"
  ln -s 'socket:[11]' "$proc/42/fd/3"
  ARGUMENTS=--no-pager start
  tmux -L "$SERVER" pipe-pane "cat >'$T/raw'"
  type_line "q = pi.sockets(nil, {backend = 'proc', proc = '$proc'})"
  prompts
  type_line 'q'
  sees '(1 socket'
  has '\x1b]0;'
  type_line 'print(q:first().process, "printed")'
  sees 'printed'
  type_line 'q:first().process'
  prompts
  type_line 'r = q:first() _ = r.process'
  prompts
  type_line 'r'
  prompts
  type_line 'tostring(r), {r.process}, error(r.process)'
  goes_on
  grep -q OWN "$T/raw"
  lacks grep -qaF $'\033]0;OWN' "$T/raw"
  lacks grep -qaF $'\007' "$T/raw"
}
