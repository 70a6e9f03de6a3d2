#!/usr/bin/env bats
# protocols.bats: sockets of UDP-Lite, SCTP, MPTCP and raw ones, and what connections tell of
# themselves, in a network namespace of our own.

load helpers/live

setup() {
  live_setup
  local apart=(unshare -n)
  [ "$(id -u)" = 0 ] || apart=(unshare -rn)
  "${apart[@]}" true 2>/dev/null || skip "a network namespace of our own is not permitted"
  mkfifo "$T/end"
  "${apart[@]}" python3 "$HELPERS/protocols.py" <"$T/end" >"$T/opened" 2>"$T/trouble" 3>&- 4>&- &
  SCENE=$!
  exec 9>"$T/end"
  poll is_open
  grep -q '^ready$' "$T/opened" || {
    cat "$T/trouble"
    return 1
  }
  INSIDE=(nsenter -t "$SCENE" -n)
  [ "$(id -u)" = 0 ] || INSIDE=(nsenter -t "$SCENE" -U --preserve-credentials -n)
  inside true 2>/dev/null || skip "nsenter is not permitted"
}

teardown() {
  [ -n "${SCENE-}" ] || return 0
  exec 9>&-
  wait "$SCENE" 2>/dev/null || true
}

is_open() { grep -q '^ready$' "$T/opened" || ! kill -0 "$SCENE" 2>/dev/null; }

# Skips, with the kernel's reason, unless there are sockets of this protocol.
need() {
  grep -q "^$1 yes$" "$T/opened" && return 0
  skip "no socket of $1: $(sed -n "s/^$1 //p" "$T/opened")"
}

# A line for each row: the columns, by commas, of those that the filter selects.
rows() {
  local columns=$1
  shift
  inside "$PORTINFO" ls "$*" --columns "$columns" --format csv --no-header 2>"$T/words" |
    sort
}

@test "UDP-Lite: services and clients, as with UDP" {
  need udplite
  [ "$(rows proto,state,role,lport udplite listening)" = udplite,unconnected,service,28751 ]
  [ "$(rows proto,role,rport udplite connected)" = udplite,connected,28751 ]
  [ "$(rows autobound udplite connected)" = yes ]
  [ "$(inside "$PORTINFO" ls udplite --backend proc --tally proto --format tsv --no-header)" = \
    $'2\tudplite' ]
}

@test "MPTCP: its sockets are rows, and their subflows are rows of TCP" {
  need mptcp
  [ "$(rows state,role mptcp lport = 28751)" = $'established,inbound\nlisten,listener' ]
  [ "$(rows state,role tcp lport = 28751)" = $'established,inbound\nlisten,listener' ]
  [ "$(rows owner mptcp listening)" = known ]
  run inside "$PORTINFO" 28751
  [[ $output == *"mptcp 127.0.0.1:28751 listening"* ]]
}

@test "SCTP: an endpoint that listens, and each association" {
  need sctp
  [ "$(rows state,role sctp lport = 28751)" = $'established,inbound\nlisten,listener' ]
  [ "$(rows state sctp rport = 28751)" = established ]
}

@test "a protocol without sockets has no rows, and nothing is said of it" {
  run inside "$PORTINFO" ls sctp --format tsv --no-header --strict
  grep -q "^sctp yes$" "$T/opened" && skip "there are sockets of sctp"
  [ "$status" = 1 ]
  [ -z "$output" ]
}

@test "raw sockets: where a filter names them, with their protocol and without ports" {
  need raw
  [ "$(rows proto,lport,protocol,role raw)" = raw,,1, ]
  [ "$(rows proto protocol = 1)" = raw ]
  [ -z "$(rows proto protocol = 2)" ]
  [ -z "$(rows proto not tcp | grep raw)" ]
  [ -z "$(rows proto | grep raw)" ]
  [ "$(inside "$PORTINFO" ls raw --backend proc --columns protocol --format tsv --no-header)" = 1 ]
  run inside "$PORTINFO" ls raw --format table
  [[ $output == *" 0.0.0.0 "* ]]
}

@test "a reading of them is saved, and asked again" {
  need raw
  inside "$PORTINFO" save "$T/all.ndjson" 'raw or not raw' 2>"$T/words"
  [ "$("$PORTINFO" --from "$T/all.ndjson" ls raw --columns protocol --format tsv --no-header)" = 1 ]
  "$PORTINFO" diff "$T/all.ndjson" "$T/all.ndjson"
}

@test "TCP connections tell of themselves" {
  need tcp
  [ "$(rows bytes_sent,bytes_received,retrans tcp rport = 28752 established)" = 1000,0,0 ]
  [ "$(rows bytes_sent,bytes_received tcp lport = 28752 'bytes_received >= 1000')" = 0,1000 ]
  [ "$(rows rtt,cwnd,idle,congestion tcp lport = 28752 state = listen)" = ',,,""' ]
  rows rtt,cwnd,congestion tcp rport = 28752 | grep -Eq '^[1-9][0-9]*,[1-9][0-9]*,"[a-z]+"$'
  [ "$(rows rport 'rtt < 10s idle < 1d tcp rport = 28752')" = 28752 ]
  [ -z "$(rows rport 'rtt > 10s tcp rport = 28752')" ]
  # proc tables do not tell it
  run inside "$PORTINFO" ls 'rtt > 10s tcp' --backend proc --format tsv --no-header
  [ "$status" = 3 ]
}

@test "MPTCP connections tell what they count themselves" {
  need mptcp
  case "$(rows bytes_sent,rtt mptcp rport = 28751)" in
    1000,) ;;
    '?,') skip "this kernel does not count the bytes of MPTCP" ;;
    *) return 1 ;;
  esac
}

# The dumps that a command asks for, and what they ask of each socket.
dumps() {
  inside strace -f -X raw -e trace=sendto -o "$T/trace" "$PORTINFO" "$@" >"$T/out" 2>"$T/words"
  grep -c sendto "$T/trace"
}

@test "only who names a field of tcp_info has it asked for" {
  need tcp
  need_strace
  local bare
  bare=$(dumps ls tcp --columns lport --format tsv)
  [ "$bare" = 1 ]
  [ "$(dumps ls tcp --columns lport,rtt --format tsv)" = 2 ]
  [ "$(dumps ls 'tcp lport = 1 rtt > 5' --columns lport --format tsv)" -ge "$bare" ]
  # all that is usual, of a reading that is kept too, does not
  dumps ls tcp --format ndjson
  ! grep -q '"rtt"' "$T/out"
  dumps save "$T/all.ndjson" tcp
  ! grep -q '"rtt"' "$T/all.ndjson"
}

@test "a protocol that the kernel counts no socket of is not asked for" {
  need_strace
  grep -q "^sctp yes$" "$T/opened" && skip "there are sockets of sctp"
  [ "$(dumps ls sctp --columns lport --format tsv)" = 0 ]
  inside strace -f -e trace=openat -o "$T/trace" "$PORTINFO" ls 'tcp or udp' --format tsv \
    --columns lport >/dev/null 2>&1
  ! grep -q net/protocols "$T/trace"
}
