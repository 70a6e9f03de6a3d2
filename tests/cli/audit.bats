#!/usr/bin/env bats
# audit.bats: audit: rules, verdicts, reports, baselines, and what rules cannot do.

load helpers/live
load helpers/users

setup() {
  live_setup
  export HOME=$T XDG_STATE_HOME=$T/state LC_ALL=C.UTF-8 TZ=UTC
  unset LUA_INIT LUA_INIT_5_4 LUA_PATH LUA_PATH_5_4 LUA_CPATH LUA_CPATH_5_4
  BAD=tests/rules/bad.ndjson
}

teardown() {
  [ -z "${SERVER-}" ] || kill "$SERVER" 2>/dev/null || true
  [ -z "${COPY-}" ] || rm -f "$COPY"
  drop_users
}

# Sets status, out and err.
call() {
  status=0
  inside timeout 100 "$PORTINFO" "$@" >"$T/out" 2>"$T/err" </dev/null || status=$?
  out=$(<"$T/out") err=$(<"$T/err")
  echo "status $status, out: ${out:0:900}, err: $err"
}

audit() { call audit "$@"; }

rules() { cat >"$T/rules.lua"; }

# One line of complaint with these words, nothing else, exit 2.
refuses() {
  local words=$1
  shift
  audit "$@"
  [ "$status" -eq 2 ]
  [ ! -s "$T/out" ]
  [ "$(wc -l <"$T/err")" -eq 1 ]
  [[ $err == "portinfo: "*"$words"* ]]
}

# ---- The pack ------------------------------------------------------------------------

@test "every rule that is built in fails, passes and is inconclusive where it should" {
  audit --test tests/rules/cases.lua
  [ "$status" -eq 0 ]
  [ "$(grep -c '^ok' "$T/out")" -eq 72 ]
  # and each of them is tried
  while IFS= read -r id; do
    for verdict in fail pass inconclusive; do grep -q ": $id is $verdict" "$T/out"; done
  done < <("$PORTINFO" audit --list --no-header | cut -f1)
}

@test "a fresh Debian with ssh has two findings, which fail nothing" {
  audit --from tests/rules/debian.ndjson --format json
  [ "$status" -eq 0 ]
  [[ $out == *'"findings":{"error":0,"note":2,"warning":0}'* ]]
}

