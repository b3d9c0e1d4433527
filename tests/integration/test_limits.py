"""Limits of time, what happens when they run out, growing delays, and actions that end the daemon."""

import os
import pathlib
import signal
import time

import support
from test_notify import NOTIFIER

# Tells which signals it gets, and goes on.
STUBBORN = """#!/usr/bin/python3
import os, signal
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGABRT, signal.SIGUSR1, signal.SIGUSR2):
    signal.signal(number, lambda number, _: os.write(1, signal.Signals(number).name.encode() + b"\\n"))
os.write(1, b"ready\\n")
while True:
    signal.pause()
"""
# Says it is ready, and at SIGHUP what reload_signal asks for.
RELOADING = """#!/usr/bin/python3
from notifier import *
def reload(*_):
    if os.path.exists("mute"): return
    notify("RELOADING=1\\nMONOTONIC_USEC=%d" % (time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000))
    if os.path.exists("never-ready"): return
    while os.path.exists("slow"): time.sleep(0.01)
    notify("READY=1\\nSTATUS=reloaded")
signal.signal(signal.SIGHUP, reload)
notify("READY=1")
pause()
"""
SCRIPTS = {"stubborn.py": STUBBORN, "notifier.py": NOTIFIER, "reloading.py": RELOADING}
HEADER = "#!/usr/bin/python3\nfrom notifier import *\n"


class Limits(support.Test):
    def start_with(self, programs, settings=None, **scripts):
        """As start_programs; each further script is a program of Python with the functions of NOTIFIER."""
        texts = SCRIPTS | {f"{name}.py": HEADER + text for name, text in scripts.items()}
        return self.start_programs({name: {"working_directory": "FOLDER", "limit_core": "0"} | keys
                                    for name, keys in programs.items()}, settings=settings, scripts=texts)


class Start(Limits):
    def test_a_program_that_never_becomes_ready(self):
        daemon = self.start_with({"it": {"type": "notify", "timeout_start_sec": "300ms",
                                         "exec_stop_post": "TELL stop_post"}})
        self.assertIn(daemon.job("start", "it", code=1), ("failed", "timeout"))
        status = daemon.wait_for("it", active_state="failed", result="timeout", exec_main_status=signal.SIGTERM)
        self.assertIn("timeout_start_sec", status["explanation"])
        self.assertEqual(daemon.story("it"), ["stop_post SERVICE_RESULT=timeout EXIT_CODE=killed EXIT_STATUS=TERM"])

    def test_the_failure_modes(self):
        common = {"type": "notify", "exec_start": "FOLDER/stubborn.py", "timeout_start_sec": "1s",
                  "timeout_stop_sec": "300ms", "timeout_abort_sec": "300ms"}
        modes = {"terminate": "ready\nSIGTERM\n", "abort": "ready\nSIGABRT\n", "kill": "ready\n"}
        daemon = self.start_with({mode: common | {"timeout_start_failure_mode": mode} for mode in modes})
        daemon.ctl("start", "all", code=1)
        for mode, said in modes.items():
            with self.subTest(mode):
                daemon.wait_for(mode, active_state="failed", result="timeout", exec_main_status=signal.SIGKILL)
                self.assertEqual(daemon.log(mode), said)

    def test_it_may_ask_for_more_time(self):
        program = {"type": "notify", "timeout_start_sec": "1s", "exec_start": "FOLDER/slow.py"}
        daemon = self.start_with({"it": program}, slow="""
notify("EXTEND_TIMEOUT_USEC=60000000")
time.sleep(1.5)
notify("READY=1")
pause()
""")
        self.assertEqual(daemon.job("start", "it"), "done")


