"""@llvm: an installed LLVM, found by llvm-config.

:headers, and :static or :shared to link.  Never both in one binary: that is two copies of LLVM's
globals.  Programs link :static; tests link :shared, which takes a moment instead of seconds.
"""

load(":system.bzl", "BUILD_HEADER", "cc_library_text", "missing", "output_of", "words_of")

def _find_llvm_config(ctx):
    major = ctx.attr.major
    named = ctx.os.environ.get("LLVM_CONFIG", "")
    names = ["llvm-config-" + major, "/usr/lib/llvm-%s/bin/llvm-config" % major, "llvm-config"]
    for name in [named] if named else names:
        path = ctx.path(name) if name.startswith("/") else ctx.which(name)
        if path and path.exists:
            return path
    missing(ctx, "llvm-config of LLVM " + major, ctx.attr.debian_package)

def _impl(ctx):
    packages = ctx.attr.debian_package
    config = _find_llvm_config(ctx)
    version = output_of(ctx, [config, "--version"], packages)
    if version.split(".")[0] != ctx.attr.major:
        missing(ctx, "LLVM %s (%s is %s)" % (ctx.attr.major, config, version), packages)
    include = output_of(ctx, [config, "--includedir"], packages)
    lib = output_of(ctx, [config, "--libdir"], packages)
    libs = output_of(ctx, [config, "--link-static", "--libs"] + ctx.attr.components, packages)

    archives = []
    for word in words_of(libs):
        archive = "lib/lib%s.a" % word[2:]
        ctx.symlink("%s/lib%s.a" % (lib, word[2:]), archive)
        archives.append(archive)
    for directory in ["llvm", "llvm-c"]:
        ctx.symlink(include + "/" + directory, "include/" + directory)

    # llvm-config --system-libs also names z3 and xml2.  Of these components one member of
    # LLVMSupport (Z3Solver) refers to z3 and none to xml2; nothing pulls it in.
    system = ["-l:libz.a", "-l:libzstd.a", "-lrt", "-ldl", "-lm", "-lpthread"]
    shared = ["-L" + lib, "-Wl,-rpath," + lib, "-lLLVM-" + ctx.attr.major]
    ctx.file("BUILD", BUILD_HEADER + """cc_library(
    name = "headers",
    hdrs = glob(["include/**"]),
    defines = [
        "_GNU_SOURCE",
        "__STDC_CONSTANT_MACROS",
        "__STDC_FORMAT_MACROS",
        "__STDC_LIMIT_MACROS",
    ],
    includes = ["include"],
)

""" + cc_library_text("static", srcs = archives, deps = [":headers"], linkopts = system) +
                      cc_library_text("shared", deps = [":headers"], linkopts = shared))

llvm_system = repository_rule(
    implementation = _impl,
    attrs = {
        "components": attr.string_list(mandatory = True, doc = "as llvm-config names them"),
        "debian_package": attr.string(mandatory = True),
        "major": attr.string(mandatory = True),
    },
    environ = ["LLVM_CONFIG", "PATH"],
    local = True,
    configure = True,
)
