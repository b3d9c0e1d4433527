"""A real journald for tests: it sees nothing of the machine's own, and the machine's own sees nothing of it.

The process that starts one enters a mount namespace with an empty /run, and so do all that it starts from then
on: what they write to /run/systemd/journal/socket comes here. It needs root.
"""

import ctypes
import json
import os
import pathlib
import subprocess
import tempfile

import support

JOURNALD = pathlib.Path("/lib/systemd/systemd-journald")
SOCKET = "/run/systemd/journal/socket"    # its native protocol
DEV_LOG = "/run/systemd/journal/dev-log"  # syslog's, to which /dev/log leads where systemd runs

# Nothing on the disk, nothing from the kernel, and no limit of messages for each second.
CONFIGURATION = """[Journal]
Storage=volatile
RuntimeMaxUse=512M
RateLimitIntervalSec=0
ReadKMsg=no
Audit=no
"""

CLONE_NEWNS = 0x00020000


def why_not():
    """Why none can be started here; empty when one can."""
    if not JOURNALD.exists():
        return f"there is no {JOURNALD}"
    is_root = os.geteuid() == 0 and pathlib.Path("/proc/self/uid_map").read_text().split()[2] != "1"
    return "" if is_root else "needs root: a journald of its own"


def enter_namespace():
    """An empty /run for this process and those that it starts."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "cannot enter a mount namespace")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)


class Journald:
    """One journald. It may be stopped, killed and started again; what it has written stays."""

    has_entered = False

    def __init__(self):
        if not Journald.has_entered:
            enter_namespace()
            Journald.has_entered = True
        self.process = None
        configuration = pathlib.Path("/run/systemd/journald.conf.d/test.conf")
        configuration.parent.mkdir(parents=True, exist_ok=True)
        configuration.write_text(CONFIGURATION)
        pathlib.Path("/run/systemd/journal").mkdir(exist_ok=True)
        pathlib.Path("/run/log/journal").mkdir(parents=True, exist_ok=True)
        self.console = tempfile.TemporaryFile()

    def start(self):
        # Those of one that was killed would look as if this one were ready.
        for socket in (SOCKET, DEV_LOG):
            pathlib.Path(socket).unlink(missing_ok=True)
        self.process = subprocess.Popen([JOURNALD], stdin=subprocess.DEVNULL, stdout=self.console, stderr=self.console)
        support.bystanders.add(self.process.pid)
        support.wait_until("journald answers", self.is_ready)
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            self.console.seek(0)
            raise AssertionError(f"journald ended with {self.process.returncode}: {self.console.read()}")
        return pathlib.Path(SOCKET).is_socket() and pathlib.Path(DEV_LOG).is_socket()

    def stop(self):
        """It writes down what it was sent."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(support.DEADLINE)

    def entries(self, *matches):
        """Its entries with these fields ("NAME=value"), oldest first; a field that is not UTF-8 as bytes."""
        done = subprocess.run(["journalctl", "--directory=/run/log/journal", "-o", "json", "--all", "--quiet",
                               "--no-pager", *matches], capture_output=True, check=True)
        entries = [json.loads(line) for line in done.stdout.splitlines()]
        for entry in entries:
            for name, value in entry.items():
                if isinstance(value, list) and all(isinstance(number, int) for number in value):
                    entry[name] = bytes(value)
        return entries

    def wait_for_entries(self, count, *matches):
        """Its entries once there are so many of them."""
        return support.wait_until(f"{count} entries of {matches}",
                                  lambda: (found := self.entries(*matches)) and len(found) >= count and found)
