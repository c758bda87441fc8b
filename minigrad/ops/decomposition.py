"""Linear systems, inverses, determinants and matrix decompositions.

Stacks of matrices are (..., m, n).

The formulas are from M. Giles, "An extended collection of matrix derivative results for forward and reverse mode
algorithmic differentiation" (2008), unless a rule names another source. Results that are not smooth functions of the
matrix have no derivative: the vectors of a repeated eigenvalue or singular value, and Q and R of a matrix with linearly
dependent columns. Their gradient contains inf or NaN, or LinAlgError is raised. The gradient of the values themselves
is correct.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.linalg import LinAlgError
from numpy.typing import NDArray

from minigrad.engine.apply import numpy_functions, primitive
from minigrad.engine.arrays import asarray
from minigrad.engine.errors import describe
from minigrad.ops.elementwise import equal, sign, where
from minigrad.ops.reduction import prod
from minigrad.ops.several import several
from minigrad.ops.shape import concatenate

Array = NDArray[Any]


def _expect_square(x: Array) -> None:
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise LinAlgError("expected a square matrix or a stack of them, (..., n, n)")


def _half_lower(x: Any) -> Any:
    """The lower triangle of a matrix, with the diagonal halved."""
    n = x.shape[-1]
    return x * (np.tri(n, dtype=x.dtype, like=x) - 0.5 * np.identity(n, x.dtype, like=x))


def _symmetric(x: Any) -> Any:
    """The symmetric part of a matrix."""
    return 0.5 * (x + x.mT)


def _over_gaps(x: Any, values: Any) -> Any:
    """Antisymmetrize x, and divide by the gaps between values.

    Entry [i, j] is divided by values[j] - values[i]; the diagonal is zero.
    """
    gaps = values[..., None, :] - values[..., :, None]
    return 0.5 * (x - x.mT) / (gaps + np.identity(x.shape[-1], x.dtype, like=x))


# Equations and inverses.


def _solve(a: Array, b: Array) -> Array:
    """Solve a @ x = b.

    a is (..., n, n), b (..., n, k), or one vector (n,).

    Raises:
        LinAlgError: if a is singular.
    """
    _expect_square(a)
    if b.ndim == 0 or b.shape[-1 if b.ndim == 1 else -2] != a.shape[-1]:
        raise LinAlgError(f"expected b of shape ({a.shape[-1]},) or (..., {a.shape[-1]}, k)")
    return np.linalg.solve(a, b)


def _solve_adjoint(g: Any, a: Any, b_shape: tuple[int, ...]) -> Any:
    """a⁻ᵀ g, with a vector g as a one-column matrix."""
    return solve(a.mT, g[..., None] if len(b_shape) == 1 else g)


def _solve_a(g: Any, a: Any, out: Any, b_shape: tuple[int, ...]) -> Any:
    columns = out[..., None] if len(b_shape) == 1 else out
    return -_solve_adjoint(g, a, b_shape) @ columns.mT


def _solve_b(g: Any, a: Any, b_shape: tuple[int, ...]) -> Any:
    slope = _solve_adjoint(g, a, b_shape)
    return slope[..., 0] if len(b_shape) == 1 else slope


solve = primitive("solve", _solve, _solve_a, _solve_b, numpy=np.linalg.solve)


def _inv(x: Array) -> Array:
    """The inverse of (..., n, n).

    Raises:
        LinAlgError: if a matrix is singular.
    """
    _expect_square(x)
    return np.linalg.inv(x)


inv = primitive("inv", _inv, lambda g, out: -out.mT @ g @ out.mT, numpy=np.linalg.inv)

# Decompositions of square matrices.


def _cholesky(x: Array) -> Array:
    """The Cholesky factor L, with L @ L.mT = x.

    x is positive definite, (..., n, n); only its lower triangle is read. The gradient is symmetric.

    Raises:
        LinAlgError: if a matrix is not positive definite.
    """
    _expect_square(x)
    return np.linalg.cholesky(x)


def _cholesky_rule(g: Any, out: Any) -> Any:
    """Murray, "Differentiation of the Cholesky decomposition" (2016), equation 10."""
    inverse = inv(out)
    return _symmetric(inverse.mT @ _half_lower(out.mT @ g) @ inverse)


cholesky = primitive("cholesky", _cholesky, _cholesky_rule, numpy=np.linalg.cholesky)


class EighResult(NamedTuple):
    """The result of `eigh`.

    Attributes:
        eigenvalues: (..., n), ascending.
        eigenvectors: (..., n, n), in columns.
    """

    eigenvalues: Any
    eigenvectors: Any


def _eigh(x: Array) -> EighResult:
    """Eigenvalues and eigenvectors of symmetric (..., n, n).

    Only the lower triangle is read, and the gradient is symmetric. The gradient of the eigenvectors divides by the
    differences of eigenvalues, so it is not finite if two are equal.
    """
    _expect_square(x)
    return EighResult(*np.linalg.eigh(x))


def _eigenvalues_rule(g: Any, x: Any, results: EighResult) -> Any:
    v = results.eigenvectors
    return (v * g[..., None, :]) @ v.mT


def _eigenvectors_rule(g: Any, x: Any, results: EighResult) -> Any:
    w, v = results
    return v @ _over_gaps(v.mT @ g, w) @ v.mT


eigh = several("eigh", _eigh, _eigenvalues_rule, _eigenvectors_rule, numpy=np.linalg.eigh)

# Decompositions of all matrices.


class SVDResult(NamedTuple):
    """The result of `svd`, with k = min(m, n).

    Attributes:
        U: (..., m, k), orthonormal in columns.
        S: (..., k), the singular values, descending.
        Vh: (..., k, n), orthonormal in rows.
    """

    U: Any
    S: Any
    Vh: Any


def _svd(x: Array) -> SVDResult:
    """The reduced singular value decomposition."""
    return SVDResult(*np.linalg.svd(x, full_matrices=False))


def _outside(g: Any, basis: Any) -> Any:
    """The components of g's columns orthogonal to a basis."""
    return g - basis @ (basis.mT @ g)


