#!/usr/bin/env python3
"""plan_pairs.py without a card: plans are found and predicted, each is run as itself, and pairs are judged by the times."""
import json
import os
import stat
import subprocess
import sys
import tempfile

INGOT = os.path.abspath("compiler/tools/ingot")
SCRIPT = os.path.abspath("tests/device/plan_pairs.py")
MODEL = """HloModule %s

add {
  a = f32[] parameter(0)
  b = f32[] parameter(1)
  ROOT s = f32[] add(a, b)
}

ENTRY main {
  x = f32[%d,128] parameter(0)
  zero = f32[] constant(0)
  ROOT sums = f32[128] reduce(x, zero), dimensions={0}, to_apply=add
}
"""
# Runs one model at a time only, in as many microseconds as its plan has letters.
CARD = """#!/usr/bin/env python3
import json, os, sys
models = [word for word in sys.argv[2:] if not word.startswith("--")]
options = dict(word[2:].split("=", 1) for word in sys.argv[2:] if word.startswith("--"))
assert sys.argv[1] == "bench" and options["target"] == "cuda", sys.argv
if len(models) > 1:
    sys.exit("error: out of memory")
name = os.path.basename(models[0])[:-len(".hlo")]
time = len(open(options["plans"]).read())
json.dump({"models": [{"model": name, "wall_us": time}]}, open(options["json"], "w"))
"""


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return path


def read_json(path):
    with open(path, encoding="ascii") as file:
        return json.load(file)


def run(step, *arguments):
    done = subprocess.run([sys.executable, SCRIPT, step, *arguments], stdout=subprocess.PIPE, timeout=100, check=True)
    return done.stdout.decode()


def judge(folder, plans, times):
    """How many pairs differ, and how many of them are in the right order."""
    write(os.path.join(folder, "judged.json"), json.dumps(times))
    text = run("judge", "--plans=" + plans, "--times=" + os.path.join(folder, "judged.json"))
    right, count = text.split("all pairs that differ by more than 15 %: ")[1].split(" in the right order")[0].split(" of ")
    return int(count), int(right)


def main():
    with tempfile.TemporaryDirectory() as folder:
        models = [write(os.path.join(folder, name + ".hlo"), MODEL % (name, rows)) for name, rows in (("a", 20000), ("b", 30000))]
        plans = os.path.join(folder, "plans.json")
        times = os.path.join(folder, "times.json")
        run("predict", "--ingot=" + INGOT, "--plans=" + plans, *models)
        predicted = {plan["name"]: plan["predicted_us"] for plan in read_json(plans)}
        assert len(predicted) > 6 and all("  tile " in plan["entry"] for plan in read_json(plans)), predicted

        card = write(os.path.join(folder, "card"), CARD)
        os.chmod(card, stat.S_IRWXU)
        said = run("measure", "--ingot=" + card, "--plans=" + plans, "--times=" + times, *models)
        assert said == "%d of %d plans measured\n" % (len(predicted), len(predicted)), said
        assert read_json(times) == {plan["name"]: len(plan["entry"]) for plan in read_json(plans)}

        count, right = judge(folder, plans, predicted)
        assert 0 < count == right, (count, right)
        count, right = judge(folder, plans, {name: 1e6 / time for name, time in predicted.items()})
        assert count > 0 == right, (count, right)
    print("PASSED plan_pairs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
