"""The notify protocol, where notify.tsv is thin: pings out of season, reloads, descriptors, other people's pids."""

from cases import case

# A ping before READY=1, and one after STOPPING=1.
case("watchdog-ping-before-ready", "Type=notify\nWatchdogSec=1s\nTimeoutStartSec=4s\n"
     "ExecStart=@act main@ send:WATCHDOG=1 pause", "start")
case("watchdog-ping-after-stopping", "WatchdogSec=1s\nNotifyAccess=main\nTimeoutStopSec=4s\n"
     "ExecStart=@act main@ send:READY=1 send:STOPPING=1 send:WATCHDOG=1 sleep:2.5 exit:0",
     "start", "await stop-sigterm", "show", rest="dead|failed")
case("watchdog-trigger-after-stopping", "NotifyAccess=main\nTimeoutStopSec=4s\n"
     "ExecStart=@act main@ send:READY=1 send:STOPPING=1 send:WATCHDOG=trigger sleep:1 exit:0",
     "start", "await stop-sigterm", "show", rest="dead|failed")
case("watchdog-usec-before-ready", "Type=notify\nTimeoutStartSec=10s\n"
     "ExecStart=@act main@ send:WATCHDOG_USEC=1000000 sleep:1.5 send:READY=1 pause",
     "start", "show", rest="dead|failed")
case("watchdog-in-reload", "Type=notify\nWatchdogSec=1s\nExecStart=@act main@ send:READY=1 send:RELOADING=1 pause",
     "start", "await reload", rest="dead|failed")
case("watchdog-during-exec-reload", "WatchdogSec=1s\nExecStart=@act main@ pause\n"
     "ExecReload=@act reload@ sleep:3", "start", "reload", rest="dead|failed")
case("watchdog-in-start-post", "WatchdogSec=1s\nExecStart=@act main@ pause\n"
     "ExecStartPost=@act post@ sleep:2.5", "start &", "await start-post", "show", "join", rest="dead|failed")
case("runtime-max-in-notify-reload-state", "Type=notify\nRuntimeMaxSec=1s\n"
     "ExecStart=@act main@ send:READY=1 send:RELOADING=1 pause", "start", "await reload", "sleep 2.5", "show",
     "killmain USR1", rest="dead|failed")
case("runtime-max-during-exec-reload", "RuntimeMaxSec=1s\nExecStart=@act main@ pause\n"
     "ExecReload=@act reload@ sleep:3", "start", "reload", rest="dead|failed")
case("runtime-max-counts-from-ready", "Type=notify\nRuntimeMaxSec=1500ms\nTimeoutStartSec=10s\n"
     "ExecStart=@act main@ sleep:2 send:READY=1 pause", "start", "show", rest="dead|failed")
for access in ("none", "main", "exec", "all"):
    tell = "has:NOTIFY_SOCKET,WATCHDOG_PID,WATCHDOG_USEC,LISTEN_FDS,LISTEN_PID,LISTEN_FDNAMES,FDSTORE,MAINPID,INVOCATION_ID"
    for watchdog in ("", "WatchdogSec=30s\n"):
        case(f"environment-{access}{'-watchdog' if watchdog else ''}",
             f"NotifyAccess={access}\n{watchdog}FileDescriptorStoreMax=4\n"
             f"ExecCondition=@act condition@ {tell}\nExecStartPre=@act pre@ {tell}\nExecStart=@act main@ {tell} touch:up pause\n"
             f"ExecStartPost=@act post@ wait:up {tell}\nExecReload=@act reload@ {tell}\nExecStop=@act stop@ {tell}\n"
             f"ExecStopPost=@act stop-post@ {tell}", "start", "reload", "stop")
    case(f"environment-forking-{access}", f"Type=forking\nNotifyAccess={access}\nPIDFile=@dir@/pid\n"
         f"ExecStart=@act parent@ {tell} daemon:main:pidfile:pid+{tell}+pause", "start", "stop")
case("environment-notify", f"Type=notify\nExecStartPre=@act pre@ {tell}\nExecStart=@act main@ {tell} send:READY=1 pause\n"
     f"ExecReload=@act reload@ {tell}\nExecStop=@act stop@ {tell}\nExecStopPost=@act stop-post@ {tell}",
     "start", "reload", "stop")

# --- States out of season

