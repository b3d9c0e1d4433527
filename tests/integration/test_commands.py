"""The lists of commands around a program, its path conditions, and its reload."""

import os
import signal
import subprocess

import support

LISTS = ["exec_condition", "exec_start_pre", "exec_start_post", "exec_reload", "exec_stop", "exec_stop_post"]
HANG = support.SLEEP
EXIT_3 = ["/bin/sh", "-c", "exit 3"]
UNTIL_GO = ["/bin/sh", "-c", "while [ ! -e FOLDER/go ]; do sleep 0.02; done"]
# Each tells that it has run.
STOP = {"exec_stop": "TELL stop"}
STOP_POST = {"exec_stop_post": "TELL stop_post"}


class Order(support.Test):
    def test_all_lists_in_order_and_what_each_is_told(self):
        daemon = self.start_programs({"it": {name: [["TELL", name], f"TELL {name}-second"] for name in LISTS}})
        self.assertEqual(daemon.job("start", "it"), "done")
        status = daemon.wait_for("it", sub_state="running")
        self.assertEqual(daemon.job("reload", "it"), "done")
        self.assertEqual(daemon.job("stop", "it"), "done")
        daemon.wait_for("it", active_state="inactive", result="success", control_pid=0)

        def both(name, told=""):
            return [name + told, name + "-second" + told]
        self.assertEqual(daemon.story("it", status["main_pid"]), [
            *both("exec_condition"), *both("exec_start_pre"), *both("exec_start_post", " MAINPID=MAIN"),
            *both("exec_reload", " MAINPID=MAIN"), *both("exec_stop", " MAINPID=MAIN SERVICE_RESULT=success"),
            *both("exec_stop_post", " SERVICE_RESULT=success EXIT_CODE=killed EXIT_STATUS=TERM")])
        self.assertEqual(set((daemon.folder / "invocations.it").read_text().split()), {status["invocation_id"]})

    def test_what_follows_an_end_by_itself(self):
        daemon = self.start_programs({
            "well": {"exec_start": "/bin/true", **STOP, **STOP_POST},
            "badly": {"exec_start": EXIT_3, **STOP, **STOP_POST}})
        daemon.ctl("start", "well", "badly")
        daemon.wait_for("badly", active_state="failed", result="exit-code", exec_main_status=3)
        daemon.wait_for("well", lambda row: row["exec_main_code"] == 1, active_state="inactive", result="success")
        ended = " SERVICE_RESULT=success EXIT_CODE=exited EXIT_STATUS=0"
        self.assertEqual(daemon.story("well"), ["stop" + ended, "stop_post" + ended])
        self.assertEqual(daemon.story("badly"), ["stop_post SERVICE_RESULT=exit-code EXIT_CODE=exited EXIT_STATUS=3"])

    def test_each_run_has_an_id_of_its_own(self):
        daemon = self.start_programs({"it": {"exec_start_pre": "TELL pre"}})
        daemon.ctl("start", "it")
        daemon.ctl("restart", "it")
        self.assertEqual(len(set((daemon.folder / "invocations.it").read_text().split())), 2)

    def test_around_the_commands_of_a_oneshot(self):
        lists = {name: f"TELL {name}" for name in LISTS}
        daemon = self.start_programs({"it": lists | {"type": "oneshot", "exec_start": [["TELL", "1"], ["TELL", "2"]]}})
        self.assertEqual(daemon.job("start", "it"), "done")
        daemon.wait_for("it", active_state="inactive", result="success")
        self.assertEqual([line.split()[0] for line in daemon.story("it")],
                         ["exec_condition", "exec_start_pre", "1", "2", "exec_start_post", "exec_stop", "exec_stop_post"])


