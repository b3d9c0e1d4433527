"""type forking: a program that goes into the background is found again, and is the daemon's from then on."""

import os
import pwd
import signal
import subprocess

import support

# fork FILE COMMAND…: leaves COMMAND behind by a double fork, in a session of its own, and its pid in FILE.
SCRIPTS = {"fork": """#!/bin/sh
file=$1
shift
( setsid "$@" & echo $! > "$file" )
"""}
PROGRAM = {"type": "forking", "pid_file": "FOLDER/pid", "exec_start": ["FOLDER/fork", "FOLDER/pid", *support.SLEEP]}
# Without PID file.
UNNAMED = {"type": "forking", "exec_start": ["FOLDER/fork", "/dev/null", *support.SLEEP]}


def until(file, then):
    return ["/bin/sh", "-c", f"while [ ! -e FOLDER/{file} ]; do sleep 0.02; done; {then}"]


class Forking(support.Test):
    def start_with(self, program, **keys):
        return self.start_programs({"it": program | keys}, scripts=SCRIPTS)

    def pid_in(self, daemon, file="pid"):
        return int((daemon.folder / file).read_text())

    def make_stranger(self, daemon):
        """A process that is none of the program's, its pid in the file `stranger`."""
        stranger = subprocess.Popen(["/bin/sleep", "601"])
        (daemon.folder / "stranger").write_text(f"{stranger.pid}\n")
        self.addCleanup(stranger.wait)
        self.addCleanup(stranger.kill)
        return stranger

    # --- Found by its PID file

    def test_the_parent_writes_the_file(self):
        daemon = self.start_with(PROGRAM)
        self.assertEqual(daemon.job("start", "it"), "done")
        self.assertEqual(daemon.status("it")["main_pid"], self.pid_in(daemon))
        self.assertEqual(daemon.status("it")["sub_state"], "running")
        self.assertEqual(daemon.job("stop", "it"), "done")
        daemon.wait_for("it", active_state="inactive", result="success", exec_main_code=2, exec_main_status=signal.SIGTERM)

    def test_the_daemon_itself_writes_it_later(self):
        daemon = self.start_with(PROGRAM, exec_start=["FOLDER/fork", "/dev/null",
                                                      *until("go", "echo $$$$ > FOLDER/pid; exec sleep 600")])
        daemon.ctl("start", "it", "--no-wait")
        # The parent has ended, and the start is not done.
        daemon.wait_for("it", lambda row: row["exec_main_code"] == 0 and row["control_pid"] == 0
                        and row["inactive_exit_timestamp"], sub_state="start", main_pid=0)
        (daemon.folder / "go").touch()
        daemon.wait_for("it", sub_state="running")
        self.assertEqual(daemon.status("it")["main_pid"], self.pid_in(daemon))

    def test_exec_start_post_writes_it(self):
        daemon = self.start_with(PROGRAM, exec_start=["FOLDER/fork", "FOLDER/elsewhere", *support.SLEEP],
                                 exec_start_post=[["/bin/cp", "FOLDER/elsewhere", "FOLDER/pid"]])
        self.assertEqual(daemon.job("start", "it"), "done")
        self.assertEqual(daemon.status("it")["main_pid"], self.pid_in(daemon))

    def test_a_file_that_is_replaced_by_a_rename(self):
        daemon = self.start_with(PROGRAM, exec_start=["FOLDER/fork", "/dev/null", *until(
            "go", "echo $$$$ > FOLDER/new; mv FOLDER/new FOLDER/pid; exec sleep 600")])
        daemon.ctl("start", "it", "--no-wait")
        daemon.wait_for("it", sub_state="start")
        (daemon.folder / "go").touch()
        daemon.wait_for("it", sub_state="running")
        self.assertEqual(daemon.status("it")["main_pid"], self.pid_in(daemon))

    def test_it_never_comes(self):
        daemon = self.start_programs({
            "lives": PROGRAM | {"exec_start": ["FOLDER/fork", "/dev/null", *support.SLEEP], "timeout_start_sec": "400ms",
                                "pid_file": "FOLDER/1"},
            "ends": PROGRAM | {"exec_start": "/bin/true", "pid_file": "FOLDER/2"}}, scripts=SCRIPTS)
        self.assertIn(daemon.job("start", "lives", code=1), ("failed", "timeout"))
        self.assertEqual(daemon.job("start", "ends", code=1), "failed")
        self.assertIn(f"{daemon.folder}/2", daemon.wait_for("ends", active_state="failed", result="protocol")["explanation"])
        daemon.wait_for("lives", active_state="failed", result="timeout")
        self.assertFalse([line for line in support.descendants(daemon.process.pid).values() if "sleep 600" in line])

    def test_a_stale_file_is_not_believed(self):
        dead = subprocess.Popen(["/bin/true"])
        dead.wait()
        for content in (str(dead.pid), "1", "0", "-5", "garbage", "", "99999999999999999999"):
            with self.subTest(content):
                daemon = self.start_with(PROGRAM, exec_start=["FOLDER/fork", "/dev/null", *until(
                    "go", "echo $$$$ > FOLDER/pid; exec sleep 600")])
                (daemon.folder / "pid").write_text(content)
                daemon.ctl("start", "it", "--no-wait")
                daemon.wait_for("it", lambda row: row["control_pid"] == 0, sub_state="start", main_pid=0)
                (daemon.folder / "go").touch()
                daemon.wait_for("it", sub_state="running", main_pid=self.wait_for_pid(daemon))
                daemon.terminate()

    def wait_for_pid(self, daemon):
        def read():
            text = (daemon.folder / "pid").read_text()
            return int(text) if text.endswith("\n") else None
        return support.wait_until("the PID file is written", read)

    # --- Whose pid it may be

    def test_roots_file_may_name_a_stranger(self):
        daemon = self.start_with(PROGRAM, exec_start="/bin/cp FOLDER/stranger FOLDER/pid")
        stranger = self.make_stranger(daemon)
        self.assertEqual(daemon.job("start", "it"), "done")
        daemon.wait_for("it", main_pid=stranger.pid, sub_state="running")
        stranger.kill()
        stranger.wait()
        # How it ended is its parent's to know; a recent kernel tells us all the same.
        daemon.wait_for("it", lambda row: row["active_state"] in ("inactive", "failed"), main_pid=0)

    @support.needs_root("a file of another user")
    def test_the_file_of_another_user_may_not(self):
        daemon = self.start_with(PROGRAM, timeout_start_sec="500ms", exec_start=[
            "/bin/sh", "-c", "cat FOLDER/stranger > FOLDER/pid; setsid sleep 600 &"])
        stranger = self.make_stranger(daemon)
        self.make_foreign(daemon)
        self.assertIn(daemon.job("start", "it", code=1), ("failed", "timeout"))
        # As where there is no file: it is waited for as long as a process lives that could write it.
        daemon.wait_for("it", active_state="failed", main_pid=0, result="timeout")
        self.assertIsNone(stranger.poll())

    def make_foreign(self, daemon):
        """The PID file, empty, of the user nobody."""
        (daemon.folder / "pid").touch()
        os.chown(daemon.folder / "pid", pwd.getpwnam("nobody").pw_uid, -1)

    @support.needs_root("a file of another user")
    def test_the_file_of_the_programs_user_names_its_own(self):
        daemon = self.start_with(PROGRAM, user="nobody")
        self.make_foreign(daemon)
        self.assertEqual(daemon.job("start", "it"), "done")
        self.assertEqual(daemon.status("it")["main_pid"], self.pid_in(daemon))

    # --- It is ours

    def test_its_end_is_known_and_the_policy_acts_on_it(self):
        daemon = self.start_with(PROGRAM, restart="on-failure", restart_prevent_exit_status="5", exec_start=[
            "FOLDER/fork", "FOLDER/pid", "/bin/sh", "-c", "while [ ! -e FOLDER/go ]; do sleep 0.02; done; exit 5"])
        daemon.ctl("start", "it")
        first = daemon.status("it")["main_pid"]
        os.kill(first, signal.SIGKILL)
        daemon.wait_for("it", lambda row: row["main_pid"] not in (0, first), sub_state="running", n_restarts=1)
        (daemon.folder / "go").touch()
        daemon.wait_for("it", active_state="failed", result="exit-code", exec_main_code=1, exec_main_status=5, n_restarts=1)

    def test_another_process_takes_over(self):
        # The program makes its successor itself: an upgrade without a gap, as nginx does it.
        daemon = self.start_with(PROGRAM, exec_start=["FOLDER/fork", "FOLDER/pid", "/bin/sh", "-c",
                                                      "while [ ! -e FOLDER/go ]; do sleep 0.02; done; "
                                                      "FOLDER/fork FOLDER/pid sleep 600; exit 3"])
        daemon.ctl("start", "it")
        first = daemon.status("it")["main_pid"]
        (daemon.folder / "go").touch()
        status = daemon.wait_for("it", lambda row: row["main_pid"] not in (0, first), sub_state="running", result="success")
        self.assertEqual(status["main_pid"], self.pid_in(daemon))
        os.kill(status["main_pid"], signal.SIGKILL)
        daemon.wait_for("it", active_state="failed", result="signal", exec_main_status=signal.SIGKILL)

    # --- Without PID file

    def test_the_only_process_left_is_guessed(self):
        daemon = self.start_with(UNNAMED, restart="on-failure")
        self.assertEqual(daemon.job("start", "it"), "done")
        first = daemon.wait_for("it", lambda row: row["main_pid"], sub_state="running")["main_pid"]
        os.kill(first, signal.SIGKILL)
        daemon.wait_for("it", lambda row: row["main_pid"] not in (0, first), sub_state="running", n_restarts=1)

    def test_without_a_guess_it_runs_as_long_as_any_process(self):
        daemon = self.start_with(UNNAMED, guess_main_pid=False, exec_start=[
            "FOLDER/fork", "FOLDER/daemon", "/bin/sh", "-c", "while [ ! -e FOLDER/go ]; do sleep 0.02; done; exit 7"])
        self.assertEqual(daemon.job("start", "it"), "done")
        daemon.wait_for("it", sub_state="running", main_pid=0)
        (daemon.folder / "go").touch()
        daemon.wait_for("it", active_state="inactive", result="success")  # Nobody asks how it ended.

    def test_two_are_too_many_to_guess(self):
        daemon = self.start_with(UNNAMED, exec_start=[
            "/bin/sh", "-c", "FOLDER/fork FOLDER/1 sleep 600; FOLDER/fork FOLDER/2 sleep 600"])
        daemon.ctl("start", "it")
        daemon.wait_for("it", sub_state="running", main_pid=0)
        os.kill(self.pid_in(daemon, "1"), signal.SIGKILL)
        support.wait_until("it is gone", lambda: support.is_gone(self.pid_in(daemon, "1")))
        self.assertEqual(daemon.status("it")["sub_state"], "running")
        os.kill(self.pid_in(daemon, "2"), signal.SIGKILL)
        daemon.wait_for("it", active_state="inactive", result="success")

    # --- The parent

    def test_a_parent_that_fails(self):
        daemon = self.start_with(UNNAMED, exec_start=["/bin/sh", "-c", "setsid sleep 600 & exit 4"])
        self.assertEqual(daemon.job("start", "it", code=1), "failed")
        daemon.wait_for("it", active_state="failed", result="exit-code")
        self.assertFalse([line for line in support.descendants(daemon.process.pid).values() if "sleep 600" in line])

    def test_a_parent_that_never_ends(self):
        daemon = self.start_with(UNNAMED, exec_start=support.SLEEP, timeout_start_sec="300ms")
        self.assertIn(daemon.job("start", "it", code=1), ("failed", "timeout"))
        daemon.wait_for("it", active_state="failed", result="timeout")


if __name__ == "__main__":
    support.main()
