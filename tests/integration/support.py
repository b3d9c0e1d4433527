"""What the integration tests share: a real daemon in a folder of its own, and a way to wait for facts.

A test file ends with `support.main()`. It puts the whole test into a PID namespace of its own, so that the
pids the daemon speaks of are the test's too and nothing can outlive it. No test sleeps for a fixed time: it
waits for a state, with a deadline that only a real fault reaches.
"""

import ctypes
import http.client
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

BUILD = pathlib.Path(os.environ.get("PROCCTL_BUILD", "build/dev")).resolve()
PROCCTLD = BUILD / "procctld"
PROCCTL = BUILD / "procctl"
PYTHON = "/usr/bin/python3"
DEADLINE = 30.0
SLEEP = ["/bin/sleep", "600"]

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
libc = ctypes.CDLL(None, use_errno=True)


# A program that tells of itself: `tell NAME [COMMAND…]` writes a line to the file story.$STORY, with what the
# variables of a run say, and then becomes COMMAND.
TELL = """#!/bin/sh
line=$1
shift
for variable in MAINPID SERVICE_RESULT EXIT_CODE EXIT_STATUS MONITOR_UNIT MONITOR_SERVICE_RESULT \\
                MONITOR_EXIT_CODE MONITOR_EXIT_STATUS MONITOR_INVOCATION_ID; do
    eval "value=\\${$variable-}"
    [ -z "$value" ] || line="$line $variable=$value"
done
[ "$SYSTEMD_EXEC_PID" = $$ ] || line="$line SYSTEMD_EXEC_PID=wrong"
echo "$INVOCATION_ID" >> "${0%/*}/invocations.$STORY"
echo "$line" >> "${0%/*}/story.$STORY"
[ $# = 0 ] && exit 0
exec "$@"
"""


def wait_until(what, condition, deadline=DEADLINE):
    """Returns the first true value of `condition`; fails, naming `what`, when none comes."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline:.0f} s in vain: {what}")
        time.sleep(0.02)


def descendants(pid=None):
    """Pids of all processes below `pid`, by default below this one, with their command lines."""
    parents = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = pathlib.Path("/proc", entry, "stat").read_text()
            command = pathlib.Path("/proc", entry, "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        fields = stat.rpartition(")")[2].split()
        parents[int(entry)] = (int(fields[1]), command or stat)
    found = {}
    wanted = {pid or os.getpid()}
    while wanted:
        level = {child: command for child, (parent, command) in parents.items() if parent in wanted}
        found.update(level)
        wanted = set(level)
    return found


def is_sanitized():
    """Whether the daemon is built with AddressSanitizer, which needs far more memory than it uses."""
    return b"__asan_init" in pathlib.Path(PROCCTLD).read_bytes()


bystanders = set()  # pids of servers that a test has started, and that no daemon has anything to do with


def processes_left():
    """What lives on below this process, to which, as the nearest subreaper, a daemon's orphans come."""
    for pid in set(descendants()) - bystanders:
        try:
            os.waitpid(pid, os.WNOHANG)  # A zombie is ours to reap.
        except ChildProcessError:
            pass
    return {pid: command for pid, command in descendants().items() if pid not in bystanders}


def control_group_folder(path):
    """Where a control group, as the daemon names it, stands in the file system."""
    for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        if after.startswith("cgroup2 "):
            root, mount = before.split()[3:5]
            return pathlib.Path(mount, path.removeprefix(root.rstrip("/")).lstrip("/"))
    return None


def control_group_of(pid):
    """The control group (version 2) of a process."""
    for line in pathlib.Path("/proc", str(pid), "cgroup").read_text().splitlines():
        if line.startswith("0::"):
            return line[3:]
    return ""


