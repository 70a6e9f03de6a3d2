#!/usr/bin/env bats
# pushdown.bats: what the kernel tests for us gives the same answers, and leaves
# less to be read.

load helpers/live

setup() { live_setup; }

teardown() { close_scene; }

@test "filters at random select the same sockets with and without the kernel" {
  open_scene tcp4 tcp4_any tcp6_dual same_port pair4 pair6 pair_mapped \
    outbound_bound lo_device lo_device_time_wait bound udp_outside udp_inside
  need_apart
  inside python3 "$HELPERS/pushdown.py" "$PORTINFO"
}

@test "filters that ss can express find the same as ss" {
  open_scene tcp4 tcp4_any tcp6_only same_port pair4 pair6 pair_mapped outbound_bound
  need_apart
  command -v ss >/dev/null || skip "there is no ss"
  inside python3 "$HELPERS/ssfilter.py" "$PORTINFO"
}

# Bytes received over netlink by `ls ARGUMENT...`.
received() {
  inside strace -f -e trace=recvmsg -o "$T/trace" "$PORTINFO" ls -q "$@" \
    >/dev/null || [ $? -eq 1 ]
  awk -F' = ' '/nl_family=AF_NETLINK|AF_NETLINK/ { sum += $NF } END { print sum + 0 }' \
    "$T/trace"
}

# Skips unless `received` can be measured.
need_trace() {
  need_apart
  command -v strace >/dev/null || skip "there is no strace"
  inside strace -o "$T/trace" true 2>/dev/null || skip "strace is not permitted"
}

@test "a port is looked for by the kernel, also beside what it cannot test" {
  open_scene pair4 pair6 outbound_bound
  need_trace
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

@test "a device is looked for by the kernel, beside a port and alone" {
  open_scene pair4 pair6 lo_device lo_device_time_wait
  need_trace
  few=(--format tsv --columns lport)
  all=$(received "${few[@]}" tcp)
  port=$(received "${few[@]}" rport = 9)
  beside=$(received "${few[@]}" 'rport = 9 and iface = "lo"')
  rest=(tcp and not state = listen)
  device=$(received "${few[@]}" "${rest[@]}" and 'iface = lo')
  glob=$(received "${few[@]}" "${rest[@]}" and 'iface = l*')
  echo "all $all, port $port, beside $beside, device $device, glob $glob"
  [ "$port" -lt "$all" ]
  [ "$beside" -le "$port" ]
  [ "$device" -lt "$glob" ]
  # a heading, an accepted end, and what remains of another connection
  inside "$PORTINFO" ls -q "${few[@]}" "${rest[@]}" and iface = lo >"$T/rows"
  [ "$(grep -c . "$T/rows")" -ge 3 ]
}

@test "what is only denied is not read" {
  open_scene pair4 pair6 udp_outside
  need_trace
  few=(--format tsv --columns lport)
  for pair in 'udp:not tcp' 'tcp and time-wait:tcp and not state != time-wait' \
    'tcp and listening:tcp and not not listening' \
    'tcp family = ipv6:tcp not family = ipv4'; do
    plain=$(received "${few[@]}" "${pair%%:*}")
    denied=$(received "${few[@]}" "${pair#*:}")
    echo "$pair: $plain, $denied"
    [ "$plain" -eq "$denied" ]
  done
}
