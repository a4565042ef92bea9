#!/usr/bin/env python3
"""Large graphs compile in linear time: of twice the size, in at most RATIO times the CPU time of `ingot compile`.

Each family is a graph that grows with one number.  It is compiled at two sizes, for a GPU and for the host.  The sizes
are small enough for continuous integration; INGOT_SCALE=full takes large ones (bazel test --test_env=INGOT_SCALE=full
--test_timeout=900): 20,000 operations in one fusion, 6,000 parameters of one fusion, 2,000 operands of a concatenate,
2,000 sines in a reducer, a million parameters of a module."""
import os
import resource
import subprocess
import sys
import tempfile

INGOT = os.path.abspath("compiler/tools/ingot")
TARGETS = ["sm_90a", "host"]
RATIO = 2.3
# Seconds that a smaller graph counts for at least: below, the noise of the machine is larger than what is measured.
FLOOR = 0.1
TRIES = 3
SHAPE = "f32[1024]"


def text(lines, before=""):
    return "HloModule m\n\n%sENTRY e {\n%s\n}\n" % (before, body(lines))


def body(lines):
    return "\n".join("  " + line for line in lines[:-1] + ["ROOT " + lines[-1]])


def in_fusion(lines, parameters):
    """A module with one fusion, whose computation has the lines."""
    arguments = ["x%d = %s parameter(%d)" % (i, SHAPE, i) for i in range(parameters)]
    names = ", ".join("x%d" % i for i in range(parameters))
    return text(arguments + ["r = %s fusion(%s), kind=kLoop, calls=f" % (SHAPE, names)], "f {\n%s\n}\n\n" % body(lines))


def chain(count):
    """A fusion of `count` operations, one after the other."""
    operations = ["add", "multiply", "subtract", "maximum"]
    lines = ["p%d = %s parameter(%d)" % (i, SHAPE, i) for i in range(2)]
    for i in range(count):
        lines.append("v%d = %s %s(%s, p1)" % (i, SHAPE, operations[i % 4], "v%d" % (i - 1) if i else "p0"))
    return in_fusion(lines, 2)


def sum_of(lines, names):
    """Appends a tree of additions."""
    while len(names) > 1:
        pairs = []
        for i in range(0, len(names) - 1, 2):
            lines.append("s%d = %s add(%s, %s)" % (len(lines), SHAPE, names[i], names[i + 1]))
            pairs.append(lines[-1].split(" ")[0])
        names = pairs + names[len(names) // 2 * 2:]


def tree(count):
    """A fusion of `count` operations: a sum of products with constants."""
    lines = ["p = %s parameter(0)" % SHAPE]
    for i in range(count // 4):
        lines += ["c%d = f32[] constant(%d)" % (i, i + 1), "b%d = %s broadcast(c%d), dimensions={}" % (i, SHAPE, i),
                  "m%d = %s multiply(p, b%d)" % (i, SHAPE, i)]
    sum_of(lines, ["m%d" % i for i in range(count // 4)])
    return in_fusion(lines, 1)


def parameters(count):
    """A fusion of so many parameters, added one after the other."""
    lines = ["p%d = %s parameter(%d)" % (i, SHAPE, i) for i in range(count)]
    for i in range(1, count):
        lines.append("v%d = %s add(%s, p%d)" % (i, SHAPE, "v%d" % (i - 1) if i > 1 else "p0", i))
    return in_fusion(lines, count)


def parameter_tree(count):
    """A fusion of so many parameters, added by a tree."""
    lines = ["p%d = %s parameter(%d)" % (i, SHAPE, i) for i in range(count)]
    sum_of(lines, ["p%d" % i for i in range(count)])
    return in_fusion(lines, count)


def concatenate(count):
    """A concatenate of so many operands, of different sizes."""
    sizes = [8 + i % 3 for i in range(count)]
    lines = ["p%d = f32[16,%d] parameter(%d)" % (i, size, i) for i, size in enumerate(sizes)]
    names = ", ".join("p%d" % i for i in range(count))
    return text(lines + ["r = f32[16,%d] concatenate(%s), dimensions={1}" % (sum(sizes), names)])


def reducer(count):
    """A reducer of so many sines."""
    lines = ["a = f32[] parameter(0)", "b = f32[] parameter(1)"]
    for i in range(count):
        lines.append("s%d = f32[] sine(%s)" % (i, "s%d" % (i - 1) if i else "b"))
    lines.append("o = f32[] add(a, s%d)" % (count - 1))
    return text(["x = f32[64,1024] parameter(0)", "z = f32[] constant(0)",
                 "y = f32[64] reduce(x, z), dimensions={1}, to_apply=f"], "f {\n%s\n}\n\n" % body(lines))


def sines(count):
    """So many sines, one after the other."""
    lines = ["x = %s parameter(0)" % SHAPE]
    for i in range(count):
        lines.append("s%d = %s sine(%s)" % (i, SHAPE, "s%d" % (i - 1) if i else "x"))
    return text(lines)


def adds(count):
    """So many additions, one after the other."""
    lines = ["x = %s parameter(0)" % SHAPE, "y = %s parameter(1)" % SHAPE]
    for i in range(count):
        lines.append("s%d = %s add(%s, y)" % (i, SHAPE, "s%d" % (i - 1) if i else "x"))
    return text(lines)


def module_parameters(count):
    """A module of so many parameters."""
    lines = ["p%d = f32[4] parameter(%d)" % (i, i) for i in range(count)]
    return text(lines + ["r = f32[4] add(p0, p%d)" % (count - 1)])


# family, the smaller of two sizes, that of INGOT_SCALE=full
FAMILIES = [
    (chain, 5000, 10000),
    (tree, 2000, 10000),
    (parameters, 600, 3000),
    (parameter_tree, 600, 3000),
    (concatenate, 500, 1000),
    (reducer, 100, 1000),
    (sines, 128, 128),
    (adds, 3000, 3000),
    (module_parameters, 20000, 500000),
]


def limit_processor_time():
    resource.setrlimit(resource.RLIMIT_CPU, (300, 300))


def cpu_seconds(model, target):
    """Of compiling the model; an error's text where it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run([INGOT, "compile", model, "-o", model + ".ingot", "--target=" + target],
                            capture_output=True, preexec_fn=limit_processor_time, env=dict(os.environ, INGOT_CACHE="off"))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if result.returncode != 0:
        return None, "exit status %d: %s" % (result.returncode, result.stderr.decode(errors="replace")[:300])
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, ""


def check(small, large, target):
    """What is wrong, or None; and what was measured."""
    for _ in range(TRIES):
        first, error = cpu_seconds(small, target)
        if error:
            return "the smaller: " + error, ""
        second, error = cpu_seconds(large, target)
        if error:
            return "the larger: " + error, ""
        measured = "%.2f s, %.2f s" % (first, second)
        if second <= RATIO * max(first, FLOOR):
            return None, measured
    return "twice the size takes more than %.1f times as long" % RATIO, measured


def main():
    full = os.environ.get("INGOT_SCALE") == "full"
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for family, size, full_size in FAMILIES:
            size = full_size if full else size
            paths = []
            for count in (size, 2 * size):
                paths.append(os.path.join(folder, "%s_%d.hlo" % (family.__name__, count)))
                with open(paths[-1], "w") as file:
                    file.write(family(count))
            for target in TARGETS:
                wrong, measured = check(paths[0], paths[1], target)
                print("%s %s of %d and %d for %s: %s%s" % ("FAILED" if wrong else "PASSED", family.__name__, size, 2 * size,
                                                           target, measured, ": " + wrong if wrong else ""), flush=True)
                failures += wrong is not None
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
