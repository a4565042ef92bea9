#!/usr/bin/env python3
"""Fits the polynomials of this folder and prints coefficients.h.

    python3 compiler/lower/math/fit.py > compiler/lower/math/coefficients.h

Needs mpmath (PyPI).  Each row of FITS below is a function, an interval, and the weight that turns the error of the
polynomial into the relative error of the function that uses it.  The fit is Remez' exchange on a grid, in 200-bit
arithmetic, with the least degree that reaches the row's target.  The first coefficients, those whose rounding would
matter, are rounded to the type one after another and the rest fitted anew; the others are then rounded together.
"""

from mpmath import asin, asinh, atan, atanh, cos, cosh, erf, erfc, exp, expm1, floor, inf
from mpmath import log, log1p, lu_solve, matrix, mp, mpf, pi, sin, sinh, sqrt, tan, tanh

mp.prec = 200

REFITTED = 3  # coefficients rounded one by one
TARGET = {32: mpf(2) ** -29, 64: mpf(2) ** -60}
PRECISION = {32: 24, 64: 53}


def rounded(value, bits):
    """To nearest; no coefficient is near the ends of the exponent range."""
    if value == 0:
        return mpf(0)
    exponent = int(floor(log(abs(value), 2))) + 1 - PRECISION[bits]
    return mp.nint(mp.ldexp(value, -exponent)) * mpf(2) ** exponent


def grid(low, high, count):
    return [(low + high) / 2 - (high - low) / 2 * cos(pi * i / (count - 1)) for i in range(count)]


def remez(points, values, weights, first, count):
    """Coefficients of v^first ... v^(first + count - 1) and the largest weighted error, over the grid."""
    n = len(points)
    powers = [[v ** (first + k) for k in range(count)] for v in points]
    chosen = [round(i * (n - 1) / count) for i in range(count + 1)]
    error = inf
    coefficients = []
    for _ in range(30):
        system = matrix(count + 1, count + 1)
        right = matrix(count + 1, 1)
        for row, i in enumerate(chosen):
            for k in range(count):
                system[row, k] = powers[i][k] * weights[i]
            system[row, count] = (-1) ** row
            right[row] = values[i] * weights[i]
        solution = lu_solve(system, right)
        coefficients = [solution[k] for k in range(count)]
        errors = [(sum(c * p for c, p in zip(coefficients, powers[i])) - values[i]) * weights[i] for i in range(n)]
        # The largest error between each two changes of sign.
        extremes = []
        for i, e in enumerate(errors):
            if extremes and (errors[extremes[-1]] < 0) == (e < 0):
                if abs(e) > abs(errors[extremes[-1]]):
                    extremes[-1] = i
            else:
                extremes.append(i)
        while len(extremes) > count + 1:
            ends = abs(errors[extremes[0]]) < abs(errors[extremes[-1]])
            extremes.pop(0 if ends else -1)
        error = max(abs(e) for e in errors)
        if len(extremes) < count + 1 or error < abs(solution[count]) * mpf("1.02"):
            break
        chosen = extremes
    return coefficients, error


def fit(row, bits):
    low, high = row.interval(bits)
    target = TARGET[bits] * mpf(2) ** -row.extra[bits]
    xs = [x for x in grid(low, high, 400) if abs(x) > mpf(2) ** -60]
    values = [row.function(x) for x in xs]
    weights = [abs(row.weight(x)) for x in xs]
    points = [row.variable(x) for x in xs]
    for count in range(2, 30):
        best, error = remez(points, values, weights, 0, count)
        if error < target:
            break
    done = []
    for k in range(min(row.refitted, count - 1)):
        done.append(rounded(best[0], bits))
        values = [f - done[-1] * v ** k for f, v in zip(values, points)]
        best, _ = remez(points, values, weights, k + 1, count - k - 1)
    done += [rounded(c, bits) for c in best]
    values = [row.function(x) for x in xs]
    error = max(abs((sum(c * v ** k for k, c in enumerate(done)) - f) * w)
                for v, f, w in zip(points, values, weights))
    return done, error


class Row:
    def __init__(self, name, comment, interval, function, weight, variable=lambda x: x, extra=(0, 0),
                 refitted=REFITTED):
        self.name, self.comment = name, comment
        self.interval = interval if callable(interval) else lambda bits: interval
        self.function, self.weight, self.variable = function, weight, variable
        self.refitted = refitted
        self.extra = {32: extra[0], 64: extra[1]}  # bits beyond the target; None: not for that type


