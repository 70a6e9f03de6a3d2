#!/usr/bin/env bats
# complete.bats: what --complete tells shells, and the files that ask it.

load helpers/tab

# --- Shells ---

offers() { "$PORTINFO" --complete bash -- "$@" | tr '\n' ' '; }

@test "--complete tells verbs, options and their values" {
  [ "$(offers sa)" = 'save ' ]
  [ "$(offers --colu)" = '--columns ' ]
  [ "$(offers ls --format nd)" = 'ndjson ' ]
  [ "$(offers ls --format=nd)" = '--format=ndjson ' ]
  [ "$(offers ls --backend '')" = 'auto bpf netlink proc ' ]
  [ "$(offers ls --columns lport,proc)" = 'lport,process ' ]
  [ "$(offers ls --sort -rx)" = '-rxq ' ]
  [ "$(offers ls --limit '')" = '' ]
  [ "$(offers ls --color al)" = 'always ' ]
  [ "$(offers diff --key se)" = 'service ' ]
  [ "$(offers audit --format n)" = 'nagios ' ]
  [ "$(offers audit --format=js)" = '--format=json ' ]
  [ "$(offers audit --fail-on w)" = 'warning ' ]
  [ "$(offers audit --fail-on=w)" = '--fail-on=warning ' ]
  [ "$(offers audit --describe new)" = 'new-listener ' ]
  [ "$(offers audit exposed-log)" = 'exposed-login ' ]
  [ "$(offers audit --baseline '')" = '/ ' ]
  [ "$(offers audit ./)" = '/ ' ]
  [[ "$(offers '')" == *doctor*ls*save*search* ]]
}

