#!/usr/bin/env bats
# schema.bats: the fields and flags for programs and editors.

load helpers/call

setup() {
  call_setup
}

@test "schema is JSON: fields with type, group and words, flags, groups" {
  call schema
  [ $status -eq 0 ]
  [ -z "$err" ]
  python3 - "$T/out" <<'PY'
import json, sys
schema = json.load(open(sys.argv[1]))
assert schema["v"] == 1 and schema["version"]
fields = {field["name"]: field for field in schema["fields"]}
assert [field["name"] for field in schema["fields"]][:3] == ["proto", "family", "state"]
assert fields["rxq"]["unit"] == "B" and fields["rxq"]["type"] == "number"
assert fields["rtt"]["unit"] == "us" and fields["rtt"]["group"] == "tcp_info"
assert fields["pid"]["several"] is True and fields["pid"]["group"] == "owner"
assert fields["families"]["words"] == ["4", "6", "4+6"]
assert all(field["meaning"] for field in schema["fields"])
assert [group["name"] for group in schema["groups"]] == [
    "socket", "derived", "tcp_info", "owner", "process"]
assert "listening" in schema["flags"] and "listen" not in schema["flags"]
assert schema["sides"]["port"] == ["lport", "rport"]
assert schema["aliases"]["sport"] == "lport"
PY
}

@test "every row's keys are fields of the schema, or of every format" {
  call schema
  cp "$T/out" "$T/schema"
  call ls --format ndjson
  python3 - "$T/schema" "$T/out" <<'PY'
import json, sys
known = {field["name"] for field in json.load(open(sys.argv[1]))["fields"]}
for line in open(sys.argv[2]):
    for key in json.loads(line):
        assert key in known or key in ("v", "unknown") or key.endswith("_b64"), key
PY
}

@test "schema --format luacats is a file that Lua loads" {
  call schema --format luacats
  [ $status -eq 0 ]
  [ "$(head -n 1 "$T/out")" = "---@meta portinfo" ]
  cp "$T/out" "$T/meta.lua"
  call -e "return type(assert(loadfile '$T/meta.lua')().sockets)"
  [ "$out" = function ]
}

@test "what is no format of the schema, or of anything else, is told" {
  call schema --format tsv
  [ $status -eq 2 ]
  [ "$err" = "portinfo: the schema comes as --format json or luacats, not tsv" ]
  call ls --format luacats
  [ $status -eq 2 ]
  [ "$err" = "portinfo: --format luacats is for portinfo schema" ]
  call schema lport
  [ $status -eq 2 ]
  [ "$err" = "portinfo: schema takes no words, not 'lport'" ]
  call schema --from x
  [ $status -eq 2 ]
  [[ $err == *"the schema is of this program" ]]
}