class Stop(Limits):
    def test_the_failure_modes(self):
        common = {"exec_start": "FOLDER/stubborn.py", "timeout_stop_sec": "400ms", "timeout_abort_sec": "400ms"}
        modes = {"terminate": "ready\nSIGTERM\n", "abort": "ready\nSIGTERM\nSIGABRT\n", "kill": "ready\nSIGTERM\n"}
        daemon = self.start_with({mode: common | {"timeout_stop_failure_mode": mode} for mode in modes})
        daemon.ctl("start", "all")
        for mode in modes:
            daemon.wait_for_log(mode, "ready\n")
        daemon.ctl("stop", "all", code=None)
        for mode, said in modes.items():
            with self.subTest(mode):
                daemon.wait_for(mode, active_state="failed", result="timeout", exec_main_status=signal.SIGKILL)
                self.assertEqual(daemon.log(mode), said)

    def test_signals_of_a_stop_and_of_a_restart(self):
        daemon = self.start_with({"it": {"exec_start": "FOLDER/stubborn.py", "timeout_stop_sec": "400ms",
                                         "kill_signal": "SIGUSR1", "restart_kill_signal": "SIGUSR2", "send_sighup": True}})
        daemon.ctl("start", "it")
        daemon.wait_for_log("it", "ready\n")
        daemon.ctl("restart", "it")
        support.wait_until("it is up again", lambda: daemon.log("it").count("ready\n") == 2)
        daemon.ctl("stop", "it", code=None)
        # As in systemd, SIGHUP follows kill_signal alone.
        self.assertEqual(daemon.log("it").split()[:3], ["ready", "SIGUSR2", "ready"])
        self.assertEqual(sorted(daemon.log("it").split()[3:]), ["SIGHUP", "SIGUSR1"])

    def test_a_stopped_process_is_woken_to_end(self):
        daemon = self.start_with({"it": {}})
        daemon.ctl("start", "it")
        pid = daemon.status("it")["main_pid"]
        os.kill(pid, signal.SIGSTOP)
        support.wait_until("it is stopped", lambda: ") T " in pathlib.Path(f"/proc/{pid}/stat").read_text())
        self.assertEqual(daemon.job("stop", "it"), "done")
        daemon.wait_for("it", active_state="inactive", result="success")

    def test_who_may_survive(self):
        daemon = self.start_with({"it": {"exec_start": "FOLDER/stubborn.py", "timeout_stop_sec": "200ms",
                                         "send_sigkill": False, "restart": "always"}})
        daemon.ctl("start", "it")
        daemon.wait_for_log("it", "ready\n")
        pid = daemon.status("it")["main_pid"]
        self.addCleanup(lambda: support.is_gone(pid) or os.kill(pid, signal.SIGKILL))
        daemon.ctl("stop", "it", code=None)
        status = daemon.wait_for("it", active_state="failed", result="timeout", next_restart_in_sec=None)
        self.assertFalse(support.is_gone(pid))
        self.assertEqual(status["n_restarts"], 0)
        self.assertIn("left running", status["explanation"])
        daemon.ctl("reset-failed", "it")
        daemon.wait_for("it", active_state="inactive", result="success")
        self.assertFalse(support.is_gone(pid))

    def test_reset_failed_forgets(self):
        daemon = self.start_with({"it": {"exec_start": "/bin/false", "restart": "always", "restart_sec": "10ms",
                                         "start_limit_burst": 2, "start_limit_interval_sec": "1h"}})
        daemon.ctl("start", "it")
        daemon.wait_for("it", active_state="failed", start_limit_hit=True, n_restarts=2)
        self.assertEqual(daemon.job("start", "it", code=1), "start-limit-hit")
        daemon.ctl("reset-failed")
        daemon.wait_for("it", active_state="inactive", result="success", start_limit_hit=False, n_restarts=0)
        self.assertEqual(daemon.job("start", "it"), "done")
        daemon.wait_for("it", active_state="failed", start_limit_hit=True)


