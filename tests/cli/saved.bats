#!/usr/bin/env bats
# saved.bats: save, diff and --from: files, streams and exit status.

load helpers/call

setup() {
  call_setup
  PROC=$T/proc
  make_proc
}

socket_line() { # LOCAL REMOTE STATE INODE
  echo "   0: $1 $2 $3 00000000:00000000 00:00000000 00000000 0 0 $4 1 0"
}

# A folder that looks like /proc: sshd on 22, web on 8080, a connection to 22.
make_proc() {
  mkdir -p "$PROC/net" "$PROC/sys/net/ipv4"
  {
    echo "  sl  local_address rem_address   st ..."
    socket_line 00000000:0016 00000000:0000 0A 11
    socket_line 0100007F:1F90 00000000:0000 0A 12
    socket_line 0100000A:0016 0200000A:C738 01 13
  } >"$PROC/net/tcp"
  touch "$PROC/net/dev" "$PROC/net/protocols" "$PROC/net/tcp6" "$PROC/net/udp" "$PROC/net/udp6"
  echo "32768 60999" >"$PROC/sys/net/ipv4/ip_local_port_range"
  process 42 sshd 11 13
  process 43 $'w\e[31m\xff' 12
}

process() { # PID NAME INODE...
  local pid=$1 inode
  mkdir -p "$PROC/$pid/fd"
  printf '%s (%s) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0\n' "$pid" "$2" \
    >"$PROC/$pid/stat"
  printf 'Name:\tx\nUid:\t0\t0\t0\t0\n' >"$PROC/$pid/status"
  shift 2
  for inode; do ln -s "socket:[$inode]" "$PROC/$pid/fd/$inode"; done
}

# What was there is gone: web moves to another process, the connection ends.
move_on() {
  rm -r "$PROC/43"
  process 50 caddy 12 14
  {
    echo "  sl  local_address rem_address   st ..."
    socket_line 00000000:0016 00000000:0000 0A 11
    socket_line 0100007F:1F90 00000000:0000 0A 12
    socket_line 0100007F:1F91 00000000:0000 0A 14
  } >"$PROC/net/tcp"
}

is_tame() {
  [ "$(LC_ALL=C tr -d '\n\t' <"$T/out" | LC_ALL=C tr -dc '\001-\037\177\233\377' | wc -c)" -eq 0 ]
}

# ---- save ------------------------------------------------------------------------

@test "save keeps every socket, and says how many" {
  fake save "$T/a"
  [ "$status" -eq 0 ]
  [ -z "$out" ]
  grep -q '^portinfo: saved 3 sockets$' "$T/err"
  [ "$(wc -l <"$T/a")" -eq 4 ]
  [[ $(head -n 1 "$T/a") == '{"portinfo":"reading","v":1,"fields":["proto",'* ]]
  fake -q save "$T/a"
  [ -z "$err" ]
}

@test "save keeps what a filter selects, and the filter" {
  fake save "$T/a" listening :22
  [ "$status" -eq 0 ]
  [ "$(wc -l <"$T/a")" -eq 2 ]
  head -n 1 "$T/a" | grep -q '"rows":1,"filter":"'
  call ls --from "$T/a" --columns lport --no-header
  [ "$out" = 22 ]
  [[ $err == *", asked for: "* ]]
}

@test "save of nothing is a reading without rows" {
  fake save "$T/a" listening :1
  [ "$status" -eq 0 ]
  grep -q '^portinfo: saved 0 sockets$' "$T/err"
  call ls --from "$T/a"
  [ "$status" -eq 1 ]
}

@test "save to standard output is for a pipe" {
  fake -q save -
  [ "$status" -eq 0 ]
  run bash -c "'$PORTINFO' -q ls --from - --columns lport --no-header listening <'$T/out'"
  [ "$output" = $'22\n8080' ]
}

@test "every line of a saved reading is JSON" {
  has_python
  fake save "$T/a"
  python3 -c '
import base64, json, sys
head, *rows = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
assert head["rows"] == len(rows) == 3
assert head["host"]["ephemeral"] == [32768, 60999]
held = [h for r in rows for h in r.get("holders", [])]
assert {h["pid"] for h in held} == {42, 43}
assert base64.b64decode([h for h in held if h["pid"] == 43][0]["process_b64"]) == b"w\x1b[31m\xff"
' "$T/a"
}

@test "save tells by its status, under --strict, of what was unseen" {
  fake --strict save "$T/a"
  [ "$status" -eq 0 ]
  rm -r "$PROC/43/fd"
  touch "$PROC/43/fd" # a folder to nobody, root included
  fake save "$T/a"
  [ "$status" -eq 0 ]
  grep -q 'owner unknown for lack of permission' "$T/err"
  fake --strict save "$T/a"
  [ "$status" -eq 3 ]
}

