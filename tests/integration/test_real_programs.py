"""The programs people really run, and the ends they really come to, all under one daemon."""

import os
import shutil
import signal
import socket
import unittest

import support

WSGI_APP = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello from " + environ["PATH_INFO"].encode()]
"""

# Takes 3 s to save its task when it is asked to end. (os.write, because the signal may come while print() is at
# work, which cannot be entered twice.)
SAVING_WORKER = """#!/usr/bin/python3
import os, signal, sys, time
def save(*_):
    os.write(1, b"saving\\n")
    time.sleep(3)
    with open(sys.argv[1], "w") as file:
        file.write("task 42")
    os.write(1, b"saved\\n")
    os._exit(0)
signal.signal(signal.SIGINT, save)
os.write(1, b"working\\n")
while True:
    signal.pause()
"""

REDIS = shutil.which("redis-check-rdb")
GUNICORN = shutil.which("gunicorn", path="/usr/bin:/usr/local/bin")


class RealPrograms(support.Test):
    @classmethod
    def setUpClass(cls):
        cls.daemon = daemon = support.Daemon()
        cls.addClassCleanup(daemon.remove)
        cls.addClassCleanup(daemon.kill_all)
        folder = daemon.folder
        (folder / "app.py").write_text(WSGI_APP)
        worker = daemon.script("worker.py", SAVING_WORKER)
        sleeper = ["/bin/sleep", "600"]
        programs = {
            "patient": {"exec_start": [worker, str(folder / "patient.task")], "kill_signal": "SIGINT",
                        "timeout_stop_sec": "10s"},
            "hasty": {"exec_start": [worker, str(folder / "hasty.task")], "kill_signal": "SIGINT",
                      "timeout_stop_sec": "1s"},
            "shot": {"exec_start": sleeper, "restart": "on-failure", "restart_sec": "100ms"},
            "finished": {"exec_start": "/bin/sh -c 'exit 0'", "restart": "on-failure"},
            "asked-on-failure": {"exec_start": sleeper, "restart": "on-failure"},
            "asked-always": {"exec_start": sleeper, "restart": "always", "restart_sec": "100ms"},
            "crashing": {"exec_start": "/bin/sh -c 'echo crash; exit 3'", "restart": "always", "restart_sec": "20ms",
                         "start_limit_interval_sec": "10min", "start_limit_burst": 4},
            "misspelled": {"exec_start": [daemon.script("misspelled", "#!/no/such/interpreter\n")],
                           "restart": "on-failure", "start_limit_burst": 1},
        }
        if GUNICORN:
            programs["web"] = {"exec_start": [GUNICORN, "--workers", "2", "--bind", f"unix:{folder}/web.sock",
                                              "app:application"], "working_directory": str(folder)}
        if REDIS:
            # Debian ships one binary under several names; the name it is called by decides what it is.
            (folder / "redis-server").symlink_to(REDIS)
            programs["redis"] = {"exec_start": [str(folder / "redis-server"), "--port", "0", "--save", "", "--dir",
                                                str(folder), "--unixsocket", str(folder / "redis.sock")]}
        daemon.write("programs.yaml", programs)
        daemon.start()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.terminate()

    def end(self, name, number):
        """Sends a signal to the main process, as anyone could; returns its pid."""
        pid = self.daemon.wait_for(name, active_state="active", sub_state="running")["main_pid"]
        os.kill(pid, number)
        return pid

    def get(self, path):
        connection = support.UnixConnection(self.daemon.folder / "web.sock")
        connection.request("GET", path)
        return connection.getresponse().read().decode()

    def redis_says(self, command):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(20)
            connection.connect(str(self.daemon.folder / "redis.sock"))
            connection.sendall(command.encode() + b"\r\n")
            return connection.recv(1000).decode()

    @unittest.skipUnless(GUNICORN, "gunicorn is not installed")
    def test_gunicorn_answers(self):
        def answers():
            try:
                return self.get("/world") == "hello from /world"
            except OSError:
                return False
        support.wait_until("gunicorn answers", answers)
        before = self.daemon.status("web")["main_pid"]
        self.daemon.ctl("restart", "web")
        self.assertNotEqual(self.daemon.status("web")["main_pid"], before)
        support.wait_until("gunicorn answers again", answers)
        self.daemon.wait_for_log("web", "Listening at")

    @unittest.skipUnless(REDIS, "redis-tools is not installed")
    def test_redis_answers_and_stops_gracefully(self):
        support.wait_until("redis is there", (self.daemon.folder / "redis.sock").exists)
        self.assertEqual(self.redis_says("SET greeting hello"), "+OK\r\n")
        self.assertEqual(self.redis_says("GET greeting"), "$5\r\nhello\r\n")
        self.daemon.ctl("stop", "redis")
        status = self.daemon.status("redis")
        self.assertEqual((status["active_state"], status["result"], status["exec_main_status"]), ("inactive", "success", 0))
        self.daemon.wait_for_log("redis", "bye bye")

    def test_a_worker_that_saves_its_task_has_the_time_it_was_given(self):
        for name in ("patient", "hasty"):
            self.daemon.wait_for_log(name, "working")
        self.daemon.ctl("stop", "--no-wait", "patient", "hasty")

        status = self.daemon.wait_for("hasty", active_state="failed", result="timeout")
        self.assertEqual((status["exec_main_code"], status["exec_main_status"]), (2, signal.SIGKILL))
        words = self.daemon.ctl("status", "hasty", code=3).stdout
        self.assertIn("SIGKILL", words)
        self.assertFalse((self.daemon.folder / "hasty.task").exists())

        status = self.daemon.wait_for("patient", active_state="inactive", result="success")
        self.assertEqual((status["exec_main_code"], status["exec_main_status"]), (1, 0))
        self.assertEqual((self.daemon.folder / "patient.task").read_text(), "task 42")
        self.assertEqual(self.daemon.wait_for_log("patient", "saved\n"), "working\nsaving\nsaved\n")

    def test_what_the_oom_killer_does_is_mended(self):
        before = self.end("shot", signal.SIGKILL)
        status = self.daemon.wait_for("shot", lambda row: row["main_pid"] not in (0, before), active_state="active")
        self.assertEqual(status["n_restarts"], 1)

    def test_exit_0_under_on_failure_stays_down(self):
        self.daemon.wait_for("finished", active_state="inactive", sub_state="dead", result="success", n_restarts=0,
                             exec_main_code=1, exec_main_status=0, next_restart_in_sec=None)

    def test_a_plain_sigterm_under_on_failure_stays_down(self):
        self.end("asked-on-failure", signal.SIGTERM)
        self.daemon.wait_for("asked-on-failure", active_state="inactive", result="success", n_restarts=0,
                             exec_main_code=2, exec_main_status=signal.SIGTERM)

    def test_a_plain_sigterm_under_always_comes_back(self):
        before = self.end("asked-always", signal.SIGTERM)
        self.daemon.wait_for("asked-always", lambda row: row["main_pid"] not in (0, before), active_state="active",
                             n_restarts=1)

    def test_a_crash_loop_ends_at_its_start_limit(self):
        # The result stays what it was; only a success would become start-limit-hit. The refused start counts.
        status = self.daemon.wait_for("crashing", active_state="failed", sub_state="failed", result="exit-code",
                                      exec_main_code=1, exec_main_status=3, n_restarts=4)
        self.assertTrue(status["start_limit_hit"])
        self.assertEqual(self.daemon.wait_for_log("crashing", 4 * "crash\n"), 4 * "crash\n")
        words = self.daemon.ctl("status", "crashing", code=3).stdout
        self.assertRegex(words, "start limit")
        self.assertIn("procctl reset-failed crashing", words)

        self.daemon.ctl("reset-failed", "crashing")
        self.daemon.wait_for("crashing", active_state="inactive", n_restarts=0, start_limit_hit=False)

    def test_a_missing_interpreter_is_said_in_words(self):
        self.daemon.wait_for("misspelled", active_state="failed", result="exit-code", exec_main_code=1,
                             exec_main_status=203)
        words = self.daemon.ctl("status", "misspelled", code=3).stdout
        self.assertRegex(words, "203.{0,2}EXEC")
        self.assertIn("No such file or directory", words)


if __name__ == "__main__":
    support.main()
