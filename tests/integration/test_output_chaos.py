"""What programs write is in their logs: every byte once and in order, whatever befalls everybody meanwhile.

Many programs write records that only their seed decides (tests/support/children/write_records.cpp). Meanwhile, in
an order that a printed seed decides (PROCCTL_SEED repeats it), logs are rotated, moved away and opened anew,
programs are restarted and killed, output processes are killed, a disk is full, another one frozen, and a FIFO is
read by nobody. The rotated files are read, checked and removed as they come, as something that ships logs does; all
but the newest, because a number is given by what there is.
"""

import collections
import copy
import errno
import fcntl
import gzip
import json
import mmap
import os
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import time

import support

WRITER = support.BUILD / "tests" / "children" / "write_records"
ROTATIONS = 10_000
ACTIONS = 200  # at least, and each kind of them
POOL_SIZE = 3 << 20
PIPE = 1 << 20  # what a pipe holds at most
LONGEST_CUT_LINE = 64 << 10  # as far from the end of a file a newline is looked for
MOST_RUNS = 8192
FIFREEZE, FITHAW = 0xC0045877, 0xC0045878
MASK = (1 << 64) - 1



# --- A frozen disk does not stay one

def guard_disks():
    """A process that thaws what it is handed when nobody has called for 20 s, or when the test has gone.

    It is born outside the test's PID namespace, because what stands in a frozen disk cannot be killed, and a
    namespace whose processes cannot be killed does not end.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() != 0:
        theirs.close()
        os.environ["PROCCTL_DISK_GUARD"] = str(ours.fileno())
        ours.set_inheritable(True)
        ours.detach()
        return
    os.setsid()
    ours.close()
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nothing, standard)
    theirs.settimeout(20)
    disks = []
    while True:
        try:
            message, descriptors, _, _ = socket.recv_fds(theirs, 16, 4)
        except TimeoutError:
            message, descriptors = b"late", []
        disks += descriptors
        if message in (b"", b"late"):
            for disk in disks:
                thaw(disk)
        if message == b"":
            os._exit(0)


def thaw(disk):
    try:
        fcntl.ioctl(disk, FITHAW, 0)
    except OSError:
        pass  # it was not frozen


# --- What is to be there

class SplitMix:
    def __init__(self, seed):
        self.state = seed & MASK

    def next(self):
        self.state = z = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)


EDGES = (1, 4095, 4096, 4097, 8192, 65535, 65536, 65537)


def size_of_record(r, longest):
    kind, rest = r % 16, r >> 8
    size = 1 + rest % 200
    if 8 <= kind < 12:
        size = 1 + rest % 5000
    elif 12 <= kind < 14:
        size = 1 + rest % 70000
    elif kind == 14:
        size = EDGES[rest % 8]
    elif kind == 15 and rest % 8 == 0:
        size = 1 + (rest >> 8) % (1 << 20)
    elif kind == 15 and rest % 32 == 1:
        size = 1 << 20
    return min(size, longest)


class Run:
    """What one run writes to one stream, piece by piece, as write_records does."""

    def __init__(self, writer, run, stream):
        self.writer = writer
        self.records = SplitMix(writer.seed ^ (run << 20) ^ stream)
        self.piece = memoryview(heading(writer.seed, run, stream))
        self.newline_due = False

    def fork(self):
        other = copy.copy(self)
        other.records = copy.copy(self.records)
        return other

    def match(self, data):
        """How many of the first bytes of `data` are what comes next; they are taken."""
        data = memoryview(data)
        done = 0
        while done < len(data):
            if not self.piece:
                self.next_piece()
            n = min(len(self.piece), len(data) - done)
            if self.piece[:n] != data[done:done + n]:
                while self.piece[0] == data[done]:
                    self.piece = self.piece[1:]
                    done += 1
                return done
            self.piece = self.piece[n:]
            done += n
        return done

    def next_piece(self):
        if self.newline_due:
            self.newline_due = False
            self.piece = memoryview(b"\n")
            return
        size = size_of_record(self.records.next(), self.writer.longest)
        at = self.records.next() % (len(self.writer.pool) - size)
        self.piece = self.writer.pool[at:at + size]
        self.newline_due = self.writer.is_lines


def heading(seed, run, stream):
    return b"<run %08d of %020d/%d>\n" % (run, seed, stream)


class Writer:
    """A program's side: its settings and the progress it shares."""

    def __init__(self, folder, name, seed, pool, pool_path, longest, window, is_lines=False, has_two=False):
        self.name, self.seed, self.longest, self.is_lines = name, seed, longest, is_lines
        self.pool = memoryview(pool)
        path = folder / f"{name}.progress"
        with open(path, "w+b") as file:
            file.truncate(8 * (8 + 4 * MOST_RUNS))
            self.words = memoryview(mmap.mmap(file.fileno(), 0)).cast("Q")
        self.words[2] = window
        self.command = [str(WRITER), str(path), str(pool_path), str(seed), str(longest),
                        "lines" if is_lines else "raw", *(["two"] if has_two else [])]

    def runs(self):
        return self.words[0]

    def asked_and_taken(self, run, stream):
        at = 8 + 4 * run + 2 * stream
        return self.words[at], self.words[at + 1]

    def count_seen(self, size):
        self.words[1] += size

    def stop(self):
        self.words[3] = 1

    def has_stopped(self):
        return self.words[4] == 1


