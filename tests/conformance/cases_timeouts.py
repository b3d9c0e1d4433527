"""Time limits in every state, what they send, and whom kill_mode means by it."""

from cases import case

IGNORING = "ignore:TERM,HUP,INT,CONT pause"

for mode in ("terminate", "abort", "kill"):
    start = f"TimeoutStartSec=2s\nTimeoutStopSec=1s\nTimeoutStartFailureMode={mode}\nExecStopPost=@act stop-post@\n"
    for behaviour, do in (("dies", "pause"), ("ignores", "ignore:TERM,ABRT,CONT pause")):
        case(f"timeout-start-{mode}-pre-{behaviour}", f"{start}ExecStartPre=@act pre@ {do}\nExecStart=@act main@", "start")
        case(f"timeout-start-{mode}-start-{behaviour}", f"{start}Type=notify\nExecStart=@act main@ {do}", "start")
        case(f"timeout-start-{mode}-oneshot-{behaviour}", f"{start}Type=oneshot\nExecStart=@act main@ {do}", "start")
        case(f"timeout-start-{mode}-post-{behaviour}",
             f"{start}ExecStart=@act main@ {do}\nExecStartPost=@act post@ {do}", "start")
        case(f"timeout-start-{mode}-forking-{behaviour}", f"{start}Type=forking\nExecStart=@act parent@ {do}", "start")
    stop = f"TimeoutStopSec=1s\nTimeoutAbortSec=1s\nTimeoutStopFailureMode={mode}\nLimitCORE=0\n"
    for behaviour, do in (("dies", "ignore:TERM,CONT pause"), ("ignores", "ignore:TERM,ABRT,CONT pause")):
        case(f"timeout-stop-{mode}-sigterm-{behaviour}", f"{stop}ExecStart=@act main@ {do}\nExecStopPost=@act stop-post@",
             "start", "told main start", "stop")
        case(f"timeout-stop-{mode}-command-{behaviour}",
             f"{stop}ExecStart=@act main@ {do}\nExecStop=@act stop@ {do}\nExecStopPost=@act stop-post@",
             "start", "told main start", "stop")
        case(f"timeout-stop-{mode}-post-{behaviour}",
             f"{stop}ExecStart=@act main@ pause\nExecStopPost=@act stop-post-1@ {do}\nExecStopPost=@act stop-post-2@",
             "start", "told main start", "stop")
        case(f"timeout-stop-{mode}-final-{behaviour}",
             f"{stop}ExecStart=@act main@ fork:child:{do.replace(' ', '+')} touch:up pause\nExecStopPost=@act stop-post@",
             "start", "told child start", "stop")
case("timeout-stop-sigkill-no-post", "TimeoutStopSec=1s\nSendSIGKILL=no\nExecStart=@act main@ pause\n"
     f"ExecStopPost=@act stop-post@ {IGNORING}", "start", "told main start", "stop", limit=20)
case("timeout-reload", "TimeoutStartSec=1s\nExecStart=@act main@ pause\nExecReload=@act reload-1@ pause\n"
     "ExecReload=@act reload-2@", "start", "reload", "show", rest="running")
case("timeout-reload-ignores", f"TimeoutStartSec=1s\nTimeoutStopSec=1s\nExecStart=@act main@ pause\n"
     f"ExecReload=@act reload@ {IGNORING}", "start", "reload", "show", "alive", rest="running")
case("timeout-start-infinity", "Type=notify\nTimeoutStartSec=infinity\nExecStart=@act main@ wait:go send:READY=1 pause",
     "start &", "told main start", "sleep 0.5", "show", "touch go", "join", rest="running")
case("runtime-max-with-stop-command", "RuntimeMaxSec=1s\nExecStart=@act main@ pause\nExecStop=@act stop@\n"
     "ExecStopPost=@act stop-post@", "start", rest="dead|failed")
