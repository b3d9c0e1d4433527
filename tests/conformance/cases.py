"""What a case is: units, steps, and the words both are written in.

A case is written once, in systemd's language; translate.py makes a program of ours out of each of its units.
In units and steps these words stand for what differs between the two sides:

    @act LABEL@   the command that runs helpers/act.py for this case under a label; its steps follow
    @dir@         the folder of the case, where its processes leave traces
    @name@        the name of the main unit;  @name-b@ that of the unit called b

A step is a line of words (steps.py). After the last one the case waits for one of the states in `rest`.
"""

import dataclasses

RESTING = "dead|failed|auto-restart|exited"


@dataclasses.dataclass
class Case:
    name: str
    units: dict  # "" is the main unit, "b" the unit NAME-b
    steps: list
    rest: str = RESTING
    ignored: frozenset = frozenset()  # observations that are not compared, because they are a race in systemd too
    limit: float = 15.0


ALL = []


def case(name, service, *steps, unit="", rest=RESTING, ignored=(), limit=15.0, **others):
    """Adds a case. `service` and `unit` are the lines of [Service] and [Unit]; `others` are whole further units."""
    assert all(other.name != name for other in ALL), name
    units = {"": f"[Unit]\n{unit}\n[Service]\n{service}\n", **others}
    ALL.append(Case(name, units, list(steps), rest, frozenset(ignored), limit))


def fill_in(text, act, folder, name):
    """The text with its @words@ replaced."""
    parts = text.split("@")
    assert len(parts) % 2 == 1, text
    for index in range(1, len(parts), 2):
        word = parts[index]
        if word.startswith("act "):
            parts[index] = f"{act} {folder} {word[4:]}"
        elif word == "dir":
            parts[index] = str(folder)
        elif word == "name":
            parts[index] = name
        elif word.startswith("name-"):
            parts[index] = name + word[4:]
        else:
            raise ValueError(f"@{word}@ means nothing in {text!r}")
    return "".join(parts)


def assignments(text):
    """(section, directive, value) of each assignment of a unit."""
    section = ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            directive, _, value = line.partition("=")
            yield section, directive.strip(), value.strip()
