"""What follows an end: on_success and on_failure, and the jobs in between."""

from cases import case

WATCHER = "[Service]\nType=oneshot\nExecStart=@act {}@\n"
WATCHERS = {"good": WATCHER.format("good"), "bad": WATCHER.format("bad")}
WATCHED = "OnSuccess=@name-good@.service\nOnFailure=@name-bad@.service"


def watched(name, service, *steps, unit="", **others):
    """A case of a unit with a watcher for either end; the last step leaves them the time to be started, or not."""
    case(name, service, *steps, "sleep 0.5", unit=f"{unit}\n{WATCHED}", **WATCHERS, **others)


watched("watched-stop", "ExecStart=@act main@ pause", "start", "told main start", "stop")
for job in ("restart", "try-restart"):
    watched(f"watched-{job}", "ExecStart=@act main@ pause", "start", "told main start", job, "told main start x2",
            rest="running")
watched("watched-restart-whose-stop-fails", "ExecStart=@act main@ on:TERM:exit:1 touch:up pause",
        "start", "await running", "told main start", "sleep 0.3", "restart", "told main start x2", rest="running")
watched("watched-stop-that-fails", "ExecStart=@act main@ on:TERM:exit:1 log:up pause",
        "start", "told main up", "stop")
for code in (0, 1):
    again = f"Restart=always\nRestartSec=1h\nExecStart=@act main@ exit:{code}"
    watched(f"watched-auto-restart-{code}", again, "start", "await auto-restart")
    watched(f"watched-stop-in-auto-restart-{code}", again, "start", "await auto-restart", "stop")
    watched(f"watched-restart-in-auto-restart-{code}", again, "start", "await auto-restart", "restart",
            "told main start x2")
    watched(f"watched-reset-failed-in-auto-restart-{code}", again, "start", "await auto-restart", "reset-failed", "show")
    watched(f"watched-reset-failed-then-stop-in-auto-restart-{code}", again, "start", "await auto-restart",
            "reset-failed", "stop")
    watched(f"watched-end-{code}", f"ExecStart=@act main@ exit:{code}", "start", "await dead|failed")
    watched(f"watched-two-restarts-{code}", f"Restart=always\nRestartSec=50ms\nExecStart=@act main@ 3?pause exit:{code}",
            "start", "told main start x3", rest="running")
watched("watched-reset-failed", "ExecStart=@act main@ exit:1", "start", "await failed", "told bad start", "reset-failed")
watched("watched-reset-failed-running", "ExecStart=@act main@ pause", "start", "reset-failed", rest="running")
watched("watched-condition-skip", "ExecCondition=@act condition@ exit:1\nExecStart=@act main@ pause", "start")
watched("watched-condition-fails", "ExecCondition=@act condition@ exit:255\nExecStart=@act main@ pause", "start")
watched("watched-condition-path", "ExecStart=@act main@ pause", "start", unit="ConditionPathExists=/nowhere")
watched("watched-assert-path", "ExecStart=@act main@ pause", "start", unit="AssertPathExists=/nowhere")
watched("watched-start-limit-good", "ExecStart=@act main@ exit:0\nRestart=always\nRestartSec=50ms",
        "start", "await failed", unit="StartLimitBurst=2\nStartLimitIntervalSec=1h")
watched("watched-start-limit-bad", "ExecStart=@act main@ exit:1\nRestart=always\nRestartSec=50ms",
        "start", "told bad start", unit="StartLimitBurst=2\nStartLimitIntervalSec=1h", rest="failed")
watched("watched-start-refused", "ExecStart=@act main@ exit:0",
        "start", "await dead", "start", "await failed", unit="StartLimitBurst=1\nStartLimitIntervalSec=1h")
watched("watched-start-refused-twice", "ExecStart=@act main@ exit:0",
        "start", "await dead", "start", "await failed", "told bad start", "start", "sleep 0.2", "show",
        unit="StartLimitBurst=1\nStartLimitIntervalSec=1h")
watched("watched-remain", "Type=oneshot\nRemainAfterExit=yes\nExecStart=@act main@", "start", "await exited")
watched("watched-remain-stop", "Type=oneshot\nRemainAfterExit=yes\nExecStart=@act main@", "start", "await exited", "stop")
watched("watched-oneshot", "Type=oneshot\nExecStart=@act main@", "start", "await dead")
watched("watched-start-timeout", "Type=notify\nTimeoutStartSec=1s\nExecStart=@act main@ pause", "start")
watched("watched-signal", "ExecStart=@act main@ kill:KILL", "start", "await failed")
watched("watched-start-post-fails", "ExecStart=@act main@ touch:up pause\nExecStartPost=@act post@ wait:up exit:3", "start")
