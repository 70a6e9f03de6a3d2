#!/usr/bin/env bats
# words.bats: the dot commands of the prompt, its own file, and what it reads first.

load helpers/pty

# A folder as procfs has it, with $1 TCP listeners of ports 1, 2 ..., all held by a
# process whose name is $2.
fake_proc() {
  PROC=$T/proc
  mkdir -p "$PROC/net" "$PROC/42/fd"
  touch "$PROC/net/dev" "$PROC/net/protocols" "$PROC/net/tcp6" "$PROC/net/udp" "$PROC/net/udp6"
  awk -v n="$1" 'BEGIN {
    print "x"
    for (i = 1; i <= n; i++)
      printf "%d: 0100007F:%04X 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 %d 1 0\n", i, i % 65536, i
  }' >"$PROC/net/tcp"
  printf '42 (%b) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0\n' "${2:-sshd}" >"$PROC/42/stat"
  ln -s 'socket:[22]' "$PROC/42/fd/3"
  PROC_OPTIONS="{backend = 'proc', proc = '$PROC'}"
}

@test "_ and __ are the last values, _err the last error" {
  start
  type_line '"first"'
  type_line '"second"'
  type_line 'print(__, _, "both")'
  sees_line 'first   second  both'
  type_line 'error {code = 7}'
  type_line '"code " .. _err.code'
  sees_line 'code 7'
  goes_on
}

@test ".help tells of everything, and of a topic" {
  ARGUMENTS=--no-pager start
  type_line '.help'
  sees '.watch'
  type_line '.help fields'
  sees "the holder's control group"
  type_line '.fields'
  sees "the holder's control group"
  type_line '.help nothing-like-it'
  sees "'nothing-like-it'"
  type_line '.apropos cgroup'
  sees 'cgroup'
  type_line '.apropos nothing-like-it'
  sees_line "nothing is said of 'nothing-like-it'"
  type_line '.apropos'
  sees 'name a word'
  goes_on
  type_line '.quit'
  sees_line 'status 0'
}

@test "an unknown word is answered with the nearest" {
  start
  type_line '.hlep'
  sees_line 'unknown command .hlep: did you mean .help?'
  type_line '.zzzzzz'
  sees_line 'unknown command .zzzzzz; see .help'
  type_line '.25 + 1'
  sees_line 1.25
  goes_on
}

@test ".mode chooses how queries print" {
  fake_proc 2
  start
  type_line "q = pi.sockets(nil, $PROC_OPTIONS):select('lport', 'state')"
  type_line '.mode'
  sees_line 'queries print as table'
  type_line '.mode tsv'
  sees_line 'queries print as tsv'
  type_line 'q'
  sees_line '1       listen'
  type_line '.mode csv'
  type_line 'q'
  sees_line '2,listen'
  type_line '.mode ndjson'
  type_line 'q'
  sees_line '{"v":1,"lport":1,"state":"listen"}'
  type_line '.mode json'
  type_line 'q'
  sees_line '{"v":1,"lport":1,"state":"listen"},'
  type_line '.mode {state}/{lport}'
  type_line 'q'
  sees_line 'listen/2'
  type_line '.mode table'
  type_line 'q'
  sees_line '    1  listen'
  goes_on
}

@test ".mode line prints a line for each field" {
  fake_proc 1
  ARGUMENTS=--no-pager start
  type_line ".mode line"
  type_line "pi.sockets(nil, $PROC_OPTIONS)"
  until_true eval "screen | grep -q 'lport: *1$'"
  type_line "pi.sockets(nil, $PROC_OPTIONS):tally 'lport'"
  until_true eval "screen | grep -q 'count: *1$'"
  goes_on
}

@test ".mode names what there is, and points at a wrong field" {
  start
  type_line '.mode nsjdon'
  sees "no mode 'nsjdon'"
  type_line '.mode {lprt}'
  sees '"lprt" is no field: did you mean {lport}?'
  sees_line '   ^^^^'
  type_line '.mode'
  sees_line 'queries print as table'
  goes_on
}

@test "a hostile name is no command to the terminal, in any mode" {
  fake_proc 22 '\033]0;OWN\007\302\233\342\200\256\377'
  ARGUMENTS=--no-pager start
  tmux -L "$SERVER" pipe-pane "cat >'$T/raw'"
  type_line "q = pi.sockets('lport = 22', $PROC_OPTIONS)"
  for mode in tsv csv json ndjson line '{process}' table; do
    type_line ".mode $mode"
    type_line 'q'
    type_line "'did $mode'"
    sees_line "did $mode"
  done
  goes_on
  grep -q OWN "$T/raw"
  lacks grep -qaF $'\033]0;OWN' "$T/raw"
  lacks grep -qaP '\x07|\xc2\x9b|\xe2\x80\xae|\xff' "$T/raw"
}

