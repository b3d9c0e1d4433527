"""What the measurements share: a daemon, the programs it runs, what it uses, and how a figure is printed."""

import contextlib
import fcntl
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
BARE = HERE.parent / "support" / "children" / "bare"
PLACE = os.environ.get("PROCCTL_BENCH_FOLDER", "/dev/shm")
F_SETPIPE_SZ = 1031


def compile_helpers(folder):
    """The loops, and programs without a C library, whose start-up would be most of what is measured."""
    bare = ["-static", "-nostdlib", "-fno-stack-protector", "-fno-exceptions", "-fno-builtin"]
    for sources, options in (HERE, []), (BARE, bare):
        for source in sorted(sources.glob("*.cpp")):
            subprocess.run(["c++", "-std=c++20", "-O2", *options, "-o", folder / source.stem, source], check=True)


class Stamps:
    """A FIFO into which `stamp` programs write when they came to life (ns) and their pid."""

    def __init__(self, folder):
        self.path = folder / "stamps"
        self.path.unlink(missing_ok=True)
        os.mkfifo(self.path)
        self.path.chmod(0o666)
        self.fd = os.open(self.path, os.O_RDWR)
        fcntl.fcntl(self.fd, F_SETPIPE_SZ, 1 << 20)

    def next(self):
        return struct.unpack("=qq", os.read(self.fd, 16))

    def last_of(self, count):
        return max(self.next()[0] for _ in range(count))


class Daemon:
    """A procctld in a folder of its own, with everything at its default but the paths.

    The folder, and so the log files, are in memory, unless PROCCTL_BENCH_FOLDER says otherwise: making 1,000 files where
    others have just been removed takes ext4 longer than starting 1,000 programs takes us.
    """

    def __init__(self, build, programs, control_groups=True):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="procctl-bench-", dir=PLACE))
        (self.folder / "conf.d").mkdir()
        (self.folder / "conf.d" / "all.yaml").write_text("programs:\n" + programs)
        (self.folder / "procctl.yaml").write_text(
            "conf_d: conf.d\nsocket: socket\nsocket_group: root\nlog_dir: log\nstate_dir: state\n"
            f"control_groups: {'yes' if control_groups else 'no'}\n")
        self.output = open(self.folder / "output", "wb")
        self.begin = time.monotonic_ns()
        self.process = subprocess.Popen([build / "procctld", "--config", self.folder / "procctl.yaml"],
                                        stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.output.close()
            shutil.rmtree(self.folder)

    def request(self, method, path):
        connection = http.client.HTTPConnection("localhost", timeout=60)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.folder / "socket"))
        connection.request(method, path)
        with contextlib.closing(connection):
            return json.loads(connection.getresponse().read())

    def programs(self):
        return self.request("GET", "/v1/programs")

    def wait_until_running(self, count):
        """Until `count` programs run; fails when the daemon does."""
        while self.process.poll() is None:
            with contextlib.suppress(OSError):
                if sum(p["sub_state"] == "running" for p in self.programs()) == count:
                    return self
            time.sleep(0.05)
        raise SystemExit((self.folder / "output").read_text())

    def own_processes(self):
        """procctld and its output process: all that runs the same executable below it."""
        own = os.stat(f"/proc/{self.process.pid}/exe")
        found = []
        for entry in os.listdir("/proc"):
            with contextlib.suppress(OSError):
                if entry.isdigit() and os.path.samestat(os.stat(f"/proc/{entry}/exe"), own):
                    if is_below(int(entry), self.process.pid):
                        found.append(int(entry))
        return found


def is_below(pid, ancestor):
    while pid > 1 and pid != ancestor:
        with open(f"/proc/{pid}/stat") as file:
            pid = int(file.read().rsplit(")", 1)[1].split()[1])
    return pid == ancestor


def activity_of(pid):
    """Wake-ups and CPU ticks so far."""
    with open(f"/proc/{pid}/status") as file:
        switches = next(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt_switches"))
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return switches, int(fields[11]) + int(fields[12])


def entry(name, command, extra=""):
    return f"  {name}: {{exec_start: {command}, restart_sec: 0, start_limit_burst: 0{extra}}}\n"


def idle_programs(folder, count):
    return "".join(entry(f"p{i}", folder / "idle") for i in range(count))


def say(text, value, unit="", goal=""):
    print(f"  {text:<58} {value:>10} {unit:<6} {goal}".rstrip(), flush=True)
