"""Buckets: parameters that are updated together as one flat array.

An update of many small arrays spends its time on calls, not on numbers. So the state of neighbouring parameters lies in
flat arrays, one for each kind, and an optimizer's formula runs over these; only reading the gradients and writing the
parameters, which are the user's arrays, goes one by one.

An update of a large array spends its time on memory. So each stretch of its rows, small enough for a cache, has a
bucket of its own, if the formula takes each element by itself (6.4 million by AdamW: 30 → 21 ms on one core).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from itertools import accumulate
from math import prod
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from minigrad.devices import foreign
from minigrad.engine import Tensor
from minigrad.ops.row_gradient import RowGradient
from minigrad.optim.parameters import gradient_of

Array = NDArray[Any]

LIMIT = 2**18
"""Elements in a bucket: enough to hide the calls, few enough for a cache (AdamW on 10 million: 17 ms; at 2**22, 22)."""

LANES = 4
"""The number of work arrays that buckets share, and so of buckets updated in parallel."""


class Stretch(NamedTuple):
    """Rows of a parameter that are updated by themselves.

    Attributes:
        rows: where they are.
        places: where their elements are in a flat array of the whole.
        wholes: the flat arrays of all stretches of the parameter that outlive a step, by name.
    """

    rows: slice
    places: slice
    wholes: dict[str, Array]


class Bucket:
    """Neighbouring parameters of one dtype, updated together.

    It may also be a stretch of a large one.

    All of them have had the same number of updates.

    Attributes:
        step: the number of updates.
        numbers: what else outlives a step and is one number for all parameters, by name.
        state: the flat arrays (n,) that outlive a step, by name; n is the number of elements to update.
        update: a flat array (n,) to work in. It is that of all buckets of one `lane`, and holds nothing from one step
            to the next.
    """

    __slots__ = ("_pieces", "_stretch", "_work", "lane", "numbers", "params", "state", "step", "update")

    def __init__(
        self,
        params: Sequence[Tensor],
        states: Sequence[dict[str, Any]],
        lane: int,
        work: NDArray[np.uint8],
        stretch: Stretch | None = None,
    ) -> None:
        self.params = params
        self._stretch = stretch
        self.lane = lane
        arrays = [name for name, value in states[0].items() if isinstance(value, (np.ndarray, *foreign))]
        self.numbers: dict[str, Any] = {name: value for name, value in states[0].items() if name not in arrays}
        self.step: int = self.numbers.pop("step", 0)
        self.state: dict[str, Array] = {}
        for name in arrays:
            if stretch is None:
                self.state[name] = np.concatenate([np.ravel(state[name]) for state in states], dtype=params[0].dtype)
            else:
                self.state[name] = stretch.wholes[name][stretch.places]
        self._work = work
        self.update: Array = work.view(params[0].dtype)[: sum(_part(p.data, stretch).size for p in params)]
        self._pieces = self._cut(self.update)

    def __deepcopy__(self, memo: dict[int, Any]) -> Bucket:
        """Copy the bucket, keeping `update`'s views as views.

        Copied one by one, the pieces would no longer share memory with the copy's `update`.
        """
        stretch = deepcopy(self._stretch, memo)
        return Bucket(deepcopy(self.params, memo), self.states(), self.lane, deepcopy(self._work, memo), stretch)

    def _cut(self, flat: Array) -> list[Array]:
        """Return views of a flat array (n,) in the shapes of what is updated."""
        shapes = [_part(p.data, self._stretch).shape for p in self.params]
        ends = accumulate(prod(shape) for shape in shapes)
        return [flat[end - prod(shape) : end].reshape(shape) for shape, end in zip(shapes, ends, strict=True)]

    def states(self) -> list[dict[str, Any]]:
        """Return each parameter's state: `step`, other numbers, views."""
        if self._stretch is None:
            views = {name: self._cut(flat) for name, flat in self.state.items()}
        else:
            views = {name: [self._stretch.wholes[name].reshape(self.params[0].shape)] for name in self.state}
        return [
            {"step": self.step, **self.numbers, **{name: pieces[i] for name, pieces in views.items()}}
            for i in range(len(self.params))
        ]

    def kept(self, name: str, first: float = 0.0) -> Array:
        """Return the flat state array of this name, (n,).

        It is created full of `first`, and kept from step to step.
        """
        if name not in self.state:
            if self._stretch is None:
                self.state[name] = np.full_like(self.update, first)
            else:
                wholes, size = self._stretch.wholes, self.params[0].size
                with _first:  # for two parts updated in parallel
                    if name not in wholes:
                        wholes[name] = np.full_like(self.update, first, shape=size)
                self.state[name] = wholes[name][self._stretch.places]
        return self.state[name]

    def gather(
        self, gradients: Sequence[Array | RowGradient], scale: float = 1.0, decay: float = 0.0, maximize: bool = False
    ) -> Array:
        """Fill `update` with scale · (±gradient + decay · parameter).

        The sign of the gradient is minus to maximize. Returns `update`, (n,).
        """
        gradients = self._own(gradients)
        if decay:
            for data, gradient, piece in zip(self._data(), gradients, self._pieces, strict=True):
                np.multiply(data, decay, out=piece)
                if maximize:
                    piece -= gradient
                else:
                    piece += gradient
            self.update *= scale
        else:
            factor = self._number(-scale if maximize else scale)
            for gradient, piece in zip(gradients, self._pieces, strict=True):
                if isinstance(gradient, RowGradient):
                    piece.fill(0)
                    piece[gradient.index] = gradient.rows * factor
                else:
                    np.multiply(gradient, factor, out=piece)
        return self.update

    def _number(self, value: float) -> Any:
        """A number to compute with: an array for NumPy, with half the overhead of a Python number, call by call."""
        return np.asarray(value, self.update.dtype) if type(self.update) is np.ndarray else value

    def scale(self, factor: float) -> None:
        """Multiply the parameters by `factor`."""
        number = self._number(factor)
        for data in self._data():
            np.multiply(data, number, out=data)

    def matrices(self) -> list[Array]:
        """Return views of `update` in the parameters' shapes.

        For updates that are not element-wise.
        """
        return self._pieces

    def descend(self, gradients: Sequence[Array | RowGradient], rate: float) -> None:
        """Subtract rate · gradient from the parameters.

        Of row gradients only the rows that are there are touched.
        """
        factor = self._number(rate)
        for p, data, gradient, piece in zip(self.params, self._data(), self._own(gradients), self._pieces, strict=True):
            if isinstance(gradient, RowGradient):
                data[gradient.index] -= gradient.rows * factor
            else:
                np.subtract(data, np.multiply(gradient, factor, out=piece), out=data)
            p.bump()

    def subtract(self) -> None:
        """Subtract `update` from the parameters."""
        for p, data, piece in zip(self.params, self._data(), self._pieces, strict=True):
            np.subtract(data, piece, out=data)
            p.bump()

    def _data(self) -> list[Array]:
        """The arrays that are updated."""
        return [_part(p.data, self._stretch) for p in self.params] if self._stretch else [p.data for p in self.params]

    def _own(self, gradients: Sequence[Array | RowGradient]) -> Sequence[Array | RowGradient]:
        """The parts of the parameters' gradients for the updated arrays."""
        if self._stretch is None:
            return gradients
        rows = self._stretch.rows
        return [g.within(rows) if isinstance(g, RowGradient) else g[rows] for g in gradients]


