"""Our side: one procctld with every unit of every case as a program, in a folder of its own."""

import collections
import http.client
import json
import os
import pathlib
import queue
import re
import socket
import subprocess
import threading
import time
import urllib.parse

import translate
from side import PATIENCE, Side

BUILD = pathlib.Path(os.environ.get("PROCCTL_BUILD", pathlib.Path(__file__).parents[2] / "build/dev")).resolve()
MARKERS = 32  # jobs that may be waited for at once
MARKED = re.compile(r"(marker@\d+): reset-failed requested")
CHANGED = re.compile(r"\b(\S+): (\S+) -> (\S+)$")
SHOWN = ["active_state", "sub_state", "result", "exec_main_code", "exec_main_status", "n_restarts", "status_text",
         "status_errno", "n_file_descriptor_store"]
# systemctl has one word for all of these, or another one.
ANSWERS = {"skipped": "done", "start-limit-hit": "failed", "timeout": "failed", "unsupported": "invalid",
           "assert-failed": "assert"}


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Procctl(Side):
    name = "procctl"

    def __init__(self, folder, act, cases):
        super().__init__(folder, act, cases)
        self.home = folder / "daemon"
        self.refused = {}  # {unit: why it could not be a program}
        self.trace = []
        self.marks = collections.Counter()  # that have been read in the log, by marker
        self.free_markers = queue.Queue()
        for number in range(1, MARKERS + 1):
            self.free_markers.put(f"marker@{number}")

    def start(self):
        conf_d = self.home / "conf.d"
        conf_d.mkdir(parents=True)
        settings = {"conf_d": "conf.d", "socket": "sock", "log_dir": "log", "state_dir": "state", "log_level": "debug"}
        (self.home / "procctl.yaml").write_text(json.dumps(settings))
        table = subprocess.run([BUILD / "procctld", "--keys"], capture_output=True, text=True, check=True).stdout
        self.keys = translate.keys_of(table)
        for case in self.cases:
            self.write_case(case)
        markers = conf_d / "marker.yaml"
        markers.write_text(json.dumps({"programs": {"marker": {
            "exec_start": "/bin/true", "instances": MARKERS, "autostart": False}}}))
        markers.chmod(0o644)
        console = open(self.home / "console.log", "ab")
        self.process = subprocess.Popen([BUILD / "procctld", "--config", self.home / "procctl.yaml"],
                                        stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        end = time.monotonic() + 20
        while not self.is_answering():
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError("procctld does not come up:\n" + (self.home / "console.log").read_text()[-2000:])
            time.sleep(0.02)
        threading.Thread(target=self.follow_log, daemon=True).start()

    def write_case(self, case):
        """All units of a case in one file, so that one that is refused takes no other case with it."""
        programs = {}
        for part, text in case.units.items():
            unit = self.unit_name(case, part)
            try:
                programs[unit] = translate.program(self.fill_in(case, text), self.keys)
            except translate.Untranslatable as directive:
                self.refused[unit] = f"no key for {directive}"
        path = self.home / "conf.d" / f"{case.name}.yaml"
        path.write_text(json.dumps({"programs": programs}, indent=1))
        path.chmod(0o644)

    def follow_log(self):
        """Reads the daemon's log as it grows: its debug lines tell each change of state."""
        with open(self.home / "console.log") as log:
            rest = ""
            while True:
                rest += log.read()
                *lines, rest = rest.split("\n")
                for line in lines:
                    self.trace.append(line)
                    if found := MARKED.search(line):
                        with self.changed:
                            self.marks[found[1]] += 1
                            self.changed.notify_all()
                    if found := CHANGED.search(line):
                        self.note_change(found[1], found[2], found[3])
                time.sleep(0.01)

    def catch_up(self):
        """Until all that the daemon has logged so far is known here: its log goes by way of another process, so that
        an answer may be there first. What is asked of a marker is logged behind it."""
        marker = self.free_markers.get()
        with self.changed:
            wanted = self.marks[marker] + 1
        self.request("POST", f"/v1/programs/{marker}/reset-failed")
        with self.changed:
            self.changed.wait_for(lambda: self.marks[marker] >= wanted, 10)
        self.free_markers.put(marker)

    # --- The control API

    def request(self, method, target):
        connection = UnixConnection(self.home / "sock")
        try:
            connection.request(method, target)
            reply = connection.getresponse()
            text = reply.read().decode(errors="replace")
            is_json = (reply.getheader("Content-Type") or "").startswith("application/json")
            return reply.status, json.loads(text) if is_json else text
        finally:
            connection.close()

    def is_answering(self):
        try:
            return self.request("GET", "/v1/programs")[0] == 200
        except OSError:
            return False

    def job(self, kind, unit):
        if kind == "update":
            return "done" if self.request("POST", "/v1/update")[0] == 200 else "failed"
        try:
            status, reply = self.request("POST", f"/v1/programs/{unit}/{kind}")
        except TimeoutError:
            return "no answer"
        self.catch_up()
        jobs = reply if status == 200 else reply.get("jobs")
        if not jobs:
            return "refused" if status == 404 else reply.get("kind", str(status))
        return ANSWERS.get(jobs[0]["outcome"], jobs[0]["outcome"])

    def kill(self, unit, name, whom):
        query = urllib.parse.urlencode({"signal": f"SIG{name}", "whom": whom})
        return "done" if self.request("POST", f"/v1/programs/{unit}/kill?{query}")[0] == 200 else "failed"

    def status(self, unit):
        self.catch_up()
        status, reply = self.request("GET", f"/v1/programs/{unit}")
        return reply[0] if status == 200 else {}

    def show(self, unit):
        status = self.status(unit)
        return {key: str(status.get(key, "")) for key in SHOWN}

    def main_pid(self, unit):
        return self.status(unit).get("main_pid", 0)

    def clean_up(self, unit):
        self.request("POST", f"/v1/programs/{unit}/stop?wait=false")

    def stop(self):
        self.process.kill()
        self.process.wait()

    def trace_of(self, case):
        units = [self.unit_name(case, part) for part in case.units]
        return [line for line in self.trace if any(f" {unit}:" in line for unit in units)]