class Running(Limits):
    def test_runtime_max_sec(self):
        daemon = self.start_with({"it": {"runtime_max_sec": "200ms", "exec_stop": "TELL stop",
                                         "exec_stop_post": "TELL stop_post"}})
        daemon.ctl("start", "it")
        pid = daemon.status("it")["main_pid"]
        status = daemon.wait_for("it", active_state="failed", result="timeout")
        self.assertIn("runtime_max_sec", status["explanation"])
        self.assertEqual(daemon.story("it", pid), [
            "stop MAINPID=MAIN SERVICE_RESULT=timeout",
            "stop_post SERVICE_RESULT=timeout EXIT_CODE=killed EXIT_STATUS=TERM"])

    def test_a_random_time_more(self):
        daemon = self.start_with({"it": {"runtime_max_sec": "100ms", "runtime_randomized_extra_sec": "2s",
                                         "instances": 8}})
        daemon.ctl("start", "it")
        names = [f"it@{n}" for n in range(1, 9)]
        for name in names:
            daemon.wait_for(name, active_state="failed", result="timeout")
        lasted = [(row["active_exit_timestamp"] - row["active_enter_timestamp"]) / 1e6
                  for row in daemon.statuses().values()]
        self.assertGreaterEqual(min(lasted), 0.1)
        self.assertGreater(max(lasted) - min(lasted), 0.02, lasted)

    def test_a_hung_program_comes_back(self):
        daemon = self.start_with({"it": {"type": "notify", "watchdog_sec": "500ms", "restart": "always",
                                         "restart_sec": "1s", "exec_start": "FOLDER/hung.py", "exec_stop_post": "TELL stop_post",
                                         "timeout_abort_sec": "10s"}},
                                 hung='notify("READY=1\\nWATCHDOG=1")\npause()\n')
        daemon.ctl("start", "it")
        first = daemon.wait_for("it", lambda row: row["next_watchdog_in_sec"], sub_state="running")["main_pid"]
        status = daemon.wait_for("it", sub_state="auto-restart", result="watchdog", exec_main_status=signal.SIGABRT)
        self.assertIn("watchdog", status["explanation"])
        self.assertIn("watchdog", daemon.ctl("status", "it", code=None).stdout)
        self.assertEqual(daemon.story("it")[0], "stop_post SERVICE_RESULT=watchdog EXIT_CODE=killed EXIT_STATUS=ABRT")
        daemon.wait_for("it", lambda row: row["main_pid"] not in (0, first), sub_state="running")

    def test_one_that_answers_is_left_alone(self):
        program = {"type": "notify", "watchdog_sec": "3s", "exec_start": "FOLDER/alive.py"}
        daemon = self.start_with({"it": program}, alive="""
notify("READY=1")
for n in range(40):
    notify("WATCHDOG=1")
    time.sleep(0.1)
say("still here")
while True:
    notify("WATCHDOG=1")
    time.sleep(0.1)
""")
        daemon.ctl("start", "it")
        daemon.wait_for_log("it", "still here")
        daemon.wait_for("it", sub_state="running", result="success", n_restarts=0)

    def test_an_aborted_program_that_does_not_end(self):
        daemon = self.start_with({"it": {"exec_start": "FOLDER/stubborn.py", "watchdog_sec": "1s",
                                         "timeout_abort_sec": "300ms", "watchdog_signal": "SIGUSR1"}})
        daemon.ctl("start", "it")
        daemon.wait_for("it", active_state="failed", result="watchdog", exec_main_status=signal.SIGKILL)
        self.assertEqual(daemon.log("it"), "ready\nSIGUSR1\n")


class Delays(Limits):
    def test_they_grow_and_begin_again(self):
        daemon = self.start_with({"it": {"restart": "always", "restart_sec": "200ms", "restart_steps": 2,
                                         "restart_max_delay_sec": "20s", "start_limit_burst": 0}})
        daemon.ctl("start", "it")
        delays = []
        for n in range(3):
            status = daemon.wait_for("it", sub_state="running", n_restarts=n)
            os.kill(status["main_pid"], signal.SIGKILL)
            status = daemon.wait_for("it", lambda row: row["n_restarts"] == n and row["next_restart_in_sec"] is not None
                                     or row["n_restarts"] == n + 1)
            delays.append(status["next_restart_in_sec"])
        # 0.2 s (which may have passed before it could be read), 2 s, 20 s.
        self.assertTrue(delays[0] is None or delays[0] <= 0.2, delays)
        self.assertTrue(0.2 < delays[1] <= 2, delays)
        self.assertTrue(2 < delays[2] <= 20, delays)
        daemon.ctl("restart", "it")
        os.kill(daemon.wait_for("it", sub_state="running", n_restarts=0)["main_pid"], signal.SIGKILL)
        daemon.wait_for("it", sub_state="running", n_restarts=1)

    def test_restart_reset_sec(self):
        daemon = self.start_with({"it": {
            "restart": "always", "restart_sec": "100ms", "restart_steps": 1, "restart_max_delay_sec": "1h",
            "restart_reset_sec": "300ms", "start_limit_burst": 0}})
        daemon.ctl("start", "it")
        for n in range(3):
            status = daemon.wait_for("it", sub_state="running", n_restarts=n)
            support.wait_until("it has been up so long", lambda: time.time() * 1e6
                               - status["active_enter_timestamp"] > 400_000)
            os.kill(status["main_pid"], signal.SIGKILL)
        status = daemon.wait_for("it", sub_state="running", n_restarts=3)
        os.kill(status["main_pid"], signal.SIGKILL)  # At once: now it grows.
        status = daemon.wait_for("it", lambda row: row["n_restarts"] > 3 or (row["next_restart_in_sec"] or 0) > 10)
        if status["n_restarts"] == 3:
            self.assertLessEqual(status["next_restart_in_sec"], 3600)