case("reloading-before-ready", "Type=notify\nTimeoutStartSec=5s\nExecStart=@act main@ send:RELOADING=1 sleep:0.3 send:READY=1 pause",
     "start", "show", "stop")
case("reloading-while-stopping", "NotifyAccess=main\nTimeoutStopSec=3s\n"
     "ExecStart=@act main@ on:TERM:send:RELOADING=1+sleep:0.5+exit:0 log:up pause", "start", "told main up", "stop")
case("reloading-twice", "Type=notify\nExecStart=@act main@ send:READY=1 send:RELOADING=1 send:RELOADING=1 send:READY=1 pause",
     "start", "await reload", "await running", "sleep 0.2", "show", "stop")
case("reloading-in-exec-reload", "Type=notify\nExecStart=@act main@ "
     "on:HUP:send:RELOADING=1+sleep:0.5+send:READY=1+log:done send:READY=1 pause\n"
     "ExecReload=/bin/sh -c 'kill -HUP $MAINPID; sleep 0.3'", "start", "reload", "told main done", "sleep 0.2", "show", "stop")
case("reloading-outlives-exec-reload", "Type=notify\nExecStart=@act main@ "
     "on:HUP:send:RELOADING=1+wait:go+send:READY=1+log:done send:READY=1 pause\n"
     "ExecReload=/bin/sh -c 'kill -HUP $MAINPID; sleep 0.3'", "start", "reload &", "sleep 0.5", "show", "touch go", "told main done",
     "sleep 0.2", "show", "join", "stop")
case("reload-job-while-reloading", "Type=notify\nExecStart=@act main@ send:READY=1 send:RELOADING=1 log:up pause\n"
     "ExecReload=@act reload@", "start", "told main up", "await reload", "reload &", "sleep 0.5", "show", "stop", "join")
case("restart-while-reloading", "Type=notify\nExecStart=@act main@ send:READY=1 1?send:RELOADING=1 log:up pause\n",
     "start", "told main up", "await reload", "restart", "told main up x2", rest="running")
case("stopping-while-reloading", "Type=notify\nTimeoutStopSec=3s\n"
     "ExecStart=@act main@ send:READY=1 send:RELOADING=1 send:STOPPING=1 sleep:0.5 exit:0\n"
     "ExecStop=@act stop@\nExecStopPost=@act stop-post@", "start", rest="dead|failed")
case("stopping-before-ready", "Type=notify\nTimeoutStartSec=5s\nExecStart=@act main@ send:STOPPING=1 sleep:0.3 send:READY=1 pause",
     "start", "show", "stop")
case("stopping-then-ready", "NotifyAccess=main\nTimeoutStopSec=3s\n"
     "ExecStart=@act main@ send:STOPPING=1 sleep:0.3 send:READY=1 sleep:0.5 exit:0", "start", rest="dead|failed")
case("stopping-then-hangs", "NotifyAccess=main\nTimeoutStopSec=1s\nExecStart=@act main@ send:STOPPING=1 pause\n"
     "ExecStop=@act stop@\nExecStopPost=@act stop-post@", "start", rest="dead|failed")
case("stopping-then-stop", "NotifyAccess=main\nTimeoutStopSec=3s\nExecStart=@act main@ send:STOPPING=1 log:up pause\n"
     "ExecStop=@act stop@\nExecStopPost=@act stop-post@", "start", "await stop-sigterm", "stop")
case("stopping-then-restart-job", "NotifyAccess=main\nTimeoutStopSec=3s\nExecStart=@act main@ 1?send:STOPPING=1 1?wait:go pause",
     "start", "await stop-sigterm", "restart &", "sleep 0.3", "show", "touch go", "join", rest="running")
case("stopping-then-start-job", "NotifyAccess=main\nTimeoutStopSec=3s\n"
     "ExecStart=@act main@ 1?send:STOPPING=1 1?wait:go 1?exit:0 pause",
     "start", "await stop-sigterm", "start &", "sleep 0.3", "show", "touch go", "join", rest="running")
case("stopping-then-restarts", "NotifyAccess=main\nRestart=always\nRestartSec=1h\nTimeoutStopSec=3s\n"
     "ExecStart=@act main@ send:STOPPING=1 sleep:0.3 exit:0", "start", rest="auto-restart")
