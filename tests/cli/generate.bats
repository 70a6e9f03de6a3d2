#!/usr/bin/env bats
# generate.bats: what the generator refuses, by file and line.

setup() {
  cd "$BATS_TEST_DIRNAME/../.." || return 1
  GENERATE=${BUILD:-build}/generate
  DATA=$BATS_TEST_TMPDIR
  cp data/*.tsv "$DATA"
}

generate() {
  "$GENERATE" "$DATA/registry.tsv" "$DATA/defacto.tsv" "$DATA/risky.tsv" \
    "$DATA/blocked.tsv" "$DATA/ephemeral.tsv"
}

COLUMNS_OF_REGISTRY="first last transports status name description assignee \
registered modified references alias_of note unauthorized"

# A registry of the rows given, with tabs for "|"; its rows begin in line 3.
registry() {
  {
    echo "# date: 2026-01-02"
    tr ' ' '\t' <<<"$COLUMNS_OF_REGISTRY"
    printf '%s\n' "$@" | tr '|' '\t'
  } >"$DATA/registry.tsv"
}

# The generator must end with status 1, no table, and the one line
# `FILE:LINE: WORDS...`.
refuses() {
  run generate
  echo "$output"
  [ "$status" -eq 1 ]
  [ "${#lines[@]}" -eq 1 ]
  [[ $output == "$DATA/$1:$2: "*"$3"* ]]
}

GOOD="80|80|tcp|assigned|http|Web|||||||"

@test "good tables make the same tables each time" {
  run generate
  [ "$status" -eq 0 ]
  first=$output
  run generate
  [ "$output" = "$first" ]
}

@test "a table may be nearly empty" {
  registry "$GOOD"
  run generate
  [ "$status" -eq 0 ]
}

@test "wrong arguments tell the usage" {
  run "$GENERATE"
  [ "$status" -eq 1 ]
  [[ $output == usage:* ]]
}

@test "a missing file is told" {
  rm "$DATA/risky.tsv"
  refuses risky.tsv 0 "cannot be opened"
}

@test "an empty file is refused" {
  : >"$DATA/risky.tsv"
  refuses risky.tsv 1 "truncated"
}

@test "a file of remarks alone is refused" {
  echo "# nothing" >"$DATA/risky.tsv"
  refuses risky.tsv 1 "no header"
}

@test "a file that ends within a line is refused" {
  printf '81' >>"$DATA/blocked.tsv"
  refuses blocked.tsv 88 "last line must end with LF"
}

@test "a missing column is named" {
  sed -i 's/^first\tlast\ttransports\tid\tsoftware/first\tlast\tid\tsoftware/' \
    "$DATA/defacto.tsv"
  refuses defacto.tsv 5 'column "id" where "transports" belongs'
}

@test "a column at the end that is missing or unknown is named" {
  sed -i '5s/$/\tmore/' "$DATA/blocked.tsv"
  refuses blocked.tsv 5 'column "more" is unknown'
  cp data/blocked.tsv "$DATA"
  sed -i '5s/\tsource$//' "$DATA/risky.tsv"
  refuses risky.tsv 5 'column "source" is missing'
}

@test "a registry without a date is refused" {
  sed -i '/^# date/d' "$DATA/registry.tsv"
  refuses registry.tsv 6 "no date"
}

@test "a row with a cell too few or too many is refused" {
  registry "$GOOD" "81|81|tcp|assigned|a|b||||||"
  refuses registry.tsv 4 "a row of 12 cells, wanted 13"
  registry "$GOOD|"
  refuses registry.tsv 3 "a row of 14 cells, wanted 13"
  registry "$GOOD||||"
  refuses registry.tsv 3 "more than 16 columns"
}

@test "a port out of range or no number is refused" {
  for port in 65536 99999999999 -1 8o 0x50 " 80" ""; do
    registry "$port|80|tcp|assigned|http|Web|||||||"
    refuses registry.tsv 3 "wanted a number from 0 to 65535"
  done
}

@test "a range that runs backwards is refused" {
  registry "81|80|tcp|assigned|http|Web|||||||"
  refuses registry.tsv 3 "the first must not be the greater"
}

@test "an unknown transport, or an order of its own, is refused" {
  for transports in quic "" tcp, ,tcp udp,tcp tcp,tcp TCP "tcp udp" any,tcp; do
    registry "80|80|$transports|assigned|http|Web|||||||"
    refuses registry.tsv 3 'wanted "any" or some of'
  done
}

@test "an unknown status is refused" {
  registry "80|80|tcp|dynamic|http|Web|||||||"
  refuses registry.tsv 3 'status "dynamic", wanted assigned'
}

@test "a name is wanted, and not too long" {
  registry "80|80|tcp|assigned||Web|||||||"
  refuses registry.tsv 3 "no service name"
  registry "80|80|tcp|assigned|sixteen-letters-|Web|||||||"
  refuses registry.tsv 3 "of 16 bytes, at most 15"
  registry "||tcp|reserved|a||||||||"
  refuses registry.tsv 3 "its status must be assigned"
}

@test "a malformed date is refused" {
  for date in 2026 2026-1-1 26-01-01 2026/01/01 2026-01-011; do
    registry "80|80|tcp|assigned|http|Web||$date|||||"
    refuses registry.tsv 3 "wanted YYYY-MM-DD or YYYY-MM"
  done
}

@test "rows out of order are refused" {
  registry "$GOOD" "79|79|tcp|assigned|a||||||||"
  refuses registry.tsv 4 "port 79 below port 80"
  registry "80|90|tcp|assigned|a||||||||" "$GOOD"
  refuses registry.tsv 4 "last port 80 below 90"
  registry "||tcp|assigned|a||||||||" "$GOOD"
  refuses registry.tsv 4 "names without a port, which come last"
  registry "||tcp|assigned|b||||||||" "||tcp|assigned|a||||||||"
  refuses registry.tsv 4 '"a" below "b"'
  registry "$GOOD"
  printf '81\n80\n' >>"$DATA/blocked.tsv"
  refuses blocked.tsv 88 "port 81 below port 10080"
}

@test "a port that is blocked twice is refused" {
  printf '10080\n' >>"$DATA/blocked.tsv"
  refuses blocked.tsv 88 "port 10080 twice"
}

@test "carriage returns are refused" {
  sed -i '1s/$/\r/' "$DATA/blocked.tsv"
  refuses blocked.tsv 1 "carriage return"
}

@test "control bytes are refused" {
  for byte in '\000' '\033' '\177' '\302\233'; do
    cp data/blocked.tsv "$DATA"
    printf "1${byte}0\n" >>"$DATA/blocked.tsv"
    refuses blocked.tsv 88 "control"
  done
}

@test "invalid UTF-8 is refused" {
  for bytes in '\377' '\200' '\300\200' '\355\240\200' '\364\220\200\200' \
    '\340\200\200' '\342\202' '\303'; do
    cp data/blocked.tsv "$DATA"
    printf "$bytes\n" >>"$DATA/blocked.tsv"
    refuses blocked.tsv 88 "invalid UTF-8"
  done
}

@test "an overlong cell is refused" {
  registry "80|80|tcp|assigned|http|$(printf '%05000d' 0)|||||||"
  refuses registry.tsv 3 "a cell of 5000 bytes, at most 4095"
}

@test "more rows on a port than can be counted are refused" {
  rows=()
  for i in {1..32}; do rows+=("80|80|tcp|assigned|s$i||||||||"); done
  registry "${rows[@]}"
  refuses registry.tsv 34 "more than 31 rows hold port 80"
}

@test "a full disk is told" {
  [ -w /dev/full ] || skip "there is no /dev/full"
  run bash -c '"$@" >/dev/full' - "$GENERATE" "$DATA"/{registry,defacto}.tsv \
    "$DATA"/{risky,blocked,ephemeral}.tsv
  [ "$status" -eq 1 ]
  [[ $output == *"cannot be written"* ]]
}
