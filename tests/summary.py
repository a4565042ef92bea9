#!/usr/bin/env python3
"""Prints what a run of the tests came to, by suite and then in one line; see tests/run.sh.

usage: summary.py --bazel-status=N DIRECTORY

The directory holds events.json, Bazel's build events, which name the test.xml of each test that
belongs to this run, and fuzz.txt, the fuzzers' output, where they ran.
"""

import dataclasses
import json
import pathlib
import re
import sys
import urllib.parse
import xml.etree.ElementTree as ElementTree

BAZEL_OK = 0
BAZEL_NO_TESTS = 4


@dataclasses.dataclass
class Suite:
    """The cases of one test target, or the fuzzers."""

    name: str
    passed: int = 0
    failed: list = dataclasses.field(default_factory=list)  # names
    skipped: list = dataclasses.field(default_factory=list)  # (name, reason)


def add_gtest_case(suite, case):
    name = "%s.%s" % (case.get("classname"), case.get("name"))
    skip = case.find("skipped")
    if case.find("failure") is not None or case.find("error") is not None:
        suite.failed.append(name)
    elif skip is not None:
        # "file:line\nmessage"
        message = skip.get("message", "").split("\n", 1)[-1].strip()
        suite.skipped.append((name, " ".join(message.split()) or "no reason given"))
    elif case.get("status") == "notrun":
        suite.skipped.append((name, "disabled"))
    else:
        suite.passed += 1


def add_script(suite, root, output):
    """A test that wrote no XML of its own: Bazel made one, with one case and the output."""
    skip = re.search(r"^SKIPPED: (.*)$", output, re.MULTILINE)
    if any(True for tag in ("failure", "error") for _ in root.iter(tag)):
        suite.failed.append(suite.name)
    elif skip:
        suite.skipped.append((suite.name, skip.group(1)))
    else:
        suite.passed += 1


def add_result(suite, passed, xml_path):
    """Counts one run of a test (one shard) into its suite."""
    failed_before = len(suite.failed)
    try:
        root = ElementTree.parse(xml_path).getroot()
        output = "".join(element.text or "" for element in root.iter("system-out"))
        if root.find(".//system-out") is not None:
            add_script(suite, root, output)
        else:
            for case in root.iter("testcase"):
                add_gtest_case(suite, case)
    except (OSError, ElementTree.ParseError) as error:
        suite.failed.append("%s (no readable test.xml: %s)" % (suite.name, error))
    if not passed and len(suite.failed) == failed_before:
        suite.failed.append("%s (failed outside of its cases)" % suite.name)


def read_events(path):
    """The suites of Bazel's build events, and the targets that did not build."""
    suites, unbuilt, last_attempts = {}, [], {}
    for line in path.read_text().splitlines():
        event = json.loads(line)
        identity = event.get("id", {})
        if "testResult" in identity:
            run = identity["testResult"]
            last_attempts[run["label"], run.get("run"), run.get("shard")] = event["testResult"]
        elif "targetCompleted" in identity and not event.get("completed", {}).get("success"):
            unbuilt.append(identity["targetCompleted"]["label"])
    for (label, _, _), result in last_attempts.items():
        files = {file["name"]: file["uri"] for file in result.get("testActionOutput", [])}
        xml_path = urllib.parse.unquote(urllib.parse.urlparse(files.get("test.xml", "")).path)
        suite = suites.setdefault(label, Suite(label))
        add_result(suite, result["status"] == "PASSED", xml_path)
    return [suites[label] for label in sorted(suites)], unbuilt


def read_fuzz(path):
    suite = Suite("fuzzers")
    for line in path.read_text(errors="replace").splitlines():
        word, _, rest = line.partition(" ")
        if word == "PASSED":
            suite.passed += 1
        elif word == "FAILED":
            suite.failed.append(rest)
        elif word == "SKIPPED":
            name, _, reason = rest.partition(": ")
            suite.skipped.append((name, reason))
    return suite


def summarise(directory, bazel_status):
    """The suites of a run."""
    suites, unbuilt = [], []
    events = directory / "events.json"
    if events.exists():
        suites, unbuilt = read_events(events)
    build = Suite("build", failed=["%s does not build" % label for label in unbuilt])
    if (directory / "fuzz.txt").exists():
        suites.append(read_fuzz(directory / "fuzz.txt"))
    failed = build.failed or any(suite.failed for suite in suites)
    if bazel_status not in (BAZEL_OK, BAZEL_NO_TESTS) and not failed:
        build.failed.append("bazel exited with status %d" % bazel_status)
    return [suite for suite in suites + [build] if suite.passed or suite.failed or suite.skipped]


def print_summary(suites):
    width = max([len(suite.name) for suite in suites], default=0)
    print("\n%-*s  passed  failed  skipped" % (width, "suite"))
    for suite in suites:
        counts = (suite.passed, len(suite.failed), len(suite.skipped))
        print("%-*s  %6d  %6d  %7d" % ((width, suite.name) + counts))
    print()
    for suite in suites:
        for name, reason in suite.skipped:
            print("skipped: %s: %s" % (name, reason))
    for suite in suites:
        for name in suite.failed:
            print("failed: %s" % name)
    failed = sum(len(suite.failed) for suite in suites)
    print("%d passed, %d failed, %d skipped" % (
        sum(suite.passed for suite in suites), failed,
        sum(len(suite.skipped) for suite in suites)))
    return failed


def main(arguments):
    bazel_status = int(arguments[0].partition("=")[2])
    return 1 if print_summary(summarise(pathlib.Path(arguments[1]), bazel_status)) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
