"""conf.d and what becomes of it: at start, by `procctl update`, by SIGHUP, and offline by `procctl check`."""

import os
import signal
import subprocess

import support

SLEEPER = {"exec_start": "/bin/sleep 600"}


class Update(support.Test):
    def pids(self, daemon):
        return {name: row["main_pid"] for name, row in daemon.statuses().items()}

    def change_everything(self, daemon):
        """One program stays, one changes, one goes, one comes."""
        daemon.write("programs.yaml", {"same": SLEEPER, "new": SLEEPER,
                                       "changed": SLEEPER | {"environment": {"COLOUR": "blue"}}})

    def check_everything_changed(self, daemon, before):
        daemon.wait_for("new", active_state="active")
        daemon.wait_for("changed", lambda row: row["main_pid"] not in (0, before["changed"]), active_state="active")
        support.wait_until("the removed program is forgotten", lambda: "removed" not in daemon.statuses())
        self.assertTrue(support.is_gone(before["removed"]))
        self.assertEqual(daemon.status("same")["main_pid"], before["same"])
        environment = open(f"/proc/{daemon.status('changed')['main_pid']}/environ").read()
        self.assertIn("COLOUR=blue", environment)

    def start_three(self):
        daemon = self.start_daemon({"same": SLEEPER, "changed": SLEEPER, "removed": SLEEPER})
        for name in ("same", "changed", "removed"):
            daemon.wait_for(name, active_state="active")
        return daemon, self.pids(daemon)

    def test_update_touches_only_what_changed(self):
        daemon, before = self.start_three()
        self.change_everything(daemon)
        daemon.ctl("update")
        self.check_everything_changed(daemon, before)

    def test_sighup_does_the_same(self):
        daemon, before = self.start_three()
        self.change_everything(daemon)
        daemon.process.send_signal(signal.SIGHUP)
        self.check_everything_changed(daemon, before)

    def test_a_folder_of_programs_that_is_away_changes_nothing(self):
        daemon, before = self.start_three()
        folder = os.path.join(daemon.folder, "conf.d")
        os.rename(folder, folder + ".away")
        said = daemon.ctl("update", code=1)
        self.assertIn("does not exist", said.stdout + said.stderr)
        self.assertEqual(self.pids(daemon), before)
        os.rename(folder + ".away", folder)
        daemon.ctl("update")
        self.assertEqual(self.pids(daemon), before)

    def test_a_dry_run_says_what_would_happen_and_does_nothing(self):
        daemon, before = self.start_three()
        self.change_everything(daemon)
        words = daemon.ctl("update", "--dry-run").stdout
        for name in ("changed", "removed", "new"):
            self.assertIn(name, words)
        self.assertEqual(self.pids(daemon), before)

    def test_an_update_without_a_change_changes_nothing(self):
        daemon, before = self.start_three()
        daemon.ctl("update")
        self.assertEqual(self.pids(daemon), before)

    def test_any_error_changes_nothing_and_all_errors_are_said(self):
        daemon, before = self.start_three()
        self.change_everything(daemon)
        daemon.write("bad.yaml", "programs:\n  bad:\n    exec_start: /bin/true\n    stopwaitsecs: 5\n"
                                 "    restart: sometimes\n")
        daemon.write("worse.yaml", "programs:\n  worse:\n    RestartSec: 5s\n")
        failed = daemon.ctl("update", code=1)
        words = failed.stdout + failed.stderr
        self.assertIn("bad.yaml:4:5", words)
        self.assertIn("timeout_stop_sec", words)
        self.assertIn("bad.yaml:5:", words)
        self.assertIn("sometimes", words)
        self.assertIn("worse.yaml:3:5", words)
        self.assertIn("restart_sec", words)
        self.assertEqual(self.pids(daemon), before)

        daemon.process.send_signal(signal.SIGHUP)
        daemon.wait_for_message("worse.yaml:3:5")
        self.assertEqual(self.pids(daemon), before)

    def test_the_same_program_in_two_files_names_both(self):
        daemon, before = self.start_three()
        daemon.write("twice.yaml", {"same": SLEEPER})
        failed = daemon.ctl("update", code=1)
        self.assertIn("programs.yaml:", failed.stdout + failed.stderr)
        self.assertIn("twice.yaml:", failed.stdout + failed.stderr)
        self.assertEqual(self.pids(daemon), before)

    def test_a_stopped_program_stays_stopped_when_it_changes(self):
        daemon, _ = self.start_three()
        daemon.ctl("stop", "changed")
        self.change_everything(daemon)
        daemon.ctl("update")
        self.assertEqual(daemon.status("changed")["active_state"], "inactive")
        daemon.ctl("start", "changed")
        self.assertIn("COLOUR=blue", open(f"/proc/{daemon.status('changed')['main_pid']}/environ").read())

    def test_instances_come_and_go(self):
        daemon = self.start_daemon({"worker": SLEEPER | {"instances": 3}})
        for n in (1, 2, 3):
            daemon.wait_for(f"worker@{n}", active_state="active", program="worker")
        daemon.write("programs.yaml", {"worker": SLEEPER | {"instances": 4}})
        daemon.ctl("update")
        self.assertEqual(sorted(daemon.statuses()), [f"worker@{n}" for n in (1, 2, 3, 4)])
        daemon.write("programs.yaml", {"worker": SLEEPER | {"instances": 1}})
        daemon.ctl("update")
        support.wait_until("one is left", lambda: sorted(daemon.statuses()) == ["worker@1"])

    def test_a_program_without_autostart_waits_to_be_asked(self):
        daemon = self.start_daemon({"lazy": SLEEPER | {"autostart": False}, "eager": SLEEPER})
        daemon.wait_for("eager", active_state="active")
        self.assertEqual(daemon.status("lazy")["active_state"], "inactive")
        daemon.ctl("start", "lazy")
        daemon.wait_for("lazy", active_state="active")


