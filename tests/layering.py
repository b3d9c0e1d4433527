#!/usr/bin/python3
"""The tree as it must be: who includes what, what runs, what is documented, and no trace of a build machine.

    layering.py SOURCE_DIR

A layer is a folder. What it may include is a table, and everything else is an error. The check proves itself
first, on planted includes that it has to find.
"""

import os
import pathlib
import re
import subprocess
import sys

# "std": headers of the C++ library and of ISO C. "posix": headers of the C library and the kernel.
# A name with a slash at its end is a folder, of ours or of a library.
MAY_USE = {
    "common":         ["std", "posix", "boost/system/", "boost/json"],
    "daemon/core":    ["std", "common/", "boost/json"],
    "daemon/config":  ["std", "posix", "common/", "daemon/core/", "daemon/os/", "boost/json", "yaml-cpp/"],
    "daemon/os":      ["std", "posix", "common/", "daemon/core/", "boost/asio/", "systemd/"],
    "daemon/output":  ["std", "posix", "common/", "daemon/os/", "boost/asio/"],
    "daemon/helpers": ["std", "posix", "common/", "daemon/core/", "daemon/config/", "daemon/os/", "boost/asio/", "boost/json"],
    "daemon/control": ["std", "posix", "common/", "daemon/core/", "boost/asio/", "boost/beast/", "boost/json"],
    "daemon":         ["std", "posix", "common/", "daemon/", "boost/asio/", "boost/json", "spdlog/", "CLI/"],
    "ctl":            ["std", "posix", "common/", "boost/asio/", "boost/beast/", "boost/json", "CLI/"],
}

# Headers of our own that a client of the layer includes must not drag these in: they are slow, and they are
# how a layer does its work, not what it is.
HEADERS_WITHOUT = ["boost/beast", "boost/json", "yaml-cpp/", "spdlog/", "CLI/"]

# The only C header of the table's "std" column that ISO C++ has no <c...> spelling for: the numbers of signals.
STD_ALSO = {"signal.h", "errno.h"}
STD = set("""
algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv chrono cinttypes climits
clocale cmath codecvt compare complex concepts condition_variable coroutine csetjmp csignal cstdarg cstddef cstdint
cstdio cstdlib cstring ctime cuchar cwchar cwctype deque exception execution filesystem format forward_list fstream
functional future initializer_list iomanip ios iosfwd iostream istream iterator latch limits list locale map memory
memory_resource mutex new numbers numeric optional ostream queue random ranges ratio regex scoped_allocator semaphore
set shared_mutex source_location span sstream stack stdexcept stop_token streambuf string string_view syncstream
system_error thread tuple type_traits typeindex typeinfo unordered_map unordered_set utility valarray variant vector
version
""".split()) | STD_ALSO

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)


def is_allowed(header, folder):
    """Whether a file of the folder may include the header: a layer may always include itself."""
    allowed = [*MAY_USE[folder], folder + "/"]
    if header in STD:
        return "std" in allowed
    if header.endswith(".h") and not re.match(r"(common|daemon|ctl|spdlog|systemd|yaml-cpp)/", header):
        return "posix" in allowed
    if folder == "daemon":
        return any(header.startswith(name) for name in allowed)
    # Of our own, "daemon/core/" means its files, not what may one day be below it.
    return any(header.startswith(name) for name in allowed)


def forbidden_includes(path, text, folder):
    for match in INCLUDE.finditer(text):
        header = match[1]
        line = text.count("\n", 0, match.start(1)) + 1
        if not is_allowed(header, folder):
            yield f"{path}:{line}: {folder} may not use {header}; it may use {', '.join(MAY_USE[folder])}"
        elif path.endswith(".h") and any(header.startswith(name) for name in HEADERS_WITHOUT):
            yield f"{path}:{line}: a header must not make others include {header}"


