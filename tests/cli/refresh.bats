#!/usr/bin/env bats
# refresh.bats: the registry's table made anew from IANA's XML.

# The table that most tests begin with: 14000 records, made once.
setup_file() {
  cd "$BATS_TEST_DIRNAME/../.." || return 1
  registry 14000 2026-08-01 </dev/null >"$BATS_FILE_TMPDIR/registry.xml"
  "${LUA:-lua5.4}" src/registry/refresh.lua "$BATS_FILE_TMPDIR/registry.xml" \
    "$BATS_FILE_TMPDIR/registry.tsv"
}

setup() {
  cd "$BATS_TEST_DIRNAME/../.." || return 1
  BUILD=${BUILD:-build}
  LUA=${LUA:-lua5.4}
  OUT=$BATS_TEST_TMPDIR/registry.tsv
  XML=$BATS_TEST_TMPDIR/registry.xml
}

refresh() { "$LUA" src/registry/refresh.lua "$@"; }

# A registry with one record for each number: $1 of them, dated $2, and with
# what is on standard input among them.
registry() {
  echo '<?xml version="1.0" encoding="UTF-8"?>'
  echo '<registry xmlns="http://www.iana.org/assignments"' \
    'id="service-names-port-numbers">'
  echo "<title>A registry</title><updated>$2</updated>"
  cat
  awk -v n="$1" 'BEGIN {
    for (i = 1; i <= n; i++)
      printf "<record><name>s%d</name><protocol>tcp</protocol>" \
        "<description>Service %d</description><number>%d</number>" \
        "</record>\n", i, i, i + 1000
  }'
  echo '<people><person id="Ann_Lee_2"><name>Ann Lee</name></person>'
  echo '<person id="Acme"><name/><org>Acme &amp; Co.</org></person></people>'
  echo '</registry>'
}

row() { grep -P "^$1\t$2\t" "$OUT"; }

# Runs a refresh that must fail with one line that holds $1, and leave the
# table alone.
refuses() {
  local words=$1
  shift
  cp "$BATS_FILE_TMPDIR/registry.tsv" "$OUT"
  run refresh "$@" "$OUT"
  echo "$output"
  [ "$status" -eq 2 ]
  [ "${#lines[@]}" -eq 1 ]
  [[ $output == "refresh: "*"$words"* ]]
  cmp "$OUT" "$BATS_FILE_TMPDIR/registry.tsv"
  [ ! -e "$OUT.new" ]
}

@test "records become rows" {
  registry 14000 2026-08-02 >"$XML" <<'X'
<record date="2001-02&#10;" updated="2020-03-04">
  <name>www</name><protocol>tcp</protocol>
  <assignee><xref type="person" data="Acme"/></assignee>
  <xref type="person" data="Ann_Lee_2"/>
  <xref type="rfc" data="rfc9110"/><xref type="note" data="1"/>
  <xref type="uri" data="https://example.org/spec">Spec</xref>
  <description>A &lt;b&gt; &#38; &#x43;<br/>
  D</description>
  <number>80</number>
  <note>First <xref type="rfc" data="rfc1"/>, by
    <xref type="person" data="Bob_Roe_3"/> bob&amp;example.org</note>
  <unauthorized>Known on 80</unauthorized>
</record>
<!-- a comment with <record> -->
<record><description>Unassigned</description><number>81-90</number></record>
<record><name>alone</name><description/></record>
X
  refresh "$XML" "$OUT"
  [ "$(row 80 80)" = "$(printf '%s\t' 80 80 tcp assigned www 'A <b> & C D' \
    'Acme & Co.' 2001-02 2020-03-04 'RFC9110; Spec <https://example.org/spec>' \
    '' 'First RFC1, by Bob Roe')Known on 80" ]
  [ "$(row 81 90)" = \
    "$(printf '81\t90\tany\tunassigned\t\tUnassigned\t\t\t\t\t\t\t')" ]
  [ "$(tail -n 1 "$OUT")" = \
    "$(printf '\t\tany\tassigned\talone\t\t\t\t\t\t\t\t')" ]
  grep -q '^# date: 2026-08-02$' "$OUT"
}

