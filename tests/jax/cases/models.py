"""Models and steps of algorithms, each small."""
import functools

import jax
import jax.numpy as jnp
import optax
from jax.experimental.ode import odeint
from jax import grad, lax, nn, vmap

from specs import (Table, ascending, bits, booleans, complexes, integers, key, normal, permutation,
                   positive_definite, spaced, uniform, value)

TABLE = Table("model")
add = TABLE.add


# ---- state space, filters, differential equations
def kalman(zs, a, h, q, r):
    def step(state, z):
        m, p = state
        m, p = a @ m, a @ p @ a.T + q
        s = h @ p @ h.T + r
        gain = p @ h.T / s
        m = m + gain[:, 0] * (z - (h @ m)[0])
        p = p - gain @ h @ p
        return (m, p), (m, p)

    return lax.scan(step, (jnp.zeros(2), jnp.eye(2)), zs)


CONSTANT_SPEED = lambda dt: jnp.array([[1.0, dt], [0.0, 1.0]])
add("kalman", lambda z, dt: kalman(z, CONSTANT_SPEED(dt), jnp.array([[1.0, 0.0]]), 0.1 * jnp.eye(2), jnp.array([[0.5]])), normal(9), uniform(low=0.1))
add("kalman_scalar", lambda z: lax.scan(lambda c, x: (lambda p, k: ((c[0] + k * (x - c[0]), (1 - k) * p), c[0]))(c[1] + 0.1, (c[1] + 0.1) / (c[1] + 0.6)), (0.0, 1.0), z), normal(9))
add("kalman_matrices_of_scalars", lambda z, s: lax.scan(lambda m, x: (jnp.array([[s, x], [x * s, 1.0]]) @ m, m.sum()), jnp.eye(2), z), normal(5, scale=0.5), uniform())
add("extended_kalman_jacobian", lambda x: jax.jacfwd(lambda s: jnp.array([s[0] + 0.1 * s[2] * jnp.cos(s[3]), s[1] + 0.1 * s[2] * jnp.sin(s[3]), s[2], s[3] + 0.1]))(x), normal(4))
add("particle_filter_step", lambda k, x, z: (lambda w: x[jnp.searchsorted(jnp.cumsum(w), (jnp.arange(16) + jax.random.uniform(k)) / 16)])(nn.softmax(-0.5 * (x - z) ** 2)), key(), normal(16), normal())
add("hmm_forward", lambda t, e, o: lax.scan(lambda a, i: (lambda b: (b / b.sum(), jnp.log(b.sum())))((a @ nn.softmax(t)) * nn.softmax(e)[:, i]), jnp.ones(3) / 3, o), normal(3, 3), normal(3, 4), integers(7, high=4))
add("viterbi", lambda t, e, o: lax.scan(lambda a, i: (lambda s: (s.max(0) + e[:, i], s.argmax(0)))(a[:, None] + t), jnp.zeros(3), o), spaced(3, 3, step=0.37), spaced(3, 4, step=0.41), integers(7, high=4))
add("crf_log_partition", lambda t, e: lax.scan(lambda a, x: (nn.logsumexp(a[:, None] + t, axis=0) + x, None), jnp.zeros(4), e)[0], normal(4, 4), normal(6, 4))
add("linear_ssm_scan", lambda a, b, c, u: lax.scan(lambda x, v: (a * x + b * v, (c * x).sum()), jnp.zeros(4), u)[1], uniform(4), normal(4), normal(4), normal(12))
add("ssm_associative", lambda a, x: lax.associative_scan(lambda l, r: (l[0] * r[0], r[0] * l[1] + r[1]), (a, x), axis=1)[1], uniform(2, 9, 3), normal(2, 9, 3))
add("mamba_selective_scan", lambda x, d, a, b, c: lax.scan(lambda h, t: (lambda n: (n, (n * t[3]).sum(-1)))(jnp.exp(t[1][:, None] * a) * h + t[1][:, None] * t[2] * t[0][:, None]), jnp.zeros((4, 3)), (x, nn.softplus(d), b, c))[1], normal(7, 4), normal(7, 4), uniform(4, 3, low=-2, high=-0.1), normal(7, 3), normal(7, 3))


def rk4(f, y, dt, steps):
    def step(y, _):
        k1 = f(y)
        k2 = f(y + dt / 2 * k1)
        k3 = f(y + dt / 2 * k2)
        k4 = f(y + dt * k3)
        y = y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return y, y

    return lax.scan(step, y, None, length=steps)[1]


def lorenz(s):
    return jnp.stack([10.0 * (s[1] - s[0]), s[0] * (28.0 - s[2]) - s[1], s[0] * s[1] - 8.0 / 3.0 * s[2]])


