#!/usr/bin/env python3
"""Every #include follows an edge of layers.txt."""

import re

import tree

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


class Layers:
    """The rows of layers.txt."""

    def __init__(self, text):
        self.allowed, self.only = {}, {}
        for _, key, value in tree.table(text):
            target = self.only if key.startswith("only ") else self.allowed
            target[key.removeprefix("only ")] = value.split()

    def layer(self, path):
        """The longest row that holds `path`, a file or folder; None when no row does."""
        parts = path.split("/")
        names = ("/".join(parts[:n]) for n in range(len(parts), 0, -1))
        return next((name for name in names if name in self.allowed), None)

    def fault(self, includer, header):
        """What is wrong with `includer` including `header`, or None."""
        source = self.layer(includer)
        if source is None:
            return "%s has no row" % includer
        for prefix, folders in self.only.items():
            if header.startswith(prefix):
                if any(includer.startswith(folder + "/") for folder in folders):
                    return None
                return "%s is only for %s" % (header, ", ".join(folders))
        target = self.layer(header)
        if target is None or target == source or target in self.allowed[source]:
            return None
        return "%s may not include from %s (%s)" % (source, target, header)


def check(layers, path, text, own_folders):
    """The findings of one file.  `own_folders`: the top folders that hold code of ours."""
    findings = []
    for number, line in enumerate(text.splitlines(), start=1):
        match = INCLUDE.match(line)
        if not match:
            continue
        quote, header = match.groups()
        fault = layers.fault(path, header)
        if fault is None and quote == '"' and "/" not in header:
            fault = "includes of ours are written from the root: %s" % header
        if fault is None and quote == "<" and header.split("/")[0] in own_folders:
            fault = "includes of ours are quoted: %s" % header
        if fault is not None:
            findings.append("%s:%d: %s" % (path, number, fault))
    return findings


def main():
    layers = Layers((tree.ROOT / "tests/style/layers.txt").read_text())
    own_folders = {name.split("/")[0] for name in layers.allowed}
    findings = []
    for path in tree.files(tree.CPP_SUFFIXES):
        text = (tree.ROOT / path).read_text()
        findings += check(layers, path.as_posix(), text, own_folders)
    tree.finish(findings)


if __name__ == "__main__":
    main()
