#!/usr/bin/env python3
"""Files of programs for several targets: weights are there once, each machine runs what fits it, and `ingot targets FILE` says so."""
import os
import re
import subprocess
import sys
import tempfile

INGOT = os.path.abspath("compiler/tools/ingot")
SIZE = 40000
MODEL = """HloModule m

ENTRY e {
  x = f32[%d] parameter(0)
  weights = f32[%d] constant({%s})
  products = f32[%d] multiply(x, weights)
  ROOT s = f32[%d] exponential(products)
}
"""


def run(*arguments, status=0):
    done = subprocess.run([INGOT] + list(arguments), capture_output=True, timeout=60, check=False)
    errors = done.stderr.decode()
    assert done.returncode == status, (arguments, errors)
    return done.stdout.decode(), errors


def compile_for(folder, target):
    path = "%s/%s.ingot" % (folder, target.replace(",", "_"))
    run("compile", folder + "/m.hlo", "--target=" + target, "-o", path)
    return path


def main():
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/m.hlo", "w", encoding="ascii") as file:
            values = ", ".join("%g" % (0.001 * (i % 977)) for i in range(SIZE))
            file.write(MODEL % (SIZE, SIZE, values, SIZE, SIZE))
        several = compile_for(folder, "x86_64-v3,sm_80,sm_86,sm_90a")
        singles = [compile_for(folder, target) for target in ("x86_64-v3", "sm_80", "sm_86", "sm_90a")]
        # The weights once, and little else beside the code.
        assert os.path.getsize(several) < sum(map(os.path.getsize, singles)) - 3 * 4 * SIZE + 40000

        # The newest PTX that later cards can use, and no other.
        text, _ = run("emit", several, "--stage=program")
        lines = re.findall(r"^ +0  module_0 .*$", text, flags=re.MULTILINE)
        assert len(lines) == 4, text
        assert [("PTX" in line) for line in lines] == [False, False, True, False], lines
        assert "PTX" not in run("emit", singles[1], "--stage=program")[0]

        # One program of several runs as it does alone.
        assert run("run", several, "--random-inputs")[0] == run("run", singles[0], "--random-inputs")[0]
        said, _ = run("targets", several, singles[0])
        both = said.splitlines()
        assert len(both) == 2, said
        assert "(x86_64-v3, sm_80, sm_86 and PTX, sm_90a): runs here, on " in both[0], said
        assert both[1].endswith("by the code for x86_64-v3"), said

        # For a card alone: here where there is one, else a sentence that says why not.
        cards = compile_for(folder, "sm_80,sm_90a")
        said, _ = run("targets", cards)
        has_card = "runs here, on" in said
        if not has_card:
            assert "does not run here: " in said and ("driver" in said or "sm_80: " in said), said
            _, errors = run("run", cards, "--random-inputs", status=1)
            assert errors.startswith("error: ") and errors.count("\n") == 1, errors

        for target, words in (("sm_80,sm_80", "twice"), ("sm_80,", "''"), ("sm_80,nothing", "nothing")):
            _, errors = run("compile", folder + "/m.hlo", "--target=" + target, "-o", folder + "/x.ingot",
                            status=2 if words == "twice" else 1)
            assert errors.startswith("error: ") and words in errors, errors
        assert not os.path.exists(folder + "/x.ingot")
        _, errors = run("targets", folder + "/m.hlo", status=1)
        assert "compiled file" in errors, errors
        print("PASSED", "on a card too" if has_card else "without a card")
    return 0


if __name__ == "__main__":
    sys.exit(main())