add("rk4_lorenz", lambda y: rk4(lorenz, y, 0.01, 10), normal(3))
add("rk4_lotka_volterra", lambda y: rk4(lambda s: jnp.array([s[0] * (1 - s[1]), s[1] * (s[0] - 1)]), y, 0.05, 12), uniform(2, low=0.5, high=2))
add("rk4_pendulum_f64", lambda y: rk4(lambda s: jnp.array([s[1], -jnp.sin(s[0])]), y, 0.05, 12), normal(2, dtype="float64"), x64=True)
add("rk4_scalar", lambda y: rk4(lambda s: -s * s, y, 0.1, 5), uniform())
add("rk4_gradient", grad(lambda y: rk4(lambda s: jnp.array([s[1], -s[0]]), y, 0.1, 5)[-1].sum()), normal(2))
add("leapfrog_nbody", lambda x, v: lax.fori_loop(0, 5, lambda i, s: (lambda u: (s[0] + 0.01 * u, u))(s[1] + 0.01 * (lambda d: (d / ((d**2).sum(-1, keepdims=True) + 0.1) ** 1.5).sum(1))(s[0][None] - s[0][:, None])), (x, v)), normal(4, 3), normal(4, 3))
add("odeint", lambda y: odeint(lambda s, t: jnp.array([s[1], -s[0]]), y, jnp.linspace(0, 0.5, 3), rtol=1e-3, atol=1e-3), normal(2))
add("adaptive_euler", lambda y: lax.while_loop(lambda c: c[1] < 1.0, lambda c: (lambda h: (c[0] - h * c[0], c[1] + h))(0.07 / (1 + 0.1 * c[1])), (y, 0.0)), normal(3))
add("heat_equation", lambda u: lax.fori_loop(0, 8, lambda i, v: v.at[1:-1].add(0.2 * (v[2:] - 2 * v[1:-1] + v[:-2])), u), normal(17))
add("heat_equation_2d", lambda u: lax.scan(lambda v, _: (v + 0.1 * (jnp.roll(v, 1, 0) + jnp.roll(v, -1, 0) + jnp.roll(v, 1, 1) + jnp.roll(v, -1, 1) - 4 * v), v.sum()), u, None, length=6), normal(7, 9))
add("wave_equation", lambda u, v: lax.fori_loop(0, 6, lambda i, s: (s[1], 2 * s[1] - s[0] + 0.1 * jnp.convolve(s[1], jnp.array([1.0, -2.0, 1.0]), mode="same")), (u, v)), normal(13), normal(13))
add("game_of_life", lambda b: lax.fori_loop(0, 4, lambda i, s: (lambda n: ((n == 3) | ((n == 2) & (s == 1))).astype(jnp.int32))(sum(jnp.roll(s, (y, x), (0, 1)) for y in (-1, 0, 1) for x in (-1, 0, 1)) - s), b), integers(9, 11, high=2))
add("mandelbrot", lambda c: lax.fori_loop(0, 12, lambda i, s: (jnp.where(s[1] < 12, s[0], s[0] * s[0] + c), s[1]), (c * 0, jnp.full(c.shape, 12))), lambda g: (g.uniform(-0.5, 0.2, 9) + 1j * g.uniform(-0.4, 0.4, 9)).astype("complex64"))
add("sde_euler_maruyama", lambda k, x: lax.scan(lambda c, i: (c - 0.1 * c + 0.3 * jax.random.normal(jax.random.fold_in(k, i), c.shape), c), x, jnp.arange(5)), key(), normal(3))
add("diffusion_denoise_step", lambda k, x, e, t: (lambda b, a: (x - b / jnp.sqrt(1 - a) * e) / jnp.sqrt(1 - b) + jnp.sqrt(b) * jax.random.normal(k, x.shape))(jnp.linspace(1e-4, 0.02, 10)[t], jnp.cumprod(1 - jnp.linspace(1e-4, 0.02, 10))[t]), key(), normal(2, 4, 4), normal(2, 4, 4), value(4, "int32"))
add("timestep_embedding", lambda t: (lambda a: jnp.concatenate([jnp.sin(a), jnp.cos(a)], -1))(t[:, None] * jnp.exp(-jnp.log(10000.0) * jnp.arange(4) / 4)), integers(3, high=100, dtype="float32"))


# ---- attention
def attention(q, k, v, mask=None):
    s = jnp.einsum("qhd,khd->hqk", q, k) / jnp.sqrt(q.shape[-1])
    if mask is not None:
        s = jnp.where(mask, s, -1e30)
    return jnp.einsum("hqk,khd->qhd", nn.softmax(s), v)


def rope(x, positions):
    half = x.shape[-1] // 2
    angles = positions[:, None, None] * 10000.0 ** (-jnp.arange(half) / half)
    a, b = x[..., :half], x[..., half:]
    return jnp.concatenate([a * jnp.cos(angles) - b * jnp.sin(angles), a * jnp.sin(angles) + b * jnp.cos(angles)], -1)


