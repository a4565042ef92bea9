#!/usr/bin/env python3
"""summary.py counts what is there, and fails when anything did."""

import contextlib
import io
import json
import pathlib
import tempfile
import unittest

import summary

GTEST = """<testsuites><testsuite name="S">
<testcase name="A" status="run" result="completed" classname="S" />
<testcase name="B" status="run" result="completed" classname="S"><failure message="no"/></testcase>
<testcase name="C" status="run" result="skipped" classname="S">
<skipped message="x.cc:1&#x0A;no card&#x0A;here"/></testcase>
<testcase name="DISABLED_D" status="notrun" result="suppressed" classname="S" />
</testsuite></testsuites>"""
SCRIPT = """<testsuites><testsuite name="s"><testcase name="s" status="run">%s</testcase>
<system-out>%s</system-out></testsuite></testsuites>"""


class SummaryTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.events = []

    def add_test(self, label, status, xml, attempt=1):
        path = self.folder / ("%d test.xml" % len(self.events))
        path.write_text(xml)
        self.events.append({
            "id": {"testResult": {"label": label, "run": 1, "shard": 1, "attempt": attempt}},
            "testResult": {"status": status,
                           "testActionOutput": [{"name": "test.xml", "uri": path.as_uri()}]}})

    def run_summary(self, bazel_status):
        lines = [json.dumps(event) for event in self.events]
        (self.folder / "events.json").write_text("\n".join(lines))
        with contextlib.redirect_stdout(io.StringIO()) as output:
            status = summary.main(["--bazel-status=%d" % bazel_status, str(self.folder)])
        return status, output.getvalue().splitlines()

    def test_cases_are_counted(self):
        self.add_test("//a", "FAILED", GTEST)
        self.add_test("//b", "PASSED", SCRIPT % ("", "fine"))
        self.add_test("//c", "PASSED", SCRIPT % ("", "SKIPPED: no program\n"))
        self.add_test("//d", "FAILED", SCRIPT % ('<error message="exited"/>', "SKIPPED: no"))
        status, lines = self.run_summary(3)
        self.assertEqual("2 passed, 2 failed, 3 skipped", lines[-1])
        self.assertIn("skipped: S.C: no card here", lines)
        self.assertIn("skipped: S.DISABLED_D: disabled", lines)
        self.assertIn("skipped: //c: no program", lines)
        self.assertIn("failed: S.B", lines)
        self.assertIn("failed: //d", lines)
        self.assertEqual(1, status)

    def test_nothing_failed(self):
        self.add_test("//b", "PASSED", SCRIPT % ("", ""))
        self.assertEqual((0, "1 passed, 0 failed, 0 skipped"), self.last_line(0))

    def last_line(self, bazel_status):
        status, lines = self.run_summary(bazel_status)
        return status, lines[-1]

    def test_failures_outside_of_cases(self):
        self.add_test("//crash", "FAILED", "")
        self.assertEqual((1, "0 passed, 1 failed, 0 skipped"), self.last_line(3))
        self.add_test("//leak", "FAILED", GTEST.replace("failure", "other"))
        self.assertEqual((1, "2 passed, 2 failed, 2 skipped"), self.last_line(3))

    def test_only_the_last_attempt_counts(self):
        self.add_test("//b", "FAILED", SCRIPT % ("<error/>", ""))
        self.add_test("//b", "PASSED", SCRIPT % ("", ""), attempt=2)
        self.assertEqual((0, "1 passed, 0 failed, 0 skipped"), self.last_line(0))

    def test_what_does_not_build_failed(self):
        self.events.append({"id": {"targetCompleted": {"label": "//x"}}, "completed": {}})
        status, lines = self.run_summary(1)
        self.assertIn("failed: //x does not build", lines)
        self.assertEqual(1, status)

    def test_bazel_failed(self):
        self.assertEqual((1, "0 passed, 1 failed, 0 skipped"), self.last_line(2))
        self.assertEqual((0, "0 passed, 0 failed, 0 skipped"),
                         self.last_line(summary.BAZEL_NO_TESTS))

    def test_fuzzers(self):
        (self.folder / "fuzz.txt").write_text(
            "INFO: x\nPASSED p\nFAILED q\nSKIPPED r: no clang: 19\n#12 PASSED\n")
        status, lines = self.run_summary(0)
        self.assertEqual("1 passed, 1 failed, 1 skipped", lines[-1])
        self.assertIn("skipped: r: no clang: 19", lines)
        self.assertEqual(1, status)


if __name__ == "__main__":
    unittest.main()
