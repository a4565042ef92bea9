"""flatbuffer_cc_library: a C++ library of the headers that flatc makes of schemas."""

def flatbuffer_cc_library(name, srcs, flatc_args = [], **kwargs):
    """FILE.fbs becomes FILE_generated.h, included as "path/of/package/FILE_generated.h".

    Args:
      name: of the cc_library.
      srcs: schemas (.fbs), all of this package.
      flatc_args: more arguments for flatc.
      **kwargs: go to the cc_library.
    """
    headers = [src[:-len(".fbs")] + "_generated.h" for src in srcs]
    native.genrule(
        name = name + "_headers",
        srcs = srcs,
        outs = headers,
        cmd = "$(execpath @flatbuffers//:flatc) --cpp --scoped-enums %s -o $(RULEDIR) $(SRCS)" %
              " ".join(flatc_args),
        tools = ["@flatbuffers//:flatc"],
    )
    native.cc_library(
        name = name,
        hdrs = headers,
        deps = ["@flatbuffers//:flatbuffers"],
        **kwargs
    )
