"""Calls of NumPy's functions, as text, of arrays with short names: what NumPy gives for arrays, tensors give too."""

import numpy as np

_random = np.random.default_rng(3)


def _apart(*shape: int) -> np.ndarray:
    """Numbers in random order, none close to another, to an integer or to half of one."""
    n = int(np.prod(shape))
    return np.asarray((_random.permutation(n) - n / 2 + 0.3) * 0.37).reshape(shape)


_NAN = _apart(3, 4) + 0.05
_NAN[0, 1] = _NAN[2, 1] = _NAN[1, 3] = np.nan

ARRAYS = {
    "x": _apart(3, 4),
    "y": _apart(3, 4) + 0.11,
    "p": np.abs(_apart(3, 4)) + 0.3,
    "c": _apart(2, 3, 4),
    "d": _apart(2, 2, 3),
    "v": _apart(4),
    "w": _apart(4) + 0.17,
    "u": _apart(3),
    "m": _apart(3, 3) + 2 * np.eye(3),
    "n": _apart(3, 3) - 1.7 * np.eye(3),
    "s": np.asarray(0.7),
    "t": np.asarray(-1.3),
    "e": np.zeros((0, 4)),
    "a": np.sort(_apart(5)),
    "z": _NAN,
}
"""Arrays that have gradients."""

CONSTANTS = {
    "b": _random.random((3, 4)) < 0.6,
    "bb": np.array([True, False, True, True]),
    "i": np.array([2, 0, 1, 2]),
    "j": np.array([[0, 1], [1, 1]]),
    "g": np.arange(2.0, 6.0),
}
"""Masks, places and numbers that have none."""

