#!/usr/bin/env python3
"""Bad input to the `ingot` command: each gives one `error:` line that says where and what, exit status 1 (2 for a wrong
command line), within bounded time and memory, and leaves no half-written file."""
import os
import resource
import subprocess
import sys
import tempfile

INGOT = os.path.abspath("compiler/tools/ingot")
SECONDS = 60
MEMORY = 8 << 30

GOOD = """HloModule m, entry_computation_layout={(f32[2,3]{1,0})->f32[2,3]{1,0}}

ENTRY e {
  x = f32[2,3]{1,0} parameter(0)
  ROOT n = f32[2,3]{1,0} negate(x)
}
"""


def module(body, signature=""):
    return "HloModule m\n\nENTRY e {\n%s\n}\n" % body


def scalar_chain(count, opcode, last):
    """A computation f of two scalars, with so many operations on the second one after the other."""
    lines = ["  a = f32[] parameter(0)", "  b = f32[] parameter(1)"]
    for i in range(count):
        lines.append("  s%d = f32[] %s(%s)" % (i, opcode, "s%d" % (i - 1) if i else "b"))
    return "HloModule m\n\nf {\n%s\n  ROOT o = %s\n}\n\n" % ("\n".join(lines), last % ("s%d" % (count - 1)))


WINDOW = """ENTRY e {
  x = f32[64,64] parameter(0)
  z = f32[] constant(0)
  ROOT windows = f32[62,62] reduce-window(x, z), window={size=3x3}, to_apply=f
}
"""

SORT = """ENTRY e {
  x = f32[4,64] parameter(0)
  ROOT sorted = f32[4,64] sort(x), dimensions={1}, to_apply=f
}
"""


def sort_of(count):
    """A sort of so many operands by the first."""
    parameters = "\n".join("  a%d = f32[] parameter(%d)" % (i, i) for i in range(2 * count))
    operands = "\n".join("  p%d = f32[4,8] parameter(%d)" % (i, i) for i in range(count))
    return ("HloModule m\n\nf {\n%s\n  ROOT o = pred[] compare(a0, a1), direction=LT\n}\n\nENTRY e {\n%s\n"
            "  ROOT sorted = (%s) sort(%s), dimensions={1}, to_apply=f\n}\n" %
            (parameters, operands, ", ".join(["f32[4,8]"] * count), ", ".join("p%d" % i for i in range(count))))