class Checker:
    """Takes a stream's bytes as they come and compares them; what cannot be judged yet waits."""

    def __init__(self, writer, stream, what):
        self.writer, self.stream, self.what = writer, stream, what
        self.run = -1  # the one whose bytes are expected now
        self.position = 0  # in it
        self.expected = None
        self.waiting = bytearray()
        self.seen = 0
        self.beyond = 0  # bytes of killed runs that write(2) had not told of
        self.merged = 0  # runs whose last line was not ended

    def fork(self):
        other = copy.copy(self)
        other.waiting = bytearray(self.waiting)
        other.expected = self.expected and self.expected.fork()
        return other

    def fail(self, why):
        raise AssertionError(
            f"{self.what}, run {self.run} at {self.position} (stream at {self.seen - len(self.waiting)}; asked and taken: "
            f"{self.writer.asked_and_taken(max(self.run, 0), self.stream)}, {self.writer.runs()} runs): {why}; "
            f"there is {bytes(self.waiting[:80])!r}")

    def feed(self, data):
        self.waiting += data
        self.seen += len(data)
        while self.waiting and self.step():
            pass

    def take(self, size):
        """Takes so many of those waiting; they must be as expected."""
        right = self.expected.match(memoryview(self.waiting)[:size])
        self.position += right
        del self.waiting[:right]
        if right != size:
            self.fail(f"wrong bytes, {self.explain()}")

    def explain(self):
        """Whether bytes are missing or doubled, for who has to find out why."""
        probe = bytes(self.waiting[:64])
        for back in (True, False):
            other = Run(self.writer, self.run, self.stream)
            text = bytearray()
            while len(text) < (self.position if back else self.position + (8 << 20)):
                text += other.piece
                other.next_piece()
            found = text.rfind(probe, 0, self.position) if back else text.find(probe, self.position)
            if found >= 0:
                return f"doubled from {found}" if back else f"{found - self.position} bytes are missing"
        return "from nowhere near"

    def step(self):
        """Judges some of the bytes that wait; false: not before it is known more."""
        runs = self.writer.runs()
        asked, taken = self.writer.asked_and_taken(self.run, self.stream) if self.run >= 0 else (0, 0)
        if self.position < taken:
            self.take(min(len(self.waiting), taken - self.position))
            return True
        if self.run + 1 >= runs:
            return False
        # This run is over: between what was taken and what was asked for the next one's heading follows.
        most = asked - self.position + (1 if self.writer.is_lines else 0)
        for following in range(self.run + 1, runs):
            head = heading(self.writer.seed, following, self.stream)
            at = self.waiting.find(head, 0, most + len(head))
            if at >= 0:
                self.begin(following, at)
                return True
            if self.writer.asked_and_taken(following, self.stream)[1] > 0:
                if len(self.waiting) >= most + len(head):
                    self.fail(f"run {following} does not begin within {most} bytes")
                return False
        return False

    def begin(self, run, at):
        if at > 0:
            self.take_end(at)
        if self.writer.is_lines and self.run >= 0:
            self.merged += at == 0 and self.position > 0 and self.last != 10
        self.run, self.position = run, 0
        self.expected = Run(self.writer, run, self.stream)

    last = 10

    def take_end(self, size):
        if self.run < 0:
            self.fail("something stands before the first run")
        self.beyond += size
        if self.writer.is_lines and self.waiting[size - 1] == 10:
            right = self.expected.fork().match(memoryview(self.waiting)[:size])
            if right == size - 1:  # the newline is not the program's
                self.take(size - 1)
                del self.waiting[:1]
                return
        self.take(size)

    def is_complete(self):
        """Whether all is here that is known to have been written."""
        if self.writer.runs() != self.run + 1:
            return False
        asked, taken = self.writer.asked_and_taken(self.run, self.stream)
        return self.position == taken and not self.waiting and asked == taken

    def finish(self):
        if not self.is_complete():
            self.fail("the end is missing, or more follows")


