"""What a program finds when it starts: who it is, where it is, and what surrounds it."""

import json
import os
import pwd
import signal

import support

# Prints all it can find out about itself as one line of JSON.
INTROSPECT = """#!/usr/bin/python3
import ctypes, json, os, resource, signal
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
umask = os.umask(0)
limits = {name: resource.getrlimit(getattr(resource, name)) for name in ("RLIMIT_NOFILE", "RLIMIT_CORE", "RLIMIT_NPROC")}
print(json.dumps({
    "uid": os.getresuid(), "gid": os.getresgid(), "groups": sorted(os.getgroups()), "cwd": os.getcwd(),
    "umask": umask, "environment": dict(os.environ), "limits": limits, "nice": os.nice(0),
    "oom_score_adj": int(open("/proc/self/oom_score_adj").read()), "session": os.getsid(0), "pid": os.getpid(),
    "blocked": int(status["SigBlk"], 16), "ignored": int(status["SigIgn"], 16),
    "descriptors": sorted(map(int, os.listdir("/proc/self/fd")))[:-1], "stdin": os.readlink("/proc/self/fd/0"),
}), flush=True)
"""


class Process(support.Test):
    def introspect(self, **keys):
        daemon = self.make_daemon()
        script = daemon.script("introspect.py", INTROSPECT)
        (daemon.folder / "environment").write_text("# a comment\nFROM_FILE='quoted value'\nBOTH=file\n")
        keys = {key: value.replace("FOLDER", str(daemon.folder)) if isinstance(value, str) else value
                for key, value in keys.items()}
        daemon.write("programs.yaml", {"it": {"exec_start": [script], "restart": "no"} | keys})
        daemon.start()
        self.addCleanup(daemon.terminate)
        support.wait_until("the program has ended", lambda: daemon.status("it")["exec_main_exit_timestamp"])
        status = daemon.status("it")
        self.assertEqual(status["exec_main_status"], 0, (status, daemon.log("it")))
        return json.loads(daemon.wait_for_log("it", "\n"))

    def test_the_defaults(self):
        seen = self.introspect()
        self.assertEqual(seen["cwd"], "/")
        self.assertEqual(seen["umask"], 0o022)
        self.assertEqual(seen["session"], seen["pid"])
        self.assertEqual(seen["blocked"], 0)
        # Python itself ignores SIGPIPE and SIGXFSZ; nothing else may be ignored.
        self.assertEqual(seen["ignored"] & ~(1 << signal.SIGPIPE - 1 | 1 << signal.SIGXFSZ - 1), 0)
        self.assertEqual(seen["descriptors"], [0, 1, 2])
        self.assertEqual(seen["stdin"], "/dev/null")
        self.assertNotIn("PROCCTL_IN_NAMESPACE", seen["environment"])
        self.assertEqual(seen["environment"]["HOME"], pwd.getpwuid(os.geteuid()).pw_dir)
        self.assertEqual(seen["environment"]["USER"], pwd.getpwuid(os.geteuid()).pw_name)
        self.assertIn("/usr/bin", seen["environment"]["PATH"])

    def test_environment(self):
        seen = self.introspect(environment={"PLAIN": "a b", "BOTH": "key"}, environment_file="FOLDER/environment")
        self.assertEqual(seen["environment"]["PLAIN"], "a b")
        self.assertEqual(seen["environment"]["FROM_FILE"], "quoted value")
        self.assertEqual(seen["environment"]["BOTH"], "file")  # As systemd: the file wins.

    def test_an_environment_file_that_may_be_missing(self):
        self.introspect(environment_file="-/nonexistent/environment")

    def test_folder_umask_nice_and_limits(self):
        seen = self.introspect(working_directory="/usr", umask="0077", nice=5, limit_nofile="100:200", limit_core="0",
                               oom_score_adjust=500)
        self.assertEqual(seen["cwd"], "/usr")
        self.assertEqual(seen["umask"], 0o077)
        self.assertEqual(seen["nice"], 5)
        self.assertEqual(seen["limits"]["RLIMIT_NOFILE"], [100, 200])
        self.assertEqual(seen["limits"]["RLIMIT_CORE"], [0, 0])
        self.assertEqual(seen["oom_score_adj"], 500)

    @support.needs_root("a program runs as another user")
    def test_user(self):
        seen = self.introspect(user="nobody")
        nobody = pwd.getpwnam("nobody")
        self.assertEqual(seen["uid"], 3 * [nobody.pw_uid])
        self.assertEqual(seen["gid"], 3 * [nobody.pw_gid])
        self.assertEqual(seen["environment"]["USER"], "nobody")
        self.assertEqual(seen["environment"]["HOME"], nobody.pw_dir)
        self.assertNotIn(0, seen["groups"])

    @support.needs_root("a program runs in other groups")
    def test_groups(self):
        seen = self.introspect(user="nobody", group="daemon", supplementary_groups=["adm", "games"])
        self.assertEqual(seen["gid"], 3 * [1])
        self.assertLessEqual({4, 60}, set(seen["groups"]))
        self.assertNotIn(0, seen["groups"])

    def test_specifiers(self):
        seen = self.introspect(environment={"NAME": "%n", "PROGRAM": "%p", "PERCENT": "%%", "USER_NAME": "%u"})
        self.assertEqual({key: seen["environment"][key] for key in ("NAME", "PROGRAM", "PERCENT")},
                         {"NAME": "it", "PROGRAM": "it", "PERCENT": "%"})
        self.assertEqual(seen["environment"]["USER_NAME"], pwd.getpwuid(os.geteuid()).pw_name)


class Failures(support.Test):
    """What cannot be prepared has systemd's exit status and words of its own."""

    def check(self, status, word, **keys):
        daemon = self.start_daemon({"it": {"exec_start": "/bin/true", "restart": "no"} | keys})
        daemon.wait_for("it", active_state="failed", result="exit-code", exec_main_code=1, exec_main_status=status)
        self.assertRegex(daemon.ctl("status", "it", code=3).stdout, f"{status}.{{0,2}}{word}")

    def test_missing_program(self):
        self.check(203, "EXEC", exec_start="/nonexistent/program")

    def test_missing_folder(self):
        self.check(200, "CHDIR", working_directory="/nonexistent/folder")

    @support.needs_root("a program runs as another user")
    def test_missing_user(self):
        self.check(217, "USER", user="no-such-user")

    @support.needs_root("a program runs in another group")
    def test_missing_group(self):
        self.check(216, "GROUP", group="no-such-group")

    def test_missing_environment_file(self):
        daemon = self.start_daemon({"it": {"exec_start": "/bin/true", "restart": "no",
                                           "environment_file": "/nonexistent/environment"}})
        daemon.wait_for("it", active_state="failed", result="resources", exec_main_code=0)
        self.assertIn("/nonexistent/environment", daemon.ctl("status", "it", code=3).stdout)


if __name__ == "__main__":
    support.main()