@test "records that differ in transport alone become one row" {
  registry 14000 2026-08-02 >"$XML" <<'X'
<record><name>a</name><protocol>udp</protocol><number>7</number></record>
<record><name>b</name><protocol>udp</protocol><number>7</number></record>
<record><name>a</name><protocol>tcp</protocol><number>7</number></record>
<record><name>b</name><protocol>sctp</protocol><number>7</number></record>
X
  refresh "$XML" "$OUT"
  [ "$(row 7 7 | cut -f 3,5)" = "$(printf 'tcp,udp\ta\nudp,sctp\tb')" ]
}

@test "every state is told by its words" {
  registry 14000 2026-08-02 >"$XML" <<'X'
<record><description>Reserved</description><number>1</number></record>
<record><description>IANA Reserved</description><number>2</number></record>
<record><description>(unassigned) Possibly assigned</description>
  <number>3</number></record>
<record><description>Possibly used by Sun Solaris????</description>
  <number>4</number></record>
<record><description>any private mail system</description>
  <number>5</number></record>
<record><description>Decomissioned Port 04/14/00</description>
  <number>6</number></record>
<record><description>De-Commissioned Port</description>
  <number>7</number></record>
<record><name>sua</name><description>De-Registered</description>
  <number>8</number></record>
<record><description>Some new words</description><number>9</number></record>
X
  refresh "$XML" "$OUT"
  [ "$(grep -P '^[1-9]\t' "$OUT" | cut -f 4 | tr '\n' ' ')" = "reserved \
reserved unassigned unassigned generic de-assigned de-assigned de-assigned \
reserved " ]
}

@test "an alias is noted, and its replacement has no remark" {
  registry 14000 2026-08-02 >"$XML" <<'X'
<record><name>a-b</name><protocol>tcp</protocol><description>AB<br/><br/>
IANA assigned this well-formed service name as a replacement for "a_b".
</description><number>9</number></record>
<record><name>a_b</name><protocol>tcp</protocol><description>AB</description>
<number>9</number><note>This entry is an alias to "a-b".</note></record>
X
  refresh "$XML" "$OUT"
  [ "$(row 9 9 | cut -f 5,6,11)" = "$(printf 'a-b\tAB\t\na_b\tAB\ta-b')" ]
}

@test "a refresh tells what came and what went" {
  cp "$BATS_FILE_TMPDIR/registry.tsv" "$OUT"
  sed 's/<name>s7</<name>new</; s/2026-08-01/2026-08-03/' \
    "$BATS_FILE_TMPDIR/registry.xml" >"$XML"
  run refresh "$XML" "$OUT"
  echo "$output"
  [ "$status" -eq 0 ]
  [[ $output == *"date: 2026-08-03, was 2026-08-01"* ]]
  [[ $output == *"came: 1: 1007/tcp new"* ]]
  [[ $output == *"went: 1: 1007/tcp s7"* ]]
}

@test "the same registry makes the same table" {
  cp "$BATS_FILE_TMPDIR/registry.tsv" "$OUT"
  run refresh "$BATS_FILE_TMPDIR/registry.xml" "$OUT"
  [ "$status" -eq 0 ]
  [[ $output == *"came: 0"*"went: 0"* ]]
  cmp "$OUT" "$BATS_FILE_TMPDIR/registry.tsv"
}

@test "a missing file is refused" {
  refuses "No such file" "$BATS_TEST_TMPDIR/none.xml"
}

@test "an empty file is refused" {
  : >"$XML"
  refuses "empty" "$XML"
}

@test "a web page is refused" {
  echo '<!DOCTYPE html><html><p>Moved</html>' >"$XML"
  refuses "a web page" "$XML"
}

@test "another registry is refused" {
  echo '<registry id="protocol-numbers"/>' >"$XML"
  refuses "not the registry" "$XML"
}

@test "a truncated file is refused" {
  registry 14000 2026-08-02 </dev/null | head -c 900000 >"$XML"
  refuses "not well-formed" "$XML"
}

