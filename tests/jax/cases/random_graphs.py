"""Graphs of random operations on small arrays of several types and awkward sizes.

Each graph is drawn from its own seed.  Values stay moderate (products and exponentials are
squashed), and no integer hangs on the rounding of a float: floats are compared only with constants
that they do not meet, and never become indices.
"""
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from specs import Table, bits, booleans, integers, normal

TABLE = Table("graph")
SIZES = [1, 1, 1, 2, 3, 4, 5, 7, 8, 13, 16, 17]
FLOATS = ("float32", "float32", "float64")
INTEGERS = ("int32", "uint32", "int8", "uint8", "int16", "int64")


def is_float(x):
    return jnp.issubdtype(x.dtype, jnp.floating)


def tame(x):
    """Back to a moderate range; exact for integers."""
    return x if not is_float(x) else jnp.tanh(x)


class Draw:
    """Chooses operations and applies them to arrays that are there already."""

    def __init__(self, seed, inputs):
        self.rng = np.random.default_rng(seed)
        self.pool = list(inputs)

    def pick(self, condition=lambda x: True):
        """One of the later arrays that meet the condition, or None."""
        found = [x for x in self.pool if condition(x)]
        if not found:
            return None
        return found[-1 - int(min(self.rng.geometric(0.3) - 1, len(found) - 1))]

    def axis(self, x):
        return int(self.rng.integers(x.ndim))

    def constant(self):
        return float(np.round(self.rng.uniform(-1.5, 1.5), 3)) + 0.000377

    def like(self, x):
        return self.pick(lambda y: y.shape == x.shape and y.dtype == x.dtype)

    # ---- each returns an array, or None where it does not apply
    def unary(self):
        x = self.pick(lambda x: x.dtype != bool)
        if x is None:
            return None
        if is_float(x):
            f = [jnp.sin, jnp.cos, jnp.tanh, lambda y: jnp.exp(jnp.tanh(y)), lambda y: jnp.sqrt(y * y + 1), lax.logistic, jnp.abs, jnp.negative,
                 lambda y: jnp.log(y * y + 1.5), lambda y: lax.rsqrt(y * y + 0.5), lax.erf, lambda y: 1 / (y * y + 1), jnp.arctan][int(self.rng.integers(13))]
        else:
            f = [jnp.negative, jnp.bitwise_not, lax.population_count, lax.clz, lambda y: y * y, lambda y: y >> 1, lambda y: y << 2][int(self.rng.integers(7))]
        return f(x)

    def binary(self):
        x = self.pick(lambda x: x.dtype != bool)
        if x is None:
            return None
        y = self.like(x)
        f = [jnp.add, jnp.subtract, jnp.multiply, jnp.maximum, jnp.minimum][int(self.rng.integers(5))]
        return tame(f(x, y))

    def broadcast_binary(self):
        x = self.pick(lambda x: x.dtype != bool and x.ndim > 0)
        if x is None:
            return None
        axis = self.axis(x)
        part = [lambda: x[:1] if axis == 0 else lax.slice_in_dim(x, 0, 1, axis=axis), lambda: x.max(axis, keepdims=True), lambda: jnp.ravel(x)[-1]][int(self.rng.integers(3))]()
        return tame(x + part) if self.rng.integers(2) else tame(part * x)

    def compare(self):
        x = self.pick(lambda x: x.dtype != bool)
        if x is None:
            return None
        return x > (self.constant() if is_float(x) else 3)

    def select(self):
        c = self.pick(lambda x: x.dtype == bool)
        if c is None:
            return None
        x = self.pick(lambda y: y.shape == c.shape and y.dtype != bool)
        return None if x is None else jnp.where(c, x, self.like(x))

    def reduce(self):
        x = self.pick(lambda x: x.ndim > 0)
        if x is None:
            return None
        axes = tuple(int(i) for i in np.flatnonzero(self.rng.integers(2, size=x.ndim))) or (self.axis(x),)
        if x.dtype == bool:
            return x.any(axes)
        f = [lambda: x.sum(axes, dtype=x.dtype), lambda: x.max(axes), lambda: x.min(axes), lambda: x.sum(axes, dtype=x.dtype, keepdims=True)][int(self.rng.integers(4))]
        return tame(f())

    def arg_reduce(self):
        x = self.pick(lambda x: x.ndim > 0 and not is_float(x) and x.dtype != bool)
        return None if x is None else jnp.argmax(x, self.axis(x)).astype(jnp.int32)

    def cumulative(self):
        x = self.pick(lambda x: x.ndim > 0 and x.dtype != bool)
        if x is None:
            return None
        f = [lax.cumsum, lax.cummax, lax.cummin][int(self.rng.integers(3))]
        return tame(f(x, self.axis(x), bool(self.rng.integers(2))))

    def reshape(self):
        x = self.pick()
        size = int(np.prod(x.shape))
        divisors = [d for d in range(1, size + 1) if size % d == 0] or [1]
        if size == 0:
            return None
        d = int(self.rng.choice(divisors))
        return x.reshape([(d, size // d), (size,), (1, d, size // d), (size // d, 1, d)][int(self.rng.integers(4))])

    def transpose(self):
        x = self.pick(lambda x: x.ndim > 1)
        return None if x is None else jnp.transpose(x, tuple(int(i) for i in self.rng.permutation(x.ndim)))

    def slice(self):
        x = self.pick(lambda x: x.ndim > 0 and x.shape[0] > 0)
        if x is None:
            return None
        axis = self.axis(x)
        n = x.shape[axis]
        low = int(self.rng.integers(n))
        return lax.slice_in_dim(x, low, int(self.rng.integers(low + 1, n + 1)), int(self.rng.integers(1, 3)), axis)

    def element(self):
        x = self.pick(lambda x: x.size > 1)
        return None if x is None else jnp.ravel(x)[int(self.rng.integers(x.size))]

    def concatenate(self):
        x = self.pick(lambda x: x.ndim > 0)
        if x is None:
            return None
        axis = self.axis(x)
        others = [y for y in self.pool if y.dtype == x.dtype and y.ndim == x.ndim
                  and y.shape[:axis] + y.shape[axis + 1:] == x.shape[:axis] + x.shape[axis + 1:]]
        chosen = [others[int(i)] for i in self.rng.integers(len(others), size=int(self.rng.integers(1, 4)))]
        return jnp.concatenate([x] + chosen, axis) if sum(y.shape[axis] for y in chosen) < 60 else None

    def stack(self):
        x = self.pick(lambda x: x.size <= 20)
        if x is None:
            return None
        return jnp.stack([x, self.like(x), self.like(x)], int(self.rng.integers(x.ndim + 1)))

    def pad(self):
        x = self.pick(lambda x: x.ndim > 0 and x.size < 200)
        if x is None:
            return None
        config = [tuple(int(i) for i in (self.rng.integers(-1 if n > 2 else 0, 3), self.rng.integers(0, 3), self.rng.integers(0, 2))) for n in x.shape]
        return lax.pad(x, jnp.zeros((), x.dtype), config)

    def reverse_roll(self):
        x = self.pick(lambda x: x.ndim > 0)
        if x is None:
            return None
        return jnp.flip(x, self.axis(x)) if self.rng.integers(2) else jnp.roll(x, int(self.rng.integers(-3, 4)), self.axis(x))

    def broadcast(self):
        x = self.pick(lambda x: x.size < 60 and x.ndim < 4)
        if x is None:
            return None
        return jnp.broadcast_to(x, (int(self.rng.choice(SIZES)),) + x.shape) if self.rng.integers(2) else jnp.broadcast_to(x[..., None], x.shape + (int(self.rng.choice(SIZES)),))

    def dot(self):
        x = self.pick(lambda x: x.ndim >= 1 and x.dtype != bool and x.size < 300)
        if x is None:
            return None
        y = self.pick(lambda y: y.dtype == x.dtype and y.ndim >= 1 and x.shape[-1] == y.shape[0])
        if y is None:
            y = x.T
        out = lax.dot_general(x, y, (((x.ndim - 1,), (0,)), ((), ())), preferred_element_type=x.dtype)
        return tame(out) if out.size < 600 and out.ndim < 5 else None

    def take(self):
        x = self.pick(lambda x: x.ndim > 0 and x.shape[0] > 0)
        i = self.pick(lambda i: jnp.issubdtype(i.dtype, jnp.integer) and i.ndim <= 1 and i.size <= 20)
        if x is None or i is None:
            return None
        return jnp.take(x, i, axis=self.axis(x), mode=str(self.rng.choice(["clip", "wrap"])))

    def scatter(self):
        x = self.pick(lambda x: x.ndim > 0 and x.dtype != bool and x.size < 200)
        if x is None:
            return None
        i = self.rng.permutation(x.shape[0])[: max(1, x.shape[0] // 2)]
        u = jnp.flip(x, 0)[: len(i)]
        return [lambda: x.at[i].set(u), lambda: tame(x.at[i].add(u)), lambda: x.at[i].max(u)][int(self.rng.integers(3))]()

    def dynamic(self):
        x = self.pick(lambda x: x.ndim > 0 and x.shape[0] > 0)
        i = self.pick(lambda i: i.dtype == jnp.int32 and i.size > 0)
        if x is None or i is None:
            return None
        start = jnp.ravel(i)[0] % 5
        length = int(self.rng.integers(1, x.shape[0] + 1))
        part = lax.dynamic_slice_in_dim(x, start, length)
        if self.rng.integers(2):
            return part
        # Not an update made of x itself: XLA's CPU compiler (jaxlib 0.10.2) then writes in place
        # what it has still to read: x.at[2:].set(flip(x[2:])) by dynamic slices is wrong there.
        return lax.dynamic_update_slice_in_dim(x, jnp.ones_like(part), start + 1, 0)

    def sort(self):
        x = self.pick(lambda x: x.ndim > 0)
        return None if x is None else jnp.sort(x, self.axis(x))

    def convert(self):
        x = self.pick()
        if is_float(x):
            # Never to f64: what f32 rounded would be held to f64's tolerance.
            return x.astype("float32") if x.dtype == jnp.float64 else None
        if x.dtype == bool:
            return x.astype(str(self.rng.choice(FLOATS + INTEGERS)))
        return x.astype(str(self.rng.choice(INTEGERS))) if self.rng.integers(2) else tame(x.astype(str(self.rng.choice(FLOATS))) / 100)

    def window(self):
        x = self.pick(lambda x: x.ndim > 0 and x.dtype != bool and x.size < 200)
        if x is None:
            return None
        size = tuple(int(min(n, self.rng.integers(1, 4))) for n in x.shape)
        stride = tuple(int(i) for i in self.rng.integers(1, 3, size=x.ndim))
        return tame(lax.reduce_window(x, jnp.zeros((), x.dtype), lax.add, size, stride, str(self.rng.choice(["SAME", "VALID"]))))

    def loop(self):
        x = self.pick(lambda x: x.dtype != bool and x.size < 100)
        if x is None:
            return None
        y = self.like(x)
        return lax.fori_loop(0, int(self.rng.integers(1, 4)), lambda i, c: (c[1], tame(c[0] + c[1])), (x, y))[int(self.rng.integers(2))]

    def scan(self):
        x = self.pick(lambda x: x.ndim > 0 and x.dtype != bool and 0 < x.shape[0] < 20)
        if x is None:
            return None
        last, rows = lax.scan(lambda c, r: (tame(c + r), jnp.maximum(c, r)), jnp.zeros_like(x[0]), x)
        return rows if self.rng.integers(2) else last

    def branch(self):
        x = self.pick(lambda x: x.dtype != bool and x.size < 100)
        c = self.pick(lambda c: c.dtype == bool and c.size > 0)
        if x is None or c is None:
            return None
        return lax.cond(jnp.ravel(c)[0], lambda y: y + y, lambda y: tame(y * y), x)

    def run(self, steps):
        names = ["unary", "binary", "binary", "broadcast_binary", "compare", "select", "reduce", "reduce", "arg_reduce", "cumulative", "reshape", "transpose",
                 "slice", "element", "concatenate", "concatenate", "stack", "stack", "pad", "pad", "reverse_roll", "broadcast", "dot", "take", "scatter",
                 "dynamic", "sort", "convert", "window", "loop", "scan", "branch"]
        made = 0
        while made < steps:
            x = getattr(self, names[int(self.rng.integers(len(names)))])()
            if x is not None and x.size <= 2000 and x.ndim <= 5:
                self.pool.append(x)
                made += 1
        return self.pool[-5:] + [x for x in self.pool[len(self.pool) // 2:-5] if self.rng.integers(2)]


def graph(seed):
    rng = np.random.default_rng(1000 + seed)
    inputs = []
    for _ in range(int(rng.integers(3, 6))):
        shape = [int(n) for n in rng.choice(SIZES, size=int(rng.integers(0, 4)))]
        kind = str(rng.choice(["float32", "float32", "float32", "float64", "int32", "bool", "int8", "uint32"]))
        make = {"f": lambda: normal(*shape, dtype=kind), "b": lambda: booleans(*shape)}.get(
            np.dtype(kind).kind, lambda: integers(*shape, low=0, high=100, dtype=kind))
        inputs.append(make())
    # Small arrays of the commonest types are always there.
    inputs += [normal(1), normal(), integers(1, high=5)]
    return (lambda *xs: Draw(seed, xs).run(12 + seed % 30)), inputs


for seed in range(120):
    function, inputs = graph(seed)
    TABLE.add(f"{seed:03}", function, *inputs, x64=True)
