"""NumPy's polynomials: coefficient vectors, highest power first."""

from __future__ import annotations

from typing import Any

from minigrad.devices import on_cpu
from minigrad.engine.arrays import asarray_like, filled
from minigrad.engine.errors import describe
from minigrad.ops.compositions import implements, np, operands, values
from minigrad.ops.indexing import as_operand


def _same_length(a: Any, b: Any) -> tuple[Any, Any]:
    """Pad the shorter of two polynomials with leading zeros."""
    a, b = (np.atleast_1d(x) for x in operands(a, b))
    most = max(len(a), len(b))
    return np.pad(a, (most - len(a), 0)), np.pad(b, (most - len(b), 0))


@implements("polyval")
def polyval(p: Any, x: Any) -> Any:
    """The value of a polynomial at x (Horner)."""
    p, x = operands(p, x)
    y = np.zeros_like(values(x))
    for coefficient in p:
        y = y * x + coefficient
    return y


@implements("polyadd")
def polyadd(a1: Any, a2: Any) -> Any:
    """The sum of two polynomials."""
    return np.add(*_same_length(a1, a2))


@implements("polysub")
def polysub(a1: Any, a2: Any) -> Any:
    """The difference of two polynomials."""
    return np.subtract(*_same_length(a1, a2))


@implements("polymul")
def polymul(a1: Any, a2: Any) -> Any:
    """The product of two polynomials."""
    return np.convolve(*(_trim(x) for x in operands(a1, a2)))


def _trim(p: Any) -> Any:
    """Return a polynomial without leading zeros; if all are zero, one is kept."""
    p = np.atleast_1d(as_operand(p))
    return p[min(int(np.flatnonzero([*on_cpu(values(p))[:-1], 1])[0]), len(p) - 1) :]


@implements("polydiv")
def polydiv(u: Any, v: Any) -> tuple[Any, Any]:
    """The quotient and the remainder of two polynomials."""
    u, v = (np.atleast_1d(x) + 0.0 for x in operands(u, v))
    scale = 1.0 / v[0]
    quotient = []
    steps = len(u) - len(v) + 1
    for i in range(max(steps, 0)):
        quotient.append(scale * u[i])
        u = u - np.pad(quotient[-1] * v, (i, len(u) - len(v) - i))
    first = max(steps, 0)
    rest = u[first:] if first < len(u) else u[:1] * 0
    while len(rest) > 1 and np.allclose(values(rest[0]), 0, rtol=1e-14):
        rest = rest[1:]
    return np.stack(quotient) if quotient else u[:1] * 0, rest


@implements("polyder")
def polyder(p: Any, m: int = 1) -> Any:
    """The m-th derivative of a polynomial."""
    if m < 0:
        raise ValueError(f"polyder: m is 0 or more, got {m}")
    p = as_operand(p)
    for _ in range(m):
        p = p[:-1] * asarray_like(np.arange(len(p) - 1, 0, -1).astype(p.dtype), p)
    return p


@implements("polyint")
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """The m-th integral of a polynomial.

    k are the constants of integration: one per integral, or one for all; zero by default.
    """
    if m < 0:
        raise ValueError(f"polyint: m is 0 or more, got {m}")
    p, k = (np.atleast_1d(each) for each in operands(p, 0.0 if k is None else k))
    if len(k) not in (1, m):
        raise ValueError(f"polyint: expected {m} constants k, or one, got {len(k)}")
    for i in range(m):
        constant = k[i if len(k) > 1 else 0].reshape(1)
        p = np.concatenate([p / asarray_like(np.arange(len(p), 0, -1).astype(p.dtype), p), constant.astype(p.dtype)])
    return p


@implements("poly")
def poly(seq_of_zeros: Any) -> Any:
    """The polynomial with these roots.

    For a square matrix it is the characteristic polynomial.
    """
    roots = as_operand(seq_of_zeros)
    roots = np.linalg.eigvals(roots) if roots.ndim == 2 else np.atleast_1d(roots)
    if roots.ndim != 1:
        raise ValueError(f"poly of {describe(seq_of_zeros)}: expected a vector of roots or a square matrix")
    p, none = filled(1, 1, roots), filled(1, 0, roots)
    for root in roots:
        p = np.concatenate([p, none]) - root * np.concatenate([none, p])
    return p


@implements("roots")
def roots(p: Any) -> Any:
    """The roots of a polynomial, all of which are real.

    Raises:
        LinAlgError: if some are complex.
    """
    p = as_operand(p)
    if p.ndim != 1:
        raise ValueError(f"roots of {describe(p)}: expected a vector of coefficients")
    place = on_cpu(np.flatnonzero(values(p))).tolist()
    if not len(place):
        return p[:0]
    zeros, p = len(p) - place[-1] - 1, p[place[0] : place[-1] + 1]
    if len(p) == 1:
        return np.pad(p[:0], (0, zeros))
    companion = np.concatenate([(-p[1:] / p[0])[None], asarray_like(np.eye(len(p) - 2, len(p) - 1, dtype=p.dtype), p)])
    return np.pad(np.linalg.eigvals(companion), (0, zeros))


@implements("polyfit")
def polyfit(
    x: Any, y: Any, deg: int, rcond: float | None = None, full: bool = False, w: Any = None, cov: Any = False
) -> Any:
    """Fit a polynomial to points (x, y), by least squares.

    Args:
        x: the coordinates of the points.
        y: the values of the points.
        deg: the degree of the polynomial.
        rcond: the relative cutoff of small singular values.
        full: not supported.
        w: the weight of each residual, applied before squaring.
        cov: not supported.

    Raises:
        TypeError: for `full` and `cov`, which return more than the polynomial.
    """
    if full or cov:
        raise TypeError("np.polyfit of a tensor gives the polynomial alone: full and cov are False")
    x, y, w = operands(x, y, w)
    left, right = vander(x, deg + 1), y
    if w is not None:
        left, right = left * w[:, None], right * (w[:, None] if y.ndim > 1 else w)
    scale = np.sqrt(np.sum(left * left, axis=0))
    rcond = len(x) * float(np.finfo(left.dtype).eps) if rcond is None else rcond
    solution = np.linalg.lstsq(left / scale, right, rcond)[0]
    return (solution.T / scale).T


@implements("vander")
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:  # noqa: N803 - NumPy's name
    """The Vandermonde matrix of a vector.

    Each row contains N powers of an element, the highest first unless `increasing`.
    """
    x = as_operand(x)
    if x.ndim != 1:
        raise ValueError(f"vander of {describe(x)}: expected a vector")
    count = len(x) if N is None else N
    if not count:
        return filled((len(x), 0), 0, x)
    powers = [x**k for k in range(count)]
    return np.stack(powers if increasing else powers[::-1], 1)
