#!/usr/bin/env bats
# tour.bats: what README shows is made by the program, and comes out the same again.

setup() {
  cd "$BATS_TEST_DIRNAME/../.." || return 1
  BUILD=$(cd "${BUILD:-build}" && pwd) || return 1
  export BUILD
  T=$BATS_TEST_TMPDIR
  command -v python3 >/dev/null || skip "there is no python3"
  unshare --net --pid --fork --mount-proc true 2>/dev/null ||
    unshare --map-root-user --net --pid --fork --mount-proc true 2>/dev/null ||
    skip "no namespaces of our own here"
}

@test "the tour's commands run, and print the same each time" {
  cp README.md "$T/README.md"
  tests/tour/run "$T/README.md"
  cp "$T/README.md" "$T/first"
  tests/tour/run "$T/README.md"
  diff "$T/first" "$T/README.md"
}

@test "the tour replaces what stands below a command, and nothing else" {
  printf '%s\n' '# A title' '```' '$ portinfo left as it is' '```' '<!-- tour -->' '```' \
    '$ portinfo ls :6379 --format tsv --columns lport,pid --sort lport' 'old' '```' 'end' \
    >"$T/file.md"
  tests/tour/run "$T/file.md"
  diff "$T/file.md" - <<'END'
# A title
```
$ portinfo left as it is
```
<!-- tour -->
```
$ portinfo ls :6379 --format tsv --columns lport,pid --sort lport
lport	pid
6379	1104
6379	1104
41004	1322
```
end
END
}
