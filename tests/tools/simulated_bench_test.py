#!/usr/bin/env python3
"""`ingot bench --target=sim:...` on machines without a card: its table and its JSON."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

INGOT = os.path.abspath("compiler/tools/ingot")

# 1,048,576 elements of f32: one kernel that reads two arrays and writes one, every byte used.
ADD = """HloModule add
ENTRY e {
  x = f32[1024,1024] parameter(0)
  y = f32[1024,1024] parameter(1)
  ROOT z = f32[1024,1024] add(x, y)
}
"""
# A short copy, which is the driver's: no kernel.
COPY = """HloModule copy
ENTRY e {
  ROOT x = f32[256,256] parameter(0)
}
"""
# One result of 16 M elements, by two kernels: what they move is known of both.
SUM = """HloModule sum
add {
  a = f32[] parameter(0)
  b = f32[] parameter(1)
  ROOT s = f32[] add(a, b)
}
ENTRY e {
  x = f32[16777216] parameter(0)
  zero = f32[] constant(0)
  ROOT y = f32[] reduce(x, zero), dimensions={0}, to_apply=add
}
"""
# Two kernels: sums of columns, which depend on one another or do not.
TWO = """HloModule two
add {
  a = f32[] parameter(0)
  b = f32[] parameter(1)
  ROOT s = f32[] add(a, b)
}
ENTRY e {
  x = f32[64,1024] parameter(0)
  y = f32[16,64] parameter(1)
  zero = f32[] constant(0)
  p = f32[64] reduce(x, zero), dimensions={1}, to_apply=add
  both = f32[16,64] broadcast(p), dimensions={1}
  q = f32[16] reduce(%s, zero), dimensions={1}, to_apply=add
  ROOT r = (f32[64], f32[16]) tuple(p, q)
}
"""
# Rows of bf16 that share a scale of f32, and after it one more.
SCALED = """HloModule scaled
add {
  a = f32[] parameter(0)
  b = f32[] parameter(1)
  ROOT s = f32[] add(a, b)
}
ENTRY e {
  x = bf16[8192,4096] parameter(0)
  scale = f32[4096] parameter(1)
  shift = f32[4096] parameter(2)
  wide = f32[8192,4096] convert(x)
  zero = f32[] constant(0)
  sum = f32[8192] reduce(wide, zero), dimensions={1}, to_apply=add
  sums = f32[8192,4096] broadcast(sum), dimensions={0}
  centred = f32[8192,4096] subtract(wide, sums)
  scales = f32[8192,4096] broadcast(scale), dimensions={1}
  scaled = f32[8192,4096] multiply(centred, scales)
  shifts = f32[8192,4096] broadcast(shift), dimensions={1}
  shifted = f32[8192,4096] add(scaled, shifts)
  ROOT y = bf16[8192,4096] convert(%s)
}
"""
# A product whose blocks are clusters of four, of which there are two: each is sampled once.
CLUSTERS = """HloModule clusters
ENTRY e {
  x = bf16[96,320] parameter(0)
  y = bf16[320,160] parameter(1)
  ROOT d = bf16[96,160] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}
}
"""
FIELDS = ["kernels", "moved", "asked", "used_loads", "used_stores", "bytes_in_flight",
          "issue_slots", "predicted_us", "floor_us"]


def run(*arguments):
    return subprocess.run([INGOT, "bench", *arguments], capture_output=True, text=True)


def bench(text, folder):
    path, out = pathlib.Path(folder, "model.hlo"), pathlib.Path(folder, "model.json")
    path.write_text(text)
    done = run(str(path), "--target=sim:sm_90a", "--json=%s" % out)
    check(done.returncode == 0, "bench fails:", done.stderr)
    return json.loads(out.read_text())["models"][0]


def check(condition, what, *shown):
    if not condition:
        print("FAILED:", what, *shown)
        sys.exit(1)


def near(value, expected, what):
    check(abs(value - expected) <= 1e-9 * expected, what, value, "instead of", expected)


def main():
    with tempfile.TemporaryDirectory() as folder:
        add, copy = pathlib.Path(folder, "add.hlo"), pathlib.Path(folder, "copy.hlo")
        out = pathlib.Path(folder, "out.json")
        add.write_text(ADD)
        copy.write_text(COPY)
        done = run(str(add), str(copy), "--target=sim:sm_90a", "--json=%s" % out)
        check(done.returncode == 0, "bench fails:", done.stderr)
        check(done.stdout.count("\n") >= 6, "the table is too short:", done.stdout)
        report = json.loads(out.read_text())
        check(report["target"] == "sim:sm_90a", "target", report)
        check([model["model"] for model in report["models"]] == ["add", "copy"], "models", report)

        model = report["models"][0]
        check(len(model["per_kernel"]) == 1, "kernels", model)
        for entry in [model, model["per_kernel"][0]]:
            check(all(field in entry for field in FIELDS), "fields", entry)
            check(entry["kernels"] == 1, "kernels", entry)
            near(entry["moved"], 1, "moved")
            near(entry["asked"], 1, "asked")
            near(entry["used_loads"], 1, "used_loads")
            near(entry["used_stores"], 1, "used_stores")
            near(entry["floor_us"], 12 * 2**20 / 4240e3, "floor_us")
            check(entry["bytes_in_flight"] > 0, "bytes_in_flight", entry)
            # An add, a third of three 16-byte accesses, and a share of the index.
            check(1.5 < entry["issue_slots"] < 10, "issue_slots", entry)
            check(entry["predicted_us"] > entry["floor_us"], "predicted_us", entry)

        moved = report["models"][1]
        check(moved["kernels"] == 0, "a copy is no kernel", moved)
        near(moved["moved"], 1, "moved")

        model = bench(SUM, folder)
        check(model["kernels"] == 2, "the sum is split", model)
        check(1 <= model["moved"] < 1.01, "moved by two kernels", model)
        arena = model["arena"]
        check(arena["bytes"] >= arena["peak_bytes"] > 0, "the parts of the sum", arena)
        check("scratch" in arena["at_peak"][0]["value"], "the parts of the sum", arena)

        model = bench(CLUSTERS, folder)
        check(model["kernels"] == 1 and model["predicted_us"] > 0, "clusters are simulated", model)

        # A row alone would ask for 2 and 3 times its bytes.
        for result in ["scaled", "shifted"]:
            model = bench(SCALED % result, folder)
            check(model["kernels"] == 1, "rows are one kernel", model)
            check(model["asked"] <= 1.51, "rows share what they load:", result, model)

        for operand, overlaps in [("y", True), ("both", False)]:
            model = bench(TWO % operand, folder)
            kernels = sum(kernel["predicted_us"] for kernel in model["per_kernel"])
            check(model["kernels"] == 2 and (model["predicted_us"] < 0.9 * kernels) == overlaps,
                  "launches overlap where kernels have nothing in common:", operand, model)

        for target in ["sim:x86_64-v3", "sim:sm_12", "sim:"]:
            done = run(str(add), "--target=%s" % target)
            check(done.returncode == 1 and done.stderr.startswith("error: "),
                  target, "is refused:", done.returncode, done.stderr)
    print("ok")


if __name__ == "__main__":
    main()
