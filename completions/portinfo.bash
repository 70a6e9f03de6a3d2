# portinfo.bash: completion of portinfo's words in bash, which the command tells.

_portinfo() {
  local line=${COMP_LINE:0:${COMP_POINT:-0}} word=${COMP_WORDS[COMP_CWORD]}
  local rest=${line#*"${COMP_WORDS[0]}"} words=() reply=() i head

  # bash parts words at : and =, too: what no blank parts is one word
  for ((i = 1; i <= COMP_CWORD; i++)); do
    if [[ -z $line || $rest == [[:blank:]]* || ${#words[@]} -eq 0 ]]; then
      words+=("${COMP_WORDS[i]}")
    else
      words[${#words[@]} - 1]+=${COMP_WORDS[i]}
    fi
    rest=${rest#*"${COMP_WORDS[i]}"}
  done

  mapfile -t reply < <("${COMP_WORDS[0]}" --complete bash -- "${words[@]}" 2>/dev/null)
  if [[ ${reply[0]-} == / ]]; then
    compopt -o filenames 2>/dev/null
    word=${word#=}
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
    return
  fi

  # and it replaces only what stands behind the last of them
  head=${words[${#words[@]} - 1]}
  [[ $word == [:=] ]] || head=${head%"$word"}
  COMPREPLY=("${reply[@]#"$head"}")
}

complete -F _portinfo portinfo