QKV = (normal(5, 2, 4), normal(5, 2, 4), normal(5, 2, 4))
add("attention", attention, *QKV)
add("attention_causal", lambda q, k, v: attention(q, k, v, jnp.tri(5, dtype=bool)), *QKV)
add("attention_window", lambda q, k, v: attention(q, k, v, abs(jnp.arange(5)[:, None] - jnp.arange(5)) < 2), *QKV)
add("attention_one_token", attention, normal(1, 1, 4), normal(1, 1, 4), normal(1, 1, 4))
add("attention_one_feature", attention, normal(3, 1, 1), normal(3, 1, 1), normal(3, 1, 1))
add("attention_alibi", lambda q, k, v: jnp.einsum("hqk,khd->qhd", nn.softmax(jnp.einsum("qhd,khd->hqk", q, k) - jnp.array([0.5, 0.25])[:, None, None] * abs(jnp.arange(5)[:, None] - jnp.arange(5))), v), *QKV)
add("attention_grouped", lambda q, k, v: attention(q, jnp.repeat(k, 2, 1), jnp.repeat(v, 2, 1)), normal(5, 4, 4), normal(5, 2, 4), normal(5, 2, 4))
add("attention_rope", lambda q, k, v: attention(rope(q, jnp.arange(5.0)), rope(k, jnp.arange(5.0)), v), *QKV)
add("rope_interleaved", lambda x, p: (lambda z: jnp.stack([z.real, z.imag], -1).reshape(x.shape))(lax.complex(x[..., ::2], x[..., 1::2]) * jnp.exp(1j * p[:, None] * jnp.arange(1, 5))), normal(5, 8), uniform(5))
add("rope_one_pair", lambda x, t: jnp.array([x[0] * jnp.cos(t) - x[1] * jnp.sin(t), x[0] * jnp.sin(t) + x[1] * jnp.cos(t)]), normal(2), normal())
add("attention_linear", lambda q, k, v: lax.scan(lambda c, t: ((c[0] + jnp.outer(t[1], t[2]), c[1] + t[1]), t[0] @ (c[0] + jnp.outer(t[1], t[2])) / (t[0] @ (c[1] + t[1]) + 1e-3)), (jnp.zeros((4, 3)), jnp.zeros(4)), (nn.elu(q) + 1, nn.elu(k) + 1, v))[1], normal(6, 4), normal(6, 4), normal(6, 3))
add("attention_online_softmax", lambda q, k, v: (lambda r: r[2] / r[1][:, None])(lax.scan(lambda c, t: _online(c, q, t), (jnp.full(5, -1e30), jnp.zeros(5), jnp.zeros((5, 4))), (k.reshape(3, 2, 4), v.reshape(3, 2, 4)))[0]), normal(5, 4), normal(6, 4), normal(6, 4))
add("kv_cache_decode", lambda q, k, v, kc, vc, n: (lambda kk, vv: (jnp.einsum("hk,khd->hd", nn.softmax(jnp.where(jnp.arange(8) <= n, jnp.einsum("hd,khd->hk", q, kk), -1e30)), vv), kk, vv))(lax.dynamic_update_slice(kc, k[None], (n, 0, 0)), lax.dynamic_update_slice(vc, v[None], (n, 0, 0))), normal(2, 4), normal(2, 4), normal(2, 4), normal(8, 2, 4), normal(8, 2, 4), value(3, "int32"))
add("greedy_decode", lambda e, w, t: lax.scan(lambda c, _: (lambda n: (n, n))(jnp.argmax(jnp.tanh(e[c]) @ w).astype(jnp.int32)), t, None, length=6)[1], normal(7, 5), normal(5, 7), value(2, "int32"))
add("top_p_sampling", lambda k, l: (lambda o: o[jax.random.categorical(k, jnp.where(jnp.cumsum(nn.softmax(l[o])) - nn.softmax(l[o]) < 0.8, l[o], -jnp.inf))])(jnp.argsort(-l)), key(), spaced(9))
add("beam_search_step", lambda s, l: (lambda f: (f[0], f[1] // 7, f[1] % 7))(lax.top_k((s[:, None] + nn.log_softmax(l)).reshape(-1), 3)), normal(3), normal(3, 7))
add("repetition_penalty", lambda l, t: l.at[t].set(jnp.where(l[t] > 0, l[t] / 1.3, l[t] * 1.3)), normal(9), value([1, 5, 5], "int32"))
add("relative_position_bias", lambda b: b[:, jnp.clip(jnp.arange(6)[:, None] - jnp.arange(6) + 3, 0, 6)], normal(2, 7))
add("transformer_block", lambda x, wq, wk, wv, wo, w1, w2: (lambda y: y + nn.gelu(nn.standardize(y) @ w1) @ w2)(x + (nn.softmax((x @ wq) @ (x @ wk).T) @ (x @ wv)) @ wo), normal(5, 8), *[normal(8, 8, scale=0.3)] * 4, normal(8, 16, scale=0.3), normal(16, 8, scale=0.3))
add("perceiver_cross_attention", lambda l, x: attention(l, x, x), normal(3, 2, 4), normal(11, 2, 4))
add("axial_attention", lambda x: vmap(lambda r: attention(r, r, r))(x), normal(3, 5, 2, 4))
add("talking_heads", lambda q, k, v, w: jnp.einsum("hqk,khd->qhd", nn.softmax(jnp.einsum("gh,hqk->gqk", w, jnp.einsum("qhd,khd->hqk", q, k))), v), *QKV, normal(2, 2))
add("retention_chunk", lambda q, k, v: ((q @ k.T) * jnp.where(jnp.tri(5, dtype=bool), 0.9 ** (jnp.arange(5.0)[:, None] - jnp.arange(5.0)), 0.0)) @ v, normal(5, 4), normal(5, 4), normal(5, 4))


def _online(carry, q, block):
    m, total, out = carry
    s = q @ block[0].T
    new = jnp.maximum(m, s.max(1))
    p, scale = jnp.exp(s - new[:, None]), jnp.exp(m - new)
    return (new, total * scale + p.sum(1), out * scale[:, None] + p @ block[1]), None


# ---- recurrent
def lstm(x, w, u, b):
    def step(state, t):
        h, c = state
        i, f, g, o = jnp.split(t @ w + h @ u + b, 4)
        c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
        h = nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    zero = jnp.zeros(u.shape[0])
    return lax.scan(step, (zero, zero), x)[1]


def gru(x, w, u):
    def step(h, t):
        a, b = t @ w, h @ u
        n = h.shape[0]
        r, z = nn.sigmoid(a[:n] + b[:n]), nn.sigmoid(a[n:2 * n] + b[n:2 * n])
        h = (1 - z) * jnp.tanh(a[2 * n:] + r * b[2 * n:]) + z * h
        return h, h

    return lax.scan(step, jnp.zeros(u.shape[0]), x)[1]


add("rnn", lambda x, w, u: lax.scan(lambda h, t: (jnp.tanh(t @ w + h @ u),) * 2, jnp.zeros(4), x)[1], normal(6, 3), normal(3, 4), normal(4, 4, scale=0.5))
add("lstm", lstm, normal(6, 3), normal(3, 16), normal(4, 16, scale=0.5), normal(16))
add("lstm_one_unit", lstm, normal(5, 1), normal(1, 4), normal(1, 4), normal(4))
add("lstm_gradient", grad(lambda x, w, u, b: (lstm(x, w, u, b) ** 2).sum(), (1, 2, 3)), normal(4, 3), normal(3, 16), normal(4, 16, scale=0.5), normal(16))
add("gru", gru, normal(6, 3), normal(3, 12), normal(4, 12, scale=0.5))
add("gru_one_unit", gru, normal(5, 1), normal(1, 3), normal(1, 3))
add("bidirectional", lambda x, w, u: jnp.concatenate([gru(x, w, u), gru(x[::-1], w, u)[::-1]], -1), normal(6, 3), normal(3, 12), normal(4, 12, scale=0.5))
add("lstm_batched", vmap(lstm, (0, None, None, None)), normal(3, 5, 2), normal(2, 8), normal(2, 8), normal(8))
add("rnn_masked_lengths", lambda x, n: lax.scan(lambda h, t: (jnp.where(t[1] < n, jnp.tanh(h + t[0]), h), None), jnp.zeros(3), (x, jnp.arange(6)))[0], normal(6, 3), value(4, "int32"))
add("echo_state", lambda w, x: lax.fori_loop(0, 6, lambda i, h: 0.7 * h + 0.3 * jnp.tanh(w @ h + x[i]), jnp.zeros(4)), normal(4, 4, scale=0.5), normal(6))


# ---- convolutional
def conv(x, w, stride=1, padding="SAME"):
    return lax.conv_general_dilated(x, w, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))


def max_pool(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


add("lenet", lambda x, a, b, w: max_pool(nn.relu(conv(max_pool(nn.relu(conv(x, a))), b))).reshape(2, -1) @ w, normal(2, 8, 8, 1), normal(3, 3, 1, 4), normal(3, 3, 4, 6), normal(24, 5))
add("residual_block", lambda x, a, b: nn.relu(x + conv(nn.relu(conv(x, a)), b)), normal(1, 6, 6, 4), normal(3, 3, 4, 4, scale=0.2), normal(3, 3, 4, 4, scale=0.2))
add("unet_two_levels", lambda x, d, m, u: (lambda s: conv(jnp.concatenate([s, jax.image.resize(nn.relu(conv(max_pool(s), m)), s.shape[:3] + (6,), "nearest")], -1), u))(nn.relu(conv(x, d))), normal(1, 8, 6, 2), normal(3, 3, 2, 4), normal(3, 3, 4, 6), normal(3, 3, 10, 1))
add("unet_transposed_conv", lambda x, w, v: jnp.concatenate([x, lax.conv_transpose(conv(x, w, 2), v, (2, 2), "SAME")], -1), normal(1, 6, 6, 2), normal(3, 3, 2, 4), normal(2, 2, 4, 3))
add("cnn_training_gradient", grad(lambda p, x, y: -jnp.take_along_axis(nn.log_softmax(max_pool(nn.relu(conv(x, p["c"]))).reshape(3, -1) @ p["w"]), y[:, None], 1).mean()), {"c": normal(3, 3, 1, 2), "w": normal(18, 4)}, normal(3, 6, 6, 1), integers(3, high=4))
add("wavenet_dilated", lambda x, w: functools.reduce(lambda h, d: jnp.tanh(lax.conv_general_dilated(h, w, (1,), ((d, 0),), rhs_dilation=(d,), dimension_numbers=("NWC", "WIO", "NWC"))) + h, (1, 2, 4), x), normal(1, 12, 3), normal(2, 3, 3, scale=0.4))
add("vit_patches", lambda x, w, p: jnp.concatenate([jnp.zeros((1, 1, 5)), conv(x, w, 4, "VALID").reshape(1, 4, 5)], 1) + p, normal(1, 8, 8, 3), normal(4, 4, 3, 5), normal(5, 5))
add("style_gram", lambda x: (lambda f: f.T @ f / f.shape[0])(x.reshape(-1, 3)), normal(4, 5, 3))
add("sobel_edges", lambda x: jnp.hypot(*[jax.scipy.signal.convolve2d(x, k, mode="same") for k in (jnp.array([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]]), jnp.array([[1.0, 2, 1], [0, 0, 0], [-1, -2, -1]]))]), normal(7, 6))
add("gaussian_blur", lambda x: (lambda k: jnp.convolve(x, k / k.sum(), mode="same"))(jnp.exp(-jnp.arange(-2.0, 3.0) ** 2)), normal(13))
add("nms_boxes", lambda b, s: (lambda o: lax.fori_loop(0, 5, lambda i, keep: keep & ~((jnp.arange(5) > i) & keep[i] & (_iou(b[o][i], b[o]) > 0.3)), jnp.ones(5, bool)))(jnp.argsort(-s)), value([[0, 0, 2, 2], [0.3, 0, 2.2, 2], [3, 3, 5, 5], [3, 3.1, 5, 5.2], [8, 8, 9, 9]]), spaced(5))
add("roi_bilinear_corner", lambda x, p: (lambda i, f: x[i] * (1 - f) + x[i + 1] * f)(jnp.floor(p).astype(jnp.int32), p - jnp.floor(p)), normal(9), uniform(5, low=0.1, high=7.8))
add("ssim", lambda a, b: (lambda ma, mb: (2 * ma * mb + 0.01) * (2 * ((a - ma) * (b - mb)).mean() + 0.03) / ((ma**2 + mb**2 + 0.01) * (a.var() + b.var() + 0.03)))(a.mean(), b.mean()), uniform(5, 5), uniform(5, 5))
add("hough_vote", lambda p: jnp.zeros((4, 8), jnp.int32).at[jnp.arange(4)[:, None], p].add(1), integers(4, 9, high=8))


def _iou(a, b):
    low, high = jnp.maximum(a[:2], b[:, :2]), jnp.minimum(a[2:], b[:, 2:])
    inter = jnp.prod(jnp.maximum(high - low, 0), -1)
    return inter / (jnp.prod(a[2:] - a[:2]) + jnp.prod(b[:, 2:] - b[:, :2], -1) - inter)


# ---- mixtures, graphs, clusters
add("moe_top2_dense", lambda x, g, w: (lambda p: jnp.einsum("te,teo->to", p * (p >= lax.top_k(p, 2)[0][:, 1:]), jnp.einsum("ti,eio->teo", x, w)))(nn.softmax(x @ g)), normal(6, 4), normal(4, 3), normal(3, 4, 5))
add("moe_capacity", lambda x, l: (lambda e: (lambda place: jnp.zeros((3, 4, 5)).at[e, place].set(x, mode="drop"))((jnp.cumsum(nn.one_hot(e, 3, dtype=jnp.int32), 0) * nn.one_hot(e, 3, dtype=jnp.int32)).sum(1) - 1))(jnp.argmax(l, -1)), normal(9, 5), spaced(9, 3))
add("moe_balance_loss", lambda l: (lambda p: 3 * (nn.one_hot(jnp.argmax(p, -1), 3).mean(0) * p.mean(0)).sum())(nn.softmax(l)), spaced(9, 3))
add("moe_sorted_dispatch", lambda x, e, w: (lambda o: jnp.zeros((9, 3)).at[o].set(lax.ragged_dot(x[o], w, jnp.bincount(e, length=3))))(jnp.argsort(e)), normal(9, 5), integers(9, high=3), normal(3, 5, 3))
add("gcn", lambda x, s, d, w: nn.relu(jnp.zeros((6, 4)).at[d].add((x @ w)[s])) / (1 + jnp.bincount(d, length=6))[:, None], normal(6, 3), integers(11, high=6), integers(11, high=6), normal(3, 4))
add("gat_edge_softmax", lambda x, s, d: (lambda e: (lambda z: z / jnp.zeros(6).at[d].add(z)[d])(jnp.exp(e - jnp.full(6, -jnp.inf).at[d].max(e)[d])))((x[s] * x[d]).sum(-1)), normal(6, 3), integers(11, high=6), integers(11, high=6))
add("pagerank", lambda a: lax.fori_loop(0, 8, lambda i, p: 0.15 / 5 + 0.85 * (a / a.sum(0)) @ p, jnp.ones(5) / 5), uniform(5, 5, low=0.1))
add("floyd_warshall", lambda d: lax.fori_loop(0, 6, lambda k, x: jnp.minimum(x, x[:, k][:, None] + x[k]), d), uniform(6, 6))
add("kmeans_step", lambda x, c: (lambda a: jax.ops.segment_sum(x, a, 3) / jnp.maximum(jnp.bincount(a, length=3), 1)[:, None])(jnp.argmin(((x[:, None] - c) ** 2).sum(-1), 1)), normal(13, 2), normal(3, 2))
add("gmm_responsibilities", lambda x, m, s: nn.softmax(-0.5 * ((x[:, None] - m) / s) ** 2 - jnp.log(s)), normal(9), normal(3), uniform(3, low=0.5))
add("sinkhorn", lambda c: lax.fori_loop(0, 6, lambda i, s: (-nn.logsumexp(s[1][None] - c, axis=1), -nn.logsumexp(-nn.logsumexp(s[1][None] - c, axis=1)[:, None] - c, axis=0)), (jnp.zeros(4), jnp.zeros(5))), uniform(4, 5))
add("union_find_labels", lambda a: lax.while_loop(lambda s: s[1], lambda s: (lambda n: (n, jnp.any(n != s[0])))(jnp.where(a, s[0][None], 99).min(1)), (jnp.arange(6), True))[0], value([[1, 1, 0, 0, 0, 0], [1, 1, 1, 0, 0, 0], [0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 0], [0, 0, 0, 1, 1, 0], [0, 0, 0, 0, 0, 1]], "bool"))
add("edit_distance", lambda a, b: lax.scan(lambda row, x: (lambda new: (new, None))(jnp.concatenate([row[:1] + 1, lax.scan(lambda left, t: (jnp.minimum(jnp.minimum(left + 1, t[1] + 1), t[0] + (x != t[2])),) * 2, row[0] + 1, (row[:-1], row[1:], b))[1]])), jnp.arange(7), a)[0][-1], integers(5, high=3), integers(6, high=3))
add("dtw", lambda a, b: lax.scan(lambda row, x: (lambda new: (new, None))(lax.scan(lambda left, t: (lambda v: (v, v))(jnp.abs(x - t[2]) + jnp.minimum(left, jnp.minimum(t[0], t[1]))), 1e9, (jnp.concatenate([jnp.array([1e9]), row[:-1]]), row, b))[1]), jnp.full(6, 1e9).at[0].set(0.0), a)[0], normal(5), normal(6))
add("knapsack", lambda w, v: lax.scan(lambda best, t: (jnp.maximum(best, jnp.where(jnp.arange(15) >= t[0], jnp.roll(best, t[0]) + t[1], 0)), None), jnp.zeros(15, jnp.int32), (w, v))[0], integers(6, low=1, high=7), integers(6, low=1, high=20))
add("sieve", lambda n: lax.fori_loop(2, 7, lambda i, s: s & ~((jnp.arange(40) % i == 0) & (jnp.arange(40) > i)), jnp.arange(40) >= n), value(2, "int32"))
add("crc32", lambda b: lax.fori_loop(0, 9, lambda i, c: lax.fori_loop(0, 8, lambda j, x: jnp.where(x & 1, (x >> 1) ^ jnp.uint32(0xEDB88320), x >> 1), c ^ b[i]), jnp.uint32(0xFFFFFFFF)), integers(9, high=256, dtype="uint32"))
add("xorshift", lambda s: lax.scan(lambda x, _: (lambda y: (lambda z: (z ^ (z << 5),) * 2)(y ^ (y >> 17)))(x ^ (x << 13)), s, None, length=9), bits())
add("black_scholes", lambda s, k, t: (lambda d: s * jax.scipy.stats.norm.cdf(d) - k * jnp.exp(-0.03 * t) * jax.scipy.stats.norm.cdf(d - 0.2 * jnp.sqrt(t)))((jnp.log(s / k) + 0.05 * t) / (0.2 * jnp.sqrt(t))), uniform(9, low=80, high=120), uniform(9, low=80, high=120), uniform(9, low=0.2, high=2))
add("black_scholes_greeks", grad(lambda s, k, t: (lambda d: s * jax.scipy.stats.norm.cdf(d) - k * jnp.exp(-0.03 * t) * jax.scipy.stats.norm.cdf(d - 0.2 * jnp.sqrt(t)))((jnp.log(s / k) + 0.05 * t) / (0.2 * jnp.sqrt(t))), (0, 2)), value(100.0), value(95.0), value(0.7))
add("nerf_volume_render", lambda d, c: (lambda a: (lambda t: ((a * t)[:, None] * c).sum(0))(jnp.concatenate([jnp.ones(1), jnp.cumprod(1 - a)[:-1]])))(1 - jnp.exp(-nn.relu(d))), normal(9), uniform(9, 3))
add("positional_fourier", lambda x: jnp.concatenate([f(x[:, None] * 2.0**i) for i in range(4) for f in (jnp.sin, jnp.cos)], -1), normal(5))
add("quaternion_multiply", lambda a, b: jnp.stack([a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3], a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2], a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1], a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0]]), normal(4), normal(4))
add("rodrigues", lambda v: (lambda t, k: (lambda m: jnp.eye(3) + jnp.sin(t) * m + (1 - jnp.cos(t)) * m @ m)(jnp.array([[0, -k[2], k[1]], [k[2], 0, -k[0]], [-k[1], k[0], 0]])))(jnp.linalg.norm(v), v / jnp.linalg.norm(v)), normal(3))
add("gae", lambda r, v: lax.scan(lambda a, t: (lambda d: (d + 0.95 * 0.99 * a,) * 2)(t[0] + 0.99 * t[2] - t[1]), 0.0, (r, v[:-1], v[1:]), reverse=True)[1], normal(7), normal(8))
add("ppo_loss", grad(lambda l, o, a: -jnp.minimum(jnp.exp(l - o) * a, jnp.clip(jnp.exp(l - o), 0.8, 1.2) * a).mean()), normal(9), normal(9), normal(9))
add("q_learning", lambda q, s, a, r: q.at[s, a].add(0.1 * (r + 0.9 * q[(s + 1) % 5].max(-1) - q[s, a])), normal(5, 3), integers(4, high=5), integers(4, high=3), normal(4))
add("vae", lambda k, x, m, s, d: (lambda z: (nn.sigmoid(z @ d), -0.5 * (1 + x @ s - (x @ m) ** 2 - jnp.exp(x @ s)).sum()))(x @ m + jnp.exp(0.5 * (x @ s)) * jax.random.normal(k, (3, 2))), key(), normal(3, 6), normal(6, 2, scale=0.3), normal(6, 2, scale=0.3), normal(2, 6))
add("coupling_flow", lambda x, w: (lambda a, b: (lambda s: (jnp.concatenate([a, b * jnp.exp(s) + a], -1), s.sum(-1)))(jnp.tanh(a @ w)))(x[:, :3], x[:, 3:]), normal(4, 6), normal(3, 3))
add("gaussian_process", lambda x, y: jnp.exp(-0.5 * (x[:, None] - x) ** 2) @ y, uniform(7), normal(7))
add("conjugate_gradient", lambda a, b: lax.fori_loop(0, 5, lambda i, s: (lambda x, r, p: (lambda al: (lambda r2: (x + al * p, r2, r2 + (r2 @ r2) / (r @ r) * p))(r - al * (a @ p)))((r @ r) / (p @ (a @ p))))(*s), (jnp.zeros(8), b, b))[0], positive_definite(8), normal(8))
add("gauss_newton", lambda p, x, y: (lambda r, j: p - (lambda h, g: jnp.array([h[1, 1] * g[0] - h[0, 1] * g[1], h[0, 0] * g[1] - h[1, 0] * g[0]]) / (h[0, 0] * h[1, 1] - h[0, 1] * h[1, 0]))(j.T @ j, j.T @ r))(p[0] * jnp.exp(p[1] * x) - y, jax.jacfwd(lambda q: q[0] * jnp.exp(q[1] * x) - y)(p)), uniform(2), uniform(7), normal(7))
add("bisection", lambda a: lax.fori_loop(0, 20, lambda i, s: (lambda m: (jnp.where(m**3 < a, m, s[0]), jnp.where(m**3 < a, s[1], m)))((s[0] + s[1]) / 2), (jnp.float32(0), jnp.float32(3))), uniform(low=1, high=9))
add("golden_section", lambda c: lax.fori_loop(0, 10, lambda i, s: (lambda m1, m2: (jnp.where((m1 - c) ** 2 < (m2 - c) ** 2, s[0], m1), jnp.where((m1 - c) ** 2 < (m2 - c) ** 2, m2, s[1])))(s[1] - 0.618 * (s[1] - s[0]), s[0] + 0.618 * (s[1] - s[0])), (jnp.float32(0), jnp.float32(1))), value(0.31))
add("logistic_regression_fit", lambda x, y: lax.fori_loop(0, 6, lambda i, w: w - 0.5 * x.T @ (nn.sigmoid(x @ w) - y) / 11, jnp.zeros(3)), normal(11, 3), booleans(11))
add("linear_regression_2x2", lambda x, y: (lambda m: jnp.stack([m[0] * m[3] - m[1] * m[2], m[4] * m[2] - m[1] * m[3]]) / (m[4] * m[0] - m[1] ** 2))(jnp.array([(x * x).sum(), x.sum(), y.sum(), (x * y).sum(), 7.0])), normal(7), normal(7))
add("matrix_factorisation", lambda u, v, r: (lambda e: (u + 0.01 * e @ v, v + 0.01 * e.T @ u))(r - u @ v.T), normal(5, 2), normal(4, 2), normal(5, 4))
add("word2vec", grad(lambda e, c, p, n: -(nn.log_sigmoid((e[c] * e[p]).sum(-1)) + nn.log_sigmoid(-(e[c][:, None] * e[n]).sum(-1)).sum(-1)).mean()), normal(9, 4), integers(5, high=9), integers(5, high=9), integers(5, 3, high=9))

