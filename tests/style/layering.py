#!/usr/bin/env python3
"""Every #include follows an edge of layers.txt."""

import re

import tree

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
AND_BELOW = "/..."


def matches(pattern, folder):
    """Whether `folder` is what a name of layers.txt stands for: itself, or FOLDER/... ."""
    if not pattern.endswith(AND_BELOW):
        return pattern == folder
    top = pattern.removesuffix(AND_BELOW)
    return folder == top or folder.startswith(top + "/")


class Layers:
    """The rows of layers.txt."""

    def __init__(self, text):
        self.allowed, self.only = {}, {}
        for _, key, value in tree.table(text):
            rows = self.only if key.startswith("only ") else self.allowed
            rows[key.removeprefix("only ")] = value.split()
        self.tops = {name.split("/")[0] for name in self.allowed}

    def row(self, folder):
        """The most specific row that holds for `folder`; None when no row does."""
        return max((name for name in self.allowed if matches(name, folder)),
                   key=lambda name: len(name.removesuffix(AND_BELOW)), default=None)

    def fault(self, includer, header):
        """What is wrong with the file `includer` including `header`, or None."""
        source, target = (path.rpartition("/")[0] for path in (includer, header))
        row = self.row(source)
        if row is None:
            return "%s has no row in layers.txt" % source
        for prefix, folders in self.only.items():
            if header.startswith(prefix):
                if any(matches(folder + AND_BELOW, source) for folder in folders):
                    return None
                return "%s is only for %s" % (header, ", ".join(folders))
        if target.split("/")[0] not in self.tops or target == source:
            return None
        # Folders that share a row with /... are one layer.
        allowed = self.allowed[row] + [row]
        if any(matches(name, target) for name in allowed):
            return None
        return "%s may not include from %s (%s)" % (source, target, header)


def check(layers, path, text):
    """The findings of one file."""
    findings = []
    for number, line in enumerate(text.splitlines(), start=1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, header = match.groups()
        fault = layers.fault(path, header)
        if fault is None and quote == '"' and "/" not in header:
            fault = "includes of ours are written from the root: %s" % header
        if fault is None and quote == "<" and header.split("/")[0] in layers.tops:
            fault = "includes of ours are quoted: %s" % header
        if fault is not None:
            findings.append("%s:%d: %s" % (path, number, fault))
    return findings


def main():
    layers = Layers((tree.ROOT / "tests/style/layers.txt").read_text())
    findings = []
    for path in tree.files(tree.CPP_SUFFIXES):
        findings += check(layers, path.as_posix(), (tree.ROOT / path).read_text())
    tree.finish(findings)


if __name__ == "__main__":
    main()