# --- Where it is found

class Log:
    """The files of one log: those that were rotated are read and removed, the rest is read at the end."""

    def __init__(self, path, feed, is_compressed=False, size=None, is_cut_at_lines=True):
        self.path, self.feed, self.is_compressed, self.size = path, feed, is_compressed, size
        self.is_cut_at_lines = is_cut_at_lines
        self.last = 0
        self.rotated = self.unpacked = 0
        self.name = re.compile(re.escape(path.name) + r"\.([0-9]+)(\.gz)?")

    def files(self):
        """Numbers, with whether there is a compressed file and no other."""
        found = {}
        try:
            names = os.listdir(self.path.parent)
        except FileNotFoundError:
            return []
        for name in names:
            if match := self.name.fullmatch(name):
                number = int(match[1])
                found[number] = found.get(number, True) and bool(match[2])
        return sorted(found.items())

    def file(self, number, is_packed):
        return self.path.with_name(f"{self.path.name}.{number}{'.gz' if is_packed else ''}")

    def read(self, number, is_packed):
        path = self.file(number, is_packed)
        with gzip.open(path) if is_packed else open(path, "rb") as file:
            data = file.read()
        if self.size is not None and len(data) > self.size + PIPE:
            raise AssertionError(f"{path} has {len(data)} bytes")
        end = data[-LONGEST_CUT_LINE:]
        if self.is_cut_at_lines and not end.endswith(b"\n") and b"\n" in end:
            raise AssertionError(f"{path} ends within a line, {len(end) - 1 - end.rindex(10)} bytes after a newline")
        return data

    def consume(self, is_end=False):
        """Reads and removes what will not change any more; returns how many bytes."""
        files = self.files()
        seen = 0
        for number, is_packed in files if is_end else files[:-1]:
            if self.is_compressed and not is_packed and not is_end:
                break  # about to be compressed
            if number <= self.last:
                raise AssertionError(f"{self.file(number, is_packed)} comes after {self.last}")
            data = self.read(number, is_packed)
            self.feed(data)
            self.last = number
            self.rotated += 1
            self.unpacked += is_packed
            seen += len(data)
            for packed in (False, True):
                self.file(number, packed).unlink(missing_ok=True)
            (self.path.parent / f".{self.path.name}.{number}.times").unlink(missing_ok=True)
        if is_end and self.path.exists():
            data = self.path.read_bytes()
            self.feed(data)
            seen += len(data)
        return seen

    def peek(self, feed):
        """Feeds what is there and not read yet, and leaves it; false when it changes meanwhile."""
        files = self.files()
        for number, is_packed in files:
            feed(self.read(number, is_packed))
        if self.path.exists():
            feed(self.path.read_bytes())
        return self.files() == files


class Fifo:
    """A log that is a FIFO, and its reader, who is sometimes away."""

    def __init__(self, path, feed):
        self.path, self.feed = path, feed
        self.rotated = self.unpacked = 0
        path.parent.mkdir(exist_ok=True)
        os.mkfifo(path)
        self.reader = -1

    def attend(self):
        if self.reader < 0:
            self.reader = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)

    def leave(self):
        os.close(self.reader)
        self.reader = -1

    def consume(self, is_end=False):
        seen = 0
        while self.reader >= 0:
            try:
                data = os.read(self.reader, 1 << 18)
            except BlockingIOError:
                break
            if not data:
                break
            self.feed(data)
            seen += len(data)
            if seen > 4 << 20 and not is_end:
                break
        return seen


