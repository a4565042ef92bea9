#!/usr/bin/env bash
# Runs the tests: sets the machine up, builds everything, runs every test and the fuzzers, and ends
# with the line `N passed, N failed, N skipped`, which counts test cases.
#
#   tests/run.sh                  everything
#   tests/run.sh //tests/ir/...   these targets (Bazel's patterns); no fuzzers
#
# INGOT_FUZZ_SECONDS   time for each fuzzer (60; 0 runs none)
# INGOT_SHARED         folder of the suite of models and reference results (../shared)
#
# Exit status 0 when nothing failed, else 1.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
source third_party/setup.sh
ingot_setup build test || exit 1

results=$(mktemp -d) || exit 1
trap 'rm -rf "$results"' EXIT

bazel test -c opt --keep_going --build_event_json_file="$results/events.json" -- "${@:-//...}"
bazel_status=$?

if [ $# = 0 ]; then
  # The lines `PASSED name`, `FAILED name` and `SKIPPED name: reason` among what it prints are counted.
  tests/fuzz/run.sh "${INGOT_FUZZ_SECONDS:-60}" | tee "$results/fuzz.txt"
fi

python3 tests/summary.py --bazel-status="$bazel_status" "$results"
