"""The oracle, lived through: rows of tests/oracle/restart-decisions.tsv with real processes under a real daemon.

Each row's unit is translated to our keys and becomes one program; all of them run at once. restart_sec is an
hour, so that a decision to restart shows as auto-restart, and nothing moves after the first end.
"""

import collections
import os
import pathlib
import shlex
import signal

import support

ORACLE = pathlib.Path(__file__).parent.parent / "oracle"
COLUMNS = ["restarted", "result", "active_state", "sub_state", "exec_main_code", "exec_main_status"]

KEYS = {
    "Type": "type", "Restart": "restart", "ExecStart": "exec_start", "LimitCORE": "limit_core",
    "SuccessExitStatus": "success_exit_status", "RestartPreventExitStatus": "restart_prevent_exit_status",
    "RestartForceExitStatus": "restart_force_exit_status", "TimeoutStartSec": "timeout_start_sec",
    "TimeoutStopSec": "timeout_stop_sec", "RuntimeMaxSec": "runtime_max_sec", "KillMode": "kill_mode",
    "SendSIGKILL": "send_sigkill", "RemainAfterExit": "remain_after_exit", "IgnoreSIGPIPE": "ignore_sigpipe",
    "WorkingDirectory": "working_directory", "EnvironmentFile": "environment_file",
    "User": "user", "Group": "group",
}
JOINED = {"SuccessExitStatus", "RestartPreventExitStatus", "RestartForceExitStatus"}

# What systemd and we refuse to load has no end to compare; the loader's own tests have it.
REFUSED = {("oneshot", "always"), ("oneshot", "on-success")}
# Core files need a core_pattern of their own, which belongs to the whole machine.
SPECIAL = ("coredump:",)


def unescape(text):
    return text.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace("\0", "\\")


def read_rows():
    lines = (ORACLE / "restart-decisions.tsv").read_text().splitlines()
    names = lines[0].split("\t")
    return [dict(zip(names, map(unescape, line.split("\t")))) for line in lines[1:]]


def read_differences():
    """{(row id, column): our value}, as tests/oracle/expected-differences.tsv lists them."""
    path = ORACLE / "expected-differences.tsv"
    lines = path.read_text().splitlines() if path.exists() else []
    cells = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return {(cell[0], cell[1]): cell[3] for cell in cells if cell[0] != "id"}


def translate(row, folder):
    """The row's unit as a program of ours, or None when it needs more than this version has."""
    program = {"restart_sec": "1h"}
    for line in row["unit"].splitlines():
        if line == "[Service]":
            continue
        directive, _, value = line.partition("=")
        if directive not in KEYS:
            return None
        key = KEYS[directive]
        value = value.replace("%t/oracle/ready", str(folder / "ready"))
        if directive == "ExecStart" and key in program:
            several = [shlex.split(program[key])] if isinstance(program[key], str) else program[key]
            program[key] = [*several, shlex.split(value)]
        elif directive in JOINED:  # lists add up over lines; an empty assignment clears
            program[key] = f"{program.get(key, '')} {value}".strip() if value else ""
        else:
            program[key] = value
    return program


def choose():
    """Every row of our types that our keys can express."""
    for row in read_rows():
        if (row["type"] in ("simple", "exec", "oneshot") and (row["type"], row["restart"]) not in REFUSED
                and not row["cause"].startswith(SPECIAL) and translate(row, pathlib.Path()) is not None):
            yield row


def has_time_limit(row):
    """Whether the row has a limit of some 100 ms, which a program's own start may miss on a busy machine."""
    return "Sec=" in row["unit"]


class OracleLive(support.Test):
    def provoke(self, row):
        """Does from outside what the row's cause says; false until the program is ready for it."""
        name, (kind, _, what) = row["id"], row["cause"].partition(":")
        if kind not in ("ext-signal", "systemctl-kill", "stop-request"):
            return True
        status = self.now[name]
        if status["sub_state"] != ("start" if row["type"] == "oneshot" else "running") or not status["main_pid"]:
            return False
        if "/ready/" in row["unit"] and not (self.subject.folder / "ready" / name).exists():
            return False
        if kind == "ext-signal":
            os.kill(status["main_pid"], signal.Signals[f"SIG{what}"])
        elif kind == "systemctl-kill":
            self.subject.ctl("kill", "-s", what, name)
        else:
            self.subject.ctl("stop", "--no-wait", name)
        return True

    def live_through(self, rows):
        """Runs them all at once, each to its first end; leaves their states in self.now."""
        self.subject = self.make_daemon()
        (self.subject.folder / "ready").mkdir(mode=0o777)
        self.subject.write("rows.yaml", {row["id"]: translate(row, self.subject.folder) for row in rows})
        self.subject.start()
        waiting = {row["id"]: row for row in rows}
        unprovoked = dict(waiting)

        def all_have_ended():
            self.now = self.subject.statuses()
            for name in [name for name, row in unprovoked.items() if self.provoke(row)]:
                del unprovoked[name]
            for name in [name for name in waiting if name not in unprovoked]:
                status = self.now[name]
                if (status["sub_state"] in ("dead", "failed", "auto-restart", "exited")
                        and status["state_change_timestamp"] > 0):
                    del waiting[name]
            return not waiting

        try:
            support.wait_until("every row has ended", all_have_ended, 60)
        except AssertionError as failure:
            self.fail(f"{failure}: {[(row['id'], row['cause'], self.now[row['id']]) for row in waiting.values()]}")
        self.subject.kill_leftovers("sleep 600")
        self.subject.terminate()

    def differences(self, rows):
        """Lives through them; {row id: sentences} of those that ended otherwise than expected."""
        self.live_through(rows)
        listed = read_differences()
        wrong = {}
        for row in rows:
            ours = dict(self.now[row["id"]])
            ours["restarted"] = "yes" if ours["sub_state"] == "auto-restart" else "no"
            for column in COLUMNS:
                expected = listed.get((row["id"], column), row[column])
                if str(ours[column]) != expected:
                    wrong.setdefault(row["id"], []).append(
                        f"{row['id']} {row['type']} {row['cause']} restart={row['restart']} {row['settings']}: "
                        f"{column} is {ours[column]}, not {expected}")
        return wrong

    def check(self, rows, least, tries=1):
        total = len(rows)
        self.assertGreaterEqual(total, least)
        policies = collections.Counter(row["restart"] for row in rows)
        self.assertEqual(len(policies), 7)
        for _ in range(tries):
            wrong = self.differences(rows)
            rows = [row for row in rows if row["id"] in wrong]
            if not rows:
                break
        self.assertEqual(wrong, {}, "\n".join(["", *sum(wrong.values(), [])]))
        print(f"\n{total} rows of the oracle ran end to end: "
              + ", ".join(f"{policy} {count}" for policy, count in sorted(policies.items())))

    def test_every_end_is_what_systemd_made_of_it(self):
        self.check([row for row in choose() if not has_time_limit(row)], least=778)

    def test_every_end_by_a_time_limit_is_what_systemd_made_of_it(self):
        # What another process's load has spoiled is lived through once more, by itself.
        self.check([row for row in choose() if has_time_limit(row)], least=130, tries=3)


if __name__ == "__main__":
    support.main()
