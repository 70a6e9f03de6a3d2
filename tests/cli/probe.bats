#!/usr/bin/env bats
# probe.bats: the pinned probe, installed for real, in a mount namespace with a /run of its
# own: nothing of it is left on the machine.

load helpers/live

setup() {
  live_setup
  SHARED=
}

teardown() { [ -z "$SHARED" ] || rm -rf "$SHARED"; }

need_root() { [ "$(id -u)" = 0 ] || skip "only root can install a probe"; }

need_probe() {
  need_root
  [ -x "$BUILD/tests/records" ] || skip "the BPF program is not built in"
  unshare -m true 2>/dev/null || skip "a mount namespace of our own is not permitted"
  "$BUILD/tests/records" >/dev/null 2>"$T/words" || skip "$(cat "$T/words")"
  # members of groups have to find the programs, wherever the build is
  SHARED=$(mktemp -d /tmp/portinfo.XXXXXX)
  chmod 755 "$SHARED"
  cp "$PORTINFO" "$BUILD/tests/records" "$BUILD/tests/other" "$SHARED"
}

# Runs the script that comes on stdin there; `as GROUPS WORD...` is somebody without any
# capability, who is in these groups.
apart() {
  {
    cat <<'END'
set -eu
mount -t tmpfs -o mode=755 none /run
as() {
  groups=$1
  shift
  setpriv --reuid=65534 --regid=65534 --groups "$groups" --inh-caps=-all \
    --bounding-set=-all "$@"
}
END
    cat
  } >"$T/script"
  PATH=$SHARED:$PATH run unshare -m sh "$T/script"
  echo "$output"
}

says() {
  echo "$output"
  grep -q -e "$1" <<<"$output"
}

@test "members know who holds root's listeners, in every namespace, and others do not" {
  need_probe
  apart <<'END'
portinfo probe install --group adm
adm=$(getent group adm | cut -d: -f3)
python3 -c 'import ctypes, os, socket, sys, time
print(os.getpid(), flush=True)
here = socket.create_server(("127.0.0.1", 41735))
ctypes.CDLL(None).unshare(0x40000000)
os.system("ip link set lo up")
there = socket.create_server(("127.0.0.1", 41736))
print("up", flush=True)
time.sleep(60)' >/run/holder &
until grep -q up /run/holder 2>/dev/null; do sleep 0.05; done
holder=$(head -n 1 /run/holder)
show="ls -q --no-header --format tsv --columns lport,owner,why,pid,process,user"
lives() { as "$adm" portinfo ls -q --no-header --netns all --columns netns,holder_netns "$@"; }
lives lport = 41735 | awk '{ print "lives elsewhere: " ($1 != $2) }'
lives lport = 41736 | awk '{ print "lives there: " ($1 == $2) }'
echo "member here: $(as "$adm" portinfo $show lport = 41735 | tr '\t' ' ')" | sed "s/ $holder / PID /"
echo "member there: $(as "$adm" portinfo $show --netns all lport = 41736 | tr '\t' ' ')" |
  sed "s/ $holder / PID /"
as "$adm" portinfo explain lport = 41735 process = x | grep ^owners
echo "other here: $(as 65534 portinfo $show lport = 41735 | tr '\t' ' ')"
as 65534 portinfo ls --netns all lport = 41736 || echo "other there: $?"
kill "$holder"
END
  [ "$status" -eq 0 ]
  says "^member here: 41735 known  PID python3 root\$"
  says "^member there: 41736 known  PID python3 root\$"
  says "^lives elsewhere: 1"
  says "^lives there: 1"
  says "^owners   by the pinned BPF iterator"
  says "^other here: 41735 unknown permission "
  says "^other there: 3"
  says "the network namespace of"
}

@test "members of its group see every socket and its owner, others see that they may not" {
  need_probe
  apart <<'END'
portinfo probe install --group adm
adm=$(getent group adm | cut -d: -f3)
python3 -c 'import socket, os, sys
s = socket.create_server(("127.0.0.1", 0))
port = str(s.getsockname()[1])
def records(*who):
    script = " ".join(["setpriv --reuid=65534 --regid=65534", *who,
                       "--inh-caps=-all --bounding-set=-all records /run/portinfo"])
    return os.popen(script + " 2>&1").read()
line = f"{os.getpid()} {s.fileno()} python3 6 {port} "
print("member:", line in records("--groups", sys.argv[1]))
print("other:", records("--clear-groups"))' "$adm"
as "$adm" portinfo probe status
echo "member: $?"
as 65534 portinfo probe status || echo "other: $?"
END
  [ "$status" -eq 0 ]
  says "^probe installed at /run/portinfo: root and members of group adm can see"
  says "^member: True"
  says "^other: records: the pinned probe at /run/portinfo is not for us to read"
  says "^readable  yes"
  says "^member: 0"
  says "^readable  no: it is for members of group adm"
  says "^other: 1"
}

