#!/usr/bin/env bats
# privilege.bats: whoever runs portinfo with more rights than others gives none of them
# away: not by the file of the program, not by what others put into the environment or
# into folders, and not by what it is told to read or to replace.

load helpers/live.bash
load helpers/users.bash

setup() {
  live_setup
  leave_leaks # a sanitizer looks for them by tracing, which such a process does not allow
}

teardown() { drop_users; [ -z "${PLACE-}" ] || rm -rf "$PLACE"; }

need_root() { [ "$(id -u)" = 0 ] || skip "only root can lend rights, and own what others cannot"; }

# A folder where everybody can come, with the program in it.
open_place() {
  need_root
  command -v setpriv >/dev/null || skip "there is no setpriv"
  PLACE=$(mktemp -d "${TMPDIR:-/tmp}/portinfo.XXXXXX")
  chmod 755 "$PLACE"
  cp "$PORTINFO" "$PLACE/portinfo"
}

nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }

# What the program's own status says: status_of NAME COMMAND...
status_of() {
  local name=$1
  shift
  "$@" -e "io.open('/proc/self/status'):read('a'):match('$name:%s*([^\n]*)')"
}

# ---- The file of the program -------------------------------------------------------

@test "what a set-user-ID and a set-group-ID bit give is given up" {
  open_place
  chmod 6755 "$PLACE/portinfo"
  [ "$(status_of Uid nobody "$PLACE/portinfo")" = $'65534\t65534\t65534\t65534' ]
  [ "$(status_of Gid nobody "$PLACE/portinfo")" = $'65534\t65534\t65534\t65534' ]
  [ "$(status_of CapPrm nobody "$PLACE/portinfo")" = 0000000000000000 ]
  echo 'kept' >"$PLACE/secret" && chmod 600 "$PLACE/secret"
  run nobody "$PLACE/portinfo" --from "$PLACE/secret" ls
  [ "$status" -eq 2 ]
  [[ $output == *"Permission denied"* ]]
}

@test "what capabilities of the file give is given up" {
  open_place
  command -v setcap >/dev/null || skip "there is no setcap"
  setcap cap_sys_ptrace,cap_dac_override+ep "$PLACE/portinfo" || skip "no capabilities of files here"
  [ "$(status_of CapEff nobody "$PLACE/portinfo")" = 0000000000000000 ]
  [ "$(status_of CapPrm nobody "$PLACE/portinfo")" = 0000000000000000 ]
}

@test "what whoever starts it hands over is kept" {
  open_place
  [ "$(status_of CapEff nobody --inh-caps=+sys_ptrace --ambient-caps=+sys_ptrace \
    "$PLACE/portinfo")" = 0000000000080000 ]
}

# ---- What is open at the start -----------------------------------------------------

@test "no file takes the place of an output that was closed" {
  cat >"$T/tell.lua" <<'LUA'
local file = assert(io.open(arg[1], "w"))
io.stderr:write("not for the file\n")
io.stdout:write("nor this\n")
io.stdout:flush()
file:close()
LUA
  "$PORTINFO" "$T/tell.lua" "$T/told" >&- 2>&- || true
  [ -e "$T/told" ] && [ ! -s "$T/told" ]
}

@test "what a rule prints is no message of the process that judges it" {
  cat >"$T/loud.lua" <<'LUA'
for _ = 1, 100 do print "out of turn" end
return {id = "loud", must_not_listen = {"tcp :1"}}
LUA
  "$PORTINFO" audit "$T/loud.lua" >"$T/report" <&- 2>&- || true
  grep -q '^1 rule: 1 passed' "$T/report"
}

@test "a closed output is an error, not silence" {
  local status=0
  "$PORTINFO" ls >&- 2>"$T/words" || status=$?
  [ "$status" -eq 2 ]
  [ "$(cat "$T/words")" = "portinfo: cannot write: Bad file descriptor" ]
}

# ---- The environment ---------------------------------------------------------------

