"""jax.scipy: special functions, distributions, and linear algebra without custom calls."""
import jax
import jax.numpy as jnp
import jax.scipy as jsp
from jax.scipy import special, stats

from specs import Table, complexes, integers, normal, positive_definite, uniform, value

TABLE = Table("scipy")
add = TABLE.add

for name, low, high in [
    ("gammaln", 0.3, 8), ("gamma", 0.3, 4), ("digamma", 0.3, 8), ("erf", -3, 3), ("erfc", -3, 3), ("erfinv", -0.95, 0.95), ("expit", -5, 5),
    ("logit", 0.05, 0.95), ("ndtr", -3, 3), ("ndtri", 0.05, 0.95), ("log_ndtr", -8, 3), ("entr", 0.1, 3), ("i0", -3, 3), ("i0e", -3, 3),
    ("i1", -3, 3), ("i1e", -3, 3), ("spence", 0.1, 3), ("expi", 0.2, 3), ("exp1", 0.2, 3), ("factorial", 0.5, 5), ("bessel_jn", 0.5, 3)]:
    if name == "bessel_jn":
        add(name, lambda x: special.bessel_jn(x, v=3, n_iter=20), uniform(5, low=low, high=high))
    else:
        add(name, lambda x, f=getattr(special, name): f(x), uniform(17, low=low, high=high))
add("beta_functions", lambda a, b, x: (special.betaln(a, b), special.beta(a, b), special.betainc(a, b, x)), uniform(7, low=0.5, high=4), uniform(7, low=0.5, high=4), uniform(7, low=0.1, high=0.9))
add("gammainc", lambda a, x: (special.gammainc(a, x), special.gammaincc(a, x)), uniform(7, low=0.5, high=4), uniform(7, low=0.2, high=4))
add("polygamma_zeta", lambda x: (special.polygamma(2, x), special.zeta(x + 1, 1.0)), uniform(7, low=1, high=4))
add("multigammaln", lambda x: special.multigammaln(x, 3), uniform(5, low=3, high=6))
add("xlogy_xlog1py", lambda x, y: (special.xlogy(x, y), special.xlog1py(x, y), special.rel_entr(x, y), special.kl_div(x, y)), uniform(9, low=0.1), uniform(9, low=0.2, high=2))
add("logsumexp_softmax", lambda x: (special.logsumexp(x, axis=1), special.softmax(x), special.log_softmax(x)), normal(3, 5))
add("hyp1f1", lambda x: special.hyp1f1(1.5, 2.5, x), uniform(3, low=0.2, high=1.5))
for name, arguments in [
    ("norm", (0.3, 1.5)), ("laplace", (0.1, 2.0)), ("logistic", (0.2, 1.1)), ("cauchy", (0.2, 1.3)), ("gumbel_r", (0.2, 1.3)), ("uniform", (-3.0, 7.0))]:
    add(f"stats_{name}", lambda x, d=getattr(stats, name), a=arguments: [f(x, *a) for f in (d.logpdf, d.pdf, d.cdf) if f], normal(13))
