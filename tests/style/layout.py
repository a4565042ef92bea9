#!/usr/bin/env python3
"""How the tree is laid out: file lengths, header guards, BUILD and README.md files."""

import re

import tree

MAX_LINES = 600


def guard_of(path):
    """The header guard of ir/base/shape.h is INGOT_IR_BASE_SHAPE_H_."""
    return "INGOT_%s_" % re.sub(r"[^A-Z0-9]", "_", path.upper())


def check_length(path, lines, reasons):
    if lines > MAX_LINES and path not in reasons:
        yield "%s: %d lines, the limit is %d" % (path, lines, MAX_LINES)
    if lines <= MAX_LINES and path in reasons:
        yield "%s: %d lines need no row in long_files.txt" % (path, lines)


def check_guard(path, text):
    guard = guard_of(path)
    if not re.search(r"^#ifndef %s\n#define %s$" % (guard, guard), text, re.MULTILINE):
        yield "%s: the header guard has to be %s" % (path, guard)


def check_folder(folder, names):
    """`names`: the files in a folder that holds sources."""
    if "BUILD" not in names:
        yield "%s: no BUILD" % folder
    # Folders of tests mirror what they test, and stubs are alike: one page above them is enough.
    if "README.md" not in names and not folder.startswith(("tests/", "third_party/stubs/")):
        yield "%s: no README.md" % folder


def main():
    text = (tree.ROOT / "tests/style/long_files.txt").read_text()
    reasons = {path: reason for _, path, reason in tree.table(text)}
    findings = ["long_files.txt: %s: no reason" % path for path in reasons if not reasons[path]]
    sources = tree.files(tree.SOURCE_SUFFIXES)
    findings += ["long_files.txt: there is no %s" % path
                 for path in reasons if path not in {source.as_posix() for source in sources}]
    for source in sources:
        path, content = source.as_posix(), (tree.ROOT / source).read_text()
        findings += check_length(path, content.count("\n"), reasons)
        if source.suffix == ".h":
            findings += check_guard(path, content)
    for folder in sorted({source.parent for source in sources}):
        names = {entry.name for entry in (tree.ROOT / folder).iterdir()}
        findings += check_folder(folder.as_posix(), names)
    tree.finish(findings)


if __name__ == "__main__":
    main()
