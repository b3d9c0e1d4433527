"""What the two sides share: the folders of the cases, the states that went by, and the processes there are."""

import collections
import os
import pathlib
import re
import threading

from cases import fill_in

PATIENCE = 12.0  # seconds that a job may take
PID = re.compile(r"\bMAINPID=(\d+)")


class Side:
    name = ""

    def __init__(self, folder, act, cases):
        self.folder = folder
        self.act = act
        self.cases = cases
        self.changed = threading.Condition()
        self.states = collections.defaultdict(list)  # of a unit, in order; the first one is where it was at first
        for case in cases:
            folder = self.folder_of(case)
            folder.mkdir(parents=True)
            (folder / "log").touch()

    def folder_of(self, case):
        return self.folder / case.name

    def unit_name(self, case, part=""):
        return f"{case.name}-{part}" if part else case.name

    def fill_in(self, case, text):
        return fill_in(text, self.act, self.folder_of(case), case.name)

    # --- States

    def note_change(self, unit, before, after):
        with self.changed:
            states = self.states[unit]
            if not states:
                states.append(before)
            states.append(after)
            self.changed.notify_all()

    def count(self, unit):
        with self.changed:
            return max(len(self.states[unit]), 1)  # The first is where it was before anything changed.

    def wait_for_state(self, unit, wanted, since, limit):
        """Whether one of the states is the present one, or came since (None: has to be the present one); within the limit."""
        def has_come():
            states = self.states[unit] or ["dead"]
            return states[-1] in wanted or since is not None and any(state in wanted for state in states[since:])

        with self.changed:
            return self.changed.wait_for(has_come, limit)

    # --- Processes

    def log_lines(self, case):
        """(pid, label, words) of each line that the case's processes have written."""
        lines = (self.folder_of(case) / "log").read_text().splitlines()
        return [tuple((line + "  ").split(" ", 2)) for line in lines]

    def pid_of(self, case, label):
        pids = [int(pid) for pid, other, _ in self.log_lines(case) if other == label]
        return pids[-1] if pids else None

    def processes_of(self, case):
        """{pid: label} of those that are alive."""
        mark = str(self.folder_of(case)).encode()
        labels = {int(pid): label for pid, label, _ in self.log_lines(case)}
        found = {}
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                words = pathlib.Path("/proc", entry, "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if mark in words:
                found[int(entry)] = labels.get(int(entry), "?")
        return found

    def told(self, case):
        """{label: what its processes have told}, with names in the place of pids."""
        lines = self.log_lines(case)
        labels = {pid: label for pid, label, _ in lines}
        told = collections.defaultdict(list)
        for _, label, words in lines:
            told[label].append(PID.sub(lambda match: f"MAINPID={labels.get(match[1], '?')}", words.rstrip()))
        return {label: "; ".join(words) for label, words in told.items()}
