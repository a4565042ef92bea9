"""The modules of tiles/ as JAX functions, for a comparison with XLA on one card.

Each entry of WORKLOADS is name -> make; make() returns (function, arguments).  The arguments are about 256 MB.
"""
import jax
import jax.numpy as jnp
from jax import lax

F32, TYPES = jnp.float32, {"f32": jnp.float32, "bf16": jnp.bfloat16, "u8": jnp.uint8}
BYTES = 256 << 20


def values(shape, kind):
    key = jax.random.PRNGKey(len(shape))
    if kind == "u8":
        return jax.random.randint(key, shape, 0, 255, jnp.int32).astype(jnp.uint8)
    return jax.random.normal(key, shape, F32).astype(TYPES[kind])


def transpose(kind, shape, permutation):
    return lambda: ((lambda x: jnp.transpose(x, permutation)), (values(shape, kind),))


def rows(function, kind, columns, parameters=0):
    def make():
        count = BYTES // TYPES[kind].dtype.itemsize // columns
        scales = [values((columns,), "f32") for _ in range(parameters)]
        return function, (values((count, columns), kind), *scales)
    return make


def softmax(x):
    return jax.nn.softmax(x.astype(F32), axis=-1).astype(x.dtype)


def layernorm(x, scale, shift):
    wide = x.astype(F32)
    mean = wide.mean(-1, keepdims=True)
    variance = jnp.square(wide - mean).mean(-1, keepdims=True)
    return ((wide - mean) * lax.rsqrt(variance + 1e-5) * scale + shift).astype(x.dtype)


def rmsnorm(x, scale):
    wide = x.astype(F32)
    return (wide * lax.rsqrt(jnp.square(wide).mean(-1, keepdims=True) + 1e-6) * scale).astype(x.dtype)


def backward(function, kind, columns, parameters):
    """Gradients of the rows and of the parameters; rows and their cotangents are 256 MB."""
    def make():
        shape = (BYTES // 2 // TYPES[kind].dtype.itemsize // columns, columns)
        scales = [values((columns,), "f32") for _ in range(parameters)]
        gradients = lambda x, dy, *scales: jax.vjp(function, x, *scales)[1](dy)
        return gradients, (values(shape, kind), values(shape, kind), *scales)
    return make


def row_sums(x):
    return x.astype(F32).sum(1)


def adam_step(step, parameters, means, squares, gradients):
    rate = 1e-3 * jnp.sqrt(1 - 0.999 ** step) / (1 - 0.9 ** step)
    means = [0.9 * m + 0.1 * g for m, g in zip(means, gradients)]
    squares = [0.999 * v + 0.001 * g * g for v, g in zip(squares, gradients)]
    parameters = [p - rate * m / (jnp.sqrt(v) + 1e-8) for p, m, v in zip(parameters, means, squares)]
    return parameters, means, squares


def adamw_step(step, parameters, copies, means, squares, gradients):
    """Parameters and gradients of bf16, with copies of f32."""
    gradients = [g.astype(F32) for g in gradients]
    decayed = [p * (1 - 1e-4) for p in copies]
    copies, means, squares = adam_step(step, decayed, means, squares, gradients)
    return [p.astype(jnp.bfloat16) for p in copies], copies, means, squares


def sgd_step(parameters, means, gradients):
    means = [0.9 * m + g for m, g in zip(means, gradients)]
    return [p - 0.1 * m for p, m in zip(parameters, means)], means


def lion_step(parameters, means, gradients):
    signs = [jnp.sign(0.9 * m + 0.1 * g) for m, g in zip(means, gradients)]
    means = [0.99 * m + 0.01 * g for m, g in zip(means, gradients)]
    return [p - 1e-4 * (s + 0.1 * p) for p, s in zip(parameters, signs)], means


def clip(gradients):
    scale = jnp.minimum(1.0, 1.0 / (jnp.sqrt(sum(jnp.vdot(g, g) for g in gradients)) + 1e-6))
    return [g * scale for g in gradients]


def clipped_adam_step(step, parameters, means, squares, gradients):
    return adam_step(step, parameters, means, squares, clip(gradients))


def optimiser(function, kinds, steps=False):
    """A step for 12 layers of 768: 85 million parameters in 146 arrays, 98 of which are small."""
    def make():
        layer = [(768,)] * 6 + [(2304,), (3072,), (768, 768), (768, 2304), (768, 3072), (3072, 768)]
        shapes = 12 * layer + [(768,), (768,)]
        # Squares are not negative.
        arrays = [[jnp.abs(values(shape, kind)) for shape in shapes] for kind in kinds]
        return function, ((jnp.float32(10), *arrays) if steps else tuple(arrays))
    return make


def sums(x):
    wide = x.astype(F32)
    return wide.sum(0), wide.max(0), wide.sum(1), jnp.square(wide).sum(1), wide.min(), wide.sum()


WORKLOADS = {
    "adam": optimiser(adam_step, ["f32"] * 4, steps=True),
    "adamw": optimiser(adamw_step, ["bf16", "f32", "f32", "f32", "bf16"], steps=True),
    "sgd": optimiser(sgd_step, ["f32"] * 3),
    "lion": optimiser(lion_step, ["f32"] * 3),
    "clip": optimiser(clip, ["f32"]),
    "clipped_adam": optimiser(clipped_adam_step, ["f32"] * 4, steps=True),
    "sums": lambda: (sums, (values((32768, 4096), "bf16"),)),
    "transpose_f32_odd": transpose("f32", (4099, 8191), (1, 0)),
    "transpose_bf16_odd": transpose("bf16", (64, 1023, 769), (0, 2, 1)),
    "transpose_f32_rank5": transpose("f32", (32, 33, 34, 35, 36), (4, 2, 0, 3, 1)),
    "transpose_u8": transpose("u8", (16384, 24576), (1, 0)),
}
for kind in ("f32", "bf16"):
    for columns in (37, 3001, 50257):
        WORKLOADS["softmax_%s_%d" % (kind, columns)] = rows(softmax, kind, columns)
        WORKLOADS["layernorm_%s_%d" % (kind, columns)] = rows(layernorm, kind, columns, parameters=2)
        WORKLOADS["sum_%s_%d" % (kind, columns)] = rows(row_sums, kind, columns)
    for columns in (768, 3001, 4096):
        WORKLOADS["layernorm_backward_%s_%d" % (kind, columns)] = backward(layernorm, kind, columns, parameters=2)
    for columns in (1023, 1024):
        WORKLOADS["rmsnorm_backward_%s_%d" % (kind, columns)] = backward(rmsnorm, kind, columns, parameters=1)
