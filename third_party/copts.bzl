"""Compiler options of all our own C++ code."""

INGOT_COPTS = [
    "-Wall",
    "-Wextra",
    "-Werror",
    # A new enumerator has to name each switch that misses it, even where warnings are relaxed.
    "-Werror=switch",
    "-fno-exceptions",
    "-fno-rtti",
    # The evaluator and the compiled code must give the same bits.
    "-ffp-contract=off",
]
