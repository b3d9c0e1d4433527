"""All cases: those of the modules, which add themselves, and a sample of the oracle's rows."""

import pathlib
import random
import re

import cases_commands  # noqa: F401
import cases_forking  # noqa: F401
import cases_notify  # noqa: F401
import cases_results  # noqa: F401
import cases_timeouts  # noqa: F401
from cases import case

ORACLE = pathlib.Path(__file__).resolve().parents[1] / "oracle"
# Core files need a core_pattern of their own, which belongs to the whole machine; what a reload in between does
# is told by its own cases; the units of the others have no end of their own.
LEFT_OUT = ("coredump", "reload", "exit-type-cgroup", "leftover-child:never-dies")
UNKNOWN = re.compile("/cores/|^RootDirectory", re.MULTILINE)
# Where the paths of a row lead here.
PLACES = [("%t/oracle/ready/%p", "@dir@/ready"), ("%t/oracle/%p.pid", "@dir@/pid"),
          ("%t/oracle/h/daemonize.sh", str(ORACLE / "helpers" / "daemonize.sh"))]
END = re.compile(r"/bin/sh %t/oracle/h/end\.sh %n (?:exit (\d+)|sig (\w+))")


def read_rows():
    lines = (ORACLE / "restart-decisions.tsv").read_text().splitlines()
    names = lines[0].split("\t")
    for line in lines[1:]:
        row = dict(zip(names, line.split("\t")))
        row["unit"] = row["unit"].replace("\\\\", "\0").replace("\\n", "\n").replace("\\t", "\t").replace("\0", "\\")
        if not row["cause"].startswith(LEFT_OUT) and not UNKNOWN.search(row["unit"]) and not is_refused(row):
            yield row


def is_refused(row):
    """By both, so that there is nothing to compare; or by systemd before 256 and not by us, of which
    tests/oracle/expected-differences.tsv has each."""
    return row["start_job"].startswith("refused") or (
        row["type"] == "oneshot" and "RestartForceExitStatus" in row["unit"])


def sample_oracle(seed, count):
    """Adds cases for `count` rows of restart-decisions.tsv, with a delay before the restart that nobody sees end."""
    rows = list(read_rows())
    for row in random.Random(seed).sample(rows, min(count, len(rows))):
        add(row)


def add(row):
    service = row["unit"].removeprefix("[Service]\n").rstrip()
    service = END.sub(lambda end: "@act main@ wait:go " + (f"exit:{end[1]}" if end[1] else f"kill:{end[2]}"), service)
    for place, here in PLACES:
        service = service.replace(place, here)
    assert "%t/" not in service, service
    # From outside something is done to what has begun to start, whether that will ever be answered or not.
    is_outside = re.search("ext-signal|systemctl-kill|stop-request", row["cause"])
    steps = ["start &", "await running|start"] if is_outside and row["type"] != "forking" else ["start"]
    if is_outside and "@dir@/ready" in service:
        steps.append("file ready")
    if "wait:go" in service:
        steps.append("touch go")
    if outside := re.search(r"ext-signal[:-](\w+)", row["cause"]):
        steps.append(f"killmain {outside[1]}")
    elif outside := re.search(r"systemctl-kill[:-](\w+)", row["cause"]):
        steps.append(f"signal {outside[1]} all")
    elif row["cause"].startswith("stop-request"):
        steps.append("stop")
    # Whether systemd hears of the execution or of the end first is a race there (NOTES.md, section 6).
    races = row["type"] == "exec" and row["cause"].startswith(("exit:", "signal:"))
    case(f"oracle-{row['id']}", f"{service}\nRestartSec=1h", *steps,
         ignored=["states", "step 1 start"] if races else [])
