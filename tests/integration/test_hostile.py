"""Programs that mean harm, or do it: the daemon goes on, the other programs are left in peace, and all of them end."""

import os
import random
import signal
import subprocess
import sys
import threading

import support
from test_notify import NOTIFIER

HEADER = "#!/usr/bin/python3\nfrom notifier import *\n"
FORK = """#!/bin/sh
file=$1
shift
( setsid "$@" & echo $! > "$file" )
"""


class Hostile(support.Test):
    def start_with(self, programs, settings=None, **scripts):
        """As start_programs; each script is a program of Python with the functions of NOTIFIER."""
        texts = {"notifier.py": NOTIFIER, "fork": FORK} | {f"{name}.py": HEADER + text for name, text in scripts.items()}
        return self.start_programs({name: {"working_directory": "FOLDER"} | keys for name, keys in programs.items()},
                                   settings=settings, scripts=texts)


class Notifications(Hostile):
    def claim(self, pid):
        """A daemon with the programs `it`, which says that `pid` is its main process, and `other`."""
        daemon = self.start_with({"other": {}, "it": {"type": "notify", "exec_start": "FOLDER/claim.py"}}, claim=f"""
pid = {pid}
notify("READY=1")
notify(f"MAINPID={{pid}}")
barrier()
say("claimed")
pause()
""")
        daemon.ctl("start", "other")
        (daemon.folder / "other").write_text(str(daemon.status("other")["main_pid"]))
        daemon.ctl("start", "it")
        daemon.wait_for_log("it", "claimed\n")
        return daemon

    def test_the_daemon_is_nobodys_main_process(self):
        for pid in ("os.getppid()", "1", "0", "-1", "2**31 - 1", "2**32 + os.getpid()", "'text'"):
            with self.subTest(pid):
                daemon = self.claim(pid)
                self.assertNotEqual(daemon.status("it")["main_pid"], daemon.process.pid)
                self.assertNotEqual(daemon.status("it")["main_pid"], 1)
                self.assertEqual(daemon.job("stop", "it"), "done")
                daemon.wait_for("it", active_state="inactive", result="success")
                daemon.terminate()

    def test_the_main_process_of_another_program(self):
        daemon = self.claim('int(open("other").read())')
        other = daemon.status("other")["main_pid"]
        # Whatever is made of the claim, the end of that process is told of the program whose it is.
        os.kill(other, signal.SIGKILL)
        daemon.wait_for("other", active_state="failed", result="signal", main_pid=0)
        daemon.ctl("restart", "it", "other")
        daemon.wait_for("other", sub_state="running")
        daemon.ctl("stop", "all")
        self.assertEqual({row["main_pid"] for row in daemon.statuses().values()}, {0})

    def test_a_stop_of_who_claims_the_process_of_another(self):
        daemon = self.claim('int(open("other").read())')
        daemon.ctl("stop", "it", code=None)
        daemon.wait_for("it", main_pid=0, control_pid=0)
        daemon.ctl("status", code=None)
        daemon.terminate()

    def test_as_many_descriptors_as_may_be(self):
        daemon = self.start_with({"it": {"type": "notify", "file_descriptor_store_max": 4096, "limit_nofile": "8192",
                                         "exec_start": "FOLDER/hoard.py"}, "other": {}}, hoard="""
count = int(os.environ.get("LISTEN_FDS", "0"))
if count:
    say("got", count)
else:
    for n in range(5000):
        stored = os.memfd_create("it")
        notify(f"FDSTORE=1\\nFDNAME={n}", [stored])
        os.close(stored)
        if n % 100 == 0: barrier()
    barrier()
    say("stored")
notify("READY=1")
pause()
""")
        daemon.ctl("start", "it")
        daemon.wait_for_log("it", "stored\n")
        stored = daemon.wait_for("it", sub_state="running")["n_file_descriptor_store"]
        self.assertEqual(stored, 4096)
        daemon.ctl("start", "other")  # There are descriptors left for the others.
        daemon.wait_for("other", sub_state="running")
        daemon.ctl("restart", "it")
        daemon.wait_for_log("it", f"got {stored}\n")
        daemon.ctl("stop", "it")
        daemon.wait_for("it", n_file_descriptor_store=0)
        # Those that are too many are told of, but not one by one: the daemon's log is not the program's.
        self.assertLess(daemon.messages().count("were not stored"), 10)

    def test_names_that_are_too_much_for_an_environment(self):
        daemon = self.start_with({"it": {"type": "notify", "file_descriptor_store_max": 4096, "limit_nofile": "8192",
                                         "exec_start": "FOLDER/names.py"}}, names="""
count = int(os.environ.get("LISTEN_FDS", "0"))
if count: say("got", count)
else:
    zero = os.open("/dev/null", os.O_RDONLY)
    for n in range(1000):
        stored = os.memfd_create("it")
        notify(f"FDSTORE=1\\nFDNAME={n:x<255}", [stored])
        os.close(stored)
        if n % 100 == 0: barrier()
    barrier()
notify("READY=1")
pause()
""")
        daemon.ctl("start", "it")
        # LISTEN_FDNAMES would be longer than the kernel lets a variable be. It may fail, with a word of why, but a
        # stop has to make it usable again.
        daemon.ctl("restart", "it", code=None)
        status = daemon.status("it")
        if status["active_state"] != "active":
            self.assertIn("203", status["explanation"])
        daemon.ctl("stop", "it")
        daemon.ctl("start", "it")
        daemon.wait_for("it", sub_state="running")

    def test_a_flood_from_all_sides(self):
        daemon = self.start_with({"it": {"type": "notify", "notify_access": "all", "file_descriptor_store_max": 10,
                                         "exec_start": "FOLDER/flood.py", "instances": 4}, "other": {}}, flood="""
notify("READY=1")
for _ in range(3):
    os.fork()
while True:
    reader, writer = os.pipe()
    for text in ("RELOADING=1", "READY=1", "WATCHDOG=1", "EXTEND_TIMEOUT_USEC=1", f"MAINPID={os.getpid()}", "BARRIER=1"):
        notify(text, [writer])
    notify("FDSTORE=1\\nFDNAME=%d" % (os.getpid() % 7), [reader])
    notify(os.urandom(100), [reader, writer])
    os.close(reader)
    os.close(writer)
""")
        daemon.ctl("start", "it")
        for _ in range(5):
            self.assertEqual(daemon.job("restart", "other"), "done")
        daemon.ctl("stop", "it", code=None)
        for row in daemon.statuses().values():
            if row["name"] != "other":
                self.assertEqual((row["main_pid"], row["n_file_descriptor_store"]), (0, 0))

    def test_control_characters_stay_off_the_terminal(self):
        daemon = self.start_with({"it": {"type": "notify", "exec_start": "FOLDER/evil.py"}}, evil="""
notify("READY=1\\nSTATUS=\\x1b]0;owned\\x07\\x1b[2J\\r\\xff")
pause()
""")
        daemon.ctl("start", "it")
        for command in ("status", "show"):
            said = daemon.ctl(command, "it").stdout
            self.assertIn("owned", said)
            self.assertFalse([character for character in said if character < " " and character != "\n"], said)


