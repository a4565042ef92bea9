#!/usr/bin/env python3
"""The `ingot` command on machines whose driver is absent, old or broken, by the stub of the driver (tests/runtime/cuda/stub):
each fault is one `error:` line and exit status 1, or of no consequence."""
import os
import subprocess
import sys
import tempfile

INGOT = os.path.abspath("compiler/tools/ingot")
STUB = os.path.abspath("tests/runtime/cuda/stub")
MODEL = """HloModule m

ENTRY e {
  x = f32[300,64] parameter(0)
  y = f32[300,64] exponential(x)
  ROOT t = f32[64,300] transpose(y), dimensions={1,0}
}
"""


def run(arguments, driver=None, rules=None):
    """Exit status, standard output, standard error."""
    environment = {"INGOT_CACHE": "off", "PATH": os.environ.get("PATH", "")}
    # Without a stub no driver at all, also where there is a real one.
    environment["LD_LIBRARY_PATH"] = "%s/%s" % (STUB, driver or "none")
    if rules is not None:
        environment["INGOT_STUB_DRIVER"] = rules
    done = subprocess.run([INGOT] + arguments, capture_output=True, timeout=60, env=environment, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def expect_error(said, *words):
    status, _, errors = said
    assert status == 1 and errors.startswith("error: ") and errors.count("\n") == 1, said
    for word in words:
        assert word in errors, (word, errors)


def main():
    with tempfile.TemporaryDirectory() as folder:
        model = folder + "/m.hlo"
        with open(model, "w", encoding="ascii") as file:
            file.write(MODEL)
        net = folder + "/net.ingot"
        status, _, errors = run(["compile", model, "--target=sm_80,sm_90a", "-o", net])
        assert status == 0, errors
        on_card = ["run", net, "--random-inputs"]
        count = 0

        if not os.path.exists("/dev/nvidiactl"):
            expect_error(run(on_card), "no CUDA driver on this machine", "libcuda.so.1")
            expect_error(run(["run", model, "--target=cuda", "--random-inputs"]), "no CUDA driver on this machine")
            count += 2
        expect_error(run(on_card, "too_old"), "the CUDA driver is too old", "cuGraphLaunch")
        for rules, words in (
            ("cuInit=100", ["the CUDA driver does not start", "is the card visible"]),
            ("cuInit=803", ["the CUDA driver does not start"]),
            ("cuDeviceGetCount=3", ["cuDeviceGetCount"]),
            ("capability=75", ["none of the file's 2 programs runs here", "sm_80: the code is for sm_80, and this card is sm_75"]),
            ("capability=75,version=11080", ["sm_75"]),
            ("cuDevicePrimaryCtxRetain=2", ["cuDevicePrimaryCtxRetain", "CUDA_ERROR_OUT_OF_MEMORY"]),
            ("memory=1000", ["bytes on the card", "CUDA_ERROR_OUT_OF_MEMORY"]),
            ("cuModuleLoadDataEx=209", ["code 'module_0' for sm_90a", "cuModuleLoadDataEx"]),
            ("cuModuleGetFunction=500", ["has no kernel"]),
            ("cuMemAlloc_v2@3=2", ["bytes on the card"]),
            ("cuGraphInstantiateWithFlags=2", ["CUDA_ERROR_OUT_OF_MEMORY"]),
            ("cuGraphLaunch=719", ["the card's context is lost"]),
            ("cuEventSynchronize=700", ["CUDA_ERROR_ILLEGAL_ADDRESS", "the card's context is lost"]),
        ):
            expect_error(run(on_card, "new", rules), *words)
            count += 1
        # What fits runs: on the card that the code is for, and on a later one by its PTX; the driver of 12.0 does too.
        for driver, rules, architecture in (("new", "", "sm_90a"), ("old", "version=12000", "sm_90a"),
                                            ("new", "capability=86", "sm_80 and PTX"), ("new", "capability=100", "sm_80 and PTX")):
            status, said, errors = run(on_card, driver, rules)
            assert status == 0 and errors == "", (rules, errors)
            status, said, errors = run(["targets", net], driver, rules)
            assert said.endswith("runs here, on a card of the stub, by the code for %s\n" % architecture), said
            count += 1
        # The default is the card where it can be used, and the host where not.
        assert "default: cuda" in run(["targets"], "new", "")[1]
        for rules in ("cuInit=100", "cuDevicePrimaryCtxRetain=2"):
            assert "default: host" in run(["targets"], "new", rules)[1]
            status, _, errors = run(["run", model, "--random-inputs", "--compare-with=interpreter"], "new", rules)
            assert status == 0, errors
        print("PASSED", count, "faults")
    return 0


if __name__ == "__main__":
    sys.exit(main())
