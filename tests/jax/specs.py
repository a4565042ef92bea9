"""What a row of the suite is: a name, a function of arrays, and how its inputs are made.

An input is a function of a numpy generator.  The generator's seed is a hash of the case's name, so
inputs do not depend on the order of the table or on which cases are asked for.
"""
import dataclasses
import zlib
from typing import Any, Callable

import jax
import ml_dtypes
import numpy as np

Input = Callable[[np.random.Generator], np.ndarray]


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    function: Callable
    inputs: tuple  # trees whose leaves are Inputs
    x64: bool = False  # trace with 64-bit types

    def arguments(self):
        generator = np.random.default_rng(zlib.crc32(self.name.encode()))
        return jax.tree.map(lambda make: make(generator), self.inputs)


class Table:
    """Rows of one kind; the kind is the beginning of each name."""

    def __init__(self, kind: str):
        self.kind = kind
        self.cases: list[Case] = []

    def add(self, name: str, function: Callable, *inputs: Any, x64: bool = False):
        self.cases.append(Case(f"{self.kind}_{name}", function, inputs, x64))


def dtype_of(name):
    return np.dtype(getattr(ml_dtypes, name, name)) if isinstance(name, str) else np.dtype(name)


def normal(*shape, scale=1.0, shift=0.0, dtype="float32") -> Input:
    return lambda g: (g.standard_normal(shape) * scale + shift).astype(dtype_of(dtype))


def uniform(*shape, low=0.0, high=1.0, dtype="float32") -> Input:
    return lambda g: g.uniform(low, high, shape).astype(dtype_of(dtype))


def integers(*shape, low=0, high=10, dtype="int32") -> Input:
    """In [low, high)."""
    return lambda g: np.asarray(
        g.integers(low, high, shape, dtype=np.uint64 if low >= 0 else np.int64)
    ).astype(dtype_of(dtype))


def bits(*shape, dtype="uint32") -> Input:
    """Every bit pattern alike; of integer types only."""
    width = dtype_of(dtype).itemsize
    return lambda g: np.frombuffer(
        g.bytes(width * int(np.prod(shape))), dtype_of(dtype)
    ).reshape(shape)


def booleans(*shape) -> Input:
    return lambda g: g.integers(0, 2, shape).astype(bool)


def complexes(*shape, scale=1.0, dtype="complex64") -> Input:
    return lambda g: (
        (g.standard_normal(shape) + 1j * g.standard_normal(shape)) * scale
    ).astype(dtype)


def spaced(*shape, step=0.25, dtype="float32") -> Input:
    """Distinct values, a step apart, in random order: their order survives rounding."""
    count = int(np.prod(shape))
    return lambda g: ((g.permutation(count) - count // 2) * step + step / 8).reshape(shape).astype(
        dtype_of(dtype)
    )


def permutation(count, dtype="int32") -> Input:
    return lambda g: g.permutation(count).astype(dtype)


def ascending(count, low=0.0, high=1.0, dtype="float32") -> Input:
    return lambda g: np.sort(g.uniform(low, high, count)).astype(dtype)


def positive_definite(n, *batch, dtype="float32") -> Input:
    def make(g):
        a = g.standard_normal((*batch, n, n))
        return (a @ np.swapaxes(a, -1, -2) / n + np.eye(n)).astype(dtype)

    return make


def value(x, dtype="float32") -> Input:
    return lambda g: np.asarray(x).astype(dtype_of(dtype))


def key(*batch) -> Input:
    """The words of threefry keys; jax.random takes them as they are."""
    return lambda g: g.integers(0, 2**32, (*batch, 2), dtype=np.uint64).astype(np.uint32)
