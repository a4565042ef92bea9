#!/usr/bin/env python3
"""`ingot tune`: on the host, and on a simulated card, whose predictions are the times.  What it writes is a tuning table that
--plans takes without a warning; a run that is ended goes on where it was; what is for another card is refused by name."""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile

INGOT = os.path.abspath("compiler/tools/ingot")
SIMULATED = "--target=sim:sm_90a"
HOST = "--target=host"


def product(rows, depth, columns, element="bf16"):
    return """HloModule m

add {
  a = f32[] parameter(0)
  b = f32[] parameter(1)
  ROOT s = f32[] add(a, b)
}

ENTRY e {
  x = %(t)s[%(m)d,%(k)d] parameter(0)
  y = %(t)s[%(k)d,%(n)d] parameter(1)
  d = %(t)s[%(m)d,%(n)d] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  w = f32[%(m)d,%(n)d] convert(d)
  z = f32[] constant(0)
  ROOT r = f32[%(m)d] reduce(w, z), dimensions={1}, to_apply=add
}
""" % {"m": rows, "k": depth, "n": columns, "t": element}


def run(*arguments, status=0):
    done = subprocess.run([INGOT] + list(arguments), capture_output=True, timeout=300, check=False)
    assert done.returncode == status, (arguments, done.returncode, done.stderr.decode())
    return done.stdout.decode(), done.stderr.decode()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def plans_of(model, target, *more):
    """The text of the plans that are taken, without the reasons; nothing may be warned of."""
    text, errors = run("emit", model, "--stage=plan", target, *more)
    assert errors == "", errors
    return re.sub(r' reason="[^"]*"', "", text)


def keys_of(path):
    return re.findall(r"^// tuned (\w{16}) ", read(path), re.MULTILINE)


def check_simulated(folder):
    models = [write(os.path.join(folder, "m%d.hlo" % i), product(96 + 32 * i, 320, 160)) for i in range(3)]
    table, report = os.path.join(folder, "table.txt"), os.path.join(folder, "report.json")
    out, errors = run("tune", *models, "-o", table, SIMULATED, "--gain=0", "--json=" + report)
    lines = errors.splitlines()
    assert len(lines) == 3, errors
    for i, line in enumerate(lines):
        assert re.fullmatch(r"%d of 3  dot bf16\[%d,320\]·\[320,160\]  \d+ candidates  best [\d.]+ us  "
                            r"chosen [\d.]+ us \([\d.]+\)" % (i + 1, 96 + 32 * i), line), line
    for what, figure in [("fusions", "3"), ("chosen plan within 10 % of the best", r"[0-3] of 3"),
                         ("chosen / best, geometric mean", r"[1-9]\.\d{3}"),
                         ("predictions within 15 % of the clock", r"\d+ of \d+"),
                         ("candidates with wrong results", "0")]:
        assert re.search(r"^%s +%s$" % (re.escape(what), figure), out, re.MULTILINE), (what, out)

    text = read(table)
    assert "// target: sm_90a\n" in text and re.search(r"^// card: .*, simulated$", text, re.MULTILINE), text
    assert len(keys_of(table)) == 3, text
    fusions = json.loads(read(report))["fusions"]
    assert [fusion["key"] for fusion in fusions] == keys_of(table), report
    taken = 0
    for model, fusion in zip(models, fusions):
        candidates = fusion["candidates"]
        assert len(candidates) > 3, fusion
        for candidate in candidates:
            assert candidate["measured_us"] > 0 and candidate["predicted_us"] > 0, candidate
            assert candidate["checked"] and not candidate["wrong"] and not candidate["fault"], candidate
            assert candidate["plan"].startswith("fusion %s sm_90a" % fusion["key"]), candidate
        times = [candidate["measured_us"] for candidate in candidates]
        assert min(times) == times[fusion["best"]], fusion
        # The entry is the best plan, and with it the program is made of that plan, the same each time.
        assert (fusion["best"] != 0) == (candidates[fusion["best"]]["plan"] in text), fusion
        taken += fusion["best"] != 0
        plan = plans_of(model, SIMULATED, "--plans=" + table)
        assert plan == plans_of(model, SIMULATED, "--plans=" + table)
        best = candidates[fusion["best"]]["plan"].split("\n", 1)[1]
        own = candidates[0]["plan"].split("\n", 1)[1]
        assert best in plan and own in plans_of(model, SIMULATED, "--tuned=off"), (best, plan)
    assert taken > 0, "no candidate of any shape is better: choose other shapes"

    # Nothing is measured again unless that is asked for; the file stays as it is.
    out, errors = run("tune", *models, "-o", table, SIMULATED, "--gain=0", "--json=" + report)
    assert errors == "" and re.search(r"^fusions +3, 3 of them before$", out, re.MULTILINE), (out, errors)
    assert read(table) == text and json.loads(read(report))["fusions"] == fusions
    _, errors = run("tune", models[1], "-o", table, SIMULATED, "--gain=0", "--again")
    assert len(errors.splitlines()) == 1 and read(table) == text, errors

    # A plan that wins by less than is asked for is not there, but has been measured.
    strict = os.path.join(folder, "strict.txt")
    run("tune", *models, "-o", strict, SIMULATED, "--gain=1000")
    assert keys_of(strict) == keys_of(table) and "\nfusion " not in read(strict), read(strict)

    # Other fusions than products.
    every = os.path.join(folder, "all.txt")
    _, errors = run("tune", models[0], "-o", every, SIMULATED, "--fusions=all")
    assert len(errors.splitlines()) == 2 and "reduce f32[96]" in errors, errors
    return table, models[0]


