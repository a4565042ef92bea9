#!/usr/bin/env bash
# Compiles a convolutional network ahead of time and classifies the 10,000 test images of Fashion-MNIST with it, then
# builds and runs a graph in process.  Sets the machine up first; a second run starts in seconds.
#
#   samples/run.sh [OUTPUT_FOLDER]     (default: dist/samples)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source third_party/setup.sh
ingot_setup build sample
ingot_build //compiler/tools:ingot //samples/builder:mlp //runtime/capi:stripped

out=${1:-dist/samples}
mkdir -p "$out"
ingot=bazel-bin/compiler/tools/ingot
model=samples/fashion_cnn
data=/usr/share/datasets/fashion-mnist

echo "== the runtime, installed to $out/prefix, and a program that needs nothing else"
runtime/install.sh "$out/prefix" bazel-bin/runtime/capi/stripped/libingot_runtime.so
export PKG_CONFIG_PATH="$PWD/$out/prefix/lib/pkgconfig"
# shellcheck disable=SC2046  # one word an option
g++ -std=c++17 -O2 -Wall -Wextra $model/classify.cc -o "$out/classify" $(pkg-config --cflags --libs ingot-runtime) -lz \
  "-Wl,-rpath,$PWD/$out/prefix/lib"

echo
echo "== Fashion-MNIST: compile ahead of time, then classify the test images"
"$ingot" compile $model/fashion_cnn.hlo --target=host -o "$out/fashion_cnn.ingot" --dump-to="$out/dumps" --time
"$out/classify" "$out/fashion_cnn.ingot" $model/weights.safetensors \
  $data/t10k-images-idx3-ubyte.gz $data/t10k-labels-idx1-ubyte.gz host
echo "dumps              $out/dumps ($(find "$out/dumps" -type f | wc -l) files: each stage as text)"

echo
echo "== a graph from C++, compiled and run in process (samples/builder/mlp.cc)"
bazel-bin/samples/builder/mlp
