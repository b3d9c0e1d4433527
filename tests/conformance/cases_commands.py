"""The lists of commands: which of them run, what a failing one does, and what '-' changes."""

from cases import case

# What stands before and after in every list, so that a list that goes on shows.
EACH = {
    "condition": "ExecCondition", "pre": "ExecStartPre", "post": "ExecStartPost", "reload": "ExecReload",
    "stop": "ExecStop", "stop-post": "ExecStopPost",
}


def three(label, middle, prefix=""):
    """A list of three commands, of which the second is the one."""
    directive = EACH[label]
    first = " wait:up" if label == "post" else ""
    return (f"{directive}=@act {label}-1@{first}\n{directive}={prefix}@act {label}-2@ {middle}\n"
            f"{directive}=@act {label}-3@\n")


# The main process says when it is there: one that is killed before has no trace to be compared.
MAIN = "@act main@ touch:up pause"
STEPS = {
    "condition": ["start", "settled"], "pre": ["start", "settled"], "post": ["start"],
    "reload": ["start", "told main start", "reload", "show", "stop"],
    "stop": ["start", "told main start", "stop"], "stop-post": ["start", "told main start", "stop"],
}

for label in EACH:
    for cause in ("exit:1", "exit:255", "kill:KILL", "kill:TERM"):
        for prefix in ("", "-"):
            case(f"{label}-second-{cause.replace(':', '-').lower()}{'-ignored' if prefix else ''}",
                 f"{three(label, cause, prefix)}ExecStart={MAIN}\n"
                 + ("" if label == "stop-post" else "ExecStopPost=@act stop-post@\n"),
                 *STEPS[label], rest="running|dead|failed")
    case(f"{label}-second-missing", f"{three(label, 'x').replace(f'@act {label}-2@ x', '/nowhere/program')}"
         f"ExecStart={MAIN}\n", *STEPS[label], rest="running|dead|failed")
    case(f"{label}-second-missing-ignored",
         f"{three(label, 'x', '-').replace(f'@act {label}-2@ x', '/nowhere/program')}"
         f"ExecStart={MAIN}\n", *STEPS[label], rest="running|dead|failed")
    case(f"{label}-fails-success-exit-status",
         f"SuccessExitStatus=9\n{three(label, 'exit:9')}ExecStart={MAIN}\n",
         *STEPS[label], rest="running|dead|failed")
    case(f"{label}-fails-restart", f"Restart=on-failure\nRestartSec=1h\nRestartPreventExitStatus=7\n"
         f"{three(label, 'exit:7')}ExecStart={MAIN}\n", *STEPS[label],
         rest="running|dead|failed|auto-restart")

# --- Conditions

case("condition-skip-restart-always", "Restart=always\nExecCondition=@act condition@ exit:1\nExecStart=@act main@", "start")
case("condition-skip-at-restart", "Restart=always\nRestartSec=50ms\nExecCondition=@act condition@ 2?exit:3\n"
     "ExecStart=@act main@ exit:1\nExecStopPost=@act stop-post@", "start", "await auto-restart", "told stop-post start x2")
case("condition-skip-counts-as-start", "ExecCondition=@act condition@ exit:1\nExecStart=@act main@",
     "start", "start", "start", "show", unit="StartLimitBurst=2\nStartLimitIntervalSec=1h", rest="failed|dead")
case("condition-skip-oneshot-remain", "Type=oneshot\nRemainAfterExit=yes\nExecCondition=@act condition@ exit:1\n"
     "ExecStart=@act main@", "start")
case("stop-during-condition", "ExecCondition=@act condition@ pause\nExecStart=@act main@\nExecStop=@act stop@\n"
     "ExecStopPost=@act stop-post@", "start &", "told condition start", "stop", "join")
case("stop-during-condition-that-ignores", "ExecCondition=@act condition@ ignore:all pause\nTimeoutStopSec=1s\n"
     "ExecStart=@act main@\nExecStopPost=@act stop-post@", "start &", "told condition start", "stop", "join")
case("restart-during-condition", "ExecCondition=@act condition@ 1?pause\nExecStart=@act main@ pause\n"
     "ExecStopPost=@act stop-post@", "start &", "told condition start", "restart", "join", rest="running")
case("condition-timeout", "TimeoutStartSec=1s\nExecCondition=@act condition@ pause\nExecStart=@act main@\n"
     "ExecStopPost=@act stop-post@", "start")

# --- Requests while a command of a start runs

for label in ("pre", "post"):
    for job in ("restart", "try-restart", "stop", "start", "reload"):
        name = EACH[label]
        case(f"{job}-during-{label}", f"{name}=@act {label}@ 1?wait:go\nExecStart=@act main@ touch:up pause\nExecStop=@act stop@\n"
             "ExecReload=@act reload@\nExecStopPost=@act stop-post@", "start &", f"told {label} start", "told main start"
             if label == "post" else "sleep 0", f"{job} &", "sleep 0.3", "touch go", "join", "show",
             rest="running|dead|failed")
case("stop-during-reload", "ExecStart=@act main@ pause\nExecReload=@act reload@ pause\nExecStop=@act stop@\n"
     "ExecStopPost=@act stop-post@", "start", "reload &", "told reload start", "stop", "join")
case("restart-during-reload", "ExecStart=@act main@ pause\nExecReload=@act reload@ pause\nExecStop=@act stop@\n",
     "start", "reload &", "told reload start", "restart", "join", rest="running")
