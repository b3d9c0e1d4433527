"""The daemon itself: one per state folder, many programs, strange children, and a quiet life."""

import os
import resource
import signal
import subprocess

import support

SLEEPER = {"exec_start": "/bin/sleep 600"}
DOUBLE_FORK = """#!/usr/bin/python3
import os, time
for _ in range(50):
    if os.fork() == 0:
        if os.fork() == 0:
            os._exit(7)
        os._exit(0)
    os.wait()
print("orphaned", flush=True)
time.sleep(600)
"""


class OnePerStateFolder(support.Test):
    def test_a_second_daemon_refuses(self):
        daemon = self.start_daemon({"sleeper": SLEEPER})
        before = daemon.wait_for("sleeper", active_state="active")["main_pid"]
        second = subprocess.run([support.PROCCTLD, "--config", daemon.config], capture_output=True, text=True,
                                timeout=support.DEADLINE)
        self.assertNotEqual(second.returncode, 0)
        self.assertIn("state", second.stdout + second.stderr)
        self.assertEqual(daemon.status("sleeper")["main_pid"], before)

    def test_a_stale_socket_is_replaced(self):
        daemon = self.start_daemon({})
        daemon.process.kill()
        daemon.process.wait()
        self.assertTrue(daemon.socket.exists())
        daemon.start()
        daemon.ctl("status")

    def test_a_living_socket_is_not_taken(self):
        daemon = self.start_daemon({"sleeper": SLEEPER})
        other = self.make_daemon({}, settings={"socket": str(daemon.socket)})
        done = subprocess.run([support.PROCCTLD, "--config", other.config], capture_output=True, text=True,
                              timeout=support.DEADLINE)
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(daemon.socket), done.stderr)
        self.assertEqual(list(daemon.statuses()), ["sleeper"])

    def test_a_deleted_socket_is_made_again_at_sighup(self):
        daemon = self.start_daemon({"sleeper": {"exec_start": "/bin/sleep 600"}})
        pid = daemon.wait_for("sleeper", active_state="active")["main_pid"]
        os.unlink(daemon.socket)
        daemon.ctl("status", code=5)
        daemon.process.send_signal(signal.SIGHUP)
        support.wait_until("the socket answers", daemon.is_answering)
        self.assertEqual(daemon.status("sleeper")["main_pid"], pid)

    def test_the_socket_is_gone_after_a_proper_end(self):
        daemon = self.start_daemon({})
        daemon.terminate()
        self.assertFalse(daemon.socket.exists())

    def test_the_socket_is_not_for_everybody(self):
        daemon = self.start_daemon({}, settings={"socket_mode": "0600"})
        self.assertEqual(daemon.socket.stat().st_mode & 0o777, 0o600)


class Children(support.Test):
    def test_unknown_children_are_reaped(self):
        daemon = self.make_daemon()
        daemon.write("programs.yaml", {"orphaner": {"exec_start": [daemon.script("orphan.py", DOUBLE_FORK)]}})
        daemon.start()
        self.addCleanup(daemon.terminate)
        daemon.wait_for_log("orphaner", "orphaned")

        def zombies():
            return [pid for pid in support.descendants(daemon.process.pid)
                    if ") Z " in open(f"/proc/{pid}/stat").read()]
        support.wait_until("no zombie is left", lambda: not zombies())
        daemon.wait_for("orphaner", active_state="active", n_restarts=0)

    def test_a_storm_of_ends_is_nothing_special(self):
        daemon = self.start_daemon({"storm": {
            "exec_start": "/bin/true", "instances": 50, "restart_sec": 0, "start_limit_burst": 20,
            "start_limit_interval_sec": "10min"}})
        support.wait_until("all have reached their limit", lambda: all(
            row["active_state"] == "failed" for row in daemon.statuses().values()), 60)
        rows = daemon.statuses().values()
        self.assertEqual(len(rows), 50)
        self.assertEqual({row["n_restarts"] for row in rows}, {20})
        self.assertEqual({row["result"] for row in rows}, {"start-limit-hit"})

    def test_two_thousand_programs(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if hard < 12_000:
            self.skipTest(f"the hard limit of open files is {hard}; 2,000 programs need about 12,000")
        # The daemon raises its own limit, and only its own: a program finds what the daemon was given.
        daemon = self.start_daemon({"many": SLEEPER | {"instances": 1000}, "more": SLEEPER | {"instances": 1000},
                                    "limits": {"exec_start": "/bin/sh -c 'ulimit -Sn; exec sleep 600'"}}, nofile=256)
        support.wait_until("all 2,000 are active", lambda: sum(
            row["active_state"] == "active" for row in daemon.statuses().values()) == 2001, 60)
        self.assertEqual(daemon.wait_for_log("limits", "\n"), "256\n")
        self.assertEqual(len({row["main_pid"] for row in daemon.statuses().values()}), 2001)
        pids = [row["main_pid"] for name, row in daemon.statuses().items() if "@" in name]
        for pid in pids[::4]:
            os.kill(pid, signal.SIGKILL)
        support.wait_until("those that were shot are back", lambda: sum(
            row["n_restarts"] == 1 and row["active_state"] == "active" for row in daemon.statuses().values()) == 500, 60)
        daemon.terminate()


class Signals(support.Test):
    def test_programs_and_their_output_outlive_a_killed_daemon(self):
        daemon = self.make_daemon()
        fifo = daemon.folder / "fifo"
        os.mkfifo(fifo)
        daemon.write("programs.yaml", {"echoing": {"exec_start": f"/bin/cat {fifo}"}})
        daemon.start()
        with open(fifo, "w", buffering=1) as pen:
            pen.write("before\n")
            daemon.wait_for_log("echoing", "before\n")
            daemon.process.kill()
            daemon.process.wait()
            pen.write("after\n")
            daemon.wait_for_log("echoing", "before\nafter\n")
        support.wait_until("the output process ends with its last program", lambda: not support.processes_left())

    def test_the_end_of_a_terminal_or_a_pipe_is_no_end(self):
        daemon = self.start_daemon({"sleeper": SLEEPER})
        daemon.wait_for("sleeper", active_state="active")
        for number in (signal.SIGPIPE, signal.SIGHUP, signal.SIGCHLD):
            daemon.process.send_signal(number)
        daemon.ctl("status", "sleeper")


if __name__ == "__main__":
    support.main()
