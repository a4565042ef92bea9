#!/usr/bin/env python3
"""Every C++ file is as clang-format writes it."""

import re
import shutil
import subprocess
import sys

import tree

# Releases differ in what they write; this is Debian 12's.
MAJOR = "14"


def find_clang_format():
    """(program, None), or (None, why there is none)."""
    program = shutil.which("clang-format-" + MAJOR) or shutil.which("clang-format")
    if program is None:
        return None, "clang-format is not installed"
    version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    major = re.search(r"version (\d+)", version.stdout).group(1)
    if major != MAJOR:
        return None, "clang-format is version %s, the code is written with %s" % (major, MAJOR)
    return program, None


def main():
    program, reason = find_clang_format()
    if program is None:
        print("SKIPPED: " + reason)
        return 0
    paths = [path.as_posix() for path in tree.files(tree.FORMATTED_SUFFIXES)]
    run = subprocess.run([program, "--dry-run", "-Werror"] + paths, cwd=tree.ROOT,
                         capture_output=True, text=True)
    wrong = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", run.stderr, re.MULTILINE)))
    for path in wrong:
        print("%s: not formatted: clang-format -i %s" % (path, path))
    if run.returncode and not wrong:
        print(run.stderr)
    return run.returncode


if __name__ == "__main__":
    sys.exit(main())
