#!/usr/bin/env python3
"""The `ingot` command's cache of compiled code: which folder it is, what it keeps, and that nothing about it is ever an error."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

INGOT = os.path.abspath("compiler/tools/ingot")
MODEL = """HloModule m

ENTRY e {
  x = f32[300,64] parameter(0)
  ROOT s = f32[300,64] exponential(x)
}
"""


def run(folder, environment, *arguments, program=INGOT):
    """Standard error of `ingot compile` (of other arguments, if they are given) with these variables and no other ones."""
    arguments = arguments or ("compile", folder + "/m.hlo", "--target=x86_64-v3", "-o", folder + "/m.ingot", "--time")
    done = subprocess.run([program] + list(arguments), capture_output=True, timeout=60, env=environment, check=False)
    errors = done.stderr.decode()
    assert done.returncode == 0, errors
    return errors


def was_found(errors):
    phases = re.findall(r"^([a-z ]+?) +[0-9.]+ ms$", errors, flags=re.MULTILINE)
    assert phases, errors
    return phases == ["cache", "total"]


def entries(folder):
    return sorted(name for name in os.listdir(folder) if name.endswith(".entry")) if os.path.isdir(folder) else []


def check_folders(folder):
    def folder_of(environment):
        before = {path for path, _, _ in os.walk(folder)}
        errors = run(folder, environment)
        assert not was_found(errors) and "warning" not in errors, errors
        assert was_found(run(folder, environment)) == bool({path for path, _, _ in os.walk(folder)} - before), environment
        return [os.path.relpath(path, folder) for path, _, _ in os.walk(folder) if path not in before and entries(path)]

    assert folder_of({"INGOT_CACHE": folder + "/a/b", "HOME": folder + "/home"}) == ["a/b"]
    assert folder_of({"XDG_CACHE_HOME": folder + "/xdg", "HOME": folder + "/home"}) == ["xdg/ingot"]
    assert folder_of({"HOME": folder + "/home"}) == ["home/.cache/ingot"]
    assert folder_of({"XDG_CACHE_HOME": "relative", "HOME": folder + "/home2"}) == ["home2/.cache/ingot"]
    for environment in ({"INGOT_CACHE": "off", "HOME": folder + "/home3"}, {"INGOT_CACHE": "", "HOME": folder + "/home3"}, {}):
        assert folder_of(environment) == []


def check_unusable(folder):
    """One warning where the user named the folder, silence elsewhere."""
    taken = folder + "/file"
    with open(taken, "w", encoding="ascii") as file:
        file.write("here")
    for path in (taken, taken + "/below", "/proc/nothing"):
        errors = run(folder, {"INGOT_CACHE": path})
        assert errors.count("warning:") == 1 and path in errors and not was_found(errors), errors
        assert "warning" not in run(folder, {"XDG_CACHE_HOME": path})
    for limit in ("none", "-1", "0", "99999999999999999999"):
        errors = run(folder, {"INGOT_CACHE": folder + "/limit" + limit, "INGOT_CACHE_MB": limit})
        assert errors.count("warning:") == 1 and limit in errors, errors


def check_other_compiler(folder):
    """Another compiler, which is one of another build ID, finds nothing that this one kept."""
    environment = {"INGOT_CACHE": folder + "/versions"}
    run(folder, environment)
    assert was_found(run(folder, environment))
    with open(INGOT, "rb") as file:
        program = file.read()
    note = program.index(b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0") + 16
    other = folder + "/other"
    with open(other, "wb") as file:
        file.write(program[:note] + bytes([program[note] ^ 1]) + program[note + 1:])
    os.chmod(other, 0o755)
    assert not was_found(run(folder, environment, program=other))
    assert was_found(run(folder, environment, program=other)) and was_found(run(folder, environment))
    os.remove(other)


def check_verbs(folder):
    """What runs from the cache is what was compiled; bench measures compilation, so it asks no cache."""
    cache = folder + "/verbs"
    environment = {"INGOT_CACHE": cache}
    arguments = ("run", folder + "/m.hlo", "--target=host", "--random-inputs", "--compare-with=interpreter")
    run(folder, environment, *arguments)
    kept = entries(cache)
    assert kept
    run(folder, environment, *arguments)
    assert entries(cache) == kept
    run(folder, {"INGOT_CACHE": folder + "/bench"}, "bench", folder + "/m.hlo", "--target=host")
    assert not entries(folder + "/bench")


def check_many_at_once(folder):
    environment = {"INGOT_CACHE": folder + "/many"}
    commands = [[INGOT, "compile", folder + "/m.hlo", "--target=x86_64-v3", "-o", "%s/m%d.ingot" % (folder, i)] for i in range(8)]
    running = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) for command in commands]
    for process in running:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0 and errors == b"", errors
    files = [open("%s/m%d.ingot" % (folder, i), "rb").read() for i in range(8)]
    assert all(file == files[0] for file in files)
    assert all(name.endswith(".entry") for name in os.listdir(environment["INGOT_CACHE"]))


def main():
    folder = tempfile.mkdtemp()
    try:
        with open(folder + "/m.hlo", "w", encoding="ascii") as file:
            file.write(MODEL)
        for check in (check_folders, check_unusable, check_other_compiler, check_verbs, check_many_at_once):
            check(folder)
            print("PASSED", check.__name__)
    finally:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