class Failure(support.Test):
    def test_the_prefix_ignores_a_failure_in_every_list(self):
        daemon = self.start_programs({"it": {
            name: [["-/bin/false"], "-/nonexistent/command", ["TELL", name]] for name in LISTS}})
        self.assertEqual(daemon.job("start", "it"), "done")
        self.assertEqual(daemon.job("reload", "it"), "done")
        daemon.wait_for("it", sub_state="running", reload_result="success")
        self.assertEqual(daemon.job("stop", "it"), "done")
        daemon.wait_for("it", active_state="inactive", result="success")
        self.assertEqual([line.split()[0] for line in daemon.story("it")], LISTS)

    def test_a_failure_before_or_after_the_start(self):
        commands = [EXIT_3, ["TELL", "never"]]
        daemon = self.start_programs({
            "before": {"exec_start_pre": commands, **STOP, **STOP_POST},
            "after": {"exec_start_post": commands, **STOP, **STOP_POST},
            "missing": {"exec_start_pre": "/nonexistent/command", **STOP, **STOP_POST}})
        for name, key, code in (("before", "exec_start_pre", "3"), ("after", "exec_start_post", "3"),
                                ("missing", "exec_start_pre", "203")):
            with self.subTest(name):
                self.assertEqual(daemon.job("start", name, code=1), "failed")
                status = daemon.wait_for(name, active_state="failed", result="exit-code", main_pid=0, control_pid=0)
                self.assertIn(key, status["explanation"])
                self.assertIn(code, status["explanation"])
        self.assertEqual(daemon.story("before"), ["stop_post SERVICE_RESULT=exit-code"])
        self.assertEqual(daemon.story("missing"), ["stop_post SERVICE_RESULT=exit-code"])
        self.assertEqual(daemon.story("after"), ["stop_post SERVICE_RESULT=exit-code EXIT_CODE=killed EXIT_STATUS=TERM"])

    def test_a_failure_while_it_is_stopped(self):
        daemon = self.start_programs({
            "stop": {"exec_stop": [EXIT_3, ["TELL", "never"]], **STOP_POST},
            "stop-post": {"exec_stop_post": [["/bin/sh", "-c", "kill -USR1 $$$$"], ["TELL", "never"]]}})
        daemon.ctl("start", "stop", "stop-post")
        for name, key, result in (("stop", "exec_stop", "exit-code"), ("stop-post", "exec_stop_post", "signal")):
            with self.subTest(name):
                self.assertEqual(daemon.job("stop", name), "done")  # As systemd: it is down, and that was asked.
                status = daemon.wait_for(name, active_state="failed", result=result, main_pid=0)
                self.assertIn(key, status["explanation"])
        self.assertEqual(daemon.story("stop"), ["stop_post SERVICE_RESULT=exit-code EXIT_CODE=killed EXIT_STATUS=TERM"])
        self.assertEqual(daemon.story("stop-post"), [])

    def test_the_restart_policy_acts_on_a_failed_command(self):
        daemon = self.start_programs({"it": {
            "exec_start_pre": [["/bin/sh", "-c", "[ -e FOLDER/flag ] || { touch FOLDER/flag; exit 1; }"]],
            "restart": "on-failure"}})
        self.assertEqual(daemon.job("start", "it", code=1), "failed")
        daemon.wait_for("it", sub_state="running", n_restarts=1)

    def test_exec_condition(self):
        daemon = self.start_programs({name: {
            "exec_condition": [command, ["TELL", "never"]], "exec_start_pre": "TELL never", "restart": restart, **STOP_POST}
            for name, command, restart in (
                ("no", ["/bin/false"], "always"), ("missing", ["/nonexistent/command"], "always"),
                ("255", ["/bin/sh", "-c", "exit 255"], "no"), ("killed", ["/bin/sh", "-c", "kill -USR1 $$$$"], "no"))})
        for name in ("no", "missing"):
            self.assertIn(daemon.job("start", name), ("done", "skipped"))
            status = daemon.wait_for(name, active_state="inactive", result="exec-condition", n_restarts=0)
            self.assertIn("exec_condition", status["explanation"])
            self.assertEqual(daemon.story(name), ["stop_post SERVICE_RESULT=exec-condition"])
        for name, result in (("255", "exit-code"), ("killed", "signal")):
            self.assertEqual(daemon.job("start", name, code=1), "failed")
            daemon.wait_for(name, active_state="failed", result=result)
            self.assertEqual(daemon.story(name), [f"stop_post SERVICE_RESULT={result}"])


