# portinfo.fish: completion of portinfo's words in fish, which the command tells.

function __portinfo_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l reply (command $words[1] --complete fish -- $words[2..-1] "$word" 2>/dev/null)
    if test "$reply[1]" = /
        set -l option (string match -r -- '^--[a-z]+=' "$word")
        set -l path (string replace -r -- '^--[a-z]+=' '' "$word")
        printf '%s\n' "$option"(__fish_complete_path "$path")
    else
        printf '%s\n' $reply
    end
end

complete -c portinfo -f -k -a '(__portinfo_complete)'
