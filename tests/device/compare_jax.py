#!/usr/bin/env python3
"""Compares whole workloads at full size with JAX on one card, on the same random inputs.

    PYTHONPATH=bench compare_jax.py --ingot=ingot --modules=workloads [--folder=/tmp/compare] [NAME ...]

The modules are MODULES/NAME.hlo; the functions are those of the Python module `workloads` (WORKLOADS in the environment
says another), as the suite's bench/peer_jax.py has them.  `ingot run` makes the inputs and writes them, JAX computes the
function of them with products at the highest precision, and `ingot run --numerics=strict --expect` compares.  Prints one
line for each workload; the exit status is 1 where one differs.
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


def save(folder, results):
    """out0, out1, ... of an .npz file; bf16 as u16."""
    arrays = {}
    for i, result in enumerate(results):
        array = np.asarray(result)
        arrays["out%d" % i] = array.view(np.uint16) if array.dtype.kind == "V" or str(array.dtype) == "bfloat16" else array
    path = os.path.join(folder, "expected.npz")
    np.savez(path, **arrays)
    return path


def compare(arguments, name, make):
    folder = os.path.join(arguments.folder, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    module = os.path.join(arguments.modules, name + ".hlo")
    ingot = [arguments.ingot, "run", module, "--target=" + arguments.target, "--numerics=strict"]
    subprocess.run(ingot + ["--random-inputs=1", "--save-inputs=" + folder, "--outputs=" + folder], check=True,
                   stdout=subprocess.DEVNULL)
    function, example = make()
    leaves, tree = jax.tree.flatten(example)
    shapes = [jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves]
    del example, leaves
    with jax.default_matmul_precision("highest"):
        arrays, taken = inputs_of(folder, shapes)
        results = jax.jit(function)(*jax.tree.unflatten(tree, arrays))
    expected = save(folder, jax.tree.leaves(results))
    del results
    files = ",".join(os.path.join(folder, "in%d.npy" % i) for i in range(taken))
    ran = subprocess.run(ingot + ["--inputs=" + files, "--expect=" + expected] +
                         (["--tolerances=" + arguments.tolerances] if arguments.tolerances else []),
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    shutil.rmtree(folder, ignore_errors=True)
    return ran.returncode == 0, ran.stdout.strip().splitlines()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ingot", default="ingot")
    parser.add_argument("--modules", required=True)
    parser.add_argument("--folder", default="/tmp/compare")
    parser.add_argument("--target", default="cuda")
    parser.add_argument("--tolerances", default="")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    workloads = importlib.import_module(os.environ.get("WORKLOADS", "workloads")).WORKLOADS
    wrong = 0
    for name in arguments.names or list(workloads):
        start = time.time()
        make = workloads[name]
        make = make[0] if isinstance(make, tuple) else make
        try:
            right, lines = compare(arguments, name, make)
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