case("stopping-in-start-post", "NotifyAccess=main\nTimeoutStopSec=2s\nExecStart=@act main@ send:STOPPING=1 touch:up pause\n"
     "ExecStartPost=@act post@ wait:up sleep:0.4", "start &", "await stop-sigterm", "show", "stop", "join")
case("ready-in-simple", "NotifyAccess=main\nExecStart=@act main@ send:READY=1 sleep:0.2 send:RELOADING=1 sleep:0.3 send:READY=1 "
     "log:up pause", "start", "told main up", "sleep 0.2", "show", "stop")
case("ready-and-stopping-in-one", "Type=notify\nExecStart=@act main@ send:READY=1;STOPPING=1 sleep:0.5 exit:0",
     "start", rest="dead|failed")
case("stopping-and-ready-in-one", "Type=notify\nTimeoutStopSec=2s\nExecStart=@act main@ send:STOPPING=1;READY=1 sleep:0.5 exit:0",
     "start", rest="dead|failed")
case("reloading-and-ready-in-one", "Type=notify\nExecStart=@act main@ send:READY=1 send:RELOADING=1;READY=1 log:up pause",
     "start", "told main up", "sleep 0.2", "show", "stop")
case("ready-by-start-pre", "Type=notify\nNotifyAccess=all\nTimeoutStartSec=2s\nExecStartPre=@act pre@ send:READY=1 sleep:0.2\n"
     "ExecStart=@act main@ pause", "start")
case("ready-by-child", "Type=notify\nNotifyAccess=all\nExecStart=@act main@ fork:child:send:READY=1+pause pause",
     "start", "show", "stop")
case("ready-in-oneshot", "Type=oneshot\nNotifyAccess=main\nExecStart=@act main@ send:READY=1;STATUS=half sleep:0.4", "start")
case("status-by-control", "NotifyAccess=exec\nExecStartPre=@act pre@ send:STATUS=before sleep:0.2\n"
     "ExecStart=@act main@ touch:up pause\nExecStartPost=@act post@ wait:up send:STATUS=after sleep:0.2\n"
     "ExecStopPost=@act stop-post@ send:STATUS=over sleep:0.2", "start", "show", "stop", "show")
case("status-errno", "NotifyAccess=main\nExecStart=@act main@ send:STATUS=bad;ERRNO=2 log:up pause", "start", "told main up",
     "sleep 0.2", "show", "stop", "show")
case("status-cleared", "NotifyAccess=main\nExecStart=@act main@ send:STATUS=full sleep:0.1 send:STATUS= log:up pause", "start",
     "told main up", "sleep 0.2", "show", "stop")
case("status-over-restart", "NotifyAccess=main\nExecStart=@act main@ 1?send:STATUS=first log:up pause", "start", "told main up",
     "sleep 0.2", "restart", "told main up x2", "show", rest="running")

# --- The main process

case("mainpid-child", "Type=notify\nExecStart=@act main@ fork:next:wait:told+send:READY=1+wait:go+exit:3 mainpid:next touch:told exit:0",
     "start", "sleep 0.3", "show", "touch go", rest="dead|failed")
case("mainpid-and-ready-in-one-by-main", "Type=notify\nExecStart=@act main@ fork:next:pause send:MAINPID={PID};READY=1 pause",
     "start", "show", "stop")
case("mainpid-then-old-says-ready", "Type=notify\nTimeoutStartSec=1s\nExecStart=@act main@ fork:next:pause mainpid:next "
     "send:READY=1 pause", "start")
case("mainpid-of-init", "Type=notify\nExecStart=@act main@ send:MAINPID=1 send:READY=1 log:up wait:go exit:4",
     "start", "touch go", rest="dead|failed")
case("mainpid-of-nobody", "Type=notify\nExecStart=@act main@ send:MAINPID=999999 send:READY=1 wait:go exit:4",
     "start", "touch go", rest="dead|failed")
case("mainpid-by-start-post", "NotifyAccess=exec\nExecStart=@act main@ fork:next:touch:up+wait:go+sleep:0.5+exit:5 wait:go exit:0\n"
     "ExecStartPost=@act post@ wait:up mainpid:next sleep:0.2", "start", "show", "touch go", rest="dead|failed")
