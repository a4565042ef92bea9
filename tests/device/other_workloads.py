"""Workloads of kinds that the suite has few or none of, as JAX functions, for a comparison with XLA on one card.

Each entry of WORKLOADS is name -> make; make() returns (function, arguments).  Inputs and results are 256 MB or more
where nothing else is said.  `PYTHONPATH=tests/device WORKLOADS=other_workloads bench/peer_jax.py` times XLA.
"""
import jax
import jax.numpy as jnp
from jax import lax

F32, BF16 = jnp.float32, jnp.bfloat16
_draws = [0]


def values(shape, dtype=F32, scale=1.0):
    _draws[0] += 1
    return (jax.random.normal(jax.random.PRNGKey(_draws[0]), shape, F32) * scale).astype(dtype)


def integers(shape, limit, dtype=jnp.int32):
    _draws[0] += 1
    return jax.random.randint(jax.random.PRNGKey(_draws[0]), shape, 0, limit, jnp.int32).astype(dtype)


def case(function, *shapes):
    """Arguments are (shape, dtype), or (shape, limit) for integers below a limit, or (shape, limit, dtype)."""
    def make():
        drawn = []
        for shape, *kind in shapes:
            draw = integers if kind and isinstance(kind[0], int) else values
            drawn.append(draw(shape, *kind))
        return function, tuple(drawn)
    return make


# ---------------------------------------------------------------- norms
def normalised(x, axes, epsilon=1e-5):
    wide = x.astype(F32)
    mean = wide.mean(axes, keepdims=True)
    variance = jnp.square(wide - mean).mean(axes, keepdims=True)
    return (wide - mean) * lax.rsqrt(variance + epsilon)