# name, text of the model, words that the error must have
MODELS = [
    ("empty file", "", ["m.hlo:1:"]),
    ("syntax error", GOOD.replace("negate(x)", "negate x)"), ["m.hlo:5:", "("]),
    ("unknown opcode", GOOD.replace("negate", "negat"), ["m.hlo:5:", "negat", "negate"]),
    ("unknown element type", GOOD.replace("f32[2,3]{1,0} negate", "f23[2,3]{1,0} negate"), ["m.hlo:5:", "f23"]),
    ("wrong shape", GOOD.replace("f32[2,3]{1,0} negate", "f32[3,2]{1,0} negate"), ["m.hlo:5:", "f32[2,3]", "f32[3,2]"]),
    ("operand that does not exist", GOOD.replace("negate(x)", "negate(y)"), ["m.hlo:5:", "y"]),
    ("a name used twice", module("  x = f32[] parameter(0)\n  x = f32[] negate(x)\n  ROOT y = f32[] abs(x)"), ["m.hlo:5:", "x"]),
    ("an instruction that uses itself", module("  ROOT x = f32[] negate(x)"), ["m.hlo:4:", "x"]),
    ("a cycle of control", module("  a = f32[] parameter(0)\n  b = f32[] negate(a), control-predecessors={c}\n"
                                  "  ROOT c = f32[] negate(b)"), ["m.hlo:5:", "c"]),
    ("a recursive computation", "HloModule m\n\nf {\n  p = f32[] parameter(0)\n  ROOT c = f32[] call(p), to_apply=f\n}\n\n"
                                "ENTRY e {\n  x = f32[] parameter(0)\n  ROOT y = f32[] call(x), to_apply=f\n}\n", ["m.hlo:", "f"]),
    ("unknown computation", module("  x = f32[] parameter(0)\n  ROOT y = f32[] call(x), to_apply=nothing"), ["m.hlo:5:", "nothing"]),
    ("wrong number of operands", GOOD.replace("negate(x)", "negate(x, x)"), ["m.hlo:5:", "2"]),
    ("missing attribute", GOOD.replace("negate(x)", "transpose(x)"), ["m.hlo:5:", "dimensions"]),
    ("a permutation that is none", GOOD.replace("negate(x)", "transpose(x), dimensions={0,0}"), ["m.hlo:5:", "0,0"]),
    ("a literal that is too short", module("  ROOT c = f32[3] constant({1, 2})"), ["m.hlo:4:", "3"]),
    ("a literal that is too long", module("  ROOT c = f32[3] constant({1, 2, 3, 4})"), ["m.hlo:4:"]),
    ("a negative dimension", module("  ROOT x = f32[-3] parameter(0)"), ["m.hlo:4:", "-3"]),
    ("an overflowing dimension", module("  ROOT x = f32[99999999999999999999] parameter(0)"), ["m.hlo:4:"]),
    ("an overflowing size", module("  ROOT x = f32[4294967296,4294967296] parameter(0)"), ["m.hlo:4:", "2^62"]),
    ("100,000 nested parentheses", module("  ROOT x = " + "(" * 100000 + "f32[]" + ")" * 100000 + " parameter(0)"), ["m.hlo:4:"]),
    ("100,000 nested braces", module("  ROOT x = f32[3] constant(" + "{" * 100000), ["m.hlo:4:"]),
    ("no entry", "HloModule m\n\nf {\n  ROOT x = f32[] parameter(0)\n}\n", ["m.hlo:", "ENTRY"]),
    ("a parameter left out", module("  ROOT x = f32[] parameter(1)"), ["m.hlo:", "parameter"]),
    ("cut short", GOOD[:100], ["m.hlo:"]),
    ("binary", "\x00\x01\xff\xfe" * 100, ["m.hlo:1:"]),
]

# name, text of the model, words that the error of compiling it for sm_90a must have: more than one kernel may hold
TOO_LARGE = [
    ("a window's computation of 400 sines", scalar_chain(400, "sine", "f32[] add(a, %s)") + WINDOW,
     ["windows", "reduce-window", "32000 operations"]),
    ("a comparator of 20,000 operations", scalar_chain(20000, "exponential", "pred[] compare(a, %s), direction=LT") + SORT,
     ["wrapped_sort", "20003 instructions", "2000"]),
    ("a sort of 600 operands", sort_of(600), ["sorted", "1204 buffers", "4352"]),
]