def _u_rule(g: Any, x: Any, results: SVDResult) -> Any:
    """The gradient from U. As for Vh: Townsend, "Differentiating the singular value decomposition" (2016)."""
    u, s, vh = results
    slope = u @ (2 * _over_gaps(u.mT @ g, s * s) * s[..., None, :])
    return (slope if u.shape[-2] == u.shape[-1] else slope + _outside(g, u) / s[..., None, :]) @ vh


def _vh_rule(g: Any, x: Any, results: SVDResult) -> Any:
    u, s, vh = results
    return _u_rule(g.mT, x, SVDResult(vh.mT, s, u.mT)).mT


_reduced_svd = several("svd", _svd, _u_rule, lambda g, x, results: (results.U * g[..., None, :]) @ results.Vh, _vh_rule)


def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """The singular value decomposition of (..., m, n).

    The gradients of U and Vh divide by the differences of squared singular values, and for non-square matrices also by
    the singular values. They are not finite if two values are equal, or one is zero. The gradient of S always is.

    Args:
        x: (..., m, n).
        full_matrices: whether U and Vh are square. Must be False for non-square matrices: the columns that complete U
            or V are not a function of x, and have no derivative.
        compute_uv: whether to return `SVDResult(U, S, Vh)`; if False, S alone.

    Raises:
        LinAlgError: for a non-square matrix with `full_matrices`.
    """
    if len(x.shape) < 2:
        raise LinAlgError(f"svd of {describe(x)}: expected a matrix or a stack of them, (..., m, n)")
    if full_matrices and compute_uv and x.shape[-1] != x.shape[-2]:
        raise LinAlgError(
            f"svd of {describe(x)}: the full matrices of one that is not square are not unique, and have no "
            "derivative; pass full_matrices=False"
        )
    results = _reduced_svd(x)
    return results if compute_uv else results.S


numpy_functions[np.linalg.svd] = svd


class QRResult(NamedTuple):
    """The result of `qr`, with k = min(m, n).

    Attributes:
        Q: (..., m, k), orthonormal in columns.
        R: (..., k, n), upper triangular.
    """

    Q: Any
    R: Any


def _tall_qr(x: Array) -> QRResult:
    """The QR decomposition of a tall or square matrix."""
    return QRResult(*np.linalg.qr(x))


