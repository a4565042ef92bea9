#!/usr/bin/env python3
"""`ingot run --profile --trace`: the same table on the host and on a card, which the stub of the driver stands in for."""
import json
import os
import subprocess
import sys
import tempfile

INGOT = os.path.abspath("compiler/tools/ingot")
STUB = os.path.abspath("tests/runtime/cuda/stub/new")
MODEL = """HloModule m

add {
  a = f32[] parameter(0)
  b = f32[] parameter(1)
  ROOT s = f32[] add(a, b)
}

ENTRY e {
  x = f32[300,64] parameter(0)
  zero = f32[] constant(0)
  y = f32[300,64] exponential(x)
  sums = f32[300] reduce(y, zero), dimensions={1}, to_apply=add
  wide = f32[300,64] broadcast(sums), dimensions={0}
  ROOT t = f32[64,300] transpose(wide), dimensions={1,0}
}
"""


def run(*arguments):
    environment = {"INGOT_CACHE": "off", "LD_LIBRARY_PATH": STUB, "PATH": os.environ.get("PATH", "")}
    done = subprocess.run([INGOT] + list(arguments), capture_output=True, timeout=100, env=environment, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def check(model, trace, target):
    text = run("run", model, "--random-inputs", "--profile", "--trace=" + trace, "--target=" + target)
    lines = text.splitlines()
    header = next(i for i, line in enumerate(lines) if line.startswith("command"))
    assert lines[header].split() == ["command", "kernel", "runs", "us", "%", "floor", "us", "x", "floor", "GB/s", "GFLOP/s"], text
    end = next(i for i, line in enumerate(lines) if " one by one, " in line)
    rows = [line.split() for line in lines[header + 1:end]]
    assert rows and all(len(row) == 9 for row in rows), text
    times = [float(row[3]) for row in rows]
    assert times == sorted(times, reverse=True), text
    assert abs(sum(float(row[4]) for row in rows) - 100) < 0.1 * len(rows) + 0.1, text
    assert all(float(row[5]) > 0 for row in rows), text
    assert lines[end + 1].startswith("an ordinary run takes "), text
    assert "  arena of " in lines[end + 2], text
    with open(trace, encoding="utf-8") as file:
        events = [event for event in json.load(file)["traceEvents"] if event["ph"] == "X"]
    assert sorted(event["name"] for event in events) == sorted(row[0] for row in rows), text
    assert all(event["dur"] >= 0 and event["ts"] >= 0 for event in events)
    starts = [event["ts"] for event in events]
    assert starts == sorted(starts)


def main():
    with tempfile.TemporaryDirectory() as folder:
        model = folder + "/m.hlo"
        with open(model, "w", encoding="ascii") as file:
            file.write(MODEL)
        for target in ("host", "cuda"):
            check(model, folder + "/trace.json", target)
            print("PASSED", target)
        # A compiled file says no names of what is in its arena.
        run("compile", model, "--target=host", "-o", folder + "/m.ingot")
        text = run("run", folder + "/m.ingot", "--random-inputs", "--profile")
        assert "  arena of " in text and "one by one" in text, text
    return 0


if __name__ == "__main__":
    sys.exit(main())
