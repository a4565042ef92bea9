#!/bin/sh
# Installs the runtime for programs that are built without Bazel:
#
#   runtime/install.sh PREFIX [LIBRARY]
#   PKG_CONFIG_PATH=PREFIX/lib/pkgconfig g++ a.cc $(pkg-config --cflags --libs ingot-runtime)
#
# LIBRARY is the built libingot_runtime.so; without it Bazel builds it.
set -eu

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
  echo "usage: runtime/install.sh PREFIX [LIBRARY]" >&2
  exit 2
fi
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1/include" "$1/lib/pkgconfig"
prefix=$(cd "$1" && pwd)
library=${2:-$root/bazel-bin/runtime/capi/stripped/libingot_runtime.so}
if [ $# -lt 2 ]; then
  (cd "$root" && bazel build -c opt //runtime/capi:stripped)
fi

install -m 644 "$root/runtime/ingot.h" "$prefix/include/ingot.h"
install -m 644 "$library" "$prefix/lib/libingot_runtime.so.0"
ln -sf libingot_runtime.so.0 "$prefix/lib/libingot_runtime.so"
sed "s|@PREFIX@|$prefix|" "$root/runtime/capi/ingot-runtime.pc.in" \
  > "$prefix/lib/pkgconfig/ingot-runtime.pc"
