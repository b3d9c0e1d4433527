"""The oracle, lived through: rows of tests/oracle/restart-decisions.tsv with real processes under a real daemon.

Each row's unit is translated to our keys and becomes one program; all of them run at once. restart_sec is an
hour, so that a decision to restart shows as auto-restart, and nothing moves after the first end. As the harness did
it, an exec_stop_post before the unit's own writes down what it is told.
"""

import collections
import os
import pathlib
import signal
import subprocess
import sys

import support

TESTS = pathlib.Path(__file__).resolve().parent.parent
ORACLE = TESTS / "oracle"
sys.path.insert(0, str(TESTS / "conformance"))
import translate  # noqa: E402

STATE = ["restarted", "result", "active_state", "sub_state", "exec_main_code", "exec_main_status"]
TOLD = ["post_service_result", "post_exit_code", "post_exit_status"]
COLUMNS = [*STATE, "post_ran", *TOLD]

# What systemd and we refuse to load has no end to compare; the loader's own tests have it.
REFUSED = {("oneshot", "always"), ("oneshot", "on-success")}
# They have no key: what a process reads and writes is the daemon's affair, and there are no namespaces.
NO_KEY = {"StandardInput", "StandardOutput", "RootDirectory"}

BATCH = 300  # rows at once, so that each gets its share of the machine

WRITE_DOWN = 'echo "$${SERVICE_RESULT-unset} $${EXIT_CODE-unset} $${EXIT_STATUS-unset}" > '
# What end.sh asks with. Its question is `systemctl --user is-active -q NAME.service`.
SYSTEMCTL = f"""#!/bin/sh
for name; do :; done
exec {support.PROCCTL} --socket {{socket}} is-active "${{{{name%.service}}}}" >/dev/null
"""


def unescape(text):
    return text.replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace("\0", "\\")


def read_rows():
    lines = (ORACLE / "restart-decisions.tsv").read_text().splitlines()
    names = lines[0].split("\t")
    return [dict(zip(names, map(unescape, line.split("\t")))) for line in lines[1:]]


def read_differences():
    """{(row id, column): our value}, as tests/oracle/expected-differences.tsv lists them."""
    cells = [line.split("\t") for line in (ORACLE / "expected-differences.tsv").read_text().splitlines()]
    return {(cell[0], cell[1]): cell[3] for cell in cells}


def read_keys():
    table = subprocess.run([support.PROCCTLD, "--keys"], capture_output=True, text=True, check=True)
    return translate.keys_of(table.stdout)


def directives(row):
    return {line.partition("=")[0] for line in row["unit"].splitlines() if "=" in line}


def makes_core_files():
    """Whether the machine writes core files as the rows want them: into the folder of the process."""
    return pathlib.Path("/proc/sys/kernel/core_pattern").read_text().strip() == "core"


def choose():
    """Every row but those that are refused or have no key, and core files where the machine makes none."""
    for row in read_rows():
        if ((row["type"], row["restart"]) not in REFUSED and not NO_KEY & directives(row)
                and ("coredump" not in row["cause"] or makes_core_files())):
            yield row


def has_time_limit(row):
    """Whether the row has a limit of some 100 ms, which a program's own start may miss on a busy machine."""
    return "Sec=" in row["unit"]