class NotifyReload(Limits):
    PROGRAM = {"type": "notify-reload", "exec_start": "FOLDER/reloading.py"}

    def test_it_reloads(self):
        daemon = self.start_with({"it": self.PROGRAM})
        daemon.ctl("start", "it")
        (daemon.folder / "slow").touch()
        pid = daemon.status("it")["main_pid"]
        daemon.ctl("reload", "it", "--no-wait")
        daemon.wait_for("it", active_state="reloading", sub_state="reload-notify", main_pid=pid)
        (daemon.folder / "slow").unlink()
        daemon.wait_for("it", active_state="active", sub_state="running", status_text="reloaded", reload_result="success")
        self.assertEqual(daemon.job("reload", "it"), "done")
        self.assertEqual(daemon.status("it")["main_pid"], pid)

    def test_it_does_not_answer(self):
        for file, state in (("mute", "reload-signal"), ("never-ready", "reload-notify")):
            with self.subTest(file):
                daemon = self.start_with({"it": self.PROGRAM | {"timeout_start_sec": "2s"}})
                daemon.ctl("start", "it")
                (daemon.folder / file).touch()
                daemon.ctl("reload", "it", "--no-wait")
                daemon.wait_for("it", sub_state=state)
                daemon.wait_for("it", sub_state="running", result="success", reload_result="timeout")
                daemon.terminate()

    def test_it_ends_instead(self):
        daemon = self.start_with({"it": self.PROGRAM | {"reload_signal": "SIGUSR1", "restart": "on-failure"}})
        daemon.ctl("start", "it")
        first = daemon.status("it")["main_pid"]
        self.assertEqual(daemon.job("reload", "it", code=1), "failed")
        daemon.wait_for("it", lambda row: row["main_pid"] not in (0, first), sub_state="running", n_restarts=1)


class Actions(Limits):
    SLOW = """
def end(*_):
    time.sleep(0.3)
    os.write(1, b"saved\\n")
    os._exit(0)
signal.signal(signal.SIGTERM, end)
say("ready")
pause()
"""

    def end_of(self, programs):
        """The exit status of the daemon, whose other program is stopped first as it ought to be."""
        daemon = self.start_with({"other": {"exec_start": "FOLDER/slow.py", "autostart": True}} | programs, slow=self.SLOW)
        daemon.wait_for_log("other", "ready\n")
        daemon.ctl("start", "it", code=None)
        code = daemon.process.wait(support.DEADLINE)
        self.assertTrue(daemon.log("other").endswith("saved\n"))
        self.assertFalse(support.processes_left())
        return code

    def test_success(self):
        self.assertEqual(self.end_of({"it": {"exec_start": "/bin/true", "success_action": "exit"}}), 0)

    def test_success_with_an_exit_status_of_its_own(self):
        self.assertEqual(self.end_of({"it": {"type": "oneshot", "exec_start": "/bin/true", "success_action": "exit",
                                             "success_action_exit_status": 42}}), 42)

    def test_failure_is_that_of_the_program(self):
        self.assertEqual(self.end_of({"it": {"exec_start": ["/bin/sh", "-c", "exit 7"], "failure_action": "exit"}}), 7)

    def test_failure_with_an_exit_status_of_its_own(self):
        self.assertEqual(self.end_of({"it": {"exec_start": ["/bin/sh", "-c", "kill -KILL $$$$"], "failure_action": "exit",
                                             "failure_action_exit_status": 9}}), 9)

    def test_failure_only_when_restarts_are_over(self):
        self.assertEqual(self.end_of({"it": {
            "exec_start": ["/bin/sh", "-c", "echo run >> FOLDER/runs; [ $$(wc -l < FOLDER/runs) -lt 3 ] || exit 5; exit 4"],
            "restart": "always", "restart_sec": "20ms", "failure_action": "exit", "restart_prevent_exit_status": "5"}}), 5)

    def test_the_start_limit(self):
        program = {"exec_start": ["/bin/sh", "-c", "exit 6"], "restart": "always", "restart_sec": "20ms",
                   "start_limit_burst": 2, "start_limit_action": "exit"}
        self.assertEqual(self.end_of({"it": program}), 6)
        self.assertEqual(self.end_of({"it": program | {"failure_action_exit_status": 33}}), 33)

    def test_a_main_process_that_was_killed_is_255(self):
        self.assertEqual(self.end_of({"it": {"exec_start": ["/bin/sh", "-c", "kill -KILL $$$$"],
                                             "failure_action": "exit"}}), 255)

    def test_none(self):
        daemon = self.start_with({"it": {"exec_start": "/bin/false"}, "fine": {"exec_start": "/bin/true"}})
        daemon.ctl("start", "all")
        daemon.wait_for("it", active_state="failed")
        daemon.wait_for("fine", active_state="inactive")
        daemon.ctl("status", code=None)


if __name__ == "__main__":
    support.main()
