"""Derivatives and vmap of functions."""
import functools

import jax
import jax.numpy as jnp
from jax import grad, hessian, jacfwd, jacrev, jvp, lax, nn, vjp, vmap

from specs import Table, ascending, booleans, complexes, integers, key, normal, positive_definite, spaced, uniform, value

TABLE = Table("grad")
add = TABLE.add


def weighted(f):
    """A scalar function of f's result, so that every element has its own cotangent."""
    def loss(*xs):
        leaves = jax.tree.leaves(f(*xs))
        return sum((y * (0.3 + jnp.arange(y.size, dtype=y.dtype).reshape(y.shape) / 7)).sum() for y in leaves)
    return loss


def cross_entropy(logits, labels):
    return -jnp.take_along_axis(nn.log_softmax(logits), labels[:, None], 1).mean()


add("softmax_cross_entropy", jax.value_and_grad(cross_entropy), normal(5, 7), integers(5, high=7))
add("layer_norm", grad(weighted(lambda x, g, b: (x - x.mean(-1, keepdims=True)) * lax.rsqrt(x.var(-1, keepdims=True) + 1e-5) * g + b), (0, 1, 2)), normal(4, 9), normal(9), normal(9))
add("rms_norm", grad(weighted(lambda x, g: x * lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-6) * g), (0, 1)), normal(4, 9), normal(9))
add("batch_norm", grad(weighted(lambda x: (x - x.mean(0)) / jnp.sqrt(x.var(0) + 1e-5))), normal(7, 3))
add("median", grad(lambda x: jnp.median(x)), spaced(9))
add("median_even", grad(weighted(lambda x: jnp.median(x, axis=1))), spaced(3, 8))
add("quantile", grad(lambda x: jnp.quantile(x, 0.3)), spaced(11))
add("max_min", grad(weighted(lambda x: (x.max(1), x.min(0), x.max()))), spaced(4, 5))
add("max_ties", grad(lambda x: x.max()), value([1, 3, 3, 2, 3]))
add("maximum_ties", grad(lambda x, y: jnp.maximum(x, y).sum(), (0, 1)), value([1, 3, 2]), value([1, 2, 5]))
add("sort", grad(weighted(jnp.sort)), spaced(9))
add("sort_rows", grad(weighted(lambda x: jnp.sort(x, axis=0))), spaced(5, 3))
add("argsort_gather", grad(weighted(lambda x, y: y[jnp.argsort(x)]), 1), spaced(7), normal(7))
add("top_k", grad(weighted(lambda x: lax.top_k(x, 3)[0])), spaced(9))
add("cumsum", grad(weighted(jnp.cumsum)), normal(9))
add("cumprod", grad(weighted(jnp.cumprod)), uniform(7, low=0.5, high=2))
add("cummax", grad(weighted(lax.cummax)), spaced(9))
add("cumlogsumexp", grad(weighted(lax.cumlogsumexp)), normal(9))
add("logsumexp", grad(lambda x: nn.logsumexp(x)), normal(9))
add("softmax", grad(weighted(nn.softmax)), normal(3, 7))
add("prod", grad(weighted(lambda x: x.prod(1))), uniform(3, 5, low=0.5, high=2))
add("prod_with_zero", grad(lambda x: x.prod()), value([2, 0, 3, 4]))
add("norm", grad(lambda x: jnp.linalg.norm(x)), normal(7))
add("std_var", grad(weighted(lambda x: (x.std(1), x.var(0)))), normal(4, 5))
add("matmul", grad(weighted(lambda a, b: a @ b), (0, 1)), normal(4, 5), normal(5, 3))
add("matmul_batched_broadcast", grad(weighted(lambda a, b: a @ b), (0, 1)), normal(2, 3, 4, 5), normal(5, 3))
add("einsum", grad(weighted(lambda a, b: jnp.einsum("bij,bkj->bik", a, b)), (0, 1)), normal(2, 3, 4), normal(2, 5, 4))
add("gather", grad(weighted(lambda a, i: a[i]), 0), normal(5, 3), integers(9, high=5))
add("take_along_axis", grad(weighted(lambda a, i: jnp.take_along_axis(a, i, 1)), 0), normal(4, 5), integers(4, 3, high=5))
add("scatter_set", grad(weighted(lambda a, u: a.at[jnp.array([1, 3])].set(u)), (0, 1)), normal(5, 2), normal(2, 2))
add("scatter_add", grad(weighted(lambda a, u: a.at[jnp.array([1, 3, 1])].add(u)), (0, 1)), normal(5, 2), normal(3, 2))
add("scatter_mul", grad(weighted(lambda a, u: a.at[jnp.array([1, 3])].multiply(u, unique_indices=True)), (0, 1)), normal(5, 2), normal(2, 2))
add("segment_max", grad(weighted(lambda a, i: jax.ops.segment_sum(a * a, i, 3)), 0), normal(7), integers(7, high=3))
add("dynamic_slice", grad(weighted(lambda a, i: lax.dynamic_slice(a, (i, 1), (2, 3))), 0), normal(5, 5), integers(high=5))
add("dynamic_update_slice", grad(weighted(lambda a, u, i: lax.dynamic_update_slice(a, u, (i,))), (0, 1)), normal(7), normal(2), integers(high=7))
add("concatenate", grad(weighted(lambda a, b, c: jnp.concatenate([a, b, c])), (0, 1, 2)), normal(1), normal(4), normal(1))
add("stack_scalars", grad(weighted(lambda a, b: jnp.stack([a * b, a + b, jnp.sin(a)]) ** 2), (0, 1)), normal(), normal())
add("pad_modes", grad(weighted(lambda a: (jnp.pad(a, (2, 1)) ** 2, jnp.pad(a, 2, mode="reflect") ** 2))), normal(5))
add("pad_interior", grad(weighted(lambda a: lax.pad(a, 0.0, ((1, -1, 2), (0, 1, 1))) ** 2)), normal(3, 4))
add("roll_flip_tile", grad(weighted(lambda a: (jnp.roll(a, 2) ** 2, jnp.flip(a) ** 3, jnp.tile(a, 3) ** 2))), normal(5))
add("where", grad(weighted(lambda a, b, c: jnp.where(c, a * b, a)), (0, 1)), normal(7), normal(7), booleans(7))
add("where_safe_sqrt", grad(lambda x: jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1.0)), 0.0).sum()), spaced(7))
add("abs_clip_relu", grad(weighted(lambda x: (abs(x), jnp.clip(x, -0.5, 0.6), nn.relu(x), jnp.sign(x) * x))), spaced(9))
add("interp", grad(weighted(lambda x, y: jnp.interp(x, jnp.arange(5.0), y)), (0, 1)), uniform(7, low=0.1, high=3.9), normal(5))
add("convolve", grad(weighted(jnp.convolve), (0, 1)), normal(9), normal(3))
add("elementwise", grad(weighted(lambda x: (jnp.sin(x), jnp.tanh(x), jnp.exp(x), jnp.log(x), jnp.sqrt(x), x**2.5, jnp.arctan(x), lax.erf(x), lax.lgamma(x), lax.rsqrt(x), lax.logistic(x), jnp.arcsinh(x), lax.cbrt(x)))), uniform(9, low=0.3, high=2))
add("power_both", grad(weighted(lambda x, y: x**y), (0, 1)), uniform(7, low=0.3, high=2), normal(7))
add("arctan2_hypot", grad(weighted(lambda x, y: (jnp.arctan2(x, y), jnp.hypot(x, y), jnp.logaddexp(x, y))), (0, 1)), normal(7), normal(7))
add("complex_abs", grad(weighted(lambda x: jnp.abs(x + 1j * x * x))), normal(7))
add("complex_holomorphic", grad(lambda z: jnp.exp(z * z), holomorphic=True), complexes())
add("hessian_quadratic", hessian(lambda x, a: x @ a @ x + (x**3).sum()), normal(4), normal(4, 4))
add("hessian_rosenbrock", hessian(lambda x: ((1 - x[:-1]) ** 2 + 100 * (x[1:] - x[:-1] ** 2) ** 2).sum()), normal(4))
add("hessian_two_variables", hessian(lambda x: jnp.sin(x[0]) * jnp.exp(x[1])), normal(2))
add("hessian_one_variable", hessian(lambda x: (x**4).sum()), normal(1))
add("hessian_scalar", grad(grad(lambda x: jnp.sin(x) * x**3)), normal())
add("hessian_logistic", hessian(lambda w, x, y: jnp.mean(nn.softplus(x @ w) - y * (x @ w))), normal(3), normal(9, 3), booleans(9))
add("hessian_softmax", hessian(lambda x: nn.logsumexp(x)), normal(5))
add("hessian_vector_product", lambda x, v: jvp(grad(lambda y: (jnp.sin(y) * jnp.roll(y, 1)).sum()), (x,), (v,))[1], normal(5), normal(5))
add("jacfwd", jacfwd(lambda x: jnp.stack([x[0] * x[1], x[1] ** 2, jnp.sin(x[0])])), normal(2))
add("jacrev", jacrev(lambda x: jnp.stack([x[0] * x[1], x[1] ** 2, jnp.sin(x[0])])), normal(2))
add("jacfwd_polar", jacfwd(lambda p: jnp.array([p[0] * jnp.cos(p[1]), p[0] * jnp.sin(p[1])])), uniform(2, low=0.5))
add("jacobian_determinant", lambda x: (lambda j: j[0, 0] * j[1, 1] - j[0, 1] * j[1, 0])(jacfwd(lambda p: jnp.array([p[0] * p[1], p[0] - p[1] ** 2]))(x)), normal(2))
add("jacrev_softmax", jacrev(nn.softmax), normal(5))
add("jacrev_matmul", jacrev(lambda w, x: jnp.tanh(w @ x)), normal(3, 4), normal(4))
add("jvp", lambda x, v: jvp(lambda y: (jnp.cumsum(jnp.exp(y)), nn.logsumexp(y)), (x,), (v,)), normal(7), normal(7))
add("vjp_tree", lambda x, c: vjp(lambda t: {"a": t["u"] * t["v"], "b": jnp.sin(t["u"])}, x)[1](c), {"u": normal(3), "v": normal(3)}, {"a": normal(3), "b": normal(3)})
add("jvp_of_sort_max", lambda x, v: jvp(lambda y: (jnp.sort(y), y.max(), jnp.median(y)), (x,), (v,)), spaced(7), normal(7))
add("third_derivative", vmap(grad(grad(grad(lambda x: jnp.tanh(x) * x)))), normal(7))
add("laplacian", lambda x: jnp.trace(hessian(lambda y: jnp.exp(-(y**2).sum()))(x)), normal(3))
add("vmap_grad", vmap(grad(lambda x: (jnp.sin(x) * x).sum())), normal(4, 3))
add("vmap_in_axes", vmap(lambda a, b: a @ b, (None, 1), 1), normal(3, 4), normal(4, 5))
add("vmap_nested", vmap(vmap(lambda x, y: jnp.dot(x, y), (None, 0)), (0, None)), normal(4, 3), normal(5, 3))
add("vmap_dynamic_slice", vmap(lambda a, i: lax.dynamic_slice(a, (i,), (3,))), normal(4, 7), integers(4, high=7))
add("vmap_dynamic_update", vmap(lambda a, u, i: lax.dynamic_update_slice(a, u, (i,))), normal(4, 7), normal(4, 2), integers(4, high=7))
add("vmap_gather", vmap(lambda a, i: a[i]), normal(4, 7), integers(4, 3, high=7))
add("vmap_scatter", vmap(lambda a, i, u: a.at[i].add(u)), normal(4, 7), integers(4, 3, high=7), normal(4, 3))
add("vmap_sort_searchsorted", vmap(lambda a, v: (jnp.sort(a), jnp.searchsorted(jnp.sort(a), v))), spaced(4, 7), normal(4, 3))
add("vmap_conv", vmap(lambda x, w: jnp.convolve(x, w, mode="same")), normal(4, 9), normal(4, 3))
add("vmap_while", vmap(lambda x: lax.while_loop(lambda y: y < 10, lambda y: y * 2 + 1, x)), uniform(5, high=8))
add("vmap_scan", vmap(lambda a: lax.scan(lambda c, x: (c * 0.5 + x, c), 0.0, a)), normal(3, 6))
add("vmap_random", vmap(lambda k, m: m + jax.random.normal(k, (3,))), key(4), normal(4))
add("checkpoint", grad(lambda x: jax.checkpoint(lambda y: jnp.sin(jnp.sin(y)))(x).sum()), normal(5))
add("scan_rnn", grad(lambda w, x: (lax.scan(lambda h, u: (jnp.tanh(w @ h + u),) * 2, jnp.zeros(3), x)[1] ** 2).sum(), (0, 1)), normal(3, 3), normal(5, 3))
add("scan_checkpoint", grad(lambda w, x: lax.scan(jax.checkpoint(lambda h, u: (jnp.tanh(w * h + u), None)), jnp.zeros(3), x)[0].sum()), normal(3), normal(5, 3))
add("associative_scan", grad(weighted(lambda a: lax.associative_scan(jnp.multiply, a))), uniform(7, low=0.5, high=2))
add("fori_static", grad(lambda x: lax.fori_loop(0, 4, lambda i, y: y * 1.1 + jnp.sin(y), x).sum()), normal(3))
add("custom_vjp_clip", lambda x: _clipped_gradient_loss(x), normal(7))
add("custom_jvp", grad(lambda x: _log1pexp(x).sum()), normal(7))
add("straight_through", grad(lambda x: ((x + lax.stop_gradient(jnp.round(x) - x)) ** 2).sum()), normal(7, scale=3))
add("stop_gradient_target", grad(lambda x: ((x[:-1] - lax.stop_gradient(x[1:])) ** 2).sum()), normal(5))
add("implicit_root", grad(lambda a: lax.custom_root(lambda x: x**3 - a, 1.0, lambda f, x: lax.fori_loop(0, 12, lambda i, y: y - f(y) / grad(f)(y), x), lambda g, y: y / g(1.0))), uniform(low=1, high=3))
add("linear_transpose", lambda x: jax.linear_transpose(lambda y: jnp.stack([y[0] * 2, y[1] - y[0], y.sum()]), x[:2])(x)[0], normal(3))
add("attention", grad(weighted(lambda q, k, v: nn.softmax(q @ k.T / 2.0) @ v), (0, 1, 2)), normal(5, 4), normal(6, 4), normal(6, 3))
add("embedding_cross_entropy", grad(lambda e, i, y: cross_entropy(e[i] @ e.T, y)), normal(9, 4), integers(6, high=9), integers(6, high=9))
add("gelu_mlp_bf16", grad(lambda w, x: (nn.gelu(x @ w).astype(jnp.float32) ** 2).mean()), normal(8, 5, dtype="bfloat16"), normal(3, 8, dtype="bfloat16"))
add("norm_clipping", lambda g: (lambda n: jax.tree.map(lambda x: x * jnp.minimum(1.0, 1.0 / n), g))(jnp.sqrt(sum((x**2).sum() for x in jax.tree.leaves(g)))), {"w": normal(3, 4), "b": normal(4)})
add("fft_power", grad(lambda x: (jnp.abs(jnp.fft.rfft(x)) ** 2).sum()), normal(8))
add("f64_deep", grad(lambda x: jnp.sum(jnp.sin(jnp.exp(jnp.cos(x) * x)))), normal(7, dtype="float64"), x64=True)