@test ".timer tells the time of a chunk" {
  start
  type_line '.timer on'
  sees_line 'the timer is on'
  type_line '"timed"'
  until_true eval "screen | grep -qxE '\([0-9.]+ ms\)'"
  type_line '.timer off'
  sees_line 'the timer is off'
  type_line '.timer maybe'
  sees_line "the timer is on or off, not 'maybe'"
  goes_on
}

@test ".last prints the last value again" {
  start
  type_line '.last'
  type_line '"val" .. "ue", 7'
  sees_line value
  prompts
  keys C-l
  until_true lacks shows_line value
  tmux -L "$SERVER" clear-history # where what is cleared goes
  until_true lacks has_line value
  type_line 'local nothing'
  type_line '.last'
  sees_line value
  sees_line 7
  goes_on
}

@test ".explain tells the plan of a query, a filter, a variable" {
  start
  type_line '.explain pi.who(22)'
  sees_line 'kernel   lport = 22'
  type_line '.explain established lport > 1024'
  sees_line 'kernel   lport = 1025..65535'
  type_line 'q = pi.sockets "lport = 99"'
  type_line '.explain q'
  sees_line 'kernel   lport = 99'
  type_line '.explain tcp listning'
  sees_line '      ^^^^^^^^'
  type_line '.explain pi.nothing()'
  sees "chunk 6:1: attempt to call a nil value (field 'nothing')"
  type_line '.explain 5'
  sees_line '.explain takes a query or a filter, not a number'
  type_line '.explain'
  sees 'name a query'
  goes_on
}

@test ".save, .open and .diff keep readings, ask them again, and compare them" {
  fake_proc 3
  start
  type_line ".save $T/one.ndjson pi.sockets(nil, $PROC_OPTIONS)"
  sees_line "saved 3 sockets to $T/one.ndjson"
  type_line ".save '$T/with space' pi.sockets('lport < 3', $PROC_OPTIONS)"
  sees_line "saved 2 sockets to $T/with space"
  type_line '.open ~/one.ndjson'
  sees 'reading: 3 sockets, read 20'
  type_line '"ports " .. reading:where("lport > 1"):count() .. " " .. _:count()'
  sees_line 'ports 2 3'
  type_line ".diff reading '$T/with space'"
  sees_line '- tcp listen 127.0.0.1:3'
  keys C-l
  type_line ".diff $T/one.ndjson reading"
  sees '(no difference)'
  goes_on
}

@test ".save and .open say what went wrong" {
  start
  type_line '.save'
  sees 'name a file'
  type_line ".save $T/no/folder"
  sees_line "cannot write $T/no/folder: No such file or directory"
  type_line ".save $T/x 5"
  sees_line '.save takes a query or a reading, not a number'
  type_line ".open $T/missing"
  sees_line "$T/missing: No such file or directory"
  echo nonsense >"$T/nonsense"
  type_line ".open $T/nonsense"
  sees "$T/nonsense: "
  type_line '.diff'
  sees '.diff takes a reading'
  type_line '.diff a b c'
  goes_on
  [ ! -e "$T/x" ]
}

@test ".diff compares with now" {
  start
  type_line ".save $T/now.ndjson lport = 1"
  sees 'saved '
  type_line ".diff $T/now.ndjson"
  sees "$T/now.ndjson: read 20"
  goes_on
}

@test ".watch repeats an expression until Ctrl-C, on a clear screen" {
  start
  type_line 'n = 0'
  type_line 'function count() n = n + 1 return "seen " .. n end'
  type_line '.watch 0.1 count()'
  sees_line 'seen 3'
  lacks eval "tmux -L \$SERVER capture-pane -p | grep -q Try"
  has 'every 0.1 s'
  keys C-c
  goes_on
  type_line '.watch listening'
  sees 'every 2 s'
  sees 'socket'
  keys C-c
  goes_on
}

@test ".watch cuts what the screen has no room for, and pages nothing" {
  fake_proc 100
  start
  type_line "q = pi.sockets(nil, $PROC_OPTIONS)"
  type_line '.watch q'
  sees 'every 2 s'
  until_true eval "screen | grep -q ' more'"
  keys C-c
  goes_on
}

@test ".watch ends with a mistake, and takes a time that makes sense" {
  start
  type_line '.watch nothing.at.all'
  sees "attempt to index a nil value (global 'nothing')"
  type_line '.watch 0 1'
  sees_line 'every how many seconds: from 0.1 to 86400, not 0'
  type_line '.watch'
  sees 'name what to watch'
  goes_on
}

@test ".watch on a dumb terminal clears nothing" {
  TERMINAL=dumb start
  tmux -L "$SERVER" pipe-pane "cat >'$T/raw'"
  type_line '.watch 0.1 "dumb"'
  until_true eval "[ \$(screen | grep -cx dumb) -gt 1 ]"
  keys C-c
  goes_on
  lacks grep -qaF $'\033[2J' "$T/raw"
}

