"""fuzz_target: a libFuzzer entry point, its corpus as an ordinary test, and the fuzzer itself."""

load("//third_party:copts.bzl", "INGOT_COPTS")

def fuzz_target(name, srcs, deps):
    """Defines NAME_corpus_test and NAME_fuzzer.

    NAME_corpus_test gives each file of corpus/NAME to the entry point once, in every run of the
    tests and with the ordinary compiler.  NAME_fuzzer is built and run by run.sh.

    Args:
      name: also the folder of the corpus, corpus/NAME.
      srcs: with LLVMFuzzerTestOneInput.
      deps: of the sources.
    """
    native.cc_test(
        name = name + "_corpus_test",
        srcs = srcs + ["corpus_main.cc"],
        copts = INGOT_COPTS,
        data = native.glob(["corpus/%s/**" % name]),
        local_defines = ['INGOT_FUZZ_CORPUS=\\"%s/corpus/%s\\"' % (native.package_name(), name)],
        deps = deps + ["@gtest//:gtest_main"],
    )
    native.cc_binary(
        name = name + "_fuzzer",
        testonly = True,
        srcs = srcs,
        copts = INGOT_COPTS,
        linkopts = ["-fsanitize=fuzzer"],
        # manual: g++, which builds all the rest, has no libFuzzer
        tags = [
            "fuzzer",
            "manual",
        ],
        deps = deps,
    )