@test "save that fails leaves the old file, or says that the disk is full" {
  echo old >"$T/a"
  refuses "cannot read sockets" --backend proc --proc "$T/nothing" save "$T/a"
  [ "$(<"$T/a")" = old ]
  refuses "Is a directory" --backend proc --proc "$PROC" save "$T"
  [ ! -e /dev/full ] || refuses "No space left" --backend proc --proc "$PROC" save /dev/full
  [ ! -e /dev/full ] || {
    status=0
    "$PORTINFO" -q save - >/dev/full 2>"$T/err" || status=$?
    [ "$status" -eq 2 ]
    grep -q 'No space left' "$T/err"
  }
}

@test "save into a pipe that nobody reads ends quietly" {
  run bash -c "'$PORTINFO' -q save - 2>&1 1>&3 3>&- | cat" 3> >(true)
  [ -z "$output" ]
}

@test "save without a file, or with options of ls" {
  refuses "name a file" save
  refuses "is saved whole" save "$T/a" --columns lport
  refuses "a saved reading is kept already" save "$T/b" --from "$T/a"
}

# ---- --from ----------------------------------------------------------------------

@test "ls asks a file as it would ask the kernel" {
  fake save "$T/a"
  for filter in "" listening "process = sshd" "not process = sshd" "exe or user = root" ":22"; do
    for format in tsv csv json ndjson; do
      fake ls --format $format "$filter"
      cp "$T/out" "$T/live"
      live=$status
      call ls --from "$T/a" --format $format "$filter"
      [ "$status" -eq "$live" ]
      cmp "$T/live" "$T/out"
    done
  done
  fake ls --tally state
  cp "$T/out" "$T/live"
  call ls --from "$T/a" --tally state
  cmp "$T/live" "$T/out"
  call :8080 --from "$T/a" --columns lport --no-header
  [ "$out" = 8080 ]
}

@test "a table says when it was read" {
  fake save "$T/a"
  call ls --from "$T/a" --format table
  [ "$status" -eq 0 ]
  [[ $err =~ ^"(3 sockets; read "[0-9-]{10}" "[0-9:]{8}", "[0-9]+" second"s?" ago)"$ ]]
  is_tame
}

@test "a page asks a file" {
  fake save "$T/a"
  call --from "$T/a" 22
  [ "$status" -eq 0 ]
  grep -q '^Then .*0.0.0.0:22 listening, sshd (pid 42, root' "$T/out"
  grep -q '^That host  outside the client range 32768-60999' "$T/out"
  grep -q 'a saved reading, read 20' "$T/out"
  call --from "$T/a" 9999 8080
  grep -q 'Then       no socket on it' "$T/out"
  is_tame
  call --from "$T/a" --format json 22
  [ "$status" -eq 0 ]
  [[ $out == *'"process":"sshd"'* ]]
}

@test "a page of a file that was asked for less claims no more" {
  fake save "$T/a" :8080
  call --from "$T/a" 22
  grep -q 'no socket on it was seen' "$T/out"
}

@test "--from goes with what asks for sockets" {
  fake save "$T/a"
  refuses "--from asks a file" ls --from "$T/a" --proc /proc
  refuses "--from asks a file" --from "$T/a" --backend proc 22
  refuses "--from is for ls and pages" doctor --from "$T/a"
  refuses "--from is for ls and pages" explain tcp --from "$T/a"
  refuses "--from is for ls and pages" search http --from "$T/a"
  refuses "--from needs a value" ls --from
}

# ---- Bad files -------------------------------------------------------------------

@test "files that are no readings are told by name and line" {
  refuses "$T/none: No such file or directory" ls --from "$T/none"
  refuses "$T: Is a directory" ls --from "$T"
  : >"$T/a"
  refuses "$T/a: line 1: the file is empty" ls --from "$T/a"
  head -c 100000 "$PORTINFO" >"$T/a"
  refuses "$T/a: line 1: not a reading of portinfo" ls --from "$T/a"
  head -c 5000 /dev/zero >"$T/a"
  refuses "$T/a: line 1: not a reading of portinfo" diff "$T/a"
  fake ls --format ndjson
  cp "$T/out" "$T/a"
  refuses "line 1: a row without a head; portinfo save writes one" ls --from "$T/a"
  fake save "$T/good"
  { printf '\xef\xbb\xbf' && cat "$T/good"; } >"$T/a"
  refuses "line 1: begins with a byte order mark" ls --from "$T/a"
  head -n 3 "$T/good" >"$T/a"
  refuses "line 4: the head promises 3 rows, 2 are here" ls --from "$T/a"
  head -c -9 "$T/good" >"$T/a"
  refuses "line 4: the file ends in the middle of a row" diff "$T/a"
  sed 's/"lport":8080/"lport":80800/' "$T/good" >"$T/a"
  refuses "line 3: lport: 80800 is no port" --from "$T/a" 22
  sed 's/"state":"listen"/"state":"\\u001b[31m"/' "$T/good" >"$T/a"
  refuses 'line 2: state: \x1b[31m is none of its words' ls --from "$T/a"
}

