"""Disks that stand still or are full, and programs that flood: nobody else waits, and no byte is lost.

The figures that it prints are of the machine and of this build; what is asserted tells a stall from a slow
machine by orders of magnitude.
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import time
import unittest

import stalling_disk
import support

# Two orders of magnitude above what is seen, and as many below what a disk that stands still would take.
AT_ONCE = 5.0

# `count ACKS LINES [PAUSE [SIZE]]`: numbered lines, each run from 0. How far a run got stands in ACKS/PID,
# written after the line is, so that what was written is known also of a run that was killed.
COUNT = """#!/usr/bin/python3
import os, pathlib, sys, time
os.makedirs(sys.argv[1], exist_ok=True)
acks = os.open(pathlib.Path(sys.argv[1], str(os.getpid())), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
lines = int(sys.argv[2])
pause = float(sys.argv[3]) if len(sys.argv) > 3 else 0
padding = b"x" * (int(sys.argv[4]) if len(sys.argv) > 4 else 100)
for number in range(lines):
    os.write(1, b"%d %d %s\\n" % (os.getpid(), number, padding))
    os.pwrite(acks, b"%020d" % (number + 1), 0)
    if pause:
        time.sleep(pause)
"""

# `pulse FILE TIMES PAUSE`: writes a line, waits until it is in FILE, its own log, and notes in TIMES how many
# microseconds that took.
PULSE = """#!/usr/bin/python3
import os, sys, time
log, times, pause = sys.argv[1], open(sys.argv[2], "a", buffering=1), float(sys.argv[3])
size = os.path.getsize(log) if os.path.exists(log) else 0
while True:
    line = b"at %d\\n" % time.monotonic_ns()
    size += len(line)
    begin = time.monotonic()
    os.write(1, line)
    while not os.path.exists(log) or os.path.getsize(log) < size:
        time.sleep(0.0005)
    times.write("%d\\n" % ((time.monotonic() - begin) * 1e6))
    time.sleep(pause)
"""


def quantiles(seconds):
    """(p50, p99, the longest) in milliseconds."""
    ordered = sorted(seconds)
    return tuple(1000 * ordered[min(int(len(ordered) * share), len(ordered) - 1)] for share in (0.5, 0.99, 1))


def say(what, seconds):
    print("%s: p50 %.1f ms, p99 %.1f ms, longest %.1f ms, of %d" % (what, *quantiles(seconds), len(seconds)), flush=True)


def output_processes(daemon):
    found = []
    for pid in support.descendants(daemon.process.pid):
        try:
            if b"--output-process" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
        except OSError:
            pass
    return found


def state_of(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def waits_on_its_pipe(pid):
    """Whether it sits in a write to a pipe that is full."""
    return "pipe" in pathlib.Path(f"/proc/{pid}/wchan").read_text()


class Stalls(support.Test):
    def ask_status(self, daemon, what, count=100, *names):
        """How long `procctl status` takes."""
        times = []
        for _ in range(count):
            begin = time.monotonic()
            daemon.ctl("status", *names, code=None)
            times.append(time.monotonic() - begin)
        say(what, times)
        self.assertLess(max(times), AT_ONCE)

    def at_once(self, what, action):
        begin = time.monotonic()
        answer = action()
        taken = time.monotonic() - begin
        print(f"{what}: {1000 * taken:.1f} ms", flush=True)
        self.assertLess(taken, AT_ONCE, what)
        return answer

    def counting_daemon(self, programs, settings=None):
        """Not started yet. In commands FOLDER is the daemon's folder; count and pulse are there."""
        daemon = self.make_daemon(settings=settings)
        daemon.script("count", COUNT)
        daemon.script("pulse", PULSE)
        text = json.dumps({"programs": programs}, indent=2)
        daemon.write("programs.yaml", text.replace("FOLDER", str(daemon.folder)))
        return daemon

    def beats(self, daemon):
        """What the lines of pulse have taken so far, in seconds."""
        path = daemon.folder / "times"
        return [int(us) / 1e6 for us in path.read_text().splitlines()] if path.exists() else []

    def check_count(self, daemon, name, text=None):
        """Each line of each run once and in order, one run after the other, and as many as were written."""
        text = daemon.log(name) if text is None else text
        seen = {}
        last = None
        for line in text.splitlines():
            match = re.fullmatch(r"(\d+) (\d+) x*", line)
            self.assertTrue(match, f"a line is cut: {line[:100]!r}")
            pid, number = match.groups()
            self.assertEqual(int(number), seen.get(pid, 0), f"run {pid}")
            if pid != last:
                self.assertNotIn(pid, seen, "a line of an earlier run")
                last = pid
            seen[pid] = int(number) + 1
        for path in (daemon.folder / name).iterdir():
            written = self.written_by(daemon, name, path.name)
            # It may have been killed between the two.
            self.assertIn(seen.get(path.name, 0) - written, (0, 1), f"run {path.name} has written {written} lines")
        return list(seen.values())

    def written_by(self, daemon, name, pid):
        path = daemon.folder / name / str(pid)
        return int(path.read_text() or 0) if path.exists() else 0


@unittest.skipIf(stalling_disk.why_not(), stalling_disk.why_not())
class FrozenDisk(Stalls):
    def setUp(self):
        self.disk = stalling_disk.FreezingDisk()
        self.addCleanup(self.disk.remove)

    def frozen_daemon(self, programs, settings=None):
        settings = {"log_dir": str(self.disk.mount / "log")} | (settings or {})
        daemon = self.counting_daemon(programs, settings)
        daemon.log_dir = self.disk.mount / "log"
        return daemon

    def launch(self, daemon, **options):
        super().launch(daemon, **options)
        self.addCleanup(self.disk.thaw)  # before anything of the daemon has to end
        return daemon

    def wait_for_stall(self, daemon):
        """The output process that writes there, once it sits in the kernel; only the thaw gets it out."""
        def stalled():
            for pid in output_processes(daemon):
                try:
                    if state_of(pid) == "D":
                        return pid
                except OSError:
                    pass
            return 0
        return support.wait_until("an output process stands still", stalled)

    def test_a_frozen_log_folder_holds_up_nothing_but_its_output(self):
        daemon = self.frozen_daemon({
            "busy": {"exec_start": "FOLDER/count FOLDER/busy 1000000 0.001", "restart_sec": 0},
            "killed": {"exec_start": "FOLDER/count FOLDER/killed 1000000 0.01", "restart": "always", "restart_sec": 0,
                       "start_limit_interval_sec": 0},
            "flood": {"exec_start": "FOLDER/count FOLDER/flood 20000", "autostart": False, "restart": "no"},
            "quiet": {"exec_start": "/bin/sleep 600"},
            "pulse": {"exec_start": "FOLDER/pulse FOLDER/pulse.log FOLDER/times 0.02",
                      "log": {"path": "FOLDER/pulse.log"}},
            "elsewhere": {"exec_start": "FOLDER/count FOLDER/elsewhere 1000000 0.01", "restart_sec": 0,
                          "log": {"path": "FOLDER/elsewhere.log"}}})
        self.launch(daemon)
        for name in ("busy", "killed"):
            daemon.wait_for_log(name, " 9 x")
        support.wait_until("the pulse beats", lambda: self.beats(daemon))
        self.ask_status(daemon, "status before")

        self.disk.freeze()
        stalled = self.wait_for_stall(daemon)
        beats = len(self.beats(daemon))
        self.ask_status(daemon, "status while frozen")
        self.ask_status(daemon, "status NAME while frozen", 20, "busy")
        for name in ("busy", "quiet", "elsewhere"):
            for job in ("restart", "stop", "start"):
                self.assertEqual(self.at_once(f"{job} {name}", lambda: daemon.job(job, name)), "done")
        for name in ("busy", "killed", "quiet", "elsewhere"):
            self.at_once(f"why {name}", lambda: daemon.ctl("why", name, code=None))
        self.assertEqual(self.at_once("start flood", lambda: daemon.job("start", "flood")), "done")
        flood = daemon.wait_for("flood", sub_state="running")["main_pid"]
        for restarts in range(1, 6):
            victim = daemon.status("killed")["main_pid"]
            support.wait_until("it has written", lambda: self.written_by(daemon, "killed", victim))
            os.kill(victim, signal.SIGKILL)
            self.at_once("restart by itself", lambda: daemon.wait_for("killed", sub_state="running", n_restarts=restarts))
        support.wait_until("the flooding program waits on its pipe", lambda: waits_on_its_pipe(flood))
        self.assertLess(self.written_by(daemon, "flood", flood), 20000)
        # One that is stopped while it waits on its pipe ends as any other does.
        self.assertEqual(self.at_once("stop flood", lambda: daemon.job("stop", "flood")), "done")
        self.assertEqual(daemon.status("flood")["result"], "success")
        self.at_once("start flood", lambda: daemon.job("start", "flood"))

        shown = self.at_once("logs", lambda: daemon.ctl("logs", "-n", "3", "busy")).stdout
        self.assertEqual(len(shown.splitlines()), 3)
        with subprocess.Popen([support.PROCCTL, "--socket", daemon.socket, "logs", "-f", "busy"],
                              stdout=subprocess.PIPE) as follower:
            self.assertTrue(follower.stdout.readline())
            follower.send_signal(signal.SIGINT)
            self.assertEqual(self.at_once("^C of logs -f", follower.wait), -signal.SIGINT)

        # Killed, it goes when the disk goes on, and so does its work.
        os.kill(stalled, signal.SIGKILL)
        self.ask_status(daemon, "status after the kill", 20)
        self.assertEqual(state_of(stalled), "D")
        support.wait_until("the pulse beats on", lambda: len(self.beats(daemon)) > beats + 50)
        say("a line elsewhere", self.beats(daemon)[beats + 1:])

        self.disk.thaw()
        daemon.wait_for("flood", active_state="inactive", result="success")
        for name in ("busy", "killed", "elsewhere"):
            daemon.job("stop", name)
        daemon.terminate()
        self.check_count(daemon, "busy")
        self.check_count(daemon, "killed")
        self.check_count(daemon, "elsewhere", (daemon.folder / "elsewhere.log").read_text())
        self.assertEqual(self.check_count(daemon, "flood")[-1], 20000)

    def test_the_daemon_ends_while_the_disk_is_frozen(self):
        daemon = self.frozen_daemon({
            "busy": {"exec_start": "FOLDER/count FOLDER/busy 1000000 0.001"},
            "other": {"exec_start": "FOLDER/count FOLDER/other 1000000 0.01", "log": {"path": "FOLDER/other.log"}}},
            settings={"log_file": "daemon.log"})
        self.launch(daemon)
        daemon.wait_for_log("busy", " 9 x")
        self.disk.freeze()
        stalled = self.wait_for_stall(daemon)
        before = time.monotonic()
        daemon.process.send_signal(signal.SIGTERM)
        self.assertEqual(daemon.process.wait(timeout=30), 0)
        print(f"stop of the daemon while frozen: {time.monotonic() - before:.1f} s", flush=True)
        self.check_count(daemon, "other", (daemon.folder / "other.log").read_text())
        # The output process stays until it has done its work.
        self.assertEqual(state_of(stalled), "D")
        self.disk.thaw()
        support.wait_until("nothing is left of it", lambda: not support.processes_left())
        self.check_count(daemon, "busy")

    def test_the_daemons_own_log_is_on_the_frozen_disk(self):
        daemon = self.frozen_daemon({
            "busy": {"exec_start": "FOLDER/count FOLDER/busy 1000000 0.001", "start_limit_interval_sec": 0},
            "pulse": {"exec_start": "FOLDER/pulse FOLDER/pulse.log FOLDER/times 0.02",
                      "log": {"path": "FOLDER/pulse.log"}}},
            settings={"log_file": str(self.disk.mount / "daemon.log")})
        self.launch(daemon)
        daemon.wait_for_log("busy", " 9 x")
        support.wait_until("the pulse beats", lambda: self.beats(daemon))
        self.disk.freeze()
        self.wait_for_stall(daemon)
        beats = len(self.beats(daemon))
        self.ask_status(daemon, "status while the daemon's log is frozen")
        for number in range(100):  # Each is five lines of the log.
            self.assertEqual(daemon.job("restart", "busy"), "done")
        self.at_once("why", lambda: daemon.ctl("why", "busy", code=None))
        support.wait_until("the pulse beats on", lambda: len(self.beats(daemon)) > beats + 50)
        say("a line elsewhere", self.beats(daemon)[beats + 1:])
        self.disk.thaw()
        daemon.terminate()
        self.check_count(daemon, "busy")
        own = (self.disk.mount / "daemon.log").read_text()
        self.assertEqual(own.count("busy: restart requested"), 100)
        self.assertEqual(own, daemon.messages())


class Flood(Stalls):
    def test_programs_that_flood_delay_nobody(self):
        floods = {f"flood-{n}": {"exec_start": "/usr/bin/yes this line stands in its log rather often",
                                 "log": {"max_size": "8M", "keep": 1}} for n in range(50)}
        daemon = self.counting_daemon(floods | {
            "pulse": {"exec_start": "FOLDER/pulse FOLDER/log/pulse.log FOLDER/times 0.1"}})
        self.launch(daemon)
        for name in floods:
            support.wait_until(f"{name} floods", lambda: (daemon.log_dir / f"{name}.log").exists())
        beats = len(self.beats(daemon))
        self.ask_status(daemon, "status beside 50 that flood")
        for job in ("restart", "stop", "start"):
            self.assertEqual(self.at_once(f"{job} of one that floods", lambda: daemon.job(job, "flood-7")), "done")
        support.wait_until("the pulse beats on", lambda: len(self.beats(daemon)) > beats + 50)
        say("a line beside 50 that flood", self.beats(daemon)[beats + 1:])
        self.assertLess(max(self.beats(daemon)), AT_ONCE)
        # None of them is starved, either.
        for name in floods:
            path = daemon.log_dir / f"{name}.log"
            before = (path.stat().st_ino, path.stat().st_size)
            support.wait_until(f"{name} floods on", lambda: (path.stat().st_ino, path.stat().st_size) != before)


@support.needs_root("a file system that is full")
class FullDisk(Stalls):
    def setUp(self):
        self.disk = stalling_disk.SmallDisk(kilobytes=256)
        self.addCleanup(self.disk.remove)

    def full_daemon(self, policy):
        daemon = self.counting_daemon(
            {"busy": {"exec_start": "FOLDER/count FOLDER/busy 1000000 0.0002 1000", "on_log_error": policy,
                      "restart": "no"},
             "other": {"exec_start": "FOLDER/count FOLDER/other 1000000 0.01", "log": {"path": "FOLDER/other.log"}}},
            settings={"log_dir": str(self.disk.mount)})
        daemon.log_dir = self.disk.mount
        return self.launch(daemon)

    def test_one_that_is_waited_for(self):
        daemon = self.full_daemon("wait")
        trouble = daemon.wait_for("busy", lambda row: row["log_error"])
        self.assertIn("No space left on device", trouble["log_error"])
        pid = trouble["main_pid"]
        support.wait_until("it waits on its pipe", lambda: waits_on_its_pipe(pid))
        daemon.wait_for_message("busy: cannot write")
        self.assertIn("No space left on device", daemon.ctl("status", "busy").stdout)
        self.ask_status(daemon, "status while the disk is full", 20)
        written = self.written_by(daemon, "busy", pid)
        self.disk.grow()
        support.wait_until("it goes on", lambda: self.written_by(daemon, "busy", pid) > written)
        daemon.wait_for("busy", log_error="", sub_state="running", main_pid=pid, dropped_output=0)
        daemon.wait_for_message("busy: writing")
        daemon.terminate()
        self.assertEqual(daemon.messages().count("busy: cannot write"), 1)
        self.assertEqual(daemon.messages().count("nothing of it was lost"), 1)
        self.check_count(daemon, "busy")

    def test_one_whose_output_is_dropped_meanwhile(self):
        daemon = self.full_daemon("drop")
        trouble = daemon.wait_for("busy", lambda row: row["log_error"] and row["dropped_output"] > 100_000)
        pid = trouble["main_pid"]
        self.assertRegex(daemon.ctl("status", "busy").stdout, r"No space left on device.*; \d+ bytes dropped")
        self.disk.grow()
        recovered = daemon.wait_for("busy", log_error="", sub_state="running", main_pid=pid)
        daemon.terminate()
        self.assertEqual(daemon.messages().count("busy: cannot write"), 1)
        self.assertEqual(daemon.messages().count("bytes were dropped so far"), 1)
        # What was dropped and what is there is all of it, and what is there is in order.
        written = self.written_by(daemon, "busy", pid)
        log = daemon.log("busy")
        size = recovered["dropped_output"] + len(log)
        self.assertIn(size, [sum(len(self.line(pid, number)) for number in range(count))
                             for count in (written, written + 1)])
        numbers = [int(number) for number in re.findall(rf"^{pid} (\d+) x{{1000}}$", log, re.MULTILINE)]
        self.assertEqual(numbers, sorted(set(numbers)))

    def line(self, pid, number):
        return "%d %d %s\n" % (pid, number, "x" * 1000)

    def test_who_waits_for_a_full_disk_can_be_stopped(self):
        daemon = self.full_daemon("wait")
        pid = daemon.wait_for("busy", lambda row: row["log_error"])["main_pid"]
        support.wait_until("it waits on its pipe", lambda: waits_on_its_pipe(pid))
        self.assertEqual(self.at_once("stop busy", lambda: daemon.job("stop", "busy")), "done")
        self.disk.grow()
        daemon.wait_for("busy", log_error="")
        daemon.terminate()
        self.check_count(daemon, "busy")


if __name__ == "__main__":
    stalling_disk.start_guard()
    support.main()