@test "Ctrl-C ends a watch whose expression never does" {
  start
  type_line 'function f() while true do pcall(error) end end'
  type_line '.watch 0.1 f()'
  type_line ''
  keys C-c
  goes_on
}

@test "a mistake shows its line, and a caret where there is a place" {
  start
  type_line 'x = = 1'
  sees_line "chunk 1:1: unexpected symbol near '='"
  sees_line '      ^'
  type_line 'for i = 1, 2 do'
  type_line '  local y = nothing.field'
  type_line 'end'
  sees_line "chunk 2:2: attempt to index a nil value (global 'nothing')"
  sees_line '              ^^^^^^^'
  type_line 'function later() return missing() end'
  type_line '"between"'
  type_line 'later()'
  sees_line "chunk 3:1: attempt to call a nil value (global 'missing')"
  sees_line '                          ^^^^^^^'
  lacks has 'traceback'
  lacks has '.lua:'
  goes_on
}

@test "tables that are endless, huge or hostile are shown, or told of" {
  start
  type_line 't = {} t.t = t return t'
  sees_line 't: {t = {...}}'
  type_line 'h = {} for i = 1, 1000000 do h[i] = i end'
  type_line 'h'
  sees '1: 1'
  keys G
  sees 'and 999900 more'
  keys q
  goes_on
  type_line 'setmetatable({}, {__tostring = function() while true do pcall(error) end end})'
  type_line ''
  keys C-c
  goes_on
  type_line 'print(setmetatable({}, {__tostring = function() error "no" end}))'
  goes_on
}

# ---- The file of one's own -----------------------------------------------------

write_rc() {
  mkdir -p "$T/config/portinfo"
  RC=$T/config/portinfo/rc.lua
  cat >"$RC"
  chmod 600 "$RC"
}

@test "rc.lua is run before the prompt, and there alone" {
  write_rc < <(echo 'function mine() return "of my own " .. pi.port(22).number end')
  export XDG_CONFIG_HOME=$T/config
  start
  type_line 'mine()'
  sees_line 'of my own 22'
  ARGUMENTS=--no-rc start
  type_line 'mine'
  sees_line nil
  run "$PORTINFO" -e mine
  [ "$output" = nil ]
}

@test "rc.lua is below HOME when nothing else is said, and may be a link" {
  write_rc < <(echo 'own = "linked"')
  mkdir -p "$T/.config/portinfo"
  ln -s "$RC" "$T/.config/portinfo/rc.lua"
  start
  type_line 'own'
  sees_line linked
}

@test "rc.lua that others may write to, or that is no file, is not run" {
  write_rc < <(echo 'print "must not run"')
  export XDG_CONFIG_HOME=$T/config
  for mode in 620 602; do
    chmod "$mode" "$RC"
    start
    has_line "$RC is not run: others may write to it"
    goes_on
  done
  rm "$RC"
  mkfifo "$RC"
  start
  has_line "$RC is not run: not a plain file"
  goes_on
  rm "$RC"
  mkdir "$RC"
  start
  has_line "$RC is not run: not a plain file"
  lacks has_line 'must not run'
  goes_on
}

@test "rc.lua of somebody else is not run" {
  [ "$(id -u)" = 0 ] || skip 'only root can make files of others'
  write_rc < <(echo 'print "must not run"')
  chown 65534 "$RC"
  start "XDG_CONFIG_HOME=$T/config"
  has_line "$RC is not run: owned by another user"
  lacks has_line 'must not run'
}

@test "a mistake in rc.lua is one line, and the session goes on" {
  export XDG_CONFIG_HOME=$T/config
  write_rc < <(echo 'x = = 1')
  start
  screen | tr -d '\n' | grep -qF "rc.lua:1: unexpected symbol near '='"
  goes_on
  write_rc < <(echo 'nothing.at.all = 1')
  start
  screen | tr -d '\n' | grep -qF "rc.lua:1: attempt to index a nil value (global 'nothing')"
  goes_on
  write_rc < <(printf '\033LuaS')
  start
  has 'attempt to load a binary chunk'
  goes_on
}

# ---- The start -----------------------------------------------------------------

# Was the kernel asked? The sanitizers look at the process itself.
asked() {
  grep -v '"/proc/self/\(cmdline\|environ\|maps\)"' "$T/trace" |
    grep -E 'AF_NETLINK|/proc/|/sys/'
}

@test "nothing is asked of the kernel before the first query" {
  command -v strace >/dev/null || skip 'no strace here'
  strace -qq -o "$T/probe" true 2>/dev/null || skip 'strace is not permitted'
  cat >"$T/traced" <<END
exec strace -f -qq -o $T/trace -e trace=socket,open,openat $PORTINFO
END
  PORTINFO="sh $T/traced" start
  type_line '"not yet"'
  sees_line 'not yet'
  prompts
  lacks asked
  type_line 'pi.sockets():count()'
  until_true asked
}

@test "it starts in an empty environment" {
  start -i LC_ALL=C
  goes_on
  leave
}