@test "no variable runs Lua or names its files" {
  mkdir "$T/lua"
  echo 'error "run by a variable"' >"$T/lua/evil.lua"
  cp "$T/lua/evil.lua" "$T/lua/portinfo.lua"
  local set=(LUA_INIT="@$T/lua/evil.lua" LUA_INIT_5_4="@$T/lua/evil.lua"
    LUA_PATH="$T/lua/?.lua" LUA_PATH_5_4="$T/lua/?.lua" LUA_CPATH="$T/lua/?.so"
    LUA_CPATH_5_4="$T/lua/?.so")
  run env "${set[@]}" "$PORTINFO" -e 'require "portinfo" == pi'
  [ "$output" = true ]
  run env "${set[@]}" "$PORTINFO" -e 'require "evil"'
  [ "$status" -eq 2 ]
  [[ $output == *"module 'evil' not found"* ]]
  [[ $output != *"$T/lua"* ]]
}

@test "no module comes from the folder that we are in" {
  echo 'error "run from here"' >"$T/near.lua"
  cd "$T"
  run "$PORTINFO" -e 'require "near"'
  [ "$status" -eq 2 ]
  [[ $output == *"module 'near' not found"* ]]
  run "$PORTINFO" -e 'package.path .. ";" .. package.cpath'
  [[ ";$output" != *";"[!/]* ]]
}

# ---- What is read ------------------------------------------------------------------

# The one line of a refusal.
refuses() {
  run "$@"
  [ "$status" -eq 2 ]
  [ "${#lines[@]}" -eq 1 ]
}

@test "a reading that is a folder, a device or endless is refused in one line" {
  refuses "$PORTINFO" --from "$T" ls
  refuses "$PORTINFO" --from /dev/zero ls
  refuses "$PORTINFO" --from /dev/null ls
  truncate -s 1T "$T/huge" || skip "no such large files here"
  refuses "$PORTINFO" --from "$T/huge" ls
  refuses "$PORTINFO" audit "$T/huge.lua"
}

@test "rules that are a folder, a device or endless are refused in one line" {
  mkdir "$T/folder.lua"
  ln -s /dev/zero "$T/zero.lua"
  refuses "$PORTINFO" audit "$T/folder.lua"
  refuses "$PORTINFO" audit "$T/zero.lua"
  refuses "$PORTINFO" audit --baseline "$T/zero.lua"
}

# Is it asleep in a system call?
is_asleep() { grep -q '^State:	S' "/proc/$1/status"; }

@test "what waits for a pipe without a writer ends by Ctrl-C" {
  mkfifo "$T/pipe"
  for words in "--from $T/pipe ls" "diff $T/pipe" "audit $T/pipe.lua"; do
    ln -sf "$T/pipe" "$T/pipe.lua"
    # a job in the background ignores SIGINT, unless it has its own group
    set -m
    "$PORTINFO" $words 2>"$T/words" 3>&- &
    local job=$!
    set +m
    poll is_asleep $job
    kill -INT $job
    local status=0
    wait $job || status=$?
    [ "$status" -eq 130 ] || { echo "$words: $status"; cat "$T/words"; return 1; }
  done
}

@test "a network namespace that is a pipe is refused at once" {
  mkfifo "$T/pipe"
  refuses "$PORTINFO" ls --netns "$T/pipe"
}

# ---- What is replaced --------------------------------------------------------------

# Writes a baseline of a rule of this id, which finds that nobody listens.
write_baseline() { # write_baseline FILE ID
  echo "return {id = '$2', must_listen = {'tcp :1 and udp'}}" >"$T/$2.lua"
  "$PORTINFO" audit --write-baseline "$1" "$T/$2.lua" -q
}