def square(x):
    return x * x


def odd(name, comment, high, f, extra=(0, 0)):
    """f(x) = x + x^3 P(x^2)."""
    return Row(name, comment, (mpf("1e-9"), high), lambda x: (f(x) - x) / x**3, lambda x: x**3 / f(x), square, extra)


def atanh_tail(terms):
    """(atanh(s) / s - the first terms) / s^(2 terms), times 2 / ln 2, as a series: no cancellation."""
    def tail(s):
        z = s * s
        return 2 / log(2) * sum(z**j / (2 * (j + terms) + 1) for j in range(80))
    return tail


HALF_LN2 = log(2) / 2 * mpf("1.001")
QUARTER_PI = pi / 4 * mpf("1.0001")
THIRD = mpf(1) / 3 * mpf("1.0001")
S_OF_SQRT2 = (sqrt(mpf(2)) - 1) / (sqrt(mpf(2)) + 1) * mpf("1.0001")

FITS = [
    Row("kExp", "exp(r) = 1 + r + r^2 P(r), |r| <= ln(2) / 2, as good for exp(r) - 1", (-HALF_LN2, HALF_LN2),
        lambda r: (expm1(r) - r) / r**2, lambda r: r**2 / expm1(r)),
    Row("kExpShort", "exp(r) = 1 + r + r^2 P(r), |r| <= ln(2) / 2", (-HALF_LN2, HALF_LN2),
        lambda r: (expm1(r) - r) / r**2, lambda r: r**2 / exp(r), extra=(-2, None)),
    Row("kLog", "log(1 + f) = f - f^2 / 2 + f^3 P(f), |f| <= 1/3", (-THIRD, THIRD),
        lambda f: (log1p(f) - f + f**2 / 2) / f**3, lambda f: f**3 / log1p(f)),
    Row("kLogShort", "log(1 + f) = f + f^2 P(f), |f| <= 1/3", (-THIRD, THIRD),
        lambda f: (log1p(f) - f) / f**2, lambda f: f**2 / log1p(f), extra=(-2, None)),
    Row("kLog2Tail1", "f32: log2((1 + s) / (1 - s)) = s (c0 + s^2 (c1 + s^2 P(s^2)))", (mpf("1e-6"), S_OF_SQRT2),
        atanh_tail(2), lambda s: s**4 / 3, square, (8, None)),
    Row("kLog2Tail2", "f64: the same with one more exact term", (mpf("1e-6"), S_OF_SQRT2),
        atanh_tail(3), lambda s: s**6 / 3, square, (None, 10)),
    odd("kSin", "sin(r) = r + r^3 P(r^2), |r| <= pi / 4", QUARTER_PI, sin),
    Row("kCos", "cos(r) = 1 - r^2 / 2 + r^4 P(r^2), |r| <= pi / 4", (mpf("1e-9"), QUARTER_PI),
        lambda r: (cos(r) - 1 + r**2 / 2) / r**4, lambda r: r**4 / cos(r), square),
    odd("kTan", "tan(r) = r + r^3 P(r^2), |r| <= pi / 4", QUARTER_PI, tan),
    odd("kTanh", "tanh(x) = x + x^3 P(x^2), |x| <= 0.55", mpf("0.55"), tanh),
    odd("kTanhWide", "f32: tanh(x) = x + x^3 P(x^2), |x| <= 1.25", mpf("1.25"), tanh, (-3, None)),
    Row("kErf", "erf(x) = x + x P(x^2), |x| <= 1", (mpf("1e-9"), mpf(1)),
        lambda x: erf(x) / x - 1, lambda x: x / erf(x), square),
    Row("kErfTail", "erf(x) = 1 - exp(-P(x - 1.5)), 1 <= x <= 3.95 (f32), 5.95 (f64)",
        lambda bits: (mpf(1), {32: mpf("3.95"), 64: mpf("5.95")}[bits]),
        lambda x: -log(erfc(x)), lambda x: erfc(x) / erf(x), lambda x: x - mpf("1.5"), refitted=0),
    odd("kAsin", "asin(x) = x + x^3 P(x^2), |x| <= 1/2", mpf("0.5001"), asin),
    odd("kAtan", "atan(x) = x + x^3 P(x^2), |x| <= 1", mpf(1), atan),
    odd("kSinh", "sinh(x) = x + x^3 P(x^2), |x| <= 1", mpf(1), sinh),
    odd("kAsinh", "asinh(x) = x + x^3 P(x^2), |x| <= 1/2", mpf("0.5001"), asinh),
    odd("kAtanh", "atanh(x) = x + x^3 P(x^2), |x| <= 1/2", mpf("0.5001"), atanh),
]


