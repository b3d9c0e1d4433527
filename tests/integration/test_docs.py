"""The pages of the docs against the daemon: docs/systemd.md knows every key, by its directive and with its default;
the examples are right, and links lead somewhere."""

import pathlib
import re
import subprocess
import tempfile
import unittest

import support

SOURCE = pathlib.Path(__file__).parents[2]
PAGE = SOURCE / "docs" / "systemd.md"
PAGES = [SOURCE / "README.md", SOURCE / "CHANGELOG.md", *sorted((SOURCE / "docs").glob("*.md"))]


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


def anchors(page):
    """What a link may name in a page: its headings as web sites of repositories make anchors of them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}


class AllPages(unittest.TestCase):
    def test_links_into_pages_lead_to_headings(self):
        found = 0
        for page in PAGES:
            for target, anchor in re.findall(r"\]\((?![a-z]+://)([^)#]*)#([^)]*)\)", page.read_text()):
                with self.subTest(page=page.name, link=f"{target}#{anchor}"):
                    self.assertIn(anchor, anchors(page.parent / target if target else page))
                    found += 1
        self.assertGreater(found, 10)

    def test_the_examples_of_programs_are_right(self):
        found = 0
        for page in PAGES:
            for example in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
                if not re.search(r"^programs:", example, re.MULTILINE):
                    continue
                with self.subTest(page=page.name, example=example), tempfile.TemporaryDirectory() as folder:
                    file = pathlib.Path(folder, "example.yaml")
                    file.write_text(example)
                    check = subprocess.run([support.PROCCTLD, "--check", file], capture_output=True, text=True)
                    self.assertRegex(check.stdout + check.stderr, r"\A1 file, \d+ programs?: ok\n\Z")
                    found += 1
        self.assertGreater(found, 4)


if __name__ == "__main__":
    support.main()
