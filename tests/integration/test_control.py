"""The control API without procctl: what curl can do, and what hostile clients cannot."""

import json
import shutil
import socket
import subprocess
import unittest

import support

SLEEPER = {"exec_start": "/bin/sleep 600"}
CURL = shutil.which("curl")


@unittest.skipUnless(CURL, "curl is not installed")
class Curl(support.Test):
    def curl(self, daemon, method, target):
        done = subprocess.run([CURL, "-sS", "--unix-socket", daemon.socket, "-X", method, "-w", "\n%{http_code}",
                               f"http://localhost{target}"], capture_output=True, text=True, timeout=support.DEADLINE)
        self.assertEqual(done.returncode, 0, done.stderr)
        body, _, code = done.stdout.rpartition("\n")
        return int(code), json.loads(body) if body[:1] in ("{", "[") else body

    def test_status(self):
        daemon = self.start_daemon({"up": SLEEPER})
        daemon.wait_for("up", active_state="active")
        code, rows = self.curl(daemon, "GET", "/v1/programs")
        self.assertEqual(code, 200)
        self.assertEqual(rows, json.loads(daemon.ctl("status", "-o", "json").stdout))

    def test_verbs(self):
        daemon = self.start_daemon({"up": SLEEPER})
        before = daemon.wait_for("up", active_state="active")["main_pid"]
        self.assertEqual(self.curl(daemon, "POST", "/v1/programs/up/restart")[0], 200)
        self.assertNotIn(daemon.status("up")["main_pid"], (0, before))
        self.assertEqual(self.curl(daemon, "POST", "/v1/programs/up/stop")[0], 200)
        self.assertEqual(daemon.status("up")["active_state"], "inactive")
        self.assertEqual(self.curl(daemon, "POST", "/v1/programs/up/start")[0], 200)
        self.assertEqual(daemon.status("up")["active_state"], "active")

    def test_errors_are_json(self):
        daemon = self.start_daemon({"up": SLEEPER})
        for method, target, expected in (("GET", "/v1/programs/nobody", 404), ("GET", "/v1/nothing", 404),
                                         ("DELETE", "/v1/programs", 405)):
            code, error = self.curl(daemon, method, target)
            self.assertEqual(code, expected, error)
            self.assertTrue(error["kind"] and error["message"], error)


class Hostile(support.Test):
    def connect(self, daemon):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(support.DEADLINE)
        connection.connect(str(daemon.socket))
        self.addCleanup(connection.close)
        return connection

    def start_one(self):
        daemon = self.start_daemon({"up": SLEEPER})
        daemon.wait_for("up", active_state="active")
        return daemon

    def test_garbage(self):
        daemon = self.start_one()
        for garbage in (b"\0" * 5000, b"GET", b"GET / HTTP/9.9\r\n\r\n", b"\xff\xfe" * 10_000 + b"\r\n\r\n",
                        b"POST /v1/programs/up/stop HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                        b"POST /v1/programs/up/stop HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
                        b"GET /" + b"a" * 1_000_000 + b" HTTP/1.1\r\n\r\n",
                        b"GET /v1/programs/%00%2e%2e%2f HTTP/1.1\r\nHost: x\r\n\r\n"):
            connection = self.connect(daemon)
            try:
                connection.sendall(garbage)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
            except OSError:
                pass  # It may hang up on us at any moment.
        self.assertEqual(daemon.status("up")["active_state"], "active")

    def test_half_requests_and_many_connections(self):
        daemon = self.start_one()
        idle = [self.connect(daemon) for _ in range(200)]
        for connection in idle[::2]:
            connection.sendall(b"POST /v1/programs/up/stop HTTP/1.1\r\nHost: x\r\n")
        daemon.ctl("restart", "up")
        self.assertEqual(daemon.status("up")["active_state"], "active")

    def test_more_connections_than_it_serves(self):
        daemon = self.start_one()
        before = daemon.status("up")["main_pid"]
        crowd = [self.connect(daemon) for _ in range(600)]
        for connection in crowd:
            connection.close()
        # Whoever was too much is told so or hung up on, and nothing is remembered of it.
        support.wait_until("it serves again", lambda: daemon.ctl("status", "up", code=None).returncode == 0)
        self.assertEqual(daemon.status("up")["main_pid"], before)

    def test_clients_that_hang_up_while_they_wait(self):
        daemon = self.start_daemon({"slow": {
            "exec_start": "/bin/sh -c 'trap \"\" TERM; echo ready; while :; do sleep 1; done'",
            "timeout_stop_sec": "1s"}})
        daemon.wait_for_log("slow", "ready")
        for _ in range(20):
            connection = self.connect(daemon)
            connection.sendall(b"POST /v1/programs/slow/stop HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            connection.close()
        daemon.wait_for("slow", active_state="failed", result="timeout")

    def test_clients_that_do_not_read(self):
        daemon = self.start_one()
        request = b"GET /v1/programs HTTP/1.1\r\nHost: x\r\n\r\n"
        for _ in range(20):
            connection = self.connect(daemon)
            connection.setblocking(False)
            try:
                for _ in range(2000):
                    connection.send(request)
            except BlockingIOError:
                pass
        daemon.ctl("status", "up")


if __name__ == "__main__":
    support.main()
