"""What the style tests share: the files of the checkout, and how a finding is reported."""

import os
import pathlib
import sys

# The tests run outside of Bazel's sandbox, so this file is reached through symlinks to the checkout.
ROOT = pathlib.Path(__file__).resolve().parents[2]

FORMATTED_SUFFIXES = {".cc", ".h"}
CPP_SUFFIXES = FORMATTED_SUFFIXES | {".def"}  # .def: tables, aligned by hand
SOURCE_SUFFIXES = CPP_SUFFIXES | {".fbs", ".py", ".sh", ".bzl"}


def is_ours(name):
    """Whether a folder's files belong to the project: not .git, bazel-out, dist, …"""
    return not (name.startswith((".", "bazel-")) or name in ("dist", "__pycache__"))


def files(suffixes, root=ROOT):
    """Paths, relative to the root and sorted, of the files that end so."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if is_ours(name)]
        found += [pathlib.Path(folder, name) for name in names]
    return sorted(path.relative_to(root) for path in found if path.suffix in suffixes)


def table(text):
    """(line number, key, value) of each row `key: value`; blank lines and # comments are left out."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            key, _, value = line.partition(":")
            yield number, key.strip(), value.strip()


def finish(findings):
    """Prints the findings and exits, as a test."""
    for finding in findings:
        print(finding)
    print("%d found" % len(findings))
    sys.exit(1 if findings else 0)