class Hanging(support.Test):
    """A command that does not end."""

    def test_before_and_after_the_start(self):
        names = ["exec_condition", "exec_start_pre", "exec_start_post"]
        daemon = self.start_programs({name: {
            name: [HANG, ["TELL", "never"]], "timeout_start_sec": "300ms", **STOP, **STOP_POST} for name in names})
        for name in names:
            with self.subTest(name):
                self.assertIn(daemon.job("start", name, code=1), ("failed", "timeout"))
                status = daemon.wait_for(name, active_state="failed", result="timeout", main_pid=0, control_pid=0)
                self.assertIn("timeout_start_sec", status["explanation"])
                told = "stop_post SERVICE_RESULT=timeout"
                self.assertEqual(daemon.story(name), [
                    told + " EXIT_CODE=killed EXIT_STATUS=TERM" if name == "exec_start_post" else told])

    def test_while_it_is_stopped(self):
        daemon = self.start_programs({
            "stop": {"exec_stop": [HANG, ["TELL", "never"]], "timeout_stop_sec": "300ms", **STOP_POST},
            "stop-post": {"exec_stop_post": [HANG, ["TELL", "never"]], "timeout_stop_sec": "300ms"}})
        daemon.ctl("start", "stop", "stop-post")
        for name in ("stop", "stop-post"):
            with self.subTest(name):
                self.assertEqual(daemon.job("stop", name), "done")
                status = daemon.wait_for(name, active_state="failed", result="timeout", main_pid=0, control_pid=0)
                self.assertIn("timeout_stop_sec", status["explanation"])
        self.assertEqual(daemon.story("stop"), ["stop_post SERVICE_RESULT=timeout EXIT_CODE=killed EXIT_STATUS=TERM"])
        self.assertEqual(daemon.story("stop-post"), [])

    def test_each_command_has_the_limit_for_itself(self):
        daemon = self.start_programs({"it": {"exec_start_pre": 4 * [["/bin/sleep", "0.5"]], "timeout_start_sec": "1.5s"}})
        self.assertEqual(daemon.job("start", "it"), "done")

    def test_one_that_ignores_sigterm(self):
        daemon = self.start_programs({"it": {
            "exec_start_pre": [["/bin/sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"]],
            "timeout_start_sec": "300ms", "timeout_stop_sec": "300ms"}})
        daemon.ctl("start", "it", code=1)
        daemon.wait_for("it", active_state="failed", result="timeout", control_pid=0)
        self.assertFalse([line for line in support.descendants(daemon.process.pid).values() if "trap" in line])


class Interrupted(support.Test):
    """A request while a command runs."""

    def test_a_stop_during_each_command_of_a_start(self):
        names = ["exec_condition", "exec_start_pre", "exec_start_post"]
        daemon = self.start_programs({name: {name: [HANG, ["TELL", "never"]], "restart": "always", **STOP, **STOP_POST}
                                      for name in names})
        daemon.ctl("start", "--no-wait", *names)
        for name in names:
            with self.subTest(name):
                status = daemon.wait_for(name, lambda row: row["control_pid"], control_command=name)
                self.assertEqual(status["active_state"], "activating")
                self.assertEqual(daemon.job("stop", name), "done")
                # The command has died by SIGTERM, which is no clean end of a command.
                daemon.wait_for(name, active_state="failed", result="signal", main_pid=0, control_pid=0)
                self.assertEqual([line.split()[:2] for line in daemon.story(name)],
                                 [["stop_post", "SERVICE_RESULT=signal"]])

    def test_a_stop_cancels_the_start(self):
        daemon = self.start_programs({"it": {"exec_start_pre": HANG}})
        client = subprocess.Popen([support.PROCCTL, "--socket", daemon.socket, "start", "it", "-o", "json"],
                                  stdout=subprocess.PIPE, text=True)
        daemon.wait_for("it", lambda row: row["control_pid"])
        daemon.ctl("stop", "it")
        self.assertIn('"canceled"', client.communicate(timeout=support.DEADLINE)[0])
        self.assertEqual(client.returncode, 1)

    def test_a_stop_during_a_reload(self):
        daemon = self.start_programs({"it": {"exec_reload": HANG, **STOP, **STOP_POST}})
        daemon.ctl("start", "it")
        daemon.ctl("reload", "it", "--no-wait")
        daemon.wait_for("it", lambda row: row["control_pid"], active_state="reloading", sub_state="reload")
        self.assertEqual(daemon.job("stop", "it"), "done")
        daemon.wait_for("it", active_state="failed", result="signal", main_pid=0, control_pid=0)

    def test_a_second_stop_waits_with_the_first(self):
        daemon = self.start_programs({"it": {"exec_stop": [UNTIL_GO, ["TELL", "stop"]], **STOP_POST}})
        daemon.ctl("start", "it")
        daemon.ctl("stop", "it", "--no-wait")
        status = daemon.wait_for("it", lambda row: row["control_pid"], active_state="deactivating", sub_state="stop")
        daemon.ctl("stop", "it", "--no-wait")
        self.assertEqual(daemon.status("it")["control_pid"], status["control_pid"])
        # The end of the program meanwhile does not break the list off.
        os.kill(status["main_pid"], signal.SIGTERM)
        daemon.wait_for("it", main_pid=0, sub_state="stop")
        (daemon.folder / "go").touch()
        daemon.wait_for("it", active_state="inactive", result="success")
        told = " SERVICE_RESULT=success EXIT_CODE=killed EXIT_STATUS=TERM"
        self.assertEqual(daemon.story("it"), ["stop" + told, "stop_post" + told])

    def test_a_start_during_exec_stop_post_follows(self):
        daemon = self.start_programs({"it": {"exec_stop_post": [UNTIL_GO]}})
        daemon.ctl("start", "it")
        before = daemon.status("it")["invocation_id"]
        daemon.ctl("stop", "it", "--no-wait")
        daemon.wait_for("it", lambda row: row["control_pid"], sub_state="stop-post", main_pid=0)
        daemon.ctl("start", "it", "--no-wait")
        (daemon.folder / "go").touch()
        daemon.wait_for("it", lambda row: row["invocation_id"] != before, sub_state="running")

    def test_the_end_of_the_daemon_during_a_start(self):
        daemon = self.start_programs({"it": {"exec_start_pre": HANG, **STOP_POST}})
        daemon.ctl("start", "it", "--no-wait")
        daemon.wait_for("it", lambda row: row["control_pid"])
        daemon.terminate()
        self.assertEqual(daemon.story("it"), ["stop_post SERVICE_RESULT=signal"])