@test "an unknown entity is refused" {
  registry 14000 2026-08-02 <<<'<note>&evil;</note>' >"$XML"
  refuses "unknown entity &evil;" "$XML"
}

# The last one is an A to whoever keeps 64 bits of it.
@test "a reference to what is no character is refused" {
  for code in '#0' '#27' '#xD800' '#xFFFF' '#x110000' '#xFFFFFFFFFFFFFFFF' \
    '#x10000000000000041'; do
    echo "<registry><note>&$code;</note></registry>" >"$XML"
    refuses "unknown entity &$code;" "$XML"
  done
}

@test "a document type is refused" {
  echo '<!DOCTYPE r [<!ENTITY e SYSTEM "/etc/passwd">]><r>&e;</r>' >"$XML"
  refuses "not well-formed" "$XML"
}

@test "invalid UTF-8 is refused" {
  printf '<registry>\xFF</registry>' >"$XML"
  refuses "not UTF-8" "$XML"
}

@test "a registry without a date is refused" {
  registry 14000 soon </dev/null >"$XML"
  refuses "no date" "$XML"
}

@test "too few records are refused" {
  registry 13999 2026-08-02 </dev/null >"$XML"
  refuses "13999 records" "$XML"
}

@test "a port above 65535 is refused" {
  registry 14000 2026-08-02 <<<'<record><number>65536</number></record>' \
    >"$XML"
  refuses 'port number "65536"' "$XML"
}

@test "a name that is too long is refused" {
  registry 14000 2026-08-02 >"$XML" \
    <<<'<record><name>a-name-of-16-byt</name></record>'
  refuses "at most 15 ASCII" "$XML"
}

@test "a control byte is refused, and none reaches the terminal" {
  registry 14000 2026-08-02 <<<$'<note>\e]0;x\a</note>' >"$XML"
  refuses "a control byte" "$XML"
  registry 14000 2026-08-02 >"$XML" \
    <<<$'<record><name>a\xe2\x80\xae</name></record>'
  refuses "at most 15 ASCII" "$XML"
  printf '<a b\n\177 c></a>' >"$XML"
  refuses "malformed tag <" "$XML"
}

@test "control characters that XML allows are dropped" {
  registry 14000 2026-08-02 >"$XML" <<<$'<record><name>a</name>
<protocol>tcp</protocol><description>x\xc2\x9b\x7fy</description>
<number>9</number></record>'
  refresh "$XML" "$OUT"
  [ "$(row 9 9 | cut -f 6)" = "xy" ]
}

@test "an older registry is refused, unless forced" {
  registry 14000 2026-07-31 </dev/null >"$XML"
  refuses "FORCE=1" "$XML"
  run refresh --force "$XML" "$OUT"
  [ "$status" -eq 0 ]
  grep -q '^# date: 2026-07-31$' "$OUT"
}

@test "a loss of names is refused" {
  registry 14000 2026-08-02 </dev/null | sed 's/<name>s1/<name>t1/' >"$XML"
  refuses "names would go" "$XML"
}

@test "a file that is no table is left alone" {
  registry 14000 2026-08-02 </dev/null >"$XML"
  echo "something else" >"$OUT"
  run refresh "$XML" "$OUT"
  [ "$status" -eq 2 ]
  [ "$(cat "$OUT")" = "something else" ]
}

@test "a folder that is not there is told" {
  registry 14000 2026-08-02 </dev/null >"$XML"
  run refresh "$XML" "$BATS_TEST_TMPDIR/none/registry.tsv"
  [ "$status" -eq 2 ]
  [ "${#lines[@]}" -eq 1 ]
}

@test "wrong arguments tell the usage" {
  run refresh --what
  [ "$status" -eq 2 ]
  [[ $output == "refresh: usage:"* ]]
}

