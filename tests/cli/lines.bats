#!/usr/bin/env bats
# lines.bats: editing at the prompt: chunks of several lines, pastes, history, and
# whatever a keyboard or an inputrc may send.

load helpers/pty

needs_readline() {
  "$PORTINFO" --version | grep -q 'editor: GNU readline' || skip 'not built with GNU readline'
}

# Pastes a file as a terminal does, in brackets.
paste() {
  tmux -L "$SERVER" load-buffer -b pasted "$1"
  tmux -L "$SERVER" paste-buffer -p -b pasted
}

@test "Enter in an unfinished chunk adds a line to it, which stays to be edited" {
  needs_readline
  start
  type_line 'for i = 1, 2 do'
  type_line 'print("line", j)'
  keys Up End Left BSpace
  keys -l i
  keys Down
  type_line 'end'
  sees_line 'line    1'
  sees_line 'line    2'
  lacks has '..>'
  goes_on
}

@test "Up brings a whole chunk back, to be edited and run again" {
  needs_readline
  start
  type_line 'for i = 1, 2 do'
  type_line 'print("old", i)'
  type_line 'end'
  sees_line 'old     2'
  keys Up Up End BSpace
  keys -l ' .. "new")'
  keys Enter
  sees_line 'old     2new'
  goes_on
}

@test "Ctrl-R finds a chunk, of an earlier session too" {
  needs_readline
  start
  type_line 'local function needle()'
  type_line 'return "found it" end print(needle())'
  sees_line 'found it'
  leave
  start
  type_line '1'
  sees_line 1
  keys C-r
  keys -l needle
  sees 'return "found it" end'
  keys Enter
  sees_line 'found it'
  goes_on
}

@test "Ctrl-C leaves a chunk behind whatever line the cursor is in" {
  needs_readline
  start
  type_line 'print(1,'
  type_line '2,'
  type_line '"last",'
  keys Up Up C-c
  prompts
  has '"last",'
  goes_on
}

@test "a paste of many lines is one chunk, and waits for Enter" {
  needs_readline
  printf 'local list = {}\nfor i = 1, 3 do\n\tlist[i] = i * 2\nend\nprint("sum", list[1] + list[2] + list[3])\n' >"$T/code"
  start
  paste "$T/code"
  sees 'print("sum"'
  lacks has 'sum     12'
  keys Enter
  sees_line 'sum     12'
  goes_on
  leave
  [ "$(grep -c '^#[0-9]' "$HISTORY")" -eq 2 ]
}

@test "lines that come as keys are chunks one by one" {
  start
  printf 'x = 1\nx = x + 1\nprint("x is", x)\n' >"$T/code"
  tmux -L "$SERVER" load-buffer -b typed "$T/code"
  tmux -L "$SERVER" paste-buffer -b typed
  sees_line 'x is    2'
  goes_on
}

# What comes close behind Ctrl-C belongs to the paste that it gives up.
answers() {
  keys C-c
  sleep 0.5
  type_line '"still here"'
  has_line 'still here'
}

@test "a pasted binary file is a mistake at most" {
  needs_readline
  head -c 3000 "$PORTINFO" >"$T/binary"
  start
  paste "$T/binary"
  until_true answers
  leave
}

# Its Ctrl-C comes before its first byte was read.
@test "a binary file that is pasted while the machine is busy is a mistake at most" {
  needs_readline
  printf '\1\3\4\4\n\4' >"$T/binary"
  start
  shell=$(tmux -L "$SERVER" display-message -p '#{pane_pid}')
  ours=$(tr -d ' ' <"/proc/$shell/task/$shell/children")
  kill -STOP "$ours"
  paste "$T/binary"
  sleep 0.2
  kill -CONT "$ours"
  until_true answers
  leave
}

@test "a paste that never ends is given up by Ctrl-C" {
  needs_readline
  start
  keys Escape
  keys -l '[200~print("half'
  keys Enter
  until_true answers
  goes_on
  leave
}

@test "a line of a megabyte runs, and is not kept" {
  needs_readline
  printf 'big = "%s" print("length", #big)' "$(head -c 1000000 /dev/zero | tr '\0' a)" >"$T/code"
  start
  paste "$T/code"
  sees 'print("length"'
  keys Enter
  sees 'length  1000000'
  keys C-l
  tmux -L "$SERVER" clear-history
  goes_on
  leave
  [ "$(wc -c <"$HISTORY")" -lt 1000 ]
}

@test "a NUL in a chunk is a mistake, and no end of it" {
  printf '"a\0b", 7\nreturn 1 \0 2\n"next"\n' | HOME=$T "$PORTINFO" -i -e 1 >"$T/out" 2>&1
  grep -q '7$' "$T/out"
  grep -qF '\x00' "$T/out"
  grep -qF 'chunk 2:1: <eof> expected' "$T/out"
  grep -q 'next' "$T/out"
  lacks grep -qaP '\x00' "$T/out"
}

@test "a chunk that never ends is left by Ctrl-C, and by the end of the input" {
  start
  for ((i = 0; i < 30; i++)); do type_line "f($i,"; done
  sees 'f(29,'
  keys C-c
  goes_on
  leave
  printf 'f(\n' | HOME=$T "$PORTINFO" -i -e 1 >"$T/out" 2>&1
  grep -q "near <eof>" "$T/out"
}

@test "an inputrc may speak to portinfo alone" {
  needs_readline
  printf '$if portinfo\n"\\C-g": "\\"bound\\" .. 7\\n"\n$endif\n$if other\n"\\C-t": "no"\n$endif\n' >"$T/inputrc"
  start "INPUTRC=$T/inputrc"
  keys C-g
  sees_line bound7
  goes_on
}

@test "vi's keys may be chosen" {
  needs_readline
  echo 'set editing-mode vi' >"$T/inputrc"
  start "INPUTRC=$T/inputrc"
  type_line 'print("vi",'
  type_line '#"mode")'
  sees_line 'vi      4'
  goes_on
}

@test "a broken inputrc is told of, and the session goes on" {
  needs_readline
  printf 'set nonsense on\n"\\C-x: unclosed\n$if\n\001\002\n' >"$T/inputrc"
  start "INPUTRC=$T/inputrc"
  goes_on
  leave
}

@test "a terminal of 40 columns will do" {
  SIZE="-x 40 -y 12" start
  type_line '("wide"):rep(3, " a long way to go beyond the edge ")'
  sees 'wide a long way'
  type_line 'for i = 1, 2 do'
  type_line 'print("narrow", i) end'
  sees_line 'narrow  2'
  goes_on
  leave
}

@test "a terminal may change its size in the middle of a chunk" {
  start
  type_line 'for i = 1, 2 do'
  keys -l 'print("sized", i,'
  tmux -L "$SERVER" resize-window -x 50 -y 15
  sees 'print("sized", i,'
  keys -l ' "end") end'
  keys Enter
  sees_line 'sized   2       end'
  tmux -L "$SERVER" resize-window -x 100 -y 30
  goes_on
  leave
}

@test "it works under script" {
  command -v script >/dev/null || skip 'no script here'
  (
    until grep -q 'portinfo> ' "$T/log" 2>/dev/null; do sleep 0.1; done
    printf 'print("under",\r"script")\r'
    until grep -q 'under.*script' "$T/log"; do sleep 0.1; done
    printf '\004'
  ) | TERM=xterm timeout 60 script -qefc "$PORTINFO" "$T/log" >/dev/null
  grep -q "$(printf 'under\tscript')" "$T/log"
}