@test "without a group it is for root alone; its modes say the same" {
  need_probe
  apart <<'END'
portinfo probe install
stat -c '%a %u:%g %n' /run/portinfo /run/portinfo/taskfile
as 65534 portinfo probe status || echo "$?"
portinfo probe install --group adm
stat -c '%a %U:%G %n' /run/portinfo /run/portinfo/taskfile
END
  [ "$status" -eq 0 ]
  says "^700 0:0 /run/portinfo$"
  says "^400 0:0 /run/portinfo/taskfile$"
  says "^probe     cannot tell: the folder /run/portinfo is root's alone"
  says "^750 root:adm /run/portinfo$"
  says "^440 root:adm /run/portinfo/taskfile$"
}

@test "it can be installed again, and what is removed leaves nothing" {
  need_probe
  apart <<'END'
portinfo probe install
portinfo probe install --group adm
portinfo probe remove
grep -c ' /run/portinfo ' /proc/self/mounts || true
ls -A /run
portinfo probe remove
END
  [ "$status" -eq 0 ]
  [ "${lines[1]%%:*}" = "probe replaced at /run/portinfo" ]
  [ "${lines[*]:2}" = "probe removed 0 there was no probe" ]
}

@test "a probe of another version is named, not read, and can be replaced" {
  need_probe
  apart <<'END'
portinfo probe install --group adm
rm /run/portinfo/taskfile
other /run/portinfo/taskfile
# where nobody holds a socket there is no record to tell a version
python3 - <<'EOF'
import socket, subprocess
held = socket.socket()
for words in ("records /run/portinfo", "portinfo probe status",
              "portinfo probe install --group adm"):
    subprocess.run(words.split())
if subprocess.run(["records", "/run/portinfo"], stdout=subprocess.DEVNULL).returncode == 0:
    print("renewed")
EOF
END
  [ "$status" -eq 0 ]
  says "^records: the pinned probe is of version 65000, where 1 is read"
  says "^version   65000$"
  says "^readable  no: this program reads version 1: sudo portinfo probe install --group adm$"
  says "^renewed$"
}

@test "status in JSON, and what ends with 1" {
  need_probe
  apart <<'END'
portinfo probe status --format json || echo "$?"
portinfo probe install --group adm >/dev/null
portinfo probe status --format json
END
  [ "$status" -eq 0 ]
  python3 - "${lines[@]}" <<'END'
import json, sys
none, one, there = sys.argv[1:]
none, there = json.loads(none), json.loads(there)
assert one == "1"
assert none["v"] == 1 and none["installed"] is False and none["usable"] is False, none
assert there["installed"] and there["readable"] and there["usable"], there
assert there["group"] == "adm" and there["version"] == there["ours"], there
END
}

@test "what others put in its place is no probe, and is left alone" {
  need_probe
  apart <<'END'
try() {
  echo "-- $1"
  for action in status install remove; do
    portinfo probe $action 2>&1 || echo "$action $?"
  done
  records /run/portinfo 2>&1 || echo "records $?"
}
mkdir /run/elsewhere /run/portinfo
portinfo probe install && portinfo probe remove # a folder that is empty is no obstacle
ln -s elsewhere /run/portinfo && try link && rm /run/portinfo
touch /run/portinfo && try file && rm /run/portinfo
mkdir /run/portinfo && touch /run/portinfo/taskfile && try folder && rm -r /run/portinfo
mkdir /run/portinfo && chown 65534 /run/portinfo && try owned && rmdir /run/portinfo
mkdir /run/portinfo && mount -t tmpfs -o mode=755 none /run/portinfo && try mount && umount /run/portinfo
mount -t bpf -o mode=777 none /run/portinfo && try writable && umount /run/portinfo
ls -A /run/elsewhere
END
  [ "$status" -eq 0 ]
  says "^portinfo: /run/portinfo is not the probe's: a file or a link is there"
  says "^portinfo: /run/portinfo is not the probe's: it holds something else"
  says "^portinfo: /run/portinfo is not the probe's: others than root may write to it"
  says "^portinfo: /run/portinfo is not the probe's: it is no BPF file system"
  says "^probe removed"
  for action in status install remove records; do
    [ "$(grep -c "^$action 2\$" <<<"$output")" = 6 ]
  done
}

