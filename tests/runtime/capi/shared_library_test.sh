#!/bin/bash
# What design.md promises of the runtime's library.
set -eu
library=runtime/capi/stripped/libingot_runtime.so
failed=0

size=$(stat -L -c %s $library)
echo "$library: $size bytes"
if [ "$size" -ge 1000000 ]; then
  echo "FAILED: a megabyte or more"
  failed=1
fi

for needed in $(readelf -d $library | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
  case $needed in
    libc.so.6 | libm.so.6 | libdl.so.2 | libpthread.so.0 | ld-linux-x86-64.so.2) ;;
    *)
      echo "FAILED: needs $needed"
      failed=1
      ;;
  esac
done

# Nothing but the C interface is visible, and there are fewer than 40 functions of it.
exported=$(nm -D --defined-only $library | awk '{ print $3 }')
if echo "$exported" | grep -v '^ingot_'; then
  echo "FAILED: exports more than ingot_*"
  failed=1
fi
if [ "$(echo "$exported" | wc -l)" -ge 40 ]; then
  echo "FAILED: $(echo "$exported" | wc -l) functions"
  failed=1
fi

prefix=$TEST_TMPDIR/prefix
sh runtime/install.sh "$prefix" $library
flags=$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config --cflags --libs ingot-runtime)
gcc -std=c99 -Wall -Wextra -Wpedantic -Werror tests/runtime/capi/use.c $flags -o "$TEST_TMPDIR/use"
tests/runtime/capi/write_add_file "$TEST_TMPDIR/add.ingot"
"$TEST_TMPDIR/use" "$TEST_TMPDIR/add.ingot" || failed=1
# As C++ too.
g++ -x c++ -Wall -Wextra -Werror -c tests/runtime/capi/use.c $flags -o "$TEST_TMPDIR/use.o"

# A damaged file is one line and no more.
head -c 5000 "$TEST_TMPDIR/add.ingot" > "$TEST_TMPDIR/cut.ingot"
if "$TEST_TMPDIR/use" "$TEST_TMPDIR/cut.ingot" 2> "$TEST_TMPDIR/error"; then
  echo "FAILED: a file cut short was loaded"
  failed=1
fi
cat "$TEST_TMPDIR/error"
[ "$(wc -l < "$TEST_TMPDIR/error")" -eq 1 ] || failed=1
exit $failed
