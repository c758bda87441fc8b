"""Products of vectors, matrices and arrays, and diagonals."""

from __future__ import annotations

import math
import string
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.engine.apply import numpy_functions, primitive
from minigrad.engine.broadcast import broadcast_to
from minigrad.engine.errors import describe
from minigrad.ops.elementwise import multiply
from minigrad.ops.indexing import as_operand, getitem, index_add, normalize_axis
from minigrad.ops.reduction import sum
from minigrad.ops.shape import moveaxis, reshape, transpose

Array = NDArray[Any]


def _matmul_x(g: Any, y: Any, x_shape: tuple[int, ...]) -> Any:
    """g yᵀ, with vectors as matrices."""
    if y.ndim == 1:
        return g[..., None] * y
    if len(x_shape) == 1:
        return (g[..., None, :] @ y.swapaxes(-1, -2))[..., 0, :]
    return g @ y.swapaxes(-1, -2)


def _matmul_y(g: Any, x: Any, y_shape: tuple[int, ...]) -> Any:
    """xᵀ g, with vectors as matrices; a single product if y is one matrix for a stack."""
    if x.ndim == 1:
        return g * x if len(y_shape) == 1 else x[:, None] * g[..., None, :]
    if len(y_shape) == 1:
        return g.reshape(-1) @ _rows(x)
    if len(y_shape) == 2:
        return _rows(x).swapaxes(0, 1) @ _rows(g)
    return x.swapaxes(-1, -2) @ g


def _rows(x: Any) -> Any:
    """Flatten all leading axes into one."""
    return x.reshape((math.prod(x.shape[:-1]), x.shape[-1]))


matmul = primitive("matmul", np.matmul, _matmul_x, _matmul_y)

# Products computed as a matmul of rearranged arrays.


def tensordot(x: Any, y: Any, axes: int | tuple[Any, Any] = 2) -> Any:
    """Sum the products over pairs of axes, as `numpy.tensordot`.

    The result has the other axes of x, then those of y.

    Args:
        x: the first array.
        y: the second array.
        axes: the number n of axes to sum over, the last n of x and the first n of y; or a list of axes of x and a list
            of as many axes of y.

    Raises:
        ValueError: if the axes of a pair differ in length.
    """
    x, y = as_operand(x), as_operand(y)
    if isinstance(axes, (int, np.integer)):
        axes = (tuple(range(x.ndim - axes, x.ndim)), tuple(range(axes)))
    of_x, of_y = (
        [normalize_axis(int(axis), array.ndim, "tensordot") for axis in np.atleast_1d(of).tolist()]
        for of, array in zip(axes, (x, y), strict=True)
    )
    if [x.shape[i] for i in of_x] != [y.shape[i] for i in of_y]:
        raise ValueError(
            f"tensordot of x {describe(x)}, y {describe(y)}: the summed axes {of_x} of x and {of_y} of y are to be "
            "pairs of the same length"
        )
    kept_x = [i for i in range(x.ndim) if i not in of_x]
    kept_y = [i for i in range(y.ndim) if i not in of_y]
    length = math.prod(x.shape[i] for i in of_x)
    rows, columns = [x.shape[i] for i in kept_x], [y.shape[i] for i in kept_y]
    left = reshape(transpose(x, (*kept_x, *of_x)), (math.prod(rows), length))
    right = reshape(transpose(y, (*of_y, *kept_y)), (length, math.prod(columns)))
    return reshape(matmul(left, right), (*rows, *columns))


def dot(x: Any, y: Any) -> Any:
    """The dot product, as `numpy.dot`.

    It sums over the last axis of x and the second-to-last (or only) axis of y. If one is 0-d, it is the plain product.
    """
    x, y = as_operand(x), as_operand(y)
    if x.ndim == 0 or y.ndim == 0:
        return multiply(x, y)
    if y.ndim <= 2:
        return matmul(x, y)
    return tensordot(x, y, (-1, -2))


def inner(x: Any, y: Any) -> Any:
    """The inner product, as `numpy.inner`.

    It sums over the last axes of x and y. If one is 0-d, it is the plain product.
    """
    x, y = as_operand(x), as_operand(y)
    return multiply(x, y) if x.ndim == 0 or y.ndim == 0 else tensordot(x, y, (-1, -1))


def outer(x: Any, y: Any) -> Any:
    """The outer product, with a row per element of x."""
    return multiply(reshape(as_operand(x), (-1, 1)), reshape(as_operand(y), (1, -1)))


# einsum


def _contract(arrays: Sequence[Array], subscripts: str) -> Array:
    """`numpy.einsum` with explicit output and without repeated axes."""
    return np.einsum(subscripts, *arrays, optimize=len(arrays) > 1)


def _contract_rule(g: Any, arrays: list[Any], subscripts: str) -> list[Any]:
    """For each operand, g times all others, summed and repeated.

    It is summed over the axes that the operand lacks, and repeated along the axes that only the operand has.
    """
    terms, result = subscripts.split("->")
    names = terms.split(",")
    gradients = []
    for i, own in enumerate(names):
        others = [j for j in range(len(names)) if j != i]
        shared = [name for name in own if name in result or any(name in names[j] for j in others)]
        spec = ",".join([result, *(names[j] for j in others)]) + "->" + "".join(shared)
        part = contract([g, *(arrays[j] for j in others)], spec)
        lengths = iter(part.shape)
        part = reshape(part, tuple([next(lengths) if name in shared else 1 for name in own]))
        gradients.append(part if len(shared) == len(own) else _repeat_axes(part, arrays[i].shape))
    return gradients


