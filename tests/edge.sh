#!/bin/sh
# edge.sh: EDGE-CASES.md keeps its word: every number stands there once, and the tests
# that it names are written. After all suites, `edge.sh ran`: they ran; and where nothing
# is in their way, `edge.sh unskipped [FOLDER]`: none of them was skipped, in this run or in the
# one whose reports are in the folder.
set -u
cd "$(dirname "$0")/.." || exit 2
page=tests/EDGE-CASES.md
tap=${BUILD:-build}/tap
other='' n=0 status=0

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

# The rows of the table below a heading.
table() {
  awk -v heading="## $1" '/^## /{inside = $0 == heading} inside && /^[|]/' "$page" |
    tail -n +3
}

# What is wrong with the numbers of a table that should run from 1 to a last one.
misnumbered() {
  table "$1" | awk -F ' *[|] *' -v last="$2" '
    $2 != NR {print "row " NR " has the number " $2}
    END {if (NR != last) print NR " rows, not " last}'
}

# The tests that the page names between backticks (octal 140).
named() {
  awk -F '\140' '{for (i = 2; i <= NF; i += 2) print $i}' "$page" |
    grep -E '^[a-z0-9_]+(\.bats|_test\.c|_spec\.lua): ' | sort -u
}

# The tests that there are.
written() {
  for file in tests/cli/*.bats; do
    sed -n "s/^@test \"\\(.*\\)\" {.*/${file##*/}: \\1/p" "$file"
  done
  for file in tests/c/*_test.c; do
    # where they are listed, their names stand before a comma or a bracket
    grep -Eo '[a-z_0-9]+[,)]' "$file" | sed "s/.\$//;s/^/${file##*/}: /"
  done
  for file in tests/lua/*_spec.lua; do
    awk -F '"' -v file="${file##*/}" '
      /^ *describe\("/ {group = $2 " "}
      /^ *it\("/ {print file ": " group $2}' "$file"
  done
}

# The tests that came to their end, without those whose line has a pattern.
reported() {
  for file in "$tap"/*.tap ${other:+"$other"/*.tap}; do
    suite=$(basename "$file" .tap)
    case $suite in *_test) suite=$suite.c ;; *_spec) suite=$suite.lua ;; esac
    grep '^ok ' "$file" | grep -Eiv "$1" | tr -d '\r' |
      sed -E "s/^ok [0-9]+ (- |# SKIP )?/$suite: /;s/ # *(SKIP|skip)( .*)?\$//"
  done
}

# Those that are named and not among the lines of the input.
missing() {
  { cat; echo; named; } |
    awk '!NF {named = 1; next} !named {there[$0]; next} !($0 in there)'
}

case ${1-} in
  '')
    claim "the cases are numbered from 1 to 57" "$(misnumbered "The cases" 57)"
    claim "those of the acceptance are numbered from 1 to 12" "$(misnumbered Acceptance 12)"
    claim "each has a test, or the reason why it cannot apply" \
      "$({ table "The cases"; table Acceptance; } |
        grep -Ev '_test\.c: |_spec\.lua: |\.bats: |^\| 5[567] .* cannot apply: ')"
    claim "every test that is named is written" "$(written | missing)"
    ;;
  ran) claim "every test that is named ran" "$(reported '^$' | missing)" ;;
  unskipped)
    other=${2-}
    claim "none of them was skipped" "$(reported '# *skip' | missing)"
    ;;
esac
echo "1..$n"
exit $status