def is_gone(pid):
    """Whether no process, not even a zombie, has this pid."""
    return not os.path.exists(f"/proc/{pid}")


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Daemon:
    """One procctld, its settings, its conf.d, its logs, all in one folder and all with relative paths."""

    def __init__(self, programs=None, settings=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="procctl-"))
        self.folder.chmod(0o755)
        self.config = self.folder / "procctl.yaml"
        self.conf_d = self.folder / "conf.d"
        self.socket = self.folder / "procctl.sock"
        self.log_dir = self.folder / "log"
        self.console = self.folder / "console.log"
        self.process = None
        self.conf_d.mkdir(mode=0o755)
        keys = {"conf_d": "conf.d", "socket": "procctl.sock", "log_dir": "log", "state_dir": "state"}
        self.config.write_text(json.dumps(keys | (settings or {})))
        if programs is not None:
            self.write("programs.yaml", programs)

    # --- Files

    def write(self, name, programs):
        """Writes conf.d/NAME: a dictionary of programs (JSON is YAML), or text as it stands."""
        text = programs if isinstance(programs, str) else json.dumps({"programs": programs}, indent=2)
        (self.conf_d / name).write_text(text)
        (self.conf_d / name).chmod(0o644)

    def script(self, name, text):
        """An executable file in the daemon's folder, for exec_start; returns its path."""
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)
        return str(path)

    def story(self, name, main_pid=None):
        """What the commands of a program have told of themselves by TELL; `main_pid` reads MAIN."""
        path = self.folder / f"story.{name}"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line.replace(f"MAINPID={main_pid}", "MAINPID=MAIN") for line in lines]

    def log(self, name):
        """The output of a program so far, as text."""
        path = self.log_dir / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    # --- Its life

    def start(self, wait=True, nofile=None, environment=None):
        def in_child():
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if nofile:
                resource.setrlimit(resource.RLIMIT_NOFILE, (nofile, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

        with open(self.console, "ab") as console:
            self.process = subprocess.Popen([PROCCTLD, "--config", self.config], stdin=subprocess.DEVNULL,
                                            stdout=console, stderr=console, preexec_fn=in_child,
                                            env=os.environ | (environment or {}))
        if wait:
            wait_until("the daemon answers on its socket", self.is_answering)
        return self

    def is_answering(self):
        if self.process.poll() is not None:
            raise AssertionError(f"procctld ended by itself with {self.process.returncode}\n{self.messages()}")
        try:
            return self.request("GET", "/v1/programs")[0] == 200
        except OSError:
            return False

    def messages(self):
        """The daemon's own log."""
        return self.console.read_text(errors="replace") if self.console.exists() else ""

    def wait_for_message(self, text):
        wait_until(f"the daemon's log has {text!r}", lambda: text in self.messages())

    def terminate(self):
        """SIGTERM, and the promise that goes with it: exit status 0, and no process left."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.wait_for_end()

    def wait_for_end(self):
        code = self.process.wait(timeout=2 * DEADLINE)
        if code != 0:
            raise AssertionError(f"procctld ended with {code}, not 0")
        # What befalls a helper or the output process costs the daemon nothing, so it would go unseen.
        for complaint in ("Sanitizer", "runtime error:", "Assertion"):
            if complaint in self.messages():
                raise AssertionError(f"{complaint!r} stands in the daemon's log")
        try:
            wait_until("no process is left of it", lambda: not processes_left(), 10)
        except AssertionError as failure:
            raise AssertionError(f"{failure}: {processes_left()}") from None

    def kill_leftovers(self, command):
        """Ends what programs were told to leave behind (kill_mode process, send_sigkill false)."""
        for pid, line in descendants().items():
            if line.strip().endswith(command):
                os.kill(pid, signal.SIGKILL)

    def kill_all(self):
        if self.process is None:
            return  # never started; what there is belongs to another daemon of the test
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in set(descendants()) - bystanders:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- Talking to it

    def request(self, method, target, body=None):
        """An HTTP request on the socket: (status, JSON or text)."""
        connection = UnixConnection(self.socket)
        try:
            connection.request(method, target, body=None if body is None else json.dumps(body),
                               headers={} if body is None else {"Content-Type": "application/json"})
            reply = connection.getresponse()
            text = reply.read().decode(errors="replace")
            is_json = (reply.getheader("Content-Type") or "").startswith("application/json")
            return reply.status, json.loads(text) if is_json else text
        finally:
            connection.close()

    def ctl(self, *arguments, code=0, **options):
        """Runs procctl; checks its exit status unless `code` is None."""
        command = [PROCCTL, "--socket", self.socket, *map(str, arguments)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=2 * DEADLINE,
                              **options)
        if code is not None and done.returncode != code:
            raise AssertionError(f"procctl {' '.join(map(str, arguments))}: exit status {done.returncode}, not {code}\n"
                                 f"{done.stdout}{done.stderr}")
        return done

    def job(self, kind, name, code=0):
        """Asks for a job on one instance and waits for it; returns its outcome."""
        reply = json.loads(self.ctl(kind, name, "-o", "json", code=code).stdout)
        return (reply["jobs"] if isinstance(reply, dict) else reply)[0]["outcome"]

    def statuses(self):
        """Every instance by name, as `procctl status -o json` has it."""
        status, rows = self.request("GET", "/v1/programs")
        assert status == 200, (status, rows)
        return {row["name"]: row for row in rows}

    def status(self, name):
        return self.statuses()[name]

    def wait_for(self, name, condition=None, **fields):
        """Waits until the instance has all these values, and the condition holds; returns its status."""
        last = {}

        def is_so():
            last.clear()
            last.update(self.statuses().get(name, {}))
            return (bool(last) and all(last[key] == value for key, value in fields.items())
                    and (condition is None or condition(last)))

        try:
            wait_until(f"{name} becomes {fields or 'as wanted'}", is_so)
        except AssertionError as failure:
            raise AssertionError(f"{failure}; it is {json.dumps(last)}") from None
        return last

    def wait_for_log(self, name, text):
        wait_until(f"the log of {name} has {text!r}", lambda: text in self.log(name))
        return self.log(name)


class Test(unittest.TestCase):
    """A test case that starts daemons, ends each of them properly, and shows their logs when it fails."""

    maxDiff = None

    def run(self, result=None):
        self.daemons = []
        bad_before = len(result.failures) + len(result.errors)
        try:
            return super().run(result)
        finally:
            shared = getattr(type(self), "daemon", None)
            if len(result.failures) + len(result.errors) > bad_before:
                for daemon in self.daemons + ([shared] if shared else []):
                    print(f"--- the daemon's log, for {self.id()}:\n{daemon.messages()}---", file=sys.stderr)
            for daemon in self.daemons:
                daemon.remove()

    def make_daemon(self, programs=None, settings=None):
        """A daemon that is not started yet."""
        daemon = Daemon(programs, settings)
        self.daemons.append(daemon)
        self.addCleanup(daemon.kill_all)
        return daemon

    def launch(self, daemon, **options):
        """Starts it. At the end of the test it must end with 0 and leave nothing behind."""
        daemon.start(**options)
        self.addCleanup(lambda: daemon.process.poll() is None and daemon.terminate())
        return daemon

    def start_programs(self, programs, settings=None, scripts=None):
        """A daemon that answers, with programs that sleep, are started by hand and once, unless they say otherwise.

        In their texts FOLDER is the daemon's folder, where `scripts` are written, and TELL is above's.
        """
        daemon = self.make_daemon(settings=settings)
        for name, text in ({"tell": TELL} | (scripts or {})).items():
            daemon.script(name, text)
        usual = {"exec_start": SLEEP, "restart": "no", "autostart": False, "environment": {"STORY": "%n"}}
        text = json.dumps({"programs": {name: usual | keys for name, keys in programs.items()}}, indent=2)
        daemon.write("programs.yaml", text.replace("FOLDER", str(daemon.folder)).replace('"TELL', f'"{daemon.folder}/tell'))
        return self.launch(daemon)

    def start_daemon(self, programs=None, settings=None, **options):
        """A daemon that answers. At the end of the test it must end with 0 and leave nothing behind."""
        return self.launch(self.make_daemon(programs, settings), **options)


def needs_root(reason):
    """Marks a test of what only the real root can do: root of a user namespace has one user."""
    is_root = os.geteuid() == 0 and pathlib.Path("/proc/self/uid_map").read_text().split()[2] != "1"
    return unittest.skipUnless(is_root, f"needs root: {reason}")


def enter_namespace():
    """Runs this program again as a process of a new PID namespace, whose end is the end of everything in it."""
    if "PROCCTL_IN_NAMESPACE" in os.environ:
        return
    environment = os.environ | {"PROCCTL_IN_NAMESPACE": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    unshare = ["unshare", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]), "--pid", "--fork",
               "--kill-child", "--mount-proc"]
    if subprocess.run([*unshare, "true"], stderr=subprocess.DEVNULL).returncode != 0:
        unshare = []  # A container may forbid it. Then the subreaper below is all that holds strays.
    # The shell is the namespace's init; it reaps what nobody else does.
    command = [*unshare, "/bin/sh", "-c", '"$@"; exit $?', "sh", PYTHON, *sys.argv]
    os.execvpe(command[0], command, environment)


class Result(unittest.TextTestResult):
    """Also writes every skip to the file that tests/run names, so that none goes unseen."""

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        if path := os.environ.get("PROCCTL_SKIPS"):
            with open(path, "a") as file:
                file.write(f"{test.id().removeprefix('__main__.')}: {reason}\n")


def main():
    if not PROCCTLD.exists():
        sys.exit(f"there is no {PROCCTLD}; PROCCTL_BUILD names the build folder")
    enter_namespace()
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.umask(0o022)
    runner = unittest.TextTestRunner(verbosity=2, resultclass=Result)
    unittest.main(testRunner=runner, module="__main__")
