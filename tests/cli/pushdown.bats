#!/usr/bin/env bats
# pushdown.bats: what the kernel tests for us gives the same answers, and leaves
# less to be read.

load helpers/live

setup() { live_setup; }

teardown() { close_scene; }

@test "filters at random select the same sockets with and without the kernel" {
  open_scene tcp4 tcp4_any tcp6_dual same_port pair4 pair6 pair_mapped \
    outbound_bound udp_outside udp_inside
  need_apart
  inside python3 "$HELPERS/pushdown.py" "$PORTINFO"
}

# Bytes received over netlink by `ls ARGUMENT...`.
received() {
  inside strace -f -e trace=recvmsg -o "$T/trace" "$PORTINFO" ls -q "$@" \
    >/dev/null || [ $? -eq 1 ]
  awk -F' = ' '/nl_family=AF_NETLINK|AF_NETLINK/ { sum += $NF } END { print sum + 0 }' \
    "$T/trace"
}

@test "a port is looked for by the kernel, also beside what it cannot test" {
  open_scene pair4 pair6 outbound_bound
  need_apart
  command -v strace >/dev/null || skip "there is no strace"
  inside strace -o "$T/trace" true 2>/dev/null || skip "strace is not permitted"
  few=(--format tsv --columns lport)
  all=$(received "${few[@]}" established)
  port=$(received "${few[@]}" established and rport = 9)
  beside=$(received "${few[@]}" established and rport = 9 and not role = bound)
  either=$(received "${few[@]}" established and '(rport = 9 or not role = bound)')
  echo "all $all, port $port, beside $beside, either $either"
  [ "$port" -lt "$all" ]
  [ "$beside" -eq "$port" ]
  [ "$either" -ge "$all" ]
}
