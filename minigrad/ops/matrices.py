"""NumPy's matrix norms, powers, pseudo-inverses and eigenvalues."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from functools import cache
from typing import Any, Literal, NamedTuple

from numpy.linalg import LinAlgError
from numpy.typing import DTypeLike, NDArray

from minigrad.engine.apply import primitive
from minigrad.engine.errors import describe
from minigrad.ops import decomposition, linalg, reduction
from minigrad.ops.compositions import implements, np, operands, values, write_out
from minigrad.ops.decomposition import EighResult, inv, solve
from minigrad.ops.indexing import as_operand, normalize_axis
from minigrad.ops.several import several
from minigrad.ops.shape import swapaxes

Array = NDArray[Any]

# Call forms.


@implements("einsum")
def einsum(*operands: Any, out: Any = None, optimize: Any = False, **keywords: Any) -> Any:
    """Sum of products by Einstein's convention.

    Subscripts are a string, or a list of integers after each operand. The order of contraction is always optimized,
    whatever `optimize` says.
    """
    dtype = keywords.pop("dtype", None)
    if unknown := keywords.keys() - {"order", "casting"}:
        raise TypeError(f"np.einsum takes out, optimize, dtype, order and casting, got {', '.join(sorted(unknown))}")
    if not operands or (len(operands) == 1 and isinstance(operands[0], str)):
        raise ValueError('einsum: expected subscripts and arrays, as in einsum("ij,jk->ik", x, y)')
    if not isinstance(operands[0], str):
        if len(operands) < 2:
            raise ValueError(
                "einsum: expected a list of integers behind each array, as in einsum(x, [0, 1], y, [1, 2])"
            )
        terms = [_subscripts(term) for term in operands[1::2]]
        result = f"->{_subscripts(operands[-1])}" if len(operands) % 2 else ""
        operands = (",".join(terms) + result, *operands[: len(operands) - len(operands) % 2 : 2])
    result = linalg.einsum(*operands)
    return write_out("einsum", result if dtype is None else result.astype(dtype), out)


def _subscripts(axes: Sequence[Any]) -> str:
    """Return the letters of numbered axes.

    Raises:
        TypeError: for anything but integers.
        ValueError: for numbers without a letter.
    """
    try:
        return "".join("..." if i is Ellipsis else string.ascii_letters[int(i)] for i in axes)
    except (TypeError, IndexError, ValueError):
        raise ValueError(f"einsum: a list behind an operand holds integers from 0 to 51, got {axes!r}") from None


@implements("linalg.diagonal")
def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """The diagonals of matrices."""
    return linalg.diagonal(x, offset, -2, -1)


@implements("linalg.trace")
def trace(x: Any, /, *, offset: int = 0, dtype: DTypeLike | None = None) -> Any:
    """The sums of the diagonals of matrices."""
    return np.sum(diagonal(x, offset=offset), axis=-1, dtype=dtype)


@implements("linalg.outer")
def outer(x1: Any, x2: Any, /) -> Any:
    """The outer product of two vectors."""
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(f"linalg.outer of {describe(x1)} and {describe(x2)}: expected two vectors; np.outer flattens")
    return linalg.outer(x1, x2)


@implements("linalg.matmul")
def matmul(x1: Any, x2: Any, /) -> Any:
    """The matrix product."""
    return linalg.matmul(x1, x2)


@implements("linalg.tensordot")
def tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    """Sum of products over pairs of axes."""
    return linalg.tensordot(x1, x2, axes)


@implements("matrix_transpose", "linalg.matrix_transpose")
def matrix_transpose(x: Any, /) -> Any:
    """Swap the last two axes."""
    if x.ndim < 2:
        raise ValueError(f"matrix_transpose of {describe(x)}: expected a matrix or a stack of them")
    return swapaxes(x, -1, -2)


@implements("linalg.cholesky")
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """The Cholesky factor of positive definite matrices.

    The result is L with L @ L.mT = a or, if `upper`, U with U.mT @ U = a.
    """
    return matrix_transpose(decomposition.cholesky(matrix_transpose(a))) if upper else decomposition.cholesky(a)


def _lower(a: Any, triangle: str) -> Any:
    """Return symmetric matrices with the triangle to read in the lower one."""
    if triangle.upper() not in ("L", "U"):
        raise ValueError(f"UPLO is 'L' or 'U', got {triangle!r}")
    return a if triangle.upper() == "L" else matrix_transpose(a)


@implements("linalg.eigh")
def eigh(a: Any, UPLO: Literal["L", "U", "l", "u"] = "L") -> EighResult:  # noqa: N803 - NumPy's name
    """Eigenvalues and eigenvectors of symmetric matrices.

    Only one triangle is read.
    """
    return decomposition.eigh(_lower(a, UPLO))


@implements("linalg.eigvalsh")
def eigvalsh(a: Any, UPLO: Literal["L", "U", "l", "u"] = "L") -> Any:  # noqa: N803 - NumPy's name
    """The eigenvalues of symmetric matrices."""
    return decomposition.eigh(_lower(a, UPLO)).eigenvalues


@implements("linalg.svdvals")
def svdvals(x: Any, /) -> Any:
    """The singular values, in descending order."""
    return decomposition.svd(x, compute_uv=False)


# Eigenvalues.


class EigResult(NamedTuple):
    """The result of `eig`.

    Attributes:
        eigenvalues: (..., n), in no order.
        eigenvectors: (..., n, n), as columns of length 1.
    """

    eigenvalues: Any
    eigenvectors: Any


def _eig(x: Array) -> EigResult:
    """Real eigenvalues and eigenvectors of (..., n, n).

    Raises:
        LinAlgError: if some are complex, as for a rotation.
    """
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise LinAlgError(f"eig of {describe(x)}: expected a square matrix or a stack of them, (..., n, n)")
    w, v = np.linalg.eig(x)
    if np.iscomplexobj(w):  # NumPy 2.5 returns complex arrays for real eigenvalues too
        if np.any(np.imag(w)):
            raise LinAlgError(
                f"eig of {describe(x)}: some eigenvalues are complex, which no tensor can hold; .detach().numpy() has "
                "them"
            )
        w, v = np.real(w), np.real(v)
    return EigResult(w, v)


def _eigenvalues_rule(g: Any, x: Any, results: EigResult) -> Any:
    v = results.eigenvectors
    return inv(v).mT @ (g[..., :, None] * v.mT)


def _eigenvectors_rule(g: Any, x: Any, results: EigResult) -> Any:
    """dV = V C, with normalized columns.

    Off the diagonal, C is V⁻¹ dx V divided by the gaps between eigenvalues; its diagonal keeps the columns at length 1.
    """
    w, v = results
    eye = np.identity(x.shape[-1], x.dtype, like=x)
    slope, products = v.mT @ g, v.mT @ v
    own = reduction.sum(slope * eye, axis=-2, keepdims=True)
    gaps = w[..., None, :] - w[..., :, None] + eye
    return inv(v).mT @ ((slope - products * own) * (1 - eye) / gaps) @ v.mT


eig = several("eig", _eig, _eigenvalues_rule, _eigenvectors_rule, numpy=np.linalg.eig)


@implements("linalg.eigvals")
def eigvals(a: Any) -> Any:
    """The eigenvalues, all of which are real.

    Raises:
        LinAlgError: if some are complex.
    """
    return eig(a).eigenvalues


# Norms.


@implements("linalg.norm")
def norm(x: Any, ord: float | str | None = None, axis: Any = None, keepdims: bool = False) -> Any:
    """The norm of vectors or matrices.

    For matrices, ord may also be 2, -2 or "nuc", norms of the singular values.
    """
    x = as_operand(x)
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    if len(axes) != 2 or ord not in (2, -2, "nuc"):
        return reduction.norm(x, ord, axis, keepdims)
    places = [normalize_axis(i, x.ndim, "norm") for i in axes]
    singular = svdvals(np.moveaxis(x, places, (-2, -1)))
    result = {2: reduction.max, -2: reduction.min, "nuc": reduction.sum}[ord](singular, axis=-1)
    return np.expand_dims(result, tuple(places)) if keepdims else result


@implements("linalg.matrix_norm")
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: float | str | None = "fro") -> Any:
    """The matrix norms over the last two axes."""
    return norm(x, ord, (-2, -1), keepdims)


@implements("linalg.cond")
def cond(x: Any, p: float | str | None = None) -> Any:
    """The condition numbers of matrices.

    It is the largest singular value divided by the smallest or, for another norm, ‖x‖ ‖x⁻¹‖.
    """
    if p in (None, 2, -2):
        s = svdvals(x)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return norm(x, p, (-2, -1)) * norm(inv(x), p, (-2, -1))


# Inverses and powers.


def _pinv(x: Array, rcond: Any = None, hermitian: bool = False) -> Array:
    """The pseudo-inverse of (..., m, n).

    Singular values of at most `rcond` times the largest count as zero. The derivative assumes that the rank is
    constant.
    """
    return np.linalg.pinv(x, 1e-15 if rcond is None else rcond, **({"hermitian": True} if hermitian else {}))


def _pinv_rule(g: Any, x: Any, out: Any) -> Any:
    """The gradient of the pseudo-inverse.

    Golub and Pereyra, "The differentiation of pseudo-inverses ..." (1973), equation 4.12.
    """
    p, pt, gt = out, out.mT, g.mT
    return -pt @ g @ pt + (gt - x @ (p @ gt)) @ (p @ pt) + (pt @ p) @ (gt - (gt @ p) @ x)


_pseudo_inverse = primitive("pinv", _pinv, _pinv_rule)


@implements("linalg.pinv")
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = np._NoValue) -> Any:
    """The Moore-Penrose pseudo-inverse.

    Singular values of at most `rcond` (or `rtol`) times the largest count as zero.
    """
    if a.ndim < 2:
        raise LinAlgError(f"pinv of {describe(a)}: expected a matrix or a stack of them, (..., m, n)")
    if rcond is None and rtol is None:
        rcond = max(a.shape[-2:]) * float(np.finfo(a.dtype).eps)
    elif rcond is None:
        rcond = 1e-15 if rtol is np._NoValue else rtol
    return _pseudo_inverse(a, rcond, hermitian)


@implements("linalg.lstsq")
def lstsq(a: Any, b: Any, rcond: Any = None) -> tuple[Any, Any, int, Any]:
    """The least-squares solution of a @ x = b.

    Returns:
        The solution x of least norm, the squared residuals, the rank of a, and the singular values of a.
    """
    a, b = operands(a, b)
    if a.ndim != 2 or b.ndim not in (1, 2) or len(a) != len(b):
        raise LinAlgError(f"lstsq of {describe(a)} and {describe(b)}: expected (m, n), and (m,) or (m, k)")
    rows, columns = a.shape
    least = float(np.finfo(a.dtype).eps) * max(rows, columns) if rcond in (None, -1) else rcond
    singular = svdvals(a)
    rank = int(np.sum(values(singular) > least * (np.max(values(singular)) if singular.size else 0)))
    x = np.matmul(_pseudo_inverse(a, least), b)
    distances = b - np.matmul(a, x)
    squares = np.sum(distances * distances, axis=0).reshape(-1)
    return x, squares if rank == columns < rows else squares[:0], rank, singular


@implements("linalg.matrix_power")
def matrix_power(a: Any, n: int) -> Any:
    """The n-th power of a matrix.

    If n is negative, it is a power of the inverse.
    """
    if not isinstance(n, (int, np.integer)):
        raise TypeError(f"matrix_power: n is an integer, got {n!r}")
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise LinAlgError(f"matrix_power of {describe(a)}: expected a square matrix or a stack of them, (..., n, n)")
    if n < 0:
        a, n = inv(a), -n
    if n == 0:
        return np.broadcast_to(np.identity(a.shape[-1], a.dtype, like=a), a.shape).copy()
    result = None
    while n:
        result = a if result is None and n % 2 else np.matmul(result, a) if n % 2 else result
        n //= 2
        a = np.matmul(a, a) if n else a
    return result


@implements("linalg.multi_dot")
def multi_dot(arrays: Sequence[Any]) -> Any:
    """The product of several matrices, in the cheapest order.

    The order needs the fewest multiplications. The first and last array may be vectors.
    """
    given = [as_operand(x) for x in arrays]
    if len(given) < 2:
        raise ValueError(f"multi_dot: expected two or more arrays, got {len(given)}")
    chain = [given[0].reshape((1, -1)) if given[0].ndim == 1 else given[0], *given[1:]]
    chain[-1] = chain[-1].reshape((-1, 1)) if given[-1].ndim == 1 else chain[-1]
    if any(x.ndim != 2 for x in chain):
        raise LinAlgError("multi_dot: expected matrices, and vectors at the ends alone")
    lengths = [x.shape[0] for x in chain] + [chain[-1].shape[1]]

    @cache
    def best(i: int, j: int) -> tuple[int, int]:
        """The cost of arrays i to j, and the split."""
        cuts = range(i, j)
        costs = [best(i, k)[0] + best(k + 1, j)[0] + lengths[i] * lengths[k + 1] * lengths[j + 1] for k in cuts]
        return min(zip(costs, cuts, strict=True)) if costs else (0, i)

    def product(i: int, j: int) -> Any:
        cut = best(i, j)[1]
        return chain[i] if i == j else np.matmul(product(i, cut), product(cut + 1, j))

    result = product(0, len(chain) - 1)
    shape = result.shape[given[0].ndim == 1 : None if given[-1].ndim > 1 else -1]
    return result.reshape(shape)


@implements("linalg.tensorsolve")
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """Solve tensordot(a, x, x.ndim) = b."""
    a, b = operands(a, b)
    if axes is not None:
        a = np.moveaxis(a, axes, range(a.ndim - len(axes), a.ndim))
    shape = a.shape[b.ndim :]
    count = math.prod(shape)
    if b.size != count or a.size != count * count:
        raise LinAlgError(f"tensorsolve of {describe(a)} and {describe(b)}: a is to have b.size² elements")
    return solve(a.reshape((count, count)), b.reshape(-1)).reshape(shape)


@implements("linalg.tensorinv")
def tensorinv(a: Any, ind: int = 2) -> Any:
    """The inverse of an array as a matrix.

    The first `ind` axes are the rows of the matrix, the others its columns.
    """
    if ind <= 0:
        raise ValueError(f"tensorinv: ind is 1 or more, got {ind}")
    rows = math.prod(a.shape[:ind])
    return inv(a.reshape((rows, -1))).reshape(a.shape[ind:] + a.shape[:ind])


@implements("linalg.svd")
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """The singular value decomposition, or the singular values alone."""
    return decomposition.svd(a, full_matrices, compute_uv)