# Lines as they stand in files, and what of them the program wrote.

class StampedLines:
    STAMP = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z ")

    def __init__(self, checker):
        self.checker = checker
        self.is_in_line = False

    def __call__(self, data):
        out = []
        for line in re.findall(rb"[^\n]*\n|[^\n]+", data):
            if not self.is_in_line:
                match = self.STAMP.match(line)
                if not match:
                    raise AssertionError(f"{self.checker.what}: a line without a time: {line[:80]!r}")
                line = line[match.end():]
            out.append(line)
            self.is_in_line = not line.endswith(b"\n")
        self.checker.feed(b"".join(out))


class JsonLines:
    KEYS = ["time", "program", "instance", "stream", "pid", "message"]

    def __init__(self, name, checkers):
        self.name = name
        self.checkers = checkers
        self.rest = b""

    def __call__(self, data):
        lines = (self.rest + data).split(b"\n")
        self.rest = lines.pop()
        out = collections.defaultdict(list)
        for line in lines:
            text = json.loads(line)
            is_partial = text.pop("partial", False)
            keys = [key for key in self.KEYS if key != "pid" or "pid" in text]
            if list(text) != keys or text["program"] != self.name or text["instance"] != self.name:
                raise AssertionError(f"{self.name}: {line[:200]!r}")
            message = text["message"]
            out[text["stream"]].append(message.encode() if isinstance(message, str) else bytes(message))
            if not is_partial:
                out[text["stream"]].append(b"\n")
        for stream, pieces in out.items():
            self.checkers[stream].feed(b"".join(pieces))


# --- The test

