"""`procctl logs`: which lines are shown, and that neither ^C nor a client that does not read holds up anybody."""

import gzip
import json
import pathlib
import signal
import subprocess
import time

import support

FLOOD = """#!/usr/bin/python3
import os
line = b"x" * 99 + b"\\n"
while True:
    os.write(1, line * 600)
"""


def helpers(daemon):
    """The pids of the daemon's helpers that serve logs."""
    found = []
    for pid in support.descendants(daemon.process.pid):
        try:
            if b"--helper\0log\0" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
        except OSError:
            pass
    return found


class Logs(support.Test):
    def popen(self, daemon, *arguments, **options):
        return subprocess.Popen([support.PROCCTL, "--socket", daemon.socket, "logs", *arguments],
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)

    def test_control_c_ends_it_at_once(self):
        daemon = self.start_daemon({"talker": {"exec_start": "/bin/sh -c 'echo hello; exec sleep 600'"}})
        daemon.wait_for_log("talker", "hello\n")
        with self.popen(daemon, "-f", "talker") as follower:
            self.assertEqual(follower.stdout.readline(), "hello\n")
            begin = time.monotonic()
            follower.send_signal(signal.SIGINT)
            self.assertEqual(follower.wait(), -signal.SIGINT)
            self.assertLess(time.monotonic() - begin, 1)
        support.wait_until("the helper has gone", lambda: not helpers(daemon))

    def test_control_c_ends_it_while_nothing_matches(self):
        daemon = self.start_daemon({"flood": {"exec_start": "/usr/bin/seq 1 3000000", "restart": "no"}})
        daemon.wait_for_log("flood", "3000000\n")
        with self.popen(daemon, "-f", "-g", "no such line", "flood") as follower:
            support.wait_until("a helper searches", lambda: helpers(daemon))
            follower.send_signal(signal.SIGINT)
            self.assertEqual(follower.wait(), -signal.SIGINT)
        support.wait_until("the helper has gone", lambda: not helpers(daemon))

    def test_who_does_not_read_holds_up_nobody(self):
        daemon = self.make_daemon()
        daemon.script("flood", FLOOD)
        daemon.write("programs.yaml", {"flood": {"exec_start": str(daemon.folder / "flood"), "autostart": False}})
        daemon.start()
        self.addCleanup(daemon.terminate)
        log = daemon.folder / "log" / "flood.log"
        with self.popen(daemon, "-f", "flood") as follower:
            daemon.ctl("start", "flood")
            support.wait_until("far more is written than a socket holds",
                               lambda: log.exists() and log.stat().st_size > 20_000_000)
            self.assertEqual(daemon.status("flood")["sub_state"], "running")
            daemon.ctl("stop", "flood")
            follower.kill()

    def test_files_that_were_rotated_and_compressed_are_read(self):
        daemon = self.start_daemon({"talker": {"exec_start": "/bin/sh -c 'echo three; exec sleep 600'"}})
        daemon.wait_for_log("talker", "three\n")
        log = str(daemon.folder / "log" / "talker.log")
        with gzip.open(log + ".1.gz", "wt") as first:
            first.write("one\n")
        pathlib.Path(log + ".2").write_text("two\n")
        self.assertEqual(daemon.ctl("logs", "talker").stdout, "one\ntwo\nthree\n")
        self.assertEqual(daemon.ctl("logs", "-n", "2", "talker").stdout, "two\nthree\n")
        self.assertEqual(daemon.ctl("logs", "-g", "^T", "talker").stdout, "")
        self.assertEqual(daemon.ctl("logs", "-g", "^t", "talker").stdout, "two\nthree\n")

    def test_following_misses_no_line_of_a_log_that_is_rotated_and_compressed(self):
        daemon = self.start_daemon({"counter": {"exec_start": "/usr/bin/seq 1 300000", "autostart": False, "restart": "no",
                                                "log": {"max_size": "64K", "keep": 1000, "compress": "gzip"}}})
        with self.popen(daemon, "-f", "-n", "all", "counter") as follower:
            daemon.ctl("start", "counter")
            for number in range(1, 300_001):
                line = follower.stdout.readline()
                if line != f"{number}\n":
                    self.fail(f"after {number - 1} comes {line!r}")
            follower.terminate()
        self.assertGreater(len(list(daemon.log_dir.glob("counter.log.*"))), 20)
        self.assertEqual(daemon.ctl("logs", "-n", "all", "counter").stdout,
                         "".join(f"{number}\n" for number in range(1, 300_001)))

    def test_rotation_on_demand(self):
        daemon = self.start_daemon({"talker": {"exec_start": "/bin/sh -c 'echo hello; exec sleep 600'"},
                                    "mute": {"exec_start": "/bin/sleep 600", "standard_output": "null"}})
        daemon.wait_for_log("talker", "hello\n")
        self.assertEqual(daemon.ctl("logs", "--rotate", "talker").stdout, "talker: log rotated\n")
        self.assertEqual((daemon.log("talker"), (daemon.log_dir / "talker.log.1").read_text()), ("", "hello\n"))
        self.assertEqual(daemon.ctl("logs", "talker").stdout, "hello\n")
        self.assertIn("mute: rotate-log skipped", daemon.ctl("logs", "--rotate", "mute").stdout)
        self.assertIn("mute: its output goes to", daemon.ctl("logs", "mute").stdout)

    def test_times_and_streams(self):
        daemon = self.start_daemon({
            "lined": {"exec_start": "/bin/sh -c 'echo out; echo err >&2; exec sleep 600'", "log": {"format": "json"}},
            "raw": {"exec_start": "/bin/sh -c 'echo out; exec sleep 600'"}})
        daemon.wait_for_log("lined", "err")
        daemon.wait_for_log("raw", "out\n")

        def messages(*arguments):
            return [json.loads(line)["message"] for line in daemon.ctl("logs", "-o", "json", *arguments).stdout.splitlines()]

        self.assertEqual(messages("--stderr", "lined"), ["err"])
        self.assertEqual(messages("--stdout", "lined"), ["out"])
        for name, lines in (("lined", ["out", "err"]), ("raw", ["out"])):
            self.assertCountEqual(messages("--since", "-1h", name), lines)
            self.assertEqual(messages("--since", "+1h", name), [])
            self.assertEqual(messages("--until", "-1h", name), [])
            self.assertCountEqual(messages("--until", "+1h", name), lines)

    def test_lines_of_several_programs(self):
        daemon = self.start_daemon({
            name: {"exec_start": f"/bin/sh -c 'echo of {name}; exec sleep 600'"} for name in ("api", "worker")})
        for name in ("api", "worker"):
            daemon.wait_for_log(name, f"of {name}\n")
        shown = daemon.ctl("logs", "api", "worker").stdout
        self.assertEqual(sorted(shown.splitlines()), ["api    | of api", "worker | of worker"])
        objects = [json.loads(line) for line in daemon.ctl("logs", "-o", "json", "api", "worker").stdout.splitlines()]
        self.assertEqual(sorted((o["program"], o["instance"], o["message"]) for o in objects),
                         [("api", "api", "of api"), ("worker", "worker", "of worker")])

    def test_what_cannot_be_told_apart_or_understood_is_refused(self):
        daemon = self.start_daemon({"talker": {"exec_start": "/bin/sleep 600"}})
        refused = daemon.ctl("logs", "--stderr", "talker", code=1)
        self.assertIn("share one pipe", refused.stderr)
        self.assertIn("is not an extended regular expression", daemon.ctl("logs", "-g", "(", "talker", code=2).stderr)
        self.assertIn("--since: 'soon' is not a time", daemon.ctl("logs", "--since", "soon", "talker", code=2).stderr)
        self.assertIn("exclude each other", daemon.ctl("logs", "-f", "--until", "now", "talker", code=2).stderr)

    def test_why_nothing_is_rotated(self):
        daemon = self.make_daemon()
        log = daemon.folder / "log"
        log.mkdir()
        (log / "linked.log").symlink_to("elsewhere.log")
        speak = {"exec_start": "/bin/sh -c 'echo hello; exec sleep 600'"}
        daemon.write("programs.yaml", {
            "linked": speak,
            "nowhere": {**speak, "standard_output": "null"},
            "own": {**speak, "standard_output": f"append:{log / 'own.out'}"},
            "never": {**speak, "autostart": False}})
        self.launch(daemon)
        daemon.wait_for_log("linked", "hello\n")
        for name, reason in {"linked": "the path of its log is a symbolic link, and those are never rotated",
                             "nowhere": "its output goes to /dev/null",
                             "own": f"it writes to {log / 'own.out'} itself",
                             "never": "it has not written to a log yet"}.items():
            self.assertEqual(daemon.ctl("logs", "--rotate", name).stdout,
                             f"{name}: rotate-log skipped: {reason}\n")

    def test_a_pattern_that_would_take_all_memory_is_refused(self):
        if support.is_sanitized():
            return  # the helper sets itself no limit then (daemon/helpers/log_task.cpp)
        daemon = self.start_daemon({"talker": {"exec_start": "/bin/sleep 600"}})
        refused = daemon.ctl("logs", "-g", "((((x{1,255}){1,255}){1,255}){1,255})", "talker", code=2)
        self.assertIn("is not an extended regular expression", refused.stderr)


if __name__ == "__main__":
    support.main()
