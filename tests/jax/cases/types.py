"""Conversions between all types, and arithmetic in each."""
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from specs import Table, bits, booleans, complexes, dtype_of, integers, normal, uniform, value

TABLE = Table("types")
add = TABLE.add

SMALL = ["int2", "uint2", "int4", "uint4"]
INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
FLOATS = ["float16", "bfloat16", "float32", "float64"]
TINY = ["float8_e4m3fn", "float8_e5m2", "float8_e4m3b11fnuz", "float8_e4m3fnuz", "float8_e5m2fnuz",
        "float8_e4m3", "float8_e3m4", "float8_e8m0fnu", "float4_e2m1fn"]
COMPLEX = ["complex64", "complex128"]
RANGES = {"int2": (-2, 2), "uint2": (0, 4), "int4": (-8, 8), "uint4": (0, 16)}


def every(kind):
    """Inputs of a type: all bit patterns of the narrow ones."""
    if kind == "bool":
        return value([0, 1, 1, 0, 1], kind)
    if kind in RANGES:
        return value(np.arange(*RANGES[kind]), kind)
    if dtype_of(kind).itemsize == 1:
        return lambda g: np.arange(256, dtype=np.uint8).view(dtype_of(kind))
    if kind in INTEGERS:
        return bits(33, dtype=kind)
    if kind in COMPLEX:
        return complexes(17, scale=20, dtype=kind)
    return normal(61, scale=20, dtype=kind)


def converted(targets):
    return lambda x: [x.astype(t) for t in targets]


# Integers to everything; a narrower integer keeps the low bits.
for kind in ["bool"] + INTEGERS:
    add(f"convert_{kind}_to_integers", converted(["bool"] + INTEGERS), every(kind), x64=True)
    add(f"convert_{kind}_to_floats", converted(FLOATS + COMPLEX), every(kind), x64=True)
    add(f"convert_{kind}_to_f8", converted(TINY[:5]), integers(33, low=0 if kind[0] in "ub" else -100, high=100, dtype=kind), x64=True)
for kind in ["int4", "uint4"]:
    add(f"convert_{kind}_to_all", converted(["bool", "int8", "uint8", "int32", "float32", "bfloat16", "float16"]), every(kind))
    add(f"convert_int32_to_{kind}", converted([kind]), integers(40, low=-8 if kind == "int4" else 0, high=8))
    add(f"convert_float32_to_{kind}", converted([kind]), uniform(40, low=0, high=7))
    add(f"arithmetic_{kind}", lambda x, y: (x + y, x * y, x - y, jnp.maximum(x, y), x < y), integers(21, high=7, dtype=kind), integers(21, high=7, dtype=kind))
for kind in FLOATS:
    add(f"convert_{kind}_to_integers", converted(["bool", "int8", "int16", "int32", "int64"]), normal(61, scale=20, dtype=kind), x64=True)
    add(f"convert_{kind}_to_unsigned", converted(["uint8", "uint16", "uint32", "uint64"]), uniform(61, high=200, dtype=kind), x64=True)
    add(f"convert_{kind}_to_floats", converted(FLOATS + COMPLEX), every(kind), x64=True)
    for tiny in TINY:
        add(f"convert_{kind}_to_{tiny}", converted([tiny]), normal(333, scale=30, dtype=kind), x64=True)
EDGES = [0.0, -0.0, 1.0, -1.0, 240.0, 248.0, 448.0, 464.0, 480.0, 57344.0, 61440.0, 65504.0, 1e30, -1e30, 1e-3, 2.0**-9,
         2.0**-10, 2.0**-10 * 1.0001, 2.0**-11, 2.0**-16, 2.0**-17, 1e-30, 1.0625, 1.1875, 1.125, 17.0, 19.0, float("inf"),
         float("-inf"), float("nan"), 1.5, 3.0, 6.0, 2.0**-127, 2.0**-126, 3.4e38, 0.75, 1.4142135]
for tiny in TINY:
    add(f"convert_{tiny}_to_float32", converted(["float32"]), every(tiny))
    add(f"convert_{tiny}_to_f16_f64", converted(["float16", "bfloat16", "float64"]), every(tiny), x64=True)
    add(f"convert_edges_to_{tiny}", converted([tiny]), value(EDGES))
