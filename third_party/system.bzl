"""What the repository rules here share: finding programs, headers and archives of the system."""

def missing(ctx, what, packages):
    """Stops the build with one line that says what to install."""
    fail("@%s: %s not found; on Debian 12: apt-get install %s" % (ctx.name, what, packages))

def find_program(ctx, name, packages):
    path = ctx.which(name)
    if not path:
        missing(ctx, "the program " + name, packages)
    return path

def require_header(ctx, header, packages):
    for root in ["/usr/include/", "/usr/local/include/"]:
        if ctx.path(root + header).exists:
            return
    missing(ctx, "the header " + header, packages)

def output_of(ctx, argv, packages):
    """Standard output of a program, which has to succeed."""
    argv = [str(a) for a in argv]
    result = ctx.execute(argv)
    if result.return_code != 0:
        missing(ctx, "`%s` failed: %s" % (" ".join(argv), result.stderr.strip()), packages)
    return result.stdout.strip()

def words_of(text):
    return [w for w in text.replace("\n", " ").split(" ") if w]

def link_archive(ctx, archive, packages):
    """Symlinks libNAME.a into the repository and returns its path there.

    As a source of a cc_library an archive is an input that Bazel hashes.  A library that is only
    named in linkopts is none: nothing is linked again when it changes.
    """
    path = output_of(ctx, [find_program(ctx, "g++", "g++"), "-print-file-name=" + archive], "g++")
    if "/" not in path:
        missing(ctx, "the static library " + archive, packages)
    ctx.symlink(path, "lib/" + archive)
    return "lib/" + archive

def cc_library_text(name, **attributes):
    lines = ["    %s = %r," % (k, v) for k, v in sorted(attributes.items())]
    return "\n".join(["cc_library(", "    name = %r," % name] + lines + [")", ""])

BUILD_HEADER = 'package(default_visibility = ["//visibility:public"])\n\n'
