#!/usr/bin/env bats
# cli.bats: the command: words, options, streams and exit status.

load helpers/call

setup() {
  call_setup
  make_proc
}

# A folder that looks like /proc: sshd on 22, an unreadable process, a listener on
# 8080 that nobody is seen to hold, a connection.
make_proc() {
  PROC=$T/proc
  mkdir -p "$PROC/net" "$PROC/sys/net/ipv4" "$PROC/42/fd"
  local any=00000000:0000 rest="00000000:00000000 00:00000000 00000000"
  {
    echo "  sl  local_address rem_address   st ..."
    echo "   0: 00000000:0016 $any 0A $rest 0 0 11 1 0"
    echo "   1: 00000000:1F90 $any 0A $rest 0 0 12 1 0"
    echo "   2: 00000000:0016 0100000A:C738 01 $rest 0 0 13 1 0"
  } >"$PROC/net/tcp"
  touch "$PROC/net/dev" "$PROC/net/protocols" "$PROC/net/tcp6" "$PROC/net/udp" "$PROC/net/udp6"
  echo "42 (${1:-sshd}) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0" >"$PROC/42/stat"
  printf 'Name:\tx\nUid:\t0\t0\t0\t0\n' >"$PROC/42/status"
  ln -s 'socket:[11]' "$PROC/42/fd/3"
  echo "32768 60999" >"$PROC/sys/net/ipv4/ip_local_port_range"
}

# A process whose descriptors are closed to everybody, root included.
make_secret() {
  mkdir "$PROC/43"
  touch "$PROC/43/fd"
  echo "43 (secret) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0" >"$PROC/43/stat"
}

