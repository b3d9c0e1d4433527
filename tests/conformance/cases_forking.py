"""Type=forking: PID files that come late, wrong or again, and guesses."""

from cases import case

FORKING = "Type=forking\nTimeoutStartSec=4s\nTimeoutStopSec=2s\nExecStopPost=@act stop-post@\n"
PID_FILE = f"{FORKING}PIDFile=@dir@/pid\n"

case("forking-pid-file", f"{PID_FILE}ExecStart=@act parent@ daemon:main:pidfile:pid+pause wait:pid",
     "start", "show", "stop")
case("forking-pid-file-late", f"{PID_FILE}ExecStart=@act parent@ daemon:main:sleep:0.7+pidfile:pid+pause",
     "start", "show", "stop")
case("forking-pid-file-by-start-post", f"{PID_FILE}ExecStart=@act parent@ daemon:main:pidfile:other+pause wait:other\n"
     "ExecStartPost=/bin/cp @dir@/other @dir@/pid", "start", "show", "stop")
case("forking-pid-file-never", f"{PID_FILE}ExecStart=@act parent@ daemon:main:pause", "start")
case("forking-pid-file-never-nobody-left", f"{PID_FILE}ExecStart=@act parent@", "start")
case("forking-pid-file-never-restart", f"{PID_FILE}Restart=on-abnormal\nRestartSec=1h\nExecStart=@act parent@", "start")
case("forking-pid-file-garbage", f"{PID_FILE}ExecStart=@act parent@ write:pid:nonsense daemon:main:pause", "start")
case("forking-pid-file-empty-first", f"{PID_FILE}ExecStart=@act parent@ write:pid: daemon:main:sleep:0.5+pidfile:pid+pause",
     "start", "stop")
case("forking-pid-file-of-init", f"{PID_FILE}ExecStart=@act parent@ write:pid:1 daemon:main:pause", "start")
case("forking-pid-file-of-the-dead", f"{PID_FILE}ExecStart=@act parent@ fork:gone:pidfile:pid+exit:0 sleep:0.3 "
     "daemon:main:pause", "start")
case("forking-pid-file-stale-then-new", f"{PID_FILE}ExecStartPre=@act pre@ write:pid:999999\n"
     "ExecStart=@act parent@ daemon:main:sleep:0.5+pidfile:pid+pause", "start", "stop")
case("forking-pid-file-of-the-parent", f"{PID_FILE}ExecStart=@act parent@ pidfile:pid daemon:main:pause", "start")
case("forking-pid-file-moves", f"{PID_FILE}ExecStart=@act parent@ "
     "daemon:main:pidfile:pid+wait:end+exit:3 daemon:next:wait:go+pidfile:pid+touch:moved+wait:over+exit:5 wait:pid",
     "start", "told next start", "touch go", "sleep 0.5", "show", "touch end", "sleep 0.5", "show", "touch over",
     rest="dead|failed")
case("forking-pid-file-moved-before-end", f"{PID_FILE}ExecStart=@act parent@ "
     "daemon:main:pidfile:pid+wait:end+exit:3 daemon:next:wait:pid+pidfile:pid+touch:moved+wait:over+exit:5 wait:moved",
     "start", "touch end", "sleep 0.5", "show", "touch over", rest="dead|failed")
case("forking-pid-file-removed", f"{PID_FILE}ExecStart=@act parent@ daemon:main:pidfile:pid+pause wait:pid",
     "start", "rm pid", "sleep 0.3", "kill main KILL")
case("forking-parent-fails", f"{PID_FILE}ExecStart=@act parent@ daemon:main:pidfile:pid+pause wait:pid exit:4", "start")
case("forking-parent-fails-ignored", f"{PID_FILE}ExecStart=-@act parent@ daemon:main:pidfile:pid+pause wait:pid exit:4",
     "start", "show", "stop")
case("forking-parent-killed", f"{FORKING}ExecStart=@act parent@ daemon:main:pause kill:KILL", "start")
case("forking-parent-hangs", f"{PID_FILE}TimeoutStartSec=1s\nExecStart=@act parent@ daemon:main:pidfile:pid+pause pause",
     "start")
case("forking-main-ends-badly", f"{PID_FILE}Restart=on-failure\nRestartSec=1h\n"
     "ExecStart=@act parent@ daemon:main:pidfile:pid+wait:go+exit:3 wait:pid", "start", "touch go", rest="auto-restart")
case("forking-guess-one", f"{FORKING}ExecStart=@act parent@ daemon:main:pause", "start", "killmain KILL")
case("forking-guess-one-exits-3", f"{FORKING}ExecStart=@act parent@ daemon:main:wait:go+exit:3",
     "start", "touch go", rest="dead|failed")
case("forking-guess-two", f"{FORKING}ExecStart=@act parent@ daemon:one:wait:go+exit:3 daemon:two:wait:go+exit:4",
     "start", "show", "touch go", rest="dead|failed")
case("forking-guess-two-one-ends", f"{FORKING}ExecStart=@act parent@ daemon:one:wait:go+exit:3 daemon:two:pause",
     "start", "touch go", "sleep 0.5", "show", "stop")
case("forking-guess-worker", f"{FORKING}ExecStart=@act parent@ daemon:main:fork:worker:pause+touch:up+wait:go+exit:3 wait:up",
     "start", "touch go", rest="dead|failed")
