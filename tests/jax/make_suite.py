"""Writes the suite: OUT/NAME.hlo beside OUT/NAME.npz, with in0, in1, ... and out0, out1, ....

    python make_suite.py OUT [NAME...]        a NAME may hold * and ?

The expected values are XLA's on the CPU, at the highest precision of products.  bf16, f8 and the
types below a byte travel as unsigned integers of their width.  What cannot be lowered, or calls
custom code, is listed with its reason in OUT/skipped.txt.
"""
import fnmatch
import os
import pathlib
import re
import sys
import time

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import ml_dtypes
import numpy as np

from functions import table

PLAIN = {np.dtype(t) for t in "? i1 i2 i4 i8 u1 u2 u4 u8 f2 f4 f8 c8 c16".split()}
SMALL_INTEGERS = {
    np.dtype(t): signed
    for t, signed in [
        (ml_dtypes.int2, True),
        (ml_dtypes.int4, True),
        (ml_dtypes.uint2, False),
        (ml_dtypes.uint4, False),
    ]
}


def plain(array) -> np.ndarray:
    """The array in a type that numpy's files know, with the bytes that `ingot` keeps it in."""
    array = np.asarray(array)
    if array.dtype in SMALL_INTEGERS:  # sign-extended to the byte
        wide = np.int8 if SMALL_INTEGERS[array.dtype] else np.uint8
        return array.astype(wide).view(np.uint8)
    if array.dtype in PLAIN:
        return array
    return array.view({1: np.uint8, 2: np.uint16}[array.dtype.itemsize])


def write(case, out: pathlib.Path) -> str | None:
    """Writes one case; the reason when it is skipped."""
    jax.clear_caches()  # so that the text does not depend on the cases before
    with jax.enable_x64(case.x64), jax.default_matmul_precision("highest"):
        arguments = case.arguments()
        lowered = jax.jit(case.function, keep_unused=True).lower(*arguments)
        text = lowered.compiler_ir("hlo").as_hlo_text(print_large_constants=True)
        targets = sorted(set(re.findall(r'custom_call_target="([^"]*)"', text)))
        if targets:
            return "custom call " + ", ".join(targets)
        results = jax.tree.leaves(lowered.compile()(*arguments))
        arrays = {f"in{i}": plain(x) for i, x in enumerate(jax.tree.leaves(arguments))}
        arrays |= {f"out{i}": plain(x) for i, x in enumerate(results)}
    (out / f"{case.name}.hlo").write_text(text)
    np.savez(out / f"{case.name}.npz", **arrays)
    return None


def main(arguments):
    if not arguments:
        sys.exit(__doc__)
    out = pathlib.Path(arguments[0])
    out.mkdir(parents=True, exist_ok=True)
    patterns = arguments[1:] or ["*"]
    cases = [c for c in table().values() if any(fnmatch.fnmatch(c.name, p) for p in patterns)]
    skipped = []
    start = time.monotonic()
    for case in cases:
        for suffix in (".hlo", ".npz"):
            (out / (case.name + suffix)).unlink(missing_ok=True)
        try:
            reason = write(case, out)
        except Exception as error:  # JAX's own refusal: its first line is the reason
            first_line = (str(error).strip().splitlines() or [""])[0]
            reason = f"{type(error).__name__}: {first_line[:200]}"
        if reason:
            skipped.append(f"{case.name}: {reason}")
            print("skipped", skipped[-1], flush=True)
    if arguments[1:] == []:
        (out / "skipped.txt").write_text("".join(line + "\n" for line in skipped))
    print(f"{len(cases) - len(skipped)} written, {len(skipped)} skipped, "
          f"{time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
