#!/usr/bin/env bats
# watch.bats: `portinfo watch` beside sockets that come and go, in a network namespace
# of its own. What happens is waited for; how fast, no test asks.

load helpers/live

setup() {
  live_setup
  [ "$(id -u)" = 0 ] || skip "network namespaces need root"
  unshare -n true 2>/dev/null || skip "network namespaces are not permitted"
  command -v ip >/dev/null || skip "there is no ip"
  WATCH=
}

teardown() {
  exec 8>&- 9>&-
  [ -z "${WATCH-}" ] || kill "$WATCH" 2>/dev/null || true
  [ -z "${SERVER-}" ] || tmux -L "$SERVER" kill-server 2>/dev/null || true
  [ -z "${ACTOR-}" ] || kill "$ACTOR" 2>/dev/null || true
  [ -z "${BINARY-}" ] || rm -rf "${BINARY%/*}"
}

# Starts the actor in a namespace, which `inside` enters.
begin() {
  mkfifo "$T/orders"
  unshare -n sh -c 'ip link set lo up && exec python3 "$0"' "$HELPERS/actor.py" \
    <"$T/orders" >"$T/answers" 2>"$T/actor.err" 3>&- 4>&- &
  ACTOR=$!
  exec 9>"$T/orders"
  INSIDE=(nsenter -t "$ACTOR" -n)
  ORDERS=0
}

answered() { [ -e "$T/answers" ] && [ "$(wc -l <"$T/answers")" -ge "$ORDERS" ]; }

# Tells the actor to do something, and waits until it is done.
act() {
  echo "$*" >&9
  ORDERS=$((ORDERS + 1))
  poll answered
}

# Starts a watch; its events are in $T/events, its words in $T/words. VIEW: as whom.
watch() {
  (exec "${INSIDE[@]}" "${VIEW[@]}" "${BINARY:-$PORTINFO}" watch "$@") \
    >"$T/events" 2>"$T/words" 3>&- 4>&- 9>&- &
  WATCH=$!
}

told_of() { grep -q "$1" "$T/events"; }
sees() { poll told_of "$1"; }

gone() { ! kill -0 "$1" 2>/dev/null; }

# Waits for the end of the watch, whose status is then $status.
ends() {
  poll gone "$WATCH"
  status=0
  wait "$WATCH" || status=$?
  WATCH=
}

event() { sees "\"event\":\"$1\",.*\"lport\":$2[,}]"; }

# ---- Events ------------------------------------------------------------------------

@test "a pipe gets events as they come, and the end on SIGTERM" {
  begin
  act listen 5001
  watch --interval 100ms --columns lport,state,process
  event present 5001
  act listen 5002
  event appear 5002
  grep -q '"event":"appear",.*"state":"listen","process":"python3"' "$T/events"
  act udp 5003
  event appear 5003
  act drop 5002
  event vanish 5002
  kill "$WATCH"
  ends
  [ "$status" = 130 ]
  grep -qE '^portinfo: [0-9]+ readings told of [0-9]+ changes$' "$T/words"
  grep -qE '^portinfo: the kernel told of [0-9]+ sockets? that ended' "$T/words"
  run grep -c '"event":"brief"' "$T/events"
  [ "$output" = 0 ]
}

@test "a close is seen although the next reading is an hour away" {
  begin
  act listen 5001
  watch --interval 1h --columns lport
  event present 5001
  act drop 5001
  event vanish 5001
}

@test "a change tells what it was" {
  begin
  act listen 5001
  act keep 5001
  watch --interval 50ms --columns lport,state 'lport = 5001'
  event present 5001
  act shut 5001
  event change 5001
  grep -q '"event":"change",.*"was":{[^}]*"state":"established"}.*"state":"close-wait"' "$T/events"
  act drop 5001
  event vanish 5001
}