def group_norm(x, scale, shift):
    n, h, w, c = x.shape
    y = normalised(x.reshape(n, h, w, 32, c // 32), (1, 2, 4)).reshape(x.shape)
    return (y * scale + shift).astype(x.dtype)


def group_norm_nchw(x, scale, shift):
    n, c, h, w = x.shape
    y = normalised(x.reshape(n, 32, c // 32, h, w), (2, 3, 4)).reshape(x.shape)
    return (y * scale[:, None, None] + shift[:, None, None]).astype(x.dtype)


def batch_norm(x, scale, shift):
    return (normalised(x, (0, 1, 2)) * scale + shift).astype(x.dtype)


def batch_norm_gradient(x, dy, scale, shift):
    return jax.vjp(batch_norm, x, scale, shift)[1](dy)


def group_norm_gradient(x, dy, scale, shift):
    return jax.vjp(group_norm, x, scale, shift)[1](dy)


def instance_norm(x):
    return normalised(x, (2, 3)).astype(x.dtype)


def l2_normalise(x):
    wide = x.astype(F32)
    return (wide * lax.rsqrt(jnp.square(wide).sum(-1, keepdims=True) + 1e-12)).astype(x.dtype)


def softmax_columns(x):
    return jax.nn.softmax(x.astype(F32), axis=0).astype(x.dtype)


def softmax_gradient(x, dy):
    return jax.vjp(lambda v: jax.nn.softmax(v.astype(F32), axis=-1).astype(x.dtype), x)[1](dy)


def causal_softmax(x):
    rows, columns = x.shape[-2:]
    mask = lax.broadcasted_iota(jnp.int32, (rows, columns), 0) >= lax.broadcasted_iota(jnp.int32, (rows, columns), 1)
    return jax.nn.softmax(jnp.where(mask, x.astype(F32) * 0.125, -1e30), axis=-1).astype(x.dtype)


# ---------------------------------------------------------------- scans
def linear_recurrence(a, b):
    """h[t] = a[t] h[t - 1] + b[t] along dimension 1."""
    def combine(left, right):
        return left[0] * right[0], left[1] * right[0] + right[1]
    return lax.associative_scan(combine, (a, b), axis=1)[1]


def selective_scan(x, delta, a, b, c):
    """Mamba's recurrence, step by step; x and delta are [batch, length, channels], a [channels, states]."""
    def step(h, at):
        xt, dt, bt, ct = at
        decay = jnp.exp(dt[:, :, None] * a)
        h = decay * h + (dt * xt)[:, :, None] * bt[:, None, :]
        return h, (h * ct[:, None, :]).sum(-1)
    first = jnp.zeros((x.shape[0], x.shape[2], a.shape[1]), F32)
    over_time = [jnp.moveaxis(v, 1, 0) for v in (x, delta, b, c)]
    return jnp.moveaxis(lax.scan(step, first, tuple(over_time))[1], 0, 1)


def gru(x, wx, wh, bias):
    """x is [length, batch, inputs]."""
    def step(h, xt):
        gates = xt + (h @ wh).astype(F32)
        r, z, n = jnp.split(gates, 3, axis=-1)
        r, z = jax.nn.sigmoid(r), jax.nn.sigmoid(z)
        h = ((1 - z) * jnp.tanh(n * r) + z * h.astype(F32)).astype(BF16)
        return h, h
    projected = (x @ wx).astype(F32) + bias
    return lax.scan(step, jnp.zeros((x.shape[1], wh.shape[0]), BF16), projected)[1]


# ---------------------------------------------------------------- sorting, selecting, counting
def router(logits):
    """Top 2 of the experts of each token, with weights, and each expert's load."""
    weights, experts = lax.top_k(jax.nn.softmax(logits, -1), 2)
    weights = weights / weights.sum(-1, keepdims=True)
    load = jnp.zeros((logits.shape[-1],), jnp.int32).at[experts.reshape(-1)].add(1)
    return weights, experts, load


def top_p(logits):
    """The tokens kept by nucleus sampling, as logits."""
    order = jnp.argsort(-logits, axis=-1)
    ordered = jnp.take_along_axis(logits, order, -1)
    kept = jnp.cumsum(jax.nn.softmax(ordered, -1), -1) < 0.9
    return jnp.where(kept, ordered, -jnp.inf), order


def segment_softmax(scores, segments):
    count = 65536
    top = jax.ops.segment_max(scores, segments, count)
    exponentials = jnp.exp(scores - top[segments])
    return exponentials / jax.ops.segment_sum(exponentials, segments, count)[segments]


def mixture_of_experts(x, gate, up, down):
    """Top 1 of 8 experts with a capacity, by one-hot products as in the Switch transformer."""
    tokens, experts = x.shape[0], gate.shape[1]
    capacity = 2 * tokens // experts
    scores = jax.nn.softmax((x @ gate).astype(F32), -1)
    weight, chosen = scores.max(-1), scores.argmax(-1)
    onehot = jax.nn.one_hot(chosen, experts, dtype=F32)
    place = (jnp.cumsum(onehot, 0) * onehot).sum(-1).astype(jnp.int32) - 1
    slot = jnp.where(place < capacity, chosen * capacity + place, experts * capacity)
    boxes = jnp.zeros((experts * capacity + 1, x.shape[1]), x.dtype).at[slot].set(x)[:-1]
    hidden = jax.nn.gelu(jnp.einsum("ecd,edh->ech", boxes.reshape(experts, capacity, -1), up))
    out = jnp.einsum("ech,ehd->ecd", hidden, down).reshape(experts * capacity, -1)
    out = jnp.concatenate([out, jnp.zeros((1, x.shape[1]), x.dtype)])
    return out[slot] * weight[:, None].astype(x.dtype)


# ---------------------------------------------------------------- windows and images
def pooled(x, reducer, start, size, stride, padding="SAME"):
    return lax.reduce_window(x, start, reducer, (1, size, size, 1), (1, stride, stride, 1), padding)


def max_pool(x):
    return pooled(x, lax.max, -jnp.inf, 3, 2)


def max_pool_gradient(x, dy):
    return jax.vjp(max_pool, x)[1](dy)[0]


def average_pool(x):
    return pooled(x.astype(F32), lax.add, 0.0, 3, 1).astype(x.dtype)


def average_pool_2(x):
    return pooled(x, lax.add, 0.0, 2, 2) * 0.25


def depthwise(x, w):
    return lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"),
                                    feature_group_count=x.shape[-1])


def depthwise_gradients(x, w, dy):
    return jax.vjp(depthwise, x, w)[1](dy)


def causal_convolution(x, w):
    """Mamba's short convolution: x is [batch, length, channels], w [4, channels]."""
    padded = jnp.pad(x, ((0, 0), (3, 0), (0, 0)))
    return jax.nn.silu(sum(padded[:, i:i + x.shape[1]] * w[i] for i in range(4)))


def resize(method, scale):
    def function(x):
        n, h, w, c = x.shape
        return jax.image.resize(x, (n, int(h * scale), int(w * scale), c), method)
    return function


def pixel_shuffle(x):
    n, h, w, c = x.shape
    return x.reshape(n, h, w, 2, 2, c // 4).transpose(0, 1, 3, 2, 4, 5).reshape(n, 2 * h, 2 * w, c // 4)


def patches(x):
    n, h, w, c = x.shape
    return x.reshape(n, h // 16, 16, w // 16, 16, c).transpose(0, 1, 3, 2, 4, 5).reshape(n, -1, 256 * c)


def squeeze_excite(x, down, up):
    mean = x.astype(F32).mean((1, 2))
    gate = jax.nn.sigmoid(jax.nn.relu(mean @ down) @ up)
    return (x.astype(F32) * gate[:, None, None, :]).astype(x.dtype)


# ---------------------------------------------------------------- random, complex, quantised
def dropout(x):
    keep = jax.random.bernoulli(jax.random.PRNGKey(7), 0.9, x.shape)
    return jnp.where(keep, x / 0.9, 0).astype(x.dtype)


def gumbel_sample(logits):
    return jax.random.categorical(jax.random.PRNGKey(3), logits.astype(F32), axis=-1)


def rotary_complex(x, angles):
    pairs = lax.complex(x[..., 0::2], x[..., 1::2]) * jnp.exp(1j * angles.astype(jnp.complex64))
    return jnp.stack([pairs.real, pairs.imag], -1).reshape(x.shape)


def quantise_rows(x):
    wide = x.astype(F32)
    scale = jnp.abs(wide).max(-1, keepdims=True) / 127
    return jnp.clip(jnp.round(wide / scale), -127, 127).astype(jnp.int8), scale


def dequantise(q, scale):
    return (q.astype(F32) * scale).astype(BF16)


# ---------------------------------------------------------------- losses and attention's relatives
def smoothed_cross_entropy(logits, labels):
    z = jax.nn.log_softmax(logits.astype(F32), -1)
    picked = jnp.take_along_axis(z, labels[:, None], 1)[:, 0]
    return -(0.9 * picked + 0.1 * z.mean(-1)).mean()


def kl_divergence(a, b):
    p, q = jax.nn.log_softmax(a.astype(F32), -1), jax.nn.log_softmax(b.astype(F32), -1)
    return (jnp.exp(p) * (p - q)).sum(-1)


def contrastive_loss(a, b):
    unit = lambda v: v / jnp.linalg.norm(v.astype(F32), axis=-1, keepdims=True).astype(v.dtype)
    scores = (unit(a) @ unit(b).T).astype(F32) * 20
    picked = jnp.diagonal(scores)
    return (jax.nn.logsumexp(scores, 0) + jax.nn.logsumexp(scores, 1) - 2 * picked).mean() / 2


def grouped_query_decode(q, k, v):
    """q is [batch, heads, 128], k and v [batch, length, groups, 128]."""
    groups = k.shape[2]
    q = q.reshape(q.shape[0], groups, -1, q.shape[-1])
    scores = jnp.einsum("bghd,blgd->bghl", q, k).astype(F32) * 0.088
    return jnp.einsum("bghl,blgd->bghd", jax.nn.softmax(scores, -1).astype(v.dtype), v)


def lora(x, w, a, b):
    return x @ w + (x @ a) @ b


def inverted_residual(x, expand, middle, project):
    """MobileNet's block without its norms: 1x1, depthwise 3x3, 1x1."""
    h = jax.nn.relu6(x @ expand)
    h = jax.nn.relu6(depthwise(h, middle))
    return x + h @ project


def pairwise_distances(a, b):
    return jnp.square(a[:, None, :] - b[None, :, :]).sum(-1)


def interleave(a, b):
    return jnp.stack([a, b], -1).reshape(a.shape[0], -1)


def rotate_half(x, sine, cosine):
    half = x.shape[-1] // 2
    turned = jnp.concatenate([-x[..., half:], x[..., :half]], -1)
    return x * cosine + turned * sine


# ---------------------------------------------------------------- parts of blocks and training steps
def rotate_pairs(x, sine, cosine):
    """Rotary embedding of neighbouring elements; x is [batch, length, heads, 128], the tables [length, 1, 64]."""
    even, odd = x[..., 0::2].astype(F32), x[..., 1::2].astype(F32)
    turned = jnp.stack([even * cosine - odd * sine, even * sine + odd * cosine], -1)
    return turned.reshape(x.shape).astype(x.dtype)


def layer_scale(x, y, gamma):
    return (x.astype(F32) + gamma * jax.nn.gelu(y.astype(F32))).astype(x.dtype)


def modulated_norm(x, scale, shift):
    """Adaptive layer norm: x is [batch, length, width], scale and shift [batch, width]."""
    return (normalised(x, (-1,)) * (1 + scale[:, None]) + shift[:, None]).astype(x.dtype)


def gated_unit(x):
    half = x.shape[-1] // 2
    return jax.nn.silu(x[..., :half]) * x[..., half:]


def gated_unit_gradient(x, dy):
    return jax.vjp(gated_unit, x)[1](dy)[0]


def lstm_cell(gates, cell):
    i, f, g, o = jnp.split(gates, 4, -1)
    cell = jax.nn.sigmoid(f + 1) * cell + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(cell), cell


def alibi_softmax(scores, slopes):
    """scores are [batch, heads, length, length]."""
    rows, columns = scores.shape[-2:]
    distance = jnp.arange(columns)[None, :] - jnp.arange(rows)[:, None]
    biased = scores.astype(F32) + slopes[:, None, None] * distance.astype(F32)
    return jax.nn.softmax(jnp.where(distance <= 0, biased, -1e30), -1).astype(scores.dtype)


def log_softmax_gradient(y, dy):
    wide = dy.astype(F32)
    return (wide - jnp.exp(y.astype(F32)) * wide.sum(-1, keepdims=True)).astype(dy.dtype)


def min_p_mask(logits):
    p = jax.nn.softmax(logits.astype(F32), -1)
    return jnp.where(p >= 0.1 * p.max(-1, keepdims=True), logits, -jnp.inf)


def one_hot_cross_entropy(logits, labels):
    return -(jax.nn.one_hot(labels, logits.shape[-1]) * jax.nn.log_softmax(logits.astype(F32), -1)).sum(-1).mean()


def focal_loss(logits, labels):
    p, t = jax.nn.sigmoid(logits), labels.astype(F32)
    entropy = jax.nn.softplus(logits) - logits * t
    missed = jnp.square(1 - (p * t + (1 - p) * (1 - t)))
    return (entropy * missed * (0.25 * t + 0.75 * (1 - t))).sum(-1).mean()


def huber_loss(a, b):
    size = jnp.abs(a - b)
    return jnp.where(size < 1, 0.5 * jnp.square(size), size - 0.5).mean()


def gaussian_divergence(mean, log_variance):
    return 0.5 * (jnp.exp(log_variance) + jnp.square(mean) - 1 - log_variance).sum(-1)


def cosine_similarity(a, b):
    a, b = a.astype(F32), b.astype(F32)
    return (a * b).sum(-1) * lax.rsqrt(jnp.square(a).sum(-1) * jnp.square(b).sum(-1) + 1e-8)


def fake_quantise(x, scale):
    return (jnp.clip(jnp.round(x / scale), -128, 127) * scale).astype(x.dtype)


def quantise_s8(x, scale):
    return jnp.clip(jnp.round(x.astype(F32) / scale), -128, 127).astype(jnp.int8)


def running_statistics(x, mean, variance):
    wide = x.astype(F32)
    now = wide.mean((0, 1, 2))
    spread = jnp.square(wide - now).mean((0, 1, 2))
    return 0.9 * mean + 0.1 * now, 0.9 * variance + 0.1 * spread


def masked_mean(x, mask):
    """x is [batch, length, width], mask [batch, length]."""
    weight = mask.astype(F32)[..., None]
    return (x.astype(F32) * weight).sum(1) / jnp.maximum(weight.sum(1), 1)


def moving_average(weights, average):
    return 0.999 * average + 0.001 * weights.astype(F32)


def unfold(x):
    """The 3 x 3 neighbours of each pixel side by side, without a convolution."""
    n, h, w, c = x.shape
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return jnp.concatenate([padded[:, i:i + h, j:j + w] for i in range(3) for j in range(3)], -1)


def shifted_windows(x):
    """Swin's: rolled by 3 pixels, cut into windows of 7 x 7."""
    n, h, w, c = x.shape
    rolled = jnp.roll(x, (-3, -3), (1, 2))
    return rolled.reshape(n, h // 7, 7, w // 7, 7, c).transpose(0, 1, 3, 2, 4, 5).reshape(-1, 49, c)


IMAGE = (64, 112, 112, 128)
FLAT = 1 << 26
WORKLOADS = {
    "group_norm": case(group_norm, ((64, 64, 64, 256), BF16), ((256,),), ((256,),)),
    "group_norm_nchw": case(group_norm_nchw, ((64, 256, 64, 64), BF16), ((256,),), ((256,),)),
    "group_norm_gradient": case(group_norm_gradient, ((64, 64, 64, 256), BF16), ((64, 64, 64, 256), BF16), ((256,),), ((256,),)),
    "batch_norm": case(batch_norm, ((64, 64, 64, 256), BF16), ((256,),), ((256,),)),
    "batch_norm_gradient": case(batch_norm_gradient, ((64, 64, 64, 256), BF16), ((64, 64, 64, 256), BF16), ((256,),), ((256,),)),
    "instance_norm": case(instance_norm, ((64, 256, 64, 64), BF16)),
    "l2_normalise": case(l2_normalise, ((1 << 19, 128),)),
    "softmax_columns": case(softmax_columns, ((8192, 8192),)),
    "softmax_gradient": case(softmax_gradient, ((16384, 4096), BF16), ((16384, 4096), BF16)),
    "causal_softmax": case(causal_softmax, ((32, 2048, 2048), BF16)),
    "cumsum_columns": case(lambda x: jnp.cumsum(x, 0), ((16384, 4096),)),
    "cumsum_few_rows": case(lambda x: jnp.cumsum(x, 1), ((4, FLAT // 4),)),
    "cumsum_one": case(lambda x: jnp.cumsum(x), ((FLAT,),)),
    "cumsum_integers": case(lambda x: jnp.cumsum(x, 1), ((16384, 4096), 9)),
    "cummax_rows": case(lambda x: lax.cummax(x, 1), ((8192, 8192),)),
    "cumlogsumexp": case(lambda x: lax.cumlogsumexp(x, 1), ((8192, 8192),)),
    "linear_recurrence": case(linear_recurrence, ((8, 4096, 1024),), ((8, 4096, 1024),)),
    "selective_scan": case(selective_scan, ((8, 512, 2048),), ((8, 512, 2048),), ((2048, 16),), ((8, 512, 16),), ((8, 512, 16),)),
    "gru": case(gru, ((256, 64, 1024), BF16), ((1024, 3072), BF16), ((1024, 3072), BF16), ((3072,),)),
    "top_k_router": case(router, ((1 << 19, 64),)),
    "top_p": case(top_p, ((512, 32768),)),
    "top_k_few_rows": case(lambda x: lax.top_k(x, 64), ((8, 1 << 20),)),
    "median": case(lambda x: jnp.median(x, axis=-1), ((32768, 1024),)),
    "unique_sort": case(lambda x: jnp.sort(x), ((1 << 22,), 1 << 30)),
    "histogram": case(lambda x: jnp.zeros((256,), jnp.int32).at[x].add(1), ((FLAT,), 256)),
    "histogram_many": case(lambda x: jnp.zeros((1 << 16,), jnp.int32).at[x].add(1), ((FLAT // 4,), 1 << 16)),
    "segment_sum": case(lambda x, s: jax.ops.segment_sum(x, s, 1 << 16), ((1 << 24,),), ((1 << 24,), 1 << 16)),
    "segment_sum_rows": case(lambda x, s: jax.ops.segment_sum(x, s, 10000), ((1 << 20, 64),), ((1 << 20,), 10000)),
    "segment_max_rows": case(lambda x, s: jax.ops.segment_max(x, s, 10000), ((1 << 20, 64),), ((1 << 20,), 10000)),
    "segment_softmax": case(segment_softmax, ((1 << 22,),), ((1 << 22,), 65536)),
    "mixture_of_experts": case(mixture_of_experts, ((16384, 1024), BF16), ((1024, 8), BF16), ((8, 1024, 4096), BF16), ((8, 4096, 1024), BF16)),
    "embedding": case(lambda t, i: t[i], ((50304, 1024), BF16), ((65536,), 50304)),
    "take_along": case(lambda x, i: jnp.take_along_axis(x, i, 1), ((16384, 4096),), ((16384, 2048), 4096)),
    "gather_elements": case(lambda t, i: t[i], ((1 << 22,),), ((1 << 25,), 1 << 22)),
    "one_hot": case(lambda i: jax.nn.one_hot(i, 1024, dtype=F32), ((65536,), 1024)),
    "max_pool": case(max_pool, (IMAGE, BF16)),
    "max_pool_gradient": case(max_pool_gradient, (IMAGE, F32), ((64, 56, 56, 128), F32)),
    "average_pool": case(average_pool, (IMAGE, BF16)),
    "average_pool_2": case(average_pool_2, (IMAGE, F32)),
    "depthwise": case(depthwise, (IMAGE, BF16), ((3, 3, 1, 128), BF16)),
    "depthwise_7": case(depthwise, ((64, 56, 56, 384), BF16), ((7, 7, 1, 384), BF16)),
    "depthwise_gradients": case(depthwise_gradients, (IMAGE, BF16), ((3, 3, 1, 128), BF16), (IMAGE, BF16)),
    "causal_convolution": case(causal_convolution, ((16, 4096, 1024), BF16), ((4, 1024), BF16)),
    "resize_bilinear": case(resize("bilinear", 2), ((32, 128, 128, 64), F32)),
    "resize_nearest": case(resize("nearest", 2), ((32, 128, 128, 64), F32)),
    "pixel_shuffle": case(pixel_shuffle, ((32, 128, 128, 128), BF16)),
    "patches": case(patches, ((256, 224, 224, 3), F32)),
    "squeeze_excite": case(squeeze_excite, (IMAGE, BF16), ((128, 32),), ((32, 128),)),
    "dropout": case(dropout, ((16384, 4096), BF16)),
    "random_normal": case(lambda x: jax.random.normal(jax.random.PRNGKey(0), (FLAT,)) * x, ((1,),)),
    "gumbel_sample": case(gumbel_sample, ((1024, 50304), BF16)),
    "rotary_complex": case(rotary_complex, ((16384, 32, 128),), ((16384, 1, 64),)),
    "rotate_half": case(rotate_half, ((8, 4096, 32, 128), BF16), ((4096, 1, 128), BF16), ((4096, 1, 128), BF16)),
    "quantise_rows": case(quantise_rows, ((16384, 8192), BF16)),
    "dequantise": case(dequantise, ((16384, 8192), 127, jnp.int8), ((16384, 1),)),
    "gelu_exact": case(lambda x: jax.nn.gelu(x, approximate=False), ((FLAT,),)),
    "sines": case(lambda x: jnp.sin(x) * jnp.cos(x), ((FLAT,),)),
    "smoothed_cross_entropy": case(smoothed_cross_entropy, ((8192, 32000), BF16), ((8192,), 32000)),
    "kl_divergence": case(kl_divergence, ((8192, 32000), BF16), ((8192, 32000), BF16)),
    "contrastive_loss": case(contrastive_loss, ((8192, 768), BF16), ((8192, 768), BF16)),
    "grouped_query_decode": case(grouped_query_decode, ((32, 32, 128), BF16), ((32, 8192, 8, 128), BF16), ((32, 8192, 8, 128), BF16)),
    "lora": case(lora, ((8192, 4096), BF16), ((4096, 4096), BF16), ((4096, 16), BF16), ((16, 4096), BF16)),
    "inverted_residual": case(inverted_residual, ((64, 56, 56, 64), BF16), ((64, 384), BF16), ((3, 3, 1, 384), BF16), ((384, 64), BF16)),
    "pairwise_distances": case(pairwise_distances, ((4096, 64),), ((4096, 64),)),
    "argmax_rows": case(lambda x: jnp.argmax(x, -1), ((16384, 4096),)),
    "argmax_columns": case(lambda x: jnp.argmax(x, 0), ((16384, 4096),)),
    "logsumexp": case(lambda x: jax.nn.logsumexp(x.astype(F32), -1), ((16384, 8192), BF16)),
    "middle_sum": case(lambda x: x.sum(1), ((256, 512, 512),)),
    "any_all": case(lambda x: ((x > 3).any(-1), (x < 9).all(0)), ((16384, 4096),)),
    "concatenate": case(lambda a, b, c: jnp.concatenate([a, b, c], -1), ((16384, 1024),), ((16384, 2048),), ((16384, 1024),)),
    "pad_roll": case(lambda x: jnp.pad(jnp.roll(x, 7, 1), ((1, 1), (2, 2))), ((8192, 8192),)),
    "flip": case(lambda x: x[:, ::-1], ((8192, 8192),)),
    "slice_strided": case(lambda x: x[:, ::2], ((16384, 8192),)),
    "interleave": case(interleave, ((8192, 4096),), ((8192, 4096),)),
    "repeat": case(lambda x: jnp.repeat(x, 4, 1), ((8192, 2048),)),
    "lower_triangle": case(lambda x: jnp.tril(x), ((8192, 8192),)),
    "dynamic_slice": case(lambda x, i: lax.dynamic_slice(x, (i, 0), (8192, 8192)), ((16384, 8192), BF16), ((), 8192)),
    "rotate_pairs": case(rotate_pairs, ((8, 4096, 32, 128), BF16), ((4096, 1, 64),), ((4096, 1, 64),)),
    "layer_scale": case(layer_scale, ((65536, 1024), BF16), ((65536, 1024), BF16), ((1024,),)),
    "modulated_norm": case(modulated_norm, ((64, 1024, 1152), BF16), ((64, 1152),), ((64, 1152),)),
    "gated_unit": case(gated_unit, ((16384, 8192), BF16)),
    "gated_unit_gradient": case(gated_unit_gradient, ((16384, 8192), BF16), ((16384, 4096), BF16)),
    "lstm_cell": case(lstm_cell, ((16384, 4096),), ((16384, 1024),)),
    "alibi_softmax": case(alibi_softmax, ((4, 8, 2048, 2048), BF16), ((8,),)),
    "log_softmax_gradient": case(log_softmax_gradient, ((4096, 32000), BF16), ((4096, 32000), BF16)),
    "min_p_mask": case(min_p_mask, ((4096, 32000), BF16)),
    "one_hot_cross_entropy": case(one_hot_cross_entropy, ((8192, 32000), BF16), ((8192,), 32000)),
    "focal_loss": case(focal_loss, ((1 << 17, 512),), ((1 << 17, 512), 2, jnp.int8)),
    "huber_loss": case(huber_loss, ((16384, 4096),), ((16384, 4096),)),
    "gaussian_divergence": case(gaussian_divergence, ((1 << 18, 256),), ((1 << 18, 256),)),
    "cosine_similarity": case(cosine_similarity, ((1 << 17, 768), BF16), ((1 << 17, 768), BF16)),
    "fake_quantise": case(fake_quantise, ((16384, 8192), BF16), ((), BF16)),
    "quantise_s8": case(quantise_s8, ((16384, 8192), BF16), ((8192,),)),
    "running_statistics": case(running_statistics, (IMAGE, BF16), ((128,),), ((128,),)),
    "masked_mean": case(masked_mean, ((256, 512, 1024), BF16), ((256, 512), 2)),
    "moving_average": case(moving_average, ((FLAT,), BF16), ((FLAT,),)),
    "bincount_weights": case(lambda i, w: jnp.zeros((4096,)).at[i].add(w), ((FLAT // 4,), 4096), ((FLAT // 4,),)),
    "max_pool_pairs": case(lambda x: x.reshape(64, 2048, 2, 1024).max(2), ((64, 4096, 1024), BF16)),
    "unfold": case(unfold, ((16, 112, 112, 64), BF16)),
    "shifted_windows": case(shifted_windows, ((64, 112, 112, 96), BF16)),
}