# ---- optimizers
PARAMETERS = {"w": normal(4, 3), "b": normal(3), "s": normal()}


def two_steps(optimizer):
    def run(parameters, gradients):
        state = optimizer.init(parameters)
        for scale in (1.0, 0.5):
            updates, state = optimizer.update(jax.tree.map(lambda g: g * scale, gradients), state, parameters)
            parameters = optax.apply_updates(parameters, updates)
        return parameters, state

    return run


for name, optimizer in {
    "sgd": optax.sgd(0.1), "momentum": optax.sgd(0.1, momentum=0.9, nesterov=True), "adam": optax.adam(1e-2), "adamw": optax.adamw(1e-2), "lion": optax.lion(1e-2),
    "rmsprop": optax.rmsprop(1e-2), "adagrad": optax.adagrad(1e-1), "adafactor": optax.adafactor(1e-2), "lamb": optax.lamb(1e-2), "nadam": optax.nadam(1e-2),
    "adamax": optax.adamax(1e-2), "radam": optax.radam(1e-2), "adadelta": optax.adadelta(1e-2), "sign": optax.sign_sgd(1e-2), "novograd": optax.novograd(1e-2), "yogi": optax.yogi(1e-2),
    "clip_cosine": optax.chain(optax.clip_by_global_norm(1.0), optax.adam(optax.warmup_cosine_decay_schedule(0.0, 1e-2, 5, 50)))}.items():
    add(f"optimizer_{name}", two_steps(optimizer), PARAMETERS, PARAMETERS)
