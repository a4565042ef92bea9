#!/usr/bin/env bash
# Packs what a machine with a card needs to run tests/device/run.sh: programs (stripped, compressed), programs compiled
# ahead of time on this machine, models and reference results. That machine needs the CUDA driver and nothing of ours.
#
#   tests/device/pack.sh [FOLDER]      (default: dist/device)
#
# INGOT_SHARED: folder of the suite of models and reference results (../shared)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source third_party/setup.sh
ingot_setup build sample
folder=${1:-dist/device}
shared=${INGOT_SHARED:-../shared}
targets=(sm_90a)

rows=tests/compiler/codegen
math=tests/compiler/lower/math
ingot_build //compiler/tools:ingot //runtime/capi:stripped "//$rows:card_rows_write" "//$rows:card_rows_run" \
  "//$rows:card_instructions_write" "//$rows:card_instructions_run" \
  "//$math:card_math_write" "//$math:card_math_run" //tests/runtime/cuda:cuda_test \
  //tests/runtime/cuda:card_control_run //tests/runtime/cuda:card_launch_run //tests/random_graphs \
  //tests/compiler:shapes_write
rm -rf "$folder"
mkdir -p "$folder/models" "$folder/suite"
ingot=bazel-bin/compiler/tools/ingot
strip --strip-all -o "$folder/ingot" $ingot
strip --strip-all -o "$folder/random_graphs" bazel-bin/tests/random_graphs/random_graphs
xz -T0 -3 "$folder/ingot" "$folder/random_graphs"

runtime/install.sh "$folder/prefix" bazel-bin/runtime/capi/stripped/libingot_runtime.so
# shellcheck disable=SC2046  # one word an option
g++ -std=c++17 -O2 samples/fashion_cnn/classify.cc -o "$folder/classify" \
  $(PKG_CONFIG_PATH="$PWD/$folder/prefix/lib/pkgconfig" pkg-config --cflags --libs ingot-runtime) -lz \
  '-Wl,-rpath,$ORIGIN/prefix/lib'
cp samples/fashion_cnn/{fashion_cnn.hlo,weights.safetensors,logits_100.npy} "$folder/models/"
cp /usr/share/datasets/fashion-mnist/t10k-*.gz "$folder/models/"
# The first 100 images as an array: those that logits_100.npy is of.
python3 - "$folder/models" <<'PYTHON'
import gzip, sys
images = gzip.open(sys.argv[1] + "/t10k-images-idx3-ubyte.gz").read()[16:16 + 100 * 28 * 28]
header = "{'descr': '|u1', 'fortran_order': False, 'shape': (100, 28, 28), }".ljust(117) + "\n"
with open(sys.argv[1] + "/images_100.npy", "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + images)
PYTHON

for target in "${targets[@]}"; do
  "$ingot" compile samples/fashion_cnn/fashion_cnn.hlo "--target=$target" -o "$folder/models/fashion_cnn.$target.ingot"
done
# Products and convolutions for `ingot bench` and `ingot tune`.
bazel-bin/tests/compiler/shapes_write products "$folder/product_shapes" bf16
bazel-bin/tests/compiler/shapes_write convolutions "$folder/convolution_shapes"
# Every row of kernel IR, compiled here.
mkdir "$folder/rows"
"bazel-bin/$rows/card_rows_write" "$folder/rows" "${targets[0]}"
tar -C "$folder" -cJf "$folder/rows.tar.xz" rows
rm -r "$folder/rows"
strip --strip-all -o "$folder/card_rows_run" "bazel-bin/$rows/card_rows_run"
# Kernels of asynchronous instructions, and what the simulator makes of them.
mkdir "$folder/instructions"
"bazel-bin/$rows/card_instructions_write" "$folder/instructions" "${targets[0]}"
tar -C "$folder" -cJf "$folder/instructions.tar.xz" instructions
rm -r "$folder/instructions"
strip --strip-all -o "$folder/card_instructions_run" "bazel-bin/$rows/card_instructions_run"
# Elementary functions of every operand.
"bazel-bin/$math/card_math_write" "$folder/math.cubin" "${targets[0]}"
strip --strip-all -o "$folder/card_math_run" "bazel-bin/$math/card_math_run"
# The suite by the second renderer: CUDA C++, through NVRTC, compiled here.
if [ -d "$shared/workloads_small" ] && "$ingot" targets | grep -q '^CUDA C++ to cubin: /'; then
  mkdir "$folder/nvrtc"
  for module in "$shared"/workloads_small/*.hlo; do
    "$ingot" compile "$module" "--target=${targets[0]}" --codegen=cuda --numerics=strict -o "$folder/nvrtc/$(basename "$module" .hlo).ingot"
  done
fi
for program in cuda_test card_control_run card_launch_run; do
  strip --strip-all -o "$folder/$program" "bazel-bin/tests/runtime/cuda/$program"
done
if [ -d "$shared/workloads_small" ]; then
  cp "$shared"/workloads_small/*.{hlo,npz} "$folder/suite/"
else
  echo "pack: no workloads_small in $shared: the suite is left out" >&2
fi
du -sh "$folder"