class Groups(Hostile):
    """What root can do to the control groups behind the daemon's back."""

    def setUp(self):
        folder = support.control_group_folder(support.control_group_of("self"))
        if not folder or not os.access(folder, os.W_OK):
            self.skipTest("no control group can be made here")

    def folder_of(self, daemon, name="it"):
        return support.control_group_folder(daemon.status(name)["control_group"])

    def test_somebody_uses_cgroup_kill(self):
        daemon = self.start_with({"it": {"restart": "always", "restart_sec": "50ms"}})
        daemon.ctl("start", "it")
        first = daemon.status("it")["main_pid"]
        (self.folder_of(daemon) / "cgroup.kill").write_text("1")
        # There are kernels that kill whatever is born there afterwards.
        status = daemon.wait_for("it", lambda row: row["main_pid"] not in (0, first), sub_state="running")
        self.assertEqual(daemon.job("restart", "it"), "done")
        daemon.wait_for("it", lambda row: row["main_pid"] != status["main_pid"], sub_state="running", n_restarts=0)

    def test_the_control_group_is_removed(self):
        daemon = self.start_with({"it": {}})
        daemon.ctl("start", "it")
        folder = self.folder_of(daemon)
        daemon.ctl("stop", "it")
        if folder.exists():
            folder.rmdir()
        self.assertEqual(daemon.job("start", "it"), "done")
        status = daemon.wait_for("it", sub_state="running")
        self.assertEqual(support.control_group_of(status["main_pid"]), status["control_group"])
        daemon.ctl("stop", "it")
        daemon.wait_for("it", active_state="inactive", result="success")

    def test_all_are_removed_even_the_daemons_folder(self):
        daemon = self.start_with({"it": {}})
        daemon.ctl("start", "it")
        folder = self.folder_of(daemon)
        daemon.ctl("stop", "it")
        if folder.exists():
            folder.rmdir()
        folder.parent.rmdir()
        self.assertEqual(daemon.job("start", "it"), "done")
        daemon.wait_for("it", sub_state="running")
        daemon.ctl("stop", "it")
        daemon.wait_for("it", active_state="inactive", result="success")

    def test_a_program_leaves_its_group(self):
        daemon = self.start_with({"it": {"exec_start": "FOLDER/leave.py", "timeout_stop_sec": "500ms"}}, leave="""
groups = [line.split()[4] for line in open("/proc/self/mountinfo") if " - cgroup2 " in line]
open(groups[0] + "/cgroup.procs", "w").write("0")
say("away")
pause()
""")
        daemon.ctl("start", "it")
        daemon.wait_for_log("it", "away\n")
        pid = daemon.status("it")["main_pid"]
        self.assertEqual(daemon.job("stop", "it"), "done")
        daemon.wait_for("it", active_state="inactive", result="success", main_pid=0)
        self.assertTrue(support.is_gone(pid))

    def test_a_frozen_group(self):
        daemon = self.start_with({"it": {"timeout_stop_sec": "300ms"}})
        daemon.ctl("start", "it")
        pid = daemon.status("it")["main_pid"]
        folder = self.folder_of(daemon)
        (folder / "cgroup.freeze").write_text("1")
        support.wait_until("it is frozen", lambda: "frozen 1" in (folder / "cgroup.events").read_text())
        daemon.ctl("stop", "it", code=None)
        daemon.wait_for("it", main_pid=0)
        self.assertTrue(support.is_gone(pid))
        self.assertEqual(daemon.job("start", "it"), "done")


