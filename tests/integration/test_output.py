"""What programs write: every line once, in order, whatever happens to the output process meanwhile."""

import os
import pathlib
import signal
import subprocess
import time

import support

COUNTER = """#!/usr/bin/python3
import sys
for number in range(int(sys.argv[1])):
    sys.stdout.write(f"line {number:08} of the count, with some more to move\\n")
sys.stdout.flush()
"""

LAST_WORDS = """#!/usr/bin/python3
import os, signal, sys
def end(*_):
    for number in range(20_000):
        print(number)
    print("the end", flush=True)
    os._exit(0)
signal.signal(signal.SIGTERM, end)
os.write(1, b"ready\\n")  # not print(), which cannot be entered twice
while True: signal.pause()
"""


def output_process(daemon):
    """The pid of the daemon's output process, 0 while there is none."""
    for pid in support.descendants(daemon.process.pid):
        try:
            if b"--output-process" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                return pid
        except OSError:
            pass
    return 0


class Output(support.Test):
    def test_both_streams_reach_the_log(self):
        daemon = self.start_daemon({"talker": {"exec_start": "/bin/sh -c 'echo to stdout; echo to stderr >&2; sleep 600'"}})
        daemon.wait_for_log("talker", "to stdout\nto stderr\n")

    def test_the_log_goes_on_after_a_restart(self):
        daemon = self.start_daemon({"talker": {"exec_start": "/bin/sh -c 'echo hello; exec sleep 600'"}})
        daemon.wait_for_log("talker", "hello\n")
        daemon.ctl("restart", "talker")
        daemon.wait_for_log("talker", "hello\nhello\n")

    def test_log_path(self):
        daemon = self.make_daemon()
        path = daemon.folder / "elsewhere" / "own.log"
        daemon.write("programs.yaml", {"talker": {"exec_start": "/bin/echo hello", "restart": "no",
                                                  "log": {"path": str(path)}}})
        daemon.start()
        self.addCleanup(daemon.terminate)
        support.wait_until("the log is written", lambda: path.exists() and path.read_text() == "hello\n")

    def test_every_line_arrives_once_though_the_output_process_is_killed(self):
        lines = 400_000
        daemon = self.make_daemon()
        counter = daemon.script("count.py", COUNTER)
        daemon.write("programs.yaml", {name: {"exec_start": [counter, str(lines)], "type": "oneshot",
                                              "autostart": False} for name in ("one", "two")})
        daemon.start()
        self.addCleanup(lambda: daemon.process.poll() is None and daemon.terminate())
        first = support.wait_until("there is an output process", lambda: output_process(daemon))
        daemon.ctl("start", "--no-wait", "one", "two")
        kills = 0
        victims = set()
        while any(row["active_state"] != "inactive" or not row["exec_main_exit_timestamp"]
                  for row in daemon.statuses().values()):
            victim = output_process(daemon)
            if victim and victim not in victims and kills < 20:
                victims.add(victim)
                os.kill(victim, signal.SIGKILL)
                kills += 1
            time.sleep(0.01)
        self.assertGreater(kills, 1)
        expected = "".join(f"line {number:08} of the count, with some more to move\n" for number in range(lines))
        for name in ("one", "two"):
            support.wait_until(f"{name} is written", lambda: len(daemon.log(name)) >= len(expected))
            self.assertTrue(daemon.log(name) == expected, f"{name}: a line is lost, doubled or out of order")
        # The programs never noticed.
        self.assertEqual({row["result"] for row in daemon.statuses().values()}, {"success"})
        self.assertNotEqual(output_process(daemon), first)

    def test_what_is_written_at_the_end_is_kept(self):
        daemon = self.make_daemon()
        daemon.write("programs.yaml", {"last-words": {"exec_start": [daemon.script("last.py", LAST_WORDS)]}})
        daemon.start()
        daemon.wait_for_log("last-words", "ready")
        daemon.terminate()
        self.assertEqual(daemon.log("last-words"), "ready\n" + "".join(f"{n}\n" for n in range(20_000)) + "the end\n")

    def test_logs_shows_the_last_lines(self):
        daemon = self.start_daemon({"counter": {"exec_start": "/usr/bin/seq 1000", "restart": "no"}})
        daemon.wait_for_log("counter", "1000\n")
        self.assertEqual(daemon.ctl("logs", "-n", "3", "counter").stdout, "998\n999\n1000\n")
        self.assertEqual(daemon.ctl("logs", "counter").stdout, "".join(f"{n}\n" for n in range(991, 1001)))
        self.assertEqual(daemon.ctl("logs", "-n", "5000", "counter").stdout, daemon.log("counter"))
        daemon.ctl("logs", "nobody", code=4)

    def test_logs_follows(self):
        daemon = self.make_daemon()
        fifo = daemon.folder / "fifo"
        os.mkfifo(fifo)
        daemon.write("programs.yaml", {"echoing": {"exec_start": f"/bin/cat {fifo}"}})
        daemon.start()
        self.addCleanup(daemon.terminate)
        with open(fifo, "w", buffering=1) as pen:
            pen.write("before\n")
            daemon.wait_for_log("echoing", "before\n")
            with subprocess.Popen([support.PROCCTL, "--socket", daemon.socket, "logs", "-f", "-n", "1", "echoing"],
                                  stdout=subprocess.PIPE, text=True) as follower:
                self.assertEqual(follower.stdout.readline(), "before\n")
                for number in range(5):
                    pen.write(f"after {number}\n")
                    self.assertEqual(follower.stdout.readline(), f"after {number}\n")
                follower.terminate()
        # A follower that has gone is nobody's problem.
        self.assertEqual(daemon.status("echoing")["program"], "echoing")

    def test_a_program_that_writes_without_a_newline_loses_nothing(self):
        daemon = self.start_daemon({"terse": {"exec_start": "/usr/bin/printf 'no newline'", "restart": "no"}})
        daemon.wait_for_log("terse", "no newline")
        self.assertEqual(daemon.log("terse"), "no newline")

    def test_standard_input(self):
        cat = {"exec_start": "/bin/cat"}
        daemon = self.start_programs({
            "text": cat | {"standard_input_text": "for %n\\tand no other"},
            "data": cat | {"standard_input_data": "AP8K"},
            "file": cat | {"standard_input": "file:FOLDER/words"},
            "null": {"exec_start": "/usr/bin/readlink /proc/self/fd/0"},
            "missing": cat | {"standard_input": "file:FOLDER/nothing"}}, scripts={"words": "from a file\n"})
        for _ in range(2):  # each run reads it from its beginning
            for name in ("text", "data", "file", "null"):
                self.assertEqual(daemon.job("start", name), "done")
                daemon.wait_for(name, sub_state="dead")
        self.assertEqual(daemon.log("text"), "for text\tand no other\n" * 2)
        self.assertEqual((daemon.log_dir / "data.log").read_bytes(), b"\0\xff\n" * 2)
        self.assertEqual(daemon.log("file"), "from a file\n" * 2)
        self.assertEqual(daemon.log("null"), "/dev/null\n" * 2)
        daemon.ctl("start", "missing", code=None)
        status = daemon.wait_for("missing", sub_state="failed", exec_main_status=208)
        self.assertIn(f"{daemon.folder}/nothing: No such file or directory", status["explanation"])

    def test_output_that_goes_to_files(self):
        speak = {"exec_start": ["/bin/sh", "-c", "echo out; echo err >&2"]}
        daemon = self.start_programs({
            "apart": speak | {"log": {"stderr_path": "FOLDER/apart.err", "mode": "0600"}},
            "append": speak | {"standard_output": "append:FOLDER/append"},
            "truncate": speak | {"standard_output": "truncate:FOLDER/truncate", "standard_error": "null"},
            "nowhere": speak | {"standard_output": "append:FOLDER/no/such/folder"},
            "no_error": speak | {"standard_error": "append:FOLDER/no/such/folder"}})
        for _ in range(2):
            for name in ("apart", "append", "truncate"):
                self.assertEqual(daemon.job("start", name), "done")
                daemon.wait_for(name, sub_state="dead")
        self.assertEqual(daemon.log("apart"), "out\n" * 2)
        self.assertEqual((daemon.folder / "apart.err").read_text(), "err\n" * 2)
        self.assertEqual((daemon.folder / "apart.err").stat().st_mode & 0o777, 0o600)
        self.assertEqual((daemon.folder / "append").read_text(), "out\nerr\n" * 2)
        self.assertEqual((daemon.folder / "truncate").read_text(), "out\n")
        for name, code in {"nowhere": 209, "no_error": 222}.items():
            daemon.ctl("start", name, code=None)
            status = daemon.wait_for(name, sub_state="failed", exec_main_status=code)
            self.assertIn("no/such/folder: No such file or directory", status["explanation"])

    def test_last_words(self):
        daemon = self.start_programs({"dying": {
            "exec_start": ["/bin/sh", "-c", "seq 10000; printf 'cannot go on' >&2; exit 3"],
            "log": {"tail_size": 20}}})
        daemon.ctl("start", "dying", code=None)
        status = daemon.wait_for("dying", sub_state="failed")
        self.assertEqual(status["last_output"], "9\n10000\ncannot go on")
        self.assertTrue(daemon.log("dying").endswith("10000\ncannot go on"))

    def test_files_that_logrotate_has_moved(self):
        daemon = self.start_daemon({"ticker": {"exec_start": [
            "/bin/sh", "-c", "n=0; while :; do n=$$((n+1)); echo $$n; sleep 0.01; done"]}})
        daemon.wait_for_log("ticker", "3\n")
        moved = daemon.log_dir / "ticker.log-20261120"
        (daemon.log_dir / "ticker.log").rename(moved)
        daemon.process.send_signal(signal.SIGUSR2)
        support.wait_until("it goes on in a new file", lambda: daemon.log("ticker"))
        daemon.ctl("stop", "ticker")
        numbers = (moved.read_text() + daemon.log("ticker")).split()
        self.assertEqual(numbers, [str(number + 1) for number in range(len(numbers))])
        daemon.wait_for_message("opening all logs anew (SIGUSR2)")


if __name__ == "__main__":
    support.main()
