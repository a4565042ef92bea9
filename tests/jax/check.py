"""Runs `ingot check` on every case of a suite, each in its own process, and counts what came out.

    python check.py SUITE [NAME...] [--ingot=PATH] [--targets=interpreter,host] [--strict]

ok        every result is within the tolerance of its type (tolerances.txt)
refused   one error that names an instruction, an op or a type: it is not there yet
WRONG     a result is beyond its tolerance
CRASHED   killed by a signal, an internal error, or no answer in 60 seconds

A result counts as right by the norm of the whole array.  --strict also compares element by element
and lists as `loose` the cases that pass by the norm alone: a conversion must be equal to the bit,
any other element must lie within the tolerance of max(|expected|, 0.001 of the largest).
Exits 1 when something is WRONG or CRASHED.
"""
import argparse
import collections
import concurrent.futures
import fnmatch
import pathlib
import re
import subprocess
import sys
import tempfile

import ml_dtypes
import numpy as np

HERE = pathlib.Path(__file__).parent
SECONDS = 60
NARROW = {"bf16": ml_dtypes.bfloat16, "f4e2m1fn": ml_dtypes.float4_e2m1fn} | {
    name.replace("float8_", "f8"): getattr(ml_dtypes, name) for name in (
        "float8_e3m4 float8_e4m3 float8_e4m3fn float8_e4m3fnuz float8_e4m3b11fnuz "
        "float8_e5m2 float8_e5m2fnuz float8_e8m0fnu").split()}
NARROW = {name.replace("_", ""): kind for name, kind in NARROW.items()}


def run(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return None, f"no answer in {SECONDS} s"
    return done.returncode, (done.stdout + done.stderr).strip()


def classify(ingot, model, target):
    code, text = run([ingot, "check", str(model), f"--target={target}", f"--tolerances={HERE / 'tolerances.txt'}"])
    first = (text.splitlines() or [""])[0]
    if code is None or code < 0 or code > 1:
        return "CRASHED", f"exit {code}: {text.splitlines()[-1] if text else ''}"
    if first.startswith("ok"):
        return "ok", ""
    if first.startswith("WRONG"):
        return "WRONG", " ".join(first.split()[2:])
    message = re.sub(r"^FAILED\s+\S+\s+", "", first)
    return ("CRASHED" if "internal" in message.lower() else "refused"), message


def result_types(model):
    """The element types of the entry's results, in their order."""
    header = model.read_text().split("\n", 1)[0]
    results = header[header.index("entry_computation_layout={") :].split("->", 1)[1].split("}}", 1)[0]
    return re.findall(r"(\w+)\[", results)


def element_tolerance(kind):
    if kind in ("f64", "c128"):
        return 1e-10
    if kind in ("f32", "c64"):
        return 1e-4
    return 4 * float(ml_dtypes.finfo(NARROW.get(kind, np.float16)).eps)


def element_error(kind, result, expected, exact):
    """The worst element's difference over its tolerance; above 1 is loose."""
    if kind in NARROW:
        result, expected = (x.view(NARROW[kind]).astype(np.float64) for x in (result, expected))
    elif expected.dtype.itemsize == 1:
        result, expected = result.view(np.uint8), expected.view(np.uint8)
    if result.shape != expected.shape:
        return np.inf
    inexact = expected.dtype.kind in "fc"
    if exact or not inexact:
        return 0.0 if np.array_equal(result, expected, equal_nan=inexact) else np.inf
    finite = np.isfinite(expected)
    if not np.array_equal(result[~finite], expected[~finite], equal_nan=True):
        return np.inf
    if not finite.any():
        return 0.0
    size = np.abs(expected[finite]).astype(np.float64)
    allowed = np.maximum(size, 1e-3 * size.max()) * element_tolerance(kind)
    difference = np.abs(result[finite] - expected[finite])
    return float(np.max(difference / np.maximum(allowed, 1e-300)))


def strict(ingot, model, target):
    values = model.with_suffix(".npz")
    exact = "_convert_" in model.stem or "_pad_one_" in model.stem or "_stack_scalars" in model.stem
    with tempfile.TemporaryDirectory() as out:
        code, text = run([ingot, "run", str(model), f"--target={target}", f"--inputs={values}", f"--outputs={out}"])
        if code != 0:
            return text
        with np.load(values) as expected:
            errors = {f"out{i}": element_error(kind, np.load(f"{out}/out{i}.npy"), expected[f"out{i}"], exact)
                      for i, kind in enumerate(result_types(model))}
    worst = max(errors, key=errors.get, default=None)
    return f"{worst}: {errors[worst]:.3g} times the tolerance" if worst and errors[worst] > 1 else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--ingot", default=str(HERE.parents[1] / "bazel-bin/compiler/tools/ingot"))
    parser.add_argument("--targets", default="interpreter,host")
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    patterns = options.names or ["*"]
    models = [m for m in sorted(options.suite.glob("*.hlo"))
              if m.with_suffix(".npz").exists() and any(fnmatch.fnmatch(m.stem, p) for p in patterns)]
    bad = 0
    for target in options.targets.split(","):
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            outcomes = list(pool.map(lambda m: classify(options.ingot, m, target), models))
            if options.strict:
                passed = [m for m, o in zip(models, outcomes) if o[0] == "ok"]
                loose = list(zip(passed, pool.map(lambda m: strict(options.ingot, m, target), passed)))
            else:
                loose = []
        for model, (outcome, message) in zip(models, outcomes):
            if outcome != "ok":
                print(f"{outcome:8}{target:12} {model.stem:40} {message[:160]}")
        for model, message in loose:
            if message:
                print(f"{'loose':8}{target:12} {model.stem:40} {message[:160]}")
        counts = collections.Counter(outcome for outcome, _ in outcomes)
        bad += counts["WRONG"] + counts["CRASHED"]
        print(f"{target}: " + ", ".join(f"{counts[o]} {o}" for o in ("ok", "refused", "WRONG", "CRASHED")), flush=True)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