@test "a port that is used again is another socket" {
  begin
  act listen 5001
  watch --interval 1h --columns lport,cookie :5001
  event present 5001
  act drop 5001
  act listen 5001
  event vanish 5001
  act drop 5001
  [ "$(grep -c '"event":"change"' "$T/events")" = 0 ]
}

@test "it ends when nothing is left, when nothing happens, and after so many events" {
  begin
  act listen 5001
  watch --interval 100ms --until-empty :5001
  event present 5001
  act drop 5001
  ends
  [ "$status" = 0 ]
  watch --interval 100ms --settle 200ms
  ends
  [ "$status" = 0 ]
  [ ! -s "$T/events" ]
  act listen 5002
  watch --interval 100ms --count 1
  event present 5002
  act listen 5003
  ends
  [ "$status" = 0 ]
  [ "$(wc -l <"$T/events")" = 2 ]
}

# ---- Churn -------------------------------------------------------------------------

# Counts what the events say of connections to a port: nothing twice, the long-lived
# ones there, and as many as the actor made.
counts() {
  python3 - "$T/events" "$@" <<'END'
import json, sys
port, made, lost = map(int, sys.argv[2:])
began, ended, brief = {}, set(), set()
for line in open(sys.argv[1]):
    e = json.loads(line)
    key = e["cookie"]
    if e["event"] in ("present", "appear"):
        assert key not in began and key not in brief, ("twice", e)
        began[key] = e
    elif e["event"] == "vanish":
        assert key in began and key not in ended, ("never there", e)
        ended.add(key)
    elif e["event"] == "brief":
        assert key not in brief and key not in began, ("met and brief", e)
        brief.add(key)
kept = [e for k, e in began.items() if e["event"] == "present"]
assert len(kept) == 2, kept  # the listener and the end of the connection that stays
met = [e for e in began.values() if e["event"] == "appear"]
print(len(met), "met,", len(brief), "brief,", made, "made,", lost, "lost")
assert len(met) + len(brief) == made if lost == 0 else len(brief) > 0
assert len(brief) > made / 2 or lost > 0
END
}

lost() {
  sed -n 's/^portinfo: \([0-9,]*\) notices* w[a-z]* lost.*/\1/p' "$T/words" | tr -d , | grep . || echo 0
}

churns() {
  begin
  act listen 5001
  act keep 5001
  watch --interval 200ms --columns lport,state,cookie --until-empty --settle 1s 'lport = 5001'
  event present 5001
  act churn 5001 500 3
  made=$(tail -n 1 "$T/answers")
  act drop 5001
  ends
  [ "$status" = 0 ]
  counts 5001 "$made" "$(lost)"
}

@test "under churn no socket is told twice, none that stays is missed, all are counted" {
  churns
  [ "$(lost)" = 0 ] # root may have a queue that is long enough
}

need_other_user() {
  command -v setpriv >/dev/null || skip "there is no setpriv"
  VIEW=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  BINARY=$(mktemp -d /tmp/portinfo.XXXXXX)/portinfo
  chmod 755 "${BINARY%/*}"
  cp "$PORTINFO" "$BINARY"
}

@test "an ordinary user is told the same" {
  need_other_user
  churns
}

has_lost() { inside awk '$2 == 4 && $9 > 0 { n++ } END { exit !n }' /proc/net/netlink; }

@test "what comes too fast is counted as lost" {
  need_other_user
  begin
  act listen 5001
  watch --interval 500ms --columns lport --until-empty 'lport = 5001'
  event present 5001
  kill -STOP "$WATCH"
  act churn 5001 10000 1 # a notice takes 1.2 KB of the 16 MB there are at most
  poll has_lost          # the kernel tells some time after the end
  kill -CONT "$WATCH"
  sees '"event":"brief"'
  act drop 5001
  ends
  [ "$status" = 0 ]
  [ "$(lost)" -gt 0 ]
}

