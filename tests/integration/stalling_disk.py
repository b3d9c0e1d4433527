"""File systems that misbehave to order: one that can be frozen, one that is full.

What writes to a frozen file system sits there until it is thawed, and no signal ends it. So a guard, which is
no part of the test and outlives it, does the freezing: it thaws when it is told to, when the test has gone
whatever the way, and after a minute in any case.
"""

import array
import fcntl
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

import support

FIFREEZE = 0xC0045877
FITHAW = 0xC0045878
LONGEST_FREEZE = 60.0
GUARD = "PROCCTL_FREEZE_GUARD"


def guard(orders):
    """Carries out `freeze` (with a descriptor of the file system) and `thaw` until the test closes its end."""
    frozen = None
    while True:
        orders.settimeout(LONGEST_FREEZE if frozen is not None else None)
        try:
            order, ancillary, _, _ = orders.recvmsg(16, socket.CMSG_SPACE(4))
        except TimeoutError:
            order, ancillary = b"too long", []
        passed = array.array("i", ancillary[0][2])[0] if ancillary else None
        answer = b"0"
        try:
            if order == b"freeze":
                fcntl.ioctl(passed, FIFREEZE, 0)
                frozen, passed = passed, None
            elif frozen is not None:  # `thaw`, too long, or the end
                fcntl.ioctl(frozen, FITHAW, 0)
                os.close(frozen)
                frozen = None
        except OSError as failure:
            answer = str(failure.errno).encode()
        if passed is not None:
            os.close(passed)
        if not order:
            return
        if order != b"too long":
            orders.send(answer)


def start_guard():
    """Call first of all in a test: before it enters a PID namespace, whose end would be the guard's."""
    if GUARD in os.environ:
        return
    ours, guards = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        os.setsid()
        if os.fork() != 0:
            os._exit(0)
        ours.close()
        null = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(null, standard)
        os.chdir("/")
        try:
            guard(guards)
        finally:
            os._exit(0)
    os.wait()
    guards.close()
    ours.set_inheritable(True)
    os.environ[GUARD] = str(ours.detach())


class Disk:
    """A small file system of its own, mounted for the test alone."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="procctl-disk-"))
        self.mount = self.folder / "mount"
        self.mount.mkdir()

    def remove(self):
        subprocess.run(["umount", "--lazy", self.mount], stderr=subprocess.DEVNULL)
        shutil.rmtree(self.folder, ignore_errors=True)


class FreezingDisk(Disk):
    """An ext4 that `freeze` stops: until `thaw` nothing is written to it, and who tries waits."""

    def __init__(self, megabytes=256):
        super().__init__()
        image = self.folder / "image"
        with open(image, "wb") as file:
            file.truncate(megabytes << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", image], check=True, stdin=subprocess.DEVNULL)
        subprocess.run(["mount", "-o", "loop", image, self.mount], check=True)
        self.guard = socket.socket(fileno=os.dup(int(os.environ[GUARD])))
        self.is_frozen = False

    def order(self, what, *descriptors):
        socket.send_fds(self.guard, [what], descriptors)
        answer = int(self.guard.recv(16))
        if answer:
            raise OSError(answer, f"cannot {what.decode()} {self.mount}: {os.strerror(answer)}")

    def freeze(self):
        descriptor = os.open(self.mount, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self.order(b"freeze", descriptor)
        finally:
            os.close(descriptor)
        self.is_frozen = True

    def thaw(self):
        if self.is_frozen:
            self.is_frozen = False
            self.order(b"thaw")

    def remove(self):
        self.thaw()
        self.guard.close()
        super().remove()


class SmallDisk(Disk):
    """A tmpfs that takes so many bytes and no more."""

    def __init__(self, kilobytes):
        super().__init__()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k,mode=0755", "tmpfs", self.mount], check=True)

    def grow(self):
        subprocess.run(["mount", "-o", "remount,size=64m", self.mount], check=True)


def why_not():
    """Why no file system can be frozen here; empty when one can."""
    if os.geteuid() != 0 or pathlib.Path("/proc/self/uid_map").read_text().split()[2] == "1":
        return "needs root: file systems of its own"
    if not os.path.exists("/dev/loop-control"):
        return "there are no loop devices"
    if not shutil.which("mkfs.ext4"):
        return "there is no mkfs.ext4"
    return ""