@test "the examples give the reports beside them" {
  for file in examples/audit/*.ndjson; do
    name=${file%.ndjson}
    audit -q --from "$file" "$name.lua"
    [ "$status" -eq 1 ]
    diff "$name.txt" "$T/out"
  done
  audit --test examples/audit/cases.lua
  [ "$status" -eq 0 ]
}

@test "--list and --describe" {
  audit --list
  [ "$status" -eq 0 ]
  [[ $out == $'id\tseverity\ttags\ttitle\nexposed-data-store\terror\texposure,'* ]]
  audit --describe new-listener
  [[ $out == *"baseline"* ]]
  [ "$status" -eq 0 ]
  audit --list examples/audit/bastion.lua --no-header
  [ "$(wc -l <"$T/out")" -eq 3 ]
  audit --list --format json exposure
  [[ $out == *'"id":"open-reflector"'* && $out != *'"id":"reserved-port"'* ]]
  refuses "did you mean 'new-listener'" --describe new-listner
}

@test "words name rules by file, id and tag" {
  audit -q --from $BAD exposed-login reserved-port
  [[ $out == *"2 rules: 0 passed, 2 failed"* ]]
  [ "$status" -eq 0 ]
  audit -q --from $BAD reliability
  [[ $out == *"3 rules: "* ]]
  [ "$status" -eq 1 ]
  audit -q --from $BAD builtin examples/audit/cis-mail.lua
  [[ $out == *"17 rules: "* ]]
  refuses "no rule 'expsed-login': did you mean 'exposed-login'?" expsed-login
}

# ---- Exit status -----------------------------------------------------------------------

@test "exit status: 0 pass, 1 finding, 2 broken, 3 inconclusive, in the order of graveness" {
  rules <<<'return {id = "x", severity = "warning", where = "listening lport = 22"}'
  audit --from $BAD "$T/rules.lua"
  [ "$status" -eq 1 ]
  audit --from $BAD "$T/rules.lua" --fail-on error
  [ "$status" -eq 0 ]
  [[ $out == *"below --fail-on error"* ]]
  audit --from tests/rules/user.ndjson unheld-listener
  [ "$status" -eq 3 ]
  audit --from tests/rules/user.ndjson unheld-listener exposed-login
  [ "$status" -eq 3 ]
  audit --from tests/rules/user.ndjson unheld-listener exposed-login --fail-on note
  [ "$status" -eq 1 ]
  rules <<<'return {{id = "x", where = "lport = 22"}, {id = "y", where = "tcp", check = error}}'
  audit --from $BAD "$T/rules.lua"
  [ "$status" -eq 2 ]
  [[ $out == *"2 rules: 0 passed, 1 failed, 1 broken"* ]]
}

# ---- Reports ---------------------------------------------------------------------------

# A reading and rules whose every text would break a report that trusts it.
hostile() {
  sed -e 's#/usr/sbin/sshd#/tmp/a\\u0007|<\&>\\"]]>\\u001b[31m\\nx#g' \
    -e 's#"process":"sshd"#"process":"s\\u001b[31m<\&|"#g' $BAD >"$T/hostile.ndjson"
  rules <<'END'
return {
  {id = "hostile", severity = "error", title = "a <b> & \"c\" # d \27[31m | \1 \xff",
   where = "lport = 22", evidence = {"exe"}, message = "{process}\n{exe}", help = "x\27[0m"},
  {id = "quiet", where = "lport = 1"}, {id = "low", severity = "note", where = "lport = 23"},
  {id = "broken", where = "lport = 23", check = function(row) return row.nothing end},
  {id = "open", where = "lport = 51820", check = function() return nil end},
}
END
}

@test "text: no control character gets through" {
  hostile
  audit --from "$T/hostile.ndjson" "$T/rules.lua" --color never
  [ "$status" -eq 2 ]
  [ "$(LC_ALL=C tr -d '\n' <"$T/out" | LC_ALL=C tr -dc '\001-\037\177' | wc -c)" -eq 0 ]
  audit --from $BAD --color always
  [[ $out == *$'\e[31merror   \e[0m'* ]]
  audit --from $BAD --width 40
  [ "$(grep -v 'http' "$T/out" | awk '{ if (length > 40) n++ } END { print n + 0 }')" -eq 0 ]
}

@test "json: jq reads it, and finds every row" {
  command -v jq >/dev/null || skip "there is no jq"
  hostile
  audit --from "$T/hostile.ndjson" "$T/rules.lua" --format json
  [ "$status" -eq 2 ]
  told=$(jq -r '.portinfo, .v, .status, (.rules | length), .verdicts.error' "$T/out" | paste -sd ' ')
  [ "$told" = "audit 1 2 5 1" ]
  [ "$(jq -r '.rules[0].findings[0].row.lport' "$T/out")" = 22 ]
  [ "$(jq -r '.rules[0].findings[0].key.lport' "$T/out")" = 22 ]
  [ "$(jq -c '.rules[1].findings' "$T/out")" = "[]" ]
}

@test "tap: prove agrees with the exit status" {
  command -v prove >/dev/null || skip "there is no prove"
  hostile
  audit --from "$T/hostile.ndjson" "$T/rules.lua" --format tap
  [[ $out == $'TAP version 14\n1..5\nnot ok 1 - hostile: '* ]]
  [[ $out == *$'\nok 2 - quiet: quiet\n'* ]]
  [[ $out == *$'\nnot ok 3 - low: low # TODO below --fail-on warning\n'* ]]
  # TAP::Parser of Perl 5.36 knows versions up to 13: without the line that tells it
  sed 1d "$T/out" >"$T/bad"
  run prove -e cat "$T/bad"
  [ "$status" -ne 0 ]
  [[ $output == *"Failed 3/5 subtests"* ]]
  "$PORTINFO" audit -q --from $BAD --format tap exposed-login reserved-port |
    sed 1d >"$T/good"
  prove -e cat "$T/good"
}

@test "junit, sarif and prometheus have what they need" {
  hostile
  audit --from "$T/hostile.ndjson" "$T/rules.lua" --format junit
  [[ $out == *'tests="5" failures="1" errors="2"'* ]]
  if command -v xmllint >/dev/null; then xmllint --noout "$T/out"; fi
  audit --from "$T/hostile.ndjson" "$T/rules.lua" --format sarif
  [[ $out == *'"version":"2.1.0"'* && $out == *'"kind":"open"'* && $out == *'"level":"error"'* ]]
  audit --from "$T/hostile.ndjson" "$T/rules.lua" --format prometheus
  grep -qx 'portinfo_audit_rule_verdict{rule="hostile",severity="error",verdict="fail"} 1' "$T/out"
  grep -qx 'portinfo_audit_findings{rule="hostile",severity="error"} 1' "$T/out"
  # labels are ours alone
  [ "$(grep -v '^#' "$T/out" | grep -c 'sshd\|tmp')" -eq 0 ]
}

@test "sarif: fingerprints survive a restart" {
  audit --from $BAD --format sarif
  grep -o '"partialFingerprints":{[^}]*}' "$T/out" >"$T/before"
  [ "$(grep -o portinfoKey "$T/before" | wc -l)" -eq 17 ]
  sed 's/"pid":1\([0-9]*\)/"pid":2\1/g; s/"inode":1/"inode":7/g; s/"cookie":"1/"cookie":"8/g' \
    $BAD >"$T/later.ndjson"
  audit --from "$T/later.ndjson" --format sarif
  grep -o '"partialFingerprints":{[^}]*}' "$T/out" | diff "$T/before" -
}

@test "nagios: one line, and its own exit status" {
  audit --from $BAD --format nagios
  [ "$status" -eq 2 ]
  [ "$(wc -l <"$T/out")" -eq 1 ]
  [[ $out == "PORTINFO CRITICAL - 16 rules, 11 findings; exposed-data-store: "*" | errors=2;"* ]]
  audit --from $BAD --format nagios accept-queue
  [ "$status" -eq 1 ]
  audit --from tests/rules/good.ndjson --format nagios
  [ "$status" -eq 0 ]
  [[ $out == "PORTINFO OK - "* ]]
  audit --from tests/rules/user.ndjson --format nagios unheld-listener
  [ "$status" -eq 3 ]
  hostile
  audit --from "$T/hostile.ndjson" "$T/rules.lua" --format nagios
  [ "$(tr -dc '|' <"$T/out" | wc -c)" -eq 1 ]
  rules <<<'return {id = 5, where = "tcp"}'
  audit --format nagios "$T/rules.lua"
  [ "$status" -eq 3 ]
  [[ $out == "PORTINFO UNKNOWN - "*"a rule needs an id"* ]]
}

# ---- Mistakes -------------------------------------------------------------------------

@test "a rule file that is wrong: one line with its place, and no report" {
  local n=0 words
  while IFS= read -r words; do
    IFS= read -r code
    printf '%b' "$code" >"$T/rules.lua"
    refuses "$T/rules.lua:$words" "$T/rules.lua"
    n=$((n + 1))
  done <<'END'
3: unexpected symbol near '='
return {\n  id = "x",\n  where = = 1,\n}
4: rule 'b': where: unknown field "lporrt": did you mean "lport"?
return {\n  {id = "a", where = "tcp"},\n  {id = "b",\n   where = "listening lporrt = 5"},\n}
4: rule 'a': there are two of this id
return {\n  {id = "a", where = "tcp"},\n  {id = "b", where = "tcp"},\n  {id = "a", where = "tcp"},\n}
3: rule 'lost': it needs where, or one of must_listen
return {\n  {id = "a", where = "tcp"},\n  {id = "lost", severity = "error"},\n}
3: rule 'a': expires is a day such as "2027-06-30", not '2027-13-01'
return {id = "a", where = "tcp", allow = {\n  {lport = 22, expires = "2027-06-30"},\n  {lport = 23, expires = "2027-13-01"},\n}}
3: rule 'a': allow: a filter nested deeper than 256 levels
local t = {}\nt[1] = t\nreturn {id = "a", where = "tcp", allow = t}
3: rule 'a': allow has 10000 entries, at most 4096
local allow = {}\nfor i = 1, 10000 do allow[i] = {lport = i} end\nreturn {id = "a", where = "tcp", allow = allow}
2: rule 'a': message gives a text, not a table
return {id = "a", where = "tcp",\n  message = function() return {} end}
1: it returns no rule
local x = 1
1: there is no rule in it
return {}
1: byte code is not taken
\x1bLua
1: rules are tables, not a number
return 5
1: it took more than 2 s of processor time to load
while true do end
END
  [ "$n" -eq 13 ]
  refuses "$T/missing.lua: No such file" "$T/missing.lua"
  rules <<<"string.find(('a'):rep(30), ('a*'):rep(12)..'b') return {}"
  refuses "$T/rules.lua: not loaded: it took more than 2 s" "$T/rules.lua"
}

@test "a call that is wrong" {
  refuses "a report comes as text, json" --format csv
  refuses "'high' is none of error, note, warning" --fail-on high
  refuses "--test FILE says itself" --test tests/rules/cases.lua exposure
  refuses "are for ls" --limit 3
  refuses "No such file" --baseline "$T/none.lua"
  call ls --format tap
  [ "$status" -eq 2 ]
  [[ $err == *"--format tap is for portinfo audit"* ]]
}

# ---- Containment ------------------------------------------------------------------------

@test "a rule that uses up its time or memory is an error, and the others are judged" {
  [ -z "${ASAN_LIB-}" ] || skip "the sanitizers need memory of their own"
  rules <<'END'
return {
  {id = "a-pattern", where = "lport = 22",
   check = function() return string.find(('a'):rep(30), ('a*'):rep(12)..'b') end},
  {id = "b-loop", where = "lport = 22", check = function() while true do end end},
  {id = "c-rep", where = "lport = 22", check = function() return ("x"):rep(1 << 40) end},
  {id = "d-memory", where = "lport = 22", check = function()
    local t = {}
    for i = 1, 1 << 20 do t[i] = ("x"):rep((1 << 31) - 99) end -- refused before it is filled
  end},
  {id = "e-recursion", where = "lport = 22", check = function()
    local function f() return 1 + f() end
    return f()
  end},
  {id = "f-tostring", where = "lport = 22", check = function()
    error(setmetatable({}, {__tostring = function() while true do end end}))
  end},
  {id = "g-close", where = "lport = 22", check = function()
    local x <close> = setmetatable({}, {__close = function() while true do end end})
    while true do end
  end},
  {id = "h-coroutine", where = "lport = 22", check = function()
    return coroutine.wrap(function() while true do pcall(string.rep, "x", 9) end end)()
  end},
  {id = "i-sort", where = "lport = 22", check = function()
    table.sort({3, 1, 2, 5, 4}, function() return true end)
    error "got through"
  end},
  {id = "j-good", where = "lport = 22"},
}
END
  audit -q --from $BAD "$T/rules.lua" --format tap
  [ "$status" -eq 2 ]
  [ "$(grep -c 'verdict: error' "$T/out")" -eq 9 ]
  grep -q "rules.lua:3: it took more than 2 s of processor time" "$T/out"
  grep -q "rules.lua:4: it took more than 2 s of processor time" "$T/out"
  grep -q "not enough memory" "$T/out"
  grep -q "stack overflow" "$T/out"
  grep -q "not ok 10 - j-good" "$T/out"
  [[ $(tail -n 8 "$T/out") == *"verdict: fail"* ]]
}

@test "a juror that nobody can wait for is a broken rule, and no pass" {
  rules <<'END'
return {
  {id = "h", where = "lport = 22",
   check = function() return string.find(('a'):rep(30), ('a*'):rep(12)..'b') end},
  {id = "b", severity = "error", where = "lport = 22"},
}
END
  status=0
  python3 -c 'import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execv(sys.argv[1], sys.argv[1:])' "$PORTINFO" audit -q --from $BAD "$T/rules.lua" >"$T/out" || status=$?
  cat "$T/out"
  [ "$status" -eq 2 ]
  grep -q '^2 rules: 0 passed, 1 failed, 1 broken' "$T/out"
}

@test "nobody else is blamed for a rule that ends its juror" {
  # a rule without a function, which ends the process that judges it
  rules <<'END'
local judge = require "portinfo.judge"
local real = judge.judge
function judge.judge(rule, about)
  if rule.id == "r7" or rule.id == "r90" then os.exit(9) end
  return real(rule, about)
end
local rules = {}
for i = 1, 100 do
  rules[i] = {id = "r" .. i, where = "lport = 22", check = i == 5 and function() return true end or nil}
end
return rules
END
  audit -q --from $BAD "$T/rules.lua" --trust --format tap
  [ "$status" -eq 2 ]
  [ "$(grep -c 'verdict: fail' "$T/out")" -eq 98 ]
  [ "$(grep -B2 'verdict: error' "$T/out" | grep '^not ok' | cut -d: -f1 | paste -sd ' ')" = \
    "not ok 7 - r7 not ok 90 - r90" ]
}

@test "rules that each keep memory do not keep more than one may" {
  [ -z "${ASAN_LIB-}" ] || skip "the sanitizers need memory of their own"
  {
    echo 'kept = {} return {'
    for i in 1 2 3 4; do
      echo "{id = 'm$i', where = 'lport = 22', check = function()
        local t = {} for i = 1, 300 do t[i] = ('x'):rep(1 << 20) .. i end
        kept[#kept + 1] = t
        return false
      end},"
    done
    echo '}'
  } >"$T/rules.lua"
  audit -q --from $BAD "$T/rules.lua" --format tap
  [ "$status" -eq 2 ]
  grep -q '^ok 1 - m1' "$T/out"
  grep -q 'not enough memory' "$T/out"
}

@test "a program that a trusted rule leaves behind keeps nobody waiting" {
  rules <<'END'
os.execute(os.getenv "COMMAND")
return {id = "x", where = "lport = 1"}
END
  COMMAND="sleep 90 >/dev/null 2>&1 </dev/null 3>&- & echo \$! >$T/pid" audit -q --from $BAD \
    "$T/rules.lua" --trust
  [ "$status" -eq 0 ]
  kill "$(<"$T/pid")" # it is still there
}

@test "what is wrong in a baseline or in cases is one tame line" {
  echo 'return setmetatable({}, {__index = function() error("\27]0;pwned\7\27[31m") end})' >"$T/b.lua"
  refuses "b.lua:1: " --from $BAD --baseline "$T/b.lua"
  [ "$(LC_ALL=C tr -dc '\001-\011\013-\037' <"$T/err" | wc -c)" -eq 0 ]
  refuses "b.lua:1: " --from $BAD --write-baseline "$T/b.lua"
  [ "$(LC_ALL=C tr -dc '\001-\011\013-\037' <"$T/err" | wc -c)" -eq 0 ]
  echo 'return {cases = {{name = setmetatable({}, {__tostring = function() error "\27[31m" end}),
    reading = "x", expect = {x = "pass"}}}}' >"$T/c.lua"
  refuses "c.lua:1: " --test "$T/c.lua"
  [ "$(LC_ALL=C tr -dc '\001-\011\013-\037' <"$T/err" | wc -c)" -eq 0 ]
}

@test "tap agrees with the exit status about notes, too" {
  rules <<<'return {id = "x", where = "lport = 1", allow = {{lport = 1, expires = "2020-01-01"}}}'
  audit --from $BAD "$T/rules.lua" --format tap
  [ "$status" -eq 0 ]
  [[ $out == *$'
ok 1 - x'* ]]
  audit --from $BAD "$T/rules.lua" --format tap --fail-on note
  [ "$status" -eq 1 ]
  [[ $out == *$'
not ok 1 - x'* ]]
}

@test "rules have no files and no programs, unless they are trusted" {
  rules <<'END'
return {id = "x", where = "lport = 22", check = function()
  local f = io.open("/etc/passwd")
  return f ~= nil and os.execute "true"
end}
END
  audit -q --from $BAD "$T/rules.lua" --format tap
  [ "$status" -eq 2 ]
  [[ $out == *"rules.lua:2: attempt to index a nil value (global 'io')"* ]]
  audit -q --from $BAD "$T/rules.lua" --trust
  [ "$status" -eq 1 ]
}

@test "what a rule prints is no part of the report" {
  rules <<<'print "aside" return {id = "x", where = "lport = 1", check = print}'
  audit --from $BAD "$T/rules.lua" --format json
  [[ $out == "{"* && $out != *aside* ]]
  [[ $err == *aside* ]]
  rules <<<'io.write "aside" return {id = "x", where = "lport = 1"}'
  audit --from $BAD "$T/rules.lua" --format json --trust
  [[ $out == "{"* && $out != *aside* ]]
}

@test "rules require files of their folder" {
  echo 'return pi.p "lport = 22"' >"$T/ssh.lua"
  rules <<<'return {id = "x", where = require "ssh"}'
  audit -q --from $BAD "$T/rules.lua"
  [[ $out == *"0.0.0.0:22"* ]]
  rules <<<'return {id = "x", where = require "none"}'
  refuses "$T/rules.lua:1: require: no library 'none'" "$T/rules.lua"
}

@test "an interrupt ends an audit, and leaves no process behind" {
  rules <<'END'
return {id = "x", where = "lport = 22", check = function()
  print "there"
  return string.find(('a'):rep(30), ('a*'):rep(12)..'b')
end}
END
  "$PORTINFO" audit --from $BAD "$T/rules.lua" >"$T/out" 2>"$T/err" </dev/null 3>&- &
  pid=$!
  poll grep -q there "$T/err"
  child=$(tr -d " " <"/proc/$pid/task/$pid/children")
  [ -d "/proc/$child" ]
  kill -INT $pid
  status=0
  wait $pid || status=$?
  [ "$status" -eq 130 ]
  [ ! -s "$T/out" ]
  [ ! -e "/proc/$child" ]
}

# ---- Tests of rules ---------------------------------------------------------------------

@test "--test tells what differs, and exits with 1" {
  cp $BAD "$T/bad.ndjson"
  rules <<<'return {id = "x", where = "lport = 22"}'
  cat >"$T/cases.lua" <<'END'
return {rules = "rules.lua", cases = {
  {name = "good # one", reading = "bad.ndjson", expect = {x = "fail"}},
  {name = "wrong", reading = "bad.ndjson", expect = {x = "pass"}},
  {name = "count", reading = "bad.ndjson", expect = {x = {verdict = "fail", findings = 2}}},
  {name = "missing", reading = "bad.ndjson", expect = {y = "pass"}},
}}
END
  audit --test "$T/cases.lua"
  [ "$status" -eq 1 ]
  [[ $out == $'TAP version 14\n1..4\nok 1 - good \\# one: x is fail\nnot ok 2 - '* ]]
  [[ $out == *'"it is fail, not pass"'* ]]
  [[ $out == *'"it has 1 findings, not 2"'* ]]
  [[ $out == *'"there is no such rule"'* ]]
  echo 'return {rule = "x", cases = {{reading = "bad.ndjson", expect = {x = "pass"}}}}' >"$T/cases.lua"
  refuses "it has no member 'rule': did you mean 'rules'?" --test "$T/cases.lua"
  echo 'return {cases = {{reading = "bad.ndjson", expect = {x = {verdict = "pass", finding = 1}}}}}' \
    >"$T/cases.lua"
  refuses "did you mean 'findings'?" --test "$T/cases.lua"
  echo 'return {cases = {{reading = "bad.ndjson"}}}' >"$T/cases.lua"
  refuses "cases.lua: case 1: it needs expect" --test "$T/cases.lua"
  echo 'return {cases = {{reading = "none", expect = {x = "pass"}}}}' >"$T/cases.lua"
  refuses "none: No such file" --test "$T/cases.lua"
  echo 'return {' >"$T/cases.lua"
  refuses "cases.lua:2: " --test "$T/cases.lua"
}

# ---- Live ------------------------------------------------------------------------------

# A server on a port of its own and on one that the kernel chooses.
serve() { # PORT
  cat >"$T/server.py" <<'END'
import socket, sys
a = socket.socket(); a.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
a.bind(("127.0.0.1", int(sys.argv[1]))); a.listen()
b = socket.socket(); b.bind(("127.0.0.1", 0)); b.listen()
print(b.getsockname()[1], flush=True)
sys.stdin.read()
END
  [ -p "$T/hold" ] || mkfifo "$T/hold"
  : >"$T/chosen"
  python3 "$T/server.py" "$1" <"$T/hold" >"$T/chosen" 3>&- 4>&- &
  SERVER=$!
  exec 7>"$T/hold"
  poll test -s "$T/chosen"
}

stop_server() {
  exec 7>&-
  wait "$SERVER" || true
  SERVER=
}

@test "a baseline, a service that restarts, and nothing to tell" {
  port=$("$PORTINFO" free 21000)
  # of this server alone: others come and go on this machine
  rules <<<"return {id = 'ours', where = 'listening tcp exposure = loopback cmdline = *$T/server.py*'}"
  serve "$port"
  first=$(<"$T/chosen")
  audit "$T/rules.lua" --write-baseline "$T/known.lua"
  [ "$status" -eq 0 ]
  grep -q "lport = $port" "$T/known.lua"
  grep -q "ephemeral = true" "$T/known.lua"
  [ "$(grep -c "$first" "$T/known.lua")" -eq 0 ]
  cp "$T/known.lua" "$T/copy.lua"
  audit "$T/rules.lua" --write-baseline "$T/known.lua"
  diff "$T/copy.lua" "$T/known.lua"
  stop_server
  serve "$port"
  [ "$(<"$T/chosen")" != "$first" ]
  audit "$T/rules.lua" --baseline "$T/known.lua" --format json
  [[ $out == *'"findings":{"error":0,"note":0,"warning":0}'* ]]
  audit "$T/rules.lua" --format json
  [[ $out == *"\"lport\":$port"* ]]
  stop_server
}

@test "a baseline that cannot be written leaves what was there" {
  refuses "cannot write" --from $BAD --write-baseline "$T/none/known.lua"
  echo 'local x = = 1' >"$T/known.lua"
  refuses "is left as it is" --from $BAD --write-baseline "$T/known.lua"
  [ "$(<"$T/known.lua")" = 'local x = = 1' ]
  audit --from $BAD --write-baseline -
  [ "$status" -eq 0 ]
  [[ $out == "-- "*"baseline = 1"* ]]
}

@test "a baseline that is written again keeps what somebody wrote, and whose it was" {
  audit --from $BAD --write-baseline "$T/known.lua" exposure
  cp "$T/known.lua" "$T/exposure.lua"
  chmod 640 "$T/known.lua"
  ln -s known.lua "$T/link.lua"
  # of other rules: what is there stays
  audit --from $BAD --write-baseline "$T/link.lua" new-listener
  [[ $err == *"entries of 9 rules that were not judged stay"* ]]
  [ -L "$T/link.lua" ]
  [ "$(stat -c %a "$T/known.lua")" = 640 ]
  [ "$(grep -cvxFf "$T/known.lua" "$T/exposure.lua")" -eq 0 ]
  audit -q --from $BAD --baseline "$T/known.lua"
  [[ $out != *exposed-login* && $out != *new-listener* ]]
  # an entry that is wider holds what it holds, and is not written a second time
  cat >"$T/known.lua" <<'END'
return {baseline = 1, ["exposed-login"] = {
  {lport = {22, 2222}, reason = "keys only"}, {lport = 23, expires = "2020-01-01"},
}}
END
  audit --from $BAD --write-baseline "$T/known.lua" exposed-login
  [ "$(grep -c 'lport' "$T/known.lua")" -eq 2 ]
  grep -q 'lport = {22, 2222}, reason = "keys only"' "$T/known.lua"
  [[ $err == *"1 entry expired"* ]]
  # entries that hold nothing are doors for tomorrow
  audit --from $BAD --baseline "$T/known.lua" exposed-login
  [[ $err == *"1 entry of $T/known.lua hold"* ]]
  # who cannot see programs writes what is weaker, and is told
  audit --from tests/rules/user.ndjson --write-baseline "$T/weak.lua" exposed-login
  [[ $err == *"the programs of 1 socket could not be seen"* ]]
  grep -q 'uid = 0' "$T/weak.lua"
}

@test "a device or a pipe is no baseline, and no endless file of rules" {
  mkfifo "$T/pipe"
  refuses "not a plain file" --from $BAD --write-baseline "$T/pipe"
  refuses "not a plain file" --from $BAD --write-baseline /dev/full
  ln -s /dev/zero "$T/zero.lua"
  refuses "larger than 16 MiB" "$T/zero.lua"
  refuses "larger than 16 MiB" --baseline /dev/zero
}

@test "rules about news need a baseline" {
  refuses "new-listener needs --baseline" new-listener
  refuses "there is no rule to judge without --baseline" baseline
  audit --format nagios new-listener
  [ "$status" -eq 3 ]
  audit --format nagios --fail-on fatal
  [ "$status" -eq 3 ]
  [[ $out == "PORTINFO UNKNOWN - "* ]]
}

@test "--strict: nothing unseen passes" {
  audit --from tests/rules/user.ndjson accept-queue
  [ "$status" -eq 0 ]
  audit --from tests/rules/user.ndjson accept-queue --strict
  [ "$status" -eq 3 ]
}

@test "rules of files may change those that are built in" {
  rules <<'END'
local pack = require "portinfo.rules"
pack["exposed-login"].allow = {{lport = 22, reason = "keys only"}}
return pack
END
  audit --from $BAD "$T/rules.lua" -q
  [[ $out == *"16 rules: "* && $out != *exposed-login* ]]
}

@test "an owner that root sees decides; where nobody sees it, the rule is inconclusive" {
  [ "$(id -u)" -eq 0 ] || skip "needs root, to be compared with another user"
  port=$("$PORTINFO" free 21100)
  serve "$port"
  rules <<<"return {id = 'x', where = 'listening lport = $port process = python3*'}"
  audit "$T/rules.lua"
  [ "$status" -eq 1 ]
  COPY=$(mktemp "${TMPDIR:-/tmp}/portinfo.XXXXXX.lua")
  cp "$T/rules.lua" "$COPY"
  chmod 644 "$COPY"
  status=0
  as_user audit "$COPY" >"$T/out" 2>"$T/err" || status=$?
  cat "$T/out" "$T/err"
  [ "$status" -eq 3 ]
  grep -q '^unclear x' "$T/out"
  stop_server
}

@test "all rules share one reading" {
  command -v strace >/dev/null || skip "there is no strace"
  {
    echo 'return {'
    for i in $(seq 200); do echo "{id = 'r$i', where = 'listening lport = $i'},"; done
    echo '}'
  } >"$T/rules.lua"
  strace -f -qq -e trace=openat -o "$T/trace" "$PORTINFO" audit -q --backend proc "$T/rules.lua" \
    >"$T/out" || true
  grep -q '^200 rules: ' "$T/out"
  [ "$(grep -c 'net/tcp"' "$T/trace")" -eq 1 ]
  [ "$(grep -c '/fd"' "$T/trace")" -eq 0 ] # no owner is asked for
}

@test "a large limit of descriptors costs no call" {
  command -v prlimit >/dev/null || skip "there is no prlimit"
  command -v strace >/dev/null || skip "there is no strace"
  strace -o /dev/null true 2>/dev/null || skip "strace is not permitted"
  [ -z "${ASAN_LIB-}" ] || skip "the sanitizers have calls of their own"
  rules <<<'return {id = "x", where = "listening", check = function() return false end}'
  local limit large
  large=$(ulimit -Hn)
  [ "$large" -ge 10000 ] || skip "no limit above $large may be set"
  for limit in 256 "$large"; do
    run prlimit --nofile="$limit" strace -f -c -o "$T/$limit" "$PORTINFO" audit -q --from $BAD \
      "$T/rules.lua"
    [ "$status" -eq 0 ]
    awk '$NF ~ /^(close|close_range|fcntl|dup2)$/ {n += $4} END {print n}' "$T/$limit" \
      >"$T/$limit.closed"
  done
  [ "$(cat "$T/256.closed")" -gt 0 ]
  cmp "$T/256.closed" "$T/$large.closed"
}

@test "the prompt has .audit, and scripts pi.audit" {
  run "$PORTINFO" -i <<<'.audit examples/audit/cis-mail.lua'
  [[ $output == *"1 rule: "* ]]
  run "$PORTINFO" -i <<<'.audit nonsense'
  [[ $output == *"no rule 'nonsense'"* ]]
  call -e 'pi.audit({id = "x", where = "listening"}, {snapshot = pi.load "tests/rules/bad.ndjson"}).status'
  [ "$out" = 1 ]
}
