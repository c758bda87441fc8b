"""ONNX converters of operations that rearrange or repeat."""

from __future__ import annotations

import math

import numpy as np

from minigrad.formats.onnx.call import Call, Converter

END = 2**62
"""An index beyond the end of any axis."""


def _reshape(c: Call) -> str:
    return c.reshape(c[0])


def _transpose(c: Call) -> str:
    """A transposition, whose order of axes is found on an array whose axis i has length i + 1."""
    arguments = [c.attribute(i) for i in range(1, len(c.steps[0].arguments))]
    shape = tuple(range(1, len(c.shape(0)) + 1))
    order = c.steps[0].operation.forward(np.broadcast_to(0, shape), *arguments).shape
    return str(c.op("Transpose", c[0], perm=[n - 1 for n in order])) if order else c[0]


def _parts(c: Call) -> list[str]:
    """Return the names of a list of arrays, in the dtype of the result."""
    names = []
    for parts in zip(*c.values(0), strict=True):
        name, dtype = c.graph.name(parts), parts[0].dtype
        names.append(name if dtype == c.dtype else c.graph.cast(name, c.dtype))
    return names


def _concatenate(c: Call) -> str:
    axis, parts = c.attribute(1), _parts(c)
    if axis is None:
        parts = [c.op("Reshape", part, c.ints(-1)) for part in parts]
    return str(c.op("Concat", *parts, axis=int(axis or 0)))


def _stack(c: Call) -> str:
    axis = int(c.attribute(1))
    return str(c.op("Concat", *(c.op("Unsqueeze", part, c.ints(axis)) for part in _parts(c)), axis=axis))


def flip(c: Call, x: str, axes: tuple[int, ...]) -> str:
    """Reverse some axes."""
    n = len(axes)
    if not n:
        return x
    return str(c.op("Slice", x, c.ints(*[-1] * n), c.ints(*[-END] * n), c.ints(*axes), c.ints(*[-1] * n)))


def _flip(c: Call) -> str:
    axis = c.attribute(1)
    axes = range(len(c.shape(0))) if axis is None else [int(a) for a in np.atleast_1d(axis)]
    return flip(c, c[0], tuple(axes))


def _roll(c: Call) -> str:
    """The last elements of an axis, then the others; the split is counted from the end, to work for any length."""
    shift, axis, x, lengths = c.attribute(1), c.attribute(2), c[0], c.shape(0)
    if axis is None:
        x, lengths, axis = c.op("Reshape", x, c.ints(-1)), (math.prod(lengths),), 0
    for by, along in np.broadcast(shift, axis):
        if len({shape[int(along)] for shape in c.shapes(0)} if c.attribute(2) is not None else lengths) == 1:
            by = by % lengths[int(along)] if lengths[int(along)] else 0
        elif any(abs(by) > shape[int(along)] for shape in c.shapes(0)):
            c.refuse("the axis may be shorter than the shift")
        if by:
            x = c.op(
                "Concat", c.slice(x, int(along), -int(by), END), c.slice(x, int(along), 0, -int(by)), axis=int(along)
            )
    return c.reshape(x) if c.attribute(2) is None else x


def _tile(c: Call) -> str:
    reps = [(each,) if np.ndim(each) == 0 else tuple(each) for each in c.values(1)]
    ndim = c.ndim
    shapes = [(*[1] * (ndim - len(shape)), *shape) for shape in c.shapes(0)]
    x = c[0] if len(c.shape(0)) == ndim else c.reshape(c[0], shapes)
    return str(c.op("Tile", x, c.graph.lengths([(*[1] * (ndim - len(each)), *each) for each in reps])))


def _repeat(c: Call) -> str:
    axis, x, shapes = c.attribute(2), c[0], c.shapes(0)
    if axis is None:
        axis, x, shapes = 0, c.op("Reshape", x, c.ints(-1)), [(math.prod(shape),) for shape in shapes]
    axis %= len(shapes[0])
    if np.size(c.values(1)[0]) > 1:
        sources = np.repeat(np.arange(shapes[0][axis]), c.attribute(1))
        return str(c.op("Gather", x, c.graph.constant(sources, np.int64), axis=axis))
    times = [int(np.sum(each)) for each in c.values(1)]
    ones = [1] * (len(shapes[0]) + 1)
    copies = [(*ones[: axis + 1], each, *ones[axis + 2 :]) for each in times]
    return c.reshape(c.op("Tile", c.op("Unsqueeze", x, c.ints(axis + 1)), c.graph.lengths(copies)))


def _pad(c: Call) -> str:
    mode, n = c.attribute(2), len(c.shape(0))
    widths = np.broadcast_to(np.array(c.attribute(1), np.int64), (n, 2))
    if mode == "constant":
        return str(c.op("Pad", c[0], c.ints(*widths.T.reshape(-1).tolist()), c.number(c.attribute(3))))
    x = c[0]
    for axis, width in enumerate(widths.tolist()):
        if any(width):
            lengths = {shape[axis] for shape in c.shapes(0)}
            if len(lengths) > 1:
                c.refuse(f"an axis of any length cannot be padded with mode={mode!r}")
            x = c.op("Gather", x, c.graph.constant(np.pad(np.arange(*lengths), width, mode)), axis=axis)
    return x


def _cast(c: Call) -> str:
    return c.graph.cast(c[0], c.dtype)


def _triangle(upper: int) -> Converter:
    return lambda c: c.op("Trilu", c[0], c.graph.constant(int(c.attribute(1)), np.int64), upper=upper)


CONVERTERS: dict[str, Converter] = {
    **dict.fromkeys(("reshape", "squeeze", "expand_dims"), _reshape),
    **dict.fromkeys(("transpose", "swapaxes", "moveaxis"), _transpose),
    "concatenate": _concatenate,
    "stack": _stack,
    "flip": _flip,
    "roll": _roll,
    "tile": _tile,
    "repeat": _repeat,
    "pad": _pad,
    "cast": _cast,
    "broadcast_to": lambda c: c.op("Expand", c[0], c.graph.lengths(c.result_shapes)),
    "tril": _triangle(0),
    "triu": _triangle(1),
}
"""The converters by operation."""
