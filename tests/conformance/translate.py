"""A unit as a program of ours: directives become keys by procctld's own table of keys."""

import re
import shlex

from cases import assignments

COMMANDS = re.compile(r"^Exec(Condition|Start|StartPre|StartPost|Reload|Stop|StopPost)$")
WORDS = {"SuccessExitStatus", "RestartPreventExitStatus", "RestartForceExitStatus"}  # these add up over lines
UNITS = {"OnFailure", "OnSuccess"}
LISTS = {"ConditionPathExists", "AssertPathExists", "EnvironmentFile"}


class Untranslatable(Exception):
    """A directive that has no key."""


def keys_of(table):
    """{directive: key} of the table that `procctld --keys` prints."""
    rows = [[cell.strip() for cell in line.split(" | ")] for line in table.splitlines() if line.startswith("| `")]
    return {row[1]: row[0].strip("| `") for row in rows}


def unescape(word):
    return re.sub(r"\\x([0-9a-fA-F]{2})", lambda match: chr(int(match[1], 16)), word)


def program(text, keys):
    """The keys of a program for the text of a unit, whose words are filled in."""
    made = {"restart": "no", "autostart": "no"}  # Ours differ from systemd's, and everything is started by a case.
    for _, directive, value in assignments(text):
        if directive not in keys:
            raise Untranslatable(directive)
        key = keys[directive]
        if COMMANDS.match(directive):
            # A list of lists of words is a list of commands, whatever is in them.
            made[key] = [*made.get(key, []), [unescape(word) for word in shlex.split(value)]] if value else []
        elif directive in WORDS:
            made[key] = f"{made.get(key, '')} {value}".strip() if value else ""
        elif directive in UNITS:
            made[key] = [*made.get(key, []), *[name.removesuffix(".service") for name in value.split()]]
        elif directive in LISTS:
            made[key] = [*made.get(key, []), value] if value else []
        elif directive == "Environment":
            words = [unescape(word) for word in shlex.split(value.replace("\\x", "\\\\x"))]
            made[key] = made.get(key, {}) | dict(word.split("=", 1) for word in words)
        else:
            made[key] = value
    if len(made.get("exec_start", [])) == 1:  # Only a oneshot may have several.
        made["exec_start"] = made["exec_start"][0]
    return {key: value for key, value in made.items() if value != []}
