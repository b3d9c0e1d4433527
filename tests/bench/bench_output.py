"""What moving output costs, beside a bare loop of splice in the same run: for `tests/bench/run BUILD output`.

All programs are `output_load`, whose lines have 100 bytes and a number, so that each can be told lost or doubled.
"""

import contextlib
import os
import statistics
import subprocess
import tempfile
import time

from bench_support import PLACE, Daemon, Stamps, activity_of, entry, idle_programs, say

LINE = 100
GIB_OF_LINES = (1 << 30) // LINE
MIB_OF_LINES = (1 << 20) // LINE
ROTATION = "max_size: 50M, keep: 10"


def writer(folder, size, lines, stamps):
    return f"{folder / 'output_load'} write {size} {lines} {stamps.path}"


def logged(name, command, rotation=ROTATION):
    """The entry of a program that runs once, on request."""
    return entry(name, f'"{command}"', f", restart: no, autostart: false, log: {{{rotation}}}")


def files_of(log):
    """Those that were rotated, the oldest first, and the log itself. The higher the number, the newer the file."""
    rotated = [p for p in log.parent.glob(f"{log.name}.*") if p.suffix[1:].isdigit()]
    return sorted(rotated, key=lambda path: int(path.suffix[1:])) + [log]


def last_file(log):
    """The one that ends with the last line: the log, unless it was rotated right after that."""
    return next((path for path in reversed(files_of(log)) if path.exists() and path.stat().st_size > 0), log)


def wait_for_last_line(log, lines):
    """Until the log ends with the last line that the program has written."""
    last = b"%012d" % (lines - 1)
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with contextlib.suppress(OSError), open(last_file(log), "rb") as file:
            file.seek(-LINE, os.SEEK_END)
            if file.read(len(last)) == last:
                return
        time.sleep(0.02)
    raise SystemExit(f"{log} does not end with line {lines - 1}")


def first_line_kept(folder, log, lines):
    """Checks that the files of a log hold each line up to the last, and says from which one on."""
    return int(subprocess.check_output([folder / "output_load", "check", str(lines), *files_of(log)]))


