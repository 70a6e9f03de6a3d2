#!/usr/bin/env bats
# pager.bats: what does not fit the screen goes to a pager, from the prompt and the
# command.

load helpers/pty

setup_file() {
  export LARGE=$BATS_FILE_TMPDIR/proc
  mkdir -p "$LARGE/net"
  touch "$LARGE/net/dev" "$LARGE/net/protocols" "$LARGE/net/tcp6" "$LARGE/net/udp" "$LARGE/net/udp6"
  awk 'BEGIN {
    print "x"
    for (i = 1; i <= 100000; i++)
      printf "%d: 0100007F:%04X 0200007F:%04X 01 00000000:00000000 00:00000000 00000000 0 0 %d 1 0\n", i, 1024 + i % 50000, 1 + i / 50000, i
  }' >"$LARGE/net/tcp"
}

needs_less() { command -v less >/dev/null || skip 'no less here'; }

# The last line of the screen is less's own.
in_less() { tmux -L "$SERVER" capture-pane -p | grep -v '^$' | tail -n 1 | grep -qE '^(:|\(END\))$'; }

long='for i = 1, 60 do lines = (lines or "") .. "line " .. i .. "\n" end return lines'

@test "what is longer than the screen is paged, and the rest is there" {
  needs_less
  start
  type_line "$long"
  until_true in_less
  lacks has_line 'line 60'
  keys G
  sees_line 'line 60'
  keys q
  goes_on
  leave
}

@test "what fits is not paged" {
  start "PAGER='touch $T/paged; cat'"
  type_line '("short\n"):rep(20)'
  sees_line short
  goes_on
  [ ! -e "$T/paged" ]
  type_line '("long\n"):rep(24)'
  sees_line long
  goes_on
  [ -e "$T/paged" ]
}

@test "long lines count as the lines they take" {
  start "PAGER='touch $T/paged; cat'"
  type_line '("wide"):rep(20 * 24)'
  goes_on
  [ -e "$T/paged" ]
}

@test "a hundred thousand rows are paged, and leaving them early is no error" {
  needs_less
  start
  type_line "pi.sockets(nil, {backend = 'proc', proc = '$LARGE'})"
  until_true in_less
  keys q
  goes_on
  type_line ".mode ndjson"
  type_line "pi.sockets(nil, {backend = 'proc', proc = '$LARGE'})"
  until_true in_less
  keys q
  goes_on
  leave
}

@test "Ctrl-C in the pager leaves the session, and what it remembers, alone" {
  needs_less
  start
  type_line "$long"
  until_true in_less
  keys C-c
  until_true in_less
  keys C-c C-c
  until_true in_less
  keys q
  goes_on
  type_line '#lines > 100'
  sees_line true
  leave
}

@test "Ctrl-C stops a long question, and only that" {
  start
  type_line "q = pi.sockets(nil, {backend = 'proc', proc = '$LARGE'})"
  type_line "print 'asking' while true do pcall(q.count, q) end"
  sees_line asking
  keys C-c
  sees_line interrupted
  goes_on
  type_line "print 'rows' while true do pcall(function() for r in q:each() do r = r.lport end end) end"
  sees_line rows
  keys C-c
  goes_on
  leave
}

@test "a pager that is not there is told once, and the text is shown" {
  start "PAGER=no-such-pager"
  type_line "$long"
  sees_line 'line 60'
  type_line 'lines'
  goes_on
  [ "$(screen | grep -c "no pager: there is no program 'no-such-pager' (PAGER)")" -eq 1 ]
  leave
}

@test "without less, and without a wish, the text is just shown" {
  mkdir "$T/bin"
  for name in sh env cat sleep tail; do ln -s "$(command -v "$name")" "$T/bin/$name"; done
  start "PATH=$T/bin"
  type_line "$long"
  sees_line 'line 60'
  goes_on
  lacks has 'no pager'
}

@test "an empty PAGER, --no-pager and a dumb terminal mean no pager" {
  start "PAGER="
  type_line "$long"
  sees_line 'line 60'
  goes_on
  ARGUMENTS=--no-pager start
  type_line "$long"
  sees_line 'line 60'
  goes_on
  TERMINAL=dumb start
  type_line "$long"
  sees_line 'line 60'
  goes_on
}

@test "less is told how, unless LESS says it" {
  start "PAGER='echo less \$LESS; cat >/dev/null'"
  type_line "$long"
  sees_line 'less FRX'
  goes_on
  start "LESS=S" "PAGER='echo less \$LESS; cat >/dev/null'"
  type_line "$long"
  sees_line 'less S'
  goes_on
}

@test "a pager may come with arguments and settings" {
  start "PAGER='MARK=on sh -c \"echo mark \\\$MARK; cat >/dev/null\"'"
  type_line "$long"
  sees_line 'mark on'
  goes_on
}

@test "the timer does not count what is read in the pager" {
  needs_less
  start
  type_line '.timer on'
  type_line "$long"
  until_true in_less
  keys q
  until_true eval "screen | grep -qxE '\([0-9.]+ ms\)'"
  goes_on
}

@test "the command pages on a terminal, and nowhere else" {
  needs_less
  start_shell
  type_line "$PORTINFO ls --backend proc --proc $LARGE --limit 50; echo status \$?"
  until_true in_less
  lacks has 'status 0'
  keys q
  sees_line 'status 0'
  keys C-l
  type_line "clear; $PORTINFO --no-pager ls --backend proc --proc $LARGE --limit 50; echo status \$?"
  sees_line 'status 0'
  type_line "clear; PAGER='touch $T/paged; cat' $PORTINFO ls --backend proc --proc $LARGE | tail -n 1; echo piped"
  sees_line piped
  [ ! -e "$T/paged" ]
}
