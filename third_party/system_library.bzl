"""A library of one header and some static archives, in the system's own directories."""

load(
    ":system.bzl",
    "BUILD_HEADER",
    "cc_library_text",
    "find_program",
    "link_archive",
    "require_header",
)

def _impl(ctx):
    packages = ctx.attr.debian_package
    require_header(ctx, ctx.attr.header, packages)
    archives = [link_archive(ctx, archive, packages) for archive in ctx.attr.archives]
    text = BUILD_HEADER + cc_library_text(ctx.name, srcs = archives, linkopts = ctx.attr.linkopts)
    for tool in ctx.attr.tools:
        ctx.symlink(find_program(ctx, tool, packages), "bin/" + tool)
        text += "\nfilegroup(name = %r, srcs = [%r])\n" % (tool, "bin/" + tool)
    ctx.file("BUILD", text)

system_library = repository_rule(
    implementation = _impl,
    doc = "Defines @NAME//:NAME, and a filegroup for each tool.",
    attrs = {
        "archives": attr.string_list(doc = "file names, libNAME.a"),
        "debian_package": attr.string(mandatory = True),
        "header": attr.string(mandatory = True, doc = "a header that shows the package is there"),
        "linkopts": attr.string_list(),
        "tools": attr.string_list(doc = "programs of the package that the build runs"),
    },
    environ = ["PATH"],
    local = True,
    configure = True,
)
