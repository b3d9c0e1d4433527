"""All processes of a program: known however far they fork, signalled as kill_mode says, and ended to the last.

With control groups, and without them where the daemon can only go by descent.
"""

import os
import pathlib
import signal
import subprocess

import support

# fork FILE COMMAND…: leaves COMMAND behind by a double fork, in a session of its own, and its pid in FILE.
SCRIPTS = {"fork": """#!/bin/sh
file=$1
shift
( setsid "$@" & echo $! > "$file.new" )
mv "$file.new" "$file"
""", "ignore-term": """#!/bin/sh
trap '' TERM
while :; do sleep 0.1; done
""", "many.py": """#!/usr/bin/python3
import os, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
count = int(sys.argv[1])
depth = 0
while depth < count - 1:
    depth += 1
    if depth % 10 == 0:
        if os.fork(): break       # the child goes on, its parent waits
        os.setsid()
    elif os.fork() == 0:
        if depth % 3 == 0: os.setsid()
        break
if depth == count - 1:
    os.write(1, b"all are there\\n")
while True: signal.pause()
"""}
# A main process, and a grandchild far away.
FAMILY = ["/bin/sh", "-c", "FOLDER/fork FOLDER/grandchild sleep 601; echo up; exec sleep 600"]


def lives(pid):
    """Whether the process is there and no zombie."""
    try:
        return ") Z " not in pathlib.Path("/proc", str(pid), "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


class Family:
    """What holds in both ways."""

    settings = {}

    def start_family(self, **keys):
        daemon = self.start_programs({"it": {"exec_start": FAMILY} | keys}, settings=self.settings, scripts=SCRIPTS)
        daemon.ctl("start", "it")
        daemon.wait_for_log("it", "up\n")
        self.main = daemon.status("it")["main_pid"]
        self.grandchild = int((daemon.folder / "grandchild").read_text())
        self.assertTrue(lives(self.main) and lives(self.grandchild))
        self.addCleanup(self.kill_grandchild)
        return daemon

    def kill_grandchild(self):
        """At the end of the test, where kill_mode lets it live: before the daemon is asked to leave nothing."""
        if lives(self.grandchild):
            os.kill(self.grandchild, signal.SIGKILL)
            support.wait_until("it is gone", lambda: not lives(self.grandchild))

    def test_a_stop_ends_them_all(self):
        daemon = self.start_family()
        self.assertEqual(daemon.job("stop", "it"), "done")
        daemon.wait_for("it", active_state="inactive", result="success")
        self.assertFalse(lives(self.main) or lives(self.grandchild))

    def test_so_does_the_end_of_the_main_process(self):
        daemon = self.start_family()
        os.kill(self.main, signal.SIGKILL)
        daemon.wait_for("it", active_state="failed", result="signal")
        self.assertFalse(lives(self.grandchild))

    def test_none_is_left_when_it_comes_back(self):
        daemon = self.start_family(restart="always")
        os.kill(self.main, signal.SIGKILL)
        daemon.wait_for("it", lambda row: row["main_pid"] not in (0, self.main), sub_state="running")
        self.assertFalse(lives(self.grandchild))
        support.wait_until("the second run is up", lambda: daemon.log("it").count("up\n") == 2)
        self.grandchild = int((daemon.folder / "grandchild").read_text())
        self.assertTrue(lives(self.grandchild))

    def test_exit_type_cgroup_waits_for_the_last(self):
        daemon = self.start_family(exit_type="cgroup")
        os.kill(self.main, signal.SIGTERM)
        daemon.wait_for("it", main_pid=0, sub_state="running")
        self.assertTrue(lives(self.grandchild))
        os.kill(self.grandchild, signal.SIGKILL)
        daemon.wait_for("it", active_state="inactive", result="success", exec_main_status=signal.SIGTERM)

    def test_a_stop_with_exit_type_cgroup(self):
        daemon = self.start_family(exit_type="cgroup")
        os.kill(self.main, signal.SIGTERM)
        daemon.wait_for("it", main_pid=0, sub_state="running")
        daemon.ctl("stop", "it")
        daemon.wait_for("it", active_state="inactive", result="success")
        self.assertFalse(lives(self.grandchild))

    def test_one_that_ignores_sigterm_is_killed(self):
        daemon = self.start_family(timeout_stop_sec="300ms", exec_start=[
            "/bin/sh", "-c", "FOLDER/fork FOLDER/grandchild FOLDER/ignore-term; echo up; exec sleep 600"])
        daemon.ctl("stop", "it")
        daemon.wait_for("it", active_state="failed", result="timeout")
        self.assertFalse(lives(self.grandchild))

    def test_kill_mode_mixed(self):
        daemon = self.start_family(kill_mode="mixed", exec_start=[
            "/bin/sh", "-c", "FOLDER/fork FOLDER/grandchild FOLDER/ignore-term; echo up; exec sleep 600"])
        daemon.ctl("stop", "it")
        daemon.wait_for("it", active_state="inactive", result="success")
        self.assertFalse(lives(self.grandchild))

    def test_kill_mode_process(self):
        daemon = self.start_family(kill_mode="process")
        daemon.ctl("stop", "it")
        daemon.wait_for("it", active_state="inactive", result="success")
        self.assertEqual((lives(self.main), lives(self.grandchild)), (False, True))

    def test_kill_mode_none(self):
        daemon = self.start_family(kill_mode="none")
        daemon.ctl("stop", "it")
        daemon.wait_for("it", active_state="inactive", result="success", main_pid=0)
        self.assertEqual((lives(self.main), lives(self.grandchild)), (True, True))
        os.kill(self.main, signal.SIGKILL)

    def test_survivors_of_a_stop_fail_the_program(self):
        daemon = self.start_family(restart="always", timeout_stop_sec="200ms", send_sigkill=False, exec_start=[
            "/bin/sh", "-c", "FOLDER/fork FOLDER/grandchild FOLDER/ignore-term; echo up; exec sleep 600"])
        os.kill(self.main, signal.SIGKILL)
        # It is not started again: it would run twice.
        status = daemon.wait_for("it", active_state="failed", next_restart_in_sec=None, n_restarts=0)
        self.assertEqual(status["result"], "signal")
        self.assertTrue(lives(self.grandchild))
        # By hand it is, and what was left is the program's still: the next stop reaches it too.
        daemon.ctl("start", "it")
        support.wait_until("the second run is up", lambda: daemon.log("it").count("up\n") == 2)
        second = int((daemon.folder / "grandchild").read_text())
        os.kill(second, signal.SIGKILL)
        daemon.ctl("kill", "it", "-s", "SIGKILL")
        support.wait_until("the survivor is gone", lambda: not lives(self.grandchild))

    def test_final_kill_signal(self):
        # Death by any signal that is not SIGKILL could be the first one's: the core file's name tells nothing here.
        daemon = self.start_programs({"it": {
            "exec_start": "FOLDER/ignore-term", "timeout_stop_sec": "300ms", "final_kill_signal": "SIGUSR1"}},
            settings=self.settings, scripts=SCRIPTS)
        daemon.ctl("start", "it")
        pid = daemon.status("it")["main_pid"]
        support.wait_until("it ignores SIGTERM", lambda: ignores(pid, signal.SIGTERM))
        daemon.ctl("stop", "it")
        daemon.wait_for("it", active_state="failed", result="timeout", exec_main_status=signal.SIGUSR1)

    def test_kill_whom(self):
        daemon = self.start_family(restart="no", exec_reload="/bin/sleep 602")
        daemon.ctl("kill", "it", "--kill-whom", "control", "-s", "SIGUSR1", code=1)
        daemon.ctl("reload", "it", "--no-wait")
        control = daemon.wait_for("it", lambda row: row["control_pid"], sub_state="reload")["control_pid"]
        daemon.ctl("kill", "it", "--kill-whom", "control", "-s", "SIGUSR1")
        daemon.wait_for("it", sub_state="running", reload_result="signal", control_pid=0)
        self.assertFalse(lives(control))
        self.assertTrue(lives(self.main) and lives(self.grandchild))
        daemon.ctl("kill", "it", "--kill-whom", "all", "-s", "SIGUSR1")
        daemon.wait_for("it", active_state="failed", result="signal", exec_main_status=signal.SIGUSR1)
        self.assertFalse(lives(self.grandchild))
        daemon.ctl("kill", "it", "--kill-whom", "main", code=1)

    def test_a_kill_of_the_main_process_alone(self):
        daemon = self.start_family(kill_mode="process")
        daemon.ctl("kill", "it", "--kill-whom", "main", "-s", "SIGKILL")
        daemon.wait_for("it", active_state="failed", result="signal")
        self.assertTrue(lives(self.grandchild))

    def test_what_a_command_has_left_behind_goes_too(self):
        daemon = self.start_programs({"it": {"exec_start_pre": "FOLDER/fork FOLDER/pre sleep 601",
                                             "exec_start_post": "FOLDER/fork FOLDER/post sleep 601",
                                             "exec_stop_post": "FOLDER/fork FOLDER/stop-post sleep 601"}},
                                     settings=self.settings, scripts=SCRIPTS)
        daemon.ctl("start", "it")
        daemon.ctl("stop", "it")
        daemon.wait_for("it", active_state="inactive")
        for name in ("pre", "post", "stop-post"):
            self.assertFalse(lives(int((daemon.folder / name).read_text())), name)

    def test_two_hundred_that_ignore_sigterm(self):
        daemon = self.start_programs({"it": {"exec_start": ["FOLDER/many.py", "200"], "timeout_stop_sec": "3s",
                                             "send_sighup": True}}, settings=self.settings, scripts=SCRIPTS)
        daemon.ctl("start", "it")
        daemon.wait_for_log("it", "all are there\n")
        left = lambda: [pid for pid, line in support.descendants().items() if "many.py" in line and lives(pid)]
        self.assertEqual(len(left()), 200)
        daemon.ctl("stop", "it")
        daemon.wait_for("it", active_state="failed", result="timeout")
        self.assertEqual(left(), [])

    def test_fifty_instances_keep_theirs_apart(self):
        daemon = self.start_programs({"it": {"instances": 50, "exec_start": [
            "/bin/sh", "-c", "FOLDER/fork FOLDER/%i sleep 601; echo up; exec sleep 600"]}},
            settings=self.settings, scripts=SCRIPTS)
        daemon.ctl("start", "it")
        numbers = range(1, 51)
        support.wait_until("all are up", lambda: all((daemon.folder / str(n)).exists() for n in numbers))
        pids = {n: int((daemon.folder / str(n)).read_text()) for n in numbers}
        self.assertTrue(all(lives(pid) for pid in pids.values()))
        for n in numbers[::2]:
            daemon.ctl("stop", f"it@{n}", "--no-wait")
        support.wait_until("half of them are stopped", lambda: all(
            daemon.statuses()[f"it@{n}"]["active_state"] == "inactive" for n in numbers[::2]))
        self.assertEqual([n for n in numbers if lives(pids[n])], list(numbers[1::2]))
        daemon.terminate()


class ControlGroups(Family, support.Test):
    def run(self, result=None):
        if not control_groups_are_there():
            return self.skip_all(result)
        return super().run(result)

    def skip_all(self, result):
        result.startTest(self)
        result.addSkip(self, "no control group can be made here")
        result.stopTest(self)

    def folder_of(self, daemon, name="it"):
        return support.control_group_folder(daemon.status(name)["control_group"])

    def test_each_program_has_one_of_its_own(self):
        daemon = self.start_programs({"it": {}, "other": {"instances": 2}})
        daemon.ctl("start", "all")
        groups = set()
        for name, row in daemon.statuses().items():
            self.assertEqual(support.control_group_of(row["main_pid"]), row["control_group"])
            self.assertIn(f"control_group={row['control_group']}\n", daemon.ctl("show", name).stdout)
            self.assertIn(row["control_group"], daemon.ctl("status", name).stdout)
            groups.add(row["control_group"])
        self.assertEqual(len(groups), 3)
        self.assertNotIn(support.control_group_of(daemon.process.pid), groups)

    def test_a_grandchild_is_in_it(self):
        daemon = self.start_family()
        self.assertEqual(support.control_group_of(self.grandchild), daemon.status("it")["control_group"])

    def test_it_goes_with_the_program_and_all_with_the_daemon(self):
        daemon = self.start_programs({"it": {}, "other": {}})
        daemon.ctl("start", "all")
        folder, other = self.folder_of(daemon), self.folder_of(daemon, "other")
        self.assertTrue(folder.is_dir() and other.is_dir())
        daemon.write("programs.yaml", {"other": {"exec_start": support.SLEEP}})
        daemon.ctl("update")
        support.wait_until("its control group is gone", lambda: not folder.exists())
        self.assertTrue(other.is_dir())
        daemon.terminate()
        self.assertFalse(other.parent.exists())

    def test_two_daemons_do_not_meet(self):
        one = self.start_family()
        family = self.main, self.grandchild
        other = self.start_family()
        self.assertNotEqual(one.status("it")["control_group"], other.status("it")["control_group"])
        other.ctl("stop", "it")
        other.process.terminate()
        self.assertEqual(other.process.wait(support.DEADLINE), 0)  # terminate() would ask that nobody is left
        self.assertTrue(all(map(lives, family)))
        one.ctl("stop", "it")
        self.assertFalse(any(map(lives, family)))
        one.terminate()

    def test_what_a_killed_daemon_has_left(self):
        daemon = self.start_family()
        folder = self.folder_of(daemon)
        daemon.process.kill()
        daemon.process.wait()
        self.assertTrue(lives(self.grandchild))  # It lives on, and is nobody's.
        left = self.main, self.grandchild
        self.launch(daemon)
        daemon.ctl("start", "it")
        support.wait_until("it is up again", lambda: daemon.log("it").count("up\n") == 2)
        self.assertEqual(self.folder_of(daemon), folder)
        for pid in left:
            if lives(pid):
                os.kill(pid, signal.SIGKILL)
        self.grandchild = int((daemon.folder / "grandchild").read_text())
        daemon.ctl("stop", "it")
        daemon.wait_for("it", active_state="inactive")
        daemon.terminate()
        self.assertFalse(folder.parent.exists())

    def test_empty_ones_of_a_killed_daemon_are_removed_by_any(self):
        daemon = self.start_family()
        folder = self.folder_of(daemon)
        daemon.process.kill()
        daemon.process.wait()
        for pid in (self.main, self.grandchild):
            os.kill(pid, signal.SIGKILL)
        support.wait_until("they are gone", lambda: not lives(self.main) and not lives(self.grandchild)
                           and not support.processes_left())
        self.assertTrue(folder.is_dir())
        self.start_daemon({})
        support.wait_until("the folder is gone", lambda: not folder.parent.exists())

    def test_groups_that_a_program_makes_within_its_own(self):
        daemon = self.start_programs({"it": {"timeout_stop_sec": "300ms"}}, scripts=SCRIPTS)
        daemon.ctl("start", "it")
        folder = self.folder_of(daemon)
        (folder / "mine" / "deep").mkdir(parents=True)
        hidden = subprocess.Popen(["/bin/sleep", "601"], start_new_session=True)
        (folder / "mine" / "deep" / "cgroup.procs").write_text(str(hidden.pid))
        daemon.ctl("stop", "it")
        self.assertEqual(hidden.wait(support.DEADLINE), -signal.SIGTERM)
        daemon.wait_for("it", active_state="inactive", result="success")
        daemon.ctl("start", "it")
        daemon.wait_for("it", sub_state="running")

    def test_no_more_groups_can_be_made(self):
        daemon = self.start_programs({"first": {}, "it": {"exec_start": FAMILY}}, scripts=SCRIPTS)
        daemon.ctl("start", "first")
        (self.folder_of(daemon, "first").parent / "cgroup.max.descendants").write_text("1")
        daemon.ctl("start", "it")
        daemon.wait_for_log("it", "up\n")
        self.grandchild = int((daemon.folder / "grandchild").read_text())
        self.addCleanup(self.kill_grandchild)
        status = daemon.wait_for("it", sub_state="running", control_group="")
        self.assertEqual(support.control_group_of(status["main_pid"]), support.control_group_of(daemon.process.pid))
        # It goes by descent then, and says so.
        self.assertRegex(daemon.messages(), "it: .*control group")
        daemon.ctl("stop", "it")
        daemon.wait_for("it", active_state="inactive", result="success")
        self.assertFalse(lives(self.grandchild))


class Descent(Family, support.Test):
    settings = {"control_groups": False}

    def test_there_are_none(self):
        daemon = self.start_family()
        self.assertEqual(daemon.status("it")["control_group"], "")
        self.assertEqual(support.control_group_of(self.main), support.control_group_of(os.getpid()))
        self.assertIn("no control groups", daemon.messages())


def ignores(pid, number):
    with open(f"/proc/{pid}/status") as file:
        mask = next(line.split()[1] for line in file if line.startswith("SigIgn:"))
    return bool(int(mask, 16) & 1 << number - 1)


def control_groups_are_there():
    folder = support.control_group_folder(support.control_group_of("self"))
    return bool(folder) and os.access(folder, os.W_OK)


if __name__ == "__main__":
    support.main()