class Usage:
    """CPU seconds of procctld and its output processes since this was made."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.before = self.ticks()

    def ticks(self):
        return {pid: activity_of(pid)[1] for pid in self.daemon.own_processes()}

    def seconds(self):
        return sum(t - self.before.get(pid, 0) for pid, t in self.ticks().items()) / os.sysconf("SC_CLK_TCK")


def by_bare_loop(folder, how, size, lines):
    """Bytes a second, and CPU seconds of the loop."""
    stamps = Stamps(folder)
    with tempfile.TemporaryDirectory(prefix="procctl-bench-", dir=PLACE) as place:
        cpu = float(subprocess.check_output([folder / "output_load", "move", how, f"{place}/log",
                                             *writer(folder, size, lines, stamps).split()]))
        begin, end = stamps.next()
    return lines * LINE * 1e9 / (end - begin), cpu


def by_procctld(build, folder, size, lines):
    """The same through procctld, with rotation; the lines that are kept are checked."""
    stamps = Stamps(folder)
    with Daemon(build, logged("one", writer(folder, size, lines, stamps))) as daemon:
        daemon.wait_until_running(0)
        usage = Usage(daemon)
        daemon.request("POST", "/v1/programs/one/start")
        begin, end = stamps.next()
        log = daemon.folder / "log" / "one.log"
        wait_for_last_line(log, lines)
        cpu = usage.seconds()
        first = first_line_kept(folder, log, lines)
        if len(files_of(log)) != 11 or (lines - first) * LINE < 10 * (49 << 20):
            raise SystemExit(f"of 50M and 10 rotated files, there are {len(files_of(log))}, from line {first} on")
    return lines * LINE * 1e9 / (end - begin), cpu


def one_writer(build, folder):
    print("one program that writes 1 GiB by 4,000 bytes, rotated at 50M, 10 kept")
    bare, ours = [], []
    for _ in range(5):
        bare.append(by_bare_loop(folder, "busy", 4000, GIB_OF_LINES))
        ours.append(by_procctld(build, folder, 4000, GIB_OF_LINES))
    for name, runs in (("bare loop of splice, one file", bare), ("procctl", ours)):
        say(f"{name}: rate (median of 5)", f"{statistics.median(r[0] for r in runs) / 1e6:.0f}", "MB/s")
        say(f"{name}: CPU", f"{statistics.median(r[1] for r in runs):.2f}", "s/GiB")
    say("ratio of the rates", f"{statistics.median(o[0] / b[0] for o, b in zip(ours, bare)):.2f}", "", "goal >= 0.8")
    say("ratio of the CPU", f"{statistics.median(o[1] / b[1] for o, b in zip(ours, bare)):.2f}", "", "goal <= 1.3")


def line_by_line(build, folder):
    print("the same by single writes of a line of 100 bytes")
    bare, ours = [], []
    for _ in range(3):
        bare.append(by_bare_loop(folder, "nap", LINE, GIB_OF_LINES))
        ours.append(by_procctld(build, folder, LINE, GIB_OF_LINES))
    for name, runs, goal in (("bare loop that lets writes gather", bare, ""), ("procctl", ours, "goal <= 1.2")):
        say(f"{name}: rate (median of 3)", f"{statistics.median(r[0] for r in runs) / 1e6:.0f}", "MB/s")
        say(f"{name}: CPU", f"{statistics.median(r[1] for r in runs):.2f}", "s/GiB", goal)


def many_writers(build, folder, count=50, lines=20 * MIB_OF_LINES):
    print(f"{count} programs that write 20 MiB each, at once, rotated at 4M")
    stamps = Stamps(folder)
    programs = "".join(logged(f"p{i}", writer(folder, 4000, lines, stamps), "max_size: 4M, keep: 10")
                       for i in range(count))
    with Daemon(build, programs) as daemon:
        daemon.wait_until_running(0)
        usage = Usage(daemon)
        daemon.request("POST", "/v1/programs/*/start")
        times = [stamps.next() for _ in range(count)]
        logs = [daemon.folder / "log" / f"p{i}.log" for i in range(count)]
        for log in logs:
            wait_for_last_line(log, lines)
        cpu = usage.seconds()
        lost = sum(first_line_kept(folder, log, lines) for log in logs)
    seconds = (max(t[1] for t in times) - min(t[0] for t in times)) / 1e9
    total = count * lines * LINE
    say("rate of all together", f"{total / seconds / 1e6:.0f}", "MB/s")
    say("CPU", f"{cpu * (1 << 30) / total:.2f}", "s/GiB")
    say("the first to end had taken, of the time of the last",
        f"{min(t[1] - t[0] for t in times) / max(t[1] - t[0] for t in times):.2f}")
    say(f"lines lost, doubled or cut, of {count * lines:,}", str(lost), "", "goal 0")


def status_times(build, daemon, count=100):
    """How long `procctl status` takes, and the request alone: sorted, in ms."""
    command, request = [], []
    for _ in range(count):
        begin = time.monotonic_ns()
        subprocess.run([build / "procctl", "--socket", daemon.folder / "socket", "status"], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        command.append((time.monotonic_ns() - begin) / 1e6)
        begin = time.monotonic_ns()
        daemon.programs()
        request.append((time.monotonic_ns() - begin) / 1e6)
    return sorted(command), sorted(request)


def flood(build, folder, count=50):
    print(f"`procctl status`, asked 100 times while {count} programs write as fast as they can")
    flooders = "".join(entry(f"p{i}", f'"{folder / "output_load"} write 4000 0"',
                             ", log: {max_size: 10M, keep: 1}") for i in range(count))
    for what, programs, goal in ((f"beside {count} idle programs", idle_programs(folder, count), ""),
                                 (f"beside {count} that flood", flooders, "goal <= 50 ms")):
        with Daemon(build, programs) as daemon:
            daemon.wait_until_running(count)
            command, request = status_times(build, daemon)
        for name, times in ("`procctl status`", command), ("the request alone", request):
            say(f"{name} {what}: p50", f"{statistics.median(times):.1f}", "ms")
            say(f"{name} {what}: p99", f"{times[int(len(times) * 0.99)]:.1f}", "ms", goal)


def output(build, folder):
    one_writer(build, folder)
    line_by_line(build, folder)
    many_writers(build, folder)
    flood(build, folder)
