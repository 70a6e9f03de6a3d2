# users.bash: to call portinfo as somebody else.
#
# as_user WORD...    portinfo as an ordinary user, inside; as it is where we are one
# drop_users         removes what that needed

as_user() {
  if [ "$(id -u)" != 0 ]; then
    inside "$PORTINFO" "$@"
    return
  fi
  command -v setpriv >/dev/null || skip "there is no setpriv"
  if [ -z "${SHARED-}" ]; then
    SHARED=$(mktemp -d "${TMPDIR:-/tmp}/portinfo.XXXXXX")
    chmod 755 "$SHARED"
    cp "$PORTINFO" "$SHARED/portinfo"
  fi
  inside setpriv --reuid=65534 --regid=65534 --clear-groups "$SHARED/portinfo" "$@"
}

drop_users() { [ -z "${SHARED-}" ] || rm -rf "$SHARED"; }
