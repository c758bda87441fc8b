"""Padding, in all modes of `numpy.pad`."""

from __future__ import annotations

from typing import Any

from minigrad.engine import Tensor
from minigrad.engine.arrays import asarray_like
from minigrad.ops import shape as shape_of
from minigrad.ops.compositions import implements, np
from minigrad.ops.indexing import as_operand, normalize_axis

_STATISTICS: dict[str, Any] = {"maximum": np.max, "minimum": np.min, "mean": np.mean, "median": np.median}
_MODES = {
    "constant": "constant_values",
    **dict.fromkeys(("reflect", "symmetric"), "reflect_type"),
    "linear_ramp": "end_values",
    **dict.fromkeys(_STATISTICS, "stat_length"),
    **dict.fromkeys(("edge", "wrap", "empty"), ""),
}
"""The modes of `numpy.pad`, with the keyword of each."""


@implements("pad")
def pad(
    array: Any,
    pad_width: Any,
    mode: str = "constant",
    *,
    constant_values: Any = None,
    end_values: Any = None,
    stat_length: Any = None,
    reflect_type: str | None = None,
) -> Any:
    """Pad both ends of each axis, in turn.

    The mode "empty" pads with zeros.

    Args:
        array: the array.
        pad_width: (before, after) for each axis, one pair or one number for all axes, or a dict of these by axis.
        mode: a mode of `numpy.pad`.
        constant_values: for "constant", the values, in the form of `pad_width`; 0 by default.
        end_values: for "linear_ramp", the values at the ends, in the form of `pad_width`; 0 by default.
        stat_length: for "maximum", "minimum", "mean" and "median", the number of elements at the end to use; by default
            all.
        reflect_type: for "reflect" and "symmetric": "even", or "odd" to reflect about the end value.
    """
    array = as_operand(array)
    if mode not in _MODES:
        raise ValueError(f"pad: mode is one of {', '.join(_MODES)}, got {mode!r}")
    options = {
        "constant_values": constant_values,
        "end_values": end_values,
        "stat_length": stat_length,
        "reflect_type": reflect_type,
    }
    option = options.pop(_MODES[mode], None)
    if unknown := [name for name, value in options.items() if value is not None]:
        raise ValueError(f"pad: the mode {mode!r} takes {_MODES[mode] or 'no keyword'}, got {', '.join(unknown)}")
    if isinstance(pad_width, dict):
        given = {normalize_axis(axis, array.ndim, "pad"): pair for axis, pair in pad_width.items()}
        pad_width = [np.broadcast_to(given.get(axis, 0), 2).tolist() for axis in range(array.ndim)]
    is_even = mode in ("edge", "wrap") or (mode in ("reflect", "symmetric") and option in (None, "even"))
    if is_even or (mode in ("constant", "empty") and not isinstance(option, Tensor) and np.ndim(option) == 0):
        value = {"constant_values": option} if mode == "constant" and option is not None else {}
        return shape_of.pad(array, pad_width, "constant" if mode == "empty" else mode, **value)
    if mode in ("reflect", "symmetric") and option != "odd":
        raise ValueError(f"pad: reflect_type is 'even' or 'odd', got {option!r}")
    shape_of.pad(np.zeros(array.shape), pad_width)  # raises for invalid widths
    pairs = [[None] * 2] * array.ndim if option is None else np.broadcast_to(option, (array.ndim, 2))
    for axis, (before, after) in enumerate(np.broadcast_to(pad_width, (array.ndim, 2)).tolist()):
        if before or after:
            array = np.moveaxis(_pad_first_axis(np.moveaxis(array, axis, 0), before, after, mode, pairs[axis]), 0, axis)
    return array


def _pad_first_axis(x: Any, before: int, after: int, mode: str, option: Any) -> Any:
    """The array, padded at both ends of its first axis."""
    if mode in ("reflect", "symmetric"):
        return _odd(x, before, after, mode)
    ends = []
    for own, width, value in ((x, before, option[0]), (x[::-1], after, option[1])):
        if mode == "linear_ramp":
            ends.append(np.linspace(own[0] * 0 + (0 if value is None else value), own[0], width, endpoint=False))
            continue
        if mode in _STATISTICS:
            length = len(x) if value is None else int(value)
            if length < 1:
                raise ValueError(f"pad: stat_length is at least 1, got {length}")
            value = _STATISTICS[mode](own[:length], axis=0)
            value = value if x.dtype.kind == "f" else np.round(value)
        end = np.broadcast_to(value, (width, *x.shape[1:]))
        ends.append(asarray_like(end, x) if isinstance(end, np.ndarray) else end)
    first, last = [end if end.dtype == x.dtype else np.astype(end, x.dtype) for end in ends]
    return np.concatenate([first, x, last[::-1]])


def _odd(x: Any, before: int, after: int, mode: str) -> Any:
    """The array, extended by odd reflection at its ends.

    In the q-th period from the array itself, the result is ±x plus multiples of the first and the last element.
    """
    widths = [(before, after)] + [(0, 0)] * (x.ndim - 1)
    mirrored = shape_of.pad(x, widths, mode)
    period = len(x) - (mode == "reflect")
    if not period:  # a single element, which NumPy repeats
        return mirrored
    places = np.arange(-before, len(x) + after)
    q = np.where((places >= 0) & (places < len(x)), 0, places // period).reshape((-1,) + (1,) * (x.ndim - 1))
    times = np.where(q % 2, -1, 1), q + q % 2, np.where(q % 2, 1 - q, -q)
    sign, last, first = [asarray_like(number.astype(x.dtype), x) for number in times]
    return mirrored * sign + x[-1:] * last + x[:1] * first