def check_ended_run(folder):
    """A run that is ended leaves a file that can be read, and the next run measures the rest."""
    models = [write(os.path.join(folder, "k%d.hlo" % i), product(64, 256 + 64 * i, 64)) for i in range(6)]
    table = os.path.join(folder, "ended.txt")
    with subprocess.Popen([INGOT, "tune", *models, "-o", table, SIMULATED], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE) as process:
        process.stderr.readline()
        process.stderr.readline()
        process.send_signal(signal.SIGKILL)
    before = keys_of(table)
    assert 1 <= len(before) < 6, "ended too late: %d fusions" % len(before)
    plans_of(models[0], SIMULATED, "--plans=" + table)
    _, errors = run("tune", *models, "-o", table, SIMULATED)
    assert len(errors.splitlines()) == 6 - len(before), errors
    assert keys_of(table)[:len(before)] == before and len(keys_of(table)) == 6, read(table)


def check_host(folder, simulated, model):
    table = os.path.join(folder, "host.txt")
    out, errors = run("tune", model, "-o", table, HOST, "--seconds=0.01")
    assert re.fullmatch(r"1 of 1  dot bf16\[96,320\]·\[320,160\]  1 candidate  best .* us  chosen .* us \(1\.00\)\n",
                        errors), errors
    assert re.search(r"^nothing to choose from +1 of 1$", out, re.MULTILINE), out
    # All fusions, on the clock.
    _, errors = run("tune", model, "-o", table, HOST, "--seconds=0.01", "--fusions=all")
    assert errors.startswith("2 of 2  reduce"), errors

    # A table that was measured for something else.
    for arguments in [(simulated, HOST), (table, SIMULATED), (table, HOST, "--numerics=strict")]:
        _, errors = run("tune", model, "-o", *arguments, status=1)
        assert errors.startswith("error: %s: its plans were measured for " % arguments[0]), errors
        assert errors.count("\n") == 1 and "give another file" in errors, errors
    # A program is right without it, and one line says so.
    _, errors = run("run", model, HOST, "--random-inputs", "--compare-with=interpreter", "--plans=" + simulated)
    lines = [line for line in errors.splitlines() if line.startswith(("warning:", "error:"))]
    assert len(lines) == 1 and "for other targets (sm_90a)" in lines[0], errors


def main():
    with tempfile.TemporaryDirectory() as folder:
        table, model = check_simulated(folder)
        check_ended_run(folder)
        check_host(folder, table, model)
    print("PASSED tune")
    return 0


if __name__ == "__main__":
    sys.exit(main())