# The same of a filter: behind the complaint its line, and a caret under UNDER.
refuses_filter() {
  local words=$1 under=$2
  shift 2
  call "$@"
  [ "$status" -eq 2 ]
  [ ! -s "$T/out" ]
  mapfile -t lines <"$T/err"
  [ "${#lines[@]}" -eq 3 ]
  [[ ${lines[0]} == "portinfo: "*"$words"* ]]
  local before=${lines[2]%%^*}
  local carets=${lines[2]#"$before"}
  [ "${lines[1]:${#before}:${#carets}}" = "$under" ]
}

is_json() { has_python && python3 -c 'import json, sys; json.load(sys.stdin)' <"$T/out"; }

# No line of the output matches.
lacks() { ! grep "$@" "$T/out"; }

# No control byte but newlines and tabs is in the output.
is_tame() {
  [ "$(LC_ALL=C tr -d '\n\t' <"$T/out" | LC_ALL=C tr -dc '\001-\037\177\233' | wc -c)" -eq 0 ]
}

# ---- Pages ---------------------------------------------------------------------

@test "the page of a port" {
  call 443
  [ "$status" -eq 0 ]
  [[ $out == "443     https"* ]]
}

@test "port is the long form" {
  fake 60323
  cp "$T/out" "$T/short"
  fake port 60323
  cmp "$T/short" "$T/out"
}

@test "pages of several ports and services, each for all of its transports or one" {
  call 22 http 443/TCP domain/udp
  [ "$status" -eq 0 ]
  [ "$(grep -c '^Range ' "$T/out")" -eq 4 ]
  grep -q '^443/tcp https' "$T/out"
  grep -q '^53/udp  domain' "$T/out"
}

@test "service names in any case" {
  call HTTPS
  [ "$status" -eq 0 ]
  [[ $out == "443     https"* ]]
}

@test "a page is as wide as it is told to be" {
  call --width 50 22
  [ "$status" -eq 0 ]
  lacks -E '^.{51}'
}

@test "a page tells who holds the port" {
  fake 22
  [ "$status" -eq 0 ]
  grep -q 'tcp 0.0.0.0:22 listening, sshd (pid 42, root' "$T/out"
  grep -q 'outside the client range 32768-60999' "$T/out"
}

@test "a page as JSON" {
  fake --format json 22 443
  [ "$status" -eq 0 ]
  is_json
}

@test "a page with something unseen ends with 3 under --strict alone" {
  make_secret
  fake 8080
  [ "$status" -eq 0 ]
  fake --strict 8080
  [ "$status" -eq 3 ]
  fake --strict 9
  [ "$status" -eq 0 ]
}

@test "what is no port" {
  refuses "'65536' is no port: ports are 0 to 65535" 65536
  refuses "'-1' is no port: ports are 0 to 65535" -1
  refuses "'-1' is no port" -- -1
  refuses "'99999999999999999999' is no port" 99999999999999999999
  refuses "'0x50' is no port: write it in decimal, 80" 0x50
  refuses "'80/xyz': transports are tcp, udp, sctp and dccp" 80/xyz
  refuses "'80/': transports are" 80/
  refuses "name ports side by side" 80-90
  refuses "name ports side by side" 22,80
  refuses "is no port" 18446744073709551638
  refuses "neither a verb nor a port" ''
}

@test "what is no service" {
  refuses "did you mean domain?" domian
  refuses "'http s' is neither" "http s"
  refuses "neither a verb nor a port nor a service" zzzzzzqq
  refuses "did you mean portinfo doctor?" docter
  refuses "did you mean portinfo ls?" lsx
}

@test "one wrong word spoils all pages, before any is printed" {
  refuses "'65536' is no port" 22 65536
}

@test "formats that a page does not have" {
  refuses "a page comes as text or --format json, not csv" --format csv 22
}

# ---- Sockets --------------------------------------------------------------------

@test "ls lists all sockets, as TSV in a pipe" {
  fake ls
  [ "$status" -eq 0 ]
  [ "$(wc -l <"$T/out")" -eq 4 ]
  [[ $out == proto$'\t'* ]]
  [ -z "$err" ]
}

@test "ls takes words that must all hold" {
  fake ls listening tcp --columns lport
  [ "$status" -eq 0 ]
  [ "$out" = $'lport\n22\n8080' ]
  fake ls "listening tcp" --columns=lport
  [ "$out" = $'lport\n22\n8080' ]
}

@test ":PORT is ls for a port of either side" {
  fake :22 --columns state
  [ "$out" = $'state\nlisten\nestablished' ]
  fake :51000 --columns state
  [ "$out" = $'state\nestablished' ]
  fake 10.0.0.1:51000 --columns state
  [ "$out" = $'state\nestablished' ]
}

@test "ls in each format" {
  for format in table tsv csv json ndjson; do
    fake ls --format $format
    [ "$status" -eq 0 ]
    grep -q sshd "$T/out"
  done
  fake ls --format json
  is_json
}

@test "--columns chooses what a table shows" {
  fake ls --format table --columns lport,holders
  [ "$out" = $'LPORT  HOLDERS\n   22  42/3/sshd\n 8080  -\n   22  -' ]
}

@test "--sort, --limit and --no-header" {
  fake ls --sort -lport,state --limit 2 --columns lport,state
  [ "$out" = $'lport\tstate\n8080\tlisten\n22\testablished' ]
  fake ls --no-header --columns lport --limit=1
  [ "$out" = 22 ]
  fake ls --no-header --format table --columns lport --limit 1
  [ "$out" = "   22" ]
  [ "$err" = "(1 of 3 sockets)" ]
  fake ls --limit 0
  [ "$status" -eq 0 ]
}

@test "a template is a line for each row" {
  fake ls --format '{lport}\t{process}' --sort lport
  [ "$out" = $'22\tsshd\n22\t\n8080\t' ]
  fake ls --format '{count} {state}' --tally state
  [ "$out" = $'2 listen\n1 established' ]
  fake ls -0 --format '{lport}' --limit 2
  [ "$(tr '\0' , <"$T/out")" = 22,8080, ]
  refuses_filter 'is no field: did you mean {lport}?' lprt ls --format 'x {lprt}'
  refuses_filter 'has no }' '{lport' ls --format 'x {lport'
  refuses_filter 'is no escape' '\q' ls --format '\q{lport}'
  refuses "a page comes as text or --format json" 443 --format '{lport}'
}

@test "-0 ends lines with NUL" {
  fake ls -0 --no-header --columns lport
  [ "$(tr '\0' , <"$T/out")" = 22,8080,22, ]
}

@test "--tally counts, --distinct does not" {
  fake ls --tally state
  [ "$out" = $'count\tstate\n2\tlisten\n1\testablished' ]
  fake ls --tally state --sort state --limit 1 --format ndjson
  [ "$out" = '{"v":1,"count":1,"state":"established"}' ]
  fake ls --tally lport,state --format table
  [ "$out" = $'COUNT  LPORT  STATE\n    1     22  listen\n    1   8080  listen\n    1     22  established' ]
  [ "$err" = "(3 values of 3 sockets)" ]
  fake ls --distinct lport --sort -lport
  [ "$out" = $'lport\n8080\n22' ]
}

@test "--undecided shows what a filter cannot tell" {
  make_secret
  fake ls --columns lport process = secret
  [ "$status" -eq 3 ]
  [ "$out" = lport ]
  [[ $err == *"2 rows undecided: 1 process could not be read" ]]
  fake -q ls --undecided --columns lport,owner process = secret
  [ "$status" -eq 0 ]
  [ "$out" = $'lport\towner\n8080\tunknown\n22\tunknown' ]
  fake -q ls --undecided lport = 1
  [ "$status" -eq 1 ]
}

@test "explain tells the plan, and what became of it" {
  fake explain established lport = 22
  [ "$status" -eq 0 ]
  [[ $out == *"read     tcp, ipv4 and ipv6: established, listen"* ]]
  [[ $out == *"kernel   lport = 22"* ]]
  lacks '^gave'
  fake explain --run established lport = 22
  [[ $out == *"gave     1 row of 3 read; 0 undecided" ]]
  fake explain --format json --run lport = 22
  is_json
  refuses_filter 'did you mean "listening"?' listning explain listning
  refuses "a plan comes as text or --format json, not tsv" explain --format tsv
}

@test "NDJSON is one object a line" {
  has_python
  fake ls --format ndjson
  python3 -c 'import json, sys
for line in sys.stdin: assert json.loads(line)["v"] == 1' <"$T/out"
}

@test "machine output is the same in any locale" {
  fake ls --format json
  cp "$T/out" "$T/utf8"
  for locale in C POSIX de_DE.UTF-8 tr_TR.UTF-8; do
    LC_ALL=$locale fake ls --format json
    cmp "$T/utf8" "$T/out"
  done
  LC_ALL=de_DE.UTF-8 call -e '1.5, 1e3 // 1'
  [ "$out" = $'1.5\n1000.0' ]
}

@test "hostile names reach no terminal and break no line" {
  rm -r "$PROC"
  make_proc $'e\x1b[2J\x9b\nx)'
  for format in table tsv csv json ndjson; do
    fake ls --format $format
    [ "$status" -eq 0 ]
    is_tame
  done
  fake 22
  is_tame
}

@test "a table's remarks are no data" {
  make_secret
  fake ls --format table
  [[ $err == "(3 sockets)"*"2 owners unknown for lack of permission: 1 process"* ]]
  lacks '^('
  fake ls --format table -q
  [ -z "$err" ]
  fake ls
  [[ $err == "portinfo: 2 owners unknown"* ]]
  fake ls --quiet
  [ -z "$err" ]
}

@test "ls ends with 0 for rows, 1 for none, 3 for undecided ones" {
  fake ls :22
  [ "$status" -eq 0 ]
  fake ls udp :9
  [ "$status" -eq 1 ]
  # a proc table of TCP lacks what is bound and nothing else
  fake ls :9
  [ "$status" -eq 3 ]
  make_secret
  fake -q ls --strict --columns lport udp :9
  [ "$status" -eq 1 ]
  fake ls --strict
  [ "$status" -eq 3 ]
}

@test "sockets that cannot be read are an error" {
  refuses "cannot read sockets: /nonexistent/net/tcp: No such file" \
    --backend proc --proc /nonexistent ls
}

@test "wrong words of a filter" {
  refuses_filter '"frob" is neither' frob ls frob
  refuses_filter 'did you mean "listening"?' listning ls tcp listning
  refuses_filter '"listen" alone is TCP' listen ls listen
  refuses_filter 'did you mean "domain"?' :domian ls udp :domian
  refuses_filter 'too large' :99999 ls :99999
  refuses_filter '"-x" is neither' -x ls -- -x
  refuses_filter '(tcp or udp) :53' :53 ls tcp or udp :53
  refuses_filter 'process = a\x1bb' 'a\x1bb' ls $'a\x1bb'
}

@test "options of other tools" {
  refuses "unknown option -tlnp: say it in words, as in portinfo ls listening tcp" ls -tlnp
  refuses "unknown option -tlnp" -tlnp
}

# ---- Search, doctor --------------------------------------------------------------

@test "search finds names, and says when it found none" {
  call search redis
  [ "$status" -eq 0 ]
  grep -q $'^6379\ttcp\tredis' "$T/out"
  call search advanced key-value
  [ "$status" -eq 0 ]
  call search zzzzzzqq
  [ "$status" -eq 1 ]
  [ "$err" = "portinfo: nothing found for 'zzzzzzqq'" ]
}

@test "search as a table and as JSON" {
  call search --format table --width 60 http
  [ "$status" -eq 0 ]
  lacks -E '^.{61}'
  call search --format json http
  is_json
}

@test "search without a word, or in a format that it has not" {
  refuses "name a word to search for" search
  refuses "a search comes as a table, tsv or json, not csv" search x --format csv
}

@test "doctor tells what can be seen" {
  make_secret
  fake doctor
  [ "$status" -eq 0 ]
  grep -q '^processes  *2, 1 of them unreadable' "$T/out"
  fake doctor --strict
  [ "$status" -eq 3 ]
  fake doctor --format json
  [ "$status" -eq 0 ]
  is_json
  refuses "doctor takes no words, not 'x'" doctor x
  refuses "doctor comes as text or --format json, not csv" doctor --format csv
}

# ---- Options -------------------------------------------------------------------------

@test "--help and --version are data" {
  for option in --help -h --version; do
    call $option
    [ "$status" -eq 0 ]
    [ -n "$out" ]
    [ -z "$err" ]
  done
  [[ $out == "portinfo "*"registry of "* ]]
}

@test "wrong options" {
  refuses "unknown option --fomat: did you mean --format?" --fomat json
  refuses "unknown option --zzzzzz; see portinfo --help" --zzzzzz
  refuses "--format needs a value" 80 --format
  refuses "-e needs a value" -e
  refuses "--format: 'xml' is no format: table, line, tsv" --format xml ls
  refuses "--backend: 'ebpf' is none of auto, bpf, netlink, proc" --backend ebpf ls
  refuses "--columns: unknown field 'lprt': did you mean 'lport'?" ls --columns lprt
  refuses "--columns: name at least one field" ls --columns=
  refuses "--columns is for sockets" ls --columns lport --tally state
  refuses "take one of them" ls --distinct lport --tally state
  refuses "--sort: unknown field 'lprt': did you mean 'lport'?" ls --sort lport,-lprt
  refuses "--sort: name at least one field" ls --sort ,
  refuses "none of what there is to sort by: state, count" ls --tally state --sort lport
  refuses "--limit: how many, as a whole number, not '-1'" ls --limit -1
  refuses "-0 goes with tsv, ndjson and templates, not json" ls -0 --format json
  for width in 5 x 1.5 -80; do refuses "--width: a number of columns" ls --width $width; done
}

@test "a full disk is an error" {
  [ -w /dev/full ] || skip "no /dev/full here"
  for words in 80 ls "search http" --help doctor "-e print(1)" "-e 1"; do
    status=0
    if [[ $words == -e* ]]; then set -- -e "${words#-e }"; else set -- $words; fi
    "$PORTINFO" "$@" >/dev/full 2>"$T/err" </dev/null || status=$?
    [ "$status" -eq 2 ]
    grep -q '^portinfo: cannot write' "$T/err"
  done
}

@test "a reader that leaves is none" {
  "$PORTINFO" -e 'for i = 1, 1e5 do print(i) end' 2>"$T/err" | head -n 1
  [ ! -s "$T/err" ]
}

# ---- Lua: -e ------------------------------------------------------------------------

@test "-e shows the values of an expression" {
  call -e '1 + 1, nil, "x"'
  [ "$status" -eq 0 ]
  [ "$out" = $'2\nnil\nx' ]
}

@test "-e runs statements, and shows what they return" {
  call -e 'local x = 3 return x'
  [ "$out" = 3 ]
  call -e 'local x = 3'
  [ "$status" -eq 0 ]
  [ -z "$out$err" ]
}

@test "-e with nothing does nothing" {
  call -e ''
  [ "$status" -eq 0 ]
  [ -z "$out$err" ]
}

@test "-e has the module as pi, and shows a query as a table" {
  call -e "pi.listening(nil, {backend = 'proc', proc = '$PROC'})"
  [ "$status" -eq 0 ]
  [[ $out == PROTO*sshd*"(2 sockets)"* ]]
}

@test "-e takes arguments, and may be given several times" {
  call -e 'x = ...' -e 'return x, arg[1], select("#", ...)' 80 b
  [ "$out" = $'80\n80\n2' ]
  call -e 'error "stop"' -e 'print "not reached"'
  [ "$status" -eq 2 ]
  [ -z "$out" ]
}

@test "an error in -e is one line, without frames of ours" {
  refuses "(-e):1: x" -e 'error "x"'
  refuses "(-e):1: attempt to index a nil value (global 'x')" -e 'return x.y.z'
  refuses "(-e):1: unexpected symbol near '='" -e 'local x = = 1'
  refuses "unknown field 'lprt': did you mean 'lport'?" -e 'pi.sockets{lprt = 1}'
  refuses "(-e):1: unknown field 'lprt'" -e 'local q = pi.sockets{lprt = 1}'
}

@test "any error object is told in one line" {
  refuses "an error without a message: a table value" -e 'error{}'
  refuses "an error without a message: a nil value" -e 'error(nil)'
  refuses "an error without a message" \
    -e 'error(setmetatable({}, {__tostring = function() error "no" end}))'
  refuses "an error without a message" \
    -e 'error(setmetatable({}, {__tostring = function() return {} end}))'
  refuses "mine" -e 'error(setmetatable({}, {__tostring = function() return "mine" end}))'
  refuses 'a\x1b[31m' -e 'error("a\27[31m", 0)'
}

@test "os.exit ends with its own status" {
  call -e 'os.exit(7)'
  [ "$status" -eq 7 ]
  call -e 'os.exit(true, true)'
  [ "$status" -eq 0 ]
  call -e 'os.exit(false)'
  [ "$status" -eq 1 ]
}

@test "byte code is refused wherever it comes from" {
  call -e 'load(string.dump(function() end))'
  [[ $out == nil*"attempt to load a binary chunk"* ]]
  call -e 'load(string.dump(function() end), "x", "b")'
  [[ $out == nil*"attempt to load a binary chunk"* ]]
  call -e "local f = io.open('$T/code.lua', 'wb') f:write(string.dump(function() end)) f:close()"
  refuses "code.lua is byte code: give the source" "$T/code.lua"
  refuses "attempt to load a binary chunk" -e "dofile '$T/code.lua'"
  call -e "loadfile('$T/code.lua', 'b')"
  [[ $out == nil* ]]
  call -e "package.path = '$T/?.lua' require 'code'"
  [ "$status" -eq 2 ]
  [[ $err == "portinfo: error loading module 'code'"*"binary chunk"* ]]
  status=0
  "$PORTINFO" <"$T/code.lua" 2>"$T/err" || status=$?
  [ "$status" -eq 2 ]
  [ "$(<"$T/err")" = "portinfo: stdin is byte code: give the source" ]
}

# ---- Lua: scripts -------------------------------------------------------------------

@test "a script gets its arguments, options included" {
  echo 'print(arg[0], #arg, ...)' >"$T/a.lua"
  call "$T/a.lua" x --help -- -e
  [ "$status" -eq 0 ]
  [ "$out" = "$T/a.lua"$'\t4\tx\t--help\t--\t-e' ]
}

@test "a script of this folder needs no ./ if it ends in .lua" {
  echo 'print "ran"' >"$T/a.lua"
  echo 'print "ran, too"' >"$T/script"
  cd "$T"
  call a.lua
  [ "$out" = ran ]
  call ./script
  [ "$out" = "ran, too" ]
  call -- a.lua
  [ "$out" = ran ]
}

@test "a script may begin with #!" {
  printf '#!/usr/bin/env portinfo\nprint "ran"\n' >"$T/a.lua"
  call "$T/a.lua"
  [ "$out" = ran ]
}

@test "a script is read from a pipe" {
  run "$PORTINFO" <<<'print("piped", ...)'
  [ "$status" -eq 0 ]
  [ "$output" = piped ]
  run "$PORTINFO" </dev/null
  [ "$status" -eq 0 ]
  [ -z "$output" ]
}

@test "a script requires the module, and sees no pi otherwise" {
  echo 'print(pi, require("portinfo").port(22).names[1].name)' >"$T/a.lua"
  call "$T/a.lua"
  [ "$out" = $'nil\tssh' ]
}

@test "what only shows is compiled when it shows" {
  cat >"$T/a.lua" <<'END'
local pi = require "portinfo"
pi.listening():count()
for _, name in ipairs{"render", "explain", "page", "why", "wait", "saved"} do
  if package.loaded["portinfo." .. name] then print(name) end
end
END
  call "$T/a.lua"
  [ "$status" -eq 0 ]
  [ -z "$out" ]
}

@test "a script that is missing or wrong" {
  refuses "cannot open $T/none.lua: No such file or directory" "$T/none.lua"
  echo 'local x = = 1' >"$T/a.lua"
  refuses "a.lua:1: unexpected symbol near '='" "$T/a.lua"
  mkdir "$T/folder.lua"
  refuses "folder.lua" "$T/folder.lua"
}

@test "an error in a script is one line at its place" {
  printf 'local function f()\n  error "deep"\nend\nf()\n' >"$T/a.lua"
  refuses "a.lua:2: deep" "$T/a.lua"
  printf 'local pi = require "portinfo"\n\npi.who(70000)\n' >"$T/a.lua"
  refuses "a.lua:3: pi.who: a port is a whole number" "$T/a.lua"
}

@test "a C module of the system is found" {
  if ! lua5.4 -e 'assert(package.searchpath("cjson", package.cpath))' 2>/dev/null; then
    skip "no lua-cjson here"
  fi
  call -e 'print(require("cjson").encode{1, 2})'
  [ "$status" -eq 0 ]
  [ "$out" = "[1,2]" ]
}

@test "nothing of the folder or the environment is obeyed" {
  echo 'print "hijacked"' >"$T/portinfo.lua"
  mkdir "$T/portinfo"
  for name in cjson mine portinfo/query portinfo/core; do cp "$T/portinfo.lua" "$T/$name.lua"; done
  cd "$T"
  export LUA_INIT='print "hijacked"' LUA_INIT_5_4='print "hijacked"'
  export LUA_PATH="$T/?.lua;;" LUA_PATH_5_4="$T/?.lua;;" LUA_CPATH="$T/?.so;;"
  call -e 'pi.range(1, 2), (pcall(require, "mine"))'
  [ "$status" -eq 0 ]
  [ "$out" = $'1..2\nfalse' ]
  call -e 'package.path .. ";" .. package.cpath'
  tr ';' '\n' <"$T/out" >"$T/paths"
  [ "$(grep -c '^/' "$T/paths")" -eq "$(wc -l <"$T/paths")" ]
}

@test "-i is a prompt after the script" {
  echo 'x = 5' >"$T/a.lua"
  status=0
  "$PORTINFO" -i "$T/a.lua" <<<'return x + 1' >"$T/out" 2>"$T/err" || status=$?
  [ "$status" -eq 0 ]
  grep -q '6$' "$T/out"
  "$PORTINFO" -e 'y = 8' -i <<<'return y + 1' >"$T/out"
  grep -q '9$' "$T/out"
}

@test "the prompt reads a pipe to its end, unfinished lines included" {
  status=0
  printf '1 + 1\nfor i = 7, 8 do\nprint(i)\nend' | timeout 20 "$PORTINFO" -i >"$T/out" || status=$?
  [ "$status" -eq 0 ]
  grep -q '2$' "$T/out"
  grep -qx 8 "$T/out"
}

# ---- Interruption ------------------------------------------------------------------

# Runs the code, interrupts it once it has said that it is there, and waits, at
# most 20 seconds. Sets status and err.
interrupt() {
  local pid i
  : >"$T/out"
  "$PORTINFO" -e "print 'there' io.stdout:flush() $1" >"$T/out" 2>"$T/err" </dev/null 3>&- &
  pid=$!
  for ((i = 0; i < 200; i++)); do
    grep -q there "$T/out" && break
    sleep 0.1
  done
  kill -INT $pid
  for ((i = 0; i < 200; i++)); do
    kill -0 $pid 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL $pid 2>/dev/null || true
  status=0
  wait $pid || status=$?
  err=$(<"$T/err")
  echo "status $status, err: $err"
}

@test "an interrupt ends a question about 100,000 sockets" {
  awk 'BEGIN {
    print "  sl ..."
    for (i = 0; i < 100000; i++)
      printf "%4d: %08X:%04X 0100000A:C738 01 00000000:00000000 00:00000000 " \
        "00000000 0 0 %d 1 0\n", i, 16777226 + i % 256 * 65536, i / 256 + 1, i + 100
  }' >"$PROC/net/tcp"
  fake ls --tally state
  [[ $out == *$'100000\testablished' ]]
  local q="local q = pi.sockets(nil, {backend = 'proc', proc = '$PROC'})"
  for code in \
    "$q while true do pcall(q.tsv, q) end" \
    "$q while true do pcall(q.text, q) end" \
    "$q while true do pcall(function() q:sort('raddr', 'lport'):tally('laddr', 'lport'):all() end) end" \
    "$q q:where(function(s) for _ = 1, 1e5 do end return s.lport > 0 end):count()" \
    "$q for row in q:each() do for _ = 1, 1e5 do end end"; do
    interrupt "$code"
    [ "$status" -eq 130 ]
    [ -z "$err" ]
  done
}

@test "an interrupt ends any loop with 130, without a word" {
  for code in \
    'while true do end' \
    'while true do pcall(error) end' \
    'while true do pcall(function() while true do end end) end' \
    'while true do xpcall(error, function() end) end' \
    'coroutine.wrap(function() while true do end end)()' \
    'while true do pcall(coroutine.wrap(function() while true do end end)) end' \
    'return pcall(function() while true do end end)' \
    "local q = pi.sockets(nil, {backend = 'proc', proc = '$PROC'}) while true do pcall(q.count, q) end" \
    'while true do pi.search "http" end'; do
    interrupt "$code"
    [ "$status" -eq 130 ]
    [ -z "$err" ]
  done
}