@test "a baseline that changed while it was judged is left as it is" {
  local rules=$T/rules.lua
  echo 'return {id = "a", where = "lport = 1 and lport = 2"}' >"$rules"
  "$PORTINFO" audit "$rules" --write-baseline "$T/known.lua"
  mkfifo "$T/gate"
  # judging waits for the gate: a library of the rules, read when they are loaded
  ln -s "$T/gate" "$T/late.lua"
  echo 'require "late"; return {id = "a", where = "lport = 1 and lport = 2"}' >"$rules"
  "$PORTINFO" audit "$rules" --write-baseline "$T/known.lua" 2>"$T/words" 3>&- &
  local job=$!
  exec 8>"$T/gate" # opens when it is being read
  echo '-- somebody was here' >>"$T/known.lua"
  echo 'return true' >&8
  exec 8>&-
  local status=0
  wait $job || status=$?
  [ "$status" -eq 2 ]
  grep -q 'has changed since it was read' "$T/words"
  [ "$(tail -n 1 "$T/known.lua")" = '-- somebody was here' ]
}

@test "a baseline that appeared while it was judged is left as it is" {
  mkfifo "$T/gate"
  ln -s "$T/gate" "$T/late.lua"
  echo 'require "late"; return {id = "a", where = "lport = 1 and lport = 2"}' >"$T/rules.lua"
  "$PORTINFO" audit "$T/rules.lua" --write-baseline "$T/known.lua" 2>"$T/words" 3>&- &
  local job=$!
  exec 8>"$T/gate"
  echo 'precious' >"$T/precious"
  ln -s "$T/precious" "$T/known.lua"
  echo 'return true' >&8
  exec 8>&-
  local status=0
  wait $job || status=$?
  [ "$status" -eq 2 ]
  [ "$(cat "$T/precious")" = precious ]
}

@test "a link of somebody else is not followed to what is replaced" {
  open_place
  chmod 1777 "$PLACE"
  write_baseline "$PLACE/precious" one
  cp "$PLACE/precious" "$PLACE/before"
  nobody ln -s "$PLACE/precious" "$PLACE/known.lua"
  refuses write_baseline "$PLACE/known.lua" other
  cmp "$PLACE/before" "$PLACE/precious"
  # our own is
  rm "$PLACE/known.lua"
  ln -s "$PLACE/precious" "$PLACE/known.lua"
  write_baseline "$PLACE/known.lua" other
  [ -L "$PLACE/known.lua" ]
  ! cmp -s "$PLACE/before" "$PLACE/precious"
}

@test "what is replaced makes nobody another user" {
  write_baseline "$T/known.lua" one
  chmod 6755 "$T/known.lua"
  write_baseline "$T/known.lua" other
  [ "$(stat -c %a "$T/known.lua")" = 755 ]
}

# ---- What is shown -----------------------------------------------------------------

# No byte that a terminal would obey in what it prints, whatever its words are.
@test "words of a call come back as text" {
  local evil=$'\e[31m\u202e\u009b0m'
  local calls=("$evil" "ls $evil" "ls --format $evil" "ls --columns $evil" "ls --sort $evil"
    "ls --tally $evil" "ls --netns $evil" "ls --backend $evil" "ls --proc /$evil" "ls --color $evil"
    "--from $evil ls" "save /$evil/x" "diff $evil" "audit ./$evil.lua" "audit $evil"
    "audit --baseline $evil" "audit --describe $evil" "audit --test $evil" "watch --interval $evil"
    "wait --timeout $evil :1" "free $evil" "why $evil" "search $evil" "explain $evil" "probe $evil"
    "probe install --group $evil" "schema --format $evil" "doctor $evil" "./$evil.lua" "-e $evil"
    "-e error[[$evil]]" "-e pi.load[[$evil]]" "-e pi.sockets{[ [[$evil]] ]=1}" ":$evil" "443/$evil"
    "--width $evil ls" "--$evil" "-$evil")
  for call in "${calls[@]}"; do
    # shellcheck disable=SC2086 # words
    run "$PORTINFO" $call
    if LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f\x7f]\|\xc2[\x80-\x9f]\|\xe2\x80\xae' <<<"$output"; then
      echo "portinfo $call: $(od -c <<<"$output" | head -n 5)"
      return 1
    fi
  done
}
