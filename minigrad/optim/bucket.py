"""Parameters that are updated together, with their state laid end to end.

An update of many small arrays spends its time on calls, not on numbers. So the state of neighbouring parameters lies in
flat arrays, one for each kind, and an optimizer's formula runs over these; only reading the gradients and writing the
parameters, which are the user's arrays, goes one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minigrad.engine import Tensor

Array = NDArray[Any]

LIMIT = 2**18
"""Elements in a bucket: enough to hide the calls, few enough for a cache (AdamW on 10 million: 17 ms; at 2**22, 22)."""

LANES = 4
"""How many arrays to work in the buckets share, which is how many of them may be updated at a time."""


class Bucket:
    """Neighbouring parameters of one dtype, that have had the same number of updates.

    Attributes:
        step: the number of updates.
        state: the flat arrays (n,) that outlive a step, by name; n is the number of elements of all parameters.
        update: a flat array (n,) to work in. It is that of all buckets of one `lane`, and holds nothing from one step
            to the next.
    """

    __slots__ = ("_pieces", "lane", "params", "state", "step", "update")

    def __init__(
        self, params: Sequence[Tensor], states: Sequence[dict[str, Any]], lane: int, work: NDArray[np.uint8]
    ) -> None:
        self.params = params
        self.lane = lane
        self.step: int = states[0].get("step", 0)
        self.state: dict[str, Array] = {
            name: np.concatenate([np.ravel(state[name]) for state in states], dtype=params[0].dtype)
            for name in states[0]
            if name != "step"
        }
        self.update: Array = work.view(params[0].dtype)[: sum(p.size for p in params)]
        self._pieces = self._cut(self.update)

    def _cut(self, flat: Array) -> list[Array]:
        """A flat array (n,) as views in the shapes of the parameters."""
        ends = list(accumulate(p.size for p in self.params))
        return [flat[end - p.size : end].reshape(p.shape) for p, end in zip(self.params, ends, strict=True)]

    def states(self) -> list[dict[str, Any]]:
        """Returns the state of each parameter: `step`, and views in its shape."""
        views = {name: self._cut(flat) for name, flat in self.state.items()}
        return [
            {"step": self.step, **{name: pieces[i] for name, pieces in views.items()}} for i in range(len(self.params))
        ]

    def kept(self, name: str) -> Array:
        """Returns the flat array (n,) of this name, which begins as zeros and outlives the step."""
        if name not in self.state:
            self.state[name] = np.zeros_like(self.update)
        return self.state[name]

    def gather(self, gradients: Sequence[Array], scale: float = 1.0, decay: float = 0.0) -> Array:
        """Fills `update` with scale · (gradient + decay · parameter), and returns it."""
        if decay:
            for p, gradient, piece in zip(self.params, gradients, self._pieces, strict=True):
                np.multiply(p.data, decay, out=piece)
                np.add(piece, gradient, out=piece)
            self.update *= scale
        else:
            factor = np.asarray(scale, self.update.dtype)  # half the overhead of a Python number, call by call
            for gradient, piece in zip(gradients, self._pieces, strict=True):
                np.multiply(gradient, factor, out=piece)
        return self.update

    def scale(self, factor: float) -> None:
        """Multiplies the parameters by `factor`."""
        number = np.asarray(factor, self.update.dtype)
        for p in self.params:
            np.multiply(p.data, number, out=p.data)

    def subtract(self) -> None:
        """Subtracts `update` from the parameters."""
        for p, piece in zip(self.params, self._pieces, strict=True):
            np.subtract(p.data, piece, out=p.data)
            p.bump()


def pack(params: Sequence[Tensor], states: Sequence[dict[str, Any]]) -> list[Bucket]:
    """Lays neighbours of one dtype, of the same step and kinds of state, and all or none with a gradient, together.

    A bucket has at most `LIMIT` elements, unless one parameter alone has more. `states` are those of the parameters, as
    `Bucket.states` gives them; {} for one that was never updated.
    """
    parts: list[tuple[list[Tensor], list[dict[str, Any]]]] = []
    last: tuple[Any, ...] = ()
    size = 0
    for p, state in zip(params, states, strict=True):
        kind = (p.dtype, p.grad is None, state.get("step"), *state)
        if kind != last or size + p.size > LIMIT:
            parts.append(([], []))
            last, size = kind, 0
        parts[-1][0].append(p)
        parts[-1][1].append(state)
        size += p.size
    sizes = [sum(p.data.nbytes for p in part) for part, _ in parts]
    room = [max(sizes[lane::LANES], default=0) for lane in range(LANES)]
    works = [np.empty(size + -size % 16, np.uint8) for size in room]  # whole elements of every dtype
    return [Bucket(*part, i % LANES, works[i % LANES]) for i, part in enumerate(parts)]