@test "lines may end as on other systems" {
  fake save "$T/a"
  sed -i 's/$/\r/' "$T/a"
  call ls --from "$T/a" --columns lport --no-header listening
  [ "$out" = $'22\n8080' ]
}

@test "a reading comes through a FIFO as well" {
  fake save "$T/a"
  mkfifo "$T/fifo"
  cat "$T/a" >"$T/fifo" &
  call ls --from "$T/fifo" --columns lport --no-header listening
  wait
  [ "$out" = $'22\n8080' ]
}

# ---- diff ------------------------------------------------------------------------

@test "diff with now: nothing changed" {
  fake save "$T/a"
  fake diff "$T/a" --format table
  [ "$status" -eq 0 ]
  [ -z "$out" ]
  [[ $err == *"$T/a: read 20"* ]]
}

@test "diff with now, for people" {
  fake save "$T/a"
  move_on
  fake -q diff "$T/a" --format table
  [ "$status" -eq 1 ]
  [ -z "$err" ]
  [ "$out" = '- tcp established 10.0.0.1:22 with 10.0.0.2:51000, sshd (pid 42)
+ tcp listen 127.0.0.1:8081, caddy (pid 50)
~ tcp listen 127.0.0.1:8080, caddy (pid 50): pid 43 -> 50, process w\x1b[31m\xff -> caddy' ]
}

@test "diff --key service: a restart is a change" {
  fake save "$T/a"
  rm "$PROC"/[0-9]*/fd/*
  sed -i 's/ 11 1 0/ 99 1 0/' "$PROC/net/tcp"
  ln -s 'socket:[99]' "$PROC/42/fd/3"
  fake -q diff "$T/a"
  [ "$status" -eq 1 ]
  grep -q '^added.*:*22' "$T/out"
  fake -q diff "$T/a" --key service --columns lport,state
  [ "$status" -eq 1 ]
  ! grep -q '^added\|^removed' "$T/out" || false
  refuses "--key: 'name' is none of service, socket" diff "$T/a" --key name
}

@test "diff of two files, for programs" {
  fake save "$T/a"
  move_on
  fake save "$T/b"
  call -q diff "$T/a" "$T/b" --columns lport,process
  [ "$status" -eq 1 ]
  is_tame
  [ "$out" = $'change\tlport\tprocess
removed\t22\tsshd
added\t8081\tcaddy
before\t8080\tw\\x1b[31m\\xff
after\t8080\tcaddy' ]
  call -q diff "$T/a" "$T/b" --columns lport,pid --format ndjson
  [ "$out" = '{"v":1,"change":"removed","lport":22,"pid":42}
{"v":1,"change":"added","lport":8081,"pid":50}
{"v":1,"change":"before","changed":["pid","process"],"lport":8080,"pid":43}
{"v":1,"change":"after","changed":["pid","process"],"lport":8080,"pid":50}' ]
  call -q diff "$T/a" "$T/b" --format csv --columns lport --no-header
  [ "${out%%$'\n'*}" = removed,22 ]
  has_python
  call -q diff "$T/a" "$T/b" --format json
  python3 -c 'import json, sys; assert len(json.load(sys.stdin)) == 4' <"$T/out"
  call -q diff "$T/a" "$T/a" --format json
  [ "$status" -eq 0 ]
  [ "$out" = "[]" ]
}

@test "diff asks now what the file was asked for" {
  fake save "$T/a" :22
  move_on
  fake -q diff "$T/a" --columns lport --no-header
  [ "$out" = $'removed\t22' ]
  fake save "$T/b"
  call diff "$T/a" "$T/b"
  grep -q 'they were asked for different sockets' "$T/err"
}

@test "diff under --strict tells of what was unseen on either side" {
  fake save "$T/a"
  rm -r "$PROC/43/fd"
  touch "$PROC/43/fd"
  fake diff "$T/a"
  [ "$status" -eq 0 ] # what cannot be seen has not changed
  fake --strict diff "$T/a"
  [ "$status" -eq 3 ]
}

@test "diff takes one file or two" {
  fake save "$T/a"
  refuses "diff takes one saved reading" diff
  refuses "diff takes one saved reading" diff "$T/a" "$T/a" "$T/a"
  refuses "are for asking the kernel" diff "$T/a" "$T/a" --proc /proc
  refuses "standard input holds one reading" diff - -
  for format in line '{lport}'; do
    refuses "what changed comes as a table, tsv," diff "$T/a" "$T/a" --format "$format"
  done
  refuses "diff takes the files as words" diff "$T/a" --from "$T/a"
  refuses "$T/b: No such file" diff "$T/a" "$T/b"
}