add("convert_edges_to_f16_bf16", converted(["float16", "bfloat16"]), value(EDGES + [65519, 65520, 65535, 2.0**-24, 2.0**-25, 1.00390625, 1.01171875]))
add("convert_f8_to_f8", lambda x: [x.astype(t) for t in TINY[1:5]], lambda g: np.arange(256, dtype=np.uint8).view(dtype_of("float8_e4m3fn")))
add("convert_f8_to_integers", converted(["bool", "int32"]), uniform(33, low=-20, high=20, dtype="float8_e4m3fn"))
add("convert_float_to_bool", converted(["bool"]), value([0.0, -0.0, 1e-30, 0.5, float("nan"), float("inf")]))
add("convert_saturating", converted(["int32", "uint32", "int8", "uint8", "int64", "uint64"]), value([3e9, -3e9, 1e30, -1e30, 300, -300, 5.9, -5.9]), x64=True)
add("convert_nan_to_int", converted(["int32", "int64"]), value([float("nan"), float("inf"), float("-inf")]), x64=True)
add("convert_big_int_to_f32", converted(["float32", "float16", "bfloat16"]), value([2**24 + 1, 2**31 - 1, -2**31, 2**25 + 3, 65520, 65519], "int32"))
add("convert_u64_to_floats", converted(["float32", "float64"]), value(np.array([2**64 - 1, 2**63, 2**53 + 1, 2**63 + 2**39 + 1], "uint64"), "uint64"), x64=True)
add("convert_f64_to_narrow", converted(["float32", "bfloat16", "float16"]), value([1 + 2.0**-24 + 2.0**-50, 1 + 2.0**-8 + 2.0**-40, 1 + 2.0**-11 + 2.0**-40, 1e300, 1e-310], "float64"), x64=True)
for kind in COMPLEX:
    add(f"convert_{kind}", lambda z: (z.astype("complex64"), z.astype("complex128"), z.real, z.imag.astype("bfloat16")), every(kind), x64=True)

