#!/bin/sh
# ladders.sh: every function of portinfo.h is in the ladder of allocations. (That every
# one of the Lua module is in its own, lua_ladder_test.c sees by itself.)
set -u
cd "$(dirname "$0")/.." || exit 2
ladder='tests/c/ladder_test.c tests/c/saved.h'

# The functions that are declared, and those that are called.
functions() {
  grep -Eoh '\bpi_[a-z0-9_]+\(' "$@" | tr -d '(' | sort -u
}

echo 1..1
# shellcheck disable=SC2086 # several files; a function may be given to another there
missing=$(functions src/portinfo.h | grep -vxF "$(grep -Eoh '\bpi_[a-z0-9_]+' $ladder)")
if [ -z "$missing" ]; then
  echo "ok 1 - every function of portinfo.h is in the ladder"
else
  echo "not ok 1 - every function of portinfo.h is in the ladder"
  echo "$missing" | sed 's/^/# /'
  exit 1
fi
