#!/usr/bin/env bats
# trust.bats: a prompt obeys no file that somebody else can have put there, and a pager
# of lent rights is no shell.

load helpers/pty

# A home whose owner is somebody else, as sudo may leave it to root.
make_foreign_home() {
  [ "$(id -u)" = 0 ] || skip 'only root can make folders of others'
  FOREIGN=$T/foreign
  mkdir -p "$FOREIGN/.config/portinfo" "$FOREIGN/.local/state/portinfo"
  chown -R 65534 "$FOREIGN"
}

@test "rc.lua that somebody else's link chose is not run, whoever owns it" {
  make_foreign_home
  echo 'print "must not run"' >"$T/mine.lua"
  ln -s "$T/mine.lua" "$FOREIGN/.config/portinfo/rc.lua"
  start "HOME=$FOREIGN"
  has 'rc.lua is not run: a part of its path is owned by another user'
  lacks has_line 'must not run'
}

@test "rc.lua of a folder that others may write to is not run" {
  mkdir -p "$T/config/portinfo"
  echo 'print "must not run"' >"$T/config/portinfo/rc.lua"
  chmod 600 "$T/config/portinfo/rc.lua"
  chmod 777 "$T/config"
  start "XDG_CONFIG_HOME=$T/config"
  has 'rc.lua is not run: others may write to a part of its path'
  lacks has_line 'must not run'
  chmod 1777 "$T/config" # where nobody can rename what is not theirs
  start "XDG_CONFIG_HOME=$T/config"
  has_line 'must not run'
}

@test "no history is made or kept in a folder of somebody else" {
  make_foreign_home
  start "HOME=$FOREIGN" "XDG_STATE_HOME="
  goes_on
  leave
  has 'history is not kept: '
  has 'a part of its path is owned by another user'
  [ -z "$(find "$FOREIGN" -type f)" ]
  [ -z "$(find "$FOREIGN" -user 0)" ]
}

@test "a history that has another name is left alone" {
  mkdir -p "$T/state/portinfo"
  echo precious >"$T/precious"
  ln "$T/precious" "$HISTORY"
  start
  goes_on
  leave
  has "history is not kept: $HISTORY: it has another name"
  [ "$(<"$T/precious")" = precious ]
}

needs_readline() {
  "$PORTINFO" --version | grep -q 'GNU readline' || skip 'no GNU readline in this build'
}

@test "keys that others can bind are not bound" {
  needs_readline
  echo '"~": "1000 + 234"' >"$T/keys"
  start "INPUTRC=$T/keys"
  keys '~' Enter
  sees_line 1234
  chmod 666 "$T/keys"
  start "INPUTRC=$T/keys"
  has "$T/keys is not read: others may write to a part of its path"
  type_line '"a~b"'
  sees_line 'a~b'
  start INPUTRC=keys
  has 'keys is not read: its path is relative'
}

long='("line\n"):rep(60)'

# The last line of the screen is less's own.
in_less() { tmux -L "$SERVER" capture-pane -p | grep -v '^$' | tail -n 1 | grep -qE '^(:|\(END\))$'; }

@test "with lent rights the pager is less, and starts nothing" {
  command -v less >/dev/null || skip 'no less here'
  for lender in SUDO_UID DOAS_USER PKEXEC_UID; do
    start "PAGER='touch $T/paged; cat'" "LESSOPEN='|touch $T/opened'" "$lender=1000"
    type_line "$long"
    until_true in_less
    keys -l "!touch $T/shell"
    keys Enter
    keys q
    keys q
    goes_on
    [ ! -e "$T/paged" ] && [ ! -e "$T/opened" ] && [ ! -e "$T/shell" ]
  done
}
