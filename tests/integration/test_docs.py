"""The pages of the docs against the daemon: docs/systemd.md knows every key, by its directive and with its default."""

import pathlib
import re
import subprocess
import unittest

import support

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "systemd.md"


def cells(line):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def keys_of_the_daemon():
    """{key: (directive, default)}, a "–" where there is none."""
    table = subprocess.run([support.PROCCTLD, "--keys"], capture_output=True, text=True, check=True).stdout
    rows = [cells(line) for line in table.splitlines() if line.startswith("| `")]
    return {key.strip("`"): (directive, default or "–") for key, directive, default, *_ in rows}


def rows_of_the_page():
    rows = [cells(line) for line in PAGE.read_text().splitlines() if re.match(r"\| [\w–]+ \| `", line)]
    return [(row[1].strip("`"), (row[0], row[2])) for row in rows if len(row) == 4]


class SystemdPage(unittest.TestCase):
    maxDiff = None

    def test_it_knows_every_key_once_and_no_other(self):
        rows = rows_of_the_page()
        self.assertEqual(len(rows), len(dict(rows)), "a key has two rows")
        self.assertEqual(dict(rows), keys_of_the_daemon())

    def test_its_links_lead_to_headings(self):
        text = PAGE.read_text()
        headings = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
                    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
        for link in re.findall(r"\]\(#([^)]*)\)", text):
            self.assertIn(link, headings)


if __name__ == "__main__":
    support.main()