@jax.custom_vjp
def _clip_gradient(x):
    return x


_clip_gradient.defvjp(lambda x: (x, None), lambda _, g: (jnp.clip(g, -0.5, 0.5),))
_clipped_gradient_loss = grad(lambda x: (_clip_gradient(x) ** 2).sum())


@jax.custom_jvp
def _log1pexp(x):
    return jnp.log1p(jnp.exp(x))


_log1pexp.defjvps(lambda t, _, x: t * nn.sigmoid(x))


def ctc_loss(log_probabilities, labels, blank=0):
    """-log p(labels) by the forward recursion over labels with blanks between."""
    extended = jnp.full(2 * labels.shape[0] + 1, blank).at[1::2].set(labels)
    skip = (extended != blank) & (extended != jnp.roll(extended, 2)) & (jnp.arange(extended.shape[0]) >= 2)
    start = jnp.where(jnp.arange(extended.shape[0]) < 2, log_probabilities[0, extended], -1e9)

    def step(alpha, row):
        one = jnp.concatenate([jnp.array([-1e9]), alpha[:-1]])
        two = jnp.where(skip, jnp.concatenate([jnp.array([-1e9, -1e9]), alpha[:-2]]), -1e9)
        return nn.logsumexp(jnp.stack([alpha, one, two]), axis=0) + row[extended], None

    alpha = lax.scan(step, start, log_probabilities[1:])[0]
    return -jnp.logaddexp(alpha[-1], alpha[-2])


add("ctc_loss", lambda l, y: ctc_loss(nn.log_softmax(l), y), normal(7, 5), value([1, 3, 3], "int32"))
add("ctc_loss_gradient", grad(lambda l, y: ctc_loss(nn.log_softmax(l), y)), normal(7, 5), value([1, 2, 2], "int32"))
add("ctc_loss_one_label", grad(lambda l, y: ctc_loss(nn.log_softmax(l), y)), normal(4, 3), value([2], "int32"))