for kind in INTEGERS:
    wide = kind.endswith("64")
    add(f"arithmetic_{kind}", lambda x, y: (x + y, x - y, x * y, -x, abs(x) if x.dtype.kind == "i" else x, jnp.maximum(x, y), jnp.minimum(x, y), x < y, jnp.sign(x), x & y, x | y, x ^ y, ~x),
        bits(35, dtype=kind), bits(35, dtype=kind), x64=wide)
    add(f"division_shift_{kind}", lambda x, y: (lax.div(x, y), lax.rem(x, y), x // y, x % y, lax.shift_right_logical(x, y), lax.shift_right_arithmetic(x, y), x << y, lax.population_count(x), lax.clz(x)),
        bits(35, dtype=kind), integers(35, low=1, high=7, dtype=kind), x64=wide)
    add(f"reductions_{kind}", lambda x: (lax.reduce_sum(x, (0,)), lax.reduce_max(x, (1,)), lax.reduce_min(x, (0, 1)), lax.reduce_prod(x, (1,)), lax.cumsum(x, 1), lax.sort(x), lax.argmax(x, 1, jnp.int32)),
        bits(5, 7, dtype=kind), x64=wide)
for kind in FLOATS:
    wide = kind == "float64"
    add(f"arithmetic_{kind}", lambda x, y: (x + y, x - y, x * y, x / y, -x, abs(x), jnp.maximum(x, y), x < y, jnp.sign(x), lax.rem(x, y)), normal(35, dtype=kind), uniform(35, low=0.5, high=2, dtype=kind), x64=wide)
    add(f"functions_{kind}", lambda x: (jnp.exp(x), jnp.log(x), jnp.sqrt(x), lax.rsqrt(x), jnp.sin(x), jnp.cos(x), jnp.tanh(x), lax.logistic(x), jnp.log1p(x), jnp.expm1(x), lax.erf(x), lax.pow(x, x), jnp.arctan2(x, x + 1), lax.cbrt(x), jnp.tan(x)),
        uniform(35, low=0.1, high=3, dtype=kind), x64=wide)
    add(f"reductions_{kind}", lambda x: (x.sum(), x.max(1), x.min(0), x.mean(1), x.prod(1), lax.cumsum(x, 1), jnp.sort(x), jnp.argmax(x, 1)), normal(5, 37, dtype=kind), x64=wide)
    add(f"softmax_{kind}", lambda x: (jax.nn.softmax(x), jax.nn.log_softmax(x, 0), jax.nn.logsumexp(x, 1)), normal(5, 17, dtype=kind), x64=wide)
    add(f"rounding_{kind}", lambda x: (jnp.floor(x), jnp.ceil(x), jnp.round(x), jnp.trunc(x), lax.round(x, lax.RoundingMethod.AWAY_FROM_ZERO), jnp.isfinite(x), jnp.signbit(x)), normal(35, scale=5, dtype=kind), x64=wide)
for kind in TINY[:3]:
    add(f"arithmetic_{kind}", lambda x, y: (x + y, x * y, jnp.maximum(x, y), x < y, -x), normal(35, dtype=kind), normal(35, dtype=kind))
    add(f"reductions_{kind}", lambda x: (x.max(1), x.astype(jnp.float32).sum(0)), normal(5, 7, dtype=kind))
    add(f"stack_scalars_{kind}", lambda a, b: jnp.stack([a, b, a]), normal(dtype=kind), normal(dtype=kind))
for kind in COMPLEX:
    wide = kind == "complex128"
    add(f"arithmetic_{kind}", lambda x, y: (x + y, x - y, x * y, x / y, -x, abs(x), x == y, jnp.conj(x), jnp.exp(x), jnp.log(y), jnp.sqrt(x), jnp.sin(x)), complexes(17, dtype=kind), complexes(17, dtype=kind), x64=wide)
    add(f"reductions_{kind}", lambda x: (x.sum(), x.prod(1), x.mean(0), jnp.cumsum(x, 1)), complexes(3, 7, dtype=kind), x64=wide)
for kind in ["bool", "int8", "uint16", "int64", "float16", "bfloat16", "float64", "complex64", "complex128"]:
    scalar = every(kind)
    one = lambda g, make=scalar: make(g)[1]
    add(f"stack_scalars_{kind}", lambda a, b, c: jnp.stack([a, b, c, a]), one, one, one, x64=True)
    add(f"pad_one_{kind}", lambda a: jnp.pad(a[None], (1, 2)), one, x64=True)
    add(f"movement_{kind}", lambda a: (a[::-1], jnp.roll(a, 2), jnp.concatenate([a, a[:1]]), a[1:3], jnp.where(jnp.arange(a.shape[0]) % 2 == 0, a, a[0]), jnp.take(a, jnp.array([3, 0, 1])), a.at[2].set(a[0])), every(kind), x64=True)
add("promotion", lambda a, b, c: (a + b, a * c, b * c, a / b), bits(7, dtype="int8"), integers(7, low=1, high=9, dtype="uint8"), normal(7, dtype="bfloat16"))
add("quantise_int8", lambda x: (lambda s: (jnp.clip(jnp.round(x / s), -127, 127).astype(jnp.int8), s))(jnp.max(jnp.abs(x), 1, keepdims=True) / 127), normal(5, 33))
add("quantise_dequantise_f8", lambda x: (x / 3).astype(jnp.float8_e4m3fn).astype(jnp.float32) * 3, normal(65, scale=5))
add("quantised_matmul", lambda q, s, x: (lax.dot_general(x, q, (((1,), (0,)), ((), ())), preferred_element_type=jnp.int32).astype(jnp.float32) * s), bits(17, 5, dtype="int8"), uniform(5), bits(3, 17, dtype="int8"))
add("quantised_weights_int4", lambda q, s, x: x @ (q.astype(jnp.float32) * s), integers(16, 6, low=-8, high=8, dtype="int4"), uniform(6), normal(3, 16))
add("quantise_blocks_mx", lambda x: (lambda e: ((x / e).astype(jnp.float8_e4m3fn), e.astype(jnp.float8_e8m0fnu)))(jnp.exp2(jnp.floor(jnp.log2(jnp.max(jnp.abs(x), 1, keepdims=True))))), uniform(4, 32, low=-5.9, high=5.7))
add("stochastic_rounding", lambda x, r: lax.bitcast_convert_type((lax.bitcast_convert_type(x, jnp.uint32) + (r & 0xFFFF)) & jnp.uint32(0xFFFF0000), jnp.float32).astype(jnp.bfloat16), normal(33), bits(33))
add("pack_int4", lambda q: ((q[::2] & 15) | (q[1::2] << 4)).astype(jnp.uint8), integers(16, low=-8, high=8, dtype="int8"))
add("unpack_int4", lambda b: jnp.stack([(b << 4).astype(jnp.int8) >> 4, b.astype(jnp.int8) >> 4], -1).reshape(-1), bits(9, dtype="uint8"))
add("half_overflow", lambda x: (x * x, x + x, jnp.exp(x)), value([60000, 300, 1e-4, 11.5], "float16"))
