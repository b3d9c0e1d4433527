"""What differs between the two sides, and whether it may."""

import fnmatch
import pathlib
import re

FINAL = re.compile(r" final-sigterm (dead|failed)\b")
SIGNALS = re.compile(r"got \w+(?:; got \w+)*")
EXPECTED = pathlib.Path(__file__).with_name("expected-differences.tsv")


def print_seen(cases, seen):
    for case in cases:
        print(case.name)
        for key, value in seen[case.name].items():
            print(f"    {key}: {value}")


def record(path, seen):
    """One line per observation: side, case, observation, value."""
    with open(path, "w") as file:
        for side, cases in seen.items():
            for case, values in cases.items():
                for key, value in values.items():
                    print(side, case, key, value, sep="\t", file=file)


def read_expected():
    """(case, observation, systemd, ours) patterns, each with its reason."""
    rows = [line.split("\t") for line in EXPECTED.read_text().splitlines() if line and not line.startswith("#")]
    return [(tuple(row[:4]), row[4]) for row in rows[1:]]


def differences(case, seen):
    """{observation: (systemd's, ours)} of what is not the same."""
    theirs, ours = (seen[side].get(case.name, {}) for side in ("systemd", "procctl"))
    return {key: (theirs.get(key, ""), ours.get(key, "")) for key in sorted({*theirs, *ours})
            if key not in case.ignored and steady(theirs.get(key, "")) != steady(ours.get(key, ""))}


def steady(text):
    """Without what comes and goes in systemd itself: a state for as long as it takes to reap what has been killed,
    and the order and number of signals that were sent before the one before them had been taken."""
    return SIGNALS.sub(lambda found: "; ".join(sorted(set(found[0].split("; ")))),
                       FINAL.sub(r" \1", text))


def is_expected(name, key, values, expected):
    return any(all(fnmatch.fnmatchcase(text, pattern) for text, pattern in zip((name, key, *values), patterns))
               for patterns, _ in expected)


def judge(cases, seen, seed, further_tries):
    """Prints what differs and may not, after further tries of those cases; 0 when there is nothing."""
    expected = read_expected()
    wrong = {}
    listed = set()

    def look_at(cases, seen):
        for case in cases:
            found = differences(case, seen)
            listed.update((case.name, key) for key, values in found.items()
                          if is_expected(case.name, key, values, expected))
            wrong[case.name] = {key: values for key, values in found.items()
                                if not is_expected(case.name, key, values, expected)}

    look_at(cases, seen)
    for run_again in further_tries:
        again = [case for case in cases if wrong[case.name]]
        if not again:
            break
        print(f"once more: {' '.join(case.name for case in again)}")
        look_at(again, run_again(again))
    for name, found in wrong.items():
        for key, (theirs, ours) in found.items():
            print(f"{name}  {key}\n    systemd: {theirs}\n    procctl: {ours}")
    bad = sum(1 for found in wrong.values() if found)
    print(f"{len(cases)} cases, {sum(len(values) for values in seen['systemd'].values())} observations, "
          f"{bad} cases differ, {len(listed)} expected differences; --seed {seed}")
    return 1 if bad else 0