@test "a file there that others may have made is not read" {
  need_probe
  apart <<'END'
portinfo probe install
chown 65534 /run/portinfo/taskfile
records /run/portinfo || echo "$?"
chown 0 /run/portinfo/taskfile
chmod 666 /run/portinfo/taskfile
records /run/portinfo || echo "$?"
END
  [ "$status" -eq 0 ]
  [ "$(grep -c "its file was not made by root alone" <<<"$output")" = 2 ]
}

@test "what is wrong in the call is one line, and exit status 2" {
  fails() {
    run "$PORTINFO" probe "$@"
    echo "$output"
    [ "$status" -eq 2 ]
    [ "${#lines[@]}" -eq 1 ]
  }
  fails
  says "portinfo probe install, status or remove"
  fails start
  fails status now
  fails status --format csv
  says "as text or --format json"
  fails remove --group adm
  says "who may read it"
  fails status --from x
}

@test "only root installs and removes" {
  as=()
  [ "$(id -u)" != 0 ] || as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  SHARED=$(mktemp -d /tmp/portinfo.XXXXXX)
  chmod 755 "$SHARED"
  cp "$PORTINFO" "$SHARED"
  run "${as[@]}" "$SHARED/portinfo" probe install --group adm
  [ "$status" -eq 2 ]
  [ "$output" = "portinfo: only root can install the probe: sudo portinfo probe install" ]
  run "${as[@]}" "$SHARED/portinfo" probe remove
  [ "$status" -eq 2 ]
  [ "$output" = "portinfo: only root can remove the probe: sudo portinfo probe remove" ]
}

@test "a group that is not there" {
  need_probe
  apart <<'END'
portinfo probe install --group no-such-group || echo "$?"
ls -A /run
END
  [ "$status" -eq 0 ]
  [ "${lines[*]}" = "portinfo: there is no group 'no-such-group' 2" ]
}

@test "a group of thousands hides no other" {
  need_probe
  apart <<'END'
{
  echo "crowd:x:41737:$(seq -s, -f member%g 2000)"
  cat /etc/group
} >/run/group
mount --bind /run/group /etc/group
portinfo probe install --group adm
portinfo probe status
END
  [ "$status" -eq 0 ]
  says "^for       root and members of group adm\$"
}

@test "an installation that fails leaves what it found" {
  need_probe
  apart <<'END'
try() { setpriv --inh-caps=-all --bounding-set=-sys_admin portinfo probe install || echo "$?"; }
try
ls -A /run
mkdir /run/portinfo
try
ls -A /run
END
  [ "$status" -eq 0 ]
  refusal="portinfo: cannot mount a BPF file system: Operation not permitted"
  [ "${lines[*]}" = "$refusal 2 $refusal 2 portinfo" ]
}

@test "what others pinned beside it stays" {
  need_probe
  apart <<'END'
portinfo probe install
other "$(printf '/run/portinfo/theirs\033')"
portinfo probe remove || echo "$?"
ls /run/portinfo
rm /run/portinfo/theirs*
portinfo probe remove
ls -A /run
END
  [ "$status" -eq 0 ]
  says "^portinfo: the probe is removed, but /run/portinfo stays mounted: theirs.x1b is pinned there, too\$"
  [ "$(grep -c '^theirs' <<<"$output")" = 1 ]
  [ "$(grep -c '^taskfile$' <<<"$output")" = 0 ]
  [ "${lines[-1]}" = "there was no probe" ]
}

@test "it is removed from below another file system of its kind" {
  need_probe
  apart <<'END'
portinfo probe install
mount -t bpf -o mode=0700 none /run/portinfo
portinfo probe remove
mkdir /run/portinfo # nothing is there
mount -t tmpfs -o mode=755 none /run/portinfo
mount -t bpf -o mode=0700 none /run/portinfo
portinfo probe install
portinfo probe remove || echo "$?"
END
  [ "$status" -eq 0 ]
  [ "${lines[1]}" = "probe removed" ]
  [ "${lines[3]}" = "portinfo: the probe is removed, but /run/portinfo is left: Device or resource busy" ]
  [ "${lines[4]}" = 2 ]
}

