"""@cuda//:headers: the CUDA toolkit's headers where there is a toolkit, else an empty library.

The drivers and compilers of CUDA are opened at run time and never linked, so that the build does
not depend on them.  INGOT_HAVE_CUDA_HEADERS is defined where the headers are there.
"""

load(":system.bzl", "BUILD_HEADER", "cc_library_text")

def _impl(ctx):
    home = ctx.os.environ.get("CUDA_HOME", "") or "/usr/local/cuda"
    attributes = {}
    if ctx.path(home + "/include/cuda.h").exists:
        ctx.symlink(home + "/include", "include")
        attributes = {
            "defines": ["INGOT_HAVE_CUDA_HEADERS"],
            "hdrs": ["include"],
            "includes": ["include"],
        }
    ctx.file("BUILD", BUILD_HEADER + cc_library_text("headers", **attributes))

cuda_headers = repository_rule(
    implementation = _impl,
    environ = ["CUDA_HOME"],
    local = True,
    configure = True,
)