class Changes(Hostile):
    def test_a_program_goes_or_changes_while_it_starts(self):
        lists = ("exec_condition", "exec_start_pre", "exec_start_post")
        daemon = self.start_with({name: {name: support.SLEEP, "restart": "always"} for name in lists})
        for kept in (True, False):
            daemon.ctl("start", "--no-wait", *daemon.statuses())
            for name in lists:
                daemon.wait_for(name, lambda row: row["control_pid"])
            daemon.write("programs.yaml", {name: {"exec_start": support.SLEEP, "autostart": False}
                                           for name in lists} if kept else {})
            daemon.ctl("update", code=None)
            if kept:
                for name in lists:
                    daemon.wait_for(name, sub_state="running", control_pid=0)
                daemon.ctl("stop", "all")
                daemon.write("programs.yaml", {name: {"exec_start": support.SLEEP, "autostart": False, name: support.SLEEP}
                                               for name in lists})
                daemon.ctl("update")
        support.wait_until("all are gone", lambda: not daemon.statuses())
        self.assertFalse([line for line in support.descendants(daemon.process.pid).values() if "sleep" in line])

    def test_the_longest_names(self):
        name = 126 * "n"  # and "@1"
        daemon = self.start_with({name: {"type": "notify", "instances": 2, "exec_start": "FOLDER/ready.py",
                                         "file_descriptor_store_max": 1}, "m" * 128: {}}, ready="""
notify("READY=1\\nSTATUS=here")
pause()
""")
        daemon.ctl("start", "all")
        for instance in (f"{name}@1", f"{name}@2"):
            row = daemon.wait_for(instance, sub_state="running", status_text="here")
            self.assertEqual(support.control_group_of(row["main_pid"]).endswith(instance), bool(row["control_group"]))
        daemon.wait_for("m" * 128, sub_state="running")

    def test_names_that_are_names_of_files_elsewhere(self):
        # cgroup.procs and its like are files of the folder that the program's control group would be beside.
        names = ["cgroup.procs", "cgroup.kill", "memory.max", "..a", "-x"]
        good = []
        for name in names:
            config = self.make_daemon({name: {"exec_start": support.SLEEP}}).config
            if subprocess.run([support.PROCCTLD, "--config", config, "--check"], capture_output=True).returncode == 0:
                good.append(name)
        daemon = self.start_with({name: {} for name in good} | {"it": {}})
        daemon.ctl("start", "all")
        for row in daemon.statuses().values():
            self.assertEqual(row["sub_state"], "running", row)
        daemon.ctl("stop", "all")
        for row in daemon.statuses().values():
            self.assertEqual(row["active_state"], "inactive", row)