class Paths(support.Test):
    def test_conditions(self):
        daemon = self.start_programs({
            "there": {"condition_path_exists": "FOLDER/flag", **STOP_POST},
            "not-there": {"condition_path_exists": ["!FOLDER/flag"]},
            "one-of": {"condition_path_exists": ["|/nonexistent", "|/tmp"]},
            "none-of": {"condition_path_exists": ["|/nonexistent", "|!/tmp", "/tmp"]}})
        daemon.ctl("start", "all")  # To skip is no failure.
        self.assertEqual({name: row["active_state"] for name, row in daemon.statuses().items()},
                         {"there": "inactive", "not-there": "active", "one-of": "active", "none-of": "inactive"})
        status = daemon.status("there")
        self.assertEqual((status["result"], status["invocation_id"]), ("success", ""))
        self.assertIn(f"{daemon.folder}/flag", status["explanation"])
        self.assertEqual(daemon.story("there"), [])
        (daemon.folder / "flag").touch()
        daemon.ctl("start", "there")
        self.assertEqual(daemon.status("there")["active_state"], "active")
        # A restart stops first, and then finds that it may not start.
        self.assertIn(daemon.job("restart", "not-there", code=None), ("done", "skipped"))
        daemon.wait_for("not-there", active_state="inactive", main_pid=0)

    def test_asserts(self):
        daemon = self.start_programs({
            "never": {"assert_path_exists": "/nonexistent/file", "restart": "always"},
            "sometimes": {"assert_path_exists": "!FOLDER/flag"}})
        self.assertEqual(daemon.job("start", "never", code=1), "assert-failed")
        status = daemon.wait_for("never", active_state="inactive", n_restarts=0)
        self.assertIn("/nonexistent/file", status["explanation"])
        self.assertEqual(daemon.job("start", "sometimes"), "done")
        (daemon.folder / "flag").touch()
        self.assertEqual(daemon.job("restart", "sometimes", code=1), "assert-failed")
        daemon.wait_for("sometimes", active_state="inactive", main_pid=0)

    def test_an_automatic_restart_looks_again(self):
        keys = ["condition_path_exists", "assert_path_exists"]
        daemon = self.start_programs({key: {key: "!FOLDER/flag", "restart": "always"} for key in keys})
        daemon.ctl("start", "all")
        (daemon.folder / "flag").touch()
        for key in keys:
            os.kill(daemon.status(key)["main_pid"], signal.SIGKILL)
            # The result is still that of the run that ended, as systemd has it (oracle C30).
            daemon.wait_for(key, active_state="inactive", main_pid=0, next_restart_in_sec=None, result="signal")
        (daemon.folder / "flag").unlink()
        daemon.ctl("start", "all")
        for key in keys:
            daemon.wait_for(key, active_state="active", result="success")


