"""procctl as scripts use it: its exit codes, its JSON, and its verbs."""

import json
import os
import re
import subprocess

import support

SLEEPER = {"exec_start": "/bin/sleep 600"}
FIELDS = {"name", "program", "active_state", "sub_state", "result", "main_pid", "n_restarts", "exec_main_code",
          "exec_main_status", "active_enter_timestamp", "next_restart_in_sec"}


class Procctl(support.Test):
    def start_some(self):
        daemon = self.start_daemon({
            "up": SLEEPER | {"description": "Sleeps all day"},
            "down": SLEEPER | {"autostart": False},
            "failing": {"exec_start": "/bin/false", "restart": "no"},
            "retrying": {"exec_start": "/bin/false", "restart": "always", "restart_sec": "10min"},
            "worker": SLEEPER | {"instances": 2, "tags": ["batch"]},
        })
        daemon.wait_for("up", active_state="active")
        daemon.wait_for("failing", active_state="failed")
        daemon.wait_for("retrying", sub_state="auto-restart")
        daemon.wait_for("worker@2", active_state="active")
        return daemon

    def test_status_as_json(self):
        daemon = self.start_some()
        rows = json.loads(daemon.ctl("status", "-o", "json").stdout)
        self.assertEqual([row["name"] for row in rows], ["down", "failing", "retrying", "up", "worker@1", "worker@2"])
        for row in rows:
            self.assertLessEqual(FIELDS, set(row))
        up = next(row for row in rows if row["name"] == "up")
        self.assertEqual((up["active_state"], up["sub_state"], up["result"]), ("active", "running", "success"))
        self.assertGreater(up["active_enter_timestamp"], 1_600_000_000_000_000)
        self.assertTrue(os.path.exists(f"/proc/{up['main_pid']}"))
        self.assertIsNone(up["next_restart_in_sec"])
        retrying = next(row for row in rows if row["name"] == "retrying")
        self.assertTrue(500 < retrying["next_restart_in_sec"] <= 600)
        down = next(row for row in rows if row["name"] == "down")
        self.assertEqual((down["main_pid"], down["exec_main_code"], down["active_enter_timestamp"]), (0, 0, 0))

    def test_status_for_people(self):
        daemon = self.start_some()
        table = daemon.ctl("status").stdout
        for name in ("up", "down", "failing", "retrying", "worker@1", "worker@2"):
            self.assertRegex(table, rf"(?m)^\W*{name}\b")
        self.assertNotIn("\x1b", table)
        self.assertIn("Sleeps all day", daemon.ctl("status", "up").stdout)

    def test_exit_codes_of_status(self):
        daemon = self.start_some()
        daemon.ctl("status", code=0)
        daemon.ctl("status", "up", code=0)
        daemon.ctl("status", "up", "down", code=3)
        daemon.ctl("status", "failing", code=3)
        daemon.ctl("status", "up", "nobody", code=4)

    def test_exit_codes_of_is_active_and_is_failed(self):
        daemon = self.start_some()
        daemon.ctl("is-active", "up", code=0)
        daemon.ctl("is-active", "up", "down", code=0)
        daemon.ctl("is-active", "retrying", code=3)
        daemon.ctl("is-active", "down", code=3)
        daemon.ctl("is-active", "nobody", code=4)
        daemon.ctl("is-failed", "failing", code=0)
        self.assertNotEqual(daemon.ctl("is-failed", "up", code=None).returncode, 0)

    def test_other_exit_codes(self):
        daemon = self.start_some()
        daemon.ctl("frobnicate", code=2)
        daemon.ctl("start", code=2)
        daemon.ctl("start", "nobody", code=4)
        daemon.ctl("kill", "-s", "NOSUCH", "up", code=2)
        done = subprocess.run([support.PROCCTL, "--socket", "/nonexistent/procctl.sock", "status"], capture_output=True,
                              text=True)
        self.assertEqual(done.returncode, 5)
        self.assertIn("/nonexistent/procctl.sock", done.stderr)

    @support.needs_root("another user asks")
    def test_a_stranger_may_not(self):
        daemon = self.start_daemon({"up": SLEEPER}, settings={"socket_mode": "0666"})
        before = daemon.wait_for("up", active_state="active")["main_pid"]
        done = subprocess.run([support.PROCCTL, "--socket", daemon.socket, "stop", "up"], capture_output=True,
                              text=True, user=65534, group=65534, extra_groups=[])
        self.assertEqual(done.returncode, 6, done.stdout + done.stderr)
        self.assertEqual(daemon.status("up")["main_pid"], before)

    def test_the_socket_of_the_environment(self):
        daemon = self.start_some()
        done = subprocess.run([support.PROCCTL, "is-active", "up"], capture_output=True,
                              env=os.environ | {"PROCCTL_SOCKET": str(daemon.socket)})
        self.assertEqual(done.returncode, 0)

    def test_start_stop_restart_wait_for_the_job(self):
        daemon = self.start_some()
        daemon.ctl("start", "down")
        self.assertEqual(daemon.status("down")["active_state"], "active")
        daemon.ctl("start", "down")
        before = daemon.status("down")["main_pid"]
        daemon.ctl("restart", "down")
        self.assertNotIn(daemon.status("down")["main_pid"], (0, before))
        daemon.ctl("stop", "down")
        self.assertEqual(daemon.status("down")["active_state"], "inactive")
        daemon.ctl("stop", "down")

    def test_a_start_that_fails(self):
        daemon = self.start_daemon({"broken": {"type": "exec", "exec_start": "/nonexistent/program", "restart": "no",
                                               "autostart": False}})
        failed = daemon.ctl("start", "broken", code=1)
        self.assertRegex(failed.stdout + failed.stderr, "203.{0,2}EXEC")

    def test_a_program_without_a_number_means_all_its_instances(self):
        daemon = self.start_some()
        daemon.ctl("stop", "worker")
        self.assertEqual({daemon.status(f"worker@{n}")["active_state"] for n in (1, 2)}, {"inactive"})
        daemon.ctl("start", "worker@2")
        self.assertEqual([daemon.status(f"worker@{n}")["active_state"] for n in (1, 2)], ["inactive", "active"])
        daemon.ctl("stop", "work*")
        daemon.ctl("start", "@batch")
        self.assertEqual({daemon.status(f"worker@{n}")["active_state"] for n in (1, 2)}, {"active"})

    def test_stop_ends_the_waiting_for_a_restart(self):
        daemon = self.start_some()
        daemon.ctl("stop", "retrying")
        daemon.wait_for("retrying", active_state="inactive", next_restart_in_sec=None)

    def test_kill_is_an_outside_signal(self):
        daemon = self.start_some()
        before = daemon.status("up")["main_pid"]
        daemon.ctl("kill", "-s", "KILL", "up")
        daemon.wait_for("up", lambda row: row["main_pid"] not in (0, before), active_state="active", n_restarts=1)

    def test_reset_failed(self):
        daemon = self.start_some()
        daemon.ctl("reset-failed", "failing")
        daemon.wait_for("failing", active_state="inactive", sub_state="dead", result="success")

    def test_show_and_cat(self):
        daemon = self.start_some()
        shown = json.loads(daemon.ctl("show", "-o", "json", "worker@1").stdout)
        self.assertIn('"main_pid"', json.dumps(shown))
        self.assertIn("restart_sec", daemon.ctl("show", "worker@1").stdout)
        text = daemon.ctl("cat", "worker").stdout
        self.assertIn("/bin/sleep 600", text)
        self.assertIn(str(daemon.conf_d / "programs.yaml"), text)

    def test_version(self):
        done = subprocess.run([support.PROCCTL, "version"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0)
        self.assertTrue(re.search(r"\d+\.\d+\.\d+", done.stdout), done.stdout)

    def test_help(self):
        done = subprocess.run([support.PROCCTL, "--help"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0)
        for verb in ("status", "start", "stop", "restart", "kill", "show", "cat", "logs", "update", "reset-failed",
                     "is-active", "is-failed", "check", "version"):
            self.assertIn(verb, done.stdout)


if __name__ == "__main__":
    support.main()
