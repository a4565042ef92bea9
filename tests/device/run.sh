#!/usr/bin/env bash
# Runs tests and benchmarks on a machine with a card, from what tests/device/pack.sh packed.
#
#   tests/device/run.sh [FOLDER] [RESULTS]    (default: dist/device, dist/results)
#
# Writes check.json, bench.json, sanitizer.txt and logits.f32 to RESULTS, and prints a line for each part. Exit status 0
# when nothing failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
folder=${1:-dist/device}
results=${2:-dist/results}
mkdir -p "$results"
failed=0
for program in ingot random_graphs; do
  [ -e "$folder/$program" ] || xz -dk "$folder/$program.xz" || exit 1
done
chmod +x "$folder/ingot" "$folder/random_graphs" "$folder/classify"
ingot=$folder/ingot

part() {
  local name=$1
  shift
  local start=$SECONDS
  if "$@" >"$results/$name.txt" 2>&1; then
    echo "PASSED $name ($((SECONDS - start)) s)"
  else
    echo "FAILED $name ($((SECONDS - start)) s):"
    tail -n 40 "$results/$name.txt"
    failed=1
  fi
}

"$ingot" targets || exit 1

part runtime "$folder/cuda_test"
part control "$folder/card_control_run" && cat "$results/control.txt"

network() {
  "$folder/classify" "$1" "$folder/models/weights.safetensors" "$folder/models/t10k-images-idx3-ubyte.gz" \
    "$folder/models/t10k-labels-idx1-ubyte.gz" cuda "$results/logits.f32"
}
for file in "$folder"/models/*.ingot; do
  part "classify-$(basename "$file" .ingot)" network "$file" && cat "$results/classify-$(basename "$file" .ingot).txt"
done
models=$folder/models
part logits "$ingot" run "$models/fashion_cnn.hlo" --target=cuda "--inputs=$models/weights.safetensors,$models/images_100.npy" \
  "--expect=$models/logits_100.npy" && cat "$results/logits.txt"
for file in "$models"/*.ingot; do
  part "logits-$(basename "$file" .ingot)" "$ingot" run "$file" \
    "--inputs=$models/weights.safetensors,$models/images_100.npy" "--expect=$models/logits_100.npy"
done
tar -C "$folder" -xJf "$folder/rows.tar.xz" && part rows "$folder/card_rows_run" "$folder/rows"
tar -C "$folder" -xJf "$folder/instructions.tar.xz" && part instructions "$folder/card_instructions_run" "$folder/instructions" &&
  cat "$results/instructions.txt"
part math "$folder/card_math_run" "$folder/math.cubin" && cat "$results/math.txt"
part check "$ingot" check "$folder/suite" --target=cuda --numerics=strict --tolerances=tests/workloads/tolerances.txt "--json=$results/check.json" && cat "$results/check.txt"

# The same modules by the second renderer.
nvrtc() {
  local file data
  for file in "$folder"/nvrtc/*.ingot; do
    data=$folder/suite/$(basename "$file" .ingot).npz
    "$ingot" run "$file" "--inputs=$data" "--expect=$data" --tolerances=tests/workloads/tolerances.txt || return 1
  done
}
if [ -d "$folder/nvrtc" ]; then part nvrtc nvrtc; fi

# Control flow, tuples, layouts and empty arrays, against the evaluator.
cases() {
  local module
  for module in tests/compiler/cases/*.hlo; do
    "$ingot" run "$module" --target=cuda --random-inputs --compare-with=interpreter || return 1
  done
}
part cases cases

# Products of several tiles, by clusters, against the host; an instruction's test has one block.
products() {
  local module
  for module in tests/device/products/*.hlo; do
    "$ingot" run "$module" --target=cuda --random-inputs=1 --compare-with=host || return 1
  done
}
part products products

launches() {
  local module
  mkdir -p "$results/launches"
  for module in softmax mnist_train lstm resnet50_b1; do
    [ -e "$folder/suite/$module.hlo" ] || continue
    "$ingot" compile "$folder/suite/$module.hlo" --target=sm_90a -o "$results/launches/$module.ingot" >/dev/null || return 1
  done
  "$folder/card_launch_run" "$results"/launches/*.ingot
}
part launches launches && cat "$results/launches.txt"

part random-graphs "$folder/random_graphs" --target=cuda --seeds=1..2000; cat "$results/random-graphs.txt"

# The checker follows our process alone: attached to many assemblers that run at a time, it dies of a fault of its own
# (2025.3).
sanitize() {
  local module options=(--target-processes application-only --report-api-errors no --error-exitcode=9)
  compute-sanitizer --tool "$1" "${options[@]}" "$ingot" check "$folder/suite" --target=cuda --numerics=strict \
    --tolerances=tests/workloads/tolerances.txt || return 1
  for module in tests/device/products/*.hlo; do
    compute-sanitizer --tool "$1" "${options[@]}" "$ingot" run "$module" --target=cuda --random-inputs=1 || return 1
  done
}
if command -v compute-sanitizer >/dev/null; then
  part memcheck sanitize memcheck
  part racecheck sanitize racecheck
else
  echo "SKIPPED sanitizer: no compute-sanitizer"
fi
part bench "$ingot" bench "$folder"/suite/*.hlo --target=cuda "--json=$results/bench.json" && cat "$results/bench.txt"
exit $failed
