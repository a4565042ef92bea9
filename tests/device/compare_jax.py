#!/usr/bin/env python3
"""Compares whole workloads at full size with JAX on one card, on the same random inputs.

    PYTHONPATH=bench compare_jax.py --ingot=ingot --modules=workloads [--folder=/tmp/compare] [--own-inputs] [NAME ...]

The modules are MODULES/NAME.hlo; the functions are those of the Python module `workloads` (WORKLOADS in the environment
says another), as the suite's bench/peer_jax.py has them.  `ingot run` makes the inputs and writes them, JAX computes the
function of them with products at the highest precision, and `ingot run --numerics=strict --expect` compares.  Prints one
line for each workload; the exit status is 1 where one differs.

Where half precision makes a deep model's result its rounding, the two differ by more than the tolerance and both are
right.  With --unrounded JAX also computes such a workload in f32 throughout (BF, the functions' name of their half type,
is f32), and Ingot may be 1.25 times as far from that as XLA is in geometric mean over the results, 4 times at the most.

With --own-inputs they are those that the functions come with: a step of an optimiser has no number to compare where the
squares that it keeps are random, and negative.
"""
import argparse
import importlib
import os
import shutil
import subprocess
import sys
import time

import jax
import numpy as np


def inputs_of(folder, shapes):
    """The saved arrays as JAX's, and how many there are; bf16 travels as u16.  An argument that the function does not
    use is no parameter of the module: in its place are zeros."""
    arrays, taken = [], 0
    for like in shapes:
        path = os.path.join(folder, "in%d.npy" % taken)
        array = np.load(path, mmap_mode="r") if os.path.exists(path) else None
        if array is None or array.shape != like.shape or array.dtype.itemsize != like.dtype.itemsize:
            arrays.append(jax.numpy.zeros(like.shape, like.dtype))
            continue
        taken += 1
        arrays.append(jax.device_put(np.array(array) if array.dtype == like.dtype else np.array(array).view(like.dtype)))
    return arrays, taken


def as_saved(result):
    """A NumPy array; bf16 as u16."""
    array = np.asarray(result)
    return array.view(np.uint16) if array.dtype.kind == "V" or str(array.dtype) == "bfloat16" else array


def save_own(folder, leaves):
    """The function's own arguments in place of the saved ones."""
    taken = 0
    for leaf in leaves:
        path = os.path.join(folder, "in%d.npy" % taken)
        array = as_saved(leaf)
        like = np.load(path, mmap_mode="r") if os.path.exists(path) else None
        if like is None or like.shape != array.shape or like.dtype.itemsize != array.dtype.itemsize:
            continue
        dtype, taken = like.dtype, taken + 1
        del like
        np.save(path, array.view(dtype))


def save(folder, results):
    """out0, out1, ... of an .npz file."""
    arrays = {"out%d" % i: as_saved(result) for i, result in enumerate(results)}
    path = os.path.join(folder, "expected.npz")
    np.savez(path, **arrays)
    return path


def distance(result, reference):
    """Of two arrays: the norm of the difference over that of the reference, where both are numbers."""
    result, reference = (np.asarray(a, np.float64).ravel() for a in (result, reference))
    numbers = np.isfinite(result) & np.isfinite(reference)
    if np.mean(numbers != np.isfinite(reference)) > 1e-3:
        return float("inf")
    result, reference = result[numbers], reference[numbers]
    return float(np.linalg.norm(result - reference) / max(np.linalg.norm(reference), 1e-30))


def load(folder, i, like):
    """The i-th result that Ingot wrote; bf16 travels as u16."""
    array = np.load(os.path.join(folder, "out%d.npy" % i))
    if array.dtype == np.uint16 and array.dtype != like.dtype:
        array = (array.astype(np.uint32) << 16).view(np.float32)
    return array.reshape(like.shape)


def compare_unrounded(module, make, folder, arrays, tree, results):
    """Whether Ingot is about as near to the function of f32 throughout as XLA is, and a line that says how near."""
    half, module.BF = module.BF, jax.numpy.float32
    try:
        function, _ = make()
        wide = [a.astype(jax.numpy.float32) if a.dtype == half else a for a in arrays]
        with jax.default_matmul_precision("highest"):
            exact = jax.tree.leaves(jax.jit(function)(*jax.tree.unflatten(tree, wide)))
    finally:
        module.BF = half
    rows = []
    for i, (reference, result) in enumerate(zip(exact, results)):
        xlas = distance(result.astype(jax.numpy.float32) if result.dtype == half else result, reference)
        rows.append((distance(load(folder, i, result), reference), xlas, i))
    ratios = [max(ours, 1e-6) / max(xlas, 1e-6) for ours, xlas, _ in rows]
    mean = float(np.exp(np.mean(np.log(ratios))))
    ours, xlas, i = rows[int(np.argmax(ratios))]
    line = "off f32 throughout %.2f times what XLA is in geometric mean; the most, result %d of %d: %.2e, XLA %.2e" % (
        mean, i, len(rows), ours, xlas)
    return mean <= 1.25 and max(ratios) <= 4, line


def compare(arguments, name, make, module):
    folder = os.path.join(arguments.folder, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    text = os.path.join(arguments.modules, name + ".hlo")
    ingot = [arguments.ingot, "run", text, "--target=" + arguments.target, "--numerics=strict"]
    subprocess.run(ingot + ["--random-inputs=1", "--save-inputs=" + folder], check=True,
                   stdout=subprocess.DEVNULL)
    function, example = make()
    leaves, tree = jax.tree.flatten(example)
    shapes = [jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves]
    if arguments.own_inputs:
        save_own(folder, leaves)
    del example, leaves
    with jax.default_matmul_precision("highest"):
        arrays, taken = inputs_of(folder, shapes)
        results = jax.jit(function)(*jax.tree.unflatten(tree, arrays))
    expected = save(folder, jax.tree.leaves(results))
    files = ",".join(os.path.join(folder, "in%d.npy" % i) for i in range(taken))
    ran = subprocess.run(ingot + ["--inputs=" + files, "--expect=" + expected, "--outputs=" + folder] +
                         (["--tolerances=" + arguments.tolerances] if arguments.tolerances else []),
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    right, lines = ran.returncode == 0, ran.stdout.strip().splitlines()
    if not right and arguments.unrounded:
        right, line = compare_unrounded(module, make, folder, arrays, tree, jax.tree.leaves(results))
        lines.append(line)
    shutil.rmtree(folder, ignore_errors=True)
    return right, lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ingot", default="ingot")
    parser.add_argument("--modules", required=True)
    parser.add_argument("--folder", default="/tmp/compare")
    parser.add_argument("--target", default="cuda")
    parser.add_argument("--tolerances", default="")
    parser.add_argument("--unrounded", action="store_true")
    parser.add_argument("--own-inputs", action="store_true")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    module = importlib.import_module(os.environ.get("WORKLOADS", "workloads"))
    workloads = module.WORKLOADS
    wrong = 0
    for name in arguments.names or list(workloads):
        start = time.time()
        make = workloads[name]
        make = make[0] if isinstance(make, tuple) else make
        try:
            right, lines = compare(arguments, name, make, module)
        except Exception as error:  # one workload's failure is its own
            right, lines = False, [repr(error)[:300]]
        wrong += not right
        print("%-24s %-6s %5.1f s  %s" % (name, "ok" if right else "WRONG", time.time() - start, lines[-1] if lines else ""),
              flush=True)
        for line in [] if right else lines[-8:]:
            print("    " + line, flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
