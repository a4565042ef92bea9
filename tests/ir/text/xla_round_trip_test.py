#!/usr/bin/env python3
"""HLO text against XLA itself: what XLA prints comes out of ours as it went in, and XLA reads ours.

Needs a Python with JAX: $INGOT_JAX_PYTHON, or python3 when it has it.  `python3 -m venv DIR &&
DIR/bin/pip install jax` makes one.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
ROOT = pathlib.Path(__file__).resolve().parents[3]
SHARED = pathlib.Path(os.environ.get("INGOT_SHARED") or ROOT.parent / "shared")


def skip(reason):
    print("SKIPPED:", reason)
    sys.exit(0)


def find_jax():
    python = os.environ.get("INGOT_JAX_PYTHON") or "python3"
    probe = subprocess.run([python, "-c", "import jax, jaxlib._hlo"], capture_output=True)
    if probe.returncode != 0:
        skip("%s has no JAX; INGOT_JAX_PYTHON names a Python that has" % python)
    return python


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True)


def read_by_xla(python, folder, texts):
    """What XLA prints of each text, by its key; without those that it does not read."""
    folder.mkdir()
    for path, text in texts.items():
        (folder / path.name).write_text(text)
    run(python, HERE / "make_dumps.py", "--reprint", folder / "read", *sorted(folder.glob("*.hlo")))
    read = {path: folder / "read" / path.name for path in texts}
    return {path: printed.read_text() for path, printed in read.items() if printed.exists()}


def main():
    python = find_jax()
    small = sorted((SHARED / "workloads_small").glob("*.hlo"))
    if not small:
        skip("no workloads_small in $INGOT_SHARED or ../shared")
    originals = small + sorted((SHARED / "models").glob("*/*.hlo"))
    reprint = HERE / "reprint"
    findings = []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)

        # What XLA prints, we print.
        made = run(python, HERE / "make_dumps.py", folder / "dumps", *originals)
        notes = made.stdout.splitlines()
        dumps = sorted((folder / "dumps").glob("*.hlo"))
        if len(dumps) < 3 * len(originals):
            findings.append("only %d dumps of %d modules: %s" %
                            (len(dumps), len(originals), made.stderr))
        checked = run(reprint, "--check", *dumps)
        findings += (checked.stdout + checked.stderr).splitlines()

        # What we print, XLA reads, and as the same module, though we print it in another form than it
        # was read in.  Dumps that elide constants say less than their module, so they are left out,
        # and so is text that this version of XLA does not read itself.
        texts = originals + [dump for dump in dumps if dump.stem.endswith(("_short", "_shapes"))]
        theirs = read_by_xla(python, folder / "theirs", {text: text.read_text() for text in texts})
        texts = [text for text in texts if text in theirs]
        if len(texts) < len(originals):
            findings.append("XLA reads only %d texts of its own" % len(texts))
        ours = read_by_xla(python, folder / "ours", {
            text: run(reprint, "--short" if text.stem.endswith("_shapes") else "--long", text).stdout
            for text in texts})
        for text in texts:
            if text not in ours:
                findings.append("%s: XLA does not read what we print" % text.name)
            elif ours[text] != theirs[text]:
                findings.append("%s: XLA reads another module in what we print" % text.name)

    for line in notes + findings:
        print(line)
    print("%d dumps, %d texts given back to XLA, %d found" % (len(dumps), len(texts), len(findings)))
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
