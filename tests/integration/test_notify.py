"""sd_notify(3) from programs as people have them: libsystemd's, redis', gunicorn's, and some lines of Python."""

import os
import shutil
import signal
import socket
import unittest

import support

# As the module sdnotify does it, with the descriptors of libsystemd's sd_pid_notify_with_fds().
NOTIFIER = """
import array, os, select, signal, socket, sys, time
def notify(text, descriptors=()):
    address = os.environ["NOTIFY_SOCKET"]
    if address.startswith("@"):
        address = "\\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        sender.sendmsg([text if isinstance(text, bytes) else text.encode()], rights, 0, address)
def barrier():
    reader, writer = os.pipe()
    notify("BARRIER=1", [writer])
    os.close(writer)
    poll = select.poll()
    poll.register(reader, 0)
    poll.poll()
def say(*words):
    print(*words, flush=True)
def pause():
    while True:
        signal.pause()
"""

WSGI_APP = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""

SYSTEMD_NOTIFY = shutil.which("systemd-notify")
REDIS = shutil.which("redis-check-rdb")
GUNICORN = shutil.which("gunicorn", path="/usr/bin:/usr/local/bin")


class Notify(support.Test):
    def start_with(self, name, text, **keys):
        """A daemon with one program, of Python with the functions above; autostarted unless the keys say otherwise."""
        daemon = self.make_daemon()
        (daemon.folder / "notifier.py").write_text(NOTIFIER)
        script = daemon.script(f"{name}.py", f"#!/usr/bin/python3\nfrom notifier import *\n{text}")
        daemon.write("programs.yaml", {name: {"exec_start": [script], "type": "notify", "restart": "no",
                                              "working_directory": str(daemon.folder)} | keys})
        daemon.start()
        self.addCleanup(lambda: daemon.process.poll() is None and daemon.terminate())
        return daemon

    # --- Programs of others

    @unittest.skipUnless(SYSTEMD_NOTIFY, "systemd-notify is not installed")
    def test_systemd_notify(self):
        command = ("systemd-notify --status='warming up' && echo heard; "
                   "systemd-notify --ready --status='7 users'; sleep 600")
        daemon = self.start_daemon({"shell": {"exec_start": ["/bin/sh", "-c", command], "type": "notify",
                                              "notify_access": "all", "autostart": False}})
        daemon.ctl("start", "shell")
        self.assertEqual(daemon.status("shell")["sub_state"], "running")
        daemon.wait_for("shell", status_text="7 users", ignored_notifications=0)
        # It sends a barrier, and waits until the daemon has dealt with what came before.
        daemon.wait_for_log("shell", "heard")
        self.assertIn("7 users", daemon.ctl("status", "shell").stdout)

    def test_systemd_notify_as_the_command_itself(self):
        # Its parent is the manager then, for which it would speak if MANAGERPID did not tell it.
        daemon = self.start_daemon({"direct": {
            "exec_start": "/bin/sleep 600", "notify_access": "exec",
            "exec_start_post": "/usr/bin/systemd-notify STATUS=post"}})
        daemon.wait_for("direct", status_text="post", ignored_notifications=0)

    @unittest.skipUnless(REDIS, "redis-tools is not installed")
    def test_redis(self):
        daemon = self.make_daemon()
        # Debian ships one binary under several names; the name it is called by decides what it is.
        server = daemon.folder / "redis-server"
        server.symlink_to(REDIS)
        daemon.write("programs.yaml", {"redis": {
            "exec_start": [str(server), "--supervised", "systemd", "--port", "0", "--save", "", "--dir",
                           str(daemon.folder), "--unixsocket", str(daemon.folder / "redis.sock")],
            "type": "notify", "autostart": False}})
        daemon.start()
        daemon.ctl("start", "redis")
        self.assertEqual(daemon.status("redis")["sub_state"], "running")
        self.assertTrue((daemon.folder / "redis.sock").exists(), "redis is ready before its socket is there")
        daemon.wait_for("redis", status_text="Ready to accept connections")
        daemon.ctl("stop", "redis")
        self.assertEqual(daemon.status("redis")["result"], "success")
        daemon.terminate()

    @unittest.skipUnless(GUNICORN, "gunicorn is not installed")
    def test_gunicorn(self):
        daemon = self.make_daemon()
        (daemon.folder / "app.py").write_text(WSGI_APP)
        daemon.write("programs.yaml", {"web": {
            "exec_start": [GUNICORN, "--workers", "1", "--bind", f"unix:{daemon.folder}/web.sock", "app:application"],
            "working_directory": str(daemon.folder), "type": "notify", "autostart": False}})
        daemon.start()
        daemon.ctl("start", "web")
        self.assertEqual(daemon.status("web")["sub_state"], "running")
        daemon.wait_for("web", status_text="Gunicorn arbiter booted")
        connection = support.UnixConnection(daemon.folder / "web.sock")
        connection.request("GET", "/")
        self.assertEqual(connection.getresponse().read(), b"hello")
        connection.close()
        daemon.terminate()

    # --- The words

    def test_ready_and_status(self):
        daemon = self.start_with("web", """
notify("STATUS=loading")
while not os.path.exists("go"):
    time.sleep(0.01)
notify("READY=1\\nSTATUS=serving ä\\n")
pause()
""")
        status = daemon.wait_for("web", status_text="loading")
        self.assertEqual((status["active_state"], status["sub_state"]), ("activating", "start"))
        (daemon.folder / "go").touch()
        daemon.wait_for("web", status_text="serving ä", active_state="active", sub_state="running")
        self.assertIn("serving ä", daemon.ctl("status", "web").stdout)
        daemon.ctl("stop", "web")
        self.assertEqual(daemon.status("web")["status_text"], "serving ä")  # Kept after its end, as systemd does.

    def test_what_was_said_last_is_heard_before_the_end(self):
        daemon = self.start_with("web", """
notify("READY=1")
notify("ERRNO=2\\nSTATUS=no such table")
os._exit(3)
""")
        # Were READY=1 read after the end, the result would be the same but it would never have been active.
        status = daemon.wait_for("web", active_state="failed", result="exit-code", status_text="no such table")
        self.assertEqual((status["status_errno"], status["exec_main_status"]), (2, 3))
        self.assertNotEqual(status["active_enter_timestamp"], 0)

    def test_an_end_without_ready_is_a_breach_of_protocol(self):
        daemon = self.start_with("web", "os._exit(0)")
        daemon.wait_for("web", active_state="failed", result="protocol")

    def test_reloading_and_stopping(self):
        daemon = self.start_with("web", """
notify("READY=1")
signal.signal(signal.SIGUSR1, lambda *_: notify("RELOADING=1"))
signal.signal(signal.SIGUSR2, lambda *_: notify("READY=1"))
signal.signal(signal.SIGHUP, lambda *_: notify("STOPPING=1"))
pause()
""")
        pid = daemon.wait_for("web", sub_state="running")["main_pid"]
        support.wait_until("it catches signals", lambda: catches(pid, signal.SIGHUP))
        os.kill(pid, signal.SIGUSR1)
        daemon.wait_for("web", active_state="reloading", sub_state="reload")
        os.kill(pid, signal.SIGUSR2)
        daemon.wait_for("web", active_state="active", sub_state="running")
        os.kill(pid, signal.SIGHUP)
        daemon.wait_for("web", active_state="deactivating")
        os.kill(pid, signal.SIGKILL)
        daemon.wait_for("web", active_state="failed", result="signal")

    def test_another_process_becomes_the_main_one(self):
        daemon = self.start_with("web", """
child = os.fork()
if child == 0:
    pause()
notify(f"MAINPID={child}\\nREADY=1")
barrier()
say(child)
""")
        pid = int(daemon.wait_for_log("web", "\n"))
        status = daemon.wait_for("web", main_pid=pid, sub_state="running")
        os.kill(pid, signal.SIGKILL)
        status = daemon.wait_for("web", active_state="failed", result="signal")
        self.assertEqual(status["exec_main_status"], signal.SIGKILL)

    def test_a_barrier_is_let_go_when_what_came_before_is_done(self):
        daemon = self.start_with("web", """
notify("READY=1")
for n in range(100):
    notify(f"STATUS={n}")
barrier()
say("passed")
pause()
""")
        daemon.wait_for_log("web", "passed")
        self.assertEqual(daemon.status("web")["status_text"], "99")

    @support.needs_root("a program runs as another user")
    def test_a_program_of_another_user(self):
        daemon = self.start_with("web", 'notify("READY=1\\nSTATUS=uid %d" % os.getuid())\npause()\n', user="nobody")
        status = daemon.wait_for("web", sub_state="running")
        self.assertRegex(status["status_text"], "uid [1-9]")

    # --- Who may say them, and what is none

    def test_what_is_not_understood_or_not_wanted_is_counted_and_does_no_harm(self):
        daemon = self.start_with("web", """
notify("READY=1\\nSTATUS=mine")
notify(b"")
notify(b"STATUS=a\\0STATUS=b")
notify(b"STATUS=" + 5000 * b"x")
if os.fork() == 0:
    notify("STATUS=my child's")
    os._exit(0)
os.wait()
barrier()
say(os.environ["NOTIFY_SOCKET"])
pause()
""")
        address = daemon.wait_for_log("web", "\n").strip()
        daemon.wait_for("web", ignored_notifications=4, status_text="mine", sub_state="running")
        where = "\0" + address[1:] if address.startswith("@") else address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(b"STATUS=a stranger's", where)
            stranger.sendto(b"STOPPING=1\nMAINPID=1", where)
        status = daemon.wait_for("web", ignored_notifications=6)
        self.assertEqual((status["status_text"], status["sub_state"]), ("mine", "running"))
        self.assertRegex(daemon.ctl("show", "web").stdout, r"ignored_notifications\W+6\b")

    def test_a_flood_keeps_nobody_from_being_answered(self):
        daemon = self.start_with("web", """
notify("READY=1")
while True:
    notify("STATUS=and again")
""")
        daemon.wait_for("web", status_text="and again")
        for _ in range(20):
            daemon.ctl("status", "web")
        daemon.ctl("stop", "web")
        daemon.wait_for("web", active_state="inactive")

    # --- The store of descriptors

    def test_descriptors_come_back_after_a_crash(self):
        daemon = self.start_with("web", """
names = os.environ.get("LISTEN_FDNAMES", "none")
count = int(os.environ.get("LISTEN_FDS", "0"))
if count:
    assert os.environ["LISTEN_PID"] == str(os.getpid())
else:
    for name in ("first", "second", "third"):
        stored = os.memfd_create(name)
        os.write(stored, name.encode())
        notify(f"FDSTORE=1\\nFDNAME={name}", [stored])
    notify("FDSTOREREMOVE=1\\nFDNAME=second")
    notify("FDSTORE=1", [os.open("/dev/null", os.O_RDONLY), os.open("/dev/null", os.O_RDONLY)])  # one too many
    barrier()
say("run:", names, *(os.pread(3 + n, 100, 0).decode() for n in range(count)))
notify("READY=1")
pause()
""", restart="always", restart_sec="50ms", file_descriptor_store_max=3)
        daemon.wait_for_log("web", "run: none\n")
        pid = daemon.wait_for("web", sub_state="running", n_file_descriptor_store=3)["main_pid"]
        os.kill(pid, signal.SIGKILL)
        # The last one stored comes first, as systemd hands them out.
        daemon.wait_for_log("web", "run: stored:third:first  third first\n")
        daemon.wait_for("web", sub_state="running", n_restarts=1)
        daemon.ctl("restart", "web")
        support.wait_until("they are there after a restart too", lambda: daemon.log("web").count("third first\n") == 2)
        daemon.ctl("stop", "web")
        daemon.wait_for("web", n_file_descriptor_store=0)
        daemon.ctl("start", "web")
        support.wait_until("a stop has closed them", lambda: daemon.log("web").count("run: none\n") == 2)

    # --- The watchdog

    def test_a_hung_program_is_aborted_and_comes_back(self):
        daemon = self.start_with("web", """
say("limit", os.environ["WATCHDOG_USEC"], os.environ["WATCHDOG_PID"] == str(os.getpid()))
notify("READY=1")
is_first = not os.path.exists("been here")
open("been here", "w").close()
for n in range(3):
    notify("WATCHDOG=1")
    time.sleep(0.1)
if is_first:
    pause()  # hung
while True:
    notify("WATCHDOG=1")
    time.sleep(0.1)
""", restart="always", restart_sec="2s", watchdog_sec="1s", limit_core="0")
        first = daemon.wait_for("web", sub_state="running")["main_pid"]
        daemon.wait_for_log("web", "limit 1000000 True\n")
        status = daemon.wait_for("web", sub_state="auto-restart", result="watchdog")
        self.assertEqual((status["exec_main_code"], status["exec_main_status"]), (2, signal.SIGABRT))
        self.assertIn("watchdog", daemon.ctl("status", "web", code=None).stdout)
        status = daemon.wait_for("web", lambda row: row["main_pid"] not in (0, first), sub_state="running")
        self.assertEqual((status["n_restarts"], status["result"]), (1, "success"))

    def test_a_program_may_call_the_watchdog_itself(self):
        daemon = self.start_with("web", 'notify("READY=1")\nnotify("WATCHDOG=trigger")\npause()\n', limit_core="0")
        daemon.wait_for("web", active_state="failed", result="watchdog")


def catches(pid, number):
    """Whether the process has a handler for the signal."""
    with open(f"/proc/{pid}/status") as file:
        mask = next(line.split()[1] for line in file if line.startswith("SigCgt:"))
    return bool(int(mask, 16) & 1 << number - 1)


if __name__ == "__main__":
    support.main()
