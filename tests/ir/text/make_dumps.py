#!/usr/bin/env python3
"""What XLA makes of HLO modules: needs a Python that has JAX.

  make_dumps.py OUT FILE...    compiles each module for the CPU, and writes for NAME.hlo

     OUT/NAME.before.hlo            the module as XLA dumps it before optimisation: the long form
     OUT/NAME.after.hlo             as XLA dumps it after optimisation: fusions, a schedule
     OUT/NAME.after_short.hlo       the same in the short form
     OUT/NAME.after_shapes.hlo      the same with operand shapes

  make_dumps.py --reprint OUT FILE...   XLA reads each file and prints it to OUT/NAME, in the short form

XLA crashes on some modules.  They are compiled in a process of their own that is started again behind
the one that crashed; what was dumped before the crash stays.  One line on stdout for each file that
gave nothing.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile


def print_forms(hlo, module, stem):
    pathlib.Path(str(stem) + "_short.hlo").write_text(
        module.to_string(hlo.HloPrintOptions.short_parsable()))
    options = hlo.HloPrintOptions()
    options.print_operand_shape = True
    options.print_large_constants = True
    pathlib.Path(str(stem) + "_shapes.hlo").write_text(module.to_string(options))


def compile_all(out, files):
    """In the child process: XLA_FLAGS is set.  Says on stdout what it is at."""
    from jax._src import xla_bridge
    from jax._src.lib import xla_client
    import jaxlib._hlo as hlo

    backend = xla_bridge.get_backend("cpu")
    devices = xla_client.DeviceList(tuple(backend.local_devices()[:1]))
    dumps = out / "xla"
    for file in files:
        print("AT", file, flush=True)
        name = pathlib.Path(file).stem
        shutil.rmtree(dumps, ignore_errors=True)
        module = hlo.hlo_module_from_text(pathlib.Path(file).read_text())
        computation = xla_client.XlaComputation(module.as_serialized_hlo_module_proto())
        mlir = xla_client._xla.mlir.xla_computation_to_mlir_module(computation)
        executable = backend.compile_and_load(mlir, devices, xla_client.CompileOptions())
        print_forms(hlo, executable.hlo_modules()[0], out / (name + ".after"))
        keep_dumps(out, name)


def keep_dumps(out, name):
    for dump in (out / "xla").glob("*_optimizations.txt"):
        stage = "before" if dump.name.endswith("before_optimizations.txt") else "after"
        shutil.copy(dump, out / ("%s.%s.hlo" % (name, stage)))


def make_dumps(out, files):
    out.mkdir(parents=True, exist_ok=True)
    flags = "--xla_dump_to=%s --xla_dump_hlo_as_text" % (out / "xla")
    environment = dict(os.environ, XLA_FLAGS=flags, JAX_PLATFORMS="cpu")
    left = list(files)
    while left:
        child = subprocess.run([sys.executable, __file__, "--compile", str(out)] + left,
                               env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               text=True)
        if child.returncode == 0:
            return
        reached = [line[3:] for line in child.stdout.splitlines() if line.startswith("AT ")]
        if not reached:
            sys.exit("JAX does not start: %s" % sys.executable)
        name = pathlib.Path(reached[-1]).stem
        keep_dumps(out, name)
        if not list(out.glob(name + ".*.hlo")):
            print("XLA gives nothing for", reached[-1])
        left = left[left.index(reached[-1]) + 1:]


def reprint(out, files):
    import jaxlib._hlo as hlo

    out.mkdir(parents=True, exist_ok=True)
    for file in files:
        try:
            module = hlo.hlo_module_from_text(pathlib.Path(file).read_text())
        except Exception as error:  # jaxlib's own type, which has moved between versions
            print(file, "is not read by XLA:", error)
            continue
        (out / pathlib.Path(file).name).write_text(
            module.to_string(hlo.HloPrintOptions.short_parsable()))


def main():
    arguments = sys.argv[1:]
    mode = arguments.pop(0) if arguments and arguments[0].startswith("--") else ""
    if len(arguments) < 2:
        sys.exit(__doc__)
    out = pathlib.Path(arguments[0])
    {"": make_dumps, "--compile": compile_all, "--reprint": reprint}[mode](out, arguments[1:])


if __name__ == "__main__":
    main()
