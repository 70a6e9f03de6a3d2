#!/usr/bin/env bats
# hardening.bats: what was built has what makes a mistake harder to use, and shows
# nothing but what it promises.

setup() {
  cd "$BATS_TEST_DIRNAME/../.." || return 1
  BUILD=$(cd "${BUILD:-build}" && pwd) || return 1
  LIBRARY=$BUILD/libportinfo.so MODULE=$BUILD/module/portinfo/core.so
  PRODUCTS=("$BUILD/portinfo" "$LIBRARY" "$MODULE")
  command -v readelf >/dev/null || skip "there is no readelf"
  [ "$(uname -s)" = Linux ] || skip "these are not the files of Linux"
}

# Of a build that was asked to go without, nothing is expected.
need_hardening() {
  [ -n "${HARDENING-unset}" ] || skip "built without (HARDENING=)"
}

# Each product has it: every COMMAND... FILE says so.
each() { # each PATTERN COMMAND...
  local product pattern=$1
  shift
  for product in "${PRODUCTS[@]}"; do
    "$@" "$product" | grep -Eq -- "$pattern" || {
      echo "$product: not so: $* $pattern"
      return 1
    }
  done
}

# No product has it.
none() { # none PATTERN COMMAND...
  local product pattern=$1
  shift
  for product in "${PRODUCTS[@]}"; do
    if "$@" "$product" | grep -E -- "$pattern"; then
      echo "$product: $* has $pattern"
      return 1
    fi
  done
}

defined() { nm -D --defined-only "$1" | awk '{ print $3 }' | sort; }

@test "the program is loaded at an address of chance" {
  readelf -hW "$BUILD/portinfo" | grep -q 'Type: *DYN'
  readelf -dW "$BUILD/portinfo" | grep -Eq 'FLAGS_1.*PIE'
}

@test "what the linker fills in is read-only before anything runs" {
  each 'GNU_RELRO' readelf -lW
  each 'BIND_NOW|FLAGS_1.*NOW' readelf -dW
}

@test "no stack can be run, and no memory is writable and run" {
  each 'GNU_STACK.* RW ' readelf -lW
  none 'LOAD.* R?WE ' readelf -lW
  none 'TEXTREL' readelf -dW
}

@test "no library is looked for in folders that the build names" {
  none 'RPATH|RUNPATH' readelf -dW
}

@test "stacks are guarded, and copies are checked for their size" {
  need_hardening
  each '__stack_chk_fail' nm -D
  each '__[a-z]+_chk' nm -D
}

@test "no frame jumps over the page that guards the stack" {
  need_hardening
  [ "$(uname -m)" = x86_64 ] || skip "known by the instructions of x86-64 alone"
  each 'orq +\$0x0,\(%rsp\)' objdump -d
}

@test "jumps and returns go where code begins" {
  need_hardening
  [[ ${HARDENING-} == *-fcf-protection* ]] || skip "this compiler has it not, or was not told"
  # the file is marked if all in it are, and the compiler's own parts may not be
  local file=$BUILD/obj/src/core/snapshot.o
  readelf -nW "$file" | grep -q 'IBT, SHSTK'
}

@test "the library shows what portinfo.h declares, and nothing else" {
  need_hardening # what counts and checks in other builds has names of its own
  grep -oE '\bpi_[a-z0-9_]+\(' src/portinfo.h | tr -d '(' | sort -u >"$BATS_TEST_TMPDIR/declared"
  defined "$LIBRARY" | diff "$BATS_TEST_TMPDIR/declared" -
}

@test "the module shows what Lua looks for, and nothing else" {
  [ "$(defined "$MODULE")" = luaopen_portinfo_core ]
}
