#!/usr/bin/env bats
# doctor.bats: what the doctor says in places where less can be seen.

load helpers/live
load helpers/users

setup() { live_setup; }

teardown() {
  close_scene
  drop_users
}

need_root() { [ "$(id -u)" = 0 ] || skip "only root can make such a place"; }

# Words on lines, however they were wrapped.
says() {
  cat "$T/out"
  tr -s ' \n' ' ' <"$T/out" | grep -q -e "$1"
}

@test "an ordinary user is told what is missing, and how to see more" {
  need_root
  as_user doctor >"$T/out"
  says "user id 65534 "
  says "capabilities none that matter"
  for name in CAP_SYS_PTRACE CAP_DAC_READ_SEARCH CAP_NET_ADMIN CAP_NET_BIND_SERVICE CAP_SYS_ADMIN; do
    says "advice $name is missing: "
  done
  says "to see more: sudo portinfo doctor"
}

@test "a nested pid namespace, and a nested user namespace" {
  unshare -Ur --pid --fork --mount-proc true 2>/dev/null || skip "unshare is not permitted"
  unshare -Ur --pid --fork --mount-proc "$PORTINFO" doctor >"$T/out"
  says "namespaces user: nested, pid: nested"
  says "processes outside of this pid namespace may hold sockets"
  says "capabilities of a nested user namespace open no process outside of it"
}

@test "a procfs that hides processes" {
  need_root
  local major minor
  IFS=.- read -r major minor _ < <(uname -r)
  # before, the option would reach out of this test
  ((major > 5 || major == 5 && minor >= 8)) || skip "this needs Linux 5.8"
  unshare -m mount -t proc -o hidepid=2 proc /proc 2>/dev/null || skip "no procfs of our own"
  as_user --version >"$T/out"
  unshare -m sh -c 'mount -t proc -o hidepid=2 proc /proc && exec "$@"' sh \
    setpriv --reuid=65534 --regid=65534 --clear-groups "$SHARED/portinfo" doctor >"$T/out"
  says "hidepid \(2\|invisible\) "
  says "sudo mount -o remount,hidepid=0 /proc"
}
