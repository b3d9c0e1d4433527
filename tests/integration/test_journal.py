"""Lines in a real journal: what journalctl says of what the movers of lines have sent."""

import os
import pathlib
import subprocess
import unittest

import journald
import support

MOVE_LINES = support.BUILD / "tests" / "move_lines"


@unittest.skipIf(journald.why_not(), journald.why_not())
class Journal(support.Test):
    @classmethod
    def setUpClass(cls):
        cls.journald = journald.Journald().start()

    @classmethod
    def tearDownClass(cls):
        cls.journald.stop()

    def move(self, kind, path, text):
        mover = self.start_mover(kind, path)
        mover.communicate(text, timeout=support.DEADLINE)
        self.assertEqual(mover.returncode, 0)

    def start_mover(self, kind, path):
        name = self.id().rpartition(".")[2]
        mover = subprocess.Popen([MOVE_LINES, kind, path, "4711", name], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.addCleanup(mover.kill)
        self.addCleanup(mover.stdin.close)
        self.match = f"SYSLOG_IDENTIFIER={name}"
        return mover

    def test_the_fields_of_a_line(self):
        self.move("journal", journald.SOCKET, b"<3>broken\n\nusual\nno end")
        entries = self.journald.wait_for_entries(3, self.match)
        self.assertEqual([entry["MESSAGE"] for entry in entries], ["broken", "usual", "no end"])
        self.assertEqual([entry["PRIORITY"] for entry in entries], ["3", "6", "6"])
        name = self.match.partition("=")[2]
        expected = {"SYSLOG_FACILITY": "3", "SYSLOG_PID": "4711", "PROCCTL_PROGRAM": name,
                    "PROCCTL_INSTANCE": f"{name}@1", "PROCCTL_STREAM": "stdout", "_TRANSPORT": "journal"}
        self.assertEqual({field: entries[0][field] for field in expected}, expected)

    def test_any_bytes(self):
        lines = [bytes(byte for byte in range(256) if byte != 10), b"\x00", "äöü €".encode(), b"a=b", b"\xff\xfe",
                 b"\x1b[31mred\x1b[0m", b" spaces around "]
        self.move("journal", journald.SOCKET, b"\n".join(lines) + b"\n")
        entries = self.journald.wait_for_entries(len(lines), self.match)
        as_bytes = [entry["MESSAGE"] if isinstance(entry["MESSAGE"], bytes) else entry["MESSAGE"].encode()
                    for entry in entries]
        self.assertEqual(as_bytes, lines)

    def test_a_long_line(self):
        line = "".join(f"{number} " for number in range(100_000))
        self.move("journal", journald.SOCKET, line.encode() + b"\nnext\n")
        entries = self.journald.wait_for_entries(len(line) // (48 << 10) + 2, self.match)
        self.assertEqual("".join(entry["MESSAGE"] for entry in entries), line + "next")
        self.assertEqual([entry.get("PROCCTL_PARTIAL") for entry in entries], ["1"] * (len(entries) - 2) + [None, None])

    def test_many_lines(self):
        count = 20_000
        self.move("journal", journald.SOCKET, b"".join(b"<7>line %d\n" % number for number in range(count)))
        entries = self.journald.wait_for_entries(count, self.match)
        self.assertEqual([entry["MESSAGE"] for entry in entries], [f"line {number}" for number in range(count)])

    def test_a_journald_that_is_down_for_a_while(self):
        mover = self.start_mover("journal", journald.SOCKET)
        mover.stdin.write(b"before\n")
        mover.stdin.flush()
        self.journald.wait_for_entries(1, self.match)
        self.journald.stop()
        mover.stdin.write(b"".join(b"%d\n" % number for number in range(10_000)))
        mover.stdin.flush()
        self.journald.start()
        mover.communicate(b"after\n", timeout=support.DEADLINE)
        entries = self.journald.wait_for_entries(10_002, self.match)
        self.assertEqual([entry["MESSAGE"] for entry in entries], ["before", *map(str, range(10_000)), "after"])

    def test_syslog(self):
        self.move("syslog", journald.DEV_LOG, b"<4>careful\n" + b"x" * 20_000 + b"\n")
        entries = self.journald.wait_for_entries(4, self.match)
        self.assertEqual([entry["PRIORITY"] for entry in entries], ["4", "6", "6", "6"])
        self.assertEqual("".join(entry["MESSAGE"] for entry in entries), "careful" + "x" * 20_000)
        fields = [(entry["SYSLOG_FACILITY"], entry["SYSLOG_PID"], entry["_TRANSPORT"]) for entry in entries]
        self.assertEqual(fields, [("3", "4711", "syslog")] * 4)


if __name__ == "__main__":
    support.main()