case("reload-during-reload", "ExecStart=@act main@ pause\nExecReload=@act reload@ 1?wait:go",
     "start", "reload &", "told reload start", "reload &", "sleep 0.2", "touch go", "join", rest="running")
case("main-ends-during-reload", "ExecStart=@act main@ wait:end exit:3\nExecReload=@act reload@ touch:end sleep:1\n"
     "ExecStopPost=@act stop-post@", "start", "told main start", "reload &", "told reload start", "join")
case("main-ends-well-during-reload", "ExecStart=@act main@ wait:end exit:0\nExecReload=@act reload@ touch:end sleep:0.5\n"
     "ExecStop=@act stop@\nExecStopPost=@act stop-post@", "start", "told main start", "reload &", "told reload start", "join")
case("main-ends-during-start-post", "ExecStart=@act main@ wait:end exit:3\nExecStartPost=@act post@ touch:end sleep:0.5\n"
     "ExecStop=@act stop@\nExecStopPost=@act stop-post@", "start")
case("main-ends-well-during-start-post", "ExecStart=@act main@ wait:end exit:0\n"
     "ExecStartPost=@act post-1@ touch:end sleep:0.5\nExecStartPost=@act post-2@\n"
     "ExecStop=@act stop@\nExecStopPost=@act stop-post@", "start")
case("main-ends-during-stop-command", "ExecStart=@act main@ wait:end exit:3\nExecStop=@act stop-1@ touch:end sleep:0.5\n"
     "ExecStop=@act stop-2@\nExecStopPost=@act stop-post@", "start", "told main start", "stop")
case("stop-command-sends-the-signal", "ExecStart=@act main@ on:USR1:exit:0 log:up pause\n"
     "ExecStop=/bin/sh -c 'kill -USR1 $MAINPID; sleep 0.5'\nExecStopPost=@act stop-post@", "start", "told main up", "stop")
case("reload-of-inactive", "ExecStart=@act main@ pause\nExecReload=@act reload@", "reload", "show")
case("reload-without-command", "ExecStart=@act main@ pause", "start", "reload", rest="running")
case("reload-in-auto-restart", "Restart=always\nRestartSec=1h\nExecStart=@act main@ exit:1\nExecReload=@act reload@",
     "start", "await auto-restart", "reload")
case("oneshot-several-second-fails", "Type=oneshot\nExecStart=@act one@\nExecStart=@act two@ exit:4\n"
     "ExecStart=@act three@\nExecStop=@act stop@\nExecStopPost=@act stop-post@", "start")
case("oneshot-several-second-fails-ignored", "Type=oneshot\nRemainAfterExit=yes\nExecStart=@act one@\n"
     "ExecStart=-@act two@ exit:4\nExecStart=@act three@\nExecStop=@act stop@\nExecStopPost=@act stop-post@",
     "start", "await exited", "show", "stop")
case("oneshot-without-start", "Type=oneshot\nRemainAfterExit=yes\nExecStop=@act stop@", "start", "show", "stop")
case("oneshot-start-post", "Type=oneshot\nExecStart=@act main@\nExecStartPost=@act post@\nExecStop=@act stop@", "start")
case("remain-with-leftovers", "RemainAfterExit=yes\nExecStart=@act main@ fork:child:pause exit:0\nExecStop=@act stop@\n"
     "ExecStopPost=@act stop-post@", "start", "await exited", "alive", "show", "stop")
case("remain-oneshot-with-leftovers", "Type=oneshot\nRemainAfterExit=yes\nExecStart=@act main@ fork:child:pause exit:0\n"
     "ExecStop=@act stop@\nExecStopPost=@act stop-post@", "start", "await exited", "alive", "show", "stop")
case("remain-restart", "RemainAfterExit=yes\nExecStart=@act main@ exit:0\nExecStop=@act stop@",
     "start", "await exited", "restart", "told main start x2", "await exited", "show", rest="exited")
case("remain-start-again", "RemainAfterExit=yes\nExecStart=@act main@ exit:0",
     "start", "await exited", "start", "sleep 0.2", "show", rest="exited")
case("remain-reload", "RemainAfterExit=yes\nExecStart=@act main@ exit:0\nExecReload=@act reload@",
     "start", "await exited", "reload", rest="exited")
case("oneshot-with-child-left", "Type=oneshot\nTimeoutStopSec=2s\nExecStart=@act main@ fork:child:pause exit:0\n"
     "ExecStopPost=@act stop-post@", "start")
case("leftovers-of-start-pre", "ExecStartPre=@act pre@ daemon:stray:ignore:TERM+pause exit:0\nTimeoutStopSec=1s\n"
     "ExecStart=@act main@ pause", "start", "alive", "stop")
case("restart-with-failing-stop-command", "ExecStart=@act main@ pause\nExecStop=@act stop@ exit:5\n"
     "ExecStopPost=@act stop-post@", "start", "told main start", "restart", "told main start x2", rest="running")
case("variables-in-commands", "Environment=A=one B=log:two\nExecStartPre=@act pre@ log:${A} $B\n"
     "ExecStart=@act main@ log:%p pause\nExecReload=/bin/sh -c 'kill -HUP $MAINPID; sleep 0.3'", "start", "told main variables", "reload", rest="dead")