# name, arguments (M: a good model, D: a directory of the test's own), exit status, words that the error must have
COMMANDS = [
    ("no such file", ["run", "D/none.hlo"], 1, ["none.hlo"]),
    ("a directory", ["run", "D"], 1, ["error"]),
    ("unknown verb", ["rum"], 2, ["rum", "run"]),
    ("unknown option", ["run", "M", "--imputs=x"], 2, ["imputs", "inputs"]),
    ("a value missing", ["run", "M", "--target"], 2, ["target"]),
    ("no model", ["run"], 2, ["model"]),
    ("no inputs", ["run", "M", "--target=host"], 2, ["inputs"]),
    ("unknown pass", ["opt", "M", "--passes=nonsense"], 1, ["nonsense", "simplify"]),
    ("an explanation of a pass that does not run", ["opt", "M", "--until=simplify", "--explain"], 2, ["--until=fuse"]),
    ("unknown target", ["run", "M", "--target=sm_42", "--random-inputs"], 1, ["sm_42", "sm_90a"]),
    ("unknown stage", ["emit", "M", "--stage=soup"], 2, ["soup", "kernel"]),
    ("unknown fusion", ["check", "M", "--fusion=none"], 2, ["none", "cost, loop"]),
    ("unknown numerics", ["emit", "M", "--stage=plan", "--numerics=exact"], 2, ["exact", "default, strict"]),
    ("a table that does not exist", ["run", "M", "--plans=D/none.txt", "--target=host"], 1, ["none.txt"]),
    ("a table without a file", ["run", "M", "--plans", "--target=host"], 2, ["plans"]),
    ("a table that is none", ["emit", "M", "--stage=plan", "--plans=M"], 1, ["good.hlo:1:1:", "fusion KEY TARGET", "emit --stage=plan"]),
    ("a table with a word that is no field", ["compile", "M", "-o", "D/x.ingot", "--plans=D/word.txt", "--target=sm_90a"], 1,
     ["word.txt:3:8:", "blokcs", "blocks"]),
    ("a table for an unknown target", ["check", "M", "--plans=D/target.txt", "--target=host"], 1, ["target.txt:1:25:", "sm_42", "sm_90a"]),
    ("a table whose comment does not end", ["emit", "M", "--stage=plan", "--plans=D/comment.txt", "--target=host"], 1, ["comment.txt:1:1:", "'/'"]),
    ("a table of 100,000 braces", ["emit", "M", "--stage=plan", "--plans=D/braces.txt", "--target=host"], 1, ["braces.txt:1:"]),
    ("a binary table", ["bench", "M", "--plans=D/cut.ingot", "--target=host"], 1, ["cut.ingot:1:1:"]),
    ("tuned plans neither on nor off", ["emit", "M", "--stage=plan", "--tuned=maybe", "--target=host"], 2, ["--tuned=maybe", "on, off"]),
    ("tuning without a model", ["tune", "-o", "D/t.txt", "--target=host"], 2, ["models"]),
    ("tuning without a file", ["tune", "M", "--target=host"], 2, ["-o FILE"]),
    ("tuning of an unknown kind", ["tune", "M", "-o", "D/t.txt", "--target=host", "--fusions=some"], 2, ["some", "products, all"]),
    ("tuning by the evaluator", ["tune", "M", "-o", "D/t.txt", "--target=interpreter"], 2, ["interpreter"]),
    ("tuning for no time", ["tune", "M", "-o", "D/t.txt", "--target=host", "--seconds=0"], 2, ["--seconds=0"]),
    ("tuning without a driver", ["tune", "M", "-o", "D/t.txt", "--target=cuda"], 1, ["driver"]),
    ("tuning for a card without a driver", ["tune", "M", "-o", "D/t.txt", "--target=sm_90a"], 1, ["sm_90a", "driver"]),
    ("tuning into a table that no tuning wrote", ["tune", "M", "-o", "D/empty_plan.txt", "--target=host"], 1, ["empty_plan.txt", "no `ingot tune` wrote"]),
    ("tuning into what is no table", ["tune", "M", "-o", "M", "--target=host"], 1, ["good.hlo:1:1:", "fusion KEY TARGET"]),
    ("tuning into a folder that is not there", ["tune", "M", "-o", "/proc/none/t.txt", "--target=host", "--fusions=all"], 1, ["/proc/none/t.txt"]),
    ("a report that is none", ["tune", "M", "-o", "D/t.txt", "--target=host", "--json=M"], 1, ["good.hlo", "no report"]),
    ("tuning of a compiled file", ["tune", "D/good.ingot", "-o", "D/t.txt", "--target=host"], 1, ["good.ingot", "a model is wanted"]),
    ("candidates of another stage", ["emit", "M", "--stage=kernel", "--candidates", "--target=host"], 2, ["candidates", "plan"]),
    ("a donated input that is no number", ["run", "M", "--donate=x", "--target=host", "--random-inputs"], 2, ["--donate", "'x'"]),
    ("a donated input of a compiled file", ["run", "D/good.ingot", "--donate=0", "--random-inputs"], 2, ["--donate is for models"]),
    ("a donated input that is not there", ["run", "M", "--donate=7", "--target=host", "--random-inputs"], 1, ["donated input 7"]),
    ("unwritable output", ["compile", "M", "-o", "/proc/none/x.ingot", "--target=host"], 1, ["/proc/none/x.ingot"]),
    ("inputs that do not exist", ["run", "M", "--inputs=D/none.npz", "--target=host"], 1, ["none.npz"]),
    ("inputs that are no arrays", ["run", "M", "--inputs=M", "--target=host"], 1, ["npz"]),
    ("inputs of another shape", ["run", "M", "--inputs=D/wrong.npy", "--target=host"], 1, ["f32[3]", "f32[2,3]"]),
    ("a program of no driver", ["run", "M", "--target=cuda", "--random-inputs"], 1, ["driver"]),
    ("10^15 elements", ["run", "D/huge.hlo", "--target=host", "--random-inputs"], 1, ["bytes"]),
    ("10^15 elements, evaluated", ["run", "D/huge.hlo", "--target=interpreter", "--random-inputs"], 1, ["bytes"]),
    ("an .ingot file cut short", ["run", "D/cut.ingot", "--random-inputs"], 1, ["cut.ingot"]),
    ("an .ingot file with a bit flipped", ["run", "D/flipped.ingot", "--random-inputs"], 1, ["flipped.ingot"]),
]


