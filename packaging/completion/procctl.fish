# Completion of procctl for fish.

set -l commands status start stop restart try-restart reload kill show cat logs update reset-failed is-active is-failed check daemon version help

function __procctl_names
    set -l where
    set -l words (commandline -opc)
    set -l at (contains -i -- --socket $words); and set where --socket $words[(math $at + 1)]
    contains -- --user $words; and set where --user
    contains -- --system $words; and set where --system
    procctl $where show -p program,name all 2>/dev/null | string replace -r '^[a-z]*=' '' | sort -u | string match -v ''
end

complete -c procctl -f
complete -c procctl -l socket -r -F -d 'Talk to the daemon at this socket'
complete -c procctl -l user -d 'Talk to your own daemon'
complete -c procctl -l system -d "Talk to the system's daemon"
complete -c procctl -s o -l output -x -a 'text json' -d 'Format'
complete -c procctl -l no-wait -d 'Return at once'
complete -c procctl -l no-color -d 'No colours'
complete -c procctl -s h -l help -d 'Help'

set -l none "not __fish_seen_subcommand_from $commands"
complete -c procctl -n $none -a status -d 'Show how programs are doing'
complete -c procctl -n $none -a start -d 'Start programs'
complete -c procctl -n $none -a stop -d 'Stop programs'
complete -c procctl -n $none -a restart -d 'Stop programs and start them again'
complete -c procctl -n $none -a try-restart -d 'Restart programs that are running'
complete -c procctl -n $none -a reload -d 'Ask programs to read their configuration again'
complete -c procctl -n $none -a kill -d 'Send a signal to programs'
complete -c procctl -n $none -a show -d 'Show every property of programs'
complete -c procctl -n $none -a cat -d 'Show the configuration as it is written'
complete -c procctl -n $none -a logs -d "Show the end of programs' output"
complete -c procctl -n $none -a update -d 'Read conf.d again and apply what has changed'
complete -c procctl -n $none -a reset-failed -d 'Forget failures and start limits'
complete -c procctl -n $none -a is-active -d 'Ask whether programs are active'
complete -c procctl -n $none -a is-failed -d 'Ask whether programs have failed'
complete -c procctl -n $none -a check -d 'Check the configuration, without a daemon'
complete -c procctl -n $none -a daemon -d 'The daemon itself'
complete -c procctl -n $none -a version -d 'Show the versions'
complete -c procctl -n $none -a help -d 'Show how a command is used'
complete -c procctl -n '__fish_seen_subcommand_from help' -a "$commands"

set -l named status start stop restart try-restart reload kill show cat logs reset-failed is-active is-failed
complete -c procctl -n "__fish_seen_subcommand_from $named; and not __fish_seen_subcommand_from daemon" -a '(__procctl_names)'
complete -c procctl -n '__fish_seen_subcommand_from kill' -s s -l signal -x -a 'HUP INT QUIT KILL USR1 USR2 TERM CONT STOP' -d 'Which signal'
complete -c procctl -n '__fish_seen_subcommand_from kill' -l kill-whom -x -a 'main control all' -d 'Which processes'
complete -c procctl -n '__fish_seen_subcommand_from show' -s p -l property -x -d 'Only this property'
complete -c procctl -n '__fish_seen_subcommand_from logs' -s n -l lines -x -d 'How many lines'
complete -c procctl -n '__fish_seen_subcommand_from logs' -s f -l follow -d 'Go on as lines are written'
complete -c procctl -n '__fish_seen_subcommand_from logs' -l since -x -d 'Lines from this time on'
complete -c procctl -n '__fish_seen_subcommand_from logs' -l until -x -d 'Lines up to this time'
complete -c procctl -n '__fish_seen_subcommand_from logs' -l stdout -d 'Lines of standard output alone'
complete -c procctl -n '__fish_seen_subcommand_from logs' -l stderr -d 'Lines of standard error alone'
complete -c procctl -n '__fish_seen_subcommand_from logs' -s g -l grep -x -d 'Lines that match'
complete -c procctl -n '__fish_seen_subcommand_from logs' -l rotate -d 'Begin a new file'
complete -c procctl -n '__fish_seen_subcommand_from update' -l dry-run -d 'Say what would be done'
complete -c procctl -n '__fish_seen_subcommand_from is-active is-failed' -s q -l quiet -d 'Print nothing'
complete -c procctl -n '__fish_seen_subcommand_from check' -l config -r -F -d 'The settings file'
complete -c procctl -n '__fish_seen_subcommand_from check' -F
complete -c procctl -n '__fish_seen_subcommand_from daemon' -a 'status shutdown'