def make_pool(dice, newlines):
    """Bytes of all kinds for records to be cut from: any, none but zeros, text, not quite UTF-8."""
    some = POOL_SIZE // 6
    sentence = "A line of text, grüße, 日本語, и ещё \U0001f600.\n".encode()
    pool = b"".join((dice.randbytes(some), bytes(some // 2), (sentence * (some // len(sentence) + 1))[:some],
                     dice.randbytes(some), (b"\xff\xfe" + sentence[:-4]) * (some // len(sentence)), dice.randbytes(some)))
    # Records that begin at any place of what repeats itself would look alike: every 61st byte is any byte.
    pool = bytearray(pool)
    pool[::61] = dice.randbytes(len(pool[::61]))
    return bytes(pool if newlines else pool.replace(b"\n", b"\0"))


class Chaos(support.Test):
    def setUp(self):
        self.seed = int(os.environ.get("PROCCTL_SEED", time.time_ns() % 1_000_000_000))
        print(f"PROCCTL_SEED={self.seed}", file=sys.stderr, flush=True)
        self.dice = random.Random(self.seed)
        self.writers, self.logs, self.checkers = {}, {}, []
        self.places = {}  # of logs
        self.programs = {}
        self.done = collections.Counter()
        self.is_full = self.is_frozen = False
        self.pending = []

    # --- Setting it up

    def mount(self, place, *arguments):
        path = self.folder / place
        path.mkdir()
        done = subprocess.run(["mount", *arguments, str(path)], capture_output=True, text=True)
        if done.returncode != 0:
            return None
        self.addCleanup(subprocess.run, ["umount", "-l", str(path)], stderr=subprocess.DEVNULL)
        return path

    def mount_disk(self):
        """A disk that can be frozen; None where there is no loop device, or no right to it."""
        self.disk = -1
        image = self.folder / "disk.image"
        with open(image, "wb") as file:
            file.truncate(96 << 20)
        made = subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", "-F", str(image)], capture_output=True)
        path = made.returncode == 0 and self.mount("disk", "-o", "loop,noatime", str(image))
        if not path:
            return None
        self.disk = os.open(path, os.O_RDONLY)
        self.guard = socket.socket(fileno=int(os.environ["PROCCTL_DISK_GUARD"]))
        self.guard.set_inheritable(False)
        socket.send_fds(self.guard, [b"disk"], [self.disk])
        self.addCleanup(thaw, self.disk)
        return path

    def add(self, name, place, log=None, longest=1 << 20, window=1 << 19, is_lines=False, has_two=False, pool="any",
            **keys):
        log = dict(log or {})
        folder = place / name
        path = folder / f"{name}.log"
        log["path"] = str(path)
        writer = Writer(self.folder, name, self.dice.getrandbits(63), self.pools[pool], self.folder / f"{pool}.pool",
                        longest, window, is_lines, has_two)
        self.writers[name] = writer
        size = {"K": 1 << 10, "M": 1 << 20}
        most = log.get("max_size", "infinity")
        # Where rotations fail because a disk is full files grow on.
        limit = int(most[:-1]) * size[most[-1]] if most != "infinity" and place == self.plain else None
        is_compressed = log.get("compress") == "gzip"
        checkers = [Checker(writer, stream, f"{name}/{stream}") for stream in range(2 if has_two else 1)]
        self.checkers += checkers
        if log.get("format") == "json":
            feeds = [JsonLines(name, dict(zip(("stdout", "stderr"), checkers)))]
        elif log.get("timestamps"):
            feeds = [StampedLines(checkers[0])]
        else:
            feeds = [checker.feed for checker in checkers]
        # Who moves a file away does not look for the end of a line.
        self.logs[name] = [Log(path, feeds[0], is_compressed, limit, is_cut_at_lines=name != "moved")]
        if len(feeds) == 2:
            err = folder / f"{name}.err"
            log["stderr_path"] = str(err)
            self.logs[name].append(Log(err, feeds[1], is_compressed, limit))
        self.places[name] = place
        self.programs[name] = {"exec_start": writer.command, "restart": "always", "restart_sec": "10ms",
                               "start_limit_burst": 0, "timeout_stop_sec": "60s",
                               "log": {"keep": 10000, **log}, **keys}

    def set_up(self):
        self.daemon = self.make_daemon()
        self.folder = self.daemon.folder
        self.plain = self.folder / "plain"
        self.plain.mkdir()
        self.pools = {"any": make_pool(self.dice, True), "unbroken": make_pool(self.dice, False)}
        for name, pool in self.pools.items():
            (self.folder / f"{name}.pool").write_bytes(pool)
        self.small = self.mount("small", "-t", "tmpfs", "-o", "size=12M", "tmpfs")
        self.lines = self.mount("lines", "-t", "tmpfs", "-o", "size=256M", "tmpfs")
        self.queue = self.mount("queue", "-t", "tmpfs", "-o", "size=1M", "tmpfs")
        if not self.small or not self.lines or not self.queue:
            self.skipTest("nothing can be mounted here")
        self.frozen = self.mount_disk()

        self.add("size4k", self.plain, {"max_size": "4K"}, longest=20_000)
        self.add("size8k", self.plain, {"max_size": "8K"}, longest=100_000)
        self.add("size16k", self.plain, {"max_size": "16K"})
        self.add("unbroken", self.plain, {"max_size": "16K"}, pool="unbroken")
        self.add("size64k", self.plain, {"max_size": "64K", "max_age": "1s"})
        self.add("size256k", self.plain, {"max_size": "256K"})
        self.add("aged", self.plain, {"max_size": "infinity", "max_age": "1s"}, longest=3000, window=1 << 18)
        self.add("two", self.plain, {"max_size": "32K"}, has_two=True)
        self.add("packed", self.plain, {"max_size": "64K", "compress": "gzip"})
        self.add("packed-two", self.plain, {"max_size": "128K", "compress": "gzip", "max_age": "2s"}, has_two=True)
        self.add("moved", self.plain, {"max_size": "infinity"}, longest=5000)
        self.add("fifo", self.queue, {"max_size": "4K"})
        self.logs["fifo"] = [Fifo(self.queue / "fifo" / "fifo.log", self.checkers[-1].feed)]
        for name in ("full", "full-two"):
            self.add(name, self.small, {"max_size": "64K"}, longest=300_000, window=1 << 20, has_two=name == "full-two",
                     on_log_error="wait")
        self.add("stamped", self.lines, {"max_size": "64K", "timestamps": "iso"}, is_lines=True, longest=200_000,
                 pool="unbroken")
        self.add("objects", self.lines, {"max_size": "128K", "format": "json"}, is_lines=True, longest=100_000,
                 pool="unbroken", has_two=True, window=1 << 19)
        if self.frozen:
            self.add("frozen", self.frozen, {"max_size": "64K"})
            self.add("frozen-two", self.frozen, {"max_size": "100K"}, has_two=True)
        self.daemon.write("programs.yaml", self.programs)
        self.launch(self.daemon)

    # --- What happens

    def consume(self, is_end=False):
        for name, logs in self.logs.items():
            if self.is_frozen and self.places[name] == self.frozen:
                continue
            seen = sum(log.consume(is_end) for log in logs)
            self.writers[name].count_seen(seen)

    def rotations(self):
        return sum(log.rotated for logs in self.logs.values() for log in logs)

    def any_program(self, *besides):
        return self.dice.choice([name for name in self.writers if name not in besides
                                 and not (self.is_frozen and self.places[name] == self.frozen)])

    def post(self, target, *codes):
        status, reply = self.daemon.request("POST", target)
        self.assertIn(status, codes, reply)

    def rotate(self):
        # One that cannot be rotated for its disk is full is said to be as it was.
        name = self.any_program("moved", "fifo")
        self.post(f"/v1/programs/{name}/log/rotate", 200, 409)

    def rotate_by_command(self):
        self.popen("logs", "--rotate", self.dice.choice([name for name in self.writers if name not in ("moved", "fifo")]))

    def popen(self, *arguments):
        self.pending.append(subprocess.Popen([support.PROCCTL, "--socket", self.daemon.socket, *arguments],
                                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))

    def open_anew(self):
        self.daemon.process.send_signal(signal.SIGUSR2)

    def move_away(self):
        """As logrotate does it."""
        log = self.logs["moved"][0]
        if log.path.exists():
            numbers = [number for number, _ in log.files()]
            log.path.rename(log.file(max([log.last, *numbers]) + 1, False))
            self.open_anew()

    def restart(self):
        self.post(f"/v1/programs/{self.any_program()}/restart?wait=false", 200)

    def restart_on_frozen_disk(self):
        """It is nobody's problem but that of who wants to write there."""
        self.assertEqual(self.daemon.job("restart", self.dice.choice(("frozen", "frozen-two"))), "done")

    def kill_program(self):
        self.post(f"/v1/programs/{self.any_program()}/kill?signal=SIGKILL", 200, 409)

    def output_processes(self):
        """Their pids, each with the paths that it has open."""
        found = {}
        for pid, command in support.descendants(self.daemon.process.pid).items():
            try:
                if "--output-process" in command:
                    found[pid] = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
            except OSError:
                pass  # it has ended
        return found

    def kill_output(self):
        """One that has a file open of which every byte is promised.

        A FIFO that nobody has open is emptied by the kernel (fifo(7)), so while its reader is away it is left alone.
        """
        raw = [str(place) for place in (self.plain, self.small, self.frozen) if place]
        if self.logs["fifo"][0].reader >= 0:
            raw.append(str(self.queue))
        candidates = [pid for pid, paths in self.output_processes().items()
                      if any(path.startswith(place + "/") for path in paths for place in raw)]
        if candidates:
            os.kill(self.dice.choice(candidates), signal.SIGKILL)

    def attend(self):
        self.logs["fifo"][0].attend()

    def leave(self):
        path = str(self.logs["fifo"][0].path)
        support.wait_until("the FIFO has an output process",
                           lambda: any(path in paths for paths in self.output_processes().values()))
        self.logs["fifo"][0].leave()

    def fill(self):
        self.is_full = True
        try:
            with open(self.small / "filler", "wb", buffering=0) as file:
                while True:
                    file.write(bytes(1 << 16))
        except OSError as problem:
            self.assertEqual(problem.errno, errno.ENOSPC)

    def empty(self):
        self.is_full = False
        (self.small / "filler").unlink()

    def freeze(self):
        self.guard.send(b"frozen")
        fcntl.ioctl(self.disk, FIFREEZE, 0)
        self.is_frozen = True
        self.thaw_at = time.monotonic() + 3

    def thaw(self):
        self.is_frozen = False
        fcntl.ioctl(self.disk, FITHAW, 0)

    def next_action(self):
        if self.is_frozen and time.monotonic() > self.thaw_at:  # before the guard does
            return self.thaw
        fifo = self.logs["fifo"][0]
        choice = {self.rotate: 10, self.rotate_by_command: 1, self.open_anew: 3, self.move_away: 3, self.restart: 4,
                  self.kill_program: 5, self.kill_output: 6, self.empty if self.is_full else self.fill: 2,
                  self.attend if fifo.reader < 0 else self.leave: 3}
        if self.frozen:
            choice[self.thaw if self.is_frozen else self.freeze] = 3
            if self.is_frozen:
                choice[self.restart_on_frozen_disk] = 3
        return self.dice.choices(list(choice), list(choice.values()))[0]

    # --- The end

    def is_written(self):
        """Whether everything has come to the files by itself; the daemon's end would bring it there too."""
        self.consume()
        for name, logs in self.logs.items():
            for log in logs:
                checker = getattr(log.feed, "__self__", None)
                if not isinstance(checker, Checker):
                    continue
                if isinstance(log, Log):
                    checker = checker.fork()
                    try:
                        if not log.peek(checker.feed):
                            return False
                    except FileNotFoundError:
                        return False  # rotated or compressed this moment
                if not checker.is_complete():
                    self.lagging = f"{checker.what} at {checker.run}:{checker.position}"
                    return False
        return True

    def test_every_byte_once(self):
        self.set_up()
        self.logs["fifo"][0].attend()
        begin = time.monotonic()
        shown = begin
        while (self.rotations() < ROTATIONS or self.done.total() < ACTIONS
               or len(self.done) < (13 if self.frozen else 10)):
            action = self.next_action()
            try:
                action()
                self.done[action.__name__] += 1
                self.consume()
            except (AssertionError, OSError) as failure:
                raise AssertionError(f"{failure}; after {action.__name__}; {dict(self.done)}") from failure
            self.pending = [command for command in self.pending if command.poll() is None]
            if time.monotonic() - shown > 10:
                shown = time.monotonic()
                print(f"{shown - begin:.0f} s: {self.rotations()} rotations", file=sys.stderr, flush=True)
        if self.is_frozen:
            self.thaw()
        if self.is_full:
            self.empty()
        self.logs["fifo"][0].attend()
        for writer in self.writers.values():
            writer.stop()

        def has_stopped():
            self.consume()
            return all(writer.has_stopped() for writer in self.writers.values())

        support.wait_until("all programs have written their last record", has_stopped, 60)
        for command in self.pending:
            command.wait(timeout=60)
        self.lagging = ""
        try:
            support.wait_until("all is in the files", self.is_written, 60)
        except AssertionError as failure:
            raise AssertionError(f"{failure}: {self.lagging}") from None
        self.daemon.terminate()
        self.consume(is_end=True)
        for checker in self.checkers:
            checker.finish()
        self.report(time.monotonic() - begin)
        self.assertGreaterEqual(self.rotations(), ROTATIONS)
        for name in ("packed", "packed-two"):
            self.assertGreater(sum(log.unpacked for log in self.logs[name]), 0, f"nothing of {name} was compressed")
        if not self.frozen:
            self.skipTest("no disk could be frozen: there is no loop device; all else was as it should be")

    def report(self, seconds):
        kinds = ", ".join(f"{name} {count}" for name, count in sorted(self.done.items()))
        runs = sum(writer.runs() for writer in self.writers.values())
        size = sum(checker.seen for checker in self.checkers)
        print(f"{self.rotations()} rotations, {runs} runs, {size >> 20} MiB in {seconds:.0f} s; {kinds}; "
              f"{sum(log.unpacked for logs in self.logs.values() for log in logs)} read compressed; "
              f"{sum(checker.beyond for checker in self.checkers)} bytes of writes that were cut short", file=sys.stderr)
        for name, logs in self.logs.items():
            print(f"  {name}: {[log.rotated for log in logs]} rotations, {self.writers[name].runs()} runs, "
                  f"{sum(c.seen for c in self.checkers if c.writer is self.writers[name]) >> 10} KiB", file=sys.stderr)


if __name__ == "__main__":
    if "PROCCTL_IN_NAMESPACE" not in os.environ:
        guard_disks()
    support.main()
