"""A package of many static archives, found and ordered by pkg-config."""

load(
    ":system.bzl",
    "BUILD_HEADER",
    "cc_library_text",
    "find_program",
    "link_archive",
    "output_of",
    "words_of",
)

def _impl(ctx):
    packages = ctx.attr.debian_package
    pkg_config = find_program(ctx, "pkg-config", "pkg-config")

    # One target owns all archives in the one order that pkg-config gives for all modules together;
    # the targets that others name depend on it.  Archives that are not needed cost nothing.
    modules = ctx.attr.modules.values()
    libs = words_of(output_of(ctx, [pkg_config, "--static", "--libs"] + modules, packages))
    own = [module.split("_")[0] for module in modules]
    archives = []
    linkopts = []
    for word in libs:
        if word.startswith("-l") and any([word[2:].startswith(prefix) for prefix in own]):
            archives.append(link_archive(ctx, "lib%s.a" % word[2:], packages))
        elif not word.startswith("-L"):
            linkopts.append(word)
    text = BUILD_HEADER + cc_library_text("archives", srcs = archives, linkopts = linkopts)
    for name in sorted(ctx.attr.modules):
        text += cc_library_text(name, deps = [":archives"])
    for name, module in sorted(ctx.attr.mains.items()):
        archive = link_archive(ctx, "lib%s.a" % module, packages)
        text += cc_library_text(name, srcs = [archive], deps = [":archives"])
    ctx.file("BUILD", text)

pkg_config_libraries = repository_rule(
    implementation = _impl,
    attrs = {
        "debian_package": attr.string(mandatory = True),
        "mains": attr.string_dict(doc = "as modules, but each with its own archive before the others"),
        "modules": attr.string_dict(mandatory = True, doc = "target -> pkg-config module"),
    },
    environ = ["PATH", "PKG_CONFIG_PATH"],
    local = True,
    configure = True,
)
