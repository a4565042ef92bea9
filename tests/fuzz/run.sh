#!/usr/bin/env bash
# Runs the fuzzers: every target of this folder that is tagged "fuzzer" (fuzz.bzl), side by side.
#
#   tests/fuzz/run.sh [SECONDS [NAME...]]     seconds for each (60), and which (all)
#
# They start from corpus/NAME of the repository and from what earlier runs here found, in
# ~/.cache/ingot/fuzz/NAME.  An input that fails is left in the latter as crash-…, timeout-… or
# oom-…; add it to corpus/NAME with its fix.
#
# Prints a line for each: PASSED name, FAILED name, or SKIPPED name: reason.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
seconds=${1:-60}
shift $(($# > 0))

names=("$@")
if [ $# = 0 ]; then
  labels=$(bazel query --noshow_progress 'attr(tags, "\bfuzzer\b", //tests/fuzz/...)') || exit 1
  [ -n "$labels" ] || exit 0
  mapfile -t names < <(sed 's/.*://; s/_fuzzer$//' <<<"$labels")
fi

skip_all() {
  printf "SKIPPED %s: $1\n" "${names[@]}"
  exit 0
}
[ "$seconds" -gt 0 ] || skip_all "no time was given"
command -v clang++-19 >/dev/null || skip_all "clang-19 is not installed"
[[ "$(clang++-19 -print-file-name=libclang_rt.fuzzer-x86_64.a)" == /* ]] ||
  skip_all "libclang-rt-19-dev is not installed"

# An output base and a server of their own: changing the compiler in the ordinary one would build
# everything anew, there and back.
output_base=$(bazel info output_base)-fuzz
fuzz_bazel() {
  bazel --output_base="$output_base" --max_idle_secs=60 "$@" --config=fuzz
}
targets=("${names[@]/#///tests/fuzz:}")
fuzz_bazel build --keep_going --experimental_convenience_symlinks=ignore \
  "${targets[@]/%/_fuzzer}" >&2
bin=$(fuzz_bazel info bazel-bin)/tests/fuzz

run_one() {
  local name=$1 program=$bin/${1}_fuzzer corpus=tests/fuzz/corpus/$1
  local found=${XDG_CACHE_HOME:-$HOME/.cache}/ingot/fuzz/$name
  if [ ! -x "$program" ]; then
    echo "FAILED $name: does not build"
    return
  fi
  mkdir -p "$found"
  # libFuzzer's default of 20 minutes for one input would let a hang pass.
  if "$program" -max_total_time="$seconds" -timeout=10 \
    -artifact_prefix="$found/" -print_final_stats=1 "$found" "$corpus" >"$found.log" 2>&1; then
    echo "PASSED $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$found.log") inputs"
  else
    tail -n 60 "$found.log" >&2
    echo "FAILED $name: see $found.log"
  fi
}
echo "fuzzing ${names[*]}, $seconds s" >&2
for name in "${names[@]}"; do run_one "$name" & done
wait
