"""ONNX converters of reductions, cumulative sums, sorting and norms."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from minigrad.formats.onnx.call import Call, Converter


def add_reduction(c: Call, kind: str, x: str, axes: Sequence[int] | None, keepdims: bool) -> str:
    """Add a reduction over some axes; None means all.

    Before opset 18, axes are an attribute, except for sums.
    """
    if axes is None:
        return str(c.op(kind, x, keepdims=int(keepdims)))
    if not axes:
        return x
    if c.opset < 18 and kind != "ReduceSum":
        return str(c.op(kind, x, axes=list(axes), keepdims=int(keepdims)))
    return str(c.op(kind, x, c.ints(*axes), keepdims=int(keepdims)))


def _axes(c: Call, i: int = 1) -> tuple[int, ...] | None:
    axis = c.attribute(i)
    return None if axis is None else tuple(int(a) for a in np.atleast_1d(np.array(axis, np.int64)))


def _keepdims(c: Call) -> bool:
    return bool(c.attribute(len(c.steps[0].arguments) - 1))


def _reduction(kind: str) -> Converter:
    return lambda c: add_reduction(c, kind, c.cast(0, c.dtype), _axes(c), _keepdims(c))


def _truth(kind: str) -> Converter:
    def convert(c: Call) -> str:
        numbers = c.graph.cast(c.cast(0, np.bool_), np.int32)
        return c.graph.cast(add_reduction(c, kind, numbers, _axes(c), _keepdims(c)), np.bool_)

    return convert


def _variance(c: Call) -> str:
    axes, keepdims = _axes(c), _keepdims(c)
    x = c.cast(0, c.dtype)
    deviation = c.op("Sub", x, add_reduction(c, "ReduceMean", x, axes, True))
    squares = add_reduction(c, "ReduceSum", c.op("Mul", deviation, deviation), axes, keepdims)
    over = range(len(c.shape(0))) if axes is None else axes
    count = c.graph.expression([math.prod(shape[a] for a in over) - int(c.attribute(2)) for shape in c.shapes(0)])
    if isinstance(count, int):
        return str(c.op("Div", squares, c.number(count)))
    return str(c.op("Div", squares, c.graph.cast(c.op("Squeeze", c.graph.length(count)), c.dtype)))


def _vector_norm(c: Call) -> str:
    order, axes, keepdims = c.attribute(1), _axes(c, 2), _keepdims(c)
    x = c.cast(0, c.dtype)
    if order in (1, 2):
        return add_reduction(c, f"ReduceL{int(order)}", x, axes, keepdims)
    if math.isinf(order):
        return add_reduction(c, "ReduceMax" if order > 0 else "ReduceMin", c.op("Abs", x), axes, keepdims)
    if order == 0:
        there = c.graph.cast(c.op("Not", c.op("Equal", x, c.number(0))), c.dtype)
        return add_reduction(c, "ReduceSum", there, axes, keepdims)
    total = add_reduction(c, "ReduceSum", c.op("Pow", c.op("Abs", x), c.number(order)), axes, keepdims)
    return str(c.op("Pow", total, c.number(1 / order)))


def _place(kind: str) -> Converter:
    def convert(c: Call) -> str:
        axis, keepdims = c.attribute(1), _keepdims(c)
        x = c[0] if c.dtype_of(0) != np.bool_ else c.cast(0, np.int32)
        if axis is None:
            flat = c.op(kind, c.op("Reshape", x, c.ints(-1)), axis=0, keepdims=0)
            return c.reshape(flat)
        return str(c.op(kind, x, axis=int(axis), keepdims=int(keepdims)))

    return convert


def _cumsum(c: Call) -> str:
    axis, x = c.attribute(1), c.cast(0, c.dtype)
    if axis is None:
        axis, x = 0, c.op("Reshape", x, c.ints(-1))
    return str(c.op("CumSum", x, c.graph.constant(int(axis), np.int64)))


def _argsort(c: Call) -> str:
    """A stable sort, as the k smallest of k elements."""
    axis, x, shapes = c.attribute(1), c[0], c.shapes(0)
    if axis is None:
        axis, x, shapes = 0, c.op("Reshape", x, c.ints(-1)), [(math.prod(shape),) for shape in shapes]
    count = c.graph.lengths([(shape[axis],) for shape in shapes])
    return str(c.op("TopK", x, count, outputs=2, axis=int(axis), largest=0, sorted=1)[1])


def _searchsorted(c: Call) -> str:
    """The number of elements of the sorted vector that come before each value."""
    dtype = np.result_type(*[c.dtype_of(i) for i in (0, 1)])
    kind = "Less" if c.attribute(2) == "left" else "LessOrEqual"
    before = c.op(kind, c.cast(0, dtype), c.op("Unsqueeze", c.cast(1, dtype), c.ints(-1)))
    return add_reduction(c, "ReduceSum", c.graph.cast(before, np.int64), (-1,), False)


def _sum_to(c: Call) -> str:
    shape, own = c.steps[0].result.shape, c.shape(0)
    lead = len(own) - len(shape)
    axes = [*range(lead), *(lead + i for i, n in enumerate(shape) if n == 1 and own[lead + i] != 1)]
    return c.reshape(add_reduction(c, "ReduceSum", c.cast(0, c.dtype), axes, False))


_KINDS = {"sum": "Sum", "mean": "Mean", "max": "Max", "min": "Min", "prod": "Prod", "logsumexp": "LogSumExp"}

CONVERTERS: dict[str, Converter] = {
    **{name: _reduction(f"Reduce{kind}") for name, kind in _KINDS.items()},
    "all": _truth("ReduceMin"),
    "any": _truth("ReduceMax"),
    "var": _variance,
    "std": lambda c: c.op("Sqrt", _variance(c)),
    "vector_norm": _vector_norm,
    "argmax": _place("ArgMax"),
    "argmin": _place("ArgMin"),
    "cumsum": _cumsum,
    "argsort": _argsort,
    "searchsorted": _searchsorted,
    "sum_to": _sum_to,
}
"""The converters by operation."""