case("runtime-max-remain", "RemainAfterExit=yes\nRuntimeMaxSec=1s\nExecStart=@act main@ pause", "start", rest="dead|failed")
case("runtime-max-exited", "RemainAfterExit=yes\nRuntimeMaxSec=1s\nExecStart=@act main@", "start", "await exited",
     "sleep 1.8", "show", rest="exited|dead|failed")
case("runtime-max-restart", "Restart=on-failure\nRestartSec=1h\nRuntimeMaxSec=1s\nExecStart=@act main@ on:TERM:exit:0 pause",
     "start", rest="auto-restart|dead|failed")
case("runtime-max-extended", "NotifyAccess=main\nRuntimeMaxSec=1s\n"
     "ExecStart=@act main@ send:EXTEND_TIMEOUT_USEC=3000000 pause", "start", "told main start", "sleep 1.8", "show",
     rest="dead|failed")
case("extend-start", "Type=notify\nTimeoutStartSec=1s\nExecStart=@act main@ send:EXTEND_TIMEOUT_USEC=3000000 sleep:1.8 "
     "send:READY=1 pause", "start", rest="running|failed")
case("extend-start-too-little", "Type=notify\nTimeoutStartSec=2s\nExecStart=@act main@ send:EXTEND_TIMEOUT_USEC=100000 "
     "sleep:1.2 send:READY=1 pause", "start", rest="running|failed")
case("extend-start-pre", "TimeoutStartSec=1s\nNotifyAccess=all\nExecStartPre=@act pre@ send:EXTEND_TIMEOUT_USEC=3000000 "
     "sleep:1.8\nExecStart=@act main@ pause", "start", rest="running|failed")
case("extend-start-pre-then-start", "Type=notify\nTimeoutStartSec=1s\nNotifyAccess=all\n"
     "ExecStartPre=@act pre@ send:EXTEND_TIMEOUT_USEC=2500000 sleep:1.5\n"
     "ExecStart=@act main@ sleep:5", "start", rest="running|failed")
case("extend-stop", "TimeoutStopSec=1s\nNotifyAccess=main\nExecStart=@act main@ "
     "on:TERM:send:EXTEND_TIMEOUT_USEC=3000000+sleep:1.8+exit:0 log:up pause", "start", "told main up", "stop")
case("extend-stop-command", "TimeoutStopSec=1s\nNotifyAccess=all\nExecStart=@act main@ pause\n"
     "ExecStop=@act stop@ send:EXTEND_TIMEOUT_USEC=3000000 sleep:1.8", "start", "told main start", "stop")
case("extend-stop-post", "TimeoutStopSec=1s\nNotifyAccess=all\nExecStart=@act main@ pause\n"
     "ExecStopPost=@act stop-post@ send:EXTEND_TIMEOUT_USEC=3000000 sleep:1.8", "start", "told main start", "stop")
case("extend-stop-post-after-crash", "TimeoutStopSec=1s\nNotifyAccess=all\nExecStart=@act main@ exit:2\n"
     "ExecStopPost=@act stop-post@ send:EXTEND_TIMEOUT_USEC=3000000 sleep:1.8", "start")
case("extend-reload", "TimeoutStartSec=1s\nNotifyAccess=all\nExecStart=@act main@ pause\n"
     "ExecReload=@act reload@ send:EXTEND_TIMEOUT_USEC=3000000 sleep:1.8", "start", "reload", rest="running|failed")

# --- KillMode while a command runs