case("mainpid-in-forking", "Type=forking\nNotifyAccess=all\nPIDFile=@dir@/pid\n"
     "ExecStart=@act parent@ daemon:main:fork:next:wait:go/exit:5+pidfile:pid+sleep:0.3+mainpid:next+log:moved+wait:go+sleep:0.3+exit:0 wait:pid",
     "start", "told main moved", "sleep 0.2", "touch go", rest="dead|failed")
case("mainpid-old-main-lives-on", "Type=notify\nExecStart=@act main@ fork:next:wait:go+exit:0 mainpid:next log:moved pause\n"
     "NotifyAccess=all\nTimeoutStartSec=3s\nTimeoutStopSec=2s", "start &", "told main moved", "touch go", "join")
case("exit-status-message", "Type=notify\nExecStart=@act main@ send:READY=1 send:EXIT_STATUS=7 exit:0", "start", rest="dead|failed")

# --- The watchdog

WATCHDOG = "NotifyAccess=main\nLimitCORE=0\nTimeoutStopSec=1s\nTimeoutAbortSec=1s\nExecStopPost=@act stop-post@\n"
case("watchdog-restart-always", f"{WATCHDOG}WatchdogSec=700ms\nRestart=always\nRestartSec=1h\nExecStart=@act main@ pause", "start",
     rest="auto-restart")
case("watchdog-on-watchdog", f"{WATCHDOG}WatchdogSec=700ms\nRestart=on-watchdog\nRestartSec=1h\nExecStart=@act main@ pause",
     "start", rest="auto-restart|failed")
case("watchdog-ignored-abort", f"{WATCHDOG}WatchdogSec=700ms\nExecStart=@act main@ ignore:ABRT,CONT pause", "start",
     rest="dead|failed")
case("watchdog-abort-exits-0", f"{WATCHDOG}WatchdogSec=700ms\nExecStart=@act main@ on:ABRT:exit:0 pause", "start",
     rest="dead|failed")
case("watchdog-signal", f"{WATCHDOG}WatchdogSec=700ms\nWatchdogSignal=SIGUSR1\n"
     "ExecStart=@act main@ fork:child:ignore:USR1,CONT,TERM+pause log:up pause", "start", rest="dead|failed")
case("watchdog-mixed", f"{WATCHDOG}KillMode=mixed\nWatchdogSec=700ms\nExecStart=@act main@ fork:child:ignore:ABRT,CONT+pause pause",
     "start", rest="dead|failed")
case("watchdog-process", f"{WATCHDOG}KillMode=process\nWatchdogSec=700ms\n"
     "ExecStart=@act main@ fork:child:ignore:ABRT,CONT+pause pause", "start", rest="dead|failed")
case("watchdog-trigger-in-start", "Type=notify\nLimitCORE=0\nExecStart=@act main@ send:WATCHDOG=trigger pause", "start")
case("watchdog-trigger-in-reload", "NotifyAccess=main\nLimitCORE=0\nExecStart=@act main@ wait:go send:WATCHDOG=trigger pause\n"
     "ExecReload=@act reload@ touch:go pause", "start", "reload &", "join", rest="dead|failed")
case("watchdog-trigger-in-stop", "NotifyAccess=main\nLimitCORE=0\nTimeoutStopSec=2s\n"
     "ExecStart=@act main@ on:TERM:send:WATCHDOG=trigger+pause log:up pause", "start", "told main up", "stop")
case("watchdog-trigger-in-stop-command", "NotifyAccess=all\nLimitCORE=0\nTimeoutStopSec=2s\nExecStart=@act main@ pause\n"
     "ExecStop=@act stop@ send:WATCHDOG=trigger pause\nExecStopPost=@act stop-post@", "start", "stop")
case("watchdog-trigger-in-stop-post", "NotifyAccess=all\nLimitCORE=0\nTimeoutStopSec=2s\nExecStart=@act main@ pause\n"
     "ExecStopPost=@act stop-post-1@ 1?send:WATCHDOG=trigger 1?pause\nExecStopPost=@act stop-post-2@", "start",
     "told main start", "stop")
case("watchdog-trigger-in-start-pre", "NotifyAccess=all\nLimitCORE=0\nTimeoutStartSec=3s\n"
     "ExecStartPre=@act pre@ send:WATCHDOG=trigger pause\nExecStart=@act main@\nExecStopPost=@act stop-post@", "start")
