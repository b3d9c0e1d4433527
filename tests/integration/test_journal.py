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


    def test_a_program_writes_to_the_journal(self):
        lines = "echo hello; echo '<4>oops' >&2; echo $$; printf 'no end'"
        daemon = self.start_programs({"talker": {"exec_start": ["/bin/sh", "-c", lines.replace("$", "$$")], "instances": 2,
                                                 "standard_output": "journal", "syslog_identifier": "%n"}})
        for _ in range(2):  # each run has a main process of its own
            daemon.ctl("start", "talker")
            daemon.wait_for("talker@1", sub_state="dead")
            daemon.wait_for("talker@2", sub_state="dead")
        entries = self.journald.wait_for_entries(8, "PROCCTL_INSTANCE=talker@2")
        said = [entry for entry in entries if entry["PROCCTL_STREAM"] == "stdout"]
        self.assertEqual([entry["MESSAGE"] for entry in said[0::3]], ["hello", "hello"])
        self.assertEqual([entry["MESSAGE"] for entry in said[2::3]], ["no end", "no end"])
        for entry in said[1::3]:
            self.assertEqual(entry["SYSLOG_PID"], entry["MESSAGE"])
        complaints = [entry for entry in entries if entry["PROCCTL_STREAM"] == "stderr"]
        self.assertEqual([(entry["MESSAGE"], entry["PRIORITY"]) for entry in complaints], [("oops", "4")] * 2)
        self.assertEqual({(entry["SYSLOG_IDENTIFIER"], entry["PROCCTL_PROGRAM"]) for entry in entries},
                         {("talker@2", "talker")})
        self.assertIn("journalctl PROCCTL_INSTANCE=talker@2", daemon.ctl("logs", "talker@2").stdout)

    def test_programs_end_while_the_journal_is_down(self):
        daemon = self.start_programs({"talker": {"exec_start": "/bin/sh -c 'seq 1000; exit 3'",
                                                 "standard_output": "journal"}})
        self.journald.stop()
        daemon.ctl("start", "talker")
        status = daemon.wait_for("talker", sub_state="failed")
        daemon.wait_for("talker", lambda now: "cannot " in now["log_error"])
        self.assertIn("998\n999\n1000", status["last_output"])
        self.journald.start()
        entries = self.journald.wait_for_entries(1000, "PROCCTL_INSTANCE=talker")
        self.assertEqual([entry["MESSAGE"] for entry in entries], [str(number) for number in range(1, 1001)])
        daemon.wait_for("talker", log_error="")


if __name__ == "__main__":
    support.main()
