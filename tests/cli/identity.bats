#!/usr/bin/env bats
# identity.bats: who the holders of sockets are: users, units, containers, namespaces.

load helpers/live

setup() { live_setup; }

teardown() { close_scene; }

# ---- Users ----------------------------------------------------------------------

need_strace() {
  command -v strace >/dev/null || skip "there is no strace"
  inside strace -o /dev/null true 2>/dev/null || skip "strace is not permitted"
  # a sanitized build cannot look for leaks while traced
  export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
}

@test "a user is looked up once, however many holders" {
  open_scene fork3 reuseport3 pair4
  need_apart
  need_strace
  inside strace -f -qq -e trace=%file -o "$T/trace" \
    "$PORTINFO" ls --format tsv --no-header --columns user >"$T/users"
  [ "$(sort -u "$T/users")" = "$(id -un)" ]
  [ "$(wc -l <"$T/users")" -gt 3 ]
  [ "$(grep -c '"/etc/passwd"' "$T/trace")" -eq 1 ]
}

# Runs the rest where root's entry in the database has so many bytes.
with_long_entry() {
  printf 'root:x:0:0:%0*d:/root:/bin/sh\n' "$1" 0 >"$T/passwd"
  shift
  inside unshare -m sh -c 'mount --bind "$0" /etc/passwd && exec "$@"' "$T/passwd" "$@"
}

@test "of a user with an endless entry the number is told" {
  [ "$(id -u)" = 0 ] || skip "only root can put a database in place"
  open_scene tcp4
  with_long_entry 9 true 2>/dev/null || skip "a mount is not permitted"
  [ "$(with_long_entry 200000 "$PORTINFO" ls --format '{user}' :"$(told 0 lport)")" = root ]
  [ "$(with_long_entry 2000000 "$PORTINFO" ls --format '{user}' :"$(told 0 lport)")" = 0 ]
}
