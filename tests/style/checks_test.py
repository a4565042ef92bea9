#!/usr/bin/env python3
"""The checks here find what they are there to find."""

import unittest

import layering
import layout
import tree

LAYERS = layering.Layers("""
# a comment
base:
low: base
low/inner: base low
high/...: base low/...
high/inner: base
only vendor/: high/inner
""")


class LayeringTest(unittest.TestCase):

    def findings(self, path, *lines):
        return layering.check(LAYERS, path, "\n".join(lines))

    def test_allowed(self):
        self.assertEqual([], self.findings("low/a.cc", '#include "low/a.h"', "#include <vector>",
                                           '#include "base/b.h"', '#include "absl/x/y.h"'))

    def test_upwards(self):
        self.assertEqual(["low/a.cc:2: low may not include from high (high/c.h)"],
                         self.findings("low/a.cc", "", '#include "high/c.h"'))

    def test_folders_below(self):
        self.assertEqual([], self.findings("high/a.cc", '#include "low/inner/a.h"',
                                           '#include "high/deep/a.h"'))
        self.assertEqual([], self.findings("high/deep/a.cc", '#include "low/a.h"'))
        self.assertEqual(["low/a.cc:1: low may not include from low/inner (low/inner/a.h)"],
                         self.findings("low/a.cc", '#include "low/inner/a.h"'))

    def test_the_longest_row_holds(self):
        self.assertEqual(["high/inner/a.cc:1: high/inner may not include from low (low/a.h)"],
                         self.findings("high/inner/a.cc", '#include "low/a.h"'))

    def test_restricted_headers(self):
        self.assertEqual([], self.findings("high/inner/a.cc", "#include <vendor/x.h>"))
        self.assertEqual(["high/a.cc:1: vendor/x.h is only for high/inner"],
                         self.findings("high/a.cc", "#include <vendor/x.h>"))

    def test_spelling(self):
        self.assertEqual(["low/a.cc:1: includes of ours are written from the root: a.h"],
                         self.findings("low/a.cc", '#include "a.h"'))
        self.assertEqual(["low/a.cc:1: includes of ours are quoted: base/b.h"],
                         self.findings("low/a.cc", "  #  include <base/b.h>"))

    def test_no_row(self):
        self.assertEqual(["base/new/a.cc:1: base/new has no row in layers.txt"],
                         self.findings("base/new/a.cc", "#include <vector>"))


class LayoutTest(unittest.TestCase):

    def test_length(self):
        self.assertEqual([], list(layout.check_length("a.cc", 600, {})))
        self.assertEqual([], list(layout.check_length("a.cc", 601, {"a.cc": "one table"})))
        self.assertEqual(1, len(list(layout.check_length("a.cc", 601, {}))))
        self.assertEqual(1, len(list(layout.check_length("a.cc", 600, {"a.cc": "one table"}))))

    def test_guard(self):
        right = "#ifndef INGOT_IR_BASE_X_H_\n#define INGOT_IR_BASE_X_H_\n"
        self.assertEqual([], list(layout.check_guard("ir/base/x.h", right)))
        self.assertEqual(1, len(list(layout.check_guard("ir/x.h", right))))

    def test_folder(self):
        self.assertEqual([], list(layout.check_folder("ir", {"BUILD", "README.md", "a.cc"})))
        self.assertEqual([], list(layout.check_folder("tests/ir", {"BUILD", "a.cc"})))
        self.assertEqual(["ir: no BUILD", "ir: no README.md"],
                         list(layout.check_folder("ir", {"a.cc"})))


class TreeTest(unittest.TestCase):

    def test_files_are_found(self):
        found = [path.as_posix() for path in tree.files(tree.SOURCE_SUFFIXES)]
        self.assertIn("tests/style/tree.py", found)
        self.assertIn("ir/base/shape.h", found)
        self.assertFalse([path for path in found if path.startswith((".", "bazel-"))])


if __name__ == "__main__":
    unittest.main()