@test "where notices are refused readings alone tell, and it says so" {
  "${CC:-cc}" "$HELPERS/refuse.c" -o "$T/refuse" || skip "no compiler"
  begin
  act listen 5001
  VIEW=("$T/refuse" 13)
  watch --interval 100ms --columns lport :5001
  event present 5001
  act drop 5001
  event vanish 5001
  kill "$WATCH"
  ends
  grep -q 'the kernel does not tell of sockets that end (Permission denied)' "$T/words"
  VIEW=()
  watch --backend proc --settle 100ms
  ends
  grep -q 'the kernel was not asked which sockets end' "$T/words"
}

# ---- Ends --------------------------------------------------------------------------

@test "a reader that leaves ends it, although nothing happens" {
  begin
  act listen 5001
  inside timeout 60 "$PORTINFO" watch --interval 1h --columns lport 2>"$T/words" |
    head -n 1 >"$T/events"
  told_of '"event":"present"'
  [ ! -s "$T/words" ] || ! grep -qE 'traceback|cannot write' "$T/words"
}

@test "mistakes are one line each" {
  begin
  local wrong
  while IFS='|' read -r arguments wrong; do
    # shellcheck disable=SC2086
    watch $arguments
    ends
    [ "$status" = 2 ]
    [ ! -s "$T/events" ]
    [ "$(wc -l <"$T/words")" = 1 ]
    grep -qF -- "$wrong" "$T/words" || { echo "$arguments"; cat "$T/words"; return 1; }
  done <<'END'
--interval 0|--interval: a time above 0, such as 500ms, not '0'
--interval 5x|'5x' is no length of time
--interval -1s|'-1s' is no length of time
--settle 0s|--settle: a time above 0
--count -1|--count: how many, from 1
--count 0|--count: how many, from 1
--count 1.5|--count: how many, from 1
--format json|a watch comes as a table, ndjson, tsv or csv, not json
--format {lport}|a watch comes as
--tally state|--tally is for ls
--limit 3|--limit is for ls
--from x|--from is for ls and pages
tcp udp|no socket can ever satisfy 'tcp udp'
END
}

# ---- The screen --------------------------------------------------------------------

screen() { tmux -L "$SERVER" capture-pane -J -p | sed 's/ *$//'; }
shows() { screen | grep -qE -- "$1"; }
fits() { ! screen | grep -qE "^.{$(($1 + 1))}"; }

on_screen() {
  command -v tmux >/dev/null || skip "no tmux here"
  export SHELL=$BASH TMUX_TMPDIR=$T LC_ALL=C.UTF-8
  unset TMUX
  SERVER=watch
  tmux -L "$SERVER" -f /dev/null new-session -d -x 80 -y 24 \
    "env TERM=xterm ${INSIDE[*]} $PORTINFO watch $*; echo status \$?; exec cat" 3>&- 9>&-
}

@test "a terminal gets a table with marks, which shrinks with it" {
  begin
  act listen 5001
  on_screen --interval 1s
  poll shows '^  tcp +listen +127.0.0.1:5001'
  act listen 5002
  poll shows '^\+ tcp +listen +127.0.0.1:5002'
  poll shows '^[0-9:]{8} \+ tcp listen 127.0.0.1:5002'
  poll shows '^  tcp +listen +127.0.0.1:5002' # the mark goes
  act drop 5002
  poll shows '^- tcp +listen +127.0.0.1:5002'
  poll shows '^[0-9:]{8} - tcp listen 127.0.0.1:5002'
  fits 80
  tmux -L "$SERVER" resize-window -x 20 -y 8
  poll shows '^ +5001 +[a-z]'
  poll fits 20
  tmux -L "$SERVER" resize-window -x 80 -y 24
  poll shows '127.0.0.1:5001'
  tmux -L "$SERVER" send-keys C-c
  poll shows '^status 130'
  poll shows '^tcp +listen +127.0.0.1:5001'
  shows 'readings told of 2 changes'
}