add("stats_expon_gamma", lambda x: (stats.expon.logpdf(x), stats.gamma.logpdf(x, 2.0), stats.gamma.cdf(x, 2.0), stats.chi2.logpdf(x, 3.0), stats.pareto.logpdf(x + 1, 2.0)), uniform(9, low=0.2, high=3))
add("stats_beta_t", lambda x: (stats.beta.logpdf(x, 2.0, 3.0), stats.beta.cdf(x, 2.0, 3.0), stats.t.logpdf(x, 4.0), stats.truncnorm.logpdf(x, -1.0, 2.0)), uniform(9, low=0.1, high=0.9))
add("stats_discrete", lambda k: (stats.bernoulli.logpmf(k % 2, 0.3), stats.binom.logpmf(k, 9, 0.4), stats.poisson.logpmf(k, 2.5), stats.geom.logpmf(k + 1, 0.3), stats.nbinom.logpmf(k, 3, 0.4), stats.betabinom.logpmf(k, 9, 2.0, 3.0)), integers(9, high=9))
add("stats_multinomial_dirichlet", lambda p: (stats.multinomial.logpmf(jnp.array([2, 1, 3]), 6, p / p.sum()), stats.dirichlet.logpdf(p / p.sum(), jnp.array([1.5, 2.0, 3.0]))), uniform(3, low=0.2))
add("stats_mode_rank", lambda x: (stats.mode(x), stats.rankdata(x), stats.sem(x)), integers(11, high=5))
add("stats_gaussian_kde", lambda d, x: jnp.exp(-0.5 * (d[:, None] - x) ** 2).mean(0), normal(9), normal(5))
add("norm_quantiles", lambda p: (stats.norm.ppf(p), stats.norm.isf(p), stats.norm.sf(p), stats.norm.logcdf(p)), uniform(9, low=0.05, high=0.95))
add("signal_convolve2d", lambda a, b: [jsp.signal.convolve2d(a, b, mode=m) for m in ("full", "same", "valid")], normal(5, 6), normal(2, 3))
add("signal_correlate", lambda a, b: (jsp.signal.correlate(a, b), jsp.signal.convolve(a, b, mode="same")), normal(9), normal(4))
add("signal_detrend", lambda a: jsp.signal.detrend(a, type="constant"), normal(9))
add("signal_stft_frames", lambda a: jnp.stack([a[i * 3:i * 3 + 6] for i in range(5)]) * jnp.hanning(6), normal(20))
add("trapezoid", lambda y: jsp.integrate.trapezoid(y, dx=0.2), normal(9))
add("interpn_grid", lambda v, p: jsp.interpolate.RegularGridInterpolator((jnp.arange(5.0), jnp.arange(6.0)), v)(p), normal(5, 6), uniform(7, 2, low=0.1, high=3.9))
add("expm", lambda a: jsp.linalg.expm(a), normal(3, 3, scale=0.3))
add("block_diag_toeplitz", lambda a, b: (jsp.linalg.block_diag(a, b), jsp.linalg.toeplitz(a[0])), normal(2, 3), normal(1, 1))
add("cg", lambda a, b: jsp.sparse.linalg.cg(lambda x: a @ x, b, maxiter=6)[0], positive_definite(5), normal(5))
add("vq_codebook", lambda x, c: jsp.cluster.vq.vq(x, c), normal(9, 3), normal(4, 3))
add("minimize_newton", lambda x: jax.lax.fori_loop(0, 4, lambda i, y: y - (y**3 - 2) / (3 * y**2), x), uniform(low=1, high=2))

# ---- linear algebra
add("cholesky", lambda a: jnp.linalg.cholesky(a), positive_definite(5))
add("cholesky_1x1", lambda a: jnp.linalg.cholesky(a), positive_definite(1))
add("cholesky_batched", lambda a: jnp.linalg.cholesky(a), positive_definite(3, 4))
add("triangular_solve", lambda a, b: (jsp.linalg.solve_triangular(a, b, lower=True), jsp.linalg.solve_triangular(a.T, b, lower=False), jsp.linalg.solve_triangular(a, b, lower=True, trans=1)), positive_definite(5), normal(5, 3))
add("triangular_solve_vector", lambda a, b: jsp.linalg.solve_triangular(a, b, lower=True, unit_diagonal=True), normal(5, 5, scale=0.3), normal(5))
add("cho_solve", lambda a, b: jsp.linalg.cho_solve((jnp.linalg.cholesky(a), True), b), positive_definite(4), normal(4))
add("logdet_by_cholesky", lambda a: 2 * jnp.log(jnp.diag(jnp.linalg.cholesky(a))).sum(), positive_definite(5))
add("cholesky_gradient", jax.grad(lambda a: jnp.linalg.cholesky(a).sum()), positive_definite(4))
add("triangular_solve_gradient", jax.grad(lambda a, b: jsp.linalg.solve_triangular(a, b, lower=True).sum(), (0, 1)), positive_definite(4), normal(4, 2))
add("det", lambda a: jnp.linalg.det(a), normal(3, 3))
add("inv_2x2", lambda a: jnp.linalg.inv(a), positive_definite(2))
add("solve", lambda a, b: jnp.linalg.solve(a, b), positive_definite(4), normal(4))
add("qr", lambda a: jnp.linalg.qr(a), normal(4, 3))
add("eigh", lambda a: jnp.linalg.eigh(a)[0], positive_definite(3))
add("svd", lambda a: jnp.linalg.svd(a, compute_uv=False), normal(3, 4))