@test "of several that install it at a time, none fails" {
  need_probe
  apart <<'END'
for i in 1 2 3 4 5 6 7 8; do
  portinfo probe install --group adm >/dev/null || echo "failed: $?" &
done
wait
grep -c ' /run/portinfo ' /proc/self/mounts
ls /run/portinfo
portinfo probe status | head -n 1
portinfo probe remove
END
  [ "$status" -eq 0 ]
  names="maps.debug progs.debug taskfile"
  [ "${lines[*]}" = "1 $names probe     installed at /run/portinfo probe removed" ]
}

@test "who waits for its turn to mount finds what was mounted meanwhile" {
  need_probe
  apart <<'END'
mkdir -m 700 /run/portinfo
exec 9</run/portinfo
flock 9
portinfo probe install 9<&- &
until grep -q -e "-> FLOCK .* $! " /proc/locks || ! kill -0 $!; do sleep 0.05; done
mount -t bpf -o mode=0700 none /run/portinfo
exec 9<&-
wait $!
grep -c ' /run/portinfo ' /proc/self/mounts
END
  [ "$status" -eq 0 ]
  [ "${lines[-1]}" = 1 ]
}

@test "whether there is one in a closed folder cannot be told" {
  need_probe
  apart <<'END'
mkdir /run/portinfo
mount -t bpf -o mode=0700 none /run/portinfo
as 65534 portinfo probe status || echo "$?"
as 65534 portinfo probe status --format json || true
as 65534 portinfo doctor
portinfo probe status || echo "$?"
END
  says "^probe     cannot tell: the folder /run/portinfo is root's alone\$"
  [ "${lines[2]}" = 1 ]
  says '"closed":true'
  says '"usable":false'
  [ "$(grep -c '"installed"' <<<"$output")" = 0 ]
  says "^probe              cannot tell: the folder is root's alone\$"
  says "^probe     not installed\$"
}

@test "the doctor advises members nothing that the probe spares them" {
  need_probe
  apart <<'END'
adm=$(getent group adm | cut -d: -f3)
portinfo probe install --group adm
doctor() { as "$1" portinfo doctor | tr -s ' \n' ' ' | sed 's/ advice /\nadvice /g'; }
doctor "$adm" >/run/member
doctor 65534 >/run/other
for who in member other; do
  echo "$who: $(grep -c -e 'advice CAP_SYS_PTRACE is missing' -e 'sudo portinfo doctor' /run/$who)" \
    "$(grep -o -e 'bpf usable' -e 'bpf not usable: .* for us to read' /run/$who)"
done
END
  says "^member: 0 bpf usable\$"
  says "^other: 2 bpf not usable: the pinned probe at /run/portinfo is not for us to read\$"
}

@test "a build without the program says so" {
  need_root
  [ ! -x "$BUILD/tests/records" ] || skip "the BPF program is built in"
  unshare -m true 2>/dev/null || skip "a mount namespace of our own is not permitted"
  SHARED=$(mktemp -d /tmp/portinfo.XXXXXX)
  cp "$PORTINFO" "$SHARED"
  apart <<'END'
portinfo probe install || echo "$?"
portinfo probe status || echo "$?"
ls -A /run
END
  says "^portinfo: the BPF program is not built in (make BPF=1)"
  says "^probe     not installed"
  [ "${lines[-1]}" = 1 ]
}

@test "the units of examples/ call what there is" {
  unit=examples/systemd/portinfo-probe.service
  grep -q '^ExecStart=' "$unit"
  for words in $(sed -n 's/^Exec[A-Za-z]*=//p' "$unit" | tr ' ' ','); do
    IFS=, read -r program verb action rest <<<"$words"
    [ "$program" = /usr/local/bin/portinfo ]
    [ "$verb" = probe ]
    case $action in install | remove) ;; *) false ;; esac
    case $rest in '' | "--group,portinfo") ;; *) false ;; esac
  done
  command -v systemd-analyze >/dev/null || skip "there is no systemd-analyze"
  sed "s,/usr/local/bin/portinfo,$PORTINFO," "$unit" >"$T/portinfo-probe.service"
  run systemd-analyze verify --man=no "$T/portinfo-probe.service"
  echo "$output"
  ! grep -q portinfo-probe <<<"$output"
}