CALLS = {
    "joining": """
        np.hstack([x, y]) · np.hstack((v, w)) · np.hstack([s, t]) · np.hstack([e, e], dtype=np.float64)
        np.vstack([v, x]) · np.vstack((s, t)) · np.dstack([x, y]) · np.dstack([v, w]) · np.column_stack([u, x])
        np.append(x, v) · np.append(x, y, 0) · np.append(x, y, axis=-1) · np.block([[x, u[:, None]], [v, s]])
        np.block([v, w]) · np.block([[[x], [y]]]) · np.block(x) · np.insert(v, 1, s)
        np.insert(x, [0, 2], u[:2][:, None], axis=0) · np.insert(x, 1, u, axis=1) · np.insert(x, slice(0, 2), v[:2])
        np.insert(x, 1, [[9.0], [8.0], [7.0]], axis=1) · np.insert(v, [1, 3], [5.0, 6.0])
        np.insert(x, [1], u[:, None], axis=1) · np.insert(v, -1, [1.0, 2.0]) · np.delete(x, 1, 0)
        np.delete(x, [0, 2], 1) · np.delete(x, slice(1, 5)) · np.delete(v, -1) · np.delete(v, bb) · np.hsplit(x, 2)
        np.hsplit(v, [1]) · np.vsplit(x, 3) · np.dsplit(c, 2) · np.array_split(v, 3) · np.array_split(x, 5, axis=1)
        np.array_split(x, [1, 2], 1) · np.unstack(x) · np.unstack(x, axis=1) · np.atleast_1d(s) · np.atleast_1d(s, v)
        np.atleast_2d(v) · np.atleast_2d(s, x) · np.atleast_3d(x) · np.atleast_3d(v) · np.atleast_3d(s)
        np.broadcast_arrays(x, v) · np.broadcast_arrays(s, e) · np.meshgrid(v, u) · np.meshgrid(v, u, indexing="ij")
        np.meshgrid(v, u, sparse=True) · np.meshgrid(v, u, w[:2]) · np.meshgrid(s) · np.resize(x, (2, 7))
        np.resize(v, 3) · np.diagflat(v) · np.diagflat(x, 1) · np.trim_zeros(np.concatenate([[0.0], v, [0.0]]))
        np.trim_zeros(np.concatenate([[0.0], v, [0.0]]), "b") · np.rollaxis(c, 2) · np.rollaxis(c, 0, 3)
        np.rollaxis(c, -1, 1) · np.concatenate([x, y], axis=1, dtype=np.float64) · np.concatenate((x, v), axis=None)
        np.pad(x, 1) · np.pad(x, (1, 2), constant_values=3.0)
        np.pad(x, ((1, 0), (2, 1)), constant_values=((1, 2), (3, 4)))
        np.pad(v, 2, constant_values=s) · np.pad(v, (1, 2), "linear_ramp") · np.pad(x, 2, "linear_ramp", end_values=s)
        np.pad(x, ((2, 1), (0, 3)), "linear_ramp", end_values=((1, 2), (3, 4))) · np.pad(x, 1, "maximum")
        np.pad(x, (2, 1), "minimum", stat_length=2) · np.pad(c, 1, "mean")
        np.pad(x, 2, "mean", stat_length=((1, 2), (3, 9)))
        np.pad(x, 1, "median") · np.pad(v, 3, "edge") · np.pad(x, (1, 2), "reflect", reflect_type="odd")
        np.pad(v, (9, 8), "reflect", reflect_type="odd") · np.pad(v, (9, 10), "symmetric", reflect_type="odd")
        np.pad(x[:1], 2, "reflect", reflect_type="odd") · np.pad(v, 3, "wrap") · np.pad(v, 3, mode="symmetric")
        np.stack([v, w], axis=1, dtype=np.float64) · np.split(ary=x, indices_or_sections=2, axis=1)
    """,
    "ordering": """
        np.fft.fftshift(x) · np.fft.fftshift(v, 0) · np.fft.ifftshift(u) · np.fft.ifftshift(c, axes=(0, 2))
        np.fliplr(x) · np.flipud(v) · np.flipud(m=x) · np.rot90(x) · np.rot90(x, 2) · np.rot90(x, -1)
        np.rot90(c, 3, (1, 2)) · np.rot90(x, 4) · np.partition(np.sort(x), 2) · np.unique(v)
        np.unique(x, return_counts=True) · np.unique(x, axis=0) · np.unique(x, return_index=True, return_inverse=True)
        np.union1d(v, w) · np.intersect1d(v, np.concatenate([v[:2], w])) · np.setdiff1d(v, np.concatenate([v[:2], w]))
        np.setxor1d(v, w) · np.unique_values(v) · np.unique_all(v) · np.unique_counts(v) · np.unique_inverse(v)
        np.take(x, [5, -1], mode="wrap") · np.take(x, [5, -1], axis=1, mode="clip") · np.take(a=x, indices=i, axis=1)
        np.choose(i, [v, w, v * 2]) · np.choose(np.array([5, 0, 1, -1]), (v, w), mode="clip")
        np.select([b, ~b], [x, y]) · np.select([x > 0, x > -1], [x, y * 2], default=3.0) · np.select([bb], [v], s)
        np.compress(bb, x, axis=1) · np.compress([True, False, True], v) · np.extract(b, x)
        np.piecewise(v, [v > 0, v <= 0], [lambda q: q**2, lambda q: -q])
        np.piecewise(x, [x > 1, x < -1], [np.sin, 7.0, np.cos]) · np.piecewise(s, s > 0, [np.exp, np.negative])
        np.apply_along_axis(np.sort, 0, x) · np.apply_along_axis(lambda r: (r * r).sum(), 1, x)
        np.apply_along_axis(lambda r: np.outer(r, r), 1, x) · np.apply_over_axes(np.sum, c, [0, 2])
        np.reshape(x, (2, 6), order="F") · np.reshape(x, -1, "F") · np.reshape(c, (4, 6), order="A")
        np.ravel(x, "F") · np.ravel(x, order="K") · x.reshape(6, 2, order="F") · x.ravel("F") · x.flatten("F")
        np.where(b, x, y) · np.where(b, x, 0) · np.astype(x, np.float64) · np.sort(x, 0, "stable")
        np.sort(x, axis=None) · np.sort(a=v, kind="heapsort") · np.matrix_transpose(c) · np.squeeze(a=x[:, :1])
        np.copy(x, order="C") · x.compress(bb, axis=1) · x.take([0, 9], mode="clip")
    """,
    "reductions": """
        np.sum(x, 0, np.float64, None, True) · np.sum(x, initial=2.0) · np.sum(x, axis=1, where=b)
        np.sum(e, axis=0, initial=s) · x.sum(0, np.float64) · np.sum(a=x, keepdims=True)
        np.prod(x, axis=1, where=b, initial=3.0) · np.prod(v, dtype=np.float64) · np.max(x, axis=0, initial=0.1)
        np.max(x, where=b, initial=-5.0) · np.max(e, initial=0.5) · np.amin(x, 1, None, True)
        np.min(x, axis=1, where=b, initial=9.0) · np.mean(x, where=b) · np.mean(x, 0, np.float64)
        np.mean(x, axis=1, keepdims=True, where=b) · np.var(x, where=b) · np.var(x, 1, None, None, 1)
        np.var(x, axis=1, ddof=1, where=b) · np.std(x, axis=1, where=b, keepdims=True) · np.std(x, 0, ddof=1)
        np.var(x, mean=s) · np.std(x, axis=1, correction=1) · np.cumsum(x, 1, np.float64)
        np.cumprod(v, dtype=np.float64) · np.ptp(x) · np.ptp(x, axis=1, keepdims=True) · np.cumulative_sum(x, axis=1)
        np.cumulative_sum(v, include_initial=True) · np.cumulative_prod(x, axis=0, include_initial=True)
        np.nansum(z) · np.nansum(z, axis=0, keepdims=True) · np.nanprod(z, axis=1) · np.nanmax(z, axis=0)
        np.nanmin(z) · np.nanmean(z) · np.nanmean(z, axis=0) · np.nanvar(z, axis=1) · np.nanvar(z, ddof=1)
        np.nanstd(z) · np.nanstd(z, axis=1, keepdims=True) · np.nancumsum(z) · np.nancumsum(z, axis=1)
        np.nancumprod(z, axis=1) · np.nanmedian(z) · np.nanmedian(z, axis=1) · np.nanquantile(z, 0.3, axis=1)
        np.nanquantile(z, [0.1, 0.8], keepdims=True) · np.nanpercentile(z, 40.0, axis=0) · np.average(x)
        np.average(x, axis=1, weights=g) · np.average(x, weights=p) · np.average(x, 0, returned=True)
        np.average(c, axis=(0, 2), weights=c[:, 0] + 9) · np.median(x) · np.median(x, axis=1)
        np.median(c, axis=(0, 2), keepdims=True) · np.median(a) · np.quantile(x, 0.3)
        np.quantile(x, [0.0, 0.4, 1.0], axis=1) · np.quantile(x, j * 0.3, axis=(0, 1), keepdims=True)
        np.percentile(x, 35, axis=0, method="hazen") · np.quantile(v, 0.3, method="lower")
        np.quantile(v, 0.3, method="nearest") · np.quantile(v, 0.3, method="inverted_cdf")
        np.quantile(v, 0.5, method="averaged_inverted_cdf") · np.quantile(v, 0.3, method="median_unbiased")
        np.quantile(x, 0.3, axis=1, weights=g, method="inverted_cdf") · np.median(x, 0)
        np.percentile(x, [0, 35, 100], weights=g[:3], axis=0, method="inverted_cdf", keepdims=True)
        np.quantile(x, j * 0.4, weights=b + 0.5, method="inverted_cdf")
        np.quantile(a, 1, method="closest_observation") · np.quantile(v, [0.2], method="interpolated_inverted_cdf")
        np.nanquantile(z, 0.5, axis=1, weights=b + 2.0, method="inverted_cdf")
        np.nanpercentile(z, 70, weights=b + 1, method="inverted_cdf")
        np.quantile(c, 0.5, axis=(0, 2), weights=np.arange(8.0).reshape(2, 4), method="inverted_cdf")
        np.percentile(v, [20, 90], method="midpoint") · np.median(s) · np.sum(s) · np.nanmean(s) · np.cov(x)
        np.cov(x, y) · np.cov(v, w) · np.cov(x, rowvar=False) · np.cov(x, bias=True)
        np.cov(x, ddof=0, fweights=i + 1) · np.cov(x, aweights=g) · np.cov(v) · np.cov(x, fweights=i + 1, aweights=g)
        np.corrcoef(x) · np.corrcoef(v, w) · np.bincount(i, weights=v) · np.bincount(i, v, 5)
        np.histogram(g, bins=3, weights=v)[0] · np.histogram(g, bins=[1.0, 3.0, 5.0], weights=v, density=True)[0]
    """,
    "differences": """
        np.diff(x) · np.diff(x, 2, 0) · np.diff(v, n=0) · np.diff(x, prepend=0.0) · np.diff(x, axis=0, append=y)
        np.ediff1d(x) · np.ediff1d(v, to_end=s, to_begin=[1.0, 2.0]) · np.gradient(v) · np.gradient(x)
        np.gradient(x, axis=1) · np.gradient(x, 0.5) · np.gradient(x, 0.5, 2.0) · np.gradient(v, g)
        np.gradient(v, g**2, edge_order=2) · np.gradient(v, edge_order=2) · np.gradient(x, axis=(0, 1))
        np.trapezoid(v) · np.trapezoid(x, dx=0.3, axis=0) · np.trapezoid(x, g) · np.trapezoid(x, p, axis=0)
        np.interp(x, a, a**2) · np.interp(x, a, v[:1] + a, left=s, right=t) · np.interp(s, a, np.sin(a))
        np.interp(v, u % 2, u, period=2.0) · np.interp(e, a, a) · np.unwrap(x * 3) · np.unwrap(x, axis=0, period=1.0)
        np.convolve(a, v) · np.convolve(v, a, "same") · np.convolve(a, u, "valid") · np.convolve(a, v, "same")
        np.convolve(s, v) · np.correlate(a, v) · np.correlate(v, a, "full") · np.correlate(a, v, "same")
        np.correlate(v, a, mode="same") · np.correlate(u, a, "same") · np.linspace(s, t, 5)
        np.linspace(v, w, 3, axis=1) · np.linspace(s, 3.0, 4, endpoint=False) · np.linspace(s, t, 3, retstep=True)
        np.logspace(s, t, 4) · np.logspace(s, 2.0, 4, base=2.0) · np.geomspace(p[0], p[1], 3)
        np.geomspace(2.0, p[0, 0], 4, endpoint=False) · np.polyval(v, x) · np.polyval(v, 2.0)
        np.polyval([1.0, 2.0], s) · np.polyadd(v, u) · np.polysub(u, v) · np.polymul(u, v)
        np.polydiv(v, u)[0] · np.polyder(v) · np.polyder(a, 2) · np.polyint(v)
        np.polyint(v, 2, k=[1.0, 2.0]) · np.poly(u) · np.poly(m @ m.T) · np.roots(np.poly(np.sort(u)))
        np.polyfit(a, a**2 + np.sin(a), 2) · np.polyfit(g, v, 1, w=g) · np.polyfit(g, x.T, 2) · np.vander(u)
        np.vander(u, 2) · np.vander(u, increasing=True)
    """,
    "arithmetic": """
        np.conj(x) · np.conjugate(x) · np.real(x) · np.fabs(x) · np.absolute(x) · np.rint(x) · np.fix(x)
        np.around(x, 1) · np.round(x, decimals=1) · np.deg2rad(x) · np.radians(x) · np.rad2deg(x) · np.degrees(s)
        np.nan_to_num(z) · np.nan_to_num(z, nan=1.5) · np.modf(x) · np.frexp(x)[0] · np.ldexp(v, i) · np.i0(x)
        np.i0(s) · np.fmax(x, y) · np.fmin(x, z) · np.fmax(z, 0.1) · np.float_power(p, y) · np.copysign(x, y)
        np.heaviside(x, s) + x · np.logaddexp2(x, y) · np.divmod(x, 0.7) · divmod(x, p) · np.clip(x, -0.5, w)
        np.clip(x, u[:, None], None) · np.clip(x, s, a_max=p) · x.clip(min=t, max=s) · np.clip(x, None, 0.4)
        x.clip(max=s) · np.vdot(x, y) · np.vdot(s, t) · np.vecdot(x, v) · np.vecdot(x, y, axis=0)
        np.linalg.vecdot(x, y) · np.matvec(x, v) · np.vecmat(u, x) · np.cross(m, n) · np.cross(m, n, axis=0)
        np.cross(m, u, axisa=0, axisc=0) · np.linalg.cross(m, u) · np.kron(x, d) · np.kron(v, w) · np.kron(s, x)
        np.kron(m, n) · np.add(x, y, dtype=np.float64) · np.add(x, y, where=True) · np.exp(x, casting="same_kind")
        np.sinc(x) · np.inner(x, v) · np.outer(u, v) · np.tensordot(x, y, ([0, 1], [0, 1])) · np.tile(A=v, reps=2)
        np.positive(x) · np.linalg.outer(u, v) · np.linalg.trace(c[:, :, :3]) · np.linalg.diagonal(c, offset=1)
        np.trace(m, dtype=np.float64) · np.trace(c, 1, 1, 2) · np.dot(a=x, b=v) · np.matmul(m, n)
    """,
    "ufuncs": """
        np.add.reduce(x) · np.add.reduce(x, axis=None) · np.add.reduce(x, 1, keepdims=True)
        np.multiply.reduce(x, axis=(0, 1)) · np.maximum.reduce(x, axis=1) · np.minimum.reduce(v)
        np.subtract.reduce(x) · np.subtract.reduce(x, axis=1, keepdims=True) · np.divide.reduce(p, axis=0)
        np.hypot.reduce(x, axis=1) · np.logaddexp.reduce(x, axis=None) · np.logaddexp.reduce(x, axis=1)
        np.add.reduce(x, where=b, initial=1.0) · np.add.reduce(x, dtype=np.float64) · np.fmax.reduce(x, axis=1)
        np.add.accumulate(x, 1) · np.multiply.accumulate(v) · np.subtract.accumulate(x, axis=1)
        np.maximum.accumulate(x, axis=1) · np.minimum.accumulate(v) · np.logaddexp.accumulate(v)
        np.add.reduceat(v, [0, 2, 1]) · np.multiply.reduceat(x, [0, 3], axis=1) · np.add.outer(v, u)
        np.multiply.outer(x, v) · np.subtract.outer(s, v) · np.arctan2.outer(u, v) · np.add.reduce(s)
        np.add.reduce(e) · np.maximum.reduce(e, axis=0, initial=0.5)
    """,
    "matrices": """
        np.full_like(x, s) + x
        np.linalg.norm(x, 2) · np.linalg.norm(x, -2) · np.linalg.norm(x, "nuc") · np.linalg.norm(c, 2, (0, 2), True)
        np.linalg.norm(c, "nuc", axis=(1, 2)) · np.linalg.norm(x, "fro") · np.linalg.norm(x) · np.linalg.norm(x, 1)
        np.linalg.norm(x, -np.inf) · np.linalg.norm(v, 3) · np.linalg.norm(v, np.inf)
        np.linalg.norm(x, ord=0.5, axis=0) · np.linalg.norm(x=v) · np.linalg.matrix_norm(c)
        np.linalg.matrix_norm(x, ord="nuc", keepdims=True) · np.linalg.vector_norm(x, axis=0, ord=3)
        np.linalg.vector_norm(c, axis=(0, 1)) · np.linalg.cond(m) · np.linalg.cond(x) · np.linalg.cond(m, -2)
        np.linalg.cond(m, 1) · np.linalg.cond(m, "fro") · np.linalg.matrix_power(m, 3) · np.linalg.matrix_power(m, -2)
        np.linalg.matrix_power(m, 1) · np.linalg.multi_dot([x, c[0].T, m]) · np.linalg.multi_dot([u, x, v])
        np.linalg.multi_dot([x, y.T]) · np.linalg.multi_dot([u, m, n, x]) · np.linalg.pinv(x) · np.linalg.pinv(x.T)
        np.linalg.pinv(c) · np.linalg.pinv(m, rcond=1e-9) · np.linalg.pinv(x, rtol=1e-9) · np.linalg.lstsq(x, u)[0]
        np.linalg.lstsq(x.T, v)[0] · np.linalg.lstsq(x.T, np.outer(v, u), rcond=None)[:2] · np.linalg.lstsq(x.T, v)[3]
        np.linalg.eig(m @ m.T + n @ n.T).eigenvalues · np.abs(np.linalg.eig(np.diag(u) + 0.01 * m)[1])
        np.linalg.eigvals(np.diag(u) + 0.01 * m) · np.linalg.eigvalsh(m + m.T) · np.linalg.eigvalsh(m + m.T, UPLO="U")
        np.linalg.eigh(m + m.T, "U")[0] · np.linalg.cholesky(m @ m.T, upper=True) · np.linalg.cholesky(m @ m.T)
        np.linalg.svdvals(x) · np.linalg.svdvals(c) · np.linalg.svd(x, compute_uv=False)
        np.linalg.svd(m + m.T, compute_uv=False, hermitian=True) · np.linalg.tensorinv(m.reshape(3, 3, 1), 1)
        np.linalg.tensorsolve(m.reshape(3, 1, 3), u.reshape(3, 1)) · np.linalg.tensorsolve(m.reshape(3, 3), u)
        np.linalg.matrix_transpose(c) · np.linalg.matmul(m, n) · np.linalg.tensordot(x, y, axes=2)
        np.linalg.qr(m)[1] · np.linalg.det(m) · np.linalg.inv(m) · np.linalg.slogdet(m)[1] · np.linalg.solve(m, u)
        np.einsum("ij,kj->ik", x, y) · np.einsum(x, [0, 1], y, [2, 1], [0, 2]) · np.einsum(m, [0, 0])
        np.einsum(x, [0, ...], y, [0, ...]) · np.einsum("ij,jk,kl", x.T, m, x, optimize=True)
        np.einsum("ij,j", x, v, optimize="greedy") · np.einsum("ii", m, dtype=np.float64)
        np.einsum(c, [0, 1, 2], [2])
    """,
}