_first = Lock()


def pack(params: Sequence[Tensor], states: Sequence[dict[str, Any]], is_elementwise: bool = False) -> list[Bucket]:
    """Pack neighbouring parameters into buckets.

    Those in one bucket have the same dtype, step count and kinds of state, and all or none have a gradient.

    A bucket has at most `LIMIT` elements, unless one parameter alone has more, or one row of it.

    Args:
        params: the parameters.
        states: theirs, as `Bucket.states` gives them; {} for one that was never updated.
        is_elementwise: whether a large parameter may be updated stretch by stretch.
    """
    parts: list[tuple[list[Tensor], list[dict[str, Any]]]] = []
    last: tuple[Any, ...] = ()
    size = 0
    for p, state in zip(params, states, strict=True):
        own = [name if isinstance(value, (np.ndarray, *foreign)) else (name, value) for name, value in state.items()]
        kind = (p.dtype, gradient_of(p) is None, *own)
        if kind != last or size + p.size > LIMIT:
            parts.append(([], []))
            last, size = kind, 0
        parts[-1][0].append(p)
        parts[-1][1].append(state)
        size += p.size
    whole = [(*part, stretch) for part in parts for stretch in (_stretches(part) if is_elementwise else (None,))]
    sizes = [sum(_part(p.data, stretch).nbytes for p in part) for part, _, stretch in whole]
    room = [max(sizes[lane::LANES], default=0) for lane in range(LANES)]
    # whole elements of every dtype
    works = [np.empty(size + -size % 16, np.uint8, like=params[0].data) for size in room]
    return [Bucket(part, state, i % LANES, works[i % LANES], stretch) for i, (part, state, stretch) in enumerate(whole)]


def _part(array: Array, stretch: Stretch | None) -> Array:
    return array if stretch is None else array[stretch.rows]


def _stretches(part: tuple[list[Tensor], list[dict[str, Any]]]) -> Sequence[Stretch | None]:
    """Stretches of a parameter that is large, of whole rows; (None,) for a bucket that stays whole."""
    (p, *_), (state, *_) = part
    if p.size <= LIMIT or len(p) < 2:
        return (None,)
    row = p.size // len(p)
    step = max(1, LIMIT // row)
    kept: dict[str, Any] = {name: a for name, a in state.items() if isinstance(a, (np.ndarray, *foreign))}
    wholes = {name: array.astype(p.dtype).reshape(-1) for name, array in kept.items()}  # copies
    starts = range(0, len(p), step)
    return [Stretch(slice(start, start + step), slice(start * row, (start + step) * row), wholes) for start in starts]
