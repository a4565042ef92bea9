#!/usr/bin/env python3
"""`ingot check` prints whole lines: the error that ends it never stands inside of one."""
import io
import os
import re
import struct
import subprocess
import sys
import tempfile
import zipfile

INGOT = os.path.abspath("compiler/tools/ingot")
MODEL = """HloModule m

ENTRY e {
  x = f32[1] parameter(0)
  ROOT n = f32[1] negate(x)
}
"""


def npy(value):
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + struct.pack("<f", value)


def main():
    with tempfile.TemporaryDirectory() as folder:
        # More output than a pipe's buffer of 4 KB holds; every third model is wrong.
        for i in range(150):
            path = os.path.join(folder, "a_model_of_many_%03d" % i)
            with open(path + ".hlo", "w", encoding="ascii") as file:
                file.write(MODEL)
            with zipfile.ZipFile(path + ".npz", "w") as values:
                values.writestr("in0.npy", npy(1.0))
                values.writestr("out0.npy", npy(1.0 if i % 3 == 0 else -1.0))
        done = subprocess.run([INGOT, "check", folder, "--target=interpreter"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=60, check=False)
    lines = io.BytesIO(done.stdout).read().decode().splitlines()
    shapes = [r"(ok|WRONG) +a_model_of_many_\d{3} +error +\S+ +tolerance +\S+"] * 150
    shapes += ["100 passed, 50 failed on interpreter", "error: 50 of 150 models failed"]
    bad = [line for line, shape in zip(lines, shapes) if not re.fullmatch(shape, line)]
    if done.returncode != 1 or len(lines) != len(shapes) or bad:
        print("FAILED whole lines: exit status %d, %d lines, for one %r" % (done.returncode, len(lines), bad[:1]))
        return 1
    print("PASSED whole lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
