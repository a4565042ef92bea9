#!/usr/bin/env python3
"""Do predictions order plans as the clock does?  Of pairs of plans for one fusion whose times differ by more than 15 %,
counts those that `ingot bench --target=sim:sm_90a` puts in the right order.

  plan_pairs.py predict --ingot=I --plans=PLANS.json MODEL...    without a card: the tile plans of every large fusion
  plan_pairs.py measure --ingot=I --plans=PLANS.json --times=TIMES.json [--limit=SECONDS] MODEL...    on the card
  plan_pairs.py judge --plans=PLANS.json --times=TIMES.json

PLANS.json holds the plans themselves, so the card runs what was predicted.  A run of ingot takes one plan of each model,
so the plans of a model are spread over the whole time.  Runs that have not begun within the limit are left out."""
import argparse
import itertools
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time

DIFFERENCE = 1.15
PAIRS = 40
PAIRS_OF_A_FUSION = 6
SEED = 1


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def write_json(path, value):
    write(path, json.dumps(value, indent=1) + "\n")


def model_name(path):
    return os.path.splitext(os.path.basename(path))[0]


def tile_plans(ingot, model):
    """The candidates of a model's fusions that are tiles, as entries of a tuning table."""
    command = [ingot, "emit", model, "--stage=plan", "--candidates", "--target=sm_90a"]
    text = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode()
    plans = []
    for part in re.split(r"^// candidate ", text, flags=re.MULTILINE)[1:]:
        header, entry = part.split("\n", 1)
        if re.search(r"^  tile ", entry, re.MULTILINE):
            kernel = re.match(r"fusion \w+ \w+  // (\S+)", entry)[1]
            name = "%s %s %s" % (model_name(model), kernel, header.split()[0])
            plans.append({"name": name, "model": model_name(model), "kernel": kernel, "entry": entry.strip() + "\n"})
    return plans


def bench(ingot, models, target, plans):
    """What `ingot bench` says of each model, by name; `plans` are its tuning table.  Says what fails and leaves it out."""
    with tempfile.TemporaryDirectory() as folder:
        table = write(os.path.join(folder, "plans.txt"), "\n".join(plan["entry"] for plan in plans))
        out = os.path.join(folder, "out.json")
        command = [ingot, "bench", *models, "--target=" + target, "--plans=" + table, "--json=" + out]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        errors = done.stderr.decode()
        if done.returncode == 0 and "warning:" not in errors:
            return {result["model"]: result for result in read_json(out)["models"]}
    if len(models) == 1:
        print("%s: %s" % (plans[0]["name"], errors.strip()), file=sys.stderr)
        return {}
    results = {}
    for model in models:
        results.update(bench(ingot, [model], target, [plan for plan in plans if plan["model"] == model_name(model)]))
    return results


def bench_each(ingot, models, target, plans, limit):
    """A plan and what `ingot bench` says of its model with it, for each plan whose turn comes within the limit."""
    paths = {model_name(model): model for model in models}
    of_model = {}
    for plan in plans:
        if plan["model"] in paths:
            of_model.setdefault(plan["model"], []).append(plan)
    start = time.monotonic()
    for turn in itertools.zip_longest(*of_model.values()):
        if time.monotonic() - start > limit:
            return
        turn = [plan for plan in turn if plan]
        results = bench(ingot, [paths[plan["model"]] for plan in turn], target, turn)
        for plan in turn:
            if plan["model"] in results:
                yield plan, results[plan["model"]]


def predict(args):
    plans = []
    for plan, result in bench_each(args.ingot, args.models, "sim:sm_90a",
                                   [plan for model in args.models for plan in tile_plans(args.ingot, model)], args.limit):
        kernels = [row for row in result["per_kernel"] if re.fullmatch(plan["kernel"] + r"(_part\d+)?", row["kernel"])]
        # What a small part of a model does is lost in the time of the whole.
        if sum(row["predicted_us"] for row in kernels) > result["predicted_us"] / 2:
            plan["predicted_us"] = result["predicted_us"]
            plan["kernels"] = kernels
            plans.append(plan)
    write_json(args.plans, plans)
    print("%d plans predicted" % len(plans))


def measure(args):
    plans = read_json(args.plans)
    random.Random(SEED).shuffle(plans)
    times = {}
    for plan, result in bench_each(args.ingot, args.models, "cuda", plans, args.limit):
        times[plan["name"]] = result["wall_us"]
        write_json(args.times, times)
    print("%d of %d plans measured" % (len(times), len(plans)))


def different_pairs(plans):
    """Pairs of plans for one fusion whose times differ, in a random order that is always the same."""
    pairs = [(a, b) for a, b in itertools.combinations(plans, 2)
             if (a["model"], a["kernel"]) == (b["model"], b["kernel"])
             and max(a["us"], b["us"]) > DIFFERENCE * min(a["us"], b["us"])]
    random.Random(SEED).shuffle(pairs)
    return pairs


def draw(pairs):
    """The first pairs, so many of a fusion at the most."""
    drawn = []
    of_fusion = {}
    for pair in pairs:
        fusion = (pair[0]["model"], pair[0]["kernel"])
        of_fusion[fusion] = of_fusion.get(fusion, 0) + 1
        if of_fusion[fusion] <= PAIRS_OF_A_FUSION and len(drawn) < PAIRS:
            drawn.append(pair)
    return drawn


def is_right(pair):
    a, b = pair
    return (a["us"] < b["us"]) == (a["predicted_us"] < b["predicted_us"]) and a["predicted_us"] != b["predicted_us"]


def judge(args):
    times = read_json(args.times)
    plans = [plan for plan in read_json(args.plans) if plan["name"] in times]
    for plan in sorted(plans, key=lambda plan: (plan["model"], plan["kernel"], times[plan["name"]])):
        plan["us"] = times[plan["name"]]
        print("%-44s measured %9.1f us, predicted %9.1f us" % (plan["name"], plan["us"], plan["predicted_us"]))
    pairs = different_pairs(plans)
    drawn = draw(pairs)
    for title, some in ("all pairs", pairs), ("drawn pairs", drawn):
        print("%s that differ by more than %.0f %%: %d of %d in the right order" %
              (title, 100 * (DIFFERENCE - 1), sum(map(is_right, some)), len(some)))
    if len(drawn) < PAIRS:
        print("fewer than %d pairs differ: add models" % PAIRS)
    for a, b in drawn:
        if not is_right((a, b)):
            print("WRONG %s and %s: measured %.1f and %.1f us, predicted %.1f and %.1f us" %
                  (a["name"], b["name"], a["us"], b["us"], a["predicted_us"], b["predicted_us"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=["predict", "measure", "judge"])
    parser.add_argument("models", nargs="*")
    parser.add_argument("--ingot")
    parser.add_argument("--plans", required=True)
    parser.add_argument("--times")
    parser.add_argument("--limit", type=float, default=float("inf"))
    args = parser.parse_intermixed_args()
    {"predict": predict, "measure": measure, "judge": judge}[args.step](args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
