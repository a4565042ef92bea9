#!/usr/bin/env python3
"""`ingot emit --stage=plan` prints tables that --plans reads: what it prints is taken, what does not fit is refused by name in
one `warning:` line, and a compiled file records the table."""
import os
import re
import subprocess
import sys
import tempfile

INGOT = os.path.abspath("compiler/tools/ingot")
TARGET = "--target=sim:sm_90a"
MODEL = """HloModule m

add {
  x = f32[] parameter(0)
  y = f32[] parameter(1)
  ROOT r = f32[] add(x, y)
}

ENTRY e {
  x = f32[300,64] parameter(0)
  z = f32[] constant(0)
  ROOT s = f32[300] reduce(x, z), dimensions={1}, to_apply=add
}
"""


def run(*arguments):
    done = subprocess.run([INGOT] + list(arguments), capture_output=True, timeout=60, check=True)
    return done.stdout.decode(), done.stderr.decode()


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return path


def main():
    with tempfile.TemporaryDirectory() as folder:
        model = write(os.path.join(folder, "m.hlo"), MODEL)
        table = os.path.join(folder, "plans.txt")
        plan, errors = run("emit", model, "--stage=plan", TARGET)
        assert errors == "", errors
        candidates, _ = run("emit", model, "--stage=plan", "--candidates", TARGET)
        entries = re.split(r"^// candidate .*\n", candidates, flags=re.MULTILINE)[1:]
        assert len(entries) > 3 and entries[0].strip() == plan.strip(), candidates

        kernels = set()
        for entry in entries:
            write(table, entry)
            taken, errors = run("emit", model, "--stage=plan", "--plans=" + table, TARGET)
            assert errors == "", errors
            without_reason = re.sub(r'reason="from .*?:1:1" ', "", taken)
            assert without_reason.strip() == entry.strip(), (taken, entry)
            kernel, _ = run("emit", model, "--stage=kernel", "--plans=" + table, TARGET)
            kernels.add(kernel)
        assert len(kernels) > 3, len(kernels)

        write(table, plan.replace("size=300", "size=301"))
        plain, _ = run("emit", model, "--stage=kernel", TARGET)
        refused, errors = run("emit", model, "--stage=kernel", "--plans=" + table, TARGET)
        lines = errors.splitlines()
        assert refused == plain and len(lines) == 1, errors
        assert lines[0].startswith("warning: the plan from %s:1:1: kernel 0: class d0: size=301; the fusion's is 300" % table), errors

        compiled = os.path.join(folder, "m.ingot")
        write(table, plan)
        run("compile", model, "-o", compiled, "--plans=" + table, TARGET)
        program, _ = run("emit", compiled, "--stage=program")
        assert re.search(r"numerics=default plans=[0-9a-f]{16}", program), program
    print("PASSED plans")
    return 0


if __name__ == "__main__":
    sys.exit(main())