def limit_memory():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def run(arguments):
    return subprocess.run([INGOT] + arguments, capture_output=True, timeout=SECONDS, preexec_fn=limit_memory)


def check(name, arguments, status, words):
    """What is wrong with the command's answer, or None."""
    try:
        result = run(arguments)
    except subprocess.TimeoutExpired:
        return "ran for more than %d seconds" % SECONDS
    lines = result.stderr.decode(errors="replace").strip().split("\n")
    if result.returncode != status:
        return "exit status %d, not %d: %s" % (result.returncode, status, lines[-1][:300])
    if len(lines) != 1 or not lines[0].startswith("error: "):
        return "not one error line: %r" % lines[:3]
    missing = [word for word in words if word not in lines[0]]
    if missing:
        return "the error does not say %s: %s" % (", ".join(missing), lines[0][:300])
    return None


def write(path, data):
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode("utf-8", "surrogateescape"))


def npy(dimensions, data):
    header = "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }" % (dimensions,)
    header = header.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + data


def main():
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        good = os.path.join(folder, "good.hlo")
        write(good, GOOD)
        write(os.path.join(folder, "huge.hlo"), module("  x = f32[100000000,10000000] parameter(0)\n"
                                                       "  ROOT y = f32[100000000,10000000] negate(x)"))
        write(os.path.join(folder, "wrong.npy"), npy("(3,)", bytes(12)))
        key = "fusion 0123456789abcdef "
        write(os.path.join(folder, "word.txt"), key + "sm_90a\nplan {\n  tile blokcs=4 {}\n}\n")
        write(os.path.join(folder, "empty_plan.txt"), key + "sm_90a\nplan {}\n")
        write(os.path.join(folder, "target.txt"), key + "sm_42\nplan {}\n")
        write(os.path.join(folder, "comment.txt"), "/* " + key + "sm_90a plan {}\n")
        write(os.path.join(folder, "braces.txt"), key + "sm_90a plan " + "{" * 100000)
        compiled = os.path.join(folder, "good.ingot")
        subprocess.run([INGOT, "compile", good, "-o", compiled, "--target=host"], check=True)
        with open(compiled, "rb") as file:
            data = file.read()
        write(os.path.join(folder, "cut.ingot"), data[:len(data) // 2])
        flipped = bytearray(data)
        flipped[len(data) // 2] ^= 4
        write(os.path.join(folder, "flipped.ingot"), bytes(flipped))

        cases = []
        for name, text, words in MODELS:
            path = os.path.join(folder, "case%d" % len(cases))
            os.mkdir(path)
            path = os.path.join(path, "m.hlo")
            write(path, text)
            cases.append((name, ["run", path, "--target=host", "--random-inputs"], 1, words))
        for name, text, words in TOO_LARGE:
            path = os.path.join(folder, "case%d.hlo" % len(cases))
            write(path, text)
            cases.append((name, ["emit", path, "--stage=program", "--target=sm_90a"], 1, words))
        for name, arguments, status, words in COMMANDS:
            arguments = [good if a == "M" else a.replace("=M", "=" + good) for a in arguments]
            arguments = [folder if a == "D" else a.replace("D/", folder + "/") for a in arguments]
            cases.append((name, arguments, status, words))
        before = sorted(os.listdir(folder))
        for name, arguments, status, words in cases:
            wrong = check(name, arguments, status, words)
            print("%s %s%s" % ("FAILED" if wrong else "PASSED", name, ": " + wrong if wrong else ""))
            failures += wrong is not None
        if sorted(os.listdir(folder)) != before:
            print("FAILED files were left behind: %s" % (set(os.listdir(folder)) - set(before)))
            failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