@test "--complete tells the words of a filter in their places" {
  [ "$(offers ls listen)" = 'listener listening ' ]
  [ "$(offers ls tcp and expos)" = 'exposed exposure ' ]
  [ "$(offers ls state = li)" = 'listen ' ]
  [ "$(offers --width 80 ls state = li)" = 'listen ' ]
  [ "$(offers ls "'tcp and state = li")" = 'tcp and state = listen ' ]
  [ "$(offers explain --run v6only = y)" = 'yes ' ]
  [ "$(offers save x.ndjson listenin)" = 'listening ' ]
  [ "$(offers wait listenin)" = 'listening ' ]
  [ "$(offers :22 establ)" = 'established ' ]
  # a shell takes < > and braces for itself, unless they are quoted
  [ "$(offers ls lport '')" = '= and eq ge gt in le lt ne not or ' ]
  [ "$(offers ls lport in '')" = '' ]
  [[ "$(offers ls "'lport ")" == *'lport >='* ]]
  [ "$(offers doctor '')" = '' ]
  [[ "$(offers probe '')" == *install*remove*status* ]]
  [ "$(offers probe install '')" = '' ]
}

@test "--complete tells services, transports and ports" {
  [[ "$(offers domai)" == *domain* ]]
  [ "$(offers ssh/u)" = 'ssh/udp ' ]
  [ "$(offers 443 22/s)" = '22/sctp ' ]
  listen web
  [ "$(offers "${PORT%?}" | tr ' ' '\n' | grep -xc "$PORT")" -eq 1 ]
  [ "$(offers ls ":${PORT%?}" | tr ' ' '\n' | grep -xc ":$PORT")" -eq 1 ]
}

@test "--complete leaves files to the shell" {
  [ "$(offers save '')" = '/ ' ]
  [ "$(offers diff a.ndjson '')" = '/ ' ]
  [ "$(offers diff a b '')" = '' ]
  [ "$(offers --from '')" = '/ ' ]
  [ "$(offers ls --from=x)" = '/ ' ]
  [ "$(offers ./scr)" = '/ ' ]
}

@test "--complete is silent on any trouble, and succeeds" {
  for words in '' '--complete' 'csh -- ls' 'bash' 'bash --' 'bash ls' 'bash -- ls --nosuch x'; do
    # shellcheck disable=SC2086 # words
    run "$PORTINFO" --complete $words
    [ "$status" -eq 0 ]
    [ -z "$output" ] || [[ $words == *nosuch* ]]
  done
  run "$PORTINFO" --complete bash -- ls $'\xff\e[31m' $'process = \xff'
  [ "$status" -eq 0 ]
  [ -z "$output" ]
  run "$PORTINFO" --complete bash -- ls "$(head -c 100000 /dev/zero | tr '\0' '(')"
  [ "$status" -eq 0 ]
}

@test "--complete offers no name that a shell would read in its own way" {
  # shellcheck disable=SC2016 # a name, not a command
  listen '$(touch x);`y`'
  run "$PORTINFO" --complete bash -- ls "\"process = "
  [ "$status" -eq 0 ]
  [[ $output != *touch* ]]
}

# Completes a line in bash as Tab would, and shows the replies.
in_bash() {
  PATH=${PORTINFO%/*}:$PATH "$BASH" -c '
    source completions/portinfo.bash
    COMP_LINE=$1 COMP_POINT=${#1}
    shift
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _portinfo
    echo "${COMPREPLY[*]}"' bash "$@"
}

@test "bash: its file offers what the command tells" {
  [ "$(in_bash 'portinfo sa' portinfo sa)" = save ]
  [ "$(in_bash 'portinfo ls state = li' portinfo ls state = li)" = listen ]
  [ "$(in_bash 'portinfo ls listenin' portinfo ls listenin)" = listening ]
  run "$BASH" -c 'PATH=$1:$PATH; source completions/portinfo.bash
    COMP_WORDS=(portinfo ls expos) COMP_CWORD=2; _portinfo; echo "${COMPREPLY[@]}"' bash "${PORTINFO%/*}"
  [ "$output" = 'exposed exposure' ]
}

@test "bash: words that it parts at : and = are put together again" {
  [ "$(in_bash 'portinfo --format=nd' portinfo --format = nd)" = ndjson ]
  [ "$(in_bash 'portinfo --backend=' portinfo --backend =)" = 'auto bpf netlink proc' ]
  listen web
  [ "$(in_bash "portinfo ls :${PORT%?}" portinfo ls : "${PORT%?}" | tr ' ' '\n' | grep -xc "$PORT")" -eq 1 ]
  touch "$T/kept.ndjson"
  [ "$(in_bash "portinfo diff $T/ke" portinfo diff "$T/ke")" = "$T/kept.ndjson" ]
  [ "$(in_bash "portinfo --from=$T/ke" portinfo --from = "$T/ke")" = "$T/kept.ndjson" ]
}

@test "bash: Tab works at its prompt" {
  start "PATH=${PORTINFO%/*}:\$PATH PS1='\$ ' $BASH --norc --noprofile -i"
  shows '$'
  keys -l 'source completions/portinfo.bash'
  keys Enter
  until_true eval '[ "$(screen | grep -cx "\\$")" -ge 1 ]'
  completes 'portinfo ls --format=ndj' '$ portinfo ls --format=ndjson'
  completes 'listeni' '$ portinfo ls --format=ndjson listening'
  completes "'state = lis" "\$ portinfo ls --format=ndjson listening 'state = listen'"
}

@test "zsh: its file offers what the command tells" {
  command -v zsh >/dev/null || skip "no zsh here"
  start "PATH=${PORTINFO%/*}:\$PATH PS1='%% ' zsh -f"
  keys -l "fpath=($PWD/completions \$fpath); autoload -Uz compinit; compinit -u -D; echo rea''dy"
  keys Enter
  sees '^ready'
  completes 'portinfo ls listeni' '% portinfo ls listening'
  completes "'state = lis" "% portinfo ls listening 'state = listen'"
}

@test "fish: its file offers what the command tells" {
  command -v fish >/dev/null || skip "no fish here"
  run env PATH="${PORTINFO%/*}:$PATH" fish --no-config -c \
    'source completions/portinfo.fish; complete -C "portinfo ls listeni"'
  [ "$output" = listening ]
  run env PATH="${PORTINFO%/*}:$PATH" fish --no-config -c \
    'source completions/portinfo.fish; complete -C "portinfo ls --format=nd"'
  [ "$output" = '--format=ndjson' ]
}

@test "make install puts them where shells look, and make uninstall takes them away" {
  make -s install DESTDIR="$T/root" PREFIX=/usr BUILD="${BUILD:-build}" >/dev/null
  [ -s "$T/root/usr/share/bash-completion/completions/portinfo" ]
  [ -s "$T/root/usr/share/zsh/site-functions/_portinfo" ]
  [ -s "$T/root/usr/share/fish/vendor_completions.d/portinfo.fish" ]
  make -s uninstall DESTDIR="$T/root" PREFIX=/usr BUILD="${BUILD:-build}" >/dev/null
  [ -z "$(find "$T/root/usr" -name '*portinfo*')" ]
}
