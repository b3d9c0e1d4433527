# Completion of procctl for bash; installed as procctl in the folder of bash-completion.

# What can be named: programs, their instances, tags are left to memory.
_procctl_names() {
    procctl "${_procctl_where[@]}" show -p program,name all 2>/dev/null | sed -n 's/^[a-z]*=//p' | sort -u
}

_procctl() {
    local cur prev word command= i line
    local -a _procctl_where=()
    cur=${COMP_WORDS[COMP_CWORD]}
    prev=${COMP_WORDS[COMP_CWORD - 1]}
    # Bash splits worker@1 at the '@'; the word up to the cursor stands in the line.
    line=${COMP_LINE:0:COMP_POINT}
    [[ $line != *@* ]] || cur=${line##*[[:space:]]}
    local commands="status start stop restart try-restart reload kill show cat logs update reset-failed is-active is-failed check daemon version help"
    local options="--socket --user --system -o --output --no-wait --no-color -h --help"

    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
        --socket)
            _procctl_where=(--socket "${COMP_WORDS[i + 1]}")
            ((i++))
            ;;
        --user | --system) _procctl_where=("$word") ;;
        -o | --output) ((i++)) ;;
        -*) ;;
        *) [[ -n $command ]] || command=$word ;;
        esac
    done

    case $prev in
    --socket | --config)
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        return
        ;;
    -o | --output)
        mapfile -t COMPREPLY < <(compgen -W "text json" -- "$cur")
        return
        ;;
    -s | --signal)
        mapfile -t COMPREPLY < <(compgen -A signal -- "$cur")
        return
        ;;
    --kill-whom)
        mapfile -t COMPREPLY < <(compgen -W "main control all" -- "$cur")
        return
        ;;
    -n | --lines | --since | --until | -g | --grep) return ;;
    -p | --property)
        mapfile -t COMPREPLY < <(compgen -W "$(procctl "${_procctl_where[@]}" show all 2>/dev/null |
            sed -n 's/=.*//p' | sort -u)" -- "$cur")
        return
        ;;
    esac

    case $command in
    kill) options+=" -s --signal --kill-whom" ;;
    show) options+=" -p --property" ;;
    logs) options+=" -n --lines -f --follow --since --until --stdout --stderr -g --grep --rotate" ;;
    update) options+=" --dry-run" ;;
    is-active | is-failed) options+=" -q --quiet" ;;
    check) options+=" --config" ;;
    esac
    if [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
        return
    fi
    case $command in
    "" | help) mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur") ;;
    daemon) mapfile -t COMPREPLY < <(compgen -W "status shutdown" -- "$cur") ;;
    check) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    update | version) ;;
    *)
        mapfile -t COMPREPLY < <(compgen -W "$(_procctl_names)" -- "$cur")
        if [[ $cur == *@* && $COMP_WORDBREAKS == *@* ]]; then # what stands before the '@' stays as it is
            COMPREPLY=("${COMPREPLY[@]#"${cur%"${cur##*@}"}"}")
        fi
        ;;
    esac
}

complete -F _procctl procctl
