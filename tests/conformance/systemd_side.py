"""The real systemd: a user manager of our own, whose log we are.

It is told to log to the journal, at level debug, and the journal's socket in this mount namespace is ours: so
each change of state is told exactly once, in order, however short the state was.
"""

import collections
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time

from side import PATIENCE, Side

MANAGER = "/lib/systemd/systemd"
CHANGED = re.compile(r"^(\S+)\.service: Changed (\S+) -> (\S+)$")
SHOWN = {"ActiveState": "active_state", "SubState": "sub_state", "Result": "result",
         "ExecMainCode": "exec_main_code", "ExecMainStatus": "exec_main_status", "NRestarts": "n_restarts",
         "StatusText": "status_text", "StatusErrno": "status_errno", "NFileDescriptorStore": "n_file_descriptor_store"}
# How systemctl says it, and the word for it. In this order: the first one that fits.
ANSWERS = [
    ("no answer", "no answer"), ("bad unit file setting", "refused"), ("bad-setting", "refused"), ("canceled", "canceled"),
    ("Assertion failed", "assert"), ("assertion", "assert"),
    ("not applicable", "invalid"), ("is not active, cannot reload", "invalid"),
]


class Systemd(Side):
    name = "systemd"

    def __init__(self, folder, act, cases):
        super().__init__(folder, act, cases)
        self.runtime = pathlib.Path("/run/user/0")
        self.trace = collections.defaultdict(list)  # what it logged of a unit, for people

    def start(self):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
        units = self.runtime / "systemd" / "user"
        units.mkdir(parents=True)
        self.runtime.chmod(0o700)
        self.listen()
        for case in self.cases:
            for part, text in case.units.items():
                self.write_unit(case, part, text)
        # systemd forgets a unit that is down and that nobody refers to.
        everyone = " ".join(f"{self.unit_name(case, part)}.service" for case in self.cases for part in case.units)
        (units / "pin.service").write_text(f"[Unit]\nAfter={everyone}\n[Service]\nType=oneshot\n"
                                           "RemainAfterExit=yes\nExecStart=/bin/true\n")
        self.environment = os.environ | {"XDG_RUNTIME_DIR": str(self.runtime)}
        logging = {"SYSTEMD_LOG_TARGET": "journal", "SYSTEMD_LOG_LEVEL": "debug"}
        with open(self.folder / "console.log", "ab") as console:
            self.process = subprocess.Popen([MANAGER, "--user"], stdin=subprocess.DEVNULL, stdout=console,
                                            stderr=console, env=self.environment | logging)
        end = time.monotonic() + 10
        while self.systemctl("start", "pin.service").returncode != 0:
            if time.monotonic() > end:
                raise RuntimeError("systemd does not come up; see " + str(self.folder / "console.log"))
            time.sleep(0.05)

    def listen(self):
        journal = pathlib.Path("/run/systemd/journal/socket")
        journal.parent.mkdir(parents=True)
        pathlib.Path("/run/systemd/system").mkdir(exist_ok=True)
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        receiver.bind(str(journal))
        threading.Thread(target=self.read_log, args=(receiver,), daemon=True).start()

    def read_log(self, receiver):
        while True:
            for line in receiver.recv(1 << 16).decode(errors="replace").splitlines():
                if not line.startswith("MESSAGE="):
                    continue
                text = line.removeprefix("MESSAGE=")
                unit = text.partition(".service: ")[0]
                if " " not in unit:
                    self.trace[unit].append(f"{time.monotonic():.3f} {text}")
                if found := CHANGED.match(text):
                    self.note_change(found[1], found[2], found[3])

    def write_unit(self, case, part, text):
        (self.runtime / "systemd/user" / f"{self.unit_name(case, part)}.service").write_text(
            self.fill_in(case, text))

    def systemctl(self, *arguments):
        command = ["systemctl", "--user", *arguments]
        try:
            return subprocess.run(command, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, 1, "", "no answer")

    # --- What a case may ask

    def job(self, kind, unit):
        if kind == "reset-failed":
            done = self.systemctl("reset-failed", f"{unit}.service")
        elif kind == "update":
            done = self.systemctl("daemon-reload")
        else:
            done = self.systemctl(kind, f"{unit}.service")
        self.catch_up(unit)
        if done.returncode == 0:
            return "done"
        for words, answer in ANSWERS:
            if words in done.stderr:
                return answer
        return "failed"

    def catch_up(self, unit):
        """Until the log, which comes on another way than answers do, has told the present state."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if (self.states[unit] or ["dead"])[-1] == self.show(unit)["sub_state"]:
                break

    def kill(self, unit, name, whom):
        return "done" if self.systemctl("kill", f"--signal={name}", f"--kill-whom={whom}",
                                        f"{unit}.service").returncode == 0 else "failed"

    def show(self, unit):
        shown = self.systemctl("show", f"--property={','.join(SHOWN)}", f"{unit}.service").stdout
        values = dict(line.split("=", 1) for line in shown.splitlines())
        return {key: values.get(name, "") for name, key in SHOWN.items()}

    def main_pid(self, unit):
        return int(self.systemctl("show", "--property=MainPID", "--value", f"{unit}.service").stdout or 0)

    def clean_up(self, unit):
        self.systemctl("stop", "--no-block", f"{unit}.service")

    def stop(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def trace_of(self, case):
        return sorted(line for part in case.units for line in self.trace[self.unit_name(case, part)])