for mode in ("control-group", "mixed", "process", "none"):
    for who in ("main", "command", "child"):
        does = {name: IGNORING if name == who else "pause" for name in ("main", "command", "child")}
        child = f"fork:child:{does['child'].replace(' ', '+')}"
        base = f"KillMode={mode}\nTimeoutStopSec=1s\n"
        main_does = does["main"]
        if who == "main":  # It must ignore before it forks, and its child must not.
            main = f"@act main@ ignore:TERM,HUP,INT,CONT {child} log:up pause"
        else:
            main = f"@act main@ {child} log:up {main_does}"
        case(f"kill-{mode}-stop-{who}-ignores", f"{base}ExecStart={main}\nExecStop=@act stop@ {does['command']}\n"
             "ExecStopPost=@act stop-post@", "start", "told main up", "stop")
        case(f"kill-{mode}-stop-post-{who}-ignores", f"{base}ExecStart={main}\n"
             f"ExecStopPost=@act stop-post@ {does['command']}", "start", "told main up", "stop")
    case(f"kill-{mode}-start-pre", f"KillMode={mode}\nTimeoutStopSec=1s\nExecStartPre=@act pre@ fork:child:pause log:up pause\n"
         "ExecStart=@act main@\nExecStopPost=@act stop-post@", "start &", "told pre up", "stop", "join")
    case(f"kill-{mode}-session", f"KillMode={mode}\nTimeoutStopSec=1s\nExecStart=@act main@ daemon:far:pause log:up pause",
         "start", "told main up", "stop")
    case(f"kill-{mode}-main-ends", f"KillMode={mode}\nTimeoutStopSec=1s\n"
         "ExecStart=@act main@ fork:child:ignore:TERM,CONT+pause wait:go exit:0\nExecStopPost=@act stop-post@",
         "start", "told child start", "touch go", rest="dead|failed")
    case(f"kill-{mode}-main-fails-restart", f"KillMode={mode}\nTimeoutStopSec=1s\nRestart=on-failure\nRestartSec=1h\n"
         "ExecStart=@act main@ fork:child:pause wait:go exit:1\nExecStopPost=@act stop-post@",
         "start", "told child start", "touch go", rest="auto-restart")

for whom in ("main", "control", "all"):
    case(f"signal-{whom}-running", "ExecStart=@act main@ on:USR1:log:hit fork:child:on:USR1:log:hit+log:up+pause pause",
         "start", "told child up", f"signal USR1 {whom}", "sleep 0.4", "show", rest="running|dead|failed|stop-sigterm")
    case(f"signal-{whom}-in-start-pre", "ExecStartPre=@act pre@ pause\nExecStart=@act main@ pause",
         "start &", "told pre start", f"signal KILL {whom}", "sleep 0.3", "show", "stop", "join")
    case(f"signal-{whom}-in-start-post", "ExecStart=@act main@ pause\nExecStartPost=@act post@ pause",
         "start &", "told post start", "told main start", f"signal KILL {whom}", "sleep 0.3", "show", "stop", "join",
         ignored=["states"] if whom == "all" else [])  # Whose end is noticed first is a race.
    case(f"signal-{whom}-in-reload", "ExecStart=@act main@ pause\nExecReload=@act reload@ pause\nTimeoutStartSec=3s",
         "start", "reload &", "told reload start", f"signal KILL {whom}", "sleep 0.3", "show", "stop", "join",
         ignored=["states"])  # Whose end is noticed first is a race.
    case(f"signal-{whom}-dead", "ExecStart=@act main@", f"signal KILL {whom}")

# --- Restart settings when a control command failed

for setting in ("RestartPreventExitStatus=15", "RestartPreventExitStatus=SIGTERM", "RestartForceExitStatus=SIGTERM",
                "RestartForceExitStatus=7", "RestartPreventExitStatus=7"):
    name = setting.replace("ExitStatus=", "-").lower()
    for policy in ("no", "on-failure"):
        case(f"{name}-post-fails-{policy}", f"Restart={policy}\nRestartSec=1h\n{setting}\nExecStart=@act main@ touch:up pause\n"
             "ExecStartPost=@act post@ wait:up exit:7", "start", rest="dead|failed|auto-restart")
        case(f"{name}-stop-post-fails-{policy}", f"Restart={policy}\nRestartSec=1h\n{setting}\nExecStart=@act main@ exit:0\n"
             "ExecStopPost=@act stop-post@ exit:7", "start", rest="dead|failed|auto-restart")
