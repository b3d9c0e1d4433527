"""Carries out a case's steps on one side, and notes what is to be compared.

    start | stop | restart | try-restart | reload | reset-failed [UNIT]   waits for the answer; `&` at the end: does not
    update                  daemon-reload, procctl update
    await STATE|… [UNIT]    until it is in one of these states, or was since the last step that acted
    rest STATE|…            until it is in one of these states now: the end of every case
    settled                 if it is running: until its main process has told something
    told LABEL WORDS        until a process of that label has told so; `xN` at the end: N times
    kill LABEL SIGNAL       from outside, to the process that had the label last
    killmain SIGNAL         from outside, to the main process
    signal SIGNAL WHOM      systemctl kill, procctl kill
    show [UNIT]             notes its properties
    alive                   notes the labels of its living processes, once these are the same for a moment
    touch FILE | rm FILE    in the case's folder
    file FILE               until it is there
    sleep S                 where the point is that nothing happens
    join                    until the jobs that were not waited for have answered
"""

import os
import signal
import threading
import time

JOBS = ("start", "stop", "restart", "try-restart", "reload", "reset-failed", "update")


class Lost(Exception):
    """A state or a sign that was waited for did not come."""


class Run:
    def __init__(self, side, case):
        self.side = side
        self.case = case
        self.cursors = {}
        self.seen = {}  # what is compared: {observation: text}
        self.threads = []

    def carry_out(self):
        try:
            for number, line in enumerate([*self.case.steps, f"rest {self.case.rest}", "join"], 1):
                self.step(number, line.split())
        except Lost as lost:
            self.seen["lost"] = str(lost)
        self.note_end()
        return self.seen

    def note_end(self):
        for part in self.case.units:
            unit = self.side.unit_name(self.case, part)
            shown = self.side.show(unit)
            for key, value in shown.items():
                if value not in ("", "0"):
                    self.seen[f"{part}:{key}" if part else key] = value
            self.seen[f"{part}:states" if part else "states"] = " ".join(self.side.states[unit][1:])
        self.seen["alive"] = self.alive()
        for label, words in self.side.told(self.case).items():
            self.seen[f"told {label}"] = words
        for pid in self.side.processes_of(self.case):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for part in self.case.units:
            self.side.clean_up(self.side.unit_name(self.case, part))

    def unit(self, words):
        return self.side.unit_name(self.case, words[0] if words else "")

    def mark(self):
        for part in self.case.units:
            unit = self.side.unit_name(self.case, part)
            self.cursors[unit] = self.side.count(unit)

    def until(self, what, condition):
        end = time.monotonic() + self.case.limit
        while not (value := condition()):
            if time.monotonic() > end:
                raise Lost(what)
            time.sleep(0.01)
        return value

    def hit(self, name, pid, signal_name):
        """A signal from outside."""
        try:
            os.kill(pid, signal.Signals[f"SIG{signal_name}"])
        except ProcessLookupError:
            self.seen[name] = "it is gone"

    def alive(self):
        """The labels of the processes, once they have stayed the same for 0.15 s."""
        before, since, limit = None, 0.0, time.monotonic() + 3
        while True:
            labels = " ".join(sorted(self.side.processes_of(self.case).values()))
            if labels != before:
                before, since = labels, time.monotonic()
            elif time.monotonic() - since > 0.15 and ("?" not in labels or time.monotonic() > limit):
                return labels  # One without a label has not begun to do anything yet.
            time.sleep(0.05)

    def step(self, number, words):
        verb, *rest = words
        folder = self.side.folder_of(self.case)
        name = f"step {number} {verb}"
        if verb in JOBS:
            self.mark()
            if rest[-1:] == ["&"]:
                unit = self.unit(rest[:-1])
                thread = threading.Thread(target=lambda: self.seen.update({name: self.side.job(verb, unit)}))
                thread.start()
                self.threads.append(thread)
                time.sleep(0.05)  # So that the next job finds this one installed.
            else:
                self.seen[name] = self.side.job(verb, self.unit(rest))
        elif verb == "await":
            unit = self.unit(rest[1:])
            if not self.side.wait_for_state(unit, rest[0].split("|"), self.cursors.get(unit, 1), self.case.limit):
                raise Lost(f"step {number}: {unit} is {self.side.show(unit)['sub_state']}, not {rest[0]}")
        elif verb == "rest":
            # Of a state that went by nothing could be noted any more.
            unit = self.unit([])
            wanted = rest[0].split("|")
            if not self.side.wait_for_state(unit, wanted, None, self.case.limit):
                raise Lost(f"step {number}: {unit} is {self.side.show(unit)['sub_state']}, not {rest[0]}")
        elif verb == "settled":
            unit = self.unit([])
            self.until(f"step {number}: nothing of main", lambda: self.side.show(unit)["sub_state"] != "running"
                       or self.side.pid_of(self.case, "main"))
        elif verb == "told":
            label, *text = rest
            count = int(text.pop()[1:]) if text and text[-1][0] == "x" and text[-1][1:].isdigit() else 1
            text = " ".join(text)
            self.until(f"step {number}: {label} has not told {text!r}", lambda: sum(
                1 for _, other, words in self.side.log_lines(self.case) if other == label and text in words) >= count)
        elif verb == "kill":
            self.mark()
            self.hit(name, self.until(f"step {number}: no {rest[0]}", lambda: self.side.pid_of(self.case, rest[0])),
                     rest[1])
        elif verb == "killmain":
            self.mark()
            self.hit(name, self.until(f"step {number}: no main process", lambda: self.side.main_pid(self.unit([]))),
                     rest[0])
        elif verb == "signal":
            self.mark()
            self.seen[name] = self.side.kill(self.unit([]), rest[0], rest[1])
        elif verb == "show":
            shown = self.side.show(self.unit(rest))
            self.seen[name] = " ".join(f"{key}={value}" for key, value in shown.items() if value not in ("", "0"))
        elif verb == "alive":
            self.seen[name] = self.alive()
        elif verb == "touch":
            self.mark()
            (folder / rest[0]).touch()
        elif verb == "file":
            self.until(f"step {number}: no file {rest[0]}", (folder / rest[0]).exists)
        elif verb == "rm":
            (folder / rest[0]).unlink()
        elif verb == "sleep":
            time.sleep(float(rest[0]))
        elif verb == "join":
            for thread in self.threads:
                thread.join(self.case.limit)
                if thread.is_alive():
                    raise Lost(f"step {number}: a job has not answered")
        else:
            raise ValueError(f"there is no step {' '.join(words)!r}")