case("forking-no-guess", f"{FORKING}GuessMainPID=no\nExecStart=@act parent@ daemon:main:wait:go+exit:3",
     "start", "show", "touch go", rest="dead|failed")
case("forking-no-guess-stop", f"{FORKING}GuessMainPID=no\nExecStart=@act parent@ daemon:main:pause",
     "start", "show", "stop")
case("forking-no-guess-stop-ignores", f"{FORKING}GuessMainPID=no\nExecStart=@act parent@ "
     "daemon:main:ignore:TERM,CONT+pause", "start", "stop")
case("forking-nobody-left", f"{FORKING}ExecStart=@act parent@", "start")
case("forking-nobody-left-remain", f"{FORKING}RemainAfterExit=yes\nExecStart=@act parent@", "start", "await exited", "stop")
case("forking-start-post-with-mainpid", f"{FORKING}ExecStart=@act parent@ daemon:main:pause\n"
     "ExecStartPost=@act post@", "start", "stop")
case("forking-reload", f"{PID_FILE}ExecStart=@act parent@ daemon:main:on:HUP:log:again+pidfile:pid+pause wait:pid\n"
     "ExecReload=/bin/kill -HUP $MAINPID", "start", "reload", "told main again", "stop")
case("forking-mixed-stop", f"{PID_FILE}KillMode=mixed\n"
     "ExecStart=@act parent@ daemon:main:pidfile:pid+wait:go wait:pid", "start", "stop")
case("forking-process-stop", f"{PID_FILE}KillMode=process\n"
     "ExecStart=@act parent@ daemon:main:fork:worker:pause+pidfile:pid+pause wait:pid", "start", "stop")
case("forking-process-stop-no-main", f"{FORKING}GuessMainPID=no\nKillMode=process\nExecStart=@act parent@ daemon:main:pause",
     "start", "stop", limit=20)
case("forking-restart", f"{PID_FILE}ExecStart=@act parent@ daemon:main:pidfile:pid+pause wait:pid",
     "start", "restart", "told main start x2", rest="running")

# --- ExitType=cgroup

CGROUP = "ExitType=cgroup\nExecStopPost=@act stop-post@\n"
case("cgroup-main-ends-first", f"{CGROUP}ExecStart=@act main@ fork:child:wait:go+exit:0 exit:0",
     "start", "sleep 0.4", "show", "touch go", rest="dead|failed")
case("cgroup-main-ends-badly-first", f"{CGROUP}ExecStart=@act main@ fork:child:wait:go+exit:0 exit:3",
     "start", "sleep 0.4", "show", "touch go", rest="dead|failed")
case("cgroup-children-end-one-by-one", f"{CGROUP}ExecStart=@act main@ daemon:one:wait:go1+exit:1 daemon:two:wait:go2+exit:2 "
     "fork:three:wait:go3+exit:0 exit:0", "start", "told three start", "touch go1", "sleep 0.3", "show", "touch go3",
     "sleep 0.3", "alive", "touch go2", rest="dead|failed")
case("cgroup-child-killed", f"{CGROUP}ExecStart=@act main@ fork:child:pause exit:0",
     "start", "told child start", "sleep 0.2", "kill child KILL", rest="dead|failed")
case("cgroup-stop", f"{CGROUP}ExecStart=@act main@ fork:child:pause exit:0", "start", "told child start", "sleep 0.2", "stop")
case("cgroup-stop-ignored", f"{CGROUP}TimeoutStopSec=1s\nExecStart=@act main@ fork:child:ignore:TERM,CONT+pause exit:0",
     "start", "told child start", "sleep 0.2", "stop")
case("cgroup-stop-main-lives", f"{CGROUP}TimeoutStopSec=1s\nExecStart=@act main@ fork:child:pause touch:up pause",
     "start", "told child start", "stop")
case("cgroup-restart-policy", f"{CGROUP}Restart=on-failure\nRestartSec=1h\nExecStart=@act main@ fork:child:wait:go+exit:0 exit:3",
     "start", "told child start", "touch go", rest="auto-restart|dead|failed")
case("cgroup-stop-command", f"{CGROUP}ExecStop=@act stop@\nExecStart=@act main@ fork:child:wait:go+exit:0 exit:0",
     "start", "told child start", "touch go", rest="dead|failed")
case("cgroup-notify", f"{CGROUP}Type=notify\nExecStart=@act main@ send:READY=1 fork:child:wait:go+exit:0 exit:0",
     "start", "told child start", "sleep 0.3", "show", "touch go", rest="dead|failed")
case("cgroup-forking", f"{CGROUP}Type=forking\nPIDFile=@dir@/pid\nExecStart=@act parent@ "
     "daemon:main:pidfile:pid+fork:child:wait:go+sleep:0.6+exit:3 wait:pid", "start", "told child start", "sleep 0.3", "show", "touch go",
     rest="dead|failed")
case("cgroup-forking-guess-two", f"{CGROUP}Type=forking\nExecStart=@act parent@ daemon:one:wait:go1 daemon:two:wait:go2",
     "start", "touch go1", "sleep 0.3", "show", "touch go2", rest="dead|failed")
case("cgroup-runtime-max", f"{CGROUP}RuntimeMaxSec=1s\nExecStart=@act main@ fork:child:pause exit:0", "start",
     rest="dead|failed")
