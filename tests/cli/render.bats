#!/usr/bin/env bats
# render.bats: what people see on a screen, and what a pipe gets: colour, height,
# characters, records.

setup() {
  cd "$BATS_TEST_DIRNAME/../.." || return 1
  PORTINFO=$PWD/${BUILD:-build}/portinfo
  [[ ${BUILD:-build} != /* ]] || PORTINFO=$BUILD/portinfo
  T=$BATS_TEST_TMPDIR
  export HOME=$T XDG_STATE_HOME=$T/state LC_ALL=C.UTF-8 TERM=xterm
  export PAGER= # which would wait for a key
  unset NO_COLOR CLICOLOR_FORCE LUA_INIT LUA_INIT_5_4
  make_proc
}

# A folder that looks like /proc: 60 connections of a listener that is called größe.
make_proc() {
  PROC=$T/proc
  mkdir -p "$PROC/net" "$PROC/sys/net/ipv4" "$PROC/42/fd"
  local rest="00000000:00000000 00:00000000 00000000" i
  {
    echo "  sl  local_address rem_address   st ..."
    echo "   0: 00000000:18EB 00000000:0000 0A $rest 0 0 11 1 0"
    for ((i = 1; i <= 60; i++)); do
      printf '%4d: 0500000A:18EB 0900000A:%04X 01 %s 0 0 12 1 0\n' "$i" "$i" "$rest"
    done
  } >"$PROC/net/tcp"
  touch "$PROC/net/dev" "$PROC/net/protocols" "$PROC/net/tcp6" "$PROC/net/udp" "$PROC/net/udp6"
  echo "42 (größe) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0" >"$PROC/42/stat"
  printf 'Name:\tx\nUid:\t0\t0\t0\t0\n' >"$PROC/42/status"
  ln -s 'socket:[11]' "$PROC/42/fd/3"
  ln -s 'socket:[12]' "$PROC/42/fd/4"
  echo "32768 60999" >"$PROC/sys/net/ipv4/ip_local_port_range"
}

# Sets status, out and err.
fake() {
  status=0
  "$PORTINFO" --backend proc --proc "$PROC" "$@" >"$T/out" 2>"$T/err" </dev/null || status=$?
  out=$(<"$T/out") err=$(<"$T/err")
  echo "status $status, out: ${out:0:400}, err: $err"
}

# The same on a terminal of 100 columns and 24 lines; out has both streams.
on_terminal() {
  command -v script >/dev/null || skip "no script(1) here"
  script -qec "stty cols 100 rows 24; '$PORTINFO' --backend proc --proc '$PROC' $*" /dev/null \
    </dev/null >"$T/raw"
  tr -d '\r' <"$T/raw" >"$T/out"
  out=$(<"$T/out")
  echo "$out"
}

sockets() { grep -c '^tcp' "$T/out"; }

has_colour() { grep -q $'\e\\[' "$T/out"; }

@test "a terminal gets a table that is cut to it, a pipe never" {
  on_terminal ls
  [ "$(sockets)" -eq 20 ]
  [[ $out == *"(20 of 61 sockets shown; --limit or a pager shows more)"* ]]
  fake --format table --width 100 ls
  [ "$(sockets)" -eq 61 ]
  [ "$err" = "(61 sockets)" ]
}

@test "a table that is slightly longer than the screen is whole, and one that was asked for" {
  on_terminal ls "'rport <= 36'"
  [ "$(sockets)" -eq 36 ]
  on_terminal ls --limit 50
  [ "$(sockets)" -eq 50 ]
}

@test "colour is on a terminal, and not in a pipe" {
  on_terminal ls
  has_colour
  fake --format table ls
  ! has_colour
}

@test "--color is obeyed in both" {
  fake --color always --format table ls listening
  has_colour
  fake --color=always --format line ls listening
  has_colour
  on_terminal --color never ls
  ! has_colour
}

@test "NO_COLOR, TERM=dumb and CLICOLOR_FORCE are obeyed" {
  NO_COLOR=1 on_terminal ls
  ! has_colour
  TERM=dumb on_terminal ls
  ! has_colour
  CLICOLOR_FORCE=1 fake --format table ls
  has_colour
}

@test "formats for machines have no colour, no units and no limit" {
  for format in tsv csv json ndjson; do
    fake --color always --format "$format" --columns lport,rxq,process ls
    ! has_colour
    grep -q größe "$T/out"
    [ "$(wc -l <"$T/out")" -ge 61 ]
  done
}

@test "another colour is refused" {
  fake --color sometimes ls
  [ "$status" -eq 2 ]
  [ "$err" = "portinfo: --color: 'sometimes' is none of always, auto, never" ]
}

@test "characters are those of the locale, for people alone" {
  fake --format table ls listening
  [[ $out == *größe* ]]
  for locale in C POSIX de_DE.ISO-8859-1; do
    LC_ALL=$locale fake --format table ls listening
    [[ $out == *'gr\u{00f6}\u{00df}e'* ]]
  done
  LC_ALL= LC_CTYPE=C LANG=C.UTF-8 fake --format table ls listening
  [[ $out == *'gr\u{00f6}'* ]]
  LC_ALL= LC_CTYPE= LANG=en_US.utf8 fake --format table ls listening
  [[ $out == *größe* ]]
  LC_ALL=C fake --format tsv --columns process ls listening
  [[ $out == *größe* ]]
}

@test "a locale changes no byte that programs read, and no name" {
  command -v localedef >/dev/null || skip "there is no localedef"
  # a comma in numbers, and another small letter for I
  localedef -i tr_TR -f ISO-8859-9 "$T/tr_TR" 2>/dev/null ||
    [ -e "$T/tr_TR/LC_CTYPE" ] || skip "no locale can be made here"
  [ "$(LOCPATH=$T LC_ALL=tr_TR locale charmap)" = ISO-8859-9 ]
  local words
  for words in "ls --format tsv" "ls --format csv" "ls --format json" "ls --format ndjson" \
    "ls --tally state --format tsv" "--format json 631" "--format json IPP" "schema"; do
    fake $words
    cp "$T/out" "$T/plain"
    [ -s "$T/plain" ]
    LOCPATH=$T LC_ALL=tr_TR fake $words
    cmp "$T/plain" "$T/out"
  done
  LOCPATH=$T LC_ALL=tr_TR fake -e 'return 1.5'
  [ "$out" = 1.5 ]
}

@test "a page is ASCII where the locale is not of UTF-8" {
  fake 6379
  [[ $out == *"redis · "* ]]
  LC_ALL=C fake 6379
  [[ $out == *"redis - "*'gr\u{00f6}'* ]]
  ! LC_ALL=C grep -q '[^ -~]' "$T/out"
}

@test "--format line shows each socket, in the groups of the schema" {
  fake --format line ls
  [ "$status" -eq 0 ]
  [ "$(grep -c '^socket$' "$T/out")" -eq 61 ]
  [ "$(grep -c '^process$' "$T/out")" -eq 61 ]
  grep -qx '  lport:          6379' "$T/out"
  grep -qx '  rxq:            0 (accept queue)' "$T/out"
  grep -qx '  process:        größe' "$T/out"
  [ -z "$err" ]
}

@test "--format line shows the fields that were asked for, or a tally" {
  fake --format line --columns process,lport ls listening
  [ "$out" = $'process:        größe\nlport:          6379' ]
  fake --format line --tally state ls
  [ "${out%%$'\n\n'*}" = $'count:          60\nstate:          established' ]
}

@test "--format line: nothing found, a full disk, a reader that leaves" {
  fake --format line ls :7777
  [ -z "$out" ]
  run bash -c "'$PORTINFO' --backend proc --proc '$PROC' --format line ls >/dev/full"
  [ "$status" -eq 2 ]
  [ "$output" = "portinfo: cannot write: No space left on device" ]
  "$PORTINFO" --backend proc --proc "$PROC" --format line ls 2>"$T/err" | head -1 >"$T/out"
  [ ! -s "$T/err" ]
}

@test "what a terminal is told of a page fits, and a table of a query as well" {
  on_terminal -e "'require(\"portinfo\").sockets(nil, {backend = \"proc\", proc = \"$PROC\"})'"
  [ "$(sockets)" -eq 20 ]
  [[ $out == *":limit shows more"* ]]
}