def check_includes(source):
    for folder in MAY_USE:
        for path in sorted((source / folder).glob("*.h")) + sorted((source / folder).glob("*.cpp")):
            yield from forbidden_includes(str(path.relative_to(source)), path.read_text(), folder)
    for path in (source / "daemon").glob("*/"):
        if path.is_dir() and f"daemon/{path.name}" not in MAY_USE:
            yield f"daemon/{path.name}: a folder that the table of layers does not know"


PLANTED = [
    ("common", "daemon/core/supervisor.h"),
    ("common", "boost/asio/io_context.hpp"),
    ("daemon/core", "unistd.h"),
    ("daemon/core", "sys/wait.h"),
    ("daemon/core", "boost/asio/post.hpp"),
    ("daemon/core", "spdlog/spdlog.h"),
    ("daemon/core", "daemon/os/spawn.h"),
    ("daemon/config", "boost/asio/post.hpp"),
    ("daemon/config", "daemon/control/routes.h"),
    ("daemon/os", "yaml-cpp/yaml.h"),
    ("daemon/os", "spdlog/spdlog.h"),
    ("daemon/os", "daemon/executor.h"),
    ("daemon/output", "daemon/core/supervisor.h"),
    ("daemon/helpers", "daemon/control/routes.h"),
    ("daemon/control", "yaml-cpp/yaml.h"),
    ("daemon/control", "daemon/os/spawn.h"),
    ("ctl", "daemon/core/program_config.h"),
    ("ctl", "yaml-cpp/yaml.h"),
]


def check_the_check():
    """The table would be worth nothing if it let these pass."""
    for folder, header in PLANTED:
        planted = f'#pragma once\n\n  # include <{header}>\n'
        found = list(forbidden_includes(f"{folder}/planted.cpp", planted, folder))
        if len(found) != 1 or ":3:" not in found[0]:
            yield f"the check does not find <{header}> planted in {folder}"
    if not list(forbidden_includes("ctl/planted.h", "#include <CLI/CLI.hpp>\n", "ctl")):
        yield "the check does not find a slow include planted in a header"


def tracked_files(source):
    """What a commit would hold; without git (a tarball), every file but those of build folders."""
    git = subprocess.run(["git", "-c", "safe.directory=*", "-C", source, "ls-files", "-z"], capture_output=True, text=True)
    if git.returncode == 0:
        return [source / name for name in git.stdout.split("\0") if name and (source / name).is_file()]
    return [path for path in source.rglob("*")
            if path.is_file() and not re.match(r"(build|\.git|\.cache)", path.relative_to(source).parts[0])]


def check_run_bits(source):
    for name in ("packaging/try", "tests/run", ".ci/run"):
        if not os.access(source / name, os.X_OK):
            yield f"{name}: is not executable"


def check_no_machine(source):
    """No absolute path of a machine that something was built on, this one's in particular."""
    here = [re.escape(str(source).encode())] if len(source.parts) > 3 else []
    homes = re.compile(rb"(?<![\w.~}$/-])(?:" + b"|".join([*here, rb"/(?:root|work|Users)/|/tmp/tmp"]) + rb")[\w./-]*")
    for path in tracked_files(source):
        if path.is_relative_to(source / "tests" / "oracle") or path.name == "layering.py":
            continue
        for match in homes.finditer(path.read_bytes()):
            yield f"{path.relative_to(source)}: names a path of one machine: {match[0].decode(errors='replace')}"


def check_links(source):
    """Every relative link of a page leads somewhere."""
    for page in [source / "README.md", source / "CHANGELOG.md", *(source / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?![a-z]+://|#)([^)#]+)", page.read_text()):
            if not (page.parent / target).exists():
                yield f"{page.relative_to(source)}: a link leads nowhere: {target}"


def main():
    source = pathlib.Path(sys.argv[1]).resolve()
    problems = [problem for check in (check_includes, check_run_bits, check_no_machine, check_links) for problem in check(source)]
    problems += check_the_check()
    print("\n".join(problems) if problems else f"{len(MAY_USE)} folders include what they may; "
          f"{len(PLANTED)} planted includes were found")
    sys.exit(bool(problems))


main()
