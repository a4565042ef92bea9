#!/usr/bin/env python3
"""Times convolutions as PyTorch runs them, to stand beside `ingot bench`.

    cudnn.py time tests/compiler/convolution_shapes.txt --json=cudnn.json [--seconds=300]
    ingot bench convolution_shapes/*.hlo --target=cuda --json=ours.json
    cudnn.py compare ours.json... cudnn.json

The file has one convolution per line: batch, extent, features, result's features, window, stride, padding, groups.
bf16, channels last, cudnn.benchmark: PyTorch measures cuDNN's algorithms and keeps the fastest.  The JSON is an object
of the module's name (tests/compiler/convolution_shapes.h) to microseconds: the smaller of a twentieth of a CUDA graph of
twenty calls (the median of its runs) and of what the profiler says of a call's kernels; of ours, the smaller of `wall_us`
and `commands_us`.  What has been timed is kept: the command goes on where it was ended.
"""
import argparse
import json
import math
import os
import statistics
import time


def shapes(path):
    for line in open(path):
        if line.strip() and not line.startswith("#"):
            yield [int(word) for word in line.split()[:8]]


def name_of(shape, kind):
    batch, extent, inputs, outputs, window, stride, padding, groups = shape
    return f"{batch}x{extent}x{inputs}_{outputs}_w{window}s{stride}p{padding}g{groups}_{kind}"


def time_graph(torch, call):
    """Microseconds of one call; the graph's calls follow one another."""
    calls = 20
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(3):
            call()
    stream.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(calls):
            call()
    times = []
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    graph.replay()
    start = time.time()
    while len(times) < 3 or (len(times) < 15 and time.time() - start < 0.08):
        begin.record()
        graph.replay()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) * 1000 / calls)
    return statistics.median(times)


def time_kernels(torch, call):
    """Microseconds of one call's kernels, by the profiler."""
    calls = 5
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA]) as profile:
        for _ in range(calls):
            call()
        torch.cuda.synchronize()
    return sum(event.self_device_time_total for event in profile.key_averages()) / calls


def time_all(path, into, seconds):
    import torch

    torch.backends.cudnn.benchmark = True
    start = time.time()
    times = json.load(open(into)) if os.path.exists(into) else {}
    backward = torch.ops.aten.convolution_backward
    for shape in shapes(path):
        batch, extent, inputs, outputs, window, stride, padding, groups = shape
        if all(name_of(shape, kind) in times for kind in ("forward", "data", "weights")):
            continue
        if time.time() - start > seconds:
            print("more is to be done")
            return
        out = (extent + 2 * padding - window) // stride + 1

        def random(*sizes):
            values = torch.rand(sizes, device="cuda", dtype=torch.float32) * 2 - 1
            return values.to(torch.bfloat16).contiguous(memory_format=torch.channels_last)

        x, y = random(batch, inputs, extent, extent), random(batch, outputs, out, out)
        w = random(outputs, inputs // groups, window, window)
        rest = [stride, stride], [padding, padding], [1, 1], False, [0, 0], groups
        runs = {
            "forward": lambda: torch.ops.aten.convolution(x, w, None, *rest),
            "data": lambda: backward(y, x, w, None, *rest, [True, False, False]),
            "weights": lambda: backward(y, x, w, None, *rest, [False, True, False]),
        }
        for kind, call in runs.items():
            kernels = time_kernels(torch, call)
            times[name_of(shape, kind)] = min(time_graph(torch, call), kernels if kernels > 0 else math.inf)
        print(*(f"{name_of(shape, kind)} {times[name_of(shape, kind)]:.2f}" for kind in runs), flush=True)
        json.dump(times, open(into, "w"), indent=1)


def compare(ours, theirs):
    ours = {r["model"]: min(r["wall_us"], r["commands_us"]) for path in ours for r in json.load(open(path))["models"]}
    theirs = json.load(open(theirs))
    speeds = {name: theirs[name] / ours[name] for name in theirs if name in ours}
    for name, speed in sorted(speeds.items(), key=lambda each: each[1]):
        print(f"{speed:6.2f}  {name:44} {ours[name]:10.2f} {theirs[name]:10.2f}")
    for kind in ("forward", "data", "weights", ""):
        some = [speed for name, speed in speeds.items() if name.endswith(kind)]
        if not some:
            continue
        mean = math.exp(sum(map(math.log, some)) / len(some))
        print(f"{kind or 'all':8} {len(some):4}  geometric mean {mean:.3f}  least {min(some):.2f}  "
              f"under 0.5: {sum(speed < 0.5 for speed in some)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("time")
    verb.add_argument("shapes")
    verb.add_argument("--json", required=True)
    verb.add_argument("--seconds", type=float, default=1e9)
    verb = verbs.add_parser("compare")
    verb.add_argument("ours", nargs="+")
    verb.add_argument("theirs")
    given = parser.parse_args()
    if given.verb == "time":
        time_all(given.shapes, given.json, given.seconds)
    else:
        compare(given.ours, given.theirs)


if __name__ == "__main__":
    main()
