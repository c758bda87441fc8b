"""The matrix products of convolutions, by blocks on two cores."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.cores import LARGE, in_halves
from minigrad.engine.arrays import filled
from minigrad.ops.columns import Geometry, plan_for
from minigrad.ops.reduction import vecdot
from minigrad.ops.windows import Lengths

Array = NDArray[Any]

_SMALL = 10**6
"""Multiplications up to which OpenBLAS has kernels that do not repack matrices: a third faster for narrow ones."""

_WIDE = 2**10
"""Elements of a sum of products from which on `partner` is transposed once for the products of all kernel lines.

64 images of 16×16, 16 to 32 channels: 2.8 → 1.9 ms; 28×28, 32 to 32 channels: 7.2 → 6.7 ms; but 16 to 16: 1.9 → 2.0 ms.
"""

_HANDOVER = 16
"""Multiplications that take as long as reading or writing one element in memory."""


def convolve(x: Array, weight: Array, bias: Array | None, geometry: Geometry) -> Array:
    """Convolve x with weight, plus bias.

    x is (N, C, *size), weight (O, C/groups, *kernel), bias (O,); the result is (N, O, *places).
    """
    out, _ = _products(x, weight.shape, geometry, weight, bias)
    return out


def transposed(y: Array, weight: Array, size: Lengths, geometry: Geometry) -> Array:
    """Convolve y with weight, transposed.

    y is (N, O, *places), weight (O, C/groups, *kernel). In the result, (N, C, *size), each element of y adds a multiple
    of the kernel.
    """
    # this convolution has zeros around y, and 0 · inf is NaN: multiples of an infinite kernel are added instead
    if max(geometry.stride) == 1 and np.isfinite(weight).all():
        back = geometry.adjoint(size, weight.shape[2:], y.shape[2:])
        return convolve(y, _flip_kernels(weight, geometry.groups), None, back)
    n, channels = len(y), weight.shape[1] * geometry.groups
    plan = plan_for(size, weight.shape[2:], geometry, channels, len(weight), whole=True)
    (matrix,) = plan.matrices(weight).mT
    out = np.zeros((n, channels, *size), np.result_type(y, weight), like=y)

    def work(images: slice) -> None:
        results, part = plan.results(y[images]), out[images]
        for block in plan.blocks(len(part)):
            plan.scatter(np.matmul(matrix, results[block]), part[block])

    _by_halves(work, n, y.size * matrix[0].shape[0])
    return out


def correlate(x: Array, y: Array, kernel: Lengths, geometry: Geometry) -> Array:
    """The weight's gradient from x and y.

    x is (N, C, *size), y (N, O, *places). The result, (O, C/groups, *kernel), is the correlation of each pair of
    channels.
    """
    shape = (y.shape[1], x.shape[1] // geometry.groups, *kernel)
    _, weight = _products(x, shape, geometry, partner=y)
    return weight


def convolution_fused(
    g: Array,
    needs: Sequence[bool],
    x: Any,
    weight: Any,
    x_shape: Lengths,
    weight_shape: Lengths,
    geometry: Geometry,
) -> list[Array | None]:
    """The gradients of x, weight and bias.

    Those of x and weight are computed from the columns of g for the flipped kernel.
    """
    size, kernel, groups = x_shape[2:], weight_shape[2:], geometry.groups
    shares_columns = needs[0] and needs[1] and max(geometry.stride) == 1 and np.isfinite(weight).all()
    to_x = to_weight = None
    total: Any = None
    if needs[2] or shares_columns:
        rows = g.reshape(*g.shape[:2], math.prod(g.shape[2:]))
        total = vecdot(rows, filled(rows.shape[-1], 1, g)).sum(axis=0)
    if shares_columns:
        back, around = geometry.adjoint(size, kernel, g.shape[2:]), _flip_kernels(weight, groups)
        to_x, to_weight = _products(g, around.shape, back, around, partner=x)
        to_weight = _flip_kernels(to_weight, groups)
        # 0 · inf and 0 · NaN are NaN: the zeros are around g here, and around x in the rule
        if not (np.isfinite(to_weight).all() and np.isfinite(total).all()):
            to_weight = correlate(x, g, kernel, geometry)
    else:
        to_x = transposed(g, weight, size, geometry) if needs[0] else None
        to_weight = correlate(x, g, kernel, geometry) if needs[1] else None
    return [to_x, to_weight, total if needs[2] else None]


def transposed_convolution_fused(
    g: Array, needs: Sequence[bool], y: Any, weight: Any, weight_shape: Lengths, geometry: Geometry
) -> list[Array | None]:
    """The gradients of y and weight, from columns of g."""
    return list(_products(g, weight_shape, geometry, weight if needs[0] else None, partner=y if needs[1] else None))


def _products(
    x: Array,
    shape: Lengths,
    geometry: Geometry,
    weight: Array | None = None,
    bias: Array | None = None,
    partner: Array | None = None,
) -> tuple[Any, Any]:
    """Products of an image's columns with weights and other images.

    Args:
        x: (N, C, *size).
        shape: the shape of the weight, (O, C/groups, *kernel).
        geometry: the stride, padding, dilation and groups.
        weight: the weight; None if the first result is not needed.
        bias: added to the first result, (O,).
        partner: (N, O, *places); None if the second result is not needed.

    Returns:
        The convolution, (N, O, *places), and the summed products with `partner`, in the shape of the weight.
    """
    plan = plan_for(x.shape[2:], shape[2:], geometry, x.shape[1], shape[0])
    out: Any = None
    sums: Any = None
    if weight is not None:
        matrices = plan.matrices(weight)
        places = plan.places[len(plan.places) + 2 - len(shape) :]
        out = np.empty((len(x), shape[0], *places), np.result_type(x, weight), like=x)
        offset = None if bias is None else bias.reshape(geometry.groups, -1, 1)
    if partner is not None:
        rows = shape[1] * math.prod(plan.kernel[1:])
        lines = (plan.kernel[0], plan.groups, rows, shape[0] // plan.groups)
        sums = np.zeros((2, *lines), np.result_type(x, partner), like=x)

    def work(images: slice) -> None:
        results = None if out is None else plan.results(out[images])
        others = None if partner is None else partner[images]
        for block, seen in plan.seen(x[images]):
            if results is not None:
                _add_up(matrices, seen, offset, results[block])
            if others is not None:
                other = plan.results(others[block]).mT
                if len(seen) > 1 and seen[0].shape[2] * other.shape[3] >= _WIDE:
                    other = other.copy()
                for total, columns in zip(sums[int(images.start > 0)], seen, strict=True):
                    total += np.matmul(columns, other).sum(axis=0)

    _by_halves(work, len(x), len(x) * math.prod(plan.places) * math.prod(shape))
    return out, None if sums is None else plan.weight((sums[0] + sums[1]).mT).reshape(shape)


def _by_halves(work: Callable[[slice], object], n: int, multiplications: int) -> None:
    """Call `work` with all of n images, or with halves.

    Halves run on both cores, if that saves more than starting the second one costs. The split, and so the order of
    sums, depends only on sizes.
    """
    size = multiplications // _HANDOVER
    halves = [slice(0, n)] if n < 2 or size < LARGE else [slice(0, n // 2), slice(n // 2, n)]

    def some(start: int, stop: int) -> None:
        for half in halves[start:stop]:
            work(half)

    in_halves(some, len(halves), size)


def _add_up(matrices: Array, seen: list[Array], offset: Array | None, out: Array) -> None:
    """Fill out, (images, groups, O/groups, places), with the summed products of the kernel lines."""
    _multiply(matrices[0], seen[0], out)
    if len(seen) > 1:
        term = np.empty_like(out)
        for matrix, columns in zip(matrices[1:], seen[1:], strict=True):
            _multiply(matrix, columns, term)
            out += term
    if offset is not None:
        out += offset


def _multiply(matrix: Array, columns: Array, out: Array) -> None:
    """Fill out with matrices times columns.

    out is (images, groups, O, places), matrix (groups, O, K), columns (images, groups, K, places).
    """
    places = columns.shape[-1]
    parts = -(-matrix[0].size * places // _SMALL)
    size = -(-places // (16 * max(1, parts))) * 16
    if parts < 2 or size < 128:
        np.matmul(matrix, columns, out=out)
        return
    whole = places - places % size

    def split(array: Array) -> Array:
        return array[..., :whole].reshape(*array.shape[:-1], whole // size, size).swapaxes(-2, -3)

    np.matmul(matrix[:, None], split(columns), out=split(out))
    if whole < places:
        np.matmul(matrix, columns[..., whole:], out=out[..., whole:])


def _flip_kernels(weight: Any, groups: int) -> Array:
    """Return the flipped kernels with channels swapped: (O, C/groups, *kernel) becomes (C, O/groups, *kernel)."""
    o, c, *kernel = weight.shape
    weight = np.flip(weight, tuple(range(2, weight.ndim))).reshape(groups, o // groups, c, *kernel)
    return weight.swapaxes(1, 2).copy().reshape(groups * c, o // groups, *kernel)