def _repeat_axes(part: Any, shape: tuple[int, ...]) -> Any:
    return broadcast_to(part, np.broadcast_shapes(part.shape, shape))


contract = primitive("contract", _contract, _contract_rule, variadic=True)


def einsum(subscripts: str, *operands: Any) -> Any:
    """Sum of products by Einstein's convention, as `numpy.einsum`.

    For example `einsum("bij,bjk->bik", x, y)`.

    Args:
        subscripts: a letter for each axis, with operands separated by commas and `...` for further axes. After `->`
            come the axes of the result, by default the letters that occur once, in alphabetical order.
        operands: the arrays.

    Raises:
        ValueError: if the subscripts do not match the operands.
    """
    plain = [as_operand(operand) for operand in operands]
    terms, result = _axis_names(subscripts, plain)
    for i, operand in enumerate(plain):
        for name in sorted(set(terms[i])):
            while terms[i].count(name) > 1:  # a repeated letter: take the diagonal first
                first = terms[i].index(name)
                second = terms[i].index(name, first + 1)
                operand = diagonal(operand, 0, first, second)
                terms[i] = terms[i][:first] + terms[i][first + 1 : second] + terms[i][second + 1 :] + name
        plain[i] = operand
    lengths: dict[str, int] = {}
    for i, (term, operand) in enumerate(zip(terms, plain, strict=True)):
        for name, length in zip(term, operand.shape, strict=True):
            if length != 1 and lengths.setdefault(name, length) != length:
                raise ValueError(
                    f"einsum {subscripts!r}: axis {name!r} of operand {i}, {describe(operand)}, has length {length}, "
                    f"and {lengths[name]} before"
                )
    return contract(plain, ",".join(terms) + "->" + result)


def _axis_names(subscripts: str, operands: Sequence[Any]) -> tuple[list[str], str]:
    """Return the subscripts of the operands and of the result, with `...` expanded."""
    left, arrow, result = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise ValueError(f"einsum {subscripts!r} names {len(terms)} operands, got {len(operands)}")
    unused = [name for name in string.ascii_letters if name not in subscripts]
    dots = ""  # the letters of the longest `...`
    for i, (term, operand) in enumerate(zip(terms, operands, strict=True)):
        named = term.replace("...", "", 1)
        count = operand.ndim - len(named)
        if (count < 0 or (count and named == term)) or not (named.isalpha() or not named):
            raise ValueError(
                f"einsum {subscripts!r}: {term!r} does not name the axes of operand {i}, {describe(operand)}"
            )
        letters = "".join(unused[-count:] if count else "")
        terms[i] = term.replace("...", letters)
        dots = max(dots, letters, key=len)
    if not arrow:
        every = "".join(terms)
        result = dots + "".join(name for name in sorted(set(every)) if every.count(name) == 1 and name not in dots)
    elif dots and "..." not in result:
        raise ValueError(f"einsum {subscripts!r}: the result has to have the axes of '...'; write '...' there too")
    result = result.replace("...", dots)
    for name in result:
        if result.count(name) > 1 or not any(name in term for term in terms):
            raise ValueError(f"einsum {subscripts!r}: {name!r} of the result is to come once in it, and in an operand")
    return terms, result


# Diagonals and triangles.


def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The diagonals in two axes, as a last axis.

    The diagonal has the elements whose index along `axis2` is the index along `axis1` plus `offset`.
    """
    square = moveaxis(x, (axis1, axis2), (-2, -1))
    return getitem(square, (..., *_diagonal_index(square.shape[-2], square.shape[-1], offset)))


def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """The sum of a diagonal."""
    return sum(diagonal(x, offset, axis1, axis2), axis=-1)


def diag(x: Any, k: int = 0) -> Any:
    """A matrix's k-th diagonal, or the matrix of a vector.

    The matrix has the vector on its k-th diagonal and zeros elsewhere.

    Raises:
        ValueError: if x is neither a vector nor a matrix.
    """
    x = as_operand(x)
    if x.ndim == 2:
        return diagonal(x, k)
    if x.ndim != 1:
        raise ValueError(f"diag of {describe(x)}: expected a vector or a matrix; diagonal() takes any rank")
    side = x.shape[0] + abs(k)
    return index_add(x, _diagonal_index(side, side, k), (side, side))


def _diagonal_index(rows: int, columns: int, offset: int) -> tuple[Array, Array]:
    first = max(0, -offset)
    places = np.arange(first, max(first, min(rows, columns - offset)))
    return places, places + offset


def _tril(x: Array, k: int = 0) -> Array:
    """Matrices with zeros above their k-th diagonal."""
    if not x.ndim:
        raise ValueError("expected a matrix or a stack of them, (..., m, n)")
    return np.tril(x, k)


def _triu(x: Array, k: int = 0) -> Array:
    """Matrices with zeros below their k-th diagonal."""
    if not x.ndim:
        raise ValueError("expected a matrix or a stack of them, (..., m, n)")
    return np.triu(x, k)


tril = primitive("tril", _tril, lambda g, k: tril(g, k), numpy=np.tril)
triu = primitive("triu", _triu, lambda g, k: triu(g, k), numpy=np.triu)

numpy_functions.update(
    {
        np.tensordot: tensordot,
        np.dot: dot,
        np.inner: inner,
        np.outer: outer,
        np.diagonal: diagonal,
        np.trace: trace,
        np.diag: diag,
    }
)