def literal(value):
    """Hexadecimal, exact: every value has at most 53 bits."""
    return float(value).hex()


def print_polynomial(row):
    names = {}
    print(f"\n// {row.comment}")
    for bits in (32, 64):
        if row.extra[bits] is None:
            continue
        coefficients, error = fit(row, bits)
        names[bits] = f"{row.name}F{bits}"
        print(f"// f{bits}: error 2^{float(log(error, 2)):.1f}")
        print(f"inline constexpr double {names[bits]}[] = {{")
        for c in coefficients:
            print(f"    {literal(c)},")
        print("};")
    print(f"inline constexpr Coefficients {row.name}{{{names.get(32, '{}')}, {names.get(64, '{}')}}};", flush=True)


PAIRS = [
    ("kLn2", "ln 2, the high part so short that its product with an exponent is exact", log(2), {32: 15, 64: 42}),
    ("kHalfPi", "pi / 2", pi / 2, PRECISION),
    ("kLog2C0", "log2((1 + s) / (1 - s)) = s (C0 + C1 s^2 + C2 s^4 + ...)", 2 / log(2), PRECISION),
    ("kLog2C1", None, 2 / (3 * log(2)), PRECISION),
    ("kLog2C2", None, 2 / (5 * log(2)), PRECISION),
]


def pair(value, high_bits, bits):
    """The high part, cut to high_bits[bits] bits, and the low part."""
    exponent = int(floor(log(value, 2))) + 1 - high_bits[bits]
    high = floor(mp.ldexp(value, -exponent)) * mpf(2) ** exponent
    return high, rounded(value - high, bits)


def print_pair(name, comment, value, high_bits):
    parts = [part for bits in (32, 64) for part in pair(value, high_bits, bits)]
    if comment:
        print(f"\n// {comment}")
    print(f"inline constexpr PairConstant {name}{{{', '.join(literal(p) for p in parts)}}};")


def print_half_pi_rest():
    print("\n// pi / 2 less the two parts of kHalfPi.")
    for bits in (32, 64):
        rest = rounded(pi / 2 - sum(pair(pi / 2, PRECISION, bits)), bits)
        print(f"inline constexpr double kHalfPiRestF{bits} = {literal(rest)};")


def print_two_over_pi():
    """The binary digits of 2/pi after a word of zeros."""
    with mp.workprec(1600):
        for bits, count in ((32, 7), (64, 19)):
            digits = int(floor(2 / pi * mpf(2) ** (bits * count)))
            words = [(digits >> (bits * (count - 1 - i))) & ((1 << bits) - 1) for i in range(count)]
            print(f"inline constexpr uint{bits}_t kTwoOverPiU{bits}[] = {{")
            print("    0,")
            for word in words:
                print(f"    0x{word:0{bits // 4}x},")
            print("};")


def main():
    print("// Written by fit.py: change that and run it.")
    print("#ifndef INGOT_COMPILER_LOWER_MATH_COEFFICIENTS_H_")
    print("#define INGOT_COMPILER_LOWER_MATH_COEFFICIENTS_H_\n")
    print('#include <cstdint>\n\n#include "absl/types/span.h"\n')
    print("namespace ingot::lower::math {\n")
    print("// A polynomial, the constant term first, for each type; exact in that type.")
    print("struct Coefficients {\n  absl::Span<const double> f32;\n  absl::Span<const double> f64;\n};")
    print("\n// A constant as the sum of a high and a low part, for each type.")
    print("struct PairConstant {\n  double high_f32;\n  double low_f32;\n  double high_f64;\n  double low_f64;\n};")
    for row in FITS:
        print_polynomial(row)
    for row in PAIRS:
        print_pair(*row)
    print_half_pi_rest()
    print("\n// The binary digits of 2 / pi, a word of zeros before them.")
    print_two_over_pi()
    print("\n}  // namespace ingot::lower::math\n")
    print("#endif  // INGOT_COMPILER_LOWER_MATH_COEFFICIENTS_H_")


if __name__ == "__main__":
    main()