# A fetcher named $1 that notes its last word, and copies $XML if it is there.
fetcher() {
  mkdir -p "$BATS_TEST_TMPDIR/bin"
  cat >"$BATS_TEST_TMPDIR/bin/$1" <<X
#!/bin/sh
for word; do :; done
printf '%s' "\$word" >"$BATS_TEST_TMPDIR/url"
while [ "\$1" != -o ] && [ "\$1" != -O ]; do shift; done
exec $(command -v cp) "$XML" "\$2" 2>&-
X
  chmod +x "$BATS_TEST_TMPDIR/bin/$1"
}

@test "a URL is fetched with curl, as one word" {
  local url="https://example.org/a b';touch $BATS_TEST_TMPDIR/bad;'"
  registry 14000 2026-08-02 </dev/null >"$XML"
  fetcher curl
  PATH=$BATS_TEST_TMPDIR/bin:$PATH run refresh "$url" "$OUT"
  echo "$output"
  [ "$status" -eq 0 ]
  [ "$(cat "$BATS_TEST_TMPDIR/url")" = "$url" ]
  [ ! -e "$BATS_TEST_TMPDIR/bad" ]
}

@test "without curl a URL is fetched with wget, without both not at all" {
  LUA=$(command -v "$LUA")
  registry 14000 2026-08-02 </dev/null >"$XML"
  fetcher wget
  PATH=$BATS_TEST_TMPDIR/bin run refresh https://example.org/x "$OUT"
  echo "$output"
  [ "$status" -eq 0 ]
  rm "$BATS_TEST_TMPDIR/bin/wget"
  PATH=$BATS_TEST_TMPDIR/bin run refresh https://example.org/x "$OUT"
  [ "$status" -eq 2 ]
  [[ $output == *"neither curl nor wget"* ]]
}

@test "a failed fetch is told in one line" {
  fetcher curl
  PATH=$BATS_TEST_TMPDIR/bin:$PATH run refresh https://example.org/x "$OUT"
  [ "$status" -eq 2 ]
  [ "${#lines[@]}" -eq 1 ]
  [[ $output == *"curl could not fetch it"* ]]
  [ ! -e "$OUT" ]
}

# ---- IANA's own file, where there is one -------------------------------------

# Refreshes from it; `run` leaves the output.
iana() {
  [ -n "${PORTINFO_IANA_XML:-}" ] ||
    skip "PORTINFO_IANA_XML names no copy of service-names-port-numbers.xml"
  run refresh --figures "$PORTINFO_IANA_XML" "$OUT"
  [ "$status" -eq 0 ]
}

# Builds the program $1 of the file $2 and the look-up in the new table.
with_new_table() {
  "$BUILD/generate" "$OUT" data/defacto.tsv data/risky.tsv data/blocked.tsv \
    data/ephemeral.tsv >"$BATS_TEST_TMPDIR/tables.c"
  "${CC:-cc}" -std=c11 -O1 -Isrc "$BATS_TEST_TMPDIR/tables.c" \
    src/registry/registry.c src/registry/search.c "$2" ${3:-} \
    -o "$BATS_TEST_TMPDIR/$1"
}

@test "IANA's file has the records that are known to be in it" {
  iana
  [ "$(head -n 9 <<<"$output" | tr '\n' ';')" = "records 14533;\
with-port 13463;tcp 6242;udp 6234;sctp 91;dccp 10;no-transport 886;ranges 766;\
named-with-port 11739;" ]
}

@test "the look-up made of IANA's file counts what is known of it" {
  iana
  with_new_table figures tests/c/registry_figures.c
  run "$BATS_TEST_TMPDIR/figures"
  echo "$output"
  [ "$(tr '\n' ';' <<<"$output")" = "named-tcp 5958;named-udp 5566;\
named-sctp 88;named-dccp 9;named 6350;places-with-two-names 226;\
names 7327;names-with-port 6341;longest-name 15;" ]
}

@test "the look-up made of IANA's file passes the tests of the look-up" {
  iana
  with_new_table registry_test tests/c/registry_test.c -lcmocka
  cp data/defacto.tsv data/risky.tsv data/blocked.tsv "$BATS_TEST_TMPDIR"
  DATA=$BATS_TEST_TMPDIR run "$BATS_TEST_TMPDIR/registry_test"
  echo "$output"
  [ "$status" -eq 0 ]
}