add("ema_of_weights", lambda p, e: jax.tree.map(lambda a, b: 0.99 * b + 0.01 * a, p, e), PARAMETERS, PARAMETERS)
add("loss_scaling_step", lambda g, s: (lambda ok: (jax.tree.map(lambda x: jnp.where(ok, x / s, 0), g), jnp.where(ok, s * 2, s / 2)))(jnp.all(jnp.stack([jnp.all(jnp.isfinite(x)) for x in jax.tree.leaves(g)]))), PARAMETERS, value(1024.0))
for name, schedule in {"cosine": optax.cosine_decay_schedule(1.0, 100), "piecewise": optax.piecewise_constant_schedule(1.0, {5: 0.1, 50: 0.1}), "exponential": optax.exponential_decay(1.0, 10, 0.9), "linear": optax.linear_schedule(0.0, 1.0, 50)}.items():
    add(f"schedule_{name}", lambda n, f=schedule: vmap(f)(n), integers(5, high=100))
add("optax_ctc", lambda l, y: optax.ctc_loss(l, jnp.zeros((2, 7)), y, jnp.zeros((2, 3))), normal(2, 7, 5), value([[1, 2, 2], [3, 1, 4]], "int32"))
add("optax_ctc_gradient", grad(lambda l, y: optax.ctc_loss(l, jnp.zeros((2, 7)), y, jnp.array([[0.0, 0, 0], [0, 0, 1]])).sum()), normal(2, 7, 5), value([[1, 2, 2], [3, 1, 0]], "int32"))
for name, f in {"huber": optax.huber_loss, "log_cosh": optax.log_cosh, "l2": optax.l2_loss, "cosine": optax.cosine_distance, "sigmoid": optax.sigmoid_binary_cross_entropy, "hinge": optax.hinge_loss}.items():
    add(f"loss_{name}", f, normal(5, 4), normal(5, 4))