case("watchdog-ping-in-start-pre", "NotifyAccess=all\nWatchdogSec=1s\nTimeoutStartSec=4s\n"
     "ExecStartPre=@act pre@ send:WATCHDOG=1 sleep:2\nExecStart=@act main@ pause", "start", rest="dead|failed")
case("watchdog-during-stop-command", "WatchdogSec=1s\nTimeoutStopSec=4s\nExecStart=@act main@ pause\n"
     "ExecStop=@act stop@ sleep:2\nExecStopPost=@act stop-post@", "start", "stop")
case("watchdog-during-stop-post", "WatchdogSec=1s\nTimeoutStopSec=4s\nExecStart=@act main@ wait:go exit:0\n"
     "ExecStopPost=@act stop-post@ sleep:2", "start", "touch go", rest="dead|failed")
case("watchdog-usec-changes", "NotifyAccess=main\nWatchdogSec=30s\nLimitCORE=0\n"
     "ExecStart=@act main@ send:WATCHDOG_USEC=700000 pause", "start", rest="dead|failed")
case("watchdog-usec-zero", "NotifyAccess=main\nWatchdogSec=1s\nLimitCORE=0\n"
     "ExecStart=@act main@ send:WATCHDOG_USEC=0 log:up pause", "start", "told main up", "sleep 1.8", "show", rest="running|failed")
case("watchdog-usec-forgotten-at-restart", "NotifyAccess=main\nLimitCORE=0\n"
     "ExecStart=@act main@ 1?send:WATCHDOG_USEC=30000000 env:WATCHDOG_USEC pause", "start", "told main WATCHDOG_USEC", "restart",
     "told main WATCHDOG_USEC x2", rest="running")

# --- Descriptors

STORE = "NotifyAccess=main\nFileDescriptorStoreMax=3\n"
case("store-over-restart", f"{STORE}Restart=always\nRestartSec=50ms\n"
     "ExecStart=@act main@ stored 1?store:a,b,c log:stored 1?wait:go 1?exit:1 pause", "start", "told main stored x2", "show",
     "touch go", "told main stored x4", "show", "stop", "show")
case("store-over-restart-job", f"{STORE}ExecStart=@act main@ stored 1?store:a,b log:up pause",
     "start", "told main up", "sleep 0.3", "show", "restart", "told main up x2", "show", rest="running")
case("store-lost-at-stop", f"{STORE}ExecStart=@act main@ stored 1?store:a log:up pause",
     "start", "told main up", "sleep 0.3", "show", "stop", "show", "start", "told main up x2", "show", rest="running")
case("store-too-many", f"{STORE}ExecStart=@act main@ store:a,b,c,d log:up pause", "start", "told main up", "sleep 0.3", "show",
     "restart", "sleep 0.3", "show", rest="running")
case("store-remove", f"{STORE}ExecStart=@act main@ stored 1?store:a,b,a 1?send:FDSTOREREMOVE=1;FDNAME=a log:up pause", "start",
     "told main up", "sleep 0.3", "show", "restart", "told main up x2", rest="running")
case("store-without-max", "NotifyAccess=main\nExecStart=@act main@ store:a log:up pause", "start", "told main up", "sleep 0.3",
     "show", rest="running")
case("store-default-name", f"{STORE}ExecStart=@act main@ stored 1?storeplain log:up pause", "start", "told main up", "sleep 0.3",
     "restart", "told main up x2", rest="running")
case("store-control-does-not-see", f"{STORE}NotifyAccess=all\nExecStartPre=@act pre@ env:LISTEN_FDS,LISTEN_FDNAMES\n"
     "ExecStart=@act main@ 1?store:a stored log:up pause\nExecStopPost=@act stop-post@ env:LISTEN_FDS", "start", "told main up",
     "sleep 0.3", "restart", "told main up x2", rest="running")
case("store-in-failed", f"{STORE}ExecStart=@act main@ store:a log:up wait:go exit:1", "start", "told main up", "sleep 0.3",
     "show", "touch go", "await failed", "show")
case("store-by-start-pre", "NotifyAccess=all\nFileDescriptorStoreMax=3\nExecStartPre=@act pre@ store:a\n"
     "ExecStart=@act main@ stored log:up pause", "start", "told main up", rest="running")