def lu_pivoted(a):
    """Gaussian elimination with rows exchanged, in plain operations."""
    n = a.shape[0]

    def step(k, state):
        m, order = state
        rows = jnp.arange(n)
        pivot = jnp.argmax(jnp.where(rows >= k, jnp.abs(m[:, k]), -1.0))
        exchange = rows.at[k].set(pivot).at[pivot].set(k)
        m, order = m[exchange], order[exchange]
        factor = jnp.where(rows > k, m[:, k] / m[k, k], 0.0)
        m = m - factor[:, None] * jnp.where(rows >= k, m[k], 0.0)
        return m.at[:, k].set(jnp.where(rows > k, factor, m[:, k])), order

    return jax.lax.fori_loop(0, n, step, (a, jnp.arange(n)))


def householder_qr(a):
    m, n = a.shape
    q = jnp.eye(m)
    for k in range(n):
        x = jnp.where(jnp.arange(m) >= k, a[:, k], 0.0)
        v = x.at[k].add(jnp.sign(x[k]) * jnp.linalg.norm(x))
        v = v / jnp.linalg.norm(v)
        a = a - 2 * jnp.outer(v, v @ a)
        q = q - 2 * jnp.outer(q @ v, v)
    return q, a


def jacobi_eigenvalues(a):
    for _ in range(4):
        for p in range(3):
            for q in range(p + 1, 3):
                theta = 0.5 * jnp.arctan2(2 * a[p, q], a[q, q] - a[p, p])
                c, s = jnp.cos(theta), jnp.sin(theta)
                j = jnp.eye(3).at[p, p].set(c).at[q, q].set(c).at[p, q].set(s).at[q, p].set(-s)
                a = j.T @ a @ j
    return jnp.sort(jnp.diag(a))


add("lu_pivoted", lu_pivoted, normal(5, 5))
add("householder_qr", householder_qr, normal(4, 3))
add("jacobi_eigenvalues", jacobi_eigenvalues, positive_definite(3))
add("gram_schmidt", lambda a: jax.lax.fori_loop(0, 4, lambda k, q: q.at[:, k].set((lambda v: v / jnp.linalg.norm(v))(q[:, k] - q @ (jnp.where(jnp.arange(4) < k, q.T @ q[:, k], 0.0)))), a), normal(5, 4))
add("power_iteration", lambda a, v: jax.lax.fori_loop(0, 20, lambda i, x: (a @ x) / jnp.linalg.norm(a @ x), v), positive_definite(4), normal(4))
add("inverse_2x2_by_formula", lambda a: jnp.array([[a[1, 1], -a[0, 1]], [-a[1, 0], a[0, 0]]]) / (a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0]), positive_definite(2))
add("det_3x3_by_formula", lambda a: jnp.dot(a[0], jnp.cross(a[1], a[2])), normal(3, 3))
add("tridiagonal_thomas", lambda d, b: jax.lax.scan(lambda c, x: ((x[1] - c) / x[0], c), 0.0, (d + 2, b)), uniform(7), normal(7))
add("newton_schulz_inverse", lambda a: jax.lax.fori_loop(0, 8, lambda i, x: x @ (2 * jnp.eye(4) - a @ x), jnp.eye(4) * 0.3), positive_definite(4))
add("matrix_sqrt_denman_beavers_2x2", lambda a: (lambda s, t: (a + s * jnp.eye(2)) / t)(jnp.sqrt(a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0]), jnp.sqrt(a[0, 0] + a[1, 1] + 2 * jnp.sqrt(a[0, 0] * a[1, 1] - a[0, 1] * a[1, 0]))), positive_definite(2))