class OracleLive(support.Test):
    def translate(self, row):
        """The row's unit as a program of ours."""
        name, folder = row["id"], self.subject.folder
        unit = row["unit"]
        for what, by in (("%t/oracle/h/", f"{ORACLE}/helpers/"), ("%t", str(folder)), ("%p", name),
                         ("%n", f"{name}.service")):
            unit = unit.replace(what, by)
        program = translate.program(unit, self.keys)
        hook = ["/bin/sh", "-c", f"{WRITE_DOWN}{folder}/oracle/post/{name}"]
        path = f"{folder}/oracle/bin:{os.environ['PATH']}"
        (folder / "oracle/cores" / name).mkdir(parents=True)
        return program | {"autostart": "yes", "restart_sec": "1h", "environment": {"PATH": path},
                          "exec_stop_post": [hook, *program.get("exec_stop_post", [])]}

    def is_ready(self, row):
        """Whether the time has come for what the row's cause does from outside."""
        status = self.now[row["id"]]
        before = row["type"] == "oneshot" or row["cause"].startswith("before-ready")
        if status["sub_state"] != ("start" if before else "running") or not status["main_pid"]:
            return False
        return "/ready/" not in row["unit"] or (self.subject.folder / "oracle/ready" / row["id"]).exists()

    def provoke(self, row):
        """Does from outside what the row's cause says; false until the program is ready for it."""
        name, (kind, _, what) = row["id"], row["cause"].partition(":")
        if kind in ("ConditionPathExists", "AssertPathExists"):
            self.subject.ctl("start", name, code=None)  # Its answer tells that the paths were looked at.
            return True
        if kind == "before-ready" and not what.startswith("ext-signal"):
            return True
        if kind not in ("ext-signal", "systemctl-kill", "stop-request", "reload", "before-ready"):
            return True
        if not self.is_ready(row):
            return False
        if kind in ("ext-signal", "before-ready"):
            os.kill(self.now[name]["main_pid"], signal.Signals[f"SIG{what.split('-')[-1]}"])
        elif kind == "systemctl-kill":
            self.subject.ctl("kill", "-s", what, name)
        elif kind == "reload":
            self.subject.ctl("reload", name, code=1)
        else:
            self.subject.ctl("stop", "--no-wait", name)
        return True

    def has_ended(self, row):
        status = self.now[row["id"]]
        if row["cause"].startswith(("ConditionPathExists", "AssertPathExists")):
            return status["sub_state"] == "dead"
        if row["sub_state"] == "running":  # It is up in the end, whatever failed on the way.
            return status["sub_state"] == "running"
        return (status["sub_state"] in ("dead", "failed", "auto-restart", "exited")
                and status["state_change_timestamp"] > 0)

    def live_through(self, rows):
        """Runs them all at once, each to its first end; leaves what became of them in self.ours."""
        self.subject = self.make_daemon()
        for name in ("ready", "post", "bin"):
            (self.subject.folder / "oracle" / name).mkdir(mode=0o777, parents=True)
        self.subject.script("oracle/bin/systemctl", SYSTEMCTL.format(socket=self.subject.socket))
        self.subject.write("rows.yaml", {row["id"]: self.translate(row) for row in rows})
        self.subject.start()
        waiting = {row["id"]: row for row in rows}
        unprovoked = dict(waiting)

        def all_have_ended():
            self.now = self.subject.statuses()
            for name in [name for name, row in unprovoked.items() if self.provoke(row)]:
                del unprovoked[name]
            for name in [name for name in waiting if name not in unprovoked]:
                if self.has_ended(waiting[name]):
                    del waiting[name]
            return not waiting

        try:
            support.wait_until("every row has ended", all_have_ended, 90)
        except AssertionError as failure:
            self.fail(f"{failure}: {[(row['id'], row['cause'], self.now[row['id']]) for row in waiting.values()]}")
        self.now = self.subject.statuses()
        self.ours = {row["id"]: self.observe(row["id"]) for row in rows}
        self.subject.kill_leftovers("sleep 600")
        self.subject.terminate()

    def observe(self, name):
        """What became of a program, by column of the table."""
        values = {column: str(value) for column, value in self.now[name].items()}
        values["restarted"] = "yes" if values["sub_state"] == "auto-restart" else "no"
        path = self.subject.folder / "oracle/post" / name
        values["post_ran"] = "yes" if path.exists() else "no"
        told = path.read_text().split() if path.exists() else ["-", "-", "-"]
        return values | dict(zip(TOLD, told))

    def differences(self, rows):
        """Lives through them; {row id: sentences} of those that ended otherwise than expected."""
        batches = -(-len(rows) // BATCH)
        wrong = {}
        for first in range(batches):
            wrong |= self.differences_of_batch(rows[first::batches])
        return wrong

    def differences_of_batch(self, rows):
        self.live_through(rows)
        listed = read_differences()
        wrong = {}
        for row in rows:
            for column in COLUMNS:
                ours, expected = self.ours[row["id"]][column], listed.get((row["id"], column), row[column])
                if ours != expected:
                    wrong.setdefault(row["id"], []).append(
                        f"{row['id']} {row['type']} {row['cause']} restart={row['restart']} {row['settings']}: "
                        f"{column} is {ours}, not {expected}")
        return wrong

    def check(self, rows, count, tries=1):
        total = len(rows)
        self.assertEqual(total - sum("coredump" in row["cause"] for row in rows), count)
        self.keys = read_keys()
        policies = collections.Counter(row["restart"] for row in rows)
        types = collections.Counter(row["type"] for row in rows)
        self.assertEqual((len(policies), len(types)), (7, 5))
        for _ in range(tries):
            wrong = self.differences(rows)
            rows = [row for row in rows if row["id"] in wrong]
            if not rows:
                break
        self.assertEqual(wrong, {}, "\n".join(["", *sum(wrong.values(), [])]))
        print(f"\n{total} rows of the oracle ran end to end: "
              + ", ".join(f"{name} {number}" for name, number in sorted((policies + types).items())))

    def test_every_end_is_what_systemd_made_of_it(self):
        self.check([row for row in choose() if not has_time_limit(row)], count=1389)

    def test_every_end_by_a_time_limit_is_what_systemd_made_of_it(self):
        # What another process's load has spoiled is lived through once more, by itself.
        self.check([row for row in choose() if has_time_limit(row)], count=311, tries=3)


if __name__ == "__main__":
    support.main()