class AtStart(support.Test):
    def test_a_broken_file_does_not_keep_the_good_ones_down(self):
        daemon = self.make_daemon({"good": SLEEPER})
        daemon.write("broken.yaml", "programs:\n  broken:\n    exec_start: [\n")
        daemon.write("twice-1.yaml", {"twice": SLEEPER, "with-twice-1": SLEEPER})
        daemon.write("twice-2.yaml", {"twice": SLEEPER})
        daemon.start()
        self.addCleanup(daemon.terminate)
        daemon.wait_for("good", active_state="active")
        self.assertEqual(list(daemon.statuses()), ["good"])
        said = daemon.ctl("status")
        self.assertIn("broken.yaml:", said.stdout + said.stderr)
        daemon.wait_for_message("broken.yaml:")
        daemon.wait_for_message("twice-2.yaml:")

    def test_a_missing_settings_file_is_an_error(self):
        done = subprocess.run([support.PROCCTLD, "--config", "/nonexistent/procctl.yaml"], capture_output=True, text=True,
                              timeout=support.DEADLINE)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("/nonexistent/procctl.yaml", done.stderr)

    def test_missing_folders_are_made_and_an_empty_conf_d_is_fine(self):
        daemon = self.make_daemon()
        daemon.conf_d.rmdir()
        daemon.start()
        self.addCleanup(daemon.terminate)
        self.assertEqual(daemon.statuses(), {})
        for folder in (daemon.conf_d, daemon.log_dir, daemon.folder / "state"):
            self.assertEqual(folder.stat().st_mode & 0o777, 0o750, folder)

    @support.needs_root("the owner of a file is what is checked")
    def test_a_file_that_anyone_may_write_is_refused(self):
        daemon = self.make_daemon({"good": SLEEPER})
        daemon.write("open.yaml", {"open": SLEEPER})
        (daemon.conf_d / "open.yaml").chmod(0o666)
        daemon.write("foreign.yaml", {"foreign": SLEEPER})
        os.chown(daemon.conf_d / "foreign.yaml", 65534, 65534)
        daemon.start()
        self.addCleanup(daemon.terminate)
        self.assertEqual(list(daemon.statuses()), ["good"])
        daemon.wait_for_message("open.yaml")
        daemon.wait_for_message("foreign.yaml")

    def test_a_name_that_is_not_read_is_mentioned(self):
        daemon = self.make_daemon({"good": SLEEPER})
        daemon.write("other.yml", {"other": SLEEPER})
        daemon.start()
        self.addCleanup(daemon.terminate)
        self.assertEqual(list(daemon.statuses()), ["good"])
        daemon.wait_for_message("other.yml")


class Check(support.Test):
    def check(self, *arguments):
        return subprocess.run([support.PROCCTL, "check", *map(str, arguments)], capture_output=True, text=True,
                              timeout=support.DEADLINE)

    def test_good_files(self):
        daemon = self.make_daemon({"good": SLEEPER})
        done = self.check(daemon.conf_d / "programs.yaml")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_bad_files(self):
        daemon = self.make_daemon()
        daemon.write("bad.yaml", "programs:\n  bad:\n    exec_start: /bin/true\n    restrat: always\n")
        daemon.write("user.yaml", {"unknown": SLEEPER | {"user": "no-such-user"}})
        done = self.check(daemon.conf_d / "bad.yaml", daemon.conf_d / "user.yaml")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("bad.yaml:4:5", done.stdout + done.stderr)
        self.assertIn("did you mean", done.stdout + done.stderr)
        self.assertIn("no-such-user", done.stdout + done.stderr)

    def test_the_daemon_checks_its_whole_configuration(self):
        daemon = self.make_daemon({"good": SLEEPER})
        command = [support.PROCCTLD, "--check", "--config", daemon.config]
        self.assertEqual(subprocess.run(command, capture_output=True).returncode, 0)
        daemon.write("bad.yaml", "programs: 5\n")
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("bad.yaml:1:11", done.stdout + done.stderr)

    def test_hostile_files_are_errors_and_no_more(self):
        daemon = self.make_daemon()
        hostile = {
            "large.yaml": "programs:\n" + "# padding\n" * 120_000,
            "deep.yaml": "programs: " + "[" * 100 + "]" * 100,
            "laughs.yaml": "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
                f"{b}: &{b} [{', '.join(9 * ['*' + a])}]\n" for a, b in zip("abcdefgh", "bcdefghi")) + "programs: *i\n",
            "nul.yaml": "programs:\n  a:\n    exec_start: /bin/true\0\n",
        }
        for name, text in hostile.items():
            daemon.write(name, text)
        (daemon.conf_d / "latin.yaml").write_bytes(b"programs:\n  a:\n    exec_start: /bin/echo \xff\n")
        for name in [*hostile, "latin.yaml"]:
            with self.subTest(name):
                done = self.check(daemon.conf_d / name)
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                self.assertIn(name, done.stdout + done.stderr)


if __name__ == "__main__":
    support.main()