class Reload(support.Test):
    def test_exec_reload(self):
        daemon = self.start_programs({"it": {
            "exec_start": ["/bin/sh", "-c", "trap 'echo again' HUP; echo up; while :; do sleep 0.05; done"],
            "exec_reload": "/bin/kill -HUP $MAINPID"}})
        daemon.ctl("start", "it")
        daemon.wait_for_log("it", "up\n")
        pid = daemon.status("it")["main_pid"]
        self.assertEqual(daemon.job("reload", "it"), "done")
        daemon.wait_for_log("it", "again\n")
        daemon.wait_for("it", main_pid=pid, sub_state="running", reload_result="success")

    def test_what_goes_wrong_with_it_leaves_the_program_running(self):
        never = ["/bin/kill", "-KILL", "$MAINPID"]
        daemon = self.start_programs({
            "fails": {"exec_reload": [EXIT_3, never]},
            "is-killed": {"exec_reload": [["/bin/sh", "-c", "kill -TERM $$$$"], never]},
            "hangs": {"exec_reload": [["/bin/sh", "-c", "trap '' TERM; exec sleep 600"], never],
                      "timeout_start_sec": "500ms"}})
        daemon.ctl("start", "all")
        for name, result in (("fails", "exit-code"), ("is-killed", "signal"), ("hangs", "timeout")):
            with self.subTest(name):
                self.assertIn(daemon.job("reload", name, code=1), ("failed", "timeout"))
                daemon.wait_for(name, sub_state="running", result="success", reload_result=result, n_restarts=0,
                                control_pid=0)

    def test_the_program_ends_meanwhile(self):
        daemon = self.start_programs({"it": {"exec_reload": [UNTIL_GO], **STOP_POST}})
        daemon.ctl("start", "it")
        daemon.ctl("reload", "it", "--no-wait")
        status = daemon.wait_for("it", lambda row: row["control_pid"], sub_state="reload")
        os.kill(status["main_pid"], signal.SIGKILL)
        # As systemd: its end is acted upon when the command has ended.
        daemon.wait_for("it", main_pid=0, sub_state="reload")
        (daemon.folder / "go").touch()
        daemon.wait_for("it", active_state="failed", result="signal")
        self.assertEqual(daemon.story("it"), ["stop_post SERVICE_RESULT=signal EXIT_CODE=killed EXIT_STATUS=KILL"])

    def test_what_cannot_be_reloaded(self):
        daemon = self.start_programs({"down": {"exec_reload": "TELL never"}, "plain": {}})
        daemon.ctl("start", "plain")
        self.assertEqual(daemon.job("reload", "down", code=1), "invalid")
        self.assertEqual(daemon.job("reload", "plain", code=1), "unsupported")
        self.assertEqual(daemon.story("down"), [])

    def test_try_restart(self):
        daemon = self.start_programs({"down": {}, "up": {}})
        daemon.ctl("start", "up")
        before = daemon.status("up")["main_pid"]
        self.assertEqual(daemon.job("try-restart", "down"), "skipped")
        self.assertEqual(daemon.job("try-restart", "up"), "done")
        self.assertEqual(daemon.status("down")["active_state"], "inactive")
        self.assertNotEqual(daemon.wait_for("up", active_state="active")["main_pid"], before)


class Others(support.Test):
    """on_failure and on_success."""

    def watched(self, **keys):
        return self.start_programs({
            "it": {"on_failure": ["bad", "bad-too"], "on_success": "good"} | keys,
            **{name: {"type": "oneshot", "exec_start": "TELL %n", "environment": {"STORY": "watchers"}}
               for name in ("bad", "good")},
            "bad-too": {"type": "oneshot", "exec_start": "TELL %n", "environment": {"STORY": "watchers"}, "instances": 2}})

    def test_they_are_started_once_when_restarts_are_over(self):
        daemon = self.watched(exec_start=EXIT_3, restart="on-failure", restart_sec="20ms", start_limit_burst=3)
        daemon.ctl("start", "it")
        status = daemon.wait_for("it", active_state="failed", n_restarts=3)
        support.wait_until("all have told", lambda: len(daemon.story("watchers")) >= 3)
        told = ("MONITOR_UNIT=it MONITOR_SERVICE_RESULT=exit-code MONITOR_EXIT_CODE=exited MONITOR_EXIT_STATUS=3 "
                f"MONITOR_INVOCATION_ID={status['invocation_id']}")
        for name in ("bad", "bad-too@1", "bad-too@2"):
            daemon.wait_for(name, active_state="inactive", monitored="it", monitored_result="exit-code")
        self.assertEqual(sorted(daemon.story("watchers")), [f"bad {told}", f"bad-too@1 {told}", f"bad-too@2 {told}"])

    def test_a_good_end(self):
        daemon = self.watched()
        daemon.ctl("start", "it")
        run = daemon.status("it")["invocation_id"]
        daemon.ctl("stop", "it")
        daemon.wait_for("good", lambda row: row["exec_main_code"], active_state="inactive", monitored="it")
        self.assertEqual(daemon.story("watchers"), [
            "good MONITOR_UNIT=it MONITOR_SERVICE_RESULT=success MONITOR_EXIT_CODE=killed MONITOR_EXIT_STATUS=TERM "
            f"MONITOR_INVOCATION_ID={run}"])

    def test_by_hand_they_are_told_nothing(self):
        daemon = self.watched()
        daemon.ctl("start", "good")
        self.assertEqual(daemon.story("watchers"), ["good"])


if __name__ == "__main__":
    support.main()