def _q_rule(g: Any, x: Any, results: QRResult) -> Any:
    """The gradient from Q.

    Walter and Lehmann, "Algorithmic differentiation of linear algebra functions" (2010); also for R.
    """
    q, r = results
    return _over_r(g - q @ (2 * _symmetric(_half_lower(g.mT @ q))), r)


def _r_rule(g: Any, x: Any, results: QRResult) -> Any:
    q, r = results
    return _over_r(q @ (2 * _symmetric(_half_lower(r @ g.mT))), r)


def _over_r(x: Any, r: Any) -> Any:
    """x r⁻ᵀ."""
    return solve(r, x.mT).mT


_qr = several("qr", _tall_qr, _q_rule, _r_rule)


def qr(x: Any, mode: Literal["reduced", "complete", "r"] = "reduced") -> Any:
    """The QR decomposition of (..., m, n).

    The first min(m, n) columns must be linearly independent: the gradient divides by the diagonal of R, and raises
    LinAlgError if that contains a zero.

    Args:
        x: (..., m, n).
        mode: "reduced" returns `QRResult(Q, R)` with Q (..., m, k), k = min(m, n); "complete" with a square Q; "r"
            returns R alone.

    Raises:
        ValueError: for "complete" with more rows than columns, as the columns that complete Q are not a function of x
            and have no derivative; and for any other mode.
    """
    if len(x.shape) < 2:
        raise LinAlgError(f"qr of {describe(x)}: expected a matrix or a stack of them, (..., m, n)")
    if mode not in ("reduced", "complete", "r"):
        raise ValueError(f"qr has derivatives in the modes 'reduced', 'complete' and 'r', got {mode!r}")
    rows, columns = x.shape[-2:]
    if mode == "complete" and rows > columns:
        raise ValueError(
            f"qr of {describe(x)}: what completes Q, where there are more rows than columns, is not unique, and has no "
            "derivative; use the mode 'reduced'"
        )
    if rows >= columns:
        q, r = _qr(x)
    else:  # Q is that of the left square block
        q, left = _qr(x[..., :rows])
        r = concatenate([left, q.mT @ x[..., rows:]], axis=-1)
    return r if mode == "r" else QRResult(q, r)


numpy_functions[np.linalg.qr] = qr

# Determinants.


def _det(x: Array) -> Array:
    """The determinant of (..., n, n).

    The gradient is the cofactor matrix, also where x is singular. Second derivatives lose digits near a singular
    matrix, as the inverse does, but are correct at one of rank n - 1.
    """
    _expect_square(x)
    return np.linalg.det(x)


def _cofactors(x: Any) -> Any:
    """The cofactor matrix of x, by singular values.

    It is the derivative of the determinant, singular matrices included.
    """
    u, s, vh = svd(x)
    n = s.shape[-1]
    others = prod(where(np.identity(n, bool, like=s), 1.0, s[..., None, :]), axis=-1)
    return sign(det(u) * det(vh))[..., None, None] * ((u * others[..., None, :]) @ vh)


def _det_rule(g: Any, x: Any, out: Any) -> Any:
    """g times the cofactors, det(x) x⁻ᵀ (Jacobi's formula); by singular values if a matrix is singular."""
    cofactors = _cofactors(x) if equal(out, 0).sum() else out[..., None, None] * inv(x).mT
    return g[..., None, None] * cofactors


det = primitive("det", _det, _det_rule, numpy=np.linalg.det)


class SlogdetResult(NamedTuple):
    """The result of `slogdet`.

    The determinant is sign * exp(logabsdet).

    Attributes:
        sign: (...), -1, 0 or 1, without derivative.
        logabsdet: (...), minus infinity for a singular matrix.
    """

    sign: Any
    logabsdet: Any


def _slogdet(x: Array) -> SlogdetResult:
    """Sign and log of the absolute determinant of (..., n, n).

    Unlike `det`, it does not overflow. The gradient at a singular matrix is infinite, so LinAlgError is raised there.
    """
    _expect_square(x)
    return SlogdetResult(*map(asarray, np.linalg.slogdet(x)))


slogdet = several(
    "slogdet",
    _slogdet,
    None,
    lambda g, x, results: g[..., None, None] * inv(x).mT,
    numpy=np.linalg.slogdet,
)
