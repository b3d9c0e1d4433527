"""Stopping: in parallel, in order of severity, and to the last process."""

import os
import signal
import subprocess
import time

import support

IGNORES_TERM = """#!/usr/bin/python3
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
while True: signal.pause()
"""
# os.write, because the signal may come while print() is at work, which cannot be entered twice.
SLOW_TO_END = """#!/usr/bin/python3
import os, signal, time
def end(*_):
    time.sleep(1)
    os.write(1, b"saved\\n")
    os._exit(0)
signal.signal(signal.SIGTERM, end)
os.write(1, b"ready\\n")
while True: signal.pause()
"""


class Stopping(support.Test):
    def start_with(self, script, **programs):
        daemon = self.make_daemon()
        command = daemon.script("program.py", script)
        daemon.write("programs.yaml", {name: {"exec_start": [command], **keys} for name, keys in programs.items()})
        daemon.start()
        for name in programs:
            daemon.wait_for_log(name, "ready\n")
        return daemon

    def test_sigterm_stops_all_programs_at_once_and_ends_with_0(self):
        daemon = self.start_with(SLOW_TO_END, **{f"slow-{n}": {} for n in range(8)})
        began = time.monotonic()
        daemon.terminate()
        # One after another would take 8 s.
        self.assertLess(time.monotonic() - began, 6)
        for n in range(8):
            self.assertTrue(daemon.log(f"slow-{n}").endswith("saved\n"))

    def test_sigint_does_the_same(self):
        daemon = self.start_with(SLOW_TO_END, slow={})
        daemon.process.send_signal(signal.SIGINT)
        daemon.wait_for_end()
        self.assertIn("saved", daemon.log("slow"))

    def test_a_second_sigterm_hurries(self):
        daemon = self.start_with(IGNORES_TERM, stubborn={"timeout_stop_sec": "10min"})
        daemon.process.send_signal(signal.SIGTERM)
        daemon.wait_for("stubborn", sub_state="stop-sigterm")
        daemon.process.send_signal(signal.SIGTERM)
        daemon.wait_for_end()

    def test_what_ignores_sigterm_is_killed_after_its_time(self):
        daemon = self.start_with(IGNORES_TERM, stubborn={"timeout_stop_sec": "300ms"})
        daemon.terminate()

    def test_stop_kills_after_timeout_stop_sec_and_status_says_so(self):
        daemon = self.start_with(IGNORES_TERM, stubborn={"timeout_stop_sec": "300ms"})
        pid = daemon.status("stubborn")["main_pid"]
        daemon.ctl("stop", "stubborn", code=None)
        status = daemon.wait_for("stubborn", active_state="failed", result="timeout", main_pid=0)
        self.assertEqual((status["exec_main_code"], status["exec_main_status"]), (2, signal.SIGKILL))
        self.assertTrue(support.is_gone(pid))
        self.assertIn("SIGKILL", daemon.ctl("status", "stubborn", code=3).stdout)

    def test_kill_mode_control_group_reaches_children(self):
        daemon = self.make_daemon()
        daemon.write("programs.yaml", {"family": {
            "exec_start": "/bin/sh -c 'sleep 600 & sleep 600 & echo ready; wait'"}})
        daemon.start()
        daemon.wait_for_log("family", "ready")
        self.assertEqual(len([c for c in support.descendants(daemon.process.pid).values() if "sleep 600" in c]), 3)
        daemon.ctl("stop", "family")
        support.wait_until("the whole family is gone", lambda: not [
            c for c in support.descendants().values() if "sleep 600" in c])

    def test_a_stop_reaches_what_every_command_of_a_oneshot_has_left(self):
        daemon = self.make_daemon()
        daemon.write("programs.yaml", {"steps": {
            "type": "oneshot", "remain_after_exit": True,
            "exec_start": [["/bin/sh", "-c", "sleep 601 &"], ["/bin/sh", "-c", "sleep 602 &"], ["/bin/true"]]}})
        daemon.start()
        daemon.wait_for("steps", sub_state="exited")
        left = lambda: [c for c in support.descendants().values() if "sleep 60" in c]
        self.assertEqual(len(left()), 2)
        daemon.ctl("stop", "steps")
        support.wait_until("all are gone", lambda: not left())

    def test_a_client_that_waits_gets_its_answer_though_the_daemon_ends(self):
        daemon = self.start_with(SLOW_TO_END, slow={})
        client = subprocess.Popen([support.PROCCTL, "--socket", daemon.socket, "stop", "slow"],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        daemon.wait_for("slow", sub_state="stop-sigterm")
        daemon.terminate()
        said = client.communicate(timeout=support.DEADLINE)[0]
        self.assertEqual((client.returncode, "stopped" in said), (0, True), said)

    def test_kill_mode_process_leaves_children_alone(self):
        daemon = self.make_daemon()
        daemon.write("programs.yaml", {"parent": {
            "kill_mode": "process", "exec_start": "/bin/sh -c 'sleep 600 & echo child=$$!; exec sleep 600'"}})
        daemon.start()
        child = int(daemon.wait_for_log("parent", "\n").strip().partition("child=")[2])
        daemon.ctl("stop", "parent")
        daemon.wait_for("parent", active_state="inactive")
        self.assertFalse(support.is_gone(child))
        os.kill(child, signal.SIGKILL)

    def test_kill_signal_is_what_is_sent(self):
        daemon = self.make_daemon()
        command = daemon.script("program.py", SLOW_TO_END.replace("SIGTERM", "SIGUSR1"))
        daemon.write("programs.yaml", {"worker": {"exec_start": [command], "kill_signal": "SIGUSR1"}})
        daemon.start()
        daemon.wait_for_log("worker", "ready")
        daemon.ctl("stop", "worker")
        daemon.wait_for("worker", active_state="inactive", result="success", exec_main_code=1, exec_main_status=0)
        daemon.wait_for_log("worker", "saved")

    def test_daemon_shutdown_is_a_graceful_end(self):
        daemon = self.start_with(SLOW_TO_END, slow={})
        daemon.ctl("daemon", "shutdown")
        daemon.wait_for_end()
        self.assertIn("saved", daemon.log("slow"))
        daemon.ctl("status", code=5)


if __name__ == "__main__":
    support.main()
