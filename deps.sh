#!/bin/sh
# deps.sh: installs what is missing to build or to test, and says so first.
#
#   ./deps.sh build|bpf|test|bench|oracle|fuzz|ci|formats...
#
# As root, or with sudo; else it prints the command and exits with 2.
set -eu

has() { command -v "$1" >/dev/null 2>&1; }

# compiles HEADER...: are they there?
compiles() {
  for header in "$@"; do echo "#include <$header>"; done |
    ${CC:-cc} -E - >/dev/null 2>&1
}

has_lua() {
  for p in lua5.4 lua-5.4 lua54 lua5.5 lua-5.5 lua55 lua; do
    pkg-config --exists "$p >= 5.4" 2>/dev/null && return 0
  done
  return 1
}

# need NAME is-there? apt dnf apk pacman brew ("-": comes with another)
missing_apt='' missing_dnf='' missing_apk='' missing_pacman='' missing_brew=''
need() {
  missing_apt="$missing_apt $1" missing_dnf="$missing_dnf $2"
  missing_apk="$missing_apk $3" missing_pacman="$missing_pacman $4"
  missing_brew="$missing_brew $5"
}

need_build() {
  has cc || has gcc || need gcc gcc "gcc musl-dev" gcc gcc
  compiles stdlib.h || need libc6-dev glibc-devel musl-dev glibc -
  has pkg-config || need pkg-config pkgconf-pkg-config pkgconf pkgconf pkg-config
  has_lua || need liblua5.4-dev lua-devel lua5.4-dev lua lua
  compiles stdio.h readline/readline.h ||
    need libreadline-dev readline-devel readline-dev readline readline
}

# What the program for the kernel is made with; nothing else needs it.
need_bpf() {
  [ "$(uname -s)" = Linux ] || return 0
  has clang || need clang clang clang clang -
  has llvm-strip || need llvm llvm llvm llvm -
  compiles bpf/libbpf.h bpf/bpf_core_read.h ||
    need libbpf-dev libbpf-devel libbpf-dev libbpf -
}

need_test() {
  has lua5.4 || need lua5.4 lua lua5.4 lua -
  lua5.4 -e 'require "cjson"' >/dev/null 2>&1 ||
    need lua-cjson lua-cjson lua5.4-cjson lua-cjson -
  has busted || need lua-busted lua-busted lua-busted lua-busted luarocks
  has bats || need bats bats bats bats bats-core
  compiles stdarg.h stddef.h stdint.h setjmp.h cmocka.h ||
    need libcmocka-dev libcmocka-devel cmocka-dev cmocka cmocka
  has tmux || need tmux tmux tmux tmux tmux
  has python3 || need python3 python3 python3 python python3
  has curl || has wget || need curl curl curl curl curl
  [ "$(uname -s)" = Linux ] || return 0
  has strace || need strace strace strace strace -
  has ss || need iproute2 iproute iproute2 iproute2 -
  has setpriv || need util-linux util-linux setpriv util-linux -
}

# What others answer the same questions with, to measure beside.
need_bench() {
  has python3 || need python3 python3 python3 python python3
  [ "$(uname -s)" = Linux ] || return 0
  has ss || need iproute2 iproute iproute2 iproute2 -
  has lsof || need lsof lsof lsof lsof -
  has netstat || need net-tools net-tools net-tools net-tools -
  python3 -c 'import psutil' 2>/dev/null || /usr/bin/python3 -c 'import psutil' 2>/dev/null ||
    need python3-psutil python3-psutil py3-psutil python-psutil -
}

# The same, to compare with; lsfd where util-linux has it.
need_oracle() {
  need_bench
  has unshare || need util-linux util-linux util-linux-misc util-linux -
  has lsfd || need util-linux-extra - - - -
}

# Can clang link what a fuzzer needs?
has_fuzzer() {
  probe=$(mktemp)
  echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' |
    clang -fsanitize=fuzzer,address,undefined -x c - -o "$probe" 2>/dev/null
  status=$?
  rm -f "$probe"
  return $status
}

need_fuzz() {
  has clang || need clang clang clang clang llvm
  has_fuzzer || need libclang-rt-dev compiler-rt compiler-rt compiler-rt -
  compiles stdarg.h stddef.h stdint.h setjmp.h cmocka.h ||
    need libcmocka-dev libcmocka-devel cmocka-dev cmocka cmocka
}

need_ci() {
  has clang || need clang clang clang clang llvm
  has clang-format || need clang-format clang-tools-extra clang-extra-tools clang clang-format
  has gcc || need gcc gcc gcc gcc gcc
  has clang-tidy || need clang-tidy clang-tools-extra clang-extra-tools clang llvm
  has cppcheck || need cppcheck cppcheck cppcheck cppcheck cppcheck
  has gcovr || need gcovr gcovr gcovr gcovr gcovr
  has luac5.4 || need lua5.4 lua lua5.4 lua -
  has luacheck || need lua-check luarocks luacheck luacheck luarocks
  has shellcheck || need shellcheck ShellCheck shellcheck shellcheck shellcheck
  has mandoc || need mandoc mandoc mandoc mandoc mandoc
  has valgrind || need valgrind valgrind valgrind valgrind -
  has luarocks || need luarocks luarocks luarocks5.4 luarocks luarocks
}

# What reads the reports of an audit.
need_formats() {
  has npm || need npm npm npm npm node
  has node || need nodejs nodejs nodejs nodejs -
  has xmllint || need libxml2-utils libxml2 libxml2-utils libxml2 libxml2
  has jq || need jq jq jq jq jq
  has prove || need perl perl-Test-Harness perl-utils perl perl
}

# The words of a list without the placeholders.
words() { echo "$1" | tr ' ' '\n' | grep -v '^-\{0,1\}$' | tr '\n' ' '; }

find_manager() {
  for m in apt-get dnf apk pacman brew; do has $m && echo $m && return; done
}

list_for() {
  case $1 in
    apt-get) words "$missing_apt" ;;
    dnf) words "$missing_dnf" ;;
    apk) words "$missing_apk" ;;
    pacman) words "$missing_pacman" ;;
    *) words "$missing_brew" ;;
  esac
}

command_for() {
  case $1 in
    apt-get) echo "apt-get install -y --no-install-recommends" ;;
    dnf) echo "dnf install -y" ;;
    apk) echo "apk add" ;;
    pacman) echo "pacman -S --noconfirm --needed" ;;
    *) echo "brew install" ;;
  esac
}

for kind in "$@"; do "need_$kind"; done
[ -n "$missing_apt" ] || exit 0

manager=$(find_manager)
if [ -z "$manager" ]; then
  echo "portinfo: no package manager known here; install by hand: $(words "$missing_apt")(Debian's names)" >&2
  exit 2
fi
packages=$(list_for "$manager")
install="$(command_for "$manager") $packages"
echo "portinfo: these packages are missing: $packages"

as_root=
if [ "$manager" != brew ] && [ "$(id -u)" -ne 0 ]; then
  if has sudo && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
  else
    echo "portinfo: run this as root, then try again: $install" >&2
    exit 2
  fi
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # lists of words
if [ "$manager" = apt-get ]; then
  $as_root apt-get update -q || true # a stale list may do
fi
# shellcheck disable=SC2086
exec $as_root $install
