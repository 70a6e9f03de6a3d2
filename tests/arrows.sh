#!/bin/sh
# arrows.sh: includes point one way, and core knows neither an OS nor Lua.
set -u
cd "$(dirname "$0")/.." || exit 2
n=0 status=0

claim() { # claim "text" "offending lines"
  n=$((n + 1))
  if [ -z "$2" ]; then
    echo "ok $n - $1"
  else
    echo "not ok $n - $1"
    echo "$2" | sed 's/^/# /'
    status=1
  fi
}

# Quoted includes of a room, as FILE:HEADER, without those that match a pattern.
includes() { # includes ROOM ALLOWED
  grep -rHo '#include "[^"]*"' "src/$1" | sed 's/#include "\(.*\)"/\1/' |
    grep -Ev ":($2)\$"
}

own='[a-z0-9_]+\.h'
claim "registry includes itself and portinfo.h" \
  "$(includes registry "$own|\.\./portinfo\.h")"
claim "core includes itself, portinfo.h and registry.h" \
  "$(includes core "$own|\.\./portinfo\.h|\.\./registry/registry\.h")"
claim "a platform includes itself and collect.h" \
  "$(includes os "$own|bpf/$own|(\.\./){2,3}core/collect\.h")"
claim "the binding includes itself and portinfo.h" \
  "$(includes bind "$own|\.\./portinfo\.h")"
claim "the binary includes itself and the binding's module.h" \
  "$(includes repl "$own|\.\./bind/module\.h")"

# the C11 library, and no more
standard='assert|complex|ctype|errno|fenv|float|inttypes|iso646|limits|locale'
standard="$standard|math|setjmp|signal|stdalign|stdarg|stdatomic|stdbool|stddef"
standard="$standard|stdint|stdio|stdlib|stdnoreturn|string|tgmath|threads|time"
standard="$standard|uchar|wchar|wctype"
claim "core and registry include no header of an OS or of Lua" \
  "$(grep -rHo '#include <[^>]*>' src/core src/registry |
    grep -Ev "<($standard)\.h>")"
claim "only the binding and the binary know Lua" \
  "$(grep -rlE '#include <(lua|lauxlib|lualib)\.h>' src |
    grep -Ev '^src/(bind|repl)/')"
claim "core, the platforms and the binding never print" \
  "$(grep -rnE '\b(printf|puts|putchar|perror|fprintf)\(' src/core src/os src/bind |
    grep -v 'format(printf')"
claim "core and the platforms allocate through pi__realloc alone" \
  "$(grep -rnE '\b(malloc|calloc|realloc|free|strdup)\(' src/core src/os |
    grep -v '^src/core/alloc.c')"
claim "Lua files require portinfo alone" \
  "$(grep -rnHo 'require *(*"[^"]*"' lua | grep -v '"portinfo[."]')"
echo "1..$n"
exit $status