class PidFiles(Hostile):
    def test_what_is_no_file(self):
        makers = {"fifo": "mkfifo {}", "zero": "ln -s /dev/zero {}", "folder": "mkdir {}", "loop": "ln -s {} {}",
                  "big": "head -c 10000000 /dev/zero | tr '\\\\0' 1 > {}", "socket-like": "ln -s /dev/stdin {}"}
        daemon = self.start_with({name: {
            "type": "forking", "pid_file": f"FOLDER/{name}.pid", "timeout_start_sec": "700ms",
            "exec_start": ["/bin/sh", "-c", maker.replace("{}", f"FOLDER/{name}.pid") + "; setsid sleep 600 &"]}
            for name, maker in makers.items()} | {"other": {}})
        daemon.ctl("start", *makers, "--no-wait")
        daemon.ctl("start", "other")
        for name in makers:
            daemon.wait_for(name, active_state="failed", main_pid=0)
        left = [pid for pid, line in support.descendants(daemon.process.pid).items() if "sleep 600" in line]
        self.assertEqual(left, [daemon.status("other")["main_pid"]])


class Chaos(Hostile):
    def test_anything_at_any_time(self):
        self.torment({})

    def test_anything_at_any_time_without_control_groups(self):
        self.torment({"control_groups": False})

    def torment(self, settings):
        names = ("exec_start_pre", "exec_start_post", "exec_reload", "exec_stop", "exec_stop_post")
        lists = {name: "/bin/sleep 0.02" for name in names} | {
            "restart": "always", "restart_sec": "20ms", "start_limit_burst": 0, "timeout_stop_sec": "2s",
            "timeout_start_sec": "2s"}
        programs = {
            "simple": lists, "forking": lists | {"type": "forking", "pid_file": "FOLDER/pid",
                                                 "exec_start": "FOLDER/fork FOLDER/pid sleep 600"},
            "unnamed": lists | {"type": "forking", "exec_start": "FOLDER/fork /dev/null sleep 600"},
            "oneshot": lists | {"type": "oneshot", "restart": "no", "remain_after_exit": True,
                                "exec_start": "/bin/sleep 0.05"},
            "notify": lists | {"type": "notify", "notify_access": "all",
                               "exec_start": ["/bin/sh", "-c", "systemd-notify --ready; sleep 600"]},
            "exec": lists | {"type": "exec", "kill_mode": "mixed", "exit_type": "cgroup"},
            "brief": lists | {"exec_start": "/bin/sleep 0.03"}}
        seed = int.from_bytes(os.urandom(4), "big")
        print(f"seed {seed}", file=sys.stderr)
        chance = random.Random(seed)
        daemon = self.start_with(programs, settings)
        names = list(programs)

        def ask(seed):
            mine = random.Random(seed)
            for _ in range(120):
                name = mine.choice(names)
                what = mine.choice(["start", "stop", "restart", "try-restart", "reload", "kill", "reset-failed"])
                if what == "kill":
                    body = f"/v1/programs/{name}/kill?signal={mine.choice(['SIGKILL', 'SIGTERM', 'SIGUSR1'])}" \
                           f"&whom={mine.choice(['main', 'control', 'all'])}"
                    daemon.request("POST", body)
                elif what == "reset-failed":
                    daemon.request("POST", f"/v1/programs/{name}/reset-failed")
                else:
                    wait = mine.choice(["true", "false", "false", "false"])
                    daemon.request("POST", f"/v1/jobs?wait={wait}", {"job": what, "names": [name]})

        threads = [threading.Thread(target=ask, args=(chance.random(),)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(2 * support.DEADLINE)
            self.assertFalse(thread.is_alive(), "a request has not been answered")
        daemon.ctl("stop", "all", code=None)
        for row in daemon.statuses().values():
            self.assertIn(row["active_state"], ("inactive", "failed"))
            self.assertEqual((row["main_pid"], row["control_pid"]), (0, 0))
        left = {pid: whose(pid) for pid, line in support.descendants(daemon.process.pid).items() if "sleep" in line}
        self.assertFalse(left)
        daemon.terminate()


def whose(pid):
    """The program that a process belongs to, by its environment."""
    with open(f"/proc/{pid}/environ", "rb") as file:
        return next((entry[6:] for entry in file.read().decode(errors="replace").split("\0")
                     if entry.startswith("STORY=")), "")


if __name__ == "__main__":
    support.main()
